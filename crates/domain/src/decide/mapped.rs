//! What a connector's mapping makes of what it writes (behaviour P-03).
//!
//! A request is understood in the connector's own terms: what it reads, it wrote. Only then the mapping says what the user's
//! attributes become; what was written there is kept for the connector alone.

use std::collections::BTreeSet;

use scim::{Invalid, Name, Object, UserNameKey, Value};

use crate::directory::{Directory, User, Written};
use crate::event::AttributeChange;
use crate::id::ConnectorId;
use crate::mapping::{self, read, write};
use crate::origin::Actor;
use crate::position::Position;
use crate::rejection::Rejection;
use crate::settings::Permission;

/// What is kept for a connector: what it wrote where its mapping made something else of it.
#[derive(Default)]
pub(super) struct Kept {
    /// By path; `false` stands for nothing.
    values: Object,
    /// Since when the mapping is as it is; none: there is none.
    mapping: Option<Position>,
}

impl Kept {
    fn of(written: &Written) -> Kept {
        Kept { values: written.values.unpack(), mapping: Some(written.mapping) }
    }

    /// The `userName` as the connector writes it, where the mapping makes another one.
    pub(super) fn user_name(&self) -> Option<&str> {
        self.values.get("userName").and_then(Value::as_str)
    }

    /// How this differs from what was kept before.
    pub(super) fn changes(&self, there: Option<&Written>) -> Vec<AttributeChange> {
        let old = there.map(|written| written.values.unpack()).unwrap_or_default();
        let names: BTreeSet<&str> =
            old.iter().chain(self.values.iter()).map(|(name, _)| Name::as_str(name)).collect();
        let mut changes = Vec::new();
        let mut note = |path, old: Option<Value>, new: Option<Value>| {
            let same = match (&old, &new) {
                (Some(old), Some(new)) => old.is_same(new),
                (old, new) => old.is_none() && new.is_none(),
            };
            if !same {
                changes.push(AttributeChange { path, old, new });
            }
        };
        for name in names {
            let path = format!("{}:{name}", Written::PATH);
            note(path, old.get(name).cloned(), self.values.get(name).cloned());
        }
        let number = |at: Position| Value::Integer(i64::try_from(at.get()).unwrap_or(i64::MAX));
        let before = there.map(|written| number(written.mapping));
        note(Written::PATH.to_owned(), before, self.mapping.map(number));
        changes
    }
}

/// Makes of an object in the connector's terms the one that all see. `there` is the user as they are, and what the connector would
/// have read.
///
/// A rule takes nothing back that somebody else wrote: it says something only where the connector does, or where the mapping
/// is another one than when it last wrote.
pub(super) fn apply(
    directory: &Directory,
    actor: &Actor,
    there: Option<(&User, &Object)>,
    object: &mut Object,
) -> Result<Kept, Rejection> {
    let connector = actor.connector().and_then(|id| directory.connectors.get(id));
    let Some(connector) = connector else { return Ok(Kept::default()) };
    let rules = &connector.settings.mapping;
    let written = there.and_then(|(user, _)| user.written(Some(connector.id)));
    if rules.is_empty() && written.is_none() {
        return Ok(Kept::default());
    }
    if let Some((user, before)) = there {
        // Who may not update users does not do so by writing at all after the mapping changed.
        if !connector.settings.allows(Permission::UpdateUsers) {
            return Ok(unchanged(user, before, written, object));
        }
    }
    let mapping = connector.mapped.filter(|_| !rules.is_empty());
    let is_other = written.map(|written| written.mapping) != mapping;
    let source = object.clone();
    let mut values = Object::default();
    for rule in rules {
        let path = rule.kept();
        let written = read(&source, path);
        let there = there.filter(|_| !is_other);
        let there = there.filter(|(_, before)| is_same(rule.value(before), rule.value(&source)));
        values.set(path, written.clone().unwrap_or(Value::Bool(false)));
        if let Some((user, before)) = there
            && (path == rule.to || is_same(read(before, path), written))
        {
            write(object, path, of_all(user, path));
            continue;
        }
        let value = match there {
            Some((user, _)) => of_all(user, &rule.to),
            None => rule.value(&source),
        };
        if value.is_none() && mapping::is_required(&rule.to, directory.schemas.catalogue().user()) {
            let detail = format!(
                "the connector's mapping takes `{}` from `{}`, and there is none: write it, or change the mapping",
                rule.to, rule.from
            );
            return Err(Invalid::value(detail).into());
        }
        write(object, &rule.to, value);
    }
    Ok(Kept { values, mapping })
}

/// Takes what the connector would have read for what all see, where it writes just that.
fn unchanged(user: &User, before: &Object, written: Option<&Written>, object: &mut Object) -> Kept {
    let Some(written) = written else { return Kept::default() };
    for (path, _) in written.values.view().iter() {
        if is_same(read(object, path), read(before, path)) {
            write(object, path, of_all(user, path));
        }
    }
    Kept::of(written)
}

fn is_same(one: Option<Value>, other: Option<Value>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => one.is_same(&other),
        (one, other) => one.is_none() && other.is_none(),
    }
}

/// The value that all see.
fn of_all(user: &User, path: &str) -> Option<Value> {
    match path {
        "userName" => Some(Value::String(user.user_name.to_string())),
        path => read(&user.attributes.unpack(), path),
    }
}

/// Whether a mapping makes the names of the users whom this connector writes.
pub(super) fn feeds_name(directory: &Directory, connector: Option<ConnectorId>) -> bool {
    let connector = connector.and_then(|id| directory.connectors.get(id));
    connector.is_some_and(|it| it.settings.mapping.iter().any(|rule| rule.to == "userName"))
}

/// That the connector knows nobody else by the name that it writes, where its mapping makes another of it.
pub(super) fn free_name(
    directory: &Directory,
    actor: &Actor,
    kept: &Kept,
    itself: Option<&User>,
) -> Result<(), Rejection> {
    let connector = actor.connector();
    let Some(name) = kept.user_name() else { return Ok(()) };
    let key = UserNameKey::of(name)?;
    if itself.is_some_and(|user| user.name_for(connector) == name) {
        return Ok(());
    }
    let own = directory.ignored_by(connector).map(|ignored| &ignored.users);
    let all = own.into_iter().chain([&directory.users]);
    let mut all = all.flat_map(|users| users.written_name(name).chain(users.named(&key)));
    let is_so = |user: &User| {
        Some(user.id) != itself.map(|user| user.id)
            && directory.sees_user(connector, user)
            && UserNameKey::of(user.name_for(connector)).is_ok_and(|there| there == key)
    };
    if !all.any(is_so) {
        return Ok(());
    }
    Err(Rejection::Taken {
        kind: "user",
        attribute: "userName".into(),
        value: name.to_owned(),
        remedy: "choose another, or look the user up by `userName` and update it",
    })
}
