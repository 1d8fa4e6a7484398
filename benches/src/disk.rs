//! The disk alone: how often a second a program can append and sync, one after the other.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use crate::load::Slice;

/// What is appended each time: about as much as one commit.
pub(crate) const APPENDED: [u8; 1024] = [0xA5; 1024];

/// A file that grows from slice to slice.
pub(crate) struct Disk {
    file: File,
}

impl Disk {
    pub(crate) fn new(folder: &Path) -> io::Result<Disk> {
        Ok(Disk { file: File::create(folder.join("fdatasync"))? })
    }

    /// Appends and syncs for so long. On Linux, syncing a file's data is `fdatasync`.
    pub(crate) fn slice(&mut self, length: Duration) -> io::Result<Slice> {
        let mut took = Vec::new();
        let since = Instant::now();
        while since.elapsed() < length {
            let asked = Instant::now();
            self.file.write_all(&APPENDED)?;
            self.file.sync_data()?;
            took.push(asked.elapsed());
        }
        Ok(Slice::of(took, since.elapsed()))
    }
}
