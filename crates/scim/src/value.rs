//! A JSON value as SCIM sees it: objects keep their order and their names, numbers are whole or not.

mod read;

use std::borrow::{Borrow, Cow};
use std::fmt;
use std::ops::Deref;

use serde::de::{Deserialize, Deserializer};
use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::error::Invalid;
use crate::{names, packed};

/// An attribute name or a schema URN. The names of the built-in schemas are never allocated.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(Cow<'static, str>);

impl Name {
    /// A name in exactly this spelling.
    #[must_use]
    pub fn new(name: &str) -> Self {
        match names::interned(name) {
            Some(known) => Self(Cow::Borrowed(known)),
            None => Self(Cow::Owned(name.to_owned())),
        }
    }

    /// A name that is written in the program.
    #[must_use]
    pub const fn known(name: &'static str) -> Self {
        Self(Cow::Borrowed(name))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Deref for Name {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl AsRef<str> for Name {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for Name {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Name {
    fn from(name: &str) -> Self {
        Self::new(name)
    }
}

impl From<String> for Name {
    fn from(name: String) -> Self {
        match names::interned(&name) {
            Some(known) => Self(Cow::Borrowed(known)),
            None => Self(Cow::Owned(name)),
        }
    }
}

impl PartialEq<str> for Name {
    fn eq(&self, other: &str) -> bool {
        self.as_str() == other
    }
}

impl PartialEq<&str> for Name {
    fn eq(&self, other: &&str) -> bool {
        self.as_str() == *other
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self)
    }
}

impl Serialize for Name {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self)
    }
}

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::from)
    }
}

/// A value on the wire.
#[derive(Clone, PartialEq, Debug, Default)]
pub enum Value {
    /// `null`: the same as absent (RFC 7643 §2.5), but kept where a client's `null` means something.
    #[default]
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number without fraction and exponent, within 64 bits.
    Integer(i64),
    /// Any other number.
    Decimal(f64),
    /// Text.
    String(String),
    /// An array.
    List(Vec<Value>),
    /// An object.
    Complex(Object),
}

impl Value {
    /// Reads a JSON text: a request body.
    ///
    /// # Errors
    /// 400 `invalidSyntax` if the bytes are no UTF-8 or no JSON, if an object names one attribute twice, also in another
    /// case (RFC 7643 §2.1), or if it is nested deeper than [`limits::JSON_DEPTH_LEVELS`](crate::limits::JSON_DEPTH_LEVELS).
    pub fn parse(bytes: &[u8]) -> Result<Self, Invalid> {
        read::parse(bytes)
    }

    /// Whether this is one of the ways to say "unassigned": `null`, `[]` or `{}` (RFC 7643 §2.5).
    #[must_use]
    pub fn is_unassigned(&self) -> bool {
        match self {
            Self::Null => true,
            Self::List(items) => items.is_empty(),
            Self::Complex(object) => object.is_empty(),
            Self::Bool(_) | Self::Integer(_) | Self::Decimal(_) | Self::String(_) => false,
        }
    }

    /// Whether two values say the same. The order of members and of the elements of arrays doesn't count (RFC 7643 §2.4).
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        self == other || sorted(self) == sorted(other)
    }

    /// The text, if it is one.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        if let Self::String(text) = self { Some(text) } else { None }
    }

    /// The boolean, if it is one.
    #[must_use]
    pub fn as_bool(&self) -> Option<bool> {
        if let Self::Bool(flag) = self { Some(*flag) } else { None }
    }

    /// The elements, if it is an array.
    #[must_use]
    pub fn as_list(&self) -> Option<&[Self]> {
        if let Self::List(items) = self { Some(items) } else { None }
    }

    /// The object, if it is one.
    #[must_use]
    pub fn as_complex(&self) -> Option<&Object> {
        if let Self::Complex(object) = self { Some(object) } else { None }
    }

    /// What kind of JSON this is, for messages.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Integer(_) | Self::Decimal(_) => "a number",
            Self::String(_) => "a string",
            Self::List(_) => "an array",
            Self::Complex(_) => "an object",
        }
    }

    /// The value as JSON text.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.write_json(&mut out);
        out
    }

    /// Writes the value as JSON text, `null`s included.
    pub fn write_json(&self, out: &mut Vec<u8>) {
        match self {
            Self::Null => out.extend_from_slice(b"null"),
            Self::Bool(flag) => out.extend_from_slice(if *flag { b"true" } else { b"false" }),
            Self::Integer(number) => crate::json::write_integer(out, *number),
            Self::Decimal(number) => crate::json::write_decimal(out, *number),
            Self::String(text) => crate::json::write_text(out, text),
            Self::List(items) => {
                out.push(b'[');
                for (at, item) in items.iter().enumerate() {
                    if at > 0 {
                        out.push(b',');
                    }
                    item.write_json(out);
                }
                out.push(b']');
            }
            Self::Complex(object) => object.write_json(out),
        }
    }
}

impl From<bool> for Value {
    fn from(flag: bool) -> Self {
        Self::Bool(flag)
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Integer(number)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::String(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::String(text)
    }
}

impl From<Vec<Value>> for Value {
    fn from(items: Vec<Value>) -> Self {
        Self::List(items)
    }
}

impl From<Object> for Value {
    fn from(object: Object) -> Self {
        Self::Complex(object)
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if !serializer.is_human_readable() {
            return serializer.serialize_bytes(&packed::encode_value(self));
        }
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(flag) => serializer.serialize_bool(*flag),
            Self::Integer(number) => serializer.serialize_i64(*number),
            Self::Decimal(number) => serializer.serialize_f64(*number),
            Self::String(text) => serializer.serialize_str(text),
            Self::List(items) => serializer.collect_seq(items),
            Self::Complex(object) => object.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            read::human(deserializer)
        } else {
            packed::read_bytes(deserializer, packed::decode_value)
        }
    }
}

/// An object: names and values in the order in which they were given. Names are compared exactly; the schema's spelling is
/// brought in by [`admit`](crate::admit).
#[derive(Clone, PartialEq, Default)]
pub struct Object(Vec<(Name, Value)>);

impl Object {
    /// An object without members.
    #[must_use]
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// The value of a member.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }

    /// The value of a member, to change it.
    pub fn get_mut(&mut self, name: &str) -> Option<&mut Value> {
        self.0.iter_mut().find(|(known, _)| known == name).map(|(_, value)| value)
    }

    /// The value of a member whose name is spelled like this but for case.
    #[must_use]
    pub fn get_any_case(&self, name: &str) -> Option<&Value> {
        self.0.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// Sets a member, in its place if it is there, at the end if not. Returns what was there.
    pub fn set(&mut self, name: impl Into<Name>, value: impl Into<Value>) -> Option<Value> {
        let (name, value) = (name.into(), value.into());
        match self.get_mut(&name) {
            Some(there) => Some(std::mem::replace(there, value)),
            None => {
                self.0.push((name, value));
                None
            }
        }
    }

    /// Adds a member that isn't there yet, without looking.
    pub(crate) fn push(&mut self, name: Name, value: Value) {
        self.0.push((name, value));
    }

    /// Removes a member and returns its value.
    pub fn remove(&mut self, name: &str) -> Option<Value> {
        let at = self.0.iter().position(|(known, _)| known == name)?;
        Some(self.0.remove(at).1)
    }

    /// The same as [`Object::remove`]: takes a value out to keep it.
    pub fn take(&mut self, name: &str) -> Option<Value> {
        self.remove(name)
    }

    /// The members in order.
    pub fn iter(&self) -> std::slice::Iter<'_, (Name, Value)> {
        self.0.iter()
    }

    /// The members in order, to change them.
    pub(crate) fn iter_mut(&mut self) -> std::slice::IterMut<'_, (Name, Value)> {
        self.0.iter_mut()
    }

    /// How many members there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Keeps the members for which this holds.
    pub fn retain(&mut self, mut keep: impl FnMut(&Name, &Value) -> bool) {
        self.0.retain(|(name, value)| keep(name, value));
    }

    /// Writes the object as JSON text, `null`s included.
    pub fn write_json(&self, out: &mut Vec<u8>) {
        out.push(b'{');
        for (at, (name, value)) in self.0.iter().enumerate() {
            if at > 0 {
                out.push(b',');
            }
            crate::json::write_text(out, name);
            out.push(b':');
            value.write_json(out);
        }
        out.push(b'}');
    }
}

/// A value's JSON text with everything in order that has none.
fn sorted(value: &Value) -> Vec<u8> {
    match value {
        Value::List(items) => {
            let mut texts: Vec<_> = items.iter().map(sorted).collect();
            texts.sort_unstable();
            [b"[", texts.join(&b',').as_slice(), b"]"].concat()
        }
        Value::Complex(object) => {
            let text = |(name, value): &(Name, Value)| {
                let mut text = Vec::new();
                crate::json::write_text(&mut text, name);
                text.push(b':');
                text.extend(sorted(value));
                text
            };
            let mut texts: Vec<_> = object.iter().map(text).collect();
            texts.sort_unstable();
            [b"{", texts.join(&b',').as_slice(), b"}"].concat()
        }
        Value::Null | Value::Bool(_) | Value::Integer(_) | Value::Decimal(_) | Value::String(_) => {
            value.to_json()
        }
    }
}

impl fmt::Debug for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.0.iter().map(|(name, value)| (name, value))).finish()
    }
}

/// A name given twice counts once, with the last value.
impl<N: Into<Name>, V: Into<Value>> FromIterator<(N, V)> for Object {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(members: I) -> Self {
        let mut object = Self::new();
        for (name, value) in members {
            object.set(name, value);
        }
        object
    }
}

impl IntoIterator for Object {
    type Item = (Name, Value);
    type IntoIter = std::vec::IntoIter<(Name, Value)>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'a> IntoIterator for &'a Object {
    type Item = &'a (Name, Value);
    type IntoIter = std::slice::Iter<'a, (Name, Value)>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

impl Serialize for Object {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if !serializer.is_human_readable() {
            return serializer.serialize_bytes(&packed::encode_members(self));
        }
        let mut map = serializer.serialize_map(Some(self.len()))?;
        for (name, value) in self {
            map.serialize_entry(name.as_str(), value)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if !deserializer.is_human_readable() {
            return packed::read_bytes(deserializer, packed::decode_members);
        }
        match read::human(deserializer)? {
            Value::Complex(object) => Ok(object),
            other @ (Value::Null
            | Value::Bool(_)
            | Value::Integer(_)
            | Value::Decimal(_)
            | Value::String(_)
            | Value::List(_)) => Err(serde::de::Error::custom(format_args!(
                "{} where an object is due",
                other.kind()
            ))),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use proptest::prelude::*;

    use super::*;

    /// An object from JSON.
    pub(crate) fn object(text: &str) -> Object {
        Value::parse(text.as_bytes()).unwrap().as_complex().unwrap().clone()
    }

    /// Any value, `null`s included.
    pub(crate) fn any_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::Bool),
            any::<i64>().prop_map(Value::Integer),
            // Eighths read back exactly; whole ones would read back as integers.
            (-4000i32..4000)
                .prop_filter("whole", |n| n % 8 != 0)
                .prop_map(|n| Value::Decimal(f64::from(n) / 8.0)),
            "\\PC{0,12}".prop_map(Value::String),
            "[a-z]{120,140}".prop_map(Value::String),
        ];
        leaf.prop_recursive(4, 40, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Value::List),
                any_members(inner).prop_map(Value::Complex),
            ]
        })
    }

    /// Any object.
    pub(crate) fn any_object() -> impl Strategy<Value = Object> {
        any_members(any_value())
    }

    fn any_members(value: impl Strategy<Value = Value>) -> impl Strategy<Value = Object> {
        let name = prop_oneof![
            "[a-e]{1,2}",
            Just("userName".to_owned()),
            Just("value".to_owned()),
            "urn:[a-c]:2\\.0:X"
        ];
        prop::collection::vec((name, value), 0..6).prop_map(|members| members.into_iter().collect())
    }

    fn parsed(text: &str) -> Value {
        Value::parse(text.as_bytes()).unwrap()
    }

    fn refused(text: &[u8], detail: &str) {
        let fault = Value::parse(text).unwrap_err();
        assert_eq!(fault.kind, crate::ScimType::InvalidSyntax);
        assert!(fault.detail.contains(detail), "{} lacks {detail}", fault.detail);
    }

    #[test]
    fn numbers_are_whole_or_not() {
        assert_eq!(parsed("1"), Value::Integer(1));
        assert_eq!(parsed("-9223372036854775808"), Value::Integer(i64::MIN));
        assert_eq!(parsed("9223372036854775808"), Value::Decimal(9_223_372_036_854_775_808.0));
        assert_eq!(parsed("1.0"), Value::Decimal(1.0));
        assert_eq!(parsed("1e2"), Value::Decimal(100.0));
        refused(b"1e999", "out of range");
        // Found by fuzzing: the nearest double is the one that its own text reads back as.
        let long = parsed(&format!("111111111{}16397105843297379212", "0".repeat(99)));
        assert_eq!(Value::parse(&long.to_json()).unwrap(), long);
    }

    #[test]
    fn order_is_kept() {
        let text = r#"{"b":1,"a":[true,null,{"z":"ü","y":[]}]}"#;
        assert_eq!(String::from_utf8(parsed(text).to_json()).unwrap(), text);
        assert_eq!(serde_json::to_string(&parsed(text)).unwrap(), text);
        assert_eq!(serde_json::from_str::<Value>(text).unwrap(), parsed(text));
    }

    #[test]
    fn r_7643_2_1_03_a_name_given_twice_is_refused() {
        refused(br#"{"a":1,"b":2,"A":3}"#, "`A` is given twice");
        refused(br#"{"x":[{"value":1,"value":2}]}"#, "`value` is given twice");
        let many: String = (0..40).map(|n| format!("\"n{n}\":0,")).collect();
        refused(format!("{{{many}\"N7\":1}}").as_bytes(), "`N7` is given twice");
    }

    #[test]
    fn what_is_no_json_is_refused() {
        refused(b"", "no JSON");
        refused(b"{", "no JSON");
        refused(b"{}x", "no JSON");
        refused(b"{\"a\":\"\xff\"}", "UTF-8");
        refused(b"{'a':1}", "no JSON");
        refused(b"{\"a\":\"\\ud800\"}", "no JSON");
        refused(b"\xef\xbb\xbf{}", "no JSON");
        refused("[".repeat(33).as_bytes(), "32 levels");
        refused("[".repeat(100_000).as_bytes(), "32 levels");
        let deepest = format!("{}{}", "[".repeat(32), "]".repeat(32));
        assert!(Value::parse(deepest.as_bytes()).is_ok());
    }

    #[test]
    fn known_names_are_not_allocated() {
        assert!(matches!(Name::new("userName").0, Cow::Borrowed(_)));
        assert!(matches!(Name::new("username").0, Cow::Owned(_)));
        assert_eq!(Name::new("userName"), Name::from("userName".to_owned()));
    }

    proptest! {
        #[test]
        fn written_json_reads_back(value in any_value()) {
            prop_assert_eq!(Value::parse(&value.to_json()).unwrap(), value);
        }

        #[test]
        fn no_bytes_make_reading_panic(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            let _read = Value::parse(&bytes);
        }
    }
}
