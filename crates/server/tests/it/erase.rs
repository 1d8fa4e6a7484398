//! Erasing a person through the admin API.

use serde_json::{Value, json};
use testkit::app::TestApp;

const CORE: &str = "urn:ietf:params:scim:schemas:core:2.0:User";

fn jane() -> Value {
    json!({ "schemas": [CORE], "userName": "jane@acme.example", "displayName": "Jane Canary" })
}

fn because(reason: &str) -> Value {
    json!({ "reason": reason })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_is_erased_once_and_the_answer_says_what_is_left_to_do() {
    let app = TestApp::start().await;
    let (idp, operator) = (app.idp(), app.operator());
    let id = idp.post("/Users", jane()).await.expect(201).id();
    let path = "/tenants/acme/users/JANE@acme.example/erase";
    let dry = json!({ "reason": "request 4711", "dryRun": true });
    let planned = operator.post(path, dry).await.expect(200).body;
    assert_eq!(planned["erased"], false);
    assert_eq!((&planned["position"], &planned["deletes"]), (&Value::Null, &json!(true)));
    idp.get(&format!("/Users/{id}")).await.expect(200);

    let erased = operator.post(path, because("request 4711")).await.expect(200);
    assert_eq!(erased.body["user"], id);
    assert_eq!(erased.body["erased"], true);
    assert_eq!(erased.body["events"], planned["events"]);
    assert_eq!(erased.body["hash"], erased.header("rollbook-commit"));
    assert_eq!(erased.body["position"].to_string(), erased.header("rollbook-position"));
    assert!(erased.body["todo"].as_array().unwrap().len() > 2, "{erased}");
    idp.get(&format!("/Users/{id}")).await.expect(404);
    // The name leads nowhere any more; the id says that there is nothing to do.
    operator.post(path, because("request 4711")).await.expect(404);
    let by_id = format!("/tenants/acme/users/{id}/erase");
    let again = operator.post(&by_id, because("again")).await.expect(200);
    assert_eq!((&again.body["position"], &again.body["erased"]), (&Value::Null, &json!(true)));
}

/// What the directory has forgotten stands in the log still. Seen to catch a check of the directory alone.
#[tokio::test(flavor = "multi_thread")]
async fn a_reason_that_tells_is_refused_also_when_only_the_log_knows() {
    let app = TestApp::start().await;
    let (idp, operator) = (app.idp(), app.operator());
    let id = idp.post("/Users", jane()).await.expect(201).id();
    idp.delete(&format!("/Users/{id}")).await.expect(204);
    let path = format!("/tenants/acme/users/{id}/erase");
    for telling in ["Mrs CANARY asked", "", "jane@acme.example"] {
        let refused = operator.post(&path, because(telling)).await.expect(400);
        assert_eq!(refused.body["scimType"], "invalidValue", "{refused}");
    }
    operator.post(&path, json!({})).await.expect(400);
    operator.post(&path, because("request 4711")).await.expect(200);
    operator.post("/tenants/acme/users/nobody/erase", because("x")).await.expect(404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_two_persons_had_does_not_say_who_is_meant() {
    let app = TestApp::start().await;
    let (idp, operator) = (app.idp(), app.operator());
    let first = idp.post("/Users", jane()).await.expect(201).id();
    idp.delete(&format!("/Users/{first}")).await.expect(204);
    let second = idp.post("/Users", jane()).await.expect(201).id();
    let path = "/tenants/acme/users/jane@acme.example/erase";
    let refused = operator.post(path, because("request 1")).await.expect(409);
    let detail = refused.body["detail"].as_str().unwrap();
    assert!(detail.contains(&first) && detail.contains(&second), "{detail}");
    operator.post(&format!("/tenants/acme/users/{first}/erase"), because("1")).await.expect(200);
    // Now the name is the second's alone, and she is untouched.
    assert_eq!(
        idp.get(&format!("/Users/{second}")).await.expect(200).body["displayName"],
        "Jane Canary"
    );
    operator.post(path, because("request 2")).await.expect(200);
}

/// What others wrote is not hers to take away; the answer says where it stands.
#[tokio::test(flavor = "multi_thread")]
async fn the_answer_lists_where_the_person_is_still_named() {
    let app = TestApp::start().await;
    let (idp, operator) = (app.idp(), app.operator());
    let id = idp.post("/Users", jane()).await.expect(201).id();
    let group = |name: &str| json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": name });
    let now = idp.post("/Groups", group("Jane's team")).await.expect(201).id();
    let once = idp.post("/Groups", group("Friends of canary")).await.expect(201).id();
    let clean = idp.post("/Groups", group("Canaryland")).await.expect(201).id();
    let renamed = idp.put(&format!("/Groups/{once}"), group("Friends")).await.expect(200);
    let report = json!({
        "schemas": [CORE, "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"],
        "userName": "john@acme.example",
        // Another Jane is not meant.
        "displayName": "Jane",
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": { "manager": { "value": id } },
    });
    let john = idp.post("/Users", report).await.expect(201).id();
    let role = json!({ "name": "Deputy", "description": "stands in for Jane Canary" });
    operator.post("/tenants/acme/roles", role).await.expect(200);

    let path = format!("/tenants/acme/users/{id}/erase");
    let erased = operator.post(&path, because("request 4711")).await.expect(200);
    let stands: Vec<String> = erased.body["stands"]
        .as_array()
        .unwrap()
        .iter()
        .map(|place| {
            let position = place.get("position").map(|at| format!(" at {at}")).unwrap_or_default();
            format!("{}{position}", place["path"].as_str().unwrap())
        })
        .collect();
    let manager = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager";
    let renamed_at = renamed.header("rollbook-position");
    let created_at = renamed_at.parse::<u64>().unwrap() - 2;
    for expected in [
        format!("groups/{now}/displayName"),
        format!("users/{john}/{manager}"),
        format!("groups/{once}/displayName at {created_at}"),
        format!("groups/{once}/displayName at {renamed_at}"),
    ] {
        assert!(stands.contains(&expected), "{expected} is not among {stands:#?}");
    }
    assert_eq!(stands.iter().filter(|place| place.ends_with("/description")).count(), 1);
    assert_eq!(stands.len(), 5, "{stands:#?}");
    assert!(!stands.iter().any(|place| place.contains(&clean)), "{stands:#?}");
    assert!(!erased.body.to_string().to_lowercase().contains("canary"));
}
