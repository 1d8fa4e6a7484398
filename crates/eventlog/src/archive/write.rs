//! Writing an archive.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use domain::id::TenantId;
use domain::position::{Hash, Head, Position};
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::{
    ArchiveError, ArchiveSummary, BLOCK, END, End, Header, MAGIC, TenantHead, VERSION, at, checksum,
};
use crate::broken::Broken;
use crate::chain::follow;
use crate::limits::BLOCK_BYTES;
use crate::log::{LogReader, Stored};

const ZSTD_LEVEL: i32 = 3;

/// Writes the logs of these tenants, as they are at this moment, to a new file. Under its final
/// name there is never half an archive. `progress` is told commits written and commits in all.
///
/// # Errors
/// When the file is there already or cannot be written, a tenant has no log, or a log is damaged.
pub fn write_archive(
    out: &Path,
    tenants: &[TenantId],
    created_by: &str,
    reader: &impl LogReader,
    mut progress: impl FnMut(u64, u64),
) -> Result<ArchiveSummary, ArchiveError> {
    if out.try_exists().map_err(at(out))? {
        return Err(ArchiveError::Exists { path: out.to_owned() });
    }
    let ends = ends(tenants, reader)?;
    let total = ends.values().map(|end| end.get()).sum();
    let header: Header = (created_by.to_owned(), ends.keys().copied().collect());
    let mut draft = Draft::new(out).map_err(at(out))?;
    let mut writer = Writer::new(draft.file()?, &header).map_err(at(out))?;
    let mut heads: BTreeMap<TenantId, Head> = BTreeMap::new();
    let mut write = |stored: Result<Stored, Broken>| -> Result<(), ArchiveError> {
        let stored = stored.map_err(ArchiveError::Log)?;
        if ends.get(&stored.tenant).is_none_or(|end| stored.position > *end) {
            return Ok(());
        }
        let head = heads.entry(stored.tenant).or_insert(Head::EMPTY);
        *head = follow(head, stored.tenant, &stored.bytes).map_err(ArchiveError::Log)?;
        writer.add(&stored.bytes).map_err(at(out))?;
        progress(writer.commits, total);
        Ok(())
    };
    match ends.iter().next() {
        Some((tenant, end)) if ends.len() == 1 => {
            reader.range(*tenant, Position::FIRST, *end).try_for_each(&mut write)?;
        }
        _ => reader.scan().try_for_each(&mut write)?,
    }
    let tenants: Vec<_> = heads.iter().filter_map(tenant_head).collect();
    let commits = writer.commits;
    let digest = writer.finish(&tenants).map_err(at(out))?;
    draft.publish().map_err(at(out))?;
    Ok(ArchiveSummary { created_by: created_by.to_owned(), tenants, commits, digest })
}

/// An archive that is written commit by commit, where logs ended before: a part of a backup. Under its final
/// name there is never half a part.
pub struct ArchiveWriter {
    out: PathBuf,
    created_by: String,
    draft: Draft,
    writer: Writer,
    heads: BTreeMap<TenantId, Head>,
}

impl ArchiveWriter {
    /// Begins an archive of these logs, each of which goes on after what `start` says of it. Each must get a commit.
    ///
    /// # Errors
    /// When the file is there already or cannot be written.
    pub fn new(
        out: &Path,
        tenants: &[TenantId],
        created_by: &str,
        start: &BTreeMap<TenantId, Head>,
    ) -> Result<Self, ArchiveError> {
        if out.try_exists().map_err(at(out))? {
            return Err(ArchiveError::Exists { path: out.to_owned() });
        }
        let header: Header = (created_by.to_owned(), tenants.to_vec());
        let draft = Draft::new(out).map_err(at(out))?;
        let writer = Writer::new(draft.file()?, &header).map_err(at(out))?;
        let begins = |id: &TenantId| (*id, start.get(id).copied().unwrap_or(Head::EMPTY));
        let heads = tenants.iter().map(begins).collect();
        let (out, created_by) = (out.to_owned(), created_by.to_owned());
        Ok(Self { out, created_by, draft, writer, heads })
    }

    /// Adds the next commit of a log.
    ///
    /// # Errors
    /// When it does not follow, or cannot be written.
    pub fn add(&mut self, tenant: TenantId, commit: &[u8]) -> Result<(), ArchiveError> {
        let head = self.heads.entry(tenant).or_insert(Head::EMPTY);
        *head = follow(head, tenant, commit).map_err(ArchiveError::Log)?;
        self.writer.add(commit).map_err(at(&self.out))
    }

    /// Makes the archive durable and gives it its name; says what it holds, and where the logs in it end.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn finish(mut self) -> Result<(ArchiveSummary, BTreeMap<TenantId, Head>), ArchiveError> {
        let tenants: Vec<_> = self.heads.iter().filter_map(tenant_head).collect();
        let commits = self.writer.commits;
        let digest = self.writer.finish(&tenants).map_err(at(&self.out))?;
        self.draft.publish().map_err(at(&self.out))?;
        let created_by = self.created_by;
        Ok((ArchiveSummary { created_by, tenants, commits, digest }, self.heads))
    }
}

fn tenant_head((tenant, head): (&TenantId, &Head)) -> Option<TenantHead> {
    Some(TenantHead { tenant: *tenant, position: head.position?, hash: head.hash })
}

/// Where each tenant's log ends at this moment.
fn ends(
    tenants: &[TenantId],
    reader: &impl LogReader,
) -> Result<BTreeMap<TenantId, Position>, ArchiveError> {
    let heads: BTreeMap<_, _> =
        reader.heads().into_iter().map(|(tenant, position, _)| (tenant, position)).collect();
    tenants
        .iter()
        .map(|tenant| {
            let end = heads.get(tenant).ok_or(ArchiveError::NoLog { tenant: *tenant })?;
            Ok((*tenant, *end))
        })
        .collect()
}

/// What a file is called until it is whole. A process that is killed leaves it so.
pub fn partial(name: &Path) -> PathBuf {
    let mut path = OsString::from(name);
    path.push(".partial");
    PathBuf::from(path)
}

/// A file that gets its name when it is whole, and is removed if it never is.
pub(crate) struct Draft {
    path: PathBuf,
    name: PathBuf,
    file: Option<File>,
    published: bool,
}

impl Draft {
    pub(crate) fn new(name: &Path) -> io::Result<Self> {
        let path = partial(name);
        let file =
            OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&path)?;
        Ok(Self { path, name: name.to_owned(), file: Some(file), published: false })
    }

    /// The file to write to.
    pub(crate) fn file(&self) -> Result<File, ArchiveError> {
        let file = self.file.as_ref().map(File::try_clone);
        file.unwrap_or_else(|| Err(io::ErrorKind::NotFound.into())).map_err(at(&self.path))
    }

    /// Makes the file durable, then gives it its name.
    pub(crate) fn publish(&mut self) -> io::Result<()> {
        if let Some(file) = self.file.take() {
            file.sync_all()?;
        }
        // Unlike a rename, a link never replaces what is there.
        fs::hard_link(&self.path, &self.name)?;
        self.published = true;
        fs::remove_file(&self.path)?;
        let folder = self.name.parent().filter(|folder| !folder.as_os_str().is_empty());
        File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if !self.published {
            // What is left is named `.partial`, and the next attempt writes over it.
            fs::remove_file(&self.path).ok();
        }
    }
}

/// Writes commits without looking at them.
pub(super) struct Writer {
    out: Hashed,
    block: Vec<u8>,
    in_block: u32,
    blocks: u32,
    pub(super) commits: u64,
}

struct Hashed {
    file: BufWriter<File>,
    sha: Sha256,
}

impl Hashed {
    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.sha.update(bytes);
        self.file.write_all(bytes)
    }

    fn put_with_length<T: Serialize>(&mut self, value: &T) -> io::Result<()> {
        let bytes = rmp_serde::to_vec(value).map_err(io::Error::other)?;
        self.put(&(bytes.len() as u32).to_be_bytes())?;
        self.put(&bytes)
    }
}

impl Writer {
    pub(super) fn new(file: File, header: &Header) -> io::Result<Self> {
        let mut out = Hashed { file: BufWriter::new(file), sha: Sha256::new() };
        out.put(MAGIC)?;
        out.put(&VERSION.to_be_bytes())?;
        out.put_with_length(header)?;
        Ok(Self { out, block: Vec::new(), in_block: 0, blocks: 0, commits: 0 })
    }

    pub(super) fn add(&mut self, commit: &[u8]) -> io::Result<()> {
        self.block.extend((commit.len() as u32).to_be_bytes());
        self.block.extend(commit);
        self.in_block += 1;
        self.commits += 1;
        if self.block.len() >= BLOCK_BYTES { self.end_block() } else { Ok(()) }
    }

    fn end_block(&mut self) -> io::Result<()> {
        if self.in_block == 0 {
            return Ok(());
        }
        let coded = zstd::bulk::compress(&self.block, ZSTD_LEVEL)?;
        let numbers = [self.blocks, self.in_block, self.block.len() as u32, coded.len() as u32];
        let numbers: Vec<u8> = numbers.iter().flat_map(|number| number.to_be_bytes()).collect();
        self.out.put(&[BLOCK])?;
        self.out.put(&numbers)?;
        self.out.put(&checksum(&numbers, &coded))?;
        self.out.put(&coded)?;
        self.block.clear();
        self.in_block = 0;
        self.blocks += 1;
        Ok(())
    }

    pub(super) fn finish(mut self, heads: &[TenantHead]) -> io::Result<Hash> {
        self.end_block()?;
        let heads = heads.iter().map(|head| (head.tenant, head.position, head.hash)).collect();
        let end: End = (heads, self.commits, self.blocks.into());
        self.out.put(&[END])?;
        self.out.put_with_length(&end)?;
        let Hashed { mut file, sha } = self.out;
        let digest = Hash::new(sha.finalize().into());
        file.write_all(digest.as_bytes())?;
        file.flush()?;
        Ok(digest)
    }
}
