//! Paths to attributes, as filters, parameters and PATCH operations write them (RFC 7644 §3.10, §3.5.2).

mod patch;

use std::fmt;
use std::sync::Arc;

pub use patch::PatchPath;

use crate::error::{Invalid, quoted};
use crate::limits;
use crate::matching::Matching;
use crate::mode::Options;
use crate::schema::{Attribute, Found, Kind, ResourceType};
use crate::value::Name;

/// A path to an attribute or a sub-attribute, resolved against a resource type and in the schema's spelling.
#[derive(Clone)]
pub struct AttrPath {
    schema: Option<Name>,
    attribute: Arc<Attribute>,
    sub: Option<Arc<Attribute>>,
}

impl AttrPath {
    /// Reads a path such as `userName`, `name.givenName` or `urn:…:User:department`, in any case.
    ///
    /// # Errors
    /// 400 `invalidPath` if it's malformed or names nothing that the resource type has.
    pub fn parse(
        text: &str,
        rtype: &ResourceType,
        options: impl Into<Options>,
    ) -> Result<Self, Invalid> {
        resolve(text, rtype, options.into())
            .map(Self::from)
            .ok_or_else(|| Invalid::path(format!("there is no attribute {}", quoted(text))))
    }

    pub(crate) fn new(
        schema: Option<Name>,
        attribute: Arc<Attribute>,
        sub: Option<Arc<Attribute>>,
    ) -> Self {
        Self { schema, attribute, sub }
    }

    /// The URN of the extension that the attribute is in; none for core and common attributes.
    #[must_use]
    pub fn schema(&self) -> Option<&str> {
        self.schema.as_deref()
    }

    /// The attribute's name. For a bare extension URN, the URN.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.attribute.name
    }

    /// The sub-attribute's name.
    #[must_use]
    pub fn sub(&self) -> Option<&str> {
        self.sub.as_ref().map(|sub| sub.name.as_str())
    }

    /// The attribute.
    #[must_use]
    pub fn attribute(&self) -> &Arc<Attribute> {
        &self.attribute
    }

    /// What the path ends at: the sub-attribute, or the attribute if there is none.
    #[must_use]
    pub fn leaf(&self) -> &Arc<Attribute> {
        self.sub.as_ref().unwrap_or(&self.attribute)
    }

    /// What values are at the end of the path.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.leaf().kind
    }

    /// Whether case counts when they are compared.
    #[must_use]
    pub fn case_exact(&self) -> bool {
        self.leaf().case_exact
    }

    /// Whether the path may lead to several values.
    #[must_use]
    pub fn multi_valued(&self) -> bool {
        self.attribute.multi_valued || self.leaf().multi_valued
    }

    /// The name that the value is kept under in a resource: the attribute's, or the extension's URN.
    #[must_use]
    pub fn top(&self) -> &str {
        self.schema.as_deref().unwrap_or(&self.attribute.name)
    }

    /// Whether this is the path with this canonical text, such as `userName` or `emails.value`.
    #[must_use]
    pub fn is(&self, text: &str) -> bool {
        let in_schema = match &self.schema {
            Some(urn) => text.strip_prefix(urn.as_str()).and_then(|rest| rest.strip_prefix(':')),
            None => Some(text),
        };
        let Some(rest) = in_schema.and_then(|rest| rest.strip_prefix(self.name())) else {
            return false;
        };
        match &self.sub {
            Some(sub) => rest.strip_prefix('.').is_some_and(|rest| rest == sub.name.as_str()),
            None => rest.is_empty(),
        }
    }

    /// The path with another end.
    pub(crate) fn with_sub(&self, sub: Option<Arc<Attribute>>) -> Self {
        Self { schema: self.schema.clone(), attribute: self.attribute.clone(), sub }
    }

    pub(crate) fn matching(&self) -> Matching {
        Matching::of(self.leaf())
    }
}

impl From<Found<'_>> for AttrPath {
    fn from(found: Found<'_>) -> Self {
        Self {
            schema: found.extension.map(|schema| schema.id.clone()),
            attribute: found.attribute.clone(),
            sub: found.sub.cloned(),
        }
    }
}

/// Two paths are equal if they print alike.
impl PartialEq for AttrPath {
    fn eq(&self, other: &Self) -> bool {
        self.schema == other.schema && self.name() == other.name() && self.sub() == other.sub()
    }
}

impl Eq for AttrPath {}

impl fmt::Display for AttrPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(urn) = &self.schema {
            write!(f, "{urn}:")?;
        }
        f.write_str(self.name())?;
        match &self.sub {
            Some(sub) => write!(f, ".{}", sub.name),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for AttrPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AttrPath({self})")
    }
}

/// What a path means in a query over several types: first in this one, then in the others. A core attribute of another type that
/// is written with that type's URN is none of this type's, even if this type has one of the same name: its path keeps the URN,
/// under which no resource of this type has a value.
pub(crate) fn resolve_among(
    text: &str,
    rtype: &ResourceType,
    others: &[ResourceType],
    options: Options,
) -> Option<AttrPath> {
    if let Some(found) = resolve(text, rtype, options) {
        return Some(found.into());
    }
    others.iter().find_map(|other| {
        let path = AttrPath::from(resolve(text, other, options)?);
        let is_core = text.contains(':') && path.schema.is_none() && !path.name().contains(':');
        Some(if is_core {
            AttrPath { schema: Some(other.schema.id.clone()), ..path }
        } else {
            path
        })
    })
}

/// What a path means, with the one spelling beyond the grammar that is in use: a dot after the extension's URN, as provisioning
/// jobs of before 2019 wrote it.
pub(crate) fn resolve<'a>(
    text: &str,
    rtype: &'a ResourceType,
    options: Options,
) -> Option<Found<'a>> {
    if text.len() > limits::PATH_BYTES {
        return None;
    }
    if let Some(found) = rtype.find(text) {
        return Some(found);
    }
    if !options.is_lenient() {
        return None;
    }
    dotted(text, rtype)
}

/// What a path means whose extension's URN ends in a dot.
fn dotted<'a>(text: &str, rtype: &'a ResourceType) -> Option<Found<'a>> {
    rtype.extensions.iter().find_map(|(schema, _)| {
        let (urn, rest) = text.split_at_checked(schema.id.len())?;
        let name = rest.strip_prefix('.')?;
        if urn.eq_ignore_ascii_case(&schema.id) {
            rtype.find(&format!("{}:{name}", schema.id))
        } else {
            None
        }
    })
}

/// Whether a path means something only with that spelling.
pub(crate) fn is_dotted(text: &str, rtype: &ResourceType) -> bool {
    rtype.find(text).is_none() && dotted(text, rtype).is_some()
}
