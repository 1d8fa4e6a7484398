//! T14: reads as of moments that nobody asked for before.

use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use tokio::time::timeout;

use super::Measured;
use crate::bench::Bench;
use crate::figure::{Figure, Unit, many};
use crate::http::Connection;
use crate::people;
use crate::population::Shape;

/// Moments that are asked for.
const MOMENTS: u64 = 20;
/// No more are asked for when those before took so long together.
const ENOUGH: Duration = Duration::from_secs(40);
/// Nobody waits longer for an answer.
const PATIENCE: Duration = Duration::from_secs(600);

/// T14.
pub(super) async fn as_of(bench: &mut Bench<'_>) -> anyhow::Result<Measured> {
    let largest = bench.most_users();
    let shape = Shape { users: largest / 4, commits: 5 * largest };
    let population = bench.start(shape).await?;
    let of = |what: &str| format!("{what} of {} commits", many(shape.commits));
    let mut connection = Connection::open(population.server.address).await?;
    let mut figures = Vec::new();
    // From where on the users are there.
    let least = u64::from(shape.users) + 1_000;
    for (what, is_list, most) in
        [("one user, any moment", false, 50.0), ("a page of 100, any moment", true, 1_000.0)]
    {
        let (mut taken, since) = (Vec::new(), Instant::now());
        for number in 0..MOMENTS {
            if since.elapsed() > ENOUGH {
                break;
            }
            bench.progress.show(format!("{what}: {number} of {MOMENTS}"));
            let random = people::mix(number * 2 + u64::from(is_list));
            let position = least + random % (u64::from(shape.commits) - least);
            let mut request = Vec::new();
            let to = &population.subject.to;
            if is_list {
                let start = random % u64::from(shape.users - 100) + 1;
                to.get(
                    &mut request,
                    format_args!("/Users?startIndex={start}&count=100&asOf={position}"),
                );
            } else {
                let id = population.subject.user_id((random >> 32) as u32 % shape.users);
                to.get(&mut request, format_args!("/Users/{id}?asOf={position}"));
            }
            let asked = Instant::now();
            let answer = timeout(PATIENCE, connection.ask(&request)).await;
            let answer = answer.with_context(|| format!("no answer within {PATIENCE:?}"))??;
            taken.push(asked.elapsed().as_secs_f64() * 1e3);
            ensure!(answer.status == 200, "{}: {}", answer.status, answer.quoted());
        }
        let slowest = taken.iter().copied().fold(0.0, f64::max);
        let said = format!("slowest of {}", taken.len());
        figures.push(Figure::new(of(what), said, slowest).unit(Unit::Milliseconds).at_most(most));
        let median = crate::stats::median(taken).unwrap_or(f64::NAN);
        figures.push(Figure::new(of(what), "median", median).unit(Unit::Milliseconds));
    }
    Ok(Measured { figures, lanes: Vec::new() })
}
