//! What only the log in sled does: real files, and what can happen to them.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use domain::id::TenantId;
use domain::position::Position;
use eventlog::{
    AppendFault, Broken, Created, EventLog, Keys, MasterKey, MasterKeyError, OpenError, Options,
    PersonKey, SledLog, Tail, limits,
};

use crate::common::*;

fn acme() -> TenantId {
    id(1)
}

/// A closed log of some turns.
fn written(turns: usize) -> DataDir {
    let dir = data_dir();
    let mut log = write(dir.open(), acme(), [vec![opened(acme()), created(id(9), "jane")]]);
    for _ in 1..turns {
        log = write(log, acme(), [vec![renamed(id(9), "jane", "janet")]]);
    }
    dir
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let to = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &to);
        } else {
            fs::copy(&path, to).unwrap();
        }
    }
}

fn replace(from: &Path, to: &Path) {
    fs::remove_dir_all(to).unwrap();
    copy(from, to);
}

#[test]
fn a_second_opener_is_told_who_has_the_folder() {
    let dir = data_dir();
    let log = dir.open();
    let error = dir.refusal();
    assert!(matches!(error, OpenError::InUse { .. }), "{error}");
    assert!(error.to_string().contains("is in use by another process"));
    drop(log);
    dir.open();
}

/// Seen to fail with every master key let through in `check_master`.
#[test]
fn another_master_key_opens_nothing() {
    let dir = written(2);
    let other = MasterKey::new([4; 32]);
    let error = SledLog::open_with(dir.path(), other, options(), |_| {}).err().unwrap();
    assert!(matches!(error, OpenError::WrongMasterKey), "{error}");
    dir.open();
}

/// Seen to fail with `lacking` always content, as is the next.
#[test]
fn below_the_threshold_nothing_is_written_and_the_log_stays() {
    let dir = written(1);
    let full = Options { free_bytes: u64::MAX, ..options() };
    let log = SledLog::open_with(dir.path(), master(), full, |_| {}).unwrap();
    let batch = sealed(&log.reader(), acme(), [vec![opened(acme())]]);
    let error = log.append(&batch).err().unwrap();
    assert!(matches!(error.cause, AppendFault::NoSpace { needed: u64::MAX, .. }), "{error}");
    let log = error.log.expect("the log is not lost");
    assert_eq!(everything(&log.reader()).len(), 1);
    assert!(log.journal().record(acme(), b"refused").is_err());
    drop(log);
    dir.open().append(&batch).unwrap();
}

#[test]
fn the_ballast_is_real_and_makes_room_when_there_is_none() {
    let dir = data_dir();
    let ballast = Options { ballast_bytes: 3 << 20, ..options() };
    let open = |options| drop(SledLog::open_with(dir.path(), master(), options, |_| {}).unwrap());
    open(ballast);
    let file = fs::metadata(dir.file("ballast")).unwrap();
    assert_eq!(file.len(), 3 << 20);
    assert!(std::os::unix::fs::MetadataExt::blocks(&file) * 512 >= 3 << 20, "not a hole");
    open(Options { free_bytes: u64::MAX, ..ballast });
    assert!(!dir.file("ballast").exists(), "given up, and no room to have it again");
    open(ballast);
    assert!(dir.file("ballast").exists());
}

/// An older copy of the store under a newer witness is what a store that forgot its tail looks like.
/// Seen to fail with `compare` left out of `open_with`.
#[test]
fn a_log_shorter_than_its_witness_has_lost_its_tail() {
    let dir = written(2);
    let older = dir.file("older");
    copy(&dir.file("log"), &older);
    let log = dir.open();
    write(log, acme(), (0..3).map(|_| vec![opened(acme())]));
    replace(&older, &dir.file("log"));
    let error = dir.refusal();
    let OpenError::LostTail(lost) = &error else { panic!("{error}") };
    assert_eq!((lost.had, lost.good, lost.tenant), (3, 2, acme()));
    assert_eq!((lost.position, lost.last), (Position::new(5).unwrap(), Position::new(2)));
    let text = error.to_string();
    assert!(text.contains("frames 3 to 3"), "{text}");
    assert!(text.contains("rollbook replay"), "{text}");
    dir.refusal();
    let accepted = Options { tail: Tail::AsItIs, ..options() };
    let log = SledLog::open_with(dir.path(), master(), accepted, |_| {}).unwrap();
    assert_eq!(replay(&log.reader(), acme()).len(), 2);
    drop(log);
    dir.open();
}

/// Seen to fail with the checksum not compared in `compare`.
#[test]
fn another_history_of_the_same_length_is_noticed() {
    let (dir, other) = (written(3), data_dir());
    let mut log = write(other.open(), acme(), [vec![opened(acme()), created(id(9), "john")]]);
    for _ in 1..3 {
        log = write(log, acme(), [vec![opened(acme())]]);
    }
    drop(log);
    replace(&other.file("log"), &dir.file("log"));
    let error = dir.refusal();
    assert!(matches!(&error, OpenError::LostTail(lost) if lost.had == 3), "{error}");
}

/// Seen to fail with `refuse_lost_store` left out of `open_with`.
#[test]
fn a_store_that_is_gone_is_not_begun_anew() {
    let dir = written(2);
    fs::remove_dir_all(dir.file("log")).unwrap();
    let error = dir.refusal();
    assert!(matches!(&error, OpenError::LostTail(lost) if lost.last.is_none()), "{error}");
    assert!(!dir.file("log").join("db").exists(), "nothing stands in its place");
}

/// Seen to fail with an absent witness let through whatever the log holds.
#[test]
fn a_witness_that_is_gone_or_damaged_is_a_refusal() {
    let dir = written(2);
    let witness = dir.file("witness");
    let kept = fs::read(&witness).unwrap();
    fs::remove_file(&witness).unwrap();
    let missing = dir.refusal();
    assert!(matches!(missing, OpenError::NoWitness { what: "missing", .. }), "{missing}");
    fs::write(&witness, vec![0; kept.len()]).unwrap();
    let damaged = dir.refusal();
    assert!(matches!(damaged, OpenError::NoWitness { what: "damaged", .. }), "{damaged}");
    fs::write(&witness, &kept).unwrap();
    dir.open();
}

/// Seen to fail with a single slot.
#[test]
fn a_cut_while_the_witness_is_written_does_no_harm() {
    let dir = written(3);
    let witness = dir.file("witness");
    let kept = fs::read(&witness).unwrap();
    for slot in [0, 4096] {
        let mut torn = kept.clone();
        torn[slot + 20] ^= 0xff;
        fs::write(&witness, &torn).unwrap();
        dir.open();
    }
}

#[test]
fn a_first_start_that_was_cut_short_begins_again() {
    let dir = data_dir();
    drop(dir.open());
    fs::remove_file(dir.file("witness")).unwrap();
    drop(dir.open());
    fs::remove_file(dir.file("witness")).unwrap();
    fs::remove_dir_all(dir.file("log")).unwrap();
    dir.open();
}

/// Seen to fail with `refuse_blobs` left out.
#[test]
fn a_file_that_is_never_synced_is_a_refusal() {
    let dir = written(1);
    let blobs = dir.file("log").join("blobs");
    fs::create_dir_all(&blobs).unwrap();
    fs::write(blobs.join("7"), "a value").unwrap();
    let error = dir.refusal();
    assert!(matches!(error, OpenError::Blob { .. }), "{error}");
}

/// Seen to fail with `remove_generating` left out, and with `remove_snapshots` left out.
#[test]
fn leftovers_of_a_killed_open_are_removed_and_a_damaged_snapshot_is_made_anew() {
    let dir = written(2);
    drop(dir.open());
    let log = dir.file("log");
    fs::write(log.join("snap.0000.generating"), "half").unwrap();
    dir.open();
    assert!(!log.join("snap.0000.generating").exists());
    let snapshots: Vec<_> =
        files(&log).into_iter().filter(|f| f.to_string_lossy().contains("snap.")).collect();
    assert!(!snapshots.is_empty(), "otherwise this tests nothing");
    for snapshot in snapshots {
        let length = fs::metadata(&snapshot).unwrap().len();
        fs::write(&snapshot, vec![0xa5; length as usize]).unwrap();
    }
    assert_eq!(replay(&dir.open().reader(), acme()).len(), 2);
}

/// Frames as large as they get, and commits as long: none may become a file of its own.
#[test]
fn no_value_outgrows_the_store() {
    let dir = data_dir();
    let mut log = dir.open();
    for length in [limits::COMMIT_BYTES - 1_000, 60_000, 60_000, 60_000, 8_000_000] {
        log = write(log, acme(), [vec![policy(length)]]);
    }
    for _ in 0..100 {
        log = write(log, acme(), [vec![policy(60_000)]]);
    }
    drop(log);
    let blobs = dir.file("log").join("blobs");
    assert!(!blobs.exists() || files(&blobs).is_empty());
    assert_eq!(replay(&dir.open().reader(), acme()).len(), 105);
}

/// Flips bytes all over the files of a small data folder: each is either refused or changes nothing
/// at all. Seen to fail with `compare` left out of `open_with`: sled sees most damage itself, and
/// answers by forgetting what comes after. What it does not see is tried in `memory.rs`, bit by bit.
#[test]
fn a_flipped_byte_is_noticed_or_harmless() {
    let dir = written(6);
    let log = dir.open();
    let good = (everything(&log.reader()), log.reader().person(acme(), id(9)).unwrap());
    log.journal().record(acme(), b"refused").unwrap();
    drop(log);
    let template: Vec<_> = files(dir.path())
        .into_iter()
        .map(|file| (file.strip_prefix(dir.path()).unwrap().to_owned(), fs::read(&file).unwrap()))
        .collect();
    // Where nothing was written there is nothing to damage.
    let places: Vec<(usize, usize)> = template
        .iter()
        .enumerate()
        .flat_map(|(file, (_, bytes))| {
            bytes.iter().enumerate().filter(|(_, byte)| **byte != 0).map(move |(at, _)| (file, at))
        })
        .collect();
    let (mut noticed, mut state) = (0, 20_261_122u64);
    for _ in 0..60 {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let (file, at) = places[(state >> 33) as usize % places.len()];
        let damaged = data_dir();
        for (number, (path, bytes)) in template.iter().enumerate() {
            let to = damaged.path().join(path);
            fs::create_dir_all(to.parent().unwrap()).unwrap();
            let mut bytes = bytes.clone();
            if number == file {
                bytes[at] ^= 1 << (state % 8);
            }
            fs::write(to, bytes).unwrap();
        }
        let what = format!("byte {at} of {}", template[file].0.display());
        match damaged.try_open() {
            Err(_) => noticed += 1,
            Ok(log) => {
                let reader = log.reader();
                let now = (everything(&reader), reader.person(acme(), id(9)).unwrap());
                assert!(now == good, "{what}");
            }
        }
    }
    assert!(noticed > 10, "{noticed} of 60 is not a test");
}

/// Cuts the store's file at many places: what was acknowledged is there, or the log does not open.
/// Seen to fail with `compare` left out of `open_with`.
#[test]
fn a_tail_that_is_cut_off_is_noticed_or_harmless() {
    let dir = written(6);
    let good = everything(&dir.open().reader());
    let db = fs::read(dir.file("log").join("db")).unwrap();
    let end = db.iter().rposition(|byte| *byte != 0).unwrap();
    let mut noticed = 0;
    for eighth in 0..12 {
        let damaged = data_dir();
        copy(dir.path(), damaged.path());
        let mut cut = db.clone();
        cut[end * eighth / 12..].fill(0);
        if eighth % 2 == 0 {
            cut.truncate(end * eighth / 12);
        }
        fs::write(damaged.file("log").join("db"), cut).unwrap();
        if eighth % 3 == 0 {
            for file in files(&damaged.file("log")) {
                if file.to_string_lossy().contains("snap.") {
                    fs::remove_file(file).unwrap();
                }
            }
        }
        match damaged.try_open() {
            Err(_) => noticed += 1,
            Ok(log) => assert_eq!(everything(&log.reader()), good, "{eighth}"),
        }
    }
    assert!(noticed > 5, "{noticed} of 12 is not a test");
}

/// Seen to fail with bodies written unsealed, and with the journal's entries put as they come.
#[test]
fn nothing_personal_is_in_any_file() {
    let dir = data_dir();
    let log = write(
        dir.open(),
        acme(),
        [vec![created(id(9), CANARY)], vec![renamed(id(9), CANARY, &format!("{CANARY}-2"))]],
    );
    log.journal().record(acme(), CANARY.as_bytes()).unwrap();
    let key = log.reader().person(acme(), id(9)).unwrap();
    assert!(key.is_some());
    drop(log);
    for file in files(dir.path()) {
        assert!(!contains(&fs::read(&file).unwrap(), CANARY), "{}", file.display());
    }
}

/// A process that is killed while it writes has lost nothing that it said was written.
#[test]
fn a_kill_loses_nothing_that_was_acknowledged() {
    const DIR: &str = "ROLLBOOK_TEST_KILLED_DIR";
    if let Ok(dir) = std::env::var(DIR) {
        let mut log = SledLog::open_with(dir.as_ref(), master(), options(), |_| {}).unwrap();
        loop {
            log = write(log, acme(), (0..7).map(|_| vec![created_anew(), opened(acme())]));
            eprintln!("\nacknowledged {}", head(&log.reader(), acme()).next().get() - 1);
        }
    }
    let dir = data_dir();
    let mut acknowledged = 0;
    for round in 0..5 {
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["sled::a_kill_loses_nothing_that_was_acknowledged", "--exact", "--nocapture"])
            .env(DIR, dir.path())
            .stderr(Stdio::piped())
            .stdout(Stdio::null())
            .spawn();
        let mut child = child.unwrap();
        std::thread::sleep(std::time::Duration::from_millis(250 + 70 * round));
        child.kill().unwrap();
        let said = child.wait_with_output().unwrap().stderr;
        let said = String::from_utf8_lossy(&said);
        // The last line may be cut short, and then names an earlier position, or none.
        let last = said.lines().filter_map(|line| line.strip_prefix("acknowledged ")?.parse().ok());
        acknowledged = last.max().unwrap_or(acknowledged);
        let log = dir.open();
        let found = replay(&log.reader(), acme()).len() as u64;
        assert!(found >= acknowledged, "{found} of {acknowledged}");
    }
    assert!(acknowledged > 0, "nothing was written, so nothing was tested");
}

fn created_anew() -> domain::event::Event {
    static NEXT: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
    let number = NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    created(id(u64::from(std::process::id()) * 100_000 + number), "somebody")
}

#[test]
fn progress_counts_frames() {
    let dir = written(5);
    let mut seen = Vec::new();
    let log = SledLog::open_with(dir.path(), master(), options(), |progress| {
        seen.push((progress.done, progress.total));
    });
    drop(log.unwrap());
    assert_eq!(seen, [(1, 5), (2, 5), (3, 5), (4, 5), (5, 5)]);
}

#[test]
fn a_master_key_is_made_once_and_kept() {
    let dir = data_dir();
    let (made, created) = MasterKey::load_or_create(dir.path()).unwrap();
    assert_eq!(created, Created::Now);
    let mode = fs::metadata(dir.file("master.key")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let log = SledLog::open_with(dir.path(), made, options(), |_| {}).unwrap();
    drop(write(log, acme(), [vec![created_anew()]]));
    let (again, created) = MasterKey::load_or_create(dir.path()).unwrap();
    assert_eq!(created, Created::Before);
    drop(SledLog::open_with(dir.path(), again, options(), |_| {}).unwrap());
    fs::remove_file(dir.file("master.key")).unwrap();
    let error = MasterKey::load_or_create(dir.path()).unwrap_err();
    assert!(matches!(error, MasterKeyError::Missing { .. }), "{error}");
}

#[test]
fn a_master_key_is_read_in_the_forms_people_have() {
    let dir = data_dir();
    let opens = |key: Result<MasterKey, MasterKeyError>| {
        let opened =
            key.map(|key| SledLog::open_with(dir.path(), key, options(), |_| {}).map(drop));
        assert!(matches!(opened, Ok(Ok(()))), "{opened:?}");
    };
    opens(Ok(master()));
    opens(MasterKey::from_hex(&"03".repeat(32)));
    opens(MasterKey::from_text(&format!(" {}\n", "03".repeat(32))));
    opens(MasterKey::from_text("AwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwM="));
    opens(MasterKey::from_text("AwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwM"));
    let file = dir.file("key");
    for content in [[3; 32].to_vec(), format!("{}\n", "03".repeat(32)).into_bytes()] {
        fs::write(&file, content).unwrap();
        opens(MasterKey::from_file(&file));
    }
    for wrong in ["", "03", "AwMD", "AwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwN"] {
        assert!(matches!(MasterKey::from_text(wrong), Err(MasterKeyError::Form)), "{wrong}");
    }
}

#[test]
fn a_foreign_frame_after_the_last_is_damage() {
    let dir = written(2);
    // A store of the same kind, written by something else.
    let store = ::sled::Config::new().path(dir.file("log")).segment_size(limits::SEGMENT_BYTES);
    let db = store.open().unwrap();
    db.insert([b"f".as_slice(), &3u64.to_be_bytes()].concat(), "not a frame").unwrap();
    db.flush().unwrap();
    drop(db);
    let error = dir.refusal();
    let OpenError::Broken(Broken::Frame { frame: 3, position, .. }) = &error else {
        panic!("{error}")
    };
    assert_eq!(*position, Position::new(2), "the last good commit is named");
}

/// A frame is written behind its persons' keys. A cut between them must not leave keys that refuse who brings the same commits
/// again, as a replay does. Seen to fail with every key that is there refused.
#[test]
fn keys_that_a_cut_left_without_their_frame_are_in_nobodys_way() {
    let dir = written(1);
    let before = ["witness", "heads"].map(|name| (name, fs::read(dir.file(name)).unwrap()));
    let log = dir.open();
    let batch = sealed(&log.reader(), acme(), [vec![created(id(8), "jim")]]);
    drop(log.append(&batch).unwrap());
    let store = ::sled::Config::new().path(dir.file("log")).segment_size(limits::SEGMENT_BYTES);
    let db = store.open().unwrap();
    assert!(db.remove([b"f".as_slice(), &2u64.to_be_bytes()].concat()).unwrap().is_some());
    db.flush().unwrap();
    drop(db);
    for (name, bytes) in before {
        fs::write(dir.file(name), bytes).unwrap();
    }
    let log = dir.open();
    assert_eq!(replay(&log.reader(), acme()).len(), 1, "the turn is not there");
    let mut other = batch.clone();
    other[0].new_keys[0].1 = PersonKey::new([9; 32]);
    let log = log.append(&other).err().unwrap().log.unwrap();
    let log = log.append(&batch).unwrap();
    assert_eq!(replay(&log.reader(), acme()).len(), 2);
}
