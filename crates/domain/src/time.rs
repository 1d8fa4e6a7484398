//! Moments: milliseconds since 1970 in UTC, and the forms in which SCIM writes and people ask for them.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, NaiveDate, NaiveDateTime, SecondsFormat};
use serde::{Deserialize, Serialize};

/// A moment, in milliseconds since 1970-01-01T00:00:00Z. It comes in with the commit; nothing in
/// this crate reads a clock.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Debug)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(with = "String"))]
pub struct Timestamp(i64);

/// Text that is no moment.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a time: write it like `2026-03-01T12:00:00Z` or `2026-03-01`")]
pub struct NotATime(String);

impl Timestamp {
    /// The moment this many milliseconds after 1970 began (UTC).
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Milliseconds since 1970 began (UTC).
    pub const fn millis(self) -> i64 {
        self.0
    }
}

impl fmt::Display for Timestamp {
    /// As RFC 3339 in UTC with milliseconds and `Z`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(text) = self.ascii() {
            return f.write_str(std::str::from_utf8(&text).unwrap_or_default());
        }
        match DateTime::from_timestamp_millis(self.0) {
            Some(time) => f.write_str(&time.to_rfc3339_opts(SecondsFormat::Millis, true)),
            None => write!(f, "{} ms after 1970", self.0),
        }
    }
}

impl Timestamp {
    /// The same for the years 1970 to 9999: every resource shows two times, and this is many times faster than a general way.
    fn ascii(self) -> Option<[u8; 24]> {
        const DAY: u64 = 86_400_000;
        let millis = u64::try_from(self.0).ok()?;
        let (days, time) = (millis / DAY, millis % DAY);
        // Years begin with March, so that a leap day is a year's last: 719,468 days from there to 1970.
        let shifted = days + 719_468;
        let (era, day) = (shifted / 146_097, shifted % 146_097);
        let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
        let day = day - (365 * year + year / 4 - year / 100);
        let month = (5 * day + 2) / 153;
        let day = day - (153 * month + 2) / 5 + 1;
        let (month, wraps) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
        let year = era * 400 + year + wraps;
        if year > 9_999 {
            return None;
        }
        let mut text = *b"0000-00-00T00:00:00.000Z";
        let fields = [
            (0, 4, year),
            (5, 2, month),
            (8, 2, day),
            (11, 2, time / 3_600_000),
            (14, 2, time / 60_000 % 60),
            (17, 2, time / 1_000 % 60),
            (20, 3, time % 1_000),
        ];
        for (at, digits, number) in fields {
            let mut number = number;
            for place in text.get_mut(at..at + digits)?.iter_mut().rev() {
                *place = b'0' + (number % 10) as u8;
                number /= 10;
            }
        }
        Some(text)
    }
}

impl FromStr for Timestamp {
    type Err = NotATime;

    /// RFC 3339; without a zone it is UTC, without a time it is the day's first moment.
    fn from_str(text: &str) -> Result<Self, NotATime> {
        let millis = DateTime::parse_from_rfc3339(text)
            .map(|t| t.timestamp_millis())
            .or_else(|_| text.parse::<NaiveDateTime>().map(|t| t.and_utc().timestamp_millis()));
        match millis {
            Ok(millis) => Ok(Self(millis)),
            Err(_) => text
                .parse::<NaiveDate>()
                .ok()
                .and_then(|day| day.and_hms_opt(0, 0, 0))
                .map(|time| Self(time.and_utc().timestamp_millis()))
                .ok_or_else(|| NotATime(text.to_owned())),
        }
    }
}

impl Serialize for Timestamp {
    /// RFC 3339 for people, milliseconds in binary formats.
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.collect_str(self)
        } else {
            serializer.serialize_i64(self.0)
        }
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
        } else {
            i64::deserialize(deserializer).map(Self)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_read_in_the_forms_people_write() {
        let check = |text: &str, printed: &str| {
            assert_eq!(text.parse::<Timestamp>().unwrap().to_string(), printed);
        };
        check("2026-03-01", "2026-03-01T00:00:00.000Z");
        check("2026-03-01T12:00:00", "2026-03-01T12:00:00.000Z");
        check("2026-03-01T12:00:00.1239Z", "2026-03-01T12:00:00.123Z");
        check("2026-03-01T12:00:00+02:00", "2026-03-01T10:00:00.000Z");
        assert!("yesterday".parse::<Timestamp>().is_err());
    }

    /// Seen to catch: a leap year each hundred years, and a day that is counted from 0.
    #[test]
    fn the_quick_form_is_the_general_one() {
        let general = |millis: i64| {
            let time = DateTime::from_timestamp_millis(millis).unwrap();
            time.to_rfc3339_opts(SecondsFormat::Millis, true)
        };
        let days = [0, 58, 59, 364, 365, 10_956, 11_016, 11_017, 47_540, 47_541, 2_932_896];
        let steps = (0..200_000).map(|step| step * 1_267_650_600_228 % 253_402_300_800_000);
        for millis in days.map(|day| day * 86_400_000).into_iter().chain(steps) {
            assert_eq!(Timestamp::from_millis(millis).to_string(), general(millis), "{millis}");
        }
        for millis in [-1, -62_135_596_800_000, 253_402_300_800_000] {
            assert_eq!(Timestamp::from_millis(millis).to_string(), general(millis));
        }
    }
}
