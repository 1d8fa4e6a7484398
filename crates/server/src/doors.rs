//! Every door of the server, so that one test can try each of them with the wrong keys.

use domain::event::OperatorRole;

use crate::admin::{Released, Route};
use crate::auth::metadata;
use crate::management;
use crate::scim_api::{Endpoint, Kind};

/// A method and a path that the server offers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Door {
    /// The method.
    pub method: &'static str,
    /// The path, with a slug, an id or a name where one is due.
    pub path: String,
    /// Which key opens it.
    pub key: Key,
}

/// Which key opens a door.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key {
    /// None is needed.
    Public,
    /// The key of a connector of this tenant.
    Connector,
    /// The key of a user of this tenant.
    User,
    /// An operator's key.
    Operator,
    /// The key of a connector that opens the management API.
    Management,
}

/// What stands in a path where a tenant, an id or a name is due.
pub(crate) struct Names<'a> {
    pub(crate) slug: &'a str,
    pub(crate) id: &'a str,
    pub(crate) user: &'a str,
    pub(crate) group: &'a str,
    pub(crate) resource_type: &'a str,
    pub(crate) urn: &'a str,
    pub(crate) role: &'a str,
    pub(crate) connector: &'a str,
    pub(crate) policy: &'a str,
}

const ID: &str = "0198f3a0-0000-7000-8000-000000000001";

/// Names that could be real ones.
pub(crate) const EXAMPLES: Names<'_> = Names {
    slug: "acme",
    id: ID,
    user: ID,
    group: ID,
    resource_type: "User",
    urn: "urn:ietf:params:scim:schemas:core:2.0:User",
    role: "Admin",
    connector: "okta",
    policy: "sales-read",
};

/// What needs no key and belongs to no tenant.
pub(crate) const PUBLIC: &[&str] = &["/healthz", "/readyz", "/openapi.json"];

/// What is of a tenant and needs no key.
pub(crate) const OAUTH: &[&str] = &[metadata::SERVER, metadata::RESOURCE, metadata::TOKEN];

/// Where counts and positions are told.
pub(crate) const METRICS: &str = "/metrics";

/// All doors of the tenant with this slug, and of the instance.
pub fn doors(slug: &str) -> Vec<Door> {
    let mut doors = Vec::new();
    for path in PUBLIC {
        doors.push(Door { method: "GET", path: (*path).to_owned(), key: Key::Public });
    }
    for path in OAUTH {
        let method = if *path == metadata::TOKEN { "POST" } else { "GET" };
        let path = path.replace("{tenant}", slug);
        doors.push(Door { method, path, key: Key::Public });
    }
    doors.push(Door { method: "GET", path: METRICS.to_owned(), key: Key::Operator });
    let names = Names { slug, ..EXAMPLES };
    for endpoint in endpoints(&names) {
        let (path, key) = scim_door(&endpoint);
        for method in endpoint.methods().split(", ") {
            doors.push(Door { method, path: format!("/scim/{slug}/v2/{path}"), key });
        }
    }
    for route in routes(&names) {
        for method in route.methods().split(", ") {
            doors.push(Door { method, path: admin_path(&route), key: Key::Operator });
        }
    }
    for route in management(&names) {
        for method in route.methods().split(", ") {
            doors.push(Door { method, path: route.path(), key: Key::Management });
        }
    }
    doors
}

/// Every route of the management API, with these names.
pub(crate) fn management(names: &Names<'_>) -> [management::Route; 4] {
    use management::Route;
    let id = || names.id.to_owned();
    [Route::Users, Route::User(id()), Route::Roles, Route::Role(id())]
}

/// All doors of administration of the tenant with this slug and of the instance, each with the least that an operator must
/// be to come in.
pub fn operators_doors(slug: &str) -> Vec<(Door, OperatorRole)> {
    let names = Names { slug, ..EXAMPLES };
    let mut doors = Vec::new();
    for route in routes(&names) {
        for method in route.methods().split(", ") {
            let door = Door { method, path: admin_path(&route), key: Key::Operator };
            // What is no method would need the most: a door that nobody else opens.
            let least = method.parse().map_or(OperatorRole::Owner, |named| route.least(&named));
            doors.push((door, least));
        }
    }
    doors
}

/// Every endpoint of the protocol, with these names.
pub(crate) fn endpoints(names: &Names<'_>) -> Vec<Endpoint> {
    let mut all = vec![
        Endpoint::ServiceProviderConfig,
        Endpoint::ResourceTypes(None),
        Endpoint::ResourceTypes(Some(names.resource_type.to_owned())),
        Endpoint::Schemas(None),
        Endpoint::Schemas(Some(names.urn.to_owned())),
        Endpoint::Me,
        Endpoint::Bulk,
        Endpoint::ListAll,
        Endpoint::SearchAll,
    ];
    for kind in Kind::ALL {
        all.extend([
            Endpoint::List(kind),
            Endpoint::Search(kind),
            Endpoint::One(kind, names.id.to_owned()),
        ]);
    }
    all
}

/// A new endpoint does not compile until it says here which key opens it.
pub(crate) fn scim_door(endpoint: &Endpoint) -> (String, Key) {
    match endpoint {
        Endpoint::List(kind) => (kind.plural().to_owned(), Key::Connector),
        Endpoint::ListAll => (String::new(), Key::Connector),
        Endpoint::SearchAll => (".search".to_owned(), Key::Connector),
        Endpoint::Search(kind) => (format!("{}/.search", kind.plural()), Key::Connector),
        Endpoint::One(kind, id) => (format!("{}/{id}", kind.plural()), Key::Connector),
        Endpoint::Bulk => ("Bulk".to_owned(), Key::Connector),
        Endpoint::ServiceProviderConfig => ("ServiceProviderConfig".to_owned(), Key::Public),
        Endpoint::ResourceTypes(None) => ("ResourceTypes".to_owned(), Key::Connector),
        Endpoint::ResourceTypes(Some(name)) => (format!("ResourceTypes/{name}"), Key::Connector),
        Endpoint::Schemas(None) => ("Schemas".to_owned(), Key::Connector),
        Endpoint::Schemas(Some(urn)) => (format!("Schemas/{urn}"), Key::Connector),
        Endpoint::Me => ("Me".to_owned(), Key::User),
    }
}

/// Every route of the administration, with these names.
pub(crate) fn routes(names: &Names<'_>) -> Vec<Route> {
    let slug = || names.slug.to_owned();
    let (id, user, role) =
        (|| names.id.to_owned(), || names.user.to_owned(), || names.role.to_owned());
    vec![
        Route::Operators,
        Route::Operator(id()),
        Route::OperatorKeys(id()),
        Route::OperatorKey(id(), id()),
        Route::Tenants,
        Route::Tenant(slug()),
        Route::Suspension(slug()),
        Route::Resumption(slug()),
        Route::Closure(slug()),
        Route::Users(slug()),
        Route::Groups(slug()),
        Route::JustInTime(slug()),
        Route::Release(slug(), Released::User, user()),
        Route::Release(slug(), Released::Group, names.group.to_owned()),
        Route::Release(slug(), Released::Connector, names.connector.to_owned()),
        Route::User(slug(), user()),
        Route::Group(slug(), names.group.to_owned()),
        Route::Roster(slug()),
        Route::Roles(slug()),
        Route::Role(slug(), role()),
        Route::UserRole(slug(), user(), role()),
        Route::Rules(slug()),
        Route::Rule(slug(), id()),
        Route::Erasure(slug(), user()),
        Route::Lock(slug(), user()),
        Route::Explain(slug()),
        Route::Check(slug()),
        Route::Applicable(slug()),
        Route::AccessDiff(slug()),
        Route::Credentials(slug()),
        Route::Credential(slug(), id()),
        Route::Rotation(slug(), id()),
        Route::Connectors(slug()),
        Route::Connector(slug(), names.connector.to_owned()),
        Route::Ignored(slug(), names.connector.to_owned()),
        Route::Schemas(slug()),
        Route::Policies(slug()),
        Route::Policy(slug(), names.policy.to_owned()),
        Route::PolicySchema(slug()),
        Route::Diff(slug()),
        Route::Commits(slug()),
        Route::Feed(slug()),
        Route::Problems(slug()),
    ]
}

/// A new route does not compile until it has a path here.
pub(crate) fn admin_path(route: &Route) -> String {
    let (tenants, operators) = ("/admin/v1/tenants", "/admin/v1/operators");
    match route {
        Route::Operators => operators.to_owned(),
        Route::Operator(who) => format!("{operators}/{who}"),
        Route::OperatorKeys(who) => format!("{operators}/{who}/keys"),
        Route::OperatorKey(who, key) => format!("{operators}/{who}/keys/{key}"),
        Route::Tenants => tenants.to_owned(),
        Route::Tenant(slug) => format!("{tenants}/{slug}"),
        Route::Suspension(slug) => format!("{tenants}/{slug}/suspend"),
        Route::Resumption(slug) => format!("{tenants}/{slug}/resume"),
        Route::Closure(slug) => format!("{tenants}/{slug}/close"),
        Route::Users(slug) => format!("{tenants}/{slug}/users"),
        Route::Groups(slug) => format!("{tenants}/{slug}/groups"),
        Route::JustInTime(slug) => format!("{tenants}/{slug}/jit"),
        Route::Release(slug, kind, name) => {
            let kind = match kind {
                Released::User => "users",
                Released::Group => "groups",
                Released::Connector => "connectors",
            };
            format!("{tenants}/{slug}/{kind}/{name}/release")
        }
        Route::User(slug, who) => format!("{tenants}/{slug}/users/{who}"),
        Route::Group(slug, who) => format!("{tenants}/{slug}/groups/{who}"),
        Route::Roster(slug) => format!("{tenants}/{slug}/roster"),
        Route::Roles(slug) => format!("{tenants}/{slug}/roles"),
        Route::Role(slug, name) => format!("{tenants}/{slug}/roles/{name}"),
        Route::UserRole(slug, user, role) => format!("{tenants}/{slug}/users/{user}/roles/{role}"),
        Route::Rules(slug) => format!("{tenants}/{slug}/rules"),
        Route::Rule(slug, id) => format!("{tenants}/{slug}/rules/{id}"),
        Route::Erasure(slug, user) => format!("{tenants}/{slug}/users/{user}/erase"),
        Route::Lock(slug, user) => format!("{tenants}/{slug}/users/{user}/lock"),
        Route::Explain(slug) => format!("{tenants}/{slug}/explain"),
        Route::Check(slug) => format!("{tenants}/{slug}/access/check"),
        Route::Applicable(slug) => format!("{tenants}/{slug}/access/list"),
        Route::AccessDiff(slug) => format!("{tenants}/{slug}/access/diff"),
        Route::Credentials(slug) => format!("{tenants}/{slug}/credentials"),
        Route::Credential(slug, id) => format!("{tenants}/{slug}/credentials/{id}"),
        Route::Rotation(slug, id) => format!("{tenants}/{slug}/credentials/{id}/rotate"),
        Route::Connectors(slug) => format!("{tenants}/{slug}/connectors"),
        Route::Connector(slug, name) => format!("{tenants}/{slug}/connectors/{name}"),
        Route::Ignored(slug, name) => format!("{tenants}/{slug}/connectors/{name}/ignored"),
        Route::Schemas(slug) => format!("{tenants}/{slug}/schemas"),
        Route::Policies(slug) => format!("{tenants}/{slug}/policies"),
        Route::Policy(slug, name) => format!("{tenants}/{slug}/policies/{name}"),
        Route::PolicySchema(slug) => format!("{tenants}/{slug}/policy-schema"),
        Route::Diff(slug) => format!("{tenants}/{slug}/diff"),
        Route::Commits(slug) => format!("{tenants}/{slug}/audit/commits"),
        Route::Feed(slug) => format!("{tenants}/{slug}/feed"),
        Route::Problems(slug) => format!("{tenants}/{slug}/problems"),
    }
}
