//! A user as an entity of Cedar's: attributes, and what they are in.

use std::collections::{BTreeSet, HashMap, HashSet};

use cedar_policy::{Entity, EntityUid, RestrictedExpression};
use domain::directory::{Directory, User};
use domain::event::Member;
use domain::id::GroupId;
use domain::time::Timestamp;
use scim::{Attribute, ComplexView, Kind, Node};

use crate::compiled::Compiled;
use crate::text::Kind as Principal;
use crate::types::parts;

/// Every group that holds a member, itself or through others. Circles end.
pub(crate) fn groups_of(directory: &Directory, member: Member) -> BTreeSet<GroupId> {
    let mut all = BTreeSet::new();
    let mut next = vec![member];
    while let Some(member) = next.pop() {
        for group in directory.groups.of(member) {
            if all.insert(group.id) {
                next.push(Member::Group(group.id));
            }
        }
    }
    all
}

/// The names of the roles that a user has in effect, through whichever source, and of that which everybody has who may act.
pub(crate) fn roles_of(directory: &Directory, user: &User) -> BTreeSet<String> {
    let given = user.roles.iter().filter_map(|given| directory.roles.get(given.role));
    given.chain(directory.implicit_role(user)).map(|role| role.name.clone()).collect()
}

impl Compiled {
    /// A user with the attributes that policies look at, in these groups and roles.
    pub(crate) fn user(&self, user: &User, parents: HashSet<EntityUid>) -> Entity {
        let uid = self.kinds.uid(Principal::User, &user.id.to_string());
        let mut attributes = HashMap::from([
            ("userName".to_owned(), RestrictedExpression::new_string(user.user_name.to_string())),
            ("active".to_owned(), RestrictedExpression::new_bool(user.may_act())),
        ]);
        let view = user.attributes.view();
        for (extension, attribute) in &self.attributes {
            let node = match extension {
                None => view.get(&attribute.name),
                Some(urn) => {
                    let extension = view.get(urn).and_then(Node::as_complex);
                    extension.and_then(|extension| extension.get(&attribute.name))
                }
            };
            if let Some(value) = node.and_then(|node| value(attribute, node)) {
                attributes.insert(attribute.name.to_string(), value);
            }
        }
        // Only attributes that are no values could fail, and these are.
        Entity::new(uid.clone(), attributes, parents.clone())
            .unwrap_or_else(|_| Entity::new_no_attrs(uid, parents))
    }
}

/// A value as its type says; none: it is of another form, or does not fit.
fn value(attribute: &Attribute, node: Node<'_>) -> Option<RestrictedExpression> {
    if attribute.multi_valued {
        let value = |item: Node<'_>| {
            if !attribute.is_complex() {
                return simple(attribute.kind, item);
            }
            simple(attribute.sub("value")?.kind, item.as_complex()?.get("value")?)
        };
        return Some(RestrictedExpression::new_set(node.as_list()?.iter().filter_map(value)));
    }
    if attribute.is_complex() {
        record(attribute, node.as_complex()?)
    } else {
        simple(attribute.kind, node)
    }
}

fn record(attribute: &Attribute, object: ComplexView<'_>) -> Option<RestrictedExpression> {
    let part = |part: &Attribute| {
        let value = simple(part.kind, object.get(&part.name)?)?;
        Some((part.name.to_string(), value))
    };
    RestrictedExpression::new_record(parts(attribute).filter_map(part)).ok()
}

fn simple(kind: Kind, node: Node<'_>) -> Option<RestrictedExpression> {
    match kind {
        Kind::String | Kind::Binary | Kind::Reference => {
            Some(RestrictedExpression::new_string(node.as_str()?.to_owned()))
        }
        Kind::Boolean => Some(RestrictedExpression::new_bool(node.as_bool()?)),
        Kind::Integer => match node {
            Node::Integer(number) => Some(RestrictedExpression::new_long(number)),
            Node::Bool(_)
            | Node::Decimal(_)
            | Node::String(_)
            | Node::List(_)
            | Node::Complex(_) => None,
        },
        Kind::Decimal => decimal(node),
        Kind::DateTime => {
            let time: Timestamp = node.as_str()?.parse().ok()?;
            Some(RestrictedExpression::new_datetime(time.to_string()))
        }
        Kind::Complex => None,
    }
}

/// A number with four places, as Cedar has them; none: it is too large for that.
fn decimal(node: Node<'_>) -> Option<RestrictedExpression> {
    const MOST: f64 = 9.0e14;
    let text = match node {
        Node::Integer(number) => format!("{number}.0"),
        Node::Decimal(number) if number.abs() < MOST => format!("{number:.4}"),
        Node::Decimal(_) | Node::Bool(_) | Node::String(_) | Node::List(_) | Node::Complex(_) => {
            return None;
        }
    };
    let (whole, _) = text.trim_start_matches('-').split_once('.')?;
    (whole.len() <= 14).then(|| RestrictedExpression::new_decimal(text))
}
