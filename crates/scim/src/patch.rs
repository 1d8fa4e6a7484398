//! PATCH (RFC 7644 §3.5.2): read and checked against the schema once, then applied to a resource as often as need be.

mod apply;
pub(crate) mod elements;
mod members;
mod parse;

pub use members::MembersEdit;

use std::collections::BTreeSet;

use crate::admit;
use crate::error::{Invalid, ScimType};
use crate::limits;
use crate::mode::Options;
use crate::path::{AttrPath, PatchPath};
use crate::quirk::Quirk;
use crate::schema::ResourceType;
use crate::value::{Object, Value};

/// The URN of a PATCH message (RFC 7644 §3.5.2).
pub(crate) const PATCH_OP: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

/// What an operation does.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum PatchOp {
    /// Adds what isn't there yet; sets a single value.
    Add,
    /// Puts a value in place of what is there.
    Replace,
    /// Unassigns.
    Remove,
}

impl PatchOp {
    /// The word on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Add => "add",
            Self::Replace => "replace",
            Self::Remove => "remove",
        }
    }
}

/// A PATCH request that fits its resource type.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Patch {
    /// What to do, in order. An operation without a path became one for each attribute of its value.
    pub operations: Vec<Operation>,
    /// What was tolerated in reading it.
    pub quirks: Vec<Quirk>,
    /// Attributes that nobody knows, for the log.
    pub ignored: Vec<String>,
}

/// One thing to do to one attribute.
#[derive(Clone, PartialEq, Debug)]
pub struct Operation {
    /// What to do.
    pub op: PatchOp,
    /// What to do it to.
    pub path: PatchPath,
    /// With what: for add and replace always, where null means "unassign"; for remove only where just these elements are
    /// to go (L-04). Admitted against the schema, so that a multi-valued attribute as a whole has a list here.
    pub value: Option<Value>,
    /// Which operation of the request this comes from, counted from 1.
    pub index: usize,
}

impl Patch {
    /// Whether an operation writes this attribute, by its own path or with the extension that it is in.
    #[must_use]
    pub fn says(&self, path: &AttrPath) -> bool {
        self.operations.iter().any(|operation| {
            let target = &operation.path.attr;
            let is_it = target.schema() == path.schema() && target.name() == path.name();
            let parts = operation.value.as_ref().and_then(Value::as_complex);
            let is_part = target.schema().is_none() && Some(target.name()) == path.schema();
            (is_it && (target.sub().is_none() || target.sub() == path.sub()))
                || (is_part && parts.is_some_and(|parts| parts.get(path.name()).is_some()))
        })
    }

    /// Reads the body of a PATCH.
    ///
    /// # Errors
    /// 400 with the word of RFC 7644 §3.12 that fits: `invalidSyntax` for the message, `invalidPath` and `invalidFilter` for a path,
    /// `noTarget` for a remove without one, `invalidValue` for a value, `mutability` for what may not be written. The detail
    /// names the operation.
    pub fn parse(
        body: &Value,
        rtype: &ResourceType,
        options: impl Into<Options>,
    ) -> Result<Self, Invalid> {
        parse::patch(body, rtype, options.into())
    }

    /// Does all operations to a resource, in order, and checks what came of it. On an error the resource is as it was. Returns
    /// what was tolerated in doing so; what was tolerated in reading is in [`Patch::quirks`].
    ///
    /// # Errors
    /// `noTarget` if a path selects nothing, `mutability` if an immutable value would change or a required one would go,
    /// `invalidValue` if something required is missing at the end or an attribute has two primary values, `tooMany` beyond
    /// [`limits::PATCH_LOOKED_AT`](crate::limits::PATCH_LOOKED_AT).
    pub fn apply(
        &self,
        object: &mut Object,
        rtype: &ResourceType,
        options: impl Into<Options>,
    ) -> Result<Vec<Quirk>, Invalid> {
        let mut progress = Progress::new(options);
        let mut copy = object.clone();
        for operation in &self.operations {
            progress.apply(operation, &mut copy)?;
        }
        validate(&copy, rtype)?;
        *object = copy;
        Ok(progress.quirks())
    }
}

/// A PATCH while it's applied operation by operation: what it has cost and what was tolerated so far.
#[derive(Clone, Debug)]
pub struct Progress {
    options: Options,
    looked_at: usize,
    quirks: BTreeSet<Quirk>,
}

impl Progress {
    /// Nothing is done yet.
    pub fn new(options: impl Into<Options>) -> Self {
        Self { options: options.into(), looked_at: 0, quirks: BTreeSet::new() }
    }

    /// Does one operation to a resource. On an error the resource may be half changed: the caller discards it. Once all are
    /// done, [`validate`] is due.
    ///
    /// # Errors
    /// As [`Patch::apply`]. The detail names the operation.
    pub fn apply(&mut self, operation: &Operation, object: &mut Object) -> Result<(), Invalid> {
        apply::operation(operation, object, self).map_err(|fault| operation.place(fault))
    }

    /// What was tolerated so far.
    #[must_use]
    pub fn quirks(&self) -> Vec<Quirk> {
        self.quirks.iter().copied().collect()
    }

    /// Counts elements that are looked at: a request that looks through a long list again and again costs more than it weighs.
    fn look(&mut self, elements: usize) -> Result<(), Invalid> {
        let most = limits::PATCH_LOOKED_AT;
        self.looked_at = self.looked_at.saturating_add(elements);
        if self.looked_at <= most {
            return Ok(());
        }
        Err(Invalid::new(
            ScimType::TooMany,
            format!(
                "the operations of this request look at more than {most} elements: send several requests, or replace the \
                 whole attribute"
            ),
        ))
    }
}

impl Operation {
    /// The fault, with which operation it is in.
    fn place(&self, fault: Invalid) -> Invalid {
        fault.within(&format!("operation {}", self.index))
    }
}

/// Checks a whole resource after a change: everything required is assigned, and no attribute has two primary values.
///
/// # Errors
/// 400 `invalidValue`.
pub fn validate(object: &Object, rtype: &ResourceType) -> Result<(), Invalid> {
    admit::complete(object, rtype)?;
    for (name, value) in object {
        if let Some(list) = value.as_list() {
            admit::value::one_primary(name, list)?;
        }
        for (inner, value) in
            value.as_complex().filter(|_| rtype.extension(name).is_some()).into_iter().flatten()
        {
            if let Some(list) = value.as_list() {
                admit::value::one_primary(&format!("{name}:{inner}"), list)?;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
