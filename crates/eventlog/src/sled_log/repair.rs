//! What can be had of a damaged log, and a log made of that.
//!
//! Looking changes nothing: the store changes its own files when it is opened, so it is a copy that is
//! opened. Repairing builds a fresh store of what is sound, and lets it take the damaged one's place, which
//! stays beside it. Nothing that a witness named is passed over in silence: what is lost is said.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use domain::id::{TenantId, UserId};
use domain::position::{Hash, Position};

use super::{
    FRAME, KEY, LostRange, MADE_ANEW, MASTER, OpenError, SledLog, SledStore, frame_key, guard,
    next, person, person_key,
};
use crate::broken::Broken;
use crate::checkpoint;
use crate::folder::{DB, Folder, LOG, at, copy_folder};
use crate::heads::TenantEnd;
use crate::keys;
use crate::master::MasterKey;
use crate::reader::{Survey, survey};
use crate::space::Space;
use crate::swap::{remove_folder, sync, wait_until_closed};
use crate::witness::{self, Testimony};

/// Where a copy is looked at and a fresh store grows, within the data folder.
const REPAIRING: &str = "repairing";
/// The fresh store, within that, when it is whole.
const WHOLE: &str = "whole";
/// Frames that are written between two syncs.
const FRAMES_AT_ONCE: u64 = 1_000;

/// What can be had of a log.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Examined {
    /// What is wrong, in words; nothing: the log is whole.
    pub faults: Vec<String>,
    /// Frames from the first on that are sound and follow each other.
    pub frames: u64,
    /// Where each tenant's log ends with these.
    pub ends: Vec<(TenantId, Position, Hash)>,
    /// What is known to be gone.
    pub lost: Vec<LostRange>,
    /// Persons whose keys are damaged: what they were called and reached by cannot be read any more.
    pub unreadable: Vec<(TenantId, UserId)>,
}

/// Why a log was not repaired.
#[derive(Debug, thiserror::Error)]
pub enum RepairError {
    /// The folder cannot be used.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// There is nothing to build on.
    #[error(
        "not one commit can be had: restore the newest archive into a new folder with `rollbook replay`"
    )]
    Nothing,
}

impl From<Broken> for RepairError {
    fn from(broken: Broken) -> Self {
        RepairError::Open(broken.into())
    }
}

impl Examined {
    /// Commits that can be had, of all tenants together.
    pub fn commits(&self) -> u64 {
        self.ends.iter().map(|(_, position, _)| position.get()).sum()
    }
}

impl SledLog {
    /// Looks what can be had of the log of a data folder that nobody has open, and changes nothing. It takes as much room again
    /// as the log has, for a while.
    ///
    /// # Errors
    /// When the folder or the copy cannot be used, or the master key is another.
    pub fn examine(
        dir: &Path,
        master: &MasterKey,
        progress: impl FnMut(u64, u64),
    ) -> Result<Examined, RepairError> {
        let folder = Folder::take(dir)?;
        carry_on(dir)?;
        let building = clear(dir)?;
        let looked = look(&folder, &building, master, progress);
        let examined = looked.map(|(examined, _)| examined);
        remove_folder(&building).map_err(at(&building))?;
        examined
    }

    /// Makes a log of what can be had, and lets it take the damaged one's place, which is kept: where, is said.
    /// Whatever cuts it off, either the folder does not open, and repairing it goes on, or it was repaired.
    ///
    /// # Errors
    /// When nothing can be had, or the folder cannot be used.
    pub fn repair(
        dir: &Path,
        master: &MasterKey,
        progress: impl FnMut(u64, u64),
    ) -> Result<(Examined, PathBuf), RepairError> {
        let folder = Folder::take(dir)?;
        carry_on(dir)?;
        let building = clear(dir)?;
        let (examined, store) = look(&folder, &building, master, progress)?;
        let Some(store) = store.filter(|_| examined.frames > 0) else {
            remove_folder(&building).map_err(at(&building))?;
            return Err(RepairError::Nothing);
        };
        let draft = building.join("fresh");
        fs::create_dir(&draft).map_err(at(&draft))?;
        let fresh = SledStore::open(Folder::take(&draft)?, no_space(&draft))?;
        fresh.take_over(&store, &examined, master)?;
        drop((store, fresh));
        wait_until_closed(&draft.join(LOG).join(DB)).map_err(at(&draft))?;
        fs::rename(draft.join(LOG), building.join(WHOLE)).map_err(at(&building))?;
        sync(&building).and_then(|()| sync(dir)).map_err(at(dir))?;
        // It stands for what the damaged log was.
        let checkpoint = folder.checkpoint();
        checkpoint::remove(&checkpoint).map_err(at(&checkpoint))?;
        let kept = folder.aside()?;
        fs::rename(folder.log(), &kept).map_err(at(&kept))?;
        settle(dir)?;
        drop(folder);
        // The witness is made anew, of what there is.
        drop(SledLog::open_with(dir, master.clone(), MADE_ANEW, |_| {})?);
        Ok((examined, kept))
    }
}

/// A swap that was cut off between its two renames is carried on.
fn carry_on(dir: &Path) -> Result<(), OpenError> {
    let whole = dir.join(REPAIRING).join(WHOLE);
    if whole.exists() && !dir.join(LOG).join(DB).exists() { settle(dir) } else { Ok(()) }
}

fn settle(dir: &Path) -> Result<(), OpenError> {
    let (building, log) = (dir.join(REPAIRING), dir.join(LOG));
    // Whoever took the folder made an empty one.
    fs::rename(building.join(WHOLE), &log).map_err(at(&log))?;
    sync(dir).map_err(at(dir))?;
    remove_folder(&building).map_err(at(&building))
}

fn clear(dir: &Path) -> Result<PathBuf, OpenError> {
    let building = dir.join(REPAIRING);
    remove_folder(&building).map_err(at(&building))?;
    fs::create_dir(&building).map_err(at(&building))?;
    Ok(building)
}

fn no_space(dir: &Path) -> Space {
    Space { dir: dir.to_owned(), ballast: dir.join("ballast"), needed: 0, ballast_bytes: 0 }
}

/// Opens a copy of the store, and reads as far as it is sound. No store: it does not open at all.
fn look(
    folder: &Folder,
    building: &Path,
    master: &MasterKey,
    mut progress: impl FnMut(u64, u64),
) -> Result<(Examined, Option<SledStore>), RepairError> {
    let testimony = witness::read(&folder.witness()).map_err(at(&folder.witness()))?;
    let ends = folder.heads().read().map_err(at(folder.dir()))?;
    let copy = building.join("copy");
    fs::create_dir(&copy).map_err(at(&copy))?;
    copy_folder(&folder.log(), &copy.join(LOG))?;
    let blobs = copy.join(LOG).join("blobs");
    remove_folder(&blobs).map_err(at(&blobs))?;
    let mut faults = Vec::new();
    let store = match SledStore::open(Folder::take(&copy)?, no_space(&copy)) {
        Ok(store) => Some(store),
        Err(OpenError::Damaged { reason, .. }) => {
            faults.push(format!("the log's store does not open: {reason}"));
            None
        }
        Err(error) => return Err(error.into()),
    };
    let mut found = Survey::default();
    let mut unreadable = Vec::new();
    if let Some(store) = &store {
        found = sound(store, &mut faults, &mut progress)?;
        match store.check_master(master, 0) {
            Err(error @ OpenError::WrongMasterKey) if found.tip.frames > 0 => {
                return Err(error.into());
            }
            Ok(super::MadeWith::Nothing) if found.tip.frames > 0 => {
                faults.push("what says whose master key it has is gone".to_owned());
            }
            Ok(_) | Err(_) => {}
        }
        unreadable = store.unreadable_keys(&mut faults);
    }
    let latest = match testimony {
        Testimony::Absent if found.tip.frames == 0 => None,
        Testimony::Absent => {
            faults.push("the head witness is missing".to_owned());
            None
        }
        Testimony::Damaged => {
            faults.push("the head witness is damaged".to_owned());
            None
        }
        Testimony::Ended(witnessed) => {
            let frames = witnessed.frames;
            let same = store.as_ref().is_none_or(|store| {
                store.checksum(frames).ok().flatten() == Some(witnessed.checksum)
            });
            if found.tip.frames >= frames && same {
                None
            } else {
                faults.push(format!("the log had {frames} frames, and has {}", found.tip.frames));
                witnessed.latest
            }
        }
    };
    let lost = lost(&ends, latest, |tenant| found.index.head(tenant).position);
    if faults.is_empty() && !lost.is_empty() {
        faults.push("the log ends before what was acknowledged".to_owned());
    }
    let heads = found.index.heads();
    let ends = heads.filter_map(|(id, head)| Some((id, head.position?, head.hash))).collect();
    let frames = found.tip.frames;
    Ok((Examined { faults, frames, ends, lost, unreadable }, store))
}

/// The frames from the first on that are sound. What stands after the first that is not is of no use: nothing links it to them.
fn sound(
    store: &SledStore,
    faults: &mut Vec<String>,
    progress: &mut impl FnMut(u64, u64),
) -> Result<Survey, RepairError> {
    let last = match store.last_frame() {
        Ok(last) => last,
        Err(broken) => {
            faults.push(broken.to_string());
            // Frames are asked for one by one then.
            u64::MAX
        }
    };
    let mut good = 0;
    match survey(store, Default::default(), last, |done, total| {
        good = done;
        progress(done, total);
    }) {
        Ok(found) => Ok(found),
        Err(broken) => {
            if last != u64::MAX {
                faults.push(broken.to_string());
            }
            Ok(survey(store, Default::default(), good, |_, _| {})?)
        }
    }
}

impl SledStore {
    fn unreadable_keys(&self, faults: &mut Vec<String>) -> Vec<(TenantId, UserId)> {
        let mut entries = self.db.scan_prefix(KEY);
        let mut unreadable = Vec::new();
        loop {
            match next(&mut entries) {
                Ok(None) => return unreadable,
                Ok(Some((place, record))) => {
                    let checked = person(&place).and_then(|(tenant, user)| {
                        keys::check(tenant, user, &record)
                            .inspect_err(|_| unreadable.push((tenant, user)))
                    });
                    if let Err(broken) = checked {
                        faults.push(broken.to_string());
                    }
                }
                Err(broken) => {
                    faults.push(broken.to_string());
                    return unreadable;
                }
            }
        }
    }

    /// Writes everything that is sound in another store into this one. Who cannot be read any more is as one who was erased.
    fn take_over(
        &self,
        other: &SledStore,
        examined: &Examined,
        master: &MasterKey,
    ) -> Result<(), RepairError> {
        let failed = |reason: String| Broken::Store { reason };
        let mut batch = sled::Batch::default();
        for number in 1..=examined.frames {
            let frame = other.get(&frame_key(number))?;
            let frame = frame.ok_or_else(|| failed(format!("frame {number} is gone")))?;
            batch.insert(frame_key(number), frame);
            if number % FRAMES_AT_ONCE == 0 || number == examined.frames {
                let full = std::mem::take(&mut batch);
                guard(|| self.db.apply_batch(full)).map_err(failed)?;
                self.flush().map_err(failed)?;
            }
        }
        let mut entries = other.db.iter();
        // What stands after damage that the store notices here cannot be had.
        while let Ok(Some((place, record))) = next(&mut entries) {
            if place.starts_with(FRAME) {
                continue;
            }
            let record = match person(&place) {
                Ok(who) if examined.unreadable.contains(&who) => keys::tombstone(),
                Ok((tenant, user)) => {
                    guard(|| self.db.insert(person_key(tenant, user), record)).map_err(failed)?;
                    continue;
                }
                Err(_) => record,
            };
            guard(|| self.db.insert(place, record)).map_err(failed)?;
        }
        if self.get(MASTER)?.is_none() {
            self.keep_to_master(master)?;
        }
        let mut refusals = other.refusals.iter();
        while let Ok(Some((place, entry))) = next(&mut refusals) {
            guard(|| self.refusals.insert(place, entry)).map_err(failed)?;
        }
        self.flush().map_err(failed)?;
        Ok(self.folder.sync()?)
    }
}

/// What is gone of each tenant: what the heads and the witness name beyond where the log ends now.
pub(super) fn lost(
    ends: &[TenantEnd],
    latest: Option<TenantEnd>,
    now: impl Fn(TenantId) -> Option<Position>,
) -> Vec<LostRange> {
    let mut had: BTreeMap<TenantId, Position> = BTreeMap::new();
    for (tenant, position, _) in ends.iter().copied().chain(latest) {
        let to = had.entry(tenant).or_insert(position);
        *to = (*to).max(position);
    }
    let beyond = |(tenant, to): (TenantId, Position)| {
        let from = now(tenant).map_or(Position::FIRST, Position::next);
        (from <= to).then_some(LostRange { tenant, from, to })
    };
    had.into_iter().filter_map(beyond).collect()
}
