//! The replay floor: the least that somebody does who reads a log back into memory. Records in a
//! plain file, each with its length and checksum; positional MessagePack, read in place; the bytes
//! kept in an arena, found by id and by name. No chain, no seals, no rules.

use std::collections::HashMap;
use std::fs::File;
use std::hash::{BuildHasherDefault, Hasher};
use std::io::{BufReader, BufWriter, Read, Write};
use std::path::Path;
use std::time::Instant;

use anyhow::{Context, ensure};
use serde::{Deserialize, Serialize};

use crate::people;
use crate::population::Shape;

const BLOCK: usize = 4 << 20;

/// One commit.
#[derive(Serialize, Deserialize)]
struct Record<'a> {
    position: u64,
    at: i64,
    #[serde(with = "serde_bytes")]
    actor: &'a [u8],
    #[serde(with = "serde_bytes")]
    request: &'a [u8],
    #[serde(with = "serde_bytes")]
    user: &'a [u8],
    #[serde(borrow)]
    what: What<'a>,
}

#[derive(Serialize, Deserialize)]
#[expect(clippy::large_enum_variant, reason = "a box would be an allocation for each record")]
enum What<'a> {
    Came(#[serde(borrow)] Came<'a>),
    Changed(&'a str, &'a str, &'a str),
}

/// A user's values.
#[derive(Serialize, Deserialize)]
struct Came<'a> {
    user_name: &'a str,
    external_id: &'a str,
    given_name: &'a str,
    family_name: &'a str,
    mail: &'a str,
    mail_type: &'a str,
    phone: &'a str,
    phone_type: &'a str,
    display_name: &'a str,
    title: &'a str,
    locale: &'a str,
    timezone: &'a str,
    active: bool,
    employee_number: &'a str,
    department: &'a str,
    cost_center: &'a str,
    manager: &'a str,
    manager_name: &'a str,
}

/// How long it took to read a log of this shape back, on one thread.
#[derive(Serialize, Deserialize)]
pub(crate) struct Took {
    pub(crate) commits: u32,
    pub(crate) seconds: f64,
}

/// Reads the log at `path` back, which is written first if it is not there.
pub(crate) fn replay(path: &Path, shape: Shape) -> anyhow::Result<Took> {
    if !path.exists() {
        let draft = path.with_extension("new");
        write(&draft, shape)?;
        std::fs::rename(draft, path)?;
    }
    let since = Instant::now();
    let held = read(path)?;
    let seconds = since.elapsed().as_secs_f64();
    ensure!(held.by_id.len() == shape.users as usize, "users were lost");
    ensure!(held.by_name.len() == shape.users as usize, "names were lost");
    Ok(Took { commits: held.commits, seconds })
}

fn write(path: &Path, shape: Shape) -> anyhow::Result<()> {
    let mut file = BufWriter::with_capacity(BLOCK, File::create(path)?);
    for number in 0..shape.commits.max(shape.users) {
        let (edition, user) = (number / shape.users, number % shape.users);
        let (name, external) = (people::user_name(user), people::external_id(user));
        let (family, phone) = (format!("Lovelace {user:08}"), format!("+1-617-{user:08}"));
        let (display, employee) = (format!("Ada Lovelace {user:08}"), format!("E{user:08}"));
        let titles = [edition.saturating_sub(1), edition].map(people::title);
        let (request, id) = (people::request(number), people::user(user));
        let what = if edition == 0 {
            What::Came(Came {
                user_name: &name,
                external_id: &external,
                given_name: "Ada",
                family_name: &family,
                mail: &name,
                mail_type: "work",
                phone: &phone,
                phone_type: "work",
                display_name: &display,
                title: &titles[0],
                locale: "en-US",
                timezone: "America/New_York",
                active: true,
                employee_number: &employee,
                department: "Sales",
                cost_center: "CC-417",
                manager: "E00000001",
                manager_name: "Charles Babbage",
            })
        } else {
            What::Changed("title", &titles[0], &titles[1])
        };
        let record = Record {
            position: u64::from(number) + 1,
            at: i64::from(number) * 1_000,
            actor: &[7; 33],
            request: request.as_bytes(),
            user: id.as_bytes(),
            what,
        };
        let bytes = rmp_serde::to_vec(&record)?;
        file.write_all(&u32::try_from(bytes.len())?.to_le_bytes())?;
        file.write_all(&crc32fast::hash(&bytes).to_le_bytes())?;
        file.write_all(&bytes)?;
    }
    file.into_inner().map_err(|error| error.into_error())?.sync_all()?;
    Ok(())
}

/// What is in memory afterwards.
#[derive(Default)]
struct Held {
    commits: u32,
    arena: Vec<Vec<u8>>,
    by_id: HashMap<u128, (u32, u32), BuildHasherDefault<Mixed>>,
    by_name: HashMap<u64, u128, BuildHasherDefault<Mixed>>,
}

fn read(path: &Path) -> anyhow::Result<Held> {
    let mut file = BufReader::with_capacity(BLOCK, File::open(path)?);
    let (mut held, mut bytes, mut head) = (Held::default(), Vec::new(), [0; 8]);
    while file.read_exact(&mut head).is_ok() {
        let [a, b, c, d, e, f, g, h] = head;
        bytes.resize(u32::from_le_bytes([a, b, c, d]) as usize, 0);
        file.read_exact(&mut bytes)?;
        ensure!(crc32fast::hash(&bytes) == u32::from_le_bytes([e, f, g, h]), "a damaged record");
        let record: Record<'_> = rmp_serde::from_slice(&bytes)?;
        let id = u128::from_be_bytes(record.user.try_into().context("no id")?);
        if let What::Came(came) = &record.what {
            held.by_name.insert(name_hash(came.user_name), id);
        }
        if held.arena.last().is_none_or(|last| last.len() + bytes.len() > BLOCK) {
            held.arena.push(Vec::with_capacity(BLOCK));
        }
        let block = u32::try_from(held.arena.len())?;
        let last = held.arena.last_mut().context("no block")?;
        held.by_id.insert(id, (block, u32::try_from(last.len())?));
        last.extend_from_slice(&bytes);
        held.commits += 1;
    }
    Ok(held)
}

/// FNV-1a over the name without regard to case.
fn name_hash(name: &str) -> u64 {
    name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte.to_ascii_lowercase())).wrapping_mul(0x0100_0000_01b3)
    })
}

/// A hasher for keys that look random already.
#[derive(Default)]
struct Mixed(u64);

impl Hasher for Mixed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(u64::from(*byte));
        }
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = (self.0 ^ number).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(23);
    }

    fn write_u128(&mut self, number: u128) {
        let [low, high] = [number as u64, (number >> 64) as u64];
        self.write_u64(low);
        self.write_u64(high);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("floor");
        let took = replay(&path, Shape { users: 10, commits: 25 }).unwrap();
        assert_eq!(took.commits, 25);
        let mut bytes = std::fs::read(&path).unwrap();
        bytes[100] ^= 1;
        std::fs::write(&path, bytes).unwrap();
        assert!(read(&path).is_err(), "a flipped bit is noticed");
    }
}
