//! Lists: which resources match a filter, and in which order.
//!
//! An equality on an indexed attribute is looked up and only what it finds is tried against the
//! whole filter; everything else is tried one by one, and stops as soon as nobody waits for it any
//! more. Written once for users and groups, and for a list of both.

mod candidates;

use scim::{Attributes, Filter, Literal, Sort, SortKey};
use uuid::Uuid;

use crate::directory::{Directory, Group, Ignored, Role, User};
use crate::event::Member;
use crate::id::{ConnectorId, GroupId, RoleId, UserId};
use crate::limits::{ABSENT_PLACES, ELEMENT_COST, ROWS_BETWEEN_LOOKS, USUAL_BYTES};
use crate::position::Position;
use crate::published::RoleView;
use crate::view::{GroupView, UserView};

use candidates::candidates;

/// Who looks at a directory, and from where.
#[derive(Clone, Copy)]
pub struct Viewer<'a> {
    /// What is looked at.
    pub directory: &'a Directory,
    /// Who looks; none: an operator.
    pub connector: Option<ConnectorId>,
    /// The base URL of the tenant's SCIM endpoints.
    pub base: &'a str,
}

impl<'a> Viewer<'a> {
    /// The user with this id, if it is seen.
    pub fn user(self, id: UserId) -> Option<&'a User> {
        self.directory.user_seen(self.connector, id)
    }

    /// The group with this id, if it is seen.
    pub fn group(self, id: GroupId) -> Option<&'a Group> {
        self.directory.group_seen(self.connector, id)
    }

    /// What is seen by nobody else.
    fn ignored_by(self) -> Option<&'a Ignored> {
        self.directory.ignored_by(self.connector)
    }
}

/// A resource on a list.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Row {
    /// A user.
    User(UserId),
    /// A group.
    Group(GroupId),
    /// A role.
    Role(RoleId),
}

/// A type of resource that can be listed.
pub trait Listed: Sized + 'static {
    /// A resource as SCIM sees it.
    type View<'a>: Attributes;
    /// The resource type's name.
    const NAME: &'static str;

    /// This resource as `viewer` sees it.
    fn view<'a>(&'a self, viewer: Viewer<'a>) -> Self::View<'a>;

    /// Which one it is.
    fn row(&self) -> Row;

    /// How much there is to look at, in resources of the usual size.
    fn weight(&self) -> usize;

    /// The attribute that may have so many elements that each counts, if there is one.
    const LONG: Option<&'static str>;

    /// How many elements it has.
    fn length(&self) -> usize;

    /// When it was created, and its id as it is printed: the order of a list that asks for none.
    fn age(&self) -> (Position, Uuid);

    /// How many there are.
    fn count(directory: &Directory) -> usize;

    /// All from the `skip`-th on, oldest first; costs nothing for those skipped.
    fn from(directory: &Directory, skip: usize) -> impl Iterator<Item = &Self>;

    /// All that `viewer` alone sees, oldest first.
    fn of_ignored(ignored: &Ignored) -> impl Iterator<Item = &Self>;

    /// Every one that can have this value, if the attribute is indexed: of those that are there for all, or of those that a
    /// connector alone sees. `sub` is the name of a sub-attribute.
    fn having<'a>(
        directory: &'a Directory,
        ignored: Option<&'a Ignored>,
        attribute: &str,
        sub: Option<&str>,
        value: &Literal,
    ) -> Option<Box<dyn Iterator<Item = &'a Self> + 'a>>;

    /// Whether the viewer sees it.
    fn is_shown(&self, viewer: Viewer<'_>) -> bool;

    /// If all but a few are seen and match: where those few are in the order of creation, counted from 0, in order.
    fn all_but(viewer: Viewer<'_>, filter: Option<&Filter>) -> Option<Vec<usize>>;
}

/// Nobody waits for the answer any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stopped;

/// Asks whether to go on, telling how many resources were looked at since it was last asked. Asked
/// at least every [`ROWS_BETWEEN_LOOKS`] of them, sooner where they are large.
pub type GoOn<'g> = &'g dyn Fn(usize) -> bool;

/// A row with what it is put in order by.
#[derive(Debug)]
pub struct Ranked {
    key: Option<SortKey>,
    age: (Position, Uuid),
    row: Row,
}

/// What of a type matches, without a look at each: a page of it costs next to nothing.
#[derive(Debug, PartialEq, Eq)]
pub struct Whole {
    absent: Vec<usize>,
}

impl Whole {
    /// All resources of a type, or all but a few, if that is what an unsorted list asks for and no lists come between `viewer`
    /// and what is there for all.
    pub fn of<R: Listed>(viewer: Viewer<'_>, filter: Option<&Filter>) -> Option<Whole> {
        if viewer.directory.is_partial(viewer.connector) {
            return None;
        }
        R::all_but(viewer, filter).map(|absent| Whole { absent })
    }

    /// How many there are.
    pub fn total<R: Listed>(&self, directory: &Directory) -> usize {
        R::count(directory) - self.absent.len()
    }

    /// Those from the `skip`-th on, oldest first, `count` at most.
    pub fn page<R: Listed>(&self, directory: &Directory, skip: usize, count: usize) -> Vec<Row> {
        let mut first = skip;
        for place in &self.absent {
            if *place <= first {
                first = first.saturating_add(1);
            }
        }
        let there = |place: &usize| self.absent.binary_search(place).is_err();
        R::from(directory, first)
            .zip(first..)
            .filter(|(_, place)| there(place))
            .map(|(one, _)| one.row())
            .take(count)
            .collect()
    }
}

/// Everything of a type that matches, in no order.
///
/// # Errors
/// When it was told to stop.
pub fn matching<R: Listed>(
    viewer: Viewer<'_>,
    filter: Option<&Filter>,
    sort: Option<&Sort>,
    go_on: GoOn<'_>,
) -> Result<Vec<Ranked>, Stopped> {
    let directory = viewer.directory;
    let mut found = Vec::new();
    let (mut looked, mut weight) = (0, 0);
    let mut look = |one: &R| {
        looked += 1;
        weight += one.weight();
        if weight >= ROWS_BETWEEN_LOOKS {
            weight = 0;
            if !go_on(std::mem::take(&mut looked)) {
                return Err(Stopped);
            }
        }
        if !one.is_shown(viewer) {
            return Ok(());
        }
        let view = one.view(viewer);
        if filter.is_none_or(|filter| filter.matches(&view)) {
            let key = sort.map(|sort| sort.key(&view));
            found.push(Ranked { key, age: one.age(), row: one.row() });
        }
        Ok(())
    };
    let is_partial = directory.is_partial(viewer.connector);
    match filter.and_then(|filter| candidates::<R>(viewer, filter, usize::MAX)) {
        Some(mut some) => {
            some.sort_unstable_by_key(|one| one.age());
            some.dedup_by_key(|one| one.age());
            some.into_iter().try_for_each(&mut look)?;
        }
        None if is_partial => {
            let there = R::from(directory, 0);
            there
                .chain(viewer.ignored_by().into_iter().flat_map(R::of_ignored))
                .try_for_each(&mut look)?;
        }
        None => R::from(directory, 0).try_for_each(&mut look)?,
    }
    go_on(looked);
    Ok(found)
}

/// Puts rows in order: the oldest first, or as `sort` says, ties by id (R-7644-3.4.2.3-04).
pub fn in_order(mut found: Vec<Ranked>, sort: Option<&Sort>) -> Vec<Row> {
    found.sort_unstable_by(|a, b| match (sort, &a.key, &b.key) {
        (Some(sort), Some(key), Some(other)) => {
            sort.order(key, other).then_with(|| a.age.1.cmp(&b.age.1)).then(a.row.cmp(&b.row))
        }
        (_, _, _) => a.age.cmp(&b.age).then(a.row.cmp(&b.row)),
    });
    found.into_iter().map(|ranked| ranked.row).collect()
}

/// What it takes to find all that match a filter.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Cost {
    /// Whether only a few resources are looked at, for an index finds them.
    pub is_indexed: bool,
    /// How many comparisons it takes: one for each term and each resource that is looked at, and
    /// [`ELEMENT_COST`] for each element of a long list.
    pub comparisons: u64,
}

/// What it takes to find all that match a filter, if an index may find `most` resources.
pub fn cost<R: Listed>(viewer: Viewer<'_>, filter: &Filter, most: usize) -> Cost {
    let directory = viewer.directory;
    let (short, long) = terms::<R>(filter, false);
    let of = |rows: usize, elements: usize| {
        let elements = elements.saturating_mul(ELEMENT_COST);
        let all = short.saturating_add(long).saturating_mul(rows);
        all.saturating_add(long.saturating_mul(elements)) as u64
    };
    let found = candidates::<R>(viewer, filter, most.saturating_add(1));
    match found.filter(|found| found.len() <= most) {
        Some(found) => {
            let elements = found.iter().map(|one| one.length()).sum();
            Cost { is_indexed: true, comparisons: of(found.len(), elements) }
        }
        None => {
            let ignored = || viewer.ignored_by().into_iter().flat_map(R::of_ignored);
            let lengths = || R::from(directory, 0).chain(ignored()).map(Listed::length).sum();
            let elements = if long > 0 { lengths() } else { 0 };
            let rows = R::count(directory) + ignored().count();
            Cost { is_indexed: false, comparisons: of(rows, elements) }
        }
    }
}

/// How many terms of a filter look at attributes of the usual kind, and how many at a long list.
fn terms<R: Listed>(filter: &Filter, within: bool) -> (usize, usize) {
    let is_long =
        |path: &scim::AttrPath| within || (path.schema().is_none() && Some(path.name()) == R::LONG);
    match filter {
        Filter::And(all) | Filter::Or(all) => all
            .iter()
            .map(|one| terms::<R>(one, within))
            .fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1)),
        Filter::Not(inner) => terms::<R>(inner, within),
        Filter::Element { path, filter } => terms::<R>(filter, is_long(path)),
        Filter::Present(path) | Filter::Compare { path, .. } if is_long(path) => (0, 1),
        Filter::Present(_) | Filter::Compare { .. } => (1, 0),
    }
}

impl Listed for User {
    type View<'a> = UserView<'a>;
    const NAME: &'static str = "User";

    fn view<'a>(&'a self, viewer: Viewer<'a>) -> UserView<'a> {
        let Viewer { directory, connector, base } = viewer;
        UserView { user: self, directory, connector, base }
    }

    fn row(&self) -> Row {
        Row::User(self.id)
    }

    fn weight(&self) -> usize {
        1 + self.attributes.as_bytes().len() / USUAL_BYTES
    }

    const LONG: Option<&'static str> = None;

    fn length(&self) -> usize {
        0
    }

    fn age(&self) -> (Position, Uuid) {
        (self.created.position, self.id.uuid())
    }

    fn count(directory: &Directory) -> usize {
        directory.users.len()
    }

    fn from(directory: &Directory, skip: usize) -> impl Iterator<Item = &User> {
        directory.users.from(skip)
    }

    fn of_ignored(ignored: &Ignored) -> impl Iterator<Item = &User> {
        ignored.users.iter()
    }

    fn having<'a>(
        directory: &'a Directory,
        ignored: Option<&'a Ignored>,
        attribute: &str,
        sub: Option<&str>,
        value: &Literal,
    ) -> Option<Box<dyn Iterator<Item = &'a User> + 'a>> {
        let users = ignored.map_or(&directory.users, |ignored| &ignored.users);
        Some(match (attribute, sub, value) {
            ("active", None, Literal::Bool(false)) => Box::new(users.inactive()),
            ("id", None, value) => {
                Box::new(value.as_str()?.parse().ok().and_then(|id| users.get(id)).into_iter())
            }
            ("userName", None, value) => Box::new(users.called(value.as_str()?)),
            ("externalId", None, value) => Box::new(users.with_external_id(value.as_str()?)),
            ("displayName", None, value) => Box::new(users.displayed(value.as_str()?)),
            ("emails", Some("value"), value) => Box::new(users.with_email(value.as_str()?)),
            (_, _, _) => return None,
        })
    }

    fn is_shown(&self, viewer: Viewer<'_>) -> bool {
        viewer.directory.sees_user(viewer.connector, self)
    }

    /// No filter, or `active eq true`: the few of whom that is not so are known, and so are their places.
    fn all_but(viewer: Viewer<'_>, filter: Option<&Filter>) -> Option<Vec<usize>> {
        let is_active = match filter {
            None => false,
            Some(Filter::Compare { path, op: scim::Op::Eq, value: Literal::Bool(true) })
                if path.is("active") =>
            {
                true
            }
            Some(_) => return None,
        };
        let users = &viewer.directory.users;
        let hidden = users.managed_here().filter(|user| !user.is_shown(viewer));
        let others = || users.inactive().chain(users.active_unassigned());
        let others = is_active.then(others).into_iter().flatten();
        places(hidden.chain(others), |user| users.place(user))
    }
}

impl Listed for Group {
    type View<'a> = GroupView<'a>;
    const NAME: &'static str = "Group";

    fn view<'a>(&'a self, viewer: Viewer<'a>) -> GroupView<'a> {
        let Viewer { directory, connector, base } = viewer;
        GroupView { group: self, directory, connector, base }
    }

    fn row(&self) -> Row {
        Row::Group(self.id)
    }

    fn weight(&self) -> usize {
        1 + self.attributes.as_bytes().len() / USUAL_BYTES + self.length()
    }

    const LONG: Option<&'static str> = Some("members");

    fn length(&self) -> usize {
        self.memberships().len()
    }

    fn age(&self) -> (Position, Uuid) {
        (self.created.position, self.id.uuid())
    }

    fn count(directory: &Directory) -> usize {
        directory.groups.len()
    }

    fn from(directory: &Directory, skip: usize) -> impl Iterator<Item = &Group> {
        directory.groups.from(skip)
    }

    fn of_ignored(ignored: &Ignored) -> impl Iterator<Item = &Group> {
        ignored.groups.iter()
    }

    fn having<'a>(
        directory: &'a Directory,
        ignored: Option<&'a Ignored>,
        attribute: &str,
        sub: Option<&str>,
        value: &Literal,
    ) -> Option<Box<dyn Iterator<Item = &'a Group> + 'a>> {
        let groups = ignored.map_or(&directory.groups, |ignored| &ignored.groups);
        let text = value.as_str()?;
        Some(match (attribute, sub) {
            ("id", None) => Box::new(text.parse().ok().and_then(|id| groups.get(id)).into_iter()),
            ("displayName", None) => Box::new(groups.named(text)),
            ("externalId", None) => Box::new(groups.with_external_id(text)),
            ("members", Some("value")) => {
                let user = text.parse().ok().map(Member::User);
                let group = text.parse().ok().map(Member::Group);
                let members = user.into_iter().chain(group);
                Box::new(members.flat_map(move |member| {
                    // An ignored one may be in a group that is there for all.
                    let joined =
                        ignored.into_iter().flat_map(move |ignored| ignored.joined(member));
                    groups.of(member).chain(joined.filter_map(|id| directory.groups.get(id)))
                }))
            }
            (_, _) => return None,
        })
    }

    fn is_shown(&self, viewer: Viewer<'_>) -> bool {
        viewer.directory.sees_group(viewer.connector, self)
    }

    fn all_but(viewer: Viewer<'_>, filter: Option<&Filter>) -> Option<Vec<usize>> {
        if filter.is_some() {
            return None;
        }
        let groups = &viewer.directory.groups;
        let hidden = groups.managed_here().filter(|group| !group.is_shown(viewer));
        places(hidden, |group| groups.place(group))
    }
}

/// The places of those who are not among all, each once and in order; none if there are too many.
fn places<'a, R: 'a>(
    others: impl Iterator<Item = &'a R>,
    place: impl Fn(&R) -> Option<usize>,
) -> Option<Vec<usize>> {
    let others: Vec<&R> = others.take(ABSENT_PLACES + 1).collect();
    if others.len() > ABSENT_PLACES {
        return None;
    }
    let mut places: Vec<usize> = others.into_iter().filter_map(place).collect();
    places.sort_unstable();
    places.dedup();
    Some(places)
}

/// A tenant has few roles: each is looked at.
impl Listed for Role {
    type View<'a> = RoleView<'a>;
    const NAME: &'static str = "Role";

    fn view<'a>(&'a self, viewer: Viewer<'a>) -> RoleView<'a> {
        RoleView::new(self, viewer)
    }

    fn row(&self) -> Row {
        Row::Role(self.id)
    }

    fn weight(&self) -> usize {
        1
    }

    const LONG: Option<&'static str> = None;

    fn length(&self) -> usize {
        0
    }

    fn age(&self) -> (Position, Uuid) {
        (self.created.position, self.id.uuid())
    }

    fn count(directory: &Directory) -> usize {
        directory.roles.len()
    }

    fn from(directory: &Directory, skip: usize) -> impl Iterator<Item = &Role> {
        directory.roles.by_age().into_iter().skip(skip)
    }

    fn of_ignored(_: &Ignored) -> impl Iterator<Item = &Role> {
        std::iter::empty()
    }

    fn having<'a>(
        _: &'a Directory,
        _: Option<&'a Ignored>,
        _: &str,
        _: Option<&str>,
        _: &Literal,
    ) -> Option<Box<dyn Iterator<Item = &'a Role> + 'a>> {
        None
    }

    fn is_shown(&self, _: Viewer<'_>) -> bool {
        true
    }

    fn all_but(_: Viewer<'_>, filter: Option<&Filter>) -> Option<Vec<usize>> {
        filter.is_none().then(Vec::new)
    }
}
