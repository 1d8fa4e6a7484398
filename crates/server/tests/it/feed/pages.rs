//! Pages of the feed.

use serde_json::{Value, json};
use testkit::app::TestApp;

use super::*;

/// Nothing is lost, nothing told twice, whatever the pages' size; the entries are those of the audit.
#[tokio::test(flavor = "multi_thread")]
async fn pages_tell_every_commit_once_and_in_order() {
    let app = TestApp::start().await;
    users(&app, 0..5).await;
    let (operator, last) = (app.operator(), head(&app).await);
    let audit = operator.get("/tenants/acme/audit/commits?count=1000").await.expect(200).body;
    for count in [1, 3, 1_000] {
        let (mut told, mut after) = (Vec::new(), 0);
        while after < last {
            let path = format!("/tenants/acme/feed?after={after}&count={count}");
            let page = operator.get(&path).await.expect(200);
            assert_eq!(page.header("content-type"), "application/json");
            assert!(positions(&page.body).len() <= count);
            assert_eq!(page.body["head"]["position"], last);
            told.extend(page.body["commits"].as_array().unwrap().clone());
            after = page.body["next"]["after"].as_u64().unwrap();
        }
        assert_eq!(json!(told), audit["commits"], "pages of {count}");
    }
    let end = operator.get(&format!("/tenants/acme/feed?after={last}")).await.expect(200).body;
    assert_eq!((&end["commits"], &end["next"]), (&json!([]), &json!({ "after": last })));
    assert_eq!(end["head"]["hash"], audit["commits"][last as usize - 1]["hash"]);
    let none = operator.get("/tenants/acme/feed?count=0").await.expect(200).body;
    assert_eq!((&none["commits"], &none["next"]), (&json!([]), &json!({ "after": 0 })));
    let system = operator.get("/tenants/_system/feed").await.expect(200).body;
    assert_eq!(system["commits"][0]["events"][0]["type"], "OperatorAdded");
}

/// A reader who wants little does not read again what it passed over. Seen to catch: `next.after` at
/// the last match.
#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_match_is_passed_over_once() {
    let app = TestApp::start().await;
    users(&app, 0..4).await;
    let role = "/tenants/acme/users/u1@acme.com/roles/Admin";
    app.operator().put(role, json!({})).await.expect(200);
    let given = head(&app).await;
    users(&app, 4..8).await;
    let last = head(&app).await;
    let ask = async |query: &str| {
        app.operator().get(&format!("/tenants/acme/feed?{query}")).await.expect(200).body
    };
    let page = ask("event=RoleAssigned").await;
    assert_eq!((positions(&page), &page["next"]), (vec![given], &json!({ "after": last })));
    assert_eq!(page["commits"][0]["events"][0]["userName"], "u1@acme.com");
    let page = ask("event=RoleAssigned&count=1").await;
    assert_eq!(page["next"], json!({ "after": given }), "there may be more after it");
    let page = ask(&format!("event=RoleAssigned&after={given}")).await;
    assert_eq!((positions(&page), &page["next"]), (vec![], &json!({ "after": last })));
    let page = ask("subject=U1@acme.com&actor=owner").await;
    assert_eq!(positions(&page), [given]);
    let operator = app.operator();
    operator.get("/tenants/acme/feed?event=RoleGiven").await.expect(400);
    operator.get("/tenants/acme/feed?subject=nobody").await.expect(404);
    operator.get("/tenants/acme/feed?actor=nobody").await.expect(404);
    operator.get("/tenants/nobody/feed").await.expect(404);
}

/// Whoever followed another instance, or this one before it was restored, is told so.
#[tokio::test(flavor = "multi_thread")]
async fn a_reader_of_another_log_is_told_that_it_is_one() {
    let app = TestApp::start().await;
    users(&app, 0..2).await;
    let (operator, last) = (app.operator(), head(&app).await);
    let told = operator.get("/tenants/acme/feed?after=1000").await.expect(409);
    let detail = told.body["detail"].as_str().unwrap();
    assert!(detail.contains(&format!("this log ends at {last}")), "{detail}");
    assert!(detail.contains("another instance") && detail.contains("after=0"), "{detail}");

    let hash = |position: usize, page: &Value| {
        page["commits"][position - 1]["hash"].as_str().unwrap().to_owned()
    };
    let page = operator.get("/tenants/acme/feed").await.expect(200).body;
    let same = format!("/tenants/acme/feed?after=3&afterHash={}", hash(3, &page));
    assert_eq!(positions(&operator.get(&same).await.expect(200).body)[0], 4);
    let other = format!("/tenants/acme/feed?after=3&afterHash={}", hash(2, &page));
    let told = operator.get(&other).await.expect(409);
    assert!(told.body["detail"].as_str().unwrap().contains(&hash(3, &page)), "{told}");
    for wrong in ["after=x", "after=-1", "afterHash=00", "count=x", "wait=x", "hash=x"] {
        operator.get(&format!("/tenants/acme/feed?{wrong}")).await.expect(400);
    }
    for wrong in ["format=xml", "form=plain", "form=sealed", "recipient=age1x"] {
        operator.get(&format!("/tenants/acme/feed?{wrong}")).await.expect(400);
    }
}

/// A page that waits is answered by the next commit, and not by another tenant's.
#[tokio::test(flavor = "multi_thread")]
async fn a_page_waits_for_the_next_commit() {
    let app = TestApp::start().await;
    let last = head(&app).await;
    let (operator, path) = (app.operator(), format!("/tenants/acme/feed?after={last}&wait=60"));
    let waiting = tokio::spawn(async move { operator.get(&path).await.expect(200).body });
    readers(&app, "acme", 1).await;
    let role = json!({ "name": "Auditor" });
    app.operator().post("/tenants/globex/roles", role.clone()).await.expect(200);
    assert!(!waiting.is_finished());
    app.operator().post("/tenants/acme/roles", role).await.expect(200);
    let page = waiting.await.unwrap();
    assert_eq!(positions(&page), [last + 1]);
    assert_eq!(page["next"], json!({ "after": last + 1 }));
    readers(&app, "acme", 0).await;
    let path = format!("/tenants/acme/feed?after={}&wait=1", last + 1);
    let page = app.operator().get(&path).await.expect(200).body;
    assert_eq!(positions(&page), [0_u64; 0]);
}

/// A page holds no more than its bytes, whatever its count allows, and at least one commit.
#[tokio::test(flavor = "multi_thread")]
async fn a_page_is_bounded_in_bytes() {
    let app = TestApp::start().await;
    let last = head(&app).await;
    for number in 0..60_u64 {
        // Nothing that compression could make small.
        let mut state = number;
        let title: String = std::iter::repeat_with(|| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            format!("{state:016x}")
        })
        .take(10_000)
        .collect();
        let body = json!({ "schemas": [CORE], "userName": format!("u{number}"), "title": title });
        app.idp().post("/Users", body).await.expect(201);
    }
    let recipient = eventlog::Unlock::fresh().1;
    for form in ["", "&form=sealed&recipient="] {
        let form = if form.is_empty() { String::new() } else { format!("{form}{recipient}") };
        let (mut told, mut after, mut pages) = (Vec::new(), last, 0);
        while told.len() < 60 {
            let path = format!("/tenants/acme/feed?after={after}&count=1000{form}");
            let page = app.operator().get(&path).await.expect(200).body;
            let bytes = page["commits"].to_string().len();
            assert!(bytes < (6 << 20), "{bytes} bytes in a page");
            pages += 1;
            told.extend(positions(&page));
            after = told.last().copied().unwrap();
        }
        assert_eq!(told, (last + 1..=last + 60).collect::<Vec<_>>());
        assert!(pages > 1, "one page held it all: the bound was not reached");
    }
}

/// As of a moment, the feed ends there, and its head is the head of then.
#[tokio::test(flavor = "multi_thread")]
async fn as_of_a_moment_the_feed_ends_there() {
    let app = TestApp::start().await;
    users(&app, 0..1).await;
    let then = head(&app).await;
    let ask = async |query: &str| app.operator().get(&format!("/tenants/acme/feed?{query}")).await;
    let before = ask("hash=true").await.expect(200).body;
    users(&app, 1..3).await;
    let past = ask(&format!("asOf={then}&hash=true&wait=60")).await.expect(200).body;
    assert_eq!(past, before);
    assert_ne!(ask("hash=true").await.expect(200).body["head"], before["head"]);
    ask(&format!("asOf={then}&after={}", then + 1)).await.expect(409);
    ask(&format!("asOf={then}&format=sse")).await.expect(400);
}
