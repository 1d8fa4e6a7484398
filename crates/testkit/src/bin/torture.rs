//! Puts faults to the real binary, all of them or one, and says what was lost: `make torture`, `make torture FAULT=power SEED=7`.

use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, bail};
use testkit::torture::disk::Trouble;
use testkit::torture::{
    Outcome, Stage, disk, flip, history, kill, members, overload, power, shutdown, soak,
};

const USAGE: &str = "torture --rollbook PATH [--fault NAME] [--seed N] [--count N] [--out FILE]";

/// Every fault, and how often it is done.
const FAULTS: &[(&str, u64)] = &[
    ("power", 100),
    ("kill", 500),
    ("flip", 1_000),
    ("full", 3),
    ("read-only", 5),
    ("eio", 5),
    ("enospc", 5),
    ("emfile", 5),
    ("members", 5),
    ("overload", 20),
    ("history", 200),
    ("shutdown", 20),
    ("soak", 360),
];

struct Asked {
    rollbook: PathBuf,
    fault: Option<String>,
    seed: u64,
    count: Option<u64>,
    out: Option<PathBuf>,
}

fn asked() -> anyhow::Result<Asked> {
    let mut asked =
        Asked { rollbook: PathBuf::new(), fault: None, seed: 7, count: None, out: None };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let value = words.next().with_context(|| format!("`{word}` wants a value; {USAGE}"))?;
        match word.as_str() {
            "--rollbook" => asked.rollbook = value.into(),
            "--fault" => asked.fault = Some(value),
            "--seed" => asked.seed = value.parse().context("the seed is a number")?,
            "--count" => asked.count = Some(value.parse().context("the count is a number")?),
            "--out" => asked.out = Some(value.into()),
            _ => bail!("what is `{word}`? {USAGE}"),
        }
    }
    if !asked.rollbook.is_file() {
        bail!("there is no binary `{}`; {USAGE}", asked.rollbook.display());
    }
    Ok(asked)
}

async fn put(stage: &Stage, fault: &str, count: u64) -> anyhow::Result<Outcome> {
    match fault {
        "power" => power::power(stage, count, 5.min(count)).await,
        "kill" => kill::kill(stage, count).await,
        "flip" => flip::flip(stage, count).await,
        "emfile" => disk::descriptors(stage, count).await,
        "members" => members::members(stage, count).await,
        "history" => history::history(stage, count).await,
        "shutdown" => shutdown::shutdown(stage, count).await,
        // Of these two the count is the length in seconds.
        "overload" => overload::overload(stage, count).await,
        "soak" => soak::soak(stage, count).await,
        other => {
            let trouble = Trouble::ALL.into_iter().find(|(name, _)| *name == other);
            let (_, trouble) = trouble.context("there is no such fault")?;
            disk::disk(stage, trouble, count).await
        }
    }
}

fn say(text: &str) {
    drop(writeln!(std::io::stdout(), "{text}"));
}

async fn run() -> anyhow::Result<bool> {
    let asked = asked()?;
    let names: Vec<&str> = FAULTS.iter().map(|(name, _)| *name).collect();
    if let Some(fault) = &asked.fault
        && !names.contains(&fault.as_str())
    {
        bail!("there is no fault `{fault}`; there are: {}", names.join(", "));
    }
    let mut good = true;
    let mut results = Vec::new();
    for (fault, usual) in FAULTS {
        if asked.fault.as_deref().is_some_and(|only| only != *fault) {
            continue;
        }
        let mut stage = Stage::new(&asked.rollbook, asked.seed);
        let shows = std::io::stderr().is_terminal();
        if shows {
            stage.progress = Box::new(move |done, all| {
                drop(write!(std::io::stderr(), "\r{fault}: {done} of {all}\x1b[K"));
            });
        } else {
            say(&format!("{fault}: begun, seed {}", asked.seed));
        }
        let outcome = put(&stage, fault, asked.count.unwrap_or(*usual)).await;
        if shows {
            drop(write!(std::io::stderr(), "\r\x1b[K"));
        }
        let outcome = outcome.with_context(|| format!("{fault} could not be put to it"))?;
        say(&outcome.line());
        good &= outcome.is_good();
        results.push(outcome.json(asked.seed));
        if let Some(out) = &asked.out {
            if let Some(folder) = out.parent() {
                std::fs::create_dir_all(folder)?;
            }
            std::fs::write(out, serde_json::to_string_pretty(&results)?)?;
        }
    }
    if let Some(out) = &asked.out {
        say(&format!("results: {}", out.display()));
    }
    Ok(good)
}

fn main() -> ExitCode {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let done = match runtime {
        Ok(runtime) => runtime.block_on(run()),
        Err(error) => Err(error.into()),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            drop(writeln!(std::io::stderr(), "error: {error:#}"));
            ExitCode::from(2)
        }
    }
}
