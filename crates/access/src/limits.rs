//! Limits, each with its unit.

/// Bytes of a policy's text.
pub const POLICY_BYTES: usize = domain::limits::POLICY_BYTES;
/// Bytes of the schema that a tenant declares for its policies.
pub const SCHEMA_BYTES: usize = domain::limits::POLICY_SCHEMA_BYTES;
/// Policies of a tenant.
pub const POLICIES: usize = domain::limits::POLICIES;
/// Faults of one text that are told at most.
pub const FAULTS: usize = 20;
/// Entities that a check brings with it.
pub const ENTITIES: usize = 1_000;
/// Users and groups that what a check brings may refer to.
pub const REFERENCES: usize = 100;
/// Editions of policies that are kept read, of all tenants together.
pub const KEPT: usize = 32;
