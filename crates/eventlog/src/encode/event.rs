//! One event's bytes: an explicit shape per kind and version. What is written here stays: a kind
//! that needs another shape gets another version, and the old one is still read.

use domain::credential::Terms;
use domain::event::{
    AttributeChange, ConnectorSettings, Event, EventKind, Holder, Member, Mode, NewUser,
    OperatorRole, PatchAnswer, Renamed, RoleCatalogue, RoleWording, UnknownMembers,
};
use domain::id::{ConnectorId, GroupId, OperatorId, RuleId, UserId};
use domain::origin::Source;
use domain::personal::Personal;

use serde_bytes::ByteBuf;

use super::{SealError, read, unwritable, write};
use crate::broken::Broken;

/// Changes of attributes as tuples and back; macros, because a value's type has no name here.
macro_rules! wire {
    ($changes:expr) => {
        $changes
            .iter()
            .map(|AttributeChange { path, old, new }| (path, old, new))
            .collect::<Vec<_>>()
    };
}
macro_rules! unwire {
    ($changes:expr) => {{
        let changes: Vec<_> = $changes;
        changes.into_iter().map(|(path, old, new)| AttributeChange { path, old, new }).collect()
    }};
}

/// An event as bytes, its personal part still open.
pub(super) struct Parts {
    pub(super) kind: EventKind,
    pub(super) version: u8,
    pub(super) clear: Vec<u8>,
    /// Whose, and what; none when there is nothing personal, or it was erased.
    pub(super) personal: Option<(UserId, Vec<u8>)>,
}

/// Why an event could not be read.
pub(super) enum Fault {
    Broken(Broken),
    Reason(String),
}

impl From<Broken> for Fault {
    fn from(broken: Broken) -> Self {
        Fault::Broken(broken)
    }
}

impl From<String> for Fault {
    fn from(reason: String) -> Self {
        Fault::Reason(reason)
    }
}

pub(super) fn encode(event: &Event) -> Result<Parts, SealError> {
    let mut personal = None;
    let mut version = 1;
    let clear = match event {
        Event::TenantOpened { tenant, slug } => write(&(tenant, slug)),
        Event::TenantSuspended { tenant, reason } | Event::TenantClosed { tenant, reason } => {
            write(&(tenant, reason))
        }
        Event::TenantResumed { tenant } => write(&(tenant,)),
        Event::CommitsLost { tenant, from, to } => write(&(tenant, from, to)),
        Event::TenantDescribed { tenant, title, alert_addresses, alerts } => {
            write(&(tenant, title, alert_addresses, alerts))
        }
        Event::OperatorAdded { operator, name, role: OperatorRole::Owner } => {
            write(&(operator, name))
        }
        Event::OperatorAdded { operator, name, role } => {
            version = 2;
            write(&(operator, name, role))
        }
        Event::OperatorChanged { operator, name, role } => write(&(operator, name, role)),
        Event::OperatorRemoved { operator } => write(&(operator,)),
        Event::ConnectorAdded { connector, name, settings } => {
            if is_first_shape(settings) {
                write(&(connector, name, &settings.preset, &settings.mode))
            } else if is_second_shape(settings) {
                version = 2;
                write(&(connector, name, second_shape(settings)))
            } else {
                version = 3;
                write(&(connector, name, named(settings)?))
            }
        }
        Event::ConnectorChanged { connector, settings } => {
            if is_second_shape(settings) {
                write(&(connector, second_shape(settings)))
            } else {
                version = 2;
                write(&(connector, named(settings)?))
            }
        }
        Event::ConnectorRemoved { connector } => write(&(connector,)),
        Event::SchemaAdded { urn, resource_type, required, document } => {
            write(&(urn, resource_type, required, document))
        }
        Event::CredentialIssued { credential, holder, hash, hint, expires, terms } => {
            match wire_holder(*holder) {
                _ if *terms != Terms::default() => {
                    version = 3;
                    let Terms { scopes, replaces } = terms;
                    write(&(credential, holder, hash, hint, expires, scopes, replaces))
                }
                Ok(holder) => write(&(credential, holder, hash, hint, expires)),
                Err(user) => {
                    version = 2;
                    write(&(credential, user, hash, hint, expires))
                }
            }
        }
        Event::CredentialRegistered { credential, holder, proof, expires, terms } => {
            let Terms { scopes, replaces } = terms;
            write(&(credential, holder, proof, expires, scopes, replaces))
        }
        Event::CredentialEnds { credential, at } => write(&(credential, at)),
        Event::CredentialRevoked { credential } => write(&(credential,)),
        Event::RoleDefined { role, name, description } => write(&(role, name, description)),
        Event::RoleRetired { role } => write(&(role,)),
        Event::UserCreated { user, active, managed_by, personal: values } => {
            if let Personal::Known(NewUser { user_name, external_id, attributes }) = values {
                personal = Some((*user, write(&(user_name, external_id, attributes))?));
            }
            write(&(user, active, managed_by))
        }
        Event::UserRenamed { user, personal: values } => {
            if let Personal::Known(Renamed { from, to }) = values {
                personal = Some((*user, write(&(from, to))?));
            }
            write(&(user,))
        }
        Event::UserLinked { user, connector } | Event::UserReleased { user, connector } => {
            write(&(user, connector))
        }
        Event::GroupLinked { group, connector } | Event::GroupReleased { group, connector } => {
            write(&(group, connector))
        }
        Event::UserLocked { user, reason } => {
            if let Personal::Known(reason) = reason {
                personal = Some((*user, write(&(reason,))?));
            }
            write(&(user,))
        }
        Event::UserIgnored { user, connector } | Event::UserNoticed { user, connector } => {
            write(&(user, connector))
        }
        Event::GroupIgnored { group, connector } | Event::GroupNoticed { group, connector } => {
            write(&(group, connector))
        }
        Event::UserActivated { user }
        | Event::UserDeactivated { user }
        | Event::UserUnlocked { user }
        | Event::UserDeleted { user } => write(&(user,)),
        Event::UserAttributesChanged { user, personal: values } => {
            if let Personal::Known(changes) = values {
                personal = Some((*user, write(&(wire!(changes),))?));
            }
            write(&(user,))
        }
        Event::UserErased { user, reason } => write(&(user, reason)),
        Event::RoleAssigned { user, role, source, wording } => match wire_source(*source) {
            Ok(source) => {
                if let Personal::Known(RoleWording { display, kind, primary }) = wording {
                    personal = Some((*user, write(&(display, kind, primary))?));
                }
                write(&(user, role, source))
            }
            Err(rule) => {
                // No client wrote it, so there is nothing in a client's words.
                if wording != &Personal::Known(RoleWording::default()) {
                    return Err(unwritable("a role given by a rule, with words beside it"));
                }
                version = 2;
                write(&(user, role, rule))
            }
        },
        Event::RoleRevoked { user, role, source } => match wire_source(*source) {
            Ok(source) => write(&(user, role, source)),
            Err(rule) => {
                version = 2;
                write(&(user, role, rule))
            }
        },
        Event::RuleAdded { rule, group, role } | Event::RuleRemoved { rule, group, role } => {
            write(&(rule, group, role))
        }
        Event::GroupCreated { group, display_name, managed_by, external_id, attributes } => {
            write(&(group, display_name, managed_by, external_id, attributes))
        }
        Event::GroupRenamed { group, from, to } => write(&(group, from, to)),
        Event::GroupAttributesChanged { group, changes } => write(&(group, wire!(changes))),
        Event::GroupMemberAdded { group, member, source }
        | Event::GroupMemberRemoved { group, member, source }
        | Event::MembershipForgotten { group, member, source } => {
            let source = wire_source(*source).map_err(|_| unwritable("a membership by a rule"))?;
            write(&(group, wire_member(*member), source))
        }
        Event::GroupDeleted { group } => write(&(group,)),
        Event::PolicyCreated { policy, name, text } => write(&(policy, name, text)),
        Event::PolicyChanged { policy, text } => write(&(policy, text)),
        Event::PolicyDeleted { policy } => write(&(policy,)),
        Event::PolicySchemaChanged { text } => write(&(text,)),
    }?;
    Ok(Parts { kind: event.kind(), version, clear, personal })
}

/// `unseal` gives a person's body, or none when it was erased.
pub(super) fn decode(
    kind: EventKind,
    version: u8,
    clear: &[u8],
    unseal: impl FnOnce(UserId) -> Result<Option<Vec<u8>>, Broken>,
) -> Result<Event, Fault> {
    Ok(match (kind, version) {
        (EventKind::TenantOpened, 1) => {
            let (tenant, slug) = read(clear)?;
            Event::TenantOpened { tenant, slug }
        }
        (EventKind::OperatorAdded, 1) => {
            let (operator, name) = read(clear)?;
            Event::OperatorAdded { operator, name, role: OperatorRole::Owner }
        }
        // The second shape is for those who may not do everything.
        (EventKind::OperatorAdded, 2) => {
            let (operator, name, role) = read(clear)?;
            Event::OperatorAdded { operator, name, role }
        }
        (EventKind::OperatorChanged, 1) => {
            let (operator, name, role) = read(clear)?;
            Event::OperatorChanged { operator, name, role }
        }
        (EventKind::OperatorRemoved, 1) => {
            let (operator,) = read(clear)?;
            Event::OperatorRemoved { operator }
        }
        (EventKind::TenantSuspended, 1) => {
            let (tenant, reason) = read(clear)?;
            Event::TenantSuspended { tenant, reason }
        }
        (EventKind::TenantResumed, 1) => {
            let (tenant,) = read(clear)?;
            Event::TenantResumed { tenant }
        }
        (EventKind::TenantClosed, 1) => {
            let (tenant, reason) = read(clear)?;
            Event::TenantClosed { tenant, reason }
        }
        (EventKind::CommitsLost, 1) => {
            let (tenant, from, to) = read(clear)?;
            Event::CommitsLost { tenant, from, to }
        }
        (EventKind::TenantDescribed, 1) => {
            let (tenant, title, alert_addresses, alerts) = read(clear)?;
            Event::TenantDescribed { tenant, title, alert_addresses, alerts }
        }
        (EventKind::ConnectorAdded, 1) => {
            let (connector, name, preset, mode) = read(clear)?;
            let settings = unwire_settings((
                preset,
                mode,
                false,
                PatchAnswer::Standard,
                RoleCatalogue::None,
                UnknownMembers::Refuse,
            ));
            Event::ConnectorAdded { connector, name, settings }
        }
        (EventKind::ConnectorAdded, 2) => {
            let (connector, name, settings) = read(clear)?;
            Event::ConnectorAdded { connector, name, settings: unwire_settings(settings) }
        }
        (EventKind::ConnectorAdded, 3) => {
            let (connector, name, settings) = read(clear)?;
            Event::ConnectorAdded { connector, name, settings: unnamed(&settings)? }
        }
        (EventKind::ConnectorChanged, 1) => {
            let (connector, settings) = read(clear)?;
            Event::ConnectorChanged { connector, settings: unwire_settings(settings) }
        }
        (EventKind::ConnectorChanged, 2) => {
            let (connector, settings) = read(clear)?;
            Event::ConnectorChanged { connector, settings: unnamed(&settings)? }
        }
        (EventKind::ConnectorRemoved, 1) => {
            let (connector,) = read(clear)?;
            Event::ConnectorRemoved { connector }
        }
        (EventKind::MembershipForgotten, 1) => {
            let (group, member, source) = read(clear)?;
            let (member, source) = (unwire_member(member)?, unwire_source(source));
            Event::MembershipForgotten { group, member, source }
        }
        (EventKind::SchemaAdded, 1) => {
            let (urn, resource_type, required, document) = read(clear)?;
            Event::SchemaAdded { urn, resource_type, required, document }
        }
        (EventKind::CredentialIssued, 1) => {
            let (credential, holder, hash, hint, expires) = read(clear)?;
            let (holder, terms) = (unwire_holder(holder)?, Terms::default());
            Event::CredentialIssued { credential, holder, hash, hint, expires, terms }
        }
        // The second shape is for keys of users.
        (EventKind::CredentialIssued, 2) => {
            let (credential, user, hash, hint, expires) = read(clear)?;
            let (holder, terms) = (Holder::User(user), Terms::default());
            Event::CredentialIssued { credential, holder, hash, hint, expires, terms }
        }
        // The third shape is for keys with scopes, and those in place of another.
        (EventKind::CredentialIssued, 3) => {
            let (credential, holder, hash, hint, expires, scopes, replaces) = read(clear)?;
            let terms = Terms { scopes, replaces };
            Event::CredentialIssued { credential, holder, hash, hint, expires, terms }
        }
        (EventKind::CredentialRegistered, 1) => {
            let (credential, holder, proof, expires, scopes, replaces) = read(clear)?;
            let terms = Terms { scopes, replaces };
            Event::CredentialRegistered { credential, holder, proof, expires, terms }
        }
        (EventKind::CredentialEnds, 1) => {
            let (credential, at) = read(clear)?;
            Event::CredentialEnds { credential, at }
        }
        (EventKind::CredentialRevoked, 1) => {
            let (credential,) = read(clear)?;
            Event::CredentialRevoked { credential }
        }
        (EventKind::RoleDefined, 1) => {
            let (role, name, description) = read(clear)?;
            Event::RoleDefined { role, name, description }
        }
        (EventKind::RoleRetired, 1) => {
            let (role,) = read(clear)?;
            Event::RoleRetired { role }
        }
        (EventKind::UserCreated, 1) => {
            let (user, active, managed_by) = read(clear)?;
            let personal = opened(unseal(user)?, |(user_name, external_id, attributes)| NewUser {
                user_name,
                external_id,
                attributes,
            })?;
            Event::UserCreated { user, active, managed_by, personal }
        }
        (EventKind::UserRenamed, 1) => {
            let (user,) = read(clear)?;
            let personal = opened(unseal(user)?, |(from, to)| Renamed { from, to })?;
            Event::UserRenamed { user, personal }
        }
        (EventKind::UserLinked, 1) => {
            let (user, connector) = read(clear)?;
            Event::UserLinked { user, connector }
        }
        (EventKind::UserReleased, 1) => {
            let (user, connector) = read(clear)?;
            Event::UserReleased { user, connector }
        }
        (EventKind::GroupLinked, 1) => {
            let (group, connector) = read(clear)?;
            Event::GroupLinked { group, connector }
        }
        (EventKind::GroupReleased, 1) => {
            let (group, connector) = read(clear)?;
            Event::GroupReleased { group, connector }
        }
        (EventKind::UserLocked, 1) => {
            let (user,) = read(clear)?;
            let reason = opened(unseal(user)?, |(reason,)| reason)?;
            Event::UserLocked { user, reason }
        }
        (EventKind::UserUnlocked, 1) => {
            let (user,) = read(clear)?;
            Event::UserUnlocked { user }
        }
        (EventKind::UserActivated, 1) => {
            let (user,) = read(clear)?;
            Event::UserActivated { user }
        }
        (EventKind::UserDeactivated, 1) => {
            let (user,) = read(clear)?;
            Event::UserDeactivated { user }
        }
        (EventKind::UserAttributesChanged, 1) => {
            let (user,) = read(clear)?;
            let personal = opened(unseal(user)?, |(changes,)| unwire!(changes))?;
            Event::UserAttributesChanged { user, personal }
        }
        (EventKind::UserDeleted, 1) => {
            let (user,) = read(clear)?;
            Event::UserDeleted { user }
        }
        (EventKind::UserIgnored, 1) => {
            let (user, connector) = read(clear)?;
            Event::UserIgnored { user, connector }
        }
        (EventKind::UserNoticed, 1) => {
            let (user, connector) = read(clear)?;
            Event::UserNoticed { user, connector }
        }
        (EventKind::GroupIgnored, 1) => {
            let (group, connector) = read(clear)?;
            Event::GroupIgnored { group, connector }
        }
        (EventKind::GroupNoticed, 1) => {
            let (group, connector) = read(clear)?;
            Event::GroupNoticed { group, connector }
        }
        (EventKind::UserErased, 1) => {
            let (user, reason) = read(clear)?;
            Event::UserErased { user, reason }
        }
        (EventKind::RoleAssigned, 1) => {
            let (user, role, source) = read(clear)?;
            let wording = opened(unseal(user)?, |(display, kind, primary)| RoleWording {
                display,
                kind,
                primary,
            })?;
            Event::RoleAssigned { user, role, source: unwire_source(source), wording }
        }
        // The second shape is for what a rule gives.
        (EventKind::RoleAssigned, 2) => {
            let (user, role, rule) = read(clear)?;
            let wording = Personal::Known(RoleWording::default());
            Event::RoleAssigned { user, role, source: Source::Rule(rule), wording }
        }
        (EventKind::RoleRevoked, 2) => {
            let (user, role, rule) = read(clear)?;
            Event::RoleRevoked { user, role, source: Source::Rule(rule) }
        }
        (EventKind::RuleAdded, 1) => {
            let (rule, group, role) = read(clear)?;
            Event::RuleAdded { rule, group, role }
        }
        (EventKind::RuleRemoved, 1) => {
            let (rule, group, role) = read(clear)?;
            Event::RuleRemoved { rule, group, role }
        }
        (EventKind::RoleRevoked, 1) => {
            let (user, role, source) = read(clear)?;
            Event::RoleRevoked { user, role, source: unwire_source(source) }
        }
        (EventKind::GroupCreated, 1) => {
            let (group, display_name, managed_by, external_id, attributes) = read(clear)?;
            Event::GroupCreated { group, display_name, managed_by, external_id, attributes }
        }
        (EventKind::GroupRenamed, 1) => {
            let (group, from, to) = read(clear)?;
            Event::GroupRenamed { group, from, to }
        }
        (EventKind::GroupAttributesChanged, 1) => {
            let (group, changes) = read(clear)?;
            Event::GroupAttributesChanged { group, changes: unwire!(changes) }
        }
        (EventKind::GroupMemberAdded, 1) => {
            let (group, member, source) = read(clear)?;
            let (member, source) = (unwire_member(member)?, unwire_source(source));
            Event::GroupMemberAdded { group, member, source }
        }
        (EventKind::GroupMemberRemoved, 1) => {
            let (group, member, source) = read(clear)?;
            let (member, source) = (unwire_member(member)?, unwire_source(source));
            Event::GroupMemberRemoved { group, member, source }
        }
        (EventKind::GroupDeleted, 1) => {
            let (group,) = read(clear)?;
            Event::GroupDeleted { group }
        }
        (EventKind::PolicyCreated, 1) => {
            let (policy, name, text) = read(clear)?;
            Event::PolicyCreated { policy, name, text }
        }
        (EventKind::PolicyChanged, 1) => {
            let (policy, text) = read(clear)?;
            Event::PolicyChanged { policy, text }
        }
        (EventKind::PolicyDeleted, 1) => {
            let (policy,) = read(clear)?;
            Event::PolicyDeleted { policy }
        }
        (EventKind::PolicySchemaChanged, 1) => {
            let (text,) = read(clear)?;
            Event::PolicySchemaChanged { text }
        }
        (_, version) => {
            let reason = format!("its version {version} is unknown; use a newer release");
            return Err(reason.into());
        }
    })
}

fn opened<W: serde::de::DeserializeOwned, T>(
    body: Option<Vec<u8>>,
    from: impl FnOnce(W) -> T,
) -> Result<Personal<T>, String> {
    match body {
        Some(body) => read(&body).map(|wire| Personal::Known(from(wire))),
        None => Ok(Personal::Erased),
    }
}

/// Preset, mode, whether `""` unassigns, what a PATCH is answered with, how roles are published,
/// what becomes of unknown members.
type WireSettings = (String, Mode, bool, PatchAnswer, RoleCatalogue, UnknownMembers);

/// Whether settings say nothing that the first release could not say: it can read them then.
fn is_first_shape(settings: &ConnectorSettings) -> bool {
    settings.mode != Mode::Interop
        && *settings == ConnectorSettings::new(settings.preset.as_str(), settings.mode)
}

/// Whether settings say nothing that the second shape could not.
fn is_second_shape(settings: &ConnectorSettings) -> bool {
    *settings == unwire_settings(second_shape(settings))
}

/// What the second shape can say of settings: what came later is in the third, by name.
fn second_shape(settings: &ConnectorSettings) -> WireSettings {
    let ConnectorSettings {
        preset,
        mode,
        empty_unassigns,
        patch_answer,
        catalogue,
        unknown_members,
        ..
    } = settings;
    (preset.clone(), *mode, *empty_unassigns, *patch_answer, *catalogue, *unknown_members)
}

fn unwire_settings(wire: WireSettings) -> ConnectorSettings {
    let (preset, mode, empty_unassigns, patch_answer, catalogue, unknown_members) = wire;
    let new = ConnectorSettings::new(preset, mode);
    ConnectorSettings { empty_unassigns, patch_answer, catalogue, unknown_members, ..new }
}

/// Settings by name, without those that are as ever: they are many, change rarely, and more come. A release that does not
/// know one refuses to read it.
fn named(settings: &ConnectorSettings) -> Result<ByteBuf, SealError> {
    rmp_serde::to_vec_named(settings).map(ByteBuf::from).map_err(unwritable)
}

fn unnamed(settings: &ByteBuf) -> Result<ConnectorSettings, String> {
    read(settings)
}

/// None is [`Source::Local`].
type WireSource = Option<ConnectorId>;
/// One of the two.
type WireMember = (Option<UserId>, Option<GroupId>);
/// One of the two.
type WireHolder = (Option<ConnectorId>, Option<OperatorId>);

/// Or the rule, which the first shape of a source cannot name.
fn wire_source(source: Source) -> Result<WireSource, RuleId> {
    match source {
        Source::Connector(connector) => Ok(Some(connector)),
        Source::Local => Ok(None),
        Source::Rule(rule) => Err(rule),
    }
}

fn unwire_source(source: WireSource) -> Source {
    source.map_or(Source::Local, Source::Connector)
}

fn wire_member(member: Member) -> WireMember {
    match member {
        Member::User(user) => (Some(user), None),
        Member::Group(group) => (None, Some(group)),
    }
}

fn unwire_member(member: WireMember) -> Result<Member, String> {
    match member {
        (Some(user), None) => Ok(Member::User(user)),
        (None, Some(group)) => Ok(Member::Group(group)),
        (None, None) | (Some(_), Some(_)) => Err("its member is of no known kind".to_owned()),
    }
}

/// Or the user, whom the first shape of a credential cannot name.
fn wire_holder(holder: Holder) -> Result<WireHolder, UserId> {
    match holder {
        Holder::Connector(connector) => Ok((Some(connector), None)),
        Holder::Operator(operator) => Ok((None, Some(operator))),
        Holder::User(user) => Err(user),
    }
}

fn unwire_holder(holder: WireHolder) -> Result<Holder, String> {
    match holder {
        (Some(connector), None) => Ok(Holder::Connector(connector)),
        (None, Some(operator)) => Ok(Holder::Operator(operator)),
        (None, None) | (Some(_), Some(_)) => Err("its holder is of no known kind".to_owned()),
    }
}
