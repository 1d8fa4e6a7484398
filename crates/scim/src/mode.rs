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
    /// What identity providers really send is understood too (the `L-` rules).
    #[default]
    Lenient,
    /// The SCIM 2.0 Interoperability Profile (draft-zollner-scim-interop-profile): stricter than the RFCs where clients and servers
    /// were seen to differ (the `I-` rules).
    Interop,
}

impl Mode {
    /// Whether the `L-` rules apply.
    #[must_use]
    pub fn is_lenient(self) -> bool {
        self == Self::Lenient
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
    /// Whether the `L-` rules apply.
    #[must_use]
    pub fn is_lenient(self) -> bool {
        self.mode.is_lenient()
    }
}

impl From<Mode> for Options {
    fn from(mode: Mode) -> Self {
        Self { mode, empty_unassigns: false }
    }
}
