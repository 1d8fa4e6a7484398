//! Who is ignored: what a connector's lists leave out, and what becomes of those who are there when the lists change, or they
//! themselves do.
//!
//! Whoever moves is taken out of everything first and put back into what is left to them then, by ordinary events: so
//! the history of each group and role tells it, and rules follow.

use std::collections::BTreeSet;

use scim::{Node, Object, UserNameKey};

use super::{management, rule};
use crate::command::{Decision, Notice};
use crate::directory::{Directory, Group, User};
use crate::event::{ConnectorSettings, Event, Member};
use crate::id::{ConnectorId, GroupId};
use crate::limits::EVENTS_MOVING;
use crate::origin::Actor;
use crate::personal::Personal;

/// Where a user or a group is to be: there for all, or seen by this connector alone.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub(super) connector: Option<ConnectorId>,
    pub(super) is_ignored: bool,
}

/// The connector, if this is one whose lists leave such a user out.
pub(super) fn leaving_out_user(
    directory: &Directory,
    actor: &Actor,
    user_name: &str,
    attributes: &Object,
) -> Option<ConnectorId> {
    let connector = directory.connectors.get(management::manager(directory, actor)?)?;
    let emails = attributes.get("emails").and_then(Node::of);
    (!connector.settings.lets_in_user(user_name, emails)).then_some(connector.id)
}

/// The same for a group.
pub(super) fn leaving_out_group(
    directory: &Directory,
    actor: &Actor,
    name: &str,
) -> Option<ConnectorId> {
    let connector = directory.connectors.get(management::manager(directory, actor)?)?;
    (!connector.settings.lets_in_group(name)).then_some(connector.id)
}

/// Where somebody is, and where they are to be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Way {
    /// They stay where they are.
    Stays,
    /// They are there for all, and this connector's lists leave them out from now on.
    Leaves(ConnectorId),
    /// This connector's lists left them out, and let them in from now on.
    Returns(ConnectorId),
}

impl Way {
    /// Of one who is there for all, or is ignored, and whom the actor's lists leave out as they are to be, or not. Only who
    /// manages somebody can leave them out.
    pub(super) fn of(
        directory: &Directory,
        actor: &Actor,
        member: Member,
        managed_by: Option<ConnectorId>,
        left_out: Option<ConnectorId>,
    ) -> Way {
        match (directory.ignored.whose(member), left_out) {
            (Some(connector), None) => Way::Returns(connector),
            (None, Some(connector))
                if managed_by.is_some() && managed_by == management::manager(directory, actor) =>
            {
                Way::Leaves(connector)
            }
            (Some(_), Some(_)) | (None, _) => Way::Stays,
        }
    }
}

/// What it takes to move a user, after these groups are there for all in the same commit.
pub(super) fn move_user(
    directory: &Directory,
    user: &User,
    way: Way,
    noticed: &BTreeSet<GroupId>,
) -> Vec<Event> {
    let member = Member::User(user.id);
    let (connector, fact) = match way {
        Way::Stays => return Vec::new(),
        Way::Leaves(connector) => (connector, Event::UserIgnored { user: user.id, connector }),
        Way::Returns(connector) => (connector, Event::UserNoticed { user: user.id, connector }),
    };
    let (mut events, mut again) = (Vec::new(), Vec::new());
    memberships(directory, member, (connector, noticed), &mut events, &mut again);
    for assignment in &user.roles {
        let (user, role, source) = (user.id, assignment.role, assignment.source);
        events.push(Event::RoleRevoked { user, role, source });
        // A rule gives its own again by itself.
        if source.rule().is_none() {
            let wording = Personal::Known(assignment.wording.clone());
            again.push(Event::RoleAssigned { user, role, source, wording });
        }
    }
    events.push(fact);
    events.extend(again);
    events
}

/// What it takes to move a group. Rules about one that leaves end, as with one that is deleted.
pub(super) fn move_group(
    directory: &Directory,
    group: &Group,
    way: Way,
    noticed: &BTreeSet<GroupId>,
) -> Vec<Event> {
    let itself = Member::Group(group.id);
    let (connector, fact) = match way {
        Way::Stays => return Vec::new(),
        Way::Leaves(connector) => (connector, Event::GroupIgnored { group: group.id, connector }),
        Way::Returns(connector) => (connector, Event::GroupNoticed { group: group.id, connector }),
    };
    let (mut events, mut again) = (Vec::new(), Vec::new());
    memberships(directory, itself, (connector, noticed), &mut events, &mut again);
    for (member, source) in directory.memberships_in(group) {
        let group = group.id;
        events.push(Event::GroupMemberRemoved { group, member, source });
        if directory.ignored.whose(member).is_none_or(|whose| whose == connector) {
            again.push(Event::GroupMemberAdded { group, member, source });
        }
    }
    events.extend(rule::end_with(directory, group.id));
    events.push(fact);
    events.extend(again);
    events
}

/// The memberships that end when `member` moves, and those that begin again: not those in another connector's own groups. In
/// groups that `connector` alone sees nothing changes.
fn memberships(
    directory: &Directory,
    member: Member,
    (connector, noticed): (ConnectorId, &BTreeSet<GroupId>),
    ends: &mut Vec<Event>,
    again: &mut Vec<Event>,
) {
    for (group, source) in directory.memberships_of(member) {
        let whose = directory.ignored.whose(Member::Group(group));
        // One that came back before in this commit has who is still ignored in it for the connector alone.
        let whose = whose.filter(|_| !noticed.contains(&group));
        if whose == Some(connector) || member == Member::Group(group) {
            continue;
        }
        ends.push(Event::GroupMemberRemoved { group, member, source });
        if whose.is_none() {
            again.push(Event::GroupMemberAdded { group, member, source });
        }
    }
}

/// Moves whoever these settings let in or leave out in another way than things are, as many as fit into one commit; the same
/// settings again move the rest.
pub(super) fn settle(
    directory: &Directory,
    connector: ConnectorId,
    settings: &ConnectorSettings,
    decision: &mut Decision,
) {
    if !settings.selects() && directory.ignored_by(Some(connector)).is_none() {
        return;
    }
    let mut moving = Moving { events: Vec::new(), noticed: BTreeSet::new(), waiting: 0, kept: 0 };
    let own = Some(connector);
    for user in directory.users.iter().filter(|user| user.managed_by == own) {
        if settings.lets_in_user(user.name_for(own), user.attributes.view().get("emails")) {
            continue;
        }
        let is_taken = directory.ignored_by(own).is_some_and(|ignored| {
            UserNameKey::of(&user.user_name).is_ok_and(|key| ignored.users.named(&key).is_some())
        });
        moving
            .take(is_taken, |noticed| move_user(directory, user, Way::Leaves(connector), noticed));
    }
    for group in directory.groups.iter().filter(|group| group.managed_by == own) {
        if settings.lets_in_group(&group.display_name) {
            continue;
        }
        let is_taken = directory
            .ignored_by(own)
            .is_some_and(|ignored| ignored.groups.named(&group.display_name).next().is_some());
        moving.take(is_taken, |noticed| {
            move_group(directory, group, Way::Leaves(connector), noticed)
        });
    }
    // No two may come with a value that is unique.
    let mut values = BTreeSet::new();
    let ignored = directory.ignored_by(own);
    for user in ignored.into_iter().flat_map(|ignored| ignored.users.iter()) {
        if !settings.lets_in_user(user.name_for(own), user.attributes.view().get("emails")) {
            continue;
        }
        let member = Member::User(user.id);
        let is_taken = UserNameKey::of(&user.user_name)
            .is_ok_and(|key| directory.users.named(&key).is_some())
            || directory.taken(member, &user.attributes.unpack()).is_some()
            || !directory.unique_values(member).into_iter().all(|value| values.insert(value));
        moving
            .take(is_taken, |noticed| move_user(directory, user, Way::Returns(connector), noticed));
    }
    for group in ignored.into_iter().flat_map(|ignored| ignored.groups.iter()) {
        if !settings.lets_in_group(&group.display_name) {
            continue;
        }
        let member = Member::Group(group.id);
        let is_taken = directory.groups.named(&group.display_name).next().is_some()
            || directory.taken(member, &group.attributes.unpack()).is_some()
            || !directory.unique_values(member).into_iter().all(|value| values.insert(value));
        moving.take(is_taken, |noticed| {
            move_group(directory, group, Way::Returns(connector), noticed)
        });
    }
    decision.events.extend(moving.events);
    if moving.waiting > 0 {
        decision.notices.push(Notice::StillToMove(moving.waiting));
    }
    if moving.kept > 0 {
        decision.notices.push(Notice::CannotMove(moving.kept));
    }
}

/// What moves in one commit.
struct Moving {
    events: Vec<Event>,
    /// The groups among them that are there for all from then on.
    noticed: BTreeSet<GroupId>,
    /// How many find no room in it.
    waiting: usize,
    /// How many cannot move: their name or a unique value is taken where they would be.
    kept: usize,
}

impl Moving {
    fn take(&mut self, is_taken: bool, events: impl FnOnce(&BTreeSet<GroupId>) -> Vec<Event>) {
        if is_taken {
            self.kept += 1;
            return;
        }
        if self.events.len() >= EVENTS_MOVING {
            self.waiting += 1;
            return;
        }
        let events = events(&self.noticed);
        // One that is too large for any commit is not waited for.
        match self.events.len() + events.len() {
            0..=EVENTS_MOVING => {
                for event in &events {
                    if let Event::GroupNoticed { group, .. } = event {
                        self.noticed.insert(*group);
                    }
                }
                self.events.extend(events);
            }
            _ if events.len() > EVENTS_MOVING => self.kept += 1,
            _ => self.waiting += 1,
        }
    }
}
