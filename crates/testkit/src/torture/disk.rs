//! Disks that fail while the server runs: full, read-only, answering with errors; and no more file descriptors.

use std::fs::{self, File};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use tokio::net::TcpStream;

use super::load::client;
use super::mounted::{Mounted, image, obstacle};
use super::{Book, Load, Outcome, SCIM_KEY, Served, Stage, Start};

/// Clients that write at once.
const WRITERS: u64 = 16;
/// Bytes of the disk that fills up.
const SMALL: u64 = 192 << 20;
/// What a fault may take to show.
const PATIENCE: Duration = Duration::from_secs(20);

/// What goes wrong with the disk.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Trouble {
    /// It fills up, to its last byte.
    Full,
    /// The file system goes read-only, as it does when the disk fails under it.
    ReadOnly,
    /// The kernel answers every sync with an input/output error.
    Eio,
    /// The kernel answers every write to a place in a file with "no space left", whatever was asked before.
    Enospc,
}

impl Trouble {
    /// Every one, by what it is called.
    pub const ALL: [(&str, Trouble); 4] = [
        ("full", Trouble::Full),
        ("read-only", Trouble::ReadOnly),
        ("eio", Trouble::Eio),
        ("enospc", Trouble::Enospc),
    ];

    fn name(self) -> &'static str {
        Self::ALL.into_iter().find(|(_, one)| *one == self).map_or("", |(name, _)| name)
    }
}

/// Lets the disk fail under load, `times` times: writes are refused with 503, reads go on, `/readyz` says why, and once the disk is well again a
/// restart has everything that was acknowledged.
///
/// # Errors
/// When the stage breaks, not the server.
pub async fn disk(stage: &Stage, trouble: Trouble, times: u64) -> anyhow::Result<Outcome> {
    let mut running = stage.outcome(trouble.name(), "acknowledged commits");
    if let Some(why) = obstacle() {
        return Ok(running.skipped(why));
    }
    if matches!(trouble, Trouble::Eio | Trouble::Enospc) && !super::has_program("strace") {
        return Ok(running.skipped("there is no strace"));
    }
    for round in 0..times {
        let mut lost = Vec::new();
        running.outcome.kept.1 += once(stage, trouble, &mut lost).await?;
        running
            .outcome
            .lost
            .extend(lost.into_iter().map(|wrong| format!("round {round}: {wrong}")));
        running.outcome.count += 1;
        (stage.progress)(running.outcome.count, times);
    }
    Ok(running.done())
}

async fn once(stage: &Stage, trouble: Trouble, lost: &mut Vec<String>) -> anyhow::Result<u64> {
    let memory = tempfile::tempdir_in("/dev/shm")?;
    let disk = memory.path().join("image");
    image(&disk, SMALL)?;
    let mounted = Mounted::new(&disk, &memory.path().join("mounted"))?;
    let data = mounted.at.join("data");
    let server = Served::start(&stage.rollbook, &data)?;
    let book = Book::default();
    let load = Load::start(&server.url, WRITERS, 0, &book)?;
    tokio::time::sleep(Duration::from_millis(500)).await;
    let filler = mounted.at.join("filler");
    let injector = strike(trouble, &mounted, &server, &filler)?;
    let begun = Instant::now();
    while !book.refused().contains_key(&503) && begun.elapsed() < PATIENCE {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let acknowledged = book.acknowledged();
    tokio::time::sleep(Duration::from_millis(300)).await;
    load.abandon().await;
    let others: Vec<_> = book.refused().into_keys().filter(|status| *status != 503).collect();
    if !others.is_empty() || !book.refused().contains_key(&503) {
        lost.push(format!("writes were not refused with 503: {:?}", book.refused()));
    }
    if acknowledged == 0 {
        lost.push("nothing was acknowledged before: this proves nothing".to_owned());
    }
    let http = client()?;
    let users = format!("{}/scim/acme/v2/Users?count=1", server.url);
    let read = http.get(users).bearer_auth(SCIM_KEY).send().await?.status();
    if read != 200 {
        lost.push(format!("a read was answered {read}"));
    }
    let ready = http.get(format!("{}/readyz", server.url)).send().await?;
    let (status, said) = (ready.status(), ready.text().await?);
    if status != 503 || !said.contains("nothing can be written: ") {
        lost.push(format!("/readyz said {status} {said}"));
    }
    lost.extend(reads(&book, &server.url).await?);
    drop(injector);
    server.kill();
    if trouble == Trouble::Full {
        // Still full: the ballast is what it opens with.
        match Served::start(&stage.rollbook, &data) {
            Ok(server) => {
                lost.extend(reads(&book, &server.url).await?);
                server.kill();
            }
            Err(error) => lost.push(format!("on the full disk: {error}")),
        }
        fs::remove_file(&filler)?;
    }
    let mounted = match trouble {
        Trouble::ReadOnly => {
            let at = mounted.at.clone();
            drop(mounted);
            Mounted::new(&disk, &at)?
        }
        Trouble::Full | Trouble::Eio | Trouble::Enospc => mounted,
    };
    let server = Served::start(&stage.rollbook, &mounted.at.join("data"))?;
    lost.extend(book.check(&server.url, 1).await?);
    // And it takes writes again.
    let more = Load::start(&server.url, 1, 1, &book)?;
    let begun = Instant::now();
    while book.acknowledged() <= acknowledged && begun.elapsed() < PATIENCE {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    more.abandon().await;
    if book.acknowledged() <= acknowledged {
        lost.push("it takes no writes after the disk is well".to_owned());
    }
    server.kill();
    Ok(book.acknowledged())
}

/// What was acknowledged is there to be read, while nothing can be written.
async fn reads(book: &Book, url: &str) -> anyhow::Result<Vec<String>> {
    book.clone().commits_there(url).await
}

fn strike(
    trouble: Trouble,
    mounted: &Mounted,
    server: &Served,
    filler: &std::path::Path,
) -> anyhow::Result<Option<Injector>> {
    Ok(match trouble {
        Trouble::Full => {
            let mut zeros = File::open("/dev/zero")?;
            let mut file = File::create(filler)?;
            // Until there is no room: that it ends with an error is the point.
            drop(std::io::copy(&mut zeros, &mut file));
            None
        }
        Trouble::ReadOnly => {
            mounted.remount("abort")?;
            None
        }
        Trouble::Eio => Some(Injector::new(server.id(), "fdatasync,fsync", "error=EIO")?),
        Trouble::Enospc => Some(Injector::new(server.id(), "pwrite64", "error=ENOSPC")?),
    })
}

/// `strace` on a running process, which lets calls fail; let go when dropped.
struct Injector(Child);

impl Injector {
    fn new(process: u32, calls: &str, how: &str) -> anyhow::Result<Injector> {
        let child = Command::new("strace")
            .args(["-f", "-qq", "-o", "/dev/null", "-p", &process.to_string()])
            .args(["-e", &format!("trace={calls}"), "-e", &format!("inject={calls}:{how}")])
            .stderr(Stdio::null())
            .spawn()
            .context("strace")?;
        Ok(Injector(child))
    }
}

impl Drop for Injector {
    fn drop(&mut self) {
        // Asked, not killed: it lets go of the process first.
        drop(Command::new("kill").args(["-INT", &self.0.id().to_string()]).status());
        drop(self.0.wait());
    }
}

/// Lets clients take every file descriptor that the server may have, `times` times: it stays, what it answered stays, and once they are gone
/// it serves and writes as before.
///
/// # Errors
/// When the stage breaks, not the server.
pub async fn descriptors(stage: &Stage, times: u64) -> anyhow::Result<Outcome> {
    let mut running = stage.outcome("emfile", "acknowledged commits");
    if !super::has_program("prlimit") {
        return Ok(running.skipped("there is no prlimit"));
    }
    let folder = tempfile::tempdir()?;
    let data = folder.path().join("data");
    let how = Start {
        through: vec!["prlimit".to_owned(), "--nofile=100:100".to_owned()],
        arguments: Vec::new(),
    };
    let server = Served::start_as(&stage.rollbook, &data, &how)?;
    let book = Book::default();
    let load = Load::start(&server.url, 4, 0, &book)?;
    tokio::time::sleep(Duration::from_millis(300)).await;
    let address = server.url.trim_start_matches("http://").to_owned();
    for round in 0..times {
        let before = book.acknowledged();
        let mut idle = Vec::new();
        for _ in 0..200 {
            let connecting = TcpStream::connect(&address);
            if let Ok(Ok(connection)) =
                tokio::time::timeout(Duration::from_millis(200), connecting).await
            {
                idle.push(connection);
            }
        }
        ensure!(idle.len() > 100, "only {} connections could be made", idle.len());
        // Whoever is connected is served on; nobody new is.
        tokio::time::sleep(Duration::from_millis(500)).await;
        if book.acknowledged() <= before {
            running.outcome.lost.push(format!("round {round}: it stopped writing"));
        }
        drop(idle);
        let begun = Instant::now();
        loop {
            let fresh = client()?.get(format!("{}/healthz", server.url)).send().await;
            if fresh.is_ok_and(|answer| answer.status() == 200) {
                break;
            }
            if begun.elapsed() > PATIENCE {
                running
                    .outcome
                    .lost
                    .push(format!("round {round}: it takes no connections any more"));
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        running.outcome.count += 1;
        (stage.progress)(running.outcome.count, times);
    }
    load.abandon().await;
    if !book.refused().is_empty() {
        running.outcome.lost.push(format!("writes were refused: {:?}", book.refused()));
    }
    server.kill();
    let server = Served::start(&stage.rollbook, &data)?;
    running.outcome.lost.extend(book.check(&server.url, 1).await?);
    server.kill();
    running.outcome.kept.1 = book.acknowledged();
    Ok(running.done())
}
