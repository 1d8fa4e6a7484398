//! What rows are measured with: the servers on their populations, the ceilings beside them, and the
//! slices that alternate between them.

use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

use anyhow::{Context, ensure};

use crate::bare::{self, DURABLE, Sample, Samples};
use crate::disk::Disk;
use crate::figure::many;
use crate::http::Connection;
use crate::lane::{Lane, Place, Who};
use crate::load::{self, Slice};
use crate::okta::{BASE, To};
use crate::options::Options;
use crate::population::{Copied, Shape, Store};
use crate::proc;
use crate::rollbook;
use crate::server::Server;
use crate::terminal::Progress;
use crate::work::{Subject, Work};

/// Between two slices, for what the one before left behind.
const PAUSE: Duration = Duration::from_millis(50);
/// Connections of the bare GETs in which CPU is told.
pub(crate) const UNIT_CONNECTIONS: u32 = 16;
/// The name of the lane in which CPU is told.
const UNIT: &str = "bare axum";

/// What rows are measured with.
pub(crate) struct Bench<'a> {
    pub(crate) options: &'a Options,
    pub(crate) store: &'a Store,
    pub(crate) binary: PathBuf,
    pub(crate) progress: &'a Progress,
    served: Option<Served>,
}

/// The servers that several rows share.
struct Served {
    populations: Vec<Population>,
    bare: Bare,
    disk: Disk,
    // Last: it is removed when nobody writes into it any more.
    _folder: tempfile::TempDir,
}

/// A rollbook with users in it.
pub(crate) struct Population {
    pub(crate) users: u32,
    pub(crate) server: Server,
    pub(crate) subject: Rc<Subject>,
    /// Bytes that it held when it was ready and had answered nothing.
    pub(crate) resident: u64,
    /// Where its log ended then.
    position: u64,
    _copied: Copied,
}

impl<'a> Bench<'a> {
    pub(crate) fn new(
        options: &'a Options,
        store: &'a Store,
        binary: PathBuf,
        progress: &'a Progress,
    ) -> Bench<'a> {
        Bench { options, store, binary, progress, served: None }
    }

    /// A rollbook on a copy of a folder of this shape.
    pub(crate) async fn start(&self, shape: Shape) -> anyhow::Result<Population> {
        let copied = self.store.copy(shape, self.progress).await?;
        self.progress.show(format!("starting rollbook with {} users", many(shape.users)));
        let server = rollbook::start(&self.binary, &copied.data, None).await?;
        let resident = proc::resident(server.pid)?;
        let position = rollbook::position(&server).await?;
        let subject = Subject::new(To::rollbook(server.address), shape.users);
        let users = shape.users;
        Ok(Population { users, server, subject, resident, position, _copied: copied })
    }

    async fn served(&mut self) -> anyhow::Result<&mut Served> {
        if self.served.is_none() {
            let mut populations = Vec::new();
            for &users in &self.options.users() {
                populations.push(self.start(Shape::of(users)).await?);
            }
            let first = populations.first().context("--users names no population")?;
            let bare = bare_beside(first, self.store).await?;
            let folder = tempfile::tempdir_in(self.store.scratch())?;
            let disk = Disk::new(folder.path()).context("the disk cannot be measured")?;
            self.served = Some(Served { populations, bare, disk, _folder: folder });
        }
        self.served.as_mut().context("no servers")
    }

    /// The rollbooks that are shared, from the smallest to the largest.
    pub(crate) async fn populations(&mut self) -> anyhow::Result<&[Population]> {
        Ok(&self.served().await?.populations)
    }

    /// A server that forgets is fast: as many users must be there as were acknowledged, and as many
    /// commits. Then the servers end.
    pub(crate) async fn end_servers(&mut self) -> anyhow::Result<()> {
        let Some(served) = self.served.take() else { return Ok(()) };
        for population in &served.populations {
            self.progress.show(format!("checking {} users", many(population.users)));
            population.check().await?;
        }
        Ok(())
    }

    /// The unit in which CPU is told: bare axum answers a GET with a user of 1 KB.
    pub(crate) async fn unit(&mut self) -> anyhow::Result<Lane> {
        self.bare(UNIT, Work::Get, UNIT_CONNECTIONS).await
    }

    /// Bare axum.
    pub(crate) async fn bare(
        &mut self,
        name: &str,
        work: Work,
        connections: u32,
    ) -> anyhow::Result<Lane> {
        let subject = self.served().await?.bare.subject.clone();
        Ok(Lane::new(name, Who::Server(0), Some(subject), work, connections))
    }

    /// The durable floor.
    pub(crate) async fn floor(&mut self, connections: u32) -> anyhow::Result<Lane> {
        let mut to = self.served().await?.bare.subject.to.clone();
        to.base = format!("{DURABLE}{BASE}");
        let subject = Some(Subject::new(to, 1_000));
        Ok(Lane::new("durable floor", Who::Server(0), subject, Work::Create, connections))
    }

    /// The disk.
    pub(crate) fn disk(place: Place) -> Lane {
        let name = match place {
            Place::End => "disk, growing file",
            Place::Filled => "disk, filled file",
        };
        Lane::new(name, Who::Disk(place), None, Work::Create, 1)
    }

    /// rollbook, on each of its populations.
    pub(crate) async fn each(
        &mut self,
        work: &Work,
        connections: u32,
    ) -> anyhow::Result<Vec<Lane>> {
        let populations = self.populations().await?.iter().enumerate();
        let lane = |(index, population): (usize, &Population)| {
            let name = format!("rollbook, {} users", many(population.users));
            let (who, subject) = (Who::Server(index + 1), Some(population.subject.clone()));
            Lane::new(name, who, subject, work.clone(), connections)
        };
        Ok(populations.map(lane).collect())
    }

    /// rollbook, on the largest of its populations.
    pub(crate) async fn largest(&mut self, work: &Work, n: u32) -> anyhow::Result<Lane> {
        self.each(work, n).await?.pop().context("no population")
    }

    /// Users of the largest population.
    pub(crate) fn most_users(&self) -> u32 {
        self.options.users().last().copied().unwrap_or(0)
    }

    /// Takes a slice of each lane in turn, as many rounds as were asked for.
    pub(crate) async fn alternate(&mut self, lanes: &mut [Lane]) -> anyhow::Result<()> {
        self.alternate_for(lanes, self.options.slice(), self.options.rounds()).await
    }

    /// A slice of a lane while somebody else scans all users, again and again.
    pub(crate) async fn during_scans(
        &mut self,
        lane: &Lane,
        length: Duration,
    ) -> anyhow::Result<Slice> {
        let served = self.served().await?;
        let last = served.populations.last().context("no population")?;
        let subject = lane.subject.as_ref().context("a lane that asks nobody")?;
        let scans = load::slice(&last.server, &last.subject, &Work::Scan, 1, length);
        let writes = load::slice(&last.server, subject, &lane.work, lane.connections, length);
        let (scans, writes) = tokio::join!(scans, writes);
        scans?;
        writes
    }

    pub(crate) async fn alternate_for(
        &mut self,
        lanes: &mut [Lane],
        length: Duration,
        rounds: u32,
    ) -> anyhow::Result<()> {
        let progress = self.progress;
        let served = self.served().await?;
        for round in 1..=rounds {
            for lane in in_turn(lanes, round) {
                let name = format!("{}, {}", lane.name, lane.work);
                progress.show(format!("round {round} of {rounds}: {name}"));
                tokio::time::sleep(PAUSE).await;
                let slice = served.slice(lane, length).await;
                lane.slices.push(slice.with_context(|| format!("{name} failed"))?);
            }
        }
        Ok(())
    }
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

impl Served {
    async fn slice(&mut self, lane: &Lane, length: Duration) -> anyhow::Result<Slice> {
        let server = match lane.who {
            Who::Disk(place) => return Ok(self.disk.slice(place, length)?),
            Who::Server(0) => &self.bare.server,
            Who::Server(index) => {
                &self.populations.get(index - 1).context("no such server")?.server
            }
        };
        let subject = lane.subject.as_ref().context("a lane that asks nobody")?;
        load::slice(server, subject, &lane.work, lane.connections, length).await
    }
}

impl Population {
    async fn check(&self) -> anyhow::Result<()> {
        let mut connection = Connection::open(self.server.address).await?;
        let mut request = Vec::new();
        self.subject.to.get(&mut request, format_args!("/Users?startIndex=1&count=1"));
        let answer = connection.ask(&request).await?;
        let list: serde_json::Value = serde_json::from_slice(answer.body)
            .with_context(|| format!("no list was answered: {}", answer.quoted()))?;
        let there = list.get("totalResults").and_then(serde_json::Value::as_u64);
        let acknowledged = u64::from(self.users + self.subject.created());
        ensure!(
            there == Some(acknowledged),
            "{acknowledged} users were acknowledged, and {there:?} are there: the figures are \
             worthless"
        );
        let commits = rollbook::position(&self.server).await? - self.position;
        // Two connections may want the same at once: then one has nothing to write.
        let least = self.subject.written() * 99 / 100;
        ensure!(
            commits >= least,
            "{} writes were acknowledged, and there are {commits} commits: the figures are worthless",
            self.subject.written()
        );
        Ok(())
    }
}

/// Bare axum that answers as this rollbook did.
pub(crate) struct Bare {
    pub(crate) server: Server,
    pub(crate) subject: Rc<Subject>,
    _folder: tempfile::TempDir,
}

/// Starts bare axum with what this rollbook answers.
pub(crate) async fn bare_beside(population: &Population, store: &Store) -> anyhow::Result<Bare> {
    let samples = samples(population).await?;
    let folder = tempfile::tempdir_in(store.scratch())?;
    let server = bare::start(&samples, folder.path()).await?;
    let subject = Subject::new(To::rollbook(server.address), 1_000);
    Ok(Bare { server, subject, _folder: folder })
}

/// What rollbook answers to a read of one user, of a page of them, and to a create.
async fn samples(population: &Population) -> anyhow::Result<Samples> {
    let mut connection = Connection::open(population.server.address).await?;
    let (subject, mut request) = (&population.subject, Vec::new());
    subject.to.get(&mut request, format_args!("/Users/{}", subject.user_id(0)));
    let got = Sample::of(&connection.ask(&request).await?, 200)?;
    request.clear();
    subject.to.get(&mut request, format_args!("/Users?startIndex=1&count=100"));
    let listed = Sample::of(&connection.ask(&request).await?, 200)?;
    request.clear();
    let mut hand = crate::work::Hand::new(subject.clone(), 0);
    hand.ask(&Work::Create, &mut request);
    let created = Sample::of(&connection.ask(&request).await?, 201)?;
    Ok(Samples { created, got, listed })
}
