use std::sync::mpsc;
use std::thread::{JoinHandle, spawn};

use eventlog::{Broken, Recipient};

use super::*;
use crate::{Recorded, SealedRun, SendError};

const NOW: Timestamp = Timestamp::from_millis(1_000_000);
/// Where every log ends.
const LAST: u64 = 3 * limits::PAST_COMMITS;

fn tenant(number: u128) -> TenantId {
    format!("00000000-0000-0000-0000-{number:012x}").parse().unwrap()
}

fn position(number: u64) -> Position {
    Position::new(number).unwrap()
}

/// A log of commits that change nothing. Each reading is told of, and goes on when it is let.
struct Slow {
    begun: Mutex<mpsc::Sender<(TenantId, u64, u64)>>,
    gate: Gate,
}

/// Lets through as many as it is told to: one reading of a tenant to a position, or whoever comes.
#[derive(Default)]
struct Gate {
    passes: Mutex<Vec<Option<(TenantId, Position)>>>,
    changed: Condvar,
}

impl Gate {
    fn open(&self, whose: Option<(TenantId, Position)>) {
        self.passes.lock().unwrap().push(whose);
        self.changed.notify_all();
    }

    fn pass(&self, tenant: TenantId, to: Position) {
        let suits = |whose: &Option<_>| whose.is_none_or(|one| one == (tenant, to));
        let mut passes = self.passes.lock().unwrap();
        loop {
            if let Some(at) = passes.iter().position(suits) {
                passes.remove(at);
                return;
            }
            passes = self.changed.wait(passes).unwrap();
        }
    }
}

impl Past for Slow {
    fn commit(&self, _: TenantId, _: Position) -> Result<Option<Recorded>, Broken> {
        Ok(None)
    }

    fn fold(
        &self,
        tenant: TenantId,
        from: Snapshot,
        to: Position,
        count: &AtomicU64,
    ) -> Result<Snapshot, ReadError> {
        let begin = from.head.position.map_or(0, Position::get);
        self.begun.lock().unwrap().send((tenant, begin, to.get())).unwrap();
        self.gate.pass(tenant, to);
        count.fetch_add(to.get() - begin, Ordering::Relaxed);
        let mut snapshot = from;
        snapshot.head.position = Some(to);
        Ok(snapshot)
    }

    fn sealed(
        &self,
        _: TenantId,
        _: (Position, Position),
        _: (usize, usize),
        _: &Recipient,
    ) -> Result<SealedRun, SendError> {
        unreachable!("only states are read here")
    }
}

/// A log of which the first reading falls apart: a person was erased in the middle of it.
struct Torn(AtomicU64);

impl Past for Torn {
    fn commit(&self, _: TenantId, _: Position) -> Result<Option<Recorded>, Broken> {
        Ok(None)
    }

    fn fold(
        &self,
        tenant: TenantId,
        from: Snapshot,
        to: Position,
        _: &AtomicU64,
    ) -> Result<Snapshot, ReadError> {
        if self.0.fetch_add(1, Ordering::Relaxed) == 0 {
            let reason = "the name is taken".to_owned();
            let unfit = domain::commit::Unfit { position: to, reason };
            return Err(StartError::Unfit { tenant, unfit }.into());
        }
        assert_eq!(from.head.position, None, "what was kept may hold what is erased now");
        let mut snapshot = from;
        snapshot.head.position = Some(to);
        Ok(snapshot)
    }

    fn sealed(
        &self,
        _: TenantId,
        _: (Position, Position),
        _: (usize, usize),
        _: &Recipient,
    ) -> Result<SealedRun, SendError> {
        unreachable!("only states are read here")
    }
}

#[test]
fn a_reading_that_an_erasure_tore_is_begun_anew_and_from_the_beginning() {
    let readings = Readings::default();
    let kept = Torn(AtomicU64::new(1));
    readings.read(&kept, tenant(1), (position(3), position(9)), NOW).unwrap();
    let torn = Torn(AtomicU64::new(0));
    let snapshot = readings.read(&torn, tenant(1), (position(5), position(9)), NOW).unwrap();
    assert_eq!(snapshot.head.position, Some(position(5)));
    assert_eq!(torn.0.load(Ordering::Relaxed), 2);
}

struct Bench {
    readings: Arc<Readings>,
    log: Arc<Slow>,
    begun: mpsc::Receiver<(TenantId, u64, u64)>,
}

type Answer = JoinHandle<Result<Arc<Snapshot>, ReadError>>;

impl Bench {
    fn new(bounds: Bounds, longest_wait: Duration) -> Bench {
        let (begin, begun) = mpsc::channel();
        let log = Arc::new(Slow { begun: Mutex::new(begin), gate: Gate::default() });
        Bench { readings: Arc::new(Readings::new(bounds, longest_wait)), log, begun }
    }

    /// Two at once, one of each tenant.
    fn narrow() -> Bench {
        let bounds = Bounds { at_once: 2, at_once_of_tenant: 1, waiting: 4, waiting_of_tenant: 3 };
        Bench::new(bounds, Duration::from_secs(3_600))
    }

    /// Lets one reading go on, whosever it is.
    fn go(&self) {
        self.log.gate.open(None);
    }

    /// Lets this reading go on.
    fn go_of(&self, of: u128, to: u64) {
        self.log.gate.open(Some((tenant(of), position(to))));
    }

    fn ask(&self, of: u128, at: u64) -> Answer {
        let (readings, log) = (self.readings.clone(), self.log.clone());
        spawn(move || readings.read(&*log, tenant(of), (position(at), position(LAST)), NOW))
    }

    /// Asks, and lets who asked come to wait before anybody else asks.
    fn ask_and_wait(&self, of: u128, at: u64) -> Answer {
        let before = self.readings.counts().waiting;
        let answer = self.ask(of, at);
        while self.readings.counts().waiting == before {
            std::thread::yield_now();
        }
        answer
    }

    /// Asks, lets the log be read at once, and says from where to where it was; none: it was not.
    fn read(&self, of: u128, at: u64) -> Option<(u64, u64)> {
        self.go();
        let answer = self.ask(of, at).join().unwrap().unwrap();
        assert_eq!(answer.head.position, Some(position(at)));
        let begun = self.begun.try_recv().ok().map(|(_, from, to)| (from, to));
        if begun.is_none() {
            // Nobody took the pass.
            self.log.gate.pass(tenant(of), position(at));
        }
        begun
    }
}

/// Seen to fail when what was read is not kept, and when the nearest is any that is kept.
#[test]
fn only_what_is_not_kept_is_read() {
    let bench = Bench::narrow();
    assert_eq!(bench.read(1, 300), Some((0, 300)));
    assert_eq!(bench.read(1, 300), None);
    assert_eq!(bench.read(1, 310), Some((300, 310)));
    assert_eq!(bench.read(1, 305), Some((300, 305)));
    assert_eq!(bench.read(1, 299), Some((0, 299)));
    assert_eq!(bench.read(1, 310), None);
    // Another tenant's is nobody else's.
    assert_eq!(bench.read(2, 320), Some((0, 320)));
    let counts = bench.readings.counts();
    assert_eq!((counts.readings, counts.commits), (5, 300 + 10 + 5 + 299 + 320));
    assert_eq!((counts.running, counts.waiting), (0, 0));
}

/// Seen to fail when nothing is let go of a tenant, of all, or in time.
#[test]
fn a_few_are_kept_those_asked_for_last_and_none_for_ever() {
    let bench = Bench::narrow();
    let most = limits::PASTS_OF_TENANT as u64;
    for at in (1..=most).rev() {
        assert_eq!(bench.read(1, 100 * at), Some((0, 100 * at)));
    }
    assert_eq!(bench.read(1, 100 * most), None);
    assert_eq!(bench.readings.counts().kept, most as usize);
    // The one that was longest not asked for makes room: the next before the last one is read anew.
    let first = 100 * (most - 1);
    assert_eq!(bench.read(1, 50), Some((0, 50)));
    assert_eq!(bench.read(1, first), Some((first - 100, first)));
    for other in 2..100 {
        assert_eq!(bench.read(other, 7), Some((0, 7)));
    }
    assert_eq!(bench.readings.counts().kept, limits::PASTS);
    assert_eq!(bench.read(99, 7), None);
    assert_eq!(bench.read(1, 50), Some((0, 50)));
    let later = |seconds: i64| Timestamp::from_millis(NOW.millis() + 1_000 * seconds);
    bench.readings.forget_old(later(limits::PAST_SECONDS - 1));
    assert_eq!(bench.readings.counts().kept, limits::PASTS);
    bench.readings.forget_old(later(limits::PAST_SECONDS));
    assert_eq!(bench.readings.counts().kept, 0);
}

/// Seen to fail when a tenant's states are counted and not weighed.
#[test]
fn what_is_kept_of_a_tenant_holds_no_more_commits_than_its_log() {
    let bench = Bench::narrow();
    let most = LAST;
    assert_eq!(bench.read(1, most / 2), Some((0, most / 2)));
    assert_eq!(bench.read(1, most / 3), Some((0, most / 3)));
    assert_eq!(bench.read(1, most / 6), Some((0, most / 6)));
    assert_eq!(bench.readings.counts().kept, 3);
    // One commit too many: the one that was longest not asked for goes.
    assert_eq!(bench.read(1, 1), Some((0, 1)));
    assert_eq!(bench.readings.counts().kept, 3);
    assert_eq!(bench.read(2, most - 1), Some((0, most - 1)));
    assert_eq!(bench.readings.counts().kept, 4);
    // A state as large as all of them takes the place of all of them, of this tenant's.
    assert_eq!(bench.read(1, most - 1), Some((most / 3, most - 1)));
    assert_eq!(bench.readings.counts().kept, 2);
    assert_eq!(bench.read(1, most - 1), None);
    assert_eq!(bench.read(2, most - 1), None);
}

/// Seen to fail with room that is made only once the state is there.
#[test]
fn what_a_state_takes_the_place_of_is_let_go_before_it_is_read() {
    let bench = Bench::narrow();
    assert_eq!(bench.read(1, LAST - 1), Some((0, LAST - 1)));
    let earlier = bench.ask(1, LAST / 2);
    bench.begun.recv().unwrap();
    assert_eq!(bench.readings.counts().kept, 0);
    bench.go();
    earlier.join().unwrap().unwrap();
    assert_eq!(bench.readings.counts().kept, 1);
    // What goes on from one that is kept shares it.
    let later = bench.ask(1, LAST - 1);
    assert_eq!(bench.begun.recv().unwrap(), (tenant(1), LAST / 2, LAST - 1));
    assert_eq!(bench.readings.counts().kept, 1);
    bench.go();
    later.join().unwrap().unwrap();
}

/// Seen to hang when nobody waits for a reading under way.
#[test]
fn a_moment_is_read_once_for_all_who_ask_and_a_later_one_goes_on_from_there() {
    let bounds = Bounds { at_once: 4, at_once_of_tenant: 2, waiting: 9, waiting_of_tenant: 9 };
    let bench = Bench::new(bounds, Duration::from_secs(3_600));
    let first = bench.ask(1, 300);
    assert_eq!(bench.begun.recv().unwrap(), (tenant(1), 0, 300));
    let same: Vec<Answer> = (0..3).map(|_| bench.ask_and_wait(1, 300)).collect();
    let later = bench.ask_and_wait(1, 301);
    // An earlier one has nothing to wait for.
    let earlier = bench.ask(1, 200);
    assert_eq!(bench.begun.recv().unwrap(), (tenant(1), 0, 200));
    bench.go_of(1, 300);
    let first = first.join().unwrap().unwrap();
    for same in same {
        assert!(Arc::ptr_eq(&first, &same.join().unwrap().unwrap()));
    }
    bench.go();
    bench.go();
    later.join().unwrap().unwrap();
    earlier.join().unwrap().unwrap();
    assert_eq!(bench.begun.recv().unwrap(), (tenant(1), 300, 301));
    assert_eq!(bench.readings.counts().readings, 3);
}

/// Seen to hang without the bound of a tenant.
#[test]
fn who_asks_much_does_not_keep_others_waiting() {
    let bench = Bench::narrow();
    let begun = || bench.begun.recv().unwrap();
    let mut answers = vec![bench.ask(1, 40)];
    assert_eq!(begun(), (tenant(1), 0, 40));
    // None of them can go on from another.
    for at in [30, 20, 10] {
        answers.push(bench.ask_and_wait(1, at));
    }
    answers.push(bench.ask(2, 5));
    assert_eq!(begun(), (tenant(2), 0, 5));
    // One tenant's queue is full, the other's is not.
    let refused = bench.ask(1, 35).join().unwrap().unwrap_err();
    assert!(matches!(refused, ReadError::Busy { waiting: 3 }), "{refused}");
    answers.push(bench.ask_and_wait(3, 6));
    // All are, together.
    let refused = bench.ask(4, 7).join().unwrap().unwrap_err();
    assert!(matches!(refused, ReadError::Busy { waiting: 4 }), "{refused}");
    // In the order in which they came, as far as their tenant's turn is.
    bench.go_of(1, 40);
    bench.go_of(2, 5);
    let mut next = [begun(), begun()].map(|(tenant, _, to)| (tenant, to));
    next.sort_unstable();
    assert_eq!(next, [(tenant(1), 30), (tenant(3), 6)]);
    for _ in 0..4 {
        bench.go();
    }
    for answer in answers {
        answer.join().unwrap().unwrap();
    }
}

#[test]
fn nobody_waits_longer_than_a_while() {
    let bounds = Bounds { at_once: 1, at_once_of_tenant: 1, waiting: 9, waiting_of_tenant: 9 };
    let bench = Bench::new(bounds, Duration::from_millis(20));
    let first = bench.ask(1, 9);
    bench.begun.recv().unwrap();
    let refused = bench.ask(2, 9).join().unwrap().unwrap_err();
    assert!(matches!(refused, ReadError::Busy { waiting: 0 }), "{refused}");
    bench.go();
    first.join().unwrap().unwrap();
}

/// Seen to hang, for nothing is read anew, when a reading that began before answers what it read.
#[test]
fn what_is_forgotten_is_gone_at_once_also_where_it_is_being_read() {
    let bench = Bench::narrow();
    assert_eq!(bench.read(1, 100), Some((0, 100)));
    assert_eq!(bench.read(2, 100), Some((0, 100)));
    let present = |at: u64| {
        let mut snapshot = Snapshot::default();
        snapshot.head.position = Some(position(at));
        Arc::new(snapshot)
    };
    let (mine, other) = (present(200), present(200));
    let hold = bench.readings.hold(tenant(1), mine.clone());
    let others = bench.readings.hold(tenant(2), other);
    let held_twice = hold.clone();
    let reading = bench.ask(1, 150);
    assert_eq!(bench.begun.recv().unwrap(), (tenant(1), 100, 150));
    bench.readings.forget(tenant(1), position(201));
    assert_eq!((hold.get(), held_twice.get()), (None, None));
    assert!(others.get().is_some());
    // Nobody else has it any more.
    assert_eq!(Arc::strong_count(&mine), 1);
    assert_eq!(bench.readings.counts().kept, 1);
    // What was being read is read anew, from the beginning.
    bench.go();
    assert_eq!(bench.begun.recv().unwrap(), (tenant(1), 0, 150));
    bench.go();
    reading.join().unwrap().unwrap();
    // What was the present before then is not held either, what came after is.
    assert_eq!(bench.readings.hold(tenant(1), mine).get(), None);
    assert!(bench.readings.hold(tenant(1), present(201)).get().is_some());
    assert_eq!(bench.read(2, 100), None);
}
