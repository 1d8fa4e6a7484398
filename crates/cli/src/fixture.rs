//! `rollbook fixture`: records a history by which later releases prove that they still read it.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use ::audit::{Question, ask, find_user};
use anyhow::{Context, ensure};
use chrono::{DateTime, Utc};
use clap::{Args, Subcommand};
use domain::event::{EventKind, Subject};
use domain::id::TenantId;
use domain::time::Timestamp;
use engine::{Clock, Engine};
use eventlog::{EventLog, MasterKey, Options, Protection, SledLog};
use idpsim::{Company, Okta, Script, play};
use serde_json::{Value, json};
use server::{App, Secret};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use uuid::Uuid;

use crate::terminal::{progress, say};

/// The passphrase of every fixture's keys: what is in a fixture is invented, and public.
const PASSPHRASE: &str = "fixtures hold invented people";
/// How hard guessing it is made: not at all.
const WORK_FACTOR: u8 = 4;
/// 2026-03-02T08:00:00Z, a Monday.
const START_SECONDS: i64 = 1_772_438_400;

/// Record histories for the tests. A recorded one is never edited.
#[derive(Args)]
pub(crate) struct Fixture {
    #[command(subcommand)]
    verb: FixtureVerb,
}

#[derive(Subcommand)]
enum FixtureVerb {
    /// Play a company's first month against a server with a clock of its own, and keep the log
    Record {
        /// The folder of fixtures
        folder: PathBuf,
        /// The fixture's name
        #[arg(long, default_value = "okta-first-month")]
        name: String,
        /// People in the company
        #[arg(long, default_value_t = 500)]
        people: usize,
        /// What the company follows from
        #[arg(long, default_value_t = 2026)]
        seed: u64,
    },
}

impl Fixture {
    pub(crate) async fn run(self) -> anyhow::Result<()> {
        let FixtureVerb::Record { folder, name, people, seed } = self.verb;
        let folder = folder.join(name);
        ensure!(!folder.exists(), "{} is there; fixtures are never edited", folder.display());
        let data = tempfile::tempdir()?;
        let options = Options { free_bytes: 0, ballast_bytes: 0, ..Options::default() };
        let log = SledLog::open_with(data.path(), MasterKey::new([1; 32]), options, |_| {})?;
        let reader = log.reader();
        let clock = Arc::new(AtomicI64::new(START_SECONDS * 1_000));
        let engine = Engine::start(log, reading(&clock), |_| {})?;
        let app = App {
            engine: engine.clone(),
            clock: reading(&clock),
            ids: ids(&clock),
            public_url: Some("https://id.acme.example".into()),
            trusted_proxies: [].into(),
            tally: Arc::default(),
            lists: Arc::new(server::Lists::new(&[1; 32])),
        };
        let story = record(&app, &clock, people, seed).await?;
        engine.stop().await;

        std::fs::create_dir_all(&folder)?;
        let archive = folder.join("log.rollbook");
        let tenants: Vec<TenantId> = engine.world().iter().map(|(tenant, _)| tenant).collect();
        let created_by = concat!("rollbook ", env!("CARGO_PKG_VERSION"));
        let written = eventlog::write_archive(&archive, &tenants, created_by, &reader, |_, _| {})?;
        let keys = engine::keys_of(&reader, &tenants)?;
        let protection = Protection::Passphrase {
            passphrase: PASSPHRASE.into(),
            work_factor: Some(WORK_FACTOR),
        };
        eventlog::write_keys(&folder.join("log.rollbook.keys"), written.digest, keys, &protection)?;
        let expected = expected(&engine, &story)?;
        std::fs::write(folder.join("expected.json"), format!("{expected:#}\n"))?;
        say(format!("{}  {} commits", folder.display(), written.commits));
        Ok(())
    }
}

fn reading(clock: &Arc<AtomicI64>) -> Clock {
    let clock = clock.clone();
    Arc::new(move || Timestamp::from_millis(clock.load(Ordering::Relaxed)))
}

/// Ids in the order of the history's own time.
fn ids(clock: &Arc<AtomicI64>) -> Arc<dyn Fn() -> Uuid + Send + Sync> {
    let (clock, next) = (clock.clone(), AtomicU64::new(1));
    Arc::new(move || {
        let millis = u64::try_from(clock.load(Ordering::Relaxed)).unwrap_or_default();
        let number = u128::from(next.fetch_add(1, Ordering::Relaxed));
        let mut bytes = [0; 10];
        bytes.copy_from_slice(number.to_be_bytes().split_at(6).1);
        uuid::Builder::from_unix_timestamp_millis(millis, &bytes).into_uuid()
    })
}

/// Plays the month over a real socket, one request after the other. Answers whom to ask about.
async fn record(app: &App, clock: &AtomicI64, people: usize, seed: u64) -> anyhow::Result<String> {
    server::open_instance(app, None).await?;
    let opened =
        server::open_tenant(app, server::startup(app), "acme", server::FIRST_CONNECTOR, None)
            .await?;
    let secret: Secret = opened.secret.context("the tenant was there")?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let base = format!("http://{}/scim/acme/v2", listener.local_addr()?);
    let (stop, stopped) = oneshot::channel::<()>();
    let serving = tokio::spawn(server::serve(listener, app.clone(), async {
        drop(stopped.await);
    }));
    let okta = Okta::new(&base, &format!("acme:{}", secret.expose()));
    let company = Company::new(seed, people);
    let start: DateTime<Utc> =
        DateTime::from_timestamp(START_SECONDS, 0).context("no such moment")?;
    let script = Script::month(&company, start);
    let bar = progress(script.steps.len() as u64, "steps");
    let played = play(&okta, &company, &script, 1, |step, done, _| {
        clock.store(step.at.timestamp_millis(), Ordering::Relaxed);
        bar.set_position(done as u64);
    })
    .await;
    bar.finish_and_clear();
    drop(stop);
    let summary = played?;
    drop(okta);
    serving.await??;
    Ok(summary.story.user_name)
}

/// What a replay must come to, and what it must answer.
fn expected(engine: &Engine, story: &str) -> anyhow::Result<Value> {
    let world = engine.world();
    let mut tenants = Vec::new();
    for (id, snapshot) in world.iter() {
        let slug = snapshot.directory.tenant.as_ref().map(|tenant| tenant.slug.clone());
        tenants.push(json!({
            "tenant": id,
            "slug": slug,
            "position": snapshot.head.position,
            "headHash": snapshot.head.hash,
            "directoryHash": eventlog::fingerprint(&snapshot.directory),
            "users": snapshot.directory.users.len(),
            "groups": snapshot.directory.groups.len(),
        }));
    }
    let (tenant, snapshot) = world.with_slug("acme").context("there is no acme")?;
    let question = Question {
        subjects: find_user(snapshot, story)?.into_iter().map(Subject::User).collect(),
        kinds: [EventKind::RoleAssigned, EventKind::RoleRevoked].into_iter().collect(),
        ..Question::default()
    };
    let answer = ask(engine, tenant.id, &question)?;
    Ok(json!({ "tenants": tenants, "rolesOf": story, "answer": answer }))
}
