//! Reading the packed encoding. A walk over checked bytes always succeeds; over any others it ends early, never in a panic.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserializer, Error, SeqAccess, Visitor};

use super::{Malformed, tag};
use crate::limits;
use crate::names::{self, ONE_BYTE};
use crate::node::{self, ComplexView, ListView, Node};
use crate::value::{Name, Object, Value};

/// Takes the next member off the front.
pub(crate) fn next_member<'a>(rest: &mut &'a [u8]) -> Option<(&'a str, Node<'a>)> {
    let (label, node) = next_label(rest)?;
    Some((label.name()?, node))
}

/// The same with its name as it is stored.
pub(crate) fn next_label<'a>(rest: &mut &'a [u8]) -> Option<(node::Label<'a>, Node<'a>)> {
    let label = label(take_name(rest)?)?;
    Some((label, next_item(rest)?))
}

/// Tells where each member's value begins.
pub(crate) fn offsets<'a>(bytes: &'a [u8], mut tell: impl FnMut(node::Label<'a>, u32)) {
    let mut rest = bytes;
    while let Some(name) = take_name(&mut rest) {
        let at = bytes.len() - rest.len();
        if take_raw(&mut rest).is_none() {
            break;
        }
        if let (Some(label), Ok(at)) = (label(name), u32::try_from(at)) {
            tell(label, at);
        }
    }
}

fn label(name: Label<'_>) -> Option<node::Label<'_>> {
    Some(match name {
        Label::Number(number) => node::Label::Number(number),
        Label::Inline(text) => node::Label::Name(std::str::from_utf8(text).ok()?),
    })
}

/// Takes the next value off the front.
pub(crate) fn next_item<'a>(rest: &mut &'a [u8]) -> Option<Node<'a>> {
    of_raw(take_raw(rest)?)
}

/// The value of a member. The names and values in front of it are stepped over, not read.
pub(crate) fn find<'a>(bytes: &'a [u8], name: &str) -> Option<Node<'a>> {
    let wanted = names::number_of(name).map(usize::from);
    let mut rest = bytes;
    while !rest.is_empty() {
        let found = match (take_name(&mut rest)?, wanted) {
            (Label::Number(number), Some(wanted)) => number == wanted,
            (Label::Inline(text), None) => text == name.as_bytes(),
            (Label::Number(_), None) | (Label::Inline(_), Some(_)) => false,
        };
        let raw = take_raw(&mut rest)?;
        if found {
            return of_raw(raw);
        }
    }
    None
}

pub(super) enum Label<'a> {
    Number(usize),
    Inline(&'a [u8]),
}

pub(super) fn take_name<'a>(rest: &mut &'a [u8]) -> Option<Label<'a>> {
    let first = take_byte(rest)?;
    if first < ONE_BYTE {
        return Some(Label::Number(usize::from(first)));
    }
    if first == tag::INLINE {
        return take_counted(rest).map(Label::Inline);
    }
    let second = take_byte(rest)?;
    Some(Label::Number(
        usize::from(ONE_BYTE) + usize::from(first - ONE_BYTE) * 256 + usize::from(second),
    ))
}

/// A value's bytes, not yet looked into.
pub(super) enum Raw<'a> {
    Null,
    Bool(bool),
    Integer(i64),
    Decimal(f64),
    String(&'a [u8]),
    List(&'a [u8]),
    Complex(&'a [u8]),
}

#[inline]
pub(super) fn take_raw<'a>(rest: &mut &'a [u8]) -> Option<Raw<'a>> {
    let first = take_byte(rest)?;
    // Nearly everything that is stored is a short text.
    if let Some(length) = first.checked_sub(tag::SHORT) {
        return take(rest, usize::from(length)).map(Raw::String);
    }
    Some(match first {
        tag::FALSE => Raw::Bool(false),
        tag::TRUE => Raw::Bool(true),
        tag::INTEGER => {
            let zigzag = take_varint(rest)?;
            Raw::Integer((zigzag >> 1).cast_signed() ^ -((zigzag & 1).cast_signed()))
        }
        tag::DECIMAL => {
            let (number, tail) = rest.split_first_chunk::<8>()?;
            *rest = tail;
            Raw::Decimal(f64::from_le_bytes(*number))
        }
        // A short string in the long form would be a second encoding of one value.
        tag::STRING => Raw::String(take_counted(rest).filter(|text| text.len() > tag::SHORT_MOST)?),
        tag::LIST => Raw::List(take_counted(rest)?),
        tag::COMPLEX => Raw::Complex(take_counted(rest)?),
        tag::NULL => Raw::Null,
        _ => return None,
    })
}

fn of_raw(raw: Raw<'_>) -> Option<Node<'_>> {
    Some(match raw {
        Raw::Null => return None,
        Raw::Bool(flag) => Node::Bool(flag),
        Raw::Integer(number) => Node::Integer(number),
        Raw::Decimal(number) => Node::Decimal(number),
        Raw::String(text) => Node::String(std::str::from_utf8(text).ok()?),
        Raw::List(bytes) => Node::List(ListView::packed(bytes)),
        Raw::Complex(bytes) => Node::Complex(ComplexView::packed(bytes)),
    })
}

fn take_byte(rest: &mut &[u8]) -> Option<u8> {
    let (first, tail) = rest.split_first()?;
    *rest = tail;
    Some(*first)
}

fn take<'a>(rest: &mut &'a [u8], count: usize) -> Option<&'a [u8]> {
    let (taken, tail) = rest.split_at_checked(count)?;
    *rest = tail;
    Some(taken)
}

fn take_counted<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let count = usize::try_from(take_varint(rest)?).ok()?;
    take(rest, count)
}

fn take_varint(rest: &mut &[u8]) -> Option<u64> {
    let mut number = 0u64;
    for shift in (0..64).step_by(7) {
        let byte = take_byte(rest)?;
        let bits = u64::from(byte & 0x7f);
        if bits << shift >> shift != bits {
            return None;
        }
        number |= bits << shift;
        if byte & 0x80 == 0 {
            // Only the shortest form is well-formed: one value, one encoding.
            return if byte == 0 && shift > 0 { None } else { Some(number) };
        }
    }
    None
}

/// What was found out about well-formed bytes.
pub(super) struct Checked {
    /// Whether every name that the dictionary has is written by its number.
    pub(super) canonical: bool,
}

/// Walks everything once.
pub(super) fn check(bytes: &[u8]) -> Result<Checked, Malformed> {
    let mut checked = Checked { canonical: true };
    let mut checker = Checker { whole: bytes.len(), checked: &mut checked };
    checker.members(bytes, 0, limits::PACKED_DEPTH_LEVELS)?;
    Ok(checked)
}

struct Checker<'c> {
    whole: usize,
    checked: &'c mut Checked,
}

impl Checker<'_> {
    /// Checks members. `after` is how many bytes follow them in the whole, so that a fault can name its place.
    fn members(&mut self, bytes: &[u8], after: usize, depth: usize) -> Result<(), Malformed> {
        let mut rest = bytes;
        while !rest.is_empty() {
            let at = self.whole - after - rest.len();
            match take_name(&mut rest).ok_or(Malformed { what: "a name is cut off", at })? {
                Label::Number(number) => {
                    names::by_number(number)
                        .ok_or(Malformed { what: "a name's number is unknown", at })?;
                }
                Label::Inline(text) => {
                    let name = std::str::from_utf8(text)
                        .map_err(|_| Malformed { what: "a name is not UTF-8", at })?;
                    if name.is_empty() {
                        return Err(Malformed { what: "a name is empty", at });
                    }
                    self.checked.canonical &= names::number_of(name).is_none();
                }
            }
            self.value(&mut rest, after, depth)?;
        }
        Ok(())
    }

    fn value(&mut self, rest: &mut &[u8], after: usize, depth: usize) -> Result<(), Malformed> {
        let at = self.whole - after - rest.len();
        let raw = take_raw(rest)
            .ok_or(Malformed { what: "a value is cut off or of no known kind", at })?;
        let after = after + rest.len();
        let below = depth.checked_sub(1).ok_or(Malformed { what: "nested too deep", at });
        match raw {
            Raw::Null => Err(Malformed { what: "null", at }),
            Raw::Bool(_) | Raw::Integer(_) => Ok(()),
            Raw::Decimal(number) if number.is_finite() => Ok(()),
            Raw::Decimal(_) => Err(Malformed { what: "a decimal is not finite", at }),
            Raw::String(text) => match std::str::from_utf8(text) {
                Ok(_) => Ok(()),
                Err(_) => Err(Malformed { what: "a string is not UTF-8", at }),
            },
            Raw::List(mut items) => {
                let below = below?;
                while !items.is_empty() {
                    self.value(&mut items, after, below)?;
                }
                Ok(())
            }
            Raw::Complex(members) => self.members(members, after, below?),
        }
    }
}

const ASTRAY: Malformed =
    Malformed { what: "a stored value is cut off, too deep or not UTF-8", at: 0 };

/// Reads a bare value, nulls kept.
pub(crate) fn decode_value(bytes: &[u8]) -> Result<Value, Malformed> {
    let mut rest = bytes;
    let value = owned_value(&mut rest, limits::PACKED_DEPTH_LEVELS).ok_or(ASTRAY)?;
    if rest.is_empty() { Ok(value) } else { Err(ASTRAY) }
}

/// Reads a bare object, nulls kept.
pub(crate) fn decode_members(bytes: &[u8]) -> Result<Object, Malformed> {
    owned_members(bytes, limits::PACKED_DEPTH_LEVELS).ok_or(ASTRAY)
}

fn owned_members(bytes: &[u8], depth: usize) -> Option<Object> {
    let mut rest = bytes;
    let mut object = Object::new();
    while !rest.is_empty() {
        let name = match take_name(&mut rest)? {
            Label::Number(number) => Name::known(names::by_number(number)?),
            Label::Inline(text) => Name::new(std::str::from_utf8(text).ok()?),
        };
        object.push(name, owned_value(&mut rest, depth)?);
    }
    Some(object)
}

fn owned_value(rest: &mut &[u8], depth: usize) -> Option<Value> {
    Some(match take_raw(rest)? {
        Raw::Null => Value::Null,
        Raw::Bool(flag) => Value::Bool(flag),
        Raw::Integer(number) => Value::Integer(number),
        Raw::Decimal(number) => Value::Decimal(number),
        Raw::String(text) => Value::String(std::str::from_utf8(text).ok()?.to_owned()),
        Raw::List(mut items) => {
            let below = depth.checked_sub(1)?;
            let mut list = Vec::new();
            while !items.is_empty() {
                list.push(owned_value(&mut items, below)?);
            }
            Value::List(list)
        }
        Raw::Complex(members) => Value::Complex(owned_members(members, depth.checked_sub(1)?)?),
    })
}

/// Reads bytes from a binary format, whether it knows bytes or only sequences, and makes something of them.
pub(crate) fn read_bytes<'de, D, T, F>(deserializer: D, make: F) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    F: FnOnce(&[u8]) -> Result<T, Malformed>,
{
    struct Bytes<T, F>(F, PhantomData<T>);

    impl<'de, T, F: FnOnce(&[u8]) -> Result<T, Malformed>> Visitor<'de> for Bytes<T, F> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("bytes")
        }

        fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<T, E> {
            (self.0)(bytes).map_err(E::custom)
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<T, A::Error> {
            let mut bytes = Vec::new();
            while let Some(byte) = items.next_element::<u8>()? {
                bytes.push(byte);
            }
            self.visit_bytes(&bytes)
        }
    }

    deserializer.deserialize_bytes(Bytes(make, PhantomData))
}
