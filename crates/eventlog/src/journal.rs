//! The refusal journal: requests that were refused, and why. Bounded, sealed, beside the chain, and
//! not worth a flush of its own each: an entry is durable with the next turn, or a few seconds later.

mod held;
mod later;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use domain::id::TenantId;
use zeroize::Zeroizing;

use crate::cipher;
use crate::limits::{
    FORGET_SECONDS, JOURNAL_ENTRIES, JOURNAL_ENTRY_BYTES, JOURNAL_LOOK, JOURNAL_NOTE_BYTES,
};
use crate::master::MasterKey;

use held::Held;
pub use held::Repeats;
use later::Later;

/// Where an entry stands: its tenant, and a number that goes up.
pub(crate) type Place = (TenantId, u64);

/// The place of a tenant's note; refusals are counted from 0 and never come here.
const NOTE: u64 = u64::MAX;

/// Keeps entries by place.
pub(crate) trait Refusals: Send + Sync + 'static {
    /// Puts an entry, or removes it.
    fn put(&self, place: Place, entry: Option<Vec<u8>>) -> Result<(), String>;
    /// Puts an entry in place of another one that goes, in one step.
    fn replace(&self, old: Place, place: Place, entry: Vec<u8>) -> Result<(), String>;
    /// Sees to it that what was put outlives the process.
    fn flush(&self) -> Result<(), String>;
    /// The entry there.
    fn get(&self, place: Place) -> Result<Option<Vec<u8>>, String>;
    /// All places that have an entry, in order.
    fn places(&self) -> Result<Vec<Place>, String>;
}

/// Notes refusals. All clones write the same journal, beside the writer and without waiting for it.
#[derive(Clone)]
pub struct Journal {
    shared: Arc<Shared>,
}

struct Shared {
    refusals: Box<dyn Refusals>,
    master: MasterKey,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    tenants: BTreeMap<TenantId, Numbers>,
    later: Later,
}

#[derive(Default)]
struct Numbers {
    held: Held,
    unwanted: Vec<Unwanted>,
}

type Picks = dyn Fn(&[u8]) -> bool + Send + Sync;

/// Entries that are not taken, for a while.
struct Unwanted {
    which: Arc<Picks>,
    until: Instant,
}

/// An entry, and its number in the journal of its tenant: what is noted later has a higher one, and what is noted once
/// more gets a new one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Noted {
    /// The number, from 0 on.
    pub number: u64,
    /// What was noted.
    pub entry: Vec<u8>,
}

/// Why the journal could not be used. Nothing else depends on it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JournalError {
    /// The entry is too long.
    #[error("a refusal of {bytes} bytes is too long for the journal, which takes {limit}")]
    TooLong {
        /// Bytes of the entry.
        bytes: usize,
        /// Bytes that it may have.
        limit: usize,
    },
    /// An entry does not open.
    #[error("refusal {number} of tenant {tenant} is damaged or sealed under another master key")]
    Damaged {
        /// Whose journal.
        tenant: TenantId,
        /// Which entry.
        number: u64,
    },
    /// The store failed.
    #[error("the refusal journal could not be read or written: {0}")]
    Store(String),
}

impl Journal {
    pub(crate) fn open(
        refusals: Box<dyn Refusals>,
        master: MasterKey,
    ) -> Result<Self, JournalError> {
        let mut state = State::default();
        for (tenant, number) in refusals.places().map_err(JournalError::Store)? {
            if number != NOTE {
                state.tenants.entry(tenant).or_default().held.found(number);
            }
        }
        Ok(Self { shared: Arc::new(Shared { refusals, master, state: Mutex::new(state) }) })
    }

    /// Notes a refusal; the tenant's oldest goes when there are too many.
    ///
    /// # Errors
    /// When the entry is too long, or the store fails or is full.
    pub fn record(&self, tenant: TenantId, entry: &[u8]) -> Result<(), JournalError> {
        self.note_entry(tenant, entry, None, |_| None)
    }

    /// Notes a refusal as [`Journal::record`] does, but counts it in the entry that says the same, if there is one among the
    /// latest: that entry is the newest then.
    ///
    /// # Errors
    /// See [`Journal::record`].
    pub fn record_or_count<R: Repeats>(
        &self,
        tenant: TenantId,
        entry: &[u8],
    ) -> Result<(), JournalError> {
        let Some(key) = R::key(entry) else { return self.record(tenant, entry) };
        self.look_back::<R>(tenant)?;
        self.note_entry(tenant, entry, Some(key), |there| R::merged(there, entry))
    }

    fn note_entry(
        &self,
        tenant: TenantId,
        entry: &[u8],
        key: Option<held::Key>,
        merged: impl Fn(&[u8]) -> Option<Vec<u8>>,
    ) -> Result<(), JournalError> {
        check_length(entry, JOURNAL_ENTRY_BYTES)?;
        let mut state = self.state();
        let numbers = state.tenants.entry(tenant).or_default();
        if numbers.unwanted.iter().any(|unwanted| (unwanted.which)(entry)) {
            return Ok(());
        }
        let place = (tenant, numbers.held.next());
        let old = key.and_then(|key| numbers.held.with_key(key)).map(|old| (tenant, old));
        // One that cannot be read any more, or that is full, is left alone.
        let there = old.and_then(|old| self.entry(old).ok().flatten());
        let both = there.and_then(|there| merged(&there));
        match (old, both.filter(|both| both.len() <= JOURNAL_ENTRY_BYTES)) {
            (Some(old), Some(both)) => {
                let sealed = self.seal(place, &both)?;
                self.shared.refusals.replace(old, place, sealed).map_err(JournalError::Store)?;
                numbers.held.forget(old.1);
            }
            (Some(_) | None, _) => {
                let sealed = self.seal(place, entry)?;
                self.put(place, Some(sealed))?;
            }
        }
        numbers.held.add(place.1, key);
        while let Some(oldest) = numbers.held.oldest_of_more_than(JOURNAL_ENTRIES) {
            self.put((tenant, oldest), None)?;
            numbers.held.forget(oldest);
        }
        self.flush_later(&mut state);
        Ok(())
    }

    /// Finds out, once after each start, what the latest entries of a tenant say.
    fn look_back<R: Repeats>(&self, tenant: TenantId) -> Result<(), JournalError> {
        let unread = {
            let mut state = self.state();
            let numbers = state.tenants.entry(tenant).or_default();
            numbers.held.unread(JOURNAL_LOOK)
        };
        for number in unread {
            let key = match self.entry((tenant, number)) {
                Ok(entry) => entry.and_then(|entry| R::key(&entry)),
                Err(JournalError::Damaged { .. }) => None,
                Err(error) => return Err(error),
            };
            if let (Some(key), Some(numbers)) = (key, self.state().tenants.get_mut(&tenant)) {
                numbers.held.learn(number, key);
            }
        }
        Ok(())
    }

    /// A tenant's refusals, the newest first.
    ///
    /// # Errors
    /// When an entry does not open, or the store fails.
    pub fn list(&self, tenant: TenantId) -> Result<Vec<Vec<u8>>, JournalError> {
        self.newest(tenant).map(|noted| noted.map(|noted| noted.entry)).collect()
    }

    /// A tenant's refusals with their numbers, the newest first. Each is read when it is its turn: who needs a few takes a
    /// few.
    pub fn newest(
        &self,
        tenant: TenantId,
    ) -> impl Iterator<Item = Result<Noted, JournalError>> + use<'_> {
        self.held(tenant).into_iter().rev().filter_map(move |number| {
            let entry = self.entry((tenant, number)).transpose()?;
            Some(entry.map(|entry| Noted { number, entry }))
        })
    }

    /// Whether an entry with these words would not be taken, because a person was erased lately whom they name.
    pub fn keeps_out(&self, tenant: TenantId, words: &[u8]) -> bool {
        let state = self.state();
        let unwanted = state.tenants.get(&tenant).map_or(&[][..], |numbers| &numbers.unwanted);
        unwanted.iter().any(|unwanted| (unwanted.which)(words))
    }

    /// Removes the tenant's refusals that `which` picks, as those about a person who is erased, and
    /// takes none that it picks for the next [`FORGET_SECONDS`]: a request that is under way may know
    /// what everybody else has forgotten. An entry that does not open goes as well. It is on the disk
    /// before anything that is written later is.
    ///
    /// # Errors
    /// When the store fails; some may be gone then.
    pub fn forget(
        &self,
        tenant: TenantId,
        which: impl Fn(&[u8]) -> bool + Send + Sync + 'static,
    ) -> Result<usize, JournalError> {
        self.forget_for(tenant, which, Duration::from_secs(FORGET_SECONDS))
    }

    fn forget_for(
        &self,
        tenant: TenantId,
        which: impl Fn(&[u8]) -> bool + Send + Sync + 'static,
        time: Duration,
    ) -> Result<usize, JournalError> {
        let until = Instant::now() + time;
        let which: Arc<Picks> = Arc::new(which);
        {
            // Whoever records comes either before, and is among those held, or after, and asks.
            let mut state = self.state();
            let numbers = state.tenants.entry(tenant).or_default();
            numbers.unwanted.push(Unwanted { which: which.clone(), until });
            self.work_later(&mut state);
        }
        let mut forgotten = 0;
        for number in self.held(tenant) {
            let place = (tenant, number);
            let goes = match self.entry(place) {
                Ok(entry) => entry.is_some_and(|entry| which(&entry)),
                Err(JournalError::Damaged { .. }) => true,
                Err(other) => return Err(other),
            };
            if goes {
                self.put(place, None)?;
                if let Some(numbers) = self.state().tenants.get_mut(&tenant) {
                    numbers.held.forget(number);
                }
                forgotten += 1;
            }
        }
        Ok(forgotten)
    }

    /// How many of the tenant's refusals `which` picks.
    ///
    /// # Errors
    /// When an entry does not open, or the store fails.
    pub fn count(
        &self,
        tenant: TenantId,
        which: impl Fn(&[u8]) -> bool,
    ) -> Result<usize, JournalError> {
        Ok(self.list(tenant)?.iter().filter(|entry| which(entry)).count())
    }

    /// Keeps one note of a tenant beside its refusals, in place of the one before: counts, and what else may be lost without
    /// harm. Durable with the next turn.
    ///
    /// # Errors
    /// When the note is too long, or the store fails or is full.
    pub fn set_note(&self, tenant: TenantId, note: &[u8]) -> Result<(), JournalError> {
        check_length(note, JOURNAL_NOTE_BYTES)?;
        let sealed = self.seal((tenant, NOTE), note)?;
        self.put((tenant, NOTE), Some(sealed))
    }

    /// The note of a tenant, if there is one.
    ///
    /// # Errors
    /// When it does not open, or the store fails.
    pub fn note(&self, tenant: TenantId) -> Result<Option<Vec<u8>>, JournalError> {
        self.entry((tenant, NOTE))
    }

    /// Writes every entry and note into another journal, which seals them under its own master key. What
    /// does not open is left behind.
    pub(crate) fn copy_into(&self, other: &Journal) -> Result<(), JournalError> {
        for place in self.shared.refusals.places().map_err(JournalError::Store)? {
            match self.entry(place) {
                Ok(Some(entry)) => other.put(place, Some(other.seal(place, &entry)?))?,
                Ok(None) | Err(JournalError::Damaged { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.state()
    }

    fn held(&self, tenant: TenantId) -> Vec<u64> {
        self.state().tenants.get(&tenant).map_or_else(Vec::new, |n| n.held.numbers().collect())
    }

    fn put(&self, place: Place, entry: Option<Vec<u8>>) -> Result<(), JournalError> {
        self.shared.refusals.put(place, entry).map_err(JournalError::Store)
    }

    /// An entry; none when it has made room meanwhile.
    fn entry(&self, place: Place) -> Result<Option<Vec<u8>>, JournalError> {
        let sealed = self.shared.refusals.get(place).map_err(JournalError::Store)?;
        sealed.map(|sealed| self.unseal(place, &sealed)).transpose()
    }

    fn seal(&self, place: Place, entry: &[u8]) -> Result<Vec<u8>, JournalError> {
        let mut nonce = [0; 12];
        cipher::random(&mut nonce).map_err(|error| JournalError::Store(error.to_string()))?;
        let sealed = cipher::seal(&self.key(place.0), &nonce, &companions(place), entry)
            .ok_or_else(|| JournalError::Store("it could not be sealed".to_owned()))?;
        Ok([nonce.as_slice(), &sealed].concat())
    }

    fn unseal(&self, place: Place, sealed: &[u8]) -> Result<Vec<u8>, JournalError> {
        sealed
            .split_first_chunk::<12>()
            .and_then(|(nonce, sealed)| {
                cipher::open(&self.key(place.0), nonce, &companions(place), sealed)
            })
            .ok_or(JournalError::Damaged { tenant: place.0, number: place.1 })
    }

    fn key(&self, tenant: TenantId) -> Zeroizing<[u8; 32]> {
        self.shared.master.derive("refusal journal", tenant.uuid().as_bytes())
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn check_length(entry: &[u8], limit: usize) -> Result<(), JournalError> {
    let bytes = entry.len();
    if bytes > limit { Err(JournalError::TooLong { bytes, limit }) } else { Ok(()) }
}

/// A place as bytes, in the order of places.
pub(crate) fn companions((tenant, number): Place) -> Vec<u8> {
    [tenant.uuid().as_bytes().as_slice(), &number.to_be_bytes()].concat()
}
