//! The disk alone: how often a second a program can write and sync, one after the other.

use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use crate::lane::Place;
use crate::load::Slice;

/// What is written each time: about as much as one commit.
const WRITTEN: [u8; 1024] = [0xA5; 1024];
/// How much of a file is filled with zeros before.
const FILLED_BYTES: u64 = 64 << 20;

/// A file that grows from slice to slice, and one that was filled before.
pub(crate) struct Disk {
    growing: File,
    filled: File,
}

impl Disk {
    pub(crate) fn new(folder: &Path) -> io::Result<Disk> {
        let growing = File::create(folder.join("fdatasync-growing"))?;
        let mut filled = File::create(folder.join("fdatasync-filled"))?;
        for _ in 0..FILLED_BYTES >> 20 {
            filled.write_all(&[0; 1 << 20])?;
        }
        filled.sync_all()?;
        filled.seek(SeekFrom::Start(0))?;
        Ok(Disk { growing, filled })
    }

    /// Writes and syncs for so long. On Linux, syncing a file's data is `fdatasync`.
    pub(crate) fn slice(&mut self, place: Place, length: Duration) -> io::Result<Slice> {
        let file = match place {
            Place::End => &mut self.growing,
            Place::Filled => &mut self.filled,
        };
        let mut took = Vec::new();
        let since = Instant::now();
        while since.elapsed() < length {
            let asked = Instant::now();
            if place == Place::Filled && file.stream_position()? >= FILLED_BYTES {
                file.seek(SeekFrom::Start(0))?;
            }
            file.write_all(&WRITTEN)?;
            file.sync_data()?;
            took.push(asked.elapsed());
        }
        Ok(Slice::of(took, since.elapsed()))
    }
}
