//! Limits, each with its unit.

/// Requests that may wait for the writer.
pub const WAITING: usize = 4_096;
/// Requests in one turn of the writer: they share one durable flush.
pub const TURN: usize = 512;
/// As-of reads that may run at once.
pub const AS_OF_AT_ONCE: usize = 4;
/// Commits that are written at once while a log is copied.
pub const COPY_COMMITS: usize = 512;
/// Bytes of commits that are written at once while a log is copied.
pub const COPY_BYTES: usize = 4 << 20;
