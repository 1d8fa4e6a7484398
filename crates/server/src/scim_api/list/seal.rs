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
