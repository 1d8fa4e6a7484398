//! Recorded histories, and what they must come to.

#![expect(clippy::unwrap_used, reason = "a test ends where it fails")]

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use domain::id::{TenantId, UserId};
use domain::position::Head;
use domain::time::Timestamp;
use engine::Engine;
use eventlog::{ArchiveReader, EventLog, Keys, MemoryLog, Sealed, Unlock};
use serde_json::Value;

use crate::house;

/// The passphrase of every fixture's keys: what is in a fixture is invented, and public.
const PASSPHRASE: &str = "fixtures hold invented people";

/// A recorded history, replayed into a fresh log in memory.
pub struct Fixture {
    /// An engine on that log.
    pub engine: Engine,
    /// What the history must come to.
    pub expected: Value,
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

fn folder() -> PathBuf {
    house::root().join("replay-fixtures")
}

impl Fixture {
    /// Replays a fixture, commit by commit, checking each link.
    pub fn replay(name: &str) -> Fixture {
        let folder = folder().join(name);
        let archive = ArchiveReader::open(&folder.join("log.rollbook")).unwrap();
        let digest = archive.summary().digest;
        let unlock = Unlock::passphrase(PASSPHRASE);
        let keys = eventlog::read_keys(&folder.join("log.rollbook.keys"), digest, &unlock).unwrap();
        let mut log = MemoryLog::new();
        let mut heads: BTreeMap<TenantId, Head> = BTreeMap::new();
        for stored in archive.commits().unwrap() {
            let stored = stored.unwrap();
            let head = heads.entry(stored.tenant).or_insert(Head::EMPTY);
            let (_, next) = eventlog::link(head, stored.tenant, &stored.bytes, &keys).unwrap();
            *head = next;
            log = log.append(&[Sealed::again(stored.bytes, &keys).unwrap()]).unwrap();
        }
        let expected = std::fs::read_to_string(folder.join("expected.json")).unwrap();
        let expected = serde_json::from_str(&expected).unwrap();
        let clock = Arc::new(|| Timestamp::from_millis(i64::MAX));
        Fixture { engine: Engine::start(log, clock, |_| {}).unwrap(), expected }
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
