//! A tenant at one position: where the log ends, what it holds, and what touched what.

mod parts;

use crate::commit::{Commit, Projection, Unfit};
use crate::directory::Directory;
use crate::position::{Hash, Head};
use crate::trail::Trail;

pub use parts::{NoWhole, Part, PartOf, Rest, form};
pub(crate) use parts::{dense, entries, filling};

/// A tenant at one position; it never changes. The past is just another one.
#[derive(Clone, PartialEq, Debug)]
pub struct Snapshot {
    /// Where the log ended.
    pub head: Head,
    /// What the tenant held.
    pub directory: Directory,
    /// Which commits touched what.
    pub trail: Trail,
}

impl Default for Snapshot {
    /// Before the first commit.
    fn default() -> Self {
        Self { head: Head::EMPTY, directory: Directory::default(), trail: Trail::default() }
    }
}

impl Snapshot {
    /// The snapshot after `commit`, whose bytes have this hash. That the commit follows on this
    /// head has been checked where its bytes were opened.
    ///
    /// # Errors
    /// When the commit contradicts those before it; the snapshot is then of no use any more.
    pub fn advance(&mut self, commit: &Commit, hash: Hash) -> Result<(), Unfit> {
        if commit.position != self.head.next() || commit.prev != self.head.hash {
            let reason = format!("does not follow on position {:?}", self.head.position);
            return Err(Unfit { position: commit.position, reason });
        }
        self.directory.apply(commit)?;
        self.trail.apply(commit)?;
        self.head = Head { position: Some(commit.position), hash, time: commit.at };
        Ok(())
    }
}
