//! Connectors and their presets, what is tolerated of a client, and the schemas that a tenant adds.

use std::sync::Arc;

use reqwest::Method;
use serde_json::json;
use testkit::app::{Client, OPERATOR_KEY, TestApp};

use crate::messages::{CORE, GROUP, encoded, patch};

/// Deactivates as Entra does: `Replace`, and `"False"`.
async fn as_entra_does(idp: &Client, id: &str) {
    let body = patch(json!([{ "op": "Replace", "path": "active", "value": "False" }]));
    idp.patch(&format!("/Users/{id}"), body).await.expect(200);
}

/// Seen to fail without the request being counted, and without `strict_refuses`.
#[tokio::test]
async fn what_is_tolerated_is_counted_by_connector_and_outlives_the_process() {
    let app = TestApp::start().await;
    let operator = app.operator();
    let added = operator
        .post("/tenants/acme/connectors", json!({ "name": "entra", "preset": "entra" }))
        .await
        .expect(201);
    let idp = app.idp().with_key(added.body["apiKey"].as_str().unwrap());
    let jane = json!({ "schemas": [CORE], "userName": "jane", "extra": 1 });
    let id = idp.post("/Users", jane).await.expect(201).id();
    as_entra_does(&idp, &id).await;
    as_entra_does(&idp, &id).await;
    idp.get("/Users?STARTINDEX=1").await.expect(200);
    idp.get(&format!("/Users/{id}")).await.expect(200);

    let check = async |operator: Client| {
        let shown = operator.get("/tenants/acme/connectors/entra").await.expect(200).body;
        assert_eq!(shown["settings"]["preset"], "entra");
        assert_eq!(shown["settings"]["emptyUnassigns"], true);
        let tolerated = &shown["tolerated"];
        assert_eq!(tolerated["requests"], 5);
        assert_eq!(tolerated["strictWouldRefuse"], 2);
        let rules = tolerated["rules"].as_array().unwrap();
        let times = |rule: &str| {
            let found = rules.iter().find(|r| r["rule"] == rule);
            found.map_or(0, |r| r["times"].as_u64().unwrap())
        };
        assert_eq!(
            ["L-01", "L-02", "L-09-url", "L-10", "L-13"].map(times),
            [2, 2, 1, 1, 0],
            "{rules:?}"
        );
        let other = operator.get("/tenants/acme/connectors/okta").await.expect(200).body;
        assert_eq!(other["tolerated"]["requests"], 0);
    };
    check(operator.clone()).await;

    // Another process on the same log knows it as well: what it counts itself begins at nothing.
    app.clock.fetch_add(6_000, std::sync::atomic::Ordering::Relaxed);
    idp.get("/Users?count=0").await.expect(200);
    let again = server::App { tally: Arc::default(), ..app.app.clone() };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(server::serve(listener, again, std::future::pending()));
    let key = format!("Bearer {}", OPERATOR_KEY);
    let shown: serde_json::Value = reqwest::Client::new()
        .get(format!("{url}/admin/v1/tenants/acme/connectors/entra"))
        .header("authorization", &key)
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(shown["tolerated"]["requests"], 6);
    assert_eq!(shown["tolerated"]["strictWouldRefuse"], 2);

    let metrics = reqwest::Client::new()
        .get(format!("{}/metrics", app.url))
        .header("authorization", key)
        .send()
        .await
        .unwrap();
    let text = metrics.text().await.unwrap();
    for line in [
        "rollbook_scim_requests_total{tenant=\"acme\",connector=\"entra\"} 6",
        "rollbook_scim_strict_refusals_total{tenant=\"acme\",connector=\"entra\"} 2",
        "rollbook_scim_tolerated_total{tenant=\"acme\",connector=\"entra\",rule=\"L-02\"} 2",
        "rollbook_position{tenant=\"globex\"}",
    ] {
        assert!(text.contains(line), "{line} is not in\n{text}");
    }
}

#[tokio::test]
async fn a_connector_is_added_changed_and_refused_in_words() {
    let app = TestApp::start().await;
    let operator = app.operator();
    let connectors = "/tenants/acme/connectors";
    for (body, status, word) in [
        (json!({ "name": "x", "preset": "oktta" }), 400, "use one of okta, entra"),
        (json!({ "name": "okta" }), 409, "choose another name"),
        (json!({ "name": "x", "mode": "sloppy" }), 400, "`strict`"),
        (json!({ "name": "x", "patchAnswr": "resource" }), 400, "patchAnswr"),
    ] {
        let refused = operator.post(connectors, body).await.expect(status);
        let detail = refused.body["detail"].as_str().unwrap();
        assert!(detail.contains(word), "{detail}");
    }
    let new = json!({ "name": "sanity", "preset": "strict", "patchAnswer": "resource" });
    let added = operator.post(connectors, new).await.expect(201);
    let idp = app.idp().with_key(added.body["apiKey"].as_str().unwrap());
    let group = json!({ "schemas": [GROUP], "displayName": "G" });
    let id = idp.post("/Groups", group).await.expect(201).id();
    let rename =
        |name: &str| patch(json!([{ "op": "replace", "path": "displayName", "value": name }]));
    let path = format!("/Groups/{id}");
    let answer = idp.patch(&path, rename("H")).await.expect(200);
    assert_eq!(answer.body["displayName"], "H");
    let lenient = json!({ "mode": "lenient", "patchAnswer": "standard" });
    let changed =
        operator.patch(&format!("{connectors}/sanity"), lenient.clone()).await.expect(200);
    assert_eq!(changed.body["changed"], true);
    let again = operator.patch(&format!("{connectors}/sanity"), lenient).await.expect(200);
    assert_eq!(again.body["changed"], false);
    idp.patch(&path, rename("I")).await.expect(204);
    operator.get(&format!("{connectors}/nobody")).await.expect(404);
    operator.patch(&format!("{connectors}/nobody"), json!({})).await.expect(404);
    operator.patch(&format!("{connectors}/sanity"), json!({ "mod": "strict" })).await.expect(400);
}

const BADGE: &str = "urn:example:params:scim:schemas:extension:badge:2.0:User";

fn badge() -> serde_json::Value {
    json!({ "id": BADGE, "name": "Badge", "description": "What opens the doors", "attributes": [
        { "name": "number", "type": "integer", "description": "The number on it" },
        { "name": "color", "type": "string", "canonicalValues": ["red", "blue"] },
        { "name": "issued", "type": "dateTime", "mutability": "immutable" },
        { "name": "doors", "type": "complex", "multiValued": true, "subAttributes": [
            { "name": "value", "type": "string" }, { "name": "floor", "type": "integer" } ] },
    ] })
}

/// A custom extension is validated, stored, filtered, patched and served like a built-in one, and
/// only in its tenant.
#[tokio::test]
async fn a_tenant_adds_a_schema() {
    let app = TestApp::start().await;
    let (operator, idp) = (app.operator(), app.idp());
    let schemas = "/tenants/acme/schemas";
    operator.post(schemas, json!({ "schema": badge() })).await.expect(200);
    let again = operator.post(schemas, json!({ "schema": badge() })).await.expect(200);
    assert_eq!(again.body["changed"], false);
    let listed = operator.get(schemas).await.expect(200).body;
    assert_eq!(listed["schemas"][0]["urn"], BADGE);

    let served = idp.get(&format!("/Schemas/{BADGE}")).await.expect(200).body;
    assert_eq!(served["attributes"][0]["name"], "number");
    let rtype = idp.get("/ResourceTypes/User").await.expect(200).body;
    assert_eq!(rtype["schemaExtensions"][1], json!({ "schema": BADGE, "required": false }));

    let jane = json!({ "schemas": [CORE, BADGE], "userName": "jane", BADGE: {
        "number": 7, "color": "red", "doors": [{ "value": "north", "floor": 2 }] } });
    let jane = idp.post("/Users", jane).await.expect(201);
    assert_eq!(jane.body[BADGE]["number"], 7);
    assert_eq!(jane.body["schemas"], json!([CORE, BADGE]));
    let wrong =
        json!({ "schemas": [CORE, BADGE], "userName": "joe", BADGE: { "number": "seven" } });
    let refused = idp.post("/Users", wrong).await.expect(400);
    assert_eq!(refused.body["scimType"], "invalidValue");

    let path = format!("/Users/{}", jane.id());
    let changed = idp
        .patch(&path, patch(json!([
            { "op": "add", "path": format!("{BADGE}:doors"), "value": [{ "value": "south", "floor": 3 }] },
            { "op": "replace", "path": format!("{BADGE}:doors[floor eq 2].value"), "value": "east" },
            { "op": "replace", "path": format!("{BADGE}:number"), "value": 8 },
        ])))
        .await
        .expect(200);
    let doors = json!([{ "value": "east", "floor": 2 }, { "value": "south", "floor": 3 }]);
    assert_eq!(changed.body[BADGE]["doors"], doors);
    for (filter, hits) in [
        (format!("{BADGE}:number gt 7"), 1),
        ("number eq 8".to_owned(), 1),
        (format!("{BADGE}:doors[floor ge 3 and value eq \"SOUTH\"]"), 1),
        (format!("{BADGE}:doors[floor ge 3 and value eq \"east\"]"), 0),
        (format!("schemas eq \"{BADGE}\""), 1),
    ] {
        let found = idp.get(&format!("/Users?filter={}", encoded(&filter))).await.expect(200).body;
        assert_eq!(found["totalResults"], hits, "{filter}");
    }
    let gone =
        idp.patch(&path, patch(json!([{ "op": "remove", "path": BADGE }]))).await.expect(200);
    assert_eq!(gone.body["schemas"], json!([CORE]));

    let globex = app.stranger(Some(&TestApp::key("globex")));
    globex.get(&format!("/scim/globex/v2/Schemas/{BADGE}")).await.expect(404);
    for (body, word) in [
        (json!({ "schema": badge(), "resourceType": "Group" }), "there already"),
        (
            json!({ "schema": { "id": "urn:example:odd", "attributes": [{ "name": "1" }] } }),
            "no attribute name",
        ),
        (json!({ "schema": {} }), "`id` is missing"),
    ] {
        let refused = operator.post(schemas, body).await.expect(400);
        let detail = refused.body["detail"].as_str().unwrap();
        assert!(detail.contains(word), "{detail}");
    }
}

/// Keys that are pasted into a console: they live long unless told otherwise, two can overlap, and each says when it was
/// used last. Also R-7644-7.4-01. Seen to fail with the end of a key not looked at.
#[tokio::test]
async fn l_20_a_key_is_issued_by_hand_overlaps_ends_and_says_when_it_was_used() {
    let app = TestApp::start().await;
    let (operator, path) = (app.operator(), "/tenants/acme/credentials");
    let new = json!({ "connector": "okta", "expires": "2026-02-01T00:00:00Z" });
    let issued = operator.post(path, new).await.expect(201).body;
    let younger = app.idp().with_key(issued["apiKey"].as_str().unwrap());
    let shown = async || {
        let all = operator.get(path).await.expect(200).body;
        let all = all["credentials"].as_array().unwrap().clone();
        all.into_iter().find(|one| one["id"] == issued["id"]).unwrap()
    };
    assert!(shown().await["lastUsed"].is_null());
    younger.get("/Users").await.expect(200);
    app.idp().get("/Users").await.expect(200);
    assert_eq!(shown().await["lastUsed"], "2026-01-01T00:00:00.000Z");
    assert_eq!(shown().await["expires"], "2026-02-01T00:00:00.000Z");

    let month_ms = 31 * 24 * 3_600 * 1_000;
    app.clock.fetch_add(month_ms - 1, std::sync::atomic::Ordering::Relaxed);
    younger.get("/Users").await.expect(200);
    assert_eq!(shown().await["lastUsed"], "2026-01-31T23:59:59.999Z");
    app.clock.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let late = younger.get("/Users").await.expect(401);
    assert!(late.header("www-authenticate").contains("invalid_token"), "{late}");
    app.idp().get("/Users").await.expect(200);
}

/// One person who is not there yet keeps all others out of a group, for a client that never repeats a refused batch; so a
/// connector may leave them out, and tells of each. Seen to fail with the notice left out.
#[tokio::test]
async fn unknown_members_are_refused_or_left_out_and_reported() {
    let app = TestApp::start().await;
    let new = json!({ "name": "batches", "preset": "okta", "unknownMembers": "report" });
    let added = app.operator().post("/tenants/acme/connectors", new).await.expect(201);
    let reporting = app.idp().with_key(added.body["apiKey"].as_str().unwrap());
    let jane = json!({ "schemas": [CORE], "userName": "jane" });
    let jane = app.idp().post("/Users", jane).await.expect(201).id();
    let members = json!([{ "value": "fake-member-id" }, { "value": jane }]);
    let batch = patch(json!([{ "op": "add", "path": "members", "value": members }]));
    for (idp, name, status, there) in [(app.idp(), "A", 400, 0), (reporting, "B", 204, 1)] {
        let group = json!({ "schemas": [GROUP], "displayName": name });
        let path = format!("/Groups/{}", idp.post("/Groups", group).await.expect(201).id());
        idp.patch(&path, batch.clone()).await.expect(status);
        let group = idp.get(&path).await.expect(200).body;
        assert_eq!(group["members"].as_array().map_or(0, Vec::len), there, "{group}");
        let journal = app.operator().get("/tenants/acme/problems?count=1").await.expect(200).body;
        let newest = &journal["problems"][0];
        assert_eq!(newest["status"], status);
        assert!(newest["detail"].as_str().unwrap().contains("`fake-member-id`"), "{newest}");
    }
}

/// Settings are written as a whole, and made of those that were there: nobody undoes what another changed meanwhile. Seen to
/// fail with `from` left out of the command.
#[tokio::test(flavor = "multi_thread")]
async fn changes_of_settings_at_the_same_time_are_all_kept() {
    let app = TestApp::start().await;
    let (operator, path) = (app.operator(), "/tenants/acme/connectors/okta");
    let changes = [
        json!({ "mode": "strict" }),
        json!({ "emptyUnassigns": true }),
        json!({ "patchAnswer": "resource" }),
        json!({ "unknownMembers": "report" }),
        json!({ "onDelete": "refuse" }),
        json!({ "onDeactivate": "leave-groups" }),
        json!({ "onReactivate": "restore-groups" }),
        json!({ "putWithoutActive": "activate" }),
        json!({ "permissions": ["updateUsers"] }),
    ];
    let all = changes.clone().map(|change| {
        let operator = operator.clone();
        tokio::spawn(async move { operator.patch(path, change).await.expect(200).body })
    });
    for one in all {
        assert_eq!(one.await.unwrap()["changed"], true);
    }
    let shown = operator.get(path).await.expect(200);
    for (name, value) in changes.iter().flat_map(|change| change.as_object().unwrap()) {
        assert_eq!(&shown.body["settings"][name], value, "{name}");
    }

    let seen = shown.header("etag").to_owned();
    operator.patch(path, json!({ "mode": "lenient" })).await.expect(200);
    let with = async |tag: &str, change: serde_json::Value| {
        let body = change.to_string().into_bytes();
        operator.send(Method::PATCH, path, &[("if-match", tag)], Some(body)).await
    };
    let late = with(&seen, json!({ "mode": "interop" })).await.expect(412);
    assert!(late.body["detail"].as_str().unwrap().contains("changed meanwhile"), "{late}");
    let now = operator.get(path).await.expect(200).header("etag").to_owned();
    assert_ne!(now, seen);
    with(&now, json!({ "mode": "strict" })).await.expect(200);
    let again = operator.get(path).await.expect(200);
    assert_eq!(again.header("etag"), seen);
}

/// A preset says how a client is read; what an operator allowed it is not the preset's. Seen to fail with the preset's
/// settings taken as a whole.
#[tokio::test]
async fn another_preset_allows_nothing_more() {
    let app = TestApp::start().await;
    let (operator, path) = (app.operator(), "/tenants/acme/connectors/okta");
    let less = json!({ "enabled": false, "permissions": ["pushGroups"] });
    operator.patch(path, less.clone()).await.expect(200);
    operator.patch(path, json!({ "preset": "entra" })).await.expect(200);
    let settings = operator.get(path).await.expect(200).body["settings"].clone();
    assert_eq!(settings["preset"], "entra");
    assert_eq!(settings["emptyUnassigns"], true);
    assert_eq!(
        (&settings["enabled"], &settings["permissions"]),
        (&less["enabled"], &less["permissions"])
    );
    for (body, word) in [
        (json!({ "permissions": ["deleteUsers"] }), "deleteUsers"),
        (json!({ "onDelete": "forget" }), "deactivate"),
        (json!({ "preset": null }), "preset"),
        (json!({ "name": "other" }), "name"),
    ] {
        let refused = operator.patch(path, body).await.expect(400);
        assert!(refused.body["detail"].as_str().unwrap().contains(word), "{refused}");
    }
}

/// A connector's name stands in its address: what would mean something else there is refused with the reason, and every
/// other name leads to the connector.
///
/// Seen to catch a name that is an endpoint's.
#[tokio::test]
async fn p_17_no_connector_is_called_as_what_its_address_means_otherwise() {
    let app = TestApp::start().await;
    let add = async |name: &str| {
        app.operator()
            .post("/tenants/acme/connectors", json!({ "name": name, "preset": "okta" }))
            .await
    };
    for name in [
        "Users",
        "Groups",
        "Roles",
        "Entitlements",
        "Bulk",
        "Me",
        "Schemas",
        "ResourceTypes",
        "ServiceProviderConfig",
        ".search",
        "v1",
        "v2",
        "v20",
        ".",
        "..",
    ] {
        let refused = add(name).await.expect(400);
        let detail = refused.body["detail"].as_str().unwrap();
        assert!(detail.contains(&format!("/scim/TENANT/{name}/v2")), "{refused}");
    }
    for name in ["users", "v", "v2x", "My Okta", "a/b", "admin", "%2e"] {
        add(name).await.expect(201);
        let body = json!({ "connector": name });
        let issued = app.operator().post("/tenants/acme/credentials", body).await.expect(201);
        let idp = app.stranger(issued.body["apiKey"].as_str());
        let encoded =
            percent_encoding::utf8_percent_encode(name, percent_encoding::NON_ALPHANUMERIC);
        idp.get(&format!("/scim/acme/{encoded}/v2/Users")).await.expect(200);
        idp.get("/scim/acme/okta/v2/Users").await.expect(404);
    }
}
