//! The roles that users of a tenant may have.

use std::sync::Arc;

use imbl::OrdMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Moment, Stamp};
use crate::commit::Unfit;
use crate::id::RoleId;

/// The role that every active user has without being given it (behaviour C-06), where a tenant defines one of this name.
pub const EVERYONE: &str = "Everyone";

/// A role as of one position.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Role {
    /// Never reused, never changed.
    pub id: RoleId,
    /// What clients send as `roles[].value`; compared letter by letter.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// A retired role is not assigned any more.
    pub retired: bool,
    /// When it was defined.
    pub created: Stamp,
    /// When it last changed.
    pub modified: Stamp,
}

/// The roles of a tenant at one position.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Roles {
    // Behind pointers: a block of the map has room for 16, and most tenants have four.
    by_id: OrdMap<RoleId, Arc<Role>>,
    // INVARIANT (names): exactly the names in `by_id`.
    by_name: OrdMap<String, RoleId>,
}

impl Roles {
    /// The role with this id.
    pub fn get(&self, id: RoleId) -> Option<&Role> {
        self.by_id.get(&id).map(Arc::as_ref)
    }

    /// The role with exactly this name.
    pub fn named(&self, name: &str) -> Option<&Role> {
        self.by_name.get(name).and_then(|id| self.get(*id))
    }

    /// The role that every active user has without being given it, unless it is retired.
    pub fn everyone(&self) -> Option<&Role> {
        self.named(EVERYONE).filter(|role| !role.retired)
    }

    /// All roles, by name.
    pub fn iter(&self) -> impl Iterator<Item = &Role> {
        self.by_name.values().filter_map(|id| self.get(*id))
    }

    /// All roles, oldest first.
    pub fn by_age(&self) -> Vec<&Role> {
        let mut all: Vec<&Role> = self.by_id.values().map(Arc::as_ref).collect();
        all.sort_unstable_by_key(|role| (role.created.position, role.id));
        all
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.by_id.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }

    pub(super) fn define(
        &mut self,
        id: RoleId,
        name: &str,
        description: &str,
        moment: Moment<'_>,
    ) -> Result<(), Unfit> {
        if let Some(there) = self.by_id.get_mut(&id) {
            let there = Arc::make_mut(there);
            description.clone_into(&mut there.description);
            there.retired = false;
            there.modified = moment.stamp;
            return Ok(());
        }
        if self.by_name.insert(name.to_owned(), id).is_some() {
            return Err(moment.unfit(format!("role `{name}` exists already")));
        }
        let role = Role {
            id,
            name: name.to_owned(),
            description: description.to_owned(),
            retired: false,
            created: moment.stamp,
            modified: moment.stamp,
        };
        self.by_id.insert(id, Arc::new(role));
        Ok(())
    }

    pub(super) fn retire(&mut self, id: RoleId, moment: Moment<'_>) -> Result<(), Unfit> {
        let Some(there) = self.by_id.get_mut(&id) else {
            return Err(moment.unfit(format!("there is no role {id}")));
        };
        let there = Arc::make_mut(there);
        there.retired = true;
        there.modified = moment.stamp;
        Ok(())
    }

    pub(super) fn agrees(&self) -> Result<(), String> {
        let names: OrdMap<_, _> = self.by_id.values().map(|r| (r.name.clone(), r.id)).collect();
        if names == self.by_name {
            Ok(())
        } else {
            Err("the index of roles by names disagrees with the roles".to_owned())
        }
    }
}

impl Serialize for Roles {
    /// Only the roles: what is derived is not stored.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.by_id.values())
    }
}

impl<'de> Deserialize<'de> for Roles {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut roles = Roles::default();
        for role in Vec::<Arc<Role>>::deserialize(deserializer)? {
            roles.by_name.insert(role.name.clone(), role.id);
            roles.by_id.insert(role.id, role);
        }
        Ok(roles)
    }
}
