//! The forms in which a verb that asks prints its answer.

use ::audit::csv_line;
use clap::{Args, ValueEnum};
use serde::Serialize;

use crate::terminal::{self, note, print, say};

/// How the answer is printed: flatten it into the arguments of a verb.
#[derive(Args, Clone, Copy, Default)]
pub(crate) struct Output {
    /// How to print the answer: by itself a table, drawn on a terminal, divided by tabs in a pipe
    #[arg(long, value_enum, value_name = "FORMAT")]
    format: Option<Format>,
    /// Print JSON: short for --format json
    #[arg(long, conflicts_with = "format")]
    json: bool,
}

/// A form of an answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(crate) enum Format {
    /// A table for people, drawn also in a pipe
    Table,
    /// One JSON document
    Json,
    /// One JSON document a line
    Ndjson,
    /// Comma-separated values with a heading (RFC 4180); cells that a spreadsheet would run begin with an apostrophe
    Csv,
}

impl Output {
    /// The form that was asked for; none: a table in the form that suits where it goes.
    pub(crate) fn format(self) -> Option<Format> {
        if self.json { Some(Format::Json) } else { self.format }
    }

    /// Prints a list in the form that was asked for: `rows` gives the lines of the table and of the CSV
    /// that an item makes. `nothing` is what people read on standard error in place of an empty table.
    pub(crate) fn list<T: Serialize>(
        self,
        items: &[T],
        nothing: &str,
        heading: &[&str],
        rows: impl Fn(&T) -> Vec<Vec<String>>,
    ) -> anyhow::Result<()> {
        if self.programs(items, heading, &rows)? {
            return Ok(());
        }
        if items.is_empty() {
            note(nothing);
        } else {
            self.table(heading, &items.iter().flat_map(rows).collect::<Vec<_>>());
        }
        Ok(())
    }

    /// Prints a list if it was asked for in a form for programs; `false`: people are to see it, and nothing
    /// was printed.
    pub(crate) fn programs<T: Serialize>(
        self,
        items: &[T],
        heading: &[&str],
        rows: impl Fn(&T) -> Vec<Vec<String>>,
    ) -> anyhow::Result<bool> {
        match self.format() {
            None | Some(Format::Table) => return Ok(false),
            Some(Format::Json) => say(serde_json::to_string_pretty(items)?),
            Some(Format::Ndjson) => {
                for item in items {
                    say(serde_json::to_string(item)?);
                }
            }
            Some(Format::Csv) => {
                print(csv_line(heading));
                items.iter().flat_map(rows).for_each(|row| print(csv_line(row)));
            }
        }
        Ok(true)
    }

    /// A table: drawn on a terminal and where it was asked for by name, divided by tabs otherwise.
    pub(crate) fn table(self, heading: &[&str], rows: &[Vec<String>]) {
        if self.format() == Some(Format::Table) {
            terminal::drawn(heading, rows);
        } else {
            terminal::table(heading, rows);
        }
    }
}
