//! Invented values in place of personal ones, for copies that are shown to people who must not see
//! the real ones.
//!
//! What is invented follows from the value and a secret, and from nothing else: the same value
//! becomes the same one wherever and whenever it stands, different ones become different ones, and
//! spellings that the protocol takes for the same stay such. Without the secret nothing leads back.
//! What a value looks like is kept: mails stay mails, telephone numbers such, words become words.

mod form;
mod permute;
mod text;

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use scim::{Attribute, Catalogue, Object, Packed, Value};
use uuid::Uuid;

use crate::directory::Written;
use crate::event::{AttributeChange, Event, NewUser, Renamed, RoleWording};
use crate::origin::{Claimed, Origin};
use crate::personal::Personal;

/// A keyed function: 32 bytes that follow from a label, some bytes, and a secret that nothing leads
/// back to.
pub type Oracle<'a> = &'a (dyn Fn(&str, &[u8]) -> [u8; 32] + Sync);

/// Which values are replaced.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Scope {
    /// Those of persons.
    Persons,
    /// Those of persons, and the names and attributes of groups.
    PersonsAndGroups,
}

/// Replaces personal values by invented ones.
pub struct Disguise<'a> {
    oracle: Oracle<'a>,
    /// Ids of the tenant's own users and groups: values that lead to them still do.
    ids: &'a BTreeSet<Uuid>,
    scope: Scope,
}

/// Attributes whose values are the protocol's, not a person's.
const KEPT: [&str; 3] = ["schemas", "meta", "id"];

impl<'a> Disguise<'a> {
    /// Inventions that follow from `oracle`. `ids` are those of the tenant's users and groups, of
    /// all times.
    pub fn new(oracle: Oracle<'a>, ids: &'a BTreeSet<Uuid>, scope: Scope) -> Self {
        Self { oracle, ids, scope }
    }

    /// An event about somebody else. `catalogue` has the tenant's schemas as they were then.
    #[must_use]
    pub fn event(&self, event: Event, catalogue: &Catalogue) -> Event {
        let user = catalogue.user();
        let group = catalogue.group();
        let groups = self.scope == Scope::PersonsAndGroups;
        match event {
            Event::UserCreated { user: id, active, managed_by, personal } => {
                let personal =
                    known(personal, |NewUser { user_name, external_id, attributes }| NewUser {
                        user_name: self.user_name(&user_name),
                        external_id: external_id.map(|text| self.text(&text)),
                        attributes: self.attributes(&attributes, user),
                    });
                Event::UserCreated { user: id, active, managed_by, personal }
            }
            Event::UserRenamed { user, personal } => {
                let renamed = |Renamed { from, to }| Renamed {
                    from: self.user_name(&from),
                    to: self.user_name(&to),
                };
                Event::UserRenamed { user, personal: known(personal, renamed) }
            }
            Event::UserAttributesChanged { user: id, personal } => {
                let personal = known(personal, |changes| self.changes(changes, user));
                Event::UserAttributesChanged { user: id, personal }
            }
            Event::UserErased { user, reason } => {
                Event::UserErased { user, reason: self.text(&reason) }
            }
            Event::UserLocked { user, reason } => {
                Event::UserLocked { user, reason: known(reason, |text| self.text(&text)) }
            }
            Event::RoleAssigned { user, role, source, wording } => {
                let wording =
                    known(wording, |RoleWording { display, kind, primary }| RoleWording {
                        display: display.map(|text| self.text(&text)),
                        kind: kind.map(|text| self.text(&text)),
                        primary,
                    });
                Event::RoleAssigned { user, role, source, wording }
            }
            Event::OperatorAdded { operator, name, role } => {
                Event::OperatorAdded { operator, name: self.text(&name), role }
            }
            Event::OperatorChanged { operator, name, role } => {
                Event::OperatorChanged { operator, name: self.text(&name), role }
            }
            // What a copy sends must reach nobody.
            Event::TenantDescribed { tenant, title, alert_addresses, alerts } => {
                let addresses = alert_addresses.iter().map(|address| self.text(address));
                let alert_addresses = addresses.collect();
                Event::TenantDescribed { tenant, title, alert_addresses, alerts }
            }
            Event::TenantSuspended { tenant, reason } => {
                Event::TenantSuspended { tenant, reason: self.text(&reason) }
            }
            Event::TenantClosed { tenant, reason } => {
                Event::TenantClosed { tenant, reason: self.text(&reason) }
            }
            Event::GroupCreated {
                group: id,
                display_name,
                managed_by,
                external_id,
                attributes,
            } if groups => Event::GroupCreated {
                group: id,
                display_name: self.text(&display_name),
                managed_by,
                external_id: external_id.map(|text| self.text(&text)),
                attributes: self.attributes(&attributes, group),
            },
            Event::GroupRenamed { group, from, to } if groups => {
                Event::GroupRenamed { group, from: self.text(&from), to: self.text(&to) }
            }
            Event::GroupAttributesChanged { group: id, changes } if groups => {
                Event::GroupAttributesChanged { group: id, changes: self.changes(changes, group) }
            }
            // Said one by one, so that whoever adds a kind of event decides whether it is personal.
            Event::GroupCreated { .. }
            | Event::GroupRenamed { .. }
            | Event::GroupAttributesChanged { .. }
            | Event::TenantOpened { .. }
            | Event::TenantResumed { .. }
            | Event::CommitsLost { .. }
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
            | Event::RuleAdded { .. }
            | Event::RuleRemoved { .. }
            | Event::UserActivated { .. }
            | Event::UserDeactivated { .. }
            | Event::UserDeleted { .. }
            | Event::UserLinked { .. }
            | Event::UserReleased { .. }
            | Event::UserUnlocked { .. }
            | Event::GroupLinked { .. }
            | Event::GroupReleased { .. }
            | Event::UserIgnored { .. }
            | Event::UserNoticed { .. }
            | Event::GroupIgnored { .. }
            | Event::GroupNoticed { .. }
            | Event::RoleRevoked { .. }
            | Event::GroupMemberAdded { .. }
            | Event::GroupMemberRemoved { .. }
            | Event::MembershipForgotten { .. }
            | Event::GroupDeleted { .. }
            | Event::PolicyCreated { .. }
            | Event::PolicyChanged { .. }
            | Event::PolicyDeleted { .. }
            | Event::PolicySchemaChanged { .. } => event,
        }
    }

    /// The same request from an invented address, by an invented program.
    #[must_use]
    pub fn origin(&self, origin: Origin) -> Origin {
        let Origin { actor, request, source, agent, claimed } = origin;
        let agent = agent.map(|agent| format!("agent/{}", self.word(&scim::fold(&agent))));
        let source = source.map(|source| self.address(source));
        let claimed = claimed.map(|claimed| match claimed {
            Claimed::User { user, name } => {
                Claimed::User { user, name: known(name, |name| self.user_name(&name)) }
            }
            Claimed::Stranger { about, name } => {
                Claimed::Stranger { about, name: known(name, |name| self.user_name(&name)) }
            }
        });
        Origin { actor, request, source, agent, claimed }
    }

    /// An address from a range that is nobody's: 240.0.0.0/4 (RFC 1112 §4) or 2001:db8::/32 (RFC
    /// 3849).
    fn address(&self, address: IpAddr) -> IpAddr {
        match address {
            IpAddr::V4(v4) => {
                let [a, b, c, d, ..] = (self.oracle)("address", &v4.octets());
                IpAddr::V4(Ipv4Addr::new(0xf0 | a & 0x0f, b, c, d & 0xfe))
            }
            IpAddr::V6(v6) => {
                let bytes = (self.oracle)("address", &v6.octets());
                let low =
                    bytes.iter().take(12).fold(0_u128, |all, byte| all << 8 | u128::from(*byte));
                IpAddr::V6(Ipv6Addr::from(0x2001_0db8_u128 << 96 | low))
            }
        }
    }

    fn attributes(&self, packed: &Packed, rtype: &scim::ResourceType) -> Packed {
        let mut disguised = Object::default();
        for (name, value) in packed.unpack().iter() {
            disguised.set(name.clone(), self.at(name, value, rtype));
        }
        Packed::pack(&disguised)
    }

    fn changes(
        &self,
        changes: Vec<AttributeChange>,
        rtype: &scim::ResourceType,
    ) -> Vec<AttributeChange> {
        let change = |AttributeChange { path, old, new }: AttributeChange| {
            // What a connector wrote is as personal as what its mapping made of it; which mapping, is not.
            let at = |value: Value| match Written::path_of(&path) {
                Some("") => value,
                Some(written) => self.at(written, &value, rtype),
                None => self.at(&path, &value, rtype),
            };
            AttributeChange { old: old.map(at), new: new.map(at), path: path.clone() }
        };
        changes.into_iter().map(change).collect()
    }

    /// The value at a path of a resource.
    fn at(&self, path: &str, value: &Value, rtype: &scim::ResourceType) -> Value {
        if KEPT.iter().any(|kept| kept.eq_ignore_ascii_case(path)) {
            return value.clone();
        }
        let Some(found) = rtype.find(path) else { return self.value(value, None, None) };
        match found.sub {
            Some(sub) => self.value(value, Some(sub), Some(found.attribute)),
            None => self.value(value, Some(found.attribute), None),
        }
    }

    fn value(
        &self,
        value: &Value,
        attribute: Option<&Attribute>,
        outer: Option<&Attribute>,
    ) -> Value {
        match value {
            Value::Null | Value::Bool(_) => value.clone(),
            Value::Integer(number) => Value::Integer(self.integer(*number)),
            Value::Decimal(number) => Value::Decimal(self.decimal(*number)),
            Value::String(text) => Value::String(self.formed(text, attribute, outer)),
            Value::List(items) => {
                Value::List(items.iter().map(|item| self.value(item, attribute, outer)).collect())
            }
            Value::Complex(object) => {
                let mut disguised = Object::default();
                for (name, value) in object.iter() {
                    let sub = attribute.and_then(|attribute| attribute.sub(name));
                    disguised
                        .set(name.clone(), self.value(value, sub.map(|sub| &**sub), attribute));
                }
                Value::Complex(disguised)
            }
        }
    }
}

fn known<T>(personal: Personal<T>, disguised: impl FnOnce(T) -> T) -> Personal<T> {
    match personal {
        Personal::Known(values) => Personal::Known(disguised(values)),
        Personal::Erased => Personal::Erased,
    }
}

#[cfg(test)]
mod tests;
