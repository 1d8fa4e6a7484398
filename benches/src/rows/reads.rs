//! T1, T2, T3: reads beside bare axum that answers the same bytes.

use super::Measured;
use crate::bench::{Bench, UNIT_CONNECTIONS};
use crate::figure::Figure;
use crate::lane::Lane;
use crate::work::{By, Hit, Work};

/// What is asked of one kind of read.
struct Targets {
    rate: f64,
    cpu: f64,
    /// Of the answers' times, in that of the ceiling.
    p99: Option<f64>,
    /// The CPU at the largest population, in that at the smallest.
    growth: Option<f64>,
}

/// T1.
pub(super) async fn by_id(bench: &mut Bench<'_>) -> anyhow::Result<Measured> {
    let targets = Targets { rate: 0.80, cpu: 1.4, p99: Some(1.5), growth: None };
    let mut lanes = Vec::new();
    for connections in [UNIT_CONNECTIONS, 64] {
        lanes.push(bench.bare("bare axum", Work::Get, connections).await?);
        lanes.extend(bench.each(&Work::Get, connections).await?);
    }
    bench.alternate(&mut lanes).await?;
    let many = lanes.len() / 2;
    let (sixteen, sixty_four) = lanes.split_at(many);
    let Some(unit) = sixteen.first() else { return Ok(Measured::default()) };
    let mut figures = compare(sixteen, unit, &targets);
    figures.extend(compare(sixty_four, unit, &targets));
    Ok(Measured { figures, lanes: summaries(&lanes) })
}

/// T2.
pub(super) async fn filters(bench: &mut Bench<'_>) -> anyhow::Result<Measured> {
    let targets = Targets { rate: 0.60, cpu: 2.5, p99: None, growth: Some(1.3) };
    let mut lanes = vec![bench.unit().await?];
    for by in [By::UserName, By::ExternalId] {
        for hit in [Hit::One, Hit::None] {
            lanes.extend(bench.each(&Work::Filter(by, hit), UNIT_CONNECTIONS).await?);
        }
    }
    bench.alternate(&mut lanes).await?;
    let Some(unit) = lanes.first() else { return Ok(Measured::default()) };
    Ok(Measured { figures: compare(&lanes, unit, &targets), lanes: summaries(&lanes) })
}

/// T3.
pub(super) async fn lists(bench: &mut Bench<'_>) -> anyhow::Result<Measured> {
    let targets = Targets { rate: 0.35, cpu: 8.0, p99: None, growth: Some(1.5) };
    let unit = bench.unit().await?;
    let mut lanes = vec![bench.bare("bare axum", Work::List, UNIT_CONNECTIONS).await?];
    for work in [Work::List, Work::Walk] {
        lanes.extend(bench.each(&work, UNIT_CONNECTIONS).await?);
    }
    lanes.push(unit);
    bench.alternate(&mut lanes).await?;
    let Some((unit, pages)) = lanes.split_last() else { return Ok(Measured::default()) };
    Ok(Measured { figures: compare(pages, unit, &targets), lanes: summaries(&lanes) })
}

pub(super) fn summaries(lanes: &[Lane]) -> Vec<crate::lane::Summary> {
    lanes.iter().map(Lane::summary).collect()
}

/// The first lane is the ceiling of the others; of the same work, the smallest population is first.
fn compare(lanes: &[Lane], unit: &Lane, targets: &Targets) -> Vec<Figure> {
    let Some((ceiling, lanes)) = lanes.split_first() else { return Vec::new() };
    let mut figures = Vec::new();
    for same in lanes.chunk_by(|one, next| one.work == next.work) {
        for lane in same {
            let of = format!("{}, {}, {} connections", lane.work, lane.name, lane.connections);
            let figure = |what: &str, measured| Figure::new(of.clone(), what, measured);
            figures
                .push(figure("rate, of bare axum", lane.rate_of(ceiling)).at_least(targets.rate));
            figures.push(figure("CPU, in bare GETs", lane.cpu_of(unit)).at_most(targets.cpu));
            if let Some(most) = targets.p99 {
                figures.push(figure("p99, of bare axum's", lane.p99_of(ceiling)).at_most(most));
            }
        }
        if let ([smallest, .., largest], Some(most)) = (same, targets.growth) {
            let of = format!("{}, {} beside {}", largest.work, largest.name, smallest.name);
            figures.push(Figure::new(of, "CPU", largest.cpu_of(smallest)).at_most(most));
        }
    }
    figures
}
