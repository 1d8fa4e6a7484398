use std::thread;
use std::time::Duration;

use super::*;

/// The n-th request of a tenant.
type Request = (TenantId, u32);

impl Waits for Request {
    fn tenant(&self) -> TenantId {
        self.0
    }
}

fn tenant(n: u128) -> TenantId {
    format!("00000000-0000-0000-0000-{n:012x}").parse().unwrap()
}

fn taken(exit: &Exit<Request>) -> Vec<Request> {
    std::iter::from_fn(|| exit.take()).collect()
}

/// Seen to catch one line for all: `take` from the tenant that was first until its line is empty.
#[test]
fn tenants_are_taken_in_turn_and_each_in_its_order() {
    let (doors, exit) = queue(100);
    let (large, small, late) = (tenant(1), tenant(2), tenant(3));
    for n in 0..4 {
        doors.push((large, n)).unwrap();
    }
    for n in 0..2 {
        doors.push((small, n)).unwrap();
    }
    assert_eq!(exit.take(), Some((large, 0)));
    doors.push((late, 0)).unwrap();
    assert_eq!(
        taken(&exit),
        [(small, 0), (large, 1), (late, 0), (small, 1), (large, 2), (large, 3)]
    );
    assert_eq!(doors.waiting(), 0);
}

/// Seen to catch a queue that asks everybody to come again when it is full, and one that pushes out
/// the first of the longest line.
#[test]
fn a_small_tenant_is_let_in_when_all_is_full_and_a_large_one_is_not() {
    let (doors, exit) = queue(4);
    let (large, small) = (tenant(1), tenant(2));
    for n in 0..4 {
        assert_eq!(doors.push((large, n)), Ok(None));
    }
    assert_eq!(doors.push((large, 4)), Err(NoRoom::Full((large, 4))));
    assert_eq!(doors.push((small, 0)), Ok(Some((large, 3))));
    assert_eq!(doors.push((small, 1)), Ok(Some((large, 2))));
    // Each has its share now.
    assert_eq!(doors.push((small, 2)), Err(NoRoom::Full((small, 2))));
    assert_eq!(doors.push((large, 5)), Err(NoRoom::Full((large, 5))));
    assert_eq!(doors.waiting(), 4);
    assert_eq!(taken(&exit), [(large, 0), (small, 0), (large, 1), (small, 1)]);
}

/// Whatever comes, the room is kept, nobody's order changes, and who is let in while all is full
/// never had more than who made room.
#[test]
fn the_room_is_kept_whatever_comes() {
    const ROOM: usize = 7;
    for seed in 1..200_u64 {
        let (doors, exit) = queue::<Request>(ROOM);
        let (mut state, mut waiting) = (seed, Vec::<Request>::new());
        for n in 0..400 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let dice = state >> 33;
            if dice.is_multiple_of(3) {
                if let Some(next) = exit.take() {
                    let first = waiting.iter().position(|(of, _)| *of == next.0).unwrap();
                    assert_eq!(waiting.remove(first), next, "seed {seed}");
                } else {
                    assert!(waiting.is_empty(), "seed {seed}");
                }
                continue;
            }
            // More tenants than there is room for, and a few that come often.
            let of = tenant(u128::from((dice / 3) % 12 / ((dice / 36) % 3 + 1)));
            let lengths = |waiting: &[Request], of| waiting.iter().filter(|it| it.0 == of).count();
            match doors.push((of, n)) {
                Ok(None) => waiting.push((of, n)),
                Ok(Some(out)) => {
                    let last = waiting.iter().rposition(|(of, _)| *of == out.0).unwrap();
                    assert!(lengths(&waiting, out.0) > lengths(&waiting, of), "seed {seed}");
                    assert_eq!(waiting.remove(last), out, "seed {seed}");
                    waiting.push((of, n));
                }
                Err(refused) => {
                    assert_eq!(refused, NoRoom::Full((of, n)));
                    assert_eq!(waiting.len(), ROOM, "seed {seed}");
                }
            }
            assert_eq!(doors.waiting(), waiting.len());
            assert!(waiting.len() <= ROOM, "seed {seed}");
        }
    }
}

#[test]
fn what_waits_is_taken_before_the_end_and_nothing_comes_in_after_it() {
    let (doors, exit) = queue(10);
    doors.push((tenant(1), 0)).unwrap();
    let (done, mut told) = oneshot::channel();
    doors.stop(done);
    assert!(!doors.is_open());
    assert_eq!(doors.push((tenant(1), 1)), Err(NoRoom::Closed));
    assert!(exit.stops().is_empty());
    assert!(matches!(exit.wait(), Next::Some));
    assert_eq!(taken(&exit), [(tenant(1), 0)]);
    let Next::Stop(stops) = exit.wait() else { panic!("somebody wants it to stop") };
    assert_eq!(stops.len(), 1);
    assert!(told.try_recv().is_err());
    drop((exit, stops));
    assert!(told.try_recv().is_err());
}

/// Who sleeps is woken by a request, by a stop, and by the last door that closes.
#[test]
fn who_sleeps_is_woken() {
    let woken = |act: fn(Doors<Request>)| {
        let (doors, exit) = queue(10);
        let sleeper = thread::spawn(move || exit.wait());
        while !doors.0.lock().sleeps {
            thread::sleep(Duration::from_millis(1));
        }
        act(doors);
        sleeper.join().unwrap()
    };
    assert!(matches!(woken(|doors| drop(doors.push((tenant(1), 0)))), Next::Some));
    assert!(matches!(woken(|doors| doors.stop(oneshot::channel().0)), Next::Stop(_)));
    assert!(matches!(woken(|doors| drop((doors.clone(), doors))), Next::Over));
}

/// With nobody to take it out, what waits is dropped, so that who waits for an answer hears of it.
#[test]
fn with_the_exit_gone_all_is_dropped() {
    struct Held(TenantId, #[expect(dead_code, reason = "dropping it tells")] oneshot::Sender<()>);
    impl Waits for Held {
        fn tenant(&self) -> TenantId {
            self.0
        }
    }
    let (doors, exit) = queue(10);
    let (answer, mut waits) = oneshot::channel();
    let (done, mut told) = oneshot::channel();
    assert!(doors.push(Held(tenant(1), answer)).is_ok());
    drop(exit);
    assert!(matches!(waits.try_recv(), Err(oneshot::error::TryRecvError::Closed)));
    assert!(matches!(doors.push(Held(tenant(1), oneshot::channel().0)), Err(NoRoom::Closed)));
    doors.stop(done);
    // Nobody is left to tell it: it goes with the queue, and the caller must not wait for that.
    assert!(matches!(told.try_recv(), Err(oneshot::error::TryRecvError::Closed)));
}
