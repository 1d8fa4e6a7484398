//! `rollbook user`: users who are managed here, and what wins over every identity provider.

use clap::{Args, Subcommand};
use reqwest::Method;
use serde_json::json;

use crate::manage::report;
use crate::remote::ServedTenant;

/// Lock users whatever their identity provider says.
#[derive(Args)]
#[command(after_help = "\
Examples:
  rollbook user lock jane@acme.com --reason 'laptop stolen, case 4711'
  rollbook user unlock jane@acme.com

Who is locked may do nothing from that commit on. Their identity provider reads and writes them as ever, and what
it says of them is in effect again once they are unlocked.")]
pub(crate) struct User {
    #[command(subcommand)]
    verb: Verb,
    #[command(flatten)]
    tenant: ServedTenant,
}

#[derive(Subcommand)]
enum Verb {
    /// Let a user do nothing, whatever their identity provider says
    Lock {
        /// The user: a userName or an id
        user: String,
        /// Why: at most 256 characters; it is sealed with the person's values
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
    /// Let a user act again, if their identity provider says so
    Unlock {
        /// The user: a userName or an id
        user: String,
    },
}

impl User {
    pub(crate) async fn run(self) -> anyhow::Result<()> {
        let (remote, slug) = self.tenant.found().await?;
        let (user, body, word) = match self.verb {
            Verb::Lock { user, reason } => (user, Some(json!({ "reason": reason })), "locked"),
            Verb::Unlock { user } => (user, None, "unlocked"),
        };
        let method = if body.is_some() { Method::PUT } else { Method::DELETE };
        let path = ["tenants", slug.as_str(), "users", user.as_str(), "lock"];
        report(&remote.ask(method, &path, &[], body.as_ref()).await?, word);
        Ok(())
    }
}
