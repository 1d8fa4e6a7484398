//! Data folders that are filled once and kept: `target/bench/` has one for each shape that was
//! asked for, and each run works on a copy of it.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, ensure};
use serde::{Deserialize, Serialize};
use tokio::process::Command;

use crate::fill;
use crate::rollbook;
use crate::terminal::Progress;

/// How much is in a data folder.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct Shape {
    /// Users, each of about 1 KB.
    pub(crate) users: u32,
    /// Commits at the least: when users and groups are there, titles change until there are so many.
    pub(crate) commits: u32,
}

/// What a folder holds is written down when it is whole.
const WHOLE: &str = "shape.json";
/// The folder of a run's own copies.
const COPIES: &str = "run";
/// Another number when what [`fill()`] writes changes: folders of old are then made anew.
const EDITION: u32 = 1;

impl Shape {
    /// So many users, and no more commits than they need.
    pub(crate) fn of(users: u32) -> Shape {
        Shape { users, commits: users }
    }

    fn name(self) -> String {
        format!("{}-users-{}-commits", self.users, self.commits)
    }

    fn witness(self) -> String {
        format!("{{\"edition\":{EDITION},\"users\":{},\"commits\":{}}}", self.users, self.commits)
    }
}

/// Where populations are kept.
pub(crate) struct Store {
    folder: PathBuf,
}

impl Store {
    /// `within` is a folder on the disk to measure; `target/` where none is named.
    pub(crate) fn new(within: Option<&Path>) -> anyhow::Result<Store> {
        let within = within.map_or_else(rollbook::target, |within| Ok(within.to_owned()))?;
        let folder = within.join("bench");
        fs::create_dir_all(folder.join(COPIES)).with_context(|| {
            format!("no folder can be made in {}; see --data-dir", within.display())
        })?;
        Ok(Store { folder: folder.canonicalize()? })
    }

    /// Keeps others away from the store for as long as the file is held, and removes what a run left
    /// behind that was killed.
    pub(crate) fn lock(&self) -> anyhow::Result<File> {
        let lock = File::create(self.folder.join("lock"))?;
        ensure!(
            lock.try_lock().is_ok(),
            "another run works in {}; wait for it, or name another --data-dir",
            self.folder.display()
        );
        let copies = self.scratch();
        fs::remove_dir_all(&copies).and_then(|()| fs::create_dir(&copies))?;
        Ok(lock)
    }

    /// Where populations, results and the rest are kept.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Where a run keeps what goes away with it.
    pub(crate) fn scratch(&self) -> PathBuf {
        self.folder.join(COPIES)
    }

    /// The folder of this shape, filled first if need be, by a process of its own: what that takes
    /// of memory is gone with it.
    async fn filled(&self, shape: Shape, progress: &Progress) -> anyhow::Result<PathBuf> {
        let folder = self.folder.join(shape.name());
        if fs::read_to_string(folder.join(WHOLE)).is_ok_and(|text| text == shape.witness()) {
            return Ok(folder);
        }
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        progress.show(format!("filling a folder with {}, once", shape.name()));
        let this = std::env::current_exe().context("this program does not know where it is")?;
        let filled = Command::new(this)
            .arg("fill")
            .arg(&folder)
            .args([shape.users.to_string(), shape.commits.to_string()])
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .status()
            .await?;
        ensure!(filled.success(), "{} could not be filled; see above", folder.display());
        Ok(folder)
    }

    /// A copy of a folder of this shape, to be measured.
    pub(crate) async fn copy(&self, shape: Shape, progress: &Progress) -> anyhow::Result<Copied> {
        let from = self.filled(shape, progress).await?;
        progress.show(format!("copying {}", shape.name()));
        let copy = tempfile::Builder::new()
            .prefix(&format!("{}-", shape.name()))
            .tempdir_in(self.scratch())?;
        let data = copy.path().join("data");
        // What is copied is on the disk before anything is measured.
        let copied = Command::new("cp")
            .args(["--recursive", "--reflink=auto", "--preserve=mode"])
            .args([&from, &data])
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .status()
            .await
            .context("`cp` could not be started")?;
        ensure!(copied.success(), "{} could not be copied", from.display());
        let synced = Command::new("sync").arg("--file-system").arg(&data).status().await?;
        ensure!(synced.success(), "the copy could not be synced");
        Ok(Copied { data, _folder: copy })
    }
}

/// A data folder that goes away with this.
pub(crate) struct Copied {
    pub(crate) data: PathBuf,
    _folder: tempfile::TempDir,
}

/// What `fill` does in a process of its own.
pub(crate) fn fill(folder: &Path, shape: Shape) -> anyhow::Result<()> {
    let progress = Progress::new();
    fill::fill(folder, shape, |written| {
        if written % 8_192 == 0 {
            progress.show(format!("filling {}: {written} commits", shape.name()));
        }
    })?;
    fs::write(folder.join(WHOLE), shape.witness())?;
    Ok(())
}
