//! Recorded histories, and what they must come to.

#![expect(clippy::unwrap_used, reason = "a test ends where it fails")]

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use domain::id::{TenantId, UserId};
use domain::position::Head;
use engine::{Clock, Engine};
use eventlog::{ArchiveKeys, ArchiveReader, EventLog, Keys, MemoryLog, Sealed, Unlock};
use serde_json::Value;
use server::{App, Lists};
use tokio::sync::oneshot;
use uuid::Uuid;

use crate::app::{Client, serve};
use crate::house;

/// The passphrase of every fixture's keys: what is in a fixture is invented, and public.
pub const PASSPHRASE: &str = "fixtures hold invented people";
/// The operator's key in every fixture that has questions; as public as the rest.
pub const OPERATOR_KEY: &str = "rbo_of-every-fixture";
/// Where a fixture's server says that it is.
const PUBLIC_URL: &str = "https://id.acme.example";

/// A recorded history, replayed into a fresh log in memory.
pub struct Fixture {
    /// An engine on that log.
    pub engine: Engine,
    /// What the history must come to.
    pub expected: Value,
    /// What the story says of itself; null for the first fixture, which has none.
    pub facts: Value,
    /// A clock that stands where the history ends.
    clock: Clock,
}

/// A fixture that is served; it ends with this.
pub struct Serving {
    /// The operator; paths are below the server's URL.
    pub operator: Client,
    // Dropping it ends the server.
    _stop: oneshot::Sender<()>,
}

/// The names of all fixtures.
pub fn names() -> Vec<String> {
    let entries = std::fs::read_dir(folder()).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.path().is_dir())
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// Where the fixtures are.
pub fn folder() -> PathBuf {
    house::root().join("replay-fixtures")
}

/// The keys of the persons of a fixture.
pub fn keys(name: &str) -> ArchiveKeys {
    let folder = folder().join(name);
    let archive = ArchiveReader::open(&folder.join("log.rollbook")).unwrap();
    let digest = archive.summary().digest;
    let unlock = Unlock::passphrase(PASSPHRASE);
    eventlog::read_keys(&folder.join("log.rollbook.keys"), digest, &unlock).unwrap()
}

impl Fixture {
    /// Replays a fixture, commit by commit, checking each link.
    pub fn replay(name: &str) -> Fixture {
        let folder = folder().join(name);
        let archive = ArchiveReader::open(&folder.join("log.rollbook")).unwrap();
        let keys = keys(name);
        let mut log = MemoryLog::new();
        let mut heads: BTreeMap<TenantId, Head> = BTreeMap::new();
        for stored in archive.commits().unwrap() {
            let stored = stored.unwrap();
            let head = heads.entry(stored.tenant).or_insert(Head::EMPTY);
            let (_, next) = eventlog::link(head, stored.tenant, &stored.bytes, &keys).unwrap();
            *head = next;
            log = log.append(&[Sealed::again(stored.bytes, &keys).unwrap()]).unwrap();
        }
        let read = |file: &str| std::fs::read_to_string(folder.join(file));
        let expected = serde_json::from_str(&read("expected.json").unwrap()).unwrap();
        let facts = read("facts.json");
        let facts = facts.map_or(Value::Null, |facts| serde_json::from_str(&facts).unwrap());
        let end = heads.values().map(|head| head.time).max().unwrap();
        let clock: Clock = Arc::new(move || end);
        Fixture {
            engine: Engine::start(log, clock.clone(), |_| {}).unwrap(),
            expected,
            facts,
            clock,
        }
    }

    /// Serves it on a loopback socket.
    pub async fn serve(&self) -> Serving {
        let next = AtomicU64::new(1);
        let app = App {
            engine: self.engine.clone(),
            clock: self.clock.clone(),
            ids: Arc::new(move || Uuid::from_u64_pair(9, next.fetch_add(1, Ordering::Relaxed))),
            public_url: Some(PUBLIC_URL.into()),
            trusted_proxies: [].into(),
            tally: Arc::default(),
            lists: Arc::new(Lists::new(&[1; 32])),
            feeds: Arc::default(),
            policies: Arc::default(),
            auth: Arc::new(server::Auth::new(&[8; 32], (self.clock)()).unwrap()),
            guard: Arc::new(server::Guard::open()),
            requests: Arc::default(),
            noted: Arc::default(),
            begun: std::time::Instant::now(),
            own_url: PUBLIC_URL.into(),
        };
        let (url, stop) = serve(app).await;
        Serving { operator: Client::new(url, OPERATOR_KEY), _stop: stop }
    }

    /// Whether nobody's key is needed to check a fixture's chain.
    pub fn links_without_keys(name: &str) -> bool {
        let archive = ArchiveReader::open(&folder().join(name).join("log.rollbook")).unwrap();
        let mut heads: BTreeMap<TenantId, Head> = BTreeMap::new();
        archive.commits().unwrap().all(|stored| {
            let stored = stored.unwrap();
            let head = heads.entry(stored.tenant).or_insert(Head::EMPTY);
            let linked = eventlog::link(head, stored.tenant, &stored.bytes, &Nobody);
            linked.map(|(_, next)| *head = next).is_ok()
        })
    }
}

/// That an answer says what was recorded, and maybe more: a later release may add fields to what it
/// answers, and takes none away. Lists are as long as they were, in the same order.
///
/// # Errors
/// Where the two part.
pub fn says_still(recorded: &Value, answered: &Value) -> Result<(), String> {
    parts(recorded, answered, "")
}

fn parts(recorded: &Value, answered: &Value, at: &str) -> Result<(), String> {
    match (recorded, answered) {
        (Value::Object(was), Value::Object(is)) => was.iter().try_for_each(|(name, value)| {
            let at = format!("{at}/{name}");
            let now = is.get(now_called(was, name));
            parts(value, now.ok_or_else(|| format!("{at} is not answered any more"))?, &at)
        }),
        (Value::Array(was), Value::Array(is)) if was.len() == is.len() => {
            let mut pairs = was.iter().zip(is).enumerate();
            pairs.try_for_each(|(place, (was, is))| parts(was, is, &format!("{at}/{place}")))
        }
        (Value::Array(was), Value::Array(is)) => {
            Err(format!("{at} had {} elements and has {}", was.len(), is.len()))
        }
        (was, is) if was == is => Ok(()),
        (was, is) => Err(format!("{at} was {was} and is {is}")),
    }
}

/// The name that a recorded field has by now: its own. There is one exception. When the first fixtures were
/// recorded, before any release, who holds a key was told as `holder`, which is also a field of the event of a new
/// key: there it stood twice. It has been `heldBy` since.
fn now_called<'a>(was: &serde_json::Map<String, Value>, name: &'a str) -> &'a str {
    let event = was.get("type").and_then(Value::as_str).unwrap_or_default();
    let of_a_key = ["CredentialIssued", "CredentialRevoked"].contains(&event);
    let is_named = was.get(name).is_some_and(|holder| holder.get("kind").is_some());
    if name == "holder" && of_a_key && is_named { "heldBy" } else { name }
}

struct Nobody;

impl Keys for Nobody {
    fn person(
        &self,
        _: TenantId,
        _: UserId,
    ) -> Result<Option<eventlog::PersonKey>, eventlog::Broken> {
        Ok(None)
    }
}
