//! A file system in a file, mounted.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, ensure};

/// A mounted image; unmounted in the end.
pub(super) struct Mounted {
    /// Where.
    pub(super) at: PathBuf,
}

/// Runs a program that must succeed.
pub(super) fn run(program: &str, arguments: &[&str]) -> anyhow::Result<()> {
    let done =
        Command::new(program).args(arguments).output().with_context(|| program.to_owned())?;
    let said = String::from_utf8_lossy(&done.stderr);
    ensure!(done.status.success(), "{program} {}: {}", arguments.join(" "), said.trim());
    Ok(())
}

fn text(path: &Path) -> anyhow::Result<&str> {
    path.to_str().context("a path that is no text")
}

/// Makes an image with an empty ext4 in it.
pub(super) fn image(path: &Path, bytes: u64) -> anyhow::Result<()> {
    File::create(path)?.set_len(bytes)?;
    run("mkfs.ext4", &["-q", "-F", "-m", "0", text(path)?])
}

/// Why file systems cannot be mounted here, if they cannot.
pub(super) fn obstacle() -> Option<String> {
    if !super::is_root() {
        return Some("it mounts file systems, which takes root".to_owned());
    }
    let missing =
        ["mkfs.ext4", "mount", "losetup"].into_iter().find(|name| !super::has_program(name));
    if let Some(name) = missing {
        return Some(format!("there is no {name}"));
    }
    let is_there = Path::new("/dev/loop-control").exists() && Path::new("/dev/shm").is_dir();
    (!is_there).then(|| "there are no loop devices or no /dev/shm".to_owned())
}

impl Mounted {
    pub(super) fn new(image: &Path, at: &Path) -> anyhow::Result<Self> {
        fs::create_dir_all(at)?;
        run("mount", &["-o", "loop", text(image)?, text(at)?])?;
        Ok(Self { at: at.to_owned() })
    }

    /// Mounts it anew with these options, as `abort`.
    pub(super) fn remount(&self, options: &str) -> anyhow::Result<()> {
        run("mount", &["-o", &format!("remount,{options}"), text(&self.at)?])
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        // A server that was killed a moment ago may still have files open.
        for _ in 0..100 {
            let done = Command::new("umount").arg(&self.at).output();
            if done.is_ok_and(|done| done.status.success()) {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        drop(Command::new("umount").arg("-l").arg(&self.at).output());
    }
}
