//! What people name when they ask: users, groups, roles and the like, by name or by id, also those that are gone.

use domain::directory::{Credential, Directory};
use domain::event::{Holder, Subject};
use domain::id::{CredentialId, GroupId, PolicyId, RoleId, UserId};
use domain::snapshot::Snapshot;
use domain::trail::Maker;
use scim::UserNameKey;

/// A name or id that nothing of its kind has or ever had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no {kind} `{name}` and never was: {remedy}")]
pub struct Unknown {
    /// What was looked for, as in `user`.
    pub kind: &'static str,
    /// What it was called.
    pub name: String,
    /// What to do about it.
    remedy: &'static str,
}

fn unknown(kind: &'static str, name: &str, remedy: &'static str) -> Unknown {
    Unknown { kind, name: name.to_owned(), remedy }
}

/// That nobody is called so.
pub(crate) fn no_user(who: &str) -> Unknown {
    unknown("user", who, "give a userName in any case, or an id")
}

/// What was found, unless that is nothing.
fn some<T>(found: Vec<T>, none: impl FnOnce() -> Unknown) -> Result<Vec<T>, Unknown> {
    if found.is_empty() { Err(none()) } else { Ok(found) }
}

/// Everybody whom `who` names: by id, or by a `userName` that they have or once had. Several, when
/// a name was given up and taken again, oldest first.
///
/// # Errors
/// When it names nobody.
pub fn find_user(snapshot: &Snapshot, who: &str) -> Result<Vec<UserId>, Unknown> {
    if let Ok(id) = who.parse::<UserId>()
        && snapshot.trail.knows(Subject::User(id))
    {
        return Ok(vec![id]);
    }
    let key = UserNameKey::of(who);
    let directory = &snapshot.directory;
    let mut found = key.as_ref().map(|key| directory.users.ever_named(key)).unwrap_or_default();
    // Whom a connector's lists leave out is in the log all the same.
    found.extend(key.map(|key| directory.ignored.ever_named(&key)).unwrap_or_default());
    found.sort_unstable();
    found.dedup();
    some(found, || no_user(who))
}

/// Every group that `what` names: by id, or by a `displayName` that it has or once had, in any case.
///
/// # Errors
/// When it names none.
pub fn find_group(snapshot: &Snapshot, what: &str) -> Result<Vec<GroupId>, Unknown> {
    if let Ok(id) = what.parse::<GroupId>()
        && snapshot.trail.knows(Subject::Group(id))
    {
        return Ok(vec![id]);
    }
    some(snapshot.trail.groups_named(what), || {
        unknown("group", what, "give a displayName in any case, or an id")
    })
}

/// The role that `what` names: by id, or by its name, letter by letter. A role keeps its name, also when it is retired.
///
/// # Errors
/// When it names none.
pub fn find_role(snapshot: &Snapshot, what: &str) -> Result<RoleId, Unknown> {
    let roles = &snapshot.directory.roles;
    let by_id = || what.parse().ok().and_then(|id| roles.get(id));
    roles.named(what).or_else(by_id).map(|role| role.id).ok_or_else(|| {
        unknown(
            "role",
            what,
            "`rollbook role list` shows them all, names are compared letter by letter",
        )
    })
}

/// Every policy that `what` names: by id, or by a name that it has or had, in any case.
///
/// # Errors
/// When it names none.
pub fn find_policy(snapshot: &Snapshot, what: &str) -> Result<Vec<PolicyId>, Unknown> {
    if let Ok(id) = what.parse::<PolicyId>()
        && snapshot.trail.knows(Subject::Policy(id))
    {
        return Ok(vec![id]);
    }
    some(snapshot.trail.policies_named(what), || {
        unknown("policy", what, "give its name in any case, or its id")
    })
}

/// Every user, group or role that a policy may name and that `what` names: `user:jane`, `group:Sales`, `role:Admin`; without a
/// kind, a user.
///
/// # Errors
/// When it names none.
pub fn find_named(snapshot: &Snapshot, what: &str) -> Result<Vec<Subject>, Unknown> {
    let (kind, name) = what.split_once(':').unwrap_or(("user", what));
    match kind {
        "group" => Ok(find_group(snapshot, name)?.into_iter().map(Subject::Group).collect()),
        "role" => Ok(vec![Subject::Role(find_role(snapshot, name)?)]),
        "user" => Ok(find_user(snapshot, name)?.into_iter().map(Subject::User).collect()),
        // A name with a colon in it.
        _ => Ok(find_user(snapshot, what)?.into_iter().map(Subject::User).collect()),
    }
}

/// Every credential that `what` names: by id, or by its hint, the first characters of its secret, also when it is revoked.
///
/// # Errors
/// When it names none.
pub fn find_credential(snapshot: &Snapshot, what: &str) -> Result<Vec<CredentialId>, Unknown> {
    let credentials = &snapshot.directory.credentials;
    if let Some(credential) = what.parse().ok().and_then(|id| credentials.get(id)) {
        return Ok(vec![credential.id]);
    }
    let short = what.trim_end_matches(['…', '.']);
    let is_meant = |credential: &&Credential| {
        !short.is_empty() && credential.hint.trim_end_matches('…') == short
    };
    let found = credentials.iter().filter(is_meant).map(|credential| credential.id).collect();
    some(found, || {
        let remedy = "give its id or its hint: `rollbook credential list` shows both";
        unknown("credential", what, remedy)
    })
}

/// The credentials that someone holds or held, by id.
pub(crate) fn held_by(directory: &Directory, holder: Holder) -> impl Iterator<Item = CredentialId> {
    directory.credentials.iter().filter(move |c| c.holder == holder).map(|c| c.id)
}

/// The connector that `what` names: by name, letter by letter, or by id.
///
/// # Errors
/// When it names none.
pub fn find_connector(snapshot: &Snapshot, what: &str) -> Result<domain::id::ConnectorId, Unknown> {
    let connectors = &snapshot.directory.connectors;
    let by_id = || what.parse().ok().and_then(|id| connectors.get(id));
    connectors
        .named(what)
        .or_else(|| connectors.once_named(what))
        .or_else(by_id)
        .map(|connector| connector.id)
        .ok_or_else(|| unknown("connector", what, "`rollbook connector list` shows them all"))
}

/// Whoever makes commits and is called so: a connector of the tenant, an operator, or `system`. Both, where a
/// connector and an operator share a name: `connector:NAME` and `operator:NAME` tell them apart.
///
/// # Errors
/// When nobody is.
pub fn find_makers(
    snapshot: &Snapshot,
    system: Option<&Directory>,
    who: &str,
) -> Result<Vec<Maker>, Unknown> {
    let (kind, name) = match who.split_once(':') {
        Some(("connector", name)) => (Some("connector"), name),
        Some(("operator", name)) => (Some("operator"), name),
        Some(_) | None => (None, who),
    };
    let mut found = Vec::new();
    if who == "system" {
        found.push(Maker::System);
    }
    if kind != Some("operator") {
        found.extend(find_connector(snapshot, name).ok().map(Maker::Connector));
    }
    if kind != Some("connector") {
        let operators = system.into_iter().flat_map(|system| system.operators.iter());
        let operators = operators.filter(|one| one.name == name || one.id.to_string() == name);
        found.extend(operators.map(|operator| Maker::Operator(operator.id)));
    }
    some(found, || {
        let remedy = "give the name or id of a connector or an operator, or `system`; `okta` and `owner` are the first of them";
        unknown("actor", who, remedy)
    })
}
