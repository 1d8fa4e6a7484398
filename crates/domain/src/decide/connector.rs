//! Connectors: how one comes to be, changes and goes.

use scim::Invalid;

use super::administration::{causes, check_name, missing, taken};
use super::credential::free_secret;
use super::ignored;
use super::sites;
use crate::command::{Decision, NewKey};
use crate::credential::Terms;
use crate::directory::Directory;
use crate::event::{ConnectorSettings, Event, Holder};
use crate::id::ConnectorId;
use crate::mapping;
use crate::origin::Source;
use crate::rejection::Rejection;

pub(super) fn add(
    directory: &Directory,
    connector: ConnectorId,
    name: String,
    settings: ConnectorSettings,
    key: Option<NewKey>,
) -> Result<Decision, Rejection> {
    check_name("connector", &name)?;
    check_address(&name)?;
    sites::check(directory, &settings)?;
    if directory.connectors.named(&name).is_some() {
        return Err(taken("connector", "name", name, "choose another name"));
    }
    let settings = checked(directory, settings)?;
    let mut events = vec![Event::ConnectorAdded { connector, name, settings }];
    if let Some(NewKey { credential, hash, hint, expires }) = key {
        let holder = Holder::Connector(connector);
        free_secret(directory, &hash, &hint)?;
        let terms = Terms::default();
        events.push(Event::CredentialIssued { credential, holder, hash, hint, expires, terms });
    }
    causes(events)
}

/// Settings are written as a whole, so whoever made them of others must not undo what somebody else changed meanwhile.
pub(super) fn change(
    directory: &Directory,
    connector: ConnectorId,
    settings: ConnectorSettings,
    from: Option<&ConnectorSettings>,
) -> Result<Decision, Rejection> {
    let settings = checked(directory, settings)?;
    let mut decision = Decision::default();
    match directory.connectors.present(connector) {
        Some(there) if there.settings == settings => {}
        Some(there) if from.is_some_and(|from| *from != there.settings) => {
            return Err(Rejection::Overtaken { kind: "connector", name: there.name.clone() });
        }
        Some(_) => {
            sites::check(directory, &settings)?;
            let settings = settings.clone();
            decision.events.push(Event::ConnectorChanged { connector, settings });
        }
        None => return Err(missing("connector", connector.to_string())),
    }
    ignored::settle(directory, connector, &settings, &mut decision);
    Ok(decision)
}

/// What stands in a path where a connector's name does, and is none: endpoints of the protocol (RFC 7644 §3.2, and those of
/// the draft of roles), and what a path means by dots (RFC 3986 §5.2.4).
const NOT_IN_PATHS: [&str; 12] = [
    "Users",
    "Groups",
    "Roles",
    "Entitlements",
    "Bulk",
    "Me",
    "Schemas",
    "ResourceTypes",
    "ServiceProviderConfig",
    ".search",
    ".",
    "..",
];

/// That a connector's own address, as in `/scim/acme/okta/v2`, leads to it and nowhere else.
fn check_address(name: &str) -> Result<(), Rejection> {
    let digits = name.strip_prefix('v').filter(|rest| !rest.is_empty());
    let is_version = digits.is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_digit()));
    if !is_version && !NOT_IN_PATHS.contains(&name) {
        return Ok(());
    }
    let detail = format!(
        "`{name}` is no name for a connector: in its address, `/scim/TENANT/{name}/v2`, it would mean something else; choose another, as `okta`"
    );
    Err(Invalid::value(detail).into())
}

/// The settings with the paths of their mapping as the tenant's schemas spell them.
fn checked(
    directory: &Directory,
    settings: ConnectorSettings,
) -> Result<ConnectorSettings, Rejection> {
    settings.include.check("include")?;
    settings.exclude.check("exclude")?;
    if settings.management_api && !settings.mapping.is_empty() {
        let detail = "`mapping` is for what identity providers write: a connector that opens the management API has none";
        return Err(Invalid::value(detail).into());
    }
    let mapping = mapping::checked(&settings.mapping, directory.schemas.catalogue().user())?;
    Ok(ConnectorSettings { mapping, ..settings })
}

/// A connector goes only when nothing would be left that nobody could change any more. Its keys end before it does.
pub(super) fn remove(directory: &Directory, connector: ConnectorId) -> Result<Decision, Rejection> {
    let Some(there) = directory.connectors.get(connector) else {
        return Err(missing("connector", connector.to_string()));
    };
    if there.removed.is_some() {
        return causes(vec![]);
    }
    let in_use =
        |by, remedy| Rejection::InUse { kind: "connector", name: there.name.clone(), by, remedy };
    if directory.ignored_by(Some(connector)).is_some_and(|ignored| !ignored.is_empty()) {
        return Err(in_use(LEFT_OUT, LET_IN));
    }
    if let Some(by) = stands_on(directory, connector) {
        return Err(in_use(
            by,
            "release what comes from it first, or disable the connector instead",
        ));
    }
    if directory.connectors.iter().count() == 1 {
        let remedy = "add the one that takes its place first, or disable it instead";
        return Err(in_use("the tenant, which has no other", remedy));
    }
    let own = directory.credentials.iter().filter(|c| c.holder == Holder::Connector(connector));
    let open = own.filter(|credential| credential.revoked.is_none());
    let mut events: Vec<_> =
        open.map(|key| Event::CredentialRevoked { credential: key.id }).collect();
    events.push(Event::ConnectorRemoved { connector });
    causes(events)
}

/// Left behind, they could neither be let in any more nor be taken away.
const LEFT_OUT: &str = "users or groups that its lists leave out, and that nobody else sees";
const LET_IN: &str = "empty its lists, so that they are let in, and release it then; whoever cannot be let in, since \
     somebody else is called so, has to be deleted by its client, or that other one renamed";

/// What comes from a connector. It looks at every user and membership: connectors are removed rarely.
fn stands_on(directory: &Directory, connector: ConnectorId) -> Option<&'static str> {
    let source = Source::Connector(connector);
    let mut users = directory.users.iter().chain(directory.ignored.users());
    let mut groups = directory.groups.iter().chain(directory.ignored.groups());
    if users.any(|user| {
        user.managed_by == Some(connector) || user.roles.iter().any(|role| role.source == source)
    }) {
        return Some("users whom it manages, or whose roles come from it");
    }
    if groups.any(|group| {
        group.managed_by == Some(connector)
            || directory.memberships_in(group).into_iter().any(|(_, from)| from == source)
            || directory.aside.of_group(group.id).any(|(_, from)| from == source)
    }) {
        return Some("groups that it manages, or whose members come from it");
    }
    None
}
