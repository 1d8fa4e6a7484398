//! Limits, each with its unit.

/// Characters of a `User-Agent` that are kept.
pub const AGENT_CHARS: usize = 256;
/// Characters of a slug, a role's, connector's or operator's name.
pub const NAME_CHARS: usize = 64;
/// Characters of a role's description.
pub const DESCRIPTION_CHARS: usize = 1_024;
/// Resources in a page when the client does not say.
pub const PAGE_DEFAULT: usize = 100;
/// Resources in a page at most.
pub const PAGE_MAX: usize = 1_000;
/// Events in a commit at most; with the longest event they stay below a commit's 16 MiB.
pub const COMMIT_EVENTS: usize = 150_000;
