//! Roles: where they come from, and what they come to.
