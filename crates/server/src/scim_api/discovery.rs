//! What this server can do (RFC 7644 §4).

use axum::http::StatusCode;
use domain::event::RoleCatalogue;
use domain::limits::{PAGE_DEFAULT, PAGE_MAX};
use scim::discovery::{
    self, AuthenticationScheme, BulkOffer, Known, Offer, PaginationOffer, RolesOffer,
};
use scim::limits::BULK_OPERATIONS;

use super::Asked;
use crate::answer::Answer;
use crate::limits::{BULK_BODY_BYTES, CURSOR_SECONDS};
use crate::refused::Refused;

/// `ServiceProviderConfig` is public (R-7643-5-02).
pub(super) fn service_provider_config(base: &str, roles: RoleCatalogue) -> Answer {
    let scheme = |kind: &str, name: &str, description: &str, rfc: u16| AuthenticationScheme {
        kind: kind.to_owned(),
        name: name.to_owned(),
        description: description.to_owned(),
        spec_uri: Some(format!("https://www.rfc-editor.org/info/rfc{rfc}")),
        primary: kind == "oauthbearertoken",
    };
    let offer = Offer {
        documentation_uri: None,
        bulk: Some(BulkOffer {
            max_operations: BULK_OPERATIONS as u64,
            max_payload_bytes: BULK_BODY_BYTES as u64,
        }),
        max_results: PAGE_MAX as u64,
        sort: true,
        etag: true,
        pagination: PaginationOffer {
            cursor_timeout_s: Some(CURSOR_SECONDS),
            default_page_size: PAGE_DEFAULT as u64,
            max_page_size: PAGE_MAX as u64,
        },
        // A tenant has roles only; Okta reads its own form from `/ResourceTypes`.
        roles: (roles == RoleCatalogue::Draft)
            .then_some(RolesOffer { roles: true, entitlements: false }),
        authentication_schemes: vec![
            scheme("oauthbearertoken", "Bearer token", "The API key as a bearer token", 6750),
            scheme(
                "httpbasic",
                "HTTP Basic",
                "The site host as user, the secret as password",
                7617,
            ),
        ],
    };
    Answer::new(StatusCode::OK, Some(discovery::service_provider_config(base, &offer)))
}

/// `/ServiceProviderConfig` of a caller who also asks for what it cannot do.
pub(super) fn config(asked: &Asked<'_>) -> Result<Answer, Refused> {
    unfiltered(asked)?;
    Ok(service_provider_config(&asked.base, asked.caller.roles()))
}

/// `/ResourceTypes`, or one of them.
pub(super) fn resource_types(asked: &Asked<'_>, name: Option<&str>) -> Result<Answer, Refused> {
    unfiltered(asked)?;
    let (catalogue, base) = (&asked.catalogue, asked.base.as_str());
    found(match name {
        None => Some(discovery::resource_types(base, catalogue)),
        Some(name) => discovery::resource_type(base, catalogue, name),
    })
}

/// `/Schemas`, or one of them.
pub(super) fn schemas(asked: &Asked<'_>, urn: Option<&str>) -> Result<Answer, Refused> {
    unfiltered(asked)?;
    let (catalogue, base) = (&asked.catalogue, asked.base.as_str());
    found(match urn {
        None => Some(discovery::schemas(base, catalogue, &[roles(asked)])),
        Some(urn) => discovery::schema(base, catalogue, urn, &[roles(asked)]),
    })
}

/// The roles that users of this tenant can be given: others are left out of a request (behaviour C-07).
fn roles<'a>(asked: &Asked<'_>) -> Known<'a> {
    let roles = asked.caller.snapshot.directory.roles.iter().filter(|role| !role.retired);
    Known {
        schema: "urn:ietf:params:scim:schemas:core:2.0:User",
        attribute: "roles",
        sub: "value",
        values: roles.map(|role| role.name.clone()).collect(),
    }
}

fn unfiltered(asked: &Asked<'_>) -> Result<(), Refused> {
    if asked.parameters.get("filter").is_none() {
        return Ok(());
    }
    let detail = "discovery endpoints are not filtered (RFC 7644 §4): leave `filter` out";
    Err(Refused::new(StatusCode::FORBIDDEN, detail))
}

fn found(body: Option<Vec<u8>>) -> Result<Answer, Refused> {
    body.map(|body| Answer::new(StatusCode::OK, Some(body))).ok_or_else(Refused::no_address)
}
