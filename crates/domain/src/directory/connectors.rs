//! The connectors of a tenant: one identity provider's link each.

use std::sync::Arc;

use imbl::OrdMap;
use serde::{Deserialize, Serialize};

use super::{Moment, Stamp};
use crate::commit::Unfit;
use crate::event::ConnectorSettings;
use crate::id::ConnectorId;
use crate::position::Position;

/// A connector as of one position.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Connector {
    /// Never reused, never changed.
    pub id: ConnectorId,
    /// Its name, unique in the tenant.
    pub name: String,
    /// How it treats what its client sends.
    pub settings: ConnectorSettings,
    /// Since when its mapping is as it is; none: it never had one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mapped: Option<Position>,
    /// When it was added.
    pub created: Stamp,
    /// When it was removed; none: it is there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub removed: Option<Stamp>,
}

/// The connectors of a tenant at one position.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Connectors {
    // Behind pointers: a block of the map has room for 16, and most tenants have one or two.
    by_id: OrdMap<ConnectorId, Arc<Connector>>,
}

impl Connectors {
    /// The connector with this id, there or removed: what it made is still called by its name.
    pub fn get(&self, id: ConnectorId) -> Option<&Connector> {
        self.by_id.get(&id).map(Arc::as_ref)
    }

    /// The connector with this id, unless it was removed.
    pub fn present(&self, id: ConnectorId) -> Option<&Connector> {
        self.get(id).filter(|connector| connector.removed.is_none())
    }

    /// The connector with exactly this name.
    pub fn named(&self, name: &str) -> Option<&Connector> {
        self.iter().find(|connector| connector.name == name)
    }

    /// The connector that had exactly this name last, and was removed.
    pub fn once_named(&self, name: &str) -> Option<&Connector> {
        let removed =
            self.by_id.values().map(Arc::as_ref).filter(|connector| connector.removed.is_some());
        removed.filter(|connector| connector.name == name).max_by_key(|connector| connector.removed)
    }

    /// The connectors that are there, by id.
    pub fn iter(&self) -> impl Iterator<Item = &Connector> {
        self.by_id.values().map(Arc::as_ref).filter(|connector| connector.removed.is_none())
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
        let mapped = (!settings.mapping.is_empty()).then_some(moment.stamp.position);
        let (created, removed) = (moment.stamp, None);
        let new = Connector { id, name, settings, mapped, created, removed };
        self.by_id.insert(id, Arc::new(new));
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
        let there = Arc::make_mut(there);
        if there.settings.mapping != settings.mapping {
            there.mapped = Some(moment.stamp.position);
        }
        there.settings = settings.clone();
        Ok(())
    }

    pub(super) fn remove(&mut self, id: ConnectorId, moment: Moment<'_>) -> Result<(), Unfit> {
        let Some(there) = self.by_id.get_mut(&id) else {
            return Err(moment.unfit(format!("there is no connector {id}")));
        };
        Arc::make_mut(there).removed = Some(moment.stamp);
        Ok(())
    }
}
