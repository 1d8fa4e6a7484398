//! Lists: which resources match a filter, in which order, and which of them are on a page.
//!
//! An equality on an indexed attribute is looked up and only what it finds is tried against the
//! whole filter; everything else is tried one by one. Written once for users and groups.

use scim::{Attributes, Filter, Sort, SortKey, UserNameKey};

use crate::directory::{Directory, Group, User};
use crate::event::Member;
use crate::id::ConnectorId;
use crate::position::Position;
use crate::view::{GroupView, UserView};

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

/// A type of resource that can be listed.
pub trait Listed: Sized + 'static {
    /// A resource as SCIM sees it.
    type View<'a>: Attributes;
    /// Attributes whose equality is looked up.
    const INDEXED: &'static [&'static str];

    /// This resource as `viewer` sees it.
    fn view<'a>(&'a self, viewer: Viewer<'a>) -> Self::View<'a>;

    /// When it was created, and its id as it is printed: the order of a list that asks for none.
    fn age(&self) -> (Position, uuid::Uuid);

    /// How many there are.
    fn count(directory: &Directory) -> usize;

    /// All from the `skip`-th on, oldest first; costs nothing for those skipped.
    fn from(directory: &Directory, skip: usize) -> impl Iterator<Item = &Self>;

    /// Every one that can match, if the filter demands an equality that is looked up.
    fn looked_up<'a>(directory: &'a Directory, filter: &Filter) -> Option<Vec<&'a Self>>;
}

/// A page of what was found.
#[derive(Debug, PartialEq)]
pub struct Found<'a, R> {
    /// How many match, over all pages.
    pub total: usize,
    /// Those on this page.
    pub page: Vec<&'a R>,
}

/// The `count` resources from the `start`-th on (counted from 1) of those that match. Without
/// `sort` the oldest come first; with it, ties are in the order of their ids (R-7644-3.4.2.3-04).
pub fn list<'a, R: Listed>(
    viewer: Viewer<'a>,
    filter: Option<&Filter>,
    sort: Option<&Sort>,
    start: usize,
    count: usize,
) -> Found<'a, R> {
    let directory = viewer.directory;
    let skip = start.saturating_sub(1);
    if filter.is_none() && sort.is_none() {
        let page = R::from(directory, skip).take(count).collect();
        return Found { total: R::count(directory), page };
    }
    let matches = |one: &&'a R| filter.is_none_or(|filter| filter.matches(&one.view(viewer)));
    let mut found: Vec<&R> = match filter.and_then(|filter| candidates::<R>(directory, filter)) {
        Some(mut found) => {
            found.sort_unstable_by_key(|one: &&R| one.age());
            found.into_iter().filter(matches).collect()
        }
        None => R::from(directory, 0).filter(matches).collect(),
    };
    if let Some(sort) = sort {
        let mut keyed: Vec<(SortKey, &R)> =
            found.into_iter().map(|one| (sort.key(&one.view(viewer)), one)).collect();
        keyed.sort_by(|(a, one), (b, other)| {
            sort.order(a, b).then_with(|| one.age().1.cmp(&other.age().1))
        });
        found = keyed.into_iter().map(|(_, one)| one).collect();
    }
    Found { total: found.len(), page: found.into_iter().skip(skip).take(count).collect() }
}

/// Whether a filter is answered from an index, so that it costs next to nothing.
pub fn is_indexed<R: Listed>(filter: &Filter) -> bool {
    if let Filter::Or(terms) = filter {
        return terms.iter().all(is_indexed::<R>);
    }
    R::INDEXED.iter().any(|path| filter.must_equal(path).is_some())
}

/// Every resource that can match, found through an index; none when there is no index for it.
fn candidates<'a, R: Listed>(directory: &'a Directory, filter: &Filter) -> Option<Vec<&'a R>> {
    let Filter::Or(terms) = filter else { return R::looked_up(directory, filter) };
    let each = terms.iter().map(|term| candidates(directory, term));
    let mut all: Vec<&R> = each.collect::<Option<Vec<_>>>()?.concat();
    all.sort_unstable_by_key(|one| one.age());
    all.dedup_by_key(|one| one.age());
    Some(all)
}

impl Listed for User {
    type View<'a> = UserView<'a>;
    const INDEXED: &'static [&'static str] = &["id", "userName", "externalId"];

    fn view<'a>(&'a self, viewer: Viewer<'a>) -> UserView<'a> {
        let Viewer { directory, connector, base } = viewer;
        UserView { user: self, directory, connector, base }
    }

    fn age(&self) -> (Position, uuid::Uuid) {
        (self.created.position, self.id.uuid())
    }

    fn count(directory: &Directory) -> usize {
        directory.users.len()
    }

    fn from(directory: &Directory, skip: usize) -> impl Iterator<Item = &User> {
        directory.users.from(skip)
    }

    fn looked_up<'a>(directory: &'a Directory, filter: &Filter) -> Option<Vec<&'a User>> {
        let users = &directory.users;
        if let Some(id) = filter.must_equal("id") {
            return Some(id.parse().ok().and_then(|id| users.get(id)).into_iter().collect());
        }
        if let Some(name) = filter.must_equal("userName") {
            let key = UserNameKey::of(name).ok();
            return Some(key.and_then(|key| users.named(&key)).into_iter().collect());
        }
        filter.must_equal("externalId").map(|id| users.with_external_id(id).collect())
    }
}

impl Listed for Group {
    type View<'a> = GroupView<'a>;
    const INDEXED: &'static [&'static str] = &["id", "displayName", "externalId", "members.value"];

    fn view<'a>(&'a self, viewer: Viewer<'a>) -> GroupView<'a> {
        let Viewer { directory, connector, base } = viewer;
        GroupView { group: self, directory, connector, base }
    }

    fn age(&self) -> (Position, uuid::Uuid) {
        (self.created.position, self.id.uuid())
    }

    fn count(directory: &Directory) -> usize {
        directory.groups.len()
    }

    fn from(directory: &Directory, skip: usize) -> impl Iterator<Item = &Group> {
        directory.groups.from(skip)
    }

    fn looked_up<'a>(directory: &'a Directory, filter: &Filter) -> Option<Vec<&'a Group>> {
        let groups = &directory.groups;
        if let Some(id) = filter.must_equal("id") {
            return Some(id.parse().ok().and_then(|id| groups.get(id)).into_iter().collect());
        }
        if let Some(name) = filter.must_equal("displayName") {
            return Some(groups.named(name).collect());
        }
        if let Some(id) = filter.must_equal("externalId") {
            return Some(groups.with_external_id(id).collect());
        }
        let member = filter.must_equal("members.value")?;
        let user = member.parse().ok().map(Member::User);
        let group = member.parse().ok().map(Member::Group);
        Some(user.into_iter().chain(group).flat_map(|member| groups.of(member)).collect())
    }
}
