//! From a PatchOp message to operations that fit the schema.

mod schemas;

use super::{Operation, PATCH_OP, Patch, PatchOp};
use crate::admit::PASSWORD;
use crate::admit::value::{Admission, Nulls, Place, is_link};
use crate::error::{Invalid, ScimType, quoted};
use crate::limits;
use crate::mode::Options;
use crate::path::{PatchPath, resolve};
use crate::quirk::Quirk;
use crate::schema::{Attribute, Mutability, ResourceType, Schema};
use crate::value::{Object, Value};

pub(super) fn patch(
    body: &Value,
    rtype: &ResourceType,
    options: Options,
) -> Result<Patch, Invalid> {
    let Some(body) = body.as_complex() else {
        return Err(Invalid::syntax(format!("the body is {} where an object is due", body.kind())));
    };
    let mut reader = Reader {
        rtype,
        options,
        admission: Admission::new(options),
        operations: Vec::new(),
        members: 0,
        elements: 0,
        terms: 0,
        index: 0,
    };
    reader.envelope(body)?;
    let listed = match body.get_any_case("Operations") {
        Some(Value::List(listed)) => listed.as_slice(),
        Some(other) => {
            return Err(Invalid::syntax(format!(
                "`Operations` is {} where an array is due",
                other.kind()
            )));
        }
        None => return Err(Invalid::syntax("`Operations` is missing")),
    };
    if listed.is_empty() {
        reader
            .admission
            .tolerate(Quirk::PatchEnvelope, || Invalid::syntax("`Operations` is empty"))?;
    }
    if listed.len() > limits::PATCH_OPERATIONS {
        return Err(Invalid::value(format!(
            "more than {} operations in one request",
            limits::PATCH_OPERATIONS
        )));
    }
    for (at, item) in listed.iter().enumerate() {
        reader.index = at + 1;
        let place = format!("operation {}", reader.index);
        reader.operation(item).map_err(|fault| fault.within(&place))?;
    }
    let (ignored, quirks) = reader.admission.finish();
    Ok(Patch { operations: reader.operations, quirks, ignored })
}

struct Reader<'r> {
    rtype: &'r ResourceType,
    options: Options,
    admission: Admission,
    operations: Vec<Operation>,
    members: usize,
    elements: usize,
    terms: usize,
    index: usize,
}

/// Where a path comes from.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Origin {
    /// The operation's `path`.
    Path,
    /// A key of a path-less operation's value.
    Key,
}

impl Reader<'_> {
    fn is_lenient(&self) -> bool {
        self.options.is_lenient()
    }

    fn envelope(&mut self, body: &Object) -> Result<(), Invalid> {
        // Null and an empty array are as absent (RFC 7643 §2.5).
        let schemas = body.get_any_case("schemas").filter(|schemas| !schemas.is_unassigned());
        match schemas {
            Some(Value::List(urns))
                if urns.iter().any(|urn| {
                    urn.as_str().is_some_and(|urn| urn.eq_ignore_ascii_case(PATCH_OP))
                }) =>
            {
                Ok(())
            }
            None if self.is_lenient() => {
                self.admission.quirk(Quirk::PatchEnvelope);
                Ok(())
            }
            Some(_) | None => Err(Invalid::syntax(format!("`schemas` does not name `{PATCH_OP}`"))),
        }
    }

    fn operation(&mut self, item: &Value) -> Result<(), Invalid> {
        let Some(item) = item.as_complex() else {
            return Err(Invalid::syntax(format!("{} where an object is due", item.kind())));
        };
        let op = self.op(item)?;
        let value = item.get_any_case("value");
        let path = match item.get_any_case("path") {
            None | Some(Value::Null) => None,
            Some(Value::String(path)) if path.is_empty() && self.is_lenient() => {
                self.admission.quirk(Quirk::PatchEnvelope);
                None
            }
            Some(Value::String(path)) => Some(path.as_str()),
            Some(other) => {
                return Err(Invalid::path(format!(
                    "`path` is {} where a string is due",
                    other.kind()
                )));
            }
        };
        match (path, op, value) {
            (Some(path), _, _) if self.is_lenient() && path.eq_ignore_ascii_case(PASSWORD) => {
                self.dropped_password();
                Ok(())
            }
            (Some(path), _, _) => {
                let path = self.path(path)?;
                self.step(op, path, value, Origin::Path)
            }
            (None, _, _) if self.options.is_interop() => {
                Err(Invalid::syntax("`path` is missing; name the attribute that is meant"))
            }
            (None, PatchOp::Remove, _) => Err(Invalid::no_target("a remove without a path")),
            (None, _, Some(Value::Complex(members))) => self.members_of(op, None, members),
            (None, _, Some(other)) => Err(Invalid::value(format!(
                "without a path `value` is an object of attributes, not {}",
                other.kind()
            ))),
            (None, _, None) => Err(Invalid::value("`value` is missing")),
        }
    }

    fn op(&mut self, item: &Object) -> Result<PatchOp, Invalid> {
        let word = match item.get_any_case("op") {
            Some(Value::String(word)) => word,
            Some(other) => {
                return Err(Invalid::syntax(format!(
                    "`op` is {} where a string is due",
                    other.kind()
                )));
            }
            None => return Err(Invalid::syntax("`op` is missing")),
        };
        let all = [PatchOp::Add, PatchOp::Replace, PatchOp::Remove];
        if let Some(op) = all.into_iter().find(|op| op.as_str() == word) {
            return Ok(op);
        }
        match all.into_iter().find(|op| op.as_str().eq_ignore_ascii_case(word)) {
            Some(op) if self.is_lenient() => {
                self.admission.quirk(Quirk::OpCase);
                Ok(op)
            }
            Some(_) | None => Err(Invalid::syntax(format!(
                "`op` is {}, not `add`, `replace` or `remove`",
                quoted(word)
            ))),
        }
    }

    fn path(&mut self, text: &str) -> Result<PatchPath, Invalid> {
        PatchPath::noting(text, self.rtype, self.options, self.admission.quirks())
    }

    /// A PATCH of what isn't there is a fault by the letter, whichever attribute it is.
    fn dropped_password(&mut self) {
        self.admission.quirk(Quirk::Password);
        self.admission.quirk(Quirk::UnknownPath);
    }

    /// Whether a remove may name the elements in its value. The profile leaves no other way to take one out of a list.
    fn removes_by_value(&self) -> bool {
        self.is_lenient() || self.options.is_interop()
    }

    /// Takes an object of attributes apart: the value of an operation without a path, or of a whole extension.
    fn members_of(
        &mut self,
        op: PatchOp,
        extension: Option<&Schema>,
        members: &Object,
    ) -> Result<(), Invalid> {
        for (key, value) in members {
            let text = match extension {
                Some(schema) => format!("{}:{key}", schema.id),
                None => key.as_str().to_owned(),
            };
            if let Some(path) = self.key(extension, key, &text)? {
                self.step(op, path, Some(value), Origin::Key)?;
            }
        }
        Ok(())
    }

    /// The path that a key of such an object stands for; nothing if it's dropped.
    fn key(
        &mut self,
        extension: Option<&Schema>,
        key: &str,
        text: &str,
    ) -> Result<Option<PatchPath>, Invalid> {
        if extension.is_none() {
            if self.is_lenient() && key.eq_ignore_ascii_case(PASSWORD) {
                self.dropped_password();
                return Ok(None);
            }
            if self.rtype.core(key).is_none() && self.rtype.extension(key).is_none() {
                let is_path = key.contains(['.', ':', '[']);
                if !self.is_lenient() {
                    return Err(Invalid::path(format!("there is no attribute {}", quoted(key))));
                }
                if is_path {
                    self.admission.quirk(Quirk::PathKeys);
                }
            }
        }
        match self.path(text) {
            Ok(path) => Ok(Some(path)),
            Err(fault) => {
                let head = text.split('[').next().unwrap_or_default();
                let is_unknown = fault.kind == ScimType::InvalidPath
                    && resolve(head, self.rtype, self.options).is_none();
                if !self.is_lenient() || !is_unknown {
                    return Err(fault);
                }
                self.admission.quirk(Quirk::UnknownPath);
                self.admission.drop_name(text);
                Ok(None)
            }
        }
    }

    /// Checks one operation on one path and keeps it.
    fn step(
        &mut self,
        op: PatchOp,
        path: PatchPath,
        value: Option<&Value>,
        origin: Origin,
    ) -> Result<(), Invalid> {
        if path.attr.schema().is_none() {
            if let Some(schema) = self.rtype.extension(path.attr.name()).cloned() {
                return self.extension(op, &schema, &path, value);
            }
            if path.attr.is("schemas") {
                return if origin == Origin::Key { Ok(()) } else { self.schemas(op, &path, value) };
            }
        }
        if [path.attr.attribute(), path.leaf()]
            .iter()
            .any(|found| found.mutability == Mutability::ReadOnly)
        {
            if origin == Origin::Key && self.is_lenient() {
                self.admission.quirk(Quirk::ReadOnlyIgnored);
                return Ok(());
            }
            return Err(Invalid::mutability(format!("`{path}` is read-only")));
        }
        match op {
            PatchOp::Remove => self.remove(path, value),
            PatchOp::Add | PatchOp::Replace => {
                let value = value.ok_or_else(|| Invalid::value("`value` is missing"))?;
                self.write(op, path, value)
            }
        }
    }

    fn keep(&mut self, op: PatchOp, path: PatchPath, value: Option<Value>) -> Result<(), Invalid> {
        self.count(&path, value.as_ref())?;
        if self.operations.len() >= limits::PATCH_STEPS {
            return Err(Invalid::value(format!(
                "more than {} attributes in one request",
                limits::PATCH_STEPS
            )));
        }
        // To add to a member that a filter chooses is to make it one (L-07); by the letter there is none to add to.
        if self.is_lenient()
            && op == PatchOp::Add
            && path.filter.is_some()
            && is_link(path.attr.attribute())
        {
            self.admission.quirk(Quirk::NoMatch);
        }
        self.operations.push(Operation { op, path, value, index: self.index });
        Ok(())
    }

    /// What one request may cost is bounded as a whole, not only operation by operation.
    fn count(&mut self, path: &PatchPath, value: Option<&Value>) -> Result<(), Invalid> {
        let listed = value.and_then(Value::as_list).map(<[Value]>::len);
        let (counted, elements, most) = if is_link(path.attr.attribute()) {
            (&mut self.members, listed.unwrap_or(1), limits::REQUEST_MEMBERS)
        } else {
            (&mut self.elements, listed.unwrap_or(0), limits::PATCH_ELEMENTS)
        };
        *counted += elements;
        if *counted > most {
            return Err(Invalid::value(format!(
                "more than {most} elements, such as of `{}`, in one request",
                path.attr
            )));
        }
        self.terms += path.filter.as_ref().map_or(0, |filter| filter.terms());
        if self.terms > limits::PATCH_TERMS {
            return Err(Invalid::filter(format!(
                "more than {} filter terms in one request",
                limits::PATCH_TERMS
            )));
        }
        Ok(())
    }

    fn remove(&mut self, mut path: PatchPath, value: Option<&Value>) -> Result<(), Invalid> {
        // What is left of a link without its value is nothing, so the profile's only path to one link means all of it.
        let names_link = path.filter.is_some()
            && path.sub.as_ref().is_some_and(|sub| sub.name == "value")
            && is_link(path.attr.attribute());
        if self.options.is_interop() && names_link {
            path.sub = None;
        }
        let leaf = path.leaf();
        if leaf.mutability == Mutability::Immutable {
            return Err(Invalid::mutability(format!("`{path}` can't be changed once it's set")));
        }
        let is_list =
            path.attr.attribute().multi_valued && path.filter.is_none() && path.sub.is_none();
        let Some(value) = value.filter(|_| is_list) else {
            if leaf.required && (path.filter.is_none() || path.sub.is_some()) {
                return Err(Invalid::mutability(format!("`{path}` is required")));
            }
            return self.keep(PatchOp::Remove, path, None);
        };
        // L-04: a literal reading of RFC 7644 would empty the attribute, which no client that sends a value means.
        if !self.removes_by_value() {
            return Err(Invalid::value(format!(
                "a remove of `{path}` has no value; name the elements in a filter"
            )));
        }
        if self.is_lenient() {
            self.admission.quirk(Quirk::RemoveValue);
        }
        let value = if self.is_lenient() { own_member(&path, value) } else { value };
        let list =
            self.admission.list(Place::of(&path.to_string()), path.attr.attribute(), value)?;
        self.keep(PatchOp::Remove, path, Some(Value::List(list)))
    }

    fn write(&mut self, op: PatchOp, mut path: PatchPath, value: &Value) -> Result<(), Invalid> {
        let attribute = path.attr.attribute().clone();
        let place = path.attr.with_sub(path.sub.clone()).to_string();
        if path.filter.is_none()
            && path.sub.is_some()
            && attribute.multi_valued
            && op == PatchOp::Add
        {
            return Err(Invalid::path(format!("an add to `{path}` does not say to which element")));
        }
        let (written, required) = match &path.sub {
            Some(sub) => {
                let sub = sub.clone();
                let written = self.admission.value(Place::of(&place), &sub, value, Nulls::Drop)?;
                let written = self.link_by_address(&mut path, &attribute, written)?;
                (written.unwrap_or(Value::Null), sub.required)
            }
            None if attribute.multi_valued && path.filter.is_none() => {
                let one;
                // RFC 7644 §3.5.2.1 adds "a new value", one of several; replace wants the whole.
                let value =
                    if op == PatchOp::Add && value.as_list().is_none() && *value != Value::Null {
                        one = Value::List(vec![value.clone()]);
                        &one
                    } else {
                        value
                    };
                (
                    Value::List(self.admission.list(Place::of(&place), &attribute, value)?),
                    attribute.required,
                )
            }
            None => match self.whole(op, &path, Place::of(&place), &attribute, value)? {
                Some(written) => (written, attribute.required && path.filter.is_none()),
                None => return Ok(()),
            },
        };
        if required && op == PatchOp::Replace && written.is_unassigned() {
            return Err(Invalid::value(format!("`{path}` is required")));
        }
        self.keep(op, path, Some(written))
    }

    /// The value for a whole single-valued attribute, or for whole elements. Nothing, if there is nothing to do.
    fn whole(
        &mut self,
        op: PatchOp,
        path: &PatchPath,
        place: Place<'_>,
        attribute: &Attribute,
        value: &Value,
    ) -> Result<Option<Value>, Invalid> {
        // An element is replaced as a whole; everything else is merged, where an inner null unassigns.
        let is_whole = path.filter.is_some() || self.options.is_interop();
        let nulls = if op == PatchOp::Replace && is_whole { Nulls::Drop } else { Nulls::Keep };
        let written = match (value, &path.filter) {
            (Value::List(items), Some(_)) => match items.as_slice() {
                [only] if self.is_lenient() => {
                    self.admission.quirk(Quirk::ListShape);
                    self.admission.one(place, attribute, only, nulls)?
                }
                [] => None,
                [_, ..] => {
                    return Err(Invalid::value(format!(
                        "`{path}` takes one element, not an array"
                    )));
                }
            },
            (_, Some(_)) => self.admission.one(place, attribute, value, nulls)?,
            (_, None) => self.admission.value(place, attribute, value, nulls)?,
        };
        Ok(match written {
            Some(written) => Some(written),
            None if attribute.is_complex() => {
                let unassigns = match value {
                    Value::Complex(given) => given.is_empty() && op == PatchOp::Replace,
                    Value::Null | Value::List(_) | Value::String(_) => true,
                    Value::Bool(_) | Value::Integer(_) | Value::Decimal(_) => false,
                };
                // An object of which nothing was left, such as one with only readOnly members, says nothing.
                unassigns.then_some(Value::Null)
            }
            None => Some(Value::Null),
        })
    }

    /// `manager.$ref` stands for `manager.value`; an empty `manager.value` for no manager (L-06).
    fn link_by_address(
        &mut self,
        path: &mut PatchPath,
        attribute: &Attribute,
        written: Option<Value>,
    ) -> Result<Option<Value>, Invalid> {
        if !is_link(attribute) || attribute.multi_valued {
            return Ok(written);
        }
        let is_address = path.sub.as_ref().is_some_and(|sub| sub.name == "$ref");
        if is_address {
            path.sub = attribute.sub("value").cloned();
        }
        let id = match written {
            Some(Value::String(text)) if is_address => {
                Value::from(text.trim_end_matches('/').rsplit('/').next().unwrap_or_default())
            }
            Some(other) => other,
            None => return Ok(None),
        };
        if id.as_str() != Some("") {
            return Ok(Some(id));
        }
        self.admission.tolerate(Quirk::BareManager, || {
            Invalid::value(format!("`{path}` is empty; null unassigns it"))
        })?;
        Ok(None)
    }
}

/// `{"members":[…]}` as the value of `members`, as Salesforce is known to send it.
fn own_member<'v>(path: &PatchPath, value: &'v Value) -> &'v Value {
    let attribute = path.attr.attribute();
    let strange = value
        .as_complex()
        .filter(|object| object.iter().all(|(name, _)| attribute.sub(name).is_none()));
    strange.and_then(|object| object.get_any_case(&attribute.name)).unwrap_or(value)
}
