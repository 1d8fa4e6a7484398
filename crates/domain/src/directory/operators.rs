//! The operators of an instance.

use imbl::OrdMap;
use serde::{Deserialize, Serialize};

use super::{Moment, Stamp};
use crate::commit::Unfit;
use crate::id::OperatorId;

/// An operator as of one position.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Operator {
    /// Never reused, never changed.
    pub id: OperatorId,
    /// What people call them.
    pub name: String,
    /// When they were added.
    pub added: Stamp,
}

/// The operators of an instance at one position.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Operators {
    by_id: OrdMap<OperatorId, Operator>,
}

impl Operators {
    /// The operator with this id.
    pub fn get(&self, id: OperatorId) -> Option<&Operator> {
        self.by_id.get(&id)
    }

    /// All operators, by id.
    pub fn iter(&self) -> impl Iterator<Item = &Operator> {
        self.by_id.values()
    }

    pub(super) fn add(
        &mut self,
        id: OperatorId,
        name: &str,
        moment: Moment<'_>,
    ) -> Result<(), Unfit> {
        match self.by_id.insert(id, Operator { id, name: name.to_owned(), added: moment.stamp }) {
            Some(_) => Err(moment.unfit(format!("operator {id} exists already"))),
            None => Ok(()),
        }
    }
}
