//! The data folder: which files are in it, whose it is at the moment, and what must be put in order
//! before the store may open its own.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use crate::heads::Heads;
use crate::sled_log::OpenError;
use crate::swap;

/// The master key, where it was made here.
pub(crate) const MASTER_KEY: &str = "master.key";
/// The store's folder.
pub(crate) const LOG: &str = "log";
/// The checkpoint, which can be deleted.
pub(crate) const CHECKPOINT: &str = "checkpoint";
/// The store's only large file, within its folder.
pub(crate) const DB: &str = "db";

/// A data folder that is ours until this is dropped.
pub(crate) struct Folder {
    dir: PathBuf,
    _lock: File,
}

/// Whether there is a log in this data folder.
pub(crate) fn has_log(dir: &Path) -> bool {
    dir.join(LOG).join(DB).exists()
}

impl Folder {
    /// Makes the data folder if it is not there, and takes it. A change of the master key that was cut
    /// off is carried on, or undone.
    pub(crate) fn take(dir: &Path) -> Result<Self, OpenError> {
        let log = dir.join(LOG);
        make(dir)?;
        let path = dir.join("lock");
        let lock = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(at(&path))?;
        match lock.try_lock() {
            Ok(()) => {
                swap::settle(dir).map_err(at(dir))?;
                make(&log)?;
                Ok(Self { dir: dir.to_owned(), _lock: lock })
            }
            Err(TryLockError::WouldBlock) => Err(OpenError::InUse { dir: dir.to_owned() }),
            Err(TryLockError::Error(error)) => Err(at(&path)(error)),
        }
    }

    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    pub(crate) fn log(&self) -> PathBuf {
        self.dir.join(LOG)
    }

    pub(crate) fn db(&self) -> PathBuf {
        self.log().join(DB)
    }

    pub(crate) fn witness(&self) -> PathBuf {
        self.dir.join("witness")
    }

    pub(crate) fn heads(&self) -> Heads {
        Heads::at(self.dir.join("heads"))
    }

    pub(crate) fn checkpoint(&self) -> PathBuf {
        self.dir.join(CHECKPOINT)
    }

    pub(crate) fn ballast(&self) -> PathBuf {
        self.dir.join("ballast")
    }

    /// Removes what a kill during an earlier open left behind, which the store stumbles over.
    pub(crate) fn remove_generating(&self) -> Result<(), OpenError> {
        self.remove(|name| name.ends_with(".generating"))
    }

    /// Removes the store's snapshots, which it makes anew from its own log.
    pub(crate) fn remove_snapshots(&self) -> Result<(), OpenError> {
        self.remove(|name| name.starts_with("snap."))
    }

    fn remove(&self, which: impl Fn(&str) -> bool) -> Result<(), OpenError> {
        for file in files(&self.log())? {
            if file.file_name().and_then(|name| name.to_str()).is_some_and(&which) {
                fs::remove_file(&file).map_err(at(&file))?;
            }
        }
        Ok(())
    }

    /// A value in a file of its own was never synced, and none of ours is that large.
    pub(crate) fn refuse_blobs(&self) -> Result<(), OpenError> {
        let blobs = self.log().join("blobs");
        match files(&blobs)?.into_iter().next() {
            Some(path) => Err(OpenError::Blob { path }),
            None => Ok(()),
        }
    }

    /// Where the store's folder as it is may be kept: a name that is free.
    pub(crate) fn aside(&self) -> Result<PathBuf, OpenError> {
        let mut copy = self.dir.join("log.damaged");
        let mut number = 1;
        while copy.try_exists().map_err(at(&copy))? {
            number += 1;
            copy = self.dir.join(format!("log.damaged-{number}"));
        }
        Ok(copy)
    }

    /// Copies the store's folder before anything is repaired in it, and says where.
    pub(crate) fn copy_aside(&self) -> Result<PathBuf, OpenError> {
        let copy = self.aside()?;
        copy_folder(&self.log(), &copy)?;
        Ok(copy)
    }

    /// Makes sure that all the store's files, and their names, are on the disk.
    pub(crate) fn sync(&self) -> Result<(), OpenError> {
        let log = self.log();
        for path in [self.db(), log.join("conf"), log, self.dir.clone()] {
            File::open(&path).and_then(|file| file.sync_all()).map_err(at(&path))?;
        }
        Ok(())
    }
}

fn make(folder: &Path) -> Result<(), OpenError> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(at(folder))
}

fn files(folder: &Path) -> Result<Vec<PathBuf>, OpenError> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(at(folder)(error)),
    };
    entries.map(|entry| entry.map(|entry| entry.path()).map_err(at(folder))).collect()
}

pub(crate) fn copy_folder(from: &Path, to: &Path) -> Result<(), OpenError> {
    DirBuilder::new().mode(0o700).create(to).map_err(at(to))?;
    for path in files(from)? {
        let Some(name) = path.file_name() else { continue };
        if path.is_dir() {
            copy_folder(&path, &to.join(name))?;
        } else {
            fs::copy(&path, to.join(name)).map_err(at(&path))?;
        }
    }
    Ok(())
}

pub(crate) fn at(path: &Path) -> impl Fn(io::Error) -> OpenError + '_ {
    |error| OpenError::File { path: path.to_owned(), error }
}
