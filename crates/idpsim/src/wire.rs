//! One request and its answer, with the headers its client sends. Nothing here knows users or groups.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use reqwest::header::{
    ACCEPT, ACCEPT_CHARSET, ACCEPT_ENCODING, AUTHORIZATION, CONTENT_TYPE, HeaderName, LOCATION,
    USER_AGENT, WWW_AUTHENTICATE,
};
use reqwest::{Method, Response};
use serde_json::Value;
use thiserror::Error;

use crate::limits::{CALL_TIMEOUT_S, QUOTED_BODY_CHARS};

/// Why a client could not do what it was asked to.
#[derive(Debug, Error)]
pub enum ClientError {
    /// No answer came.
    #[error("`{request}` got no answer; check that the server runs and listens at this address")]
    Unanswered {
        /// Method and address.
        request: String,
        /// What the connection said.
        #[source]
        source: reqwest::Error,
    },
    /// The answer has another status than the one that means success.
    #[error("`{request}` was refused with {status}: {body}")]
    Refused {
        /// Method and address.
        request: String,
        /// The status of the answer.
        status: u16,
        /// The body of the answer, shortened.
        body: String,
    },
    /// The answer has the right status and lacks what the client needs from it.
    #[error(
        "`{request}` was answered with {status} but without {wanted}, which the client needs: {body}"
    )]
    Incomplete {
        /// Method and address.
        request: String,
        /// The status of the answer.
        status: u16,
        /// What is missing.
        wanted: &'static str,
        /// The body of the answer, shortened.
        body: String,
    },
    /// The answer says something that must not be.
    #[error("`{request}` was answered with {status} and {saw}")]
    Wrong {
        /// Method and address.
        request: String,
        /// The status of the answer.
        status: u16,
        /// What must not be.
        saw: String,
    },
    /// The script names somebody or something that the server does not have.
    #[error("the server has no {kind} `{name}`; play the script from its first step")]
    Unknown {
        /// `user` or `group`.
        kind: &'static str,
        /// Its name.
        name: String,
    },
    /// A request that ran beside others did not finish.
    #[error("a request that ran beside others did not finish; run again with concurrency 1")]
    Interrupted {
        /// How it ended.
        #[source]
        source: tokio::task::JoinError,
    },
}

/// An answer, whatever its status.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Method and address of the request.
    pub request: String,
    /// The status.
    pub status: u16,
    /// `Content-Type`, if there is one.
    pub content_type: Option<String>,
    /// `Location`, if there is one.
    pub location: Option<String>,
    /// `WWW-Authenticate`, if there is one.
    pub www_authenticate: Option<String>,
    /// The body: JSON; a string if it is not JSON; null if there is none.
    pub body: Value,
    /// From sending the request to the last byte of the answer.
    pub took: Duration,
}

impl Answer {
    /// This answer if it has one of these statuses, else the error that says it has not.
    pub fn expect_status(self, wanted: &[u16]) -> Result<Answer, ClientError> {
        if wanted.contains(&self.status) {
            return Ok(self);
        }
        Err(ClientError::Refused {
            body: shortened(&self.body),
            request: self.request,
            status: self.status,
        })
    }

    /// The `id` of the resource in the body.
    pub fn id(&self) -> Result<String, ClientError> {
        self.text("id", "an `id`")
    }

    pub(crate) fn text(&self, name: &str, wanted: &'static str) -> Result<String, ClientError> {
        let text = self.body.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
        text.map(str::to_owned).ok_or_else(|| self.lacks(wanted))
    }

    pub(crate) fn shows(&self, saw: &str) -> ClientError {
        ClientError::Wrong {
            request: self.request.clone(),
            status: self.status,
            saw: saw.to_owned(),
        }
    }

    pub(crate) fn lacks(&self, wanted: &'static str) -> ClientError {
        ClientError::Incomplete {
            request: self.request.clone(),
            status: self.status,
            wanted,
            body: shortened(&self.body),
        }
    }
}

/// Whose headers go out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Manner {
    /// What Okta's provisioning agent sends.
    Provisioning,
    /// What Okta's published test sends: a content type on GET too, another one on POST.
    SpecTest,
    /// What Entra ID's and OneLogin's provisioning sends.
    Scim,
}

/// A connection to one base address with one authorization.
#[derive(Debug, Clone)]
pub(crate) struct Wire {
    http: reqwest::Client,
    base: Arc<str>,
    authorization: Arc<str>,
    manner: Manner,
    sent: Arc<AtomicU64>,
}

impl Wire {
    /// A connection with Okta's headers.
    pub(crate) fn new(base_url: &str, authorization: &str) -> Wire {
        // A proxy of the environment is for the web, not for a server under test.
        let http = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(Duration::from_secs(CALL_TIMEOUT_S))
            .build()
            .unwrap_or_default();
        Wire {
            http,
            base: base_url.trim_end_matches('/').into(),
            authorization: authorization.into(),
            manner: Manner::Provisioning,
            sent: Arc::new(AtomicU64::new(0)),
        }
    }

    pub(crate) fn with_authorization(&self, authorization: &str) -> Wire {
        Wire { authorization: authorization.into(), ..self.clone() }
    }

    pub(crate) fn with_manner(&self, manner: Manner) -> Wire {
        Wire { manner, ..self.clone() }
    }

    /// Requests sent so far, by this and every copy of it.
    pub(crate) fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    pub(crate) async fn get(&self, path: &str) -> Result<Answer, ClientError> {
        self.exchange(Method::GET, path, None).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Result<Answer, ClientError> {
        self.exchange(Method::POST, path, Some(body)).await
    }

    pub(crate) async fn put(&self, path: &str, body: &Value) -> Result<Answer, ClientError> {
        self.exchange(Method::PUT, path, Some(body)).await
    }

    pub(crate) async fn patch(&self, path: &str, body: &Value) -> Result<Answer, ClientError> {
        self.exchange(Method::PATCH, path, Some(body)).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Result<Answer, ClientError> {
        self.exchange(Method::DELETE, path, None).await
    }

    async fn exchange(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Answer, ClientError> {
        let address = format!("{}{path}", self.base);
        let request = format!("{method} {address}");
        let mut sending = self.http.request(method.clone(), address);
        for (name, value) in headers(self.manner, &method, body.is_some()) {
            sending = sending.header(name, value);
        }
        sending = sending.header(AUTHORIZATION, &*self.authorization);
        if let Some(body) = body {
            sending = sending.body(body.to_string());
        }
        self.sent.fetch_add(1, Ordering::Relaxed);
        let began = Instant::now();
        let unanswered = |source| ClientError::Unanswered { request: request.clone(), source };
        let response = sending.send().await.map_err(unanswered)?;
        let status = response.status().as_u16();
        let content_type = header(&response, CONTENT_TYPE);
        let location = header(&response, LOCATION);
        let www_authenticate = header(&response, WWW_AUTHENTICATE);
        let bytes = response.bytes().await.map_err(unanswered)?;
        Ok(Answer {
            status,
            content_type,
            location,
            www_authenticate,
            body: read(&bytes),
            took: began.elapsed(),
            request,
        })
    }
}

/// What is sent beside the authorization. A production GET carries no content type.
fn headers(manner: Manner, method: &Method, has_body: bool) -> Vec<(HeaderName, &'static str)> {
    let with_charset = "application/scim+json; charset=utf-8";
    let mut headers = match manner {
        Manner::Provisioning => vec![
            (ACCEPT, "application/scim+json"),
            (ACCEPT_CHARSET, "utf-8"),
            (ACCEPT_ENCODING, "gzip,deflate"),
            (USER_AGENT, "Okta SCIM Client 1.0.0"),
        ],
        Manner::SpecTest => vec![(ACCEPT, with_charset)],
        Manner::Scim => vec![(ACCEPT, "application/scim+json")],
    };
    let content_type = match manner {
        Manner::Provisioning | Manner::Scim => has_body.then_some(with_charset),
        Manner::SpecTest if has_body => Some("application/json"),
        Manner::SpecTest => (*method == Method::GET).then_some(with_charset),
    };
    headers.extend(content_type.map(|value| (CONTENT_TYPE, value)));
    headers
}

fn header(response: &Response, name: HeaderName) -> Option<String> {
    response.headers().get(name)?.to_str().ok().map(str::to_owned)
}

fn read(bytes: &[u8]) -> Value {
    if bytes.is_empty() {
        return Value::Null;
    }
    serde_json::from_slice(bytes)
        .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(bytes).into_owned()))
}

/// A body as an error repeats it.
fn shortened(body: &Value) -> String {
    let text = body.to_string();
    match text.char_indices().nth(QUOTED_BODY_CHARS) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text,
    }
}

/// Text as it stands in a query: everything but RFC 3986's unreserved characters is escaped.
pub(crate) fn escaped(text: &str) -> String {
    let mut query = String::with_capacity(text.len() * 3);
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                query.push(char::from(byte));
            }
            _ => query.push_str(&format!("%{byte:02X}")),
        }
    }
    query
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(manner: Manner, method: Method, has_body: bool) -> Vec<String> {
        let headers = headers(manner, &method, has_body);
        headers.iter().map(|(name, value)| format!("{name}: {value}")).collect()
    }

    #[test]
    fn writes_and_reads_carry_oktas_headers() {
        let common = [
            "accept: application/scim+json",
            "accept-charset: utf-8",
            "accept-encoding: gzip,deflate",
            "user-agent: Okta SCIM Client 1.0.0",
        ];
        assert_eq!(sent(Manner::Provisioning, Method::GET, false), common);
        let write = sent(Manner::Provisioning, Method::PATCH, true);
        assert_eq!(write[..4], common);
        assert_eq!(write[4..], ["content-type: application/scim+json; charset=utf-8"]);
    }

    #[test]
    fn the_published_test_has_headers_of_its_own() {
        let typed = "content-type: application/scim+json; charset=utf-8";
        assert_eq!(sent(Manner::SpecTest, Method::GET, false)[1..], [typed]);
        let posted = sent(Manner::SpecTest, Method::POST, true);
        assert_eq!(posted[1..], ["content-type: application/json"]);
    }

    #[test]
    fn a_filter_is_escaped_as_okta_escapes_it() {
        assert_eq!(escaped(r#"userName eq "ada@x.test""#), "userName%20eq%20%22ada%40x.test%22");
    }

    #[test]
    fn an_answer_that_is_no_json_is_kept_as_text() {
        assert_eq!(read(b""), Value::Null);
        assert_eq!(read(b"<html>"), Value::String("<html>".to_owned()));
        assert_eq!(read(b"{\"a\":1}"), serde_json::json!({"a": 1}));
    }

    #[test]
    fn a_refusal_names_request_status_and_body() {
        let answer = Answer {
            request: "POST http://x/Users".to_owned(),
            status: 409,
            content_type: None,
            location: None,
            www_authenticate: None,
            body: serde_json::json!({"detail": "taken"}),
            took: Duration::ZERO,
        };
        let error = answer.expect_status(&[201]).unwrap_err();
        assert_eq!(
            error.to_string(),
            r#"`POST http://x/Users` was refused with 409: {"detail":"taken"}"#
        );
    }
}
