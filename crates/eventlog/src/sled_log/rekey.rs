//! Another master key: every person's key wrapped anew, in a fresh store.
//!
//! A store that was written to keeps what was overwritten in pages that are free but not empty, so
//! a key that was destroyed may still stand there, wrapped. Under a master key that exists no more it
//! is noise, wherever it stands: in those pages, in copies of the folder, in the disk's own.

use std::path::Path;

use domain::id::{TenantId, UserId};

use super::{Check, KEY, OpenError, Options, SledLog, frame_key, guard, next, person, person_key};
use crate::broken::Broken;
use crate::checkpoint;
use crate::folder::{MASTER_KEY, at};
use crate::keys::{self, Record};
use crate::log::{EventLog, LogReader};
use crate::master::{MasterKey, MasterKeyError};
use crate::swap::{self, OldKey};

/// Frames that are written at once.
const FRAMES_AT_ONCE: u64 = 256;

/// Where the new master key comes from.
#[derive(Debug)]
pub enum NewKey {
    /// It is made, and takes the place of `master.key` in the data folder.
    Made,
    /// It is kept elsewhere.
    Given(MasterKey),
}

/// What a new master key was given to.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Rekeyed {
    /// Persons whose key was wrapped anew.
    pub persons: u64,
    /// Persons who are erased, and stay so.
    pub erased: u64,
    /// Frames of the log, taken over byte for byte.
    pub frames: u64,
    /// Whether the old `master.key` in the data folder was written over and removed.
    pub key_removed: bool,
}

/// Why the master key could not be changed. The data folder is as it was.
#[derive(Debug, thiserror::Error)]
pub enum RekeyError {
    /// The log does not open, old or new.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// There is no new key.
    #[error(transparent)]
    Key(#[from] MasterKeyError),
    /// The new key is the old one.
    #[error("the new master key is the old one: give another")]
    Same,
    /// The new store does not say what the old one says.
    #[error("the new store differs from the old one ({reason}); it was thrown away")]
    Differs {
        /// In what.
        reason: String,
    },
}

impl From<Broken> for RekeyError {
    fn from(broken: Broken) -> Self {
        Self::Open(broken.into())
    }
}

impl SledLog {
    /// Gives a data folder that nobody has open another master key. Whatever cuts it off, the folder
    /// is either as it was or as it shall be: the next who opens it sees to that. It takes as much
    /// room again as the log has, for a while.
    ///
    /// # Errors
    /// See [`RekeyError`].
    pub fn rekey(
        dir: &Path,
        old: MasterKey,
        new: NewKey,
        options: Options,
        mut progress: impl FnMut(u64, u64),
    ) -> Result<Rekeyed, RekeyError> {
        let own_key = dir.join(MASTER_KEY);
        let is_own = MasterKey::from_file(&own_key).is_ok_and(|key| key.is(&old));
        let options = Options { check: Check::Whole, ..options };
        let log = SledLog::open_with(dir, old.clone(), options, |_| {})?;
        // It would open with the old key still, and is made anew.
        let checkpoint = log.store.folder.checkpoint();
        checkpoint::remove(&checkpoint).map_err(at(&checkpoint))?;
        let building = swap::building(dir);
        let (new, fate) = match new {
            NewKey::Made => (MasterKey::load_or_create(&building)?.0, OldKey::Replaced),
            NewKey::Given(key) if is_own => (key, OldKey::Removed),
            NewKey::Given(key) => (key, OldKey::Untouched),
        };
        if new.is(&old) {
            return Err(RekeyError::Same);
        }
        let new_options = Options { ballast_bytes: 0, ..options };
        let copy = SledLog::open_with(&building, new.clone(), new_options, |_| {})?;
        let mut done = log.write_again(&copy, &mut progress)?;
        drop(copy);
        // What is believed of the new store is what it says when it is opened.
        let copy = SledLog::open_with(&building, new, new_options, |_| {})?;
        log.check_same(&copy)?;
        drop(copy);
        swap::mark(dir, fate).map_err(at(dir))?;
        done.key_removed = is_own;
        // Nobody can open the folder in between without carrying out the swap first.
        drop(log);
        crate::folder::Folder::take(dir)?;
        Ok(done)
    }

    fn write_again(
        &self,
        copy: &SledLog,
        progress: &mut impl FnMut(u64, u64),
    ) -> Result<Rekeyed, RekeyError> {
        let failed = |reason: String| RekeyError::from(Broken::Store { reason });
        let mut done = Rekeyed { frames: self.tip.frames, ..Rekeyed::default() };
        let mut batch = sled::Batch::default();
        for number in 1..=self.tip.frames {
            let frame = self.store.get(&frame_key(number))?;
            let frame = frame.ok_or_else(|| failed(format!("frame {number} is gone")))?;
            batch.insert(frame_key(number), frame);
            if number % FRAMES_AT_ONCE == 0 || number == self.tip.frames {
                let full = std::mem::take(&mut batch);
                guard(|| copy.store.db.apply_batch(full)).map_err(failed)?;
                copy.store.flush().map_err(failed)?;
                progress(number, self.tip.frames);
            }
        }
        let mut records = self.store.db.scan_prefix(KEY);
        while let Some((place, record)) = next(&mut records)? {
            let (tenant, user) = person(&place)?;
            let record = self.wrap_again(copy, tenant, user, &record, &mut done)?;
            guard(|| copy.store.db.insert(person_key(tenant, user), record)).map_err(failed)?;
        }
        self.journal.copy_into(&copy.journal).map_err(OpenError::from)?;
        copy.store.flush().map_err(failed)?;
        copy.store.folder.sync()?;
        Ok(done)
    }

    fn wrap_again(
        &self,
        copy: &SledLog,
        tenant: TenantId,
        user: UserId,
        record: &[u8],
        done: &mut Rekeyed,
    ) -> Result<Vec<u8>, Broken> {
        match keys::unwrap(self.reader.master(), tenant, user, Some(record))? {
            Record::Key(key) => {
                done.persons += 1;
                keys::wrap(copy.reader.master(), tenant, user, &key)
            }
            Record::Erased => {
                done.erased += 1;
                Ok(keys::tombstone())
            }
        }
    }

    /// That the other one ends where this does, and has the same keys.
    fn check_same(&self, other: &SledLog) -> Result<(), RekeyError> {
        let differs = |reason: &str| RekeyError::Differs { reason: reason.to_owned() };
        if self.tip != other.tip || self.reader.heads() != other.reader.heads() {
            return Err(differs("its log ends elsewhere"));
        }
        let tenants = self.reader.heads().into_iter().map(|(tenant, ..)| tenant);
        for tenant in tenants {
            if self.reader().persons(tenant)? != other.reader().persons(tenant)? {
                return Err(differs("it has other keys of persons"));
            }
        }
        Ok(())
    }
}
