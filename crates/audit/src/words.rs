//! Questions in the words in which people ask them: names and values, as in an address or on the command line.

use std::collections::BTreeSet;

use domain::directory::Directory;
use domain::event::{Event, EventKind, Holder, Member, Subject};
use domain::id::{GroupId, UserId};
use domain::position::Position;
use domain::snapshot::Snapshot;
use domain::time::Timestamp;
use domain::trail::{AttributePath, Facet, Kinds, Maker, Network};
use engine::Engine;

use crate::ask::{AskError, Question};
use crate::people::{
    Unknown, find_connector, find_credential, find_group, find_makers, find_policy, find_role,
    find_user, held_by,
};

/// What `event` takes beside the types of events: whatever ends a user's sessions (behaviour C-14).
pub const SESSION_REVOKED_WORD: &str = "SessionRevoked";

/// The words that say what is asked for. [`question`] takes these, and [`RANGE`].
pub const FILTERS: [&str; 14] = [
    "subject",
    "user",
    "group",
    "role",
    "policy",
    "actor",
    "connector",
    "credential",
    "event",
    "attribute",
    "request",
    "address",
    "involving",
    "access",
];

/// The words that say which part of the log is asked: `from` and `to`, positions or times, both inclusive. A day as `to`
/// is the whole day (in UTC).
pub const RANGE: [&str; 2] = ["from", "to"];

/// Why words are no question.
#[derive(Debug, thiserror::Error)]
pub enum Misasked {
    /// Something is named that does not exist and never did.
    #[error(transparent)]
    Unknown(#[from] Unknown),
    /// A word that means nothing here.
    #[error("there is no parameter `{0}`: there are {list}", list = list())]
    NoWord(String),
    /// A word that means nothing where problems are asked for.
    #[error("there is no parameter `{0}`: there are {list}", list = crate::PROBLEM_WORDS.join(", "))]
    NoProblemWord(String),
    /// A value that a word cannot have.
    #[error("`{value}` is no value for `{word}`: {reason}")]
    NoValue {
        /// The word.
        word: &'static str,
        /// What it was given.
        value: String,
        /// What it takes.
        reason: String,
    },
    /// The log could not be read to find what is meant.
    #[error(transparent)]
    Unread(#[from] AskError),
}

fn list() -> String {
    [&FILTERS[..], &RANGE[..]].concat().join(", ")
}

/// The kinds of events that bear on what a user may do.
const ACCESS: [EventKind; 15] = [
    EventKind::UserCreated,
    EventKind::UserActivated,
    EventKind::UserDeactivated,
    EventKind::UserLocked,
    EventKind::UserUnlocked,
    EventKind::UserDeleted,
    EventKind::UserErased,
    EventKind::UserIgnored,
    EventKind::UserNoticed,
    EventKind::RoleAssigned,
    EventKind::RoleRevoked,
    EventKind::GroupMemberAdded,
    EventKind::GroupMemberRemoved,
    EventKind::CredentialIssued,
    EventKind::CredentialRegistered,
];

/// The kinds of events of a group that bear on what its members may do.
const GROUP_ACCESS: [EventKind; 5] = [
    EventKind::GroupIgnored,
    EventKind::GroupNoticed,
    EventKind::GroupDeleted,
    EventKind::RuleAdded,
    EventKind::RuleRemoved,
];

/// Puts a question together from words and their values. Different words narrow the answer, the same word given several
/// times widens it. `order` and `limit` are left to who asks.
///
/// - `subject`: what the events are about, as in `user:jane@acme.com`, `group:Sales`, `role:Admin`, `policy:…`,
///   `connector:okta`, `credential:…`, `operator:owner`, `tenant`; without a kind, a user. `user`, `group`, `role` and `policy` are
///   short for it. A name is one that the thing has or ever had; where several had it, all of them are meant.
/// - `actor`: who made the commits: a connector, an operator, or `system`. `connector` the same for connectors alone,
///   `credential` which key they showed.
/// - `event`: event types, divided by commas. `attribute`: what changed. `request`: an id. `address`: one address, or a
///   range in CIDR notation.
/// - `involving`: as `subject`, and what it did itself, or was done with it: both sides of a connector, a credential or
///   an operator.
/// - `access`: a user: everything that bears on what they may do.
///
/// `system` is the instance's own directory: it knows the operators. Reads the log only for `access`.
///
/// # Errors
/// See [`Misasked`].
pub fn question<'a>(
    words: impl IntoIterator<Item = (&'a str, &'a str)>,
    engine: &Engine,
    snapshot: &Snapshot,
    system: Option<&Directory>,
) -> Result<Question, Misasked> {
    let mut question = Question::default();
    let mut conditions: Vec<(&'static str, Vec<Facet>)> = Vec::new();
    for (name, value) in words {
        let known = FILTERS.iter().chain(&RANGE).find(|word| word.eq_ignore_ascii_case(name));
        let word = *known.ok_or_else(|| Misasked::NoWord(name.to_owned()))?;
        match word {
            "from" => {
                question.from = question.from.max(first(snapshot, word, value)?);
                continue;
            }
            "to" => {
                match last(snapshot, word, value)? {
                    Some(to) => question.to = question.to.min(to),
                    // Before the first commit there is nothing.
                    None => conditions.push((word, Vec::new())),
                }
                continue;
            }
            _ => {}
        }
        let facets = match word {
            "access" => access(engine, snapshot, value)?,
            _ => Asked { snapshot, system }.facets(word, value)?,
        };
        match conditions.iter_mut().find(|(there, _)| *there == word) {
            Some((_, there)) => there.extend(facets),
            None => conditions.push((word, facets)),
        }
    }
    question.conditions = conditions.into_iter().map(|(_, facets)| facets).collect();
    Ok(question)
}

/// Where names are looked up.
struct Asked<'a> {
    snapshot: &'a Snapshot,
    system: Option<&'a Directory>,
}

impl Asked<'_> {
    /// What a word with its value looks for: any of it.
    fn facets(&self, word: &'static str, value: &str) -> Result<Vec<Facet>, Misasked> {
        let snapshot = self.snapshot;
        let wrong = |reason: String| Misasked::NoValue { word, value: value.to_owned(), reason };
        let about = |subjects: Vec<Subject>| {
            subjects.into_iter().map(|subject| Facet::About(subject, Kinds::ALL)).collect()
        };
        let by = |makers: Vec<Maker>| makers.into_iter().map(Facet::By).collect();
        Ok(match word {
            "subject" => about(self.subjects(word, value)?),
            "involving" => {
                self.subjects(word, value)?.into_iter().flat_map(|one| self.both(one)).collect()
            }
            "user" | "group" | "role" | "policy" => about(self.named(word, value)?),
            "actor" => by(find_makers(snapshot, self.system, value)?),
            "connector" => by(vec![Maker::Connector(find_connector(snapshot, value)?)]),
            "credential" => {
                find_credential(snapshot, value)?.into_iter().map(Facet::With).collect()
            }
            "event" => {
                let (mut kinds, mut facets) = (Vec::new(), Vec::new());
                for name in value.split(',').map(str::trim) {
                    // No event of its own: what ends a session is that somebody may not act any more.
                    if name.eq_ignore_ascii_case(SESSION_REVOKED_WORD) {
                        facets.push(Facet::SessionRevoked);
                        continue;
                    }
                    let kind = name.parse::<EventKind>();
                    kinds.push(kind.map_err(|error| wrong(error.to_string()))?);
                }
                if !kinds.is_empty() {
                    facets.push(Facet::Kind(kinds.into_iter().collect::<Kinds>()));
                }
                facets
            }
            "attribute" => {
                let path = value.parse::<AttributePath>();
                vec![Facet::Changed(path.map_err(|error| wrong(error.to_string()))?)]
            }
            "request" => {
                let id = value
                    .parse()
                    .map_err(|_| wrong("give an id as `rollbook-request` says it".to_owned()))?;
                vec![Facet::Request(id)]
            }
            "address" => {
                let network = value.parse::<Network>();
                vec![Facet::From(network.map_err(|error| wrong(error.to_string()))?)]
            }
            _ => return Err(Misasked::NoWord(word.to_owned())),
        })
    }

    /// What is named with its kind before a colon. Without one, or where what stands there is no kind, it is a user.
    fn subjects(&self, word: &'static str, value: &str) -> Result<Vec<Subject>, Misasked> {
        match value.split_once(':') {
            Some((kind, name)) => match self.named(kind, name) {
                Err(Misasked::NoWord(_)) => self.named("user", value),
                found => found,
            },
            None if value == "tenant" => {
                let tenant = self.snapshot.directory.tenant.as_ref();
                let reason =
                    "the instance's own log has many: name one, as in `tenant:acme`".to_owned();
                let none = || Misasked::NoValue { word, value: value.to_owned(), reason };
                tenant.map(|tenant| vec![Subject::Tenant(tenant.id)]).ok_or_else(none)
            }
            None => self.named("user", value),
        }
    }

    /// Everything of a kind that has a name or ever had it.
    fn named(&self, kind: &str, name: &str) -> Result<Vec<Subject>, Misasked> {
        let snapshot = self.snapshot;
        Ok(match kind {
            "user" => find_user(snapshot, name)?.into_iter().map(Subject::User).collect(),
            "group" => find_group(snapshot, name)?.into_iter().map(Subject::Group).collect(),
            "role" => vec![Subject::Role(find_role(snapshot, name)?)],
            "policy" => find_policy(snapshot, name)?.into_iter().map(Subject::Policy).collect(),
            "connector" => vec![Subject::Connector(find_connector(snapshot, name)?)],
            "credential" => {
                find_credential(snapshot, name)?.into_iter().map(Subject::Credential).collect()
            }
            "operator" => {
                let makers = find_makers(snapshot, self.system, &format!("operator:{name}"))?;
                let operators = makers.into_iter().filter_map(|maker| match maker {
                    Maker::Operator(operator) => Some(Subject::Operator(operator)),
                    Maker::Connector(_) | Maker::System => None,
                });
                operators.collect()
            }
            "tenant" => {
                let own = snapshot.directory.tenant.as_ref();
                let all = snapshot.directory.tenants.iter().chain(own);
                let mut all = all.filter(|tenant| tenant.slug == name);
                let tenant = all.next().ok_or_else(|| Misasked::NoValue {
                    word: "subject",
                    value: format!("tenant:{name}"),
                    reason: "this log has no such tenant; a tenant's own log knows it as `tenant`"
                        .to_owned(),
                })?;
                vec![Subject::Tenant(tenant.id)]
            }
            other => return Err(Misasked::NoWord(other.to_owned())),
        })
    }

    /// Both sides of something: what was done to it, its keys among it, and what it did or was done with it.
    fn both(&self, subject: Subject) -> Vec<Facet> {
        let directory = &self.snapshot.directory;
        let mut facets = vec![Facet::About(subject, Kinds::ALL)];
        let holder = match subject {
            Subject::Connector(id) => {
                facets.push(Facet::By(Maker::Connector(id)));
                Some(Holder::Connector(id))
            }
            Subject::Operator(id) => {
                facets.push(Facet::By(Maker::Operator(id)));
                Some(Holder::Operator(id))
            }
            Subject::Credential(id) => {
                facets.push(Facet::With(id));
                None
            }
            Subject::User(id) => Some(Holder::User(id)),
            Subject::Tenant(_) | Subject::Group(_) | Subject::Role(_) | Subject::Policy(_) => None,
        };
        let keys = holder.into_iter().flat_map(|holder| held_by(directory, holder));
        facets.extend(keys.map(|key| Facet::About(Subject::Credential(key), Kinds::ALL)));
        facets
    }
}

/// Everything that bears on what a user may do: whether they are there and active, their roles, the groups that they were ever in,
/// directly or through another group, and their keys.
fn access(engine: &Engine, snapshot: &Snapshot, who: &str) -> Result<Vec<Facet>, Misasked> {
    let mut facets = Vec::new();
    for user in find_user(snapshot, who)? {
        facets.push(Facet::About(Subject::User(user), ACCESS.into_iter().collect()));
        let keys = held_by(&snapshot.directory, Holder::User(user));
        facets.extend(keys.map(|key| Facet::About(Subject::Credential(key), Kinds::ALL)));
        for group in groups_ever(engine, snapshot, user)? {
            facets.push(Facet::Membership(Subject::Group(group)));
            facets.push(Facet::About(Subject::Group(group), GROUP_ACCESS.into_iter().collect()));
        }
    }
    Ok(facets)
}

/// The groups that a user was ever in, directly or through another. Reads the commits in which they, or one of these
/// groups, came into a group.
fn groups_ever(
    engine: &Engine,
    snapshot: &Snapshot,
    user: UserId,
) -> Result<BTreeSet<GroupId>, AskError> {
    let tenant = snapshot.directory.tenant.as_ref().map(|tenant| tenant.id);
    let Some(tenant) = tenant else { return Ok(BTreeSet::new()) };
    let mut groups = BTreeSet::new();
    let mut open = vec![Member::User(user)];
    while let Some(member) = open.pop() {
        let joined = [
            vec![Facet::Membership(member.into())],
            vec![Facet::Kind(Kinds::default().with(EventKind::GroupMemberAdded))],
        ];
        let order = domain::trail::Order::OldestFirst;
        for at in snapshot.trail.find(&joined, Position::FIRST, Position::MAX, order) {
            let recorded = engine.commit(tenant, at).map_err(AskError::from)?;
            for event in recorded.into_iter().flat_map(|recorded| recorded.commit.events) {
                if let Event::GroupMemberAdded { group, member: there, .. } = event
                    && there == member
                    && groups.insert(group)
                {
                    open.push(Member::Group(group));
                }
            }
        }
    }
    Ok(groups)
}

/// The first commit at or after a position or time.
fn first(snapshot: &Snapshot, word: &'static str, value: &str) -> Result<Position, Misasked> {
    Ok(match value.parse::<Position>() {
        Ok(position) => position,
        Err(_) => {
            let time = moment(word, value)?;
            let before = snapshot.trail.at(Timestamp::from_millis(time.millis() - 1));
            before.map_or(Position::FIRST, Position::next)
        }
    })
}

/// The last commit at or before a position or time; a day is meant as a whole. None: the log begins later.
fn last(
    snapshot: &Snapshot,
    word: &'static str,
    value: &str,
) -> Result<Option<Position>, Misasked> {
    const DAY_MILLIS: i64 = 24 * 60 * 60 * 1_000;
    Ok(match value.parse::<Position>() {
        Ok(position) => Some(position),
        Err(_) => {
            let is_day = !value.contains(['T', 't', ' ']);
            let time = moment(word, value)?.millis() + if is_day { DAY_MILLIS - 1 } else { 0 };
            snapshot.trail.at(Timestamp::from_millis(time))
        }
    })
}

fn moment(word: &'static str, value: &str) -> Result<Timestamp, Misasked> {
    value.parse().map_err(|_| Misasked::NoValue {
        word,
        value: value.to_owned(),
        reason:
            "give a position such as `42`, or a time such as `2026-03-01T12:00:00Z` or `2026-03-01`"
                .to_owned(),
    })
}
