//! One connection, from the handshake to its end.

use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use hyper::body::{Body as _, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout};
use tower_service::Service;

use super::incoming::{Held, Room, Timed};
use super::phase::Phase;
use super::watched::{Answer, Watched};
use super::{Patience, Stage, Tls};
use crate::guard::Guard;
use crate::limits::{HEAD_BUFFER_BYTES, HEAD_BYTES};

/// What all connections of a server share.
pub(super) struct Shared {
    pub(super) router: Router,
    pub(super) patience: Patience,
    pub(super) tls: Option<Arc<Tls>>,
    pub(super) room: Arc<Room>,
    pub(super) guard: Arc<Guard>,
}

/// What the connection's task has to see to.
enum Turn {
    /// It is over.
    Ended,
    /// What goes on has taken too long.
    TooLong(&'static str),
}

/// Serves one client until either side has had enough.
pub(super) async fn serve(
    shared: Arc<Shared>,
    socket: TcpStream,
    address: SocketAddr,
    mut stage: watch::Receiver<Stage>,
) {
    let Some(tls) = &shared.tls else { return converse(&shared, socket, address, stage).await };
    let handshake = timeout(shared.patience.handshake, tls.acceptor().accept(socket));
    let socket = tokio::select! {
        shaken = handshake => match shaken {
            Ok(Ok(socket)) => socket,
            Ok(Err(error)) => {
                tracing::debug!(%address, "no TLS: {error}");
                shared.guard.connections.count("handshake");
                return;
            }
            Err(_) => {
                shared.guard.connections.count("handshake");
                return;
            }
        },
        _ = stage.changed() => return,
    };
    converse(&shared, socket, address, stage).await;
}

async fn converse<S: AsyncRead + AsyncWrite + Unpin>(
    shared: &Arc<Shared>,
    socket: S,
    address: SocketAddr,
    mut stage: watch::Receiver<Stage>,
) {
    let phase = Arc::new(Phase::new());
    let socket = TokioIo::new(Watched::new(socket, phase.clone()));
    let service = service_fn(|request| answer(shared, address, &phase, request));
    let mut builder = http1::Builder::new();
    builder.max_buf_size(HEAD_BUFFER_BYTES).max_header_size(HEAD_BYTES).header_read_timeout(None);
    let mut talk = pin!(builder.serve_connection(socket, service));
    let patience = &shared.patience;
    let mut alarm = pin!(sleep_until(Instant::now() + patience.idle));
    loop {
        let turn = poll_fn(|cx| {
            if talk.as_mut().poll(cx).is_ready() {
                return Poll::Ready(Turn::Ended);
            }
            loop {
                let end = phase.end(patience);
                match end {
                    Some((end, _)) if end < alarm.deadline() => alarm.as_mut().reset(end),
                    _ => {}
                }
                if alarm.as_mut().poll(cx).is_pending() {
                    return Poll::Pending;
                }
                let now = Instant::now();
                match end {
                    Some((end, what)) if end <= now => return Poll::Ready(Turn::TooLong(what)),
                    Some((end, _)) => alarm.as_mut().reset(end),
                    None => alarm.as_mut().reset(now + patience.idle),
                }
            }
        });
        tokio::select! {
            biased;
            turn = turn => {
                if let Turn::TooLong(what) = turn {
                    tracing::debug!(%address, what, "ended a connection that took too long");
                    shared.guard.connections.count(what);
                }
                return;
            }
            changed = stage.changed() => {
                let is_over = changed.is_err() || *stage.borrow_and_update() == Stage::Over;
                if is_over || phase.is_quiet() {
                    return;
                }
                talk.as_mut().graceful_shutdown();
            }
        }
    }
}

/// The answer to one request.
fn answer(
    shared: &Arc<Shared>,
    address: SocketAddr,
    phase: &Arc<Phase>,
    request: Request<Incoming>,
) -> impl Future<Output = Result<Response<Answer>, Infallible>> + use<> {
    phase.asked();
    let mut held = None;
    let mut request = request.map(|body| {
        if body.is_end_stream() {
            return Body::empty();
        }
        let held = held.insert(Held::of(&shared.room)).clone();
        Body::new(Timed::new(body, held, shared.patience.pace()))
    });
    request.extensions_mut().insert(ConnectInfo(address));
    let (mut router, phase) = (shared.router.clone(), phase.clone());
    async move {
        let response = router.call(request).await.unwrap_or_else(|never| match never {});
        // Until here the body, or what was made of it, was in memory.
        drop(held);
        Ok(response.map(|body| Answer::new(body, phase)))
    }
}
