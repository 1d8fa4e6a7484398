//! Lists of what an operator sets up, the same out of a data folder and over HTTP.

use domain::directory::{Directory, TenantState};
use domain::event::{EventKind, Subject};
use domain::id::{GroupId, RoleId, RuleId, TenantId};
use domain::position::Position;
use domain::snapshot::Snapshot;
use domain::time::Timestamp;
use domain::trail::Kinds;
use engine::World;
use serde::{Deserialize, Serialize};

/// A role in the list of a tenant's roles.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ListedRole {
    /// The role.
    pub id: RoleId,
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// Whether it is assigned no more.
    pub retired: bool,
}

/// A tenant in the list of an instance's tenants.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ListedTenant {
    /// The tenant.
    pub id: TenantId,
    /// Its slug.
    pub slug: String,
    /// What people call it now; of the past it is not told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// `open`, `suspended` or `closed`.
    pub state: String,
    /// When it was opened.
    pub opened: Timestamp,
}

/// A rule in the list of a tenant's rules.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ListedRule {
    /// The rule.
    pub id: RuleId,
    /// Whose members have the role.
    pub group: GroupId,
    /// The group's name.
    pub group_name: Option<String>,
    /// The role's name.
    pub role: Option<String>,
    /// When the rule was added.
    pub added: Timestamp,
    /// Where in the log.
    pub position: Position,
}

/// The roles, oldest first, also those that are retired.
pub fn roles(directory: &Directory) -> Vec<ListedRole> {
    let listed = directory.roles.iter().map(|role| ListedRole {
        id: role.id,
        name: role.name.clone(),
        description: role.description.clone(),
        retired: role.retired,
    });
    listed.collect()
}

/// The tenants that `system`, the instance's own directory, knows, by slug; as they are now, or as they stood at a time,
/// of which each tenant's trail knows without its log being read.
pub fn tenants(world: &World, system: &Directory, at: Option<Timestamp>) -> Vec<ListedTenant> {
    let listed = system.tenants.iter().map(|tenant| {
        let now = world.get(tenant.id);
        let (state, title) = match (now, at) {
            (Some(now), None) => {
                let standing = &now.directory.standing;
                (standing.state.name(), Some(standing.title.clone()))
            }
            (Some(now), Some(at)) => (state_at(now, tenant.id, at), None),
            // It was opened since `world` was taken.
            (None, _) => (TenantState::Open.name(), None),
        };
        ListedTenant {
            id: tenant.id,
            slug: tenant.slug.clone(),
            title: title.filter(|title| !title.is_empty()),
            state: state.to_owned(),
            opened: tenant.opened.at,
        }
    });
    listed.collect()
}

/// How a tenant stood at a time.
fn state_at(now: &Snapshot, tenant: TenantId, at: Timestamp) -> &'static str {
    const NAMES: [(EventKind, &str); 4] = [
        (EventKind::TenantOpened, "open"),
        (EventKind::TenantSuspended, "suspended"),
        (EventKind::TenantResumed, "open"),
        (EventKind::TenantClosed, "closed"),
    ];
    let Some(last) = now.trail.at(at) else { return TenantState::Open.name() };
    let touched = now.trail.about(Subject::Tenant(tenant), Position::FIRST, last);
    let named = |(_, kinds): (Position, Kinds)| {
        NAMES.iter().find(|(kind, _)| kinds.has(*kind)).map(|(_, name)| *name)
    };
    touched.filter_map(named).next_back().unwrap_or(TenantState::Open.name())
}

/// The rules, oldest first.
pub fn rules(directory: &Directory) -> Vec<ListedRule> {
    let listed = directory.rules.iter().map(|rule| ListedRule {
        id: rule.id,
        group: rule.group,
        group_name: directory.groups.get(rule.group).map(|group| group.display_name.to_string()),
        role: directory.roles.get(rule.role).map(|role| role.name.clone()),
        added: rule.added.at,
        position: rule.added.position,
    });
    listed.collect()
}
