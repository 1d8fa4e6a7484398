//! A resource as the protocol sees it, however it's stored.

use crate::draft::Draft;
use crate::node::Node;
use crate::packed::{Packed, View};
use crate::value::{Object, Value};

/// The value of an attribute: walked where it lies, or built for the occasion.
#[derive(Clone, Debug)]
pub enum Attr<'a> {
    /// A stored value.
    Node(Node<'a>),
    /// A derived one, such as `groups` or `meta`.
    Owned(Value),
}

impl Attr<'_> {
    /// The value to walk; nothing if it is null.
    #[must_use]
    pub fn node(&self) -> Option<Node<'_>> {
        match self {
            Self::Node(node) => Some(*node),
            Self::Owned(value) => Node::of(value),
        }
    }
}

/// A resource: what filters look at and what is rendered.
///
/// Names are top-level ones in the schema's spelling (`userName`, `meta`, `groups`), or the URN of an extension, whose value is
/// an object.
pub trait Attributes {
    /// The value of an attribute, if it's assigned.
    fn attribute(&self, name: &str) -> Option<Attr<'_>>;

    /// What of it is stored packed. Who shows something else under a name that is in there says so in [`Attributes::among`].
    fn stored(&self) -> View<'_> {
        View::EMPTY
    }

    /// As [`Attributes::attribute`], for whoever asks for many: what [`Attributes::stored`] has under the name was found already,
    /// and what is derived goes where there is room for it.
    fn among<'s>(
        &'s self,
        name: &str,
        stored: Option<Node<'s>>,
        room: &'s mut Draft,
    ) -> Option<Node<'s>> {
        if stored.is_some() {
            return stored;
        }
        match self.attribute(name)? {
            Attr::Node(node) => Some(node),
            Attr::Owned(value) => room.hold(value),
        }
    }

    /// Shows every assigned attribute, in any order.
    fn each(&self, f: &mut dyn FnMut(&str, Attr<'_>));
}

impl Attributes for Object {
    fn attribute(&self, name: &str) -> Option<Attr<'_>> {
        self.get(name).and_then(Node::of).map(Attr::Node)
    }

    fn each(&self, f: &mut dyn FnMut(&str, Attr<'_>)) {
        for (name, value) in self {
            if let Some(node) = Node::of(value) {
                f(name, Attr::Node(node));
            }
        }
    }
}

impl Attributes for View<'_> {
    fn attribute(&self, name: &str) -> Option<Attr<'_>> {
        self.get(name).map(Attr::Node)
    }

    fn stored(&self) -> View<'_> {
        *self
    }

    fn each(&self, f: &mut dyn FnMut(&str, Attr<'_>)) {
        for (name, node) in self.iter() {
            f(name, Attr::Node(node));
        }
    }
}

impl Attributes for Packed {
    fn attribute(&self, name: &str) -> Option<Attr<'_>> {
        self.view().get(name).map(Attr::Node)
    }

    fn stored(&self) -> View<'_> {
        self.view()
    }

    fn each(&self, f: &mut dyn FnMut(&str, Attr<'_>)) {
        self.view().each(f);
    }
}
