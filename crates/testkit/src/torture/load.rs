//! Clients that write at once, and a book of what they were promised.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::Context;
use reqwest::{Client, RequestBuilder};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use super::{OPERATOR_KEY, SCIM_KEY};

const CORE: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const PATCH: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";
/// Commits that are looked up at once.
const PAGE: usize = 1_000;
/// Longer than any answer takes.
const PATIENCE: Duration = Duration::from_secs(20);

/// What was promised to clients. All clones are one.
#[derive(Clone, Default)]
pub struct Book(Arc<Mutex<Promises>>);

#[derive(Default)]
struct Promises {
    /// Hashes of acknowledged commits by position.
    commits: BTreeMap<u64, String>,
    /// What a resource was in its last answer, by path.
    answers: BTreeMap<String, Value>,
    /// Resources with a request that was not answered: they may have changed once more.
    open: BTreeSet<String>,
    /// What was wrong with an answer.
    wrong: Vec<String>,
    /// Answers other than success, by status.
    refused: BTreeMap<u16, u64>,
}

impl Book {
    fn lock(&self) -> MutexGuard<'_, Promises> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many commits were acknowledged.
    pub fn acknowledged(&self) -> u64 {
        self.lock().commits.len() as u64
    }

    /// The last position that was acknowledged; 0 when there is none.
    pub fn last(&self) -> u64 {
        self.lock().commits.keys().next_back().copied().unwrap_or_default()
    }

    /// Notes that a commit was acknowledged.
    pub(super) fn promise(&self, position: u64, hash: String) {
        let mut book = self.lock();
        if book.commits.insert(position, hash).is_some() {
            book.wrong.push(format!("position {position} was acknowledged twice"));
        }
    }

    /// Answers other than success, by status.
    pub fn refused(&self) -> BTreeMap<u16, u64> {
        self.lock().refused.clone()
    }

    /// Forgets everything, for another log.
    pub fn clear(&self) {
        *self.lock() = Promises::default();
    }

    /// Which acknowledged commits are not there, or are others.
    ///
    /// # Errors
    /// When the server does not answer.
    pub async fn commits_there(&self, url: &str) -> anyhow::Result<Vec<String>> {
        // The store answers no reads either once the disk failed in its hands; it says so, and the next start reads everything.
        let Some(there) = commits(&client()?, url, 1).await? else { return Ok(Vec::new()) };
        let expected = self.lock().commits.clone();
        let is_gone = |(position, hash): &(u64, String)| there.get(position) != Some(hash);
        let gone = expected.into_iter().filter(is_gone);
        Ok(gone.map(|(position, _)| format!("position {position} is gone or another")).collect())
    }

    /// Compares every promise from the position `from` on with what a server says now: each acknowledged commit by its hash, and what
    /// resources were in their last answer. Says what differs.
    ///
    /// # Errors
    /// When the server does not answer.
    pub async fn check(&self, url: &str, from: u64) -> anyhow::Result<Vec<String>> {
        let http = client()?;
        let there = commits(&http, url, from).await?.context("the log cannot be read")?;
        let (expected, answers, mut wrong) = {
            let mut book = self.lock();
            let expected: Vec<_> =
                book.commits.range(from..).map(|(p, h)| (*p, h.clone())).collect();
            let is_closed = |(path, _): &(&String, &Value)| !book.open.contains(*path);
            let answers: Vec<_> = book
                .answers
                .iter()
                .filter(is_closed)
                .map(|(path, last)| (path.clone(), last.clone()))
                .collect();
            let wrong = std::mem::take(&mut book.wrong);
            (expected, answers, wrong)
        };
        for (position, hash) in expected {
            match there.get(&position) {
                Some(same) if *same == hash => {}
                Some(_) => wrong.push(format!("position {position} holds another commit")),
                None => wrong.push(format!("position {position} is gone")),
            }
        }
        for (path, last) in answers {
            let request = http.get(format!("{url}{path}")).bearer_auth(SCIM_KEY);
            let answer = request.send().await.context("a read was not answered")?;
            let now: Value = answer.json().await.context("a read was not answered whole")?;
            if stripped(now) != last {
                wrong.push(format!("{path} is not what it was answered to be"));
            }
        }
        // Each resource is compared once: the next round has others.
        self.lock().answers.clear();
        self.lock().open.clear();
        Ok(wrong)
    }
}

/// Every commit of `acme` from a position on: hashes by position. Nothing: the server says that it cannot read the log.
async fn commits(
    http: &Client,
    url: &str,
    from: u64,
) -> anyhow::Result<Option<BTreeMap<u64, String>>> {
    let (mut from, mut there) = (from.max(1), BTreeMap::new());
    loop {
        let path = format!("{url}/admin/v1/tenants/acme/audit/commits?from={from}&count={PAGE}");
        let answer = http.get(path).bearer_auth(OPERATOR_KEY).send().await?;
        let status = answer.status();
        if status == 503 {
            return Ok(None);
        }
        let page: Value = answer.json().await.with_context(|| format!("the log: {status}"))?;
        let commits = page.get("commits").and_then(Value::as_array);
        for commit in commits.with_context(|| format!("the log: {page}"))? {
            let position = commit.get("position").and_then(Value::as_u64);
            let hash = commit.get("hash").and_then(Value::as_str);
            there.extend(position.zip(hash.map(str::to_owned)));
        }
        match page.pointer("/next/from").and_then(Value::as_u64) {
            Some(next) => from = next,
            None => return Ok(Some(there)),
        }
    }
}

/// Without the address, which is another after each start.
fn stripped(mut resource: Value) -> Value {
    if let Some(meta) = resource.get_mut("meta").and_then(Value::as_object_mut) {
        meta.remove("location");
    }
    resource.sort_all_objects();
    resource
}

/// An HTTP client of one's own: its connections are nobody else's.
pub(super) fn client() -> anyhow::Result<Client> {
    Ok(Client::builder().timeout(PATIENCE).build()?)
}

/// Clients that write until the server is gone, or until they are told to stop.
pub struct Load {
    writers: Vec<JoinHandle<()>>,
}

impl Load {
    /// So many clients, each of whom creates users and changes them. `round` makes their names new.
    ///
    /// # Errors
    /// When there is no client to be had.
    pub fn start(url: &str, writers: u64, round: u64, book: &Book) -> anyhow::Result<Load> {
        let mut all = Vec::new();
        for writer in 0..writers {
            let writer = Writer {
                http: client()?,
                url: url.to_owned(),
                name: format!("r{round}-w{writer}"),
                book: book.clone(),
            };
            all.push(tokio::spawn(writer.run()));
        }
        Ok(Load { writers: all })
    }

    /// Waits until every client has found the server gone.
    pub async fn ended(self) {
        for writer in self.writers {
            drop(writer.await);
        }
    }

    /// Lets every client go at once: what is under way stays unanswered.
    pub async fn abandon(self) {
        for writer in &self.writers {
            writer.abort();
        }
        self.ended().await;
    }
}

struct Writer {
    http: Client,
    url: String,
    name: String,
    book: Book,
}

/// What became of a request.
enum Sent {
    /// It was carried out.
    Done(Value),
    /// It was refused.
    Refused,
    /// There was no answer.
    Gone,
}

impl Writer {
    async fn run(self) {
        let users = "/scim/acme/v2/Users";
        for number in 0_u64.. {
            let name = format!("{}-n{number}", self.name);
            let body = json!({ "schemas": [CORE], "userName": name, "title": "x".repeat(200) });
            let created = match self.send(self.http.post(self.at(users)), users, body).await {
                Sent::Done(created) => created,
                Sent::Refused => {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                    continue;
                }
                Sent::Gone => return,
            };
            let Some(id) = created.get("id").and_then(Value::as_str) else { return };
            let path = format!("{users}/{id}");
            self.book.lock().answers.insert(path.clone(), stripped(created.clone()));
            for (what, value) in [("active", json!(false)), ("displayName", json!(name))] {
                let patch = json!({
                    "schemas": [PATCH],
                    "Operations": [{ "op": "replace", "path": what, "value": value }],
                });
                self.book.lock().open.insert(path.clone());
                match self.send(self.http.patch(self.at(&path)), &path, patch).await {
                    Sent::Done(changed) => {
                        let mut book = self.book.lock();
                        book.open.remove(&path);
                        book.answers.insert(path.clone(), stripped(changed));
                    }
                    // When the disk fails in the middle of a turn, what of it got there is known at the next start only.
                    Sent::Refused => {}
                    Sent::Gone => return,
                }
            }
        }
    }

    fn at(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    async fn send(&self, request: RequestBuilder, path: &str, body: Value) -> Sent {
        let Ok(answer) = request.bearer_auth(SCIM_KEY).json(&body).send().await else {
            return Sent::Gone;
        };
        let status = answer.status();
        if !status.is_success() {
            *self.book.lock().refused.entry(status.as_u16()).or_default() += 1;
            return Sent::Refused;
        }
        let said = |name: &str| Some(answer.headers().get(name)?.to_str().ok()?.to_owned());
        let position = said("rollbook-position").and_then(|position| position.parse::<u64>().ok());
        let commit = position.zip(said("rollbook-commit"));
        // The head of the answer is a promise already: it leaves only after the commit is durable.
        match commit {
            None => {
                let wrong = format!("{path}: a write does not say where it stands");
                self.book.lock().wrong.push(wrong);
            }
            Some((position, hash)) => self.book.promise(position, hash),
        }
        match answer.json().await {
            Ok(body) => Sent::Done(body),
            Err(_) => Sent::Gone,
        }
    }
}
