//! All tenants at one moment.

use std::sync::Arc;

use domain::directory::Tenant;
use domain::id::TenantId;
use domain::snapshot::Snapshot;

/// All tenants at one moment; it never changes.
#[derive(Clone, Default)]
pub struct World {
    tenants: imbl::OrdMap<TenantId, Arc<Snapshot>>,
}

impl World {
    /// The tenant with this id.
    pub fn get(&self, tenant: TenantId) -> Option<&Arc<Snapshot>> {
        self.tenants.get(&tenant)
    }

    /// The instance's own log: operators, tenants and their slugs.
    pub fn system(&self) -> Option<&Arc<Snapshot>> {
        self.get(TenantId::SYSTEM)
    }

    /// The tenant with this slug.
    pub fn with_slug(&self, slug: &str) -> Option<(&Tenant, &Arc<Snapshot>)> {
        let tenant = self.system()?.directory.tenants.with_slug(slug)?;
        Some((tenant, self.get(tenant.id)?))
    }

    /// Every log, the instance's own included, by tenant.
    pub fn iter(&self) -> impl Iterator<Item = (TenantId, &Arc<Snapshot>)> {
        self.tenants.iter().map(|(id, snapshot)| (*id, snapshot))
    }

    pub(crate) fn set(&mut self, tenant: TenantId, snapshot: Arc<Snapshot>) {
        self.tenants.insert(tenant, snapshot);
    }
}
