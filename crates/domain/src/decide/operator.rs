//! Operators: who they are, and that one of them can always let the others in.

use super::administration::{causes, check_name, missing, taken};
use crate::command::Decision;
use crate::directory::{Directory, Operator};
use crate::event::{Event, Holder, OperatorRole};
use crate::id::{CredentialId, OperatorId};
use crate::rejection::Rejection;

pub(super) fn add(
    directory: &Directory,
    operator: OperatorId,
    name: String,
    role: OperatorRole,
) -> Result<Decision, Rejection> {
    check_name("operator", &name)?;
    is_free(directory, &name)?;
    causes(vec![Event::OperatorAdded { operator, name, role }])
}

pub(super) fn change(
    directory: &Directory,
    operator: OperatorId,
    name: Option<String>,
    role: Option<OperatorRole>,
) -> Result<Decision, Rejection> {
    let there = present(directory, operator)?;
    let name = name.unwrap_or_else(|| there.name.clone());
    let role = role.unwrap_or(there.role);
    if name != there.name {
        check_name("operator", &name)?;
        is_free(directory, &name)?;
    }
    if role != OperatorRole::Owner {
        keeps_an_owner(directory, operator, None)?;
    }
    if name == there.name && role == there.role {
        return causes(vec![]);
    }
    causes(vec![Event::OperatorChanged { operator, name, role }])
}

/// Their name stays in what they did, and is free for another.
pub(super) fn remove(directory: &Directory, operator: OperatorId) -> Result<Decision, Rejection> {
    match directory.operators.get(operator) {
        Some(there) if there.removed.is_some() => return causes(vec![]),
        Some(_) | None => present(directory, operator)?,
    };
    keeps_an_owner(directory, operator, None)?;
    let keys = directory
        .credentials
        .iter()
        .filter(|key| key.holder == Holder::Operator(operator) && key.revoked.is_none());
    let mut events: Vec<Event> =
        keys.map(|key| Event::CredentialRevoked { credential: key.id }).collect();
    events.push(Event::OperatorRemoved { operator });
    causes(events)
}

/// That somebody may still manage operators when `leaving` loses a key, or, with none named, all that they may: an
/// owner with a key that has no end. Where there is none before, nothing is lost.
pub(super) fn keeps_an_owner(
    directory: &Directory,
    leaving: OperatorId,
    key: Option<CredentialId>,
) -> Result<(), Rejection> {
    let lasting = |operator: &Operator, except: Option<CredentialId>| {
        directory.credentials.iter().any(|credential| {
            credential.holder == Holder::Operator(operator.id)
                && credential.revoked.is_none()
                && credential.expires.is_none()
                && Some(credential.id) != except
        })
    };
    let owners = || {
        let all = directory.operators.iter();
        all.filter(|one| one.removed.is_none() && one.role == OperatorRole::Owner)
    };
    let is_kept = owners().any(|owner| match (owner.id == leaving, key) {
        (true, None) => false,
        (true, key) => lasting(owner, key),
        (false, _) => lasting(owner, None),
    });
    match owners().find(|owner| owner.id == leaving) {
        Some(owner) if !is_kept && lasting(owner, None) => {
            Err(Rejection::LastOwner { name: owner.name.clone() })
        }
        Some(_) | None => Ok(()),
    }
}

fn present(directory: &Directory, operator: OperatorId) -> Result<&Operator, Rejection> {
    directory.operators.present(operator).ok_or_else(|| missing("operator", operator.to_string()))
}

fn is_free(directory: &Directory, name: &str) -> Result<(), Rejection> {
    match directory.operators.named(name) {
        Some(_) => Err(taken("operator", "name", name.to_owned(), "choose another name")),
        None => Ok(()),
    }
}
