//! The past: commits as they stand in the log, and tenants as they were.

use std::sync::Arc;

use domain::id::TenantId;
use domain::position::Position;
use domain::snapshot::Snapshot;
use domain::time::Timestamp;
use eventlog::{Broken, LogReader, Recipient};

use crate::boot::{StartError, advance};
use crate::{Recorded, SealedRun, SendError, Shared, limits, sealed};

/// A moment in a tenant's past.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum When {
    /// Right after the commit at this position.
    Position(Position),
    /// At this time: right after the last commit that is not later.
    Time(Timestamp),
}

impl std::str::FromStr for When {
    type Err = domain::time::NotATime;

    /// A position (digits only), or a time.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.parse() {
            Ok(position) => Ok(When::Position(position)),
            Err(_) => text.parse().map(When::Time),
        }
    }
}

/// Why the past could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// There is no such tenant.
    #[error("there is no such tenant")]
    NoTenant,
    /// The tenant did not exist yet.
    #[error("the tenant did not exist yet: its log begins at {0}")]
    BeforeBirth(Timestamp),
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
    /// Too many ask for the past at once.
    #[error(
        "{} questions about the past are being answered already: try again in a moment",
        limits::AS_OF_AT_ONCE
    )]
    Busy,
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
    fn fold(&self, tenant: TenantId, to: Position) -> Result<Snapshot, ReadError>;
    fn sealed(
        &self,
        tenant: TenantId,
        range: (Position, Position),
        limits: (usize, usize),
        recipient: &Recipient,
    ) -> Result<SealedRun, SendError>;
}

impl<R: LogReader> Past for R {
    fn commit(&self, tenant: TenantId, position: Position) -> Result<Option<Recorded>, Broken> {
        let Some(bytes) = LogReader::commit(self, tenant, position)? else { return Ok(None) };
        let commit = eventlog::open(&bytes, self)?;
        Ok(Some(Recorded { commit, hash: eventlog::hash(&bytes) }))
    }

    fn fold(&self, tenant: TenantId, to: Position) -> Result<Snapshot, ReadError> {
        let mut snapshot = Snapshot::default();
        for stored in self.range(tenant, Position::FIRST, to) {
            advance(&mut snapshot, tenant, &stored?.bytes, self)?;
        }
        Ok(snapshot)
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
        When::Time(time) => match now.trail.at(time) {
            Some(position) => position,
            None => {
                let birth = now.directory.tenant.as_ref().map(|tenant| tenant.opened.at);
                return Err(ReadError::BeforeBirth(birth.unwrap_or_default()));
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

pub(crate) fn as_of(
    shared: &Shared,
    tenant: TenantId,
    when: When,
) -> Result<Arc<Snapshot>, ReadError> {
    let (position, now) = position(shared, tenant, when)?;
    if now.head.position == Some(position) {
        return Ok(now);
    }
    let _permit = shared.as_of.try_acquire().map_err(|_| ReadError::Busy)?;
    shared.past.fold(tenant, position).map(Arc::new)
}
