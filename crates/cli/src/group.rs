//! `rollbook group`: groups that are managed here.

use clap::{Args, Subcommand};
use reqwest::Method;
use serde_json::{Value, json};

use crate::census::{Narrowed, list_groups};
use crate::local::{file, made, patch, released};
use crate::manage::{report, text};
use crate::remote::{Remote, ServedTenant};

/// Manage groups here, and let go of groups that a connector manages.
#[derive(Args)]
#[command(after_help = "\
Examples:
  rollbook group list --name shift
  rollbook group add 'Night shift'
  rollbook group join 'Night shift' jane@acme.com guest@acme.com
  rollbook group leave 'Night shift' jane@acme.com
  rollbook group rename 'Night shift' 'Late shift'
  rollbook group remove 'Late shift'
  rollbook group release Sales

No identity provider sees or changes a group that was added here, and none can push another one by its name. The
group `public` is built in: everybody who may act is in it.")]
pub(crate) struct Group {
    #[command(subcommand)]
    verb: Verb,
    #[command(flatten)]
    tenant: ServedTenant,
}

#[derive(Subcommand)]
enum Verb {
    /// List groups, whoever manages them, now or as it was
    List {
        #[command(flatten)]
        which: Box<Narrowed>,
    },
    #[command(flatten)]
    Write(Write),
}

#[derive(Subcommand)]
enum Write {
    /// Add a group that is managed here
    Add {
        /// Its name
        group: String,
        /// A group in JSON, as SCIM has it, for what there is no option for; `-`: standard input
        #[arg(long, value_name = "FILE")]
        file: Option<String>,
    },
    /// Put users, or groups, into a group that is managed here
    Join {
        /// The group: its name in any case, or its id
        group: String,
        /// Users by userName or id, or groups as `group:NAME`
        #[arg(required = true)]
        members: Vec<String>,
    },
    /// Take users, or groups, out of a group
    Leave {
        /// The group: its name in any case, or its id
        group: String,
        /// Users by userName or id, or groups as `group:NAME`
        #[arg(required = true)]
        members: Vec<String>,
    },
    /// Give a group that is managed here another name
    Rename {
        /// The group: its name in any case, or its id
        group: String,
        /// The new name
        name: String,
    },
    /// Delete a group that is managed here
    Remove {
        /// The group: its name in any case, or its id
        group: String,
    },
    /// Let the connector manage a group no more, so that another one may link it
    Release {
        /// The group: its name in any case, or its id
        group: String,
    },
}

impl Group {
    pub(crate) async fn run(self) -> anyhow::Result<()> {
        match self.verb {
            Verb::List { which } => list_groups(&which).await,
            Verb::Write(write) => write.run(&self.tenant).await,
        }
    }
}

impl Write {
    async fn run(self, tenant: &ServedTenant) -> anyhow::Result<()> {
        let (remote, slug) = tenant.found().await?;
        let all = ["tenants", slug.as_str(), "groups"];
        let (method, group, body, word) = match self {
            Write::Add { group, file: named } => {
                let mut resource = file(named.as_deref())?;
                resource.insert("displayName".to_owned(), Value::String(group));
                let body = Value::Object(resource);
                made(&remote.ask(Method::POST, &all, &[], Some(&body)).await?);
                return Ok(());
            }
            Write::Release { group } => {
                let path: Vec<String> =
                    all.iter().map(|part| (*part).to_owned()).chain([group]).collect();
                return released(&remote, &path, "release").await;
            }
            Write::Join { group, members } => {
                let members = ids(&remote, &slug, &members).await?;
                let value: Vec<Value> = members.iter().map(|id| json!({ "value": id })).collect();
                let body =
                    operations(vec![json!({ "op": "add", "path": "members", "value": value })]);
                (Method::PATCH, group, Some(body), "changed")
            }
            Write::Leave { group, members } => {
                let members = ids(&remote, &slug, &members).await?;
                let remove = |id: &String| {
                    let path = format!("members[value eq \"{id}\"]");
                    json!({ "op": "remove", "path": path })
                };
                let body = operations(members.iter().map(remove).collect());
                (Method::PATCH, group, Some(body), "changed")
            }
            Write::Rename { group, name } => {
                let body = patch([("displayName", Value::String(name))])?;
                (Method::PATCH, group, Some(body), "renamed")
            }
            Write::Remove { group } => (Method::DELETE, group, None, "removed"),
        };
        let path = ["tenants", slug.as_str(), "groups", group.as_str()];
        report(&remote.ask(method, &path, &[], body.as_ref()).await?, word);
        Ok(())
    }
}

fn operations(operations: Vec<Value>) -> Value {
    json!({ "Operations": operations })
}

/// The ids of members that are named.
async fn ids(remote: &Remote, slug: &str, members: &[String]) -> anyhow::Result<Vec<String>> {
    let mut ids = Vec::new();
    for member in members {
        let (kind, name) = match member.strip_prefix("group:") {
            Some(name) => ("groups", name),
            None => ("users", member.as_str()),
        };
        let path = ["tenants", slug, kind, name];
        ids.push(text(&remote.ask(Method::GET, &path, &[], None).await?, "id"));
    }
    Ok(ids)
}
