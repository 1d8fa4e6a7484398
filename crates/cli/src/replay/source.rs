//! What is replayed: an archive with its keys, or a data folder.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use domain::id::{TenantId, UserId};
use domain::position::Hash;
use domain::position::Position;
use eventlog::{
    ArchiveKeys, ArchiveReader, Broken, EventLog, Keys, LogReader, PersonKey, Reader, SledLog,
    Stored, Unlock,
};

use super::Opening;
use crate::backup::Manifest;
use crate::export;
use crate::instance::{self, Master};

/// A log that lies still while it is replayed.
pub(crate) enum Source {
    /// An archive, and the keys beside it; none: nobody can be read.
    Archive { path: PathBuf, archive: ArchiveReader, keys: Option<ArchiveKeys> },
    /// A backup: archives of which each goes on where the one before ended.
    Backup { path: PathBuf, parts: Vec<ArchiveReader>, held: Manifest, keys: Option<ArchiveKeys> },
    /// A data folder that no server has open. The log is held so that none opens it meanwhile.
    Folder { path: PathBuf, _log: SledLog, reader: Reader, without_keys: bool },
}

/// Commits in the order written.
type Commits<'a> = Box<dyn Iterator<Item = anyhow::Result<Stored>> + 'a>;

impl Source {
    /// Opens what lies at `path`, and checks all of it.
    pub(crate) fn open(path: &Path, opening: &Opening) -> anyhow::Result<Source> {
        Source::open_with(path, opening, None)
    }

    /// As [`Source::open`]; a data folder with the master key in this file, if there is one.
    pub(crate) fn open_with(
        path: &Path,
        opening: &Opening,
        master: Option<&Path>,
    ) -> anyhow::Result<Source> {
        let path = path.to_owned();
        if Manifest::is_in(&path) {
            let held = Manifest::read(&path)?;
            ensure!(
                !held.parts.is_empty(),
                "the first backup in {} did not come to its end: give the same `rollbook backup` again",
                path.display()
            );
            let parts = held.parts(&path)?;
            let keys = match opening.without_keys {
                true => None,
                false => Some(read_parts_keys(&path, &held, opening)?),
            };
            return Ok(Source::Backup { path, parts, held, keys });
        }
        if path.is_dir() {
            let master = match master {
                Some(file) => Master::of_file(Some(file.to_owned())),
                None => opening.source_master(),
            };
            let log = instance::open_log(&path, &master)?;
            let reader = log.reader();
            let without_keys = opening.without_keys;
            return Ok(Source::Folder { path, _log: log, reader, without_keys });
        }
        let archive = ArchiveReader::open(&path)?;
        let keys = read_keys(&path, archive.summary().digest, opening)?;
        Ok(Source::Archive { path, archive, keys })
    }

    /// Where it lies.
    pub(crate) fn path(&self) -> &Path {
        match self {
            Source::Archive { path, .. }
            | Source::Backup { path, .. }
            | Source::Folder { path, .. } => path,
        }
    }

    /// How many commits it holds.
    pub(crate) fn total(&self) -> u64 {
        match self {
            Source::Archive { archive, .. } => archive.summary().commits,
            Source::Backup { parts, .. } => parts.iter().map(|part| part.summary().commits).sum(),
            Source::Folder { reader, .. } => {
                reader.heads().iter().map(|(_, position, _)| position.get()).sum()
            }
        }
    }

    /// Where each log ends, as the source itself says.
    pub(crate) fn ends(&self) -> Vec<(TenantId, Position, Hash)> {
        match self {
            Source::Archive { archive, .. } => {
                let ends = archive.summary().tenants.iter();
                ends.map(|end| (end.tenant, end.position, end.hash)).collect()
            }
            Source::Backup { held, .. } => held.ends(),
            Source::Folder { reader, .. } => reader.heads(),
        }
    }

    /// Every commit.
    pub(crate) fn commits(&self) -> anyhow::Result<Commits<'_>> {
        Ok(match self {
            Source::Archive { archive, .. } => {
                Box::new(archive.commits()?.map(|stored| Ok(stored?)))
            }
            Source::Backup { parts, .. } => {
                let mut all: Vec<Commits<'_>> = Vec::new();
                for part in parts {
                    all.push(Box::new(part.commits()?.map(|stored| Ok(stored?))));
                }
                Box::new(all.into_iter().flatten())
            }
            Source::Folder { reader, .. } => Box::new(reader.scan().map(|stored| Ok(stored?))),
        })
    }
}

impl Keys for Source {
    fn person(&self, tenant: TenantId, user: UserId) -> Result<Option<PersonKey>, Broken> {
        match self {
            Source::Archive { keys: Some(keys), .. } | Source::Backup { keys: Some(keys), .. } => {
                keys.person(tenant, user)
            }
            Source::Archive { keys: None, .. }
            | Source::Backup { keys: None, .. }
            | Source::Folder { without_keys: true, .. } => Ok(None),
            Source::Folder { reader, .. } => reader.person(tenant, user),
        }
    }
}

fn read_keys(
    archive: &Path,
    digest: Hash,
    opening: &Opening,
) -> anyhow::Result<Option<ArchiveKeys>> {
    if opening.without_keys {
        return Ok(None);
    }
    let file = opening.keys.clone().unwrap_or_else(|| export::keys_beside(archive));
    let unlock = unlock(&file, opening)?;
    Ok(Some(eventlog::read_keys(&file, digest, &unlock)?))
}

/// The keys of all parts of a backup: what opens them is named, or kept in the backup under a passphrase.
fn read_parts_keys(
    folder: &Path,
    held: &Manifest,
    opening: &Opening,
) -> anyhow::Result<ArchiveKeys> {
    let kept = Manifest::identity(folder);
    let unlock = match unlock(&kept, opening)? {
        passphrase @ Unlock::Passphrase(_) => passphrase.kept(&kept)?,
        identity @ Unlock::Identity(_) => identity,
    };
    let mut keys = ArchiveKeys::default();
    for (file, digest) in held.archives(folder) {
        keys = keys.with(eventlog::read_keys(&export::keys_beside(&file), digest, &unlock)?);
    }
    Ok(keys)
}

fn unlock(file: &Path, opening: &Opening) -> anyhow::Result<Unlock> {
    Ok(match (&opening.identity_file, &opening.passphrase) {
        (Some(file), _) => {
            let text = std::fs::read_to_string(file)
                .with_context(|| format!("{} cannot be read", file.display()))?;
            let identity = text.lines().find(|line| line.starts_with("AGE-SECRET-KEY-"));
            Unlock::identity(
                identity.with_context(|| {
                    format!("{} holds no line AGE-SECRET-KEY-…", file.display())
                })?,
            )
        }
        (None, Some(passphrase)) => Unlock::passphrase(passphrase),
        (None, None) => bail!(
            "the keys in {} are encrypted: set ROLLBOOK_KEYS_PASSPHRASE, or give --identity-file \
             (or --without-keys, and everyone reads as erased)",
            file.display()
        ),
    })
}
