//! Sets of event kinds.

use serde::{Deserialize, Serialize};

use crate::event::EventKind;

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

    /// What is in both sets.
    #[must_use]
    pub const fn and(self, other: Kinds) -> Kinds {
        Kinds(self.0 & other.0)
    }

    /// What is in either set.
    #[must_use]
    pub const fn or(self, other: Kinds) -> Kinds {
        Kinds(self.0 | other.0)
    }

    /// Whether nothing is in it.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether the two sets have a kind in common.
    pub const fn meets(self, other: Kinds) -> bool {
        !self.and(other).is_empty()
    }

    /// Whether `kind` is in the set.
    pub const fn has(self, kind: EventKind) -> bool {
        self.meets(Kinds(1 << kind.number()))
    }

    /// The kinds in the set that this release knows, by number.
    pub fn iter(self) -> impl Iterator<Item = EventKind> {
        EventKind::ALL.iter().copied().filter(move |kind| self.has(*kind))
    }
}

impl FromIterator<EventKind> for Kinds {
    fn from_iter<I: IntoIterator<Item = EventKind>>(kinds: I) -> Self {
        kinds.into_iter().fold(Kinds::default(), Kinds::with)
    }
}
