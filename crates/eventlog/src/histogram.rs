//! Counting how often something took how long, or was how large, for next to nothing.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Observations by size, and their sum. Two atomic additions for each: no lock, no allocation.
#[derive(Debug)]
pub struct Histogram {
    bounds: &'static [u64],
    /// One for each bound, and one for what is beyond the last.
    counts: Box<[AtomicU64]>,
    sum: AtomicU64,
}

/// What a [`Histogram`] has counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counted {
    /// Up to which value, itself included, each count goes; ascending.
    pub bounds: &'static [u64],
    /// Observations in each bucket alone, the last beyond all bounds.
    pub counts: Vec<u64>,
    /// All observed values together.
    pub sum: u64,
}

/// Nanoseconds from 50 µs to 5 s: what answers and syncs take.
pub const TIMES: &[u64] = &[
    50_000,
    100_000,
    200_000,
    500_000,
    1_000_000,
    2_000_000,
    5_000_000,
    10_000_000,
    20_000_000,
    50_000_000,
    100_000_000,
    200_000_000,
    500_000_000,
    1_000_000_000,
    2_000_000_000,
    5_000_000_000,
];

/// Powers of two up to 512: how much one turn of a writer holds.
pub const SIZES: &[u64] = &[1, 2, 4, 8, 16, 32, 64, 128, 256, 512];

impl Histogram {
    /// Nothing was observed yet. The bounds ascend.
    pub fn new(bounds: &'static [u64]) -> Histogram {
        let counts = (0..=bounds.len()).map(|_| AtomicU64::new(0)).collect();
        Histogram { bounds, counts, sum: AtomicU64::new(0) }
    }

    /// One more of this value.
    pub fn observe(&self, value: u64) {
        let bucket = self.bounds.partition_point(|bound| *bound < value);
        if let Some(count) = self.counts.get(bucket) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        self.sum.fetch_add(value, Ordering::Relaxed);
    }

    /// One more that took so long; its value is in nanoseconds.
    pub fn took(&self, long: Duration) {
        self.observe(u64::try_from(long.as_nanos()).unwrap_or(u64::MAX));
    }

    /// What was observed so far.
    pub fn counted(&self) -> Counted {
        Counted {
            bounds: self.bounds,
            counts: self.counts.iter().map(|count| count.load(Ordering::Relaxed)).collect(),
            sum: self.sum.load(Ordering::Relaxed),
        }
    }
}

impl Counted {
    /// How many were observed.
    pub fn total(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Adds what another has counted in the same buckets.
    pub fn add(&mut self, other: &Counted) {
        for (own, count) in self.counts.iter_mut().zip(&other.counts) {
            *own += count;
        }
        self.sum = self.sum.wrapping_add(other.sum);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_value_is_in_the_first_bucket_that_holds_it() {
        let histogram = Histogram::new(SIZES);
        for value in [0, 1, 2, 3, 4, 512, 513, 10_000] {
            histogram.observe(value);
        }
        let mut counted = histogram.counted();
        assert_eq!(counted.counts, [2, 1, 2, 0, 0, 0, 0, 0, 0, 1, 2]);
        assert_eq!((counted.total(), counted.sum), (8, 11_035));
        counted.add(&counted.clone());
        assert_eq!((counted.total(), counted.sum), (16, 22_070));
        let times = Histogram::new(TIMES);
        times.took(Duration::from_micros(50));
        times.took(Duration::from_micros(51));
        times.took(Duration::from_secs(6));
        let counts = times.counted().counts;
        assert_eq!((counts[0], counts[1], counts[TIMES.len()]), (1, 1, 1));
        assert!(TIMES.is_sorted() && SIZES.is_sorted());
    }
}
