//! What clients send beside the letter of the RFCs, by the rule that asks for it, through a
//! connector that reads leniently.

use reqwest::Method;
use serde_json::{Value, json};
use testkit::app::TestApp;

use crate::table::{CORE, ENTERPRISE, GROUP, Row, enterprise, patch, play, row};

async fn lenient(rows: Vec<Row>) {
    let app = TestApp::start().await;
    play(&app.idp(), rows).await;
    let snapshot = app.app.engine.world().with_slug("acme").unwrap().1.clone();
    snapshot.directory.agrees().unwrap();
}

/// Also L-02.
#[tokio::test(flavor = "multi_thread")]
async fn l_01_operations_in_any_case() {
    lenient(vec![
        row("Entra writes `Add`, `Replace` and `Remove`")
            .patch(
                "/Users/{ada}",
                json!([
                    { "op": "Add", "path": "nickName", "value": "Babs" },
                    { "op": "Replace", "path": "title", "value": "Boss" },
                ]),
            )
            .ada("/nickName", json!("Babs"))
            .ada("/title", json!("Boss"))
            .patch("/Users/{ada}", json!([{ "op": "Remove", "path": "title" }]))
            .ada_without("/title"),
        row("and any other case")
            .patch("/Users/{ada}", json!([{ "op": "rEPLACE", "path": "title", "value": "x" }]))
            .patch("/Users/{ada}", json!([{ "op": "REMOVE", "path": "title" }]))
            .ada_without("/title"),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn l_02_booleans_as_text() {
    let active = |value: Value| json!([{ "op": "Replace", "path": "active", "value": value }]);
    lenient(vec![
        row("Entra disables with the text `False`")
            .patch("/Users/{ada}", active(json!("False")))
            .ada("/active", json!(false))
            .patch("/Users/{ada}", active(json!("True")))
            .ada("/active", json!(true)),
        row("in any case")
            .patch("/Users/{ada}", active(json!("fALSE")))
            .ada("/active", json!(false)),
        row("in an object without a path")
            .patch("/Users/{ada}", json!([{ "op": "replace", "value": { "active": "False" } }]))
            .ada("/active", json!(false)),
        row("any other text is no boolean")
            .bad_patch("/Users/{ada}", active(json!("no")), "invalidValue")
            .patch("/Users/{ada}", active(json!("False")))
            .bad_patch("/Users/{ada}", active(json!("")), "invalidValue")
            .bad_patch("/Users/{ada}", active(json!(0)), "invalidValue"),
        row("in a create, also in an element")
            .post(
                "/Users",
                json!({ "schemas": [CORE], "userName": "new{n}", "active": "false",
                    "roles": [{ "primary": "True", "value": "Admin" }] }),
            )
            .answers("/active", json!(false))
            .answers("/roles/0/primary", json!(true)),
        row("in a PUT")
            .put(
                "/Users/{ada}",
                json!({ "schemas": [CORE], "userName": "ada{n}", "active": "FALSE" }),
            )
            .answers("/active", json!(false)),
        row("in a filter")
            .patch("/Users/{ada}", active(json!(false)))
            .finds("/Users", r#"active eq "False" and id eq "{ada}""#, &["{ada}"])
            .finds("/Users", r#"active eq "True" and id eq "{ada}""#, &[]),
        row("inside a path: `True` selects what is primary")
            .given(json!({ "roles": [
                { "value": "Analyst" }, { "value": "Business User", "primary": true }] }))
            .patch(
                "/Users/{ada}",
                json!([{ "op": "Replace", "path": "roles[primary eq \"True\"].value",
                    "value": "Admin" }]),
            )
            .finds("/Users", r#"id eq "{ada}" and roles.value eq "Admin""#, &["{ada}"])
            .finds("/Users", r#"id eq "{ada}" and roles.value eq "Business User""#, &[])
            .finds("/Users", r#"id eq "{ada}" and roles.value eq "Analyst""#, &["{ada}"]),
        row("and with no match an add makes an element that is primary")
            .patch(
                "/Users/{ada}",
                json!([{ "op": "Add", "path": "roles[primary eq \"True\"].value",
                    "value": "Admin" }]),
            )
            .ada("/roles", json!([{ "value": "Admin", "primary": true }])),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn l_03_keys_that_are_paths() {
    lenient(vec![
        row("plain, dotted and with the extension's URN: Entra with its flag")
            .given(json!({ "name": { "givenName": "A", "familyName": "L", "middleName": "M" } }))
            .patch(
                "/Users/{ada}",
                json!([
                    { "op": "replace", "path": "emails[type eq \"work\"].value", "value": "t@x.test" },
                    { "op": "replace", "value": {
                        "displayName": "B", "name.givenName": "K", "name.familyName": "U",
                        format!("{ENTERPRISE}:employeeNumber"): "7",
                        format!("{ENTERPRISE}:manager"): "{mia}",
                    } },
                ]),
            )
            .ada("/displayName", json!("B"))
            .ada("/name", json!({ "givenName": "K", "familyName": "U", "middleName": "M" }))
            .ada(&enterprise("employeeNumber"), json!("7"))
            .ada(&enterprise("manager/value"), json!("{mia}"))
            .ada("/emails/0/value", json!("t@x.test"))
            .ada_without("/name.givenName"),
        row("nested keys keep the sub-attributes that are not named")
            .given(json!({ "name": { "givenName": "A", "familyName": "L" } }))
            .patch("/Users/{ada}", json!([{ "op": "replace", "value": { "name": { "givenName": "K" } } }]))
            .ada("/name", json!({ "givenName": "K", "familyName": "L" })),
        row("the extension as an object")
            .given(json!({ ENTERPRISE: { "department": "Sales" } }))
            .patch(
                "/Users/{ada}",
                json!([{ "op": "add", "value": { ENTERPRISE: { "employeeNumber": "7" } } }]),
            )
            .ada(&enterprise("employeeNumber"), json!("7"))
            .ada(&enterprise("department"), json!("Sales")),
        row("a key with a filter")
            .given(json!({ "emails": [{ "type": "home", "value": "h@x.test" }] }))
            .patch(
                "/Users/{ada}",
                json!([{ "op": "replace", "value": {
                    "emails[type eq \"home\"].value": "new@x.test", "title": "T" } }]),
            )
            .ada("/emails", json!([{ "type": "home", "value": "new@x.test" }]))
            .ada("/title", json!("T")),
        row("in another case")
            .patch(
                "/Users/{ada}",
                json!([{ "op": "replace", "value": { "NAME.GivenName": "K", "DISPLAYNAME": "B" } }]),
            )
            .ada("/name/givenName", json!("K"))
            .ada("/displayName", json!("B")),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn l_04_remove_with_a_value_removes_just_that() {
    let remove = |value: Value| json!([{ "op": "Remove", "path": "members", "value": value }]);
    lenient(vec![
        row("Entra's default dialect: a list with `$ref` null")
            .patch("/Groups/{sales}", remove(json!([{ "$ref": null, "value": "{bob}" }])))
            .members(&["{ada}"]),
        row("JumpCloud: a list")
            .patch("/Groups/{sales}", remove(json!([{ "value": "{ada}" }])))
            .members(&["{bob}"]),
        row("one object").patch("/Groups/{sales}", remove(json!({ "value": "{ada}" }))).members(&["{bob}"]),
        row("bare ids").patch("/Groups/{sales}", remove(json!(["{ada}"]))).members(&["{bob}"]),
        row("several, one of them not there")
            .patch("/Groups/{sales}", remove(json!([{ "value": "{ada}" }, { "value": "{mia}" }])))
            .members(&["{bob}"]),
        row("everybody, by name")
            .patch("/Groups/{sales}", remove(json!([{ "value": "{ada}" }, { "value": "{bob}" }])))
            .members(&[]),
        row("nobody: an empty list is not everybody")
            .patch("/Groups/{sales}", remove(json!([])))
            .members(&["{ada}", "{bob}"]),
        row("without a value: everybody, as RFC 7644 §3.5.2.2 has it")
            .patch("/Groups/{sales}", json!([{ "op": "remove", "path": "members" }]))
            .members(&[]),
        row("of addresses, too")
            .given(json!({ "emails": [
                { "value": "w@x.test", "type": "work" }, { "value": "h@x.test", "type": "home" }] }))
            .patch(
                "/Users/{ada}",
                json!([{ "op": "remove", "path": "emails", "value": [{ "value": "w@x.test" }] }]),
            )
            .ada("/emails", json!([{ "value": "h@x.test", "type": "home" }])),
    ])
    .await;
}

/// Salesforce's style names the attribute again inside the value; a null stands for no list.
/// Whatever the answer, nobody else leaves.
#[tokio::test(flavor = "multi_thread")]
async fn l_04_a_value_of_another_shape_never_empties_the_group() {
    let app = TestApp::start().await;
    let idp = app.idp();
    for (n, value) in [
        json!({ "members": [{ "value": "ADA" }] }),
        json!([{ "members": [{ "value": "ADA" }] }]),
        json!({}),
        json!([{}]),
        json!(""),
        json!([""]),
        json!([]),
        json!(null),
        json!([null]),
        json!(false),
        json!([["ADA"]]),
        json!({ "value": null }),
        json!([{ "value": ["ADA"] }]),
    ]
    .into_iter()
    .enumerate()
    {
        let mut ids = Vec::new();
        for name in ["ada", "bob"] {
            let body = json!({ "schemas": [CORE], "userName": format!("{name}{n}") });
            ids.push(idp.post("/Users", body).await.expect(201).id());
        }
        let members = json!([{ "value": ids[0] }, { "value": ids[1] }]);
        let body =
            json!({ "schemas": [GROUP], "displayName": format!("G{n}"), "members": members });
        let group = format!("/Groups/{}", idp.post("/Groups", body).await.expect(201).id());
        let value = value.to_string().replace("ADA", &ids[0]);
        let value: Value = serde_json::from_str(&value).unwrap();
        let remove = patch(json!([{ "op": "remove", "path": "members", "value": value }]));
        let reply = idp.patch(&group, remove).await;
        let left = idp.get(&group).await.expect(200).body["members"].clone();
        let left: Vec<&str> = left
            .as_array()
            .unwrap()
            .iter()
            .map(|member| member["value"].as_str().unwrap())
            .collect();
        match reply.status.as_u16() {
            400 => assert_eq!(left, [ids[0].as_str(), ids[1].as_str()], "{value}: {reply}"),
            200 | 204 => {
                assert!(left.contains(&ids[1].as_str()), "{value} took who was not named: {reply}");
            }
            other => panic!("{value}: {other} {reply}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn l_05_members_with_nulls_and_strangers() {
    let odd = json!({ "$ref": null, "display": null, "type": null, "value": "{mia}", "shoe": 7 });
    lenient(vec![
        row("added")
            .patch("/Groups/{sales}", json!([{ "op": "Add", "path": "members", "value": [odd] }]))
            .members(&["{ada}", "{bob}", "{mia}"]),
        row("in a create")
            .post(
                "/Groups",
                json!({ "schemas": [GROUP], "displayName": "New {n}", "members": [odd] }),
            )
            .answers("/members/0/value", json!("{mia}"))
            .answers("/members/0/type", json!("User"))
            .answers_without("/members/1"),
        row("in a PUT")
            .put(
                "/Groups/{sales}",
                json!({ "schemas": [GROUP], "displayName": "S {n}", "members": [odd] }),
            )
            .members(&["{mia}"]),
        row("replaced")
            .patch(
                "/Groups/{sales}",
                json!([{ "op": "Replace", "path": "members", "value": [odd] }]),
            )
            .members(&["{mia}"]),
        row("as bare ids, in one call of Microsoft's older collection")
            .patch(
                "/Groups/{sales}",
                json!([{ "op": "add", "path": "members", "value": ["{mia}"] }]),
            )
            .members(&["{ada}", "{bob}", "{mia}"]),
        row("without a path")
            .patch("/Groups/{sales}", json!([{ "op": "add", "value": { "members": [odd] } }]))
            .members(&["{ada}", "{bob}", "{mia}"]),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn l_06_managers_in_every_shape() {
    let path = format!("{ENTERPRISE}:manager");
    let with =
        |op: &str, path: &str, value: Value| json!([{ "op": op, "path": path, "value": value }]);
    let held = enterprise("manager/value");
    let mut rows = Vec::new();
    for (says, operations) in [
        ("a bare id", with("Add", &path, json!("{mia}"))),
        ("an object", with("Add", &path, json!({ "value": "{mia}" }))),
        (
            "a list of one",
            with("Add", &path, json!([{ "$ref": "../Users/{mia}", "value": "{mia}" }])),
        ),
        ("the id at `manager.value`", with("Add", &format!("{path}.value"), json!("{mia}"))),
        ("a bare id, replaced", with("Replace", &path, json!("{mia}"))),
        ("in an object of paths", json!([{ "op": "replace", "value": { &path: "{mia}" } }])),
        (
            "in the extension",
            json!([{ "op": "replace", "value": { ENTERPRISE: { "manager": { "value": "{mia}" } } } }]),
        ),
        ("with the extension as path", with("replace", ENTERPRISE, json!({ "manager": "{mia}" }))),
    ] {
        rows.push(row(says).patch("/Users/{ada}", operations).ada(&held, json!("{mia}")));
    }
    for (says, operations) in [
        ("cleared with an empty text", with("Replace", &path, json!(""))),
        ("cleared with an empty value", with("Replace", &path, json!({ "value": "" }))),
        ("cleared with null", with("Replace", &path, Value::Null)),
        ("cleared with a null value", with("Replace", &path, json!({ "value": null }))),
        ("removed", json!([{ "op": "Remove", "path": path }])),
        ("its value removed", json!([{ "op": "Remove", "path": format!("{path}.value") }])),
        (
            "its value cleared with an empty text",
            with("Replace", &format!("{path}.value"), json!("")),
        ),
        ("added as an empty text", with("Add", &path, json!(""))),
        ("cleared in an object of paths", json!([{ "op": "replace", "value": { &path: "" } }])),
    ] {
        rows.push(
            row(says)
                .given(
                    json!({ ENTERPRISE: { "manager": { "value": "{mia}" }, "department": "D" } }),
                )
                .ada(&held, json!("{mia}"))
                .patch("/Users/{ada}", operations)
                .ada_without(&enterprise("manager"))
                .ada(&enterprise("department"), json!("D")),
        );
    }
    rows.push(
        row("in a create as a bare id")
            .post("/Users", json!({ "schemas": [CORE], "userName": "new{n}", ENTERPRISE: { "manager": "{mia}" } }))
            .answers(&held, json!("{mia}")),
    );
    rows.push(
        row("in a create as null, as Entra sends it")
            .post(
                "/Users",
                json!({ "schemas": [CORE], "userName": "new{n}",
                ENTERPRISE: { "manager": null, "department": "D" } }),
            )
            .answers_without(&enterprise("manager"))
            .answers(&enterprise("department"), json!("D")),
    );
    rows.push(
        row("Entra's validator names a manager who is nobody")
            .post(
                "/Users",
                json!({ "schemas": [CORE, ENTERPRISE], "userName": "new{n}",
                ENTERPRISE: { "manager": { "value": "QXJTWB" } } }),
            )
            .answers(&held, json!("QXJTWB")),
    );
    lenient(rows).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn l_07_an_element_that_is_not_there_yet() {
    let one = |op: &str, path: &str, value: &str| json!({ "op": op, "path": path, "value": value });
    let mut rows = vec![
        row("added by its type, on a user without any")
            .patch(
                "/Users/{ada}",
                json!([one("Add", "emails[type eq \"work\"].value", "a@b.test")]),
            )
            .ada("/emails", json!([{ "type": "work", "value": "a@b.test" }])),
        row("replaced by its type, beside another")
            .given(json!({ "emails": [{ "type": "home", "value": "h@x.test" }] }))
            .patch(
                "/Users/{ada}",
                json!([one("Replace", "emails[type eq \"work\"].value", "a@b.test")]),
            )
            .ada("/emails/1", json!({ "type": "work", "value": "a@b.test" }))
            .ada("/emails/0/value", json!("h@x.test"))
            .ada_without("/emails/2"),
        row("six parts of one address end in one element")
            .patch(
                "/Users/{ada}",
                ["formatted", "streetAddress", "locality", "region", "postalCode", "country"]
                    .iter()
                    .map(|part| one("Add", &format!("addresses[type eq \"work\"].{part}"), part))
                    .collect(),
            )
            .ada(
                "/addresses",
                json!([{ "type": "work", "formatted": "formatted", "streetAddress": "streetAddress",
                    "locality": "locality", "region": "region", "postalCode": "postalCode",
                    "country": "country" }]),
            ),
        row("two conditions joined by `and` are both true of it")
            .patch(
                "/Users/{ada}",
                json!([one(
                    "add",
                    "emails[type eq \"work\" and primary eq true].value",
                    "a@b.test"
                )]),
            )
            .ada("/emails", json!([{ "type": "work", "primary": true, "value": "a@b.test" }])),
        row("a whole element")
            .patch(
                "/Users/{ada}",
                json!([{ "op": "add", "path": "emails[type eq \"work\"]",
                "value": { "value": "a@b.test" } }]),
            )
            .ada("/emails", json!([{ "type": "work", "value": "a@b.test" }])),
        row("attribute names in another case")
            .patch(
                "/Users/{ada}",
                json!([
                    one("Add", "emails[type eq \"other\"].Value", "a@b.test"),
                    one("Add", "Addresses[Type Eq \"work\"].Formatted", "1 Road"),
                ]),
            )
            .ada("/emails", json!([{ "type": "other", "value": "a@b.test" }]))
            .ada("/addresses", json!([{ "type": "work", "formatted": "1 Road" }])),
        row("twice: the second finds the first")
            .patch(
                "/Users/{ada}",
                json!([one("Add", "emails[type eq \"work\"].value", "a@b.test")]),
            )
            .patch(
                "/Users/{ada}",
                json!([one("Add", "emails[type eq \"work\"].value", "c@b.test")]),
            )
            .ada("/emails", json!([{ "type": "work", "value": "c@b.test" }])),
    ];
    for filter in
        ["type co \"work\"", "type eq \"work\" or type eq \"home\"", "not (type eq \"work\")"]
    {
        let path = format!("emails[{filter}].value");
        rows.push(row("a condition that does not say what to make").bad_patch(
            "/Users/{ada}",
            json!([one("Replace", &path, "a@b.test")]),
            "noTarget",
        ));
    }
    lenient(rows).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn l_08_one_for_many_and_many_for_one() {
    lenient(vec![
        row("OneLogin: an object where an array is due")
            .given(json!({ "emails": [{ "value": "old@x.test", "type": "work" }] }))
            .patch("/Users/{ada}", json!([{ "op": "replace", "path": "emails",
                "value": { "value": "a@b.test", "primary": true } }]))
            .ada("/emails", json!([{ "value": "a@b.test", "primary": true }])),
        row("one member as an object")
            .patch("/Groups/{sales}", json!([{ "op": "Add", "path": "members", "value": { "value": "{mia}" } }]))
            .members(&["{ada}", "{bob}", "{mia}"]),
        row("one member as an object, in a create")
            .post("/Groups", json!({ "schemas": [GROUP], "displayName": "N{n}", "members": { "value": "{mia}" } }))
            .answers("/members/0/value", json!("{mia}")),
        row("an object of addresses in a create")
            .post("/Users", json!({ "schemas": [CORE], "userName": "new{n}", "emails": { "value": "a@b.test" } }))
            .answers("/emails", json!([{ "value": "a@b.test" }])),
        row("said of OneLogin: an array of one where a boolean is due")
            .patch("/Users/{ada}", json!([{ "op": "replace", "path": "active", "value": [false] }]))
            .ada("/active", json!(false)),
        row("an array of one where a text is due")
            .patch("/Users/{ada}", json!([{ "op": "replace", "value": { "title": ["Boss"] } }]))
            .ada("/title", json!("Boss")),
        row("an array of two is not one")
            .bad_patch("/Users/{ada}", json!([{ "op": "replace", "path": "title", "value": ["a", "b"] }]),
                "invalidValue"),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn l_09_addresses_and_headers_of_all_kinds() {
    let user = |name: &str| json!({ "schemas": [CORE], "userName": name });
    let disable = patch(json!([{ "op": "replace", "path": "active", "value": false }]));
    lenient(vec![
        row("Okta's test posts `application/json`")
            .post("/Users", user("new{n}"))
            .with(&[("content-type", "application/json")]),
        row("with a charset, in any case")
            .post("/Users", user("new{n}"))
            .with(&[("content-type", "Application/SCIM+json; charset=UTF-8")]),
        row("a media type on a GET")
            .get("/Users/{ada}")
            .with(&[("content-type", "application/scim+json; charset=utf-8")]),
        row("a slash at the end").get("/Users/").get("/Groups/").get("/Users/{ada}/"),
        row("a slash at the end, before a query")
            .get("/Users/?filter=userName+eq+%22ADA{n}@x.test%22")
            .answers("/totalResults", json!(1)),
        row("a slash at the end of a write")
            .patch_body("/Users/{ada}/", disable.clone())
            .ada("/active", json!(false))
            .post("/Users/", user("new{n}")),
        row("two slashes")
            .get("//Users")
            .patch_body("//Users//{ada}", disable)
            .ada("/active", json!(false)),
        row("parameters in any case")
            .get("/Users?STARTINDEX=2&Count=1&FILTER=id%20eq%20%22{ada}%22")
            .answers("/startIndex", json!(2))
            .answers("/totalResults", json!(1)),
        row("excluded attributes in any case")
            .get("/Groups/{sales}?excludedattributes=MEMBERS")
            .answers_without("/members"),
        row("an unknown parameter")
            .get("/Users?api-version=2&count=1")
            .answers("/itemsPerPage", json!(1)),
    ])
    .await;
}

/// Writes without any `Content-Type` are read as JSON.
#[tokio::test(flavor = "multi_thread")]
async fn l_09_no_content_type_at_all() {
    let app = TestApp::start().await;
    let http = reqwest::Client::new();
    let base = format!("{}/scim/acme/v2", app.url);
    let body = json!({ "schemas": [CORE], "userName": "ada" }).to_string();
    let made = http.post(format!("{base}/Users")).bearer_auth(TestApp::key("acme")).body(body);
    let made = made.build().unwrap();
    assert!(made.headers().get("content-type").is_none());
    assert_eq!(http.execute(made).await.unwrap().status(), 201);
    let found = app.idp().get("/Users?filter=userName%20eq%20%22ada%22").await.expect(200);
    assert_eq!(found.body["totalResults"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn l_10_schemas_and_attributes_nobody_knows() {
    lenient(vec![
        row("Entra names a class of its own directory on groups")
            .post("/Groups", json!({
                "schemas": [GROUP, "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group"],
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
            .post("/Users", json!({ "schemas": [CORE], "userName": "new{n}", ENTERPRISE: { "department": "D" } }))
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
            .post("/Users", json!({ "schemas": [CORE], "userName": "new{n}", "department": null, "manager": null }))
            .answers_without("/department"),
        row("unknown attributes, also inside others")
            .post("/Users", json!({ "schemas": [CORE], "userName": "new{n}", "shoeSize": 43,
                "name": { "givenName": "A", "nobility": "von" } }))
            .answers_without("/shoeSize")
            .answers("/name", json!({ "givenName": "A" })),
        row("a misspelled attribute in a PUT")
            .put("/Users/{ada}", json!({ "schemas": [CORE], "userName": "ada{n}", "adreses": [{ "type": "work" }] }))
            .answers_without("/adreses"),
        row("an unknown attribute in an object without a path")
            .patch("/Users/{ada}", json!([{ "op": "replace", "value": { "title": "T", "shoeSize": 43 } }]))
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
async fn l_11_patches_without_an_envelope() {
    let replace = json!([{ "op": "replace", "path": "title", "value": "T" }]);
    lenient(vec![
        row("without `schemas`")
            .patch_body("/Users/{ada}", json!({ "Operations": replace }))
            .ada("/title", json!("T")),
        row("with an empty `schemas`")
            .patch_body("/Users/{ada}", json!({ "schemas": [], "Operations": replace }))
            .ada("/title", json!("T")),
        row("`operations` in small letters")
            .patch_body("/Users/{ada}", json!({ "operations": replace }))
            .ada("/title", json!("T")),
        row("without operations: no change")
            .given(json!({ "title": "Old" }))
            .get("/Users/{ada}")
            .patch("/Users/{ada}", json!([]))
            .ada("/title", json!("Old"))
            .patch("/Groups/{sales}", json!([]))
            .members(&["{ada}", "{bob}"]),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn l_12_read_only_attributes_that_come_back() {
    let rename =
        |id: &str| json!([{ "op": "replace", "value": { "id": id, "displayName": "EMEA {n}" } }]);
    lenient(vec![
        row("Okta renames a group with its own id in the value, and the members stay")
            .patch("/Groups/{sales}", rename("{sales}"))
            .sees("/Groups/{sales}", "/displayName", json!("EMEA {n}"))
            .sees("/Groups/{sales}", "/id", json!("{sales}"))
            .members(&["{ada}", "{bob}"]),
        row("again, unchanged")
            .patch("/Groups/{sales}", rename("{sales}"))
            .patch("/Groups/{sales}", rename("{sales}"))
            .members(&["{ada}", "{bob}"]),
        row("`meta`, `groups` and `schemas` in the value of a user")
            .patch(
                "/Users/{ada}",
                json!([{ "op": "replace", "value": {
                "meta": { "resourceType": "User" }, "groups": [], "schemas": [CORE], "id": "{ada}",
                "title": "T" } }]),
            )
            .ada("/title", json!("T"))
            .ada("/groups/0/value", json!("{sales}")),
        row("in a PUT, always with `groups` empty: the memberships stay")
            .put(
                "/Users/{ada}",
                json!({ "schemas": [CORE], "id": "{bob}", "userName": "ada{n}",
                "groups": [], "meta": { "created": "2000-01-01T00:00:00Z" } }),
            )
            .answers("/id", json!("{ada}"))
            .answers("/groups/0/value", json!("{sales}"))
            .members(&["{ada}", "{bob}"]),
        row("by its path it is refused")
            .bad_patch(
                "/Users/{ada}",
                json!([{ "op": "replace", "path": "id", "value": "x" }]),
                "mutability",
            )
            .bad_patch(
                "/Users/{ada}",
                json!([{ "op": "replace", "path": "groups", "value": [] }]),
                "mutability",
            ),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn l_14_a_filter_inside_a_filter_and_its_sub_attribute() {
    let emails = json!([{ "type": "work", "value": "Ada.{n}@work.test" },
        { "type": "home", "value": "ada{n}@home.test" }]);
    lenient(vec![
        row("Entra matches by the address for work").given(json!({ "emails": emails })).finds(
            "/Users",
            r#"emails[type eq "work"].value eq "Ada.{n}@work.test""#,
            &["{ada}"],
        ),
        row("in another case").given(json!({ "emails": emails })).finds(
            "/Users",
            r#"Emails[Type EQ "WORK"].Value Eq "ada.{n}@WORK.test""#,
            &["{ada}"],
        ),
        row("the right address under the wrong type is no hit")
            .given(json!({ "emails": emails }))
            .finds("/Users", r#"emails[type eq "work"].value eq "ada{n}@home.test""#, &[])
            .finds("/Users", r#"emails[type eq "home"].value eq "Ada.{n}@work.test""#, &[]),
        row("with another condition")
            .given(json!({ "emails": emails }))
            .finds(
                "/Users",
                r#"id eq "{ada}" and emails[type eq "work"].value eq "ada.{n}@work.test""#,
                &["{ada}"],
            )
            .finds(
                "/Users",
                r#"id eq "{bob}" and emails[type eq "work"].value eq "ada.{n}@work.test""#,
                &[],
            ),
        row("as the RFC writes it").given(json!({ "emails": emails })).finds(
            "/Users",
            r#"emails[type eq "work" and value eq "ada.{n}@work.test"]"#,
            &["{ada}"],
        ),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn l_15_queries_as_they_are_written() {
    lenient(vec![
        row("a plus for a space")
            .get("/Users?filter=userName+eq+%22ada{n}@x.test%22")
            .answers("/Resources/0/id", json!("{ada}")),
        row("a plus that is meant, escaped")
            .post("/Users", json!({ "schemas": [CORE], "userName": "a+b{n}@x.test" }))
            .get("/Users?filter=userName%20eq%20%22a%2Bb{n}@x.test%22")
            .answers("/totalResults", json!(1))
            .get("/Users?filter=userName%20eq%20%22a+b{n}@x.test%22")
            .answers("/totalResults", json!(0)),
        row("said of OneLogin: doubled spaces").finds(
            "/Users",
            r#"  id   eq    "{ada}"  "#,
            &["{ada}"],
        ),
        row("no space before the text").finds("/Users", r#"id eq"{ada}""#, &["{ada}"]),
        row("parentheses with and without spaces").finds(
            "/Users",
            r#"( id eq "{ada}")and(active eq true )"#,
            &["{ada}"],
        ),
    ])
    .await;
}

/// A filter that is not read must not find everybody, and the error says how it is written.
#[tokio::test(flavor = "multi_thread")]
async fn l_16_texts_without_quotes_are_refused_with_a_hint() {
    let app = TestApp::start().await;
    let idp = app.idp();
    idp.post("/Users", json!({ "schemas": [CORE], "userName": "jyoung" })).await.expect(201);
    for filter in ["externalId eq jyoung", "userName eq 'jyoung'", "emails[type eq work]"] {
        let reply = idp.get(&format!("/Users?filter={}", crate::table::encoded(filter))).await;
        let reply = reply.expect(400);
        assert_eq!(reply.body["scimType"], "invalidFilter", "{filter}: {reply}");
        let detail = reply.body["detail"].as_str().unwrap();
        assert!(detail.contains("quote") || detail.contains('"'), "{filter}: {detail}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn l_17_probes_for_nobody_are_an_empty_list() {
    let nobody = "3f9d1c52-0b7e-4a64-8d2f-b1c6e0a97a35";
    let empty = |attribute: &str| {
        row("a random id by the matching attribute")
            .get(&format!(
                "/Users?filter={}",
                crate::table::encoded(&format!("{attribute} eq \"{nobody}\""))
            ))
            .answers("/totalResults", json!(0))
            .answers("/schemas", json!(["urn:ietf:params:scim:api:messages:2.0:ListResponse"]))
    };
    lenient(vec![
        empty("userName"),
        empty("externalId"),
        empty("id"),
        empty("emails[type eq \"work\"].value"),
        empty("displayName"),
        row("of groups, without their members")
            .get(&format!(
                "/Groups?excludedAttributes=members&filter=displayName%20eq%20%22{nobody}%22"
            ))
            .answers("/totalResults", json!(0)),
        row("Okta: two of them, and Google: one")
            .get("/Users?startIndex=1&count=2")
            .answers("/startIndex", json!(1))
            .answers("/itemsPerPage", json!(2))
            .get("/Users?count=1")
            .answers("/itemsPerPage", json!(1)),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn l_18_inactive_users_are_there() {
    let off = json!([{ "op": "replace", "value": { "active": false } }]);
    lenient(vec![
        row("found, read, listed and brought back")
            .given(json!({ "externalId": "x{n}", "emails": [{ "type": "work", "value": "m{n}@x.test" }] }))
            .patch("/Users/{ada}", off.clone())
            .patch("/Users/{ada}", off)
            .ada("/active", json!(false))
            .finds("/Users", r#"userName eq "ADA{n}@x.test""#, &["{ada}"])
            .finds("/Users", r#"externalId eq "x{n}""#, &["{ada}"])
            .finds("/Users", r#"emails[type eq "work"].value eq "m{n}@x.test""#, &["{ada}"])
            .members(&["{ada}", "{bob}"])
            .patch("/Users/{ada}", json!([{ "op": "replace", "value": { "active": true } }]))
            .ada("/active", json!(true))
            .ada("/externalId", json!("x{n}")),
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

/// Entra's null update writes every optional attribute as an empty text, then as null; OneLogin's
/// templates leave an empty text where there is no value. What is empty is gone afterwards.
#[tokio::test(flavor = "multi_thread")]
async fn l_13_empty_texts_unassign_where_the_preset_says_so() {
    let given = json!({
        "title": "T", "nickName": "N", "name": { "givenName": "A", "familyName": "L" },
        "emails": [{ "type": "work", "value": "w@x.test" }, { "type": "home", "value": "h@x.test" }],
        "addresses": [{ "type": "work", "locality": "Turin", "country": "IT" }],
        "active": false, ENTERPRISE: { "department": "D", "manager": { "value": "M" } },
    });
    let paths = [
        "title",
        "active",
        "nickName",
        "name.givenName",
        "name.familyName",
        "emails[type eq \"work\"].value",
        "addresses[type eq \"work\"].locality",
        "addresses[type eq \"work\"].country",
        "phoneNumbers[type eq \"mobile\"].value",
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department",
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager",
    ];
    let all = |value: Value| -> Value {
        paths.iter().map(|path| json!({ "op": "Replace", "path": path, "value": value })).collect()
    };
    let emptied = |says| {
        row(says)
            .given(given.clone())
            .patch("/Users/{ada}", all(json!("")))
            .patch("/Users/{ada}", all(Value::Null))
            .ada_without("/title")
            .ada_without("/nickName")
            .ada_without("/name")
            .ada("/emails", json!([{ "type": "home", "value": "h@x.test" }]))
            .ada_without("/addresses/0/locality")
            .ada_without("/phoneNumbers/0/value")
            .ada_without(&format!("/{ENTERPRISE}"))
            .ada("/active", json!(false))
    };
    let app = TestApp::start().await;
    for preset in ["entra", "onelogin"] {
        let idp = app.connector(preset).await;
        let create = row("in a create")
            .post(
                "/Users",
                json!({ "schemas": [CORE], "userName": "new{n}", "title": "",
                "nickName": null, "emails": [{ "type": "work", "value": "" }] }),
            )
            .answers_without("/title")
            .answers_without("/emails/0/value")
            .delete("/Users/{new}");
        play(&idp, vec![emptied("emptied, then nulled"), create]).await;
        clear(&idp).await;
    }
    // Without the setting an empty text is a value like any other (R-7643-2.5-02).
    let kept = row("kept")
        .given(json!({ "title": "T" }))
        .patch("/Users/{ada}", json!([{ "op": "replace", "path": "title", "value": "" }]))
        .ada("/title", json!(""));
    play(&app.idp(), vec![kept]).await;
}

/// What is read leniently elsewhere is refused by the letter of RFC 7644 here.
///
/// Also L-02, L-03, L-06, L-07, L-08, L-11, L-12, L-13.
#[tokio::test(flavor = "multi_thread")]
async fn l_04_a_strict_connector_reads_by_the_letter() {
    let app = TestApp::start().await;
    let idp = app.connector("strict").await;
    let one =
        |op: &str, path: &str, value: Value| json!([{ "op": op, "path": path, "value": value }]);
    let no_filter_match = one("replace", "emails[type eq \"work\"].value", json!("a@b.test"));
    play(
        &idp,
        vec![
            row("a remove with a value")
                .bad_patch(
                    "/Groups/{sales}",
                    one("remove", "members", json!([{ "value": "{ada}" }])),
                    "invalidValue",
                )
                .members(&["{ada}", "{bob}"]),
            row("a replace by a filter that nothing meets").bad_patch(
                "/Users/{ada}",
                no_filter_match,
                "noTarget",
            ),
            row("no operations").bad_patch("/Users/{ada}", json!([]), "invalidSyntax"),
            row("a readOnly key without a path").bad_patch(
                "/Groups/{sales}",
                json!([{ "op": "replace", "value": { "id": "{sales}", "displayName": "X {n}" } }]),
                "mutability",
            ),
            row("a text for a boolean").bad_patch(
                "/Users/{ada}",
                one("replace", "active", json!("False")),
                "invalidValue",
            ),
            row("an object for an array").bad_patch(
                "/Users/{ada}",
                one("replace", "emails", json!({ "value": "a@b.test" })),
                "invalidValue",
            ),
            row("an empty text is a value")
                .patch("/Users/{ada}", one("replace", "title", json!("")))
                .ada("/title", json!("")),
            row("a bare manager").bad_patch(
                "/Users/{ada}",
                one("add", &format!("{ENTERPRISE}:manager"), json!("{mia}")),
                "invalidValue",
            ),
        ],
    )
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

async fn clear(idp: &testkit::app::Client) {
    for path in ["/Groups", "/Users"] {
        let all = idp.get(&format!("{path}?count=1000")).await.expect(200).body;
        for found in all["Resources"].as_array().unwrap() {
            idp.delete(&format!("{path}/{}", found["id"].as_str().unwrap())).await.expect(204);
        }
    }
}
