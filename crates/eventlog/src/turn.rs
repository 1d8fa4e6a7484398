//! A turn before it is written: everything checked that can be, everything packed. What fails here
//! has written nothing.

use std::collections::BTreeMap;

use domain::id::{TenantId, UserId};
use domain::position::Head;

use crate::broken::Broken;
use crate::chain::follow;
use crate::encode::Sealed;
use crate::frame::{self, Tip};
use crate::keys::{self, Record};
use crate::limits::{COMMIT_BYTES, TURN_BYTES};
use crate::log::AppendFault;
use crate::reader::Reader;

/// What is written in one go.
pub(crate) struct Turn {
    /// Frames, the first with the number after the tip's.
    pub(crate) frames: Vec<Vec<u8>>,
    /// Whether a person's key is destroyed.
    pub(crate) erases: bool,
    /// Key records.
    pub(crate) keys: BTreeMap<(TenantId, UserId), Vec<u8>>,
    /// The head after each commit, and the frame in which it begins.
    pub(crate) commits: Vec<(TenantId, Head, u64)>,
    /// Where the frames end then.
    pub(crate) tip: Tip,
}

impl Turn {
    /// Checks that each commit follows the one before and packs them.
    pub(crate) fn new(reader: &Reader, tip: Tip, batch: &[Sealed]) -> Result<Self, AppendFault> {
        check_size(batch)?;
        let heads = heads(reader, batch).map_err(AppendFault::Misplaced)?;
        let keys = key_records(reader, batch).map_err(AppendFault::Key)?;
        let (frames, begins, tip) =
            frame::pack(tip, batch.iter().map(|sealed| sealed.bytes.as_slice()));
        let commits = batch
            .iter()
            .zip(heads)
            .zip(begins)
            .map(|((sealed, head), frame)| (sealed.tenant, head, frame))
            .collect();
        let erases = batch.iter().any(|sealed| !sealed.dropped_keys.is_empty());
        Ok(Self { frames, erases, keys, commits, tip })
    }
}

fn check_size(batch: &[Sealed]) -> Result<(), AppendFault> {
    let largest = batch.iter().map(|sealed| sealed.bytes.len()).max().unwrap_or(0);
    if largest > COMMIT_BYTES {
        return Err(AppendFault::TooLarge { bytes: largest, limit: COMMIT_BYTES });
    }
    let all = batch.iter().map(|sealed| sealed.bytes.len()).sum();
    if all > TURN_BYTES {
        return Err(AppendFault::TooLarge { bytes: all, limit: TURN_BYTES });
    }
    Ok(())
}

/// The head after each commit.
fn heads(reader: &Reader, batch: &[Sealed]) -> Result<Vec<Head>, Broken> {
    let mut latest: BTreeMap<TenantId, Head> = BTreeMap::new();
    batch
        .iter()
        .map(|Sealed { tenant, position, hash, bytes, .. }| {
            let head = latest.entry(*tenant).or_insert_with(|| reader.head(*tenant));
            *head = follow(head, *tenant, bytes)?;
            if head.position != Some(*position) || head.hash != *hash {
                let reason = "its bytes are not what it says it is";
                return Err(Broken::commit(*tenant, *position, reason));
            }
            Ok(*head)
        })
        .collect()
}

/// The key records to write. A key is never written over another: what was sealed under that would
/// be lost. The same key may be there from a turn that was cut before its frame: who replays brings it again.
fn key_records(
    reader: &Reader,
    batch: &[Sealed],
) -> Result<BTreeMap<(TenantId, UserId), Vec<u8>>, Broken> {
    let mut records = BTreeMap::new();
    for Sealed { tenant, new_keys, dropped_keys, .. } in batch {
        for (user, key) in new_keys {
            let place = (*tenant, *user);
            let there = reader.store().key(*tenant, *user)?;
            let there =
                there.map(|there| keys::unwrap(reader.master(), *tenant, *user, Some(&there)));
            let is_same = match there.transpose()? {
                None => true,
                Some(Record::Key(there)) => there == *key,
                Some(Record::Erased) => false,
            };
            if records.contains_key(&place) || !is_same {
                let reason = "there is another already".to_owned();
                return Err(Broken::Key { tenant: *tenant, user: *user, reason });
            }
            records.insert(place, keys::wrap(reader.master(), *tenant, *user, key)?);
        }
        for user in dropped_keys {
            records.insert((*tenant, *user), keys::tombstone());
        }
    }
    Ok(records)
}
