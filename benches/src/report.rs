//! What was measured, as text: a block for each row as it is done, and all targets at the end.

use crate::lane::Summary;
use crate::results::{Line, MadeOf};
use crate::stats::median;
use crate::table::Table;
use crate::terminal::heading;

/// From here on, what others took of the machine shows in the figures.
const DISTURBED_CORES: f64 = 0.25;

/// What all of it belongs to.
pub(crate) fn opening(made_of: &MadeOf) -> String {
    let MadeOf { version, built, users, slice_seconds, rounds, machine } = made_of;
    let users: Vec<String> = users.iter().map(|&users| crate::figure::many(users)).collect();
    [
        heading(&format!("{version}, built {built}")),
        format!(
            "{} cores ({}), Linux {}, {} on {}",
            machine.cores, machine.processor, machine.kernel, machine.filesystem, machine.device
        ),
        format!(
            "{rounds} rounds of slices of {slice_seconds} s, medians; populations of {} users",
            users.join(", ")
        ),
    ]
    .join("\n")
}

/// One row.
pub(crate) fn row(line: &Line) -> String {
    let title = format!("{}  {}", line.row, line.row.title());
    let at = line.at.format("%Y-%m-%d %H:%M UTC");
    let mut lines = vec![String::new(), heading(&title)];
    lines.extend(figures(line).lines());
    if !line.measured.lanes.is_empty() {
        lines.push(String::new());
        lines.extend(lanes(&line.measured.lanes).lines());
    }
    let mut closing = format!("{at}, {:.0} s", line.took_seconds);
    if let Some(others) = others(line) {
        closing.push_str(&format!("; others took {others:.2} of a core meanwhile"));
        if others > DISTURBED_CORES {
            closing.push_str(": trust ratios and CPU more than rates, or run again");
        }
    }
    lines.push(closing);
    lines.join("\n")
}

fn others(line: &Line) -> Option<f64> {
    let servers = line.measured.lanes.iter().filter(|lane| lane.cpu_us > 0.0);
    median(servers.map(|lane| lane.other_cores))
}

fn figures(line: &Line) -> Table {
    let mut table = Table::new(&["", "", "measured", "target", ""], &[0, 1, 4]);
    for figure in &line.measured.figures {
        let met = match figure.is_met() {
            None => "",
            Some(true) => "met",
            Some(false) => "MISSED",
        };
        table.row(vec![
            figure.of.clone(),
            figure.what.clone(),
            figure.shown(),
            figure.wanted(),
            met.to_owned(),
        ]);
    }
    table
}

fn lanes(lanes: &[Summary]) -> Table {
    const HEADING: [&str; 9] = [
        "conns",
        "server",
        "work",
        "a second",
        "p50 ms",
        "p99 ms",
        "CPU µs",
        "KiB written",
        "client",
    ];
    let mut table = Table::new(&HEADING, &[1, 2]);
    for lane in lanes {
        table.row(vec![
            lane.connections.to_string(),
            lane.name.clone(),
            lane.work.clone(),
            format!("{:.0}", lane.per_second),
            format!("{:.2}", lane.p50_us / 1e3),
            format!("{:.2}", lane.p99_us / 1e3),
            format!("{:.1}", lane.cpu_us),
            format!("{:.1}", lane.written_kib),
            format!("{:.2}", lane.client_cores),
        ]);
    }
    table
}

/// All rows, a line each: how many of their targets are met, and the worst that are not.
pub(crate) fn closing(lines: &[Line]) -> String {
    let mut table = Table::new(&["row", "", "targets met", "not met"], &[0, 1, 3]);
    for line in lines {
        let judged: Vec<bool> =
            line.measured.figures.iter().filter_map(super::figure::Figure::is_met).collect();
        let met = judged.iter().filter(|is_met| **is_met).count();
        let missed: Vec<String> = line
            .measured
            .figures
            .iter()
            .filter(|figure| figure.is_met() == Some(false))
            .map(|figure| format!("{} {} ({})", figure.what, figure.shown(), figure.wanted()))
            .collect();
        let shown = match missed.as_slice() {
            [] => String::new(),
            [one] => one.clone(),
            [one, rest @ ..] => format!("{one}, and {} more", rest.len()),
        };
        table.row(vec![
            line.row.to_string(),
            line.row.title().to_owned(),
            format!("{met} of {}", judged.len()),
            shown,
        ]);
    }
    let mut all = vec![String::new(), heading("All rows")];
    all.extend(table.lines());
    all.join("\n")
}
