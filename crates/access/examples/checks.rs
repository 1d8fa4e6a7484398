//! How many checks a second one core answers: a tenant of 100,000 users, 2,000 groups in each other and 200 policies.

#![expect(clippy::print_stdout, reason = "it tells a person what it measured")]

use std::error::Error;
use std::ops::Deref;
use std::time::{Duration, Instant};

use access::{Asked, Compiled, Decision, Edition, Kept, Written, bind, validate};
use domain::commit::{Commit, Projection};
use domain::directory::Directory;
use domain::event::{Event, Member, NewUser, RoleWording};
use domain::id::{GroupId, PolicyId, RequestId, RoleId, TenantId, UserId};
use domain::origin::{Actor, Origin, Source};
use domain::personal::Personal;
use domain::position::{Hash, Position};
use domain::time::Timestamp;
use scim::{Packed, Value};
use serde_json::json;
use uuid::Uuid;

const USERS: u128 = 100_000;
const TEAMS: u128 = 1_900;
const DEPARTMENTS: u128 = 100;
const ROLES: u128 = 20;
const POLICIES: u128 = 200;
const FOR: Duration = Duration::from_secs(5);
/// Checks from one look at the time to the next: the time is told in steps of some milliseconds.
const AT_ONCE: usize = 4_000;
const SCHEMA: &str = "entity Folder; entity Table in [Folder] { owner?: User, sensitivity?: Long };
    action read; action write;
    action select, export in [read] appliesTo { principal: [User], resource: [Table], context: { mfa?: Bool } };
    action insert, update, drop in [write] appliesTo { principal: [User], resource: [Table], context: { mfa?: Bool } };";

fn main() -> Result<(), Box<dyn Error>> {
    let directory = directory()?;
    let mut texts = Vec::new();
    for n in 0..POLICIES {
        texts.push((format!("policy {n:03}"), policy(n)));
    }
    let all = || texts.iter().map(|(name, text)| (name.as_str(), text.as_str()));
    validate(&directory.schemas, SCHEMA, all()).map_err(|faults| format!("{faults:?}"))?;
    let mut bound = Vec::new();
    for (name, text) in all() {
        bound.push((name, bind(name, text, &directory).map_err(|faults| format!("{faults:?}"))?));
    }
    let written = (0..).zip(&bound).map(|(n, (name, text))| Written {
        id: PolicyId::new(Uuid::from_u128(n)),
        name,
        text,
    });
    let written: Vec<Written<'_>> = written.collect();
    let read = |all: &[Written<'_>]| Compiled::of(&directory.schemas, SCHEMA, all.iter().copied());
    let begun = Instant::now();
    let compiled = read(&written).map_err(|faults| format!("{faults:?}"))?;
    println!("policies read in {:.1} ms", begun.elapsed().as_secs_f64() * 1e3);
    let by_name = |_| serde_json::Value::Null;
    measure("a resource by its name", |_| Ok(&compiled), &directory, by_name)?;
    let whole = |n: u128| {
        json!([{
            "uid": { "type": "Table", "id": format!("table {}", n % 500) },
            "attrs": { "owner": { "__entity": { "type": "User", "id": format!("user{n}@example.com") } }, "sensitivity": 3 },
            "parents": [{ "type": "Folder", "id": "open" }],
        }])
    };
    measure("with the resource's owner and folder", |_| Ok(&compiled), &directory, whole)?;
    // A moment of the past: another directory, and policies that are found again by their edition for each check.
    let past = directory.clone();
    let mut now = directory.clone();
    now.apply(&commit(Position::FIRST.next(), vec![renamed()]))?;
    let kept = Kept::default();
    let found = |directory: &Directory| {
        let edition = Edition {
            tenant: TenantId::new(Uuid::nil()),
            schema: Some(Position::FIRST),
            users: directory.schemas.custom().map(|schema| schema.added.position).last(),
            policies: written.iter().map(|policy| (policy.id, Position::FIRST)).collect(),
        };
        kept.get(edition, || read(&written)).map_err(|faults| format!("{faults:?}").into())
    };
    measure("as of a moment of the past, by its name", found, &past, by_name)?;
    drop(now);
    Ok(())
}

fn renamed() -> Event {
    let (group, from) = (GroupId::new(Uuid::from_u128(1_000_000)), "Department 0".to_owned());
    Event::GroupRenamed { group, from, to: "Department Zero".to_owned() }
}

/// The time that this thread was given a processor: others may be at work on the machine.
fn busy() -> Result<Duration, Box<dyn Error>> {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat")?;
    let nanoseconds = told.split_whitespace().next().ok_or("no time is told")?;
    Ok(Duration::from_nanos(nanoseconds.parse()?))
}

fn measure<C: Deref<Target = Compiled>>(
    what: &str,
    policies: impl Fn(&Directory) -> Result<C, Box<dyn Error>>,
    directory: &Directory,
    brings: impl Fn(u128) -> serde_json::Value,
) -> Result<(), Box<dyn Error>> {
    let actions = ["select", "insert", "drop", "update"];
    let (mut checks, mut allowed, mut seed) = (0_u64, 0_u64, 7_u128);
    let mut spent = Duration::ZERO;
    while spent < FOR {
        let asked: Vec<Asked> = actions
            .into_iter()
            .cycle()
            .take(AT_ONCE)
            .map(|action| {
                // Any walk over all users does: a step that shares no divisor with their number.
                seed = (seed + 61_803) % USERS;
                Asked {
                    user: format!("user{seed}@example.com"),
                    action: action.to_owned(),
                    resource: format!("Table::\"table {}\"", seed % 500),
                    context: serde_json::Value::Null,
                    entities: brings(seed),
                }
            })
            .collect();
        let begun = busy()?;
        for asked in &asked {
            checks += 1;
            let answer = policies(directory)?.check(directory, asked)?;
            allowed += u64::from(answer.decision() == Decision::Allow);
        }
        spent += busy()? - begun;
    }
    let seconds = spent.as_secs_f64();
    let (rate, share) = (ratio(checks, seconds), 100.0 * ratio(allowed, 1.0) / ratio(checks, 1.0));
    println!("{what}: {rate:.0} checks a second of one core, {share:.0}% allowed");
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "counts far below 2^52")]
fn ratio(count: u64, by: f64) -> f64 {
    count as f64 / by
}

/// Over groups, roles, single users, attributes and resources, as policies are.
fn policy(n: u128) -> String {
    match n % 5 {
        0 if n.is_multiple_of(2) => format!(
            "permit (principal in Group::\"Department {}\", action in Action::\"read\", resource is Table);",
            n % DEPARTMENTS
        ),
        0 => format!(
            "permit (principal in Group::\"Department {}\", action in Action::\"read\", resource in Folder::\"open\");",
            n % DEPARTMENTS
        ),
        1 => format!(
            "permit (principal in Role::\"Role {}\", action == Action::\"insert\", resource) when {{ resource has owner && resource.owner == principal }};",
            n % ROLES
        ),
        2 => format!(
            "permit (principal in Group::\"Team {}\", action, resource == Table::\"table {n}\") when {{ principal has title && principal.title != \"Intern\" }};",
            n * 7
        ),
        3 => format!(
            "forbid (principal, action == Action::\"drop\", resource == Table::\"table {n}\") unless {{ principal in Role::\"Role 0\" && context has mfa && context.mfa }};"
        ),
        _ => format!(
            "permit (principal == User::\"user{n}@example.com\", action, resource is Table) unless {{ resource has sensitivity && resource.sensitivity > 5 }};"
        ),
    }
}

fn directory() -> Result<Directory, Box<dyn Error>> {
    let mut events = Vec::new();
    let user = |n: u128| UserId::new(Uuid::from_u128(n));
    let group = |n: u128| GroupId::new(Uuid::from_u128(1_000_000 + n));
    let role = |n: u128| RoleId::new(Uuid::from_u128(2_000_000 + n));
    let (name, description) = ("Everyone".to_owned(), String::new());
    events.push(Event::RoleDefined { role: role(ROLES), name, description });
    for n in 0..ROLES {
        let name = format!("Role {n}");
        events.push(Event::RoleDefined { role: role(n), name, description: String::new() });
    }
    let mut made = |n: u128, name: String| {
        events.push(Event::GroupCreated {
            group: group(n),
            display_name: name,
            managed_by: None,
            external_id: None,
            attributes: Packed::default(),
        });
    };
    (0..DEPARTMENTS).for_each(|n| made(n, format!("Department {n}")));
    (0..TEAMS).for_each(|n| made(DEPARTMENTS + n, format!("Team {n}")));
    for n in 0..TEAMS {
        let member = Member::Group(group(DEPARTMENTS + n));
        let (group, source) = (group(n % DEPARTMENTS), Source::Local);
        events.push(Event::GroupMemberAdded { group, member, source });
    }
    for n in 0..USERS {
        let attributes = json!({
            "displayName": format!("User {n}"), "title": "Engineer",
            "name": { "givenName": "User", "familyName": format!("{n}") },
            "emails": [{ "value": format!("user{n}@example.com"), "primary": true }],
        });
        let attributes = Value::parse(attributes.to_string().as_bytes())?;
        let attributes = Packed::pack(attributes.as_complex().ok_or("no object")?);
        let user_name = format!("user{n}@example.com");
        let new = NewUser { user_name, external_id: None, attributes };
        let (user, personal) = (user(n), Personal::Known(new));
        events.push(Event::UserCreated { user, active: n % 50 != 0, managed_by: None, personal });
        let source = Source::Local;
        let wording = Personal::Known(RoleWording::default());
        events.push(Event::RoleAssigned { user, role: role(n % ROLES), source, wording });
        for team in [n % TEAMS, (n * 31) % TEAMS, (n * 17 + 5) % TEAMS] {
            let group = group(DEPARTMENTS + team);
            events.push(Event::GroupMemberAdded { group, member: Member::User(user), source });
        }
    }
    let mut directory = Directory::default();
    directory.apply(&commit(Position::FIRST, events))?;
    Ok(directory)
}

fn commit(position: Position, events: Vec<Event>) -> Commit {
    let request = RequestId::new(Uuid::nil());
    Commit {
        tenant: TenantId::new(Uuid::nil()),
        position,
        at: Timestamp::from_millis(0),
        prev: Hash::new([0; 32]),
        origin: Origin { actor: Actor::System, request, source: None, agent: None, claimed: None },
        events,
    }
}
