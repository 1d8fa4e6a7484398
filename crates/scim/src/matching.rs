//! How the values of an attribute compare: one rule for filters, sorting, doubles and PATCH (RFC 7643 §7).

use std::borrow::Cow;
use std::cmp::Ordering;

use crate::moment::Moment;
use crate::node::Node;
use crate::schema::{Attribute, Kind};
use crate::text;

/// The rule of an attribute.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Matching {
    /// RFC 8265 `UsernameCaseMapped`.
    UserName,
    /// Folded text.
    Folded,
    /// Text as it is, but for NFC.
    Exact,
    /// The address of a resource: relative and absolute ones are the same (RFC 7643 §2.3.7).
    Address,
    /// Base64, with or without padding.
    Bytes,
    /// Instants.
    Moment,
    /// `true` and `false`.
    Flag,
    /// Numbers.
    Number,
    /// Objects, which don't compare.
    Object,
}

/// Where a part is looked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Place {
    Anywhere,
    Start,
    End,
}

/// The one attribute whose rule is not told by its characteristics (RFC 7644 §5).
const USER_NAME: &str = "userName";

impl Matching {
    pub(crate) fn of(attribute: &Attribute) -> Self {
        match attribute.kind {
            Kind::String if attribute.name == USER_NAME => Self::UserName,
            Kind::String if attribute.case_exact => Self::Exact,
            Kind::String => Self::Folded,
            Kind::Boolean => Self::Flag,
            Kind::Integer | Kind::Decimal => Self::Number,
            Kind::DateTime => Self::Moment,
            Kind::Binary => Self::Bytes,
            Kind::Reference if points_to_resources(attribute) => Self::Address,
            Kind::Reference => Self::Exact,
            Kind::Complex => Self::Object,
        }
    }

    /// The form in which a text is compared.
    pub(crate) fn prepare(self, text: &str) -> Cow<'_, str> {
        match self {
            Self::UserName => text::fold_user_name(text),
            Self::Folded => text::fold(text),
            Self::Address => text::nfc(resource_part(text)),
            Self::Bytes => Cow::Borrowed(text.trim_end_matches('=')),
            Self::Exact | Self::Moment | Self::Flag | Self::Number | Self::Object => {
                text::nfc(text)
            }
        }
    }

    /// The form in which parts of a text are looked for. An address is taken whole there.
    pub(crate) fn prepare_part(self, text: &str) -> Cow<'_, str> {
        if self == Self::Address { text::nfc(text) } else { self.prepare(text) }
    }

    /// Whether a value's text equals a prepared one.
    pub(crate) fn equals(self, value: &str, prepared: &str) -> bool {
        if matches!(self, Self::Folded | Self::UserName) && value.is_ascii() {
            return value.eq_ignore_ascii_case(prepared);
        }
        self.prepare(value) == prepared
    }

    /// Whether a prepared part is in a value's text, at its start or its end: as in the prepared text, without making it where
    /// letters are all that is to be made the same.
    pub(crate) fn has_part(self, value: &str, place: Place, part: &str) -> bool {
        if matches!(self, Self::Folded | Self::UserName) && value.is_ascii() {
            let (value, part) = (value.as_bytes(), part.as_bytes());
            let same = |there: Option<&[u8]>| there.is_some_and(|it| it.eq_ignore_ascii_case(part));
            return match place {
                Place::Anywhere if part.is_empty() => true,
                Place::Anywhere => value.windows(part.len()).any(|there| same(Some(there))),
                Place::Start => same(value.get(..part.len())),
                Place::End => {
                    same(value.len().checked_sub(part.len()).and_then(|at| value.get(at..)))
                }
            };
        }
        let value = self.prepare_part(value);
        match place {
            Place::Anywhere => value.contains(part),
            Place::Start => value.starts_with(part),
            Place::End => value.ends_with(part),
        }
    }

    /// What a value sorts and compares by; nothing for objects and lists, and for what doesn't fit the rule.
    pub(crate) fn key(self, node: Node<'_>) -> Option<Key> {
        Some(match (self, node) {
            (Self::Moment, Node::String(text)) => match Moment::parse(text) {
                Some(moment) => Key::Moment(moment),
                None => Key::Text(text.into()),
            },
            (_, Node::String(text)) => Key::Text(self.prepare(text).into()),
            (_, Node::Bool(flag)) => Key::Flag(flag),
            (_, Node::Integer(number)) => Key::Number(Number::Whole(number)),
            (_, Node::Decimal(number)) => Key::Number(Number::Decimal(number)),
            (_, Node::List(_) | Node::Complex(_)) => return None,
        })
    }
}

fn points_to_resources(attribute: &Attribute) -> bool {
    attribute.reference_types.iter().any(|kind| kind != "external" && kind != "uri")
}

/// The last two segments of an address, `Users/42`: where a resource is under whatever base address.
fn resource_part(address: &str) -> &str {
    let trimmed = address.trim_end_matches('/');
    let mut slashes = trimmed.rmatch_indices('/').map(|(at, _)| at);
    match slashes.nth(1).and_then(|at| trimmed.get(at + 1..)) {
        Some(part) => part,
        None => trimmed.trim_start_matches('/'),
    }
}

/// What a value of an attribute is compared by: equal for two values exactly when a filter with `eq` finds one by the other.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct ValueKey(Key);

impl Attribute {
    /// What a value of this attribute is compared by; nothing for objects and lists.
    #[must_use]
    pub fn key(&self, value: Node<'_>) -> Option<ValueKey> {
        Matching::of(self).key(value).map(ValueKey)
    }
}

/// A value made ready to be compared with others of its attribute.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Key {
    Flag(bool),
    Number(Number),
    Moment(Moment),
    Text(Box<str>),
}

/// A number that has an order.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Number {
    Whole(i64),
    Decimal(f64),
}

impl PartialEq for Number {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Number {}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Number {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Whole(a), Self::Whole(b)) => a.cmp(b),
            (Self::Decimal(a), Self::Decimal(b)) => decimals(*a, *b),
            (Self::Whole(a), Self::Decimal(b)) => whole_and_decimal(*a, *b),
            (Self::Decimal(a), Self::Whole(b)) => whole_and_decimal(*b, *a).reverse(),
        }
    }
}

/// Finite numbers in their order; the two zeros are one.
fn decimals(a: f64, b: f64) -> Ordering {
    a.partial_cmp(&b).unwrap_or_else(|| a.total_cmp(&b))
}

/// Exact, where turning the whole number into a decimal would lose digits.
fn whole_and_decimal(whole: i64, decimal: f64) -> Ordering {
    #[expect(clippy::cast_precision_loss, reason = "two to the 63rd is a double")]
    let beyond = i64::MAX as f64;
    if decimal >= beyond {
        return Ordering::Less;
    }
    if decimal < -beyond {
        return Ordering::Greater;
    }
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the range was checked, and the fraction is looked at below"
    )]
    let floor = decimal.floor() as i64;
    whole.cmp(&floor).then(if decimal.fract() == 0.0 { Ordering::Equal } else { Ordering::Less })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Seen to catch: an end that is looked for at the start, and case that counts.
    #[test]
    fn a_part_is_found_as_in_the_prepared_text() {
        let texts = ["", "a", "Abc", "xABCx", "ABc", "ünïABC", "ſ", "straße", "a b c", "ABCABD"];
        for matching in [Matching::Folded, Matching::UserName, Matching::Exact] {
            for (text, part) in texts.iter().flat_map(|text| texts.iter().map(move |p| (text, p))) {
                let (prepared, part) = (matching.prepare_part(text), matching.prepare_part(part));
                let has = |place| matching.has_part(text, place, &part);
                let told = format!("{matching:?}: `{part}` in `{text}`");
                assert_eq!(has(Place::Anywhere), prepared.contains(&*part), "{told}");
                assert_eq!(has(Place::Start), prepared.starts_with(&*part), "{told}, at its start");
                assert_eq!(has(Place::End), prepared.ends_with(&*part), "{told}, at its end");
            }
        }
    }

    #[test]
    fn r_7643_2_3_7_01_addresses_are_the_same_under_any_base() {
        for address in
            ["Users/42", "/Users/42", "../Users/42", "https://h/v2/Users/42", "https://h/Users/42/"]
        {
            assert_eq!(Matching::Address.prepare(address), "Users/42", "{address}");
        }
        assert_eq!(Matching::Address.prepare("42"), "42");
    }

    #[test]
    fn numbers_compare_exactly() {
        let order = [
            Number::Decimal(-1e300),
            Number::Whole(i64::MIN),
            Number::Whole(-2),
            Number::Decimal(-1.5),
            Number::Whole(-1),
            Number::Decimal(0.5),
            Number::Whole(9_007_199_254_740_993),
            Number::Whole(i64::MAX),
            Number::Decimal(9_223_372_036_854_775_808.0),
        ];
        for (at, a) in order.iter().enumerate() {
            for (bt, b) in order.iter().enumerate() {
                assert_eq!(a.cmp(b), at.cmp(&bt), "{a:?} {b:?}");
            }
        }
        assert_eq!(Number::Whole(2), Number::Decimal(2.0));
    }
}
