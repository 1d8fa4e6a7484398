//! What is done around the commit that erases a person.
//!
//! The commit and the end of the person's key are one write. The refusal journal, which quotes what
//! clients sent, is cleaned before it: in the store's own order, so that no cut can leave the
//! commit there and the entries too. If the commit then fails, nothing is lost but those entries.
//!
//! Reading what a person was called and cleaning the journal of it may take seconds, and nobody is to
//! wait for the writer that long: both are done before it is asked, and the writer reads and cleans
//! what has come since.

use std::sync::Arc;

use domain::command::Command;
use domain::erasure::{PersonValues, telling};
use domain::event::{EventKind, Subject};
use domain::id::{TenantId, UserId};
use domain::position::Position;
use domain::snapshot::Snapshot;
use domain::trail::Kinds;
use eventlog::{Broken, Journal, JournalError};

use crate::Refusal;
use crate::past::Past;

/// The kinds of events that hold a person's values.
const TELLING: [EventKind; 4] = [
    EventKind::UserCreated,
    EventKind::UserRenamed,
    EventKind::UserAttributesChanged,
    EventKind::UserErased,
];

/// Everything that a person was ever called or reached by, up to a position.
#[derive(Clone, Debug)]
pub struct PersonRead {
    tenant: TenantId,
    user: UserId,
    values: PersonValues,
    /// The first position that was not read.
    next: Position,
}

impl PersonRead {
    pub(crate) fn of(
        past: &dyn Past,
        tenant: TenantId,
        snapshot: &Snapshot,
        user: UserId,
    ) -> Result<Self, Broken> {
        let values = values(past, tenant, snapshot, user, Position::FIRST)?;
        Ok(PersonRead { tenant, user, values, next: snapshot.head.next() })
    }

    /// What it was.
    pub fn values(&self) -> &PersonValues {
        &self.values
    }
}

/// An erasure that the journal was cleaned for: what is left is the commit.
#[derive(Clone, Copy, Debug)]
pub struct BegunErasure {
    pub(crate) tenant: TenantId,
    pub(crate) user: UserId,
    next: Position,
}

impl BegunErasure {
    /// Removes what the refusal journal says of a person.
    pub(crate) fn begin(journal: &Journal, read: PersonRead) -> Result<Self, JournalError> {
        let PersonRead { tenant, user, values, next } = read;
        clean_journal(journal, tenant, user, values)?;
        Ok(BegunErasure { tenant, user, next })
    }

    /// An erasure for which nothing was done yet.
    pub(crate) fn unprepared(tenant: TenantId, user: UserId) -> Self {
        BegunErasure { tenant, user, next: Position::FIRST }
    }

    /// What is still to be done when it is the commit's turn: reads what has come since, looks whether
    /// the reason tells it, and removes what the journal says of it.
    pub(crate) fn finish(
        self,
        past: &dyn Past,
        journal: &Journal,
        tip: &Snapshot,
        reason: &str,
    ) -> Result<(), Refusal> {
        let BegunErasure { tenant, user, next } = self;
        let values = values(past, tenant, tip, user, next)
            .map_err(|broken| Refusal::Unavailable(broken.to_string()))?;
        if values.are_named_in(reason) {
            return Err(Refusal::Rejected(telling().into()));
        }
        if next == Position::FIRST || !values.is_empty() {
            clean_journal(journal, tenant, user, values)
                .map_err(|error| Refusal::Unavailable(error.to_string()))?;
        }
        Ok(())
    }
}

/// Everything that a person was called or reached by from a position on, as of `snapshot`. Nothing,
/// once they were erased. Reads the commits about them and no others.
fn values(
    past: &dyn Past,
    tenant: TenantId,
    snapshot: &Snapshot,
    user: UserId,
    from: Position,
) -> Result<PersonValues, Broken> {
    let mut values = PersonValues::default();
    if snapshot.directory.users.is_erased(user) {
        return Ok(values);
    }
    let telling: Kinds = TELLING.into_iter().collect();
    let about = snapshot.trail.about(Subject::User(user), from, Position::MAX);
    for (position, _) in about.filter(|(_, kinds)| kinds.meets(telling)) {
        let recorded = past.commit(tenant, position)?;
        for event in recorded.iter().flat_map(|recorded| &recorded.commit.events) {
            values.note_event(user, event);
        }
    }
    Ok(values)
}

/// The person whom a command erases, and why.
pub(crate) fn erases(command: &Command) -> Option<(UserId, &str)> {
    if let Command::EraseUser { user, reason } = command { Some((*user, reason)) } else { None }
}

/// Removes what the refusal journal says of a person, and sees to it that requests which are
/// under way add nothing. Their tenant's journal may name them, and that of the instance, which
/// has the paths that were tried without a good key. Answers how many entries went.
fn clean_journal(
    journal: &Journal,
    tenant: TenantId,
    user: UserId,
    values: PersonValues,
) -> Result<usize, JournalError> {
    let mut values = values;
    // What was refused about them may hold values that never became theirs.
    values.note(&user.to_string());
    let values = Arc::new(values);
    let mut gone = 0;
    for journal_of in [tenant, TenantId::SYSTEM] {
        let values = values.clone();
        gone += journal.forget(journal_of, move |entry| values.stand_in(entry))?;
    }
    Ok(gone)
}

/// How many entries of the refusal journal say something of a person.
pub(crate) fn count_in_journal(
    journal: &Journal,
    tenant: TenantId,
    user: UserId,
    values: &PersonValues,
) -> Result<usize, JournalError> {
    let mut values = values.clone();
    values.note(&user.to_string());
    let mut found = 0;
    for journal_of in [tenant, TenantId::SYSTEM] {
        found += journal.count(journal_of, |entry| values.stand_in(entry))?;
    }
    Ok(found)
}
