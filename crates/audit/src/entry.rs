//! One answered commit: who, when, through which door, and what it did.

use std::fmt;
use std::net::IpAddr;

use domain::commit::Commit;
use domain::directory::Directory;
use domain::event::{Event, EventKind, Subject};
use domain::id::{ConnectorId, RequestId, RoleId, RuleId};
use domain::origin::{Actor, Claimed, Source};
use domain::position::{Hash, Position};
use domain::time::Timestamp;
use serde::{Deserialize, Serialize};

use crate::ask::AskError;
use crate::then::{Place, Then};

/// A commit as the answer to an audit question.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// Its place in the tenant's log.
    pub position: Position,
    /// SHA-256 of its bytes.
    pub hash: Hash,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub actor: Named,
    /// Which of the connector's credentials was shown.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub credential: Option<Named>,
    /// The address that the request came from.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub source: Option<IpAddr>,
    /// The client's `User-Agent`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub agent: Option<String>,
    /// On whose behalf the client says that it asked; nobody has checked it. Of kind `user` if the tenant knew them then, else
    /// `stranger`. Without a name: they were erased.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub claimed: Option<Named>,
    /// The request; commits of one request share it.
    pub request: RequestId,
    /// What happened.
    pub events: Vec<Told>,
}

/// Something with the name that people know it by.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Named {
    /// What it is, as in `connector`.
    pub kind: String,
    /// Its id.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub id: Option<String>,
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub name: Option<String>,
}

/// An event with the names of what it is about, and what was before.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Told {
    /// The event, as `schemas/events/` describes it.
    #[serde(flatten)]
    pub event: serde_json::Value,
    /// The user whom it is about, as they were called right after it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub user_name: Option<String>,
    /// The role that it is about.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub role_name: Option<String>,
    /// The group that it is about, as it was called right after it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub group_name: Option<String>,
    /// The member that it is about, as they were called right after it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub member_name: Option<String>,
    /// The policy that it is about.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub policy_name: Option<String>,
    /// The connector that it is about.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub connector_name: Option<String>,
    /// The operator whom it is about.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub operator_name: Option<String>,
    /// The first characters of the credential that it is about.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub credential_hint: Option<String>,
    /// Who holds the credential that it is about. The event itself has a `holder`: under that name twice, no
    /// program could read the entry.
    #[serde(rename = "heldBy", skip_serializing_if = "Option::is_none", default)]
    pub holder: Option<Named>,
    /// Where the role or membership comes from.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub through: Option<Named>,
    /// The roles in effect before this event, whichever source gave them.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub before: Option<Vec<String>>,
    /// The roles in effect after this event, whichever source gives them.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub after: Option<Vec<String>>,
    /// Of a membership: whether the member was in the group before this event, through whichever source. Of an
    /// activation: whether the user might act.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub in_effect_before: Option<bool>,
    /// The same after this event.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub in_effect_after: Option<bool>,
    /// Whether the user may not go on with what they are at: whoever holds a session of theirs ends it (behaviour C-14).
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub session_revoked: bool,
}

impl Entry {
    /// A commit with those of its events that are told, by the names of this directory.
    pub(crate) fn of(
        commit: &Commit,
        hash: Hash,
        events: Vec<Told>,
        directory: &Directory,
        system: Option<&Directory>,
    ) -> Self {
        let origin = &commit.origin;
        Self {
            position: commit.position,
            hash,
            at: commit.at,
            actor: Named::actor(origin.actor, directory, system),
            credential: Named::credential(origin.actor, directory),
            source: origin.source,
            agent: origin.agent.clone(),
            claimed: origin.claimed.as_ref().map(Named::claimed),
            request: origin.request,
            events,
        }
    }
}

impl fmt::Display for Named {
    /// As in `connector okta`; the id stands for a name that nobody knows.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name.as_ref().or(self.id.as_ref()) {
            Some(name) => write!(f, "{} {name}", self.kind),
            None => f.write_str(&self.kind),
        }
    }
}

impl Named {
    pub(crate) fn new(kind: &str, id: impl ToString, name: Option<String>) -> Self {
        Self { kind: kind.to_owned(), id: Some(id.to_string()), name }
    }

    /// A connector, by name.
    pub(crate) fn connector(id: ConnectorId, directory: &Directory) -> Self {
        let name = directory.connectors.get(id).map(|connector| connector.name.clone());
        Named::new("connector", id, name)
    }

    /// Who acted. Operators are known to the instance's own directory.
    pub(crate) fn actor(actor: Actor, directory: &Directory, system: Option<&Directory>) -> Self {
        match actor {
            Actor::Connector { id, .. } => Named::connector(id, directory),
            Actor::Operator { id } => {
                let operator = system.and_then(|system| system.operators.get(id));
                Named::new("operator", id, operator.map(|operator| operator.name.clone()))
            }
            Actor::System => Named { kind: "system".to_owned(), id: None, name: None },
        }
    }

    /// The credential that a connector's client showed, by its first characters.
    pub(crate) fn credential(actor: Actor, directory: &Directory) -> Option<Self> {
        match actor {
            Actor::Connector { credential, .. } => {
                let hint = directory.credentials.get(credential).map(|c| c.hint.clone());
                Some(Named::new("credential", credential, hint))
            }
            Actor::Operator { .. } | Actor::System => None,
        }
    }

    /// Whom a client named as the one who acts, in its own words.
    pub(crate) fn claimed(claimed: &Claimed) -> Self {
        let name = claimed.name().map(str::to_owned);
        match claimed {
            Claimed::User { user, .. } => Named::new("user", user, name),
            Claimed::Stranger { .. } => Named { kind: "stranger".to_owned(), id: None, name },
        }
    }

    /// Where a role or membership comes from, by the names of this directory.
    pub(crate) fn source(source: Source, directory: &Directory) -> Self {
        match source {
            Source::Connector(id) => Named::connector(id, directory),
            Source::Local => Named { kind: "local".to_owned(), id: None, name: None },
            Source::Rule(id) => Named::rule(id, directory),
        }
    }

    /// A rule, by what it says: its group and its role, by the names of this directory.
    pub(crate) fn rule(id: RuleId, directory: &Directory) -> Self {
        let words = directory.rules.get(id).and_then(|rule| {
            let group = &directory.groups.get(rule.group)?.display_name;
            let role = &directory.roles.get(rule.role)?.name;
            Some(format!("{group} → {role}"))
        });
        Named::new("rule", id, words)
    }

    /// Where a role or membership comes from. `name` says what a group was called then.
    pub(crate) fn through(
        source: Source,
        directory: &Directory,
        mut name: impl FnMut(Subject) -> Result<Option<String>, AskError>,
    ) -> Result<Self, AskError> {
        let Source::Rule(id) = source else { return Ok(Named::source(source, directory)) };
        let Some(rule) = directory.rules.get(id) else { return Ok(Named::new("rule", id, None)) };
        let group = name(Subject::Group(rule.group))?;
        let role = directory.roles.get(rule.role).map(|role| role.name.clone());
        let words = group.zip(role).map(|(group, role)| format!("{group} → {role}"));
        Ok(Named::new("rule", id, words))
    }
}

impl Told {
    /// The event at a place, with names as they were right after its commit, and what was in effect around it.
    pub(crate) fn of(
        event: &Event,
        place: Place<'_>,
        then: &mut Then<'_>,
    ) -> Result<Told, AskError> {
        let mut told = Told { event: crate::sorted_json(event)?, ..Told::default() };
        told.session_revoked = event.revokes_session(&place.0.events);
        let at = place.0.position;
        let directory = &then.snapshot.directory;
        let role_name = |id: RoleId| directory.roles.get(id).map(|role| role.name.clone());
        let connector_name = |id| directory.connectors.get(id).map(|there| there.name.clone());
        match event {
            Event::UserCreated { user, active, .. } => {
                told.user_name = then.name(Subject::User(*user), at)?;
                (told.in_effect_before, told.in_effect_after) = (Some(false), Some(*active));
            }
            Event::UserActivated { user } | Event::UserDeactivated { user } => {
                told.user_name = then.name(Subject::User(*user), at)?;
                let after = event.kind() == EventKind::UserActivated;
                (told.in_effect_before, told.in_effect_after) = (Some(!after), Some(after));
            }
            Event::UserLinked { user, connector } | Event::UserReleased { user, connector } => {
                told.user_name = then.name(Subject::User(*user), at)?;
                told.connector_name = connector_name(*connector);
            }
            Event::GroupLinked { group, connector } | Event::GroupReleased { group, connector } => {
                told.group_name = then.name(Subject::Group(*group), at)?;
                told.connector_name = connector_name(*connector);
            }
            Event::UserRenamed { user, .. }
            | Event::UserLocked { user, .. }
            | Event::UserUnlocked { user }
            | Event::UserAttributesChanged { user, .. }
            | Event::UserDeleted { user }
            | Event::UserErased { user, .. } => {
                told.user_name = then.name(Subject::User(*user), at)?;
            }
            Event::UserIgnored { user, connector } | Event::UserNoticed { user, connector } => {
                told.user_name = then.name(Subject::User(*user), at)?;
                told.connector_name = connector_name(*connector);
            }
            Event::GroupIgnored { group, connector } | Event::GroupNoticed { group, connector } => {
                told.group_name = then.name(Subject::Group(*group), at)?;
                told.connector_name = connector_name(*connector);
            }
            Event::RoleAssigned { user, role, source, .. }
            | Event::RoleRevoked { user, role, source } => {
                told.user_name = then.name(Subject::User(*user), at)?;
                told.role_name = role_name(*role);
                told.through =
                    Some(Named::through(*source, directory, |group| then.name(group, at))?);
                let (before, after) = then.roles_around(*user, place)?;
                (told.before, told.after) = (Some(before), Some(after));
            }
            Event::RuleAdded { group, role, .. } | Event::RuleRemoved { group, role, .. } => {
                told.group_name = then.name(Subject::Group(*group), at)?;
                told.role_name = role_name(*role);
            }
            Event::RoleDefined { role, .. } | Event::RoleRetired { role } => {
                told.role_name = role_name(*role);
            }
            Event::GroupCreated { group, .. }
            | Event::GroupRenamed { group, .. }
            | Event::GroupAttributesChanged { group, .. }
            | Event::GroupDeleted { group } => {
                told.group_name = then.name(Subject::Group(*group), at)?;
            }
            Event::GroupMemberAdded { group, member, source }
            | Event::GroupMemberRemoved { group, member, source } => {
                told.group_name = then.name(Subject::Group(*group), at)?;
                told.member_name = then.name((*member).into(), at)?;
                told.through =
                    Some(Named::through(*source, directory, |group| then.name(group, at))?);
                let (before, after) = then.membership_around(*group, *member, place)?;
                (told.in_effect_before, told.in_effect_after) = (Some(before), Some(after));
            }
            Event::PolicyCreated { policy, .. }
            | Event::PolicyChanged { policy, .. }
            | Event::PolicyDeleted { policy } => {
                told.policy_name = then.name(Subject::Policy(*policy), at)?;
            }
            Event::MembershipForgotten { group, member, source } => {
                told.group_name = then.name(Subject::Group(*group), at)?;
                told.member_name = then.name((*member).into(), at)?;
                told.through =
                    Some(Named::through(*source, directory, |group| then.name(group, at))?);
            }
            Event::ConnectorAdded { connector, .. }
            | Event::ConnectorChanged { connector, .. }
            | Event::ConnectorRemoved { connector } => {
                told.connector_name = connector_name(*connector);
            }
            Event::CredentialIssued { credential, .. }
            | Event::CredentialRegistered { credential, .. }
            | Event::CredentialEnds { credential, .. }
            | Event::CredentialRevoked { credential } => {
                let there = directory.credentials.get(*credential);
                told.credential_hint = there.map(|credential| credential.hint.clone());
                told.holder = then.holder(*credential, at)?;
                // A key that someone chose may be guessed from its hash: the answer leaves it out.
                if let Some(fields) = told.event.as_object_mut() {
                    fields.remove("hash");
                }
                // What is removed leaves its place to the last, where objects keep the order in which they were made.
                told.event.sort_all_objects();
            }
            Event::OperatorAdded { operator, .. }
            | Event::OperatorChanged { operator, .. }
            | Event::OperatorRemoved { operator } => {
                let there = directory.operators.get(*operator);
                told.operator_name = there.map(|operator| operator.name.clone());
            }
            Event::TenantOpened { .. }
            | Event::TenantSuspended { .. }
            | Event::TenantResumed { .. }
            | Event::TenantClosed { .. }
            | Event::CommitsLost { .. }
            | Event::TenantDescribed { .. }
            | Event::SchemaAdded { .. }
            | Event::PolicySchemaChanged { .. } => {}
        }
        Ok(told)
    }

    /// The event's type, as in `RoleAssigned`.
    pub fn kind(&self) -> &str {
        self.event.get("type").and_then(serde_json::Value::as_str).unwrap_or_default()
    }
}
