//! The feed over HTTP: pages, pages that wait, and a stream that goes on.

use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use audit::{AskError, FILTERS, RANGE};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use domain::event::OperatorRole;
use domain::position::{Hash, Position};
use domain::snapshot::Snapshot;
use eventlog::Recipient;
use tokio::time::{Instant, timeout_at};

use super::question::question;
use super::{Asked, may};
use crate::answer::Answer;
use crate::feed::{Ended, FeedError, Form, Most, Run, Wanted, Watch, last, read_beside, stream};
use crate::limits::{FEED_PAGE, FEED_PAGE_BYTES, FEED_PAGE_MAX, FEED_WAIT_SECONDS};
use crate::refused::Refused;

/// The least that an operator must be to be sent persons' keys.
const SEALED: OperatorRole = OperatorRole::Operator;

const EVENT_STREAM: HeaderValue = HeaderValue::from_static("text/event-stream");

/// What a feed takes beside what narrows it.
const OWN: [&str; 9] =
    ["after", "afterHash", "count", "wait", "form", "recipient", "hash", "format", "asOf"];

/// `GET /admin/v1/tenants/{tenant}/feed?after=…&count=…&wait=…`, with what narrows it
/// (as in `audit/commits`), or `form=sealed&recipient=age1…` for a copy of the log.
pub(super) async fn feed(asked: &Asked<'_>, slug: &str) -> Result<Answer, Refused> {
    let (tenant, snapshot) = asked.reading_log(slug).await?;
    let wanted = Wanted { tenant, form: form(asked, &snapshot).await? };
    let (after, is_resumed) = after(asked)?;
    if after > last(&snapshot.head) {
        return Err(FeedError::Ahead { after, last: last(&snapshot.head) }.into());
    }
    let parameters = &asked.parameters;
    let theirs = parameters.parsed("afterHash", "the hash of the commit at `after`")?;
    if let (Some(theirs), false) = (theirs, is_resumed) {
        compare(asked, &wanted, after, theirs).await?;
    }
    let least = match &wanted.form {
        Form::Sealed(_) => SEALED,
        Form::Told(_) => OperatorRole::Auditor,
    };
    let watch = Watch { app: asked.app.clone(), credential: asked.credential, least, tenant };
    if is_stream(asked)? {
        asked.only_now("a stream goes on from now, and the past has an end")?;
        let place = asked.app.feeds.enter(tenant, after)?;
        let mut answer = Answer::new(StatusCode::OK, None);
        answer.media = EVENT_STREAM;
        answer.live = Some(stream(watch, wanted, place));
        // For proxies that would hold events back until they have many.
        let unbuffered = HeaderName::from_static("x-accel-buffering");
        return Ok(answer.with(unbuffered, "no").at(snapshot.head.position));
    }
    let is_hashed = parameters.parsed("hash", "`true` or `false`")?.unwrap_or(false);
    // Where the page ends at the latest; else with the log, and no snapshot is held.
    let end = if is_hashed || asked.is_past() { Some(snapshot) } else { None };
    let count = parameters.parsed("count", "a whole number")?.unwrap_or(FEED_PAGE);
    let most = Most { commits: count.min(FEED_PAGE_MAX), bytes: FEED_PAGE_BYTES };
    let wait: u64 = parameters.parsed("wait", "seconds")?.unwrap_or(0);
    let wait = Duration::from_secs(wait.min(FEED_WAIT_SECONDS));
    let to = end.as_ref().and_then(|snapshot| snapshot.head.position);
    let mut run = read_beside(asked.app, &wanted, after, to, most).await?;
    if run.commits.is_empty() && !wait.is_zero() && most.commits > 0 && end.is_none() {
        run = wait_for_more(asked, &wanted, &watch, most, wait, run).await?;
    }
    if let Some(end) = &end {
        run.head = end.head;
    }
    let directory = match end {
        Some(snapshot) if is_hashed => {
            let hashing =
                tokio::task::spawn_blocking(move || eventlog::fingerprint(&snapshot.directory));
            Some(hashing.await.map_err(Refused::broken_off)?)
        }
        Some(_) | None => None,
    };
    let mut answer = Answer::new(StatusCode::OK, Some(run.page(&wanted, directory).into_bytes()));
    answer.media = HeaderValue::from_static("application/json");
    Ok(answer.at(run.head.position))
}

/// Waits until there is something to tell, or the time is over, or the server stops.
async fn wait_for_more(
    asked: &Asked<'_>,
    wanted: &Wanted,
    watch: &Watch,
    most: Most,
    wait: Duration,
    mut run: Run,
) -> Result<Run, Refused> {
    let deadline = Instant::now() + wait;
    let _place = asked.app.feeds.enter(wanted.tenant, run.after)?;
    let mut arrivals = asked.app.engine.arrivals();
    let more = async {
        loop {
            run = read_beside(asked.app, wanted, run.after, None, most).await?;
            if !run.commits.is_empty() {
                return Ok(());
            }
            if run.after >= last(&run.head) {
                arrivals.next().await;
            }
        }
    };
    let waited = async {
        tokio::select! {
            more = more => more,
            ended = watch.ended() => match ended {
                Ended::Stopping => Ok(()),
                Ended::Key => Err(Refused::bad_credentials()),
                Ended::Tenant => Err(Refused::no_address()),
            },
        }
    };
    // Else nothing came.
    if let Ok(waited) = timeout_at(deadline, waited).await {
        waited?;
    }
    Ok(run)
}

/// Whether the reader has read the commit that stands here.
async fn compare(
    asked: &Asked<'_>,
    wanted: &Wanted,
    after: u64,
    theirs: Hash,
) -> Result<(), Refused> {
    let (engine, tenant) = (asked.app.engine.clone(), wanted.tenant);
    let reading = tokio::task::spawn_blocking(move || match Position::new(after) {
        Some(position) => engine.commit(tenant, position).map(|found| found.map(|r| r.hash)),
        None => Ok(None),
    });
    let found = reading.await.map_err(Refused::broken_off)?.map_err(FeedError::Broken)?;
    let ours = found.unwrap_or(Hash::ZERO);
    if ours == theirs { Ok(()) } else { Err(FeedError::Parted { after, ours, theirs }.into()) }
}

/// Up to where the reader has read, and whether a stream that broke off says so.
fn after(asked: &Asked<'_>) -> Result<(u64, bool), Refused> {
    let id = asked.parts.headers.get("last-event-id").map(HeaderValue::to_str);
    match id {
        None | Some(Ok("")) => {
            let form = "a position such as `42`, or 0 for the beginning";
            Ok((asked.parameters.parsed("after", form)?.unwrap_or(0), false))
        }
        Some(id) => match id.ok().and_then(|id| id.parse().ok()) {
            Some(after) => Ok((after, true)),
            None => {
                let detail = "`Last-Event-ID` is no position: send the last event's `id`";
                Err(scim::Invalid::value(detail).into())
            }
        },
    }
}

/// Whether server-sent events are asked for.
fn is_stream(asked: &Asked<'_>) -> Result<bool, Refused> {
    match asked.parameters.get("format") {
        Some("sse") => return Ok(true),
        Some("json") => return Ok(false),
        Some(other) => {
            let detail = format!("`{other}` is no format: say `json` or `sse`");
            return Err(scim::Invalid::value(detail).into());
        }
        None => {}
    }
    let accepted = asked.parts.headers.get_all(header::ACCEPT).iter();
    let mut ranges = accepted.filter_map(|value| value.to_str().ok()).flat_map(|v| v.split(','));
    Ok(ranges.any(|range| {
        let media = range.split(';').next().unwrap_or_default();
        media.trim().eq_ignore_ascii_case("text/event-stream")
    }))
}

async fn form(asked: &Asked<'_>, snapshot: &Arc<Snapshot>) -> Result<Form, Refused> {
    let parameters = &asked.parameters;
    match (parameters.get("form"), parameters.get("recipient")) {
        (None | Some("told"), None) => told(asked, snapshot).await,
        (Some("sealed"), Some(recipient)) => {
            // It carries the keys that persons' values are sealed under.
            may(asked.role, SEALED)?;
            if let Some(name) = FILTERS.into_iter().find(|name| parameters.get(name).is_some()) {
                let detail = format!("a copy has every commit: `{name}` is not for `form=sealed`");
                return Err(scim::Invalid::value(detail).into());
            }
            let recipient = Recipient::from_str(recipient)
                .map_err(|error| scim::Invalid::value(error.to_string()))?;
            Ok(Form::Sealed(recipient))
        }
        (Some("sealed"), None) => {
            let detail = "`form=sealed` sends the keys to a `recipient`: name one, as in `age1…`";
            Err(scim::Invalid::value(detail).into())
        }
        (None | Some("told"), Some(_)) => {
            Err(scim::Invalid::value("a `recipient` is for `form=sealed`").into())
        }
        (Some(other), _) => {
            let detail = format!("`{other}` is no form: say `told` or `sealed`");
            Err(scim::Invalid::value(detail).into())
        }
    }
}

/// What narrows a feed. Where it begins and ends is said by `after`.
async fn told(asked: &Asked<'_>, snapshot: &Arc<Snapshot>) -> Result<Form, Refused> {
    if let Some(name) = RANGE.into_iter().find(|name| asked.parameters.get(name).is_some()) {
        let detail = format!("a feed goes on from `after`: `{name}` is not for it");
        return Err(scim::Invalid::value(detail).into());
    }
    Ok(Form::Told(Box::new(question(asked, snapshot, &OWN).await?)))
}

impl From<FeedError> for Refused {
    fn from(error: FeedError) -> Self {
        match error {
            FeedError::NoTenant => Refused::no_address(),
            FeedError::Ahead { .. } | FeedError::Parted { .. } => {
                Refused::new(StatusCode::CONFLICT, error.to_string())
            }
            FeedError::Broken(ref broken)
            | FeedError::Ask(AskError::Broken(ref broken))
            | FeedError::Send(engine::SendError::Broken(ref broken)) => {
                Refused::unreadable(broken, &format!("a feed failed: {error}"))
            }
            FeedError::Ask(_) | FeedError::Send(_) | FeedError::BrokenOff => {
                Refused::internal(&format!("a feed failed: {error}"))
            }
        }
    }
}
