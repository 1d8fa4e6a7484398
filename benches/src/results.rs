//! The results file: a line of JSON for each row, written as it is done.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Context;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::machine::Machine;
use crate::rows::{Measured, Row};

/// A row that was measured.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Line {
    pub(crate) row: Row,
    pub(crate) at: DateTime<Utc>,
    pub(crate) took_seconds: f64,
    pub(crate) made_of: MadeOf,
    #[serde(flatten)]
    pub(crate) measured: Measured,
}

/// What a row was measured of, and how: another of these is another result.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(crate) struct MadeOf {
    pub(crate) version: String,
    /// When the binary was built, and how long it is.
    pub(crate) built: String,
    pub(crate) users: Vec<u32>,
    pub(crate) slice_seconds: f64,
    pub(crate) rounds: u32,
    pub(crate) machine: Machine,
}

/// The file.
pub(crate) struct Results {
    path: PathBuf,
    lines: Vec<Line>,
}

impl Results {
    /// Reads what is there. What another release wrote is left alone, and not counted.
    pub(crate) fn open(path: &Path) -> Results {
        let text = fs::read_to_string(path).unwrap_or_default();
        let lines = text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
        Results { path: path.to_owned(), lines }
    }

    /// The last time that this row was measured of the same.
    pub(crate) fn find(&self, row: Row, made_of: &MadeOf) -> Option<&Line> {
        self.lines.iter().rev().find(|line| line.row == row && line.made_of == *made_of)
    }

    pub(crate) fn add(&mut self, line: Line) -> anyhow::Result<()> {
        let mut text = serde_json::to_string(&line)?;
        text.push('\n');
        let file = OpenOptions::new().create(true).append(true).open(&self.path);
        file.and_then(|mut file| file.write_all(text.as_bytes()))
            .with_context(|| format!("{} cannot be written", self.path.display()))?;
        self.lines.push(line);
        Ok(())
    }
}

/// When a file was written last, and how long it is.
pub(crate) fn built(binary: &Path) -> anyhow::Result<String> {
    let data = fs::metadata(binary)?;
    let at: DateTime<Utc> = data.modified()?.into();
    Ok(format!("{}, {} bytes", at.format("%Y-%m-%d %H:%M:%S UTC"), data.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_counts_only_for_what_it_was_measured_of() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("results.jsonl");
        let made_of = MadeOf {
            version: "rollbook 1".to_owned(),
            built: "today".to_owned(),
            users: vec![1_000],
            slice_seconds: 1.0,
            rounds: 5,
            machine: Machine::of(folder.path()),
        };
        let line = Line {
            row: Row::T1,
            at: Utc::now(),
            took_seconds: 1.0,
            made_of: made_of.clone(),
            measured: Measured::default(),
        };
        Results::open(&path).add(line).unwrap();
        fs::write(&path, fs::read_to_string(&path).unwrap() + "something else\n").unwrap();
        let results = Results::open(&path);
        assert!(results.find(Row::T1, &made_of).is_some());
        assert!(results.find(Row::T2, &made_of).is_none());
        let other = MadeOf { built: "yesterday".to_owned(), ..made_of };
        assert!(results.find(Row::T1, &other).is_none());
    }
}
