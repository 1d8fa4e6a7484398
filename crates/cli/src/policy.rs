//! `rollbook policy`: what is allowed, and what policies can speak about.

use std::io::Read;

use ::audit::find_named;
use access::{Listed, Which, listed};
use anyhow::{Context, bail};
use clap::{Args, Subcommand};
use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::from::{At, From};
use crate::instance;
use crate::manage::report;
use crate::remote::ServedTenant;
use crate::terminal::{note, say};

/// Write, list and delete policies, and declare what they can speak about.
#[derive(Args)]
#[command(after_help = "\
Examples:
  rollbook policy schema set tables.cedarschema
  rollbook policy set sales-read sales-read.cedar
  rollbook policy list
  rollbook policy list --naming jane@acme.com
  rollbook policy list --naming group:Sales --at 2026-03-01
  rollbook policy list --dangling
  rollbook policy show sales-read
  rollbook policy remove sales-read

Policies are in Cedar's language, one in each text. One that makes no sense to the schema is refused, with the line and column.
User::\"jane@acme.com\" and Group::\"Sales\" are kept by id: who is renamed stays meant, who gets the name later is not.")]
pub(crate) struct Policy {
    #[command(subcommand)]
    verb: Verb,
    #[command(flatten)]
    tenant: ServedTenant,
}

#[derive(Subcommand)]
enum Verb {
    /// List the policies, now or as they were
    List {
        /// Only those that name this: user:NAME, group:NAME or role:NAME, now or ever called so; without a kind, a user
        #[arg(long, value_name = "KIND:NAME")]
        naming: Option<String>,
        /// Only those that name somebody who is gone
        #[arg(long)]
        dangling: bool,
        /// The moment: a position, a time, or a day (its beginning, in UTC); now, when not given
        #[arg(long, value_name = "MOMENT")]
        at: Option<At>,
        #[command(flatten)]
        from: From,
    },
    /// Print the text of a policy, now or as it was
    Show {
        /// Its name, in any case
        name: String,
        /// The moment: a position, a time, or a day (its beginning, in UTC); now, when not given
        #[arg(long, value_name = "MOMENT")]
        at: Option<At>,
        #[command(flatten)]
        from: From,
    },
    /// Write a policy, or write it anew
    Set {
        /// Its name
        name: String,
        /// The file that holds its text; `-`: standard input
        file: String,
    },
    /// Delete a policy
    Remove {
        /// Its name, in any case
        name: String,
    },
    /// What policies can speak about
    #[command(subcommand)]
    Schema(SchemaVerb),
}

#[derive(Subcommand)]
enum SchemaVerb {
    /// Print what the tenant declared, and what is there by itself
    Show {
        /// The moment: a position, a time, or a day (its beginning, in UTC); now, when not given
        #[arg(long, value_name = "MOMENT")]
        at: Option<At>,
        #[command(flatten)]
        from: From,
    },
    /// Declare the actions and types of resources of the tenant's applications
    Set {
        /// The file that holds them, in Cedar's schema language; `-`: standard input
        file: String,
    },
}

/// What is declared, and what is there by itself.
#[derive(Serialize, Deserialize)]
struct Declared {
    text: String,
    principals: String,
}

impl Policy {
    pub(crate) async fn run(self) -> anyhow::Result<()> {
        match self.verb {
            Verb::List { naming, dangling, at, from } => {
                let policies = find(&from, at.as_ref(), naming.as_deref(), dangling).await?;
                let heading = ["POLICY", "NAMES", "CHANGED", "POSITION"];
                from.output.list(&policies, "there is no such policy", &heading, |policy| {
                    vec![vec![
                        policy.name.clone(),
                        names(policy),
                        policy.changed.to_string(),
                        policy.version.to_string(),
                    ]]
                })
            }
            Verb::Show { name, at, from } => {
                let policies = find(&from, at.as_ref(), None, false).await?;
                let meant = name.to_lowercase();
                let found = policies.into_iter().find(|one| one.name.to_lowercase() == meant);
                let policy = found.with_context(|| format!("there is no policy `{name}`"))?;
                match from.output.format() {
                    None => say(policy.text.trim_end()),
                    Some(_) => {
                        let heading = ["POLICY", "TEXT"];
                        let row = |one: &Listed| vec![vec![one.name.clone(), one.text.clone()]];
                        from.output.list(&[policy], "", &heading, row)?;
                    }
                }
                Ok(())
            }
            Verb::Set { name, file } => write(&self.tenant, &["policies", &name], &file).await,
            Verb::Remove { name } => {
                let (remote, slug) = self.tenant.found().await?;
                let path = ["tenants", slug.as_str(), "policies", name.as_str()];
                report(&remote.ask(Method::DELETE, &path, &[], None).await?, "removed");
                Ok(())
            }
            Verb::Schema(SchemaVerb::Show { at, from }) => {
                let declared = declared(&from, at.as_ref()).await?;
                match from.output.format() {
                    None => {
                        say(format!(
                            "// what is there by itself\n{}",
                            declared.principals.trim_end()
                        ));
                        say(format!("\n// what the tenant declared\n{}", declared.text.trim_end()));
                    }
                    Some(_) => {
                        let heading = ["DECLARED", "PRINCIPALS"];
                        let row =
                            |one: &Declared| vec![vec![one.text.clone(), one.principals.clone()]];
                        from.output.list(&[declared], "", &heading, row)?;
                    }
                }
                Ok(())
            }
            Verb::Schema(SchemaVerb::Set { file }) => {
                write(&self.tenant, &["policy-schema"], &file).await
            }
        }
    }
}

async fn write(tenant: &ServedTenant, place: &[&str], file: &str) -> anyhow::Result<()> {
    let text = read(file)?;
    let (remote, slug) = tenant.found().await?;
    let path = [&["tenants", slug.as_str()], place].concat();
    let answer = remote.ask(Method::PUT, &path, &[], Some(&json!({ "text": text }))).await?;
    for warning in answer.get("warnings").and_then(Value::as_array).into_iter().flatten() {
        note(format!("Cedar warns: {}", warning.as_str().unwrap_or_default()));
    }
    report(&answer, "written");
    Ok(())
}

fn read(file: &str) -> anyhow::Result<String> {
    if file != "-" {
        return std::fs::read_to_string(file).with_context(|| format!("`{file}` cannot be read"));
    }
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text).context("standard input cannot be read")?;
    if text.is_empty() {
        bail!("there is nothing on standard input");
    }
    Ok(text)
}

async fn find(
    from: &From,
    at: Option<&At>,
    naming: Option<&str>,
    dangling: bool,
) -> anyhow::Result<Vec<Listed>> {
    if let Some(remote) = from.remote()? {
        let slug = remote.tenant(from.tenant()).await?;
        let mut query = vec![("dangling", dangling.to_string())];
        query.extend(at.map(|at| ("asOf", at.text.clone())));
        query.extend(naming.map(|naming| ("naming", naming.to_owned())));
        let path = ["tenants", slug.as_str(), "policies"];
        let mut answer = remote.ask(Method::GET, &path, &query, None).await?;
        let policies = answer.get_mut("policies").map(Value::take).unwrap_or_default();
        return Ok(serde_json::from_value(policies)?);
    }
    let (_, _, then) = from.folder(at)?;
    let naming = naming.map(|word| find_named(&then, word)).transpose()?;
    Ok(listed(&then.directory, &Which { naming, dangling }))
}

async fn declared(from: &From, at: Option<&At>) -> anyhow::Result<Declared> {
    if let Some(remote) = from.remote()? {
        let slug = remote.tenant(from.tenant()).await?;
        let query: Vec<_> = at.map(|at| ("asOf", at.text.clone())).into_iter().collect();
        let path = ["tenants", slug.as_str(), "policy-schema"];
        let answer = remote.ask(Method::GET, &path, &query, None).await?;
        return Ok(serde_json::from_value(answer)?);
    }
    let engine = from.open()?;
    let world = engine.world();
    let (tenant, now) = instance::tenant(&world, from.tenant())?;
    let then = match at {
        Some(at) => engine.as_of(tenant.id, at.when)?,
        None => now.clone(),
    };
    let directory = &then.directory;
    let text = directory.policy_schema.as_ref().map(|schema| schema.text.clone());
    let principals = access::types::principals(&directory.schemas);
    Ok(Declared { text: text.unwrap_or_default(), principals })
}

/// Whom a policy names, and what is wrong with them.
fn names(policy: &Listed) -> String {
    let one = |named: &access::listed::NamedBy| {
        let name = named.name.as_ref().or(named.id.as_ref()).map_or("", String::as_str);
        if named.state == access::listed::State::Present {
            format!("{} {name}", named.kind)
        } else {
            format!("{} {name} ({})", named.kind, named.state.as_str())
        }
    };
    policy.names.iter().map(one).collect::<Vec<_>>().join(", ")
}
