//! Whom a refused request was about: what its path names, and what its body was to be called.

use audit::{About, find_group, find_role, find_user};
use domain::event::Subject;
use domain::id::{GroupId, TenantId, UserId};
use domain::snapshot::Snapshot;
use scim::{UserNameKey, Value};

use super::cut;
use crate::app::App;
use crate::limits::PROBLEM_NAME_CHARS;
use crate::path;
use crate::scim_api::Kind;

/// The name that a new resource was to have: whatever else is wrong with the body, people look for it by this.
pub(crate) fn named(kind: Kind, body: &Value) -> About {
    let name = |attribute: &str| {
        let value = body.as_complex().and_then(|body| body.get_any_case(attribute));
        let text = value.and_then(Value::as_str).filter(|text| !text.is_empty());
        text.map(|text| cut(text, PROBLEM_NAME_CHARS))
    };
    let about = About::default();
    match kind {
        Kind::User => About { user_name: name("userName"), ..about },
        Kind::Group => About { group_name: name("displayName"), ..about },
        Kind::Role | Kind::Entitlement => about,
    }
}

/// Completes whom a problem is about by what the path names, and by who is called so now.
pub(super) fn find(app: &App, tenant: TenantId, path: &str, about: &mut About) {
    let Some(snapshot) = app.engine.now(tenant).filter(|_| tenant != TenantId::SYSTEM) else {
        return;
    };
    let parts = path::parts(path).unwrap_or_default();
    // `/scim/acme/v2/Users/ID`, `/admin/v1/tenants/acme/users/NAME/roles/NAME`: what follows a collection is one of it.
    let is_admin = parts.first().is_some_and(|part| part == "admin");
    let after_slug = parts.iter().skip(if is_admin { 4 } else { 2 });
    let pairs = after_slug.clone().zip(after_slug.skip(1));
    for (collection, which) in pairs {
        match collection.to_lowercase().as_str() {
            "users" if about.user.is_none() => user(&snapshot, which, is_admin, about),
            "groups" if about.group.is_none() => group(&snapshot, which, is_admin, about),
            "roles" if about.role.is_none() && is_admin => {
                about.role = find_role(&snapshot, which).ok();
                about.role_name = Some(cut(which, PROBLEM_NAME_CHARS));
            }
            _ => {}
        }
    }
    let directory = &snapshot.directory;
    if let (None, Some(name)) = (about.user, &about.user_name) {
        let key = UserNameKey::of(name).ok();
        about.user = key.and_then(|key| directory.users.named(&key)).map(|user| user.id);
    }
    if let (None, Some(name)) = (about.group, &about.group_name) {
        about.group = directory.groups.named(name).next().map(|group| group.id);
    }
    if let Some(user) = about.user.and_then(|id| directory.users.get(id)) {
        about.user_name = Some(cut(&user.user_name, PROBLEM_NAME_CHARS));
    }
    if let Some(group) = about.group.and_then(|id| directory.groups.get(id)) {
        about.group_name = Some(cut(&group.display_name, PROBLEM_NAME_CHARS));
    }
    if let Some(role) = about.role.and_then(|id| directory.roles.get(id)) {
        about.role_name = Some(cut(&role.name, PROBLEM_NAME_CHARS));
    }
}

/// Who is there, else who was there last; only operators name people by anything but an id.
fn user(snapshot: &Snapshot, which: &str, is_admin: bool, about: &mut About) {
    if let Ok(id) = which.parse::<UserId>() {
        about.user = Some(id).filter(|id| snapshot.trail.knows(Subject::User(*id)));
    } else if is_admin {
        let found = find_user(snapshot, which).unwrap_or_default();
        let there = found.iter().find(|id| snapshot.directory.users.get(**id).is_some());
        about.user = there.or(found.last()).copied();
        about.user_name = Some(cut(which, PROBLEM_NAME_CHARS));
    }
}

fn group(snapshot: &Snapshot, which: &str, is_admin: bool, about: &mut About) {
    if let Ok(id) = which.parse::<GroupId>() {
        about.group = Some(id).filter(|id| snapshot.trail.knows(Subject::Group(*id)));
    } else if is_admin {
        let found = find_group(snapshot, which).unwrap_or_default();
        let there = found.iter().find(|id| snapshot.directory.groups.get(**id).is_some());
        about.group = there.or(found.last()).copied();
        about.group_name = Some(cut(which, PROBLEM_NAME_CHARS));
    }
}
