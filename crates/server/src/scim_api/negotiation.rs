//! Media types (RFC 7644 §3.8): what a client sends, and what it takes.

use std::collections::BTreeSet;

use axum::http::{HeaderMap, HeaderValue, StatusCode, header, request};
use scim::{ListQuery, Quirk};

use super::Parameters;
use crate::refused::{Refused, SCIM_JSON};

const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// The media type of the answer: SCIM's own unless only plain JSON is taken.
pub(super) fn accepted(headers: &HeaderMap) -> Result<HeaderValue, Refused> {
    let mut plain = false;
    let mut asked = false;
    for value in headers.get_all(header::ACCEPT) {
        for range in value.to_str().unwrap_or_default().split(',') {
            let mut parts = range.split(';').map(str::trim);
            let essence = parts.next().unwrap_or_default().to_ascii_lowercase();
            if essence.is_empty() || parts.any(|p| matches!(p, "q=0" | "q=0.0")) {
                continue;
            }
            asked = true;
            match essence.as_str() {
                "application/scim+json" | "application/*" | "*/*" => return Ok(SCIM_JSON),
                "application/json" => plain = true,
                _ => {}
            }
        }
    }
    match (asked, plain) {
        (false, _) => Ok(SCIM_JSON),
        (true, true) => Ok(JSON),
        (true, false) => Err(Refused::new(
            StatusCode::NOT_ACCEPTABLE,
            "answers are `application/scim+json` or `application/json`: name one in `Accept`",
        )),
    }
}

/// That the body is JSON by its media type; one without a type is taken as JSON (L-09).
pub(super) fn check_body_type(headers: &HeaderMap) -> Result<(), Refused> {
    let Some(value) = headers.get(header::CONTENT_TYPE) else { return Ok(()) };
    let text = value.to_str().unwrap_or_default().to_ascii_lowercase();
    let mut parts = text.split(';').map(str::trim);
    let essence = parts.next().unwrap_or_default();
    let known = matches!(essence, "application/scim+json" | "application/json");
    let utf8 = parts.all(|parameter| match parameter.split_once('=') {
        Some(("charset", set)) => set.trim_matches('"').replace('-', "") == "utf8",
        _ => true,
    });
    if known && utf8 {
        return Ok(());
    }
    Err(Refused::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        format!("`{text}` is not read here: send `application/scim+json` in UTF-8"),
    ))
}

/// The parameters that are our own.
const OWN_PARAMETERS: [&str; 2] = ["asOf", "min-position"];

/// What is tolerated of a request's address and headers (L-09).
pub(super) fn quirks(
    parts: &request::Parts,
    parameters: &Parameters,
    has_body: bool,
) -> BTreeSet<Quirk> {
    let mut quirks = BTreeSet::new();
    if has_body && !parts.headers.contains_key(header::CONTENT_TYPE) {
        quirks.insert(Quirk::MediaType);
    }
    let path = parts.uri.path();
    let is_other_case = |name: &str| {
        let mut known = ListQuery::PARAMETERS.into_iter().chain(OWN_PARAMETERS);
        known.any(|known| known.eq_ignore_ascii_case(name) && known != name)
    };
    if path.ends_with('/')
        || path.contains("//")
        || parameters.pairs().any(|(name, _)| is_other_case(name))
    {
        quirks.insert(Quirk::UntidyUrl);
    }
    quirks
}

/// Whether the client would rather see what it wrote (`Prefer: return=representation`, RFC 7240 §4.2).
pub(super) fn prefers_representation(headers: &HeaderMap) -> bool {
    let lists = headers.get_all("prefer").iter().filter_map(|value| value.to_str().ok());
    let preferences = lists.flat_map(|list| list.split([',', ';']));
    let mut returns = preferences.filter_map(|preference| {
        let (name, value) = preference.split_once('=')?;
        let is_meant = name.trim().eq_ignore_ascii_case("return");
        is_meant.then(|| value.trim().trim_matches('"'))
    });
    // Of two, the first counts (RFC 7240 §2).
    returns.next() == Some("representation")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(name: header::HeaderName, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(name, value.parse().unwrap())])
    }

    #[test]
    fn answers_are_scim_unless_only_json_is_taken() {
        let check = |accept: &str, media: Option<&HeaderValue>| {
            assert_eq!(accepted(&with(header::ACCEPT, accept)).ok().as_ref(), media, "{accept}");
        };
        check("application/scim+json", Some(&SCIM_JSON));
        check("application/json, */*", Some(&SCIM_JSON));
        check("application/json", Some(&JSON));
        check("text/html", None);
        check("application/json;q=0", Some(&SCIM_JSON));
        assert_eq!(accepted(&HeaderMap::new()).unwrap(), SCIM_JSON);
    }

    #[test]
    fn a_preference_is_found_among_others() {
        let check = |prefer: &str, wanted: bool| {
            let headers = with(header::HeaderName::from_static("prefer"), prefer);
            assert_eq!(prefers_representation(&headers), wanted, "{prefer}");
        };
        check("return=representation", true);
        check("wait=10, Return = \"representation\"", true);
        check("return=minimal, return=representation", false);
        check("representation", false);
        assert!(!prefers_representation(&HeaderMap::new()));
    }

    #[test]
    fn bodies_are_json_in_utf8() {
        let check = |media: &str, good: bool| {
            let headers = with(header::CONTENT_TYPE, media);
            assert_eq!(check_body_type(&headers).is_ok(), good, "{media}");
        };
        check("application/scim+json; charset=utf-8", true);
        check("Application/JSON;charset=\"UTF-8\"", true);
        check("application/scim+json; charset=latin1", false);
        check("text/xml", false);
        assert!(check_body_type(&HeaderMap::new()).is_ok());
    }
}
