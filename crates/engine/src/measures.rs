//! What the writer does, counted for whoever watches over it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use eventlog::{Histogram, SIZES};

/// What the writer does, since the start.
#[derive(Debug)]
pub struct Measures {
    /// Commits of each turn that was made durable: they shared one sync.
    pub turns: Histogram,
    /// How long each sync of the log's file took, in nanoseconds; none: the log has no file.
    pub syncs: Option<Arc<Histogram>>,
    busy: AtomicU64,
    unwritable: AtomicU64,
}

impl Measures {
    pub(crate) fn new(syncs: Option<Arc<Histogram>>) -> Measures {
        let (busy, unwritable) = (AtomicU64::new(0), AtomicU64::new(0));
        Measures { turns: Histogram::new(SIZES), syncs, busy, unwritable }
    }

    /// One was refused, or pushed out, because too many wait.
    pub(crate) fn busy(&self) {
        self.busy.fetch_add(1, Ordering::Relaxed);
    }

    /// One was refused because nothing can be written.
    pub(crate) fn unwritable(&self) {
        self.unwritable.fetch_add(1, Ordering::Relaxed);
    }

    /// Requests that the writer never carried out, by why: too many waited (`busy`), or nothing could be written
    /// (`unavailable`).
    pub fn refused(&self) -> [(&'static str, u64); 2] {
        let told = |count: &AtomicU64| count.load(Ordering::Relaxed);
        [("busy", told(&self.busy)), ("unavailable", told(&self.unwritable))]
    }
}
