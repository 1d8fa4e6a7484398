//! A server under measurement: a child process that has said where it listens.
//!
//! Dropping it ends it, and waits until it has ended, so that nothing writes any more into the
//! folder that is removed next.

use std::fs::File;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::timeout;

/// How long a server may take until it listens: a large log may have to be read first.
const START: Duration = Duration::from_secs(900);
/// How long a server may take to end.
const END: Duration = Duration::from_secs(120);
/// How much of what a server complained of is shown.
const SHOWN_LINES: usize = 10;

pub(crate) struct Server {
    child: Child,
    pub(crate) pid: u32,
    pub(crate) address: SocketAddr,
    complaints: PathBuf,
    // Held open: who writes into a closed pipe fails, and who reads the end of one may stop.
    _input: Option<ChildStdin>,
    _output: Lines<BufReader<ChildStdout>>,
}

impl Server {
    /// Starts a command that prints `… http://ADDRESS` in a line of its own once it listens. What
    /// it complains of goes to a file in `folder`.
    pub(crate) async fn start(mut command: Command, folder: &Path) -> anyhow::Result<Server> {
        let program = command.as_std().get_program().to_owned();
        let name = Path::new(&program).file_name().unwrap_or(&program).to_owned();
        let complaints = folder.join(&name).with_extension("stderr");
        let stderr = File::create(&complaints)
            .with_context(|| format!("{} could not be made", complaints.display()))?;
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(stderr)
            // Ctrl-C is for us: a server that it ended first would look like one that failed.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("{} could not be started", program.display()))?;
        let said = match timeout(START, listens(&mut child)).await {
            Ok(said) => said,
            Err(_) => Err(anyhow::anyhow!("it did not listen within {START:?}")),
        };
        let (address, output) = said.with_context(|| {
            format!("{} did not start{}", name.display(), said_last(&complaints))
        })?;
        let pid = child.id().context("a server ended as soon as it listened")?;
        let input = child.stdin.take();
        Ok(Server { child, pid, address, complaints, _input: input, _output: output })
    }

    /// Asks it to end, and waits until it has: how long that took.
    pub(crate) async fn stop(mut self) -> anyhow::Result<Duration> {
        let since = Instant::now();
        let pid = i32::try_from(self.pid).ok().and_then(Pid::from_raw);
        kill_process(pid.context("a process without an id")?, Signal::TERM)?;
        let ended = timeout(END, self.child.wait()).await;
        let ended = ended.with_context(|| format!("it did not end within {END:?}"))??;
        ensure!(ended.success(), "it ended with {ended}{}", self.said_last());
        Ok(since.elapsed())
    }

    /// What it complained of last, to stand behind an error.
    pub(crate) fn said_last(&self) -> String {
        said_last(&self.complaints)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.child.start_kill());
        let since = Instant::now();
        while matches!(self.child.try_wait(), Ok(None)) && since.elapsed() < END {
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}

/// Reads what a server says until it has said where it listens.
async fn listens(child: &mut Child) -> anyhow::Result<(SocketAddr, Lines<BufReader<ChildStdout>>)> {
    let stdout = child.stdout.take().context("its output is not connected")?;
    let mut lines = BufReader::new(stdout).lines();
    while let Some(line) = lines.next_line().await? {
        let Some((_, address)) = line.split_once("http://") else { continue };
        let address = address.split('/').next().unwrap_or_default();
        let address: SocketAddr =
            address.trim().parse().with_context(|| format!("it does not say where: `{line}`"))?;
        ensure!(address.ip().is_loopback(), "it listens at {address}, which others can reach");
        return Ok((address, lines));
    }
    bail!("it ended without a word about where it listens")
}

fn said_last(complaints: &Path) -> String {
    let text = std::fs::read_to_string(complaints).unwrap_or_default();
    let mut last: Vec<&str> = text.lines().rev().take(SHOWN_LINES).collect();
    last.reverse();
    if last.is_empty() { String::new() } else { format!(" (it said: {})", last.join(" / ")) }
}
