//! Audit questions and their answers: who changed what, when, through which door, and what it was
//! before.
//!
//! Everything here is read from the log. The trail says which commits to read, so an answer costs
//! in proportion to itself; the commits say the rest.

pub mod access;
mod ask;
mod brief;
mod census;
mod csv;
pub mod diff;
mod entry;
mod erasure;
pub mod explain;
pub mod facts;
mod listed;
mod people;
mod problem;
mod roster;
mod rows;
pub mod show;
mod then;
mod words;

pub use ask::{AskError, Question, ask, ask_each};
pub use brief::{Brief, Moment};
pub use census::{Census, HERE, ListedGroup, ListedUser, Sought, UserState, groups, users};
pub use csv::csv_line;
pub use domain::trail::Order;
pub use entry::{Entry, Named, Told};
pub use erasure::{Erasure, ErasureError, PLACES, Place, plan};
pub use listed::{
    Ignored, ListedCredential, ListedIgnored, ListedOperator, ListedRole, ListedRule, ListedTenant,
    credentials, ignored, operators, roles, rules, tenants,
};
pub use people::{
    Unknown, find_connector, find_credential, find_group, find_makers, find_named, find_policy,
    find_role, find_user,
};
pub use problem::{
    About, PROBLEM_WORDS, Problem, ProblemError, ProblemFilter, ProblemKind, ProblemPage, problems,
};
pub use roster::{ROSTER, RosterLine, roster};
pub use rows::{HEADING, rows};
pub use words::{FILTERS, Misasked, RANGE, SESSION_REVOKED_WORD, question};

/// A value as JSON, the names in every object in order, whichever features of `serde_json` others ask for: one of them makes
/// objects keep the order in which they were made.
///
/// # Errors
/// When the value cannot be written as JSON.
pub fn sorted_json(value: impl serde::Serialize) -> serde_json::Result<serde_json::Value> {
    let mut value = serde_json::to_value(value)?;
    value.sort_all_objects();
    Ok(value)
}
