//! A question to the log, and how it is answered.

use std::collections::btree_map::Entry as Place;
use std::collections::{BTreeMap, BTreeSet};

use domain::event::{Event, EventKind, Subject};
use domain::id::{RoleId, TenantId, UserId};
use domain::origin::Source;
use domain::position::Position;
use domain::snapshot::Snapshot;
use domain::trail::{Kinds, Maker};
use engine::{Engine, Recorded};
use eventlog::Broken;

use crate::entry::{Entry, Named, Told};

/// Which commits are asked for. Every condition narrows the answer.
#[derive(Clone, Debug)]
pub struct Question {
    /// Commits about any of these; empty: about whatever.
    pub subjects: Vec<Subject>,
    /// Commits by this maker; none: by whomever.
    pub maker: Option<Maker>,
    /// Events of these kinds; others of the same commit are left out of the answer.
    pub kinds: Kinds,
    /// The first position that is asked for.
    pub from: Position,
    /// The last position that is asked for.
    pub to: Position,
    /// Which end of the log comes first.
    pub order: Order,
    /// How many commits at most.
    pub limit: usize,
}

/// Which end of the log comes first in an answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Order {
    /// As it happened.
    #[default]
    OldestFirst,
    /// The latest first.
    NewestFirst,
}

impl Default for Question {
    /// Everything, as it happened.
    fn default() -> Self {
        Self {
            subjects: Vec::new(),
            maker: None,
            kinds: Kinds::ALL,
            from: Position::FIRST,
            to: Position::MAX,
            order: Order::default(),
            limit: usize::MAX,
        }
    }
}

/// Why a question has no answer.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// There is no such tenant.
    #[error("there is no such tenant")]
    NoTenant,
    /// The log cannot be read.
    #[error(transparent)]
    Broken(#[from] Broken),
    /// An event could not be put into JSON.
    #[error("an event could not be written as JSON")]
    Json(#[from] serde_json::Error),
}

/// Answers a question from a tenant's log. No match is an empty answer.
///
/// # Errors
/// When there is no such tenant, or the log cannot be read.
pub fn ask(engine: &Engine, tenant: TenantId, question: &Question) -> Result<Vec<Entry>, AskError> {
    let world = engine.world();
    let snapshot = world.get(tenant).ok_or(AskError::NoTenant)?;
    let system = world.system().map(|system| &system.directory);
    let mut roles = RolesThen::default();
    let mut entries = Vec::new();
    for position in positions(snapshot, question) {
        if entries.len() >= question.limit {
            break;
        }
        let Some(Recorded { commit, hash }) = engine.commit(tenant, position)? else { continue };
        let mut events = Vec::new();
        for event in &commit.events {
            let asked = question.kinds.has(event.kind())
                && (question.subjects.is_empty()
                    || question.subjects.iter().any(|subject| event.is_about(*subject)));
            if !asked {
                continue;
            }
            let mut told = Told::of(event, &snapshot.directory)?;
            if let Event::RoleAssigned { user, .. } | Event::RoleRevoked { user, .. } = event {
                let (before, after) =
                    roles.around(engine, tenant, snapshot, *user, position, event)?;
                told.before = Some(before);
                told.after = Some(after);
            }
            events.push(told);
        }
        if events.is_empty() {
            continue;
        }
        entries.push(Entry {
            position,
            hash,
            at: commit.at,
            actor: Named::actor(commit.origin.actor, &snapshot.directory, system),
            credential: Named::credential(commit.origin.actor, &snapshot.directory),
            source: commit.origin.source,
            agent: commit.origin.agent,
            request: commit.origin.request,
            events,
        });
    }
    Ok(entries)
}

/// The commits that may answer, from the trail: none of the others is read.
fn positions(snapshot: &Snapshot, question: &Question) -> Vec<Position> {
    let last = snapshot.head.position.unwrap_or(Position::FIRST);
    let (from, to) = (question.from, question.to.min(last));
    let mut found: Vec<Position> = if from > to || snapshot.head.position.is_none() {
        Vec::new()
    } else if !question.subjects.is_empty() {
        let about: BTreeSet<Position> = question
            .subjects
            .iter()
            .flat_map(|subject| snapshot.trail.about(*subject, from, to))
            .filter(|(_, kinds)| kinds.meets(question.kinds))
            .map(|(position, _)| position)
            .collect();
        match question.maker {
            Some(maker) => about.into_iter().filter(|p| snapshot.trail.made(maker, *p)).collect(),
            None => about.into_iter().collect(),
        }
    } else if let Some(maker) = question.maker {
        snapshot.trail.by(maker, from, to).collect()
    } else {
        (from.get()..=to.get()).filter_map(Position::new).collect()
    };
    if question.order == Order::NewestFirst {
        found.reverse();
    }
    found
}

/// What roles users had, followed through their own commits only.
#[derive(Default)]
struct RolesThen {
    // Per user: each role event in order, with its position and the names in effect before it.
    told: BTreeMap<UserId, Vec<(Position, Event, Names, Names)>>,
}

type Names = Vec<String>;

impl RolesThen {
    /// The roles of `user` right before and right after `event` of the commit at `position`.
    fn around(
        &mut self,
        engine: &Engine,
        tenant: TenantId,
        snapshot: &Snapshot,
        user: UserId,
        position: Position,
        event: &Event,
    ) -> Result<(Names, Names), AskError> {
        let told = match self.told.entry(user) {
            Place::Occupied(told) => told.into_mut(),
            Place::Vacant(place) => place.insert(follow(engine, tenant, snapshot, user)?),
        };
        Ok(told
            .iter()
            .find(|(there, other, ..)| *there == position && other == event)
            .map(|(.., before, after)| (before.clone(), after.clone()))
            .unwrap_or_default())
    }
}

fn follow(
    engine: &Engine,
    tenant: TenantId,
    snapshot: &Snapshot,
    user: UserId,
) -> Result<Vec<(Position, Event, Names, Names)>, AskError> {
    let kinds: Kinds = [EventKind::RoleAssigned, EventKind::RoleRevoked].into_iter().collect();
    let mut held: BTreeSet<(RoleId, Source)> = BTreeSet::new();
    let mut told = Vec::new();
    for (position, here) in
        snapshot.trail.about(Subject::User(user), Position::FIRST, Position::MAX)
    {
        if !here.meets(kinds) {
            continue;
        }
        let Some(recorded) = engine.commit(tenant, position)? else { continue };
        for event in recorded.commit.events {
            let before = names(snapshot, &held);
            if !follow_event(&event, user, &mut held) {
                continue;
            }
            let after = names(snapshot, &held);
            told.push((position, event, before, after));
        }
    }
    Ok(told)
}

/// Makes a role event about `user` part of what they hold; whether it is one.
fn follow_event(event: &Event, user: UserId, held: &mut BTreeSet<(RoleId, Source)>) -> bool {
    if let Event::RoleAssigned { user: whose, role, source, .. } = event
        && *whose == user
    {
        held.insert((*role, *source));
        return true;
    }
    if let Event::RoleRevoked { user: whose, role, source } = event
        && *whose == user
    {
        held.remove(&(*role, *source));
        return true;
    }
    false
}

fn names(snapshot: &Snapshot, held: &BTreeSet<(RoleId, Source)>) -> Names {
    let ids: BTreeSet<RoleId> = held.iter().map(|(role, _)| *role).collect();
    let mut names: Names = ids
        .into_iter()
        .map(|id| {
            snapshot.directory.roles.get(id).map_or_else(|| id.to_string(), |r| r.name.clone())
        })
        .collect();
    names.sort();
    names
}
