//! Connectors: how one comes to be and changes.

use super::administration::{causes, check_name, missing, taken};
use super::credential::free_secret;
use super::sites;
use crate::command::{Decision, NewKey};
use crate::credential::Terms;
use crate::directory::Directory;
use crate::event::{ConnectorSettings, Event, Holder};
use crate::id::ConnectorId;
use crate::rejection::Rejection;

pub(super) fn add(
    directory: &Directory,
    connector: ConnectorId,
    name: String,
    settings: ConnectorSettings,
    key: Option<NewKey>,
) -> Result<Decision, Rejection> {
    check_name("connector", &name)?;
    sites::check(directory, &settings)?;
    if directory.connectors.named(&name).is_some() {
        return Err(taken("connector", "name", name, "choose another name"));
    }
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
    match directory.connectors.get(connector) {
        Some(there) if there.settings == settings => causes(vec![]),
        Some(there) if from.is_some_and(|from| *from != there.settings) => {
            Err(Rejection::Overtaken { kind: "connector", name: there.name.clone() })
        }
        Some(_) => {
            sites::check(directory, &settings)?;
            causes(vec![Event::ConnectorChanged { connector, settings }])
        }
        None => Err(missing("connector", connector.to_string())),
    }
}
