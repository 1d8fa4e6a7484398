//! SIGTERM under load, and a second server on the same folder.

use std::time::Duration;

use rand::RngExt;

use super::{Book, Load, Outcome, Served, Stage, spread};

/// Clients that write at once.
const WRITERS: u64 = 64;
/// What it may take to end.
const MOST: Duration = Duration::from_secs(5);

/// Asks the server to end `times` times under load: it ends well and within 5 s, and everything that was acknowledged is there. Meanwhile a second server on the
/// same folder is refused, and says by what.
///
/// # Errors
/// When the stage breaks, not the server.
pub async fn shutdown(stage: &Stage, times: u64) -> anyhow::Result<Outcome> {
    let mut running = stage.outcome("shutdown", "acknowledged commits");
    let folder = tempfile::tempdir()?;
    let data = folder.path().join("data");
    let (book, mut dice) = (Book::default(), stage.dice());
    let (mut ends, mut from) = (Vec::new(), 1);
    for round in 0..times {
        let server = Served::start(&stage.rollbook, &data)?;
        let wrong = book.check(&server.url, from).await?;
        running
            .outcome
            .lost
            .extend(wrong.iter().map(|wrong| format!("before end {round}: {wrong}")));
        from = book.last().max(1);
        let load = Load::start(&server.url, WRITERS, round, &book)?;
        tokio::time::sleep(Duration::from_millis(dice.random_range(100..500))).await;
        match Served::start(&stage.rollbook, &data) {
            Ok(_) => {
                running.outcome.lost.push(format!("round {round}: two servers have the folder"))
            }
            Err(error) if error.to_string().contains("in use by another process") => {}
            Err(error) => running.outcome.lost.push(format!("round {round}: {error}")),
        }
        let (status, took) = server.stop()?;
        if !status.success() {
            running.outcome.lost.push(format!("round {round}: it ended with {status}"));
        }
        if took > MOST {
            running.outcome.lost.push(format!("round {round}: it took {took:?} to end"));
        }
        ends.push(took);
        load.ended().await;
        running.outcome.count += 1;
        (stage.progress)(running.outcome.count, times);
    }
    let server = Served::start(&stage.rollbook, &data)?;
    running.outcome.lost.extend(book.check(&server.url, 1).await?);
    server.stop()?;
    running.outcome.kept.1 = book.acknowledged();
    let (middle, worst) = spread(ends);
    running.measured("end, middle", format!("{} ms", middle.as_millis()));
    running.measured("end, worst", format!("{} ms", worst.as_millis()));
    Ok(running.done())
}
