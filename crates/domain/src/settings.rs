//! What a connector may do, and what comes of it: the settings that are sets and choices.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::event::ConnectorSettings;

/// A workflow that the administrator of an identity provider can switch on or off (behaviour C-05).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub enum Permission {
    /// Users come to be.
    CreateUsers,
    /// Names, attributes and roles of users change.
    UpdateUsers,
    /// Users lose the right to act, get it back, or are deleted.
    DeactivateUsers,
    /// Groups and who is in them are written.
    PushGroups,
}

impl Permission {
    /// All of them.
    pub const ALL: [Permission; 4] =
        [Self::CreateUsers, Self::UpdateUsers, Self::DeactivateUsers, Self::PushGroups];

    /// Its name in settings.
    pub const fn name(self) -> &'static str {
        match self {
            Self::CreateUsers => "createUsers",
            Self::UpdateUsers => "updateUsers",
            Self::DeactivateUsers => "deactivateUsers",
            Self::PushGroups => "pushGroups",
        }
    }
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The workflows that a connector may carry out; all of them unless an operator says otherwise.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct Permissions(BTreeSet<Permission>);

impl Default for Permissions {
    fn default() -> Self {
        Permission::ALL.into_iter().collect()
    }
}

impl FromIterator<Permission> for Permissions {
    fn from_iter<I: IntoIterator<Item = Permission>>(permissions: I) -> Self {
        Self(permissions.into_iter().collect())
    }
}

impl Permissions {
    /// Whether this one is among them.
    pub fn has(&self, permission: Permission) -> bool {
        self.0.contains(&permission)
    }

    /// Those that are among them, in a fixed order.
    pub fn iter(&self) -> impl Iterator<Item = Permission> + '_ {
        self.0.iter().copied()
    }
}

/// What becomes of a user's memberships when the connector deactivates them (behaviour P-07).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum OnDeactivate {
    /// Nothing: RFC 7643 §4.1.1 gives `active` no such effect.
    #[default]
    KeepGroups,
    /// All of them end, in the same commit.
    LeaveGroups,
}

/// What becomes of the memberships that a deactivation ended when the connector reactivates the user.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum OnReactivate {
    /// Nothing: the identity provider writes them again.
    #[default]
    Nothing,
    /// They come back, but for those whose group is gone or whose source took them back meanwhile.
    RestoreGroups,
}

/// What a connector's DELETE of a user does (behaviour P-09).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum OnDelete {
    /// It deletes.
    #[default]
    Delete,
    /// It deactivates; an operator deletes.
    Deactivate,
    /// Nothing is deleted by the connector. Of somebody who is inactive already it is granted without effect.
    Refuse,
}

/// What a PUT without `active` means (behaviour P-16).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum PutWithoutActive {
    /// `active` stays as it is, so that nobody who is suspended is woken up by the way.
    #[default]
    Keep,
    /// `active` becomes true.
    Activate,
}

/// Which users who are managed here a connector takes over when it pushes them (behaviour P-05).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub enum Linking {
    /// Whoever has the same `userName`, in whatever case.
    #[default]
    UserName,
    /// And who has the same primary mail address, where nobody has the `userName`.
    UserNameOrEmail,
    /// Nobody: the push is refused.
    Never,
}

impl ConnectorSettings {
    /// Whether the connector may carry out a workflow. One that only adds attributes to users who come from elsewhere
    /// carries out nothing but that.
    pub fn allows(&self, permission: Permission) -> bool {
        let only_attributes = self.attribute_only && permission != Permission::UpdateUsers;
        !only_attributes && self.permissions.has(permission)
    }

    /// The same connector for another kind of client: how its requests are read and answered is the preset's, what it may do
    /// and what comes of it stays.
    #[must_use]
    pub fn with_dialect_of(self, preset: ConnectorSettings) -> ConnectorSettings {
        ConnectorSettings {
            preset: preset.preset,
            mode: preset.mode,
            empty_unassigns: preset.empty_unassigns,
            patch_answer: preset.patch_answer,
            catalogue: preset.catalogue,
            unknown_members: preset.unknown_members,
            ..self
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_permission_is_written_by_its_name() {
        for permission in Permission::ALL {
            assert_eq!(serde_json::to_value(permission).unwrap(), permission.name());
        }
        let default = Permissions::default();
        assert_eq!(serde_json::to_value(&default).unwrap().as_array().unwrap().len(), 4);
    }

    /// Seen to catch `attribute_only` left out of `allows`.
    #[test]
    fn attribute_only_leaves_one_workflow() {
        let mut settings = ConnectorSettings::new("okta", crate::event::Mode::Lenient);
        assert!(Permission::ALL.into_iter().all(|p| settings.allows(p)));
        settings.attribute_only = true;
        let left: Vec<_> = Permission::ALL.into_iter().filter(|p| settings.allows(*p)).collect();
        assert_eq!(left, [Permission::UpdateUsers]);
        settings.permissions = [Permission::CreateUsers].into_iter().collect();
        assert!(Permission::ALL.into_iter().all(|p| !settings.allows(p)));
    }

    #[test]
    fn another_dialect_changes_nothing_that_an_operator_allowed() {
        let entra = crate::preset::preset("entra").unwrap();
        let off = ConnectorSettings {
            enabled: false,
            attribute_only: true,
            ..ConnectorSettings::new("okta", crate::event::Mode::Strict)
        };
        let new = off.with_dialect_of(entra.clone());
        assert_eq!((new.enabled, new.attribute_only), (false, true));
        assert_eq!((new.preset, new.mode, new.empty_unassigns), (entra.preset, entra.mode, true));
    }
}
