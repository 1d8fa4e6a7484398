//! A long day in a short time: people come, change, join, leave and go, while the past is read and the feed is followed.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use reqwest::{Client, Method};
use serde_json::{Value, json};
use tokio::sync::RwLock;
use tokio::task::JoinSet;

use super::load::client;
use super::{OPERATOR_KEY, Outcome, SCIM_KEY, Served, Stage, memory};

const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
const PATCH: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";
/// Clients that work at once: one alone waits for the disk most of the time.
const CLIENTS: u64 = 8;
/// People whom each of them has at any time, and groups.
const PEOPLE: usize = 64;
const GROUPS: u64 = 2;
/// Memory that a commit may take, in bytes. Of this mix it takes some 600: its place in the trail and in the indexes, and who left is kept. A state of the past that is
/// being read shares nothing with the present and is nearly as large, and two are read of a tenant at once. What is looked for is what grows without a commit, or with
/// more states than that.
const BYTES_A_COMMIT: f64 = 2_048.0;
/// Disk that a commit may take, in bytes: a frame of one with its sync, and the store's own.
const DISK_A_COMMIT: f64 = 4_096.0;
/// Commits of the warm-up: by then the store's cache is full, the past is kept, and the first checkpoint of so many was written, whose buffers stay.
const WARM_UP: f64 = 60_000.0;
/// Commits after the warm-up below which there is no slope to speak of: what is held for a while outweighs it.
const COMMITS_FOR_SLOPES: f64 = 5_000.0;
/// Memory that the server may have after so few, in bytes.
const MEMORY_OF_FEW: f64 = 384.0 * 1024.0 * 1024.0;
/// Memory that reading alone may take for each minute, in bytes.
const BYTES_A_MINUTE: f64 = 4.0 * 1024.0 * 1024.0;

/// How often is measured, and for how long nobody asks anything before: what answers under way hold, such as states of the past in the making, is not what
/// grows.
const SAMPLES: u32 = 40;
const REST: Duration = Duration::from_millis(500);

/// What was measured at a moment.
#[derive(Clone, Copy)]
struct Sample {
    seconds: f64,
    commits: f64,
    memory: f64,
    disk: f64,
}

/// Works for so many seconds: three quarters with writes, the rest reading alone. After the warm-up memory and disk may grow with the log, by so much a
/// commit; while there are only reads, memory stays.
///
/// # Errors
/// When the stage breaks, not the server.
pub async fn soak(stage: &Stage, seconds: u64) -> anyhow::Result<Outcome> {
    let mut running = stage.outcome("soak", "requests answered");
    let folder = tempfile::tempdir()?;
    let data = folder.path().join("data");
    let server = Served::start(&stage.rollbook, &data)?;
    let (begun, length) = (Instant::now(), Duration::from_secs(seconds));
    let (position, answered) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let (mut dice, turns) = (stage.dice(), Arc::new(RwLock::new(())));
    let mut days = JoinSet::new();
    for client_number in 0..CLIENTS {
        let day = Day {
            http: client()?,
            url: server.url.clone(),
            client: client_number,
            people: Vec::new(),
            groups: Vec::new(),
            position: position.clone(),
            answered: answered.clone(),
            turns: turns.clone(),
            number: 0,
            dice: ChaCha8Rng::seed_from_u64(dice.random()),
        };
        days.spawn(day.live(begun + length * 3 / 4, begun + length));
    }
    let (mut writing, mut reading) = (Vec::new(), Vec::new());
    while begun.elapsed() < length {
        tokio::select! {
            () = tokio::time::sleep(length / SAMPLES) => {}
            Some(ended) = days.join_next() => {
                ended??;
                continue;
            }
        }
        let nobody = turns.write().await;
        tokio::time::sleep(REST.min(length / SAMPLES / 4)).await;
        let elapsed = begun.elapsed();
        let sample = Sample {
            seconds: elapsed.as_secs_f64(),
            commits: position.load(Ordering::Relaxed) as f64,
            memory: memory(server.id(), "VmRSS:")?,
            disk: size(&data)?,
        };
        let samples = if elapsed < length * 3 / 4 { &mut writing } else { &mut reading };
        samples.push(sample);
        drop(nobody);
        (stage.progress)(elapsed.as_secs(), seconds);
    }
    while let Some(ended) = days.join_next().await {
        ended??;
    }
    let (position, answered) = (position.load(Ordering::Relaxed), answered.load(Ordering::Relaxed));
    let warm: Vec<_> = writing.into_iter().filter(|one| one.commits >= WARM_UP).collect();
    // The first look at the past after the last write may read it once more.
    let quiet = reading.split_off(reading.len() / 3);
    let memory = slope(&warm, |one| one.commits, |one| one.memory);
    let disk = slope(&warm, |one| one.commits, |one| one.disk);
    let still = slope(&quiet, |one| one.seconds, |one| one.memory) * 60.0;
    running.measured("commits", position);
    let commits =
        warm.last().zip(warm.first()).map_or(0.0, |(last, first)| last.commits - first.commits);
    if commits >= COMMITS_FOR_SLOPES {
        running.measured("of them after the warm-up", commits);
        running.measured("memory a commit", format!("{memory:.0} bytes"));
        running.measured("disk a commit", format!("{disk:.0} bytes"));
    }
    running.measured("memory a minute of reading", format!("{:.2} MiB", still / 1_048_576.0));
    if let Some(last) = quiet.last() {
        running.measured("memory at the end", format!("{:.1} MiB", last.memory / 1_048_576.0));
    }
    if commits < COMMITS_FOR_SLOPES {
        let most = quiet.iter().map(|one| one.memory).fold(0.0, f64::max);
        if most > MEMORY_OF_FEW {
            running.outcome.lost.push(format!("{most:.0} bytes of memory for so few commits"));
        }
        server.stop()?;
        running.outcome.count = seconds;
        running.outcome.kept.1 = answered;
        return Ok(running.done());
    }
    for (what, is, most) in [
        ("memory grows by more a commit than the log does", memory, BYTES_A_COMMIT),
        ("the disk grows by more a commit than the log does", disk, DISK_A_COMMIT),
        ("memory grows with reads", still, BYTES_A_MINUTE),
    ] {
        if is > most {
            running.outcome.lost.push(format!("{what}: {is:.0} bytes, at most {most:.0}"));
        }
    }
    server.stop()?;
    running.outcome.count = seconds;
    running.outcome.kept.1 = answered;
    Ok(running.done())
}

struct Day {
    http: Client,
    url: String,
    client: u64,
    people: Vec<String>,
    groups: Vec<String>,
    /// The last position that anybody was told.
    position: Arc<AtomicU64>,
    answered: Arc<AtomicU64>,
    /// Held while something is asked, and by who wants everybody to be still.
    turns: Arc<RwLock<()>>,
    number: u64,
    dice: ChaCha8Rng,
}

impl Day {
    /// Works until `quiet`; from then until `until` the first client reads alone.
    async fn live(mut self, quiet: Instant, until: Instant) -> anyhow::Result<()> {
        self.begin().await?;
        let until = if self.client == 0 { until } else { quiet };
        let turns = self.turns.clone();
        while Instant::now() < until {
            let _turn = turns.read().await;
            self.step(Instant::now() < quiet).await?;
        }
        Ok(())
    }

    async fn begin(&mut self) -> anyhow::Result<()> {
        for number in 0..GROUPS {
            let name = format!("team-{}-{number}", self.client);
            let group = json!({ "schemas": [GROUP], "displayName": name });
            let made = self.send(Method::POST, "/scim/acme/v2/Groups", Some(group)).await?;
            self.groups.push(id(&made)?);
        }
        for _ in 0..PEOPLE {
            self.join().await?;
        }
        Ok(())
    }

    /// One person's turn.
    async fn step(&mut self, writes: bool) -> anyhow::Result<()> {
        let most = if writes { 50 } else { 10 };
        let position = self.position.load(Ordering::Relaxed);
        match self.dice.random_range(0..most) {
            0 => {
                // When nothing is written, what is kept of the past is as large each time: else it would hide what grows.
                let last = if writes { position } else { position / 2 + 2 };
                let at = self.dice.random_range(position / 2..last).max(1);
                let path = format!("/scim/acme/v2/Users?count=5&asOf={at}");
                self.send(Method::GET, &path, None).await?;
            }
            1 | 2 => {
                let after = position.saturating_sub(50);
                let path = format!("/admin/v1/tenants/acme/feed?after={after}&count=50");
                self.send(Method::GET, &path, None).await?;
            }
            3..=9 => {
                let one = self.somebody()?;
                self.send(Method::GET, &format!("/scim/acme/v2/Users/{one}"), None).await?;
            }
            10..=19 => {
                self.leave().await?;
                self.join().await?;
            }
            20..=34 => {
                let (one, which) = (self.somebody()?, self.dice.random_range(0..self.groups.len()));
                let group = self.groups.get(which).context("no group")?.clone();
                let path = format!("members[value eq \"{one}\"]");
                let operation = if self.dice.random_range(0..2) == 0 {
                    json!({ "op": "add", "path": "members", "value": [{ "value": one }] })
                } else {
                    json!({ "op": "remove", "path": path })
                };
                self.patch(&format!("Groups/{group}"), operation).await?;
            }
            _ => {
                let (one, title) = (self.somebody()?, self.dice.random_range(0..1_000_u64));
                let operation =
                    json!({ "op": "replace", "path": "title", "value": format!("title {title}") });
                self.patch(&format!("Users/{one}"), operation).await?;
            }
        }
        Ok(())
    }

    fn somebody(&mut self) -> anyhow::Result<String> {
        let which = self.dice.random_range(0..self.people.len());
        self.people.get(which).cloned().context("nobody is there")
    }

    async fn join(&mut self) -> anyhow::Result<()> {
        self.number += 1;
        let name = format!("person-{}-{}@acme.com", self.client, self.number);
        let user = json!({ "schemas": [USER], "userName": name, "title": "new", "emails": [{ "value": name }] });
        let made = self.send(Method::POST, "/scim/acme/v2/Users", Some(user)).await?;
        self.people.push(id(&made)?);
        Ok(())
    }

    async fn leave(&mut self) -> anyhow::Result<()> {
        let which = self.dice.random_range(0..self.people.len());
        let one = self.people.swap_remove(which);
        self.send(Method::DELETE, &format!("/scim/acme/v2/Users/{one}"), None).await?;
        Ok(())
    }

    async fn patch(&mut self, path: &str, operation: Value) -> anyhow::Result<()> {
        let body = json!({ "schemas": [PATCH], "Operations": [operation] });
        self.send(Method::PATCH, &format!("/scim/acme/v2/{path}"), Some(body)).await?;
        Ok(())
    }

    async fn send(
        &mut self,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> anyhow::Result<Value> {
        let key = if path.starts_with("/admin") { OPERATOR_KEY } else { SCIM_KEY };
        let mut request =
            self.http.request(method.clone(), format!("{}{path}", self.url)).bearer_auth(key);
        if let Some(body) = &body {
            request = request.json(body);
        }
        let answer = request.send().await?;
        let (status, position) =
            (answer.status(), answer.headers().get("rollbook-position").cloned());
        let position = position.and_then(|value| value.to_str().ok()?.parse().ok());
        if method != Method::GET {
            self.position.fetch_max(position.unwrap_or_default(), Ordering::Relaxed);
        }
        self.answered.fetch_add(1, Ordering::Relaxed);
        let text = answer.text().await?;
        ensure!(status.is_success(), "{method} {path}: {status} {text}");
        Ok(serde_json::from_str(&text).unwrap_or_default())
    }
}

fn id(made: &Value) -> anyhow::Result<String> {
    Ok(made.get("id").and_then(Value::as_str).context("no id")?.to_owned())
}

/// How `y` goes with `x`: the line with the least squares.
fn slope(all: &[Sample], x: impl Fn(&Sample) -> f64, y: impl Fn(&Sample) -> f64) -> f64 {
    let many = all.len().max(1) as f64;
    let (mean_x, mean_y) =
        (all.iter().map(&x).sum::<f64>() / many, all.iter().map(&y).sum::<f64>() / many);
    let both: f64 = all.iter().map(|one| (x(one) - mean_x) * (y(one) - mean_y)).sum();
    let square: f64 = all.iter().map(|one| (x(one) - mean_x).powi(2)).sum();
    if square > 0.0 { both / square } else { 0.0 }
}

/// Bytes on the disk below a folder. What vanishes meanwhile has none.
fn size(folder: &Path) -> anyhow::Result<f64> {
    use std::os::unix::fs::MetadataExt;
    let mut all = 0.0;
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            all += size(&path)?;
        } else if let Ok(file) = path.metadata() {
            all += file.blocks() as f64 * 512.0;
        }
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A leak of 2 KiB a commit beside what the log takes is one, and noise is none.
    #[test]
    fn a_leak_is_seen_through_noise() {
        let sample = |leak: f64, number: u32| {
            let at = f64::from(number);
            let noise = f64::from(number * 7_919 % 101) * 20_000.0;
            Sample {
                seconds: at,
                commits: at * 100.0,
                memory: 5e7 + leak * at * 100.0 + noise,
                disk: 0.0,
            }
        };
        let grows = |leak: f64| {
            let all: Vec<_> = (0..80).map(|number| sample(leak, number)).collect();
            slope(&all, |one| one.commits, |one| one.memory)
        };
        assert!(grows(600.0 + 2_048.0) > BYTES_A_COMMIT);
        assert!(grows(600.0) < BYTES_A_COMMIT);
    }
}
