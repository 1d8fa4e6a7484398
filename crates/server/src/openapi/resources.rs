//! The SCIM schemas as JSON Schema: each resource type as it is answered and as it is written, and the discovery documents.

use std::sync::Arc;

use domain::directory::Schemas;
use domain::event::RoleCatalogue;
use scim::{Attribute, Kind, Mutability, ResourceType, Returned, Schema};
use serde_json::{Map, Value, json};

const BASE64: &str = "^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$";

/// Which side of a resource.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    /// What the server answers: what is never returned is not in it.
    Answered,
    /// What a client writes: what is read-only is not in it.
    Written,
}

/// Every resource type, as `User` and `UserInput`, and every other schema, as `Schema`.
pub(super) fn all() -> Map<String, Value> {
    let catalogue = Schemas::default().published(RoleCatalogue::Draft);
    let mut all = Map::new();
    let mut used: Vec<&str> = Vec::new();
    for rtype in catalogue.resource_types() {
        used.extend(rtype.all_schemas().map(|schema| &*schema.id));
        all.insert(rtype.name.to_string(), resource(rtype, Side::Answered));
        if crate::scim_api::Kind::WRITTEN.iter().any(|kind| kind.name() == &*rtype.name) {
            all.insert(format!("{}Input", rtype.name), resource(rtype, Side::Written));
        }
    }
    for schema in catalogue.schemas().filter(|schema| !used.contains(&&*schema.id)) {
        let name = schema.id.rsplit(':').next().unwrap_or_default();
        all.insert(name.to_owned(), document(schema));
    }
    all
}

fn resource(rtype: &ResourceType, side: Side) -> Value {
    let mut properties = Map::new();
    let mut required = vec!["schemas".to_owned()];
    let urns: Vec<&str> = rtype.all_schemas().map(|schema| &*schema.id).collect();
    properties.insert("schemas".to_owned(), schemas_of(&urns, side));
    let common = ["id", "externalId", "meta"].into_iter();
    let common = common.filter_map(|name| rtype.find(name)).map(|found| found.attribute);
    add(&mut properties, &mut required, common.chain(&rtype.schema.attributes), side);
    for (extension, must) in &rtype.extensions {
        let id = extension.id.to_string();
        if *must {
            required.push(id.clone());
        }
        properties.insert(id, object(&extension.description, &extension.attributes, side));
    }
    json!({
        "type": "object", "description": rtype.description, "required": required, "properties": properties,
    })
}

/// A discovery document: it is only read.
fn document(schema: &Schema) -> Value {
    let mut properties = Map::new();
    let mut required = vec!["schemas".to_owned()];
    properties.insert("schemas".to_owned(), schemas_of(&[&schema.id], Side::Answered));
    add(&mut properties, &mut required, &schema.attributes, Side::Answered);
    if let Some(meta) = ResourceType::user().find("meta") {
        add(&mut properties, &mut required, [meta.attribute], Side::Answered);
    }
    // The document is answered whole, so what the schema requires is there.
    let needed = schema.attributes.iter().filter(|attribute| attribute.required);
    required.extend(needed.map(|attribute| attribute.name.to_string()));
    json!({
        "type": "object", "description": schema.description, "required": required, "properties": properties,
    })
}

/// The first URN is the type's own. A tenant may have extensions that only the answer names.
fn schemas_of(urns: &[&str], side: Side) -> Value {
    let description = "The URNs of the schemas that it is made of.";
    let items = match side {
        Side::Answered => json!({ "type": "string", "examples": urns }),
        Side::Written => json!({ "enum": urns }),
    };
    let own = urns.first();
    json!({
        "type": "array", "description": description, "items": items, "contains": { "const": own },
        "uniqueItems": true,
    })
}

fn add<'a>(
    properties: &mut Map<String, Value>,
    required: &mut Vec<String>,
    attributes: impl IntoIterator<Item = &'a Arc<Attribute>>,
    side: Side,
) {
    for attribute in attributes {
        let there = match side {
            Side::Answered => attribute.returned != Returned::Never,
            Side::Written => attribute.mutability != Mutability::ReadOnly,
        };
        if !there {
            continue;
        }
        // `attributes` and `excludedAttributes` leave out whatever is not always there.
        let due = match side {
            Side::Answered => attribute.returned == Returned::Always,
            Side::Written => attribute.required,
        };
        if due {
            required.push(attribute.name.to_string());
        }
        properties.insert(attribute.name.to_string(), one(attribute, side));
    }
}

fn object(description: &str, attributes: &[Arc<Attribute>], side: Side) -> Value {
    let (mut properties, mut required) = (Map::new(), Vec::new());
    add(&mut properties, &mut required, attributes, side);
    json!({ "type": "object", "description": description, "required": required, "properties": properties })
}

/// An attribute, with what JSON Schema has no word for under `x-scim`.
fn one(attribute: &Attribute, side: Side) -> Value {
    let mut schema = match attribute.kind {
        Kind::String | Kind::Reference => json!({ "type": "string" }),
        Kind::DateTime => json!({ "type": "string", "format": "date-time" }),
        Kind::Binary => json!({ "type": "string", "contentEncoding": "base64", "pattern": BASE64 }),
        Kind::Boolean => json!({ "type": "boolean" }),
        Kind::Integer => json!({ "type": "integer", "format": "int64" }),
        Kind::Decimal => json!({ "type": "number" }),
        Kind::Complex => object("", &attribute.sub_attributes, side),
    };
    if let Value::Object(fields) = &mut schema {
        if attribute.kind == Kind::Complex {
            fields.remove("description");
        }
        // Others than the canonical ones are taken too (RFC 7643 §7).
        if !attribute.canonical_values.is_empty() {
            fields.insert("examples".to_owned(), json!(attribute.canonical_values));
        }
        if !attribute.reference_types.is_empty() {
            fields.insert("x-scim-referenceTypes".to_owned(), json!(attribute.reference_types));
        }
    }
    let mut schema = match attribute.multi_valued {
        true => json!({ "type": "array", "items": schema }),
        false => schema,
    };
    if let Value::Object(fields) = &mut schema {
        if !attribute.description.is_empty() {
            fields.insert("description".to_owned(), attribute.description.clone().into());
        }
        if side == Side::Written && attribute.required && attribute.kind == Kind::String {
            fields.insert("minLength".to_owned(), 1.into());
        }
        match attribute.mutability {
            Mutability::ReadOnly => drop(fields.insert("readOnly".to_owned(), true.into())),
            Mutability::WriteOnly => drop(fields.insert("writeOnly".to_owned(), true.into())),
            Mutability::Immutable => {
                drop(fields.insert("x-scim-mutability".to_owned(), "immutable".into()))
            }
            Mutability::ReadWrite => {}
        }
    }
    schema
}
