//! The common attributes (RFC 7643 §3.1).

use serde_json::{Value, json};
use testkit::app::TestApp;

use super::*;

/// Also R-7643-3.1-02.
#[tokio::test(flavor = "multi_thread")]
async fn r_7643_3_1_01_the_server_gives_each_resource_its_id_for_life() {
    let app = TestApp::start().await;
    let idp = app.idp();
    let claimed = json!({ "id": "mine", "externalId": "e" });
    let ada = idp.post("/Users", user("ada", claimed)).await.expect(201);
    let bob = idp.post("/Users", user("bob", json!({}))).await.expect(201);
    let mut body = group("Team", &[]);
    body["id"] = json!(ada.id());
    let team = idp.post("/Groups", body).await.expect(201);
    let ids = [ada.id(), bob.id(), team.id()];
    for (i, id) in ids.iter().enumerate() {
        assert!(!id.is_empty() && id != "mine");
        assert!(!ids[i + 1..].contains(id), "{id} is there twice");
        assert!(!id.to_lowercase().contains("bulkid"), "{id}");
        assert_eq!(*id, encoded(id), "an id needs no escaping");
        assert_eq!(uuid(id), 36, "{id} is no UUID");
    }
    // No write moves it.
    let renamed = user("ada.l", json!({ "id": bob.id() }));
    assert_eq!(idp.put(&at(&ada), renamed).await.expect(200).id(), ada.id());
    let into = idp.patch(&at(&ada), one("replace", "title", json!("x"))).await.expect(200);
    assert_eq!(into.id(), ada.id());
    // It is never given again.
    idp.delete(&at(&ada)).await.expect(204);
    let again = idp.post("/Users", user("ada", json!({ "id": ada.id() }))).await.expect(201);
    assert!(!ids.contains(&again.id()));
    idp.get(&at(&ada)).await.expect(404);
}

/// The length of what is written as a UUID is.
fn uuid(id: &str) -> usize {
    let lengths: Vec<usize> = id.split('-').map(str::len).collect();
    assert_eq!(lengths, [8, 4, 4, 4, 12], "{id}");
    id.len()
}

#[tokio::test(flavor = "multi_thread")]
async fn r_7643_3_1_03_an_external_id_is_the_clients_own() {
    let app = TestApp::start().await;
    let idp = app.idp();
    let bob = idp.post("/Users", user("bob", json!({}))).await.expect(201);
    assert_eq!(bob.body.get("externalId"), None, "nobody made one up");
    let team = idp.post("/Groups", group("Team", &[])).await.expect(201);
    assert_eq!(team.body.get("externalId"), None);
    let ada = idp.post("/Users", user("ada", json!({ "externalId": "A1" }))).await.expect(201);
    assert_eq!(ada.body["externalId"], "A1");
    assert_eq!(found(&idp, "externalId eq \"A1\"").await, ["ada"]);
    for filter in ["externalId eq \"a1\"", "externalId sw \"a\"", "externalId co \"a\""] {
        assert_eq!(found(&idp, filter).await, Vec::<String>::new(), "{filter}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn r_7643_3_1_04_external_ids_need_not_be_unique_and_each_connector_sees_its_own() {
    let app = TestApp::start().await;
    let (okta, entra) = (app.idp(), app.connector("entra").await);
    let ada = okta.post("/Users", user("ada", json!({ "externalId": "7" }))).await.expect(201);
    let bob = okta.post("/Users", user("bob", json!({ "externalId": "7" }))).await.expect(201);
    assert_eq!(found(&okta, "externalId eq \"7\"").await, ["ada", "bob"]);
    // The other connector knows neither, and has its own.
    assert_eq!(entra.get(&at(&ada)).await.expect(200).body.get("externalId"), None);
    assert_eq!(found(&entra, "externalId eq \"7\"").await, Vec::<String>::new());
    let own = one("add", "externalId", json!("E-1"));
    let seen = entra.patch(&at(&ada), own).await.expect(200);
    assert_eq!(seen.body["externalId"], "E-1");
    assert_eq!(okta.get(&at(&ada)).await.expect(200).body["externalId"], "7");
    assert_eq!(found(&entra, "externalId eq \"E-1\"").await, ["ada"]);
    assert_eq!(okta.get(&at(&bob)).await.expect(200).body["externalId"], "7");
}

#[tokio::test(flavor = "multi_thread")]
async fn r_7643_3_1_05_meta_is_the_servers() {
    let app = TestApp::start().await;
    let idp = app.idp();
    let claimed = json!({
        "resourceType": "Device", "created": "1999-01-01T00:00:00Z", "version": "W/\"99\"",
        "lastModified": "1999-01-01T00:00:00Z", "location": "https://evil.test/Users/1",
    });
    let same = |meta: &Value| {
        assert_eq!(meta["created"], "2026-01-01T00:00:00.000Z", "{meta}");
        assert!(meta["location"].as_str().unwrap().starts_with(&app.url), "{meta}");
    };
    let ada = idp.post("/Users", user("ada", json!({ "meta": claimed }))).await.expect(201);
    same(&ada.body["meta"]);
    assert_eq!(ada.body["meta"]["resourceType"], "User");
    let put = idp.put(&at(&ada), user("ada", json!({ "meta": claimed }))).await.expect(200);
    assert_eq!(put.body, ada.body, "nothing changed");
    idp.post("/Users", user("bob", json!({ "meta": "nonsense" }))).await.expect(201);
    let mut body = group("Team", &[]);
    body["meta"] = claimed;
    let team = idp.post("/Groups", body).await.expect(201);
    same(&team.body["meta"]);
    assert_eq!(team.body["meta"]["resourceType"], "Group");
}

#[tokio::test(flavor = "multi_thread")]
async fn r_7643_3_1_06_last_modified_moves_only_with_the_state() {
    let app = TestApp::start().await;
    let idp = app.idp();
    let ada = idp.post("/Users", user("ada", json!({ "title": "t" }))).await.expect(201);
    assert_eq!(ada.body["meta"]["lastModified"], ada.body["meta"]["created"]);
    wait(&app, 1_000);
    // Reads and writes that change nothing.
    idp.get(&at(&ada)).await.expect(200);
    let same = idp.put(&at(&ada), user("ada", json!({ "title": "t" }))).await.expect(200);
    assert_eq!(same.body["meta"], ada.body["meta"]);
    let same = idp.patch(&at(&ada), one("replace", "title", json!("t"))).await.expect(200);
    assert_eq!(same.body["meta"], ada.body["meta"]);
    bad(idp.patch(&at(&ada), one("replace", "title", json!(5))).await, "invalidValue");
    idp.post("/Users", user("bob", json!({}))).await.expect(201);
    assert_eq!(idp.get(&at(&ada)).await.expect(200).body, ada.body);
    let moved = idp.patch(&at(&ada), one("replace", "title", json!("u"))).await.expect(200);
    assert_eq!(moved.body["meta"]["created"], ada.body["meta"]["created"]);
    assert_eq!(moved.body["meta"]["lastModified"], "2026-01-01T00:00:01.000Z");
    let team = idp.post("/Groups", group("Team", &[])).await.expect(201);
    wait(&app, 1_000);
    let join = one("add", "members", json!([{ "value": ada.id() }]));
    idp.patch(&at_group(&team), join).await.expect(204);
    let meta = idp.get(&at_group(&team)).await.expect(200).body["meta"].clone();
    assert_eq!(meta["lastModified"], "2026-01-01T00:00:02.000Z");
}

#[tokio::test(flavor = "multi_thread")]
async fn r_7643_3_1_07_the_location_is_the_absolute_address() {
    let app = TestApp::start().await;
    let idp = app.idp();
    let ada = idp.post("/Users", user("ada", json!({}))).await.expect(201);
    let expected = format!("{}/scim/acme/v2/Users/{}", app.url, ada.id());
    assert_eq!(ada.body["meta"]["location"], expected);
    assert_eq!(ada.header("location"), expected);
    for reply in [
        idp.get(&at(&ada)).await.expect(200),
        idp.put(&at(&ada), user("ada", json!({ "title": "x" }))).await.expect(200),
        idp.patch(&at(&ada), one("replace", "title", json!("y"))).await.expect(200),
    ] {
        assert_eq!(reply.body["meta"]["location"], expected);
        for header in ["location", "content-location"] {
            assert!(["", &expected].contains(&reply.header(header)), "{reply}");
        }
    }
    let list = idp.get("/Users").await.expect(200);
    assert_eq!(list.body["Resources"][0]["meta"]["location"], expected);
    let team = idp.post("/Groups", group("Team", &[])).await.expect(201);
    let expected = format!("{}/scim/acme/v2/Groups/{}", app.url, team.id());
    assert_eq!(team.body["meta"]["location"], expected);
    // It leads there.
    let there = expected.strip_prefix(&app.url).unwrap();
    let there = app.stranger(Some(&TestApp::key("acme"))).get(there).await.expect(200);
    assert_eq!(there.body, team.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn r_7643_3_1_08_the_version_is_the_entity_tag() {
    let app = TestApp::start().await;
    let idp = app.idp();
    let ada = idp.post("/Users", user("ada", json!({}))).await.expect(201);
    let mut seen = Vec::new();
    for reply in [
        ada.clone(),
        idp.get(&at(&ada)).await.expect(200),
        idp.put(&at(&ada), user("ada", json!({ "title": "x" }))).await.expect(200),
        idp.patch(&at(&ada), one("replace", "title", json!("y"))).await.expect(200),
    ] {
        let version = reply.body["meta"]["version"].as_str().unwrap();
        assert_eq!(version, reply.header("etag"), "{reply}");
        assert!(version.starts_with("W/\"") && version.ends_with('"'), "{version}");
        seen.push(version.to_owned());
    }
    assert_eq!(seen[0], seen[1]);
    assert!(seen[1] != seen[2] && seen[2] != seen[3]);
    let list = idp.get("/Users").await.expect(200);
    assert_eq!(list.body["Resources"][0]["meta"]["version"], seen[3]);
}

#[tokio::test(flavor = "multi_thread")]
async fn r_7643_3_1_09_times_are_in_utc_with_milliseconds() {
    let app = TestApp::start().await;
    extend(&app, false, json!([{ "name": "since", "type": "dateTime" }])).await.unwrap();
    wait(&app, 34_200_007);
    let idp = app.idp();
    let mut written = Vec::new();
    for (name, since) in [
        ("ada", "2026-11-22T10:30:00+01:00"),
        ("bob", "2026-11-22T09:30:00Z"),
        ("eve", "2026-11-22T09:30:00.000000"),
    ] {
        let own = json!({ OWN: { "since": since } });
        written.push(idp.post("/Users", user(name, own)).await.expect(201).body);
    }
    for body in &written {
        assert_eq!(body[OWN]["since"], "2026-11-22T09:30:00.000Z");
        assert_eq!(body["meta"]["created"], "2026-01-01T09:30:00.007Z");
        assert_eq!(body["meta"]["lastModified"], "2026-01-01T09:30:00.007Z");
    }
}
