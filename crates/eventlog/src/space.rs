//! Room on the disk. A full disk loses nothing that was acknowledged, but the store cannot be opened
//! on one: so writing stops while there is still room, and a ballast file stands by to make some.

use std::fs::{self, File};
use std::io;
use std::path::PathBuf;

/// How much room there must be in a data folder, and the ballast there.
#[derive(Clone, Debug)]
pub(crate) struct Space {
    pub(crate) dir: PathBuf,
    pub(crate) ballast: PathBuf,
    pub(crate) needed: u64,
    pub(crate) ballast_bytes: u64,
}

impl Space {
    /// Bytes that are free for us.
    pub(crate) fn free(&self) -> io::Result<u64> {
        let disk = rustix::fs::statvfs(&self.dir)?;
        Ok(disk.f_bavail.saturating_mul(disk.f_frsize))
    }

    /// Bytes that are free, if they are too few.
    pub(crate) fn lacking(&self) -> io::Result<Option<u64>> {
        let free = self.free()?;
        Ok((free < self.needed).then_some(free))
    }

    /// Gives the ballast up if there is no room.
    pub(crate) fn make_room(&self) -> io::Result<()> {
        if self.lacking()?.is_some() && self.ballast.try_exists()? {
            tracing::warn!(
                "the disk of the data folder is nearly full: `{}` is deleted to open the log",
                self.ballast.display()
            );
            fs::remove_file(&self.ballast)?;
        }
        Ok(())
    }

    /// Puts the ballast there, if there is room for it.
    pub(crate) fn load_ballast(&self) -> io::Result<()> {
        let there = match fs::metadata(&self.ballast) {
            Ok(file) => file.len(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => 0,
            Err(error) => return Err(error),
        };
        let wanted = self.needed.saturating_add(self.ballast_bytes);
        if there == self.ballast_bytes || self.ballast_bytes == 0 || self.free()? < wanted {
            return Ok(());
        }
        let file = File::create(&self.ballast)?;
        // Blocks that are taken, not a hole: a hole would give nothing back.
        let flags = rustix::fs::FallocateFlags::empty();
        match rustix::fs::fallocate(&file, flags, 0, self.ballast_bytes) {
            Err(rustix::io::Errno::OPNOTSUPP) => {
                io::copy(&mut io::Read::take(io::repeat(0), self.ballast_bytes), &mut &file)?;
            }
            done => done?,
        }
        file.sync_all()
    }
}
