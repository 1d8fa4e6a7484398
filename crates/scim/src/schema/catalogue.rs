//! All schemas and resource types of a tenant.

use std::sync::{Arc, LazyLock};

use super::{BadSchema, ResourceType, Schema, compile, extension};
use crate::error::quoted;
use crate::value::{Object, Value};

/// The documents of the product itself, in the order in which they are listed.
const BUILTIN: [&str; 6] = [
    include_str!("../../../../schemas/scim/user.json"),
    include_str!("../../../../schemas/scim/group.json"),
    include_str!("../../../../schemas/scim/enterprise-user.json"),
    include_str!("../../../../schemas/scim/service-provider-config.json"),
    include_str!("../../../../schemas/scim/resource-type.json"),
    include_str!("../../../../schemas/scim/schema.json"),
];
const BUILTIN_TYPES: &str = include_str!("../../../../schemas/scim/resource-types.json");

/// All schemas and resource types. Cheap to clone.
#[derive(Clone, PartialEq, Debug)]
pub struct Catalogue {
    schemas: Arc<[Arc<Schema>]>,
    resource_types: Arc<[ResourceType]>,
    documents: Arc<[Arc<Object>]>,
}

impl Catalogue {
    /// The schemas of User, Group and the enterprise extension, and those of the discovery documents.
    #[must_use]
    pub fn builtin() -> &'static Self {
        static BUILT: LazyLock<Catalogue> = LazyLock::new(|| {
            #[expect(
                clippy::expect_used,
                reason = "the documents are part of the program, and every test reads them"
            )]
            Catalogue::compile(&BUILTIN, BUILTIN_TYPES)
                .expect("the built-in schemas are well-formed")
        });
        &BUILT
    }

    /// Reads schema documents, and the array of resource types that are built from them.
    ///
    /// # Errors
    /// [`BadSchema`] if a document is no JSON or no schema, or names a schema that isn't there.
    pub fn compile(schemas: &[&str], resource_types: &str) -> Result<Self, BadSchema> {
        let parse =
            |text: &str| Value::parse(text.as_bytes()).map_err(|fault| BadSchema(fault.detail));
        let mut compiled: Vec<Arc<Schema>> = Vec::with_capacity(schemas.len());
        for text in schemas {
            let schema = compile::schema(&parse(text)?)?;
            if compiled.iter().any(|known| known.id.eq_ignore_ascii_case(&schema.id)) {
                return Err(BadSchema(format!("`{}` is there twice", schema.id)));
            }
            compiled.push(Arc::new(schema));
        }
        let parsed = parse(resource_types)?;
        let listed = parsed
            .as_list()
            .ok_or_else(|| BadSchema("the resource types are no array".to_owned()))?;
        let types: Vec<ResourceType> = listed
            .iter()
            .map(|item| compile::resource_type(item, &compiled))
            .collect::<Result<_, _>>()?;
        let documents: Vec<Arc<Object>> =
            listed.iter().filter_map(Value::as_complex).cloned().map(Arc::new).collect();
        Ok(Self {
            schemas: compiled.into(),
            resource_types: types.into(),
            documents: documents.into(),
        })
    }

    /// This catalogue with one more extension: `document` describes it as `/Schemas` would (RFC 7643 §7), and resources of the
    /// type `of` may carry it, or must if it is `required`.
    ///
    /// # Errors
    /// [`BadSchema`], which names the attribute and the remedy, if the document is no schema of an extension: its URN is not one of
    /// its own, it has no attributes or too many, a characteristic is malformed, it would keep secrets (`writeOnly`, `never`) or
    /// compare across tenants (`global`); or if there is no such resource type. What is served is the document with every
    /// characteristic spelled out and nothing else.
    pub fn with_extension(
        &self,
        document: &Value,
        of: &str,
        required: bool,
    ) -> Result<Self, BadSchema> {
        let schema = Arc::new(extension::read(document, self)?);
        let Some(extended) = self.resource_type(of) else {
            let types: Vec<_> =
                self.resource_types.iter().map(|rtype| format!("`{}`", rtype.name)).collect();
            return Err(BadSchema(format!(
                "there is no resource type {}, only {}",
                quoted(of),
                types.join(", ")
            )));
        };
        let extended = extended.name.clone();
        let (types, documents) = self
            .documents()
            .map(|(rtype, document)| {
                if rtype.name == extended {
                    (
                        rtype.extended(&schema, required),
                        Arc::new(with_listed(document, &schema, required)),
                    )
                } else {
                    (rtype.clone(), document.clone())
                }
            })
            .unzip::<_, _, Vec<_>, Vec<_>>();
        let schemas: Vec<_> = self.schemas.iter().cloned().chain([schema]).collect();
        Ok(Self {
            schemas: schemas.into(),
            resource_types: types.into(),
            documents: documents.into(),
        })
    }

    /// This catalogue and another one: its own schemas and types come first, and count where both have the same.
    #[must_use]
    pub fn joined(&self, other: &Self) -> Self {
        let is_new = |schema: &&Arc<Schema>| self.schema(&schema.id).is_none();
        let schemas: Vec<_> =
            self.schemas.iter().chain(other.schemas.iter().filter(is_new)).cloned().collect();
        let (mut types, mut documents) = (self.resource_types.to_vec(), self.documents.to_vec());
        for (rtype, document) in other.documents() {
            if self.resource_type(&rtype.name).is_none() {
                types.push(rtype.clone());
                documents.push(document.clone());
            }
        }
        Self { schemas: schemas.into(), resource_types: types.into(), documents: documents.into() }
    }

    /// The type of users.
    #[must_use]
    pub fn user(&self) -> &ResourceType {
        match self.resource_type("User") {
            Some(rtype) => rtype,
            None => ResourceType::user(),
        }
    }

    /// The type of groups.
    #[must_use]
    pub fn group(&self) -> &ResourceType {
        match self.resource_type("Group") {
            Some(rtype) => rtype,
            None => ResourceType::group(),
        }
    }

    /// A schema by its URN in any case.
    #[must_use]
    pub fn schema(&self, urn: &str) -> Option<&Schema> {
        self.schemas.iter().find(|schema| schema.id.eq_ignore_ascii_case(urn)).map(AsRef::as_ref)
    }

    /// All schemas in the order in which they are listed.
    pub fn schemas(&self) -> impl Iterator<Item = &Schema> {
        self.schemas.iter().map(AsRef::as_ref)
    }

    /// A resource type by its name, exactly.
    #[must_use]
    pub fn resource_type(&self, name: &str) -> Option<&ResourceType> {
        self.resource_types.iter().find(|rtype| rtype.name == name)
    }

    /// All resource types in the order in which they are listed.
    #[must_use]
    pub fn resource_types(&self) -> &[ResourceType] {
        &self.resource_types
    }

    /// The resource types with the documents that `/ResourceTypes` serves, less `meta.location`.
    pub(crate) fn documents(&self) -> impl Iterator<Item = (&ResourceType, &Arc<Object>)> {
        self.resource_types.iter().zip(self.documents.iter())
    }
}

impl ResourceType {
    /// The built-in type of users.
    #[must_use]
    pub fn user() -> &'static Self {
        static USER: LazyLock<ResourceType> = LazyLock::new(|| builtin("User"));
        &USER
    }

    /// The built-in type of groups.
    #[must_use]
    pub fn group() -> &'static Self {
        static GROUP: LazyLock<ResourceType> = LazyLock::new(|| builtin("Group"));
        &GROUP
    }
}

/// A resource type's document with one more entry in its `schemaExtensions`.
fn with_listed(document: &Object, schema: &Schema, required: bool) -> Object {
    const LIST: &str = "schemaExtensions";
    let mut document = document.clone();
    let mut listed = match document.take(LIST) {
        Some(Value::List(listed)) => listed,
        _ => Vec::new(),
    };
    let mut entry = Object::default();
    entry.set("schema", schema.id.as_str().to_owned());
    entry.set("required", required);
    listed.push(Value::Complex(entry));
    document.set(LIST, listed);
    document
}

fn builtin(name: &str) -> ResourceType {
    let found = Catalogue::builtin().resource_type(name).cloned();
    #[expect(
        clippy::expect_used,
        reason = "the documents are part of the program, and every test reads them"
    )]
    found.expect("the built-in resource types are there")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::names;
    use crate::schema::Attribute;

    fn names_of(attributes: &[Arc<Attribute>], all: &mut Vec<String>) {
        for attribute in attributes {
            all.push(attribute.name.as_str().to_owned());
            names_of(&attribute.sub_attributes, all);
        }
    }

    #[test]
    fn every_name_is_in_the_dictionary() {
        let mut all = Vec::new();
        for schema in Catalogue::builtin().schemas() {
            all.push(schema.id.as_str().to_owned());
            names_of(&schema.attributes, &mut all);
        }
        names_of(crate::schema::common_attributes(), &mut all);
        let missing: Vec<_> = all.iter().filter(|name| names::number_of(name).is_none()).collect();
        assert!(missing.is_empty(), "{missing:?}");
    }

    fn found(text: &str) -> String {
        let user = Catalogue::builtin().resource_type("User").unwrap();
        match user.find(text) {
            None => "-".to_owned(),
            Some(found) => format!(
                "{}|{}|{}",
                found.extension.map_or("", |schema| schema.id.rsplit(':').nth(2).unwrap()),
                found.attribute.name,
                found.sub.map_or("", |sub| sub.name.as_str())
            ),
        }
    }

    #[test]
    fn r_7644_3_4_2_2_03_names_are_found_by_the_longest_urn() {
        const ENT: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
        assert_eq!(found("USERNAME"), "|userName|");
        assert_eq!(found("name.GivenName"), "|name|givenName");
        assert_eq!(found("emails.$ref"), "-");
        assert_eq!(found("groups.$REF"), "|groups|$ref");
        assert_eq!(found("meta.lastmodified"), "|meta|lastModified");
        assert_eq!(found("urn:ietf:params:scim:schemas:core:2.0:USER:Title"), "|title|");
        assert_eq!(found("urn:ietf:params:scim:schemas:core:2.0:User"), "-");
        assert_eq!(found(ENT), format!("|{ENT}|"));
        assert_eq!(
            found(&format!("{}:Manager.Value", ENT.to_uppercase())),
            "enterprise|manager|value"
        );
        assert_eq!(found(&format!("{ENT}.manager")), "-");
        assert_eq!(found("department"), "enterprise|department|");
        assert_eq!(found("manager.displayName"), "enterprise|manager|displayName");
        assert_eq!(found("displayName"), "|displayName|");
        assert_eq!(found("password"), "-");
        assert_eq!(found("nothing"), "-");
        assert_eq!(found("urn:x:y:title"), "-");
    }

    #[test]
    fn r_7643_2_3_8_01_complex_inside_complex_is_refused() {
        let nested = |levels: &str| format!(r#"{{"id":"urn:x","attributes":[{levels}]}}"#);
        let inner =
            r#"{"name":"c","type":"complex","subAttributes":[{"name":"d","type":"complex"}]}"#;
        let deep = nested(&format!(r#"{{"name":"b","type":"complex","subAttributes":[{inner}]}}"#));
        assert!(Catalogue::compile(&[&deep], "[]").is_err());
        assert!(Catalogue::compile(&[&nested(r#"{"name":"1x"}"#)], "[]").is_err());
        assert!(Catalogue::compile(&[&nested(r#"{"name":"a"},{"name":"A"}"#)], "[]").is_err());
        assert!(Catalogue::compile(&[&nested(r#"{"name":"a"}"#)], "[]").is_ok());
    }

    #[test]
    fn the_corrections_of_the_rfc_hold() {
        let user = Catalogue::builtin().resource_type("User").unwrap();
        let sub = |name: &str| user.find(name).and_then(|found| found.sub.cloned()).unwrap();
        assert!(user.find("profileUrl").unwrap().attribute.case_exact);
        assert!(sub("photos.value").case_exact && sub("x509Certificates.value").case_exact);
        assert_eq!(sub("groups.$ref").reference_types, ["Group"]);
        assert!(sub("ims.type").canonical_values.contains(&"other".to_owned()));
        let group = Catalogue::builtin().resource_type("Group").unwrap();
        assert!(group.find("displayName").unwrap().attribute.required);
    }
}
