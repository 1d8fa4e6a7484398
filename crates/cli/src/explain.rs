//! `rollbook explain`: why somebody has a role, or is in a group, and why not.

pub(crate) mod tree;

use ::audit::explain::{Asked, Explanation, explain};
use ::audit::{Entry, Named};
use clap::{Args, Subcommand, ValueEnum};
use reqwest::Method;

use crate::audit::show::actor;
use crate::from::{At, From};
use crate::output::Format;
use crate::terminal::{No, say};

/// Explain why somebody has a role or is in a group, or why not, back to the requests that made it so.
#[derive(Args)]
#[command(after_help = "\
Examples:
  rollbook explain user jane@acme.com role Admin
  rollbook explain user jane@acme.com role Admin --at 2026-03-01T12:00:00Z --data ./data
  rollbook explain user jane@acme.com group Sales
  rollbook explain user jane@acme.com                every role that they have
  rollbook explain user jane@acme.com role Admin --json

Exit status: 0 when they have it (asked for neither role nor group: when they have any role); 1 when they do
not, when there is nobody of that name, or when it did not work. Somebody inactive may have a role and still
do nothing: the answer is yes, and says so.")]
pub(crate) struct Explain {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Why a user has a role or is in a group, or not
    User {
        /// The user: a userName in any case, also of one who is gone, or an id
        user: String,
        /// What is asked for; every role when not given
        #[arg(requires = "name")]
        what: Option<What>,
        /// The role's name, or the group's name or id
        name: Option<String>,
        /// The moment: a position, a time, or a day (its beginning, in UTC); now, when not given
        #[arg(long, value_name = "MOMENT")]
        at: Option<At>,
        #[command(flatten)]
        from: From,
    },
}

#[derive(Clone, Copy, ValueEnum)]
enum What {
    /// A role
    Role,
    /// A group
    Group,
}

const HEADING: [&str; 9] =
    ["WHAT", "THROUGH", "POSITION", "TIME", "BY", "FROM", "AGENT", "REQUEST", "HASH"];

impl Explain {
    pub(crate) async fn run(self) -> anyhow::Result<()> {
        let Verb::User { user, what, name, at, from } = self.verb;
        let asked = match (what, name) {
            (Some(What::Role), Some(name)) => Asked::Role(name),
            (Some(What::Group), Some(name)) => Asked::Group(name),
            (_, _) => Asked::Roles,
        };
        let explanation = match from.remote()? {
            Some(remote) => {
                let slug = remote.tenant(from.tenant()).await?;
                let mut query = vec![("user", user)];
                match asked {
                    Asked::Roles => {}
                    Asked::Role(name) => query.push(("role", name)),
                    Asked::Group(name) => query.push(("group", name)),
                }
                query.extend(at.map(|at| ("asOf", at.text)));
                let path = ["tenants", slug.as_str(), "explain"];
                serde_json::from_value(remote.ask(Method::GET, &path, &query, None).await?)?
            }
            None => {
                let (engine, tenant, moment) = from.folder(at.as_ref())?;
                explain(&engine, tenant, &moment, &user, &asked)?
            }
        };
        match from.output.format() {
            None => tree::show(&explanation),
            Some(Format::Json) => say(serde_json::to_string_pretty(&explanation)?),
            Some(Format::Ndjson) => say(serde_json::to_string(&explanation)?),
            Some(Format::Table | Format::Csv) => {
                let steps = steps(&explanation);
                from.output
                    .list(&steps, "nothing gives it", &HEADING, |step| vec![step.clone()])?;
            }
        }
        if explanation.answer { Ok(()) } else { Err(No.into()) }
    }
}

/// Every step of every chain, a line each.
fn steps(explanation: &Explanation) -> Vec<Vec<String>> {
    let mut steps = Vec::new();
    let mut step = |what: String, through: &Named, entry: &Entry| {
        steps.push(vec![
            what,
            through.to_string(),
            entry.position.to_string(),
            entry.at.to_string(),
            actor(entry),
            entry.source.map(|source| source.to_string()).unwrap_or_default(),
            entry.agent.clone().unwrap_or_default(),
            entry.request.to_string(),
            entry.hash.to_string(),
        ]);
    };
    let ways = |ways: &[::audit::explain::Way], steps: &mut dyn FnMut(String, &Named, &Entry)| {
        for link in ways.iter().flatten() {
            for since in &link.since {
                steps(
                    format!("{} in {}", tree::name(&link.member), tree::name(&link.group)),
                    &link.group,
                    since,
                );
            }
        }
    };
    for held in &explanation.roles {
        for given in &held.sources {
            step(format!("role {}", tree::name(&held.role)), &given.through, &given.assigned);
            if let Some(because) = &given.rule {
                step("rule added".to_owned(), &given.through, &because.added);
                ways(&because.ways, &mut step);
            }
        }
    }
    ways(&explanation.ways, &mut step);
    for period in &explanation.past {
        step("began".to_owned(), &period.through, &period.from);
        step("ended".to_owned(), &period.through, &period.until);
    }
    steps
}
