//! A log that is built from another's commits: out of an archive, or off a running server.
//!
//! Each commit is checked against the one before and applied before it is written, and what is in
//! the log already is not written again: whatever cut the copying off, the same steps carry it on.

use std::collections::BTreeMap;

use domain::commit::Commit;
use domain::id::{TenantId, UserId};
use domain::position::{Hash, Head, Position};
use eventlog::{AppendFault, Broken, EventLog, Keys, NoKeys, PersonKey, SealError, Sealed, Stored};

use crate::boot::{Progress, StartError};
use crate::fold::Fold;
use crate::limits::{COPY_BYTES, COPY_COMMITS};

/// A log under construction.
pub struct Copy<L: EventLog> {
    log: Option<L>,
    reader: L::Reader,
    fold: Fold,
    batch: Vec<Sealed>,
    bytes: usize,
    /// Keys that come and go with the batch.
    pending: BTreeMap<(TenantId, UserId), Option<PersonKey>>,
}

/// What became of a commit that was offered to a copy.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Added {
    /// It is part of the copy now.
    New,
    /// It was there.
    Before,
}

/// Why a copy does not go on. What was written before stays, and is sound.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// The copy's own log cannot be read.
    #[error("what was copied before cannot be read")]
    Start(#[source] StartError),
    /// The commit is damaged, or not the one that follows.
    #[error("the source is not to be trusted")]
    Broken(#[from] Broken),
    /// A commit that this code cannot have made.
    #[error("the source contradicts itself")]
    Unfit(#[source] StartError),
    /// Source and copy have different histories.
    #[error(
        "the source and the copy part at position {position} of tenant {tenant}: the source has hash \
         {theirs} there, the copy {ours}"
    )]
    Parted {
        /// Whose log.
        tenant: TenantId,
        /// The last position at which both were looked at; they may have parted before.
        position: Position,
        /// The copy's hash.
        ours: Hash,
        /// The source's hash.
        theirs: Hash,
    },
    /// A commit could not be sealed anew.
    #[error("the commit at position {position} of tenant {tenant} cannot be written")]
    Unwritable {
        /// Whose log.
        tenant: TenantId,
        /// Where.
        position: Position,
        /// Why not.
        #[source]
        error: SealError,
    },
    /// The copy's log takes no more.
    #[error("the copy cannot be written")]
    Append(#[source] AppendFault),
}

impl<L: EventLog> Copy<L> {
    /// Goes on where `log` ends; it may be empty. `progress` is told how far the reading of what is
    /// there already is.
    ///
    /// # Errors
    /// When what is there is damaged.
    pub fn open(log: L, progress: impl FnMut(Progress)) -> Result<Self, CopyError> {
        let reader = log.reader();
        let fold = Fold::whole(&reader, progress).map_err(CopyError::Start)?;
        let (batch, pending) = (Vec::new(), BTreeMap::new());
        Ok(Self { log: Some(log), reader, fold, batch, bytes: 0, pending })
    }

    /// Where a tenant's log ends in the copy, with what waits to be written.
    pub fn head(&self, tenant: TenantId) -> Head {
        self.fold.head(tenant)
    }

    /// The tenants as the copy has them.
    pub fn fold(&self) -> &Fold {
        &self.fold
    }

    /// Reads what was written.
    pub fn reader(&self) -> &L::Reader {
        &self.reader
    }

    /// Takes a commit over, byte for byte. `keys` has the keys of the persons who come to be in it;
    /// who is not among them reads as erased.
    ///
    /// # Errors
    /// When it does not follow what is there, or the disk fails.
    pub fn add(
        &mut self,
        tenant: TenantId,
        bytes: Vec<u8>,
        keys: &impl Keys,
    ) -> Result<Added, CopyError> {
        let head = self.fold.head(tenant);
        let sealed = Sealed::again(bytes, keys)?;
        if sealed.tenant == tenant && head.position.is_some_and(|last| sealed.position <= last) {
            if head.position == Some(sealed.position) && head.hash != sealed.hash {
                let (ours, theirs) = (head.hash, sealed.hash);
                let position = sealed.position;
                return Err(CopyError::Parted { tenant, position, ours, theirs });
            }
            return Ok(Added::Before);
        }
        self.take(tenant, sealed)?;
        Ok(Added::New)
    }

    /// Writes a commit of our own making, linked to where the tenant's log ends. Persons who come
    /// to be in it get fresh keys.
    ///
    /// # Errors
    /// When it cannot follow what is there, or the disk fails.
    pub fn write(&mut self, mut commit: Commit) -> Result<(), CopyError> {
        let head = self.fold.head(commit.tenant);
        (commit.position, commit.prev) = (head.next(), head.hash);
        let (tenant, position) = (commit.tenant, commit.position);
        let sealed = eventlog::seal(&commit, &self.known())
            .map_err(|error| CopyError::Unwritable { tenant, position, error })?;
        self.take(tenant, sealed)
    }

    /// Makes durable what waits to be written.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn flush(&mut self) -> Result<(), CopyError> {
        if self.batch.is_empty() {
            return Ok(());
        }
        let gone = || AppendFault::Disk { reason: "it failed before".to_owned() };
        let log = self.log.take().ok_or_else(|| CopyError::Append(gone()))?;
        self.log = Some(log.append(&self.batch).map_err(|failed| CopyError::Append(failed.cause))?);
        self.batch.clear();
        self.pending.clear();
        self.bytes = 0;
        Ok(())
    }

    /// Writes what waits, closes the log, and tells what it holds.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn finish(mut self) -> Result<Fold, CopyError> {
        self.flush()?;
        if let Some(log) = self.log.take() {
            log.close();
        }
        Ok(self.fold)
    }

    fn take(&mut self, tenant: TenantId, sealed: Sealed) -> Result<(), CopyError> {
        for (user, key) in &sealed.new_keys {
            self.pending.insert((tenant, *user), Some(key.clone()));
        }
        for user in &sealed.dropped_keys {
            self.pending.insert((tenant, *user), None);
        }
        let position = sealed.position;
        let stored = Stored { tenant, position, bytes: sealed.bytes.clone() };
        let head = self.fold.head(tenant);
        let known = Known { pending: &self.pending, reader: &self.reader };
        self.fold.add(&stored, &known).map_err(|error| match error {
            StartError::Broken(broken) => {
                parted(tenant, &head, &stored.bytes).unwrap_or(CopyError::Broken(broken))
            }
            StartError::Unfit { .. } | StartError::Thread(_) => CopyError::Unfit(error),
        })?;
        self.bytes += sealed.bytes.len();
        self.batch.push(sealed);
        if self.batch.len() >= COPY_COMMITS || self.bytes >= COPY_BYTES {
            self.flush()?;
        }
        Ok(())
    }

    fn known(&self) -> Known<'_, L::Reader> {
        Known { pending: &self.pending, reader: &self.reader }
    }
}

/// Whether a commit is the next of another history.
fn parted(tenant: TenantId, head: &Head, bytes: &[u8]) -> Option<CopyError> {
    let commit = eventlog::open(bytes, &NoKeys).ok()?;
    let position = head.position?;
    let follows = commit.tenant == tenant && commit.position == head.next();
    (follows && commit.prev != head.hash).then_some(CopyError::Parted {
        tenant,
        position,
        ours: head.hash,
        theirs: commit.prev,
    })
}

/// The keys of a copy: those that wait to be written, then those that are.
struct Known<'a, R> {
    pending: &'a BTreeMap<(TenantId, UserId), Option<PersonKey>>,
    reader: &'a R,
}

impl<R: Keys> Keys for Known<'_, R> {
    fn person(&self, tenant: TenantId, user: UserId) -> Result<Option<PersonKey>, Broken> {
        match self.pending.get(&(tenant, user)) {
            Some(key) => Ok(key.clone()),
            None => self.reader.person(tenant, user),
        }
    }

    fn fresh(&self, tenant: TenantId, user: UserId) -> Result<PersonKey, Broken> {
        self.reader.fresh(tenant, user)
    }
}
