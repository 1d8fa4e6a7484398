//! One user as of a moment, without the rest of the tenant: only the commits are read that are about them, about the groups
//! that they were in, or about what concerns everybody.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use domain::commit::{Commit, Projection};
use domain::directory::{Directory, User};
use domain::event::{Event, EventKind, Member, Subject};
use domain::id::{GroupId, TenantId, UserId};
use domain::position::{Head, Position};
use domain::snapshot::Snapshot;
use domain::trail::{Facet, Kinds, Order, Trail};
use eventlog::Broken;

use super::{Past, ReadError};
use crate::boot::StartError;
use crate::{Recorded, limits};

/// Events about single users and groups. Every other one, of a later release too, concerns everybody.
const SINGLE: &[EventKind] = &[
    EventKind::UserCreated,
    EventKind::UserRenamed,
    EventKind::UserActivated,
    EventKind::UserDeactivated,
    EventKind::UserAttributesChanged,
    EventKind::UserDeleted,
    EventKind::UserErased,
    EventKind::UserLinked,
    EventKind::UserReleased,
    EventKind::UserLocked,
    EventKind::UserUnlocked,
    EventKind::UserIgnored,
    EventKind::UserNoticed,
    EventKind::RoleAssigned,
    EventKind::RoleRevoked,
    EventKind::RuleAdded,
    EventKind::RuleRemoved,
    EventKind::GroupCreated,
    EventKind::GroupRenamed,
    EventKind::GroupAttributesChanged,
    EventKind::GroupLinked,
    EventKind::GroupReleased,
    EventKind::GroupIgnored,
    EventKind::GroupNoticed,
    EventKind::GroupDeleted,
    EventKind::GroupMemberAdded,
    EventKind::GroupMemberRemoved,
    EventKind::MembershipForgotten,
];

/// Whom a reading is about: the user, whose manager is shown with them, and the groups that hold them.
#[derive(Default)]
struct Circle {
    people: BTreeSet<UserId>,
    groups: BTreeSet<GroupId>,
}

impl Circle {
    /// Whether an event changes what is shown of the user.
    fn concerns(&self, event: &Event) -> bool {
        if !SINGLE.contains(&event.kind()) {
            return true;
        }
        let mut all = true;
        event.each_subject(|subject| {
            all &= match subject {
                Subject::User(user) => self.people.contains(&user),
                Subject::Group(group) => self.groups.contains(&group),
                Subject::Tenant(_)
                | Subject::Role(_)
                | Subject::Policy(_)
                | Subject::Connector(_)
                | Subject::Credential(_)
                | Subject::Operator(_) => true,
            };
        });
        // Rules give roles, and what they give is said by events of its own.
        all && !matches!(event.kind(), EventKind::RuleAdded | EventKind::RuleRemoved)
    }
}

/// Reads the commits of a tenant, each once.
struct Reading<'a> {
    log: &'a dyn Past,
    tenant: TenantId,
    trail: &'a Trail,
    to: Position,
    read: BTreeMap<Position, Commit>,
}

impl Reading<'_> {
    /// The commits with any of these facets. None: they are too many.
    fn with(&mut self, facets: Vec<Facet>) -> Result<Option<Vec<Position>>, Broken> {
        let found = self.trail.find(&[facets], Position::FIRST, self.to, Order::OldestFirst);
        let found: Vec<Position> = found.take(limits::AS_OF_ONE_COMMITS + 1).collect();
        for position in &found {
            if self.read.len() > limits::AS_OF_ONE_COMMITS {
                return Ok(None);
            }
            if !self.read.contains_key(position)
                && let Some(Recorded { commit, .. }) = self.log.commit(self.tenant, *position)?
            {
                self.read.insert(*position, commit);
            }
        }
        Ok((found.len() <= limits::AS_OF_ONE_COMMITS).then_some(found))
    }

    /// Every group that ever held these members, and those that held the groups.
    fn groups_around(&mut self, circle: &mut Circle) -> Result<Option<()>, Broken> {
        let mut next: Vec<Member> = circle.people.iter().copied().map(Member::User).collect();
        while let Some(member) = next.pop() {
            let Some(found) = self.with(vec![Facet::Membership(member.into())])? else {
                return Ok(None);
            };
            for commit in found.iter().filter_map(|position| self.read.get(position)) {
                for event in commit.events.iter().filter(|e| e.joining() == Some(member)) {
                    event.each_subject(|subject| {
                        if let Subject::Group(group) = subject
                            && Member::Group(group) != member
                            && circle.groups.insert(group)
                        {
                            next.push(Member::Group(group));
                        }
                    });
                }
            }
        }
        Ok(Some(()))
    }

    fn directory(&mut self, circle: &Circle) -> Result<Option<Directory>, ReadError> {
        let all = SINGLE.iter().copied().collect::<Kinds>();
        let membership =
            [EventKind::GroupMemberAdded, EventKind::GroupMemberRemoved].into_iter().collect();
        let other = |kind: &EventKind| !all.has(*kind);
        let concerns_all = EventKind::ALL.iter().copied().filter(other).collect();
        let mut facets = vec![Facet::Kind(concerns_all)];
        for user in &circle.people {
            facets.push(Facet::About(Subject::User(*user), Kinds::ALL));
        }
        for group in &circle.groups {
            let subject = Subject::Group(*group);
            let own = EventKind::ALL.iter().copied();
            let own = own.filter(|kind| !Kinds::has(membership, *kind)).collect();
            facets.push(Facet::About(subject, own));
            facets.push(Facet::Membership(subject));
        }
        let Some(positions) = self.with(facets)? else { return Ok(None) };
        let mut directory = Directory::default();
        for commit in positions.iter().filter_map(|position| self.read.get(position)) {
            let events = commit.events.iter().filter(|event| circle.concerns(event)).cloned();
            let part = Commit { events: events.collect(), ..commit.clone() };
            let tenant = self.tenant;
            directory.apply(&part).map_err(|unfit| StartError::Unfit { tenant, unfit })?;
        }
        Ok(Some(directory))
    }
}

/// What a tenant was at `to` as far as this user shows it: themselves, whoever is their manager, the groups that hold them, and what
/// concerns everybody. `now` is any later state, whose trail says where to look. None: it would be too many commits.
pub(crate) fn around(
    log: &dyn Past,
    tenant: TenantId,
    now: &Snapshot,
    to: Position,
    user: UserId,
) -> Result<Option<Arc<Snapshot>>, ReadError> {
    let trail = &now.trail;
    let mut reading = Reading { log, tenant, trail, to, read: BTreeMap::new() };
    let mut circle = Circle::default();
    circle.people.insert(user);
    if reading.groups_around(&mut circle)?.is_none() {
        return Ok(None);
    }
    let Some(mut directory) = reading.directory(&circle)? else { return Ok(None) };
    let there = directory.users.get(user).or_else(|| directory.ignored.user(user));
    if there.is_some_and(|user| !user.written.is_empty()) {
        // What a connector wrote may name another manager.
        return Ok(None);
    }
    if let Some(boss) = there.and_then(User::manager).filter(|boss| circle.people.insert(*boss)) {
        let only = BTreeSet::from([boss]);
        let mut around = Circle { people: only, groups: std::mem::take(&mut circle.groups) };
        if reading.groups_around(&mut around)?.is_none() {
            return Ok(None);
        }
        circle.groups = around.groups;
        match reading.directory(&circle)? {
            Some(with_boss) => directory = with_boss,
            None => return Ok(None),
        }
    }
    let Some(Recorded { commit, hash }) = log.commit(tenant, to)? else {
        let reason = "it was written and is not there any more".to_owned();
        return Err(Broken::Commit { tenant, position: to, reason }.into());
    };
    let head = Head { position: Some(to), hash, time: commit.at };
    Ok(Some(Arc::new(Snapshot { head, directory, trail: Trail::default() })))
}
