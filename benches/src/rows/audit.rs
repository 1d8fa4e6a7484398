//! T15: what the audit trail answers.

use std::process::Stdio;

use anyhow::{Context, ensure};
use tokio::process::Command;

use super::Measured;
use crate::bench::Bench;
use crate::figure::{Figure, Unit, many};
use crate::history::Took;

/// The question that has a target.
const ROLES: &str = "a user's roles";

/// T15. The whole of it, with ten million commits, is `make bench-history`.
pub(super) async fn roles(bench: &mut Bench<'_>) -> anyhow::Result<Measured> {
    let commits = bench.most_users();
    bench.progress.show(format!("a history of {} commits", many(commits)));
    let this = std::env::current_exe().context("this program does not know where it is")?;
    let mut command = Command::new(this);
    command.arg("history").arg(commits.to_string()).arg("--json");
    command.arg("--within").arg(bench.store.scratch());
    let done = command.stdin(Stdio::null()).kill_on_drop(true).output().await?;
    let said = String::from_utf8_lossy(&done.stderr);
    ensure!(done.status.success(), "the history failed: {said}");
    let both: Vec<Vec<Took>> = serde_json::from_slice(&done.stdout)?;
    let long = both.last().context("no history")?;
    let figures = long.iter().map(|took| {
        let of = format!("{}, of {} commits", took.question, many(commits));
        let figure = Figure::new(of, "median", took.median_ms).unit(Unit::Milliseconds);
        if took.question == ROLES { figure.at_most(2.0) } else { figure }
    });
    Ok(Measured { figures: figures.collect(), lanes: Vec::new() })
}
