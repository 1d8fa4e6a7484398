//! Who is in a tenant.

use std::str::FromStr;

use ::audit::{Census, Sought, UserState, groups, users};
use axum::http::StatusCode;
use domain::directory::Directory;
use scim::Invalid;
use serde::Serialize;
use serde_json::json;

use super::local::Kind;
use super::{Asked, ok};
use crate::answer::Answer;
use crate::limits::{SHOWN_PAGE, SHOWN_PAGE_MAX};
use crate::refused::Refused;

/// `GET /admin/v1/tenants/{tenant}/users` and `…/groups`: how many there are that fit, and a page of them; and of which position, to
/// ask for the next page as of the same.
pub(super) async fn list(asked: &Asked<'_>, slug: &str, kind: Kind) -> Result<Answer, Refused> {
    let (_, snapshot) = asked.reading(slug).await?;
    let parameters = &asked.parameters;
    let count = parameters.parsed("count", "a whole number")?.unwrap_or(SHOWN_PAGE);
    let skip = parameters.parsed("skip", "a whole number")?.unwrap_or(0);
    let own = |name: &str| parameters.get(name).map(str::to_owned);
    let state = parameters.get("state").map(UserState::from_str).transpose()?;
    if kind == Kind::Group && state.is_some() {
        return Err(Invalid::value("`state` is of users: leave it out").into());
    }
    let sought = Sought { name: own("name"), managed_by: own("managedBy"), state };
    let (count, position) = (count.min(SHOWN_PAGE_MAX), snapshot.head.position);
    // It looks at all of them.
    let looking = tokio::task::spawn_blocking(move || {
        let directory: &Directory = &snapshot.directory;
        match kind {
            Kind::User => body("users", &users(directory, &sought, skip, count)?),
            Kind::Group => body("groups", &groups(directory, &sought, skip, count)?),
        }
    });
    let mut body = looking.await.map_err(Refused::broken_off)??;
    if let Some(fields) = body.as_object_mut() {
        fields.insert("position".to_owned(), json!(position));
    }
    Ok(ok(StatusCode::OK, &body).at(position))
}

fn body(name: &str, found: &Census<impl Serialize>) -> Result<serde_json::Value, Refused> {
    let listed = serde_json::to_value(&found.listed)
        .map_err(|error| Refused::internal(&format!("what is listed is no JSON: {error}")))?;
    Ok(json!({ "total": found.total, name: listed }))
}
