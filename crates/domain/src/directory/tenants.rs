//! The tenants of an instance, by slug.

use imbl::OrdMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Moment, Stamp};
use crate::commit::Unfit;
use crate::id::TenantId;

/// A tenant as of one position.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Tenant {
    /// Never reused, never changed.
    pub id: TenantId,
    /// Its site host, as in `acme`.
    pub slug: String,
    /// When it came to be.
    pub opened: Stamp,
}

/// The tenants of an instance at one position.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Tenants {
    by_id: OrdMap<TenantId, Tenant>,
    // INVARIANT (slugs): exactly the slugs in `by_id`.
    by_slug: OrdMap<String, TenantId>,
}

impl Tenants {
    /// The tenant with this id.
    pub fn get(&self, id: TenantId) -> Option<&Tenant> {
        self.by_id.get(&id)
    }

    /// The tenant with exactly this slug.
    pub fn with_slug(&self, slug: &str) -> Option<&Tenant> {
        self.by_slug.get(slug).and_then(|id| self.by_id.get(id))
    }

    /// All tenants, by slug.
    pub fn iter(&self) -> impl Iterator<Item = &Tenant> {
        self.by_slug.values().filter_map(|id| self.by_id.get(id))
    }

    pub(super) fn open(&mut self, tenant: Tenant, moment: Moment<'_>) -> Result<(), Unfit> {
        if self.by_id.contains_key(&tenant.id) || self.by_slug.contains_key(&tenant.slug) {
            return Err(moment.unfit(format!("tenant `{}` exists already", tenant.slug)));
        }
        self.by_slug.insert(tenant.slug.clone(), tenant.id);
        self.by_id.insert(tenant.id, tenant);
        Ok(())
    }

    pub(super) fn agrees(&self) -> Result<(), String> {
        let slugs: OrdMap<_, _> = self.by_id.values().map(|t| (t.slug.clone(), t.id)).collect();
        if slugs == self.by_slug {
            Ok(())
        } else {
            Err("the index of tenants by slugs disagrees with the tenants".to_owned())
        }
    }
}

impl Serialize for Tenants {
    /// Only the tenants: what is derived is not stored.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.by_id.values())
    }
}

impl<'de> Deserialize<'de> for Tenants {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut tenants = Tenants::default();
        for tenant in Vec::<Tenant>::deserialize(deserializer)? {
            tenants.by_slug.insert(tenant.slug.clone(), tenant.id);
            tenants.by_id.insert(tenant.id, tenant);
        }
        Ok(tenants)
    }
}
