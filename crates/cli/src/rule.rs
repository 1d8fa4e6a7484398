//! `rollbook rule`: who is in a group has a role.

use ::audit::{ListedRule, rules};
use clap::{Args, Subcommand};
use reqwest::Method;
use serde_json::json;

use crate::from::{At, From};
use crate::manage::report;
use crate::remote::ServedTenant;

/// Give roles to whoever is in a group.
#[derive(Args)]
#[command(after_help = "\
Examples:
  rollbook rule add Sales Analyst
  rollbook rule list
  rollbook rule list --data ./data --at 2026-03-01
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
    /// List the rules, now or as they were
    List {
        /// The moment: a position, a time, or a day (its beginning, in UTC); now, when not given
        #[arg(long, value_name = "MOMENT")]
        at: Option<At>,
        #[command(flatten)]
        from: From,
    },
    /// Give a role through a rule no more
    Remove {
        /// Its id, as `list` shows it
        id: String,
    },
}

impl Rule {
    pub(crate) async fn run(self) -> anyhow::Result<()> {
        let (group, role) = match self.verb {
            Verb::List { at, from } => return list(at.as_ref(), &from).await,
            Verb::Remove { id } => {
                let (remote, slug) = self.tenant.found().await?;
                let path = ["tenants", slug.as_str(), "rules", id.as_str()];
                report(&remote.ask(Method::DELETE, &path, &[], None).await?, "removed");
                return Ok(());
            }
            Verb::Add { group, role } => (group, role),
        };
        let (remote, slug) = self.tenant.found().await?;
        let path = ["tenants", slug.as_str(), "rules"];
        let body = json!({ "group": group, "role": role });
        report(&remote.ask(Method::POST, &path, &[], Some(&body)).await?, "added");
        Ok(())
    }
}

async fn list(at: Option<&At>, from: &From) -> anyhow::Result<()> {
    let rules = from.listed("rules", at, rules).await?;
    let heading = ["GROUP", "ROLE", "ADDED", "POSITION", "ID"];
    from.output.list(&rules, "there is no rule", &heading, |rule: &ListedRule| {
        vec![vec![
            rule.group_name.clone().unwrap_or_default(),
            rule.role.clone().unwrap_or_default(),
            rule.added.to_string(),
            rule.position.to_string(),
            rule.id.to_string(),
        ]]
    })
}
