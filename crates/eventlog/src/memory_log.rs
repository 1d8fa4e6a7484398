//! A log in memory, with the same frames, checks and errors as the one on disk, and with faults on
//! demand: for tests and simulation.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use domain::id::{TenantId, UserId};

use crate::broken::Broken;
use crate::encode::Sealed;
use crate::frame::Tip;
use crate::journal::{Journal, Place, Refusals};
use crate::keys;
use crate::log::{AppendError, AppendFault, EventLog};
use crate::master::MasterKey;
use crate::reader::{Fresh, Reader, Store, survey};
use crate::turn::Turn;

/// What happens to an append instead of what should.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    /// The disk is too full to begin: nothing is written and the log comes back.
    NoSpace,
    /// The power is cut before the turn is on the disk: the log is lost, and the turn too.
    CutBefore,
    /// The power is cut when the turn is on the disk, but nobody was told: the log is lost, the turn
    /// is there when it is opened anew.
    CutAfter,
}

/// A disk in memory: what of a log survives it. All clones are the same disk.
#[derive(Clone, Default)]
pub struct MemoryDisk {
    content: Arc<Mutex<Content>>,
    seed: u64,
}

#[derive(Default)]
struct Content {
    frames: Vec<Vec<u8>>,
    keys: BTreeMap<(TenantId, UserId), Vec<u8>>,
    refusals: BTreeMap<Place, Vec<u8>>,
    appends: u64,
    faults: BTreeMap<u64, Fault>,
}

/// A log on a [`MemoryDisk`].
pub struct MemoryLog {
    disk: MemoryDisk,
    reader: Reader,
    journal: Journal,
    tip: Tip,
}

impl MemoryDisk {
    /// An empty disk, on which persons' keys follow from `seed` and themselves: the same commands
    /// make the same bytes.
    pub fn seeded(seed: u64) -> Self {
        Self { seed, ..Self::default() }
    }

    /// Opens the log on this disk, as it was left.
    ///
    /// # Errors
    /// When it is damaged.
    pub fn open(&self) -> Result<MemoryLog, Broken> {
        let master = MasterKey::new([7; 32]);
        let last = self.content().frames.len() as u64;
        let found = survey(self, Default::default(), last, |_, _| {})?;
        for ((tenant, user), record) in &self.content().keys {
            keys::check(*tenant, *user, record)?;
        }
        let fresh = Fresh::Seeded(self.seed);
        let store = Arc::new(self.clone());
        let reader =
            Reader::new(store, master.clone(), fresh, found.index, (found.tip, found.latest));
        let journal = Journal::open(Box::new(self.clone()), master)
            .map_err(|error| Broken::Store { reason: error.to_string() })?;
        Ok(MemoryLog { disk: self.clone(), reader, journal, tip: found.tip })
    }

    /// Lets the append after `appends` more go wrong.
    pub fn fail_after(&self, appends: u64, fault: Fault) {
        let mut content = self.content();
        let when = content.appends + appends;
        content.faults.insert(when, fault);
    }

    /// Flips a bit of everything that is on the disk, counted from its first byte; none where the
    /// disk ends before. To flip it back, flip it again.
    pub fn flip(&self, bit: usize) -> Option<()> {
        let mut content = self.content();
        let Content { frames, keys, .. } = &mut *content;
        let byte = frames.iter_mut().chain(keys.values_mut()).flatten().nth(bit / 8)?;
        *byte ^= 1 << (bit % 8);
        Some(())
    }

    /// Bytes on the disk.
    pub fn size(&self) -> usize {
        let content = self.content();
        content.frames.iter().chain(content.keys.values()).map(Vec::len).sum()
    }

    fn content(&self) -> MutexGuard<'_, Content> {
        self.content.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl MemoryLog {
    /// A log on a new disk.
    pub fn new() -> Self {
        let opened = MemoryDisk::default().open();
        #[expect(clippy::expect_used, reason = "there is nothing on a new disk to be damaged")]
        opened.expect("an empty log opens")
    }

    /// The disk that the log is on.
    pub fn disk(&self) -> &MemoryDisk {
        &self.disk
    }
}

impl Default for MemoryLog {
    fn default() -> Self {
        Self::new()
    }
}

impl EventLog for MemoryLog {
    type Reader = Reader;

    fn append(mut self, batch: &[Sealed]) -> Result<Self, AppendError<Self>> {
        let turn = match Turn::new(&self.reader, self.tip, batch) {
            Ok(turn) => turn,
            Err(cause) => return Err(AppendError { cause, log: Some(self) }),
        };
        let mut content = self.disk.content();
        let append = content.appends;
        content.appends += 1;
        let fault = content.faults.remove(&append);
        match fault {
            Some(Fault::NoSpace) => {
                drop(content);
                let cause = AppendFault::NoSpace { free: 0, needed: 1 };
                return Err(AppendError { cause, log: Some(self) });
            }
            Some(Fault::CutBefore) => return Err(AppendError::lost("the power was cut")),
            Some(Fault::CutAfter) | None => {}
        }
        if content.frames.len() as u64 != self.tip.frames {
            let frame = self.tip.frames + 1;
            drop(content);
            return Err(AppendError { cause: AppendFault::Taken { frame }, log: Some(self) });
        }
        content.frames.extend(turn.frames);
        content.keys.extend(turn.keys);
        drop(content);
        if fault == Some(Fault::CutAfter) {
            return Err(AppendError::lost("the power was cut"));
        }
        self.tip = turn.tip;
        self.reader.publish(&turn.commits, turn.tip);
        Ok(self)
    }

    fn reader(&self) -> Reader {
        self.reader.clone()
    }

    fn journal(&self) -> Journal {
        self.journal.clone()
    }
}

impl Store for MemoryDisk {
    fn frame(&self, number: u64) -> Result<Option<Vec<u8>>, Broken> {
        let index = usize::try_from(number - 1).unwrap_or(usize::MAX);
        Ok(self.content().frames.get(index).cloned())
    }

    fn key(&self, tenant: TenantId, user: UserId) -> Result<Option<Vec<u8>>, Broken> {
        Ok(self.content().keys.get(&(tenant, user)).cloned())
    }

    fn keys(&self, tenant: TenantId) -> Result<Vec<(UserId, Vec<u8>)>, Broken> {
        let content = self.content();
        let keys = content.keys.iter().filter(|((owner, _), _)| *owner == tenant);
        Ok(keys.map(|((_, user), record)| (*user, record.clone())).collect())
    }
}

impl Refusals for MemoryDisk {
    fn put(&self, place: Place, entry: Option<Vec<u8>>) -> Result<(), String> {
        let mut content = self.content();
        match entry {
            Some(entry) => content.refusals.insert(place, entry),
            None => content.refusals.remove(&place),
        };
        Ok(())
    }

    fn replace(&self, old: Place, place: Place, entry: Vec<u8>) -> Result<(), String> {
        let mut content = self.content();
        content.refusals.remove(&old);
        content.refusals.insert(place, entry);
        Ok(())
    }

    fn flush(&self) -> Result<(), String> {
        Ok(())
    }

    fn get(&self, place: Place) -> Result<Option<Vec<u8>>, String> {
        Ok(self.content().refusals.get(&place).cloned())
    }

    fn places(&self) -> Result<Vec<Place>, String> {
        Ok(self.content().refusals.keys().copied().collect())
    }
}
