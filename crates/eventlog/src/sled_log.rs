//! The log on disk, in sled: the only file that knows sled.
//!
//! sled is fast and forgetful. What it was seen to lose, and how often, is why this file flushes
//! twice, writes no large values, refuses to overwrite, and believes nothing at open:
//!
//! - its `flush` leaves data in the drive's cache: after each one we sync its file ourselves;
//! - a value that outgrows a page goes to a file that is never synced: frames stay far below that,
//!   and such a file is a refusal to open;
//! - a damaged tail is forgotten without a word: the frames are a chain, and a witness beside the
//!   store says where it ended;
//! - damage makes it panic: every call into it is caught;
//! - a batch is seen by its readers before it is durable: nobody reads past what is published.

mod rekey;
mod repair;

use std::any::Any;
use std::fs::File;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use domain::id::{TenantId, UserId};
use domain::position::Position;

use crate::broken::Broken;
use crate::checkpoint::{self, Checkpoints};
use crate::cipher;
use crate::encode::Sealed;
use crate::folder::{Folder, at};
use crate::frame::Tip;
use crate::heads::TenantEnd;
use crate::histogram::{Histogram, TIMES};
use crate::journal::{self, Journal, JournalError, Place, Refusals};
use crate::keys;
use crate::limits::{BALLAST_BYTES, CACHE_BYTES, FREE_BYTES, REOPEN_BYTES, SEGMENT_BYTES};
use crate::log::{AppendError, AppendFault, EventLog, LogReader};
use crate::master::MasterKey;
use crate::reader::{Fresh, Reader, Store, Survey, survey};
use crate::space::Space;
use crate::turn::Turn;
use crate::witness::{self, Testimony, Witness, Witnessed};

pub use rekey::{NewKey, RekeyError, Rekeyed};
pub use repair::{Examined, RepairError};

/// The log of a data folder.
pub struct SledLog {
    // Read first, written last: dropped before the store, which waits for its own threads.
    witness: Witness,
    store: Arc<SledStore>,
    reader: Reader,
    journal: Journal,
    checkpoints: Checkpoints,
    tip: Tip,
}

/// How a log is opened.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Whether the log must reach as far as its witness.
    pub tail: Tail,
    /// Bytes that must be free on the disk before anything is written.
    pub free_bytes: u64,
    /// Bytes of the ballast file; zero for none.
    pub ballast_bytes: u64,
    /// How much of the log is read before it is open.
    pub check: Check,
}

/// How much of a log is read before it is open.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Check {
    /// Everything after the checkpoint, if there is one. The rest is to be checked behind the first answers, by
    /// [`Checkpoints::verify`](crate::Checkpoints::verify).
    Rest,
    /// Everything.
    Whole,
}

/// Whether a log must reach as far as its witness.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Tail {
    /// It must: otherwise commits were lost, and the log does not open.
    Witnessed,
    /// It is taken as it is, and the witness made anew: what was lost stays lost.
    AsItIs,
}

/// How far the check of a log is that is being opened.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Progress {
    /// Frames checked.
    pub done: u64,
    /// Frames in all.
    pub total: u64,
}

/// Why a log did not open.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another program has it open.
    #[error("the data folder `{}` is in use by another process; stop that one first", dir.display())]
    InUse {
        /// The data folder.
        dir: PathBuf,
    },
    /// A file or folder cannot be used.
    #[error("`{}` could not be used: {error}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why not.
        #[source]
        error: io::Error,
    },
    /// The store made a file that is never synced.
    #[error(
        "`{}` holds a value that may not be durable, which no release of this program writes; \
         restore the newest archive into a new folder with `rollbook replay`", path.display()
    )]
    Blob {
        /// The file.
        path: PathBuf,
    },
    /// The store cannot be opened at all.
    #[error(
        "the log's store is damaged ({reason}); it was copied to `{}` as it was; restore the newest \
         archive into a new folder with `rollbook replay`, or see with `rollbook repair` what can be had \
         without one", copy.display()
    )]
    Damaged {
        /// What the store said.
        reason: String,
        /// Where the damaged files were copied.
        copy: PathBuf,
    },
    /// The data folder belongs to another master key.
    #[error(
        "the data folder was made with another master key; give that one in `ROLLBOOK_MASTER_KEY` or \
         with `--master-key-file`"
    )]
    WrongMasterKey,
    /// The log is damaged.
    #[error(
        "{0}; restore the newest archive into a new folder with `rollbook replay`, or see with `rollbook \
         repair` what can be had without one"
    )]
    Broken(#[from] Broken),
    /// Acknowledged commits are gone from the end of the log.
    #[error("{0}")]
    LostTail(Box<LostTail>),
    /// The witness is gone or unreadable, so nobody knows whether the log is whole.
    #[error(
        "the head witness `{}` is {what}, so it is unknown whether the end of the log is there; put \
         the file back, restore the newest archive into a new folder with `rollbook replay`, or see with \
         `rollbook repair` what can be had without one",
        path.display()
    )]
    NoWitness {
        /// The file.
        path: PathBuf,
        /// Missing, or damaged.
        what: &'static str,
    },
    /// The refusal journal is unusable.
    #[error(transparent)]
    Journal(#[from] JournalError),
}

/// What the witness says was there, and what is.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error(
    "acknowledged commits are gone: the log had {had} frames, up to position {position} of tenant \
     {tenant}, and frames {} to {had} are gone or others; lost: {}; restore the newest archive into a new \
     folder with `rollbook replay`, or see with `rollbook repair` what can be had without one",
    good + 1, said_lost(lost)
)]
pub struct LostTail {
    /// Frames that there were.
    pub had: u64,
    /// Frames that are there and may be trusted.
    pub good: u64,
    /// The tenant of the last commit that there was.
    pub tenant: TenantId,
    /// That commit's position.
    pub position: Position,
    /// Where that tenant's log ends now.
    pub last: Option<Position>,
    /// What is known to be gone, by tenant. Of other tenants than the last commit's it may be up to
    /// [`WITNESS_SYNC_SECONDS`](crate::limits::WITNESS_SYNC_SECONDS) more.
    pub lost: Vec<LostRange>,
}

/// Positions of a tenant's log that were acknowledged and are gone, both ends included.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LostRange {
    /// Whose log.
    pub tenant: TenantId,
    /// The first that is gone.
    pub from: Position,
    /// The last that was.
    pub to: Position,
}

impl std::fmt::Display for LostRange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { tenant, from, to } = self;
        if from == to {
            return write!(f, "position {from} of tenant {tenant}");
        }
        write!(f, "positions {from} to {to} of tenant {tenant}")
    }
}

/// Ranges that a message names before it counts the rest.
const LOST_NAMED: usize = 8;

fn said_lost(lost: &[LostRange]) -> String {
    if lost.is_empty() {
        return "of another history, it is not known which".to_owned();
    }
    let mut named: Vec<String> = lost.iter().take(LOST_NAMED).map(ToString::to_string).collect();
    if let Some(more @ 1..) = lost.len().checked_sub(LOST_NAMED) {
        named.push(format!("and of {more} more tenants"));
    }
    named.join(", ")
}

impl Default for Options {
    fn default() -> Self {
        Self {
            tail: Tail::Witnessed,
            free_bytes: FREE_BYTES,
            ballast_bytes: BALLAST_BYTES,
            check: Check::Rest,
        }
    }
}

impl SledLog {
    /// Opens the log of a data folder, or makes both, and checks every frame of it.
    ///
    /// # Errors
    /// When anything that was acknowledged is damaged or missing, the folder is in use, or the
    /// master key is another.
    pub fn open(dir: &Path, master: MasterKey) -> Result<Self, OpenError> {
        Self::open_with(dir, master, Options::default(), |_| {})
    }

    /// As [`SledLog::open`]; `progress` is told about each frame.
    ///
    /// # Errors
    /// As [`SledLog::open`].
    pub fn open_with(
        dir: &Path,
        master: MasterKey,
        options: Options,
        mut progress: impl FnMut(Progress),
    ) -> Result<Self, OpenError> {
        let folder = Folder::take(dir)?;
        let space = Space {
            dir: dir.to_owned(),
            ballast: folder.ballast(),
            needed: options.free_bytes,
            ballast_bytes: options.ballast_bytes,
        };
        space.make_room().map_err(at(dir))?;
        let testimony = witness::read(&folder.witness()).map_err(at(&folder.witness()))?;
        let ends = match options.tail {
            Tail::Witnessed => folder.heads().read().map_err(at(dir))?,
            Tail::AsItIs => {
                folder.heads().remove().map_err(at(dir))?;
                Vec::new()
            }
        };
        refuse_lost_store(&folder, testimony, &ends, options.tail)?;
        let mut store = SledStore::open(folder, space)?;
        let last = store.last_frame()?;
        let made_with = store.check_master(&master, last)?;
        let path = store.folder.checkpoint();
        let checkpoint = match options.check {
            Check::Rest => checkpoint::find(&path, &master),
            Check::Whole => None,
        };
        let checkpoint = match checkpoint {
            Some(found) if store.leads_to(&found, last, options.tail)? => Some(found),
            Some(_) | None => None,
        };
        let begin = checkpoint.as_ref().map(checkpoint::Found::place).unwrap_or_default();
        let found = std::thread::scope(|scope| {
            // Beside the frames: of a long log either takes seconds, and each is one thread's work.
            let keys = checkpoint.is_none().then(|| scope.spawn(|| store.check_keys()));
            let found =
                survey(&store, begin, last, |done, total| progress(Progress { done, total }))?;
            let keys = keys.map(|keys| keys.join().unwrap_or_else(|panic| resume_unwind(panic)));
            keys.transpose()?;
            Ok::<_, Broken>(found)
        })?;
        store.compare(&found, testimony, &ends, options.tail)?;
        if made_with == MadeWith::Nothing {
            store.keep_to_master(&master)?;
        }
        if found.bytes > REOPEN_BYTES {
            store = store.reopen()?;
        }
        let now = Witnessed::of(found.tip, found.latest);
        let (witness, heads) = (store.folder.witness(), store.folder.heads());
        store.space.load_ballast().map_err(at(&store.space.ballast))?;
        let store = Arc::new(store);
        let journal = Journal::open(Box::new(SledRefusals(store.clone())), master.clone())?;
        let end = (found.tip, found.latest);
        let reader = Reader::new(store.clone(), master.clone(), Fresh::Random, found.index, end);
        let each = {
            let reader = reader.clone();
            move || heads.write(&reader.heads())
        };
        let witness = Witness::create(&witness, &now, each).map_err(at(&witness))?;
        store.folder.sync()?;
        let checkpoints = Checkpoints::new(path, master, reader.clone(), checkpoint);
        Ok(Self { witness, store, reader, journal, checkpoints, tip: found.tip })
    }
}

impl EventLog for SledLog {
    type Reader = Reader;

    fn append(mut self, batch: &[Sealed]) -> Result<Self, AppendError<Self>> {
        let Some(latest) = batch.last() else { return Ok(self) };
        let turn = match self.prepare(batch) {
            Ok(turn) => turn,
            Err(cause) => return Err(AppendError { cause, log: Some(self) }),
        };
        self.store.write(self.tip.frames, &turn).map_err(AppendError::lost)?;
        let latest = (latest.tenant, latest.position, latest.hash);
        // The turn is durable, but a witness that cannot be written is a failing disk.
        self.witness.write(&Witnessed::of(turn.tip, Some(latest))).map_err(AppendError::lost)?;
        self.tip = turn.tip;
        self.reader.publish(&turn.commits, turn.tip);
        Ok(self)
    }

    fn reader(&self) -> Reader {
        self.reader.clone()
    }

    fn journal(&self) -> Journal {
        self.journal.clone()
    }

    fn checkpoints(&self) -> Option<Checkpoints> {
        Some(self.checkpoints.clone())
    }

    fn syncs(&self) -> Option<Arc<Histogram>> {
        Some(self.store.syncs.clone())
    }
}

impl Drop for SledLog {
    fn drop(&mut self) {
        // For the refusal journal, which has no flush of its own.
        if let Err(reason) = self.store.flush() {
            tracing::warn!(reason, "the last refusals may be lost");
        }
    }
}

impl SledLog {
    /// Everything that can fail before a byte is written.
    fn prepare(&self, batch: &[Sealed]) -> Result<Turn, AppendFault> {
        let disk = |error: io::Error| AppendFault::Disk { reason: error.to_string() };
        if let Some(free) = self.store.space.lacking().map_err(disk)? {
            return Err(AppendFault::NoSpace { free, needed: self.store.space.needed });
        }
        let turn = Turn::new(&self.reader, self.tip, batch)?;
        for (number, _) in (self.tip.frames + 1..).zip(&turn.frames) {
            let there = self.store.frame(number);
            if there.map_err(|error| AppendFault::Disk { reason: error.to_string() })?.is_some() {
                return Err(AppendFault::Taken { frame: number });
            }
        }
        Ok(turn)
    }
}

/// sled, and the folder it is in.
struct SledStore {
    db: sled::Db,
    refusals: sled::Tree,
    /// Our own handle on sled's file, to sync it.
    file: File,
    /// How long each sync took, in nanoseconds.
    syncs: Arc<Histogram>,
    space: Space,
    // Last: the folder is given up when sled has let go of its files.
    folder: Folder,
}

/// Keys of the main tree: frames, persons' keys, and what says whose master key it is.
const FRAME: &[u8] = b"f";
const KEY: &[u8] = b"k";
const MASTER: &[u8] = b"m";
/// What stands under [`MASTER`], sealed: nonce, then this.
const MASTER_TEXT: &[u8] = b"rollbook";
const MASTER_LABEL: &str = "whose data folder";
const REFUSALS: &str = "refusals";
/// How a log is opened that was repaired.
const MADE_ANEW: Options =
    Options { tail: Tail::AsItIs, free_bytes: 0, ballast_bytes: 0, check: Check::Whole };
/// How long sled's threads may take to let go of a lock after it was closed.
pub(crate) const UNLOCK: Duration = Duration::from_secs(10);

impl SledStore {
    fn open(folder: Folder, space: Space) -> Result<Self, OpenError> {
        folder.remove_generating()?;
        folder.refuse_blobs()?;
        let path = folder.log();
        let (db, refusals) = match open_db(&path) {
            Ok(opened) => opened,
            Err(Refused::Locked) => {
                return Err(OpenError::InUse { dir: folder.dir().to_owned() });
            }
            Err(Refused::System(error)) => return Err(at(&path)(error)),
            Err(Refused::Corrupt(reason)) => {
                let copy = folder.copy_aside()?;
                tracing::warn!(
                    reason,
                    "the log's store did not open; it was copied to `{}` and its snapshot is made anew",
                    copy.display()
                );
                folder.remove_snapshots()?;
                open_db(&path).map_err(|again| match again {
                    Refused::Locked => OpenError::InUse { dir: folder.dir().to_owned() },
                    Refused::System(error) => at(&path)(error),
                    Refused::Corrupt(reason) => OpenError::Damaged { reason, copy },
                })?
            }
        };
        let path = folder.db();
        let file = File::options().read(true).write(true).open(&path).map_err(at(&path))?;
        let syncs = Arc::new(Histogram::new(TIMES));
        let store = Self { db, refusals, file, syncs, space, folder };
        store.flush().map_err(|reason| Broken::Store { reason })?;
        store.folder.sync()?;
        Ok(store)
    }

    /// Closes sled and opens it once more: a scan leaves much of the log in its cache, whatever
    /// limit that has.
    fn reopen(self) -> Result<Self, OpenError> {
        let Self { db, refusals, file, space, folder, .. } = self;
        drop((db, refusals, file));
        Self::open(folder, space)
    }

    /// One flush, one sync: the turn is durable after, or not there.
    ///
    /// The store cuts its own log before and after the head of a batch, and waits for the disk each time, so one is made only where
    /// all or nothing must be there. What is written one by one is there after a cut up to some point: a frame goes behind the
    /// keys that its commits need, and keys without their commits are in nobody's way ([`Turn::new`]).
    fn write(&self, frames: u64, turn: &Turn) -> Result<(), String> {
        match &*turn.frames {
            // Who is erased must not lose their key before the log says so.
            [frame] if !turn.erases => guard(|| {
                for ((tenant, user), record) in &turn.keys {
                    self.db.insert(person_key(*tenant, *user), record.as_slice())?;
                }
                self.db.insert(frame_key(frames + 1), frame.as_slice()).map(drop)
            })?,
            _ => {
                let mut batch = sled::Batch::default();
                for (number, frame) in (frames + 1..).zip(&turn.frames) {
                    batch.insert(frame_key(number), frame.as_slice());
                }
                for ((tenant, user), record) in &turn.keys {
                    batch.insert(person_key(*tenant, *user), record.as_slice());
                }
                guard(|| self.db.apply_batch(batch))?;
            }
        }
        self.flush()
    }

    fn flush(&self) -> Result<(), String> {
        guard(|| self.db.flush())?;
        let begun = Instant::now();
        let synced = self.file.sync_data();
        self.syncs.took(begun.elapsed());
        synced.map_err(|error| error.to_string())
    }

    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Broken> {
        guard(|| self.db.get(key))
            .map(|value| value.map(|value| value.to_vec()))
            .map_err(|reason| Broken::Store { reason })
    }

    fn last_frame(&self) -> Result<u64, Broken> {
        let last = guard(|| self.db.scan_prefix(FRAME).keys().next_back().transpose());
        let last = last.map_err(|reason| Broken::Store { reason })?;
        Ok(last.as_deref().and_then(|key| number(key.strip_prefix(FRAME)?)).unwrap_or(0))
    }

    /// A folder keeps to the master key that it was made with.
    fn check_master(&self, master: &MasterKey, frames: u64) -> Result<MadeWith, OpenError> {
        let Some(record) = self.get(MASTER)? else {
            if frames == 0 {
                return Ok(MadeWith::Nothing);
            }
            let reason = "what says whose master key it has is gone".to_owned();
            return Err(Broken::Store { reason }.into());
        };
        let key = master.derive(MASTER_LABEL, &[]);
        let opened = record
            .split_first_chunk::<12>()
            .and_then(|(nonce, sealed)| cipher::open(&key, nonce, MASTER, sealed));
        match opened.as_deref() {
            Some(MASTER_TEXT) => Ok(MadeWith::This),
            Some(_) | None => Err(OpenError::WrongMasterKey),
        }
    }

    fn keep_to_master(&self, master: &MasterKey) -> Result<(), OpenError> {
        let key = master.derive(MASTER_LABEL, &[]);
        let mut nonce = [0; 12];
        cipher::random(&mut nonce)?;
        let sealed = cipher::seal(&key, &nonce, MASTER, MASTER_TEXT).unwrap_or_default();
        let record = [nonce.as_slice(), &sealed].concat();
        guard(|| self.db.insert(MASTER, record))
            .and_then(|_| self.flush())
            .map_err(|reason| Broken::Store { reason }.into())
    }

    /// Checks the checksum of every person's key.
    fn check_keys(&self) -> Result<(), Broken> {
        let mut keys = self.db.scan_prefix(KEY);
        while let Some((place, record)) = next(&mut keys)? {
            let (tenant, user) = person(&place)?;
            keys::check(tenant, user, &record)?;
        }
        Ok(())
    }

    /// Compares the log with its witness.
    fn compare(
        &self,
        found: &Survey,
        testimony: Testimony,
        ends: &[TenantEnd],
        tail: Tail,
    ) -> Result<(), OpenError> {
        let path = self.folder.witness();
        let witnessed = match (testimony, tail) {
            (_, Tail::AsItIs) => return Ok(()),
            // The witness is made before the first turn, so only a first start can find none.
            (Testimony::Absent, Tail::Witnessed) if found.tip.frames == 0 => return Ok(()),
            (Testimony::Absent, Tail::Witnessed) => {
                return Err(OpenError::NoWitness { path, what: "missing" });
            }
            (Testimony::Damaged, Tail::Witnessed) => {
                return Err(OpenError::NoWitness { path, what: "damaged" });
            }
            (Testimony::Ended(witnessed), Tail::Witnessed) => witnessed,
        };
        let Some((tenant, position, _)) = witnessed.latest else { return Ok(()) };
        let had = witnessed.frames;
        let same = found.tip.frames >= had && self.checksum(had)? == Some(witnessed.checksum);
        let latest = witnessed.latest.filter(|_| !same);
        let lost = repair::lost(ends, latest, |tenant| found.index.head(tenant).position);
        if same && lost.is_empty() {
            return Ok(());
        }
        // The same length, and another history: nothing says where the two part but that frame.
        let good = found.tip.frames.min(had.saturating_sub(1));
        let last = found.index.head(tenant).position;
        Err(OpenError::LostTail(Box::new(LostTail { had, good, tenant, position, last, lost })))
    }

    /// Whether the log leads to the place that a checkpoint stands for. One that stands for more than there is knows of commits that
    /// are gone.
    fn leads_to(
        &self,
        found: &checkpoint::Found,
        last: u64,
        tail: Tail,
    ) -> Result<bool, OpenError> {
        let had = found.tip.frames;
        if had == 0 || (last >= had && self.checksum(had)? == Some(found.tip.checksum)) {
            return Ok(true);
        }
        let ends: Vec<TenantEnd> = self.folder.heads().read().unwrap_or_default();
        match (found.latest, tail) {
            (Some((tenant, position, _)), Tail::Witnessed) if last < had => {
                Err(OpenError::LostTail(Box::new(LostTail {
                    had,
                    good: last,
                    tenant,
                    position,
                    last: found.index.last_in(tenant, last),
                    lost: repair::lost(&ends, found.latest, |of| found.index.last_in(of, last)),
                })))
            }
            _ => Ok(false),
        }
    }

    fn checksum(&self, number: u64) -> Result<Option<[u8; 16]>, Broken> {
        match self.frame(number)? {
            Some(bytes) => Ok(Some(crate::frame::unpack(number, &bytes)?.checksum)),
            None => Ok(None),
        }
    }
}

impl Store for SledStore {
    fn frame(&self, number: u64) -> Result<Option<Vec<u8>>, Broken> {
        self.get(&frame_key(number))
    }

    fn key(&self, tenant: TenantId, user: UserId) -> Result<Option<Vec<u8>>, Broken> {
        self.get(&person_key(tenant, user))
    }

    fn keys(&self, tenant: TenantId) -> Result<Vec<(UserId, Vec<u8>)>, Broken> {
        let mut keys = self.db.scan_prefix([KEY, tenant.uuid().as_bytes()].concat());
        let mut found = Vec::new();
        while let Some((place, record)) = next(&mut keys)? {
            found.push((person(&place)?.1, record));
        }
        Ok(found)
    }

    fn is_short_of_space(&self) -> bool {
        // Who cannot say how much there is must not fill it.
        self.space.lacking().map_or(true, |lacking| lacking.is_some())
    }
}

/// The tree of the refusal journal.
struct SledRefusals(Arc<SledStore>);

impl Refusals for SledRefusals {
    fn put(&self, place: Place, entry: Option<Vec<u8>>) -> Result<(), String> {
        let key = journal::companions(place);
        match entry {
            Some(entry) => {
                if self.0.space.lacking().map_err(|error| error.to_string())?.is_some() {
                    return Err("the disk is nearly full; make room".to_owned());
                }
                guard(|| self.0.refusals.insert(key, entry))
            }
            None => guard(|| self.0.refusals.remove(key)),
        }
        .map(drop)
    }

    fn replace(&self, old: Place, place: Place, entry: Vec<u8>) -> Result<(), String> {
        if self.0.space.lacking().map_err(|error| error.to_string())?.is_some() {
            return Err("the disk is nearly full; make room".to_owned());
        }
        let mut batch = sled::Batch::default();
        batch.remove(journal::companions(old));
        batch.insert(journal::companions(place), entry);
        guard(|| self.0.refusals.apply_batch(batch))
    }

    fn flush(&self) -> Result<(), String> {
        self.0.flush()
    }

    fn get(&self, place: Place) -> Result<Option<Vec<u8>>, String> {
        let entry = guard(|| self.0.refusals.get(journal::companions(place)))?;
        Ok(entry.map(|entry| entry.to_vec()))
    }

    fn places(&self) -> Result<Vec<Place>, String> {
        let mut entries = self.0.refusals.iter();
        let mut places = Vec::new();
        while let Some((key, _)) = next(&mut entries).map_err(|error| error.to_string())? {
            let place = key
                .split_first_chunk::<16>()
                .and_then(|(tenant, rest)| Some((id(tenant)?, number(rest)?)));
            places.push(place.ok_or("a key of no known form")?);
        }
        Ok(places)
    }
}

/// Which master key a data folder was made with, if it is not another.
#[derive(PartialEq, Eq)]
enum MadeWith {
    This,
    Nothing,
}

/// The store's file may be gone as a whole, as when a disk is not mounted. sled would begin a new
/// one in its place.
fn refuse_lost_store(
    folder: &Folder,
    testimony: Testimony,
    ends: &[TenantEnd],
    tail: Tail,
) -> Result<(), OpenError> {
    match (testimony, tail) {
        (
            Testimony::Ended(Witnessed {
                frames: had,
                latest: latest @ Some((tenant, position, _)),
                ..
            }),
            Tail::Witnessed,
        ) if !folder.db().exists() => {
            let lost = repair::lost(ends, latest, |_| None);
            let lost = LostTail { had, good: 0, tenant, position, last: None, lost };
            Err(OpenError::LostTail(Box::new(lost)))
        }
        _ => Ok(()),
    }
}

/// Why sled did not open.
enum Refused {
    Locked,
    System(io::Error),
    Corrupt(String),
}

fn open_db(path: &Path) -> Result<(sled::Db, sled::Tree), Refused> {
    let config = sled::Config::new()
        .path(path)
        .segment_size(SEGMENT_BYTES)
        .cache_capacity(CACHE_BYTES)
        .flush_every_ms(None);
    let begun = Instant::now();
    loop {
        let opened = catch_unwind(AssertUnwindSafe(|| {
            let db = config.open()?;
            let refusals = db.open_tree(REFUSALS)?;
            Ok((db, refusals))
        }));
        match opened {
            Ok(Ok(opened)) => return Ok(opened),
            // We hold the data folder, so the other one is a thread of a store that we closed.
            Ok(Err(sled::Error::Io(error))) if error.to_string().contains("acquire lock") => {
                if begun.elapsed() > UNLOCK {
                    return Err(Refused::Locked);
                }
                std::thread::sleep(Duration::from_millis(10));
            }
            // The system's own words, as of a full disk: there is nothing to repair.
            Ok(Err(sled::Error::Io(error))) if error.raw_os_error().is_some() => {
                return Err(Refused::System(error));
            }
            Ok(Err(error)) => return Err(Refused::Corrupt(error.to_string())),
            Err(panic) => return Err(Refused::Corrupt(said(&*panic))),
        }
    }
}

/// Calls into sled; damage makes it panic.
fn guard<T>(call: impl FnOnce() -> sled::Result<T>) -> Result<T, String> {
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(done) => done.map_err(|error| error.to_string()),
        Err(panic) => Err(said(&*panic)),
    }
}

fn said(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("the store gave up").to_owned()
}

type Pair = (Vec<u8>, Vec<u8>);

fn next(entries: &mut sled::Iter) -> Result<Option<Pair>, Broken> {
    guard(|| entries.next().transpose())
        .map(|entry| entry.map(|(key, value)| (key.to_vec(), value.to_vec())))
        .map_err(|reason| Broken::Store { reason })
}

fn frame_key(number: u64) -> Vec<u8> {
    [FRAME, &number.to_be_bytes()].concat()
}

fn person_key(tenant: TenantId, user: UserId) -> Vec<u8> {
    [KEY, tenant.uuid().as_bytes(), user.uuid().as_bytes()].concat()
}

fn number(bytes: &[u8]) -> Option<u64> {
    <[u8; 8]>::try_from(bytes).ok().map(u64::from_be_bytes)
}

/// Whose key stands there.
fn person(place: &[u8]) -> Result<(TenantId, UserId), Broken> {
    place
        .strip_prefix(KEY)
        .and_then(|ids| ids.split_first_chunk::<16>())
        .and_then(|(tenant, user)| Some((id(tenant)?, id(user)?)))
        .ok_or_else(|| Broken::Store { reason: "a person's key of no known form".to_owned() })
}

/// The id with these bits.
fn id<T: serde::de::DeserializeOwned>(bits: &[u8]) -> Option<T> {
    rmp_serde::from_slice(&rmp_serde::to_vec(serde_bytes::Bytes::new(bits)).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reader::Reader;
    use domain::commit::Commit;
    use domain::event::Event;
    use domain::origin::{Actor, Origin};
    use domain::position::{Hash, Head};
    use domain::time::Timestamp;

    fn first(tenant: TenantId, reader: &Reader) -> Sealed {
        let request = "00000000-0000-7000-8000-000000000002".parse().unwrap();
        let commit = Commit {
            tenant,
            position: Head::EMPTY.next(),
            at: Timestamp::from_millis(0),
            prev: Hash::ZERO,
            origin: Origin {
                actor: Actor::System,
                request,
                source: None,
                agent: None,
                claimed: None,
            },
            events: vec![Event::TenantOpened { tenant, slug: "acme".to_owned() }],
        };
        crate::seal(&commit, reader).unwrap()
    }

    /// sled overwrites without a word. Seen to fail with the check of `Taken` left out of `prepare`.
    #[test]
    fn a_frame_is_never_written_over() {
        let dir = tempfile::tempdir().unwrap();
        let options = Options { free_bytes: 0, ballast_bytes: 0, ..Options::default() };
        let master = MasterKey::new([3; 32]);
        let mut log = SledLog::open_with(dir.path(), master, options, |_| {}).unwrap();
        let one = first(TenantId::SYSTEM, &log.reader);
        log = log.append(&[one]).unwrap();
        // As if this writer had not seen what another one wrote.
        log.tip = Tip::default();
        let other = "00000000-0000-7000-8000-000000000001".parse().unwrap();
        let batch = [first(other, &log.reader)];
        let error = log.append(&batch).err().unwrap();
        assert!(matches!(error.cause, AppendFault::Taken { frame: 1 }), "{error}");
        assert!(error.log.is_some(), "nothing was written");
    }

    /// What opens after a reopen is the same store.
    #[test]
    fn a_store_is_reopened_to_give_memory_back() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::take(dir.path()).unwrap();
        let space = Space {
            dir: dir.path().to_owned(),
            ballast: folder.ballast(),
            needed: 0,
            ballast_bytes: 0,
        };
        let mut store = SledStore::open(folder, space).unwrap();
        for number in 0..5u64 {
            guard(|| store.db.insert(frame_key(number), "a frame")).unwrap();
            store = store.reopen().unwrap();
            assert!(store.frame(number).unwrap().is_some());
        }
    }
}
