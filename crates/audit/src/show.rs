//! One thing as it was at a moment: the same document for the command line and for HTTP.

mod find;
pub(crate) mod made;

use domain::credential::{CredentialKind, Scopes};
use domain::directory::Stamp;
use domain::event::{ConnectorSettings, RoleWording};
use domain::id::{ConnectorId, CredentialId, GroupId, RoleId, TenantId, UserId};
use domain::position::Position;
use domain::snapshot::Snapshot;
use domain::time::Timestamp;
use engine::Engine;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::ask::AskError;
use crate::brief::{Brief, Log, Moment};
use crate::entry::Named;
use crate::problem::{Problem, ProblemError, ProblemFilter, problems};

/// What kind of thing is to be shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// A user.
    User,
    /// A group.
    Group,
    /// A role.
    Role,
    /// A connector.
    Connector,
    /// A credential.
    Credential,
    /// The tenant itself.
    Tenant,
}

/// Which part of a long list: a group's members, a role's holders.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Page {
    /// Those after the one with this id; none: from the first on.
    pub after: Option<String>,
    /// How many at most.
    pub count: usize,
    /// Whether to tell what the refusal journal has about a user or a group: of the present only, it has no past.
    pub problems: bool,
}

/// Problems about a user or a group that are told with them; `problems` tells all.
pub const PROBLEMS: usize = 10;

/// A thing as it was at a moment.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Shown {
    /// The moment: the last commit that is in what is shown.
    pub head: Moment,
    /// The thing.
    #[serde(flatten)]
    pub thing: Thing,
}

/// What is shown.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Thing {
    /// A user.
    User(ShownUser),
    /// A group.
    Group(ShownGroup),
    /// A role.
    Role(ShownRole),
    /// A connector.
    Connector(ShownConnector),
    /// A credential.
    Credential(ShownCredential),
    /// The tenant.
    Tenant(ShownTenant),
}

/// When a thing came to be and when it last changed, as of the moment.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Dates {
    /// When it came to be.
    pub created: Timestamp,
    /// Where in the log.
    pub created_position: Position,
    /// When it last changed.
    pub changed: Timestamp,
    /// Where in the log: its version.
    pub version: Position,
}

/// A user as of a moment.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ShownUser {
    /// The id.
    pub id: UserId,
    /// The name.
    pub user_name: String,
    /// Whether they may do anything at all: they are active, and no operator locked them.
    pub active: bool,
    /// Whether the attribute `active` is unassigned, which takes nothing from that.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub active_unassigned: bool,
    /// That an operator locked them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locked: Option<Locked>,
    /// That the person was erased, whichever moment is shown: their values are gone from all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub erased: Option<Brief>,
    /// The connector that manages the user; null: managed here.
    pub managed_by: Option<Named>,
    /// What each connector calls them.
    pub external_ids: Vec<CalledBy>,
    /// What connectors wrote, and still read, where their mappings made something else of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub written: Vec<WrittenBy>,
    /// The roles in effect, by name, each with every source.
    pub roles: Vec<HeldRole>,
    /// Roles that they have without being given them: every active user has the role `Everyone`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub implicit_roles: Vec<String>,
    /// Whether nothing gives them any other role: they see "No Privileges".
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub no_privileges: bool,
    /// The groups, direct ones first.
    pub groups: Vec<InGroup>,
    /// Every other attribute.
    pub attributes: Map<String, Value>,
    /// Keys of their own.
    pub keys: Vec<Key>,
    /// What was refused, carried out in part, or is to be looked after about them: the latest, newest first; told of now alone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<Problem>,
    /// When they came to be and changed.
    #[serde(flatten)]
    pub dates: Dates,
}

/// That a user may do nothing, whatever their identity provider says.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Locked {
    /// Since when.
    pub since: Timestamp,
    /// Where in the log.
    pub position: Position,
    /// Why, in the words of who asked; null: they are gone with the person's values.
    pub reason: Option<String>,
    /// What their identity provider says, which is in effect again once they are unlocked.
    pub active: bool,
}

/// A client's id for a thing.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct CalledBy {
    /// Whose word it is; null: an operator's.
    pub connector: Option<Named>,
    /// The word.
    pub value: String,
}

/// What a connector wrote where its mapping made something else of it.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct WrittenBy {
    /// The connector.
    pub connector: Named,
    /// By path; null: nothing.
    pub values: Map<String, Value>,
}

/// A role that is in effect.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct HeldRole {
    /// The role.
    pub id: RoleId,
    /// Its name.
    pub name: String,
    /// Every source that gives it.
    pub through: Vec<Through>,
}

/// A source of a role, and what was written beside it.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Through {
    /// Where the role comes from.
    #[serde(flatten)]
    pub source: Named,
    /// What the client wrote beside the role's value, if anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wording: Option<RoleWording>,
}

/// A group that a user or group is in.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct InGroup {
    /// The group.
    pub id: GroupId,
    /// Its name at the moment.
    pub name: String,
    /// Every source of a direct membership.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub through: Vec<Named>,
    /// The group inside it that leads there; none: they are in it directly.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub via: Option<Named>,
}

/// A user's or connector's key, without its secret.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Key {
    /// The credential.
    pub id: CredentialId,
    /// The secret's first characters.
    pub hint: String,
    /// When it was issued.
    pub issued: Stamp,
    /// When it ends by itself; null: never.
    pub expires: Option<Timestamp>,
    /// When it had been revoked by then; null: not yet.
    pub revoked: Option<Stamp>,
    /// When it was last used, as far as that is counted; left out: it is not known, or of a moment of the past.
    #[serde(default, rename = "lastUsed", skip_serializing_if = "Option::is_none")]
    pub last_used: Option<Timestamp>,
    /// What kind of credential it is; left out: a key.
    #[serde(default, rename = "credentialKind", skip_serializing_if = "CredentialKind::is_key")]
    pub kind: CredentialKind,
    /// What it opens; left out: everything that its holder may.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scopes: Option<Scopes>,
    /// The credential that it was issued in place of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaces: Option<CredentialId>,
}

/// A group as of a moment.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ShownGroup {
    /// The id.
    pub id: GroupId,
    /// The name.
    pub display_name: String,
    /// The connector that manages the group; null: managed here.
    pub managed_by: Option<Named>,
    /// What each connector calls it.
    pub external_ids: Vec<CalledBy>,
    /// The groups that it is in, direct ones first.
    pub groups: Vec<InGroup>,
    /// Every other attribute.
    pub attributes: Map<String, Value>,
    /// The rules that give roles to whoever is in it.
    pub rules: Vec<Named>,
    /// How many members it has, each counted once, groups inside it as one each.
    pub member_count: usize,
    /// The members of this page: users first, then groups, by id.
    pub members: Vec<ShownMember>,
    /// What to give as `after` for the next page; null: this is the last.
    pub next: Option<String>,
    /// What was refused, carried out in part, or is to be looked after about it: the latest, newest first; told of now alone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<Problem>,
    /// When it came to be and changed.
    #[serde(flatten)]
    pub dates: Dates,
}

/// A member of a group.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ShownMember {
    /// A user or a group, as called at the moment.
    #[serde(flatten)]
    pub member: Named,
    /// Every source that says so.
    pub through: Vec<Named>,
}

/// A role as of a moment.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ShownRole {
    /// The id.
    pub id: RoleId,
    /// The name.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// Whether it is assigned no more.
    pub retired: bool,
    /// The rules that give it to whoever is in a group.
    pub rules: Vec<Named>,
    /// How many users have it, each counted once.
    pub holder_count: usize,
    /// The holders of this page, oldest user first.
    pub holders: Vec<Holder>,
    /// What to give as `after` for the next page; null: this is the last.
    pub next: Option<String>,
    /// When it was defined and changed.
    #[serde(flatten)]
    pub dates: Dates,
}

/// Someone who has a role.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Holder {
    /// The user.
    pub id: UserId,
    /// Their name at the moment.
    pub user_name: String,
    /// Whether they may do anything with it.
    pub active: bool,
    /// Every source that gives it.
    pub through: Vec<Through>,
}

/// A connector as of a moment.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ShownConnector {
    /// The id.
    pub id: ConnectorId,
    /// The name.
    pub name: String,
    /// How it treats what its client sends.
    pub settings: ConnectorSettings,
    /// When it was added.
    pub created: Timestamp,
    /// Where in the log.
    pub created_position: Position,
    /// Its keys.
    pub keys: Vec<Key>,
}

/// A credential as of a moment; never its secret, nor what it is known by.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct ShownCredential {
    /// Who may show it.
    pub holder: Named,
    /// The rest.
    #[serde(flatten)]
    pub key: Key,
}

/// A tenant as of a moment.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ShownTenant {
    /// The id.
    pub id: TenantId,
    /// Its slug.
    pub slug: String,
    /// What people call it; empty: nothing but its slug.
    #[serde(default)]
    pub title: String,
    /// `open`, `suspended` or `closed`.
    pub state: String,
    /// Since when, by whom and why it is suspended or closed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Cause>,
    /// Mailboxes that alerts go to.
    #[serde(default)]
    pub alert_addresses: Vec<String>,
    /// Whether alerts are sent.
    #[serde(default)]
    pub alerts: bool,
    /// When it was opened.
    pub opened: Timestamp,
    /// How many users it has.
    pub users: usize,
    /// How many groups.
    pub groups: usize,
    /// How many roles.
    pub roles: usize,
    /// How many rules, each from a group to a role, are in effect.
    pub rules: usize,
    /// How many policies.
    pub policies: usize,
    /// How many credentials, revoked ones included.
    pub credentials: usize,
    /// How many users have each role, by the role's name.
    pub holders: std::collections::BTreeMap<String, usize>,
    /// The connectors.
    pub connectors: Vec<ConnectorSummary>,
    /// The URNs of the schemas that it added.
    pub schemas: Vec<String>,
}

/// What made something so.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Cause {
    /// The commit.
    #[serde(flatten)]
    pub brief: Brief,
    /// Why, in the words of who asked.
    pub reason: String,
}

/// A connector in a list.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ConnectorSummary {
    /// The id.
    pub id: ConnectorId,
    /// The name.
    pub name: String,
    /// How it treats what its client sends.
    pub settings: ConnectorSettings,
}

/// Why a thing is not shown.
#[derive(Debug, thiserror::Error)]
pub enum ShowError {
    /// It was not there at the moment: what is known of it, in words.
    #[error("{0}")]
    Absent(String),
    /// There is no such member or holder to carry on after.
    #[error("`{0}` is no id to carry on after: give `next` of the page before")]
    After(String),
    /// The log does not answer.
    #[error(transparent)]
    Ask(#[from] AskError),
    /// The refusal journal does not answer.
    #[error(transparent)]
    Problems(ProblemError),
}

/// A thing of a tenant as it was in `then`, a snapshot of that tenant. `who` is a name that it had at that moment, or an
/// id; a tenant needs none. A role's holders cost a look at every user; all else costs what the answer holds.
///
/// # Errors
/// When it was not there then: says whether it was yet to come, called otherwise, or gone, since when and by whom.
pub fn show(
    engine: &Engine,
    tenant: TenantId,
    then: &Snapshot,
    kind: Kind,
    who: &str,
    page: &Page,
) -> Result<Shown, ShowError> {
    let log = Log::open(engine, tenant)?;
    let head = Moment::of(then).ok_or(AskError::NoTenant)?;
    let found = find::Found { log: &log, then, head };
    let mut thing = match kind {
        Kind::User => Thing::User(made::user(&log, then, found.user(who)?)?),
        Kind::Group => Thing::Group(made::group(then, found.group(who)?, page)?),
        Kind::Role => Thing::Role(made::role(then, found.role(who)?, page)?),
        Kind::Connector => Thing::Connector(made::connector(then, found.connector(who)?)),
        Kind::Credential => Thing::Credential(made::credential(then, found.credential(who)?)),
        Kind::Tenant => Thing::Tenant(made::tenant(&log, then)?),
    };
    if page.problems {
        let latest = |filter: ProblemFilter| {
            let page = problems(engine.journal(), tenant, then, &filter, PROBLEMS);
            page.map(|page| page.problems).map_err(ShowError::Problems)
        };
        if let Thing::User(user) = &mut thing {
            user.problems = latest(ProblemFilter::of_user(&then.directory, user.id))?;
        } else if let Thing::Group(group) = &mut thing {
            group.problems = latest(ProblemFilter::of_group(&then.directory, group.id))?;
        }
    }
    Ok(Shown { head, thing })
}
