//! `/Roles` and `/Entitlements`: what a tenant's roles look like to identity providers that ask for them.

use serde_json::{Value, json};
use testkit::app::{Client, TestApp};

use crate::messages::CORE;

const ROLE: &str = "urn:ietf:params:scim:schemas:core:2.0:Role";
const ENTITLEMENT: &str = "urn:ietf:params:scim:schemas:core:2.0:Entitlement";
const OKTA: &str = "urn:okta:scim:schemas:core:1.0:Role";

/// Acme with a connector that publishes roles in this form.
async fn publishing(form: &str) -> (TestApp, Client) {
    let app = TestApp::start().await;
    let body = json!({ "name": "catalogue", "preset": "generic", "catalogue": form });
    let added = app.operator().post("/tenants/acme/connectors", body).await.expect(201);
    let idp = app.idp().with_key(added.body["apiKey"].as_str().unwrap());
    (app, idp)
}

async fn user(idp: &Client, name: &str, roles: &[&str], status: u16) -> Value {
    let roles: Vec<Value> = roles.iter().map(|role| json!({ "value": role })).collect();
    let body = json!({ "schemas": [CORE], "userName": name, "roles": roles });
    idp.post("/Users", body).await.expect(status).body
}

fn names(list: &Value, attribute: &str) -> Vec<String> {
    let all = list["Resources"].as_array().unwrap();
    all.iter().map(|one| one[attribute].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn c_role_01_roles_are_published_only_where_the_connector_says_so() {
    let app = TestApp::start().await;
    for path in
        ["/Roles", "/Entitlements", "/Roles/1", &format!("/Schemas/{ROLE}"), "/ResourceTypes/Role"]
    {
        app.idp().get(path).await.expect(404);
    }
    let config = app.idp().get("/ServiceProviderConfig").await.expect(200).body;
    assert!(config["RolesAndEntitlements"].is_null());
    let (_app, idp) = publishing("draft").await;
    idp.get("/Roles").await.expect(200);
    for reply in [
        idp.post("/Roles", json!({ "schemas": [ROLE], "value": "X" })).await,
        idp.delete("/Roles/1").await,
    ] {
        assert_eq!(reply.expect(405).header("allow"), "GET, HEAD");
    }
}

#[tokio::test]
async fn c_role_02_the_types_schemas_and_flags_are_published() {
    let (_app, idp) = publishing("draft").await;
    let types = idp.get("/ResourceTypes").await.expect(200).body;
    assert_eq!(names(&types, "id"), ["User", "Group", "Role", "Entitlement"]);
    for urn in [ROLE, ENTITLEMENT] {
        let schema = idp.get(&format!("/Schemas/{urn}")).await.expect(200).body;
        let attributes = schema["attributes"].as_array().unwrap();
        assert!(
            attributes.iter().all(|attribute| attribute["mutability"] == "readOnly"),
            "{schema}"
        );
    }
    let config = idp.get("/ServiceProviderConfig").await.expect(200).body;
    let both = &config["RolesAndEntitlements"];
    assert_eq!(both["roles"]["supported"], true);
    assert_eq!(both["roles"]["multipleRolesSupported"], true);
    assert_eq!(both["entitlements"]["supported"], false);
    let none = idp.get("/Entitlements").await.expect(200).body;
    assert_eq!((&none["totalResults"], &none["Resources"]), (&json!(0), &json!([])));
    idp.get("/Entitlements/1").await.expect(404);
}

/// Seen to fail with the count of holders not going down when a role is revoked.
#[tokio::test]
async fn c_role_03_each_role_says_what_it_is_and_how_many_have_it() {
    let (app, idp) = publishing("draft").await;
    let jane = user(&idp, "jane", &["Admin", "Analyst"], 201).await;
    user(&idp, "joe", &["Admin"], 201).await;
    let used = async |role: &str| {
        let found = idp.get(&format!("/Roles?filter=value+eq+%22{role}%22")).await.expect(200).body;
        assert_eq!(found["totalResults"], 1);
        found["Resources"][0].clone()
    };
    let admin = used("Admin").await;
    assert_eq!(admin["schemas"], json!([ROLE]));
    assert_eq!(admin["meta"]["resourceType"], "Role");
    assert_eq!(
        [&admin["display"], &admin["supported"], &admin["limitedAssignmentsPermitted"]],
        [&json!("Admin"), &json!(true), &json!(false)]
    );
    assert_eq!(admin["totalAssignmentsUsed"], 2);
    let one = idp.get(&format!("/Roles/{}", admin["id"].as_str().unwrap())).await.expect(200);
    assert_eq!(one.body, admin);
    assert_eq!(one.header("location"), admin["meta"]["location"].as_str().unwrap());

    app.operator().put("/tenants/acme/users/joe/roles/Analyst", Value::Null).await.expect(200);
    assert_eq!(used("Analyst").await["totalAssignmentsUsed"], 2);
    idp.delete(&format!("/Users/{}", jane["id"].as_str().unwrap())).await.expect(204);
    assert_eq!(used("Admin").await["totalAssignmentsUsed"], 1);
    app.operator().delete("/tenants/acme/roles/Analyst").await.expect(200);
    let analyst = used("Analyst").await;
    assert_eq!(
        (&analyst["supported"], &analyst["totalAssignmentsUsed"]),
        (&json!(false), &json!(1))
    );

    let sorted = idp.get("/Roles?sortBy=value&sortOrder=descending&count=2").await.expect(200).body;
    assert_eq!(names(&sorted, "value"), ["Everyone", "Business User"]);
    assert_eq!(sorted["totalResults"], 4);
    let search = json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"],
        "filter": "meta.resourceType eq \"Role\" or userName eq \"JOE\"", "attributes": ["id"] });
    let all = idp.post("/.search", search).await.expect(200).body;
    assert_eq!(all["totalResults"], 5, "{all}");
}

#[tokio::test]
async fn c_role_04_a_role_that_is_not_published_is_refused() {
    let (app, idp) = publishing("draft").await;
    let refused = user(&idp, "jane", &["Admin", "Chief"], 400).await;
    assert_eq!(refused["scimType"], "invalidValue");
    assert!(refused["detail"].as_str().unwrap().contains("`Chief`"), "{refused}");
    // Without a published catalogue a lenient connector takes what it knows (behaviour C-07).
    let taken = user(&app.idp(), "jane", &["Admin", "Chief"], 201).await;
    assert_eq!(taken["roles"], json!([{ "value": "Admin" }]));
}

/// What Okta reads when entitlement management is on: the role's id is what it sends as `roles.value`.
#[tokio::test]
async fn okta_reads_roles_in_its_own_form() {
    let (_app, idp) = publishing("okta").await;
    let types = idp.get("/ResourceTypes").await.expect(200).body;
    let types = types["Resources"].as_array().unwrap();
    let role = types.iter().find(|one| one["schema"] == OKTA).unwrap();
    let path = format!("{}?count=1&startIndex=1", role["endpoint"].as_str().unwrap());
    let list = idp.get(&path).await.expect(200).body;
    assert_eq!(list["itemsPerPage"], 1);
    let first = &list["Resources"][0];
    assert_eq!(first["schemas"], json!([OKTA]));
    assert_eq!(first["type"], "Role");
    let id = first["id"].as_str().unwrap();
    assert_eq!(first["displayName"], id);
    let jane = user(&idp, "jane", &[id], 201).await;
    assert_eq!(jane["roles"], json!([{ "value": id }]));
    let all = idp.get("/Roles").await.expect(200).body;
    assert!(names(&all, "id").contains(&"Business User".to_owned()));
    let one = idp.get("/Roles/Business%20User").await.expect(200);
    let location = one.body["meta"]["location"].as_str().unwrap();
    assert!(location.ends_with("/Roles/Business%20User"), "{location}");
}

/// Seen to be sent as it is, which is no header.
#[tokio::test]
async fn c_role_01_the_address_of_a_role_is_one_whatever_it_is_called() {
    let (app, idp) = publishing("okta").await;
    let role = json!({ "name": "Leiter Prüfung/Ä" });
    app.operator().post("/tenants/acme/roles", role).await;
    let reply = idp.get("/Roles/Leiter%20Pr%C3%BCfung%2F%C3%84").await.expect(200);
    assert_eq!(reply.body["meta"]["location"], reply.header("location"), "{reply}");
}
