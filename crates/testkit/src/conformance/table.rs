//! Statements, tests and results side by side, and what is wrong with them.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde_json::{Value, json};

use super::results::{Outcome, Results};
use super::sources::{Found, Test};
use super::statements::{Statement, Statements};

/// What is known of a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// A test that proves it passed, and none failed.
    Pass,
    /// It is not met on purpose.
    NotMet,
    /// No test proves it, or none that ran.
    NoTest,
    /// A test that carries its number failed.
    Fail,
}

impl Verdict {
    const ALL: [Verdict; 4] = [Verdict::Pass, Verdict::NotMet, Verdict::NoTest, Verdict::Fail];

    /// As the table says it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Verdict::Pass => "pass",
            Verdict::NotMet => "not met",
            Verdict::NoTest => "NO TEST",
            Verdict::Fail => "FAIL",
        }
    }

    fn colour(self) -> &'static str {
        match self {
            Verdict::Pass => "\u{1b}[32m",
            Verdict::NotMet => "\u{1b}[33m",
            Verdict::NoTest => "\u{1b}[35m",
            Verdict::Fail => "\u{1b}[31m",
        }
    }
}

/// One statement with its tests.
#[derive(Debug)]
pub struct Row<'a> {
    /// The statement.
    pub statement: &'a Statement,
    /// The tests that carry its number, and how each ended, if it ran.
    pub tests: Vec<(&'a Test, Option<Outcome>)>,
    /// What that means.
    pub verdict: Verdict,
}

/// All of it.
#[derive(Debug)]
pub struct Table<'a> {
    /// By section: the heading and its statements.
    pub sections: Vec<(&'a str, Vec<Row<'a>>)>,
    /// What is wrong besides statements without a pass: any of it fails the command.
    pub problems: Vec<String>,
}

impl<'a> Table<'a> {
    /// Joins all three.
    #[must_use]
    pub fn join(statements: &'a Statements, found: &'a Found, results: &Results) -> Table<'a> {
        let mut by_number: BTreeMap<&str, Vec<(&Test, Option<Outcome>)>> = BTreeMap::new();
        let mut problems = found.problems.clone();
        for test in &found.tests {
            let outcome = results.of(&test.program, &test.path);
            if outcome.is_none() {
                problems.push(format!("{} {}: it did not run", test.krate, test.path));
            }
            for number in &test.numbers {
                by_number.entry(number).or_default().push((test, outcome));
            }
        }
        let mut row = |statement: &'a Statement| {
            let tests = by_number.remove(statement.id.as_str()).unwrap_or_default();
            if statement.not_met.is_some() && !tests.is_empty() {
                problems.push(format!(
                    "{}: it has a reason for not being met, and a test: one of them is wrong",
                    statement.id
                ));
            }
            let any = |wanted| tests.iter().any(|(_, outcome)| *outcome == Some(wanted));
            let verdict = if any(Outcome::Failed) {
                Verdict::Fail
            } else if statement.not_met.is_some() {
                Verdict::NotMet
            } else if tests.iter().any(|(test, outcome)| {
                *outcome == Some(Outcome::Passed)
                    && (test.runs_the_binary() || !statement.is_of_a_product())
            }) {
                Verdict::Pass
            } else {
                Verdict::NoTest
            };
            Row { statement, tests, verdict }
        };
        let sections = statements.sections.iter();
        let sections = sections
            .map(|one| (one.title.as_str(), one.statements.iter().map(&mut row).collect()))
            .collect();
        Table { sections, problems }
    }

    /// How many statements have this verdict.
    #[must_use]
    pub fn count(&self, verdict: Verdict) -> usize {
        self.rows().filter(|row| row.verdict == verdict).count()
    }

    /// Whether every statement has a passing test or a reason, and nothing else is wrong.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.problems.is_empty()
            && self.count(Verdict::Fail) == 0
            && self.count(Verdict::NoTest) == 0
    }

    fn rows(&self) -> impl Iterator<Item = &Row<'a>> {
        self.sections.iter().flat_map(|(_, rows)| rows)
    }

    /// As text, with colours or without.
    #[must_use]
    pub fn text(&self, is_coloured: bool) -> String {
        let mut out = String::new();
        let paint = |code: &str, text: &str| {
            if is_coloured { format!("{code}{text}\u{1b}[0m") } else { text.to_owned() }
        };
        for (title, rows) in &self.sections {
            let _ = writeln!(out, "{}", paint("\u{1b}[1m", title));
            for row in rows {
                let Statement { id, level, text, .. } = row.statement;
                let star = if row.statement.is_ours { "*" } else { "" };
                let verdict = format!("{:8}", row.verdict.as_str());
                let verdict = paint(row.verdict.colour(), &verdict);
                let _ = writeln!(out, "  {id:18} {:12} {verdict} {text}", format!("{level}{star}"));
                if let Some(reason) = &row.statement.not_met {
                    let _ = writeln!(out, "{:34}{}", "", paint("\u{1b}[2m", reason));
                }
                for (test, outcome) in &row.tests {
                    let mark = match outcome {
                        Some(Outcome::Passed) => "",
                        Some(Outcome::Ignored) => " (ignored)",
                        Some(Outcome::Failed) => " (FAILED)",
                        None => " (did not run)",
                    };
                    let test = format!("{} {}{mark}", test.krate, test.path);
                    let _ = writeln!(out, "{:34}{}", "", paint("\u{1b}[2m", &test));
                }
            }
        }
        for problem in &self.problems {
            let _ = writeln!(out, "{} {problem}", paint("\u{1b}[31m", "problem:"));
        }
        let counts = Verdict::ALL.map(|verdict| {
            let text = format!("{} {}", self.count(verdict), verdict.as_str());
            paint(verdict.colour(), &text)
        });
        let all = self.rows().count();
        let _ = writeln!(
            out,
            "{all} statements: {}; {} problems",
            counts.join(", "),
            self.problems.len()
        );
        out
    }

    /// As JSON.
    #[must_use]
    pub fn json(&self) -> Value {
        let outcome = |outcome: &Option<Outcome>| match outcome {
            Some(Outcome::Passed) => "passed",
            Some(Outcome::Ignored) => "ignored",
            Some(Outcome::Failed) => "failed",
            None => "did not run",
        };
        let statements: Vec<Value> = self
            .sections
            .iter()
            .flat_map(|(title, rows)| rows.iter().map(move |row| (title, row)))
            .map(|(title, row)| {
                let tests = row.tests.iter().map(|(test, ended)| {
                    json!({ "crate": test.krate, "name": test.path, "outcome": outcome(ended) })
                });
                let mut statement = json!({
                    "id": row.statement.id,
                    "level": row.statement.level,
                    "ours": row.statement.is_ours,
                    "section": title,
                    "text": row.statement.text,
                    "verdict": row.verdict.as_str(),
                    "tests": tests.collect::<Vec<_>>(),
                });
                if let (Some(reason), Some(object)) =
                    (&row.statement.not_met, statement.as_object_mut())
                {
                    object.insert("notMet".to_owned(), json!(reason));
                }
                statement
            })
            .collect();
        json!({ "holds": self.holds(), "statements": statements, "problems": self.problems })
    }
}
