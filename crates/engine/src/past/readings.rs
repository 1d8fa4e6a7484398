//! Reading states of the past: each once for all who ask for it, from the nearest that is kept.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use domain::id::TenantId;
use domain::position::Position;
use domain::snapshot::Snapshot;
use domain::time::Timestamp;

use super::kept::{Hold, Kept};
use super::turns::{Bounds, Turns};
use super::{Past, ReadError};
use crate::boot::StartError;
use crate::limits;

/// What reading the past took since the start, and what is kept of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PastCounts {
    /// States that were read from the log.
    pub readings: u64,
    /// Commits that were read for them.
    pub commits: u64,
    /// States that are kept.
    pub kept: usize,
    /// Readings under way.
    pub running: usize,
    /// Questions that wait for one.
    pub waiting: usize,
}

/// The states of the past that are kept or being read.
pub(crate) struct Readings {
    state: Mutex<State>,
    changed: Condvar,
    longest_wait: Duration,
    readings: AtomicU64,
    commits: AtomicU64,
}

struct State {
    kept: Kept,
    turns: Turns,
}

impl Default for Readings {
    fn default() -> Self {
        let bounds = Bounds {
            at_once: limits::AS_OF_AT_ONCE,
            at_once_of_tenant: limits::AS_OF_AT_ONCE_OF_TENANT,
            waiting: limits::AS_OF_WAITING,
            waiting_of_tenant: limits::AS_OF_WAITING_OF_TENANT,
        };
        Readings::new(bounds, Duration::from_secs(limits::AS_OF_WAIT_SECONDS))
    }
}

impl Readings {
    fn new(bounds: Bounds, longest_wait: Duration) -> Readings {
        Readings {
            state: Mutex::new(State { kept: Kept::default(), turns: Turns::new(bounds) }),
            changed: Condvar::new(),
            longest_wait,
            readings: AtomicU64::new(0),
            commits: AtomicU64::new(0),
        }
    }

    /// The tenant at `position`, if that state is kept.
    pub(super) fn kept(&self, tenant: TenantId, position: Position) -> Option<Arc<Snapshot>> {
        self.state().kept.at(tenant, position)
    }

    /// The tenant at `position`; its log reaches to `last` or further.
    pub(super) fn read(
        &self,
        log: &dyn Past,
        tenant: TenantId,
        (position, last): (Position, Position),
        now: Timestamp,
    ) -> Result<Arc<Snapshot>, ReadError> {
        let mut is_torn = false;
        loop {
            let turn = match self.turn(tenant, (position, last), now)? {
                Found::Kept(snapshot) => return Ok(snapshot),
                Found::Turn(turn) => turn,
            };
            self.readings.fetch_add(1, Ordering::Relaxed);
            let base = turn.base.as_deref().filter(|_| !is_torn).cloned().unwrap_or_default();
            let snapshot = match log.fold(tenant, base, position, &self.commits) {
                // Half of it may have been read before a person was erased and half after it, and the two
                // do not fit: read whole, they do.
                Err(ReadError::Damaged(StartError::Unfit { .. })) if !is_torn => {
                    is_torn = true;
                    continue;
                }
                read => Arc::new(read?),
            };
            let mut state = self.state();
            // Whoever was forgotten meanwhile must not come back with what was read before.
            if state.kept.times_forgotten(tenant) == turn.times_forgotten {
                state.kept.put(tenant, (position, last), snapshot.clone(), now);
                return Ok(snapshot);
            }
        }
    }

    /// Waits until the state is there, or until it is the asker's turn to read it.
    fn turn(
        &self,
        tenant: TenantId,
        (position, last): (Position, Position),
        now: Timestamp,
    ) -> Result<Found<'_>, ReadError> {
        let begun = Instant::now();
        let mut state = self.state();
        let ticket = state.turns.enter(tenant, position);
        loop {
            let base = state.kept.nearest(tenant, position, now);
            if let Some(kept) = base.as_ref().filter(|b| b.head.position == Some(position)) {
                state.turns.leave(ticket);
                self.changed.notify_all();
                return Ok(Found::Kept(kept.clone()));
            }
            let State { kept, turns } = &mut *state;
            if turns.is_turn(ticket, |tenant, position| kept.begins(tenant, position)) {
                turns.begin(ticket, tenant, kept.begins(tenant, position), position);
                let times_forgotten = kept.times_forgotten(tenant);
                if base.is_none() {
                    // What it will take the place of shares nothing with it: both at once would be twice the memory.
                    kept.make_room(tenant, (position, last));
                }
                self.changed.notify_all();
                return Ok(Found::Turn(Turn { readings: self, ticket, base, times_forgotten }));
            }
            let left = self.longest_wait.saturating_sub(begun.elapsed());
            if turns.is_full(tenant) || left.is_zero() {
                turns.leave(ticket);
                self.changed.notify_all();
                return Err(ReadError::Busy { waiting: turns.waiting() });
            }
            let waited = self.changed.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// See [`Engine::hold`](crate::Engine::hold).
    pub(crate) fn hold(&self, tenant: TenantId, snapshot: Arc<Snapshot>) -> Hold {
        self.state().kept.hold(tenant, snapshot)
    }

    /// Forgets everything that is kept of a tenant, and what is being read of it.
    pub(crate) fn forget(&self, tenant: TenantId, before: Position) {
        self.state().kept.forget(tenant, before);
    }

    pub(crate) fn times_forgotten(&self, tenant: TenantId) -> u64 {
        self.state().kept.times_forgotten(tenant)
    }

    /// Forgets what nobody has asked for in a long time.
    pub(crate) fn forget_old(&self, now: Timestamp) {
        self.state().kept.forget_old(now);
    }

    pub(crate) fn counts(&self) -> PastCounts {
        let state = self.state();
        PastCounts {
            readings: self.readings.load(Ordering::Relaxed),
            commits: self.commits.load(Ordering::Relaxed),
            kept: state.kept.len(),
            running: state.turns.running(),
            waiting: state.turns.waiting(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What came of waiting.
enum Found<'r> {
    Kept(Arc<Snapshot>),
    Turn(Turn<'r>),
}

/// The right to read the log, until it is dropped.
struct Turn<'r> {
    readings: &'r Readings,
    ticket: u64,
    /// What the reading begins with; none: the first commit.
    base: Option<Arc<Snapshot>>,
    times_forgotten: u64,
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.readings.state().turns.end(self.ticket);
        self.readings.changed.notify_all();
    }
}

#[cfg(test)]
mod tests;
