//! Who and what a connector's lists leave out.

use axum::http::StatusCode;

use super::{Asked, ok};
use crate::answer::Answer;
use crate::limits::{SHOWN_PAGE, SHOWN_PAGE_MAX};
use crate::refused::Refused;

/// `GET /admin/v1/tenants/{tenant}/connectors/{name}/ignored`: how many there are, and a page of them.
pub(super) async fn list(asked: &Asked<'_>, slug: &str, name: &str) -> Result<Answer, Refused> {
    let (_, snapshot) = asked.reading(slug).await?;
    let count = asked.parameters.parsed("count", "a whole number")?.unwrap_or(SHOWN_PAGE);
    let skip = asked.parameters.parsed("skip", "a whole number")?.unwrap_or(0);
    let ignored = audit::ignored(&snapshot.directory, name, skip, count.min(SHOWN_PAGE_MAX));
    let ignored = ignored.ok_or_else(|| {
        let detail = format!("there is no connector `{name}`: list them to see which there are");
        Refused::new(StatusCode::NOT_FOUND, detail)
    })?;
    let body = serde_json::to_value(ignored)
        .map_err(|error| Refused::internal(&format!("what is listed is no JSON: {error}")))?;
    Ok(ok(StatusCode::OK, &body).at(snapshot.head.position))
}
