//! What is known of other clients: JumpCloud, Google Workspace, SailPoint, and what a server with
//! several of them in production recognises.

use reqwest::Method;
use serde_json::json;
use testkit::app::TestApp;

use crate::messages::{CORE, ENTERPRISE, GROUP, patch};
use crate::table::{enterprise, play, row};

/// JumpCloud: the extension's URN without the extension, a full PUT and a small one, one operation
/// for each attribute.
///
/// Also L-04, L-07, L-19.
#[tokio::test(flavor = "multi_thread")]
async fn l_10_what_jumpcloud_sends() {
    let app = TestApp::start().await;
    let idp = app.connector("jumpcloud").await;
    let one = |path: &str, value: &str| json!({ "op": "replace", "path": path, "value": value });
    play(
        &idp,
        vec![
            row("its probes").get("/Users").get("/Groups"),
            row("a create that names the extension and does not send it")
                .post(
                    "/Users",
                    json!({ "schemas": [CORE, ENTERPRISE], "userName": "new{n}@x.test",
                "externalId": "64b0c1d2e3f4a5968778695a", "active": true,
                "name": { "givenName": "Ugo", "familyName": "Bel" },
                "emails": [{ "type": "work", "primary": true, "value": "new{n}@x.test" }],
                "phoneNumbers": [{ "type": "work", "value": "tel:+1-555-555-0119" }] }),
                )
                .answers("/phoneNumbers/0/value", json!("tel:+1-555-555-0119"))
                .answers("/externalId", json!("64b0c1d2e3f4a5968778695a")),
            row("a full PUT: no addresses, photos without a type, the extension first")
                .given(json!({ "addresses": [{ "type": "work", "locality": "Bari" }] }))
                .put(
                    "/Users/{ada}",
                    json!({ "schemas": [ENTERPRISE, CORE], "userName": "ada{n}@x.test",
                "addresses": [], "photos": [{ "value": "https://x.test/p.png" }],
                "emails": [{ "type": "work", "value": "ada{n}@x.test", "primary": true }],
                ENTERPRISE: { "costCenter": "", "department": "D", "employeeNumber": "7" } }),
                )
                .answers_without("/addresses")
                .answers("/photos", json!([{ "value": "https://x.test/p.png" }]))
                .answers(&enterprise("department"), json!("D")),
            row("a small PUT with `emails` null")
                .given(json!({ "emails": [{ "value": "ada@x.test" }] }))
                .put(
                    "/Users/{ada}",
                    json!({ "schemas": [CORE, ENTERPRISE], "userName": "ada{n}@x.test",
                "active": false, "emails": null }),
                )
                .answers_without("/emails")
                .answers("/active", json!(false)),
            row("one operation for each attribute")
                .patch(
                    "/Users/{ada}",
                    json!([
                one("name.givenName", "Ugo"), one("name.familyName", "Bel"), one("title", "T"),
                one("emails[type eq \"work\"].value", "u@x.test"),
                one(&format!("{ENTERPRISE}:department"), "D"),
                { "op": "replace", "path": "active", "value": false } ]),
                )
                .ada("/name", json!({ "givenName": "Ugo", "familyName": "Bel" }))
                .ada("/emails", json!([{ "type": "work", "value": "u@x.test" }]))
                .ada("/active", json!(false)),
            row("members: added, and one removed with a value")
                .patch(
                    "/Groups/{sales}",
                    json!([{ "op": "add", "path": "members", "value": [{ "value": "{mia}" }] }]),
                )
                .members(&["{ada}", "{bob}", "{mia}"])
                .patch(
                    "/Groups/{sales}",
                    json!([{ "op": "remove", "path": "members", "value": [{ "value": "{ada}" }] }]),
                )
                .members(&["{bob}", "{mia}"]),
        ],
    )
    .await;
}

/// Google Workspace: `application/json` on writes, and none on reads.
#[tokio::test(flavor = "multi_thread")]
async fn l_09_what_google_sends() {
    let app = TestApp::start().await;
    let idp = app.connector("google").await;
    let agent = ("user-agent", "Google-Auto-Provisioning");
    let headers: &[(&str, &str)] = &[agent, ("content-type", "application/json")];
    idp.send(Method::GET, "/Users?count=1", &[agent], None).await.expect(200);
    let body = json!({ "schemas": [CORE], "userName": "vito@x.test", "active": true,
        "name": { "givenName": "Vito", "familyName": "Rana" },
        "emails": [{ "value": "vito@x.test", "type": "work", "primary": true }] });
    let bytes = |body: &serde_json::Value| Some(body.to_string().into_bytes());
    let created = idp.send(Method::POST, "/Users", headers, bytes(&body)).await.expect(201);
    assert_eq!(created.header("location"), created.body["meta"]["location"].as_str().unwrap());
    let one = format!("/Users/{}", created.id());
    idp.send(Method::GET, &one, &[agent], None).await.expect(200);
    let off = patch(json!([{ "op": "replace", "path": "active", "value": false }]));
    idp.send(Method::PATCH, &one, headers, bytes(&off)).await.expect(200);
    let mut whole = idp.send(Method::GET, &one, &[agent], None).await.expect(200).body;
    assert_eq!(whole["active"], false);
    whole["name"]["givenName"] = json!("Vitus");
    let put = idp.send(Method::PUT, &one, headers, bytes(&whole)).await.expect(200);
    assert_eq!(put.body["name"]["givenName"], "Vitus");
    assert_eq!(put.body["active"], false);
    idp.send(Method::DELETE, &one, &[agent], None).await.expect(204);
}

/// SailPoint does not start unless all of these answer; then it pages.
///
/// Also R-7644-4-03.
#[tokio::test(flavor = "multi_thread")]
async fn r_7644_4_01_what_sailpoint_demands_of_discovery() {
    let app = TestApp::start().await;
    let idp = app.idp();
    for path in [
        "/ServiceProviderConfig",
        "/ResourceTypes",
        "/Schemas",
        "/ResourceTypes/User",
        "/ResourceTypes/Group",
        "/Schemas/urn:ietf:params:scim:schemas:core:2.0:User",
        "/Schemas/urn:ietf:params:scim:schemas:core:2.0:Group",
        "/Schemas/urn:ietf:params:scim:schemas:extension:enterprise:2.0:User",
    ] {
        let reply = idp.get(path).await.expect(200);
        assert!(reply.header("content-type").starts_with("application/scim+json"), "{reply}");
        assert!(reply.body["schemas"][0].is_string(), "{reply}");
    }
    let types = idp.get("/ResourceTypes").await.expect(200).body;
    for listed in types["Resources"].as_array().unwrap() {
        let endpoint = listed["endpoint"].as_str().unwrap();
        let list = idp.get(&format!("{endpoint}?startIndex=1&count=3")).await.expect(200).body;
        assert!(list["totalResults"].is_u64(), "{list:#}");
        let schema = listed["schema"].as_str().unwrap();
        assert_eq!(idp.get(&format!("/Schemas/{schema}")).await.expect(200).body["id"], schema);
    }
}

/// The group operations and the dotted user values that a server with all of them in production
/// recognises.
///
/// Also L-04.
#[tokio::test(flavor = "multi_thread")]
async fn l_03_what_is_recognised_in_production() {
    let app = TestApp::start().await;
    play(
        &app.idp(),
        vec![
        row("members added and removed by lists, and by a filter")
            .patch("/Groups/{sales}",
                json!([{ "op": "add", "path": "members", "value": [{ "value": "{mia}" }] }]))
            .patch("/Groups/{sales}",
                json!([{ "op": "remove", "path": "members", "value": [{ "value": "{ada}" }] }]))
            .patch("/Groups/{sales}",
                json!([{ "op": "remove", "path": "members[value eq \"{bob}\"]" }]))
            .members(&["{mia}"]),
        row("renamed by its path, and in an object with its id")
            .patch("/Groups/{sales}",
                json!([{ "op": "replace", "path": "displayName", "value": "A {n}" }]))
            .sees("/Groups/{sales}", "/displayName", json!("A {n}"))
            .patch("/Groups/{sales}",
                json!([{ "op": "replace", "value": { "id": "{sales}", "displayName": "B {n}" } }]))
            .sees("/Groups/{sales}", "/displayName", json!("B {n}"))
            .members(&["{ada}", "{bob}"]),
        row("dotted keys of a user")
            .patch("/Users/{ada}", json!([{ "op": "replace", "value": {
                "name.givenName": "G", "name.familyName": "F", "active": false } }]))
            .ada("/name", json!({ "givenName": "G", "familyName": "F" }))
            .ada("/active", json!(false)),
        row("a group without members, and `members` null")
            .post("/Groups", json!({ "schemas": [GROUP], "displayName": "N {n}", "members": null }))
            .answers_without("/members/0"),
    ],
    )
    .await;
}
