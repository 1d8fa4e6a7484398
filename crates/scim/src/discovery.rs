//! The documents by which a client finds out what the server offers (RFC 7643 §5 to §7, RFC 7644 §4).

use crate::render::write_list;
use crate::schema::{Catalogue, Schema};
use crate::value::{Object, Value};

/// What the server offers, and its limits. Whatever is said here must be true (RFC 7644 §4).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Offer {
    /// The address of the documentation.
    pub documentation_uri: Option<String>,
    /// Bulk requests, if they are offered.
    pub bulk: Option<BulkOffer>,
    /// The most resources in one answer.
    pub max_results: u64,
    /// Whether lists can be sorted.
    pub sort: bool,
    /// Whether resources have versions.
    pub etag: bool,
    /// The pages of lists (RFC 9865).
    pub pagination: PaginationOffer,
    /// Whether roles are published as resources (draft-ietf-scim-roles-entitlements); none if the server has no such thing.
    pub roles: Option<RolesOffer>,
    /// The ways in which a client may say who it is.
    pub authentication_schemes: Vec<AuthenticationScheme>,
}

/// What is published of roles and entitlements.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RolesOffer {
    /// Whether there are roles at `/Roles`; a user may have several, one of them primary, each with a type.
    pub roles: bool,
    /// Whether there are entitlements at `/Entitlements`, likewise.
    pub entitlements: bool,
}

/// The limits of bulk requests.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BulkOffer {
    /// The most operations in one request.
    pub max_operations: u64,
    /// The longest request, in bytes.
    pub max_payload_bytes: u64,
}

/// How lists are read in pages.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PaginationOffer {
    /// For how long a cursor is good, in seconds; none if there are no cursors.
    pub cursor_timeout_s: Option<u64>,
    /// The resources on a page if a request names no count.
    pub default_page_size: u64,
    /// The most resources on a page.
    pub max_page_size: u64,
}

/// A way in which a client may say who it is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AuthenticationScheme {
    /// The kind: `oauthbearertoken`, `httpbasic` and so on.
    pub kind: String,
    /// Its name, for people.
    pub name: String,
    /// What it is.
    pub description: String,
    /// The address of its specification.
    pub spec_uri: Option<String>,
    /// Whether it's the preferred one.
    pub primary: bool,
}

/// The body of `/ServiceProviderConfig`.
#[must_use]
pub fn service_provider_config(base: &str, offer: &Offer) -> Vec<u8> {
    const URN: &str = "urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig";
    let mut document = Object::from_iter([("schemas", Value::List(vec![Value::from(URN)]))]);
    if let Some(uri) = &offer.documentation_uri {
        document.set("documentationUri", uri.as_str());
    }
    document.set("patch", supported(true));
    let mut bulk = supported(offer.bulk.is_some());
    bulk.set("maxOperations", whole(offer.bulk.map_or(0, |bulk| bulk.max_operations)));
    bulk.set("maxPayloadSize", whole(offer.bulk.map_or(0, |bulk| bulk.max_payload_bytes)));
    document.set("bulk", bulk);
    let mut filter = supported(true);
    filter.set("maxResults", whole(offer.max_results));
    document.set("filter", filter);
    document.set("changePassword", supported(false));
    document.set("sort", supported(offer.sort));
    document.set("etag", supported(offer.etag));
    document.set("pagination", pagination(&offer.pagination));
    if let Some(RolesOffer { roles, entitlements }) = offer.roles {
        let mut both = Object::default();
        both.set("roles", assigned(roles, "multipleRolesSupported"));
        both.set("entitlements", assigned(entitlements, "multipleEntitlementsSupported"));
        document.set("RolesAndEntitlements", both);
    }
    let schemes =
        offer.authentication_schemes.iter().map(|scheme| Value::Complex(authentication(scheme)));
    document.set("authenticationSchemes", schemes.collect::<Vec<_>>());
    document.set(
        "meta",
        meta("ServiceProviderConfig", format!("{}/ServiceProviderConfig", trimmed(base))),
    );
    Value::Complex(document).to_json()
}

fn pagination(offer: &PaginationOffer) -> Object {
    let mut pagination =
        Object::from_iter([("cursor", offer.cursor_timeout_s.is_some()), ("index", true)]);
    pagination.set("defaultPaginationMethod", "index");
    pagination.set("defaultPageSize", whole(offer.default_page_size));
    pagination.set("maxPageSize", whole(offer.max_page_size));
    if let Some(seconds) = offer.cursor_timeout_s {
        pagination.set("cursorTimeout", whole(seconds));
    }
    pagination
}

fn assigned(is_supported: bool, several: &'static str) -> Object {
    let mut assigned = supported(is_supported);
    for name in [several, "primarySupported", "typeSupported"] {
        assigned.set(name, is_supported);
    }
    assigned
}

fn authentication(scheme: &AuthenticationScheme) -> Object {
    let mut document = Object::from_iter([
        ("type", scheme.kind.as_str()),
        ("name", scheme.name.as_str()),
        ("description", scheme.description.as_str()),
    ]);
    if let Some(uri) = &scheme.spec_uri {
        document.set("specUri", uri.as_str());
    }
    document.set("primary", scheme.primary);
    document
}

/// The body of `/ResourceTypes`.
#[must_use]
pub fn resource_types(base: &str, catalogue: &Catalogue) -> Vec<u8> {
    listed(
        catalogue
            .documents()
            .map(|(rtype, document)| located(document, base, "ResourceType", &rtype.name)),
    )
}

/// The body of `/ResourceTypes/{name}`, if there is such a type.
#[must_use]
pub fn resource_type(base: &str, catalogue: &Catalogue, name: &str) -> Option<Vec<u8>> {
    let (rtype, document) = catalogue.documents().find(|(rtype, _)| rtype.name == name)?;
    Some(located(document, base, "ResourceType", &rtype.name))
}

const SCHEMA: &str = "urn:ietf:params:scim:schemas:core:2.0:Schema";

/// Values that the server knows for a sub-attribute, beside what the schema's document says: it is told as their
/// `canonicalValues` (RFC 7643 §7).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Known<'a> {
    /// The schema's URN.
    pub schema: &'a str,
    /// The attribute.
    pub attribute: &'a str,
    /// The sub-attribute.
    pub sub: &'a str,
    /// The values, in the order in which they are told.
    pub values: Vec<String>,
}

/// The body of `/Schemas`.
#[must_use]
pub fn schemas(base: &str, catalogue: &Catalogue, known: &[Known<'_>]) -> Vec<u8> {
    listed(catalogue.schemas().map(|schema| described(schema, base, known)))
}

/// The body of `/Schemas/{urn}`, if there is such a schema; the URN is taken in any case.
#[must_use]
pub fn schema(
    base: &str,
    catalogue: &Catalogue,
    urn: &str,
    known: &[Known<'_>],
) -> Option<Vec<u8>> {
    Some(described(catalogue.schema(urn)?, base, known))
}

fn described(schema: &Schema, base: &str, known: &[Known<'_>]) -> Vec<u8> {
    let mut document = schema.document.clone();
    // A tenant's own document may have come without it (R-7643-7-08).
    if document.get("schemas").is_none() {
        document.set("schemas", vec![Value::from(SCHEMA)]);
    }
    for known in known.iter().filter(|known| known.schema == &*schema.id) {
        let attribute = entry(&mut document, "attributes", known.attribute);
        if let Some(sub) = attribute.and_then(|found| entry(found, "subAttributes", known.sub)) {
            let values = known.values.iter().map(|value| Value::from(value.as_str()));
            sub.set("canonicalValues", values.collect::<Vec<_>>());
        }
    }
    located(&document, base, "Schema", &schema.id)
}

/// The entry of a list of attributes that has this name.
fn entry<'d>(document: &'d mut Object, list: &str, name: &str) -> Option<&'d mut Object> {
    let Some(Value::List(entries)) = document.get_mut(list) else { return None };
    entries.iter_mut().find_map(|entry| {
        let Value::Complex(entry) = entry else { return None };
        (entry.get("name").and_then(Value::as_str) == Some(name)).then_some(entry)
    })
}

fn listed(documents: impl Iterator<Item = Vec<u8>>) -> Vec<u8> {
    let documents: Vec<_> = documents.collect();
    let mut out = Vec::new();
    write_list(&mut out, u64::try_from(documents.len()).unwrap_or(u64::MAX), 1, documents);
    out
}

/// A document with its address in `meta`.
fn located(document: &Object, base: &str, kind: &str, id: &str) -> Vec<u8> {
    let mut document = document.clone();
    document.set("meta", meta(kind, format!("{}/{kind}s/{id}", trimmed(base))));
    Value::Complex(document).to_json()
}

fn meta(kind: &str, location: String) -> Object {
    Object::from_iter([("resourceType", Value::from(kind)), ("location", Value::from(location))])
}

fn supported(flag: bool) -> Object {
    Object::from_iter([("supported", flag)])
}

fn whole(number: u64) -> Value {
    Value::Integer(i64::try_from(number).unwrap_or(i64::MAX))
}

fn trimmed(base: &str) -> &str {
    base.trim_end_matches('/')
}

#[cfg(test)]
mod tests;
