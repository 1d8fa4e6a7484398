//! What is shown of a resource where others refer to it.

use serde_json::{Value, json};
use testkit::app::TestApp;

use crate::messages::{CORE, ENTERPRISE, GROUP, patch};

/// A manager's `displayName` and a member's `display` are the `displayName` of the user there: not
/// their `userName` in its place, nor what the client claims. `/Schemas` says so: both are read-only.
///
/// Also R-7643-4.2-01.
#[tokio::test(flavor = "multi_thread")]
async fn r_7643_4_3_01_references_show_the_display_name_and_nothing_in_its_place() {
    let app = TestApp::start().await;
    let idp = app.idp();
    let boss = json!({ "schemas": [CORE], "userName": "boss@acme.com" });
    let boss = idp.post("/Users", boss).await.expect(201).id();
    let manager = json!({ "value": boss, "displayName": "claimed" });
    let jane = json!({
        "schemas": [CORE, ENTERPRISE], "userName": "jane@acme.com", ENTERPRISE: { "manager": manager },
    });
    let jane = idp.post("/Users", jane).await.expect(201).id();
    let member = json!({ "value": boss, "display": "claimed" });
    let sales = json!({ "schemas": [GROUP], "displayName": "Sales", "members": [member] });
    let sales = idp.post("/Groups", sales).await.expect(201).id();
    let shown = async || {
        let jane = idp.get(&format!("/Users/{jane}")).await.expect(200).body;
        let sales = idp.get(&format!("/Groups/{sales}")).await.expect(200).body;
        let manager = &jane[ENTERPRISE]["manager"];
        assert_eq!(manager["value"], boss);
        (manager["displayName"].clone(), sales["members"][0]["display"].clone())
    };
    assert_eq!(shown().await, (Value::Null, Value::Null));
    let operation = json!({ "op": "add", "path": "displayName", "value": "The Boss" });
    idp.patch(&format!("/Users/{boss}"), patch(json!([operation]))).await.expect(200);
    assert_eq!(shown().await, (json!("The Boss"), json!("The Boss")));

    let schema = idp.get(&format!("/Schemas/{GROUP}")).await.expect(200).body;
    let members = &schema["attributes"][1]["subAttributes"];
    let display = members.as_array().unwrap().iter().find(|sub| sub["name"] == "display").unwrap();
    assert_eq!(display["mutability"], "readOnly");
}

/// What `/Schemas` says of a user's roles is what the tenant has, and a retired one is not in it.
#[tokio::test(flavor = "multi_thread")]
async fn schemas_tell_the_roles_that_can_be_given() {
    let app = TestApp::start().await;
    let (idp, operator) = (app.idp(), app.operator());
    let told = async |idp: &testkit::app::Client| {
        let one = idp.get(&format!("/Schemas/{CORE}")).await.expect(200).body;
        let all = idp.get("/Schemas").await.expect(200).body;
        let all = all["Resources"].as_array().unwrap().iter().find(|s| s["id"] == CORE).cloned();
        assert_eq!(all.as_ref(), Some(&one));
        let named = |list: &Value, name: &str| {
            list.as_array().unwrap().iter().find(|one| one["name"] == name).unwrap().clone()
        };
        named(&named(&one["attributes"], "roles")["subAttributes"], "value")["canonicalValues"]
            .clone()
    };
    let before = told(&idp).await;
    assert!(!before.as_array().unwrap().contains(&json!("Auditor")), "{before}");
    operator.post("/tenants/acme/roles", json!({ "name": "Auditor" })).await.expect(200);
    assert!(told(&idp).await.as_array().unwrap().contains(&json!("Auditor")));
    operator.delete("/tenants/acme/roles/Auditor").await.expect(200);
    assert_eq!(told(&idp).await, before);
}
