//! Lists: pages, filters from an index and without one, and sorting.

use serde_json::{Value, json};
use testkit::app::{Client, TestApp};

const CORE: &str = "urn:ietf:params:scim:schemas:core:2.0:User";

async fn people(app: &TestApp) -> Client {
    let idp = app.idp();
    // Name, nickname, mails with the primary one last, when there are two.
    for (name, nick, mails) in [
        ("carol", Some("b"), vec!["z@x.test", "a@x.test"]),
        ("Alice", Some("Ä"), vec!["m@x.test"]),
        ("bob", None, vec![]),
        ("Dave", Some("a"), vec!["B@x.test"]),
    ] {
        let last = mails.len().saturating_sub(1);
        let emails: Vec<Value> = mails
            .iter()
            .enumerate()
            .map(|(i, mail)| json!({ "value": mail, "primary": i == last && last > 0 }))
            .collect();
        let body = json!({
            "schemas": [CORE], "userName": name, "nickName": nick, "emails": emails,
            "externalId": format!("x-{name}"), "active": name != "bob",
        });
        idp.post("/Users", body).await.expect(201);
    }
    idp
}

async fn names(idp: &Client, query: &str) -> String {
    let list = idp.get(&format!("/Users?{query}")).await.expect(200).body;
    let found = list["Resources"].as_array().unwrap();
    assert_eq!(list["itemsPerPage"], found.len(), "{list:#}");
    found.iter().map(|user| user["userName"].as_str().unwrap()).collect::<Vec<_>>().join(" ")
}

/// Also R-7644-3.4.2.3-02, R-7644-3.4.2.3-03, R-7644-3.4.2.3-04.
#[tokio::test(flavor = "multi_thread")]
async fn r_7644_3_4_2_3_01_lists_are_sorted_as_asked() {
    let app = TestApp::start().await;
    let idp = people(&app).await;
    assert_eq!(names(&idp, "").await, "carol Alice bob Dave");
    assert_eq!(names(&idp, "sortBy=userName").await, "Alice bob carol Dave");
    assert_eq!(names(&idp, "sortBy=userName&sortOrder=descending").await, "Dave carol bob Alice");
    // Without a value last when ascending, first when descending.
    assert_eq!(names(&idp, "sortBy=nickName").await, "Dave carol Alice bob");
    assert_eq!(names(&idp, "sortBy=nickName&sortOrder=descending").await, "bob Alice carol Dave");
    // Of several values the primary one counts.
    assert_eq!(names(&idp, "sortBy=emails.value").await, "carol Dave Alice bob");
    assert_eq!(names(&idp, "sortBy=userName&startIndex=2&count=2").await, "bob carol");
    assert_eq!(names(&idp, "sortBy=meta.created").await, "carol Alice bob Dave");
    idp.get("/Users?sortBy=shoeSize").await.expect(400);
    idp.get("/Users?sortBy=userName&sortOrder=up").await.expect(400);
}

#[tokio::test(flavor = "multi_thread")]
async fn r_7644_3_4_2_2_06_filters_answer_alike_with_and_without_an_index() {
    let app = TestApp::start().await;
    let idp = people(&app).await;
    let check = async |filter: &str, expected: &str| {
        let query = format!("filter={}", filter.replace(' ', "%20").replace('"', "%22"));
        assert_eq!(names(&idp, &query).await, expected, "{filter}");
    };
    check(r#"userName eq "ALICE""#, "Alice").await;
    check(r#"userName eq "ALICE" and active eq false"#, "").await;
    check(r#"userName eq "dave" or userName eq "carol" or userName eq "DAVE""#, "carol Dave").await;
    check(r#"externalId eq "x-bob""#, "bob").await;
    check(r#"externalId eq "X-BOB""#, "").await;
    check(r#"userName co "a""#, "carol Alice Dave").await;
    check(r#"nickName pr and not (userName sw "c")"#, "Alice Dave").await;
    check(r#"emails[value ew "@X.test" and primary eq true]"#, "carol").await;
    check(r#"active eq false"#, "bob").await;
    check(r#"meta.resourceType eq "User" and displayName eq "nobody""#, "").await;
}

/// Okta's import: pages that together hold everybody once.
/// Also R-7644-3.4.2.4-01, R-7644-3.4.2.4-02, R-7644-3.4.2.4-03.
#[tokio::test(flavor = "multi_thread")]
async fn r_7644_3_4_2_4_05_pages_hold_everybody_once() {
    let app = TestApp::start().await;
    let idp = people(&app).await;
    assert_eq!(names(&idp, "startIndex=1&count=3").await, "carol Alice bob");
    assert_eq!(names(&idp, "startIndex=4&count=3").await, "Dave");
    assert_eq!(names(&idp, "startIndex=5&count=3").await, "");
    assert_eq!(names(&idp, "startIndex=-3&count=1").await, "carol");
    let none = idp.get("/Users?count=0").await.expect(200).body;
    assert_eq!((&none["totalResults"], &none["Resources"]), (&json!(4), &json!([])));
    let search = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"],
        "filter": "nickName pr", "sortBy": "userName", "count": 2, "attributes": ["nickName"],
    });
    let found = idp.post("/Users/.search", search).await.expect(200).body;
    assert_eq!(found["totalResults"], 3);
    assert_eq!(found["Resources"][0]["nickName"], "Ä");
    assert_eq!(found["Resources"][0].get("userName"), None, "{found:#}");
}
