//! The elements of a multi-valued attribute: what is there already, what makes room, what goes.

use std::collections::BTreeMap;

use super::Progress;
use crate::admit::value::{identity, is_link};
use crate::error::Invalid;
use crate::filter::{Filter, Literal, Op};
use crate::limits;
use crate::matching::{Key, Matching};
use crate::mode::Options;
use crate::node::Node;
use crate::path::PatchPath;
use crate::schema::{Attribute, Mutability};
use crate::value::{Object, Value};

/// Adds the elements that aren't there yet (RFC 7644 §3.5.2.1). Returns the places of those that were added or changed. Each is
/// compared with those alike only, but all without a `value` are alike, so that is counted.
pub(super) fn add(
    list: &mut Vec<Value>,
    attribute: &Attribute,
    given: &[Value],
    progress: &mut Progress,
) -> Result<Vec<usize>, Invalid> {
    let mut places: BTreeMap<Option<Key>, Vec<usize>> = BTreeMap::new();
    for (at, item) in list.iter().enumerate() {
        places.entry(value_key(attribute, item)).or_default().push(at);
    }
    let mut changed = Vec::new();
    for item in given {
        let key = value_key(attribute, item);
        let alike = places.get(&key).map(Vec::as_slice).unwrap_or_default();
        progress.look(alike.len())?;
        // INVARIANT (places): every place is one of the list's, which only grows here.
        let stored = |at: &usize| list.get(*at);
        let is_there =
            alike.iter().filter_map(stored).any(|stored| covers(attribute, stored, item));
        if is_there {
            // "Already there" may still mean that another element was primary before, so it counts as touched.
            changed.extend(
                alike
                    .iter()
                    .copied()
                    .filter(|at| stored(at).is_some_and(|s| covers(attribute, s, item)))
                    .take(1),
            );
            continue;
        }
        let wanted = identity(attribute, item);
        let twin = alike.iter().copied().find(|at| {
            wanted.is_some()
                && stored(at).is_some_and(|stored| identity(attribute, stored) == wanted)
        });
        match (twin, item) {
            (Some(at), Value::Complex(given)) => {
                if let Some(Value::Complex(stored)) = list.get_mut(at) {
                    merge(stored, attribute, given)?;
                }
                changed.push(at);
            }
            (_, item) => {
                places.entry(key).or_default().push(list.len());
                changed.push(list.len());
                list.push(item.clone());
            }
        }
    }
    let most = if is_link(attribute) { usize::MAX } else { limits::ATTRIBUTE_ELEMENTS };
    if list.len() > most {
        return Err(Invalid::value(format!("`{}` has more than {most} elements", attribute.name)));
    }
    Ok(changed)
}

/// Removes the elements that the given ones describe (L-04).
pub(super) fn remove(
    list: &mut Vec<Value>,
    attribute: &Attribute,
    given: &[Value],
    progress: &mut Progress,
) -> Result<(), Invalid> {
    let mut wanted: BTreeMap<Option<Key>, Vec<&Value>> = BTreeMap::new();
    for item in given {
        wanted.entry(value_key(attribute, item)).or_default().push(item);
    }
    let valueless: Vec<&Value> = wanted.remove(&None).unwrap_or_default();
    let mut looked = Ok(());
    list.retain(|stored| {
        let alike = value_key(attribute, stored).and_then(|key| wanted.get(&Some(key)));
        let count = alike.map_or(0, Vec::len) + valueless.len();
        if looked.is_ok() {
            looked = progress.look(count);
        }
        let mut candidates = alike.into_iter().flatten().chain(&valueless);
        looked.is_err() || !candidates.any(|item| covers(attribute, stored, item))
    });
    looked
}

/// What elements with the same value have in common; nothing for those without one.
fn value_key(attribute: &Attribute, item: &Value) -> Option<Key> {
    identity(attribute, item).map(|(_, value)| value)
}

/// Whether all that is given equals what is stored (R-7644-3.5.2.1-02). Of a link only the value counts.
fn covers(attribute: &Attribute, stored: &Value, given: &Value) -> bool {
    match (stored, given) {
        (Value::Complex(stored), Value::Complex(given)) => {
            let is_link = is_link(attribute);
            given.iter().filter(|(name, _)| !is_link || name == "value").all(
                |(name, value)| match (attribute.sub(name), stored.get(name)) {
                    (Some(sub), Some(there)) => equal(sub, there, value),
                    (_, there) => there.is_none() && *value == Value::Null,
                },
            )
        }
        (stored, given) => equal(attribute, stored, given),
    }
}

/// Whether two values of an attribute are the same to it.
pub(crate) fn equal(attribute: &Attribute, a: &Value, b: &Value) -> bool {
    let key = |value| Node::of(value).and_then(|node| Matching::of(attribute).key(node));
    match (key(a), key(b)) {
        (Some(a), Some(b)) => a == b,
        (_, _) => a == b,
    }
}

/// Sets a sub-attribute, or unassigns it by null.
pub(super) fn set(object: &mut Object, sub: &Attribute, value: &Value) -> Result<(), Invalid> {
    match object.get_mut(&sub.name) {
        Some(there) if is_fixed(sub) => {
            if !equal(sub, there, value) {
                return Err(Invalid::mutability(format!(
                    "`{}` can't be changed once it's set",
                    sub.name
                )));
            }
        }
        _ if *value == Value::Null => {
            object.remove(&sub.name);
        }
        Some(there) => *there = value.clone(),
        None => {
            object.set(sub.name.clone(), value.clone());
        }
    }
    Ok(())
}

/// Sets the given sub-attributes and leaves the others.
pub(super) fn merge(
    object: &mut Object,
    attribute: &Attribute,
    given: &Object,
) -> Result<(), Invalid> {
    for (name, value) in given {
        if let Some(sub) = attribute.sub(name) {
            set(object, sub, value)?;
        }
    }
    Ok(())
}

/// Takes out what the given sub-attributes don't replace, but for what can't be changed once it's set.
pub(super) fn keep_only(object: &mut Object, attribute: &Attribute, given: &Object) {
    object.retain(|name, _| {
        given.get(name).is_some() || attribute.sub(name).is_some_and(|sub| is_fixed(sub))
    });
}

/// A sub-attribute that is there and can't be changed once it's set. An extension's may be one level deeper.
pub(super) fn fixed<'a>(object: &Object, attribute: &'a Attribute) -> Option<&'a Attribute> {
    attribute.sub_attributes.iter().find_map(|sub| {
        let there = object.get(&sub.name)?;
        if is_fixed(sub) { Some(sub.as_ref()) } else { fixed(there.as_complex()?, sub) }
    })
}

fn is_fixed(attribute: &Attribute) -> bool {
    attribute.mutability == Mutability::Immutable
}

/// Whether nothing is left of an element that is worth keeping. Identity providers clear an element by clearing its value; what
/// then remains only says which element it was.
pub(super) fn is_spent(item: &Value, options: Options) -> bool {
    match item {
        Value::Complex(element) => {
            let says_which = |name: &str| matches!(name, "type" | "primary");
            element.is_empty()
                || (options.is_lenient() && element.iter().all(|(name, _)| says_which(name)))
        }
        Value::Null => true,
        Value::Bool(_)
        | Value::Integer(_)
        | Value::Decimal(_)
        | Value::String(_)
        | Value::List(_) => false,
    }
}

/// The element that a filter of nothing but equalities describes (L-07).
pub(super) fn described(filter: &Filter) -> Option<Object> {
    let mut element = Object::new();
    describe(filter, &mut element)?;
    Some(element)
}

fn describe(filter: &Filter, element: &mut Object) -> Option<()> {
    match filter {
        Filter::And(terms) => terms.iter().try_for_each(|term| describe(term, element)),
        Filter::Compare { value: Literal::Null, .. } => None,
        Filter::Compare { path, op: Op::Eq, value } => {
            element.set(path.attribute().name.clone(), value.to_value());
            Some(())
        }
        Filter::Or(_)
        | Filter::Not(_)
        | Filter::Present(_)
        | Filter::Compare { .. }
        | Filter::Element { .. } => None,
    }
}

/// If one of the touched elements is primary, the others no longer are (R-7644-3.5.2-10).
pub(super) fn demote_others(
    list: &mut [Value],
    touched: &[usize],
    path: &PatchPath,
) -> Result<(), Invalid> {
    let is_primary = |item: &Value| {
        item.as_complex().and_then(|element| element.get("primary")).and_then(Value::as_bool)
            == Some(true)
    };
    let mut chosen = touched.iter().copied().filter(|at| list.get(*at).is_some_and(is_primary));
    let Some(only) = chosen.next() else { return Ok(()) };
    if chosen.any(|at| at != only) {
        return Err(Invalid::value(format!("`{path}` would have more than one primary element")));
    }
    for (at, item) in list.iter_mut().enumerate() {
        if at != only
            && is_primary(item)
            && let Value::Complex(element) = item
        {
            element.set("primary", false);
        }
    }
    Ok(())
}
