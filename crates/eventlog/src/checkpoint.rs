//! The checkpoint: all tenants at one moment in a file beside the log, so that a start need not read the log from its
//! first commit. A cache: it can be deleted at any time.
//!
//! ```text
//! file    = magic key *record
//! magic   = 24 bytes
//! key     = 12 bytes, 48 bytes           nonce, and the file's own key, sealed under one that follows from the master key
//! record  = number length sealed         4 bytes, 4 bytes, as many
//! sealed  = under the file's key, with the number as nonce: a zstd frame of MessagePack
//! ```
//! The first record is the [`Header`], the last says how many there are; between them parts of tenants (`domain::snapshot`), in any order.
//!
//! It holds what persons' keys keep closed in the log, so it is sealed as a whole, under a key of its own that is nowhere else:
//! before a person's key is destroyed, that one is ([`Checkpoints::forget`]).

mod load;
mod store;

use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use domain::id::TenantId;
use domain::position::{Hash, Position};
use domain::snapshot::Snapshot;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::broken::Broken;
use crate::cipher;
use crate::frame::{Checksum, Tip};
use crate::index::{Entries, Index};
use crate::master::MasterKey;
use crate::reader::Reader;

pub(crate) use load::{Found, find};

const MAGIC: &[u8; 24] = b"rollbook checkpoint, 1.\n";
/// Bytes of the nonce and the sealed key.
const KEY: usize = 12 + 32 + 16;
const LABEL: &str = "checkpoint";
const ZSTD_LEVEL: i32 = 1;
/// Bytes that a record may have; a part is far smaller, but for one with very large groups.
const RECORD: usize = 1 << 30;

/// Which place of the log a checkpoint stands for.
#[derive(Serialize, Deserialize)]
struct Header {
    /// What the parts are like; see [`domain::snapshot::form`].
    form: u64,
    frames: u64,
    checksum: Checksum,
    latest: Option<(TenantId, Position, Hash)>,
    tenants: Entries,
}

/// Where checkpoints of a log are kept. All clones are the same place.
#[derive(Clone)]
pub struct Checkpoints {
    place: Arc<Place>,
}

struct Place {
    path: PathBuf,
    master: MasterKey,
    reader: Reader,
    // Counts how often everything was thrown away: what was begun before is not put in place after.
    forgotten: Mutex<u64>,
    // What the log was opened with.
    found: Mutex<Option<Found>>,
    // What of the log was not read when it was opened.
    unread: Option<(Tip, Index)>,
}

/// That there is no checkpoint, and none is begun while this lasts.
pub struct Forgotten<'a> {
    _none_begins: std::sync::MutexGuard<'a, u64>,
}

/// What was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Commits that the checkpoint holds, of all tenants together.
    pub commits: u64,
    /// Bytes of the file.
    pub bytes: u64,
}

/// Why no checkpoint was written. The one before stands, if there was one.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// A person is being erased, or whoever waits for it gave up.
    #[error("it was given up")]
    GivenUp,
    /// The disk is too full for it.
    #[error("the disk is nearly full")]
    NoSpace,
    /// A file cannot be written.
    #[error("`{}` could not be written: {error}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why not.
        #[source]
        error: io::Error,
    },
    /// There is no randomness for a key.
    #[error(transparent)]
    Key(#[from] Broken),
}

impl Checkpoints {
    pub(crate) fn new(
        path: PathBuf,
        master: MasterKey,
        reader: Reader,
        found: Option<Found>,
    ) -> Self {
        let unread = found.as_ref().map(|found| (found.tip, found.index.clone()));
        let (forgotten, found) = (Mutex::default(), Mutex::new(found));
        Self { place: Arc::new(Place { path, master, reader, forgotten, found, unread }) }
    }

    /// The tenants of the checkpoint that the log was opened with, and how many frames it stands for. None: there was none, it is
    /// damaged, or it was loaded before; then the log is to be read from its first commit.
    pub fn load(&self) -> Option<(Vec<(TenantId, Snapshot)>, u64)> {
        let found = self.place.found.lock().unwrap_or_else(PoisonError::into_inner).take()?;
        let frames = found.tip.frames;
        let loaded = found.load();
        if loaded.is_none() {
            let path = self.place.path.display();
            tracing::warn!("the checkpoint `{path}` is damaged; the log is read as a whole");
        }
        Some((loaded?, frames))
    }

    /// Frames that were not read when the log was opened.
    pub fn unread(&self) -> u64 {
        self.place.unread.as_ref().map_or(0, |(tip, _)| tip.frames)
    }

    /// Reads what was not read when the log was opened, and all persons' keys: the chain, each tenant's links, every checksum. `progress`
    /// is told the number of each frame, and says whether to go on.
    ///
    /// # Errors
    /// When anything is damaged or missing, or the checkpoint stands for another log than this.
    pub fn verify(&self, progress: impl FnMut(u64) -> bool) -> Result<(), Broken> {
        match &self.place.unread {
            Some((tip, index)) => self.place.reader.verify(*tip, index, progress),
            None => Ok(()),
        }
    }

    /// Writes a checkpoint of all tenants beside the one that is there, and puts it in its place. `world` gives them as they are
    /// now; it is asked again until it has got as far as the log. `stop` is asked now and then whether to give up.
    ///
    /// # Errors
    /// See [`CheckpointError`]; nothing has changed then.
    pub fn keep(
        &self,
        world: impl Fn() -> Vec<(TenantId, Arc<Snapshot>)>,
        stop: &(dyn Fn() -> bool + Sync),
    ) -> Result<Kept, CheckpointError> {
        let forgotten = *self.forgotten();
        let (tip, index, latest) = self.place.reader.mark();
        let world = loop {
            let world = world();
            if has_reached(&world, &index) {
                break world;
            }
            if stop() {
                return Err(CheckpointError::GivenUp);
            }
            std::thread::sleep(std::time::Duration::from_millis(1));
        };
        let header = Header::of(tip, &index, latest);
        let draft = self.place.path.with_extension("draft");
        let stop = &|| stop() || self.place.reader.is_short_of_space();
        let begun = self.write(&draft, &header, &world, stop);
        let done = begun.and_then(|(mut file, key, bytes)| {
            // What was forgotten since, nobody may find here.
            let now = self.forgotten();
            if *now != forgotten {
                return Err(CheckpointError::GivenUp);
            }
            self.place.put(&draft, &mut file, &key).map_err(failed(&draft))?;
            drop(now);
            let commits = world.iter().filter_map(|(_, one)| one.head.position);
            Ok(Kept { commits: commits.map(Position::get).sum(), bytes })
        });
        if done.is_err() {
            // It has no key, so what is left of it is noise.
            std::fs::remove_file(&draft).ok();
        }
        done
    }

    /// Throws away what is kept, and whatever is being written. Nothing opens it after, and no other one is begun before the answer
    /// is dropped: until then, append what it must not show.
    ///
    /// # Errors
    /// When the disk fails; then it may be there still.
    pub fn forget(&self) -> io::Result<Forgotten<'_>> {
        let mut forgotten = self.forgotten();
        *forgotten += 1;
        remove(&self.place.path)?;
        Ok(Forgotten { _none_begins: forgotten })
    }

    fn forgotten(&self) -> std::sync::MutexGuard<'_, u64> {
        self.place.forgotten.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(
        &self,
        draft: &Path,
        header: &Header,
        world: &[(TenantId, Arc<Snapshot>)],
        stop: &(dyn Fn() -> bool + Sync),
    ) -> Result<(File, Zeroizing<[u8; 32]>, u64), CheckpointError> {
        if self.place.reader.is_short_of_space() {
            return Err(CheckpointError::NoSpace);
        }
        let mut key = Zeroizing::new([0; 32]);
        cipher::random(key.as_mut())?;
        std::fs::remove_file(draft).ok();
        let mut options = File::options();
        options.write(true).create_new(true).mode(0o600);
        let mut file = options.open(draft).map_err(failed(draft))?;
        // The place of the key stays empty until the file is whole.
        file.write_all(&[0; MAGIC.len() + KEY]).map_err(failed(draft))?;
        let bytes = store::write(&mut file, &key, header, world, stop)
            .map_err(|error| error.map_or(CheckpointError::GivenUp, failed(draft)))?;
        Ok((file, key, (MAGIC.len() + KEY) as u64 + bytes))
    }
}

impl Place {
    /// Gives a whole file its key and its name.
    fn put(&self, draft: &Path, file: &mut File, key: &[u8; 32]) -> io::Result<()> {
        let mut nonce = [0; 12];
        cipher::random(&mut nonce).map_err(io::Error::other)?;
        let under = self.master.derive(LABEL, &[]);
        let sealed = cipher::seal(&under, &nonce, MAGIC, key).unwrap_or_default();
        file.write_all_at(&[MAGIC.as_slice(), &nonce, &sealed].concat(), 0)?;
        file.sync_all()?;
        std::fs::rename(draft, &self.path)?;
        match self.path.parent() {
            Some(dir) => File::open(dir)?.sync_all(),
            None => Ok(()),
        }
    }
}

/// Destroys the key of a checkpoint, then its file.
pub(crate) fn remove(path: &Path) -> io::Result<()> {
    match File::options().write(true).open(path) {
        Ok(file) => {
            file.write_all_at(&[0; MAGIC.len() + KEY], 0)?;
            file.sync_data()?;
            std::fs::remove_file(path)?;
            match path.parent() {
                Some(dir) => File::open(dir)?.sync_all(),
                None => Ok(()),
            }
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

impl Header {
    fn of(tip: Tip, index: &Index, latest: Option<(TenantId, Position, Hash)>) -> Header {
        Header {
            form: domain::snapshot::form(),
            frames: tip.frames,
            checksum: tip.checksum,
            latest,
            tenants: index
                .entries()
                .map(|(id, head, firsts)| (id, head, firsts.to_vec()))
                .collect(),
        }
    }
}

fn has_reached(world: &[(TenantId, Arc<Snapshot>)], index: &Index) -> bool {
    index.entries().all(|(tenant, head, _)| {
        let place = world.binary_search_by_key(&tenant, |(id, _)| *id);
        place
            .ok()
            .and_then(|place| world.get(place))
            .is_some_and(|(_, one)| one.head.position >= head.position)
    })
}

fn failed(path: &Path) -> impl Fn(io::Error) -> CheckpointError + '_ {
    |error| CheckpointError::File { path: path.to_owned(), error }
}

/// The nonce of a record: no two of a file are the same, and the file's key is used for nothing else.
fn nonce(number: u32) -> [u8; 12] {
    let [a, b, c, d] = number.to_be_bytes();
    [0, 0, 0, 0, 0, 0, 0, 0, a, b, c, d]
}
