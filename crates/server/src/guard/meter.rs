//! So many at once, and so many a second from then on: a token bucket for each of many, in bounded memory.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

const SECOND: u64 = 1_000_000_000;

/// How much one may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Allowance {
    /// At once.
    pub(crate) burst: u64,
    /// What is spent comes back one by one, each after so long.
    pub(crate) every: Duration,
}

/// What was spent by whom. An allowance is kept as one number: the time at which all of it will be back.
#[derive(Debug)]
pub(super) struct Meters<K> {
    allowance: Allowance,
    /// Beyond so many nobody new is measured.
    most: usize,
    of: Mutex<HashMap<K, Meter>>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Meter {
    /// When nothing will be owed any more, in nanoseconds.
    whole: u64,
    /// When somebody was last told that it was spent; 0: nobody was.
    told: u64,
}

/// All is spent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Spent {
    /// When one is back.
    pub(super) after: Duration,
    /// Whether it was not said for a minute.
    pub(super) is_news: bool,
}

impl<K: Hash + Eq> Meters<K> {
    pub(super) fn new(allowance: Allowance, most: usize) -> Self {
        Meters { allowance, most, of: Mutex::default() }
    }

    fn every(&self) -> u64 {
        u64::try_from(self.allowance.every.as_nanos()).unwrap_or(u64::MAX).max(1)
    }

    /// How long one must wait; 0: there is one.
    fn wait(&self, meter: Meter, now: u64) -> u64 {
        let owed = meter.whole.saturating_sub(now) + self.every();
        owed.saturating_sub(self.allowance.burst.saturating_mul(self.every()))
    }

    /// Spends one at this time, in nanoseconds.
    pub(super) fn spend(&self, key: K, now: u64) -> Result<(), Spent> {
        let mut all = self.of.lock().unwrap_or_else(PoisonError::into_inner);
        if !all.contains_key(&key) && all.len() >= self.most {
            // Who owes nothing is not missed.
            all.retain(|_, meter| meter.whole > now);
            if all.len() >= self.most {
                return Ok(());
            }
        }
        let meter = all.entry(key).or_default();
        match self.wait(*meter, now) {
            0 => {
                meter.whole = meter.whole.max(now) + self.every();
                Ok(())
            }
            wait => Err(meter.tell(wait, now)),
        }
    }

    /// Whether all is spent, without spending more.
    pub(super) fn look(&self, key: &K, now: u64) -> Result<(), Spent> {
        let mut all = self.of.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(meter) = all.get_mut(key) else { return Ok(()) };
        match self.wait(*meter, now) {
            0 => Ok(()),
            wait => Err(meter.tell(wait, now)),
        }
    }

    #[cfg(test)]
    fn len(&self) -> usize {
        self.of.lock().unwrap().len()
    }
}

impl Meter {
    fn tell(&mut self, wait: u64, now: u64) -> Spent {
        let is_news = self.told == 0 || now.saturating_sub(self.told) > 60 * SECOND;
        if is_news {
            self.told = now.max(1);
        }
        Spent { after: Duration::from_nanos(wait), is_news }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meters(burst: u64, seconds: u64, most: usize) -> Meters<u32> {
        Meters::new(Allowance { burst, every: Duration::from_secs(seconds) }, most)
    }

    #[test]
    fn so_many_at_once_and_then_one_by_one() {
        let meters = meters(3, 2, 10);
        for _ in 0..3 {
            assert_eq!(meters.spend(1, 5), Ok(()));
        }
        let spent = |seconds, is_news| Err(Spent { after: Duration::from_secs(seconds), is_news });
        assert_eq!(meters.look(&1, 5), spent(2, true));
        assert_eq!(meters.spend(1, 5), spent(2, false));
        assert_eq!(meters.spend(1, 5 + SECOND), spent(1, false));
        // Another's is another's.
        assert_eq!(meters.spend(2, 5), Ok(()));
        assert_eq!(meters.spend(1, 5 + 2 * SECOND), Ok(()));
        assert_eq!(meters.spend(1, 5 + 2 * SECOND), spent(2, false));
        // It is said again when it goes on, but not each time.
        for minute in 1..5 {
            let at = 5 + 120 * SECOND * minute;
            let news = (0..10).filter(|_| meters.spend(1, at).is_err_and(|spent| spent.is_news));
            assert_eq!(news.count(), 1, "{minute}");
        }
    }

    #[test]
    fn many_are_measured_and_no_more() {
        let meters = meters(1, 1, 4);
        for key in 0..4 {
            assert_eq!(meters.spend(key, 0), Ok(()));
        }
        for key in 4..100 {
            assert_eq!(meters.spend(key, 0), Ok(()));
            assert_eq!(meters.spend(key, 0), Ok(()));
        }
        assert_eq!(meters.len(), 4);
        assert!(meters.spend(0, 0).is_err());
        // Who owes nothing any more makes room.
        assert_eq!(meters.spend(5, 2 * SECOND), Ok(()));
        assert_eq!(meters.len(), 1);
        assert!(meters.spend(5, 2 * SECOND).is_err());
    }
}
