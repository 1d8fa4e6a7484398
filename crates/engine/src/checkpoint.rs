//! When a checkpoint is kept, and what is checked behind the first answers of a start that found one.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, OnceLock, PoisonError, Weak};
use std::time::{Duration, Instant};

use domain::position::Position;
use domain::snapshot::Snapshot;
use eventlog::{CheckpointError, Checkpoints, Forgotten};
use tracing::{debug, error, info, warn};

use crate::{Shared, limits};

/// What is known of the log before a checkpoint that the start went by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Checked {
    /// Everything was read.
    Whole,
    /// So many frames of so many were read so far.
    UpTo(u64, u64),
    /// It is damaged, as this says. Nothing is written any more.
    Damaged(String),
}

/// A log's checkpoints.
pub(crate) struct Keeper {
    checkpoints: Checkpoints,
    read: AtomicU64,
    damage: OnceLock<String>,
    bell: Arc<Bell>,
    // Commits in the checkpoint that is there.
    kept: AtomicU64,
    // Held while one is written: never two at once.
    writing: Mutex<()>,
}

/// Tells the keeper's threads that the engine ends. They hold on to this, and to nothing that belongs to the log, while they wait.
#[derive(Default)]
pub(crate) struct Bell {
    ended: Mutex<bool>,
    rung: Condvar,
}

impl Bell {
    fn ring(&self) {
        *self.ended.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.rung.notify_all();
    }

    fn has_rung(&self) -> bool {
        *self.ended.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits a while. Answers whether the engine has ended.
    fn wait(&self, long: Duration) -> bool {
        let ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.rung.wait_timeout_while(ended, long, |ended| !*ended);
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }
}

impl Keeper {
    pub(crate) fn new(checkpoints: Checkpoints, kept: u64) -> Self {
        Self {
            checkpoints,
            read: AtomicU64::new(0),
            damage: OnceLock::new(),
            bell: Arc::default(),
            kept: AtomicU64::new(kept),
            writing: Mutex::new(()),
        }
    }

    /// What is known of the log so far.
    pub(crate) fn checked(&self) -> Checked {
        let (read, all) = (self.read.load(Ordering::Relaxed), self.checkpoints.unread());
        match self.damage.get() {
            Some(damage) => Checked::Damaged(damage.clone()),
            None if read >= all => Checked::Whole,
            None => Checked::UpTo(read, all),
        }
    }

    pub(crate) fn damage(&self) -> Option<&str> {
        self.damage.get().map(String::as_str)
    }

    pub(crate) fn bell(&self) -> Arc<Bell> {
        self.bell.clone()
    }

    /// Throws away what is kept: what it shows must not be seen any more. No other is begun while the answer lasts.
    pub(crate) fn forget(&self) -> std::io::Result<Forgotten<'_>> {
        self.kept.store(0, Ordering::Relaxed);
        self.checkpoints.forget()
    }

    /// Reads what the start has not read. The work of a thread of its own.
    pub(crate) fn check(self: Arc<Self>) {
        if self.checkpoints.unread() == 0 {
            return;
        }
        let begun = Instant::now();
        let done = self.checkpoints.verify(|frame| {
            // The last frame is not all: the keys are checked after it.
            self.read.store(frame - 1, Ordering::Relaxed);
            // A share of one core, so that answers do not wait for it.
            if frame % limits::CHECK_FRAMES == 0 {
                std::thread::sleep(limits::CHECK_PAUSE);
            }
            !self.is_left()
        });
        match done {
            Ok(()) if self.is_left() => {}
            Ok(()) => {
                let all = self.checkpoints.unread();
                self.read.store(all, Ordering::Relaxed);
                info!(
                    frames = all,
                    seconds = begun.elapsed().as_secs(),
                    "the log before the checkpoint is whole"
                );
            }
            Err(broken) => {
                error!(
                    "nothing is written any more: the log is damaged: {broken}; restore the data folder from an archive with `rollbook replay`"
                );
                // It is set once, here.
                self.damage.set(broken.to_string()).ok();
            }
        }
    }

    /// Whether the engine has ended, or nobody has it any more but who asks.
    fn is_left(self: &Arc<Self>) -> bool {
        self.bell.has_rung() || Arc::strong_count(self) == 1
    }

    /// The last one, at the end: nothing is written any more.
    pub(crate) fn finish(&self, shared: &Shared, most: Duration) {
        self.bell.ring();
        let behind = commits(shared) > self.kept.load(Ordering::Relaxed);
        if behind && self.damage.get().is_none() {
            let begun = Instant::now();
            self.keep(shared, &|| begun.elapsed() > most);
        }
    }

    fn keep(&self, shared: &Shared, stop: &(dyn Fn() -> bool + Sync)) {
        let alone = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let begun = Instant::now();
        let world = || -> Vec<_> {
            let world = shared.world.load();
            world.iter().map(|(id, snapshot)| (id, snapshot.clone())).collect()
        };
        match self.checkpoints.keep(world, stop) {
            Ok(kept) => {
                self.kept.store(kept.commits, Ordering::Relaxed);
                let milliseconds = begun.elapsed().as_millis();
                info!(kept.commits, kept.bytes, milliseconds, "checkpoint kept");
            }
            Err(CheckpointError::GivenUp) => debug!("no checkpoint was kept: it was given up"),
            Err(error) => warn!("no checkpoint was kept, the next start takes longer: {error}"),
        }
        drop(alone);
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.bell.ring();
    }
}

/// Keeps a checkpoint whenever one is due, until the engine ends. The work of a thread of its own.
pub(crate) fn work(bell: &Bell, engine: &Weak<Shared>) {
    let mut next = Instant::now();
    let (mut seen, mut same) = (0, 0);
    while !bell.wait(limits::CHECKPOINT_LOOK) {
        let Some(shared) = engine.upgrade() else { return };
        let Some(keeper) = &shared.keeper else { return };
        let now = commits(&shared);
        let behind = now.saturating_sub(keeper.kept.load(Ordering::Relaxed));
        same = if now == seen { same + 1 } else { 0 };
        seen = now;
        let is_quiet = same >= limits::CHECKPOINT_PEACE_LOOKS;
        let due = behind >= limits::CHECKPOINT_COMMITS
            || (is_quiet && behind >= limits::CHECKPOINT_COMMITS_IN_PEACE);
        if due && Instant::now() >= next {
            let begun = Instant::now();
            keeper.keep(&shared, &|| bell.has_rung());
            next = Instant::now() + begun.elapsed() * limits::CHECKPOINT_SHARE;
        }
    }
}

/// Commits of all tenants together.
fn commits(shared: &Shared) -> u64 {
    let world = shared.world.load();
    world
        .iter()
        .filter_map(|(_, snapshot): (_, &Arc<Snapshot>)| snapshot.head.position)
        .map(Position::get)
        .sum()
}
