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
        match DateTime::from_timestamp_millis(self.0) {
            Some(time) => f.write_str(&time.to_rfc3339_opts(SecondsFormat::Millis, true)),
            None => write!(f, "{} ms after 1970", self.0),
        }
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
}
