//! Finding positions: unions of sorted lists, intersected by leaping from one to the other.
//!
//! A list is never walked through: each is asked for its first position at or after the one that the others
//! have reached. So a search costs what its shortest list costs, whatever the others are.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use imbl::{OrdSet, Vector};

use super::{Order, Request, Slot, Touch};
use crate::position::Position;

/// A place on the way of a search: the slot itself, or, with the newest first, how far it is from the end. No search
/// begins at 0: there a list in a union stands before it was asked for the first time.
pub(super) type Step = u32;

impl Order {
    /// From a slot to its step and back.
    fn turn(self, slot: Slot) -> Step {
        match self {
            Order::OldestFirst => slot,
            Order::NewestFirst => Slot::MAX - slot,
        }
    }
}

/// A set of positions, in the order of a search.
pub(super) enum List<'a> {
    /// All of them.
    Everything,
    /// Those of one kind of event about one subject.
    Touched(&'a OrdSet<Touch>, Touch),
    /// Those of a request, and now and then of another that looks like it.
    Requests(&'a OrdSet<Request>, u32),
    /// Those that are listed.
    Listed(&'a Vector<Slot>),
    /// Those that are in any of several sets.
    Any(Any<'a>),
}

impl<'a> List<'a> {
    /// The union of some sets.
    pub(super) fn any(mut lists: Vec<List<'a>>) -> List<'a> {
        match lists.pop() {
            Some(only) if lists.is_empty() => only,
            Some(last) => {
                lists.push(last);
                let heads = (0..lists.len()).map(|i| Reverse((0, i))).collect();
                List::Any(Any { lists, heads })
            }
            None => List::Any(Any { lists, heads: BinaryHeap::new() }),
        }
    }

    /// The first step that is in the set, from `step` on. `step` never goes back.
    fn seek(&mut self, step: Step, order: Order) -> Option<Step> {
        let slot = order.turn(step);
        let found = match self {
            List::Everything => Some(slot),
            List::Touched(touched, touch) => {
                let here = Touch { slot, ..*touch };
                let next = match order {
                    Order::OldestFirst => touched.get_next(&here),
                    Order::NewestFirst => touched.get_prev(&here),
                };
                next.filter(|next| next.is_like(touch)).map(|next| next.slot)
            }
            List::Requests(requests, hash) => {
                let here = Request { hash: *hash, slot };
                let next = match order {
                    Order::OldestFirst => requests.get_next(&here),
                    Order::NewestFirst => requests.get_prev(&here),
                };
                next.filter(|next| next.hash == *hash).map(|next| next.slot)
            }
            List::Listed(slots) => match (slots.binary_search(&slot), order) {
                (Ok(_), _) => Some(slot),
                (Err(after), Order::OldestFirst) => slots.get(after).copied(),
                (Err(after), Order::NewestFirst) => {
                    after.checked_sub(1).and_then(|before| slots.get(before)).copied()
                }
            },
            List::Any(any) => return any.seek(step, order),
        };
        found.map(|slot| order.turn(slot))
    }
}

/// The union of several sets: which of them comes next, is known of each.
pub(super) struct Any<'a> {
    lists: Vec<List<'a>>,
    // INVARIANT (heads): of each list that has not ended, the step that it named last; 0 before it named one.
    heads: BinaryHeap<Reverse<(Step, usize)>>,
}

impl Any<'_> {
    fn seek(&mut self, step: Step, order: Order) -> Option<Step> {
        loop {
            let Reverse((least, which)) = *self.heads.peek()?;
            if least >= step {
                return Some(least);
            }
            self.heads.pop();
            if let Some(found) = self.lists.get_mut(which)?.seek(step, order) {
                self.heads.push(Reverse((found, which)));
            }
        }
    }
}

/// The positions that are in all of some sets, in order.
pub struct Found<'a> {
    sets: Vec<List<'a>>,
    order: Order,
    next: Option<Step>,
    last: Step,
}

impl<'a> Found<'a> {
    pub(super) fn new(sets: Vec<List<'a>>, from: Slot, to: Slot, order: Order) -> Self {
        let (first, last) = match order {
            Order::OldestFirst => (from, to),
            Order::NewestFirst => (to, from),
        };
        let next = (from <= to).then(|| order.turn(first));
        Found { sets, order, next, last: order.turn(last) }
    }
}

impl Iterator for Found<'_> {
    type Item = Position;

    fn next(&mut self) -> Option<Position> {
        let mut step = self.next.take()?;
        'leap: while step <= self.last {
            for set in &mut self.sets {
                let found = set.seek(step, self.order)?;
                if found > step {
                    step = found;
                    continue 'leap;
                }
            }
            self.next = step.checked_add(1);
            return Position::new(self.order.turn(step).into());
        }
        None
    }
}
