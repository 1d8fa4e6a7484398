//! The server that this is about: finding its binary, and starting it.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, ensure};
use tokio::process::Command;

use crate::http::Connection;
use crate::okta;
use crate::server::Server;

/// How long it may take from listening to being ready.
const READY: Duration = Duration::from_secs(900);

/// The binary to measure: the one that was named, else the one that was built beside this program.
pub(crate) fn binary(named: Option<&Path>) -> anyhow::Result<PathBuf> {
    let binary = named.map_or_else(beside_us, |named| Ok(named.to_owned()))?;
    ensure!(
        binary.is_file(),
        "there is no {}; `cargo build --release -p cli -p benches` makes it, as `make bench` does, or \
         name one with --rollbook",
        binary.display()
    );
    Ok(binary)
}

/// The folder that cargo builds into. This program is in a folder of it, named for its profile.
pub(crate) fn target() -> anyhow::Result<PathBuf> {
    let this = env::current_exe().context("this program does not know where it is")?;
    let target = this.parent().and_then(Path::parent);
    target.map(Path::to_owned).context("this program is not in a folder that cargo builds into")
}

fn beside_us() -> anyhow::Result<PathBuf> {
    Ok(target()?.join("release").join("rollbook"))
}

/// Its version, as it says itself.
pub(crate) async fn version(binary: &Path) -> anyhow::Result<String> {
    let said = Command::new(binary).arg("--version").stdin(Stdio::null()).output().await;
    let said = said.with_context(|| format!("{} could not be started", binary.display()))?;
    let said = String::from_utf8_lossy(&said.stdout);
    Ok(said.lines().next().unwrap_or("a program that does not say its version").to_owned())
}

/// Starts it on the data folder `data`, on these processors if any are named, and waits until it is
/// ready. It is as an operator runs it: nothing is set but the keys. What it complains of goes to
/// the folder above.
pub(crate) async fn start(
    binary: &Path,
    data: &Path,
    processors: Option<&str>,
) -> anyhow::Result<Server> {
    let mut command = match processors {
        None => Command::new(binary),
        Some(list) => {
            let mut command = Command::new("taskset");
            command.args(["--cpu-list", list]).arg(binary);
            command
        }
    };
    clean(&mut command)
        .env("ROLLBOOK_SCIM_KEY", okta::KEY)
        .env("ROLLBOOK_OPERATOR_KEY", okta::OPERATOR_KEY)
        .arg("serve")
        .arg("--data")
        .arg(data)
        // One key sends more here than any identity provider does.
        .args(["--listen", "127.0.0.1:0", "--tenant", okta::TENANT, "--rate-limit", "0"]);
    let folder = data.parent().context("a data folder is in none")?;
    let server = Server::start(command, folder).await?;
    let ready = tokio::time::timeout(READY, ready(&server)).await;
    ready
        .map_err(|_| anyhow::anyhow!("it was not ready within {READY:?}"))
        .flatten()
        .with_context(|| format!("rollbook did not start{}", server.said_last()))?;
    Ok(server)
}

/// Where the log of the tenant ends.
pub(crate) async fn position(server: &Server) -> anyhow::Result<u64> {
    let (address, key) = (server.address, okta::OPERATOR_KEY);
    let request =
        format!("GET /metrics HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {key}\r\n\r\n");
    let mut connection = Connection::open(address).await?;
    let answer = connection.ask(request.as_bytes()).await?;
    let text = String::from_utf8_lossy(answer.body);
    let name = format!("rollbook_position{{tenant=\"{}\"}} ", okta::TENANT);
    let line = text.lines().find_map(|line| line.strip_prefix(&name));
    Ok(line.with_context(|| format!("/metrics does not say {name}"))?.parse()?)
}

/// What is set for another instance does not belong to this one.
pub(crate) fn clean(command: &mut Command) -> &mut Command {
    for (name, _) in env::vars_os() {
        if name.to_string_lossy().starts_with("ROLLBOOK_") {
            command.env_remove(name);
        }
    }
    command
}

async fn ready(server: &Server) -> anyhow::Result<()> {
    let request = format!("GET /readyz HTTP/1.1\r\nHost: {}\r\n\r\n", server.address);
    let mut connection = Connection::open(server.address).await?;
    while connection.ask(request.as_bytes()).await?.status != 200 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    Ok(())
}
