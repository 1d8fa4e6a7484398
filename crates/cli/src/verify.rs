//! `rollbook verify`: the proof that a log is whole and that every view follows from it.

use std::path::PathBuf;

use anyhow::bail;
use clap::Args;
use eventlog::EventLog;
use serde_json::json;

use crate::heads;
use crate::instance::{self, Master};
use crate::terminal::{is_terminal, say};

/// Recompute the chain of every log and every view from it.
#[derive(Args)]
#[command(after_help = "\
Examples:
  rollbook verify --data ./data
  rollbook verify --data ./data --json

Exit status 1 when anything does not fit; the position and the reason are named.")]
pub(crate) struct Verify {
    /// The data folder
    #[arg(long, env = "ROLLBOOK_DATA", value_name = "DIR")]
    data: PathBuf,
    /// Print JSON, for programs
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    master: Master,
}

impl Verify {
    pub(crate) fn run(self) -> anyhow::Result<()> {
        let log = instance::open_log(&self.data, &self.master)?;
        let world = instance::fold(&log.reader(), &self.data)?.into_world();
        for (id, snapshot) in world.iter() {
            if let Err(why) = snapshot.directory.agrees() {
                bail!("the views of tenant {} disagree: {why}", heads::name(id, snapshot));
            }
        }
        if self.json {
            let told = json!({ "verified": true, "tenants": heads::list(&world) });
            say(serde_json::to_string_pretty(&told)?);
        } else {
            let commits = heads::commits(&world);
            let mark = if is_terminal() { "✓ " } else { "" };
            say(format!("{mark}{commits} commits: every link holds, every view agrees"));
            heads::show(&world);
        }
        log.close();
        Ok(())
    }
}
