//! The path of a PATCH operation: an attribute, which of its elements, and what in them (RFC 7644 §3.5.2, Figure 7).

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use super::{AttrPath, is_dotted, resolve};
use crate::error::{Invalid, ScimType, quoted};
use crate::filter::Filter;
use crate::limits;
use crate::mode::Options;
use crate::quirk::Quirk;
use crate::schema::{Attribute, ResourceType, is_name};

/// The path of a PATCH operation.
#[derive(Clone, PartialEq, Debug)]
pub struct PatchPath {
    /// The attribute, without a sub-attribute. For a bare extension URN, the extension as one complex attribute.
    pub attr: AttrPath,
    /// Which elements of it are meant; all, if there is none.
    pub filter: Option<Box<Filter>>,
    /// The sub-attribute that is meant.
    pub sub: Option<Arc<Attribute>>,
}

impl PatchPath {
    /// Reads a path such as `title`, `name.givenName`, `emails[type eq "work"].value`, or an extension's URN.
    ///
    /// # Errors
    /// 400 `invalidPath` if it's malformed or names nothing that the resource type has; 400 `invalidFilter` if what is in
    /// brackets is no filter of the attribute's elements. In [`Mode::Interop`](crate::Mode::Interop) an unknown attribute is
    /// 400 `invalidSyntax`, and a filter without a sub-attribute after it 400 `invalidPath`.
    pub fn parse(
        text: &str,
        rtype: &ResourceType,
        options: impl Into<Options>,
    ) -> Result<Self, Invalid> {
        Self::noting(text, rtype, options.into(), &mut BTreeSet::new())
    }

    /// The same, telling what was tolerated.
    pub(crate) fn noting(
        text: &str,
        rtype: &ResourceType,
        options: Options,
        quirks: &mut BTreeSet<Quirk>,
    ) -> Result<Self, Invalid> {
        if text.len() > limits::PATH_BYTES {
            return Err(Invalid::path(format!(
                "the path is longer than {} bytes",
                limits::PATH_BYTES
            )));
        }
        let Some((head, bracket)) = text.split_once('[') else {
            let found = resolve(text, rtype, options).ok_or_else(|| unknown(text, options))?;
            if options.is_lenient() && is_dotted(text, rtype) {
                quirks.insert(Quirk::DottedUrn);
            }
            let path = AttrPath::from(found);
            let sub = path.sub.clone();
            return Ok(Self { attr: path.with_sub(None), filter: None, sub });
        };
        let attr = resolve(head, rtype, options)
            .map(AttrPath::from)
            .ok_or_else(|| unknown(head, options))?;
        if options.is_lenient() && is_dotted(head, rtype) {
            quirks.insert(Quirk::DottedUrn);
        }
        if attr.sub.is_some() || !(attr.attribute.multi_valued || attr.attribute.is_complex()) {
            return Err(Invalid::path(format!("`{attr}` has no elements to choose from")));
        }
        if bracket
            .split_once(']')
            .is_some_and(|(index, _)| index.bytes().all(|byte| byte.is_ascii_digit()))
        {
            return Err(Invalid::path(format!(
                "{} uses an array index; elements are chosen by a filter, as in `{attr}[value eq \"x\"]`",
                quoted(text)
            )));
        }
        let (filter, end) =
            Filter::parse_element(text, head.len(), &attr.attribute, options, quirks)?;
        let rest = text.get(end..).unwrap_or_default();
        let sub = match rest.strip_prefix('.') {
            None if rest.is_empty() && options.is_interop() => {
                return Err(Invalid::path(format!(
                    "{} does not say which sub-attribute is meant, as in `{attr}[type eq \"work\"].value`",
                    quoted(text)
                )));
            }
            None if rest.is_empty() => None,
            None => {
                return Err(Invalid::path(format!(
                    "{} goes on after the closing bracket",
                    quoted(text)
                )));
            }
            Some(name) => {
                let sub = attr.attribute.sub(name).ok_or_else(|| {
                    let kind = kind_of_unknown(options);
                    Invalid::new(kind, format!("`{attr}` has no sub-attribute {}", quoted(name)))
                })?;
                Some(sub.clone())
            }
        };
        Ok(Self { attr, filter: Some(Box::new(filter)), sub })
    }

    /// What the path ends at.
    #[must_use]
    pub fn leaf(&self) -> &Arc<Attribute> {
        self.sub.as_ref().unwrap_or(&self.attr.attribute)
    }

    /// Whether this is the path with this canonical text, such as `emails` or `name.givenName`, and without a filter.
    #[must_use]
    pub fn is(&self, text: &str) -> bool {
        self.filter.is_none() && self.attr.with_sub(self.sub.clone()).is(text)
    }
}

fn unknown(text: &str, options: Options) -> Invalid {
    if text.trim().is_empty() {
        return Invalid::path("the path is empty");
    }
    // What can't be the name of anything is malformed in every mode.
    let is_name = text.rsplit(':').next().unwrap_or_default().split('.').all(is_name);
    let kind = if is_name { kind_of_unknown(options) } else { ScimType::InvalidPath };
    Invalid::new(kind, format!("there is no attribute {}", quoted(text)))
}

/// The profile knows one word for an unknown attribute, wherever it stands (I-03).
fn kind_of_unknown(options: Options) -> ScimType {
    if options.is_interop() { ScimType::InvalidSyntax } else { ScimType::InvalidPath }
}

impl fmt::Display for PatchPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.attr)?;
        if let Some(filter) = &self.filter {
            write!(f, "[{filter}]")?;
        }
        match &self.sub {
            Some(sub) => write!(f, ".{}", sub.name),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::mode::Mode;
    use crate::schema::Catalogue;

    fn parse(text: &str, mode: Mode) -> Result<PatchPath, Invalid> {
        let rtype = Catalogue::builtin().resource_type("User").unwrap();
        PatchPath::parse(text, rtype, mode)
    }

    fn check(text: &str, expected: &str) {
        for mode in [Mode::Strict, Mode::Lenient] {
            let path = parse(text, mode).unwrap();
            assert_eq!(path.to_string(), expected);
            assert_eq!(parse(expected, mode).unwrap(), path);
        }
    }

    fn refused(text: &str, kind: ScimType) {
        for mode in [Mode::Strict, Mode::Lenient] {
            assert_eq!(parse(text, mode).unwrap_err().kind, kind, "{text}");
        }
    }

    const ENT: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

    #[test]
    fn r_7644_3_5_2_12_paths_ignore_case_and_urn() {
        check("TITLE", "title");
        check("URN:IETF:params:scim:schemas:core:2.0:USER:Title", "title");
        check("name.GIVENNAME", "name.givenName");
        check("EMAILS[TYPE EQ \"HOME\"].VALUE", "emails[type eq \"HOME\"].value");
        check("emails[ type eq \"a]b\" ]", "emails[type eq \"a]b\"]");
        check("groups.$ref", "groups.$ref");
        check(ENT, ENT);
        check(&format!("{ENT}:department"), &format!("{ENT}:department"));
        check("department", &format!("{ENT}:department"));
        check(&format!("{}:manager.value", ENT.to_uppercase()), &format!("{ENT}:manager.value"));
        check("schemas[value eq \"urn:x\"]", "schemas[value eq \"urn:x\"]");
        check("roles[primary eq true].value", "roles[primary eq true].value");
    }

    #[test]
    fn r_7644_3_5_2_05_malformed_paths() {
        for text in [
            "",
            " ",
            "nothing",
            "name.",
            ".name",
            "name.nothing",
            "emails[0]",
            "emails[0].value",
            "emails[]",
            "title[value eq \"x\"]",
            "emails[type eq \"work\"]value",
            "emails[type eq \"work\"].nothing",
            "emails[type eq \"work\"].value.x",
            "emails.value.x",
            "emails.value[type eq \"x\"]",
            "emails[type eq \"work\"",
            "name.givenName ",
            "password",
            "[type eq \"x\"]",
        ] {
            refused(text, ScimType::InvalidPath);
        }
        for text in [
            "emails[type regex \"work\"]",
            "emails[nothing eq \"x\"]",
            "emails[type eq work]",
            "emails[type]",
            "emails[value[x eq \"y\"] pr]",
            "emails[type eq \"work\" type]",
            "roles[primary eq 1]",
            "emails[(type pr]",
        ] {
            refused(text, ScimType::InvalidFilter);
        }
    }

    #[test]
    fn old_extension_paths_with_a_dot_are_understood_in_lenient_mode() {
        let path = format!("{ENT}.manager");
        assert_eq!(parse(&path, Mode::Lenient).unwrap().to_string(), format!("{ENT}:manager"));
        assert_eq!(parse(&path, Mode::Strict).unwrap_err().kind, ScimType::InvalidPath);
    }

    #[test]
    fn l_02_booleans_as_strings_in_paths() {
        let path = parse("roles[primary eq \"True\"].value", Mode::Lenient).unwrap();
        assert_eq!(path.to_string(), "roles[primary eq true].value");
        assert_eq!(
            parse("roles[primary eq \"True\"].value", Mode::Strict).unwrap_err().kind,
            ScimType::InvalidFilter
        );
    }

    proptest! {
        #[test]
        fn no_text_makes_reading_panic(text in "(emails|name|urn:|\\PC)?[\\[\\]. \"a-z()\\\\u]{0,12}\\PC{0,4}") {
            for mode in [Mode::Strict, Mode::Lenient] {
                if let Ok(path) = parse(&text, mode) {
                    prop_assert_eq!(parse(&path.to_string(), mode).unwrap(), path);
                }
            }
        }
    }
}
