//! What a connector reads and writes back changes nothing, whoever else wrote, and whatever its mapping makes of it.

use domain::command::{Change, Command, Expected};
use domain::decide;
use domain::directory::{Connector, Directory, User};
use domain::event::Event;
use domain::id::CredentialId;
use domain::origin::Actor;
use domain::view::UserView;
use scim::{Attributes, Mode, Object, Value};
use uuid::Uuid;

use super::Simulation;

impl Simulation {
    /// Asked of every user and every connector that sees them; nothing is written.
    pub(super) fn check_echo(&self) -> Result<(), String> {
        for (_, snapshot) in self.engine()?.world().iter() {
            let directory = &snapshot.directory;
            for connector in directory.connectors.iter() {
                let all = directory.users.iter().chain(directory.ignored.users());
                for user in all.filter_map(|user| directory.user_seen(Some(connector.id), user.id))
                {
                    echo(directory, connector, user)?;
                }
            }
        }
        Ok(())
    }
}

fn echo(directory: &Directory, connector: &Connector, user: &User) -> Result<(), String> {
    // Another mapping than when it last wrote applies by its writing, also what it read.
    let written = user.written(Some(connector.id)).map(|written| written.mapping);
    let mapping = connector.mapped.filter(|_| !connector.settings.mapping.is_empty());
    // A PUT that does not say `active` may activate.
    if written != mapping || user.active_attribute().is_none() {
        return Ok(());
    }
    let view = UserView { user, directory, connector: Some(connector.id), base: "https://x.test" };
    let mut read = Object::default();
    if let Some(schemas) =
        view.attribute("schemas").and_then(|it| it.node().map(|it| it.to_value()))
    {
        read.set("schemas", schemas);
    }
    view.each(&mut |name, attribute| {
        if let Some(node) = attribute.node() {
            read.set(name, node.to_value());
        }
    });
    let with = scim::admit(
        &Value::Complex(read.clone()),
        directory.schemas.catalogue().user(),
        Mode::Lenient,
    )
    .map_err(|error| format!("what was read is not admitted: {error}: {read:?}"))?;
    let change = Change::Replace { with, expected: Expected::Any };
    let credential = CredentialId::new(Uuid::nil());
    let actor = Actor::Connector { id: connector.id, credential };
    // It may be switched off, or lack what a schema requires by now.
    let Ok(decision) = decide(directory, &actor, Command::User(user.id, change)) else {
        return Ok(());
    };
    // Lists that changed may still be moving users.
    let is_move =
        |event: &Event| matches!(event, Event::UserIgnored { .. } | Event::UserNoticed { .. });
    if decision.events.is_empty() || decision.events.iter().any(is_move) {
        return Ok(());
    }
    Err(format!(
        "what connector `{}` reads and writes back changes {:?}",
        connector.name, decision.events
    ))
}
