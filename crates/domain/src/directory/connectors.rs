//! The connectors of a tenant: one identity provider's link each.

use imbl::OrdMap;
use serde::{Deserialize, Serialize};

use super::{Moment, Stamp};
use crate::commit::Unfit;
use crate::event::ConnectorSettings;
use crate::id::ConnectorId;

/// A connector as of one position.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Connector {
    /// Never reused, never changed.
    pub id: ConnectorId,
    /// Its name, unique in the tenant.
    pub name: String,
    /// How it treats what its client sends.
    pub settings: ConnectorSettings,
    /// When it was added.
    pub created: Stamp,
}

/// The connectors of a tenant at one position.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Connectors {
    by_id: OrdMap<ConnectorId, Connector>,
}

impl Connectors {
    /// The connector with this id.
    pub fn get(&self, id: ConnectorId) -> Option<&Connector> {
        self.by_id.get(&id)
    }

    /// The connector with exactly this name.
    pub fn named(&self, name: &str) -> Option<&Connector> {
        self.iter().find(|connector| connector.name == name)
    }

    /// All connectors, by id.
    pub fn iter(&self) -> impl Iterator<Item = &Connector> {
        self.by_id.values()
    }

    pub(super) fn add(
        &mut self,
        id: ConnectorId,
        name: &str,
        settings: &ConnectorSettings,
        moment: Moment<'_>,
    ) -> Result<(), Unfit> {
        if self.by_id.contains_key(&id) || self.named(name).is_some() {
            return Err(moment.unfit(format!("connector `{name}` exists already")));
        }
        let (name, settings) = (name.to_owned(), settings.clone());
        self.by_id.insert(id, Connector { id, name, settings, created: moment.stamp });
        Ok(())
    }

    pub(super) fn change(
        &mut self,
        id: ConnectorId,
        settings: &ConnectorSettings,
        moment: Moment<'_>,
    ) -> Result<(), Unfit> {
        let Some(there) = self.by_id.get_mut(&id) else {
            return Err(moment.unfit(format!("there is no connector {id}")));
        };
        there.settings = settings.clone();
        Ok(())
    }
}
