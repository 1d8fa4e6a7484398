//! Moments, as people and programs ask for them.

use std::fmt;
use std::str::FromStr;

use domain::position::Position;
use domain::time::Timestamp;

/// A moment in a tenant's past.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum When {
    /// Right after the commit at this position.
    Position(Position),
    /// At this time: right after the last commit that is not later. As a commit's time is in whole
    /// milliseconds, what a time means is settled when its millisecond is over.
    Time(Timestamp),
}

/// Text that is no moment.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotAMoment {
    /// The number of no commit.
    #[error("`{0}` is no position: they begin at 1 and have at most 20 digits")]
    Position(String),
    /// Neither digits nor a time.
    #[error(
        "`{0}` is no moment: give a position such as `42`, a time such as `2026-03-01T12:00:00Z`, or \
         a day such as `2026-03-01`, which means its first moment in UTC"
    )]
    Time(String),
}

impl FromStr for When {
    type Err = NotAMoment;

    /// A position (digits only), or a time: RFC 3339 with any zone; without a zone it is UTC, without
    /// a time of day it is the first moment of the day in UTC. What is finer than a millisecond is
    /// cut off; a leap second is the second after it. A space in front of the zone's hours is the
    /// `+` that a query string made it of.
    fn from_str(text: &str) -> Result<Self, NotAMoment> {
        if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
            let position = text.parse().map(When::Position);
            return position.map_err(|_| NotAMoment::Position(text.to_owned()));
        }
        let time = text.parse().or_else(|_| with_plus(text).parse());
        time.map(When::Time).map_err(|_| NotAMoment::Time(text.to_owned()))
    }
}

/// The text with a `+` where a zone that is ahead of UTC has it.
fn with_plus(text: &str) -> String {
    match text.rsplit_once(' ') {
        Some((time, zone)) => format!("{time}+{zone}"),
        None => text.to_owned(),
    }
}

impl fmt::Display for When {
    /// In a form that it is read from.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            When::Position(position) => position.fmt(f),
            When::Time(time) => time.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_read_in_the_forms_in_which_they_are_asked_for() {
        let check = |text: &str, printed: &str| {
            let when: When = text.parse().unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!(when.to_string(), printed, "{text}");
            assert_eq!(printed.parse(), Ok(when));
        };
        check("1", "1");
        check("0042", "42");
        check("18446744073709551615", "18446744073709551615");
        // Four digits are a position, not a year.
        check("2026", "2026");
        check("2026-03-01", "2026-03-01T00:00:00.000Z");
        check("2026-03-01T12:00:00Z", "2026-03-01T12:00:00.000Z");
        check("2026-03-01t12:00:00z", "2026-03-01T12:00:00.000Z");
        check("2026-03-01 12:00:00Z", "2026-03-01T12:00:00.000Z");
        check("2026-03-01T12:00:00", "2026-03-01T12:00:00.000Z");
        check("2026-03-01T12:00:00+02:00", "2026-03-01T10:00:00.000Z");
        check("2026-03-01T12:00:00 02:00", "2026-03-01T10:00:00.000Z");
        check("2026-03-01 12:00:00 02:00", "2026-03-01T10:00:00.000Z");
        check("2026-03-01T00:30:00-11:30", "2026-03-01T12:00:00.000Z");
        check("2026-03-01T12:00:00.1239999Z", "2026-03-01T12:00:00.123Z");
        check("2026-03-01T12:00:00.000000001Z", "2026-03-01T12:00:00.000Z");
        check("2016-12-31T23:59:60Z", "2017-01-01T00:00:00.000Z");
        check("2016-12-31T23:59:60.5Z", "2017-01-01T00:00:00.500Z");
        check("2024-02-29", "2024-02-29T00:00:00.000Z");
        check("1969-12-31T23:59:59.9999Z", "1969-12-31T23:59:59.999Z");
    }

    #[test]
    fn what_is_no_moment_is_refused_and_told_why() {
        for text in ["0", "00", "18446744073709551616", "99999999999999999999999"] {
            assert_eq!(text.parse::<When>(), Err(NotAMoment::Position(text.to_owned())));
        }
        for text in [
            "",
            " ",
            "+5",
            "-1",
            "1.5",
            "4e2",
            "٤٢",
            "now",
            "yesterday",
            "2026-02-29",
            "2026-13-01",
            "2026-3",
            "01.03.2026",
            "2026-03-01T12:00",
            "2026-03-01T24:00:00Z",
            "2026-03-01T12:00:61Z",
            "2026-03-01T12:00:00+25:00",
            "2026-03-01T12:00:00CET",
            "2026-03-01Z",
            "2026-W09-7",
            "1767225600000ms",
            "\"42\"",
        ] {
            assert_eq!(text.parse::<When>(), Err(NotAMoment::Time(text.to_owned())));
        }
    }
}
