//! The SCIM 2.0 protocol as values (RFC 7643, RFC 7644).

pub mod limits;

mod error;
mod json;
mod mode;
mod names;
mod node;
mod packed;
mod schema;
mod text;
mod value;

pub use error::{Invalid, ScimType, error_body};
pub use mode::{Mode, Options};
pub use node::{ComplexView, Items, ListView, Members, Node};
pub use packed::{Malformed, Packed, View};
pub use schema::{
    Attribute, BadSchema, Catalogue, Found, Kind, Mutability, ResourceType, ResourceTypeParts,
    Returned, Schema, Uniqueness,
};
pub use text::{UserNameKey, fold, fold_user_name, nfc};
pub use value::{Name, Object, Value};
