//! Reading an archive. Nothing is given out before the whole file was read once and found good.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use domain::id::TenantId;
use domain::position::{Hash, Head, Position};
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

use super::{
    ArchiveError, ArchiveSummary, BLOCK, END, End, Header, MAGIC, NUMBERS, TenantHead, VERSION, at,
    checksum,
};
use crate::broken::Broken;
use crate::chain::follow;
use crate::limits::{BLOCK_BYTES, COMMIT_BYTES};
use crate::log::Stored;

/// An archive that was read once from end to end: checksums, and the chain of every tenant.
pub struct ArchiveReader {
    path: PathBuf,
    file: File,
    summary: ArchiveSummary,
    start: BTreeMap<TenantId, Head>,
    reached: BTreeMap<TenantId, Head>,
}

/// Bytes of a header or an end, at most.
const RECORD_BYTES: usize = 64 * 1024 * 1024;
/// Bytes of a block's commits, at most.
const RAW_BYTES: usize = BLOCK_BYTES + COMMIT_BYTES + 8;

impl ArchiveReader {
    /// Opens an archive and checks all of it.
    ///
    /// # Errors
    /// When it is no archive, from a later release, or not exactly as it was written; the place is
    /// named.
    pub fn open(path: &Path) -> Result<Self, ArchiveError> {
        Self::open_after(path, &BTreeMap::new())
    }

    /// Opens an archive that goes on where others ended, as a part of a backup does, and checks all of it.
    ///
    /// # Errors
    /// As [`ArchiveReader::open`]; also when it does not follow `start`.
    pub fn open_after(path: &Path, start: &BTreeMap<TenantId, Head>) -> Result<Self, ArchiveError> {
        let file = File::open(path).map_err(at(path))?;
        let mut pass = Pass::new(path, &file, start)?;
        while pass.step()?.is_some() {}
        let Pass { heads, summary, .. } = &mut pass;
        let (heads, summary) = (std::mem::take(heads), summary.take());
        let Some(summary) = summary else { return Err(pass.damaged("it has no end")) };
        let mut reached = start.clone();
        reached.extend(heads);
        Ok(Self { path: path.to_owned(), file, summary, start: start.clone(), reached })
    }

    /// Where each log ends after this archive, those included that it has nothing of.
    pub fn reached(&self) -> &BTreeMap<TenantId, Head> {
        &self.reached
    }

    /// What the archive holds.
    pub fn summary(&self) -> &ArchiveSummary {
        &self.summary
    }

    /// Every commit in the order written, each checked once more against the one before.
    ///
    /// # Errors
    /// When the file has changed since it was opened.
    pub fn commits(
        &self,
    ) -> Result<impl Iterator<Item = Result<Stored, ArchiveError>>, ArchiveError> {
        let mut pass = Pass::new(&self.path, &self.file, &self.start)?;
        let mut block = Vec::new().into_iter();
        let mut done = false;
        Ok(std::iter::from_fn(move || {
            loop {
                if let Some(stored) = block.next() {
                    return Some(Ok(stored));
                }
                if done {
                    return None;
                }
                match pass.step() {
                    Ok(Some(stored)) => block = stored.into_iter(),
                    Ok(None) => done = true,
                    Err(error) => {
                        done = true;
                        return Some(Err(error));
                    }
                }
            }
        }))
    }
}

/// Reads a file at an offset of its own, so that two can read the same file.
struct Offset<'a> {
    file: &'a File,
    offset: u64,
}

impl Read for Offset<'_> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read_at(bytes, self.offset)?;
        self.offset += read as u64;
        Ok(read)
    }
}

/// One way through the file, checking everything.
struct Pass<'a> {
    path: &'a Path,
    input: BufReader<Offset<'a>>,
    sha: Sha256,
    header: Header,
    heads: BTreeMap<TenantId, Head>,
    latest: Option<(TenantId, Position)>,
    commits: u64,
    blocks: u32,
    summary: Option<ArchiveSummary>,
}

impl<'a> Pass<'a> {
    fn new(
        path: &'a Path,
        file: &'a File,
        start: &BTreeMap<TenantId, Head>,
    ) -> Result<Self, ArchiveError> {
        let mut pass = Self {
            path,
            input: BufReader::new(Offset { file, offset: 0 }),
            sha: Sha256::new(),
            header: Header::default(),
            heads: BTreeMap::new(),
            latest: None,
            commits: 0,
            blocks: 0,
            summary: None,
        };
        match pass.array::<8>() {
            Ok(magic) if magic == *MAGIC => {}
            Ok(_) | Err(ArchiveError::Damaged { .. }) => {
                return Err(ArchiveError::NotAnArchive { path: path.to_owned() });
            }
            Err(error) => return Err(error),
        }
        let version = u16::from_be_bytes(pass.array()?);
        if version != VERSION {
            return Err(ArchiveError::Version { version });
        }
        pass.header = pass.record()?;
        let named = pass.header.1.iter();
        pass.heads = named.filter_map(|id| Some((*id, *start.get(id)?))).collect();
        Ok(pass)
    }

    /// The commits of the next block; none after the end, once the end was found to be right.
    fn step(&mut self) -> Result<Option<Vec<Stored>>, ArchiveError> {
        if self.summary.is_some() {
            return Ok(None);
        }
        match self.array()? {
            [BLOCK] => self.block().map(Some),
            [END] => self.end().map(|()| None),
            _ => Err(self.damaged("neither a block nor the end follows")),
        }
    }

    fn block(&mut self) -> Result<Vec<Stored>, ArchiveError> {
        let numbers: [u8; NUMBERS] = self.array()?;
        let sum: [u8; 16] = self.array()?;
        let mut each = numbers.as_chunks::<4>().0.iter().map(|number| u32::from_be_bytes(*number));
        let mut next = || each.next().unwrap_or_default();
        let (number, count, raw, coded) = (next(), next(), next() as usize, next() as usize);
        if number != self.blocks {
            return Err(self.damaged(&format!("block {number} stands in place of {}", self.blocks)));
        }
        if raw > RAW_BYTES || coded > zstd::zstd_safe::compress_bound(RAW_BYTES) {
            return Err(self.damaged("a block is larger than any that is written"));
        }
        let coded = self.bytes(coded)?;
        if checksum(&numbers, &coded) != sum {
            return Err(self.damaged(&format!("the checksum of block {number} is wrong")));
        }
        let commits = zstd::bulk::decompress(&coded, raw)
            .ok()
            .and_then(|raw| split(&raw, count))
            .ok_or_else(|| self.damaged(&format!("block {number} cannot be read")))?;
        self.blocks += 1;
        commits.into_iter().map(|bytes| self.commit(bytes)).collect()
    }

    fn commit(&mut self, bytes: Vec<u8>) -> Result<Stored, ArchiveError> {
        let tenant = crate::encode::header(&bytes)
            .map_err(|broken| self.damaged(&broken.to_string()))?
            .tenant;
        if !self.header.1.contains(&tenant) {
            return Err(self.damaged(&format!("tenant {tenant} is not one that the header names")));
        }
        let head = self.heads.entry(tenant).or_insert(Head::EMPTY);
        let position = head.next();
        *head = follow(head, tenant, &bytes).map_err(ArchiveError::Broken)?;
        self.latest = Some((tenant, position));
        self.commits += 1;
        Ok(Stored { tenant, position, bytes })
    }

    fn end(&mut self) -> Result<(), ArchiveError> {
        let (heads, commits, blocks): End = self.record()?;
        let digest = Hash::new(self.sha.clone().finalize().into());
        let written: [u8; 32] = self.array()?;
        if *digest.as_bytes() != written {
            return Err(self.damaged("the checksum of the whole is wrong"));
        }
        if self.input.read(&mut [0]).map_err(at(self.path))? != 0 {
            return Err(self.damaged("something follows its end"));
        }
        for (tenant, position, hash) in &heads {
            let found = self.heads.get(tenant).copied().unwrap_or(Head::EMPTY);
            if found.position != Some(*position) || found.hash != *hash {
                let reason =
                    format!("the log should end at position {position}, hash {}", hash.short());
                return Err(ArchiveError::Broken(Broken::commit(*tenant, found.next(), reason)));
            }
        }
        let whole = commits == self.commits && blocks == u64::from(self.blocks);
        if !whole || heads.len() != self.heads.len() || heads.len() != self.header.1.len() {
            return Err(self.damaged("its counts do not fit what is in it"));
        }
        let tenants = heads
            .into_iter()
            .map(|(tenant, position, hash)| TenantHead { tenant, position, hash })
            .collect();
        let created_by = self.header.0.clone();
        self.summary = Some(ArchiveSummary { created_by, tenants, commits, digest });
        Ok(())
    }

    fn record<T: DeserializeOwned>(&mut self) -> Result<T, ArchiveError> {
        let length = u32::from_be_bytes(self.array()?) as usize;
        if length > RECORD_BYTES {
            return Err(self.damaged("a record is larger than any that is written"));
        }
        let bytes = self.bytes(length)?;
        rmp_serde::from_slice(&bytes).map_err(|_| self.damaged("a record cannot be read"))
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], ArchiveError> {
        let mut bytes = [0; N];
        self.fill(&mut bytes)?;
        Ok(bytes)
    }

    fn bytes(&mut self, length: usize) -> Result<Vec<u8>, ArchiveError> {
        let mut bytes = vec![0; length];
        self.fill(&mut bytes)?;
        Ok(bytes)
    }

    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), ArchiveError> {
        match self.input.read_exact(bytes) {
            Ok(()) => {
                self.sha.update(bytes);
                Ok(())
            }
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                Err(self.damaged("it ends too early"))
            }
            Err(error) => Err(at(self.path)(error)),
        }
    }

    fn damaged(&self, reason: &str) -> ArchiveError {
        ArchiveError::Damaged { after: self.latest, reason: reason.to_owned() }
    }
}

/// Takes commits with their lengths apart; none when they do not fill the bytes exactly.
fn split(mut raw: &[u8], count: u32) -> Option<Vec<Vec<u8>>> {
    let mut commits = Vec::new();
    for _ in 0..count {
        let (length, rest) = raw.split_first_chunk::<4>()?;
        let (commit, rest) = rest.split_at_checked(u32::from_be_bytes(*length) as usize)?;
        commits.push(commit.to_vec());
        raw = rest;
    }
    raw.is_empty().then_some(commits)
}
