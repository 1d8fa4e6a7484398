//! What a person sees: tables, colours and progress on a terminal, plain text in a pipe.

use std::io::{IsTerminal, Write};
use std::time::Duration;

use anstyle::{AnsiColor, Style};
use comfy_table::{ContentArrangement, Table, presets};
use indicatif::{ProgressBar, ProgressStyle};

/// A line on standard output. A reader who has gone away, as `head` does, is no fault of ours.
pub(crate) fn say(text: impl AsRef<str>) {
    drop(writeln!(std::io::stdout(), "{}", text.as_ref()));
}

/// Text on standard output that brings its own line ends.
pub(crate) fn print(text: impl AsRef<str>) {
    drop(std::io::stdout().write_all(text.as_ref().as_bytes()));
}

/// A line on standard error: what is not the answer.
pub(crate) fn note(text: impl AsRef<str>) {
    drop(writeln!(std::io::stderr(), "{}", text.as_ref()));
}

/// An answer that was printed and is no: exit status 1, and nothing more to say.
#[derive(Debug)]
pub(crate) struct No;

impl std::fmt::Display for No {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("no")
    }
}

impl std::error::Error for No {}

/// An error, with everything that led to it.
pub(crate) fn complain(error: &anyhow::Error) {
    let red = Style::new().fg_color(Some(AnsiColor::Red.into())).bold();
    let (on, off) = if shows_colours_on_stderr() {
        (red.render().to_string(), red.render_reset().to_string())
    } else {
        (String::new(), String::new())
    };
    let causes: Vec<String> = error.chain().map(ToString::to_string).collect();
    note(format!("{on}error:{off} {}", causes.join(": ")));
}

/// Whether standard output is a terminal.
pub(crate) fn is_terminal() -> bool {
    std::io::stdout().is_terminal()
}

/// Whether a bar for long work is seen: it is drawn on standard error.
pub(crate) fn shows_progress() -> bool {
    std::io::stderr().is_terminal()
}

/// Whether standard error is a terminal that shows colours.
pub(crate) fn shows_colours_on_stderr() -> bool {
    std::io::stderr().is_terminal() && colours()
}

fn colours() -> bool {
    std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// What a cell says, in colour.
#[derive(Clone, Copy)]
pub(crate) enum Tone {
    Good,
    Bad,
    Faint,
}

/// `text` in colour, if someone sees it.
pub(crate) fn toned(text: &str, tone: Tone) -> String {
    if !is_terminal() || !colours() {
        return text.to_owned();
    }
    let style = match tone {
        Tone::Good => Style::new().fg_color(Some(AnsiColor::Green.into())),
        Tone::Bad => Style::new().fg_color(Some(AnsiColor::Red.into())),
        Tone::Faint => Style::new().dimmed(),
    };
    format!("{}{text}{}", style.render(), style.render_reset())
}

/// A table on a terminal; columns divided by tabs in a pipe, with the heading first.
pub(crate) fn table(heading: &[&str], rows: &[Vec<String>]) {
    if !is_terminal() {
        say(heading.join("\t"));
        for row in rows {
            say(row.join("\t"));
        }
        return;
    }
    drawn(heading, rows);
}

/// A table with lines between the rows.
pub(crate) fn drawn(heading: &[&str], rows: &[Vec<String>]) {
    let mut table = Table::new();
    table.load_style(presets::UTF8_HORIZONTAL_ONLY);
    table.set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header(heading);
    for row in rows {
        table.add_row(row);
    }
    say(table.to_string());
}

/// A bar for long work, with rate and time left. In a pipe it shows nothing.
pub(crate) fn progress(total: u64, unit: &str) -> ProgressBar {
    let bar = ProgressBar::new(total);
    let form = format!(
        "{{msg:12}} {{bar:32}} {{human_pos}}/{{human_len}} {unit}  {{per_sec}}  {{eta}} left"
    );
    if let Ok(style) = ProgressStyle::with_template(&form) {
        bar.set_style(style);
    }
    bar
}

/// As [`progress`], when nobody knows how much there is.
pub(crate) fn counter(unit: &str) -> ProgressBar {
    let bar = ProgressBar::no_length();
    let form = format!("{{msg:12}} {{spinner}} {{human_pos}} {unit}  {{per_sec}}");
    if let Ok(style) = ProgressStyle::with_template(&form) {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}
