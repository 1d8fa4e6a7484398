//! One value against its attribute (RFC 7643 §2.3, §2.4).

use std::collections::BTreeSet;
use std::fmt;

use data_encoding::{BASE64, BASE64_NOPAD, BASE64URL, BASE64URL_NOPAD};

use super::form::Form;
use crate::error::{Invalid, ScimType, quoted};
use crate::filter::flag_of;
use crate::limits;
use crate::matching::{Key, Matching};
use crate::mode::{Mode, Options};
use crate::moment::Moment;
use crate::node::Node;
use crate::quirk::Quirk;
use crate::schema::{Attribute, Kind, Mutability, ResourceType};
use crate::text::UserNameKey;
use crate::value::{Object, Value};

/// What becomes of a null inside an object.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Nulls {
    /// It's absent.
    Drop,
    /// It stays, to unassign something.
    Keep,
}

/// Where a value stands, for messages. Written out only when there is something to say.
#[derive(Clone, Copy)]
pub(crate) struct Place<'a> {
    attribute: &'a str,
    sub: Option<&'a str>,
}

impl<'a> Place<'a> {
    pub(crate) fn of(attribute: &'a str) -> Self {
        Self { attribute, sub: None }
    }

    fn sub(self, sub: &'a str) -> Self {
        Self { sub: Some(self.sub.unwrap_or(sub)), ..self }
    }

    pub(super) fn is(self, text: &str) -> bool {
        match self.sub {
            None => self.attribute == text,
            Some(sub) => {
                text.strip_prefix(self.attribute).and_then(|rest| rest.strip_prefix('.'))
                    == Some(sub)
            }
        }
    }
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.attribute)?;
        self.sub.map_or(Ok(()), |sub| write!(f, ".{sub}"))
    }
}

/// The admission of one body: how it's read, and what was noticed.
pub(crate) struct Admission {
    options: Options,
    ignored: Vec<String>,
    quirks: BTreeSet<Quirk>,
}

impl Admission {
    pub(crate) fn new(options: Options) -> Self {
        Self { options, ignored: Vec::new(), quirks: BTreeSet::new() }
    }

    pub(crate) fn is_lenient(&self) -> bool {
        self.options.is_lenient()
    }

    pub(crate) fn quirk(&mut self, quirk: Quirk) {
        self.quirks.insert(quirk);
    }

    /// Passes what only the lenient reading passes, and notes it.
    pub(crate) fn tolerate(
        &mut self,
        quirk: Quirk,
        otherwise: impl FnOnce() -> Invalid,
    ) -> Result<(), Invalid> {
        if !self.is_lenient() {
            return Err(otherwise());
        }
        self.quirk(quirk);
        Ok(())
    }

    /// An attribute that nobody knows: dropped (R-7644-3.3-06), but by the interoperability profile a fault (I-03).
    pub(crate) fn unknown(&mut self, name: impl Into<String>) -> Result<(), Invalid> {
        let name = name.into();
        if self.options.is_interop() {
            return Err(Invalid::syntax(format!("there is no attribute {}", quoted(&name))));
        }
        if self.is_lenient() {
            self.quirk(Quirk::Unknown);
        }
        self.drop_name(name);
        Ok(())
    }

    /// A URI in `schemas` that the resource type doesn't have.
    pub(crate) fn foreign(&mut self, urn: &str, rtype: &ResourceType) -> Result<(), Invalid> {
        let kind = if self.options.is_interop() {
            ScimType::InvalidSyntax
        } else {
            ScimType::InvalidValue
        };
        self.tolerate(Quirk::ForeignSchema, || {
            let named = quoted(urn);
            Invalid::new(
                kind,
                format!("`schemas` names {named}, which a {} can't have", rtype.name),
            )
        })?;
        self.drop_name(urn);
        Ok(())
    }

    /// A password, where there are none: ignored without a word about its value (L-22), but by the profile it's unknown (I-03).
    pub(crate) fn password(&mut self) -> Result<(), Invalid> {
        if self.options.is_interop() {
            return Err(Invalid::syntax("there is no attribute `password` here"));
        }
        if self.is_lenient() {
            self.quirk(Quirk::Password);
        }
        Ok(())
    }

    /// Keeps a name that is dropped, for the log.
    pub(crate) fn drop_name(&mut self, name: impl Into<String>) {
        if self.ignored.len() < limits::IGNORED_NAMES {
            self.ignored.push(name.into());
        }
    }

    /// What was noted, to note more.
    pub(crate) fn quirks(&mut self) -> &mut BTreeSet<Quirk> {
        &mut self.quirks
    }

    pub(crate) fn finish(self) -> (Vec<String>, Vec<Quirk>) {
        (self.ignored, self.quirks.into_iter().collect())
    }

    /// A value of an attribute, in the schema's spelling; nothing if it's unassigned. `place` is for messages.
    pub(crate) fn value(
        &mut self,
        place: Place<'_>,
        attribute: &Attribute,
        value: &Value,
        nulls: Nulls,
    ) -> Result<Option<Value>, Invalid> {
        if attribute.multi_valued {
            let list = self.list(place, attribute, value)?;
            return Ok((!list.is_empty()).then_some(Value::List(list)));
        }
        let value = match value {
            Value::List(items) => match items.as_slice() {
                [] => return Ok(None),
                [only] if self.is_lenient() => {
                    self.quirk(Quirk::ListShape);
                    only
                }
                [_, ..] => {
                    return Err(Invalid::value(format!(
                        "`{place}` is an array where one value is due"
                    )));
                }
            },
            Value::Null
            | Value::Bool(_)
            | Value::Integer(_)
            | Value::Decimal(_)
            | Value::String(_)
            | Value::Complex(_) => value,
        };
        self.one(place, attribute, value, nulls)
    }

    /// The elements of a multi-valued attribute, doubles left out. One element without an array around it is taken in lenient mode.
    pub(crate) fn list(
        &mut self,
        place: Place<'_>,
        attribute: &Attribute,
        value: &Value,
    ) -> Result<Vec<Value>, Invalid> {
        let mut list = Vec::new();
        match value {
            Value::Null => {}
            Value::List(items) => {
                for item in items {
                    self.elements(place, attribute, item, &mut list)?;
                }
            }
            Value::Complex(object) if object.is_empty() => {}
            Value::Bool(_)
            | Value::Integer(_)
            | Value::Decimal(_)
            | Value::String(_)
            | Value::Complex(_) => {
                self.tolerate(Quirk::ListShape, || {
                    Invalid::value(format!("`{place}` is {} where an array is due", value.kind()))
                })?;
                self.elements(place, attribute, value, &mut list)?;
            }
        }
        let most =
            if is_link(attribute) { limits::REQUEST_MEMBERS } else { limits::ATTRIBUTE_ELEMENTS };
        if list.len() > most {
            return Err(Invalid::value(format!("`{place}` has more than {most} elements")));
        }
        one_primary(&place, &list)?;
        Ok(distinct(attribute, list))
    }

    /// Adds what one item of a list stands for: one element as a rule, several roles for a text that names several.
    fn elements(
        &mut self,
        place: Place<'_>,
        attribute: &Attribute,
        item: &Value,
        list: &mut Vec<Value>,
    ) -> Result<(), Invalid> {
        match item {
            Value::String(text)
                if self.is_lenient() && attribute.name == "roles" && attribute.is_complex() =>
            {
                self.quirk(Quirk::RoleText);
                let names = text.split([',', ';']).map(str::trim).filter(|name| !name.is_empty());
                for name in names {
                    list.extend(self.one(place, attribute, &Value::from(name), Nulls::Drop)?);
                }
            }
            Value::Null
            | Value::Bool(_)
            | Value::Integer(_)
            | Value::Decimal(_)
            | Value::String(_)
            | Value::List(_)
            | Value::Complex(_) => list.extend(self.one(place, attribute, item, Nulls::Drop)?),
        }
        Ok(())
    }

    /// One element of a multi-valued attribute, or the value of a single-valued one.
    pub(crate) fn one(
        &mut self,
        place: Place<'_>,
        attribute: &Attribute,
        value: &Value,
        nulls: Nulls,
    ) -> Result<Option<Value>, Invalid> {
        if *value == Value::Null {
            return Ok(None);
        }
        if !attribute.is_complex() {
            return self.scalar(place, attribute, value);
        }
        match value {
            Value::Complex(object) => {
                let object = self.complex(place, attribute, object, nulls)?;
                Ok((!object.is_empty()).then_some(Value::Complex(object)))
            }
            Value::String(text) if self.is_lenient() && attribute.sub("value").is_some() => {
                self.quirk(match attribute.multi_valued {
                    true => Quirk::BareMember,
                    false => Quirk::BareManager,
                });
                let object = Object::from_iter([("value", text.as_str())]);
                let object = self.complex(place, attribute, &object, nulls)?;
                Ok((!object.is_empty()).then_some(Value::Complex(object)))
            }
            Value::Null
            | Value::Bool(_)
            | Value::Integer(_)
            | Value::Decimal(_)
            | Value::String(_)
            | Value::List(_) => {
                Err(Invalid::value(format!("`{place}` is {} where an object is due", value.kind())))
            }
        }
    }

    /// An object with the sub-attributes that a client may write.
    fn complex(
        &mut self,
        place: Place<'_>,
        attribute: &Attribute,
        given: &Object,
        nulls: Nulls,
    ) -> Result<Object, Invalid> {
        let is_link = is_link(attribute);
        let mut object = Object::new();
        let mut address = None;
        for (key, value) in given {
            let Some(sub) = self.sub(attribute, given, key) else {
                self.unknown(format!("{place}.{key}"))?;
                continue;
            };
            if sub.mutability == Mutability::ReadOnly {
                continue;
            }
            if is_link && is_derived(sub) {
                // The server says these from `value`; only an address without a value tells something.
                if sub.kind == Kind::Reference {
                    address = value.as_str();
                }
                continue;
            }
            match self.value(place.sub(&sub.name), sub, value, nulls)? {
                Some(value) => {
                    object.set(sub.name.clone(), value);
                }
                None if nulls == Nulls::Keep => {
                    object.set(sub.name.clone(), Value::Null);
                }
                None => {}
            }
        }
        if is_link {
            self.link(place, attribute, given, &mut object, address, nulls)?;
        }
        self.role_document(attribute, &mut object);
        for sub in
            attribute.sub_attributes.iter().filter(|sub| sub.required && nulls == Nulls::Drop)
        {
            if object.get(&sub.name).is_none()
                && sub.mutability != Mutability::ReadOnly
                && !object.is_empty()
            {
                return Err(Invalid::value(format!("`{place}.{}` is required", sub.name)));
            }
        }
        Ok(object)
    }

    /// A sub-attribute by the name that a client gave. Entra's complex role assignments say `displayName` for `display`.
    fn sub<'a>(
        &mut self,
        attribute: &'a Attribute,
        given: &Object,
        key: &str,
    ) -> Option<&'a Attribute> {
        let found = attribute.sub(key);
        let is_role = matches!(&*attribute.name, "roles" | "entitlements");
        if found.is_none()
            && self.is_lenient()
            && is_role
            && key.eq_ignore_ascii_case("displayName")
            && given.get_any_case("display").is_none()
        {
            self.quirk(Quirk::RoleDocument);
            return attribute.sub("display").map(AsRef::as_ref);
        }
        found.map(AsRef::as_ref)
    }

    /// Completes a link to another resource: it is its `value`, for which the last part of an address may stand.
    fn link(
        &mut self,
        place: Place<'_>,
        attribute: &Attribute,
        given: &Object,
        object: &mut Object,
        address: Option<&str>,
        nulls: Nulls,
    ) -> Result<(), Invalid> {
        let is_cleared = object.get("value").is_some_and(|value| *value == Value::Null);
        if object.get("value").is_none() || (is_cleared && given.get_any_case("value").is_none()) {
            let id = address.and_then(|address| address.trim_end_matches('/').rsplit('/').next());
            if let Some(id) = id.filter(|id| !id.is_empty()) {
                object.set("value", id);
            }
        }
        if object.get("value").and_then(Value::as_str) == Some("") {
            // L-06: a manager without an id is no manager.
            if !attribute.multi_valued {
                self.tolerate(Quirk::BareManager, || {
                    Invalid::value(format!("`{place}.value` is empty; null unassigns it"))
                })?;
            }
            *object = Object::new();
            if nulls == Nulls::Keep {
                object.set("value", Value::Null);
            }
        }
        if attribute.multi_valued && object.get("value").is_none() {
            return Err(Invalid::value(format!("an element of `{place}` has no `value`")));
        }
        Ok(())
    }

    /// Entra sends a role as a JSON document in a string: `{"id":"…","value":"Admin","displayName":"Admin"}`.
    fn role_document(&mut self, attribute: &Attribute, object: &mut Object) {
        if !self.is_lenient() || !matches!(&*attribute.name, "roles" | "entitlements") {
            return;
        }
        let text = object.get("value").and_then(Value::as_str).filter(|text| text.starts_with('{'));
        let Some(Ok(Value::Complex(document))) = text.map(|text| Value::parse(text.as_bytes()))
        else {
            return;
        };
        let Some(value) = document.get_any_case("value").and_then(Value::as_str) else { return };
        self.quirk(Quirk::RoleDocument);
        object.set("value", value);
        if let Some(display) = document.get_any_case("displayName").and_then(Value::as_str) {
            object.set("display", display);
        }
    }

    /// A value that is no object (RFC 7643 §2.3.1 to §2.3.7).
    fn scalar(
        &mut self,
        place: Place<'_>,
        attribute: &Attribute,
        value: &Value,
    ) -> Result<Option<Value>, Invalid> {
        let misfit = |due: &str| {
            Err(Invalid::value(format!("`{place}` is {} where {due} is due", value.kind())))
        };
        match (attribute.kind, value) {
            (
                Kind::String | Kind::Reference | Kind::Binary | Kind::DateTime,
                Value::String(text),
            ) => {
                if text.is_empty() && self.options.empty_unassigns && !attribute.required {
                    self.quirk(Quirk::EmptyText);
                    return Ok(None);
                }
                self.text(place, attribute, text).map(Some)
            }
            (Kind::String | Kind::Reference, _) => misfit("a string"),
            (Kind::Binary, _) => misfit("base64 in a string"),
            (Kind::DateTime, _) => misfit("a date and time in a string"),
            (Kind::Boolean, Value::Bool(flag)) => Ok(Some(Value::Bool(*flag))),
            (Kind::Boolean, Value::String(text)) if self.is_lenient() => match flag_of(text) {
                Some(flag) => {
                    self.quirk(Quirk::BooleanText);
                    Ok(Some(Value::Bool(flag)))
                }
                None if text.is_empty() && self.options.empty_unassigns && !attribute.required => {
                    self.quirk(Quirk::EmptyText);
                    Ok(None)
                }
                None => Err(Invalid::value(format!(
                    "`{place}` is {} where true or false is due",
                    quoted(text)
                ))),
            },
            (Kind::Boolean, _) => misfit("true or false"),
            (Kind::Integer, Value::Integer(number)) => Ok(Some(Value::Integer(*number))),
            (Kind::Integer, _) => misfit("a whole number of 64 bits"),
            (Kind::Decimal, Value::Integer(_) | Value::Decimal(_)) => Ok(Some(value.clone())),
            (Kind::Decimal, _) => misfit("a number"),
            (Kind::Complex, _) => misfit("an object"),
        }
    }

    fn text(
        &mut self,
        place: Place<'_>,
        attribute: &Attribute,
        text: &str,
    ) -> Result<Value, Invalid> {
        if text.len() > limits::TEXT_BYTES {
            return Err(Invalid::value(format!(
                "`{place}` is longer than {} bytes",
                limits::TEXT_BYTES
            )));
        }
        let misfit = |due: &str| {
            Err(Invalid::value(format!("`{place}` is {}, which is no {due}", quoted(text))))
        };
        match attribute.kind {
            Kind::DateTime => match Moment::parse(text) {
                // RFC 7643 §2.3.5 leaves a missing zone open; what is returned says UTC.
                Some(moment) => return Ok(Value::String(moment.to_string())),
                None => return misfit("date and time"),
            },
            Kind::Binary if !is_base64(text) => return misfit("base64"),
            Kind::String if Matching::of(attribute) == Matching::UserName => {
                UserNameKey::of(text)?;
            }
            Kind::String
            | Kind::Reference
            | Kind::Binary
            | Kind::Boolean
            | Kind::Integer
            | Kind::Decimal
            | Kind::Complex => {}
        }
        // Odd values come from test tools and from directories alike, so only the letter of the law refuses them.
        if let Some((form, due)) = Form::missed(place, attribute, text) {
            let is_due = form == Form::Must || self.options.mode == Mode::Strict;
            if is_due && !self.is_lenient() {
                return misfit(due);
            }
            if self.is_lenient() {
                self.quirk(Quirk::OddValue);
            }
        }
        Ok(Value::from(text))
    }
}

/// Whether an attribute's elements point to other resources of the tenant: `members`, `groups`, `manager`.
pub(crate) fn is_link(attribute: &Attribute) -> bool {
    attribute.sub("value").is_some()
        && attribute.sub("$ref").is_some_and(|address| Matching::of(address) == Matching::Address)
}

/// Whether the server says a link's sub-attribute from its `value`.
fn is_derived(sub: &Attribute) -> bool {
    sub.name == "$ref" || (sub.mutability == Mutability::Immutable && sub.name != "value")
}

fn is_base64(text: &str) -> bool {
    decoded(text).is_some()
}

/// The bytes of a base64 text, of either alphabet, padded or not (RFC 7643 §2.3.6).
pub(super) fn decoded(text: &str) -> Option<Vec<u8>> {
    let bytes = text.as_bytes();
    [BASE64, BASE64_NOPAD, BASE64URL, BASE64URL_NOPAD]
        .iter()
        .find_map(|encoding| encoding.decode(bytes).ok())
}

/// At most one element is primary (RFC 7643 §2.4).
pub(crate) fn one_primary(place: &impl fmt::Display, list: &[Value]) -> Result<(), Invalid> {
    let is_primary = |item: &&Value| {
        item.as_complex().and_then(|element| element.get("primary")).and_then(Value::as_bool)
            == Some(true)
    };
    if list.iter().filter(is_primary).count() > 1 {
        return Err(Invalid::value(format!("`{place}` has more than one primary element")));
    }
    Ok(())
}

/// What makes two elements the same: the value of a simple one, `value` of a link, else `type` and `value` (RFC 7643 §2.4). An
/// element without `value` is like no other.
pub(crate) fn identity(attribute: &Attribute, item: &Value) -> Option<(Option<Key>, Key)> {
    let node = Node::of(item)?;
    let Node::Complex(element) = node else {
        return Matching::of(attribute).key(node).map(|key| (None, key));
    };
    let key = |name: &str| {
        let sub = attribute.sub(name)?;
        element.get(&sub.name).and_then(|node| Matching::of(sub).key(node))
    };
    let kind = if is_link(attribute) { None } else { key("type") };
    Some((kind, key("value")?))
}

/// The elements, without those that are there already.
pub(crate) fn distinct(attribute: &Attribute, list: Vec<Value>) -> Vec<Value> {
    if list.len() < 2 {
        return list;
    }
    let mut seen = BTreeSet::new();
    list.into_iter()
        .filter(|item| identity(attribute, item).is_none_or(|key| seen.insert(key)))
        .collect()
}
