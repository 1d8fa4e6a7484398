//! The table of errors (RFC 7644 §3.12), line by line, and which of several is told.

use reqwest::Method;
use serde_json::{Value, json};
use server::Lists;
use testkit::app::{Client, TestApp};

use super::*;

/// The words that the RFCs register.
const WORDS: [&str; 13] = [
    "invalidFilter",
    "tooMany",
    "uniqueness",
    "mutability",
    "invalidSyntax",
    "invalidPath",
    "noTarget",
    "invalidValue",
    "invalidVers",
    "sensitive",
    "invalidCursor",
    "expiredCursor",
    "invalidCount",
];

/// That this is a whole error: message, media type, words, and the request's id.
#[track_caller]
fn whole(reply: Reply, status: u16, kind: &str) {
    let reply = refused(reply, status, kind);
    assert_eq!(reply.header("content-type"), "application/scim+json", "{reply}");
    assert!(!reply.body["detail"].as_str().unwrap().is_empty(), "{reply}");
    assert!(!reply.header("rollbook-request").is_empty(), "no request id: {reply}");
    if let Some(word) = reply.body.get("scimType") {
        assert!(WORDS.contains(&word.as_str().unwrap()), "{reply}");
    }
    for key in keys(&reply.body) {
        assert!(["schemas", "status", "scimType", "detail"].contains(&key), "{reply}");
    }
}

async fn raw(idp: &Client, path: &str, body: &[u8], headers: &[(&str, &str)]) -> Reply {
    idp.send(Method::POST, path, headers, Some(body.to_vec())).await
}

/// A user's own key, which opens `/Me` only.
async fn own_key(app: &TestApp, name: &str) -> Client {
    let issued = app.operator().post("/tenants/acme/credentials", json!({ "user": name })).await;
    app.idp().with_key(issued.expect(201).body["apiKey"].as_str().unwrap())
}

/// Also R-7644-3.12-02, R-7644-3.12-03.
#[tokio::test(flavor = "multi_thread")]
async fn r_7644_3_12_01_the_table_of_errors() {
    let mut app = TestApp::start().await;
    let idp = app.idp();
    let ada = at(&idp.post("/Users", user("ada", json!({}))).await.expect(201));
    idp.post("/Groups", group("Team", &[])).await.expect(201);
    let change = async |operation: Value| idp.patch(&ada, patch(json!([operation]))).await;
    let before = head(&app);
    // Bodies that are no message.
    for body in [&b"{"[..], b"", b"\xff\xfe", b"\"text\"", b"[]", b"{\"a\":1,\"a\":2}", b"{} {}"] {
        whole(raw(&idp, "/Users", body, &[]).await, 400, "invalidSyntax");
        whole(raw(&idp, "/Users/.search", body, &[]).await, 400, "invalidSyntax");
        whole(raw(&idp, "/Bulk", body, &[]).await, 400, "invalidSyntax");
    }
    whole(
        idp.patch(&ada, json!({ "schemas": [LIST], "Operations": [] })).await,
        400,
        "invalidSyntax",
    );
    whole(idp.patch(&ada, json!({ "schemas": [PATCH] })).await, 400, "invalidSyntax");
    whole(change(json!({ "op": "move", "path": "title" })).await, 400, "invalidSyntax");
    // Filters, also in paths.
    for filter in ["userName eq", "active gt true", "userName eq 1", "shoeSize pr"] {
        whole(filtered(&idp, "/Users", filter).await, 400, "invalidFilter");
    }
    let path = "emails[type regex \"x\"]";
    whole(change(json!({ "op": "remove", "path": path })).await, 400, "invalidFilter");
    for path in ["emails[0]", "shoe size", "name.nothing"] {
        whole(
            change(json!({ "op": "replace", "path": path, "value": "x" })).await,
            400,
            "invalidPath",
        );
    }
    let nobody = json!({ "op": "replace", "path": "emails[not (value pr)].type", "value": "x" });
    whole(change(nobody).await, 400, "noTarget");
    whole(change(json!({ "op": "remove" })).await, 400, "noTarget");
    // Values.
    whole(idp.post("/Users", json!({ "schemas": [CORE] })).await, 400, "invalidValue");
    whole(idp.post("/Users", user("x", json!({ "active": "perhaps" }))).await, 400, "invalidValue");
    whole(idp.post("/Groups", group("X", &["nobody"])).await, 400, "invalidValue");
    for query in
        ["count=x", "attributes=id&excludedAttributes=id", "sortBy=shoeSize", "cursor&startIndex=1"]
    {
        whole(idp.get(&format!("/Users?{query}")).await, 400, "invalidValue");
    }
    // Mutability.
    whole(change(json!({ "op": "replace", "path": "id", "value": "x" })).await, 400, "mutability");
    whole(change(json!({ "op": "remove", "path": "userName" })).await, 400, "mutability");
    // Cursors, versions of the protocol.
    whole(idp.get("/Users?cursor=x").await, 400, "invalidCursor");
    let acme = app.stranger(Some(&TestApp::key("acme")));
    whole(acme.get("/scim/acme/v1/Users").await, 400, "invalidVers");
    // Who, and what they may.
    whole(app.stranger(None).get("/scim/acme/v2/Users").await, 401, "");
    whole(idp.with_key("acme:nonsense").get("/Users").await, 401, "");
    whole(own_key(&app, "ada").await.get("/Users").await, 403, "");
    for path in ["/Schemas", "/ResourceTypes", "/ServiceProviderConfig"] {
        whole(idp.get(&format!("{path}?filter=id+pr")).await, 403, "");
    }
    // Where, how, and in what form.
    for path in ["/Users/nobody", "/Groups/nobody", "/Nothing", "/Users/1/2", "/Schemas/urn:x"] {
        whole(idp.get(path).await, 404, "");
    }
    for path in ["/scim", "/nothing", "/", "/scim/acme/v2/Nothing"] {
        whole(acme.get(path).await, 404, "");
    }
    whole(idp.post(&ada, json!({})).await, 405, "");
    whole(acme.post("/healthz", json!({})).await, 405, "");
    whole(idp.send(Method::GET, "/Users", &[("accept", "text/html")], None).await, 406, "");
    whole(raw(&idp, "/Users", b"{}", &[("content-type", "text/plain")]).await, 415, "");
    // Conflicts.
    whole(idp.post("/Users", user("ADA", json!({}))).await, 409, "uniqueness");
    whole(idp.post("/Groups", group("TEAM", &[])).await, 409, "uniqueness");
    let stale = [("if-match", "\"1\"")];
    whole(idp.send(Method::DELETE, &ada, &stale, None).await, 412, "");
    // Sizes.
    let large = vec![b' '; (16 << 20) + 1];
    for (path, bytes) in
        [("/Users", (1 << 20) + 1), ("/Groups", large.len()), ("/Bulk", large.len())]
    {
        whole(raw(&idp, path, &large[..bytes], &[]).await, 413, "");
    }
    // Not yet.
    let later = idp.get("/Users?min-position=99999").await;
    assert!(!later.header("retry-after").is_empty(), "{later}");
    whole(later, 503, "");
    assert!(head(&app) <= before + 1, "only the key that was issued is new");
    // What costs too much, and what has become of a cursor.
    for name in ["bob", "cy"] {
        idp.post("/Users", user(name, json!({}))).await.expect(201);
    }
    let page = idp.get("/Users?cursor&count=1").await.expect(200);
    let cursor = page.body["nextCursor"].as_str().unwrap().to_owned();
    whole(idp.get(&format!("/Users?cursor={cursor}&count=2")).await, 400, "invalidCount");
    wait(&app, 3_600_000);
    whole(idp.get(&format!("/Users?cursor={cursor}&count=1")).await, 400, "expiredCursor");
    app.restart_lists(Lists::new(&[9; 32]).comparing_at_most(2)).await;
    whole(app.idp().get("/Users?filter=title+pr").await, 400, "tooMany");
}

/// Nothing of the inside, of another tenant, or of a secret is in what an error says.
#[tokio::test(flavor = "multi_thread")]
async fn r_7644_3_12_03_errors_give_nothing_away() {
    let app = TestApp::start().await;
    let (idp, other) = (app.idp(), globex(&app));
    let secret = json!({ "externalId": "canary-external", "title": "canary-title" });
    let theirs = other.post("/scim/globex/v2/Users", user("canary-user", secret)).await.expect(201);
    let own = user("ada", json!({ "password": "canary-password", "active": "perhaps" }));
    let key = "acme:canary-key-0123456789";
    for reply in [
        idp.get(&at(&theirs)).await,
        idp.post("/Groups", group("G", &[&theirs.id()])).await,
        idp.post("/Users", own).await,
        idp.with_key(key).get("/Users").await,
        raw(&idp, "/Users", b"{\"password\":\"canary-password\"", &[]).await,
        idp.patch("/Users/x", one("replace", "password", json!({ "canary": "canary-password" })))
            .await,
    ] {
        assert!(reply.status.is_client_error(), "{reply}");
        let text = reply.body.to_string();
        for word in ["canary", "panicked", ".rs", "src/", "sled", "globex", "stack"] {
            assert!(!text.contains(word), "{word}: {text}");
        }
        // The id leads to what the journal says.
        assert!(!reply.header("rollbook-request").is_empty());
    }
    let missing = idp.get("/Users/nobody").await.expect(404);
    let journal = app.operator().get("/tenants/acme/problems?count=1").await.expect(200).body;
    assert_eq!(journal["problems"][0]["request"], missing.header("rollbook-request"));
}

/// Each request has two faults: the first is told.
#[tokio::test(flavor = "multi_thread")]
async fn r_7644_3_12_04_the_outer_fault_is_told() {
    let app = TestApp::start().await;
    let idp = app.idp();
    let ada = at(&idp.post("/Users", user("ada", json!({}))).await.expect(201));
    let bob = at(&idp.post("/Users", user("bob", json!({}))).await.expect(201));
    let xml = [("content-type", "text/xml")];
    let send = async |method: Method, path: &str, headers: &[(&str, &str)], body: &str| {
        idp.send(method, path, headers, Some(body.as_bytes().to_vec())).await
    };
    // Who comes before where, and where before what may be done there.
    let stranger = app.stranger(None);
    refused(stranger.get("/scim/acme/v2/Nothing").await, 401, "");
    refused(stranger.delete("/scim/nobody/v2/Users").await, 401, "");
    refused(globex(&app).delete("/scim/acme/v2/Users").await, 404, "");
    refused(idp.delete("/Nothing").await, 404, "");
    // What may not be done at all before how.
    let me = own_key(&app, "ada").await;
    refused(me.delete("/Users").await, 403, "");
    refused(send(Method::PUT, "/Users", &xml, "<x/>").await, 405, "");
    let large = " ".repeat((1 << 20) + 1);
    refused(send(Method::POST, "/Users", &xml, &large).await, 415, "");
    let html = [("accept", "text/html")];
    refused(send(Method::POST, "/Users", &html, &large).await, 406, "");
    refused(send(Method::POST, "/Users", &[], &large).await, 413, "");
    // Syntax before the id, the id before the version, the version before what is asked for.
    let stale = [("if-match", "\"1\"")];
    bad(send(Method::PATCH, "/Users/nobody", &stale, "{").await, "invalidSyntax");
    let bad_path = one("replace", "emails[0]", json!("x")).to_string();
    refused(send(Method::PATCH, "/Users/nobody", &stale, &bad_path).await, 404, "");
    refused(send(Method::PATCH, &ada, &stale, &bad_path).await, 412, "");
    // Values, paths and filters before mutability, and that before uniqueness.
    let both = |first: Value| {
        patch(json!([{ "op": "replace", "path": "userName", "value": "ADA" }, first]))
    };
    for (operation, kind) in [
        (json!({ "op": "replace", "path": "active", "value": "perhaps" }), "invalidValue"),
        (json!({ "op": "replace", "path": "emails[0]", "value": "x" }), "invalidPath"),
        (json!({ "op": "remove", "path": "emails[type is 1]" }), "invalidFilter"),
        (json!({ "op": "replace", "path": "id", "value": "x" }), "mutability"),
    ] {
        bad(idp.patch(&bob, both(operation)).await, kind);
    }
    bad(idp.post("/Users", user("ADA", json!({ "active": "perhaps" }))).await, "invalidValue");
    refused(idp.patch(&bob, one("replace", "userName", json!("ADA"))).await, 409, "uniqueness");
}
