//! How far a feed was told, and the file that remembers it.

use std::fs::File;
use std::io::Write;
use std::path::PathBuf;

use anyhow::{Context, ensure};
use domain::position::Hash;
use serde::{Deserialize, Serialize};

/// How far a feed was told.
pub(super) struct Place {
    file: Option<PathBuf>,
    kept: Kept,
}

/// What the file says.
#[derive(Serialize, Deserialize, Clone)]
#[serde(deny_unknown_fields)]
struct Kept {
    tenant: String,
    after: u64,
    /// The hash of the commit at `after`, if that was told: it says whether a log is still the same.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    hash: Option<Hash>,
}

impl Place {
    /// Where the file says, if there is one; else at `after`.
    pub(super) fn open(file: Option<PathBuf>, tenant: &str, after: u64) -> anyhow::Result<Place> {
        let mut kept = Kept { tenant: tenant.to_owned(), after, hash: None };
        if let Some(file) = file.as_ref().filter(|file| file.exists()) {
            let shown = file.display();
            let text = std::fs::read(file).with_context(|| format!("{shown} cannot be read"))?;
            kept = serde_json::from_slice(&text).with_context(|| {
                format!("{shown} does not say how far a feed was told; name another file")
            })?;
            let theirs = &kept.tenant;
            ensure!(theirs == tenant, "{shown} is about the feed of {theirs}, not of {tenant}");
        }
        Ok(Place { file, kept })
    }

    pub(super) fn after(&self) -> u64 {
        self.kept.after
    }

    /// As parameters of the next question.
    pub(super) fn query(&self) -> Vec<(&'static str, String)> {
        let mut query = vec![("after", self.kept.after.to_string())];
        query.extend(self.kept.hash.map(|hash| ("afterHash", hash.to_string())));
        query
    }

    /// Whether the log with this hash at the place is the one that was told.
    pub(super) fn compare(&self, here: Hash) -> anyhow::Result<()> {
        let (after, theirs) = (self.kept.after, self.kept.hash.unwrap_or(here));
        ensure!(
            theirs == here,
            "the commit at position {after} has the hash {here} here, not {theirs}: this log is \
             another's, or was restored from an older copy: begin anew without --state"
        );
        Ok(())
    }

    /// A commit was told.
    pub(super) fn told(&mut self, position: u64, hash: Hash) -> anyhow::Result<()> {
        self.kept.after = position;
        self.kept.hash = Some(hash);
        self.keep()
    }

    /// Everything that matters up to here was told.
    pub(super) fn passed(&mut self, after: u64) -> anyhow::Result<()> {
        if after <= self.kept.after {
            return Ok(());
        }
        self.kept.after = after;
        self.kept.hash = None;
        self.keep()
    }

    /// The file is replaced whole: whoever reads it never finds half of it.
    fn keep(&self) -> anyhow::Result<()> {
        let Some(file) = &self.file else { return Ok(()) };
        let mut name = file.file_name().unwrap_or_default().to_owned();
        name.push(".new");
        let new = file.with_file_name(name);
        let text = serde_json::to_string(&self.kept)?;
        let written = File::create(&new).and_then(|mut out| {
            out.write_all(text.as_bytes())?;
            out.sync_data()?;
            std::fs::rename(&new, file)
        });
        written.with_context(|| format!("{} cannot be written", file.display()))
    }
}
