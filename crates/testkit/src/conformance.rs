//! Joins the numbered statements of `statements.txt` with the tests that carry their numbers, and
//! with what a run of these tests said.
//!
//! A test carries a number in its name, which begins with it (`r_7644_3_5_2_04_one_bad_one_undoes_all`),
//! and further ones in lines of its doc comment that begin with `Also ` (`/// Also R-7644-3.12-01, L-04.`).

mod document;
mod results;
mod sources;
mod statements;
mod table;

use std::path::PathBuf;

pub use document::document;
pub use results::{Outcome, Results};
pub use sources::{Found, Test};
pub use statements::{Section, Statement, Statements};
pub use table::{Row, Table, Verdict};

use crate::house;

/// The list of statements.
///
/// # Errors
/// When the file is not there or not well formed.
pub fn statements() -> Result<Statements, String> {
    let path = house::root().join("crates/testkit/statements.txt");
    Statements::parse(
        &std::fs::read_to_string(&path).map_err(|e| format!("{}: {e}", path.display()))?,
    )
}

/// The tests of the workspace that carry numbers.
///
/// # Errors
/// When a source file cannot be read.
pub fn tests(statements: &Statements) -> Result<Found, String> {
    Found::in_workspace(&house::root(), statements)
}

/// Where the generated document is.
#[must_use]
pub fn document_path() -> PathBuf {
    house::root().join("docs/conformance.md")
}
