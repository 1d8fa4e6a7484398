//! What an operation does to the members of a group, told without the list of them: the cost is the patch's, not the group's.

use super::{Operation, PatchOp};
use crate::error::Invalid;
use crate::filter::{Filter, Op};
use crate::mode::Options;
use crate::value::Value;

/// A change of a group's members, by their ids as the client wrote them.
#[derive(Clone, PartialEq, Debug)]
pub enum MembersEdit {
    /// These are added; those that are in it already change nothing.
    Add(Vec<String>),
    /// These are removed; those that aren't in it change nothing.
    Remove(Vec<String>),
    /// Those that match are removed; the filter is one on elements, for [`Filter::matches_element`].
    RemoveWhere(Filter),
    /// All are removed.
    Clear,
    /// The members are exactly these.
    Replace(Vec<String>),
}

impl Operation {
    /// What this operation does to members. Only for operations whose path is on a multi-valued attribute of references, such as
    /// `members`.
    ///
    /// # Errors
    /// 400 `mutability` if a member would be edited in place, `noTarget` for an add to an element that only a search could find,
    /// `invalidValue` if the value is none of members.
    pub fn members_edit(&self, options: impl Into<Options>) -> Result<MembersEdit, Invalid> {
        self.edit(options.into()).map_err(|fault| self.place(fault))
    }

    fn edit(&self, options: Options) -> Result<MembersEdit, Invalid> {
        let path = &self.path;
        if path.sub.is_some() {
            return Err(Invalid::mutability(format!(
                "`{path}` can't be changed; members are added and removed, not edited"
            )));
        }
        match (self.op, &path.filter, &self.value) {
            (PatchOp::Add, None, value) => ids(value.as_ref()).map(MembersEdit::Add),
            (PatchOp::Replace, None, value) => ids(value.as_ref()).map(MembersEdit::Replace),
            (PatchOp::Remove, None, None) => Ok(MembersEdit::Clear),
            (PatchOp::Remove, None, value) => ids(value.as_ref()).map(MembersEdit::Remove),
            (PatchOp::Remove, Some(filter), _)
            | (PatchOp::Replace, Some(filter), Some(Value::Null)) => Ok(match named(filter) {
                Some(ids) => MembersEdit::Remove(ids),
                None => MembersEdit::RemoveWhere(Filter::clone(filter)),
            }),
            (PatchOp::Add, Some(filter), _) => match named(filter) {
                Some(ids) if options.is_lenient() => Ok(MembersEdit::Add(ids)),
                Some(_) | None => {
                    Err(Invalid::no_target(format!("`{path}` selects no member to add to")))
                }
            },
            (PatchOp::Replace, Some(_), _) => Err(Invalid::mutability(format!(
                "`{path}` can't be rewritten; members are added and removed, not edited"
            ))),
        }
    }
}

/// The ids of a list of members.
fn ids(value: Option<&Value>) -> Result<Vec<String>, Invalid> {
    let id = |item: &Value| {
        let text = match item {
            Value::String(id) => Some(id.as_str()),
            Value::Complex(member) => member.get("value").and_then(Value::as_str),
            Value::Null
            | Value::Bool(_)
            | Value::Integer(_)
            | Value::Decimal(_)
            | Value::List(_) => None,
        };
        text.map(str::to_owned)
            .ok_or_else(|| Invalid::value("an element of `members` has no `value`"))
    };
    match value {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::List(items)) => items.iter().map(id).collect(),
        Some(one) => id(one).map(|id| vec![id]),
    }
}

/// The ids that a filter names, if it does nothing else: `value eq "a" or value eq "b"`.
fn named(filter: &Filter) -> Option<Vec<String>> {
    match filter {
        Filter::Compare { path, op: Op::Eq, value } if path.is("value") => {
            value.as_str().map(|id| vec![id.to_owned()])
        }
        Filter::Or(terms) => {
            let all: Option<Vec<_>> = terms.iter().map(named).collect();
            all.map(|ids| ids.concat())
        }
        Filter::And(_)
        | Filter::Not(_)
        | Filter::Present(_)
        | Filter::Compare { .. }
        | Filter::Element { .. } => None,
    }
}
