//! Linking: an identity provider pushes somebody who is there already and managed here. They keep their id, and are managed by
//! its connector from then on. Groups are linked only if another connector released them: those that were made here stay so.

use scim::{Object, UserNameKey, Value};

use super::group::{self, differ as differ_in_group};
use super::user::{self, differ};
use super::{check_size, management, settings};
use crate::command::Decision;
use crate::directory::{Directory, Group, User};
use crate::event::{Event, Member, Subject};
use crate::id::ConnectorId;
use crate::origin::{Actor, Source};
use crate::personal::Personal;
use crate::rejection::Rejection;
use crate::settings::Linking;

/// The user who is meant by what `actor` pushes, if they are managed here and its connector links: by `userName`, then by
/// primary mail address if the connector says so.
pub(super) fn find_user<'a>(
    directory: &'a Directory,
    actor: &Actor,
    wanted: &user::Wanted,
) -> Result<Option<&'a User>, Rejection> {
    let Some((_, linking)) = linking(directory, actor) else { return Ok(None) };
    if let Some(there) = directory.users.named(&UserNameKey::of(&wanted.user_name)?) {
        return Ok(there.managed_by.is_none().then_some(there));
    }
    let Some(mail) =
        primary_mail(&wanted.attributes).filter(|_| linking == Linking::UserNameOrEmail)
    else {
        return Ok(None);
    };
    let folded = scim::fold(mail);
    let has_it = |user: &&User| {
        let attributes = user.attributes.unpack();
        primary_mail(&attributes).is_some_and(|there| scim::fold(there) == folded)
    };
    let mut found = directory.users.with_email(mail).filter(|user| user.managed_by.is_none());
    let mut found = found.by_ref().filter(has_it);
    match (found.next(), found.next()) {
        (Some(_), Some(_)) => Err(Rejection::Taken {
            kind: "user",
            attribute: "primary mail address".into(),
            value: mail.to_owned(),
            remedy: "several users who are managed here have it, so nobody knows who is meant; correct it there",
        }),
        (only, _) => Ok(only),
    }
}

/// The group that is meant, if its connector released it.
pub(super) fn find_group<'a>(
    directory: &'a Directory,
    actor: &Actor,
    name: &str,
) -> Option<&'a Group> {
    linking(directory, actor)?;
    directory.groups.named(name).find(|group| group.released && group.managed_by.is_none())
}

/// What links `there`: what the request says holds, what it does not say stays.
pub(super) fn user(
    directory: &Directory,
    actor: &Actor,
    there: &User,
    mut wanted: user::Wanted,
) -> Result<Decision, Rejection> {
    let Some(connector) = actor.connector() else { return Ok(Decision::default()) };
    keep(&there.attributes.unpack(), &mut wanted.attributes)?;
    // Being pushed re-enables nobody who was deactivated here, unless the request says so.
    wanted.active = wanted.active.or(there.active_attribute());
    let taken = roles(directory, there, &wanted, connector);
    let mut decision = differ(directory, actor, there, wanted)?;
    decision.events.insert(0, Event::UserLinked { user: there.id, connector });
    decision.events.extend(taken);
    decision.about = Some(Member::User(there.id));
    Ok(decision)
}

/// Who pushes somebody cannot have read them: a role that it names and that is given here is no echo, so it has a source more;
/// what was given here only because another connector released it, is handed over.
fn roles(
    directory: &Directory,
    there: &User,
    wanted: &user::Wanted,
    connector: ConnectorId,
) -> Vec<Event> {
    let (user, source) = (there.id, Source::Connector(connector));
    let mut events = Vec::new();
    for (name, wording) in &wanted.roles {
        let Some(role) = directory.roles.named(name).map(|role| role.id) else { continue };
        let from = |source| there.roles.iter().any(|a| a.role == role && a.source == source);
        let is_new = !events.iter().any(|event: &Event| event.is_about(Subject::Role(role)));
        if !there.has_role(role) || from(source) || !is_new {
            continue;
        }
        let wording = Personal::Known(wording.clone());
        events.push(Event::RoleAssigned { user, role, source, wording });
        if there.released && from(Source::Local) {
            events.push(Event::RoleRevoked { user, role, source: Source::Local });
        }
    }
    events
}

/// What links the group `there`, but for its members.
pub(super) fn group(
    directory: &Directory,
    actor: &Actor,
    there: &Group,
    mut wanted: group::Wanted,
) -> Result<Vec<Event>, Rejection> {
    let Some(connector) = actor.connector() else { return Ok(Vec::new()) };
    keep(&there.attributes.unpack(), &mut wanted.attributes)?;
    let mut events = vec![Event::GroupLinked { group: there.id, connector }];
    events.extend(differ_in_group(directory, actor, there, wanted)?);
    Ok(events)
}

/// The connector, if it links at all, and how.
fn linking(directory: &Directory, actor: &Actor) -> Option<(ConnectorId, Linking)> {
    let linking = settings(directory, actor)?.linking;
    // Scripts of administrators are no identity provider: they take nobody over.
    let connector = management::manager(directory, actor);
    connector.filter(|_| linking != Linking::Never).map(|connector| (connector, linking))
}

fn keep(there: &Object, wanted: &mut Object) -> Result<(), Rejection> {
    for (name, value) in there.iter() {
        if wanted.get(name).is_none() {
            wanted.set(name.clone(), value.clone());
        }
    }
    Ok(check_size(wanted)?)
}

/// The address that is marked as primary, else the only one.
fn primary_mail(attributes: &Object) -> Option<&str> {
    let Some(Value::List(mails)) = attributes.get("emails") else { return None };
    let is_primary = |mail: &&Value| {
        let primary = mail.as_complex().and_then(|mail| mail.get("primary"));
        mails.len() == 1 || primary == Some(&Value::Bool(true))
    };
    mails.iter().find(is_primary)?.as_complex()?.get("value")?.as_str()
}
