//! What is allowed: policies in the log, checked when they are written, and whom they name.

use reqwest::Method;
use serde_json::{Value, json};

use super::journal::{GROUP, USER, ask, expect, patch, problems};
use crate::common::{OPERATOR_KEY, Served, run};

const POLICIES: &str = "/admin/v1/tenants/acme/policies";
const SCHEMA: &str = "/admin/v1/tenants/acme/policy-schema";
const TABLES: &str =
    "entity Table;\naction select, insert appliesTo { principal: [User], resource: [Table] };";

fn text(text: &str) -> Option<Value> {
    Some(json!({ "text": text }))
}

async fn put(server: &Served, name: &str, policy: &str) -> (u16, Value) {
    ask(server, Method::PUT, &format!("{POLICIES}/{name}"), text(policy)).await
}

async fn names(server: &Served, query: &str) -> Vec<String> {
    let path = format!("{POLICIES}?{query}");
    let answer = expect(server, 200, Method::GET, &path, None).await;
    let policies = answer["policies"].as_array().unwrap().iter();
    policies.map(|policy| policy["name"].as_str().unwrap().to_owned()).collect()
}

async fn new_user(server: &Served, name: &str) -> String {
    let body = json!({ "schemas": [USER], "userName": name });
    let user = expect(server, 201, Method::POST, "/scim/acme/v2/Users", Some(body)).await;
    user["id"].as_str().unwrap().to_owned()
}

/// A policy is in the log, and one that makes no sense is refused in Cedar's words, with the place.
#[tokio::test(flavor = "multi_thread")]
async fn p_20_policies_are_written_only_where_they_make_sense() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let server = Served::start(&data);
    let jane = new_user(&server, "jane@acme.com").await;
    let select =
        r#"permit (principal == User::"Jane@acme.com", action == Action::"select", resource);"#;
    let (status, answer) = put(&server, "jane-reads", select).await;
    assert_eq!(status, 400, "there is no such action yet: {answer}");
    expect(&server, 200, Method::PUT, SCHEMA, text(TABLES)).await;
    let (status, answer) = put(&server, "jane-reads", select).await;
    assert_eq!((status, &answer["changed"]), (200, &json!(true)), "{answer}");
    let (_, answer) = put(&server, "jane-reads", select).await;
    assert_eq!(answer["changed"], false);
    // What makes no sense: by itself, to the schema, and in whom it names.
    for (policy, words) in [
        ("permit (principal, action, resource)", "line 1, column 37"),
        ("permit (principal,\n  action == Action::\"selct\", resource);", "line 2, column 13"),
        ("permit (principal == User::\"carl\", action, resource);", "there is no user `carl`"),
    ] {
        let (status, answer) = put(&server, "bad", policy).await;
        assert_eq!((status, &answer["scimType"]), (400, &json!("invalidValue")), "{answer}");
        assert!(answer["detail"].as_str().unwrap().contains(words), "{answer}");
    }
    // What would take the server's last stack is refused as well, in policies and in schemas.
    let deep = format!("permit (principal, action, resource) when {{ {}true", "(".repeat(5_000));
    let (status, answer) = put(&server, "bad", &deep).await;
    assert!(status == 400 && answer["detail"].as_str().unwrap().contains("nested"), "{answer}");
    let deep = text(&format!("entity T {{ a: {}Long", "Set<".repeat(5_000)));
    let (status, answer) = ask(&server, Method::PUT, SCHEMA, deep).await;
    assert!(status == 400 && answer["detail"].as_str().unwrap().contains("nested"), "{answer}");
    // Nor may the schema take away what a policy speaks about.
    let (status, answer) = ask(&server, Method::PUT, SCHEMA, text("entity Table;")).await;
    assert!(
        answer["detail"].as_str().unwrap().contains("policy `jane-reads`"),
        "{status} {answer}"
    );
    assert_eq!(names(&server, "").await, ["jane-reads"]);
    // A name is kept as an id, and shown as the name of the moment.
    let renamed =
        patch(json!([{ "op": "replace", "path": "userName", "value": "jane.doe@acme.com" }]));
    let path = format!("/scim/acme/v2/Users/{jane}");
    expect(&server, 200, Method::PATCH, &path, Some(renamed)).await;
    let one = format!("{POLICIES}/Jane-Reads");
    let shown = expect(&server, 200, Method::GET, &one, None).await;
    assert!(shown["text"].as_str().unwrap().contains(r#"User::"jane.doe@acme.com""#), "{shown}");
    let commits = "/admin/v1/tenants/acme/audit/commits?event=PolicyCreated,PolicySchemaChanged";
    let commits = expect(&server, 200, Method::GET, commits, None).await;
    assert_eq!(commits["commits"].as_array().unwrap().len(), 2);
    assert_eq!(commits["commits"][1]["actor"]["kind"], "operator");
    assert!(commits.to_string().contains(&jane) && !commits.to_string().contains("Jane@"));

    // The same from the command line, and of the past.
    let url = server.url.clone();
    let remote = [("ROLLBOOK_URL", url.as_str()), ("ROLLBOOK_OPERATOR_KEY", OPERATOR_KEY)];
    let file = folder.path().join("insert.cedar").to_str().unwrap().to_owned();
    std::fs::write(&file, "forbid (principal, action == Action::\"insert\", resource);").unwrap();
    let (status, out, err) = run(&["policy", "set", "nobody-writes", &file], &remote);
    assert!(status == 0 && out.starts_with("written at position "), "{out}{err}");
    std::fs::write(&file, "forbid (principal, action, resorce);").unwrap();
    let (status, _, err) = run(&["policy", "set", "nobody-writes", &file], &remote);
    assert!(status == 1 && err.contains("policy `nobody-writes`, line 1, column "), "{err}");
    let (_, of_server, _) = run(&["policy", "list", "--json"], &remote);
    let before = shown["version"].to_string();
    let (_, then, _) = run(&["policy", "list", "--at", &before, "--format", "csv"], &remote);
    assert!(then.contains("jane-reads") && !then.contains("nobody-writes"), "{then}");
    let (_, schema, _) = run(&["policy", "schema", "show"], &remote);
    assert!(schema.contains("entity User in") && schema.contains("action select"), "{schema}");
    server.stop();
    let of_data = [("ROLLBOOK_DATA", data.to_str().unwrap())];
    let (status, of_folder, err) = run(&["policy", "list", "--json"], &of_data);
    assert_eq!((status, of_folder), (0, of_server), "{err}");
    // The schema and the policies are still there when the server is, and go by name.
    let server = Served::start(&data);
    let stale = [("If-Match", "W/\"1\"")];
    let url = format!("{}{POLICIES}/nobody-writes", server.url);
    let request = reqwest::Client::new().delete(url).bearer_auth(OPERATOR_KEY);
    let answer = request.header(stale[0].0, stale[0].1).send().await.unwrap();
    assert_eq!(answer.status(), 412);
    let gone = format!("{POLICIES}/NOBODY-writes");
    expect(&server, 200, Method::DELETE, &gone, None).await;
    expect(&server, 404, Method::DELETE, &gone, None).await;
    assert_eq!(names(&server, "").await, ["jane-reads"]);
}

/// After a deactivation nobody has to look for the policies by hand: they are named in the journal, found by whom they name,
/// and listed while they name somebody who is gone.
#[tokio::test(flavor = "multi_thread")]
async fn p_08_policies_that_name_somebody_who_is_gone_are_found() {
    let folder = tempfile::tempdir().unwrap();
    let server = Served::start(&folder.path().join("data"));
    let jane = new_user(&server, "jane@acme.com").await;
    let bob = new_user(&server, "bob@acme.com").await;
    let body = json!({ "schemas": [GROUP], "displayName": "Sales" });
    let group = expect(&server, 201, Method::POST, "/scim/acme/v2/Groups", Some(body)).await;
    let group = group["id"].as_str().unwrap();
    expect(&server, 200, Method::PUT, SCHEMA, text(TABLES)).await;
    for (name, whom) in [
        ("jane-reads", r#"principal == User::"jane@acme.com""#),
        ("sales-reads", r#"principal in Group::"Sales""#),
        ("analysts-read", r#"principal in Role::"Analyst""#),
    ] {
        let policy = format!("permit ({whom}, action, resource);");
        assert_eq!(put(&server, name, &policy).await.0, 200);
    }
    let both = r#"forbid (principal, action, resource) when { principal in [User::"jane@acme.com", User::"bob@acme.com"] };"#;
    assert_eq!(put(&server, "neither", both).await.0, 200);
    assert_eq!(names(&server, "naming=jane@acme.com").await, ["jane-reads", "neither"]);
    assert_eq!(names(&server, "naming=user:bob@acme.com").await, ["neither"]);
    assert_eq!(names(&server, "naming=group:Sales").await, ["sales-reads"]);
    assert_eq!(names(&server, "naming=role:Analyst").await, ["analysts-read"]);
    assert_eq!(names(&server, "naming=role:Admin").await, [""; 0]);
    let (status, _) = ask(&server, Method::GET, &format!("{POLICIES}?naming=carl"), None).await;
    assert_eq!(status, 404);
    assert_eq!(problems(&server, "kind=attention").await.len(), 0);

    // Deactivated by the identity provider, locked by an operator, deleted, and what else can end.
    let inactive = patch(json!([{ "op": "replace", "path": "active", "value": false }]));
    let path = format!("/scim/acme/v2/Users/{jane}");
    expect(&server, 200, Method::PATCH, &path, Some(inactive)).await;
    let told = problems(&server, "kind=attention").await;
    assert_eq!(told.len(), 1, "{told:#?}");
    assert_eq!(told[0]["policies"], json!(["jane-reads", "neither"]));
    assert_eq!((&told[0]["user"], &told[0]["userName"]), (&json!(jane), &json!("jane@acme.com")));
    let detail = told[0]["detail"].as_str().unwrap();
    assert!(
        detail.contains("the user `jane@acme.com` was deactivated") && detail.contains("`neither`")
    );
    let shown = "/admin/v1/tenants/acme/users/jane@acme.com";
    let shown = expect(&server, 200, Method::GET, shown, None).await;
    assert_eq!(shown["problems"][0]["kind"], "attention");
    let listed = expect(&server, 200, Method::GET, POLICIES, None).await;
    assert_eq!(listed["policies"][1]["names"][0]["state"], "inactive", "{listed:#}");
    assert_eq!(names(&server, "dangling=true").await, [""; 0], "she is still there");

    expect(&server, 204, Method::DELETE, &path, None).await;
    assert_eq!(names(&server, "dangling=true").await, ["jane-reads", "neither"]);
    assert_eq!(
        names(&server, "naming=jane@acme.com").await,
        ["jane-reads", "neither"],
        "by former name"
    );
    let path = format!("/scim/acme/v2/Groups/{group}");
    expect(&server, 204, Method::DELETE, &path, None).await;
    let role = "/admin/v1/tenants/acme/roles/Analyst";
    expect(&server, 200, Method::DELETE, role, None).await;
    let lock = "/admin/v1/tenants/acme/users/bob@acme.com/lock";
    expect(&server, 200, Method::PUT, lock, Some(json!({ "reason": "case 7" }))).await;
    let told = problems(&server, "kind=attention").await;
    let ended: Vec<&str> =
        told.iter().map(|one| one["detail"].as_str().unwrap().split(',').next().unwrap()).collect();
    let expected = [
        "the user `bob@acme.com` was locked",
        "the role `Analyst` was retired",
        "the group `Sales` was deleted",
        "the user `jane@acme.com` was deleted",
        "the user `jane@acme.com` was deactivated",
    ];
    assert_eq!(ended, expected);
    assert_eq!(problems(&server, "policy=neither").await.len(), 3);
    assert_eq!(problems(&server, "role=Analyst").await.len(), 1);

    // Who is erased is named by nothing, not even here; that the policies dangle stays known.
    let erase = format!("/admin/v1/tenants/acme/users/{bob}/erase");
    expect(&server, 200, Method::POST, &erase, Some(json!({ "reason": "request 4711" }))).await;
    let told = problems(&server, "kind=attention").await;
    assert!(told[0]["detail"].as_str().unwrap().starts_with("somebody was erased, and the policy"));
    let all = json!(told).to_string();
    assert!(!all.contains("bob@acme.com") && !all.contains(&bob), "{all}");
    // Repaired, nothing dangles.
    for name in ["jane-reads", "neither", "sales-reads"] {
        expect(&server, 200, Method::DELETE, &format!("{POLICIES}/{name}"), None).await;
    }
    assert_eq!(names(&server, "dangling=true").await, [""; 0]);
}

/// Whichever way somebody goes, the policies that name them are told: here through the management API. Of a policy that is called
/// like who was erased the journal says the id.
#[tokio::test(flavor = "multi_thread")]
async fn p_08_policies_are_told_whichever_way_somebody_goes() {
    let folder = tempfile::tempdir().unwrap();
    let server = Served::start(&folder.path().join("data"));
    let jane = new_user(&server, "jane@acme.com").await;
    expect(&server, 200, Method::PUT, SCHEMA, text(TABLES)).await;
    let scripts = json!({ "name": "scripts", "preset": "management" });
    let path = "/admin/v1/tenants/acme/connectors";
    let made = expect(&server, 201, Method::POST, path, Some(scripts)).await;
    let key = made["apiKey"].as_str().unwrap();
    let api = async |method: Method, path: &str, body: Value| {
        let request = reqwest::Client::new().request(method, format!("{}{path}", server.url));
        let request = request.header("HTTP-X-PARTNER-AUTH", key);
        let request = if body.is_null() { request } else { request.json(&body) };
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.json::<Value>().await.unwrap_or_default())
    };
    let (_, ada) = api(Method::POST, "/api/v2/users", json!({ "email": "ada@acme.com" })).await;
    let policy = |who: &str| format!("permit (principal == User::\"{who}\", action, resource);");
    assert_eq!(put(&server, "ada-reads", &policy("ada@acme.com")).await.0, 200);
    assert_eq!(put(&server, "jane@acme.com-reads", &policy("jane@acme.com")).await.0, 200);
    let at = format!("/api/v2/users/{}", ada["id"].as_str().unwrap());
    assert_eq!(api(Method::DELETE, &format!("{at}?test_mode=true"), Value::Null).await.0, 204);
    assert_eq!(problems(&server, "kind=attention").await.len(), 0);
    assert_eq!(api(Method::DELETE, &at, Value::Null).await.0, 204);
    let told = problems(&server, "kind=attention").await;
    assert_eq!(told.len(), 1, "{told:#?}");
    assert_eq!(told[0]["policies"], json!(["ada-reads"]));

    let listed = expect(&server, 200, Method::GET, POLICIES, None).await;
    assert_eq!(listed["policies"][1]["name"], "jane@acme.com-reads");
    let id = listed["policies"][1]["id"].as_str().unwrap();
    let erase = format!("/admin/v1/tenants/acme/users/{jane}/erase");
    expect(&server, 200, Method::POST, &erase, Some(json!({ "reason": "request 4711" }))).await;
    let told = problems(&server, &format!("policy={id}")).await;
    assert_eq!(told.len(), 1, "{told:#?}");
    let detail = told[0]["detail"].as_str().unwrap();
    assert!(detail.starts_with(&format!("somebody was erased, and the policy `{id}`")), "{detail}");
    let all = json!(problems(&server, "").await).to_string();
    assert!(!all.contains("jane@acme.com") && !all.contains(&jane), "{all}");
}

/// Writes that come at once are all kept; of two that make no sense together one is refused and says why, whichever comes first.
#[tokio::test(flavor = "multi_thread")]
async fn p_20_policies_that_are_written_at_once_are_checked_against_each_other() {
    let folder = tempfile::tempdir().unwrap();
    let server = Served::start(&folder.path().join("data"));
    expect(&server, 200, Method::PUT, SCHEMA, text(TABLES)).await;
    let one = async |name: &str| {
        let policy = format!("permit (principal, action, resource == Table::\"{name}\");");
        let (status, answer) = put(&server, name, &policy).await;
        assert_eq!((status, &answer["changed"]), (200, &json!(true)), "{answer}");
    };
    tokio::join!(one("a"), one("b"), one("c"), one("d"), one("e"), one("f"));
    assert_eq!(names(&server, "").await, ["a", "b", "c", "d", "e", "f"]);
    let without = "entity Table; action select appliesTo { principal: [User], resource: [Table] };";
    let inserts = r#"permit (principal, action == Action::"insert", resource);"#;
    let (mut policies, mut schemas) = (0, 0);
    for _ in 0..10 {
        let (policy, schema) = tokio::join!(
            put(&server, "inserts", inserts),
            ask(&server, Method::PUT, SCHEMA, text(without))
        );
        match (policy.0, schema.0) {
            (200, 400) => {
                policies += 1;
                let detail = schema.1["detail"].as_str().unwrap();
                assert!(detail.contains("policy `inserts`, line 1, column "), "{detail}");
            }
            (400, 200) => {
                schemas += 1;
                let detail = policy.1["detail"].as_str().unwrap();
                assert!(detail.contains("unrecognized action `Action::\"insert\"`"), "{detail}");
            }
            _ => panic!("{policy:?} {schema:?}"),
        }
        let _ = ask(&server, Method::DELETE, &format!("{POLICIES}/inserts"), None).await;
        expect(&server, 200, Method::PUT, SCHEMA, text(TABLES)).await;
    }
    assert_eq!(policies + schemas, 10);
    assert_eq!(names(&server, "").await.len(), 6);
}
