//! `rollbook role`: administration of a running server.

use ::audit::{ListedRole, roles};
use clap::{Args, Subcommand};
use reqwest::Method;
use serde_json::{Value, json};

use crate::from::{At, From};
use crate::remote::ServedTenant;
use crate::terminal::say;

/// Define, grant and take back roles.
#[derive(Args)]
#[command(after_help = "\
Examples:
  rollbook role list --data ./data
  rollbook role define Auditor --description 'Reads everything, changes nothing'
  rollbook role grant jane@acme.com Admin
  rollbook role revoke jane@acme.com Admin")]
pub(crate) struct Role {
    #[command(subcommand)]
    verb: RoleVerb,
    #[command(flatten)]
    tenant: ServedTenant,
}

#[derive(Subcommand)]
enum RoleVerb {
    /// List the roles, now or as they were
    List {
        /// The moment: a position, a time, or a day (its beginning, in UTC); now, when not given
        #[arg(long, value_name = "MOMENT")]
        at: Option<At>,
        #[command(flatten)]
        from: From,
    },
    /// Define a role, or describe it anew; one that was retired is assigned again
    Define {
        /// Its name
        name: String,
        /// What it is for; a role that is there keeps its description when this is not given
        #[arg(long)]
        description: Option<String>,
    },
    /// Let a role be assigned no more
    Retire {
        /// Its name
        name: String,
    },
    /// Give a user a role here, beside what the identity provider says
    Grant {
        /// The user: a userName or an id
        user: String,
        /// The role's name
        role: String,
    },
    /// Take back a role that was granted here
    Revoke {
        /// The user: a userName or an id
        user: String,
        /// The role's name
        role: String,
    },
}

impl Role {
    pub(crate) async fn run(self) -> anyhow::Result<()> {
        let (method, rest, body, word) = match self.verb {
            RoleVerb::List { at, from } => return list_roles(at.as_ref(), &from).await,
            RoleVerb::Define { name, description } => {
                let mut body = json!({ "name": name });
                if let (Some(description), Some(body)) = (description, body.as_object_mut()) {
                    body.insert("description".to_owned(), description.into());
                }
                (Method::POST, vec!["roles".to_owned()], Some(body), "defined")
            }
            RoleVerb::Retire { name } => {
                (Method::DELETE, vec!["roles".to_owned(), name], None, "retired")
            }
            RoleVerb::Grant { user, role } => (Method::PUT, held(user, role), None, "granted"),
            RoleVerb::Revoke { user, role } => (Method::DELETE, held(user, role), None, "revoked"),
        };
        let (remote, slug) = self.tenant.found().await?;
        let mut path = vec!["tenants", slug.as_str()];
        path.extend(rest.iter().map(String::as_str));
        report(&remote.ask(method, &path, &[], body.as_ref()).await?, word);
        Ok(())
    }
}

/// Where a role that is granted here stands.
fn held(user: String, role: String) -> Vec<String> {
    vec!["users".to_owned(), user, "roles".to_owned(), role]
}

async fn list_roles(at: Option<&At>, from: &From) -> anyhow::Result<()> {
    let roles = from.listed("roles", at, roles).await?;
    let heading = ["ROLE", "DESCRIPTION", "RETIRED"];
    from.output.list(&roles, "there is no role", &heading, |role: &ListedRole| {
        vec![vec![role.name.clone(), role.description.clone(), role.retired.to_string()]]
    })
}

/// Says what a write did: a second time there is nothing to do.
pub(crate) fn report(answer: &Value, word: &str) {
    match answer.get("position").and_then(Value::as_u64) {
        Some(position) => say(format!("{word} at position {position}")),
        None => say("nothing to do: it was so already"),
    }
}

pub(crate) fn text(value: &Value, key: &str) -> String {
    match value.get(key) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Null) | None => String::new(),
        Some(other) => other.to_string(),
    }
}

pub(crate) fn rows(answer: &Value, list: &str, columns: &[&str]) -> Vec<Vec<String>> {
    let items = answer.get(list).and_then(Value::as_array);
    let row = |item| columns.iter().map(|column| text(item, column)).collect();
    items.into_iter().flatten().map(row).collect()
}
