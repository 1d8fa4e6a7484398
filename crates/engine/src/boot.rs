//! One step of the fold, and why an engine may not start.

use domain::commit::Unfit;
use domain::id::TenantId;
use domain::snapshot::Snapshot;
use eventlog::Broken;

use crate::opened::Opened;

/// How far the reading of a log is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Commits read so far.
    pub commits: u64,
    /// Events read so far.
    pub events: u64,
}

/// Why an engine did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The disk's fault.
    #[error(
        "the log is damaged: {0}; restore the data folder from an archive with `rollbook replay`"
    )]
    Broken(#[from] Broken),
    /// The code's fault.
    #[error(
        "the log of tenant {tenant} contradicts itself at {unfit}; this release cannot have written it"
    )]
    Unfit {
        /// Whose log.
        tenant: TenantId,
        /// Where, and what.
        unfit: Unfit,
    },
    /// The operating system gave no thread.
    #[error("the writer's thread could not be started")]
    Thread(#[source] std::io::Error),
}

/// Checks one commit's bytes against the snapshot's head and makes them part of it. Answers how many events it had.
pub(crate) fn advance(
    snapshot: &mut Snapshot,
    tenant: TenantId,
    bytes: &[u8],
    keys: &impl eventlog::Keys,
) -> Result<u64, StartError> {
    let (commit, head) = eventlog::link(&snapshot.head, tenant, bytes, keys)?;
    include(snapshot, &Opened { commit, hash: head.hash })
}

/// Makes a commit that follows part of the snapshot. Boot, as-of reads, replay, fixtures and verification all come through here.
/// Answers how many events it had.
pub(crate) fn include(snapshot: &mut Snapshot, opened: &Opened) -> Result<u64, StartError> {
    let Opened { commit, hash } = opened;
    let unfit = |unfit| StartError::Unfit { tenant: commit.tenant, unfit };
    snapshot.advance(commit, *hash).map_err(unfit)?;
    Ok(commit.events.len() as u64)
}
