//! What is measured again in each round: a server, a kind of request, a number of connections.

use serde::Serialize;

use crate::load::Slice;
use crate::stats::median;

/// Whose answers are measured.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Subject {
    /// `rollbook serve`.
    Rollbook,
    /// axum that answers the same bytes and does nothing.
    BareAxum,
    /// axum that parses, appends and syncs before it answers.
    DurableFloor,
}

impl Subject {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Subject::Rollbook => "rollbook",
            Subject::BareAxum => "bare axum",
            Subject::DurableFloor => "durable floor",
        }
    }
}

/// What is asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Request {
    /// `POST /Users`.
    Create,
    /// `GET /Users/{id}`.
    Get,
}

/// One lane, and its slices so far, one a round.
pub(crate) struct Lane {
    pub(crate) request: Request,
    pub(crate) subject: Subject,
    pub(crate) connections: u32,
    pub(crate) slices: Vec<Slice>,
}

/// Connections at which reads are measured.
pub(crate) const READERS: u32 = 16;

impl Lane {
    fn new(request: Request, subject: Subject, connections: u32) -> Lane {
        Lane { request, subject, connections, slices: Vec::new() }
    }

    /// All of them, those that are compared next to each other.
    pub(crate) fn all(connections: &[u32]) -> Vec<Lane> {
        use Subject::{BareAxum, DurableFloor, Rollbook};
        let creates = connections.iter().flat_map(|&connections| {
            [Rollbook, BareAxum, DurableFloor]
                .map(|subject| Lane::new(Request::Create, subject, connections))
        });
        let gets = [Rollbook, BareAxum].map(|subject| Lane::new(Request::Get, subject, READERS));
        creates.chain(gets).collect()
    }

    /// The rate as a part of another's: the median of what it was in each round, so that what
    /// slowed a whole round down slows neither.
    pub(crate) fn of(&self, other: &[Slice]) -> Option<f64> {
        let pairs = self.slices.iter().zip(other);
        median(pairs.map(|(ours, other)| ours.per_second() / other.per_second()))
    }

    /// CPU time per answer in µs, over all rounds: the kernel counts too coarsely for one slice.
    pub(crate) fn server_cpu_us(&self) -> f64 {
        let cpu: f64 = self.slices.iter().map(|slice| slice.used.server.as_secs_f64()).sum();
        cpu * 1e6 / self.answers()
    }

    /// How much of one core something took, over all rounds.
    pub(crate) fn cores(&self, of: impl Fn(&Slice) -> f64) -> f64 {
        let length: f64 = self.slices.iter().map(|slice| slice.length.as_secs_f64()).sum();
        self.slices.iter().map(of).sum::<f64>() / length
    }

    /// KiB sent to the disk per answer, over all rounds.
    pub(crate) fn written_kib(&self) -> f64 {
        let kib: u64 = self.slices.iter().map(|slice| slice.used.written_kib).sum();
        u32::try_from(kib).map_or(f64::NAN, f64::from) / self.answers()
    }

    fn answers(&self) -> f64 {
        self.slices.iter().map(|slice| f64::from(slice.answers)).sum()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn slice(answers: u32) -> Slice {
        Slice { answers, length: Duration::from_secs(1), ..Slice::default() }
    }

    #[test]
    fn a_ratio_is_taken_within_each_round() {
        let mut lane = Lane::new(Request::Create, Subject::Rollbook, 1);
        lane.slices = vec![slice(50), slice(5), slice(60)];
        let other = [slice(100), slice(10), slice(100)];
        assert_eq!(lane.of(&other), Some(0.5));
        assert_eq!(lane.of(&[]), None);
    }

    #[test]
    fn every_create_has_its_ceilings_beside_it() {
        let lanes = Lane::all(&[1, 64]);
        let subjects: Vec<Subject> = lanes.iter().map(|lane| lane.subject).collect();
        use Subject::{BareAxum, DurableFloor, Rollbook};
        assert_eq!(
            subjects,
            [
                Rollbook,
                BareAxum,
                DurableFloor,
                Rollbook,
                BareAxum,
                DurableFloor,
                Rollbook,
                BareAxum
            ]
        );
    }
}
