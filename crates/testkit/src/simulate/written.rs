//! What the log tells, commit by commit: who wrote what, and what stood when they did.

use std::collections::{BTreeMap, BTreeSet};

use domain::command::Command;
use domain::commit::Commit;
use domain::directory::{Directory, TenantState};
use domain::event::{Event, Holder, OperatorRole};
use domain::id::{ConnectorId, GroupId, TenantId, UserId};
use domain::position::Position;
use domain::settings::Permission;
use domain::snapshot::Snapshot;
use eventlog::{EventLog, LogReader};

use super::Simulation;

/// Of a command that writes what policies say: what it was checked against.
pub(super) fn ground(command: &Command) -> Option<Option<Position>> {
    if let Command::WritePolicy { ground, .. } | Command::WritePolicySchema { ground, .. } = command
    {
        return Some(*ground);
    }
    None
}

impl Simulation {
    /// Each commit was one that its maker might make, as things stood before it.
    pub(super) fn check_written(&self) -> Result<(), String> {
        let log = self.disk.open().map_err(|error| format!("the log does not open: {error}"))?;
        let reader = log.reader();
        let mut tenants: BTreeMap<TenantId, (Snapshot, BTreeSet<UserId>)> = BTreeMap::new();
        for stored in reader.scan() {
            let stored = stored.map_err(|error| error.to_string())?;
            let (snapshot, locked) = tenants.entry(stored.tenant).or_default();
            let (commit, head) =
                eventlog::link(&snapshot.head, stored.tenant, &stored.bytes, &reader)
                    .map_err(|error| error.to_string())?;
            let at = |why: String| format!("position {}: {why}", commit.position);
            let before = &snapshot.directory;
            tenant_takes(before, &commit).map_err(at)?;
            connector_may(before, &commit).map_err(at)?;
            managed_there(before, &commit).map_err(at)?;
            let ground = self.grounds.get(&(stored.tenant, commit.position));
            if ground.is_some_and(|ground| *ground != before.policy_ground()) {
                return Err(at("a policy was checked against what is not there any more".into()));
            }
            let had_owner = has_owner(snapshot);
            snapshot.advance(&commit, head.hash).map_err(|error| error.to_string())?;
            if had_owner && !has_owner(snapshot) {
                return Err(at("the last owner is gone".into()));
            }
            locks(locked, &commit).map_err(at)?;
            let users = snapshot.directory.users.iter().chain(snapshot.directory.ignored.users());
            let told: BTreeSet<_> =
                users.filter(|user| user.lock.is_some()).map(|user| user.id).collect();
            if told != *locked {
                return Err(at(format!("locked are {told:?}, and {locked:?} were")));
            }
            names_one_policy(&snapshot.directory).map_err(at)?;
            somebody_manages(&snapshot.directory).map_err(at)?;
        }
        Ok(())
    }
}

/// Identity providers write nothing while their tenant is suspended, and nobody but who erases after it was closed.
fn tenant_takes(before: &Directory, commit: &Commit) -> Result<(), String> {
    let erases = commit.events.iter().any(|one| matches!(one, Event::UserErased { .. }));
    let is_kept = match before.standing.state {
        TenantState::Open => true,
        TenantState::Suspended { .. } => commit.origin.actor.connector().is_none(),
        TenantState::Closed { .. } => erases,
    };
    let state = before.standing.state.name();
    if is_kept { Ok(()) } else { Err(format!("a {state} tenant took a commit")) }
}

/// A connector that is off or gone writes nothing, and none writes what it has no permission for.
fn connector_may(before: &Directory, commit: &Commit) -> Result<(), String> {
    let Some(id) = commit.origin.actor.connector() else { return Ok(()) };
    let Some(there) = before.connectors.present(id).filter(|there| there.settings.enabled) else {
        return Err(format!("connector {id} is off or gone, and wrote"));
    };
    let created = |id: &UserId| {
        let by = |one: &Event| matches!(one, Event::UserCreated { user, .. } if user == id);
        commit.events.iter().any(by)
    };
    for event in &commit.events {
        let needed = if let Event::UserCreated { .. } = event {
            Permission::CreateUsers
        } else if let Event::UserActivated { user }
        | Event::UserDeactivated { user }
        | Event::UserDeleted { user } = event
        {
            if created(user) {
                continue;
            }
            Permission::DeactivateUsers
        } else if let Event::GroupCreated { .. }
        | Event::GroupRenamed { .. }
        | Event::GroupDeleted { .. } = event
        {
            Permission::PushGroups
        } else {
            continue;
        };
        let is_erasure = commit.events.iter().any(|one| matches!(one, Event::UserErased { .. }));
        if !there.settings.allows(needed) && !is_erasure {
            return Err(format!("connector {id} has no `{needed}`, and wrote {event:?}"));
        }
    }
    Ok(())
}

/// What a connector manages is changed by connectors only; whoever is erased goes whoever manages them.
fn managed_there(before: &Directory, commit: &Commit) -> Result<(), String> {
    let is_erasure = commit.events.iter().any(|one| matches!(one, Event::UserErased { .. }));
    if commit.origin.actor.connector().is_some() || is_erasure {
        return Ok(());
    }
    let user = |id: UserId| -> Option<ConnectorId> {
        before.users.get(id).or_else(|| before.ignored.user(id))?.managed_by
    };
    let group = |id: GroupId| -> Option<ConnectorId> {
        before.groups.get(id).or_else(|| before.ignored.group(id))?.managed_by
    };
    for event in &commit.events {
        let manager = if let Event::UserRenamed { user: id, .. }
        | Event::UserAttributesChanged { user: id, .. }
        | Event::UserActivated { user: id }
        | Event::UserDeactivated { user: id }
        | Event::UserDeleted { user: id } = event
        {
            user(*id)
        } else if let Event::GroupRenamed { group: id, .. }
        | Event::GroupAttributesChanged { group: id, .. }
        | Event::GroupDeleted { group: id } = event
        {
            group(*id)
        } else {
            None
        };
        if let Some(manager) = manager {
            return Err(format!("{manager} manages, and somebody here wrote {event:?}"));
        }
    }
    Ok(())
}

/// Who is locked stays so until somebody here says otherwise, or they are gone.
fn locks(locked: &mut BTreeSet<UserId>, commit: &Commit) -> Result<(), String> {
    let is_here = commit.origin.actor.connector().is_none();
    for event in &commit.events {
        if let Event::UserLocked { user, .. } | Event::UserUnlocked { user } = event
            && !is_here
        {
            return Err(format!("a connector locked or unlocked {user}"));
        }
        if let Event::UserLocked { user, .. } = event {
            locked.insert(*user);
        } else if let Event::UserUnlocked { user } | Event::UserDeleted { user } = event {
            locked.remove(user);
        }
    }
    Ok(())
}

/// A name means one policy, in whatever case.
fn names_one_policy(directory: &Directory) -> Result<(), String> {
    let mut names = BTreeSet::new();
    match directory.policies.iter().find(|policy| !names.insert(scim::fold(&policy.name))) {
        Some(policy) => Err(format!("two policies are called `{}`", policy.name)),
        None => Ok(()),
    }
}

/// Whoever manages somebody is there.
fn somebody_manages(directory: &Directory) -> Result<(), String> {
    let users = directory.users.iter().chain(directory.ignored.users());
    let groups = directory.groups.iter().chain(directory.ignored.groups());
    let mut managers =
        users.filter_map(|user| user.managed_by).chain(groups.filter_map(|group| group.managed_by));
    match managers.find(|id| directory.connectors.present(*id).is_none()) {
        Some(id) => Err(format!("connector {id} is gone, and manages somebody still")),
        None => Ok(()),
    }
}

/// Whether an owner has a key that lasts: once one does, one always will.
fn has_owner(system: &Snapshot) -> bool {
    let directory = &system.directory;
    directory.credentials.iter().any(|key| {
        let Holder::Operator(id) = key.holder else { return false };
        let owner = directory.operators.present(id).map(|operator| operator.role);
        owner == Some(OperatorRole::Owner) && key.revoked.is_none() && key.expires.is_none()
    })
}
