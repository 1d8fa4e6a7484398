//! Flipped bits, anywhere in a data folder: noticed when it is opened, or without effect.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context;
use rand::RngExt;

use super::{Book, Load, Outcome, Served, Stage, mounted};

/// Longer than opening a small folder takes on any machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// Flips a bit `trials` times, each in a fresh copy of a small data folder. `rollbook verify` must say what is wrong, or find the same heads
/// and directories as without; what is open to everybody, the refusals, is compared as well.
///
/// # Errors
/// When the stage breaks, not the server.
pub async fn flip(stage: &Stage, trials: u64) -> anyhow::Result<Outcome> {
    let mut running = stage.outcome("flip", "flipped bits");
    let work = tempfile::tempdir()?;
    let (good, copy) = (work.path().join("good"), work.path().join("copy"));
    let server = Served::start(&stage.rollbook, &good)?;
    let book = Book::default();
    let load = Load::start(&server.url, 4, 0, &book)?;
    while book.acknowledged() < 60 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    load.abandon().await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    server.stop()?;
    let ballast = good.join("ballast");
    if ballast.exists() {
        // It holds nothing.
        fs::remove_file(ballast)?;
    }
    // Opened once more as all the others are, so that what a start writes is in the folder.
    ask(stage, "verify", &good)?;
    let verified = ask(stage, "verify", &good)?;
    let problems = ask(stage, "problems", &good)?;
    anyhow::ensure!(verified.status.success(), "the undamaged folder does not verify");
    let places = places(&good)?;
    let (mut noticed, mut harmless, mut dice) = (0_u64, 0_u64, stage.dice());
    for trial in 0..trials {
        // A file first, then a place in it: small files matter as much as large ones.
        let file = places.get(dice.random_range(0..places.len())).context("no files")?;
        let (path, used) = file;
        let at = *used.get(dice.random_range(0..used.len())).context("an empty file")?;
        let bit = dice.random_range(0..8);
        if copy.exists() {
            fs::remove_dir_all(&copy)?;
        }
        mounted::run("cp", &["-a", "--sparse=always", text(&good)?, text(&copy)?])?;
        let damaged = copy.join(path.strip_prefix(&good)?);
        let mut bytes = fs::read(&damaged)?;
        if let Some(byte) = bytes.get_mut(at) {
            *byte ^= 1 << bit;
        }
        fs::write(&damaged, bytes)?;
        let what = format!(
            "trial {trial}, bit {bit} of byte {at} of {}",
            path.strip_prefix(&good)?.display()
        );
        let now = ask(stage, "verify", &copy);
        match judge(now, &verified) {
            Verdict::Noticed => noticed += 1,
            Verdict::Same => match judge(ask(stage, "problems", &copy), &problems) {
                Verdict::Noticed => noticed += 1,
                Verdict::Same => harmless += 1,
                Verdict::Wrong(why) => {
                    running.outcome.lost.push(format!("{what}: problems: {why}"))
                }
            },
            Verdict::Wrong(why) => running.outcome.lost.push(format!("{what}: {why}")),
        }
        running.outcome.count += 1;
        (stage.progress)(running.outcome.count, trials);
    }
    running.outcome.kept.1 = trials;
    running.measured("noticed", noticed);
    running.measured("without effect", harmless);
    if noticed == 0 {
        running.outcome.lost.push("no flipped bit was noticed: this proves nothing".to_owned());
    }
    Ok(running.done())
}

enum Verdict {
    Noticed,
    Same,
    Wrong(String),
}

fn judge(now: anyhow::Result<Output>, good: &Output) -> Verdict {
    let now = match now {
        Ok(now) => now,
        Err(hang) => return Verdict::Wrong(hang.to_string()),
    };
    let said = String::from_utf8_lossy(&now.stderr);
    if said.contains("panicked at") || now.status.code().is_none_or(|code| code > 2) {
        let line = said.lines().find(|line| line.contains("panicked")).unwrap_or("it was killed");
        return Verdict::Wrong(format!("{}: {line}", now.status));
    }
    match (now.status.success(), now.stdout == good.stdout) {
        (false, _) if said.contains("error:") => Verdict::Noticed,
        (true, true) => Verdict::Same,
        (true, false) => Verdict::Wrong("another answer".to_owned()),
        (false, _) => Verdict::Wrong(format!("{}: it does not say why", now.status)),
    }
}

/// What the binary says of a folder; an error when it hangs.
fn ask(stage: &Stage, verb: &str, data: &Path) -> anyhow::Result<Output> {
    let mut command = Command::new(&stage.rollbook);
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("ROLLBOOK_")) {
        command.env_remove(name);
    }
    command.args([verb, "--json", "--data"]).arg(data);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let begun = Instant::now();
    while child.try_wait()?.is_none() {
        if begun.elapsed() > PATIENCE {
            child.kill()?;
            child.wait()?;
            anyhow::bail!("it hangs");
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    Ok(child.wait_with_output()?)
}

/// Every file, with the places in it that were written to: the rest is holes.
fn places(folder: &Path) -> anyhow::Result<Vec<(PathBuf, Vec<usize>)>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(places(&path)?);
            continue;
        }
        let bytes = fs::read(&path)?;
        let used = bytes.iter().enumerate().filter(|(_, byte)| **byte != 0).map(|(at, _)| at);
        let used: Vec<usize> = used.collect();
        if !used.is_empty() {
            found.push((path, used));
        }
    }
    found.sort();
    Ok(found)
}

fn text(path: &Path) -> anyhow::Result<&str> {
    path.to_str().context("a path that is no text")
}
