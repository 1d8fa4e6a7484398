//! Who changed Jane's roles: the answer over HTTP, and moments of the past.

use serde_json::{Value, json};
use testkit::app::TestApp;

const CORE: &str = "urn:ietf:params:scim:schemas:core:2.0:User";

fn jane(roles: &[&str]) -> Value {
    let roles: Vec<Value> = roles.iter().map(|role| json!({ "value": role })).collect();
    json!({ "schemas": [CORE], "userName": "jane@acme.com", "roles": roles })
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_says_who_changed_janes_roles_and_what_they_were_before() {
    let app = TestApp::start().await;
    let (idp, operator) = (app.idp(), app.operator());
    let created = idp.post("/Users", jane(&["Analyst"])).await.expect(201);
    let path = format!("/Users/{}", created.id());
    operator.put("/tenants/acme/users/JANE@acme.com/roles/Admin", json!({})).await.expect(200);
    // Okta writes back what it reads: a role in effect through another source causes nothing.
    idp.put(&path, jane(&["Analyst", "Admin"])).await.expect(200);
    idp.put(&path, jane(&["Business User"])).await.expect(200);
    operator.delete("/tenants/acme/users/jane@acme.com/roles/Admin").await.expect(200);
    idp.delete(&path).await.expect(204);

    let question =
        "/tenants/acme/audit/commits?subject=Jane@ACME.com&event=RoleAssigned,RoleRevoked";
    let answer = operator.get(question).await.expect(200);
    let mut told = Vec::new();
    for commit in answer.body["commits"].as_array().unwrap() {
        assert_eq!(commit["source"], "127.0.0.1");
        assert_eq!(commit["hash"].as_str().unwrap().len(), 64);
        assert!(commit["request"].is_string() && commit["at"].is_string());
        for event in commit["events"].as_array().unwrap() {
            let names = |key: &str| {
                event[key]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|n| n.as_str().unwrap())
                    .collect::<Vec<_>>()
                    .join(",")
            };
            told.push(format!(
                "{} {} by {} {}: {} -> {}",
                event["type"].as_str().unwrap(),
                event["roleName"].as_str().unwrap(),
                commit["actor"]["kind"].as_str().unwrap(),
                commit["actor"]["name"].as_str().unwrap(),
                names("before"),
                names("after"),
            ));
        }
    }
    assert_eq!(
        told,
        [
            "RoleAssigned Analyst by connector okta:  -> Analyst",
            "RoleAssigned Admin by operator owner: Analyst -> Admin,Analyst",
            "RoleAssigned Business User by connector okta: Admin,Analyst -> Admin,Analyst,Business User",
            "RoleRevoked Analyst by connector okta: Admin,Analyst,Business User -> Admin,Business User",
            "RoleRevoked Admin by operator owner: Admin,Business User -> Business User",
            "RoleRevoked Business User by connector okta: Business User -> ",
        ]
    );
    let counted = async |actor: &str| {
        let path = format!("/tenants/acme/audit/commits?actor={actor}");
        operator.get(&path).await.expect(200).body["commits"].as_array().unwrap().len()
    };
    assert_eq!((counted("okta").await, counted("owner").await, counted("system").await), (3, 2, 3));
    operator.get("/tenants/acme/audit/commits?actor=entra").await.expect(404);
    // The first commit is the one that the client was told of when it wrote.
    assert_eq!(answer.body["commits"][0]["hash"], created.header("rollbook-commit"));
}

#[tokio::test(flavor = "multi_thread")]
async fn no_match_is_an_empty_answer_and_an_unknown_user_an_error() {
    let app = TestApp::start().await;
    let (idp, operator) = (app.idp(), app.operator());
    idp.post("/Users", jane(&[])).await.expect(201);
    let about = |who: &str| {
        format!("/tenants/acme/audit/commits?subject={who}&event=RoleAssigned,RoleRevoked")
    };
    let none = operator.get(&about("jane@acme.com")).await.expect(200);
    assert_eq!(none.body["commits"], json!([]));
    let unknown = operator.get(&about("john@acme.com")).await.expect(404);
    assert!(unknown.body["detail"].as_str().unwrap().contains("john@acme.com"));
    operator.get("/tenants/acme/audit/commits?event=RoleGiven").await.expect(400);
    operator.get("/tenants/acme/audit/commits?order=random").await.expect(400);
}

/// Walking the whole log by pages gives every position once, from either end.
#[tokio::test(flavor = "multi_thread")]
async fn answers_are_paged_by_position() {
    let app = TestApp::start().await;
    for number in 0..7 {
        let body = json!({ "schemas": [CORE], "userName": format!("u{number}") });
        app.idp().post("/Users", body).await.expect(201);
    }
    let last =
        app.operator().get("/tenants/acme").await.expect(200).body["head"]["position"].clone();
    let last = last.as_u64().unwrap();
    for (order, expected) in [
        ("oldest", (1..=last).collect::<Vec<_>>()),
        ("newest", (1..=last).rev().collect::<Vec<_>>()),
    ] {
        let (mut seen, mut next) = (Vec::new(), String::new());
        loop {
            let path = format!("/tenants/acme/audit/commits?order={order}&count=3{next}");
            let page = app.operator().get(&path).await.expect(200).body;
            seen.extend(
                page["commits"].as_array().unwrap().iter().map(|c| c["position"].as_u64().unwrap()),
            );
            match page["next"].as_object().and_then(|next| next.iter().next()) {
                Some((end, position)) => next = format!("&{end}={position}"),
                None => break,
            }
        }
        assert_eq!(seen, expected, "{order}");
    }
}

/// An older moment is read by the same handlers, and answers what it answered then.
#[tokio::test(flavor = "multi_thread")]
async fn a_read_as_of_a_moment_answers_what_it_answered_then() {
    let app = TestApp::start().await;
    let idp = app.idp();
    let created = idp.post("/Users", jane(&["Analyst"])).await.expect(201);
    let (id, position) = (created.id(), created.header("rollbook-position").to_owned());
    app.clock.fetch_add(60_000, std::sync::atomic::Ordering::Relaxed);
    idp.put(&format!("/Users/{id}"), jane(&["Admin"])).await.expect(200);
    idp.delete(&format!("/Users/{id}")).await.expect(204);
    idp.get(&format!("/Users/{id}")).await.expect(404);
    let then = idp.get(&format!("/Users/{id}?asOf={position}")).await.expect(200);
    assert_eq!(then.body, created.body);
    let list = idp
        .get("/Users?filter=userName%20eq%20%22jane%40acme.com%22&asOf=2026-01-01T00:00:30Z")
        .await;
    assert_eq!(list.expect(200).body["Resources"], json!([created.body]));
}

/// Names are told as they were then, of people and groups who are gone or called otherwise by now.
#[tokio::test(flavor = "multi_thread")]
async fn names_are_told_as_they_were_then() {
    let app = TestApp::start().await;
    let (idp, operator) = (app.idp(), app.operator());
    let id = idp.post("/Users", jane(&["Analyst"])).await.expect(201).id();
    let group = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": "Sales",
        "members": [{ "value": id }],
    });
    let team = idp.post("/Groups", group).await.expect(201).id();
    let renamed = json!({ "schemas": [CORE], "userName": "jane.li@acme.com" });
    idp.put(&format!("/Users/{id}"), renamed).await.expect(200);
    idp.delete(&format!("/Groups/{team}")).await.expect(204);
    idp.delete(&format!("/Users/{id}")).await.expect(204);
    let answer =
        operator.get("/tenants/acme/audit/commits?subject=jane@acme.com").await.expect(200);
    let mut told = Vec::new();
    for commit in answer.body["commits"].as_array().unwrap() {
        for event in commit["events"].as_array().unwrap() {
            let name = |key: &str| event[key].as_str().unwrap_or("-").to_owned();
            let user = if event.get("member").is_some() { "memberName" } else { "userName" };
            told.push(format!("{} {} {}", name("type"), name(user), name("groupName")));
        }
    }
    assert_eq!(
        told,
        [
            "UserCreated jane@acme.com -",
            "RoleAssigned jane@acme.com -",
            "GroupMemberAdded jane@acme.com Sales",
            "UserRenamed jane.li@acme.com -",
            "RoleRevoked jane.li@acme.com -",
            "GroupMemberRemoved jane.li@acme.com Sales",
            "UserDeleted jane.li@acme.com -",
        ]
    );
    // The instance's own log is asked in the same way; no answer holds a key's hash.
    let system =
        operator.get("/tenants/_system/audit/commits?event=TenantOpened").await.expect(200);
    assert_eq!(system.body["commits"].as_array().unwrap().len(), 2);
    let keys = operator.get("/tenants/acme/audit/commits?event=CredentialIssued").await.expect(200);
    assert_eq!(keys.body["commits"][0]["events"][0].get("hash"), None);
}

/// Seen to catch a change that is told without its value before.
#[tokio::test(flavor = "multi_thread")]
async fn an_active_that_was_cleared_is_told_with_what_it_was() {
    let app = TestApp::start().await;
    let (idp, operator) = (app.idp(), app.operator());
    let null = json!({ "schemas": [CORE], "userName": "jane@acme.com", "active": null });
    let path = format!("/Users/{}", idp.post("/Users", null.clone()).await.expect(201).id());
    for active in [json!(false), Value::Null, json!(true)] {
        let mut body = null.clone();
        body["active"] = active;
        idp.put(&path, body).await.expect(200);
    }
    let answer =
        operator.get("/tenants/acme/audit/commits?subject=jane@acme.com").await.expect(200);
    let mut told = Vec::new();
    for commit in answer.body["commits"].as_array().unwrap() {
        for event in commit["events"].as_array().unwrap() {
            assert_eq!(event["userName"], "jane@acme.com");
            let change = &event["personal"][0];
            told.push(format!("{} {} {}", event["type"], change["old"], change["new"]));
        }
    }
    assert_eq!(
        told,
        [
            r#""UserCreated" null null"#,
            r#""UserAttributesChanged" true null"#,
            r#""UserAttributesChanged" null false"#,
            r#""UserDeactivated" null null"#,
            r#""UserAttributesChanged" false null"#,
            r#""UserAttributesChanged" null true"#,
            r#""UserActivated" null null"#,
        ]
    );
}
