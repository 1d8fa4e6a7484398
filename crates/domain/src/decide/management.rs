//! What the scripts of a tenant's administrators may do (behaviour C-16, decision 23).
//!
//! A connector that opens the management API is no identity provider: whom it makes is managed here, so that an identity provider
//! may still take them over; and whom one manages is not its to change. The roles that it gives are its own.

use crate::command::{Change, Command};
use crate::directory::Directory;
use crate::event::Event;
use crate::id::{ConnectorId, UserId};
use crate::origin::Actor;
use crate::rejection::Rejection;

/// The connector that manages whom this actor makes; none: they are managed here.
pub(super) fn manager(directory: &Directory, actor: &Actor) -> Option<ConnectorId> {
    actor.connector().filter(|_| !manages(directory, actor))
}

/// The user whom a script changes or deletes, and who is managed by an identity provider.
pub(super) fn foreign(
    directory: &Directory,
    actor: &Actor,
    command: &Command,
) -> Option<(UserId, ConnectorId)> {
    let Command::User(id, Change::Replace { .. } | Change::Patch { .. } | Change::Delete { .. }) =
        command
    else {
        return None;
    };
    let manager = directory.users.get(*id)?.managed_by?;
    manages(directory, actor).then_some((*id, manager))
}

/// That nothing of such a user changes but their roles.
pub(super) fn check(
    directory: &Directory,
    (id, manager): (UserId, ConnectorId),
    events: &[Event],
) -> Result<(), Rejection> {
    let is_role =
        |event: &Event| matches!(event, Event::RoleAssigned { .. } | Event::RoleRevoked { .. });
    if events.iter().all(is_role) {
        return Ok(());
    }
    let name = directory.users.get(id).map(|user| user.user_name.to_string());
    let by = directory.connectors.get(manager).map(|connector| connector.name.clone());
    Err(Rejection::Managed {
        kind: "user",
        name: name.unwrap_or_default(),
        by: by.unwrap_or_else(|| manager.to_string()),
        remedy: "change them there; only roles can be given here as well",
    })
}

fn manages(directory: &Directory, actor: &Actor) -> bool {
    super::settings(directory, actor).is_some_and(|settings| settings.management_api)
}
