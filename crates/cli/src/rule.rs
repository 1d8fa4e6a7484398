//! `rollbook rule`: who is in a group has a role.

use clap::{Args, Subcommand};
use reqwest::Method;
use serde_json::json;

use crate::manage::{report, rows};
use crate::remote::ServedTenant;
use crate::terminal::table;

/// Give roles to whoever is in a group.
#[derive(Args)]
#[command(after_help = "\
Examples:
  rollbook rule add Sales Analyst
  rollbook rule list
  rollbook rule remove 0198f3a0-0000-7000-8000-000000000001

A rule follows the group: who joins has the role from that commit on, who leaves loses it, also through groups
inside the group. It takes nothing that another source gave. It ends with its group; a role is not retired
while a rule gives it.")]
pub(crate) struct Rule {
    #[command(subcommand)]
    verb: Verb,
    #[command(flatten)]
    tenant: ServedTenant,
}

#[derive(Subcommand)]
enum Verb {
    /// Give a role to whoever is in a group, from now on
    Add {
        /// The group: its name in any case, or its id
        group: String,
        /// The role's name
        role: String,
    },
    /// List the rules
    List,
    /// Give a role through a rule no more
    Remove {
        /// Its id, as `list` shows it
        id: String,
    },
}

impl Rule {
    pub(crate) async fn run(self) -> anyhow::Result<()> {
        let (remote, slug) = self.tenant.found().await?;
        let path = ["tenants", slug.as_str(), "rules"];
        match self.verb {
            Verb::Add { group, role } => {
                let body = json!({ "group": group, "role": role });
                report(&remote.ask(Method::POST, &path, &[], Some(&body)).await?, "added");
            }
            Verb::List => {
                let list = remote.ask(Method::GET, &path, &[], None).await?;
                let rows = rows(&list, "rules", &["groupName", "role", "added", "position", "id"]);
                table(&["GROUP", "ROLE", "ADDED", "POSITION", "ID"], &rows);
            }
            Verb::Remove { id } => {
                let path = ["tenants", slug.as_str(), "rules", id.as_str()];
                report(&remote.ask(Method::DELETE, &path, &[], None).await?, "removed");
            }
        }
        Ok(())
    }
}
