//! The text of a policy: who it names. People write names, the log keeps ids, and who reads sees the names of the moment.
//!
//! A name in a stored policy would be a trap: somebody renamed would slip out of a `forbid`, whoever gets the name next
//! would step into a `permit`, and a person's name would stay in the log after their erasure. So `User::"jane@acme.com"`
//! and `Group::"Sales"` are turned into ids when a policy is written and back when it is shown. Names of roles never
//! change and are nobody's: they stay.

use std::ops::Range;
use std::str::FromStr;

use cedar_policy::{EntityId, EntityUid, Policy, PrincipalConstraint};
use domain::directory::Directory;
use domain::id::{GroupId, UserId};
use domain::visible::PUBLIC;

use crate::fault::{Fault, Place};
use crate::limits::FAULTS;

/// The kinds of principals that rollbook knows.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Kind {
    /// `User::"…"`.
    User,
    /// `Group::"…"`.
    Group,
    /// `Role::"…"`.
    Role,
}

impl Kind {
    /// The kind with this entity type's name.
    pub(crate) fn of(entity_type: &str) -> Option<Kind> {
        match entity_type {
            "User" => Some(Kind::User),
            "Group" => Some(Kind::Group),
            "Role" => Some(Kind::Role),
            _ => None,
        }
    }

    /// The entity type's name.
    pub fn name(self) -> &'static str {
        match self {
            Kind::User => "User",
            Kind::Group => "Group",
            Kind::Role => "Role",
        }
    }

    /// In the words of people, as in `user`.
    pub fn word(self) -> &'static str {
        match self {
            Kind::User => "user",
            Kind::Group => "group",
            Kind::Role => "role",
        }
    }
}

/// A user, group or role that a text names.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Mention {
    pub(crate) kind: Kind,
    /// What stands between the quotes, unescaped.
    pub(crate) id: String,
    /// Where the quoted string stands, in bytes, quotes included.
    quoted: Range<usize>,
    /// Where it begins, with its type.
    start: usize,
}

/// Turns the names in a policy that an operator wrote into ids. The text must be one that Cedar can read.
///
/// An id is kept as it is, whether somebody has it or not: so what was shown can be written again.
///
/// # Errors
/// Each name that nobody has, or several groups.
pub fn bind(name: &str, text: &str, directory: &Directory) -> Result<String, Vec<Fault>> {
    let mut faults = Vec::new();
    let bound = replaced(text, |mention| match id_of(mention.kind, &mention.id, directory) {
        Ok(id) => Some(id),
        Err(message) => {
            let place = Some(Place::of(text, mention.start));
            faults.push(Fault { policy: Some(name.to_owned()), message, help: None, place });
            None
        }
    });
    faults.truncate(FAULTS);
    if faults.is_empty() { Ok(bound) } else { Err(faults) }
}

/// A stored policy with the names of the moment. Whoever is gone is shown by id.
pub fn shown(text: &str, directory: &Directory) -> String {
    replaced(text, |mention| {
        let name = name_of(mention.kind, &mention.id, directory)?;
        // A name is shown only if it leads back here.
        let back = id_of(mention.kind, &name, directory);
        (back.as_deref() == Ok(&mention.id)).then_some(name)
    })
}

/// The id by which an entity of this kind is known in policies: a name's, or the id itself.
pub(crate) fn id_of(kind: Kind, name: &str, directory: &Directory) -> Result<String, String> {
    let nobody =
        || format!("there is no {} `{name}`: check the spelling, or create it first", kind.word());
    match kind {
        Kind::User if name.parse::<UserId>().is_ok() => Ok(name.to_owned()),
        Kind::User => {
            let key = scim::UserNameKey::of(name).map_err(|_| nobody())?;
            directory.users.named(&key).map(|user| user.id.to_string()).ok_or_else(nobody)
        }
        Kind::Group if name.parse::<GroupId>().is_ok() => Ok(name.to_owned()),
        Kind::Group if Directory::is_built_in(name) => Ok(PUBLIC.to_owned()),
        Kind::Group => {
            let mut groups = directory.groups.named(name);
            let group = groups.next().ok_or_else(nobody)?;
            match groups.next() {
                None => Ok(group.id.to_string()),
                Some(_) => Err(format!("several groups are called `{name}`: write an id")),
            }
        }
        Kind::Role => directory.roles.named(name).map(|role| role.name.clone()).ok_or_else(nobody),
    }
}

/// What somebody with this id is called, if they are there.
pub(crate) fn name_of(kind: Kind, id: &str, directory: &Directory) -> Option<String> {
    match kind {
        Kind::User => Some(directory.users.get(id.parse().ok()?)?.user_name.to_string()),
        Kind::Group if id == PUBLIC => Some(PUBLIC.to_owned()),
        Kind::Group => Some(directory.groups.get(id.parse().ok()?)?.display_name.to_string()),
        Kind::Role => directory.roles.named(id).map(|role| role.name.clone()),
    }
}

/// The text with other words between the quotes of each mention, where there are any.
fn replaced(text: &str, mut word: impl FnMut(&Mention) -> Option<String>) -> String {
    let mut written = String::with_capacity(text.len() + 64);
    let mut done = 0;
    for mention in mentions(text) {
        if let Some(new) = word(&mention).filter(|new| *new != mention.id) {
            written.push_str(text.get(done..mention.quoted.start).unwrap_or_default());
            written.push('"');
            written.push_str(&EntityId::new(new).escaped());
            written.push('"');
            done = mention.quoted.end;
        }
    }
    written.push_str(text.get(done..).unwrap_or_default());
    written
}

/// Every user, group and role that a text names, in order, in the scope and in conditions alike. Comments and strings name
/// nobody, and neither do types of the same name in a namespace.
pub(crate) fn mentions(text: &str) -> Vec<Mention> {
    let mut found = Vec::new();
    let tokens: Vec<Token> = tokens(text).collect();
    for (index, window) in tokens.windows(3).enumerate() {
        let [kind, path, quoted] = window else { continue };
        let before = index.checked_sub(1).and_then(|before| tokens.get(before));
        let in_namespace = before.is_some_and(|token| token.shape == Shape::Path);
        let (Shape::Word, Shape::Path, Shape::Quoted) = (kind.shape, path.shape, quoted.shape)
        else {
            continue;
        };
        let at = |token: &Token| text.get(token.span.clone()).unwrap_or_default();
        let Some(of) = Kind::of(at(kind)).filter(|_| !in_namespace) else { continue };
        let Some(id) = unescaped(at(quoted)) else { continue };
        found.push(Mention { kind: of, id, quoted: quoted.span.clone(), start: kind.span.start });
    }
    found
}

/// What Cedar understands by a quoted string, whatever is escaped in it.
fn unescaped(quoted: &str) -> Option<String> {
    let uid = format!("User::{quoted}");
    // The short way reads only strings that are written as Cedar would.
    let read = EntityUid::from_str(&uid).ok().or_else(|| {
        let text = format!("permit (principal == {uid}, action, resource);");
        match Policy::parse(None, text).ok()?.principal_constraint() {
            PrincipalConstraint::Eq(uid) => Some(uid),
            PrincipalConstraint::Any
            | PrincipalConstraint::In(_)
            | PrincipalConstraint::Is(_)
            | PrincipalConstraint::IsIn(..) => None,
        }
    })?;
    Some(read.id().unescaped().to_owned())
}

/// The words of a text: identifiers, and what stands in quotes, without them. Comments are left out.
pub(crate) fn words(text: &str) -> impl Iterator<Item = &str> {
    tokens(text).filter_map(|token| {
        let word = text.get(token.span)?;
        match token.shape {
            Shape::Word => Some(word),
            Shape::Quoted => Some(word.trim_matches('"')),
            Shape::Path | Shape::Other => None,
        }
    })
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Shape {
    Word,
    Path,
    Quoted,
    Other,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Token {
    pub(crate) shape: Shape,
    pub(crate) span: Range<usize>,
}

/// The tokens of a text, comments and blanks left out. Where the text is broken, so is what comes of it.
pub(crate) fn tokens(text: &str) -> impl Iterator<Item = Token> + '_ {
    let mut at = 0;
    std::iter::from_fn(move || {
        loop {
            let rest = text.get(at..)?;
            let first = rest.chars().next()?;
            let start = at;
            let (shape, length) = if rest.starts_with("//") {
                at += rest.find('\n').unwrap_or(rest.len());
                continue;
            } else if first.is_whitespace() {
                at += first.len_utf8();
                continue;
            } else if first == '"' {
                (Shape::Quoted, quoted_length(rest))
            } else if is_word(first) {
                (Shape::Word, rest.find(|c| !is_word(c)).unwrap_or(rest.len()))
            } else if rest.starts_with("::") {
                (Shape::Path, 2)
            } else {
                (Shape::Other, first.len_utf8())
            };
            at += length;
            return Some(Token { shape, span: start..at });
        }
    })
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// The bytes of the quoted string that `text` begins with.
fn quoted_length(text: &str) -> usize {
    let mut escaped = false;
    for (index, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return index + 1,
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<(Kind, String)> {
        mentions(text).into_iter().map(|mention| (mention.kind, mention.id)).collect()
    }

    #[test]
    fn whoever_is_named_is_found_wherever_it_stands() {
        let text = r#"
            // forbid User::"commented out"
            @note("User::\"quoted\"")
            permit (principal == User::"jane \"J\" d\u{f6}e", action, resource)
            when { principal in [Group :: "Sales", Role
                ::"Analyst"] || resource.owner == My::User::"other" };
        "#;
        let expected = [
            (Kind::User, "jane \"J\" döe".to_owned()),
            (Kind::Group, "Sales".to_owned()),
            (Kind::Role, "Analyst".to_owned()),
        ];
        assert_eq!(found(text), expected);
    }

    #[test]
    fn broken_texts_end() {
        for text in
            ["\"", "User::\"", "User::", "::", "User", "// User", "User::\"a\\", "/", "ü\"ü"]
        {
            let _ = found(text);
        }
    }

    #[test]
    fn only_what_stands_between_the_quotes_is_replaced() {
        let text = r#"permit(principal == User::"a", action, resource); // User::"a""#;
        let replaced = replaced(text, |mention| Some(format!("{}\"b", mention.id)));
        assert_eq!(
            replaced,
            r#"permit(principal == User::"a\"b", action, resource); // User::"a""#
        );
    }
}
