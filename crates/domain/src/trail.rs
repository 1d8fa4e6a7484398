//! Which commits touched what, and who made them: derived from the log, so it cannot miss an entry.
//!
//! An index for each [`Facet`] that can be asked for. It is in memory for every commit, so its entries are
//! small: positions in 32 bits, one list for what few things share (kinds of events, makers, addresses, attributes), one
//! sorted set for what is many (subjects, requests).

mod about;
mod facet;
mod kinds;
mod network;
mod parts;
mod path;
mod search;
#[cfg(test)]
mod tests;

use std::net::IpAddr;
use std::sync::Arc;

use imbl::{OrdMap, OrdSet, Vector};

use crate::commit::{Commit, Projection, Unfit};
use crate::event::{Event, EventKind, SESSION_REVOKED, Subject};
use crate::id::{GroupId, PolicyId, RequestId, UserId};
use crate::origin::Actor;
use crate::position::Position;
use crate::time::Timestamp;

pub use about::About;
pub use facet::{Facet, Maker};
pub use kinds::Kinds;
pub use network::{Network, NotANetwork};
pub use parts::Lists;
pub(crate) use parts::TrailParts;
pub use path::{AttributePath, NotAnAttribute};
pub use search::Found;

use search::List;

/// A position as the trail keeps it.
type Slot = u32;
/// The last position that a trail has room for; one that it cannot reach for want of memory.
const LAST_SLOT: Slot = Slot::MAX - 1;
/// The slot of a position; of one that no log reaches, the one after the last.
fn slot(position: Position) -> Slot {
    Slot::try_from(position.get()).unwrap_or(Slot::MAX)
}
/// Added to the number of an event's kind where its subject is the member of a group, not the group.
const AS_MEMBER: u8 = 64;

/// Which end of the log comes first in an answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Order {
    /// As it happened.
    #[default]
    OldestFirst,
    /// The latest first.
    NewestFirst,
}

/// That a commit has an event of a kind about a subject.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct Touch {
    subject: Subject,
    /// The number of the kind, plus [`AS_MEMBER`] for the subject that is the member of a group.
    kind: u8,
    slot: Slot,
}

impl Touch {
    /// Whether it is of the same kind about the same subject.
    fn is_like(&self, other: &Touch) -> bool {
        self.subject == other.subject && self.kind == other.kind
    }
}

/// That a commit was asked for by a request. The request stands there by a hash: another may look like it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct Request {
    hash: u32,
    slot: Slot,
}

impl Request {
    /// Ids are random at their end, whatever version of UUID they are.
    fn hash(request: RequestId) -> u32 {
        let [.., a, b, c, d] = request.uuid().into_bytes();
        u32::from_be_bytes([a, b, c, d])
    }
}

/// Positions, ascending. Behind a pointer: the map that it is in is copied in parts with each commit.
type Slots = Arc<Vector<Slot>>;

/// Which commits touched what, and who made them.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Trail {
    touched: OrdSet<Touch>,
    kinds: OrdMap<u8, Slots>,
    actors: OrdMap<Actor, Slots>,
    addresses: OrdMap<IpAddr, Slots>,
    // INVARIANT (paths): as a cold replay finds them: none of an erased person's.
    paths: OrdMap<Arc<str>, Slots>,
    requests: OrdSet<Request>,
    // Names of groups and policies, folded, also those that were given up: who asks about the past asks by name.
    names: OrdSet<(Arc<str>, Subject)>,
    times: Vector<Timestamp>,
}

impl Trail {
    /// The commits from `from` to `to` that may have what is looked for: of each of the `conditions` at least one
    /// facet. What it costs grows with the shortest list among the conditions, not with the log.
    ///
    /// It names every commit that has an event for which each condition [matches](Facet::matches), and some more: those
    /// whose conditions are met by several events, and, rarely, one of another request. Who asks must look at the commit.
    pub fn find(
        &self,
        conditions: &[Vec<Facet>],
        from: Position,
        to: Position,
        order: Order,
    ) -> Found<'_> {
        let mut sets: Vec<List<'_>> = conditions
            .iter()
            .map(|facets| {
                let mut lists = Vec::new();
                facets.iter().for_each(|facet| self.lists(facet, &mut lists));
                List::any(lists)
            })
            .collect();
        if sets.is_empty() {
            sets.push(List::Everything);
        }
        let end = Slot::try_from(self.times.len()).unwrap_or(LAST_SLOT);
        Found::new(sets, slot(from), slot(to).min(end), order)
    }

    /// The commits from `from` to `to` with an event about `subject`, oldest first, each with the
    /// kinds of those events. What it costs grows with the answer, not with the log.
    pub fn about(&self, subject: Subject, from: Position, to: Position) -> About<'_> {
        About::new(&self.touched, subject, slot(from), slot(to))
    }

    /// The commits with an event of these kinds about `subject`, oldest first.
    pub fn about_in(&self, subject: Subject, kinds: Kinds) -> Found<'_> {
        let condition = vec![Facet::About(subject, kinds)];
        self.find(&[condition], Position::FIRST, Position::MAX, Order::OldestFirst)
    }

    /// The commits with an event of these kinds, oldest first.
    pub fn having(&self, kinds: Kinds) -> Found<'_> {
        let condition = vec![Facet::Kind(kinds)];
        self.find(&[condition], Position::FIRST, Position::MAX, Order::OldestFirst)
    }

    /// The last commit at or before `at` with an event of these kinds about `subject`.
    pub fn last(&self, subject: Subject, kinds: Kinds, at: Position) -> Option<Position> {
        let condition = vec![Facet::About(subject, kinds)];
        self.find(&[condition], Position::FIRST, at, Order::NewestFirst).next()
    }

    /// Whether anything ever happened to `subject`.
    pub fn knows(&self, subject: Subject) -> bool {
        let least = Touch { subject, kind: 0, slot: 0 };
        self.touched.get_next(&least).is_some_and(|touch| touch.subject == subject)
    }

    /// The groups that have this name or ever had it, in whatever case, by id.
    pub fn groups_named(&self, name: &str) -> Vec<GroupId> {
        let groups = self.named(name).filter_map(|subject| {
            if let Subject::Group(group) = subject { Some(group) } else { None }
        });
        groups.collect()
    }

    /// The policies that have this name or ever had it, in whatever case, by id.
    pub fn policies_named(&self, name: &str) -> Vec<PolicyId> {
        let policies = self.named(name).filter_map(|subject| {
            if let Subject::Policy(policy) = subject { Some(policy) } else { None }
        });
        policies.collect()
    }

    fn named(&self, name: &str) -> impl Iterator<Item = Subject> + '_ {
        let name: Arc<str> = scim::fold(name).into();
        let least = (name.clone(), Subject::Tenant(crate::id::TenantId::LEAST));
        self.names
            .range(least..)
            .take_while(move |(there, _)| *there == name)
            .map(|(_, subject)| *subject)
    }

    /// The time of the commit at `position`; none if the log does not reach so far.
    pub fn time(&self, position: Position) -> Option<Timestamp> {
        let index = usize::try_from(position.get() - 1).ok()?;
        self.times.get(index).copied()
    }

    /// The last commit at or before `time`; none if the log begins later.
    pub fn at(&self, time: Timestamp) -> Option<Position> {
        let (mut low, mut high) = (0, self.times.len());
        while low < high {
            let middle = low + (high - low) / 2;
            if self.times.get(middle).is_some_and(|there| *there <= time) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        Position::new(low as u64)
    }

    /// The lists of what has a facet.
    fn lists<'a>(&'a self, facet: &Facet, lists: &mut Vec<List<'a>>) {
        let touched = |subject: Subject, kind: u8| {
            let least = Touch { subject, kind, slot: 0 };
            let is_there = self.touched.get_next(&least).is_some_and(|next| next.is_like(&least));
            is_there.then_some(List::Touched(&self.touched, least))
        };
        let kinds_of =
            |kinds: Kinds| kinds.iter().filter_map(|kind| self.kinds.get(&kind.number()));
        match facet {
            Facet::About(subject, kinds) => {
                lists.extend(kinds.iter().filter_map(|kind| touched(*subject, kind.number())));
                if matches!(subject, Subject::User(_) | Subject::Group(_)) {
                    let joining = MEMBERSHIP.iter().filter(|kind| kinds.has(**kind));
                    lists.extend(
                        joining.filter_map(|kind| touched(*subject, kind.number() + AS_MEMBER)),
                    );
                }
            }
            Facet::Membership(subject) => {
                let numbers = MEMBERSHIP.iter().map(|kind| kind.number() + AS_MEMBER);
                lists.extend(numbers.filter_map(|kind| touched(*subject, kind)));
            }
            Facet::Kind(kinds) => lists.extend(kinds_of(*kinds).map(|slots| List::Listed(slots))),
            Facet::SessionRevoked => {
                let kinds = SESSION_REVOKED.into_iter().collect();
                lists.extend(kinds_of(kinds).map(|slots| List::Listed(slots)));
            }
            Facet::Changed(asked) => {
                lists.extend(kinds_of(asked.lifted()).map(|slots| List::Listed(slots)));
                // As many paths as the schemas have attributes.
                let paths = self.paths.iter().filter(|(path, _)| asked.covers(path));
                lists.extend(paths.map(|(_, slots)| List::Listed(slots)));
            }
            Facet::By(maker) => {
                // As many actors as there are credentials and operators.
                let actors = self.actors.iter().filter(|(actor, _)| Maker::from(**actor) == *maker);
                lists.extend(actors.map(|(_, slots)| List::Listed(slots)));
            }
            Facet::With(asked) => {
                let actors = self.actors.iter().filter(|(actor, _)| match actor {
                    Actor::Connector { credential, .. } => credential == asked,
                    Actor::Operator { .. } | Actor::System => false,
                });
                lists.extend(actors.map(|(_, slots)| List::Listed(slots)));
            }
            Facet::From(network) => {
                let addresses = self.addresses.range(network.range());
                lists.extend(addresses.map(|(_, slots)| List::Listed(slots)));
            }
            Facet::Request(request) => {
                lists.push(List::Requests(&self.requests, Request::hash(*request)));
            }
        }
    }

    /// A person's paths go when the person does: whoever reads the log from now on does not find them.
    fn forget_paths(&mut self, user: UserId) {
        let changed = Kinds::default().with(EventKind::UserAttributesChanged);
        let touched: Vec<Position> = self.about_in(Subject::User(user), changed).collect();
        if touched.is_empty() {
            return;
        }
        // One command is about one user: nobody else's changes are in these commits.
        let mut paths = OrdMap::new();
        for (path, slots) in &self.paths {
            let mut slots = slots.clone();
            for position in &touched {
                if let Ok(index) = slots.binary_search(&slot(*position)) {
                    Arc::make_mut(&mut slots).remove(index);
                }
            }
            if !slots.is_empty() {
                paths.insert(path.clone(), slots);
            }
        }
        self.paths = paths;
    }

    fn add(&mut self, event: &Event, slot: Slot) {
        let number = event.kind().number();
        push(&mut self.kinds, number, slot);
        let joining = event.joining().map(Subject::from);
        event.each_subject(|subject| {
            let kind = if joining == Some(subject) { number + AS_MEMBER } else { number };
            self.touched.insert(Touch { subject, kind, slot });
        });
        event.each_path(|path| {
            let path = self
                .paths
                .get_key_value(path)
                .map_or_else(|| path.into(), |(path, _)| path.clone());
            push(&mut self.paths, path, slot);
        });
        let mut name = |name: &str, subject: Subject| {
            self.names.insert((scim::fold(name).into(), subject));
        };
        if let Event::GroupCreated { group, display_name, .. } = event {
            name(display_name, Subject::Group(*group));
        } else if let Event::GroupRenamed { group, to, .. } = event {
            name(to, Subject::Group(*group));
        } else if let Event::PolicyCreated { policy, name: called, .. } = event {
            name(called, Subject::Policy(*policy));
        } else if let Event::UserErased { user, .. } = event {
            self.forget_paths(*user);
        }
    }
}

/// The kinds of events that bring a member into a group or out of it.
const MEMBERSHIP: [EventKind; 2] = [EventKind::GroupMemberAdded, EventKind::GroupMemberRemoved];

/// Adds a position to the list of `key`, if it is not there yet.
fn push<K: Ord + Clone>(lists: &mut OrdMap<K, Slots>, key: K, slot: Slot) {
    let slots = lists.entry(key).or_default();
    if slots.last() != Some(&slot) {
        Arc::make_mut(slots).push_back(slot);
    }
}

impl Projection for Trail {
    fn apply(&mut self, commit: &Commit) -> Result<(), Unfit> {
        let full = |_| Unfit {
            position: commit.position,
            reason: format!("the trail has room for {LAST_SLOT} commits"),
        };
        let slot = Slot::try_from(commit.position.get()).map_err(full)?;
        for event in &commit.events {
            self.add(event, slot);
        }
        let origin = &commit.origin;
        push(&mut self.actors, origin.actor, slot);
        if let Some(address) = origin.source {
            push(&mut self.addresses, address.to_canonical(), slot);
        }
        self.requests.insert(Request { hash: Request::hash(origin.request), slot });
        self.times.push_back(commit.at);
        Ok(())
    }
}
