//! Why somebody has a role, or is in a group, and why not: from what is in effect at a moment back to the commits that
//! made it so.
//!
//! What is in effect is what the directory of that moment says. The trail says which commits to read, so an explanation
//! costs in proportion to the user's own history, and to that of the groups they are in, not to the log.

mod answer;
mod log;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use domain::directory::{Directory, Role, Rule, User};
use domain::event::{Event, EventKind, Member, Subject};
use domain::id::{GroupId, RoleId, TenantId, UserId};
use domain::origin::Source;
use domain::snapshot::Snapshot;
use engine::Engine;
use eventlog::JournalError;

pub use answer::{
    AskedGroup, AskedRole, Because, Explanation, Given, Held, Link, Offer, Period, Person, State,
    Way,
};

use crate::ask::AskError;
use crate::brief::Moment;
use crate::entry::Named;
use crate::people::{Unknown, find_group, find_user, no_user};
use crate::problem::Problem;
pub(crate) use log::Log;
use log::Span;

/// Refused or partial requests that an explanation tells at most.
const PROBLEMS: usize = 20;

/// What is to be explained of a user.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Asked {
    /// Every role that they have.
    Roles,
    /// Why they have the role with this name, or not.
    Role(String),
    /// Why they are in this group, or not: an id, or a name in any case.
    Group(String),
}

/// Why nothing can be explained.
#[derive(Debug, thiserror::Error)]
pub enum ExplainError {
    /// Nobody is or was called so.
    #[error(transparent)]
    Unknown(#[from] Unknown),
    /// The log cannot be read.
    #[error(transparent)]
    Ask(#[from] AskError),
    /// The refusal journal cannot be read.
    #[error(transparent)]
    Journal(#[from] JournalError),
}

/// Explains what `who` (an id, or a `userName` in any case) has at `moment`, a snapshot of the tenant as of whenever. It
/// blocks: call it where that is allowed.
///
/// # Errors
/// When nobody is, was or will be called so, or the log cannot be read.
pub fn explain(
    engine: &Engine,
    tenant: TenantId,
    moment: &Snapshot,
    who: &str,
    asked: &Asked,
) -> Result<Explanation, ExplainError> {
    let world = engine.world();
    let system = world.system().map(|system| &system.directory);
    let now = world.get(tenant).ok_or(AskError::NoTenant)?;
    let mut log = Log::new(engine, tenant, moment, system);
    let mut later = Log::new(engine, tenant, now, system);
    let person = person(&mut log, &mut later, who)?;
    let mut explanation = Explanation {
        answer: false,
        head: Moment::of(moment).ok_or(AskError::NoTenant)?,
        user: person,
        role: None,
        group: None,
        roles: Vec::new(),
        ways: Vec::new(),
        past: Vec::new(),
        rules: Vec::new(),
        problems: Vec::new(),
    };
    let user = explanation.user.id;
    match asked {
        Asked::Roles => explanation.roles = held(&mut log, user, |_| true)?,
        Asked::Role(name) => {
            let role = asked_role(&mut log, &mut later, name)?;
            if let Some(id) = role.id.filter(|_| role.state != State::NotYet) {
                explanation.roles = held(&mut log, user, |there| there == id)?;
                if explanation.roles.is_empty() {
                    explanation.past = past_roles(&mut log, user, id)?;
                    explanation.rules = offers(&mut log, user, id)?;
                }
            }
            explanation.role = Some(role);
        }
        Asked::Group(which) => {
            let group = asked_group(&mut log, &mut later, which)?;
            if let Some(id) = group.id.filter(|_| group.state != State::NotYet) {
                explanation.ways = ways(&mut log, user, id)?;
                if explanation.ways.is_empty() {
                    explanation.past = past_memberships(&mut log, user, id)?;
                }
            }
            explanation.group = Some(group);
        }
    }
    explanation.answer = !explanation.roles.is_empty() || !explanation.ways.is_empty();
    if !explanation.answer {
        explanation.problems = problems(engine, tenant, &log, &explanation)?;
    }
    Ok(explanation)
}

/// Who is meant: somebody who is there, else who was there last, else who came later.
fn person(log: &mut Log<'_>, later: &mut Log<'_>, who: &str) -> Result<Person, ExplainError> {
    // Who is called so later may be there by another name.
    let ids = find_user(log.moment, who).or_else(|_| find_user(later.moment, who))?;
    let is_known = |id: &UserId| log.moment.trail.knows(Subject::User(*id));
    let found: Vec<UserId> = ids.iter().copied().filter(is_known).collect();
    if found.is_empty() {
        let id = ids.first().copied().ok_or_else(|| no_user(who))?;
        return Ok(Person {
            id,
            name: later.name(Subject::User(id))?,
            state: State::NotYet,
            active: false,
            created: later.last(Subject::User(id), EventKind::UserCreated)?,
            deactivated: None,
            locked: None,
            deleted: None,
            erased: None,
        });
    }
    let users = &log.directory().users;
    let named = scim::UserNameKey::of(who).ok().and_then(|key| users.named(&key));
    let present = found.iter().find_map(|id| users.get(*id));
    let present = named.or(present);
    let last = || found.iter().copied().max_by_key(|id| log.touched(Subject::User(*id)));
    let id = present.map(|user| user.id).or_else(last).ok_or_else(|| no_user(who))?;
    let about = Subject::User(id);
    let active = present.is_some_and(User::may_act);
    let created = log.last(about, EventKind::UserCreated)?;
    let deactivated = match present {
        Some(user) if !user.active => {
            // Whoever was created inactive was never deactivated.
            log.last(about, EventKind::UserDeactivated)?.or_else(|| created.clone())
        }
        Some(_) | None => None,
    };
    let locked = match present.and_then(|user| user.lock.as_ref()) {
        Some(_) => log.last(about, EventKind::UserLocked)?,
        None => None,
    };
    let (deleted, erased) = match present {
        Some(_) => (None, None),
        None => (log.last(about, EventKind::UserDeleted)?, log.last(about, EventKind::UserErased)?),
    };
    let state = if present.is_some() { State::Present } else { State::Deleted };
    let name = log.name(about)?;
    Ok(Person { id, name, state, active, created, deactivated, locked, deleted, erased })
}

fn asked_role(log: &mut Log<'_>, later: &mut Log<'_>, name: &str) -> Result<AskedRole, AskError> {
    let mut asked = AskedRole {
        name: name.to_owned(),
        id: None,
        state: State::Unknown,
        defined: None,
        retired: None,
        similar: None,
    };
    if let Some(role) = log.directory().roles.named(name) {
        asked.id = Some(role.id);
        asked.retired = retired(log, role)?;
        asked.state = if role.retired { State::Retired } else { State::Present };
    } else if let Some(role) = later.directory().roles.named(name) {
        asked.id = Some(role.id);
        asked.state = State::NotYet;
        let about = Subject::Role(role.id);
        let is_it = |event: &Event| event.kind() == EventKind::RoleDefined && event.is_about(about);
        asked.defined = Some(later.entry(role.created.position, is_it)?);
    }
    if asked.state == State::Unknown {
        let mut roles = log.directory().roles.iter();
        let similar = roles.find(|role| scim::fold(&role.name) == scim::fold(name));
        asked.similar = similar.map(|role| role.name.clone());
    }
    Ok(asked)
}

/// How a role was retired, if it is.
fn retired(log: &mut Log<'_>, role: &Role) -> Result<Option<crate::Entry>, AskError> {
    if role.retired { log.last(Subject::Role(role.id), EventKind::RoleRetired) } else { Ok(None) }
}

fn asked_group(
    log: &mut Log<'_>,
    later: &mut Log<'_>,
    which: &str,
) -> Result<AskedGroup, AskError> {
    let mut asked = AskedGroup {
        name: which.to_owned(),
        id: None,
        state: State::Unknown,
        created: None,
        deleted: None,
    };
    let groups = &log.directory().groups;
    let is_there = |id: &GroupId| groups.get(*id).is_some();
    // By id, or whatever is, was or will be called so: what is there, else what was there last, goes first.
    let mut found = find_group(log.moment, which)
        .or_else(|_| find_group(later.moment, which))
        .unwrap_or_default();
    let named: Vec<GroupId> = groups.named(which).map(|group| group.id).collect();
    found.sort_by_key(|id| (named.contains(id), is_there(id), log.touched(Subject::Group(*id))));
    let Some(id) = found.last().copied() else { return Ok(asked) };
    asked.id = Some(id);
    if is_there(&id) {
        asked.state = State::Present;
    } else if log.moment.trail.knows(Subject::Group(id)) {
        asked.state = State::Deleted;
        asked.deleted = log.last(Subject::Group(id), EventKind::GroupDeleted)?;
    } else {
        asked.state = State::NotYet;
        asked.created = later.last(Subject::Group(id), EventKind::GroupCreated)?;
    }
    if let Some(id) = asked.id.filter(|_| asked.state != State::NotYet) {
        asked.name = log.name(Subject::Group(id))?.unwrap_or(asked.name);
    }
    Ok(asked)
}

/// The roles in effect that are asked for, each with every source that gives it.
pub(crate) fn held(
    log: &mut Log<'_>,
    user: UserId,
    is_asked: impl Fn(RoleId) -> bool,
) -> Result<Vec<Held>, AskError> {
    let Some(there) = log.directory().users.get(user) else { return Ok(Vec::new()) };
    let mut sources: BTreeMap<RoleId, BTreeSet<Source>> = BTreeMap::new();
    for assignment in there.roles.iter().filter(|assignment| is_asked(assignment.role)) {
        sources.entry(assignment.role).or_default().insert(assignment.source);
    }
    let mut held = Vec::new();
    for (id, sources) in sources {
        let role = log.directory().roles.get(id);
        let retired = role.map(|role| retired(log, role)).transpose()?.flatten();
        let role = Named::new("role", id, role.map(|role| role.name.clone()));
        let spans = log.roles(user, id)?;
        let mut given = Vec::new();
        for source in sources {
            let since = spans.get(&source).and_then(|span| span.open);
            given.push(Given {
                through: log.through(source)?,
                assigned: log.role_entry(since.unwrap_or(log.end()), user, id, source)?,
                rule: because(log, user, source)?,
            });
        }
        held.push(Held { role, retired, sources: given });
    }
    held.sort_by(|one, other| one.role.name.cmp(&other.role.name));
    Ok(held)
}

/// Why a rule gives somebody its role.
fn because(log: &mut Log<'_>, user: UserId, source: Source) -> Result<Option<Because>, AskError> {
    let rule = source.rule().and_then(|id| log.directory().rules.get(id));
    let Some(rule) = rule.copied() else { return Ok(None) };
    Ok(Some(Because {
        added: added(log, &rule)?,
        group: log.group(rule.group)?,
        ways: ways(log, user, rule.group)?,
    }))
}

fn added(log: &mut Log<'_>, rule: &Rule) -> Result<crate::Entry, AskError> {
    let is_it =
        |event: &Event| matches!(event, Event::RuleAdded { rule: id, .. } if *id == rule.id);
    log.entry(rule.added.position, is_it)
}

/// The ways in which a user is in a group: through each group that they are in themselves, the shortest.
pub(crate) fn ways(log: &mut Log<'_>, user: UserId, target: GroupId) -> Result<Vec<Way>, AskError> {
    let directory = log.directory();
    let direct: Vec<GroupId> =
        directory.groups.of(Member::User(user)).map(|group| group.id).collect();
    let mut ways = Vec::new();
    for first in direct {
        let Some(groups) = path(directory, first, target) else { continue };
        let mut way = Vec::new();
        let mut member = Member::User(user);
        for group in groups {
            way.push(link(log, member, group)?);
            member = Member::Group(group);
        }
        ways.push(way);
    }
    ways.sort_by_key(Vec::len);
    Ok(ways)
}

/// The shortest path from a group to one that holds it, both included.
fn path(directory: &Directory, from: GroupId, to: GroupId) -> Option<Vec<GroupId>> {
    let mut came: BTreeMap<GroupId, Option<GroupId>> = BTreeMap::from([(from, None)]);
    let mut next = VecDeque::from([from]);
    while let Some(group) = next.pop_front().filter(|_| !came.contains_key(&to)) {
        for parent in directory.groups.of(Member::Group(group)) {
            came.entry(parent.id).or_insert_with(|| {
                next.push_back(parent.id);
                Some(group)
            });
        }
    }
    came.contains_key(&to).then(|| {
        let mut path: Vec<GroupId> =
            std::iter::successors(Some(to), |group| came.get(group).copied().flatten()).collect();
        path.reverse();
        path
    })
}

fn link(log: &mut Log<'_>, member: Member, group: GroupId) -> Result<Link, AskError> {
    let there = log.directory().groups.get(group);
    let sources: Vec<Source> = there.into_iter().flat_map(|group| group.sources(member)).collect();
    let spans = log.memberships(member, group)?;
    let mut since = Vec::new();
    for source in sources {
        let position = spans.get(&source).and_then(|span| span.open).unwrap_or(log.end());
        since.push(log.member_entry(position, member, group, source)?);
    }
    let member = match member {
        Member::User(user) => log.user(user)?,
        Member::Group(group) => log.group(group)?,
    };
    Ok(Link { member, group: log.group(group)?, since })
}

/// What each source gave last, and how that ended.
fn past_roles(log: &mut Log<'_>, user: UserId, role: RoleId) -> Result<Vec<Period>, AskError> {
    let mut past = Vec::new();
    for (source, Span { last, .. }) in log.roles(user, role)? {
        let Some((from, until)) = last else { continue };
        past.push(Period {
            through: log.through(source)?,
            from: log.role_entry(from, user, role, source)?,
            until: log.role_entry(until, user, role, source)?,
        });
    }
    past.sort_by_key(|period| std::cmp::Reverse(period.until.position));
    Ok(past)
}

fn past_memberships(
    log: &mut Log<'_>,
    user: UserId,
    group: GroupId,
) -> Result<Vec<Period>, AskError> {
    let member = Member::User(user);
    let mut past = Vec::new();
    for (source, Span { last, .. }) in log.memberships(member, group)? {
        let Some((from, until)) = last else { continue };
        past.push(Period {
            through: log.through(source)?,
            from: log.member_entry(from, member, group, source)?,
            until: log.member_entry(until, member, group, source)?,
        });
    }
    past.sort_by_key(|period| std::cmp::Reverse(period.until.position));
    Ok(past)
}

/// The rules that give a role to whoever is in a group, and how the user left it.
fn offers(log: &mut Log<'_>, user: UserId, role: RoleId) -> Result<Vec<Offer>, AskError> {
    let rules: Vec<Rule> =
        log.directory().rules.iter().filter(|rule| rule.role == role).copied().collect();
    let mut offers = Vec::new();
    for rule in rules {
        let left = past_memberships(log, user, rule.group)?.into_iter().next();
        offers.push(Offer {
            rule: log.through(Source::Rule(rule.id))?,
            added: added(log, &rule)?,
            group: log.group(rule.group)?,
            left: left.map(|period| period.until),
        });
    }
    Ok(offers)
}

/// Requests about this user that were refused or carried out in part up to the moment, and that had to do with roles, or
/// with the group.
fn problems(
    engine: &Engine,
    tenant: TenantId,
    log: &Log<'_>,
    explanation: &Explanation,
) -> Result<Vec<Problem>, ExplainError> {
    let (id, group) = (explanation.user.id, explanation.group.as_ref());
    let user = id.to_string();
    let created = explanation.user.created.as_ref().map(|entry| entry.request);
    let next = log.next_at()?;
    let concerns = |problem: &Problem| match group {
        Some(group) => {
            let id = group.id.map(|id| id.to_string());
            let of_group = problem.about.group.is_some() && problem.about.group == group.id;
            (of_group || id.is_some_and(|id| problem.path.contains(&id)))
                && problem.detail.contains(&user)
        }
        None => {
            let of_user = problem.about.user == Some(id)
                || problem.path.contains(&user)
                || created == Some(problem.request);
            of_user && problem.detail.contains("role")
        }
    };
    let mut found = Vec::new();
    for noted in engine.journal().newest(tenant) {
        let Some(problem) = Problem::read(&noted?.entry) else { continue };
        // What came again later had come by then, too.
        if next.is_none_or(|next| problem.first < next) && concerns(&problem) {
            found.push(problem);
        }
        if found.len() == PROBLEMS {
            break;
        }
    }
    Ok(found)
}
