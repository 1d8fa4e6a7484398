//! Which moments there are, and what is asked as of them.

use std::sync::atomic::Ordering;

use domain::position::Position;
use engine::When;
use serde_json::{Value, json};
use testkit::app::{Client, Reply, TestApp};

use crate::messages::{CORE, patch};

fn user(name: &str) -> Value {
    json!({ "schemas": [CORE], "userName": name })
}

async fn refused(reply: Reply, kind: &str, why: &str) {
    let reply = reply.expect(400);
    assert_eq!(reply.body["scimType"], kind, "{reply}");
    let detail = reply.body["detail"].as_str().unwrap();
    assert!(detail.contains(why), "{detail}");
}

/// Names, in the order of the list.
async fn names(idp: &Client, query: &str) -> Vec<String> {
    let list = idp.get(&format!("/Users?attributes=userName&{query}")).await.expect(200).body;
    let resources = list["Resources"].as_array().unwrap().iter();
    resources.map(|user| user["userName"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_moment_that_never_was_is_refused_and_the_limits_are_named() {
    let app = TestApp::start().await;
    let idp = app.idp();
    let last = idp.post("/Users", user("jane")).await.expect(201);
    let last: u64 = last.header("rollbook-position").parse().unwrap();
    let invalid = "invalidValue";
    let as_of = async |moment: &str| idp.get(&format!("/Users?asOf={moment}")).await;
    as_of(&last.to_string()).await.expect(200);
    refused(as_of(&(last + 1).to_string()).await, invalid, &format!("ends at {last}")).await;
    refused(as_of("18446744073709551615").await, invalid, "not reached yet").await;
    refused(as_of("18446744073709551616").await, invalid, "is no position").await;
    refused(as_of("0").await, invalid, "they begin at 1").await;
    for garbage in ["", "yesterday", "-1", "1.5", "2026-02-30", "2026-01-01T25:00:00Z"] {
        refused(as_of(garbage).await, invalid, "is no moment").await;
    }
    let born = "its log begins at 2026-01-01T00:00:00.000Z";
    for before in ["2025-12-31", "2025-12-31T23:59:59.999Z", "2026-01-01T01:59:59%2B02:00"] {
        refused(as_of(before).await, invalid, born).await;
    }
    let now = "it is 2026-01-01T00:00:00.000Z";
    for ahead in ["2026-01-02", "2026-01-01T00:00:00.001Z", "2025-12-31T22:00:01-02:00"] {
        refused(as_of(ahead).await, invalid, now).await;
    }
    refused(idp.get("/Users?asOf=1&asof=2").await, invalid, "twice").await;
    // At its birth a tenant was there; before, another one was not.
    for born in ["1", "2026-01-01", "2026-01-01T02:00:00%2B02:00", "2026-01-01T02:00:00+02:00"] {
        as_of(born).await.expect(200);
    }
    // Who may ask is asked first: a stranger learns nothing of what was when.
    for path in ["/scim/acme/v2/Users?asOf=99", "/scim/acme/v2/ServiceProviderConfig?asOf=99"] {
        app.stranger(None).get(path).await.expect(401);
        app.stranger(Some(&TestApp::key("globex"))).get(path).await.expect(404);
    }
    app.stranger(None).get("/scim/acme/v2/ServiceProviderConfig").await.expect(200);
    idp.get("/ServiceProviderConfig?asOf=99").await.expect(400);
}

/// Also in `engine`, form by form.
#[tokio::test(flavor = "multi_thread")]
async fn a_time_means_what_was_there_when_it_was() {
    let app = TestApp::start().await;
    let idp = app.idp();
    // 2026-01-02T00:00:00.000Z: two in the same millisecond, one in the next.
    app.clock.fetch_add(86_400_000, Ordering::Relaxed);
    idp.post("/Users", user("a")).await.expect(201);
    idp.post("/Users", user("b")).await.expect(201);
    app.clock.fetch_add(1, Ordering::Relaxed);
    idp.post("/Users", user("c")).await.expect(201);
    app.clock.fetch_add(1_000, Ordering::Relaxed);
    for (moment, there) in [
        ("2026-01-01T23:59:59.999Z", ""),
        ("2026-01-01T23:59:59.9999999Z", ""),
        ("2026-01-02", "a b"),
        ("2026-01-02T00:00:00Z", "a b"),
        ("2026-01-02T00:00:00.000999Z", "a b"),
        ("2026-01-01T20:30:00-03:30", "a b"),
        ("2026-01-02T05:30:00%2B05:30", "a b"),
        ("2026-01-02T05:30:00+05:30", "a b"),
        ("2026-01-02T00:00:00.001Z", "a b c"),
        ("2026-01-01T23:59:60.001Z", "a b c"),
        ("2026-01-02T00:00:01", "a b c"),
    ] {
        assert_eq!(names(&idp, &format!("asOf={moment}")).await.join(" "), there, "{moment}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_past_is_not_written() {
    let app = TestApp::start().await;
    let idp = app.idp();
    let id = idp.post("/Users", user("jane")).await.expect(201).id();
    let one = format!("/Users/{id}?asOf=1");
    let change = patch(json!([{ "op": "add", "path": "title", "value": "Dr" }]));
    let replies = [
        idp.post("/Users?asOf=1", user("john")).await,
        idp.put(&one, user("janet")).await,
        idp.patch(&one, change).await,
        idp.delete(&one).await,
        idp.post("/Bulk?asOf=1", json!({})).await,
    ];
    for reply in replies {
        refused(reply, "invalidValue", "the past is not written").await;
    }
    assert_eq!(names(&idp, "").await, ["jane"]);
}

/// Whose key it is, is of now; the rest is of then. Seen to catch a connector that was not there yet and is read strictly.
#[tokio::test(flavor = "multi_thread")]
async fn a_connector_of_today_reads_what_was_before_it() {
    let app = TestApp::start().await;
    let (okta, operator) = (app.idp(), app.operator());
    let jane = json!({ "schemas": [CORE], "userName": "jane", "externalId": "00u1" });
    let id = okta.post("/Users", jane).await.expect(201).id();
    let then = operator.get("/tenants/acme").await.expect(200).body["head"]["position"].clone();
    let entra = app.connector("entra").await;
    let one = format!("/Users/{id}?asOf={then}");
    assert_eq!(entra.get(&one).await.expect(200).body["userName"], "jane");
    assert!(entra.get(&one).await.body["externalId"].is_null(), "another's word for her");
    assert_eq!(okta.get(&one).await.expect(200).body["externalId"], "00u1");
    // It reads leniently today, and strictness is not the past's.
    let filter = "/Users?filter=active+eq+%22True%22";
    entra.get(filter).await.expect(200);
    entra.get(&format!("{filter}&asOf={then}")).await.expect(200);
    // A key that was good then is not good for then.
    let keys = operator.get("/tenants/acme/credentials").await.expect(200).body;
    let key = keys["credentials"][0]["id"].as_str().unwrap();
    operator.delete(&format!("/tenants/acme/credentials/{key}")).await.expect(200);
    okta.get(&one).await.expect(401);
}

#[tokio::test(flavor = "multi_thread")]
async fn me_is_who_they_were() {
    let app = TestApp::start().await;
    let idp = app.idp();
    let created = idp.post("/Users", user("jane")).await.expect(201);
    let born: u64 = created.header("rollbook-position").parse().unwrap();
    let who = json!({ "user": "jane" });
    let issued = app.operator().post("/tenants/acme/credentials", who).await.expect(201).body;
    let me = idp.with_key(issued["apiKey"].as_str().unwrap());
    idp.put(&format!("/Users/{}", created.id()), user("jane.li")).await.expect(200);
    assert_eq!(me.get("/Me").await.expect(200).body["userName"], "jane.li");
    let then = me.get(&format!("/Me?asOf={born}")).await.expect(200);
    assert_eq!(then.body["userName"], "jane");
    assert_eq!(then.header("rollbook-position"), born.to_string());
    let before = me.get(&format!("/Me?asOf={}", born - 1)).await.expect(404);
    assert!(before.body["detail"].as_str().unwrap().contains("not there yet"), "{before}");
    me.get("/Me?asOf=99").await.expect(400);
}

/// A cursor names its moment itself. Seen to catch a cursor that goes on in the moment beside it.
#[tokio::test(flavor = "multi_thread")]
async fn a_cursor_goes_with_its_own_moment_or_with_none() {
    let app = TestApp::start().await;
    let idp = app.idp();
    for name in ["a", "b", "c", "d"] {
        idp.post("/Users", user(name)).await.expect(201);
    }
    let head = idp.get("/Users").await.header("rollbook-position").parse::<u64>().unwrap();
    let then = head - 1;
    let time = "2026-01-01T00:00:00Z";
    let next = |page: &Reply| page.body["nextCursor"].as_str().unwrap().to_owned();
    let past = next(&idp.get(&format!("/Users?cursor&count=2&asOf={then}")).await.expect(200));
    let live = next(&idp.get("/Users?cursor&count=2").await.expect(200));
    let timed = next(&idp.get(&format!("/Users?cursor&count=2&asOf={time}")).await.expect(200));
    // In the millisecond that is not over, one more comes.
    idp.post("/Users", user("e")).await.expect(201);
    for (cursor, at, good) in [
        (&past, String::new(), Some("c")),
        (&past, then.to_string(), Some("c")),
        (&past, head.to_string(), None),
        (&live, String::new(), Some("c d")),
        (&live, head.to_string(), Some("c d")),
        (&live, then.to_string(), None),
        (&timed, String::new(), Some("c d")),
        (&timed, time.to_owned(), Some("c d")),
        (&timed, then.to_string(), None),
        (&live, "99".to_owned(), None),
    ] {
        let as_of = if at.is_empty() { String::new() } else { format!("&asOf={at}") };
        let path = format!("cursor={cursor}&count=2{as_of}");
        match good {
            Some(good) => assert_eq!(names_of(&idp, &path).await.join(" "), good, "{path}"),
            None => {
                let reply = idp.get(&format!("/Users?{path}")).await;
                let kind = if at == "99" { "invalidValue" } else { "invalidCursor" };
                refused(reply, kind, "").await;
            }
        }
    }
}

/// A walk by cursor is of one set of attributes, so they are not named here.
async fn names_of(idp: &Client, query: &str) -> Vec<String> {
    let list = idp.get(&format!("/Users?{query}")).await.expect(200).body;
    let resources = list["Resources"].as_array().unwrap().iter();
    resources.map(|user| user["userName"].as_str().unwrap().to_owned()).collect()
}

/// `PAST_COMMITS` says how many; what is read of them does not grow with them but for the first time.
#[tokio::test(flavor = "multi_thread")]
async fn the_log_is_read_once_and_then_only_the_rest() {
    let asked = std::env::var("PAST_COMMITS").ok().and_then(|commits| commits.parse().ok());
    let commits: u64 = asked.unwrap_or(3_000);
    let app = TestApp::start().await;
    let (idp, engine) = (app.idp(), &app.app.engine);
    let id = idp.post("/Users", user("jane")).await.expect(201).id();
    let tenant = engine.world().with_slug("acme").unwrap().0.id;
    let begun = std::time::Instant::now();
    let mut waiting = tokio::task::JoinSet::new();
    for number in 0..commits {
        let (engine, origin) = (engine.clone(), server::startup(&app.app));
        let role = domain::id::RoleId::new((app.app.ids)());
        let (name, description) = (format!("r{}", number % 50), Some(number.to_string()));
        let command = domain::command::Command::DefineRole { role, name, description };
        waiting.spawn(async move { engine.submit(tenant, origin, command).await.unwrap() });
        if waiting.len() == 1_000 {
            while waiting.join_next().await.is_some() {}
        }
    }
    while waiting.join_next().await.is_some() {}
    let head = engine.now(tenant).unwrap().head.position.unwrap().get();
    assert!(head > commits);
    eprintln!("{head} commits written in {:?}", begun.elapsed());
    let read = async |position: u64| {
        let (before, begun) = (engine.past_counts(), std::time::Instant::now());
        let got = idp.get(&format!("/Users?count=1&asOf={position}")).await.expect(200);
        assert_eq!(got.header("rollbook-position"), position.to_string());
        let now = engine.past_counts();
        let read = (now.readings - before.readings, now.commits - before.commits);
        eprintln!("as of {position}: {} commits read, {:?}", read.1, begun.elapsed());
        read
    };
    let then = head - commits / 3;
    assert_eq!(read(then).await, (1, then));
    assert_eq!(read(then).await, (0, 0));
    assert_eq!(read(then + commits / 10).await, (1, commits / 10));
    assert_eq!(read(then).await, (0, 0));
    assert_eq!(read(head).await, (0, 0), "the present is at hand");
    // One user alone is no state of the tenant, and costs none.
    let before = engine.past_counts();
    idp.get(&format!("/Users/{id}?asOf={}", then / 2)).await.expect(200);
    assert_eq!(engine.past_counts(), before);
    // A list and its pages, and all that asks for the same moment, share it.
    for path in ["/Users?filter=userName+pr", "/Schemas?", "/Groups?", "/ResourceTypes?"] {
        let before = engine.past_counts().commits;
        idp.get(&format!("{path}&asOf={then}")).await.expect(200);
        assert_eq!(engine.past_counts().commits, before, "{path}");
    }
    let admin = format!("/tenants/acme/roles?asOf={then}");
    let before = engine.past_counts();
    app.operator().get(&admin).await.expect(200);
    assert_eq!(engine.past_counts(), before);
    // Many at once: each moment is read once.
    let moments: Vec<u64> = (0..16).map(|number| 100 + number % 4).collect();
    let mut waiting = tokio::task::JoinSet::new();
    for moment in moments {
        let (idp, path) = (idp.clone(), format!("/Users?count=1&asOf={moment}"));
        waiting.spawn(async move { idp.get(&path).await.expect(200) });
    }
    while let Some(answered) = waiting.join_next().await {
        answered.unwrap();
    }
    let now = engine.past_counts();
    assert_eq!((now.running, now.waiting), (0, 0));
    assert_eq!(now.readings - before.readings, 4);
    // At once, a person's erasure is one more: what is kept is forgotten before it is answered.
    assert!(now.kept > 0);
    let wish = json!({ "reason": "request 4711" });
    app.operator().post(&format!("/tenants/acme/users/{id}/erase"), wish).await.expect(200);
    assert_eq!(engine.past_counts().kept, 0);
    let when = When::Position(Position::new(then).unwrap());
    let user = id.parse().unwrap();
    let past = engine.clone();
    let snapshot = tokio::task::spawn_blocking(move || past.as_of(tenant, when)).await.unwrap();
    let snapshot = snapshot.unwrap();
    let shown = snapshot.directory.users.get(user).map(|user| user.user_name.to_string());
    assert!(!shown.unwrap_or_default().contains("jane"));
}
