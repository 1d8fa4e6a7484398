//! Answers that say yes.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use domain::position::Position;
use engine::Receipt;

use crate::refused::SCIM_JSON;

/// Where a write's commit stands, or up to where a read saw.
const POSITION: HeaderName = HeaderName::from_static("rollbook-position");

/// The hash of a write's commit: what a client keeps of it proves later that it is still there.
const COMMIT: HeaderName = HeaderName::from_static("rollbook-commit");

/// A version as `ETag` and `meta.version` say it.
pub(crate) fn etag(version: Position) -> String {
    format!("W/\"{version}\"")
}

/// An answer.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) media: HeaderValue,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Option<Vec<u8>>,
    /// A body that goes on, instead.
    pub(crate) live: Option<Body>,
}

impl Answer {
    pub(crate) fn new(status: StatusCode, body: Option<Vec<u8>>) -> Answer {
        // As many as an answer has in the end: the map does not grow then.
        let mut headers = HeaderMap::with_capacity(12);
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        Answer { status, media: SCIM_JSON, headers, body, live: None }
    }

    /// With a header, if its value can stand in one.
    pub(crate) fn with(mut self, name: HeaderName, value: impl TryInto<HeaderValue>) -> Answer {
        if let Ok(value) = value.try_into() {
            self.headers.insert(name, value);
        }
        self
    }

    /// With where the resource is that it shows, as it is or as it came to be; with `own`, it is that of the request too.
    pub(crate) fn with_location(self, location: String, own: bool) -> Answer {
        let Ok(location) = HeaderValue::try_from(location) else { return self };
        let answer = self.with(header::LOCATION, location.clone());
        if own { answer.with(header::CONTENT_LOCATION, location) } else { answer }
    }

    /// With the version of the resource that it holds.
    pub(crate) fn with_version(self, version: Position) -> Answer {
        self.with(header::ETAG, etag(version))
    }

    /// With where a write's commit stands, and its hash. When there was nothing to do, only up to
    /// where that was seen.
    pub(crate) fn of(self, receipt: &Receipt) -> Answer {
        let head = &receipt.head;
        let answer = self.at(head.position);
        match receipt.position {
            Some(_) => answer.with(COMMIT, head.hash.to_string()),
            None => answer,
        }
    }

    /// With the position that it shows.
    pub(crate) fn at(self, position: Option<Position>) -> Answer {
        match position {
            Some(position) => self.with(POSITION, position.to_string()),
            None => self,
        }
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let Answer { status, media, mut headers, body, live } = self;
        let body = match live.or_else(|| body.map(Body::from)) {
            Some(body) => {
                headers.insert(header::CONTENT_TYPE, media);
                body
            }
            None => Body::empty(),
        };
        let mut response = Response::new(body);
        *response.status_mut() = status;
        *response.headers_mut() = headers;
        response
    }
}
