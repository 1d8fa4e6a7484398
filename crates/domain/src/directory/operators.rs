//! The operators of an instance.

use imbl::OrdMap;
use serde::{Deserialize, Serialize};

use super::{Credentials, Moment, Stamp};
use crate::commit::Unfit;
use crate::event::{Holder, OperatorRole};
use crate::id::OperatorId;

/// An operator as of one position.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Operator {
    /// Never reused, never changed.
    pub id: OperatorId,
    /// What people call them; no two who are there have the same.
    pub name: String,
    /// When they were added.
    pub added: Stamp,
    /// What they may do.
    #[serde(default, skip_serializing_if = "is_default")]
    pub role: OperatorRole,
    /// When they were removed. They stay for their name, which stands beside what they did.
    #[serde(default, skip_serializing_if = "is_default")]
    pub removed: Option<Stamp>,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// The operators of an instance at one position.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Operators {
    by_id: OrdMap<OperatorId, Operator>,
}

impl Operators {
    /// The operator with this id, who is there or was.
    pub fn get(&self, id: OperatorId) -> Option<&Operator> {
        self.by_id.get(&id)
    }

    /// The operator with this id, who is there.
    pub fn present(&self, id: OperatorId) -> Option<&Operator> {
        self.get(id).filter(|operator| operator.removed.is_none())
    }

    /// The operator of this name who is there.
    pub fn named(&self, name: &str) -> Option<&Operator> {
        self.iter().find(|operator| operator.removed.is_none() && operator.name == name)
    }

    /// All operators who are there or were, by id.
    pub fn iter(&self) -> impl Iterator<Item = &Operator> {
        self.by_id.values()
    }

    pub(super) fn add(
        &mut self,
        id: OperatorId,
        name: &str,
        role: OperatorRole,
        moment: Moment<'_>,
    ) -> Result<(), Unfit> {
        let added = moment.stamp;
        let new = Operator { id, name: name.to_owned(), added, role, removed: None };
        match self.by_id.insert(id, new) {
            Some(_) => Err(moment.unfit(format!("operator {id} exists already"))),
            None => Ok(()),
        }
    }

    pub(super) fn change(
        &mut self,
        id: OperatorId,
        name: &str,
        role: OperatorRole,
        moment: Moment<'_>,
    ) -> Result<(), Unfit> {
        let there = self.there(id, moment)?;
        name.clone_into(&mut there.name);
        there.role = role;
        Ok(())
    }

    pub(super) fn remove(&mut self, id: OperatorId, moment: Moment<'_>) -> Result<(), Unfit> {
        self.there(id, moment)?.removed = Some(moment.stamp);
        Ok(())
    }

    fn there(&mut self, id: OperatorId, moment: Moment<'_>) -> Result<&mut Operator, Unfit> {
        let there = self.by_id.get_mut(&id).filter(|operator| operator.removed.is_none());
        there.ok_or_else(|| moment.unfit(format!("there is no operator {id}")))
    }

    /// Whether no key of somebody who was removed opens anything.
    pub(super) fn agrees(&self, credentials: &Credentials) -> Result<(), String> {
        let mut keys = credentials.iter().filter(|key| key.revoked.is_none());
        let left = keys.find(|key| match key.holder {
            Holder::Operator(id) => self.present(id).is_none(),
            Holder::Connector(_) | Holder::User(_) => false,
        });
        match left {
            Some(key) => Err(format!("key {} is of an operator who is not there", key.id)),
            None => Ok(()),
        }
    }
}
