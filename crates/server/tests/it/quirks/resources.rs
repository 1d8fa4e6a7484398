//! Whole resources: what nobody knows, what comes back, names, passwords, keys.

use reqwest::Method;
use serde_json::json;
use testkit::app::TestApp;

use super::lenient;
use crate::messages::{CORE, ENTERPRISE, GROUP, patch};
use crate::table::{enterprise, row};

#[tokio::test(flavor = "multi_thread")]
async fn l_10_schemas_and_attributes_nobody_knows() {
    lenient(vec![
        row("Entra names a class of its own directory on groups")
            .post("/Groups", json!({
                "schemas": [GROUP,
                    "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group"],
                "displayName": "New {n}", "externalId": "x{n}", "meta": { "resourceType": "Group" },
            }))
            .answers("/displayName", json!("New {n}")),
        row("the misspelled extension of a published example")
            .post("/Users", json!({
                "schemas": [CORE, "urn:ietf:params:scim:schemas:extension:enterprise:2.0User"],
                "userName": "new{n}",
                "urn:ietf:params:scim:schemas:extension:enterprise:2.0User": { "department": "D" },
            }))
            .answers_without("/urn:ietf:params:scim:schemas:extension:enterprise:2.0User"),
        row("the extension is there, its URN is not listed")
            .post("/Users",
                json!({ "schemas": [CORE], "userName": "new{n}", ENTERPRISE: { "department":
                    "D" } }))
            .answers(&enterprise("department"), json!("D"))
            .answers("/schemas", json!([CORE, ENTERPRISE])),
        row("JumpCloud: the URN is listed, the extension is not there")
            .post("/Users", json!({ "schemas": [CORE, ENTERPRISE], "userName": "new{n}",
                "externalId": "5f2b8c0de1a94d7730b6c4aa" }))
            .answers("/externalId", json!("5f2b8c0de1a94d7730b6c4aa")),
        row("the URNs in another order")
            .put("/Users/{ada}", json!({ "schemas": [ENTERPRISE, CORE], "userName": "ada{n}",
                ENTERPRISE: { "department": "D" } }))
            .answers(&enterprise("department"), json!("D")),
        row("attributes of the extension at the top, and null")
            .post("/Users",
                json!({ "schemas": [CORE], "userName": "new{n}", "department": null,
                    "manager": null }))
            .answers_without("/department"),
        row("unknown attributes, also inside others")
            .post("/Users", json!({ "schemas": [CORE], "userName": "new{n}", "shoeSize": 43,
                "name": { "givenName": "A", "nobility": "von" } }))
            .answers_without("/shoeSize")
            .answers("/name", json!({ "givenName": "A" })),
        row("a misspelled attribute in a PUT")
            .put("/Users/{ada}",
                json!({ "schemas": [CORE], "userName": "ada{n}", "adreses": [{ "type": "work" }] }))
            .answers_without("/adreses"),
        row("an unknown attribute in an object without a path")
            .patch("/Users/{ada}",
                json!([{ "op": "replace", "value": { "title": "T", "shoeSize": 43 } }]))
            .ada("/title", json!("T"))
            .ada_without("/shoeSize"),
        row("`id` beside the operations, and `name` inside one: Microsoft's older collection")
            .patch_body("/Groups/{sales}", json!({
                "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "id": "{sales}",
                "Operations": [{ "name": "addMember", "op": "add", "path": "members",
                    "value": [{ "value": "{mia}" }] }],
            }))
            .members(&["{ada}", "{bob}", "{mia}"]),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn l_19_what_was_sent_comes_back() {
    let sent = json!({
        "phoneNumbers": [{ "value": "tel:+1-555-555-5555", "type": "work" },
            { "value": "(617) 555 0123 ext. 4", "type": "fax" }],
        "emails": [{ "value": "Ada.Lovelace@X.Test", "type": "work", "primary": true }],
        "profileUrl": "BALQXWETRK", "locale": "RJTPLC", "preferredLanguage": "klingon",
        "timezone": "Somewhere/Else", "title": "  Countess ", "nickName": "Ä\u{30a}",
        "name": { "middleName": "", "givenName": "Ada", "familyName": "King-Noël" },
        "photos": [{ "value": "photos.x.test/ada" }],
    });
    let mut check = row("phones, cases, odd values, spaces").given(sent.clone());
    for (name, value) in sent.as_object().unwrap() {
        check = check.ada(&format!("/{name}"), value.clone());
    }
    lenient(vec![check]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn l_21_group_names_are_unique() {
    let name = |name: &str| json!({ "schemas": [GROUP], "displayName": name });
    lenient(vec![
        row("a second group of this name, also in another case")
            .refused(Method::POST, "/Groups", Some(name("Sales {n}")), 409, Some("uniqueness"))
            .refused(Method::POST, "/Groups", Some(name("SALES {n}")), 409, Some("uniqueness")),
        row("renamed to a name that is taken").post("/Groups", name("Other {n}")).refused(
            Method::PATCH,
            "/Groups/{new}",
            Some(patch(json!([{ "op": "Replace", "path": "displayName", "value": "sales {n}" }]))),
            409,
            Some("uniqueness"),
        ),
        row("free again after a delete")
            .delete("/Groups/{sales}")
            .post("/Groups", name("Sales {n}")),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn l_22_passwords_are_taken_and_never_shown() {
    lenient(vec![
        row("in a create")
            .post(
                "/Users",
                json!({ "schemas": [CORE], "userName": "new{n}", "password": "1mz050nq" }),
            )
            .answers_without("/password"),
        row("in a PUT")
            .put(
                "/Users/{ada}",
                json!({ "schemas": [CORE], "userName": "ada{n}", "password": "1mz050nq" }),
            )
            .answers_without("/password"),
        row("alone in a PATCH")
            .patch(
                "/Users/{ada}",
                json!([{ "op": "replace", "value": { "password": "1mz050nq" } }]),
            )
            .patch(
                "/Users/{ada}",
                json!([{ "op": "Add", "path": "password", "value": "1mz050nq" }]),
            )
            .ada_without("/password")
            .lacks("/Users/{ada}?attributes=password", "/password"),
    ])
    .await;
}

/// A key that an operator issued is pasted into a console and lasts for years; it can be replaced
/// without a gap, and taken back.
#[tokio::test(flavor = "multi_thread")]
async fn l_20_keys_that_operators_issue() {
    let app = TestApp::start().await;
    let operator = app.operator();
    let (idp, issue) = (app.idp(), "/tenants/acme/credentials");
    let held = operator.get(issue).await.expect(200).body["credentials"].clone();
    let (old, connector) = (held[0]["id"].as_str().unwrap(), held[0]["connector"].clone());
    let new = operator.post(issue, json!({ "connector": connector })).await.expect(201).body;
    let idp_of_new = idp.with_key(new["apiKey"].as_str().unwrap());
    for years in [0, 10] {
        let millis = years * 365 * 24 * 60 * 60 * 1_000;
        app.clock.fetch_add(millis, std::sync::atomic::Ordering::Relaxed);
        idp.get("/Users?count=1").await.expect(200);
        idp_of_new.get("/Users?count=1").await.expect(200);
    }
    operator.delete(&format!("{issue}/{old}")).await.expect(200);
    idp.get("/Users?count=1").await.expect(401);
    idp_of_new.get("/Users?count=1").await.expect(200);
    let told = operator.get(issue).await.expect(200).body.to_string();
    let secret = new["apiKey"].as_str().unwrap().trim_start_matches("acme:");
    assert!(!told.contains(secret), "a list of keys must not hold the secrets");
}
