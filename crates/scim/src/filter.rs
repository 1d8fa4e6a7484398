//! Filters (RFC 7644 §3.4.2.2): parsed once, checked against the schema while parsing, then only evaluated.

mod evaluate;
mod parse;
mod print;
mod scan;

pub(crate) use parse::flag_of;

use crate::attributes::Attributes;
use crate::error::Invalid;
use crate::mode::Options;
use crate::moment::Moment;
use crate::node::Node;
use crate::path::AttrPath;
use crate::quirk::Quirk;
use crate::schema::ResourceType;
use crate::value::Value;

/// A filter. What it compares is known to fit the attribute, and is prepared for comparing.
#[derive(Clone, PartialEq, Debug)]
pub enum Filter {
    /// All of them.
    And(Vec<Filter>),
    /// Any of them.
    Or(Vec<Filter>),
    /// Not this one.
    Not(Box<Filter>),
    /// The attribute has a value that isn't empty.
    Present(AttrPath),
    /// Any value of the attribute compares so.
    Compare {
        /// The attribute; inside an element filter, the sub-attribute.
        path: AttrPath,
        /// How they compare.
        op: Op,
        /// What it's compared with.
        value: Literal,
    },
    /// Some one element of the attribute matches.
    Element {
        /// The attribute.
        path: AttrPath,
        /// What the element must match; its paths are sub-attributes.
        filter: Box<Filter>,
    },
}

/// A comparison.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Op {
    /// Equal.
    Eq,
    /// Some value is not equal, or there is none.
    Ne,
    /// Contains.
    Co,
    /// Starts with.
    Sw,
    /// Ends with.
    Ew,
    /// Greater.
    Gt,
    /// Greater or equal.
    Ge,
    /// Less.
    Lt,
    /// Less or equal.
    Le,
}

impl Op {
    const ALL: [Self; 9] =
        [Self::Eq, Self::Ne, Self::Co, Self::Sw, Self::Ew, Self::Gt, Self::Ge, Self::Lt, Self::Le];

    /// The word on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Eq => "eq",
            Self::Ne => "ne",
            Self::Co => "co",
            Self::Sw => "sw",
            Self::Ew => "ew",
            Self::Gt => "gt",
            Self::Ge => "ge",
            Self::Lt => "lt",
            Self::Le => "le",
        }
    }

    fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|op| op.as_str().eq_ignore_ascii_case(word))
    }
}

/// What an attribute is compared with.
#[derive(Clone, PartialEq, Debug)]
pub enum Literal {
    /// `null`: unassigned.
    Null,
    /// A boolean.
    Bool(bool),
    /// A whole number.
    Integer(i64),
    /// Any other number.
    Decimal(f64),
    /// Text.
    String {
        /// As it was written.
        text: Box<str>,
        /// As it is compared.
        prepared: Box<str>,
    },
    /// A point in time.
    Moment {
        /// As it was written.
        text: Box<str>,
        /// The instant.
        at: Moment,
    },
}

impl Literal {
    /// The text as it was written, if it is one.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String { text, .. } | Self::Moment { text, .. } => Some(text),
            Self::Null | Self::Bool(_) | Self::Integer(_) | Self::Decimal(_) => None,
        }
    }

    /// The literal as a value to be stored.
    #[must_use]
    pub fn to_value(&self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Bool(flag) => Value::Bool(*flag),
            Self::Integer(number) => Value::Integer(*number),
            Self::Decimal(number) => Value::Decimal(*number),
            Self::String { text, .. } | Self::Moment { text, .. } => Value::from(&**text),
        }
    }
}

impl Filter {
    /// Reads a filter on the resources of one type.
    ///
    /// # Errors
    /// 400 `invalidFilter` for bad syntax (the message names the column), an attribute that the type lacks or that may not be
    /// asked for, an operator or a literal that doesn't fit the attribute, and beyond the limits of
    /// [`limits`](crate::limits).
    pub fn parse(
        text: &str,
        rtype: &ResourceType,
        options: impl Into<Options>,
    ) -> Result<Self, Invalid> {
        Self::parse_among(text, rtype, &[], options)
    }

    /// Reads a filter on the resources of one type as part of a query over several (RFC 7644 §3.4.2.1): what this type lacks and
    /// another one has counts as an attribute without value.
    ///
    /// # Errors
    /// As [`Filter::parse`].
    pub fn parse_among(
        text: &str,
        rtype: &ResourceType,
        others: &[ResourceType],
        options: impl Into<Options>,
    ) -> Result<Self, Invalid> {
        Self::read(text, rtype, others, options).map(|(filter, _)| filter)
    }

    /// As [`Filter::parse_among`], and what was tolerated.
    ///
    /// # Errors
    /// As [`Filter::parse`].
    pub fn read(
        text: &str,
        rtype: &ResourceType,
        others: &[ResourceType],
        options: impl Into<Options>,
    ) -> Result<(Self, Vec<Quirk>), Invalid> {
        parse::whole(text, rtype, others, options.into())
    }

    /// How many comparisons and presence tests it has: what it costs to try it on one resource.
    #[must_use]
    pub fn terms(&self) -> usize {
        match self {
            Self::And(terms) | Self::Or(terms) => terms.iter().map(Self::terms).sum(),
            Self::Not(inner) | Self::Element { filter: inner, .. } => inner.terms(),
            Self::Present(_) | Self::Compare { .. } => 1,
        }
    }

    /// Whether a resource matches.
    pub fn matches<A: Attributes + ?Sized>(&self, resource: &A) -> bool {
        evaluate::resource(self, resource)
    }

    /// Whether one element of a multi-valued attribute matches; for filters from the brackets of a path.
    #[must_use]
    pub fn matches_element(&self, element: Node<'_>) -> bool {
        evaluate::element(self, element)
    }

    /// The text that an attribute must equal for the filter to match, if the filter says so: a caller may then look it up instead
    /// of trying every resource. The path is the canonical one, such as `userName` or `emails.value`.
    #[must_use]
    pub fn must_equal(&self, path: &str) -> Option<&str> {
        match self {
            Self::Compare { path: known, op: Op::Eq, value } if known.is(path) => value.as_str(),
            Self::And(terms) => terms.iter().find_map(|term| term.must_equal(path)),
            Self::Element { path: known, filter } => {
                let sub = path.strip_prefix(known.top()).and_then(|rest| rest.strip_prefix('.'))?;
                filter.must_equal(sub)
            }
            Self::Or(_) | Self::Not(_) | Self::Present(_) | Self::Compare { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests;
