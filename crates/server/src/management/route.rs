//! Paths of the User and Role Management API.

use crate::path;

/// What a path says.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Route {
    Users,
    User(String),
    Roles,
    Role(String),
}

impl Route {
    /// Reads a path. None: there is nothing at it.
    pub(crate) fn parse(path: &str) -> Option<Route> {
        let parts = path::parts(path)?;
        let parts: Vec<&str> = parts.iter().map(|part| &**part).collect();
        Some(match parts.as_slice() {
            ["api", "v2", "users"] => Route::Users,
            ["api", "v2", "users", id] => Route::User((*id).to_owned()),
            ["api", "v1", "roles"] => Route::Roles,
            ["api", "v1", "roles", id] => Route::Role((*id).to_owned()),
            _ => return None,
        })
    }

    /// The path that leads here.
    pub(crate) fn path(&self) -> String {
        match self {
            Route::Users => "/api/v2/users".to_owned(),
            Route::User(id) => format!("/api/v2/users/{id}"),
            Route::Roles => "/api/v1/roles".to_owned(),
            Route::Role(id) => format!("/api/v1/roles/{id}"),
        }
    }

    /// The methods that are offered, as `Allow` says them.
    pub(crate) fn methods(&self) -> &'static str {
        match self {
            Route::Users | Route::Roles => "GET, POST",
            Route::User(_) | Route::Role(_) => "GET, PUT, DELETE",
        }
    }
}
