//! Wishes. Ids, time and randomness are made at the edge and come in here, so deciding stays pure.

pub use scim::Quirk;
use scim::{Admitted, Patch};

use crate::credential::{Proof, Scopes};
use crate::event::{ConnectorSettings, Event, Holder, Member, OperatorRole};
use crate::id::{
    ConnectorId, CredentialId, GroupId, OperatorId, PolicyId, RoleId, RuleId, TenantId, UserId,
};
use crate::position::{Hash, Position};
use crate::rejection::Rejection;
use crate::time::Timestamp;

/// A wish about one resource.
#[derive(Clone, Debug)]
pub enum Command {
    /// About a user.
    User(UserId, Change),
    /// About a group.
    Group(GroupId, Change),
    /// Destroy the values of a person who is there or was, in every moment of the past as well.
    EraseUser {
        /// The user.
        user: UserId,
        /// Why. It stands in the log in clear, so it must not say who they were.
        reason: String,
    },
    /// Let a person come to be who signs on and was not pushed yet. Whoever is there by that name stays as they are.
    JustInTime(UserId, Admitted),
    /// Let a connector manage a user or group no more; a large group in several commits.
    Release(Member),
    /// Let a connector manage nothing any more, in several commits.
    ReleaseAll {
        /// The connector.
        connector: ConnectorId,
    },
    /// Let a user do nothing, whatever their identity provider says.
    LockUser {
        /// The user.
        user: UserId,
        /// Why. It is sealed with the person's values.
        reason: String,
    },
    /// Let a user act again, if their identity provider says so.
    UnlockUser {
        /// The user.
        user: UserId,
    },
    /// Give a user a role here, beside what their identity provider says.
    AssignRole {
        /// The user.
        user: UserId,
        /// The role's name.
        role: String,
    },
    /// Take back a role that was given here.
    RevokeRole {
        /// The user.
        user: UserId,
        /// The role's name.
        role: String,
    },
    /// Define a role, or describe it anew; one that was retired is assigned again.
    DefineRole {
        /// The id that it gets if it is new.
        role: RoleId,
        /// Its name.
        name: String,
        /// What it is for; none: what is said of it already, or nothing.
        description: Option<String>,
    },
    /// Let a role be assigned no more.
    RetireRole {
        /// Its name.
        name: String,
    },
    /// Give a role to whoever is in a group, from now on.
    AddRule {
        /// The id that the rule gets if it is new.
        rule: RuleId,
        /// The group.
        group: GroupId,
        /// The role's name.
        role: String,
    },
    /// Give a role through a rule no more.
    RemoveRule {
        /// The rule.
        rule: RuleId,
    },
    /// Open a tenant: said to the instance's log and then to the tenant's own.
    OpenTenant {
        /// The tenant.
        tenant: TenantId,
        /// Its slug.
        slug: String,
        /// The roles to begin with: id, name, description. Ignored by the instance's log.
        roles: Vec<(RoleId, String, String)>,
    },
    /// Let no identity provider in until further notice.
    SuspendTenant {
        /// Why.
        reason: String,
    },
    /// Let identity providers in again.
    ResumeTenant,
    /// End a tenant for good; its history stays.
    CloseTenant {
        /// Why.
        reason: String,
    },
    /// Say what a tenant is called and who is told of trouble; what is not said stays as it is.
    DescribeTenant {
        /// What people call it.
        title: Option<String>,
        /// Mailboxes that alerts go to.
        alert_addresses: Option<Vec<String>>,
        /// Whether alerts are sent.
        alerts: Option<bool>,
    },
    /// Add a connector.
    AddConnector {
        /// The connector.
        connector: ConnectorId,
        /// Its name.
        name: String,
        /// How it treats what its client sends.
        settings: ConnectorSettings,
        /// Its first key, issued in the same commit.
        key: Option<NewKey>,
    },
    /// Treat what a connector's client sends in another way.
    ChangeConnector {
        /// The connector.
        connector: ConnectorId,
        /// How.
        settings: ConnectorSettings,
        /// The settings that these were made of; none: whichever are there. Others by now, and nothing changes.
        from: Option<Box<ConnectorSettings>>,
    },
    /// Take a connector away that nothing comes from any more.
    RemoveConnector {
        /// The connector.
        connector: ConnectorId,
    },
    /// Let resources of a type carry one more extension.
    AddSchema {
        /// The schema as `/Schemas` would serve it, in JSON.
        document: String,
        /// The resource type's name, as in `User`.
        resource_type: String,
        /// Whether every resource of the type must carry it.
        required: bool,
    },
    /// Write a policy, or write it anew.
    WritePolicy {
        /// The id that it gets if it is new.
        policy: PolicyId,
        /// Its name.
        name: String,
        /// What it says.
        text: String,
        /// The version that it must have.
        expected: Expected,
        /// What it was checked against: [`Directory::policy_ground`](crate::directory::Directory::policy_ground) of then.
        ground: Option<Position>,
    },
    /// Delete a policy.
    DeletePolicy {
        /// Its name.
        name: String,
        /// The version that it must have.
        expected: Expected,
    },
    /// Declare what policies can speak about.
    WritePolicySchema {
        /// The declaration; empty: none.
        text: String,
        /// The version that it must have.
        expected: Expected,
        /// What the policies were checked with it against, as for a policy.
        ground: Option<Position>,
    },
    /// Add an operator; said to the instance's log.
    AddOperator {
        /// The operator.
        operator: OperatorId,
        /// What people call them.
        name: String,
        /// What they may do.
        role: OperatorRole,
    },
    /// Call an operator otherwise, or let them do something else; what is not said stays as it is.
    ChangeOperator {
        /// The operator.
        operator: OperatorId,
        /// What people call them.
        name: Option<String>,
        /// What they may do.
        role: Option<OperatorRole>,
    },
    /// Let an operator do nothing any more, and revoke their keys.
    RemoveOperator {
        /// The operator.
        operator: OperatorId,
    },
    /// Issue a credential.
    IssueCredential {
        /// The credential.
        credential: CredentialId,
        /// Who may show it.
        holder: Holder,
        /// SHA-256 of the secret.
        hash: Hash,
        /// The secret's first characters.
        hint: String,
        /// When it ends.
        expires: Option<Timestamp>,
    },
    /// Issue a credential of any kind, with all that can be said of it.
    AddCredential(Box<NewCredential>),
    /// Issue a credential in place of another, to the same holder and with the same scopes.
    RotateCredential {
        /// The credential that it replaces.
        old: CredentialId,
        /// When the old one ends; none: at once.
        ends: Option<Timestamp>,
        /// The new one.
        credential: CredentialId,
        /// Its secret, of the old one's kind.
        secret: NewSecret,
        /// When it ends.
        expires: Option<Timestamp>,
    },
    /// Issue a key in place of all that its holder has.
    ReplaceKeys {
        /// Who may show it.
        holder: Holder,
        /// The new key.
        key: NewKey,
        /// When the others end; none: at once.
        ends: Option<Timestamp>,
    },
    /// Revoke a credential.
    RevokeCredential {
        /// The credential.
        credential: CredentialId,
    },
}

/// A key that is issued with its holder.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewKey {
    /// The credential.
    pub credential: CredentialId,
    /// SHA-256 of the secret.
    pub hash: Hash,
    /// The secret's first characters.
    pub hint: String,
    /// When it ends.
    pub expires: Option<Timestamp>,
}

/// A credential that is to be issued.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewCredential {
    /// The credential.
    pub credential: CredentialId,
    /// Who may show it.
    pub holder: Holder,
    /// What is known of its secret.
    pub secret: NewSecret,
    /// When it ends.
    pub expires: Option<Timestamp>,
    /// What it opens; none: everything that its holder may.
    pub scopes: Option<Scopes>,
}

/// What is known of a new credential's secret; never the secret.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum NewSecret {
    /// Of a key.
    Key {
        /// SHA-256 of the secret.
        hash: Hash,
        /// The secret's first characters.
        hint: String,
    },
    /// Of anything else.
    Proof(Proof),
}

/// What is to become of a resource.
#[derive(Clone, Debug)]
pub enum Change {
    /// It comes to be.
    Create(Admitted),
    /// It becomes what is given (RFC 7644 §3.5.1).
    Replace {
        /// What it becomes.
        with: Admitted,
        /// The version it must have.
        expected: Expected,
    },
    /// It changes in parts (RFC 7644 §3.5.2).
    Patch {
        /// The parts.
        patch: Patch,
        /// The version it must have.
        expected: Expected,
    },
    /// It goes.
    Delete {
        /// The version it must have.
        expected: Expected,
    },
    /// It goes because what made it could not be finished: to take that back needs no leave.
    Withdraw,
}

/// The version that a resource must have for a change to happen (`If-Match`, RFC 7644 §3.14).
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum Expected {
    /// Whichever.
    #[default]
    Any,
    /// One of these; none at all when the client named no version that can exist.
    OneOf(Vec<Position>),
    /// Any but these (`If-None-Match`).
    NoneOf(Vec<Position>),
    /// None: the resource must not be there (`If-None-Match: *`).
    Absent,
}

impl Expected {
    /// Whether a resource with the version `actual` may change.
    ///
    /// # Errors
    /// [`Rejection::Stale`] when it is another version than those expected; [`Rejection::Unwanted`] when it is one that must not
    /// be there.
    pub fn check(&self, actual: Position) -> Result<(), Rejection> {
        match self {
            Expected::Any => Ok(()),
            Expected::OneOf(versions) if versions.contains(&actual) => Ok(()),
            Expected::NoneOf(versions) if !versions.contains(&actual) => Ok(()),
            Expected::OneOf(_) => Err(Rejection::Stale { actual }),
            Expected::NoneOf(_) | Expected::Absent => Err(Rejection::Unwanted { actual }),
        }
    }
}

/// What a command does to a directory.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Decision {
    /// The events it causes. Empty: nothing to do, nothing written.
    pub events: Vec<Event>,
    /// What was left out, and why: the request was carried out in part.
    pub notices: Vec<Notice>,
    /// What was tolerated in carrying it out, beside what was tolerated in reading it.
    pub quirks: Vec<Quirk>,
    /// What it says of other tenants.
    pub elsewhere: Vec<Elsewhere>,
    /// Whom it turned out to be about, if not about who the command says: somebody was there already.
    pub about: Option<Member>,
}

/// What a request to one tenant says of another one (behaviour C-09).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Elsewhere {
    /// The site host, as the client wrote it.
    pub site: String,
    /// What.
    pub said: Said,
}

/// What is said of a user in another tenant.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Said {
    /// They have this role there.
    Role(String),
    /// Their platform there. It is kept and means nothing.
    Platform(String),
}

/// A part of a request that was not carried out although the rest was.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Notice {
    /// No such role is defined.
    #[error(
        "there is no role `{0}` in this tenant: define it, or correct it at the identity provider"
    )]
    UnknownRole(String),
    /// No such user or group is in the tenant.
    #[error(
        "the member `{0}` is no user or group of this tenant and was left out: push it first, then the group again"
    )]
    UnknownMember(String),
    /// A DELETE was granted and the user is still there.
    #[error(
        "the user was not deleted, only kept from acting, as this connector's `onDelete` says: an operator deletes them"
    )]
    NotDeleted,
    /// The connector's lists let them in or leave them out, and this commit has no room for them.
    #[error("{0} users or groups are still to be moved: say the same settings again")]
    StillToMove(usize),
    /// The connector's lists let them in or leave them out, and they stay where they are.
    #[error(
        "{0} users or groups stay as they were: their name, or a value that must be unique, is taken where they would be, or a \
         group is too large to be moved at once: free it, then say the same settings again"
    )]
    CannotMove(usize),
    /// The connector's mapping changed, and cannot make of this user what it says.
    #[error(
        "the connector's mapping does not apply to this user yet, who stays as they were: {0}; it is tried again with the next write"
    )]
    NotMapped(String),
    /// The role is not assigned any more.
    #[error("the role `{0}` is retired and not assigned any more")]
    RetiredRole(String),
}
