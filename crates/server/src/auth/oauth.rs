//! The token endpoint: client credentials, proved by a signed assertion (RFC 6749 §4.4, RFC 7521 §6.2, RFC 7523 §2.2).

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderValue, Method, StatusCode, header, request};
use axum::response::{IntoResponse, Response};
use domain::credential::{Scope, Scopes};
use domain::directory::TenantState;
use domain::id::TenantId;
use domain::rejection::Rejection;
use domain::time::Timestamp;
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

use super::assertion::{self, Shown, Unproved};
use super::metadata::Names;
use super::token::Token;
use crate::app::App;
use crate::body;
use crate::caller::Visit;
use crate::journal::{self, Line};
use crate::limits::{RETRY_SECONDS, SUSPENDED_SECONDS, TOKEN_BODY_BYTES, TOKEN_SECONDS};
use crate::refused::Refused;

/// Who asks is not who they say, or nobody.
const INVALID_CLIENT: &str = "invalid_client";
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// An error in the words of RFC 6749 §5.2.
struct Failed {
    status: StatusCode,
    error: &'static str,
    description: String,
    /// Why, for operators; the client is not told more than it needs.
    why: Option<String>,
    retry: Option<u64>,
    /// Milliseconds after which it is another answer.
    wait_ms: Option<u64>,
    /// The journal knows already.
    is_known: bool,
}

impl Failed {
    fn new(error: &'static str, description: impl Into<String>) -> Failed {
        let (status, description) = (StatusCode::BAD_REQUEST, description.into());
        Failed {
            status,
            error,
            description,
            why: None,
            retry: None,
            wait_ms: None,
            is_known: false,
        }
    }

    /// Who is not known and who proved nothing are told the same.
    fn client(why: &impl ToString) -> Failed {
        Failed {
            status: StatusCode::UNAUTHORIZED,
            why: Some(why.to_string()),
            ..Failed::new(
                INVALID_CLIENT,
                "the assertion proves nothing here: the operator's refusal journal says why",
            )
        }
    }

    fn later(why: &impl ToString, seconds: u64) -> Failed {
        Failed {
            status: StatusCode::SERVICE_UNAVAILABLE,
            retry: Some(seconds),
            ..Failed::new("temporarily_unavailable", why.to_string())
        }
    }
}

impl From<Refused> for Failed {
    fn from(refused: Refused) -> Failed {
        Failed {
            status: refused.status,
            retry: refused.retry_after(),
            is_known: refused.is_known,
            ..Failed::new("invalid_request", refused.detail)
        }
    }
}

/// `POST /oauth/{tenant}/token`
pub(crate) async fn token(
    State(app): State<Arc<App>>,
    Path(slug): Path<String>,
    request: Request,
) -> Response {
    let (parts, mut body) = request.into_parts();
    if parts.method != Method::POST {
        return Refused::no_method("POST").into_response();
    }
    let visit = Visit::of(&app, &parts);
    let answered = async {
        app.guard.asks_from(visit.source)?;
        app.guard.looks(visit.source, &slug, [])?;
        answer(&app, &slug, &parts, &mut body).await
    };
    let (status, told, retry) = match answered.await {
        Ok(told) => (StatusCode::OK, told, None),
        Err(mut failed) => {
            let why = failed.why.take().unwrap_or_else(|| failed.description.clone());
            let mut refused = Refused::new(failed.status, why);
            refused.is_known = failed.is_known;
            if failed.error == INVALID_CLIENT {
                refused = app.guard.wrong(visit.source, &slug, refused);
                if refused.status == StatusCode::TOO_MANY_REQUESTS {
                    failed = refused.clone().into();
                }
            }
            journal::refused(&app, TenantId::SYSTEM, None, &visit, Line::of(&parts), &refused);
            body::drain(&parts, &mut body).await;
            let told = json!({ "error": failed.error, "error_description": failed.description });
            (failed.status, told, failed.retry)
        }
    };
    let mut response = (status, told.to_string()).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::PRAGMA, HeaderValue::from_static("no-cache"));
    if let Some(seconds) = retry {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

async fn answer(
    app: &App,
    slug: &str,
    parts: &request::Parts,
    body: &mut Body,
) -> Result<Value, Failed> {
    let media = parts.headers.get(header::CONTENT_TYPE).and_then(|media| media.to_str().ok());
    let media = media.and_then(|media| media.split(';').next()).unwrap_or_default().trim();
    if !media.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        let what = "send the parameters as `application/x-www-form-urlencoded`";
        return Err(Failed::new("invalid_request", what));
    }
    if parts.headers.contains_key(header::AUTHORIZATION) {
        let what =
            "a client proves who it is in one way: by `client_assertion`, without `Authorization`";
        return Err(Failed::new("invalid_request", what));
    }
    let form = form(&body::read(body, TOKEN_BODY_BYTES).await?)?;
    let given = |name: &str| form.get(name).map(String::as_str);
    match given("grant_type") {
        Some("client_credentials") => {}
        Some(_) => {
            let what = "the only grant type here is `client_credentials`";
            return Err(Failed::new("unsupported_grant_type", what));
        }
        None => return Err(Failed::new("invalid_request", "`grant_type` is not given")),
    }
    if given("client_secret").is_some() || given("client_assertion_type") != Some(ASSERTION_TYPE) {
        let why =
            format!("a client proves who it is by `client_assertion` of type `{ASSERTION_TYPE}`");
        return Err(Failed::client(&why));
    }
    // Who is a little ahead is waited for, rather than used before its time: what is known of used assertions begins with
    // the start of the server.
    match issue(app, slug, &form) {
        Err(Failed { wait_ms: Some(wait_ms), .. }) => {
            tokio::time::sleep(Duration::from_millis(wait_ms)).await;
            issue(app, slug, &form)
        }
        told => told,
    }
}

/// A token for who sent this form.
fn issue(app: &App, slug: &str, form: &BTreeMap<String, String>) -> Result<Value, Failed> {
    let given = |name: &str| form.get(name).map(String::as_str);
    let text = given("client_assertion").unwrap_or_default();
    let names = Names::of(app, slug).ok_or_else(|| Failed::client(&Unproved::NoClient))?;
    let world = app.engine.world();
    let found = world.with_slug(slug).ok_or_else(|| Failed::client(&Unproved::NoClient))?;
    let (tenant, directory, now) = (found.0.id, &found.1.directory, app.now());
    let audiences = [names.issuer.as_str(), names.token_endpoint.as_str()];
    let shown = Shown { tenant, directory, audiences, client: given("client_id"), now };
    let proved = assertion::check(&app.auth.used, text, &shown).map_err(|why| match why {
        Unproved::Soon { millis } => Failed { wait_ms: Some(millis), ..Failed::client(&why) },
        // The signature is good, so the client is told what to do.
        Unproved::BeforeStart => Failed::new("invalid_grant", why.to_string()),
        Unproved::TooMany => Failed::later(&why, TOKEN_SECONDS.unsigned_abs()),
        Unproved::Form
        | Unproved::Critical
        | Unproved::Type
        | Unproved::Client
        | Unproved::NoClient
        | Unproved::NoKey
        | Unproved::Signature
        | Unproved::Audience
        | Unproved::Late
        | Unproved::Early
        | Unproved::Long
        | Unproved::NoTime
        | Unproved::NoId
        | Unproved::Replayed => Failed::client(&why),
    })?;
    // To who proved who they are alone is it told how the tenant stands; that it is closed, to nobody.
    match directory.standing.state {
        TenantState::Open => {}
        TenantState::Suspended { .. } => {
            return Err(Failed::later(&Rejection::Suspended, SUSPENDED_SECONDS));
        }
        TenantState::Closed { .. } => return Err(Failed::client(&Rejection::Closed)),
    }
    if given("resource").is_some_and(|resource| resource != names.resource) {
        let what = format!("tokens from here are for `{}` (RFC 8707)", names.resource);
        return Err(Failed::new("invalid_target", what));
    }
    let scopes = scopes(given("scope"), proved.credential.scopes.as_ref())?;
    let end = Timestamp::from_millis(now.millis().saturating_add(TOKEN_SECONDS * 1_000));
    let expires = proved.credential.expires.map_or(end, |its| its.min(end));
    let words = match &scopes {
        Some(scopes) => scopes.to_string(),
        None => Scope::ALL.map(Scope::as_str).join(" "),
    };
    let (connector, credential) = (proved.connector, proved.credential.id);
    let token = Token { connector, credential, expires, scopes };
    let sealed = app.auth.seal.seal(tenant, &token);
    let sealed = sealed.ok_or_else(|| Failed::later(&"there is no randomness", RETRY_SECONDS))?;
    Ok(json!({
        "access_token": sealed,
        "token_type": "Bearer",
        "expires_in": expires.millis().saturating_sub(now.millis()) / 1_000,
        "scope": words,
    }))
}

/// What a token opens: what is asked for, if the credential opens that; all of it when nothing is.
fn scopes(asked: Option<&str>, held: Option<&Scopes>) -> Result<Option<Scopes>, Failed> {
    let Some(text) = asked else { return Ok(held.cloned()) };
    let asked: Scopes = text.parse().map_err(|error: domain::credential::NotScopes| {
        Failed::new("invalid_scope", error.to_string())
    })?;
    match held {
        Some(held) if !held.hold_all(&asked) => {
            let what = format!("this key may be given `{held}` and nothing else");
            Err(Failed::new("invalid_scope", what))
        }
        Some(_) | None => Ok(Some(asked)),
    }
}

/// The parameters of a form, each at most once (RFC 6749 §3.2); those without a value count as left out.
fn form(bytes: &[u8]) -> Result<BTreeMap<String, String>, Failed> {
    let wrong = || Failed::new("invalid_request", "the form cannot be read");
    let text = std::str::from_utf8(bytes).map_err(|_| wrong())?;
    let decoded = |part: &str| -> Result<String, Failed> {
        let spaced = part.replace('+', " ");
        let text = percent_decode_str(&spaced).decode_utf8().map_err(|_| wrong())?;
        Ok(text.into_owned())
    };
    let mut form = BTreeMap::new();
    for pair in text.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let (name, value) = (decoded(name)?, decoded(value)?);
        if form.contains_key(&name) {
            return Err(Failed::new("invalid_request", "a parameter is given more than once"));
        }
        form.insert(name, value);
    }
    form.retain(|_, value| !value.is_empty());
    Ok(form)
}
