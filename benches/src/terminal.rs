//! What a person sees: the answer on standard output, what goes on meanwhile on standard error.

use std::io::{IsTerminal, Write};

use anstyle::{AnsiColor, Style};

/// The answer. A reader who has gone away, as `head` does, is no fault of ours.
pub(crate) fn say(text: impl AsRef<str>) {
    drop(writeln!(std::io::stdout(), "{}", text.as_ref().trim_end()));
}

/// A line on standard error: what is not the answer.
pub(crate) fn note(text: impl AsRef<str>) {
    drop(writeln!(std::io::stderr(), "{}", text.as_ref()));
}

/// An error, with everything that led to it.
pub(crate) fn complain(error: &anyhow::Error) {
    let causes: Vec<String> = error.chain().map(ToString::to_string).collect();
    let red = Style::new().fg_color(Some(AnsiColor::Red.into())).bold();
    let word = if std::io::stderr().is_terminal() && colours() {
        format!("{red}error:{red:#}")
    } else {
        "error:".to_owned()
    };
    note(format!("{word} {}", causes.join(": ")));
}

/// A heading, bold where it can be.
pub(crate) fn heading(text: &str) -> String {
    if !std::io::stdout().is_terminal() || !colours() {
        return text.to_owned();
    }
    let bold = Style::new().bold();
    format!("{bold}{text}{bold:#}")
}

fn colours() -> bool {
    std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// What goes on, in one line that is written over; nothing where nobody looks.
pub(crate) struct Progress {
    seen: bool,
}

const CLEAR_LINE: &str = "\r\x1b[2K";

impl Progress {
    pub(crate) fn new() -> Progress {
        Progress { seen: std::io::stderr().is_terminal() }
    }

    pub(crate) fn show(&self, text: impl AsRef<str>) {
        self.write(text.as_ref());
    }

    fn write(&self, text: &str) {
        if self.seen {
            let mut stderr = std::io::stderr();
            drop(write!(stderr, "{CLEAR_LINE}{text}"));
            drop(stderr.flush());
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.write("");
    }
}
