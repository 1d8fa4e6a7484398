//! What things were called, and which roles people had, at the moment of a commit: read from their own
//! commits, because the directory knows only how it is now.

use std::collections::{BTreeMap, BTreeSet};

use domain::event::{Event, EventKind, Subject};
use domain::id::{RoleId, TenantId, UserId};
use domain::origin::Source;
use domain::position::Position;
use domain::snapshot::Snapshot;
use domain::trail::Kinds;
use engine::Engine;

use crate::ask::AskError;

/// The roles in effect, by name.
type Roles = Vec<String>;
/// A role event, with the roles in effect right before and right after it.
type Change = (Position, Event, Roles, Roles);

/// The past of whatever an answer names, each read once.
pub(crate) struct Then<'a> {
    engine: &'a Engine,
    tenant: TenantId,
    snapshot: &'a Snapshot,
    names: BTreeMap<Subject, Vec<(Position, String)>>,
    roles: BTreeMap<UserId, Vec<Change>>,
}

impl<'a> Then<'a> {
    pub(crate) fn new(engine: &'a Engine, tenant: TenantId, snapshot: &'a Snapshot) -> Self {
        let (names, roles) = (BTreeMap::new(), BTreeMap::new());
        Self { engine, tenant, snapshot, names, roles }
    }

    /// What a user or group was called right after the commit at `position`. None: they were
    /// erased, or are no user or group.
    pub(crate) fn name(
        &mut self,
        subject: Subject,
        position: Position,
    ) -> Result<Option<String>, AskError> {
        if let Some(name) = self.only_name(subject) {
            return Ok(Some(name));
        }
        let is_read = self.names.contains_key(&subject);
        if !is_read {
            let mut names = Vec::new();
            self.each(subject, NAMING.into_iter().collect(), |at, event| {
                names.extend(given(&event, subject).map(|name| (at, name)));
            })?;
            self.names.insert(subject, names);
        }
        let names = self.names.get(&subject).into_iter().flatten();
        Ok(names.take_while(|(at, _)| *at <= position).last().map(|(_, name)| name.clone()))
    }

    /// The name of who is there and was never called otherwise: the directory says it.
    fn only_name(&self, subject: Subject) -> Option<String> {
        let renamed = [EventKind::UserRenamed, EventKind::GroupRenamed].into_iter().collect();
        let was_renamed = || {
            let mut past = self.snapshot.trail.about(subject, Position::FIRST, Position::MAX);
            past.any(|(_, kinds)| kinds.meets(renamed))
        };
        let directory = &self.snapshot.directory;
        if let Subject::User(id) = subject {
            let user = directory.users.get(id).filter(|_| !was_renamed())?;
            return Some(user.user_name.to_string());
        }
        if let Subject::Group(id) = subject {
            let group = directory.groups.get(id).filter(|_| !was_renamed())?;
            return Some(group.display_name.to_string());
        }
        None
    }

    /// The roles of `user` right before and right after `event` of the commit at `position`.
    pub(crate) fn roles_around(
        &mut self,
        user: UserId,
        position: Position,
        event: &Event,
    ) -> Result<(Roles, Roles), AskError> {
        let is_read = self.roles.contains_key(&user);
        if !is_read {
            let mut held = BTreeSet::new();
            let mut changes = Vec::new();
            let kinds = [EventKind::RoleAssigned, EventKind::RoleRevoked].into_iter().collect();
            self.each(Subject::User(user), kinds, |at, event| {
                let before = self.role_names(&held);
                if follow(&event, user, &mut held) {
                    changes.push((at, event, before, self.role_names(&held)));
                }
            })?;
            self.roles.insert(user, changes);
        }
        let changes = self.roles.get(&user).into_iter().flatten();
        Ok(changes
            .filter(|(at, other, ..)| *at == position && other == event)
            .map(|(.., before, after)| (before.clone(), after.clone()))
            .next()
            .unwrap_or_default())
    }

    /// Calls `f` with each event of the commits that have one of these kinds about `subject`.
    fn each(
        &self,
        subject: Subject,
        kinds: Kinds,
        mut f: impl FnMut(Position, Event),
    ) -> Result<(), AskError> {
        let past = self.snapshot.trail.about(subject, Position::FIRST, Position::MAX);
        for (at, _) in past.filter(|(_, here)| here.meets(kinds)) {
            let recorded = self.engine.commit(self.tenant, at)?;
            for event in recorded.into_iter().flat_map(|recorded| recorded.commit.events) {
                f(at, event);
            }
        }
        Ok(())
    }

    fn role_names(&self, held: &BTreeSet<(RoleId, Source)>) -> Roles {
        let ids: BTreeSet<RoleId> = held.iter().map(|(role, _)| *role).collect();
        let name = |id: RoleId| match self.snapshot.directory.roles.get(id) {
            Some(role) => role.name.clone(),
            None => id.to_string(),
        };
        let mut names: Roles = ids.into_iter().map(name).collect();
        names.sort();
        names
    }
}

/// The kinds of events that give something a name.
const NAMING: [EventKind; 4] = [
    EventKind::UserCreated,
    EventKind::UserRenamed,
    EventKind::GroupCreated,
    EventKind::GroupRenamed,
];

/// The name that an event gives to `subject`.
fn given(event: &Event, subject: Subject) -> Option<String> {
    if !event.is_about(subject) {
        return None;
    }
    if let Event::UserCreated { personal, .. } = event {
        return personal.known().map(|new| new.user_name.clone());
    }
    if let Event::UserRenamed { personal, .. } = event {
        return personal.known().map(|renamed| renamed.to.clone());
    }
    if let Event::GroupCreated { display_name, .. } = event {
        return Some(display_name.clone());
    }
    if let Event::GroupRenamed { to, .. } = event {
        return Some(to.clone());
    }
    None
}

/// Makes a role event about `user` part of what they hold; whether it is one.
fn follow(event: &Event, user: UserId, held: &mut BTreeSet<(RoleId, Source)>) -> bool {
    if let Event::RoleAssigned { user: whose, role, source, .. } = event
        && *whose == user
    {
        held.insert((*role, *source));
        return true;
    }
    if let Event::RoleRevoked { user: whose, role, source } = event
        && *whose == user
    {
        held.remove(&(*role, *source));
        return true;
    }
    false
}
