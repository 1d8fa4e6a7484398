//! Lists of what an operator sets up, the same out of a data folder and over HTTP.

use domain::credential::{CredentialKind, Scopes};
use domain::directory::{Credential, Directory, Operator, Stamp, TenantState};
use domain::event::{EventKind, Holder, OperatorRole, Subject};
use domain::id::{CredentialId, GroupId, OperatorId, RoleId, RuleId, TenantId};
use domain::position::Position;
use domain::snapshot::Snapshot;
use domain::time::Timestamp;
use domain::trail::Kinds;
use engine::World;
use serde::{Deserialize, Serialize};

use crate::show::{Key, made};

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

/// An operator in the list of an instance's operators.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ListedOperator {
    /// The operator.
    pub id: OperatorId,
    /// What people call them.
    pub name: String,
    /// What they may do.
    pub role: OperatorRole,
    /// When they were added.
    pub added: Timestamp,
    /// When they were removed; null: they are there.
    pub removed: Option<Timestamp>,
    /// Their keys.
    pub keys: Vec<Key>,
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

/// A user or group in the list of those that a connector's lists leave out.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ListedIgnored {
    /// `user` or `group`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its id.
    pub id: String,
    /// Its `userName` or `displayName`.
    pub name: String,
    /// When it came to be.
    pub created: Timestamp,
    /// When it last changed, or moved.
    pub modified: Timestamp,
    /// Where in the log that was.
    pub position: Position,
}

/// Those that a connector's lists leave out, as many as are asked for: users, then groups, oldest first.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Ignored {
    /// The connector's name.
    pub connector: String,
    /// How many users there are.
    pub users: usize,
    /// How many groups there are.
    pub groups: usize,
    /// They, from the first that was asked for on.
    pub ignored: Vec<ListedIgnored>,
}

/// Those that the lists of the connector with this name leave out, `count` at most, without the first `skip`. None: there is
/// no such connector.
pub fn ignored(directory: &Directory, name: &str, skip: usize, count: usize) -> Option<Ignored> {
    let by_id = || name.parse().ok().and_then(|id| directory.connectors.get(id));
    let connector = directory.connectors.named(name).or_else(by_id)?;
    let ignored = directory.ignored_by(Some(connector.id));
    let listed =
        |kind: &str, id: String, name: &str, created: Stamp, modified: Stamp| ListedIgnored {
            kind: kind.to_owned(),
            id,
            name: name.to_owned(),
            created: created.at,
            modified: modified.at,
            position: modified.position,
        };
    let users = ignored.map_or(0, |ignored| ignored.users.len());
    let of_users = ignored.into_iter().flat_map(|ignored| ignored.users.from(skip));
    let of_groups =
        ignored.into_iter().flat_map(|ignored| ignored.groups.from(skip.saturating_sub(users)));
    let of_users = of_users
        .map(|one| listed("user", one.id.to_string(), &one.user_name, one.created, one.modified));
    let of_groups = of_groups.map(|one| {
        listed("group", one.id.to_string(), &one.display_name, one.created, one.modified)
    });
    Some(Ignored {
        connector: connector.name.clone(),
        users,
        groups: ignored.map_or(0, |ignored| ignored.groups.len()),
        ignored: of_users.chain(of_groups).take(count).collect(),
    })
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

/// The operators that `system`, the instance's own directory, knows, also those who were removed. `used` says when a key was
/// last used, which the directory does not know.
pub fn operators(
    system: &Directory,
    used: impl Fn(CredentialId) -> Option<Timestamp>,
) -> Vec<ListedOperator> {
    let listed = system.operators.iter().map(|operator| {
        let Operator { id, name, added, role, removed } = operator;
        let own = |key: &&Credential| key.holder == Holder::Operator(*id);
        ListedOperator {
            id: *id,
            name: name.clone(),
            role: *role,
            added: added.at,
            removed: removed.map(|stamp| stamp.at),
            keys: system
                .credentials
                .iter()
                .filter(own)
                .map(|key| Key { last_used: used(key.id), ..made::key(key) })
                .collect(),
        }
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

/// A credential in the list of a tenant's credentials; never its secret, nor what it is known by.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ListedCredential {
    /// The credential.
    pub id: CredentialId,
    /// What kind of credential it is.
    #[serde(default)]
    pub kind: CredentialKind,
    /// What tells it from others: a secret's first characters, a user name, or a public key's name.
    pub hint: String,
    /// The name of the connector whose client shows it.
    pub connector: Option<String>,
    /// The name of the user who shows it.
    pub user: Option<String>,
    /// What it opens; null: everything that its holder may.
    pub scopes: Option<Scopes>,
    /// When it was issued.
    pub issued: Timestamp,
    /// When it was last shown, to within seconds; null: not yet, or it is not known.
    pub last_used: Option<Timestamp>,
    /// When it ends by itself; null: never.
    pub expires: Option<Timestamp>,
    /// When it was revoked; null: it was not.
    pub revoked: Option<Timestamp>,
    /// The credential that it was issued in place of.
    pub replaces: Option<CredentialId>,
}

/// The credentials, oldest first, also those that open nothing any more. `used` says when one was last shown.
pub fn credentials(
    directory: &Directory,
    used: impl Fn(&Credential) -> Option<Timestamp>,
) -> Vec<ListedCredential> {
    let listed = directory.credentials.iter().map(|credential| {
        let (connector, user) = match credential.holder {
            Holder::Connector(id) => (directory.connectors.get(id).map(|c| c.name.clone()), None),
            Holder::User(id) => {
                (None, directory.users.get(id).map(|user| user.user_name.to_string()))
            }
            Holder::Operator(_) => (None, None),
        };
        ListedCredential {
            id: credential.id,
            kind: credential.kind(),
            hint: credential.hint.clone(),
            connector,
            user,
            scopes: credential.scopes.clone(),
            issued: credential.issued.at,
            last_used: used(credential),
            expires: credential.expires,
            revoked: credential.revoked.map(|revoked| revoked.at),
            replaces: credential.replaces,
        }
    });
    listed.collect()
}
