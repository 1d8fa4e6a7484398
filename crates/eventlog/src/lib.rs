//! The log on disk: what a commit's bytes are, how personal data is sealed, what links one commit
//! to the next, where commits are kept, and the archive they leave in.
//!
//! This is the only crate that knows what a commit is on disk. A commit becomes bytes in
//! [`encode`](mod@encode); an [`EventLog`] makes bytes durable, many at once; a [`LogReader`] gives
//! exactly those bytes back; [`link`] checks them against the commit before and opens them.

pub mod limits;

mod broken;
mod cipher;
mod compress;
mod keys;
mod master;

pub mod encode;

mod chain;
mod checkpoint;
mod frame;
mod index;
mod log;
mod reader;
mod recent;
mod turn;

mod journal;
mod memory_log;

mod folder;
mod heads;
mod histogram;
mod sled_log;
mod space;
mod swap;
mod witness;

mod archive;
mod archive_keys;

pub use archive::{
    ArchiveError, ArchiveReader, ArchiveSummary, ArchiveWriter, TenantHead, partial, write_archive,
};
pub use archive_keys::{
    ArchiveKeys, KeysError, Protection, Recipient, Unlock, open_keys, read_keys, seal_keys,
    write_keys,
};
pub use broken::Broken;
pub use chain::{fingerprint, hash, link};
pub use checkpoint::{CheckpointError, Checkpoints, Forgotten, Kept};
pub use encode::{SealError, Sealed, open, seal};
pub use histogram::{Counted, Histogram, SIZES, TIMES};
pub use journal::{Journal, JournalError, Noted, Repeats};
pub use keys::{Keys, NoKeys, PersonKey};
pub use log::{AppendError, AppendFault, EventLog, LogReader, Stored};
pub use master::{Created, MasterKey, MasterKeyError};
pub use memory_log::{Fault, MemoryDisk, MemoryLog};
pub use reader::Reader;
pub use sled_log::{
    Check, Examined, LostRange, LostTail, NewKey, OpenError, Options, Progress, RekeyError,
    Rekeyed, RepairError, SledLog, Tail,
};

/// Threads that a large piece of work is spread over.
pub(crate) fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get).min(limits::THREADS)
}
