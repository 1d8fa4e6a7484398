//! Where logs end, and what their directories come to: the lines that prove that two are the same.

use domain::id::TenantId;
use domain::position::Position;
use domain::snapshot::Snapshot;
use engine::World;
use serde_json::{Value, json};

use crate::terminal::say;

/// What the instance's own log is called.
pub(crate) const SYSTEM: &str = "_system";

/// What a tenant is called.
pub(crate) fn name(id: TenantId, snapshot: &Snapshot) -> String {
    if id == TenantId::SYSTEM {
        return SYSTEM.to_owned();
    }
    let opened = snapshot.directory.tenant.as_ref();
    opened.map_or_else(|| id.to_string(), |tenant| tenant.slug.clone())
}

/// Where each tenant's log ends, and what its directory comes to.
pub(crate) fn show(world: &World) {
    for (id, snapshot) in world.iter() {
        let position = snapshot.head.position.map_or(0, Position::get);
        say(format!("\n{}", name(id, snapshot)));
        say(format!("  position        {position}"));
        say(format!("  head hash       {}", snapshot.head.hash));
        say(format!("  directory hash  {}", eventlog::fingerprint(&snapshot.directory)));
    }
}

/// As [`show`], for programs.
pub(crate) fn list(world: &World) -> Value {
    let tenants = world.iter().map(|(id, snapshot)| {
        json!({
            "tenant": name(id, snapshot),
            "position": snapshot.head.position,
            "headHash": snapshot.head.hash,
            "directoryHash": eventlog::fingerprint(&snapshot.directory),
        })
    });
    tenants.collect()
}

/// Commits of all logs together.
pub(crate) fn commits(world: &World) -> u64 {
    let positions = world.iter().filter_map(|(_, snapshot)| snapshot.head.position);
    positions.map(Position::get).sum()
}
