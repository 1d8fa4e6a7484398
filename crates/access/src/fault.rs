//! What is wrong with a policy or a schema, and where: Cedar's own words, with line and column.

use std::fmt;

use miette::Diagnostic;

/// One thing that is wrong in a text.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fault {
    /// The policy's name; none: the schema.
    pub policy: Option<String>,
    /// What is wrong.
    pub message: String,
    /// What to do about it, where that is known.
    pub help: Option<String>,
    /// Where in the text; none: it is about the whole.
    pub place: Option<Place>,
}

/// A place in a text.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Place {
    /// The line, counted from 1.
    pub line: usize,
    /// The column in characters, counted from 1.
    pub column: usize,
}

impl Place {
    /// Where the byte at `offset` stands in `text`.
    pub(crate) fn of(text: &str, offset: usize) -> Self {
        let before = text.get(..offset.min(text.len())).unwrap_or(text);
        let line = before.matches('\n').count() + 1;
        let last = before.rsplit('\n').next().unwrap_or_default();
        Place { line, column: last.chars().count() + 1 }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}", self.line, self.column)
    }
}

impl fmt::Display for Fault {
    /// As in ``policy `sales`, line 3, column 14: unexpected token `)` ``.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.policy {
            Some(name) => write!(f, "policy `{name}`")?,
            None => f.write_str("the schema")?,
        }
        if let Some(place) = self.place {
            write!(f, ", {place}")?;
        }
        write!(f, ": {}", self.message)?;
        match &self.help {
            Some(help) => write!(f, " ({help})"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Fault {}

impl Fault {
    /// What Cedar says of a text.
    pub(crate) fn cedar(policy: Option<&str>, text: &str, said: &(dyn Diagnostic + '_)) -> Self {
        let label = said.labels().and_then(|mut labels| labels.next());
        // The parser says what it expected beside the place, not in the message.
        let expected = label.as_ref().and_then(|label| label.label()).map(str::to_owned);
        let help = said.help().map(|help| help.to_string()).or(expected);
        Fault {
            policy: policy.map(str::to_owned),
            message: said.to_string(),
            help,
            place: label.map(|label| Place::of(text, label.offset())),
        }
    }
}
