//! Users and groups as SCIM sees them: every attribute by its name in the schema.

use std::collections::BTreeSet;
use std::fmt::Display;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use scim::{Attr, Attributes, Name, Node, Object, ResourceType, Spread, Value};

use crate::directory::{Directory, Group, Stamp, User, Written};
use crate::event::Member;
use crate::id::{ConnectorId, GroupId};

/// A user, seen by a connector (or by an operator: none).
#[derive(Clone, Copy)]
pub struct UserView<'a> {
    /// The user.
    pub user: &'a User,
    /// Where its groups and roles are.
    pub directory: &'a Directory,
    /// Who looks: each connector sees its own `externalId`.
    pub connector: Option<ConnectorId>,
    /// The base URL of the tenant's SCIM endpoints, for `meta.location` and `$ref`.
    pub base: &'a str,
}

/// A group, seen by a connector (or by an operator: none).
#[derive(Clone, Copy)]
pub struct GroupView<'a> {
    /// The group.
    pub group: &'a Group,
    /// Where its members are.
    pub directory: &'a Directory,
    /// Who looks: each connector sees its own `externalId`.
    pub connector: Option<ConnectorId>,
    /// The base URL of the tenant's SCIM endpoints, for `meta.location` and `$ref`.
    pub base: &'a str,
}

/// What does not stand for itself in a part of a path (RFC 3986 §2.3).
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// An id as a part of an address, whatever is in it.
pub fn path_part(id: &str) -> impl Display + '_ {
    utf8_percent_encode(id, ESCAPED)
}

const USER_ATTRIBUTES: &[&str] =
    &["id", "externalId", "meta", "userName", "active", "roles", "groups"];
pub(crate) const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
const GROUP_ATTRIBUTES: &[&str] = &["id", "externalId", "meta", "displayName", "members"];

impl Attributes for UserView<'_> {
    fn attribute(&self, name: &str) -> Option<Attr<'_>> {
        let stored = self.user.attributes.view();
        self.shown(name, |name| stored.get(name))
    }

    fn spread(&self) -> Spread<'_> {
        Spread::of(self.user.attributes.view())
    }

    fn among<'s>(&'s self, name: &str, stored: &Spread<'s>) -> Option<Attr<'s>> {
        self.shown(name, |name| stored.get(name))
    }

    fn each(&self, f: &mut dyn FnMut(&str, Attr<'_>)) {
        for name in USER_ATTRIBUTES {
            if let Some(value) = self.attribute(name) {
                f(name, value);
            }
        }
        let stored = self.user.attributes.view();
        let Some(written) = self.user.written(self.connector) else {
            if let Some(name) = self.user.derived_name() {
                f("displayName", string(name));
            }
            for (name, node) in stored.iter() {
                let value =
                    if name == ENTERPRISE { self.enterprise(node) } else { Attr::Node(node) };
                f(name, value);
            }
            return;
        };
        let mut names: BTreeSet<&str> = stored.iter().map(|(name, _)| name).collect();
        names.extend(written.names().chain(["displayName"]));
        names.remove("userName");
        for name in names {
            if let Some(value) = self.attribute(name) {
                f(name, value);
            }
        }
    }
}

impl UserView<'_> {
    /// An attribute, where `stored` finds what is shown as it is stored.
    fn shown<'s>(
        &'s self,
        name: &str,
        stored: impl Fn(&str) -> Option<Node<'s>>,
    ) -> Option<Attr<'s>> {
        let user = self.user;
        if let Some(written) = user.written(self.connector).filter(|written| written.has(name)) {
            return self.as_written(written, name);
        }
        match name {
            "id" => Some(string(user.id.to_string())),
            "userName" => Some(Attr::Node(Node::String(&user.user_name))),
            "active" => user.active_attribute().map(|active| Attr::Node(Node::Bool(active))),
            "externalId" => user.external_id(self.connector).map(|id| Attr::Node(Node::String(id))),
            "meta" => {
                let location = format!("{}/Users/{}", self.base, user.id);
                Some(meta("User", location, user.created, user.modified))
            }
            "roles" => list(self.roles()),
            "groups" => list(self.groups()),
            "schemas" => {
                let catalogue = self.directory.schemas.catalogue();
                Some(schemas(catalogue.user(), |schema| self.attribute(schema).is_some()))
            }
            ENTERPRISE => stored(name).map(|node| self.enterprise(node)),
            "displayName" => match stored(name) {
                Some(node) => Some(Attr::Node(node)),
                None => user.display_name(self.connector).map(string),
            },
            _ => stored(name).map(Attr::Node),
        }
    }

    /// The enterprise extension: where `manager.value` is a user of the tenant, their address and
    /// name are derived (R-7643-4.3-01); what else an administrator mapped stays as it is.
    fn enterprise<'n>(&self, node: Node<'n>) -> Attr<'n> {
        let manager = node.as_complex().and_then(|extension| extension.get("manager"));
        let id = manager.and_then(Node::as_complex).and_then(|manager| manager.get("value"));
        let id = id.and_then(Node::as_str).and_then(|id| id.parse().ok());
        let boss = id.and_then(|id| self.directory.users.get(id));
        let Some(boss) = boss.filter(|boss| boss.is_shown_to(self.connector)) else {
            return Attr::Node(node);
        };
        let mut extension = node.as_complex().map(scim::ComplexView::to_object).unwrap_or_default();
        let mut manager = Object::default();
        manager.set("value", boss.id.to_string());
        manager.set("$ref", format!("{}/Users/{}", self.base, boss.id));
        if let Some(name) = boss.display_name(self.connector) {
            manager.set("displayName", name);
        }
        extension.set("manager", manager);
        Attr::Owned(Value::Complex(extension))
    }
}

impl UserView<'_> {
    /// An attribute as the connector wrote it, where its mapping made something else of it.
    fn as_written(&self, written: &Written, name: &str) -> Option<Attr<'static>> {
        let value = match (name, written.attribute(self.user, name)) {
            ("displayName", None) => return written.display_name(self.user).map(string),
            (_, value) => value?,
        };
        let derived =
            match Node::of(&value).filter(|_| name == ENTERPRISE).map(|it| self.enterprise(it)) {
                Some(Attr::Owned(derived)) => Some(derived),
                Some(Attr::Node(_)) | None => None,
            };
        Some(Attr::Owned(derived.unwrap_or(value)))
    }

    /// The attributes that a client may write: what PATCH works on.
    pub(crate) fn writable(&self) -> Object {
        let mut object = self.user.attributes.unpack();
        object.set("userName", self.user.user_name.to_string());
        if let Some(written) = self.user.written(self.connector) {
            written.lay_over(&mut object);
        }
        if let Some(active) = self.user.active_attribute() {
            object.set("active", active);
        }
        if let Some(id) = self.user.external_id(self.connector) {
            object.set("externalId", id.to_owned());
        }
        let roles = self.roles();
        if !roles.is_empty() {
            object.set("roles", roles);
        }
        object
    }

    /// The roles in effect, each once: in the words of who looks, if it gave the role too.
    fn roles(&self) -> Vec<Value> {
        let mut seen = BTreeSet::new();
        let mut roles = Vec::new();
        for assignment in &self.user.roles {
            let Some(role) = self.directory.roles.get(assignment.role) else { continue };
            if !seen.insert(role.id) {
                continue;
            }
            let own =
                self.user.roles.iter().find(|other| {
                    other.role == role.id && source_connector(other) == self.connector
                });
            let wording = &own.unwrap_or(assignment).wording;
            let mut object = Object::default();
            object.set("value", role.name.clone());
            if let Some(display) = &wording.display {
                object.set("display", display.clone());
            }
            if let Some(kind) = &wording.kind {
                object.set("type", kind.clone());
            }
            if let Some(primary) = wording.primary {
                object.set("primary", primary);
            }
            roles.push(Value::Complex(object));
        }
        roles
    }

    /// The groups: direct ones first, then those that have one of them as a member.
    fn groups(&self) -> Vec<Value> {
        let mut seen: BTreeSet<GroupId> = BTreeSet::new();
        let mut found: Vec<(&Group, &str)> = Vec::new();
        for group in self.directory.parents_seen(self.connector, Member::User(self.user.id)) {
            seen.insert(group.id);
            found.push((group, "direct"));
        }
        // Groups may hold each other in a circle: each is looked at once.
        let mut next = 0;
        while let Some((group, _)) = found.get(next).copied() {
            for parent in self.directory.parents_seen(self.connector, Member::Group(group.id)) {
                if seen.insert(parent.id) {
                    found.push((parent, "indirect"));
                }
            }
            next += 1;
        }
        let value = |(group, kind): (&Group, &str)| {
            complex([
                ("value", group.id.to_string()),
                ("$ref", format!("{}/Groups/{}", self.base, group.id)),
                ("display", group.display_name.to_string()),
                ("type", kind.to_owned()),
            ])
        };
        found.retain(|(group, _)| group.is_shown_to(self.connector));
        found.into_iter().map(value).collect()
    }
}

fn source_connector(assignment: &crate::directory::Assignment) -> Option<ConnectorId> {
    match assignment.source {
        crate::origin::Source::Connector(id) => Some(id),
        crate::origin::Source::Local | crate::origin::Source::Rule(_) => None,
    }
}

impl Attributes for GroupView<'_> {
    fn attribute(&self, name: &str) -> Option<Attr<'_>> {
        let group = self.group;
        match name {
            "id" => Some(string(group.id.to_string())),
            "displayName" => Some(Attr::Node(Node::String(&group.display_name))),
            "externalId" => {
                group.external_id(self.connector).map(|id| Attr::Node(Node::String(id)))
            }
            "meta" => {
                let location = format!("{}/Groups/{}", self.base, group.id);
                let modified = self.directory.group_modified(self.connector, group);
                Some(meta("Group", location, group.created, modified))
            }
            "schemas" => {
                let catalogue = self.directory.schemas.catalogue();
                let attributes = group.attributes.view();
                Some(schemas(catalogue.group(), |schema| attributes.get(schema).is_some()))
            }
            "members" => {
                let ignored = self.directory.members_ignored(self.connector, group.id);
                let mut last = None;
                let ignored = ignored.map(|(member, _)| member);
                let each = |member: &Member| last.replace(*member) != Some(*member);
                let all = group.members().chain(ignored.filter(each));
                let value =
                    |member| member_value(self.directory, self.connector, self.base, member);
                let shown = |member: &_| self.directory.shows_member(*member, self.connector);
                list(all.filter(shown).map(value).collect())
            }
            _ => group.attributes.view().get(name).map(Attr::Node),
        }
    }

    fn each(&self, f: &mut dyn FnMut(&str, Attr<'_>)) {
        for name in GROUP_ATTRIBUTES {
            if let Some(value) = self.attribute(name) {
                f(name, value);
            }
        }
        self.group.attributes.view().iter().for_each(|(name, node)| f(name, Attr::Node(node)));
    }
}

impl GroupView<'_> {
    /// The attributes that a client may write, but for the members: what PATCH works on.
    pub(crate) fn writable(&self) -> Object {
        let mut object = self.group.attributes.unpack();
        object.set("displayName", self.group.display_name.to_string());
        if let Some(id) = self.group.external_id(self.connector) {
            object.set("externalId", id.to_owned());
        }
        object
    }
}

/// A member as it is shown: the server derives everything but the id (R-7643-4.2-01).
pub(crate) fn member_value(
    directory: &Directory,
    connector: Option<ConnectorId>,
    base: &str,
    member: Member,
) -> Value {
    let (id, kind, display) = match member {
        Member::User(id) => {
            // Nothing stands in its place: a client may compare it with the one at the reference (R-7643-4.3-01).
            let user = directory.user_known(connector, id);
            let name = user.and_then(|user| user.display_name(connector));
            (id.to_string(), "User", name)
        }
        Member::Group(id) => {
            let group = directory.group_known(connector, id);
            let name = group.map(|group| group.display_name.to_string());
            (id.to_string(), "Group", name)
        }
    };
    let reference = format!("{base}/{kind}s/{id}");
    let mut value = Object::default();
    value.set("value", id);
    value.set("$ref", reference);
    if let Some(display) = display {
        value.set("display", display);
    }
    value.set("type", kind.to_owned());
    Value::Complex(value)
}

/// The base schema, and each extension that has an assigned attribute (R-7643-3.3-01).
fn schemas(rtype: &ResourceType, has: impl Fn(&str) -> bool) -> Attr<'static> {
    let extensions = rtype.extensions.iter().map(|(schema, _)| schema);
    let present = extensions.filter(|schema| has(&schema.id));
    let all = std::iter::once(&rtype.schema).chain(present);
    Attr::Owned(Value::List(all.map(|schema| Value::String(schema.id.to_string())).collect()))
}

fn meta(kind: &str, location: String, created: Stamp, modified: Stamp) -> Attr<'static> {
    Attr::Owned(complex([
        ("resourceType", kind.to_owned()),
        ("created", created.at.to_string()),
        ("lastModified", modified.at.to_string()),
        ("location", location),
        ("version", format!("W/\"{}\"", modified.position)),
    ]))
}

fn string(text: String) -> Attr<'static> {
    Attr::Owned(Value::String(text))
}

fn list(values: Vec<Value>) -> Option<Attr<'static>> {
    (!values.is_empty()).then_some(Attr::Owned(Value::List(values)))
}

fn complex<const N: usize>(entries: [(&'static str, String); N]) -> Value {
    let entries = entries.into_iter().map(|(name, text)| (Name::from(name), Value::String(text)));
    Value::Complex(entries.collect())
}
