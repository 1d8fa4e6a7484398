//! What is answered before there is anything to answer with: while the log is opened.

use std::convert::Infallible;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::{NO_SOCKET, Tls};
use crate::health::{self, Progress};
use crate::limits::RETRY_SECONDS;
use crate::refused::Refused;

/// How far the start is.
#[derive(Debug, Default)]
pub struct Starting(Mutex<Option<Progress>>);

/// How long one client may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// How many are answered at once; the others wait until they are let in.
const AT_ONCE: usize = 64;

impl Starting {
    /// So many frames of so many are looked at.
    pub fn checks(&self, done: u64, of: u64) {
        self.set(Progress { step: "opening the log", done, of: Some(of), unit: "frames" });
    }

    /// So many commits are read; how many there are is known at the end.
    pub fn reads(&self, done: u64) {
        self.set(Progress { step: "reading the log", done, of: None, unit: "commits" });
    }

    fn set(&self, progress: Progress) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(progress);
    }

    fn told(&self) -> Option<Progress> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Answers on this socket, until it is dropped, that the server is starting, and how far it is: 503, with `Retry-After`, but
/// for `/healthz`, since the process is alive. Whoever is not answered by then is let in by the server itself.
pub async fn starting(
    listener: &TcpListener,
    tls: Option<&Arc<Tls>>,
    starting: &Arc<Starting>,
) -> Infallible {
    let mut clients = JoinSet::new();
    loop {
        while clients.len() >= AT_ONCE {
            // Whether it went well is the client's affair.
            drop(clients.join_next().await);
        }
        let Ok((socket, _)) = listener.accept().await else {
            sleep(NO_SOCKET).await;
            continue;
        };
        let (tls, starting) = (tls.cloned(), starting.clone());
        clients.spawn(async move {
            // Whoever takes longer, or breaks off, asks again.
            drop(timeout(PATIENCE, converse(socket, tls, starting)).await);
        });
    }
}

async fn converse(
    socket: TcpStream,
    tls: Option<Arc<Tls>>,
    starting: Arc<Starting>,
) -> io::Result<()> {
    match tls {
        Some(tls) => one(tls.acceptor().accept(socket).await?, &starting).await,
        None => one(socket, &starting).await,
    }
}

/// One request and its answer.
async fn one<S: AsyncRead + AsyncWrite + Unpin>(socket: S, starting: &Starting) -> io::Result<()> {
    let service = service_fn(|request: Request<Incoming>| {
        let answer = answer(request.uri().path(), starting.told());
        std::future::ready(Ok::<_, Infallible>(answer))
    });
    let mut builder = http1::Builder::new();
    builder.keep_alive(false).header_read_timeout(None);
    builder.serve_connection(TokioIo::new(socket), service).await.map_err(io::Error::other)
}

fn answer(path: &str, progress: Option<Progress>) -> Response<Body> {
    const STARTING: &str = "the server is starting";
    match path {
        "/healthz" => health::is_alive(),
        "/readyz" => {
            let mut answer =
                health::told(StatusCode::SERVICE_UNAVAILABLE, STARTING.to_owned(), progress);
            let retry = HeaderValue::from(RETRY_SECONDS);
            answer.headers_mut().insert(header::RETRY_AFTER, retry);
            answer
        }
        _ => {
            let detail = format!("{STARTING}: try again in a moment");
            Refused::later(StatusCode::SERVICE_UNAVAILABLE, detail).into_response()
        }
    }
}
