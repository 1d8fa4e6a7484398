//! The load: so many connections, each with one request under way at a time, for one slice.
//!
//! Everything is on one thread, and a request costs one write, one wait shared by all connections,
//! and one read: the client shares the cores with the server it measures, and must not be what is
//! measured.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::http::Connection;
use crate::proc::{Reading, Used};
use crate::server::Server;
use crate::stats::{Percent, percentile};
use crate::work::{Hand, Subject, Work};

/// How long the last answers may take when a slice is over.
const LAST_ANSWERS: Duration = Duration::from_secs(60);

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
}

/// Loads a server for so long, a tenth more before to warm up. When this returns, nothing is under
/// way any more.
pub(crate) async fn slice(
    server: &Server,
    subject: &Rc<Subject>,
    work: &Work,
    connections: u32,
    length: Duration,
) -> anyhow::Result<Slice> {
    let tally = Rc::new(Tally { phase: Cell::new(Phase::Warming), took: RefCell::default() });
    let mut tasks = JoinSet::new();
    for number in 0..connections {
        let connection = Connection::open(server.address).await?;
        let hand = Hand::new(subject.clone(), number);
        tasks.spawn_local(keep_asking(connection, hand, work.clone(), tally.clone()));
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
        .with_context(|| format!("{work} broke off{}", server.said_last()))?;
    let took = tally.took.take();
    ensure!(!took.is_empty(), "no answer came within a slice; make --seconds-per-slice longer");
    Ok(Slice { used, ..Slice::of(took, length) })
}

async fn keep_asking(
    mut connection: Connection,
    mut hand: Hand,
    work: Work,
    tally: Rc<Tally>,
) -> anyhow::Result<()> {
    let mut request = Vec::with_capacity(2048);
    while tally.phase.get() != Phase::Over {
        request.clear();
        hand.ask(&work, &mut request);
        let asked = Instant::now();
        let answer = connection.ask(&request).await?;
        let took = asked.elapsed();
        hand.read(&answer)?;
        if tally.phase.get() == Phase::Measuring {
            tally.took.borrow_mut().push(took);
        }
    }
    // What was added to groups is taken out again: the next slice finds them as this one did.
    loop {
        request.clear();
        if !hand.tidy(&mut request) {
            return Ok(());
        }
        hand.read(&connection.ask(&request).await?)?;
    }
}
