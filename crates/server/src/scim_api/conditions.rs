//! `If-Match` and `If-None-Match` (RFC 7644 §3.14): versions are positions.

use axum::http::{HeaderMap, HeaderName, header};
use domain::command::Expected;
use domain::position::Position;

/// The versions that a write may meet: those that `If-Match` names, else any but those that
/// `If-None-Match` names (RFC 9110 §13.2.2). Weak tags match by what they say (R-7644-3.14-03). A tag
/// that no version of ours has stands for none.
pub(crate) fn expected(headers: &HeaderMap) -> Expected {
    match (tags(headers, &header::IF_MATCH), tags(headers, &header::IF_NONE_MATCH)) {
        (Some(Tags::Of(versions)), _) => Expected::OneOf(versions),
        (None | Some(Tags::Any), None) => Expected::Any,
        (None | Some(Tags::Any), Some(Tags::Of(versions))) => Expected::NoneOf(versions),
        (None | Some(Tags::Any), Some(Tags::Any)) => Expected::Absent,
    }
}

/// The versions that the text of an `If-Match` names, as an operation of a bulk job says it.
pub(super) fn expected_of(text: &str) -> Expected {
    let mut versions = Vec::new();
    if read(text, &mut versions) { Expected::Any } else { Expected::OneOf(versions) }
}

/// Whether `If-None-Match` names this version.
pub(super) fn is_known(headers: &HeaderMap, version: Position) -> bool {
    match tags(headers, &header::IF_NONE_MATCH) {
        None => false,
        Some(Tags::Any) => true,
        Some(Tags::Of(versions)) => versions.contains(&version),
    }
}

enum Tags {
    Any,
    Of(Vec<Position>),
}

fn tags(headers: &HeaderMap, name: &HeaderName) -> Option<Tags> {
    let mut versions = Vec::new();
    let mut present = false;
    for value in headers.get_all(name) {
        present = true;
        if read(value.to_str().unwrap_or_default(), &mut versions) {
            return Some(Tags::Any);
        }
    }
    present.then_some(Tags::Of(versions))
}

/// Reads a list of tags. True: any version will do.
fn read(text: &str, versions: &mut Vec<Position>) -> bool {
    for tag in text.split(',').map(str::trim) {
        if tag == "*" {
            return true;
        }
        let tag = tag.strip_prefix("W/").unwrap_or(tag);
        let inner = tag.strip_prefix('"').and_then(|tag| tag.strip_suffix('"'));
        versions.extend(inner.and_then(|inner| inner.parse::<Position>().ok()));
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_compared_by_what_they_say() {
        let check = |value: &str, expected_: Expected| {
            let headers = HeaderMap::from_iter([(header::IF_MATCH, value.parse().unwrap())]);
            assert_eq!(expected(&headers), expected_, "{value}");
            assert_eq!(expected_of(value), expected_, "{value}");
        };
        let versions = |numbers: &[u64]| {
            Expected::OneOf(numbers.iter().filter_map(|n| Position::new(*n)).collect())
        };
        check("*", Expected::Any);
        check("W/\"3\"", versions(&[3]));
        check("\"3\", W/\"4\"", versions(&[3, 4]));
        check("\"not one of ours\"", versions(&[]));
        assert_eq!(expected(&HeaderMap::new()), Expected::Any);
        let none = |value: &str| {
            expected(&HeaderMap::from_iter([(header::IF_NONE_MATCH, value.parse().unwrap())]))
        };
        assert_eq!(none("*"), Expected::Absent);
        let Expected::OneOf(third) = versions(&[3]) else { unreachable!() };
        assert_eq!(none("W/\"3\""), Expected::NoneOf(third));
    }
}
