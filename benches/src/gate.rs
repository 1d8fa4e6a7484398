//! How many instructions the hot paths take, beside those that were recorded. Wall-clock is too
//! noisy for a machine that others share; instructions are not: the same paths, with the same users
//! and the same requests, on one thread, under `valgrind --tool=callgrind`.
//!
//! A path takes what its handler takes, from the request to the answer's last byte, through the
//! router and not a socket; a write also what the writer's turn takes on a log in memory, with its
//! seals, its chain and its frames. What the store and the disk take is not in it: they have
//! threads of their own.

mod fixture;
mod paths;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use anyhow::{Context, anyhow, bail, ensure};

use crate::rollbook;
use crate::table::Table;
use crate::terminal::{Progress, note, say};

pub(crate) use paths::work;

/// The counts that were recorded.
const RECORDED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/gate.txt");
/// More than this part above them is a failure.
const MOST_ABOVE: f64 = 0.10;
/// What stands above the counts.
const HEADING: &str = "\
# Instructions for each request, commit or question, by `make bench-gate RECORD=1`; see src/gate.rs.
";
/// What stands before the compiler and the counter that they were counted with: others count otherwise.
const WITH: &str = "# with ";

/// Instructions by path.
type Counts = BTreeMap<String, u64>;

/// Counts, and compares with what was recorded, or records.
pub(crate) fn gate(record: bool) -> anyhow::Result<bool> {
    let counts = count()?;
    if record {
        let lines = counts.iter().map(|(path, count)| format!("{count:>12}  {path}\n"));
        let with = format!("{WITH}{}\n", tools()?);
        std::fs::write(RECORDED, HEADING.to_owned() + &with + &lines.collect::<String>())?;
        say(format!("{} counts are recorded in benches/gate.txt", counts.len()));
        return Ok(true);
    }
    let (recorded, with) = recorded()?;
    let mut table = Table::new(&["path", "recorded", "now", "change", ""], &[0, 4]);
    let (mut failed, mut cheaper) = (0, 0);
    for (path, count) in &counts {
        let (before, change) = match recorded.get(path) {
            Some(before) => (before.to_string(), change(*before, *count)),
            None => ("none".to_owned(), f64::NAN),
        };
        let verdict = if change.is_nan() {
            "NOT RECORDED"
        } else if change > MOST_ABOVE {
            "DEARER"
        } else if change < -MOST_ABOVE {
            "cheaper"
        } else {
            ""
        };
        cheaper += usize::from(verdict == "cheaper");
        failed += usize::from(!verdict.is_empty() && verdict != "cheaper");
        let change = format!("{:+.1} %", change * 100.0);
        table.row(vec![path.clone(), before, count.to_string(), change, verdict.to_owned()]);
    }
    for gone in recorded.keys().filter(|path| !counts.contains_key(*path)) {
        table.row(vec![gone.clone(), String::new(), String::new(), String::new(), "GONE".into()]);
        failed += 1;
    }
    say(table.lines().collect::<Vec<_>>().join("\n"));
    if cheaper > 0 {
        note(format!(
            "{cheaper} paths take over {:.0} % less than recorded: keep that with `make bench-gate RECORD=1`, else \
             they may become as dear again and nobody is told",
            MOST_ABOVE * 100.0
        ));
    }
    if failed > 0 {
        note(format!(
            "a hot path takes over {:.0} % more instructions than recorded, or was not recorded: find what made \
             it dearer (`git stash`, `make bench-gate`), or, where it is worth it, `make bench-gate RECORD=1` \
             and say why in the commit",
            MOST_ABOVE * 100.0
        ));
        let now = tools()?;
        if with != now {
            note(format!("recorded with {with}; counted with {now}: that may be all of it"));
        }
    }
    say(format!("{} passed, {failed} failed", counts.len().saturating_sub(failed)));
    Ok(failed == 0)
}

fn change(before: u64, now: u64) -> f64 {
    now as f64 / before as f64 - 1.0
}

/// What was recorded, and with which tools.
fn recorded() -> anyhow::Result<(Counts, String)> {
    let text = std::fs::read_to_string(RECORDED).with_context(|| {
        format!("{RECORDED} cannot be read; `make bench-gate RECORD=1` makes it")
    })?;
    let with = text.lines().find_map(|line| line.strip_prefix(WITH)).unwrap_or("others");
    let lines = text.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty());
    let counts = lines
        .map(|line| {
            let (count, path) = line.trim().split_once(' ').context("a line without a path")?;
            Ok((path.trim().to_owned(), count.parse()?))
        })
        .collect::<anyhow::Result<Counts>>()?;
    Ok((counts, with.to_owned()))
}

/// The compiler, the counter and the processor's kind: on others, the same code takes other instructions.
fn tools() -> anyhow::Result<String> {
    let version = |program: &str| -> anyhow::Result<String> {
        let said = Command::new(program)
            .arg("--version")
            .output()
            .with_context(|| format!("`{program}` could not be started"))?;
        let said = String::from_utf8(said.stdout)?;
        Ok(said.split(" (").next().unwrap_or_default().trim().to_owned())
    };
    Ok(format!("{}, {}, {}", version("rustc")?, version("valgrind")?, std::env::consts::ARCH))
}

/// Makes the commits that the paths work on, and runs each path under callgrind, two at a time.
fn count() -> anyhow::Result<Counts> {
    let folder = tempfile::tempdir_in(rollbook::target()?)?;
    let commits = folder.path().join("commits");
    fixture::write(&commits)?;
    let (counts, next) = (Mutex::new(Counts::new()), AtomicUsize::new(0));
    let progress = Progress::new();
    let count_on = || -> anyhow::Result<()> {
        while let Some(path) = paths::ALL.get(next.fetch_add(1, Ordering::Relaxed)) {
            progress.show(format!("counting: {path}"));
            let instructions = count_one(folder.path(), &commits, path)?;
            let mut counts = counts.lock().map_err(|_| anyhow!("counting panicked"))?;
            counts.insert((*path).to_owned(), instructions);
        }
        Ok(())
    };
    thread::scope(|scope| {
        let counting = [scope.spawn(count_on), scope.spawn(count_on)];
        counting
            .into_iter()
            .try_for_each(|one| one.join().map_err(|_| anyhow!("counting panicked")).flatten())
    })?;
    counts.into_inner().map_err(|_| anyhow!("counting panicked"))
}

/// Instructions that one path takes each time.
fn count_one(folder: &Path, commits: &Path, path: &str) -> anyhow::Result<u64> {
    let name: String = path.chars().filter(char::is_ascii_alphanumeric).collect();
    let out = folder.join(name);
    // On one core whoever asks does all of the work: what another thread does of it is not counted.
    let done = Command::new("taskset")
        .args(["-c", "0", "valgrind", "--tool=callgrind", "--collect-atstart=no"])
        .arg(format!("--callgrind-out-file={}", out.display()))
        .arg(format!("--toggle-collect=*{}*", paths::REGION))
        .arg(std::env::current_exe().context("this program does not know where it is")?)
        .arg("work")
        .args([commits, Path::new(path)])
        .stdin(Stdio::null())
        .output()
        .context("`taskset` could not be started; Debian has it in util-linux")?;
    let said = String::from_utf8_lossy(&done.stderr);
    ensure!(
        done.status.success(),
        "{path} failed under valgrind, which Debian has in the package of that name: {said}"
    );
    let times: u64 = String::from_utf8(done.stdout)?.trim().parse()?;
    Ok(total(&out)? / times)
}

/// All instructions in a file of callgrind's.
fn total(path: &Path) -> anyhow::Result<u64> {
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("callgrind wrote no {}", path.display()))?;
    for line in text.lines() {
        if let Some(number) = line.strip_prefix("summary: ").or(line.strip_prefix("totals: ")) {
            return Ok(number.trim().parse()?);
        }
    }
    bail!("{} says no total", path.display())
}
