//! Commits for a copy of a log: their exact bytes, and the keys of the persons who come to be in them.

use domain::id::TenantId;
use domain::position::{Hash, Position};
use eventlog::{Broken, KeysError, LogReader, Recipient, Sealed};

use crate::Engine;

/// Commits for a copy, in order.
#[derive(Debug)]
pub struct SealedRun {
    /// The commits.
    pub commits: Vec<SealedCommit>,
    /// The keys of those persons who come to be in these commits and are not erased, encrypted to the
    /// recipient, belonging to the last commit's hash; none: nobody comes to be.
    pub keys: Option<Vec<u8>>,
}

/// A commit for a copy.
#[derive(Debug)]
pub struct SealedCommit {
    /// Where it stands.
    pub position: Position,
    /// SHA-256 of the bytes.
    pub hash: Hash,
    /// The exact bytes that the log holds.
    pub bytes: Vec<u8>,
}

/// Why nothing could be sent.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// The log, or a person's key, is damaged.
    #[error(transparent)]
    Broken(#[from] Broken),
    /// The keys could not be encrypted.
    #[error("the keys could not be encrypted: {0}")]
    Keys(#[from] KeysError),
}

impl Engine {
    /// The commits from `from` to `to`, both ends included, as far as they are published: `most` at
    /// most, and no more once they have `bytes` bytes; the first is there in any case. Reads the log:
    /// call it where blocking is allowed.
    ///
    /// # Errors
    /// When the log or a key is damaged.
    pub fn sealed(
        &self,
        tenant: TenantId,
        (from, to): (Position, Position),
        (most, bytes): (usize, usize),
        recipient: &Recipient,
    ) -> Result<SealedRun, SendError> {
        let last = self.now(tenant).and_then(|snapshot| snapshot.head.position);
        match last {
            Some(last) if from <= last => {
                let range = (from, to.min(last));
                self.shared.past.sealed(tenant, range, (most, bytes), recipient)
            }
            _ => Ok(SealedRun { commits: Vec::new(), keys: None }),
        }
    }
}

pub(crate) fn sealed(
    reader: &impl LogReader,
    tenant: TenantId,
    (from, to): (Position, Position),
    (most, bytes): (usize, usize),
    recipient: &Recipient,
) -> Result<SealedRun, SendError> {
    let (mut commits, mut keys, mut size) = (Vec::new(), Vec::new(), 0_usize);
    for stored in reader.range(tenant, from, to).take(most) {
        let bytes_now = stored?.bytes;
        size += bytes_now.len();
        if size > bytes && !commits.is_empty() {
            break;
        }
        let Sealed { position, hash, bytes, new_keys, .. } = Sealed::again(bytes_now, reader)?;
        keys.extend(new_keys.into_iter().map(|(user, key)| (tenant, user, key)));
        commits.push(SealedCommit { position, hash, bytes });
    }
    let keys = match commits.last() {
        Some(last) if !keys.is_empty() => Some(eventlog::seal_keys(last.hash, keys, recipient)?),
        _ => None,
    };
    Ok(SealedRun { commits, keys })
}
