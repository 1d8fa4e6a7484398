//! First starts: an instance gets its operator, a tenant gets its roles, a connector and a key.
//!
//! Every step is a command like any other, and is skipped when it was done before: a start that
//! was cut off half-way is carried on by the next.

use domain::command::Command;
use domain::directory::Directory;
use domain::event::{Holder, OperatorRole};
use domain::id::{ConnectorId, CredentialId, OperatorId, RequestId, RoleId, TenantId};
use domain::origin::{Actor, Origin};
use domain::preset::{PRESETS, preset};
use engine::Refusal;

use crate::app::App;
use crate::secret::{Purpose, Secret};

/// The roles that a tenant begins with (behaviour C-06).
const ROLES: [(&str, &str); 4] = [
    ("Everyone", "Every active user; nobody needs to assign it"),
    ("Admin", "May administer the site and everything in it"),
    ("Analyst", "May write queries and build dashboards"),
    ("Business User", "May look at what others have built"),
];

/// The roles that a tenant begins with. `Everyone`, which each active user has, is always the first.
#[derive(Debug, Clone)]
pub struct Template(Vec<(String, String)>);

impl Default for Template {
    /// The roles of behaviour C-06.
    fn default() -> Self {
        Self::beginning_with(
            ROLES.into_iter().map(|(name, text)| (name.to_owned(), text.to_owned())),
        )
    }
}

impl Template {
    /// These roles, by name and description.
    pub fn beginning_with(roles: impl IntoIterator<Item = (String, String)>) -> Self {
        let mut roles: Vec<(String, String)> = roles.into_iter().collect();
        let [(everyone, text), ..] = ROLES;
        match roles.iter().position(|(name, _)| name == everyone) {
            Some(place) => {
                let first = roles.remove(place);
                roles.insert(0, first);
            }
            None => roles.insert(0, (everyone.to_owned(), text.to_owned())),
        }
        Template(roles)
    }
}

/// The preset, and name, of the connector that a tenant begins with unless something else is asked for.
pub const FIRST_CONNECTOR: &str = "okta";

/// A tenant that is open, with its first connector.
#[derive(Debug)]
pub struct Opened {
    /// The tenant.
    pub tenant: TenantId,
    /// Its connector.
    pub connector: ConnectorId,
    /// The connector's secret, if it was issued just now: this is the only time it can be shown.
    pub secret: Option<Secret>,
}

/// Why an instance or a tenant could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The engine said no.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The tenant was closed.
    #[error(
        "the tenant `{0}` was closed for good: its history can be read, and its slug is not used again"
    )]
    Closed(String),
    /// The operating system gave no randomness.
    #[error("the operating system gave no randomness: {0}")]
    Randomness(getrandom::Error),
}

/// What the instance itself asks for at its start.
pub fn startup(app: &App) -> Origin {
    let request = RequestId::new(app.id());
    Origin { actor: Actor::System, request, source: None, agent: None, claimed: None }
}

/// Makes sure that the instance has an operator with a key. Answers the key if it was issued just
/// now. A `chosen` key that is not the operator's yet is issued beside those that exist.
///
/// # Errors
/// When the log takes nothing.
pub async fn open_instance(
    app: &App,
    chosen: Option<Secret>,
) -> Result<Option<Secret>, SetupError> {
    let origin = startup(app);
    let system = app.engine.now(TenantId::SYSTEM);
    let directory = system.as_ref().map(|system| &system.directory);
    let mut owners = directory.into_iter().flat_map(|directory| directory.operators.iter());
    let there = owners.find(|one| one.removed.is_none() && one.role == OperatorRole::Owner);
    let operator = match there {
        Some(operator) => operator.id,
        None => {
            let operator = OperatorId::new(app.id());
            let command = Command::AddOperator {
                operator,
                name: "owner".to_owned(),
                role: OperatorRole::Owner,
            };
            app.engine.submit(TenantId::SYSTEM, origin.clone(), command).await?;
            operator
        }
    };
    issue(app, TenantId::SYSTEM, origin, Holder::Operator(operator), chosen).await
}

/// Makes sure that there is a tenant with this slug, its first roles, a connector and a key; all of
/// it on behalf of one request. The connector has the preset `first`, and its name.
///
/// # Errors
/// When the slug is no slug, or the log takes nothing.
pub async fn open_tenant(
    app: &App,
    origin: Origin,
    slug: &str,
    first: &str,
    chosen: Option<Secret>,
) -> Result<Opened, SetupError> {
    open_tenant_with(app, origin, slug, first, chosen, &Template::default()).await
}

/// The same with other roles to begin with; a tenant that is there keeps those that it has.
///
/// # Errors
/// When the slug is no slug, the preset none or a role's name none, with nothing done; or the log takes nothing.
pub async fn open_tenant_with(
    app: &App,
    origin: Origin,
    slug: &str,
    first: &str,
    chosen: Option<Secret>,
    template: &Template,
) -> Result<Opened, SetupError> {
    let settings = preset(first).ok_or_else(|| no_such_preset(first))?;
    let new_roles = || {
        let Template(roles) = template;
        let roles = roles.iter().cloned();
        roles.map(|(name, text)| (RoleId::new(app.id()), name, text)).collect()
    };
    let world = app.engine.world();
    if let Some((_, there)) = world.with_slug(slug) {
        if there.directory.standing.state.is_closed() {
            return Err(SetupError::Closed(slug.to_owned()));
        }
    } else {
        // The slug is written down first, in another log: what the tenant's own would refuse must not come so far.
        let (tenant, slug) = (TenantId::new(app.id()), slug.to_owned());
        let command = Command::OpenTenant { tenant, slug, roles: new_roles() };
        domain::decide(&Directory::default(), &origin.actor, command).map_err(Refusal::from)?;
    }
    let tenant = match world.system().and_then(|s| s.directory.tenants.with_slug(slug)) {
        Some(tenant) => tenant.id,
        None => {
            let tenant = TenantId::new(app.id());
            let command = Command::OpenTenant { tenant, slug: slug.to_owned(), roles: Vec::new() };
            app.engine.submit(TenantId::SYSTEM, origin.clone(), command).await?;
            tenant
        }
    };
    if world.get(tenant).is_none() {
        let command = Command::OpenTenant { tenant, slug: slug.to_owned(), roles: new_roles() };
        app.engine.submit(tenant, origin.clone(), command).await?;
    }
    let snapshot = app.engine.now(tenant).ok_or(Refusal::NoTenant)?;
    let connector = match snapshot.directory.connectors.iter().next() {
        Some(connector) => connector.id,
        None => {
            let connector = ConnectorId::new(app.id());
            let name = first.to_owned();
            let command = Command::AddConnector { connector, name, settings, key: None };
            app.engine.submit(tenant, origin.clone(), command).await?;
            connector
        }
    };
    let secret = issue(app, tenant, origin, Holder::Connector(connector), chosen).await?;
    Ok(Opened { tenant, connector, secret })
}

/// The refusal of a preset that does not exist.
pub(crate) fn no_such_preset(name: &str) -> Refusal {
    let detail = format!("there is no preset `{name}`: use one of {}", PRESETS.join(", "));
    Refusal::Rejected(scim::Invalid::value(detail).into())
}

pub(crate) fn purpose(holder: Holder) -> Purpose {
    match holder {
        Holder::Connector(_) => Purpose::ApiKey,
        Holder::Operator(_) => Purpose::OperatorKey,
        Holder::User(_) => Purpose::UserKey,
    }
}

/// Issues a key: the chosen one unless it exists, else a random one unless the holder has any.
async fn issue(
    app: &App,
    tenant: TenantId,
    origin: Origin,
    holder: Holder,
    chosen: Option<Secret>,
) -> Result<Option<Secret>, SetupError> {
    let snapshot = app.engine.now(tenant).ok_or(Refusal::NoTenant)?;
    let credentials = &snapshot.directory.credentials;
    let secret = match chosen {
        Some(chosen) if credentials.with_hash(&chosen.hash()).is_some() => return Ok(None),
        Some(chosen) => chosen,
        None if credentials.iter().any(|c| c.holder == holder) => return Ok(None),
        None => Secret::random(purpose(holder)).map_err(SetupError::Randomness)?,
    };
    let command = Command::IssueCredential {
        credential: CredentialId::new(app.id()),
        holder,
        hash: secret.hash(),
        hint: secret.hint(),
        expires: None,
    };
    app.engine.submit(tenant, origin, command).await?;
    Ok(Some(secret))
}
