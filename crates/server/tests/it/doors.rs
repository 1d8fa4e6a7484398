//! Every door is tried: with no key, a wrong key, another tenant's key, and the other kind of key.

use reqwest::Method;
use serde_json::json;
use server::{Door, Key, doors};
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
