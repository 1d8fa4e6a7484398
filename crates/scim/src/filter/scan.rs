//! The words of a filter. Each is read once, from left to right: reading takes linear time.

use crate::error::{Invalid, ScimType, quoted};

/// A place in a text.
#[derive(Clone, Copy)]
pub(super) struct Scan<'t> {
    text: &'t str,
    at: usize,
}

/// A JSON literal.
pub(super) enum Json {
    Null,
    Bool(bool),
    Integer(i64),
    Decimal(f64),
    String(String),
}

impl<'t> Scan<'t> {
    pub(super) fn new(text: &'t str, at: usize) -> Self {
        Self { text, at }
    }

    pub(super) fn at(self) -> usize {
        self.at
    }

    fn rest(self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }

    pub(super) fn is_end(self) -> bool {
        self.rest().is_empty()
    }

    pub(super) fn peek(self) -> Option<char> {
        self.rest().chars().next()
    }

    /// Steps over a character, if it's the next.
    pub(super) fn eat(&mut self, wanted: char) -> bool {
        let there = self.peek() == Some(wanted);
        if there {
            self.at += wanted.len_utf8();
        }
        there
    }

    /// Steps over spaces and says whether there were any.
    pub(super) fn spaces(&mut self) -> bool {
        let count = self.rest().bytes().take_while(|byte| *byte == b' ').count();
        self.at += count;
        count > 0
    }

    /// Takes everything up to a space, bracket, parenthesis or quote.
    pub(super) fn word(&mut self) -> &'t str {
        let rest = self.rest();
        let end = rest.find([' ', '[', ']', '(', ')', '"']).unwrap_or(rest.len());
        self.at += end;
        rest.get(..end).unwrap_or_default()
    }

    /// Takes the next word of letters.
    pub(super) fn letters(&mut self) -> &'t str {
        let rest = self.rest();
        let end = rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len());
        self.at += end;
        rest.get(..end).unwrap_or_default()
    }

    /// The column of a place, counted in characters from 1.
    pub(super) fn column(self, at: usize) -> usize {
        self.text.get(..at).map_or(0, |before| before.chars().count()) + 1
    }

    /// A fault at this place.
    pub(super) fn fault(self, what: impl std::fmt::Display) -> Invalid {
        Invalid::new(ScimType::InvalidFilter, format!("{what} at column {}", self.column(self.at)))
    }

    /// Says what stands here, for messages.
    pub(super) fn shown(self) -> String {
        let mut ahead = self;
        match self.peek() {
            None => "the end".to_owned(),
            Some(first @ ('[' | ']' | '(' | ')' | '"' | ' ')) => format!("`{first}`"),
            Some(_) => quoted(ahead.word()),
        }
    }

    /// Takes a JSON literal.
    pub(super) fn literal(&mut self) -> Result<Json, Invalid> {
        match self.peek() {
            Some('"') => self.string(),
            Some('-' | '0'..='9') => self.number(),
            Some('\'') => Err(self.fault("a value in single quotes; write it in double quotes")),
            None => Err(self.fault("a value is missing")),
            Some(_) => {
                let start = *self;
                match self.word() {
                    "true" => Ok(Json::Bool(true)),
                    "false" => Ok(Json::Bool(false)),
                    "null" => Ok(Json::Null),
                    "" => Err(start.fault(format_args!("a value is due, not {}", start.shown()))),
                    other => Err(start.fault(format_args!(
                        "{} is no value; text is written in double quotes, as in `\"x\"`,",
                        quoted(other)
                    ))),
                }
            }
        }
    }

    fn string(&mut self) -> Result<Json, Invalid> {
        let rest = self.rest();
        let mut escaped = false;
        for (at, byte) in rest.bytes().enumerate().skip(1) {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => {
                    let quoted = rest.get(..=at).unwrap_or_default();
                    let text = serde_json::from_str::<String>(quoted).map_err(|_| {
                        self.fault("a value with an escape or a character that JSON doesn't know")
                    })?;
                    self.at += at + 1;
                    return Ok(Json::String(text));
                }
                _ => {}
            }
        }
        Err(self.fault("a value without its closing quote"))
    }

    fn number(&mut self) -> Result<Json, Invalid> {
        let start = *self;
        let word = self.word();
        // serde_json reads numbers by JSON's grammar: no leading zeros, no bare dot.
        let number = serde_json::from_str::<serde_json::Number>(word);
        let number =
            number.map_err(|_| start.fault(format_args!("{} is no number", quoted(word))))?;
        match (number.as_i64(), number.as_f64()) {
            (Some(whole), _) => Ok(Json::Integer(whole)),
            (None, Some(decimal)) if decimal.is_finite() => Ok(Json::Decimal(decimal)),
            (None, Some(_) | None) => {
                Err(start.fault(format_args!("{} is out of range", quoted(word))))
            }
        }
    }
}
