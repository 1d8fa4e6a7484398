//! Access tokens (RFC 6749 §1.4): short-lived, sealed, and bound to the tenant, the connector and the credential that they
//! were issued for. Nothing is kept of them: whether the credential is still good is asked at each use.

use aes_gcm_siv::aead::{Aead, KeyInit, Payload};
use aes_gcm_siv::{Aes256GcmSiv, Key, Nonce};
use data_encoding::BASE64URL_NOPAD;
use domain::credential::{Scope, Scopes};
use domain::id::{ConnectorId, CredentialId, TenantId};
use domain::time::Timestamp;
use uuid::Uuid;

/// What a token begins with: it says what it is, and secret scanners find it.
pub(crate) const PREFIX: &str = "rbt_";
const NONCE_BYTES: usize = 12;
/// The tenant is not in it: it is what the token is bound to.
const CONTENT_BYTES: usize = 16 + 16 + 8 + 1;

/// What an access token says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) connector: ConnectorId,
    pub(crate) credential: CredentialId,
    /// From when on it opens nothing.
    pub(crate) expires: Timestamp,
    /// What it opens; none: everything that the connector may.
    pub(crate) scopes: Option<Scopes>,
}

/// Seals tokens under one key.
pub(crate) struct Seal(Aes256GcmSiv);

impl Seal {
    pub(super) fn new(key: &[u8; 32]) -> Seal {
        Seal(Aes256GcmSiv::new(&Key::<Aes256GcmSiv>::from(*key)))
    }

    /// A token for this tenant; none when there is no randomness.
    pub(crate) fn seal(&self, tenant: TenantId, token: &Token) -> Option<String> {
        let mut nonce = [0; NONCE_BYTES];
        getrandom::fill(&mut nonce).ok()?;
        let mut content = Vec::with_capacity(CONTENT_BYTES);
        content.extend(token.connector.uuid().as_bytes());
        content.extend(token.credential.uuid().as_bytes());
        content.extend(token.expires.millis().to_be_bytes());
        content.push(bits(token.scopes.as_ref()));
        let tenant = tenant.uuid();
        let payload = Payload { msg: &content, aad: tenant.as_bytes() };
        let sealed = self.0.encrypt(&Nonce::from(nonce), payload).ok()?;
        Some(format!("{PREFIX}{}", BASE64URL_NOPAD.encode(&[&nonce[..], &sealed].concat())))
    }

    /// What a token says, if it is one of ours and this tenant's. Whether it is good still is another question.
    pub(crate) fn open(&self, tenant: TenantId, text: &str) -> Option<Token> {
        let bytes = BASE64URL_NOPAD.decode(text.strip_prefix(PREFIX)?.as_bytes()).ok()?;
        let (nonce, sealed) = bytes.split_first_chunk::<NONCE_BYTES>()?;
        let tenant = tenant.uuid();
        let payload = Payload { msg: sealed, aad: tenant.as_bytes() };
        let content = self.0.decrypt(&Nonce::from(*nonce), payload).ok()?;
        let (connector, rest) = content.split_first_chunk::<16>()?;
        let (credential, rest) = rest.split_first_chunk::<16>()?;
        let (expires, rest) = rest.split_first_chunk::<8>()?;
        let [scopes] = rest else { return None };
        Some(Token {
            connector: ConnectorId::new(Uuid::from_bytes(*connector)),
            credential: CredentialId::new(Uuid::from_bytes(*credential)),
            expires: Timestamp::from_millis(i64::from_be_bytes(*expires)),
            scopes: of_bits(*scopes)?,
        })
    }
}

/// Everything: no single scope is meant, also none that is yet to come.
const EVERYTHING: u8 = 0xff;

/// Scopes as bits, in the order of [`Scope::ALL`].
fn bits(scopes: Option<&Scopes>) -> u8 {
    let Some(scopes) = scopes else { return EVERYTHING };
    let each = Scope::ALL.into_iter().enumerate();
    each.filter(|(_, scope)| scopes.names(*scope)).fold(0, |bits, (at, _)| bits | 1 << at)
}

fn of_bits(bits: u8) -> Option<Option<Scopes>> {
    if bits == EVERYTHING {
        return Some(None);
    }
    let each = Scope::ALL.into_iter().enumerate().filter(|(at, _)| bits & (1 << at) != 0);
    Scopes::of(each.map(|(_, scope)| scope)).map(Some)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn tenant(n: u128) -> TenantId {
        TenantId::new(Uuid::from_u128(n))
    }

    proptest! {
        #[test]
        fn a_token_is_good_as_it_is_and_where_it_was_issued(
            one: u128, two: u128, expires: i64, scopes in 1_u8..64, whole: bool,
            at: prop::sample::Index, bit in 0..8,
        ) {
            let token = Token {
                connector: ConnectorId::new(Uuid::from_u128(one)),
                credential: CredentialId::new(Uuid::from_u128(two)),
                expires: Timestamp::from_millis(expires),
                scopes: if whole { None } else { of_bits(scopes).unwrap() },
            };
            let seal = Seal::new(&[1; 32]);
            let text = seal.seal(tenant(1), &token).unwrap();
            prop_assert_eq!(seal.open(tenant(1), &text), Some(token.clone()));
            prop_assert_eq!(seal.open(tenant(2), &text), None);
            prop_assert_eq!(Seal::new(&[2; 32]).open(tenant(1), &text), None);
            prop_assert_ne!(seal.seal(tenant(1), &token).unwrap(), text.clone());
            let mut bytes = BASE64URL_NOPAD.decode(&text.as_bytes()[PREFIX.len()..]).unwrap();
            let at = at.index(bytes.len());
            bytes[at] ^= 1_u8 << bit;
            let flipped = format!("{PREFIX}{}", BASE64URL_NOPAD.encode(&bytes));
            prop_assert_eq!(seal.open(tenant(1), &flipped), None);
            prop_assert_eq!(seal.open(tenant(1), &text[..text.len() - 1]), None);
        }

        #[test]
        fn any_text_is_no_token(text: String, bytes: Vec<u8>) {
            let seal = Seal::new(&[1; 32]);
            prop_assert_eq!(seal.open(tenant(1), &text), None);
            let text = format!("{PREFIX}{}", BASE64URL_NOPAD.encode(&bytes));
            prop_assert_eq!(seal.open(tenant(1), &text), None);
        }
    }
}
