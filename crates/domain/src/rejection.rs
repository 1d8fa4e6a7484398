//! Why a wish is not granted: the client's fault, in words it can act on.

use std::borrow::Cow;

use scim::Invalid;

use crate::position::Position;
use crate::settings::Permission;

/// Why a command causes nothing.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Rejection {
    /// There is no such thing, or no longer.
    #[error("there is no {kind} `{id}`")]
    NotFound {
        /// What was looked for, as in `user`.
        kind: &'static str,
        /// The id or name as the client gave it.
        id: String,
    },
    /// A value that must be unique is taken.
    #[error("`{value}` is already taken as {attribute} by another {kind}: {remedy}")]
    Taken {
        /// What has it, as in `user`.
        kind: &'static str,
        /// The attribute, as in `userName`.
        attribute: Cow<'static, str>,
        /// The value as the client wrote it.
        value: String,
        /// What to do.
        remedy: &'static str,
    },
    /// No group is called so, and none will be: the one with this name is built in.
    #[error(
        "the group `{name}` is built in: everybody who may act is in it and nobody manages it; choose another name"
    )]
    BuiltIn {
        /// The name as the client wrote it.
        name: String,
    },
    /// Something else needs it as it is.
    #[error("the {kind} `{name}` is needed by {by}: {remedy}")]
    InUse {
        /// What is needed, as in `role`.
        kind: &'static str,
        /// Its name.
        name: String,
        /// What needs it.
        by: &'static str,
        /// What to do.
        remedy: &'static str,
    },
    /// Nobody could manage operators any more.
    #[error(
        "`{name}` is the last owner with a key that has no end: make another operator an owner, and give them a key, first"
    )]
    LastOwner {
        /// The operator's name.
        name: String,
    },
    /// The tenant takes nothing from identity providers at present.
    #[error("the tenant is suspended: nothing is read or written until its operator resumes it")]
    Suspended,
    /// The tenant takes nothing any more.
    #[error("the tenant is closed: nothing is written to it any more but erasures of persons")]
    Closed,
    /// An identity provider manages it: what it says there would undo what is said here.
    #[error("the {kind} `{name}` is managed by the connector `{by}`: {remedy}")]
    Managed {
        /// What it is, as in `user`.
        kind: &'static str,
        /// Its name.
        name: String,
        /// The connector's name.
        by: String,
        /// What to do.
        remedy: &'static str,
    },
    /// `If-Match` names another version than the one that is there.
    #[error(
        "the resource is at version {actual}, not at the one that `If-Match` names: read it again, then repeat the request"
    )]
    Stale {
        /// The version that is there.
        actual: Position,
    },
    /// The resource has a version that `If-None-Match` rules out.
    #[error(
        "the resource is at version {actual}, which `If-None-Match` rules out: leave the condition out, or read it again"
    )]
    Unwanted {
        /// The version that is there.
        actual: Position,
    },
    /// The connector may not do this.
    #[error("the connector `{connector}` may not do this: {why}")]
    Forbidden {
        /// The connector's name.
        connector: String,
        /// What is in the way, and what to do.
        why: Forbidden,
    },
    /// What a change was made of is not there any more: somebody else changed it meanwhile.
    #[error("the {kind} `{name}` was changed meanwhile: read it again, then repeat the request")]
    Overtaken {
        /// What was changed, as in `connector`.
        kind: &'static str,
        /// Its name.
        name: String,
    },
    /// The resource that the request would make breaks a rule of the protocol.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// The commit would be larger than a commit may be.
    #[error("the request changes {events} things at once, more than {limit}: {remedy}")]
    TooLarge {
        /// How many events it would cause.
        events: usize,
        /// How many a commit may hold.
        limit: usize,
        /// What to do.
        remedy: &'static str,
    },
}

/// What in a connector's settings is in the way of a request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Forbidden {
    /// A workflow is off.
    #[error(
        "{} off. Switch it on here, or leave it out at the identity provider",
        listed(.0)
    )]
    Permissions(Vec<Permission>),
    /// It changes attributes of users and nothing else.
    #[error(
        "it only adds attributes to users who come from elsewhere (`attributeOnly`). Let what they come from do this, or \
         switch the setting off"
    )]
    AttributeOnly,
    /// It deletes nobody, and leaves nobody the right to act who was to be deleted.
    #[error(
        "it deletes nobody (`onDelete` is `refuse`), and this user is still active. Deactivate them first, or delete them here"
    )]
    Deletion,
    /// It is switched off.
    #[error("it is switched off. `rollbook connector enable` switches it on again")]
    Disabled,
}

fn listed(missing: &[Permission]) -> String {
    let names: Vec<String> = missing.iter().map(|one| format!("`{one}`")).collect();
    match names.as_slice() {
        [one] => format!("the permission {one} is"),
        several => format!("the permissions {} are", several.join(" and ")),
    }
}
