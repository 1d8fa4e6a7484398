//! Users, as scripts see them.

use axum::http::StatusCode;
use domain::command::{Change, Command, Expected};
use domain::directory::{Directory, Role, User};
use domain::id::UserId;
use engine::Receipt;
use scim::{Invalid, Object, Patch, UserNameKey, Value as Scim};
use serde::Deserialize;
use serde_json::{Value, json};

use super::claim::claimed;
use super::page::{Start, page};
use super::{Asked, shown, written};
use crate::answer::Answer;
use crate::limits::MANAGEMENT_TRIES;
use crate::refused::Refused;
use crate::wish;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewUser {
    email: String,
    #[serde(default)]
    first_name: String,
    #[serde(default)]
    last_name: String,
    #[serde(default)]
    roles: Vec<RoleWord>,
    invited_by_email: Option<String>,
}

/// What is not named stays as it is.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct UserChange {
    email: Option<String>,
    first_name: Option<String>,
    last_name: Option<String>,
    roles: Option<Vec<RoleWord>>,
    updated_by_email: Option<String>,
}

/// A role as scripts name it: its id, its name, or the object that was read.
#[derive(Deserialize)]
#[serde(untagged)]
enum RoleWord {
    Text(String),
    Object { id: Option<String>, name: Option<String> },
}

impl RoleWord {
    fn find<'d>(&self, directory: &'d Directory) -> Result<&'d Role, Refused> {
        let text = match self {
            RoleWord::Text(text) => text,
            RoleWord::Object { id: Some(text), .. }
            | RoleWord::Object { id: None, name: Some(text) } => text,
            RoleWord::Object { id: None, name: None } => {
                return Err(Invalid::value("a role is named by its `id`, or by its `name`").into());
            }
        };
        let roles = &directory.roles;
        let by_id = text.parse().ok().and_then(|id| roles.get(id));
        by_id.or_else(|| roles.named(text)).ok_or_else(|| {
            let detail = format!(
                "there is no role `{text}` in this tenant: `GET /api/v1/roles` lists those there are"
            );
            Invalid::value(detail).into()
        })
    }
}

fn user_json(directory: &Directory, user: &User) -> Value {
    let name = |part: &str| user.name_part(part).unwrap_or_default();
    let roles = user.each_role().filter_map(|role| directory.roles.get(role));
    let roles: Vec<Value> = roles.map(|role| json!({ "id": role.id, "name": role.name })).collect();
    json!({
        "id": user.id, "email": user.email(), "active": user.may_act(),
        "first_name": name("givenName"), "last_name": name("familyName"), "roles": roles,
    })
}

/// `GET /api/v2/users`: all of them, oldest first.
pub(super) fn list(asked: &Asked<'_>) -> Result<Answer, Refused> {
    let directory = &asked.caller.snapshot.directory;
    let skip = Start::asked(asked)?
        .map_or(0, |start| directory.users.before(start.created, UserId::new(start.id)));
    let start = |user: &&User| Start { created: user.created.position, id: user.id.uuid() };
    let show = |user: &&User| user_json(directory, user);
    Ok(shown(asked, &page("users", directory.users.from(skip), start, show)))
}

/// `GET /api/v2/users/{id}`
pub(super) fn show(asked: &Asked<'_>, id: &str) -> Result<Answer, Refused> {
    let directory = &asked.caller.snapshot.directory;
    Ok(shown(asked, &user_json(directory, found(directory, id)?)))
}

/// `POST /api/v2/users`: makes a user who signs on with this address.
pub(super) async fn create(asked: &Asked<'_>) -> Result<Answer, Refused> {
    let new: NewUser = asked.body()?;
    let directory = &asked.caller.snapshot.directory;
    let mut name = Object::default();
    for (part, text) in [("givenName", new.first_name), ("familyName", new.last_name)] {
        if !text.is_empty() {
            name.set(part, text);
        }
    }
    let mut wanted = Object::default();
    wanted.set("userName", new.email.clone());
    wanted.set("emails", vec![wish::email(&new.email)]);
    if !name.is_empty() {
        wanted.set("name", name);
    }
    if !new.roles.is_empty() {
        wanted.set("roles", roles(directory, &new.roles)?);
    }
    let admitted = wish::user(wanted, directory, asked.caller.options())?;
    let id = UserId::new(asked.app.id());
    let claimed = claimed(asked, new.invited_by_email, Some(id))?;
    let receipt = asked.submit(claimed, Command::User(id, Change::Create(admitted))).await?;
    answer(StatusCode::CREATED, id, &receipt)
}

/// `PUT /api/v2/users/{id}`: what is named becomes so, the rest stays.
pub(super) async fn change(asked: &Asked<'_>, id: &str) -> Result<Answer, Refused> {
    let change: UserChange = asked.body()?;
    let user = found(&asked.caller.snapshot.directory, id)?.id;
    let claimed = claimed(asked, change.updated_by_email.clone(), Some(user))?;
    let mut tries = MANAGEMENT_TRIES;
    loop {
        // What an address replaces depends on what is there: the change is for exactly this version of the user.
        let now = asked.app.engine.now(asked.caller.tenant).ok_or_else(Refused::no_address)?;
        let there = found(&now.directory, id)?;
        let Some(patch) = patch(asked, &now.directory, there, &change)? else {
            return Ok(shown(asked, &user_json(&now.directory, there)));
        };
        let expected = Expected::OneOf(vec![there.modified.position]);
        let command = Command::User(user, Change::Patch { patch, expected });
        match asked.submit(claimed.clone(), command).await {
            Err(stale) if stale.status == StatusCode::PRECONDITION_FAILED && tries > 1 => {
                tries -= 1
            }
            answered => return answer(StatusCode::OK, user, &answered?),
        }
    }
}

/// `DELETE /api/v2/users/{id}`
pub(super) async fn delete(asked: &Asked<'_>, id: &str) -> Result<Answer, Refused> {
    let user = found(&asked.caller.snapshot.directory, id)?.id;
    let command = Command::User(user, Change::Delete { expected: Expected::Any });
    let receipt = asked.submit(None, command).await?;
    Ok(written(StatusCode::NO_CONTENT, None, &receipt))
}

/// The change as the protocol would say it; none: nothing is named.
fn patch(
    asked: &Asked<'_>,
    directory: &Directory,
    user: &User,
    change: &UserChange,
) -> Result<Option<Patch>, Refused> {
    let mut operations = Vec::new();
    if let Some(new) = &change.email {
        let old = user.email().unwrap_or_default();
        let same = |a: &str, b: &str| UserNameKey::of(a).ok() == UserNameKey::of(b).ok();
        if same(&user.user_name, old) {
            operations.push(replace("userName", Scim::String(new.clone())));
        }
        let has_primary = user.primary_email().is_some();
        operations.push(match has_primary {
            true => replace("emails[primary eq true].value", Scim::String(new.clone())),
            false => replace("emails", Scim::List(vec![wish::email(new)])),
        });
    }
    for (path, text) in
        [("name.givenName", &change.first_name), ("name.familyName", &change.last_name)]
    {
        match text.as_deref() {
            None => {}
            Some("") => operations.push(remove(path)),
            Some(text) => operations.push(replace(path, Scim::String(text.to_owned()))),
        }
    }
    if let Some(wanted) = &change.roles {
        match roles(directory, wanted)? {
            wanted if !wanted.is_empty() => operations.push(replace("roles", Scim::List(wanted))),
            _ if !user.roles.is_empty() => operations.push(remove("roles")),
            _ => {}
        }
    }
    if operations.is_empty() {
        return Ok(None);
    }
    Ok(Some(wish::patch(operations, directory, asked.caller.options())?))
}

fn replace(path: &str, value: Scim) -> Scim {
    wish::operation("replace", path, Some(value))
}

fn remove(path: &str) -> Scim {
    wish::operation("remove", path, None)
}

fn roles(directory: &Directory, named: &[RoleWord]) -> Result<Vec<Scim>, Refused> {
    let role = |word: &RoleWord| Ok(wish::role(&word.find(directory)?.name));
    named.iter().map(role).collect()
}

fn found<'d>(directory: &'d Directory, id: &str) -> Result<&'d User, Refused> {
    let user = id.parse().ok().and_then(|id| directory.users.get(id));
    user.ok_or_else(|| Refused::new(StatusCode::NOT_FOUND, format!("there is no user `{id}`")))
}

fn answer(status: StatusCode, user: UserId, receipt: &Receipt) -> Result<Answer, Refused> {
    let directory = &receipt.snapshot.directory;
    let user = directory.users.get(user).ok_or_else(Refused::no_address)?;
    Ok(written(status, Some(&user_json(directory, user)), receipt))
}
