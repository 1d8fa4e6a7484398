//! Where a tenant's commits stand: for each tenant the frames that hold some, with the first of
//! its positions there. Kept in memory, made from the log at open.

use std::collections::BTreeMap;

use domain::id::TenantId;
use domain::position::{Head, Position};

/// An index, to be written: each tenant's head, and the first of its positions in each frame that holds some.
pub(crate) type Entries = Vec<(TenantId, Head, Vec<(Position, u64)>)>;

/// The index of all tenants.
#[derive(Clone, Debug, Default)]
pub(crate) struct Index {
    tenants: BTreeMap<TenantId, Entry>,
}

#[derive(Clone, Debug)]
struct Entry {
    head: Head,
    // INVARIANT (ascending): both the positions and the frames go up, with no frame twice.
    firsts: Vec<(Position, u64)>,
}

impl Index {
    /// Where the tenant's log ends.
    pub(crate) fn head(&self, tenant: TenantId) -> Head {
        self.tenants.get(&tenant).map_or(Head::EMPTY, |entry| entry.head)
    }

    /// The frame in which the commit at `position` begins, if the log gets so far.
    pub(crate) fn frame(&self, tenant: TenantId, position: Position) -> Option<u64> {
        let entry = self.tenants.get(&tenant)?;
        if entry.head.position.is_none_or(|last| position > last) {
            return None;
        }
        let after = entry.firsts.partition_point(|(first, _)| *first <= position);
        entry.firsts.get(after.checked_sub(1)?).map(|(_, frame)| *frame)
    }

    /// Adds the commit that makes `head` the tenant's head; it begins in `frame`.
    pub(crate) fn add(&mut self, tenant: TenantId, head: Head, frame: u64) {
        let Some(position) = head.position else { return };
        let entry = self.tenants.entry(tenant).or_insert(Entry { head, firsts: Vec::new() });
        entry.head = head;
        if entry.firsts.last().is_none_or(|(_, last)| *last < frame) {
            entry.firsts.push((position, frame));
        }
    }

    /// The last position that a tenant has for certain in the first `frames` frames.
    pub(crate) fn last_in(&self, tenant: TenantId, frames: u64) -> Option<Position> {
        let firsts = &self.tenants.get(&tenant)?.firsts;
        let within = firsts.partition_point(|(_, frame)| *frame <= frames);
        match firsts.get(within) {
            Some((next, _)) => next.previous(),
            None => self.head(tenant).position,
        }
    }

    /// The index with these entries.
    pub(crate) fn of(entries: Entries) -> Index {
        let entries = entries.into_iter();
        let tenants = entries.map(|(tenant, head, firsts)| (tenant, Entry { head, firsts }));
        Index { tenants: tenants.collect() }
    }

    /// Every tenant with its head, and the first of its positions in each frame that holds some.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (TenantId, Head, &[(Position, u64)])> {
        let tenants = self.tenants.iter();
        tenants.map(|(tenant, entry)| (*tenant, entry.head, entry.firsts.as_slice()))
    }

    /// Every tenant with its head.
    pub(crate) fn heads(&self) -> impl Iterator<Item = (TenantId, Head)> {
        self.tenants.iter().map(|(tenant, entry)| (*tenant, entry.head))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_is_found_in_the_frame_it_begins_in() {
        let tenant = TenantId::SYSTEM;
        let mut index = Index::default();
        for (position, frame) in [(1, 1), (2, 1), (3, 1), (4, 5), (5, 7), (6, 7)] {
            let head = Head { position: Position::new(position), ..Head::EMPTY };
            index.add(tenant, head, frame);
        }
        let found = |position| index.frame(tenant, Position::new(position).unwrap());
        assert_eq!(
            (1..=7).map(found).collect::<Vec<_>>(),
            [Some(1), Some(1), Some(1), Some(5), Some(7), Some(7), None]
        );
    }
}
