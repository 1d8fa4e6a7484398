//! Sorting and pages by index (RFC 7644 §3.4.2.3, §3.4.2.4).

use std::collections::BTreeSet;

use serde_json::json;
use testkit::app::{Client, TestApp};

use super::*;

async fn sorted(idp: &Client, query: &str) -> String {
    names(&idp.get(&format!("/Users?{query}")).await.expect(200)).join(" ")
}

/// Also R-7644-3.4.2.3-03, R-7644-3.4.2.3-04.
#[tokio::test(flavor = "multi_thread")]
async fn r_7644_3_4_2_3_01_ascending_unless_asked_otherwise() {
    let app = TestApp::start().await;
    extend(
        &app,
        false,
        json!([{ "name": "number", "type": "integer" }, {
        "name": "code", "caseExact": true }, { "name": "since", "type": "dateTime" }]),
    )
    .await
    .unwrap();
    let idp = app.idp();
    for (name, number, code, since, nick) in [
        ("d", json!(10), "b", "2026-01-01T02:00:00+02:00", json!("Ärger")),
        ("c", json!(9), "B", "2026-01-01T00:30:00Z", json!("straße")),
        ("b", json!(-1), "a", "2025-12-31T23:59:59Z", json!("STRASSE")),
        ("a", json!(null), "A", "2026-01-01T01:00:00Z", json!(null)),
    ] {
        let own = json!({ "number": number, "code": code, "since": since });
        let body = user(name, json!({ "nickName": nick, OWN: own }));
        idp.post("/Users", body).await.expect(201);
    }
    for (by, order) in [
        ("userName", "a b c d"),
        // By number, and not as text; who has none is last, and first from behind.
        (&*format!("{OWN}:number"), "b c d a"),
        // Letter by letter where case counts.
        (&*format!("{OWN}:code"), "a c b d"),
        (&*format!("{OWN}:since"), "b d c a"),
        // `straße` and `STRASSE` are the same: the ids decide, and they count up.
        ("nickName", "c b d a"),
        ("meta.created", "d c b a"),
        ("id", "d c b a"),
    ] {
        assert_eq!(sorted(&idp, &format!("sortBy={by}")).await, order, "{by}");
        let up = format!("sortBy={by}&sortOrder=ascending");
        assert_eq!(sorted(&idp, &up).await, order, "{by}");
    }
    let number = format!("sortBy={OWN}:number&sortOrder=descending");
    assert_eq!(sorted(&idp, &number).await, "a d c b");
    assert_eq!(sorted(&idp, "sortBy=USERNAME&sortOrder=Descending").await, "d c b a");
    for wrong in
        ["sortBy=userName&sortOrder=down", "sortBy=shoeSize", "sortBy=name", "sortBy=name.nothing"]
    {
        bad(idp.get(&format!("/Users?{wrong}")).await, "invalidValue");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn r_7644_3_4_2_3_02_lists_by_their_primary_or_first_element() {
    let app = TestApp::start().await;
    let idp = app.idp();
    for (name, emails) in [
        ("primary", json!([{ "value": "z@x.test" }, { "value": "b@x.test", "primary": true }])),
        ("first", json!([{ "value": "C@x.test" }, { "value": "a@x.test" }])),
        ("none", json!([])),
        ("one", json!([{ "value": "a@x.test" }])),
    ] {
        idp.post("/Users", user(name, json!({ "emails": emails }))).await.expect(201);
    }
    assert_eq!(sorted(&idp, "sortBy=emails.value").await, "one primary first none");
    assert_eq!(
        sorted(&idp, "sortBy=emails.value&sortOrder=descending").await,
        "none first primary one"
    );
}

/// Also R-7644-3.4.2.4-02, R-7644-3.4.2.4-03, R-7644-3.4.2.4-04.
#[tokio::test(flavor = "multi_thread")]
async fn r_7644_3_4_2_4_01_pages_as_they_are_asked_for() {
    let app = TestApp::start().await;
    let idp = app.idp();
    for n in 0..12 {
        idp.post("/Users", user(&format!("u{n:02}"), json!({}))).await.expect(201);
    }
    for (query, start, items) in [
        ("", 1, 12),
        ("startIndex=0", 1, 12),
        ("startIndex=-5&count=3", 1, 3),
        ("count=-1", 1, 0),
        ("count=0", 1, 0),
        ("startIndex=5&count=0", 5, 0),
        ("count=5", 1, 5),
        ("startIndex=11&count=5", 11, 2),
        ("startIndex=13&count=5", 13, 0),
        ("startIndex=5000", 5_000, 0),
        ("count=99999", 1, 12),
    ] {
        let page = idp.get(&format!("/Users?{query}")).await.expect(200).body;
        let told = [&page["totalResults"], &page["startIndex"], &page["itemsPerPage"]];
        assert_eq!(told, [&json!(12), &json!(start), &json!(items)], "{query}: {page}");
        assert_eq!(page["Resources"].as_array().unwrap().len(), items, "{query}");
    }
    for wrong in ["startIndex=x", "startIndex=1.5", "count=", "count=ten", "startIndex=1e3"] {
        bad(idp.get(&format!("/Users?{wrong}")).await, "invalidValue");
    }
    for wrong in [json!("1"), json!(1.5), json!(true)] {
        let body = json!({ "schemas": [SEARCH], "count": wrong });
        bad(idp.post("/Users/.search", body).await, "invalidValue");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn r_7644_3_4_2_4_05_every_page_together_is_everybody_once() {
    let app = TestApp::start().await;
    let idp = app.idp();
    for n in 0..25 {
        wait(&app, i64::from(n % 2));
        let body = user(&format!("u{n:02}"), json!({ "title": format!("t{}", n % 3) }));
        idp.post("/Users", body).await.expect(201);
    }
    let created = idp.get("/Users?attributes=meta.created").await.expect(200).body;
    let times: Vec<&str> = created["Resources"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["meta"]["created"].as_str().unwrap())
        .collect();
    assert!(times.is_sorted(), "{times:?}");
    for order in ["", "&sortBy=title", "&sortBy=title&sortOrder=descending", "&sortBy=nickName"] {
        let mut seen = BTreeSet::new();
        for start in (1..=25).step_by(4) {
            let page = idp.get(&format!("/Users?startIndex={start}&count=4{order}")).await;
            for name in names(&page.expect(200)) {
                assert!(seen.insert(name.clone()), "{name} comes twice: {order}");
            }
        }
        assert_eq!(seen.len(), 25, "{order}");
    }
}
