//! The client's fault, as RFC 7644 §3.12 words it.

use std::fmt;

use thiserror::Error;

/// The registered words for what was wrong with a request (RFC 7644 §3.12, RFC 9865 §2.1).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum ScimType {
    /// The filter is malformed, or its operator, literal or attribute does not fit.
    InvalidFilter,
    /// The query would cost too much.
    TooMany,
    /// A unique value is taken.
    Uniqueness,
    /// A write against a readOnly or immutable attribute, or removal of a required one.
    Mutability,
    /// The body is no JSON, or no message of the kind that was due.
    InvalidSyntax,
    /// The path of a PATCH operation is malformed or names nothing.
    InvalidPath,
    /// The path of a PATCH operation selects nothing.
    NoTarget,
    /// A value is missing, or does not fit its attribute.
    InvalidValue,
    /// The protocol version is not served.
    InvalidVers,
    /// Personal data in a URL, against policy.
    Sensitive,
    /// The cursor is damaged, forged, or of another query.
    InvalidCursor,
    /// The cursor is too old.
    ExpiredCursor,
    /// The count does not go with the cursor.
    InvalidCount,
}

impl ScimType {
    /// The word on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InvalidFilter => "invalidFilter",
            Self::TooMany => "tooMany",
            Self::Uniqueness => "uniqueness",
            Self::Mutability => "mutability",
            Self::InvalidSyntax => "invalidSyntax",
            Self::InvalidPath => "invalidPath",
            Self::NoTarget => "noTarget",
            Self::InvalidValue => "invalidValue",
            Self::InvalidVers => "invalidVers",
            Self::Sensitive => "sensitive",
            Self::InvalidCursor => "invalidCursor",
            Self::ExpiredCursor => "expiredCursor",
            Self::InvalidCount => "invalidCount",
        }
    }
}

impl fmt::Display for ScimType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A request that can't be understood or doesn't fit the schema. Always HTTP 400.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
#[error("{detail}")]
pub struct Invalid {
    /// The registered word.
    pub kind: ScimType,
    /// What was wrong, for a human: lower-case, no full stop, the client's own words in backticks.
    pub detail: String,
}

impl Invalid {
    /// An error of any kind.
    pub fn new(kind: ScimType, detail: impl Into<String>) -> Self {
        Self { kind, detail: detail.into() }
    }

    /// 400 `invalidValue`.
    pub fn value(detail: impl Into<String>) -> Self {
        Self::new(ScimType::InvalidValue, detail)
    }

    /// 400 `invalidSyntax`.
    pub fn syntax(detail: impl Into<String>) -> Self {
        Self::new(ScimType::InvalidSyntax, detail)
    }

    /// 400 `invalidPath`.
    pub fn path(detail: impl Into<String>) -> Self {
        Self::new(ScimType::InvalidPath, detail)
    }

    /// 400 `invalidFilter`.
    pub fn filter(detail: impl Into<String>) -> Self {
        Self::new(ScimType::InvalidFilter, detail)
    }

    /// 400 `mutability`.
    pub fn mutability(detail: impl Into<String>) -> Self {
        Self::new(ScimType::Mutability, detail)
    }

    /// 400 `noTarget`.
    pub fn no_target(detail: impl Into<String>) -> Self {
        Self::new(ScimType::NoTarget, detail)
    }

    /// The same fault, told with the place it was found at in front.
    #[must_use]
    pub fn within(self, place: &str) -> Self {
        Self { kind: self.kind, detail: format!("{place}: {}", self.detail) }
    }
}

/// The most of a client's text that is quoted back, in characters.
const QUOTED_CHARS: usize = 80;

/// The client's text in backticks, cut to a length that keeps a message readable.
pub(crate) fn quoted(text: &str) -> String {
    let mut shown: String = text.chars().take(QUOTED_CHARS).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    format!("`{shown}`")
}

/// The body of an error answer (RFC 7644 §3.12): `status` is a string there.
#[must_use]
pub fn error_body(status: u16, kind: Option<ScimType>, detail: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(160 + detail.len());
    out.extend_from_slice(
        br#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:Error"],"status":""#,
    );
    out.extend_from_slice(status.to_string().as_bytes());
    out.push(b'"');
    if let Some(kind) = kind {
        out.extend_from_slice(br#","scimType":""#);
        out.extend_from_slice(kind.as_str().as_bytes());
        out.push(b'"');
    }
    out.extend_from_slice(br#","detail":"#);
    crate::json::write_text(&mut out, detail);
    out.push(b'}');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r_7644_3_12_01_the_error_message() {
        let body = error_body(400, Some(ScimType::InvalidPath), "no `x\"`");
        assert_eq!(
            String::from_utf8(body).unwrap(),
            r#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:Error"],"status":"400","scimType":"invalidPath","detail":"no `x\"`"}"#
        );
        let body = error_body(404, None, "gone");
        assert_eq!(
            String::from_utf8(body).unwrap(),
            r#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:Error"],"status":"404","detail":"gone"}"#
        );
    }
}
