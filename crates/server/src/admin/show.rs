//! One thing, as it is or was at the moment that `asOf` names.

use ::audit::show::{Kind, Page, ShowError, Shown, show};
use axum::http::{StatusCode, header};
use serde_json::Value;

use super::{Asked, audit, connector, ok};
use crate::answer::Answer;
use crate::limits::{SHOWN_PAGE, SHOWN_PAGE_MAX};
use crate::refused::Refused;

/// `GET` of a tenant, or of its `users`, `groups`, `roles` and `credentials` by name or id.
pub(super) async fn thing(
    asked: &Asked<'_>,
    slug: &str,
    kind: Kind,
    who: &str,
) -> Result<Answer, Refused> {
    let shown = shown(asked, slug, kind, who).await?;
    Ok(answer(&shown, json(&shown)?))
}

/// `GET /admin/v1/tenants/{tenant}/connectors/{name}`: its settings, and what its client sent that the RFCs do not have.
/// The latter is counted beside the log: it is told of now, not of the past.
pub(super) async fn connector(
    asked: &Asked<'_>,
    slug: &str,
    name: &str,
) -> Result<Answer, Refused> {
    let shown = shown(asked, slug, Kind::Connector, name).await?;
    let mut body = json(&shown)?;
    if let (Some(fields), ::audit::show::Thing::Connector(connector)) =
        (body.as_object_mut(), &shown.thing)
    {
        let (tenant, _) = asked.tenant(slug)?;
        let tolerated =
            (!asked.is_past()).then(|| connector::tolerated(asked, tenant, connector.id));
        fields.insert("tolerated".to_owned(), tolerated.unwrap_or_default());
        let tag = connector::tag(&connector.settings);
        return Ok(answer(&shown, body).with(header::ETAG, tag));
    }
    Ok(answer(&shown, body))
}

async fn shown(asked: &Asked<'_>, slug: &str, kind: Kind, who: &str) -> Result<Shown, Refused> {
    let (tenant, then) = asked.reading(slug).await?;
    let count = asked.parameters.parsed("count", "a whole number")?.unwrap_or(SHOWN_PAGE);
    let after = asked.parameters.get("after").map(str::to_owned);
    let page = Page { after, count: count.min(SHOWN_PAGE_MAX), problems: !asked.is_past() };
    let (engine, who) = (asked.app.engine.clone(), who.to_owned());
    let shown =
        tokio::task::spawn_blocking(move || show(&engine, tenant, &then, kind, &who, &page)).await;
    shown.map_err(Refused::broken_off)?.map_err(failed)
}

fn json(shown: &Shown) -> Result<Value, Refused> {
    serde_json::to_value(shown)
        .map_err(|error| Refused::internal(&format!("what is shown is no JSON: {error}")))
}

fn answer(shown: &Shown, body: Value) -> Answer {
    ok(StatusCode::OK, &body).at(Some(shown.head.position))
}

fn failed(error: ShowError) -> Refused {
    match error {
        ShowError::Absent(_) => Refused::new(StatusCode::NOT_FOUND, error.to_string()),
        ShowError::After(_) => scim::Invalid::value(error.to_string()).into(),
        ShowError::Ask(error) => audit::failed(error),
        ShowError::Problems(error) => audit::unread(error),
    }
}
