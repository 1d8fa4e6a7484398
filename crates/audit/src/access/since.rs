//! What somebody may do since a moment that they might not before, and the other way round.

use std::collections::{BTreeMap, BTreeSet};

use ::access::{Asked, Compiled, Unasked};
use domain::event::{EventKind, Subject};
use domain::id::TenantId;
use domain::position::Position;
use domain::snapshot::Snapshot;
use domain::trail::Kinds;
use engine::Engine;
use serde_json::Value;

use super::answer::{AccessDiff, Changed, Checked, Decided, Who};
use super::ground::Grounding;
use super::{AccessError, head};
use crate::ask::AskError;
use crate::entry::Entry;
use crate::explain::Log;

/// Pairs of action and resource that are compared at most.
const PAIRS: usize = 10_000;
/// Commits that are told at most.
const COMMITS: usize = 100;

/// What is compared.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Between {
    /// An id, or a `userName` in any case, as of the later moment or else of the earlier one.
    pub user: String,
    /// Only this action.
    pub action: Option<String>,
    /// These resources. None: each that a policy names at either moment, and of each type of resources one that none does,
    /// called `*`.
    pub resources: Vec<String>,
    /// As in a check.
    pub context: Value,
    /// As in a check.
    pub entities: Value,
}

/// One of the two moments.
pub type Side<'a> = (&'a Snapshot, &'a Compiled);

/// Asks every question at both moments, and tells those that are answered otherwise. What cannot be asked at a moment,
/// because its schema has no such action or resource, is denied at it.
///
/// # Errors
/// When nobody is called so, a question fits neither schema, there are too many, or the log cannot be read.
pub fn diff(
    engine: &Engine,
    tenant: TenantId,
    (from, to): (Side<'_>, Side<'_>),
    between: &Between,
) -> Result<AccessDiff, AccessError> {
    let heads = (head(from.0)?, head(to.0)?);
    if heads.0.position > heads.1.position {
        let (from, to) = (heads.0.position.get(), heads.1.position.get());
        return Err(AccessError::Backwards { from, to });
    }
    let user = whom(&between.user, [to.0, from.0])
        .ok_or_else(|| AccessError::NoUser(between.user.clone()))?;
    let world = engine.world();
    let system = world.system().map(|system| &system.directory);
    let mut before = Grounding::new(Log::new(engine, tenant, from.0, system));
    let mut after = Grounding::new(Log::new(engine, tenant, to.0, system));
    let pairs = pairs(between, [from.1, to.1])?;
    let (mut changes, mut compared) = (Vec::new(), 0);
    for (resource, action) in pairs {
        let asked = Asked {
            user: user.id.clone().unwrap_or_default(),
            action,
            resource,
            context: between.context.clone(),
            entities: between.entities.clone(),
        };
        let answers =
            (from.1.check(&from.0.directory, &asked), to.1.check(&to.0.directory, &asked));
        let is_same = match &answers {
            (Ok(one), Ok(other)) => one.decision() == other.decision(),
            (Err(_), Ok(only)) | (Ok(only), Err(_)) => only.reason.is_some(),
            (Err(_), Err(Unasked(why))) => return Err(AccessError::Unasked(why.clone())),
        };
        compared += 1;
        if is_same {
            continue;
        }
        let side = |grounding: &mut Grounding<'_>, answer| match answer {
            Ok(answer) => grounding.checked(&asked, answer, true),
            Err(Unasked(_)) => Ok(unasked(&asked, &user)),
        };
        changes.push(Changed {
            before: side(&mut before, answers.0)?,
            after: side(&mut after, answers.1)?,
            action: asked.action,
            resource: asked.resource,
        });
    }
    let commits = commits(&mut after, heads.0.position.next(), &user, &changes)?;
    Ok(AccessDiff { from: heads.0, to: heads.1, user, compared, changes, commits })
}

/// Who is meant, at the first of these moments at which somebody is called so.
fn whom(who: &str, moments: [&Snapshot; 2]) -> Option<Who> {
    let key = scim::UserNameKey::of(who).ok();
    moments.into_iter().find_map(|moment| {
        let users = &moment.directory.users;
        let by_id = who.parse().ok().and_then(|id| users.get(id));
        let user = by_id.or_else(|| users.named(key.as_ref()?))?;
        Some(Who { id: Some(user.id.to_string()), name: user.user_name.to_string() })
    })
}

/// What is asked at both moments: each resource with each of its actions.
fn pairs(
    between: &Between,
    moments: [&Compiled; 2],
) -> Result<BTreeSet<(String, String)>, AccessError> {
    let mut all: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (resource, actions) in moments.iter().flat_map(|moment| moment.resources()) {
        all.entry(resource).or_default().extend(actions);
    }
    // A resource that is given has the actions of its type.
    let given: Vec<(String, BTreeSet<String>)> = between
        .resources
        .iter()
        .map(|resource| {
            let kind = resource.split("::\"").next().unwrap_or_default();
            let other = all.get(&format!("{kind}::\"*\"")).cloned().unwrap_or_default();
            (resource.clone(), other)
        })
        .collect();
    if let Some((resource, _)) = given.iter().find(|(_, actions)| actions.is_empty()) {
        let message = format!(
            "no action is for `{resource}` at either moment: write its type and id, as in `Table::\"sales\"`"
        );
        return Err(AccessError::Unasked(message));
    }
    if !given.is_empty() {
        all = given.into_iter().collect();
    }
    let mut pairs = BTreeSet::new();
    for (resource, actions) in all {
        for action in actions {
            if between.action.as_ref().is_none_or(|only| *only == action) {
                pairs.insert((resource.clone(), action));
            }
        }
    }
    if pairs.is_empty() && between.action.is_some() {
        let message = "no resource has that action at either moment".to_owned();
        return Err(AccessError::Unasked(message));
    }
    if pairs.len() > PAIRS {
        let message = format!(
            "{} pairs of action and resource would be compared, and {PAIRS} are at most: give an action, or resources",
            pairs.len()
        );
        return Err(AccessError::TooMuch(message));
    }
    Ok(pairs)
}

/// What the schema of the moment does not know, nobody may do.
fn unasked(asked: &Asked, user: &Who) -> Checked {
    Checked {
        user: user.clone(),
        action: asked.action.clone(),
        resource: asked.resource.clone(),
        decision: Decided::Deny,
        reason: Some("no-such-action".to_owned()),
        policies: Vec::new(),
        since: None,
        errors: Vec::new(),
    }
}

/// The commits since `from` that are about the user, or about what the changes rest on.
fn commits(
    after: &mut Grounding<'_>,
    from: Position,
    user: &Who,
    changes: &[Changed],
) -> Result<Vec<Entry>, AskError> {
    if changes.is_empty() {
        return Ok(Vec::new());
    }
    let mut subjects: BTreeSet<Subject> = BTreeSet::new();
    subjects.extend(user.id.as_ref().and_then(|id| id.parse().ok()).map(Subject::User));
    for grounds in changes
        .iter()
        .flat_map(|change| change.before.policies.iter().chain(&change.after.policies))
    {
        let id = grounds.policy.id.as_ref().and_then(|id| id.parse().ok());
        subjects.extend(id.map(Subject::Policy));
        let ways = grounds.through.iter().flat_map(|ground| {
            let role = ground.role.iter().flat_map(|held| &held.sources);
            let by_rule = role.filter_map(|given| given.rule.as_ref()).flat_map(|why| &why.ways);
            ground.ways.iter().chain(by_rule)
        });
        // The user's own memberships are told with the user: a large group has many more.
        let links = ways.flatten().filter(|link| link.member.kind == "group");
        let inner = links.filter_map(|link| link.member.id.as_ref()?.parse().ok());
        subjects.extend(inner.map(Subject::Group));
    }
    let end = after.log.end();
    let mut found: BTreeMap<Position, BTreeSet<Subject>> = BTreeMap::new();
    for subject in subjects {
        let kinds = kinds(subject);
        for (position, here) in after.log.moment.trail.about(subject, from, end) {
            if here.meets(kinds) {
                found.entry(position).or_default().insert(subject);
            }
        }
    }
    let mut commits = Vec::new();
    for (position, subjects) in found.into_iter().take(COMMITS) {
        commits.push(after.log.entry(position, |event| {
            subjects.iter().any(|subject| {
                event.is_about(*subject)
                    && kinds(*subject).meets([event.kind()].into_iter().collect())
            })
        })?);
    }
    Ok(commits)
}

/// The kinds of events that change what somebody may do.
fn kinds(subject: Subject) -> Kinds {
    let memberships = [EventKind::GroupMemberAdded, EventKind::GroupMemberRemoved];
    match subject {
        Subject::Group(_) => memberships.into_iter().chain([EventKind::GroupDeleted]).collect(),
        Subject::User(_)
        | Subject::Policy(_)
        | Subject::Role(_)
        | Subject::Tenant(_)
        | Subject::Connector(_)
        | Subject::Credential(_)
        | Subject::Operator(_) => Kinds::ALL,
    }
}
