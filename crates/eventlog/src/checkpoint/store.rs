//! Writing the records of a checkpoint, on as many threads as there are cores.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};

use domain::id::TenantId;
use domain::snapshot::{PartOf, Snapshot};
use zstd::bulk::Compressor;

use super::{Header, RECORD, ZSTD_LEVEL, nonce};
use crate::cipher;

/// Parts that wait for a thread, at most.
const WAITING: usize = 16;

enum Job<'a> {
    Part(u32, TenantId, PartOf<'a>),
    Plain(u32, Vec<u8>),
}

/// Writes all records and answers how many bytes they have. An error that is none: `stop` said so.
pub(super) fn write(
    file: &mut File,
    key: &[u8; 32],
    header: &Header,
    world: &[(TenantId, Arc<Snapshot>)],
    stop: &(dyn Fn() -> bool + Sync),
) -> Result<u64, Option<io::Error>> {
    let (jobs, waiting) = mpsc::sync_channel::<Job<'_>>(WAITING);
    let waiting = Mutex::new(waiting);
    let (done, records) = mpsc::sync_channel::<io::Result<Vec<u8>>>(WAITING);
    let given_up = AtomicBool::new(false);
    // Who opens a checkpoint reads the header first; the others come in whatever order they are ready.
    let first = rmp_serde::to_vec(header)
        .map_err(io::Error::other)
        .and_then(|header| record(&mut Compressor::new(ZSTD_LEVEL)?, key, Job::Plain(0, header)));
    let first = first.map_err(Some)?;
    let mut out = BufWriter::with_capacity(1 << 20, file);
    out.write_all(&first).map_err(Some)?;
    let mut bytes = first.len() as u64;
    std::thread::scope(|scope| {
        for _ in 0..crate::cores() {
            let (waiting, done, given_up) = (&waiting, done.clone(), &given_up);
            let work = move || {
                let mut compressor = Compressor::new(ZSTD_LEVEL);
                loop {
                    let job = waiting.lock().unwrap_or_else(PoisonError::into_inner).recv();
                    let Ok(job) = job else { return };
                    let record = match &mut compressor {
                        Ok(compressor) => record(compressor, key, job),
                        Err(error) => Err(io::Error::other(error.to_string())),
                    };
                    if given_up.load(Ordering::Relaxed) || done.send(record).is_err() {
                        return;
                    }
                }
            };
            std::thread::Builder::new().spawn_scoped(scope, work).map_err(Some)?;
        }
        drop(done);
        let given_up = &given_up;
        let produce = move || {
            let mut number = 0;
            let mut next = || {
                number += 1;
                number
            };
            for (tenant, snapshot) in world {
                snapshot.each_part(|part| {
                    if !given_up.load(Ordering::Relaxed) {
                        if stop() {
                            given_up.store(true, Ordering::Relaxed);
                        }
                        // Nobody is left to send to where the others gave up.
                        let _ = jobs.send(Job::Part(next(), *tenant, part));
                    }
                });
            }
            let last = next();
            let _ = jobs.send(Job::Plain(last, rmp_serde::to_vec(&last).unwrap_or_default()));
        };
        std::thread::Builder::new().spawn_scoped(scope, produce).map_err(Some)?;
        for record in records {
            let written = record.and_then(|record| {
                bytes += record.len() as u64;
                out.write_all(&record)
            });
            if let Err(error) = written {
                given_up.store(true, Ordering::Relaxed);
                return Err(Some(error));
            }
        }
        if given_up.load(Ordering::Relaxed) {
            return Err(None);
        }
        out.flush().map_err(Some)?;
        Ok(bytes)
    })
}

fn record(compressor: &mut Compressor<'_>, key: &[u8; 32], job: Job<'_>) -> io::Result<Vec<u8>> {
    let (number, plain) = match job {
        Job::Plain(number, plain) => (number, plain),
        Job::Part(number, tenant, part) => {
            let named = part.is_named();
            let content = (tenant, part);
            let plain =
                if named { rmp_serde::to_vec_named(&content) } else { rmp_serde::to_vec(&content) };
            (number, plain.map_err(io::Error::other)?)
        }
    };
    let small = compressor.compress(&plain)?;
    let mut content = (plain.len() as u32).to_be_bytes().to_vec();
    content.extend(small);
    let sealed = cipher::seal(key, &nonce(number), &[], &content)
        .filter(|sealed| sealed.len() <= RECORD && plain.len() <= RECORD)
        .ok_or_else(|| io::Error::other("a part is too large"))?;
    let mut record = Vec::with_capacity(8 + sealed.len());
    record.extend(number.to_be_bytes());
    record.extend((sealed.len() as u32).to_be_bytes());
    record.extend(sealed);
    Ok(record)
}
