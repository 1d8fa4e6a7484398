//! Where each tenant's log ended, in a file of its own beside the head witness. The witness says whether
//! anything is gone from the end of the log; this says of whom, and which positions.
//!
//! It is written at most a second after a commit, and at shutdown, never in a turn: so it is behind the log or even with
//! it, and a log that ends before it has lost commits.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::PathBuf;

use domain::id::TenantId;
use domain::position::{Hash, Position};

use crate::chain::hash;

/// A tenant's last commit.
pub(crate) type TenantEnd = (TenantId, Position, Hash);

/// The file.
pub(crate) struct Heads {
    path: PathBuf,
}

const MAGIC: &[u8; 4] = b"rbh1";

impl Heads {
    pub(crate) fn at(path: PathBuf) -> Self {
        Self { path }
    }

    /// What the file says. One that is absent or damaged says nothing: all that it says follows from the log, and the
    /// witness notices a loss without it.
    pub(crate) fn read(&self) -> io::Result<Vec<TenantEnd>> {
        let bytes = match fs::read(&self.path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let heads = decode(&bytes);
        if heads.is_none() {
            let path = self.path.display();
            tracing::warn!("`{path}` is damaged; it is made anew with the next commit");
        }
        Ok(heads.unwrap_or_default())
    }

    /// Writes the file anew; it is on the disk after.
    pub(crate) fn write(&self, heads: &[TenantEnd]) -> io::Result<()> {
        let body = rmp_serde::to_vec(heads).map_err(io::Error::other)?;
        let mut bytes = [MAGIC.as_slice(), &body].concat();
        bytes.extend(hash(&bytes).as_bytes());
        let draft = self.path.with_extension("new");
        let mut file = File::create(&draft)?;
        file.write_all(&bytes)?;
        file.sync_data()?;
        fs::rename(&draft, &self.path)?;
        match self.path.parent() {
            Some(folder) => File::open(folder)?.sync_all(),
            None => Ok(()),
        }
    }

    /// Takes the file away.
    pub(crate) fn remove(&self) -> io::Result<()> {
        match fs::remove_file(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            done => done,
        }
    }
}

fn decode(bytes: &[u8]) -> Option<Vec<TenantEnd>> {
    let (record, sum) = bytes.split_last_chunk::<32>()?;
    if hash(record).as_bytes() != sum {
        return None;
    }
    rmp_serde::from_slice(record.strip_prefix(MAGIC)?).ok()
}
