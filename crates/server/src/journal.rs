//! The refusal journal, as the server writes and reads it.

mod about;
mod attention;

use std::sync::atomic::{AtomicU64, Ordering};

use audit::{About, Problem, ProblemKind};
use axum::body::Body;
use axum::http::request;
use axum::response::{IntoResponse, Response};
use domain::command::Notice;
use domain::id::TenantId;
use domain::origin::Actor;

use crate::app::App;
use crate::body;
use crate::caller::Visit;
use crate::limits::{PROBLEM_DETAIL_CHARS, PROBLEM_NOTICES, PROBLEM_PATH_CHARS};
use crate::refused::Refused;

pub(crate) use about::named;
pub(crate) use attention::look_after;

/// The first line of a request: what the journal knows it by.
#[derive(Clone, Copy)]
pub(crate) struct Line<'a> {
    pub(crate) method: &'a str,
    pub(crate) path: &'a str,
}

impl<'a> Line<'a> {
    pub(crate) fn of(parts: &'a request::Parts) -> Line<'a> {
        Line { method: parts.method.as_str(), path: parts.uri.path() }
    }
}

/// What is noted of a request that was carried out all the same.
pub(crate) struct Left {
    pub(crate) kind: ProblemKind,
    /// The status that was answered.
    pub(crate) status: u16,
    /// What was left out, or is to be looked after.
    pub(crate) detail: String,
    pub(crate) about: About,
}

/// A problem without who and why.
fn problem(app: &App, visit: &Visit, line: Line<'_>) -> Problem {
    let at = app.now();
    Problem {
        number: None,
        kind: ProblemKind::Refused,
        at,
        first: at,
        count: 1,
        request: visit.request,
        connector: None,
        connector_name: None,
        credential: None,
        operator: None,
        source: visit.source,
        method: line.method.to_owned(),
        path: cut(line.path, PROBLEM_PATH_CHARS),
        status: 0,
        scim_type: None,
        detail: String::new(),
        about: About::default(),
    }
}

/// A refusal, whose it is, and whose journal it belongs into.
pub(crate) struct Failed {
    pub(crate) tenant: TenantId,
    pub(crate) actor: Option<Actor>,
    pub(crate) why: Refused,
}

impl Failed {
    /// Notes it, lets the rest of the request's body go by, and answers.
    pub(crate) async fn noted(
        self,
        app: &App,
        visit: &Visit,
        parts: &request::Parts,
        body: &mut Body,
    ) -> Response {
        let Failed { tenant, actor, why } = self;
        refused(app, tenant, actor, visit, Line::of(parts), &why);
        body::drain(parts, body).await;
        why.into_response()
    }
}

/// Notes that a request was refused.
pub(crate) fn refused(
    app: &App,
    tenant: TenantId,
    actor: Option<Actor>,
    visit: &Visit,
    line: Line<'_>,
    why: &Refused,
) {
    if why.is_known {
        return;
    }
    let mut problem = problem(app, visit, line);
    problem.status = why.status.as_u16();
    problem.scim_type = why.kind.map(|kind| kind.as_str().to_owned());
    problem.detail.clone_from(&why.detail);
    if let Some(about) = &why.about {
        problem.about.clone_from(about);
    }
    // Path and detail may name a person: they stay out of the server's own log.
    let (status, scim_type) = (problem.status, problem.scim_type.as_deref());
    tracing::info!(method = line.method, status, scim_type, "refused a request");
    record(app, tenant, actor, problem);
}

/// Notes what a request left out or left over.
pub(crate) fn left(
    app: &App,
    tenant: TenantId,
    actor: Actor,
    visit: &Visit,
    line: Line<'_>,
    left: Left,
) {
    let mut problem = problem(app, visit, line);
    (problem.kind, problem.status) = (left.kind, left.status);
    (problem.detail, problem.about) = (left.detail, left.about);
    record(app, tenant, Some(actor), problem);
}

/// What was left out, in one entry however much it was.
pub(crate) fn summary(notices: &[Notice]) -> String {
    let mut told: Vec<String> =
        notices.iter().take(PROBLEM_NOTICES).map(ToString::to_string).collect();
    if notices.len() > PROBLEM_NOTICES {
        told.push(format!("and {} more", notices.len() - PROBLEM_NOTICES));
    }
    told.join("; ")
}

/// The beginning of a text that a client may have made as long as it liked.
fn cut(text: &str, chars: usize) -> String {
    match text.char_indices().nth(chars) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// How often the journals took note of something since the start, by kind.
#[derive(Debug, Default)]
pub struct Noted([AtomicU64; ProblemKind::ALL.len()]);

impl Noted {
    fn count(&self, kind: ProblemKind) {
        if let Some(count) = self.0.get(kind as usize) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(crate) fn told(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let kinds = ProblemKind::ALL.iter().zip(&self.0);
        kinds.map(|(kind, count)| (kind.as_str(), count.load(Ordering::Relaxed)))
    }
}

fn record(app: &App, tenant: TenantId, actor: Option<Actor>, mut problem: Problem) {
    app.noted.count(problem.kind);
    match actor {
        Some(Actor::Connector { id, credential }) => {
            problem.connector = Some(id);
            problem.credential = Some(credential);
        }
        Some(Actor::Operator { id }) => problem.operator = Some(id),
        Some(Actor::System) | None => {}
    }
    about::find(app, tenant, &problem.path, &mut problem.about);
    problem.detail = cut(&problem.detail, PROBLEM_DETAIL_CHARS);
    match serde_json::to_vec(&problem) {
        Ok(bytes) => {
            if let Err(error) = app.engine.journal().record_or_count::<Problem>(tenant, &bytes) {
                tracing::warn!("the refusal journal takes no entry: {error}");
            }
        }
        Err(error) => tracing::error!("a problem is not JSON: {error}"),
    }
}
