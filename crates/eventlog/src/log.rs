//! What a log is, whichever way it is kept.

use std::fmt;
use std::sync::Arc;

use domain::id::{TenantId, UserId};
use domain::position::{Hash, Position};
use domain::time::Timestamp;

use crate::broken::Broken;
use crate::checkpoint::Checkpoints;
use crate::encode::{self, Sealed};
use crate::histogram::Histogram;
use crate::journal::Journal;
use crate::keys::{Keys, PersonKey};

/// The one way to make commits durable. There is one log per data folder and one owner of it.
pub trait EventLog: Sized + Send + 'static {
    /// What reads this log.
    type Reader: LogReader;

    /// Makes a turn's commits durable, with the keys that come and go with them: all of them or
    /// none. Only when this returns may anybody be told.
    ///
    /// # Errors
    /// When nothing was written, the log comes back in the error and is as good as before. When
    /// it does not come back, what of the turn is on the disk is unknown until the log is opened
    /// anew: there is no log left to write to.
    fn append(self, batch: &[Sealed]) -> Result<Self, AppendError<Self>>;

    /// Something that reads the log, beside and after this.
    fn reader(&self) -> Self::Reader;

    /// Where refusals are noted.
    fn journal(&self) -> Journal;

    /// Where checkpoints of this log are kept, if anywhere.
    fn checkpoints(&self) -> Option<Checkpoints> {
        None
    }

    /// How long each sync of its file takes, in nanoseconds, if it has one.
    fn syncs(&self) -> Option<Arc<Histogram>> {
        None
    }

    /// Ends the log in good order.
    fn close(self) {}
}

/// Reads what a log has made durable, and nothing else. All clones see the same.
pub trait LogReader: Keys + Clone + Send + Sync + 'static {
    /// The exact bytes of a commit; none when the log does not get so far.
    ///
    /// # Errors
    /// When they are damaged.
    fn commit(&self, tenant: TenantId, position: Position) -> Result<Option<Vec<u8>>, Broken>;

    /// Every commit of every tenant, in the order written.
    fn scan(&self) -> impl Iterator<Item = Result<Stored, Broken>> + Send {
        self.scan_from(0)
    }

    /// As [`LogReader::scan`], without the first `frames` frames.
    fn scan_from(&self, frames: u64) -> impl Iterator<Item = Result<Stored, Broken>> + Send;

    /// A tenant's commits in order, both ends included; fewer when the log ends before.
    fn range(
        &self,
        tenant: TenantId,
        from: Position,
        to: Position,
    ) -> impl Iterator<Item = Result<Stored, Broken>> + Send;

    /// Whether the disk is too full to write anything, as of now.
    fn is_short_of_space(&self) -> bool {
        false
    }

    /// How many frames there are.
    fn frames(&self) -> u64;

    /// Every tenant that has a log, with its last commit.
    fn heads(&self) -> Vec<(TenantId, Position, Hash)>;

    /// Every person of a tenant who is not erased, with their key.
    ///
    /// # Errors
    /// When a key is damaged.
    fn persons(&self, tenant: TenantId) -> Result<Vec<(UserId, PersonKey)>, Broken>;
}

/// A commit as it stands in the log.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Stored {
    /// Whose log.
    pub tenant: TenantId,
    /// Where in it.
    pub position: Position,
    /// Its exact bytes.
    pub bytes: Vec<u8>,
}

impl Stored {
    /// When it was made.
    ///
    /// # Errors
    /// When the bytes are no commit.
    pub fn at(&self) -> Result<Timestamp, Broken> {
        Ok(encode::header(&self.bytes)?.at)
    }
}

/// A turn that was not made durable.
pub struct AppendError<L> {
    /// Why not.
    pub cause: AppendFault,
    /// The log, if nothing at all was written.
    pub log: Option<L>,
}

/// Why a turn was not made durable.
#[derive(Debug, thiserror::Error)]
pub enum AppendFault {
    /// The disk is too full to begin. Nothing was written.
    #[error(
        "only {free} bytes are free on the disk of the data folder and {needed} must be; make room \
         and try again"
    )]
    NoSpace {
        /// Bytes that are free.
        free: u64,
        /// Bytes that must be free.
        needed: u64,
    },
    /// A bug: a commit that does not follow the one before. Nothing was written.
    #[error("a commit does not follow the one before: {0}")]
    Misplaced(#[source] Broken),
    /// More at once than a turn may hold. Nothing was written.
    #[error("{bytes} bytes are too many for one turn, which holds {limit}; write less at once")]
    TooLarge {
        /// Bytes of the commits.
        bytes: usize,
        /// Bytes that they may have.
        limit: usize,
    },
    /// A key is there already, or a new one could not be wrapped. Nothing was written.
    #[error("a person's key could not be stored: {0}")]
    Key(#[source] Broken),
    /// The place is taken: something else wrote to this log. Nothing was written.
    #[error("frame {frame} is there already: another program wrote to this log; stop it")]
    Taken {
        /// The frame's number.
        frame: u64,
    },
    /// The disk failed while the turn was written.
    #[error("the disk failed: {reason}; look after it and start again")]
    Disk {
        /// What it said.
        reason: String,
    },
}

impl<L> AppendError<L> {
    pub(crate) fn lost(reason: impl ToString) -> Self {
        Self { cause: AppendFault::Disk { reason: reason.to_string() }, log: None }
    }
}

impl<L> fmt::Debug for AppendError<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AppendError")
            .field("cause", &self.cause)
            .field("log", &self.log.as_ref().map(|_| ".."))
            .finish()
    }
}

impl<L> fmt::Display for AppendError<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.cause.fmt(f)
    }
}

impl<L> std::error::Error for AppendError<L> {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        std::error::Error::source(&self.cause)
    }
}
