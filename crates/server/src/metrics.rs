//! `GET /metrics`: counts and positions in Prometheus' text form, for whoever has an operator's key.

mod text;

use std::fmt::Write;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use domain::directory::Connector;
use domain::id::TenantId;
use engine::{Checked, World};

use crate::app::App;
use crate::caller::{self, Visit};
use crate::journal::{self, Line};
use text::{Kind, Text, Unit, line};

const TEXT: HeaderValue = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");

/// What is counted.
const FAMILIES: [(&str, &str); 14] = [
    ("rollbook_position", "The position of the tenant's last commit."),
    ("rollbook_scim_requests_total", "SCIM requests that a connector's client sent."),
    (
        "rollbook_scim_strict_refusals_total",
        "SCIM requests that were understood and that strict mode would have refused.",
    ),
    (
        "rollbook_scim_tolerated_total",
        "SCIM requests with something that the RFCs do not have, by the rule that allows it.",
    ),
    (
        "rollbook_feed_readers",
        "Clients that follow the tenant's feed, or wait for its next commit.",
    ),
    (
        "rollbook_feed_behind",
        "Commits that the slowest of them has not taken, of those that there are.",
    ),
    ("rollbook_feed_buffered_bytes", "Bytes read from the log that wait for their sockets."),
    (
        "rollbook_secrets_hashed_total",
        "Secrets that were hashed to see whether they open anything, by kind. Passwords cost the most.",
    ),
    ("rollbook_requests_waiting", "Requests that wait for the writer."),
    ("rollbook_connections", "Connections that are open."),
    ("rollbook_connections_allowed", "Connections that may be open at once."),
    (
        "rollbook_connections_ended_total",
        "Connections that were turned away (full, no_socket) or ended because something took too long, by what.",
    ),
    (
        "rollbook_problems_total",
        "Requests that the refusal journals took note of, by kind: refused, carried out in part, or to be looked after.",
    ),
    (
        "rollbook_too_many_total",
        "Requests that were answered 429: too many with one credential or from one address (rate), or too many that were wrong (guesses).",
    ),
];

pub(crate) async fn metrics(State(app): State<Arc<App>>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    let visit = Visit::of(&app, &parts);
    let world = app.engine.world();
    let operator = caller::operator(&app, &world, visit.source, &parts.headers);
    match operator.and_then(|operator| app.guard.asks(operator.credential)) {
        Ok(_) => {
            (StatusCode::OK, [(header::CONTENT_TYPE, TEXT)], text(&app, &world)).into_response()
        }
        Err(why) => {
            journal::refused(&app, TenantId::SYSTEM, None, &visit, Line::of(&parts), &why);
            why.into_response()
        }
    }
}

fn text(app: &App, world: &World) -> String {
    let mut bodies: [String; FAMILIES.len()] = Default::default();
    let [positions, requests, refusals, tolerated, readers, behind, buffered, hashed, rest @ ..] =
        &mut bodies;
    let [waiting, open, allowed, ended, noted, too_many] = rest;
    for (kind, times) in app.noted.told() {
        line(noted, "rollbook_problems_total", &[("kind", kind)], times);
    }
    for (why, times) in app.guard.limited() {
        line(too_many, "rollbook_too_many_total", &[("why", why)], times);
    }
    line(waiting, "rollbook_requests_waiting", &[], app.engine.waiting() as u64);
    let (now, most) = app.guard.connections.told();
    line(open, "rollbook_connections", &[], now);
    line(allowed, "rollbook_connections_allowed", &[], most);
    for (why, times) in app.guard.connections.ended() {
        line(ended, "rollbook_connections_ended_total", &[("why", why)], times);
    }
    for (kind, times) in app.auth.hashed() {
        line(hashed, "rollbook_secrets_hashed_total", &[("kind", kind)], times);
    }
    for (tenant, snapshot) in world.iter() {
        let slug = match &snapshot.directory.tenant {
            Some(tenant) => tenant.slug.as_str(),
            None => "_system",
        };
        let position = snapshot.head.position.map_or(0, |position| position.get());
        line(positions, "rollbook_position", &[("tenant", slug)], position);
        let following = app.feeds.of(tenant);
        line(readers, "rollbook_feed_readers", &[("tenant", slug)], following.readers);
        let late =
            if following.readers == 0 { 0 } else { position.saturating_sub(following.least) };
        line(behind, "rollbook_feed_behind", &[("tenant", slug)], late);
        line(buffered, "rollbook_feed_buffered_bytes", &[("tenant", slug)], following.buffered);
        for connector in snapshot.directory.connectors.iter() {
            let told = told(app, tenant, connector);
            let labels = [("tenant", slug), ("connector", connector.name.as_str())];
            line(requests, "rollbook_scim_requests_total", &labels, told.requests);
            let refused = told.strict_would_refuse;
            line(refusals, "rollbook_scim_strict_refusals_total", &labels, refused);
            for (quirk, times) in told.rules {
                let [tenant, connector] = labels;
                let labels = [tenant, connector, ("rule", quirk.as_str())];
                line(tolerated, "rollbook_scim_tolerated_total", &labels, times);
            }
        }
    }
    let mut whole = Text::default();
    instance(app, &mut whole);
    let mut text = whole.finish();
    for ((name, help), body) in FAMILIES.iter().zip(&bodies) {
        let kind = if name.ends_with("_total") { "counter" } else { "gauge" };
        // Writing to a string cannot fail.
        let _ = write!(text, "# HELP {name} {help}\n# TYPE {name} {kind}\n{body}");
    }
    text
}

/// What is counted of the server as a whole.
fn instance(app: &App, text: &mut Text) {
    use Kind::{Counter, Gauge, Histogram};
    let version = [("version", env!("CARGO_PKG_VERSION"))];
    text.family("rollbook_build_info", Gauge, "1, with the version that runs.").line(&version, 1);
    let mut uptime =
        text.family("rollbook_uptime_seconds", Gauge, "Seconds since the server started.");
    uptime.line(&[], app.begun.elapsed().as_secs());
    if let Some(bytes) = resident_bytes() {
        let help = "Memory of the process that is in use.";
        text.family("process_resident_memory_bytes", Gauge, help).line(&[], bytes);
    }
    let help = "1 while the server reads and writes; 0: /readyz says why it does not.";
    let is_ready = app.engine.trouble().is_none();
    text.family("rollbook_ready", Gauge, help).line(&[], u64::from(is_ready));
    let (remaining, is_damaged) = match app.engine.checked() {
        Checked::Whole => (0, false),
        Checked::UpTo(read, all) => (all.saturating_sub(read), false),
        Checked::Damaged(_) => (0, true),
    };
    let help = "Frames of the log from before the checkpoint that are not checked yet.";
    text.family("rollbook_log_check_remaining", Gauge, help).line(&[], remaining);
    let help = "1 if the log was found damaged: nothing is written any more.";
    text.family("rollbook_log_damaged", Gauge, help).line(&[], u64::from(is_damaged));
    let requests = app.requests.told();
    let help = "Requests that were answered, by what they asked for, method and class of status.";
    let mut family = text.family("rollbook_http_requests_total", Counter, help);
    for one in &requests {
        for (status, times) in &one.classes {
            let labels = [("route", one.asks), ("method", one.method), ("status", status)];
            family.line(&labels, *times);
        }
    }
    let help = "Seconds from the end of a request's head to the begin of its answer.";
    let mut family = text.family("rollbook_http_request_seconds", Histogram, help);
    for one in &requests {
        let labels = [("route", one.asks), ("method", one.method)];
        family.histogram(&labels, Unit::Nanoseconds, &one.took);
    }
    let measures = app.engine.measures();
    let help = "Requests that the writer did not carry out: too many waited (busy), or nothing could be written (unavailable).";
    let mut family = text.family("rollbook_writer_refusals_total", Counter, help);
    for (why, times) in measures.refused() {
        family.line(&[("why", why)], times);
    }
    let help = "Commits that shared one durable flush.";
    let mut family = text.family("rollbook_turn_commits", Histogram, help);
    family.histogram(&[], Unit::Pieces, &measures.turns.counted());
    if let Some(syncs) = &measures.syncs {
        let help = "Seconds that the disk took to make what was written to the log durable.";
        let mut family = text.family("rollbook_log_sync_seconds", Histogram, help);
        family.histogram(&[], Unit::Nanoseconds, &syncs.counted());
    }
}

/// What the system says that the process has in memory.
fn resident_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kib << 10)
}

fn told(app: &App, tenant: TenantId, connector: &Connector) -> crate::tally::Tolerated {
    app.tally.of(&app.engine, tenant, connector.id)
}
