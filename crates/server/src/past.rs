//! Reads of the past, the same for SCIM and for administration.

use std::sync::Arc;

use axum::http::StatusCode;
use domain::id::{TenantId, UserId};
use domain::snapshot::Snapshot;
use engine::When;

use crate::app::App;
use crate::refused::Refused;
use crate::scim_api::Parameters;

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

/// The tenant that a request asks to read: as of the moment that `asOf` names, else `now`; and that
/// the present is not behind what `min-position` asks for. Of the past, no more than one user shows, if the request is about one.
///
/// # Errors
/// As [`read`]; 503 when the present is behind.
pub(crate) async fn asked(
    app: &App,
    tenant: TenantId,
    now: &Arc<Snapshot>,
    parameters: &Parameters,
    user: Option<UserId>,
) -> Result<Arc<Snapshot>, Refused> {
    if let Some(least) = parameters.min_position()?
        && now.head.position.is_none_or(|last| last < least)
    {
        let detail = format!("position {least} is not reached yet: try again in a moment");
        return Err(Refused::later(StatusCode::SERVICE_UNAVAILABLE, detail));
    }
    match (parameters.as_of()?, user) {
        (None, _) => Ok(now.clone()),
        (Some(when), None) => read(app, tenant, when).await,
        (Some(when), Some(user)) => {
            let engine = app.engine.clone();
            let read = move || engine.user_as_of(tenant, when, user);
            Ok(tokio::task::spawn_blocking(read).await.map_err(Refused::broken_off)??)
        }
    }
}
