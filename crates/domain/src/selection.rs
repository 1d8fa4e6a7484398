//! Which users and groups a connector brings in, and which it leaves out: lists of patterns (behaviour P-02).

use scim::{Invalid, Node};
use serde::{Deserialize, Serialize};

use crate::event::ConnectorSettings;
use crate::limits::{PATTERN_CHARS, PATTERNS};

/// Patterns for users and groups, in whatever case; `*` in one stands for any text, also for none.
///
/// A list of users says nothing of groups, nor the other way round.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Selection {
    /// Users by `userName`, as the connector writes it: `*@acme.example`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub user_names: Vec<String>,
    /// Users by what stands after the `@` of any of their mail addresses: `acme.example`, `*.acme.example`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub email_domains: Vec<String>,
    /// Groups by `displayName`: `Sales*`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<String>,
}

impl Selection {
    /// Whether it names nobody and nothing.
    pub fn is_empty(&self) -> bool {
        self.lists().iter().all(|(_, list)| list.is_empty())
    }

    /// That there are not too many patterns, and none is empty or too long.
    ///
    /// # Errors
    /// 400 that names the list and the pattern.
    pub fn check(&self, of: &str) -> Result<(), Invalid> {
        for (name, list) in self.lists() {
            if list.len() > PATTERNS {
                let detail = format!("`{of}.{name}` has more than {PATTERNS} patterns");
                return Err(Invalid::value(detail));
            }
            let unfit = |text: &&String| {
                text.trim() != **text
                    || text.is_empty()
                    || text.chars().count() > PATTERN_CHARS
                    || text.chars().any(char::is_control)
            };
            if let Some(bad) = list.iter().find(unfit) {
                let detail = format!(
                    "`{bad}` in `{of}.{name}` is no pattern: use 1 to {PATTERN_CHARS} characters without blanks around; `*` stands for any text"
                );
                return Err(Invalid::value(detail));
            }
        }
        if let Some(bad) = self.email_domains.iter().find(|domain| domain.contains('@')) {
            let detail = format!(
                "`{bad}` in `{of}.emailDomains` is no domain: write what stands after the `@`, as in `acme.example`"
            );
            return Err(Invalid::value(detail));
        }
        Ok(())
    }

    /// Every text in it, with the list that it stands in.
    pub fn lists(&self) -> [(&'static str, &[String]); 3] {
        [
            ("userNames", &self.user_names),
            ("emailDomains", &self.email_domains),
            ("groups", &self.groups),
        ]
    }

    fn is_about_users(&self) -> bool {
        !self.user_names.is_empty() || !self.email_domains.is_empty()
    }

    fn names_user(&self, user_name: &str, emails: Option<Node<'_>>) -> bool {
        if any_fits(&self.user_names, user_name) {
            return true;
        }
        let emails = emails.and_then(Node::as_list).filter(|_| !self.email_domains.is_empty());
        emails.is_some_and(|emails| {
            emails.iter().any(|email| {
                let value = email.as_complex().and_then(|email| email.get("value"));
                let domain = value.and_then(Node::as_str).and_then(|text| text.rsplit_once('@'));
                domain.is_some_and(|(_, domain)| any_fits(&self.email_domains, domain))
            })
        })
    }
}

impl ConnectorSettings {
    /// Whether there are lists at all: without, everybody and everything is let in.
    pub fn selects(&self) -> bool {
        !self.include.is_empty() || !self.exclude.is_empty()
    }

    /// Whether a user of this name, with this value of `emails`, is let in: included, or nobody is
    /// listed there, and not excluded.
    pub fn lets_in_user(&self, user_name: &str, emails: Option<Node<'_>>) -> bool {
        (!self.include.is_about_users() || self.include.names_user(user_name, emails))
            && !self.exclude.names_user(user_name, emails)
    }

    /// Whether a group of this name is let in.
    pub fn lets_in_group(&self, name: &str) -> bool {
        (self.include.groups.is_empty() || any_fits(&self.include.groups, name))
            && !any_fits(&self.exclude.groups, name)
    }
}

fn any_fits(patterns: &[String], text: &str) -> bool {
    !patterns.is_empty() && {
        let text = scim::fold(text);
        patterns.iter().any(|pattern| fits(scim::fold(pattern).as_bytes(), text.as_bytes()))
    }
}

/// Whether a text is what a pattern says: both folded. Goes back to the last `*` at most.
fn fits(pattern: &[u8], text: &[u8]) -> bool {
    let (mut p, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(byte) if text.get(t) == Some(byte) => {
                p += 1;
                t += 1;
            }
            Some(_) | None => match star {
                Some((at, from)) => {
                    star = Some((at, from + 1));
                    p = at + 1;
                    t = from + 1;
                }
                None => return false,
            },
        }
    }
    pattern.get(p..).is_some_and(|rest| rest.iter().all(|byte| *byte == b'*'))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use scim::{Mode, Value};

    use super::*;

    fn settings(include: Selection, exclude: Selection) -> ConnectorSettings {
        ConnectorSettings { include, exclude, ..ConnectorSettings::new("okta", Mode::Lenient) }
    }

    fn list(patterns: &[&str]) -> Vec<String> {
        patterns.iter().map(|&pattern| pattern.to_owned()).collect()
    }

    #[test]
    fn a_star_is_any_text() {
        for (pattern, text, expected) in [
            ("*", "", true),
            ("a*", "A", true),
            ("*@acme.example", "Jane@ACME.example", true),
            ("*@acme.example", "jane@acme.example.org", false),
            ("a*b*c", "aXbYbc", true),
            ("a*b*c", "aXbYb", false),
            ("STRASSE", "straße", true),
            ("", "", true),
        ] {
            assert_eq!(any_fits(&list(&[pattern]), text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn who_is_included_and_not_excluded_is_let_in() {
        let include = Selection { email_domains: list(&["acme.example"]), ..Selection::default() };
        let exclude = Selection { user_names: list(&["svc-*"]), ..Selection::default() };
        let both = settings(include, exclude);
        let emails = Value::parse(br#"[{"value":"x@other.example"},{"value":"j@acme.example"}]"#);
        let emails = emails.unwrap();
        assert!(both.lets_in_user("jane", Node::of(&emails)));
        assert!(!both.lets_in_user("SVC-backup", Node::of(&emails)));
        assert!(!both.lets_in_user("jane", None));
        assert!(both.lets_in_group("whatever"), "lists of users say nothing of groups");
    }

    #[test]
    fn a_pattern_that_says_nothing_is_refused() {
        for bad in ["", " x", "x\n", &"x".repeat(PATTERN_CHARS + 1)] {
            let selection = Selection { groups: list(&[bad]), ..Selection::default() };
            assert!(selection.check("include").is_err(), "{bad:?}");
        }
        let at = Selection { email_domains: list(&["@acme.example"]), ..Selection::default() };
        assert!(at.check("include").is_err());
    }

    proptest! {
        /// Against the plainest way to say it.
        #[test]
        fn matching_agrees_with_a_plain_one(pattern in "[ab*]{0,8}", text in "[ab]{0,10}") {
            fn plain(pattern: &[u8], text: &[u8]) -> bool {
                match (pattern, text) {
                    ([], text) => text.is_empty(),
                    ([b'*', rest @ ..], text) => {
                        (0..=text.len()).any(|from| plain(rest, &text[from..]))
                    }
                    ([p, rest @ ..], [t, text @ ..]) => p == t && plain(rest, text),
                    (_, []) => false,
                }
            }
            prop_assert_eq!(
                fits(pattern.as_bytes(), text.as_bytes()),
                plain(pattern.as_bytes(), text.as_bytes())
            );
        }
    }
}
