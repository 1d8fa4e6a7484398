//! The order in which the operations of a job are carried out.
//!
//! The state at the end must be that of the given order (RFC 7644 §3.7), and what is referred to must be there before it is
//! referred to. So an operation changes places with another one only to let a target come first, and only with one that it has
//! nothing to do with. Where that can't be, a resource is begun without its references and finished when their targets are there.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::{Method, Operation, Wish};
use crate::matching::Matching;
use crate::schema::{Attribute, ResourceType, Schema, Uniqueness, common_attributes};
use crate::value::{Name, Object, Value};

/// One step of a plan, by the operation's place.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Step {
    /// The operation, or all that can be done of it by now.
    Run(usize),
    /// What was left out of it.
    Finish(usize),
}

/// What of an operation could depend on the order, beside its references.
#[derive(Clone, PartialEq, Debug, Default)]
pub(super) struct Touch {
    /// The names that it gives, if it's a POST; others could not have them as well.
    names: BTreeSet<(Name, String)>,
    /// Whether it may give a resource another name.
    renames: bool,
}

impl Touch {
    pub(super) fn of(wish: &Wish, rtype: &ResourceType) -> Self {
        let mut touch = Self::default();
        match (wish.method, wish.data.as_ref().and_then(Value::as_complex)) {
            (Method::Post, Some(data)) => touch.names = given(data, rtype).collect(),
            (Method::Patch, Some(data)) => {
                touch.renames = names(rtype).any(|attribute| speaks_of(data, &attribute.name));
            }
            (Method::Put | Method::Delete, _) => touch.renames = true,
            (Method::Post | Method::Patch, None) => {}
        }
        touch
    }
}

/// The attributes by which resources are told apart: the unique ones, and those that servers are known to keep unique.
fn names(rtype: &ResourceType) -> impl Iterator<Item = &Arc<Attribute>> {
    let all = rtype.all_schemas().flat_map(|schema| &schema.attributes).chain(common_attributes());
    all.filter(|attribute| {
        attribute.uniqueness != Uniqueness::None
            || matches!(attribute.name.as_str(), "displayName" | "externalId")
    })
}

/// The names that a new resource gets.
fn given(data: &Object, rtype: &ResourceType) -> impl Iterator<Item = (Name, String)> {
    let inside = |(schema, _): &(Arc<Schema>, bool)| {
        data.get_any_case(&schema.id).and_then(Value::as_complex)
    };
    let places: Vec<&Object> =
        std::iter::once(data).chain(rtype.extensions.iter().filter_map(inside)).collect();
    names(rtype).filter_map(move |attribute| {
        let found = places.iter().find_map(|place| place.get_any_case(&attribute.name));
        let text = found.and_then(Value::as_str)?;
        Some((attribute.name.clone(), Matching::of(attribute).prepare(text).into_owned()))
    })
}

/// Whether a PATCH has a path or a key with this name in it.
fn speaks_of(patch: &Object, name: &str) -> bool {
    let has = |text: &str| text.to_ascii_lowercase().contains(&name.to_ascii_lowercase());
    patch.iter().any(|(key, value)| {
        has(key)
            || match value {
                Value::String(path) => key.eq_ignore_ascii_case("path") && has(path),
                Value::Complex(inner) => speaks_of(inner, name),
                Value::List(items) => {
                    items.iter().filter_map(Value::as_complex).any(|item| speaks_of(item, name))
                }
                Value::Null | Value::Bool(_) | Value::Integer(_) | Value::Decimal(_) => false,
            }
    })
}

/// Whether the order of two operations may count, their references aside. Rather once too often than once too rarely.
fn conflict(one: &Operation, other: &Operation) -> bool {
    // What can't be read does nothing, wherever it stands.
    let (Ok(one), Ok(other)) = (&one.wish, &other.wish) else { return false };
    match (one.method, other.method) {
        (Method::Post, Method::Post) => {
            one.resource_type == other.resource_type
                && !one.touch.names.is_disjoint(&other.touch.names)
        }
        // What is deleted may be referred to by anything, and its name is free again.
        (Method::Post, Method::Delete) | (Method::Delete, Method::Post) => true,
        (Method::Post, Method::Put | Method::Patch)
        | (Method::Put | Method::Patch, Method::Post) => {
            one.resource_type == other.resource_type && (one.touch.renames || other.touch.renames)
        }
        (
            Method::Put | Method::Patch | Method::Delete,
            Method::Put | Method::Patch | Method::Delete,
        ) => true,
    }
}

/// How well an operation can be carried out now. The best is taken, and of equals the first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Ease {
    /// All that it refers to is there, and all that it must not overtake is done.
    Ready,
    /// It can be begun.
    Begin,
    /// All that it refers to is there.
    OutOfOrder,
    /// It can be begun, if it overtakes what it should not.
    BeginOutOfOrder,
    /// It refers to what can't be there: it will fail.
    Never,
}

/// Plans a job, in time that grows with the square of its operations, which are few.
pub(super) fn plan(operations: &[Operation]) -> Vec<Step> {
    if operations.iter().enumerate().all(|(at, operation)| looks_back(at, operation)) {
        return (0..operations.len()).map(Step::Run).collect();
    }
    let mut waiting: Vec<Waiting> = operations
        .iter()
        .enumerate()
        .map(|(at, operation)| Waiting::new(at, operation, operations))
        .collect();
    let mut open: BTreeSet<usize> = BTreeSet::new();
    let mut steps = Vec::with_capacity(operations.len());
    loop {
        let mut best: Option<(Ease, usize)> = None;
        for (at, one) in waiting.iter().enumerate().filter(|(_, one)| !one.is_taken) {
            let ease = one.ease(open.is_empty());
            if best.is_none_or(|best| (ease, at) < best) {
                best = Some((ease, at));
            }
            if ease == Ease::Ready {
                break;
            }
        }
        let Some((ease, taken)) = best else { return steps };
        steps.push(Step::Run(taken));
        if matches!(ease, Ease::Begin | Ease::BeginOutOfOrder) {
            open.insert(taken);
        }
        for (at, one) in waiting.iter_mut().enumerate() {
            one.is_taken |= at == taken;
            one.soft.remove(&taken);
            one.hard.remove(&taken);
            if let (Some(first), Some(second)) = (operations.get(taken), operations.get(at))
                && at > taken
                && !one.is_taken
                && conflict(first, second)
            {
                one.conflicts -= 1;
            }
        }
        let is_done = |at: &usize| waiting.get(*at).is_none_or(|one| one.soft.is_empty());
        let done: Vec<usize> = open.iter().copied().filter(is_done).collect();
        for at in done {
            open.remove(&at);
            steps.push(Step::Finish(at));
        }
    }
}

/// Whether all that an operation refers to stands before it, as in most jobs.
fn looks_back(at: usize, operation: &Operation) -> bool {
    operation.wish.as_ref().map_or(true, |wish| {
        wish.needs.soft.iter().chain(&wish.needs.hard).all(|target| *target < at)
    })
}

struct Waiting {
    is_taken: bool,
    /// Whether it's about a resource that is there.
    is_change: bool,
    /// How many earlier operations it must not overtake.
    conflicts: usize,
    soft: BTreeSet<usize>,
    hard: BTreeSet<usize>,
}

impl Waiting {
    fn new(at: usize, operation: &Operation, all: &[Operation]) -> Self {
        let needs = operation.wish.as_ref().map(|wish| wish.needs.clone()).unwrap_or_default();
        Self {
            is_taken: false,
            is_change: operation.wish.as_ref().is_ok_and(|wish| wish.method != Method::Post),
            conflicts: all.iter().take(at).filter(|earlier| conflict(earlier, operation)).count(),
            soft: needs.soft,
            hard: needs.hard,
        }
    }

    fn ease(&self, all_closed: bool) -> Ease {
        let is_there = self.soft.is_empty() && self.hard.is_empty();
        // A change waits for what is only half there; a circle must not.
        let is_free = self.conflicts == 0 && (!self.is_change || all_closed);
        let can_begin = !self.is_change && self.hard.is_empty();
        match (is_there, is_free) {
            (true, true) => Ease::Ready,
            (true, false) => Ease::OutOfOrder,
            (false, true) if can_begin => Ease::Begin,
            (false, false) if can_begin => Ease::BeginOutOfOrder,
            (false, true | false) => Ease::Never,
        }
    }
}
