//! Values of a person, which can be forgotten while the fact that carried them stays.

use serde::{Serialize, Serializer};

/// Personal values of an event. On disk they are sealed under a key of the person's own; once that
/// key is destroyed, the event still reads, as [`Personal::Erased`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Personal<T> {
    /// The values.
    Known(T),
    /// The person was erased: the values are gone for good.
    Erased,
}

impl<T> Personal<T> {
    /// The values, unless the person was erased.
    pub fn known(&self) -> Option<&T> {
        match self {
            Personal::Known(values) => Some(values),
            Personal::Erased => None,
        }
    }
}

impl<T: Serialize> Serialize for Personal<T> {
    /// The values, or the word `erased`.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Personal::Known(values) => values.serialize(serializer),
            Personal::Erased => serializer.serialize_str("erased"),
        }
    }
}

#[cfg(test)]
impl<T: schemars::JsonSchema> schemars::JsonSchema for Personal<T> {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        format!("Personal{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let known = generator.subschema_for::<T>();
        schemars::json_schema!({ "anyOf": [known, { "const": "erased" }] })
    }
}
