//! The SCIM 2.0 protocol as values (RFC 7643, RFC 7644): what a request says, what it does to a resource, and what an answer
//! looks like. No IO, no clock, no randomness: the same input gives the same output. A server adds HTTP, ids, storage and rules
//! of its own.
//!
//! | a request's | becomes | by |
//! |---|---|---|
//! | body | [`Value`] | [`Value::parse`] |
//! | resource in a POST or PUT | [`Admitted`] | [`admit()`] |
//! | resource in a PUT | what the resource is afterwards | [`replace()`] |
//! | PATCH | [`Patch`] | [`Patch::parse`], then [`Patch::apply`] |
//! | filter, paging, sorting, attributes | [`ListQuery`] | [`ListQuery::from_pairs`], [`ListQuery::from_search`] |
//! | bulk job | [`bulk::Job`] | [`bulk::Job::parse`] |
//!
//! A resource is whatever implements [`Attributes`]: filters look at it and [`write_resource`] renders it in place. Stored, it can be
//! a [`Packed`]: one allocation with the attributes' names as numbers. Whatever is wrong is the client's fault, an [`Invalid`] with
//! the word of RFC 7644 §3.12 and a detail that names the cause; nothing else can go wrong here. Everything has a limit
//! ([`limits`]).
//!
//! # Schemas
//!
//! What may be in a resource is said by a [`Catalogue`], which is read from the very documents that `/Schemas` serves. The
//! built-in one has User, Group and the enterprise extension; others are added as documents, and from then on are admitted,
//! filtered, patched and rendered like built-in ones.
//!
//! ```
//! use scim::{Catalogue, Filter, Mode, Value, admit};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let document = Value::parse(br#"{
//!     "id": "urn:example:params:scim:schemas:extension:badge:1.0:User",
//!     "attributes": [
//!         {"name": "number", "type": "string", "caseExact": true, "uniqueness": "server"},
//!         {"name": "issued", "type": "dateTime", "mutability": "immutable"}
//!     ]
//! }"#)?;
//! let catalogue = Catalogue::builtin().with_extension(&document, "User", false)?;
//! let user = catalogue.user();
//! let body = Value::parse(br#"{
//!     "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User",
//!                 "urn:example:params:scim:schemas:extension:badge:1.0:User"],
//!     "userName": "bjensen",
//!     "urn:example:params:scim:schemas:extension:badge:1.0:User": {"number": "N7", "issued": "2026-01-31T09:30:00+01:00"}
//! }"#)?;
//! let resource = admit(&body, user, Mode::Strict)?.object;
//! let filter = Filter::parse("issued lt \"2026-02-01T00:00:00Z\" and number eq \"N7\"", user, Mode::Strict)?;
//! assert!(filter.matches(&resource));
//!
//! let nested = Value::parse(br#"{"id": "urn:example:x", "attributes": [{"name": "pin", "returned": "never"}]}"#)?;
//! let fault = Catalogue::builtin().with_extension(&nested, "User", false).unwrap_err();
//! assert!(fault.to_string().contains("`pin` is written and never read"));
//! # Ok(())
//! # }
//! ```
//!
//! # Creating and replacing
//!
//! [`admit()`] checks a body against the schema and returns what a client may write, in the schema's spelling; readOnly attributes
//! are left out. For a PUT, [`replace()`] then keeps what may not be written twice.
//!
//! ```
//! use scim::{Mode, ResourceType, ScimType, Value, admit, replace};
//!
//! # fn main() -> Result<(), scim::Invalid> {
//! let user = ResourceType::user();
//! let body = Value::parse(br#"{"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "id": "mine",
//!     "USERNAME": "bjensen", "emails": [{"type": "work", "value": "b@example.com"}], "title": null}"#)?;
//! let stored = admit(&body, user, Mode::Strict)?.object;
//! assert_eq!(
//!     Value::from(stored.clone()).to_json(),
//!     br#"{"userName":"bjensen","emails":[{"type":"work","value":"b@example.com"}]}"#
//! );
//!
//! let body = Value::parse(br#"{"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "bjensen"}"#)?;
//! let mut put = admit(&body, user, Mode::Strict)?;
//! replace(&stored, &mut put, user)?;
//! assert!(put.object.get("emails").is_none());
//!
//! let body = Value::parse(br#"{"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "b", "active": "yes"}"#)?;
//! let fault = admit(&body, user, Mode::Strict).unwrap_err();
//! assert_eq!(fault.kind, ScimType::InvalidValue);
//! assert_eq!(fault.detail, "`active` is a string where true or false is due");
//! # Ok(())
//! # }
//! ```
//!
//! # PATCH
//!
//! A [`Patch`] is read and checked once, then applied: all of it or nothing. A server with very long lists of members takes an
//! operation's [`members_edit`](Operation::members_edit) instead, and [`Progress`] for the other operations.
//!
//! ```
//! use scim::{Mode, Object, Patch, ResourceType, Value};
//!
//! # fn main() -> Result<(), scim::Invalid> {
//! let user = ResourceType::user();
//! let body = Value::parse(br#"{
//!     "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
//!     "Operations": [
//!         {"op": "replace", "path": "name.givenName", "value": "Barbara"},
//!         {"op": "add", "path": "emails", "value": {"value": "b@example.com", "primary": true}},
//!         {"op": "remove", "path": "emails[type eq \"home\"]"}
//!     ]
//! }"#)?;
//! let mut resource = Object::from_iter([("userName", "bjensen")]);
//! Patch::parse(&body, user, Mode::Strict)?.apply(&mut resource, user, Mode::Strict)?;
//! assert_eq!(
//!     Value::from(resource).to_json(),
//!     br#"{"userName":"bjensen","name":{"givenName":"Barbara"},"emails":[{"value":"b@example.com","primary":true}]}"#
//! );
//! # Ok(())
//! # }
//! ```
//!
//! # Lists and filters
//!
//! A [`Filter`] is checked against the schema while it's read, so that looking at a resource can't fail. It prints as text that
//! reads back as itself, and [`Filter::must_equal`] tells an index what to look up.
//!
//! ```
//! use scim::{ListQuery, Mode, Object, Packed, ResourceType, write_list, write_resource};
//!
//! # fn main() -> Result<(), scim::Invalid> {
//! let user = ResourceType::user();
//! let parameters = [("filter", "userName eq \"BJENSEN\""), ("attributes", "userName"), ("count", "10")];
//! let query = ListQuery::from_pairs(parameters, user, Mode::Strict)?;
//! let filter = query.filter.unwrap();
//! assert_eq!(filter.must_equal("userName"), Some("BJENSEN"));
//!
//! let stored = Packed::pack(&Object::from_iter([("userName", "bjensen"), ("title", "Boss")]));
//! assert!(filter.matches(&stored));
//! let mut item = Vec::new();
//! write_resource(&mut item, &stored, user, &query.projection);
//! let mut body = Vec::new();
//! write_list(&mut body, 1, query.start_index, [item]);
//! let body = String::from_utf8(body).unwrap();
//! assert!(body.contains(r#""Resources":[{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"bjensen"}]"#));
//! # Ok(())
//! # }
//! ```
//!
//! # Errors and discovery
//!
//! ```
//! use scim::{Catalogue, Filter, Mode, ResourceType, discovery, error_body};
//!
//! let fault = Filter::parse("userName regex \"x\"", ResourceType::user(), Mode::Strict).unwrap_err();
//! assert_eq!(
//!     error_body(400, Some(fault.kind), &fault.detail),
//!     br#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:Error"],"status":"400","scimType":"invalidFilter","detail":"unknown operator `regex` at column 10"}"#
//! );
//!
//! let group = "urn:ietf:params:scim:schemas:core:2.0:group";
//! let document = discovery::schema("https://example.com/v2", Catalogue::builtin(), group, &[]).unwrap();
//! assert!(String::from_utf8(document).unwrap().contains(r#""name":"displayName""#));
//! ```
//!
//! # Modes and quirks
//!
//! How literally requests are read is a property of the connection, its [`Mode`]: by the RFC's letter, as identity providers are
//! known to write, or by the Interoperability Profile. What was understood although the RFCs don't have it is told as [`Quirk`]s,
//! each with what it is and whether strict mode would have refused it.
//!
//! ```
//! use scim::{Mode, Object, Patch, Quirk, ResourceType, ScimType, Value};
//!
//! # fn main() -> Result<(), scim::Invalid> {
//! let user = ResourceType::user();
//! let body = Value::parse(br#"{
//!     "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
//!     "Operations": [{"op": "Replace", "path": "active", "value": "False"}]
//! }"#)?;
//! assert_eq!(Patch::parse(&body, user, Mode::Strict).unwrap_err().kind, ScimType::InvalidSyntax);
//!
//! let patch = Patch::parse(&body, user, Mode::Lenient)?;
//! assert_eq!(patch.quirks, [Quirk::OpCase, Quirk::BooleanText]);
//! assert_eq!(Quirk::BooleanText.describe(), "a boolean as text");
//! assert!(Quirk::BooleanText.strict_refuses());
//! let mut resource = Object::from_iter([("userName", "bjensen")]);
//! patch.apply(&mut resource, user, Mode::Lenient)?;
//! assert_eq!(resource.get("active"), Some(&Value::Bool(false)));
//!
//! let body = Value::parse(br#"{
//!     "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
//!     "Operations": [{"op": "replace", "value": {"active": false}}]
//! }"#)?;
//! assert!(Patch::parse(&body, user, Mode::Strict).is_ok());
//! assert_eq!(Patch::parse(&body, user, Mode::Interop).unwrap_err().kind, ScimType::InvalidSyntax);
//! # Ok(())
//! # }
//! ```

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct ExamplesOfTheReadme;

pub mod bulk;
pub mod discovery;
pub mod limits;

mod admit;
mod attributes;
mod draft;
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

pub use admit::{Admitted, admit, has_form};
pub use attributes::{Attr, Attributes};
pub use draft::{Draft, Drawing, DrawingList};
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
pub use render::{Renderer, write_list, write_list_with, write_page, write_resource};
pub use replace::replace;
pub use schema::{
    Attribute, BadSchema, Catalogue, Found, Kind, Mutability, ResourceType, ResourceTypeParts,
    Returned, Schema, Uniqueness,
};
pub use text::{UserNameKey, fold, fold_user_name, nfc};
pub use value::{Name, Object, Value};
