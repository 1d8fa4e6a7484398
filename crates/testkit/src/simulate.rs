//! Random commands against a log that fails at random, and the laws that must hold all the while.
//!
//! Everything follows from the seed: commands, clock, keys, which append fails and how. A failure
//! prints its seed. The checks were each seen to catch a fault that was put in on purpose; the
//! table stands in `docs/decisions/0011-simulation.md`.

mod credentials;
mod echo;
mod ignored;
mod local;
mod policies;
mod settings;
mod standing;
mod written;

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::net::Ipv4Addr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::task::{Context, Poll, Waker};

use domain::command::{Change, Command, Expected};
use domain::event::{ConnectorSettings, Event, Holder, Member};
use domain::id::{
    ConnectorId, CredentialId, GroupId, OperatorId, RequestId, RoleId, RuleId, TenantId, UserId,
};
use domain::origin::{Actor, Claimed, Origin};
use domain::personal::Personal;
use domain::position::{Hash, Position};
use domain::snapshot::{Part, Snapshot};
use domain::time::Timestamp;
use engine::{Clock, Engine, Receipt, Refusal, Writer};
use eventlog::{EventLog, Fault, Keys, LogReader, MemoryDisk, MemoryLog};
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use scim::{Mode, Patch, ResourceType, UserNameKey, Value};
use uuid::Uuid;

/// What a run did, to see that it did something.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Commits that were acknowledged.
    pub commits: u64,
    /// Commands that were refused by a rule.
    pub rejections: u64,
    /// Commands that caused nothing.
    pub idle: u64,
    /// Power cuts and failing appends.
    pub failures: u64,
}

impl std::ops::AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.commits += other.commits;
        self.rejections += other.rejections;
        self.idle += other.idle;
        self.failures += other.failures;
    }
}

const TENANTS: usize = 2;
const NAMES: [&str; 8] =
    ["ada", "Ada", "ADA@x.test", "bob", "BoB", "straße", "STRASSE", "\u{ff2a}org"];
const ROLES: [&str; 4] = ["Admin", "Analyst", "Everyone", "Nobody knows"];
const SCHEMAS: [&str; 2] = ["urn:example:sim:one:1.0:User", "urn:example:sim:two:1.0:User"];
const GROUPS: [&str; 4] = ["Sales", "SALES", "Ops", "Legal"];

/// Runs one seed.
///
/// # Errors
/// The law that was broken, in words.
pub fn run(seed: u64, rounds: usize) -> Result<Tally, String> {
    run_and_look(seed, rounds, |_, _| Ok(()))
}

/// The same, and lets `look` check what else must hold of each tenant and its history.
///
/// # Errors
/// The law that was broken, or what `look` found, in words.
pub fn run_and_look(
    seed: u64,
    rounds: usize,
    look: impl Fn(&Engine, TenantId) -> Result<(), String>,
) -> Result<Tally, String> {
    Simulation::new(seed)?.run(rounds, look)
}

struct Simulation {
    rng: ChaCha8Rng,
    disk: MemoryDisk,
    clock: Arc<AtomicI64>,
    live: Option<(Engine, Writer<MemoryLog>)>,
    tenants: Vec<(TenantId, ConnectorId, CredentialId)>,
    acknowledged: BTreeMap<(TenantId, Position), Hash>,
    // What those that wrote policies were checked against.
    grounds: BTreeMap<(TenantId, Position), Option<Position>>,
    checkpoint: Option<(TenantId, Vec<Vec<u8>>)>,
    // Everybody who ever came to be, and who was erased.
    people: BTreeSet<(TenantId, UserId)>,
    erased: BTreeSet<(TenantId, UserId)>,
    // Faults that were ordered and did not happen yet.
    faults_due: usize,
    tally: Tally,
}

type Answer = Result<Receipt, Refusal>;
type Waiting = Pin<Box<dyn Future<Output = Answer>>>;

impl Simulation {
    fn new(seed: u64) -> Result<Self, String> {
        let mut simulation = Simulation {
            rng: ChaCha8Rng::seed_from_u64(seed),
            disk: MemoryDisk::seeded(seed),
            clock: Arc::new(AtomicI64::new(1_750_000_000_000)),
            live: None,
            tenants: Vec::new(),
            acknowledged: BTreeMap::new(),
            grounds: BTreeMap::new(),
            checkpoint: None,
            people: BTreeSet::new(),
            erased: BTreeSet::new(),
            faults_due: 0,
            tally: Tally::default(),
        };
        simulation.boot()?;
        for tenant in 0..TENANTS {
            simulation.open_tenant(tenant)?;
        }
        Ok(simulation)
    }

    fn id(&mut self) -> Uuid {
        uuid::Builder::from_random_bytes(self.rng.random()).into_uuid()
    }

    fn engine(&self) -> Result<&Engine, String> {
        self.live.as_ref().map(|(engine, _)| engine).ok_or_else(|| "nothing runs".to_owned())
    }

    /// Starts an engine on what is on the disk, as after a power cut.
    fn boot(&mut self) -> Result<(), String> {
        self.live = None;
        let log = self.disk.open().map_err(|error| format!("the log does not open: {error}"))?;
        let clock = self.clock.clone();
        let clock: Clock = Arc::new(move || Timestamp::from_millis(clock.load(Ordering::Relaxed)));
        let opened = Engine::open(log, clock, |_| {});
        self.live = Some(opened.map_err(|error| format!("the engine does not start: {error}"))?);
        // An erasure that was cut off before it was answered may stand all the same.
        let world = self.engine()?.world();
        for (tenant, user) in self.people.clone() {
            let there = world.get(tenant).is_some_and(|s| s.directory.users.is_erased(user));
            if there && !self.erased.contains(&(tenant, user)) {
                self.note_person(tenant, Some((user, Fate::IsErased)));
            }
        }
        Ok(())
    }

    fn open_tenant(&mut self, number: usize) -> Result<(), String> {
        let tenant = TenantId::new(self.id());
        let (connector, credential) = (ConnectorId::new(self.id()), CredentialId::new(self.id()));
        let slug = format!("tenant-{number}");
        let roles = ROLES[..3]
            .iter()
            .map(|name| (RoleId::new(self.id()), (*name).to_owned(), String::new()))
            .collect();
        let mode = if number == 0 { Mode::Lenient } else { Mode::Strict };
        let settings = ConnectorSettings::new("okta", mode);
        let holder = Holder::Connector(connector);
        let hash = eventlog::hash(slug.as_bytes());
        let open = |roles| Command::OpenTenant { tenant, slug: slug.clone(), roles };
        let setup = [
            (TenantId::SYSTEM, open(Vec::new())),
            (tenant, open(roles)),
            (
                tenant,
                Command::AddConnector { connector, name: "okta".to_owned(), settings, key: None },
            ),
            (
                tenant,
                Command::IssueCredential {
                    credential,
                    holder,
                    hash,
                    hint: slug.clone(),
                    expires: None,
                },
            ),
        ];
        for (tenant, command) in setup {
            let origin = self.origin(Actor::System);
            let answers = self.turn(vec![(tenant, origin, command)])?;
            if let Some(Err(refusal)) = answers.first() {
                return Err(format!("a tenant could not be opened: {refusal}"));
            }
        }
        self.tenants.push((tenant, connector, credential));
        Ok(())
    }

    fn origin(&mut self, actor: Actor) -> Origin {
        let request = self.id();
        // Of a few addresses, or none: by the id, which is random enough.
        let last = request.as_bytes().first().map_or(0, |byte| byte % 4);
        let source = (last > 0).then(|| Ipv4Addr::new(10, 0, 0, last).into());
        Origin { actor, request: RequestId::new(request), source, agent: None, claimed: None }
    }

    fn run(
        mut self,
        rounds: usize,
        look: impl Fn(&Engine, TenantId) -> Result<(), String>,
    ) -> Result<Tally, String> {
        for round in 0..rounds {
            // The clock jumps back now and then, as clocks do.
            let jump = self.rng.random_range(-2_000..10_000);
            self.clock.fetch_add(jump, Ordering::Relaxed);
            let wave = self.rng.random_range(1..12);
            let wishes = (0..wave).map(|_| self.wish()).collect::<Result<Vec<_>, _>>()?;
            if self.rng.random_ratio(1, 12) {
                self.failing_turn(wishes)?;
            } else {
                self.turn(wishes)?;
            }
            if self.rng.random_ratio(1, 20) {
                self.check_replay()?;
                self.check_erased()?;
                self.check_echo()?;
                self.take_checkpoint()?;
            }
            if self.rng.random_ratio(1, 25) {
                self.boot()?;
            }
            self.check_directories().map_err(|broken| format!("round {round}: {broken}"))?;
        }
        self.check_replay()?;
        self.check_erased()?;
        self.check_written()?;
        self.check_acknowledged()?;
        self.check_checkpoint()?;
        for (tenant, ..) in &self.tenants {
            look(self.engine()?, *tenant)?;
        }
        self.check_flipped_bit()?;
        Ok(self.tally)
    }

    /// Submits wishes, checks that nobody is answered too early, lets the writer work, and gives
    /// the answers.
    fn turn(&mut self, wishes: Vec<(TenantId, Origin, Command)>) -> Result<Vec<Answer>, String> {
        let Some((engine, writer)) = self.live.take() else { return Err("nothing runs".into()) };
        let before = heads(&engine);
        let mut failed = false;
        let mut waiting: Vec<Waiting> = Vec::new();
        let mut asked = Vec::new();
        for (tenant, origin, command) in wishes {
            let (person, ground) = (person(&command), written::ground(&command));
            let target = target(&command);
            let engine = engine.clone();
            waiting.push(Box::pin(async move { engine.submit(tenant, origin, command).await }));
            asked.push((tenant, person, ground, target));
        }
        for one in &mut waiting {
            if poll(one).is_some() {
                return Err("a request was answered before the log had it".to_owned());
            }
        }
        let writer = writer.step(usize::MAX);
        let mut answers = Vec::new();
        for one in &mut waiting {
            answers.push(poll(one).ok_or("a request was never answered")?);
        }
        let after = heads(&engine);
        let mut expected = before.clone();
        for ((tenant, person, ground, target), answer) in asked.iter().zip(&answers) {
            if let (Ok(receipt), Some(target)) = (answer, target) {
                check_shown(receipt, receipt.about.unwrap_or(*target))?;
            }
            match answer {
                Ok(Receipt { head, position: Some(position), about, .. }) => {
                    let next = expected.entry(*tenant).or_default();
                    *next += 1;
                    if *next != position.get() || head.position != Some(*position) {
                        return Err(format!("position {position} came where {next} was due"));
                    }
                    let key = (*tenant, *position);
                    if self.acknowledged.insert(key, head.hash).is_some() {
                        return Err(format!("position {position} was acknowledged twice"));
                    }
                    self.grounds.extend(ground.map(|ground| (key, ground)));
                    self.tally.commits += 1;
                    // Who was linked was there already, under another id than a newcomer's.
                    let there = matches!(about, Some(Member::User(_)));
                    self.note_person(*tenant, person.filter(|_| !there));
                }
                Ok(Receipt { position: None, .. }) => self.tally.idle += 1,
                Err(Refusal::Rejected(_)) => self.tally.rejections += 1,
                Err(Refusal::Unavailable(_)) if self.faults_due > 0 => {
                    failed = true;
                    self.tally.failures += 1;
                }
                Err(other) => return Err(format!("an answer that no client earned: {other}")),
            }
        }
        if failed {
            self.faults_due -= 1;
        }
        // What one tenant does is invisible to every other, and a refused request changes nothing:
        // each head moved exactly by the commits that were acknowledged for it.
        if after != expected {
            return Err(format!("heads are {after:?}, but {expected:?} was acknowledged"));
        }
        if let Some(writer) = writer {
            self.live = Some((engine, writer));
        } else {
            // The log is lost: readers still see what was durable, and nothing else.
            if engine.is_writing() {
                return Err("a lost log still takes commands".to_owned());
            }
            drop(engine);
            self.boot()?;
        }
        Ok(answers)
    }

    fn note_person(&mut self, tenant: TenantId, person: Option<(UserId, Fate)>) {
        match person {
            Some((user, Fate::Comes)) => drop(self.people.insert((tenant, user))),
            Some((user, Fate::IsErased)) => {
                self.erased.insert((tenant, user));
                // What was kept before an erasure holds what must be gone: it is thrown away.
                self.checkpoint = self.checkpoint.take().filter(|(kept, _)| *kept != tenant);
            }
            None => {}
        }
    }

    /// A turn whose append fails: with nothing written, or as a power cut in the middle.
    fn failing_turn(&mut self, wishes: Vec<(TenantId, Origin, Command)>) -> Result<(), String> {
        let faults = [Fault::NoSpace, Fault::CutBefore, Fault::CutAfter];
        let fault = *faults.choose(&mut self.rng).ok_or("no fault")?;
        self.disk.fail_after(0, fault);
        self.faults_due = 1;
        self.turn(wishes)?;
        Ok(())
    }

    fn wish(&mut self) -> Result<(TenantId, Origin, Command), String> {
        let (tenant, connector, credential) =
            *self.tenants.choose(&mut self.rng).ok_or("no tenant")?;
        if self.rng.random_ratio(1, 16) {
            return self.govern(tenant);
        }
        let snapshot = self.engine()?.now(tenant).ok_or("a tenant is gone")?;
        let here = Actor::Operator { id: OperatorId::new(Uuid::nil()) };
        let actor = if self.rng.random_ratio(1, 6) {
            here
        } else {
            // Now and then another than the tenant's own.
            let other = settings::some_spare(&mut self.rng, &snapshot.directory);
            Actor::Connector { id: other.unwrap_or(connector), credential }
        };
        let mut origin = self.origin(actor);
        let directory = &snapshot.directory;
        let users = directory.users.iter().chain(directory.ignored.users());
        let users: Vec<UserId> = users.map(|user| user.id).collect();
        let groups = directory.groups.iter().chain(directory.ignored.groups());
        let groups: Vec<GroupId> = groups.map(|group| group.id).collect();
        let some_user = users.choose(&mut self.rng).copied().unwrap_or(UserId::new(Uuid::nil()));
        let some_group = groups.choose(&mut self.rng).copied().unwrap_or(GroupId::new(Uuid::nil()));
        let name = *NAMES.choose(&mut self.rng).ok_or("no name")?;
        origin.claimed = claimed(self.rng.random_range(0..8), some_user, name);
        let role = *ROLES.choose(&mut self.rng).ok_or("no role")?;
        let rtype = snapshot.directory.schemas.catalogue().user();
        if self.rng.random_ratio(1, 12) {
            origin.actor = here;
            return Ok((tenant, origin, self.local(some_user, some_group, connector, name)?));
        }
        if self.rng.random_ratio(1, 16) {
            return Ok((tenant, origin, self.policies(&snapshot)));
        }
        let command = match self.rng.random_range(0..27) {
            0..3 => Command::User(UserId::new(self.id()), self.create_user(name, role, rtype)?),
            3 => Command::User(some_user, self.replace_user(name, role, rtype)?),
            4 => Command::User(
                some_user,
                patch_user(&format!(
                    r#"{{"op":"replace","value":{{"active":{}}}}}"#,
                    ["true", "false", "null"].choose(&mut self.rng).ok_or("no value")?
                ))?,
            ),
            5 => Command::User(
                some_user,
                patch_user(&format!(
                    r#"{{"op":"replace","path":"userName","value":"{name}"}},{{"op":"add","path":"title","value":"T{}"}}"#,
                    self.rng.random_range(0..3)
                ))?,
            ),
            6 => Command::User(
                some_user,
                patch_user(&format!(
                    r#"{{"op":"add","path":"roles","value":[{{"value":"{role}"}}]}}"#
                ))?,
            ),
            7 => Command::User(some_user, Change::Delete { expected: self.expected() }),
            8 => Command::Group(GroupId::new(self.id()), self.create_group(&users)?),
            9 | 10 => Command::Group(some_group, self.patch_members(&users, &groups)?),
            11 => match self.rng.random_range(0..3) {
                0 => Command::Group(some_group, Change::Delete { expected: Expected::Any }),
                _ => Command::Group(
                    some_group,
                    patch_group(&format!(
                        r#"{{"op":"replace","value":{{"displayName":"{}"}}}}"#,
                        GROUPS.choose(&mut self.rng).ok_or("no group")?
                    ))?,
                ),
            },
            12 => Command::AssignRole { user: some_user, role: role.to_owned() },
            13 => self.add_schema()?,
            14 => self.change_connector(&snapshot, connector)?,
            15 => self.issue_key(some_user),
            16 => {
                let all: Vec<CredentialId> =
                    snapshot.directory.credentials.iter().map(|one| one.id).collect();
                let some = all.choose(&mut self.rng).copied();
                Command::RevokeCredential { credential: some.unwrap_or(credential) }
            }
            17 => Command::User(some_user, self.patch_own(rtype)?),
            24 => self.erase(tenant),
            18 | 19 => Command::AddRule {
                rule: RuleId::new(self.id()),
                group: some_group,
                role: role.to_owned(),
            },
            20 => {
                let all: Vec<RuleId> =
                    snapshot.directory.rules.ever().map(|rule| rule.id).collect();
                let some = all.choose(&mut self.rng).copied();
                Command::RemoveRule { rule: some.unwrap_or(RuleId::new(Uuid::nil())) }
            }
            25 => {
                let credential = CredentialId::new(self.id());
                credentials::add(&mut self.rng, connector, credential)
            }
            26 => {
                let credential = CredentialId::new(self.id());
                credentials::rotate(&mut self.rng, &snapshot.directory, credential)
            }
            21 => Command::RetireRole { name: role.to_owned() },
            22 => Command::DefineRole {
                role: RoleId::new(self.id()),
                name: role.to_owned(),
                description: Some(String::new()),
            },
            _ => Command::RevokeRole { user: some_user, role: role.to_owned() },
        };
        Ok((tenant, origin, command))
    }

    /// Whoever is there or was; now and then somebody who is erased already.
    fn erase(&mut self, tenant: TenantId) -> Command {
        let all: Vec<UserId> =
            self.people.iter().filter(|(whose, _)| *whose == tenant).map(|(_, id)| *id).collect();
        let some = all.choose(&mut self.rng).copied();
        let user = some.unwrap_or(UserId::new(Uuid::nil()));
        Command::EraseUser { user, reason: "request 4711".to_owned() }
    }

    fn expected(&mut self) -> Expected {
        match self.rng.random_range(0..3) {
            0 => Expected::OneOf(Position::new(self.rng.random_range(1..50)).into_iter().collect()),
            _ => Expected::Any,
        }
    }

    fn user_body(&mut self, name: &str, role: &str) -> String {
        let title = self.rng.random_range(0..4);
        let own: Vec<String> = SCHEMAS
            .iter()
            .map(|urn| format!(r#""{urn}":{{"badge":"B{}"}}"#, self.rng.random_range(0..12)))
            .collect();
        let own = own.join(",");
        let active = if title == 0 { r#","active":false"# } else { "" };
        format!(
            r#"{{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"{name}","externalId":"x{title}","title":"T{title}","name":{{"givenName":"G{title}"}},"roles":[{{"value":"{role}"}}],{own}{active}}}"#
        )
    }

    fn create_user(
        &mut self,
        name: &str,
        role: &str,
        rtype: &ResourceType,
    ) -> Result<Change, String> {
        admit(&self.user_body(name, role), rtype).map(Change::Create)
    }

    fn replace_user(
        &mut self,
        name: &str,
        role: &str,
        rtype: &ResourceType,
    ) -> Result<Change, String> {
        let with = admit(&self.user_body(name, role), rtype)?;
        Ok(Change::Replace { with, expected: self.expected() })
    }

    /// A schema of the tenant's own: badges, which no two users share, in upper or lower case.
    fn add_schema(&mut self) -> Result<Command, String> {
        let urn = *SCHEMAS.choose(&mut self.rng).ok_or("no schema")?;
        let document = format!(
            r#"{{"id":"{urn}","attributes":[{{"name":"badge","uniqueness":"server"}},{{"name":"desk","type":"complex","subAttributes":[{{"name":"floor"}},{{"name":"house","mutability":"immutable"}}]}}]}}"#
        );
        let required = self.rng.random_ratio(1, 8);
        Ok(Command::AddSchema { document, resource_type: "User".to_owned(), required })
    }

    /// What becomes of the tenant's own attributes, and of `active`, when a client takes them away.
    fn patch_own(&mut self, rtype: &ResourceType) -> Result<Change, String> {
        let known = SCHEMAS.iter().filter(|urn| rtype.extension(urn).is_some());
        let known: Vec<_> = known.collect();
        let Some(urn) = known.choose(&mut self.rng) else {
            return patch(r#"{"op":"remove","path":"active"}"#, rtype);
        };
        let n = self.rng.random_range(0..6);
        let operation = match self.rng.random_range(0..6) {
            0 => r#"{"op":"remove","path":"active"}"#.to_owned(),
            1 => r#"{"op":"replace","value":{"active":null}}"#.to_owned(),
            2 => format!(r#"{{"op":"remove","path":"{urn}"}}"#),
            3 => format!(
                r#"{{"op":"add","path":"{urn}:desk","value":{{"floor":"{n}","house":"{}"}}}}"#,
                n % 2
            ),
            4 => format!(r#"{{"op":"replace","path":"{urn}:badge","value":"b{n}"}}"#),
            _ => format!(r#"{{"op":"remove","path":"{urn}:badge"}}"#),
        };
        // What is required can't be taken away; then nobody is made inactive either.
        patch(&operation, rtype).or_else(|_| patch(r#"{"op":"remove","path":"active"}"#, rtype))
    }

    fn change_connector(
        &mut self,
        snapshot: &Snapshot,
        connector: ConnectorId,
    ) -> Result<Command, String> {
        let there = snapshot.directory.connectors.get(connector).ok_or("a connector is gone")?;
        if self.rng.random_ratio(1, 3) {
            let id = ConnectorId::new(self.id());
            return Ok(settings::spare(&mut self.rng, &snapshot.directory, id));
        }
        let settings = settings::some(&mut self.rng, there.settings.clone());
        let settings = ignored::with_lists(settings, &mut self.rng);
        Ok(Command::ChangeConnector { connector, settings, from: None })
    }

    fn issue_key(&mut self, user: UserId) -> Command {
        let credential = CredentialId::new(self.id());
        // Of a few secrets, so that one is shown twice now and then.
        let secret: u8 = self.rng.random_range(0..40);
        let expires = self.rng.random_bool(0.5).then(|| Timestamp::from_millis(1_760_000_000_000));
        Command::IssueCredential {
            credential,
            holder: Holder::User(user),
            hash: eventlog::hash(&[secret]),
            hint: format!("key-{secret}"),
            expires,
        }
    }

    fn create_group(&mut self, users: &[UserId]) -> Result<Change, String> {
        let name = *GROUPS.choose(&mut self.rng).ok_or("no group")?;
        let members: Vec<String> = users
            .iter()
            .filter(|_| self.rng.random_bool(0.5))
            .map(|id| format!(r#"{{"value":"{id}"}}"#))
            .collect();
        let body = format!(
            r#"{{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"{name}","members":[{}]}}"#,
            members.join(",")
        );
        admit(&body, ResourceType::group()).map(Change::Create)
    }

    fn patch_members(&mut self, users: &[UserId], groups: &[GroupId]) -> Result<Change, String> {
        let all: Vec<String> = users
            .iter()
            .map(ToString::to_string)
            .chain(groups.iter().map(ToString::to_string))
            .collect();
        let none = Uuid::nil().to_string();
        let one = all.choose(&mut self.rng).unwrap_or(&none);
        let two = all.choose(&mut self.rng).unwrap_or(&none);
        let operations = match self.rng.random_range(0..5) {
            0 => format!(r#"{{"op":"remove","path":"members[value eq \"{one}\"]"}}"#),
            1 => format!(r#"{{"op":"replace","path":"members","value":[{{"value":"{one}"}}]}}"#),
            2 => r#"{"op":"remove","path":"members[type eq \"Group\"]"}"#.to_owned(),
            _ => format!(
                r#"{{"op":"add","path":"members","value":[{{"value":"{one}"}},{{"value":"{two}"}}]}}"#
            ),
        };
        patch_group(&operations)
    }

    /// Every index says what its map says, no two users share a name, no reference dangles, and what
    /// a schema requires is there.
    fn check_directories(&self) -> Result<(), String> {
        for (tenant, snapshot) in self.engine()?.world().iter() {
            snapshot.directory.agrees().map_err(|why| format!("tenant {tenant}: {why}"))?;
            let directory = &snapshot.directory;
            let users = || directory.users.iter().chain(directory.ignored.users());
            let required = directory.schemas.custom().filter(|schema| schema.required);
            for (schema, user) in
                required.flat_map(|schema| users().map(move |user| (schema, user)))
            {
                if user.attributes.view().get(&schema.urn).is_none() {
                    return Err(format!("user {} lacks `{}`", user.id, schema.urn));
                }
            }
        }
        Ok(())
    }

    /// The live world equals a cold replay of the log, and time never runs back along it.
    fn check_replay(&self) -> Result<(), String> {
        let log = self.disk.open().map_err(|error| format!("the log does not open: {error}"))?;
        let cold = replay(&log.reader(), None)?;
        let live = self.engine()?.world();
        let live: BTreeMap<_, _> = live.iter().map(|(id, s)| (id, Snapshot::clone(s))).collect();
        if live != cold {
            return Err("the live world differs from a cold replay of the log".to_owned());
        }
        Ok(())
    }

    /// Who was erased has no key, no value and no name any more, whoever was not has all of them: what the
    /// erasure of one does is invisible to every other.
    fn check_erased(&self) -> Result<(), String> {
        let log = self.disk.open().map_err(|error| format!("the log does not open: {error}"))?;
        let reader = log.reader();
        for (tenant, user) in &self.people {
            let key = reader.person(*tenant, *user).map_err(|error| error.to_string())?;
            if key.is_some() == self.erased.contains(&(*tenant, *user)) {
                return Err(format!("user {user} has a key: {}", key.is_some()));
            }
        }
        for stored in reader.scan() {
            let stored = stored.map_err(|error| error.to_string())?;
            let commit = eventlog::open(&stored.bytes, &reader).map_err(|e| e.to_string())?;
            if let Some(claimed) = &commit.origin.claimed
                && claimed.name().is_some()
                    == self.erased.contains(&(stored.tenant, claimed.owner()))
            {
                return Err(format!("a claimed actor can be read: {claimed:?}"));
            }
            for event in &commit.events {
                if let Event::UserCreated { user, personal, .. } = event
                    && personal.known().is_some() == self.erased.contains(&(stored.tenant, *user))
                {
                    return Err(format!("user {user} can be read: {personal:?}"));
                }
            }
        }
        for (tenant, snapshot) in self.engine()?.world().iter() {
            let users = &snapshot.directory.users;
            for key in NAMES.into_iter().filter_map(|name| UserNameKey::of(name).ok()) {
                if let Some(user) =
                    users.ever_named(&key).iter().find(|id| self.erased.contains(&(tenant, **id)))
                {
                    return Err(format!("user {user} was erased and is found as {key}"));
                }
            }
        }
        let live = self.engine()?.world();
        let told =
            live.iter().map(|(_, snapshot)| snapshot.directory.users.erased()).sum::<usize>();
        if told == self.erased.len() { Ok(()) } else { Err(format!("{told} are erased")) }
    }

    /// Every acknowledged commit is in the log, by hash.
    fn check_acknowledged(&self) -> Result<(), String> {
        let log = self.disk.open().map_err(|error| format!("the log does not open: {error}"))?;
        let reader = log.reader();
        for ((tenant, position), hash) in &self.acknowledged {
            let bytes = reader.commit(*tenant, *position).map_err(|error| error.to_string())?;
            match bytes.map(|bytes| eventlog::hash(&bytes)) {
                Some(there) if there == *hash => {}
                Some(_) => return Err(format!("position {position} holds another commit")),
                None => return Err(format!("the acknowledged position {position} is lost")),
            }
        }
        Ok(())
    }

    fn take_checkpoint(&mut self) -> Result<(), String> {
        let (tenant, ..) = *self.tenants.choose(&mut self.rng).ok_or("no tenant")?;
        let snapshot = self.engine()?.now(tenant).ok_or("a tenant is gone")?;
        let mut parts = Vec::new();
        snapshot.each_part(|part| {
            let bytes = match part.is_named() {
                true => rmp_serde::to_vec_named(&part),
                false => rmp_serde::to_vec(&part),
            };
            parts.push(bytes);
        });
        let parts: Result<_, _> = parts.into_iter().collect();
        self.checkpoint = Some((tenant, parts.map_err(|error| error.to_string())?));
        Ok(())
    }

    /// A checkpoint and the rest of the log are the whole.
    fn check_checkpoint(&self) -> Result<(), String> {
        let Some((tenant, parts)) = &self.checkpoint else { return Ok(()) };
        let parts: Vec<Part> = parts
            .iter()
            .map(|bytes| rmp_serde::from_slice(bytes))
            .collect::<Result<_, _>>()
            .map_err(|error| format!("a checkpoint: {error}"))?;
        let snapshot =
            Snapshot::of_parts(parts).map_err(|error| format!("a checkpoint: {error}"))?;
        let log = self.disk.open().map_err(|error| format!("the log does not open: {error}"))?;
        let whole = replay(&log.reader(), Some((*tenant, snapshot)))?;
        let live = self.engine()?.now(*tenant).ok_or("a tenant is gone")?;
        match whole.get(tenant) {
            Some(found) if *found == *live => Ok(()),
            _ => Err("a checkpoint and the rest of the log are not the whole".to_owned()),
        }
    }

    /// Any flipped bit is noticed.
    fn check_flipped_bit(&mut self) -> Result<(), String> {
        let bit = self.rng.random_range(0..self.disk.size() * 8);
        self.disk.flip(bit).ok_or("there is no such bit")?;
        let noticed = match self.disk.open() {
            Err(_) => true,
            Ok(log) => replay(&log.reader(), None).is_err(),
        };
        if noticed { Ok(()) } else { Err(format!("nobody noticed that bit {bit} was flipped")) }
    }
}

/// Whom a command is about, if it is about one user or group.
fn target(command: &Command) -> Option<Member> {
    if let Command::User(id, _) = command {
        return Some(Member::User(*id));
    }
    if let Command::Group(id, _) = command { Some(Member::Group(*id)) } else { None }
}

/// What an answer shows of whom its command is about is what that command made of them, although others of the same turn
/// came after. Seen to fail with `Tip::would_disturb` always false.
fn check_shown(receipt: &Receipt, target: Member) -> Result<(), String> {
    let directory = &receipt.snapshot.directory;
    let shown = match target {
        Member::User(id) => directory.users.get(id).map(|user| user.modified.position),
        Member::Group(id) => directory.groups.get(id).map(|group| group.modified.position),
    };
    let (shown, head) = (shown.map(Position::get), receipt.head.position.map(Position::get));
    if receipt.snapshot.head.position.map(Position::get) < head {
        return Err(format!("an answer of position {head:?} shows a tenant before it"));
    }
    if shown > head {
        return Err(format!("an answer of position {head:?} shows {target:?} as of {shown:?}"));
    }
    Ok(())
}

/// Where every tenant's log ends.
fn heads(engine: &Engine) -> BTreeMap<TenantId, u64> {
    let world = engine.world();
    world.iter().map(|(id, s)| (id, s.head.position.map_or(0, Position::get))).collect()
}

/// Every tenant, from the log alone, or from a checkpoint of one of them on.
fn replay(
    reader: &impl LogReader,
    checkpoint: Option<(TenantId, Snapshot)>,
) -> Result<BTreeMap<TenantId, Snapshot>, String> {
    let mut tenants: BTreeMap<TenantId, Snapshot> = checkpoint.into_iter().collect();
    for stored in reader.scan() {
        let stored = stored.map_err(|error| error.to_string())?;
        let snapshot = tenants.entry(stored.tenant).or_default();
        if snapshot.head.position.is_some_and(|last| stored.position <= last) {
            continue;
        }
        let (commit, head) = eventlog::link(&snapshot.head, stored.tenant, &stored.bytes, reader)
            .map_err(|error| error.to_string())?;
        if commit.at < snapshot.head.time {
            return Err(format!("time runs back at position {}", commit.position));
        }
        snapshot.advance(&commit, head.hash).map_err(|error| error.to_string())?;
    }
    Ok(tenants)
}

/// What becomes of a person.
#[derive(Clone, Copy)]
enum Fate {
    Comes,
    IsErased,
}

/// Who comes to be by a command, or is erased.
fn person(command: &Command) -> Option<(UserId, Fate)> {
    if let Command::User(user, Change::Create(_)) | Command::JustInTime(user, _) = command {
        Some((*user, Fate::Comes))
    } else if let Command::EraseUser { user, .. } = command {
        Some((*user, Fate::IsErased))
    } else {
        None
    }
}

fn poll(waiting: &mut Waiting) -> Option<Answer> {
    match waiting.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(answer) => Some(answer),
        Poll::Pending => None,
    }
}

fn admit(body: &str, rtype: &ResourceType) -> Result<scim::Admitted, String> {
    let value = Value::parse(body.as_bytes()).map_err(|error| error.to_string())?;
    scim::admit(&value, rtype, Mode::Lenient).map_err(|error| error.to_string())
}

fn patch(operations: &str, rtype: &ResourceType) -> Result<Change, String> {
    let body = format!(
        r#"{{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{operations}]}}"#
    );
    let value = Value::parse(body.as_bytes()).map_err(|error| error.to_string())?;
    let patch = Patch::parse(&value, rtype, Mode::Lenient).map_err(|error| error.to_string())?;
    Ok(Change::Patch { patch, expected: Expected::Any })
}

fn patch_user(operations: &str) -> Result<Change, String> {
    patch(operations, ResourceType::user())
}

fn patch_group(operations: &str) -> Result<Change, String> {
    patch(operations, ResourceType::group())
}

/// Whom a client names as the one who acts, now and then.
fn claimed(die: u8, user: UserId, name: &str) -> Option<Claimed> {
    let name = Personal::Known(name.to_owned());
    match die {
        0 => Some(Claimed::User { user, name }),
        1 => Some(Claimed::Stranger { about: user, name }),
        _ => None,
    }
}
