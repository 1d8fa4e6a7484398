//! What the writer does around the commit that erases a person.
//!
//! The commit and the end of the person's key are one write. The refusal journal, which quotes what
//! clients sent, is cleaned before it: in the store's own order, so that no cut can leave the
//! commit there and the entries too. If the commit then fails, nothing is lost but those entries.

use std::sync::Arc;

use domain::command::Command;
use domain::erasure::PersonValues;
use domain::event::{EventKind, Subject};
use domain::id::{TenantId, UserId};
use domain::position::Position;
use domain::snapshot::Snapshot;
use domain::trail::Kinds;
use eventlog::{Broken, Journal, JournalError};

use crate::past::Past;

/// The kinds of events that hold a person's values.
const TELLING: [EventKind; 4] = [
    EventKind::UserCreated,
    EventKind::UserRenamed,
    EventKind::UserAttributesChanged,
    EventKind::UserErased,
];

/// Everything that a person was ever called or reached by, as of `snapshot`. Nothing, once they were
/// erased. Reads the commits about them and no others.
pub(crate) fn values(
    past: &dyn Past,
    tenant: TenantId,
    snapshot: &Snapshot,
    user: UserId,
) -> Result<PersonValues, Broken> {
    let mut values = PersonValues::default();
    if snapshot.directory.users.is_erased(user) {
        return Ok(values);
    }
    let telling: Kinds = TELLING.into_iter().collect();
    let about = snapshot.trail.about(Subject::User(user), Position::FIRST, Position::MAX);
    for (position, _) in about.filter(|(_, kinds)| kinds.meets(telling)) {
        let recorded = past.commit(tenant, position)?;
        for event in recorded.iter().flat_map(|recorded| &recorded.commit.events) {
            values.note_event(user, event);
        }
    }
    Ok(values)
}

/// The person whom a command erases.
pub(crate) fn erases(command: &Command) -> Option<UserId> {
    if let Command::EraseUser { user, .. } = command { Some(*user) } else { None }
}

/// Removes what the refusal journal says of a person, and sees to it that requests which are
/// under way add nothing. Their tenant's journal may name them, and that of the instance, which
/// has the paths that were tried without a good key. Answers how many entries went.
pub(crate) fn clean_journal(
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
