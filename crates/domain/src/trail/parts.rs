//! A trail taken apart, to be written and put together again.

use std::net::IpAddr;
use std::sync::Arc;

use imbl::{OrdMap, OrdSet};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Request, Slot, Slots, Touch, Trail};
use crate::event::Subject;
use crate::id::{
    ConnectorId, CredentialId, GroupId, OperatorId, PolicyId, RoleId, TenantId, UserId,
};
use crate::origin::Actor;
use crate::snapshot::{dense, entries};
use crate::time::Timestamp;

/// Bytes of a touch: what it is about, its id, the kind, the slot.
const TOUCH_BYTES: usize = 1 + 16 + 1 + 4;
/// Bytes of a request: its hash and the slot.
const REQUEST_BYTES: usize = 4 + 4;
/// Bytes of a time.
const TIME_BYTES: usize = 8;

/// The lists of few keys and the names.
#[derive(Serialize, Deserialize)]
pub struct Lists {
    kinds: OrdMap<u8, Slots>,
    actors: OrdMap<Actor, Slots>,
    addresses: OrdMap<IpAddr, Slots>,
    paths: OrdMap<Arc<str>, Slots>,
    names: OrdSet<(Arc<str>, Subject)>,
}

/// Every part of a trail.
pub(crate) struct TrailParts {
    pub(crate) lists: Lists,
    pub(crate) touched: Vec<Vec<u8>>,
    pub(crate) requests: Vec<Vec<u8>>,
    pub(crate) times: Vec<Vec<u8>>,
}

impl Trail {
    pub(crate) fn parts(&self) -> Lists {
        let Trail { touched: _, requests: _, times: _, kinds, actors, addresses, paths, names } =
            self.clone();
        Lists { kinds, actors, addresses, paths, names }
    }

    pub(crate) fn touched_bytes(&self) -> impl Iterator<Item = [u8; TOUCH_BYTES]> {
        self.touched.iter().map(|touch| {
            let (what, id) = split(touch.subject);
            let mut bytes = [0; TOUCH_BYTES];
            let slot = touch.slot.to_be_bytes();
            let all = [what].into_iter().chain(id).chain([touch.kind]).chain(slot);
            bytes.iter_mut().zip(all).for_each(|(place, byte)| *place = byte);
            bytes
        })
    }

    pub(crate) fn request_bytes(&self) -> impl Iterator<Item = [u8; REQUEST_BYTES]> {
        self.requests
            .iter()
            .map(|request| (u64::from(request.hash) << 32 | u64::from(request.slot)).to_be_bytes())
    }

    pub(crate) fn time_bytes(&self) -> impl Iterator<Item = [u8; TIME_BYTES]> {
        self.times.iter().map(|time| time.millis().to_be_bytes())
    }

    /// The trail whose parts these are; none if they are malformed.
    pub(crate) fn of_parts(parts: TrailParts) -> Option<Trail> {
        let TrailParts { lists, touched, requests, times } = parts;
        let Lists { kinds, actors, addresses, paths, names } = lists;
        let touched = entries::<TOUCH_BYTES>(&touched)?.into_iter().map(|bytes| {
            let [what, rest @ ..] = bytes;
            let (id, rest) = rest.split_first_chunk::<16>()?;
            let [kind, slot @ ..] = rest else { return None };
            let slot = Slot::from_be_bytes(slot.try_into().ok()?);
            Some(Touch { subject: join(what, *id)?, kind: *kind, slot })
        });
        let touched = dense(&touched.collect::<Option<Vec<_>>>()?);
        let requests = entries::<REQUEST_BYTES>(&requests)?.into_iter().map(|bytes| {
            let [a, b, c, d, slot @ ..] = bytes;
            Request { hash: u32::from_be_bytes([a, b, c, d]), slot: Slot::from_be_bytes(slot) }
        });
        let requests = dense(&requests.collect::<Vec<_>>());
        let times = entries::<TIME_BYTES>(&times)?.into_iter();
        let times = times.map(|bytes| Timestamp::from_millis(i64::from_be_bytes(bytes))).collect();
        Some(Trail { touched, kinds, actors, addresses, paths, requests, names, times })
    }
}

/// What a subject is, as a number, and its id.
fn split(subject: Subject) -> (u8, [u8; 16]) {
    let (what, id) = match subject {
        Subject::Tenant(id) => (0, id.uuid()),
        Subject::User(id) => (1, id.uuid()),
        Subject::Group(id) => (2, id.uuid()),
        Subject::Role(id) => (3, id.uuid()),
        Subject::Policy(id) => (4, id.uuid()),
        Subject::Connector(id) => (5, id.uuid()),
        Subject::Credential(id) => (6, id.uuid()),
        Subject::Operator(id) => (7, id.uuid()),
    };
    (what, id.into_bytes())
}

fn join(what: u8, id: [u8; 16]) -> Option<Subject> {
    let id = Uuid::from_bytes(id);
    Some(match what {
        0 => Subject::Tenant(TenantId::new(id)),
        1 => Subject::User(UserId::new(id)),
        2 => Subject::Group(GroupId::new(id)),
        3 => Subject::Role(RoleId::new(id)),
        4 => Subject::Policy(PolicyId::new(id)),
        5 => Subject::Connector(ConnectorId::new(id)),
        6 => Subject::Credential(CredentialId::new(id)),
        7 => Subject::Operator(OperatorId::new(id)),
        _ => return None,
    })
}
