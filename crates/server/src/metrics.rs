//! `GET /metrics`: counts and positions in Prometheus' text form, for whoever has an operator's key.

use std::fmt::Write;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use domain::directory::Connector;
use domain::id::TenantId;
use engine::World;

use crate::app::App;
use crate::caller::{self, Visit};
use crate::journal::{self, Line};

const TEXT: HeaderValue = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");

/// What is counted.
const FAMILIES: [(&str, &str); 13] = [
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
    let [waiting, open, allowed, ended, too_many] = rest;
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
    let mut text = String::new();
    for ((name, help), body) in FAMILIES.iter().zip(&bodies) {
        let kind = if name.ends_with("_total") { "counter" } else { "gauge" };
        // Writing to a string cannot fail.
        let _ = write!(text, "# HELP {name} {help}\n# TYPE {name} {kind}\n{body}");
    }
    text
}

fn told(app: &App, tenant: TenantId, connector: &Connector) -> crate::tally::Tolerated {
    app.tally.of(&app.engine, tenant, connector.id)
}

fn line(out: &mut String, name: &str, labels: &[(&str, &str)], value: u64) {
    let labels: Vec<String> = labels
        .iter()
        .map(|(name, value)| {
            let value = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
            format!("{name}=\"{value}\"")
        })
        .collect();
    let labels = match labels.join(",") {
        none if none.is_empty() => none,
        labels => format!("{{{labels}}}"),
    };
    // Writing to a string cannot fail.
    let _ = writeln!(out, "{name}{labels} {value}");
}
