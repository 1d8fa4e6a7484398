//! Why somebody has a role, or is in a group, and why not.

use audit::explain::{Asked as Wish, ExplainError, explain as explained};
use axum::http::StatusCode;
use scim::Invalid;

use super::{Asked, ok};
use crate::answer::Answer;
use crate::refused::Refused;

/// `GET /admin/v1/tenants/{tenant}/explain?user=…[&role=…|&group=…]`
pub(super) async fn explain(asked: &Asked<'_>, slug: &str) -> Result<Answer, Refused> {
    let (tenant, snapshot) = asked.reading(slug).await?;
    let of = |name: &str| asked.parameters.get(name).map(str::to_owned);
    let Some(who) = of("user") else {
        return Err(Invalid::value("say whose: `user` is an id or a `userName`").into());
    };
    let wish = match (of("role"), of("group")) {
        (None, None) => Wish::Roles,
        (Some(role), None) => Wish::Role(role),
        (None, Some(group)) => Wish::Group(group),
        (Some(_), Some(_)) => {
            return Err(Invalid::value("ask for a `role` or a `group`, one of the two").into());
        }
    };
    let (engine, moment) = (asked.app.engine.clone(), snapshot.clone());
    let work = move || explained(&engine, tenant, &moment, &who, &wish);
    let answered = tokio::task::spawn_blocking(work).await.map_err(Refused::broken_off)?;
    let explanation = answered.map_err(|error| match error {
        ExplainError::Unknown(unknown) => Refused::new(StatusCode::NOT_FOUND, unknown.to_string()),
        ExplainError::Ask(_) | ExplainError::Journal(_) => {
            Refused::internal(&format!("nothing could be explained: {error}"))
        }
    })?;
    let body = serde_json::to_value(&explanation)
        .map_err(|error| Refused::internal(&format!("an explanation is no JSON: {error}")))?;
    Ok(ok(StatusCode::OK, &body).at(snapshot.head.position))
}
