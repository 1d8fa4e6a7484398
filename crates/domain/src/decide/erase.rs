//! What it takes to forget a person.

use scim::Invalid;

use crate::command::Decision;
use crate::directory::{Directory, User};
use crate::erasure::{PersonValues, telling};
use crate::event::Event;
use crate::id::UserId;
use crate::limits::REASON_CHARS;
use crate::rejection::Rejection;

/// Who is still there is deleted first, in the same commit.
pub(super) fn decide(
    directory: &Directory,
    user: UserId,
    reason: String,
) -> Result<Decision, Rejection> {
    if directory.users.is_erased(user) {
        return Ok(Decision::default());
    }
    let there = directory.users.get(user).or_else(|| directory.ignored.user(user));
    let was_ignored = || directory.ignored.former_names(user).next().is_some();
    if there.is_none() && !directory.users.is_gone(user) && !was_ignored() {
        return Err(Rejection::NotFound { kind: "user", id: user.to_string() });
    }
    check_reason(directory, user, there, &reason)?;
    let mut events = there.map(|user| super::user::delete(directory, user)).unwrap_or_default();
    events.push(Event::UserErased { user, reason });
    Ok(Decision { events, ..Decision::default() })
}

/// The reason outlives the person, so it may not say who they were: as far as the directory knows.
/// Whoever asks has the log as well, and looks there first.
fn check_reason(
    directory: &Directory,
    user: UserId,
    there: Option<&User>,
    reason: &str,
) -> Result<(), Rejection> {
    let fits = !reason.trim().is_empty()
        && reason.chars().count() <= REASON_CHARS
        && !reason.chars().any(char::is_control);
    if !fits {
        let detail = format!(
            "an erasure needs a reason of 1 to {REASON_CHARS} characters in one line, as the number of the request"
        );
        return Err(Invalid::value(detail).into());
    }
    let mut values = PersonValues::default();
    let former = directory.users.former_names(user).chain(directory.ignored.former_names(user));
    former.for_each(|name| values.note(name.as_str()));
    if let Some(user) = there {
        values.note_user(user);
    }
    if values.are_named_in(reason) {
        return Err(telling().into());
    }
    Ok(())
}
