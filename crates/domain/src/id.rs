//! Typed identifiers, so that a group's id cannot be passed where a user's is due.
//!
//! All are UUIDs. They are made at the edge (time-ordered, version 7) and come in with the command:
//! deciding stays pure, and a replay finds the same ids again.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[cfg_attr(test, derive(schemars::JsonSchema))]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// No id comes before this one.
            pub const LEAST: $name = $name(Uuid::nil());
            /// No id comes after this one.
            pub const MOST: $name = $name(Uuid::max());

            /// The id with these bits.
            pub const fn new(id: Uuid) -> Self {
                Self(id)
            }

            /// The bits.
            pub const fn uuid(self) -> Uuid {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;

            /// Only the form that we print is read: ids are case-exact (RFC 7643 §3.1), and other
            /// spellings of a UUID would make two texts of one id.
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                let text = if text.bytes().any(|b| b.is_ascii_uppercase()) { "" } else { text };
                if text.len() == 36 { Uuid::try_parse(text).map(Self) } else { Uuid::try_parse("").map(Self) }
            }
        }
    )*};
}

ids! {
    /// A connector: one identity provider's link into a tenant.
    ConnectorId;
    /// A credential of a connector or an operator.
    CredentialId;
    /// A group.
    GroupId;
    /// An operator: a person or program that administers the instance.
    OperatorId;
    /// A policy.
    PolicyId;
    /// A request; commits that one request caused share it.
    RequestId;
    /// A role.
    RoleId;
    /// A rule: who is in a group has a role.
    RuleId;
    /// A tenant: one customer's world.
    TenantId;
    /// A user.
    UserId;
}

impl TenantId {
    /// The instance's own log, the reserved tenant `_system`: operators, tenants and their slugs.
    pub const SYSTEM: TenantId = TenantId(Uuid::nil());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_printed_form_is_read() {
        let text = "0198f3a0-0000-7000-8000-000000000001";
        assert_eq!(text.parse::<UserId>().unwrap().to_string(), text);
        for other in [
            "",
            "42",
            "0198f3a0000070008000000000000001",
            "{0198f3a0-0000-7000-8000-000000000001}",
            "0198F3A0-0000-7000-8000-000000000001",
        ] {
            assert!(other.parse::<UserId>().is_err(), "{other}");
        }
    }
}
