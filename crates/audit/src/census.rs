//! Who is in a tenant: its users and groups, oldest first, in pages, narrowed by their names, by who manages them and by whether they
//! may act. The same out of a data folder and over HTTP.

use std::str::FromStr;

use domain::directory::{Directory, Group, User};
use domain::id::{ConnectorId, GroupId, UserId};
use domain::position::Position;
use domain::time::Timestamp;
use scim::Invalid;
use serde::{Deserialize, Serialize};

/// A user on a list.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ListedUser {
    /// The user.
    pub id: UserId,
    /// Who signs on.
    pub user_name: String,
    /// What they are shown as, given or derived; null: nothing says it.
    pub display_name: Option<String>,
    /// The primary mail address, else the first, else a `userName` that looks like one.
    pub email: Option<String>,
    /// `active`, `inactive` or `locked`.
    pub state: UserState,
    /// The name of the connector that manages them; null: managed here.
    pub managed_by: Option<String>,
    /// When they came to be.
    pub created: Timestamp,
    /// When they last changed.
    pub modified: Timestamp,
    /// Where in the log that was.
    pub position: Position,
}

/// A group on a list.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ListedGroup {
    /// The group.
    pub id: GroupId,
    /// Its name.
    pub display_name: String,
    /// How many are in it themselves: users and groups.
    pub members: usize,
    /// The name of the connector that manages it; null: managed here.
    pub managed_by: Option<String>,
    /// When it came to be.
    pub created: Timestamp,
    /// When it last changed.
    pub modified: Timestamp,
    /// Where in the log that was.
    pub position: Position,
}

/// A page of users or groups.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Census<T> {
    /// How many there are that fit, on all pages.
    pub total: usize,
    /// They, from the first that was asked for on.
    pub listed: Vec<T>,
}

/// Whether a user may act.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum UserState {
    /// They may.
    Active,
    /// Their identity provider, or whoever manages them here, says that they may not.
    Inactive,
    /// An operator locked them, whatever else is said of them.
    Locked,
}

impl UserState {
    /// Of this user.
    pub const fn of(user: &User) -> UserState {
        match (&user.lock, user.active) {
            (Some(_), _) => UserState::Locked,
            (None, true) => UserState::Active,
            (None, false) => UserState::Inactive,
        }
    }

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            UserState::Active => "active",
            UserState::Inactive => "inactive",
            UserState::Locked => "locked",
        }
    }
}

impl FromStr for UserState {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let all = [UserState::Active, UserState::Inactive, UserState::Locked];
        all.into_iter().find(|state| state.name() == text).ok_or_else(|| {
            let detail = format!("`{text}` is no state: give `active`, `inactive` or `locked`");
            Invalid::value(detail)
        })
    }
}

/// Which users or groups are wanted; by default all.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Sought {
    /// A part of what they are called, in any case.
    pub name: Option<String>,
    /// The name of the connector that manages them; `here`: none does.
    pub managed_by: Option<String>,
    /// Whether they may act; of users alone.
    pub state: Option<UserState>,
}

/// What [`Sought::managed_by`] says of who is managed here, unless a connector is called so.
pub const HERE: &str = "here";

/// Those users of a tenant, `count` at most, without the first `skip`.
///
/// # Errors
/// No connector is called so.
pub fn users(
    directory: &Directory,
    sought: &Sought,
    skip: usize,
    count: usize,
) -> Result<Census<ListedUser>, Invalid> {
    let fits = Fits::of(directory, sought)?;
    let all = directory.users.iter().filter(|user| {
        fits.manager(user.managed_by)
            && sought.state.is_none_or(|state| state == UserState::of(user))
            && (fits.name(&user.user_name)
                || user.display_name(None).is_some_and(|shown| fits.name(&shown)))
    });
    Ok(page(all, skip, count, |user| ListedUser {
        id: user.id,
        user_name: user.user_name.to_string(),
        display_name: user.display_name(None),
        email: user.email().map(str::to_owned),
        state: UserState::of(user),
        managed_by: named(directory, user.managed_by),
        created: user.created.at,
        modified: user.modified.at,
        position: user.modified.position,
    }))
}

/// Those groups of a tenant, `count` at most, without the first `skip`.
///
/// # Errors
/// No connector is called so.
pub fn groups(
    directory: &Directory,
    sought: &Sought,
    skip: usize,
    count: usize,
) -> Result<Census<ListedGroup>, Invalid> {
    let fits = Fits::of(directory, sought)?;
    let all = directory
        .groups
        .iter()
        .filter(|group| fits.manager(group.managed_by) && fits.name(&group.display_name));
    Ok(page(all, skip, count, |group: &Group| ListedGroup {
        id: group.id,
        display_name: group.display_name.to_string(),
        members: group.members().count(),
        managed_by: named(directory, group.managed_by),
        created: group.created.at,
        modified: group.modified.at,
        position: group.modified.position,
    }))
}

fn page<T, L>(
    all: impl Iterator<Item = T>,
    skip: usize,
    count: usize,
    listed: impl Fn(T) -> L,
) -> Census<L> {
    let mut census = Census { total: 0, listed: Vec::new() };
    for one in all {
        if census.total >= skip && census.listed.len() < count {
            census.listed.push(listed(one));
        }
        census.total += 1;
    }
    census
}

/// What somebody must be to be listed, made ready to be compared with many.
struct Fits {
    name: Option<String>,
    manager: Option<Option<ConnectorId>>,
}

impl Fits {
    fn of(directory: &Directory, sought: &Sought) -> Result<Fits, Invalid> {
        let manager = match sought.managed_by.as_deref() {
            None => None,
            Some(name) => match directory.connectors.named(name) {
                Some(connector) => Some(Some(connector.id)),
                None if name == HERE => Some(None),
                None => {
                    return Err(Invalid::value(format!(
                        "there is no connector `{name}`: give one that is there, or `{HERE}`"
                    )));
                }
            },
        };
        Ok(Fits { name: sought.name.as_deref().map(|part| scim::fold(part).into_owned()), manager })
    }

    fn name(&self, name: &str) -> bool {
        self.name.as_deref().is_none_or(|part| scim::fold(name).contains(part))
    }

    fn manager(&self, managed_by: Option<ConnectorId>) -> bool {
        self.manager.is_none_or(|manager| manager == managed_by)
    }
}

fn named(directory: &Directory, connector: Option<ConnectorId>) -> Option<String> {
    let connector = directory.connectors.get(connector?)?;
    Some(connector.name.clone())
}
