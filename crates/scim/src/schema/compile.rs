//! From the documents of `/Schemas` and `/ResourceTypes` to what requests are checked against.

use std::sync::Arc;

use super::{
    Attribute, BadSchema, Kind, Mutability, ResourceType, ResourceTypeParts, Returned, Schema,
    Uniqueness,
};
use crate::value::{Name, Object, Value};

/// How deep sub-attributes may go: only the schema of schemas has a second level (RFC 7643 §2.3.8).
const LEVELS: usize = 2;

fn bad(detail: impl Into<String>) -> BadSchema {
    BadSchema(detail.into())
}

pub(super) fn schema(document: &Value) -> Result<Schema, BadSchema> {
    let document = document.as_complex().ok_or_else(|| bad("it is no object"))?;
    let id = Name::new(text(document, "id")?);
    let within = |fault: BadSchema| bad(format!("`{id}`: {}", fault.0));
    let attributes = attributes(document, "attributes", LEVELS).map_err(within)?;
    let whole = Attribute {
        name: id.clone(),
        kind: Kind::Complex,
        multi_valued: false,
        required: false,
        case_exact: false,
        mutability: Mutability::ReadWrite,
        returned: Returned::Default,
        uniqueness: Uniqueness::None,
        canonical_values: Vec::new(),
        reference_types: Vec::new(),
        sub_attributes: attributes.clone(),
        description: String::new(),
    };
    Ok(Schema {
        name: optional_text(document, "name").to_owned(),
        description: optional_text(document, "description").to_owned(),
        attributes,
        document: document.clone(),
        whole: Arc::new(whole),
        id,
    })
}

fn attributes(object: &Object, key: &str, levels: usize) -> Result<Vec<Arc<Attribute>>, BadSchema> {
    let Some(listed) = object.get(key) else { return Ok(Vec::new()) };
    let listed = listed.as_list().ok_or_else(|| bad(format!("`{key}` is no array")))?;
    let mut all: Vec<Arc<Attribute>> = Vec::with_capacity(listed.len());
    for item in listed {
        let item = item
            .as_complex()
            .ok_or_else(|| bad(format!("`{key}` holds something that is no object")))?;
        let attribute = attribute(item, levels)?;
        if all.iter().any(|known| known.name.eq_ignore_ascii_case(&attribute.name)) {
            return Err(bad(format!("`{}` is there twice", attribute.name)));
        }
        all.push(Arc::new(attribute));
    }
    Ok(all)
}

fn attribute(object: &Object, levels: usize) -> Result<Attribute, BadSchema> {
    let name = text(object, "name")?;
    if !is_name(name) {
        return Err(bad(format!("`{name}` is no attribute name")));
    }
    let kind = match optional_text(object, "type") {
        "string" | "" => Kind::String,
        "boolean" => Kind::Boolean,
        "integer" => Kind::Integer,
        "decimal" => Kind::Decimal,
        "dateTime" => Kind::DateTime,
        "binary" => Kind::Binary,
        "reference" => Kind::Reference,
        "complex" => Kind::Complex,
        other => return Err(bad(format!("`{name}` has the unknown type `{other}`"))),
    };
    let mutability = match optional_text(object, "mutability") {
        "readWrite" | "" => Mutability::ReadWrite,
        "readOnly" => Mutability::ReadOnly,
        "immutable" => Mutability::Immutable,
        "writeOnly" => Mutability::WriteOnly,
        other => return Err(bad(format!("`{name}` has the unknown mutability `{other}`"))),
    };
    let returned = match optional_text(object, "returned") {
        "default" | "" => Returned::Default,
        "always" => Returned::Always,
        "never" => Returned::Never,
        "request" => Returned::Request,
        other => return Err(bad(format!("`{name}` has the unknown returned `{other}`"))),
    };
    let uniqueness = match optional_text(object, "uniqueness") {
        "none" | "" => Uniqueness::None,
        "server" => Uniqueness::Server,
        "global" => Uniqueness::Global,
        other => return Err(bad(format!("`{name}` has the unknown uniqueness `{other}`"))),
    };
    let sub_attributes = match (kind, levels.checked_sub(1)) {
        (Kind::Complex, Some(below)) => attributes(object, "subAttributes", below)?,
        (Kind::Complex, None) => {
            return Err(bad(format!("`{name}` is complex inside a complex attribute")));
        }
        (_, _) => Vec::new(),
    };
    Ok(Attribute {
        name: Name::new(name),
        kind,
        multi_valued: flag(object, "multiValued"),
        required: flag(object, "required"),
        // References and bytes are case-exact whatever a document says (errata 6001; RFC 7643 §2.3.6).
        case_exact: flag(object, "caseExact") || matches!(kind, Kind::Reference | Kind::Binary),
        mutability,
        returned,
        uniqueness,
        canonical_values: texts(object, "canonicalValues"),
        reference_types: texts(object, "referenceTypes"),
        sub_attributes,
        description: optional_text(object, "description").to_owned(),
    })
}

pub(super) fn resource_type(
    document: &Value,
    schemas: &[Arc<Schema>],
) -> Result<ResourceType, BadSchema> {
    let document = document.as_complex().ok_or_else(|| bad("a resource type is no object"))?;
    let known = |urn: &str| {
        let found = schemas.iter().find(|schema| schema.id.eq_ignore_ascii_case(urn));
        found.cloned().ok_or_else(|| bad(format!("there is no schema `{urn}`")))
    };
    let mut extensions = Vec::new();
    for extension in document.get("schemaExtensions").and_then(Value::as_list).unwrap_or_default() {
        let extension = extension.as_complex().ok_or_else(|| bad("an extension is no object"))?;
        extensions.push((known(text(extension, "schema")?)?, flag(extension, "required")));
    }
    Ok(ResourceType::new(ResourceTypeParts {
        name: Name::new(text(document, "name")?),
        endpoint: text(document, "endpoint")?.to_owned(),
        description: optional_text(document, "description").to_owned(),
        schema: known(text(document, "schema")?)?,
        extensions,
    }))
}

/// One letter, then letters, digits, `$`, `-`, `_` (RFC 7643 §2.1); `$ref` as well.
pub(crate) fn is_name(name: &str) -> bool {
    let mut bytes = name.strip_prefix('$').unwrap_or(name).bytes();
    bytes.next().is_some_and(|first| first.is_ascii_alphabetic())
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'$' | b'-' | b'_'))
}

fn text<'a>(object: &'a Object, key: &str) -> Result<&'a str, BadSchema> {
    object.get(key).and_then(Value::as_str).ok_or_else(|| bad(format!("`{key}` is missing")))
}

fn optional_text<'a>(object: &'a Object, key: &str) -> &'a str {
    object.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn flag(object: &Object, key: &str) -> bool {
    object.get(key).and_then(Value::as_bool).unwrap_or(false)
}

fn texts(object: &Object, key: &str) -> Vec<String> {
    let listed = object.get(key).and_then(Value::as_list).unwrap_or_default();
    listed.iter().filter_map(Value::as_str).map(str::to_owned).collect()
}
