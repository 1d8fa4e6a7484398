//! A question to the log, and how it is answered.

use std::ops::ControlFlow;

use domain::commit::Commit;
use domain::event::{Event, Subject};
use domain::id::TenantId;
use domain::position::Position;
use domain::trail::{Facet, Kinds, Maker, Order};
use engine::{Engine, Recorded};
use eventlog::Broken;

use crate::entry::{Entry, Told};
use crate::then::Then;

/// Which commits are asked for. Every condition narrows the answer; none is the whole log.
///
/// An event answers if it meets every condition; a commit answers with those of its events that do.
#[derive(Clone, Debug)]
pub struct Question {
    /// Events about any of these; empty: about whatever.
    pub subjects: Vec<Subject>,
    /// Commits by this maker; none: by whomever.
    pub maker: Option<Maker>,
    /// Events of these kinds.
    pub kinds: Kinds,
    /// Further conditions: of each, the event meets at least one facet.
    pub conditions: Vec<Vec<Facet>>,
    /// The first position that is asked for.
    pub from: Position,
    /// The last position that is asked for.
    pub to: Position,
    /// Which end of the log comes first.
    pub order: Order,
    /// How many commits at most.
    pub limit: usize,
}

impl Default for Question {
    /// Everything, as it happened.
    fn default() -> Self {
        Self {
            subjects: Vec::new(),
            maker: None,
            kinds: Kinds::ALL,
            conditions: Vec::new(),
            from: Position::FIRST,
            to: Position::MAX,
            order: Order::default(),
            limit: usize::MAX,
        }
    }
}

impl Question {
    /// All conditions, as the trail takes them.
    fn facets(&self) -> Vec<Vec<Facet>> {
        let mut all = self.conditions.clone();
        if !self.subjects.is_empty() {
            let about = self.subjects.iter().map(|subject| Facet::About(*subject, self.kinds));
            all.push(about.collect());
        } else if self.kinds != Kinds::ALL {
            all.push(vec![Facet::Kind(self.kinds)]);
        }
        all.extend(self.maker.map(|maker| vec![Facet::By(maker)]));
        all
    }

    /// The same question, for what comes after a commit that was answered; none: nothing can come.
    #[must_use]
    pub fn after(&self, answered: Position) -> Option<Question> {
        let mut next = self.clone();
        match self.order {
            Order::OldestFirst => next.from = answered.next(),
            Order::NewestFirst => next.to = answered.previous()?,
        }
        (next.from <= next.to).then_some(next)
    }
}

/// Whether an event meets every condition.
fn meets(conditions: &[Vec<Facet>], commit: &Commit, event: &Event) -> bool {
    conditions.iter().all(|facets| facets.iter().any(|facet| facet.matches(commit, event)))
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

/// Answers a question from a tenant's log, as far as it is published. No match is an empty answer.
///
/// It reads the commits that the trail names, and of each person, group and membership in them what it needs to
/// tell their names and what was in effect then: the cost grows with the answer, not with the log. To go on after
/// [`Question::limit`] commits, ask [`Question::after`] the last of them. It blocks: call it where that is allowed.
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
    let conditions = question.facets();
    let found = snapshot.trail.find(&conditions, question.from, question.to, question.order);
    for position in found {
        if left == 0 {
            break;
        }
        let Some(recorded) = then.commit(position)? else { continue };
        let Recorded { commit, hash } = &*recorded;
        let mut events = Vec::new();
        for (index, event) in commit.events.iter().enumerate() {
            if meets(&conditions, commit, event) {
                events.push(Told::of(event, (commit, index), &mut then)?);
            }
        }
        if events.is_empty() {
            continue;
        }
        let entry = Entry::of(commit, *hash, events, &snapshot.directory, system);
        left -= 1;
        if tell(entry)?.is_break() {
            break;
        }
    }
    Ok(())
}
