//! Many times more than can be done at once: who is told to come again, who waits for whom, and what it holds in memory.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use domain::command::Command;
use domain::id::TenantId;
use engine::{Engine, Refusal};
use serde_json::json;
use server::App;
use testkit::app::TestApp;
use tokio::task::JoinSet;

fn tenant(app: &App, slug: &str) -> TenantId {
    app.engine.world().with_slug(slug).unwrap().0.id
}

fn position(engine: &Engine, tenant: TenantId) -> u64 {
    engine.now(tenant).unwrap().head.position.unwrap().get()
}

async fn rename(app: &App, tenant: TenantId, title: String) -> Result<u64, Refusal> {
    let command =
        Command::DescribeTenant { title: Some(title), alert_addresses: None, alerts: None };
    let receipt = app.engine.submit(tenant, server::startup(app), command).await?;
    Ok(receipt.position.unwrap().get())
}

/// Ten times what may wait, all at once and again and again, of one tenant: the small one beside it is never told to come
/// again, and waits for a turn or two and not for the whole line; whatever of the large one is granted stands in its log, the rest is
/// told to come again.
///
/// Seen to catch one line for all tenants: then the small one is refused, and where it is not, it waits for thousands.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_large_tenant_does_not_hold_a_small_one_up() {
    let app = TestApp::start().await;
    let (app, hold) = (app.app.clone(), app);
    let (large, small) = (tenant(&app, "acme"), tenant(&app, "globex"));
    let (granted, refused) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let before = position(&app.engine, large);
    let mut flood = JoinSet::new();
    for n in 0..10 * engine::limits::WAITING {
        let (app, granted, refused) = (app.clone(), granted.clone(), refused.clone());
        flood.spawn(async move {
            for _ in 0..3 {
                match rename(&app, large, format!("acme {n}")).await {
                    Ok(_) => {
                        granted.fetch_add(1, Ordering::Relaxed);
                        return;
                    }
                    Err(Refusal::Busy) => refused.fetch_add(1, Ordering::Relaxed),
                    Err(other) => panic!("{other}"),
                };
                tokio::time::sleep(Duration::from_millis(300)).await;
            }
        });
    }
    let (mut asked, mut passed) = (0, 0);
    while app.engine.waiting() == 0 {
        tokio::task::yield_now().await;
    }
    while app.engine.waiting() > engine::limits::TURN {
        assert!(app.engine.waiting() <= engine::limits::WAITING);
        let before = position(&app.engine, large);
        rename(&app, small, format!("globex {asked}")).await.expect("a small tenant is let in");
        passed = passed.max(position(&app.engine, large) - before);
        asked += 1;
    }
    while let Some(done) = flood.join_next().await {
        done.unwrap();
    }
    assert!(asked > 3, "{asked}");
    assert!(passed <= 3 * engine::limits::TURN as u64, "{passed} of the large one went before");
    let (granted, refused) = (granted.load(Ordering::Relaxed), refused.load(Ordering::Relaxed));
    assert!(granted >= engine::limits::WAITING as u64 && refused > 0, "{granted} {refused}");
    // Whoever asks again for what is so already writes nothing.
    assert_eq!(position(&app.engine, large), before + granted);
    drop(hold);
}

/// Bodies of groups have so much room together: more of them are told to come again, and a user's request beside them is not.
/// Seen to catch a server that takes all that comes.
#[tokio::test]
async fn large_bodies_have_bounded_room() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpStream;

    const LARGE: usize = 15 << 20;
    let app = TestApp::start().await;
    let address = app.url.trim_start_matches("http://").to_owned();
    let key = TestApp::key("acme");
    let head = format!(
        "POST /scim/acme/v2/Groups HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\n\
         Content-Type: application/scim+json\r\nContent-Length: {LARGE}\r\n\r\n"
    );
    // Each sends all but the end of its body: what came is held until the rest is there.
    let mut held = Vec::new();
    let mut full = None;
    for _ in 0..server::limits::BODIES_BYTES / LARGE + 2 {
        let mut socket = TcpStream::connect(&address).await.unwrap();
        socket.write_all(head.as_bytes()).await.unwrap();
        let sent = socket.write_all(&vec![b' '; LARGE - 1]).await;
        let mut told = vec![0; 4_096];
        let quiet = tokio::time::timeout(Duration::from_millis(300), socket.read(&mut told)).await;
        match (sent, quiet) {
            (Ok(()), Err(_)) => held.push(socket),
            (_, Ok(Ok(length))) => {
                full = Some(String::from_utf8_lossy(&told[..length]).into_owned());
                break;
            }
            (sent, read) => panic!("{sent:?} {read:?}"),
        }
    }
    let full = full.expect("there is room for some");
    assert!(full.starts_with("HTTP/1.1 503 ") && full.contains("retry-after: 1"), "{full}");
    assert!(full.contains("as many large requests as it can"), "{full}");
    assert!(held.len() * LARGE <= server::limits::BODIES_BYTES, "{}", held.len());
    assert!(held.len() >= 4, "{}", held.len());
    let user =
        json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "ada" });
    app.idp().post("/Users", user).await.expect(201);
    // Who goes away makes room.
    drop(held);
    let group = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": "Large",
        "externalId": "x".repeat(100 << 10),
    });
    let again = async {
        while app.idp().post("/Groups", group.clone()).await.status.as_u16() == 503 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), again).await.expect("there is room again");
}
