//! What questions about access are answered with.

use serde::{Deserialize, Serialize};

use crate::brief::Moment;
use crate::entry::{Entry, Named};
use crate::explain::{Held, Way};

/// A question and its answer.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Checked {
    /// Who was asked about; without an id: nobody is called so.
    pub user: Who,
    /// The action, as it was asked for.
    pub action: String,
    /// The resource, as it was asked for.
    pub resource: String,
    /// `allow` or `deny`.
    pub decision: Decided,
    /// Why not: `no-such-user`, `inactive`, `locked`, `no-privileges`, `no-policy` or `forbidden`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reason: Option<String>,
    /// The policies that decided, by name.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub policies: Vec<Grounds>,
    /// The commit that took away the right to act, or the last role.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub since: Option<Entry>,
    /// Policies that could not be evaluated: they count as if they were not there.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub errors: Vec<Broken>,
}

/// Yes or no.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Decided {
    /// They may.
    Allow,
    /// They may not.
    Deny,
}

/// Somebody who was asked about.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Who {
    /// Their id; none: there was nobody.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub id: Option<String>,
    /// What they were called at the moment, or the name that was asked for.
    pub name: String,
}

/// A policy that decided, and why it was about the user.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Grounds {
    /// The policy.
    pub policy: Named,
    /// `permit` or `forbid`.
    pub effect: String,
    /// The commit that wrote its text.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub written: Option<Entry>,
    /// What it names and the user is in or has, in its scope or its conditions.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub through: Vec<Ground>,
}

/// What makes a policy be about somebody.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Ground {
    /// The user, a group or a role.
    pub what: Named,
    /// The ways in which they are in the group, with the commit of each membership.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub ways: Vec<Way>,
    /// The sources that give them the role, with the commits.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub role: Option<Held>,
}

/// A policy that could not be evaluated.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Broken {
    /// Its name.
    pub policy: String,
    /// Why, in Cedar's words.
    pub error: String,
}

/// Which policies can apply to somebody.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Listed {
    /// The moment that it is as of.
    pub head: Moment,
    /// Whose.
    pub user: Who,
    /// Why every answer is no, whatever these policies say: `inactive`, `locked` or `no-privileges`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reason: Option<String>,
    /// The policies, by name.
    pub policies: Vec<Can>,
}

/// A policy that can apply to somebody.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Can {
    /// What it is, when it was written, and through what it is about them; nothing named: it is about everybody.
    #[serde(flatten)]
    pub grounds: Grounds,
    /// The actions that its scope is about.
    pub actions: Vec<String>,
    /// Whether it applies only under conditions, beside its scope.
    pub conditional: bool,
}

/// What somebody may do since a moment that they might not before, and the other way round.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AccessDiff {
    /// The earlier moment.
    pub from: Moment,
    /// The later moment.
    pub to: Moment,
    /// Who.
    pub user: Who,
    /// How many pairs of action and resource were compared.
    pub compared: usize,
    /// What is answered otherwise, by resource and action.
    pub changes: Vec<Changed>,
    /// The commits in between that are about the user, about a policy that decides here, or about a group through which it
    /// does; oldest first.
    pub commits: Vec<Entry>,
}

/// What is answered otherwise.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Changed {
    /// The action.
    pub action: String,
    /// The resource; `*` as its id: any that no policy names.
    pub resource: String,
    /// The answer at the earlier moment.
    pub before: Checked,
    /// The answer at the later one.
    pub after: Checked,
}
