//! What a connector's mapping makes of what it writes (behaviour P-03).
//!
//! A request is understood in the connector's own terms: what it reads, it wrote. Only then the mapping says what the user's
//! attributes become; what was written there is kept for the connector alone.

use std::collections::BTreeSet;

use scim::{Invalid, Name, Object, UserNameKey, Value};

use crate::attributes::is_same;
use crate::command::Notice;
use crate::directory::{Connector, Directory, User, Written};
use crate::event::{AttributeChange, Member};
use crate::id::ConnectorId;
use crate::mapping::{self, MappingRule, PRIMARY_EMAIL, read, write};
use crate::origin::Actor;
use crate::position::Position;
use crate::rejection::Rejection;
use crate::settings::Permission;
use crate::view::UserView;

/// What is kept for a connector: what it wrote where its mapping made something else of it.
#[derive(Default)]
pub(super) struct Kept {
    /// By path; `false` stands for nothing.
    values: Object,
    /// Since when the mapping by which it wrote is as it is; none: nothing is kept.
    mapping: Option<Position>,
    /// What it says by its mapping, whatever others wrote since.
    said: Option<Object>,
    /// Why a changed mapping does not apply yet.
    pub(super) notice: Option<Notice>,
}

impl Kept {
    /// The `userName` as the connector writes it, where the mapping makes another one.
    pub(super) fn user_name(&self) -> Option<&str> {
        self.values.get("userName").and_then(Value::as_str)
    }

    /// What the connector says, where roles or platforms are read from its attributes: what somebody else wrote says nothing
    /// in its name.
    pub(super) fn said<'o>(&'o self, seen: &'o Object) -> &'o Object {
        self.said.as_ref().unwrap_or(seen)
    }

    fn keep(&mut self, path: &str, written: Option<Value>) {
        self.values.set(path, written.unwrap_or(Value::Bool(false)));
    }

    /// How this differs from what was kept before.
    pub(super) fn changes(&self, there: Option<&Written>) -> Vec<AttributeChange> {
        let old = there.map(|written| written.values.unpack()).unwrap_or_default();
        let names: BTreeSet<&str> =
            old.iter().chain(self.values.iter()).map(|(name, _)| Name::as_str(name)).collect();
        let mut changes = Vec::new();
        let mut note = |path, old: Option<Value>, new: Option<Value>| {
            if !is_same(old.as_ref(), new.as_ref()) {
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

/// Makes of an object in the connector's terms the one that all see. `there` is the user as the connector would have read them.
///
/// A rule takes nothing back that somebody else wrote: it says something only where the connector does. A changed mapping says all
/// of it anew to users whom the connector manages, if that can be; else it waits, and keeps nobody from being deactivated.
pub(super) fn apply(
    directory: &Directory,
    actor: &Actor,
    there: Option<UserView<'_>>,
    object: &mut Object,
) -> Result<Kept, Rejection> {
    let connector = actor.connector().and_then(|id| directory.connectors.get(id));
    let Some(connector) = connector else { return Ok(Kept::default()) };
    let written = there.and_then(|view| view.user.written(Some(connector.id)));
    if connector.settings.mapping.is_empty() && written.is_none() {
        return Ok(Kept::default());
    }
    let source = object.clone();
    let mapped = Mapped { directory, connector, source: &source };
    let mut kept = match there {
        None => mapped.all(object)?,
        Some(view) => {
            let user = view.user;
            let manages = user.managed_by == Some(connector.id);
            let settings = &connector.settings;
            let may = settings.allows(Permission::UpdateUsers) && !settings.management_api;
            let is_other = written.map(|written| written.mapping) != mapped.position();
            let mut notice = None;
            if is_other && manages && may {
                match mapped.anew(user) {
                    Ok((whole, kept)) => {
                        *object = whole;
                        return Ok(Kept { said: mapped.said(), ..kept });
                    }
                    Err(why) => notice = Some(Notice::NotMapped(why.to_string())),
                }
            }
            Kept { notice, ..mapped.what_is_new(user, &view.writable(), written, object)? }
        }
    };
    kept.said = mapped.said();
    Ok(kept)
}

/// A request, and whose.
struct Mapped<'a> {
    directory: &'a Directory,
    connector: &'a Connector,
    /// In the connector's terms.
    source: &'a Object,
}

impl Mapped<'_> {
    fn rules(&self) -> &[MappingRule] {
        &self.connector.settings.mapping
    }

    /// Since when the mapping is as it is, if there is one.
    fn position(&self) -> Option<Position> {
        self.connector.mapped.filter(|_| !self.rules().is_empty())
    }

    /// Every rule applies.
    fn all(&self, object: &mut Object) -> Result<Kept, Rejection> {
        let mut kept = Kept { mapping: self.position(), ..Kept::default() };
        for rule in self.rules() {
            self.feed(rule, object)?;
            kept.keep(rule.kept(), read(self.source, rule.kept()));
        }
        self.check(object)?;
        Ok(kept)
    }

    /// Every rule applies to a user who is there, unless that would take something from somebody else.
    fn anew(&self, user: &User) -> Result<(Object, Kept), Rejection> {
        let mut object = self.source.clone();
        let kept = self.all(&mut object)?;
        let name = object.get("userName").and_then(Value::as_str).unwrap_or_default();
        let key = UserNameKey::of(name)?;
        let own = self.directory.ignored_by(Some(self.connector.id)).map(|it| &it.users);
        let mut all = own.into_iter().chain([&self.directory.users]);
        if all.any(|users| users.named(&key).is_some_and(|holder| holder.id != user.id)) {
            return Err(Invalid::value(format!("`{name}` is taken by another user")).into());
        }
        super::free_values(self.directory, Member::User(user.id), &object)?;
        Ok((object, kept))
    }

    /// Only rules apply of whose sources the request says something new.
    fn what_is_new(
        &self,
        user: &User,
        before: &Object,
        written: Option<&Written>,
        object: &mut Object,
    ) -> Result<Kept, Rejection> {
        let manages = user.managed_by == Some(self.connector.id);
        let had = |path: &str| written.is_some_and(|it| it.values.view().get(path).is_some());
        let is_written =
            |path: &str| !is_same(read(before, path).as_ref(), read(self.source, path).as_ref());
        let (mut kept, mut is_fed) = (Kept::default(), false);
        for rule in self.rules() {
            let (path, value) = (rule.kept(), rule.value(self.source));
            if !is_same(rule.value(before).as_ref(), value.as_ref()) {
                self.feed(rule, object)?;
                is_fed = true;
                if manages || had(path) || is_written(path) {
                    kept.keep(path, read(self.source, path));
                }
            } else if had(path) || is_written(path) {
                kept.keep(path, read(self.source, path));
                if path == rule.to || !is_written(path) {
                    write(object, path, of_all(user, path));
                } else if value.is_some() {
                    // A new list of mail addresses, and the primary one is still fed.
                    write(object, &rule.to, of_all(user, &rule.to).or(value));
                }
            }
        }
        // What no rule feeds any more.
        let is_fed_now = |path: &str| self.rules().iter().any(|rule| rule.kept() == path);
        for (path, _) in written.into_iter().flat_map(|written| written.values.view().iter()) {
            if !is_fed_now(path) && !is_written(path) {
                write(object, path, of_all(user, path));
                if manages {
                    kept.keep(path, read(self.source, path));
                }
            }
        }
        let is_waiting = manages && written.map(|written| written.mapping) != self.position();
        let old = written.map(|written| written.mapping);
        kept.mapping = match is_waiting {
            // A tenant's first position is no mapping's.
            true => old.or(Some(Position::FIRST)),
            false => self.position().or(old),
        };
        kept.mapping = kept.mapping.filter(|_| !kept.values.is_empty());
        if is_fed {
            self.check(object)?;
        }
        Ok(kept)
    }

    /// Lets one rule apply. A list of mail addresses stays as it was written where nothing feeds the primary one.
    fn feed(&self, rule: &MappingRule, object: &mut Object) -> Result<(), Rejection> {
        let value = rule.value(self.source);
        if value.is_none() && mapping::is_required(&rule.to, self.schemas()) {
            let detail = format!(
                "the connector's mapping takes `{}` from `{}`, and there is none: write it, or change the mapping",
                rule.to, rule.from
            );
            return Err(Invalid::value(detail).into());
        }
        if value.is_some() || rule.to != PRIMARY_EMAIL {
            write(object, &rule.to, value);
        }
        Ok(())
    }

    /// That the schemas admit what the mapping made: the request itself was admitted before.
    fn check(&self, object: &Object) -> Result<(), Rejection> {
        scim::validate(object, self.schemas()).map_err(|unfit| {
            let detail = format!("with what the connector's mapping makes of it: {}", unfit.detail);
            Rejection::from(Invalid { detail, ..unfit })
        })
    }

    fn schemas(&self) -> &scim::ResourceType {
        self.directory.schemas.catalogue().user()
    }

    /// What the connector says by its rules, where roles or platforms are read from attributes.
    fn said(&self) -> Option<Object> {
        let settings = &self.connector.settings;
        settings.roles_attribute.as_ref().or(settings.platform_attribute.as_ref())?;
        let mut said = self.source.clone();
        for rule in self.rules() {
            write(&mut said, &rule.to, rule.value(self.source));
        }
        Some(said)
    }
}

/// The value that all see.
fn of_all(user: &User, path: &str) -> Option<Value> {
    match path {
        "userName" => Some(Value::String(user.user_name.to_string())),
        PRIMARY_EMAIL => user.primary_email().map(|mail| Value::String(mail.to_owned())),
        path => read(&user.attributes.unpack(), path),
    }
}

/// Whether a mapping makes the names of the users whom this connector writes.
pub(super) fn feeds_name(directory: &Directory, connector: Option<ConnectorId>) -> bool {
    let connector = connector.and_then(|id| directory.connectors.get(id));
    connector.is_some_and(|it| it.settings.mapping.iter().any(|rule| rule.to == "userName"))
}

/// That the connector knows nobody else by the name that it writes: where its mapping makes other names, or made them once.
pub(super) fn free_name(
    directory: &Directory,
    actor: &Actor,
    name: &str,
    itself: Option<&User>,
) -> Result<(), Rejection> {
    let connector = actor.connector();
    if connector.and_then(|id| directory.connectors.get(id)?.mapped).is_none() {
        return Ok(());
    }
    let key = UserNameKey::of(name)?;
    let is_seen = |user: &User| directory.sees_user(connector, user);
    if itself.is_some_and(|user| user.is_known_as(connector, &key) && is_seen(user)) {
        return Ok(());
    }
    let own = directory.ignored_by(connector).map(|ignored| &ignored.users);
    let all = own.into_iter().chain([&directory.users]);
    let mut all = all.flat_map(|users| users.known_as(connector, &key));
    if !all.any(|user| Some(user.id) != itself.map(|it| it.id) && is_seen(user)) {
        return Ok(());
    }
    Err(Rejection::Taken {
        kind: "user",
        attribute: "userName".into(),
        value: name.to_owned(),
        remedy: "choose another, or look the user up by `userName` and update it",
    })
}
