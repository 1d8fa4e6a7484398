//! Requests as Okta sends them: its headers, its bodies. All are equally long, so that slices can
//! be compared.

use std::io::Write;
use std::net::SocketAddr;

/// The tenant that is measured.
pub(crate) const TENANT: &str = "acme";
/// Its key, which each request shows and the server checks.
pub(crate) const KEY: &str = "acme:bench-secret-000000000000";
/// Where its users are.
pub(crate) const USERS: &str = "/scim/acme/v2/Users";

/// Writes `POST /Users` for the user of this number. `before` is put before the path.
pub(crate) fn create(out: &mut Vec<u8>, to: SocketAddr, before: &str, number: u32) {
    let body = new_user(number);
    head(out, "POST", to, &format!("{before}{USERS}"));
    let length = body.len();
    put(out, format_args!("Content-Type: application/scim+json; charset=utf-8\r\n"));
    put(out, format_args!("Content-Length: {length}\r\n\r\n{body}"));
}

/// Writes `GET /Users/{id}`.
pub(crate) fn get(out: &mut Vec<u8>, to: SocketAddr, id: &str) {
    head(out, "GET", to, &format!("{USERS}/{id}"));
    put(out, format_args!("\r\n"));
}

/// Writes the question how many users there are.
pub(crate) fn count(out: &mut Vec<u8>, to: SocketAddr) {
    head(out, "GET", to, &format!("{USERS}?startIndex=1&count=1"));
    put(out, format_args!("\r\n"));
}

fn head(out: &mut Vec<u8>, method: &str, to: SocketAddr, path: &str) {
    put(
        out,
        format_args!(
            "{method} {path} HTTP/1.1\r\n\
             Host: {to}\r\n\
             Accept: application/scim+json\r\n\
             Accept-Charset: utf-8\r\n\
             Accept-Encoding: gzip,deflate\r\n\
             User-Agent: Okta SCIM Client 1.0.0\r\n\
             Authorization: Bearer {KEY}\r\n"
        ),
    );
}

/// A user as Okta creates one with the enterprise extension mapped: a password, and `groups`, as
/// always empty.
fn new_user(number: u32) -> String {
    format!(
        "{{\"schemas\":[\"urn:ietf:params:scim:schemas:core:2.0:User\",\
         \"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User\"],\
         \"userName\":\"ada.{number:08}@acme-corp.example\",\
         \"name\":{{\"givenName\":\"Ada\",\"familyName\":\"Lovelace {number:08}\"}},\
         \"emails\":[{{\"primary\":true,\"value\":\"ada.{number:08}@acme-corp.example\",\
         \"type\":\"work\"}}],\
         \"phoneNumbers\":[{{\"primary\":true,\"value\":\"+1-617-{number:08}\",\"type\":\"work\"}}],\
         \"displayName\":\"Ada Lovelace {number:08}\",\"title\":\"Account Executive\",\
         \"locale\":\"en-US\",\"externalId\":\"00ujl29u0l{number:08}h7\",\
         \"groups\":[],\"password\":\"1mz{number:08}nq\",\"active\":true,\
         \"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User\":{{\
         \"employeeNumber\":\"E{number:08}\",\"department\":\"Sales\",\
         \"manager\":{{\"value\":\"E00000001\",\"displayName\":\"Charles Babbage\"}}}}}}"
    )
}

/// Bytes of a create's body.
pub(crate) fn create_bytes() -> usize {
    new_user(0).len()
}

fn put(out: &mut Vec<u8>, text: std::fmt::Arguments<'_>) {
    // Writing to memory does not fail.
    drop(out.write_fmt(text));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_are_json_and_equally_long() {
        for number in [0, 1, 99_999_999] {
            let body = new_user(number);
            let user: serde_json::Value = serde_json::from_str(&body).unwrap();
            assert_eq!(user["userName"], format!("ada.{number:08}@acme-corp.example"));
            assert_eq!(user["groups"], serde_json::json!([]));
            assert_eq!(body.len(), create_bytes());
        }
    }

    #[test]
    fn a_create_says_how_long_it_is() {
        let mut out = Vec::new();
        create(&mut out, SocketAddr::from(([127, 0, 0, 1], 8080)), "/durable", 7);
        let text = String::from_utf8(out).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("POST /durable/scim/acme/v2/Users HTTP/1.1\r\n"), "{head}");
        assert!(head.contains(&format!("Content-Length: {}", body.len())), "{head}");
    }
}
