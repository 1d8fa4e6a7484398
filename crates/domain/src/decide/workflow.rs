//! What a connector's settings make of a write: whether it may, and what else comes of it (behaviour C-05, P-07, P-09, P-16).
//!
//! A permission is asked for what a request would change, not for what it says: a PUT that writes back what was read and only
//! deactivates needs leave to deactivate and nothing else. What needs a permission that is missing is refused as a whole.

use std::collections::BTreeSet;

use super::{group, management, user};
use crate::command::{Change, Command, Decision, Notice};
use crate::directory::{Connector, Directory};
use crate::event::{ConnectorSettings, Event, Member};
use crate::id::{ConnectorId, GroupId, UserId};
use crate::origin::{Actor, Source};
use crate::rejection::{Forbidden, Rejection};
use crate::settings::{OnDeactivate, OnDelete, OnReactivate, Permission};

/// That a connector that asks for something is there and switched on. What was begun may be taken back all the same.
pub(super) fn check_actor(
    directory: &Directory,
    actor: &Actor,
    command: &Command,
) -> Result<(), Rejection> {
    let withdraws =
        matches!(command, Command::User(_, Change::Withdraw) | Command::Group(_, Change::Withdraw));
    match connector(directory, actor) {
        Some(connector) if connector.removed.is_some() => {
            let id = connector.id.to_string();
            Err(Rejection::NotFound { kind: "connector", id })
        }
        Some(connector) if !connector.settings.enabled && !withdraws => {
            Err(forbidden(connector, Forbidden::Disabled))
        }
        Some(_) | None => Ok(()),
    }
}

pub(super) fn user(
    directory: &Directory,
    actor: &Actor,
    id: UserId,
    change: Change,
) -> Result<Decision, Rejection> {
    let Some(connector) = connector(directory, actor) else {
        return user::decide(directory, actor, id, change);
    };
    match change {
        Change::Create(_) => {
            check(connector, [Permission::CreateUsers])?;
            let mut decision = user::decide(directory, actor, id, change)?;
            let links = |event: &Event| matches!(event, Event::UserLinked { .. });
            if decision.events.iter().any(links) {
                // A first push says what holds of them; but nobody who was there gains or loses the right to act by the way.
                let switches = |permission: &Permission| *permission == Permission::DeactivateUsers;
                check(connector, decision.events.iter().map(needed).filter(switches))?;
                follow(directory, &connector.settings, &mut decision.events);
            }
            Ok(decision)
        }
        Change::Replace { .. } | Change::Patch { .. } => {
            let mut decision = user::decide(directory, actor, id, change)?;
            check(connector, decision.events.iter().map(needed))?;
            follow(directory, &connector.settings, &mut decision.events);
            Ok(decision)
        }
        Change::Delete { .. } => delete(directory, actor, connector, id, change),
        Change::Withdraw => user::decide(directory, actor, id, change),
    }
}

pub(super) fn group(
    directory: &Directory,
    actor: &Actor,
    id: GroupId,
    change: Change,
) -> Result<Decision, Rejection> {
    if let Some(connector) = connector(directory, actor)
        && !matches!(change, Change::Withdraw)
    {
        check(connector, [Permission::PushGroups])?;
    }
    group::decide(directory, actor, id, change)
}

fn connector<'a>(directory: &'a Directory, actor: &Actor) -> Option<&'a Connector> {
    actor.connector().and_then(|id| directory.connectors.get(id))
}

fn forbidden(connector: &Connector, why: Forbidden) -> Rejection {
    Rejection::Forbidden { connector: connector.name.clone(), why }
}

/// That the connector may do all of this; else, what of it it may not.
fn check(
    connector: &Connector,
    needed: impl IntoIterator<Item = Permission>,
) -> Result<(), Rejection> {
    let settings = &connector.settings;
    let mut missing: Vec<_> = needed.into_iter().filter(|one| !settings.allows(*one)).collect();
    missing.sort_unstable();
    missing.dedup();
    if missing.is_empty() {
        return Ok(());
    }
    let why = match settings.attribute_only {
        true => Forbidden::AttributeOnly,
        false => Forbidden::Permissions(missing),
    };
    Err(forbidden(connector, why))
}

/// The permission that a change of a user needs.
fn needed(event: &Event) -> Permission {
    let is_active = matches!(event, Event::UserActivated { .. } | Event::UserDeactivated { .. });
    if is_active { Permission::DeactivateUsers } else { Permission::UpdateUsers }
}

/// `onDelete` says what becomes of a user whom the client deletes. It is told that they are gone also when they are kept:
/// a client whose DELETE fails repeats it for ever. Nobody who may still act is kept so.
fn delete(
    directory: &Directory,
    actor: &Actor,
    connector: &Connector,
    id: UserId,
    change: Change,
) -> Result<Decision, Rejection> {
    let settings = &connector.settings;
    let mut decision = user::decide(directory, actor, id, change)?;
    let is_active = directory
        .user_seen(management::manager(directory, actor), id)
        .is_some_and(|user| user.active);
    check(connector, [Permission::DeactivateUsers])?;
    match settings.on_delete {
        OnDelete::Delete => return Ok(decision),
        OnDelete::Deactivate => {
            decision.events.clear();
            if is_active {
                decision.events.push(Event::UserDeactivated { user: id });
                follow(directory, settings, &mut decision.events);
            }
        }
        OnDelete::Refuse if is_active => return Err(forbidden(connector, Forbidden::Deletion)),
        OnDelete::Refuse => decision.events.clear(),
    }
    decision.notices.push(Notice::NotDeleted);
    Ok(decision)
}

/// What becomes of memberships: they end with the right to act, and come back with it, as the settings say. Also of those that
/// a connector alone sees; and the user may be one whom its lists leave out, or let in, by this very request.
fn follow(directory: &Directory, settings: &ConnectorSettings, events: &mut Vec<Event>) {
    for event in events.clone() {
        if let Event::UserDeactivated { user } = event
            && settings.on_deactivate == OnDeactivate::LeaveGroups
        {
            let member = Member::User(user);
            let ends = |(group, source)| Event::GroupMemberRemoved { group, member, source };
            let left = memberships(directory, member, events);
            events.extend(left.into_iter().map(ends));
        }
        if let Event::UserActivated { user } = event
            && settings.on_reactivate == OnReactivate::RestoreGroups
        {
            let member = Member::User(user);
            let whose = whose(directory, user, events);
            // In a group that another connector alone sees is nobody whom that one does not.
            let is_open = |group: GroupId| {
                let of = directory.ignored.whose(Member::Group(group));
                of.is_none() || whose.is_none() || of == whose
            };
            let back = |(group, source)| Event::GroupMemberAdded { group, member, source };
            let open = directory.aside.of(user).filter(|(group, _)| is_open(*group));
            events.extend(open.map(back));
        }
    }
}

/// Every membership as it is after these events.
fn memberships(directory: &Directory, of: Member, events: &[Event]) -> BTreeSet<(GroupId, Source)> {
    let mut there: BTreeSet<_> = directory.memberships_of(of).into_iter().collect();
    for event in events {
        if let Event::GroupMemberAdded { group, member, source } = event
            && *member == of
        {
            there.insert((*group, *source));
        } else if let Event::GroupMemberRemoved { group, member, source } = event
            && *member == of
        {
            there.remove(&(*group, *source));
        }
    }
    there
}

/// Which connector alone sees this user after these events.
fn whose(directory: &Directory, of: UserId, events: &[Event]) -> Option<ConnectorId> {
    let mut whose = directory.ignored.whose(Member::User(of));
    for event in events {
        if let Event::UserIgnored { user, connector } = event
            && *user == of
        {
            whose = Some(*connector);
        } else if let Event::UserNoticed { user, .. } = event
            && *user == of
        {
            whose = None;
        }
    }
    whose
}
