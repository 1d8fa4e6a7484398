//! The SCIM 2.0 protocol as values (RFC 7643, RFC 7644).

pub mod discovery;
pub mod limits;

mod admit;
mod attributes;
mod error;
mod filter;
mod json;
mod matching;
mod mode;
mod moment;
mod names;
mod node;
mod packed;
mod patch;
mod path;
mod projection;
mod query;
mod quirk;
mod render;
mod schema;
mod text;
mod value;

pub use admit::{Admitted, admit};
pub use attributes::{Attr, Attributes};
pub use error::{Invalid, ScimType, error_body};
pub use filter::{Filter, Literal, Op};
pub use mode::{Mode, Options};
pub use moment::Moment;
pub use node::{ComplexView, Items, ListView, Members, Node};
pub use packed::{Malformed, Packed, View};
pub use patch::{MembersEdit, Operation, Patch, PatchOp, validate};
pub use path::{AttrPath, PatchPath};
pub use projection::Projection;
pub use query::{ListQuery, Sort, SortKey};
pub use quirk::Quirk;
pub use render::{write_list, write_list_with, write_resource};
pub use schema::{
    Attribute, BadSchema, Catalogue, Found, Kind, Mutability, ResourceType, ResourceTypeParts,
    Returned, Schema, Uniqueness,
};
pub use text::{UserNameKey, fold, fold_user_name, nfc};
pub use value::{Name, Object, Value};
