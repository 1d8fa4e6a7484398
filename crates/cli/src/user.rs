//! `rollbook user`: users who are managed here, and what wins over every identity provider.

use audit::UserState;
use clap::{Args, Subcommand};
use reqwest::Method;
use serde_json::{Map, Value, json};

use crate::census::{Narrowed, list_users};
use crate::local::{file, made, patch, released};
use crate::manage::report;
use crate::remote::ServedTenant;
use crate::terminal::say;

/// Manage users here, lock anybody, and let go of users whom a connector manages.
#[derive(Args)]
#[command(after_help = "\
Examples:
  rollbook user list --managed-by here --at 2026-03-01
  rollbook user add guest@acme.com --given-name Gus --family-name Guest --email guest@acme.com
  rollbook user set guest@acme.com --title Auditor --active false
  rollbook user remove guest@acme.com
  rollbook user jit jane@acme.com --given-name Jane --family-name Doe
  rollbook user release jane@acme.com
  rollbook user lock jane@acme.com --reason 'laptop stolen, case 4711'
  rollbook user unlock jane@acme.com

A user who was added here is managed here: no identity provider sees them until one pushes the same person, who is
linked then and keeps the id. Whom a connector manages is changed at the identity provider, or released first.

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
    /// List users, whoever manages them, now or as it was
    List {
        /// Those of whom this holds: `active`, `inactive` or `locked`
        #[arg(long, value_name = "STATE")]
        state: Option<UserState>,
        #[command(flatten)]
        which: Narrowed,
    },
    #[command(flatten)]
    Write(Write),
}

#[derive(Subcommand)]
enum Write {
    /// Add a user who is managed here
    Add {
        /// The userName
        user: String,
        #[command(flatten)]
        person: Person,
        /// A user in JSON, as SCIM has it, for what there is no option for; `-`: standard input
        #[arg(long, value_name = "FILE")]
        file: Option<String>,
    },
    /// Change a user who is managed here; what is not given stays
    Set {
        /// The user: a userName or an id
        user: String,
        /// Another userName
        #[arg(long, value_name = "NAME")]
        user_name: Option<String>,
        #[command(flatten)]
        person: Person,
    },
    /// Delete a user who is managed here
    Remove {
        /// The user: a userName or an id
        user: String,
    },
    /// Let a person come to be who signs on and was not pushed yet
    Jit {
        /// Their mail address
        email: String,
        /// Their userName; the mail address, when not given
        #[arg(long, value_name = "NAME")]
        user_name: Option<String>,
        /// Their first name
        #[arg(long, value_name = "NAME")]
        given_name: Option<String>,
        /// Their last name
        #[arg(long, value_name = "NAME")]
        family_name: Option<String>,
    },
    /// Let the connector manage a user no more, so that another one may link them
    Release {
        /// The user: a userName or an id
        user: String,
    },
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

/// What a person is made of.
#[derive(Args)]
struct Person {
    /// First name
    #[arg(long, value_name = "NAME")]
    given_name: Option<String>,
    /// Last name
    #[arg(long, value_name = "NAME")]
    family_name: Option<String>,
    /// What they are shown as; first and last name, when never given
    #[arg(long, value_name = "NAME")]
    display_name: Option<String>,
    /// The primary mail address
    #[arg(long, value_name = "ADDRESS")]
    email: Option<String>,
    /// Their title
    #[arg(long, value_name = "TEXT")]
    title: Option<String>,
    /// Whether they may do anything
    #[arg(long, value_name = "BOOL")]
    active: Option<bool>,
}

impl Person {
    /// What was given, by the paths of attributes.
    fn given(self) -> Vec<(&'static str, Value)> {
        let mails = |mail| json!([{ "value": mail, "primary": true }]);
        let all = [
            ("name.givenName", self.given_name.map(Value::String)),
            ("name.familyName", self.family_name.map(Value::String)),
            ("displayName", self.display_name.map(Value::String)),
            ("emails", self.email.map(mails)),
            ("title", self.title.map(Value::String)),
            ("active", self.active.map(Value::Bool)),
        ];
        all.into_iter().filter_map(|(path, value)| Some((path, value?))).collect()
    }

    /// The same in a resource.
    fn into(self, resource: &mut Map<String, Value>) {
        for (path, value) in self.given() {
            match path.split_once('.') {
                None => drop(resource.insert(path.to_owned(), value)),
                Some((outer, inner)) => {
                    let outer = resource.entry(outer).or_insert_with(|| json!({}));
                    if let Some(outer) = outer.as_object_mut() {
                        outer.insert(inner.to_owned(), value);
                    }
                }
            }
        }
    }
}

impl User {
    pub(crate) async fn run(self) -> anyhow::Result<()> {
        match self.verb {
            Verb::List { state, which } => list_users(&which, state).await,
            Verb::Write(write) => write.run(&self.tenant).await,
        }
    }
}

impl Write {
    async fn run(self, tenant: &ServedTenant) -> anyhow::Result<()> {
        let (remote, slug) = tenant.found().await?;
        let all = ["tenants", slug.as_str(), "users"];
        let one = |user: &str| -> Vec<String> {
            all.iter().map(|part| (*part).to_owned()).chain([user.to_owned()]).collect()
        };
        let (method, path, body, word) = match self {
            Write::Add { user, person, file: named } => {
                let mut resource = file(named.as_deref())?;
                resource.insert("userName".to_owned(), Value::String(user));
                person.into(&mut resource);
                let body = Value::Object(resource);
                made(&remote.ask(Method::POST, &all, &[], Some(&body)).await?);
                return Ok(());
            }
            Write::Jit { email, user_name, given_name, family_name } => {
                let body = json!({
                    "email": email, "userName": user_name, "givenName": given_name,
                    "familyName": family_name,
                });
                let path = ["tenants", slug.as_str(), "jit"];
                arrived(&remote.ask(Method::POST, &path, &[], Some(&body)).await?);
                return Ok(());
            }
            Write::Release { user } => {
                let path = one(&user);
                return released(&remote, &path, "release").await;
            }
            Write::Set { user, user_name, person } => {
                let name = user_name.map(|name| ("userName", Value::String(name)));
                let changes = name.into_iter().chain(person.given());
                (Method::PATCH, one(&user), Some(patch(changes)?), "changed")
            }
            Write::Remove { user } => (Method::DELETE, one(&user), None, "removed"),
            Write::Lock { user, reason } => {
                let mut path = one(&user);
                path.push("lock".to_owned());
                (Method::PUT, path, Some(json!({ "reason": reason })), "locked")
            }
            Write::Unlock { user } => {
                let mut path = one(&user);
                path.push("lock".to_owned());
                (Method::DELETE, path, None, "unlocked")
            }
        };
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        report(&remote.ask(method, &path, &[], body.as_ref()).await?, word);
        Ok(())
    }
}

/// Whether somebody came to be who signs on.
fn arrived(answer: &Value) {
    let is = |name: &str| answer.get(name).and_then(Value::as_bool).unwrap_or_default();
    let id = answer.get("id").and_then(Value::as_str).unwrap_or_default();
    let word = if is("created") { "created" } else { "was there already:" };
    say(format!("{word} {id}"));
    if !is("mayAct") {
        say("may do nothing: inactive or locked");
    }
}
