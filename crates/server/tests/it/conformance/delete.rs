//! Taking resources away (RFC 7644 §3.6), and versions (RFC 7644 §3.14).

use reqwest::Method;
use serde_json::{Value, json};
use testkit::app::{Client, TestApp};

use super::*;

async fn with(
    idp: &Client,
    method: Method,
    path: &str,
    header: (&str, &str),
    body: Option<Value>,
) -> Reply {
    let body = body.map(|body| body.to_string().into_bytes());
    idp.send(method, path, &[header], body).await
}

/// Also R-7644-3.6-02.
#[tokio::test(flavor = "multi_thread")]
async fn r_7644_3_6_01_what_is_deleted_is_gone_everywhere() {
    let app = TestApp::start().await;
    let idp = app.idp();
    let more = json!({ "externalId": "A1", "emails": [{ "value": "a@x.test" }] });
    let ada = idp.post("/Users", user("ada", more.clone())).await.expect(201);
    let bob = json!({ ENTERPRISE: { "manager": { "value": ada.id() } } });
    let bob = idp.post("/Users", user("bob", bob)).await.expect(201);
    let team = idp.post("/Groups", group("Team", &[&ada.id(), &bob.id()])).await.expect(201);
    let all = idp.post("/Groups", group("All", &[&team.id()])).await.expect(201);
    let gone = idp.delete(&at(&ada)).await.expect(204);
    assert_eq!((&gone.body, gone.header("content-type")), (&Value::Null, ""));
    for reply in [
        idp.get(&at(&ada)).await,
        idp.put(&at(&ada), user("ada", json!({}))).await,
        idp.patch(&at(&ada), one("add", "title", json!("T"))).await,
        idp.delete(&at(&ada)).await,
    ] {
        refused(reply, 404, "");
    }
    for filter in ["userName eq \"ada\"", "externalId eq \"A1\"", "emails.value sw \"a\""] {
        assert_eq!(found(&idp, filter).await, [""; 0], "{filter}");
    }
    assert_eq!(found(&idp, &format!("id eq \"{}\"", ada.id())).await, [""; 0]);
    assert_eq!(names(&idp.get("/Users").await.expect(200)), ["bob"]);
    let members = filtered(&idp, "/Groups", &format!("members[value eq \"{}\"]", ada.id())).await;
    assert_eq!(members.expect(200).body["totalResults"], 0);
    let left = idp.get(&at_group(&team)).await.expect(200).body;
    assert_eq!(left["members"].as_array().unwrap().len(), 1);
    // Who comes back is somebody else.
    let back = idp.post("/Users", user("ADA", more)).await.expect(201);
    assert_ne!(back.id(), ada.id());
    assert_eq!(back.body.get("groups"), None);
    // A group goes likewise, from its members' `groups` and from the groups that it is in.
    idp.delete(&at_group(&team)).await.expect(204);
    refused(idp.get(&at_group(&team)).await, 404, "");
    refused(idp.delete(&at_group(&team)).await, 404, "");
    assert_eq!(idp.get(&at(&bob)).await.expect(200).body.get("groups"), None);
    assert_eq!(idp.get(&at_group(&all)).await.expect(200).body.get("members"), None);
    idp.post("/Groups", group("TEAM", &[])).await.expect(201);
}

/// Also R-7644-3.14-02, R-7644-3.14-03.
#[tokio::test(flavor = "multi_thread")]
async fn r_7644_3_6_03_if_match_guards_every_write() {
    let app = TestApp::start().await;
    let idp = app.idp();
    let ada = idp.post("/Users", user("ada", json!({}))).await.expect(201);
    let team = idp.post("/Groups", group("Team", &[])).await.expect(201);
    let never = "00000000-0000-0000-0000-00000000ffff";
    for (made, path, whole) in [
        (&ada, at(&ada), user("ada", json!({ "title": "T" }))),
        (&team, at_group(&team), group("Other", &[])),
    ] {
        let tag = made.header("etag").to_owned();
        let number = tag.trim_start_matches("W/").trim_matches('"').to_owned();
        let change = one("replace", "displayName", json!("N"));
        let before = head(&app);
        for stale in ["W/\"1\"", "\"1\"", "\"\"", "\"other\"", &*number, "W/\"99999\""] {
            let header = ("if-match", stale);
            let put = with(&idp, Method::PUT, &path, header, Some(whole.clone())).await;
            refused(put, 412, "");
            refused(with(&idp, Method::PATCH, &path, header, Some(change.clone())).await, 412, "");
            refused(with(&idp, Method::DELETE, &path, header, None).await, 412, "");
        }
        assert_eq!(head(&app), before);
        assert_eq!(idp.get(&path).await.expect(200).body, made.body);
        // Weak or not, alone or among others, or any.
        let changed = with(&idp, Method::PATCH, &path, ("if-match", &tag), Some(change)).await;
        let strong = changed.header("etag").trim_start_matches("W/").to_owned();
        let put =
            with(&idp, Method::PUT, &path, ("if-match", &strong), Some(whole)).await.expect(200);
        let among = format!("\"x\", {}", put.header("etag"));
        let none = format!("{path}-");
        refused(with(&idp, Method::DELETE, &none, ("if-match", &tag), None).await, 404, "");
        let unknown = format!("{}/{never}", path.rsplit_once('/').unwrap().0);
        refused(with(&idp, Method::DELETE, &unknown, ("if-match", "*"), None).await, 404, "");
        let same = one("add", "externalId", json!("E"));
        let patched = with(&idp, Method::PATCH, &path, ("if-match", &among), Some(same)).await;
        assert!(patched.status.is_success(), "{patched}");
        with(&idp, Method::DELETE, &path, ("if-match", "*"), None).await.expect(204);
        refused(idp.get(&path).await, 404, "");
    }
}

/// Also R-7644-3.14-04.
#[tokio::test(flavor = "multi_thread")]
async fn r_7644_3_14_01_the_version_is_the_tag_byte_for_byte() {
    let app = TestApp::start().await;
    let idp = app.idp();
    let ada = idp.post("/Users", user("ada", json!({}))).await.expect(201);
    let same = |reply: &Reply| {
        let tag = reply.header("etag").to_owned();
        assert!(tag.starts_with("W/\"") && tag.ends_with('"'), "{reply}");
        assert_eq!(reply.body["meta"]["version"], tag, "{reply}");
        tag
    };
    let made = same(&ada);
    assert_eq!(same(&idp.get(&at(&ada)).await.expect(200)), made);
    let put = same(&idp.put(&at(&ada), user("ada", json!({ "title": "T" }))).await.expect(200));
    let patched = one("replace", "title", json!("U"));
    let patched = same(&idp.patch(&at(&ada), patched).await.expect(200));
    assert!(made != put && put != patched && made != patched);
    let listed = idp.get("/Users").await.expect(200).body["Resources"][0].clone();
    assert_eq!(listed["meta"]["version"], patched);
    for known in
        [patched.clone(), patched.replace("W/", ""), format!("\"x\", {patched}"), "*".into()]
    {
        for method in [Method::GET, Method::HEAD] {
            let reply =
                with(&idp, method, &at(&ada), ("if-none-match", &known), None).await.expect(304);
            assert_eq!((&reply.body, reply.header("etag")), (&Value::Null, &*patched), "{known}");
        }
    }
    for other in [&made, "\"x\"", ""] {
        with(&idp, Method::GET, &at(&ada), ("if-none-match", other), None).await.expect(200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn r_7644_3_14_05_the_version_moves_with_the_resource_and_nothing_else() {
    let app = TestApp::start().await;
    let idp = app.idp();
    let boss = idp.post("/Users", user("boss", json!({}))).await.expect(201);
    let more = json!({ ENTERPRISE: { "manager": { "value": boss.id() } } });
    let ada = idp.post("/Users", user("ada", more)).await.expect(201);
    let tag = async || idp.get(&at(&ada)).await.expect(200).header("etag").to_owned();
    let first = tag().await;
    // What follows from others does not count: the groups that she is in, her manager's name.
    idp.post("/Groups", group("Team", &[&ada.id()])).await.expect(201);
    idp.patch(&at(&boss), one("add", "displayName", json!("Boss"))).await.expect(200);
    let shown = idp.get(&at(&ada)).await.expect(200).body;
    assert_eq!(shown["groups"][0]["display"], "Team");
    assert_eq!(shown[ENTERPRISE]["manager"]["displayName"], "Boss");
    assert_eq!(tag().await, first);
    // Nor does time, nor what is refused, nor what changes nothing.
    wait(&app, 86_400_000);
    bad(idp.patch(&at(&ada), one("replace", "active", json!("perhaps"))).await, "invalidValue");
    idp.patch(&at(&ada), one("replace", "userName", json!("ada"))).await.expect(200);
    assert_eq!(tag().await, first);
    let mut seen = vec![first];
    for change in [
        one("add", "title", json!("T")),
        one("replace", "title", json!("t")),
        one("remove", "title", Value::Null),
        one("replace", "active", json!(false)),
        one("add", "roles", json!([{ "value": "Admin" }])),
    ] {
        idp.patch(&at(&ada), change).await.expect(200);
        let now = tag().await;
        assert!(!seen.contains(&now), "{now}");
        seen.push(now);
    }
    // Without `If-Match` the last one wins.
    for title in ["A", "B"] {
        idp.put(&at(&ada), user("ada", json!({ "title": title }))).await.expect(200);
    }
    assert_eq!(idp.get(&at(&ada)).await.expect(200).body["title"], "B");
}
