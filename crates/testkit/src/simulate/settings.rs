//! Settings of every kind for the connectors of a simulated tenant, and spare connectors that come and go.

use domain::command::Command;
use domain::directory::Directory;
use domain::event::{ConnectorSettings, Mode, RoleCatalogue, UnknownMembers};
use domain::id::ConnectorId;
use domain::settings::{OnDeactivate, OnDelete, OnReactivate, Permission, PutWithoutActive};
use rand::seq::IndexedRandom;
use rand::{Rng, RngExt};

/// One of these.
fn one<T: Copy + Default>(rng: &mut impl Rng, of: &[T]) -> T {
    of.choose(rng).copied().unwrap_or_default()
}

/// Other settings than those that are there. What shuts a client out is rare, so that something happens all the same.
pub(super) fn some(rng: &mut impl Rng, there: ConnectorSettings) -> ConnectorSettings {
    let mut permissions: Vec<Permission> = Permission::ALL.to_vec();
    if rng.random_ratio(1, 6) {
        permissions.retain(|_| rng.random_bool(0.7));
    }
    ConnectorSettings {
        mode: one(rng, &[Mode::Strict, Mode::Lenient, Mode::Interop]),
        catalogue: one(rng, &[RoleCatalogue::None, RoleCatalogue::Draft, RoleCatalogue::Okta]),
        empty_unassigns: rng.random_bool(0.5),
        unknown_members: one(rng, &[UnknownMembers::Report, UnknownMembers::Refuse]),
        enabled: !rng.random_ratio(1, 8),
        permissions: permissions.into_iter().collect(),
        on_deactivate: one(rng, &[OnDeactivate::KeepGroups, OnDeactivate::LeaveGroups]),
        on_reactivate: one(rng, &[OnReactivate::Nothing, OnReactivate::RestoreGroups]),
        on_delete: one(
            rng,
            &[OnDelete::Delete, OnDelete::Delete, OnDelete::Deactivate, OnDelete::Refuse],
        ),
        put_without_active: one(rng, &[PutWithoutActive::Keep, PutWithoutActive::Activate]),
        attribute_only: rng.random_ratio(1, 12),
        ..there
    }
}

/// One of the connectors that come and go, now and then.
pub(super) fn some_spare(rng: &mut impl Rng, directory: &Directory) -> Option<ConnectorId> {
    let spare = directory.connectors.iter().filter(|one| one.name.starts_with("spare"));
    let spare: Vec<ConnectorId> = spare.map(|one| one.id).collect();
    spare.choose(rng).copied().filter(|_| rng.random_ratio(1, 6))
}

/// Adds a connector, or removes one that nothing comes from any more.
pub(super) fn spare(rng: &mut impl Rng, directory: &Directory, id: ConnectorId) -> Command {
    let spare = directory.connectors.iter().filter(|one| one.name.starts_with("spare"));
    let spare: Vec<ConnectorId> = spare.map(|one| one.id).collect();
    match spare.choose(rng) {
        Some(connector) if rng.random_bool(0.5) => {
            Command::RemoveConnector { connector: *connector }
        }
        Some(_) | None => Command::AddConnector {
            connector: id,
            name: format!("spare-{}", rng.random_range(0..3)),
            settings: some(rng, ConnectorSettings::new("generic", Mode::Lenient)),
            key: None,
        },
    }
}
