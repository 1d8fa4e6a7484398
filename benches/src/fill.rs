//! Fills a data folder in process: a tenant as a server opens it, then every commit that its users
//! and groups would have come by, made by the same rules and sealed and appended by the same log.
//! A million users take a minute or two; through a socket they would take many.

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;

use anyhow::{Context, anyhow};
use domain::command::{Change, Command};
use domain::commit::Commit;
use domain::directory::Directory;
use domain::event::{AttributeChange, Event, Member, RoleWording};
use domain::id::{GroupId, RequestId, TenantId, UserId};
use domain::origin::{Actor, Origin, Source};
use domain::personal::Personal;
use domain::position::Head;
use domain::snapshot::Snapshot;
use domain::time::Timestamp;
use engine::Engine;
use eventlog::{Broken, EventLog, Keys, MasterKey, Options, PersonKey, SledLog};
use scim::{Packed, ResourceType, Value};
use server::{App, Auth, Lists, Secret};

use crate::okta;
use crate::people::{self, Size};
use crate::population::Shape;

/// Commits in a turn.
const TURN: usize = 512;
/// Events in a commit that fills a group.
const MEMBERS: usize = 1_000;
/// A role that every tenant begins with, and how often the first user comes by it or loses it.
const ROLE: &str = "Admin";
const ROLE_CHANGES: u32 = 20;
/// What may wait between who decides and who writes.
const AHEAD: usize = 4 * TURN;

/// Makes a data folder of this shape. `progress` is told how many commits are written.
pub(crate) fn fill(folder: &Path, shape: Shape, progress: impl Fn(u32)) -> anyhow::Result<()> {
    std::fs::create_dir_all(folder)?;
    let (master, _) = MasterKey::load_or_create(folder)?;
    let open = || SledLog::open_with(folder, master.clone(), Options::default(), |_| {});
    let begun = open_tenant(open()?)?;
    fill_log(open()?, shape, &begun, progress)?.close();
    Ok(())
}

/// Writes what makes a tenant that was just opened one of this shape.
pub(crate) fn fill_log<L: EventLog>(
    log: L,
    shape: Shape,
    begun: &Begun,
    progress: impl Fn(u32),
) -> anyhow::Result<L> {
    let (events, made) = sync_channel(AHEAD);
    thread::scope(|scope| {
        let story = Story::new(shape, begun);
        let deciding = scope.spawn(move || {
            for commit in story {
                // When the writer has failed it says why itself.
                if events.send(commit?).is_err() {
                    break;
                }
            }
            anyhow::Ok(())
        });
        let log = write(log, begun, made, progress);
        deciding.join().map_err(|_| anyhow!("deciding panicked"))??;
        log
    })
}

/// A tenant that was just opened, and who writes to it from then on.
pub(crate) struct Begun {
    pub(crate) tenant: TenantId,
    pub(crate) snapshot: Arc<Snapshot>,
    pub(crate) actor: Actor,
}

/// What handlers have at hand over this engine, with a clock that stands still when users begin to
/// come.
pub(crate) fn app(engine: Engine) -> anyhow::Result<App> {
    let clock = clock();
    let auth = Auth::new(&[0; 32], clock()).map_err(|error| anyhow!("no randomness: {error}"))?;
    let mut app = App::new(engine, Lists::new(&[0; 32]), None, Vec::new(), auth);
    app.guard = Arc::new(server::Guard::open());
    app.clock = clock;
    Ok(app)
}

pub(crate) fn clock() -> engine::Clock {
    Arc::new(|| Timestamp::from_millis(i64::try_from(people::BEGAN_MILLIS).unwrap_or(0)))
}

/// Opens the tenant as a server does at its first start. The log is closed when this returns.
pub(crate) fn open_tenant(log: impl EventLog) -> anyhow::Result<Begun> {
    let (engine, writer) = Engine::open(log, clock(), |_| {})?;
    let writing = thread::spawn(move || writer.run());
    let app = app(engine.clone())?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let begun = runtime.block_on(async {
        let chosen = |key: &str| Secret::chosen(key.rsplit_once(':').map_or(key, |(_, s)| s));
        server::open_instance(&app, Some(chosen(okta::OPERATOR_KEY)?)).await?;
        let opened = server::open_tenant(
            &app,
            server::startup(&app),
            okta::TENANT,
            server::FIRST_CONNECTOR,
            Some(chosen(okta::KEY)?),
        );
        let tenant = opened.await?.tenant;
        let snapshot = engine.now(tenant).context("the tenant is not there")?;
        engine.stop().await;
        let actor = actor(&snapshot.directory)?;
        anyhow::Ok(Begun { tenant, snapshot, actor })
    });
    writing.join().map_err(|_| anyhow!("writing panicked"))?;
    begun
}

/// The connector, with its key.
fn actor(directory: &Directory) -> anyhow::Result<Actor> {
    let connector = directory.connectors.iter().next().context("the tenant has no connector")?;
    let credential = directory.credentials.iter().next().context("the connector has no key")?;
    Ok(Actor::Connector { id: connector.id, credential: credential.id })
}

/// Seals and appends all that comes, a turn at a time.
fn write<L: EventLog>(
    mut log: L,
    begun: &Begun,
    made: Receiver<Vec<Event>>,
    progress: impl Fn(u32),
) -> anyhow::Result<L> {
    let (mut turn, mut written) = (Vec::with_capacity(TURN), 0);
    let mut head = begun.snapshot.head;
    loop {
        let next = made.recv().ok();
        if let Some(events) = next {
            let commit = Commit {
                tenant: begun.tenant,
                position: head.next(),
                at: Timestamp::from_millis(head.time.millis() + 1_000),
                prev: head.hash,
                origin: Origin {
                    actor: begun.actor,
                    request: RequestId::new(people::request(written)),
                    source: Some([10, 20, 30, 40].into()),
                    agent: Some(okta::AGENT.to_owned()),
                    claimed: None,
                },
                events,
            };
            let sealed = eventlog::seal(&commit, &FromIds)?;
            head = Head { position: Some(commit.position), hash: sealed.hash, time: commit.at };
            turn.push(sealed);
            written += 1;
            if turn.len() < TURN {
                continue;
            }
        } else if turn.is_empty() {
            return Ok(log);
        }
        log = log.append(&turn).map_err(|error| anyhow!("{error}"))?;
        turn.clear();
        progress(written);
    }
}

/// Each person's key follows from their id: none need be looked up.
pub(crate) struct FromIds;

impl Keys for FromIds {
    fn person(&self, tenant: TenantId, user: UserId) -> Result<Option<PersonKey>, Broken> {
        self.fresh(tenant, user).map(Some)
    }

    fn fresh(&self, _: TenantId, user: UserId) -> Result<PersonKey, Broken> {
        let mut bytes = [7; 32];
        bytes.iter_mut().zip(user.uuid().into_bytes()).for_each(|(to, from)| *to = from);
        Ok(PersonKey::new(bytes))
    }
}

/// What happens, commit by commit: users come, groups are filled, titles change.
struct Story<'a> {
    shape: Shape,
    begun: &'a Snapshot,
    actor: Actor,
    source: Source,
    connector: Option<domain::id::ConnectorId>,
    /// Commits so far.
    written: u32,
    /// Of the users, how many are there.
    users: u32,
    /// What of the groups is still to be written.
    groups: std::vec::IntoIter<Vec<Event>>,
    changes: u32,
}

impl<'a> Story<'a> {
    fn new(shape: Shape, begun: &'a Begun) -> Self {
        let Begun { snapshot, actor, .. } = begun;
        let (source, connector) = (actor.source(), actor.connector());
        let mut story = Self {
            shape,
            begun: snapshot,
            actor: *actor,
            source,
            connector,
            written: 0,
            users: 0,
            groups: Vec::new().into_iter(),
            changes: 0,
        };
        story.groups = story.all_groups().into_iter();
        story
    }

    fn all_groups(&self) -> Vec<Vec<Event>> {
        let mut commits = Vec::new();
        for size in Size::ALL {
            for which in 0..size.groups() {
                let number = size.group(which);
                let group = GroupId::new(people::group(number));
                commits.push(vec![Event::GroupCreated {
                    group,
                    display_name: people::group_name(number),
                    managed_by: self.connector,
                    external_id: None,
                    attributes: Packed::default(),
                }]);
                let joined: Vec<Event> = people::members(size, which, self.shape.users)
                    .map(|number| Member::User(UserId::new(people::user(number))))
                    .map(|member| Event::GroupMemberAdded { group, member, source: self.source })
                    .collect();
                commits.extend(joined.chunks(MEMBERS).map(<[Event]>::to_vec));
            }
        }
        commits.extend(self.all_roles());
        commits
    }

    /// The first user has a role, and has it not, again and again.
    fn all_roles(&self) -> impl Iterator<Item = Vec<Event>> {
        let (user, source) = (UserId::new(people::user(0)), self.source);
        let role = self.begun.directory.roles.named(ROLE).map(|role| role.id);
        role.into_iter().flat_map(move |role| {
            (0..ROLE_CHANGES).map(move |number| {
                let wording = Personal::Known(RoleWording::default());
                vec![match number % 2 {
                    0 => Event::RoleAssigned { user, role, source, wording },
                    _ => Event::RoleRevoked { user, role, source },
                }]
            })
        })
    }

    /// What the rules make of a new user's body.
    fn user(&self, number: u32) -> anyhow::Result<Vec<Event>> {
        let id = UserId::new(people::user(number));
        let value = Value::parse(people::body(number, 0).as_bytes())?;
        let settings = self.begun.directory.connectors.iter().next().map(|one| &one.settings);
        let options = settings.context("the tenant has no connector")?.options();
        let admitted = scim::admit(&value, ResourceType::user(), options)?;
        let command = Command::User(id, Change::Create(admitted));
        // Nobody else is there: their names differ, so that nothing else would be decided beside them.
        Ok(domain::decide(&self.begun.directory, &self.actor, command)?.events)
    }

    /// Everybody's title changes in turn.
    fn change(&self, number: u32) -> Vec<Event> {
        let (edition, user) = (number / self.shape.users, number % self.shape.users);
        let title = |edition| Some(Value::String(people::title(edition)));
        let path = "title".to_owned();
        let change = AttributeChange { path, old: title(edition), new: title(edition + 1) };
        let personal = Personal::Known(vec![change]);
        vec![Event::UserAttributesChanged { user: UserId::new(people::user(user)), personal }]
    }
}

impl Iterator for Story<'_> {
    type Item = anyhow::Result<Vec<Event>>;

    fn next(&mut self) -> Option<Self::Item> {
        self.written += 1;
        if self.users < self.shape.users {
            self.users += 1;
            return Some(self.user(self.users - 1));
        }
        if let Some(events) = self.groups.next() {
            return Some(Ok(events));
        }
        if self.written > self.shape.commits {
            return None;
        }
        self.changes += 1;
        Some(Ok(self.change(self.changes - 1)))
    }
}
