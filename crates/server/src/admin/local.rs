//! Users and groups that are managed here, and what is taken over from a connector.

use axum::http::{Method, StatusCode};
use domain::command::{Change, Command, Expected};
use domain::directory::Directory;
use domain::event::Member;
use domain::id::{ConnectorId, GroupId, TenantId, UserId};
use engine::Receipt;
use scim::{Invalid, Mode, Object, Patch, ResourceType, Value};
use serde::Deserialize;
use serde_json::json;

use super::{Asked, Released, done, ok, present_user, rule::present_group};
use crate::answer::Answer;
use crate::limits::RELEASES;
use crate::refused::Refused;

/// What is written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    User,
    Group,
}

impl Kind {
    fn rtype(self, directory: &Directory) -> &ResourceType {
        match self {
            Kind::User => directory.schemas.catalogue().user(),
            Kind::Group => directory.schemas.catalogue().group(),
        }
    }
}

/// `POST /admin/v1/tenants/{tenant}/users` or `…/groups`: somebody, or a group, that is managed here.
pub(super) async fn create(asked: &Asked<'_>, slug: &str, kind: Kind) -> Result<Answer, Refused> {
    let (tenant, snapshot) = asked.tenant(slug)?;
    let admitted = admitted(asked, kind.rtype(&snapshot.directory))?;
    let id = asked.app.id();
    let command = match kind {
        Kind::User => Command::User(UserId::new(id), Change::Create(admitted)),
        Kind::Group => Command::Group(GroupId::new(id), Change::Create(admitted)),
    };
    let receipt = asked.submit(tenant, command).await?;
    let body = json!({ "id": id, "position": receipt.position, "changed": true });
    Ok(ok(StatusCode::CREATED, &body).of(&receipt))
}

/// `PUT`, `PATCH` or `DELETE` of a user or group that is managed here.
pub(super) async fn change(
    asked: &Asked<'_>,
    slug: &str,
    kind: Kind,
    name: &str,
) -> Result<Answer, Refused> {
    let (tenant, snapshot) = asked.tenant(slug)?;
    let (rtype, expected) = (kind.rtype(&snapshot.directory), Expected::Any);
    let which = match kind {
        Kind::User => Member::User(present_user(&snapshot, name)?),
        Kind::Group => Member::Group(present_group(&snapshot, name)?),
    };
    let change = if asked.parts.method == Method::PUT {
        Change::Replace { with: admitted(asked, rtype)?, expected }
    } else if asked.parts.method == Method::PATCH {
        let body = body(asked, "urn:ietf:params:scim:api:messages:2.0:PatchOp")?;
        let patch = Patch::parse(&body, rtype, Mode::Strict)?;
        all_known(&patch.ignored)?;
        Change::Patch { patch, expected }
    } else {
        Change::Delete { expected }
    };
    let command = match which {
        Member::User(id) => Command::User(id, change),
        Member::Group(id) => Command::Group(id, change),
    };
    Ok(done(&asked.submit(tenant, command).await?))
}

/// The body as a resource: by the letter, but `schemas` may be left out, and what nobody knows is refused: an operator can
/// correct it.
fn admitted(asked: &Asked<'_>, rtype: &ResourceType) -> Result<scim::Admitted, Refused> {
    let body = body(asked, &rtype.schema.id)?;
    let admitted = scim::admit(&body, rtype, Mode::Strict)?;
    all_known(&admitted.ignored)?;
    Ok(admitted)
}

fn all_known(ignored: &[String]) -> Result<(), Refused> {
    match ignored.first() {
        None => Ok(()),
        Some(name) => {
            let detail = format!("`{name}` is no attribute that can be written here: correct it");
            Err(Invalid::value(detail).into())
        }
    }
}

fn body(asked: &Asked<'_>, schema: &str) -> Result<Value, Refused> {
    let mut body = Value::parse(&asked.body)?;
    if let Value::Complex(object) = &mut body
        && object.get("schemas").is_none()
    {
        object.set("schemas", Value::List(vec![Value::String(schema.to_owned())]));
    }
    Ok(body)
}

/// Somebody who signs on.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Arrival {
    /// The mail address, when not given.
    user_name: Option<String>,
    email: String,
    given_name: Option<String>,
    family_name: Option<String>,
}

/// `POST /admin/v1/tenants/{tenant}/jit`: a person signs on who may not have been pushed yet. Who is there stays as they are;
/// the answer says whether they may act.
pub(super) async fn just_in_time(asked: &Asked<'_>, slug: &str) -> Result<Answer, Refused> {
    let (tenant, snapshot) = asked.tenant(slug)?;
    let Arrival { user_name, email, given_name, family_name } = asked.body()?;
    let mut name = Object::default();
    for (part, text) in [("givenName", given_name), ("familyName", family_name)] {
        if let Some(text) = text {
            name.set(part, text);
        }
    }
    let mut mail = Object::default();
    mail.set("value", email.clone());
    mail.set("primary", true);
    let mut person = Object::default();
    let rtype = Kind::User.rtype(&snapshot.directory);
    person.set("schemas", Value::List(vec![Value::String(rtype.schema.id.to_string())]));
    person.set("userName", user_name.unwrap_or(email));
    person.set("emails", Value::List(vec![Value::Complex(mail)]));
    if !name.is_empty() {
        person.set("name", name);
    }
    let admitted = scim::admit(&Value::Complex(person), rtype, Mode::Strict)?;
    let new = UserId::new(asked.app.id());
    let receipt = asked.submit(tenant, Command::JustInTime(new, admitted)).await?;
    let id = match receipt.about {
        Some(Member::User(there)) => there,
        Some(Member::Group(_)) | None => new,
    };
    let user = receipt.snapshot.directory.users.get(id);
    let body = json!({
        "id": id, "created": receipt.position.is_some(),
        "mayAct": user.is_some_and(domain::directory::User::may_act),
    });
    Ok(ok(StatusCode::OK, &body).of(&receipt))
}

/// `POST …/users/{user}/release`, `…/groups/{group}/release` or `…/connectors/{connector}/release`: the connector manages it
/// no more, and another one may link it. A connector has so much that it takes several commits, and maybe several requests.
pub(super) async fn release(
    asked: &Asked<'_>,
    slug: &str,
    what: Released,
    name: &str,
) -> Result<Answer, Refused> {
    let (tenant, snapshot) = asked.tenant(slug)?;
    let command = match what {
        Released::User => Command::Release(Member::User(present_user(&snapshot, name)?)),
        Released::Group => Command::Release(Member::Group(present_group(&snapshot, name)?)),
        Released::Connector => {
            let there = snapshot.directory.connectors.named(name);
            let missing = || format!("there is no connector `{name}`: list them to see which");
            let there = there.ok_or_else(|| Refused::new(StatusCode::NOT_FOUND, missing()))?;
            Command::ReleaseAll { connector: there.id }
        }
    };
    let mut receipt = asked.submit(tenant, command.clone()).await?;
    let mut last = receipt.position;
    for _ in 1..RELEASES {
        if left(&receipt, &command) == 0 {
            break;
        }
        receipt = submit_again(asked, tenant, &command).await?;
        last = receipt.position.or(last);
    }
    let left = left(&receipt, &command);
    let body = json!({ "position": last, "changed": last.is_some(), "left": left });
    Ok(ok(StatusCode::OK, &body).of(&receipt))
}

async fn submit_again(
    asked: &Asked<'_>,
    tenant: TenantId,
    command: &Command,
) -> Result<Receipt, Refused> {
    asked.submit(tenant, command.clone()).await
}

/// How many users and groups are still managed that were to be released.
fn left(receipt: &Receipt, command: &Command) -> usize {
    let directory = &receipt.snapshot.directory;
    if let Command::Release(Member::User(id)) = command {
        return directory.users.get(*id).and_then(|user| user.managed_by).iter().count();
    }
    if let Command::Release(Member::Group(id)) = command {
        return directory.groups.get(*id).and_then(|group| group.managed_by).iter().count();
    }
    if let Command::ReleaseAll { connector } = command {
        return managed(directory, *connector);
    }
    0
}

fn managed(directory: &Directory, connector: ConnectorId) -> usize {
    let by = Some(connector);
    directory.users.iter().filter(|user| user.managed_by == by).count()
        + directory.groups.iter().filter(|group| group.managed_by == by).count()
}
