//! What only the log in memory does: faults on demand.

use domain::id::TenantId;
use eventlog::{AppendFault, EventLog, Fault, LogReader, MemoryDisk};

use crate::common::*;

fn acme() -> TenantId {
    id(1)
}

fn turn(reader: &impl LogReader) -> Vec<eventlog::Sealed> {
    sealed(reader, acme(), [vec![opened(acme())]])
}

/// Seen to fail with a turn published before its cut.
#[test]
fn faults_happen_when_they_are_due_and_leave_what_they_say() {
    let disk = MemoryDisk::default();
    disk.fail_after(1, Fault::NoSpace);
    disk.fail_after(3, Fault::CutBefore);
    let mut log = Place::open(&disk);
    log = write(log, acme(), [vec![opened(acme())]]);
    let full = log.append(&turn(&disk.open().unwrap().reader())).err().unwrap();
    assert!(matches!(full.cause, AppendFault::NoSpace { .. }));
    log = full.log.expect("nothing was written");
    log = write(log, acme(), [vec![opened(acme())]]);
    let reader = log.reader();
    assert!(log.append(&turn(&reader)).err().unwrap().log.is_none(), "the log is lost");
    let log = Place::open(&disk);
    assert_eq!(everything(&log.reader()).len(), 2, "and so is the turn");
    disk.fail_after(0, Fault::CutAfter);
    let reader = log.reader();
    assert!(log.append(&turn(&reader)).err().unwrap().log.is_none());
    assert_eq!(everything(&reader).len(), 2, "what is not acknowledged is not read");
    assert_eq!(everything(&Place::open(&disk).reader()).len(), 3, "but it is on the disk");
}

/// Seen to fail with the check of `Taken` left out of `append`.
#[test]
fn two_writers_do_not_write_over_each_other() {
    let disk = MemoryDisk::default();
    let (one, other) = (Place::open(&disk), Place::open(&disk));
    let batch = turn(&one.reader());
    one.append(&batch).unwrap();
    let error = other.append(&batch).err().unwrap();
    assert!(matches!(error.cause, AppendFault::Taken { frame: 1 }), "{error}");
}

/// Seen to fail with the frame's own checksum not compared in `try_unpack`, and with `keys::check` left out of `MemoryDisk::open`.
#[test]
fn every_flipped_bit_is_noticed() {
    let disk = MemoryDisk::default();
    let log = write(Place::open(&disk), acme(), [vec![created(id(9), "jane")]]);
    write(log, acme(), [vec![renamed(id(9), "jane", "janet")], vec![opened(acme())]]);
    assert!(disk.size() > 500);
    for bit in 0..disk.size() * 8 {
        disk.flip(bit).unwrap();
        assert!(disk.open().is_err(), "bit {bit}");
        disk.flip(bit).unwrap();
    }
    disk.open().unwrap();
    assert_eq!(disk.flip(disk.size() * 8), None);
}

#[test]
fn the_same_seed_makes_the_same_bytes() {
    let written = |seed| {
        let log = MemoryDisk::seeded(seed).open().unwrap();
        everything(&write(log, acme(), [vec![created(id(9), "jane")]]).reader())
    };
    assert_eq!(written(1), written(1));
    assert_ne!(written(1), written(2));
}
