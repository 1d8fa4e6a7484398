//! What every log does, tried on the one in memory and on the one in sled.

use crate::common::*;
use domain::event::Event;
use domain::id::{TenantId, UserId};
use domain::personal::Personal;
use domain::position::{Hash, Head, Position};
use domain::time::Timestamp;
use eventlog::{
    AppendFault, Broken, EventLog, Journal, Keys, LogReader, MemoryDisk, PersonKey, Repeats, limits,
};

macro_rules! on_both_logs {
    ($($(#[$doc:meta])* $name:ident;)*) => {
        mod in_memory {
            $($(#[$doc])* #[test] fn $name() { super::$name(super::MemoryDisk::default()); })*
        }
        mod in_sled {
            $($(#[$doc])* #[test] fn $name() { super::$name(super::data_dir()); })*
        }
    };
}

on_both_logs! {
    an_empty_log_has_nothing;
    what_is_appended_is_read_back_exactly;
    commits_of_several_tenants_keep_their_order;
    a_log_is_the_same_after_it_is_opened_again;
    a_long_commit_spans_several_frames;
    a_turn_is_cut_into_frames;
    a_range_has_both_ends;
    a_reader_sees_what_is_appended_later;
    a_batch_out_of_place_is_refused_and_nothing_is_written;
    bytes_that_are_not_what_they_claim_are_refused;
    a_commit_beyond_the_limit_is_refused;
    an_erased_person_reads_as_erased_and_the_chain_still_holds;
    a_key_is_never_written_over;
    a_key_that_never_was_is_damage_not_erasure;
    persons_are_listed_without_the_erased;
    refusals_are_kept_newest_first;
    the_oldest_refusals_make_room;
    refusals_of_a_person_are_forgotten;
    repetitions_are_counted_in_one_entry;
}

const ACME: u64 = 1;
const GLOBEX: u64 = 2;

fn acme() -> TenantId {
    id(ACME)
}

fn position(number: u64) -> Position {
    Position::new(number).unwrap()
}

fn an_empty_log_has_nothing(place: impl Place) {
    let reader = place.open().reader();
    assert_eq!(everything(&reader), []);
    assert_eq!(reader.heads(), []);
    assert_eq!(reader.frames(), 0);
    assert_eq!(reader.commit(acme(), Position::FIRST), Ok(None));
}

fn what_is_appended_is_read_back_exactly(place: impl Place) {
    let log = place.open();
    let batch = sealed(&log.reader(), acme(), [vec![opened(acme())], vec![created(id(9), "jane")]]);
    let log = log.append(&batch).unwrap();
    let reader = log.reader();
    for sealed in &batch {
        let bytes = reader.commit(acme(), sealed.position).unwrap().unwrap();
        assert_eq!(bytes, sealed.bytes);
        assert_eq!(eventlog::hash(&bytes), sealed.hash);
    }
    assert_eq!(reader.commit(acme(), position(3)), Ok(None));
    let commits = replay(&reader, acme());
    assert_eq!(commits[0].events, [opened(acme())]);
    assert_eq!(commits[1].events, [created(id(9), "jane")]);
    assert_eq!(reader.heads(), [(acme(), position(2), batch[1].hash)]);
}

fn commits_of_several_tenants_keep_their_order(place: impl Place) {
    let mut log = place.open();
    for tenant in [ACME, GLOBEX, ACME, ACME, GLOBEX] {
        log = write(log, id(tenant), [vec![opened(id(tenant))]]);
    }
    let order: Vec<(TenantId, u64)> =
        everything(&log.reader()).iter().map(|s| (s.tenant, s.position.get())).collect();
    let expected = [(ACME, 1), (GLOBEX, 1), (ACME, 2), (ACME, 3), (GLOBEX, 2)];
    assert_eq!(order, expected.map(|(tenant, position)| (id(tenant), position)));
    assert_eq!(replay(&log.reader(), acme()).len(), 3);
    assert_eq!(replay(&log.reader(), id(GLOBEX)).len(), 2);
}

fn a_log_is_the_same_after_it_is_opened_again(place: impl Place) {
    let log = write(place.open(), acme(), [vec![opened(acme())], vec![created(id(9), "jane")]]);
    let before = (everything(&log.reader()), log.reader().heads(), log.reader().frames());
    let key = log.reader().person(acme(), id(9)).unwrap();
    log.close();
    let log = place.open();
    assert_eq!(before, (everything(&log.reader()), log.reader().heads(), log.reader().frames()));
    assert!(log.reader().person(acme(), id(9)).unwrap() == key && key.is_some());
    let log = write(log, acme(), [vec![renamed(id(9), "jane", "janet")]]);
    assert_eq!(replay(&log.reader(), acme()).len(), 3);
}

fn a_long_commit_spans_several_frames(place: impl Place) {
    let length = 1_000_000;
    let events = [vec![opened(acme())], vec![policy(length)], vec![opened(acme())]];
    let log = write(place.open(), acme(), events);
    assert!(log.reader().frames() > (length / limits::FRAME_BYTES) as u64);
    log.close();
    let log = place.open();
    let reader = log.reader();
    assert_eq!(replay(&reader, acme())[1].events, [policy(length)]);
    for stored in everything(&reader) {
        assert_eq!(reader.commit(acme(), stored.position).unwrap().unwrap(), stored.bytes);
    }
    let ranged: Vec<_> =
        reader.range(acme(), position(2), position(3)).map(Result::unwrap).collect();
    assert_eq!(ranged, everything(&reader)[1..]);
}

fn a_turn_is_cut_into_frames(place: impl Place) {
    let turn = (0..200).map(|_| vec![opened(acme())]);
    let log = write(place.open(), acme(), turn);
    assert_eq!(log.reader().frames(), 200u64.div_ceil(limits::FRAME_COMMITS as u64));
    assert_eq!(replay(&log.reader(), acme()).len(), 200);
    let from_second: Vec<_> =
        log.reader().scan_from(1).map(|s| s.unwrap().position.get()).collect();
    assert_eq!(from_second, (65..=200).collect::<Vec<_>>());
}

/// Seen to fail with the index off by one at a frame's first position.
fn a_range_has_both_ends(place: impl Place) {
    let mut log = place.open();
    for _ in 0..4 {
        log = write(log, acme(), (0..50).map(|_| vec![opened(acme())]));
        log = write(log, id(GLOBEX), [vec![opened(id(GLOBEX))]]);
    }
    let reader = log.reader();
    for (from, to) in [(1, 200), (1, 1), (50, 51), (49, 151), (200, 200), (199, 300), (201, 210)] {
        let found: Vec<u64> = reader
            .range(acme(), position(from), position(to))
            .map(|stored| stored.unwrap().position.get())
            .collect();
        assert_eq!(found, (from..=to.min(200)).collect::<Vec<_>>(), "{from} to {to}");
    }
    assert_eq!(reader.range(acme(), position(9), position(3)).count(), 0);
}

fn a_reader_sees_what_is_appended_later(place: impl Place) {
    let log = place.open();
    let reader = log.reader();
    let begun = reader.scan();
    let log = write(log, acme(), [vec![opened(acme())]]);
    assert_eq!(begun.count(), 0, "a scan ends where the log ended when it began");
    assert_eq!(reader.scan().count(), 1);
    assert!(reader.commit(acme(), Position::FIRST).unwrap().is_some());
    drop(log);
    assert_eq!(reader.scan().count(), 1);
}

/// Seen to fail with the check of `prev` left out of `follow`, and with `Turn::new` checking heads of
/// the log only and not of the batch.
fn a_batch_out_of_place_is_refused_and_nothing_is_written(place: impl Place) {
    let mut log = write(place.open(), acme(), [vec![opened(acme())]]);
    let reader = log.reader();
    let good = head(&reader, acme());
    let elsewhere = Hash::new([1; 32]);
    let heads = [
        ("taken", Head::EMPTY),
        ("a gap", Head { position: Some(position(2)), ..good }),
        ("another history", Head { hash: elsewhere, ..good }),
        ("early", Head { time: Timestamp::from_millis(0), ..good }),
    ];
    for (what, head) in heads {
        let mut commit = after(&head, acme(), vec![opened(acme())]);
        if what == "early" {
            commit.at = Timestamp::from_millis(1);
        }
        let wrong = eventlog::seal(&commit, &reader).unwrap();
        let error = log.append(&[wrong]).err().expect(what);
        assert!(matches!(error.cause, AppendFault::Misplaced(_)), "{what}: {error}");
        log = error.log.expect("nothing was written");
        assert_eq!(everything(&reader).len(), 1, "{what}");
    }
    let two = sealed(&reader, acme(), [vec![opened(acme())], vec![opened(acme())]]);
    let twice = [two[0].clone(), two[0].clone()];
    log = log.append(&twice).err().unwrap().log.unwrap();
    let backwards = [two[1].clone(), two[0].clone()];
    log = log.append(&backwards).err().unwrap().log.unwrap();
    log = log.append(&two).unwrap();
    assert_eq!(replay(&log.reader(), acme()).len(), 3);
}

/// Seen to fail with the comparison of hashes left out of `Turn::new`.
fn bytes_that_are_not_what_they_claim_are_refused(place: impl Place) {
    let mut log = place.open();
    let good = sealed(&log.reader(), acme(), [vec![opened(acme())]]).remove(0);
    let mut flipped = good.clone();
    *flipped.bytes.last_mut().unwrap() ^= 1;
    let mut elsewhere = good.clone();
    elsewhere.position = position(7);
    let mut foreign = good.clone();
    foreign.tenant = id(GLOBEX);
    for wrong in [flipped, elsewhere, foreign] {
        let error = log.append(&[wrong]).err().unwrap();
        assert!(matches!(error.cause, AppendFault::Misplaced(_)), "{error}");
        log = error.log.unwrap();
    }
    log.append(&[good]).unwrap();
}

fn a_commit_beyond_the_limit_is_refused(place: impl Place) {
    let log = place.open();
    let batch = sealed(&log.reader(), acme(), [vec![policy(limits::COMMIT_BYTES)]]);
    let error = log.append(&batch).err().unwrap();
    assert!(matches!(error.cause, AppendFault::TooLarge { limit: limits::COMMIT_BYTES, .. }));
    assert!(error.log.is_some());
}

/// Seen to fail with `dropped_keys` left out of `key_records`, and with tombstones read as keys.
fn an_erased_person_reads_as_erased_and_the_chain_still_holds(place: impl Place) {
    let (jane, john): (UserId, UserId) = (id(9), id(10));
    let log = write(
        place.open(),
        acme(),
        [
            vec![opened(acme()), created(jane, "jane"), created(john, "john")],
            vec![renamed(jane, "jane", "janet")],
        ],
    );
    let before = everything(&log.reader());
    let log = write(log, acme(), [vec![erased(jane)]]);
    log.close();
    let log = place.open();
    let reader = log.reader();
    assert_eq!(reader.person(acme(), jane), Ok(None));
    assert_eq!(everything(&reader)[..2], before, "the log is what it was");
    let commits = replay(&reader, acme());
    assert!(matches!(
        &commits[0].events[1],
        Event::UserCreated { user, active: true, managed_by: Some(_), personal: Personal::Erased }
            if *user == jane
    ));
    assert_eq!(commits[0].events[2], created(john, "john"), "others are not touched");
    assert!(matches!(&commits[1].events[0], Event::UserRenamed { personal: Personal::Erased, .. }));
    let wish = after(&head(&reader, acme()), acme(), vec![renamed(jane, "janet", "jane")]);
    let error = eventlog::seal(&wish, &reader).unwrap_err();
    assert!(matches!(error, eventlog::SealError::Erased { user } if user == jane), "{error}");
}

/// Seen to fail with the check of `store().key` left out of `key_records`.
fn a_key_is_never_written_over(place: impl Place) {
    let log = write(place.open(), acme(), [vec![created(id(9), "jane")]]);
    let mut again = sealed(&log.reader(), acme(), [vec![created(id(9), "imposter")]]);
    again[0].new_keys[0].1 = PersonKey::new([9; 32]);
    let error = log.append(&again).err().unwrap();
    assert!(matches!(error.cause, AppendFault::Key(Broken::Key { .. })), "{error}");
    let log = error.log.unwrap();
    let twice =
        sealed(&log.reader(), acme(), [vec![created(id(8), "a")], vec![created(id(8), "b")]]);
    let log = log.append(&twice).err().unwrap().log.unwrap();
    let log = write(log, acme(), [vec![erased(id(9))]]);
    let again = sealed(&log.reader(), acme(), [vec![created(id(9), "undead")]]);
    assert!(matches!(log.append(&again).err().unwrap().cause, AppendFault::Key(_)));
}

/// Seen to fail with an absent record read as an erasure.
fn a_key_that_never_was_is_damage_not_erasure(place: impl Place) {
    let log = place.open();
    let mut batch = sealed(&log.reader(), acme(), [vec![created(id(9), "jane")]]);
    batch[0].new_keys.clear();
    let reader = log.append(&batch).unwrap().reader();
    let bytes = reader.commit(acme(), Position::FIRST).unwrap().unwrap();
    assert!(matches!(eventlog::open(&bytes, &reader), Err(Broken::Key { .. })));
}

fn persons_are_listed_without_the_erased(place: impl Place) {
    let log = write(place.open(), acme(), [vec![created(id(9), "a"), created(id(8), "b")]]);
    let log = write(log, id(GLOBEX), [vec![created(id(7), "c")]]);
    let log = write(log, acme(), [vec![erased(id(9))]]);
    let persons = log.reader().persons(acme()).unwrap();
    let key = log.reader().person(acme(), id(8)).unwrap().unwrap();
    assert!(persons == [(id(8), key)]);
}

fn refusals_are_kept_newest_first(place: impl Place) {
    let log = place.open();
    let journal = log.journal();
    for entry in [b"one".as_slice(), b"two", b"three"] {
        journal.record(acme(), entry).unwrap();
    }
    journal.record(id(GLOBEX), b"other").unwrap();
    assert_eq!(journal.list(acme()).unwrap(), [b"three".as_slice(), b"two", b"one"]);
    let log = write(log, acme(), [vec![opened(acme())]]);
    assert_eq!(everything(&log.reader()).len(), 1, "refusals are not in the chain");
    journal.set_note(acme(), b"first").unwrap();
    journal.set_note(acme(), b"second").unwrap();
    assert_eq!(journal.note(id(GLOBEX)).unwrap(), None);
    assert!(journal.set_note(acme(), &vec![0; limits::JOURNAL_NOTE_BYTES + 1]).is_err());
    drop(journal);
    log.close();
    let log = place.open();
    assert_eq!(log.journal().note(acme()).unwrap().as_deref(), Some(b"second".as_slice()));
    log.journal().record(acme(), b"four").unwrap();
    let kept = log.journal().list(acme()).unwrap();
    assert_eq!(kept, [b"four".as_slice(), b"three", b"two", b"one"]);
    assert_eq!(log.journal().list(id(GLOBEX)).unwrap(), [b"other"]);
    assert!(log.journal().record(acme(), &vec![0; limits::JOURNAL_ENTRY_BYTES + 1]).is_err());
}

/// Seen to fail without the bound.
fn the_oldest_refusals_make_room(place: impl Place) {
    let log = place.open();
    let journal = log.journal();
    journal.record(id(GLOBEX), b"other").unwrap();
    for number in 0..limits::JOURNAL_ENTRIES + 3 {
        journal.record(acme(), &number.to_be_bytes()).unwrap();
    }
    let kept = journal.list(acme()).unwrap();
    assert_eq!(kept.len(), limits::JOURNAL_ENTRIES);
    assert_eq!(kept.last().unwrap(), &3usize.to_be_bytes());
    assert_eq!(journal.list(id(GLOBEX)).unwrap().len(), 1, "tenants do not crowd each other out");
}

fn refusals_of_a_person_are_forgotten(place: impl Place) {
    let log = place.open();
    let journal = log.journal();
    for entry in [b"about jane".as_slice(), b"about john", b"jane again"] {
        journal.record(acme(), entry).unwrap();
    }
    assert_eq!(journal.count(acme(), |entry| contains(entry, "jane")).unwrap(), 2);
    let forgotten = journal.forget(acme(), |entry| contains(entry, "jane")).unwrap();
    assert_eq!(forgotten, 2);
    assert_eq!(journal.list(acme()).unwrap(), [b"about john"]);
    // A request that was under way notes nothing about her either.
    journal.record(acme(), b"jane once more").unwrap();
    journal.record(acme(), b"john once more").unwrap();
    assert_eq!(journal.list(acme()).unwrap(), [b"john once more".as_slice(), b"about john"]);
}

/// Entries that say the same up to a blank; what follows it is added up.
struct Sums;

impl Repeats for Sums {
    fn key(entry: &[u8]) -> Option<u64> {
        // By chance some have the same key although they differ.
        entry.first().map(|first| u64::from(*first))
    }

    fn merged(there: &[u8], new: &[u8]) -> Option<Vec<u8>> {
        let read = |entry: &[u8]| {
            let text = String::from_utf8(entry.to_vec()).unwrap();
            let (name, count) = text.split_once(' ').unwrap();
            (name.to_owned(), count.parse::<u64>().unwrap())
        };
        let ((name, there), (other, new)) = (read(there), read(new));
        (name == other).then(|| format!("{name} {}", there + new).into_bytes())
    }
}

/// Seen to fail when the entry that was there stays, when it stays in its place, and when a start forgets what entries say.
fn repetitions_are_counted_in_one_entry(place: impl Place) {
    let log = place.open();
    let note = |journal: Journal, entry: &str| {
        journal.record_or_count::<Sums>(acme(), entry.as_bytes()).unwrap();
    };
    let told = |journal: Journal| -> Vec<String> {
        let all = journal.list(acme()).unwrap();
        all.into_iter().map(|entry| String::from_utf8(entry).unwrap()).collect()
    };
    for entry in ["jane 1", "bob 1", "jane 1", "john 1", "bob 1", "bob 1"] {
        note(log.journal(), entry);
    }
    assert_eq!(told(log.journal()), ["bob 3", "john 1", "jane 2"]);
    log.journal().record_or_count::<Sums>(id(GLOBEX), b"bob 1").unwrap();
    assert_eq!(log.journal().list(id(GLOBEX)).unwrap(), [b"bob 1"], "each tenant has its own");
    let number = |journal: Journal| journal.newest(acme()).next().unwrap().unwrap().number;
    let before = number(log.journal());
    log.close();
    let log = place.open();
    note(log.journal(), "bob 1");
    assert_eq!(told(log.journal()), ["bob 4", "john 1", "jane 2"]);
    assert!(number(log.journal()) > before, "what comes again is new to who has read it");
    // What an erasure removed does not come back with what is counted in it.
    assert_eq!(log.journal().forget(acme(), |entry| contains(entry, "bob")).unwrap(), 1);
    note(log.journal(), "bob 1");
    note(log.journal(), "john 1");
    assert_eq!(told(log.journal()), ["john 2", "jane 2"]);
}
