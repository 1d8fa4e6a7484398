//! Answers that say no: one shape for all of them (RFC 7644 §3.12), whoever refuses.

use std::any::Any;
use std::borrow::Cow;
use std::time::Duration;

use audit::About;
use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use domain::credential::Scope;
use domain::rejection::Rejection;
use engine::{ReadError, Refusal};
use eventlog::Broken;
use scim::bulk::{JobError, Unmet};
use scim::{Invalid, ScimType};
use tokio::task::JoinError;

use crate::caller::INSUFFICIENT;
use crate::limits::{RETRY_SECONDS, SUSPENDED_SECONDS};

/// The media type of every SCIM answer.
pub(crate) const SCIM_JSON: HeaderValue = HeaderValue::from_static("application/scim+json");

/// Why a request is refused, as the client is told.
#[derive(Debug, Clone)]
pub(crate) struct Refused {
    pub(crate) status: StatusCode,
    pub(crate) kind: Option<ScimType>,
    pub(crate) detail: String,
    /// Whom it is about, where the path does not say so.
    pub(crate) about: Option<Box<About>>,
    /// The journal knows already, and would only be filled.
    pub(crate) is_known: bool,
    extra: Extra,
}

/// What a refusal needs beside its body.
#[derive(Debug, Clone)]
enum Extra {
    Nothing,
    Challenge(Cow<'static, str>),
    Allow(&'static str),
    RetryAfter(u64),
}

impl Refused {
    pub(crate) fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        let (detail, extra) = (detail.into(), Extra::Nothing);
        Self { status, kind: None, detail, about: None, is_known: false, extra }
    }

    /// The same, about these: the refusal journal says so.
    pub(crate) fn about(self, about: About) -> Self {
        Self { about: Some(Box::new(about)), ..self }
    }

    fn challenge(error: &'static str, detail: &str) -> Self {
        let extra = Extra::Challenge(error.into());
        Self { extra, ..Self::new(StatusCode::UNAUTHORIZED, detail) }
    }

    /// Nobody said who they are: no error code then (RFC 6750 §3.1).
    pub(crate) fn no_credentials() -> Self {
        Self::challenge(
            "",
            "no credentials were sent: send the API key as `Authorization: Bearer <key>`",
        )
    }

    /// What was sent opens nothing; it is not said why, so that nobody learns what exists.
    pub(crate) fn bad_credentials() -> Self {
        Self::challenge(
            ", error=\"invalid_token\"",
            "these credentials are not valid here: check the API key, or issue a new one",
        )
    }

    /// A good key of a tenant that is suspended. Not 403: clients take that for a key that is wrong and give up, and what
    /// they wanted to say would be lost; what they may repeat later, they do.
    pub(crate) fn suspended() -> Self {
        let extra = Extra::RetryAfter(SUSPENDED_SECONDS);
        let detail = Rejection::Suspended.to_string();
        Self { extra, ..Self::new(StatusCode::SERVICE_UNAVAILABLE, detail) }
    }

    /// Two ways of saying who one is at once (RFC 6750 §3.1).
    pub(crate) fn two_credentials() -> Self {
        let detail = "more than one `Authorization` header was sent: send one";
        Self {
            extra: Extra::Challenge(", error=\"invalid_request\"".into()),
            ..Self::new(StatusCode::BAD_REQUEST, detail)
        }
    }

    /// A good key that does not open this (RFC 6750 §3.1).
    pub(crate) fn forbidden(detail: &str, challenge: &'static str) -> Self {
        let extra = Extra::Challenge(challenge.into());
        Self { extra, ..Self::new(StatusCode::FORBIDDEN, detail) }
    }

    /// A good credential without the scope that this needs; the challenge says which (RFC 6750 §3).
    pub(crate) fn lacks(scope: Scope) -> Self {
        let detail = format!(
            "this credential lacks the scope `{scope}`: use one that has it, or issue one with it"
        );
        let challenge = format!("{INSUFFICIENT}, scope=\"{scope}\"");
        let extra = Extra::Challenge(challenge.into());
        Self { extra, ..Self::new(StatusCode::FORBIDDEN, detail) }
    }

    /// Where the metadata of what was asked for stands, if this asks for credentials.
    pub(crate) fn naming(mut self, metadata: Option<String>) -> Self {
        if let (Extra::Challenge(error), Some(url), StatusCode::UNAUTHORIZED) =
            (&mut self.extra, metadata, self.status)
        {
            error.to_mut().push_str(&format!(", resource_metadata=\"{url}\""));
        }
        self
    }

    /// No such address: the same for one that never existed and for another tenant's.
    pub(crate) fn no_address() -> Self {
        Self::new(StatusCode::NOT_FOUND, "there is nothing at this address")
    }

    pub(crate) fn no_method(allow: &'static str) -> Self {
        let detail = format!("this method is not offered here; these are: {allow}");
        Self { extra: Extra::Allow(allow), ..Self::new(StatusCode::METHOD_NOT_ALLOWED, detail) }
    }

    pub(crate) fn too_large(limit_bytes: usize) -> Self {
        let detail = format!(
            "the body is larger than {limit_bytes} bytes, the limit here: send it in several requests"
        );
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, detail)
    }

    /// The server's fault: why is for its log, not for the client.
    pub(crate) fn internal(why: &str) -> Self {
        tracing::error!("{why}");
        let detail = "the server failed; its log says why, under this request's id";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, detail)
    }

    /// The log does not answer: a disk that fails does not say what is there, and then it is not known to be damaged.
    pub(crate) fn unreadable(broken: &Broken, why: &str) -> Self {
        match broken {
            Broken::Store { .. } => {
                tracing::error!("{why}");
                let detail = "the log cannot be read at present: the server's log says why";
                Self::later(StatusCode::SERVICE_UNAVAILABLE, detail)
            }
            Broken::Commit { .. }
            | Broken::Bytes { .. }
            | Broken::Frame { .. }
            | Broken::Key { .. } => Self::internal(why),
        }
    }

    /// The thread that should have answered is gone.
    pub(crate) fn broken_off(_: JoinError) -> Self {
        Self::internal("what should have answered a request broke off; this is a bug")
    }

    /// The body of the answer.
    pub(crate) fn body(&self) -> Vec<u8> {
        scim::error_body(self.status.as_u16(), self.kind, &self.detail)
    }

    /// More than somebody may (RFC 6585 §4), until so long has passed; noted only if it is news.
    pub(crate) fn too_many(detail: impl Into<String>, wait: Duration, is_news: bool) -> Self {
        let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        let extra = Extra::RetryAfter(seconds.max(1));
        Self { is_known: !is_news, extra, ..Self::new(StatusCode::TOO_MANY_REQUESTS, detail) }
    }

    /// When the client may come again, if that was said.
    pub(crate) fn retry_after(&self) -> Option<u64> {
        match self.extra {
            Extra::RetryAfter(seconds) => Some(seconds),
            Extra::Nothing | Extra::Challenge(_) | Extra::Allow(_) => None,
        }
    }

    pub(crate) fn later(status: StatusCode, detail: impl Into<String>) -> Self {
        Self { extra: Extra::RetryAfter(RETRY_SECONDS), ..Self::new(status, detail) }
    }
}

impl From<Invalid> for Refused {
    fn from(invalid: Invalid) -> Self {
        Self { kind: Some(invalid.kind), ..Self::new(StatusCode::BAD_REQUEST, invalid.detail) }
    }
}

impl From<JobError> for Refused {
    fn from(error: JobError) -> Self {
        let detail = error.to_string();
        match error {
            JobError::Invalid(invalid) => invalid.into(),
            JobError::TooMany { .. } => Self::new(StatusCode::PAYLOAD_TOO_LARGE, detail),
        }
    }
}

impl From<Unmet> for Refused {
    fn from(unmet: Unmet) -> Self {
        let detail = unmet.to_string();
        match unmet {
            Unmet::Invalid(invalid) => invalid.into(),
            Unmet::Failed(_) | Unmet::Circle(_) => Self::new(StatusCode::CONFLICT, detail),
        }
    }
}

impl From<Rejection> for Refused {
    fn from(rejection: Rejection) -> Self {
        let detail = rejection.to_string();
        match rejection {
            Rejection::NotFound { .. } => Self::new(StatusCode::NOT_FOUND, detail),
            Rejection::Forbidden { .. } => Self::new(StatusCode::FORBIDDEN, detail),
            Rejection::InUse { .. }
            | Rejection::Managed { .. }
            | Rejection::LastOwner { .. }
            | Rejection::Closed => Self::new(StatusCode::CONFLICT, detail),
            Rejection::Suspended => Self::suspended(),
            Rejection::Taken { .. } | Rejection::BuiltIn { .. } => {
                Self { kind: Some(ScimType::Uniqueness), ..Self::new(StatusCode::CONFLICT, detail) }
            }
            Rejection::Stale { .. } | Rejection::Unwanted { .. } | Rejection::Overtaken { .. } => {
                Self::new(StatusCode::PRECONDITION_FAILED, detail)
            }
            Rejection::Invalid(invalid) => invalid.into(),
            Rejection::TooLarge { .. } => Self::new(StatusCode::PAYLOAD_TOO_LARGE, detail),
        }
    }
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        let detail = refusal.to_string();
        match refusal {
            Refusal::Rejected(rejection) => rejection.into(),
            Refusal::NoTenant => Self::no_address(),
            Refusal::Busy => Self::later(StatusCode::SERVICE_UNAVAILABLE, detail),
            Refusal::Unavailable(_) => {
                tracing::error!("{detail}");
                let detail = "nothing can be written at present: the server's log says why";
                Self::later(StatusCode::SERVICE_UNAVAILABLE, detail)
            }
            Refusal::Unfit(_) | Refusal::Panicked => Self::internal(&detail),
        }
    }
}

impl From<ReadError> for Refused {
    fn from(error: ReadError) -> Self {
        let detail = error.to_string();
        match error {
            ReadError::NoTenant => Self::no_address(),
            ReadError::BeforeBirth { .. }
            | ReadError::PositionAhead { .. }
            | ReadError::TimeAhead { .. } => Invalid::value(detail).into(),
            ReadError::Busy { .. } => Self::later(StatusCode::SERVICE_UNAVAILABLE, detail),
            ReadError::Broken(broken) => Self::unreadable(&broken, &detail),
            ReadError::Damaged(_) => Self::internal(&detail),
        }
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::from(self.body()));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, SCIM_JSON);
        match self.extra {
            Extra::Nothing => {}
            Extra::Challenge(error) => {
                for scheme in ["Bearer", "Basic"] {
                    let error = if scheme == "Bearer" { &*error } else { "" };
                    let challenge = format!("{scheme} realm=\"scim\"{error}");
                    if let Ok(value) = HeaderValue::try_from(challenge) {
                        headers.append(header::WWW_AUTHENTICATE, value);
                    }
                }
            }
            Extra::Allow(methods) => {
                headers.insert(header::ALLOW, HeaderValue::from_static(methods));
            }
            Extra::RetryAfter(seconds) => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
            }
        }
        response
    }
}

/// The router's answer to an address that it does not know.
pub(crate) async fn no_such_address() -> Response {
    Refused::no_address().into_response()
}

/// The router's answer to a method that it does not offer.
pub(crate) async fn no_such_method() -> Response {
    Refused::no_method("GET, HEAD").into_response()
}

/// The answer when a handler failed in a way that nobody foresaw.
pub(crate) fn panicked(_: Box<dyn Any + Send + 'static>) -> Response {
    Refused::internal("a handler panicked; this is a bug").into_response()
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::routing::get;
    use tokio::net::TcpListener;
    use tower_http::catch_panic::CatchPanicLayer;

    use super::*;

    async fn fails() -> Response {
        panic!("as some day one will")
    }

    /// R-7644-3.12-01: a panic ends one request, with a SCIM error, and nothing else.
    #[tokio::test]
    async fn a_panic_is_a_scim_error_and_ends_nothing() {
        let router = Router::new().route("/", get(fails)).layer(CatchPanicLayer::custom(panicked));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        tokio::spawn(axum::serve(listener, router).into_future());
        for _ in 0..2 {
            let answer = reqwest::get(&url).await.unwrap();
            assert_eq!(answer.status().as_u16(), 500);
            assert_eq!(answer.headers()["content-type"], "application/scim+json");
            let body: serde_json::Value = answer.json().await.unwrap();
            assert_eq!(body["status"], "500");
            assert!(!body["detail"].as_str().unwrap().contains("some day"), "{body}");
        }
    }
}
