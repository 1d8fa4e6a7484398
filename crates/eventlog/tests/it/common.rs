//! What the tests of this crate share: commits to write, and the two logs to write them to.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use domain::commit::Commit;
use domain::event::*;
use domain::id::*;
use domain::origin::{Actor, Origin};
use domain::personal::Personal;
use domain::position::Head;
use domain::time::Timestamp;
use eventlog::{
    Broken, EventLog, Keys, LogReader, MasterKey, MemoryDisk, NoKeys, OpenError, Options,
    PersonKey, Reader, Sealed, SledLog, Stored,
};
use scim::Packed;
use serde_json::json;

/// A string that must not be found where personal data is sealed.
pub(crate) const CANARY: &str = "canary-7f3a9b";

/// The id with this number.
pub(crate) fn id<T: FromStr<Err: std::fmt::Debug>>(number: u64) -> T {
    format!("00000000-0000-7000-8000-{number:012}").parse().unwrap()
}

/// In the order of names: whether `json!` keeps another depends on who else is built.
pub(crate) fn packed(mut value: serde_json::Value) -> Packed {
    value.sort_all_objects();
    serde_json::from_value(value).unwrap()
}

pub(crate) fn value(mut value: serde_json::Value) -> scim::Value {
    value.sort_all_objects();
    serde_json::from_value(value).unwrap()
}

pub(crate) fn origin() -> Origin {
    Origin {
        actor: Actor::Connector { id: id(70), credential: id(71) },
        request: id(72),
        source: Some([192, 0, 2, 7].into()),
        agent: Some("Okta SCIM Client 1.0".to_owned()),
        claimed: None,
    }
}

pub(crate) fn created(user: UserId, name: &str) -> Event {
    Event::UserCreated {
        user,
        active: true,
        managed_by: Some(id(70)),
        personal: Personal::Known(NewUser {
            user_name: name.to_owned(),
            external_id: Some(format!("ext-{name}")),
            attributes: packed(json!({ "title": "Tour Guide", "nickName": name })),
        }),
    }
}

pub(crate) fn renamed(user: UserId, from: &str, to: &str) -> Event {
    Event::UserRenamed {
        user,
        personal: Personal::Known(Renamed { from: from.to_owned(), to: to.to_owned() }),
    }
}

pub(crate) fn erased(user: UserId) -> Event {
    Event::UserErased { user, reason: "asked to be".to_owned() }
}

pub(crate) fn opened(tenant: TenantId) -> Event {
    Event::TenantOpened { tenant, slug: format!("t{}", tenant.uuid().as_u128() as u8) }
}

/// A policy, of which a long text makes a long commit. It does not compress.
pub(crate) fn policy(length: usize) -> Event {
    let mut state = 1u64;
    let text = std::iter::repeat_with(|| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        char::from(b' ' + (state >> 33) as u8 % 94)
    });
    Event::PolicyCreated {
        policy: id(90),
        name: "long".to_owned(),
        text: text.take(length).collect(),
    }
}

/// The commit that follows `head`.
pub(crate) fn after(head: &Head, tenant: TenantId, events: Vec<Event>) -> Commit {
    Commit {
        tenant,
        position: head.next(),
        at: Timestamp::from_millis(1_767_225_600_000 + head.next().get() as i64),
        prev: head.hash,
        origin: origin(),
        events,
    }
}

pub(crate) fn head(reader: &impl LogReader, tenant: TenantId) -> Head {
    match reader.heads().into_iter().find(|(owner, ..)| *owner == tenant) {
        None => Head::EMPTY,
        Some((_, position, hash)) => {
            let bytes = reader.commit(tenant, position).unwrap().unwrap();
            let time = eventlog::open(&bytes, &NoKeys).unwrap().at;
            Head { position: Some(position), hash, time }
        }
    }
}

/// The keys of persons who come to be in this turn, before those that the log holds.
struct TurnKeys<'a, R> {
    new: BTreeMap<UserId, PersonKey>,
    reader: &'a R,
}

impl<R: Keys> Keys for TurnKeys<'_, R> {
    fn person(&self, tenant: TenantId, user: UserId) -> Result<Option<PersonKey>, Broken> {
        match self.new.get(&user) {
            Some(key) => Ok(Some(key.clone())),
            None => self.reader.person(tenant, user),
        }
    }

    fn fresh(&self, tenant: TenantId, user: UserId) -> Result<PersonKey, Broken> {
        self.reader.fresh(tenant, user)
    }
}

/// Seals the commits that these events make, one each, for one tenant.
pub(crate) fn sealed(
    reader: &impl LogReader,
    tenant: TenantId,
    commits: impl IntoIterator<Item = Vec<Event>>,
) -> Vec<Sealed> {
    let mut head = head(reader, tenant);
    let mut keys = TurnKeys { new: BTreeMap::new(), reader };
    commits
        .into_iter()
        .map(|events| {
            let commit = after(&head, tenant, events);
            let sealed = eventlog::seal(&commit, &keys).unwrap();
            keys.new.extend(sealed.new_keys.iter().cloned());
            head = Head { position: Some(commit.position), hash: sealed.hash, time: commit.at };
            sealed
        })
        .collect()
}

/// Appends the commits that these events make, one each, in one turn.
pub(crate) fn write<L: EventLog>(
    log: L,
    tenant: TenantId,
    commits: impl IntoIterator<Item = Vec<Event>>,
) -> L {
    let batch = sealed(&log.reader(), tenant, commits);
    log.append(&batch).unwrap()
}

/// Reads one tenant's log from its first commit and checks every link.
pub(crate) fn replay(reader: &impl LogReader, tenant: TenantId) -> Vec<Commit> {
    let mut head = Head::EMPTY;
    reader
        .scan()
        .map(|stored| stored.unwrap())
        .filter(|stored| stored.tenant == tenant)
        .map(|stored| {
            let (commit, next) = eventlog::link(&head, tenant, &stored.bytes, reader).unwrap();
            head = next;
            commit
        })
        .collect()
}

pub(crate) fn everything(reader: &impl LogReader) -> Vec<Stored> {
    reader.scan().map(Result::unwrap).collect()
}

/// A place for a log that can be opened again and again.
pub(crate) trait Place {
    type Log: EventLog<Reader = Reader>;
    fn open(&self) -> Self::Log;
}

impl Place for MemoryDisk {
    type Log = eventlog::MemoryLog;

    fn open(&self) -> Self::Log {
        MemoryDisk::open(self).unwrap()
    }
}

/// A data folder that is removed in the end.
pub(crate) struct DataDir(tempfile::TempDir);

pub(crate) fn data_dir() -> DataDir {
    DataDir(tempfile::tempdir().unwrap())
}

pub(crate) fn master() -> MasterKey {
    MasterKey::new([3; 32])
}

/// As the defaults, without taking space that the tests do not need.
pub(crate) fn options() -> Options {
    Options { ballast_bytes: 0, free_bytes: 0, ..Options::default() }
}

impl DataDir {
    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }

    pub(crate) fn try_open(&self) -> Result<SledLog, OpenError> {
        SledLog::open_with(self.path(), master(), options(), |_| {})
    }

    /// The error with which it does not open.
    pub(crate) fn refusal(&self) -> OpenError {
        match self.try_open() {
            Ok(_) => panic!("it opened"),
            Err(error) => error,
        }
    }
}

impl Place for DataDir {
    type Log = SledLog;

    fn open(&self) -> SledLog {
        self.try_open().unwrap()
    }
}

/// Every file below a folder.
pub(crate) fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found
}

pub(crate) fn contains(haystack: &[u8], needle: &str) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle.as_bytes())
}
