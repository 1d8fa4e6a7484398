//! Resources of one type by id, by what they are looked up by, and in the order of their creation:
//! what users and groups have in common.

use std::collections::hash_map::DefaultHasher;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use imbl::{OrdMap, OrdSet, Vector};

use super::{ExternalId, Moment, Stamp};
use crate::commit::Unfit;
use crate::id::{GroupId, UserId};
use crate::position::Position;
use crate::snapshot::{dense, filling};

/// What can stand on a shelf.
pub(super) trait Kept: Clone {
    /// Its id.
    type Id: Copy + Ord + fmt::Display;
    /// What it is, as in `user`.
    const KIND: &'static str;
    /// No id comes before this one, none after that.
    const IDS: (Self::Id, Self::Id);

    fn id(&self) -> Self::Id;
    fn created(&self) -> Stamp;
    fn external_ids(&self) -> &[ExternalId];
    fn touch(&mut self, stamp: Stamp);

    /// The words that it is found by, beside its external ids.
    fn words(&self, note: &mut dyn FnMut(Word));
}

/// A value that resources are looked up by: which attribute's, and the prepared text, as a
/// fingerprint of 32 bits.
///
/// The index holds nothing else, so that a million users' addresses cost 20 bytes each and not a
/// string of their own (measured with what the set needs: 36 bytes, against 107). What it finds are candidates: two words may share a fingerprint, so whoever
/// looks something up looks at the values as well. Never stored, so it may change with a release.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Word(u32);

impl Word {
    pub(super) fn new(attribute: &'static str, prepared: &str) -> Word {
        let mut hasher = DefaultHasher::new();
        (attribute, prepared).hash(&mut hasher);
        let [_, _, _, _, word @ ..] = hasher.finish().to_be_bytes();
        Word(u32::from_be_bytes(word))
    }

    fn external_id(value: &str) -> Word {
        Word::new("externalId", &scim::nfc(value))
    }
}

/// What the word of a text is that never changes: words are computed by the standard library's hash, which may.
pub(crate) fn word_probe() -> u32 {
    Word::new("userName", "probe").0
}

impl Kept for super::User {
    type Id = UserId;
    const KIND: &'static str = "user";
    const IDS: (UserId, UserId) = (UserId::LEAST, UserId::MOST);

    fn id(&self) -> UserId {
        self.id
    }

    fn created(&self) -> Stamp {
        self.created
    }

    fn external_ids(&self) -> &[ExternalId] {
        &self.external_ids
    }

    fn touch(&mut self, stamp: Stamp) {
        self.modified = stamp;
    }

    fn words(&self, note: &mut dyn FnMut(Word)) {
        super::users::words(self, note);
    }
}

impl Kept for super::Group {
    type Id = GroupId;
    const KIND: &'static str = "group";
    const IDS: (GroupId, GroupId) = (GroupId::LEAST, GroupId::MOST);

    fn id(&self) -> GroupId {
        self.id
    }

    fn created(&self) -> Stamp {
        self.created
    }

    fn external_ids(&self) -> &[ExternalId] {
        &self.external_ids
    }

    fn touch(&mut self, stamp: Stamp) {
        self.modified = stamp;
    }

    fn words(&self, note: &mut dyn FnMut(Word)) {
        super::groups::words(self, note);
    }
}

/// Bytes of a word with its id in a part of a snapshot.
pub(crate) const WORD_BYTES: usize = 4 + 16;

/// Resources of one type, and three ways to find them.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Shelf<R: Kept> {
    by_id: OrdMap<R::Id, Arc<R>>,
    // INVARIANT (words): exactly the words of those in `by_id`, external ids of every connector
    // among them.
    by_word: OrdSet<(Word, R::Id)>,
    // INVARIANT (order): exactly the resources in `by_id`, by creation. Lists are in this order.
    order: Vector<(Position, R::Id)>,
}

impl<R: Kept> Default for Shelf<R> {
    fn default() -> Self {
        Self { by_id: OrdMap::new(), by_word: OrdSet::new(), order: Vector::new() }
    }
}

impl<R: Kept> Shelf<R> {
    pub(super) fn get(&self, id: R::Id) -> Option<&R> {
        self.by_id.get(&id).map(|resource| &**resource)
    }

    /// All of them, by id.
    pub(super) fn by_id(&self) -> impl ExactSizeIterator<Item = &Arc<R>> {
        self.by_id.values()
    }

    /// All of them from the `skip`-th on, oldest first; costs nothing for those skipped.
    pub(super) fn from(&self, skip: usize) -> impl Iterator<Item = &R> {
        let skip = skip.min(self.order.len());
        self.order.focus().narrow(skip..).into_iter().filter_map(|(_, id)| self.get(*id))
    }

    /// Where a resource stands in the order of creation, counted from 0.
    pub(super) fn place(&self, resource: &R) -> Option<usize> {
        self.order.binary_search(&(resource.created().position, resource.id())).ok()
    }

    /// How many stand before this place in the order of creation.
    pub(super) fn before(&self, created: Position, id: R::Id) -> usize {
        self.order.binary_search(&(created, id)).unwrap_or_else(|place| place)
    }

    /// Those that some connector calls so.
    pub(super) fn with_external_id<'a>(
        &'a self,
        value: &str,
    ) -> impl Iterator<Item = &'a R> + use<'a, R> {
        let value = scim::nfc(value).into_owned();
        self.with_word(Word::external_id(&value)).filter(move |resource| {
            resource.external_ids().iter().any(|id| scim::nfc(&id.value) == *value)
        })
    }

    /// Those that may have this word, by id; few have it not.
    pub(super) fn with_word<'a>(&'a self, word: Word) -> impl Iterator<Item = &'a R> + use<'a, R> {
        self.under(&self.by_word, word)
    }

    /// Those that stand under a key in an index from keys to ids.
    pub(super) fn under<'a, K: Ord + Clone>(
        &'a self,
        index: &'a OrdSet<(K, R::Id)>,
        key: K,
    ) -> impl Iterator<Item = &'a R> + use<'a, R, K> {
        let (least, most) = R::IDS;
        index.range((key.clone(), least)..=(key, most)).filter_map(|(_, id)| self.get(*id))
    }

    pub(super) fn len(&self) -> usize {
        self.by_id.len()
    }

    /// Puts up a new resource.
    pub(super) fn insert(&mut self, resource: Arc<R>) {
        let id = resource.id();
        for word in words(&*resource) {
            self.by_word.insert((word, id));
        }
        let entry = (resource.created().position, id);
        let place = self.order.binary_search(&entry).unwrap_or_else(|place| place);
        self.order.insert(place, entry);
        self.by_id.insert(id, resource);
    }

    /// Changes a resource, which has a new version from then on.
    pub(super) fn change(
        &mut self,
        id: R::Id,
        moment: Moment<'_>,
        f: impl FnOnce(&mut R),
    ) -> Result<(), Unfit> {
        let Some(resource) = self.by_id.get_mut(&id) else {
            return Err(missing::<R>(id, moment));
        };
        let resource = Arc::make_mut(resource);
        let before = words(resource);
        f(resource);
        resource.touch(moment.stamp);
        let after = words(resource);
        if before != after {
            for word in before {
                self.by_word.remove(&(word, id));
            }
            for word in after {
                self.by_word.insert((word, id));
            }
        }
        Ok(())
    }

    /// Takes a resource down.
    pub(super) fn remove(&mut self, id: R::Id, moment: Moment<'_>) -> Result<Arc<R>, Unfit> {
        let Some(resource) = self.by_id.remove(&id) else {
            return Err(missing::<R>(id, moment));
        };
        for word in words(&*resource) {
            self.by_word.remove(&(word, id));
        }
        if let Ok(place) = self.order.binary_search(&(resource.created().position, id)) {
            self.order.remove(place);
        }
        Ok(resource)
    }

    /// All words in their order, each with its id.
    pub(super) fn word_bytes(
        &self,
        id: impl Fn(R::Id) -> [u8; 16],
    ) -> impl Iterator<Item = [u8; WORD_BYTES]> {
        self.by_word.iter().map(move |(word, of)| {
            let mut bytes = [0; WORD_BYTES];
            let (first, rest) = bytes.split_at_mut(4);
            first.copy_from_slice(&word.0.to_be_bytes());
            rest.copy_from_slice(&id(*of));
            bytes
        })
    }

    /// The shelf with these resources, by id, and these words, in their order.
    pub(super) fn of_parts(
        resources: Vec<Arc<R>>,
        words: &[[u8; WORD_BYTES]],
        id: impl Fn([u8; 16]) -> R::Id,
    ) -> Self {
        let words = words.iter().map(|bytes| {
            let [a, b, c, d, of @ ..] = bytes;
            (Word(u32::from_be_bytes([*a, *b, *c, *d])), id(*of))
        });
        let by_word = dense(&words.collect::<Vec<_>>());
        let mut order: Vec<_> =
            resources.iter().map(|one| (one.created().position, one.id())).collect();
        order.sort_unstable();
        let by_id = filling(&resources).map(|one| (one.id(), one.clone())).collect();
        Self { by_id, by_word, order: order.into_iter().collect() }
    }

    /// Whether both indexes say what the map says.
    pub(super) fn agrees(&self) -> Result<(), String> {
        let mut rebuilt = Shelf::<R>::default();
        self.by_id.values().cloned().for_each(|resource| rebuilt.insert(resource));
        for (index, same) in
            [("words", rebuilt.by_word == self.by_word), ("order", rebuilt.order == self.order)]
        {
            if !same {
                return Err(format!("the index of {}s by {index} disagrees with them", R::KIND));
            }
        }
        Ok(())
    }
}

/// Every word that a resource is found by.
fn words<R: Kept>(resource: &R) -> Vec<Word> {
    let mut words: Vec<Word> =
        resource.external_ids().iter().map(|id| Word::external_id(&id.value)).collect();
    resource.words(&mut |word| words.push(word));
    words
}

fn missing<R: Kept>(id: R::Id, moment: Moment<'_>) -> Unfit {
    moment.unfit(format!("there is no {} {id}", R::KIND))
}
