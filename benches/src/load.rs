//! The load: so many connections, each with one request under way at a time, for one slice.
//!
//! Everything is on one thread, and a request costs one write, one wait shared by all connections,
//! and one read: the client shares the cores with the server it measures, and must not be what is
//! measured.

use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use serde::Deserialize;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::http::Connection;
use crate::okta;
use crate::proc::{Reading, Used};
use crate::server::Server;
use crate::stats::{Percent, percentile};

/// How long the last answers may take when a slice is over.
const LAST_ANSWERS: Duration = Duration::from_secs(30);

/// What is asked for, again and again.
#[derive(Clone)]
pub(crate) enum Work {
    /// Creates, at a path that this stands before. The cell holds the last number that was used.
    Create { before: &'static str, last: Rc<Cell<u32>> },
    /// Reads of these users, in an order that no cache likes.
    Get { ids: Rc<Vec<String>>, turn: Rc<Cell<usize>> },
}

/// Far from one id to the next; a prime, so that it shares no divisor with most counts.
const STRIDE: usize = 7919;

impl Work {
    fn write(&self, out: &mut Vec<u8>, to: SocketAddr) {
        match self {
            Work::Create { before, last } => {
                last.set(last.get() + 1);
                okta::create(out, to, before, last.get());
            }
            Work::Get { ids, turn } => {
                turn.set((turn.get() + STRIDE) % ids.len().max(1));
                okta::get(out, to, ids.get(turn.get()).map_or("", String::as_str));
            }
        }
    }

    fn expected(&self) -> u16 {
        match self {
            Work::Create { .. } => 201,
            Work::Get { .. } => 200,
        }
    }
}

/// What one slice showed.
#[derive(Clone, Default)]
pub(crate) struct Slice {
    /// Answers within the slice.
    pub(crate) answers: u32,
    /// How long it was.
    pub(crate) length: Duration,
    /// Half of the answers took no longer than this, in µs.
    pub(crate) p50_us: u32,
    /// Of a hundred answers, 99 took no longer than this, in µs.
    pub(crate) p99_us: u32,
    /// CPU, and bytes written.
    pub(crate) used: Used,
    /// Answers in all, those before and after the slice too.
    pub(crate) acknowledged: u32,
}

impl Slice {
    /// One in which things took so long each.
    pub(crate) fn of(took: impl IntoIterator<Item = Duration>, length: Duration) -> Slice {
        let us = took.into_iter().map(|took| u32::try_from(took.as_micros()).unwrap_or(u32::MAX));
        let mut us: Vec<u32> = us.collect();
        us.sort_unstable();
        let answers = u32::try_from(us.len()).unwrap_or(u32::MAX);
        Slice {
            answers,
            length,
            p50_us: percentile(&us, Percent(50)).unwrap_or(0),
            p99_us: percentile(&us, Percent(99)).unwrap_or(0),
            used: Used::default(),
            acknowledged: answers,
        }
    }

    pub(crate) fn per_second(&self) -> f64 {
        f64::from(self.answers) / self.length.as_secs_f64()
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Warming,
    Measuring,
    Over,
}

struct Tally {
    phase: Cell<Phase>,
    took: RefCell<Vec<Duration>>,
    acknowledged: Cell<u32>,
}

/// Loads a server for so long, a tenth more before to warm up. When this returns, nothing is under
/// way any more.
pub(crate) async fn slice(
    server: &Server,
    work: &Work,
    connections: u32,
    length: Duration,
) -> anyhow::Result<Slice> {
    let tally = Rc::new(Tally {
        phase: Cell::new(Phase::Warming),
        took: RefCell::default(),
        acknowledged: Cell::new(0),
    });
    let mut tasks = JoinSet::new();
    for _ in 0..connections {
        let connection = Connection::open(server.address).await?;
        tasks.spawn_local(keep_asking(connection, server.address, work.clone(), tally.clone()));
    }
    sleep(length / 10).await;
    let (before, since) = (Reading::now(server.pid)?, Instant::now());
    tally.phase.set(Phase::Measuring);
    sleep(length).await;
    tally.phase.set(Phase::Over);
    let (length, used) = (since.elapsed(), Reading::now(server.pid)?.since(before));
    let ended = timeout(LAST_ANSWERS, async {
        while let Some(task) = tasks.join_next().await {
            task??;
        }
        anyhow::Ok(())
    });
    ended
        .await
        .map_err(|_| anyhow::anyhow!("the last answers did not come within {LAST_ANSWERS:?}"))
        .flatten()
        .with_context(|| format!("the load broke off{}", server.said_last()))?;
    let took = tally.took.take();
    ensure!(!took.is_empty(), "no answer came within a slice; make --seconds-per-slice longer");
    Ok(Slice { used, acknowledged: tally.acknowledged.get(), ..Slice::of(took, length) })
}

async fn keep_asking(
    mut connection: Connection,
    to: SocketAddr,
    work: Work,
    tally: Rc<Tally>,
) -> anyhow::Result<()> {
    let mut request = Vec::with_capacity(2048);
    while tally.phase.get() != Phase::Over {
        request.clear();
        work.write(&mut request, to);
        let asked = Instant::now();
        let answer = connection.ask(&request).await?;
        ensure!(
            answer.status == work.expected(),
            "an answer was {} instead of {}: {}",
            answer.status,
            work.expected(),
            answer.quoted()
        );
        tally.acknowledged.set(tally.acknowledged.get() + 1);
        if tally.phase.get() == Phase::Measuring {
            tally.took.borrow_mut().push(asked.elapsed());
        }
    }
    Ok(())
}

/// Creates users until the last number is `until`, and gives their ids.
pub(crate) async fn fill(
    server: &Server,
    last: &Rc<Cell<u32>>,
    until: u32,
    mut progress: impl FnMut(u32),
) -> anyhow::Result<Vec<String>> {
    let ids = Rc::new(RefCell::new(Vec::new()));
    let mut tasks = JoinSet::new();
    for _ in 0..FILLERS {
        let mut connection = Connection::open(server.address).await?;
        let (to, last, ids) = (server.address, last.clone(), ids.clone());
        tasks.spawn_local(async move {
            let mut request = Vec::with_capacity(2048);
            while last.get() < until {
                last.set(last.get() + 1);
                request.clear();
                okta::create(&mut request, to, "", last.get());
                let id = created(&mut connection, &request).await?;
                ids.borrow_mut().push(id);
            }
            anyhow::Ok(())
        });
    }
    while !tasks.is_empty() {
        progress(last.get());
        if let Ok(Some(task)) = timeout(Duration::from_millis(200), tasks.join_next()).await {
            task?.with_context(|| format!("the first users failed{}", server.said_last()))?;
        }
    }
    Ok(ids.take())
}

/// Connections that create what is there before anything is measured.
const FILLERS: u32 = 64;

async fn created(connection: &mut Connection, request: &[u8]) -> anyhow::Result<String> {
    let answer = connection.ask(request).await?;
    ensure!(answer.status == 201, "a create was answered {}: {}", answer.status, answer.quoted());
    id_of(answer.body)
}

#[derive(Deserialize)]
struct Created {
    id: String,
}

/// The id in a user.
pub(crate) fn id_of(body: &[u8]) -> anyhow::Result<String> {
    let created: Created = serde_json::from_slice(body).context("a user came without an id")?;
    Ok(created.id)
}
