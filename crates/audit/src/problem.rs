//! A request that was refused, carried out in part, or that left something for a person to look after: an entry of the
//! refusal journal.

mod filter;

use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::IpAddr;

use domain::id::{ConnectorId, CredentialId, GroupId, OperatorId, RequestId, RoleId, UserId};
use domain::time::Timestamp;
use eventlog::Repeats;
use serde::{Deserialize, Serialize};

pub use filter::{PROBLEM_WORDS, ProblemError, ProblemFilter, ProblemPage, problems};

/// Milliseconds after which the same problem is told anew, when it was not seen for so long: a week.
const QUIET_MILLIS: i64 = 7 * 24 * 3_600 * 1_000;

/// What became of the request.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ProblemKind {
    /// It was refused, and nothing changed.
    #[default]
    Refused,
    /// It was carried out, but for a part that was left out.
    Partial,
    /// It was carried out, and has left something that a person must look after.
    Attention,
}

impl ProblemKind {
    /// Every kind.
    pub const ALL: [ProblemKind; 3] =
        [ProblemKind::Refused, ProblemKind::Partial, ProblemKind::Attention];

    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            ProblemKind::Refused => "refused",
            ProblemKind::Partial => "partial",
            ProblemKind::Attention => "attention",
        }
    }
}

/// Who or what a problem is about, as far as it is known.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct About {
    /// The user.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub user: Option<UserId>,
    /// What the user was called then, or was to be called: they may never have come to be.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub user_name: Option<String>,
    /// The group.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub group: Option<GroupId>,
    /// What the group was called then, or was to be called.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub group_name: Option<String>,
    /// The role.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub role: Option<RoleId>,
    /// What the role was called.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub role_name: Option<String>,
    /// The names of the policies that somebody must look at.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub policies: Vec<String>,
}

/// What was refused, left out or left over, why, by whom, about whom. It never holds a body or a query.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Problem {
    /// Its number in the journal: those that were noted later have higher ones, and one that comes again gets a new one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub number: Option<u64>,
    /// What became of the request.
    #[serde(default)]
    pub kind: ProblemKind,
    /// When; of several times the last.
    pub at: Timestamp,
    /// When it was seen first.
    #[serde(default)]
    pub first: Timestamp,
    /// How often it was seen.
    #[serde(default)]
    pub count: u64,
    /// The request; of several the last. So is where it came from.
    pub request: RequestId,
    /// The connector whose credential was shown.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub connector: Option<ConnectorId>,
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub connector_name: Option<String>,
    /// The credential that was shown.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub credential: Option<CredentialId>,
    /// The operator whose key was shown.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub operator: Option<OperatorId>,
    /// The address that the request came from.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub source: Option<IpAddr>,
    /// The method.
    pub method: String,
    /// The path, without its query.
    pub path: String,
    /// The status that was answered.
    pub status: u16,
    /// The SCIM detail error keyword (RFC 7644 §3.12).
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub scim_type: Option<String>,
    /// What was answered, what was left out, or what is to be looked after.
    pub detail: String,
    /// Whom it is about.
    #[serde(flatten)]
    pub about: About,
}

impl Problem {
    /// An entry of the journal; none: this release cannot read it.
    pub fn read(entry: &[u8]) -> Option<Problem> {
        let mut problem: Problem = serde_json::from_slice(entry).ok()?;
        // An entry of a release that knew neither kinds nor repetitions.
        if problem.count == 0 {
            (problem.count, problem.first) = (1, problem.at);
            if problem.status < 400 {
                problem.kind = ProblemKind::Partial;
            }
        }
        Some(problem)
    }

    /// Whether another one says the same, of the same client. Whose key it is and, where one was shown, from which
    /// address it came does not matter.
    fn repeats(&self, other: &Problem) -> bool {
        self.said() == other.said()
    }

    #[expect(clippy::type_complexity, reason = "a tuple compares and hashes all of it at once")]
    fn said(
        &self,
    ) -> (
        ProblemKind,
        (Option<ConnectorId>, Option<OperatorId>, Option<IpAddr>),
        (&str, &str, u16, Option<&str>, &str),
        &About,
    ) {
        let nobody = self.connector.is_none() && self.operator.is_none();
        (
            self.kind,
            (self.connector, self.operator, self.source.filter(|_| nobody)),
            (&self.method, &self.path, self.status, self.scim_type.as_deref(), &self.detail),
            &self.about,
        )
    }
}

impl Repeats for Problem {
    fn key(entry: &[u8]) -> Option<u64> {
        let mut hasher = DefaultHasher::new();
        Problem::read(entry)?.said().hash(&mut hasher);
        Some(hasher.finish())
    }

    fn merged(there: &[u8], new: &[u8]) -> Option<Vec<u8>> {
        let (there, new) = (Problem::read(there)?, Problem::read(new)?);
        let quiet = new.at.millis().saturating_sub(there.at.millis());
        if !there.repeats(&new) || quiet > QUIET_MILLIS {
            return None;
        }
        let count = there.count.saturating_add(new.count);
        let at = there.at.max(new.at);
        serde_json::to_vec(&Problem { count, at, first: there.first, ..new }).ok()
    }
}
