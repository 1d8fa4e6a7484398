//! Users as people name them.

use domain::directory::Directory;
use domain::event::Subject;
use domain::id::UserId;
use domain::snapshot::Snapshot;
use domain::trail::Maker;
use scim::UserNameKey;

/// A name or id that nobody has or ever had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no user `{0}` and never was: give a userName in any case, or an id")]
pub struct Unknown(pub String);

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
    let found = by_name(&snapshot.directory, who);
    if found.is_empty() { Err(Unknown(who.to_owned())) } else { Ok(found) }
}

fn by_name(directory: &Directory, who: &str) -> Vec<UserId> {
    UserNameKey::of(who).map(|key| directory.users.ever_named(&key)).unwrap_or_default()
}

/// Whoever makes commits and is called so: a connector of the tenant, an operator, or `system`.
///
/// # Errors
/// When nobody is.
pub fn find_maker(
    directory: &Directory,
    system: Option<&Directory>,
    who: &str,
) -> Result<Maker, NoMaker> {
    if who == "system" {
        return Ok(Maker::System);
    }
    if let Some(connector) = directory.connectors.named(who) {
        return Ok(Maker::Connector(connector.id));
    }
    let operators = system.into_iter().flat_map(|system| system.operators.iter());
    let operator = operators.into_iter().find(|operator| operator.name == who);
    operator.map(|operator| Maker::Operator(operator.id)).ok_or_else(|| NoMaker(who.to_owned()))
}

/// A name that no connector and no operator has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no connector and no operator `{0}`; `okta` and `owner` are the first of them")]
pub struct NoMaker(String);
