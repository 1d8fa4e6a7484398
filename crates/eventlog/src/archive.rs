//! The archive, `acme.rollbook`: one plain file with the exact bytes of every commit of one or
//! several tenants, in the order written. It is the backup, and what an auditor takes home.
//!
//! ```text
//! archive = "rollbook" version header *block end digest
//! version = 2 bytes, 1
//! header  = length MessagePack [created by, [tenant …]]
//! block   = "B" number commits raw stored checksum coded       numbers of 4 bytes, from 0
//! coded   = zstd of commits, each with its length in 4 bytes before it
//! end     = "E" length MessagePack [[[tenant, position, hash] …], commits, blocks]
//! digest  = SHA-256 of everything before
//! ```
//! Numbers are big-endian; a length is 4 bytes, a checksum the first 16 of SHA-256 over the block.

mod read;
mod write;

use std::io;
use std::path::{Path, PathBuf};

use domain::id::TenantId;
use domain::position::{Hash, Position};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::broken::Broken;

pub use read::ArchiveReader;
pub(crate) use write::Draft;
pub use write::write_archive;

const MAGIC: &[u8; 8] = b"rollbook";
const VERSION: u16 = 1;
const BLOCK: u8 = b'B';
const END: u8 = b'E';
/// Bytes of a block's numbers.
const NUMBERS: usize = 16;

/// What an archive holds.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ArchiveSummary {
    /// What wrote it, as in `rollbook 0.1.0`.
    pub created_by: String,
    /// Whose logs, and where each ends.
    pub tenants: Vec<TenantHead>,
    /// Commits in all.
    pub commits: u64,
    /// SHA-256 of everything before the digest: what the keys file beside it names.
    pub digest: Hash,
}

/// Where a tenant's log ends in an archive.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct TenantHead {
    /// Whose log.
    pub tenant: TenantId,
    /// The last commit's position.
    pub position: Position,
    /// The last commit's hash.
    pub hash: Hash,
}

/// Why an archive could not be written or is not trusted.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// The file cannot be used.
    #[error("`{}` could not be read or written: {error}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why not.
        #[source]
        error: io::Error,
    },
    /// The file is there; an archive is never written over another.
    #[error("`{}` is there already; choose another name or move it away", path.display())]
    Exists {
        /// Which.
        path: PathBuf,
    },
    /// The tenant has no log.
    #[error("there is nothing to write: tenant {tenant} has no log")]
    NoLog {
        /// Which.
        tenant: TenantId,
    },
    /// The log that should be written is damaged.
    #[error("the log cannot be archived: {0}")]
    Log(#[source] Broken),
    /// The file is something else.
    #[error("`{}` is not an archive of rollbook", path.display())]
    NotAnArchive {
        /// Which.
        path: PathBuf,
    },
    /// The archive is from a later release.
    #[error("the archive has version {version}, which this release does not know; use a newer one")]
    Version {
        /// Its version.
        version: u16,
    },
    /// The file is not as it was written.
    #[error("the archive is damaged {}: {reason}; use another copy", place(*.after))]
    Damaged {
        /// The last commit before the damage; none: the damage is before the first.
        after: Option<(TenantId, Position)>,
        /// What is wrong.
        reason: String,
    },
    /// The commits are not those of a log.
    #[error("the archive is not to be trusted: {0}; use another copy")]
    Broken(#[source] Broken),
}

fn place(after: Option<(TenantId, Position)>) -> String {
    match after {
        Some((tenant, position)) => format!("after position {position} of tenant {tenant}"),
        None => "before its first commit".to_owned(),
    }
}

fn at(path: &Path) -> impl Fn(io::Error) -> ArchiveError + '_ {
    |error| ArchiveError::File { path: path.to_owned(), error }
}

type Header = (String, Vec<TenantId>);
type End = (Vec<(TenantId, Position, Hash)>, u64, u64);

fn checksum(numbers: &[u8], coded: &[u8]) -> [u8; 16] {
    let digest = Sha256::new().chain_update(numbers).chain_update(coded).finalize();
    let mut checksum = [0; 16];
    checksum.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
    checksum
}
