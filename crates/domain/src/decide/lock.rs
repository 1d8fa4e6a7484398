//! Taking away a user's right to act, and giving it back, whatever their identity provider says.

use scim::Invalid;

use crate::command::Decision;
use crate::directory::{Directory, User};
use crate::event::Event;
use crate::id::UserId;
use crate::limits::REASON_CHARS;
use crate::personal::Personal;
use crate::rejection::Rejection;

/// Whoever is locked already stays locked for the reason that was given first.
pub(super) fn lock(
    directory: &Directory,
    user: UserId,
    reason: String,
) -> Result<Decision, Rejection> {
    let chars = reason.chars().count();
    if reason.trim().is_empty() || chars > REASON_CHARS || reason.chars().any(char::is_control) {
        let detail = format!("a lock needs a `reason`: 1 to {REASON_CHARS} characters in one line");
        return Err(Invalid::value(detail).into());
    }
    let there = find(directory, user)?;
    let mut decision = Decision::default();
    if there.lock.is_none() {
        decision.events.push(Event::UserLocked { user, reason: Personal::Known(reason) });
    }
    Ok(decision)
}

pub(super) fn unlock(directory: &Directory, user: UserId) -> Result<Decision, Rejection> {
    let there = find(directory, user)?;
    let mut decision = Decision::default();
    if there.lock.is_some() {
        decision.events.push(Event::UserUnlocked { user });
    }
    Ok(decision)
}

fn find(directory: &Directory, user: UserId) -> Result<&User, Rejection> {
    let missing = || Rejection::NotFound { kind: "user", id: user.to_string() };
    directory.users.get(user).ok_or_else(missing)
}
