//! Resources and lists as JSON text (RFC 7644 §3.4.2), written straight from where the values lie.

use crate::attributes::{Attr, Attributes};
use crate::json::{write_decimal, write_integer, write_text};
use crate::node::{ComplexView, Node};
use crate::projection::{Projection, Shown};
use crate::schema::{Attribute, ResourceType, Schema, common_attributes};

/// Writes a resource: `schemas`, the common attributes, those of the base schema in its order, the extensions, and `meta` last.
/// What isn't assigned is left out (RFC 7643 §2.5). `schemas` is computed: the base schema, and each extension that has an
/// assigned attribute, shown or not.
pub fn write_resource(
    out: &mut Vec<u8>,
    resource: &dyn Attributes,
    rtype: &ResourceType,
    projection: &Projection,
) {
    let mut writer = Writer { out, projection };
    let stored = resource.spread();
    let get = |name: &str| resource.among(name, &stored);
    writer.out.extend_from_slice(b"{\"schemas\":[");
    write_text(writer.out, &rtype.schema.id);
    let extensions: Vec<(&Schema, Option<Attr<'_>>)> =
        rtype.extensions.iter().map(|(schema, _)| (&**schema, get(&schema.id))).collect();
    for (schema, extension) in &extensions {
        if extension.as_ref().and_then(Attr::node).is_some_and(is_assigned) {
            writer.out.push(b',');
            write_text(writer.out, &schema.id);
        }
    }
    writer.out.push(b']');
    let common = || common_attributes().iter();
    let first = common().filter(|attribute| !matches!(&*attribute.name, "schemas" | "meta"));
    for attribute in first.chain(&rtype.schema.attributes) {
        writer.top(attribute, &get);
    }
    for (schema, extension) in &extensions {
        if let Some(Node::Complex(extension)) = extension.as_ref().and_then(Attr::node) {
            writer.extension(&schema.id, &schema.attributes, extension);
        }
    }
    for attribute in common().filter(|attribute| attribute.name == "meta") {
        writer.top(attribute, &get);
    }
    writer.out.push(b'}');
}

fn is_assigned(node: Node<'_>) -> bool {
    match node {
        Node::List(list) => list.iter().any(is_assigned),
        Node::Complex(object) => object.iter().any(|(_, node)| is_assigned(node)),
        Node::Bool(_) | Node::Integer(_) | Node::Decimal(_) | Node::String(_) => true,
    }
}

struct Writer<'w> {
    out: &'w mut Vec<u8>,
    projection: &'w Projection,
}

impl Writer<'_> {
    fn top<'v>(&mut self, attribute: &Attribute, get: &dyn Fn(&str) -> Option<Attr<'v>>) {
        let shown = self.projection.of(None, attribute);
        if shown == Shown::Nothing {
            return;
        }
        if let Some(node) = get(&attribute.name).as_ref().and_then(Attr::node) {
            self.member(b',', None, attribute, shown, node);
        }
    }

    fn extension(
        &mut self,
        urn: &str,
        attributes: &[std::sync::Arc<Attribute>],
        extension: ComplexView<'_>,
    ) {
        let start = self.out.len();
        self.out.push(b',');
        write_text(self.out, urn);
        self.out.push(b':');
        let mut mark = b'{';
        for attribute in attributes {
            let shown = self.projection.of(Some(urn), attribute);
            if shown == Shown::Nothing {
                continue;
            }
            if let Some(node) = extension.get(&attribute.name)
                && self.member(mark, Some(urn), attribute, shown, node)
            {
                mark = b',';
            }
        }
        self.close(start, mark, b'}');
    }

    /// Writes `mark`, the name and the value; nothing at all if nothing of the value is shown.
    fn member(
        &mut self,
        mark: u8,
        schema: Option<&str>,
        attribute: &Attribute,
        shown: Shown,
        node: Node<'_>,
    ) -> bool {
        let start = self.out.len();
        self.out.push(mark);
        write_text(self.out, &attribute.name);
        self.out.push(b':');
        let written = self.value(schema, attribute, shown, node);
        if !written {
            self.out.truncate(start);
        }
        written
    }

    fn value(
        &mut self,
        schema: Option<&str>,
        attribute: &Attribute,
        shown: Shown,
        node: Node<'_>,
    ) -> bool {
        match node {
            Node::List(list) => {
                let start = self.out.len();
                let mut mark = b'[';
                for item in list {
                    let before = self.out.len();
                    self.out.push(mark);
                    if self.value(schema, attribute, shown, item) {
                        mark = b',';
                    } else {
                        self.out.truncate(before);
                    }
                }
                self.close(start, mark, b']')
            }
            Node::Complex(object) => {
                let start = self.out.len();
                let mut mark = b'{';
                for (name, node) in object {
                    let Some(sub) = attribute.sub(name) else { continue };
                    if self.projection.of_sub(schema, attribute, sub, shown)
                        && self.member(mark, schema, sub, Shown::Whole, node)
                    {
                        mark = b',';
                    }
                }
                self.close(start, mark, b'}')
            }
            Node::Bool(flag) => {
                self.out.extend_from_slice(if flag { b"true" } else { b"false" });
                true
            }
            Node::Integer(number) => {
                write_integer(self.out, number);
                true
            }
            Node::Decimal(number) => {
                write_decimal(self.out, number);
                true
            }
            Node::String(text) => {
                write_text(self.out, text);
                true
            }
        }
    }

    /// Closes what was opened if anything was written in it; otherwise takes everything since `start` back.
    fn close(&mut self, start: usize, mark: u8, bracket: u8) -> bool {
        let is_written = mark == b',';
        if is_written {
            self.out.push(bracket);
        } else {
            self.out.truncate(start);
        }
        is_written
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
