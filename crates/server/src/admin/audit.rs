//! Audit questions over HTTP, and the refusal journal.

use audit::{AskError, Order, Problem, Question, ask, find_maker, find_user};
use axum::http::StatusCode;
use domain::event::{EventKind, Subject};
use domain::position::Position;
use domain::trail::Kinds;
use serde_json::json;

use super::{Asked, ok};
use crate::answer::Answer;
use crate::limits::{AUDIT_PAGE, AUDIT_PAGE_MAX, PROBLEMS_PAGE};
use crate::refused::Refused;

/// `GET /admin/v1/tenants/{tenant}/audit/commits?subject=…&actor=…&event=…&from=…&to=…&order=…&count=…`
pub(super) async fn commits(asked: &Asked<'_>, slug: &str) -> Result<Answer, Refused> {
    let (tenant, snapshot) = asked.reading_log(slug).await?;
    // As of a moment, the log ends there.
    let end = snapshot.head.position.unwrap_or(Position::FIRST);
    let position = "a position such as `42`";
    let parameters = &asked.parameters;
    let subjects = match parameters.get("subject") {
        Some(who) => find_user(&snapshot, who)
            .map_err(|unknown| Refused::new(StatusCode::NOT_FOUND, unknown.to_string()))?
            .into_iter()
            .map(Subject::User)
            .collect(),
        None => Vec::new(),
    };
    let world = asked.app.engine.world();
    let system = world.system().map(|system| &system.directory);
    let maker = match parameters.get("actor") {
        Some(who) => Some(
            find_maker(&snapshot.directory, system, who)
                .map_err(|none| Refused::new(StatusCode::NOT_FOUND, none.to_string()))?,
        ),
        None => None,
    };
    let count = parameters.parsed("count", "a whole number")?.unwrap_or(AUDIT_PAGE);
    let question = Question {
        subjects,
        maker,
        kinds: match parameters.get("event") {
            Some(names) => kinds(names)?,
            None => Kinds::ALL,
        },
        from: parameters.parsed("from", position)?.unwrap_or(Position::FIRST),
        to: parameters.parsed("to", position)?.unwrap_or(Position::MAX).min(end),
        order: match parameters.get("order") {
            None | Some("oldest") => Order::OldestFirst,
            Some("newest") => Order::NewestFirst,
            Some(other) => {
                let detail = format!("`{other}` is no order: say `oldest` or `newest`");
                return Err(scim::Invalid::value(detail).into());
            }
        },
        limit: count.min(AUDIT_PAGE_MAX) + 1,
    };
    let engine = asked.app.engine.clone();
    let newest = question.order == Order::NewestFirst;
    let answered = tokio::task::spawn_blocking(move || ask(&engine, tenant, &question)).await;
    let mut entries = answered.map_err(Refused::broken_off)?.map_err(failed)?;
    // One more than the page holds was asked for: it says whether there is a next page.
    let more = entries.len() > count.min(AUDIT_PAGE_MAX);
    entries.truncate(count.min(AUDIT_PAGE_MAX));
    let last = entries.last().map(|entry| entry.position).filter(|_| more);
    let next = match newest {
        true => last.and_then(Position::previous).map(|to| json!({ "to": to })),
        false => last.map(|last| json!({ "from": last.next() })),
    };
    let body = json!({ "commits": entries, "next": next });
    Ok(ok(StatusCode::OK, &body).at(snapshot.head.position))
}

pub(super) fn kinds(names: &str) -> Result<Kinds, Refused> {
    names
        .split(',')
        .map(|name| name.trim().parse::<EventKind>())
        .collect::<Result<Kinds, _>>()
        .map_err(|unknown| scim::Invalid::value(unknown.to_string()).into())
}

pub(super) fn failed(error: AskError) -> Refused {
    match error {
        AskError::NoTenant => Refused::no_address(),
        AskError::Broken(_) | AskError::Json(_) => {
            Refused::internal(&format!("an audit question failed: {error}"))
        }
    }
}

/// `GET /admin/v1/tenants/{tenant}/problems`: the refusal journal, newest first. The reserved
/// tenant `_system` has what belongs to none: requests without valid credentials.
pub(super) fn problems(asked: &Asked<'_>, slug: &str) -> Result<Answer, Refused> {
    asked.only_now("the refusal journal is no part of the history")?;
    let (tenant, _) = asked.log(slug)?;
    let count = asked.parameters.parsed("count", "a whole number")?.unwrap_or(PROBLEMS_PAGE);
    let problems = Problem::list(asked.app.engine.journal(), tenant, count)
        .map_err(|error| Refused::internal(&format!("the journal cannot be read: {error}")))?;
    Ok(ok(StatusCode::OK, &json!({ "problems": problems })))
}
