//! Users and groups as SCIM sees them: every attribute by its name in the schema.

use std::collections::BTreeSet;
use std::fmt::{self, Display};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use scim::{
    Attr, Attributes, Draft, Drawing, DrawingList, Node, Object, ResourceType, Value, View,
};

use crate::directory::{Directory, Group, Stamp, User, Written};
use crate::event::Member;
use crate::id::{ConnectorId, GroupId, UserId};

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
        let stored = self.user.attributes.view().get(name);
        if let Some(node) = self.as_it_lies(name, stored) {
            return node.map(Attr::Node);
        }
        self.among(name, stored, &mut Draft::default()).map(|node| Attr::Owned(node.to_value()))
    }

    fn stored(&self) -> View<'_> {
        self.user.attributes.view()
    }

    fn among<'s>(
        &'s self,
        name: &str,
        stored: Option<Node<'s>>,
        room: &'s mut Draft,
    ) -> Option<Node<'s>> {
        let user = self.user;
        if let Some(written) = self.written(name) {
            return room.hold(self.as_written(written, name)?);
        }
        if name != ENTERPRISE
            && let Some(node) = self.as_it_lies(name, stored)
        {
            return node;
        }
        match name {
            "id" => Some(room.text(&user.id)),
            "meta" => {
                Some(meta(room, "User", &self.location(user.id), user.created, user.modified))
            }
            "roles" => room.list(|list| self.draw_roles(list)),
            "groups" => room.list(|list| self.draw_groups(list)),
            "schemas" => {
                let catalogue = self.directory.schemas.catalogue();
                room.hold(schemas(catalogue.user(), |schema| self.attribute(schema).is_some()))
            }
            ENTERPRISE => self.enterprise(stored?, room),
            "displayName" => user.display_name(self.connector).map(|name| room.text(&name)),
            _ => stored,
        }
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
                f("displayName", Attr::Owned(Value::String(name)));
            }
            for (name, node) in stored.iter() {
                f(name, if name == ENTERPRISE { self.seen(node) } else { Attr::Node(node) });
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
    /// What is shown as it lies there, if that is how the attribute is shown.
    fn as_it_lies<'s>(&'s self, name: &str, stored: Option<Node<'s>>) -> Option<Option<Node<'s>>> {
        let user = self.user;
        if self.written(name).is_some() {
            return None;
        }
        match name {
            "id" | "meta" | "roles" | "groups" | "schemas" => None,
            "userName" => Some(Some(Node::String(&user.user_name))),
            "active" => Some(user.active_attribute().map(Node::Bool)),
            "externalId" => Some(user.external_id(self.connector).map(Node::String)),
            ENTERPRISE => stored.is_none_or(|node| self.boss(node).is_none()).then_some(stored),
            "displayName" => stored.is_some().then_some(stored),
            _ => Some(stored),
        }
    }

    /// What the connector wrote of this attribute, where its mapping made something else of it.
    fn written(&self, name: &str) -> Option<&Written> {
        self.user.written(self.connector).filter(|written| written.has(name))
    }

    fn location<'s>(&'s self, id: UserId) -> Location<'s, UserId> {
        Location { base: self.base, endpoint: "Users", id }
    }

    /// The enterprise extension, its manager as it is seen.
    fn seen<'n>(&self, node: Node<'n>) -> Attr<'n> {
        match self.boss(node) {
            None => Attr::Node(node),
            Some(_) => {
                let mut room = Draft::default();
                let seen = self.enterprise(node, &mut room).unwrap_or(node);
                Attr::Owned(seen.to_value())
            }
        }
    }

    /// Who the manager in the enterprise extension is, if it is a user of the tenant.
    fn boss(&self, extension: Node<'_>) -> Option<&User> {
        let manager = extension.as_complex()?.get("manager")?.as_complex()?.get("value")?;
        let boss = self.directory.users.get(manager.as_str()?.parse().ok()?)?;
        boss.is_shown_to(self.connector).then_some(boss)
    }

    /// The enterprise extension: where `manager.value` is a user of the tenant, their address and
    /// name are derived (R-7643-4.3-01); what else an administrator mapped stays as it is.
    fn enterprise<'n>(&'n self, node: Node<'n>, room: &'n mut Draft) -> Option<Node<'n>> {
        let (Some(boss), Some(extension)) = (self.boss(node), node.as_complex()) else {
            return Some(node);
        };
        Some(room.complex(|drawing| {
            for (name, node) in extension.iter() {
                if name != "manager" {
                    drawing.node(name, node);
                    continue;
                }
                drawing.complex(name, |manager| {
                    manager.display("value", &boss.id);
                    manager.display("$ref", &self.location(boss.id));
                    if let Some(name) = boss.display_name(self.connector) {
                        manager.text("displayName", &name);
                    }
                });
            }
        }))
    }
}

impl UserView<'_> {
    /// An attribute as the connector wrote it, where its mapping made something else of it.
    fn as_written(&self, written: &Written, name: &str) -> Option<Value> {
        let value = match (name, written.attribute(self.user, name)) {
            ("displayName", None) => return written.display_name(self.user).map(Value::String),
            (_, value) => value?,
        };
        let seen = Node::of(&value).filter(|_| name == ENTERPRISE).map(|node| self.seen(node));
        match seen {
            Some(Attr::Owned(seen)) => Some(seen),
            Some(Attr::Node(_)) | None => Some(value),
        }
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
        let mut room = Draft::default();
        if let Some(roles) = room.list(|list| self.draw_roles(list)) {
            object.set("roles", roles.to_value());
        }
        object
    }

    /// The roles in effect, each once: in the words of who looks, if it gave the role too.
    fn draw_roles(&self, list: &mut DrawingList<'_>) {
        let mut seen = BTreeSet::new();
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
            list.complex(|object| {
                object.text("value", &role.name);
                if let Some(display) = &wording.display {
                    object.text("display", display);
                }
                if let Some(kind) = &wording.kind {
                    object.text("type", kind);
                }
                if let Some(primary) = wording.primary {
                    object.node("primary", Node::Bool(primary));
                }
            });
        }
    }

    /// The groups: direct ones first, then those that have one of them as a member.
    fn draw_groups(&self, list: &mut DrawingList<'_>) {
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
        for (group, kind) in found {
            if !group.is_shown_to(self.connector) {
                continue;
            }
            list.complex(|object| {
                object.display("value", &group.id);
                let location = Location { base: self.base, endpoint: "Groups", id: group.id };
                object.display("$ref", &location);
                object.text("display", &group.display_name);
                object.text("type", kind);
            });
        }
    }
}

/// The address of a resource.
struct Location<'a, Id> {
    base: &'a str,
    endpoint: &'a str,
    id: Id,
}

impl<Id: Display> Display for Location<'_, Id> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for part in [self.base, "/", self.endpoint, "/"] {
            f.write_str(part)?;
        }
        self.id.fmt(f)
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
        let stored = self.group.attributes.view().get(name);
        if let Some(node) = self.as_it_lies(name, stored) {
            return node.map(Attr::Node);
        }
        self.among(name, stored, &mut Draft::default()).map(|node| Attr::Owned(node.to_value()))
    }

    fn stored(&self) -> View<'_> {
        self.group.attributes.view()
    }

    fn among<'s>(
        &'s self,
        name: &str,
        stored: Option<Node<'s>>,
        room: &'s mut Draft,
    ) -> Option<Node<'s>> {
        if let Some(node) = self.as_it_lies(name, stored) {
            return node;
        }
        let group = self.group;
        match name {
            "id" => Some(room.text(&group.id)),
            "meta" => {
                let location = Location { base: self.base, endpoint: "Groups", id: group.id };
                let modified = self.directory.group_modified(self.connector, group);
                Some(meta(room, "Group", &location, group.created, modified))
            }
            "schemas" => {
                let catalogue = self.directory.schemas.catalogue();
                let attributes = group.attributes.view();
                room.hold(schemas(catalogue.group(), |schema| attributes.get(schema).is_some()))
            }
            "members" => room.list(|list| self.draw_members(list)),
            _ => stored,
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
    /// What is shown as it lies there, if that is how the attribute is shown.
    fn as_it_lies<'s>(&'s self, name: &str, stored: Option<Node<'s>>) -> Option<Option<Node<'s>>> {
        match name {
            "id" | "meta" | "schemas" | "members" => None,
            "displayName" => Some(Some(Node::String(&self.group.display_name))),
            "externalId" => Some(self.group.external_id(self.connector).map(Node::String)),
            _ => Some(stored),
        }
    }

    /// Each member once, whoever says so.
    fn draw_members(&self, list: &mut DrawingList<'_>) {
        let ignored = self.directory.members_ignored(self.connector, self.group.id);
        let mut last = None;
        let ignored = ignored.map(|(member, _)| member);
        let each = |member: &Member| last.replace(*member) != Some(*member);
        for member in self.group.members().chain(ignored.filter(each)) {
            if self.directory.shows_member(member, self.connector) {
                list.complex(|it| {
                    draw_member(it, self.directory, self.connector, self.base, member)
                });
            }
        }
    }

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
    let mut room = Draft::default();
    room.complex(|it| draw_member(it, directory, connector, base, member)).to_value()
}

fn draw_member(
    drawing: &mut Drawing<'_>,
    directory: &Directory,
    connector: Option<ConnectorId>,
    base: &str,
    member: Member,
) {
    // Nothing stands in the place of who is not known: a client may compare it with the one at the reference (R-7643-4.3-01).
    let (id, endpoint, kind) = match member {
        Member::User(id) => (id.uuid(), "Users", "User"),
        Member::Group(id) => (id.uuid(), "Groups", "Group"),
    };
    drawing.display("value", &id);
    drawing.display("$ref", &Location { base, endpoint, id });
    match member {
        Member::User(id) => {
            let user = directory.user_known(connector, id);
            if let Some(name) = user.and_then(|user| user.display_name(connector)) {
                drawing.text("display", &name);
            }
        }
        Member::Group(id) => {
            if let Some(group) = directory.group_known(connector, id) {
                drawing.text("display", &group.display_name);
            }
        }
    }
    drawing.text("type", kind);
}

/// The base schema, and each extension that has an assigned attribute (R-7643-3.3-01).
fn schemas(rtype: &ResourceType, has: impl Fn(&str) -> bool) -> Value {
    let extensions = rtype.extensions.iter().map(|(schema, _)| schema);
    let present = extensions.filter(|schema| has(&schema.id));
    let all = std::iter::once(&rtype.schema).chain(present);
    Value::List(all.map(|schema| Value::String(schema.id.to_string())).collect())
}

fn meta<'d>(
    room: &'d mut Draft,
    kind: &str,
    location: &dyn Display,
    created: Stamp,
    modified: Stamp,
) -> Node<'d> {
    room.complex(|meta| {
        meta.text("resourceType", kind);
        meta.display("created", &created.at);
        meta.display("lastModified", &modified.at);
        meta.display("location", location);
        meta.display("version", &format_args!("W/\"{}\"", modified.position));
    })
}
