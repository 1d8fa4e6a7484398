//! Retrieving a resource (RFC 7644 §3.4.1).

use serde_json::json;
use testkit::app::TestApp;

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn r_7644_3_4_1_01_a_resource_is_answered_with_its_version_and_place() {
    let app = TestApp::start().await;
    let idp = app.idp();
    let ada = idp.post("/Users", user("ada", json!({ "title": "t" }))).await.expect(201);
    let team = idp.post("/Groups", group("Team", &[&ada.id()])).await.expect(201);
    for path in [at(&ada), at_group(&team)] {
        let reply = idp.get(&path).await.expect(200);
        let meta = &reply.body["meta"];
        assert_eq!(reply.header("content-type"), "application/scim+json");
        assert_eq!(reply.header("etag"), meta["version"]);
        assert_eq!(reply.header("location"), meta["location"]);
        assert_eq!(reply.header("content-location"), meta["location"]);
        assert!(meta["location"].as_str().unwrap().ends_with(&path));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn r_7644_3_4_1_02_what_is_not_there_is_not_there_in_one_way() {
    let app = TestApp::start().await;
    let idp = app.idp();
    let ada = idp.post("/Users", user("ada", json!({}))).await.expect(201);
    let team = idp.post("/Groups", group("Team", &[])).await.expect(201);
    let foreign =
        globex(&app).post("/scim/globex/v2/Users", user("eve", json!({}))).await.expect(201);
    let gone = idp.post("/Users", user("gone", json!({}))).await.expect(201);
    idp.delete(&at(&gone)).await.expect(204);
    let never = "00000000-0000-0000-0000-00000000ffff";
    let mut answers = Vec::new();
    for id in [never, "nobody", &gone.id(), &team.id(), &foreign.id()] {
        let reply = refused(idp.get(&format!("/Users/{id}")).await, 404, "");
        // But for the id that the client itself said, all are the same.
        answers.push(reply.body.to_string().replace(id, "ID"));
        refused(idp.put(&format!("/Users/{id}"), user("x", json!({}))).await, 404, "");
        let change = one("replace", "title", json!("x"));
        refused(idp.patch(&format!("/Users/{id}"), change).await, 404, "");
        refused(idp.delete(&format!("/Users/{id}")).await, 404, "");
    }
    answers.dedup();
    assert_eq!(answers.len(), 1, "{answers:#?}");
    refused(idp.get(&format!("/Groups/{}", ada.id())).await, 404, "");
    for path in ["/Devices", "/Devices/1", "/Users/1/2", "/users", "/User"] {
        refused(idp.get(path).await, 404, "");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn r_7644_3_4_1_03_a_client_reads_the_state_and_its_own_writes() {
    let app = TestApp::start().await;
    let idp = app.idp();
    for number in 0..50 {
        let name = format!("u{number}");
        let sent = json!({ "id": "x", "title": null, "nickName": "n", "odd": 1 });
        let created = idp.post("/Users", user(&name, sent)).await.expect(201);
        assert_eq!(
            keys(&created.body),
            ["active", "id", "meta", "nickName", "schemas", "userName"]
        );
        assert_eq!(idp.get(&at(&created)).await.expect(200).body, created.body);
        assert_eq!(found(&idp, &format!("userName eq \"{name}\"")).await, [name.as_str()]);
        let title = json!(format!("t{number}"));
        let patched =
            idp.patch(&at(&created), one("add", "title", title.clone())).await.expect(200);
        assert_eq!(patched.body["title"], title);
        assert_eq!(found(&idp, &format!("title eq {title}")).await, [name.as_str()]);
        idp.delete(&at(&created)).await.expect(204);
        idp.get(&at(&created)).await.expect(404);
        assert!(found(&idp, &format!("userName eq \"{name}\"")).await.is_empty());
    }
}
