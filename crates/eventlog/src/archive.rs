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
pub use write::{ArchiveWriter, partial, write_archive};

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::{EventLog, LogReader, Stored};
    use crate::{MemoryLog, Sealed};
    use domain::commit::Commit;
    use domain::event::Event;
    use domain::origin::{Actor, Origin};
    use domain::position::Head;
    use domain::time::Timestamp;

    /// Six commits of one tenant.
    fn commits() -> (TenantId, Vec<Vec<u8>>) {
        let tenant = "00000000-0000-7000-8000-000000000001".parse().unwrap();
        let request = "00000000-0000-7000-8000-000000000002".parse().unwrap();
        let (mut log, mut head) = (MemoryLog::new(), Head::EMPTY);
        for number in 0..6 {
            let commit = Commit {
                tenant,
                position: head.next(),
                at: Timestamp::from_millis(number),
                prev: head.hash,
                origin: Origin {
                    actor: Actor::System,
                    request,
                    source: None,
                    agent: None,
                    claimed: None,
                },
                events: vec![Event::TenantOpened { tenant, slug: format!("acme-{number}") }],
            };
            let sealed: Sealed = crate::seal(&commit, &log.reader()).unwrap();
            head = Head { position: Some(commit.position), hash: sealed.hash, time: commit.at };
            log = log.append(&[sealed]).unwrap();
        }
        let commits = log.reader().scan().map(|stored| stored.unwrap().bytes).collect();
        (tenant, commits)
    }

    /// Writes an archive of these commits whose checksums are all right.
    fn forged(
        commits: &[Vec<u8>],
        tenant: TenantId,
        end: (u64, &[u8]),
    ) -> Result<Vec<Stored>, ArchiveError> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("forged.rollbook");
        let header = ("forger".to_owned(), vec![tenant]);
        let mut writer =
            write::Writer::new(std::fs::File::create(&path).unwrap(), &header).unwrap();
        for commit in commits {
            writer.add(commit).unwrap();
        }
        let (position, last) = (Position::new(end.0).unwrap(), crate::hash(end.1));
        writer.finish(&[TenantHead { tenant, position, hash: last }]).unwrap();
        ArchiveReader::open(&path)?.commits()?.collect()
    }

    /// Seen to fail with `follow` replaced by the position that the commit claims.
    #[test]
    fn a_commit_that_is_missing_moved_or_added_is_refused_with_its_position() {
        let (tenant, good) = commits();
        let end = (6, good[5].as_slice());
        assert_eq!(forged(&good, tenant, end).unwrap().len(), 6);
        let check =
            |what: &str, position: u64, commits: &[Vec<u8>]| match forged(commits, tenant, end) {
                Err(ArchiveError::Broken(broken)) => {
                    assert_eq!(
                        broken.position(),
                        Position::new(position).map(|p| (tenant, p)),
                        "{what}"
                    );
                }
                other => panic!("{what}: {other:?}"),
            };
        let mut missing = good.clone();
        missing.remove(2);
        check("missing", 3, &missing);
        let mut moved = good.clone();
        moved.swap(3, 4);
        check("moved", 4, &moved);
        let mut twice = good.clone();
        twice.insert(4, good[3].clone());
        check("twice", 5, &twice);
        check("the first missing", 1, &good[1..]);
        check("the last missing", 6, &good[..5]);
    }

    /// Seen to fail with the header's tenants not compared in `commit`.
    #[test]
    fn a_commit_of_a_tenant_that_the_header_lacks_is_refused() {
        let (tenant, good) = commits();
        let error = forged(&good, TenantId::SYSTEM, (6, &good[5])).unwrap_err();
        assert!(error.to_string().contains(&format!("tenant {tenant} is not one")), "{error}");
    }
}
