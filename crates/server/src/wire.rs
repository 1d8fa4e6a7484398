//! The sockets: who is let in, for how long, and what ends them.
//!
//! Everything that a client can do before it has said who it is happens here, so each of it has an end: connections are
//! counted, and each thing that a connection can be at may take so long and no longer.

mod connection;
mod expiry;
mod head;
mod incoming;
mod phase;
mod starting;
mod tls;
mod watched;

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::time::{Instant, sleep, timeout};

use crate::app::App;
use crate::limits;
use connection::Shared;
use incoming::{Pace, Room};

pub(crate) use incoming::BodyError;
pub use starting::{Starting, starting};
pub use tls::{Tls, TlsError};

/// How a server treats its sockets.
#[derive(Clone)]
pub struct Wire {
    /// What TLS is spoken with; none: none is spoken.
    pub tls: Option<Arc<Tls>>,
    /// What may take how long.
    pub patience: Patience,
    /// Connections at once.
    pub connections: usize,
}

/// What may take how long before a connection is ended.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// From the first byte of a request to the end of its head.
    pub head: Duration,
    /// From one request to the next, or to the first.
    pub idle: Duration,
    /// Agreeing on TLS.
    pub handshake: Duration,
    /// A body, in any case.
    pub body: Duration,
    /// What a body may take beyond that, for each second.
    pub body_bytes_per_second: u64,
    /// For how long a client may take nothing of what it is sent.
    pub stall: Duration,
    /// What requests under way get when the server stops.
    pub drain: Duration,
}

impl Default for Wire {
    fn default() -> Self {
        Wire { tls: None, patience: Patience::default(), connections: limits::CONNECTIONS }
    }
}

impl Default for Patience {
    fn default() -> Self {
        Patience {
            head: Duration::from_secs(limits::HEAD_SECONDS),
            idle: Duration::from_secs(limits::IDLE_SECONDS),
            handshake: Duration::from_secs(limits::HANDSHAKE_SECONDS),
            body: Duration::from_secs(limits::BODY_SECONDS),
            body_bytes_per_second: limits::BODY_BYTES_PER_SECOND,
            stall: Duration::from_secs(limits::STALL_SECONDS),
            drain: Duration::from_secs(limits::DRAIN_SECONDS),
        }
    }
}

impl Patience {
    fn pace(&self) -> Pace {
        Pace { least: self.body, bytes_per_second: self.body_bytes_per_second }
    }
}

/// How far the server is from its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Serving,
    /// Requests under way are answered; nothing else is.
    Draining,
    /// Whatever is left ends.
    Over,
}

/// What a client is told that is one too many.
const FULL: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/scim+json\r\n\
    Retry-After: 5\r\nConnection: close\r\nContent-Length: 158\r\n\r\n\
    {\"schemas\":[\"urn:ietf:params:scim:api:messages:2.0:Error\"],\"status\":\"503\",\
    \"detail\":\"the server has as many connections as it may have: try again in a moment\"}";
/// How long it is listened to after that, so that it sees why.
const PARTING: Duration = Duration::from_secs(1);
/// How many are told at once; more are not.
const PARTINGS: usize = 64;
/// What is waited for after the system gave no socket: for room among its files, that is.
const NO_SOCKET: Duration = Duration::from_millis(200);
/// How often the log says that clients are not let in.
const TOLD_EVERY: Duration = Duration::from_secs(10);

/// Serves until `stop` resolves; requests under way get [`limits::DRAIN_SECONDS`] to finish.
///
/// # Errors
/// When the listener fails.
pub async fn serve(
    listener: TcpListener,
    app: App,
    stop: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    serve_with(listener, app, Wire::default(), stop).await
}

/// The same, with other limits, or with TLS.
///
/// # Errors
/// When the listener fails.
pub async fn serve_with(
    listener: TcpListener,
    app: App,
    wire: Wire,
    stop: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let (tally, engine, clock) = (app.tally.clone(), app.engine.clone(), app.clock.clone());
    let feeds = Arc::new(app.feeds.anew());
    let scheme = if wire.tls.is_some() { "https" } else { "http" };
    let own_url = format!("{scheme}://{}", listener.local_addr()?).into();
    let guard = app.guard.clone();
    let Wire { tls, patience, connections } = wire;
    guard.connections.allow(connections);
    let shared = Arc::new(Shared {
        router: crate::router(App { feeds: feeds.clone(), own_url, ..app }),
        patience,
        tls: tls.clone(),
        room: Room::new(limits::BODIES_BYTES, limits::BODY_FREE_BYTES),
        guard,
    });
    let (stage, stages) = watch::channel(Stage::Serving);
    // Closed once the last connection is gone.
    let (alive, mut gone) = mpsc::channel::<()>(1);
    let accepting = accept(listener, shared, connections, stages, alive);
    let fresh = async {
        match &tls {
            Some(tls) => tls.keep_fresh().await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        never = accepting => match never {},
        never = fresh => match never {},
        () = stop => {}
    }
    feeds.close();
    stage.send_replace(Stage::Draining);
    // A client that never ends its request must not keep the log from being closed.
    if timeout(patience.drain, gone.recv()).await.is_err() {
        stage.send_replace(Stage::Over);
    }
    tally.keep(&engine, clock());
    Ok(())
}

/// Lets clients in, as many as there may be.
async fn accept(
    listener: TcpListener,
    shared: Arc<Shared>,
    connections: usize,
    stages: watch::Receiver<Stage>,
    alive: mpsc::Sender<()>,
) -> std::convert::Infallible {
    let (places, partings) = (Semaphore::new(connections), Semaphore::new(PARTINGS));
    let (places, partings) = (Arc::new(places), Arc::new(partings));
    let mut told: Option<Instant> = None;
    let mut tell = |what: &str| {
        if told.is_none_or(|told| told.elapsed() >= TOLD_EVERY) {
            told = Some(Instant::now());
            tracing::warn!("{what}");
        }
    };
    loop {
        let (socket, address) = match listener.accept().await {
            Ok(accepted) => accepted,
            // The client's: it went away while it was let in.
            Err(error) if is_of_client(&error) => continue,
            Err(error) => {
                shared.guard.connections.count("no_socket");
                tell(&format!(
                    "nobody can be let in at present: {error}; raise the limit of open files"
                ));
                sleep(NO_SOCKET).await;
                continue;
            }
        };
        let Ok(place) = places.clone().try_acquire_owned() else {
            shared.guard.connections.count("full");
            tell(&format!(
                "there are {connections} connections: more are turned away; raise --max-connections"
            ));
            if let (Ok(parting), None) = (partings.clone().try_acquire_owned(), &shared.tls) {
                tokio::spawn(async move {
                    // Whether it listens or not, it is over then.
                    let _ = timeout(PARTING, turn_away(socket)).await;
                    drop(parting);
                });
            }
            continue;
        };
        // Answers are written whole: waiting for more would only delay their ends.
        let _ = socket.set_nodelay(true);
        let (shared, stages, alive) = (shared.clone(), stages.clone(), alive.clone());
        let open = shared.guard.connections.open();
        tokio::spawn(async move {
            connection::serve(shared, socket, address, stages).await;
            drop((open, place, alive));
        });
    }
}

fn is_of_client(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
    )
}

async fn turn_away(mut socket: TcpStream) -> io::Result<()> {
    socket.write_all(FULL).await?;
    socket.shutdown().await?;
    // Closed with something unread, the client might see a broken connection instead.
    let mut unread = [0; 1_024];
    while socket.read(&mut unread).await? > 0 {}
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_one_too_many_is_told_is_as_long_as_it_says() {
        let text = std::str::from_utf8(FULL).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(head.ends_with(&format!("Content-Length: {}", body.len())), "{}", body.len());
        assert!(serde_json::from_str::<serde_json::Value>(body).is_ok());
    }
}
