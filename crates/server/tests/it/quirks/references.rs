//! Members and managers, in every shape they are sent in.

use serde_json::{Value, json};
use testkit::app::TestApp;

use super::lenient;
use crate::messages::{CORE, ENTERPRISE, GROUP, patch};
use crate::table::{enterprise, row};

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
        row("one object")
            .patch(
                "/Groups/{sales}",
                remove(json!({
            "value": "{ada}" })),
            )
            .members(&["{bob}"]),
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
                { "value": "w@x.test", "type": "work" }, {
                    "value": "h@x.test", "type": "home" }] }))
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
            json!([{ "op": "replace", "value": { ENTERPRISE: { "manager": {
                "value": "{mia}" } } } }]),
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
            .post(
                "/Users",
                json!({ "schemas": [CORE], "userName": "new{n}", ENTERPRISE: { "manager":
                    "{mia}" } }),
            )
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
