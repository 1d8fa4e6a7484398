//! Every door is tried: with no key, a wrong key, another tenant's key, and the other kind of key.

use domain::event::OperatorRole;
use reqwest::Method;
use serde_json::json;
use server::{Door, Key, doors, operators_doors};
use testkit::app::{OPERATOR_KEY, Reply, TestApp};

async fn knock(app: &TestApp, door: &Door, key: Option<&str>) -> Reply {
    let method: Method = door.method.parse().unwrap();
    let body = matches!(door.method, "POST" | "PUT" | "PATCH").then(|| b"{}".to_vec());
    app.stranger(key).send(method, &door.path, &[], body).await
}

/// Seen to catch: an admin API that lets in who shows no key at all.
#[tokio::test(flavor = "multi_thread")]
async fn no_door_opens_to_the_wrong_key() {
    let app = TestApp::start().await;
    let before = app.app.engine.world();
    let doors = doors("acme");
    assert!(doors.len() > 40, "only {} doors", doors.len());
    for door in &doors {
        let wrong: &[(Option<&str>, u16)] = match door.key {
            Key::Public => &[],
            Key::Connector => &[
                (None, 401),
                (Some("non-token"), 401),
                (Some("acme:rbk_wrong"), 401),
                (Some(OPERATOR_KEY), 401),
                (Some("globex:globex-test-scim-secret-0001"), 404),
                (Some("globex-test-scim-secret-0001"), 401),
                (Some("nobody:globex-test-scim-secret-0001"), 401),
            ],
            Key::User => &[
                (None, 401),
                (Some("non-token"), 401),
                (Some(OPERATOR_KEY), 401),
                (Some("acme:acme-test-scim-secret-0001"), 404),
                (Some("globex:globex-test-scim-secret-0001"), 404),
            ],
            Key::Management => &[
                (None, 401),
                (Some("non-token"), 401),
                (Some("acme:rbk_wrong"), 401),
                (Some(OPERATOR_KEY), 401),
                (Some("acme-test-scim-secret-0001"), 401),
                // A connector's key, but for SCIM.
                (Some("acme:acme-test-scim-secret-0001"), 403),
                (Some("globex:globex-test-scim-secret-0001"), 403),
            ],
            Key::Operator => &[
                (None, 401),
                (Some("non-token"), 401),
                (Some("acme:acme-test-scim-secret-0001"), 401),
                (Some("acme-test-scim-secret-0001"), 401),
            ],
        };
        for (key, status) in wrong {
            let reply = knock(&app, door, *key).await;
            assert_eq!(reply.status.as_u16(), *status, "{door:?} with {key:?}: {reply}");
            if door.method == "HEAD" {
                continue;
            }
            assert_eq!(reply.body["status"], status.to_string(), "{door:?}: {reply}");
            assert!(!reply.body["detail"].as_str().unwrap_or_default().is_empty(), "{door:?}");
            if *status == 401 {
                let challenge = reply.header("www-authenticate");
                assert!(challenge.starts_with("Bearer realm="), "{door:?}: {challenge}");
                // Nobody said who they are: no error code then (RFC 6750 §3.1).
                assert_eq!(challenge.contains("error="), key.is_some(), "{door:?}: {challenge}");
            }
        }
    }
    let after = app.app.engine.world();
    for (tenant, snapshot) in before.iter() {
        assert_eq!(after.get(tenant).map(|s| s.head), Some(snapshot.head), "tenant {tenant} moved");
    }
}

/// The right key is let in everywhere: no door answers 401 or falls to a server fault.
#[tokio::test(flavor = "multi_thread")]
async fn every_door_opens_to_its_own_key() {
    let app = TestApp::start().await;
    let jane =
        json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "jane" });
    app.idp().post("/Users", jane).await.expect(201);
    app.connector("management").await;
    let own = app.operator().post("/tenants/acme/credentials", json!({ "user": "jane" })).await;
    for door in doors("acme") {
        let key = match door.key {
            Key::Public => None,
            Key::Connector => Some(TestApp::key("acme")),
            Key::User => own.body["apiKey"].as_str().map(str::to_owned),
            Key::Operator => Some(OPERATOR_KEY.to_owned()),
            Key::Management => Some("acme:management-test-scim-secret-0001".to_owned()),
        };
        let reply = knock(&app, &door, key.as_deref()).await;
        let status = reply.status.as_u16();
        assert!(!matches!(status, 401 | 403 | 405 | 500), "{door:?}: {reply}");
    }
}

/// Every door of administration with every role: who is less than it asks for is told so and changes nothing, who is as
/// much is let in. Seen to catch an auditor who may write, and an operator who may close a tenant.
#[tokio::test(flavor = "multi_thread")]
async fn every_role_opens_its_own_doors_and_no_other() {
    let app = TestApp::start().await;
    let mut keys = Vec::new();
    for role in OperatorRole::ALL {
        let body = json!({ "name": role.name(), "role": role });
        let body = if role == OperatorRole::Owner {
            json!({ "name": "second", "role": role })
        } else {
            body
        };
        let added = app.operator().post("/operators", body).await.expect(201);
        keys.push((role, added.body["operatorKey"].as_str().unwrap().to_owned()));
    }
    let before = app.app.engine.world();
    let doors = operators_doors("acme");
    for (door, least) in &doors {
        // Said once more, so that no route is opened wider by a slip.
        let owners = door.path.starts_with("/admin/v1/operators") || door.path.ends_with("/close");
        let asks = door.path.ends_with("/access/check") || door.path.ends_with("/access/diff");
        let expected = match door.method {
            "GET" => OperatorRole::Auditor,
            _ if asks => OperatorRole::Auditor,
            _ if owners => OperatorRole::Owner,
            _ => OperatorRole::Operator,
        };
        assert_eq!(*least, expected, "{door:?}");
    }
    for (role, key) in &keys {
        for (door, least) in &doors {
            let refused = role < least;
            // What would be let in is not asked for, so that nothing moves: but for reads.
            if !refused && *least != OperatorRole::Auditor {
                continue;
            }
            let reply = knock(&app, door, Some(key)).await;
            assert_eq!(reply.status.as_u16() == 403, refused, "{door:?} as {role:?}: {reply}");
            if refused {
                let detail = reply.body["detail"].as_str().unwrap();
                assert!(detail.contains(least.name()), "{detail}");
                assert!(reply.header("www-authenticate").contains("insufficient_scope"));
            } else {
                assert_ne!(reply.status.as_u16(), 401, "{door:?} as {role:?}: {reply}");
            }
        }
        let reply = app.stranger(Some(key)).get("/metrics").await;
        assert_eq!(reply.status.as_u16(), 200, "{role:?}");
    }
    let after = app.app.engine.world();
    for (tenant, snapshot) in before.iter() {
        assert_eq!(after.get(tenant).map(|s| s.head), Some(snapshot.head), "tenant {tenant} moved");
    }
    // Now what is written: each role as much as it may.
    for (role, key) in &keys {
        for (door, least) in
            doors.iter().filter(|(door, least)| door.method != "GET" && role >= least)
        {
            let status = knock(&app, door, Some(key)).await.status.as_u16();
            assert!(
                !matches!(status, 401 | 403 | 405 | 500),
                "{door:?} as {role:?} for {least:?}: {status}"
            );
        }
    }
}

/// An auditor follows the feed, but not in the form that carries the keys of persons.
#[tokio::test(flavor = "multi_thread")]
async fn an_auditor_is_sent_no_keys() {
    let app = TestApp::start().await;
    let key = |body: serde_json::Value| {
        let operator = app.operator();
        async move {
            let added = operator.post("/operators", body).await.expect(201);
            added.body["operatorKey"].as_str().unwrap().to_owned()
        }
    };
    let auditor = key(json!({ "name": "ann", "role": "auditor" })).await;
    let operator = key(json!({ "name": "ben", "role": "operator" })).await;
    let feed = "/admin/v1/tenants/acme/feed";
    let recipient = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p";
    let sealed = format!("{feed}?form=sealed&recipient={recipient}");
    app.stranger(Some(&auditor)).get(feed).await.expect(200);
    app.stranger(Some(&auditor)).get(&sealed).await.expect(403);
    app.stranger(Some(&operator)).get(&sealed).await.expect(200);
}

/// The three ways of showing the same key (behaviour C-02), and a scheme name in another case.
#[tokio::test(flavor = "multi_thread")]
async fn c_02_a_key_is_taken_as_bearer_whole_or_alone_and_as_basic() {
    let app = TestApp::start().await;
    let path = "/scim/acme/v2/Users?startIndex=1&count=2";
    let (whole, alone) = (TestApp::key("acme"), "acme-test-scim-secret-0001");
    let basic = format!("Basic {}", base64(whole.as_bytes()));
    for value in [format!("Bearer {whole}"), format!("bEARER {alone}"), basic] {
        let headers = [("authorization", value.as_str())];
        app.stranger(None).send(Method::GET, path, &headers, None).await.expect(200);
    }
    let twice = [("authorization", "Bearer a"), ("authorization", "Bearer b")];
    app.stranger(None).send(Method::GET, path, &twice, None).await.expect(400);
}

fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let bits = chunk.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte));
        let bits = bits << (8 * (3 - chunk.len()));
        for i in 0..4 {
            let letter = LETTERS[(bits >> (18 - 6 * i)) as usize & 63] as char;
            text.push(if i <= chunk.len() { letter } else { '=' });
        }
    }
    text
}
