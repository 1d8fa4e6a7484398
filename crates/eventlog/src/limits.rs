//! Limits, each with its unit.

/// Bytes of one commit, sealed.
pub const COMMIT_BYTES: usize = 16 * 1024 * 1024;
/// Bytes of all commits of one turn together, so that a batch fits memory. One commit always fits.
pub const TURN_BYTES: usize = 2 * COMMIT_BYTES;
/// Bytes of a frame as a value of the store. Larger values would become files of their own there,
/// which the store never syncs.
pub const FRAME_BYTES: usize = 64 * 1024;
/// Commits in a frame.
pub const FRAME_COMMITS: usize = 64;
/// Bytes of a sealed body below which it is not worth compressing.
pub const COMPRESS_BYTES: usize = 256;
/// Bytes of a segment of the store.
pub const SEGMENT_BYTES: usize = 8 * 1024 * 1024;
/// Bytes of the store's page cache.
pub const CACHE_BYTES: u64 = 64 * 1024 * 1024;
/// Bytes of frames read at open from which on the store is closed and opened once more, to get the
/// memory back.
pub const REOPEN_BYTES: u64 = 64 * 1024 * 1024;
/// Refusals kept per tenant; the oldest make room.
pub const JOURNAL_ENTRIES: usize = 10_000;
/// Of a tenant's refusals, those among which a repetition is looked for after a start: the latest ones.
pub const JOURNAL_LOOK: usize = 1_000;
/// Seconds after which a refusal outlives a process that is killed, also when no commit is written.
pub const JOURNAL_FLUSH_SECONDS: u64 = 2;
/// Bytes of one refusal.
pub const JOURNAL_ENTRY_BYTES: usize = 16 * 1024;
/// Bytes of the note that a tenant may have beside its refusals.
pub const JOURNAL_NOTE_BYTES: usize = 48 * 1024;
/// Bytes that must be free on the disk before anything is written.
pub const FREE_BYTES: u64 = 64 * 1024 * 1024;
/// Bytes of the file that is deleted to have room for opening the store when the disk is full.
pub const BALLAST_BYTES: u64 = 16 * 1024 * 1024;
/// Seconds after which the head witness is on the disk for certain.
pub const WITNESS_SYNC_SECONDS: u64 = 1;
/// Bytes of commits in a block of an archive.
pub const BLOCK_BYTES: usize = 1024 * 1024;
/// Seconds for which the refusal journal takes nothing about a person after they were erased: longer than any request lasts.
pub const FORGET_SECONDS: u64 = 300;
/// Bytes of unpacked frames that a reader keeps for the next commit that is asked for.
pub const RECENT_BYTES: usize = 4 * 1024 * 1024;
/// Threads that write or read a checkpoint, at most.
pub const THREADS: usize = 8;
