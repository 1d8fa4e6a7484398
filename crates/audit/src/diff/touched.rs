//! What the commits between two moments touched.

use std::collections::{BTreeMap, BTreeSet};

use domain::commit::Commit;
use domain::directory::Written;
use domain::event::{AttributeChange, Event, Member, Subject};
use domain::personal::Personal;
use domain::position::Position;
use domain::snapshot::Snapshot;

use crate::ask::AskError;
use crate::brief::Log;
use crate::facts::{Item, Key};

/// The commits that touched one thing.
#[derive(Default)]
pub(super) struct Touches {
    /// The name that it was last given in between.
    pub(super) name: Option<String>,
    /// By fact.
    keys: BTreeMap<Key, Vec<Position>>,
    /// Those that touched it as a whole: made it, deleted it.
    whole: Vec<Position>,
    /// That it was made in between.
    pub(super) made: bool,
}

impl Touches {
    /// The facts that were touched.
    pub(super) fn keys(&self) -> impl Iterator<Item = &Key> {
        self.keys.keys()
    }

    /// All commits, as they happened, each once.
    pub(super) fn positions(&self) -> impl Iterator<Item = Position> {
        let all: BTreeSet<Position> =
            self.keys.values().flatten().chain(&self.whole).copied().collect();
        all.into_iter()
    }

    /// The commits that caused a fact's difference, as they happened.
    pub(super) fn causes(&self, key: &Key) -> Vec<Position> {
        let own = self.keys.get(key).into_iter().flatten();
        let found: BTreeSet<Position> = own.chain(&self.whole).copied().collect();
        found.into_iter().collect()
    }

    fn first(&self) -> Option<Position> {
        self.keys
            .values()
            .filter_map(|those| those.first())
            .chain(self.whole.first())
            .min()
            .copied()
    }
}

/// One commit may touch a fact twice.
fn push(positions: &mut Vec<Position>, at: Position) {
    if positions.last() != Some(&at) {
        positions.push(at);
    }
}

/// Everything that was touched.
#[derive(Default)]
pub(super) struct Touched {
    items: BTreeMap<Item, Touches>,
    commits: usize,
}

impl Touched {
    /// By all commits after `from` up to `to`.
    pub(super) fn by_all(log: &Log<'_>, from: Position, to: Position) -> Result<Touched, AskError> {
        let mut touched = Touched::default();
        for number in from.next().get()..=to.get() {
            let Some(position) = Position::new(number) else { continue };
            touched.add(&log.commit(position)?.commit, None);
            touched.commits += 1;
        }
        Ok(touched)
    }

    /// Of these subjects alone, by the commits that the trail names.
    pub(super) fn by_those(
        log: &Log<'_>,
        to: &Snapshot,
        asked: &BTreeSet<Subject>,
        from: Position,
        until: Position,
    ) -> Result<Touched, AskError> {
        let mut touched = Touched::default();
        let mut positions = BTreeSet::new();
        if from < until {
            for subject in asked {
                let about = to.trail.about(*subject, from.next(), until);
                positions.extend(about.map(|(position, _)| position));
            }
        }
        for position in positions {
            touched.add(&log.commit(position)?.commit, Some(asked));
            touched.commits += 1;
        }
        Ok(touched)
    }

    pub(super) fn commits(&self) -> usize {
        self.commits
    }

    /// The things in the order in which they were first touched.
    pub(super) fn in_order(&self) -> Vec<(Item, &Touches)> {
        let mut all: Vec<(Item, &Touches)> =
            self.items.iter().map(|(item, touches)| (item.clone(), touches)).collect();
        all.sort_by_key(|(_, touches)| touches.first());
        all
    }

    /// Notes what a commit touched; of `asked` alone, if given, and then what those alone are told who ask about one
    /// thing: a member's groups, a role's holders.
    fn add(&mut self, commit: &Commit, asked: Option<&BTreeSet<Subject>>) {
        let at = commit.position;
        for event in &commit.events {
            each(commit, event, |item, key, told| {
                let wanted = match asked {
                    None => told == Told::Always,
                    Some(asked) => match item.subject() {
                        Some(subject) => asked.contains(&subject),
                        None => asked.iter().any(|subject| event.is_about(*subject)),
                    },
                };
                if wanted {
                    let touches = self.items.entry(item).or_default();
                    match key {
                        Some(key) => push(touches.keys.entry(key).or_default(), at),
                        None => push(&mut touches.whole, at),
                    }
                }
            });
            self.note_name(event);
        }
    }

    /// What a thing that is gone at both moments was called, and whether it was made in between.
    fn note_name(&mut self, event: &Event) {
        let (item, name, made) = match event {
            Event::UserCreated { user, personal, .. } => {
                (Item::User(*user), personal.known().map(|new| new.user_name.clone()), true)
            }
            Event::UserRenamed { user, personal } => {
                (Item::User(*user), personal.known().map(|renamed| renamed.to.clone()), false)
            }
            Event::GroupCreated { group, display_name, .. } => {
                (Item::Group(*group), Some(display_name.clone()), true)
            }
            Event::GroupRenamed { group, to, .. } => (Item::Group(*group), Some(to.clone()), false),
            Event::PolicyCreated { policy, name, .. } => {
                (Item::Policy(*policy), Some(name.clone()), true)
            }
            Event::RuleAdded { rule, .. } => (Item::Rule(*rule), None, true),
            Event::TenantOpened { .. }
            | Event::TenantSuspended { .. }
            | Event::TenantResumed { .. }
            | Event::TenantClosed { .. }
            | Event::CommitsLost { .. }
            | Event::TenantDescribed { .. }
            | Event::OperatorAdded { .. }
            | Event::OperatorChanged { .. }
            | Event::OperatorRemoved { .. }
            | Event::ConnectorAdded { .. }
            | Event::ConnectorChanged { .. }
            | Event::ConnectorRemoved { .. }
            | Event::SchemaAdded { .. }
            | Event::CredentialIssued { .. }
            | Event::CredentialRegistered { .. }
            | Event::CredentialEnds { .. }
            | Event::CredentialRevoked { .. }
            | Event::RoleDefined { .. }
            | Event::RoleRetired { .. }
            | Event::UserActivated { .. }
            | Event::UserDeactivated { .. }
            | Event::UserLinked { .. }
            | Event::UserReleased { .. }
            | Event::UserLocked { .. }
            | Event::UserUnlocked { .. }
            | Event::GroupLinked { .. }
            | Event::GroupReleased { .. }
            | Event::UserAttributesChanged { .. }
            | Event::UserDeleted { .. }
            | Event::UserErased { .. }
            | Event::UserIgnored { .. }
            | Event::UserNoticed { .. }
            | Event::GroupIgnored { .. }
            | Event::GroupNoticed { .. }
            | Event::RuleRemoved { .. }
            | Event::RoleAssigned { .. }
            | Event::RoleRevoked { .. }
            | Event::GroupAttributesChanged { .. }
            | Event::GroupMemberAdded { .. }
            | Event::GroupMemberRemoved { .. }
            | Event::MembershipForgotten { .. }
            | Event::GroupDeleted { .. }
            | Event::PolicyChanged { .. }
            | Event::PolicyDeleted { .. }
            | Event::PolicySchemaChanged { .. } => return,
        };
        if let Some(touches) = self.items.get_mut(&item) {
            touches.name = name.or_else(|| touches.name.take());
            touches.made |= made;
        }
    }
}

/// Who is told of a touch.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Told {
    /// Whoever asks about the thing or about the tenant.
    Always,
    /// Only who asks about the thing: the tenant's differences tell it with another.
    WithTheThing,
}

/// Calls `note` with each thing that an event touches, and which fact of it; no fact: the whole of it.
fn each(commit: &Commit, event: &Event, mut note: impl FnMut(Item, Option<Key>, Told)) {
    let mut whole = |item| note(item, None, Told::Always);
    match event {
        Event::TenantOpened { tenant, .. }
        | Event::TenantSuspended { tenant, .. }
        | Event::TenantResumed { tenant }
        | Event::TenantClosed { tenant, .. }
        | Event::CommitsLost { tenant, .. }
        | Event::TenantDescribed { tenant, .. } => whole(Item::Tenant(*tenant)),
        Event::OperatorAdded { operator, .. }
        | Event::OperatorChanged { operator, .. }
        | Event::OperatorRemoved { operator } => whole(Item::Operator(*operator)),
        Event::ConnectorAdded { connector, .. }
        | Event::ConnectorChanged { connector, .. }
        | Event::ConnectorRemoved { connector } => {
            whole(Item::Connector(*connector));
        }
        Event::SchemaAdded { urn, .. } => whole(Item::Schema(urn.clone())),
        Event::CredentialIssued { credential, .. }
        | Event::CredentialRegistered { credential, .. }
        | Event::CredentialEnds { credential, .. }
        | Event::CredentialRevoked { credential } => {
            whole(Item::Credential(*credential));
        }
        Event::RoleDefined { role, .. } | Event::RoleRetired { role } => whole(Item::Role(*role)),
        Event::UserCreated { user, .. }
        | Event::UserIgnored { user, .. }
        | Event::UserNoticed { user, .. }
        | Event::UserDeleted { user }
        | Event::UserErased { user, .. } => whole(Item::User(*user)),
        Event::GroupCreated { group, .. }
        | Event::GroupIgnored { group, .. }
        | Event::GroupNoticed { group, .. }
        | Event::GroupDeleted { group } => {
            whole(Item::Group(*group));
        }
        Event::PolicyCreated { policy, .. }
        | Event::PolicyChanged { policy, .. }
        | Event::PolicyDeleted { policy } => whole(Item::Policy(*policy)),
        Event::PolicySchemaChanged { .. } => whole(Item::PolicySchema),
        Event::RuleAdded { rule, .. } | Event::RuleRemoved { rule, .. } => whole(Item::Rule(*rule)),
        Event::UserRenamed { user, .. } => fact(Item::User(*user), "userName", &mut note),
        Event::UserActivated { user } | Event::UserDeactivated { user } => {
            fact(Item::User(*user), "active", &mut note);
        }
        Event::UserLinked { user, .. } | Event::UserReleased { user, .. } => {
            fact(Item::User(*user), "managedBy", &mut note);
        }
        Event::GroupLinked { group, .. } | Event::GroupReleased { group, .. } => {
            fact(Item::Group(*group), "managedBy", &mut note);
        }
        Event::UserLocked { user, .. } | Event::UserUnlocked { user } => {
            fact(Item::User(*user), "locked", &mut note);
        }
        Event::UserAttributesChanged { user, personal } => {
            match personal {
                Personal::Known(changes) => changed(commit, &Item::User(*user), changes, &mut note),
                // Nothing is left of their values, before or after: only that there was a change.
                Personal::Erased => note(Item::User(*user), None, Told::Always),
            }
        }
        Event::GroupAttributesChanged { group, changes } => {
            changed(commit, &Item::Group(*group), changes, &mut note);
        }
        Event::GroupRenamed { group, .. } => fact(Item::Group(*group), "displayName", &mut note),
        Event::RoleAssigned { user, role, .. } | Event::RoleRevoked { user, role, .. } => {
            note(Item::User(*user), Some(Key::Role(*role)), Told::Always);
            note(Item::Role(*role), Some(Key::Holder(*user)), Told::WithTheThing);
        }
        // Nothing that is told of a group or a user is another for it.
        Event::MembershipForgotten { .. } => {}
        Event::GroupMemberAdded { group, member, .. }
        | Event::GroupMemberRemoved { group, member, .. } => {
            note(Item::Group(*group), Some(Key::Member(*member)), Told::Always);
            let item = match member {
                Member::User(user) => Item::User(*user),
                Member::Group(group) => Item::Group(*group),
            };
            note(item, Some(Key::InGroup(*group)), Told::WithTheThing);
        }
    }
}

fn fact(item: Item, name: &str, note: &mut impl FnMut(Item, Option<Key>, Told)) {
    note(item, Some(Key::Attribute(name.to_owned())), Told::Always);
}

/// Attributes by the paths in events; `externalId` belongs to who wrote it, and `active` there says whether it is assigned.
fn changed(
    commit: &Commit,
    item: &Item,
    changes: &[AttributeChange],
    note: &mut impl FnMut(Item, Option<Key>, Told),
) {
    let is_user = matches!(item, Item::User(_));
    // What a connector wrote before its mapping is for the connector alone: no one thing shows it.
    let told = |change: &&AttributeChange| Written::path_of(&change.path).is_none();
    for change in changes.iter().filter(told) {
        let key = match change.path.as_str() {
            "externalId" => Key::ExternalId(commit.origin.actor.connector()),
            "active" if is_user => Key::Attribute("activeUnassigned".to_owned()),
            path => Key::Attribute(path.to_owned()),
        };
        note(item.clone(), Some(key), Told::Always);
    }
}
