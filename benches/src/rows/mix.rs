//! T8: what an identity provider does in a day.

use super::Measured;
use super::reads::summaries;
use crate::bench::Bench;
use crate::figure::Figure;
use crate::work::{OKTA, Work};

const CONNECTIONS: u32 = 64;

/// T8.
pub(super) async fn mix(bench: &mut Bench<'_>) -> anyhow::Result<Measured> {
    let mut lanes =
        vec![bench.unit().await?, bench.bare("bare axum", Work::Get, CONNECTIONS).await?];
    lanes.extend(bench.each(&OKTA, CONNECTIONS).await?);
    bench.alternate(&mut lanes).await?;
    let mut figures = Vec::new();
    if let [unit, ceiling, ours @ ..] = lanes.as_slice() {
        for lane in ours {
            let figure = |what: &str, measured| Figure::new(lane.name.clone(), what, measured);
            figures.push(figure("rate, of bare GETs", lane.rate_of(ceiling)).at_least(0.20));
            figures.push(figure("CPU, in bare GETs", lane.cpu_of(unit)).at_most(6.0));
        }
    }
    Ok(Measured { figures, lanes: summaries(&lanes) })
}
