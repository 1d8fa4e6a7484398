//! How long audit questions take out of a long history: `make bench-history EVENTS=10000000`.
//!
//! Two logs on real sled, one a tenth of the other, with the same answers in both: what a question costs
//! must grow with its answer, not with the log. Prints, for each question, the commits that it answers and those that it reads,
//! the median and the 99th percentile of both logs and their ratio; how fast a feed's pages follow each other; and what the trail
//! costs in memory and in time for each event.

use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow, bail};
use audit::{Order, Question, ask};
use domain::commit::{Commit, Projection};
use domain::event::{
    AttributeChange, ConnectorSettings, Event, EventKind, Member, NewUser, RoleWording, Subject,
};
use domain::id::{ConnectorId, CredentialId, GroupId, RequestId, RoleId, TenantId, UserId};
use domain::origin::{Actor, Origin, Source};
use domain::personal::Personal;
use domain::position::{Hash, Head, Position};
use domain::time::Timestamp;
use domain::trail::{Facet, Kinds, Trail};
use engine::Engine;
use eventlog::{
    AppendError, Broken, EventLog, Journal, Keys, LogReader, MasterKey, Options, PersonKey, Sealed,
    SledLog, Stored,
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::people::mix;
use crate::table::Table;
use crate::terminal::{note, say};

type Done<T> = anyhow::Result<T>;

/// Commits for each user who comes to be.
const PER_USER: u64 = 20;
/// Commits in a batch.
const BATCH: usize = 512;
/// How often a question is asked.
const ASKED: usize = 200;
/// How often what is rare happens, however long the log.
const RARE: u64 = 20;
/// Roles that many have.
const ROLES: u64 = 5;
const RARE_ROLE: u64 = 99;
/// Commits in a page of a feed, and how many such pages are walked.
const FEED_PAGE: usize = 500;
const FEED_PAGES: usize = 40;

/// Each person's key is made of their id: none need be looked up.
struct FromIds;

impl Keys for FromIds {
    fn person(&self, _: TenantId, user: UserId) -> Result<Option<PersonKey>, Broken> {
        let id = user.uuid().into_bytes();
        let mut bytes = [7; 32];
        bytes.iter_mut().zip(id).for_each(|(to, from)| *to = from);
        Ok(Some(PersonKey::new(bytes)))
    }

    fn fresh(&self, tenant: TenantId, user: UserId) -> Result<PersonKey, Broken> {
        self.person(tenant, user).map(|key| key.unwrap_or_else(|| PersonKey::new([0; 32])))
    }
}

/// A log that counts the commits that are read one by one.
struct Counted {
    log: SledLog,
    read: Arc<AtomicU64>,
}

/// What reads it.
#[derive(Clone)]
struct Counting<R> {
    reader: R,
    read: Arc<AtomicU64>,
}

impl EventLog for Counted {
    type Reader = Counting<<SledLog as EventLog>::Reader>;

    fn append(self, batch: &[Sealed]) -> Result<Self, AppendError<Self>> {
        let Self { log, read } = self;
        match log.append(batch) {
            Ok(log) => Ok(Self { log, read }),
            Err(AppendError { cause, log }) => {
                Err(AppendError { cause, log: log.map(|log| Self { log, read }) })
            }
        }
    }

    fn reader(&self) -> Self::Reader {
        Counting { reader: self.log.reader(), read: self.read.clone() }
    }

    fn journal(&self) -> Journal {
        self.log.journal()
    }
}

impl<R: Keys> Keys for Counting<R> {
    fn person(&self, tenant: TenantId, user: UserId) -> Result<Option<PersonKey>, Broken> {
        self.reader.person(tenant, user)
    }
}

impl<R: LogReader> LogReader for Counting<R> {
    fn commit(&self, tenant: TenantId, position: Position) -> Result<Option<Vec<u8>>, Broken> {
        self.read.fetch_add(1, Ordering::Relaxed);
        self.reader.commit(tenant, position)
    }

    fn scan_from(&self, frames: u64) -> impl Iterator<Item = Result<Stored, Broken>> + Send {
        self.reader.scan_from(frames)
    }

    fn range(
        &self,
        tenant: TenantId,
        from: Position,
        to: Position,
    ) -> impl Iterator<Item = Result<Stored, Broken>> + Send {
        self.reader.range(tenant, from, to)
    }

    fn frames(&self) -> u64 {
        self.reader.frames()
    }

    fn heads(&self) -> Vec<(TenantId, Position, Hash)> {
        self.reader.heads()
    }

    fn persons(&self, tenant: TenantId) -> Result<Vec<(UserId, PersonKey)>, Broken> {
        self.reader.persons(tenant)
    }
}

/// Ids in the order in which they are made, as version 7 has them, with a random end.
fn id(kind: u64, number: u64) -> Uuid {
    Uuid::from_u64_pair(kind << 48 | number, mix(kind << 48 | number))
}

fn user(number: u64) -> UserId {
    UserId::new(id(1, number))
}

fn tenant() -> TenantId {
    TenantId::new(id(9, 1))
}

/// An Okta-like history: people come, all of them into one big group, their attributes change, roles come and go.
struct History {
    events: u64,
    connector: ConnectorId,
    /// Which of the roles each user has.
    held: Vec<u8>,
    /// How many of them are in the big group.
    joined: usize,
    rare_held: bool,
    renamed: u64,
}

impl History {
    fn new(events: u64) -> Self {
        let connector = ConnectorId::new(id(4, 1));
        Self { events, connector, held: Vec::new(), joined: 0, rare_held: false, renamed: 0 }
    }

    fn role(number: u64) -> RoleId {
        RoleId::new(id(3, number))
    }

    fn everyone() -> GroupId {
        GroupId::new(id(2, 1))
    }

    /// The events of the commit at a position.
    fn events(&mut self, position: u64) -> Vec<Event> {
        let source = Source::Connector(self.connector);
        if position == 1 {
            return self.beginning();
        }
        let every = (self.events / RARE).max(1);
        if position % every == every / 2 {
            return vec![self.role_change(RARE_ROLE, user(0), source)];
        }
        if position % every == every / 2 + 1 {
            self.renamed += 1;
            let (from, to) = (name(self.renamed - 1), name(self.renamed));
            return vec![Event::GroupRenamed { group: Self::everyone(), from, to }];
        }
        let random = mix(position);
        if position % PER_USER == 2 || self.held.is_empty() {
            let number = self.held.len() as u64;
            self.held.push(0);
            let user_name = format!("user{number}@acme.com");
            let personal = Personal::Known(NewUser {
                user_name,
                external_id: Some(format!("00u{random:016x}")),
                attributes: attributes(),
            });
            let user = user(number);
            let created = Event::UserCreated {
                user,
                active: true,
                managed_by: Some(self.connector),
                personal,
            };
            return vec![created];
        }
        let number = (random >> 8) % self.held.len() as u64;
        if self.joined < self.held.len() {
            let member = Member::User(user(self.joined as u64));
            self.joined += 1;
            return vec![Event::GroupMemberAdded { group: Self::everyone(), member, source }];
        }
        // The first user is left to the rare role: their history is the same in every log.
        if random % 100 < 25 && number > 0 {
            return vec![self.role_change((random >> 4) % ROLES, user(number), source)];
        }
        let path = match random % 4 {
            0 => "title",
            1 => "department",
            2 => "name.familyName",
            _ => "phoneNumbers",
        };
        let value = |seed: u64| Some(scim::Value::String(format!("value {}", mix(seed) % 1_000)));
        let change =
            AttributeChange { path: path.to_owned(), old: value(position), new: value(random) };
        let user = user(number.max(1).min(self.held.len() as u64 - 1));
        vec![Event::UserAttributesChanged { user, personal: Personal::Known(vec![change]) }]
    }

    fn role_change(&mut self, number: u64, user: UserId, source: Source) -> Event {
        let role = Self::role(number);
        let is_held = if number == RARE_ROLE {
            self.rare_held = !self.rare_held;
            !self.rare_held
        } else {
            let index = (user.uuid().as_u64_pair().0 & 0xFFFF_FFFF_FFFF) as usize;
            let bit = 1 << number;
            // Only users who are there get roles.
            self.held.get_mut(index).is_some_and(|held| {
                *held ^= bit;
                *held & bit == 0
            })
        };
        if is_held {
            return Event::RoleRevoked { user, role, source };
        }
        let wording = Personal::Known(RoleWording::default());
        Event::RoleAssigned { user, role, source, wording }
    }

    fn beginning(&self) -> Vec<Event> {
        let settings = ConnectorSettings::new("okta", scim::Mode::Lenient);
        let mut events = vec![
            Event::TenantOpened { tenant: tenant(), slug: "acme".into() },
            Event::ConnectorAdded { connector: self.connector, name: "okta".into(), settings },
            Event::GroupCreated {
                group: Self::everyone(),
                display_name: name(0),
                managed_by: None,
                external_id: None,
                attributes: scim::Packed::default(),
            },
        ];
        events.extend((0..ROLES).chain([RARE_ROLE]).map(|number| Event::RoleDefined {
            role: Self::role(number),
            name: format!("Role {number}"),
            description: String::new(),
        }));
        events
    }

    fn commit(&mut self, head: &Head) -> Commit {
        let position = head.next();
        let actor = Actor::Connector {
            id: self.connector,
            credential: CredentialId::new(id(5, position.get() % 3)),
        };
        let last = (position.get() % 16) as u8;
        Commit {
            tenant: tenant(),
            position,
            at: Timestamp::from_millis(1_700_000_000_000 + 1_000 * position.get() as i64),
            prev: head.hash,
            origin: Origin {
                actor,
                request: request(position.get()),
                source: Some(IpAddr::V4(Ipv4Addr::new(10, 0, 0, last))),
                agent: None,
                claimed: None,
            },
            events: self.events(position.get()),
        }
    }
}

fn name(number: u64) -> String {
    format!("Everyone {number}")
}

fn request(position: u64) -> RequestId {
    RequestId::new(id(6, position))
}

fn attributes() -> scim::Packed {
    let json = br#"{"name":{"givenName":"Jane","familyName":"Doe"},"title":"Tour Guide","emails":[{"value":"jane@acme.com","type":"work"}]}"#;
    let value = scim::Value::parse(json).ok();
    let object = value.as_ref().and_then(scim::Value::as_complex);
    object.map(scim::Packed::from).unwrap_or_default()
}

/// Writes a history.
fn write(dir: &Path, master: MasterKey, events: u64) -> Done<()> {
    let mut history = History::new(events);
    let mut log = SledLog::open_with(dir, master, Options::default(), |_| {})?;
    let mut head = Head::EMPTY;
    let mut batch: Vec<Sealed> = Vec::new();
    for _ in 0..events {
        let commit = history.commit(&head);
        let sealed = eventlog::seal(&commit, &FromIds)?;
        head = Head { position: Some(commit.position), hash: sealed.hash, time: commit.at };
        batch.push(sealed);
        if batch.len() == BATCH {
            log = log.append(&batch).map_err(|error| anyhow!("{error}"))?;
            batch.clear();
        }
    }
    log = log.append(&batch).map_err(|error| anyhow!("{error}"))?;
    log.close();
    Ok(())
}

/// Bytes of memory that this process holds.
fn resident() -> Done<u64> {
    let text = std::fs::read_to_string("/proc/self/status")?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib: u64 = line.context("no VmRSS")?.trim().trim_end_matches(" kB").parse()?;
    Ok(1_024 * kib)
}

/// Time that this thread was on a processor: what the machine does beside does not count.
fn on_cpu() -> Done<Duration> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat")?;
    let nanos = text.split_whitespace().next().context("no schedstat")?;
    Ok(Duration::from_nanos(nanos.parse()?))
}

/// What the trail alone costs: bytes and time for each event, applied as the writer does, to a clone each time.
fn trail_alone(events: u64) -> Done<()> {
    let build = |trail: &mut Option<Trail>| -> Done<Duration> {
        let (mut history, mut head) = (History::new(events), Head::EMPTY);
        let begun = on_cpu()?;
        for _ in 0..events {
            let commit = history.commit(&head);
            head = Head { position: Some(commit.position), ..head };
            if let Some(trail) = trail {
                let mut next = trail.clone();
                next.apply(&commit)?;
                *trail = next;
            }
        }
        Ok(on_cpu()?.saturating_sub(begun))
    };
    let without = build(&mut None)?;
    let before = resident()?;
    let mut trail = Some(Trail::default());
    let spent = build(&mut trail)?.saturating_sub(without);
    let bytes = resident()?.saturating_sub(before);
    note(format!(
        "trail of {events} commits: {:.0} bytes and {:.2} µs of CPU for each (a clone and an apply)",
        bytes as f64 / events as f64,
        spent.as_secs_f64() * 1e6 / events as f64,
    ));
    Ok(())
}

/// The questions, with what each is called.
fn questions(events: u64) -> Vec<(&'static str, Question)> {
    let with =
        |conditions: Vec<Vec<Facet>>| Question { conditions, limit: 100, ..Question::default() };
    let roles: Kinds = [EventKind::RoleAssigned, EventKind::RoleRevoked].into_iter().collect();
    let about = |subject| Facet::About(subject, Kinds::ALL);
    let everyone = Subject::Group(History::everyone());
    let renamed = Kinds::default().with(EventKind::GroupRenamed);
    let newest = Question { order: Order::NewestFirst, limit: 20, ..Question::default() };
    let joined = Kinds::default().with(EventKind::GroupMemberAdded);
    vec![
        ("a user's roles", with(vec![vec![Facet::About(Subject::User(user(0)), roles)]])),
        ("a rare role", with(vec![vec![about(Subject::Role(History::role(RARE_ROLE)))]])),
        ("a rare kind", with(vec![vec![Facet::Kind(renamed)]])),
        ("a request", with(vec![vec![Facet::Request(request(events / 2))]])),
        ("newest 20 of all", newest),
        ("100 of a big group's members", with(vec![vec![Facet::About(everyone, joined)]])),
        (
            "a user's roles from a range of addresses",
            with(vec![
                vec![Facet::About(Subject::User(user(0)), roles)],
                "10.0.0.0/8".parse().map(Facet::From).into_iter().collect(),
            ]),
        ),
    ]
}

/// What a question took.
#[derive(Serialize, Deserialize)]
pub(crate) struct Took {
    pub(crate) question: String,
    /// Commits in the answer.
    pub(crate) answered: usize,
    /// Commits read for it.
    pub(crate) read: u64,
    pub(crate) median_ms: f64,
    pub(crate) p99_ms: f64,
}

/// How long each question takes.
fn measure(dir: &Path, master: MasterKey, events: u64) -> Done<Vec<Took>> {
    let begun = Instant::now();
    let log = SledLog::open_with(dir, master, Options::default(), |_| {})?;
    let clock: engine::Clock = Arc::new(|| Timestamp::from_millis(4_000_000_000_000));
    let read = Arc::new(AtomicU64::new(0));
    let log = Counted { log, read: read.clone() };
    let (engine, writer) = Engine::open(log, clock, |_| {})?;
    note(format!(
        "{events} commits opened in {:.1} s, {} MiB resident",
        begun.elapsed().as_secs_f64(),
        resident()? >> 20
    ));
    let mut measured = Vec::new();
    for (name, question) in questions(events) {
        let mut times = Vec::new();
        let mut answered = 0;
        read.store(0, Ordering::Relaxed);
        for _ in 0..ASKED {
            let begun = Instant::now();
            answered = ask(&engine, tenant(), &question)?.len();
            times.push(begun.elapsed());
        }
        times.sort_unstable();
        let at = |index: usize| times.get(index).map_or(f64::NAN, |t| t.as_secs_f64() * 1e3);
        let read = read.load(Ordering::Relaxed) / ASKED as u64;
        let (question, median_ms, p99_ms) = (name.to_owned(), at(ASKED / 2), at(ASKED * 99 / 100));
        measured.push(Took { question, answered, read, median_ms, p99_ms });
    }
    walk(&engine, events)?;
    drop(engine);
    drop(writer);
    Ok(measured)
}

/// How fast the pages of a feed follow each other, out of the middle of the log.
fn walk(engine: &Engine, events: u64) -> Done<()> {
    let from = Position::new(events / 2).context("a log without a middle")?;
    let mut next = Some(Question { from, limit: FEED_PAGE, ..Question::default() });
    let (begun, mut told) = (Instant::now(), 0);
    for _ in 0..FEED_PAGES {
        let Some(question) = next else { break };
        let entries = ask(engine, tenant(), &question)?;
        told += entries.len();
        next = entries.last().and_then(|last| question.after(last.position));
    }
    let rate = told as f64 / begun.elapsed().as_secs_f64();
    note(format!("{told} commits in pages of {FEED_PAGE}: {rate:.0} a second"));
    Ok(())
}

/// Asks a log of so many commits, and one of a tenth of them; in a folder within `within`.
pub(crate) fn history(within: &Path, events: u64, json: bool) -> Done<()> {
    let few = events / 10;
    trail_alone(events)?;
    let folder = tempfile::tempdir_in(within)?;
    let mut both = Vec::new();
    for events in [few, events] {
        let dir = folder.path().join(events.to_string());
        let master = || MasterKey::new([3; 32]);
        let begun = Instant::now();
        write(&dir, master(), events)?;
        note(format!("{events} commits written in {:.1} s", begun.elapsed().as_secs_f64()));
        both.push(measure(&dir, master(), events)?);
    }
    if json {
        say(serde_json::to_string(&both)?);
        return Ok(());
    }
    let [short, long] = both.as_slice() else { bail!("two logs were to be measured") };
    let (few_ms, many_ms) = (format!("{few}: ms"), format!("{events}: ms"));
    let heading = ["question", "commits", "read", &few_ms, "p99", &many_ms, "p99", "ratio"];
    let mut table = Table::new(&heading, &[0]);
    for (short, long) in short.iter().zip(long) {
        table.row(vec![
            long.question.clone(),
            long.answered.to_string(),
            long.read.to_string(),
            format!("{:.2}", short.median_ms),
            format!("{:.2}", short.p99_ms),
            format!("{:.2}", long.median_ms),
            format!("{:.2}", long.p99_ms),
            format!("{:.2}", long.median_ms / short.median_ms),
        ]);
    }
    say(table.lines().collect::<Vec<_>>().join("\n"));
    Ok(())
}
