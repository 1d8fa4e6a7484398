//! What changed between two moments, and which commits changed it.
//!
//! The trail and the commits of the range say what was touched; each of those things is compared in the snapshots of both
//! moments. So the cost grows with what was touched, not with the tenant (beside reading the two snapshots).

mod compare;
mod touched;

use std::collections::BTreeSet;

use domain::event::Subject;
use domain::id::TenantId;
use domain::position::Position;
use domain::snapshot::Snapshot;
use engine::Engine;
use scim::UserNameKey;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::ask::AskError;
use crate::brief::{Brief, Log, Moment};
use crate::entry::Named;
use crate::facts::Item;
use crate::show::made;
use touched::Touched;

/// Commits of a range that a question about the whole tenant may span.
pub const DIFF_COMMITS: u64 = 1_000_000;

/// What is compared.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Scope {
    /// Everything that was touched. A membership is told once, with the group.
    Tenant,
    /// Whoever had this name at either moment, else before; or this id; with the groups that they are in.
    User(String),
    /// The groups with this name at either moment, else before; or this id; with their members.
    Group(String),
    /// The role with this name or id; with its holders.
    Role(String),
}

/// Which part of the differences is told.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DiffPage {
    /// How many things are passed over.
    pub skip: usize,
    /// How many things are told at most.
    pub count: usize,
    /// Whether things that were touched and are as before are told too.
    pub all: bool,
}

/// What changed between two moments.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Diff {
    /// The earlier moment.
    pub from: Moment,
    /// The later one.
    pub to: Moment,
    /// How much changed, whatever part of it is told.
    pub summary: Summary,
    /// What differs, each thing once, in the order in which they were first touched.
    pub differences: Vec<Difference>,
    /// How many things to pass over for the next page; null: this is the last.
    pub next: Option<usize>,
}

/// How many things were touched, by what became of them.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    /// They are there at the later moment only.
    pub appeared: usize,
    /// They were there at the earlier moment only.
    pub disappeared: usize,
    /// They are there at both, and differ.
    pub changed: usize,
    /// Persons who were gone before the earlier moment, and were erased in between.
    pub erased: usize,
    /// They are as they were: what changed was changed back.
    pub changed_back: usize,
    /// They came and went in between.
    pub came_and_went: usize,
    /// Commits in between that touched any of them.
    pub commits: usize,
}

/// What became of a thing.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Became {
    /// It is there at the later moment only.
    Appeared,
    /// It was there at the earlier moment only.
    Disappeared,
    /// It is there at both, and differs.
    Changed,
    /// A person who was gone before the earlier moment, and was erased in between.
    Erased,
    /// It is as it was.
    ChangedBack,
    /// It came and went in between.
    CameAndWent,
}

/// What became of one thing, and through which commits.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Difference {
    /// The thing, by its name at the later moment, else at the earlier one.
    pub thing: Named,
    /// What became of it.
    pub became: Became,
    /// That the person was erased, whenever that was: their values are gone from both moments.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub erased: Option<Brief>,
    /// What is otherwise now, each once.
    pub changes: Vec<Change>,
    /// The commits that touched it in between, as they happened.
    pub commits: Vec<Brief>,
}

/// One fact before and after.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Change {
    /// What kind of fact.
    pub what: What,
    /// The attribute's path; for all other facts, the name of what they are about.
    pub path: String,
    /// The role, member, group, holder or connector that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<Named>,
    /// Its value at the earlier moment, for roles and memberships their sources; null: it was not so.
    pub before: Option<Value>,
    /// The same at the later moment.
    pub after: Option<Value>,
    /// The commits that caused it, as they happened.
    pub commits: Vec<Position>,
}

/// What kind of fact changed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum What {
    /// An attribute or another property.
    Attribute,
    /// What a connector calls it.
    ExternalId,
    /// A role that a user has.
    Role,
    /// A member that a group has.
    Member,
    /// A group that a user or group is in.
    Group,
    /// A user who has a role.
    Holder,
}

/// Why two moments are not compared.
#[derive(Debug, thiserror::Error)]
pub enum DiffError {
    /// The moments are the wrong way round.
    #[error(
        "the moments are the wrong way round: from position {from} ({}) to position {to} ({}); exchange them",
        times.0, times.1
    )]
    Backwards {
        /// What was given as the earlier moment.
        from: Position,
        /// What was given as the later one.
        to: Position,
        /// Their times.
        times: Box<(domain::time::Timestamp, domain::time::Timestamp)>,
    },
    /// Nothing is called so.
    #[error("{0}")]
    Unknown(String),
    /// More commits are in between than are read for one question.
    #[error(
        "{0} commits are in between, and a whole tenant is compared over {DIFF_COMMITS} at most: choose moments that are \
         closer, or ask about one user, group or role"
    )]
    TooFar(u64),
    /// The log does not answer.
    #[error(transparent)]
    Ask(#[from] AskError),
}

/// What changed between two snapshots of a tenant.
///
/// # Errors
/// When `from` is later than `to`, nothing is called as the scope says, or too much lies in between.
pub fn diff(
    engine: &Engine,
    tenant: TenantId,
    from: &Snapshot,
    to: &Snapshot,
    scope: &Scope,
    page: DiffPage,
) -> Result<Diff, DiffError> {
    let log = Log::open(engine, tenant)?;
    let (earlier, later) = (Moment::of(from), Moment::of(to));
    let (earlier, later) = (earlier.ok_or(AskError::NoTenant)?, later.ok_or(AskError::NoTenant)?);
    if earlier.position > later.position {
        let (from, to) = (earlier.position, later.position);
        return Err(DiffError::Backwards { from, to, times: Box::new((earlier.at, later.at)) });
    }
    let touched = match subjects(from, to, scope)? {
        None => {
            let between = later.position.get() - earlier.position.get();
            if between > DIFF_COMMITS {
                return Err(DiffError::TooFar(between));
            }
            Touched::by_all(&log, earlier.position, later.position)?
        }
        Some(asked) => Touched::by_those(&log, to, &asked, earlier.position, later.position)?,
    };
    let mut told = Diff {
        from: earlier,
        to: later,
        summary: Summary::default(),
        differences: Vec::new(),
        next: None,
    };
    told.summary.commits = touched.commits();
    let mut number = 0;
    for (item, touches) in touched.in_order() {
        let (became, changes) = compare::compare(from, to, &item, touches)?;
        told.summary.count(became);
        let listed = page.all || !matches!(became, Became::ChangedBack | Became::CameAndWent);
        if !listed {
            continue;
        }
        number += 1;
        if number <= page.skip {
            continue;
        }
        if told.differences.len() >= page.count {
            told.next = Some(page.skip + page.count);
            continue;
        }
        let erased = match item {
            Item::User(user) => made::erased(&log, user)?,
            Item::Group(_)
            | Item::Role(_)
            | Item::Rule(_)
            | Item::Policy(_)
            | Item::PolicySchema
            | Item::Connector(_)
            | Item::Credential(_)
            | Item::Schema(_)
            | Item::Tenant(_)
            | Item::Operator(_) => None,
        };
        let briefs = touches.positions().map(|position| log.brief(position));
        told.differences.push(Difference {
            thing: compare::name(&from.directory, &to.directory, &item, touches.name.as_ref()),
            became,
            erased,
            changes,
            commits: briefs.collect::<Result<_, _>>()?,
        });
    }
    Ok(told)
}

impl Summary {
    fn count(&mut self, became: Became) {
        let counter = match became {
            Became::Appeared => &mut self.appeared,
            Became::Disappeared => &mut self.disappeared,
            Became::Changed => &mut self.changed,
            Became::Erased => &mut self.erased,
            Became::ChangedBack => &mut self.changed_back,
            Became::CameAndWent => &mut self.came_and_went,
        };
        *counter += 1;
    }

    /// How many things differ.
    pub fn differ(&self) -> usize {
        self.appeared + self.disappeared + self.changed + self.erased
    }
}

/// The things that a scope names at either moment; none: all that there are.
fn subjects(
    from: &Snapshot,
    to: &Snapshot,
    scope: &Scope,
) -> Result<Option<BTreeSet<Subject>>, DiffError> {
    let both = [&from.directory, &to.directory];
    let mut found = BTreeSet::new();
    let (kind, who) = match scope {
        Scope::Tenant => return Ok(None),
        Scope::User(who) => {
            found.extend(who.parse().ok().map(Subject::User).filter(|id| to.trail.knows(*id)));
            if let (true, Ok(key)) = (found.is_empty(), UserNameKey::of(who)) {
                let named = both.iter().filter_map(|directory| directory.users.named(&key));
                found.extend(named.map(|user| Subject::User(user.id)));
                if found.is_empty() {
                    let ever = to.directory.users.ever_named(&key);
                    found.extend(ever.into_iter().map(Subject::User));
                }
            }
            ("user", who)
        }
        Scope::Group(who) => {
            found.extend(who.parse().ok().map(Subject::Group).filter(|id| to.trail.knows(*id)));
            if found.is_empty() {
                let named = both.iter().flat_map(|directory| directory.groups.named(who));
                found.extend(named.map(|group| Subject::Group(group.id)));
                if found.is_empty() {
                    found.extend(to.trail.groups_named(who).into_iter().map(Subject::Group));
                }
            }
            ("group", who)
        }
        Scope::Role(who) => {
            let roles = &to.directory.roles;
            let by_id = || who.parse().ok().and_then(|id| roles.get(id));
            found.extend(roles.named(who).or_else(by_id).map(|role| Subject::Role(role.id)));
            ("role", who)
        }
    };
    if found.is_empty() {
        let reason = format!(
            "there was no {kind} `{who}` up to the later moment: give a name that it had by then, or an id"
        );
        return Err(DiffError::Unknown(reason));
    }
    Ok(Some(found))
}
