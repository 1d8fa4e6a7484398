//! Reading JSON with the checks that SCIM adds: no name twice, a bounded depth.

use std::collections::BTreeSet;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::{Name, Object, Value};
use crate::error::{Invalid, quoted};
use crate::limits;

/// Beyond this many members an object's names are compared through a set, so that no body costs quadratic time.
const LINEAR_MEMBERS: usize = 16;

pub(super) fn parse(bytes: &[u8]) -> Result<Value, Invalid> {
    let text = std::str::from_utf8(bytes).map_err(|fault| {
        Invalid::syntax(format!("the body is not UTF-8 from byte {} on", fault.valid_up_to()))
    })?;
    let mut reader = serde_json::Deserializer::from_str(text);
    let value =
        Depth::START.deserialize(&mut reader).and_then(|value| reader.end().map(|()| value));
    value.map_err(|fault| Invalid::syntax(format!("the body is no JSON that can be used: {fault}")))
}

/// Reads a value from any human-readable format.
pub(super) fn human<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Value, D::Error> {
    Depth::START.deserialize(deserializer)
}

/// Reads one value, so many levels above the deepest that is allowed.
#[derive(Clone, Copy)]
struct Depth(usize);

impl Depth {
    const START: Self = Self(limits::JSON_DEPTH_LEVELS);

    fn below<E: Error>(self) -> Result<Self, E> {
        let most = limits::JSON_DEPTH_LEVELS;
        self.0
            .checked_sub(1)
            .map(Self)
            .ok_or_else(|| E::custom(format_args!("nested deeper than {most} levels")))
    }
}

impl<'de> DeserializeSeed<'de> for Depth {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Depth {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: Error>(self, flag: bool) -> Result<Value, E> {
        Ok(Value::Bool(flag))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Value, E> {
        Ok(Value::Integer(number))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Value, E> {
        Ok(match i64::try_from(number) {
            Ok(number) => Value::Integer(number),
            Err(_) => {
                // A whole number beyond 64 bits is no SCIM integer (RFC 7643 §2.3.4); as a decimal it may lose digits.
                #[expect(clippy::cast_precision_loss, reason = "decimals are doubles")]
                let decimal = number as f64;
                Value::Decimal(decimal)
            }
        })
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Value, E> {
        if number.is_finite() {
            Ok(Value::Decimal(number))
        } else {
            Err(E::custom("number out of range"))
        }
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Value, E> {
        Ok(Value::String(text.to_owned()))
    }

    fn visit_string<E: Error>(self, text: String) -> Result<Value, E> {
        Ok(Value::String(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let below = self.below()?;
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(below)? {
            list.push(item);
        }
        Ok(Value::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let below = self.below()?;
        let mut object = Object::new();
        let mut seen: BTreeSet<String> = BTreeSet::new();
        while let Some(name) = members.next_key::<Name>()? {
            if is_there(&object, &mut seen, &name) {
                return Err(A::Error::custom(format_args!("{} is given twice", quoted(&name))));
            }
            let value = members.next_value_seed(below)?;
            object.push(name, value);
        }
        Ok(Value::Complex(object))
    }
}

/// Whether a name is in the object already, in any case (RFC 7643 §2.1).
fn is_there(object: &Object, seen: &mut BTreeSet<String>, name: &str) -> bool {
    if object.len() < LINEAR_MEMBERS {
        return object.iter().any(|(known, _)| known.eq_ignore_ascii_case(name));
    }
    if seen.is_empty() {
        seen.extend(object.iter().map(|(known, _)| known.to_ascii_lowercase()));
    }
    !seen.insert(name.to_ascii_lowercase())
}
