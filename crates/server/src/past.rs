//! Reads of the past, the same for SCIM and for administration.

use std::sync::Arc;

use domain::id::TenantId;
use domain::snapshot::Snapshot;
use engine::When;

use crate::app::App;
use crate::refused::Refused;

/// A tenant as it was, read where blocking is allowed.
///
/// # Errors
/// 400 for a moment that is yet to come or before the tenant's birth; 503 when too many ask at once.
pub(crate) async fn read(
    app: &App,
    tenant: TenantId,
    when: When,
) -> Result<Arc<Snapshot>, Refused> {
    let engine = app.engine.clone();
    let read = tokio::task::spawn_blocking(move || engine.as_of(tenant, when)).await;
    Ok(read.map_err(Refused::broken_off)??)
}
