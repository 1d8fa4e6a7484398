//! The sealed part of an event: compressed where that pays, then sealed under the person's key and
//! bound to its place, so that it opens nowhere else.

use domain::event::EventKind;
use domain::id::TenantId;
use domain::position::Position;
use zeroize::Zeroizing;

use crate::cipher;
use crate::compress::{compress, decompress};
use crate::keys::PersonKey;
use crate::limits::{COMMIT_BYTES, COMPRESS_BYTES};

/// The first byte of a body before it is sealed: what the rest is.
const RAW: u8 = 0;
const ZSTD: u8 = 1;

/// Where a body stands.
pub(super) struct Place {
    nonce: [u8; 12],
    aad: [u8; 29],
}

impl Place {
    /// The nonce is position and index: unique under a key, which is one person's in one tenant. The
    /// cipher also survives the one case of a repeated one, a turn that is decided anew after a cut.
    pub(super) fn new(tenant: TenantId, position: Position, index: usize, kind: EventKind) -> Self {
        // A commit has far fewer events than 2^32: it is at most 16 MiB.
        Place::at(tenant, position, u32::try_from(index).unwrap_or(u32::MAX), kind.number())
    }

    /// What the origin of a commit holds; no event has this index, and no kind this number.
    pub(super) fn of_origin(tenant: TenantId, position: Position) -> Self {
        Place::at(tenant, position, u32::MAX, 0)
    }

    fn at(tenant: TenantId, position: Position, index: u32, what_is_there: u8) -> Self {
        let mut nonce = [0; 12];
        let (at, after) = nonce.split_at_mut(8);
        at.copy_from_slice(&position.get().to_be_bytes());
        after.copy_from_slice(&index.to_be_bytes());
        let mut aad = [0; 29];
        let (owner, rest) = aad.split_at_mut(16);
        owner.copy_from_slice(tenant.uuid().as_bytes());
        let (place, what) = rest.split_at_mut(12);
        place.copy_from_slice(&nonce);
        what.fill(what_is_there);
        Self { nonce, aad }
    }
}

/// Seals a body; none when it is longer than the cipher allows.
pub(super) fn seal(key: &PersonKey, place: &Place, text: &[u8]) -> Option<Vec<u8>> {
    let plain = Zeroizing::new(match compressed(text) {
        Some(small) => [&[ZSTD], small.as_slice()].concat(),
        None => [&[RAW], text].concat(),
    });
    cipher::seal(key.bytes(), &place.nonce, &place.aad, &plain)
}

/// Opens a body; none when it was not sealed here, under this key, or is damaged.
pub(super) fn open(key: &PersonKey, place: &Place, sealed: &[u8]) -> Option<Vec<u8>> {
    let plain = Zeroizing::new(cipher::open(key.bytes(), &place.nonce, &place.aad, sealed)?);
    match plain.split_first()? {
        (&RAW, text) => Some(text.to_vec()),
        (&ZSTD, small) => decompress(small, COMMIT_BYTES),
        _ => None,
    }
}

fn compressed(text: &[u8]) -> Option<Vec<u8>> {
    if text.len() < COMPRESS_BYTES {
        return None;
    }
    compress(text)
}
