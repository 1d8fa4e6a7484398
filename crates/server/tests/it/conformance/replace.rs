//! Replacing with PUT (RFC 7644 §3.5.1).

use serde_json::{Value, json};
use testkit::app::TestApp;

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn r_7644_3_5_1_01_put_answers_the_whole_resource_and_never_creates() {
    let app = TestApp::start().await;
    let idp = app.idp();
    let ada = idp.post("/Users", user("ada", json!({}))).await.expect(201);
    let put = idp.put(&at(&ada), user("ada", json!({ "title": "t" }))).await.expect(200);
    assert_eq!(put.body["title"], "t");
    assert_eq!(put.body, idp.get(&at(&ada)).await.expect(200).body);
    let team = idp.post("/Groups", group("Team", &[])).await.expect(201);
    let put = idp.put(&at_group(&team), group("T", &[&ada.id()])).await.expect(200);
    assert_eq!(put.body, idp.get(&at_group(&team)).await.expect(200).body);
    assert_eq!(put.body["members"][0]["value"], ada.id());
    let before = head(&app);
    let never = "00000000-0000-0000-0000-00000000ffff";
    refused(idp.put(&format!("/Users/{never}"), user("new", json!({}))).await, 404, "");
    refused(idp.put(&format!("/Groups/{never}"), group("New", &[])).await, 404, "");
    refused(idp.put("/Users/new", user("new", json!({}))).await, 404, "");
    assert_eq!(head(&app), before);
    refused(idp.put("/Users", user("new", json!({}))).await, 405, "");
}

#[tokio::test(flavor = "multi_thread")]
async fn r_7644_3_5_1_02_what_is_absent_is_cleared() {
    let app = TestApp::start().await;
    extend(&app, false, json!([{ "name": "colour" }])).await.unwrap();
    let idp = app.idp();
    let full = json!({
        "title": "t", "externalId": "e", "name": { "givenName": "g", "familyName": "f" },
        "emails": [{ "value": "a@x.test", "type": "work" }, { "value": "b@x.test" }],
        "roles": [{ "value": "Admin" }], OWN: { "colour": "red" },
        ENTERPRISE: { "department": "d", "division": "v" },
    });
    let ada = idp.post("/Users", user("ada", full)).await.expect(201);
    let part = json!({
        "name": { "givenName": "h" }, "emails": [{ "value": "c@x.test" }],
        ENTERPRISE: { "division": "w" },
    });
    let put = idp.put(&at(&ada), user("ada", part)).await.expect(200).body;
    assert_eq!(put["name"], json!({ "givenName": "h" }));
    assert_eq!(put["emails"], json!([{ "value": "c@x.test" }]));
    assert_eq!(put[ENTERPRISE], json!({ "division": "w" }));
    assert_eq!(put["schemas"], json!([CORE, ENTERPRISE]));
    // The name that is shown is derived of what is left of the name.
    let expected = [
        "active",
        "displayName",
        "emails",
        "id",
        "meta",
        "name",
        "schemas",
        ENTERPRISE,
        "userName",
    ];
    assert_eq!(keys(&put), expected);
    let bare = idp.put(&at(&ada), user("ada", json!({}))).await.expect(200).body;
    assert_eq!(bare["schemas"], json!([CORE]));
    assert_eq!(keys(&bare), ["active", "id", "meta", "schemas", "userName"]);
    let team = idp.post("/Groups", group("Team", &[&ada.id()])).await.expect(201);
    let emptied = json!({ "schemas": [GROUP], "displayName": "Team" });
    let emptied = idp.put(&at_group(&team), emptied).await.expect(200).body;
    assert_eq!(emptied.get("members"), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn r_7644_3_5_1_03_a_suspended_user_stays_suspended_when_active_is_absent() {
    let app = TestApp::start().await;
    let idp = app.idp();
    let ada = idp.post("/Users", user("ada", json!({ "active": false }))).await.expect(201);
    for absent in [json!({}), json!({ "title": "t" })] {
        let put = idp.put(&at(&ada), user("ada", absent)).await.expect(200).body;
        assert_eq!(put["active"], false);
    }
    let back = idp.put(&at(&ada), user("ada", json!({ "active": true }))).await.expect(200).body;
    assert_eq!(back["active"], true);
    assert_eq!(idp.put(&at(&ada), user("ada", json!({}))).await.expect(200).body["active"], true);
}

#[tokio::test(flavor = "multi_thread")]
async fn r_7644_3_5_1_03_immutable_values_stay_when_absent() {
    let app = TestApp::start().await;
    let attributes = json!([{ "name": "serial", "mutability": "immutable" }, { "name": "note" }]);
    extend(&app, false, attributes).await.unwrap();
    let idp = app.idp();
    let full = json!({ OWN: { "serial": "1", "note": "n" } });
    let ada = idp.post("/Users", user("ada", full)).await.expect(201);
    for (absent, left) in [
        (json!({ OWN: { "note": "m" } }), json!({ "serial": "1", "note": "m" })),
        (json!({ OWN: {} }), json!({ "serial": "1" })),
        (json!({ OWN: null }), json!({ "serial": "1" })),
        (json!({ "title": "t" }), json!({ "serial": "1" })),
    ] {
        let put = idp.put(&at(&ada), user("ada", absent)).await.expect(200).body;
        assert_eq!(put[OWN], left);
        assert_eq!(put["schemas"], json!([CORE, OWN]));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn r_7644_3_5_1_04_read_only_values_are_ignored() {
    let app = TestApp::start().await;
    let idp = app.idp();
    let ada = idp.post("/Users", user("ada", json!({}))).await.expect(201);
    let bob = idp.post("/Users", user("bob", json!({}))).await.expect(201);
    let team = idp.post("/Groups", group("Team", &[&ada.id()])).await.expect(201);
    let now = idp.get(&at(&ada)).await.expect(200).body;
    for claimed in [
        json!({ "id": bob.id(), "meta": { "created": "1999-01-01T00:00:00Z" }, "groups": [] }),
        json!({ "id": "x", "meta": null, "groups": [{ "value": "1" }] }),
        json!({ "id": 5, "meta": 5, "groups": 5 }),
    ] {
        let put = idp.put(&at(&ada), user("ada", claimed)).await.expect(200);
        assert_eq!(put.body, now);
    }
    assert_eq!(idp.get(&at(&bob)).await.expect(200).body, bob.body);
    let mut claimed = group("Team", &[&ada.id()]);
    claimed["id"] = json!(ada.id());
    assert_eq!(idp.put(&at_group(&team), claimed).await.expect(200).body, team.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn r_7644_3_5_1_05_another_immutable_value_is_refused_and_a_first_one_taken() {
    let app = TestApp::start().await;
    let parts = json!([{ "name": "code", "mutability": "immutable" }, { "name": "text" }]);
    let attributes = json!([
        { "name": "serial", "mutability": "immutable" },
        { "name": "label", "type": "complex", "subAttributes": parts },
    ]);
    extend(&app, false, attributes).await.unwrap();
    let idp = app.idp();
    let ada = idp.post("/Users", user("ada", json!({}))).await.expect(201);
    let put = async |own: Value| idp.put(&at(&ada), user("ada", json!({ OWN: own }))).await;
    let first =
        put(json!({ "serial": "S1", "label": { "code": "c", "text": "t" } })).await.expect(200);
    assert_eq!(first.body[OWN], json!({ "serial": "S1", "label": { "code": "c", "text": "t" } }));
    bad(put(json!({ "serial": "S2" })).await, "mutability");
    bad(put(json!({ "serial": "S1", "label": { "code": "d" } })).await, "mutability");
    assert_eq!(idp.get(&at(&ada)).await.expect(200).body, first.body);
    // The same by the attribute's own case rule is no other value.
    put(json!({ "serial": "s1", "label": { "code": "C", "text": "u" } })).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn r_7644_3_5_1_06_what_is_required_or_taken_is_refused() {
    let app = TestApp::start().await;
    let idp = app.idp();
    let ada = idp.post("/Users", user("ada", json!({ "title": "t" }))).await.expect(201);
    idp.post("/Users", user("bob", json!({}))).await.expect(201);
    let team = idp.post("/Groups", group("Team", &[])).await.expect(201);
    idp.post("/Groups", group("Other", &[])).await.expect(201);
    let before = head(&app);
    bad(idp.put(&at(&ada), json!({ "schemas": [CORE], "title": "u" })).await, "invalidValue");
    bad(idp.put(&at_group(&team), json!({ "schemas": [GROUP] })).await, "invalidValue");
    refused(idp.put(&at(&ada), user("BOB", json!({ "title": "u" }))).await, 409, "uniqueness");
    refused(idp.put(&at_group(&team), group("OTHER", &[])).await, 409, "uniqueness");
    assert_eq!(head(&app), before);
    assert_eq!(idp.get(&at(&ada)).await.expect(200).body, ada.body);
}

/// The log holds who came and who went, not the list.
#[tokio::test(flavor = "multi_thread")]
async fn r_7644_3_5_1_07_members_who_stay_are_not_changed() {
    let app = TestApp::start().await;
    let (idp, operator) = (app.idp(), app.operator());
    let mut ids = Vec::new();
    for name in ["a", "b", "c", "d"] {
        ids.push(idp.post("/Users", user(name, json!({}))).await.expect(201).id());
    }
    let team = idp.post("/Groups", group("Team", &[&ids[0], &ids[1], &ids[2]])).await.expect(201);
    let put =
        idp.put(&at_group(&team), group("Team", &[&ids[3], &ids[2], &ids[1]])).await.expect(200);
    let members = put.body["members"].as_array().unwrap();
    let mut left: Vec<&str> = members.iter().map(|one| one["value"].as_str().unwrap()).collect();
    left.sort_unstable();
    assert_eq!(left, [&ids[1], &ids[2], &ids[3]]);
    let question = "/tenants/acme/audit/commits?order=newest&count=1";
    let newest = operator.get(question).await.expect(200);
    let mut told: Vec<(&str, &str)> = newest.body["commits"][0]["events"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| (event["type"].as_str().unwrap(), event["memberName"].as_str().unwrap()))
        .collect();
    told.sort_unstable();
    assert_eq!(told, [("GroupMemberAdded", "d"), ("GroupMemberRemoved", "a")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn r_7644_3_5_1_08_a_put_without_a_difference_moves_nothing() {
    let app = TestApp::start().await;
    let idp = app.idp();
    let more = json!({
        "title": "t", "emails": [{ "value": "a@x.test" }, { "value": "b@x.test" }],
        "name": { "givenName": "g" }, ENTERPRISE: { "department": "d" }, "externalId": "e",
    });
    let ada = idp.post("/Users", user("ada", more.clone())).await.expect(201);
    let team = idp.post("/Groups", group("Team", &[&ada.id()])).await.expect(201);
    let before = head(&app);
    wait(&app, 5_000);
    let now = idp.get(&at(&ada)).await.expect(200).body;
    for body in [user("ada", more), now.clone()] {
        let put = idp.put(&at(&ada), body).await.expect(200);
        assert_eq!((&put.body, put.header("etag")), (&now, ada.header("etag")));
    }
    for body in [group("Team", &[&ada.id(), &ada.id()]), team.body.clone()] {
        let put = idp.put(&at_group(&team), body).await.expect(200);
        assert_eq!(put.body, team.body);
    }
    assert_eq!(head(&app), before, "nothing was written");
}
