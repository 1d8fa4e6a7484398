//! Lists: which resources match a filter, and which of them are on a page.
//!
//! An equality on an indexed attribute is looked up and only what it finds is tried against the
//! whole filter; everything else is tried one by one.

use scim::{Filter, UserNameKey};

use crate::directory::{Directory, Group, User};
use crate::event::Member;
use crate::id::ConnectorId;
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

impl<'a> Viewer<'a> {
    /// A user as this viewer sees them.
    pub fn user(self, user: &'a User) -> UserView<'a> {
        let Viewer { directory, connector, base } = self;
        UserView { user, directory, connector, base }
    }

    /// A group as this viewer sees it.
    pub fn group(self, group: &'a Group) -> GroupView<'a> {
        let Viewer { directory, connector, base } = self;
        GroupView { group, directory, connector, base }
    }
}

/// A page of what was found.
#[derive(Debug, PartialEq)]
pub struct Found<'a, R> {
    /// How many match, over all pages.
    pub total: usize,
    /// Those on this page, oldest first.
    pub page: Vec<&'a R>,
}

/// The `count` users from the `start`-th on (counted from 1) of those that match.
pub fn users<'a>(
    viewer: Viewer<'a>,
    filter: Option<&Filter>,
    start: usize,
    count: usize,
) -> Found<'a, User> {
    let users = &viewer.directory.users;
    let Some(filter) = filter else {
        let page = users.from(start.saturating_sub(1)).take(count).collect();
        return Found { total: users.len(), page };
    };
    let matches = |user: &&'a User| filter.matches(&viewer.user(user));
    match user_candidates(viewer.directory, filter) {
        Some(mut found) => {
            found.sort_unstable_by_key(|user| (user.created.position, user.id));
            paged(found.into_iter().filter(matches), start, count)
        }
        None => paged(users.iter().filter(matches), start, count),
    }
}

/// The `count` groups from the `start`-th on (counted from 1) of those that match.
pub fn groups<'a>(
    viewer: Viewer<'a>,
    filter: Option<&Filter>,
    start: usize,
    count: usize,
) -> Found<'a, Group> {
    let groups = &viewer.directory.groups;
    let Some(filter) = filter else {
        let page = groups.from(start.saturating_sub(1)).take(count).collect();
        return Found { total: groups.len(), page };
    };
    let matches = |group: &&'a Group| filter.matches(&viewer.group(group));
    match group_candidates(viewer.directory, filter) {
        Some(mut found) => {
            found.sort_unstable_by_key(|group| (group.created.position, group.id));
            paged(found.into_iter().filter(matches), start, count)
        }
        None => paged(groups.iter().filter(matches), start, count),
    }
}

/// Whether a filter is answered from an index, so that it costs next to nothing.
pub fn is_indexed(filter: &Filter) -> bool {
    if let Filter::Or(terms) = filter {
        return terms.iter().all(is_indexed);
    }
    INDEXED.iter().any(|path| filter.must_equal(path).is_some())
}

const INDEXED: [&str; 5] = ["id", "userName", "externalId", "displayName", "members.value"];

/// Every user that can match, found through an index; none when there is no index for it.
fn user_candidates<'a>(directory: &'a Directory, filter: &Filter) -> Option<Vec<&'a User>> {
    let users = &directory.users;
    if let Filter::Or(terms) = filter {
        let each = terms.iter().map(|term| user_candidates(directory, term));
        let mut all: Vec<&User> = each.collect::<Option<Vec<_>>>()?.concat();
        all.sort_unstable_by_key(|user| user.id);
        all.dedup_by_key(|user| user.id);
        return Some(all);
    }
    if let Some(id) = filter.must_equal("id") {
        return Some(id.parse().ok().and_then(|id| users.get(id)).into_iter().collect());
    }
    if let Some(name) = filter.must_equal("userName") {
        let key = UserNameKey::of(name).ok();
        return Some(key.and_then(|key| users.named(&key)).into_iter().collect());
    }
    filter.must_equal("externalId").map(|id| users.with_external_id(id).collect())
}

/// Every group that can match, found through an index; none when there is no index for it.
fn group_candidates<'a>(directory: &'a Directory, filter: &Filter) -> Option<Vec<&'a Group>> {
    let groups = &directory.groups;
    if let Filter::Or(terms) = filter {
        let each = terms.iter().map(|term| group_candidates(directory, term));
        let mut all: Vec<&Group> = each.collect::<Option<Vec<_>>>()?.concat();
        all.sort_unstable_by_key(|group| group.id);
        all.dedup_by_key(|group| group.id);
        return Some(all);
    }
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

fn paged<'a, R>(matching: impl Iterator<Item = &'a R>, start: usize, count: usize) -> Found<'a, R> {
    let (mut total, mut page) = (0, Vec::new());
    let skip = start.saturating_sub(1);
    for resource in matching {
        if total >= skip && page.len() < count {
            page.push(resource);
        }
        total += 1;
    }
    Found { total, page }
}
