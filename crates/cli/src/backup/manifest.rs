//! What a backup's folder holds: `backup.json`, written when a backup is whole.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use domain::id::{TenantId, UserId};
use domain::position::{Hash, Head, Position};
use domain::time::Timestamp;
use eventlog::ArchiveReader;
use serde::{Deserialize, Serialize};

use crate::export::keys_beside;

const FILE: &str = "backup.json";
const DRAFT: &str = "backup.json.new";
const VERSION: u32 = 1;

/// A backup, as of its last run that came to its end.
#[derive(Clone, Debug)]
pub(crate) struct Manifest {
    /// What the keys are encrypted to.
    pub(crate) recipient: String,
    /// The archives, in order.
    pub(crate) parts: Vec<Part>,
    /// Where each log ends.
    pub(crate) heads: BTreeMap<TenantId, Head>,
    /// What each log is called.
    pub(crate) names: BTreeMap<TenantId, String>,
}

/// One archive.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Part {
    pub(crate) file: String,
    pub(crate) commits: u64,
    pub(crate) digest: Hash,
    pub(crate) logs: Vec<Range>,
}

/// Positions of a log, both ends included.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Range {
    pub(crate) tenant: TenantId,
    pub(crate) from: Position,
    pub(crate) to: Position,
}

#[derive(Serialize, Deserialize)]
struct Wire {
    version: u32,
    recipient: String,
    archives: Vec<Part>,
    logs: Vec<Log>,
}

#[derive(Serialize, Deserialize)]
struct Log {
    tenant: TenantId,
    name: String,
    position: Position,
    hash: Hash,
    time: Timestamp,
}

impl Manifest {
    /// A backup that holds nothing yet.
    pub(crate) fn begun(recipient: String) -> Manifest {
        let (parts, heads, names) = (Vec::new(), BTreeMap::new(), BTreeMap::new());
        Manifest { recipient, parts, heads, names }
    }

    /// Whether this folder is a backup.
    pub(crate) fn is_in(folder: &Path) -> bool {
        folder.join(FILE).is_file()
    }

    /// Whether a first backup can begin in a folder that is not one: nothing is in it but what a first run left that was cut off
    /// before its manifest was there. Drafts of that go; an identity stays, and is used.
    pub(crate) fn may_begin(folder: &Path) -> anyhow::Result<bool> {
        let identity = Manifest::identity(folder);
        let known = [folder.join(DRAFT), eventlog::partial(&identity)];
        let mut drafts = Vec::new();
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if known.contains(&path) {
                drafts.push(path);
            } else if path != identity {
                return Ok(false);
            }
        }
        for draft in drafts {
            fs::remove_file(&draft).with_context(|| format!("{} is left over", draft.display()))?;
        }
        Ok(true)
    }

    /// Where what opens the keys is kept, under a passphrase.
    pub(crate) fn identity(folder: &Path) -> PathBuf {
        folder.join("identity.age")
    }

    /// What the archive with this number is called.
    pub(crate) fn file_of(number: usize) -> String {
        format!("{number:06}.rollbook")
    }

    pub(crate) fn read(folder: &Path) -> anyhow::Result<Manifest> {
        let path = folder.join(FILE);
        let told = || format!("{} is damaged: use another copy of the backup", path.display());
        let wire: Wire = serde_json::from_slice(&fs::read(&path)?).with_context(told)?;
        ensure!(
            wire.version == VERSION,
            "{} has version {}, which this release does not know; use a newer one",
            path.display(),
            wire.version
        );
        let head =
            |log: &Log| Head { position: Some(log.position), hash: log.hash, time: log.time };
        let heads = wire.logs.iter().map(|log| (log.tenant, head(log))).collect();
        let names = wire.logs.into_iter().map(|log| (log.tenant, log.name)).collect();
        Ok(Manifest { recipient: wire.recipient, parts: wire.archives, heads, names })
    }

    /// Writes it; it is on the disk after.
    pub(crate) fn write(&self, folder: &Path) -> anyhow::Result<()> {
        let name = |tenant: &TenantId| self.names.get(tenant).cloned().unwrap_or_default();
        let log = |(tenant, head): (&TenantId, &Head)| {
            let Head { position, hash, time } = *head;
            Some(Log { tenant: *tenant, name: name(tenant), position: position?, hash, time })
        };
        let wire = Wire {
            version: VERSION,
            recipient: self.recipient.clone(),
            archives: self.parts.clone(),
            logs: self.heads.iter().filter_map(log).collect(),
        };
        let draft = folder.join(DRAFT);
        let mut file = File::create(&draft)?;
        file.write_all(serde_json::to_string_pretty(&wire)?.as_bytes())?;
        file.sync_all()?;
        fs::rename(&draft, folder.join(FILE))?;
        File::open(folder)?.sync_all()?;
        Ok(())
    }

    /// Commits in all.
    pub(crate) fn commits(&self) -> u64 {
        self.parts.iter().map(|part| part.commits).sum()
    }

    /// Where each log ends.
    pub(crate) fn ends(&self) -> Vec<(TenantId, Position, Hash)> {
        let end = |(tenant, head): (&TenantId, &Head)| Some((*tenant, head.position?, head.hash));
        self.heads.iter().filter_map(end).collect()
    }

    /// Each archive's file and digest.
    pub(crate) fn archives(&self, folder: &Path) -> impl Iterator<Item = (PathBuf, Hash)> {
        self.parts.iter().map(move |part| (folder.join(&part.file), part.digest))
    }

    /// Opens every archive, and checks that they are those of this backup and follow each other.
    pub(crate) fn parts(&self, folder: &Path) -> anyhow::Result<Vec<ArchiveReader>> {
        let (mut parts, mut start) = (Vec::new(), BTreeMap::new());
        for (file, digest) in self.archives(folder) {
            let part = ArchiveReader::open_after(&file, &start)
                .with_context(|| file.display().to_string())?;
            let found = part.summary().digest;
            ensure!(
                found == digest,
                "{} is not the archive that the backup was made with: its digest is {found}, not {digest}",
                file.display()
            );
            start = part.reached().clone();
            parts.push(part);
        }
        ensure!(
            start == self.heads,
            "the archives in {} do not end where the backup says",
            folder.display()
        );
        Ok(parts)
    }

    /// Takes in archives that a run left that was cut off: each that is whole and has its keys. What is not whole is removed. Who is erased in
    /// them is put into `erased`.
    pub(crate) fn adopt(
        &mut self,
        folder: &Path,
        erased: &mut BTreeSet<(TenantId, UserId)>,
    ) -> anyhow::Result<()> {
        loop {
            let file = Manifest::file_of(self.parts.len() + 1);
            let path = folder.join(&file);
            if !path.exists() {
                return Ok(());
            }
            let keys = keys_beside(&path);
            let archive = ArchiveReader::open_after(&path, &self.heads).ok();
            let Some(archive) = archive.filter(|_| keys.exists()) else {
                fs::remove_file(&path)?;
                if keys.exists() {
                    fs::remove_file(&keys)?;
                }
                return Ok(());
            };
            for stored in archive.commits()? {
                let stored = stored?;
                erased.extend(super::erased(&stored.bytes)?.map(|user| (stored.tenant, user)));
            }
            let logs = archive.summary().tenants.iter().map(|end| Range {
                tenant: end.tenant,
                from: self.heads.get(&end.tenant).copied().unwrap_or(Head::EMPTY).next(),
                to: end.position,
            });
            let (commits, digest) = (archive.summary().commits, archive.summary().digest);
            let logs = logs.collect();
            self.heads = archive.reached().clone();
            self.parts.push(Part { file, commits, digest, logs });
        }
    }
}
