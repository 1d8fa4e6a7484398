//! A snapshot taken apart, so that its parts can be written and read side by side, and put together
//! again without computing what stands in its indexes.
//!
//! What is many (users, words, touches, requests, times) is in parts of their own, in the order of
//! the index that they come from. The rest is one part with names, since a field with its default is
//! left out of it.

use imbl::OrdSet;
use serde::{Deserialize, Serialize};

use super::Snapshot;
use crate::directory::{Directory, UserParts, UserRow, Users};
use crate::id::UserId;
use crate::position::Head;
use crate::trail::{Lists, Trail, TrailParts};

/// What parts look like. Another number is another form: who keeps parts throws away those of another one.
const FORM: u32 = 1;

/// Users in a part, about: half a megabyte of them.
const USERS: usize = 1024;
/// Entries of an index in a part, about.
const ENTRIES: usize = 32 * 1024;

/// A part of a snapshot, to be written.
#[derive(Serialize)]
pub enum PartOf<'a> {
    /// What the other parts leave.
    Rest(Box<Rest>),
    /// Some users, by id.
    Users(Vec<UserRow<&'a crate::directory::User>>),
    /// Some of the words that users are found by.
    Words(#[serde(with = "serde_bytes")] Vec<u8>),
    /// Some of what commits touched.
    Touched(#[serde(with = "serde_bytes")] Vec<u8>),
    /// Some of the requests.
    Requests(#[serde(with = "serde_bytes")] Vec<u8>),
    /// Some of the commits' times.
    Times(#[serde(with = "serde_bytes")] Vec<u8>),
    /// The trail's lists.
    Lists(Box<Lists>),
}

/// A part of a snapshot, as it was read.
#[derive(Deserialize)]
pub enum Part {
    /// See [`PartOf::Rest`].
    Rest(Box<Rest>),
    /// See [`PartOf::Users`].
    Users(Vec<UserRow<std::sync::Arc<crate::directory::User>>>),
    /// See [`PartOf::Words`].
    Words(#[serde(with = "serde_bytes")] Vec<u8>),
    /// See [`PartOf::Touched`].
    Touched(#[serde(with = "serde_bytes")] Vec<u8>),
    /// See [`PartOf::Requests`].
    Requests(#[serde(with = "serde_bytes")] Vec<u8>),
    /// See [`PartOf::Times`].
    Times(#[serde(with = "serde_bytes")] Vec<u8>),
    /// See [`PartOf::Lists`].
    Lists(Box<Lists>),
}

/// What is not in parts of its own.
#[derive(Serialize, Deserialize)]
pub struct Rest {
    head: Head,
    /// Without the users.
    directory: Directory,
    /// Of the users, the names that were given up.
    former: OrdSet<(scim::UserNameKey, UserId)>,
    erased: OrdSet<UserId>,
}

/// Parts that do not make a snapshot together.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the parts make no snapshot: {0}")]
pub struct NoWhole(pub String);

impl PartOf<'_> {
    /// Whether it is to be written with the names of its fields.
    pub fn is_named(&self) -> bool {
        matches!(self, PartOf::Rest(_))
    }
}

/// What parts are like that this program writes and reads: other programs' may be different. It covers what indexes hold
/// ready made.
pub fn form() -> u64 {
    u64::from(FORM) << 32 | u64::from(crate::directory::word_probe())
}

impl Snapshot {
    /// Hands over every part of this snapshot; each holds what it borrows, so that it can be written elsewhere.
    pub fn each_part<'a>(&'a self, mut f: impl FnMut(PartOf<'a>)) {
        let mut directory = self.directory.clone();
        let users = std::mem::take(&mut directory.users);
        let UserParts { former, erased } = users.parts();
        f(PartOf::Rest(Box::new(Rest { head: self.head, directory, former, erased })));
        f(PartOf::Lists(Box::new(self.trail.parts())));
        let mut rows = self.directory.users.rows();
        loop {
            let some: Vec<_> = rows.by_ref().take(USERS).map(UserRow).collect();
            if some.is_empty() {
                break;
            }
            f(PartOf::Users(some));
        }
        bytes(self.directory.users.word_bytes(), |bytes| f(PartOf::Words(bytes)));
        bytes(self.trail.touched_bytes(), |bytes| f(PartOf::Touched(bytes)));
        bytes(self.trail.request_bytes(), |bytes| f(PartOf::Requests(bytes)));
        bytes(self.trail.time_bytes(), |bytes| f(PartOf::Times(bytes)));
    }

    /// Puts a snapshot together of all its parts, in the order in which [`Snapshot::each_part`] handed them over.
    ///
    /// # Errors
    /// When something is missing or malformed. That the content is right is not looked at: who keeps parts sees to it that they
    /// come back as they were.
    pub fn of_parts(parts: impl IntoIterator<Item = Part>) -> Result<Snapshot, NoWhole> {
        let mut rest = None;
        let mut lists = None;
        let (mut users, mut words) = (Vec::new(), Vec::new());
        let (mut touched, mut requests, mut times) = (Vec::new(), Vec::new(), Vec::new());
        for part in parts {
            match part {
                Part::Rest(part) => rest = Some(part),
                Part::Lists(part) => lists = Some(part),
                Part::Users(mut rows) => users.append(&mut rows),
                Part::Words(bytes) => words.push(bytes),
                Part::Touched(bytes) => touched.push(bytes),
                Part::Requests(bytes) => requests.push(bytes),
                Part::Times(bytes) => times.push(bytes),
            }
        }
        let missing = || NoWhole("one is missing".to_owned());
        let Rest { head, mut directory, former, erased } = *rest.ok_or_else(missing)?;
        let lists = *lists.ok_or_else(missing)?;
        let trail = TrailParts { lists, touched, requests, times };
        let make_users = || Users::of_parts(users, &words, UserParts { former, erased });
        // The two halves of the work share nothing.
        let (users, trail) = std::thread::scope(|scope| {
            let other = std::thread::Builder::new().spawn_scoped(scope, || Trail::of_parts(trail));
            let users = make_users();
            let trail = match other {
                Ok(other) => other.join().unwrap_or(None),
                Err(_) => None,
            };
            (users, trail)
        });
        directory.users = users.ok_or_else(|| NoWhole("the users are malformed".to_owned()))?;
        let trail = trail.ok_or_else(|| NoWhole("the trail is malformed".to_owned()))?;
        directory.index_unique();
        Ok(Snapshot { head, directory, trail })
    }
}

/// Hands over entries of a fixed length, many at a time.
fn bytes<const N: usize>(entries: impl Iterator<Item = [u8; N]>, mut f: impl FnMut(Vec<u8>)) {
    let mut some = Vec::new();
    for entry in entries {
        some.extend(entry);
        if some.len() >= ENTRIES * N {
            f(std::mem::take(&mut some));
        }
    }
    if !some.is_empty() {
        f(some);
    }
}

/// The entries of a fixed length in some bytes; none if they do not end with one.
pub(crate) fn entries<const N: usize>(bytes: &[Vec<u8>]) -> Option<Vec<[u8; N]>> {
    let mut entries = Vec::with_capacity(bytes.iter().map(Vec::len).sum::<usize>() / N.max(1));
    for part in bytes {
        let (some, rest) = part.as_chunks::<N>();
        if !rest.is_empty() {
            return None;
        }
        entries.extend_from_slice(some);
    }
    Some(entries)
}

/// Sorted entries in the order in which a tree takes them and its nodes become full: entries that come in order leave half of each
/// node empty, so every second comes first, and the others fill the gaps.
pub(crate) fn filling<T>(sorted: &[T]) -> impl Iterator<Item = &T> {
    sorted.iter().step_by(2).chain(sorted.iter().skip(1).step_by(2))
}

/// A set out of sorted entries, whose nodes are full.
pub(crate) fn dense<T: Ord + Clone>(sorted: &[T]) -> OrdSet<T> {
    filling(sorted).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is kept of a snapshot by one build is read by another of the same form: who changes what a part looks like changes
    /// [`FORM`], and this.
    #[test]
    fn the_form_has_the_number_that_it_had() {
        let mut user: crate::directory::User =
            serde_json::from_value(serde_json::json!({
                "id": "00000000-0000-7000-8000-000000000001", "user_name": "jane", "active": true,
                "managed_by": null, "external_ids": [], "roles": [], "attributes": {"title": "Engineer"},
                "created": {"position": 1, "at": "2026-01-01T00:00:00Z"},
                "modified": {"position": 2, "at": "2026-01-02T00:00:00Z"},
            }))
            .unwrap();
        user.released = true;
        let mut written = serde_json::to_string(&UserRow(&user)).unwrap();
        written.push_str(&format!(" {FORM}"));
        assert_eq!(
            written,
            "[\"00000000-0000-7000-8000-000000000001\",\"jane\",[true,false,true],null,null,[[],[],[]],\
             {\"title\":\"Engineer\"},{\"position\":1,\"at\":\"2026-01-01T00:00:00.000Z\"},\
             {\"position\":2,\"at\":\"2026-01-02T00:00:00.000Z\"}] 1"
        );
    }

    #[test]
    fn a_dense_set_is_the_set() {
        for many in [0, 1, 2, 15, 16, 17, 1000] {
            let sorted: Vec<u32> = (0..many).collect();
            assert_eq!(dense(&sorted), sorted.into_iter().collect());
        }
    }

    #[test]
    fn entries_come_back_as_they_were() {
        let all: Vec<[u8; 3]> =
            (0..100_000u32).map(|i| [(i >> 16) as u8, (i >> 8) as u8, i as u8]).collect();
        let mut parts = Vec::new();
        bytes(all.iter().copied(), |part| parts.push(part));
        assert!(parts.len() > 1, "it is too little to be two parts");
        assert_eq!(entries::<3>(&parts), Some(all));
        assert_eq!(entries::<3>(&[vec![1, 2]]), None);
    }
}
