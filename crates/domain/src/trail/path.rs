//! Attributes, as people name them when they ask what changed.

use std::fmt;
use std::str::FromStr;

use crate::event::EventKind;
use crate::trail::Kinds;

/// The URNs of the schemas whose attributes stand in events without a URN (RFC 7643 §4).
const CORE: [&str; 2] =
    ["urn:ietf:params:scim:schemas:core:2.0:user:", "urn:ietf:params:scim:schemas:core:2.0:group:"];

/// An attribute: `title`, `name.givenName`, `name` with all that is in it, or one of an extension, with its URN
/// (`urn:…:User:department`), without (`department`), or the URN alone.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct AttributePath(
    // INVARIANT (folded): in lower case, without a core schema's URN.
    String,
);

/// Text that names no attribute.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no attribute: write it like `title`, `name.givenName` or `urn:…:User:department`, without a filter"
)]
pub struct NotAnAttribute(String);

impl FromStr for AttributePath {
    type Err = NotAnAttribute;

    /// Names of attributes are the same in any case (RFC 7643 §2.1).
    fn from_str(text: &str) -> Result<Self, NotAnAttribute> {
        let is_part =
            |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | ':' | '-' | '_' | '$');
        let folded = text.to_ascii_lowercase();
        let path = CORE.iter().find_map(|urn| folded.strip_prefix(urn)).unwrap_or(&folded);
        if path.is_empty() || !path.chars().all(is_part) {
            return Err(NotAnAttribute(text.to_owned()));
        }
        Ok(Self(path.to_owned()))
    }
}

impl fmt::Display for AttributePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl AttributePath {
    /// Whether a change at `path`, as an event has it, is one of this attribute: at it, inside it, or of what the log
    /// has only as a whole and it is a part of (`emails` for `emails.value`).
    pub fn covers(&self, path: &str) -> bool {
        let path = path.to_ascii_lowercase();
        let inside = |inner: &str, outer: &str| {
            inner
                .strip_prefix(outer)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', ':']))
        };
        if inside(&path, &self.0) || inside(&self.0, &path) {
            return true;
        }
        let short = path.rsplit_once(':').map_or("", |(_, short)| short);
        !short.is_empty() && (inside(short, &self.0) || inside(&self.0, short))
    }

    /// The kinds of events that change this attribute without naming it: those that carry a rule of their own.
    pub fn lifted(&self) -> Kinds {
        let kinds: &[EventKind] = match self.0.split('.').next().unwrap_or_default() {
            "username" => &[EventKind::UserRenamed],
            "active" => &[EventKind::UserActivated, EventKind::UserDeactivated],
            "roles" => &[EventKind::RoleAssigned, EventKind::RoleRevoked],
            "displayname" => &[EventKind::GroupRenamed],
            "members" => &[EventKind::GroupMemberAdded, EventKind::GroupMemberRemoved],
            _ => &[],
        };
        kinds.iter().copied().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

    fn check(asked: &str, covered: &[&str], others: &[&str]) {
        let path: AttributePath = asked.parse().unwrap();
        for there in covered {
            assert!(path.covers(there), "{asked} does not cover {there}");
        }
        for there in others {
            assert!(!path.covers(there), "{asked} covers {there}");
        }
    }

    #[test]
    fn an_attribute_covers_what_is_in_it() {
        let department = format!("{ENTERPRISE}:department");
        check("TITLE", &["title"], &["titles", "subtitle", "name.title"]);
        check("name", &["name.givenName", "name"], &["nameless", "nickName"]);
        check("name.givenName", &["name.givenName"], &["name.familyName"]);
        check("emails.value", &["emails"], &["phoneNumbers"]);
        check("urn:ietf:params:scim:schemas:core:2.0:User:title", &["title"], &["name.title"]);
        check(&department, &[&department], &["department", &format!("{ENTERPRISE}:division")]);
        check("department", &[&department], &[&format!("{ENTERPRISE}:departmentNumber")]);
        check(ENTERPRISE, &[&department], &["title"]);
        check("manager.value", &[&format!("{ENTERPRISE}:manager")], &[&department]);
        for wrong in
            ["", "emails[type eq \"work\"]", "a b", "urn:ietf:params:scim:schemas:core:2.0:User:"]
        {
            assert!(wrong.parse::<AttributePath>().is_err(), "{wrong}");
        }
    }
}
