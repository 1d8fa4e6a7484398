//! What narrows a question, as options: the same for `rollbook audit commits` and `rollbook feed`.

use ::audit::SESSION_REVOKED_WORD;
use clap::Args;
use domain::event::EventKind;
use domain::id::RequestId;
use domain::trail::{AttributePath, Network};

/// What an event must meet.
#[derive(Args)]
pub(crate) struct Filters {
    /// About this, as in group:Sales, connector:okta, credential:HINT or tenant; without a kind, a user
    #[arg(long, value_name = "KIND:NAME")]
    subject: Vec<String>,
    /// About this user
    #[arg(long)]
    user: Vec<String>,
    /// About this group
    #[arg(long)]
    group: Vec<String>,
    /// About this role
    #[arg(long)]
    role: Vec<String>,
    /// About this policy
    #[arg(long)]
    policy: Vec<String>,
    /// By this connector or operator, or by `system`
    #[arg(long, value_name = "NAME")]
    actor: Vec<String>,
    /// By this connector
    #[arg(long, value_name = "NAME")]
    connector: Vec<String>,
    /// With this key: an id or a hint
    #[arg(long, value_name = "KEY")]
    credential: Vec<String>,
    /// Of these types, as in RoleAssigned,RoleRevoked; SessionRevoked is whatever ends a user's sessions
    #[arg(long, value_name = "TYPES", value_delimiter = ',', value_parser = event_word)]
    event: Vec<String>,
    /// That change this attribute or one in it, as in title, name, name.givenName, department, userName, active
    #[arg(long, value_name = "PATH", value_parser = is::<AttributePath>)]
    attribute: Vec<String>,
    /// In this request: the id that the header Rollbook-Request told
    #[arg(long, value_name = "ID", value_parser = is::<RequestId>)]
    request: Vec<String>,
    /// From this address, or this range, as in 10.0.0.0/8
    #[arg(long, value_name = "ADDRESS", value_parser = is::<Network>)]
    address: Vec<String>,
    /// As --subject, and what it did itself or was done with it
    #[arg(long, value_name = "KIND:NAME")]
    involving: Vec<String>,
}

fn event_word(text: &str) -> Result<String, <EventKind as std::str::FromStr>::Err> {
    if text.eq_ignore_ascii_case(SESSION_REVOKED_WORD) {
        return Ok(SESSION_REVOKED_WORD.to_owned());
    }
    text.parse::<EventKind>().map(|kind| kind.name().to_owned())
}

impl Filters {
    /// In words, as `::audit::question` and the admin API take them.
    pub(crate) fn words(&self) -> Vec<(&'static str, String)> {
        let events = if self.event.is_empty() { Vec::new() } else { vec![self.event.join(",")] };
        let words = [
            ("subject", &self.subject),
            ("user", &self.user),
            ("group", &self.group),
            ("role", &self.role),
            ("policy", &self.policy),
            ("actor", &self.actor),
            ("connector", &self.connector),
            ("credential", &self.credential),
            ("event", &events),
            ("attribute", &self.attribute),
            ("request", &self.request),
            ("address", &self.address),
            ("involving", &self.involving),
        ];
        let pairs = |(word, values): (&'static str, &Vec<String>)| {
            values.iter().map(|value| (word, value.clone())).collect::<Vec<_>>()
        };
        words.into_iter().flat_map(pairs).collect()
    }
}

/// Text that reads as a `T`, so that a slip is told before anything is asked.
pub(super) fn is<T: std::str::FromStr>(text: &str) -> Result<String, T::Err> {
    text.parse::<T>().map(|_| text.to_owned())
}
