//! Too many requests, and too many guesses, over real sockets.

use std::sync::Arc;

use data_encoding::BASE64;
use reqwest::Method;
use serde_json::{Value, json};
use server::Guard;
use server::limits::GUESSES;
use testkit::app::{Client, OPERATOR_KEY, Reply, TestApp};

async fn guarded(guard: Guard) -> TestApp {
    let mut app = TestApp::start().await;
    app.app.guard = Arc::new(guard);
    app.app.trusted_proxies = ["127.0.0.1".parse().unwrap()].into();
    app.restart().await;
    app
}

/// The same client at another address.
async fn from(client: &Client, address: &str, path: &str) -> Reply {
    client.send(Method::GET, path, &[("x-forwarded-for", address)], None).await
}

fn told(app: &Value, status: u64) -> Vec<Value> {
    let all = app["problems"].as_array().unwrap().iter();
    all.filter(|problem| problem["status"] == status).cloned().collect()
}

/// R-6585-4-01: who asks too much is told 429 and when to come again, each credential, and so each tenant, on its own; it is
/// noted once. Seen to catch a server without the limit, and one that notes each.
#[tokio::test]
async fn r_6585_4_01_too_many_requests_of_one_credential_are_429() {
    let app = guarded(Guard::new(Some(20), None)).await;
    let mut last = None;
    for _ in 0..100 {
        let reply = app.idp().get("/Users").await;
        match reply.status.as_u16() {
            200 => {}
            _ => last = Some(reply),
        }
    }
    let refused = last.expect("a hundred at once are too many").expect(429);
    let wait: u64 = refused.header("retry-after").parse().unwrap();
    assert!((1..=2).contains(&wait), "{refused}");
    assert_eq!(refused.header("content-type"), "application/scim+json");
    assert_eq!(refused.body["status"], "429");
    assert_eq!(refused.body["schemas"][0], "urn:ietf:params:scim:api:messages:2.0:Error");
    // Neither another tenant nor an operator pays for it.
    let other = app.stranger(Some(&TestApp::key("globex")));
    other.get("/scim/globex/v2/Users").await.expect(200);
    let noted = app.operator().get("/tenants/acme/problems").await.expect(200).body;
    let noted = told(&noted, 429);
    assert_eq!(noted.len(), 1, "{noted:?}");
    assert_eq!(noted[0]["count"], 1);
    let metrics = app.stranger(Some(OPERATOR_KEY)).get("/metrics").await.expect(200).body;
    let text = metrics.as_str().unwrap();
    let count =
        text.lines().find_map(|line| line.strip_prefix("rollbook_too_many_total{why=\"rate\"} "));
    assert!(count.unwrap().parse::<u64>().unwrap() > 10, "{text}");
    // And it passes.
    tokio::time::sleep(std::time::Duration::from_secs(wait)).await;
    app.idp().get("/Users").await.expect(200);
}

/// What is open to everybody is limited by address, and the other doors by credential. Also R-6585-4-01.
#[tokio::test]
async fn r_6585_4_01_every_door_is_limited() {
    for (path, key) in [
        ("/scim/acme/v2/ServiceProviderConfig", None),
        ("/scim/acme/v2/Me", Some(TestApp::key("acme"))),
        ("/admin/v1/tenants", Some(OPERATOR_KEY.to_owned())),
        ("/scim/acme/v2/Schemas", Some(TestApp::key("acme"))),
        ("/oauth/acme/token", None),
        ("/openapi.json", None),
        ("/.well-known/oauth-authorization-server/oauth/acme", None),
        ("/metrics", Some(OPERATOR_KEY.to_owned())),
    ] {
        let app = guarded(Guard::new(Some(2), None)).await;
        let client = app.stranger(key.as_deref());
        let mut statuses = Vec::new();
        for _ in 0..12 {
            let reply = match path.ends_with("/token") {
                true => client.post(path, json!({})).await,
                false => client.get(path).await,
            };
            statuses.push(reply.status.as_u16());
        }
        assert!(statuses.contains(&429) && statuses[0] != 429, "{path}: {statuses:?}");
    }
}

/// Who guesses keys is slowed, and noted; nobody else is: not from another address, and not who was right from there before.
/// Seen to catch a server that counts by tenant, and one that does not count.
#[tokio::test]
async fn who_guesses_is_slowed_and_locks_nobody_out() {
    let app = guarded(Guard::new(None, Some(GUESSES))).await;
    let (right, wrong) = (app.idp(), app.idp().with_key("acme:rbk_wrong"));
    from(&right, "203.0.113.9", "/Users").await.expect(200);
    let mut statuses = Vec::new();
    for _ in 0..40 {
        statuses.push(from(&wrong, "203.0.113.9", "/Users").await.status.as_u16());
    }
    assert_eq!(statuses[..30], [401; 30]);
    assert!(statuses[30..].iter().filter(|status| **status == 429).count() >= 8, "{statuses:?}");
    let refused = from(&wrong, "203.0.113.9", "/Users").await.expect(429);
    assert!(!refused.header("retry-after").is_empty());
    from(&right, "203.0.113.9", "/Users").await.expect(200);
    from(&right, "203.0.113.10", "/Users").await.expect(200);
    from(&wrong, "203.0.113.10", "/Users").await.expect(401);
    // What the client says itself of where it comes from is not believed.
    let said = from(&wrong, "198.51.100.1, 203.0.113.9", "/Users").await;
    said.expect(429);
    let noted = app.operator().get("/tenants/_system/problems").await.expect(200).body;
    assert_eq!(told(&noted, 429).len(), 1, "{noted}");
}

/// Passwords that are guessed cost nothing more once they are slowed. Seen to catch a server that looks at them first.
#[tokio::test]
async fn guessed_passwords_are_not_looked_at_for_ever() {
    let app = guarded(Guard::new(None, Some(GUESSES))).await;
    let hashed = async || {
        let metrics = app.stranger(Some(OPERATOR_KEY)).get("/metrics").await.expect(200).body;
        let text = metrics.as_str().unwrap();
        let line = "rollbook_secrets_hashed_total{kind=\"password\"} ";
        text.lines().find_map(|l| l.strip_prefix(line)).unwrap().parse::<u64>().unwrap()
    };
    let stranger = app.stranger(None);
    let mut statuses = Vec::new();
    for n in 0..36 {
        let shown = BASE64.encode(format!("jane:a guess of hers {n}").as_bytes());
        let shown = format!("Basic {shown}");
        let reply = stranger
            .send(Method::GET, "/scim/acme/v2/Users", &[("authorization", &shown)], None)
            .await;
        statuses.push(reply.status.as_u16());
    }
    assert_eq!(
        statuses.iter().filter(|status| **status == 429).count(),
        36 - hashed().await as usize
    );
    assert!(statuses.ends_with(&[429]), "{statuses:?}");
}
