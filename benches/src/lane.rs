//! What is measured again in each round: whose answers, to what, over how many connections.

use std::rc::Rc;

use serde::{Deserialize, Serialize};

use crate::load::Slice;
use crate::stats::median;
use crate::work::{Subject, Work};

/// Whose answers are measured.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Who {
    /// One of the servers that were started.
    Server(usize),
    /// The disk alone: what is asked is that it syncs.
    Disk(Place),
}

/// Where in a file that is synced.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Place {
    /// It grows.
    End,
    /// It was filled with zeros before.
    Filled,
}

/// One lane, and its slices so far, one a round.
pub(crate) struct Lane {
    pub(crate) name: String,
    pub(crate) who: Who,
    pub(crate) subject: Option<Rc<Subject>>,
    pub(crate) work: Work,
    pub(crate) connections: u32,
    pub(crate) slices: Vec<Slice>,
}

impl Lane {
    pub(crate) fn new(
        name: impl Into<String>,
        who: Who,
        subject: Option<Rc<Subject>>,
        work: Work,
        connections: u32,
    ) -> Lane {
        Lane { name: name.into(), who, subject, work, connections, slices: Vec::new() }
    }

    /// What its slices showed, in short.
    pub(crate) fn summary(&self) -> Summary {
        let of = |value: fn(&Slice) -> f64| median(self.slices.iter().map(value)).unwrap_or(0.0);
        let sum = |value: fn(&Slice) -> f64| self.slices.iter().map(value).sum::<f64>();
        let (answers, seconds) =
            (sum(|slice| f64::from(slice.answers)), sum(|slice| slice.length.as_secs_f64()));
        Summary {
            name: self.name.clone(),
            work: if self.subject.is_some() { self.work.to_string() } else { "fdatasync".into() },
            connections: self.connections,
            per_second: of(Slice::per_second),
            p50_us: of(|slice| f64::from(slice.p50_us)),
            p99_us: of(|slice| f64::from(slice.p99_us)),
            cpu_us: sum(|slice| slice.used.server.as_secs_f64()) * 1e6 / answers,
            written_kib: sum(|slice| slice.used.written_kib as f64) / answers,
            client_cores: sum(|slice| slice.used.client.as_secs_f64()) / seconds,
            other_cores: sum(|slice| slice.used.others.as_secs_f64()) / seconds,
        }
    }

    /// The rate as a part of another's: the median of what it was in each round, so that what
    /// slowed a whole round down slows neither.
    pub(crate) fn rate_of(&self, other: &Lane) -> f64 {
        self.ratio(other, Slice::per_second)
    }

    /// The same for how long 99 of a hundred answers took at most.
    pub(crate) fn p99_of(&self, other: &Lane) -> f64 {
        self.ratio(other, |slice| f64::from(slice.p99_us))
    }

    fn ratio(&self, other: &Lane, of: fn(&Slice) -> f64) -> f64 {
        let pairs = self.slices.iter().zip(&other.slices);
        median(pairs.map(|(ours, other)| of(ours) / of(other))).unwrap_or(f64::NAN)
    }

    /// The server's CPU for each answer, in what another lane's server takes; over all rounds: the
    /// kernel counts too coarsely for one slice.
    pub(crate) fn cpu_of(&self, other: &Lane) -> f64 {
        self.summary().cpu_us / other.summary().cpu_us
    }
}

/// What a lane showed: medians over its slices of rates and times, sums of CPU.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Summary {
    pub(crate) name: String,
    pub(crate) work: String,
    pub(crate) connections: u32,
    pub(crate) per_second: f64,
    pub(crate) p50_us: f64,
    pub(crate) p99_us: f64,
    pub(crate) cpu_us: f64,
    pub(crate) written_kib: f64,
    pub(crate) client_cores: f64,
    pub(crate) other_cores: f64,
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn lane(answers: &[u32]) -> Lane {
        let mut lane = Lane::new("one", Who::Server(0), None, Work::Get, 1);
        let slice =
            |&answers| Slice { answers, length: Duration::from_secs(1), ..Slice::default() };
        lane.slices = answers.iter().map(slice).collect();
        lane
    }

    #[test]
    fn a_ratio_is_taken_within_each_round() {
        assert_eq!(lane(&[50, 5, 60]).rate_of(&lane(&[100, 10, 100])), 0.5);
        assert!(lane(&[50]).rate_of(&lane(&[])).is_nan());
    }
}
