//! Administration and audit as of a moment.

use std::sync::atomic::Ordering;

use serde_json::{Value, json};
use testkit::app::{Client, Reply, TestApp};

use crate::messages::CORE;

/// What an operator can read of a tenant's log, each the same for ever once the moment is named.
const READS: [&str; 16] = [
    "/tenants/acme?",
    "/tenants/acme/users/jane?",
    "/tenants/acme/groups/Sales?",
    "/tenants/acme/roles/Analyst?",
    "/tenants/acme/roles/Auditor?",
    "/tenants/acme/credentials/nobody?",
    "/tenants/acme/roles?",
    "/tenants/acme/rules?",
    "/tenants/acme/connectors?",
    "/tenants/acme/connectors/okta?",
    "/tenants/acme/connectors/entra?",
    "/tenants/acme/credentials?",
    "/tenants/acme/schemas?",
    "/tenants/acme/audit/commits?",
    "/tenants/acme/audit/commits?order=newest&count=2&",
    "/tenants/acme/audit/commits?subject=jane&",
];

async fn position(operator: &Client) -> u64 {
    let shown = operator.get("/tenants/acme").await.expect(200);
    shown.body["head"]["position"].as_u64().unwrap()
}

/// What an answer says of the log: what is counted beside it is of now only.
fn told(reply: Reply) -> String {
    let mut reply = reply;
    let forget = |thing: &mut Value| {
        for counted in ["tolerated", "lastUsed"] {
            thing.as_object_mut().and_then(|thing| thing.remove(counted));
        }
    };
    for list in ["connectors", "credentials"] {
        reply.body[list].as_array_mut().into_iter().flatten().for_each(forget);
    }
    forget(&mut reply.body);
    reply.to_string()
}

/// Seen to catch: `roles` of now, the audit log without its end, names of users looked for in the
/// present, and a position one too far.
#[tokio::test(flavor = "multi_thread")]
async fn every_read_answers_what_it_answered_then() {
    let app = TestApp::start().await;
    let (idp, operator) = (app.idp(), app.operator());
    let mut recorded = Vec::new();
    let mut record = async || {
        let at = position(&operator).await;
        let time = app.clock.load(Ordering::Relaxed);
        for read in READS {
            recorded.push((at, time, read, told(operator.get(read).await)));
        }
        app.clock.fetch_add(1_000, Ordering::Relaxed);
    };
    record().await;
    let jane = json!({ "schemas": [CORE], "userName": "jane", "roles": [{ "value": "Analyst" }] });
    let id = idp.post("/Users", jane).await.expect(201).id();
    record().await;
    let new = json!({ "name": "entra", "preset": "entra" });
    let added = operator.post("/tenants/acme/connectors", new).await.expect(201).body;
    operator.post("/tenants/acme/roles", json!({ "name": "Auditor" })).await.expect(200);
    record().await;
    let change = json!({ "mode": "strict", "catalogue": "okta" });
    operator.patch("/tenants/acme/connectors/okta", change).await.expect(200);
    operator.delete("/tenants/acme/roles/Auditor").await.expect(200);
    let key = added["credential"].as_str().unwrap();
    operator.delete(&format!("/tenants/acme/credentials/{key}")).await.expect(200);
    let schema = json!({ "schema": {
        "id": "urn:example:badge", "name": "Badge",
        "attributes": [{ "name": "number", "type": "integer" }],
    } });
    operator.post("/tenants/acme/schemas", schema).await.expect(200);
    let renamed = json!({ "schemas": [CORE], "userName": "jane.li" });
    idp.put(&format!("/Users/{id}"), renamed).await.expect(200);
    record().await;
    idp.delete(&format!("/Users/{id}")).await.expect(204);
    for (at, time, read, then) in recorded {
        let moment = domain::time::Timestamp::from_millis(time);
        for as_of in [at.to_string(), moment.to_string()] {
            let now = told(operator.get(&format!("{read}asOf={as_of}")).await);
            assert_eq!(now, then, "{read} as of {as_of}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tenants_are_listed_as_of_a_moment_of_the_instances_own_log() {
    let app = TestApp::start().await;
    let operator = app.operator();
    let then = operator.get("/tenants").await.expect(200);
    app.clock.fetch_add(1_000, Ordering::Relaxed);
    operator.post("/tenants", json!({ "slug": "initech" })).await.expect(201);
    assert_eq!(operator.get("/tenants").await.body["tenants"].as_array().unwrap().len(), 3);
    for as_of in [then.header("rollbook-position"), "2026-01-01T00:00:00.999Z"] {
        let listed = operator.get(&format!("/tenants?asOf={as_of}")).await.expect(200);
        assert_eq!(listed.to_string(), then.to_string());
    }
    // The tenant was not there yet: its own log begins later.
    let refused = operator.get("/tenants/initech?asOf=2026-01-01T00:00:00.500Z").await.expect(400);
    assert!(refused.body["detail"].as_str().unwrap().contains("2026-01-01T00:00:01.000Z"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_no_past_is_not_asked_for_it() {
    let app = TestApp::start().await;
    let operator = app.operator();
    let last = position(&operator).await;
    let refused = async |reply: Reply, why: &str| {
        let detail = reply.expect(400).body["detail"].as_str().unwrap().to_owned();
        assert!(detail.contains(why), "{detail}");
    };
    refused(operator.get("/tenants/acme/problems?asOf=1").await, "no part of the history").await;
    let write = "/tenants/acme/roles?asOf=1";
    refused(operator.post(write, json!({ "name": "Auditor" })).await, "the past is not written")
        .await;
    refused(operator.get("/tenants/acme?asOf=2999-01-01").await, "yet to come").await;
    let ahead = format!("/tenants/acme?asOf={}", last + 1);
    refused(operator.get(&ahead).await, &format!("the log ends at {last}")).await;
    refused(operator.get("/tenants/acme/roles?asOf=soon").await, "`soon`").await;
    operator.get("/tenants/nobody?asOf=1").await.expect(404);
    assert_eq!(position(&operator).await, last);
}
