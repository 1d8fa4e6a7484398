//! Finding the rows of a list, and writing a page of them.

use std::cell::{Cell, RefCell};
use std::sync::Arc;

use domain::directory::{Group, Role, User};
use domain::find::{self, Cost, GoOn, Listed, Row, Stopped, Viewer, Whole};
use domain::id::ConnectorId;
use domain::limits::PAGE_BYTES;
use domain::snapshot::Snapshot;
use scim::{Attributes, Cursor, ListQuery, Renderer, ResourceType};

use super::walks::Whose;
use super::{Asked, Lists};
use crate::limits::{QUICK_COMPARISONS, QUICK_ROWS};
use crate::refused::Refused;
use crate::scim_api::address::Kind;

/// Bytes that a row is likely to take: room for a page is made at once.
const ROW_BYTES: usize = 1_100;

/// What is asked of one type.
#[derive(Clone)]
pub(super) struct Part {
    pub(super) kind: Kind,
    pub(super) rtype: ResourceType,
    pub(super) query: ListQuery,
}

/// How a page says where it stands.
pub(super) enum Pages {
    Index,
    /// With the cursor of this very page; the next one's is made of it.
    Cursor {
        lists: Arc<Lists>,
        whose: Whose,
        next: Cursor,
    },
}

/// A page to be made: a function of a snapshot and of what is asked, and of nothing else.
pub(super) struct Look {
    snapshot: Arc<Snapshot>,
    parts: Vec<Part>,
    connector: ConnectorId,
    base: String,
    rows: Option<Arc<[Row]>>,
    pages: Pages,
    skip: usize,
    count: usize,
}

/// A page.
pub(super) struct Page {
    pub(super) body: Vec<u8>,
    pub(super) total: usize,
    pub(super) shown: usize,
    /// All that were found, if they were looked for: the next page need not look again.
    pub(super) rows: Option<Arc<[Row]>>,
}

/// What a list holds.
enum Rows {
    Found(Arc<[Row]>),
    Whole(Kind, Whole),
}

impl Look {
    pub(super) fn new(
        asked: &Asked<'_>,
        snapshot: &Arc<Snapshot>,
        parts: &[Part],
        rows: Option<Arc<[Row]>>,
        pages: Pages,
        skip: usize,
        count: usize,
    ) -> Look {
        let (connector, base) = (asked.caller.connector, asked.base.clone());
        let (snapshot, parts) = (snapshot.clone(), parts.to_vec());
        Look { snapshot, parts, connector, base, rows, pages, skip, count }
    }

    /// Whether the page costs so little that it is not worth another thread: the rows are known, or
    /// an index finds them, and no page of groups with all their members has to be written.
    pub(super) fn is_quick(&self) -> bool {
        self.parts.iter().all(|part| {
            let cost = part.cost(self.viewer());
            let indexed = cost.is_indexed && cost.comparisons <= QUICK_COMPARISONS;
            let known = self.rows.is_some() || self.whole().is_some();
            let light = part.kind != Kind::Group || !part.query.projection.wants("members");
            indexed || (known && light)
        })
    }

    /// How many comparisons it takes to find the rows.
    pub(super) fn comparisons(&self) -> u64 {
        if self.rows.is_some() || self.whole().is_some() {
            return 0;
        }
        let of = |part: &Part| part.cost(self.viewer()).comparisons;
        self.parts.iter().map(of).fold(0, u64::saturating_add)
    }

    /// Makes the page.
    pub(super) fn page(self, go_on: GoOn<'_>) -> Result<Result<Page, Refused>, Stopped> {
        let rows = self.rows(go_on)?;
        let directory = &self.snapshot.directory;
        let total = match &rows {
            Rows::Found(rows) => rows.len(),
            Rows::Whole(Kind::User, whole) => whole.total::<User>(directory),
            Rows::Whole(Kind::Group, whole) => whole.total::<Group>(directory),
            Rows::Whole(Kind::Role, whole) => whole.total::<Role>(directory),
            Rows::Whole(Kind::Entitlement, _) => 0,
        };
        let (skip, count) = (self.skip, self.count);
        let shown: Vec<Row> = match &rows {
            Rows::Found(rows) => rows.iter().skip(skip).take(count).copied().collect(),
            Rows::Whole(Kind::User, whole) => whole.page::<User>(directory, skip, count),
            Rows::Whole(Kind::Group, whole) => whole.page::<Group>(directory, skip, count),
            Rows::Whole(Kind::Role, whole) => whole.page::<Role>(directory, skip, count),
            Rows::Whole(Kind::Entitlement, _) => Vec::new(),
        };
        let rows = match rows {
            Rows::Found(rows) => Some(rows),
            Rows::Whole(..) => None,
        };
        let written = self.write(total, &shown);
        Ok(written.map(|(body, shown)| Page { body, total, shown, rows }))
    }

    fn rows(&self, go_on: GoOn<'_>) -> Result<Rows, Stopped> {
        if let Some(rows) = &self.rows {
            return Ok(Rows::Found(rows.clone()));
        }
        if let Some((kind, whole)) = self.whole() {
            return Ok(Rows::Whole(kind, whole));
        }
        let viewer = self.viewer();
        let mut found = Vec::new();
        for Part { kind, query, .. } in &self.parts {
            let (filter, sort) = (query.filter.as_ref(), query.sort.as_ref());
            found.extend(match kind {
                Kind::User => find::matching::<User>(viewer, filter, sort, go_on)?,
                Kind::Group => find::matching::<Group>(viewer, filter, sort, go_on)?,
                Kind::Role => find::matching::<Role>(viewer, filter, sort, go_on)?,
                Kind::Entitlement => Vec::new(),
            });
        }
        let sort = self.parts.first().and_then(|part| part.query.sort.as_ref());
        Ok(Rows::Found(find::in_order(found, sort).into()))
    }

    /// If all of one type are asked for, or all but a few, in the order of their creation.
    fn whole(&self) -> Option<(Kind, Whole)> {
        let [Part { kind, query, .. }] = self.parts.as_slice() else { return None };
        if query.sort.is_some() {
            return None;
        }
        let (viewer, filter) = (self.viewer(), query.filter.as_ref());
        let whole = match kind {
            Kind::User => Whole::of::<User>(viewer, filter),
            Kind::Group => Whole::of::<Group>(viewer, filter),
            Kind::Role => Whole::of::<Role>(viewer, filter),
            Kind::Entitlement => None,
        };
        whole.map(|whole| (*kind, whole))
    }

    fn viewer(&self) -> Viewer<'_> {
        let directory = &self.snapshot.directory;
        Viewer { directory, connector: Some(self.connector), base: &self.base }
    }

    /// The `ListResponse`, and how many rows are in it. It may be fewer than were asked for
    /// (R-7644-3.4.2.4-02): memory is shared by all.
    fn write(&self, total: usize, rows: &[Row]) -> Result<(Vec<u8>, usize), Refused> {
        let viewer = self.viewer();
        let renderers = RefCell::new(self.renderers());
        // What the page takes so far: its rows are written one by one, each as it is asked for.
        let written = Cell::new(0);
        let items = rows.iter().map_while(|row| {
            let goes_on = written.get() <= PAGE_BYTES;
            let write = |out: &mut Vec<u8>| {
                self.item(out, viewer, *row, &mut renderers.borrow_mut());
                written.set(out.len());
            };
            goes_on.then_some(write)
        });
        let room = rows.len().saturating_mul(ROW_BYTES).min(PAGE_BYTES);
        let (mut body, mut shown, mut failed) = (Vec::with_capacity(room), 0, false);
        let start = match &self.pages {
            Pages::Index => Some((self.skip as u64).saturating_add(1)),
            Pages::Cursor { .. } => None,
        };
        scim::write_page(&mut body, total as u64, start, items, |written| {
            shown = usize::try_from(written).unwrap_or(usize::MAX);
            let Pages::Cursor { lists, whose, next } = &self.pages else { return None };
            let passed = next.passed.saturating_add(written);
            // A page of none leads nowhere: it was asked for the total.
            if written == 0 || passed >= total as u64 {
                return None;
            }
            let token = lists.seal.seal(whose, &Cursor { passed, ..*next });
            failed = token.is_none();
            token
        });
        if failed {
            return Err(Refused::internal("a cursor could not be sealed: there is no randomness"));
        }
        Ok((body, shown))
    }

    /// What writes the rows, one of each part.
    fn renderers(&self) -> Vec<(Kind, Renderer)> {
        let renderer = |part: &Part| Renderer::new(&part.rtype, &part.query.projection);
        self.parts.iter().map(|part| (part.kind, renderer(part))).collect()
    }

    fn item(&self, out: &mut Vec<u8>, viewer: Viewer<'_>, row: Row, of: &mut [(Kind, Renderer)]) {
        let mut write = |kind: Kind, resource: &dyn Attributes| {
            if let Some((_, renderer)) = of.iter_mut().find(|(of, _)| *of == kind) {
                renderer.write(out, resource);
            }
        };
        match row {
            Row::User(id) => {
                if let Some(user) = viewer.user(id) {
                    write(Kind::User, &user.view(viewer));
                }
            }
            Row::Group(id) => {
                if let Some(group) = viewer.group(id) {
                    write(Kind::Group, &group.view(viewer));
                }
            }
            Row::Role(id) => {
                if let Some(role) = viewer.directory.roles.get(id) {
                    write(Kind::Role, &role.view(viewer));
                }
            }
        }
    }
}

impl Part {
    /// What it takes to find its rows. Without a filter nothing is compared.
    fn cost(&self, viewer: Viewer<'_>) -> Cost {
        let none = |is_indexed| Cost { is_indexed, comparisons: 0 };
        let Some(filter) = &self.query.filter else { return none(false) };
        match self.kind {
            Kind::User => find::cost::<User>(viewer, filter, QUICK_ROWS),
            Kind::Group => find::cost::<Group>(viewer, filter, QUICK_ROWS),
            // A tenant has few roles, and publishes no entitlements.
            Kind::Role | Kind::Entitlement => none(true),
        }
    }
}
