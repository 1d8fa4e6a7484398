//! A schema as `/Schemas` serves it, made of what requests are checked against: whatever a document left out is said.

use super::{Attribute, Kind, Mutability, Returned, Schema, Uniqueness};
use crate::value::{Object, Value};

const URN: &str = "urn:ietf:params:scim:schemas:core:2.0:Schema";

/// The document of a schema, every characteristic written out (RFC 7643 §7).
pub(super) fn document(schema: &Schema) -> Object {
    let mut document = Object::from_iter([("schemas", Value::List(vec![Value::from(URN)]))]);
    document.set("id", schema.id.as_str());
    for (key, text) in [("name", &schema.name), ("description", &schema.description)] {
        if !text.is_empty() {
            document.set(key, text.as_str());
        }
    }
    document.set("attributes", attributes(&schema.attributes));
    document
}

fn attributes(attributes: &[std::sync::Arc<Attribute>]) -> Vec<Value> {
    attributes.iter().map(|attribute| Value::Complex(described(attribute))).collect()
}

fn described(attribute: &Attribute) -> Object {
    let mut object = Object::from_iter([("name", attribute.name.as_str())]);
    object.set("type", kind(attribute.kind));
    object.set("multiValued", attribute.multi_valued);
    if !attribute.description.is_empty() {
        object.set("description", attribute.description.as_str());
    }
    object.set("required", attribute.required);
    if !attribute.canonical_values.is_empty() {
        object.set("canonicalValues", texts(&attribute.canonical_values));
    }
    if matches!(attribute.kind, Kind::String | Kind::Reference | Kind::Binary) {
        object.set("caseExact", attribute.case_exact);
    }
    object.set("mutability", mutability(attribute.mutability));
    object.set("returned", returned(attribute.returned));
    object.set("uniqueness", uniqueness(attribute.uniqueness));
    if !attribute.reference_types.is_empty() {
        object.set("referenceTypes", texts(&attribute.reference_types));
    }
    if !attribute.sub_attributes.is_empty() {
        object.set("subAttributes", self::attributes(&attribute.sub_attributes));
    }
    object
}

fn texts(texts: &[String]) -> Vec<Value> {
    texts.iter().map(|text| Value::from(text.as_str())).collect()
}

fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::String => "string",
        Kind::Boolean => "boolean",
        Kind::Integer => "integer",
        Kind::Decimal => "decimal",
        Kind::DateTime => "dateTime",
        Kind::Binary => "binary",
        Kind::Reference => "reference",
        Kind::Complex => "complex",
    }
}

fn mutability(mutability: Mutability) -> &'static str {
    match mutability {
        Mutability::ReadOnly => "readOnly",
        Mutability::ReadWrite => "readWrite",
        Mutability::Immutable => "immutable",
        Mutability::WriteOnly => "writeOnly",
    }
}

fn returned(returned: Returned) -> &'static str {
    match returned {
        Returned::Always => "always",
        Returned::Never => "never",
        Returned::Default => "default",
        Returned::Request => "request",
    }
}

fn uniqueness(uniqueness: Uniqueness) -> &'static str {
    match uniqueness {
        Uniqueness::None => "none",
        Uniqueness::Server => "server",
        Uniqueness::Global => "global",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::{Catalogue, compile};

    /// What is described is what was read: nothing is lost, and nothing is made up.
    #[test]
    fn a_description_reads_back_as_the_same_schema() {
        for schema in Catalogue::builtin().schemas() {
            let described = Value::Complex(document(schema));
            let again = compile::schema(&described).unwrap();
            assert_eq!(again.attributes, schema.attributes, "{}", schema.id);
            assert_eq!((&again.id, &again.name), (&schema.id, &schema.name));
        }
    }
}
