//! The policies of a tenant: what is allowed, in texts that the log remembers.

use imbl::OrdMap;
use serde::{Deserialize, Serialize};

use super::{Moment, Stamp};
use crate::commit::Unfit;
use crate::event::Event;
use crate::id::PolicyId;

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

    /// All policies, by id.
    pub fn iter(&self) -> impl Iterator<Item = &Policy> {
        self.by_id.values()
    }

    pub(super) fn apply(&mut self, event: &Event, moment: Moment<'_>) -> Result<(), Unfit> {
        match event {
            Event::PolicyCreated { policy, name, text } => {
                let new = Policy {
                    id: *policy,
                    name: name.clone(),
                    text: text.clone(),
                    created: moment.stamp,
                    modified: moment.stamp,
                };
                match self.by_id.insert(*policy, new) {
                    Some(_) => Err(moment.unfit(format!("policy {policy} exists already"))),
                    None => Ok(()),
                }
            }
            Event::PolicyChanged { policy, text } => match self.by_id.get_mut(policy) {
                Some(there) => {
                    there.text.clone_from(text);
                    there.modified = moment.stamp;
                    Ok(())
                }
                None => Err(moment.unfit(format!("there is no policy {policy}"))),
            },
            Event::PolicyDeleted { policy } => match self.by_id.remove(policy) {
                Some(_) => Ok(()),
                None => Err(moment.unfit(format!("there is no policy {policy}"))),
            },
            other => Err(moment.unfit(format!("{} does not fit here", other.kind().name()))),
        }
    }
}
