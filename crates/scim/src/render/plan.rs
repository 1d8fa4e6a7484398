//! What an answer shows of a resource type, worked out once for all resources that it shows.

use std::sync::Arc;

use crate::json::write_text;
use crate::names;
use crate::node::{Label, Node};
use crate::packed::{View, offsets};
use crate::projection::{Projection, Shown};
use crate::schema::{Attribute, ResourceType, Schema, common_attributes};
use crate::value::Name;

/// No slot.
const NOWHERE: u16 = u16::MAX;

/// What is shown of a resource type, in the order in which it is written.
#[derive(Debug)]
pub(crate) struct Plan {
    /// The text up to the URN of the base schema.
    pub(super) head: Box<[u8]>,
    /// Common and core attributes; `meta` last.
    pub(super) top: Box<[Entry]>,
    /// How many of them are written before the extensions.
    pub(super) before_extensions: usize,
    pub(super) extensions: Box<[Extension]>,
    /// Where what is stored of them goes: first those of `top`, then the extensions.
    pub(super) slots: Slots,
}

/// An extension: it is asked for whether it is shown or not, for `schemas` names it.
#[derive(Debug)]
pub(super) struct Extension {
    pub(super) entry: Entry,
    /// The URN as an element behind another one.
    pub(super) urn: Box<[u8]>,
    /// Where what is stored of its attributes goes.
    pub(super) slots: Slots,
}

/// An attribute, a sub-attribute or an extension that is shown.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) name: Name,
    /// A comma, the name and a colon.
    pub(super) mark: Box<[u8]>,
    /// What is shown of its parts, by their numbers in the dictionary.
    numbers: Box<[Option<u16>]>,
    pub(super) subs: Box<[Entry]>,
}

impl Plan {
    pub(crate) fn of(rtype: &ResourceType, projection: &Projection) -> Self {
        let mut head = b"{\"schemas\":[".to_vec();
        write_text(&mut head, &rtype.schema.id);
        let is_last = |attribute: &Arc<Attribute>| attribute.name == "meta";
        let common = || common_attributes().iter();
        let first = common().filter(|it| !is_last(it) && it.name != "schemas");
        let entry = |attribute: &Arc<Attribute>| Entry::of(None, attribute, projection);
        let mut top: Vec<Entry> = first.chain(&rtype.schema.attributes).filter_map(entry).collect();
        let before_extensions = top.len();
        top.extend(common().filter(|it| is_last(it)).filter_map(entry));
        let extensions = rtype.extensions.iter().map(|(schema, _)| schema);
        let extensions: Box<[Extension]> =
            extensions.map(|schema| Extension::of(schema, projection)).collect();
        let names = top.iter().chain(extensions.iter().map(|extension| &extension.entry));
        let slots = Slots::of(names.map(|entry| &*entry.name));
        Self { head: head.into(), top: top.into(), before_extensions, extensions, slots }
    }
}

impl Extension {
    fn of(schema: &Schema, projection: &Projection) -> Self {
        let entry = |attribute| Entry::of(Some(&schema.id), attribute, projection);
        let subs: Vec<Entry> = schema.attributes.iter().filter_map(entry).collect();
        let slots = Slots::of(subs.iter().map(|entry| &*entry.name));
        let mut urn = b",".to_vec();
        write_text(&mut urn, &schema.id);
        Self { entry: Entry::new(&schema.id, subs), urn: urn.into(), slots }
    }
}

impl Entry {
    /// Nothing, if nothing of it is shown.
    fn of(
        schema: Option<&str>,
        attribute: &Arc<Attribute>,
        projection: &Projection,
    ) -> Option<Self> {
        let shown = projection.of(schema, attribute);
        (shown != Shown::Nothing).then(|| Self::shown(schema, attribute, shown, projection))
    }

    fn shown(
        schema: Option<&str>,
        attribute: &Attribute,
        shown: Shown,
        projection: &Projection,
    ) -> Self {
        let subs = attribute.sub_attributes.iter();
        let subs = subs.filter(|sub| projection.of_sub(schema, attribute, sub, shown));
        let subs = subs.map(|sub| Self::shown(schema, sub, Shown::Whole, projection));
        Self::new(&attribute.name, subs.collect())
    }

    fn new(name: &str, subs: Vec<Entry>) -> Self {
        let mut mark = b",".to_vec();
        write_text(&mut mark, name);
        mark.push(b':');
        let numbers = subs.iter().map(|sub| names::number_of(&sub.name)).collect();
        Self { name: Name::new(name), mark: mark.into(), numbers, subs: subs.into() }
    }

    /// The part that a member is, in any case of its name.
    pub(super) fn sub(&self, label: Label<'_>) -> Option<&Entry> {
        if let Label::Number(number) = label {
            let number = u16::try_from(number).ok();
            let at = self.numbers.iter().position(|it| it.is_some() && *it == number);
            if let Some(sub) = at.and_then(|at| self.subs.get(at)) {
                return Some(sub);
            }
        }
        let name = label.name()?;
        self.subs.iter().find(|sub| sub.name.eq_ignore_ascii_case(name))
    }
}

/// Which members of an object are wanted, and in which order.
#[derive(Debug)]
pub(super) struct Slots {
    /// By number in the dictionary.
    known: Box<[u16]>,
    /// Names that the dictionary lacks.
    other: Box<[(Box<str>, u16)]>,
    count: usize,
}

impl Slots {
    fn of<'n>(all: impl Iterator<Item = &'n str>) -> Self {
        let (mut known, mut other) = (vec![NOWHERE; names::NAMES.len()], Vec::new());
        let mut count = 0;
        for (name, slot) in all.zip(0..NOWHERE) {
            count += 1;
            match names::number_of(name).and_then(|at| known.get_mut(usize::from(at))) {
                Some(place) => *place = slot,
                None => other.push((name.into(), slot)),
            }
        }
        Self { known: known.into(), other: other.into(), count }
    }

    /// Notes where the value of each wanted member begins in a packed object; 0 stands for nowhere, as a name comes first.
    pub(super) fn spread(&self, view: View<'_>, at: &mut Vec<u32>) {
        at.clear();
        at.resize(self.count, 0);
        offsets(view.bytes(), |label, offset| {
            let slot = match label {
                Label::Number(number) => self.known.get(number).copied(),
                Label::Name(name) => {
                    self.other.iter().find(|(known, _)| **known == *name).map(|(_, slot)| *slot)
                }
            };
            // No slot is as high as that which stands for none.
            if let Some(place) = slot.and_then(|slot| at.get_mut(usize::from(slot))) {
                *place = offset;
            }
        });
    }
}

/// The value that begins at a noted place.
pub(super) fn value_at<'v>(view: View<'v>, at: u32) -> Option<Node<'v>> {
    let at = usize::try_from(at).ok().filter(|at| *at > 0)?;
    crate::packed::next_item(&mut view.bytes().get(at..)?)
}
