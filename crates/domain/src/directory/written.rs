//! What a connector wrote where its mapping made something else of it: the connector reads back what it wrote.

use scim::{Node, Object, Packed, Value};
use serde::{Deserialize, Serialize};

use super::users::{User, full_name};
use crate::event::AttributeChange;
use crate::id::ConnectorId;
use crate::mapping::{top, write};
use crate::position::Position;

/// What one connector wrote of a user, where its mapping feeds the attribute from another one.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Written {
    /// The connector.
    pub connector: ConnectorId,
    /// The position at which the mapping by which it wrote came to be.
    pub mapping: Position,
    /// By path; `false` stands for nothing, as no path leads to a boolean.
    pub values: Packed,
}

impl Written {
    /// How such a change is called among the changes of a user: alone that of the mapping, with a colon and a path behind it
    /// that of a value.
    pub(crate) const PATH: &'static str = "written";

    /// The path of the attribute, if a change is one of these; empty for the mapping's own.
    pub fn path_of(path: &str) -> Option<&str> {
        let rest = path.strip_prefix(Self::PATH)?;
        if rest.is_empty() { Some("") } else { rest.strip_prefix(':') }
    }

    /// The text that was written at a path.
    pub(crate) fn text(&self, path: &str) -> Option<&str> {
        self.values.view().get(path).and_then(Node::as_str)
    }

    /// Whether something was written in this attribute.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.values.view().iter().any(|(path, _)| top(path) == name)
    }

    /// The attributes in which something was written.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.values.view().iter().map(|(path, _)| top(path))
    }

    /// Puts what was written in the place of what the mapping made of it.
    pub(crate) fn lay_over(&self, object: &mut Object) {
        for (path, node) in self.values.view().iter() {
            let value = Some(node.to_value()).filter(|value| *value != Value::Bool(false));
            write(object, path, value);
        }
    }

    /// One attribute as the connector wrote it.
    pub(crate) fn attribute(&self, user: &User, name: &str) -> Option<Value> {
        let mut object = Object::default();
        if name == "userName" {
            object.set(name, user.user_name.to_string());
        } else if let Some(node) = user.attributes.view().get(name) {
            object.set(name, node.to_value());
        }
        self.lay_over(&mut object);
        object.take(name)
    }

    /// The `displayName` that the connector wrote, or first and last name as it wrote them.
    pub(crate) fn display_name(&self, user: &User) -> Option<String> {
        match self.attribute(user, "displayName") {
            Some(Value::String(name)) => Some(name),
            _ => full_name(Node::of(&self.attribute(user, "name")?)?),
        }
    }
}

/// Makes changes part of what a connector wrote.
pub(super) fn apply(all: &mut Vec<Written>, changes: &[&AttributeChange], connector: ConnectorId) {
    if changes.is_empty() {
        return;
    }
    let there = all.iter().position(|written| written.connector == connector);
    let old = there.map(|at| all.remove(at));
    let mut mapping = old.as_ref().map(|old| old.mapping);
    let mut values = old.map(|old| old.values.unpack()).unwrap_or_default();
    for change in changes {
        match (Written::path_of(&change.path), &change.new) {
            (None, _) => {}
            (Some(""), Some(Value::Integer(number))) => {
                mapping = u64::try_from(*number).ok().and_then(Position::new);
            }
            (Some(""), _) => mapping = None,
            (Some(path), Some(value)) => drop(values.set(path, value.clone())),
            (Some(path), None) => drop(values.remove(path)),
        }
    }
    if let Some(mapping) = mapping {
        all.push(Written { connector, mapping, values: Packed::pack(&values) });
        all.sort_by_key(|written| written.connector);
    }
}
