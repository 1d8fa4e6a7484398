//! A reader who takes nothing: writes go on, and nothing piles up for it.

use std::io::{Read, Write};
use std::net::TcpStream;

use domain::command::Command;
use domain::id::RoleId;
use tokio::net::TcpSocket;
use tokio::task::block_in_place;

use super::*;

/// Commits that are written while the reader stands still.
const COMMITS: u64 = 20_000;
/// Bytes of each, at least: what stands between the log and the reader (the system's buffers) holds a
/// few megabytes, the log sixty.
const TEXT_BYTES: usize = 3_000;

/// A reader's connection, with small buffers of its own.
async fn connect(app: &TestApp, after: u64) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(64 << 10).unwrap();
    let address = app.url.strip_prefix("http://").unwrap().parse().unwrap();
    let mut connection = socket.connect(address).await.unwrap().into_std().unwrap();
    connection.set_nonblocking(false).unwrap();
    let request = format!(
        "GET /admin/v1/tenants/acme/feed?after={after} HTTP/1.1\r\nhost: test\r\n\
         authorization: Bearer {OPERATOR_KEY}\r\naccept: text/event-stream\r\n\r\n"
    );
    connection.write_all(request.as_bytes()).unwrap();
    connection
}

async fn write(app: &TestApp, count: u64) {
    let tenant = app.app.engine.world().with_slug("acme").unwrap().0.id;
    let mut waiting = tokio::task::JoinSet::new();
    for number in 0..count {
        let (engine, origin) = (app.app.engine.clone(), server::startup(&app.app));
        let description = Some(format!("{number} {}", "€".repeat(TEXT_BYTES / 3)));
        let role = RoleId::new((app.app.ids)());
        let command = Command::DefineRole { role, name: "Auditor".to_owned(), description };
        waiting.spawn(async move { engine.submit(tenant, origin, command).await });
        if waiting.len() >= 512 {
            waiting.join_next().await.unwrap().unwrap().unwrap();
        }
    }
    while let Some(done) = waiting.join_next().await {
        done.unwrap().unwrap();
    }
}

/// How many commits the reader is behind, and how many bytes wait for it, once nothing moves any more.
async fn settled(app: &TestApp) -> (u64, u64) {
    let (mut last, mut times) = ((0, 0), 0);
    while times < 20 {
        let behind = metric(app, "rollbook_feed_behind", "acme").await;
        let buffered = metric(app, "rollbook_feed_buffered_bytes", "acme").await;
        assert!(behind > 0, "the whole log was read for a reader who takes nothing");
        let is_same = buffered > 0 && (behind, buffered) == last;
        times = if is_same { times + 1 } else { 0 };
        last = (behind, buffered);
    }
    last
}

/// Seen to catch: an unbounded channel between the log and the socket (all of the
/// log is read then, and waits in memory).
#[tokio::test(flavor = "multi_thread")]
async fn a_reader_who_stands_still_holds_nothing_up_and_piles_nothing_up() {
    let app = TestApp::start().await;
    let first = head(&app).await;
    let mut slow = connect(&app, first).await;
    readers(&app, "acme", 1).await;
    // Every write is acknowledged while the reader takes nothing.
    write(&app, COMMITS).await;
    let last = head(&app).await;
    assert_eq!(last, first + COMMITS);
    let (behind, buffered) = settled(&app).await;
    assert!(behind > COMMITS / 2, "{behind} of {COMMITS} were not read: where are the others?");
    let most = 2 * server::limits::FEED_RUN_BYTES as u64;
    assert!(buffered < most, "{buffered} bytes wait for the socket");

    // Then it goes on, and nothing is lost or told twice.
    let (mut expected, mut text, mut chunk) = (first + 1, Vec::new(), vec![0; 1 << 20]);
    while expected <= last {
        let count = block_in_place(|| slow.read(&mut chunk)).unwrap();
        assert!(count > 0, "the stream ended at {expected}");
        text.extend_from_slice(&chunk[..count]);
        let mut done = 0;
        while let Some(end) = text[done..].iter().position(|byte| *byte == b'\n') {
            let line = &text[done..done + end];
            done += end + 1;
            if let Some(id) = line.strip_prefix(b"id: ") {
                assert_eq!(std::str::from_utf8(id).unwrap(), expected.to_string());
                expected += 1;
            }
        }
        text.drain(..done);
    }
    assert_eq!(metric(&app, "rollbook_feed_behind", "acme").await, 0);
    drop(slow);
    readers(&app, "acme", 0).await;
}

/// A reader who is gone leaves its place, even if it never took what was sent.
#[tokio::test(flavor = "multi_thread")]
async fn a_reader_who_is_killed_leaves_its_place() {
    let app = TestApp::start().await;
    let first = head(&app).await;
    let slow = connect(&app, first).await;
    let idle = connect(&app, first).await;
    readers(&app, "acme", 2).await;
    write(&app, 6_000).await;
    assert!(metric(&app, "rollbook_feed_behind", "acme").await > 0);
    drop((slow, idle));
    readers(&app, "acme", 0).await;
}
