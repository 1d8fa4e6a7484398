//! What a person sees: tables, colours and progress on a terminal, plain text in a pipe.

use std::borrow::Cow;
use std::io::{IsTerminal, Write};
use std::time::Duration;

use anstyle::{AnsiColor, Style};
use comfy_table::{ContentArrangement, Table, presets};
use indicatif::{ProgressBar, ProgressStyle};

/// A line on standard output. A reader who has gone away, as `head` does, is no fault of ours.
pub(crate) fn say(text: impl AsRef<str>) {
    print(format!("{}\n", text.as_ref()));
}

/// Text on standard output that brings its own line ends. A terminal is shown it [`harmless`]; who reads a pipe gets
/// every byte.
pub(crate) fn print(text: impl AsRef<str>) {
    let text = text.as_ref();
    let text = if is_terminal() { harmless(text) } else { Cow::Borrowed(text) };
    drop(std::io::stdout().write_all(text.as_bytes()));
}

/// A line on standard error: what is not the answer.
pub(crate) fn note(text: impl AsRef<str>) {
    drop(writeln!(std::io::stderr(), "{}", harmless(text.as_ref())));
}

/// Stands for a character that is not shown.
const HIDDEN: char = '\u{fffd}';

/// Whether a character makes a terminal do something, or turns the text around it: whatever it is, it was a client who wrote it.
fn acts(c: char) -> bool {
    c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// `text` as a terminal may be shown it: a name may hold sequences that move the cursor, wipe what stands there, or
/// write into the clipboard. Line ends and tabs stay, and the colours of [`toned`].
fn harmless(text: &str) -> Cow<'_, str> {
    if !text.contains(|c| acts(c) && c != '\n') {
        return Cow::Borrowed(text);
    }
    let colours = [Tone::Good, Tone::Bad, Tone::Faint].map(|tone| tone.style());
    let mut ours: Vec<String> = colours.iter().map(|style| style.render().to_string()).collect();
    ours.extend([RED, Style::new()].map(|style| style.render().to_string()));
    ours.push(RED.render_reset().to_string());
    ours.retain(|sequence| !sequence.is_empty());
    let (mut shown, mut rest) = (String::with_capacity(text.len()), text);
    while let Some(c) = rest.chars().next() {
        let kept = match ours.iter().find(|sequence| rest.starts_with(sequence.as_str())) {
            Some(sequence) => {
                shown.push_str(sequence);
                sequence.len()
            }
            None => {
                let is_line_end = c == '\r' && rest.starts_with("\r\n");
                let stays = !acts(c) || matches!(c, '\n' | '\t') || is_line_end;
                shown.push(if stays { c } else { HIDDEN });
                c.len_utf8()
            }
        };
        rest = rest.get(kept..).unwrap_or_default();
    }
    Cow::Owned(shown)
}

/// A cell of a table, or the rest of a line: on one line, in one column, whatever a client wrote into it.
pub(crate) fn plain(text: &str) -> String {
    harmless(text).replace(['\n', '\r', '\t'], " ")
}

const RED: Style = Style::new().fg_color(Some(anstyle::Color::Ansi(AnsiColor::Red))).bold();

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
    let (on, off) = if shows_colours_on_stderr() {
        (RED.render().to_string(), RED.render_reset().to_string())
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

impl Tone {
    fn style(self) -> Style {
        match self {
            Tone::Good => Style::new().fg_color(Some(AnsiColor::Green.into())),
            Tone::Bad => Style::new().fg_color(Some(AnsiColor::Red.into())),
            Tone::Faint => Style::new().dimmed(),
        }
    }
}

/// `text` in colour, if someone sees it.
pub(crate) fn toned(text: &str, tone: Tone) -> String {
    if !is_terminal() || !colours() {
        return text.to_owned();
    }
    let style = tone.style();
    format!("{}{}{}", style.render(), text.replace(acts, "\u{fffd}"), style.render_reset())
}

/// A table on a terminal; columns divided by tabs in a pipe, with the heading first.
pub(crate) fn table(heading: &[&str], rows: &[Vec<String>]) {
    if !is_terminal() {
        say(heading.join("\t"));
        for row in rows {
            say(row.iter().map(|text| plain(text)).collect::<Vec<_>>().join("\t"));
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
        table.add_row(row.iter().map(|text| plain(text)));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_client_wrote_moves_no_cursor() {
        let same = ["Zoë O'Brien-Łuczak 北京", "two\nlines", "a\tb", "a,b\r\n"];
        for text in same {
            assert_eq!(harmless(text), text);
        }
        for (text, shown) in [
            ("\u{1b}[2J\u{1b}[1;1Hroot", "\u{fffd}[2J\u{fffd}[1;1Hroot"),
            ("\u{1b}]52;c;ZXZpbA==\u{7}", "\u{fffd}]52;c;ZXZpbA==\u{fffd}"),
            ("\u{9b}2J", "\u{fffd}2J"),
            ("back\u{8}\u{8}\u{8}", "back\u{fffd}\u{fffd}\u{fffd}"),
            ("good\rbad", "good\u{fffd}bad"),
            ("\u{202e}niMda", "\u{fffd}niMda"),
            ("\u{1b}[31", "\u{fffd}[31"),
        ] {
            assert_eq!(harmless(text), shown);
        }
        for tone in [Tone::Good, Tone::Bad, Tone::Faint] {
            let style = tone.style();
            let text = format!("{}+ Admin{}", style.render(), style.render_reset());
            assert_eq!(harmless(&text), text);
        }
        assert_eq!(plain("a\tb\nc\r\nd\u{1b}c"), "a b c  d\u{fffd}c");
    }
}
