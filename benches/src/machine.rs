//! The machine that the figures belong to.

use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

/// What must be known of a machine to compare its figures with another's.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(crate) struct Machine {
    pub(crate) cores: usize,
    pub(crate) processor: String,
    pub(crate) kernel: String,
    pub(crate) filesystem: String,
    pub(crate) device: String,
}

const UNKNOWN: &str = "unknown";

impl Machine {
    /// This one, with the filesystem that `folder` is on.
    pub(crate) fn of(folder: &Path) -> Machine {
        let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
        let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
        let (filesystem, device) = mount(&mounts, &folder).unwrap_or((UNKNOWN, UNKNOWN));
        let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let kernel = fs::read_to_string("/proc/sys/kernel/osrelease");
        Machine {
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            processor: processor(&cpuinfo).unwrap_or(UNKNOWN).to_owned(),
            kernel: kernel.map_or_else(|_| UNKNOWN.to_owned(), |text| text.trim().to_owned()),
            filesystem: filesystem.to_owned(),
            device: device.to_owned(),
        }
    }

    /// Whether what is synced there is on a disk at all.
    pub(crate) fn is_in_memory(&self) -> bool {
        ["tmpfs", "ramfs"].contains(&self.filesystem.as_str())
    }
}

fn processor(cpuinfo: &str) -> Option<&str> {
    let line = cpuinfo.lines().find(|line| line.starts_with("model name"))?;
    line.split_once(':').map(|(_, name)| name.trim())
}

/// Type and device of the filesystem that a folder is on: of all that are mounted above it, the
/// nearest; of several at the same place, the last.
fn mount<'a>(mountinfo: &'a str, folder: &Path) -> Option<(&'a str, &'a str)> {
    let above = mountinfo.lines().filter_map(|line| {
        let (place, kind) = line.split_once(" - ")?;
        let place = Path::new(place.split(' ').nth(4)?);
        let mut kind = kind.split(' ');
        folder
            .starts_with(place)
            .then_some((place.components().count(), (kind.next()?, kind.next()?)))
    });
    above.max_by_key(|(depth, _)| *depth).map(|(_, kind)| kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_mount_counts() {
        let mounts = "\
21 1 254:0 / / rw,relatime - ext4 /dev/vda rw
22 21 0:5 / /tmp rw shared:3 - tmpfs tmpfs rw
23 22 8:1 / /tmp/disk rw - xfs /dev/sdb1 rw
24 22 8:2 / /tmp/disk rw - btrfs /dev/sdc1 rw";
        for (folder, is) in [
            ("/home/x", ("ext4", "/dev/vda")),
            ("/tmp", ("tmpfs", "tmpfs")),
            ("/tmpfoo", ("ext4", "/dev/vda")),
            ("/tmp/disk/y", ("btrfs", "/dev/sdc1")),
        ] {
            assert_eq!(mount(mounts, Path::new(folder)), Some(is), "{folder}");
        }
        assert_eq!(mount("", Path::new("/")), None);
    }

    #[test]
    fn a_processor_has_a_name() {
        assert_eq!(processor("processor\t: 0\nmodel name\t: A CPU\n"), Some("A CPU"));
    }
}
