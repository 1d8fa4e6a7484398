//! The interoperability profile (draft-zollner-scim-interop-profile), by a connector that reads by it.

use serde_json::{Value, json};
use testkit::app::TestApp;

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn i_01_discovery_is_true_to_what_is_done() {
    let app = TestApp::start().await;
    let idp = app.connector("interop").await;
    let types = idp.get("/ResourceTypes").await.expect(200).body;
    for one in types["Resources"].as_array().unwrap() {
        assert_eq!(one["id"], one["name"]);
        idp.get(one["endpoint"].as_str().unwrap()).await.expect(200);
        idp.get(&format!("/Schemas/{}", one["schema"].as_str().unwrap())).await.expect(200);
    }
    let schemas = idp.get("/Schemas").await.expect(200).body;
    for schema in schemas["Resources"].as_array().unwrap() {
        for attribute in schema["attributes"].as_array().unwrap() {
            let subs = attribute["subAttributes"].as_array().cloned().unwrap_or_default();
            for sub in subs.iter().filter(|sub| sub["name"] == "type") {
                let has_values =
                    sub["canonicalValues"].as_array().is_some_and(|all| !all.is_empty());
                // RFC 7643 names none for the types of these three.
                let is_open = ["entitlements", "roles", "x509Certificates"]
                    .iter()
                    .any(|open| attribute["name"] == *open);
                assert_ne!(has_values, is_open, "{attribute}");
            }
        }
    }
    // What is read only is not written, what is required is demanded.
    bad(idp.post("/Users", json!({ "schemas": [CORE] })).await, "invalidValue");
    let ada = idp.post("/Users", user("ada", json!({}))).await.expect(201);
    bad(idp.patch(&at(&ada), one("replace", "groups", json!([]))).await, "mutability");
}

/// Also I-04, I-03.
#[tokio::test(flavor = "multi_thread")]
async fn i_02_ids_by_the_letter_and_user_names_in_any_case() {
    let app = TestApp::start().await;
    let idp = app.connector("interop").await;
    let mut ada = idp.post("/Users", user("u", json!({}))).await.expect(201);
    // One whose id has a letter in it.
    while ada.id().to_uppercase() == ada.id() {
        idp.delete(&at(&ada)).await.expect(204);
        ada = idp.post("/Users", user("Ada", json!({ "externalId": "Ab" }))).await.expect(201);
    }
    let (id, upper) = (ada.id(), ada.id().to_uppercase());
    for (filter, count) in [
        (format!("id eq \"{id}\""), 1),
        (format!("id eq \"{upper}\""), 0),
        ("externalId eq \"Ab\"".to_owned(), 1),
        ("externalId eq \"ab\"".to_owned(), 0),
        ("userName eq \"ADA\"".to_owned(), 1),
        ("userName eq \"ADA\" and active eq true".to_owned(), 1),
        ("userName eq \"ADA\" and active eq false".to_owned(), 0),
    ] {
        assert_eq!(found(&idp, &filter).await.len(), count, "{filter}");
    }
    refused(idp.get(&format!("/Users/{upper}")).await, 404, "");
    refused(idp.post("/Users", user("ADA", json!({}))).await, 409, "uniqueness");
    idp.post("/Users", user("bob", json!({ "externalId": "ab" }))).await.expect(201);
    bad(filtered(&idp, "/Users", "shoeSize eq \"44\"").await, "invalidFilter");
    bad(filtered(&idp, "/Groups", "userName eq \"x\"").await, "invalidFilter");
    // Unknown attributes and schemas.
    for more in [json!({ "shoeSize": 44 }), json!({ "urn:x:y": { "z": 1 } })] {
        bad(idp.post("/Users", user("new", more)).await, "invalidSyntax");
    }
    for path in ["shoeSize", "name.nothing", "urn:x:y:z"] {
        bad(idp.patch(&at(&ada), one("add", path, json!("x"))).await, "invalidSyntax");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn i_05_pages_of_a_hundred_and_more() {
    let app = TestApp::start().await;
    let idp = app.connector("interop").await;
    for n in 0..105 {
        idp.post("/Users", user(&format!("u{n}"), json!({}))).await.expect(201);
    }
    for (query, items) in [
        ("", 100),
        ("?count=100", 100),
        ("?count=105", 105),
        ("?count=5000", 105),
        ("?cursor&count=104", 104),
    ] {
        let page = idp.get(&format!("/Users{query}")).await.expect(200).body;
        assert_eq!(
            [&page["itemsPerPage"], &page["totalResults"]],
            [&json!(items), &json!(105)],
            "{query}"
        );
    }
}

/// Also I-07, I-08, I-09.
#[tokio::test(flavor = "multi_thread")]
async fn i_06_patches_have_paths() {
    let app = TestApp::start().await;
    let idp = app.connector("interop").await;
    let more = json!({ "title": "T", "name": { "givenName": "G", "familyName": "F" },
        "emails": [{ "value": "w@x.test", "type": "work" }] });
    let ada = idp.post("/Users", user("ada", more)).await.expect(201);
    for op in ["add", "replace", "remove"] {
        let operation = json!([{ "op": op, "value": { "title": "U" } }]);
        bad(idp.patch(&at(&ada), patch(operation)).await, "invalidSyntax");
    }
    let brackets = "emails[type eq \"work\"]";
    bad(idp.patch(&at(&ada), one("remove", brackets, Value::Null)).await, "invalidPath");
    bad(
        idp.patch(&at(&ada), one("replace", brackets, json!({ "value": "x" }))).await,
        "invalidPath",
    );
    let mut now = ada.body.clone();
    let mut change = async |op: &str, path: &str, value: Value| {
        now = idp.patch(&at(&ada), one(op, path, value)).await.expect(200).body;
        now.clone()
    };
    let mail = change("replace", &format!("{brackets}.value"), json!("n@x.test")).await;
    assert_eq!(mail["emails"], json!([{ "value": "n@x.test", "type": "work" }]));
    for (op, title) in [("add", "A"), ("replace", "B")] {
        assert_eq!(change(op, "title", json!(title)).await["title"], title);
    }
    let added = change("add", "emails", json!([{ "value": "h@x.test" }])).await;
    assert_eq!(added["emails"].as_array().unwrap().len(), 2);
    let replaced = change("replace", "emails", json!([{ "value": "o@x.test" }])).await;
    assert_eq!(replaced["emails"], json!([{ "value": "o@x.test" }]));
    let merged = change("add", "name", json!({ "givenName": "H" })).await;
    assert_eq!(merged["name"], json!({ "givenName": "H", "familyName": "F" }));
    let whole = change("replace", "name", json!({ "givenName": "I" })).await;
    assert_eq!(whole["name"], json!({ "givenName": "I" }));
}

#[tokio::test(flavor = "multi_thread")]
async fn i_10_delete_means_delete() {
    let app = TestApp::start().await;
    let idp = app.connector("interop").await;
    let ada = idp.post("/Users", user("ada", json!({}))).await.expect(201);
    let bob = idp.post("/Users", user("bob", json!({}))).await.expect(201);
    refused(idp.post("/Users", user("ADA", json!({}))).await, 409, "uniqueness");
    refused(
        idp.patch(&at(&bob), one("replace", "userName", json!("ada"))).await,
        409,
        "uniqueness",
    );
    idp.delete(&at(&ada)).await.expect(204);
    refused(idp.get(&at(&ada)).await, 404, "");
    assert_eq!(names(&idp.get("/Users").await.expect(200)), ["bob"]);
    idp.patch(&at(&bob), one("replace", "userName", json!("ada"))).await.expect(200);
    refused(idp.post("/Users", user("ada", json!({}))).await, 409, "uniqueness");
    idp.post("/Users", user("bob", json!({}))).await.expect(201);
}
