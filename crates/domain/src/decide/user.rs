//! What may become of a user.
//!
//! PUT and PATCH are the same thing: both produce the wanted user, and the events are the
//! difference between what is and what is wanted.

use std::collections::BTreeSet;

use scim::{Admitted, Invalid, Mode, Node, Object, Packed, Patch, Quirk, UserNameKey, Value};

use super::ignored::{self, Place, Way};
use super::mapped::{self, Kept};
use super::{
    check_size, external_id_change, free_values, link, managed_here, management, options, settings,
    sites,
};
use crate::attributes::difference;
use crate::command::{Change, Decision, Notice};
use crate::directory::{Assignment, Directory, User, full_name, is_reserved};
use crate::event::{
    AttributeChange, Event, Holder, Member, NewUser, Renamed, RoleCatalogue, RoleWording,
};
use crate::id::UserId;
use crate::origin::{Actor, Source};
use crate::personal::Personal;
use crate::rejection::Rejection;
use crate::settings::PutWithoutActive;
use crate::view::UserView;

pub(super) fn decide(
    directory: &Directory,
    actor: &Actor,
    id: UserId,
    change: Change,
) -> Result<Decision, Rejection> {
    if let Change::Create(admitted) = change {
        return create(directory, actor, id, admitted);
    }
    let Some(user) = directory.user_seen(management::manager(directory, actor), id) else {
        return Err(Rejection::NotFound { kind: "user", id: id.to_string() });
    };
    managed_here(directory, actor, "user", &user.user_name, user.managed_by)?;
    match change {
        Change::Create(_) => Ok(Decision::default()),
        Change::Replace { mut with, expected } => {
            expected.check(user.modified.position)?;
            let view = UserView { user, directory, connector: actor.connector(), base: "" };
            let before = view.writable();
            scim::replace(&before, &mut with, directory.schemas.catalogue().user())?;
            let cleared = clears_active(&with);
            drop_derived(before.get("displayName").is_some(), &mut with.object);
            let kept = mapped::apply(directory, actor, Some(view), &mut with.object)?;
            let mut wanted = Wanted::of(with.object, kept)?;
            if wanted.active.is_none() && !cleared {
                // A PUT without `active` must not re-enable a suspended user (R-7644-3.5.1-03), unless the connector says so.
                let activates = settings(directory, actor)
                    .is_some_and(|it| it.put_without_active == PutWithoutActive::Activate);
                wanted.active = if activates { Some(true) } else { user.active_attribute() };
            }
            differ(directory, actor, user, wanted)
        }
        Change::Patch { patch, expected } => {
            expected.check(user.modified.position)?;
            let (wanted, quirks) = patched(directory, actor, user, &patch)?;
            Ok(Decision { quirks, ..differ(directory, actor, user, wanted)? })
        }
        Change::Delete { expected } => {
            expected.check(user.modified.position)?;
            Ok(Decision { events: delete(directory, user), ..Decision::default() })
        }
        Change::Withdraw => Ok(Decision { events: delete(directory, user), ..Decision::default() }),
    }
}

/// A user as a request wants it.
pub(super) struct Wanted {
    pub(super) user_name: String,
    /// None: unassigned. It says nothing of the right to act then.
    pub(super) active: Option<bool>,
    pub(super) external_id: Option<String>,
    pub(super) roles: Vec<(String, RoleWording)>,
    pub(super) attributes: Object,
    /// What its connector wrote where the mapping made something else of it.
    kept: Kept,
}

impl Wanted {
    /// Takes the attributes that carry rules out of an admitted object.
    fn of(mut object: Object, kept: Kept) -> Result<Wanted, Rejection> {
        let user_name = match object.take("userName") {
            Some(Value::String(name)) => name,
            _ => return Err(Invalid::value("`userName` is required").into()),
        };
        let active = match object.take("active") {
            Some(Value::Bool(active)) => Some(active),
            _ => None,
        };
        let external_id = text(object.take("externalId"));
        let roles = match object.take("roles") {
            Some(Value::List(roles)) => roles.into_iter().filter_map(role).collect(),
            _ => Vec::new(),
        };
        check_size(&object)?;
        Ok(Wanted { user_name, active, external_id, roles, attributes: object, kept })
    }

    /// The name as the connector writes it.
    fn written_name(&self) -> &str {
        self.kept.user_name().unwrap_or(&self.user_name)
    }
}

/// A `displayName` that was derived, read and written back was never given.
fn drop_derived(was_given: bool, object: &mut Object) {
    let derived = object.get("name").and_then(Node::of).and_then(full_name);
    if !was_given
        && derived.is_some()
        && object.get("displayName").and_then(Value::as_str) == derived.as_deref()
    {
        object.remove("displayName");
    }
}

/// Whether a POST or PUT says that `active` is to be unassigned.
fn clears_active(admitted: &Admitted) -> bool {
    admitted.cleared.iter().any(|name| *name == "active")
}

fn text(value: Option<Value>) -> Option<String> {
    match value {
        Some(Value::String(text)) => Some(text),
        _ => None,
    }
}

/// A role as a client writes it: its name, and what stands beside.
fn role(value: Value) -> Option<(String, RoleWording)> {
    let Value::Complex(mut role) = value else { return None };
    let name = text(role.take("value"))?;
    let primary = match role.take("primary") {
        Some(Value::Bool(primary)) => Some(primary),
        _ => None,
    };
    let (display, kind) = (text(role.take("display")), text(role.take("type")));
    Some((name, RoleWording { display, kind, primary }))
}

fn create(
    directory: &Directory,
    actor: &Actor,
    id: UserId,
    admitted: Admitted,
) -> Result<Decision, Rejection> {
    // An explicit null suppresses the default of the attribute (RFC 7644 §3.3), not the right to act.
    let cleared = clears_active(&admitted);
    // It was admitted by the schemas of a moment ago.
    scim::validate(&admitted.object, directory.schemas.catalogue().user())?;
    let mut object = admitted.object;
    let kept = mapped::apply(directory, actor, None, &mut object)?;
    let wanted = Wanted::of(object, kept)?;
    let left_out =
        ignored::leaving_out_user(directory, actor, wanted.written_name(), &wanted.attributes);
    let manager = management::manager(directory, actor);
    let key = UserNameKey::of(&wanted.user_name)?;
    let own = directory.ignored_by(manager).and_then(|ignored| ignored.users.named(&key));
    // Whom it leaves out, it takes over from nobody; nor does it have two of a name.
    if left_out.is_none()
        && own.is_none()
        && let Some(there) = link::find_user(directory, actor, &wanted)?
    {
        return link::user(directory, actor, there, wanted);
    }
    let place =
        Place { connector: management::manager(directory, actor), is_ignored: left_out.is_some() };
    free_name(directory, place, &wanted.user_name, None)?;
    mapped::free_name(directory, actor, wanted.written_name(), None)?;
    let mut decision = Decision::default();
    match left_out {
        Some(connector) => decision.events.push(Event::UserIgnored { user: id, connector }),
        None => free_values(directory, Member::User(id), &wanted.attributes)?,
    }
    let active = wanted.active.unwrap_or(true);
    decision.events.push(Event::UserCreated {
        user: id,
        active,
        managed_by: management::manager(directory, actor),
        personal: Personal::Known(NewUser {
            user_name: wanted.user_name,
            external_id: wanted.external_id,
            attributes: Packed::pack(&wanted.attributes),
        }),
    });
    let mut changes = wanted.kept.changes(None);
    if cleared {
        changes.extend(active_change(Some(active), None));
    }
    if !changes.is_empty() {
        let personal = Personal::Known(changes);
        decision.events.push(Event::UserAttributesChanged { user: id, personal });
    }
    let said = wanted.kept.said(&wanted.attributes);
    let roles = wanted_roles(directory, actor, None, said, wanted.roles, &mut decision);
    differ_in_roles(directory, actor, id, &[], roles, &mut decision)?;
    Ok(decision)
}

/// Who is there by that name already stays as they are: they only signed on.
pub(super) fn just_in_time(
    directory: &Directory,
    actor: &Actor,
    id: UserId,
    admitted: Admitted,
) -> Result<Decision, Rejection> {
    let name = admitted.object.get("userName").and_then(Value::as_str).unwrap_or_default();
    match directory.users.named(&UserNameKey::of(name)?) {
        Some(there) => Ok(Decision { about: Some(Member::User(there.id)), ..Decision::default() }),
        None => create(directory, actor, id, admitted),
    }
}

/// That no other user has this name, in whatever case: of those whom the connector sees, and of those there for all if this one
/// is to be.
fn free_name(
    directory: &Directory,
    place: Place,
    name: &str,
    except: Option<UserId>,
) -> Result<(), Rejection> {
    let Place { connector, is_ignored } = place;
    let key = UserNameKey::of(name)?;
    if is_reserved(&key) {
        let detail = "`userName` is one that is kept for a person who was erased: choose another";
        return Err(Invalid::value(detail).into());
    }
    let own = directory.ignored_by(connector).and_then(|ignored| ignored.users.named(&key));
    let own = own.filter(|holder| Some(holder.id) != except);
    let there = directory.users.named(&key);
    let there = there.filter(|holder| !is_ignored || directory.sees_user(connector, holder));
    match own.or(there) {
        Some(holder) if Some(holder.id) != except => Err(Rejection::Taken {
            kind: "user",
            attribute: "userName".into(),
            value: name.to_owned(),
            remedy: match holder.managed_by {
                _ if mapped::feeds_name(directory, connector) => {
                    "the connector's mapping makes this name of what it writes; change that, or the mapping"
                }
                _ if !holder.is_known_as(connector, &key) => {
                    "choose another; the connector knows this user by another name, from when it had a mapping"
                }
                None => "choose another; this one is managed here",
                Some(_) => "choose another, or look the user up by `userName` and update it",
            },
        }),
        _ => Ok(()),
    }
}

fn patched(
    directory: &Directory,
    actor: &Actor,
    user: &User,
    patch: &Patch,
) -> Result<(Wanted, Vec<Quirk>), Rejection> {
    let rtype = directory.schemas.catalogue().user();
    let view = UserView { user, directory, connector: actor.connector(), base: "" };
    let mut object = view.writable();
    let is_given = object.get("displayName").is_some();
    let quirks = patch.apply(&mut object, rtype, options(directory, actor))?;
    drop_derived(is_given, &mut object);
    let kept = mapped::apply(directory, actor, Some(view), &mut object)?;
    Ok((Wanted::of(object, kept)?, quirks))
}

/// The events that lead from `user` to `wanted`.
pub(super) fn differ(
    directory: &Directory,
    actor: &Actor,
    user: &User,
    wanted: Wanted,
) -> Result<Decision, Rejection> {
    let member = Member::User(user.id);
    let left_out =
        ignored::leaving_out_user(directory, actor, wanted.written_name(), &wanted.attributes);
    let is_renamed = *user.user_name != *wanted.user_name;
    let is_free = |is_ignored| {
        let place = Place { connector: management::manager(directory, actor), is_ignored };
        free_name(directory, place, &wanted.user_name, Some(user.id))
    };
    let way = match Way::of(directory, actor, member, user.managed_by, left_out) {
        // Who should be left out and cannot be, is still written to: else nobody could deactivate them.
        Way::Leaves(_) if !is_renamed && is_free(true).is_err() => Way::Stays,
        way @ (Way::Stays | Way::Leaves(_) | Way::Returns(_)) => way,
    };
    let is_ignored = match way {
        Way::Stays => directory.ignored.whose(member).is_some(),
        Way::Leaves(_) => true,
        Way::Returns(_) => false,
    };
    let mut decision = Decision::default();
    if is_renamed || way != Way::Stays {
        is_free(is_ignored)?;
    }
    mapped::free_name(directory, actor, wanted.written_name(), Some(user))?;
    if let Way::Leaves(_) = way {
        decision.events.extend(ignored::move_user(directory, user, way, &BTreeSet::new()));
    }
    if is_renamed {
        let (from, to) = (user.user_name.to_string(), wanted.user_name);
        let personal = Personal::Known(Renamed { from, to });
        decision.events.push(Event::UserRenamed { user: user.id, personal });
    }
    if !is_ignored {
        free_values(directory, member, &wanted.attributes)?;
    }
    let mut changes = difference(&user.attributes.unpack(), &wanted.attributes);
    changes.extend(active_change(user.active_attribute(), wanted.active));
    let external_id = user.external_id(actor.connector());
    changes.extend(external_id_change(external_id, wanted.external_id));
    changes.extend(wanted.kept.changes(user.written(actor.connector())));
    if !changes.is_empty() {
        let personal = Personal::Known(changes);
        decision.events.push(Event::UserAttributesChanged { user: user.id, personal });
    }
    match (user.active, wanted.active) {
        (false, Some(true)) => decision.events.push(Event::UserActivated { user: user.id }),
        (true, Some(false)) => decision.events.push(Event::UserDeactivated { user: user.id }),
        // Clearing `active` wakes nobody up and puts nobody to sleep.
        (true, Some(true)) | (false, Some(false)) | (_, None) => {}
    }
    if let Way::Returns(_) = way {
        decision.events.extend(ignored::move_user(directory, user, way, &BTreeSet::new()));
    }
    // What a rule gave has ended when they were ignored.
    let lasts = |a: &&Assignment| !is_ignored || a.source.rule().is_none();
    let there: Vec<Assignment> = user.roles.iter().filter(lasts).cloned().collect();
    let said = wanted.kept.said(&wanted.attributes);
    let roles = wanted_roles(directory, actor, Some(user), said, wanted.roles, &mut decision);
    decision.notices.extend(wanted.kept.notice);
    differ_in_roles(directory, actor, user.id, &there, roles, &mut decision)?;
    Ok(decision)
}

/// That `active` is assigned or unassigned. From one value to the other is a matter of who may act,
/// which has events of its own.
fn active_change(old: Option<bool>, new: Option<bool>) -> Option<AttributeChange> {
    (old.is_some() != new.is_some()).then(|| AttributeChange {
        path: "active".to_owned(),
        old: old.map(Value::Bool),
        new: new.map(Value::Bool),
    })
}

/// The tenant's own among the roles that a client names; what is for others is noted. Where the connector writes roles as one text,
/// the text says them all: one that is unassigned says that there are none.
fn wanted_roles(
    directory: &Directory,
    actor: &Actor,
    user: Option<&User>,
    attributes: &Object,
    named: Vec<(String, RoleWording)>,
    decision: &mut Decision,
) -> Vec<(String, RoleWording)> {
    let settings = settings(directory, actor);
    let had_text = || {
        let before = user.map(|user| user.attributes.unpack()).unwrap_or_default();
        sites::roles(directory, settings, &before).is_some()
    };
    let named = match sites::roles(directory, settings, attributes) {
        Some(text) => text.into_iter().map(|name| (name, RoleWording::default())).collect(),
        None if settings.is_some_and(|it| it.roles_attribute.is_some()) && had_text() => Vec::new(),
        None => named,
    };
    decision.elsewhere.extend(sites::platforms(directory, settings, attributes));
    let mut own = Vec::new();
    for (name, wording) in named {
        match sites::role(directory, name) {
            Ok(name) => own.push((name, wording)),
            Err(elsewhere) => decision.elsewhere.push(elsewhere),
        }
    }
    own
}

/// Roles are given and taken back only through the actor's own source. A role that is written back
/// because it was read, and is in effect through another source, causes nothing.
fn differ_in_roles(
    directory: &Directory,
    actor: &Actor,
    id: UserId,
    there: &[Assignment],
    wanted: Vec<(String, RoleWording)>,
    decision: &mut Decision,
) -> Result<(), Rejection> {
    let source = actor.source();
    let mut kept = Vec::new();
    for (name, wording) in wanted {
        let role = match directory.roles.named(&name) {
            Some(role) if role.retired && !there.iter().any(|a| a.role == role.id) => {
                leave_out(directory, actor, Notice::RetiredRole(name), decision)?;
                continue;
            }
            Some(role) => role.id,
            None => {
                leave_out(directory, actor, Notice::UnknownRole(name), decision)?;
                continue;
            }
        };
        if kept.contains(&role) {
            continue;
        }
        kept.push(role);
        let own = there.iter().find(|a| a.role == role && a.source == source);
        let unchanged = match own {
            Some(own) => own.wording == wording,
            None => there.iter().any(|a| a.role == role),
        };
        if !unchanged {
            let wording = Personal::Known(wording);
            decision.events.push(Event::RoleAssigned { user: id, role, source, wording });
        }
    }
    for assignment in there {
        if assignment.source == source && !kept.contains(&assignment.role) {
            let role = assignment.role;
            decision.events.push(Event::RoleRevoked { user: id, role, source });
        }
    }
    Ok(())
}

/// Leaves a part of a request out and reports it; by the letter, the whole request is refused.
fn leave_out(
    directory: &Directory,
    actor: &Actor,
    notice: Notice,
    decision: &mut Decision,
) -> Result<(), Rejection> {
    // A connector that publishes its roles in the draft's form has read which there are (C-ROLE-04).
    let settings = settings(directory, actor);
    let published = settings.is_some_and(|it| it.catalogue == RoleCatalogue::Draft);
    match options(directory, actor).mode {
        Mode::Lenient if !published => {
            decision.notices.push(notice);
            Ok(())
        }
        Mode::Strict | Mode::Interop | Mode::Lenient => {
            Err(Invalid::value(notice.to_string()).into())
        }
    }
}

/// Memberships, roles and keys end first and by name, so that nobody who asks for a group's or a role's
/// history misses it.
pub(super) fn delete(directory: &Directory, user: &User) -> Vec<Event> {
    let member = Member::User(user.id);
    let mut events = Vec::new();
    for (group, source) in directory.memberships_of(member) {
        events.push(Event::GroupMemberRemoved { group, member, source });
    }
    for assignment in &user.roles {
        let (role, source) = (assignment.role, assignment.source);
        events.push(Event::RoleRevoked { user: user.id, role, source });
    }
    let own = directory.credentials.iter().filter(|c| c.holder == Holder::User(user.id));
    for credential in own.filter(|credential| credential.revoked.is_none()) {
        events.push(Event::CredentialRevoked { credential: credential.id });
    }
    events.push(Event::UserDeleted { user: user.id });
    events
}

pub(super) fn assign(
    directory: &Directory,
    user: UserId,
    role: &str,
) -> Result<Decision, Rejection> {
    let (user, role) = both(directory, user, role)?;
    let mut decision = Decision::default();
    if role.retired {
        return Err(Invalid::value(Notice::RetiredRole(role.name.clone()).to_string()).into());
    }
    if !user.roles.iter().any(|a| a.role == role.id && a.source == Source::Local) {
        decision.events.push(Event::RoleAssigned {
            user: user.id,
            role: role.id,
            source: Source::Local,
            wording: Personal::Known(RoleWording::default()),
        });
    }
    Ok(decision)
}

pub(super) fn revoke(
    directory: &Directory,
    user: UserId,
    role: &str,
) -> Result<Decision, Rejection> {
    let (user, role) = both(directory, user, role)?;
    let mut decision = Decision::default();
    if user.roles.iter().any(|a| a.role == role.id && a.source == Source::Local) {
        let (user, role) = (user.id, role.id);
        decision.events.push(Event::RoleRevoked { user, role, source: Source::Local });
    }
    Ok(decision)
}

fn both<'a>(
    directory: &'a Directory,
    user: UserId,
    role: &str,
) -> Result<(&'a User, &'a crate::directory::Role), Rejection> {
    let missing = |kind, id| Rejection::NotFound { kind, id };
    let user = directory.users.get(user).ok_or_else(|| missing("user", user.to_string()))?;
    let role = directory.roles.named(role).ok_or_else(|| missing("role", role.to_owned()))?;
    Ok((user, role))
}
