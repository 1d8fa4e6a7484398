//! A question to the log, and how it is answered.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use domain::event::{Event, Subject};
use domain::id::TenantId;
use domain::position::Position;
use domain::snapshot::Snapshot;
use domain::trail::{Kinds, Maker};
use engine::{Engine, Recorded};
use eventlog::Broken;

use crate::entry::{Entry, Named, Told};
use crate::then::Then;

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
    let mut entries = Vec::new();
    ask_each(engine, tenant, question, |entry| {
        entries.push(entry);
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(entries)
}

/// As [`ask`], but each entry is told as soon as it is read, until there is no more or `tell` breaks
/// off: what has been told need not be held.
///
/// # Errors
/// As [`ask`], and what `tell` fails with.
pub fn ask_each(
    engine: &Engine,
    tenant: TenantId,
    question: &Question,
    mut tell: impl FnMut(Entry) -> Result<ControlFlow<()>, AskError>,
) -> Result<(), AskError> {
    let world = engine.world();
    let snapshot = world.get(tenant).ok_or(AskError::NoTenant)?;
    let system = world.system().map(|system| &system.directory);
    let mut then = Then::new(engine, tenant, snapshot);
    let mut left = question.limit;
    for position in positions(snapshot, question) {
        if left == 0 {
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
            let mut told =
                Told::of(event, &snapshot.directory, |subject| then.name(subject, position))?;
            if let Event::RoleAssigned { user, .. } | Event::RoleRevoked { user, .. } = event {
                let (before, after) = then.roles_around(*user, position, event)?;
                told.before = Some(before);
                told.after = Some(after);
            }
            events.push(told);
        }
        if events.is_empty() {
            continue;
        }
        let entry = Entry {
            position,
            hash,
            at: commit.at,
            actor: Named::actor(commit.origin.actor, &snapshot.directory, system),
            credential: Named::credential(commit.origin.actor, &snapshot.directory),
            source: commit.origin.source,
            agent: commit.origin.agent,
            request: commit.origin.request,
            events,
        };
        left -= 1;
        if tell(entry)?.is_break() {
            break;
        }
    }
    Ok(())
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
