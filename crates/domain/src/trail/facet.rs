//! What commits can be looked for by.

use crate::commit::Commit;
use crate::event::{Event, Subject};
use crate::id::{ConnectorId, CredentialId, OperatorId, RequestId};
use crate::origin::Actor;
use crate::trail::{AttributePath, Kinds, Network};

/// Who made a commit, whichever credential they showed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Maker {
    /// A connector's client.
    Connector(ConnectorId),
    /// An operator.
    Operator(OperatorId),
    /// The instance itself.
    System,
}

impl From<Actor> for Maker {
    fn from(actor: Actor) -> Self {
        match actor {
            Actor::Connector { id, .. } => Maker::Connector(id),
            Actor::Operator { id } => Maker::Operator(id),
            Actor::System => Maker::System,
        }
    }
}

/// One thing that an event, or the commit that it is in, can be looked for by.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Facet {
    /// Events of these kinds about this subject.
    About(Subject, Kinds),
    /// Changes of the groups that this user or group is in: where it is the member, not the group.
    Membership(Subject),
    /// Events of these kinds.
    Kind(Kinds),
    /// Whatever ends a user's sessions.
    SessionRevoked,
    /// Changes of an attribute.
    Changed(AttributePath),
    /// Whatever this maker did.
    By(Maker),
    /// Whatever was done with this credential.
    With(CredentialId),
    /// Whatever was asked from these addresses.
    From(Network),
    /// Whatever this request did.
    Request(RequestId),
}

impl Facet {
    /// Whether `event`, which is in `commit`, is looked for.
    pub fn matches(&self, commit: &Commit, event: &Event) -> bool {
        let origin = &commit.origin;
        match self {
            Facet::About(subject, kinds) => kinds.has(event.kind()) && event.is_about(*subject),
            Facet::Membership(subject) => event.joining().map(Subject::from) == Some(*subject),
            Facet::Kind(kinds) => kinds.has(event.kind()),
            Facet::SessionRevoked => event.revokes_session(&commit.events),
            Facet::Changed(path) => {
                let mut found = path.lifted().has(event.kind());
                event.each_path(|there| found |= path.covers(there));
                found
            }
            Facet::By(maker) => Maker::from(origin.actor) == *maker,
            Facet::With(asked) => match origin.actor {
                Actor::Connector { credential, .. } => credential == *asked,
                Actor::Operator { .. } | Actor::System => false,
            },
            Facet::From(network) => origin.source.is_some_and(|address| network.has(address)),
            Facet::Request(request) => origin.request == *request,
        }
    }
}
