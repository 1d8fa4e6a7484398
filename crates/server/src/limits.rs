//! Limits, each with its unit.

/// Bytes of a request's body for a user, and for the admin API.
pub const USER_BODY_BYTES: usize = 1 << 20;
/// Bytes of a request's body for a group, with all its members.
pub const GROUP_BODY_BYTES: usize = 16 << 20;
/// Bytes of a bulk request's body.
pub const BULK_BODY_BYTES: usize = scim::limits::BULK_BYTES;
/// Bytes after which the answer to a bulk request shows no more of what was written.
pub const BULK_ANSWER_BYTES: usize = 16 << 20;
/// Bytes that are let go by of a body that nobody reads, so that the client sees why.
pub const DRAINED_BYTES: usize = GROUP_BODY_BYTES;
/// Seconds that this may take.
pub const DRAINED_SECONDS: u64 = 2;
/// Users or roles in one page of the management API.
pub const MANAGEMENT_PAGE: usize = 100;
/// Times that a change by the management API is tried while others change the same user.
pub const MANAGEMENT_TRIES: usize = 8;
/// Characters of the name that a client gives for who acts.
pub const CLAIMED_CHARS: usize = 320;
/// Commits in one page of an audit answer when the client does not say.
pub const AUDIT_PAGE: usize = 100;
/// Commits in one page of an audit answer at most.
pub const AUDIT_PAGE_MAX: usize = 1_000;
/// Commits in one page of a feed when the client does not say.
pub const FEED_PAGE: usize = 100;
/// Commits in one page of a feed at most.
pub const FEED_PAGE_MAX: usize = 1_000;
/// Bytes of commits after which a page of a feed takes no more.
pub const FEED_PAGE_BYTES: usize = 4 << 20;
/// Seconds for which a page of a feed waits at most.
pub const FEED_WAIT_SECONDS: u64 = 60;
/// Commits that a stream reads at once.
pub const FEED_RUN_COMMITS: usize = 64;
/// Bytes of commits after which a stream reads no more before these are taken.
pub const FEED_RUN_BYTES: usize = 64 << 10;
/// Commits of a log that are looked through at once for those that a reader wants.
pub const FEED_WINDOW: u64 = 1_024;
/// Milliseconds after which looking is broken off, to say how far it came.
pub const FEED_LOOK_MILLIS: u64 = 500;
/// Readers who may follow feeds of a server at once.
pub const FEED_READERS: usize = 256;
/// Readers who may follow one feed at once.
pub const FEED_READERS_OF_TENANT: usize = 64;
/// Threads that read logs for feeds at once.
pub const FEED_READS: usize = 4;
/// Seconds after which a stream that has nothing to tell gives a sign of life.
pub const FEED_HEARTBEAT_SECONDS: u64 = 15;
/// Milliseconds after which a client should come again when a stream has ended.
pub const FEED_RETRY_MILLIS: u64 = 2_000;
/// Milliseconds that a reader gets to take the last words.
pub const FEED_PARTING_MILLIS: u64 = 500;
/// Members of a group or holders of a role in one answer when the client does not say.
pub const SHOWN_PAGE: usize = 100;
/// Members of a group or holders of a role in one answer at most.
pub const SHOWN_PAGE_MAX: usize = 1_000;
/// Things that differ in one answer when the client does not say.
pub const DIFF_PAGE: usize = 100;
/// Things that differ in one answer at most.
pub const DIFF_PAGE_MAX: usize = 1_000;
/// Commits that an audit answer without pages reads at once.
pub const AUDIT_RUN: usize = 200;
/// Entries of the refusal journal in one answer when the client does not say.
pub const PROBLEMS_PAGE: usize = 100;
/// Entries of the refusal journal in one answer at most.
pub const PROBLEMS_PAGE_MAX: usize = 1_000;
/// Seconds after which a client may try again when the queue is full.
pub const RETRY_SECONDS: u64 = 1;
/// Seconds after which a client of a suspended tenant is asked to try again.
pub const SUSPENDED_SECONDS: u64 = 300;
/// Credentials of a connector whose last use is known; of more, those used last.
pub const USED_CREDENTIALS: usize = 20;
/// Keys of users, or of operators, whose last use is known; of more, those used last.
pub const USED_KEYS: usize = 200;
/// Seconds for which a credential may be good still after another was issued in its place.
pub const OVERLAP_SECONDS: u64 = 90 * 24 * 3_600;
/// Seconds for which a password that was right is not looked at again.
pub const PASSWORD_SECONDS: i64 = 60;
/// Bytes of a password at most.
pub const PASSWORD_BYTES: usize = 1_024;
/// Characters of a password that an operator chooses, at least.
pub const PASSWORD_CHARS_LEAST: usize = 12;
/// Passwords that are hashed at once.
pub const PASSWORD_CHECKS: usize = 2;
/// Passwords that wait to be hashed or are, of all tenants.
pub const PASSWORDS_WAITING: usize = 64;
/// The same of one tenant.
pub const PASSWORDS_WAITING_OF_TENANT: usize = 16;
/// Right passwords that are remembered at once.
pub const PASSWORDS_KNOWN: usize = 10_000;
/// Seconds for which an access token is good.
pub const TOKEN_SECONDS: i64 = 600;
/// Bytes of a request for a token.
pub const TOKEN_BODY_BYTES: usize = 16 << 10;
/// Bytes of an assertion.
pub const ASSERTION_BYTES: usize = 8 << 10;
/// Seconds from when an assertion was made until it ends, at most.
pub const ASSERTION_SECONDS: i64 = 3_600;
/// Seconds for which an assertion is taken after its end: clocks differ.
pub const ASSERTION_LATE_SECONDS: i64 = 30;
/// Seconds by which a client's clock may be ahead; it is waited for.
pub const ASSERTION_AHEAD_SECONDS: i64 = 5;
/// Bytes of an assertion's `jti`.
pub const JTI_BYTES: usize = 256;
/// Used assertions that are remembered of one connector until they end.
pub const ASSERTIONS_OF_CONNECTOR: usize = 10_000;
/// Bulk jobs that run at once; more are asked to come again.
pub const BULK_JOBS: usize = 16;
/// Seconds at least between two times that what was tolerated is written down.
pub const KEEP_SECONDS: i64 = 5;
/// Seconds that requests under way get when the server is told to stop. Closing the log comes after it, and all of it is done in
/// five.
pub const DRAIN_SECONDS: u64 = 3;
/// Connections at once, unless an operator says otherwise.
pub const CONNECTIONS: usize = 12_000;
/// Open files that are not for connections: the log's, and those of who reads it.
pub const OTHER_FILES: u64 = 256;
/// Seconds from the first byte of a request to the end of its head.
pub const HEAD_SECONDS: u64 = 10;
/// Bytes of a request's head: a filter of 8 KiB, each of its bytes escaped, and what else there is.
pub const HEAD_BYTES: usize = 48 << 10;
/// Bytes that are read ahead of a connection.
pub(crate) const HEAD_BUFFER_BYTES: usize = 64 << 10;
/// Seconds from one request of a connection to the next. More than what stands between usually waits, so that it is never
/// this end that closes just when a request is on its way.
pub const IDLE_SECONDS: u64 = 130;
/// Seconds that agreeing on TLS may take.
pub const HANDSHAKE_SECONDS: u64 = 10;
/// Seconds that a body may take, however short it is.
pub const BODY_SECONDS: u64 = 30;
/// Bytes of a body for each second that it takes beyond these.
pub const BODY_BYTES_PER_SECOND: u64 = 16 << 10;
/// Seconds for which a client may take nothing of its answer.
pub const STALL_SECONDS: u64 = 30;
/// Bytes of all bodies that are read and worked on at once.
pub const BODIES_BYTES: usize = 128 << 20;
/// The first bytes of each body, which are not counted: users' requests are smaller, so groups and bulk jobs keep none out.
pub const BODY_FREE_BYTES: usize = 16 << 10;
/// Requests a second for each credential, and for each address that shows none, unless an operator says otherwise. Entra ID
/// sends 25 a second, a script that runs wild as many as it gets.
pub const RATE_LIMIT: u32 = 10_000;
/// Seconds of which one may spend the requests at once.
pub const RATE_BURST_SECONDS: u64 = 2;
/// Wrong credentials from one address for one tenant at once, before the next are slowed, unless an operator says otherwise.
pub const GUESSES: u32 = 30;
/// For how many tenants together the same address may show as many.
pub const GUESSES_TENANTS: u32 = 4;
/// Seconds after which one more may be wrong for a tenant.
pub const GUESS_SECONDS: u64 = 2;
/// Addresses from which a credential was right last, of each.
pub const KNOWN_SOURCES: usize = 4;
/// Credentials and addresses that are measured at once, each in a few dozen bytes.
pub const MEASURED: usize = 100_000;
/// Bytes of a certificate's file, and of its key's.
pub(crate) const TLS_FILES_BYTES: u64 = 1 << 20;
/// Seconds between two looks at the files of certificate and key.
pub const TLS_LOOK_SECONDS: u64 = 5;
/// Days before the end of a certificate from when on the log warns of it.
pub const TLS_WARN_DAYS: i64 = 14;
/// Characters of a path that the refusal journal keeps.
pub const PROBLEM_PATH_CHARS: usize = 1_000;
/// Characters of a name that the refusal journal keeps.
pub const PROBLEM_NAME_CHARS: usize = 256;
/// Characters of a detail that the refusal journal keeps.
pub const PROBLEM_DETAIL_CHARS: usize = 2_000;
/// Parts left out of a request that the refusal journal tells one by one.
pub const PROBLEM_NOTICES: usize = 5;
/// Policies that an entry of the refusal journal names.
pub const PROBLEM_POLICIES: usize = 50;
/// Seconds for which a cursor is good.
pub const CURSOR_SECONDS: u64 = 3_600;
/// Walks through lists that are held at once.
pub const WALKS: usize = 1_024;
/// Walks of one connector that are held at once.
pub const WALKS_OF_CONNECTOR: usize = 64;
/// Seconds after its last page for which a walk is held.
pub const WALK_SECONDS: i64 = 600;
/// Rows that are remembered for all walks together.
pub const WALK_ROWS: usize = 4_000_000;
/// Lists that may wait until others have been looked for.
pub const SCANS_WAITING: usize = 256;
/// Comparisons that a list may need, one for each term of its filter and each resource, and more for a group's members.
pub const LIST_COMPARISONS: u64 = 200_000_000;
/// Resources that are looked at on the thread that answers; more are looked at on another.
pub const QUICK_ROWS: usize = 1_000;
/// Comparisons that are made on the thread that answers; more are made on another.
pub const QUICK_COMPARISONS: u64 = 200_000;
/// Seconds for which resources are looked at one by one for a list.
pub const SCAN_SECONDS: u64 = 60;
/// How often a change of a connector is made anew of what others changed it to meanwhile. Each of them means that another
/// change was granted.
pub(crate) const SETTINGS_TRIES: usize = 64;
/// Questions about access in one request.
pub(crate) const CHECKS: usize = 1_000;
/// Bytes of JSON that a batch's entities come to, brought to each of its checks.
pub(crate) const BROUGHT_BYTES: usize = 8 << 20;
/// Commits by which one request releases what a connector managed; the rest is for the next request.
pub(crate) const RELEASES: usize = 16;
