//! The past: commits as they stand in the log, and tenants as they were.

mod kept;
pub(crate) mod person;
mod readings;
mod turns;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use domain::id::{TenantId, UserId};
use domain::position::Position;
use domain::snapshot::Snapshot;
use domain::time::Timestamp;
use eventlog::{Broken, LogReader, Recipient};

use crate::boot::{StartError, include};
use crate::opened;
use crate::{Recorded, SealedRun, SendError, Shared, When, sealed};

pub use kept::Hold;
pub use readings::PastCounts;
pub(crate) use readings::Readings;

/// Why the past could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// There is no such tenant.
    #[error("there is no such tenant")]
    NoTenant,
    /// The tenant did not exist yet.
    #[error("{asked} is before the tenant's birth: its log begins at {born}")]
    BeforeBirth {
        /// What was asked for.
        asked: Timestamp,
        /// The time of the first commit.
        born: Timestamp,
    },
    /// The position is not reached yet.
    #[error("position {asked} is not reached yet: the log ends at {last}")]
    PositionAhead {
        /// What was asked for.
        asked: Position,
        /// Where the log ends.
        last: Position,
    },
    /// The moment is yet to come.
    #[error("{asked} is yet to come: it is {now}")]
    TimeAhead {
        /// What was asked for.
        asked: Timestamp,
        /// What time it is.
        now: Timestamp,
    },
    /// Too many ask for the past at once, of this tenant or of all.
    #[error("{waiting} others wait for states of the past to be read: try again in a moment")]
    Busy {
        /// How many wait.
        waiting: usize,
    },
    /// The log is damaged.
    #[error(transparent)]
    Damaged(#[from] StartError),
    /// The log cannot be read there.
    #[error(transparent)]
    Broken(#[from] Broken),
}

/// A log's reader, whichever log it is.
pub(crate) trait Past: Send + Sync {
    fn commit(&self, tenant: TenantId, position: Position) -> Result<Option<Recorded>, Broken>;

    /// The tenant at `to`, which its log has reached and which is not before `from`. Each commit
    /// that is read is counted.
    fn fold(
        &self,
        tenant: TenantId,
        from: Snapshot,
        to: Position,
        count: &AtomicU64,
    ) -> Result<Snapshot, ReadError>;

    fn sealed(
        &self,
        tenant: TenantId,
        range: (Position, Position),
        limits: (usize, usize),
        recipient: &Recipient,
    ) -> Result<SealedRun, SendError>;

    /// Whether the disk is too full to write anything, as of now.
    fn is_short_of_space(&self) -> bool {
        false
    }
}

impl<R: LogReader> Past for R {
    fn commit(&self, tenant: TenantId, position: Position) -> Result<Option<Recorded>, Broken> {
        let Some(bytes) = LogReader::commit(self, tenant, position)? else { return Ok(None) };
        let commit = eventlog::open(&bytes, self)?;
        Ok(Some(Recorded { commit, hash: eventlog::hash(&bytes) }))
    }

    fn fold(
        &self,
        tenant: TenantId,
        from: Snapshot,
        to: Position,
        count: &AtomicU64,
    ) -> Result<Snapshot, ReadError> {
        let mut snapshot = from;
        let heads = BTreeMap::from([(tenant, snapshot.head)]);
        let range = self.range(tenant, snapshot.head.next(), to);
        opened::each(self, heads, range, |opened| {
            include(&mut snapshot, &opened)?;
            count.fetch_add(1, Ordering::Relaxed);
            Ok::<_, ReadError>(())
        })?;
        if snapshot.head.position == Some(to) {
            return Ok(snapshot);
        }
        let reason = "it was written and is not there any more".to_owned();
        Err(Broken::Commit { tenant, position: snapshot.head.next(), reason }.into())
    }

    fn sealed(
        &self,
        tenant: TenantId,
        range: (Position, Position),
        limits: (usize, usize),
        recipient: &Recipient,
    ) -> Result<SealedRun, SendError> {
        sealed::sealed(self, tenant, range, limits, recipient)
    }

    fn is_short_of_space(&self) -> bool {
        LogReader::is_short_of_space(self)
    }
}

/// The position that a moment means, and the tenant as it is now.
fn position(
    shared: &Shared,
    tenant: TenantId,
    when: When,
) -> Result<(Position, Arc<Snapshot>), ReadError> {
    let now = shared.world.load().get(tenant).cloned().ok_or(ReadError::NoTenant)?;
    let last = now.head.position.ok_or(ReadError::NoTenant)?;
    let position = match when {
        When::Position(asked) if asked > last => {
            return Err(ReadError::PositionAhead { asked, last });
        }
        When::Position(asked) => asked,
        When::Time(asked) if asked > (shared.clock)().max(now.head.time) => {
            return Err(ReadError::TimeAhead { asked, now: (shared.clock)() });
        }
        When::Time(asked) => match now.trail.at(asked) {
            Some(position) => position,
            None => {
                let born = now.trail.time(Position::FIRST).unwrap_or_default();
                return Err(ReadError::BeforeBirth { asked, born });
            }
        },
    };
    Ok((position, now))
}

pub(crate) fn position_at(
    shared: &Shared,
    tenant: TenantId,
    when: When,
) -> Result<Position, ReadError> {
    position(shared, tenant, when).map(|(position, _)| position)
}

/// Whether `when` means `at`, or meant it while it lasted: as long as the millisecond of a time is
/// not over, more commits may come to be in it.
pub(crate) fn means(
    shared: &Shared,
    tenant: TenantId,
    when: When,
    at: Position,
) -> Result<bool, ReadError> {
    let (position, now) = position(shared, tenant, when)?;
    Ok(position == at
        || match when {
            When::Position(_) => false,
            When::Time(time) => at < position && now.trail.time(at.next()) == Some(time),
        })
}

pub(crate) fn as_of(
    shared: &Shared,
    tenant: TenantId,
    when: When,
) -> Result<Arc<Snapshot>, ReadError> {
    let (position, now) = position(shared, tenant, when)?;
    if now.head.position == Some(position) {
        return Ok(now);
    }
    read(shared, tenant, position, &now)
}

/// The tenant at a position before `now`, kept or read.
fn read(
    shared: &Shared,
    tenant: TenantId,
    position: Position,
    now: &Snapshot,
) -> Result<Arc<Snapshot>, ReadError> {
    let last = now.head.position.unwrap_or(position);
    shared.readings.read(&*shared.past, tenant, (position, last), (shared.clock)())
}

/// See [`Engine::user_as_of`](crate::Engine::user_as_of).
pub(crate) fn user_as_of(
    shared: &Shared,
    tenant: TenantId,
    when: When,
    user: UserId,
) -> Result<Arc<Snapshot>, ReadError> {
    let (position, now) = position(shared, tenant, when)?;
    if now.head.position == Some(position) {
        return Ok(now);
    }
    if let Some(kept) = shared.readings.kept(tenant, position) {
        return Ok(kept);
    }
    let begun = shared.readings.times_forgotten(tenant);
    match person::around(&*shared.past, tenant, &now, position, user) {
        // Whoever was erased meanwhile must not be shown.
        Ok(Some(found)) if shared.readings.times_forgotten(tenant) == begun => Ok(found),
        // Read before an erasure in part and after it in part, it may not fit; as a whole, it does.
        Ok(_) | Err(ReadError::Damaged(StartError::Unfit { .. })) => {
            read(shared, tenant, position, &now)
        }
        Err(error) => Err(error),
    }
}
