//! Faults, a few of each: `make torture` has as many as it takes.

use std::io::Write;

use testkit::torture::disk::Trouble;
use testkit::torture::{Outcome, Stage, disk, flip, history, kill, members, power, shutdown, soak};

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
    good(power::power(&stage(), 3, 1).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn kills_under_64_writers_lose_nothing_that_was_acknowledged() {
    good(kill::kill(&stage(), 10).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flipped_bit_is_noticed_or_without_effect() {
    good(flip::flip(&stage(), 25).await);
}

/// Seen to catch: a server's own log on the full disk, for want of which the writer panicked.
#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_fails_is_said_to_and_loses_nothing() {
    for (_, trouble) in Trouble::ALL {
        good(disk::disk(&stage(), trouble, 1).await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_that_take_every_descriptor_do_no_harm_for_long() {
    good(disk::descriptors(&stage(), 1).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_clients_add_members_to_one_group() {
    good(members::members(&stage(), 1).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_clients_do_at_the_same_time_makes_sense_in_some_order() {
    good(history::history(&stage(), 15).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_ends_in_time_and_shares_its_folder_with_nobody() {
    good(shutdown::shutdown(&stage(), 3).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_short_soak_grows_only_with_the_log() {
    good(soak::soak(&stage(), 12).await);
}
