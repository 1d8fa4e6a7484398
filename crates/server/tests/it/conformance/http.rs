//! Media types, versions of the protocol, and HTTP (RFC 7644 §3.8, §3.13).

use reqwest::Method;
use serde_json::{Value, json};
use testkit::app::TestApp;

use super::*;

const SCIM: &str = "application/scim+json";
const PLAIN: &str = "application/json";

#[tokio::test(flavor = "multi_thread")]
async fn r_7644_3_8_01_json_in_utf8_as_asked_for() {
    let app = TestApp::start().await;
    let idp = app.idp();
    let ada =
        idp.post("/Users", user("Zoë", json!({ "title": "日本 \u{1f600}" }))).await.expect(201);
    assert_eq!(ada.header("content-type"), SCIM);
    assert_eq!(idp.get(&at(&ada)).await.expect(200).body["title"], "日本 \u{1f600}");
    for path in [at(&ada), "/Users".into(), "/Schemas".into(), "/ServiceProviderConfig".into()] {
        assert_eq!(idp.get(&path).await.expect(200).header("content-type"), SCIM, "{path}");
        for (accept, media) in [
            (SCIM, SCIM),
            (PLAIN, PLAIN),
            ("*/*", SCIM),
            ("application/*", SCIM),
            ("Application/JSON; q=0.5", PLAIN),
            ("text/html, application/json", PLAIN),
            ("application/json, application/scim+json", SCIM),
        ] {
            if path == "/ServiceProviderConfig" {
                continue;
            }
            let reply = idp.send(Method::GET, &path, &[("accept", accept)], None).await.expect(200);
            assert_eq!(reply.header("content-type"), media, "{path} {accept}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn r_7644_3_8_02_what_is_read_and_what_can_be_served() {
    let app = TestApp::start().await;
    let idp = app.idp();
    let send = async |media: &str, name: &str| {
        let body = user(name, json!({})).to_string().into_bytes();
        idp.send(Method::POST, "/Users", &[("content-type", media)], Some(body)).await
    };
    for (n, media) in [
        SCIM,
        PLAIN,
        "application/scim+json; charset=utf-8",
        "application/json;charset=\"UTF-8\"",
        "APPLICATION/SCIM+JSON",
    ]
    .into_iter()
    .enumerate()
    {
        send(media, &format!("u{n}")).await.expect(201);
    }
    for media in [
        "text/plain",
        "application/xml",
        "application/scim+json; charset=latin1",
        "application/x-www-form-urlencoded",
        "json",
    ] {
        refused(send(media, "other").await, 415, "");
    }
    for accept in ["text/html", "application/xml", "image/*"] {
        refused(idp.send(Method::GET, "/Users", &[("accept", accept)], None).await, 406, "");
    }
    for suffix in ["/Users.scim", "/Users.json"] {
        refused(idp.get(suffix).await, 404, "");
    }
    assert_eq!(idp.get("/Users").await.expect(200).body["totalResults"], 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn r_7644_3_13_01_the_version_in_the_address_is_used_or_refused() {
    let app = TestApp::start().await;
    let ada = app.idp().post("/Users", user("ada", json!({}))).await.expect(201);
    let acme = app.stranger(Some(&TestApp::key("acme")));
    let with = acme.get(&format!("/scim/acme/v2/Users/{}", ada.id())).await.expect(200);
    let without = acme.get(&format!("/scim/acme/Users/{}", ada.id())).await.expect(200);
    assert_eq!(with.body, without.body);
    for version in ["v1", "v3", "v20"] {
        bad(acme.get(&format!("/scim/acme/{version}/Users")).await, "invalidVers");
        let made = acme.post(&format!("/scim/acme/{version}/Users"), user("x", json!({}))).await;
        bad(made, "invalidVers");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn r_7644_3_2_02_headers_and_empty_bodies() {
    let app = TestApp::start().await;
    let idp = app.idp();
    let ada = idp.post("/Users", user("ada", json!({}))).await.expect(201);
    assert_eq!(ada.header("location"), ada.body["meta"]["location"].as_str().unwrap());
    for reply in [
        ada.clone(),
        idp.get(&at(&ada)).await.expect(200),
        idp.get("/Users").await.expect(200),
        idp.patch(&at(&ada), one("add", "title", json!("T"))).await.expect(200),
        idp.put(&at(&ada), user("ada", json!({}))).await.expect(200),
        idp.post("/Users/.search", json!({ "schemas": [SEARCH] })).await.expect(200),
    ] {
        assert_eq!(reply.header("cache-control"), "no-store", "{reply}");
    }
    for (path, method, allow) in [
        ("/Users", Method::PUT, "GET, HEAD, POST"),
        ("/Users", Method::DELETE, "GET, HEAD, POST"),
        (&*at(&ada), Method::POST, "GET, HEAD, PUT, PATCH, DELETE"),
        ("/Users/.search", Method::GET, "POST"),
        ("/.search", Method::PUT, "POST"),
        ("/Bulk", Method::GET, "POST"),
        ("/Schemas", Method::POST, "GET, HEAD"),
        ("/", Method::POST, "GET, HEAD"),
    ] {
        let reply = idp.send(method, path, &[], Some(b"{}".to_vec())).await;
        assert_eq!(refused(reply, 405, "").header("allow"), allow, "{path}");
    }
    // HEAD is GET without the body.
    for path in [at(&ada), "/Users".into(), "/Schemas".into(), "/Users/nobody".into()] {
        let get = idp.get(&path).await;
        let head = idp.send(Method::HEAD, &path, &[], None).await;
        assert_eq!((head.status, &head.body), (get.status, &Value::Null), "{path}");
        for name in ["content-type", "content-length", "etag", "location", "content-location"] {
            assert_eq!(head.header(name), get.header(name), "{path} {name}");
        }
    }
    let tag = idp.get(&at(&ada)).await.expect(200).header("etag").to_owned();
    let known =
        idp.send(Method::GET, &at(&ada), &[("if-none-match", &tag)], None).await.expect(304);
    assert_eq!((&known.body, known.header("content-type")), (&Value::Null, ""));
    let gone = idp.delete(&at(&ada)).await.expect(204);
    assert_eq!((&gone.body, gone.header("content-type")), (&Value::Null, ""));
}
