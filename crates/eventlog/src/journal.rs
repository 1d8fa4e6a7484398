//! The refusal journal: requests that were refused, and why. Bounded, sealed, beside the chain, and
//! not worth a flush of its own: an entry is durable with the next turn.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use domain::id::TenantId;
use zeroize::Zeroizing;

use crate::cipher;
use crate::limits::{FORGET_SECONDS, JOURNAL_ENTRIES, JOURNAL_ENTRY_BYTES, JOURNAL_NOTE_BYTES};
use crate::master::MasterKey;

/// Where an entry stands: its tenant, and a number that goes up.
pub(crate) type Place = (TenantId, u64);

/// The place of a tenant's note; refusals are counted from 0 and never come here.
const NOTE: u64 = u64::MAX;

/// Keeps entries by place.
pub(crate) trait Refusals: Send + Sync + 'static {
    /// Puts an entry, or removes it.
    fn put(&self, place: Place, entry: Option<Vec<u8>>) -> Result<(), String>;
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
    tenants: Mutex<BTreeMap<TenantId, Numbers>>,
}

#[derive(Default)]
struct Numbers {
    next: u64,
    held: VecDeque<u64>,
    unwanted: Vec<Unwanted>,
}

type Picks = dyn Fn(&[u8]) -> bool + Send + Sync;

/// Entries that are not taken, for a while.
struct Unwanted {
    which: Arc<Picks>,
    until: Instant,
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
        let mut tenants: BTreeMap<TenantId, Numbers> = BTreeMap::new();
        for (tenant, number) in refusals.places().map_err(JournalError::Store)? {
            if number == NOTE {
                continue;
            }
            let numbers = tenants.entry(tenant).or_default();
            numbers.held.push_back(number);
            numbers.next = number + 1;
        }
        let tenants = Mutex::new(tenants);
        Ok(Self { shared: Arc::new(Shared { refusals, master, tenants }) })
    }

    /// Notes a refusal; the tenant's oldest goes when there are too many.
    ///
    /// # Errors
    /// When the entry is too long, or the store fails or is full.
    pub fn record(&self, tenant: TenantId, entry: &[u8]) -> Result<(), JournalError> {
        if entry.len() > JOURNAL_ENTRY_BYTES {
            let (bytes, limit) = (entry.len(), JOURNAL_ENTRY_BYTES);
            return Err(JournalError::TooLong { bytes, limit });
        }
        let mut tenants = self.tenants();
        let numbers = tenants.entry(tenant).or_default();
        numbers.unwanted.retain(|unwanted| Instant::now() < unwanted.until);
        if numbers.unwanted.iter().any(|unwanted| (unwanted.which)(entry)) {
            return Ok(());
        }
        let place = (tenant, numbers.next);
        let sealed = self.seal(place, entry)?;
        self.put(place, Some(sealed))?;
        numbers.next += 1;
        numbers.held.push_back(place.1);
        while numbers.held.len() > JOURNAL_ENTRIES {
            if let Some(oldest) = numbers.held.pop_front() {
                self.put((tenant, oldest), None)?;
            }
        }
        Ok(())
    }

    /// A tenant's refusals, the newest first.
    ///
    /// # Errors
    /// When an entry does not open, or the store fails.
    pub fn list(&self, tenant: TenantId) -> Result<Vec<Vec<u8>>, JournalError> {
        let held = self.held(tenant);
        held.into_iter()
            .rev()
            .filter_map(|number| self.entry((tenant, number)).transpose())
            .collect()
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
        let until = Instant::now() + Duration::from_secs(FORGET_SECONDS);
        let which: Arc<Picks> = Arc::new(which);
        {
            // Whoever records comes either before, and is among those held, or after, and asks.
            let mut tenants = self.tenants();
            let numbers = tenants.entry(tenant).or_default();
            numbers.unwanted.push(Unwanted { which: which.clone(), until });
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
                if let Some(numbers) = self.tenants().get_mut(&tenant) {
                    numbers.held.retain(|held| *held != number);
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
        if note.len() > JOURNAL_NOTE_BYTES {
            return Err(JournalError::TooLong { bytes: note.len(), limit: JOURNAL_NOTE_BYTES });
        }
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

    fn tenants(&self) -> MutexGuard<'_, BTreeMap<TenantId, Numbers>> {
        self.shared.tenants.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn held(&self, tenant: TenantId) -> Vec<u64> {
        self.tenants().get(&tenant).map_or_else(Vec::new, |n| n.held.iter().copied().collect())
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

/// A place as bytes, in the order of places.
pub(crate) fn companions((tenant, number): Place) -> Vec<u8> {
    [tenant.uuid().as_bytes().as_slice(), &number.to_be_bytes()].concat()
}
