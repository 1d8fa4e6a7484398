//! The users of a tenant, and the ways to find one.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use imbl::{OrdMap, OrdSet};
use scim::{ComplexView, Node, Packed, UserNameKey, View};
use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use uuid::Uuid;

use super::shelf::{Shelf, WORD_BYTES, Word};
use super::written::{self, Written};
use super::{ExternalId, Moment, Stamp, apply_changes, external_id, set_external_id};
use crate::commit::Unfit;
use crate::event::{AttributeChange, NewUser, Renamed, RoleWording};
use crate::id::{ConnectorId, RoleId, UserId};
use crate::origin::Source;
use crate::personal::Personal;
use crate::position::Position;
use crate::snapshot::entries;
use crate::view::ENTERPRISE;

/// A user as of one position.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct User {
    /// Never reused, never changed.
    pub id: UserId,
    /// The name, as the client wrote it; unique by [`UserNameKey`].
    pub user_name: Box<str>,
    /// Whether they may do anything at all.
    pub active: bool,
    /// Whether the attribute `active` is unassigned. It takes nothing from the right to act, and
    /// gives none: that is what `active` was last.
    #[serde(default, skip_serializing_if = "is_false")]
    pub active_unassigned: bool,
    /// That an operator locked them: they may do nothing, whatever `active` says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lock: Option<Box<Lock>>,
    /// The connector that manages the user; none: managed here.
    pub managed_by: Option<ConnectorId>,
    /// Whether a connector managed the user before, which released them. What it gave is given here since.
    #[serde(default, skip_serializing_if = "is_false")]
    pub released: bool,
    /// What each connector calls them.
    pub external_ids: Vec<ExternalId>,
    /// The roles given to them, each with its source.
    pub roles: Vec<Assignment>,
    /// What connectors wrote where their mappings made something else of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub written: Vec<Written>,
    /// Every other attribute.
    pub attributes: Packed,
    /// When they came to be.
    pub created: Stamp,
    /// When they last changed; its position is the version.
    pub modified: Stamp,
}

/// That an operator took away a user's right to act, whatever their identity provider says.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Lock {
    /// Since when.
    pub since: Stamp,
    /// Why, in the operator's words; none: it is gone with the person's values.
    pub reason: Option<Box<str>>,
}

/// A role that one source gives to a user.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Assignment {
    /// The role.
    pub role: RoleId,
    /// Where it comes from.
    pub source: Source,
    /// What the client wrote beside it.
    pub wording: RoleWording,
}

impl User {
    /// The attribute `active`, as clients see it; none: it is unassigned (RFC 7643 §2.5).
    pub fn active_attribute(&self) -> Option<bool> {
        (!self.active_unassigned).then_some(self.active)
    }

    /// Whether they may do anything at all: they are active, and no operator locked them. Whatever grants something asks
    /// this; `active` alone is what their identity provider says.
    pub fn may_act(&self) -> bool {
        self.active && self.lock.is_none()
    }

    /// The `displayName` of who has none: first and last name. It is shown and found like a given one, and never stored.
    pub fn derived_name(&self) -> Option<String> {
        let attributes = self.attributes.view();
        if attributes.get("displayName").is_some() {
            return None;
        }
        full_name(attributes.get("name")?)
    }

    /// What `connector` sees as their `displayName`: one that was given, or first and last name.
    pub fn display_name(&self, connector: Option<ConnectorId>) -> Option<String> {
        if let Some(written) = self.written(connector) {
            return written.display_name(self);
        }
        match self.attributes.view().get("displayName") {
            Some(Node::String(name)) => Some(name.to_owned()),
            _ => self.derived_name(),
        }
    }

    /// What `connector` wrote where its mapping made something else of it.
    pub fn written(&self, connector: Option<ConnectorId>) -> Option<&Written> {
        self.written.iter().find(|written| Some(written.connector) == connector)
    }

    /// The `userName` as `connector` writes it.
    pub fn name_for(&self, connector: Option<ConnectorId>) -> &str {
        let written = self.written(connector).and_then(|written| written.text("userName"));
        written.unwrap_or(&self.user_name)
    }

    /// Whether `connector` reads them by this name.
    pub fn is_known_as(&self, connector: Option<ConnectorId>, key: &UserNameKey) -> bool {
        UserNameKey::of(self.name_for(connector)).is_ok_and(|there| there == *key)
    }

    /// What `connector` calls this user.
    pub fn external_id(&self, connector: Option<ConnectorId>) -> Option<&str> {
        external_id(&self.external_ids, connector)
    }

    /// The mail address that is marked as primary.
    pub fn primary_email(&self) -> Option<&str> {
        self.email_where(|email| email.get("primary").and_then(Node::as_bool) == Some(true))
    }

    /// The mail address that is marked as primary, else the first one, else the name if it looks like an address.
    pub fn email(&self) -> Option<&str> {
        let named = || self.user_name.contains('@').then_some(&*self.user_name);
        self.primary_email().or_else(|| self.email_where(|_| true)).or_else(named)
    }

    fn email_where(&self, wanted: impl Fn(ComplexView<'_>) -> bool) -> Option<&str> {
        let Some(Node::List(emails)) = self.attributes.view().get("emails") else { return None };
        let mut emails = emails.iter().filter_map(Node::as_complex);
        emails.find(|email| wanted(*email))?.get("value")?.as_str()
    }

    /// A part of their name, as in `givenName`.
    pub fn name_part(&self, part: &str) -> Option<&str> {
        self.attributes.view().get("name")?.as_complex()?.get(part)?.as_str()
    }

    /// Who manages them, if what they have in the enterprise extension is the id of a user (RFC 7643 §4.3).
    pub fn manager(&self) -> Option<UserId> {
        let extension = self.attributes.view().get(ENTERPRISE)?.as_complex()?;
        let manager = extension.get("manager")?.as_complex()?.get("value")?;
        manager.as_str()?.parse().ok()
    }

    /// The roles that they have through any source, each once, by id.
    pub fn each_role(&self) -> impl Iterator<Item = RoleId> {
        let roles: BTreeSet<RoleId> = self.roles.iter().map(|a| a.role).collect();
        roles.into_iter()
    }

    /// Whether any source gives them this role.
    pub fn has_role(&self, role: RoleId) -> bool {
        self.roles.iter().any(|assignment| assignment.role == role)
    }
}

/// First and last name, of the attribute `name`.
pub(crate) fn full_name(name: Node<'_>) -> Option<String> {
    let name = name.as_complex()?;
    let parts = ["givenName", "familyName"];
    let parts = parts.into_iter().filter_map(|part| name.get(part)?.as_str());
    let parts: Vec<&str> = parts.map(str::trim).filter(|part| !part.is_empty()).collect();
    (!parts.is_empty()).then(|| parts.join(" "))
}

/// A serialized field is left out while it is false: fingerprints of older histories stay.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
pub(super) fn is_false(flag: &bool) -> bool {
    !flag
}

/// The words that a user is found by, beside external ids: the name's key, mail addresses and `displayName` in
/// whatever case, and an `active` that is false or unassigned. That it is true is not noted: it is
/// for most, and so it finds nobody.
pub(super) fn words(user: &User, note: &mut dyn FnMut(Word)) {
    if let Ok(key) = UserNameKey::of(&user.user_name) {
        note(key_word(&key));
    }
    let attributes = user.attributes.view();
    emails(attributes, note);
    if let Some(name) = attributes.get("displayName").and_then(Node::as_str) {
        note(name_word(name));
    }
    if let Some(name) = user.derived_name() {
        note(name_word(&name));
    }
    for written in &user.written {
        if let Some(name) = written.text("userName") {
            note(written_word(name));
        }
        emails(written.values.view(), note);
        if let Some(name) = written.display_name(user) {
            note(name_word(&name));
        }
    }
    match user.active_attribute() {
        Some(true) => {}
        Some(false) => note(active_word("false")),
        None => note(active_word("unassigned")),
    }
    if user.managed_by.is_none() {
        note(here_word());
    }
}

fn emails(attributes: View<'_>, note: &mut dyn FnMut(Word)) {
    if let Some(Node::List(emails)) = attributes.get("emails") {
        let values = emails.iter().filter_map(|email| email.as_complex()?.get("value")?.as_str());
        values.for_each(|value| note(email_word(value)));
    }
}

/// The word of whoever is managed here.
pub(super) fn here_word() -> Word {
    Word::new("managedBy", "here")
}

fn email_word(value: &str) -> Word {
    Word::new("emails.value", &scim::fold(value))
}

fn name_word(name: &str) -> Word {
    Word::new("displayName", &scim::fold(name))
}

/// The word of a name, whoever calls them so.
fn key_word(key: &UserNameKey) -> Word {
    Word::new("userName", key.as_str())
}

fn written_word(name: &str) -> Word {
    Word::new("userName", &scim::fold_user_name(name))
}

fn active_word(value: &str) -> Word {
    Word::new("active", value)
}

/// The names that each user gave up.
type FormerOf = OrdMap<UserId, BTreeSet<UserNameKey>>;

/// The users of a tenant at one position.
// INVARIANT (names): no two on the shelf have the same name key. Checked by `agrees`.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Users {
    shelf: Shelf<User>,
    // Names that were given up, by renaming or deleting: who asks about the past asks by name.
    former: OrdSet<(UserNameKey, UserId)>,
    // INVARIANT (former): exactly `former`, by user. Checked by `agrees`.
    former_of: FormerOf,
    // Who was erased: nothing is left of them but their ids.
    erased: OrdSet<UserId>,
    // INVARIANT (holders): how many users have each role, through whichever source; none is absent.
    holders: OrdMap<RoleId, usize>,
}

impl Users {
    /// The user with this id.
    pub fn get(&self, id: UserId) -> Option<&User> {
        self.shelf.get(id)
    }

    /// The user with this name, in whatever case.
    pub fn named(&self, key: &UserNameKey) -> Option<&User> {
        let has_it = |user: &&User| UserNameKey::of(&user.user_name).is_ok_and(|own| own == *key);
        self.shelf.with_word(key_word(key)).find(has_it)
    }

    /// Everybody who has this name or ever had it, whether they are still there or not.
    pub fn ever_named(&self, key: &UserNameKey) -> Vec<UserId> {
        let range = (key.clone(), UserId::LEAST)..=(key.clone(), UserId::MOST);
        let mut ids: Vec<_> = self.former.range(range).map(|(_, id)| *id).collect();
        ids.extend(self.named(key).map(|user| user.id));
        ids.sort_unstable();
        ids.dedup();
        ids
    }

    /// Whether this person was erased.
    pub fn is_erased(&self, id: UserId) -> bool {
        self.erased.contains(&id)
    }

    /// How many persons were erased so far. What was seen before this grew may hold values that must not be shown any more.
    pub fn erased(&self) -> usize {
        self.erased.len()
    }

    /// Whether this user was deleted and not erased.
    pub(crate) fn is_gone(&self, id: UserId) -> bool {
        self.get(id).is_none() && self.former_names(id).next().is_some()
    }

    /// The names that a user gave up, by renaming or by being deleted.
    pub fn former_names(&self, id: UserId) -> impl Iterator<Item = &UserNameKey> {
        self.former_of.get(&id).into_iter().flatten()
    }

    pub(super) fn give_up(&mut self, name: UserNameKey, id: UserId) {
        self.former_of.entry(id).or_default().insert(name.clone());
        self.former.insert((name, id));
    }

    /// The users that some connector calls so; who asks must still check that it is its own word.
    pub fn with_external_id<'a>(&'a self, value: &str) -> impl Iterator<Item = &'a User> + use<'a> {
        self.shelf.with_external_id(value)
    }

    /// The users that may have this mail address, in whatever case; who asks must still look.
    pub fn with_email<'a>(&'a self, value: &str) -> impl Iterator<Item = &'a User> + use<'a> {
        self.shelf.with_word(email_word(value))
    }

    /// The users who may have this name, in whatever case, or whom some connector writes so whose mapping makes another `userName`; who
    /// asks must still look.
    pub fn called<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a User> + use<'a> {
        self.shelf.with_word(written_word(name))
    }

    /// The users whom this connector reads by this name.
    pub fn known_as<'a>(
        &'a self,
        connector: Option<ConnectorId>,
        key: &'a UserNameKey,
    ) -> impl Iterator<Item = &'a User> {
        // The word of a written name is what its key is made of.
        let all = self.shelf.with_word(key_word(key));
        all.filter(move |user| user.is_known_as(connector, key))
    }

    /// The users that may be displayed so, in whatever case; who asks must still look.
    pub fn displayed<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a User> + use<'a> {
        self.shelf.with_word(name_word(name))
    }

    /// The users whose attribute `active` is false, by id.
    pub fn inactive(&self) -> impl Iterator<Item = &User> {
        let those = self.shelf.with_word(active_word("false"));
        those.filter(|user| user.active_attribute() == Some(false))
    }

    /// The users who are managed here, by id.
    pub fn managed_here(&self) -> impl Iterator<Item = &User> {
        self.shelf.with_word(here_word()).filter(|user| user.managed_by.is_none())
    }

    /// The users whose attribute `active` is unassigned, by id.
    pub fn active_unassigned(&self) -> impl Iterator<Item = &User> {
        let those = self.shelf.with_word(active_word("unassigned"));
        those.filter(|user| user.active_unassigned)
    }

    /// How many users have a role.
    pub fn holders(&self, role: RoleId) -> usize {
        self.holders.get(&role).copied().unwrap_or_default()
    }

    /// How many users came to be before the one with this place in the log and this id, whether that one is still there or not.
    pub fn before(&self, created: Position, id: UserId) -> usize {
        self.shelf.before(created, id)
    }

    /// Where a user stands in the order of creation, counted from 0.
    pub fn place(&self, user: &User) -> Option<usize> {
        self.shelf.place(user)
    }

    /// All users, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &User> {
        self.from(0)
    }

    /// The users from the `skip`-th on, oldest first; costs nothing for those skipped.
    pub fn from(&self, skip: usize) -> impl Iterator<Item = &User> {
        self.shelf.from(skip)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.shelf.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(super) fn create(
        &mut self,
        id: UserId,
        active: bool,
        managed_by: Option<ConnectorId>,
        personal: &Personal<NewUser>,
        moment: Moment<'_>,
    ) -> Result<(), Unfit> {
        if self.get(id).is_some() {
            return Err(moment.unfit(format!("user {id} exists already")));
        }
        let mut user = User {
            id,
            user_name: erased_name(id).into(),
            active,
            active_unassigned: false,
            lock: None,
            managed_by,
            released: false,
            external_ids: Vec::new(),
            roles: Vec::new(),
            written: Vec::new(),
            attributes: Packed::default(),
            created: moment.stamp,
            modified: moment.stamp,
        };
        if let Personal::Known(new) = personal {
            user.user_name = new.user_name.as_str().into();
            user.attributes = new.attributes.clone();
            let connector = moment.origin.actor.connector();
            set_external_id(&mut user.external_ids, connector, new.external_id.as_deref());
        }
        if self.named(&key_of(&user.user_name, moment)?).is_some() {
            return Err(moment.unfit(format!("the name of user {id} is taken")));
        }
        self.shelf.insert(Arc::new(user));
        Ok(())
    }

    pub(super) fn rename(
        &mut self,
        id: UserId,
        personal: &Personal<Renamed>,
        moment: Moment<'_>,
    ) -> Result<(), Unfit> {
        let Personal::Known(Renamed { to, .. }) = personal else {
            return self.shelf.change(id, moment, |_| {});
        };
        let new = key_of(to, moment)?;
        let old = match self.get(id) {
            Some(user) => key_of(&user.user_name, moment)?,
            None => return Err(moment.unfit(format!("there is no user {id}"))),
        };
        if self.named(&new).is_some_and(|holder| holder.id != id) {
            return Err(moment.unfit(format!("the new name of user {id} is taken")));
        }
        if old != new {
            self.give_up(old, id);
        }
        self.shelf.change(id, moment, |user| user.user_name = to.as_str().into())
    }

    pub(super) fn set(
        &mut self,
        id: UserId,
        personal: &Personal<Vec<AttributeChange>>,
        moment: Moment<'_>,
    ) -> Result<(), Unfit> {
        let Personal::Known(changes) = personal else {
            return self.shelf.change(id, moment, |_| {});
        };
        let connector = moment.origin.actor.connector();
        let is_active = |change: &&AttributeChange| change.path == "active";
        let active = changes.iter().find(is_active).map(|change| change.new.is_none());
        let (written, others): (Vec<_>, Vec<_>) = changes
            .iter()
            .filter(|change| !is_active(change))
            .partition(|change| Written::path_of(&change.path).is_some());
        self.shelf.change(id, moment, |user| {
            if let Some(connector) = connector {
                written::apply(&mut user.written, &written, connector);
            }
            apply_changes(&mut user.attributes, &mut user.external_ids, others, connector);
            // Who may act is said by events of its own.
            user.active_unassigned = active.unwrap_or(user.active_unassigned);
        })
    }

    /// A connector takes over, or, if none, lets go.
    pub(super) fn manage(
        &mut self,
        id: UserId,
        by: Option<ConnectorId>,
        moment: Moment<'_>,
    ) -> Result<(), Unfit> {
        self.shelf.change(id, moment, |user| {
            user.managed_by = by;
            user.released = by.is_none();
        })
    }

    pub(super) fn set_lock(
        &mut self,
        id: UserId,
        lock: Option<Box<Lock>>,
        moment: Moment<'_>,
    ) -> Result<(), Unfit> {
        self.shelf.change(id, moment, |user| user.lock = lock)
    }

    pub(super) fn set_active(
        &mut self,
        id: UserId,
        active: bool,
        moment: Moment<'_>,
    ) -> Result<(), Unfit> {
        self.shelf.change(id, moment, |user| user.active = active)
    }

    pub(super) fn assign(
        &mut self,
        id: UserId,
        assignment: Assignment,
        moment: Moment<'_>,
    ) -> Result<(), Unfit> {
        let role = assignment.role;
        let is_new = self.get(id).is_some_and(|user| !user.has_role(role));
        self.shelf.change(id, moment, |user| {
            let same =
                |a: &&mut Assignment| a.role == assignment.role && a.source == assignment.source;
            match user.roles.iter_mut().find(same) {
                Some(there) => *there = assignment,
                None => user.roles.push(assignment),
            }
        })?;
        if is_new {
            *self.holders.entry(role).or_default() += 1;
        }
        Ok(())
    }

    pub(super) fn revoke(
        &mut self,
        id: UserId,
        role: RoleId,
        source: Source,
        moment: Moment<'_>,
    ) -> Result<(), Unfit> {
        let had = self.get(id).is_some_and(|user| user.has_role(role));
        self.shelf.change(id, moment, |user| {
            user.roles.retain(|a| a.role != role || a.source != source);
        })?;
        if had && self.get(id).is_some_and(|user| !user.has_role(role)) {
            self.one_holder_less(role);
        }
        Ok(())
    }

    fn one_holder_less(&mut self, role: RoleId) {
        match self.holders.get(&role).copied() {
            Some(many @ 2..) => drop(self.holders.insert(role, many - 1)),
            Some(_) | None => drop(self.holders.remove(&role)),
        }
    }

    /// Erasing follows deleting: what is left of the person here is a name that was given up.
    pub(super) fn erase(&mut self, id: UserId, moment: Moment<'_>) -> Result<(), Unfit> {
        if self.get(id).is_some() {
            return Err(moment.unfit(format!("user {id} is erased but not deleted")));
        }
        self.forget(id);
        self.erased.insert(id);
        Ok(())
    }

    /// Nobody asks any more for the names that a user gave up.
    pub(super) fn forget(&mut self, id: UserId) {
        for name in self.former_of.remove(&id).into_iter().flatten() {
            self.former.remove(&(name, id));
        }
    }

    pub(super) fn delete(&mut self, id: UserId, moment: Moment<'_>) -> Result<(), Unfit> {
        self.take(id, moment).map(drop)
    }

    /// Takes a user away, who gives up the name.
    pub(super) fn take(&mut self, id: UserId, moment: Moment<'_>) -> Result<Arc<User>, Unfit> {
        let user = self.shelf.remove(id, moment)?;
        let key = key_of(&user.user_name, moment)?;
        self.give_up(key, id);
        for role in user.each_role() {
            self.one_holder_less(role);
        }
        Ok(user)
    }

    /// Puts in a user who was among others before.
    pub(super) fn put(&mut self, mut user: Arc<User>, moment: Moment<'_>) -> Result<(), Unfit> {
        Arc::make_mut(&mut user).modified = moment.stamp;
        if self.named(&key_of(&user.user_name, moment)?).is_some() {
            return Err(moment.unfit(format!("the name of user {} is taken", user.id)));
        }
        for role in user.each_role() {
            *self.holders.entry(role).or_default() += 1;
        }
        self.shelf.insert(user);
        Ok(())
    }

    pub(super) fn agrees(&self) -> Result<(), String> {
        self.shelf.agrees()?;
        let rebuilt = Users::rebuild(self.shelf.by_id().cloned())?;
        if rebuilt.holders != self.holders {
            return Err("the counts of the roles' holders disagree with the users".to_owned());
        }
        if former_of(&self.former) != self.former_of {
            return Err("the index of former names by users disagrees with them".to_owned());
        }
        match self.erased.iter().find(|id| self.get(**id).is_some()) {
            Some(id) => Err(format!("user {id} was erased and is there")),
            None => Ok(()),
        }
    }

    /// The users with every index made anew.
    fn rebuild(users: impl Iterator<Item = Arc<User>>) -> Result<Users, String> {
        let mut rebuilt = Users::default();
        for user in users {
            let key = UserNameKey::of(&user.user_name).map_err(|e| e.to_string())?;
            if rebuilt.named(&key).is_some() {
                return Err(format!("two users are called like user {}", user.id));
            }
            for role in user.each_role() {
                *rebuilt.holders.entry(role).or_default() += 1;
            }
            rebuilt.shelf.insert(user);
        }
        Ok(rebuilt)
    }
}

/// A user in a part of a snapshot: every field, by its place.
pub struct UserRow<U>(pub U);

impl Serialize for UserRow<&User> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let User {
            id,
            user_name,
            active,
            active_unassigned,
            lock,
            managed_by,
            released,
            external_ids,
            roles,
            written,
            attributes,
            created,
            modified,
        } = self.0;
        let flags = (active, active_unassigned, released);
        let given = (external_ids, roles, written);
        (id, user_name, flags, lock, managed_by, given, attributes, created, modified)
            .serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for UserRow<Arc<User>> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (id, user_name, flags, lock, managed_by, given, attributes, created, modified) =
            Deserialize::deserialize(deserializer)?;
        let (active, active_unassigned, released) = flags;
        let (external_ids, roles, written) = given;
        Ok(UserRow(Arc::new(User {
            id,
            user_name,
            active,
            active_unassigned,
            lock,
            managed_by,
            released,
            external_ids,
            roles,
            written,
            attributes,
            created,
            modified,
        })))
    }
}

/// What of the users is neither a user nor an index.
pub(crate) struct UserParts {
    pub(crate) former: OrdSet<(UserNameKey, UserId)>,
    pub(crate) erased: OrdSet<UserId>,
}

impl Users {
    pub(crate) fn parts(&self) -> UserParts {
        UserParts { former: self.former.clone(), erased: self.erased.clone() }
    }

    /// All users, by id.
    pub(crate) fn rows(&self) -> impl Iterator<Item = &User> {
        self.shelf.by_id().map(|user| &**user)
    }

    /// All words, in their order.
    pub(crate) fn word_bytes(&self) -> impl Iterator<Item = [u8; WORD_BYTES]> {
        self.shelf.word_bytes(|id| id.uuid().into_bytes())
    }

    /// The users whose parts these are; none if they are malformed.
    pub(crate) fn of_parts(
        rows: Vec<UserRow<Arc<User>>>,
        words: &[Vec<u8>],
        rest: UserParts,
    ) -> Option<Users> {
        let mut holders: BTreeMap<RoleId, usize> = BTreeMap::new();
        for UserRow(user) in &rows {
            user.each_role().for_each(|role| *holders.entry(role).or_default() += 1);
        }
        let users = rows.into_iter().map(|UserRow(user)| user).collect();
        let words = entries::<WORD_BYTES>(words)?;
        let shelf = Shelf::of_parts(users, &words, |id| UserId::new(Uuid::from_bytes(id)));
        let UserParts { former, erased } = rest;
        let former_of = former_of(&former);
        Some(Users { shelf, former, former_of, erased, holders: holders.into_iter().collect() })
    }
}

fn former_of(former: &OrdSet<(UserNameKey, UserId)>) -> FormerOf {
    let mut by_user = FormerOf::new();
    for (name, id) in former {
        by_user.entry(*id).or_default().insert(name.clone());
    }
    by_user
}

/// What a person is called of whom nothing is known any more.
fn erased_name(id: UserId) -> String {
    format!("erased-{id}")
}

/// Whether a name is what an erased person may have to be called one day.
pub(crate) fn is_reserved(name: &UserNameKey) -> bool {
    let id = name.as_str().strip_prefix("erased-");
    id.is_some_and(|id| id.parse::<UserId>().is_ok())
}

fn key_of(name: &str, moment: Moment<'_>) -> Result<UserNameKey, Unfit> {
    UserNameKey::of(name).map_err(|_| moment.unfit("a user name that no release admits"))
}

impl Serialize for Users {
    /// The users, the names that were given up, and who was erased if anybody was: what is derived
    /// is not stored.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let users: Vec<&User> = self.shelf.by_id().map(|user| &**user).collect();
        if self.erased.is_empty() {
            return (users, &self.former).serialize(serializer);
        }
        (users, &self.former, &self.erased).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Users {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(Stored)
    }
}

/// Reads users as they were stored: with or without who was erased.
struct Stored;

impl<'de> Visitor<'de> for Stored {
    type Value = Users;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("users, their former names, and who was erased")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Users, A::Error> {
        let users: Vec<Arc<User>> = seq.next_element()?.unwrap_or_default();
        let mut rebuilt = Users::rebuild(users.into_iter()).map_err(serde::de::Error::custom)?;
        rebuilt.former = seq.next_element()?.unwrap_or_default();
        rebuilt.former_of = former_of(&rebuilt.former);
        rebuilt.erased = seq.next_element()?.unwrap_or_default();
        Ok(rebuilt)
    }
}
