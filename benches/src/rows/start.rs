//! T10, T11: reading a log back, beside the replay floor.

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use tokio::process::Command;

use super::Measured;
use crate::bench::Bench;
use crate::figure::{Figure, Unit, many};
use crate::floor::Took;
use crate::load;
use crate::okta::To;
use crate::population::Shape;
use crate::rollbook;
use crate::stats::median;
use crate::work::{Subject, Work};

/// How often a start is measured that is quick.
const STARTS: u32 = 3;
/// One processor, and two.
const ONE: &str = "0";
const TWO: &str = "0-1";
/// For how long there are writes before a server is killed.
const WRITES: Duration = Duration::from_secs(1);

/// T10.
pub(super) async fn ready(bench: &mut Bench<'_>) -> anyhow::Result<Measured> {
    let users = bench.most_users();
    let shape = Shape { users, commits: 2 * users };
    let of = |what: &str| format!("{} users, {} commits, {what}", many(users), many(2 * users));
    let floor = floor(bench, shape).await?;
    let seconds =
        |of: String, taken: f64| Figure::new(of, "until ready", taken).unit(Unit::Seconds);
    let copied = bench.store.copy(shape, bench.progress).await?;
    let cold_on_one = start(bench, &copied.data, Some(ONE), End::Stop).await?;
    let mut clean = Vec::new();
    for _ in 0..STARTS {
        clean.push(start(bench, &copied.data, None, End::Stop).await?);
    }
    let mut killed = Vec::new();
    for _ in 0..STARTS {
        start(bench, &copied.data, None, End::Kill(users)).await?;
        killed.push(start(bench, &copied.data, None, End::Stop).await?);
    }
    let copied = bench.store.copy(shape, bench.progress).await?;
    let cold_on_two = start(bench, &copied.data, Some(TWO), End::Kill(users)).await?;
    let worst = |times: Vec<f64>| times.into_iter().fold(0.0, f64::max);
    let figures = vec![
        seconds(of("clean shutdown"), median(clean).unwrap_or(f64::NAN)).at_most(1.5),
        seconds(of("SIGKILL while writing, slowest of 3"), worst(killed)).at_most(3.0),
        Figure::new(of("cold, one core"), "of the replay floor", cold_on_one / floor.seconds)
            .at_most(1.3),
        Figure::new(of("cold, two cores"), "of the replay floor", cold_on_two / floor.seconds)
            .at_most(0.75),
        seconds(of("cold, one core"), cold_on_one),
        seconds(of("cold, two cores"), cold_on_two),
        seconds(of("the replay floor"), floor.seconds),
    ];
    Ok(Measured { figures, lanes: Vec::new() })
}

/// How a server ends.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Stop,
    /// While it writes, with so many users in it.
    Kill(u32),
}

/// Starts a rollbook, ends it, and says how many seconds it took until it was ready.
async fn start(
    bench: &Bench<'_>,
    data: &Path,
    processors: Option<&str>,
    end: End,
) -> anyhow::Result<f64> {
    bench.progress.show("starting rollbook");
    let since = Instant::now();
    let server = rollbook::start(&bench.binary, data, processors).await?;
    let taken = since.elapsed().as_secs_f64();
    match end {
        End::Stop => drop(server.stop().await?),
        End::Kill(users) => {
            let subject = Subject::new(To::rollbook(server.address), users);
            subject.begin_at(u32::try_from(rollbook::position(&server).await?)?);
            load::slice(&server, &subject, &Work::Create, 64, WRITES).await?;
            // Dropping it kills it.
            drop(server);
        }
    }
    Ok(taken)
}

/// T11.
pub(super) async fn replay(bench: &mut Bench<'_>) -> anyhow::Result<Measured> {
    let users = bench.most_users() / 4;
    let shape = Shape { users, commits: 2 * users };
    let floor = floor(bench, shape).await?;
    let copied = bench.store.copy(shape, bench.progress).await?;
    let mut taken = Vec::new();
    for processors in [ONE, TWO] {
        bench.progress.show(format!("replaying {} commits on {processors}", many(shape.commits)));
        let folder = tempfile::tempdir_in(bench.store.scratch())?;
        let mut command = Command::new("taskset");
        command.args(["--cpu-list", processors]).arg(&bench.binary).arg("replay");
        command.arg(&copied.data).arg("--into").arg(folder.path().join("fresh"));
        let since = Instant::now();
        let done = rollbook::clean(&mut command)
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output()
            .await
            .context("`taskset` could not be started; Debian has it in util-linux")?;
        let said = String::from_utf8_lossy(&done.stderr);
        ensure!(done.status.success(), "the replay failed: {said}");
        taken.push(since.elapsed().as_secs_f64());
    }
    let [one, two] = taken.as_slice() else { return Ok(Measured::default()) };
    let of = format!("{} commits", many(shape.commits));
    let figure = |what: &str, measured| Figure::new(of.clone(), what, measured);
    let rate = |seconds: f64| f64::from(shape.commits) / seconds;
    let figures = vec![
        figure("rate on one core, of the replay floor", floor.seconds / one).at_least(0.5),
        figure("rate on two cores, of that on one", one / two).at_least(1.7),
        figure("rate on one core", rate(*one)).unit(Unit::PerSecond),
        figure("rate of the replay floor", rate(floor.seconds)).unit(Unit::PerSecond),
    ];
    Ok(Measured { figures, lanes: Vec::new() })
}

/// The replay floor on one core: the better of two, for the first may have to write its log.
async fn floor(bench: &Bench<'_>, shape: Shape) -> anyhow::Result<Took> {
    let mut best: Option<Took> = None;
    for _ in 0..2 {
        bench.progress.show("the replay floor");
        let path = bench.store.folder().join(format!("floor-{}-{}", shape.users, shape.commits));
        let this = std::env::current_exe().context("this program does not know where it is")?;
        let mut command = Command::new("taskset");
        command.args(["--cpu-list", ONE]).arg(this).arg("floor").arg(path);
        command.args([shape.users.to_string(), shape.commits.to_string()]);
        let done = command.stdin(Stdio::null()).kill_on_drop(true).output().await;
        let done = done.context("`taskset` could not be started; Debian has it in util-linux")?;
        let said = String::from_utf8_lossy(&done.stderr);
        ensure!(done.status.success(), "the replay floor failed: {said}");
        let took: Took = serde_json::from_slice(&done.stdout)?;
        if best.as_ref().is_none_or(|best| took.seconds < best.seconds) {
            best = Some(took);
        }
    }
    best.context("no floor")
}
