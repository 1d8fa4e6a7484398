//! `rollbook repair`: what can be had of a damaged data folder, and a log made of that.

use std::path::PathBuf;

use anyhow::{Context, bail};
use clap::Args;
use domain::commit::Commit;
use domain::event::Event;
use domain::id::{RequestId, TenantId};
use domain::origin::{Actor, Origin};
use domain::position::{Hash, Position};
use engine::{Copy, World};
use eventlog::{Examined, LostRange, Options, SledLog, Tail};
use serde_json::json;

use crate::heads;
use crate::instance::Master;
use crate::terminal::{No, note, progress, say};

/// Show what can be had of a damaged data folder; with --apply, go on with that.
///
/// Without --apply nothing in the log changes. With it, the damaged log stays in the folder as `log.damaged`, a log
/// made of everything before the first damage takes its place, and each tenant's log says which of its commits are gone.
#[derive(Args)]
#[command(after_help = "\
Examples:
  rollbook repair --data ./data
  rollbook repair --data ./data --json
  rollbook repair --data ./data --apply

An archive or a backup has what the disk lost: restore it with `rollbook replay` rather than repair, if there
is one that is new enough. No server may have the folder open. It takes as much room again as the log has.

Exit status: 0 when the log is whole or was repaired; 1 when it is damaged, or could not be repaired.")]
pub(crate) struct Repair {
    /// The data folder
    #[arg(long, env = "ROLLBOOK_DATA", value_name = "DIR")]
    data: PathBuf,
    /// Accept that what is gone is gone, and go on with the rest
    #[arg(long)]
    apply: bool,
    /// Print JSON, for programs
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    master: Master,
}

impl Repair {
    pub(crate) fn run(self) -> anyhow::Result<()> {
        if !self.data.join("log").exists() && !self.data.join("witness").exists() {
            bail!("{} is no data folder", self.data.display());
        }
        if !self.master.is_elsewhere() && !self.data.join("master.key").exists() {
            bail!(
                "there is no master key in {}: put master.key back, or say where it is with \
                 --master-key-file; without it nobody's data can be read",
                self.data.display()
            );
        }
        let (master, _) = self.master.key(&self.data)?;
        let bar = progress(0, "frames");
        bar.set_message("looking");
        let looked = SledLog::examine(&self.data, &master, |done, total| {
            bar.set_length(total);
            bar.set_position(done);
        });
        bar.finish_and_clear();
        let found = looked.with_context(|| format!("{} was not changed", self.data.display()))?;
        if found.faults.is_empty() || !self.apply {
            self.show(&found)?;
            return if found.faults.is_empty() { Ok(()) } else { Err(No.into()) };
        }
        let repaired = SledLog::repair(&self.data, &master, |_, _| {});
        let (found, kept) =
            repaired.with_context(|| format!("{} was not repaired", self.data.display()))?;
        // What was taken over was linked; that it also makes sense is seen here, before anybody relies on it.
        let options = Options { tail: Tail::Witnessed, ballast_bytes: 0, ..Options::default() };
        let log = SledLog::open_with(&self.data, master, options, |_| {})?;
        let mut copy = Copy::open(log, |_| {}).with_context(|| {
            format!(
                "the damaged log is in {}, and what was had of it cannot be used",
                kept.display()
            )
        })?;
        for lost in &found.lost {
            write_down(&mut copy, *lost)?;
        }
        let world = copy.finish()?.into_world();
        self.told(&found, &world, &kept)
    }

    fn show(&self, found: &Examined) -> anyhow::Result<()> {
        if self.json {
            say(serde_json::to_string_pretty(&document(found))?);
            return Ok(());
        }
        if found.faults.is_empty() {
            say(format!("the log is whole: {} commits, nothing to repair", found.commits()));
            return Ok(());
        }
        describe(found);
        say(
            "\nNothing was changed. `rollbook repair --apply` goes on with what can be had, and keeps the rest aside.",
        );
        Ok(())
    }

    fn told(&self, found: &Examined, world: &World, kept: &std::path::Path) -> anyhow::Result<()> {
        if self.json {
            let mut told = document(found);
            if let Some(fields) = told.as_object_mut() {
                fields.insert("kept".to_owned(), json!(kept));
                fields.insert("tenants".to_owned(), heads::list(world));
            }
            say(serde_json::to_string_pretty(&told)?);
            return Ok(());
        }
        describe(found);
        say(format!("\n{}  goes on with {} commits", self.data.display(), found.commits()));
        say(format!("{}  the damaged log, as it was", kept.display()));
        heads::show(world);
        note("what is gone is gone: tell the tenants' identity providers to push again");
        Ok(())
    }
}

fn describe(found: &Examined) {
    for fault in &found.faults {
        say(format!("damage: {fault}"));
    }
    say(format!("\ncan be had: {} commits in {} frames", found.commits(), found.frames));
    for (tenant, position, hash) in &found.ends {
        say(format!("  tenant {tenant}  up to position {position}, {hash}"));
    }
    if found.lost.is_empty() {
        say("lost: nothing that is known of");
    } else {
        say("lost:");
    }
    for lost in &found.lost {
        say(format!("  {lost}"));
    }
    for (tenant, user) in &found.unreadable {
        say(format!("  the personal data of user {user} of tenant {tenant}: their key is damaged"));
    }
}

fn document(found: &Examined) -> serde_json::Value {
    let ends = found.ends.iter().map(|(tenant, position, hash)| {
        json!({ "tenant": tenant, "position": position, "headHash": hash })
    });
    let lost = found
        .lost
        .iter()
        .map(|LostRange { tenant, from, to }| json!({ "tenant": tenant, "from": from, "to": to }));
    let unreadable =
        found.unreadable.iter().map(|(tenant, user)| json!({ "tenant": tenant, "user": user }));
    json!({
        "whole": found.faults.is_empty(),
        "damage": found.faults,
        "frames": found.frames,
        "commits": found.commits(),
        "ends": ends.collect::<Vec<_>>(),
        "lost": lost.collect::<Vec<_>>(),
        "unreadable": unreadable.collect::<Vec<_>>(),
    })
}

/// The loss becomes a fact of the log: of the tenant's own, or where nothing of that is left, of the instance's.
fn write_down(copy: &mut Copy<SledLog>, lost: LostRange) -> anyhow::Result<()> {
    let LostRange { tenant, from, to } = lost;
    let log = [tenant, TenantId::SYSTEM].into_iter().find(|id| copy.head(*id).position.is_some());
    let Some(log) = log else { return Ok(()) };
    let origin = Origin {
        actor: Actor::System,
        request: RequestId::new(uuid::Uuid::now_v7()),
        source: None,
        agent: Some(concat!("rollbook repair ", env!("CARGO_PKG_VERSION")).to_owned()),
        claimed: None,
    };
    copy.write(Commit {
        tenant: log,
        position: Position::FIRST,
        at: server::system_clock()().max(copy.head(log).time),
        prev: Hash::ZERO,
        origin,
        events: vec![Event::CommitsLost { tenant, from, to }],
    })?;
    Ok(())
}
