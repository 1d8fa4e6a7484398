//! On whose behalf a script says that it acts.

use domain::directory::{Directory, User};
use domain::id::UserId;
use domain::origin::Claimed;
use domain::personal::Personal;
use scim::{Invalid, Node, UserNameKey};

use super::Asked;
use crate::limits::CLAIMED_CHARS;
use crate::refused::Refused;

/// Whom the body names. `about` is the user whom the commit is about; without one, the words of somebody whom the tenant does
/// not know are not kept, for there is no key to seal them under.
pub(super) fn claimed(
    asked: &Asked<'_>,
    name: Option<String>,
    about: Option<UserId>,
) -> Result<Option<Claimed>, Refused> {
    let Some(text) = name.filter(|name| !name.trim().is_empty()) else { return Ok(None) };
    if text.chars().count() > CLAIMED_CHARS {
        let detail = format!("who acts is named with at most {CLAIMED_CHARS} characters");
        return Err(Invalid::value(detail).into());
    }
    let user = known(&asked.caller.snapshot.directory, &text).map(|user| user.id);
    let name = Personal::Known(text);
    let claimed = match (user, about) {
        (Some(user), _) => Some(Claimed::User { user, name }),
        (None, Some(about)) => Some(Claimed::Stranger { about, name }),
        (None, None) => None,
    };
    if claimed.is_none() {
        let what = "who acts was named, but is no user of this tenant: the name was not kept";
        asked.report(what.to_owned());
    }
    Ok(claimed)
}

/// The user with this `userName`, or the only one with this address.
fn known<'d>(directory: &'d Directory, text: &str) -> Option<&'d User> {
    let users = &directory.users;
    if let Some(user) = UserNameKey::of(text).ok().and_then(|key| users.named(&key)) {
        return Some(user);
    }
    let mut holders = users.with_email(text).filter(|user| has_address(user, text));
    holders.next().filter(|_| holders.next().is_none())
}

fn has_address(user: &User, text: &str) -> bool {
    let Some(Node::List(emails)) = user.attributes.view().get("emails") else { return false };
    let mut values = emails.iter().filter_map(|email| email.as_complex()?.get("value")?.as_str());
    values.any(|value| scim::fold(value) == scim::fold(text))
}
