//! Where a commit stands in its tenant's log, and what links it to the one before.

use std::fmt;
use std::num::NonZeroU64;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// A commit's place in its tenant's log: 1, 2, 3, … without a gap. Never a clock.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct Position(NonZeroU64);

impl Position {
    /// The first commit's place.
    pub const FIRST: Position = Position(NonZeroU64::MIN);
    /// No commit gets so far.
    pub const MAX: Position = Position(NonZeroU64::MAX);

    /// The place with this number; there is none with the number 0.
    pub fn new(number: u64) -> Option<Position> {
        NonZeroU64::new(number).map(Position)
    }

    /// The number, from 1.
    pub const fn get(self) -> u64 {
        self.0.get()
    }

    /// The place after this one.
    #[must_use]
    pub const fn next(self) -> Position {
        Position(self.0.saturating_add(1))
    }

    /// The place before this one; the first has none.
    pub fn previous(self) -> Option<Position> {
        Position::new(self.get() - 1)
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Position({})", self.0)
    }
}

impl FromStr for Position {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Position)
    }
}

/// A SHA-256 digest: of a commit's bytes, or of a directory.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(with = "String"))]
pub struct Hash([u8; 32]);

impl Hash {
    /// What the first commit of a log links to.
    pub const ZERO: Hash = Hash([0; 32]);

    /// The digest with these bytes.
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The first twelve hexadecimal digits: enough for a table.
    pub fn short(&self) -> String {
        self.to_string().chars().take(12).collect()
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hash({self})")
    }
}

/// Text that is no digest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a hash of 64 hexadecimal digits")]
pub struct NotAHash(String);

impl FromStr for Hash {
    type Err = NotAHash;

    fn from_str(text: &str) -> Result<Self, NotAHash> {
        let wrong = || NotAHash(text.to_owned());
        if text.len() != 64 || !text.is_ascii() {
            return Err(wrong());
        }
        let mut bytes = [0; 32];
        for (i, byte) in bytes.iter_mut().enumerate() {
            let digits = text.get(2 * i..2 * i + 2).ok_or_else(wrong)?;
            *byte = u8::from_str_radix(digits, 16).map_err(|_| wrong())?;
        }
        Ok(Self(bytes))
    }
}

impl Serialize for Hash {
    /// Hexadecimal for people, 32 bytes in binary formats.
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.collect_str(self)
        } else {
            serializer.serialize_bytes(&self.0)
        }
    }
}

impl<'de> Deserialize<'de> for Hash {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
        } else {
            serde_bytes::ByteArray::<32>::deserialize(deserializer).map(|b| Self(b.into_array()))
        }
    }
}

/// Where a log ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Head {
    /// The last commit's position; none while the log is empty.
    pub position: Option<Position>,
    /// The last commit's hash; zero while the log is empty.
    pub hash: Hash,
    /// The last commit's time. No later commit is earlier.
    pub time: Timestamp,
}

impl Head {
    /// The head of an empty log.
    pub const EMPTY: Head =
        Head { position: None, hash: Hash::ZERO, time: Timestamp::from_millis(0) };

    /// The position that the next commit gets.
    pub fn next(&self) -> Position {
        self.position.map_or(Position::FIRST, Position::next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_read_as_it_is_printed() {
        let hash = Hash::new(std::array::from_fn(|i| i as u8 * 7));
        assert_eq!(hash.to_string().parse::<Hash>().unwrap(), hash);
        assert_eq!(hash.short(), "00070e151c23");
        assert!("00".parse::<Hash>().is_err());
        assert!("zz".repeat(32).parse::<Hash>().is_err());
    }

    #[test]
    fn positions_count_from_one() {
        assert_eq!(Position::new(0), None);
        assert_eq!(Position::FIRST.previous(), None);
        assert_eq!(Head::EMPTY.next(), Position::FIRST);
    }
}
