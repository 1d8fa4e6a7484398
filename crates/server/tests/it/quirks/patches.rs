//! PATCH bodies: operations, booleans, keys, elements, envelopes.

use serde_json::{Value, json};
use testkit::app::TestApp;

use super::lenient;
use crate::messages::{CORE, ENTERPRISE, GROUP};
use crate::table::{enterprise, play, row};

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
                    { "op": "replace", "path": "emails[type eq \"work\"].value",
                        "value": "t@x.test" },
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
            .patch(
                "/Users/{ada}",
                json!([{ "op": "replace", "value": { "name": { "givenName": "K" } } }]),
            )
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
                json!([{ "op": "replace",
                    "value": { "NAME.GivenName": "K", "DISPLAYNAME": "B" } }]),
            )
            .ada("/name/givenName", json!("K"))
            .ada("/displayName", json!("B")),
    ])
    .await;
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
            .patch(
                "/Users/{ada}",
                json!([{ "op": "replace", "path": "emails",
                "value": { "value": "a@b.test", "primary": true } }]),
            )
            .ada("/emails", json!([{ "value": "a@b.test", "primary": true }])),
        row("one member as an object")
            .patch(
                "/Groups/{sales}",
                json!([{ "op": "Add", "path": "members", "value": { "value": "{mia}" } }]),
            )
            .members(&["{ada}", "{bob}", "{mia}"]),
        row("one member as an object, in a create")
            .post(
                "/Groups",
                json!({ "schemas": [GROUP], "displayName": "N{n}", "members": {
                    "value": "{mia}" } }),
            )
            .answers("/members/0/value", json!("{mia}")),
        row("an object of addresses in a create")
            .post(
                "/Users",
                json!({ "schemas": [CORE], "userName": "new{n}", "emails": {
                    "value": "a@b.test" } }),
            )
            .answers("/emails", json!([{ "value": "a@b.test" }])),
        row("said of OneLogin: an array of one where a boolean is due")
            .patch("/Users/{ada}", json!([{ "op": "replace", "path": "active", "value": [false] }]))
            .ada("/active", json!(false)),
        row("an array of one where a text is due")
            .patch("/Users/{ada}", json!([{ "op": "replace", "value": { "title": ["Boss"] } }]))
            .ada("/title", json!("Boss")),
        row("an array of two is not one").bad_patch(
            "/Users/{ada}",
            json!([{ "op": "replace", "path": "title", "value": ["a", "b"] }]),
            "invalidValue",
        ),
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

/// Entra's null update writes every optional attribute as an empty text, then as null; OneLogin's
/// templates leave an empty text where there is no value. What is empty is gone afterwards.
#[tokio::test(flavor = "multi_thread")]
async fn l_13_empty_texts_unassign_where_the_preset_says_so() {
    let given = json!({
        "title": "T", "nickName": "N", "name": { "givenName": "A", "familyName": "L" },
        "emails": [{ "type": "work", "value": "w@x.test" }, { "type": "home",
            "value": "h@x.test" }],
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
            // Who may not act still may not: `conformance::active` shows it.
            .ada_without("/active")
            .finds("/Users", r#"id eq "{ada}" and active pr"#, &[])
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
/// Also L-02, L-06, L-07, L-08, L-11, L-12, L-13.
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

async fn clear(idp: &testkit::app::Client) {
    for path in ["/Groups", "/Users"] {
        let all = idp.get(&format!("{path}?count=1000")).await.expect(200).body;
        for found in all["Resources"].as_array().unwrap() {
            idp.delete(&format!("{path}/{}", found["id"].as_str().unwrap())).await.expect(204);
        }
    }
}
