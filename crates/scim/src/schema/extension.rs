//! What a document must be for an extension to be added by it: stricter than what the built-in documents are read by, because it
//! comes from outside, and because what it says will be served, enforced and kept.

use super::{
    Attribute, BadSchema, Catalogue, Kind, Mutability, Returned, Schema, Uniqueness, compile,
    describe,
};
use crate::error::quoted;
use crate::limits;
use crate::value::{Object, Value};

/// URNs that the RFCs give a meaning of their own: resource types and messages are no extensions.
const RESERVED: [&str; 2] = ["urn:ietf:params:scim:schemas:core:", "urn:ietf:params:scim:api:"];

fn bad(detail: impl Into<String>) -> BadSchema {
    BadSchema(detail.into())
}

/// Reads the document of an extension.
pub(super) fn read(document: &Value, catalogue: &Catalogue) -> Result<Schema, BadSchema> {
    let object = document.as_complex().ok_or_else(|| bad("it is no object"))?;
    let id = match object.get("id") {
        Some(Value::String(id)) => id,
        Some(_) | None => return Err(bad("`id` is missing: give it the URN of the extension")),
    };
    check_urn(id, catalogue)?;
    let within = |fault: BadSchema| bad(format!("{}: {}", quoted(id), fault.0));
    check_document(object).map_err(within)?;
    let mut schema = compile::schema(document)?;
    for attribute in &schema.attributes {
        check_meaning(attribute, None).map_err(within)?;
    }
    for known in catalogue.schemas() {
        check_apart(&schema, known)?;
        check_apart(known, &schema)?;
    }
    // What its author left out has a default, and `/Schemas` says it.
    schema.document = describe::document(&schema);
    Ok(schema)
}

/// A URN as RFC 8141 §2 has it, of the extension's own.
fn check_urn(id: &str, catalogue: &Catalogue) -> Result<(), BadSchema> {
    let remedy =
        "use one of your own, as in `urn:example:params:scim:schemas:extension:hr:1.0:User`";
    let most = limits::SCHEMA_URN_BYTES;
    if id.len() > most {
        return Err(bad(format!("{} is longer than {most} bytes: {remedy}", quoted(id))));
    }
    let mut parts = id.splitn(3, ':');
    let (scheme, space, rest) = (parts.next(), parts.next(), parts.next().unwrap_or_default());
    let is_space = |space: &str| {
        (2..=32).contains(&space.len())
            && space.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !space.starts_with('-')
            && !space.ends_with('-')
    };
    let is_rest = !rest.is_empty()
        && rest.split(':').all(|part| {
            !part.is_empty()
                && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte))
        });
    if !scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case("urn"))
        || !space.is_some_and(is_space)
        || !is_rest
    {
        return Err(bad(format!("{} is no URN of an extension: {remedy}", quoted(id))));
    }
    let is_under = |urn: &str| {
        id.split_at_checked(urn.len()).is_some_and(|(start, _)| start.eq_ignore_ascii_case(urn))
    };
    if RESERVED.into_iter().any(is_under) {
        return Err(bad(format!("{} is for the RFCs to give: {remedy}", quoted(id))));
    }
    if catalogue.schema(id).is_some() {
        return Err(bad(format!(
            "{} is there already: a schema never changes; add another with a version of its own",
            quoted(id)
        )));
    }
    Ok(())
}

/// No URN may read as a path to another schema's attribute: the longest URN is looked for first, and would hide it.
fn check_apart(one: &Schema, other: &Schema) -> Result<(), BadSchema> {
    let rest = other.id.split_at_checked(one.id.len()).and_then(|(start, rest)| {
        if start.eq_ignore_ascii_case(&one.id) { rest.strip_prefix(':') } else { None }
    });
    match rest.and_then(|name| one.attribute(name)) {
        Some(attribute) => Err(bad(format!(
            "`{}` reads as the attribute `{}` of `{}`: choose another URN",
            other.id, attribute.name, one.id
        ))),
        None => Ok(()),
    }
}

/// The JSON of each part is of the kind that is due, and nothing is beyond its limit.
fn check_document(object: &Object) -> Result<(), BadSchema> {
    text(object, "name", limits::SCHEMA_NAME_BYTES)?;
    text(object, "description", limits::SCHEMA_DESCRIPTION_BYTES)?;
    let attributes = listed(object, "attributes", limits::SCHEMA_ATTRIBUTES)?;
    if attributes.is_empty() {
        return Err(bad("it has no attributes: list at least one in `attributes`"));
    }
    attributes.iter().try_for_each(|item| check_attribute(item, None))
}

fn check_attribute(item: &Value, parent: Option<&str>) -> Result<(), BadSchema> {
    let Some(item) = item.as_complex() else {
        return Err(bad("`attributes` holds something that is no object"));
    };
    let Some(name) = item.get("name").and_then(Value::as_str) else {
        return Err(bad(format!(
            "an attribute{} has no `name`",
            parent.map(|parent| format!(" of {}", quoted(parent))).unwrap_or_default()
        )));
    };
    let within = |fault: BadSchema| bad(format!("{}: {}", quoted(name), fault.0));
    let check = || {
        let most = limits::SCHEMA_NAME_BYTES;
        if name.len() > most {
            return Err(bad(format!("the name is longer than {most} bytes")));
        }
        if name.starts_with('$') && !(parent.is_some() && name == "$ref") {
            return Err(bad("only a sub-attribute `$ref` begins with `$`"));
        }
        for key in ["type", "mutability", "returned", "uniqueness"] {
            text(item, key, limits::SCHEMA_NAME_BYTES)?;
        }
        text(item, "description", limits::SCHEMA_DESCRIPTION_BYTES)?;
        for key in ["multiValued", "required", "caseExact"] {
            match item.get(key) {
                None | Some(Value::Bool(_)) => {}
                Some(other) => {
                    return Err(bad(format!(
                        "`{key}` is {} where true or false is due",
                        other.kind()
                    )));
                }
            }
        }
        for key in ["canonicalValues", "referenceTypes"] {
            for word in listed(item, key, limits::SCHEMA_VALUES)? {
                if word.as_str().is_none_or(|word| word.len() > limits::SCHEMA_DESCRIPTION_BYTES) {
                    return Err(bad(format!("`{key}` holds something that is no short text")));
                }
            }
        }
        let inside = listed(item, "subAttributes", limits::SCHEMA_SUB_ATTRIBUTES)?;
        let is_complex = item.get("type").and_then(Value::as_str) == Some("complex");
        match (is_complex, parent, inside) {
            (true, Some(parent), _) => Err(bad(format!(
                "it is complex inside the complex attribute {}: make it an attribute of its own",
                quoted(parent)
            ))),
            (true, None, []) => Err(bad("it is complex: list at least one in `subAttributes`")),
            (false, _, [_, ..]) => {
                Err(bad("it has `subAttributes`, which only the type `complex` has"))
            }
            (_, _, inside) => inside.iter().try_for_each(|sub| check_attribute(sub, Some(name))),
        }
    };
    check().map_err(within)
}

fn text(object: &Object, key: &str, most: usize) -> Result<(), BadSchema> {
    match object.get(key) {
        None => Ok(()),
        Some(Value::String(text)) if text.len() <= most => Ok(()),
        Some(Value::String(_)) => Err(bad(format!("`{key}` is longer than {most} bytes"))),
        Some(other) => Err(bad(format!("`{key}` is {} where a string is due", other.kind()))),
    }
}

fn listed<'a>(object: &'a Object, key: &str, most: usize) -> Result<&'a [Value], BadSchema> {
    match object.get(key) {
        None => Ok(&[]),
        Some(Value::List(items)) if items.len() <= most => Ok(items),
        Some(Value::List(items)) => {
            Err(bad(format!("`{key}` has {} entries, more than {most}", items.len())))
        }
        Some(other) => Err(bad(format!("`{key}` is {} where an array is due", other.kind()))),
    }
}

/// What the characteristics mean together, and what is not kept here.
fn check_meaning(attribute: &Attribute, parent: Option<&Attribute>) -> Result<(), BadSchema> {
    let fault = |detail: &str| {
        let place = parent.map_or_else(
            || attribute.name.to_string(),
            |parent| format!("{}.{}", parent.name, attribute.name),
        );
        Err(bad(format!("`{place}` {detail}")))
    };
    if attribute.mutability == Mutability::WriteOnly || attribute.returned == Returned::Never {
        return fault(
            "is written and never read, as only secrets are, which are not kept here: use `readWrite` and another `returned`",
        );
    }
    if attribute.name.eq_ignore_ascii_case("password") {
        return fault("is named like a secret, which are not kept here: leave it out");
    }
    if attribute.required && attribute.mutability == Mutability::ReadOnly {
        return fault("is required, but `readOnly`: nobody could ever assign it");
    }
    let can_be_unique = parent.is_none()
        && !attribute.multi_valued
        && matches!(attribute.kind, Kind::String | Kind::Integer | Kind::Reference);
    match attribute.uniqueness {
        Uniqueness::Global => {
            return fault(
                "has the uniqueness `global`, by which one customer would learn of another: use `server`",
            );
        }
        Uniqueness::Server if !can_be_unique => {
            return fault(
                "can't have the uniqueness `server`, which is for attributes with a single string, integer or reference: use `none`",
            );
        }
        Uniqueness::Server | Uniqueness::None => {}
    }
    attribute.sub_attributes.iter().try_for_each(|sub| check_meaning(sub, Some(attribute)))
}

#[cfg(test)]
mod tests;
