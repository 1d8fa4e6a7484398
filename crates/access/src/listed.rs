//! Policies as people read them: with the names of the moment, whom each names, and whether they are still there.

use domain::directory::{Directory, Policy};
use domain::event::Subject;
use domain::id::PolicyId;
use domain::position::Position;
use domain::time::Timestamp;
use domain::visible::PUBLIC;
use serde::{Deserialize, Serialize};

use crate::named::{Principal, named};
use crate::text::{Kind, shown};

/// A policy of a tenant at a moment.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Listed {
    /// The id.
    pub id: PolicyId,
    /// What people call it.
    pub name: String,
    /// What it says, with the names of the moment; who is gone is named by id.
    pub text: String,
    /// Whether it names somebody who is gone.
    pub dangling: bool,
    /// Whom it names.
    pub names: Vec<NamedBy>,
    /// When it was written first.
    pub created: Timestamp,
    /// When its text changed last.
    pub changed: Timestamp,
    /// Where in the log: its version.
    pub version: Position,
}

/// Somebody whom a policy names.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct NamedBy {
    /// `user`, `group` or `role`.
    pub kind: String,
    /// The id; none: what the policy says leads nowhere, or to the group that is built in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The name at the moment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Whether they are there.
    pub state: State,
}

/// Whether somebody whom a policy names is there.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// They are, and may act.
    Present,
    /// A user who may do nothing: deactivated or locked.
    Inactive,
    /// A role that is assigned no more.
    Retired,
    /// They are not, or never were.
    Gone,
}

impl State {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            State::Present => "present",
            State::Inactive => "inactive",
            State::Retired => "retired",
            State::Gone => "gone",
        }
    }
}

/// Which policies are asked for.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Which {
    /// Only those that name one of these.
    pub naming: Option<Vec<Subject>>,
    /// Only those that name somebody who is gone.
    pub dangling: bool,
}

/// The policies of a directory that are asked for, by name.
pub fn listed(directory: &Directory, which: &Which) -> Vec<Listed> {
    let is_meant = |policy: &&Policy| {
        let names = which.naming.as_ref();
        names.is_none_or(|all| all.iter().any(|one| names_it(policy, *one, directory)))
    };
    let all = directory.policies.iter().filter(is_meant).map(|policy| one(policy, directory));
    let mut found: Vec<Listed> = all.filter(|one| one.dangling || !which.dangling).collect();
    found.sort_by(|one, other| one.name.cmp(&other.name));
    found
}

/// Whether a stored policy names this user, group or role.
pub fn names_it(policy: &Policy, subject: Subject, directory: &Directory) -> bool {
    let (word, meant) = match subject {
        Subject::User(id) => (id.to_string(), Principal::User(id)),
        Subject::Group(id) => (id.to_string(), Principal::Group(id)),
        Subject::Role(id) => match directory.roles.get(id) {
            Some(role) => (String::new(), Principal::Role(role.id)),
            None => return false,
        },
        Subject::Tenant(_)
        | Subject::Policy(_)
        | Subject::Connector(_)
        | Subject::Credential(_)
        | Subject::Operator(_) => return false,
    };
    // Most policies name somebody else, and need not be read for that. A role's name may be escaped.
    policy.text.contains(&word) && named(&policy.text, directory).contains(&meant)
}

/// One policy.
pub fn one(policy: &Policy, directory: &Directory) -> Listed {
    let Policy { id, name, text, created, modified } = policy;
    let names: Vec<NamedBy> = named(text, directory)
        .into_iter()
        .map(|principal| named_by(&principal, directory))
        .collect();
    Listed {
        id: *id,
        name: name.clone(),
        text: shown(text, directory),
        dangling: names.iter().any(|one| one.state == State::Gone),
        names,
        created: created.at,
        changed: modified.at,
        version: modified.position,
    }
}

fn named_by(principal: &Principal, directory: &Directory) -> NamedBy {
    let (kind, id, found) = match principal {
        Principal::User(id) => {
            let state = |able| if able { State::Present } else { State::Inactive };
            let found = directory.users.get(*id);
            let found = found.map(|user| (user.user_name.to_string(), state(user.may_act())));
            ("user", Some(id.to_string()), found)
        }
        Principal::Group(id) => {
            let found = directory.groups.get(*id);
            let found = found.map(|group| (group.display_name.to_string(), State::Present));
            ("group", Some(id.to_string()), found)
        }
        Principal::Role(id) => {
            let state = |retired| if retired { State::Retired } else { State::Present };
            let found = directory.roles.get(*id);
            let found = found.map(|role| (role.name.clone(), state(role.retired)));
            ("role", Some(id.to_string()), found)
        }
        Principal::Public => {
            let (kind, name) = (Kind::Group.word().to_owned(), Some(PUBLIC.to_owned()));
            return NamedBy { kind, id: None, name, state: State::Present };
        }
        Principal::Nobody(kind, name) => {
            let (kind, name) = (kind.word().to_owned(), Some(name.clone()));
            return NamedBy { kind, id: None, name, state: State::Gone };
        }
    };
    let (name, state) = found.map_or((None, State::Gone), |(name, state)| (Some(name), state));
    NamedBy { kind: kind.to_owned(), id, name, state }
}
