//! Audit questions over HTTP, and the refusal journal.

use audit::{
    AskError, Entry, HEADING, Order, ProblemError, ProblemFilter, Question, ask, csv_line, rows,
};
use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, StatusCode, header};
use domain::id::TenantId;
use domain::position::Position;
use engine::Engine;
use http_body_util::channel::{Channel, Sender};
use serde_json::{Value, json};

use super::question::question;
use super::{Asked, ok};
use crate::answer::Answer;
use crate::limits::{AUDIT_PAGE, AUDIT_PAGE_MAX, AUDIT_RUN, PROBLEMS_PAGE, PROBLEMS_PAGE_MAX};
use crate::refused::Refused;

/// What `audit/commits` takes beside what says which commits are asked for.
const OWN: [&str; 4] = ["order", "count", "format", "asOf"];

/// Why an answer broke off in the middle: all that the client learns is that its end is missing.
type BrokenOff = String;

/// The forms in which commits are answered.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// A page, with where the next one begins.
    Json,
    /// All of them, one a line.
    Ndjson,
    /// All of them, a row for each event.
    Csv,
}

const FORMS: [(&str, &str, Form); 3] = [
    ("json", "application/json", Form::Json),
    ("ndjson", "application/x-ndjson", Form::Ndjson),
    ("csv", "text/csv", Form::Csv),
];

/// `GET /admin/v1/tenants/{tenant}/audit/commits`: which ones, `question` reads; `order=oldest|newest`, `count`, and
/// `format=json|ndjson|csv`, or `Accept`, say how they are told. JSON comes in pages; the other two go on to the end, or for `count`
/// commits.
pub(super) async fn commits(asked: &Asked<'_>, slug: &str) -> Result<Answer, Refused> {
    let form = form(asked)?;
    let parameters = &asked.parameters;
    let count = parameters.parsed("count", "a whole number")?;
    let order = match parameters.get("order") {
        None | Some("oldest") => Order::OldestFirst,
        Some("newest") => Order::NewestFirst,
        Some(other) => {
            let detail = format!("`{other}` is no value for `order`: say `oldest` or `newest`");
            return Err(scim::Invalid::value(detail).into());
        }
    };
    let (tenant, snapshot) = asked.reading_log(slug).await?;
    // As of a moment, the log ends there.
    let end = snapshot.head.position.unwrap_or(Position::FIRST);
    let question = question(asked, &snapshot, &OWN).await?;
    let question = Question { to: question.to.min(end), order, ..question };
    if form == Form::Json {
        let page = page(asked, tenant, question, count.unwrap_or(AUDIT_PAGE)).await?;
        return Ok(ok(StatusCode::OK, &page).at(snapshot.head.position));
    }
    let mut answer = Answer::new(StatusCode::OK, None).at(snapshot.head.position);
    answer.media = match form {
        Form::Csv => HeaderValue::from_static("text/csv; charset=utf-8; header=present"),
        Form::Json | Form::Ndjson => HeaderValue::from_static("application/x-ndjson"),
    };
    let limit = count.unwrap_or(usize::MAX);
    answer.live = Some(stream(&asked.app.engine, tenant, Question { limit, ..question }, form));
    Ok(answer)
}

fn form(asked: &Asked<'_>) -> Result<Form, Refused> {
    if let Some(name) = asked.parameters.get("format") {
        let found = FORMS.iter().find(|(there, ..)| *there == name);
        return found.map(|(.., form)| *form).ok_or_else(|| {
            let detail =
                format!("`{name}` is no value for `format`: say `json`, `ndjson` or `csv`");
            scim::Invalid::value(detail).into()
        });
    }
    let accepted = asked.parts.headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
    let wanted = |accept: &str| {
        let media = accept.split(';').next().unwrap_or_default().trim();
        FORMS.iter().find(|(_, there, _)| there.eq_ignore_ascii_case(media)).map(|(.., form)| *form)
    };
    Ok(accepted.into_iter().flat_map(|all| all.split(',')).find_map(wanted).unwrap_or(Form::Json))
}

/// A page of commits, with the parameters of the next one.
async fn page(
    asked: &Asked<'_>,
    tenant: TenantId,
    question: Question,
    count: usize,
) -> Result<Value, Refused> {
    let count = count.min(AUDIT_PAGE_MAX);
    let engine = asked.app.engine.clone();
    // One more than the page holds is asked for: it says whether there is a next page.
    let one_more = Question { limit: count + 1, ..question.clone() };
    let answered = tokio::task::spawn_blocking(move || ask(&engine, tenant, &one_more)).await;
    let mut entries = answered.map_err(Refused::broken_off)?.map_err(failed)?;
    let more = entries.len() > count;
    entries.truncate(count);
    let last = entries.last().filter(|_| more).and_then(|entry| question.after(entry.position));
    let next = last.map(|next| match question.order {
        Order::NewestFirst => json!({ "to": next.to }),
        Order::OldestFirst => json!({ "from": next.from }),
    });
    Ok(json!({ "commits": entries, "next": next }))
}

/// A body that is read from the log as fast as the client takes it: no more than two runs are held.
fn stream(engine: &Engine, tenant: TenantId, question: Question, form: Form) -> Body {
    let (sender, body) = Channel::<Bytes, BrokenOff>::new(1);
    tokio::spawn(run(engine.clone(), tenant, question, form, sender));
    Body::new(body)
}

async fn run(
    engine: Engine,
    tenant: TenantId,
    question: Question,
    form: Form,
    mut sender: Sender<Bytes, BrokenOff>,
) {
    let mut text = if form == Form::Csv { csv_line(HEADING) } else { String::new() };
    let mut next = Some(question).filter(|question| question.limit > 0);
    while let Some(question) = next {
        let run = Question { limit: question.limit.min(AUDIT_RUN), ..question.clone() };
        let (engine, asked) = (engine.clone(), run.limit);
        let read = tokio::task::spawn_blocking(move || ask(&engine, tenant, &run)).await;
        let told = match read {
            Ok(Ok(entries)) => {
                tell(&entries, form, &mut text).map(|()| entries).map_err(|e| e.to_string())
            }
            Ok(Err(error)) => Err(error.to_string()),
            Err(error) => Err(error.to_string()),
        };
        let entries = match told {
            Ok(entries) => entries,
            Err(error) => {
                tracing::error!(error, "an audit answer broke off");
                return sender.abort(error);
            }
        };
        let left = question.limit.saturating_sub(entries.len());
        let last = entries.last().filter(|_| entries.len() == asked && left > 0);
        next = last.and_then(|last| question.after(last.position));
        next = next.map(|next| Question { limit: left, ..next });
        // The client may have gone: then there is nobody to read for.
        if !text.is_empty() && sender.send_data(std::mem::take(&mut text).into()).await.is_err() {
            return;
        }
    }
    if !text.is_empty() {
        drop(sender.send_data(text.into()).await);
    }
}

/// Adds the lines that commits make.
fn tell(entries: &[Entry], form: Form, text: &mut String) -> Result<(), serde_json::Error> {
    for entry in entries {
        match form {
            Form::Csv => rows(entry).iter().for_each(|row| text.push_str(&csv_line(row))),
            Form::Json | Form::Ndjson => {
                text.push_str(&serde_json::to_string(entry)?);
                text.push('\n');
            }
        }
    }
    Ok(())
}

pub(super) fn failed(error: AskError) -> Refused {
    match error {
        AskError::NoTenant => Refused::no_address(),
        AskError::Broken(ref broken) => {
            Refused::unreadable(broken, &format!("an audit question failed: {error}"))
        }
        AskError::Json(_) => Refused::internal(&format!("an audit question failed: {error}")),
    }
}

/// `GET /admin/v1/tenants/{tenant}/problems`: the refusal journal, newest first; `audit::PROBLEM_WORDS` and `count` say
/// which entries. The reserved tenant `_system` has what belongs to none: requests without valid credentials.
pub(super) async fn problems(asked: &Asked<'_>, slug: &str) -> Result<Answer, Refused> {
    asked.only_now("the refusal journal is no part of the history")?;
    let (tenant, snapshot) = asked.log(slug)?;
    let count = asked.parameters.parsed("count", "a whole number")?.unwrap_or(PROBLEMS_PAGE);
    let count = count.min(PROBLEMS_PAGE_MAX);
    let words = asked.parameters.pairs().filter(|(name, _)| !name.eq_ignore_ascii_case("count"));
    let filter = ProblemFilter::parse(words, &snapshot).map_err(super::question::refused)?;
    let engine = asked.app.engine.clone();
    let work = move || ::audit::problems(engine.journal(), tenant, &snapshot, &filter, count);
    let found = tokio::task::spawn_blocking(work).await.map_err(Refused::broken_off)?;
    let page = found.map_err(unread)?;
    Ok(ok(StatusCode::OK, &json!({ "problems": page.problems, "next": page.next })))
}

pub(super) fn unread(error: ProblemError) -> Refused {
    match error {
        ProblemError::Unknown(unknown) => Refused::new(StatusCode::NOT_FOUND, unknown.to_string()),
        ProblemError::Journal(error) => {
            Refused::internal(&format!("the journal cannot be read: {error}"))
        }
    }
}
