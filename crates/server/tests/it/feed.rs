//! The feed, over real sockets.

use serde_json::{Value, json};
use testkit::app::{OPERATOR_KEY, TestApp};

mod copies;
mod pages;
mod slow;
mod streams;

const CORE: &str = "urn:ietf:params:scim:schemas:core:2.0:User";

fn user(name: &str) -> Value {
    json!({ "schemas": [CORE], "userName": name })
}

async fn users(app: &TestApp, names: std::ops::Range<u32>) {
    for number in names {
        app.idp().post("/Users", user(&format!("u{number}@acme.com"))).await.expect(201);
    }
}

/// The position at which `acme`'s log ends.
async fn head(app: &TestApp) -> u64 {
    let tenant = app.operator().get("/tenants/acme").await.expect(200);
    tenant.body["head"]["position"].as_u64().unwrap()
}

fn positions(page: &Value) -> Vec<u64> {
    page["commits"].as_array().unwrap().iter().map(|c| c["position"].as_u64().unwrap()).collect()
}

/// Waits until so many readers follow a tenant's feed.
async fn readers(app: &TestApp, slug: &str, expected: u64) {
    while metric(app, "rollbook_feed_readers", slug).await != expected {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
}

/// What `/metrics` says of a tenant.
async fn metric(app: &TestApp, name: &str, slug: &str) -> u64 {
    let text = app.stranger(Some(OPERATOR_KEY)).get("/metrics").await.expect(200);
    let begin = format!("{name}{{tenant=\"{slug}\"}} ");
    let text = text.body.as_str().unwrap().to_owned();
    text.lines().find_map(|line| line.strip_prefix(&begin)).unwrap().parse().unwrap()
}
