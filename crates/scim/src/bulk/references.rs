//! References by `bulkId:x` (RFC 7644 §3.7.2): found, replaced, or left out for later.
//!
//! A reference is where the schema has one: the `value` of a link such as `members` or `manager`, a text of type `reference`
//! that points to resources, and either of them in the filter of a PATCH path. Text that merely looks like one stays as it is.

use crate::admit::value::is_link;
use crate::filter::{Filter, Literal};
use crate::matching::Matching;
use crate::mode::Options;
use crate::patch::PATCH_OP;
use crate::path::PatchPath;
use crate::schema::{Attribute, Mutability, ResourceType, Schema};
use crate::value::{Name, Object, Value};

use super::Method;

pub(super) const BULK_ID: &str = "bulkId:";

/// How a reference says which resource it means.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// By its id.
    Id,
    /// By its address.
    Address,
}

/// What is called for each reference, with the `bulkId`; it may say what stands in its place.
type Found<'f> = &'f mut dyn FnMut(&str, Form) -> Option<String>;

/// Which `bulkId`s are referred to, each with whether the resource can be created without this reference.
pub(super) fn all(
    data: &mut Value,
    method: Method,
    rtype: &ResourceType,
    options: Options,
) -> Vec<(String, bool)> {
    let mut all = Vec::new();
    if !mentions(data) {
        return all;
    }
    let Value::Complex(object) = data else { return all };
    if method == Method::Post {
        each_attribute(object, rtype, &mut |place, value| {
            let is_soft = place.is_soft();
            attribute(place.attribute, value, &mut |bulk_id, _| {
                all.push((bulk_id.to_owned(), is_soft));
                None
            });
        });
    } else {
        let found: Found<'_> = &mut |bulk_id, _| {
            all.push((bulk_id.to_owned(), false));
            None
        };
        replace(data, method, rtype, options, found);
    }
    all
}

/// Puts something else in the place of references.
pub(super) fn replace(
    data: &mut Value,
    method: Method,
    rtype: &ResourceType,
    options: Options,
    found: Found<'_>,
) {
    if !mentions(data) {
        return;
    }
    let Value::Complex(object) = data else { return };
    match method {
        Method::Patch => message(object, rtype, options, found),
        Method::Post | Method::Put | Method::Delete => {
            each_attribute(object, rtype, &mut |place, value| {
                attribute(place.attribute, value, found);
            });
        }
    }
}

/// Takes the attributes and elements out that refer to what isn't there yet, and returns the PATCH that puts them in.
pub(super) fn split(
    data: &mut Value,
    rtype: &ResourceType,
    is_due: &mut dyn FnMut(&str) -> bool,
) -> Value {
    let mut later: Vec<Value> = Vec::new();
    let Value::Complex(object) = data else { return Value::Null };
    each_attribute(object, rtype, &mut |place, value| {
        if !place.is_soft() {
            return;
        }
        let mut refers = |item: &mut Value| {
            let mut refers = false;
            attribute(place.attribute, item, &mut |bulk_id, _| {
                refers |= !is_due(bulk_id);
                None
            });
            refers
        };
        let out = if let Value::List(items) = value {
            let mut out = Vec::new();
            for mut item in std::mem::take(items) {
                if refers(&mut item) { &mut out } else { &mut *items }.push(item);
            }
            Value::List(out)
        } else if refers(value) {
            std::mem::take(value)
        } else {
            return;
        };
        if !out.is_unassigned() {
            let add =
                [("op", Value::from("add")), ("path", Value::from(place.path())), ("value", out)];
            later.push(Value::Complex(add.into_iter().collect()));
        }
    });
    let message =
        [("schemas", Value::List(vec![Value::from(PATCH_OP)])), ("Operations", Value::List(later))];
    Value::Complex(message.into_iter().collect())
}

/// Whether there may be a reference anywhere in a value: most have none.
fn mentions(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains(BULK_ID),
        Value::List(items) => items.iter().any(mentions),
        Value::Complex(object) => {
            object.iter().any(|(name, value)| name.contains(BULK_ID) || mentions(value))
        }
        Value::Null | Value::Bool(_) | Value::Integer(_) | Value::Decimal(_) => false,
    }
}

/// An attribute of a resource, and what it is in.
struct Place<'p> {
    extension: Option<(&'p Schema, bool)>,
    attribute: &'p Attribute,
}

impl Place<'_> {
    /// Whether a resource can be created without it: neither it nor the extension that it's in is required.
    fn is_soft(&self) -> bool {
        !self.attribute.required && !self.extension.is_some_and(|(_, is_required)| is_required)
    }

    fn path(&self) -> String {
        match self.extension {
            Some((schema, _)) => format!("{}:{}", schema.id, self.attribute.name),
            None => self.attribute.name.as_str().to_owned(),
        }
    }
}

/// Shows the attributes of a resource that the schema knows.
fn each_attribute(
    object: &mut Object,
    rtype: &ResourceType,
    f: &mut dyn FnMut(&Place<'_>, &mut Value),
) {
    for (name, value) in object.iter_mut() {
        let is_meant =
            |(schema, _): &&(std::sync::Arc<Schema>, bool)| schema.id.eq_ignore_ascii_case(name);
        if let Some((schema, is_required)) = rtype.extensions.iter().find(is_meant) {
            let Value::Complex(inside) = value else { continue };
            for (name, value) in inside.iter_mut() {
                if let Some(attribute) = schema.attribute(name) {
                    f(&Place { extension: Some((schema, *is_required)), attribute }, value);
                }
            }
        } else if let Some(attribute) = rtype.core(name) {
            f(&Place { extension: None, attribute }, value);
        }
    }
}

/// The references in the value of an attribute. What is read-only isn't read at all, so it refers to nothing.
fn attribute(attribute: &Attribute, value: &mut Value, found: Found<'_>) {
    if attribute.mutability == Mutability::ReadOnly {
        return;
    }
    if let Value::List(items) = value {
        items.iter_mut().for_each(|item| one(attribute, item, found));
    } else {
        one(attribute, value, found);
    }
}

fn one(owner: &Attribute, value: &mut Value, found: Found<'_>) {
    match value {
        Value::String(text) => {
            if let Some(form) = form_of_bare(owner) {
                reference(text, form, found);
            }
        }
        Value::Complex(object) => {
            for (name, inner) in object.iter_mut() {
                match owner.sub(name) {
                    Some(sub) => sub_attribute(owner, sub, inner, found),
                    // The list of members inside a member, as some clients send it.
                    None if name.eq_ignore_ascii_case(&owner.name) => {
                        if let Value::List(items) = inner {
                            items.iter_mut().for_each(|item| one(owner, item, found));
                        }
                    }
                    None => {}
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Integer(_) | Value::Decimal(_) | Value::List(_) => {}
    }
}

fn sub_attribute(owner: &Attribute, sub: &Attribute, value: &mut Value, found: Found<'_>) {
    let Some(form) = form_of(owner, sub) else { return };
    match value {
        Value::String(text) => reference(text, form, found),
        Value::List(items) => {
            for item in items {
                if let Value::String(text) = item {
                    reference(text, form, found);
                }
            }
        }
        Value::Null
        | Value::Bool(_)
        | Value::Integer(_)
        | Value::Decimal(_)
        | Value::Complex(_) => {}
    }
}

/// How a sub-attribute refers to resources, if it does.
fn form_of(owner: &Attribute, sub: &Attribute) -> Option<Form> {
    if is_link(owner) && sub.name == "value" {
        Some(Form::Id)
    } else {
        (Matching::of(sub) == Matching::Address).then_some(Form::Address)
    }
}

/// How a text that stands for a whole attribute refers to resources, if it does: a bare manager is one too (L-06).
fn form_of_bare(attribute: &Attribute) -> Option<Form> {
    if is_link(attribute) {
        Some(Form::Id)
    } else {
        (Matching::of(attribute) == Matching::Address).then_some(Form::Address)
    }
}

/// One text that may be a reference: `bulkId:x`, or an address that ends so.
fn reference(text: &mut String, form: Form, found: Found<'_>) {
    let end = text.trim_end_matches('/');
    let replaced = match end.strip_prefix(BULK_ID) {
        Some(bulk_id) => found(bulk_id, form),
        None => end.rsplit_once('/').and_then(|(before, last)| {
            let bulk_id = last.strip_prefix(BULK_ID)?;
            found(bulk_id, Form::Id).map(|id| format!("{before}/{id}"))
        }),
    };
    if let Some(replaced) = replaced {
        *text = replaced;
    }
}

/// The references in a PatchOp message.
fn message(body: &mut Object, rtype: &ResourceType, options: Options, found: Found<'_>) {
    let reader = Reader { rtype, options };
    for (name, value) in body.iter_mut() {
        let Value::List(operations) = value else { continue };
        if !name.eq_ignore_ascii_case("Operations") {
            continue;
        }
        for operation in operations.iter_mut().filter(|operation| mentions(operation)) {
            if let Value::Complex(operation) = operation {
                reader.operation(operation, found);
            }
        }
    }
}

struct Reader<'r> {
    rtype: &'r ResourceType,
    options: Options,
}

impl Reader<'_> {
    fn operation(&self, operation: &mut Object, found: Found<'_>) {
        let text = operation.get_any_case("path").and_then(Value::as_str).unwrap_or_default();
        let path = (!text.is_empty()).then(|| self.path(text, found));
        for (name, value) in operation.iter_mut() {
            match &path {
                Some(Some((path, replaced))) => {
                    if name.eq_ignore_ascii_case("value") {
                        self.at(path, value, found);
                    } else if let Some(text) =
                        replaced.as_ref().filter(|_| name.eq_ignore_ascii_case("path"))
                    {
                        *value = Value::from(text.as_str());
                    }
                }
                // The operation will fail by itself.
                Some(None) => {}
                None => {
                    if name.eq_ignore_ascii_case("value")
                        && let Value::Complex(members) = value
                    {
                        self.members(None, members, found);
                    }
                }
            }
        }
    }

    /// A path, and its text if something in it was replaced.
    fn path(&self, text: &str, found: Found<'_>) -> Option<(PatchPath, Option<String>)> {
        let mut path = PatchPath::parse(text, self.rtype, self.options).ok()?;
        let owner = path.attr.attribute().clone();
        let replaced = path.filter.as_mut().is_some_and(|filter| literals(filter, &owner, found));
        let text = replaced.then(|| path.to_string());
        Some((path, text))
    }

    /// The references in the value for a path.
    fn at(&self, path: &PatchPath, value: &mut Value, found: Found<'_>) {
        let owner = path.attr.attribute();
        let extension = self.rtype.extension(path.attr.name());
        match (extension.filter(|_| path.attr.schema().is_none()), &path.sub) {
            (Some(schema), _) => {
                if let Value::Complex(members) = value {
                    self.members(Some(schema), members, found);
                }
            }
            (None, Some(sub)) => sub_attribute(owner, sub, value, found),
            (None, None) => attribute(owner, value, found),
        }
    }

    /// The references in an object of attributes, whose keys may be paths (L-03).
    fn members(&self, extension: Option<&Schema>, members: &mut Object, found: Found<'_>) {
        for (name, value) in members.iter_mut() {
            let text = match extension {
                Some(schema) => format!("{}:{name}", schema.id),
                None => name.as_str().to_owned(),
            };
            let Some((path, replaced)) = self.path(&text, found) else { continue };
            self.at(&path, value, found);
            if let Some(text) = replaced {
                let prefix = extension.map(|schema| format!("{}:", schema.id)).unwrap_or_default();
                *name = Name::from(text.strip_prefix(&prefix).unwrap_or(&text));
            }
        }
    }
}

/// The references that the filter of a path compares with. Says whether one was replaced.
fn literals(filter: &mut Filter, owner: &Attribute, found: Found<'_>) -> bool {
    match filter {
        Filter::And(terms) | Filter::Or(terms) => {
            terms.iter_mut().fold(false, |replaced, term| literals(term, owner, found) | replaced)
        }
        Filter::Not(inner) | Filter::Element { filter: inner, .. } => literals(inner, owner, found),
        Filter::Present(_) => false,
        Filter::Compare { path, value, .. } => {
            let Some(form) = form_of(owner, path.leaf()) else { return false };
            let Literal::String { text, prepared } = value else { return false };
            let mut said = text.to_string();
            reference(&mut said, form, found);
            let is_other = *said != **text;
            if is_other {
                *text = said.clone().into();
                *prepared = said.into();
            }
            is_other
        }
    }
}
