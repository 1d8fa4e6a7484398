//! Connectors: one identity provider's link each, and how it is read.

use axum::http::{HeaderMap, StatusCode, header};
use domain::command::{Command, NewKey, Notice};
use domain::directory::Connector;
use domain::event::{ConnectorSettings, Holder};
use domain::id::{ConnectorId, CredentialId, TenantId};
use domain::preset::preset;
use domain::rejection::Rejection;
use engine::{Receipt, Refusal};
use serde_json::{Map, Value, json};

use super::{Asked, done, ok};
use crate::answer::Answer;
use crate::limits::SETTINGS_TRIES;
use crate::refused::Refused;
use crate::secret::Secret;
use crate::setup::{SetupError, no_such_preset, purpose};
use crate::tally::Tolerated;

/// Settings as an operator gives them, by name: a preset, and what shall differ from it.
type Wanted = Map<String, Value>;

/// The settings that follow from those that are there: what is not named stays, and a preset decides how the client is
/// read and answered, not what it may do.
fn over(mut wanted: Wanted, there: ConnectorSettings) -> Result<ConnectorSettings, Refused> {
    let settings = match wanted.remove("preset") {
        None => there,
        Some(Value::String(name)) => {
            let preset = preset(&name).ok_or_else(|| no_such_preset(&name))?;
            there.with_dialect_of(preset)
        }
        Some(other) => return Err(misfit(&format!("`preset` is a text, not {other}"))),
    };
    let internal = |error| Refused::internal(&format!("settings are no JSON: {error}"));
    let mut settings = serde_json::to_value(settings).map_err(internal)?;
    if let Some(settings) = settings.as_object_mut() {
        settings.extend(wanted);
    }
    serde_json::from_value(settings).map_err(|error| misfit(&error))
}

fn misfit(why: &dyn std::fmt::Display) -> Refused {
    scim::Invalid::syntax(format!("the body does not fit: {why}")).into()
}

/// What stands for settings in `ETag` and `If-Match`. Settings that are the same again are the same version: a change that
/// was made of them is right.
pub(super) fn tag(settings: &ConnectorSettings) -> String {
    let bytes = serde_json::to_vec(settings).unwrap_or_default();
    let hash = eventlog::hash(&bytes).to_string();
    format!("\"{}\"", hash.get(..TAG_CHARS).unwrap_or(&hash))
}

/// Characters of a hash that tell two settings apart.
const TAG_CHARS: usize = 16;

/// Whether `If-Match` is there, and whether it names these settings.
fn matches(headers: &HeaderMap, settings: &ConnectorSettings) -> Option<bool> {
    let tag = tag(settings);
    let mut named = None;
    for value in headers.get_all(header::IF_MATCH) {
        let text = value.to_str().unwrap_or_default();
        let mut tags = text.split(',').map(|tag| tag.trim().trim_start_matches("W/"));
        named = Some(named.unwrap_or(false) || tags.any(|named| named == "*" || named == tag));
    }
    named
}

/// `GET /admin/v1/tenants/{tenant}/connectors`
pub(super) async fn list(asked: &Asked<'_>, slug: &str) -> Result<Answer, Refused> {
    let (tenant, snapshot) = asked.reading(slug).await?;
    let all = snapshot.directory.connectors.iter();
    let connectors: Vec<Value> = all.map(|one| shown(asked, tenant, one)).collect();
    Ok(ok(StatusCode::OK, &json!({ "connectors": connectors })).at(snapshot.head.position))
}

/// `POST /admin/v1/tenants/{tenant}/connectors`: the connector and its first key, in one commit. The answer is the only one
/// that holds the key.
pub(super) async fn add(asked: &Asked<'_>, slug: &str) -> Result<Answer, Refused> {
    let (log, _) = asked.tenant(slug)?;
    let mut wanted: Wanted = asked.body()?;
    let name = match wanted.remove("name") {
        Some(Value::String(name)) => name,
        Some(_) | None => return Err(misfit(&"`name` is missing, or no text")),
    };
    let first = match wanted.remove("preset") {
        None => "generic".to_owned(),
        Some(Value::String(name)) => name,
        Some(other) => return Err(misfit(&format!("`preset` is a text, not {other}"))),
    };
    let settings = over(wanted, preset(&first).ok_or_else(|| no_such_preset(&first))?)?;
    let etag = tag(&settings);
    let connector = ConnectorId::new(asked.app.id());
    let secret = Secret::random(purpose(Holder::Connector(connector)))
        .map_err(|error| Refused::internal(&SetupError::Randomness(error).to_string()))?;
    let credential = CredentialId::new(asked.app.id());
    let key = NewKey { credential, hash: secret.hash(), hint: secret.hint(), expires: None };
    let command = Command::AddConnector { connector, name, settings, key: Some(key) };
    let receipt = asked.submit(log, command).await?;
    let key = format!("{slug}:{}", secret.expose());
    let body = json!({
        "id": connector, "credential": credential, "apiKey": key, "scimBaseUrl": asked.scim_base_url(slug),
    });
    Ok(ok(StatusCode::CREATED, &body).of(&receipt).with(header::ETAG, etag))
}

/// `PATCH /admin/v1/tenants/{tenant}/connectors/{name}`: what is not named stays, also when somebody else changes it at the
/// same time. With `If-Match`, only the settings that it names are changed.
pub(super) async fn change(asked: &Asked<'_>, slug: &str, name: &str) -> Result<Answer, Refused> {
    let wanted: Wanted = asked.body()?;
    for _ in 0..SETTINGS_TRIES {
        let (tenant, snapshot) = asked.tenant(slug)?;
        let there = find(&snapshot.directory.connectors, name)?;
        let from = there.settings.clone();
        if matches(&asked.parts.headers, &from) == Some(false) {
            return Err(overtaken(name));
        }
        let settings = over(wanted.clone(), from.clone())?;
        let etag = tag(&settings);
        let (connector, from) = (there.id, Some(Box::new(from)));
        let command = Command::ChangeConnector { connector, settings: settings.clone(), from };
        let origin = asked.visit.origin(asked.actor());
        match asked.app.engine.submit(tenant, origin, command).await {
            Err(Refusal::Rejected(Rejection::Overtaken { .. })) => {}
            done_or_not => {
                let receipt = moved(asked, tenant, connector, settings, done_or_not?).await?;
                return Ok(told(&receipt).with(header::ETAG, etag));
            }
        }
    }
    let detail = "others change this connector all the time: try again in a moment";
    Err(Refused::later(StatusCode::SERVICE_UNAVAILABLE, detail))
}

/// `DELETE /admin/v1/tenants/{tenant}/connectors/{name}`: it goes, with its keys, when nothing comes from it any more.
pub(super) async fn remove(asked: &Asked<'_>, slug: &str, name: &str) -> Result<Answer, Refused> {
    let (tenant, snapshot) = asked.tenant(slug)?;
    let connector = find(&snapshot.directory.connectors, name)?.id;
    Ok(done(&asked.submit(tenant, Command::RemoveConnector { connector }).await?))
}

/// Whom new lists let in or leave out, moves with them; who found no room in that commit, in the next ones.
async fn moved(
    asked: &Asked<'_>,
    tenant: TenantId,
    connector: ConnectorId,
    settings: ConnectorSettings,
    first: Receipt,
) -> Result<Receipt, Refused> {
    let is_waiting = |receipt: &Receipt| {
        let waits = |notice: &Notice| matches!(notice, Notice::StillToMove(_));
        receipt.position.is_some() && receipt.notices.iter().any(waits)
    };
    let mut receipt = first;
    asked.look_after(tenant, &receipt);
    while is_waiting(&receipt) {
        let from = Some(Box::new(settings.clone()));
        let command = Command::ChangeConnector { connector, settings: settings.clone(), from };
        let origin = asked.visit.origin(asked.actor());
        match asked.app.engine.submit(tenant, origin, command).await {
            // Whoever changed them meanwhile moves the rest.
            Err(Refusal::Rejected(Rejection::Overtaken { .. })) => break,
            next => receipt = next?,
        }
        asked.look_after(tenant, &receipt);
    }
    Ok(receipt)
}

/// What was done, and who could not be moved.
fn told(receipt: &Receipt) -> Answer {
    let notes: Vec<String> = receipt.notices.iter().map(ToString::to_string).collect();
    if notes.is_empty() {
        return done(receipt);
    }
    let changed = receipt.position.is_some();
    let body = json!({ "position": receipt.position, "changed": changed, "notes": notes });
    ok(StatusCode::OK, &body).of(receipt)
}

fn overtaken(name: &str) -> Refused {
    Rejection::Overtaken { kind: "connector", name: name.to_owned() }.into()
}

fn find<'a>(
    connectors: &'a domain::directory::Connectors,
    name: &str,
) -> Result<&'a Connector, Refused> {
    connectors.named(name).ok_or_else(|| {
        let detail = format!("there is no connector `{name}`: list them to see which there are");
        Refused::new(StatusCode::NOT_FOUND, detail)
    })
}

/// A connector. What was tolerated of its client is counted beside the log: it is told of now, not of the past.
fn shown(asked: &Asked<'_>, tenant: TenantId, connector: &Connector) -> Value {
    json!({
        "id": connector.id,
        "name": connector.name,
        "settings": connector.settings,
        "created": connector.created.at,
        "tolerated": (!asked.is_past()).then(|| tolerated(asked, tenant, connector.id)),
    })
}

/// What its client sent that the RFCs do not have.
pub(super) fn tolerated(asked: &Asked<'_>, tenant: TenantId, connector: ConnectorId) -> Value {
    let Tolerated { requests, strict_would_refuse, since, rules, .. } =
        asked.app.tally.of(&asked.app.engine, tenant, connector);
    let rules: Vec<Value> = rules
        .into_iter()
        .map(|(quirk, times)| {
            json!({ "rule": quirk.as_str(), "what": quirk.describe(), "times": times })
        })
        .collect();
    json!({
        "since": since, "requests": requests, "strictWouldRefuse": strict_would_refuse,
        "rules": rules,
    })
}
