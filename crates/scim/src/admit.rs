//! Admitting a resource: what a client may say in POST and PUT, in the schema's spelling (RFC 7643 §2, §7; RFC 7644 §3.3).

mod country;
mod form;
pub use form::has_form;
pub(crate) mod value;

use value::{Admission, Nulls, Place};

use crate::error::{Invalid, quoted};
use crate::mode::Options;
use crate::path::AttrPath;
use crate::quirk::Quirk;
use crate::schema::{Attribute, Mutability, ResourceType, Schema};
use crate::value::{Name, Object, Value};

/// A resource that fits its schema.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Admitted {
    /// The attributes that a client may write, in the schema's spelling and the client's order. No nulls, nothing empty; without
    /// `schemas`, `id`, `meta` and whatever else is readOnly. `externalId` is in it like any other.
    pub object: Object,
    /// What was said to be unassigned by `null`, `[]` or `{}`, which also suppresses a default (RFC 7644 §3.3). Attributes of an
    /// extension are written with its URN and a colon in front.
    pub cleared: Vec<Name>,
    /// Attributes and schema URIs that nobody knows, for the log.
    pub ignored: Vec<String>,
    /// What was tolerated.
    pub quirks: Vec<Quirk>,
}

impl Admitted {
    /// Whether the client assigned this attribute.
    #[must_use]
    pub fn says(&self, path: &AttrPath) -> bool {
        let inside = match path.schema() {
            None => Some(&self.object),
            Some(urn) => self.object.get(urn).and_then(Value::as_complex),
        };
        let value = inside.and_then(|inside| inside.get(path.name()));
        match (value, path.sub()) {
            (None, _) => false,
            (Some(_), None) => true,
            (Some(Value::Complex(object)), Some(sub)) => object.get(sub).is_some(),
            (Some(value), Some(sub)) => value
                .as_list()
                .unwrap_or_default()
                .iter()
                .any(|item| item.as_complex().is_some_and(|object| object.get(sub).is_some())),
        }
    }
}

/// There are no passwords here, so the schema doesn't have it; clients send it all the same.
pub(crate) const PASSWORD: &str = "password";

/// Admits the body of a POST or PUT.
///
/// # Errors
/// 400 `invalidSyntax` if it's no object or has no usable `schemas`; 400 `invalidValue` if a value doesn't fit its attribute, a
/// required one is missing, an attribute has two primary values, or `schemas` doesn't fit what is there (the last but in
/// [`Mode::Lenient`](crate::Mode::Lenient)). In [`Mode::Interop`](crate::Mode::Interop) what nobody knows is `invalidSyntax`.
pub fn admit(
    body: &Value,
    rtype: &ResourceType,
    options: impl Into<Options>,
) -> Result<Admitted, Invalid> {
    let options = options.into();
    let Some(body) = body.as_complex() else {
        return Err(Invalid::syntax(format!("the body is {} where an object is due", body.kind())));
    };
    let mut admission = Admission::new(options);
    let named = schemas(body, rtype, &mut admission)?;
    let mut admitted = Admitted::default();
    for (key, value) in body {
        if let Some(extension) = rtype.extension(key) {
            if !named.iter().any(|urn| urn.eq_ignore_ascii_case(key)) {
                admission.tolerate(Quirk::ForeignSchema, || {
                    Invalid::value(format!("`{}` is not named in `schemas`", extension.id))
                })?;
            }
            self::extension(extension, value, &mut admission, &mut admitted)?;
        } else if let Some(attribute) = rtype.core(key) {
            if attribute.mutability == Mutability::ReadOnly || attribute.name == "schemas" {
                continue;
            }
            match admission.value(Place::of(&attribute.name), attribute, value, Nulls::Drop)? {
                Some(value) => admitted.object.push(attribute.name.clone(), value),
                None => admitted.cleared.push(attribute.name.clone()),
            }
        } else if key.eq_ignore_ascii_case(PASSWORD) {
            admission.password()?;
        } else {
            admission.unknown(key.as_str())?;
        }
    }
    complete(&admitted.object, rtype)?;
    (admitted.ignored, admitted.quirks) = admission.finish();
    Ok(admitted)
}

/// Checks `schemas` and returns the URNs that it names (RFC 7643 §3).
fn schemas<'b>(
    body: &'b Object,
    rtype: &ResourceType,
    admission: &mut Admission,
) -> Result<Vec<&'b str>, Invalid> {
    let listed = match body.get_any_case("schemas") {
        Some(Value::List(listed)) if !listed.is_empty() => listed,
        Some(_) => return Err(Invalid::syntax("`schemas` is not an array of at least one URI")),
        None => return Err(Invalid::syntax("`schemas` is missing")),
    };
    let mut named: Vec<&str> = Vec::with_capacity(listed.len());
    for urn in listed {
        let Some(urn) = urn.as_str() else {
            return Err(Invalid::syntax(format!(
                "`schemas` holds {} where a URI is due",
                urn.kind()
            )));
        };
        if rtype.all_schemas().all(|schema| !schema.id.eq_ignore_ascii_case(urn)) {
            admission.foreign(urn, rtype)?;
            continue;
        }
        if named.iter().any(|other| other.eq_ignore_ascii_case(urn)) {
            admission.tolerate(Quirk::ForeignSchema, || {
                Invalid::value(format!("`schemas` names {} twice", quoted(urn)))
            })?;
        }
        named.push(urn);
    }
    if !named.iter().any(|urn| urn.eq_ignore_ascii_case(&rtype.schema.id)) {
        admission.tolerate(Quirk::ForeignSchema, || {
            Invalid::value(format!("`schemas` does not name `{}`", rtype.schema.id))
        })?;
    }
    Ok(named)
}

fn extension(
    schema: &Schema,
    value: &Value,
    admission: &mut Admission,
    admitted: &mut Admitted,
) -> Result<(), Invalid> {
    if value.is_unassigned() {
        admitted.cleared.push(schema.id.clone());
        return Ok(());
    }
    let Some(members) = value.as_complex() else {
        return Err(Invalid::value(format!(
            "`{}` is {} where an object is due",
            schema.id,
            value.kind()
        )));
    };
    let mut inside = Object::new();
    for (key, value) in members {
        let Some(attribute) = schema.attribute(key) else {
            admission.unknown(format!("{}:{key}", schema.id))?;
            continue;
        };
        if attribute.mutability == Mutability::ReadOnly {
            continue;
        }
        let place = format!("{}:{}", schema.id, attribute.name);
        match admission.value(Place::of(&place), attribute, value, Nulls::Drop)? {
            Some(value) => inside.push(attribute.name.clone(), value),
            None => admitted.cleared.push(Name::from(place)),
        }
    }
    if !inside.is_empty() {
        admitted.object.push(schema.id.clone(), Value::Complex(inside));
    }
    Ok(())
}

/// Whether everything that is required is assigned (RFC 7643 §7).
pub(crate) fn complete(object: &Object, rtype: &ResourceType) -> Result<(), Invalid> {
    required(object, &rtype.schema.attributes, "")?;
    for (schema, is_required) in &rtype.extensions {
        match object.get(&schema.id).and_then(Value::as_complex) {
            Some(inside) => required(inside, &schema.attributes, &format!("{}:", schema.id))?,
            None if *is_required => {
                return Err(Invalid::value(format!("the extension `{}` is required", schema.id)));
            }
            None => {}
        }
    }
    Ok(())
}

fn required(
    object: &Object,
    attributes: &[std::sync::Arc<Attribute>],
    prefix: &str,
) -> Result<(), Invalid> {
    for attribute in attributes.iter().filter(|attribute| attribute.required) {
        let is_assigned = match object.get(&attribute.name) {
            None => false,
            Some(Value::String(text)) => !text.is_empty(),
            Some(other) => !other.is_unassigned(),
        };
        if !is_assigned && attribute.mutability != Mutability::ReadOnly {
            return Err(Invalid::value(format!("`{prefix}{}` is required", attribute.name)));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
