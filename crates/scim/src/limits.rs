//! Everything has a limit, and every limit has its unit in its name or in its comment.

/// Nesting of JSON objects and arrays in a request body, in levels. The body itself is level 1.
pub const JSON_DEPTH_LEVELS: usize = 32;
/// Length of a filter, in bytes of UTF-8.
pub const FILTER_BYTES: usize = 8 * 1024;
/// Nesting of parentheses, `not` and brackets in a filter, in levels.
pub const FILTER_DEPTH_LEVELS: usize = 32;
/// Comparisons and presence tests in one filter.
pub const FILTER_TERMS: usize = 200;
/// Length of a PATCH path, in bytes of UTF-8.
pub const PATH_BYTES: usize = 8 * 1024;
/// Operations in one PATCH, as sent.
pub const PATCH_OPERATIONS: usize = 1_000;
/// Operations in one PATCH, after path-less values are taken apart.
pub const PATCH_STEPS: usize = 10_000;
/// Elements of attributes other than members that one PATCH writes or takes away, over all its operations.
pub const PATCH_ELEMENTS: usize = 5_000;
/// Comparisons and presence tests in the paths of one PATCH, over all its operations.
pub const PATCH_TERMS: usize = 2_000;
/// Elements that the operations of one PATCH look at, each filter term of a path and each pair that is compared counted by itself.
pub const PATCH_LOOKED_AT: usize = 200_000;
/// Unknown names that are told for one request; the others are dropped without a word.
pub const IGNORED_NAMES: usize = 100;
/// Group members named in one request.
pub const REQUEST_MEMBERS: usize = 100_000;
/// Elements of any other multi-valued attribute.
pub const ATTRIBUTE_ELEMENTS: usize = 2_000;
/// Length of one text value, in bytes of UTF-8 (photos and certificates included).
pub const TEXT_BYTES: usize = 512 * 1024;
/// Length of a user name, in bytes of UTF-8.
pub const USER_NAME_BYTES: usize = 1_024;
/// Names in `attributes` or `excludedAttributes`.
pub const PROJECTION_NAMES: usize = 500;
/// Length of the URN of a schema that is added, in bytes of UTF-8.
pub const SCHEMA_URN_BYTES: usize = 200;
/// Length of a name in a schema that is added, in bytes of UTF-8.
pub const SCHEMA_NAME_BYTES: usize = 100;
/// Length of a description, or of one suggested value, in a schema that is added, in bytes of UTF-8.
pub const SCHEMA_DESCRIPTION_BYTES: usize = 2_000;
/// Attributes of a schema that is added.
pub const SCHEMA_ATTRIBUTES: usize = 200;
/// Sub-attributes of one attribute of a schema that is added.
pub const SCHEMA_SUB_ATTRIBUTES: usize = 100;
/// Suggested values or reference types of one attribute of a schema that is added.
pub const SCHEMA_VALUES: usize = 200;
/// Nesting of a packed object, in levels. A body of the deepest kind fits.
pub const PACKED_DEPTH_LEVELS: usize = 40;
/// Operations in one bulk job (`maxOperations`).
pub const BULK_OPERATIONS: usize = 1_000;
/// Length of a bulk request, in bytes (`maxPayloadSize`). Whoever reads the bytes counts them.
pub const BULK_BYTES: usize = 16 << 20;
