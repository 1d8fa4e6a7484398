//! Which entries a tenant has, and which of them say the same as a new one would.

use std::collections::BTreeMap;

/// What entries that say the same have in common.
pub(super) type Key = u64;

/// A kind of entry of which repetitions are counted in one, instead of being kept beside each other.
pub trait Repeats {
    /// What entries that say the same have in common, in short; none: it stands for itself. Two that differ may have the
    /// same by chance: [`Repeats::merged`] tells them apart.
    fn key(entry: &[u8]) -> Option<u64>;

    /// The entry that is there with the new one counted in it; none: they are to stand side by side.
    fn merged(there: &[u8], new: &[u8]) -> Option<Vec<u8>>;
}

/// The numbers of a tenant's entries.
#[derive(Default)]
pub(super) struct Held {
    next: u64,
    numbers: BTreeMap<u64, Option<Key>>,
    // INVARIANT: each key leads to a number that has it.
    by_key: BTreeMap<Key, u64>,
    /// Whether it is known what the entries say that were there at the start.
    read: bool,
}

impl Held {
    /// Notes that an entry is there.
    pub(super) fn found(&mut self, number: u64) {
        self.numbers.insert(number, None);
        self.next = self.next.max(number + 1);
    }

    /// The number that the next entry gets.
    pub(super) fn next(&self) -> u64 {
        self.next
    }

    /// The latest of the entries whose keys nobody knows, the newest first; nothing, once they were asked for.
    pub(super) fn unread(&mut self, most: usize) -> Vec<u64> {
        if std::mem::replace(&mut self.read, true) {
            return Vec::new();
        }
        let latest = self.numbers.iter().rev().take(most);
        latest.filter(|(_, key)| key.is_none()).map(|(number, _)| *number).collect()
    }

    /// Notes the key of an entry that was there before, unless a newer one has it.
    pub(super) fn learn(&mut self, number: u64, key: Key) {
        if let Some(there) = self.numbers.get_mut(&number)
            && !self.by_key.contains_key(&key)
        {
            *there = Some(key);
            self.by_key.insert(key, number);
        }
    }

    /// The entry with this key.
    pub(super) fn with_key(&self, key: Key) -> Option<u64> {
        self.by_key.get(&key).copied()
    }

    /// Notes a new entry.
    pub(super) fn add(&mut self, number: u64, key: Option<Key>) {
        self.found(number);
        if let Some(key) = key {
            // The one that had it before, if it stays, is added to no more.
            if let Some(there) =
                self.by_key.insert(key, number).and_then(|n| self.numbers.get_mut(&n))
            {
                *there = None;
            }
            self.numbers.insert(number, Some(key));
        }
    }

    /// Notes that an entry is gone.
    pub(super) fn forget(&mut self, number: u64) {
        if let Some(Some(key)) = self.numbers.remove(&number) {
            self.by_key.remove(&key);
        }
    }

    /// The oldest entry, if there are more than `most`.
    pub(super) fn oldest_of_more_than(&self, most: usize) -> Option<u64> {
        let oldest = self.numbers.first_key_value().map(|(number, _)| *number);
        oldest.filter(|_| self.numbers.len() > most)
    }

    /// All numbers, the oldest first.
    pub(super) fn numbers(&self) -> impl Iterator<Item = u64> {
        self.numbers.keys().copied()
    }
}
