//! Schemas and resource types (RFC 7643 §2, §6, §7): what may be written where, and how it compares.
//!
//! They are read from the very documents that `/Schemas` serves, so what is checked and what is told can't differ.

mod catalogue;
mod common;
mod compile;
mod describe;
mod extension;

use std::ops::Deref;
use std::sync::{Arc, OnceLock};

use thiserror::Error;

pub use catalogue::Catalogue;
pub(crate) use compile::is_name;

use crate::projection::Projection;
use crate::render::Plan;
use crate::value::{Name, Object};

/// What values an attribute has (RFC 7643 §2.3).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Kind {
    /// Text.
    String,
    /// `true` or `false`.
    Boolean,
    /// A whole number of 64 bits.
    Integer,
    /// A finite number.
    Decimal,
    /// An xsd:dateTime with date and time.
    DateTime,
    /// Bytes in base64.
    Binary,
    /// A URI.
    Reference,
    /// An object with sub-attributes.
    Complex,
}

/// Whether and when an attribute may be written (RFC 7643 §7).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Mutability {
    /// Only the server writes it.
    ReadOnly,
    /// Anyone may write it at any time.
    ReadWrite,
    /// It's written once.
    Immutable,
    /// It's written, never read.
    WriteOnly,
}

/// When an attribute is in an answer (RFC 7643 §7).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Returned {
    /// In every answer.
    Always,
    /// In no answer.
    Never,
    /// Unless the request says otherwise.
    Default,
    /// Only if the request asks for it.
    Request,
}

/// Within what an attribute's values are unique (RFC 7643 §7).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Uniqueness {
    /// Nothing.
    None,
    /// The tenant and the resource type.
    Server,
    /// All tenants.
    Global,
}

/// An attribute or a sub-attribute with its characteristics (RFC 7643 §2.2).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Attribute {
    /// The name in the schema's spelling.
    pub name: Name,
    /// What values it has.
    pub kind: Kind,
    /// Whether it has several.
    pub multi_valued: bool,
    /// Whether it must be assigned after every write.
    pub required: bool,
    /// Whether case counts when values are compared. Always true for references and bytes.
    pub case_exact: bool,
    /// Whether and when it may be written.
    pub mutability: Mutability,
    /// When it's in an answer.
    pub returned: Returned,
    /// Within what it is unique.
    pub uniqueness: Uniqueness,
    /// Values that are suggested; others are taken too (RFC 7643 §7).
    pub canonical_values: Vec<String>,
    /// What a reference may point to: resource type names, `external` or `uri`.
    pub reference_types: Vec<String>,
    /// The sub-attributes of a complex attribute.
    pub sub_attributes: Vec<Arc<Attribute>>,
    /// What it's for.
    pub description: String,
}

impl Attribute {
    /// A sub-attribute by its name in any case.
    #[must_use]
    pub fn sub(&self, name: &str) -> Option<&Arc<Self>> {
        self.sub_attributes.iter().find(|sub| sub.name.eq_ignore_ascii_case(name))
    }

    /// Whether it's a list of objects.
    #[must_use]
    pub fn is_complex(&self) -> bool {
        self.kind == Kind::Complex
    }
}

/// A named set of attributes.
#[derive(Clone, PartialEq, Debug)]
pub struct Schema {
    /// The URN.
    pub id: Name,
    /// The name for people.
    pub name: String,
    /// What it describes.
    pub description: String,
    /// The attributes in the order in which they are returned.
    pub attributes: Vec<Arc<Attribute>>,
    /// The document that `/Schemas` serves, without `meta.location`.
    pub document: Object,
    /// The whole schema as one complex attribute, named by the URN: what an extension is inside a resource.
    pub(crate) whole: Arc<Attribute>,
}

impl Schema {
    /// An attribute by its name in any case.
    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<&Arc<Attribute>> {
        self.attributes.iter().find(|attribute| attribute.name.eq_ignore_ascii_case(name))
    }
}

/// A kind of resource. Cheap to clone.
#[derive(Clone, Debug)]
pub struct ResourceType(Arc<Whole>);

#[derive(Debug)]
struct Whole {
    parts: ResourceTypeParts,
    /// What of it is shown by default: nearly every answer wants that.
    plan: OnceLock<Arc<Plan>>,
}

impl PartialEq for ResourceType {
    fn eq(&self, other: &Self) -> bool {
        self.0.parts == other.0.parts
    }
}

/// What a resource type is made of.
#[derive(PartialEq, Debug)]
pub struct ResourceTypeParts {
    /// The name, which is also its id and the `meta.resourceType` of its resources.
    pub name: Name,
    /// The address below the base address, such as `/Users`.
    pub endpoint: String,
    /// What the resources are.
    pub description: String,
    /// The base schema.
    pub schema: Arc<Schema>,
    /// The extensions, each with whether every resource must have it.
    pub extensions: Vec<(Arc<Schema>, bool)>,
}

impl Deref for ResourceType {
    type Target = ResourceTypeParts;

    fn deref(&self) -> &ResourceTypeParts {
        &self.0.parts
    }
}

/// What a name means in a resource type.
#[derive(Clone, Copy, Debug)]
pub struct Found<'a> {
    /// The extension that it's in; none for core and common attributes.
    pub extension: Option<&'a Arc<Schema>>,
    /// The attribute. For a bare extension URN, the extension as one complex attribute.
    pub attribute: &'a Arc<Attribute>,
    /// The sub-attribute, if one was named.
    pub sub: Option<&'a Arc<Attribute>>,
}

impl ResourceType {
    /// A resource type of these parts.
    #[must_use]
    pub fn new(parts: ResourceTypeParts) -> Self {
        Self(Arc::new(Whole { parts, plan: OnceLock::new() }))
    }

    /// What is shown of its resources where nothing else is asked for.
    pub(crate) fn whole_plan(&self) -> &Arc<Plan> {
        self.0.plan.get_or_init(|| Arc::new(Plan::of(self, &Projection::Default)))
    }

    /// What a name means, in any case: `userName`, `name.givenName`, `emails.value`, any of them behind the URN of a schema and
    /// a colon, or the bare URN of an extension. Without a URN the core schema is looked at first, then the extensions, where
    /// the name must be in one of them only (RFC 7644 §3.10).
    #[must_use]
    pub fn find(&self, name: &str) -> Option<Found<'_>> {
        if let Some((schema, rest)) = self.split_urn(name) {
            let extension = (!Arc::ptr_eq(schema, &self.schema)).then_some(schema);
            if rest.is_empty() {
                return extension.map(|schema| Found {
                    extension: None,
                    attribute: &schema.whole,
                    sub: None,
                });
            }
            let (attribute, sub) = split_sub(rest);
            let attribute = match extension {
                Some(schema) => schema.attribute(attribute),
                None => self.core(attribute),
            }?;
            return with_sub(extension, attribute, sub);
        }
        let (attribute, sub) = split_sub(name);
        if let Some(core) = self.core(attribute) {
            return with_sub(None, core, sub);
        }
        let mut hits = self
            .extensions
            .iter()
            .filter_map(|(schema, _)| schema.attribute(attribute).map(|found| (schema, found)));
        match (hits.next(), hits.next()) {
            (Some((schema, found)), None) => with_sub(Some(schema), found, sub),
            (None, _) | (Some(_), Some(_)) => None,
        }
    }

    /// This type with one more extension.
    fn extended(&self, schema: &Arc<Schema>, required: bool) -> Self {
        let mut extensions = self.extensions.clone();
        extensions.push((schema.clone(), required));
        Self::new(ResourceTypeParts {
            name: self.name.clone(),
            endpoint: self.endpoint.clone(),
            description: self.description.clone(),
            schema: self.schema.clone(),
            extensions,
        })
    }

    /// A core or common attribute by its name in any case.
    pub(crate) fn core(&self, name: &str) -> Option<&Arc<Attribute>> {
        self.schema.attribute(name).or_else(|| common::attribute(name))
    }

    /// One of the type's extensions by its URN in any case.
    #[must_use]
    pub fn extension(&self, urn: &str) -> Option<&Arc<Schema>> {
        self.extensions
            .iter()
            .map(|(schema, _)| schema)
            .find(|schema| schema.id.eq_ignore_ascii_case(urn))
    }

    /// The base schema and the extensions.
    pub fn all_schemas(&self) -> impl Iterator<Item = &Arc<Schema>> {
        std::iter::once(&self.schema).chain(self.extensions.iter().map(|(schema, _)| schema))
    }

    /// Takes the longest URN of one of the type's schemas off the front (RFC 7644 §3.10). What follows it is a name, or
    /// nothing.
    fn split_urn<'a, 'n>(&'a self, text: &'n str) -> Option<(&'a Arc<Schema>, &'n str)> {
        if !text.contains(':') {
            return None;
        }
        let split = |schema: &'a Arc<Schema>| {
            let (urn, rest) = text.split_at_checked(schema.id.len())?;
            if !urn.eq_ignore_ascii_case(&schema.id) {
                return None;
            }
            if rest.is_empty() {
                Some((schema, rest))
            } else {
                rest.strip_prefix(':').map(|rest| (schema, rest))
            }
        };
        self.all_schemas().filter_map(split).max_by_key(|(schema, _)| schema.id.len())
    }
}

fn split_sub(name: &str) -> (&str, Option<&str>) {
    match name.split_once('.') {
        Some((attribute, sub)) => (attribute, Some(sub)),
        None => (name, None),
    }
}

fn with_sub<'a>(
    extension: Option<&'a Arc<Schema>>,
    attribute: &'a Arc<Attribute>,
    sub: Option<&str>,
) -> Option<Found<'a>> {
    let sub = match sub {
        Some(name) => Some(attribute.sub(name)?),
        None => None,
    };
    Some(Found { extension, attribute, sub })
}

/// A schema document that can't be used.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
#[error("the schema document can't be used: {0}")]
pub struct BadSchema(pub(crate) String);

/// The attributes that every resource has (RFC 7643 §3.1).
pub(crate) fn common_attributes() -> &'static [Arc<Attribute>] {
    common::attributes()
}
