//! The User and Role Management API (behaviour C-16): what an administrator's scripts do to one tenant.
//!
//! The key says which tenant, and the connector that it belongs to is the source of the roles that are given here; decision 23
//! says why.

mod claim;
mod page;
mod roles;
mod route;
mod users;

use std::sync::Arc;

use audit::{About, ProblemKind};
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, Method, StatusCode, request};
use axum::response::{IntoResponse, Response};
use domain::command::Command;
use domain::credential::Scope;
use domain::id::TenantId;
use domain::origin::Claimed;
use engine::Receipt;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::answer::Answer;
use crate::app::App;
use crate::body;
use crate::caller::{self, Caller, Visit};
use crate::journal::{self, Failed, Left, Line};
use crate::limits::USER_BODY_BYTES;
use crate::past;
use crate::refused::Refused;
use crate::scim_api::Parameters;
pub(crate) use route::Route;

/// The media type of every answer.
const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// One authenticated request. A read shows the tenant as of the moment that it asks for.
struct Asked<'a> {
    app: &'a App,
    visit: &'a Visit,
    parts: &'a request::Parts,
    caller: &'a Caller,
    parameters: Parameters,
    body: Vec<u8>,
    /// Whether nothing is to be written (`test_mode=true`).
    is_test: bool,
}

impl Asked<'_> {
    /// The body, as what the address expects.
    fn body<T: DeserializeOwned>(&self) -> Result<T, Refused> {
        serde_json::from_slice(&self.body).map_err(|error| {
            Refused::from(scim::Invalid::syntax(format!("the body does not fit: {error}")))
        })
    }

    /// Carries a command out, or says what it would do if this is only a test.
    async fn submit(&self, claimed: Option<Claimed>, command: Command) -> Result<Receipt, Refused> {
        let (tenant, actor) = (self.caller.tenant, self.caller.actor());
        let mut origin = self.visit.origin(actor);
        origin.claimed = claimed;
        let engine = &self.app.engine;
        let receipt = match self.is_test {
            true => engine.rehearse(tenant, origin, command)?,
            false => engine.submit(tenant, origin, command).await?,
        };
        if !receipt.notices.is_empty() {
            self.report(journal::summary(&receipt.notices));
        }
        if !self.is_test {
            journal::look_after(
                self.app,
                tenant,
                actor,
                self.visit,
                Line::of(self.parts),
                &receipt,
            );
        }
        Ok(receipt)
    }

    /// Notes that a request was carried out in part.
    fn report(&self, what: String) {
        if !self.is_test {
            let (tenant, actor, line) =
                (self.caller.tenant, self.caller.actor(), Line::of(self.parts));
            let kind = ProblemKind::Partial;
            let left = Left { kind, status: 200, detail: what, about: About::default() };
            journal::left(self.app, tenant, actor, self.visit, line, left);
        }
    }
}

/// An answer with this body, to a read.
fn shown(asked: &Asked<'_>, body: &Value) -> Answer {
    json_answer(StatusCode::OK, Some(body)).at(asked.caller.snapshot.head.position)
}

/// An answer to a write; a test has none of the marks of something that was written.
fn written(status: StatusCode, body: Option<&Value>, receipt: &Receipt) -> Answer {
    let answer = json_answer(status, body);
    match receipt.position {
        Some(_) => answer.of(receipt),
        None => answer,
    }
}

fn json_answer(status: StatusCode, body: Option<&Value>) -> Answer {
    let mut answer = Answer::new(status, body.map(|body| body.to_string().into_bytes()));
    answer.media = JSON;
    answer
}

/// Any request below `/api/`.
pub(crate) async fn handle(State(app): State<Arc<App>>, request: Request) -> Response {
    let (parts, mut body) = request.into_parts();
    let visit = Visit::of(&app, &parts);
    match answer(&app, &visit, &parts, &mut body).await {
        Ok(answer) => answer.into_response(),
        Err(failed) => failed.noted(&app, &visit, &parts, &mut body).await,
    }
}

async fn answer(
    app: &App,
    visit: &Visit,
    parts: &request::Parts,
    body: &mut Body,
) -> Result<Answer, Failed> {
    let world = app.engine.world();
    let stranger = |why| Failed { tenant: TenantId::SYSTEM, actor: None, why };
    let caller =
        caller::partner(app, &world, visit.source, &parts.headers).await.map_err(stranger)?;
    let known = |why| Failed { tenant: caller.tenant, actor: Some(caller.actor()), why };
    let asking = async {
        caller.within_rate(app)?;
        caller.admitted()?;
        caller.check_connector(None)?;
        check_granted(&caller)?;
        let route = Route::parse(parts.uri.path()).ok_or_else(Refused::no_address)?;
        if !route.methods().split(", ").any(|offered| offered == parts.method.as_str()) {
            return Err(Refused::no_method(route.methods()));
        }
        check_scope(&caller, &route, parts.method == Method::GET)?;
        let body = body::read(body, USER_BODY_BYTES).await?;
        let parameters = Parameters::parse(parts.uri.query().unwrap_or_default())?;
        let is_test = parameters.parsed("test_mode", "`true` or `false`")?.unwrap_or(false);
        let is_read = parts.method == Method::GET;
        if !is_read && parameters.get("asOf").is_some() {
            let detail = "`asOf` is for reads: the past is not written";
            return Err(scim::Invalid::value(detail).into());
        }
        let snapshot = match is_read {
            true => past::asked(app, caller.tenant, &caller.snapshot, &parameters, None).await?,
            false => caller.snapshot.clone(),
        };
        let caller = &caller.at(snapshot);
        let asked = Asked { app, visit, parts, caller, parameters, body, is_test };
        app.tally.count(app, caller, &[]);
        dispatch(&asked, &route).await
    };
    asking.await.map_err(known)
}

/// An identity provider's key is for SCIM: it is in a third party's hands, and scripts need other rights than that party.
fn check_granted(caller: &Caller) -> Result<(), Refused> {
    if caller.settings().is_some_and(|settings| settings.management_api) {
        return Ok(());
    }
    let detail = "this key's connector does not open the management API: add a connector with the preset `management` and use its key, or switch `managementApi` on for this one";
    Err(Refused::forbidden(detail, caller::INSUFFICIENT))
}

/// That the caller's credential has the scopes that a route needs. There is none for roles that are written: a credential that
/// is narrowed down at all does not define what people may be given.
fn check_scope(caller: &Caller, route: &Route, is_read: bool) -> Result<(), Refused> {
    match route {
        Route::Users | Route::User(_) if is_read => caller.needs(Scope::UsersRead),
        Route::Users | Route::User(_) => caller.needs(Scope::UsersWrite),
        Route::Roles | Route::Role(_) if is_read => caller.needs(Scope::RolesRead),
        Route::Roles | Route::Role(_) => {
            Scope::ALL.into_iter().try_for_each(|scope| caller.needs(scope))
        }
    }
}

async fn dispatch(asked: &Asked<'_>, route: &Route) -> Result<Answer, Refused> {
    match (route, asked.parts.method.as_str()) {
        (Route::Users, "POST") => users::create(asked).await,
        (Route::Users, _) => users::list(asked),
        (Route::User(id), "PUT") => users::change(asked, id).await,
        (Route::User(id), "DELETE") => users::delete(asked, id).await,
        (Route::User(id), _) => users::show(asked, id),
        (Route::Roles, "POST") => roles::create(asked).await,
        (Route::Roles, _) => roles::list(asked),
        (Route::Role(id), "PUT") => roles::change(asked, id).await,
        (Route::Role(id), "DELETE") => roles::retire(asked, id).await,
        (Route::Role(id), _) => roles::show(asked, id),
    }
}
