//! The one fold: commits in, snapshots out, each commit checked against the one before.

use std::collections::BTreeMap;
use std::sync::Arc;

use domain::id::{TenantId, UserId};
use domain::position::{Head, Position};
use domain::snapshot::Snapshot;
use eventlog::{Broken, Keys, LogReader, PersonKey, Stored};

use crate::boot::{Progress, StartError, advance, include};
use crate::opened;
use crate::world::World;

/// Tenants at the places that the commits so far have brought them to.
#[derive(Default)]
pub struct Fold {
    tenants: BTreeMap<TenantId, Snapshot>,
    read: Progress,
}

impl Fold {
    /// Everything that a log holds, from its first commit on.
    ///
    /// # Errors
    /// When a commit is damaged, missing, or contradicts those before it; the position is named.
    pub fn whole<R: LogReader>(
        reader: &R,
        mut progress: impl FnMut(Progress),
    ) -> Result<Fold, StartError> {
        let mut fold = Fold::default();
        fold.add_all(reader, reader.scan(), &mut progress)?;
        Ok(fold)
    }

    /// What a checkpoint holds, and the rest of the log after it.
    ///
    /// # Errors
    /// As [`Fold::whole`], of the rest.
    pub(crate) fn from<R: LogReader>(
        (tenants, frames): (Vec<(TenantId, Snapshot)>, u64),
        reader: &R,
        mut progress: impl FnMut(Progress),
    ) -> Result<Fold, StartError> {
        let tenants = tenants.into_iter().collect();
        let mut fold = Fold { tenants, read: Progress::default() };
        let heads = fold.heads();
        // A checkpoint may hold some commits of frames that came while it was begun.
        let is_new = |stored: &Stored| {
            let head = heads.get(&stored.tenant).and_then(|head| head.position);
            head.is_none_or(|last| stored.position > last)
        };
        let rest = reader.scan_from(frames);
        let rest = rest.filter(|stored| stored.as_ref().map_or(true, is_new));
        fold.add_all(reader, rest, &mut progress)?;
        Ok(fold)
    }

    fn add_all<R: LogReader>(
        &mut self,
        reader: &R,
        stored: impl Iterator<Item = Result<Stored, Broken>> + Send,
        progress: &mut impl FnMut(Progress),
    ) -> Result<(), StartError> {
        opened::each(reader, self.heads(), stored, |opened| {
            let snapshot = self.tenants.entry(opened.commit.tenant).or_default();
            self.read.events += include(snapshot, &opened)?;
            self.read.commits += 1;
            progress(self.read);
            Ok(())
        })
    }

    fn heads(&self) -> BTreeMap<TenantId, Head> {
        self.tenants.iter().map(|(tenant, snapshot)| (*tenant, snapshot.head)).collect()
    }

    /// Checks one more commit against those before it, and makes it part of its tenant.
    ///
    /// # Errors
    /// When it is damaged, is not the one that follows, or contradicts those before it; the fold is
    /// then of no use any more.
    pub fn add(&mut self, stored: &Stored, keys: &impl Keys) -> Result<(), StartError> {
        let snapshot = self.tenants.entry(stored.tenant).or_default();
        self.read.events += advance(snapshot, stored.tenant, &stored.bytes, keys)?;
        self.read.commits += 1;
        Ok(())
    }

    /// How much was read.
    pub fn read(&self) -> Progress {
        self.read
    }

    /// Where a tenant's log ends so far.
    pub fn head(&self, tenant: TenantId) -> Head {
        self.tenants.get(&tenant).map_or(Head::EMPTY, |snapshot| snapshot.head)
    }

    /// A tenant as the commits so far have made it.
    pub fn get(&self, tenant: TenantId) -> Option<&Snapshot> {
        self.tenants.get(&tenant)
    }

    /// Commits of all tenants together.
    pub fn commits(&self) -> u64 {
        let positions = self.tenants.values().filter_map(|snapshot| snapshot.head.position);
        positions.map(Position::get).sum()
    }

    /// All tenants, as an engine has them.
    pub fn into_world(self) -> World {
        let mut world = World::default();
        for (tenant, snapshot) in self.tenants {
            world.set(tenant, Arc::new(snapshot));
        }
        world
    }
}

/// The key of every person in a log who is not erased, for these tenants: what an archive of them
/// is read with.
///
/// # Errors
/// When a key is damaged.
pub fn keys_of<R: LogReader>(
    reader: &R,
    tenants: &[TenantId],
) -> Result<Vec<(TenantId, UserId, PersonKey)>, Broken> {
    let mut keys = Vec::new();
    for tenant in tenants {
        let persons = reader.persons(*tenant)?;
        keys.extend(persons.into_iter().map(|(user, key)| (*tenant, user, key)));
    }
    Ok(keys)
}
