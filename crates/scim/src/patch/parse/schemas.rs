//! Operations on a whole extension, by its URN or through `schemas`.

use std::sync::Arc;

use super::Reader;
use crate::admit::value::Place;
use crate::error::{Invalid, ScimType};
use crate::node::Node;
use crate::patch::PatchOp;
use crate::path::{AttrPath, PatchPath};
use crate::quirk::Quirk;
use crate::schema::Schema;
use crate::value::Value;

impl Reader<'_> {
    pub(super) fn extension(
        &mut self,
        op: PatchOp,
        schema: &Arc<Schema>,
        path: &PatchPath,
        value: Option<&Value>,
    ) -> Result<(), Invalid> {
        if path.filter.is_some() || path.sub.is_some() {
            return Err(Invalid::path(format!("a colon is due after `{}`", schema.id)));
        }
        match (op, value) {
            (PatchOp::Remove, _) => self.drop_extension(schema, ScimType::Mutability),
            (_, None) => Err(Invalid::value("`value` is missing")),
            (PatchOp::Add, Some(value)) if value.is_unassigned() => Ok(()),
            (PatchOp::Replace, Some(value)) if value.is_unassigned() => {
                self.drop_extension(schema, ScimType::InvalidValue)
            }
            (_, Some(Value::Complex(members))) => self.members_of(op, Some(schema), members),
            (_, Some(other)) => Err(Invalid::value(format!(
                "`{}` is {} where an object is due",
                schema.id,
                other.kind()
            ))),
        }
    }

    fn drop_extension(&mut self, schema: &Arc<Schema>, otherwise: ScimType) -> Result<(), Invalid> {
        if self
            .rtype
            .extensions
            .iter()
            .any(|(known, is_required)| known.id == schema.id && *is_required)
        {
            return Err(Invalid::new(
                otherwise,
                format!("the extension `{}` is required", schema.id),
            ));
        }
        let attr = AttrPath::new(None, schema.whole.clone(), None);
        self.keep(PatchOp::Remove, PatchPath { attr, filter: None, sub: None }, None)
    }

    /// `schemas` is computed from what is assigned, so writing it can only take extensions away (R-7644-3.5.2-11).
    pub(super) fn schemas(
        &mut self,
        op: PatchOp,
        path: &PatchPath,
        value: Option<&Value>,
    ) -> Result<(), Invalid> {
        let rtype = self.rtype.clone();
        let mut goes: Vec<&Arc<Schema>> = Vec::new();
        match (op, &path.filter, value) {
            (PatchOp::Add, None, Some(value)) => {
                self.urns(op, path, value)?;
            }
            (PatchOp::Replace, None, Some(value)) => {
                let stays = self.urns(op, path, value)?;
                if stays.is_empty() {
                    return Err(Invalid::value("`schemas` is required"));
                }
                goes.extend(rtype.all_schemas().filter(|schema| !is_named(&stays, schema)));
            }
            (PatchOp::Add | PatchOp::Replace, None, None) => {
                return Err(Invalid::value("`value` is missing"));
            }
            (PatchOp::Remove, Some(filter), _) => {
                goes.extend(
                    rtype
                        .all_schemas()
                        .filter(|schema| filter.matches_element(Node::String(&schema.id))),
                );
            }
            (PatchOp::Remove, None, Some(value)) if self.removes_by_value() => {
                if self.is_lenient() {
                    self.admission.quirk(Quirk::RemoveValue);
                }
                let named = self.urns(op, path, value)?;
                goes.extend(rtype.all_schemas().filter(|schema| is_named(&named, schema)));
            }
            (PatchOp::Remove, None, _) => return Err(Invalid::mutability("`schemas` is required")),
            (PatchOp::Add | PatchOp::Replace, Some(_), _) => {
                return Err(Invalid::mutability("an element of `schemas` can't be rewritten"));
            }
        }
        for schema in goes {
            if schema.id == rtype.schema.id {
                return Err(Invalid::mutability(format!("`schemas` must name `{}`", schema.id)));
            }
            self.drop_extension(schema, ScimType::Mutability)?;
        }
        Ok(())
    }

    fn urns(
        &mut self,
        op: PatchOp,
        path: &PatchPath,
        value: &Value,
    ) -> Result<Vec<Value>, Invalid> {
        let one;
        // RFC 7644 §3.5.2.1 adds "a new value", one of several.
        let value = if op == PatchOp::Add && value.as_str().is_some() {
            one = Value::List(vec![value.clone()]);
            &one
        } else {
            value
        };
        let named = self.admission.list(Place::of("schemas"), path.attr.attribute(), value)?;
        for urn in named.iter().filter_map(Value::as_str) {
            if self.rtype.all_schemas().all(|schema| !schema.id.eq_ignore_ascii_case(urn)) {
                self.admission.foreign(urn, self.rtype)?;
            }
        }
        Ok(named)
    }
}

fn is_named(urns: &[Value], schema: &Schema) -> bool {
    urns.iter().filter_map(Value::as_str).any(|urn| urn.eq_ignore_ascii_case(&schema.id))
}
