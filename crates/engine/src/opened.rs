//! Commits of a log, opened on a thread of their own while those before them are folded.
//!
//! Unpacking a commit, checking its hash and opening what is sealed in it takes as long as making it part of its tenant, and needs
//! nothing of the tenant but where its log has got to.

use std::collections::BTreeMap;
use std::sync::mpsc;

use domain::commit::Commit;
use domain::id::TenantId;
use domain::position::{Hash, Head};
use eventlog::{Broken, LogReader, Stored};

/// Commits that are opened before a thread is begun: it would cost more than it saves.
const FIRST: usize = 256;
/// Commits that are handed over together.
const TOGETHER: usize = 128;
/// Handfuls that wait to be folded, at most.
const WAITING: usize = 4;

/// A commit that follows the one before it, as it was opened, and its hash.
pub(crate) struct Opened {
    pub(crate) commit: Commit,
    pub(crate) hash: Hash,
}

/// Opens commits in their order, each checked against the one before, and gives them to `take`, which ends it with an error.
/// `heads` says where the tenants' logs have got to before the first of them.
pub(crate) fn each<R: LogReader, E: From<Broken>>(
    reader: &R,
    heads: BTreeMap<TenantId, Head>,
    mut stored: impl Iterator<Item = Result<Stored, Broken>> + Send,
    mut take: impl FnMut(Opened) -> Result<(), E>,
) -> Result<(), E> {
    let mut opener = Opener { reader, heads };
    let is_alone = std::thread::available_parallelism().is_ok_and(|cores| cores.get() == 1);
    let alone = if is_alone { usize::MAX } else { FIRST };
    for stored in stored.by_ref().take(alone) {
        take(opener.open(&stored?)?)?;
    }
    let Some(next) = stored.next() else { return Ok(()) };
    std::thread::scope(|scope| {
        let (send, opened) = mpsc::sync_channel(WAITING);
        scope.spawn(move || {
            let mut rest = std::iter::once(next).chain(stored);
            loop {
                let some: Vec<_> = rest
                    .by_ref()
                    .take(TOGETHER)
                    .map(|stored| stored.and_then(|stored| opener.open(&stored)))
                    .collect();
                // Whoever takes them has had enough.
                if some.is_empty() || send.send(some).is_err() {
                    return;
                }
            }
        });
        for opened in opened.into_iter().flatten() {
            take(opened?)?;
        }
        Ok(())
    })
}

struct Opener<'r, R> {
    reader: &'r R,
    heads: BTreeMap<TenantId, Head>,
}

impl<R: LogReader> Opener<'_, R> {
    fn open(&mut self, stored: &Stored) -> Result<Opened, Broken> {
        let head = self.heads.entry(stored.tenant).or_insert(Head::EMPTY);
        let (commit, next) = eventlog::link(head, stored.tenant, &stored.bytes, self.reader)?;
        *head = next;
        Ok(Opened { commit, hash: next.hash })
    }
}

#[cfg(test)]
mod tests {
    use domain::event::Event;
    use domain::origin::{Actor, Origin};
    use domain::position::Position;
    use domain::time::Timestamp;
    use eventlog::{EventLog, MemoryDisk};

    use super::*;

    /// More than the first, and not a whole number of handfuls.
    const MANY: usize = FIRST + 5 * TOGETHER + 7;

    fn tenant(number: u64) -> TenantId {
        format!("00000000-0000-7000-8000-{number:012}").parse().unwrap()
    }

    /// Commits of two tenants in turn.
    fn written(many: usize) -> Vec<Stored> {
        let reader = MemoryDisk::seeded(1).open().unwrap().reader();
        let mut heads = BTreeMap::new();
        (0..many)
            .map(|number| {
                let tenant = tenant(number as u64 % 2);
                let head = heads.entry(tenant).or_insert(Head::EMPTY);
                let commit = Commit {
                    tenant,
                    position: head.next(),
                    at: Timestamp::from_millis(number as i64),
                    prev: head.hash,
                    origin: Origin {
                        actor: Actor::System,
                        request: "00000000-0000-7000-8000-000000000009".parse().unwrap(),
                        source: None,
                        agent: None,
                        claimed: None,
                    },
                    events: vec![Event::TenantOpened { tenant, slug: format!("t{number}") }],
                };
                let sealed = eventlog::seal(&commit, &reader).unwrap();
                let (position, hash) = (commit.position, sealed.hash);
                *head = Head { position: Some(position), hash, time: commit.at };
                Stored { tenant, position, bytes: sealed.bytes }
            })
            .collect()
    }

    fn read(
        stored: Vec<Result<Stored, Broken>>,
    ) -> (Vec<(TenantId, Position)>, Result<(), Broken>) {
        let reader = MemoryDisk::default().open().unwrap().reader();
        let mut seen = Vec::new();
        let end = each(&reader, BTreeMap::new(), stored.into_iter(), |opened| {
            seen.push((opened.commit.tenant, opened.commit.position));
            Ok(())
        });
        (seen, end)
    }

    #[test]
    fn every_commit_comes_once_and_in_its_place() {
        for many in [0, 1, FIRST, FIRST + 1, FIRST + TOGETHER, MANY] {
            let stored = written(many);
            let expected: Vec<_> = stored.iter().map(|one| (one.tenant, one.position)).collect();
            let (seen, end) = read(stored.into_iter().map(Ok).collect());
            end.unwrap();
            assert!(seen == expected, "{many}");
        }
    }

    /// Seen to catch a thread that begins every tenant's chain anew, and to hang with a queue that is not given up.
    #[test]
    fn one_that_is_wrong_is_told_after_those_before_it_and_none_after() {
        for wrong in [FIRST - 1, FIRST, FIRST + 2 * TOGETHER + 3, MANY - 1] {
            let mut stored = written(MANY);
            let gone = stored.remove(wrong);
            let (seen, end) = read(stored.into_iter().map(Ok).collect());
            // The next of the same tenant is the first that does not follow; the last one's absence is not known here.
            let expected = if wrong == MANY - 1 { MANY - 1 } else { wrong + 1 };
            assert_eq!((seen.len(), end.is_err()), (expected, wrong != MANY - 1), "{gone:?}");
        }
        let failed = Broken::Store { reason: "the disk".to_owned() };
        let mut stored: Vec<_> = written(MANY).into_iter().map(Ok).collect();
        stored.insert(FIRST + TOGETHER + 1, Err(failed.clone()));
        let (seen, end) = read(stored);
        assert_eq!((seen.len(), end), (FIRST + TOGETHER + 1, Err(failed)));
    }

    #[test]
    fn who_has_had_enough_is_given_no_more() {
        let reader = MemoryDisk::default().open().unwrap().reader();
        let mut left = FIRST + TOGETHER + 1;
        let stored = written(MANY).into_iter().map(Ok);
        let end = each(&reader, BTreeMap::new(), stored, |_| {
            left -= 1;
            if left == 0 { Err(Broken::Store { reason: "enough".to_owned() }) } else { Ok(()) }
        });
        assert!(end.is_err() && left == 0);
    }
}
