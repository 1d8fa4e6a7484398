//! The disk's fault: bytes that are not what was written.

use domain::id::{TenantId, UserId};
use domain::position::Position;

/// The disk's fault: the log holds something that this program cannot have written there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// A commit is not what was written, or does not follow the one before.
    #[error("tenant {tenant}, position {position}: {reason}")]
    Commit {
        /// Whose log.
        tenant: TenantId,
        /// Where in it.
        position: Position,
        /// What is wrong.
        reason: String,
    },
    /// Bytes that do not even say whose commit they are.
    #[error("bytes that are no commit: {reason}")]
    Bytes {
        /// What is wrong.
        reason: String,
    },
    /// A frame, the unit in which the store keeps commits, is damaged or gone.
    #[error("frame {frame} of the log{}: {reason}", after(*.tenant, *.position))]
    Frame {
        /// Its number.
        frame: u64,
        /// The tenant of the last commit that is known to be good.
        tenant: Option<TenantId>,
        /// That commit's position.
        position: Option<Position>,
        /// What is wrong.
        reason: String,
    },
    /// A person's key is damaged or gone, without the person having been erased.
    #[error("tenant {tenant}, key of user {user}: {reason}")]
    Key {
        /// Whose log.
        tenant: TenantId,
        /// Whose key.
        user: UserId,
        /// What is wrong.
        reason: String,
    },
    /// The store could not be read at all.
    #[error("the log's store could not be read: {reason}")]
    Store {
        /// What it said.
        reason: String,
    },
}

fn after(tenant: Option<TenantId>, position: Option<Position>) -> String {
    match (tenant, position) {
        (Some(tenant), Some(position)) => {
            format!(" (after tenant {tenant}, position {position})")
        }
        _ => String::new(),
    }
}

impl Broken {
    pub(crate) fn commit(tenant: TenantId, position: Position, reason: impl ToString) -> Self {
        Broken::Commit { tenant, position, reason: reason.to_string() }
    }

    pub(crate) fn frame(frame: u64, reason: impl ToString) -> Self {
        Broken::Frame { frame, tenant: None, position: None, reason: reason.to_string() }
    }

    /// The commit that is meant, where one is known.
    pub fn position(&self) -> Option<(TenantId, Position)> {
        match self {
            Broken::Commit { tenant, position, .. } => Some((*tenant, *position)),
            Broken::Frame { tenant, position, .. } => (*tenant).zip(*position),
            Broken::Bytes { .. } | Broken::Key { .. } | Broken::Store { .. } => None,
        }
    }
}
