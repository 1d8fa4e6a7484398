//! Reading a checkpoint back, on as many threads as there are cores.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;
use std::sync::{Mutex, PoisonError, mpsc};

use domain::id::TenantId;
use domain::snapshot::{Part, Snapshot};
use zeroize::Zeroizing;
use zstd::bulk::Decompressor;

use super::{Header, KEY, LABEL, MAGIC, RECORD, nonce};
use crate::cipher;
use crate::frame::Tip;
use crate::index::Index;
use crate::master::MasterKey;
use crate::reader::Latest;

/// Records that wait for a thread, at most.
const WAITING: usize = 16;

/// A checkpoint whose header was read.
pub(crate) struct Found {
    pub(crate) tip: Tip,
    pub(crate) index: Index,
    pub(crate) latest: Latest,
    key: Zeroizing<[u8; 32]>,
    file: BufReader<File>,
}

/// The checkpoint in this file, if there is one that this program reads.
pub(crate) fn find(path: &Path, master: &MasterKey) -> Option<Found> {
    let mut file = BufReader::with_capacity(1 << 20, File::open(path).ok()?);
    let mut start = [0; MAGIC.len() + KEY];
    file.read_exact(&mut start).ok()?;
    let sealed = start.strip_prefix(MAGIC)?;
    let (file_nonce, sealed) = sealed.split_first_chunk::<12>()?;
    let under = master.derive(LABEL, &[]);
    let key = Zeroizing::new(cipher::open(&under, file_nonce, MAGIC, sealed)?);
    let key = Zeroizing::new(<[u8; 32]>::try_from(key.as_slice()).ok()?);
    let (number, sealed) = next(&mut file).ok()??;
    let plain = open(&mut Decompressor::new().ok()?, &key, number, &sealed)?;
    let header: Header = rmp_serde::from_slice(&plain).ok().filter(|_| number == 0)?;
    if header.form != domain::snapshot::form() {
        return None;
    }
    let Header { frames, checksum, latest, tenants, .. } = header;
    let index = Index::of(tenants);
    Some(Found { tip: Tip { frames, checksum }, index, latest, key, file })
}

impl Found {
    /// The place in the log that it stands for.
    pub(crate) fn place(&self) -> (Tip, Index, Latest) {
        (self.tip, self.index.clone(), self.latest)
    }

    /// Every tenant that it holds. None: it is damaged.
    pub(crate) fn load(self) -> Option<Vec<(TenantId, Snapshot)>> {
        let Found { key, mut file, .. } = self;
        let (records, waiting) = mpsc::sync_channel::<(u32, Vec<u8>)>(WAITING);
        let waiting = Mutex::new(waiting);
        let read: Mutex<BTreeMap<u32, (TenantId, Part)>> = Mutex::default();
        let last: Mutex<Option<u32>> = Mutex::default();
        let whole = std::thread::scope(|scope| {
            let mut working = Vec::new();
            for _ in 0..crate::cores() {
                let (waiting, read, last, key) = (&waiting, &read, &last, &key);
                let work = move || -> Option<()> {
                    let mut decompressor = Decompressor::new().ok()?;
                    loop {
                        let job = waiting.lock().unwrap_or_else(PoisonError::into_inner).recv();
                        let Ok((number, sealed)) = job else { return Some(()) };
                        let plain = open(&mut decompressor, key, number, &sealed)?;
                        if let Ok(all) = rmp_serde::from_slice::<u32>(&plain) {
                            *last.lock().unwrap_or_else(PoisonError::into_inner) = Some(all);
                            continue;
                        }
                        let part = rmp_serde::from_slice(&plain).ok()?;
                        read.lock().unwrap_or_else(PoisonError::into_inner).insert(number, part);
                    }
                };
                working.push(std::thread::Builder::new().spawn_scoped(scope, work).ok()?);
            }
            let whole = loop {
                match next(&mut file) {
                    Ok(Some(record)) => {
                        if records.send(record).is_err() {
                            break false;
                        }
                    }
                    Ok(None) => break true,
                    // Cut short.
                    Err(_) => break false,
                }
            };
            drop(records);
            working.into_iter().all(|one| matches!(one.join(), Ok(Some(())))).then_some(whole)
        })?;
        let read = read.into_inner().unwrap_or_else(PoisonError::into_inner);
        let last = last.into_inner().unwrap_or_else(PoisonError::into_inner)?;
        let all_there = read.len() as u64 + 1 == u64::from(last);
        let mut tenants: BTreeMap<TenantId, Vec<Part>> = BTreeMap::new();
        for (_, (tenant, part)) in read.into_iter().filter(|_| whole && all_there) {
            tenants.entry(tenant).or_default().push(part);
        }
        let snapshots = tenants.into_iter().map(|(tenant, parts)| {
            Snapshot::of_parts(parts).ok().map(|snapshot| (tenant, snapshot))
        });
        snapshots.collect::<Option<Vec<_>>>().filter(|_| whole && all_there)
    }
}

/// The next record's number and content; none at the end.
fn next(file: &mut BufReader<File>) -> io::Result<Option<(u32, Vec<u8>)>> {
    let mut start = [0; 8];
    match file.read(&mut start)? {
        0 => return Ok(None),
        some => file.read_exact(start.get_mut(some..).unwrap_or_default())?,
    }
    let [a, b, c, d, length @ ..] = start;
    let length = u32::from_be_bytes(length) as usize;
    if length > RECORD {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut sealed = vec![0; length];
    file.read_exact(&mut sealed)?;
    Ok(Some((u32::from_be_bytes([a, b, c, d]), sealed)))
}

fn open(
    decompressor: &mut Decompressor<'_>,
    key: &[u8; 32],
    number: u32,
    sealed: &[u8],
) -> Option<Vec<u8>> {
    let content = cipher::open(key, &nonce(number), &[], sealed)?;
    let (length, small) = content.split_first_chunk::<4>()?;
    let length = u32::from_be_bytes(*length) as usize;
    decompressor.decompress(small, length.min(RECORD)).ok().filter(|plain| plain.len() == length)
}
