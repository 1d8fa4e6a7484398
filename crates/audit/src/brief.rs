//! Moments and commits in brief: what is said beside an answer, of when it was so and who made it so.

use std::fmt;
use std::sync::Arc;

use domain::id::{RequestId, TenantId};
use domain::position::{Hash, Position};
use domain::snapshot::Snapshot;
use domain::time::Timestamp;
use engine::{Engine, Recorded, World};
use serde::{Deserialize, Serialize};

use crate::ask::AskError;
use crate::entry::Named;

/// A place in a tenant's log, with what proves it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Moment {
    /// The place: right after the commit there.
    pub position: Position,
    /// When that commit was made.
    pub at: Timestamp,
    /// SHA-256 of its bytes.
    pub hash: Hash,
}

impl Moment {
    /// Where a snapshot's log ends; none while it is empty.
    pub fn of(snapshot: &Snapshot) -> Option<Moment> {
        let head = &snapshot.head;
        Some(Moment { position: head.position?, at: head.time, hash: head.hash })
    }
}

/// A commit in brief: where it stands, when it was made and by whom.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Brief {
    /// Its place in the tenant's log.
    pub position: Position,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub actor: Named,
    /// Which of the connector's credentials was shown.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub credential: Option<Named>,
    /// The request; commits of one request share it.
    pub request: RequestId,
}

impl fmt::Display for Brief {
    /// As in `at position 30, 2026-03-02T08:00:00.000Z, by connector okta`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at position {}, {}, by {}", self.position, self.at, self.actor)
    }
}

/// A tenant's log with what is needed to tell of its commits.
pub(crate) struct Log<'a> {
    engine: &'a Engine,
    pub(crate) tenant: TenantId,
    world: Arc<World>,
    /// The tenant as it is now.
    pub(crate) now: Arc<Snapshot>,
}

impl<'a> Log<'a> {
    pub(crate) fn open(engine: &'a Engine, tenant: TenantId) -> Result<Self, AskError> {
        let world = engine.world();
        let now = world.get(tenant).cloned().ok_or(AskError::NoTenant)?;
        Ok(Self { engine, tenant, world, now })
    }

    /// The commit at a position that the trail named.
    pub(crate) fn commit(&self, position: Position) -> Result<Recorded, AskError> {
        self.engine.commit(self.tenant, position)?.ok_or(AskError::NoTenant)
    }

    /// The same in brief.
    pub(crate) fn brief(&self, position: Position) -> Result<Brief, AskError> {
        Ok(self.brief_of(&self.commit(position)?))
    }

    pub(crate) fn brief_of(&self, Recorded { commit, .. }: &Recorded) -> Brief {
        let directory = &self.now.directory;
        let system = self.world.system().map(|system| &system.directory);
        Brief {
            position: commit.position,
            at: commit.at,
            actor: Named::actor(commit.origin.actor, directory, system),
            credential: Named::credential(commit.origin.actor, directory),
            request: commit.origin.request,
        }
    }
}
