//! Requests by what they ask for, counted as they are answered.
//!
//! Two atomic additions for each request, and no allocation: what a path names is looked for in place. The kinds are few and
//! fixed, whatever clients send: neither an id nor a slug nor a method of a client's own becomes one.

use std::time::Duration;

use axum::http::{Method, StatusCode};
use eventlog::{Counted, Histogram, TIMES};

/// What a path asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asks {
    ScimUsers,
    ScimUser,
    ScimGroups,
    ScimGroup,
    ScimRoles,
    ScimBulk,
    ScimSearch,
    ScimMe,
    ScimDiscovery,
    ScimOther,
    Management,
    Admin,
    Feed,
    OAuth,
    Operations,
    Other,
}

impl Asks {
    const ALL: [Asks; 16] = [
        Asks::ScimUsers,
        Asks::ScimUser,
        Asks::ScimGroups,
        Asks::ScimGroup,
        Asks::ScimRoles,
        Asks::ScimBulk,
        Asks::ScimSearch,
        Asks::ScimMe,
        Asks::ScimDiscovery,
        Asks::ScimOther,
        Asks::Management,
        Asks::Admin,
        Asks::Feed,
        Asks::OAuth,
        Asks::Operations,
        Asks::Other,
    ];

    /// What a path asks for, whether or not there is anything at it.
    pub(crate) fn of(path: &str) -> Asks {
        let mut parts = path.split('/').filter(|part| !part.is_empty());
        match parts.next() {
            Some("scim") => Asks::of_scim(parts.skip(1)),
            Some("admin") if parts.next_back() == Some("feed") => Asks::Feed,
            Some("admin") => Asks::Admin,
            Some("api") => Asks::Management,
            Some("oauth" | ".well-known") => Asks::OAuth,
            Some("healthz" | "readyz" | "metrics" | "openapi.json") => Asks::Operations,
            Some(_) | None => Asks::Other,
        }
    }

    /// The same behind the tenant: perhaps a connector and a version, then an endpoint.
    fn of_scim<'a>(mut parts: impl Iterator<Item = &'a str>) -> Asks {
        let endpoint = parts.by_ref().take(3).find_map(|part| match part {
            "Users" => Some((Asks::ScimUsers, Asks::ScimUser)),
            "Groups" => Some((Asks::ScimGroups, Asks::ScimGroup)),
            "Roles" | "Entitlements" => Some((Asks::ScimRoles, Asks::ScimRoles)),
            "Bulk" => Some((Asks::ScimBulk, Asks::ScimOther)),
            ".search" => Some((Asks::ScimSearch, Asks::ScimOther)),
            "Me" => Some((Asks::ScimMe, Asks::ScimOther)),
            "ServiceProviderConfig" | "ResourceTypes" | "Schemas" => {
                Some((Asks::ScimDiscovery, Asks::ScimDiscovery))
            }
            _ => None,
        });
        let Some((all, one)) = endpoint else { return Asks::ScimOther };
        match parts.next() {
            None => all,
            Some(".search") => Asks::ScimSearch,
            Some(_) => one,
        }
    }

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Asks::ScimUsers => "scim_users",
            Asks::ScimUser => "scim_user",
            Asks::ScimGroups => "scim_groups",
            Asks::ScimGroup => "scim_group",
            Asks::ScimRoles => "scim_roles",
            Asks::ScimBulk => "scim_bulk",
            Asks::ScimSearch => "scim_search",
            Asks::ScimMe => "scim_me",
            Asks::ScimDiscovery => "scim_discovery",
            Asks::ScimOther => "scim_other",
            Asks::Management => "management",
            Asks::Admin => "admin",
            Asks::Feed => "feed",
            Asks::OAuth => "oauth",
            Asks::Operations => "operations",
            Asks::Other => "other",
        }
    }
}

/// Methods that are told apart; the last stands for all others.
const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "other"];
/// Classes of statuses.
const CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];

/// The name that a method is counted under.
pub(crate) fn method_name(method: &Method) -> &'static str {
    METHODS.get(method_number(method)).copied().unwrap_or("other")
}

fn method_number(method: &Method) -> usize {
    match *method {
        Method::GET => 0,
        Method::HEAD => 1,
        Method::POST => 2,
        Method::PUT => 3,
        Method::PATCH => 4,
        Method::DELETE => 5,
        _ => METHODS.len() - 1,
    }
}

/// How long answers took, by what was asked for, method and class of status.
#[derive(Debug)]
pub struct Requests(Box<[Histogram]>);

/// What is counted of one kind of request and one method.
pub(crate) struct Told {
    pub(crate) asks: &'static str,
    pub(crate) method: &'static str,
    /// By class of status; those that there were.
    pub(crate) classes: Vec<(&'static str, u64)>,
    /// In nanoseconds.
    pub(crate) took: Counted,
}

impl Default for Requests {
    fn default() -> Self {
        let all = Asks::ALL.len() * METHODS.len() * CLASSES.len();
        Requests((0..all).map(|_| Histogram::new(TIMES)).collect())
    }
}

impl Requests {
    /// One was answered, after so long.
    pub(crate) fn answered(&self, asks: Asks, method: &Method, status: StatusCode, long: Duration) {
        let class = usize::from(status.as_u16() / 100).clamp(1, CLASSES.len()) - 1;
        let kind = asks as usize * METHODS.len() + method_number(method);
        if let Some(histogram) = self.0.get(kind * CLASSES.len() + class) {
            histogram.took(long);
        }
    }

    /// What was counted, of kinds and methods that there were.
    pub(crate) fn told(&self) -> Vec<Told> {
        let kinds = Asks::ALL.iter().flat_map(|asks| METHODS.iter().map(move |m| (asks, *m)));
        kinds
            .zip(self.0.chunks(CLASSES.len()))
            .filter_map(|((asks, method), classes)| {
                let counted: Vec<Counted> = classes.iter().map(Histogram::counted).collect();
                let mut took = counted.first()?.clone();
                counted.iter().skip(1).for_each(|class| took.add(class));
                let classes = CLASSES.into_iter().zip(counted.iter().map(Counted::total));
                let classes: Vec<_> = classes.filter(|(_, times)| *times > 0).collect();
                (!classes.is_empty()).then(|| Told { asks: asks.as_str(), method, classes, took })
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_of_a_kind() {
        for (path, kind) in [
            ("/scim/acme/v2/Users", "scim_users"),
            ("/scim//acme/v2/Users/", "scim_users"),
            ("/scim/acme/Users", "scim_users"),
            ("/scim/acme/okta/v2/Users/2819c223", "scim_user"),
            ("/scim/acme/v2/Users/.search", "scim_search"),
            ("/scim/acme/v2/.search", "scim_search"),
            ("/scim/acme/v2/Groups", "scim_groups"),
            ("/scim/acme/v2/Groups/Users", "scim_group"),
            ("/scim/acme/v2/Entitlements/x", "scim_roles"),
            ("/scim/acme/v2/Bulk", "scim_bulk"),
            ("/scim/acme/v2/Me", "scim_me"),
            ("/scim/acme/v2/Schemas/urn:x", "scim_discovery"),
            ("/scim/acme/v2", "scim_other"),
            ("/scim/Users", "scim_other"),
            ("/admin/v1/tenants", "admin"),
            ("/admin/v1/tenants/acme/feed", "feed"),
            ("/api/v2/users/x", "management"),
            ("/oauth/acme/token", "oauth"),
            ("/.well-known/oauth-protected-resource/scim/acme/v2", "oauth"),
            ("/metrics", "operations"),
            ("/", "other"),
            ("*", "other"),
            ("/nowhere/Users", "other"),
        ] {
            assert_eq!(Asks::of(path).as_str(), kind, "{path}");
        }
    }

    #[test]
    fn each_kind_has_its_place() {
        let requests = Requests::default();
        assert!(requests.told().is_empty());
        let mut sent = 0;
        for asks in Asks::ALL {
            for (number, method) in METHODS.iter().enumerate() {
                let method = Method::from_bytes(method.as_bytes()).unwrap();
                for status in [100, 204, 304, 404, 599] {
                    let status = StatusCode::from_u16(status).unwrap();
                    let long = Duration::from_millis(asks as u64 * 10 + number as u64);
                    requests.answered(asks, &method, status, long);
                    sent += 1;
                }
            }
        }
        let told = requests.told();
        assert_eq!(told.len(), Asks::ALL.len() * METHODS.len());
        for (number, one) in told.iter().enumerate() {
            assert_eq!(one.classes, CLASSES.map(|class| (class, 1)));
            let millis = number / METHODS.len() * 10 + number % METHODS.len();
            assert_eq!(one.took.sum, 5 * millis as u64 * 1_000_000, "{} {}", one.asks, one.method);
        }
        assert_eq!(told.iter().map(|one| one.took.total()).sum::<u64>(), sent);
    }
}
