//! What operators may do: tenants, connectors, credentials, roles.

use scim::Invalid;

use crate::command::{Command, Decision};
use crate::directory::Directory;
use crate::event::{Event, Holder};
use crate::limits::{DESCRIPTION_CHARS, NAME_CHARS};
use crate::rejection::Rejection;

pub(super) fn decide(directory: &Directory, command: Command) -> Result<Decision, Rejection> {
    let events = match command {
        Command::DefineRole { role, name, description } => {
            check_name("role", &name)?;
            check_description(&description)?;
            match directory.roles.named(&name) {
                Some(there) if !there.retired && there.description == description => vec![],
                Some(there) => vec![Event::RoleDefined { role: there.id, name, description }],
                None => vec![Event::RoleDefined { role, name, description }],
            }
        }
        Command::RetireRole { name } => match directory.roles.named(&name) {
            Some(role) if role.retired => vec![],
            Some(role) => vec![Event::RoleRetired { role: role.id }],
            None => return Err(missing("role", name)),
        },
        Command::OpenTenant { tenant, slug, roles } => {
            check_slug(&slug)?;
            if directory.tenants.with_slug(&slug).is_some() || directory.tenant.is_some() {
                return Err(taken("tenant", "slug", slug, "choose another slug"));
            }
            let mut events = vec![Event::TenantOpened { tenant, slug }];
            for (role, name, description) in roles {
                check_name("role", &name)?;
                events.push(Event::RoleDefined { role, name, description });
            }
            events
        }
        Command::AddConnector { connector, name, settings } => {
            check_name("connector", &name)?;
            if directory.connectors.named(&name).is_some() {
                return Err(taken("connector", "name", name, "choose another name"));
            }
            vec![Event::ConnectorAdded { connector, name, settings }]
        }
        Command::AddOperator { operator, name } => {
            check_name("operator", &name)?;
            vec![Event::OperatorAdded { operator, name }]
        }
        Command::IssueCredential { credential, holder, hash, hint, expires } => {
            let there = match holder {
                Holder::Connector(id) => directory.connectors.get(id).is_some(),
                Holder::Operator(id) => directory.operators.get(id).is_some(),
            };
            if !there {
                let id = match holder {
                    Holder::Connector(id) => id.to_string(),
                    Holder::Operator(id) => id.to_string(),
                };
                return Err(missing("holder", id));
            }
            if directory.credentials.with_hash(&hash).is_some() {
                return Err(taken("credential", "secret", hint, "let the server make a secret"));
            }
            vec![Event::CredentialIssued { credential, holder, hash, hint, expires }]
        }
        Command::RevokeCredential { credential } => match directory.credentials.get(credential) {
            Some(there) if there.revoked.is_some() => vec![],
            Some(_) => vec![Event::CredentialRevoked { credential }],
            None => return Err(missing("credential", credential.to_string())),
        },
        Command::User(..)
        | Command::Group(..)
        | Command::AssignRole { .. }
        | Command::RevokeRole { .. } => vec![],
    };
    Ok(Decision { events, notices: Vec::new() })
}

fn missing(kind: &'static str, id: String) -> Rejection {
    Rejection::NotFound { kind, id }
}

fn taken(
    kind: &'static str,
    attribute: &'static str,
    value: String,
    remedy: &'static str,
) -> Rejection {
    Rejection::Taken { kind, attribute, value, remedy }
}

/// A slug is what stands in the URL: lower-case letters, digits and hyphens, a letter or digit at
/// both ends.
fn check_slug(slug: &str) -> Result<(), Rejection> {
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

fn check_name(kind: &str, name: &str) -> Result<(), Rejection> {
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
