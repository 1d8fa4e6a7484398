//! The servers to compare with: axum with nothing behind it, and axum with the least that a durable
//! answer needs behind it.
//!
//! Both answer the very bytes that rollbook answered, headers and body, on rollbook's addresses: a
//! user of 1 KB, a page of 100 KB, a user who was created.
//! The floor reads what it was sent as JSON, appends it to a file and syncs that before it answers;
//! who waits at the same time shares one sync. Nobody who keeps the promise can do with less.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::net::Ipv4Addr;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;

use anyhow::{Context, ensure};
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde::{Deserialize, Serialize};
use tokio::process::Command;
use tokio::sync::oneshot;

use crate::http::Answer;
use crate::okta::BASE;
use crate::server::Server;
use crate::terminal::{note, say};

/// What stands before the path of a create that is to be durable.
pub(crate) const DURABLE: &str = "/durable";

const SAMPLES: &str = "answers.json";
const APPENDED: &str = "appended";

/// rollbook's answers, to be given again.
#[derive(Serialize, Deserialize)]
pub(crate) struct Samples {
    pub(crate) created: Sample,
    pub(crate) got: Sample,
    pub(crate) listed: Sample,
}

/// One answer.
#[derive(Serialize, Deserialize)]
pub(crate) struct Sample {
    headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Sample {
    pub(crate) fn of(answer: &Answer<'_>, expected: u16) -> anyhow::Result<Sample> {
        ensure!(answer.status == expected, "a sample was {}: {}", answer.status, answer.quoted());
        // Every axum server says these two by itself.
        let by_itself = |name: &str| {
            name.eq_ignore_ascii_case("content-length") || name.eq_ignore_ascii_case("date")
        };
        let headers = answer.headers().filter(|(name, _)| !by_itself(name));
        Ok(Sample {
            headers: headers.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
            body: String::from_utf8_lossy(answer.body).into_owned(),
        })
    }
}

/// Starts them in a process of their own, which appends in `folder`.
pub(crate) async fn start(samples: &Samples, folder: &Path) -> anyhow::Result<Server> {
    fs::write(folder.join(SAMPLES), serde_json::to_vec(samples)?)
        .context("the answers could not be handed to the bare servers")?;
    let this = std::env::current_exe().context("this program does not know where it is")?;
    let mut command = Command::new(this);
    command.arg("bare").arg(folder);
    Server::start(command, folder).await
}

/// Serves until whoever started it closes its input, which also happens when they are killed.
pub(crate) fn serve(folder: &Path) -> anyhow::Result<()> {
    let samples = fs::read(folder.join(SAMPLES)).context("the answers to give are missing")?;
    let samples: Samples = serde_json::from_slice(&samples)?;
    let file = OpenOptions::new().create(true).append(true).open(folder.join(APPENDED))?;
    let (appender, waiting) = mpsc::channel();
    thread::spawn(move || {
        if let Err(error) = append(file, &waiting) {
            note(format!("nothing more is appended: {error}"));
        }
    });
    let bare = Arc::new(Bare {
        created: Ready::new(StatusCode::CREATED, samples.created)?,
        got: Ready::new(StatusCode::OK, samples.got)?,
        listed: Ready::new(StatusCode::OK, samples.listed)?,
        appender,
    });
    thread::spawn(|| {
        let end = io::stdin().read_to_end(&mut Vec::new());
        std::process::exit(i32::from(end.is_err()));
    });
    // As rollbook has it: as many threads as cores.
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        say(format!("bare axum serves http://{}", listener.local_addr()?));
        axum::serve(listener, router(bare)).await?;
        Ok(())
    })
}

fn router(bare: Arc<Bare>) -> Router {
    Router::new()
        .route(&format!("{BASE}/Users"), get(list))
        .route(&format!("{BASE}/Users/{{id}}"), get(read))
        .route(&format!("{DURABLE}{BASE}/Users"), post(create))
        .with_state(bare)
}

struct Bare {
    created: Ready,
    got: Ready,
    listed: Ready,
    appender: Sender<Entry>,
}

/// An answer that needs only to be sent.
struct Ready {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

impl Ready {
    fn new(status: StatusCode, sample: Sample) -> anyhow::Result<Ready> {
        let mut headers = HeaderMap::new();
        for (name, value) in sample.headers {
            headers.insert(HeaderName::try_from(name)?, HeaderValue::try_from(value)?);
        }
        Ok(Ready { status, headers, body: Bytes::from(sample.body) })
    }

    fn send(&self) -> Response {
        (self.status, self.headers.clone(), self.body.clone()).into_response()
    }
}

async fn read(State(bare): State<Arc<Bare>>) -> Response {
    bare.got.send()
}

async fn list(State(bare): State<Arc<Bare>>) -> Response {
    bare.listed.send()
}

async fn create(State(bare): State<Arc<Bare>>, body: Bytes) -> Response {
    if serde_json::from_slice::<serde_json::Value>(&body).is_err() {
        return StatusCode::BAD_REQUEST.into_response();
    }
    let (done, durable) = oneshot::channel();
    if bare.appender.send(Entry { body, done }).is_err() || durable.await.is_err() {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    bare.created.send()
}

/// What is to be durable, and who waits for it.
struct Entry {
    body: Bytes,
    done: oneshot::Sender<()>,
}

/// Appends all that waits, syncs once, answers all; until nobody can ask any more.
fn append(mut file: File, waiting: &Receiver<Entry>) -> io::Result<()> {
    let (mut bytes, mut asked) = (Vec::new(), Vec::new());
    while let Ok(first) = waiting.recv() {
        bytes.clear();
        for Entry { body, done } in std::iter::once(first).chain(waiting.try_iter()) {
            bytes.extend_from_slice(&body);
            bytes.push(b'\n');
            asked.push(done);
        }
        file.write_all(&bytes)?;
        file.sync_data()?;
        for done in asked.drain(..) {
            // Who no longer waits has hung up.
            let _ = done.send(());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_answered_before_what_they_sent_is_in_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(APPENDED);
        let (appender, waiting) = mpsc::channel();
        let (done, durable) = oneshot::channel();
        appender.send(Entry { body: Bytes::from_static(b"{\"a\":1}"), done }).unwrap();
        drop(appender);
        append(File::create(&path).unwrap(), &waiting).unwrap();
        durable.blocking_recv().unwrap();
        assert_eq!(fs::read_to_string(path).unwrap(), "{\"a\":1}\n");
    }
}
