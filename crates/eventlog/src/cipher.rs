//! AES-256-GCM-SIV and randomness: the two things that are only called, never written, here.

use aes_gcm_siv::aead::{Aead, KeyInit, Payload};
use aes_gcm_siv::{Aes256GcmSiv, Key, Nonce};

use crate::broken::Broken;

/// Seals `text`; none when it is longer than the cipher allows.
pub(crate) fn seal(key: &[u8; 32], nonce: &[u8; 12], aad: &[u8], text: &[u8]) -> Option<Vec<u8>> {
    cipher(key).encrypt(&Nonce::from(*nonce), Payload { msg: text, aad }).ok()
}

/// Opens what [`seal`] made with the same key, nonce and companions; else none.
pub(crate) fn open(key: &[u8; 32], nonce: &[u8; 12], aad: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
    cipher(key).decrypt(&Nonce::from(*nonce), Payload { msg: sealed, aad }).ok()
}

/// Fills `bytes` with randomness of the operating system.
pub(crate) fn random(bytes: &mut [u8]) -> Result<(), Broken> {
    getrandom::fill(bytes).map_err(|error| Broken::Store {
        reason: format!("the operating system gives no randomness ({error})"),
    })
}

fn cipher(key: &[u8; 32]) -> Aes256GcmSiv {
    Aes256GcmSiv::new(&Key::<Aes256GcmSiv>::from(*key))
}
