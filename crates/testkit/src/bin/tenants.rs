//! What many small tenants cost: opens them in a data folder, starts the engine on it anew, and says what it holds in memory.
//!
//! `cargo run --release -p testkit --bin tenants -- 10000 10`: 10,000 tenants of 10 users. For Linux: it reads `/proc`.

use std::io::Write;
use std::path::Path;
use std::process::{Command as Process, ExitCode};
use std::sync::Arc;

use domain::command::{Change, Command};
use domain::event::Holder;
use domain::id::{ConnectorId, CredentialId, RequestId, RoleId, TenantId, UserId};
use domain::origin::{Actor, Origin};
use domain::preset::preset;
use domain::time::Timestamp;
use engine::{Clock, Engine};
use eventlog::{MasterKey, Options, SledLog};
use scim::{Mode, ResourceType, Value};
use uuid::Uuid;

/// rollbook's own: another one keeps more or less of what was freed.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Tenants that are opened side by side: their commits share a flush.
const AT_ONCE: usize = 200;
const ROLES: [&str; 4] = ["Everyone", "Admin", "Analyst", "Business User"];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let done = match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["look", folder, ..] => look(Path::new(folder)),
        ["fill", folder, tenants, users] => numbers(tenants, users)
            .and_then(|(tenants, users)| fill(Path::new(folder), tenants, users)),
        [tenants, users] => {
            numbers(tenants, users).and_then(|(tenants, users)| measure(tenants, users))
        }
        _ => Err("usage: tenants TENANTS USERS".into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            drop(writeln!(std::io::stderr(), "{why}"));
            ExitCode::FAILURE
        }
    }
}

type Fault = Box<dyn std::error::Error>;

fn numbers(tenants: &str, users: &str) -> Result<(usize, usize), Fault> {
    Ok((tenants.parse()?, users.parse()?))
}

fn engine(folder: &Path) -> Result<Engine, Fault> {
    let log = SledLog::open_with(folder, MasterKey::new([7; 32]), Options::default(), |_| {})?;
    let clock: Clock = Arc::new(|| Timestamp::from_millis(1_767_225_600_000));
    Ok(Engine::start(log, clock, |_| {})?)
}

/// Each step is a process of its own: the folder is free and nothing is left in memory when it ends.
fn measure(tenants: usize, users: usize) -> Result<(), Fault> {
    let folder = tempfile::tempdir()?;
    let mut out = std::io::stdout();
    let mut sizes = Vec::new();
    for (name, tenants) in [("one", 1), ("all", tenants)] {
        let path = folder.path().join(name);
        let step = |verb: &str| -> Result<String, Fault> {
            let mut step = Process::new(std::env::current_exe()?);
            step.arg(verb).arg(&path).args([tenants.to_string(), users.to_string()]);
            let done = step.output()?;
            if !done.status.success() {
                return Err(String::from_utf8_lossy(&done.stderr).into());
            }
            Ok(String::from_utf8(done.stdout)?)
        };
        step("fill")?;
        let kib: u64 = step("look")?.trim().parse()?;
        writeln!(out, "{tenants} tenants of {users} users: {kib} KiB")?;
        sizes.push(kib);
    }
    if let [one, all] = sizes.as_slice() {
        let others = u64::try_from(tenants.saturating_sub(1))?.max(1);
        writeln!(out, "each tenant: {} bytes", all.saturating_sub(*one) * 1024 / others)?;
    }
    Ok(())
}

fn fill(folder: &Path, tenants: usize, users: usize) -> Result<(), Fault> {
    let engine = engine(folder)?;
    tokio::runtime::Runtime::new()?.block_on(async {
        let all: Vec<usize> = (0..tenants).collect();
        for some in all.chunks(AT_ONCE) {
            let mut opening = tokio::task::JoinSet::new();
            for number in some {
                opening.spawn(open(engine.clone(), *number, users));
            }
            while let Some(opened) = opening.join_next().await {
                opened??;
            }
        }
        engine.stop().await;
        Ok(())
    })
}

/// Opens a tenant as a server does, and provisions users.
async fn open(engine: Engine, number: usize, users: usize) -> Result<(), engine::Refusal> {
    let tenant = TenantId::new(Uuid::now_v7());
    let (connector, credential) =
        (ConnectorId::new(Uuid::now_v7()), CredentialId::new(Uuid::now_v7()));
    let slug = format!("tenant-{number}");
    let roles = ROLES
        .map(|name| (RoleId::new(Uuid::now_v7()), name.to_owned(), "What it is for".to_owned()));
    let opening = |roles| Command::OpenTenant { tenant, slug: slug.clone(), roles };
    let hash = eventlog::hash(slug.as_bytes());
    let (holder, hint) = (Holder::Connector(connector), "rbk_abcd".to_owned());
    let mut commands = vec![
        (TenantId::SYSTEM, opening(Vec::new())),
        (tenant, opening(roles.to_vec())),
        (tenant, Command::IssueCredential { credential, holder, hash, hint, expires: None }),
    ];
    if let Some(settings) = preset("okta") {
        let name = "okta".to_owned();
        commands
            .insert(2, (tenant, Command::AddConnector { connector, name, settings, key: None }));
    }
    let origin = |actor| Origin {
        actor,
        request: RequestId::new(Uuid::now_v7()),
        source: None,
        agent: None,
        claimed: None,
    };
    for (tenant, command) in commands {
        engine.submit(tenant, origin(Actor::System), command).await?;
    }
    for user in 0..users {
        let body = format!(
            r#"{{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"user-{user}@tenant-{number}.example","externalId":"00u{number}{user}","name":{{"givenName":"Given","familyName":"Family"}},"emails":[{{"value":"user-{user}@tenant-{number}.example","primary":true}}],"active":true}}"#
        );
        let value = Value::parse(body.as_bytes()).map_err(domain::rejection::Rejection::from)?;
        let admitted = scim::admit(&value, ResourceType::user(), Mode::Lenient)
            .map_err(domain::rejection::Rejection::from)?;
        let command = Command::User(UserId::new(Uuid::now_v7()), Change::Create(admitted));
        engine
            .submit(tenant, origin(Actor::Connector { id: connector, credential }), command)
            .await?;
    }
    Ok(())
}

/// Starts the engine on a folder and says what the process holds then, in KiB.
fn look(folder: &Path) -> Result<(), Fault> {
    let _engine = engine(folder)?;
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
    let kib = line.trim().trim_end_matches("kB").trim();
    writeln!(std::io::stdout(), "{kib}")?;
    Ok(())
}
