//! `active` without a value.
//!
//! Seen to catch: a list of who is active that has those without `active`; an `active` that is shown
//! though it was cleared; a PATCH of something else that assigns it; a clearing that opens or closes
//! somebody's key.

use serde_json::{Value, json};
use testkit::app::{Client, Reply, TestApp};

use super::*;

/// A user whose `active` this connector cleared.
async fn cleared(idp: &Client, name: &str, active: bool) -> Reply {
    let made = idp.post("/Users", user(name, json!({ "active": active }))).await.expect(201);
    idp.patch(&at(&made), one("remove", "active", Value::Null)).await
}

/// Also R-7643-2.5-01, R-7643-2.5-02.
#[tokio::test(flavor = "multi_thread")]
async fn r_7644_3_5_2_2_01_a_removed_active_is_unassigned() {
    for preset in ["generic", "strict", "interop"] {
        let app = TestApp::start().await;
        let idp = app.connector(preset).await;
        for (name, active) in [("ada", true), ("bob", false)] {
            let removed = cleared(&idp, name, active).await.expect(200).body;
            assert_eq!(removed.get("active"), None, "{removed:#}");
            let path = format!("/Users/{}", removed["id"].as_str().unwrap());
            assert_eq!(idp.get(&path).await.expect(200).body, removed);
            // Nothing else assigns it; a value does.
            let titled = idp.patch(&path, one("add", "title", json!("T"))).await.expect(200).body;
            assert_eq!(titled.get("active"), None);
            let put = idp.put(&path, user(name, json!({}))).await.expect(200).body;
            assert_eq!(put.get("active"), None, "{put:#}");
            for value in [false, true] {
                let assigned = idp.patch(&path, one("add", "active", json!(value))).await;
                assert_eq!(assigned.expect(200).body["active"], value);
                let put = idp.put(&path, user(name, json!({ "active": null }))).await.expect(200);
                assert_eq!(put.body.get("active"), None, "{put}");
            }
            // The past is what it was.
            let was = idp.get(&format!("{path}?asOf={}", head(&app) - 1)).await.expect(200).body;
            assert_eq!(was["active"], true);
        }
    }
}

/// Also R-7644-3.4.2.2-12, R-7644-3.4.2.2-13, R-7644-3.4.2.2-15.
#[tokio::test(flavor = "multi_thread")]
async fn r_7644_3_4_2_2_11_an_unassigned_active_is_not_present() {
    let app = TestApp::start().await;
    let idp = app.idp();
    cleared(&idp, "ada", true).await.expect(200);
    cleared(&idp, "bob", false).await.expect(200);
    idp.post("/Users", user("carol", json!({}))).await.expect(201);
    idp.post("/Users", user("dave", json!({ "active": false }))).await.expect(201);
    for (filter, expected) in [
        ("active pr", &["carol", "dave"][..]),
        ("not (active pr)", &["ada", "bob"]),
        ("active eq true", &["carol"]),
        ("active eq false", &["dave"]),
        ("active eq true or active eq false", &["carol", "dave"]),
        ("active eq true and userName pr", &["carol"]),
        ("active ne true", &["ada", "bob", "dave"]),
        ("active ne false", &["ada", "bob", "carol"]),
        ("active eq null", &["ada", "bob"]),
        ("active ne null", &["carol", "dave"]),
        ("not (active eq true)", &["ada", "bob", "dave"]),
    ] {
        assert_eq!(found(&idp, filter).await, expected, "{filter}");
    }
    // Without a value last (R-7644-3.4.2.3-03).
    let sorted = names(&idp.get("/Users?sortBy=active").await.expect(200));
    assert_eq!(sorted[..2], ["dave", "carol"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn r_7644_3_3_03_null_suppresses_the_default_of_active() {
    let app = TestApp::start().await;
    for preset in ["generic", "strict", "interop"] {
        let idp = app.connector(preset).await;
        let plain = idp.post("/Users", user(preset, json!({}))).await.expect(201).body;
        assert_eq!(plain["active"], true);
        let name = format!("{preset}.null");
        let null = idp.post("/Users", user(&name, json!({ "active": null }))).await.expect(201);
        assert_eq!(null.body.get("active"), None, "{null}");
        assert_eq!(idp.get(&at(&null)).await.expect(200).body, null.body);
        assert_eq!(null.body["meta"]["created"], null.body["meta"]["lastModified"]);
        may_act(&app, &null.id(), true).await;
    }
    let entra = app.connector("entra").await;
    let empty = entra.post("/Users", user("empty", json!({ "active": "" }))).await.expect(201);
    assert_eq!(empty.body.get("active"), None, "{empty}");
    may_act(&app, &empty.id(), true).await;
}

/// Entra's null update clears everything: who was disabled stays it, and who was not is not.
#[tokio::test(flavor = "multi_thread")]
async fn r_7644_3_5_1_03_clearing_active_lets_nobody_in_or_out() {
    let app = TestApp::start().await;
    let idp = app.connector("entra").await;
    for (name, active) in [("ada", true), ("bob", false)] {
        let made = idp.post("/Users", user(name, json!({ "active": active }))).await.expect(201);
        let path = at(&made);
        for value in [json!(""), json!(null)] {
            let clear = patch(json!([{ "op": "Replace", "path": "active", "value": value }]));
            idp.patch(&path, clear).await;
            assert_eq!(idp.get(&path).await.expect(200).body.get("active"), None);
            may_act(&app, &made.id(), active).await;
        }
        idp.put(&path, user(name, json!({ "active": null }))).await.expect(200);
        may_act(&app, &made.id(), active).await;
        idp.put(&path, user(name, json!({ "active": !active }))).await.expect(200);
        may_act(&app, &made.id(), !active).await;
    }
}

/// Whether a key of the user's own opens anything.
async fn may_act(app: &TestApp, id: &str, may: bool) {
    let issued = app.operator().post("/tenants/acme/credentials", json!({ "user": id })).await;
    let issued = issued.expect(201).body;
    let me = app.idp().with_key(issued["apiKey"].as_str().unwrap());
    me.get("/Me").await.expect(if may { 200 } else { 401 });
}
