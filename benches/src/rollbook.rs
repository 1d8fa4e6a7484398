//! The server that this is about: finding its binary, building it if need be, and starting it.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use tokio::process::Command;

use crate::http::Connection;
use crate::okta;
use crate::server::Server;
use crate::terminal::note;

const BUILD: [&str; 4] = ["build", "--release", "-p", "cli"];
/// How long it may take from listening to being ready.
const READY: Duration = Duration::from_secs(30);

/// The binary to measure: the one that was named, else this workspace's release build.
///
/// Under `cargo run`, cargo is asked to build it first, which takes no time when it is up to date:
/// the figures of an old build mislead more than none.
pub(crate) async fn binary(named: Option<&Path>) -> anyhow::Result<PathBuf> {
    if let Some(named) = named {
        ensure!(named.is_file(), "there is no file {}", named.display());
        return Ok(named.to_owned());
    }
    let binary = beside_us()?;
    if let (Some(cargo), Some(package)) = (env::var_os("CARGO"), env::var_os("CARGO_MANIFEST_DIR"))
    {
        if !binary.is_file() {
            note("rollbook is not built yet; building it takes minutes, once:");
        }
        note(format!("cargo {}", BUILD.join(" ")));
        let built = Command::new(cargo)
            .args(BUILD)
            .current_dir(package)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .kill_on_drop(true)
            .status()
            .await
            .context("cargo could not be started")?;
        ensure!(
            built.success(),
            "rollbook could not be built; see above, or name a binary with --rollbook"
        );
    }
    if !binary.is_file() {
        bail!(
            "rollbook is not built: there is no {}; run `cargo {}` first, or name a binary with \
             --rollbook",
            binary.display(),
            BUILD.join(" ")
        );
    }
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

/// Starts it on an empty data folder within `folder`, and waits until it is ready. It is as an
/// operator runs it: nothing is set but the keys.
pub(crate) async fn start(binary: &Path, folder: &Path) -> anyhow::Result<Server> {
    let mut command = Command::new(binary);
    for (name, _) in env::vars_os() {
        // What is set for another instance does not belong to this one.
        if name.to_string_lossy().starts_with("ROLLBOOK_") {
            command.env_remove(name);
        }
    }
    command
        .env("ROLLBOOK_SCIM_KEY", okta::KEY)
        .env("ROLLBOOK_OPERATOR_KEY", "bench-operator-0000000000")
        .arg("serve")
        .arg("--data")
        .arg(folder.join("rollbook"))
        .args(["--listen", "127.0.0.1:0", "--tenant", okta::TENANT]);
    let server = Server::start(command, folder).await?;
    let ready = tokio::time::timeout(READY, ready(&server)).await;
    ready
        .map_err(|_| anyhow::anyhow!("it was not ready within {READY:?}"))
        .flatten()
        .with_context(|| format!("rollbook did not start{}", server.said_last()))?;
    Ok(server)
}

async fn ready(server: &Server) -> anyhow::Result<()> {
    let request = format!("GET /readyz HTTP/1.1\r\nHost: {}\r\n\r\n", server.address);
    let since = Instant::now();
    let mut connection = Connection::open(server.address).await?;
    while connection.ask(request.as_bytes()).await?.status != 200 {
        ensure!(since.elapsed() < READY, "it does not become ready");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}
