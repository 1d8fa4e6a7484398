//! Writing the packed encoding.

use super::tag;
use crate::names::{self, ONE_BYTE};
use crate::node::{ComplexView, Node};
use crate::value::{Object, Value};

/// What to do with nulls.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Nulls {
    Keep,
    Drop,
}

pub(super) fn pack(object: &Object) -> Box<[u8]> {
    let mut out = Vec::new();
    members(&mut out, object, Nulls::Drop);
    out.into_boxed_slice()
}

/// Writes well-formed bytes anew, with the dictionary of today.
pub(super) fn repack(bytes: &[u8]) -> Box<[u8]> {
    pack(&ComplexView::packed(bytes).to_object())
}

/// A bare value, nulls kept.
pub(crate) fn encode_value(bare: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    value(&mut out, bare, Nulls::Keep);
    out
}

/// A bare object, nulls kept.
pub(crate) fn encode_members(object: &Object) -> Vec<u8> {
    let mut out = Vec::new();
    members(&mut out, object, Nulls::Keep);
    out
}

fn members(out: &mut Vec<u8>, object: &Object, nulls: Nulls) {
    for (known, inner) in object {
        if nulls == Nulls::Drop && *inner == Value::Null {
            continue;
        }
        encode_name(out, known);
        value(out, inner, nulls);
    }
}

/// A member's name.
pub(crate) fn encode_name(out: &mut Vec<u8>, name: &str) {
    let Some(number) = names::number_of(name) else {
        out.push(tag::INLINE);
        varint(out, length(name.len()));
        out.extend_from_slice(name.as_bytes());
        return;
    };
    match number.checked_sub(u16::from(ONE_BYTE)) {
        None => out.push(number.to_le_bytes()[0]),
        Some(beyond) => {
            let [page, at] = beyond.to_be_bytes();
            out.push(ONE_BYTE + page);
            out.push(at);
        }
    }
}

fn value(out: &mut Vec<u8>, value: &Value, nulls: Nulls) {
    match value {
        Value::Null => out.push(tag::NULL),
        Value::List(items) => encode_nested(out, tag::LIST, |out| {
            for item in items.iter().filter(|item| nulls == Nulls::Keep || **item != Value::Null) {
                self::value(out, item, nulls);
            }
        }),
        Value::Complex(object) => {
            encode_nested(out, tag::COMPLEX, |out| members(out, object, nulls))
        }
        Value::Bool(_) | Value::Integer(_) | Value::Decimal(_) | Value::String(_) => {
            if let Some(node) = Node::of(value) {
                scalar(out, node);
            }
        }
    }
}

fn scalar(out: &mut Vec<u8>, node: Node<'_>) {
    match node {
        Node::Bool(flag) => out.push(if flag { tag::TRUE } else { tag::FALSE }),
        Node::Integer(number) => {
            out.push(tag::INTEGER);
            varint(out, ((number << 1) ^ (number >> 63)).cast_unsigned());
        }
        Node::Decimal(number) => {
            out.push(tag::DECIMAL);
            out.extend_from_slice(&number.to_le_bytes());
        }
        Node::String(text) => {
            match u8::try_from(text.len()) {
                Ok(short) if text.len() <= tag::SHORT_MOST => out.push(tag::SHORT + short),
                Ok(_) | Err(_) => {
                    out.push(tag::STRING);
                    varint(out, length(text.len()));
                }
            }
            out.extend_from_slice(text.as_bytes());
        }
        Node::List(_) | Node::Complex(_) => {}
    }
}

/// A value that is there already.
pub(crate) fn encode_node(out: &mut Vec<u8>, node: Node<'_>) {
    match node {
        Node::List(list) => encode_nested(out, tag::LIST, |out| {
            list.iter().for_each(|item| encode_node(out, item));
        }),
        Node::Complex(object) => encode_nested(out, tag::COMPLEX, |out| {
            for (name, node) in object.iter() {
                encode_name(out, name);
                encode_node(out, node);
            }
        }),
        Node::Bool(_) | Node::Integer(_) | Node::Decimal(_) | Node::String(_) => scalar(out, node),
    }
}

/// Writes what is inside and puts its length in front of it.
pub(crate) fn encode_nested(out: &mut Vec<u8>, tag: u8, inside: impl FnOnce(&mut Vec<u8>)) {
    out.push(tag);
    let start = out.len();
    inside(out);
    let end = out.len();
    varint(out, length(end - start));
    let prefix = out.len() - end;
    if let Some(all) = out.get_mut(start..) {
        all.rotate_right(prefix);
    }
}

fn varint(out: &mut Vec<u8>, mut number: u64) {
    loop {
        let low = number.to_le_bytes()[0] & 0x7f;
        number >>= 7;
        if number == 0 {
            return out.push(low);
        }
        out.push(low | 0x80);
    }
}

fn length(bytes: usize) -> u64 {
    // No platform has lengths beyond 64 bits.
    u64::try_from(bytes).unwrap_or(u64::MAX)
}
