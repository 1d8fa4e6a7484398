//! Pages by cursor (RFC 9865): where a cursor leads, and where none does.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;

use domain::command::Command;
use serde_json::{Value, json};
use server::Lists;
use testkit::app::{Client, Reply, TestApp};

use crate::messages::{CORE, SEARCH};

async fn seven() -> (TestApp, Client) {
    let app = TestApp::start().await;
    let idp = app.idp();
    for n in 0..7 {
        let body = json!({ "schemas": [CORE], "userName": format!("u{n}"), "active": n != 3 });
        idp.post("/Users", body).await.expect(201);
    }
    (app, idp)
}

fn next(page: &Reply) -> String {
    page.body["nextCursor"].as_str().unwrap_or_else(|| panic!("no nextCursor: {page}")).to_owned()
}

fn names(page: &Reply) -> Vec<String> {
    let found = page.body["Resources"].as_array().unwrap();
    assert_eq!(page.body["itemsPerPage"], found.len(), "{page}");
    found.iter().map(|user| user["userName"].as_str().unwrap().to_owned()).collect()
}

async fn refused(idp: &Client, query: &str, kind: &str) -> String {
    let reply = idp.get(&format!("/Users?{query}")).await.expect(400);
    assert_eq!(reply.body["scimType"], kind, "{query}: {reply}");
    reply.body["detail"].as_str().unwrap().to_owned()
}

/// Also A-9865-2-02, A-9865-2-03, A-9865-2-05.
#[tokio::test(flavor = "multi_thread")]
async fn a_9865_2_01_an_empty_cursor_begins_a_walk_that_ends_without_one() {
    let (_app, idp) = seven().await;
    for first in ["cursor&count=3", "cursor=&count=3", "CURSOR=&COUNT=3"] {
        let mut page = idp.get(&format!("/Users?{first}")).await.expect(200);
        let mut walked = names(&page);
        while page.body.get("nextCursor").is_some() {
            let cursor = next(&page);
            let unreserved = |c: char| c.is_ascii_alphanumeric() || "-._~".contains(c);
            assert!(cursor.chars().all(unreserved), "{cursor}");
            page = idp.get(&format!("/Users?cursor={cursor}&count=3")).await.expect(200);
            walked.extend(names(&page));
            assert_eq!(page.body["totalResults"], 7, "{page}");
            assert_eq!(page.body.get("startIndex"), None, "{page}");
            assert_eq!(page.body.get("previousCursor"), None, "{page}");
        }
        assert_eq!(walked, ["u0", "u1", "u2", "u3", "u4", "u5", "u6"]);
    }
    // The page that ends exactly at the end is the last.
    let page = idp.get("/Users?cursor&count=7").await.expect(200);
    assert_eq!((names(&page).len(), page.body.get("nextCursor")), (7, None));
    // No count: the server's own goes on.
    assert_eq!(idp.get("/Users?cursor").await.expect(200).body["itemsPerPage"], 7);
    // A page of none is asked for the total, and leads nowhere.
    let page = idp.get("/Users?cursor&count=0").await.expect(200);
    assert_eq!((&page.body["totalResults"], page.body.get("nextCursor")), (&json!(7), None));
    // The same cursor twice gives the same page: nothing is kept for it that it uses up.
    let cursor = next(&idp.get("/Users?cursor&count=2").await.expect(200));
    let once = idp.get(&format!("/Users?cursor={cursor}&count=2")).await.expect(200);
    let again = idp.get(&format!("/Users?cursor={cursor}&count=2")).await.expect(200);
    assert_eq!(names(&once), names(&again));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_9865_2_04_a_cursor_is_of_one_query_and_one_count() {
    let (_app, idp) = seven().await;
    let asked = "filter=active+eq+true&sortBy=userName&attributes=userName";
    let page = idp.get(&format!("/Users?cursor&count=2&{asked}")).await.expect(200);
    let cursor = next(&page);
    refused(&idp, &format!("cursor={cursor}&count=3&{asked}"), "invalidCount").await;
    for other in [
        "filter=active+eq+false&sortBy=userName&attributes=userName",
        "sortBy=userName&attributes=userName",
        "filter=active+eq+true&sortBy=userName&sortOrder=descending&attributes=userName",
        "filter=active+eq+true&sortBy=userName",
        "filter=active+eq+true&sortBy=userName&attributes=userName&asOf=5",
    ] {
        refused(&idp, &format!("cursor={cursor}&count=2&{other}"), "invalidCursor").await;
    }
    let bare = next(&idp.get("/Users?cursor&count=2").await.expect(200));
    for endpoint in ["/Groups", "/"] {
        let path = format!("{endpoint}?cursor={bare}&count=2");
        let other = idp.get(&path).await.expect(400);
        assert_eq!(other.body["scimType"], "invalidCursor", "{other}");
    }
    // Other words for the same, and the count left out, are the same query.
    let same = "filter=(ACTIVE+eq+true)&sortBy=USERNAME&attributes=userName";
    let page = idp.get(&format!("/Users?cursor={cursor}&{same}")).await.expect(200);
    assert_eq!(names(&page), ["u2", "u4"]);
}

/// Also A-9865-2-05.
#[tokio::test(flavor = "multi_thread")]
async fn a_9865_2_1_01_forged_damaged_and_old_cursors_are_refused() {
    let (app, idp) = seven().await;
    let cursor = next(&idp.get("/Users?cursor&count=2").await.expect(200));
    let why = refused(&idp, "cursor=x&count=2", "invalidCursor").await;
    let mut forged = vec![
        "1".to_owned(),
        "AAAA".to_owned(),
        "%00".to_owned(),
        "é".to_owned(),
        "A".repeat(cursor.len()),
        "A".repeat(5_000),
        format!("{cursor}A"),
        format!("{cursor}=="),
        cursor[1..].to_owned(),
        cursor[..cursor.len() - 1].to_owned(),
    ];
    for at in 0..cursor.len() {
        let mut bytes = cursor.clone().into_bytes();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        forged.push(String::from_utf8(bytes).unwrap());
    }
    for forged in forged {
        let detail = refused(&idp, &format!("cursor={forged}&count=2"), "invalidCursor").await;
        assert_eq!(detail, why, "{forged}");
    }
    refused(&idp, "cursor&startIndex=1", "invalidValue").await;
    refused(&idp, &format!("cursor={cursor}&startIndex=3&count=2"), "invalidValue").await;
    let config = app.stranger(None).get("/scim/acme/v2/ServiceProviderConfig").await.expect(200);
    let seconds = config.body["pagination"]["cursorTimeout"].as_i64().unwrap();
    app.clock.fetch_add(seconds * 1_000 - 1, Ordering::Relaxed);
    idp.get(&format!("/Users?cursor={cursor}&count=2")).await.expect(200);
    app.clock.fetch_add(1, Ordering::Relaxed);
    refused(&idp, &format!("cursor={cursor}&count=2"), "expiredCursor").await;
}

/// What is not yours and what does not exist get the same answer.
#[tokio::test(flavor = "multi_thread")]
async fn a_9865_5_01_a_cursor_grants_nothing_in_other_hands() {
    let (app, idp) = seven().await;
    let globex = app.stranger(Some(&TestApp::key("globex")));
    let body = json!({ "schemas": [CORE], "userName": "g" });
    for n in 0..3 {
        let mut body = body.clone();
        body["userName"] = json!(format!("g{n}"));
        let path = "/scim/globex/v2/Users";
        globex.post(path, body).await.expect(201);
    }
    let page = idp.get("/Users?cursor&count=2").await.expect(200);
    let cursor = next(&page);
    let none = refused(&idp, "cursor=AAAA&count=2", "invalidCursor").await;
    let entra = app.connector("entra").await;
    let theirs = refused(&entra, &format!("cursor={cursor}&count=2"), "invalidCursor").await;
    assert_eq!(theirs, none);
    let path = format!("/scim/globex/v2/Users?cursor={cursor}&count=2");
    let other = globex.get(&path).await.expect(400);
    assert_eq!(
        (&other.body["scimType"], &other.body["detail"]),
        (&json!("invalidCursor"), &json!(none))
    );
    app.stranger(None).get(&format!("/scim/acme/v2/Users?cursor={cursor}")).await.expect(401);
    // A key that is revoked in the middle of a walk ends it.
    let path = "/tenants/acme/credentials";
    let issued = app.operator().get(path).await.expect(200);
    let first = issued.body["credentials"].as_array().or(issued.body.as_array()).unwrap();
    let id = first[0]["id"].as_str().unwrap();
    let revoke = Command::RevokeCredential { credential: id.parse().unwrap() };
    let tenant = app.app.engine.world().with_slug("acme").unwrap().0.id;
    app.app.engine.submit(tenant, server::startup(&app.app), revoke).await.unwrap();
    idp.get(&format!("/Users?cursor={cursor}&count=2")).await.expect(401);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_9865_3_01_searches_take_cursors() {
    let (_app, idp) = seven().await;
    let search = |cursor: &str| json!({ "schemas": [SEARCH], "cursor": cursor, "count": 5, "sortBy": "userName" });
    // The parameters of the URL do not count, not even those that would be refused there.
    let page = idp.post("/Users/.search?cursor=x&startIndex=y", search("")).await.expect(200);
    assert_eq!(page.body.get("startIndex"), None);
    let cursor = next(&page);
    let last = idp.post("/Users/.search", search(&cursor)).await.expect(200);
    assert_eq!(names(&last), ["u5", "u6"]);
    assert_eq!(last.body.get("nextCursor"), None);
    // The same query by GET is the same walk.
    let query = format!("/Users?cursor={cursor}&count=5&sortBy=userName");
    assert_eq!(names(&idp.get(&query).await.expect(200)), ["u5", "u6"]);
    let mut both = search("");
    both["startIndex"] = json!(1);
    assert_eq!(idp.post("/Users/.search", both).await.expect(400).body["scimType"], "invalidValue");
    let wrong = idp.post("/Users/.search", search("x")).await.expect(400);
    assert_eq!(wrong.body["scimType"], "invalidCursor");
}

/// Also A-9865-2.4-01.
#[tokio::test(flavor = "multi_thread")]
async fn a_9865_4_01_the_configuration_says_how_pages_are_made() {
    let (_app, idp) = seven().await;
    let config = idp.get("/ServiceProviderConfig").await.expect(200).body;
    let expected = json!({
        "cursor": true, "index": true, "defaultPaginationMethod": "index",
        "defaultPageSize": 100, "maxPageSize": 1000, "cursorTimeout": 3600,
    });
    assert_eq!(config["pagination"], expected);
    let page = idp.get("/Users?count=2").await.expect(200).body;
    assert_eq!((&page["startIndex"], page.get("nextCursor")), (&json!(1), None), "{page}");
}

/// A cursor carries all that it needs: a server that was started anew, and knows of no walk, goes
/// on with it where it was, in the state that it was begun in.
#[tokio::test(flavor = "multi_thread")]
async fn a_cursor_outlives_a_restart() {
    let (mut app, idp) = seven().await;
    let first = idp.get("/Users?cursor&count=3&sortBy=userName").await.expect(200);
    let gone = first.body["Resources"][0]["id"].as_str().unwrap();
    idp.delete(&format!("/Users/{gone}")).await.expect(204);
    idp.post("/Users", json!({ "schemas": [CORE], "userName": "u00" })).await.expect(201);
    // Lists that know of no walk, under the same key: what a restart leaves.
    app.restart_lists(Lists::new(&[9; 32])).await;
    let idp = app.idp();
    let cursor = next(&first);
    let second =
        idp.get(&format!("/Users?cursor={cursor}&count=3&sortBy=userName")).await.expect(200);
    assert_eq!(names(&second), ["u3", "u4", "u5"]);
    assert_eq!(second.body["totalResults"], 7);
    assert_eq!(second.header("rollbook-position"), first.header("rollbook-position"));
    // Under another key it is no cursor.
    app.restart_lists(Lists::new(&[8; 32])).await;
    refused(&app.idp(), &format!("cursor={cursor}&count=3&sortBy=userName"), "invalidCursor").await;
}

/// `asOf` says which state the first page is of; the walk stays there.
#[tokio::test(flavor = "multi_thread")]
async fn walks_go_through_the_past_as_well() {
    let (_app, idp) = seven().await;
    let all = idp.get("/Users").await.expect(200);
    let then = all.header("rollbook-position").to_owned();
    for user in all.body["Resources"].as_array().unwrap() {
        idp.delete(&format!("/Users/{}", user["id"].as_str().unwrap())).await.expect(204);
    }
    let as_of = format!("asOf={then}&filter=userName+pr&count=3");
    let mut page = idp.get(&format!("/Users?cursor&{as_of}")).await.expect(200);
    let mut walked: BTreeSet<String> = names(&page).into_iter().collect();
    while page.body.get("nextCursor").is_some() {
        page = idp.get(&format!("/Users?cursor={}&{as_of}", next(&page))).await.expect(200);
        assert_eq!(page.header("rollbook-position"), then);
        for name in names(&page) {
            assert!(walked.insert(name.clone()), "{name} comes twice");
        }
    }
    assert_eq!(walked.len(), 7);
    for start in [1, 4, 7] {
        let page = idp.get(&format!("/Users?startIndex={start}&{as_of}")).await.expect(200);
        assert_eq!(page.body["totalResults"], Value::from(7), "{page}");
    }
    assert_eq!(idp.get("/Users").await.expect(200).body["totalResults"], 0);
}
