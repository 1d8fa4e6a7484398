//! The refusal journal, as the server writes and reads it.

use audit::Problem;
use axum::http::request;
use domain::id::{OperatorId, TenantId};
use domain::origin::Actor;

use crate::app::App;
use crate::caller::Visit;
use crate::refused::Refused;

/// A problem without who and why.
fn problem(app: &App, visit: &Visit, parts: &request::Parts) -> Problem {
    Problem {
        at: app.now(),
        request: visit.request,
        connector: None,
        credential: None,
        operator: None,
        source: visit.source,
        method: parts.method.to_string(),
        path: parts.uri.path().to_owned(),
        status: 0,
        scim_type: None,
        detail: String::new(),
    }
}

/// Notes that a request was refused.
pub(crate) fn refused(
    app: &App,
    tenant: TenantId,
    actor: Option<Actor>,
    visit: &Visit,
    parts: &request::Parts,
    why: &Refused,
) {
    let mut problem = problem(app, visit, parts);
    problem.status = why.status.as_u16();
    problem.scim_type = why.kind.map(|kind| kind.as_str().to_owned());
    problem.detail.clone_from(&why.detail);
    // The detail may quote the client, and so a person: it stays out of the server's own log.
    tracing::info!(
        method = %parts.method, path = parts.uri.path(), status = problem.status,
        scim_type = problem.scim_type, "refused a request"
    );
    record(app, tenant, actor, problem);
}

/// Notes that a request was carried out in part.
pub(crate) fn left_out(
    app: &App,
    tenant: TenantId,
    actor: Actor,
    visit: &Visit,
    parts: &request::Parts,
    status: u16,
    what: String,
) {
    let mut problem = problem(app, visit, parts);
    problem.status = status;
    problem.detail = what;
    record(app, tenant, Some(actor), problem);
}

fn record(app: &App, tenant: TenantId, actor: Option<Actor>, mut problem: Problem) {
    match actor {
        Some(Actor::Connector { id, credential }) => {
            problem.connector = Some(id);
            problem.credential = Some(credential);
        }
        Some(Actor::Operator { id }) => problem.operator = Some(OperatorId::new(id.uuid())),
        Some(Actor::System) | None => {}
    }
    match serde_json::to_vec(&problem) {
        Ok(bytes) => {
            if let Err(error) = app.engine.journal().record(tenant, &bytes) {
                tracing::warn!("the refusal journal takes no entry: {error}");
            }
        }
        Err(error) => tracing::error!("a problem is not JSON: {error}"),
    }
}
