//! The members of an object, found once for whoever asks for many of them.

use super::View;
use super::decode::{Label, find, next_item, take_name, take_raw};
use crate::names;
use crate::node::Node;

/// Members that are noted; of an object with more, the rest is looked for each time.
const NOTED: usize = 32;

/// The members of a packed object, side by side: an answer asks for every attribute that a schema has, and each
/// would be looked for from the start.
#[derive(Clone, Copy, Debug)]
pub struct Spread<'a> {
    bytes: &'a [u8],
    // INVARIANT (noted): the first `count` are the first members by number, each with what begins with its value.
    noted: [(u16, &'a [u8]); NOTED],
    count: usize,
    /// Whether every member with a number is among them.
    whole: bool,
}

impl<'a> Spread<'a> {
    /// The members of this object.
    #[must_use]
    pub fn of(view: View<'a>) -> Self {
        let bytes = view.bytes();
        let mut spread = Self { bytes, noted: [(0, &[]); NOTED], count: 0, whole: true };
        let mut rest = bytes;
        while let Some(label) = take_name(&mut rest) {
            let value = rest;
            if take_raw(&mut rest).is_none() {
                break;
            }
            // Names that the dictionary lacks are looked for each time: few objects have any.
            let Label::Number(number) = label else { continue };
            match (spread.noted.get_mut(spread.count), u16::try_from(number)) {
                (Some(place), Ok(number)) => {
                    *place = (number, value);
                    spread.count += 1;
                }
                (None, _) | (_, Err(_)) => spread.whole = false,
            }
        }
        spread
    }

    /// The value of a member.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Node<'a>> {
        let Some(wanted) = names::number_of(name) else { return find(self.bytes, name) };
        let noted = self.noted.get(..self.count).unwrap_or_default();
        match noted.iter().find(|(number, _)| *number == wanted) {
            Some((_, value)) => next_item(&mut &**value),
            None if self.whole => None,
            None => find(self.bytes, name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packed::Packed;
    use crate::value::{Object, Value};

    /// Seen to catch: `whole` that is never false, and a value noted from behind itself.
    #[test]
    fn a_spread_finds_what_the_object_has() {
        for count in [0, 1, 31, 32, 33, 60] {
            let mut object = Object::new();
            for name in names::NAMES.iter().take(count) {
                object.set(*name, Value::String(format!("the {name}")));
            }
            object.set("ours", Value::Integer(7));
            let packed = Packed::pack(&object);
            let spread = Spread::of(packed.view());
            for name in names::NAMES.iter().chain(&["ours", "theirs"]) {
                let found = spread.get(name).map(Node::to_value);
                assert_eq!(found.as_ref(), object.get(name), "{name} among {count}");
            }
        }
    }
}
