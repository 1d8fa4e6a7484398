//! `rollbook access`: who may do what, and through what.

mod told;

use std::io::Read as _;

use ::access::{Asked, Kept};
use ::audit::Moment;
use ::audit::access::{AccessDiff, Between, Checked, Decided, Listed, check, diff, list, policies};
use anyhow::Context as _;
use clap::{Args, Subcommand};
use engine::Engine;
use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::from::{At, From};
use crate::instance;
use crate::output::Format;
use crate::terminal::{No, say};

/// Ask what users may do: which policies decide, and which commits made it so.
#[derive(Args)]
#[command(after_help = "\
Examples:
  rollbook access check --user jane@acme.com --action select --resource 'Table::\"sales\"'
  rollbook access check --user jane@acme.com --action select --resource 'Table::\"sales\"' --at 2026-03-01
  rollbook access check --batch checks.json --json
  rollbook access list --user jane@acme.com
  rollbook access diff --user jane@acme.com --from 2026-03-01

Exit status: of `check` 0 when it is allowed, 1 when it is denied (of several: when any is); of `list` and `diff` 0
when it worked; 1 when it did not work, or when there is nobody of that name.")]
pub(crate) struct Access {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Whether a user may do something, and why
    Check(Box<Check>),
    /// Which policies can apply to a user, and through what
    List(Box<List>),
    /// What a user may do since a moment that they might not before, and the other way round
    Diff(Box<Differ>),
}

#[derive(Args)]
struct List {
    /// The user: a userName in any case, or an id
    #[arg(long)]
    user: String,
    /// The moment: a position, a time, or a day (its beginning, in UTC); now, when not given
    #[arg(long, value_name = "MOMENT")]
    at: Option<At>,
    #[command(flatten)]
    from: From,
}

#[derive(Args)]
struct Check {
    /// The user: a userName in any case, or an id
    #[arg(long, required_unless_present = "batch")]
    user: Option<String>,
    /// The action: its id, or its full name where two have it
    #[arg(long, required_unless_present = "batch")]
    action: Option<String>,
    /// The resource, as in 'Table::"sales"'
    #[arg(long, required_unless_present = "batch")]
    resource: Option<String>,
    /// Checks from a file of JSON (- is standard input): an array of objects with user, action and resource, or one a line
    #[arg(long, value_name = "FILE", conflicts_with_all = ["user", "action", "resource"])]
    batch: Option<String>,
    #[command(flatten)]
    brought: Brought,
    /// Do not tell the commits behind the answer; of several none are told in any case
    #[arg(long)]
    brief: bool,
    /// The moment: a position, a time, or a day (its beginning, in UTC); now, when not given
    #[arg(long, value_name = "MOMENT")]
    at: Option<At>,
    #[command(flatten)]
    from: From,
}

/// What a question brings with it.
#[derive(Args)]
struct Brought {
    /// Cedar's context: JSON, or @FILE
    #[arg(long, value_name = "JSON")]
    context: Option<String>,
    /// Entities of your own types in Cedar's JSON form: JSON, or @FILE
    #[arg(long, value_name = "JSON")]
    entities: Option<String>,
}

#[derive(Args)]
struct Differ {
    /// The user: a userName in any case at either moment, or an id
    #[arg(long)]
    user: String,
    /// The earlier moment: a position, a time, or a day (its beginning, in UTC)
    #[arg(long = "from", value_name = "MOMENT")]
    earlier: At,
    /// The later moment, in the same words; now, when not given
    #[arg(long = "to", value_name = "MOMENT")]
    later: Option<At>,
    /// Only this action
    #[arg(long)]
    action: Option<String>,
    /// This resource (may be given several times); each that a policy names, and one of each type that none names, when not given
    #[arg(long)]
    resource: Vec<String>,
    #[command(flatten)]
    brought: Brought,
    #[command(flatten)]
    from: From,
}

/// One answer, or several, with the moment that they are as of.
#[derive(Serialize, Deserialize)]
struct Answers {
    head: Moment,
    checks: Vec<Checked>,
}

#[derive(Serialize, Deserialize)]
struct OneAnswer {
    head: Moment,
    #[serde(flatten)]
    check: Checked,
}

/// A line of a batch.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Question {
    user: String,
    action: String,
    resource: String,
    #[serde(default, skip_serializing_if = "Value::is_null")]
    context: Value,
    #[serde(default, skip_serializing_if = "Value::is_null")]
    entities: Value,
}

impl Access {
    pub(crate) async fn run(self) -> anyhow::Result<()> {
        match self.verb {
            Verb::Check(check) => check.run().await,
            Verb::List(list) => listed(&list.user, list.at.as_ref(), &list.from).await,
            Verb::Diff(differ) => differ.run().await,
        }
    }
}

impl Brought {
    fn read(&self) -> anyhow::Result<(Value, Value)> {
        let json = |what: &str, given: &Option<String>| {
            let Some(given) = given else { return Ok(Value::Null) };
            let text = match given.strip_prefix('@') {
                Some(file) => text_of(file)?,
                None => given.clone(),
            };
            serde_json::from_str(&text).with_context(|| format!("--{what} is no JSON"))
        };
        Ok((json("context", &self.context)?, json("entities", &self.entities)?))
    }
}

fn text_of(file: &str) -> anyhow::Result<String> {
    if file == "-" {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text).context("standard input cannot be read")?;
        return Ok(text);
    }
    std::fs::read_to_string(file).with_context(|| format!("`{file}` cannot be read"))
}

/// The checks of a file: an array, an object with `checks`, or one a line.
fn batch(file: &str) -> anyhow::Result<Vec<Question>> {
    let text = text_of(file)?;
    let form = || {
        format!(
            "`{file}` holds no checks: an array of objects with user, action and resource, or one a line"
        )
    };
    let questions: Vec<Question> = match serde_json::from_str::<Value>(&text) {
        Ok(Value::Object(mut whole)) if whole.contains_key("checks") => {
            serde_json::from_value(whole.remove("checks").unwrap_or_default()).with_context(form)?
        }
        Ok(array @ Value::Array(_)) => serde_json::from_value(array).with_context(form)?,
        Ok(_) | Err(_) => {
            let lines = text.lines().filter(|line| !line.trim().is_empty());
            lines.map(serde_json::from_str).collect::<Result<_, _>>().with_context(form)?
        }
    };
    anyhow::ensure!(!questions.is_empty(), form());
    Ok(questions)
}

impl Check {
    async fn run(self) -> anyhow::Result<()> {
        let (context, entities) = self.brought.read()?;
        let one = (self.user, self.action, self.resource);
        let (questions, is_one) = match (&self.batch, one) {
            (None, (Some(user), Some(action), Some(resource))) => {
                let one = Question { user, action, resource, context, entities };
                (vec![one], true)
            }
            (batch_file, _) => {
                let mut questions = batch(batch_file.as_deref().unwrap_or("-"))?;
                for question in &mut questions {
                    if question.context.is_null() {
                        question.context.clone_from(&context);
                    }
                    if question.entities.is_null() {
                        question.entities.clone_from(&entities);
                    }
                }
                (questions, false)
            }
        };
        let explain = is_one && !self.brief;
        let from = &self.from;
        let answers = match from.remote()? {
            Some(remote) => {
                let slug = remote.tenant(from.tenant()).await?;
                let path = ["tenants", slug.as_str(), "access", "check"];
                let query: Vec<_> = self.at.iter().map(|at| ("asOf", at.text.clone())).collect();
                let body = json!({ "checks": questions, "explain": explain });
                serde_json::from_value(remote.ask(Method::POST, &path, &query, Some(&body)).await?)?
            }
            None => {
                let asked: Vec<Asked> = questions.into_iter().map(asked).collect();
                in_folder(from, self.at.as_ref(), |engine, tenant, moment| {
                    let compiled = policies(&Kept::default(), tenant, &moment.directory)?;
                    let checks = check(engine, (tenant, moment), &compiled, &asked, explain)?;
                    let head = Moment::of(moment).context("the tenant is empty")?;
                    Ok(Answers { head, checks })
                })?
            }
        };
        show(from, answers, is_one)
    }
}

fn asked(question: Question) -> Asked {
    let Question { user, action, resource, context, entities } = question;
    Asked { user, action, resource, context, entities }
}

/// Asks a tenant of a data folder, as of a moment.
fn in_folder<T>(
    from: &From,
    at: Option<&At>,
    ask: impl FnOnce(&Engine, domain::id::TenantId, &domain::snapshot::Snapshot) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    let engine = from.open()?;
    let world = engine.world();
    let (tenant, now) = instance::tenant(&world, from.tenant())?;
    match at {
        Some(at) => ask(&engine, tenant.id, &*engine.as_of(tenant.id, at.when)?),
        None => ask(&engine, tenant.id, now),
    }
}

fn show(from: &From, answers: Answers, is_one: bool) -> anyhow::Result<()> {
    let denied = answers.checks.iter().any(|check| check.decision == Decided::Deny);
    let format = from.output.format();
    let Answers { head, mut checks } = answers;
    match (format, is_one) {
        (None, true) => checks.iter().for_each(|check| told::check(&head, check)),
        (Some(Format::Json), true) => {
            let one = checks.pop().map(|check| OneAnswer { head, check });
            say(serde_json::to_string_pretty(&one)?);
        }
        (Some(Format::Json), false) => {
            say(serde_json::to_string_pretty(&Answers { head, checks })?);
        }
        (None | Some(Format::Table | Format::Csv | Format::Ndjson), _) => {
            from.output.list(&checks, "nothing was asked", &told::HEADING, told::row)?;
        }
    }
    if denied { Err(No.into()) } else { Ok(()) }
}

async fn listed(user: &str, at: Option<&At>, from: &From) -> anyhow::Result<()> {
    let listed: Listed = match from.remote()? {
        Some(remote) => {
            let slug = remote.tenant(from.tenant()).await?;
            let path = ["tenants", slug.as_str(), "access", "list"];
            let mut query = vec![("user", user.to_owned())];
            query.extend(at.map(|at| ("asOf", at.text.clone())));
            serde_json::from_value(remote.ask(Method::GET, &path, &query, None).await?)?
        }
        None => in_folder(from, at, |engine, tenant, moment| {
            let compiled = policies(&Kept::default(), tenant, &moment.directory)?;
            Ok(list(engine, (tenant, moment), &compiled, user)?)
        })?,
    };
    match from.output.format() {
        Some(Format::Json) => say(serde_json::to_string_pretty(&listed)?),
        None | Some(Format::Table | Format::Csv | Format::Ndjson) => {
            told::barred(&listed);
            let heading = ["POLICY", "EFFECT", "ACTIONS", "IF", "THROUGH", "WRITTEN", "POSITION"];
            let nothing = "no policy can apply to them";
            from.output.list(&listed.policies, nothing, &heading, told::can)?;
        }
    }
    Ok(())
}

impl Differ {
    async fn run(self) -> anyhow::Result<()> {
        let (context, entities) = self.brought.read()?;
        let from = &self.from;
        let told: AccessDiff = match from.remote()? {
            Some(remote) => {
                let slug = remote.tenant(from.tenant()).await?;
                let path = ["tenants", slug.as_str(), "access", "diff"];
                let body = json!({
                    "user": self.user, "from": self.earlier.text,
                    "to": self.later.map(|at| at.text), "action": self.action,
                    "resources": self.resource, "context": context, "entities": entities,
                });
                serde_json::from_value(remote.ask(Method::POST, &path, &[], Some(&body)).await?)?
            }
            None => {
                let between = Between {
                    user: self.user,
                    action: self.action,
                    resources: self.resource,
                    context,
                    entities,
                };
                in_folder(from, self.later.as_ref(), |engine, tenant, later| {
                    let kept = Kept::default();
                    let earlier = engine.as_of(tenant, self.earlier.when)?;
                    let before = policies(&kept, tenant, &earlier.directory)?;
                    let after = policies(&kept, tenant, &later.directory)?;
                    let sides = ((&*earlier, &*before), (later, &*after));
                    Ok(diff(engine, tenant, sides, &between)?)
                })?
            }
        };
        match from.output.format() {
            None => told::differences(&told),
            Some(Format::Json) => say(serde_json::to_string_pretty(&told)?),
            Some(Format::Table | Format::Csv | Format::Ndjson) => {
                let heading = ["ACTION", "RESOURCE", "BEFORE", "AFTER", "REASON", "POLICIES"];
                from.output.list(&told.changes, "nothing changed", &heading, told::changed)?;
            }
        }
        Ok(())
    }
}
