//! Bad input gets the error that the checklist names (§18), changes nothing, and stands in the
//! refusal journal.

use reqwest::Method;
use serde_json::{Value, json};
use testkit::app::{Client, Reply, TestApp};

use crate::messages::{CORE, GROUP, PATCH, patch};

fn user(name: &str) -> Value {
    json!({ "schemas": [CORE], "userName": name })
}

async fn head(app: &TestApp) -> Value {
    app.operator().get("/tenants/acme").await.expect(200).body["head"].clone()
}

/// Sends a bad request and checks all three: the error, that nothing moved, the journal.
async fn refused(
    app: &TestApp,
    status: u16,
    kind: Option<&str>,
    reply: impl Future<Output = Reply>,
) {
    let before = head(app).await;
    let reply = reply.await.expect(status);
    assert_eq!(reply.header("content-type"), "application/scim+json", "{reply}");
    let error = json!(["urn:ietf:params:scim:api:messages:2.0:Error"]);
    assert_eq!(reply.body["schemas"], error, "{reply}");
    assert_eq!(reply.body["status"], status.to_string(), "{reply}");
    assert_eq!(reply.body.get("scimType").and_then(Value::as_str), kind, "{reply}");
    assert_eq!(head(app).await, before, "a refused request changed something: {reply}");
    let journal = app.operator().get("/tenants/acme/problems?count=1").await.expect(200);
    let newest = &journal.body["problems"][0];
    assert_eq!(newest["status"], status, "{newest}");
    assert_eq!(newest["detail"], reply.body["detail"], "{newest}");
    assert_eq!(newest.get("scimType").and_then(Value::as_str), kind, "{newest}");
}

async fn raw(idp: &Client, body: &[u8], headers: &[(&str, &str)]) -> Reply {
    idp.send(Method::POST, "/Users", headers, Some(body.to_vec())).await
}

#[tokio::test(flavor = "multi_thread")]
async fn r_7644_3_12_01_every_bad_request_gets_its_error_and_changes_nothing() {
    let app = TestApp::start().await;
    let idp = app.idp();
    let ada = idp.post("/Users", user("Ada@x.test")).await.expect(201).id();
    let sales = json!({ "schemas": [GROUP], "displayName": "Sales" });
    let group = idp.post("/Groups", sales.clone()).await.expect(201).id();
    let (one, team) = (format!("/Users/{ada}"), format!("/Groups/{group}"));

    // What is no SCIM message at all.
    refused(&app, 400, Some("invalidSyntax"), raw(&idp, b"{not json", &[])).await;
    refused(&app, 400, Some("invalidSyntax"), raw(&idp, b"\"text\"", &[])).await;
    refused(&app, 400, Some("invalidSyntax"), raw(&idp, b"{\"userName\":\"\xff\"}", &[])).await;
    refused(&app, 400, Some("invalidSyntax"), raw(&idp, b"{\"a\":1,\"A\":2}", &[])).await;
    refused(&app, 400, Some("invalidSyntax"), idp.post("/Users", json!({ "userName": "x" }))).await;
    let deep = format!("{}1{}", "[".repeat(40), "]".repeat(40));
    refused(&app, 400, Some("invalidSyntax"), raw(&idp, deep.as_bytes(), &[])).await;
    let operations = json!({ "schemas": [PATCH] });
    refused(&app, 400, Some("invalidSyntax"), idp.patch(&one, operations)).await;
    let unknown = patch(json!([{ "op": "move", "path": "title", "value": "x" }]));
    refused(&app, 400, Some("invalidSyntax"), idp.patch(&one, unknown)).await;

    // Media types, sizes, addresses, methods.
    let xml = [("content-type", "text/xml")];
    refused(&app, 415, None, raw(&idp, b"<user/>", &xml)).await;
    let html = [("accept", "text/html")];
    refused(&app, 406, None, idp.send(Method::GET, "/Users", &html, None)).await;
    let large = vec![b' '; server::limits::USER_BODY_BYTES + 1];
    refused(&app, 413, None, raw(&idp, &large, &[])).await;
    refused(&app, 404, None, idp.get("/Nothing")).await;
    refused(&app, 404, None, idp.get("/Users/00919288221112222")).await;
    refused(&app, 405, None, idp.post(&one, user("x"))).await;

    // Values.
    let wrong_type = json!({ "schemas": [CORE], "userName": "b", "active": "perhaps" });
    refused(&app, 400, Some("invalidValue"), idp.post("/Users", wrong_type)).await;
    refused(&app, 400, Some("invalidValue"), idp.post("/Users", json!({ "schemas": [CORE] })))
        .await;
    refused(&app, 400, Some("invalidValue"), idp.post("/Users", user(""))).await;
    refused(&app, 400, Some("invalidValue"), idp.get("/Users?count=many")).await;
    refused(&app, 400, Some("invalidValue"), idp.get("/Users?asOf=yesterday")).await;
    refused(&app, 400, Some("invalidValue"), idp.get("/Users?asOf=99999")).await;
    refused(&app, 400, Some("invalidValue"), idp.get("/Users?asOf=2000-01-01")).await;
    refused(&app, 400, Some("invalidValue"), idp.get("/Users?asOf=2999-01-01")).await;
    let stranger = json!([{ "op": "add", "path": "members", "value": [{ "value": "nobody" }] }]);
    refused(&app, 400, Some("invalidValue"), idp.patch(&team, patch(stranger))).await;

    // Filters and paths.
    refused(&app, 400, Some("invalidFilter"), idp.get("/Users?filter=userName%20is%20%22a%22"))
        .await;
    refused(&app, 400, Some("invalidFilter"), idp.get("/Users?filter=shoeSize%20eq%20%22a%22"))
        .await;
    let bad_path = patch(json!([{ "op": "replace", "path": "emails[0]", "value": "x" }]));
    refused(&app, 400, Some("invalidPath"), idp.patch(&one, bad_path)).await;
    let no_path = patch(json!([{ "op": "replace", "path": "shoe size", "value": "x" }]));
    refused(&app, 400, Some("invalidPath"), idp.patch(&one, no_path)).await;
    refused(&app, 400, Some("noTarget"), idp.patch(&one, patch(json!([{ "op": "remove" }])))).await;
    let required = patch(json!([{ "op": "remove", "path": "userName" }]));
    refused(&app, 400, Some("mutability"), idp.patch(&one, required)).await;
    let read_only = patch(json!([{ "op": "replace", "path": "id", "value": "x" }]));
    refused(&app, 400, Some("mutability"), idp.patch(&one, read_only)).await;

    // Uniqueness: in another case, by POST, PUT and PATCH; groups by name.
    refused(&app, 409, Some("uniqueness"), idp.post("/Users", user("aDA@X.test"))).await;
    let bob = idp.post("/Users", user("bob")).await.expect(201).id();
    let bob = format!("/Users/{bob}");
    refused(&app, 409, Some("uniqueness"), idp.put(&bob, user("ADA@x.test"))).await;
    let rename = patch(json!([{ "op": "replace", "value": { "userName": "ada@X.TEST" } }]));
    refused(&app, 409, Some("uniqueness"), idp.patch(&bob, rename)).await;
    let same = json!({ "schemas": [GROUP], "displayName": "SALES" });
    refused(&app, 409, Some("uniqueness"), idp.post("/Groups", same)).await;

    // Versions.
    let stale = [("if-match", "W/\"1\"")];
    refused(&app, 412, None, idp.send(Method::DELETE, &one, &stale, None)).await;

    let version = idp.get(&one).await.expect(200).header("etag").to_owned();
    for ruled_out in ["*".to_owned(), format!("\"none\", {version}")] {
        let there = [("if-none-match", ruled_out.as_str())];
        refused(&app, 412, None, idp.send(Method::DELETE, &one, &there, None)).await;
    }

    // Nesting, length, and cursors that are not this client's or not good any more.
    let deep = format!(
        "{{\"schemas\":[\"{CORE}\"],\"userName\":\"d\",\"x\":{}1{}}}",
        "[".repeat(32),
        "]".repeat(32)
    );
    refused(&app, 400, Some("invalidSyntax"), raw(&idp, deep.as_bytes(), &[])).await;
    let parens = format!("{}title pr{}", "(".repeat(33), ")".repeat(33)).replace(' ', "%20");
    let path = format!("/Users?filter={parens}");
    refused(&app, 400, Some("invalidFilter"), idp.get(&path)).await;
    let long = format!("/Users?filter=title%20eq%20%22{}%22", "x".repeat(9 * 1024));
    refused(&app, 400, Some("invalidFilter"), idp.get(&long)).await;
    let first = idp.get("/Users?cursor&count=1").await.expect(200).body;
    let cursor = first["nextCursor"].as_str().unwrap().to_owned();
    let page = format!("/Users?count=1&cursor={cursor}");
    // The last character holds only some bits of the last byte: one in the middle is another one for certain.
    let (start, rest) = cursor.split_at(cursor.len() / 2);
    let other = if rest.starts_with('A') { "B" } else { "A" };
    let forged = format!("/Users?count=1&cursor={start}{other}{}", &rest[1..]);
    refused(&app, 400, Some("invalidCursor"), idp.get(&forged)).await;
    let globex = app.stranger(Some(&TestApp::key("globex")));
    let theirs = globex.get(&format!("/scim/globex/v2{page}")).await.expect(400);
    assert_eq!(theirs.body["scimType"], "invalidCursor");
    refused(&app, 400, Some("invalidCount"), idp.get(&page.replace("count=1", "count=2"))).await;
    refused(&app, 400, Some("invalidCursor"), idp.get(&format!("{page}&sortBy=title"))).await;
    app.clock.fetch_add(3_600_001, std::sync::atomic::Ordering::Relaxed);
    refused(&app, 400, Some("expiredCursor"), idp.get(&page)).await;

    // One bad operation undoes the good one before it (R-7644-3.5.2-04).
    let half = patch(json!([
        { "op": "replace", "path": "title", "value": "Boss" },
        { "op": "replace", "path": "id", "value": "x" },
    ]));
    refused(&app, 400, Some("mutability"), idp.patch(&one, half)).await;
    assert_eq!(idp.get(&one).await.expect(200).body.get("title"), None);

    // A foreign version of the protocol.
    let old = app.stranger(Some(&TestApp::key("acme")));
    refused(&app, 400, Some("invalidVers"), old.get("/scim/acme/v1/Users")).await;
}

/// The journal says who and where, never what: no body, no query, no key.
#[tokio::test(flavor = "multi_thread")]
async fn the_journal_holds_neither_bodies_nor_queries_nor_keys() {
    let app = TestApp::start().await;
    let idp = app.idp();
    let canary = "canary-5b1f";
    raw(&idp, format!("{{\"{canary}").as_bytes(), &[]).await.expect(400);
    idp.get(&format!("/Users?filter=nickName%20eq%20{canary}&count=2")).await.expect(400);
    idp.with_key("acme:rbk_canary-5b1f").get("/Users").await.expect(401);
    for tenant in ["acme", "_system"] {
        let path = format!("/tenants/{tenant}/problems");
        let journal = app.operator().get(&path).await.expect(200);
        assert!(!journal.body["problems"].as_array().unwrap().is_empty());
        for problem in journal.body["problems"].as_array().unwrap() {
            assert!(!problem["path"].as_str().unwrap().contains('?'), "{problem}");
            let text = problem.to_string();
            assert!(!text.contains("rbk_canary") && !text.contains("%20"), "{text}");
        }
    }
}

/// Bounds that hold for what many small requests add up to, and for what one request leaves behind.
#[tokio::test(flavor = "multi_thread")]
async fn limits_answer_with_what_they_limit() {
    let app = TestApp::start().await;
    let idp = app.idp();
    let long = json!({ "schemas": [GROUP], "displayName": "x".repeat(2_000) });
    refused(&app, 400, Some("invalidValue"), idp.post("/Groups", long)).await;
    // Somebody whose id has letters: they count in the case in which they are.
    let mut user = idp.post("/Users", user("ada")).await.expect(201).id();
    for number in 0..16 {
        if !user.contains(|c: char| c.is_ascii_alphabetic()) {
            user = idp.post("/Users", self::user(&format!("ada{number}"))).await.expect(201).id();
        }
    }
    let one = format!("/Users/{user}");
    let mut answers = Vec::new();
    for number in 0..5 {
        let mail = format!("{number}{}", "x".repeat(300_000));
        let add = patch(json!([{ "op": "add", "path": "emails", "value": [{ "value": mail }] }]));
        answers.push(idp.patch(&one, add).await.status.as_u16());
    }
    assert_eq!(answers, [200, 200, 200, 400, 400]);
    // What is refused is noted, however long it was; what is left out is one entry.
    let path = format!("/{}", "x".repeat(20_000));
    idp.get(&path).await.expect(404);
    let roles: Vec<Value> = (0..100).map(|n| json!({ "value": format!("r{n}") })).collect();
    let body = json!({ "schemas": [CORE], "userName": "bob", "roles": roles });
    idp.post("/Users", body).await.expect(201);
    let journal = app.operator().get("/tenants/acme/problems").await.expect(200);
    let problems = journal.body["problems"].as_array().unwrap();
    assert!(problems[0]["detail"].as_str().unwrap().ends_with("and 95 more"), "{}", problems[0]);
    assert_eq!(problems[1]["status"], 404);
    let counts: Vec<_> =
        problems.iter().map(|problem| problem["count"].as_u64().unwrap()).collect();
    assert_eq!(counts, [1, 1, 2, 1], "the two mails too many are one problem: {journal}");
    // A condition is checked before the body is understood (R-7644-3.12-04).
    let stale = [("if-match", "W/\"1\"")];
    let bad = patch(json!([{ "op": "add", "path": "nope", "value": 1 }])).to_string().into_bytes();
    refused(&app, 412, None, idp.send(Method::PATCH, &one, &stale, Some(bad))).await;
    refused(&app, 400, Some("invalidValue"), idp.delete(&format!("{one}?asOf=3"))).await;
    refused(&app, 404, None, idp.get(&one.to_uppercase().replace("/USERS", "/Users"))).await;
}

/// A role that nobody defined is left out and reported; the rest of the request is carried out.
#[tokio::test(flavor = "multi_thread")]
async fn c_07_unknown_roles_are_left_out_and_reported() {
    let app = TestApp::start().await;
    let body = json!({
        "schemas": [CORE], "userName": "jane", "roles": [{ "value": "Admin" }, { "value": "Boss" }],
    });
    let created = app.idp().post("/Users", body).await.expect(201);
    assert_eq!(created.body["roles"], json!([{ "value": "Admin" }]), "{created}");
    let journal = app.operator().get("/tenants/acme/problems").await.expect(200);
    let problem = &journal.body["problems"][0];
    assert_eq!(problem["status"], 201);
    assert!(problem["detail"].as_str().unwrap().contains("`Boss`"), "{problem}");
}

/// A client that is refused before its body was read sees why, however much it is still sending. Seen to fail without the
/// rest of the body being let go by: the connection breaks instead.
#[tokio::test(flavor = "multi_thread")]
async fn who_is_refused_early_sees_why() {
    let app = TestApp::start().await;
    let idp = app.idp();
    let large = vec![b' '; 4 << 20];
    let xml = [("content-type", "text/xml")];
    for _ in 0..20 {
        raw(&idp, &large, &xml).await.expect(415);
        raw(&idp, &large, &[]).await.expect(413);
        raw(&idp.with_key("acme:rbk_wrong"), &large, &[]).await.expect(401);
    }
}
