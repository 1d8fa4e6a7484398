//! T13: a filter that no index answers, and what it costs those who write meanwhile.

use std::time::Duration;

use super::Measured;
use super::reads::summaries;
use crate::bench::Bench;
use crate::figure::{Figure, Unit, many};
use crate::stats::median;
use crate::work::Work;

/// Connections that write while others look.
const WRITERS: u32 = 16;
/// A slice lasts for some scans.
const LENGTH: Duration = Duration::from_secs(2);

/// T13.
pub(super) async fn scan(bench: &mut Bench<'_>) -> anyhow::Result<Measured> {
    let mut lanes = vec![
        bench.largest(&Work::Scan, 1).await?,
        bench.largest(&Work::Create, WRITERS).await?,
        bench.largest(&Work::Create, WRITERS).await?,
    ];
    let length = LENGTH.max(bench.options.slice());
    let rounds = bench.options.rounds();
    for _ in 0..rounds {
        // Alone, each of the first two; then both at once.
        let Some((last, alone)) = lanes.split_last_mut() else { break };
        bench.alternate_for(alone, length, 1).await?;
        let slice = bench.during_scans(last, length).await?;
        last.slices.push(slice);
    }
    let [scan, writes, disturbed] = lanes.as_mut_slice() else { return Ok(Measured::default()) };
    "create, during scans".clone_into(&mut disturbed.name);
    let users = bench.most_users();
    let each = scan.summary().cpu_us * 1e3 / f64::from(users);
    let p99 = disturbed.p99_of(writes);
    let alone = median(writes.slices.iter().map(|slice| f64::from(slice.p99_us))).unwrap_or(0.0);
    let of = format!("{}, {} users", scan.work, many(users));
    let figures = vec![
        Figure::new(of, "CPU for each user", each).unit(Unit::Nanoseconds).at_most(150.0),
        Figure::new("creates meanwhile, 16 connections", "p99, of what it is else", p99)
            .at_most(2.0),
        Figure::new("creates else, 16 connections", "p99", alone / 1e3).unit(Unit::Milliseconds),
    ];
    Ok(Measured { figures, lanes: summaries(&lanes) })
}
