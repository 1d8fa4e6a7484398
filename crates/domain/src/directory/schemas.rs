//! The schemas of a tenant: the built-in ones, and the extensions that it added.

use imbl::Vector;
use scim::{Catalogue, Value};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Moment, Stamp};
use crate::commit::Unfit;

/// An extension that a tenant added to a resource type.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct CustomSchema {
    /// Its URN.
    pub urn: String,
    /// The resource type's name, as in `User`.
    pub resource_type: String,
    /// Whether every resource of the type must carry it.
    pub required: bool,
    /// The schema as `/Schemas` serves it, in JSON.
    pub document: String,
    /// When it was added.
    pub added: Stamp,
}

/// The schemas of a tenant at one position.
#[derive(Clone, PartialEq, Debug)]
pub struct Schemas {
    custom: Vector<CustomSchema>,
    // INVARIANT (catalogue): the built-in schemas and `custom`, in this order.
    catalogue: Catalogue,
}

impl Default for Schemas {
    fn default() -> Self {
        Self { custom: Vector::new(), catalogue: Catalogue::builtin().clone() }
    }
}

impl Schemas {
    /// All schemas and resource types: what is served, and what everything is checked against.
    pub fn catalogue(&self) -> &Catalogue {
        &self.catalogue
    }

    /// The extensions that the tenant added, in the order in which it did.
    pub fn custom(&self) -> impl Iterator<Item = &CustomSchema> {
        self.custom.iter()
    }

    /// Whether the tenant has the built-in schemas only.
    pub fn is_builtin(&self) -> bool {
        self.custom.is_empty()
    }

    pub(super) fn add(&mut self, new: CustomSchema, moment: Moment<'_>) -> Result<(), Unfit> {
        self.insert(new).map_err(|reason| moment.unfit(reason))
    }

    fn insert(&mut self, new: CustomSchema) -> Result<(), String> {
        let document = Value::parse(new.document.as_bytes()).map_err(|e| e.detail)?;
        let extended = self.catalogue.with_extension(&document, &new.resource_type, new.required);
        self.catalogue = extended.map_err(|bad| bad.to_string())?;
        self.custom.push_back(new);
        Ok(())
    }
}

impl Serialize for Schemas {
    /// Only what was added: the rest is the program's, and what is derived is not stored.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(&self.custom)
    }
}

impl<'de> Deserialize<'de> for Schemas {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut schemas = Schemas::default();
        for custom in Vec::<CustomSchema>::deserialize(deserializer)? {
            schemas.insert(custom).map_err(serde::de::Error::custom)?;
        }
        Ok(schemas)
    }
}
