//! Power cuts: a file system in an image in memory, and a copy of the image at some moment, which is what a drive holds then.
//! What the kernel had not yet written is not in it.

use std::time::Duration;

use rand::RngExt;

use super::mounted::{Mounted, image, obstacle};
use super::{Book, Load, Outcome, Served, Stage, Start};

/// Clients that write at once.
const WRITERS: u64 = 64;
/// Bytes of the image.
const IMAGE: u64 = 512 << 20;

/// Whether what the server writes is synced.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Syncs {
    /// As ever.
    Kept,
    /// The kernel answers each sync at once, and does nothing.
    Dropped,
}

/// Cuts the power `cuts` times under load; then `controls` times with every sync of the server's made nothing of, which must lose
/// something: otherwise the cuts prove nothing.
///
/// # Errors
/// When the stage breaks, not the server.
pub async fn power(stage: &Stage, cuts: u64, controls: u64) -> anyhow::Result<Outcome> {
    let mut running = stage.outcome("power", "acknowledged commits");
    if let Some(why) = obstacle() {
        return Ok(running.skipped(why));
    }
    let (lost, kept) = rounds(stage, cuts, Syncs::Kept).await?;
    running.outcome.count = cuts;
    running.outcome.kept.1 = kept;
    running.outcome.lost = lost.into_iter().flatten().collect();
    if controls > 0 && !super::has_program("strace") {
        running.measured("control", "not done: there is no strace");
    } else if controls > 0 {
        let (lost, _) = rounds(stage, controls, Syncs::Dropped).await?;
        let lossy = lost.iter().filter(|round| !round.is_empty()).count();
        running
            .measured("rounds without syncs that lost something", format!("{lossy} of {controls}"));
        if lossy == 0 {
            running
                .outcome
                .lost
                .push("nothing was lost without any sync: this proves nothing".to_owned());
        }
    }
    Ok(running.done())
}

/// What was lost in each of some rounds, and how many commits were acknowledged in all of them.
async fn rounds(
    stage: &Stage,
    rounds: u64,
    syncs: Syncs,
) -> anyhow::Result<(Vec<Vec<String>>, u64)> {
    let memory = tempfile::tempdir_in("/dev/shm")?;
    let path = |name: &str| memory.path().join(name);
    let (disk, cut, at) = (path("image"), path("cut"), path("mounted"));
    image(&disk, IMAGE)?;
    let how = match syncs {
        Syncs::Kept => Start::default(),
        Syncs::Dropped => Start {
            through: ["strace", "-D", "-f", "-qq", "-o", "/dev/null", "--seccomp-bpf"]
                .iter()
                .chain(&["-e", "trace=fdatasync,fsync", "-e", "inject=fdatasync,fsync:retval=0"])
                .map(|word| (*word).to_owned())
                .collect(),
            arguments: Vec::new(),
        },
    };
    let (mut lost, mut kept, mut dice) = (Vec::new(), 0, stage.dice());
    for round in 0..rounds {
        let book = Book::default();
        {
            let mounted = Mounted::new(&disk, &at)?;
            let data = mounted.at.join("data");
            if data.exists() {
                std::fs::remove_dir_all(&data)?;
            }
            let server = Served::start_as(&stage.rollbook, &data, &how)?;
            let load = Load::start(&server.url, WRITERS, round, &book)?;
            tokio::time::sleep(Duration::from_millis(dice.random_range(300..1_500))).await;
            server.signal("STOP")?;
            // What it had answered before is on its way to the clients.
            tokio::time::sleep(Duration::from_millis(100)).await;
            load.abandon().await;
            std::fs::copy(&disk, &cut)?;
            server.kill();
        }
        anyhow::ensure!(book.acknowledged() > 0, "nothing was written, so nothing is tested");
        kept += book.acknowledged();
        let mounted = Mounted::new(&cut, &at)?;
        let of_round = match Served::start(&stage.rollbook, &mounted.at.join("data")) {
            Ok(server) => {
                let wrong = book.check(&server.url, 1).await?;
                server.kill();
                wrong
            }
            Err(error) => vec![error.to_string()],
        };
        lost.push(of_round.iter().map(|wrong| format!("cut {round}: {wrong}")).collect());
        (stage.progress)(round + 1, rounds);
    }
    Ok((lost, kept))
}
