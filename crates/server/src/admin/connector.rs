//! Connectors: one identity provider's link each, and how it is read.

use axum::http::StatusCode;
use domain::command::Command;
use domain::directory::Connector;
use domain::event::{ConnectorSettings, Holder, Mode, PatchAnswer, RoleCatalogue, UnknownMembers};
use domain::id::{ConnectorId, TenantId};
use domain::preset::preset;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Asked, done, ok, tenant};
use crate::answer::Answer;
use crate::refused::Refused;
use crate::setup::no_such_preset;
use crate::tally::Tolerated;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct New {
    name: String,
    #[serde(flatten)]
    wanted: Wanted,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    #[serde(flatten)]
    wanted: Wanted,
}

/// Settings as an operator gives them: a preset, and what shall differ from it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wanted {
    preset: Option<String>,
    mode: Option<Mode>,
    empty_unassigns: Option<bool>,
    patch_answer: Option<PatchAnswer>,
    catalogue: Option<RoleCatalogue>,
    unknown_members: Option<UnknownMembers>,
}

impl Wanted {
    /// The settings that follow: a preset is the beginning, else those that are there.
    fn over(self, there: ConnectorSettings) -> Result<ConnectorSettings, Refused> {
        let mut settings = match &self.preset {
            Some(name) => preset(name).ok_or_else(|| no_such_preset(name))?,
            None => there,
        };
        if let Some(mode) = self.mode {
            settings.mode = mode;
        }
        if let Some(empty_unassigns) = self.empty_unassigns {
            settings.empty_unassigns = empty_unassigns;
        }
        if let Some(patch_answer) = self.patch_answer {
            settings.patch_answer = patch_answer;
        }
        if let Some(catalogue) = self.catalogue {
            settings.catalogue = catalogue;
        }
        if let Some(unknown_members) = self.unknown_members {
            settings.unknown_members = unknown_members;
        }
        Ok(settings)
    }
}

/// `GET /admin/v1/tenants/{tenant}/connectors`
pub(super) async fn list(asked: &Asked<'_>, slug: &str) -> Result<Answer, Refused> {
    let (tenant, snapshot) = asked.reading(slug).await?;
    let all = snapshot.directory.connectors.iter();
    let connectors: Vec<Value> = all.map(|one| shown(asked, tenant, one)).collect();
    Ok(ok(StatusCode::OK, &json!({ "connectors": connectors })).at(snapshot.head.position))
}

/// `POST /admin/v1/tenants/{tenant}/connectors`: the answer is the only one that holds its key.
pub(super) async fn add(asked: &Asked<'_>, slug: &str) -> Result<Answer, Refused> {
    let (log, _) = asked.tenant(slug)?;
    let New { name, wanted } = asked.body()?;
    let settings = wanted.over(generic()?)?;
    let connector = ConnectorId::new(asked.app.id());
    asked.submit(log, Command::AddConnector { connector, name, settings }).await?;
    let (issued, receipt) =
        tenant::issue(asked, log, slug, Holder::Connector(connector), None).await?;
    let body = json!({ "id": connector, "credential": issued.id, "apiKey": issued.key });
    Ok(ok(StatusCode::CREATED, &body).of(&receipt))
}

/// What a connector is that nothing is known of.
fn generic() -> Result<ConnectorSettings, Refused> {
    Ok(preset("generic").ok_or_else(|| no_such_preset("generic"))?)
}

/// `PATCH /admin/v1/tenants/{tenant}/connectors/{name}`: what is not named stays.
pub(super) async fn change(asked: &Asked<'_>, slug: &str, name: &str) -> Result<Answer, Refused> {
    let (tenant, snapshot) = asked.tenant(slug)?;
    let there = find(&snapshot.directory.connectors, name)?;
    let settings = asked.body::<Change>()?.wanted.over(there.settings.clone())?;
    let command = Command::ChangeConnector { connector: there.id, settings };
    Ok(done(&asked.submit(tenant, command).await?))
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
