//! A figure, and whether it is what it should be.

use serde::{Deserialize, Serialize};

/// What was measured, in what unit, and what it should be.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Figure {
    /// Of what, as in `GET by id, 64 connections, 1 M users`.
    pub(crate) of: String,
    /// What about it, as in `rate, of bare GETs`.
    pub(crate) what: String,
    pub(crate) measured: f64,
    pub(crate) unit: Unit,
    /// None: it is told, and nothing is asked of it.
    pub(crate) target: Option<Target>,
}

/// What a number counts.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) enum Unit {
    /// A part of something else, or so many times it.
    Ratio,
    Bytes,
    MegaBytes,
    Nanoseconds,
    Milliseconds,
    Seconds,
    PerSecond,
    Percent,
}

/// What is asked for.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub(crate) enum Target {
    AtLeast(f64),
    AtMost(f64),
}

impl Figure {
    pub(crate) fn new(of: impl Into<String>, what: impl Into<String>, measured: f64) -> Figure {
        let (of, what) = (of.into(), what.into());
        Figure { of, what, measured, unit: Unit::Ratio, target: None }
    }

    pub(crate) fn unit(self, unit: Unit) -> Figure {
        Figure { unit, ..self }
    }

    pub(crate) fn at_least(self, target: f64) -> Figure {
        Figure { target: Some(Target::AtLeast(target)), ..self }
    }

    pub(crate) fn at_most(self, target: f64) -> Figure {
        Figure { target: Some(Target::AtMost(target)), ..self }
    }

    /// Whether it is as it should be; none where nothing is asked.
    pub(crate) fn is_met(&self) -> Option<bool> {
        Some(match self.target? {
            Target::AtLeast(least) => self.measured >= least,
            Target::AtMost(most) => self.measured <= most,
        })
    }

    /// The number with its unit.
    pub(crate) fn shown(&self) -> String {
        self.unit.show(self.measured)
    }

    /// What is asked, as in `≥ 0.80`.
    pub(crate) fn wanted(&self) -> String {
        match self.target {
            None => String::new(),
            Some(Target::AtLeast(least)) => format!("≥ {}", self.unit.show(least)),
            Some(Target::AtMost(most)) => format!("≤ {}", self.unit.show(most)),
        }
    }
}

impl Unit {
    fn show(self, number: f64) -> String {
        match self {
            Unit::Ratio if number.abs() >= 100.0 => format!("{number:.0}"),
            Unit::Ratio => format!("{number:.2}"),
            Unit::Bytes => format!("{number:.0} B"),
            Unit::MegaBytes => format!("{number:.1} MB"),
            Unit::Nanoseconds => format!("{number:.0} ns"),
            Unit::Milliseconds => format!("{number:.2} ms"),
            Unit::Seconds => format!("{number:.2} s"),
            Unit::PerSecond => format!("{number:.0}/s"),
            Unit::Percent => format!("{number:.2} %"),
        }
    }
}

/// A number of users, connections or commits as people write it.
pub(crate) fn many(number: u32) -> String {
    match number {
        1_000_000.. if number.is_multiple_of(100_000) => format!("{} M", f64::from(number) / 1e6),
        1_000.. if number.is_multiple_of(100) => format!("{} k", f64::from(number) / 1e3),
        _ => number.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_is_met_at_its_target() {
        let figure = Figure::new("reads", "rate", 0.8);
        assert_eq!(figure.is_met(), None);
        assert_eq!(figure.clone().at_least(0.8).is_met(), Some(true));
        assert_eq!(figure.clone().at_least(0.81).is_met(), Some(false));
        assert_eq!(figure.clone().at_most(0.79).is_met(), Some(false));
        // What could not be measured is not met.
        assert_eq!(Figure::new("reads", "rate", f64::NAN).at_most(1.0).is_met(), Some(false));
        assert_eq!(figure.at_least(0.8).wanted(), "≥ 0.80");
    }

    #[test]
    fn numbers_are_shown_as_people_write_them() {
        let shown = [1, 1_000, 10_000, 250_000, 1_000_000, 1_500_000].map(many);
        assert_eq!(shown, ["1", "1 k", "10 k", "250 k", "1 M", "1.5 M"]);
    }
}
