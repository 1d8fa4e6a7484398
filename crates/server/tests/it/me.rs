//! `/Me`: the user whose key was shown.

use serde_json::json;
use testkit::app::{Client, TestApp};

use crate::messages::{CORE, patch};

/// Jane, and a client with a key of hers.
async fn jane(app: &TestApp) -> (String, Client) {
    let body = json!({ "schemas": [CORE], "userName": "jane@acme.com", "externalId": "00u1", "title": "Dr" });
    let id = app.idp().post("/Users", body).await.expect(201).id();
    let issued = app
        .operator()
        .post("/tenants/acme/credentials", json!({ "user": "JANE@acme.com" }))
        .await
        .expect(201);
    let key = issued.body["apiKey"].as_str().unwrap();
    assert!(key.starts_with("acme:rbu_"), "{key}");
    (id, app.idp().with_key(key))
}

/// Also R-7644-3.11-02. Seen to fail with the connector's view of the user, which shows its `externalId`.
#[tokio::test]
async fn r_7644_3_11_01_me_is_the_user_whose_key_was_shown() {
    let app = TestApp::start().await;
    let (id, me) = jane(&app).await;
    let mine = me.get("/Me").await.expect(200);
    let place = format!("{}/scim/acme/v2/Users/{id}", app.url);
    assert_eq!(mine.header("location"), place);
    assert_eq!(mine.body["meta"]["location"], place);
    assert_eq!(mine.header("etag"), mine.body["meta"]["version"].as_str().unwrap());
    assert_eq!(
        (&mine.body["userName"], &mine.body["title"]),
        (&json!("jane@acme.com"), &json!("Dr"))
    );
    assert!(mine.body["externalId"].is_null(), "another's word for her");
    let little = me.get("/Me?attributes=title").await.expect(200).body;
    assert_eq!(little.as_object().unwrap().len(), 3, "{little}");
    let tag = [("if-none-match", mine.header("etag"))];
    me.send(reqwest::Method::GET, "/Me", &tag, None).await.expect(304);

    // An identity provider's key stands for nobody.
    let none = app.idp().get("/Me").await.expect(404);
    assert!(none.body["detail"].as_str().unwrap().contains("for keys of users"));
    // She reads herself, and nothing else.
    for path in ["/Users", &format!("/Users/{id}"), "/Schemas", "/Groups"] {
        let refused = me.get(path).await.expect(403);
        assert!(refused.header("www-authenticate").contains("insufficient_scope"), "{refused}");
    }
    let change = json!({ "schemas": [CORE], "userName": "root" });
    for refused in
        [me.put("/Me", change.clone()).await, me.patch("/Me", change).await, me.delete("/Me").await]
    {
        assert_eq!(refused.expect(405).header("allow"), "GET, HEAD");
    }
}

/// A key of someone who may do nothing opens nothing; with the person goes the key.
#[tokio::test]
async fn a_users_key_ends_with_the_user() {
    let app = TestApp::start().await;
    let (id, me) = jane(&app).await;
    let active =
        |active: bool| patch(json!([{ "op": "replace", "path": "active", "value": active }]));
    let path = format!("/Users/{id}");
    app.idp().patch(&path, active(false)).await.expect(200);
    me.get("/Me").await.expect(401);
    app.idp().patch(&path, active(true)).await.expect(200);
    me.get("/Me").await.expect(200);
    app.idp().delete(&path).await.expect(204);
    me.get("/Me").await.expect(401);
    let keys = app.operator().get("/tenants/acme/credentials").await.expect(200).body;
    let keys = keys["credentials"].as_array().unwrap().clone();
    let hers = keys.iter().find(|key| key["connector"].is_null()).unwrap();
    assert!(!hers["revoked"].is_null(), "{hers}");
    for body in [json!({}), json!({ "user": id, "connector": "okta" })] {
        app.operator().post("/tenants/acme/credentials", body).await.expect(400);
    }
    app.operator().post("/tenants/acme/credentials", json!({ "user": id })).await.expect(404);
}
