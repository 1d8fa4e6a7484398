//! Creating resources (RFC 7644 §3.3).

use reqwest::Method;
use serde_json::{Value, json};
use testkit::app::TestApp;

use super::*;

/// Also R-7644-3.3-07.
#[tokio::test(flavor = "multi_thread")]
async fn r_7644_3_3_01_a_create_answers_the_whole_resource_and_where_it_is() {
    let app = TestApp::start().await;
    let idp = app.idp();
    let more = json!({ "title": "t", "emails": [{ "value": "a@x.test" }] });
    for (path, body) in [("/Users", user("ada", more)), ("/Groups", group("Team", &[]))] {
        let created = idp.post(path, body.clone()).await.expect(201);
        assert_eq!(created.header("content-type"), "application/scim+json");
        assert_eq!(created.header("location"), created.body["meta"]["location"]);
        assert_eq!(created.header("etag"), created.body["meta"]["version"]);
        assert!(created.header("etag").starts_with("W/\""), "{created}");
        for (name, value) in body.as_object().unwrap().iter().filter(|(name, _)| *name != "members")
        {
            assert_eq!(created.body[name], *value, "{created}");
        }
        let there = idp.get(&format!("{path}/{}", created.id())).await.expect(200);
        assert_eq!(there.body, created.body, "nothing of it is missing");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn r_7644_3_3_02_what_only_the_server_writes_is_ignored() {
    let app = TestApp::start().await;
    for (number, client) in [app.idp(), app.connector("strict").await].iter().enumerate() {
        let team = client.post("/Groups", group(&format!("T{number}"), &[])).await.expect(201);
        let more = json!({
            "id": "mine", "meta": { "version": 5 }, "groups": [{ "value": team.id() }],
            ENTERPRISE: { "division": "d", "manager": { "displayName": "Boss" } },
        });
        let ada = client.post("/Users", user(&format!("ada{number}"), more)).await.expect(201);
        assert_ne!(ada.id(), "mine");
        assert_eq!(ada.body["meta"]["version"], ada.header("etag"));
        assert_eq!(ada.body.get("groups"), None);
        assert_eq!(ada.body[ENTERPRISE], json!({ "division": "d" }));
        // Not even looked at.
        let more = json!({ "id": 5, "meta": "x", "groups": 7 });
        client.post("/Users", user(&format!("bob{number}"), more)).await.expect(201);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn r_7644_3_3_04_a_duplicate_creates_nothing() {
    let app = TestApp::start().await;
    let idp = app.idp();
    let ada = idp.post("/Users", user("ada", json!({ "title": "t" }))).await.expect(201);
    let before = head(&app);
    let reply = idp.post("/Users", user("ADA", json!({ "title": "u" }))).await;
    let reply = refused(reply, 409, "uniqueness");
    assert!(reply.body["detail"].as_str().unwrap().contains("userName"), "{reply}");
    assert_eq!(head(&app), before);
    assert_eq!(idp.get("/Users").await.expect(200).body["totalResults"], 1);
    assert_eq!(idp.get(&at(&ada)).await.expect(200).body, ada.body);
    // Of many at once one wins.
    let racing = (0..16).map(|_| {
        let idp = idp.clone();
        tokio::spawn(
            async move { idp.post("/Users", user("bob", json!({}))).await.status.as_u16() },
        )
    });
    let mut statuses = Vec::new();
    for one in racing.collect::<Vec<_>>() {
        statuses.push(one.await.unwrap());
    }
    statuses.sort_unstable();
    assert_eq!((statuses[0], &statuses[1..]), (201, [409; 15].as_slice()));
}

#[tokio::test(flavor = "multi_thread")]
async fn r_7644_3_3_05_what_is_missing_or_of_the_wrong_type_is_refused() {
    let app = TestApp::start().await;
    let idp = app.idp();
    let before = head(&app);
    bad(idp.post("/Users", json!({ "schemas": [CORE], "title": "t" })).await, "invalidValue");
    bad(idp.post("/Groups", json!({ "schemas": [GROUP], "members": [] })).await, "invalidValue");
    bad(idp.post("/Users", user("ada", json!({ "title": 5 }))).await, "invalidValue");
    bad(idp.post("/Users", user("ada", json!({ "name": ["x"] }))).await, "invalidValue");
    bad(idp.post("/Groups", json!({ "schemas": [GROUP], "displayName": 5 })).await, "invalidValue");
    assert_eq!(head(&app), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn r_7644_3_3_06_unknown_attributes_are_ignored_except_by_interop() {
    let app = TestApp::start().await;
    let body =
        user("ada", json!({ "shoeSize": 42, "emails": [{ "value": "a@x.test", "odd": 1 }] }));
    for client in [app.idp(), app.connector("strict").await] {
        let ada = client.post("/Users", body.clone()).await.expect(201);
        assert_eq!(ada.body.get("shoeSize"), None);
        assert_eq!(ada.body["emails"], json!([{ "value": "a@x.test" }]));
        client.delete(&at(&ada)).await.expect(204);
    }
    let interop = app.connector("interop").await;
    bad(interop.post("/Users", body).await, "invalidSyntax");
}

#[tokio::test(flavor = "multi_thread")]
async fn r_7644_3_2_01_endpoints_are_found_by_the_resource_types() {
    let app = TestApp::start().await;
    let idp = app.idp();
    let types = idp.get("/ResourceTypes").await.expect(200).body;
    for one in types["Resources"].as_array().unwrap() {
        assert_eq!(one["endpoint"], format!("/{}s", one["name"].as_str().unwrap()));
    }
    let ada = idp.post("/Users", user("ada", json!({}))).await.expect(201);
    for path in [at(&ada), "/Users/unknown".to_owned(), "/Groups/unknown".to_owned()] {
        let body = user("bob", json!({})).to_string().into_bytes();
        let reply = refused(idp.send(Method::POST, &path, &[], Some(body)).await, 405, "");
        assert!(!reply.header("allow").contains("POST"), "{reply}");
    }
    assert_eq!(idp.get("/Users").await.expect(200).body["totalResults"], 1);
    // A created resource is at the endpoint that its type names.
    let location = ada.body["meta"]["location"].as_str().unwrap();
    assert!(location.ends_with(&at(&ada)), "{location}");
    assert_eq!(Value::from(ada.header("location")), ada.body["meta"]["location"]);
}
