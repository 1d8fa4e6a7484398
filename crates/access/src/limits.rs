//! Limits, each with its unit.

/// Bytes of a policy's text.
pub const POLICY_BYTES: usize = domain::limits::POLICY_BYTES;
/// Bytes of the schema that a tenant declares for its policies.
pub const SCHEMA_BYTES: usize = domain::limits::POLICY_SCHEMA_BYTES;
/// Policies of a tenant.
pub const POLICIES: usize = domain::limits::POLICIES;
/// Brackets in each other, in a policy or a schema. Cedar was seen to run out of a thread's stack (2 MiB, without optimization)
/// somewhere between 20 and 50.
pub const NESTING: usize = 20;
/// `if`s of a policy; seen at more than 200.
pub const BRANCHES: usize = 32;
/// Statements of a schema; a chain of types or actions was seen to run out at more than 800.
pub const STATEMENTS: usize = 512;
/// Faults of one text that are told at most.
pub const FAULTS: usize = 20;
/// Entities that a check brings with it.
pub const ENTITIES: usize = 1_000;
/// How many of them are in each other in a row; Cedar was seen to run out of stack at 1,000.
pub const PARENTS: usize = 64;
/// Users and groups that what a check brings may refer to.
pub const REFERENCES: usize = 100;
/// Editions of policies that are kept read, of all tenants together.
pub const KEPT: usize = 32;
