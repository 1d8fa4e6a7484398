//! Everything about one subject, in order.

use imbl::OrdSet;

use super::{AS_MEMBER, Slot, Touch};
use crate::event::{EventKind, Subject};
use crate::position::Position;
use crate::trail::Kinds;

/// The commits with an event about one subject, each with the kinds of those events.
pub struct About<'a> {
    touched: &'a OrdSet<Touch>,
    subject: Subject,
    /// The kinds that are there at all, as a touch has them.
    kinds: Vec<u8>,
    /// What is left: from here to there, both included.
    left: Option<(Slot, Slot)>,
}

impl<'a> About<'a> {
    pub(super) fn new(touched: &'a OrdSet<Touch>, subject: Subject, from: Slot, to: Slot) -> Self {
        let (mut kinds, mut kind) = (Vec::new(), 0);
        while let Some(next) = touched.get_next(&Touch { subject, kind, slot: 0 })
            && next.subject == subject
        {
            kinds.push(next.kind);
            kind = next.kind + 1;
        }
        About { touched, subject, kinds, left: (from <= to).then_some((from, to)) }
    }

    /// The nearest slot from one end, with the kinds there.
    fn step(&mut self, forward: bool) -> Option<(Slot, Kinds)> {
        let (from, to) = self.left.take()?;
        let slot = if forward { from } else { to };
        let mut nearest: Option<(Slot, Kinds)> = None;
        for kind in &self.kinds {
            let here = Touch { subject: self.subject, kind: *kind, slot };
            let next =
                if forward { self.touched.get_next(&here) } else { self.touched.get_prev(&here) };
            let next = next.filter(|next| next.is_like(&here) && (from..=to).contains(&next.slot));
            let Some(Touch { slot, .. }) = next else { continue };
            let kinds = Kinds::from_iter(EventKind::from_number(kind % AS_MEMBER));
            nearest = match nearest {
                Some((there, found)) if there == *slot => Some((there, found.or(kinds))),
                Some((there, found)) if (there < *slot) == forward => Some((there, found)),
                Some(_) | None => Some((*slot, kinds)),
            };
        }
        let (slot, _) = nearest?;
        let left = if forward { (slot.checked_add(1)?, to) } else { (from, slot.checked_sub(1)?) };
        self.left = (left.0 <= left.1).then_some(left);
        nearest
    }
}

fn told((slot, kinds): (Slot, Kinds)) -> Option<(Position, Kinds)> {
    Position::new(slot.into()).map(|position| (position, kinds))
}

impl Iterator for About<'_> {
    type Item = (Position, Kinds);

    fn next(&mut self) -> Option<Self::Item> {
        self.step(true).and_then(told)
    }
}

impl DoubleEndedIterator for About<'_> {
    fn next_back(&mut self) -> Option<Self::Item> {
        self.step(false).and_then(told)
    }
}
