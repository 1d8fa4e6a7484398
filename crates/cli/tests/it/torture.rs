//! Faults, a few of each: `make torture` has as many as it takes.

use std::io::Write;

use testkit::torture::{self, Outcome, Stage};

fn stage() -> Stage {
    Stage::new(env!("CARGO_BIN_EXE_rollbook"), 7)
}

/// Nothing was lost; or it was not done, and says why.
#[track_caller]
fn good(outcome: anyhow::Result<Outcome>) {
    let outcome = outcome.unwrap();
    // Past what the test runner keeps to itself: what was skipped is seen.
    writeln!(std::io::stderr(), "{}", outcome.line()).unwrap();
    assert!(outcome.is_good(), "{}", outcome.line());
}

/// The rounds without syncs are the proof that a cut is one: each of them lost something when it was made.
#[tokio::test(flavor = "multi_thread")]
async fn power_cuts_lose_nothing_that_was_acknowledged() {
    good(torture::power::power(&stage(), 3, 1).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn kills_under_64_writers_lose_nothing_that_was_acknowledged() {
    good(torture::kill::kill(&stage(), 10).await);
}
