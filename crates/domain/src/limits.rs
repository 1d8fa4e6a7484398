//! Limits, each with its unit.

/// Characters of a `User-Agent` that are kept.
pub const AGENT_CHARS: usize = 256;
/// Characters of a slug, a role's, connector's or operator's name.
pub const NAME_CHARS: usize = 64;
/// Characters of what a tenant is called.
pub const TITLE_CHARS: usize = 256;
/// Characters of an e-mail address (RFC 5321 §4.5.3.1).
pub const ADDRESS_CHARS: usize = 254;
/// Addresses that a tenant's alerts go to at most.
pub const ALERT_ADDRESSES: usize = 20;
/// Characters of the name of a public key that a client signs with.
pub const KID_CHARS: usize = 256;
/// Credentials of a tenant that are not revoked.
pub const CREDENTIALS: usize = 10_000;
/// Characters of the reason of an erasure, or of a tenant's suspension or end. It stands in the log in clear.
pub const REASON_CHARS: usize = 256;
/// Characters of a person's value from which on it is looked for elsewhere.
pub const VALUE_CHARS_LEAST: usize = 2;
/// Characters of a value from which on it is looked for within words, too.
pub const DISTINCT_CHARS: usize = 4;
/// Characters of a value from which on it is looked for within another person's values.
pub const LONG_CHARS: usize = 8;
/// Characters of a part of a person's name, or of a mail address, from which on it is looked for by itself.
pub const WORD_CHARS_LEAST: usize = 3;
/// Characters of a role's description.
pub const DESCRIPTION_CHARS: usize = 1_024;
/// Resources in a page when the client does not say.
pub const PAGE_DEFAULT: usize = 100;
/// Resources in a page at most.
pub const PAGE_MAX: usize = 1_000;
/// Members that one PATCH may look at to find those that a filter chooses.
pub const MEMBERS_LOOKED_AT: usize = 200_000;
/// Comparisons that the filters of one PATCH make to find members: one for each term and each member.
pub const MEMBER_COMPARISONS: usize = 1_000_000;
/// Characters of a group's `displayName`: it is shown with each of its members.
pub const DISPLAY_NAME_CHARS: usize = 1_024;
/// Bytes of a user's or group's attributes, packed, but for members and roles.
pub const ATTRIBUTES_BYTES: usize = 1 << 20;
/// Bytes after which a page of a list ends, whatever was asked for.
pub const PAGE_BYTES: usize = 16 << 20;
/// Events in a commit at most; with the longest event they stay below a commit's 16 MiB.
pub const COMMIT_EVENTS: usize = 150_000;
/// Events of a commit by which a connector releases what it managed.
pub const RELEASED_EVENTS: usize = 20_000;
/// Bytes of a schema document that a tenant adds.
pub const SCHEMA_BYTES: usize = 256 << 10;
/// Schemas that a tenant adds at most.
pub const SCHEMAS: usize = 50;
/// Policies that a tenant has at once.
pub const POLICIES: usize = 1_000;
/// Bytes of a policy's text.
pub const POLICY_BYTES: usize = 16 << 10;
/// Bytes of what a tenant declares for its policies.
pub const POLICY_SCHEMA_BYTES: usize = 256 << 10;
/// Rules that a tenant has at once.
pub const RULES: usize = 1_000;
/// Resources that a list looks at before it asks whether somebody still waits for it.
pub const ROWS_BETWEEN_LOOKS: usize = 256;
/// Bytes of attributes that a resource of the usual size has at most.
pub const USUAL_BYTES: usize = 1_024;
/// What it costs to compare one member of a group, in comparisons: it is written down each time.
pub const ELEMENT_COST: usize = 8;
/// Inactive users up to whose number `active eq true` is answered without looking at each user.
pub const ABSENT_PLACES: usize = 1_000;
/// Patterns in one list of a connector's inclusions or exclusions.
pub const PATTERNS: usize = 1_000;
/// Characters of such a pattern.
pub const PATTERN_CHARS: usize = 256;
/// Events of users and groups that a connector's lists let in or leave out, in one commit: what rules do then needs room, too.
pub const EVENTS_MOVING: usize = COMMIT_EVENTS / 3;
/// Rules of a connector's mapping.
pub const MAPPING_RULES: usize = 50;
