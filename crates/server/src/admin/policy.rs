//! Policies, and what they can speak about.

use ::audit::find_named;
use access::{Fault, Which};
use axum::http::{StatusCode, header};
use domain::command::{Command, Expected};
use domain::directory::Directory;
use domain::id::PolicyId;
use domain::position::Position;
use domain::rejection::Rejection;
use engine::{Receipt, Refusal};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Asked, done, ok};
use crate::answer::{Answer, etag};
use crate::limits::SETTINGS_TRIES;
use crate::refused::Refused;
use crate::scim_api::expected;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Text {
    /// In Cedar's language.
    text: String,
}

/// A text that makes sense, and what to say of it.
struct Checked {
    text: String,
    warnings: Vec<Fault>,
    ground: Option<Position>,
}

/// `GET /admin/v1/tenants/{tenant}/policies`: all of them, or those that name somebody (`naming`), or somebody who is gone
/// (`dangling=true`).
pub(super) async fn list(asked: &Asked<'_>, slug: &str) -> Result<Answer, Refused> {
    let (_, snapshot) = asked.reading(slug).await?;
    let naming = asked.parameters.get("naming").map(|word| find_named(&snapshot, word));
    let naming = naming
        .transpose()
        .map_err(|unknown| Refused::new(StatusCode::NOT_FOUND, unknown.to_string()))?;
    let dangling = asked.parameters.parsed("dangling", "`true` or `false`")?.unwrap_or(false);
    let position = snapshot.head.position;
    let work = move || access::listed(&snapshot.directory, &Which { naming, dangling });
    let policies = tokio::task::spawn_blocking(work).await.map_err(Refused::broken_off)?;
    let policies = json(&policies)?;
    Ok(ok(StatusCode::OK, &json!({ "policies": policies })).at(position))
}

/// `GET /admin/v1/tenants/{tenant}/policies/{name}`
pub(super) async fn show(asked: &Asked<'_>, slug: &str, name: &str) -> Result<Answer, Refused> {
    let (_, snapshot) = asked.reading(slug).await?;
    let found = snapshot.directory.policies.named(name);
    let policy = found.ok_or_else(|| {
        let detail = format!("there is no policy `{name}`: list them to see which there are");
        Refused::new(StatusCode::NOT_FOUND, detail)
    })?;
    let shown = json(&access::listed::one(policy, &snapshot.directory))?;
    let answer = ok(StatusCode::OK, &shown).at(snapshot.head.position);
    Ok(answer.with(header::ETAG, etag(policy.modified.position)))
}

/// `PUT /admin/v1/tenants/{tenant}/policies/{name}`: writes it, or writes it anew, if it makes sense beside the others.
pub(super) async fn write(asked: &Asked<'_>, slug: &str, name: &str) -> Result<Answer, Refused> {
    let Text { text } = asked.body()?;
    let (given, called) = (text.clone(), name.to_owned());
    let check = move |directory: &Directory| {
        let others = directory.policies.iter();
        let others = others.filter(|policy| scim::fold(&policy.name) != scim::fold(&called));
        let all = others.map(|policy| (policy.name.as_str(), policy.text.as_str()));
        let all = all.chain([(called.as_str(), given.as_str())]);
        let warnings = access::validate(&directory.schemas, declared(directory), all)?;
        Ok((access::bind(&called, &given, directory)?, warnings))
    };
    let policy = PolicyId::new(asked.app.id());
    let command = |checked: &Checked, expected| Command::WritePolicy {
        policy,
        name: name.to_owned(),
        text: checked.text.clone(),
        expected,
        ground: checked.ground,
    };
    submit(asked, slug, check, command).await
}

/// `DELETE /admin/v1/tenants/{tenant}/policies/{name}`
pub(super) async fn delete(asked: &Asked<'_>, slug: &str, name: &str) -> Result<Answer, Refused> {
    let (tenant, _) = asked.tenant(slug)?;
    let command = Command::DeletePolicy { name: name.to_owned(), expected: wanted(asked) };
    Ok(done(&asked.submit(tenant, command).await?))
}

/// `GET /admin/v1/tenants/{tenant}/policy-schema`: what the tenant declared, and what is there by itself.
pub(super) async fn schema(asked: &Asked<'_>, slug: &str) -> Result<Answer, Refused> {
    let (_, snapshot) = asked.reading(slug).await?;
    let directory = &snapshot.directory;
    let schema = directory.policy_schema.as_ref();
    let body = json!({
        "text": declared(directory),
        "principals": access::types::principals(&directory.schemas),
        "changed": schema.map(|schema| schema.changed.at),
        "version": schema.map(|schema| schema.changed.position),
    });
    let answer = ok(StatusCode::OK, &body).at(snapshot.head.position);
    Ok(match schema {
        Some(schema) => answer.with(header::ETAG, etag(schema.changed.position)),
        None => answer,
    })
}

/// `PUT /admin/v1/tenants/{tenant}/policy-schema`: declares the actions and types of resources of the tenant's applications,
/// if every policy makes sense with them.
pub(super) async fn write_schema(asked: &Asked<'_>, slug: &str) -> Result<Answer, Refused> {
    let Text { text } = asked.body()?;
    let check = move |directory: &Directory| {
        // Places are told in the texts that people read, and not in those that are kept.
        let all = directory.policies.iter();
        let all = all.map(|policy| (&*policy.name, access::shown(&policy.text, directory)));
        let all: Vec<(&str, String)> = all.collect();
        let texts = all.iter().map(|(name, text)| (*name, text.as_str()));
        let warnings = access::validate(&directory.schemas, &text, texts)?;
        Ok((text.clone(), warnings))
    };
    let command = |checked: &Checked, expected| Command::WritePolicySchema {
        text: checked.text.clone(),
        expected,
        ground: checked.ground,
    };
    submit(asked, slug, check, command).await
}

/// Checks a text, and has it written if nothing has changed meanwhile of what it was checked against; else once more.
async fn submit(
    asked: &Asked<'_>,
    slug: &str,
    check: impl Fn(&Directory) -> Result<(String, Vec<Fault>), Vec<Fault>> + Clone + Send + 'static,
    command: impl Fn(&Checked, Expected) -> Command,
) -> Result<Answer, Refused> {
    for _ in 0..SETTINGS_TRIES {
        let (tenant, snapshot) = asked.tenant(slug)?;
        let check = check.clone();
        let work = move || {
            let ground = snapshot.directory.policy_ground();
            check(&snapshot.directory).map(|(text, warnings)| Checked { text, warnings, ground })
        };
        let checked = tokio::task::spawn_blocking(work).await.map_err(Refused::broken_off)?;
        let checked = checked.map_err(|faults| invalid(&faults))?;
        let (origin, wish) = (asked.visit.origin(asked.actor()), command(&checked, wanted(asked)));
        match asked.app.engine.submit(tenant, origin, wish).await {
            Err(Refusal::Rejected(Rejection::Overtaken { .. })) => {}
            done_or_not => return Ok(written(&done_or_not?, &checked.warnings)),
        }
    }
    let detail = "others change policies all the time: try again in a moment";
    Err(Refused::later(StatusCode::SERVICE_UNAVAILABLE, detail))
}

fn written(receipt: &Receipt, warnings: &[Fault]) -> Answer {
    let warnings: Vec<String> = warnings.iter().map(ToString::to_string).collect();
    let position = receipt.position;
    let body = json!({ "position": position, "changed": position.is_some(), "warnings": warnings });
    ok(StatusCode::OK, &body).of(receipt)
}

/// In Cedar's own words, with line and column.
fn invalid(faults: &[Fault]) -> Refused {
    let told: Vec<String> = faults.iter().map(ToString::to_string).collect();
    scim::Invalid::value(told.join("; ")).into()
}

fn declared(directory: &Directory) -> &str {
    directory.policy_schema.as_ref().map_or("", |schema| &schema.text)
}

/// The version that `If-Match` asks for.
fn wanted(asked: &Asked<'_>) -> Expected {
    expected(&asked.parts.headers)
}

fn json(value: &impl serde::Serialize) -> Result<Value, Refused> {
    serde_json::to_value(value)
        .map_err(|error| Refused::internal(&format!("a policy is no JSON: {error}")))
}
