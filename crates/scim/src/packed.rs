//! An object as one allocation that is walked in place.
//!
//! ```text
//! object  = *( name value )                  one after the other; the length is the allocation's
//! name    = %x00-EF                          its number in the dictionary
//!         / %xF0-FE byte                     240 + 256 * (first - F0) + second
//!         / %xFF length text                 a name that the dictionary lacks
//! value   = %x00 / %x01                      false, true
//!         / %x02 varint                      integer, zigzag
//!         / %x03 8byte                       decimal, little-endian
//!         / %x04 length text                 string of 120 bytes and more
//!         / %x05 length *value               list
//!         / %x06 length object               complex
//!         / %x07                             null, only where a bare value is stored
//!         / %x88-FF text                     string of 0 to 119 bytes
//! length  = varint                           little-endian groups of seven bits, shortest form
//! ```
//!
//! The bytes go into the event log, so none of this may change. Names by number make an object self-contained: it is read
//! without a schema.

mod decode;
mod encode;

use std::fmt;
use std::hash::{Hash, Hasher};

use serde::de::{Deserialize, Deserializer};
use serde::ser::{Serialize, SerializeMap, Serializer};
use thiserror::Error;

pub(crate) use decode::{
    decode_members, decode_value, find, next_item, next_label, next_member, offsets, read_bytes,
};
pub(crate) use encode::{encode_members, encode_name, encode_nested, encode_node, encode_value};

use crate::node::{ComplexView, Members, Node};
use crate::value::Object;

pub(crate) mod tag {
    pub(crate) const FALSE: u8 = 0x00;
    pub(crate) const TRUE: u8 = 0x01;
    pub(crate) const INTEGER: u8 = 0x02;
    pub(crate) const DECIMAL: u8 = 0x03;
    pub(crate) const STRING: u8 = 0x04;
    pub(crate) const LIST: u8 = 0x05;
    pub(crate) const COMPLEX: u8 = 0x06;
    pub(crate) const NULL: u8 = 0x07;
    /// The tag of the empty string; a short string's tag is this plus its length.
    pub(crate) const SHORT: u8 = 0x88;
    /// The longest short string, in bytes.
    pub(crate) const SHORT_MOST: usize = 119;
    /// What announces a name that the dictionary lacks.
    pub(crate) const INLINE: u8 = 0xff;
}

/// Bytes that are no packed object.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
#[error("the bytes are no packed object: {what} at byte {at}")]
pub struct Malformed {
    what: &'static str,
    at: usize,
}

/// A packed object. It holds no nulls.
#[derive(Clone, Default, PartialEq, Eq)]
// INVARIANT (packed): the bytes are well-formed and use the dictionary wherever it has the name. Only `pack` and
// `from_bytes` make one.
pub struct Packed(Box<[u8]>);

impl Packed {
    /// Packs an object; nulls are left out at every level.
    #[must_use]
    pub fn pack(object: &Object) -> Self {
        Self(encode::pack(object))
    }

    /// Takes bytes that [`Packed::as_bytes`] gave, in this release or an older one.
    ///
    /// # Errors
    /// [`Malformed`] if any walk over the bytes would go astray.
    pub fn from_bytes(bytes: Box<[u8]>) -> Result<Self, Malformed> {
        let checked = decode::check(&bytes)?;
        // An older release wrote names out that the dictionary has learnt since. Equality is by bytes, so they are rewritten.
        Ok(if checked.canonical { Self(bytes) } else { Self(encode::repack(&bytes)) })
    }

    /// The bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The object to walk.
    #[must_use]
    pub fn view(&self) -> View<'_> {
        View(&self.0)
    }

    /// The object to change.
    #[must_use]
    pub fn unpack(&self) -> Object {
        ComplexView::from(self.view()).to_object()
    }

    /// Whether there are no members.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<&Object> for Packed {
    fn from(object: &Object) -> Self {
        Self::pack(object)
    }
}

impl Hash for Packed {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl fmt::Debug for Packed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.unpack(), f)
    }
}

impl Serialize for Packed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if !serializer.is_human_readable() {
            return serializer.serialize_bytes(&self.0);
        }
        let mut map = serializer.serialize_map(None)?;
        for (name, node) in self.view().iter() {
            map.serialize_entry(name, &node.to_value())?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for Packed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            Object::deserialize(deserializer).map(|object| Self::pack(&object))
        } else {
            read_bytes(deserializer, |bytes| Self::from_bytes(bytes.into()))
        }
    }
}

/// A packed object, borrowed.
#[derive(Clone, Copy)]
pub struct View<'a>(&'a [u8]);

impl<'a> View<'a> {
    /// An object without members.
    pub const EMPTY: View<'static> = View(&[]);

    /// The value of a member.
    #[must_use]
    pub fn get(self, name: &str) -> Option<Node<'a>> {
        find(self.0, name)
    }

    /// The members in order.
    #[must_use]
    pub fn iter(self) -> Members<'a> {
        Members::packed(self.0)
    }

    /// Whether there are no members.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn of_bytes(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(crate) fn bytes(self) -> &'a [u8] {
        self.0
    }
}

impl fmt::Debug for View<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

impl<'a> IntoIterator for View<'a> {
    type Item = (&'a str, Node<'a>);
    type IntoIter = Members<'a>;

    fn into_iter(self) -> Members<'a> {
        self.iter()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::value::Value;
    use crate::value::tests::{any_object, any_value, object};

    fn without_nulls(value: Value) -> Option<Value> {
        match value {
            Value::Null => None,
            Value::List(items) => {
                Some(Value::List(items.into_iter().filter_map(without_nulls).collect()))
            }
            Value::Complex(object) => {
                let kept = object.into_iter().filter_map(|(n, v)| without_nulls(v).map(|v| (n, v)));
                Some(Value::Complex(kept.collect()))
            }
            Value::Bool(_) | Value::Integer(_) | Value::Decimal(_) | Value::String(_) => {
                Some(value)
            }
        }
    }

    #[test]
    fn the_released_bytes() {
        let packed = Packed::pack(&object(
            r#"{"userName":"bj","active":true,"emails":[{"value":"a@b","primary":false}],"x":-3,"ratio":0.5,"gone":null}"#,
        ));
        let expected = b"\x00\x8abj\x03\x01\x05\x05\x09\x06\x07\x06\x8ba@b\x08\x00\xff\x01x\x02\x05\xff\x05ratio\x03\0\0\0\0\0\0\xe0\x3f";
        assert_eq!(packed.as_bytes(), expected);
    }

    #[test]
    fn members_are_found_in_place() {
        let packed = Packed::pack(&object(
            r#"{"userName":"bj","name":{"givenName":"B"},"emails":[{"value":"a"},{"value":"b"}],"own":1}"#,
        ));
        let view = packed.view();
        assert_eq!(view.get("userName").unwrap().as_str(), Some("bj"));
        assert_eq!(
            view.get("name").unwrap().as_complex().unwrap().get("givenName").unwrap().as_str(),
            Some("B")
        );
        let mails = view.get("emails").unwrap().as_list().unwrap().iter();
        assert_eq!(
            mails
                .map(|mail| mail.as_complex().unwrap().get("value").unwrap().as_str().unwrap())
                .collect::<Vec<_>>(),
            ["a", "b"]
        );
        assert!(matches!(view.get("own"), Some(Node::Integer(1))));
        assert!(view.get("title").is_none());
    }

    #[test]
    fn a_user_takes_little_more_than_its_text() {
        let user = object(
            r#"{"userName":"bjensen@example.com","externalId":"701984","name":{"familyName":"Jensen","givenName":"Barbara"},
            "displayName":"Babs Jensen","title":"Tour Guide","active":true,"emails":[{"value":"bjensen@example.com","type":"work","primary":true},
            {"value":"babs@jensen.org","type":"home"}],"phoneNumbers":[{"value":"555-555-5555","type":"work"}]}"#,
        );
        fn texts(value: &Value) -> (usize, usize) {
            let sum = |(text, count), (more, one)| (text + more, count + one);
            match value {
                Value::String(text) => (text.len(), 1),
                Value::List(items) => items.iter().map(texts).fold((0, 1), sum),
                Value::Complex(object) => {
                    object.iter().map(|(_, value)| texts(value)).fold((0, 1), sum)
                }
                Value::Null | Value::Bool(_) | Value::Integer(_) | Value::Decimal(_) => (0, 1),
            }
        }
        let (text, values) = texts(&Value::Complex(user.clone()));
        assert!(Packed::pack(&user).as_bytes().len() <= text + 3 * values);
    }

    #[test]
    fn a_name_that_the_dictionary_learnt_is_rewritten() {
        let old = b"\xff\x08userName\x8abj".to_vec().into_boxed_slice();
        assert_eq!(Packed::from_bytes(old).unwrap(), Packed::pack(&object(r#"{"userName":"bj"}"#)));
    }

    #[test]
    fn what_is_not_packed_is_refused() {
        let bad: &[&[u8]] = &[
            b"\x00",
            b"\x00\x07",
            b"\x00\x20",
            b"\xef\x00",
            b"\xf1",
            b"\x00\x8a\xff\xff",
            b"\x00\x04\x80\x01",
            b"\x00\x04\x01a",
            b"\x00\x05\x02\x8aa",
            b"\x00\x02\x80\x00",
            b"\x00\x02\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f",
            b"\x00\x03\0\0\0\0\0\0\xf0\x7f",
            b"\xff\x00\x01",
        ];
        for bytes in bad {
            assert!(Packed::from_bytes((*bytes).into()).is_err(), "{bytes:x?}");
        }
        let mut deep = Vec::new();
        for _ in 0..60 {
            let mut outer = vec![0x05, u8::try_from(deep.len()).unwrap()];
            outer.append(&mut deep);
            deep = outer;
        }
        deep.insert(0, 0);
        assert!(Packed::from_bytes(deep.into()).is_err());
    }

    proptest! {
        #[test]
        fn unpacking_gives_what_was_packed(object in any_object()) {
            let packed = Packed::pack(&object);
            let expected = without_nulls(Value::Complex(object)).unwrap();
            prop_assert_eq!(&Value::Complex(packed.unpack()), &expected);
            let again = Packed::from_bytes(packed.as_bytes().into()).unwrap();
            prop_assert_eq!(&again, &packed);
            let text = serde_json::to_string(&packed).unwrap();
            prop_assert_eq!(serde_json::from_str::<Packed>(&text).unwrap(), packed);
        }

        #[test]
        fn bare_values_keep_their_nulls(value in any_value()) {
            prop_assert_eq!(decode_value(&encode_value(&value)).unwrap(), value);
        }

        #[test]
        fn no_bytes_make_a_walk_panic(bytes in prop::collection::vec(prop_oneof![0u8..16, 0x88u8..0x90, any::<u8>()], 0..40)) {
            let _value = decode_value(&bytes);
            if let Ok(packed) = Packed::from_bytes(bytes.into()) {
                let object = packed.unpack();
                for (name, value) in &object {
                    prop_assert!(packed.view().get(name).is_some());
                    let _kind = value.kind();
                }
            }
        }
    }
}
