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
use engine::{Hold, ReadError, When};
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
use walks::{Held, Pin, Walks, Way, Whose};

/// What lists keep between requests. All of it can be lost: a cursor still goes on, at the price of
/// reading the log up to its position; a walk by index goes on in the present.
pub struct Lists {
    seal: Seal,
    walks: Mutex<Walks>,
    scans: Scans,
    most_comparisons: u64,
}

impl Lists {
    /// Nothing kept yet; cursors are sealed under this key, which must be the same after a restart.
    pub fn new(cursor_key: &[u8; 32]) -> Lists {
        Lists {
            seal: Seal::new(cursor_key),
            walks: Mutex::default(),
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
}

/// A list that is asked for.
struct Wanted {
    parts: Vec<Part>,
    start: usize,
    /// Rows on a page; none: the client does not say.
    count: Option<usize>,
    cursor: Option<String>,
    /// A fingerprint of everything but the page and the moment.
    query: [u8; 16],
    /// The same with the moment, in the words in which it was asked for: a walk by index is known by
    /// it, while a cursor names its moment itself.
    walk: [u8; 16],
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
    let (place, going) = match wanted.cursor.as_deref() {
        None => by_index(asked, &wanted, &whose)?,
        Some(token) => by_cursor(asked, &wanted, &whose, token)?,
    };
    let Some(Going { serial, held }) = going else {
        return page(asked, wanted, whose, place, None, None).await;
    };
    let snapshot = snapshot(asked, &held.pin).await?;
    if snapshot.head.position == asked.caller.snapshot.head.position {
        return page(asked, wanted, whose, place, serial, Some(held)).await;
    }
    // The walk looks at its own state throughout: at its schemas and its connector's settings as well.
    let caller = asked.caller.at(snapshot);
    let asked = asked.at(&caller);
    let wanted = Wanted::read(&asked, kinds, search)?;
    page(&asked, wanted, whose, place, serial, Some(held)).await
}

/// A walk that is gone on with; none of a number: one that is not held any more.
struct Going {
    serial: Option<u64>,
    held: Held,
}

/// Which page is asked for.
enum Place {
    Index { skip: usize, count: usize },
    Cursor { skip: usize, count: usize },
}

/// The page of this index, and the walk that it goes on with, if it does.
fn by_index(
    asked: &Asked<'_>,
    wanted: &Wanted,
    whose: &Whose,
) -> Result<(Place, Option<Going>), Refused> {
    let lists = &asked.app.lists;
    let now_ms = asked.app.now().millis();
    let least = asked.parameters.min_position()?;
    let walk = lists.walks().continued(whose, wanted.walk, wanted.start, now_ms);
    let walk = walk.filter(|(_, held)| least.is_none_or(|least| held.pin.position >= least));
    let count = wanted.count.unwrap_or(PAGE_DEFAULT);
    let place = Place::Index { skip: wanted.start.saturating_sub(1), count };
    Ok((place, walk.map(|(serial, held)| Going { serial: Some(serial), held })))
}

/// The page that a cursor leads to. It names its moment itself: `asOf` beside it must mean the same.
fn by_cursor(
    asked: &Asked<'_>,
    wanted: &Wanted,
    whose: &Whose,
    token: &str,
) -> Result<(Place, Option<Going>), Refused> {
    let lists = &asked.app.lists;
    let now_ms = asked.app.now().millis();
    if token.is_empty() {
        let count = wanted.count.unwrap_or(PAGE_DEFAULT);
        return Ok((Place::Cursor { skip: 0, count }, None));
    }
    let cursor = lists.seal.open(whose, token)?;
    cursor.check(wanted.query, wanted.count.map(|count| count as u64), now_ms)?;
    let position = Position::new(cursor.state).ok_or_else(Cursor::foreign)?;
    let (engine, tenant) = (&asked.app.engine, asked.caller.tenant);
    if let Some(when) = asked.parameters.as_of()?
        && !engine.means(tenant, when, position)?
    {
        let detail = format!(
            "the cursor is of position {position}, and `asOf` means another moment: leave `asOf` as it \
             was on the first page, or out, or begin anew with an empty `cursor`"
        );
        return Err(Invalid::new(ScimType::InvalidCursor, detail).into());
    }
    let whole = |number: u64| usize::try_from(number).map_err(|_| Cursor::foreign());
    let place = Place::Cursor { skip: whole(cursor.passed)?, count: whole(cursor.count)? };
    let going = match lists.walks().at(whose, wanted.query, position, now_ms) {
        Some((serial, held)) => Going { serial: Some(serial), held },
        None if asked.caller.snapshot.head.position == Some(position) => return Ok((place, None)),
        None => {
            let times_forgotten = engine.times_forgotten(tenant);
            let pin = Pin { position, hold: None, times_forgotten };
            Going { serial: None, held: Held { pin, rows: None } }
        }
    };
    Ok((place, Some(going)))
}

/// A page of the state that is asked for, and a note of where its walk is then.
async fn page(
    asked: &Asked<'_>,
    wanted: Wanted,
    whose: Whose,
    place: Place,
    serial: Option<u64>,
    held: Option<Held>,
) -> Result<Answer, Refused> {
    let lists = &asked.app.lists;
    let now_ms = asked.app.now().millis();
    let snapshot = &asked.caller.snapshot;
    let times_forgotten = asked.app.engine.times_forgotten(asked.caller.tenant);
    // Rows that were found by what has been forgotten since are looked for anew.
    let held = held.filter(|held| held.pin.times_forgotten == times_forgotten);
    let is_held = |pin: &Pin| pin.hold.as_ref().is_none_or(|hold| hold.get().is_some());
    let (pin, rows) = match held {
        Some(Held { pin, rows }) => {
            let rows = rows.filter(|_| is_held(&pin));
            (Some(pin), rows)
        }
        None => (None, None),
    };
    let is_known = serial.is_some();
    let (pages, skip, count) = match place {
        Place::Index { skip, count } => (Pages::Index, skip, count),
        Place::Cursor { skip, count } => {
            let expires_ms = now_ms.saturating_add(1_000 * CURSOR_SECONDS as i64);
            let next = Cursor {
                state: snapshot.head.position.map_or(0, Position::get),
                passed: skip as u64,
                count: count as u64,
                query: wanted.query,
                expires_ms,
            };
            (Pages::Cursor { lists: lists.clone(), whose, next }, skip, count)
        }
    };
    let look = Look::new(asked, snapshot, &wanted.parts, rows, pages, skip, count);
    let page = looked(asked, look).await?;
    let goes_on = page.shown > 0 && page.shown < page.total;
    let (query, way, is_walk) = match place {
        Place::Index { .. } => {
            let next = wanted.start.saturating_add(page.shown);
            let way = Way::Index { page: wanted.start, next };
            (wanted.walk, way, is_known || (wanted.start == 1 && goes_on))
        }
        Place::Cursor { .. } => {
            (wanted.query, Way::Cursor, page.shown > 0 && (is_known || goes_on))
        }
    };
    if is_walk && let Some(pin) = pin.or_else(|| pin_of(asked, times_forgotten)) {
        let held = Held { pin, rows: page.rows };
        lists.walks().note(serial, whose, query, way, held, now_ms);
    }
    Ok(Answer::new(StatusCode::OK, Some(page.body)).at(snapshot.head.position))
}

/// What a walk that begins here looks at from now on. The past is not held for it: it is kept where all find it.
fn pin_of(asked: &Asked<'_>, times_forgotten: u64) -> Option<Pin> {
    let snapshot = &asked.caller.snapshot;
    let hold = (asked.parameters.get("asOf").is_none())
        .then(|| asked.app.engine.hold(asked.caller.tenant, snapshot.clone()));
    snapshot.head.position.map(|position| Pin { position, hold, times_forgotten })
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
        let query = fingerprint(digest.clone());
        digest.update(asked.parameters.get("asOf").unwrap_or_default());
        let walk = fingerprint(digest);
        let Some(Part { query: first, .. }) = parts.first() else {
            return Err(Refused::no_address());
        };
        let whole = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
        Ok(Wanted {
            start: whole(first.start_index).max(1),
            count: first.count.map(|count| whole(count).min(PAGE_MAX)),
            cursor: first.cursor.clone(),
            query,
            walk,
            parts,
        })
    }
}

fn fingerprint(digest: Sha256) -> [u8; 16] {
    let [half @ .., _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _]: [u8; 32] =
        digest.finalize().into();
    half
}

/// The snapshot that a walk looks at. One that is not at hand is read from the log.
async fn snapshot(asked: &Asked<'_>, pin: &Pin) -> Result<Arc<Snapshot>, Refused> {
    if asked.caller.snapshot.head.position == Some(pin.position) {
        return Ok(asked.caller.snapshot.clone());
    }
    if let Some(snapshot) = pin.hold.as_ref().and_then(Hold::get) {
        return Ok(snapshot);
    }
    let (engine, tenant) = (asked.app.engine.clone(), asked.caller.tenant);
    let when = When::Position(pin.position);
    let snapshot = tokio::task::spawn_blocking(move || engine.as_of(tenant, when)).await;
    match snapshot.map_err(Refused::broken_off)? {
        // The log is an older copy of the one that the cursor is from.
        Err(ReadError::PositionAhead { .. }) => Err(Cursor::foreign().into()),
        read => Ok(read?),
    }
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
