//! Okta's whole life of a user and a group, over a real socket, its published SPEC test and its
//! published CRUD test.

use idpsim::{Okta, crud_test, life_of_a_user, spec_test};
use reqwest::Method;
use serde_json::{Value, json};
use testkit::app::TestApp;

use crate::messages::{CORE, ENTERPRISE, GROUP, patch};
use crate::table::{enterprise, play, row};

#[tokio::test(flavor = "multi_thread")]
async fn okta_leads_a_user_and_a_group_through_their_whole_life() {
    let app = TestApp::start().await;
    let base = format!("{}/scim/acme/v2", app.url);
    let okta = Okta::new(&base, &TestApp::key("acme"));
    let wrong = Okta::new(&base, "acme:rbk_wrong");
    let steps = life_of_a_user(&okta, &wrong).await.unwrap_or_else(|error| panic!("{error}"));
    assert!(steps.len() > 15, "only {} steps", steps.len());
    let snapshot = app.app.engine.world().with_slug("acme").unwrap().1.clone();
    snapshot.directory.agrees().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn oktas_published_spec_test_passes() {
    let app = TestApp::start().await;
    let okta = Okta::new(&format!("{}/scim/acme/v2", app.url), &TestApp::key("acme"));
    let steps = spec_test(&okta).await.unwrap_or_else(|error| panic!("{error}"));
    assert!(steps.len() >= 12, "only {} steps", steps.len());
}

/// By an application of its network, and by one that an administrator made with the wizard.
#[tokio::test(flavor = "multi_thread")]
async fn oktas_published_crud_test_passes() {
    let app = TestApp::start().await;
    let base = format!("{}/scim/acme/v2", app.url);
    let okta = Okta::new(&base, &TestApp::key("acme"));
    for okta in [okta.clone(), okta.from_wizard()] {
        let steps = crud_test(&okta).await.unwrap_or_else(|error| panic!("{error}"));
        assert!(steps.len() >= 7, "only {} steps", steps.len());
    }
}

/// Okta probes an empty tenant before anybody is assigned: lists, not errors.
#[tokio::test(flavor = "multi_thread")]
async fn l_17_an_empty_tenant_answers_the_probes() {
    let app = TestApp::start().await;
    let idp = app.idp();
    for path in ["/Users?startIndex=1&count=2", "/Groups?startIndex=1&count=100"] {
        let list = idp.get(path).await.expect(200).body;
        assert_eq!(
            (&list["totalResults"], &list["startIndex"]),
            (&json!(0), &json!(1)),
            "{list:#}"
        );
        assert_eq!(list["Resources"], json!([]), "{list:#}");
    }
}

/// What Okta sends beside its life and its published tests.
///
/// Also L-05, L-08, L-10, L-19, L-22.
#[tokio::test(flavor = "multi_thread")]
async fn l_12_what_okta_sends() {
    let app = TestApp::start().await;
    let idp = app.idp();
    let user = |more: Value| {
        let mut body = json!({
            "schemas": [CORE], "userName": "new{n}@x.test", "locale": "en-US", "groups": [],
            "name": { "givenName": "Ada", "familyName": "L" }, "displayName": "Ada L",
            "emails": [{ "primary": true, "value": "ada@x.test", "type": "work" }],
            "externalId": "00ujl29u0le5T6Aj10h7{n}", "password": "1mz050nq", "active": true,
        });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    let put = |more: Value| {
        let mut body = user(more);
        body.as_object_mut().unwrap().remove("externalId");
        body
    };
    play(
        &idp,
        vec![
            row("a create with a random password and no groups")
                .post("/Users", user(json!({})))
                .answers_without("/password")
                .answers_without("/groups/0")
                .answers("/locale", json!("en-US")),
            row("a PUT of everything that came, with `groups` empty and a middle name of nothing")
                .put(
                    "/Users/{ada}",
                    put(json!({
                "id": "{ada}", "name": { "givenName": "A", "familyName": "L", "middleName": "" },
                "meta": { "resourceType": "User", "created": "2001-01-01T00:00:00Z" } })),
                )
                .answers("/groups/0/value", json!("{sales}"))
                .answers("/id", json!("{ada}"))
                .members(&["{ada}", "{bob}"]),
            row("a PUT without `externalId`, twice: the second changes nothing")
                .given(json!({ "externalId": "00u{n}" }))
                .put("/Users/{ada}", put(json!({})))
                .put("/Users/{ada}", put(json!({}))),
            row("a manager that an administrator mapped, who is no id of ours")
                .post(
                    "/Users",
                    user(json!({ "schemas": [CORE, ENTERPRISE],
                ENTERPRISE: { "department": "Sales", "manager": {
                    "value": "E0017", "displayName": "Bo" } } })),
                )
                .answers(&enterprise("manager/value"), json!("E0017")),
            row("roles and entitlements on a create, read back, taken away with an empty array")
                .post(
                    "/Users",
                    user(json!({
                "roles": [{ "value": "Admin", "display": "Admin" }],
                "entitlements": [{
                    "value": "lic-7", "display": "License 7", "type": "License" }] })),
                )
                .answers("/roles/0/value", json!("Admin"))
                .answers("/entitlements/0/value", json!("lic-7"))
                .sees("/Users/{new}", "/entitlements/0/type", json!("License"))
                .put(
                    "/Users/{new}",
                    put(json!({ "userName": "new{n}@x.test", "roles": [],
                "entitlements": [] })),
                )
                .answers_without("/roles/0")
                .answers_without("/entitlements/0"),
            row("a group with members at once, without a `type`")
                .post(
                    "/Groups",
                    json!({ "schemas": [GROUP], "displayName": "New {n}",
                "members": [{ "value": "{ada}", "display": "ada@x.test" }] }),
                )
                .answers("/members/0/type", json!("User"))
                .answers_without("/members/1"),
            row("one leaves and another joins, in one request")
                .patch(
                    "/Groups/{sales}",
                    json!([
                { "op": "remove", "path": "members[value eq \"{ada}\"]" },
                { "op": "add", "path": "members", "value": [{
                    "value": "{mia}", "display": "mia" }] } ]),
                )
                .members(&["{bob}", "{mia}"]),
            row("who is there is added, who is not is removed: nothing happens, and it succeeds")
                .patch(
                    "/Groups/{sales}",
                    json!([
                { "op": "remove", "path": "members[value eq \"{mia}\"]" },
                { "op": "add", "path": "members", "value": [{
                    "value": "{ada}", "display": "another" }] } ]),
                )
                .members(&["{ada}", "{bob}"]),
            row("pushed when it is empty")
                .patch(
                    "/Groups/{sales}",
                    json!([{ "op": "replace", "path": "members", "value": [] }]),
                )
                .members(&[]),
            row("one unknown member: all of the request is refused, nothing half-done")
                .refused(
                    Method::PATCH,
                    "/Groups/{sales}",
                    Some(patch(json!([
                { "op": "add", "path": "members", "value": [{ "value": "{mia}" }, {
                    "value": "nobody" }] } ]))),
                    400,
                    Some("invalidValue"),
                )
                .members(&["{ada}", "{bob}"]),
            row("the wizard's PUT of a group")
                .put(
                    "/Groups/{sales}",
                    json!({ "schemas": [GROUP], "displayName": "S {n}",
                "members": [{ "value": "{mia}", "display": "mia" }] }),
                )
                .members(&["{mia}"]),
            row("a deleted group leaves its members")
                .delete("/Groups/{sales}")
                .ada("/userName", json!("ada{n}@x.test"))
                .ada_without("/groups/0"),
        ],
    )
    .await;
}
