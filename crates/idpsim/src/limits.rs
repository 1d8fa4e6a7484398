//! The sizes that shape what a client sends, each with its unit.

/// Members in one PATCH of a group; a larger change goes out as several requests.
pub(crate) const MEMBERS_PER_PATCH: usize = 100;

/// Resources in one page of an import, as Okta asks for them.
pub(crate) const IMPORT_PAGE: usize = 100;

/// Seconds Okta waits for an answer.
pub(crate) const CALL_TIMEOUT_S: u64 = 60;

/// Characters of an answer that an error repeats.
pub(crate) const QUOTED_BODY_CHARS: usize = 2_000;

/// Milliseconds in which Okta's published test wants the list of groups.
pub(crate) const GROUPS_WITHIN_MS: u128 = 600;

/// Milliseconds between two things that happen, at the least.
pub(crate) const STEP_GAP_MS: i64 = 250;

/// Milliseconds between two people of the initial import, at the most.
pub(crate) const IMPORT_GAP_MS: i64 = 4_000;

/// Milliseconds the initial import takes, at the most: six hours.
pub(crate) const IMPORT_WINDOW_MS: i64 = 6 * 60 * 60 * 1_000;

/// Days in the month a script tells.
pub(crate) const MONTH_DAYS: u64 = 30;
