//! Facts: what happened, in the past tense.
//!
//! Variants are added; a released one never changes meaning and never disappears. Their shape on
//! disk is `eventlog`'s matter, their shape in JSON stands in `schemas/events/`.

pub use scim::Mode;
use scim::{Packed, Value};
use serde::{Deserialize, Serialize};

use crate::credential::{Proof, Terms};
use crate::directory::Directory;
use crate::id::{
    ConnectorId, CredentialId, GroupId, OperatorId, PolicyId, RoleId, RuleId, TenantId, UserId,
};
use crate::mapping::MappingRule;
use crate::origin::Source;
use crate::personal::Personal;
use crate::position::{Hash, Position};
use crate::selection::Selection;
use crate::settings::{
    Linking, OnDeactivate, OnDelete, OnReactivate, Permissions, PutWithoutActive,
};
use crate::time::Timestamp;

/// One fact inside a commit.
#[derive(Clone, PartialEq, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "type", rename_all_fields = "camelCase")]
pub enum Event {
    /// A tenant came to be: the first event of its own log, and an entry in the instance's.
    TenantOpened {
        /// The tenant.
        tenant: TenantId,
        /// Its slug, as in `acme`.
        slug: String,
    },
    /// From this position on, no identity provider reads or writes anything of the tenant; operators still do.
    TenantSuspended {
        /// The tenant.
        tenant: TenantId,
        /// Why, in the words of who asked.
        reason: String,
    },
    /// Identity providers are let in again.
    TenantResumed {
        /// The tenant.
        tenant: TenantId,
    },
    /// From this position on, no key opens anything of the tenant, and nothing is written to it but erasures.
    TenantClosed {
        /// The tenant.
        tenant: TenantId,
        /// Why, in the words of who asked.
        reason: String,
    },
    /// Commits that were acknowledged are gone from the end of a log: the disk lost them, and whoever repaired the folder
    /// accepted that. What follows takes their positions.
    CommitsLost {
        /// Whose log.
        tenant: TenantId,
        /// The first position that is gone.
        from: Position,
        /// The last position that is known to have been there.
        to: Position,
    },
    /// What a tenant is called, and who is told when something goes wrong in it.
    TenantDescribed {
        /// The tenant.
        tenant: TenantId,
        /// What people call it.
        title: String,
        /// Mailboxes that alerts go to.
        alert_addresses: Vec<String>,
        /// Whether alerts are sent.
        alerts: bool,
    },
    /// An operator was added to the instance.
    OperatorAdded {
        /// The operator.
        operator: OperatorId,
        /// What people call them.
        name: String,
        /// What they may do; not said: everything, as it was before there were roles.
        #[serde(default, skip_serializing_if = "is_default")]
        role: OperatorRole,
    },
    /// An operator is called otherwise, or may do something else, from this position on.
    OperatorChanged {
        /// The operator.
        operator: OperatorId,
        /// What people call them.
        name: String,
        /// What they may do.
        role: OperatorRole,
    },
    /// An operator may do nothing any more; their keys were revoked before, in the same commit.
    OperatorRemoved {
        /// The operator.
        operator: OperatorId,
    },
    /// A connector was added to a tenant.
    ConnectorAdded {
        /// The connector.
        connector: ConnectorId,
        /// Its name, unique in the tenant.
        name: String,
        /// How it treats what its client sends.
        settings: ConnectorSettings,
    },
    /// A connector treats what its client sends in another way from this position on.
    ConnectorChanged {
        /// The connector.
        connector: ConnectorId,
        /// How, from this position on.
        settings: ConnectorSettings,
    },
    /// A connector was removed; its keys were revoked before, in the same commit. Its name is free again.
    ConnectorRemoved {
        /// The connector.
        connector: ConnectorId,
    },
    /// Resources of a type may carry one more extension (RFC 7643 §3.3).
    SchemaAdded {
        /// Its URN.
        urn: String,
        /// The resource type's name, as in `User`.
        resource_type: String,
        /// Whether every resource of the type must carry it.
        required: bool,
        /// The schema as `/Schemas` serves it, in JSON.
        document: String,
    },
    /// A credential was issued. Its secret is shown once and never stored.
    CredentialIssued {
        /// The credential.
        credential: CredentialId,
        /// Who may show it.
        holder: Holder,
        /// SHA-256 of the secret.
        hash: Hash,
        /// The secret's first characters, to tell keys apart.
        hint: String,
        /// When it ends; none: when it is revoked.
        expires: Option<Timestamp>,
        /// What else was said.
        #[serde(flatten)]
        terms: Terms,
    },
    /// A credential was issued that is no key: a user name and a password, or a public key.
    CredentialRegistered {
        /// The credential.
        credential: CredentialId,
        /// Who may show it.
        holder: Holder,
        /// How they prove that they may.
        #[serde(serialize_with = "Proof::told")]
        #[cfg_attr(test, schemars(with = "crate::credential::ToldProof"))]
        proof: Proof,
        /// When it ends; none: when it is revoked.
        expires: Option<Timestamp>,
        /// What else was said.
        #[serde(flatten)]
        terms: Terms,
    },
    /// A credential was given an end: another was issued in its place.
    CredentialEnds {
        /// The credential.
        credential: CredentialId,
        /// From when on it opens nothing.
        at: Timestamp,
    },
    /// A credential was revoked; it opens nothing from this position on.
    CredentialRevoked {
        /// The credential.
        credential: CredentialId,
    },
    /// A role that users may have was defined, or described anew.
    RoleDefined {
        /// The role.
        role: RoleId,
        /// Its name: what clients send as `roles[].value`. It never changes.
        name: String,
        /// What it is for.
        description: String,
    },
    /// A role can no longer be assigned; those who have it keep it until it is revoked.
    RoleRetired {
        /// The role.
        role: RoleId,
    },
    /// A user came to be.
    UserCreated {
        /// The user.
        user: UserId,
        /// Whether they may do anything at all.
        active: bool,
        /// The connector that manages the user; none: managed here.
        managed_by: Option<ConnectorId>,
        /// Name, external id and attributes.
        personal: Personal<NewUser>,
    },
    /// A user got another `userName`.
    UserRenamed {
        /// The user.
        user: UserId,
        /// The names.
        personal: Personal<Renamed>,
    },
    /// A user may act again.
    UserActivated {
        /// The user.
        user: UserId,
    },
    /// A user may do nothing from this position on.
    UserDeactivated {
        /// The user.
        user: UserId,
    },
    /// A connector manages a user from this position on who was managed here.
    UserLinked {
        /// The user.
        user: UserId,
        /// The connector.
        connector: ConnectorId,
    },
    /// A connector manages a user no more: they are managed here from this position on.
    UserReleased {
        /// The user.
        user: UserId,
        /// The connector.
        connector: ConnectorId,
    },
    /// A user may do nothing from this position on, whatever their identity provider says.
    UserLocked {
        /// The user.
        user: UserId,
        /// Why, in the words of who asked.
        reason: Personal<String>,
    },
    /// A user may act again if their identity provider says so.
    UserUnlocked {
        /// The user.
        user: UserId,
    },
    /// Attributes of a user changed.
    UserAttributesChanged {
        /// The user.
        user: UserId,
        /// What changed, each with its value before and after. A path `written:…` is what the connector wrote where its mapping
        /// made something else of it, `written` the position of that mapping. `active` is among it where it became
        /// assigned or unassigned; the right to act changes by `UserActivated` and
        /// `UserDeactivated` alone.
        personal: Personal<Vec<AttributeChange>>,
    },
    /// A user is ignored from this position on: the connector that brought them sees them, and nobody else. What
    /// follows about them is of the same kind; of one who was there for all, roles and memberships ended before, in the same
    /// commit.
    UserIgnored {
        /// The user.
        user: UserId,
        /// The connector whose lists leave them out.
        connector: ConnectorId,
    },
    /// A user is there for all from this position on.
    UserNoticed {
        /// The user.
        user: UserId,
        /// The connector that brought them.
        connector: ConnectorId,
    },
    /// A group is ignored from this position on: the connector that brought it sees it, and nobody else.
    GroupIgnored {
        /// The group.
        group: GroupId,
        /// The connector whose lists leave it out.
        connector: ConnectorId,
    },
    /// A group is there for all from this position on.
    GroupNoticed {
        /// The group.
        group: GroupId,
        /// The connector that brought it.
        connector: ConnectorId,
    },
    /// A user was deleted; their roles and memberships ended before, in the same commit.
    UserDeleted {
        /// The user.
        user: UserId,
    },
    /// A deleted person's values were destroyed, in every moment of the past as well.
    UserErased {
        /// The user.
        user: UserId,
        /// Why, in the words of who asked.
        reason: String,
    },
    /// A user has a role from this position on, through this source.
    RoleAssigned {
        /// The user.
        user: UserId,
        /// The role.
        role: RoleId,
        /// Where it comes from.
        source: Source,
        /// How the client wrote it beside its value: its own words, so they may hold anything.
        wording: Personal<RoleWording>,
    },
    /// A source no longer gives a user a role.
    RoleRevoked {
        /// The user.
        user: UserId,
        /// The role.
        role: RoleId,
        /// Which source took it back.
        source: Source,
    },
    /// Whoever is in a group, directly or through groups inside it, has a role from this position on, through this rule.
    RuleAdded {
        /// The rule.
        rule: RuleId,
        /// The group.
        group: GroupId,
        /// The role.
        role: RoleId,
    },
    /// A rule gives nothing any more; what it gave ended before, in the same commit.
    RuleRemoved {
        /// The rule.
        rule: RuleId,
        /// Its group: who asks for the group's history must not miss it.
        group: GroupId,
        /// Its role.
        role: RoleId,
    },
    /// A group came to be, without members.
    GroupCreated {
        /// The group.
        group: GroupId,
        /// Its name.
        display_name: String,
        /// The connector that manages the group; none: managed here.
        managed_by: Option<ConnectorId>,
        /// The client's id for it, in the words of the connector that created it.
        external_id: Option<String>,
        /// Everything else.
        #[cfg_attr(test, schemars(with = "serde_json::Map<String, serde_json::Value>"))]
        attributes: Packed,
    },
    /// A connector manages a group from this position on that another one had released.
    GroupLinked {
        /// The group.
        group: GroupId,
        /// The connector.
        connector: ConnectorId,
    },
    /// A connector manages a group no more: it is managed here from this position on.
    GroupReleased {
        /// The group.
        group: GroupId,
        /// The connector.
        connector: ConnectorId,
    },
    /// A group got another name.
    GroupRenamed {
        /// The group.
        group: GroupId,
        /// The name before.
        from: String,
        /// The name from this position on.
        to: String,
    },
    /// Other attributes of a group changed.
    GroupAttributesChanged {
        /// The group.
        group: GroupId,
        /// What changed.
        changes: Vec<AttributeChange>,
    },
    /// A member is in a group from this position on, through this source.
    GroupMemberAdded {
        /// The group.
        group: GroupId,
        /// Who.
        member: Member,
        /// Where the membership comes from.
        source: Source,
    },
    /// A source no longer holds a member in a group.
    GroupMemberRemoved {
        /// The group.
        group: GroupId,
        /// Who.
        member: Member,
        /// Which source took it back.
        source: Source,
    },
    /// A membership that ended with its user's right to act will not come back with it: its source took it back meanwhile.
    MembershipForgotten {
        /// The group.
        group: GroupId,
        /// Who.
        member: Member,
        /// Which source took it back.
        source: Source,
    },
    /// A group was deleted; its memberships ended before, in the same commit.
    GroupDeleted {
        /// The group.
        group: GroupId,
    },
    /// A policy was written.
    PolicyCreated {
        /// The policy.
        policy: PolicyId,
        /// Its name.
        name: String,
        /// Its text.
        text: String,
    },
    /// A policy's text changed.
    PolicyChanged {
        /// The policy.
        policy: PolicyId,
        /// The text from this position on.
        text: String,
    },
    /// A policy was deleted.
    PolicyDeleted {
        /// The policy.
        policy: PolicyId,
    },
    /// What the tenant's policies can speak about was declared anew.
    PolicySchemaChanged {
        /// The actions and types of resources of the tenant's applications, in Cedar's schema language; empty: none.
        text: String,
    },
}

/// What an operator may do: each role everything that those before it may, and more.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum OperatorRole {
    /// Reads everything but the keys that persons' values are sealed under, and changes nothing.
    Auditor,
    /// Administers tenants.
    Operator,
    /// Also manages operators and closes tenants. What every operator was before there were roles.
    #[default]
    Owner,
}

impl OperatorRole {
    /// Every role, the least first.
    pub const ALL: [OperatorRole; 3] =
        [OperatorRole::Auditor, OperatorRole::Operator, OperatorRole::Owner];

    /// Its name, as in `auditor`.
    pub const fn name(self) -> &'static str {
        match self {
            OperatorRole::Auditor => "auditor",
            OperatorRole::Operator => "operator",
            OperatorRole::Owner => "owner",
        }
    }
}

/// Who may show a credential.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum Holder {
    /// A connector's client.
    Connector(ConnectorId),
    /// An operator.
    Operator(OperatorId),
    /// A user, for themselves.
    User(UserId),
}

/// How a connector treats what its client sends.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ConnectorSettings {
    /// The kind of client, as in `okta`.
    pub preset: String,
    /// How strictly its requests are read.
    #[cfg_attr(test, schemars(with = "String"))]
    pub mode: Mode,
    /// Whether its credentials open anything.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub enabled: bool,
    /// Whether its credentials open the User and Role Management API (behaviour C-16).
    #[serde(default, skip_serializing_if = "is_default")]
    pub management_api: bool,
    /// The path of an attribute in which it writes roles as one text (behaviour C-07), as in
    /// `urn:example:params:scim:schemas:extension:site:2.0:User:roles`.
    #[serde(default, skip_serializing_if = "is_default")]
    pub roles_attribute: Option<String>,
    /// The path of an attribute whose text has a part for each tenant (behaviour C-09).
    #[serde(default, skip_serializing_if = "is_default")]
    pub platform_attribute: Option<String>,
    /// The tenants, by slug, of which it may say something (behaviour C-09), where one of their connectors is granted to it.
    #[serde(default, skip_serializing_if = "is_default")]
    pub granted_tenants: Vec<String>,
    /// The connector of another tenant that may give roles here, as `SLUG/NAME` (behaviour C-09): what it says of this tenant is
    /// done through this connector.
    #[serde(default, skip_serializing_if = "is_default")]
    pub granted_to: Option<String>,
    /// `""` written to an optional attribute unassigns it (L-13).
    #[serde(default, skip_serializing_if = "is_default")]
    pub empty_unassigns: bool,
    /// What a PATCH is answered with.
    #[serde(default, skip_serializing_if = "is_default")]
    pub patch_answer: PatchAnswer,
    /// Whether the tenant's roles are published as resources, and in which form.
    #[serde(default, skip_serializing_if = "is_default")]
    pub catalogue: RoleCatalogue,
    /// What becomes of a write that names members whom nobody knows.
    #[serde(default, skip_serializing_if = "is_default")]
    pub unknown_members: UnknownMembers,
    /// What it may do.
    #[serde(default, skip_serializing_if = "is_default")]
    pub permissions: Permissions,
    /// What becomes of the memberships of a user whom it deactivates.
    #[serde(default, skip_serializing_if = "is_default")]
    pub on_deactivate: OnDeactivate,
    /// What becomes of those when it reactivates the user.
    #[serde(default, skip_serializing_if = "is_default")]
    pub on_reactivate: OnReactivate,
    /// What its DELETE of a user does.
    #[serde(default, skip_serializing_if = "is_default")]
    pub on_delete: OnDelete,
    /// What its PUT without `active` means.
    #[serde(default, skip_serializing_if = "is_default")]
    pub put_without_active: PutWithoutActive,
    /// Whether it only adds attributes to users who come from elsewhere.
    #[serde(default, skip_serializing_if = "is_default")]
    pub attribute_only: bool,
    /// Which users who are managed here it takes over when it pushes them.
    #[serde(default, skip_serializing_if = "is_default")]
    pub linking: Linking,
    /// Which attribute that it writes feeds which attribute of a user; what is not named feeds itself.
    #[serde(default, skip_serializing_if = "is_default")]
    pub mapping: Vec<MappingRule>,
    /// Who and what is brought in; empty: everybody and everything. All others are ignored.
    #[serde(default, skip_serializing_if = "is_default")]
    pub include: Selection,
    /// Who and what is ignored although it would be brought in.
    #[serde(default, skip_serializing_if = "is_default")]
    pub exclude: Selection,
}

/// What becomes of a write to a group that names members who are no users or groups of the tenant.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum UnknownMembers {
    /// It is refused as a whole.
    #[default]
    Refuse,
    /// They are left out and reported in the refusal journal, the rest is carried out: some clients send memberships in
    /// batches, do not repeat what was refused, and one person who is not there yet would keep all others out.
    Report,
}

/// The form in which a connector publishes the tenant's roles at `/Roles`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum RoleCatalogue {
    /// It does not: the names of the draft may still change, and some clients write to whatever type they find.
    #[default]
    None,
    /// As draft-ietf-scim-roles-entitlements-01 has it; what is not published is refused.
    Draft,
    /// As Okta reads it when entitlement management is on.
    Okta,
}

/// What a successful PATCH is answered with (RFC 7644 §3.5.2 leaves it to the server), unless the request asks for attributes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum PatchAnswer {
    /// 200 with the user; 204 for a group, whose members may be many.
    #[default]
    Standard,
    /// 200 with the resource, whichever.
    Resource,
}

const fn yes() -> bool {
    true
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
const fn is_yes(flag: &bool) -> bool {
    *flag
}

impl ConnectorSettings {
    /// What a connector is that nobody set up in any other way.
    pub fn new(preset: impl Into<String>, mode: Mode) -> Self {
        Self {
            preset: preset.into(),
            mode,
            enabled: true,
            management_api: false,
            roles_attribute: None,
            platform_attribute: None,
            granted_tenants: Vec::new(),
            granted_to: None,
            empty_unassigns: false,
            patch_answer: PatchAnswer::default(),
            catalogue: RoleCatalogue::default(),
            unknown_members: UnknownMembers::default(),
            permissions: Permissions::default(),
            on_deactivate: OnDeactivate::default(),
            on_reactivate: OnReactivate::default(),
            on_delete: OnDelete::default(),
            put_without_active: PutWithoutActive::default(),
            attribute_only: false,
            linking: Linking::default(),
            mapping: Vec::new(),
            include: Selection::default(),
            exclude: Selection::default(),
        }
    }
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// What a user is made of, beside whether they are active and the roles they have.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct NewUser {
    /// The name, as the client wrote it.
    pub user_name: String,
    /// The client's id for the user, in the words of the connector that created them.
    pub external_id: Option<String>,
    /// Everything else.
    #[cfg_attr(test, schemars(with = "serde_json::Map<String, serde_json::Value>"))]
    pub attributes: Packed,
}

/// A user's name before and after.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Renamed {
    /// The name before.
    pub from: String,
    /// The name from this position on.
    pub to: String,
}

/// One attribute's change.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct AttributeChange {
    /// The attribute: `title`, `name.givenName`, or an extension's with its URN and a colon before it.
    pub path: String,
    /// Its value before; none: it was unassigned.
    #[cfg_attr(test, schemars(with = "serde_json::Value"))]
    pub old: Option<Value>,
    /// Its value from this position on; none: it is unassigned.
    #[cfg_attr(test, schemars(with = "serde_json::Value"))]
    pub new: Option<Value>,
}

/// What a client wrote beside a role's value; it gets it back as it wrote it.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct RoleWording {
    /// `display`.
    pub display: Option<String>,
    /// `type`.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// `primary`.
    pub primary: Option<bool>,
}

/// Who can be in a group.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum Member {
    /// A user.
    User(UserId),
    /// A group, with all who are in it.
    Group(GroupId),
}

/// The kinds of events after which a user may do nothing any more, if [`Event::revokes_session`] says so of them.
pub(crate) const SESSION_REVOKED: [EventKind; 4] = [
    EventKind::UserDeactivated,
    EventKind::UserLocked,
    EventKind::UserDeleted,
    EventKind::UserIgnored,
];

/// Who or what can act no more, or is given no more.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Ended {
    /// It.
    pub subject: Subject,
    /// What it was called.
    pub name: Option<String>,
    /// What became of it, as in `deactivated`.
    pub how: &'static str,
}

/// What becomes of whom the lists of the connector that manages them leave out.
const IGNORED: &str = "left out by its connector's lists";

/// What a commit can be about.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub enum Subject {
    /// The tenant itself.
    Tenant(TenantId),
    /// A user.
    User(UserId),
    /// A group.
    Group(GroupId),
    /// A role.
    Role(RoleId),
    /// A policy.
    Policy(PolicyId),
    /// A connector.
    Connector(ConnectorId),
    /// A credential.
    Credential(CredentialId),
    /// An operator.
    Operator(OperatorId),
}

impl From<Member> for Subject {
    fn from(member: Member) -> Self {
        match member {
            Member::User(user) => Subject::User(user),
            Member::Group(group) => Subject::Group(group),
        }
    }
}

impl From<Holder> for Subject {
    fn from(holder: Holder) -> Self {
        match holder {
            Holder::Connector(connector) => Subject::Connector(connector),
            Holder::Operator(operator) => Subject::Operator(operator),
            Holder::User(user) => Subject::User(user),
        }
    }
}

macro_rules! kinds {
    ($($number:literal $name:ident,)*) => {
        /// What kind of fact an event is. The number is what stands on disk; it is never reused.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
        #[repr(u8)]
        pub enum EventKind {
            $(#[doc = concat!("[`Event::", stringify!($name), "`]")] $name = $number,)*
        }

        impl EventKind {
            /// Every kind, by number.
            pub const ALL: &[EventKind] = &[$(EventKind::$name,)*];

            /// The kind's name, as in `RoleAssigned`.
            pub const fn name(self) -> &'static str {
                match self { $(EventKind::$name => stringify!($name),)* }
            }

            /// The kind's number on disk, below 64.
            pub const fn number(self) -> u8 {
                self as u8
            }

            /// The kind with this number, if this release knows it.
            pub const fn from_number(number: u8) -> Option<EventKind> {
                match number { $($number => Some(EventKind::$name),)* _ => None }
            }
        }

        impl Event {
            /// What kind of fact this is.
            pub const fn kind(&self) -> EventKind {
                match self { $(Event::$name { .. } => EventKind::$name,)* }
            }
        }
    };
}

kinds! {
    1 TenantOpened,
    2 OperatorAdded,
    3 ConnectorAdded,
    4 CredentialIssued,
    5 CredentialRevoked,
    6 RoleDefined,
    7 RoleRetired,
    8 ConnectorChanged,
    9 SchemaAdded,
    10 UserCreated,
    11 UserRenamed,
    12 UserActivated,
    13 UserDeactivated,
    14 UserAttributesChanged,
    15 UserDeleted,
    16 UserErased,
    17 TenantSuspended,
    18 TenantResumed,
    19 TenantClosed,
    20 RoleAssigned,
    21 RoleRevoked,
    22 RuleAdded,
    23 RuleRemoved,
    24 TenantDescribed,
    25 OperatorChanged,
    26 OperatorRemoved,
    27 UserLinked,
    28 UserLocked,
    29 UserUnlocked,
    30 GroupCreated,
    31 GroupRenamed,
    32 GroupAttributesChanged,
    33 GroupMemberAdded,
    34 GroupMemberRemoved,
    35 GroupDeleted,
    36 UserReleased,
    37 GroupReleased,
    38 GroupLinked,
    40 PolicyCreated,
    41 PolicyChanged,
    42 PolicyDeleted,
    43 PolicySchemaChanged,
    44 CredentialEnds,
    45 CredentialRegistered,
    46 UserIgnored,
    47 UserNoticed,
    48 GroupIgnored,
    49 GroupNoticed,
    52 ConnectorRemoved,
    53 MembershipForgotten,
    54 CommitsLost,
}

/// Text that names no kind of event.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an event type; `RoleAssigned` and `UserCreated` are two that exist")]
pub struct NotAKind(String);

impl std::str::FromStr for EventKind {
    type Err = NotAKind;

    /// By name, without regard to case.
    fn from_str(text: &str) -> Result<Self, NotAKind> {
        EventKind::ALL
            .iter()
            .copied()
            .find(|kind| kind.name().eq_ignore_ascii_case(text))
            .ok_or_else(|| NotAKind(text.to_owned()))
    }
}

impl Event {
    /// Calls `f` with everything this event is about.
    pub fn each_subject(&self, mut f: impl FnMut(Subject)) {
        match self {
            Event::TenantOpened { tenant, .. }
            | Event::TenantSuspended { tenant, .. }
            | Event::TenantResumed { tenant }
            | Event::TenantClosed { tenant, .. }
            | Event::CommitsLost { tenant, .. }
            | Event::TenantDescribed { tenant, .. } => f(Subject::Tenant(*tenant)),
            Event::OperatorAdded { operator, .. }
            | Event::OperatorChanged { operator, .. }
            | Event::OperatorRemoved { operator } => f(Subject::Operator(*operator)),
            Event::ConnectorAdded { connector, .. }
            | Event::ConnectorChanged { connector, .. }
            | Event::ConnectorRemoved { connector } => f(Subject::Connector(*connector)),
            Event::SchemaAdded { .. } | Event::PolicySchemaChanged { .. } => {}
            Event::CredentialIssued { credential, holder, .. }
            | Event::CredentialRegistered { credential, holder, .. } => {
                f(Subject::Credential(*credential));
                f((*holder).into());
            }
            Event::CredentialRevoked { credential } | Event::CredentialEnds { credential, .. } => {
                f(Subject::Credential(*credential));
            }
            Event::RoleDefined { role, .. } | Event::RoleRetired { role } => {
                f(Subject::Role(*role));
            }
            Event::UserCreated { user, .. }
            | Event::UserRenamed { user, .. }
            | Event::UserActivated { user }
            | Event::UserDeactivated { user }
            | Event::UserLocked { user, .. }
            | Event::UserUnlocked { user }
            | Event::UserAttributesChanged { user, .. }
            | Event::UserDeleted { user }
            | Event::UserErased { user, .. } => f(Subject::User(*user)),
            Event::RoleAssigned { user, role, .. } | Event::RoleRevoked { user, role, .. } => {
                f(Subject::User(*user));
                f(Subject::Role(*role));
            }
            Event::RuleAdded { group, role, .. } | Event::RuleRemoved { group, role, .. } => {
                f(Subject::Group(*group));
                f(Subject::Role(*role));
            }
            Event::GroupCreated { group, .. }
            | Event::GroupRenamed { group, .. }
            | Event::GroupAttributesChanged { group, .. }
            | Event::GroupDeleted { group } => f(Subject::Group(*group)),
            Event::UserLinked { user, connector } | Event::UserReleased { user, connector } => {
                f(Subject::User(*user));
                f(Subject::Connector(*connector));
            }
            Event::GroupLinked { group, connector } | Event::GroupReleased { group, connector } => {
                f(Subject::Group(*group));
                f(Subject::Connector(*connector));
            }
            Event::UserIgnored { user, connector } | Event::UserNoticed { user, connector } => {
                f(Subject::User(*user));
                f(Subject::Connector(*connector));
            }
            Event::GroupIgnored { group, connector } | Event::GroupNoticed { group, connector } => {
                f(Subject::Group(*group));
                f(Subject::Connector(*connector));
            }
            Event::GroupMemberAdded { group, member, .. }
            | Event::GroupMemberRemoved { group, member, .. }
            | Event::MembershipForgotten { group, member, .. } => {
                f(Subject::Group(*group));
                f((*member).into());
            }
            Event::PolicyCreated { policy, .. }
            | Event::PolicyChanged { policy, .. }
            | Event::PolicyDeleted { policy } => f(Subject::Policy(*policy)),
        }
    }

    /// Who or what can act no more, or is given no more, from this event on, and the word for it: whatever names it is to be
    /// looked after.
    ///
    /// `before` says what it was called.
    pub fn ends(&self, before: &Directory) -> Option<Ended> {
        let user = |id: UserId, how| {
            let name = before.users.get(id).map(|user| user.user_name.to_string());
            Some(Ended { subject: Subject::User(id), name, how })
        };
        let group = |id: GroupId, how| {
            let name = before.groups.get(id).map(|group| group.display_name.to_string());
            Some(Ended { subject: Subject::Group(id), name, how })
        };
        if let Event::UserDeactivated { user: id } = self {
            user(*id, "deactivated")
        } else if let Event::UserLocked { user: id, .. } = self {
            user(*id, "locked")
        } else if let Event::UserDeleted { user: id } = self {
            user(*id, "deleted")
        } else if let Event::UserIgnored { user: id, .. } = self {
            // Who is new was never there for all.
            user(*id, IGNORED).filter(|ended| ended.name.is_some())
        } else if let Event::GroupIgnored { group: id, .. } = self {
            group(*id, IGNORED).filter(|ended| ended.name.is_some())
        } else if let Event::GroupDeleted { group: id } = self {
            group(*id, "deleted")
        } else if let Event::RoleRetired { role } = self {
            let name = before.roles.get(*role).map(|role| role.name.clone());
            Some(Ended { subject: Subject::Role(*role), name, how: "retired" })
        } else {
            None
        }
    }

    /// Whether a user may do nothing any more from this event on, which is in a commit with `events`: whoever holds a session
    /// of theirs ends it (behaviour C-14).
    pub fn revokes_session(&self, events: &[Event]) -> bool {
        let Event::UserIgnored { user: left_out, .. } = self else {
            return SESSION_REVOKED.contains(&self.kind());
        };
        // Who is left out from the beginning never had one.
        !events
            .iter()
            .any(|event| matches!(event, Event::UserCreated { user, .. } if user == left_out))
    }

    /// Who came into a group or left it, if that is what happened.
    pub fn joining(&self) -> Option<Member> {
        if let Event::GroupMemberAdded { member, .. } | Event::GroupMemberRemoved { member, .. } =
            self
        {
            return Some(*member);
        }
        None
    }

    /// Calls `f` with the path of each attribute that changed and is named; of a person who was erased nobody knows them.
    pub fn each_path(&self, mut f: impl FnMut(&str)) {
        let changes = if let Event::UserAttributesChanged { personal, .. } = self {
            personal.known().map_or(&[][..], Vec::as_slice)
        } else if let Event::GroupAttributesChanged { changes, .. } = self {
            changes.as_slice()
        } else {
            &[]
        };
        changes.iter().for_each(|change| f(&change.path));
    }

    /// Whether this event is about `subject`.
    pub fn is_about(&self, subject: Subject) -> bool {
        let mut found = false;
        self.each_subject(|s| found |= s == subject);
        found
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::path::Path;

    use serde_json::{Value as Json, json};

    use super::*;

    #[test]
    fn numbers_and_names_lead_back_to_their_kind() {
        for kind in EventKind::ALL {
            assert_eq!(EventKind::from_number(kind.number()), Some(*kind));
            assert_eq!(kind.name().to_lowercase().parse(), Ok(*kind));
            assert!(kind.number() < 64, "{kind:?} does not fit the trail's bits");
        }
        assert_eq!(EventKind::from_number(63), None);
    }

    /// What events look like in JSON is a promise: `schemas/events/` holds it, one file a kind.
    /// `UPDATE_SCHEMAS=1 cargo test -p domain` writes what a new kind or field needs; a released
    /// field neither goes nor changes its meaning.
    #[test]
    fn every_kind_has_its_schema_and_there_is_no_other() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../schemas/events");
        let mut expected = BTreeMap::new();
        for (kind, mut schema) in schemas() {
            schema.sort_all_objects();
            expected.insert(format!("{kind}.json"), format!("{schema:#}\n"));
        }
        if std::env::var_os("UPDATE_SCHEMAS").is_some() {
            for (name, text) in &expected {
                std::fs::write(folder.join(name), text).unwrap();
            }
        }
        let mut there = BTreeMap::new();
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            there.insert(name, std::fs::read_to_string(path).unwrap());
        }
        assert_eq!(there.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>());
        for (name, text) in &expected {
            assert_eq!(&there[name], text, "{name} does not say what the code does");
        }
    }

    /// The schema of each kind, with the definitions that it needs.
    fn schemas() -> BTreeMap<String, Json> {
        let whole = serde_json::to_value(schemars::schema_for!(Event)).unwrap();
        let definitions = whole["$defs"].as_object().unwrap();
        let mut schemas = BTreeMap::new();
        for variant in whole["oneOf"].as_array().unwrap() {
            let kind = variant["properties"]["type"]["const"].as_str().unwrap().to_owned();
            let mut schema = variant.clone();
            schema["$schema"] = json!("https://json-schema.org/draft/2020-12/schema");
            schema["title"] = json!(kind);
            let mut needed = BTreeMap::new();
            collect(variant, definitions, &mut needed);
            if !needed.is_empty() {
                schema["$defs"] = json!(needed);
            }
            schemas.insert(kind, schema);
        }
        let kinds: Vec<&str> = EventKind::ALL.iter().map(|kind| kind.name()).collect();
        assert!(kinds.iter().all(|kind| schemas.contains_key(*kind)), "{kinds:?}");
        schemas
    }

    fn collect(
        schema: &Json,
        definitions: &serde_json::Map<String, Json>,
        needed: &mut BTreeMap<String, Json>,
    ) {
        match schema {
            Json::Object(members) => {
                let reference = members.get("$ref").and_then(Json::as_str).unwrap_or_default();
                if let Some(name) = reference.strip_prefix("#/$defs/")
                    && needed.insert(name.to_owned(), definitions[name].clone()).is_none()
                {
                    collect(&definitions[name], definitions, needed);
                }
                members.values().for_each(|member| collect(member, definitions, needed));
            }
            Json::Array(items) => items.iter().for_each(|i| collect(i, definitions, needed)),
            Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => {}
        }
    }
}
