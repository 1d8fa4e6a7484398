//! `rollbook serve`, as a process of its own.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};

/// The API key's secret that faults choose.
pub const SCIM_KEY: &str = "acme:torture-scim-secret";
/// The operator key that they choose.
pub const OPERATOR_KEY: &str = "torture-operator-key";

/// How a server is started.
#[derive(Clone, Debug, Default)]
pub struct Start {
    /// A program with its arguments that runs the binary, as `strace` does; it must become the server, not its parent.
    pub through: Vec<String>,
    /// Further arguments.
    pub arguments: Vec<String>,
}

/// A running server; it is killed when dropped.
pub struct Served {
    child: Child,
    /// Its URL.
    pub url: String,
    /// How long it took until it said where it listens.
    pub boot: Duration,
}

impl Served {
    /// Starts `rollbook` on a data folder, and waits until it says where it listens.
    ///
    /// # Errors
    /// When it does not serve: with what it said.
    pub fn start(rollbook: &Path, data: &Path) -> anyhow::Result<Served> {
        Served::start_as(rollbook, data, &Start::default())
    }

    /// The same, as `how` says.
    ///
    /// # Errors
    /// When it does not serve: with what it said.
    pub fn start_as(rollbook: &Path, data: &Path, how: &Start) -> anyhow::Result<Served> {
        let mut words = how.through.iter().map(String::as_str);
        let mut command = match words.next() {
            None => Command::new(rollbook),
            Some(program) => {
                let mut command = Command::new(program);
                command.args(words).arg(rollbook);
                command
            }
        };
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("ROLLBOOK_")) {
            command.env_remove(name);
        }
        command.args(["serve", "--listen", "127.0.0.1:0", "--tenant", "acme"]);
        // One key sends more here than any identity provider does.
        command.args(["--rate-limit", "0", "--data"]).arg(data);
        command.args(&how.arguments);
        command.env("ROLLBOOK_SCIM_KEY", SCIM_KEY).env("ROLLBOOK_OPERATOR_KEY", OPERATOR_KEY);
        let log = data.with_extension("log");
        let file = File::create(&log)?;
        let begun = Instant::now();
        let mut child = command.stdout(Stdio::piped()).stderr(file).spawn()?;
        let output = child.stdout.take().context("no output")?;
        let mut lines = BufReader::new(output).lines();
        let first = lines.next().transpose()?;
        let boot = begun.elapsed();
        let Some(url) = first.as_deref().and_then(|line| line.strip_prefix("rollbook serves "))
        else {
            drop(child.kill());
            drop(child.wait());
            let said = std::fs::read_to_string(&log).unwrap_or_default();
            bail!("it did not start: {}", said.lines().last().unwrap_or("it said nothing"));
        };
        let url = url.to_owned();
        std::thread::spawn(move || lines.for_each(drop));
        Ok(Served { child, url, boot })
    }

    /// The process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends it a signal, as `STOP`.
    ///
    /// # Errors
    /// When it is gone.
    pub fn signal(&self, name: &str) -> anyhow::Result<()> {
        let done =
            Command::new("kill").args([&format!("-{name}"), &self.id().to_string()]).status()?;
        ensure!(done.success(), "the server is gone");
        Ok(())
    }

    /// Asks it to end as an init system does, and says how it did and how long it took.
    ///
    /// # Errors
    /// When it does not end within half a minute.
    pub fn stop(mut self) -> anyhow::Result<(ExitStatus, Duration)> {
        self.signal("TERM")?;
        let begun = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait()? {
                return Ok((status, begun.elapsed()));
            }
            ensure!(begun.elapsed() < Duration::from_secs(30), "it did not end within 30 s");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Kills it, with no chance to tidy up, and waits until it is gone.
    pub fn kill(mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
