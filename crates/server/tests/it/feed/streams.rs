//! The feed as server-sent events.

use std::sync::atomic::Ordering;
use std::time::Duration;

use domain::command::Command;
use domain::event::Holder;
use domain::id::{CredentialId, TenantId};
use domain::time::Timestamp;
use eventlog::Unlock;
use reqwest::header::HeaderMap;
use server::{Feeds, Secret};
use testkit::app::EPOCH_MILLIS;

use super::*;

/// An open stream.
struct Stream {
    answer: reqwest::Response,
    text: String,
}

/// One event, or a comment.
#[derive(Debug, Default, PartialEq)]
struct Event {
    id: Option<u64>,
    kind: String,
    data: Value,
    comment: Option<String>,
    retry: Option<u64>,
}

async fn ask(app: &TestApp, key: &str, query: &str, headers: &[(&str, &str)]) -> reqwest::Response {
    let url = format!("{}/admin/v1/tenants/acme/feed?{query}", app.url);
    let mut request = reqwest::Client::new().get(url).bearer_auth(key);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.header("accept", "text/event-stream").send().await.unwrap()
}

async fn follow(app: &TestApp, query: &str) -> Stream {
    follow_with(app, OPERATOR_KEY, query, &[]).await.0
}

/// An open stream, past its first words, and the head of the answer.
async fn follow_with(
    app: &TestApp,
    key: &str,
    query: &str,
    headers: &[(&str, &str)],
) -> (Stream, HeaderMap) {
    let answer = ask(app, key, query, headers).await;
    assert_eq!(answer.status().as_u16(), 200);
    let headers = answer.headers().clone();
    let mut stream = Stream { answer, text: String::new() };
    let first = stream.next().await.unwrap();
    assert_eq!(first, Event { retry: Some(2_000), ..Event::default() });
    (stream, headers)
}

impl Stream {
    /// The next event; none: the stream has ended as it should. One that breaks off panics.
    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some((event, rest)) = self.text.split_once("\n\n") {
                let mut found = Event::default();
                for line in event.lines() {
                    match line.split_once(':').unwrap() {
                        ("", comment) => found.comment = Some(comment.trim().to_owned()),
                        ("id", id) => found.id = Some(id.trim().parse().unwrap()),
                        ("event", kind) => found.kind = kind.trim().to_owned(),
                        ("data", data) => found.data = serde_json::from_str(data).unwrap(),
                        ("retry", retry) => found.retry = Some(retry.trim().parse().unwrap()),
                        (other, _) => panic!("no field of an event: {other}"),
                    }
                }
                self.text = rest.to_owned();
                return Some(found);
            }
            let chunk = self.answer.chunk().await.expect("the stream broke off")?;
            self.text.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }

    /// The next commit: its position, and the entry.
    async fn commit(&mut self) -> (u64, Value) {
        loop {
            let event = self.next().await.expect("the stream has ended");
            if event.kind == "commit" {
                assert_eq!(json!(event.id), event.data["position"]);
                return (event.id.unwrap(), event.data);
            }
            assert!(event.kind.is_empty() && event.data.is_null(), "{event:?}");
        }
    }

    /// The comments until the stream ends, which it must.
    async fn end(mut self) -> String {
        let words = async {
            let mut words = String::new();
            while let Some(event) = self.next().await {
                words.push_str(&event.comment.unwrap_or_default());
            }
            words
        };
        tokio::time::timeout(Duration::from_secs(30), words).await.expect("the stream goes on")
    }
}

/// What was, what comes, and what came while nobody listened: each commit once, in order.
#[tokio::test(flavor = "multi_thread")]
async fn a_stream_tells_each_commit_once_and_goes_on_where_it_broke_off() {
    let app = TestApp::start().await;
    users(&app, 0..3).await;
    let last = head(&app).await;
    let (mut stream, headers) = follow_with(&app, OPERATOR_KEY, "after=0", &[]).await;
    assert_eq!(headers["content-type"], "text/event-stream");
    assert_eq!(headers["cache-control"], "no-store");
    let page = app.operator().get("/tenants/acme/feed").await.expect(200).body;
    for position in 1..=last {
        let (at, entry) = stream.commit().await;
        assert_eq!((at, &entry), (position, &page["commits"][position as usize - 1]));
    }
    users(&app, 3..5).await;
    assert_eq!(stream.commit().await.0, last + 1);
    drop(stream);
    users(&app, 5..6).await;
    // As a browser does it: the same address again, with what it heard last.
    let heard = [("last-event-id", (last + 1).to_string())];
    let heard = heard.each_ref().map(|(name, value)| (*name, value.as_str()));
    let query =
        "after=0&afterHash=0000000000000000000000000000000000000000000000000000000000000000";
    let (mut stream, _) = follow_with(&app, OPERATOR_KEY, query, &heard).await;
    assert_eq!(stream.commit().await.0, last + 2);
    assert_eq!(stream.commit().await.0, last + 3);
    users(&app, 6..7).await;
    assert_eq!(stream.commit().await.0, last + 4);
    for (query, headers, status) in [
        ("after=1000", [("last-event-id", "")], 409),
        ("after=0", [("last-event-id", "1000")], 409),
        ("after=0", [("last-event-id", "x")], 400),
    ] {
        assert_eq!(ask(&app, OPERATOR_KEY, query, &headers).await.status().as_u16(), status);
    }
}

/// Behaviour C-14: whoever ends sessions hears of a deactivation as soon as it is answered.
#[tokio::test(flavor = "multi_thread")]
async fn c_14_a_deactivation_is_in_the_feed_at_once() {
    let app = TestApp::start().await;
    let id = app.idp().post("/Users", user("jane@acme.com")).await.expect(201).id();
    let query = format!("after={}&event=UserDeactivated,UserDeleted", head(&app).await);
    let mut stream = follow(&app, &query).await;
    let off = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": [{ "op": "replace", "path": "active", "value": false }],
    });
    let path = format!("/Users/{id}");
    let answer = app.idp().patch(&path, off).await.expect(200);
    let (at, entry) = stream.commit().await;
    assert_eq!(at.to_string(), answer.header("rollbook-position"));
    assert_eq!(entry["events"][0]["type"], "UserDeactivated");
    assert_eq!(entry["events"][0]["userName"], "jane@acme.com");
    app.idp().delete(&path).await.expect(204);
    let (_, entry) = stream.commit().await;
    assert_eq!(entry["events"][0]["type"], "UserDeleted");
}

/// A reader who wants little learns now and then how far the log was looked through.
#[tokio::test(flavor = "multi_thread")]
async fn a_quiet_stream_gives_signs_of_life_that_say_how_far_it_is() {
    let mut app = TestApp::start().await;
    app.app.feeds = Feeds::beating(Duration::from_millis(50)).into();
    app.restart().await;
    let mut stream = follow(&app, "event=RoleAssigned").await;
    let last = head(&app).await;
    let told = stream.next().await.unwrap();
    let data = json!({ "after": last });
    assert_eq!(told, Event { id: Some(last), kind: "position".into(), data, ..Event::default() });
    let life = stream.next().await.unwrap();
    assert_eq!(life, Event { comment: Some(String::new()), ..Event::default() });
    users(&app, 0..1).await;
    loop {
        let event = stream.next().await.unwrap();
        if event.kind == "position" {
            assert_eq!(event.id, Some(last + 1));
            break;
        }
    }
}

/// Seen to catch: streams that do not hear of the stop.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_stops_lets_its_readers_go() {
    let app = TestApp::start().await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let stopped = async { drop(stopped.await) };
    let serving = tokio::spawn(server::serve(listener, app.app.clone(), stopped));
    let mut app = app;
    app.url = url;
    let last = head(&app).await;
    let stream = follow(&app, &format!("after={last}")).await;
    let filtered = follow(&app, "event=RoleAssigned").await;
    let (operator, path) = (app.operator(), format!("/tenants/acme/feed?after={last}&wait=60"));
    let waiting = tokio::spawn(async move { operator.get(&path).await.expect(200).body });
    readers(&app, "acme", 3).await;
    stop.send(()).unwrap();
    assert_eq!(stream.end().await, "the server stops: come again");
    assert_eq!(filtered.end().await, "the server stops: come again");
    assert_eq!(positions(&waiting.await.unwrap()), [0_u64; 0]);
    serving.await.unwrap().unwrap();
}

/// Seen to catch: a stream whose key is looked at only when it begins.
#[tokio::test(flavor = "multi_thread")]
async fn a_stream_ends_with_its_key() {
    let mut app = TestApp::start().await;
    app.app.feeds = Feeds::beating(Duration::from_millis(50)).into();
    app.restart().await;
    let directory = app.app.engine.now(TenantId::SYSTEM).unwrap();
    let holder = Holder::Operator(directory.directory.operators.iter().next().unwrap().id);
    let submit = async |command| {
        let origin = server::startup(&app.app);
        app.app.engine.submit(TenantId::SYSTEM, origin, command).await.unwrap();
    };
    let issue = async |text: &str, expires| {
        let (credential, secret) =
            (CredentialId::new((app.app.ids)()), Secret::chosen(text).unwrap());
        let (hash, hint) = (secret.hash(), secret.hint());
        submit(Command::IssueCredential { credential, holder, hash, hint, expires }).await;
        credential
    };
    let revoked = issue("second-operator-key-0001", None).await;
    let end = Timestamp::from_millis(EPOCH_MILLIS + 60_000);
    issue("third-operator-key-0001", Some(end)).await;
    let last = head(&app).await;
    let at_end = format!("after={last}");
    let (second, _) = follow_with(&app, "second-operator-key-0001", &at_end, &[]).await;
    let (third, _) = follow_with(&app, "third-operator-key-0001", &at_end, &[]).await;
    let mut first = follow(&app, &at_end).await;
    submit(Command::RevokeCredential { credential: revoked }).await;
    assert_eq!(second.end().await, "the key is revoked, or its time is over");
    readers(&app, "acme", 2).await;
    app.clock.fetch_add(60_000, Ordering::Relaxed);
    assert_eq!(third.end().await, "the key is revoked, or its time is over");
    readers(&app, "acme", 1).await;
    users(&app, 0..1).await;
    assert_eq!(first.commit().await.0, last + 1);
}

/// Who comes when all places are taken is told when to come again; who goes leaves a place.
#[tokio::test(flavor = "multi_thread")]
async fn so_many_readers_and_no_more() {
    let app = TestApp::start().await;
    let mut streams = Vec::new();
    for _ in 0..server::limits::FEED_READERS_OF_TENANT {
        streams.push(follow(&app, "after=1").await);
    }
    let refused = ask(&app, OPERATOR_KEY, "after=1", &[]).await;
    assert_eq!(
        (refused.status().as_u16(), &refused.headers()["retry-after"]),
        (503, &"1".parse().unwrap())
    );
    let detail: Value = refused.json().await.unwrap();
    assert!(detail["detail"].as_str().unwrap().contains("64 readers follow this feed"), "{detail}");
    // Pages take no place unless they wait; other tenants have places of their own.
    let operator = app.operator();
    operator.get("/tenants/acme/feed").await.expect(200);
    let last = head(&app).await;
    operator.get(&format!("/tenants/acme/feed?after={last}&wait=1")).await.expect(503);
    operator.get("/tenants/globex/feed?after=7&wait=1").await;
    streams.pop();
    readers(&app, "acme", 63).await;
    streams.push(follow(&app, "after=1").await);
}

/// A stream for a copy: each event is a page of its own, with the keys that go with it.
#[tokio::test(flavor = "multi_thread")]
async fn a_copy_can_follow_by_events() {
    let app = TestApp::start().await;
    let (identity, recipient) = Unlock::fresh();
    let mut stream = follow(&app, &format!("form=sealed&recipient={recipient}")).await;
    users(&app, 0..3).await;
    let (mut told, mut persons, last) = (Vec::new(), 0, head(&app).await);
    while told.len() < last as usize {
        let event = stream.next().await.unwrap();
        assert_eq!(event.kind, "commits");
        told.extend(positions(&event.data));
        assert_eq!(event.id, told.last().copied());
        if let Some(keys) = event.data["keys"].as_str() {
            let keys = data_encoding::BASE64.decode(keys.as_bytes()).unwrap();
            let last = event.data["commits"].as_array().unwrap().last().unwrap()["hash"].clone();
            let last = last.as_str().unwrap().parse().unwrap();
            persons += eventlog::open_keys(&keys, last, &identity).unwrap().len();
        }
    }
    assert_eq!(told, (1..=last).collect::<Vec<_>>());
    assert_eq!(persons, 3);
}
