//! Limits, each with its unit.

use std::time::Duration;

/// Requests that may wait for the writer, of all tenants; when so many do, each tenant has an equal share of them.
pub const WAITING: usize = 4_096;
/// How long one may wait: whoever sent it has given up by then, or will soon.
pub const WAIT: Duration = Duration::from_secs(10);
/// Requests in one turn of the writer: they share one durable flush.
pub const TURN: usize = 512;
/// Requests that a turn has room for however long they take.
pub const TURN_LEAST: usize = 32;
/// How many times as long as the last flush took a turn goes on with more requests than that. With a flush that takes a
/// third of a turn, more in one save next to nothing, and everybody in it waits for all of it.
pub const TURN_FLUSHES: u32 = 2;
/// States of the past that may be read from the log at once.
pub const AS_OF_AT_ONCE: usize = 4;
/// Of one tenant.
pub const AS_OF_AT_ONCE_OF_TENANT: usize = 2;
/// Questions about the past that may wait until others are answered. Each has a thread.
pub const AS_OF_WAITING: usize = 128;
/// Of one tenant.
pub const AS_OF_WAITING_OF_TENANT: usize = 32;
/// Seconds that a question about the past waits.
pub const AS_OF_WAIT_SECONDS: u64 = 10;
/// Commits that are read for one user as of a moment, at most: with more, the tenant is read as a whole.
pub const AS_OF_ONE_COMMITS: usize = 2_000;
/// States of the past that are kept.
pub const PASTS: usize = 8;
/// Of one tenant.
pub const PASTS_OF_TENANT: usize = 4;
/// Commits that the states that are kept of a tenant hold together, or as many as its log has, if that is more.
pub const PAST_COMMITS: u64 = 20_000;
/// Seconds after which a state of the past that nobody has asked for is forgotten.
pub const PAST_SECONDS: i64 = 600;
/// Commits that are written at once while a log is copied.
pub const COPY_COMMITS: usize = 512;
/// Bytes of commits that are written at once while a log is copied.
pub const COPY_BYTES: usize = 4 << 20;
/// How often is looked whether a checkpoint is due.
pub const CHECKPOINT_LOOK: Duration = Duration::from_secs(2);
/// Commits since the last checkpoint from which on the next is due.
pub const CHECKPOINT_COMMITS: u64 = 50_000;
/// The same when nothing was written for a while.
pub const CHECKPOINT_COMMITS_IN_PEACE: u64 = 1_000;
/// Looks in a row that find nothing written before that holds.
pub const CHECKPOINT_PEACE_LOOKS: u32 = 5;
/// How many times as long as the last checkpoint took nothing is written of the next one.
pub const CHECKPOINT_SHARE: u32 = 20;
/// How long the last checkpoint may take, at the end.
pub const CHECKPOINT_LAST: Duration = Duration::from_millis(3_500);
/// Frames after which the check behind a start rests.
pub const CHECK_FRAMES: u64 = 64;
/// How long it rests.
pub const CHECK_PAUSE: Duration = Duration::from_millis(20);
