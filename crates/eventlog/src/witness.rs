//! The head witness: a small file of our own that says where the log ended. The store forgets a
//! damaged tail without a word; a log that ends before its witness has lost commits.
//!
//! The file has two slots, written in turn, so that a cut in the middle of one leaves the other. A
//! write is plain: it may be lost in a cut, and then the witness is behind the log, which is fine.
//! A thread sees to it that it is on the disk a second later, and with it where each tenant's log ends
//! (`heads.rs`).

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread::JoinHandle;
use std::time::Duration;

use domain::id::TenantId;
use domain::position::{Hash, Position};
use serde::{Deserialize, Serialize};

use crate::chain::hash;
use crate::frame::Tip;
use crate::limits::WITNESS_SYNC_SECONDS;

/// Where a log ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct Witnessed {
    /// How many frames there were.
    pub(crate) frames: u64,
    /// The last one's checksum.
    #[serde(with = "serde_bytes")]
    pub(crate) checksum: [u8; 16],
    /// The last commit of all; none in an empty log.
    pub(crate) latest: Option<(TenantId, Position, Hash)>,
}

/// What a witness file says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Testimony {
    /// There is no file.
    Absent,
    /// Neither slot can be read.
    Damaged,
    /// Where the log ended, at least.
    Ended(Witnessed),
}

/// The file, open for writing.
pub(crate) struct Witness {
    file: Arc<File>,
    slot: u64,
    written: Option<mpsc::Sender<()>>,
    /// Whether the syncer was told of a write and has not begun to sync since.
    told: Arc<AtomicBool>,
    syncer: Option<JoinHandle<()>>,
}

const MAGIC: [u8; 4] = *b"rbw1";
/// Bytes of a slot: a sector, so that a cut cannot hurt the other one.
const SLOT: usize = 4096;
/// Bytes of what a slot's checksum is over: magic, length of the record, record, zeros.
const RECORD: usize = 128;

/// Reads a witness file.
pub(crate) fn read(path: &Path) -> io::Result<Testimony> {
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Testimony::Absent),
        Err(error) => return Err(error),
    };
    let slots = bytes.chunks(SLOT).filter_map(decode);
    Ok(slots.max_by_key(|slot| slot.frames).map_or(Testimony::Damaged, Testimony::Ended))
}

impl Witness {
    /// Makes the file anew, and writes down where the log ends; it is on the disk after, once the
    /// folder is synced. The old one stands until the new one is whole, so that being killed on the
    /// way, also at the very first start, leaves one or the other.
    ///
    /// `each` writes down where each tenant's log ends, whenever the witness was made durable.
    pub(crate) fn create(
        path: &Path,
        now: &Witnessed,
        each: impl Fn() -> io::Result<()> + Send + 'static,
    ) -> io::Result<Self> {
        let mut both = encode(now);
        both.resize(SLOT, 0);
        both.extend(encode(now));
        let draft = path.with_extension("new");
        let file = File::create(&draft)?;
        file.write_all_at(&both, 0)?;
        file.sync_all()?;
        std::fs::rename(&draft, path)?;
        let file = Arc::new(file);
        let (written, to_sync) = mpsc::channel();
        let told = Arc::new(AtomicBool::new(false));
        let syncer = std::thread::Builder::new().name("witness".to_owned()).spawn({
            let (file, told) = (file.clone(), told.clone());
            move || keep_synced(&file, &to_sync, &told, each)
        })?;
        Ok(Self { file, slot: 0, written: Some(written), told, syncer: Some(syncer) })
    }

    /// Writes down where the log ends.
    pub(crate) fn write(&mut self, now: &Witnessed) -> io::Result<()> {
        self.file.write_all_at(&encode(now), self.slot * SLOT as u64)?;
        self.slot = 1 - self.slot;
        // Told once for all writes up to the sync: waking a thread for each would cost more than the write.
        if !self.told.swap(true, Ordering::AcqRel)
            && let Some(written) = &self.written
        {
            // Only a panic ends the thread before us, and then the kernel writes in its own time.
            written.send(()).ok();
        }
        Ok(())
    }
}

impl Drop for Witness {
    /// The last write is on the disk after.
    fn drop(&mut self) {
        drop(self.written.take());
        if let Some(syncer) = self.syncer.take() {
            drop(syncer.join());
        }
    }
}

fn keep_synced(
    file: &File,
    written: &mpsc::Receiver<()>,
    told: &AtomicBool,
    each: impl Fn() -> io::Result<()>,
) {
    while written.recv().is_ok() {
        // Nobody tells more until the sync begins, so this ends early only with the log.
        let waited = written.recv_timeout(Duration::from_secs(WITNESS_SYNC_SECONDS));
        // Before the sync: what is written while it lasts may not be in it.
        told.swap(false, Ordering::AcqRel);
        if let Err(error) = file.sync_data().and_then(|()| each()) {
            tracing::warn!(%error, "the head witness could not be made durable");
        }
        if waited == Err(RecvTimeoutError::Disconnected) {
            return;
        }
    }
}

fn encode(witnessed: &Witnessed) -> Vec<u8> {
    // A record is at most 1 + 9 + 18 + 1 + 18 + 9 + 34 bytes.
    let record = rmp_serde::to_vec(witnessed).unwrap_or_default();
    let mut slot = [MAGIC.as_slice(), &[record.len() as u8], &record].concat();
    slot.resize(RECORD, 0);
    slot.extend(hash(&slot).as_bytes());
    slot
}

fn decode(slot: &[u8]) -> Option<Witnessed> {
    let (record, rest) = slot.split_at_checked(RECORD)?;
    if rest.get(..32)? != hash(record).as_bytes() {
        return None;
    }
    let (length, record) = record.strip_prefix(&MAGIC)?.split_first()?;
    rmp_serde::from_slice(record.get(..usize::from(*length))?).ok()
}

impl Witnessed {
    /// What there is to say of a log that ends like this.
    pub(crate) fn of(tip: Tip, latest: Option<(TenantId, Position, Hash)>) -> Self {
        Self { frames: tip.frames, checksum: tip.checksum, latest }
    }
}
