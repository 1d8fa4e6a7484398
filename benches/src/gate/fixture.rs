//! The log that the paths work on: 17,000 users, a group of 10,000, and somebody whose roles come
//! and go. It is made outside valgrind, where that takes a second.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use anyhow::{Context, anyhow};
use domain::event::Event;
use domain::id::{TenantId, UserId};
use domain::position::Position;
use eventlog::{EventLog, Keys, LogReader, MemoryDisk, MemoryLog, Sealed};
use uuid::Uuid;

use crate::fill::{self, FromIds};
use crate::population::Shape;

/// Six tenths of the users are in the large group.
pub(super) const SHAPE: Shape = Shape { users: 17_000, commits: 17_500 };
/// Commits that are appended at once.
const TURN: usize = 512;

/// Writes every commit of it to a file.
pub(super) fn write(path: &Path) -> anyhow::Result<()> {
    let disk = MemoryDisk::seeded(1);
    let begun = fill::open_tenant(disk.open()?)?;
    let log = fill::fill_log(disk.open()?, SHAPE, &begun, |_| {})?;
    let mut file = BufWriter::new(File::create(path)?);
    for stored in log.reader().scan() {
        let stored = stored?;
        let commit = eventlog::open(&stored.bytes, &FromIds)?;
        let created = commit.events.iter().find_map(|event| {
            let Event::UserCreated { user, .. } = event else { return None };
            Some(user.uuid())
        });
        file.write_all(stored.tenant.uuid().as_bytes())?;
        file.write_all(&stored.position.get().to_le_bytes())?;
        file.write_all(created.unwrap_or_default().as_bytes())?;
        file.write_all(&u32::try_from(stored.bytes.len())?.to_le_bytes())?;
        file.write_all(&stored.bytes)?;
    }
    file.flush()?;
    Ok(())
}

/// A log in memory with these commits.
pub(super) fn read(path: &Path) -> anyhow::Result<MemoryLog> {
    let bytes = std::fs::read(path)?;
    let (mut rest, mut turn) = (bytes.as_slice(), Vec::with_capacity(TURN));
    let mut log = MemoryDisk::seeded(1).open()?;
    while !rest.is_empty() {
        let (tenant, position): ([u8; 16], [u8; 8]) = (*take(&mut rest)?, *take(&mut rest)?);
        let (created, length): ([u8; 16], [u8; 4]) = (*take(&mut rest)?, *take(&mut rest)?);
        let length = u32::from_le_bytes(length) as usize;
        let (bytes, after) = rest.split_at_checked(length).context("a commit is cut off")?;
        rest = after;
        let tenant = TenantId::new(Uuid::from_bytes(tenant));
        let user = UserId::new(Uuid::from_bytes(created));
        let is_new = user != UserId::LEAST;
        turn.push(Sealed {
            tenant,
            position: Position::new(u64::from_le_bytes(position)).context("no position")?,
            hash: eventlog::hash(bytes),
            bytes: bytes.to_vec(),
            new_keys: if is_new { vec![(user, FromIds.fresh(tenant, user)?)] } else { Vec::new() },
            dropped_keys: Vec::new(),
        });
        if turn.len() == TURN || rest.is_empty() {
            log = log.append(&turn).map_err(|error| anyhow!("{error}"))?;
            turn.clear();
        }
    }
    Ok(log)
}

fn take<'a, const N: usize>(rest: &mut &'a [u8]) -> anyhow::Result<&'a [u8; N]> {
    let (head, after) = rest.split_first_chunk::<N>().context("the file is cut off")?;
    *rest = after;
    Ok(head)
}
