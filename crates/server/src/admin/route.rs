//! Paths below `/admin/v1/`.

use axum::http::Method;
use domain::event::OperatorRole;

use crate::path;

/// What an admin path says: which collection or thing, of which tenant.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Route {
    Operators,
    Operator(String),
    OperatorKeys(String),
    OperatorKey(String, String),
    Tenants,
    Tenant(String),
    Suspension(String),
    Resumption(String),
    Closure(String),
    Users(String),
    User(String, String),
    Groups(String),
    Group(String, String),
    Roster(String),
    JustInTime(String),
    /// Which kind of thing, and its name.
    Release(String, Released, String),
    Roles(String),
    Role(String, String),
    UserRole(String, String, String),
    Rules(String),
    Rule(String, String),
    Erasure(String, String),
    Lock(String, String),
    Explain(String),
    Check(String),
    Applicable(String),
    AccessDiff(String),
    Credentials(String),
    Credential(String, String),
    Rotation(String, String),
    Connectors(String),
    Connector(String, String),
    Ignored(String, String),
    Schemas(String),
    Policies(String),
    Policy(String, String),
    PolicySchema(String),
    Diff(String),
    Commits(String),
    Feed(String),
    Problems(String),
}

/// What can be released, or by whom all of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Released {
    User,
    Group,
    Connector,
}

impl Route {
    /// Reads a path. None: there is nothing at it.
    pub(crate) fn parse(path: &str) -> Option<Route> {
        let parts = path::parts(path)?;
        let parts: Vec<&str> = parts.iter().map(|part| &**part).collect();
        let own = |text: &&str| (*text).to_owned();
        Some(match parts.as_slice() {
            ["admin", "v1", "operators"] => Route::Operators,
            ["admin", "v1", "operators", who] => Route::Operator(own(who)),
            ["admin", "v1", "operators", who, "keys"] => Route::OperatorKeys(own(who)),
            ["admin", "v1", "operators", who, "keys", key] => {
                Route::OperatorKey(own(who), own(key))
            }
            ["admin", "v1", "tenants"] => Route::Tenants,
            ["admin", "v1", "tenants", slug, rest @ ..] => match rest {
                [] => Route::Tenant(own(slug)),
                ["suspend"] => Route::Suspension(own(slug)),
                ["resume"] => Route::Resumption(own(slug)),
                ["close"] => Route::Closure(own(slug)),
                ["roster"] => Route::Roster(own(slug)),
                ["roles"] => Route::Roles(own(slug)),
                ["roles", name] => Route::Role(own(slug), own(name)),
                ["users"] => Route::Users(own(slug)),
                ["groups"] => Route::Groups(own(slug)),
                ["jit"] => Route::JustInTime(own(slug)),
                ["users", who, "release"] => Route::Release(own(slug), Released::User, own(who)),
                ["groups", which, "release"] => {
                    Route::Release(own(slug), Released::Group, own(which))
                }
                ["connectors", name, "release"] => {
                    Route::Release(own(slug), Released::Connector, own(name))
                }
                ["users", who] => Route::User(own(slug), own(who)),
                ["groups", who] => Route::Group(own(slug), own(who)),
                ["users", user, "roles", role] => Route::UserRole(own(slug), own(user), own(role)),
                ["rules"] => Route::Rules(own(slug)),
                ["rules", id] => Route::Rule(own(slug), own(id)),
                ["users", user, "erase"] => Route::Erasure(own(slug), own(user)),
                ["users", user, "lock"] => Route::Lock(own(slug), own(user)),
                ["explain"] => Route::Explain(own(slug)),
                ["access", "check"] => Route::Check(own(slug)),
                ["access", "list"] => Route::Applicable(own(slug)),
                ["access", "diff"] => Route::AccessDiff(own(slug)),
                ["credentials"] => Route::Credentials(own(slug)),
                ["credentials", id] => Route::Credential(own(slug), own(id)),
                ["credentials", id, "rotate"] => Route::Rotation(own(slug), own(id)),
                ["connectors"] => Route::Connectors(own(slug)),
                ["connectors", name] => Route::Connector(own(slug), own(name)),
                ["connectors", name, "ignored"] => Route::Ignored(own(slug), own(name)),
                ["schemas"] => Route::Schemas(own(slug)),
                ["policies"] => Route::Policies(own(slug)),
                ["policies", name] => Route::Policy(own(slug), own(name)),
                ["policy-schema"] => Route::PolicySchema(own(slug)),
                ["diff"] => Route::Diff(own(slug)),
                ["audit", "commits"] => Route::Commits(own(slug)),
                ["feed"] => Route::Feed(own(slug)),
                ["problems"] => Route::Problems(own(slug)),
                _ => return None,
            },
            _ => return None,
        })
    }

    /// The tenant that it is about.
    pub(crate) fn slug(&self) -> Option<&str> {
        match self {
            Route::Operators
            | Route::Operator(_)
            | Route::OperatorKeys(_)
            | Route::OperatorKey(..)
            | Route::Tenants => None,
            Route::Tenant(slug)
            | Route::Suspension(slug)
            | Route::Resumption(slug)
            | Route::Closure(slug)
            | Route::Users(slug)
            | Route::User(slug, _)
            | Route::Groups(slug)
            | Route::Group(slug, _)
            | Route::Roster(slug)
            | Route::JustInTime(slug)
            | Route::Release(slug, ..)
            | Route::Roles(slug)
            | Route::Role(slug, _)
            | Route::UserRole(slug, ..)
            | Route::Rules(slug)
            | Route::Rule(slug, _)
            | Route::Erasure(slug, _)
            | Route::Lock(slug, _)
            | Route::Explain(slug)
            | Route::Check(slug)
            | Route::Applicable(slug)
            | Route::AccessDiff(slug)
            | Route::Credentials(slug)
            | Route::Credential(slug, _)
            | Route::Rotation(slug, _)
            | Route::Connectors(slug)
            | Route::Connector(slug, _)
            | Route::Ignored(slug, _)
            | Route::Schemas(slug)
            | Route::Policies(slug)
            | Route::Policy(slug, _)
            | Route::PolicySchema(slug)
            | Route::Diff(slug)
            | Route::Commits(slug)
            | Route::Feed(slug)
            | Route::Problems(slug) => Some(slug),
        }
    }

    /// The least that an operator must be for a method of it. Who only asks need be no more than an auditor.
    pub(crate) fn least(&self, method: &Method) -> OperatorRole {
        match self {
            _ if self.only_asks(method) => OperatorRole::Auditor,
            Route::Operators
            | Route::Operator(_)
            | Route::OperatorKeys(_)
            | Route::OperatorKey(..)
            | Route::Closure(_) => OperatorRole::Owner,
            Route::Tenants
            | Route::Tenant(_)
            | Route::Suspension(_)
            | Route::Resumption(_)
            | Route::Check(..)
            | Route::Applicable(..)
            | Route::AccessDiff(..)
            | Route::Roster(_)
            | Route::Rotation(..)
            | Route::JustInTime(_)
            | Route::Release(..)
            | Route::Users(_)
            | Route::User(..)
            | Route::Groups(_)
            | Route::Group(..)
            | Route::Roles(_)
            | Route::Role(..)
            | Route::UserRole(..)
            | Route::Rules(_)
            | Route::Rule(..)
            | Route::Erasure(..)
            | Route::Lock(..)
            | Route::Explain(_)
            | Route::Credentials(_)
            | Route::Credential(..)
            | Route::Connectors(_)
            | Route::Connector(..)
            | Route::Ignored(..)
            | Route::Schemas(_)
            | Route::Policies(_)
            | Route::Policy(..)
            | Route::PolicySchema(_)
            | Route::Diff(_)
            | Route::Commits(_)
            | Route::Feed(_)
            | Route::Problems(_) => OperatorRole::Operator,
        }
    }

    /// The methods that are offered, as `Allow` says them.
    pub(crate) fn methods(&self) -> &'static str {
        match self {
            Route::Operators
            | Route::Tenants
            | Route::Users(_)
            | Route::Groups(_)
            | Route::Roles(_)
            | Route::Rules(_)
            | Route::Credentials(_)
            | Route::Connectors(_)
            | Route::Schemas(_) => "GET, POST",
            Route::Operator(_) | Route::Connector(..) => "GET, PATCH, DELETE",
            Route::OperatorKeys(_) => "POST",
            Route::OperatorKey(..) => "DELETE",
            Route::Tenant(_) => "GET, PATCH",
            Route::Roster(_)
            | Route::Policies(_)
            | Route::Diff(_)
            | Route::Explain(_)
            | Route::Applicable(_)
            | Route::Commits(_)
            | Route::Feed(_)
            | Route::Ignored(..)
            | Route::Problems(_) => "GET",
            Route::Role(..) | Route::Credential(..) => "GET, DELETE",
            Route::Policy(..) => "GET, PUT, DELETE",
            Route::PolicySchema(_) => "GET, PUT",
            Route::Rule(..) => "DELETE",
            Route::UserRole(..) | Route::Lock(..) => "PUT, DELETE",
            Route::User(..) | Route::Group(..) => "GET, PUT, PATCH, DELETE",
            Route::Erasure(..)
            | Route::Rotation(..)
            | Route::Suspension(_)
            | Route::Resumption(_)
            | Route::Closure(_)
            | Route::Check(_)
            | Route::AccessDiff(_)
            | Route::JustInTime(_)
            | Route::Release(..) => "POST",
        }
    }

    /// Whether it only reads, whatever the method: a question that is too long for an address comes as a body.
    pub(crate) fn only_asks(&self, method: &Method) -> bool {
        *method == Method::GET || matches!(self, Route::Check(_) | Route::AccessDiff(_))
    }
}
