//! Which entries of the refusal journal are asked for.

use domain::directory::Directory;
use domain::id::{ConnectorId, GroupId, RoleId, TenantId, UserId};
use domain::snapshot::Snapshot;
use eventlog::{Journal, JournalError};
use serde::{Deserialize, Serialize};

use super::{Problem, ProblemKind};
use crate::people::{Unknown, find_connector, find_group, find_role, find_user};
use crate::words::Misasked;

/// The words that say which problems are asked for.
pub const PROBLEM_WORDS: [&str; 8] =
    ["kind", "user", "group", "role", "policy", "connector", "before", "after"];

/// Which problems are asked for. Different words narrow the answer, the same word given several times widens it.
#[derive(Clone, Debug, Default)]
pub struct ProblemFilter {
    kinds: Vec<ProblemKind>,
    users: Option<Named<UserId>>,
    groups: Option<Named<GroupId>>,
    roles: Option<Named<RoleId>>,
    policies: Vec<String>,
    connectors: Vec<ConnectorId>,
    before: Option<u64>,
    after: Option<u64>,
    /// Without what operators looked for in vain.
    changes: bool,
}

/// Things that are meant, and the names by which others may be meant that never came to be.
#[derive(Clone, Debug)]
struct Named<Id> {
    ids: Vec<Id>,
    names: Vec<String>,
    /// The first word that nothing has or ever had: it is an error if no entry has it either.
    unknown: Option<Unknown>,
}

impl<Id> Default for Named<Id> {
    fn default() -> Self {
        Named { ids: Vec::new(), names: Vec::new(), unknown: None }
    }
}

impl<Id: PartialEq> Named<Id> {
    fn add(&mut self, word: &str, found: Result<Vec<Id>, Unknown>) {
        self.names.push(scim::fold(word).into_owned());
        match found {
            Ok(ids) => self.ids.extend(ids),
            Err(unknown) => self.unknown = self.unknown.take().or(Some(unknown)),
        }
    }

    fn meets(&self, id: Option<Id>, name: Option<&String>) -> bool {
        match id {
            Some(id) => self.ids.contains(&id),
            // Nobody knew whom it was about, but for what they were to be called.
            None => {
                name.is_some_and(|name| self.names.iter().any(|meant| **meant == *scim::fold(name)))
            }
        }
    }
}

/// Problems, the newest first, and where older ones begin.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct ProblemPage {
    /// These.
    pub problems: Vec<Problem>,
    /// What to give as `before` for older ones; none: these are all.
    pub next: Option<u64>,
}

impl ProblemFilter {
    /// Reads words and their values: `kind` (`refused`, `partial`, `attention`, divided by commas), `user`, `group`, `role`
    /// and `connector` (a name that it has or ever had, or an id), `policy` (a name), `before` and `after` (numbers of entries).
    ///
    /// # Errors
    /// [`Misasked`], for a word that means nothing here, or a value that it cannot have. That a user, group or role never was
    /// is told by [`problems`], which knows whether the journal names it all the same.
    pub fn parse<'a>(
        words: impl IntoIterator<Item = (&'a str, &'a str)>,
        snapshot: &Snapshot,
    ) -> Result<ProblemFilter, Misasked> {
        let mut filter = ProblemFilter::default();
        for (name, value) in words {
            let known = PROBLEM_WORDS.iter().find(|word| word.eq_ignore_ascii_case(name));
            let word = *known.ok_or_else(|| Misasked::NoProblemWord(name.to_owned()))?;
            match word {
                "kind" => filter.kinds.extend(kinds(word, value)?),
                "user" => {
                    filter.users.get_or_insert_default().add(value, find_user(snapshot, value))
                }
                "group" => {
                    filter.groups.get_or_insert_default().add(value, find_group(snapshot, value));
                }
                "role" => {
                    let found = find_role(snapshot, value).map(|role| vec![role]);
                    filter.roles.get_or_insert_default().add(value, found);
                }
                "policy" => filter.policies.push(scim::fold(value).into_owned()),
                "connector" => filter.connectors.push(find_connector(snapshot, value)?),
                "before" => filter.before = Some(number(word, value)?),
                _ => filter.after = Some(number(word, value)?),
            }
        }
        Ok(filter)
    }

    /// All about one user, but for what operators looked for in vain: what names them by id, and, where nobody knew who it was, by the name that they have.
    pub fn of_user(directory: &Directory, user: UserId) -> ProblemFilter {
        let name = directory.users.get(user).map(|user| scim::fold(&user.user_name).into_owned());
        let users = Named { ids: vec![user], names: name.into_iter().collect(), unknown: None };
        ProblemFilter { users: Some(users), changes: true, ..ProblemFilter::default() }
    }

    /// All about one group, in the same way.
    pub fn of_group(directory: &Directory, group: GroupId) -> ProblemFilter {
        let name =
            directory.groups.get(group).map(|group| scim::fold(&group.display_name).into_owned());
        let groups = Named { ids: vec![group], names: name.into_iter().collect(), unknown: None };
        ProblemFilter { groups: Some(groups), changes: true, ..ProblemFilter::default() }
    }

    fn meets(&self, problem: &Problem) -> bool {
        let about = &problem.about;
        let policy = |name: &String| self.policies.iter().any(|meant| **meant == *scim::fold(name));
        let user = |named: &Named<UserId>| named.meets(about.user, about.user_name.as_ref());
        let group = |named: &Named<GroupId>| named.meets(about.group, about.group_name.as_ref());
        let role = |named: &Named<RoleId>| named.meets(about.role, about.role_name.as_ref());
        let looked = problem.operator.is_some() && problem.method == "GET";
        !(self.changes && looked)
            && (self.kinds.is_empty() || self.kinds.contains(&problem.kind))
            && self.users.as_ref().is_none_or(user)
            && self.groups.as_ref().is_none_or(group)
            && self.roles.as_ref().is_none_or(role)
            && (self.policies.is_empty() || about.policies.iter().any(policy))
            && (self.connectors.is_empty()
                || problem.connector.is_some_and(|id| self.connectors.contains(&id)))
    }

    /// What was named that nothing has or ever had.
    fn unknown(&self) -> Option<Unknown> {
        let of = |unknown: Option<&Unknown>| unknown.cloned();
        of(self.users.as_ref().and_then(|named| named.unknown.as_ref()))
            .or_else(|| of(self.groups.as_ref().and_then(|named| named.unknown.as_ref())))
            .or_else(|| of(self.roles.as_ref().and_then(|named| named.unknown.as_ref())))
    }
}

/// A tenant's problems that are asked for, the newest first, `count` at most. An entry that this release cannot read is
/// passed over. Reads the journal until it has found them: call it where blocking is allowed.
///
/// # Errors
/// When somebody is named whom neither the tenant nor its journal ever knew, or when the journal cannot be read.
pub fn problems(
    journal: &Journal,
    tenant: TenantId,
    snapshot: &Snapshot,
    filter: &ProblemFilter,
    count: usize,
) -> Result<ProblemPage, ProblemError> {
    let mut found: Vec<Problem> = Vec::new();
    let mut next = None;
    for noted in journal.newest(tenant) {
        let noted = noted?;
        if filter.after.is_some_and(|after| noted.number <= after) {
            break;
        }
        if filter.before.is_some_and(|before| noted.number >= before) {
            continue;
        }
        let Some(mut problem) = Problem::read(&noted.entry) else { continue };
        if !filter.meets(&problem) {
            continue;
        }
        if found.len() == count {
            next = found.last().and_then(|last| last.number);
            break;
        }
        problem.number = Some(noted.number);
        let connector = problem.connector.and_then(|id| snapshot.directory.connectors.get(id));
        problem.connector_name = connector.map(|connector| connector.name.clone());
        found.push(problem);
    }
    match filter.unknown() {
        Some(unknown) if found.is_empty() && count > 0 => Err(unknown.into()),
        Some(_) | None => Ok(ProblemPage { problems: found, next }),
    }
}

/// Why no problems are told.
#[derive(Debug, thiserror::Error)]
pub enum ProblemError {
    /// Somebody is named who never was.
    #[error(transparent)]
    Unknown(#[from] Unknown),
    /// The journal cannot be read.
    #[error(transparent)]
    Journal(#[from] JournalError),
}

fn kinds(word: &'static str, value: &str) -> Result<Vec<ProblemKind>, Misasked> {
    let kind = |text: &str| {
        let found = ProblemKind::ALL.into_iter().find(|k| k.as_str().eq_ignore_ascii_case(text));
        found.ok_or_else(|| Misasked::NoValue {
            word,
            value: text.to_owned(),
            reason: "say `refused`, `partial` or `attention`".to_owned(),
        })
    };
    value.split(',').map(|text| kind(text.trim())).collect()
}

fn number(word: &'static str, value: &str) -> Result<u64, Misasked> {
    value.parse().map_err(|_| Misasked::NoValue {
        word,
        value: value.to_owned(),
        reason: "give the `number` of an entry".to_owned(),
    })
}
