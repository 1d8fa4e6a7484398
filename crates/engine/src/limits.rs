//! Limits, each with its unit.

/// Requests that may wait for the writer, of all tenants; when so many do, each tenant has an equal share of them.
pub const WAITING: usize = 4_096;
/// Requests in one turn of the writer: they share one durable flush.
pub const TURN: usize = 512;
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
/// States of the past that are kept.
pub const PASTS: usize = 8;
/// Of one tenant.
pub const PASTS_OF_TENANT: usize = 4;
/// Seconds after which a state of the past that nobody has asked for is forgotten.
pub const PAST_SECONDS: i64 = 600;
/// Commits that are written at once while a log is copied.
pub const COPY_COMMITS: usize = 512;
/// Bytes of commits that are written at once while a log is copied.
pub const COPY_BYTES: usize = 4 << 20;
