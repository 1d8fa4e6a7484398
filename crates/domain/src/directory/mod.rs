//! Users, groups, roles, policies, connectors of a tenant at one position.
//!
//! Persistent maps throughout: a clone costs a few pointers, so every position's directory can be
//! kept as long as someone reads it. Each index beside a map is derived and never stored.

mod aside;
mod connectors;
mod credentials;
mod groups;
mod ignored;
mod operators;
mod policies;
mod roles;
mod rules;
mod schemas;
mod shelf;
mod standing;
mod tenants;
mod unique;
mod users;
mod written;

use std::collections::BTreeSet;

use scim::{Packed, Value};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub use aside::Aside;
pub use connectors::{Connector, Connectors};
pub use credentials::{Credential, Credentials};
pub use groups::{Group, Groups};
pub use ignored::{AllIgnored, Ignored};
pub use operators::{Operator, Operators};
pub use policies::{Policies, Policy, PolicySchema};
pub use roles::{EVERYONE, Role, Roles};
pub use rules::{Rule, Rules};
pub use schemas::{CustomSchema, Schemas};
pub(crate) use shelf::word_probe;
pub use standing::{Standing, TenantState};
pub use tenants::{Tenant, Tenants};
pub(crate) use unique::Conflict;
pub use users::UserRow;
pub use users::{Assignment, Lock, User, Users};
pub(crate) use users::{UserParts, full_name, is_reserved};
pub use written::Written;

use crate::attributes::set_attribute;
use crate::commit::{Commit, Projection, Unfit};
use crate::event::{AttributeChange, Event, Member};
use crate::id::{ConnectorId, GroupId, UserId};
use crate::origin::{Origin, Source};
use crate::position::Position;
use crate::time::Timestamp;

/// When something happened, as a moment and as a place in the log.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct Stamp {
    /// The place in the log.
    pub position: Position,
    /// The moment.
    pub at: Timestamp,
}

/// A client's id for a resource, in that client's own words: each connector sees only its own.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct ExternalId {
    /// Whose word it is; none: an operator's.
    pub connector: Option<ConnectorId>,
    /// The word.
    pub value: Box<str>,
}

/// The external id that `connector` knows a resource by.
fn external_id(ids: &[ExternalId], connector: Option<ConnectorId>) -> Option<&str> {
    ids.iter().find(|id| id.connector == connector).map(|id| &*id.value)
}

/// Sets or clears the external id that `connector` knows a resource by.
fn set_external_id(ids: &mut Vec<ExternalId>, connector: Option<ConnectorId>, value: Option<&str>) {
    ids.retain(|id| id.connector != connector);
    if let Some(value) = value {
        // Most have one: without this there would be room for four.
        ids.reserve_exact(1);
        ids.push(ExternalId { connector, value: value.into() });
        ids.sort();
    }
}

/// Makes changes part of a resource's attributes; `externalId` belongs to who wrote it.
fn apply_changes<'c>(
    attributes: &mut Packed,
    external_ids: &mut Vec<ExternalId>,
    changes: impl IntoIterator<Item = &'c AttributeChange>,
    connector: Option<ConnectorId>,
) {
    let mut object = attributes.unpack();
    for change in changes {
        if change.path == "externalId" {
            let value = change.new.as_ref().and_then(Value::as_str);
            set_external_id(external_ids, connector, value);
        } else {
            set_attribute(&mut object, &change.path, change.new.clone());
        }
    }
    *attributes = Packed::pack(&object);
}

/// Everything a tenant holds at one position.
///
/// Its fingerprint is what a replay is compared by, so a field that is added to it, or to anything
/// in it, is left out of its encoding while it has its default (`skip_serializing_if`).
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct Directory {
    /// The tenant itself, from its first commit on. None in the instance's own log.
    pub tenant: Option<Tenant>,
    /// How the tenant stands.
    #[serde(default, skip_serializing_if = "Standing::is_usual")]
    pub standing: Standing,
    /// The users.
    pub users: Users,
    /// The groups.
    pub groups: Groups,
    /// The roles.
    pub roles: Roles,
    /// The rules that give roles to whoever is in a group.
    #[serde(default, skip_serializing_if = "Rules::never_were")]
    pub rules: Rules,
    /// Memberships that may come back with the users who had them.
    #[serde(default, skip_serializing_if = "Aside::is_empty")]
    pub aside: Aside,
    /// The policies.
    pub policies: Policies,
    /// What the policies can speak about, once the tenant has declared it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy_schema: Option<PolicySchema>,
    /// The schemas, if the tenant added any to the built-in ones.
    #[serde(default, skip_serializing_if = "Schemas::is_builtin")]
    pub schemas: Schemas,
    /// The connectors.
    pub connectors: Connectors,
    /// What connectors' lists leave out: users and groups that only who brought them sees.
    #[serde(default, skip_serializing_if = "AllIgnored::never_were")]
    pub ignored: AllIgnored,
    /// The credentials of connectors, or of operators in the instance's own log.
    pub credentials: Credentials,
    /// The operators; in the instance's own log only.
    pub operators: Operators,
    /// The tenants; in the instance's own log only.
    pub tenants: Tenants,
    // Derived from the users, the groups and the schemas; never stored.
    #[serde(skip)]
    unique: unique::Unique,
}

impl Serialize for Directory {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Directory::serialize(self, serializer)
    }
}

impl<'de> Deserialize<'de> for Directory {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut directory = Directory::deserialize(deserializer)?;
        directory.index_unique();
        Ok(directory)
    }
}

/// What an event is applied with, beside itself.
#[derive(Clone, Copy)]
struct Moment<'a> {
    stamp: Stamp,
    origin: &'a Origin,
}

impl Moment<'_> {
    /// A contradiction between an event and what is there.
    fn unfit(&self, reason: impl Into<String>) -> Unfit {
        Unfit { position: self.stamp.position, reason: reason.into() }
    }
}

impl Projection for Directory {
    fn apply(&mut self, commit: &Commit) -> Result<(), Unfit> {
        let moment = Moment {
            stamp: Stamp { position: commit.position, at: commit.at },
            origin: &commit.origin,
        };
        commit.events.iter().try_for_each(|event| {
            self.keeping_unique(event, |directory| {
                directory.apply_where_it_belongs(commit, event, moment)
            })
        })?;
        self.keep_aside(commit);
        Ok(())
    }
}

impl Directory {
    fn apply_event(
        &mut self,
        commit: &Commit,
        event: &Event,
        moment: Moment<'_>,
    ) -> Result<(), Unfit> {
        match event {
            Event::TenantOpened { tenant, slug } => {
                let opened = Tenant { id: *tenant, slug: slug.clone(), opened: moment.stamp };
                if *tenant == commit.tenant {
                    self.tenant = Some(opened);
                    Ok(())
                } else {
                    self.tenants.open(opened, moment)
                }
            }
            Event::TenantSuspended { tenant, .. }
            | Event::TenantResumed { tenant }
            | Event::TenantClosed { tenant, .. }
            | Event::TenantDescribed { tenant, .. } => self.stand(*tenant, event, moment),
            // What is gone is in no directory; that it is gone stands in the log.
            Event::CommitsLost { .. } => Ok(()),
            Event::OperatorAdded { operator, name, role } => {
                self.operators.add(*operator, name, *role, moment)
            }
            Event::OperatorChanged { operator, name, role } => {
                self.operators.change(*operator, name, *role, moment)
            }
            Event::OperatorRemoved { operator } => self.operators.remove(*operator, moment),
            Event::ConnectorAdded { connector, name, settings } => {
                self.connectors.add(*connector, name, settings, moment)
            }
            Event::ConnectorChanged { connector, settings } => {
                self.connectors.change(*connector, settings, moment)
            }
            Event::ConnectorRemoved { connector } => self.connectors.remove(*connector, moment),
            Event::SchemaAdded { urn, resource_type, required, document } => {
                let new = CustomSchema {
                    urn: urn.clone(),
                    resource_type: resource_type.clone(),
                    required: *required,
                    document: document.clone(),
                    added: moment.stamp,
                };
                self.schemas.add(new, moment)
            }
            Event::CredentialIssued { credential, holder, hash, hint, expires, terms } => {
                let new = Credential {
                    id: *credential,
                    holder: *holder,
                    hash: Some(*hash),
                    hint: hint.clone(),
                    issued: moment.stamp,
                    expires: *expires,
                    revoked: None,
                    proof: None,
                    scopes: terms.scopes.clone(),
                    replaces: terms.replaces,
                };
                self.credentials.issue(new, moment)
            }
            Event::CredentialRegistered { credential, holder, proof, expires, terms } => {
                let new = Credential {
                    id: *credential,
                    holder: *holder,
                    hash: None,
                    hint: proof.hint().to_owned(),
                    issued: moment.stamp,
                    expires: *expires,
                    revoked: None,
                    proof: Some(proof.clone()),
                    scopes: terms.scopes.clone(),
                    replaces: terms.replaces,
                };
                self.credentials.issue(new, moment)
            }
            Event::CredentialEnds { credential, at } => {
                self.credentials.end(*credential, *at, moment)
            }
            Event::CredentialRevoked { credential } => self.credentials.revoke(*credential, moment),
            Event::RoleDefined { role, name, description } => {
                self.roles.define(*role, name, description, moment)
            }
            Event::RoleRetired { role } => self.roles.retire(*role, moment),
            Event::UserCreated { user, active, managed_by, personal } => {
                self.users.create(*user, *active, *managed_by, personal, moment)
            }
            Event::UserRenamed { user, personal } => self.users.rename(*user, personal, moment),
            Event::UserActivated { user } => {
                self.aside.take_user(*user);
                self.users.set_active(*user, true, moment)
            }
            Event::UserDeactivated { user } => self.users.set_active(*user, false, moment),
            Event::UserLinked { user, connector } => {
                self.users.manage(*user, Some(*connector), moment)
            }
            Event::UserReleased { user, .. } => self.users.manage(*user, None, moment),
            Event::UserLocked { user, reason } => {
                let reason = reason.known().map(|reason| reason.as_str().into());
                let lock = Lock { since: moment.stamp, reason };
                self.users.set_lock(*user, Some(Box::new(lock)), moment)
            }
            Event::UserUnlocked { user } => self.users.set_lock(*user, None, moment),
            Event::UserIgnored { user, connector } => self.ignore_user(*user, *connector, moment),
            Event::UserNoticed { user, .. } => self.notice_user(*user, moment),
            Event::GroupIgnored { group, connector } => {
                self.ignore_group(*group, *connector, moment)
            }
            Event::GroupNoticed { group, .. } => self.notice_group(*group, moment),
            Event::UserAttributesChanged { user, personal } => {
                self.users.set(*user, personal, moment)
            }
            Event::UserDeleted { user } => {
                self.aside.take_user(*user);
                self.users.delete(*user, moment)
            }
            Event::UserErased { user, .. } => self.users.erase(*user, moment),
            Event::RoleAssigned { user, role, source, wording } => {
                let wording = wording.known().cloned().unwrap_or_default();
                let assignment = Assignment { role: *role, source: *source, wording };
                self.users.assign(*user, assignment, moment)
            }
            Event::RoleRevoked { user, role, source } => {
                self.users.revoke(*user, *role, *source, moment)
            }
            Event::RuleAdded { rule, group, role } => self.rules.add(*rule, *group, *role, moment),
            Event::RuleRemoved { rule, .. } => self.rules.remove(*rule, moment),
            Event::GroupCreated { group, display_name, managed_by, external_id, attributes } => {
                let external_id = external_id.as_deref();
                self.groups.create(
                    *group,
                    display_name,
                    *managed_by,
                    external_id,
                    attributes,
                    moment,
                )
            }
            Event::GroupLinked { group, connector } => {
                self.groups.manage(*group, Some(*connector), moment)
            }
            Event::GroupReleased { group, .. } => self.groups.manage(*group, None, moment),
            Event::GroupRenamed { group, to, .. } => self.groups.rename(*group, to, moment),
            Event::GroupAttributesChanged { group, changes } => {
                self.groups.set(*group, changes, moment)
            }
            Event::GroupMemberAdded { group, member, source } => {
                self.aside.take(*member, *group, *source);
                self.groups.add_member(*group, *member, *source, moment)
            }
            Event::GroupMemberRemoved { group, member, source } => {
                self.groups.remove_member(*group, *member, *source, moment)
            }
            Event::MembershipForgotten { group, member, source } => {
                self.aside.take(*member, *group, *source);
                Ok(())
            }
            Event::GroupDeleted { group } => {
                self.aside.take_group(*group);
                self.groups.delete(*group, moment)
            }
            Event::PolicyCreated { policy, name, text } => {
                self.policies.create(*policy, name, text, moment)
            }
            Event::PolicyChanged { policy, text } => self.policies.change(*policy, text, moment),
            Event::PolicyDeleted { policy } => self.policies.delete(*policy, moment),
            Event::PolicySchemaChanged { text } => {
                self.policy_schema =
                    Some(PolicySchema { text: text.clone(), changed: moment.stamp });
                Ok(())
            }
        }
    }

    /// The role that this user has without being given it, if it is not given to them as well: every active user has it.
    pub fn implicit_role(&self, user: &User) -> Option<&Role> {
        self.roles.everyone().filter(|role| user.may_act() && !user.has_role(role.id))
    }

    /// Whether no source gives this user any role but the one that everybody has: they see "No Privileges" and may do nothing
    /// (behaviour C-11). Nobody lacks what nobody can be given: where no other role is defined, roles are not in use.
    pub fn lacks_privileges(&self, user: &User) -> bool {
        let everyone = self.roles.named(EVERYONE).map(|role| role.id);
        let is_other = |role: &Role| Some(role.id) != everyone && !role.retired;
        user.roles.iter().all(|given| Some(given.role) == everyone)
            && self.roles.iter().any(is_other)
    }

    /// The memberships that ended because their user was deactivated in the same commit, whoever sees the two.
    fn keep_aside(&mut self, commit: &Commit) {
        let mut deactivated = BTreeSet::new();
        for event in commit.events.iter() {
            if let Event::UserDeactivated { user } = event {
                deactivated.insert(*user);
            }
        }
        for event in commit.events.iter().filter(|_| !deactivated.is_empty()) {
            if let Event::GroupMemberRemoved { group, member: Member::User(user), source } = event
                && deactivated.contains(user)
                && self.waits(*user, *group, *source)
            {
                self.aside.put(*user, *group, *source);
            }
        }
    }

    /// Whether a membership is one that may be waited for: the user is inactive, and not in the group as it is.
    fn waits(&self, user: UserId, group: GroupId, source: Source) -> bool {
        let there = self.users.get(user).or_else(|| self.ignored.user(user));
        let is_in = |group: &Group| self.has_member(group, Member::User(user), source);
        there.is_some_and(|user| !user.active)
            && self
                .groups
                .get(group)
                .or_else(|| self.ignored.group(group))
                .is_some_and(|group| !is_in(group))
    }

    /// That only inactive users are waited for, by groups that are there and have them not.
    fn aside_agrees(&self) -> Result<(), String> {
        self.aside.agrees()?;
        match self.aside.iter().find(|(user, group, source)| !self.waits(*user, *group, *source)) {
            None => Ok(()),
            Some((user, group, _)) => Err(format!(
                "a membership of user {user} in group {group} is kept aside, and one of them is gone, active, or in it"
            )),
        }
    }

    /// Whether every index says what its map says, and every reference leads somewhere.
    ///
    /// # Errors
    /// The first disagreement, in words.
    pub fn agrees(&self) -> Result<(), String> {
        self.users.agrees()?;
        self.groups.agrees()?;
        self.roles.agrees()?;
        self.credentials.agrees()?;
        self.tenants.agrees()?;
        self.rules.agrees(&self.users, &self.groups)?;
        self.operators.agrees(&self.credentials)?;
        for user in self.users.iter() {
            for assignment in &user.roles {
                if self.roles.get(assignment.role).is_none() {
                    return Err(format!(
                        "user {} has role {} that is not there",
                        user.id, assignment.role
                    ));
                }
            }
        }
        self.unique_agrees()?;
        self.aside_agrees()?;
        self.ignored_agree()?;
        self.groups.members_are_among(&self.users)
    }
}
