//! Bulk requests (RFC 7644 §3.7): what a job asks for, in which order it is carried out, and its answer.
//!
//! A [`Job`] is read from a request, and a [`Run`] says what is to be done next until nothing is left; whoever holds the
//! resources does it and tells what came of it. Where an operation refers to what another one of the job creates, by `bulkId:x`,
//! the run puts in the real id. It keeps the order of the request but where a reference points forward; where references go
//! round in a circle, a resource is created without the reference, which is patched in as soon as there is something to refer to
//! ([`Stage`]).
//!
//! ```
//! use scim::bulk::{Job, Method, Run, Task};
//! use scim::{Catalogue, Mode, Value};
//!
//! # fn main() -> Result<(), scim::bulk::JobError> {
//! let body = Value::parse(br#"{
//!     "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
//!     "Operations": [
//!         {"method": "POST", "path": "/Groups", "bulkId": "g", "data": {
//!             "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"],
//!             "displayName": "Tour guides", "members": [{"value": "bulkId:u"}]}},
//!         {"method": "POST", "path": "/Users", "bulkId": "u", "data": {
//!             "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "alice"}}
//!     ]
//! }"#)?;
//! let catalogue = Catalogue::builtin();
//! let job = Job::parse(body, catalogue, Mode::Strict)?;
//! let mut run = Run::new(job, catalogue, Mode::Strict, "https://example.com/v2");
//! let mut done = Vec::new();
//! while let Some(task) = run.next() {
//!     if let Task::Do { operation, request, stage } = task {
//!         assert_eq!(request.method, Method::Post);
//!         // The group is second: by then there is a user that it can have as a member.
//!         done.push(operation);
//!         let id = format!("id-{}", request.resource_type);
//!         run.tell(operation, stage, Some(id));
//!     }
//! }
//! assert_eq!(done, [1, 0]);
//! # Ok(())
//! # }
//! ```

mod answer;
mod parse;
mod plan;
mod references;
mod run;

use std::collections::{BTreeMap, BTreeSet};

pub use answer::{Outcome, write_answer};
pub use run::{Request, Run, Stage, Task, Unmet};

use crate::error::Invalid;
use crate::mode::Options;
use crate::schema::Catalogue;
use crate::value::{Name, Value};

/// A bulk request that could be read. What is wrong with one of its operations is that operation's own error.
#[derive(Clone, PartialEq, Debug)]
pub struct Job {
    /// After how many errors the rest is left undone; at least 1. None: never.
    pub fail_on_errors: Option<u64>,
    /// The operations, in the order of the request.
    pub operations: Vec<Operation>,
    /// Which operation creates what a `bulkId` stands for.
    made_by: BTreeMap<String, usize>,
}

/// One operation of a job.
#[derive(Clone, PartialEq, Debug)]
pub struct Operation {
    /// The method as it was written, or the beginning of it, for the answer; nothing if it was no text.
    pub method: Option<String>,
    /// The client's name for the operation, and until it has an id for what it creates.
    pub bulk_id: Option<String>,
    /// What it asks for, or why that can't be: 400 `invalidSyntax` for the operation itself, `invalidValue` for a reference to a
    /// `bulkId` that no operation has.
    pub wish: Result<Wish, Invalid>,
}

/// What an operation asks for.
#[derive(Clone, PartialEq, Debug)]
pub struct Wish {
    /// What to do.
    pub method: Method,
    /// The name of the resource type.
    pub resource_type: Name,
    /// To which resource; nothing for a new one.
    pub target: Option<Target>,
    /// With what; always there but for DELETE.
    pub data: Option<Value>,
    /// The version that the resource must have, as `If-Match` would say it.
    pub version: Option<String>,
    /// Which operations it refers to.
    needs: Needs,
    /// What else of it could depend on the order.
    touch: plan::Touch,
}

/// What an operation does.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Method {
    /// Creates.
    Post,
    /// Replaces.
    Put,
    /// Changes in parts.
    Patch,
    /// Deletes.
    Delete,
}

impl Method {
    const ALL: [Self; 4] = [Self::Post, Self::Put, Self::Patch, Self::Delete];

    /// The word on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

/// Which resource an operation is about.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Target {
    /// The one with this id.
    Id(String),
    /// The one that the operation with this `bulkId` creates.
    Made(String),
}

/// The operations of a job that another one refers to, by their places.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
struct Needs {
    /// Those that it could be created without at first.
    soft: BTreeSet<usize>,
    /// The others.
    hard: BTreeSet<usize>,
}

/// Why a whole job is refused; nothing of it is done.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum JobError {
    /// It's no bulk request. HTTP 400.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// It asks for too much (RFC 7644 §3.7.4). HTTP 413.
    #[error(
        "the job has {operations} operations, more than {limit} (`maxOperations`): send it in several requests"
    )]
    TooMany {
        /// How many operations it has.
        operations: usize,
        /// How many it may have.
        limit: usize,
    },
}

impl Job {
    /// Reads the body of a bulk request.
    ///
    /// # Errors
    /// 400 `invalidSyntax` if it's no BulkRequest with operations, `invalidValue` if `failOnErrors` is no whole number of at least 1
    /// or a `bulkId` is used twice; [`JobError::TooMany`] beyond [`limits::BULK_OPERATIONS`](crate::limits::BULK_OPERATIONS).
    pub fn parse(
        body: Value,
        catalogue: &Catalogue,
        options: impl Into<Options>,
    ) -> Result<Self, JobError> {
        parse::job(body, catalogue, options.into())
    }
}

#[cfg(test)]
mod tests;
