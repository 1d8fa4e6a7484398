//! The SCIM endpoints of a tenant: from bytes to a command, and from a snapshot to an answer.

mod address;
mod bulk;
mod conditions;
mod discovery;
mod list;
mod me;
mod negotiation;
mod query;
mod reach;
mod resource;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{Method, request};
use axum::response::{IntoResponse, Response};
use domain::credential::Scope;
use domain::id::TenantId;
use domain::origin::Actor;
use domain::view::path_part;
use scim::{Catalogue, Quirk, Value};

use crate::answer::Answer;
use crate::app::App;
use crate::auth::metadata::Names;
use crate::body;
use crate::caller::{self, Caller, Visit};
use crate::journal::{self, Line};
use crate::past;
use crate::refused::{Refused, SCIM_JSON};

use address::{Address, Version};
pub(crate) use address::{Endpoint, Kind};
pub(crate) use conditions::expected;
pub use list::Lists;
pub(crate) use query::Parameters;

/// A refusal, and whose journal it belongs into.
struct Failed {
    tenant: TenantId,
    actor: Option<Actor>,
    why: Refused,
}

/// One authenticated request.
struct Asked<'a> {
    app: &'a App,
    visit: &'a Visit,
    parts: &'a request::Parts,
    /// What the refusal journal knows it by.
    line: Line<'a>,
    caller: &'a Caller,
    parameters: Parameters,
    /// The base URL of the tenant's SCIM endpoints.
    base: String,
    /// The schemas and resource types that this connector sees.
    catalogue: Catalogue,
    /// What the request has that the RFCs do not.
    quirks: Mutex<BTreeSet<Quirk>>,
}

impl Asked<'_> {
    /// The types of resources that this connector sees.
    fn kinds(&self) -> Vec<Kind> {
        let known = |kind: &Kind| self.catalogue.resource_type(kind.name()).is_some();
        Kind::ALL.into_iter().filter(known).collect()
    }

    /// Notes what was understood although the RFCs do not have it. Attributes that nobody knows are
    /// left out without an error; the log says how many (R-7644-3.3-06), not which: a name may be
    /// anything.
    fn note(&self, ignored: &[String], quirks: &[Quirk]) {
        if !ignored.is_empty() {
            tracing::debug!(count = ignored.len(), "ignored attributes that no schema has");
        }
        self.quirks.lock().unwrap_or_else(PoisonError::into_inner).extend(quirks);
    }

    /// Counts the request, and what of it was tolerated.
    fn count(&self) {
        let quirks = self.quirks.lock().unwrap_or_else(PoisonError::into_inner);
        let quirks: Vec<Quirk> = quirks.iter().copied().collect();
        self.app.tally.count(self.app, self.caller, &quirks);
    }

    /// The same request before another state of the tenant, with what the connector saw then.
    fn at<'b>(&'b self, caller: &'b Caller) -> Asked<'b> {
        Asked {
            app: self.app,
            visit: self.visit,
            parts: self.parts,
            line: self.line,
            caller,
            parameters: self.parameters.clone(),
            base: self.base.clone(),
            catalogue: caller.catalogue(),
            quirks: Mutex::default(),
        }
    }
}

/// Any request below `/scim/`.
pub(crate) async fn handle(State(app): State<Arc<App>>, request: Request) -> Response {
    let (parts, mut body) = request.into_parts();
    let visit = Visit::of(&app, &parts);
    match answer(&app, &visit, &parts, &mut body).await {
        Ok(response) => response,
        Err(Failed { tenant, actor, why }) => {
            journal::refused(&app, tenant, actor, &visit, Line::of(&parts), &why);
            body::drain(&parts, &mut body).await;
            // Who has no credentials is told where tokens come from (RFC 9728 §5.1).
            let names = Address::parse(parts.uri.path()).and_then(|a| Names::of(&app, &a.slug));
            why.naming(names.map(|names| names.metadata)).into_response()
        }
    }
}

/// The order of the checks is R-7644-3.12-04's: who, where, which method, which media type, how
/// large; then what the body says.
async fn answer(
    app: &App,
    visit: &Visit,
    parts: &request::Parts,
    body: &mut Body,
) -> Result<Response, Failed> {
    let stranger = |why| Failed { tenant: TenantId::SYSTEM, actor: None, why };
    let address =
        Address::parse(parts.uri.path()).ok_or_else(|| stranger(Refused::no_address()))?;
    let world = app.engine.world();
    let base = base_url(app, parts, &address);
    let is_public = matches!(address.endpoint, Some(Endpoint::ServiceProviderConfig));
    let is_filtered = parts.uri.query().is_some_and(|query| query.contains("filter="));
    let is_open = is_public && is_read(&parts.method) && !is_filtered;
    let asks_past = asks_past(parts);
    // The same of every slug: which tenants there are is nobody's business who has no key.
    if is_open && !asks_past {
        app.guard.asks_from(visit.source).map_err(stranger)?;
        // Who shows a good key is told what its connector has as well.
        let caller =
            caller::connector(app, &world, visit.source, &parts.headers, &address.slug).await.ok();
        let roles = caller.map(|caller| caller.roles()).unwrap_or_default();
        return Ok(discovery::service_provider_config(&base, roles).into_response());
    }
    if matches!(address.endpoint, Some(Endpoint::Me)) && address.connector.is_none() {
        let person = caller::person(app, &world, visit.source, &parts.headers, &address.slug)
            .await
            .map_err(stranger)?;
        let answer = me::answer(app, &person, parts, &address.version, &base).await;
        let failed = |why| Failed { tenant: person.tenant, actor: None, why };
        return answer.map(Answer::into_response).map_err(failed);
    }
    let caller = caller::connector(app, &world, visit.source, &parts.headers, &address.slug)
        .await
        .map_err(stranger)?;
    let known = |why| Failed { tenant: caller.tenant, actor: Some(caller.actor()), why };
    let media = async {
        caller.within_rate(app)?;
        caller.admitted()?;
        caller.check_connector(address.connector.as_deref())?;
        check_version(&address.version)?;
        let endpoint = address.endpoint.as_ref().ok_or_else(Refused::no_address)?;
        let allowed = endpoint.methods();
        if !allowed.split(", ").any(|method| method == parts.method.as_str()) {
            return Err(Refused::no_method(allowed));
        }
        check_scope(&caller, endpoint, is_read(&parts.method))?;
        // The public document is in the one media type, whatever is accepted; so it was then.
        let media = if is_open { SCIM_JSON } else { negotiation::accepted(&parts.headers)? };
        let bytes = if matches!(parts.method, Method::POST | Method::PUT | Method::PATCH) {
            negotiation::check_body_type(&parts.headers)?;
            body::read(body, endpoint.body_limit_bytes()).await?
        } else {
            Vec::new()
        };
        let parameters = Parameters::parse(parts.uri.query().unwrap_or_default())?;
        let reads =
            is_read(&parts.method) || matches!(endpoint, Endpoint::Search(_) | Endpoint::SearchAll);
        if !reads && parameters.get("asOf").is_some() {
            let detail = "`asOf` is for reads: the past is not written";
            return Err(scim::Invalid::value(detail).into());
        }
        let quirks = Mutex::new(negotiation::quirks(parts, &parameters, !bytes.is_empty()));
        let snapshot = match reads {
            true => {
                let user = if let Endpoint::One(Kind::User, id) = endpoint {
                    id.parse().ok()
                } else {
                    None
                };
                past::asked(app, caller.tenant, &caller.snapshot, &parameters, user).await?
            }
            false => caller.snapshot.clone(),
        };
        // Whose key it is, is of now; everything else, the connector's settings too, is of then.
        let caller = &caller.at(snapshot);
        let (line, catalogue) = (Line::of(parts), caller.catalogue());
        let asked = Asked { app, visit, parts, line, caller, parameters, base, catalogue, quirks };
        let answer = dispatch(&asked, endpoint, &bytes).await;
        asked.count();
        let mut answer = answer?;
        answer.media = media;
        Ok(answer)
    };
    media.await.map(Answer::into_response).map_err(known)
}

async fn dispatch(asked: &Asked<'_>, endpoint: &Endpoint, body: &[u8]) -> Result<Answer, Refused> {
    if let Endpoint::List(kind) | Endpoint::Search(kind) | Endpoint::One(kind, _) = endpoint
        && asked.catalogue.resource_type(kind.name()).is_none()
    {
        return Err(Refused::no_address());
    }
    match endpoint {
        Endpoint::List(kind) if asked.parts.method == Method::POST => {
            Ok(resource::create(asked, *kind, &Value::parse(body)?).await?.answer(asked))
        }
        Endpoint::List(kind) => list::list(asked, &[*kind], None).await,
        Endpoint::Search(kind) => list::list(asked, &[*kind], Some(body)).await,
        Endpoint::ListAll => list::list(asked, &asked.kinds(), None).await,
        Endpoint::SearchAll => list::list(asked, &asked.kinds(), Some(body)).await,
        Endpoint::One(kind, id) => one(asked, *kind, id, body).await,
        Endpoint::Bulk => bulk::bulk(asked, body).await,
        Endpoint::ServiceProviderConfig => discovery::config(asked),
        Endpoint::ResourceTypes(name) => discovery::resource_types(asked, name.as_deref()),
        Endpoint::Schemas(urn) => discovery::schemas(asked, urn.as_deref()),
        Endpoint::Me => Err(Refused::no_address()),
    }
}

/// A request for one resource.
async fn one(asked: &Asked<'_>, kind: Kind, id: &str, body: &[u8]) -> Result<Answer, Refused> {
    let expected = conditions::expected(&asked.parts.headers);
    let written = match asked.parts.method.as_str() {
        "PUT" => resource::replace(asked, kind, id, &Value::parse(body)?, expected).await,
        "PATCH" => resource::patch(asked, kind, id, &Value::parse(body)?, expected).await,
        "DELETE" => resource::delete(asked, kind, id, expected).await,
        _ => return resource::get(asked, kind, id),
    };
    written.map(|written| written.answer(asked))
}

/// That the caller's credential has the scopes that an endpoint needs. A bulk job's operations are each asked for their own.
fn check_scope(caller: &Caller, endpoint: &Endpoint, is_read: bool) -> Result<(), Refused> {
    match endpoint {
        Endpoint::Search(kind) => caller.needs(kind.read()),
        Endpoint::List(kind) | Endpoint::One(kind, _) => {
            caller.needs(if is_read { kind.read() } else { kind.write() })
        }
        // What it may not see is not left out without a word: the whole is refused.
        Endpoint::ListAll | Endpoint::SearchAll => {
            Kind::ALL.into_iter().try_for_each(|kind| caller.needs(kind.read()))
        }
        Endpoint::ResourceTypes(_) | Endpoint::Schemas(_) => caller.needs(Scope::Discovery),
        Endpoint::Bulk | Endpoint::ServiceProviderConfig | Endpoint::Me => Ok(()),
    }
}

fn check_version(version: &Version) -> Result<(), Refused> {
    match version {
        Version::Two => Ok(()),
        Version::Other(version) => {
            let detail = format!("version `{version}` is not offered here: use `v2`");
            Err(scim::Invalid::new(scim::ScimType::InvalidVers, detail).into())
        }
    }
}

/// Whether a request says `asOf`: what is open to everyone now is not open for the past.
fn asks_past(parts: &request::Parts) -> bool {
    let says = |query| Parameters::parse(query).is_ok_and(|it| it.get("asOf").is_some());
    parts.uri.query().is_some_and(says)
}

fn is_read(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD)
}

/// The base URL of a tenant's SCIM endpoints, as this client reaches it: whoever names its connector in the path is led to
/// addresses that name it.
fn base_url(app: &App, parts: &request::Parts, address: &Address) -> String {
    let connector = address.connector.as_deref().map(path_part);
    let path = match connector {
        Some(connector) => format!("scim/{}/{connector}/v2", address.slug),
        None => format!("scim/{}/v2", address.slug),
    };
    app.address_of(&parts.headers, &path)
}
