//! How literally a connector's requests are read. A property of the connection, never of the server.

use serde::{Deserialize, Serialize};

/// How literally requests are read.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// The text of RFC 7643 and RFC 7644, nothing more.
    Strict,
    /// What identity providers really send is understood too; each such thing is told as a [`Quirk`](crate::Quirk).
    #[default]
    Lenient,
    /// The SCIM 2.0 Interoperability Profile (draft-zollner-scim-interop-profile): as [`Mode::Strict`], and stricter where clients and
    /// servers were seen to differ. Unknown attributes and URIs are refused, each PATCH operation has a path, a path with a filter
    /// has a sub-attribute, and a replace of a complex attribute replaces the whole of it. One thing is wider than in strict mode,
    /// because no other way is left to take one element out of a list: a remove may name the elements in its `value`, or by the
    /// path of their identifying sub-attribute, as in `members[value eq "x"].value`.
    Interop,
}

impl Mode {
    /// Whether what identity providers are known to send is understood beyond the RFCs.
    #[must_use]
    pub fn is_lenient(self) -> bool {
        self == Self::Lenient
    }

    /// Whether the rules of the Interoperability Profile apply.
    #[must_use]
    pub fn is_interop(self) -> bool {
        self == Self::Interop
    }
}

/// A mode with the settings that a connection may add to it. Every function that takes a [`Mode`] takes this as well.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Options {
    /// How literally requests are read.
    pub mode: Mode,
    /// `""` written to an optional attribute unassigns it (L-13). Off unless the connection says so.
    pub empty_unassigns: bool,
}

impl Options {
    /// Whether what identity providers are known to send is understood beyond the RFCs.
    #[must_use]
    pub fn is_lenient(self) -> bool {
        self.mode.is_lenient()
    }

    /// Whether the rules of the Interoperability Profile apply.
    #[must_use]
    pub fn is_interop(self) -> bool {
        self.mode.is_interop()
    }
}

impl From<Mode> for Options {
    fn from(mode: Mode) -> Self {
        Self { mode, empty_unassigns: false }
    }
}

#[cfg(test)]
mod tests;
