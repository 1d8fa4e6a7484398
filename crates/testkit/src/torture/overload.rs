//! More than a hundred times as many clients as keep the server busy, and more than can wait, without a pause: who is refused asks again at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use rustix::process::{Resource, getrlimit};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::load::client;
use super::{Book, OPERATOR_KEY, Outcome, SCIM_KEY, Served, Stage, memory};

const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
/// Clients, each with a connection: twice as many as may wait for the writer.
const CLIENTS: usize = 2 * engine::limits::WAITING;
/// Files that this process needs beside one for each of them.
const FILES: u64 = 200;
/// Connections that are made at once.
const AT_ONCE: usize = 256;
/// How long an answer may take before it counts as none.
const PATIENCE: Duration = Duration::from_secs(60);
/// What the server may take more at most in memory, in bytes, beside what the users made take: 8,192 connections with a request under way each.
const MOST_MEMORY: f64 = 384.0 * 1024.0 * 1024.0;
/// What a user made takes, in bytes.
const BYTES_A_USER: f64 = 1_200.0;
/// Requests of others that may be granted between a request and its answer: all that wait in the line, and all that are read before it is. Time says the same, of a
/// quiet machine.
const GRANTED_MEANWHILE: u64 = 2 * CLIENTS as u64;

/// Floods the server for so many seconds. Who does not fit is told 503 and when to come again; what is accepted is answered once the line before it is, and is
/// there afterwards; memory has an end; a small tenant's requests are never refused.
///
/// # Errors
/// When the stage breaks, not the server.
pub async fn overload(stage: &Stage, seconds: u64) -> anyhow::Result<Outcome> {
    let mut running = stage.outcome("overload", "acknowledged commits");
    let needed = CLIENTS as u64 + FILES;
    let files = getrlimit(Resource::Nofile).current;
    if files.is_some_and(|files| files < needed) {
        return Ok(running.skipped(format!("it needs {needed} open files: `ulimit -n {needed}`")));
    }
    let folder = tempfile::tempdir()?;
    let server = Served::start(&stage.rollbook, &folder.path().join("data"))?;
    let small = open_small(&server.url).await?;
    let before = memory(server.id(), "VmRSS:")?;
    let (book, told) = (Book::default(), Arc::new(Told::default()));
    let address = server.url.trim_start_matches("http://").to_owned();
    let mut connecting = JoinSet::new();
    let mut clients = Vec::new();
    for number in 0..CLIENTS {
        if connecting.len() >= AT_ONCE {
            clients.push(connecting.join_next().await.context("nobody connects")???);
        }
        let (address, book, told) = (address.clone(), book.clone(), told.clone());
        connecting.spawn(async move {
            let socket = TcpStream::connect(&address).await.context("a connection was refused")?;
            socket.set_nodelay(true)?;
            Ok::<_, anyhow::Error>(Client { number, socket, read: Vec::new(), book, told })
        });
    }
    while let Some(client) = connecting.join_next().await {
        clients.push(client??);
    }
    let begun = Instant::now();
    let until = begun + Duration::from_secs(seconds);
    let mut flood = JoinSet::new();
    for client in clients {
        flood.spawn(client.ask_until(until));
    }
    let beside = tokio::spawn(ask_small(server.url.clone(), small, told.clone(), until));
    while Instant::now() < until {
        tokio::time::sleep(Duration::from_millis(500)).await;
        (stage.progress)(begun.elapsed().as_secs().min(seconds), seconds);
    }
    let mut waits = Vec::new();
    while let Some(client) = flood.join_next().await {
        match client? {
            Ok(waited) => waits.extend(waited),
            Err(error) => running.outcome.lost.push(format!("{error:#}")),
        }
    }
    let beside = beside.await??;
    let took = begun.elapsed();
    let (granted, refused) =
        (told.granted.load(Ordering::Relaxed), told.refused.load(Ordering::Relaxed));
    let rate = granted as f64 / took.as_secs_f64();
    let (all, small) = (Spread::of(&waits), Spread::of(&beside));
    let most = memory(server.id(), "VmHWM:")?;
    running.measured("clients", CLIENTS);
    running.measured("refused", refused);
    running.measured("granted a second", format!("{rate:.0}"));
    running.measured("answered after", all.told());
    running.measured(
        "a small tenant's writes",
        format!("{}, answered after {}", beside.len(), small.told()),
    );
    running
        .measured("memory", format!("{:.0} MiB before, {:.0} MiB at most", mib(before), mib(most)));
    let lost = &mut running.outcome.lost;
    if all.granted > GRANTED_MEANWHILE {
        lost.push(format!("{} others were granted before an answer", all.granted));
    }
    if beside.is_empty() || small.granted > GRANTED_MEANWHILE {
        lost.push(format!("{} of a large tenant went before a small one", small.granted));
    }
    if most - before - BYTES_A_USER * granted as f64 > MOST_MEMORY {
        lost.push(format!("{:.0} MiB of memory", mib(most)));
    }
    let after = Instant::now();
    client()?.get(format!("{}/readyz", server.url)).send().await?.error_for_status()?;
    ensure!(after.elapsed() < PATIENCE, "it does not come back");
    lost.extend(book.check(&server.url, 1).await?);
    server.stop()?;
    running.outcome.count = seconds;
    running.outcome.kept.1 = book.acknowledged();
    Ok(running.done())
}

/// What all clients were told.
#[derive(Default)]
struct Told {
    granted: AtomicU64,
    refused: AtomicU64,
}

/// How long an answer took, and how many of others were granted meanwhile.
#[derive(Clone, Copy)]
struct Waited {
    took: Duration,
    granted: u64,
}

impl Told {
    /// What has passed since then, when so many were granted.
    fn since(&self, (begun, granted): (Instant, u64)) -> Waited {
        let now = self.granted.load(Ordering::Relaxed);
        Waited { took: begun.elapsed(), granted: now.saturating_sub(granted) }
    }

    fn now(&self) -> (Instant, u64) {
        (Instant::now(), self.granted.load(Ordering::Relaxed))
    }
}

/// The middle of the times, the 99th percentile of them, and that of the others.
struct Spread {
    middle: Duration,
    p99: Duration,
    granted: u64,
}

impl Spread {
    fn of(all: &[Waited]) -> Spread {
        let mut times: Vec<Duration> = all.iter().map(|one| one.took).collect();
        let mut granted: Vec<u64> = all.iter().map(|one| one.granted).collect();
        times.sort();
        granted.sort();
        let last = all.len() * 99 / 100;
        Spread {
            middle: times.get(all.len() / 2).copied().unwrap_or_default(),
            p99: times.get(last).copied().unwrap_or_default(),
            granted: granted.get(last).copied().unwrap_or_default(),
        }
    }

    fn told(&self) -> String {
        let Spread { middle, p99, granted } = self;
        let (middle, p99) = (middle.as_millis(), p99.as_millis());
        format!("{middle} ms (middle), {p99} ms and {granted} others (p99)")
    }
}

/// A client that costs next to nothing: a full HTTP client would take the server's cores.
struct Client {
    number: usize,
    socket: TcpStream,
    read: Vec<u8>,
    book: Book,
    told: Arc<Told>,
}

/// The head of an answer; its body is thrown away.
struct Head {
    status: u16,
    says_when: bool,
    commit: Option<(u64, String)>,
}

impl Client {
    /// Creates users until then. What each waited that was created, since it was asked for last.
    async fn ask_until(mut self, until: Instant) -> anyhow::Result<Vec<Waited>> {
        let mut waits = Vec::new();
        let mut made = 0_u64;
        while Instant::now() < until {
            let name = format!("flood-{}-{made}", self.number);
            let body = json!({ "schemas": [USER], "userName": name }).to_string();
            let begun = self.told.now();
            let head =
                timeout(PATIENCE, self.ask(&body)).await.context("no answer for a minute")??;
            match (head.status, head.says_when, head.commit) {
                (201, _, Some((position, hash))) => {
                    waits.push(self.told.since(begun));
                    made += 1;
                    self.told.granted.fetch_add(1, Ordering::Relaxed);
                    self.book.promise(position, hash);
                }
                (503, true, None) => drop(self.told.refused.fetch_add(1, Ordering::Relaxed)),
                (status, says_when, commit) => bail!(
                    "an answer of {status}, says when to come again: {says_when}, is a commit: {}",
                    commit.is_some()
                ),
            }
        }
        Ok(waits)
    }

    async fn ask(&mut self, body: &str) -> anyhow::Result<Head> {
        let request = format!(
            "POST /scim/acme/v2/Users HTTP/1.1\r\nHost: flood\r\nAuthorization: Bearer {SCIM_KEY}\r\n\
             Content-Type: application/scim+json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        self.socket.write_all(request.as_bytes()).await.context("a connection ended")?;
        self.read.clear();
        loop {
            if let Some(end) = self.read.windows(4).position(|four| four == b"\r\n\r\n") {
                let head = self.read.get(..end).unwrap_or_default();
                let (head, length) = read_head(std::str::from_utf8(head)?)?;
                while self.read.len() < end + 4 + length {
                    self.more().await?;
                }
                return Ok(head);
            }
            self.more().await?;
        }
    }

    async fn more(&mut self) -> anyhow::Result<()> {
        let read = self.socket.read_buf(&mut self.read).await.context("a connection ended")?;
        ensure!(read > 0, "a connection ended in the middle of an answer");
        Ok(())
    }
}

/// What a head says, and how long the body is.
fn read_head(text: &str) -> anyhow::Result<(Head, usize)> {
    let mut lines = text.split("\r\n");
    let status = lines.next().and_then(|line| line.split(' ').nth(1)).context("no status")?;
    let value = |name: &str| {
        let mut headers = lines.clone().filter_map(|line| line.split_once(": "));
        headers.find(|(header, _)| header.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    };
    let position = value("rollbook-position").and_then(|position| position.parse().ok());
    let head = Head {
        status: status.parse()?,
        says_when: value("retry-after").is_some(),
        commit: position.zip(value("rollbook-commit").map(str::to_owned)),
    };
    Ok((head, value("content-length").context("no length")?.parse()?))
}

/// Opens a second tenant, and answers its key.
async fn open_small(url: &str) -> anyhow::Result<String> {
    let request = client()?.post(format!("{url}/admin/v1/tenants")).bearer_auth(OPERATOR_KEY);
    let opened = request.json(&json!({ "slug": "small", "preset": "okta" })).send().await?;
    let opened: Value = opened.error_for_status()?.json().await?;
    Ok(opened.get("apiKey").and_then(Value::as_str).context("no key")?.to_owned())
}

/// One write after the other for the small tenant: what each waited.
async fn ask_small(
    url: String,
    key: String,
    told: Arc<Told>,
    until: Instant,
) -> anyhow::Result<Vec<Waited>> {
    let http = client()?;
    let mut waits = Vec::new();
    while Instant::now() < until {
        let user = json!({ "schemas": [USER], "userName": format!("small-{}", waits.len()) });
        let begun = told.now();
        let request = http.post(format!("{url}/scim/small/v2/Users")).bearer_auth(&key);
        let status = request.json(&user).send().await?.status();
        ensure!(status == 201, "a small tenant was told {status} while a large one floods");
        waits.push(told.since(begun));
    }
    Ok(waits)
}

fn mib(bytes: f64) -> f64 {
    bytes / 1_048_576.0
}
