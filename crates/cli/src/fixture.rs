//! `rollbook fixture`: records a history by which later releases prove that they still read it.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use anyhow::{Context, ensure};
use clap::{Args, Subcommand};
use domain::id::TenantId;
use domain::time::Timestamp;
use engine::{Clock, Engine};
use eventlog::{ArchiveReader, EventLog, LogReader, MasterKey, Options, Protection, SledLog};
use idpsim::stories::{self, Question, STORIES, Stage};
use serde_json::{Value, json};
use server::{App, Secret};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use uuid::Uuid;

use crate::terminal::{say, table};

/// The passphrase of every fixture's keys: what is in a fixture is invented, and public.
const PASSPHRASE: &str = "fixtures hold invented people";
/// How hard guessing it is made: not at all.
const WORK_FACTOR: u8 = 4;
/// The operator's key in every fixture, so that a replayed one can be asked. As public as the rest.
const OPERATOR_KEY: &str = "rbo_of-every-fixture";
/// The tenant of every fixture.
const TENANT: &str = "acme";
/// Where a fixture's server says that it is.
const PUBLIC_URL: &str = "https://id.acme.example";
/// The file with the SHA-256 of every file of every fixture.
const SUMS: &str = "SHA256SUMS";
/// The files of a fixture.
const FILES: [&str; 4] = ["expected.json", "facts.json", "log.rollbook", "log.rollbook.keys"];

/// Record histories for the tests. A recorded one is never edited.
#[derive(Args)]
pub(crate) struct Fixture {
    #[command(subcommand)]
    verb: FixtureVerb,
}

#[derive(Subcommand)]
enum FixtureVerb {
    /// Play a story against a server with a clock of its own, and keep the log
    Record {
        /// The folder of fixtures
        folder: PathBuf,
        /// The fixture's name; a new one
        #[arg(long)]
        name: String,
        /// The story that is played
        #[arg(long)]
        story: String,
    },
    /// Show which stories can be played, and which fixtures there are
    List {
        /// The folder of fixtures
        folder: PathBuf,
    },
}

impl Fixture {
    pub(crate) async fn run(self) -> anyhow::Result<()> {
        match self.verb {
            FixtureVerb::Record { folder, name, story } => record(&folder, &name, &story).await,
            FixtureVerb::List { folder } => list(&folder),
        }
    }
}

fn list(folder: &Path) -> anyhow::Result<()> {
    let stories: Vec<Vec<String>> =
        STORIES.iter().map(|(name, about)| vec![(*name).into(), (*about).into()]).collect();
    table(&["STORY", "WHAT IT TELLS"], &stories);
    let mut fixtures = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if !path.is_dir() {
            continue;
        }
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let commits = ArchiveReader::open(&path.join("log.rollbook"))?.summary().commits;
        let mut bytes = 0;
        for file in std::fs::read_dir(&path)? {
            bytes += file?.metadata()?.len();
        }
        fixtures.push(vec![name, commits.to_string(), format!("{} KB", bytes.div_ceil(1000))]);
    }
    fixtures.sort();
    say("");
    table(&["FIXTURE", "COMMITS", "SIZE"], &fixtures);
    say("\nmake fixtures NAME=… STORY=… records a new one");
    Ok(())
}

async fn record(folder: &Path, name: &str, story: &str) -> anyhow::Result<()> {
    let begins = stories::begins(story)
        .with_context(|| format!("there is no story `{story}`: make fixtures lists them"))?;
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    ensure!(
        !name.is_empty() && name.chars().all(plain),
        "`{name}` is no name for a fixture: it takes small letters, digits and hyphens"
    );
    let sums = folder.join(SUMS);
    let fixture = folder.join(name);
    ensure!(
        !fixture.exists(),
        "{} is there, and a fixture is never edited: choose another name",
        fixture.display()
    );
    let data = tempfile::tempdir()?;
    let options = Options { free_bytes: 0, ballast_bytes: 0, ..Options::default() };
    let log = SledLog::open_with(data.path(), MasterKey::new([1; 32]), options, |_| {})?;
    let reader = log.reader();
    let clock = Arc::new(AtomicI64::new(begins.timestamp_millis()));
    let engine = Engine::start(log, reading(&clock), |_| {})?;
    let app = App {
        engine: engine.clone(),
        clock: reading(&clock),
        ids: ids(&clock),
        public_url: Some(PUBLIC_URL.into()),
        trusted_proxies: [].into(),
        tally: Arc::default(),
        lists: Arc::new(server::Lists::new(&[1; 32])),
        feeds: Arc::default(),
        policies: Arc::default(),
        auth: Arc::new(
            server::Auth::new(&[1; 32], reading(&clock)())
                .context("the operating system gave no randomness")?,
        ),
        guard: Arc::new(server::Guard::open()),
        requests: Arc::default(),
        noted: Arc::default(),
        begun: std::time::Instant::now(),
        own_url: PUBLIC_URL.into(),
    };
    let (facts, questions) = tell(&app, &clock, story).await?;
    engine.stop().await;

    // Under its final name there is never half a fixture.
    let building = tempfile::tempdir_in(folder)?;
    let commits = write_archive(building.path(), &engine, &reader)?;
    let expected = json!({ "story": story, "tenants": heads(&engine), "questions": questions });
    std::fs::write(building.path().join("expected.json"), rendered(&expected, 5))?;
    std::fs::write(building.path().join("facts.json"), rendered(&facts, 2))?;
    let mut listed = std::fs::read_to_string(&sums).unwrap_or_default();
    for file in FILES {
        let bytes = std::fs::read(building.path().join(file))?;
        writeln!(listed, "{}  {name}/{file}", eventlog::hash(&bytes))?;
    }
    std::fs::rename(building.keep(), &fixture)?;
    std::fs::write(&sums, listed)?;
    say(format!("{}  {commits} commits", fixture.display()));
    say(format!(
        "\nNext: read {name}/expected.json and see that every answer is right; write what must be true of it\n\
         into crates/testkit/tests/it/stories.rs, and a paragraph into {}/README.md;\n\
         run `cargo test -p testkit --test it fixtures stories`; commit it. From then on it is never edited.",
        folder.display()
    ));
    Ok(())
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

/// Plays the story over a real socket and asks its questions. Answers what the story knows, and the
/// questions with their answers.
async fn tell(
    app: &App,
    clock: &Arc<AtomicI64>,
    story: &str,
) -> anyhow::Result<(Value, Vec<Value>)> {
    server::open_instance(app, Some(Secret::chosen(OPERATOR_KEY)?)).await?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    let (stop, stopped) = oneshot::channel::<()>();
    let serving = tokio::spawn(server::serve(listener, app.clone(), async {
        drop(stopped.await);
    }));
    let hands = clock.clone();
    let stage = Stage::new(&url, OPERATOR_KEY, TENANT, move |at| {
        hands.store(at.timestamp_millis(), Ordering::Relaxed);
    });
    let told = stories::play(story, &stage).await.context("there is no such story")??;
    let mut answered = Vec::new();
    for Question { name, path } in &told.questions {
        let path = format!("/admin/v1/tenants/{TENANT}{path}");
        let asked = reqwest::Client::builder().no_proxy().build()?;
        let asked = asked.get(format!("{url}{path}")).bearer_auth(OPERATOR_KEY).send().await?;
        let status = asked.status();
        let answer: Value = asked.json().await?;
        ensure!(status.is_success(), "`{path}` was answered with {status}: {answer}");
        answered.push(json!({ "name": name, "path": path, "answer": answer }));
    }
    drop(stop);
    serving.await??;
    Ok((told.written(), answered))
}

fn write_archive(folder: &Path, engine: &Engine, reader: &impl LogReader) -> anyhow::Result<u64> {
    let tenants: Vec<TenantId> = engine.world().iter().map(|(tenant, _)| tenant).collect();
    let created_by = concat!("rollbook ", env!("CARGO_PKG_VERSION"));
    let archive = folder.join("log.rollbook");
    let written = eventlog::write_archive(&archive, &tenants, created_by, reader, |_, _| {})?;
    let keys = engine::keys_of(reader, &tenants)?;
    let protection =
        Protection::Passphrase { passphrase: PASSPHRASE.into(), work_factor: Some(WORK_FACTOR) };
    eventlog::write_keys(&folder.join("log.rollbook.keys"), written.digest, keys, &protection)?;
    Ok(written.commits)
}

/// What a replay must come to.
fn heads(engine: &Engine) -> Vec<Value> {
    let world = engine.world();
    let head = |(id, snapshot): (TenantId, &Arc<domain::snapshot::Snapshot>)| {
        json!({
            "tenant": id,
            "slug": snapshot.directory.tenant.as_ref().map(|tenant| &tenant.slug),
            "position": snapshot.head.position,
            "headHash": snapshot.head.hash,
            "directoryHash": eventlog::fingerprint(&snapshot.directory),
            "users": snapshot.directory.users.len(),
            "groups": snapshot.directory.groups.len(),
        })
    };
    world.iter().map(head).collect()
}

/// JSON with a line for each element down to this depth, so that an answered commit is one line.
fn rendered(value: &Value, depth: usize) -> String {
    let mut text = String::new();
    render(value, depth, 0, &mut text);
    text.push('\n');
    text
}

fn render(value: &Value, depth: usize, indent: usize, text: &mut String) {
    let parts: Vec<(Option<&String>, &Value)> = match value {
        Value::Array(all) => all.iter().map(|one| (None, one)).collect(),
        Value::Object(all) => all.iter().map(|(name, one)| (Some(name), one)).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Vec::new(),
    };
    if depth == 0 || parts.is_empty() {
        text.push_str(&value.to_string());
        return;
    }
    let (open, close) = if value.is_array() { ('[', ']') } else { ('{', '}') };
    text.push(open);
    for (number, (name, part)) in parts.into_iter().enumerate() {
        text.push_str(if number == 0 { "\n" } else { ",\n" });
        text.push_str(&" ".repeat(indent + 1));
        if let Some(name) = name {
            text.push_str(&format!("{}: ", Value::from(name.as_str())));
        }
        render(part, depth - 1, indent + 1, text);
    }
    text.push('\n');
    text.push_str(&" ".repeat(indent));
    text.push(close);
}
