//! Administration and audit: what operators do and ask, in JSON.

mod access;
mod audit;
mod census;
mod connector;
mod credential;
mod diff;
mod erase;
mod explain;
mod feed;
mod ignored;
mod local;
mod lock;
mod operator;
mod policy;
mod question;
mod roster;
mod route;
mod rule;
mod schema;
mod show;
mod standing;
mod tenant;

use std::sync::Arc;

use ::audit::show::Kind;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, Method, StatusCode, request};
use axum::response::{IntoResponse, Response};
use domain::command::Command;
use domain::event::OperatorRole;
use domain::id::{CredentialId, OperatorId, TenantId, UserId};
use domain::origin::Actor;
use domain::snapshot::Snapshot;
use engine::Receipt;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::app::App;
use crate::body;
use crate::caller::{self, INSUFFICIENT, Operator, Visit};
use crate::journal::{self, Failed, Line};
use crate::limits::USER_BODY_BYTES;
use crate::past;
use crate::refused::Refused;
use crate::scim_api::Parameters;

pub(crate) use route::{Released, Route};

/// One authenticated request.
struct Asked<'a> {
    app: &'a App,
    visit: &'a Visit,
    operator: OperatorId,
    /// What they may do.
    role: OperatorRole,
    /// The key that was shown.
    credential: CredentialId,
    parts: &'a request::Parts,
    parameters: Parameters,
    body: Vec<u8>,
}

impl Asked<'_> {
    fn actor(&self) -> Actor {
        Actor::Operator { id: self.operator }
    }

    /// The URL that an identity provider of this tenant is given, to copy.
    fn scim_base_url(&self, slug: &str) -> String {
        self.app.address_of(&self.parts.headers, &format!("scim/{slug}/v2"))
    }

    /// The body, as what the address expects.
    fn body<T: DeserializeOwned>(&self) -> Result<T, Refused> {
        serde_json::from_slice(&self.body).map_err(|error| {
            Refused::from(scim::Invalid::syntax(format!("the body does not fit: {error}")))
        })
    }

    async fn submit(&self, tenant: TenantId, command: Command) -> Result<Receipt, Refused> {
        let origin = self.visit.origin(self.actor());
        let receipt = self.app.engine.submit(tenant, origin, command).await?;
        self.look_after(tenant, &receipt);
        Ok(receipt)
    }

    /// Notes the policies that name somebody whom this has ended.
    fn look_after(&self, tenant: TenantId, receipt: &Receipt) {
        let line = Line::of(self.parts);
        journal::look_after(self.app, tenant, self.actor(), self.visit, line, receipt);
    }

    /// The tenant with this slug, as of the moment that `asOf` names, else as it is now. Every read takes its snapshot from
    /// here or from [`Asked::reading_log`]. A tenant's slug never changes, so it is looked up in the present.
    async fn reading(&self, slug: &str) -> Result<(TenantId, Arc<Snapshot>), Refused> {
        let (tenant, now) = self.tenant(slug)?;
        Ok((tenant, past::asked(self.app, tenant, &now, &self.parameters, None).await?))
    }

    /// The same for the instance's own log, `_system`, as well: for what reads a log.
    async fn reading_log(&self, slug: &str) -> Result<(TenantId, Arc<Snapshot>), Refused> {
        let (tenant, now) = self.log(slug)?;
        Ok((tenant, past::asked(self.app, tenant, &now, &self.parameters, None).await?))
    }

    /// Whether the past is asked for: what is counted beside the log is of now, and not told then.
    fn is_past(&self) -> bool {
        self.parameters.get("asOf").is_some()
    }

    /// That the past is not asked for, of which this tells nothing.
    fn only_now(&self, what: &str) -> Result<(), Refused> {
        if !self.is_past() {
            return Ok(());
        }
        let detail = format!("{what}: leave `asOf` out");
        Err(scim::Invalid::value(detail).into())
    }

    /// The tenant with this slug, or the instance's own log, `_system`: for what only reads.
    fn log(&self, slug: &str) -> Result<(TenantId, Arc<Snapshot>), Refused> {
        match self.app.engine.now(TenantId::SYSTEM) {
            Some(system) if slug == "_system" => Ok((TenantId::SYSTEM, system)),
            _ => self.tenant(slug),
        }
    }

    /// The tenant with this slug.
    fn tenant(&self, slug: &str) -> Result<(TenantId, Arc<Snapshot>), Refused> {
        let world = self.app.engine.world();
        let found = world.with_slug(slug).map(|(tenant, snapshot)| (tenant.id, snapshot.clone()));
        found.ok_or_else(|| {
            Refused::new(StatusCode::NOT_FOUND, format!("there is no tenant `{slug}`"))
        })
    }
}

/// Any request below `/admin/`.
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
    let Operator { id: operator, role, credential } =
        caller::operator(app, &world, visit.source, &parts.headers).map_err(stranger)?;
    let route = Route::parse(parts.uri.path());
    let slug = route.as_ref().and_then(Route::slug);
    let tenant = slug.and_then(|slug| world.with_slug(slug)).map(|(tenant, _)| tenant.id);
    let known = |why| Failed {
        tenant: tenant.unwrap_or(TenantId::SYSTEM),
        actor: Some(Actor::Operator { id: operator }),
        why,
    };
    let asking = async {
        app.guard.asks(credential)?;
        let route = route.as_ref().ok_or_else(Refused::no_address)?;
        if !route.methods().split(", ").any(|offered| offered == parts.method.as_str()) {
            return Err(Refused::no_method(route.methods()));
        }
        may(role, route.least(&parts.method))?;
        let body = body::read(body, USER_BODY_BYTES).await?;
        let parameters = Parameters::parse(parts.uri.query().unwrap_or_default())?;
        let asked = Asked { app, visit, operator, role, credential, parts, parameters, body };
        if !route.only_asks(&asked.parts.method) {
            asked.only_now("`asOf` is for reads, and the past is not written")?;
        }
        dispatch(&asked, route).await
    };
    asking.await.map_err(known)
}

/// That an operator is as much as this needs.
fn may(role: OperatorRole, least: OperatorRole) -> Result<(), Refused> {
    if role >= least {
        return Ok(());
    }
    let detail =
        format!("this needs the role `{}`, yours is `{}`: ask an owner", least.name(), role.name());
    Err(Refused::forbidden(&detail, INSUFFICIENT))
}

async fn dispatch(asked: &Asked<'_>, route: &Route) -> Result<Answer, Refused> {
    let is_post = asked.parts.method == Method::POST;
    let is_get = asked.parts.method == Method::GET;
    match route {
        Route::Operators if is_post => operator::add(asked).await,
        Route::Operators => operator::list(asked).await,
        Route::Operator(who) if is_get => operator::show(asked, who).await,
        Route::Operator(who) => operator::change(asked, who).await,
        Route::OperatorKeys(who) => operator::add_key(asked, who).await,
        Route::OperatorKey(who, key) => operator::revoke_key(asked, who, key).await,
        Route::Tenants if is_post => tenant::open(asked).await,
        Route::Tenants => tenant::list(asked).await,
        Route::Tenant(slug) if !is_get => standing::describe(asked, slug).await,
        Route::Suspension(slug) => standing::suspend(asked, slug).await,
        Route::Resumption(slug) => standing::resume(asked, slug).await,
        Route::Closure(slug) => standing::close(asked, slug).await,
        Route::Tenant(slug) => show::thing(asked, slug, Kind::Tenant, slug).await,
        Route::Users(slug) if is_get => census::list(asked, slug, local::Kind::User).await,
        Route::Groups(slug) if is_get => census::list(asked, slug, local::Kind::Group).await,
        Route::Users(slug) => local::create(asked, slug, local::Kind::User).await,
        Route::Groups(slug) => local::create(asked, slug, local::Kind::Group).await,
        Route::User(slug, who) if !is_get => {
            local::change(asked, slug, local::Kind::User, who).await
        }
        Route::Group(slug, which) if !is_get => {
            local::change(asked, slug, local::Kind::Group, which).await
        }
        Route::JustInTime(slug) => local::just_in_time(asked, slug).await,
        Route::Release(slug, what, name) => local::release(asked, slug, *what, name).await,
        Route::User(slug, who) => show::thing(asked, slug, Kind::User, who).await,
        Route::Group(slug, who) => show::thing(asked, slug, Kind::Group, who).await,
        Route::Roster(slug) => roster::roster(asked, slug).await,
        Route::Roles(slug) if is_post => tenant::define_role(asked, slug).await,
        Route::Roles(slug) => tenant::roles(asked, slug).await,
        Route::Role(slug, name) if is_get => show::thing(asked, slug, Kind::Role, name).await,
        Route::Role(slug, name) => tenant::retire_role(asked, slug, name).await,
        Route::UserRole(slug, user, role) => tenant::change_role(asked, slug, user, role).await,
        Route::Rules(slug) if is_post => rule::add(asked, slug).await,
        Route::Rules(slug) => rule::list(asked, slug).await,
        Route::Rule(slug, id) => rule::remove(asked, slug, id).await,
        Route::Erasure(slug, user) => erase::user(asked, slug, user).await,
        Route::Lock(slug, user) => lock::change(asked, slug, user).await,
        Route::Explain(slug) => explain::explain(asked, slug).await,
        Route::Check(slug) => access::check(asked, slug).await,
        Route::Applicable(slug) => access::list(asked, slug).await,
        Route::AccessDiff(slug) => access::diff(asked, slug).await,
        Route::Credentials(slug) if is_post => credential::issue(asked, slug).await,
        Route::Credentials(slug) => credential::list(asked, slug).await,
        Route::Credential(slug, id) if is_get => {
            show::thing(asked, slug, Kind::Credential, id).await
        }
        Route::Credential(slug, id) => credential::revoke(asked, slug, id).await,
        Route::Rotation(slug, id) => credential::rotate(asked, slug, id).await,
        Route::Connectors(slug) if is_post => connector::add(asked, slug).await,
        Route::Connectors(slug) => connector::list(asked, slug).await,
        Route::Connector(slug, name) if asked.parts.method == Method::PATCH => {
            connector::change(asked, slug, name).await
        }
        Route::Connector(slug, name) if asked.parts.method == Method::DELETE => {
            connector::remove(asked, slug, name).await
        }
        Route::Connector(slug, name) => show::connector(asked, slug, name).await,
        Route::Ignored(slug, name) => ignored::list(asked, slug, name).await,
        Route::Schemas(slug) if is_post => schema::add(asked, slug).await,
        Route::Schemas(slug) => schema::list(asked, slug).await,
        Route::Policies(slug) => policy::list(asked, slug).await,
        Route::Policy(slug, name) if is_get => policy::show(asked, slug, name).await,
        Route::Policy(slug, name) if asked.parts.method == Method::PUT => {
            policy::write(asked, slug, name).await
        }
        Route::Policy(slug, name) => policy::delete(asked, slug, name).await,
        Route::PolicySchema(slug) if is_get => policy::schema(asked, slug).await,
        Route::PolicySchema(slug) => policy::write_schema(asked, slug).await,
        Route::Diff(slug) => diff::between(asked, slug).await,
        Route::Commits(slug) => audit::commits(asked, slug).await,
        Route::Feed(slug) => feed::feed(asked, slug).await,
        Route::Problems(slug) => audit::problems(asked, slug).await,
    }
}

fn ok(status: StatusCode, body: &Value) -> Answer {
    let mut body = body.clone();
    body.sort_all_objects();
    let mut answer = Answer::new(status, Some(body.to_string().into_bytes()));
    answer.media = HeaderValue::from_static("application/json");
    answer
}

/// The one user that `who` names and that is there now: an id, or a `userName` in any case.
fn present_user(snapshot: &Snapshot, who: &str) -> Result<UserId, Refused> {
    let directory = &snapshot.directory;
    let by_id = who.parse().ok().and_then(|id| directory.users.get(id));
    let by_name = || scim::UserNameKey::of(who).ok().and_then(|key| directory.users.named(&key));
    by_id
        .or_else(by_name)
        .map(|user| user.id)
        .ok_or_else(|| Refused::new(StatusCode::NOT_FOUND, format!("there is no user `{who}`")))
}

/// What a write answers: where it stands, or that there was nothing to do.
fn done(receipt: &Receipt) -> Answer {
    let body = json!({
        "position": receipt.position,
        "changed": receipt.position.is_some(),
    });
    ok(StatusCode::OK, &body).of(receipt)
}
