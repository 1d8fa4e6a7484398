//! The figures, in JSON and as text. The same ones: the text leaves out what few look for.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::lane::{Lane, READERS, Request, Subject};
use crate::load::Slice;
use crate::machine::Machine;
use crate::stats::median;
use crate::table::Table;
use crate::terminal::heading;

/// What a run showed.
#[derive(Serialize)]
pub(crate) struct Report {
    #[serde(flatten)]
    facts: Facts,
    fdatasync: Rate,
    lines: Vec<Line>,
}

/// What the figures belong to.
#[derive(Serialize)]
pub(crate) struct Facts {
    pub(crate) date: DateTime<Utc>,
    pub(crate) version: String,
    pub(crate) machine: Machine,
    pub(crate) slice_seconds: f64,
    pub(crate) rounds: u32,
    pub(crate) users_before: u32,
    /// As many as were acknowledged: this was checked.
    pub(crate) users_after: u32,
    pub(crate) create_request_bytes: usize,
    pub(crate) create_answer_bytes: usize,
    pub(crate) get_answer_bytes: usize,
}

/// How often a second, and how long each took: medians over the rounds.
#[derive(Serialize)]
struct Rate {
    per_second: f64,
    lowest: f64,
    highest: f64,
    p50_us: f64,
    p99_us: f64,
}

/// One lane.
#[derive(Serialize)]
struct Line {
    request: Request,
    server: Subject,
    connections: u32,
    #[serde(flatten)]
    rate: Rate,
    /// The rate as a part of bare axum's on the same bytes.
    of_bare_axum: Option<f64>,
    /// The rate as a part of the durable floor's.
    of_durable_floor: Option<f64>,
    /// Durable answers for each sync that the disk alone does in that time.
    of_fdatasync: Option<f64>,
    server_cpu_us: f64,
    /// The same in units of what bare axum spends on a read.
    server_cpu_bare_gets: f64,
    client_cores: f64,
    other_cores: f64,
    written_kib: f64,
}

/// From here on, what others took of the machine shows in the figures.
const DISTURBED_CORES: f64 = 0.25;

impl Rate {
    fn of(slices: &[Slice]) -> Rate {
        let rates = || slices.iter().map(Slice::per_second);
        let of = |value: fn(&Slice) -> u32| {
            median(slices.iter().map(|slice| f64::from(value(slice)))).unwrap_or(0.0)
        };
        Rate {
            per_second: median(rates()).unwrap_or(0.0),
            lowest: rates().min_by(f64::total_cmp).unwrap_or(0.0),
            highest: rates().max_by(f64::total_cmp).unwrap_or(0.0),
            p50_us: of(|slice| slice.p50_us),
            p99_us: of(|slice| slice.p99_us),
        }
    }
}

impl Report {
    pub(crate) fn new(facts: Facts, lanes: &[Lane], synced: &[Slice]) -> Report {
        let bare_get = find(lanes, Request::Get, Subject::BareAxum, READERS);
        let bare_get_us = bare_get.map_or(f64::NAN, Lane::server_cpu_us);
        let line = |lane: &Lane| {
            let beside = |subject| {
                let other = find(lanes, lane.request, subject, lane.connections)?;
                (lane.subject != subject).then(|| lane.of(&other.slices))?
            };
            let is_durable = lane.request == Request::Create && lane.subject != Subject::BareAxum;
            let cores = |of: fn(&Slice) -> Duration| lane.cores(|slice| of(slice).as_secs_f64());
            Line {
                request: lane.request,
                server: lane.subject,
                connections: lane.connections,
                rate: Rate::of(&lane.slices),
                of_bare_axum: beside(Subject::BareAxum),
                of_durable_floor: beside(Subject::DurableFloor)
                    .filter(|_| lane.subject == Subject::Rollbook),
                of_fdatasync: is_durable.then(|| lane.of(synced)).flatten(),
                server_cpu_us: lane.server_cpu_us(),
                server_cpu_bare_gets: lane.server_cpu_us() / bare_get_us,
                client_cores: cores(|slice| slice.used.client),
                other_cores: cores(|slice| slice.used.others),
                written_kib: lane.written_kib(),
            }
        };
        Report { facts, fdatasync: Rate::of(synced), lines: lanes.iter().map(line).collect() }
    }

    pub(crate) fn to_json(&self) -> anyhow::Result<String> {
        Ok(serde_json::to_string_pretty(self)?)
    }

    pub(crate) fn to_text(&self) -> String {
        let mut lines = self.opening();
        for (request, title) in [
            (
                Request::Create,
                format!(
                    "POST /Users, {} bytes as Okta sends them, {} bytes back, key checked",
                    self.facts.create_request_bytes, self.facts.create_answer_bytes
                ),
            ),
            (
                Request::Get,
                format!("GET /Users/{{id}}, {} bytes back", self.facts.get_answer_bytes),
            ),
        ] {
            lines.push(String::new());
            lines.push(heading(&title));
            lines.extend(self.table(request).lines());
        }
        lines.push(String::new());
        lines.extend(self.closing());
        lines.join("\n")
    }

    fn opening(&self) -> Vec<String> {
        let Facts { date, version, machine, .. } = &self.facts;
        let Machine { cores, processor, kernel, filesystem, device } = machine;
        let Rate { per_second, lowest, highest, p50_us, p99_us } = &self.fdatasync;
        vec![
            heading(&format!("{version}, {}", date.format("%Y-%m-%d %H:%M UTC"))),
            format!("{cores} cores ({processor}), Linux {kernel}, {filesystem} on {device}"),
            format!(
                "{} rounds of slices of {} s, medians; {} users before, {} after, all checked",
                self.facts.rounds,
                self.facts.slice_seconds,
                self.facts.users_before,
                self.facts.users_after
            ),
            String::new(),
            format!(
                "the disk alone: {per_second:.0} fdatasync a second of 1 KiB each ({lowest:.0} to \
                 {highest:.0}), p50 {} ms, p99 {} ms",
                ms(*p50_us),
                ms(*p99_us)
            ),
        ]
    }

    fn table(&self, request: Request) -> Table {
        const HEADING: [&str; 11] = [
            "conns",
            "server",
            "a second",
            "lowest",
            "of bare",
            "of floor",
            "of fdatasync",
            "p50 ms",
            "p99 ms",
            "CPU",
            "KiB written",
        ];
        let mut table = Table::new(&HEADING, &[1]);
        for line in self.lines.iter().filter(|line| line.request == request) {
            table.row(vec![
                line.connections.to_string(),
                line.server.name().to_owned(),
                format!("{:.0}", line.rate.per_second),
                format!("{:.0}", line.rate.lowest),
                line.of_bare_axum.map(ratio).unwrap_or_default(),
                line.of_durable_floor.map(ratio).unwrap_or_default(),
                line.of_fdatasync.map(ratio).unwrap_or_default(),
                ms(line.rate.p50_us),
                ms(line.rate.p99_us),
                format!("{:.1}", line.server_cpu_bare_gets),
                format!("{:.1}", line.written_kib),
            ]);
        }
        table
    }

    fn closing(&self) -> Vec<String> {
        let get = self
            .lines
            .iter()
            .find(|line| (line.request, line.server) == (Request::Get, Subject::BareAxum));
        let get_us = get.map_or(f64::NAN, |line| line.server_cpu_us);
        let busiest = self.lines.iter().max_by(|a, b| a.client_cores.total_cmp(&b.client_cores));
        let mut lines = vec![
            "of bare: beside axum that answers the same bytes and does nothing".to_owned(),
            "of floor: beside axum that parses, appends and syncs together before it answers"
                .to_owned(),
            "of fdatasync: durable answers for each sync of the disk alone".to_owned(),
            format!(
                "CPU: of the server per request; 1 is what bare axum spends on a GET, {get_us:.0} µs"
            ),
        ];
        if let Some(line) = busiest {
            lines.push(format!(
                "the client took at most {:.2} of a core ({}, {} connections)",
                line.client_cores,
                line.server.name(),
                line.connections
            ));
        }
        let others = median(self.lines.iter().map(|line| line.other_cores)).unwrap_or(0.0);
        lines.push(format!("other processes and the kernel took {others:.2} of a core meanwhile"));
        if others > DISTURBED_CORES {
            lines.push(
                "the machine was not quiet: trust the ratios more than the rates, or run again"
                    .to_owned(),
            );
        }
        lines
    }
}

fn find(lanes: &[Lane], request: Request, subject: Subject, connections: u32) -> Option<&Lane> {
    lanes.iter().find(|lane| {
        (lane.request, lane.subject, lane.connections) == (request, subject, connections)
    })
}

fn ms(us: f64) -> String {
    format!("{:.2}", us / 1e3)
}

fn ratio(part: f64) -> String {
    format!("{part:.2}")
}
