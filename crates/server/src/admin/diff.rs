//! What changed between two moments.

use std::sync::Arc;

use ::audit::diff::{DiffError, DiffPage, Scope, diff};
use axum::http::StatusCode;
use domain::id::TenantId;
use domain::snapshot::Snapshot;
use engine::When;
use serde_json::json;

use super::{Asked, audit, ok};
use crate::answer::Answer;
use crate::limits::{DIFF_PAGE, DIFF_PAGE_MAX};
use crate::past;
use crate::refused::Refused;

/// `GET /admin/v1/tenants/{tenant}/diff?from=…&to=…&user=…|group=…|role=…&all=…&skip=…&count=…`
pub(super) async fn between(asked: &Asked<'_>, slug: &str) -> Result<Answer, Refused> {
    asked.only_now("two moments are compared, which `from` and `to` name")?;
    let (tenant, now) = asked.log(slug)?;
    let parameters = &asked.parameters;
    if parameters.get("from").is_none() {
        let detail = "give `from`, the earlier moment: a position or a time; `to` is now when it is left out";
        return Err(scim::Invalid::value(detail).into());
    }
    let scope = scope(asked)?;
    let count = parameters.parsed("count", "a whole number")?.unwrap_or(DIFF_PAGE);
    let page = DiffPage {
        skip: parameters.parsed("skip", "a whole number")?.unwrap_or_default(),
        count: count.min(DIFF_PAGE_MAX),
        all: parameters.parsed("all", "`true` or `false`")?.unwrap_or_default(),
    };
    let from = at(asked, tenant, &now, "from").await?;
    let to = at(asked, tenant, &now, "to").await?;
    let engine = asked.app.engine.clone();
    let told =
        tokio::task::spawn_blocking(move || diff(&engine, tenant, &from, &to, &scope, page)).await;
    let told = told.map_err(Refused::broken_off)?.map_err(failed)?;
    Ok(ok(StatusCode::OK, &json!(told)).at(Some(told.to.position)))
}

/// The tenant as of the moment that a parameter names, else as it is now.
async fn at(
    asked: &Asked<'_>,
    tenant: TenantId,
    now: &Arc<Snapshot>,
    name: &str,
) -> Result<Arc<Snapshot>, Refused> {
    let form = "a position such as `42`, or a time such as `2026-03-01T12:00:00Z`";
    match asked.parameters.parsed::<When>(name, form)? {
        Some(when) => past::read(asked.app, tenant, when).await,
        None => Ok(now.clone()),
    }
}

fn scope(asked: &Asked<'_>) -> Result<Scope, Refused> {
    let name = |name: &str| asked.parameters.get(name).map(str::to_owned);
    match (name("user"), name("group"), name("role")) {
        (None, None, None) => Ok(Scope::Tenant),
        (Some(who), None, None) => Ok(Scope::User(who)),
        (None, Some(who), None) => Ok(Scope::Group(who)),
        (None, None, Some(who)) => Ok(Scope::Role(who)),
        _ => {
            let detail = "say what is compared: `user`, `group` or `role`, one of the three, or none of them for all";
            Err(scim::Invalid::value(detail).into())
        }
    }
}

fn failed(error: DiffError) -> Refused {
    match error {
        DiffError::Backwards { .. } | DiffError::TooFar(_) => {
            scim::Invalid::value(error.to_string()).into()
        }
        DiffError::Unknown(_) => Refused::new(StatusCode::NOT_FOUND, error.to_string()),
        DiffError::Ask(error) => audit::failed(error),
    }
}
