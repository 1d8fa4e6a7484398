//! Room for values that are made for the occasion, such as `meta`.

use std::fmt::{self, Display, Write};

use crate::node::{ComplexView, ListView, Node};
use crate::packed::{encode_name, encode_nested, encode_node, tag};
use crate::value::Value;

/// Room for a value that is derived for an answer. It is packed as stored ones are, and one room does for many: an answer has
/// hundreds of them.
#[derive(Debug, Default)]
pub struct Draft {
    text: String,
    packed: Vec<u8>,
    held: Value,
}

impl Draft {
    /// A text.
    pub fn text(&mut self, text: &dyn Display) -> Node<'_> {
        self.text.clear();
        // INVARIANT (string): writing to a `String` never fails.
        let _written = write!(self.text, "{text}");
        Node::String(&self.text)
    }

    /// An object with these members.
    pub fn complex(&mut self, members: impl FnOnce(&mut Drawing<'_>)) -> Node<'_> {
        self.packed.clear();
        members(&mut Drawing(&mut self.packed));
        Node::Complex(ComplexView::packed(&self.packed))
    }

    /// An array of these objects; nothing if there are none.
    pub fn list(&mut self, items: impl FnOnce(&mut DrawingList<'_>)) -> Option<Node<'_>> {
        self.packed.clear();
        items(&mut DrawingList(&mut self.packed));
        (!self.packed.is_empty()).then_some(Node::List(ListView::packed(&self.packed)))
    }

    /// A value that was made already; nothing if it is null.
    pub fn hold(&mut self, value: Value) -> Option<Node<'_>> {
        self.held = value;
        Node::of(&self.held)
    }
}

/// An object in the making.
#[derive(Debug)]
pub struct Drawing<'d>(&'d mut Vec<u8>);

impl Drawing<'_> {
    /// A member that is a value which is there already.
    pub fn node(&mut self, name: &str, node: Node<'_>) {
        encode_name(self.0, name);
        encode_node(self.0, node);
    }

    /// A member that is a text.
    pub fn text(&mut self, name: &str, text: &str) {
        self.node(name, Node::String(text));
    }

    /// A member that is an object.
    pub fn complex(&mut self, name: &str, members: impl FnOnce(&mut Drawing<'_>)) {
        encode_name(self.0, name);
        encode_nested(self.0, tag::COMPLEX, |out| members(&mut Drawing(out)));
    }

    /// A member that is a text still to be written.
    pub fn display(&mut self, name: &str, text: &dyn Display) {
        struct Bytes<'d>(&'d mut Vec<u8>);
        impl Write for Bytes<'_> {
            fn write_str(&mut self, text: &str) -> fmt::Result {
                self.0.extend_from_slice(text.as_bytes());
                Ok(())
            }
        }
        encode_name(self.0, name);
        let place = self.0.len();
        self.0.push(tag::SHORT);
        // INVARIANT (vec): writing to a `Vec` never fails.
        let _written = write!(Bytes(self.0), "{text}");
        let length = self.0.len() - place - 1;
        match (u8::try_from(length), self.0.get_mut(place)) {
            (Ok(short), Some(first)) if length <= tag::SHORT_MOST => *first = tag::SHORT + short,
            (Ok(_) | Err(_), _) => {
                let text = self.0.split_off(place + 1);
                self.0.truncate(place);
                encode_node(self.0, Node::String(std::str::from_utf8(&text).unwrap_or_default()));
            }
        }
    }
}

/// An array in the making.
#[derive(Debug)]
pub struct DrawingList<'d>(&'d mut Vec<u8>);

impl DrawingList<'_> {
    /// An element with these members.
    pub fn complex(&mut self, members: impl FnOnce(&mut Drawing<'_>)) {
        encode_nested(self.0, tag::COMPLEX, |out| members(&mut Drawing(out)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::tests::object;

    /// Seen to catch: a long text under the tag of a short one, and room that keeps what was there before.
    #[test]
    fn what_is_drawn_is_what_was_said() {
        let mut draft = Draft::default();
        for length in [0, 1, 118, 119, 120, 121, 127, 128, 300, 20_000] {
            let text = "x".repeat(length);
            let drawn = draft.complex(|it| {
                it.display("value", &text);
                it.text("display", &text);
                it.complex("name", |it| it.display("own", &format_args!("{text}!")));
                it.node("primary", Node::Bool(true));
            });
            let expected = object(&format!(
                r#"{{"value":"{text}","display":"{text}","name":{{"own":"{text}!"}},"primary":true}}"#
            ));
            assert_eq!(drawn.to_value(), Value::Complex(expected), "{length}");
            let list = draft.list(|it| {
                it.complex(|it| it.text("value", &text));
                it.complex(|_| {});
            });
            let item = |it: &str| Value::Complex(object(it));
            let expected = Value::List(vec![item(&format!(r#"{{"value":"{text}"}}"#)), item("{}")]);
            assert_eq!(list.unwrap().to_value(), expected, "{length}");
            assert_eq!(draft.text(&text).as_str(), Some(&*text));
        }
        assert!(draft.list(|_| {}).is_none() && draft.hold(Value::Null).is_none());
    }
}
