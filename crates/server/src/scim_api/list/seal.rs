//! Cursors as clients hold them: sealed, so that nobody can read or make one.

use aes_gcm_siv::aead::{Aead, KeyInit, Payload};
use aes_gcm_siv::{Aes256GcmSiv, Key, Nonce};
use data_encoding::BASE64URL_NOPAD;
use scim::{Cursor, Invalid};

use super::walks::Whose;

const NONCE_BYTES: usize = 12;

/// Seals cursors under one key.
pub(super) struct Seal(Aes256GcmSiv);

impl Seal {
    pub(super) fn new(key: &[u8; 32]) -> Seal {
        Seal(Aes256GcmSiv::new(&Key::<Aes256GcmSiv>::from(*key)))
    }

    /// A token of letters, digits, `-` and `_` (A-9865-2-03); none when there is no randomness.
    pub(super) fn seal(&self, whose: &Whose, cursor: &Cursor) -> Option<String> {
        let mut nonce = [0; NONCE_BYTES];
        getrandom::fill(&mut nonce).ok()?;
        let payload = Payload { msg: &cursor.to_bytes(), aad: &companions(whose) };
        let sealed = self.0.encrypt(&Nonce::from(nonce), payload).ok()?;
        Some(BASE64URL_NOPAD.encode(&[&nonce[..], &sealed].concat()))
    }

    /// The cursor in a token.
    ///
    /// # Errors
    /// 400 `invalidCursor` for any other text and for another connector's or tenant's token, which
    /// does not open: the two cannot be told apart (A-9865-5-01).
    pub(super) fn open(&self, whose: &Whose, token: &str) -> Result<Cursor, Invalid> {
        let bytes = BASE64URL_NOPAD.decode(token.as_bytes()).map_err(|_| Cursor::foreign())?;
        let (nonce, sealed) =
            bytes.split_first_chunk::<NONCE_BYTES>().ok_or_else(Cursor::foreign)?;
        let payload = Payload { msg: sealed, aad: &companions(whose) };
        let opened = self.0.decrypt(&Nonce::from(*nonce), payload);
        Cursor::from_bytes(&opened.map_err(|_| Cursor::foreign())?)
    }
}

/// What a token is bound to beside its content. Not to the credential: a client that gets a new
/// key in the middle of a walk goes on.
fn companions(whose: &Whose) -> [u8; 32] {
    let mut bytes = [0; 32];
    let (tenant, connector) = bytes.split_at_mut(16);
    tenant.copy_from_slice(whose.tenant.uuid().as_bytes());
    connector.copy_from_slice(whose.connector.uuid().as_bytes());
    bytes
}

#[cfg(test)]
mod tests {
    use domain::id::{ConnectorId, CredentialId, TenantId};
    use proptest::prelude::*;
    use scim::ScimType;
    use uuid::Uuid;

    use super::*;

    fn whose(tenant: u128, connector: u128, credential: u128) -> Whose {
        Whose {
            tenant: TenantId::new(Uuid::from_u128(tenant)),
            connector: ConnectorId::new(Uuid::from_u128(connector)),
            credential: CredentialId::new(Uuid::from_u128(credential)),
        }
    }

    /// What is refused is refused in the same words, whatever the cause (A-9865-5-01).
    fn refused(seal: &Seal, whose: &Whose, token: &str) -> Result<(), TestCaseError> {
        prop_assert_eq!(seal.open(whose, token), Err(Cursor::foreign()), "{}", token);
        prop_assert_eq!(Cursor::foreign().kind, ScimType::InvalidCursor);
        Ok(())
    }

    prop_compose! {
        fn any_cursor()(
            state: u64, passed: u64, count: u64, query: [u8; 16], expires_ms: i64,
        ) -> Cursor {
            Cursor { state, passed, count, query, expires_ms }
        }
    }

    proptest! {
        #[test]
        fn a_9865_5_01_any_text_is_refused(bytes: Vec<u8>, text: String) {
            let (seal, me) = (Seal::new(&[1; 32]), whose(1, 2, 3));
            refused(&seal, &me, &text)?;
            refused(&seal, &me, &BASE64URL_NOPAD.encode(&bytes))?;
            refused(&seal, &me, &String::from_utf8_lossy(&bytes))?;
        }

        /// Seen to fail without the companions.
        #[test]
        fn a_9865_5_01_a_token_is_good_as_it_is_and_to_whom_it_was_given(
            cursor in any_cursor(), at: prop::sample::Index, other: u128,
        ) {
            let (seal, me) = (Seal::new(&[1; 32]), whose(1, 2, 3));
            let token = seal.seal(&me, &cursor).unwrap();
            prop_assert_eq!(seal.open(&me, &token), Ok(cursor));
            // A client that gets a new key goes on.
            prop_assert_eq!(seal.open(&whose(1, 2, other), &token), Ok(cursor));
            prop_assume!(other != 1 && other != 2);
            refused(&seal, &whose(other, 2, 3), &token)?;
            refused(&seal, &whose(1, other, 3), &token)?;
            refused(&seal, &whose(2, 1, 3), &token)?;
            refused(&Seal::new(&[2; 32]), &me, &token)?;
            // Sealed twice, it is never the same.
            prop_assert_ne!(seal.seal(&me, &cursor).unwrap(), token.clone());
            let bytes = BASE64URL_NOPAD.decode(token.as_bytes()).unwrap();
            for bit in 0..8 {
                let mut flipped = bytes.clone();
                flipped[at.index(bytes.len())] ^= 1 << bit;
                refused(&seal, &me, &BASE64URL_NOPAD.encode(&flipped))?;
            }
            let cut = at.index(token.len());
            refused(&seal, &me, &token[..cut])?;
            refused(&seal, &me, &token[cut + 1..])?;
            refused(&seal, &me, &format!("{token}A"))?;
            refused(&seal, &me, &format!("{token}="))?;
            // Another letter at any place, the last one with its spare bits among them.
            for place in [cut, token.len() - 1] {
                for letter in ['A', 'B', 'Q', 'g', 'w', '-', '_', '+', ' ', 'é'] {
                    let mut text: Vec<char> = token.chars().collect();
                    if text[place] != letter {
                        text[place] = letter;
                        refused(&seal, &me, &text.into_iter().collect::<String>())?;
                    }
                }
            }
        }
    }
}
