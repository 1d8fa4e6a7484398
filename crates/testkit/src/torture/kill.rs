//! SIGKILL in the middle of concurrent writes, again and again.

use std::time::Duration;

use rand::RngExt;

use super::{Book, Load, Outcome, Served, Stage, spread};

/// Clients that write at once.
const WRITERS: u64 = 64;

/// Kills the server `kills` times under load. Every acknowledged commit is there afterwards by its hash, each resource is what it was last
/// answered to be, and `verify` finds nothing at the end.
///
/// # Errors
/// When the stage breaks, not the server.
pub async fn kill(stage: &Stage, kills: u64) -> anyhow::Result<Outcome> {
    let mut running = stage.outcome("kill", "acknowledged commits");
    let folder = tempfile::tempdir()?;
    let data = folder.path().join("data");
    let (book, mut dice, mut boots) = (Book::default(), stage.dice(), Vec::new());
    let mut from = 1;
    for round in 0..=kills {
        let server = match Served::start(&stage.rollbook, &data) {
            Ok(server) => server,
            Err(error) => {
                running.outcome.lost.push(format!("after kill {round}: {error}"));
                break;
            }
        };
        if round > 0 {
            boots.push(server.boot);
        }
        // Everything at the end; before that what the last round wrote.
        let wrong = book.check(&server.url, if round == kills { 1 } else { from }).await?;
        running
            .outcome
            .lost
            .extend(wrong.iter().map(|wrong| format!("after kill {round}: {wrong}")));
        if round == kills {
            server.stop()?;
            break;
        }
        from = book.last().max(1);
        let load = Load::start(&server.url, WRITERS, round, &book)?;
        tokio::time::sleep(Duration::from_millis(dice.random_range(20..300))).await;
        server.kill();
        load.ended().await;
        running.outcome.count += 1;
        (stage.progress)(running.outcome.count, kills);
    }
    let verified = std::process::Command::new(&stage.rollbook)
        .args(["verify", "--data"])
        .arg(&data)
        .output()?;
    if !verified.status.success() {
        let said = String::from_utf8_lossy(&verified.stderr);
        running.outcome.lost.push(format!("verify: {}", said.trim()));
    }
    running.outcome.kept.1 = book.acknowledged();
    let (middle, worst) = spread(boots);
    running.measured("boot, middle", format!("{} ms", middle.as_millis()));
    running.measured("boot, worst", format!("{} ms", worst.as_millis()));
    if worst > Duration::from_secs(3) {
        running.outcome.lost.push(format!("a boot took {worst:?}, more than 3 s"));
    }
    Ok(running.done())
}
