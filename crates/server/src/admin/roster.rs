//! The list of a tenant's users, for people and spreadsheets.

use audit::{ROSTER, RosterLine, csv_line};
use axum::http::{HeaderValue, StatusCode};
use scim::Invalid;
use serde_json::json;

use super::{Asked, ok};
use crate::answer::Answer;
use crate::refused::Refused;

/// `GET /admin/v1/tenants/{tenant}/roster`: every user with their roles; with `format=csv` as a table (behaviour C-17).
pub(super) async fn roster(asked: &Asked<'_>, slug: &str) -> Result<Answer, Refused> {
    let is_csv = match asked.parameters.get("format") {
        None | Some("json") => false,
        Some("csv") => true,
        Some(other) => {
            let detail = format!("`{other}` is no value for `format`: give `json` or `csv`");
            return Err(Invalid::value(detail).into());
        }
    };
    let (_, snapshot) = asked.reading(slug).await?;
    let position = snapshot.head.position;
    let lines = audit::roster(&snapshot.directory);
    if !is_csv {
        return Ok(ok(StatusCode::OK, &json!({ "roster": lines })).at(position));
    }
    let mut text = csv_line(ROSTER);
    text.extend(lines.iter().map(RosterLine::cells).map(csv_line));
    let mut answer = Answer::new(StatusCode::OK, Some(text.into_bytes())).at(position);
    answer.media = HeaderValue::from_static("text/csv; charset=utf-8");
    Ok(answer)
}
