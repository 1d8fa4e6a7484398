//! What an explanation says. Each step of a chain is an [`Entry`]: the commit, with the one event that counts.

use domain::id::{GroupId, RoleId, UserId};
use serde::{Deserialize, Serialize};

use crate::brief::Moment;
use crate::entry::{Entry, Named};
use crate::problem::Problem;

/// Why somebody has a role, is in a group, or not, at one moment.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Explanation {
    /// Whether they have the role, are in the group, or, asked without either, have any role at all.
    pub answer: bool,
    /// The moment.
    pub head: Moment,
    /// Who was asked about.
    pub user: Person,
    /// The role that was asked about.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub role: Option<AskedRole>,
    /// The group that was asked about.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub group: Option<AskedGroup>,
    /// The roles in effect: the one that was asked about, or all.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub roles: Vec<Held>,
    /// The ways in which they are in the group that was asked about.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub ways: Vec<Way>,
    /// What they had and have no more, what ended last first; told when the answer is no.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub past: Vec<Period>,
    /// The rules that would give the role; told when the answer is no.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub rules: Vec<Offer>,
    /// Requests about it that were refused or carried out in part, newest first; told when the answer is no.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub problems: Vec<Problem>,
}

/// Who was asked about, and what became of them.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Person {
    /// Their id.
    pub id: UserId,
    /// What they were called at the moment, or last; none: they were erased.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub name: Option<String>,
    /// Whether they were there.
    pub state: State,
    /// Whether they might do anything at all: roles of somebody inactive, or gone, let them do nothing.
    pub active: bool,
    /// How they came to be.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub created: Option<Entry>,
    /// How they became inactive.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub deactivated: Option<Entry>,
    /// How an operator locked them.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub locked: Option<Entry>,
    /// How they went.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub deleted: Option<Entry>,
    /// How they were forgotten.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub erased: Option<Entry>,
}

/// Whether something was there at the moment.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum State {
    /// It was.
    Present,
    /// Not yet: it came to be later.
    NotYet,
    /// Not any more.
    Deleted,
    /// A role that is not assigned any more; who has it keeps it.
    Retired,
    /// It never was.
    Unknown,
}

/// A role that was asked about.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AskedRole {
    /// The name that was asked for.
    pub name: String,
    /// Its id.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub id: Option<RoleId>,
    /// Whether it could be given.
    pub state: State,
    /// How it was defined, if that was later.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub defined: Option<Entry>,
    /// How it was retired.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub retired: Option<Entry>,
    /// A role with the same name in another case: names of roles are compared letter by letter.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub similar: Option<String>,
}

/// A group that was asked about.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AskedGroup {
    /// What it was called at the moment, or what was asked for.
    pub name: String,
    /// Its id.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub id: Option<GroupId>,
    /// Whether it was there.
    pub state: State,
    /// How it came to be, if that was later.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub created: Option<Entry>,
    /// How it went.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub deleted: Option<Entry>,
}

/// A role in effect.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Held {
    /// The role.
    pub role: Named,
    /// How it was retired, if it was: who has it keeps it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub retired: Option<Entry>,
    /// Each source that gives it.
    pub sources: Vec<Given>,
}

/// A role through one source.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Given {
    /// The source.
    pub through: Named,
    /// The commit since when; where a rule gives it, with what made the rule concern them.
    pub assigned: Entry,
    /// Why the rule concerns them.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub rule: Option<Because>,
}

/// A rule, and the ways in which somebody is in its group.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Because {
    /// How the rule was added.
    pub added: Entry,
    /// Its group.
    pub group: Named,
    /// Through each group that they are in themselves, the shortest way.
    pub ways: Vec<Way>,
}

/// From a user to a group: they are in a group, that is in a group, and so on.
pub type Way = Vec<Link>;

/// One membership.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Link {
    /// Who …
    pub member: Named,
    /// … is in this group, …
    pub group: Named,
    /// … since these commits, one for each source that says so.
    pub since: Vec<Entry>,
}

/// Something that was and is no more.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Period {
    /// Through which source.
    pub through: Named,
    /// How it began.
    pub from: Entry,
    /// How it ended; where a rule gave it, with what ended it.
    pub until: Entry,
}

/// A rule that would give the role to whoever is in its group.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Offer {
    /// The rule.
    pub rule: Named,
    /// How it was added.
    pub added: Entry,
    /// Its group, in which they are not.
    pub group: Named,
    /// How they left the group, if they were in it themselves.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub left: Option<Entry>,
}
