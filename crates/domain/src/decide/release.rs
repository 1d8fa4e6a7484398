//! Releasing: a connector manages a user or group no more, so that another one may link it. What it gave is given here from then
//! on, until whoever links it says it too.

use std::collections::BTreeSet;

use crate::command::Decision;
use crate::directory::{Directory, Group, User};
use crate::event::{Event, Member};
use crate::id::{ConnectorId, GroupId};
use crate::limits::RELEASED_EVENTS;
use crate::origin::Source;
use crate::personal::Personal;
use crate::rejection::Rejection;

/// Of a large group only so many memberships as fit into a commit; it is released once none is left.
pub(super) fn one(directory: &Directory, member: Member) -> Result<Decision, Rejection> {
    let missing = |kind, id| Rejection::NotFound { kind, id };
    let events = match member {
        Member::User(id) => {
            let there = directory.users.get(id);
            let there = there.ok_or_else(|| missing("user", id.to_string()))?;
            there.managed_by.map(|by| user(directory, there, by)).unwrap_or_default()
        }
        Member::Group(id) => {
            let there = directory.groups.get(id);
            let there = there.ok_or_else(|| missing("group", id.to_string()))?;
            let events = there.managed_by.map(|by| group(there, by)).unwrap_or_default();
            cut(events)
        }
    };
    Ok(Decision { events, ..Decision::default() })
}

/// As many of a connector's users and groups as fit into a commit.
pub(super) fn all(directory: &Directory, connector: ConnectorId) -> Result<Decision, Rejection> {
    if directory.connectors.get(connector).is_none() {
        return Err(Rejection::NotFound { kind: "connector", id: connector.to_string() });
    }
    let mut events: Vec<Event> = Vec::new();
    let users = directory.users.iter().filter(|user| user.managed_by == Some(connector));
    let groups = directory.groups.iter().filter(|group| group.managed_by == Some(connector));
    let mut done = BTreeSet::new();
    let all = users.map(|there| user(directory, there, connector));
    for those in all.chain(groups.map(|there| group(there, connector))) {
        // A membership of a user and a group that are both released is handed over once.
        let those: Vec<Event> = those
            .into_iter()
            .filter(|event| match membership(event) {
                Some(about) => done.insert(about),
                None => true,
            })
            .collect();
        if events.is_empty() {
            events = cut(those);
        } else if events.len() + those.len() <= RELEASED_EVENTS {
            events.extend(those);
        } else {
            break;
        }
    }
    Ok(Decision { events, ..Decision::default() })
}

/// No more than fit; then the release itself, which comes last, has to wait.
fn cut(mut events: Vec<Event>) -> Vec<Event> {
    events.truncate(RELEASED_EVENTS);
    events
}

/// Which membership an event is about, and whether it begins.
fn membership(event: &Event) -> Option<(GroupId, Member, bool)> {
    if let Event::GroupMemberAdded { group, member, .. } = event {
        return Some((*group, *member, true));
    }
    if let Event::GroupMemberRemoved { group, member, .. } = event {
        return Some((*group, *member, false));
    }
    None
}

fn user(directory: &Directory, there: &User, connector: ConnectorId) -> Vec<Event> {
    let (user, source) = (there.id, Source::Connector(connector));
    let mut events = Vec::new();
    for assignment in there.roles.iter().filter(|assignment| assignment.source == source) {
        let role = assignment.role;
        if !there.roles.iter().any(|a| a.role == role && a.source == Source::Local) {
            let wording = Personal::Known(assignment.wording.clone());
            events.push(Event::RoleAssigned { user, role, source: Source::Local, wording });
        }
        events.push(Event::RoleRevoked { user, role, source });
    }
    let member = Member::User(user);
    for group in directory.groups.of(member) {
        events.extend(handed_over(group, member, connector));
    }
    events.push(Event::UserReleased { user, connector });
    events
}

fn group(there: &Group, connector: ConnectorId) -> Vec<Event> {
    let source = Source::Connector(connector);
    let own = there.memberships().filter(|(_, from)| *from == source);
    let mut events: Vec<Event> =
        own.flat_map(|(member, _)| handed_over(there, member, connector)).collect();
    events.push(Event::GroupReleased { group: there.id, connector });
    events
}

/// A membership that a connector gave, given here instead; nothing if it did not give it.
fn handed_over(there: &Group, member: Member, connector: ConnectorId) -> Vec<Event> {
    let (group, source) = (there.id, Source::Connector(connector));
    let from = |source| there.sources(member).any(|there| there == source);
    let mut events = Vec::new();
    if from(source) {
        if !from(Source::Local) {
            events.push(Event::GroupMemberAdded { group, member, source: Source::Local });
        }
        events.push(Event::GroupMemberRemoved { group, member, source });
    }
    events
}
