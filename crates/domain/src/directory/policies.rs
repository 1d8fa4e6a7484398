//! The policies of a tenant: what is allowed, in texts that the log remembers.

use imbl::OrdMap;
use serde::{Deserialize, Serialize};

use super::{Directory, Moment, Stamp};
use crate::commit::Unfit;
use crate::id::PolicyId;
use crate::position::Position;

/// A policy as of one position.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Policy {
    /// Never reused, never changed.
    pub id: PolicyId,
    /// What people call it.
    pub name: String,
    /// What it says.
    pub text: String,
    /// When it was written.
    pub created: Stamp,
    /// When its text last changed.
    pub modified: Stamp,
}

/// What the policies of a tenant can speak about, beside users, groups and roles.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct PolicySchema {
    /// Actions and types of resources, in Cedar's schema language; empty: none.
    pub text: String,
    /// When it was last declared.
    pub changed: Stamp,
}

/// The policies of a tenant at one position.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Policies {
    by_id: OrdMap<PolicyId, Policy>,
}

impl Policies {
    /// The policy with this id.
    pub fn get(&self, id: PolicyId) -> Option<&Policy> {
        self.by_id.get(&id)
    }

    /// The policy with this name, in any case.
    pub fn named(&self, name: &str) -> Option<&Policy> {
        let name = scim::fold(name);
        self.by_id.values().find(|policy| scim::fold(&policy.name) == name)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }

    /// All policies, by id.
    pub fn iter(&self) -> impl Iterator<Item = &Policy> {
        self.by_id.values()
    }

    pub(super) fn create(
        &mut self,
        id: PolicyId,
        name: &str,
        text: &str,
        moment: Moment<'_>,
    ) -> Result<(), Unfit> {
        let (name, text) = (name.to_owned(), text.to_owned());
        let new = Policy { id, name, text, created: moment.stamp, modified: moment.stamp };
        match self.by_id.insert(id, new) {
            Some(_) => Err(moment.unfit(format!("policy {id} exists already"))),
            None => Ok(()),
        }
    }

    pub(super) fn change(
        &mut self,
        id: PolicyId,
        text: &str,
        moment: Moment<'_>,
    ) -> Result<(), Unfit> {
        let Some(there) = self.by_id.get_mut(&id) else {
            return Err(moment.unfit(format!("there is no policy {id}")));
        };
        text.clone_into(&mut there.text);
        there.modified = moment.stamp;
        Ok(())
    }

    pub(super) fn delete(&mut self, id: PolicyId, moment: Moment<'_>) -> Result<(), Unfit> {
        match self.by_id.remove(&id) {
            Some(_) => Ok(()),
            None => Err(moment.unfit(format!("there is no policy {id}"))),
        }
    }
}

impl Directory {
    /// What a policy is checked against, by the position of its latest change: the other policies, what the tenant declares for
    /// them, and the attributes that users may have. That a policy is gone makes none wrong, so it does not count.
    pub fn policy_ground(&self) -> Option<Position> {
        let policies = self.policies.iter().map(|policy| policy.modified.position);
        let declared = self.policy_schema.iter().map(|schema| schema.changed.position);
        let schemas = self.schemas.custom().map(|schema| schema.added.position);
        policies.chain(declared).chain(schemas).max()
    }
}
