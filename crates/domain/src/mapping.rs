//! Which attribute of what a connector writes feeds which attribute of a user (behaviour P-03).
//!
//! A path is that of a text with one value: `title`, `name.givenName`, an extension's attribute behind its URN and a colon,
//! or [`PRIMARY_EMAIL`].

use std::collections::BTreeSet;

use scim::{Invalid, Kind, Mutability, Object, ResourceType, Value};
use serde::{Deserialize, Serialize};

use crate::attributes::{is_urn, set_attribute};
use crate::limits::MAPPING_RULES;

/// The path of the primary mail address, or of the first if none is primary.
pub const PRIMARY_EMAIL: &str = "emails[primary eq true].value";

/// That one attribute of a user is another one of what the connector writes, or a part of it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MappingRule {
    /// The user's attribute.
    pub to: String,
    /// The attribute that the connector writes.
    pub from: String,
    /// How much of its value.
    #[serde(default, skip_serializing_if = "Take::is_whole")]
    pub take: Take,
}

/// How much of a value is taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Take {
    /// All of it.
    #[default]
    Whole,
    /// Of a mail address what stands before the `@`.
    BeforeAt,
}

impl Take {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
    fn is_whole(&self) -> bool {
        *self == Take::Whole
    }
}

impl MappingRule {
    /// The path of what is kept for the connector: a list of mail addresses as a whole, for the primary one may be gone from it.
    pub(crate) fn kept(&self) -> &str {
        if self.to == PRIMARY_EMAIL { top(&self.to) } else { &self.to }
    }

    /// What the attribute becomes, of what the connector writes; none: it is unassigned.
    pub(crate) fn value(&self, written: &Object) -> Option<Value> {
        let value = read(written, &self.from)?;
        match self.take {
            Take::Whole => Some(value),
            Take::BeforeAt => {
                let text = value.as_str()?;
                let text = text.rsplit_once('@').map_or(text, |(before, _)| before);
                (!text.is_empty()).then(|| Value::String(text.to_owned()))
            }
        }
    }
}

/// That every path leads to a text that clients write, none is fed twice, and there are not too many. Paths come back as the
/// schemas spell them; a rule by which something feeds itself says nothing, and is left out.
///
/// # Errors
/// 400 that names the path.
pub fn checked(rules: &[MappingRule], rtype: &ResourceType) -> Result<Vec<MappingRule>, Invalid> {
    if rules.len() > MAPPING_RULES {
        return Err(Invalid::value(format!("`mapping` has more than {MAPPING_RULES} rules")));
    }
    let (mut checked, mut targets) = (Vec::with_capacity(rules.len()), BTreeSet::new());
    for rule in rules {
        // What feeds itself needs no rule; the groups of a user are what groups say.
        let is_itself = rule.to.eq_ignore_ascii_case(&rule.from) && rule.take == Take::Whole;
        if is_itself && rule.to.eq_ignore_ascii_case("groups") {
            continue;
        }
        let (to, from) = (spelled(&rule.to, rtype)?, spelled(&rule.from, rtype)?);
        if !targets.insert(to.clone()) {
            return Err(Invalid::value(format!("`mapping` feeds `{to}` twice: leave one out")));
        }
        if to != from || rule.take != Take::Whole {
            checked.push(MappingRule { to, from, take: rule.take });
        }
    }
    Ok(checked)
}

fn spelled(path: &str, rtype: &ResourceType) -> Result<String, Invalid> {
    if path.eq_ignore_ascii_case(PRIMARY_EMAIL) {
        return Ok(PRIMARY_EMAIL.to_owned());
    }
    let unfit = |why: &str| {
        Invalid::value(format!(
            "`mapping` cannot use `{path}`: {why}. It maps texts with one value, as `userName`, `name.givenName`, \
             `{PRIMARY_EMAIL}`, or an extension's `urn:…:attribute`"
        ))
    };
    if path.eq_ignore_ascii_case("groups") {
        return Err(unfit("who is in a group is said by the group"));
    }
    let found = rtype.find(path).ok_or_else(|| unfit("no schema has it"))?;
    let leaf = found.sub.unwrap_or(found.attribute);
    if leaf.kind != Kind::String || leaf.multi_valued || found.attribute.multi_valued {
        return Err(unfit("it is no text with one value"));
    }
    if leaf.mutability != Mutability::ReadWrite
        || found.attribute.mutability != Mutability::ReadWrite
    {
        return Err(unfit("clients do not write it"));
    }
    if found.extension.is_none() && found.attribute.name.as_str() == "externalId" {
        return Err(unfit("it is each connector's own"));
    }
    let name = found.attribute.name.as_str();
    match (found.extension, found.sub) {
        (None, None) => Ok(name.to_owned()),
        (None, Some(sub)) => match rtype.find(name) {
            // An extension as a whole has its attributes behind a colon.
            Some(_) if is_urn(name) => Ok(format!("{name}:{}", sub.name.as_str())),
            Some(_) | None => Ok(format!("{name}.{}", sub.name.as_str())),
        },
        (Some(schema), None) => Ok(format!("{}:{name}", schema.id)),
        (Some(_), Some(_)) => Err(unfit("it is a part of an extension's attribute")),
    }
}

/// Whether no user is without a value at a path.
pub(crate) fn is_required(path: &str, rtype: &ResourceType) -> bool {
    let found = rtype.find(path).map(|found| found.sub.unwrap_or(found.attribute));
    found.is_some_and(|attribute| attribute.required)
}

/// The attribute in which a path lies.
pub(crate) fn top(path: &str) -> &str {
    if path == PRIMARY_EMAIL {
        "emails"
    } else if is_urn(path) {
        path.rsplit_once(':').map_or(path, |(urn, _)| urn)
    } else {
        path.split_once('.').map_or(path, |(outer, _)| outer)
    }
}

/// The value at a path.
pub(crate) fn read(object: &Object, path: &str) -> Option<Value> {
    let outer = object.get(top(path))?;
    if path == PRIMARY_EMAIL {
        let emails = outer.as_list()?.iter().filter_map(Value::as_complex);
        let is_primary =
            |email: &&Object| email.get("primary").and_then(Value::as_bool) == Some(true);
        let mut all = emails.clone();
        let email = emails.clone().find(is_primary).or_else(|| all.next())?;
        return email.get("value").cloned();
    }
    match path.get(top(path).len() + 1..) {
        None => Some(outer.clone()),
        Some(inner) => outer.as_complex()?.get(inner).cloned(),
    }
}

/// Assigns or unassigns the value at a path.
pub(crate) fn write(object: &mut Object, path: &str, value: Option<Value>) {
    if path != PRIMARY_EMAIL {
        return set_attribute(object, path, value);
    }
    let mut emails = match object.take("emails") {
        Some(Value::List(emails)) => emails,
        _ => Vec::new(),
    };
    let has = |email: &Value, name: &str, wanted: &Value| {
        email.as_complex().and_then(|email| email.get(name)) == Some(wanted)
    };
    let primary = emails.iter().position(|email| has(email, "primary", &Value::Bool(true)));
    // No address is taken from a list that marks none as primary.
    let there =
        value.as_ref().and_then(|value| emails.iter().position(|it| has(it, "value", value)));
    match (primary.or(there).and_then(|at| emails.get_mut(at)), value) {
        (Some(Value::Complex(email)), Some(value)) => {
            email.set("value", value);
            email.set("primary", true);
        }
        (_, Some(value)) => {
            let mut email = Object::default();
            email.set("value", value);
            email.set("primary", true);
            emails.push(Value::Complex(email));
        }
        (_, None) => primary.into_iter().for_each(|at| drop(emails.remove(at))),
    }
    if !emails.is_empty() {
        object.set("emails", emails);
    }
}
