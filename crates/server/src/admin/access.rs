//! Who may do what, and through what.

use std::sync::Arc;

use ::access::{Asked as Wish, Compiled};
use ::audit::Moment;
use ::audit::access::{
    AccessError, Between, check as checked, diff as compared, list as listed, policies,
};
use axum::http::StatusCode;
use domain::id::TenantId;
use domain::snapshot::Snapshot;
use engine::When;
use scim::Invalid;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Asked, ok};
use crate::answer::Answer;
use crate::limits::{BROUGHT_BYTES, CHECKS};
use crate::past;
use crate::refused::Refused;

/// One question, or several.
#[derive(Deserialize)]
#[serde(untagged)]
enum Questions {
    Several(Several),
    One(One),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Several {
    checks: Vec<Question>,
    /// Brought to each of them.
    #[serde(default)]
    entities: Value,
    #[serde(default)]
    explain: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct One {
    user: String,
    action: String,
    resource: String,
    #[serde(default)]
    context: Value,
    #[serde(default)]
    entities: Value,
    #[serde(default = "yes")]
    explain: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Question {
    user: String,
    action: String,
    resource: String,
    #[serde(default)]
    context: Value,
    #[serde(default)]
    entities: Value,
}

fn yes() -> bool {
    true
}

impl Questions {
    /// The questions, whether what lies behind the answers is told, and whether there is one alone.
    fn read(body: &[u8]) -> Result<(Vec<Wish>, bool, bool), Refused> {
        let form = "the body is `{\"user\", \"action\", \"resource\"}` with `context`, `entities` and `explain` if need be, \
                    or `{\"checks\": […]}` of these";
        let questions: Questions =
            serde_json::from_slice(body).map_err(|_| Refused::from(Invalid::syntax(form)))?;
        let Several { checks, entities, explain } = match questions {
            Questions::One(One { user, action, resource, context, entities, explain }) => {
                return Ok((
                    vec![Wish { user, action, resource, context, entities }],
                    explain,
                    true,
                ));
            }
            Questions::Several(several) => several,
        };
        if checks.is_empty() || checks.len() > CHECKS {
            let detail = format!("`checks` are 1 to {CHECKS}, and not {}", checks.len());
            return Err(Invalid::value(detail).into());
        }
        // Each has a copy of its own.
        let sharing = checks.iter().filter(|one| one.entities.is_null()).count();
        let brought = entities.to_string().len().saturating_mul(sharing);
        if brought > BROUGHT_BYTES && !entities.is_null() {
            let detail = format!(
                "`entities` would be brought to {sharing} checks, {brought} bytes in all, and {BROUGHT_BYTES} are at most: \
                 ask in smaller batches, or bring to each check its own"
            );
            return Err(Invalid::value(detail).into());
        }
        let questions = checks.into_iter().map(|one| Wish {
            user: one.user,
            action: one.action,
            resource: one.resource,
            context: one.context,
            entities: if one.entities.is_null() { entities.clone() } else { one.entities },
        });
        Ok((questions.collect(), explain, false))
    }
}

/// `POST /admin/v1/tenants/{tenant}/access/check`
pub(super) async fn check(asked: &Asked<'_>, slug: &str) -> Result<Answer, Refused> {
    let (tenant, snapshot) = asked.reading(slug).await?;
    let (questions, explain, is_one) = Questions::read(&asked.body)?;
    let engine = asked.app.engine.clone();
    let answers = on_side(asked, tenant, &snapshot, move |moment, policies| {
        checked(&engine, (tenant, moment), policies, &questions, explain)
    })
    .await?;
    let head = Moment::of(&snapshot);
    let body = match answers.first() {
        Some(one) if is_one => with_head(&head, one)?,
        _ => json!({ "head": head, "checks": answers }),
    };
    Ok(ok(StatusCode::OK, &body).at(snapshot.head.position))
}

/// `GET /admin/v1/tenants/{tenant}/access/list?user=…`
pub(super) async fn list(asked: &Asked<'_>, slug: &str) -> Result<Answer, Refused> {
    let (tenant, snapshot) = asked.reading(slug).await?;
    let Some(who) = asked.parameters.get("user").map(str::to_owned) else {
        return Err(Invalid::value("say whose: `user` is an id or a `userName`").into());
    };
    let engine = asked.app.engine.clone();
    let answer = on_side(asked, tenant, &snapshot, move |moment, policies| {
        listed(&engine, (tenant, moment), policies, &who)
    })
    .await?;
    Ok(ok(StatusCode::OK, &json!(answer)).at(snapshot.head.position))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Moments {
    user: String,
    from: String,
    #[serde(default)]
    to: Option<String>,
    #[serde(default)]
    action: Option<String>,
    #[serde(default)]
    resources: Vec<String>,
    #[serde(default)]
    context: Value,
    #[serde(default)]
    entities: Value,
}

/// `POST /admin/v1/tenants/{tenant}/access/diff`
pub(super) async fn diff(asked: &Asked<'_>, slug: &str) -> Result<Answer, Refused> {
    asked.only_now("two moments are compared, which `from` and `to` name")?;
    let (tenant, now) = asked.tenant(slug)?;
    let Moments { user, from, to, action, resources, context, entities } = asked.body()?;
    let between = Between { user, action, resources, context, entities };
    let from = at(asked, tenant, &from).await?;
    let to = match to {
        Some(to) => at(asked, tenant, &to).await?,
        None => now,
    };
    let (engine, kept) = (asked.app.engine.clone(), asked.app.policies.clone());
    let position = to.head.position;
    let work = move || {
        let before = policies(&kept, tenant, &from.directory)?;
        let after = policies(&kept, tenant, &to.directory)?;
        compared(&engine, tenant, ((&from, &before), (&to, &after)), &between)
    };
    let answer = tokio::task::spawn_blocking(work).await.map_err(Refused::broken_off)?;
    Ok(ok(StatusCode::OK, &json!(answer.map_err(failed)?)).at(position))
}

/// The tenant as of a moment, in words.
async fn at(asked: &Asked<'_>, tenant: TenantId, moment: &str) -> Result<Arc<Snapshot>, Refused> {
    let when: When = moment.parse().map_err(|_| {
        let form = "a position such as `42`, or a time such as `2026-03-01T12:00:00Z`";
        Refused::from(Invalid::value(format!("`{moment}` is no moment: give {form}")))
    })?;
    past::read(asked.app, tenant, when).await
}

/// Asks the policies of a moment where blocking is allowed.
async fn on_side<T: Send + 'static>(
    asked: &Asked<'_>,
    tenant: TenantId,
    snapshot: &Arc<Snapshot>,
    ask: impl FnOnce(&Snapshot, &Compiled) -> Result<T, AccessError> + Send + 'static,
) -> Result<T, Refused> {
    let (kept, moment) = (asked.app.policies.clone(), snapshot.clone());
    let work = move || ask(&moment, &*policies(&kept, tenant, &moment.directory)?);
    let answered = tokio::task::spawn_blocking(work).await.map_err(Refused::broken_off)?;
    answered.map_err(failed)
}

/// An answer with the moment that it is as of before it.
fn with_head(head: &Option<Moment>, answer: &impl Serialize) -> Result<Value, Refused> {
    #[derive(Serialize)]
    struct Whole<'a, T> {
        head: &'a Option<Moment>,
        #[serde(flatten)]
        answer: &'a T,
    }
    serde_json::to_value(Whole { head, answer })
        .map_err(|error| Refused::internal(&format!("an answer is no JSON: {error}")))
}

fn failed(error: AccessError) -> Refused {
    match error {
        AccessError::Unasked(_) | AccessError::TooMuch(_) | AccessError::Backwards { .. } => {
            Invalid::value(error.to_string()).into()
        }
        AccessError::NoUser(_) => Refused::new(StatusCode::NOT_FOUND, error.to_string()),
        AccessError::Schema(_) => Refused::new(StatusCode::CONFLICT, error.to_string()),
        AccessError::Ask(error) => super::audit::failed(error),
    }
}
