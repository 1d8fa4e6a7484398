//! What links one commit to the next: place, hash and time, checked in one function.

use std::io;

use domain::commit::Commit;
use domain::id::TenantId;
use domain::position::{Hash, Head};
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::broken::Broken;
use crate::encode::{self, Header};
use crate::keys::Keys;

/// SHA-256.
pub fn hash(bytes: &[u8]) -> Hash {
    Hash::new(Sha256::digest(bytes).into())
}

/// Opens the commit that follows `head` in the tenant's log, and says where the log ends then.
/// Boot, replay, verification and fixtures all come through here.
///
/// # Errors
/// When the bytes are damaged, or are not the commit that follows: another tenant's, not at the
/// next position, not linked to the commit before, or earlier than it.
pub fn link(
    head: &Head,
    tenant: TenantId,
    bytes: &[u8],
    keys: &impl Keys,
) -> Result<(Commit, Head), Broken> {
    let next = follow(head, tenant, bytes)?;
    Ok((encode::open(bytes, keys)?, next))
}

/// As [`link`], without opening the commit.
pub(crate) fn follow(head: &Head, tenant: TenantId, bytes: &[u8]) -> Result<Head, Broken> {
    let expected = head.next();
    let broken = |reason: String| Broken::commit(tenant, expected, reason);
    let Header { tenant: owner, position, at, prev } =
        encode::header(bytes).map_err(|error| broken(error.to_string()))?;
    if owner != tenant {
        return Err(broken(format!("a commit of tenant {owner} stands in its place")));
    }
    if position != expected {
        return Err(broken(format!("the commit of position {position} stands in its place")));
    }
    if prev != head.hash {
        let (before, prev) = (head.hash.short(), prev.short());
        return Err(broken(format!("it follows hash {prev}, but the commit before has {before}")));
    }
    if at < head.time {
        return Err(broken(format!(
            "its time {at} is before that of the commit before, {}",
            head.time
        )));
    }
    Ok(Head { position: Some(position), hash: hash(bytes), time: at })
}

/// SHA-256 of a value's MessagePack encoding, fields by name: the same for equal values. A field that
/// a later release adds is left out while it has its default, so that what an older release
/// fingerprinted keeps its fingerprint. The encoding is never held in memory.
pub fn fingerprint<T: Serialize>(value: &T) -> Hash {
    let mut hasher = Hasher(Sha256::new());
    let written = value.serialize(&mut rmp_serde::Serializer::new(&mut hasher).with_struct_map());
    #[expect(clippy::expect_used, reason = "only a bug in a type's encoding gets here")]
    written.expect("a value that is fingerprinted can be encoded");
    Hash::new(hasher.0.finalize().into())
}

struct Hasher(Sha256);

impl io::Write for Hasher {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
