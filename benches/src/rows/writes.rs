//! T4, T5, T6: durable writes beside the durable floor.

use super::Measured;
use super::reads::summaries;
use crate::bench::Bench;
use crate::figure::Figure;
use crate::lane::{Lane, Place};
use crate::work::Work;

const MANY: u32 = 64;

/// T4.
pub(super) async fn many(bench: &mut Bench<'_>) -> anyhow::Result<Measured> {
    let mut lanes = vec![bench.unit().await?, bench.floor(MANY).await?];
    lanes.extend(bench.each(&Work::Create, MANY).await?);
    bench.alternate(&mut lanes).await?;
    let mut figures = Vec::new();
    if let [unit, floor, ours @ ..] = lanes.as_slice() {
        for lane in ours {
            figures.push(rate(lane, floor).at_least(0.60));
            figures.push(cpu(lane, unit).at_most(8.0));
            let p99 = lane.p99_of(floor);
            figures.push(Figure::new(name(lane), "p99, of the durable floor's", p99).at_most(1.5));
        }
    }
    Ok(Measured { figures, lanes: summaries(&lanes) })
}

/// T5.
pub(super) async fn alone(bench: &mut Bench<'_>) -> anyhow::Result<Measured> {
    let mut lanes = vec![bench.unit().await?, bench.floor(1).await?];
    lanes.extend([Place::End, Place::Filled].map(Bench::disk));
    lanes.extend(bench.each(&Work::Create, 1).await?);
    bench.alternate(&mut lanes).await?;
    let mut figures = Vec::new();
    if let [unit, floor, growing, filled, ours @ ..] = lanes.as_slice() {
        for lane in ours {
            figures.push(rate(lane, floor).at_least(0.70));
            figures.push(cpu(lane, unit));
            let syncs = |what: &str, disk: &Lane| Figure::new(name(lane), what, lane.rate_of(disk));
            figures.push(syncs("rate, of fdatasyncs of a growing file", growing));
            figures.push(syncs("rate, of fdatasyncs of a filled file", filled));
        }
    }
    Ok(Measured { figures, lanes: summaries(&lanes) })
}

/// T6.
pub(super) async fn changes(bench: &mut Bench<'_>) -> anyhow::Result<Measured> {
    let mut lanes = vec![bench.unit().await?, bench.floor(MANY).await?];
    lanes.extend(bench.each(&Work::Activate, MANY).await?);
    lanes.extend(bench.each(&Work::Replace, MANY).await?);
    bench.alternate(&mut lanes).await?;
    let mut figures = Vec::new();
    if let [unit, floor, ours @ ..] = lanes.as_slice() {
        for lane in ours {
            let least = if lane.work == Work::Activate { 0.60 } else { 0.50 };
            figures.push(rate(lane, floor).at_least(least));
            figures.push(cpu(lane, unit));
        }
    }
    Ok(Measured { figures, lanes: summaries(&lanes) })
}

fn name(lane: &Lane) -> String {
    format!("{}, {}", lane.work, lane.name)
}

fn rate(lane: &Lane, floor: &Lane) -> Figure {
    Figure::new(name(lane), "rate, of the durable floor", lane.rate_of(floor))
}

fn cpu(lane: &Lane, unit: &Lane) -> Figure {
    Figure::new(name(lane), "CPU, in bare GETs", lane.cpu_of(unit))
}
