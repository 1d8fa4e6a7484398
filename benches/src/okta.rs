//! Requests as Okta sends them: its headers, its bodies.

use std::fmt::Arguments;
use std::io::Write;

use crate::people;

/// The tenant that is measured.
pub(crate) const TENANT: &str = "acme";
/// Its key, which each request shows and the server checks.
pub(crate) const KEY: &str = "acme:bench-secret-000000000000";
/// The operator's.
pub(crate) const OPERATOR_KEY: &str = "bench-operator-0000000000";
/// Where its SCIM service is.
pub(crate) const BASE: &str = "/scim/acme/v2";
/// What Okta calls itself.
pub(crate) const AGENT: &str = "Okta SCIM Client 1.0.0";

/// To whom requests go, and what they show.
#[derive(Clone, Debug)]
pub(crate) struct To {
    /// `Host`.
    pub(crate) host: String,
    /// Before `/Users`.
    pub(crate) base: String,
    /// After `Bearer`; nothing is shown where none is asked for.
    pub(crate) key: Option<String>,
}

impl To {
    /// A rollbook, or whoever answers in its place.
    pub(crate) fn rollbook(host: impl ToString) -> To {
        To { host: host.to_string(), base: BASE.to_owned(), key: Some(KEY.to_owned()) }
    }

    /// A request without a body, for what is below the base.
    pub(crate) fn get(&self, out: &mut Vec<u8>, path: Arguments<'_>) {
        self.head(out, "GET", &self.base, path);
        put(out, format_args!("\r\n"));
    }

    /// A request with a body.
    pub(crate) fn send(&self, out: &mut Vec<u8>, method: &str, path: Arguments<'_>, body: &str) {
        self.head(out, method, &self.base, path);
        let length = body.len();
        put(out, format_args!("Content-Type: application/scim+json; charset=utf-8\r\n"));
        put(out, format_args!("Content-Length: {length}\r\n\r\n{body}"));
    }

    fn head(&self, out: &mut Vec<u8>, method: &str, base: &str, path: Arguments<'_>) {
        put(
            out,
            format_args!(
                "{method} {base}{path} HTTP/1.1\r\n\
                 Host: {}\r\n\
                 Accept: application/scim+json\r\n\
                 Accept-Charset: utf-8\r\n\
                 Accept-Encoding: gzip,deflate\r\n\
                 User-Agent: {AGENT}\r\n",
                self.host
            ),
        );
        if let Some(key) = &self.key {
            put(out, format_args!("Authorization: Bearer {key}\r\n"));
        }
    }
}

/// The body of a PATCH that lets a user act, or not.
pub(crate) fn activate(active: bool) -> String {
    patch(format_args!("{{\"op\":\"replace\",\"value\":{{\"active\":{active}}}}}"))
}

/// The body of a PATCH that adds members, as an id and a name each.
pub(crate) fn add(members: &[(String, String)]) -> String {
    let members: Vec<String> = members
        .iter()
        .map(|(id, name)| format!("{{\"value\":\"{id}\",\"display\":\"{name}\"}}"))
        .collect();
    let members = members.join(",");
    patch(format_args!("{{\"op\":\"add\",\"path\":\"members\",\"value\":[{members}]}}"))
}

/// The body of a PATCH that takes them out again: one operation for each, as Okta has it.
pub(crate) fn remove(members: &[(String, String)]) -> String {
    let operations: Vec<String> = members
        .iter()
        .map(|(id, _)| format!("{{\"op\":\"remove\",\"path\":\"members[value eq \\\"{id}\\\"]\"}}"))
        .collect();
    patch(format_args!("{}", operations.join(",")))
}

fn patch(operations: Arguments<'_>) -> String {
    format!(
        "{{\"schemas\":[\"urn:ietf:params:scim:api:messages:2.0:PatchOp\"],\"Operations\":[{operations}]}}"
    )
}

/// `POST /Users`, for the user of this number.
pub(crate) fn create(to: &To, out: &mut Vec<u8>, number: u32) {
    to.send(out, "POST", format_args!("/Users"), &people::body(number, 0));
}

fn put(out: &mut Vec<u8>, text: Arguments<'_>) {
    // Writing to memory does not fail.
    drop(out.write_fmt(text));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_create_says_how_long_it_is() {
        let mut out = Vec::new();
        create(&To::rollbook("127.0.0.1:8080"), &mut out, 7);
        let text = String::from_utf8(out).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("POST /scim/acme/v2/Users HTTP/1.1\r\n"), "{head}");
        assert!(head.contains(&format!("Content-Length: {}", body.len())), "{head}");
    }

    #[test]
    fn patches_are_json() {
        let members = [("a".to_owned(), "Ada".to_owned()), ("b".to_owned(), "Bob".to_owned())];
        for (body, operations) in [(activate(true), 1), (add(&members), 1), (remove(&members), 2)] {
            let patch: serde_json::Value = serde_json::from_str(&body).unwrap();
            assert_eq!(patch["Operations"].as_array().unwrap().len(), operations, "{body}");
        }
    }
}
