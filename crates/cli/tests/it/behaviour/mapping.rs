//! Which attribute feeds which, and who is left out.

use std::path::Path;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::common::{OPERATOR_KEY, SCIM_KEY, Served, run};

const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
const PATCH: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

async fn ask(
    server: &Served,
    key: &str,
    method: Method,
    path: &str,
    body: Value,
) -> (StatusCode, Value) {
    let request = reqwest::Client::new().request(method, format!("{}{path}", server.url));
    let request = if body.is_null() { request } else { request.json(&body) };
    let answer = request.bearer_auth(key).send().await.unwrap();
    let status = answer.status();
    let body = answer.bytes().await.unwrap();
    (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
}

async fn scim(server: &Served, key: &str, method: Method, path: &str, body: Value) -> Value {
    let (status, answer) = ask(server, key, method, &format!("/scim/acme/v2{path}"), body).await;
    assert!(status.is_success(), "{path}: {status} {answer}");
    answer
}

async fn get(server: &Served, key: &str, path: &str) -> Value {
    scim(server, key, Method::GET, path, Value::Null).await
}

/// The names on a list that this key sees.
async fn names(server: &Served, key: &str, path: &str, attribute: &str) -> Vec<String> {
    let list = get(server, key, path).await;
    let listed = list["Resources"].as_array().cloned().unwrap_or_default();
    assert_eq!(list["totalResults"], listed.len(), "{list}");
    let mut names: Vec<String> =
        listed.iter().map(|one| one[attribute].as_str().unwrap().to_owned()).collect();
    names.sort();
    names
}

fn user(name: &str) -> Value {
    json!({ "schemas": [USER], "userName": name, "emails": [{ "value": name, "primary": true }] })
}

/// The key of a second connector.
async fn entra(server: &Served) -> String {
    let body = json!({ "name": "entra", "preset": "generic" });
    let path = "/admin/v1/tenants/acme/connectors";
    let (status, added) = ask(server, OPERATOR_KEY, Method::POST, path, body).await;
    assert_eq!(status, 201, "{added}");
    added["apiKey"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn p_02_what_is_left_out_is_accepted_and_only_its_connector_sees_it() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let server = Served::start(&data);
    let entra = entra(&server).await;
    let url = server.url.clone();
    let remote = [("ROLLBOOK_URL", url.as_str()), ("ROLLBOOK_OPERATOR_KEY", OPERATOR_KEY)];
    let lists = ["--exclude", "domain=contractors.example", "--exclude", "group=Temp*"];
    let (status, out, err) = run(&[&["connector", "set", "okta"][..], &lists].concat(), &remote);
    assert!(status == 0 && out.starts_with("changed at position "), "{out}{err}");

    let okta = |method, path: &str, body| {
        let (server, path) = (&server, path.to_owned());
        async move { scim(server, SCIM_KEY, method, &path, body).await }
    };
    let jane = okta(Method::POST, "/Users", user("jane@acme.example")).await;
    let bob = okta(Method::POST, "/Users", user("bob@contractors.example")).await;
    let ids = json!([{ "value": jane["id"] }, { "value": bob["id"] }]);
    let body = json!({ "schemas": [GROUP], "displayName": "Sales", "members": ids });
    let sales = okta(Method::POST, "/Groups", body).await;
    assert_eq!(sales["members"].as_array().unwrap().len(), 2, "it reads what it wrote");
    let body = json!({ "schemas": [GROUP], "displayName": "Temps", "members": [ids[1]] });
    let temps = okta(Method::POST, "/Groups", body).await;

    // The connector's own reads: by id, by what it wrote, in lists, in groups.
    let bobs = format!("/Users/{}", bob["id"].as_str().unwrap());
    let read = get(&server, SCIM_KEY, &bobs).await;
    assert_eq!(read["userName"], "bob@contractors.example");
    assert_eq!(read["groups"].as_array().unwrap().len(), 2);
    let filter = "/Users?filter=userName%20eq%20%22BOB@contractors.example%22";
    assert_eq!(names(&server, SCIM_KEY, filter, "userName").await, ["bob@contractors.example"]);
    assert_eq!(names(&server, SCIM_KEY, "/Users", "userName").await.len(), 2);
    assert_eq!(names(&server, SCIM_KEY, "/Groups", "displayName").await, ["Sales", "Temps"]);
    let filter = format!("/Groups?filter=members.value%20eq%20{}", bob["id"]);
    assert_eq!(names(&server, SCIM_KEY, &filter, "displayName").await, ["Sales", "Temps"]);
    // A PUT of what it read is nothing new, and the version stays.
    let put = scim(&server, SCIM_KEY, Method::PUT, &bobs, read.clone()).await;
    assert_eq!(put["meta"], read["meta"]);

    // Nobody else's: another connector's, the operator's, the roles'.
    assert_eq!(names(&server, &entra, "/Users", "userName").await, ["jane@acme.example"]);
    assert_eq!(names(&server, &entra, "/Groups", "displayName").await, ["Sales"]);
    let groups = format!("/Groups/{}", sales["id"].as_str().unwrap());
    let seen = get(&server, &entra, &groups).await;
    assert_eq!(seen["members"].as_array().unwrap().len(), 1);
    for path in [&bobs, &format!("/Groups/{}", temps["id"].as_str().unwrap())] {
        let path = format!("/scim/acme/v2{path}");
        let (status, _) = ask(&server, &entra, Method::GET, &path, Value::Null).await;
        assert_eq!(status, 404);
    }
    let admin = async |path: &str| {
        let path = format!("/admin/v1/tenants/acme{path}");
        ask(&server, OPERATOR_KEY, Method::GET, &path, Value::Null).await
    };
    let (status, why) = admin("/users/bob@contractors.example").await;
    assert_eq!(status, 404);
    assert!(why["detail"].as_str().unwrap().contains("is ignored since"), "{why}");
    assert_eq!(admin("/groups/Temps").await.0, 404);
    let (_, holds) = admin("").await;
    assert_eq!((&holds["users"], &holds["groups"]), (&1.into(), &1.into()), "{holds}");
    let rule = json!({ "group": "Sales", "role": "Analyst" });
    let path = "/admin/v1/tenants/acme/rules";
    assert_eq!(ask(&server, OPERATOR_KEY, Method::POST, path, rule).await.0, 200);
    assert_eq!(admin("/roles/Analyst").await.1["holderCount"], 1);
    // The name is free for others.
    scim(&server, &entra, Method::POST, "/Users", user("bob@contractors.example")).await;
    assert_eq!(names(&server, SCIM_KEY, "/Users", "userName").await.len(), 2, "okta knows one Bob");

    // Counted and listed, over HTTP, by the program, out of the folder.
    let (_, ignored) = admin("/connectors/okta/ignored").await;
    assert_eq!((&ignored["users"], &ignored["groups"]), (&1.into(), &1.into()));
    assert_eq!(ignored["ignored"][0]["name"], "bob@contractors.example");
    assert_eq!(ignored["ignored"][1]["type"], "group");
    assert_eq!(admin("/connectors/nobody/ignored").await.0, 404);
    let (status, out, err) = run(&["connector", "ignored", "okta"], &remote);
    assert_eq!(status, 0, "{err}");
    assert!(out.contains("bob@contractors.example") && out.contains("Temps"), "{out}");
    server.stop();
    let data = data.to_str().unwrap();
    let (status, offline, err) = run(&["connector", "ignored", "okta", "--data", data], &[]);
    assert_eq!((status, offline.as_str()), (0, out.as_str()), "{err}");
    let before = run(&["connector", "ignored", "okta", "--data", data, "--at", "4"], &[]);
    assert!(before.0 == 0 && !before.1.contains("bob"), "{before:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn p_02_with_an_include_list_all_others_are_ignored_and_changes_move_them() {
    let folder = tempfile::tempdir().unwrap();
    let server = Served::start(Path::new(&folder.path().join("data")));
    let entra = entra(&server).await;
    for name in ["jane@acme.example", "bob@other.example", "svc-backup@acme.example"] {
        scim(&server, SCIM_KEY, Method::POST, "/Users", user(name)).await;
    }
    let set = async |lists: Value| {
        let path = "/admin/v1/tenants/acme/connectors/okta";
        let (status, done) = ask(&server, OPERATOR_KEY, Method::PATCH, path, lists).await;
        assert_eq!(status, 200, "{done}");
        done
    };
    let seen = async || names(&server, &entra, "/Users", "userName").await;
    let include = json!({ "emailDomains": ["acme.example"] });
    set(json!({ "include": include, "exclude": { "userNames": ["svc-*"] } })).await;
    assert_eq!(seen().await, ["jane@acme.example"]);
    assert_eq!(names(&server, SCIM_KEY, "/Users", "userName").await.len(), 3);

    // A change of the user lets them in, or leaves them out.
    let filter = "/Users?filter=userName%20eq%20%22bob@other.example%22";
    let bob = get(&server, SCIM_KEY, filter).await["Resources"][0].clone();
    let bobs = format!("/Users/{}", bob["id"].as_str().unwrap());
    let operation =
        json!({ "op": "replace", "path": "emails", "value": [{ "value": "bob@acme.example" }] });
    let body = json!({ "schemas": [PATCH], "Operations": [operation] });
    scim(&server, SCIM_KEY, Method::PATCH, &bobs, body).await;
    assert_eq!(seen().await, ["bob@other.example", "jane@acme.example"]);
    let mut back = bob.clone();
    back["title"] = "Temp".into();
    let put = scim(&server, SCIM_KEY, Method::PUT, &bobs, back).await;
    assert_eq!(put["title"], "Temp");
    assert_eq!(seen().await, ["jane@acme.example"]);

    // One whose name was given to somebody else meanwhile stays, and is told.
    scim(&server, &entra, Method::POST, "/Users", user("bob@other.example")).await;
    let done = set(json!({ "include": {}, "exclude": {} })).await;
    assert!(done["notes"][0].as_str().unwrap().starts_with("1 users or groups stay"), "{done}");
    assert_eq!(seen().await.len(), 3);
    let path = format!("/scim/acme/v2{bobs}");
    let operation = json!({ "op": "replace", "path": "title", "value": "X" });
    let body = json!({ "schemas": [PATCH], "Operations": [operation] });
    let (status, refused) = ask(&server, SCIM_KEY, Method::PATCH, &path, body).await;
    assert_eq!((status.as_u16(), &refused["scimType"]), (409, &"uniqueness".into()), "{refused}");
    let (status, _) = ask(
        &server,
        OPERATOR_KEY,
        Method::PATCH,
        "/admin/v1/tenants/acme/connectors/okta",
        json!({ "include": { "groups": [""] } }),
    )
    .await;
    assert_eq!(status, 400);
}

const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

fn feeds(to: &str, from: &str, take: &str) -> Value {
    json!({ "to": to, "from": from, "take": take })
}

async fn admin(server: &Served, method: Method, path: &str, body: Value) -> (StatusCode, Value) {
    ask(server, OPERATOR_KEY, method, &format!("/admin/v1/tenants/acme{path}"), body).await
}

/// Seen to catch a view that shows the connector what its mapping made.
#[tokio::test(flavor = "multi_thread")]
async fn p_03_a_mapping_says_what_feeds_what_and_the_connector_reads_what_it_wrote() {
    let folder = tempfile::tempdir().unwrap();
    let server = Served::start(Path::new(&folder.path().join("data")));
    let entra = entra(&server).await;
    let url = server.url.clone();
    let remote = [("ROLLBOOK_URL", url.as_str()), ("ROLLBOOK_OPERATOR_KEY", OPERATOR_KEY)];
    let department = format!("displayName={ENTERPRISE}:department");
    let mapping = [
        "connector",
        "set",
        "okta",
        "--mapping",
        "userName=emails[primary eq true].value|before-at",
        "--mapping",
        &department,
        "--mapping",
        "name.givenName=nickName",
    ];
    let (status, out, err) = run(&mapping, &remote);
    assert!(status == 0 && out.starts_with("changed at position "), "{out}{err}");
    let jane = json!({
        "schemas": [USER, ENTERPRISE], "userName": "JDOE-4711", "externalId": "00u1", "displayName": "As written",
        "name": { "givenName": "Jane", "familyName": "Doe" }, "nickName": "Janey",
        "emails": [{ "value": "jane.doe@acme.example", "primary": true }],
        ENTERPRISE: { "department": "Sales" },
    });
    let created = scim(&server, SCIM_KEY, Method::POST, "/Users", jane.clone()).await;
    for one in ["userName", "displayName", "name", "nickName", "emails", ENTERPRISE] {
        assert_eq!(created[one], jane[one], "{one}");
    }
    let path = format!("/Users/{}", created["id"].as_str().unwrap());

    // All others see what the mapping made.
    let seen = get(&server, &entra, &path).await;
    assert_eq!(seen["userName"], "jane.doe");
    assert_eq!(seen["displayName"], "Sales");
    assert_eq!(seen["name"], json!({ "givenName": "Janey", "familyName": "Doe" }));
    let (status, shown) = admin(&server, Method::GET, "/users/jane.doe", Value::Null).await;
    assert_eq!((status.as_u16(), &shown["userName"]), (200, &"jane.doe".into()), "{shown}");

    // The connector finds them by what it wrote, others by what it became.
    let by = |attribute: &str, value: &str| {
        format!("/Users?filter={attribute}%20eq%20%22{}%22", value.replace(' ', "%20"))
    };
    for filter in
        [by("userName", "jdoe-4711"), by("displayName", "as written"), by("externalId", "00u1")]
    {
        assert_eq!(names(&server, SCIM_KEY, &filter, "userName").await, ["JDOE-4711"], "{filter}");
    }
    assert_eq!(names(&server, SCIM_KEY, &by("userName", "jane.doe"), "userName").await.len(), 0);
    assert_eq!(names(&server, &entra, &by("userName", "JANE.DOE"), "userName").await, ["jane.doe"]);
    assert_eq!(names(&server, &entra, &by("userName", "jdoe-4711"), "userName").await.len(), 0);

    // What it reads and puts back is nothing new: nor after somebody else wrote.
    let read = get(&server, SCIM_KEY, &path).await;
    let put = scim(&server, SCIM_KEY, Method::PUT, &path, read.clone()).await;
    assert_eq!(put["meta"], read["meta"]);
    let operation = json!({ "op": "replace", "path": "userName", "value": "jd" });
    let body = json!({ "schemas": [PATCH], "Operations": [operation] });
    scim(&server, &entra, Method::PATCH, &path, body).await;
    let read = get(&server, SCIM_KEY, &path).await;
    assert_eq!(read["userName"], "JDOE-4711");
    let put = scim(&server, SCIM_KEY, Method::PUT, &path, read.clone()).await;
    assert_eq!(put["meta"], read["meta"]);
    assert_eq!(get(&server, &entra, &path).await["userName"], "jd");

    // A PATCH of the source changes the target, one of the target only what the connector reads.
    let operation = json!({ "op": "replace", "path": "emails[primary eq true].value", "value": "jane@acme.example" });
    let body = json!({ "schemas": [PATCH], "Operations": [operation] });
    scim(&server, SCIM_KEY, Method::PATCH, &path, body).await;
    assert_eq!(get(&server, &entra, &path).await["userName"], "jane");
    let operation = json!({ "op": "replace", "path": "userName", "value": "jdoe-1" });
    let body = json!({ "schemas": [PATCH], "Operations": [operation] });
    let patched = scim(&server, SCIM_KEY, Method::PATCH, &path, body).await;
    assert_eq!(patched["userName"], "jdoe-1");
    assert_eq!(get(&server, &entra, &path).await["userName"], "jane");

    // Two who would be called alike: 409, and why.
    let other = json!({ "schemas": [USER], "userName": "jane-2", "emails": [{ "value": "Jane@other.example", "primary": true }] });
    let (status, refused) =
        ask(&server, SCIM_KEY, Method::POST, "/scim/acme/v2/Users", other.clone()).await;
    assert_eq!((status.as_u16(), &refused["scimType"]), (409, &"uniqueness".into()), "{refused}");
    assert!(refused["detail"].as_str().unwrap().contains("mapping makes this name"), "{refused}");
    let same = json!({ "schemas": [USER], "userName": "JDOE-1", "emails": [{ "value": "x@other.example" }] });
    let (status, _) = ask(&server, SCIM_KEY, Method::POST, "/scim/acme/v2/Users", same).await;
    assert_eq!(status, 409, "the connector would know two by one name");
    let none = json!({ "schemas": [USER], "userName": "nobody" });
    let (status, refused) = ask(&server, SCIM_KEY, Method::POST, "/scim/acme/v2/Users", none).await;
    assert_eq!(status, 400);
    assert!(refused["detail"].as_str().unwrap().contains("there is none"), "{refused}");

    // Without the mapping things are as they are until the connector writes.
    let (_, done) =
        admin(&server, Method::PATCH, "/connectors/okta", json!({ "mapping": [] })).await;
    assert_eq!(done["changed"], true);
    let read = get(&server, SCIM_KEY, &path).await;
    assert_eq!(read["userName"], "jdoe-1");
    assert_eq!(get(&server, &entra, &path).await["userName"], "jane");
    scim(&server, SCIM_KEY, Method::PUT, &path, read).await;
    assert_eq!(get(&server, &entra, &path).await["userName"], "jdoe-1");

    // What cannot be mapped is refused, with the path.
    for (to, from) in [
        ("groups", "title"),
        ("nothing", "title"),
        ("title", "emails.value"),
        ("active", "title"),
        ("externalId", "title"),
    ] {
        let body = json!({ "mapping": [feeds(to, from, "whole")] });
        let (status, refused) = admin(&server, Method::PATCH, "/connectors/okta", body).await;
        assert_eq!(status, 400, "{to}");
        assert!(refused["detail"].as_str().unwrap().contains("`mapping` cannot use"), "{refused}");
    }
    let twice = json!({ "mapping": [feeds("title", "nickName", "whole"), feeds("TITLE", "userName", "whole")] });
    assert_eq!(admin(&server, Method::PATCH, "/connectors/okta", twice).await.0, 400);
    let (status, _, err) = run(&["connector", "set", "okta", "--mapping", "title"], &remote);
    assert!(status == 2 && err.contains("TARGET=SOURCE"), "{err}");
}

/// Seen to catch a mapping that leaves attributes of the tenant's own as they were written.
#[tokio::test(flavor = "multi_thread")]
async fn p_03_custom_attributes_feed_others_and_are_fed() {
    let folder = tempfile::tempdir().unwrap();
    let server = Served::start(Path::new(&folder.path().join("data")));
    let entra = entra(&server).await;
    let desk = "urn:example:params:scim:schemas:extension:desk:2.0:User";
    let schema = json!({ "schema": { "id": desk, "name": "Desk", "attributes": [
        { "name": "post", "type": "string" }, { "name": "badge", "type": "string" }] } });
    assert_eq!(admin(&server, Method::POST, "/schemas", schema).await.0, 200);
    let url = server.url.clone();
    let remote = [("ROLLBOOK_URL", url.as_str()), ("ROLLBOOK_OPERATOR_KEY", OPERATOR_KEY)];
    let (source, target) = (format!("title={desk}:post"), format!("{desk}:badge=nickName"));
    let set = ["connector", "set", "okta", "--mapping", &source, "--mapping", &target];
    let (status, _, err) = run(&set, &remote);
    assert_eq!(status, 0, "{err}");

    let mut jane = json!({
        "schemas": [USER, desk], "userName": "jane", "nickName": "B-4711",
        desk: { "post": "Night porter", "badge": "as written" },
    });
    let created = scim(&server, SCIM_KEY, Method::POST, "/Users", jane.clone()).await;
    assert_eq!((&created[desk], &created["title"]), (&jane[desk], &Value::Null), "as it wrote");
    let path = format!("/Users/{}", created["id"].as_str().unwrap());
    let seen = get(&server, &entra, &path).await;
    assert_eq!(seen["title"], "Night porter");
    assert_eq!(seen[desk], json!({ "post": "Night porter", "badge": "B-4711" }));
    let filter = format!("/Users?filter={desk}:badge%20eq%20%22B-4711%22");
    assert_eq!(names(&server, &entra, &filter, "userName").await, ["jane"]);
    assert_eq!(names(&server, SCIM_KEY, &filter, "userName").await.len(), 0);

    // A change of the source, in either way of writing, goes on to the target.
    let operation =
        json!({ "op": "replace", "path": format!("{desk}:post"), "value": "Day porter" });
    let body = json!({ "schemas": [PATCH], "Operations": [operation] });
    scim(&server, SCIM_KEY, Method::PATCH, &path, body).await;
    assert_eq!(get(&server, &entra, &path).await["title"], "Day porter");
    jane["nickName"] = "B-4712".into();
    scim(&server, SCIM_KEY, Method::PUT, &path, jane).await;
    let seen = get(&server, &entra, &path).await;
    assert_eq!((&seen["title"], &seen[desk]["badge"]), (&"Night porter".into(), &"B-4712".into()));
}
