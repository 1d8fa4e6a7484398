//! One run: start the servers, fill them, take slices in turn, and check at the end that every
//! create that was acknowledged is there.

use std::cell::Cell;
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use anyhow::{Context, ensure};
use chrono::Utc;
use tempfile::TempDir;

use crate::bare::{self, DURABLE, Sample, Samples};
use crate::disk::Disk;
use crate::http::Connection;
use crate::lane::{Lane, Request, Subject};
use crate::load::{self, Slice, Work};
use crate::machine::Machine;
use crate::options::Options;
use crate::report::{Facts, Report};
use crate::server::Server;
use crate::terminal::{Progress, note};
use crate::{okta, rollbook};

/// Between two slices, for what the one before left behind.
const PAUSE: Duration = Duration::from_millis(50);

pub(crate) async fn run(options: &Options) -> anyhow::Result<Report> {
    let date = Utc::now();
    let binary = rollbook::binary(options.rollbook.as_deref()).await?;
    let version = rollbook::version(&binary).await?;
    let folder = folder(options)?;
    let machine = Machine::of(folder.path());
    if machine.is_in_memory() {
        note("warning: the folder is in memory, where syncing costs nothing; use --data-dir");
    }
    let mut lanes = Lane::all(&options.connections);
    let mut synced = Vec::new();
    note(format!("measuring {version}, {}", how_long(options, lanes.len())));
    let progress = Progress::new();
    let mut bench = Bench::start(&binary, folder, options.users(), &progress).await?;
    for round in 1..=options.rounds() {
        let at = format!("round {round} of {}", options.rounds());
        progress.show(format!("{at}: fdatasync"));
        synced.push(bench.disk.slice(options.slice()).context("the disk could not be measured")?);
        for lane in in_turn(&mut lanes, round) {
            let (connections, name) = (lane.connections, lane.subject.name());
            progress.show(format!("{at}: {name}, {connections} connections"));
            let slice = bench.slice(lane, options.slice()).await;
            lane.slices.push(slice.with_context(|| format!("{at}: {name} failed"))?);
        }
    }
    bench.check().await?;
    drop(progress);
    let facts = Facts {
        date,
        version,
        machine,
        slice_seconds: options.slice().as_secs_f64(),
        rounds: options.rounds(),
        users_before: options.users(),
        users_after: bench.acknowledged,
        create_request_bytes: okta::create_bytes(),
        create_answer_bytes: bench.samples.created.body.len(),
        get_answer_bytes: bench.samples.got.body.len(),
    };
    bench.end()?;
    Ok(Report::new(facts, &lanes, &synced))
}

/// A folder of our own on the disk to measure. It is removed when it is dropped.
fn folder(options: &Options) -> anyhow::Result<TempDir> {
    let within = options.data_dir.clone().map_or_else(rollbook::target, Ok)?;
    tempfile::Builder::new()
        .prefix("rollbook-bench-")
        .tempdir_in(&within)
        .with_context(|| format!("no folder can be made in {}; see --data-dir", within.display()))
}

fn how_long(options: &Options, lanes: usize) -> String {
    // The disk has a slice of its own in each round; a slice is warmed up for a tenth of its time.
    let slices = u32::try_from(lanes + 1).unwrap_or(u32::MAX);
    let takes = (options.slice().mul_f64(1.1) + PAUSE) * slices * options.rounds();
    let (rounds, slice) = (options.rounds(), options.slice());
    format!("{rounds} rounds of slices of {slice:?}: about {} s", takes.as_secs() + 1)
}

/// Every other round goes backwards, so that what a slice leaves behind does not always burden the
/// same one.
fn in_turn(lanes: &mut [Lane], round: u32) -> Box<dyn Iterator<Item = &mut Lane> + '_> {
    if round.is_multiple_of(2) {
        Box::new(lanes.iter_mut().rev())
    } else {
        Box::new(lanes.iter_mut())
    }
}

/// What is measured, and with what.
struct Bench {
    rollbook: Server,
    bare: Server,
    disk: Disk,
    samples: Samples,
    /// Users that rollbook has said are created.
    acknowledged: u32,
    creates: Rc<Cell<u32>>,
    bare_creates: Rc<Cell<u32>>,
    ids: Rc<Vec<String>>,
    turn: Rc<Cell<usize>>,
    // Last: it is removed when nobody writes into it any more.
    folder: TempDir,
}

impl Bench {
    async fn start(
        binary: &Path,
        folder: TempDir,
        users: u32,
        progress: &Progress,
    ) -> anyhow::Result<Bench> {
        progress.show("starting rollbook");
        let rollbook = rollbook::start(binary, folder.path()).await?;
        let creates = Rc::new(Cell::new(0));
        // The last of them is created by itself, to keep what rollbook answers.
        let mut ids = load::fill(&rollbook, &creates, users - 1, |done| {
            progress.show(format!("creating the first users: {done} of {users}"));
        })
        .await?;
        let (samples, id) = samples(&rollbook, &creates).await?;
        ids.push(id);
        Ok(Bench {
            bare: bare::start(&samples, folder.path()).await?,
            disk: Disk::new(folder.path()).context("the disk cannot be measured")?,
            rollbook,
            samples,
            acknowledged: u32::try_from(ids.len())?,
            creates,
            bare_creates: Rc::default(),
            ids: Rc::new(ids),
            turn: Rc::default(),
            folder,
        })
    }

    async fn slice(&mut self, lane: &Lane, length: Duration) -> anyhow::Result<Slice> {
        tokio::time::sleep(PAUSE).await;
        let server = match lane.subject {
            Subject::Rollbook => &self.rollbook,
            Subject::BareAxum | Subject::DurableFloor => &self.bare,
        };
        let slice = load::slice(server, &self.work(lane), lane.connections, length).await?;
        if (lane.request, lane.subject) == (Request::Create, Subject::Rollbook) {
            self.acknowledged += slice.acknowledged;
        }
        Ok(slice)
    }

    fn work(&self, lane: &Lane) -> Work {
        let creates = |before, last: &Rc<Cell<u32>>| Work::Create { before, last: last.clone() };
        match (lane.request, lane.subject) {
            (Request::Create, Subject::Rollbook) => creates("", &self.creates),
            (Request::Create, Subject::BareAxum) => creates("", &self.bare_creates),
            (Request::Create, Subject::DurableFloor) => creates(DURABLE, &self.bare_creates),
            (Request::Get, _) => Work::Get { ids: self.ids.clone(), turn: self.turn.clone() },
        }
    }

    /// A server that forgets is fast: as many users must be there as were acknowledged.
    async fn check(&self) -> anyhow::Result<()> {
        let mut request = Vec::new();
        okta::count(&mut request, self.rollbook.address);
        let mut connection = Connection::open(self.rollbook.address).await?;
        let answer = connection.ask(&request).await?;
        let list: serde_json::Value = serde_json::from_slice(answer.body)
            .with_context(|| format!("no list was answered: {}", answer.quoted()))?;
        let there = list.get("totalResults").and_then(serde_json::Value::as_u64);
        ensure!(
            there == Some(u64::from(self.acknowledged)),
            "{} creates were acknowledged, and {there:?} users are there: the figures are worthless",
            self.acknowledged
        );
        Ok(())
    }

    /// Stops the servers, then removes the folder, and says when it cannot.
    fn end(self) -> anyhow::Result<()> {
        let Bench { rollbook, bare, disk, folder, .. } = self;
        drop((rollbook, bare, disk));
        let path = folder.path().to_owned();
        folder.close().with_context(|| format!("{} could not be removed", path.display()))
    }
}

/// What rollbook answers to a create and to a read, and the id of the user that this created.
async fn samples(rollbook: &Server, last: &Cell<u32>) -> anyhow::Result<(Samples, String)> {
    last.set(last.get() + 1);
    let mut connection = Connection::open(rollbook.address).await?;
    let mut request = Vec::new();
    okta::create(&mut request, rollbook.address, "", last.get());
    let answer = connection.ask(&request).await?;
    ensure!(answer.status == 201, "a create was answered {}", answer.quoted());
    let created = Sample::of(&answer);
    let id = load::id_of(answer.body)?;
    request.clear();
    okta::get(&mut request, rollbook.address, &id);
    let answer = connection.ask(&request).await?;
    ensure!(answer.status == 200, "a read was answered {}", answer.quoted());
    Ok((Samples { created, got: Sample::of(&answer) }, id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_other_round_goes_backwards() {
        let mut lanes = Lane::all(&[1]);
        let mut order = |round| {
            in_turn(&mut lanes, round).map(|lane| (lane.request, lane.subject)).collect::<Vec<_>>()
        };
        let (forth, mut back) = (order(1), order(2));
        back.reverse();
        assert_eq!(forth, back);
        assert_ne!(order(1), order(2));
    }
}
