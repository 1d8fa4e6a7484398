//! Who asked for a commit, and from where.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::id::{ConnectorId, CredentialId, OperatorId, RequestId, RuleId, UserId};
use crate::personal::Personal;

/// Who acts.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all_fields = "camelCase")]
pub enum Actor {
    /// An identity provider, through a connector, with one of the connector's credentials.
    Connector {
        /// The connector.
        id: ConnectorId,
        /// The credential that was shown.
        credential: CredentialId,
    },
    /// An operator of this instance.
    Operator {
        /// The operator.
        id: OperatorId,
    },
    /// The instance itself, as when it opens its first tenant.
    System,
}

impl Source {
    /// The rule that gives it, if one does.
    pub fn rule(&self) -> Option<RuleId> {
        match self {
            Source::Rule(rule) => Some(*rule),
            Source::Connector(_) | Source::Local => None,
        }
    }
}

impl Actor {
    /// The connector that acts, if one does.
    pub fn connector(&self) -> Option<ConnectorId> {
        match self {
            Actor::Connector { id, .. } => Some(*id),
            Actor::Operator { .. } | Actor::System => None,
        }
    }

    /// Where the roles and memberships that this actor gives come from.
    pub fn source(&self) -> Source {
        self.connector().map_or(Source::Local, Source::Connector)
    }
}

/// Who asked, in which request, from where.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Origin {
    /// Who asked.
    pub actor: Actor,
    /// The request; commits of one request share it.
    pub request: RequestId,
    /// The address that the request came from; none when it was made on the machine itself.
    pub source: Option<IpAddr>,
    /// The client's `User-Agent`, cut to [`AGENT_CHARS`](crate::limits::AGENT_CHARS).
    pub agent: Option<String>,
    /// On whose behalf the client says that it asks. Nobody has checked it: who asked is `actor`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub claimed: Option<Claimed>,
}

/// Whom a client names as the one who acts (behaviour C-16), in the client's words. They are personal, so they are sealed
/// under a person's key and go when that person is erased.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub enum Claimed {
    /// A user of the tenant, when the request was made.
    User {
        /// Who; it is under their key.
        user: UserId,
        /// What the client wrote.
        name: Personal<String>,
    },
    /// Nobody whom the tenant knows.
    Stranger {
        /// The user whom the commit is about: it is under their key.
        about: UserId,
        /// What the client wrote.
        name: Personal<String>,
    },
}

impl Claimed {
    /// What the client wrote, unless the person under whose key it is was erased.
    pub fn name(&self) -> Option<&str> {
        let (Claimed::User { name, .. } | Claimed::Stranger { name, .. }) = self;
        name.known().map(String::as_str)
    }

    /// Whose key it is under.
    pub fn owner(&self) -> UserId {
        let (Claimed::User { user: owner, .. } | Claimed::Stranger { about: owner, .. }) = self;
        *owner
    }
}

/// Where a role assignment or a membership comes from. Each is removed only through its own source;
/// what is in effect is the union.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum Source {
    /// An identity provider gave it.
    Connector(ConnectorId),
    /// An operator gave it here.
    Local,
    /// A rule of the tenant gives it to whoever is in a group. Only roles come from rules.
    Rule(RuleId),
}
