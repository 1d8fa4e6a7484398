//! What the protocol itself asks, as the products' documents have it.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::common::{SCIM_KEY, Served};

const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
const PATCH: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

async fn ask(server: &Served, method: Method, path: &str, body: Value) -> (StatusCode, Value) {
    let request =
        reqwest::Client::new().request(method, format!("{}/scim/acme/v2{path}", server.url));
    let request = if body.is_null() { request } else { request.json(&body) };
    let answer = request.bearer_auth(SCIM_KEY).send().await.unwrap();
    let status = answer.status();
    let body = answer.bytes().await.unwrap();
    (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
}

async fn user(server: &Served, name: &str) -> Value {
    let body = json!({ "schemas": [USER], "userName": name });
    let (status, user) = ask(server, Method::POST, "/Users", body).await;
    assert_eq!(status, 201, "{user}");
    user["id"].clone()
}

/// The members of a group, in no order.
async fn members(server: &Served, group: &Value) -> Vec<String> {
    let path = format!("/Groups/{}", group["id"].as_str().unwrap());
    let (status, group) = ask(server, Method::GET, &path, Value::Null).await;
    assert_eq!(status, 200);
    let members = group["members"].as_array().cloned().unwrap_or_default();
    let mut names: Vec<String> =
        members.iter().map(|member| member["value"].as_str().unwrap().to_owned()).collect();
    names.sort();
    names
}

fn sorted(ids: &[&Value]) -> Vec<String> {
    let mut ids: Vec<String> = ids.iter().map(|id| id.as_str().unwrap().to_owned()).collect();
    ids.sort();
    ids
}

#[tokio::test(flavor = "multi_thread")]
async fn p_12_members_are_added_replaced_and_removed_by_patch() {
    let folder = tempfile::tempdir().unwrap();
    let server = Served::start(&folder.path().join("data"));
    let (a, b, c) = (user(&server, "a").await, user(&server, "b").await, user(&server, "c").await);
    let body = json!({ "schemas": [GROUP], "displayName": "Sales", "members": [{ "value": a }] });
    let (status, group) = ask(&server, Method::POST, "/Groups", body).await;
    assert_eq!(status, 201, "{group}");
    let path = format!("/Groups/{}", group["id"].as_str().unwrap());
    let patch = async |operation: Value| {
        let body = json!({ "schemas": [PATCH], "Operations": [operation] });
        let (status, answer) = ask(&server, Method::PATCH, &path, body).await;
        assert!(status.is_success(), "{status} {answer}");
    };
    patch(json!({ "op": "add", "path": "members", "value": [{ "value": b }] })).await;
    assert_eq!(members(&server, &group).await, sorted(&[&a, &b]));
    patch(json!({ "op": "replace", "path": "members", "value": [{ "value": b }, { "value": c }] }))
        .await;
    assert_eq!(members(&server, &group).await, sorted(&[&b, &c]));
    let one = format!("members[value eq \"{}\"]", b.as_str().unwrap());
    patch(json!({ "op": "remove", "path": one })).await;
    assert_eq!(members(&server, &group).await, sorted(&[&c]));
    server.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn p_13_a_group_is_deleted_and_its_members_stay() {
    let folder = tempfile::tempdir().unwrap();
    let server = Served::start(&folder.path().join("data"));
    let jane = user(&server, "jane").await;
    let body =
        json!({ "schemas": [GROUP], "displayName": "Sales", "members": [{ "value": jane }] });
    let (_, group) = ask(&server, Method::POST, "/Groups", body.clone()).await;
    let path = format!("/Groups/{}", group["id"].as_str().unwrap());
    assert_eq!(ask(&server, Method::DELETE, &path, Value::Null).await.0, 204);
    assert_eq!(ask(&server, Method::GET, &path, Value::Null).await.0, 404);
    let path = format!("/Users/{}", jane.as_str().unwrap());
    let (status, jane) = ask(&server, Method::GET, &path, Value::Null).await;
    assert!(status == 200 && jane["groups"].is_null(), "{jane}");
    // Its name is free again.
    assert_eq!(ask(&server, Method::POST, "/Groups", body).await.0, 201);
    server.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn p_15_the_paths_of_users_and_groups_and_a_filter_on_the_display_name() {
    let folder = tempfile::tempdir().unwrap();
    let server = Served::start(&folder.path().join("data"));
    let jane = user(&server, "jane").await;
    let path = format!("/Users/{}", jane.as_str().unwrap());
    assert_eq!(ask(&server, Method::GET, "/Users", Value::Null).await.1["totalResults"], 1);
    assert_eq!(ask(&server, Method::GET, &path, Value::Null).await.1["userName"], "jane");
    let body = json!({ "schemas": [USER], "userName": "jane", "displayName": "Jane Li" });
    let (status, put) = ask(&server, Method::PUT, &path, body).await;
    assert!(status == 200 && put["displayName"] == "Jane Li", "{put}");
    let (status, group) = ask(
        &server,
        Method::POST,
        "/Groups",
        json!({ "schemas": [GROUP], "displayName": "Sales" }),
    )
    .await;
    assert_eq!(status, 201);
    let path = format!("/Groups/{}", group["id"].as_str().unwrap());
    assert_eq!(ask(&server, Method::GET, &path, Value::Null).await.1["displayName"], "Sales");
    let rename = json!({ "op": "replace", "value": { "displayName": "Sales EU" } });
    let body = json!({ "schemas": [PATCH], "Operations": [rename] });
    assert!(ask(&server, Method::PATCH, &path, body).await.0.is_success());
    for (filter, count) in [
        ("/Groups?filter=displayName%20eq%20%22sales%20eu%22", 1),
        ("/Groups?filter=displayName%20eq%20%22Sales%22", 0),
        ("/Users?filter=displayName%20eq%20%22Jane%20Li%22", 1),
    ] {
        let (status, found) = ask(&server, Method::GET, filter, Value::Null).await;
        assert!(status == 200 && found["totalResults"] == count, "{filter} {found}");
    }
    server.stop();
}
