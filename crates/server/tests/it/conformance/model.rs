//! The resource model (RFC 7643 §2, §3).

use reqwest::Method;
use serde_json::{Value, json};
use testkit::app::TestApp;

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn r_7643_2_1_01_names_match_in_any_case_and_are_spelt_as_in_the_schema() {
    let app = TestApp::start().await;
    let idp = app.idp();
    let body = json!({
        "SCHEMAS": [CORE.to_uppercase(), ENTERPRISE.to_lowercase()], "USERNAME": "bj",
        "Name": { "GIVENNAME": "Barbara" }, "EMAILS": [{ "VALUE": "b@x.test", "Type": "work" }],
        ENTERPRISE.to_uppercase(): { "DEPARTMENT": "Tours" },
    });
    let created = idp.post("/Users", body).await.expect(201);
    assert_eq!(created.body["schemas"], json!([CORE, ENTERPRISE]), "{created}");
    assert_eq!(created.body["userName"], "bj");
    assert_eq!(created.body["name"], json!({ "givenName": "Barbara" }));
    assert_eq!(created.body["emails"], json!([{ "value": "b@x.test", "type": "work" }]));
    assert_eq!(created.body[ENTERPRISE], json!({ "department": "Tours" }));
    // Paths, filters and parameters.
    let path = format!("{}:DEPARTMENT", ENTERPRISE.to_uppercase());
    let patched = idp.patch(&at(&created), one("replace", &path, json!("Sales"))).await.expect(200);
    assert_eq!(patched.body[ENTERPRISE], json!({ "department": "Sales" }));
    let patched = idp.patch(&at(&created), one("add", "NAME.FAMILYNAME", json!("J"))).await;
    assert_eq!(patched.expect(200).body["name"]["familyName"], "J");
    for filter in
        ["USERNAME eq \"bj\"", "EMAILS[TYPE eq \"work\"]", &format!("{path} eq \"Sales\"")]
    {
        assert_eq!(found(&idp, filter).await, ["bj"], "{filter}");
    }
    let some = format!("{}?attributes=NAME.GIVENNAME,{path}", at(&created));
    let some = idp.get(&some).await.expect(200).body;
    assert_eq!(keys(&some).len(), 4, "{some}");
    assert_eq!(some["name"], json!({ "givenName": "Barbara" }));
    let sorted = idp.get("/Users?sortBy=USERNAME").await.expect(200);
    assert_eq!(names(&sorted), ["bj"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn r_7643_2_1_02_names_are_letters_digits_and_three_signs() {
    let app = TestApp::start().await;
    let idp = app.idp();
    for name in ["1st", "-a", "_a", "a b", "a.b", "a:b", "ä", ""] {
        assert!(extend(&app, false, json!([{ "name": name }])).await.is_err(), "{name}");
    }
    extend(&app, false, json!([{ "name": "a1-b_c$d" }])).await.unwrap();
    let ada =
        idp.post("/Users", user("ada", json!({ OWN: { "a1-b_c$d": "x" } }))).await.expect(201);
    assert_eq!(ada.body[OWN], json!({ "a1-b_c$d": "x" }));
    assert_eq!(found(&idp, &format!("{OWN}:a1-b_c$d eq \"X\"")).await, ["ada"]);
    let path = format!("{OWN}:a1-b_c$d");
    let patched = idp.patch(&at(&ada), one("replace", &path, json!("y"))).await.expect(200);
    assert_eq!(patched.body[OWN], json!({ "a1-b_c$d": "y" }));
    // `$ref` in filters, paths and parameters.
    let team = idp.post("/Groups", group("Team", &[&ada.id()])).await.expect(201);
    assert_eq!(found(&idp, "groups.$ref co \"/Groups/\"").await, ["ada"]);
    let by_ref = format!("groups[$ref ew \"{}\"]", team.id());
    assert_eq!(found(&idp, &by_ref).await, ["ada"]);
    let shown = idp.get(&format!("{}?attributes=members.$ref", at_group(&team))).await.expect(200);
    assert_eq!(keys(&shown.body["members"][0]), ["$ref"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn r_7643_2_1_03_an_object_that_says_a_name_twice_is_refused() {
    let app = TestApp::start().await;
    for connector in [app.idp(), app.connector("strict").await] {
        for twice in [
            r#""title":"a","title":"a""#,
            r#""title":"a","TITLE":"b""#,
            r#""name":{"givenName":"a","GivenName":"b"}"#,
            r#""emails":[{"value":"a","Value":"a"}]"#,
        ] {
            let body = format!(r#"{{"schemas":["{CORE}"],"userName":"a",{twice}}}"#);
            let reply = connector.send(Method::POST, "/Users", &[], Some(body.into())).await;
            bad(reply, "invalidSyntax");
        }
    }
    assert_eq!(app.idp().get("/Users").await.expect(200).body["totalResults"], 0);
}

/// Table 2.1, by attributes of every type.
#[tokio::test(flavor = "multi_thread")]
async fn r_7643_2_3_01_a_value_fits_the_type_of_its_attribute() {
    let app = TestApp::start().await;
    let attributes = json!([
        { "name": "floor", "type": "integer" }, { "name": "share", "type": "decimal" },
        { "name": "since", "type": "dateTime" }, { "name": "seal", "type": "binary" },
        { "name": "page", "type": "reference", "referenceTypes": ["external"] },
        { "name": "valid", "type": "boolean" }, { "name": "lines", "multiValued": true },
        { "name": "size", "type": "complex", "subAttributes": [{ "name": "width", "type": "integer" }] },
    ]);
    extend(&app, false, attributes).await.unwrap();
    let strict = app.connector("strict").await;
    for (number, own) in [
        json!({ "floor": -3 }),
        json!({ "floor": i64::MAX }),
        json!({ "share": 0.5 }),
        json!({ "share": 2 }),
        json!({ "since": "2026-01-01T00:00:00.000Z" }),
        json!({ "seal": "AQI=" }),
        json!({ "seal": "AQI" }),
        json!({ "page": "https://x.test/a" }),
        json!({ "page": "../a" }),
        json!({ "valid": false }),
        json!({ "lines": ["a", "b"] }),
        json!({ "size": { "width": 5 } }),
    ]
    .into_iter()
    .enumerate()
    {
        let body = user(&format!("u{number}"), json!({ OWN: own }));
        let created = strict.post("/Users", body.clone()).await.expect(201);
        assert_eq!(created.body[OWN], body[OWN], "{created}");
    }
    let before = head(&app);
    for client in [&strict, &app.idp()] {
        for own in [
            json!({ "floor": 1.5 }),
            json!({ "floor": 1.0 }),
            json!({ "floor": 9_223_372_036_854_775_808_u64 }),
            json!({ "floor": "1" }),
            json!({ "share": "0.5" }),
            json!({ "since": "2026-01-01" }),
            json!({ "since": 5 }),
            json!({ "seal": "*" }),
            json!({ "seal": 1 }),
            json!({ "page": 1 }),
            json!({ "valid": "yes" }),
            json!({ "lines": [1] }),
            json!({ "lines": [{ "value": "a" }] }),
            json!({ "size": "5" }),
            json!({ "size": { "width": "5" } }),
        ] {
            bad(client.post("/Users", user("bad", json!({ OWN: own }))).await, "invalidValue");
        }
        for more in [
            json!({ "active": "yes" }),
            json!({ "active": 1 }),
            json!({ "title": 5 }),
            json!({ "title": { "value": "x" } }),
            json!({ "title": ["a", "b"] }),
            json!({ "name": "Barbara" }),
            json!({ "emails": [5] }),
            json!({ "emails": [{ "value": true }] }),
        ] {
            bad(client.post("/Users", user("bad", more)).await, "invalidValue");
        }
    }
    assert_eq!(head(&app), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn r_7643_2_3_7_01_references_count_from_the_base_and_the_version_is_no_difference() {
    let app = TestApp::start().await;
    let idp = app.idp();
    let ada = idp.post("/Users", user("ada", json!({}))).await.expect(201).id();
    let team = idp.post("/Groups", group("Team", &[&ada])).await.expect(201).id();
    let absolute = format!("{}/scim/acme", app.url);
    for address in [
        format!("Groups/{team}"),
        format!("/Groups/{team}"),
        format!("{absolute}/v2/Groups/{team}"),
        format!("{absolute}/Groups/{team}"),
    ] {
        let filter = format!("groups.$ref eq \"{address}\"");
        assert_eq!(found(&idp, &filter).await, ["ada"], "{filter}");
    }
    for address in
        [format!("Users/{team}"), format!("Groups/{ada}"), format!("{absolute}/v2/Groups")]
    {
        let filter = format!("groups.$ref eq \"{address}\"");
        assert_eq!(found(&idp, &filter).await, Vec::<String>::new(), "{filter}");
    }
    // A relative address stands for a resource wherever one is due.
    let boss = json!({ ENTERPRISE: { "manager": { "$ref": format!("Users/{ada}") } } });
    let bob = idp.post("/Users", user("bob", boss)).await.expect(201);
    assert_eq!(bob.body[ENTERPRISE]["manager"]["value"], ada, "{bob}");
    let address = format!("{absolute}/v2/Users/{ada}");
    assert_eq!(bob.body[ENTERPRISE]["manager"]["$ref"], address, "{bob}");
}

#[tokio::test(flavor = "multi_thread")]
async fn r_7643_2_3_8_01_complex_attributes_hold_no_complex_ones() {
    let app = TestApp::start().await;
    let inner = json!({ "name": "in", "type": "complex", "subAttributes": [{ "name": "x" }] });
    let nested = json!([{ "name": "out", "type": "complex", "subAttributes": [inner] }]);
    let before = head(&app);
    let why = extend(&app, false, nested).await.unwrap_err();
    assert!(why.contains("complex"), "{why}");
    assert_eq!(head(&app), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn r_7643_2_4_01_one_element_at_most_is_primary() {
    let app = TestApp::start().await;
    let idp = app.idp();
    let two = json!({ "emails": [
        { "value": "a@x.test", "primary": true }, { "value": "b@x.test", "primary": true },
    ] });
    bad(idp.post("/Users", user("ada", two.clone())).await, "invalidValue");
    let sound = json!({ "emails": [
        { "value": "a@x.test", "primary": true }, { "value": "b@x.test" },
    ] });
    let ada = idp.post("/Users", user("ada", sound)).await.expect(201);
    bad(idp.put(&at(&ada), user("ada", two.clone())).await, "invalidValue");
    let replace = one("replace", "emails", two["emails"].clone());
    bad(idp.patch(&at(&ada), replace).await, "invalidValue");
    // A new primary ends the old one.
    let add = one("add", "emails", json!([{ "value": "c@x.test", "primary": true }]));
    let added = idp.patch(&at(&ada), add).await.expect(200);
    let primary: Vec<&Value> = added.body["emails"].as_array().unwrap().iter().collect();
    let primary: Vec<&Value> = primary
        .into_iter()
        .filter(|mail| mail["primary"] == true)
        .map(|mail| &mail["value"])
        .collect();
    assert_eq!(primary, ["c@x.test"]);
    // Absent means false.
    assert_eq!(
        found(&idp, "emails[value eq \"b@x.test\" and primary eq true]").await,
        Vec::<String>::new()
    );
    assert_eq!(
        found(&idp, "emails[value eq \"b@x.test\" and not (primary eq true)]").await,
        ["ada"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn r_7643_2_4_02_no_element_is_there_twice_and_order_is_kept_but_does_not_count() {
    let app = TestApp::start().await;
    let idp = app.idp();
    let mails = json!({ "emails": [
        { "value": "z@x.test", "type": "work" },
        { "value": "a@x.test", "type": "work" },
        { "value": "z@x.test", "type": "work" },
        { "value": "z@x.test", "type": "home" },
    ] });
    let ada = idp.post("/Users", user("ada", mails)).await.expect(201);
    let expected = json!([
        { "value": "z@x.test", "type": "work" },
        { "value": "a@x.test", "type": "work" },
        { "value": "z@x.test", "type": "home" },
    ]);
    assert_eq!(ada.body["emails"], expected);
    let again = one("add", "emails", json!([{ "value": "a@x.test", "type": "work" }]));
    assert_eq!(idp.patch(&at(&ada), again).await.expect(200).body, ada.body);
    let mut turned = expected.as_array().unwrap().clone();
    turned.reverse();
    let same = idp.put(&at(&ada), user("ada", json!({ "emails": turned }))).await.expect(200);
    assert_eq!(same.header("etag"), ada.header("etag"));
}

#[tokio::test(flavor = "multi_thread")]
async fn r_7643_2_5_01_absent_null_and_empty_are_one_state() {
    let app = TestApp::start().await;
    let idp = app.idp();
    let plain = idp.post("/Users", user("plain", json!({}))).await.expect(201).body;
    let nulls = json!({
        "nickName": null, "emails": [], "name": null, "photos": null, "externalId": null,
        ENTERPRISE: null,
    });
    let nulls = idp.post("/Users", user("nulls", nulls)).await.expect(201).body;
    assert_eq!(keys(&nulls), keys(&plain));
    assert_eq!(nulls["schemas"], plain["schemas"]);
    // Writing either unassigns.
    let full = json!({
        "nickName": "n", "title": "t", "emails": [{ "value": "a@x.test" }], "externalId": "e",
        "name": { "givenName": "g" }, ENTERPRISE: { "department": "d" },
    });
    let ada = idp.post("/Users", user("ada", full.clone())).await.expect(201);
    let none = json!({
        "nickName": null, "title": null, "emails": [], "externalId": null, "name": null,
        ENTERPRISE: null,
    });
    let cleared = idp.put(&at(&ada), user("ada", none)).await.expect(200).body;
    assert_eq!(keys(&cleared), keys(&plain));
    idp.put(&at(&ada), user("ada", full)).await.expect(200);
    let operations = json!([
        { "op": "replace", "path": "nickName", "value": null },
        { "op": "replace", "path": "emails", "value": [] },
        { "op": "replace", "value": { "title": null, "externalId": null, "name": null } },
        { "op": "replace", "path": format!("{ENTERPRISE}:department"), "value": null },
    ]);
    let cleared = idp.patch(&at(&ada), patch(operations)).await.expect(200).body;
    assert_eq!(keys(&cleared), keys(&plain));
}

#[tokio::test(flavor = "multi_thread")]
async fn r_7643_2_5_02_what_is_unassigned_is_not_answered() {
    let app = TestApp::start().await;
    let idp = app.idp();
    let more = json!({
        "nickName": null, "title": "", "name": {}, "emails": [{}], ENTERPRISE: { "manager": {} },
    });
    let ada = idp.post("/Users", user("ada", more)).await.expect(201);
    assert_eq!(keys(&ada.body), ["active", "id", "meta", "schemas", "title", "userName"]);
    assert_eq!(ada.body["title"], "", "a text without letters is a value");
    assert_eq!(ada.body["schemas"], json!([CORE]));
    let list = idp.get("/Users").await.expect(200);
    assert!(!list.body.to_string().contains("null"), "{list}");
    let team = idp.post("/Groups", group("Team", &[])).await.expect(201);
    assert_eq!(keys(&team.body), ["displayName", "id", "meta", "schemas"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn r_7643_3_01_every_resource_and_message_names_its_schemas() {
    let app = TestApp::start().await;
    let strict = app.connector("strict").await;
    let ada = strict.post("/Users", user("ada", json!({}))).await.expect(201);
    let team = strict.post("/Groups", group("Team", &[&ada.id()])).await.expect(201);
    for path in [
        at(&ada),
        at_group(&team),
        "/Users".into(),
        "/Groups?attributes=displayName".into(),
        "/ServiceProviderConfig".into(),
        "/Schemas".into(),
        "/ResourceTypes".into(),
        "/Users?count=0".into(),
        "/Users/nobody".into(),
        "/Nothing".into(),
    ] {
        let reply = strict.get(&path).await;
        let listed = reply.body["Resources"].as_array().cloned().unwrap_or_default();
        for one in listed.iter().chain([&reply.body]) {
            let schemas = one["schemas"].as_array().unwrap_or_else(|| panic!("{path}: {reply}"));
            assert!(!schemas.is_empty(), "{path}: {reply}");
            for (i, urn) in schemas.iter().enumerate() {
                assert!(urn.as_str().unwrap().starts_with("urn:"), "{path}: {urn}");
                assert!(!schemas[i + 1..].contains(urn), "{path}: {urn} is there twice");
            }
        }
    }
    // Their order has no meaning.
    let more = json!({ "schemas": [ENTERPRISE, CORE], ENTERPRISE: { "division": "d" } });
    strict.post("/Users", user("bob", more)).await.expect(201);
    let before = head(&app);
    for schemas in [Value::Null, json!([]), json!(CORE), json!({}), json!([5])] {
        let with = |mut body: Value| {
            if schemas.is_null() {
                body.as_object_mut().unwrap().remove("schemas");
            } else {
                body["schemas"] = schemas.clone();
            }
            body
        };
        bad(strict.post("/Users", with(user("eve", json!({})))).await, "invalidSyntax");
        bad(strict.put(&at(&ada), with(user("ada", json!({})))).await, "invalidSyntax");
        bad(strict.post("/Groups", with(group("G", &[]))).await, "invalidSyntax");
        let change = with(one("replace", "title", json!("x")));
        bad(strict.patch(&at(&ada), change).await, "invalidSyntax");
        let search = with(json!({ "schemas": [SEARCH], "count": 1 }));
        bad(strict.post("/Users/.search", search).await, "invalidSyntax");
    }
    assert_eq!(head(&app), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn r_7643_3_02_schemas_names_the_base_schema_and_registered_extensions() {
    let app = TestApp::start().await;
    let (idp, strict) = (app.idp(), app.connector("strict").await);
    for schemas in [
        json!([CORE, "urn:x:foreign"]),
        json!([ENTERPRISE]),
        json!([GROUP]),
        json!([CORE, CORE]),
        json!([CORE, GROUP]),
    ] {
        let body = json!({ "schemas": schemas, "userName": "eve" });
        bad(strict.post("/Users", body).await, "invalidValue");
    }
    let foreign = json!({ "schemas": [GROUP, ENTERPRISE], "displayName": "G" });
    bad(strict.post("/Groups", foreign).await, "invalidValue");
    // Whoever is lenient drops what is foreign; it does not come back.
    let body = json!({ "schemas": [CORE, "urn:x:foreign"], "userName": "ada" });
    let ada = idp.post("/Users", body).await.expect(201);
    assert_eq!(ada.body["schemas"], json!([CORE]));
    let body = json!({ "schemas": [ENTERPRISE], "userName": "bob" });
    assert_eq!(idp.post("/Users", body).await.expect(201).body["schemas"], json!([CORE]));
}

#[tokio::test(flavor = "multi_thread")]
async fn r_7643_3_3_01_an_extension_is_an_object_and_is_named_exactly_then() {
    let app = TestApp::start().await;
    let idp = app.idp();
    let body = json!({ "schemas": [CORE, ENTERPRISE], "userName": "ada" });
    let ada = idp.post("/Users", body).await.expect(201);
    assert_eq!(ada.body["schemas"], json!([CORE]), "nothing of it is assigned");
    let path = format!("{ENTERPRISE}:department");
    let with = idp.patch(&at(&ada), one("add", &path, json!("d"))).await.expect(200);
    assert_eq!(with.body["schemas"], json!([CORE, ENTERPRISE]));
    assert_eq!(with.body[ENTERPRISE], json!({ "department": "d" }));
    assert_eq!(idp.get(&at(&ada)).await.expect(200).body, with.body);
    let without = idp.patch(&at(&ada), one("remove", &path, Value::Null)).await.expect(200);
    assert_eq!(without.body["schemas"], json!([CORE]));
    assert_eq!(without.body.get(ENTERPRISE), None);
    // A custom extension is no different.
    extend(&app, false, json!([{ "name": "colour" }])).await.unwrap();
    let own = json!({ OWN: { "colour": "red" }, ENTERPRISE: { "division": "x" } });
    let both = idp.put(&at(&ada), user("ada", own)).await.expect(200);
    let mut schemas: Vec<&str> =
        both.body["schemas"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    schemas.sort_unstable();
    assert_eq!(schemas, [OWN, CORE, ENTERPRISE]);
    assert_eq!(both.body[OWN], json!({ "colour": "red" }));
}

#[tokio::test(flavor = "multi_thread")]
async fn r_7643_6_01_a_required_extension_is_demanded() {
    let app = TestApp::start().await;
    extend(&app, true, json!([{ "name": "colour" }])).await.unwrap();
    let idp = app.idp();
    let before = head(&app);
    for own in
        [json!({}), json!({ OWN: {} }), json!({ OWN: null }), json!({ OWN: { "colour": null } })]
    {
        bad(idp.post("/Users", user("ada", own)).await, "invalidValue");
    }
    assert_eq!(head(&app), before);
    let ada =
        idp.post("/Users", user("ada", json!({ OWN: { "colour": "red" } }))).await.expect(201);
    bad(idp.put(&at(&ada), user("ada", json!({}))).await, "invalidValue");
    bad(idp.patch(&at(&ada), one("remove", OWN, Value::Null)).await, "mutability");
    let colour = one("remove", &format!("{OWN}:colour"), Value::Null);
    assert!(idp.patch(&at(&ada), colour).await.status.is_client_error());
    assert_eq!(idp.get(&at(&ada)).await.expect(200).body, ada.body);
}
