//! What a commit's bytes are. The only place that knows.
//!
//! A commit is a MessagePack array without names: format version, tenant, position, time, hash of
//! the commit before, origin, events. An event is an array of its kind's number, the version of
//! that kind's shape, the part that stays readable, and the sealed part if it has one. Arrays only
//! ever get longer, and only together with a new version.
//!
//! Personal values are sealed under a key of the person's own. The hash of a commit is over its
//! sealed bytes, so a log verifies the same before and after a person's key was destroyed.

mod body;
mod event;

use std::net::IpAddr;

use domain::commit::Commit;
use domain::event::{Event, EventKind};
use domain::id::{ConnectorId, CredentialId, OperatorId, RequestId, TenantId, UserId};
use domain::origin::{Actor, Claimed, Origin};
use domain::personal::Personal;
use domain::position::{Hash, Position};
use domain::time::Timestamp;
use serde::Serialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_bytes::{ByteBuf, Bytes};

use crate::broken::Broken;
use crate::chain::hash;
use crate::keys::{Keys, PersonKey};

/// The format of a commit, its second byte.
const FORMAT: u8 = 1;
/// The same with an origin that says on whose behalf the client claims to ask.
const FORMAT_CLAIMED: u8 = 2;
/// The first byte: an array of seven.
const ARRAY_OF_SEVEN: u8 = 0x97;

/// A commit as it goes to disk.
#[derive(Clone, Debug)]
pub struct Sealed {
    /// Whose log it is for.
    pub tenant: TenantId,
    /// Where in that log.
    pub position: Position,
    /// SHA-256 of the bytes.
    pub hash: Hash,
    /// The bytes.
    pub bytes: Vec<u8>,
    /// Keys of persons who come to be, to be stored together with the commit.
    pub new_keys: Vec<(UserId, PersonKey)>,
    /// Persons who are erased: their keys are destroyed together with the commit.
    pub dropped_keys: Vec<UserId>,
}

/// Why a commit could not become bytes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// A key is damaged or gone, or there is no randomness for a new one.
    #[error(transparent)]
    Keys(#[from] Broken),
    /// Values of a person who was erased.
    #[error("user {user} was erased: nothing personal can be written about them any more")]
    Erased {
        /// Who.
        user: UserId,
    },
    /// A bug: something in the commit has no bytes.
    #[error("the commit cannot be written: {reason}")]
    Unwritable {
        /// What.
        reason: String,
    },
}

/// Makes a commit's bytes. A user who is created gets a fresh key.
///
/// # Errors
/// When a key is missing, or a value of an erased person would be written.
pub fn seal(commit: &Commit, keys: &impl Keys) -> Result<Sealed, SealError> {
    let mut new_keys: Vec<(UserId, PersonKey)> = Vec::new();
    let mut dropped_keys = Vec::new();
    let mut encoded = Vec::with_capacity(commit.events.len());
    for (index, event) in commit.events.iter().enumerate() {
        if let Event::UserCreated { user, .. } = event {
            new_keys.push((*user, keys.fresh(commit.tenant, *user)?));
        }
        if let Event::UserErased { user, .. } = event {
            dropped_keys.push(*user);
        }
        let parts = event::encode(event)?;
        let body = match parts.personal {
            Some((user, text)) => {
                let key = match new_keys.iter().rev().find(|(new, _)| *new == user) {
                    Some((_, key)) => key.clone(),
                    None => keys.person(commit.tenant, user)?.ok_or(SealError::Erased { user })?,
                };
                let place = body::Place::new(commit.tenant, commit.position, index, parts.kind);
                Some(
                    body::seal(&key, &place, &text)
                        .ok_or_else(|| unwritable("a body too large"))?,
                )
            }
            None => None,
        };
        encoded.push((parts.kind, parts.version, parts.clear, body));
    }
    let events: Vec<_> = encoded
        .iter()
        .map(|(kind, version, clear, body)| {
            (kind.number(), *version, Bytes::new(clear), body.as_deref().map(Bytes::new))
        })
        .collect();
    let Commit { tenant, position, at, prev, ref origin, .. } = *commit;
    let bytes = match &origin.claimed {
        None => write(&(FORMAT, tenant, position, at, prev, wire(origin), events))?,
        Some(claimed) => {
            let new = new_keys.iter().rev().find(|(new, _)| *new == claimed.owner());
            let key = match new {
                Some((_, key)) => Some(key.clone()),
                None => keys.person(tenant, claimed.owner())?,
            };
            let sealed =
                wire_claimed(claimed, key.as_ref(), &body::Place::of_origin(tenant, position))?;
            let (actor, request, source, agent) = wire(origin);
            let origin = (actor, request, source, agent, sealed);
            write(&(FORMAT_CLAIMED, tenant, position, at, prev, origin, events))?
        }
    };
    Ok(Sealed { tenant, position, hash: hash(&bytes), bytes, new_keys, dropped_keys })
}

/// Reads a commit's bytes. Values of persons without a key read as erased.
///
/// # Errors
/// When the bytes are not those that [`seal`] made, for this place and under these keys.
pub fn open(bytes: &[u8], keys: &impl Keys) -> Result<Commit, Broken> {
    let header = header(bytes)?;
    let Header { tenant, position, at, prev } = header;
    let broken = |reason: String| Broken::commit(tenant, position, reason);
    let unreadable = |reason: String| broken(format!("it cannot be read ({reason})"));
    let (origin, claimed, encoded) = if bytes.get(1) == Some(&FORMAT_CLAIMED) {
        let whole: Whole<WireClaimedOrigin> = read(bytes).map_err(unreadable)?;
        let (.., (actor, request, source, agent, claimed), encoded) = whole;
        ((actor, request, source, agent), Some(claimed), encoded)
    } else {
        let (.., origin, encoded): Whole<WireOrigin> = read(bytes).map_err(unreadable)?;
        (origin, None, encoded)
    };
    let mut origin =
        unwire(origin).ok_or_else(|| broken("its origin is of no known kind".into()))?;
    if let Some(claimed) = claimed {
        let place = body::Place::of_origin(tenant, position);
        origin.claimed = Some(
            unwire_claimed(claimed, &place, |user| keys.person(tenant, user))?
                .ok_or_else(|| broken("whom its client named cannot be read".to_owned()))?,
        );
    }
    let mut events = Vec::with_capacity(encoded.len());
    let mut last: Option<(UserId, Option<PersonKey>)> = None;
    for (index, (number, version, clear, body)) in encoded.into_iter().enumerate() {
        let kind = EventKind::from_number(number).ok_or_else(|| {
            broken(format!("event {index} is of the unknown kind {number}; use a newer release"))
        })?;
        let unseal = |user: UserId| -> Result<Option<Vec<u8>>, Broken> {
            let Some(body) = &body else { return Ok(None) };
            let key = match &last {
                Some((owner, key)) if *owner == user => key.clone(),
                _ => keys.person(tenant, user)?,
            };
            last = Some((user, key.clone()));
            let Some(key) = key else { return Ok(None) };
            let place = body::Place::new(tenant, position, index, kind);
            let text = body::open(&key, &place, body).ok_or_else(|| {
                broken(format!("event {index}: the sealed values of user {user} do not open"))
            })?;
            Ok(Some(text))
        };
        events.push(event::decode(kind, version, &clear, unseal).map_err(|fault| match fault {
            event::Fault::Broken(broken) => broken,
            event::Fault::Reason(reason) => {
                broken(format!("event {index}, `{}`: {reason}", kind.name()))
            }
        })?);
    }
    if events.is_empty() {
        return Err(broken("it has no events".to_owned()));
    }
    Ok(Commit { tenant, position, at, prev, origin, events })
}

impl Sealed {
    /// A commit that has its bytes already, as one from an archive, with the keys to store with it.
    /// Persons whose key is not among `keys` are written down as erased.
    ///
    /// # Errors
    /// When the bytes are no commit.
    pub fn again(bytes: Vec<u8>, keys: &impl Keys) -> Result<Self, Broken> {
        let commit = open(&bytes, &crate::keys::NoKeys)?;
        let (mut new_keys, mut dropped_keys) = (Vec::new(), Vec::new());
        for event in &commit.events {
            if let Event::UserCreated { user, .. } = event {
                match keys.person(commit.tenant, *user)? {
                    Some(key) => new_keys.push((*user, key)),
                    None => dropped_keys.push(*user),
                }
            }
            if let Event::UserErased { user, .. } = event {
                dropped_keys.push(*user);
            }
        }
        let hash = hash(&bytes);
        let Commit { tenant, position, .. } = commit;
        Ok(Sealed { tenant, position, hash, bytes, new_keys, dropped_keys })
    }
}

/// What can be told of a commit without opening it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Header {
    pub(crate) tenant: TenantId,
    pub(crate) position: Position,
    pub(crate) at: Timestamp,
    pub(crate) prev: Hash,
}

/// Reads the first fields of a commit's bytes, and walks over the rest.
pub(crate) fn header(bytes: &[u8]) -> Result<Header, Broken> {
    let broken = |reason: String| Broken::Bytes { reason };
    match bytes {
        [ARRAY_OF_SEVEN, FORMAT | FORMAT_CLAIMED, ..] => {}
        [ARRAY_OF_SEVEN, format @ 0..=0x7f, ..] => {
            return Err(broken(format!("format {format} is unknown; use a newer release")));
        }
        _ => return Err(broken("they do not begin like one".to_owned())),
    }
    type Fields = (u8, TenantId, Position, Timestamp, Hash, IgnoredAny, IgnoredAny);
    let (_, tenant, position, at, prev, _, _): Fields =
        read(bytes).map_err(|reason| broken(format!("they cannot be read ({reason})")))?;
    Ok(Header { tenant, position, at, prev })
}

/// A commit's bytes; the first five are read as [`Header`].
type Whole<O> = (IgnoredAny, IgnoredAny, IgnoredAny, IgnoredAny, IgnoredAny, O, Vec<WireEvent>);
type WireEvent = (u8, u8, ByteBuf, Option<ByteBuf>);
/// Which kind of actor, then the ids of each kind.
type WireActor = (u8, Option<ConnectorId>, Option<CredentialId>, Option<OperatorId>);
/// The address is 4 or 16 bytes.
type WireOrigin = (WireActor, RequestId, Option<ByteBuf>, Option<String>);
/// Whether it is a user of the tenant (0) or nobody whom it knows (1), whose key it is under, and the words.
type WireClaimed = (u8, UserId, Option<ByteBuf>);
type WireClaimedOrigin = (WireActor, RequestId, Option<ByteBuf>, Option<String>, WireClaimed);

/// Without a key the words are not written: whose they would be under was erased meanwhile.
fn wire_claimed(
    claimed: &Claimed,
    key: Option<&PersonKey>,
    place: &body::Place,
) -> Result<WireClaimed, SealError> {
    let kind = match claimed {
        Claimed::User { .. } => 0,
        Claimed::Stranger { .. } => 1,
    };
    let sealed = match (claimed.name(), key) {
        (Some(name), Some(key)) => {
            let sealed = body::seal(key, place, name.as_bytes());
            Some(ByteBuf::from(sealed.ok_or_else(|| unwritable("a name too large"))?))
        }
        (None, _) | (_, None) => None,
    };
    Ok((kind, claimed.owner(), sealed))
}

/// None: it is of no known kind, or it does not open.
fn unwire_claimed(
    (kind, owner, sealed): WireClaimed,
    place: &body::Place,
    key: impl FnOnce(UserId) -> Result<Option<PersonKey>, Broken>,
) -> Result<Option<Claimed>, Broken> {
    let name = match sealed {
        None => Personal::Erased,
        Some(sealed) => match key(owner)? {
            None => Personal::Erased,
            Some(key) => {
                let text = body::open(&key, place, &sealed).map(String::from_utf8);
                let Some(Ok(text)) = text else { return Ok(None) };
                Personal::Known(text)
            }
        },
    };
    Ok(match kind {
        0 => Some(Claimed::User { user: owner, name }),
        1 => Some(Claimed::Stranger { about: owner, name }),
        _ => None,
    })
}

fn wire(origin: &Origin) -> WireOrigin {
    let actor = match origin.actor {
        Actor::System => (0, None, None, None),
        Actor::Connector { id, credential } => (1, Some(id), Some(credential), None),
        Actor::Operator { id } => (2, None, None, Some(id)),
    };
    let source = origin.source.map(|address| match address {
        IpAddr::V4(v4) => v4.octets().to_vec(),
        IpAddr::V6(v6) => v6.octets().to_vec(),
    });
    (actor, origin.request, source.map(ByteBuf::from), origin.agent.clone())
}

fn unwire((actor, request, source, agent): WireOrigin) -> Option<Origin> {
    let actor = match actor {
        (0, None, None, None) => Actor::System,
        (1, Some(id), Some(credential), None) => Actor::Connector { id, credential },
        (2, None, None, Some(id)) => Actor::Operator { id },
        _ => return None,
    };
    let source = match source {
        Some(bytes) => Some(match <[u8; 4]>::try_from(bytes.as_slice()) {
            Ok(v4) => IpAddr::from(v4),
            Err(_) => IpAddr::from(<[u8; 16]>::try_from(bytes.as_slice()).ok()?),
        }),
        None => None,
    };
    Some(Origin { actor, request, source, agent, claimed: None })
}

/// Any value as MessagePack without names.
fn write<T: Serialize>(value: &T) -> Result<Vec<u8>, SealError> {
    rmp_serde::to_vec(value).map_err(unwritable)
}

/// Exactly one value from all of `bytes`.
fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, String> {
    let mut reader = rmp_serde::Deserializer::new(bytes);
    let value = T::deserialize(&mut reader).map_err(|error| error.to_string())?;
    match reader.get_ref() {
        [] => Ok(value),
        rest => Err(format!("{} bytes too many", rest.len())),
    }
}

fn unwritable(reason: impl ToString) -> SealError {
    SealError::Unwritable { reason: reason.to_string() }
}
