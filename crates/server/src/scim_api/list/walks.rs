//! Walks that are under way: which state of the directory the next page of each is of.
//!
//! What this holds in memory: at most [`WALKS`] snapshots, of which a connector has at most
//! [`WALKS_OF_CONNECTOR`], each forgotten [`WALK_SECONDS`] after its last page. A snapshot shares
//! with the present everything that has not changed since, so a walk costs what was written since
//! it began: 5 to 20 KB for each write, up to a second directory if everything changed. Beside
//! them at most [`WALK_ROWS`] ids of rows that were found (17 bytes each). What was never the
//! present of a walk is not held here: the engine keeps a few states that were read from the log.
//! When a person is erased, the engine forgets the snapshots, and the rows that were found are
//! looked for anew.

use std::sync::Arc;

use domain::find::Row;
use domain::id::{ConnectorId, CredentialId, TenantId};
use domain::position::Position;
use engine::Hold;

use crate::caller::Caller;
use crate::limits::{WALK_ROWS, WALK_SECONDS, WALKS, WALKS_OF_CONNECTOR};

/// Who walks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Whose {
    pub(super) tenant: TenantId,
    pub(super) connector: ConnectorId,
    pub(super) credential: CredentialId,
}

impl Whose {
    pub(super) fn of(caller: &Caller) -> Whose {
        let Caller { tenant, connector, credential, .. } = *caller;
        Whose { tenant, connector, credential }
    }
}

/// The state that a walk looks at.
#[derive(Clone)]
pub(super) struct Pin {
    pub(super) position: Position,
    /// The snapshot, if it was the present when the walk began; else it is read from the log.
    pub(super) hold: Option<Hold>,
    /// How often the tenant's past had been forgotten when it was pinned.
    pub(super) times_forgotten: u64,
}

/// What is held for a walk.
#[derive(Clone)]
pub(super) struct Held {
    pub(super) pin: Pin,
    /// Everything that its first page found, if it had to be looked for.
    pub(super) rows: Option<Arc<[Row]>>,
}

/// How a walk goes on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Way {
    /// From `next` on, counted from 1, where its last page, which began at `page`, ended.
    Index { page: usize, next: usize },
    /// By cursors, which say where.
    Cursor,
}

struct Walk {
    serial: u64,
    whose: Whose,
    query: [u8; 16],
    way: Way,
    held: Held,
    touched_ms: i64,
}

/// The walks under way, the one whose last page was longest ago first.
#[derive(Default)]
pub(super) struct Walks {
    walks: Vec<Walk>,
    serial: u64,
}

impl Walks {
    /// The walk by index of which this is the next page, or its last page once more, as a client asks
    /// for it whose connection broke. A walk is its credential's, and the same query throughout;
    /// the count may change. The first page always begins a new one. Where two walks are at the
    /// same place, it is the younger one: a client that begins anew has given up the older.
    pub(super) fn continued(
        &mut self,
        whose: &Whose,
        query: [u8; 16],
        start: usize,
        now_ms: i64,
    ) -> Option<(u64, Held)> {
        if start <= 1 {
            return None;
        }
        self.forget_old(now_ms);
        let mine = |walk: &&Walk| walk.whose == *whose && walk.query == query;
        let goes_on = |walk: &&Walk| matches!(walk.way, Way::Index { next, .. } if next == start);
        let repeats = |walk: &&Walk| matches!(walk.way, Way::Index { page, .. } if page == start);
        let mut walks = self.walks.iter().rev().filter(mine);
        let walk = walks.find(goes_on);
        let walk = walk.or_else(|| self.walks.iter().rev().filter(mine).find(repeats));
        walk.map(|walk| (walk.serial, walk.held.clone()))
    }

    /// The walk by cursor at this position, whichever of the connector's credentials began it.
    pub(super) fn at(
        &mut self,
        whose: &Whose,
        query: [u8; 16],
        position: Position,
        now_ms: i64,
    ) -> Option<(u64, Held)> {
        self.forget_old(now_ms);
        let walk = self.walks.iter().rev().find(|walk| {
            (walk.whose.tenant, walk.whose.connector) == (whose.tenant, whose.connector)
                && walk.query == query
                && walk.way == Way::Cursor
                && walk.held.pin.position == position
        })?;
        Some((walk.serial, walk.held.clone()))
    }

    /// Notes where a walk is after a page: the one with this number, or a new one.
    pub(super) fn note(
        &mut self,
        serial: Option<u64>,
        whose: Whose,
        query: [u8; 16],
        way: Way,
        held: Held,
        now_ms: i64,
    ) {
        // A page asked for once more is no step: who polls the last one sees the present in time.
        let mut touched_ms = now_ms;
        if let Some(serial) = serial {
            let is_repeated = |walk: &&Walk| walk.serial == serial && walk.way == way;
            if let Some(walk) = self.walks.iter().find(is_repeated).filter(|_| way != Way::Cursor) {
                touched_ms = walk.touched_ms;
            }
            self.walks.retain(|walk| walk.serial != serial);
        }
        self.serial += 1;
        let serial = self.serial;
        self.walks.push(Walk { serial, whose, query, way, held, touched_ms });
        let of_connector = |walk: &Walk| walk.whose.connector == whose.connector;
        if self.walks.iter().filter(|walk| of_connector(walk)).count() > WALKS_OF_CONNECTOR
            && let Some(oldest) = self.walks.iter().position(of_connector)
        {
            self.walks.remove(oldest);
        }
        if self.walks.len() > WALKS {
            self.walks.remove(0);
        }
        let mut rows = 0;
        for walk in self.walks.iter_mut().rev() {
            rows += walk.held.rows.as_ref().map_or(0, |rows| rows.len());
            if rows > WALK_ROWS {
                walk.held.rows = None;
            }
        }
    }

    fn forget_old(&mut self, now_ms: i64) {
        self.walks.retain(|walk| now_ms - walk.touched_ms < 1_000 * WALK_SECONDS);
    }
}
