//! From a log to a world: every commit read, checked against the one before, and applied.

use std::collections::BTreeMap;
use std::sync::Arc;

use domain::commit::Unfit;
use domain::id::TenantId;
use domain::snapshot::Snapshot;
use eventlog::{Broken, LogReader};

use crate::world::World;

/// How far the reading of a log is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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

/// Every tenant at the end of its log.
pub(crate) fn replay<R: LogReader>(
    reader: &R,
    mut progress: impl FnMut(Progress),
) -> Result<World, StartError> {
    let mut tenants: BTreeMap<TenantId, Snapshot> = BTreeMap::new();
    let mut read = Progress { commits: 0, events: 0 };
    for stored in reader.scan() {
        let stored = stored?;
        let snapshot = tenants.entry(stored.tenant).or_default();
        read.events += advance(snapshot, stored.tenant, &stored.bytes, reader)?;
        read.commits += 1;
        progress(read);
    }
    let mut world = World::default();
    for (tenant, snapshot) in tenants {
        world.set(tenant, Arc::new(snapshot));
    }
    Ok(world)
}

/// Checks one commit's bytes against the snapshot's head and makes them part of it. Boot, as-of
/// reads, replay, fixtures and verification all come through here. Answers how many events it had.
pub(crate) fn advance(
    snapshot: &mut Snapshot,
    tenant: TenantId,
    bytes: &[u8],
    keys: &impl eventlog::Keys,
) -> Result<u64, StartError> {
    let (commit, head) = eventlog::link(&snapshot.head, tenant, bytes, keys)?;
    snapshot.advance(&commit, head.hash).map_err(|unfit| StartError::Unfit { tenant, unfit })?;
    Ok(commit.events.len() as u64)
}
