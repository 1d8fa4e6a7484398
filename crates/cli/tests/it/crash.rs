//! SIGKILL in the middle of concurrent writes, again and again: every acknowledged write is there
//! afterwards, by hash, and nothing else is broken.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::common::{self, OPERATOR_KEY, SCIM_KEY, Served};
use serde_json::{Value, json};

/// How often the server is killed.
const KILLS: u64 = 50;
/// Clients that write at once.
const CLIENTS: u64 = 8;

const CORE: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const PATCH: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

/// What was acknowledged: where a commit stands, and its hash.
type Acknowledged = Arc<Mutex<BTreeMap<u64, String>>>;

/// Seen to catch: neither sled's flush nor our `sync_data` after a turn (the head witness is ahead of
/// the log at once, and the server refuses to start), and answers that leave before the append (gone
/// after the third kill).
#[tokio::test(flavor = "multi_thread")]
async fn fifty_kills_lose_nothing_that_was_acknowledged() {
    let data = tempfile::tempdir().unwrap();
    let acknowledged = Acknowledged::default();
    let mut pauses = 0x9e37_79b9_u64;
    for round in 0..KILLS {
        let server = Served::start(data.path());
        check(&server.url, &acknowledged, round).await;
        let clients: Vec<_> = (0..CLIENTS)
            .map(|client| {
                tokio::spawn(write(server.url.clone(), round, client, acknowledged.clone()))
            })
            .collect();
        pauses = pauses.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        tokio::time::sleep(Duration::from_millis(20 + (pauses >> 33) % 200)).await;
        // `kill` is SIGKILL: the process gets no chance to tidy up.
        drop(server);
        for client in clients {
            client.await.unwrap();
        }
    }
    let server = Served::start(data.path());
    check(&server.url, &acknowledged, KILLS).await;
    let total = acknowledged.lock().unwrap().len();
    assert!(total as u64 > KILLS * CLIENTS, "only {total} writes were acknowledged");
    drop(server);
    let folder = data.path().to_str().unwrap();
    let (status, out, err) = common::run(&["verify", "--data", folder], &[]);
    assert_eq!(status, 0, "{out}{err}");
}

/// Creates users and changes them, until the server is gone.
async fn write(url: String, round: u64, client: u64, acknowledged: Acknowledged) {
    let http = reqwest::Client::new();
    let users = format!("{url}/scim/acme/v2/Users");
    for number in 0.. {
        let name = format!("r{round}-c{client}-n{number}");
        let body = json!({ "schemas": [CORE], "userName": name, "title": "x".repeat(200) });
        let Some(created) = send(http.post(&users), body, &acknowledged).await else { return };
        let one = format!("{users}/{}", created["id"].as_str().unwrap());
        let off = json!({
            "schemas": [PATCH], "Operations": [{ "op": "replace", "value": { "active": false } }],
        });
        if send(http.patch(&one), off, &acknowledged).await.is_none() {
            return;
        }
    }
}

/// Sends a write and notes what was acknowledged; nothing when the server is gone.
async fn send(
    request: reqwest::RequestBuilder,
    body: Value,
    acknowledged: &Acknowledged,
) -> Option<Value> {
    let answer = request.bearer_auth(SCIM_KEY).json(&body).send().await.ok()?;
    let header = |name: &str| Some(answer.headers().get(name)?.to_str().ok()?.to_owned());
    let (position, hash) = (header("rollbook-position"), header("rollbook-commit"));
    assert!(answer.status().is_success(), "{}", answer.status());
    // The head of the answer is enough: it leaves only after the commit is durable.
    let (position, hash) = (position?.parse().unwrap(), hash.expect("a write says its hash"));
    let before = acknowledged.lock().unwrap().insert(position, hash);
    assert_eq!(before, None, "position {position} was acknowledged twice");
    answer.json().await.ok()
}

/// Every acknowledged write is in the log, by hash.
async fn check(url: &str, acknowledged: &Acknowledged, round: u64) {
    let expected = acknowledged.lock().unwrap().clone();
    let (http, mut from) = (reqwest::Client::new(), 1_u64);
    let mut there = BTreeMap::new();
    loop {
        let path = format!("{url}/admin/v1/tenants/acme/audit/commits?from={from}&count=1000");
        let answer = http.get(path).bearer_auth(OPERATOR_KEY).send().await.unwrap();
        let page: Value = answer.json().await.unwrap();
        for commit in page["commits"].as_array().unwrap() {
            there.insert(
                commit["position"].as_u64().unwrap(),
                commit["hash"].as_str().unwrap().to_owned(),
            );
        }
        match page["next"]["from"].as_u64() {
            Some(next) => from = next,
            None => break,
        }
    }
    for (position, hash) in expected {
        assert_eq!(there.get(&position), Some(&hash), "after kill {round}, position {position}");
    }
}
