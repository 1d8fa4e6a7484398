//! What an operation does to a resource (RFC 7644 §3.5.2.1 to §3.5.2.3).

use super::elements::{
    self, add, demote_others, described, fixed, is_spent, keep_only, merge, set,
};
use super::{Operation, PatchOp, Progress};
use crate::admit::value::{distinct, is_link};
use crate::error::Invalid;
use crate::filter::Filter;
use crate::node::Node;
use crate::quirk::Quirk;
use crate::schema::{Attribute, Mutability};
use crate::value::{Name, Object, Value};

pub(super) fn operation(
    operation: &Operation,
    object: &mut Object,
    progress: &mut Progress,
) -> Result<(), Invalid> {
    let mut step = Step { operation, attribute: operation.path.attr.attribute(), progress };
    let Some(urn) = operation.path.attr.schema() else { return step.within(object) };
    // The extension stays where it is in the resource, so that a change that changes nothing leaves no trace.
    if object.get(urn).and_then(Value::as_complex).is_none() {
        object.set(urn, Object::new());
    }
    if let Some(Value::Complex(extension)) = object.get_mut(urn) {
        step.within(extension)?;
        if extension.is_empty() {
            object.remove(urn);
        }
    }
    Ok(())
}

struct Step<'o, 'p> {
    operation: &'o Operation,
    attribute: &'o Attribute,
    progress: &'p mut Progress,
}

impl Step<'_, '_> {
    /// Does the operation to the attribute's place: the resource, or the extension. What can't be changed once it's set may be
    /// set, or written as it is (RFC 7643 §7).
    fn within(&mut self, place: &mut Object) -> Result<(), Invalid> {
        let is_fixed = self.attribute.mutability == Mutability::Immutable;
        let before = place.get(&self.attribute.name).filter(|_| is_fixed).cloned();
        self.change(place)?;
        if let Some(before) = before
            && !place.get(&self.attribute.name).is_some_and(|after| after.is_same(&before))
        {
            return Err(Invalid::mutability(format!(
                "`{}` can't be changed once it's set",
                self.attribute.name
            )));
        }
        Ok(())
    }

    fn change(&mut self, place: &mut Object) -> Result<(), Invalid> {
        let name = &self.attribute.name;
        let filter = self.operation.path.filter.as_deref();
        match (self.attribute.multi_valued, filter) {
            (false, None) => self.single(place),
            (true, None) if self.operation.path.sub.is_none() => self.list(place),
            (true, _) => {
                let mut list = match place.get_mut(name) {
                    Some(Value::List(list)) => std::mem::take(list),
                    Some(_) | None => Vec::new(),
                };
                self.some(&mut list, filter)?;
                self.put_back(place, Value::List(list))
            }
            (false, Some(filter)) => {
                let mut list: Vec<Value> =
                    place.get_mut(name).map(std::mem::take).into_iter().collect();
                self.some(&mut list, Some(filter))?;
                let last = list.pop().unwrap_or_default();
                self.put_back(place, last)
            }
        }
    }

    /// A single value, or a sub-attribute of one.
    fn single(&self, place: &mut Object) -> Result<(), Invalid> {
        let name = &self.attribute.name;
        let value = self.operation.value.as_ref().unwrap_or(&Value::Null);
        match (&self.operation.path.sub, value) {
            (None, Value::Complex(given)) if self.attribute.is_complex() => {
                let is_whole =
                    self.progress.options.is_interop() && self.operation.op == PatchOp::Replace;
                self.inner(place, |object| {
                    if is_whole {
                        keep_only(object, self.attribute, given);
                    }
                    merge(object, self.attribute, given)
                })
            }
            (None, _) if self.attribute.is_complex() => {
                let there = place.get(name).and_then(Value::as_complex);
                if let Some(sub) = there.and_then(|object| fixed(object, self.attribute)) {
                    return Err(Invalid::mutability(format!(
                        "`{name}` can't be removed: its `{}` can't be changed once it's set",
                        sub.name
                    )));
                }
                place.remove(name);
                Ok(())
            }
            (None, value) => set(place, self.attribute, value),
            (Some(sub), value) => self.inner(place, |object| set(object, sub, value)),
        }
    }

    /// Changes the object of a complex attribute, in its place; nothing left of it is unassigned.
    fn inner(
        &self,
        place: &mut Object,
        change: impl FnOnce(&mut Object) -> Result<(), Invalid>,
    ) -> Result<(), Invalid> {
        let name = &self.attribute.name;
        if place.get(name).and_then(Value::as_complex).is_none() {
            place.set(name.clone(), Object::new());
        }
        let Some(Value::Complex(object)) = place.get_mut(name) else { return Ok(()) };
        change(object)?;
        // A manager without an id is none, whatever else is said about it (RFC 7643 §4.3).
        let is_gone =
            object.is_empty() || (is_link(self.attribute) && object.get("value").is_none());
        if is_gone {
            place.remove(name);
        }
        Ok(())
    }

    /// The whole list.
    fn list(&mut self, place: &mut Object) -> Result<(), Invalid> {
        let name = &self.attribute.name;
        let given = self.operation.value.as_ref().and_then(Value::as_list);
        match (self.operation.op, given) {
            (PatchOp::Remove, None) => {
                place.remove(name);
                Ok(())
            }
            (PatchOp::Replace, given) => {
                let list = given.unwrap_or_default().to_vec();
                if list.is_empty() {
                    place.remove(name);
                } else {
                    place.set(name.clone(), list);
                }
                Ok(())
            }
            (PatchOp::Add | PatchOp::Remove, given) => {
                let given = given.unwrap_or_default();
                let mut list = match place.get_mut(name) {
                    Some(Value::List(list)) => std::mem::take(list),
                    Some(_) | None => Vec::new(),
                };
                self.progress.look(list.len() + given.len())?;
                if self.operation.op == PatchOp::Add {
                    let touched = add(&mut list, self.attribute, given, self.progress)?;
                    demote_others(&mut list, &touched, &self.operation.path)?;
                } else {
                    elements::remove(&mut list, self.attribute, given, self.progress)?;
                }
                self.put_back(place, Value::List(list))
            }
        }
    }

    /// Some elements, or a sub-attribute of them.
    fn some(&mut self, list: &mut Vec<Value>, filter: Option<&Filter>) -> Result<(), Invalid> {
        self.progress.look(list.len().saturating_mul(filter.map_or(1, Filter::terms)))?;
        let is_meant = |item: &Value| match (filter, Node::of(item)) {
            (Some(filter), Some(node)) => filter.matches_element(node),
            (None, Some(_)) => true,
            (_, None) => false,
        };
        let meant: Vec<usize> =
            list.iter().enumerate().filter(|(_, item)| is_meant(item)).map(|(at, _)| at).collect();
        let value = self.operation.value.as_ref().unwrap_or(&Value::Null);
        if meant.is_empty() {
            return self.none_meant(list, filter, value);
        }
        if self.progress.options.is_interop() && filter.is_some() && meant.len() > 1 {
            return Err(Invalid::filter(format!(
                "`{}` chooses {} elements where one is due",
                self.operation.path,
                meant.len()
            )));
        }
        let mut unassigned = Vec::new();
        for at in &meant {
            // INVARIANT (meant): the places are the list's own.
            let Some(item) = list.get_mut(*at) else { continue };
            match (&self.operation.path.sub, item, value) {
                (Some(sub), Value::Complex(element), value) => {
                    set(element, sub, value)?;
                    if *value == Value::Null {
                        unassigned.push(*at);
                    }
                }
                (None, item, Value::Null) => {
                    *item = Value::Null;
                    unassigned.push(*at);
                }
                (None, Value::Complex(element), Value::Complex(given))
                    if self.operation.op == PatchOp::Add =>
                {
                    merge(element, self.attribute, given)?;
                }
                (None, item, value) => *item = value.clone(),
                (Some(sub), _, _) => {
                    return Err(Invalid::path(format!(
                        "there is no `{}` in a simple value",
                        sub.name
                    )));
                }
            }
        }
        demote_others(list, &meant, &self.operation.path)?;
        let mut at = 0;
        list.retain(|item| {
            let goes =
                unassigned.binary_search(&at).is_ok() && is_spent(item, self.progress.options);
            at += 1;
            !goes
        });
        // What was changed may have become what another element is.
        *list = distinct(self.attribute, std::mem::take(list));
        Ok(())
    }

    /// No element is meant: an error, nothing, or a new element (L-07).
    fn none_meant(
        &mut self,
        list: &mut Vec<Value>,
        filter: Option<&Filter>,
        value: &Value,
    ) -> Result<(), Invalid> {
        let path = &self.operation.path;
        if self.operation.op == PatchOp::Remove {
            return Ok(());
        }
        let nothing = || Invalid::no_target(format!("`{path}` selects nothing"));
        if !self.progress.options.is_lenient() {
            return Err(nothing());
        }
        // To clear what isn't there is no fault: Entra clears everything twice.
        if *value == Value::Null {
            self.progress.quirks.insert(Quirk::NoMatch);
            return Ok(());
        }
        let mut element = filter.and_then(described).ok_or_else(nothing)?;
        self.progress.quirks.insert(Quirk::NoMatch);
        let new = match (&path.sub, value) {
            (Some(sub), value) => {
                set(&mut element, sub, value)?;
                Value::Complex(element)
            }
            (None, Value::Complex(given)) => {
                merge(&mut element, self.attribute, given)?;
                Value::Complex(element)
            }
            (None, simple) => simple.clone(),
        };
        let touched = add(list, self.attribute, &[new], self.progress)?;
        demote_others(list, &touched, path)
    }

    /// Puts a changed value back in its place; what is empty is unassigned.
    fn put_back(&self, place: &mut Object, value: Value) -> Result<(), Invalid> {
        let name: &Name = &self.attribute.name;
        if !value.is_unassigned() {
            place.set(name.clone(), value);
            return Ok(());
        }
        let was_there = place.remove(name).is_some();
        if was_there && self.attribute.required {
            return Err(Invalid::mutability(format!("`{name}` is required")));
        }
        Ok(())
    }
}
