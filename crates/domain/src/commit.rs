//! A commit: everything one request changed, with who asked and what came before.

use crate::event::Event;
use crate::id::TenantId;
use crate::origin::Origin;
use crate::position::{Hash, Position};
use crate::time::Timestamp;

/// The unit of the log.
#[derive(Clone, PartialEq, Debug)]
pub struct Commit {
    /// Whose log it is in.
    pub tenant: TenantId,
    /// Where in that log.
    pub position: Position,
    /// When; never earlier than the commit before.
    pub at: Timestamp,
    /// The hash of the commit before, zero for the first.
    pub prev: Hash,
    /// Who asked.
    pub origin: Origin,
    /// What happened, in order; at least one event.
    pub events: Vec<Event>,
}

/// The code's fault: a commit that this code cannot have made for this snapshot. Replay stops there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("position {position}: {reason}")]
pub struct Unfit {
    /// The commit.
    pub position: Position,
    /// What does not fit.
    pub reason: String,
}

/// A value that is a function of the commits applied so far and of nothing else.
pub trait Projection: Clone + Default {
    /// Makes `commit` part of the value.
    ///
    /// # Errors
    /// When the commit contradicts those before it; the value is then of no use any more.
    fn apply(&mut self, commit: &Commit) -> Result<(), Unfit>;
}
