//! What things were called, which roles people had and which groups they were in, at the moment of a commit: read from
//! their own commits, because the directory knows only how it is now.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use domain::commit::Commit;
use domain::event::{Event, EventKind, Holder, Member, Subject};
use domain::id::{CredentialId, GroupId, RoleId, TenantId, UserId};
use domain::origin::Source;
use domain::position::Position;
use domain::snapshot::Snapshot;
use domain::trail::{Facet, Kinds, Order};
use engine::{Engine, Recorded};

use crate::ask::AskError;
use crate::entry::Named;

/// Commits that are kept while a question is answered: names and what was in effect lead to the same few.
const KEPT: usize = 1_024;

/// The roles in effect, by name.
type Roles = Vec<String>;
/// What was given or taken back, as it happened, with where.
type Changes = Vec<(Position, usize, Given)>;
/// What sources give.
type Held = BTreeSet<(Option<RoleId>, Source)>;
/// Where an event stands: its commit, and its place in it.
pub(crate) type Place<'a> = (&'a Commit, usize);

/// The past of whatever an answer names, each read once.
pub(crate) struct Then<'a> {
    engine: &'a Engine,
    tenant: TenantId,
    pub(crate) snapshot: &'a Snapshot,
    kept: BTreeMap<Position, Rc<Recorded>>,
    names: BTreeMap<(Subject, Position), Option<String>>,
    roles: BTreeMap<UserId, Changes>,
    memberships: BTreeMap<(GroupId, Member), Changes>,
}

/// That a source gives something, or takes it back.
#[derive(Clone, Copy)]
struct Given {
    /// The role; none: the membership that it is about.
    role: Option<RoleId>,
    source: Source,
    is_given: bool,
}

impl<'a> Then<'a> {
    pub(crate) fn new(engine: &'a Engine, tenant: TenantId, snapshot: &'a Snapshot) -> Self {
        Self {
            engine,
            tenant,
            snapshot,
            kept: BTreeMap::new(),
            names: BTreeMap::new(),
            roles: BTreeMap::new(),
            memberships: BTreeMap::new(),
        }
    }

    /// The commit at a position, if the log gets so far.
    pub(crate) fn commit(&mut self, position: Position) -> Result<Option<Rc<Recorded>>, AskError> {
        if let Some(kept) = self.kept.get(&position) {
            return Ok(Some(kept.clone()));
        }
        let Some(recorded) = self.engine.commit(self.tenant, position)? else { return Ok(None) };
        let recorded = Rc::new(recorded);
        if self.kept.len() >= KEPT {
            self.kept.clear();
        }
        self.kept.insert(position, recorded.clone());
        Ok(Some(recorded))
    }

    /// What a user, group or policy was called right after the commit at `position`. None: they were
    /// erased, or are nothing that has a name of its own in the log.
    pub(crate) fn name(
        &mut self,
        subject: Subject,
        position: Position,
    ) -> Result<Option<String>, AskError> {
        let Some((naming, renaming)) = naming(subject) else { return Ok(None) };
        let renamed = [vec![Facet::About(subject, renaming)]];
        let order = Order::OldestFirst;
        let mut later = self.snapshot.trail.find(&renamed, position.next(), Position::MAX, order);
        if later.next().is_none()
            && let Some(name) = self.present_name(subject)
        {
            return Ok(Some(name));
        }
        let Some(named) = self.snapshot.trail.last(subject, naming, position) else {
            return Ok(None);
        };
        if let Some(name) = self.names.get(&(subject, named)) {
            return Ok(name.clone());
        }
        let recorded = self.commit(named)?;
        let events = recorded.iter().flat_map(|recorded| &recorded.commit.events);
        let name = events.filter_map(|event| given_name(event, subject)).next_back();
        self.names.insert((subject, named), name.clone());
        Ok(name)
    }

    fn present_name(&self, subject: Subject) -> Option<String> {
        let directory = &self.snapshot.directory;
        if let Subject::User(id) = subject {
            return directory.users.get(id).map(|user| user.user_name.to_string());
        }
        if let Subject::Group(id) = subject {
            return directory.groups.get(id).map(|group| group.display_name.to_string());
        }
        if let Subject::Policy(id) = subject {
            return directory.policies.get(id).map(|policy| policy.name.clone());
        }
        None
    }

    /// Who holds a credential, with the name that they had at `position`.
    pub(crate) fn holder(
        &mut self,
        credential: CredentialId,
        position: Position,
    ) -> Result<Option<Named>, AskError> {
        let directory = &self.snapshot.directory;
        let holder = directory.credentials.get(credential).map(|credential| credential.holder);
        Ok(match holder {
            None => None,
            Some(Holder::Connector(id)) => Some(Named::connector(id, directory)),
            Some(Holder::Operator(id)) => {
                let name = directory.operators.get(id).map(|operator| operator.name.clone());
                Some(Named::new("operator", id, name))
            }
            Some(Holder::User(id)) => {
                Some(Named::new("user", id, self.name(Subject::User(id), position)?))
            }
        })
    }

    /// The roles of `user`, whichever source gives them, right before and right after an event about one.
    pub(crate) fn roles_around(
        &mut self,
        user: UserId,
        place: Place<'_>,
    ) -> Result<(Roles, Roles), AskError> {
        if !self.roles.contains_key(&user) {
            let kinds = [EventKind::RoleAssigned, EventKind::RoleRevoked].into_iter().collect();
            let condition = [vec![Facet::About(Subject::User(user), kinds)]];
            let changes = self.changes(&condition, place, |event| given_role(event, user))?;
            self.roles.insert(user, changes);
        }
        let changes = self.roles.get(&user).map_or(&[][..], Vec::as_slice);
        let (before, after) = around(changes, place);
        Ok((self.role_names(&before), self.role_names(&after)))
    }

    /// Whether `member` was in `group`, whichever source held it there, right before and right after an event
    /// about that.
    pub(crate) fn membership_around(
        &mut self,
        group: GroupId,
        member: Member,
        place: Place<'_>,
    ) -> Result<(bool, bool), AskError> {
        if !self.memberships.contains_key(&(group, member)) {
            let kinds = [EventKind::GroupMemberAdded, EventKind::GroupMemberRemoved];
            let about = Facet::About(Subject::Group(group), kinds.into_iter().collect());
            let conditions = [vec![Facet::Membership(member.into())], vec![about]];
            let pair = (group, member);
            let changes =
                self.changes(&conditions, place, |event| given_membership(event, pair))?;
            self.memberships.insert(pair, changes);
        }
        let changes = self.memberships.get(&(group, member)).map_or(&[][..], Vec::as_slice);
        let (before, after) = around(changes, place);
        Ok((!before.is_empty(), !after.is_empty()))
    }

    /// Everything that was given or taken back, as it happened, with where. The commit at hand is not read again.
    fn changes(
        &mut self,
        conditions: &[Vec<Facet>],
        (at_hand, _): Place<'_>,
        given: impl Fn(&Event) -> Option<Given>,
    ) -> Result<Changes, AskError> {
        let mut changes = Vec::new();
        let mut add = |commit: &Commit| {
            for (index, event) in commit.events.iter().enumerate() {
                changes.extend(given(event).map(|given| (commit.position, index, given)));
            }
        };
        let snapshot = self.snapshot;
        let order = Order::OldestFirst;
        for at in snapshot.trail.find(conditions, Position::FIRST, Position::MAX, order) {
            if at == at_hand.position {
                add(at_hand);
            } else if let Some(recorded) = self.commit(at)? {
                add(&recorded.commit);
            }
        }
        Ok(changes)
    }

    fn role_names(&self, held: &Held) -> Roles {
        let ids: BTreeSet<RoleId> = held.iter().filter_map(|(role, _)| *role).collect();
        let name = |id: RoleId| match self.snapshot.directory.roles.get(id) {
            Some(role) => role.name.clone(),
            None => id.to_string(),
        };
        let mut names: Roles = ids.into_iter().map(name).collect();
        names.sort();
        names
    }
}

/// What sources gave right before and right after the event at a place.
fn around(changes: &[(Position, usize, Given)], (commit, index): Place<'_>) -> (Held, Held) {
    let mut held = Held::new();
    for (position, at, Given { role, source, is_given }) in changes {
        if (*position, *at) > (commit.position, index) {
            break;
        }
        let before = ((*position, *at) == (commit.position, index)).then(|| held.clone());
        if *is_given {
            held.insert((*role, *source));
        } else {
            held.remove(&(*role, *source));
        }
        if let Some(before) = before {
            return (before, held);
        }
    }
    (held.clone(), held)
}

/// The kinds of events that give something a name, and those that give it another one.
fn naming(subject: Subject) -> Option<(Kinds, Kinds)> {
    use EventKind::{GroupCreated, GroupRenamed, PolicyCreated, UserCreated, UserRenamed};
    let kinds = |kinds: &[EventKind]| kinds.iter().copied().collect::<Kinds>();
    match subject {
        Subject::User(_) => Some((kinds(&[UserCreated, UserRenamed]), kinds(&[UserRenamed]))),
        Subject::Group(_) => Some((kinds(&[GroupCreated, GroupRenamed]), kinds(&[GroupRenamed]))),
        Subject::Policy(_) => Some((kinds(&[PolicyCreated]), Kinds::default())),
        Subject::Tenant(_)
        | Subject::Role(_)
        | Subject::Connector(_)
        | Subject::Credential(_)
        | Subject::Operator(_) => None,
    }
}

/// The name that an event gives to `subject`.
fn given_name(event: &Event, subject: Subject) -> Option<String> {
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
    if let Event::PolicyCreated { name, .. } = event {
        return Some(name.clone());
    }
    None
}

fn given_role(event: &Event, user: UserId) -> Option<Given> {
    if let Event::RoleAssigned { user: whose, role, source, .. } = event
        && *whose == user
    {
        return Some(Given { role: Some(*role), source: *source, is_given: true });
    }
    if let Event::RoleRevoked { user: whose, role, source } = event
        && *whose == user
    {
        return Some(Given { role: Some(*role), source: *source, is_given: false });
    }
    None
}

fn given_membership(event: &Event, pair: (GroupId, Member)) -> Option<Given> {
    if let Event::GroupMemberAdded { group, member, source } = event
        && (*group, *member) == pair
    {
        return Some(Given { role: None, source: *source, is_given: true });
    }
    if let Event::GroupMemberRemoved { group, member, source } = event
        && (*group, *member) == pair
    {
        return Some(Given { role: None, source: *source, is_given: false });
    }
    None
}
