//! Users, groups, roles, policies, connectors of a tenant at one position.
//!
//! Persistent maps throughout: a clone costs a few pointers, so every position's directory can be
//! kept as long as someone reads it. Each index beside a map is derived and never stored.

mod connectors;
mod credentials;
mod groups;
mod operators;
mod policies;
mod roles;
mod tenants;
mod users;

use serde::{Deserialize, Serialize};

pub use connectors::{Connector, Connectors};
pub use credentials::{Credential, Credentials};
pub use groups::{Group, Groups};
pub use operators::{Operator, Operators};
pub use policies::{Policies, Policy};
pub use roles::{Role, Roles};
pub use tenants::{Tenant, Tenants};
pub use users::{Assignment, User, Users};

use crate::commit::{Commit, Projection, Unfit};
use crate::event::Event;
use crate::id::ConnectorId;
use crate::origin::Origin;
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
        ids.push(ExternalId { connector, value: value.into() });
        ids.sort();
    }
}

/// Everything a tenant holds at one position.
///
/// Its fingerprint is what a replay is compared by, so a field that is added to it, or to anything
/// in it, is left out of its encoding while it has its default (`skip_serializing_if`).
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Directory {
    /// The tenant itself, from its first commit on. None in the instance's own log.
    pub tenant: Option<Tenant>,
    /// The users.
    pub users: Users,
    /// The groups.
    pub groups: Groups,
    /// The roles.
    pub roles: Roles,
    /// The policies.
    pub policies: Policies,
    /// The connectors.
    pub connectors: Connectors,
    /// The credentials of connectors, or of operators in the instance's own log.
    pub credentials: Credentials,
    /// The operators; in the instance's own log only.
    pub operators: Operators,
    /// The tenants; in the instance's own log only.
    pub tenants: Tenants,
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
        commit.events.iter().try_for_each(|event| self.apply_event(commit, event, moment))
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
            Event::OperatorAdded { operator, name } => self.operators.add(*operator, name, moment),
            Event::ConnectorAdded { connector, name, settings } => {
                self.connectors.add(*connector, name, settings, moment)
            }
            Event::CredentialIssued { .. } | Event::CredentialRevoked { .. } => {
                self.credentials.apply(event, moment)
            }
            Event::RoleDefined { .. } | Event::RoleRetired { .. } => {
                self.roles.apply(event, moment)
            }
            Event::UserCreated { .. }
            | Event::UserRenamed { .. }
            | Event::UserActivated { .. }
            | Event::UserDeactivated { .. }
            | Event::UserAttributesChanged { .. }
            | Event::UserDeleted { .. }
            | Event::UserErased { .. }
            | Event::RoleAssigned { .. }
            | Event::RoleRevoked { .. } => self.users.apply(event, moment),
            Event::GroupCreated { .. }
            | Event::GroupRenamed { .. }
            | Event::GroupAttributesChanged { .. }
            | Event::GroupMemberAdded { .. }
            | Event::GroupMemberRemoved { .. }
            | Event::GroupDeleted { .. } => self.groups.apply(event, moment),
            Event::PolicyCreated { .. }
            | Event::PolicyChanged { .. }
            | Event::PolicyDeleted { .. } => self.policies.apply(event, moment),
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
        self.groups.members_are_among(&self.users)
    }
}
