//! One run: each row that is wanted, in turn, told and written down as it is done.

use std::path::PathBuf;
use std::time::Instant;

use anyhow::Context;
use chrono::Utc;

use crate::bench::Bench;
use crate::machine::Machine;
use crate::options::Options;
use crate::population::Store;
use crate::report;
use crate::results::{Line, MadeOf, Results, built};
use crate::rollbook;
use crate::rows::Row;
use crate::terminal::{Progress, note, say};

pub(crate) async fn run(options: &Options) -> anyhow::Result<()> {
    let binary = rollbook::binary(options.rollbook.as_deref())?;
    let store = Store::new(options.data_dir.as_deref())?;
    let _lock = store.lock()?;
    let machine = Machine::of(store.folder());
    if machine.is_in_memory() {
        note("warning: the folder is in memory, where syncing costs nothing; use --data-dir");
    }
    let made_of = MadeOf {
        version: rollbook::version(&binary).await?,
        built: built(&binary)?,
        users: options.users(),
        slice_seconds: options.slice().as_secs_f64(),
        rounds: options.rounds(),
        machine,
    };
    let mut results = Results::open(&results_file(options, &store));
    if !options.json {
        say(report::opening(&made_of));
    }
    let progress = Progress::new();
    let mut bench = Bench::new(options, &store, binary, &progress);
    let mut lines = Vec::new();
    for row in Row::ALL {
        let is_named = options.rows.contains(&row);
        if !options.rows.is_empty() && !is_named {
            continue;
        }
        let known = results.find(row, &made_of).filter(|_| !options.again && !is_named).cloned();
        let line = match known {
            Some(line) => {
                note(format!("{row} was measured before; --again or --rows measures it anew"));
                line
            }
            None => {
                if !row.shares_servers() {
                    bench.end_servers().await?;
                }
                let since = Instant::now();
                let measured = row.measure(&mut bench).await;
                let line = Line {
                    row,
                    at: Utc::now(),
                    made_of: made_of.clone(),
                    measured: measured.with_context(|| format!("{row}: {}", row.title()))?,
                    took_seconds: since.elapsed().as_secs_f64(),
                };
                results.add(line.clone())?;
                line
            }
        };
        progress.show("");
        if !options.json {
            say(report::row(&line));
        }
        lines.push(line);
    }
    bench.end_servers().await?;
    drop(progress);
    lines.sort_by_key(|line| line.row);
    say(if options.json { serde_json::to_string_pretty(&lines)? } else { report::closing(&lines) });
    Ok(())
}

fn results_file(options: &Options, store: &Store) -> PathBuf {
    let name = if options.quick { "quick.jsonl" } else { "results.jsonl" };
    options.results.clone().unwrap_or_else(|| store.folder().join(name))
}
