//! What a connection is at, and since when: what may take how long depends on it.

use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;

use super::Patience;

const IDLE: u8 = 0;
const HEAD: u8 = 1;
const BUSY: u8 = 2;

/// What a connection is at. All who write to it are polled by the connection's own task.
#[derive(Debug)]
pub(super) struct Phase {
    opened: Instant,
    at: AtomicU8,
    /// Milliseconds from `opened`.
    since: AtomicU64,
    /// Milliseconds from `opened`, and one, since the client takes nothing of what is sent; 0: it does.
    stalled: AtomicU64,
}

impl Phase {
    pub(super) fn new() -> Phase {
        let (at, since, stalled) = (AtomicU8::new(IDLE), AtomicU64::new(0), AtomicU64::new(0));
        Phase { opened: Instant::now(), at, since, stalled }
    }

    fn now(&self) -> u64 {
        u64::try_from(self.opened.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn enter(&self, at: u8) {
        self.at.store(at, Ordering::Relaxed);
        self.since.store(self.now(), Ordering::Relaxed);
    }

    /// Bytes came. The first of a request begin its head.
    pub(super) fn received(&self) {
        if self.at.load(Ordering::Relaxed) == IDLE {
            self.enter(HEAD);
        }
    }

    /// A request is being answered.
    pub(super) fn asked(&self) {
        self.at.store(BUSY, Ordering::Relaxed);
    }

    /// The last of the answer was handed on.
    pub(super) fn answered(&self) {
        self.enter(IDLE);
    }

    /// The client took some of what is sent, or not.
    pub(super) fn sent(&self, took: bool) {
        if took {
            self.stalled.store(0, Ordering::Relaxed);
        } else if self.stalled.load(Ordering::Relaxed) == 0 {
            self.stalled.store(self.now() + 1, Ordering::Relaxed);
        }
    }

    /// Whether there is nothing under way that somebody could miss.
    pub(super) fn is_quiet(&self) -> bool {
        self.at.load(Ordering::Relaxed) != BUSY && self.stalled.load(Ordering::Relaxed) == 0
    }

    /// When patience ends with what goes on now, and what will have taken too long then. None: as far as the connection
    /// is concerned it may go on.
    pub(super) fn end(&self, patience: &Patience) -> Option<(Instant, &'static str)> {
        let at = |millis: u64, may: Duration| self.opened + Duration::from_millis(millis) + may;
        let since = self.since.load(Ordering::Relaxed);
        let phase = match self.at.load(Ordering::Relaxed) {
            IDLE => Some((at(since, patience.idle), "idle")),
            HEAD => Some((at(since, patience.head), "head")),
            _ => None,
        };
        let stall = match self.stalled.load(Ordering::Relaxed) {
            0 => None,
            since => Some((at(since - 1, patience.stall), "stalled")),
        };
        phase.into_iter().chain(stall).min_by_key(|(end, _)| *end)
    }
}
