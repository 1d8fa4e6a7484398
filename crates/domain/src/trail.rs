//! Which commits touched what, and who made them: derived from the log, so it cannot miss an entry.

use std::collections::BTreeSet;

use imbl::{OrdMap, OrdSet, Vector};
use serde::{Deserialize, Serialize};

use crate::commit::{Commit, Projection, Unfit};
use crate::event::{EventKind, Subject};
use crate::id::{ConnectorId, OperatorId};
use crate::origin::Actor;
use crate::position::Position;
use crate::time::Timestamp;

/// A set of event kinds.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Kinds(u64);

impl Kinds {
    /// Every kind.
    pub const ALL: Kinds = Kinds(u64::MAX);

    /// This set with `kind` in it.
    #[must_use]
    pub const fn with(self, kind: EventKind) -> Kinds {
        Kinds(self.0 | 1 << kind.number())
    }

    /// Whether the two sets have a kind in common.
    pub const fn meets(self, other: Kinds) -> bool {
        self.0 & other.0 != 0
    }

    /// Whether `kind` is in the set.
    pub const fn has(self, kind: EventKind) -> bool {
        self.meets(Kinds(1 << kind.number()))
    }
}

impl FromIterator<EventKind> for Kinds {
    fn from_iter<I: IntoIterator<Item = EventKind>>(kinds: I) -> Self {
        kinds.into_iter().fold(Kinds::default(), Kinds::with)
    }
}

/// Who made a commit, whichever credential they showed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub enum Maker {
    /// A connector's client.
    Connector(ConnectorId),
    /// An operator.
    Operator(OperatorId),
    /// The instance itself.
    System,
}

impl From<Actor> for Maker {
    fn from(actor: Actor) -> Self {
        match actor {
            Actor::Connector { id, .. } => Maker::Connector(id),
            Actor::Operator { id } => Maker::Operator(id),
            Actor::System => Maker::System,
        }
    }
}

/// Which commits touched what, and who made them.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Trail {
    touched: OrdMap<(Subject, Position), Kinds>,
    made: OrdSet<(Maker, Position)>,
    times: Vector<Timestamp>,
}

impl Trail {
    /// The commits from `from` to `to` with an event about `subject`, oldest first, each with the
    /// kinds of those events. What it costs grows with the answer, not with the log.
    pub fn about(
        &self,
        subject: Subject,
        from: Position,
        to: Position,
    ) -> impl DoubleEndedIterator<Item = (Position, Kinds)> + '_ {
        let range = (subject, from)..=(subject, to.max(from));
        self.touched.range(range).map(|((_, position), kinds)| (*position, *kinds))
    }

    /// The commits with an event of one of these kinds, oldest first. Looks at the whole trail.
    pub fn having(&self, kinds: Kinds) -> BTreeSet<Position> {
        let touched = self.touched.iter().filter(|(_, here)| here.meets(kinds));
        touched.map(|((_, position), _)| *position).collect()
    }

    /// The commits from `from` to `to` that `maker` made, oldest first.
    pub fn by(
        &self,
        maker: Maker,
        from: Position,
        to: Position,
    ) -> impl DoubleEndedIterator<Item = Position> + '_ {
        self.made.range((maker, from)..=(maker, to.max(from))).map(|(_, position)| *position)
    }

    /// Whether `maker` made the commit at `position`.
    pub fn made(&self, maker: Maker, position: Position) -> bool {
        self.made.contains(&(maker, position))
    }

    /// Whether anything ever happened to `subject`.
    pub fn knows(&self, subject: Subject) -> bool {
        self.about(subject, Position::FIRST, Position::MAX).next().is_some()
    }

    /// The time of the commit at `position`; none if the log does not reach so far.
    pub fn time(&self, position: Position) -> Option<Timestamp> {
        let index = usize::try_from(position.get() - 1).ok()?;
        self.times.get(index).copied()
    }

    /// The last commit at or before `time`; none if the log begins later.
    pub fn at(&self, time: Timestamp) -> Option<Position> {
        let (mut low, mut high) = (0, self.times.len());
        while low < high {
            let middle = low + (high - low) / 2;
            if self.times.get(middle).is_some_and(|there| *there <= time) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        Position::new(low as u64)
    }
}

impl Projection for Trail {
    fn apply(&mut self, commit: &Commit) -> Result<(), Unfit> {
        for event in &commit.events {
            event.each_subject(|subject| {
                let kinds = self.touched.entry((subject, commit.position)).or_default();
                *kinds = kinds.with(event.kind());
            });
        }
        self.made.insert((commit.origin.actor.into(), commit.position));
        self.times.push_back(commit.at);
        Ok(())
    }
}
