//! Points in time as clients write them (RFC 7643 §2.3.5: xsd:dateTime).

use std::fmt;

use chrono::{Datelike, NaiveDate, NaiveDateTime, TimeDelta, Timelike};

/// A point in time, to the nanosecond. Compared as an instant, not as text (RFC 7644 §3.4.2.2).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Moment(NaiveDateTime);

/// The hours that a zone may be away from UTC (XML Schema, part 2, §3.2.7).
const ZONE_HOURS: u32 = 14;

impl Moment {
    /// Reads an xsd:dateTime: date and time, any number of fractional digits (beyond nine they don't count), and a zone; without
    /// a zone it's UTC. Years before 1 and after 9999 are not read.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut rest = text;
        let year = digits(&mut rest, 4)?;
        let month = after(&mut rest, '-').and_then(|()| digits(&mut rest, 2))?;
        let day = after(&mut rest, '-').and_then(|()| digits(&mut rest, 2))?;
        after(&mut rest, 'T')?;
        let hour = digits(&mut rest, 2)?;
        let minute = after(&mut rest, ':').and_then(|()| digits(&mut rest, 2))?;
        let second = after(&mut rest, ':').and_then(|()| digits(&mut rest, 2))?;
        let nanos = fraction(&mut rest)?;
        let east_minutes = zone(rest)?;
        let date =
            NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, day).filter(|_| year > 0)?;
        let local = if hour == 24 && (minute, second, nanos) == (0, 0, 0) {
            date.succ_opt()?.and_hms_opt(0, 0, 0)?
        } else {
            date.and_hms_nano_opt(hour, minute, second, nanos)?
        };
        local.checked_sub_signed(TimeDelta::minutes(east_minutes)).map(Self)
    }

    /// Nanoseconds since 1970, as far as 64 bits go.
    #[must_use]
    pub fn unix_nanos(self) -> Option<i64> {
        self.0.and_utc().timestamp_nanos_opt()
    }
}

/// UTC with `Z`; at least milliseconds, more if there are more.
impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (date, time) = (self.0.date(), self.0.time());
        write!(f, "{:04}-{:02}-{:02}T", date.year(), date.month(), date.day())?;
        write!(f, "{:02}:{:02}:{:02}", time.hour(), time.minute(), time.second())?;
        let nanos = time.nanosecond();
        if nanos % 1_000_000 == 0 {
            write!(f, ".{:03}Z", nanos / 1_000_000)
        } else if nanos % 1_000 == 0 {
            write!(f, ".{:06}Z", nanos / 1_000)
        } else {
            write!(f, ".{nanos:09}Z")
        }
    }
}

fn digits(rest: &mut &str, count: usize) -> Option<u32> {
    let (number, tail) = rest.split_at_checked(count)?;
    *rest = tail;
    if number.bytes().all(|byte| byte.is_ascii_digit()) { number.parse().ok() } else { None }
}

fn after(rest: &mut &str, mark: char) -> Option<()> {
    *rest = rest.strip_prefix(mark)?;
    Some(())
}

fn fraction(rest: &mut &str) -> Option<u32> {
    let Some(tail) = rest.strip_prefix('.') else { return Some(0) };
    let count = tail.bytes().take_while(u8::is_ascii_digit).count();
    let (number, tail) = tail.split_at_checked(count)?;
    *rest = tail;
    let mut nanos = 0;
    for at in 0..9 {
        nanos = nanos * 10 + number.as_bytes().get(at).map_or(0, |digit| u32::from(digit - b'0'));
    }
    (count > 0).then_some(nanos)
}

/// Minutes east of UTC.
fn zone(text: &str) -> Option<i64> {
    let mut rest = match text {
        "" | "Z" => return Some(0),
        other => other.strip_prefix(['+', '-'])?,
    };
    let hours = digits(&mut rest, 2)?;
    let minutes = after(&mut rest, ':').and_then(|()| digits(&mut rest, 2))?;
    if !rest.is_empty() || minutes > 59 || hours * 60 + minutes > ZONE_HOURS * 60 {
        return None;
    }
    let minutes = i64::from(hours * 60 + minutes);
    Some(if text.starts_with('-') { -minutes } else { minutes })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        assert_eq!(
            Moment::parse(text).map_or("-".to_owned(), |moment| moment.to_string()),
            expected,
            "{text}"
        );
    }

    #[test]
    fn date_times_are_read_as_instants() {
        check("2026-01-01T01:00:00+01:00", "2026-01-01T00:00:00.000Z");
        check("2026-01-01T00:00:00", "2026-01-01T00:00:00.000Z");
        check("2011-05-13T04:42:34Z", "2011-05-13T04:42:34.000Z");
        check("0001-01-03T00:00:00.0000000Z", "0001-01-03T00:00:00.000Z");
        check("2026-01-01T00:00:00.1234567Z", "2026-01-01T00:00:00.123456700Z");
        check("2026-01-01T00:00:00.12345678901Z", "2026-01-01T00:00:00.123456789Z");
        check("2026-02-28T24:00:00Z", "2026-03-01T00:00:00.000Z");
        check("2026-01-01T00:00:00-14:00", "2026-01-01T14:00:00.000Z");
        for bad in [
            "",
            "2026-01-01",
            "2026-01-01T00:00Z",
            "2026-13-01T00:00:00Z",
            "2026-02-29T00:00:00Z",
            "2026-01-01 00:00:00Z",
            "2026-01-01T00:00:00.Z",
            "2026-01-01T00:00:00+15:00",
            "2026-01-01T00:00:00z",
            "0000-01-01T00:00:00Z",
            "2026-01-01T00:00:60Z",
            "26-01-01T00:00:00Z",
            "2026-01-01T00:00:00Zx",
            "２026-01-01T00:00:00Z",
        ] {
            check(bad, "-");
        }
    }
}
