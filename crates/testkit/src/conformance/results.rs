//! What `cargo test` said.

use std::collections::BTreeMap;

/// How a test ended. The worst is the greatest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// It passed.
    Passed,
    /// It was skipped.
    Ignored,
    /// It failed.
    Failed,
}

/// How each test of a run ended, by program and name.
#[derive(Debug, Default)]
pub struct Results {
    outcomes: BTreeMap<(String, String), Outcome>,
}

impl Results {
    /// Reads what `cargo test` wrote, its standard error included: that is where it names the
    /// programs.
    #[must_use]
    pub fn parse(output: &str) -> Results {
        let mut outcomes = BTreeMap::new();
        let mut program = String::new();
        for line in output.lines() {
            let line = without_colours(line);
            let line = line.trim();
            if let Some(named) = line.strip_prefix("Running ").and_then(program_of) {
                program = named;
            } else if line.starts_with("Doc-tests ") {
                program = "doc".to_owned();
            } else if let Some((name, outcome)) = outcome(line) {
                let worst: &mut Outcome =
                    outcomes.entry((program.clone(), name)).or_insert(outcome);
                *worst = (*worst).max(outcome);
            }
        }
        Results { outcomes }
    }

    /// How a test ended, if it ran.
    #[must_use]
    pub fn of(&self, program: &str, path: &str) -> Option<Outcome> {
        self.outcomes.get(&(program.to_owned(), path.to_owned())).copied()
    }

    /// How many tests ended so.
    #[must_use]
    pub fn count(&self, outcome: Outcome) -> usize {
        self.outcomes.values().filter(|one| **one == outcome).count()
    }
}

/// `unittests src/lib.rs (target/debug/deps/scim-0a1b)` is the crate `scim`; other programs are
/// called by their file.
fn program_of(line: &str) -> Option<String> {
    let (file, executable) = line.strip_suffix(')')?.split_once(" (")?;
    let file = file.strip_prefix("unittests ").unwrap_or(file);
    if file != "src/lib.rs" {
        return Some(file.to_owned());
    }
    let name = executable.rsplit(['/', '\\']).next()?;
    Some(format!("lib {}", name.rsplit_once('-').map_or(name, |(name, _)| name)))
}

fn outcome(line: &str) -> Option<(String, Outcome)> {
    let (name, end) = line.strip_prefix("test ")?.rsplit_once(" ... ")?;
    let name = name.strip_suffix(" - should panic").unwrap_or(name);
    let outcome = match end {
        "ok" => Outcome::Passed,
        "FAILED" => Outcome::Failed,
        _ if end.starts_with("ignored") => Outcome::Ignored,
        _ => return None,
    };
    Some((name.to_owned(), outcome))
}

fn without_colours(line: &str) -> String {
    let mut plain = String::with_capacity(line.len());
    let mut rest = line.chars();
    while let Some(c) = rest.next() {
        if c == '\u{1b}' {
            rest.by_ref().find(char::is_ascii_alphabetic);
        } else {
            plain.push(c);
        }
    }
    plain
}
