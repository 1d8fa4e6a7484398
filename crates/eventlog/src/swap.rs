//! One store takes the place of another, with the master key that it is wrapped under.
//!
//! The new one grows in a folder of its own within the data folder. Once it is whole and on the disk,
//! a mark says so, and from then on the swap is carried out: by whoever opens the data folder next,
//! if it was cut off half-way. Without the mark, what is in that folder is thrown away.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::folder::{DB, LOG, MASTER_KEY};
use crate::sled_log::UNLOCK;

/// Where the new store grows, within the data folder.
const BUILDING: &str = "rekeying";
/// The mark, within that.
const WHOLE: &str = "whole";
/// The old store on its way out, within the data folder.
const REPLACED: &str = "log.replaced";

/// What becomes of the master key in the data folder.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum OldKey {
    /// A new one is beside the new store, and takes its place.
    Replaced,
    /// It goes: the new one is kept elsewhere.
    Removed,
    /// It is none of ours.
    Untouched,
}

/// Where the new store grows.
pub(crate) fn building(dir: &Path) -> PathBuf {
    dir.join(BUILDING)
}

/// Whether a swap was begun and must be carried on.
pub(crate) fn is_due(dir: &Path) -> bool {
    dir.join(BUILDING).join(WHOLE).exists()
}

/// Says that the new store is whole. Everything in it must be on the disk already.
pub(crate) fn mark(dir: &Path, old: OldKey) -> io::Result<()> {
    let building = building(dir);
    let word: &[u8] = match old {
        OldKey::Replaced => b"replace",
        OldKey::Removed => b"remove",
        OldKey::Untouched => b"leave",
    };
    let draft = building.join("whole.new");
    let mut file = File::create(&draft)?;
    file.write_all(word)?;
    file.sync_all()?;
    sync(&building)?;
    fs::rename(&draft, building.join(WHOLE))?;
    sync(&building)?;
    sync(dir)
}

/// Carries out the swap if one is due, else removes what an attempt left that was cut off before
/// it was whole. Each step may have been done before. The data folder must be ours.
pub(crate) fn settle(dir: &Path) -> io::Result<()> {
    let building = building(dir);
    if !building.exists() {
        return remove_folder(&dir.join(REPLACED));
    }
    if is_due(dir) {
        let old = match fs::read(building.join(WHOLE))?.as_slice() {
            b"replace" => OldKey::Replaced,
            b"remove" => OldKey::Removed,
            _ => OldKey::Untouched,
        };
        swap_logs(dir, &building)?;
        swap_keys(dir, &building, old)?;
        remove_folder(&dir.join(REPLACED))?;
    }
    // The mark goes last: what is left without it is thrown away, and nothing of it is needed.
    remove_folder(&building.join(LOG))?;
    remove_folder(&building)?;
    sync(dir)
}

fn swap_logs(dir: &Path, building: &Path) -> io::Result<()> {
    let (log, new, replaced) = (dir.join(LOG), building.join(LOG), dir.join(REPLACED));
    if new.exists() {
        if log.exists() {
            wait_until_closed(&log.join(DB))?;
            remove_folder(&replaced)?;
            fs::rename(&log, &replaced)?;
        }
        fs::rename(&new, &log)?;
    }
    sync(building)?;
    sync(dir)
}

/// A store that was closed lets go of its file when the last of its threads has ended; until then such a
/// thread could still make files by name, in what is another folder by then.
pub(crate) fn wait_until_closed(db: &Path) -> io::Result<()> {
    let file = match File::open(db) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    let begun = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(()),
            Err(TryLockError::WouldBlock) if begun.elapsed() < UNLOCK => {
                std::thread::sleep(Duration::from_millis(10));
            }
            Err(error) => return Err(error.into()),
        }
    }
}

/// The old key is written over before its name goes. A disk may keep what was there all the same.
fn swap_keys(dir: &Path, building: &Path, old: OldKey) -> io::Result<()> {
    let (key, new) = (dir.join(MASTER_KEY), building.join(MASTER_KEY));
    match old {
        OldKey::Replaced if new.exists() => {
            write_over(&key)?;
            fs::rename(&new, &key)?;
        }
        OldKey::Removed if key.exists() => {
            write_over(&key)?;
            fs::remove_file(&key)?;
        }
        OldKey::Replaced | OldKey::Removed | OldKey::Untouched => {}
    }
    sync(dir)
}

fn write_over(path: &Path) -> io::Result<()> {
    let file = match OpenOptions::new().write(true).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    let length = file.metadata()?.len();
    file.write_all_at(&vec![0; usize::try_from(length).unwrap_or(0)], 0)?;
    file.sync_all()
}

pub(crate) fn remove_folder(path: &Path) -> io::Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        done => done,
    }
}

/// Makes sure that a folder's names are on the disk.
pub(crate) fn sync(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}
