//! T9, T16: what it takes to hold users, and to hold none.

use std::time::{Duration, Instant};

use anyhow::Context;

use super::Measured;
use crate::bench::Bench;
use crate::figure::{Figure, Unit, many};
use crate::proc;
use crate::rollbook;

/// How long a server is left alone before it counts as idle.
const SETTLE: Duration = Duration::from_secs(2);
/// How often an empty instance is started.
const STARTS: u32 = 5;

/// T9.
pub(super) async fn memory(bench: &mut Bench<'_>) -> anyhow::Result<Measured> {
    let populations = bench.populations().await?;
    let (first, last) = (populations.first(), populations.last());
    let (first, last) = first.zip(last).context("no population")?;
    let mut figures: Vec<Figure> = populations
        .iter()
        .map(|one| {
            let of = format!("{} users", many(one.users));
            Figure::new(of, "resident when ready", one.resident as f64 / 1e6).unit(Unit::MegaBytes)
        })
        .collect();
    if last.users > first.users {
        let bytes = last.resident.saturating_sub(first.resident) as f64;
        let each = bytes / f64::from(last.users - first.users);
        let of = format!("a user, {} less {}", many(last.users), many(first.users));
        figures.push(Figure::new(of, "resident", each).unit(Unit::Bytes).at_most(1_024.0));
    }
    Ok(Measured { figures, lanes: Vec::new() })
}

/// T16.
pub(super) async fn idle(bench: &mut Bench<'_>) -> anyhow::Result<Measured> {
    let (mut first, mut again) = (Vec::new(), Vec::new());
    let mut figures = Vec::new();
    for round in 1..=STARTS {
        bench.progress.show(format!("empty start {round} of {STARTS}"));
        let folder = tempfile::tempdir_in(bench.store.scratch())?;
        let data = folder.path().join("data");
        for (times, measure_idle) in [(&mut first, false), (&mut again, round == STARTS)] {
            let since = Instant::now();
            let server = rollbook::start(&bench.binary, &data, None).await?;
            times.push(since.elapsed().as_secs_f64() * 1e3);
            if measure_idle {
                bench.progress.show("left alone");
                tokio::time::sleep(SETTLE).await;
                let (before, since) = (proc::on_cpu(server.pid)?, Instant::now());
                tokio::time::sleep(bench.options.idle()).await;
                let used = proc::on_cpu(server.pid)?.saturating_sub(before);
                let share = used.as_secs_f64() / since.elapsed().as_secs_f64() * 100.0;
                let resident = proc::resident(server.pid)? as f64 / 1e6;
                figures.push(
                    Figure::new("idle", "resident", resident).unit(Unit::MegaBytes).at_most(20.0),
                );
                figures
                    .push(Figure::new("idle", "of a core", share).unit(Unit::Percent).at_most(0.1));
            }
            server.stop().await?;
        }
    }
    for (of, times) in
        [("first start of all, keys made", first), ("start of an empty instance", again)]
    {
        let ms = crate::stats::median(times).unwrap_or(f64::NAN);
        figures.push(Figure::new(of, "until ready", ms).unit(Unit::Milliseconds).at_most(50.0));
    }
    Ok(Measured { figures, lanes: Vec::new() })
}
