//! T7: members join and leave groups of all sizes.

use super::Measured;
use super::reads::summaries;
use crate::bench::Bench;
use crate::figure::{Figure, many};
use crate::people::Size;
use crate::work::Work;

const CONNECTIONS: u32 = 64;
/// Members in a large request.
const MANY: u32 = 50;

/// T7.
pub(super) async fn members(bench: &mut Bench<'_>) -> anyhow::Result<Measured> {
    let mut lanes = vec![bench.unit().await?];
    for size in Size::ALL {
        for how_many in [1, MANY] {
            let mut lane = bench.largest(&Work::Members(size, how_many), CONNECTIONS).await?;
            lane.name = format!("group of {}", many(size.members(bench.most_users())));
            lanes.push(lane);
        }
    }
    bench.alternate(&mut lanes).await?;
    let mut figures = Vec::new();
    if let [unit, small, ..] = lanes.as_slice() {
        for pair in lanes.get(1..).unwrap_or_default().chunks(2) {
            let [one, fifty] = pair else { continue };
            let figure = |lane: &crate::lane::Lane, what: &str, measured| {
                Figure::new(format!("{}, {}", lane.work, lane.name), what, measured)
            };
            figures.push(figure(one, "CPU, in bare GETs", one.cpu_of(unit)).at_most(10.0));
            if one.work != small.work {
                let growth = figure(one, "CPU, of the same in groups of 10", one.cpu_of(small));
                figures.push(growth.at_most(1.5));
            }
            figures.push(figure(fifty, "CPU, of one member's", fifty.cpu_of(one)).at_most(3.0));
        }
    }
    Ok(Measured { figures, lanes: summaries(&lanes) })
}
