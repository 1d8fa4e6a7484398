//! Who calls: the credential in a request, and what it opens.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Instant;

use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header, request};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use domain::credential::{CredentialKind, Proof, Scope, Scopes};
use domain::directory::Credential;
use domain::directory::{TenantState, User};
use domain::event::{ConnectorSettings, Holder, OperatorRole, RoleCatalogue};
use domain::id::{ConnectorId, CredentialId, OperatorId, RequestId, TenantId, UserId};
use domain::limits::AGENT_CHARS;
use domain::origin::{Actor, Origin};
use domain::rejection::{Forbidden, Rejection};
use domain::snapshot::Snapshot;
use domain::time::Timestamp;
use engine::World;
use tracing::Instrument;
use zeroize::Zeroizing;

use crate::app::App;
use crate::auth::password::Candidate;
use crate::auth::token;
use crate::journal::{self, Line};
use crate::proxy;
use crate::refused::Refused;
use crate::requests::{self, Asks};

/// What stands for a tenant's slug where operators are guessed at: no tenant is called so.
const INSTANCE: &str = "";

/// What the challenge says of a good key that does not open this (RFC 6750 §3.1).
pub(crate) const INSUFFICIENT: &str = ", error=\"insufficient_scope\"";

/// The target of the spans that are meant for a collector: nobody else wants them.
pub const EXPORTED: &str = "rollbook::exported";

/// Which request an answer is to.
const REQUEST: HeaderName = HeaderName::from_static("rollbook-request");

/// Gives each request an id, whoever answers it: its log lines carry it, a panic's too, and its answer
/// says it. The audit log and the refusal journal know the request by it.
pub(crate) async fn identified(
    State(app): State<Arc<App>>,
    mut request: Request,
    next: Next,
) -> Response {
    let begun = Instant::now();
    let id = RequestId::new(app.id());
    let (asks, method) = (Asks::of(request.uri().path()), request.method().clone());
    request.extensions_mut().insert(id);
    // For a collector; where nothing is exported it is not made, and costs one look at an atomic.
    let exported = tracing::trace_span!(
        target: EXPORTED,
        "request",
        "otel.kind" = "server",
        "rollbook.request" = %id,
        "http.request.method" = requests::method_name(&method),
        "http.route" = asks.as_str(),
        "http.response.status_code" = tracing::field::Empty,
    );
    let span = tracing::info_span!("request", %id);
    let mut response = next.run(request).instrument(span.clone()).await;
    if let Ok(id) = HeaderValue::try_from(id.to_string()) {
        response.headers_mut().insert(REQUEST, id);
    }
    let (status, took) = (response.status(), begun.elapsed());
    app.requests.answered(asks, &method, status, took);
    exported.record("http.response.status_code", status.as_u16());
    drop(exported);
    span.in_scope(|| {
        let microseconds = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let (method, route, status) =
            (requests::method_name(&method), asks.as_str(), status.as_u16());
        tracing::debug!(method, route, status, microseconds, "answered");
    });
    response
}

/// Lets those in who show no credential, each address so often.
pub(crate) async fn stranger(
    State(app): State<Arc<App>>,
    request: Request,
    next: Next,
) -> Response {
    let (parts, body) = request.into_parts();
    let visit = Visit::of(&app, &parts);
    match app.guard.asks_from(visit.source) {
        Ok(()) => next.run(Request::from_parts(parts, body)).await,
        Err(why) => {
            journal::refused(&app, TenantId::SYSTEM, None, &visit, Line::of(&parts), &why);
            why.into_response()
        }
    }
}

/// What is known of a request before anyone is asked who they are.
#[derive(Clone)]
pub(crate) struct Visit {
    pub(crate) request: RequestId,
    pub(crate) source: Option<IpAddr>,
    pub(crate) agent: Option<String>,
}

impl Visit {
    pub(crate) fn of(app: &App, parts: &request::Parts) -> Visit {
        let agent = parts.headers.get(header::USER_AGENT).and_then(|agent| agent.to_str().ok());
        let connection = parts.extensions.get::<ConnectInfo<SocketAddr>>();
        let id = parts.extensions.get::<RequestId>().copied();
        Visit {
            request: id.unwrap_or_else(|| RequestId::new(app.id())),
            source: connection.map(|ConnectInfo(address)| {
                proxy::source(address.ip(), &parts.headers, &app.trusted_proxies)
            }),
            agent: agent.map(|agent| {
                let end = agent.char_indices().nth(AGENT_CHARS).map(|(end, _)| end);
                agent.get(..end.unwrap_or(agent.len())).unwrap_or_default().to_owned()
            }),
        }
    }

    pub(crate) fn origin(&self, actor: Actor) -> Origin {
        let (request, source, agent) = (self.request, self.source, self.agent.clone());
        Origin { actor, request, source, agent, claimed: None }
    }
}

/// An identity provider whose credential is good now, and the tenant that it opened.
#[derive(Clone)]
pub(crate) struct Caller {
    pub(crate) tenant: TenantId,
    /// The tenant as the request sees it: as it is now, or as of the moment that is asked for.
    pub(crate) snapshot: Arc<Snapshot>,
    /// The tenant as it was when the credential was shown.
    now: Arc<Snapshot>,
    pub(crate) connector: ConnectorId,
    pub(crate) credential: CredentialId,
    /// What the credential opens; none: everything that the connector may.
    scopes: Option<Scopes>,
    /// When the access token ends that was shown; none: the credential itself was.
    until: Option<Timestamp>,
}

/// A user whose key was good.
pub(crate) struct Person {
    pub(crate) tenant: TenantId,
    pub(crate) snapshot: Arc<Snapshot>,
    pub(crate) user: UserId,
}

impl Caller {
    pub(crate) fn actor(&self) -> Actor {
        Actor::Connector { id: self.connector, credential: self.credential }
    }

    /// That the tenant lets it in as it stands now. Asked once it is known who calls, so that the refusal journal says
    /// whose requests went unheard.
    pub(crate) fn admitted(&self) -> Result<(), Refused> {
        admitted(&self.now)
    }

    /// That its credential was not used too often of late.
    pub(crate) fn within_rate(&self, app: &App) -> Result<(), Refused> {
        app.guard.asks(self.credential)
    }

    /// That the credential opens what needs this.
    pub(crate) fn needs(&self, scope: Scope) -> Result<(), Refused> {
        match &self.scopes {
            Some(scopes) if !scopes.hold(scope) => Err(Refused::lacks(scope)),
            Some(_) | None => Ok(()),
        }
    }

    /// The same caller at the tenant of now, if its key is still good: a job takes its time.
    pub(crate) fn again(&self, app: &App) -> Result<Caller, Refused> {
        let now = self.at_present(app)?;
        now.admitted()?;
        let credential = now.snapshot.directory.credentials.get(self.credential);
        let is_over = self.until.is_some_and(|end| end <= app.now());
        if !is_over && credential.is_some_and(|credential| credential.is_valid(app.now())) {
            now.check_connector(None)?;
            return Ok(now);
        }
        Err(Refused::bad_credentials())
    }

    /// The same caller at the tenant of now, whatever became of its key: to take back what it did
    /// while it was good.
    pub(crate) fn at_present(&self, app: &App) -> Result<Caller, Refused> {
        let snapshot = app.engine.now(self.tenant).ok_or_else(Refused::no_address)?;
        Ok(Caller { now: snapshot.clone(), snapshot, ..self.clone() })
    }

    /// That the connector is switched on now, and is the one that the path names, if it names one.
    pub(crate) fn check_connector(&self, named: Option<&str>) -> Result<(), Refused> {
        let Some(connector) = self.now.directory.connectors.present(self.connector) else {
            return Err(Refused::bad_credentials());
        };
        // One that is not there and one that is somebody else's are alike.
        if named.is_some_and(|name| name != connector.name) {
            return Err(Refused::no_address());
        }
        if connector.settings.enabled {
            return Ok(());
        }
        let (connector, why) = (connector.name.clone(), Forbidden::Disabled);
        Err(Rejection::Forbidden { connector, why }.into())
    }

    /// The same caller before another state of its tenant.
    pub(crate) fn at(&self, snapshot: Arc<Snapshot>) -> Caller {
        Caller { snapshot, ..self.clone() }
    }

    /// Whether what is read shows somebody who was erased since then: a user, or the `display` of a
    /// member, who is called `erased-…` there. Its version does not tell.
    pub(crate) fn shows_erased(&self, id: &str, body: &[u8]) -> bool {
        let (now, then) = (&self.now.directory.users, &self.snapshot.directory.users);
        now.erased() != then.erased()
            && (id.parse().is_ok_and(|user| now.is_erased(user))
                || body.windows(b"erased-".len()).any(|part| part == b"erased-"))
    }

    /// How the connector treats what its client sends; as of a moment at which it was not there yet,
    /// as it does now: an auditor's connector of today reads what was long before it.
    pub(crate) fn settings(&self) -> Option<&ConnectorSettings> {
        let then = self.snapshot.directory.connectors.get(self.connector);
        let connector = then.or_else(|| self.now.directory.connectors.get(self.connector));
        connector.map(|connector| &connector.settings)
    }

    /// The schemas and resource types that it sees.
    pub(crate) fn catalogue(&self) -> scim::Catalogue {
        self.snapshot.directory.schemas.published(self.roles())
    }

    /// How roles are published to it.
    pub(crate) fn roles(&self) -> RoleCatalogue {
        self.settings().map(|settings| settings.catalogue).unwrap_or_default()
    }

    /// How its requests are read.
    pub(crate) fn options(&self) -> scim::Options {
        self.settings().map_or(scim::Mode::Strict.into(), ConnectorSettings::options)
    }
}

/// What stands in `Authorization`: perhaps a site host, and a secret, which is wiped from memory when dropped. The request's
/// own bytes are the connection's.
struct Shown {
    slug: Option<String>,
    secret: Zeroizing<String>,
    is_basic: bool,
}

/// Reads `Authorization`: `Bearer acme:rbk_…`, `Bearer rbk_…`, or `Basic` with the site host as
/// user and the secret as password (behaviour C-02). Scheme names in any case.
fn shown(headers: &HeaderMap) -> Result<Shown, Refused> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let Some(value) = values.next() else { return Err(Refused::no_credentials()) };
    if values.next().is_some() {
        return Err(Refused::two_credentials());
    }
    let text = value.to_str().map_err(|_| Refused::bad_credentials())?;
    let (scheme, rest) = text.split_once(' ').ok_or_else(Refused::bad_credentials)?;
    let is_basic = scheme.eq_ignore_ascii_case("basic");
    let key = Zeroizing::new(if scheme.eq_ignore_ascii_case("bearer") {
        rest.trim().to_owned()
    } else if is_basic {
        let decoded = data_encoding::BASE64.decode(rest.trim().as_bytes());
        let decoded = decoded.map_err(|_| Refused::bad_credentials())?;
        String::from_utf8(decoded).map_err(|_| Refused::bad_credentials())?
    } else {
        return Err(Refused::bad_credentials());
    });
    Ok(match key.split_once(':') {
        Some((slug, secret)) => {
            Shown { slug: Some(slug.to_owned()), secret: secret.to_owned().into(), is_basic }
        }
        None => Shown { slug: None, secret: key, is_basic },
    })
}

/// The connector whose key was shown. The key says which tenant; the path may only confirm it
/// (R-7644-6-01): another tenant's path is an address that does not exist.
pub(crate) async fn connector(
    app: &App,
    world: &World,
    source: Option<IpAddr>,
    headers: &HeaderMap,
    path_slug: &str,
) -> Result<Caller, Refused> {
    let Opened { tenant, snapshot, credential, holder, scopes, until } =
        opened(app, world, source, headers, path_slug).await?;
    match holder {
        Holder::Connector(connector) => {
            let now = snapshot.clone();
            Ok(Caller { tenant, now, snapshot, connector, credential, scopes, until })
        }
        Holder::User(_) => {
            let detail = "this key is a user's: it opens `/Me` and nothing else";
            Err(Refused::forbidden(detail, INSUFFICIENT))
        }
        Holder::Operator(_) => Err(Refused::bad_credentials()),
    }
}

/// The header of the management API that holds a whole key, as in `acme:rbk_…`.
const PARTNER: &str = "http-x-partner-auth";

/// The connector whose key stands in [`PARTNER`], or in `Authorization` where clients know no other header. No path says which
/// tenant is meant, so the key must.
pub(crate) async fn partner(
    app: &App,
    world: &World,
    source: Option<IpAddr>,
    headers: &HeaderMap,
) -> Result<Caller, Refused> {
    let mut translated = headers.clone();
    if let Some(key) = headers.get(PARTNER) {
        let key = key.to_str().map_err(|_| Refused::bad_credentials())?;
        let value = HeaderValue::try_from(format!("Bearer {key}"));
        translated.insert(header::AUTHORIZATION, value.map_err(|_| Refused::bad_credentials())?);
    }
    let slug = shown(&translated)?.slug.ok_or_else(Refused::bad_credentials)?;
    connector(app, world, source, &translated, &slug).await
}

/// The user whose key was shown. A key of someone who may do nothing, or is gone, opens nothing.
pub(crate) async fn person(
    app: &App,
    world: &World,
    source: Option<IpAddr>,
    headers: &HeaderMap,
    path_slug: &str,
) -> Result<Person, Refused> {
    let Opened { tenant, snapshot, holder, credential, .. } =
        opened(app, world, source, headers, path_slug).await?;
    app.guard.asks(credential)?;
    match holder {
        Holder::User(user) if snapshot.directory.users.get(user).is_some_and(User::may_act) => {
            admitted(&snapshot)?;
            app.tally.used_now(app, tenant, credential);
            Ok(Person { tenant, snapshot, user })
        }
        Holder::Connector(_) => {
            let detail = "this key is an identity provider's and stands for no user: `/Me` is for keys of users";
            Err(Refused::new(StatusCode::NOT_FOUND, detail))
        }
        Holder::User(_) | Holder::Operator(_) => Err(Refused::bad_credentials()),
    }
}

/// What a shown key opens.
struct Opened {
    tenant: TenantId,
    snapshot: Arc<Snapshot>,
    credential: CredentialId,
    holder: Holder,
    scopes: Option<Scopes>,
    until: Option<Timestamp>,
}

impl Opened {
    fn by(tenant: TenantId, snapshot: &Arc<Snapshot>, credential: &Credential) -> Opened {
        Opened {
            tenant,
            snapshot: snapshot.clone(),
            credential: credential.id,
            holder: credential.holder,
            scopes: credential.scopes.clone(),
            until: None,
        }
    }
}

/// That a tenant lets its keys open anything as it stands now.
pub(crate) fn admitted(now: &Snapshot) -> Result<(), Refused> {
    match now.directory.standing.state {
        TenantState::Open => Ok(()),
        TenantState::Suspended { .. } => Err(Refused::suspended()),
        TenantState::Closed { .. } => Err(Refused::bad_credentials()),
    }
}

async fn opened(
    app: &App,
    world: &World,
    source: Option<IpAddr>,
    headers: &HeaderMap,
    path_slug: &str,
) -> Result<Opened, Refused> {
    let shown = shown(headers)?;
    let opened = match by_token(app, world, &shown, path_slug) {
        Some(opened) => Some(opened),
        None => by_key(app, world, &shown, path_slug)?,
    };
    match opened {
        Some(opened) => {
            app.guard.hears(source, path_slug, opened.credential)?;
            Ok(opened)
        }
        None => by_password(app, source, &shown, path_slug).await,
    }
}

/// A key is found by the hash of its secret. None: it is no key that is good. Hashed before anything is known of the tenant:
/// one that is not there takes the same steps.
fn by_key(
    app: &App,
    world: &World,
    shown: &Shown,
    path_slug: &str,
) -> Result<Option<Opened>, Refused> {
    let slug = shown.slug.as_deref().unwrap_or(path_slug);
    let hash = app.auth.hash_of_key(&shown.secret);
    let Some((tenant, snapshot)) = world.with_slug(slug) else { return Ok(None) };
    let credential = snapshot.directory.credentials.with_hash(&hash);
    let Some(credential) = credential.filter(|credential| credential.is_valid(app.now())) else {
        return Ok(None);
    };
    if slug != path_slug {
        return Err(Refused::no_address());
    }
    Ok(Some(Opened::by(tenant.id, snapshot, credential)))
}

/// An access token of this tenant whose credential is still good.
fn by_token(app: &App, world: &World, shown: &Shown, path_slug: &str) -> Option<Opened> {
    if shown.is_basic || shown.slug.is_some() || !shown.secret.starts_with(token::PREFIX) {
        return None;
    }
    let found = world.with_slug(path_slug);
    // Of a tenant that is not there no token is; it is looked at all the same.
    let token = app
        .auth
        .seal
        .open(found.map_or(TenantId::SYSTEM, |(tenant, _)| tenant.id), &shown.secret)?;
    let (tenant, snapshot) = found?;
    let credential = snapshot.directory.credentials.get(token.credential)?;
    let is_good = app.now() < token.expires
        && credential.is_valid(app.now())
        && credential.kind() == CredentialKind::PublicKey
        && credential.holder == Holder::Connector(token.connector);
    let opened = Opened::by(tenant.id, snapshot, credential);
    is_good.then_some(Opened { scopes: token.scopes, until: Some(token.expires), ..opened })
}

/// A user name and a password of the tenant in the path. Who names the site host shows a key, and no password is looked at.
async fn by_password(
    app: &App,
    source: Option<IpAddr>,
    shown: &Shown,
    path_slug: &str,
) -> Result<Opened, Refused> {
    let wrong = || app.guard.wrong(source, path_slug, Refused::bad_credentials());
    let user = shown.slug.as_deref().filter(|user| shown.is_basic && *user != path_slug);
    let user = user.ok_or_else(wrong)?;
    let now = app.now();
    let mut candidates: Vec<Candidate> = Vec::new();
    if let Some((_, snapshot)) = app.engine.world().with_slug(path_slug) {
        for credential in snapshot.directory.credentials.of_user(user) {
            if let (true, Some(Proof::Password { hash, .. })) =
                (credential.is_valid(now), &credential.proof)
            {
                candidates.push((credential.id, hash.clone()));
            }
        }
    }
    // Before it is looked at: that is what costs.
    app.guard.looks(source, path_slug, candidates.iter().map(|(credential, _)| *credential))?;
    let passwords = &app.auth.passwords;
    let right = passwords.check(now, path_slug, user, &shown.secret, &candidates).await?;
    let right = right.ok_or_else(wrong)?;
    // It took its time: what is good is asked again, now.
    let world = app.engine.world();
    let (tenant, snapshot) = world.with_slug(path_slug).ok_or_else(Refused::bad_credentials)?;
    let credential = snapshot.directory.credentials.get(right);
    let credential = credential.filter(|credential| credential.is_valid(app.now()));
    let credential = credential.ok_or_else(Refused::bad_credentials)?;
    app.guard.hears(source, path_slug, right)?;
    Ok(Opened::by(tenant.id, snapshot, credential))
}

/// An operator whose key was good.
pub(crate) struct Operator {
    pub(crate) id: OperatorId,
    /// What they may do.
    pub(crate) role: OperatorRole,
    /// The key.
    pub(crate) credential: CredentialId,
}

/// The operator whose key was shown.
pub(crate) fn operator(
    app: &App,
    world: &World,
    source: Option<IpAddr>,
    headers: &HeaderMap,
) -> Result<Operator, Refused> {
    let shown = shown(headers)?;
    let system = world.system().ok_or_else(Refused::bad_credentials)?;
    let hash = app.auth.hash_of_key(&shown.secret);
    let credential = system.directory.credentials.with_hash(&hash);
    let valid = credential.filter(|credential| credential.is_valid(app.now()));
    match valid.map(|credential| (credential.holder, credential.id)) {
        Some((Holder::Operator(id), credential)) if shown.slug.is_none() => {
            let there = system.directory.operators.present(id);
            let role = there.map(|operator| operator.role).ok_or_else(Refused::bad_credentials)?;
            app.guard.hears(source, INSTANCE, credential)?;
            app.tally.used_now(app, TenantId::SYSTEM, credential);
            Ok(Operator { id, role, credential })
        }
        _ => Err(app.guard.wrong(source, INSTANCE, Refused::bad_credentials())),
    }
}
