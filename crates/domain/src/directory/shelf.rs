//! Resources of one type by id, by external id and in the order of their creation: what users and
//! groups have in common.

use std::fmt;
use std::sync::Arc;

use imbl::{OrdMap, OrdSet, Vector};

use super::{ExternalId, Moment, Stamp};
use crate::commit::Unfit;
use crate::id::{GroupId, UserId};
use crate::position::Position;

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
}

/// Resources of one type, and three ways to find them.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Shelf<R: Kept> {
    by_id: OrdMap<R::Id, Arc<R>>,
    // INVARIANT (external ids): exactly the external ids in `by_id`, whoever's word they are.
    by_external_id: OrdSet<(Box<str>, R::Id)>,
    // INVARIANT (order): exactly the resources in `by_id`, by creation. Lists are in this order.
    order: Vector<(Position, R::Id)>,
}

impl<R: Kept> Default for Shelf<R> {
    fn default() -> Self {
        Self { by_id: OrdMap::new(), by_external_id: OrdSet::new(), order: Vector::new() }
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

    /// Those that some connector calls so.
    pub(super) fn with_external_id<'a>(
        &'a self,
        value: &str,
    ) -> impl Iterator<Item = &'a R> + use<'a, R> {
        self.under(&self.by_external_id, value.into())
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
        for external in resource.external_ids() {
            self.by_external_id.insert((external.value.clone(), id));
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
        let before = resource.external_ids().to_vec();
        f(resource);
        resource.touch(moment.stamp);
        if *before != *resource.external_ids() {
            for external in before {
                self.by_external_id.remove(&(external.value, id));
            }
            for external in resource.external_ids() {
                self.by_external_id.insert((external.value.clone(), id));
            }
        }
        Ok(())
    }

    /// Takes a resource down.
    pub(super) fn remove(&mut self, id: R::Id, moment: Moment<'_>) -> Result<Arc<R>, Unfit> {
        let Some(resource) = self.by_id.remove(&id) else {
            return Err(missing::<R>(id, moment));
        };
        for external in resource.external_ids() {
            self.by_external_id.remove(&(external.value.clone(), id));
        }
        if let Ok(place) = self.order.binary_search(&(resource.created().position, id)) {
            self.order.remove(place);
        }
        Ok(resource)
    }

    /// Whether both indexes say what the map says.
    pub(super) fn agrees(&self) -> Result<(), String> {
        let mut rebuilt = Shelf::<R>::default();
        self.by_id.values().cloned().for_each(|resource| rebuilt.insert(resource));
        for (index, same) in [
            ("external ids", rebuilt.by_external_id == self.by_external_id),
            ("order", rebuilt.order == self.order),
        ] {
            if !same {
                return Err(format!("the index of {}s by {index} disagrees with them", R::KIND));
            }
        }
        Ok(())
    }
}

fn missing<R: Kept>(id: R::Id, moment: Moment<'_>) -> Unfit {
    moment.unfit(format!("there is no {} {id}", R::KIND))
}
