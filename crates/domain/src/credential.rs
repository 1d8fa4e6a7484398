//! What credentials are made of beside their secrets: how whoever shows one proves that they may, and what it opens.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize, Serializer};

use crate::id::CredentialId;

/// One thing that a credential may open (RFC 7644 §2: rights of each client; RFC 6749 §3.3: its words).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum Scope {
    /// Read `/Schemas` and `/ResourceTypes`.
    #[serde(rename = "discovery")]
    Discovery,
    /// Read users.
    #[serde(rename = "users:read")]
    UsersRead,
    /// Write users, and read them: a write is answered with what was written.
    #[serde(rename = "users:write")]
    UsersWrite,
    /// Read groups.
    #[serde(rename = "groups:read")]
    GroupsRead,
    /// Write groups, and read them.
    #[serde(rename = "groups:write")]
    GroupsWrite,
    /// Read the roles and entitlements that the connector publishes.
    #[serde(rename = "roles:read")]
    RolesRead,
}

impl Scope {
    /// All of them.
    pub const ALL: [Scope; 6] = [
        Scope::Discovery,
        Scope::UsersRead,
        Scope::UsersWrite,
        Scope::GroupsRead,
        Scope::GroupsWrite,
        Scope::RolesRead,
    ];

    /// Its word, as in `users:read`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Scope::Discovery => "discovery",
            Scope::UsersRead => "users:read",
            Scope::UsersWrite => "users:write",
            Scope::GroupsRead => "groups:read",
            Scope::GroupsWrite => "groups:write",
            Scope::RolesRead => "roles:read",
        }
    }

    /// What holds it beside itself: who may write may read.
    const fn held_by(self) -> Option<Scope> {
        match self {
            Scope::UsersRead => Some(Scope::UsersWrite),
            Scope::GroupsRead => Some(Scope::GroupsWrite),
            Scope::Discovery | Scope::UsersWrite | Scope::GroupsWrite | Scope::RolesRead => None,
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a credential opens: never nothing.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct Scopes(BTreeSet<Scope>);

/// Text that names no scopes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotScopes {
    /// A word that is no scope.
    #[error("`{0}` is no scope: use {known}, or `read` or `write` for all types", known = words(&Scope::ALL))]
    Unknown(String),
    /// No word at all.
    #[error("no scope is named: a credential that opens nothing is not issued")]
    Nothing,
}

fn words<'a>(scopes: impl IntoIterator<Item = &'a Scope>) -> String {
    scopes.into_iter().map(|scope| scope.as_str()).collect::<Vec<_>>().join(" ")
}

impl FromStr for Scopes {
    type Err = NotScopes;

    /// Words divided by blanks or commas. `read` and `write` stand for all types; `read` brings `discovery`.
    fn from_str(text: &str) -> Result<Scopes, NotScopes> {
        let mut scopes = BTreeSet::new();
        for word in text.split([' ', ',']).filter(|word| !word.is_empty()) {
            match word {
                "read" => scopes.extend([
                    Scope::Discovery,
                    Scope::UsersRead,
                    Scope::GroupsRead,
                    Scope::RolesRead,
                ]),
                "write" => scopes.extend([Scope::UsersWrite, Scope::GroupsWrite]),
                _ => {
                    let found = Scope::ALL.into_iter().find(|scope| scope.as_str() == word);
                    scopes.insert(found.ok_or_else(|| NotScopes::Unknown(word.to_owned()))?);
                }
            }
        }
        if scopes.is_empty() { Err(NotScopes::Nothing) } else { Ok(Scopes(scopes)) }
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&words(&self.0))
    }
}

impl Scopes {
    /// Whether they hold this one.
    pub fn hold(&self, scope: Scope) -> bool {
        self.0.contains(&scope) || scope.held_by().is_some_and(|wider| self.0.contains(&wider))
    }

    /// These; none when there is none among them.
    pub fn of(scopes: impl IntoIterator<Item = Scope>) -> Option<Scopes> {
        let scopes: BTreeSet<Scope> = scopes.into_iter().collect();
        (!scopes.is_empty()).then_some(Scopes(scopes))
    }

    /// Whether this one is among them by its own name.
    pub fn names(&self, scope: Scope) -> bool {
        self.0.contains(&scope)
    }

    /// Whether they hold all of the others.
    pub fn hold_all(&self, others: &Scopes) -> bool {
        others.0.iter().all(|scope| self.hold(*scope))
    }
}

/// What was said when a credential was issued, beside who may show it and until when.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Terms {
    /// What it opens; none: everything that its holder may.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scopes: Option<Scopes>,
    /// The credential that it was issued in place of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaces: Option<CredentialId>,
}

/// How whoever shows a credential that is no key proves that they may.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Proof {
    /// A user name and a password (RFC 7617).
    Password {
        /// The name; no other credential of the tenant that is in force has it, but for those that it replaces.
        user: String,
        /// The password's Argon2id hash with its parameters and salt, in PHC form. It stays inside: a password that someone
        /// chose may be guessed from it.
        hash: String,
    },
    /// A signature that this public key checks (RFC 7523).
    PublicKey {
        /// The name by which the client says which key it used.
        kid: String,
        /// The one algorithm that the key is used with.
        algorithm: Algorithm,
        /// The key's public members as a JWK, in the form of RFC 7638.
        jwk: String,
    },
}

/// Algorithms of signatures (RFC 7518 §3.1, RFC 8037 §3.1). There is none without a public key.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum Algorithm {
    /// ECDSA with P-256 and SHA-256.
    #[serde(rename = "ES256")]
    Es256,
    /// Ed25519.
    #[serde(rename = "EdDSA")]
    EdDsa,
    /// RSA with PKCS #1 v1.5 padding and SHA-256.
    #[serde(rename = "RS256")]
    Rs256,
    /// RSA with PSS padding and SHA-256.
    #[serde(rename = "PS256")]
    Ps256,
}

impl Algorithm {
    /// All of them.
    pub const ALL: [Algorithm; 4] =
        [Algorithm::Es256, Algorithm::EdDsa, Algorithm::Rs256, Algorithm::Ps256];

    /// Its name, as in `ES256`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Algorithm::Es256 => "ES256",
            Algorithm::EdDsa => "EdDSA",
            Algorithm::Rs256 => "RS256",
            Algorithm::Ps256 => "PS256",
        }
    }

    /// The algorithm with this name.
    pub fn named(name: &str) -> Option<Algorithm> {
        Algorithm::ALL.into_iter().find(|one| one.as_str() == name)
    }
}

/// What kind of credential it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CredentialKind {
    /// A key: a secret that nobody can guess.
    #[default]
    Key,
    /// A user name and a password.
    Password,
    /// A public key, whose private half signs.
    PublicKey,
}

impl CredentialKind {
    /// Its word, as in `public-key`.
    pub const fn as_str(self) -> &'static str {
        match self {
            CredentialKind::Key => "key",
            CredentialKind::Password => "password",
            CredentialKind::PublicKey => "public-key",
        }
    }

    /// Whether it is a key.
    pub fn is_key(&self) -> bool {
        *self == CredentialKind::Key
    }
}

impl Proof {
    /// What kind of credential has it.
    pub fn kind(&self) -> CredentialKind {
        match self {
            Proof::Password { .. } => CredentialKind::Password,
            Proof::PublicKey { .. } => CredentialKind::PublicKey,
        }
    }

    /// What tells it from others, in clear: the user name, or the key's name.
    pub fn hint(&self) -> &str {
        match self {
            Proof::Password { user, .. } => user,
            Proof::PublicKey { kid, .. } => kid,
        }
    }

    /// As events show it.
    pub(crate) fn told<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.clone() {
            Proof::Password { user, hash: _ } => ToldProof::Password { user },
            Proof::PublicKey { kid, algorithm, jwk } => {
                ToldProof::PublicKey { kid, algorithm, jwk }
            }
        }
        .serialize(serializer)
    }
}

/// How whoever shows a credential proves that they may, without what a password could be guessed from.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub(crate) enum ToldProof {
    /// A user name and a password; the password's hash stays inside.
    Password {
        /// The name.
        user: String,
    },
    /// A signature that a public key checks.
    PublicKey {
        /// The key's name.
        kid: String,
        /// The one algorithm that it is used with.
        algorithm: Algorithm,
        /// Its public members as a JWK.
        jwk: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_are_words_and_a_writer_reads() {
        let scopes = |text: &str| text.parse::<Scopes>();
        assert_eq!(scopes("users:write,discovery").unwrap().to_string(), "discovery users:write");
        assert_eq!(scopes("write").unwrap().to_string(), "users:write groups:write");
        assert_eq!(
            scopes("read").unwrap().to_string(),
            "discovery users:read groups:read roles:read"
        );
        assert_eq!(scopes(" , "), Err(NotScopes::Nothing));
        assert_eq!(scopes("users:READ"), Err(NotScopes::Unknown("users:READ".into())));
        let writer = scopes("users:write").unwrap();
        assert!(writer.hold(Scope::UsersRead) && writer.hold(Scope::UsersWrite));
        for scope in [Scope::Discovery, Scope::GroupsRead, Scope::GroupsWrite, Scope::RolesRead] {
            assert!(!writer.hold(scope), "{scope}");
        }
        assert!(!scopes("read").unwrap().hold(Scope::UsersWrite));
        assert!(writer.hold_all(&scopes("users:read").unwrap()));
        assert!(!scopes("users:read").unwrap().hold_all(&writer));
    }
}
