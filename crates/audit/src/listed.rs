//! Lists of what an operator sets up, the same out of a data folder and over HTTP.

use domain::directory::Directory;
use domain::id::{GroupId, RoleId, RuleId};
use domain::position::Position;
use domain::time::Timestamp;
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
