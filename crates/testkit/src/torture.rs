//! Faults that are put to the real binary: cuts, kills, damage, disks that fail. Each says how often it was done,
//! with which seed, and what was lost, and each was seen to catch what it is there for (`docs/reliability.md`).

pub mod disk;
pub mod flip;
pub mod history;
pub mod kill;
pub mod members;
pub mod overload;
pub mod power;
pub mod shutdown;
pub mod soak;

mod load;
mod mounted;
mod served;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Context;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};

pub use load::{Book, Load};
pub use served::{OPERATOR_KEY, SCIM_KEY, Served, Start};

/// Where faults happen, and to which binary.
pub struct Stage {
    /// The binary `rollbook`.
    pub rollbook: PathBuf,
    /// What chance there is follows from this.
    pub seed: u64,
    /// Told what has been done so far: how often, of how often.
    pub progress: Box<dyn Fn(u64, u64) + Send + Sync>,
}

/// What came of a fault.
#[derive(Debug)]
pub struct Outcome {
    /// Which fault, as in `power`.
    pub fault: &'static str,
    /// How often it was done.
    pub count: u64,
    /// What was being counted that must not get lost, and how much of that there was, as in `(acknowledged commits, 1000)`.
    pub kept: (&'static str, u64),
    /// What was lost or wrong, in words; must be empty.
    pub lost: Vec<String>,
    /// What else was measured.
    pub measured: Vec<(String, String)>,
    /// Why it was not done at all.
    pub skipped: Option<String>,
    /// How long it took.
    pub took: Duration,
}

impl Stage {
    /// A stage for this binary, where nobody watches.
    pub fn new(rollbook: impl AsRef<Path>, seed: u64) -> Stage {
        let progress = Box::new(|_, _| {});
        Stage { rollbook: rollbook.as_ref().to_owned(), seed, progress }
    }

    /// Chance for one fault.
    pub fn dice(&self) -> ChaCha8Rng {
        ChaCha8Rng::seed_from_u64(self.seed)
    }

    fn outcome(&self, fault: &'static str, kept: &'static str) -> Running {
        Running {
            begun: Instant::now(),
            outcome: Outcome {
                fault,
                count: 0,
                kept: (kept, 0),
                lost: Vec::new(),
                measured: Vec::new(),
                skipped: None,
                took: Duration::ZERO,
            },
        }
    }
}

/// An outcome in the making.
struct Running {
    begun: Instant,
    outcome: Outcome,
}

impl Running {
    fn done(mut self) -> Outcome {
        self.outcome.took = self.begun.elapsed();
        self.outcome
    }

    fn skipped(mut self, why: impl Into<String>) -> Outcome {
        self.outcome.skipped = Some(why.into());
        self.done()
    }

    fn measured(&mut self, what: &str, value: impl ToString) {
        self.outcome.measured.push((what.to_owned(), value.to_string()));
    }
}

impl Outcome {
    /// Whether nothing was lost.
    pub fn is_good(&self) -> bool {
        self.lost.is_empty()
    }

    /// A line for people.
    pub fn line(&self) -> String {
        let Outcome { fault, count, kept: (what, many), lost, measured, skipped, took } = self;
        if let Some(why) = skipped {
            return format!("{fault}: skipped: {why}");
        }
        let lost = match lost.len() {
            0 => "nothing lost".to_owned(),
            many => format!("LOST OR WRONG {many} times: {}", lost.join("; ")),
        };
        let measured: String =
            measured.iter().map(|(what, value)| format!("; {what} {value}")).collect();
        let seconds = took.as_secs();
        format!("{fault}: {count} times, {many} {what}: {lost}{measured}; {seconds} s")
    }

    /// The same for programs.
    pub fn json(&self, seed: u64) -> Value {
        let measured: serde_json::Map<String, Value> =
            self.measured.iter().map(|(what, value)| (what.clone(), json!(value))).collect();
        json!({
            "fault": self.fault, "seed": seed, "count": self.count, self.kept.0: self.kept.1,
            "lost": self.lost, "measured": measured, "skipped": self.skipped,
            "seconds": self.took.as_secs_f64(),
        })
    }
}

/// Whether this process may mount.
pub fn is_root() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    status.lines().any(|line| {
        line.strip_prefix("Uid:").is_some_and(|ids| ids.split_whitespace().next() == Some("0"))
    })
}

/// Whether there is such a program.
pub fn has_program(name: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(name).is_file())
}

/// The highest of some durations, and the middle one.
fn spread(mut all: Vec<Duration>) -> (Duration, Duration) {
    all.sort();
    let middle = all.get(all.len() / 2).copied().unwrap_or_default();
    (middle, all.last().copied().unwrap_or_default())
}

/// What the kernel says of a process's memory, in bytes.
fn memory(process: u32, what: &str) -> anyhow::Result<f64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix(what)).context("no memory")?;
    let kib: f64 = line.trim().trim_end_matches(" kB").trim().parse()?;
    Ok(kib * 1024.0)
}
