//! Passwords for Basic, and who guesses them.

use std::sync::atomic::Ordering;

use data_encoding::BASE64;
use reqwest::Method;
use serde_json::{Value, json};
use testkit::app::{Reply, TestApp};

use crate::isolation::hashed;

const CREDENTIALS: &str = "/tenants/acme/credentials";
const PASSWORD: &str = "a password: with a colon";

async fn issue(app: &TestApp, basic: Value) -> Reply {
    let body = json!({ "connector": server::FIRST_CONNECTOR, "basic": basic });
    app.operator().post(CREDENTIALS, body).await
}

/// How somebody with this name and password is answered.
async fn with(app: &TestApp, tenant: &str, user: &str, password: &str) -> Reply {
    let basic = format!("Basic {}", BASE64.encode(format!("{user}:{password}").as_bytes()));
    let path = format!("/scim/{tenant}/v2/Users");
    app.stranger(None).send(Method::GET, &path, &[("authorization", &basic)], None).await
}

/// Wrong users and wrong passwords are answered alike, and each is another tenant's stranger.
#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_nobody_has_and_a_wrong_password_are_answered_alike() {
    let app = TestApp::start().await;
    issue(&app, json!({ "user": "svc", "password": PASSWORD })).await.expect(201);
    with(&app, "acme", "svc", PASSWORD).await.expect(200);
    let wrong = with(&app, "acme", "svc", "a password: with a colom").await.expect(401);
    for (tenant, user, password) in [
        ("acme", "nobody", PASSWORD),
        ("acme", "SVC", PASSWORD),
        ("acme", "", PASSWORD),
        ("acme", "svc", ""),
        // It has been right a moment ago, but not for these.
        ("globex", "svc", PASSWORD),
        ("nobody", "svc", PASSWORD),
    ] {
        let reply = with(&app, tenant, user, password).await.expect(401);
        assert_eq!(reply.body, wrong.body, "{tenant} {user}");
        let challenge = reply.header("www-authenticate").replace(tenant, "acme");
        assert_eq!(challenge, wrong.header("www-authenticate"), "{tenant} {user}");
    }
    // Neither a password nor a user name is a key.
    app.stranger(Some(PASSWORD)).get("/scim/acme/v2/Users").await.expect(401);
    app.stranger(Some(&format!("svc:{PASSWORD}"))).get("/scim/acme/v2/Users").await.expect(401);
}

/// Behaviour P-01: a right password is calculated once per credential and minute, not per request.
///
/// Seen to catch what is remembered for twice as long.
#[tokio::test(flavor = "multi_thread")]
async fn p_01_a_password_is_calculated_once_per_credential_and_minute() {
    let app = TestApp::start().await;
    issue(&app, json!({ "user": "svc", "password": PASSWORD })).await.expect(201);
    let [_, before] = hashed(&app).await;
    for (later, times) in [(0, 1), (0, 1), (59_000, 1), (1_000, 2), (0, 2), (60_000, 3)] {
        app.clock.fetch_add(later, Ordering::Relaxed);
        with(&app, "acme", "svc", PASSWORD).await.expect(200);
        let [_, after] = hashed(&app).await;
        assert_eq!(after - before, times, "{later} ms later");
    }
}

/// What is remembered of a right password is not good for a credential that is not.
#[tokio::test(flavor = "multi_thread")]
async fn a_password_that_was_right_a_moment_ago_dies_with_its_credential() {
    let app = TestApp::start().await;
    let issued = issue(&app, json!({ "user": "svc" })).await.expect(201);
    let password = issued.body["password"].as_str().unwrap();
    with(&app, "acme", "svc", password).await.expect(200);
    let path = format!("{CREDENTIALS}/{}/rotate", issued.id());
    let body = json!({ "overlapSeconds": 30, "password": PASSWORD });
    let next = app.operator().post(&path, body).await.expect(201);
    with(&app, "acme", "svc", password).await.expect(200);
    with(&app, "acme", "svc", PASSWORD).await.expect(200);
    app.clock.fetch_add(30_000, Ordering::Relaxed);
    with(&app, "acme", "svc", password).await.expect(401);
    with(&app, "acme", "svc", PASSWORD).await.expect(200);
    let connector = format!("/tenants/acme/connectors/{}", server::FIRST_CONNECTOR);
    app.operator().patch(&connector, json!({ "enabled": false })).await.expect(200);
    with(&app, "acme", "svc", PASSWORD).await.expect(403);
    app.operator().patch(&connector, json!({ "enabled": true })).await.expect(200);
    with(&app, "acme", "svc", PASSWORD).await.expect(200);
    app.operator().delete(&format!("{CREDENTIALS}/{}", next.id())).await;
    with(&app, "acme", "svc", PASSWORD).await.expect(401);
}

#[tokio::test(flavor = "multi_thread")]
async fn passwords_that_cannot_be_issued_are_refused_with_the_reason() {
    let app = TestApp::start().await;
    issue(&app, json!({ "user": "svc", "password": PASSWORD })).await.expect(201);
    for (basic, status) in [
        (json!({ "user": "other", "password": "short" }), 400),
        (json!({ "user": "other", "password": "x".repeat(1_025) }), 400),
        (json!({ "user": "other", "password": "with\na line of its own" }), 400),
        (json!({ "user": "with:colon" }), 400),
        (json!({ "user": "" }), 400),
        (json!({ "user": "svc" }), 409),
    ] {
        let reply = issue(&app, basic.clone()).await;
        assert_eq!(reply.status, status, "{basic}: {reply}");
        assert!(!reply.body["detail"].as_str().unwrap().is_empty(), "{reply}");
    }
    // The site host as a user name means a key.
    let own = issue(&app, json!({ "user": "acme" })).await;
    assert!(own.status.is_client_error(), "{own}");
}

/// Who guesses many at once is asked to come again, and keeps nobody else out. Whoever knows the password gets in when the
/// guesses are over.
///
/// Seen to catch places that are not given back.
#[tokio::test(flavor = "multi_thread")]
async fn when_too_many_passwords_wait_the_rest_is_asked_to_come_again() {
    const GUESSES: usize = 4 * server::limits::PASSWORDS_WAITING_OF_TENANT;
    let app = std::sync::Arc::new(TestApp::start().await);
    issue(&app, json!({ "user": "svc", "password": PASSWORD })).await.expect(201);
    let mut late = Vec::new();
    // All of them come within a moment, and two at a time are looked at; how it falls out is the machine's, so it may try again.
    for round in 0..20 {
        let mut guesses = tokio::task::JoinSet::new();
        for guess in 0..GUESSES {
            let app = app.clone();
            guesses.spawn(async move {
                with(&app, "acme", "svc", &format!("guess {round} {guess}")).await
            });
        }
        let other = with(&app, "globex", "svc", "a guess").await;
        assert_eq!(other.status, 401, "another tenant is kept out: {other}");
        let replies = guesses.join_all().await;
        assert!(replies.iter().any(|reply| reply.status == 401), "none was looked at");
        late = replies.into_iter().filter(|reply| reply.status != 401).collect();
        if !late.is_empty() {
            break;
        }
    }
    assert!(!late.is_empty(), "however many came, none was asked to come again");
    for reply in late {
        assert_eq!(reply.status, 503, "{reply}");
        assert_eq!(reply.header("retry-after"), "1", "{reply}");
        assert!(reply.body["detail"].as_str().unwrap().contains("try again"), "{reply}");
    }
    with(&app, "acme", "svc", PASSWORD).await.expect(200);
}
