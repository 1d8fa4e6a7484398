//! What operators may do: tenants, credentials, roles.

use std::collections::BTreeSet;

use scim::{Invalid, Value};

use crate::command::Decision;
use crate::directory::Directory;
use crate::event::Event;
use crate::id::{RoleId, TenantId};
use crate::limits::{DESCRIPTION_CHARS, NAME_CHARS, SCHEMA_BYTES, SCHEMAS};
use crate::rejection::Rejection;

/// These events, and nothing left out.
pub(super) fn causes(events: Vec<Event>) -> Result<Decision, Rejection> {
    Ok(Decision { events, ..Decision::default() })
}

pub(super) fn define_role(
    directory: &Directory,
    role: RoleId,
    name: String,
    description: Option<String>,
) -> Result<Decision, Rejection> {
    check_name("role", &name)?;
    let there = directory.roles.named(&name);
    let description = description
        .unwrap_or_else(|| there.map_or(String::new(), |there| there.description.clone()));
    check_description(&description)?;
    causes(match there {
        Some(there) if !there.retired && there.description == description => vec![],
        Some(there) => vec![Event::RoleDefined { role: there.id, name, description }],
        None => vec![Event::RoleDefined { role, name, description }],
    })
}

pub(super) fn retire_role(directory: &Directory, name: String) -> Result<Decision, Rejection> {
    match directory.roles.named(&name) {
        Some(role) if role.retired => causes(vec![]),
        Some(role) if directory.rules.iter().any(|rule| rule.role == role.id) => {
            Err(Rejection::InUse {
                kind: "role",
                name,
                by: "a rule",
                remedy: "remove the rule first; `rollbook rule list` shows it",
            })
        }
        Some(role) => causes(vec![Event::RoleRetired { role: role.id }]),
        None => Err(missing("role", name)),
    }
}

pub(super) fn open_tenant(
    directory: &Directory,
    tenant: TenantId,
    slug: String,
    roles: Vec<(RoleId, String, String)>,
) -> Result<Decision, Rejection> {
    check_slug(&slug)?;
    if directory.tenants.with_slug(&slug).is_some() || directory.tenant.is_some() {
        return Err(taken("tenant", "slug", slug, "choose another slug"));
    }
    let mut events = vec![Event::TenantOpened { tenant, slug }];
    let mut seen = BTreeSet::new();
    for (role, name, description) in roles {
        check_name("role", &name)?;
        check_description(&description)?;
        if !seen.insert(name.clone()) {
            return Err(taken("role", "name", name, "give each role once"));
        }
        events.push(Event::RoleDefined { role, name, description });
    }
    causes(events)
}

/// The same schema for the same type again is nothing to do: whoever sets up a tenant may do it twice.
pub(super) fn add_schema(
    directory: &Directory,
    document: String,
    resource_type: String,
    required: bool,
) -> Result<Decision, Rejection> {
    if document.len() > SCHEMA_BYTES {
        let detail = format!("a schema document has at most {SCHEMA_BYTES} bytes");
        return Err(Invalid::value(detail).into());
    }
    let there = directory.schemas.custom().find(|there| there.document == document);
    if there.is_some_and(|t| t.resource_type == resource_type && t.required == required) {
        return causes(vec![]);
    }
    if directory.schemas.custom().count() >= SCHEMAS {
        return Err(Invalid::value(format!("a tenant adds at most {SCHEMAS} schemas")).into());
    }
    let catalogue = directory.schemas.catalogue();
    let parsed = Value::parse(document.as_bytes())?;
    let extended = catalogue
        .with_extension(&parsed, &resource_type, required)
        .map_err(|bad| Invalid::value(bad.to_string()))?;
    let urn = extended.schemas().last().map(|schema| schema.id.to_string()).unwrap_or_default();
    // Also those whom a connector's lists leave out: they may be let in later.
    let is_taken = match resource_type.as_str() {
        "Group" => !directory.groups.is_empty() || directory.ignored.groups().next().is_some(),
        _ => !directory.users.is_empty() || directory.ignored.users().next().is_some(),
    };
    if required && is_taken {
        let detail = format!(
            "`{urn}` can't be required: there are resources without it. Add it as not required"
        );
        return Err(Invalid::value(detail).into());
    }
    causes(vec![Event::SchemaAdded { urn, resource_type, required, document }])
}

pub(super) fn missing(kind: &'static str, id: String) -> Rejection {
    Rejection::NotFound { kind, id }
}

pub(super) fn taken(
    kind: &'static str,
    attribute: &'static str,
    value: String,
    remedy: &'static str,
) -> Rejection {
    Rejection::Taken { kind, attribute: attribute.into(), value, remedy }
}

/// A slug is what stands in the URL: lower-case letters, digits and hyphens, a letter or digit at
/// both ends.
///
/// # Errors
/// 400 when the text is anything else.
pub fn check_slug(slug: &str) -> Result<(), Rejection> {
    let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let edge = |c: Option<char>| c.is_some_and(|c| c != '-');
    let fits = slug.len() <= NAME_CHARS
        && slug.chars().all(inner)
        && edge(slug.chars().next())
        && edge(slug.chars().next_back());
    if fits {
        return Ok(());
    }
    Err(Invalid::value(format!(
        "`{slug}` is no slug: use up to {NAME_CHARS} lower-case letters, digits and hyphens, as in `acme`"
    ))
    .into())
}

pub(super) fn check_name(kind: &str, name: &str) -> Result<(), Rejection> {
    let fits = !name.trim().is_empty()
        && name.trim() == name
        && name.chars().count() <= NAME_CHARS
        && !name.chars().any(|c| c.is_control() || c == ',' || c == ';');
    if fits {
        return Ok(());
    }
    Err(Invalid::value(format!(
        "`{name}` is no name for a {kind}: use 1 to {NAME_CHARS} characters without comma, semicolon or blanks around"
    ))
    .into())
}

fn check_description(text: &str) -> Result<(), Rejection> {
    if text.chars().count() <= DESCRIPTION_CHARS {
        return Ok(());
    }
    Err(Invalid::value(format!("a description has at most {DESCRIPTION_CHARS} characters")).into())
}
