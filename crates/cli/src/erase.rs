//! `rollbook erase`

use std::io::{BufRead, IsTerminal};

use ::audit::{Erasure, Place};
use anyhow::{bail, ensure};
use clap::{Args, Subcommand};
use domain::id::RequestId;
use domain::origin::{Actor, Origin};
use reqwest::Method;
use serde_json::json;
use uuid::Uuid;

use crate::from::Where;
use crate::instance;
use crate::terminal::{note, say};

/// Forget a person: destroy the key that their values are sealed under, in every moment of the past.
///
/// What happened stays, and is still proved by the same hashes; who it happened to is gone. There is no
/// way back. A user who is still there is deleted first.
#[derive(Args)]
#[command(after_help = "\
Examples:
  rollbook erase user jane@acme.com --reason 'request 4711' --dry-run
  rollbook erase user jane@acme.com --reason 'request 4711'
  rollbook erase user jane@acme.com --reason 'request 4711' --data ./data --yes

The reason stays in the log for good, in clear: it must not say who the person was, and one that does is
refused. On a terminal the person's name is asked for once more; in a pipe --yes is needed.

Erasing who is erased already is nothing to do. What the command cannot reach, it lists: see
docs/guide/erasure.md.")]
pub(crate) struct Erase {
    #[command(subcommand)]
    verb: EraseVerb,
}

#[derive(Subcommand)]
enum EraseVerb {
    /// Erase a user
    User {
        /// The user: a userName in any case, also of one who is gone, or an id
        user: String,
        /// Why, without saying who: at most 256 characters
        #[arg(long, value_name = "TEXT")]
        reason: String,
        /// Say what would go and what would stay, and do nothing
        #[arg(long)]
        dry_run: bool,
        /// Do not ask
        #[arg(long)]
        yes: bool,
        /// Print JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        place: Where,
    },
}

impl Erase {
    pub(crate) async fn run(self) -> anyhow::Result<()> {
        let EraseVerb::User { user, reason, dry_run, yes, json, place } = self.verb;
        if !dry_run && !yes {
            confirm(&user)?;
        }
        let erasure = erase(&place, &user, &reason, dry_run).await?;
        if json {
            say(serde_json::to_string_pretty(&erasure)?);
        } else {
            show(&erasure, dry_run);
        }
        Ok(())
    }
}

/// That somebody means it: the name, typed once more.
fn confirm(user: &str) -> anyhow::Result<()> {
    if !std::io::stdin().is_terminal() {
        bail!("nobody is there to confirm: give --yes, or --dry-run to see what would be done");
    }
    note(format!("This destroys everything that says who {user} is, for good."));
    note("Type the name once more to go on:");
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line)?;
    ensure!(line.trim() == user, "that is another name: nothing was done");
    Ok(())
}

async fn erase(place: &Where, user: &str, reason: &str, dry_run: bool) -> anyhow::Result<Erasure> {
    if let Some(remote) = place.remote()? {
        let slug = remote.tenant(place.tenant.as_deref()).await?;
        let path = ["tenants", slug.as_str(), "users", user, "erase"];
        let body = json!({ "reason": reason, "dryRun": dry_run });
        let answer = remote.ask(Method::POST, &path, &[], Some(&body)).await?;
        return Ok(serde_json::from_value(answer)?);
    }
    let engine = place.open()?;
    let tenant = instance::tenant(&engine.world(), place.tenant.as_deref())?.0.id;
    // Whoever has the folder and the master key needs no other key.
    let request = RequestId::new(Uuid::now_v7());
    let origin = Origin { actor: Actor::System, request, source: None, agent: None, claimed: None };
    let erased = server::erase(&engine, tenant, origin, user, reason, dry_run).await;
    engine.stop().await;
    Ok(erased?.0)
}

fn show(erasure: &Erasure, dry_run: bool) {
    let events = count(erasure.events, "event");
    let keys = count(erasure.credentials, "key");
    let refusals = count(erasure.refusals, "refusal");
    match (erasure.position, erasure.hash) {
        (Some(position), Some(hash)) => {
            say(format!("erased at position {position}"));
            say(format!("  user   {}", erasure.user));
            say(format!("  hash   {hash}"));
        }
        _ if dry_run && !erasure.erased => {
            say("nothing was done: this is what would be");
            say(format!("  user   {}", erasure.user));
        }
        _ => {
            say("nothing to do: this person was erased already");
            return;
        }
    }
    say(format!("\nGone: the values of {events}, {keys} of their own, {refusals} in the journal"));
    if erasure.deletes {
        say("Ended first: the user, with roles and memberships");
    }
    say("Kept: ids, times, who acted, roles and memberships, every hash");
    if !erasure.stands.is_empty() {
        say("\nMay still name the person, in clear:");
        erasure.stands.iter().for_each(|place| say(format!("  {}", told(place))));
        if erasure.more {
            say("  … and more");
        }
    }
    say("\nLeft to do:");
    erasure.todo.iter().for_each(|line| say(format!("  - {line}")));
}

fn told(place: &Place) -> String {
    match place.position {
        Some(position) => format!("{}  (in the log, at position {position})", place.path),
        None => place.path.clone(),
    }
}

fn count(many: usize, noun: &str) -> String {
    format!("{many} {noun}{}", if many == 1 { "" } else { "s" })
}
