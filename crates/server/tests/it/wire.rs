//! What clients do to a socket: on raw connections, against a server with little patience.

use std::io::ErrorKind;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use server::{Patience, Wire};
use testkit::app::{OPERATOR_KEY, TestApp};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep, timeout};

/// Long enough for a test machine that is busy, short enough to wait for.
const SHORT: Duration = Duration::from_millis(400);
/// Beyond what any of these tests waits for.
const LONG: Duration = Duration::from_secs(60);

fn patient() -> Patience {
    Patience {
        head: LONG,
        idle: LONG,
        handshake: LONG,
        body: LONG,
        body_bytes_per_second: 1 << 20,
        stall: LONG,
        drain: LONG,
    }
}

/// Another server over the same app, with other limits.
struct Served {
    address: String,
    stop: Option<oneshot::Sender<()>>,
    done: tokio::task::JoinHandle<std::io::Result<()>>,
}

async fn serve(app: &TestApp, wire: Wire) -> Served {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let (stop, stopped) = oneshot::channel();
    let serving =
        server::serve_with(listener, app.app.clone(), wire, async { drop(stopped.await) });
    Served { address, stop: Some(stop), done: tokio::spawn(serving) }
}

async fn with(app: &TestApp, patience: Patience) -> Served {
    serve(app, Wire { patience, ..Wire::default() }).await
}

impl Served {
    async fn connect(&self) -> TcpStream {
        TcpStream::connect(&self.address).await.unwrap()
    }

    /// What comes back for these bytes until the server closes.
    async fn talk(&self, bytes: &str) -> String {
        let mut socket = self.connect().await;
        socket.write_all(bytes.as_bytes()).await.unwrap();
        rest(&mut socket).await
    }
}

/// Everything until the end, which must come: a reset is one.
async fn rest(socket: &mut TcpStream) -> String {
    let mut told = Vec::new();
    match timeout(LONG, socket.read_to_end(&mut told)).await.expect("the server closes") {
        Ok(_) => {}
        Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionReset),
    }
    String::from_utf8(told).unwrap()
}

const ALIVE: &str = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n";

/// Reads one answer without a body that matters: until it was quiet, or for as long as it takes to be there at all.
async fn answered(socket: &mut TcpStream) -> String {
    let mut told = vec![0; 64 << 10];
    let length = timeout(LONG, socket.read(&mut told)).await.unwrap().unwrap();
    String::from_utf8(told[..length].to_vec()).unwrap()
}

/// Requests that two servers may take for different ones are 400, and nothing after them is looked at. Seen to catch a server
/// that lets the parser decide: it takes a bare LF for an end, and forgets a length beside chunks.
#[tokio::test]
async fn what_smuggles_a_request_is_400_and_the_end() {
    let app = TestApp::start().await;
    let served = with(&app, patient()).await;
    let hidden = "GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n";
    for wrong in [
        "POST /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "POST /healthz HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
        "POST /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nContent-Length: 44\r\n\r\n",
        "POST /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 0, 44\r\n\r\n",
        "POST /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        "POST /healthz HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        "POST /healthz HTTP/1.1\r\nHost: x\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
        "POST /healthz HTTP/1.0\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "GET /healthz HTTP/1.1\r\nHost: x\r\nX: a\r\n b\r\n\r\n",
        "GET /healthz HTTP/1.1\r\nHost: x\r\n X: a\r\n\r\n",
        "GET /healthz HTTP/1.1\r\nHost: x\r\nX: a\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "GET /healthz HTTP/1.1\nHost: x\n\n",
        "GET /healthz HTTP/1.1\r\nHost: x\r\nX: a\0b\r\n\r\n",
        "GET /healthz HTTP/1.1\r\nHost: x\r\nX: a\rb\r\n\r\n",
    ] {
        let told = served.talk(&format!("{wrong}{hidden}")).await;
        assert!(told.starts_with("HTTP/1.1 400 "), "{wrong:?}: {told}");
        assert_eq!(told.matches("HTTP/1.1").count(), 1, "{wrong:?}: {told}");
        // The same behind a request that is good: that one is answered.
        let told = served.talk(&format!("{ALIVE}{wrong}{hidden}")).await;
        assert!(told.starts_with("HTTP/1.1 200 "), "{wrong:?}: {told}");
        assert_eq!(told.matches("HTTP/1.1").count(), 2, "{wrong:?}: {told}");
        assert!(told.contains("HTTP/1.1 400 "), "{wrong:?}: {told}");
    }
}

/// A chunk whose size two servers may read differently ends the body; nobody takes the rest for a request.
#[tokio::test]
async fn a_chunk_that_is_none_ends_the_connection() {
    let app = TestApp::start().await;
    let served = with(&app, patient()).await;
    let key = TestApp::key("acme");
    for chunk in [
        "5\nhello\r\n0\r\n\r\n",
        "+5\r\nhello\r\n0\r\n\r\n",
        "5\r\nhello0\r\n\r\n",
        "fffffffffffffffff\r\n",
    ] {
        let told = served
            .talk(&format!(
                "POST /scim/acme/v2/Users HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\n\
                 Content-Type: application/scim+json\r\nTransfer-Encoding: chunked\r\n\r\n{chunk}{ALIVE}"
            ))
            .await;
        assert!(told.starts_with("HTTP/1.1 400 "), "{chunk:?}: {told}");
        assert_eq!(told.matches("HTTP/1.1").count(), 1, "{chunk:?}: {told}");
    }
}

#[tokio::test]
async fn a_head_that_is_too_large_is_431() {
    let app = TestApp::start().await;
    let served = with(&app, patient()).await;
    for head in [
        format!("GET /healthz HTTP/1.1\r\nHost: x\r\nX: {}\r\n\r\n", "a".repeat(100 << 10)),
        format!("GET /healthz HTTP/1.1\r\nHost: x\r\n{}\r\n", "X: a\r\n".repeat(200)),
        format!(
            "GET /healthz HTTP/1.1\r\nHost: x\r\n{}\r\n",
            format!("X: {}\r\n", "a".repeat(990)).repeat(50)
        ),
    ] {
        let told = served.talk(&head).await;
        assert!(told.starts_with("HTTP/1.1 431 "), "{told}");
    }
}

/// Seen to catch a server without patience for the head, for what comes between, and for the body.
#[tokio::test]
async fn who_is_slow_is_let_go() {
    let app = TestApp::start().await;
    let (head, idle) =
        (Patience { head: SHORT, ..patient() }, Patience { idle: SHORT, ..patient() });
    // A byte now and then does not help.
    let served = with(&app, head).await;
    let mut socket = served.connect().await;
    let begun = Instant::now();
    for byte in ALIVE.bytes().cycle().take(1_000).filter(|byte| *byte != b'\n') {
        if socket.write_all(&[byte]).await.is_err() {
            break;
        }
        sleep(Duration::from_millis(20)).await;
    }
    assert!(begun.elapsed() < Duration::from_secs(15), "{:?}", begun.elapsed());
    // Nor does having asked before; but one may wait as long as one likes in between.
    let mut socket = served.connect().await;
    for _ in 0..2 {
        sleep(SHORT * 2).await;
        socket.write_all(ALIVE.as_bytes()).await.unwrap();
        assert!(answered(&mut socket).await.starts_with("HTTP/1.1 200 "));
    }
    socket.write_all(b"GET").await.unwrap();
    assert_eq!(rest(&mut socket).await, "");
    let served = with(&app, idle).await;
    assert_eq!(rest(&mut served.connect().await).await, "");
    let mut socket = served.connect().await;
    socket.write_all(ALIVE.as_bytes()).await.unwrap();
    assert!(answered(&mut socket).await.starts_with("HTTP/1.1 200 "));
    assert_eq!(rest(&mut socket).await, "");
}

#[tokio::test]
async fn a_body_that_comes_too_slowly_is_408() {
    let app = TestApp::start().await;
    let served = with(&app, Patience { body: SHORT, ..patient() }).await;
    let key = TestApp::key("acme");
    let mut socket = served.connect().await;
    let head = format!(
        "POST /scim/acme/v2/Users HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\n\
         Content-Type: application/scim+json\r\nContent-Length: 1000\r\n\r\n{{"
    );
    socket.write_all(head.as_bytes()).await.unwrap();
    let told = rest(&mut socket).await;
    assert!(told.starts_with("HTTP/1.1 408 "), "{told}");
    assert!(told.contains("the body came too slowly"), "{told}");
}

/// A client that takes nothing of a long answer is let go. Seen to catch a server that writes for ever.
#[tokio::test]
async fn who_takes_nothing_is_let_go() {
    let app = TestApp::start().await;
    let served = with(&app, Patience { stall: SHORT, ..patient() }).await;
    let mut socket = served.connect().await;
    // Far more than the buffers between hold.
    let many = "GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n".repeat(200);
    socket.write_all(many.as_bytes()).await.unwrap();
    sleep(SHORT * 4).await;
    let told = rest(&mut socket).await;
    assert!(told.matches("HTTP/1.1 200 ").count() < 200);
    assert!(!told.is_empty());
}

/// Beyond the cap clients are told so and nothing else changes; who leaves makes room.
#[tokio::test]
async fn one_too_many_is_turned_away_politely() {
    let app = TestApp::start().await;
    let served = serve(&app, Wire { patience: patient(), connections: 3, ..Wire::default() }).await;
    let mut inside = Vec::new();
    for _ in 0..3 {
        let mut socket = served.connect().await;
        socket.write_all(ALIVE.as_bytes()).await.unwrap();
        assert!(answered(&mut socket).await.starts_with("HTTP/1.1 200 "));
        inside.push(socket);
    }
    for _ in 0..5 {
        let told = served.talk(ALIVE).await;
        assert!(told.starts_with("HTTP/1.1 503 "), "{told}");
        assert!(told.contains("Retry-After: 5"), "{told}");
        assert!(told.contains("as many connections as it may have"), "{told}");
    }
    inside[1].write_all(ALIVE.as_bytes()).await.unwrap();
    assert!(answered(&mut inside[1]).await.starts_with("HTTP/1.1 200 "));
    drop(inside.pop());
    let entered = async {
        loop {
            let mut socket = served.connect().await;
            socket.write_all(ALIVE.as_bytes()).await.unwrap();
            if answered(&mut socket).await.starts_with("HTTP/1.1 200 ") {
                break;
            }
        }
    };
    timeout(LONG, entered).await.expect("there is room again");
    let metrics = app.stranger(Some(OPERATOR_KEY)).get("/metrics").await.expect(200);
    let text = metrics.body.as_str().unwrap();
    assert!(text.contains("rollbook_connections_ended_total{why=\"full\"}"), "{text}");
}

/// Requests under way are answered when the server stops; who is idle, half-way through a head, or takes nothing does not
/// hold it up. Seen to catch a server that waits for whoever is connected.
#[tokio::test]
async fn stopping_waits_for_requests_and_for_nobody_else() {
    let app = TestApp::start().await;
    let patience = Patience { drain: LONG, ..patient() };
    let mut served = with(&app, patience).await;
    let idle = served.connect().await;
    let mut half = served.connect().await;
    half.write_all(b"GET /hea").await.unwrap();
    let mut kept = served.connect().await;
    kept.write_all(ALIVE.as_bytes()).await.unwrap();
    answered(&mut kept).await;
    // A body that is half-way: its request is under way.
    let user =
        json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "ada" });
    let (user, key) = (user.to_string(), TestApp::key("acme"));
    let mut busy = served.connect().await;
    let head = format!(
        "POST /scim/acme/v2/Users HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\n\
         Content-Type: application/scim+json\r\nContent-Length: {}\r\n\r\n",
        user.len()
    );
    busy.write_all(head.as_bytes()).await.unwrap();
    sleep(Duration::from_millis(200)).await;
    served.stop.take().unwrap().send(()).unwrap();
    for mut quiet in [idle, half, kept] {
        assert_eq!(rest(&mut quiet).await, "");
    }
    assert!(!served.done.is_finished());
    busy.write_all(user.as_bytes()).await.unwrap();
    let told = rest(&mut busy).await;
    assert!(told.starts_with("HTTP/1.1 201 "), "{told}");
    timeout(LONG, served.done).await.expect("it ends").unwrap().unwrap();
}

/// Who never ends its request is let go once the time for that is over.
#[tokio::test]
async fn stopping_does_not_wait_for_ever() {
    let app = TestApp::start().await;
    let mut served = with(&app, Patience { drain: SHORT, ..patient() }).await;
    let key = TestApp::key("acme");
    let mut busy = served.connect().await;
    let head = format!(
        "POST /scim/acme/v2/Users HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\n\
         Content-Type: application/scim+json\r\nContent-Length: 100\r\n\r\n"
    );
    busy.write_all(head.as_bytes()).await.unwrap();
    sleep(Duration::from_millis(200)).await;
    served.stop.take().unwrap().send(()).unwrap();
    timeout(LONG, served.done).await.expect("it ends").unwrap().unwrap();
    assert_eq!(rest(&mut busy).await, "");
}

/// Connections that say nothing are held, and cost the others nothing; ten thousand of them in `make idle`.
#[tokio::test]
async fn hundreds_of_idle_connections_are_held() {
    let app = TestApp::start().await;
    let served = Arc::new(with(&app, patient()).await);
    let mut idle = Vec::new();
    for _ in 0..400 {
        idle.push(served.connect().await);
    }
    let mut socket = served.connect().await;
    socket.write_all(ALIVE.as_bytes()).await.unwrap();
    assert!(answered(&mut socket).await.starts_with("HTTP/1.1 200 "));
    for socket in &mut idle {
        socket.write_all(ALIVE.as_bytes()).await.unwrap();
    }
    for socket in &mut idle {
        assert!(answered(socket).await.starts_with("HTTP/1.1 200 "));
    }
}
