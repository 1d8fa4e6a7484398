//! Discovery (RFC 7643 §5 to §7, RFC 7644 §4).

use reqwest::Method;
use serde_json::{Value, json};
use testkit::app::TestApp;

use super::*;

const CONFIG: &str = "urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig";
const TYPE: &str = "urn:ietf:params:scim:schemas:core:2.0:ResourceType";
const SCHEMA: &str = "urn:ietf:params:scim:schemas:core:2.0:Schema";

async fn listed(idp: &Client, path: &str) -> Vec<Value> {
    let list = idp.get(path).await.expect(200).body;
    assert_eq!(list["schemas"], json!([LIST]), "{list}");
    let all = list["Resources"].as_array().unwrap().clone();
    assert_eq!(list["totalResults"], all.len(), "{list}");
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn r_7644_4_01_the_discovery_endpoints_answer() {
    let app = TestApp::start().await;
    let idp = app.idp();
    let config = idp.get("/ServiceProviderConfig").await.expect(200);
    assert_eq!(config.body["schemas"], json!([CONFIG]));
    for one in listed(&idp, "/ResourceTypes").await {
        assert_eq!(one["schemas"], json!([TYPE]));
        let path = format!("/ResourceTypes/{}", one["id"].as_str().unwrap());
        assert_eq!(idp.get(&path).await.expect(200).body, one);
    }
    for one in listed(&idp, "/Schemas").await {
        let urn = one["id"].as_str().unwrap();
        for urn in [urn.to_owned(), urn.to_uppercase(), urn.to_lowercase()] {
            let single = idp.get(&format!("/Schemas/{urn}")).await.expect(200);
            assert_eq!(single.body, one);
        }
    }
    for path in
        ["/ResourceTypes/Device", "/Schemas/urn:x", "/Schemas/User", "/ResourceTypes/User/x"]
    {
        refused(idp.get(path).await, 404, "");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn r_7644_4_02_they_are_neither_sorted_nor_paged_nor_filtered() {
    let app = TestApp::start().await;
    let idp = app.idp();
    for path in ["/ResourceTypes", "/Schemas", "/ServiceProviderConfig"] {
        let whole = idp.get(path).await.expect(200);
        let query = "?sortBy=id&sortOrder=descending&startIndex=2&count=1&cursor=";
        assert_eq!(idp.get(&format!("{path}{query}")).await.expect(200).body, whole.body);
        refused(filtered(&idp, path, "id pr").await, 403, "");
    }
    refused(filtered(&idp, "/Schemas/urn:x", "id pr").await, 403, "");
}

/// What they say about this server is what it does: each claim is tried.
#[tokio::test(flavor = "multi_thread")]
async fn r_7644_4_03_they_tell_the_truth_about_features_and_limits() {
    let app = TestApp::start().await;
    let idp = app.idp();
    let config = idp.get("/ServiceProviderConfig").await.expect(200).body;
    let is_on = |feature: &str| config[feature]["supported"] == true;
    let ada = idp.post("/Users", user("ada", json!({ "title": "b" }))).await.expect(201);
    let bob = idp.post("/Users", user("bob", json!({ "title": "a" }))).await.expect(201);
    let patched = idp.patch(&at(&ada), one("replace", "title", json!("c"))).await;
    assert_eq!(is_on("patch"), patched.status == 200);
    let sorted = idp.get("/Users?sortBy=title").await;
    assert_eq!(is_on("sort"), sorted.status == 200 && names(&sorted) == ["bob", "ada"]);
    assert_eq!(is_on("filter"), found(&idp, "title eq \"c\"").await == ["ada"]);
    let stale = [("if-match", "W/\"1\"")];
    let body = user("bob", json!({})).to_string().into_bytes();
    let conditional = idp.send(Method::PUT, &at(&bob), &stale, Some(body)).await;
    assert_eq!(is_on("etag"), !bob.header("etag").is_empty() && conditional.status == 412);
    let pages = &config["pagination"];
    assert_eq!(pages["index"], true);
    let first = idp.get("/Users?cursor&count=1").await;
    assert_eq!(pages["cursor"] == true, first.body.get("nextCursor").is_some(), "{first}");
    let bulk = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
        "Operations": [{ "method": "DELETE", "path": at(&bob) }],
    });
    let bulk = idp.post("/Bulk", bulk).await;
    assert_eq!(bulk.status, if is_on("bulk") { 200 } else { 501 }, "{bulk}");
    assert_eq!(is_on("bulk"), config["bulk"]["maxOperations"].as_u64().unwrap() > 0);
    assert!(!is_on("changePassword"));
}

/// The most resources that a page has, as it is told and as it is.
#[tokio::test(flavor = "multi_thread")]
async fn r_7644_4_03_they_tell_the_truth_about_pages() {
    let app = TestApp::start().await;
    let idp = app.idp();
    let config = idp.get("/ServiceProviderConfig").await.expect(200).body;
    let usual = config["pagination"]["defaultPageSize"].as_u64().unwrap();
    let most = config["pagination"]["maxPageSize"].as_u64().unwrap();
    assert_eq!(config["filter"]["maxResults"], most);
    let adding = (0..=most).map(|number| {
        let idp = idp.clone();
        tokio::spawn(async move {
            idp.post("/Users", user(&format!("u{number}"), json!({}))).await.expect(201);
        })
    });
    for added in adding.collect::<Vec<_>>() {
        added.await.unwrap();
    }
    for (query, expected) in [("", usual), ("?count=1000000", most), ("?count=7", 7)] {
        let page = idp.get(&format!("/Users{query}")).await.expect(200).body;
        assert_eq!(page["itemsPerPage"], expected, "{query}");
        assert_eq!(page["totalResults"], most + 1);
    }
}

/// Every attribute in an answer is in a schema, in that spelling and with that type; and each that a
/// schema calls readOnly cannot be written, each that it calls required must be.
#[tokio::test(flavor = "multi_thread")]
async fn r_7644_4_03_they_tell_the_truth_about_attributes() {
    let app = TestApp::start().await;
    extend(&app, false, json!([{ "name": "state", "mutability": "readOnly" }])).await.unwrap();
    let idp = app.idp();
    let boss = idp.post("/Users", user("boss", json!({ "displayName": "B" }))).await.expect(201);
    let more = json!({
        "externalId": "e", "name": { "givenName": "g" }, "profileUrl": "https://x.test/",
        "emails": [{ "value": "a@x.test", "primary": true }], "roles": [{ "value": "Admin" }],
        ENTERPRISE: { "manager": { "value": boss.id() } },
    });
    let ada = idp.post("/Users", user("ada", more)).await.expect(201);
    let team = idp.post("/Groups", group("Team", &[&ada.id()])).await.expect(201);
    let ada = idp.get(&at(&ada)).await.expect(200);
    let schemas = listed(&idp, "/Schemas").await;
    let attributes = |urn: &str| {
        let schema = schemas.iter().find(|schema| schema["id"] == urn).unwrap();
        schema["attributes"].as_array().unwrap().clone()
    };
    for (resource, core) in [(&ada.body, CORE), (&team.body, GROUP)] {
        for (name, value) in resource.as_object().unwrap() {
            if ["schemas", "id", "externalId", "meta"].contains(&name.as_str()) {
                continue;
            }
            if name.starts_with("urn:") {
                for (name, value) in value.as_object().unwrap() {
                    described(&attributes(resource["schemas"][1].as_str().unwrap()), name, value);
                }
            } else {
                described(&attributes(core), name, value);
            }
        }
    }
    for urn in [CORE, ENTERPRISE, OWN] {
        for attribute in attributes(urn) {
            let name = attribute["name"].as_str().unwrap();
            let path = format!("{urn}:{name}");
            let removed = idp.patch(&at(&ada), one("remove", &path, Value::Null)).await;
            let is_kept = attribute["mutability"] == "readOnly" || attribute["required"] == true;
            assert_eq!(removed.status == 400, is_kept, "{attribute}: {removed}");
        }
    }
}

/// That a value is as its attribute is described.
fn described(attributes: &[Value], name: &str, value: &Value) {
    let attribute = attributes.iter().find(|attribute| attribute["name"] == name);
    let attribute = attribute.unwrap_or_else(|| panic!("`{name}` is in no schema"));
    assert_eq!(attribute["multiValued"] == true, value.is_array(), "{attribute}: {value}");
    let values = value.as_array().cloned().unwrap_or_else(|| vec![value.clone()]);
    for value in values {
        let fits = match attribute["type"].as_str().unwrap() {
            "string" | "reference" | "binary" | "dateTime" => value.is_string(),
            "boolean" => value.is_boolean(),
            "complex" => value.is_object(),
            _ => value.is_number(),
        };
        assert!(fits, "{attribute}: {value}");
        for (sub, inner) in value.as_object().into_iter().flatten() {
            described(attribute["subAttributes"].as_array().unwrap(), sub, inner);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn r_7644_4_04_nothing_is_written_there() {
    let app = TestApp::start().await;
    let idp = app.idp();
    let one_schema = format!("/Schemas/{CORE}");
    for path in [
        "/ServiceProviderConfig",
        "/ResourceTypes",
        "/ResourceTypes/User",
        "/Schemas",
        one_schema.as_str(),
    ] {
        for method in [Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
            let body = (method != Method::DELETE).then(|| b"{}".to_vec());
            let reply = idp.send(method, path, &[], body).await;
            let reply = refused(reply, 405, "");
            let allowed: Vec<&str> = reply.header("allow").split(", ").collect();
            assert!(allowed.contains(&"GET") && !allowed.contains(&"POST"), "{reply}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn r_7644_3_1_01_the_schemas_of_messages_are_not_listed() {
    let app = TestApp::start().await;
    let idp = app.idp();
    for schema in listed(&idp, "/Schemas").await {
        let urn = schema["id"].as_str().unwrap();
        assert!(!urn.starts_with("urn:ietf:params:scim:api:"), "{urn}");
    }
    idp.get(&format!("/Schemas/{PATCH}")).await.expect(404);
}

#[tokio::test(flavor = "multi_thread")]
async fn r_7643_5_01_the_configuration_says_what_is_supported() {
    let app = TestApp::start().await;
    let config = app.idp().get("/ServiceProviderConfig").await.expect(200).body;
    for feature in ["patch", "bulk", "filter", "changePassword", "sort", "etag"] {
        assert!(config[feature]["supported"].is_boolean(), "{feature}: {config:#}");
    }
    assert!(config["bulk"]["maxOperations"].is_u64() && config["bulk"]["maxPayloadSize"].is_u64());
    assert!(config["filter"]["maxResults"].is_u64());
    let schemes = config["authenticationSchemes"].as_array().unwrap();
    assert!(!schemes.is_empty());
    for scheme in schemes {
        for key in ["type", "name", "description"] {
            assert!(!scheme[key].as_str().unwrap().is_empty(), "{scheme}");
        }
    }
    assert_eq!(schemes[0]["type"], "oauthbearertoken");
    assert_eq!(config["meta"]["resourceType"], "ServiceProviderConfig");
}

#[tokio::test(flavor = "multi_thread")]
async fn r_7643_5_02_the_configuration_is_public_and_nothing_else() {
    let app = TestApp::start().await;
    let anyone = app.stranger(None);
    let open = anyone.get("/scim/acme/v2/ServiceProviderConfig").await.expect(200);
    assert_eq!(open.body, app.idp().get("/ServiceProviderConfig").await.expect(200).body);
    for path in ["Schemas", "ResourceTypes", "ResourceTypes/User", "Users"] {
        refused(anyone.get(&format!("/scim/acme/v2/{path}")).await, 401, "");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn r_7643_6_02_resource_types_name_their_resources_and_schemas() {
    let app = TestApp::start().await;
    extend(&app, false, json!([{ "name": "colour" }])).await.unwrap();
    let idp = app.idp();
    idp.post("/Users", user("ada", json!({}))).await.expect(201);
    idp.post("/Groups", group("Team", &[])).await.expect(201);
    let schemas = listed(&idp, "/Schemas").await;
    let is_listed = |urn: &Value| schemas.iter().any(|schema| schema["id"] == *urn);
    let types = listed(&idp, "/ResourceTypes").await;
    assert!(["User", "Group"].iter().all(|name| types.iter().any(|one| one["name"] == *name)));
    for one in &types {
        assert_eq!(one["id"], one["name"]);
        assert!(one["endpoint"].as_str().unwrap().starts_with('/'));
        assert!(is_listed(&one["schema"]), "{one}");
        for extension in one["schemaExtensions"].as_array().into_iter().flatten() {
            assert!(is_listed(&extension["schema"]), "{extension}");
            assert!(extension["required"].is_boolean(), "{extension}");
        }
        let list = idp.get(one["endpoint"].as_str().unwrap()).await.expect(200).body;
        let found = list["Resources"].as_array().unwrap();
        assert!(!found.is_empty(), "{one}");
        for resource in found {
            assert_eq!(resource["meta"]["resourceType"], one["name"]);
            assert_eq!(resource["schemas"][0], one["schema"]);
        }
    }
    let own = json!({ "schema": OWN, "required": false });
    let user = types.iter().find(|one| one["name"] == "User").unwrap();
    assert!(user["schemaExtensions"].as_array().unwrap().contains(&own), "{user}");
}

#[tokio::test(flavor = "multi_thread")]
async fn r_7643_7_08_schemas_are_resources_of_their_own() {
    let app = TestApp::start().await;
    extend(&app, false, json!([{ "name": "colour" }])).await.unwrap();
    let idp = app.idp();
    let schemas = listed(&idp, "/Schemas").await;
    for urn in [CORE, GROUP, ENTERPRISE, OWN] {
        assert!(schemas.iter().any(|schema| schema["id"] == urn), "{urn}");
    }
    for schema in &schemas {
        assert_eq!(schema["schemas"], json!([SCHEMA]));
        assert_eq!(schema["meta"]["resourceType"], "Schema");
        let location =
            format!("{}/scim/acme/v2/Schemas/{}", app.url, schema["id"].as_str().unwrap());
        assert_eq!(schema["meta"]["location"], location);
        for attribute in schema["attributes"].as_array().unwrap() {
            let subs = attribute["subAttributes"].as_array();
            assert_eq!(attribute["type"] == "complex", subs.is_some_and(|subs| !subs.is_empty()));
        }
    }
}

/// What is served and what is checked cannot differ: for every attribute that is served as a text, a
/// boolean or an object, a value of another type is refused. `scim` makes both from one document.
#[tokio::test(flavor = "multi_thread")]
async fn r_7643_7_09_what_is_served_is_what_is_checked() {
    let app = TestApp::start().await;
    extend(&app, false, json!([{ "name": "colour" }, { "name": "floor", "type": "integer" }]))
        .await
        .unwrap();
    let idp = app.idp();
    let mut tried = 0;
    for (urn, prefix) in [(CORE, None), (ENTERPRISE, Some(ENTERPRISE)), (OWN, Some(OWN))] {
        let schema = idp.get(&format!("/Schemas/{urn}")).await.expect(200).body;
        assert!(!schema.to_string().contains("null"), "{schema}");
        for attribute in schema["attributes"].as_array().unwrap() {
            if attribute["mutability"] == "readOnly" {
                continue;
            }
            let wrong = match attribute["type"].as_str().unwrap() {
                "string" | "reference" | "binary" | "dateTime" => json!(5),
                "boolean" => json!("perhaps"),
                "complex" => json!(5),
                _ => json!("five"),
            };
            let name = attribute["name"].as_str().unwrap();
            let wrong = if attribute["multiValued"] == true { json!([wrong]) } else { wrong };
            let more = match prefix {
                None => json!({ name: wrong }),
                Some(urn) => json!({ urn: { name: wrong } }),
            };
            bad(idp.post("/Users", user("ada", more)).await, "invalidValue");
            tried += 1;
        }
    }
    assert!(tried > 25, "only {tried} attributes");
}
