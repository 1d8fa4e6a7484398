//! States of the past that are kept, so that who asks for the same moment or a later one need not
//! read the log from its beginning.
//!
//! At most [`PASTS`](crate::limits::PASTS) of all tenants together and
//! [`PASTS_OF_TENANT`](crate::limits::PASTS_OF_TENANT) of one, each until nobody has asked for it for
//! [`PAST_SECONDS`](crate::limits::PAST_SECONDS). Those of one tenant that were read one from the
//! other share what did not change between them; the first shares nothing with the present and is as
//! large as the tenant was then. So of a tenant with a long log fewer are kept: together they hold no more
//! commits than its log, and who reads the past at most doubles the memory that it takes.

use std::collections::BTreeMap;
use std::sync::{Arc, Weak};

use arc_swap::ArcSwapOption;
use domain::id::TenantId;
use domain::position::Position;
use domain::snapshot::Snapshot;
use domain::time::Timestamp;

use crate::limits::{PAST_COMMITS, PAST_SECONDS, PASTS, PASTS_OF_TENANT};

/// A snapshot that is held for later, such as the next page of a list; until this is dropped, or
/// until the tenant's past is forgotten because a person is. All clones are the same.
#[derive(Clone, Debug)]
pub struct Hold(Arc<ArcSwapOption<Snapshot>>);

impl Hold {
    /// The snapshot; none once it was forgotten.
    pub fn get(&self) -> Option<Arc<Snapshot>> {
        self.0.load_full()
    }
}

/// States of the past, the one that was longest not asked for first.
#[derive(Default)]
pub(super) struct Kept {
    states: Vec<State>,
    holds: BTreeMap<TenantId, Vec<Weak<ArcSwapOption<Snapshot>>>>,
    forgotten: BTreeMap<TenantId, Forgotten>,
}

struct State {
    tenant: TenantId,
    position: Position,
    snapshot: Arc<Snapshot>,
    touched: Timestamp,
}

/// That a tenant's past was forgotten.
#[derive(Clone, Copy)]
struct Forgotten {
    times: u64,
    /// What was the present before this position may hold what must be forgotten.
    before: Position,
}

impl Kept {
    /// The last state at or before `position`; it counts as asked for.
    pub(super) fn nearest(
        &mut self,
        tenant: TenantId,
        position: Position,
        now: Timestamp,
    ) -> Option<Arc<Snapshot>> {
        self.forget_old(now);
        let place = self.place(tenant, position)?;
        let state = self.states.remove(place);
        let snapshot = state.snapshot.clone();
        self.states.push(State { touched: now, ..state });
        Some(snapshot)
    }

    /// The state at `position`, if it is kept. Looking at it keeps it no longer.
    pub(super) fn at(&self, tenant: TenantId, position: Position) -> Option<Arc<Snapshot>> {
        let state = self.place(tenant, position).and_then(|place| self.states.get(place))?;
        (state.position == position).then(|| state.snapshot.clone())
    }

    /// The position of the last state at or before `position`; 0: there is none.
    pub(super) fn begins(&self, tenant: TenantId, position: Position) -> u64 {
        let state = self.place(tenant, position).and_then(|place| self.states.get(place));
        state.map_or(0, |state| state.position.get())
    }

    fn place(&self, tenant: TenantId, position: Position) -> Option<usize> {
        let states = self.states.iter().enumerate();
        states
            .filter(|(_, state)| state.tenant == tenant && state.position <= position)
            .max_by_key(|(_, state)| state.position)
            .map(|(place, _)| place)
    }

    /// Keeps the state at `position` of a tenant whose log reaches to `last`; what was longest not asked for makes room.
    pub(super) fn put(
        &mut self,
        tenant: TenantId,
        (position, last): (Position, Position),
        snapshot: Arc<Snapshot>,
        now: Timestamp,
    ) {
        self.make_room(tenant, (position, last));
        if self.states.len() >= PASTS {
            self.states.remove(0);
        }
        self.states.push(State { tenant, position, snapshot, touched: now });
    }

    /// Lets go of the states of a tenant that would make room for one at `position`, if that were put in now.
    pub(super) fn make_room(&mut self, tenant: TenantId, (position, last): (Position, Position)) {
        self.states.retain(|state| (state.tenant, state.position) != (tenant, position));
        let most = last.get().max(PAST_COMMITS);
        while let Some(oldest) = self.states.iter().position(|state| state.tenant == tenant) {
            let (mut many, mut commits) = (1, position.get());
            for state in self.states.iter().filter(|state| state.tenant == tenant) {
                many += 1;
                commits = commits.saturating_add(state.position.get());
            }
            if many <= PASTS_OF_TENANT && commits <= most {
                break;
            }
            self.states.remove(oldest);
        }
    }

    pub(super) fn forget_old(&mut self, now: Timestamp) {
        let since = now.millis() - 1_000 * PAST_SECONDS;
        self.states.retain(|state| state.touched.millis() > since);
    }

    pub(super) fn len(&self) -> usize {
        self.states.len()
    }

    /// Holds a snapshot that was published. One that was the present before something had to be
    /// forgotten is held no more.
    pub(super) fn hold(&mut self, tenant: TenantId, snapshot: Arc<Snapshot>) -> Hold {
        let gone = self.forgotten.get(&tenant);
        let is_gone = gone.is_some_and(|gone| snapshot.head.position < Some(gone.before));
        let hold = Arc::new(ArcSwapOption::new((!is_gone).then_some(snapshot)));
        let holds = self.holds.entry(tenant).or_default();
        holds.retain(|hold| hold.strong_count() > 0);
        holds.push(Arc::downgrade(&hold));
        Hold(hold)
    }

    /// How often the tenant's past was forgotten.
    pub(super) fn times_forgotten(&self, tenant: TenantId) -> u64 {
        self.forgotten.get(&tenant).map_or(0, |gone| gone.times)
    }

    /// Forgets everything of a tenant, except what is published from `before` on.
    pub(super) fn forget(&mut self, tenant: TenantId, before: Position) {
        self.states.retain(|state| state.tenant != tenant);
        for hold in self.holds.remove(&tenant).into_iter().flatten().filter_map(|h| h.upgrade()) {
            hold.store(None);
        }
        let times = self.times_forgotten(tenant) + 1;
        self.forgotten.insert(tenant, Forgotten { times, before });
    }
}
