//! One thing as it was at a moment, and what changed between two, through the admin API.

use serde_json::{Value, json};
use testkit::app::{Client, TestApp};

const CORE: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";

async fn user(idp: &Client, name: &str) -> String {
    let body = json!({ "schemas": [CORE], "userName": name, "title": "T", "externalId": format!("x-{name}"),
        "roles": [{ "value": "Analyst" }] });
    idp.post("/Users", body).await.expect(201).id()
}

async fn group(idp: &Client, name: &str, members: &[&str]) -> String {
    let members: Vec<Value> = members.iter().map(|id| json!({ "value": id })).collect();
    let body = json!({ "schemas": [GROUP], "displayName": name, "members": members });
    idp.post("/Groups", body).await.expect(201).id()
}

async fn position(operator: &Client) -> u64 {
    let shown = operator.get("/tenants/acme").await.expect(200);
    shown.body["head"]["position"].as_u64().unwrap()
}

async fn refused(operator: &Client, path: &str, status: u16) -> String {
    let reply = operator.get(&format!("/tenants/acme{path}")).await.expect(status);
    reply.body["detail"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_is_shown_with_every_source_and_as_it_was() {
    let app = TestApp::start().await;
    let (idp, operator) = (app.idp(), app.operator());
    let jane = user(&idp, "jane@old").await;
    let inner = group(&idp, "Inner", &[&jane]).await;
    group(&idp, "Outer", &[&inner]).await;
    operator.put("/tenants/acme/users/jane@old/roles/Analyst", json!({})).await.expect(200);
    operator.post("/tenants/acme/credentials", json!({ "user": "jane@old" })).await.expect(201);
    let then = operator.get("/tenants/acme/users/JANE@old").await.expect(200);
    let (shown, at) = (&then.body, position(&operator).await);
    assert_eq!(
        (&shown["kind"], &shown["id"], &shown["active"]),
        (&json!("user"), &json!(jane), &json!(true))
    );
    assert_eq!(shown["managedBy"]["name"], "okta");
    assert_eq!(shown["externalIds"][0]["value"], "x-jane@old");
    assert_eq!(shown["attributes"]["title"], "T");
    let sources = |role: &Value| {
        let through = role["through"].as_array().unwrap().iter();
        through.map(|one| one["kind"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(shown["roles"][0]["name"], "Analyst");
    assert_eq!(sources(&shown["roles"][0]), ["connector", "local"]);
    assert_eq!(
        (&shown["groups"][0]["name"], &shown["groups"][1]["name"]),
        (&json!("Inner"), &json!("Outer"))
    );
    assert!(shown["groups"][0]["via"].is_null(), "{then}");
    assert_eq!(shown["groups"][1]["via"]["name"], "Inner");
    assert_eq!(shown["keys"].as_array().unwrap().len(), 1);
    assert!(!then.to_string().contains("hash\": \"") || shown["keys"][0]["hash"].is_null());
    assert_eq!(shown["head"]["position"], at);
    assert_eq!(shown["version"], at - 1, "issuing a key changes no user");

    let patch = json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": [
        { "op": "replace", "path": "userName", "value": "jane@new" }] });
    idp.patch(&format!("/Users/{jane}"), patch).await.expect(200);
    user(&idp, "jane@old").await;
    idp.patch(
        &format!("/Groups/{inner}"),
        json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": [{ "op": "remove", "path": "members" }] }),
    )
    .await;
    // The name means whoever had it at the moment; the answer is to the letter what it was.
    let again = operator.get(&format!("/tenants/acme/users/jane@old?asOf={at}")).await.expect(200);
    assert_eq!(again.to_string(), then.to_string());
    let now = operator.get("/tenants/acme/users/jane@old").await.expect(200);
    assert_ne!(now.body["id"], json!(jane));
    let renamed = operator.get("/tenants/acme/users/jane@new").await.expect(200).body;
    assert_eq!((&renamed["id"], &renamed["groups"]), (&json!(jane), &json!([])));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_was_not_there_is_told_of_with_the_commit_that_made_it_so() {
    let app = TestApp::start().await;
    let (idp, operator) = (app.idp(), app.operator());
    let before = position(&operator).await;
    let jane = user(&idp, "jane@old").await;
    let born = position(&operator).await;
    let patch = json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": [
        { "op": "replace", "path": "userName", "value": "jane@new" }] });
    idp.patch(&format!("/Users/{jane}"), patch).await.expect(200);
    let told = refused(&operator, "/users/jane@old", 404).await;
    assert!(told.contains(&format!("user `jane@old` ({jane}) is `jane@new` by then")), "{told}");
    // What is yet to come is not known yet.
    let told = refused(&operator, &format!("/users/jane@new?asOf={born}"), 404).await;
    assert!(told.contains("there was no user `jane@new`"), "{told}");
    let told = refused(&operator, &format!("/users/{jane}?asOf={before}"), 404).await;
    assert!(told.contains("there was no user"), "{told}");
    idp.delete(&format!("/Users/{jane}")).await.expect(204);
    for who in ["jane@new", jane.as_str()] {
        let told = refused(&operator, &format!("/users/{who}"), 404).await;
        let deleted = format!("was deleted at position {},", born + 2);
        assert!(told.contains(&deleted) && told.contains("by connector okta"), "{told}");
    }
    let shown =
        operator.get(&format!("/tenants/acme/users/jane@new?asOf={}", born + 1)).await.expect(200);
    assert!(shown.body["erased"].is_null(), "{shown}");

    let path = format!("/tenants/acme/users/{jane}/erase");
    operator.post(&path, json!({ "reason": "request 4711" })).await.expect(200);
    let erased = operator.get(&format!("/tenants/acme/users/{jane}?asOf={born}")).await.expect(200);
    assert_eq!(erased.body["erased"]["position"], born + 3);
    assert!(!erased.to_string().contains("jane@"), "{erased}");
    refused(&operator, &format!("/users/jane@old?asOf={born}"), 404).await;
    let told = refused(&operator, &format!("/users/{jane}"), 404).await;
    assert!(told.contains(&format!("and erased at position {},", born + 3)), "{told}");
    // Whoever compares is told so too, and nothing else.
    let all = "/tenants/acme/diff?all=true";
    let told = operator.get(&format!("{all}&from={before}")).await.expect(200);
    assert_eq!(told.body["differences"][0]["became"], "cameAndWent", "{told}");
    assert_eq!(told.body["differences"][0]["erased"]["position"], born + 3);
    assert!(!told.to_string().contains("jane@"), "{told}");
    let told = operator.get(&format!("{all}&from={}", born + 2)).await.expect(200);
    assert_eq!(told.body["summary"]["erased"], 1, "{told}");

    for (path, words) in [
        ("/groups/Nobodies", "there was no group `Nobodies`"),
        ("/roles/analyst", "letter by letter"),
        ("/credentials/x", "there was no credential `x`"),
        ("/connectors/entra", "there was no connector `entra`"),
    ] {
        let told = refused(&operator, path, 404).await;
        assert!(told.contains(words), "{told}");
    }
}

/// A name that a group gave up, or took with it, still says which group is meant.
#[tokio::test(flavor = "multi_thread")]
async fn a_group_is_found_by_a_name_that_it_had() {
    let app = TestApp::start().await;
    let (idp, operator) = (app.idp(), app.operator());
    let jane = user(&idp, "jane").await;
    let sales = group(&idp, "Sales", &[&jane]).await;
    let born = position(&operator).await;
    let patch = json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": [
        { "op": "replace", "path": "displayName", "value": "Field Sales" }] });
    idp.patch(&format!("/Groups/{sales}"), patch).await.expect(204);
    let told = refused(&operator, "/groups/sales", 404).await;
    assert!(told.contains(&format!("group `sales` ({sales}) is `Field Sales` by then")), "{told}");
    // Before it had the name, as after: the same group.
    for at in [born, born + 1] {
        let path = format!("/tenants/acme/explain?user=jane&group=field%20sales&asOf={at}");
        let told = operator.get(&path).await.expect(200);
        assert_eq!(
            (&told.body["answer"], &told.body["group"]["id"]),
            (&json!(true), &json!(sales))
        );
    }

    idp.delete(&format!("/Groups/{sales}")).await.expect(204);
    let told = refused(&operator, "/groups/SALES", 404).await;
    let gone = format!("was deleted at position {},", born + 2);
    assert!(told.contains(&gone) && told.contains("connector okta"), "{told}");
    let path = format!("/tenants/acme/diff?group=Sales&from={}", born + 1);
    let told = operator.get(&path).await.expect(200);
    let difference = &told.body["differences"][0];
    assert_eq!(
        (&difference["became"], &difference["thing"]["id"]),
        (&json!("disappeared"), &json!(sales)),
        "{told}"
    );
}

/// Whoever is asked for by a name that they got later is explained by who they were then.
#[tokio::test(flavor = "multi_thread")]
async fn a_later_name_means_who_was_there_by_another() {
    let app = TestApp::start().await;
    let (idp, operator) = (app.idp(), app.operator());
    let jane = user(&idp, "jane@old").await;
    let born = position(&operator).await;
    let patch = json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": [
        { "op": "replace", "path": "userName", "value": "jane@new" }] });
    idp.patch(&format!("/Users/{jane}"), patch).await.expect(200);
    let path = format!("/tenants/acme/explain?user=jane@new&role=Analyst&asOf={born}");
    let told = operator.get(&path).await.expect(200);
    assert_eq!(
        (&told.body["answer"], &told.body["user"]["state"], &told.body["user"]["name"]),
        (&json!(true), &json!("present"), &json!("jane@old")),
        "{told}"
    );
}

/// Members and holders come page by page, each once.
#[tokio::test(flavor = "multi_thread")]
async fn members_and_holders_come_page_by_page() {
    let app = TestApp::start().await;
    let (idp, operator) = (app.idp(), app.operator());
    let mut ids = Vec::new();
    for number in 0..7 {
        ids.push(user(&idp, &format!("u{number}")).await);
    }
    let all: Vec<&str> = ids.iter().map(String::as_str).collect();
    let inner = group(&idp, "Inner", &[]).await;
    group(&idp, "Sales", &all).await;
    let sales = operator.get("/tenants/acme/groups/SALES").await.expect(200).id();
    let add = json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": [
        { "op": "add", "path": "members", "value": [{ "value": inner }] }] });
    idp.patch(&format!("/Groups/{sales}"), add).await;
    for (path, list, count) in
        [("groups/Sales", "members", "memberCount"), ("roles/Analyst", "holders", "holderCount")]
    {
        let mut seen = Vec::new();
        let mut after = String::new();
        loop {
            let page = format!("/tenants/acme/{path}?count=3{after}");
            let page = operator.get(&page).await.expect(200).body;
            seen.extend(
                page[list]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|one| one["id"].as_str().unwrap().to_owned()),
            );
            match page["next"].as_str() {
                Some(next) => after = format!("&after={next}"),
                None => {
                    assert_eq!(page[count], seen.len());
                    break;
                }
            }
        }
        let mut expected = ids.clone();
        if list == "members" {
            expected.push(inner.clone());
        }
        assert_eq!(seen, expected, "{path}");
        operator.get(&format!("/tenants/acme/{path}?after=nobody")).await.expect(400);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_changed_is_told_with_its_commits() {
    let app = TestApp::start().await;
    let (idp, operator) = (app.idp(), app.operator());
    let jane = user(&idp, "jane").await;
    let sales = group(&idp, "Sales", &[&jane]).await;
    let from = position(&operator).await;
    let body = json!({ "schemas": [CORE], "userName": "jane", "title": "Boss", "active": false,
        "roles": [{ "value": "Admin" }] });
    idp.put(&format!("/Users/{jane}"), body).await.expect(200);
    operator.put("/tenants/acme/users/jane/roles/Admin", json!({})).await.expect(200);
    idp.delete(&format!("/Groups/{sales}")).await.expect(204);
    operator
        .post("/tenants/acme/roles", json!({ "name": "Auditor", "description": "Reads" }))
        .await
        .expect(200);
    operator
        .post("/tenants/acme/roles", json!({ "name": "Everyone", "description": "x" }))
        .await
        .expect(200);
    let to = position(&operator).await;
    let diff = async |query: &str| {
        operator.get(&format!("/tenants/acme/diff?from={from}{query}")).await.expect(200).body
    };
    let lines = |told: &Value| {
        let mut lines = Vec::new();
        for one in told["differences"].as_array().unwrap() {
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            let thing = format!("{} {}", text(&one["thing"]["kind"]), text(&one["thing"]["name"]));
            lines.push(format!("{thing} {}", text(&one["became"])));
            for change in one["changes"].as_array().unwrap() {
                let side = |side: &str| match change[side].as_array() {
                    Some(sources) => {
                        sources.iter().map(|s| text(&s["kind"])).collect::<Vec<_>>().join("+")
                    }
                    None => change[side].to_string(),
                };
                let (what, path) = (text(&change["what"]), text(&change["path"]));
                let (before, after) = (side("before"), side("after"));
                lines
                    .push(format!("  {what} {path}: {before} -> {after} by {}", change["commits"]));
            }
        }
        lines
    };
    let told = diff("").await;
    let (a, b, c) = (from + 1, from + 2, from + 3);
    let expected = [
        "user jane changed".to_owned(),
        format!("  attribute active: true -> false by [{a}]"),
        format!("  attribute title: \"T\" -> \"Boss\" by [{a}]"),
        format!("  externalId externalId: \"x-jane\" -> null by [{a}]"),
        format!("  role Admin: null -> connector+local by [{a},{b}]"),
        format!("  role Analyst: connector -> null by [{a}]"),
        "group Sales disappeared".to_owned(),
        format!("  attribute displayName: \"Sales\" -> null by [{c}]"),
        format!(
            "  attribute managedBy: {} -> null by [{c}]",
            told["differences"][1]["changes"][1]["before"]
        ),
        format!("  member jane: connector -> null by [{c}]"),
        "role Auditor appeared".to_owned(),
        format!("  attribute description: null -> \"Reads\" by [{}]", from + 4),
        format!("  attribute name: null -> \"Auditor\" by [{}]", from + 4),
        format!("  attribute retired: null -> false by [{}]", from + 4),
        "role Everyone changed".to_owned(),
    ];
    let found = lines(&told);
    assert_eq!(found[..expected.len()], expected);
    assert_eq!(
        told["summary"],
        json!({ "appeared": 1, "disappeared": 1, "changed": 2, "erased": 0,
        "changedBack": 0, "cameAndWent": 0, "commits": to - from })
    );
    let cause = &told["differences"][0]["commits"][1];
    assert_eq!((&cause["position"], &cause["actor"]["name"]), (&json!(b), &json!("owner")));

    let own = lines(&diff("&user=JANE").await);
    assert!(own.contains(&format!("  group Sales: connector -> null by [{c}]")), "{own:?}");
    assert_eq!(lines(&diff("&group=sales").await), expected[6..10]);
    let admin = lines(&diff("&role=Admin").await);
    assert_eq!(admin[1], format!("  holder jane: null -> connector+local by [{a},{b}]"));
    assert_eq!(diff(&format!("&to={from}")).await["differences"], json!([]));
    let page = diff("&count=1&skip=1").await;
    assert_eq!((&page["next"], lines(&page).len()), (&json!(2), 4));

    let told = refused(&operator, &format!("/diff?from={to}&to={from}"), 400).await;
    assert!(told.contains("the wrong way round"), "{told}");
    let told = refused(&operator, &format!("/diff?from={from}&user=nobody"), 404).await;
    assert!(told.contains("`nobody`"), "{told}");
    for wrong in ["", "?from=x", "?from=1&user=jane&role=Admin", "?from=1&asOf=3", "?from=9999"] {
        refused(&operator, &format!("/diff{wrong}"), 400).await;
    }
}
