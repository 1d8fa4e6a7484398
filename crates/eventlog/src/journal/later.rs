//! What the journal does when its time has come, whether or not somebody writes to it: entries are flushed, and what an
//! erasure left to be compared with is let go.

use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use super::{Journal, Shared, State};
use crate::limits::JOURNAL_FLUSH_SECONDS;

/// What is due, and whether somebody sees to it.
#[derive(Default)]
pub(super) struct Later {
    flush: Option<Instant>,
    /// A thread is there that comes back to look.
    attended: bool,
}

impl Journal {
    /// Has the entries flushed in a while, if they are not flushed by a commit before.
    pub(super) fn flush_later(&self, state: &mut State) {
        let soon = Instant::now() + Duration::from_secs(JOURNAL_FLUSH_SECONDS);
        state.later.flush.get_or_insert(soon);
        self.work_later(state);
    }

    /// Has somebody look at what is due, when it is. They hold on to nothing meanwhile: the journal may be closed.
    pub(super) fn work_later(&self, state: &mut State) {
        if state.later.attended {
            return;
        }
        let shared = Arc::downgrade(&self.shared);
        let thread = std::thread::Builder::new().name("journal".to_owned());
        match thread.spawn(move || attend(&shared)) {
            Ok(_) => state.later.attended = true,
            Err(error) => tracing::warn!("nobody looks after the refusal journal: {error}"),
        }
    }
}

fn attend(journal: &Weak<Shared>) {
    while let Some(shared) = journal.upgrade() {
        let Some(next) = shared.work(Instant::now()) else { return };
        drop(shared);
        // An erasure may come meanwhile; it is due later than any flush, and seen then.
        std::thread::sleep(next.saturating_duration_since(Instant::now()).min(LOOK));
    }
}

/// How long it may take until something that came meanwhile is seen.
const LOOK: Duration = Duration::from_secs(JOURNAL_FLUSH_SECONDS);

impl Shared {
    /// Does what is due; says when to come back, if there is anything left.
    pub(super) fn work(&self, now: Instant) -> Option<Instant> {
        let is_due = {
            let mut state = self.state();
            for numbers in state.tenants.values_mut() {
                numbers.unwanted.retain(|unwanted| now < unwanted.until);
            }
            state.later.flush.take_if(|due| *due <= now).is_some()
        };
        if is_due && let Err(reason) = self.refusals.flush() {
            tracing::warn!(reason, "the last refusals may be lost");
        }
        let mut state = self.state();
        let unwanted = state.tenants.values().flat_map(|numbers| &numbers.unwanted);
        let next = unwanted.map(|unwanted| unwanted.until).chain(state.later.flush).min();
        state.later.attended = next.is_some();
        next
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use domain::id::TenantId;

    use super::*;
    use crate::log::EventLog;
    use crate::memory_log::MemoryLog;

    const ACME: TenantId = TenantId::LEAST;

    /// What a person was called is let go of when its time has come, though nobody writes to the journal any more. Seen to wait
    /// for ever where only the next refusal looks whether it has.
    #[test]
    fn what_an_erasure_left_is_let_go_of_though_nobody_writes() {
        let journal = MemoryLog::new().journal();
        let (values, gone) = mpsc::channel::<()>();
        let which = move |_: &[u8]| {
            let _held = &values;
            false
        };
        // One that lasts must not keep the other.
        journal.forget(ACME, |_| false).unwrap();
        journal.forget_for(ACME, which, Duration::ZERO).unwrap();
        assert!(gone.recv().is_err(), "it ends with the filter");
    }

    /// Until then it is there.
    #[test]
    fn nothing_is_let_go_of_before_its_time() {
        let journal = MemoryLog::new().journal();
        journal.forget(ACME, |entry| entry == b"jane").unwrap();
        assert!(journal.keeps_out(ACME, b"jane") && !journal.keeps_out(ACME, b"joe"));
        let long = Duration::from_secs(crate::limits::FORGET_SECONDS - 10);
        assert!(journal.shared.work(Instant::now() + long).is_some());
        journal.record(ACME, b"jane").unwrap();
        assert!(journal.list(ACME).unwrap().is_empty());
        assert!(journal.shared.work(Instant::now() + long * 2).is_none());
        assert!(!journal.keeps_out(ACME, b"jane"));
        journal.record(ACME, b"jane").unwrap();
        assert_eq!(journal.list(ACME).unwrap(), [b"jane"]);
    }

    /// The thread that looks after a journal holds none of it: the store can be closed.
    #[test]
    fn who_looks_after_a_journal_does_not_keep_it() {
        let journal = MemoryLog::new().journal();
        journal.forget(ACME, |_| false).unwrap();
        let weak = Arc::downgrade(&journal.shared);
        drop(journal);
        while weak.upgrade().is_some() {
            // At the very moment it may be looking.
            std::thread::yield_now();
        }
    }
}
