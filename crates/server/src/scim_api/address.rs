//! Paths below `/scim/`: which tenant, which version, which endpoint.

use domain::credential::Scope;

use crate::limits::{BULK_BODY_BYTES, GROUP_BODY_BYTES, USER_BODY_BYTES};
use crate::path;

/// What a path says.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Address {
    pub(super) slug: String,
    /// The connector that the path names, as in `/scim/acme/okta/v2/Users`.
    pub(super) connector: Option<String>,
    pub(super) version: Version,
    /// None: there is no such endpoint.
    pub(super) endpoint: Option<Endpoint>,
}

/// The protocol version in a path (RFC 7644 §3.13).
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Version {
    /// `v2`, or none, which means the latest.
    Two,
    /// Another one, as it was written.
    Other(String),
}

/// A type of resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    User,
    Group,
    /// Read only, and only where the connector publishes roles.
    Role,
    /// Read only, and only where the connector publishes roles in the draft's form.
    Entitlement,
}

impl Kind {
    pub(crate) const ALL: [Kind; 4] = [Kind::User, Kind::Group, Kind::Role, Kind::Entitlement];

    /// Those that clients write.
    pub(crate) const WRITTEN: [Kind; 2] = [Kind::User, Kind::Group];

    /// The resource type's name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Kind::User => "User",
            Kind::Group => "Group",
            Kind::Role => "Role",
            Kind::Entitlement => "Entitlement",
        }
    }

    /// The scope that reading it needs.
    pub(crate) fn read(self) -> Scope {
        match self {
            Kind::User => Scope::UsersRead,
            Kind::Group => Scope::GroupsRead,
            Kind::Role | Kind::Entitlement => Scope::RolesRead,
        }
    }

    /// The scope that writing it needs. Roles and entitlements are not written: who tries is told so.
    pub(crate) fn write(self) -> Scope {
        match self {
            Kind::User => Scope::UsersWrite,
            Kind::Group => Scope::GroupsWrite,
            Kind::Role | Kind::Entitlement => Scope::RolesRead,
        }
    }

    /// The type with this name.
    pub(super) fn named(name: &str) -> Option<Kind> {
        Kind::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// The endpoint's name.
    pub(crate) fn plural(self) -> &'static str {
        match self {
            Kind::User => "Users",
            Kind::Group => "Groups",
            Kind::Role => "Roles",
            Kind::Entitlement => "Entitlements",
        }
    }
}

/// An endpoint of the protocol.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Endpoint {
    List(Kind),
    /// Resources of every type (RFC 7644 §3.4.2.1).
    ListAll,
    Search(Kind),
    SearchAll,
    One(Kind, String),
    Bulk,
    ServiceProviderConfig,
    ResourceTypes(Option<String>),
    Schemas(Option<String>),
    /// The user whose key was shown.
    Me,
}

impl Endpoint {
    /// The methods that are offered, as `Allow` says them.
    pub(crate) fn methods(&self) -> &'static str {
        match self {
            Endpoint::List(Kind::User | Kind::Group) => "GET, HEAD, POST",
            Endpoint::List(Kind::Role | Kind::Entitlement) | Endpoint::ListAll => "GET, HEAD",
            Endpoint::Search(_) | Endpoint::SearchAll | Endpoint::Bulk => "POST",
            Endpoint::One(Kind::User | Kind::Group, _) => "GET, HEAD, PUT, PATCH, DELETE",
            Endpoint::One(Kind::Role | Kind::Entitlement, _) => "GET, HEAD",
            Endpoint::ServiceProviderConfig | Endpoint::ResourceTypes(_) | Endpoint::Schemas(_) => {
                "GET, HEAD"
            }
            Endpoint::Me => "GET, HEAD",
        }
    }

    /// How many bytes a body may have.
    pub(super) fn body_limit_bytes(&self) -> usize {
        match self {
            Endpoint::List(Kind::Group) | Endpoint::One(Kind::Group, _) => GROUP_BODY_BYTES,
            Endpoint::Bulk => BULK_BODY_BYTES,
            Endpoint::List(Kind::User | Kind::Role | Kind::Entitlement)
            | Endpoint::One(Kind::User | Kind::Role | Kind::Entitlement, _)
            | Endpoint::Search(_)
            | Endpoint::SearchAll
            | Endpoint::ListAll
            | Endpoint::ServiceProviderConfig
            | Endpoint::ResourceTypes(_)
            | Endpoint::Schemas(_)
            | Endpoint::Me => USER_BODY_BYTES,
        }
    }
}

impl Address {
    /// Reads a path. Doubled slashes and one at the end do not matter (L-09). None: it names no
    /// tenant.
    pub(super) fn parse(path: &str) -> Option<Address> {
        let parts = path::parts(path)?;
        let parts: Vec<&str> = parts.iter().map(|part| &**part).collect();
        let mut parts = parts.as_slice();
        let next = |parts: &mut &[_]| parts.split_off_first().copied();
        if next(&mut parts)? != "scim" {
            return None;
        }
        let slug = next(&mut parts)?.to_owned();
        // What stands before the version and is no endpoint is a connector: without a version, the endpoint comes at once.
        let names = match parts {
            [first, second, ..] => !is_version(first) && !is_endpoint(first) && is_version(second),
            [] | [_] => false,
        };
        let connector = if names { next(&mut parts).map(str::to_owned) } else { None };
        let version = match parts.first() {
            Some(part) if is_version(part) => next(&mut parts),
            Some(_) | None => None,
        };
        let version = match version {
            Some(version) if version != "v2" => Version::Other(version.to_owned()),
            Some(_) | None => Version::Two,
        };
        Some(Address { slug, connector, version, endpoint: endpoint(parts) })
    }
}

fn is_version(part: &str) -> bool {
    part.strip_prefix('v').is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()))
}

/// Whether a part of a path is where an endpoint begins.
fn is_endpoint(part: &str) -> bool {
    endpoint(&[part]).is_some()
}

fn endpoint(parts: &[&str]) -> Option<Endpoint> {
    let kind = |name: &str| Kind::ALL.into_iter().find(|kind| kind.plural() == name);
    match parts {
        ["ServiceProviderConfig"] => Some(Endpoint::ServiceProviderConfig),
        ["ResourceTypes"] => Some(Endpoint::ResourceTypes(None)),
        ["ResourceTypes", name] => Some(Endpoint::ResourceTypes(Some((*name).to_owned()))),
        ["Schemas"] => Some(Endpoint::Schemas(None)),
        ["Schemas", urn] => Some(Endpoint::Schemas(Some((*urn).to_owned()))),
        ["Me"] => Some(Endpoint::Me),
        ["Bulk"] => Some(Endpoint::Bulk),
        [] => Some(Endpoint::ListAll),
        [".search"] => Some(Endpoint::SearchAll),
        [plural] => kind(plural).map(Endpoint::List),
        [plural, ".search"] => kind(plural).map(Endpoint::Search),
        [plural, id] => kind(plural).map(|kind| Endpoint::One(kind, (*id).to_owned())),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_lead_to_endpoints() {
        let check = |path: &str, endpoint: Option<Endpoint>| {
            let address = Address::parse(path).unwrap();
            assert_eq!((address.slug.as_str(), address.endpoint), ("acme", endpoint), "{path}");
            assert_eq!(address.connector, None, "{path}");
        };
        let through = |path: &str, connector: &str, endpoint: Option<Endpoint>| {
            let address = Address::parse(path).unwrap();
            assert_eq!(address.connector.as_deref(), Some(connector), "{path}");
            assert_eq!((address.slug.as_str(), address.endpoint), ("acme", endpoint), "{path}");
        };
        through("/scim/acme/okta/v2/Users", "okta", Some(Endpoint::List(Kind::User)));
        through("/scim/acme/my%20okta/v2/", "my okta", Some(Endpoint::ListAll));
        through(
            "/scim/acme/okta/v2/Users/v2",
            "okta",
            Some(Endpoint::One(Kind::User, "v2".into())),
        );
        check("/scim/acme/Users/v2", Some(Endpoint::One(Kind::User, "v2".into())));
        check("/scim/acme/okta/Users", None);
        check("/scim/acme/v2/Users", Some(Endpoint::List(Kind::User)));
        check("/scim/acme/Users/", Some(Endpoint::List(Kind::User)));
        check("/scim/acme/v2//Groups/.search", Some(Endpoint::Search(Kind::Group)));
        check("/scim/acme/v2/Users/%34%32", Some(Endpoint::One(Kind::User, "42".into())));
        check("/scim/acme/v2/Bulk", Some(Endpoint::Bulk));
        check("/scim/acme/v2/Schemas/urn:x:y", Some(Endpoint::Schemas(Some("urn:x:y".into()))));
        check("/scim/acme/v2/Users/1/2", None);
        check("/scim/acme/v2", Some(Endpoint::ListAll));
        check("/scim/acme/v2/.search", Some(Endpoint::SearchAll));
        assert_eq!(Address::parse("/scim"), None);
        let old = Address::parse("/scim/acme/v1/Users").unwrap();
        assert_eq!(old.version, Version::Other("v1".into()));
    }
}
