//! The values that say who a person is: what an erasure destroys, and what is looked for elsewhere
//! before it does.
//!
//! They are gathered from the person's own events while those can still be opened, compared
//! without regard to case, and never written down.

use std::collections::BTreeSet;

use percent_encoding::percent_decode_str;
use scim::{Invalid, Node, Value};

use crate::directory::{User, Written};
use crate::event::Event;
use crate::id::UserId;
use crate::limits::{DISTINCT_CHARS, LONG_CHARS, VALUE_CHARS_LEAST, WORD_CHARS_LEAST};

/// Attributes, and parts of some, that many people share, and the manager, who is another person.
const SHARED: [&str; 21] = [
    "title",
    "userType",
    "preferredLanguage",
    "locale",
    "timezone",
    "costCenter",
    "organization",
    "division",
    "department",
    "manager",
    "entitlements",
    "roles",
    "groups",
    "type",
    "primary",
    "honorificPrefix",
    "honorificSuffix",
    "country",
    "region",
    "locality",
    "$ref",
];

/// Attributes that hold a part of a name.
const NAMES: [&str; 4] = ["givenName", "familyName", "middleName", "nickName"];

/// The refusal of a reason that says who the person was.
pub fn telling() -> Invalid {
    Invalid::value(
        "the reason names the person (a name, mail address, number or id of theirs) and would stay in the log for good: \
         say it without, as by the number of their request",
    )
}

/// Everything that one person was ever called or reached by: names, mail addresses, phone numbers,
/// external ids, and every other text of theirs but those that many people share, such as a title.
#[derive(Clone, Default)]
pub struct PersonValues {
    // Folded, each once: what is theirs alone, and names and parts of names, which others may have as well.
    own: BTreeSet<Box<str>>,
    names: BTreeSet<Box<str>>,
}

impl std::fmt::Debug for PersonValues {
    /// How many, and none of them: they must not get into a log.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PersonValues({})", self.len())
    }
}

impl PersonValues {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.own.len() + self.names.len()
    }

    /// Whether nothing is known of the person.
    pub fn is_empty(&self) -> bool {
        self.own.is_empty() && self.names.is_empty()
    }

    /// Notes what a user has at this moment.
    pub fn note_user(&mut self, user: &User) {
        self.note(&user.user_name);
        user.external_ids.iter().for_each(|id| self.note(&id.value));
        for written in &user.written {
            for (path, node) in written.values.view().iter() {
                self.note_path(path, node);
            }
        }
        for (name, node) in user.attributes.view().iter() {
            self.note_attribute(name, node);
        }
    }

    /// Notes what an event says of `user`.
    pub fn note_event(&mut self, user: UserId, event: &Event) {
        if !event.is_about(crate::event::Subject::User(user)) {
            return;
        }
        if let Event::UserCreated { personal, .. } = event
            && let Some(new) = personal.known()
        {
            self.note(&new.user_name);
            new.external_id.iter().for_each(|id| self.note(id));
            for (name, node) in new.attributes.view().iter() {
                self.note_attribute(name, node);
            }
        } else if let Event::UserRenamed { personal, .. } = event
            && let Some(renamed) = personal.known()
        {
            self.note(&renamed.from);
            self.note(&renamed.to);
        } else if let Event::UserAttributesChanged { personal, .. } = event {
            for change in personal.known().into_iter().flatten() {
                for value in [&change.old, &change.new].into_iter().flatten() {
                    if let Some(node) = Node::of(value) {
                        self.note_path(&change.path, node);
                    }
                }
            }
        }
    }

    /// Notes a text that is the person's.
    pub fn note(&mut self, text: &str) {
        keep(&mut self.own, text);
        let words: Vec<&str> = match text.split_once('@') {
            Some((local, _)) => vec![local],
            // `Jane van der Doe` is known as Jane and as Doe, but not as `der`.
            None => text
                .split(|c: char| !c.is_alphanumeric())
                .filter(|word| word.chars().next().is_some_and(char::is_uppercase))
                .collect(),
        };
        for word in words.into_iter().filter(|word| word.chars().count() >= WORD_CHARS_LEAST) {
            keep(&mut self.names, word);
        }
    }

    fn note_path(&mut self, path: &str, node: Node<'_>) {
        let path = match Written::path_of(path) {
            // The position of a mapping is nobody's.
            Some("") => return,
            Some(written) => written,
            None => path,
        };
        let inner = path.rsplit_once(':').map_or(path, |(_, inner)| inner);
        let (root, leaf) = inner.split_once('.').unwrap_or((inner, inner));
        if !SHARED.contains(&root) {
            self.note_attribute(leaf, node);
        }
    }

    fn note_attribute(&mut self, name: &str, node: Node<'_>) {
        if SHARED.contains(&name) {
            return;
        }
        match node {
            Node::String(text) if NAMES.contains(&name) => keep(&mut self.names, text),
            Node::String(text) => self.note(text),
            // A number may be somebody's, as a badge's is.
            Node::Integer(number) => {
                let text = number.to_string();
                if text.len() >= DISTINCT_CHARS {
                    keep(&mut self.own, &text);
                }
            }
            Node::Bool(_) | Node::Decimal(_) => {}
            Node::List(list) => list.iter().for_each(|item| self.note_attribute(name, item)),
            Node::Complex(object) => {
                object.iter().for_each(|(name, node)| self.note_attribute(name, node));
            }
        }
    }

    fn all(&self) -> impl Iterator<Item = &str> {
        self.own.iter().chain(&self.names).map(|value| &**value)
    }

    /// Whether this text says something that is the person's alone: it is a value of theirs, or a long
    /// one stands in it as a word of its own. Names do not count: another may be called so.
    pub fn own_stand_in(&self, text: &str) -> bool {
        let text = scim::fold(text);
        let is_long = |value: &str| value.chars().count() >= LONG_CHARS;
        self.own.iter().any(|value| **value == *text || is_long(value) && is_word_in(value, &text))
    }

    /// Whether one of the values stands in a text that somebody wrote, as a word of its own:
    /// `Jane` in `for Jane's sake`, but not `Lea` in `leaving`.
    pub fn are_named_in(&self, text: &str) -> bool {
        let text = scim::fold(text);
        self.all().any(|value| is_word_in(value, &text))
    }

    /// Whether one of the values stands anywhere in a record that a machine wrote: in JSON with
    /// escapes, in an address with `%40` for `@`, or cut off before its end.
    pub fn stand_in(&self, record: &[u8]) -> bool {
        let record = String::from_utf8_lossy(record);
        if self.stand_in_text(&record) {
            return true;
        }
        match Value::parse(record.as_bytes()) {
            Ok(value) => self.stand_in_value(&value),
            Err(_) => false,
        }
    }

    /// Whether one of the values stands anywhere in this text, or in what it says once `%` is
    /// resolved.
    pub fn stand_in_text(&self, text: &str) -> bool {
        if self.stand_plainly_in(text) {
            return true;
        }
        text.contains('%') && self.stand_plainly_in(&percent_decode_str(text).decode_utf8_lossy())
    }

    fn stand_plainly_in(&self, text: &str) -> bool {
        let folded = scim::fold(text);
        let cut = folded.strip_suffix('…');
        self.all().any(|value| {
            let found = if value.chars().count() < DISTINCT_CHARS {
                is_word_in(value, &folded)
            } else {
                folded.contains(value)
            };
            found || cut.is_some_and(|text| ends_within(text, value))
        })
    }

    fn stand_in_value(&self, value: &Value) -> bool {
        match value {
            Value::Null | Value::Bool(_) | Value::Decimal(_) => false,
            Value::Integer(number) => self.stand_in_text(&number.to_string()),
            Value::String(text) => self.stand_in_text(text),
            Value::List(items) => items.iter().any(|item| self.stand_in_value(item)),
            Value::Complex(object) => object.iter().any(|(_, value)| self.stand_in_value(value)),
        }
    }
}

fn keep(values: &mut BTreeSet<Box<str>>, text: &str) {
    let text = text.trim();
    if text.chars().count() >= VALUE_CHARS_LEAST {
        values.insert(scim::fold(text).into());
    }
}

fn is_word_in(value: &str, text: &str) -> bool {
    text.match_indices(value).any(|(at, found)| {
        let before = text.get(..at).and_then(|before| before.chars().next_back());
        let after = text.get(at + found.len()..).and_then(|after| after.chars().next());
        is_edge(before, found.chars().next()) && is_edge(found.chars().next_back(), after)
    })
}

/// Whether a word ends between these two characters. Scripts without blanks have no such edges: a
/// name stands between other signs there.
fn is_edge(before: Option<char>, after: Option<char>) -> bool {
    let joins =
        |c: Option<char>| c.is_some_and(|c| c.is_numeric() || c.is_lowercase() || c.is_uppercase());
    !(joins(before) && joins(after))
}

/// Whether `text` ends with the beginning of `value`, so that the rest may have been cut off.
fn ends_within(text: &str, value: &str) -> bool {
    let ends = value.char_indices().map(|(at, _)| at).skip(WORD_CHARS_LEAST);
    ends.filter_map(|end| value.get(..end)).any(|beginning| text.ends_with(beginning))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn jane() -> PersonValues {
        let mut values = PersonValues::default();
        values.note("jane.doe@acme.example");
        values.note("Jane van der Doe");
        values.note("Lea");
        values.note("田中");
        values.note("Jürgen");
        values.note("badge-4711-x");
        values
    }

    #[test]
    fn a_reason_names_somebody_by_whole_words_in_any_case() {
        let jane = jane();
        for named in [
            "JANE asked for it",
            "for Doe's sake",
            "see (Jane.Doe@ACME.example)",
            "jane.doe",
            "田中さんの依頼",
            "jÜRGEN",
            "ju\u{308}rgen wrote",
        ] {
            assert!(jane.are_named_in(named), "{named}");
        }
        for clean in ["leaving the company", "a request der Person", "Art. 17 GDPR, case 4711", ""]
        {
            assert!(!jane.are_named_in(clean), "{clean}");
        }
    }

    /// Seen to catch a search that does not resolve `%`, one that reads JSON's bytes only, and one
    /// that overlooks what was cut.
    #[test]
    fn a_record_is_searched_as_it_is_meant() {
        let jane = jane();
        for record in [
            r#"{"path":"/x/jane.doe%40acme.example/y"}"#,
            r#"{"path":"/x/J%C3%BCrgen/y"}"#,
            r#"{"detail":"`J\u00dcRGEN` is taken"}"#,
            "no JSON, about badge-47…",
            r#"{"detail":"something about BADGE-4711…"}"#,
            "no JSON, but LEA",
        ] {
            assert!(jane.stand_in(record.as_bytes()), "{record}");
        }
        assert!(!jane.stand_in(br#"{"detail":"something about jon\u2026","path":"/Users"}"#));
    }
}
