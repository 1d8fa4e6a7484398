//! One way to walk a value, whether it is packed or not.

use crate::packed::{self, View};
use crate::value::{Name, Object, Value};

/// A borrowed value. There is no null among them: an unassigned attribute isn't there (RFC 7643 §2.5).
#[derive(Clone, Copy, Debug)]
pub enum Node<'a> {
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Integer(i64),
    /// Any other number.
    Decimal(f64),
    /// Text.
    String(&'a str),
    /// An array.
    List(ListView<'a>),
    /// An object.
    Complex(ComplexView<'a>),
}

impl<'a> Node<'a> {
    /// The node of a value, unless it is null.
    #[must_use]
    pub fn of(value: &'a Value) -> Option<Self> {
        Some(match value {
            Value::Null => return None,
            Value::Bool(flag) => Self::Bool(*flag),
            Value::Integer(number) => Self::Integer(*number),
            Value::Decimal(number) => Self::Decimal(*number),
            Value::String(text) => Self::String(text),
            Value::List(items) => Self::List(ListView::from(items.as_slice())),
            Value::Complex(object) => Self::Complex(ComplexView::from(object)),
        })
    }

    /// The text, if it is one.
    #[must_use]
    pub fn as_str(self) -> Option<&'a str> {
        if let Self::String(text) = self { Some(text) } else { None }
    }

    /// The boolean, if it is one.
    #[must_use]
    pub fn as_bool(self) -> Option<bool> {
        if let Self::Bool(flag) = self { Some(flag) } else { None }
    }

    /// The array, if it is one.
    #[must_use]
    pub fn as_list(self) -> Option<ListView<'a>> {
        if let Self::List(list) = self { Some(list) } else { None }
    }

    /// The object, if it is one.
    #[must_use]
    pub fn as_complex(self) -> Option<ComplexView<'a>> {
        if let Self::Complex(object) = self { Some(object) } else { None }
    }

    /// A copy that owns its parts.
    #[must_use]
    pub fn to_value(self) -> Value {
        match self {
            Self::Bool(flag) => Value::Bool(flag),
            Self::Integer(number) => Value::Integer(number),
            Self::Decimal(number) => Value::Decimal(number),
            Self::String(text) => Value::String(text.to_owned()),
            Self::List(list) => Value::List(list.iter().map(Self::to_value).collect()),
            Self::Complex(object) => Value::Complex(object.to_object()),
        }
    }

    /// Whether it counts as unassigned: an empty array or object (RFC 7643 §2.5).
    #[must_use]
    pub fn is_unassigned(self) -> bool {
        match self {
            Self::Bool(_) | Self::Integer(_) | Self::Decimal(_) | Self::String(_) => false,
            Self::List(list) => list.iter().next().is_none(),
            Self::Complex(object) => object.iter().next().is_none(),
        }
    }
}

impl<'a> From<&'a Value> for Option<Node<'a>> {
    fn from(value: &'a Value) -> Self {
        Node::of(value)
    }
}

/// The name of a member as it is stored.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Label<'a> {
    /// By its number in the dictionary.
    Number(usize),
    /// Written out.
    Name(&'a str),
}

impl<'a> Label<'a> {
    /// The name; nothing if the dictionary has no such number.
    pub(crate) fn name(self) -> Option<&'a str> {
        match self {
            Self::Number(number) => crate::names::by_number(number),
            Self::Name(name) => Some(name),
        }
    }
}

/// A borrowed array.
#[derive(Clone, Copy, Debug)]
pub struct ListView<'a>(Source<'a, &'a [Value]>);

/// A borrowed object.
#[derive(Clone, Copy, Debug)]
pub struct ComplexView<'a>(Source<'a, &'a Object>);

#[derive(Clone, Copy, Debug)]
enum Source<'a, T> {
    Packed(&'a [u8]),
    Plain(T),
}

impl<'a> ListView<'a> {
    pub(crate) fn packed(bytes: &'a [u8]) -> Self {
        Self(Source::Packed(bytes))
    }

    /// The elements in order, nulls left out.
    #[must_use]
    pub fn iter(self) -> Items<'a> {
        match self.0 {
            Source::Packed(bytes) => Items(Walk::Packed(bytes)),
            Source::Plain(items) => Items(Walk::Plain(items.iter())),
        }
    }
}

impl<'a> From<&'a [Value]> for ListView<'a> {
    fn from(items: &'a [Value]) -> Self {
        Self(Source::Plain(items))
    }
}

impl<'a> IntoIterator for ListView<'a> {
    type Item = Node<'a>;
    type IntoIter = Items<'a>;

    fn into_iter(self) -> Items<'a> {
        self.iter()
    }
}

impl<'a> ComplexView<'a> {
    pub(crate) fn packed(bytes: &'a [u8]) -> Self {
        Self(Source::Packed(bytes))
    }

    /// The value of a member, unless it is null.
    #[must_use]
    pub fn get(self, name: &str) -> Option<Node<'a>> {
        match self.0 {
            Source::Packed(bytes) => packed::find(bytes, name),
            Source::Plain(object) => object.get(name).and_then(Node::of),
        }
    }

    /// The packed object, if it is one.
    pub(crate) fn stored(self) -> Option<View<'a>> {
        match self.0 {
            Source::Packed(bytes) => Some(View::of_bytes(bytes)),
            Source::Plain(_) => None,
        }
    }

    /// The members in order, nulls left out, their names as they are stored.
    pub(crate) fn labels(self) -> Labels<'a> {
        Labels(self.iter().0)
    }

    /// The members in order, nulls left out.
    #[must_use]
    pub fn iter(self) -> Members<'a> {
        match self.0 {
            Source::Packed(bytes) => Members(Walk::Packed(bytes)),
            Source::Plain(object) => Members(Walk::Plain(object.iter())),
        }
    }

    /// A copy that owns its parts.
    #[must_use]
    pub fn to_object(self) -> Object {
        let mut object = Object::new();
        for (name, node) in self.iter() {
            object.push(Name::new(name), node.to_value());
        }
        object
    }
}

impl<'a> From<&'a Object> for ComplexView<'a> {
    fn from(object: &'a Object) -> Self {
        Self(Source::Plain(object))
    }
}

impl<'a> From<View<'a>> for ComplexView<'a> {
    fn from(view: View<'a>) -> Self {
        Self::packed(view.bytes())
    }
}

impl<'a> IntoIterator for ComplexView<'a> {
    type Item = (&'a str, Node<'a>);
    type IntoIter = Members<'a>;

    fn into_iter(self) -> Members<'a> {
        self.iter()
    }
}

#[derive(Clone, Debug)]
enum Walk<'a, T> {
    Packed(&'a [u8]),
    Plain(std::slice::Iter<'a, T>),
}

/// The elements of a [`ListView`].
#[derive(Clone, Debug)]
pub struct Items<'a>(Walk<'a, Value>);

impl<'a> Iterator for Items<'a> {
    type Item = Node<'a>;

    fn next(&mut self) -> Option<Node<'a>> {
        match &mut self.0 {
            Walk::Packed(rest) => packed::next_item(rest),
            Walk::Plain(items) => items.find_map(Node::of),
        }
    }
}

/// The members of a [`ComplexView`] or a [`View`].
#[derive(Clone, Debug)]
pub struct Members<'a>(Walk<'a, (Name, Value)>);

impl<'a> Members<'a> {
    pub(crate) fn packed(bytes: &'a [u8]) -> Self {
        Self(Walk::Packed(bytes))
    }
}

impl<'a> Iterator for Members<'a> {
    type Item = (&'a str, Node<'a>);

    fn next(&mut self) -> Option<(&'a str, Node<'a>)> {
        match &mut self.0 {
            Walk::Packed(rest) => packed::next_member(rest),
            Walk::Plain(members) => {
                members.find_map(|(name, value)| Node::of(value).map(|node| (name.as_str(), node)))
            }
        }
    }
}

/// As [`Members`], with their names as they are stored.
#[derive(Clone, Debug)]
pub(crate) struct Labels<'a>(Walk<'a, (Name, Value)>);

impl<'a> Iterator for Labels<'a> {
    type Item = (Label<'a>, Node<'a>);

    fn next(&mut self) -> Option<(Label<'a>, Node<'a>)> {
        match &mut self.0 {
            Walk::Packed(rest) => packed::next_label(rest),
            Walk::Plain(members) => members.find_map(|(name, value)| {
                Node::of(value).map(|node| (Label::Name(name.as_str()), node))
            }),
        }
    }
}
