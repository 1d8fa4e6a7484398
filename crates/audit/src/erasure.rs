//! What the erasure of a person takes away, and where they are still named after it.

use domain::directory::{Directory, User};
use domain::erasure::PersonValues;
use domain::event::{ConnectorSettings, Event, EventKind, Holder, Subject};
use domain::id::{ConnectorId, TenantId, UserId};
use domain::position::{Hash, Position};
use domain::trail::Kinds;
use engine::Engine;
use eventlog::{Broken, JournalError};
use scim::Node;
use serde::{Deserialize, Serialize};

/// Places that an answer names at most.
pub const PLACES: usize = 1_000;

/// What an erasure did, or would do.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Erasure {
    /// Whom it is about.
    pub user: UserId,
    /// Whether they are erased now.
    pub erased: bool,
    /// Where the commit stands; none when there was nothing to do, or nothing was done.
    pub position: Option<Position>,
    /// The hash of that commit's bytes.
    pub hash: Option<Hash>,
    /// Whether they were still there, and are deleted as well.
    pub deletes: bool,
    /// Events whose values go.
    pub events: usize,
    /// Keys of their own that are revoked.
    pub credentials: usize,
    /// Entries of the refusal journal that go.
    pub refusals: usize,
    /// Where they may still be named in clear, at most [`PLACES`] of them.
    pub stands: Vec<Place>,
    /// Whether there are more such places.
    pub more: bool,
    /// What is left to do by hand.
    pub todo: Vec<String>,
}

/// A place that may name a person. What it says is not repeated.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Place {
    /// Where, as in `groups/0198f3a0-0000-7000-8000-000000000001/displayName`.
    pub path: String,
    /// The commit that wrote it, when it stands in the log only and is the past.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub position: Option<Position>,
}

/// Why it cannot be said what an erasure would do.
#[derive(Debug, thiserror::Error)]
pub enum ErasureError {
    /// There is no such tenant.
    #[error("there is no such tenant")]
    NoTenant,
    /// The log cannot be read.
    #[error(transparent)]
    Broken(#[from] Broken),
    /// The refusal journal cannot be read.
    #[error(transparent)]
    Journal(#[from] JournalError),
}

/// What must be done by hand after an erasure: what no program reaches.
const TODO: [&str; 4] = [
    "run `rollbook rekey` once the server is stopped: until then freed pages of the store, and copies of the data folder, may hold the person's key, wrapped under the master key",
    "write the keys files of older archives anew (`rollbook export --keys-only`) and destroy those made before: they hold the person's key",
    "erase the person in copies of this log that do not follow it",
    "see that the identity provider does not send the person again",
];

/// What the erasure of `user` would do, as things are now. Reads the commits about them, those that
/// name groups and roles, and looks at every resource: call it where blocking is allowed.
///
/// # Errors
/// When the log or the journal cannot be read.
pub fn plan(
    engine: &Engine,
    tenant: TenantId,
    user: UserId,
    values: &PersonValues,
) -> Result<Erasure, ErasureError> {
    let snapshot = engine.now(tenant).ok_or(ErasureError::NoTenant)?;
    let directory = &snapshot.directory;
    let there = directory.users.get(user).or_else(|| directory.ignored.user(user));
    let mut plan = Erasure {
        user,
        erased: directory.users.is_erased(user),
        position: None,
        hash: None,
        deletes: there.is_some(),
        events: 0,
        credentials: 0,
        refusals: 0,
        stands: Vec::new(),
        more: false,
        todo: TODO.iter().map(|line| (*line).to_owned()).collect(),
    };
    if plan.erased {
        return Ok(plan);
    }
    let own = directory.credentials.iter().filter(|one| one.holder == Holder::User(user));
    plan.credentials = own.filter(|one| one.revoked.is_none()).count();
    plan.refusals = engine.refusals_naming(tenant, user, values)?;
    let sealed: Kinds = SEALED.into_iter().collect();
    let about = snapshot.trail.about(Subject::User(user), Position::FIRST, Position::MAX);
    for (position, _) in about.filter(|(_, kinds)| kinds.meets(sealed)) {
        let recorded = engine.commit(tenant, position)?;
        let events = recorded.iter().flat_map(|recorded| &recorded.commit.events);
        let of_them = events.filter(|event| sealed.has(event.kind()));
        plan.events += of_them.filter(|event| event.is_about(Subject::User(user))).count();
    }
    let mut places = Places { values, found: Vec::new() };
    places.look_at_directory(directory, user);
    let now = places.found.len();
    for position in snapshot.trail.having(CLEAR.into_iter().collect()) {
        if places.found.len() > PLACES {
            break;
        }
        let recorded = engine.commit(tenant, position)?;
        for event in recorded.iter().flat_map(|recorded| &recorded.commit.events) {
            places.look_at_event(event, position);
        }
    }
    // What is there now need not be told again as the past that wrote it.
    let (present, past) = places.found.split_at(now);
    let told = |place: &&Place| !present.iter().any(|other| other.path == place.path);
    plan.stands = present.iter().chain(past.iter().filter(told)).cloned().collect();
    plan.stands.dedup();
    plan.more = plan.stands.len() > PLACES;
    plan.stands.truncate(PLACES);
    Ok(plan)
}

/// The kinds of events whose values are sealed under the person's key.
const SEALED: [EventKind; 4] = [
    EventKind::UserCreated,
    EventKind::UserRenamed,
    EventKind::UserAttributesChanged,
    EventKind::RoleAssigned,
];

/// The kinds of events that hold somebody's words in clear.
const CLEAR: [EventKind; 9] = [
    EventKind::ConnectorAdded,
    EventKind::ConnectorChanged,
    EventKind::RoleDefined,
    EventKind::GroupCreated,
    EventKind::GroupRenamed,
    EventKind::GroupAttributesChanged,
    EventKind::PolicyCreated,
    EventKind::PolicyChanged,
    EventKind::UserErased,
];

struct Places<'a> {
    values: &'a PersonValues,
    found: Vec<Place>,
}

impl Places<'_> {
    fn look(&mut self, path: impl FnOnce() -> String, text: &str, position: Option<Position>) {
        if self.found.len() <= PLACES && self.values.are_named_in(text) {
            self.found.push(Place { path: path(), position });
        }
    }

    fn look_at_directory(&mut self, directory: &Directory, user: UserId) {
        for group in directory.groups.iter() {
            let id = group.id;
            self.look(|| format!("groups/{id}/displayName"), &group.display_name, None);
            for external in &group.external_ids {
                self.look(|| format!("groups/{id}/externalId"), &external.value, None);
            }
            for (name, node) in group.attributes.view().iter() {
                if texts(node).any(|text| self.values.are_named_in(text)) {
                    self.push(format!("groups/{id}/{name}"), None);
                }
            }
        }
        for role in directory.roles.iter() {
            self.look(|| format!("roles/{}/name", role.id), &role.name, None);
            self.look(|| format!("roles/{}/description", role.id), &role.description, None);
        }
        for policy in directory.policies.iter() {
            self.look(|| format!("policies/{}/name", policy.id), &policy.name, None);
            self.look(|| format!("policies/{}/text", policy.id), &policy.text, None);
        }
        for connector in directory.connectors.iter() {
            self.look(|| format!("connectors/{}/name", connector.id), &connector.name, None);
            self.look_at_settings(connector.id, &connector.settings, None);
        }
        for schema in directory.schemas.custom() {
            self.look(|| format!("schemas/{}", schema.urn), &schema.document, None);
        }
        for other in directory.users.iter().filter(|other| other.id != user) {
            self.look_at_user(other, user);
        }
    }

    /// A pattern may name one person.
    fn look_at_settings(
        &mut self,
        connector: ConnectorId,
        settings: &ConnectorSettings,
        at: Option<Position>,
    ) {
        for (of, selection) in [("include", &settings.include), ("exclude", &settings.exclude)] {
            for (list, patterns) in selection.lists() {
                for pattern in patterns {
                    let path = || format!("connectors/{connector}/settings/{of}/{list}");
                    self.look(path, pattern, at);
                }
            }
        }
    }

    /// Another person may bear the same name: only what is the erased person's alone counts, and a
    /// reference to them.
    fn look_at_user(&mut self, other: &User, user: UserId) {
        if self.found.len() > PLACES {
            return;
        }
        let reference = user.to_string();
        for (name, node) in other.attributes.view().iter() {
            let telling = |text: &str| text.contains(&*reference) || self.values.own_stand_in(text);
            match node.as_complex() {
                Some(inner) if name.starts_with("urn:") => {
                    for (inner_name, node) in inner.iter() {
                        if texts(node).any(telling) {
                            self.push(format!("users/{}/{name}:{inner_name}", other.id), None);
                        }
                    }
                }
                Some(_) | None => {
                    if texts(node).any(telling) {
                        self.push(format!("users/{}/{name}", other.id), None);
                    }
                }
            }
        }
        for external in &other.external_ids {
            if self.values.own_stand_in(&external.value) {
                self.push(format!("users/{}/externalId", other.id), None);
            }
        }
    }

    fn look_at_event(&mut self, event: &Event, position: Position) {
        let at = Some(position);
        if let Event::GroupCreated { group, display_name, external_id, attributes, .. } = event {
            self.look(|| format!("groups/{group}/displayName"), display_name, at);
            if let Some(external) = external_id {
                self.look(|| format!("groups/{group}/externalId"), external, at);
            }
            for (name, node) in attributes.view().iter() {
                if texts(node).any(|text| self.values.are_named_in(text)) {
                    self.push(format!("groups/{group}/{name}"), at);
                }
            }
        } else if let Event::GroupRenamed { group, from, to } = event {
            self.look(|| format!("groups/{group}/displayName"), &format!("{from}\n{to}"), at);
        } else if let Event::GroupAttributesChanged { group, changes } = event {
            for change in changes {
                let values = [&change.old, &change.new].into_iter().flatten();
                let mut nodes = values.filter_map(Node::of);
                if nodes.any(|node| texts(node).any(|text| self.values.are_named_in(text))) {
                    self.push(format!("groups/{group}/{}", change.path), at);
                }
            }
        } else if let Event::RoleDefined { role, name, description } = event {
            self.look(|| format!("roles/{role}/name"), name, at);
            self.look(|| format!("roles/{role}/description"), description, at);
        } else if let Event::PolicyCreated { policy, name, text } = event {
            self.look(|| format!("policies/{policy}/name"), name, at);
            self.look(|| format!("policies/{policy}/text"), text, at);
        } else if let Event::PolicyChanged { policy, text } = event {
            self.look(|| format!("policies/{policy}/text"), text, at);
        } else if let Event::ConnectorAdded { connector, name, settings } = event {
            self.look(|| format!("connectors/{connector}/name"), name, at);
            self.look_at_settings(*connector, settings, at);
        } else if let Event::ConnectorChanged { connector, settings } = event {
            self.look_at_settings(*connector, settings, at);
        } else if let Event::UserErased { user, reason } = event {
            self.look(|| format!("users/{user}/reason"), reason, at);
        }
    }

    fn push(&mut self, path: String, position: Option<Position>) {
        self.found.push(Place { path, position });
    }
}

/// Every text in an attribute's value.
fn texts(node: Node<'_>) -> Box<dyn Iterator<Item = &str> + '_> {
    match node {
        Node::String(text) => Box::new(std::iter::once(text)),
        Node::List(list) => Box::new(list.iter().flat_map(texts)),
        Node::Complex(object) => Box::new(object.iter().flat_map(|(_, node)| texts(node))),
        Node::Bool(_) | Node::Integer(_) | Node::Decimal(_) => Box::new(std::iter::empty()),
    }
}
