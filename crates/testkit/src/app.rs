//! The real server on a loopback socket, over a real data folder that goes away with it.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test ends where it fails"
)]

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use domain::command::Command;
use domain::event::{ConnectorSettings, Holder};
use domain::id::{ConnectorId, CredentialId};
use domain::time::Timestamp;
use engine::{Clock, Copy, Engine};
use eventlog::{
    ArchiveReader, EventLog, LogReader, MasterKey, Options, Protection, SledLog, Unlock, read_keys,
    write_archive, write_keys,
};
use reqwest::header::HeaderMap;
use reqwest::{Method, StatusCode};
use serde_json::Value;
use server::{App, Lists, Secret};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use uuid::Uuid;

/// The API key's secret of the tenant that [`TestApp::start`] opens.
pub const SCIM_SECRET: &str = "test-scim-secret-0001";
/// The operator key of a [`TestApp`].
pub const OPERATOR_KEY: &str = "test-operator-key-0001";
/// Where a [`TestApp`]'s clock stands at first: 2026-01-01T00:00:00Z.
pub const EPOCH_MILLIS: i64 = 1_767_225_600_000;

/// A running server with the tenants `acme` and `globex`, a clock that stands still and ids that
/// count up.
pub struct TestApp {
    /// Its URL, without a slash at the end.
    pub url: String,
    /// What its handlers have at hand.
    pub app: App,
    /// Its clock, in milliseconds since 1970.
    pub clock: Arc<AtomicI64>,
    dir: TempDir,
    stop: Option<oneshot::Sender<()>>,
}

/// An answer, as a client sees it.
#[derive(Debug, Clone)]
pub struct Reply {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, or null when there was none.
    pub body: Value,
}

/// A client with a key, or without.
#[derive(Clone)]
pub struct Client {
    base: String,
    key: Option<String>,
    http: reqwest::Client,
}

impl TestApp {
    /// Starts one.
    pub async fn start() -> TestApp {
        let dir = tempfile::tempdir().unwrap();
        let clock = Arc::new(AtomicI64::new(EPOCH_MILLIS));
        let next = AtomicU64::new(1);
        let ids = Arc::new(move || Uuid::from_u64_pair(0, next.fetch_add(1, Ordering::Relaxed)));
        let app = app(open(dir.path(), MASTER_KEY), &clock, ids);
        server::open_instance(&app, Some(Secret::chosen(OPERATOR_KEY).unwrap())).await.unwrap();
        for slug in ["acme", "globex"] {
            let secret = Secret::chosen(&format!("{slug}-{SCIM_SECRET}")).unwrap();
            server::open_tenant(
                &app,
                server::startup(&app),
                slug,
                server::FIRST_CONNECTOR,
                Some(secret),
            )
            .await
            .unwrap();
        }
        let (url, stop) = serve(app.clone()).await;
        TestApp { url, app, clock, dir, stop: Some(stop) }
    }

    /// The same folder at the next start of the server: this one is stopped, and the other works on a
    /// copy of its folder. It knows nothing of what this one answered.
    pub async fn restarted(&self) -> TestApp {
        let dir = self.copied().await;
        let log = open(dir.path(), MASTER_KEY);
        self.follow(log, dir).await
    }

    /// An instance that was replayed from an archive of this one, with the keys of all persons and
    /// under another master key. This one is stopped.
    pub async fn replayed(&self) -> TestApp {
        let (old, dir) = (self.copied().await, tempfile::tempdir().unwrap());
        let reader = open(old.path(), MASTER_KEY).reader();
        let tenants: Vec<_> = reader.heads().into_iter().map(|(tenant, ..)| tenant).collect();
        let (path, keys) = (dir.path().join("all.rollbook"), dir.path().join("all.keys"));
        let written = write_archive(&path, &tenants, "test", &reader, |_, _| {}).unwrap();
        let people = engine::keys_of(&reader, &tenants).unwrap();
        let protection = Protection::Passphrase { passphrase: "x".into(), work_factor: Some(2) };
        write_keys(&keys, written.digest, people, &protection).unwrap();
        let keys = read_keys(&keys, written.digest, &Unlock::passphrase("x")).unwrap();
        let (data, master) = (dir.path().join("data"), [8; 32]);
        std::fs::create_dir(&data).unwrap();
        let mut copy = Copy::open(open(&data, master), |_| {}).unwrap();
        for stored in ArchiveReader::open(&path).unwrap().commits().unwrap() {
            let stored = stored.unwrap();
            copy.add(stored.tenant, stored.bytes, &keys).unwrap();
        }
        copy.finish().unwrap();
        self.follow(open(&data, master), dir).await
    }

    /// Stops the engine, and copies its folder: the old server holds on to the folder itself.
    async fn copied(&self) -> TempDir {
        self.app.engine.stop().await;
        self.app.engine.keep_last_checkpoint(Duration::from_secs(60));
        let dir = tempfile::tempdir().unwrap();
        copy_folder(self.dir.path(), dir.path());
        dir
    }

    async fn follow(&self, log: SledLog, dir: TempDir) -> TestApp {
        let app = app(log, &self.clock, self.app.ids.clone());
        let (url, stop) = serve(app.clone()).await;
        TestApp { url, app, clock: self.clock.clone(), dir, stop: Some(stop) }
    }

    /// What a restart does to lists: another server, at another URL, over the same engine, with no
    /// memory of what the old one answered. At first, cursors are under the key `[9; 32]`.
    pub async fn restart_lists(&mut self, lists: Lists) {
        self.app.lists = Arc::new(lists);
        self.restart().await;
    }

    /// Another server, at another URL, over the same engine, with what [`TestApp::app`] holds by now. The old one is told to
    /// stop.
    pub async fn restart(&mut self) {
        let (url, stop) = serve(self.app.clone()).await;
        self.url = url;
        if let Some(old) = self.stop.replace(stop) {
            // A server that has ended already needs no telling.
            let _ = old.send(());
        }
    }

    /// The whole API key of a tenant.
    pub fn key(slug: &str) -> String {
        format!("{slug}:{slug}-{SCIM_SECRET}")
    }

    /// One more connector of `acme`, with this preset and its name; answers its client.
    pub async fn connector(&self, preset: &str) -> Client {
        let settings = domain::preset::preset(preset).unwrap();
        self.connector_with(preset, settings).await
    }

    /// One more connector of `acme`, with these settings; answers its client.
    pub async fn connector_with(&self, name: &str, settings: ConnectorSettings) -> Client {
        let (connector, credential) =
            (ConnectorId::new((self.app.ids)()), CredentialId::new((self.app.ids)()));
        let secret = Secret::chosen(&format!("{name}-{SCIM_SECRET}")).unwrap();
        let tenant = self.app.engine.world().with_slug("acme").unwrap().0.id;
        let commands = [
            Command::AddConnector { connector, name: name.to_owned(), settings, key: None },
            Command::IssueCredential {
                credential,
                holder: Holder::Connector(connector),
                hash: secret.hash(),
                hint: secret.hint(),
                expires: None,
            },
        ];
        for command in commands {
            let origin = server::startup(&self.app);
            self.app.engine.submit(tenant, origin, command).await.unwrap();
        }
        self.idp().with_key(&format!("acme:{name}-{SCIM_SECRET}"))
    }

    /// The folder that the log is in.
    pub fn folder(&self) -> &std::path::Path {
        self.dir.path()
    }

    /// Acme's identity provider; paths are below the SCIM base URL.
    pub fn idp(&self) -> Client {
        let base = format!("{}/scim/acme/v2", self.url);
        Client { base, key: Some(Self::key("acme")), http: reqwest::Client::new() }
    }

    /// The operator; paths are below `/admin/v1`.
    pub fn operator(&self) -> Client {
        let base = format!("{}/admin/v1", self.url);
        Client { base, key: Some(OPERATOR_KEY.to_owned()), http: reqwest::Client::new() }
    }

    /// Someone with this key or none; paths are below the server's URL.
    pub fn stranger(&self, key: Option<&str>) -> Client {
        let (base, key) = (self.url.clone(), key.map(str::to_owned));
        Client { base, key, http: reqwest::Client::new() }
    }
}

/// The master key of a [`TestApp`] that was not replayed.
const MASTER_KEY: [u8; 32] = [7; 32];

fn open(folder: &Path, master: [u8; 32]) -> SledLog {
    let options = Options { free_bytes: 0, ballast_bytes: 0, ..Options::default() };
    SledLog::open_with(folder, MasterKey::new(master), options, |_| {}).unwrap()
}

fn copy_folder(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            std::fs::create_dir(&target).unwrap();
            copy_folder(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), &target).unwrap();
        }
    }
}

/// What handlers have at hand over this log, with nothing remembered.
fn app(log: SledLog, clock: &Arc<AtomicI64>, ids: Arc<dyn Fn() -> Uuid + Send + Sync>) -> App {
    let time = clock.clone();
    let time: Clock = Arc::new(move || Timestamp::from_millis(time.load(Ordering::Relaxed)));
    App {
        engine: Engine::start(log, time.clone(), |_| {}).unwrap(),
        clock: time.clone(),
        ids,
        public_url: None,
        trusted_proxies: [].into(),
        tally: Arc::default(),
        lists: Arc::new(Lists::new(&[9; 32])),
        feeds: Arc::default(),
        policies: Arc::default(),
        // Under the same key in each of its lives.
        auth: Arc::new(server::Auth::new(&[8; 32], time()).unwrap()),
        guard: Arc::new(server::Guard::open()),
        requests: Arc::default(),
        noted: Arc::default(),
        begun: std::time::Instant::now(),
        own_url: "http://localhost".into(),
    }
}

/// Serves on a free port: the URL, and what ends it.
pub(crate) async fn serve(app: App) -> (String, oneshot::Sender<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (stop, stopped) = oneshot::channel();
    let served = server::serve(listener, app, async { drop(stopped.await) });
    tokio::spawn(served);
    (url, stop)
}

impl Drop for TestApp {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            // A server that has ended already needs no telling.
            let _ = stop.send(());
        }
    }
}

impl Client {
    /// Someone with this key; paths are below `base`.
    pub(crate) fn new(base: String, key: &str) -> Client {
        Client { base, key: Some(key.to_owned()), http: reqwest::Client::new() }
    }

    /// The same client with another key.
    pub fn with_key(&self, key: &str) -> Client {
        Client { key: Some(key.to_owned()), ..self.clone() }
    }

    /// `GET`
    pub async fn get(&self, path: &str) -> Reply {
        self.send(Method::GET, path, &[], None).await
    }

    /// `POST`
    pub async fn post(&self, path: &str, body: Value) -> Reply {
        self.send(Method::POST, path, &[], Some(body.to_string().into())).await
    }

    /// `PUT`
    pub async fn put(&self, path: &str, body: Value) -> Reply {
        self.send(Method::PUT, path, &[], Some(body.to_string().into())).await
    }

    /// `PATCH`
    pub async fn patch(&self, path: &str, body: Value) -> Reply {
        self.send(Method::PATCH, path, &[], Some(body.to_string().into())).await
    }

    /// `DELETE`
    pub async fn delete(&self, path: &str) -> Reply {
        self.send(Method::DELETE, path, &[], None).await
    }

    /// Anything, with headers that replace the usual ones.
    pub async fn send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<Vec<u8>>,
    ) -> Reply {
        let mut request = self.http.request(method, format!("{}{path}", self.base));
        if let Some(key) = &self.key {
            request = request.bearer_auth(key);
        }
        if let Some(body) = body {
            request = request.body(body);
            if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type")) {
                request = request.header("content-type", "application/scim+json");
            }
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = request.send().await.unwrap();
        let (status, headers) = (answer.status(), answer.headers().clone());
        let bytes = answer.bytes().await.unwrap();
        let is_text = headers
            .get("content-type")
            .is_some_and(|media| media.to_str().unwrap_or_default().starts_with("text/plain"));
        let body = if bytes.is_empty() {
            Value::Null
        } else if is_text {
            Value::String(String::from_utf8(bytes.to_vec()).unwrap())
        } else {
            serde_json::from_slice(&bytes).unwrap_or_else(|error| {
                panic!(
                    "{status}: the body is not JSON ({error}): {}",
                    String::from_utf8_lossy(&bytes)
                )
            })
        };
        Reply { status, headers, body }
    }
}

impl Reply {
    /// The reply, if it has this status; otherwise the test ends here and shows it.
    #[track_caller]
    pub fn expect(self, status: u16) -> Reply {
        assert_eq!(self.status.as_u16(), status, "{self}");
        self
    }

    /// A header's value, or nothing.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The `id` in the body.
    #[track_caller]
    pub fn id(&self) -> String {
        self.body["id"].as_str().unwrap_or_else(|| panic!("no id: {self}")).to_owned()
    }
}

/// The headers that are part of the contract; others, such as `date`, change by the day.
const SHOWN: [&str; 7] = [
    "content-type",
    "location",
    "etag",
    "allow",
    "www-authenticate",
    "retry-after",
    "rollbook-position",
];

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.status)?;
        for name in SHOWN {
            for value in self.headers.get_all(name) {
                writeln!(f, "{name}: {}", value.to_str().unwrap_or("?"))?;
            }
        }
        if !self.body.is_null() {
            write!(f, "\n{:#}", self.body)?;
        }
        Ok(())
    }
}
