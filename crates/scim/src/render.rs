//! Resources and lists as JSON text (RFC 7644 §3.4.2), written straight from where the values lie.

mod plan;

use std::sync::Arc;

use crate::attributes::Attributes;
use crate::draft::Draft;
use crate::json::{write_decimal, write_integer, write_text};
use crate::node::{ComplexView, Node};
use crate::projection::Projection;
use crate::schema::ResourceType;
pub(crate) use plan::Plan;
use plan::{Entry, Extension, value_at};

/// Writes a resource: `schemas`, the common attributes, those of the base schema in its order, the extensions, and `meta` last.
/// What isn't assigned is left out (RFC 7643 §2.5). `schemas` is computed: the base schema, and each extension that has an
/// assigned attribute, shown or not.
///
/// For many resources there is [`Renderer`].
pub fn write_resource(
    out: &mut Vec<u8>,
    resource: &dyn Attributes,
    rtype: &ResourceType,
    projection: &Projection,
) {
    Renderer::new(rtype, projection).write(out, resource);
}

/// Writes resources of a type, one after the other.
#[derive(Debug)]
pub struct Renderer {
    plan: Arc<Plan>,
    draft: Draft,
    /// Where what is stored of a resource begins, and of one of its extensions.
    at: Vec<u32>,
    at_inside: Vec<u32>,
    /// Extensions, until `schemas` knows them and it is their turn.
    side: Vec<u8>,
}

impl Renderer {
    /// For resources of this type, of which so much is shown.
    #[must_use]
    pub fn new(rtype: &ResourceType, projection: &Projection) -> Self {
        let plan = match projection {
            Projection::Default => rtype.whole_plan().clone(),
            Projection::Only(_) | Projection::Except(_) | Projection::Written(_) => {
                Arc::new(Plan::of(rtype, projection))
            }
        };
        let (at, at_inside, side) = (Vec::new(), Vec::new(), Vec::new());
        Self { plan, draft: Draft::default(), at, at_inside, side }
    }

    /// Writes a resource as [`write_resource`] does.
    pub fn write(&mut self, out: &mut Vec<u8>, resource: &dyn Attributes) {
        let Self { plan, draft, at, at_inside, side } = self;
        let stored = resource.stored();
        plan.slots.spread(stored, at);
        let (top, extensions) = at.split_at_checked(plan.top.len()).unwrap_or_default();
        out.extend_from_slice(&plan.head);
        side.clear();
        for (extension, at) in plan.extensions.iter().zip(extensions) {
            let value = value_at(stored, *at);
            if let Some(node) = resource.among(&extension.entry.name, value, draft)
                && is_assigned(node)
            {
                out.extend_from_slice(&extension.urn);
                write_extension(side, extension, node, at_inside);
            }
        }
        out.push(b']');
        let mut entries = plan.top.iter().zip(top);
        let mut write = |out: &mut Vec<u8>, (entry, at): (&Entry, &u32)| {
            if let Some(node) = resource.among(&entry.name, value_at(stored, *at), draft) {
                write_member(out, entry, node);
            }
        };
        for entry in entries.by_ref().take(plan.before_extensions) {
            write(out, entry);
        }
        out.extend_from_slice(side);
        for entry in entries {
            write(out, entry);
        }
        out.push(b'}');
    }
}

fn is_assigned(node: Node<'_>) -> bool {
    match node {
        Node::List(list) => list.iter().any(is_assigned),
        Node::Complex(object) => object.iter().any(|(_, node)| is_assigned(node)),
        Node::Bool(_) | Node::Integer(_) | Node::Decimal(_) | Node::String(_) => true,
    }
}

/// Writes an extension, its attributes in the schema's order.
fn write_extension(out: &mut Vec<u8>, extension: &Extension, node: Node<'_>, at: &mut Vec<u32>) {
    let Node::Complex(object) = node else { return };
    let start = out.len();
    out.extend_from_slice(&extension.entry.mark);
    let inside = out.len();
    match object.stored() {
        Some(view) => {
            extension.slots.spread(view, at);
            for (sub, at) in extension.entry.subs.iter().zip(&*at) {
                if let Some(node) = value_at(view, *at) {
                    write_member(out, sub, node);
                }
            }
        }
        None => {
            for sub in &extension.entry.subs {
                if let Some(node) = object.get(&sub.name) {
                    write_member(out, sub, node);
                }
            }
        }
    }
    close(out, start, inside, b'{', b'}');
}

/// Writes a comma, the name and the value; nothing at all if nothing of the value is shown.
fn write_member(out: &mut Vec<u8>, entry: &Entry, node: Node<'_>) {
    let start = out.len();
    out.extend_from_slice(&entry.mark);
    if !write_value(out, entry, node) {
        out.truncate(start);
    }
}

/// Writes a value; what of it is not shown is taken back by whoever called.
fn write_value(out: &mut Vec<u8>, entry: &Entry, node: Node<'_>) -> bool {
    match node {
        Node::List(list) => {
            let start = out.len();
            for item in list {
                let before = out.len();
                out.push(b',');
                if !write_value(out, entry, item) {
                    out.truncate(before);
                }
            }
            close(out, start, start, b'[', b']')
        }
        Node::Complex(object) => write_object(out, entry, object),
        Node::Bool(flag) => {
            out.extend_from_slice(if flag { b"true" } else { b"false" });
            true
        }
        Node::Integer(number) => {
            write_integer(out, number);
            true
        }
        Node::Decimal(number) => {
            write_decimal(out, number);
            true
        }
        Node::String(text) => {
            write_text(out, text);
            true
        }
    }
}

fn write_object(out: &mut Vec<u8>, entry: &Entry, object: ComplexView<'_>) -> bool {
    let start = out.len();
    for (label, node) in object.labels() {
        if let Some(sub) = entry.sub(label) {
            write_member(out, sub, node);
        }
    }
    close(out, start, start, b'{', b'}')
}

/// Closes what was written from `inside` on: the comma in front of the first part becomes what opens it. If nothing was written,
/// everything since `start` is taken back.
fn close(out: &mut Vec<u8>, start: usize, inside: usize, opening: u8, closing: u8) -> bool {
    match out.get_mut(inside) {
        Some(comma) => {
            *comma = opening;
            out.push(closing);
            true
        }
        None => {
            out.truncate(start);
            false
        }
    }
}

/// Writes a ListResponse of items that are JSON text already.
pub fn write_list<I>(out: &mut Vec<u8>, total_results: u64, start_index: u64, items: I)
where
    I: IntoIterator,
    I::Item: AsRef<[u8]>,
{
    let write = |item: I::Item| move |out: &mut Vec<u8>| out.extend_from_slice(item.as_ref());
    write_list_with(out, total_results, start_index, items.into_iter().map(write));
}

/// Writes a ListResponse whose items write themselves. `Resources` is always there, and `itemsPerPage` is what is really in it
/// (RFC 7644 §3.4.2.4).
pub fn write_list_with<I, W>(out: &mut Vec<u8>, total_results: u64, start_index: u64, items: I)
where
    I: IntoIterator<Item = W>,
    W: FnOnce(&mut Vec<u8>),
{
    write_page(out, total_results, Some(start_index), items, |_| None);
}

/// Writes a ListResponse in pages by index, or, without a `start_index`, by cursor (RFC 9865 §2). How many items there were is
/// told to `next_cursor`, which says where the next page begins, if there is one.
pub fn write_page<I, W>(
    out: &mut Vec<u8>,
    total_results: u64,
    start_index: Option<u64>,
    items: I,
    next_cursor: impl FnOnce(u64) -> Option<String>,
) where
    I: IntoIterator<Item = W>,
    W: FnOnce(&mut Vec<u8>),
{
    out.extend_from_slice(
        br#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:ListResponse"],"totalResults":"#,
    );
    crate::json::write_display(out, format_args!("{total_results}"));
    if let Some(start_index) = start_index {
        crate::json::write_display(out, format_args!(",\"startIndex\":{start_index}"));
    }
    out.extend_from_slice(br#","Resources":["#);
    let mut count = 0u64;
    for item in items {
        if count > 0 {
            out.push(b',');
        }
        item(out);
        count += 1;
    }
    crate::json::write_display(out, format_args!("],\"itemsPerPage\":{count}"));
    if let Some(cursor) = next_cursor(count) {
        out.extend_from_slice(br#","nextCursor":"#);
        write_text(out, &cursor);
    }
    out.push(b'}');
}

#[cfg(test)]
mod tests;
