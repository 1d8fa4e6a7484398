//! Entra ID's validator, its gallery tests and its older collections, case by case, with names and
//! values of our own; the cycles are in `cycles`.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::{Map, Value, json};
use testkit::app::{Client, TestApp};

use crate::messages::{CORE, ENTERPRISE, GROUP, encoded, patch};
use crate::table::{Row, enterprise, play, row};

/// A connector with Entra's preset, and one without any: both must do.
async fn both(rows: fn() -> Vec<Row>) {
    let app = TestApp::start().await;
    play(&app.idp(), rows()).await;
    let app = TestApp::start().await;
    play(&app.connector("entra").await, rows()).await;
    let snapshot = app.app.engine.world().with_slug("acme").unwrap().1.clone();
    snapshot.directory.agrees().unwrap();
}

/// A whole user as the validator creates one: odd values where a URI or a language is due, text
/// for booleans, a manager who is nobody.
fn whole(name: &str) -> Value {
    json!({
        "schemas": [CORE, ENTERPRISE],
        "userName": name, "externalId": format!("external of {name}"), "active": true,
        "displayName": "KQXHVBTA", "nickName": "ZWMPRULC", "title": "JDNEYSOG",
        "profileUrl": "BALQXWETRK", "preferredLanguage": "hu", "locale": "RJTPLC",
        "timezone": "America/Lima", "userType": "FVKQ",
        "name": { "formatted": "Orsolya Kemp", "givenName": "Orsolya", "familyName": "Kemp",
            "middleName": "Q", "honorificPrefix": "Dr", "honorificSuffix": "II" },
        "emails": [
            { "type": "work", "value": format!("work.{name}"), "primary": true },
            { "type": "home", "value": format!("home.{name}") },
            { "type": "other", "value": format!("other.{name}") },
        ],
        "phoneNumbers": [
            { "type": "work", "value": "37-412-8095", "primary": true },
            { "type": "mobile", "value": "37-412-8096" }, { "type": "fax", "value": "37-412-8097" },
        ],
        "addresses": [
            { "type": "work", "formatted": "1 Quay", "streetAddress": "1 Quay", "locality": "Pécs",
                "region": "Baranya", "postalCode": "7621", "country": "Hungary", "primary": true },
            { "type": "other", "formatted": "2 Quay" },
        ],
        "roles": [{ "primary": "True", "display": "Analyst", "value": "Analyst", "type": "app" }],
        ENTERPRISE: { "employeeNumber": "E-7", "department": "D", "costCenter": "C",
            "organization": "O", "division": "V", "manager": { "value": "XYQRTB" } },
    })
}

/// The paths of single texts that Entra maps, as its mapping page writes them.
fn paths() -> Vec<String> {
    let mut paths: Vec<String> = [
        "displayName",
        "title",
        "preferredLanguage",
        "name.givenName",
        "name.familyName",
        "name.formatted",
        "name.middleName",
        "name.honorificPrefix",
        "name.honorificSuffix",
        "nickName",
        "userType",
        "locale",
        "timezone",
        "profileUrl",
    ]
    .map(str::to_owned)
    .to_vec();
    for kind in ["work", "home", "other"] {
        paths.push(format!("emails[type eq \"{kind}\"].value"));
    }
    for kind in ["work", "mobile", "fax"] {
        paths.push(format!("phoneNumbers[type eq \"{kind}\"].value"));
    }
    for kind in ["work", "other"] {
        for part in ["formatted", "streetAddress", "locality", "region", "postalCode", "country"] {
            paths.push(format!("addresses[type eq \"{kind}\"].{part}"));
        }
    }
    for name in ["employeeNumber", "department", "costCenter", "organization", "division"] {
        paths.push(format!("{ENTERPRISE}:{name}"));
    }
    paths
}

/// What a user shows at such a path: the values of all that the path selects.
fn shown(user: &Value, path: &str) -> Vec<String> {
    let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
    let one = if let Some(name) = path.strip_prefix(&format!("{ENTERPRISE}:")) {
        text(user.pointer(&enterprise(name)))
    } else if let Some((list, rest)) = path.split_once('[') {
        let kind = rest.split('"').nth(1).unwrap();
        let part = rest.rsplit('.').next().unwrap();
        let all = user[list].as_array().cloned().unwrap_or_default();
        let of_kind = all.iter().filter(|held| held["type"] == kind);
        return of_kind.filter_map(|held| text(held.get(part))).collect();
    } else {
        text(user.pointer(&format!("/{}", path.replace('.', "/"))))
    };
    one.into_iter().collect()
}

async fn changed(idp: &Client, path: &str, operations: Value) {
    let reply = idp.patch(path, patch(operations)).await;
    assert!([200, 204].contains(&reply.status.as_u16()), "{reply}");
}

/// The users' cases: create, duplicate, the filters, updates, the manager, delete.
///
/// Also L-02, L-06, L-18, L-19.
#[tokio::test(flavor = "multi_thread")]
async fn l_17_the_validators_cases_for_users() {
    both(|| {
        let name = "Orsolya.{n}@kemp.test";
        let manager = format!("{ENTERPRISE}:manager");
        vec![
            row("create a user")
                .post("/Users", whole(name))
                .answers("/userName", json!(name))
                .answers("/roles/0/primary", json!(true))
                .answers("/profileUrl", json!("BALQXWETRK"))
                .answers("/locale", json!("RJTPLC"))
                .answers(&enterprise("manager/value"), json!("XYQRTB"))
                .answers("/emails/2", json!({ "type": "other", "value": format!("other.{name}") }))
                .sees("/Users/{new}", "/addresses/0/locality", json!("Pécs")),
            row("create it again").post("/Users", whole(name)).refused(
                Method::POST,
                "/Users",
                Some(whole(name)),
                409,
                Some("uniqueness"),
            ),
            row("filter for who is there, in another case, and for who is not")
                .finds("/Users", "userName eq \"ada{n}@x.test\"", &["{ada}"])
                .finds("/Users", "userName eq \"ADA{n}@X.Test\"", &["{ada}"])
                .finds("/Users", "userName eq \"nobody{n}\"", &[]),
            row("update the user name, in an object without a path")
                .patch(
                    "/Users/{ada}",
                    json!([{ "op": "replace", "value": { "userName": "new.ada{n}" } }]),
                )
                .ada("/userName", json!("new.ada{n}"))
                .finds("/Users", "userName eq \"ada{n}@x.test\"", &[]),
            row("disable")
                .patch(
                    "/Users/{ada}",
                    json!([{ "op": "replace", "path": "active", "value": false }]),
                )
                .ada("/active", json!(false))
                .finds("/Users", "userName eq \"ada{n}@x.test\"", &["{ada}"]),
            row("add, replace and remove a manager")
                .patch("/Users/{ada}", json!([{ "op": "Add", "path": &manager, "value": "{mia}" }]))
                .ada(&enterprise("manager/value"), json!("{mia}"))
                .patch(
                    "/Users/{ada}",
                    json!([{ "op": "Replace", "path": &manager, "value": { "value": "{bob}" } }]),
                )
                .ada(&enterprise("manager/value"), json!("{bob}"))
                .finds("/Users", "id eq \"{ada}\" and manager eq \"{bob}\"", &["{ada}"])
                .finds("/Users", "id eq \"{ada}\" and manager eq \"{mia}\"", &[])
                .patch("/Users/{ada}", json!([{ "op": "Remove", "path": &manager }]))
                .ada_without(&enterprise("manager")),
            row("delete, twice; somebody who never was")
                .delete("/Users/{ada}")
                .refused(Method::GET, "/Users/{ada}", None, 404, None)
                .refused(Method::DELETE, "/Users/{ada}", None, 404, None)
                .refused(
                    Method::DELETE,
                    "/Users/5d2c9e10-77b4-4f7e-93a8-0c41de6f2b19",
                    None,
                    404,
                    None,
                ),
            row("several attributes in one request")
                .patch(
                    "/Users/{ada}",
                    json!([
                        { "op": "replace", "path": "displayName", "value": "D" },
                        { "op": "add", "path": "title", "value": "T" },
                        { "op": "replace", "value": { "name.givenName": "G", "nickName": "N" } },
                    ]),
                )
                .ada("/displayName", json!("D"))
                .ada("/title", json!("T"))
                .ada("/name/givenName", json!("G"))
                .ada("/nickName", json!("N")),
            row("one attribute several times in one request: remove, add, replace")
                .given(json!({ "displayName": "Old" }))
                .patch(
                    "/Users/{ada}",
                    json!([
                        { "op": "remove", "path": "displayName" },
                        { "op": "add", "path": "displayName", "value": "Second" },
                        { "op": "replace", "path": "displayName", "value": "Third" },
                    ]),
                )
                .ada("/displayName", json!("Third")),
        ]
    })
    .await;
}

/// *Replace Attributes Verbose* and *Add Attributes Verbose*: all in one request, each by its path.
///
/// Also L-01, L-02.
#[tokio::test(flavor = "multi_thread")]
async fn l_07_the_validators_verbose_patches() {
    let app = TestApp::start().await;
    for (idp, name) in [(app.idp(), "a@kemp.test"), (app.connector("entra").await, "b@kemp.test")] {
        let full = idp.post("/Users", whole(name)).await.expect(201);
        let bare = json!({ "schemas": [CORE], "userName": format!("bare.{name}") });
        let bare = idp.post("/Users", bare).await.expect(201);
        assert!(paths().len() >= 36, "the validator sends 36 operations");
        for (op, user) in [("replace", &full), ("Replace", &full), ("add", &bare), ("Add", &bare)] {
            let value = |path: &str| format!("{op} {path}");
            let operations = paths()
                .iter()
                .map(|path| json!({ "op": op, "path": path, "value": value(path) }))
                .chain([json!({ "op": op, "path": "active", "value": "False" })])
                .chain([json!({ "op": op, "path": "roles[primary eq \"True\"].value",
                    "value": "Business User" })])
                .collect();
            let one = format!("/Users/{}", user.id());
            changed(&idp, &one, operations).await;
            let user = idp.get(&one).await.expect(200).body;
            for path in paths() {
                assert_eq!(shown(&user, &path), [value(&path)], "{path}: {user:#}");
            }
            assert_eq!(user["active"], false, "{user:#}");
            assert_eq!(
                user["addresses"].as_array().unwrap().len(),
                2,
                "one element each: {user:#}"
            );
            let roles = user["roles"].as_array().unwrap();
            assert_eq!((roles.len(), &roles[0]["value"]), (1, &json!("Business User")), "{user:#}");
            assert_eq!(roles[0]["primary"], true, "{user:#}");
        }
    }
}

/// The groups' cases, and the preview's.
///
/// Also L-01, L-05, L-10, L-21.
#[tokio::test(flavor = "multi_thread")]
async fn l_04_the_validators_cases_for_groups() {
    both(|| {
        let name = |name: &str| json!({ "schemas": [GROUP], "displayName": name, "externalId":
            "x{n}" });
        vec![
            row("get and filter without members, and with")
                .get("/Groups/{sales}?excludedAttributes=members")
                .answers_without("/members")
                .answers("/displayName", json!("Sales {n}"))
                .get("/Groups?excludedAttributes=members&filter=displayName%20eq%20%22Sales%20{n}%22")
                .answers("/Resources/0/id", json!("{sales}"))
                .answers_without("/Resources/0/members")
                .members(&["{ada}", "{bob}"]),
            row("filter for what is there, in another case, and for what is not")
                .finds("/Groups", "displayName eq \"Sales {n}\"", &["{sales}"])
                .finds("/Groups", "displayName eq \"SALES {n}\"", &["{sales}"])
                .finds("/Groups", "displayName eq \"nothing {n}\"", &[]),
            row("create, and again")
                .post("/Groups", name("New {n}"))
                .answers("/externalId", json!("x{n}"))
                .refused(Method::POST, "/Groups", Some(name("New {n}")), 409, Some("uniqueness")),
            row("replace attributes, in an object without a path")
                .patch("/Groups/{sales}", json!([{ "op": "replace",
                    "value": { "displayName": "S {n}", "externalId": "y{n}" } }]))
                .sees("/Groups/{sales}", "/displayName", json!("S {n}"))
                .sees("/Groups/{sales}", "/externalId", json!("y{n}"))
                .members(&["{ada}", "{bob}"]),
            row("update the name")
                .patch("/Groups/{sales}",
                    json!([{ "op": "Replace", "path": "displayName", "value": "S {n}" }]))
                .finds("/Groups", "displayName eq \"s {n}\"", &["{sales}"])
                .members(&["{ada}", "{bob}"]),
            row("add a member, which the validator says with a replace")
                .patch("/Groups/{sales}",
                    json!([{ "op": "replace", "path": "members", "value": [{
                        "value": "{mia}" }] }]))
                .members(&["{mia}"]),
            row("remove a member by its value")
                .patch("/Groups/{sales}",
                    json!([{ "op": "remove", "path": "members[value eq \"{ada}\"]" }]))
                .members(&["{bob}"])
                .sees("/Users/{bob}", "/groups/0/value", json!("{sales}"))
                .lacks("/Users/{ada}", "/groups/0"),
            row("is somebody a member: a question of two conditions")
                .finds("/Groups", "id eq \"{sales}\" and members eq \"{ada}\"", &["{sales}"])
                .finds("/Groups", "id eq \"{sales}\" and members eq \"{mia}\"", &[])
                .finds("/Groups", "id eq \"{sales}\" and members.value eq \"{bob}\"", &["{sales}"]),
            row("members several times in one request: remove, add, replace")
                .patch("/Groups/{sales}", json!([
                    { "op": "remove", "path": "members[value eq \"{ada}\"]" },
                    { "op": "add", "path": "members", "value": [{ "value": "{ada}" }] },
                    { "op": "replace", "path": "members", "value": [{
                        "value": "{mia}" }, { "value": "{bob}" }] },
                ]))
                .members(&["{mia}", "{bob}"]),
            row("several members in one request, in both dialects")
                .patch("/Groups/{sales}", json!([{ "op": "Remove", "path": "members", "value": [
                    { "$ref": null, "value": "{ada}" }, { "$ref": null, "value": "{bob}" }] }]))
                .members(&[])
                .patch("/Groups/{sales}", json!([{ "op": "add", "path": "members", "value": [
                    { "value": "{ada}" }, { "value": "{mia}" }] }]))
                .members(&["{ada}", "{mia}"]),
            row("replaced by null: nobody")
                .patch("/Groups/{sales}",
                    json!([{ "op": "Replace", "path": "members", "value": null }]))
                .members(&[]),
            row("delete, twice; one that never was")
                .delete("/Groups/{sales}")
                .refused(Method::GET, "/Groups/{sales}", None, 404, None)
                .refused(Method::DELETE, "/Groups/{sales}", None, 404, None)
                .refused(Method::DELETE,
                    "/Groups/5d2c9e10-77b4-4f7e-93a8-0c41de6f2b19", None, 404, None)
                .lacks("/Users/{ada}", "/groups/0"),
        ]
    })
    .await;
}

/// The ways in which Entra writes roles.
///
/// Also L-07.
#[tokio::test(flavor = "multi_thread")]
async fn l_02_roles_in_every_mapping() {
    both(|| {
        let document =
            |role: &str| json!({ "id": "c5a1", "value": role, "displayName": role }).to_string();
        let who = |says, operations| row(says).patch("/Users/{ada}", operations);
        vec![
            who(
                "one role: by what is primary",
                json!([{ "op": "Add", "path": "roles[primary eq \"True\"].value",
                    "value": "Admin" }]),
            )
            .ada("/roles/0/value", json!("Admin"))
            .patch(
                "/Users/{ada}",
                json!([{ "op": "Replace", "path": "roles[primary eq \"True\"].value",
                "value": "Analyst" }]),
            )
            .ada("/roles/0/value", json!("Analyst"))
            .ada_without("/roles/1"),
            row("one role, in a create")
                .post(
                    "/Users",
                    json!({ "schemas": [CORE], "userName": "new{n}", "roles": [{ "primary": true,
                    "type": "WindowsAzureActiveDirectoryRole", "value": "Admin" }] }),
                )
                .answers("/roles/0/value", json!("Admin"))
                .answers("/roles/0/type", json!("WindowsAzureActiveDirectoryRole")),
            row("several, in a create: `displayName` for `display`, nothing primary")
                .post(
                    "/Users",
                    json!({ "schemas": [CORE], "userName": "new{n}", "roles": [
                    { "primary": false, "value": "Admin", "displayName": "The admins" },
                    { "primary": false, "value": "Analyst", "displayName": "The analysts" }] }),
                )
                .answers("/roles/1/value", json!("Analyst"))
                .answers("/roles/0/display", json!("The admins")),
            who(
                "several, by PATCH: a JSON document inside a string",
                json!([{ "op": "Add", "path": "roles", "value": [{
                    "value": document("Admin") }] }]),
            )
            .ada("/roles/0/value", json!("Admin"))
            .patch(
                "/Users/{ada}",
                json!([{ "op": "Add", "path": "roles", "value": [{
                    "value": document("Analyst") }] }]),
            )
            .finds("/Users", "id eq \"{ada}\" and roles.value eq \"Admin\"", &["{ada}"])
            .finds(
                "/Users",
                "id eq \"{ada}\" and roles.value eq \"Analyst\"",
                &["{ada}"],
            ),
            row("all of them, replaced: the others go")
                .given(json!({ "roles": [{ "value": "Business User" }] }))
                .patch(
                    "/Users/{ada}",
                    json!([{ "op": "replace", "path": "roles",
                    "value": [{ "value": document("Admin") }] }]),
                )
                .ada("/roles/0/value", json!("Admin"))
                .ada_without("/roles/1"),
        ]
    })
    .await;
}

/// The old spelling with a dot between the extension's URN and its attribute is applied or
/// refused, never answered with success and without effect.
#[tokio::test(flavor = "multi_thread")]
async fn l_03_an_urn_and_its_attribute_joined_by_a_dot() {
    both(|| {
        vec![
            row("the manager")
                .patch(
                    "/Users/{ada}",
                    json!([{ "op": "Add", "path": format!("{ENTERPRISE}.manager"),
                        "value": "{mia}" }]),
                )
                .ada(&enterprise("manager/value"), json!("{mia}")),
            row("in an object of paths")
                .patch(
                    "/Users/{ada}",
                    json!([{ "op": "replace", "value": {
                    format!("{ENTERPRISE}.department"): "D", "title": "T" } }]),
                )
                .ada(&enterprise("department"), json!("D"))
                .ada("/title", json!("T")),
        ]
    })
    .await;
}

/// Every attribute that Entra maps is in `/Schemas`, which says nothing with a null and spells its
/// keywords as RFC 7643 §7 does; a group is there.
///
/// Also R-7644-4-03.
#[tokio::test(flavor = "multi_thread")]
async fn r_7643_7_09_schemas_hold_every_mapped_attribute() {
    let app = TestApp::start().await;
    let list = app.idp().get("/Schemas").await.expect(200).body;
    let mut known = BTreeSet::new();
    for schema in list["Resources"].as_array().unwrap() {
        let id = schema["id"].as_str().unwrap();
        let prefix = if id == ENTERPRISE { format!("{ENTERPRISE}:") } else { String::new() };
        for attribute in schema["attributes"].as_array().unwrap() {
            let name = format!("{prefix}{}", attribute["name"].as_str().unwrap());
            for sub in attribute["subAttributes"].as_array().into_iter().flatten() {
                known.insert(format!("{name}.{}", sub["name"].as_str().unwrap()));
            }
            known.insert(name);
        }
    }
    let mapped = paths().into_iter().chain(
        ["userName", "active", "externalId", "roles[primary eq \"True\"].value", "members.value"]
            .map(str::to_owned),
    );
    for path in mapped.chain([format!("{ENTERPRISE}:manager.value")]) {
        let flat = match (path.find('['), path.find(']')) {
            (Some(open), Some(close)) => format!("{}{}", &path[..open], &path[close + 1..]),
            _ => path,
        };
        // RFC 7643 §3.1 has `externalId` beside the schemas, not in them.
        assert!(known.contains(&flat) || flat == "externalId", "{flat} is not in /Schemas");
    }
    no_nulls(&list);
}

fn no_nulls(value: &Value) {
    match value {
        Value::Object(object) => {
            for (name, value) in object {
                assert!(!value.is_null(), "`{name}` is null");
                let allowed: &[&str] = match name.as_str() {
                    "mutability" => &["readOnly", "readWrite", "immutable", "writeOnly"],
                    "returned" => &["always", "never", "default", "request"],
                    "uniqueness" => &["none", "server", "global"],
                    _ => &[],
                };
                if let (false, Some(word)) = (allowed.is_empty(), value.as_str()) {
                    assert!(allowed.contains(&word), "`{name}` is `{word}`");
                }
                no_nulls(value);
            }
        }
        Value::Array(values) => values.iter().for_each(no_nulls),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// The gallery's null update: every optional mapping as an empty text, then as null, by the same
/// paths. The second finds the elements of the first gone, and succeeds all the same.
#[tokio::test(flavor = "multi_thread")]
async fn l_13_the_gallerys_null_update() {
    let app = TestApp::start().await;
    for (idp, name) in [(app.idp(), "a@kemp.test"), (app.connector("entra").await, "b@kemp.test")] {
        let one = format!("/Users/{}", idp.post("/Users", whole(name)).await.expect(201).id());
        for value in [json!(""), Value::Null] {
            let operations = paths()
                .iter()
                .map(|path| json!({ "op": "Replace", "path": path, "value": value }))
                .collect();
            changed(&idp, &one, operations).await;
            let user = idp.get(&one).await.expect(200).body;
            for path in paths() {
                let shown = shown(&user, &path);
                assert!(shown.iter().all(String::is_empty), "{path}: {shown:?} after {value}");
                if value.is_null() {
                    assert_eq!(shown, Vec::<String>::new(), "{path}: {user:#}");
                }
            }
            assert_eq!(user["userName"], name);
            assert_eq!(user["active"], true);
        }
    }
}

/// Lists of eleven and more by fives: what is asked for is what comes, and each once.
///
/// Also R-7644-3.4.2.4-02, R-7644-3.4.2.4-05.
#[tokio::test(flavor = "multi_thread")]
async fn r_7644_3_4_2_4_04_the_gallerys_pagination() {
    let app = TestApp::start().await;
    let idp = app.idp();
    for n in 0..13 {
        idp.post("/Users", json!({ "schemas": [CORE], "userName": format!("u{n}") }))
            .await
            .expect(201);
        idp.post("/Groups", json!({ "schemas": [GROUP], "displayName": format!("g{n}") }))
            .await
            .expect(201);
    }
    for path in ["/Users", "/Groups"] {
        let mut seen = BTreeSet::new();
        for page in 0..3 {
            let start = page * 5 + 1;
            let list =
                idp.get(&format!("{path}?startIndex={start}&count=5")).await.expect(200).body;
            assert_eq!(list["startIndex"], start, "{list:#}");
            assert_eq!(list["totalResults"], 13, "{list:#}");
            let found = list["Resources"].as_array().unwrap();
            assert_eq!(list["itemsPerPage"], found.len(), "{list:#}");
            assert_eq!(found.len(), if page < 2 { 5 } else { 3 });
            for found in found {
                assert!(seen.insert(found["id"].as_str().unwrap().to_owned()), "twice: {found}");
            }
        }
    }
}

/// Restore: unassigned, gone, assigned again and back; and after a deletion the same names make
/// another account, with an id that was never used.
#[tokio::test(flavor = "multi_thread")]
async fn l_18_the_gallerys_restore() {
    let app = TestApp::start().await;
    let idp = app.connector("entra").await;
    let name = "Restored@kemp.test";
    let body = whole(name);
    let first = idp.post("/Users", body.clone()).await.expect(201).id();
    let one = format!("/Users/{first}");
    let switch = |value| json!([{ "op": "Replace", "path": "active", "value": value }]);
    changed(&idp, &one, switch("False")).await;
    let filter = encoded(&format!("userName eq \"{name}\""));
    let found = idp.get(&format!("/Users?filter={filter}")).await.expect(200).body;
    assert_eq!(found["Resources"][0]["id"], first.as_str());
    assert_eq!(found["Resources"][0]["active"], false);
    changed(&idp, &one, switch("True")).await;
    idp.delete(&one).await.expect(204);
    idp.get(&one).await.expect(404);
    let second = idp.post("/Users", body).await.expect(201);
    assert_ne!(second.id(), first);
    assert_eq!(second.body["externalId"], format!("external of {name}"));
    idp.get(&one).await.expect(404);
}

/// Microsoft's older collections: odd cases, seven digits of a second, the year 1, an index of 0.
///
/// Also R-7644-3.4.2.2-07, R-7644-3.4.2.4-01.
#[tokio::test(flavor = "multi_thread")]
async fn r_7644_3_4_2_2_01_older_collections_ask_by_date() {
    let app = TestApp::start().await;
    let idp = app.idp();
    for (name, active) in [("ada", true), ("bob", false)] {
        idp.post("/Users", json!({ "schemas": [CORE], "userName": name, "active": active }))
            .await
            .expect(201);
    }
    let names = async |filter: &str, rest: &str| {
        let path = format!("/Users?filter={}{rest}", encoded(filter));
        let list = idp.get(&path).await.expect(200).body;
        let found = list["Resources"].as_array().unwrap().clone();
        found.iter().map(|user| user["userName"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let inbound = r#"active eq true and (meta.lastModified ge "0001-01-03T00:00:00.0000000Z" and meta.lastModified le "2026-01-01T00:00:00.1234567Z")"#;
    assert_eq!(names(inbound, "&count=5&startIndex=1").await, ["ada"]);
    assert_eq!(names(inbound, "&count=5&startIndex=0").await, ["ada"]);
    let delta = r#"(ActiVe eq true) and meta.lastmodified ge "2025-12-31T23:59:59.9999999Z""#;
    assert_eq!(names(delta, "").await, ["ada"]);
    let later = r#"(ActiVe eq true) and meta.lastmodified ge "2026-01-01T00:00:00.0000001Z""#;
    assert_eq!(names(later, "").await, Vec::<String>::new());
}

/// Many memberships at the same time, in both dialects: nobody is lost.
#[tokio::test(flavor = "multi_thread")]
async fn l_04_members_of_one_group_change_at_the_same_time() {
    let app = TestApp::start().await;
    let idp = app.connector("entra").await;
    let mut ids = Vec::new();
    for n in 0..40 {
        let body = json!({ "schemas": [CORE], "userName": format!("u{n}") });
        ids.push(idp.post("/Users", body).await.expect(201).id());
    }
    let (stay, leave) = ids.split_at(20);
    let body = json!({ "schemas": [GROUP], "displayName": "Busy",
        "members": leave.iter().map(|id| json!({ "value": id })).collect::<Value>() });
    let group = format!("/Groups/{}", idp.post("/Groups", body).await.expect(201).id());
    let mut going = Vec::new();
    for (n, (stays, leaves)) in stay.iter().zip(leave).enumerate() {
        let remove = match n % 2 {
            0 => {
                json!({ "op": "Remove", "path": "members", "value": [{ "$ref": null,
                    "value": leaves }] })
            }
            _ => json!({ "op": "remove", "path": format!("members[value eq \"{leaves}\"]") }),
        };
        for operation in
            [remove, json!({ "op": "Add", "path": "members", "value": [{ "value": stays }] })]
        {
            let (idp, group) = (idp.clone(), group.clone());
            going
                .push(tokio::spawn(async move { changed(&idp, &group, json!([operation])).await }));
        }
    }
    for going in going {
        going.await.unwrap();
    }
    let group = idp.get(&group).await.expect(200).body;
    let left: BTreeSet<&str> =
        group["members"].as_array().unwrap().iter().map(|m| m["value"].as_str().unwrap()).collect();
    assert_eq!(left, stay.iter().map(String::as_str).collect());
    assert_eq!(group["members"].as_array().unwrap().len(), 20);
}

/// Every answer says that it is SCIM, refusals of any kind too.
#[tokio::test(flavor = "multi_thread")]
async fn r_7644_3_12_02_every_answer_is_scim() {
    let app = TestApp::start().await;
    let idp = app.connector("entra").await;
    let wrong = idp.with_key("acme:wrong");
    let user = json!({ "schemas": [CORE], "userName": "ada" });
    let mut replies = vec![idp.post("/Users", user.clone()).await.expect(201)];
    let one = format!("/Users/{}", replies[0].id());
    replies.push(idp.post("/Users", user).await.expect(409));
    replies.push(idp.get(&one).await.expect(200));
    replies.push(idp.get("/Users?filter=broken").await.expect(400));
    replies.push(idp.get("/Users/none").await.expect(404));
    replies.push(idp.get("/nothing").await.expect(404));
    replies.push(wrong.get("/Users").await.expect(401));
    replies.push(idp.get("/Schemas").await.expect(200));
    let operations = json!([{ "op": "Replace", "path": "title", "value": "T" }]);
    replies.push(idp.patch(&one, patch(operations)).await.expect(200));
    replies.push(idp.put(&one, Value::Object(Map::new())).await.expect(400));
    for reply in replies {
        assert!(reply.header("content-type").starts_with("application/scim+json"), "{reply}");
    }
}
