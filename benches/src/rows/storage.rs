//! T12: what a commit costs the disk.

use std::path::Path;

use anyhow::Context;
use eventlog::{EventLog, LogReader, MasterKey, Options, SledLog};

use super::Measured;
use super::reads::summaries;
use crate::bench::Bench;
use crate::figure::{Figure, Unit, many};
use crate::lane::Place;
use crate::load;
use crate::okta::To;
use crate::population::Shape;
use crate::rollbook;
use crate::work::{OKTA, Subject, Work};

const CONNECTIONS: u32 = 64;
/// The store, in a data folder.
const STORE: &str = "log";
/// A file of zeros that keeps room on the disk.
const BALLAST: &str = "ballast";

/// T12.
pub(super) async fn disk(bench: &mut Bench<'_>) -> anyhow::Result<Measured> {
    let mut lanes = vec![Bench::disk(Place::End), Bench::disk(Place::Filled)];
    let first = bench.each(&Work::Create, 1).await?.into_iter().next();
    lanes.push(first.context("no population")?);
    bench.alternate(&mut lanes).await?;
    let mut figures = Vec::new();
    if let [growing, filled, ours] = lanes.as_slice() {
        let figure = |what: &str, measured| {
            Figure::new(format!("commits at 1 connection, {}", ours.name), what, measured)
        };
        figures
            .push(figure("of fdatasyncs of a growing file", ours.rate_of(growing)).at_least(0.9));
        figures.push(figure("of fdatasyncs of a filled file", ours.rate_of(filled)));
    }
    let users = bench.options.users().into_iter().rfind(|users| *users <= 100_000);
    let users = users.unwrap_or(100_000);
    let copied = bench.store.copy(Shape::of(users), bench.progress).await?;
    let before = Kept::of(&copied.data)?;
    churn(bench, &copied.data, users, &Work::Create).await?;
    let created = Kept::of(&copied.data)?;
    let turns = created.frames.saturating_sub(before.frames) as f64;
    let each = created.commits.saturating_sub(before.commits) as f64 / turns;
    let of = format!("creates at {CONNECTIONS} connections");
    figures.push(Figure::new(of, "commits for each fdatasync", each).at_least(20.0));
    churn(bench, &copied.data, users, &OKTA).await?;
    let churned = Kept::of(&copied.data)?;
    let of = format!(
        "{} commits, {} of them by the Okta mix",
        churned.commits,
        churned.commits - created.commits
    );
    let bytes = churned.bytes as f64;
    let part = |what: &str, on_disk: u64| Figure::new(of.clone(), what, on_disk as f64 / bytes);
    figures.push(part("bytes of the store, for each of commits", churned.store).at_most(2.0));
    figures.push(part("bytes of all but the ballast, the same", churned.all));
    figures.push(
        Figure::new(of.clone(), "bytes of a commit", bytes / churned.commits as f64)
            .unit(Unit::Bytes),
    );
    Ok(Measured { figures, lanes: summaries(&lanes) })
}

/// Starts a server, lets clients at it, and stops it in good order.
async fn churn(bench: &Bench<'_>, data: &Path, users: u32, work: &Work) -> anyhow::Result<()> {
    bench.progress.show(format!("{work}, {} users", many(users)));
    let server = rollbook::start(&bench.binary, data, None).await?;
    let subject = Subject::new(To::rollbook(server.address), users);
    // Other people than those that the server before was given.
    subject.begin_at(u32::try_from(rollbook::position(&server).await?)?);
    for _ in 0..bench.options.rounds() {
        load::slice(&server, &subject, work, CONNECTIONS, 2 * bench.options.slice()).await?;
    }
    server.stop().await?;
    Ok(())
}

/// What is in a data folder.
struct Kept {
    frames: u64,
    commits: u64,
    /// Of the commits.
    bytes: u64,
    /// That the store takes on the disk.
    store: u64,
    /// That everything takes, without the ballast.
    all: u64,
}

impl Kept {
    fn of(data: &Path) -> anyhow::Result<Kept> {
        let (master, _) = MasterKey::load_or_create(data)?;
        let (store, all) = (on_disk(&data.join(STORE))?, on_disk(data)?);
        let ballast = on_disk(&data.join(BALLAST)).unwrap_or(0);
        let log = SledLog::open_with(data, master, Options::default(), |_| {})?;
        let reader = log.reader();
        let mut kept =
            Kept { frames: reader.frames(), commits: 0, bytes: 0, store, all: all - ballast };
        for commit in reader.scan() {
            kept.commits += 1;
            kept.bytes += commit?.bytes.len() as u64;
        }
        Ok(kept)
    }
}

/// Bytes that a file or folder takes on the disk.
fn on_disk(path: &Path) -> std::io::Result<u64> {
    use std::os::unix::fs::MetadataExt;
    let data = std::fs::symlink_metadata(path)?;
    let mut bytes = data.blocks() * 512;
    if data.is_dir() {
        for entry in std::fs::read_dir(path)? {
            bytes += on_disk(&entry?.path())?;
        }
    }
    Ok(bytes)
}
