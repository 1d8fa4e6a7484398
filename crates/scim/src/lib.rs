//! The SCIM 2.0 protocol as values (RFC 7643, RFC 7644): what a request says, what it does to a resource, and what an answer
//! looks like. No IO, no clock, no randomness: the same input gives the same output, which is what lets a log be replayed.
//!
//! | a request's | becomes | by |
//! |---|---|---|
//! | body | [`Value`] | [`Value::parse`] |
//! | resource in a POST or PUT | [`Admitted`] | [`admit()`] |
//! | resource in a PUT | the resource afterwards | [`replace()`] |
//! | PATCH | [`Patch`] | [`Patch::parse`], then [`Patch::apply`] |
//! | filter, paging, sorting, attributes | [`ListQuery`] | [`ListQuery::from_pairs`], [`ListQuery::from_search`] |
//!
//! A resource is whatever implements [`Attributes`]: filters look at it and [`write_resource`] renders it in place. Stored, it is a
//! [`Packed`]: one allocation with the attributes' names as numbers. What may be in it is said by the [`Catalogue`], which is
//! read from the documents that `/Schemas` serves ([`discovery`]).
//!
//! How literally requests are read is the connection's [`Mode`]; what identity providers send beyond the RFCs is told as
//! [`Quirk`]s. Whatever is wrong is the client's fault, an [`Invalid`]; nothing else can go wrong here.
//!
//! ```
//! use scim::{Filter, Mode, Packed, Patch, Projection, ResourceType, Value, admit, write_resource};
//!
//! # fn main() -> Result<(), scim::Invalid> {
//! let user = ResourceType::user();
//! let body = Value::parse(br#"{
//!     "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
//!     "USERNAME": "bjensen",
//!     "emails": [{"type": "work", "value": "b@example.com"}]
//! }"#)?;
//! let mut resource = admit(&body, user, Mode::Strict)?.object;
//!
//! // What Entra sends: `op` and booleans in its own way.
//! let body = Value::parse(br#"{
//!     "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
//!     "Operations": [{"op": "Replace", "path": "active", "value": "False"}]
//! }"#)?;
//! Patch::parse(&body, user, Mode::Lenient)?.apply(&mut resource, user, Mode::Lenient)?;
//!
//! let stored = Packed::pack(&resource);
//! let filter = Filter::parse("active eq false and emails co \"@EXAMPLE.com\"", user, Mode::Strict)?;
//! assert!(filter.matches(&stored));
//!
//! let mut json = Vec::new();
//! write_resource(&mut json, &stored, user, &Projection::parse(Some("userName"), None, user)?);
//! assert_eq!(json, br#"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"bjensen"}"#);
//! # Ok(())
//! # }
//! ```

pub mod bulk;
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
mod replace;
mod schema;
mod text;
mod value;

pub use admit::{Admitted, admit};
pub use attributes::{Attr, Attributes};
pub use error::{Invalid, ScimType, error_body};
pub use filter::{Filter, Literal, Op};
pub use matching::ValueKey;
pub use mode::{Mode, Options};
pub use moment::Moment;
pub use node::{ComplexView, Items, ListView, Members, Node};
pub use packed::{Malformed, Packed, View};
pub use patch::{MembersEdit, Operation, Patch, PatchOp, Progress, validate};
pub use path::{AttrPath, PatchPath};
pub use projection::Projection;
pub use query::{Cursor, ListQuery, Sort, SortKey};
pub use quirk::Quirk;
pub use render::{write_list, write_list_with, write_page, write_resource};
pub use replace::replace;
pub use schema::{
    Attribute, BadSchema, Catalogue, Found, Kind, Mutability, ResourceType, ResourceTypeParts,
    Returned, Schema, Uniqueness,
};
pub use text::{UserNameKey, fold, fold_user_name, nfc};
pub use value::{Name, Object, Value};
