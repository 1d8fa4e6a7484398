//! May somebody do something to something, at a moment: Cedar policies over a directory.
//!
//! Pure, like `domain`: what is asked is answered from a directory and texts that are handed in, so the past is asked the
//! same way as the present. [Decision 24](../../../docs/decisions/0024-access.md) says how people, groups and roles are
//! named in policies and which attributes policies see.

pub mod fault;
pub mod limits;
pub mod listed;
pub mod text;
pub mod types;

mod check;
mod compiled;
mod entity;
mod kept;
mod list;
mod named;
mod nesting;
mod parents;
mod person;
mod request;
mod validate;

pub use check::{Answer, Decision, Determining, Reason, barred};
pub use compiled::{Compiled, Effect, Written};
pub use fault::Fault;
pub use kept::{Edition, Kept};
pub use list::{Applicable, Through};
pub use listed::{Listed, Which, listed};
pub use named::{Principal, named};
pub use request::{Asked, Unasked};
pub use text::{bind, shown};
pub use types::Types;
pub use validate::validate;
