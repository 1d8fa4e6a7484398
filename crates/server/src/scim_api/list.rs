//! Lists over HTTP: pages by index and by cursor, of one type or of all.
//!
//! A walk through a list looks at one state of the directory from its first page to its last, so
//! that no row is lost and none comes twice, whatever is written meanwhile. A cursor carries the
//! position of that state; a walk by index is known by its continuation (see [`walks`]). What asks
//! for neither reads the present.

mod look;
mod scans;
mod seal;
mod walks;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::http::StatusCode;
use domain::limits::{PAGE_DEFAULT, PAGE_MAX};
use domain::position::Position;
use domain::snapshot::Snapshot;
use engine::When;
use scim::{Cursor, Invalid, ListQuery, ScimType, Value};
use sha2::{Digest, Sha256};

use super::Asked;
use super::address::Kind;
use super::resource::resource_type;
use crate::answer::Answer;
use crate::limits::{CURSOR_SECONDS, LIST_COMPARISONS};
use crate::refused::Refused;

use look::{Look, Pages, Part};
use scans::Scans;
use seal::Seal;
use walks::{Held, Pasts, Pin, Walks, Way, Whose};

/// What lists keep between requests. All of it can be lost: a cursor still goes on, at the price of
/// reading the log up to its position; a walk by index goes on in the present.
pub struct Lists {
    seal: Seal,
    walks: Mutex<Walks>,
    pasts: Mutex<Pasts>,
    scans: Scans,
    most_comparisons: u64,
}

impl Lists {
    /// Nothing kept yet; cursors are sealed under this key, which must be the same after a restart.
    pub fn new(cursor_key: &[u8; 32]) -> Lists {
        Lists {
            seal: Seal::new(cursor_key),
            walks: Mutex::default(),
            pasts: Mutex::default(),
            scans: Scans::default(),
            most_comparisons: LIST_COMPARISONS,
        }
    }

    /// With another limit than [`LIST_COMPARISONS`].
    #[must_use]
    pub fn comparing_at_most(self, most_comparisons: u64) -> Lists {
        Lists { most_comparisons, ..self }
    }

    /// How many resources were looked at one by one since the start, for want of an index.
    pub fn rows_looked_at(&self) -> u64 {
        self.scans.rows_looked_at()
    }

    /// How many lists are being looked for at this moment, off the threads that answer requests.
    pub fn scans_running(&self) -> usize {
        self.scans.running()
    }

    fn walks(&self) -> MutexGuard<'_, Walks> {
        self.walks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn pasts(&self) -> MutexGuard<'_, Pasts> {
        self.pasts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A list that is asked for.
struct Wanted {
    parts: Vec<Part>,
    start: usize,
    /// Rows on a page; none: the client does not say.
    count: Option<usize>,
    cursor: Option<String>,
    /// A fingerprint of everything but the page.
    query: [u8; 16],
}

/// A page of a list of these types: by the parameters of the URL, or by the body of a search, for
/// which those of the URL do not count (R-7644-3.4.3-02).
pub(super) async fn list(
    asked: &Asked<'_>,
    kinds: &[Kind],
    search: Option<&[u8]>,
) -> Result<Answer, Refused> {
    let wanted = Wanted::read(asked, kinds, search)?;
    let whose = Whose::of(asked.caller);
    match wanted.cursor.as_deref() {
        None => by_index(asked, wanted, whose).await,
        Some(token) => by_cursor(asked, &wanted, whose, token).await,
    }
}

async fn by_index(asked: &Asked<'_>, wanted: Wanted, whose: Whose) -> Result<Answer, Refused> {
    let lists = &asked.app.lists;
    let now_ms = asked.app.now().millis();
    let least = asked.parameters.min_position()?;
    let walk = lists.walks().continued(&whose, wanted.query, wanted.start, now_ms);
    let walk =
        walk.filter(|(_, held)| least.is_none_or(|least| held.pin.position() >= Some(least)));
    let (serial, held) = match walk {
        Some((serial, held)) => (Some(serial), held),
        None => (None, Held { pin: present(asked).await?, rows: None }),
    };
    let snapshot = snapshot(asked, &held.pin).await?;
    let count = wanted.count.unwrap_or(PAGE_DEFAULT);
    let skip = wanted.start.saturating_sub(1);
    let look = Look::new(asked, &snapshot, &wanted.parts, held.rows, Pages::Index, skip, count);
    let page = looked(asked, look).await?;
    let next = wanted.start.saturating_add(page.shown);
    let is_walk =
        serial.is_some() || (wanted.start == 1 && page.shown > 0 && page.shown < page.total);
    if is_walk {
        let way = Way::Index { page: wanted.start, next };
        let held = Held { pin: held.pin, rows: page.rows };
        lists.walks().note(serial, whose, wanted.query, way, held, now_ms);
    }
    Ok(Answer::new(StatusCode::OK, Some(page.body)).at(snapshot.head.position))
}

async fn by_cursor(
    asked: &Asked<'_>,
    wanted: &Wanted,
    whose: Whose,
    token: &str,
) -> Result<Answer, Refused> {
    let lists = &asked.app.lists;
    let now_ms = asked.app.now().millis();
    let (serial, held, skip, count) = if token.is_empty() {
        let held = Held { pin: present(asked).await?, rows: None };
        (None, held, 0, wanted.count.unwrap_or(PAGE_DEFAULT))
    } else {
        let cursor = lists.seal.open(&whose, token)?;
        cursor.check(wanted.query, wanted.count.map(|count| count as u64), now_ms)?;
        let position = Position::new(cursor.state).ok_or_else(Cursor::foreign)?;
        let whole = |number: u64| usize::try_from(number).map_err(|_| Cursor::foreign());
        let (skip, count) = (whole(cursor.passed)?, whole(cursor.count)?);
        match lists.walks().at(&whose, wanted.query, position, now_ms) {
            Some((serial, held)) => (Some(serial), held, skip, count),
            None => (None, Held { pin: pin_at(asked, position), rows: None }, skip, count),
        }
    };
    let snapshot = snapshot(asked, &held.pin).await?;
    let state = snapshot.head.position.map_or(0, Position::get);
    let expires_ms = now_ms.saturating_add(1_000 * CURSOR_SECONDS as i64);
    let next =
        Cursor { state, passed: skip as u64, count: count as u64, query: wanted.query, expires_ms };
    let pages = Pages::Cursor { lists: lists.clone(), whose, next };
    let look = Look::new(asked, &snapshot, &wanted.parts, held.rows, pages, skip, count);
    let page = looked(asked, look).await?;
    if page.shown > 0 && (serial.is_some() || page.shown < page.total) {
        let held = Held { pin: held.pin, rows: page.rows };
        lists.walks().note(serial, whose, wanted.query, Way::Cursor, held, now_ms);
    }
    Ok(Answer::new(StatusCode::OK, Some(page.body)).at(snapshot.head.position))
}

impl Wanted {
    fn read(asked: &Asked<'_>, kinds: &[Kind], search: Option<&[u8]>) -> Result<Self, Refused> {
        let options = asked.caller.options();
        let body = search.map(Value::parse).transpose()?;
        let mut parts = Vec::with_capacity(kinds.len());
        let mut digest = Sha256::new();
        for kind in kinds {
            let rtype = resource_type(asked, *kind).clone();
            let others: Vec<_> = kinds
                .iter()
                .filter(|other| *other != kind)
                .map(|other| resource_type(asked, *other).clone())
                .collect();
            let query = match &body {
                Some(body) => ListQuery::from_search_among(body, &rtype, &others, options)?,
                None => {
                    let pairs = asked.parameters.pairs();
                    ListQuery::from_pairs_among(pairs, &rtype, &others, options)?
                }
            };
            asked.note(&[], &query.quirks);
            digest.update(format!("{}\n{}\n", kind.plural(), query.identity()));
            parts.push(Part { kind: *kind, rtype, query });
        }
        digest.update(asked.parameters.get("asOf").unwrap_or_default());
        let [query @ .., _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _]: [u8; 32] =
            digest.finalize().into();
        let Some(Part { query: first, .. }) = parts.first() else {
            return Err(Refused::no_address());
        };
        let whole = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
        Ok(Wanted {
            start: whole(first.start_index).max(1),
            count: first.count.map(|count| whole(count).min(PAGE_MAX)),
            cursor: first.cursor.clone(),
            query,
            parts,
        })
    }
}

/// What a list that continues nothing looks at: the present, or the moment that `asOf` names.
async fn present(asked: &Asked<'_>) -> Result<Pin, Refused> {
    asked.check_position()?;
    match asked.parameters.as_of()? {
        None => Ok(Pin::Published(asked.caller.snapshot.clone())),
        Some(when) => {
            let position = asked.app.engine.position_at(asked.caller.tenant, when)?;
            Ok(pin_at(asked, position))
        }
    }
}

fn pin_at(asked: &Asked<'_>, position: Position) -> Pin {
    let now = &asked.caller.snapshot;
    if now.head.position == Some(position) {
        Pin::Published(now.clone())
    } else {
        Pin::Past(position)
    }
}

/// The snapshot that a walk looks at. One that is not at hand is read from the log.
async fn snapshot(asked: &Asked<'_>, pin: &Pin) -> Result<Arc<Snapshot>, Refused> {
    let position = match pin {
        Pin::Published(snapshot) => return Ok(snapshot.clone()),
        Pin::Past(position) => *position,
    };
    let (tenant, now_ms) = (asked.caller.tenant, asked.app.now().millis());
    if let Some(snapshot) = asked.app.lists.pasts().get(tenant, position, now_ms) {
        return Ok(snapshot);
    }
    let engine = asked.app.engine.clone();
    let read = move || engine.as_of(tenant, When::Position(position));
    let snapshot = tokio::task::spawn_blocking(read).await.map_err(Refused::broken_off)?;
    // A position that is not reached: the log is an older copy of the one that the cursor is from.
    if let Err(engine::ReadError::PositionAhead { .. }) = &snapshot {
        return Err(Cursor::foreign().into());
    }
    let snapshot = snapshot?;
    asked.app.lists.pasts().put(tenant, position, snapshot.clone(), now_ms);
    Ok(snapshot)
}

/// Makes a page: here if that costs next to nothing, else where others are not kept waiting.
async fn looked(asked: &Asked<'_>, look: Look) -> Result<look::Page, Refused> {
    let page = if look.is_quick() {
        look.page(&|_| true)
    } else {
        let (needed, most) = (look.comparisons(), asked.app.lists.most_comparisons);
        if needed > most {
            let detail = format!(
                "the filter would take {needed} comparisons, and {most} is the limit here: use \
                 fewer terms, or `and` one that compares an indexed attribute with `eq`"
            );
            return Err(Invalid::new(ScimType::TooMany, detail).into());
        }
        asked.app.lists.scans.run(move |go_on| look.page(go_on)).await?
    };
    match page {
        Ok(page) => page,
        Err(domain::find::Stopped) => Err(Refused::internal("a list was given up under way")),
    }
}
