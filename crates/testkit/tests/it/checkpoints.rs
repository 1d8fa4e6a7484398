//! A start from a checkpoint is a start from the log: the same tenants, whatever came after it, and whatever happened to it.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use domain::id::TenantId;
use domain::snapshot::Snapshot;
use domain::time::Timestamp;
use engine::{Checked, Clock, Copy, Engine};
use eventlog::limits::SEGMENT_BYTES;
use eventlog::{ArchiveReader, Check, EventLog, MasterKey, OpenError, Options, SledLog, Stored};
use testkit::fixture;

const MASTER: [u8; 32] = [3; 32];

fn open(dir: &Path, check: Check) -> Result<SledLog, OpenError> {
    let options = Options { free_bytes: 0, ballast_bytes: 0, check, ..Options::default() };
    let begun = Instant::now();
    loop {
        // The threads of an engine that was dropped let go of the folder in their own time.
        match SledLog::open_with(dir, MasterKey::new(MASTER), options, |_| {}) {
            Err(OpenError::InUse { .. }) if begun.elapsed() < Duration::from_secs(10) => {
                std::thread::sleep(Duration::from_millis(10));
            }
            opened => return opened,
        }
    }
}

fn clock() -> Clock {
    Arc::new(|| Timestamp::from_millis(0))
}

fn commits(name: &str) -> Vec<Stored> {
    let archive = ArchiveReader::open(&fixture::folder().join(name).join("log.rollbook")).unwrap();
    archive.commits().unwrap().collect::<Result<_, _>>().unwrap()
}

/// Appends what happened to the log in `dir`.
fn add(dir: &Path, name: &str, commits: Vec<Stored>) {
    let keys = fixture::keys(name);
    let mut copy = Copy::open(open(dir, Check::Whole).unwrap(), |_| {}).unwrap();
    for stored in commits {
        copy.add(stored.tenant, stored.bytes, &keys).unwrap();
    }
    copy.finish().unwrap();
}

/// Starts an engine, keeps a checkpoint as at a shutdown, and ends.
async fn keep(dir: &Path) {
    let engine = Engine::start(open(dir, Check::Whole).unwrap(), clock(), |_| {}).unwrap();
    engine.stop().await;
    engine.keep_last_checkpoint(Duration::from_secs(60));
}

/// Every tenant as an engine has it that is started on `dir`, and how many frames it did not read.
async fn start(dir: &Path, check: Check) -> (Vec<(TenantId, Snapshot)>, u64) {
    let log = open(dir, check).unwrap();
    let unread = log.checkpoints().unwrap().unread();
    let engine = Engine::start(log, clock(), |_| {}).unwrap();
    let world = engine.world();
    engine.stop().await;
    (world.iter().map(|(id, snapshot)| (id, (**snapshot).clone())).collect(), unread)
}

#[tokio::test]
async fn a_start_from_a_checkpoint_is_a_start_from_the_log() {
    for name in fixture::names() {
        let dir = tempfile::tempdir().unwrap();
        let all = commits(&name);
        let (first, rest) = all.split_at(all.len() / 2);
        add(dir.path(), &name, first.to_vec());
        keep(dir.path()).await;
        let (from_it, unread) = start(dir.path(), Check::Rest).await;
        assert!(unread > 0, "{name}: the checkpoint was not used");
        assert!(from_it == start(dir.path(), Check::Whole).await.0, "{name}");
        add(dir.path(), &name, rest.to_vec());
        let (with_rest, unread) = start(dir.path(), Check::Rest).await;
        assert!(unread > 0, "{name}: the checkpoint was not used");
        assert!(with_rest == start(dir.path(), Check::Whole).await.0, "{name}: the rest");
        for (tenant, snapshot) in with_rest {
            snapshot.directory.agrees().unwrap_or_else(|why| panic!("{name}, {tenant}: {why}"));
        }
    }
}

/// Seen to catch: the count of records not compared at the end.
#[tokio::test]
async fn a_damaged_checkpoint_changes_nothing() {
    let (name, dir) = ("group-rules", tempfile::tempdir().unwrap());
    add(dir.path(), name, commits(name));
    keep(dir.path()).await;
    let path = dir.path().join("checkpoint");
    let whole = fs::read(&path).unwrap();
    let expected = start(dir.path(), Check::Whole).await.0;
    let mut damaged: Vec<Vec<u8>> = Vec::new();
    for place in 0..24 {
        let mut flipped = whole.clone();
        let at = (place * 7919 + place * whole.len() / 24) % whole.len();
        flipped[at] ^= 1 << (place % 8);
        damaged.push(flipped);
    }
    for length in [0, 10, 60, 100, whole.len() / 2, whole.len() - 1] {
        damaged.push(whole[..length].to_vec());
    }
    // Without its last record but one: the end says how many there are.
    let records = records(&whole);
    let [.., (from, to), _] = records.as_slice() else { panic!("there are two records") };
    damaged.push([&whole[..*from], &whole[*to..]].concat());
    // A record twice, the other gone.
    let (a, b) = (records[1], records[2]);
    damaged.push([&whole[..a.0], &whole[b.0..b.1], &whole[b.0..]].concat());
    for (number, bytes) in damaged.into_iter().enumerate() {
        fs::write(&path, bytes).unwrap();
        let (found, _) = start(dir.path(), Check::Rest).await;
        assert!(found == expected, "damage {number}");
    }
}

/// Where each record of a checkpoint begins and ends.
fn records(whole: &[u8]) -> Vec<(usize, usize)> {
    let (mut records, mut at) = (Vec::new(), 24 + 60);
    while at < whole.len() {
        let length = u32::from_be_bytes(whole[at + 4..at + 8].try_into().unwrap()) as usize;
        records.push((at, at + 8 + length));
        at += 8 + length;
    }
    records
}

/// A checkpoint that knows of more than the log has says that commits are gone.
#[tokio::test]
async fn a_log_that_ends_before_its_checkpoint_does_not_open() {
    let (name, dir) = ("two-idps", tempfile::tempdir().unwrap());
    let all = commits(name);
    add(dir.path(), name, all[..all.len() - 5].to_vec());
    let before = tempfile::tempdir().unwrap();
    copy(dir.path(), before.path());
    add(dir.path(), name, all[all.len() - 5..].to_vec());
    keep(dir.path()).await;
    fs::copy(dir.path().join("checkpoint"), before.path().join("checkpoint")).unwrap();
    let refused = open(before.path(), Check::Rest).err().expect("it opens");
    assert!(matches!(refused, OpenError::LostTail(_)), "{refused}");
    assert!(refused.to_string().contains("acknowledged commits are gone"), "{refused}");
}

/// The part of the log that the start did not read is read behind the first answers; from then on nothing is written to a damaged one.
/// Seen to catch: a check that takes what it finds for whole.
#[tokio::test]
async fn damage_before_the_checkpoint_is_found_behind_the_start() {
    let (name, dir) = ("okta-first-month", tempfile::tempdir().unwrap());
    add(dir.path(), name, commits(name));
    keep(dir.path()).await;
    // A bit of a frame in the middle, under a sum of the store's that is right: only the seal tells.
    let store = sled::Config::new().path(dir.path().join("log")).segment_size(SEGMENT_BYTES);
    let db = store.open().unwrap();
    let frames: Vec<_> = db.scan_prefix(b"f").collect::<Result<_, _>>().unwrap();
    let (key, frame) = &frames[frames.len() / 2];
    let mut frame = frame.to_vec();
    let middle = frame.len() / 2;
    frame[middle] ^= 4;
    db.insert(key, frame).unwrap();
    db.flush().unwrap();
    drop(db);
    assert!(open(dir.path(), Check::Whole).is_err(), "who reads all of it does not notice");
    let log = open(dir.path(), Check::Rest).unwrap();
    let engine = Engine::start(log, clock(), |_| {}).unwrap();
    let begun = Instant::now();
    while !matches!(engine.checked(), Checked::Damaged(_)) {
        assert!(
            begun.elapsed() < Duration::from_secs(60),
            "nobody noticed: {:?}",
            engine.checked()
        );
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(!engine.is_writing());
    engine.stop().await;
}

fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            fs::create_dir(&target).unwrap();
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), &target).unwrap();
        }
    }
}
