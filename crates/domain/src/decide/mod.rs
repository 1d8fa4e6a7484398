//! Which events a command causes, or why it may not: the rules, as pure functions.

mod administration;
mod connector;
mod credential;
mod erase;
mod group;
mod ignored;
mod link;
mod lock;
mod management;
mod mapped;
mod operator;
mod policy;
mod release;
mod rule;
mod sites;
mod standing;
mod user;
mod workflow;

pub use administration::check_slug;

use scim::{Invalid, Mode, Object, Options, Packed, Value};

use crate::command::{Command, Decision, NewCredential, NewSecret};
use crate::directory::{Conflict, Directory};
use crate::event::{AttributeChange, ConnectorSettings, Member};
use crate::id::ConnectorId;
use crate::limits::{ATTRIBUTES_BYTES, COMMIT_EVENTS};
use crate::origin::Actor;
use crate::rejection::Rejection;

/// What `command`, asked by `actor`, does to `directory`: the events it causes, or why it may not.
/// No events: nothing to do, nothing is written.
///
/// # Errors
/// The client's fault, in words it can act on. Nothing changes.
pub fn decide(
    directory: &Directory,
    actor: &Actor,
    command: Command,
) -> Result<Decision, Rejection> {
    let remedy = if matches!(command, Command::RemoveRule { .. }) {
        "take members out of the rule's group in parts first"
    } else {
        "do it in several requests, as by removing members in parts first"
    };
    standing::admits(directory, actor, &command)?;
    workflow::check_actor(directory, actor, &command)?;
    let foreign = management::foreign(directory, actor, &command);
    let mut decision = match command {
        Command::User(id, change) => workflow::user(directory, actor, id, change),
        Command::Group(id, change) => workflow::group(directory, actor, id, change),
        Command::EraseUser { user, reason } => erase::decide(directory, user, reason),
        Command::JustInTime(id, admitted) => user::just_in_time(directory, actor, id, admitted),
        Command::Release(member) => release::one(directory, member),
        Command::ReleaseAll { connector } => release::all(directory, connector),
        Command::LockUser { user, reason } => lock::lock(directory, user, reason),
        Command::UnlockUser { user } => lock::unlock(directory, user),
        Command::AssignRole { user, role } => user::assign(directory, user, &role),
        Command::RevokeRole { user, role } => user::revoke(directory, user, &role),
        Command::DefineRole { role, name, description } => {
            administration::define_role(directory, role, name, description)
        }
        Command::RetireRole { name } => administration::retire_role(directory, name),
        Command::AddRule { rule, group, role } => rule::add(directory, rule, group, &role),
        Command::RemoveRule { rule } => rule::remove(directory, rule),
        Command::OpenTenant { tenant, slug, roles } => {
            administration::open_tenant(directory, tenant, slug, roles)
        }
        Command::AddConnector { connector, name, settings, key } => {
            connector::add(directory, connector, name, settings, key)
        }
        Command::ChangeConnector { connector, settings, from } => {
            connector::change(directory, connector, settings, from.as_deref())
        }
        Command::RemoveConnector { connector } => connector::remove(directory, connector),
        Command::AddSchema { document, resource_type, required } => {
            administration::add_schema(directory, document, resource_type, required)
        }
        Command::SuspendTenant { reason } => standing::suspend(directory, reason),
        Command::ResumeTenant => standing::resume(directory),
        Command::CloseTenant { reason } => standing::close(directory, reason),
        Command::DescribeTenant { title, alert_addresses, alerts } => {
            standing::describe(directory, title, alert_addresses, alerts)
        }
        Command::AddOperator { operator, name, role } => {
            operator::add(directory, operator, name, role)
        }
        Command::ChangeOperator { operator, name, role } => {
            operator::change(directory, operator, name, role)
        }
        Command::RemoveOperator { operator } => operator::remove(directory, operator),
        Command::WritePolicy { policy, name, text, expected, ground } => {
            policy::write(directory, policy, name, text, &expected, ground)
        }
        Command::DeletePolicy { name, expected } => policy::delete(directory, name, &expected),
        Command::WritePolicySchema { text, expected, ground } => {
            policy::write_schema(directory, text, &expected, ground)
        }
        Command::IssueCredential { credential, holder, hash, hint, expires } => {
            let secret = NewSecret::Key { hash, hint };
            let new = NewCredential { credential, holder, secret, expires, scopes: None };
            credential::issue(directory, new)
        }
        Command::AddCredential(new) => credential::issue(directory, *new),
        Command::RotateCredential { old, ends, credential, secret, expires } => {
            credential::rotate(directory, old, ends, credential, secret, expires)
        }
        Command::ReplaceKeys { holder, key, ends } => {
            credential::replace_all(directory, holder, key, ends)
        }
        Command::RevokeCredential { credential } => credential::revoke(directory, credential),
    }?;
    if let Some(foreign) = foreign {
        management::check(directory, foreign, &decision.events)?;
    }
    rule::follow(directory, &mut decision.events);
    if decision.events.len() > COMMIT_EVENTS {
        return Err(Rejection::TooLarge {
            events: decision.events.len(),
            limit: COMMIT_EVENTS,
            remedy,
        });
    }
    Ok(decision)
}

/// How strictly an actor's requests are read: its connector says; operators are read by the letter.
fn options(directory: &Directory, actor: &Actor) -> Options {
    settings(directory, actor).map_or(Mode::Strict.into(), ConnectorSettings::options)
}

/// How an actor's connector treats what its client sends; none for operators.
fn settings<'a>(directory: &'a Directory, actor: &Actor) -> Option<&'a ConnectorSettings> {
    let connector = actor.connector().and_then(|id| directory.connectors.get(id));
    connector.map(|connector| &connector.settings)
}

/// That nobody changes here what a connector manages.
fn managed_here(
    directory: &Directory,
    actor: &Actor,
    kind: &'static str,
    name: &str,
    managed_by: Option<ConnectorId>,
) -> Result<(), Rejection> {
    match managed_by {
        Some(by) if actor.connector().is_none() => {
            let by = directory.connectors.get(by).map(|connector| connector.name.clone());
            let (name, by) = (name.to_owned(), by.unwrap_or_default());
            let remedy = "change it at the identity provider, or release it first";
            Err(Rejection::Managed { kind, name, by, remedy })
        }
        Some(_) | None => Ok(()),
    }
}

/// A resource grows by many small requests too: what it comes to has a limit of its own.
fn check_size(attributes: &Object) -> Result<(), Invalid> {
    if Packed::pack(attributes).as_bytes().len() <= ATTRIBUTES_BYTES {
        return Ok(());
    }
    Err(Invalid::value(format!(
        "the resource would have more than {ATTRIBUTES_BYTES} bytes of attributes: remove some first"
    )))
}

/// That no other resource of the type has a value that a schema of the tenant declares unique.
fn free_values(
    directory: &Directory,
    itself: Member,
    attributes: &Object,
) -> Result<(), Rejection> {
    match directory.taken(itself, attributes) {
        None => Ok(()),
        Some(Conflict { attribute, value }) => Err(Rejection::Taken {
            kind: match itself {
                Member::User(_) => "user",
                Member::Group(_) => "group",
            },
            attribute: attribute.into(),
            value,
            remedy: "choose another, or take it from the resource that has it first",
        }),
    }
}

/// How a connector's own id for a resource changes; it is kept apart from the other attributes.
fn external_id_change(old: Option<&str>, new: Option<String>) -> Option<AttributeChange> {
    (old != new.as_deref()).then(|| AttributeChange {
        path: "externalId".to_owned(),
        old: old.map(|id| Value::String(id.to_owned())),
        new: new.map(Value::String),
    })
}
