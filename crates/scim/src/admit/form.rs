//! Texts that have a form of their own beyond their type (RFC 7643 §4.1): countries, languages, time zones, certificates.
//!
//! Only the form is looked at: no list of languages or zones is kept, because such a list is old the day it is released.

use super::country;
use super::value::{Place, decoded};
use crate::schema::{Attribute, Kind};

/// How much a form binds.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// RFC 7643 says it must be so.
    Must,
    /// RFC 7643 says it should be so, or refers to another standard.
    Should,
}

impl Form {
    /// The form that a text of an attribute has not, and what it is called.
    pub(super) fn missed(
        place: Place<'_>,
        attribute: &Attribute,
        text: &str,
    ) -> Option<(Self, &'static str)> {
        if attribute.kind == Kind::Reference {
            return (!is_uri_text(text)).then_some((Self::Must, "URI"));
        }
        if !matches!(attribute.kind, Kind::String | Kind::Binary) || text.is_empty() {
            // An empty text is a value that says nothing, and so has no form (RFC 7643 §2.5).
            return None;
        }
        let rule = RULES.iter().find(|rule| place.is(rule.path))?;
        (!(rule.has)(text)).then_some((rule.form, rule.due))
    }
}

/// Whether a text has the form that RFC 7643 wants at this path of a user, as in `addresses.country`; none: it wants none.
#[must_use]
pub fn has_form(path: &str, text: &str) -> Option<bool> {
    let rule = RULES.iter().find(|rule| rule.path.eq_ignore_ascii_case(path))?;
    Some((rule.has)(text))
}

/// The form of one attribute's texts.
struct Rule {
    path: &'static str,
    form: Form,
    has: fn(&str) -> bool,
    due: &'static str,
}

const RULES: [Rule; 5] = [
    Rule {
        path: "addresses.country",
        form: Form::Must,
        has: country::is_code,
        due: "country code of ISO 3166-1, such as `US`",
    },
    Rule {
        path: "locale",
        form: Form::Should,
        has: is_language_tag,
        due: "language tag of BCP 47, such as `en-US`",
    },
    Rule {
        path: "timezone",
        form: Form::Should,
        has: is_zone,
        due: "name of a time zone, such as `Europe/Berlin`",
    },
    Rule {
        path: "preferredLanguage",
        form: Form::Should,
        has: is_language_list,
        due: "list of languages, such as `en-GB, de;q=0.5`",
    },
    Rule {
        path: "x509Certificates.value",
        form: Form::Must,
        has: is_certificate,
        due: "single certificate, its DER in base64",
    },
];

/// Whether a text has only characters that a URI may have, or non-ASCII ones that an IRI may (RFC 3986 §2, RFC 3987).
fn is_uri_text(text: &str) -> bool {
    !text.is_empty()
        && text.chars().all(|c| !c.is_control() && !c.is_whitespace() && !"\"<>\\^`{|}".contains(c))
}

/// Whether a text is a language tag (RFC 5646 §2.1): a language, then its script, region and variants, each if there is one, then
/// extensions. `_` is taken for `-`, as many systems write it (R-7643-4.1.1-04).
fn is_language_tag(text: &str) -> bool {
    let parts: Vec<&str> = text.split(['-', '_']).collect();
    let is_part = |part: &&str| {
        (1..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric())
    };
    if !parts.iter().all(is_part) {
        return false;
    }
    let letters = |part: &str| part.bytes().all(|byte| byte.is_ascii_alphabetic());
    let Some((language, rest)) = parts.split_first() else { return false };
    if matches!(*language, "x" | "X" | "i" | "I") {
        return !rest.is_empty();
    }
    if !letters(language) || language.len() < 2 {
        return false;
    }
    // What may follow, in this order; each part is the first of them that it can be.
    let mut rest = rest;
    let mut take = |most: usize, fits: &dyn Fn(&str) -> bool| {
        let count = rest.iter().take(most).take_while(|part| fits(part)).count();
        rest = rest.get(count..).unwrap_or_default();
    };
    if language.len() <= 3 {
        take(3, &|part| part.len() == 3 && letters(part));
    }
    take(1, &|part| part.len() == 4 && letters(part));
    take(1, &|part| {
        (part.len() == 2 && letters(part))
            || (part.len() == 3 && part.bytes().all(|byte| byte.is_ascii_digit()))
    });
    take(usize::MAX, &|part| {
        part.len() >= 5
            || (part.len() == 4 && part.bytes().next().is_some_and(|byte| byte.is_ascii_digit()))
    });
    // Extensions: one letter or digit, then at least one longer part.
    let mut is_open = false;
    let mut is_private = false;
    let mut is_first = true;
    for part in rest {
        if part.len() == 1 && !is_private {
            if is_open {
                return false;
            }
            (is_open, is_private) = (true, part.eq_ignore_ascii_case("x"));
        } else if is_first {
            return false;
        } else {
            is_open = false;
        }
        is_first = false;
    }
    !is_open
}

/// Whether a text is a list as in the header `Accept-Language` (RFC 9110 §12.5.4), as RFC 7643 §4.1.1 wants it.
fn is_language_list(text: &str) -> bool {
    text.split(',').all(|item| {
        let (range, weight) = match item.split_once(';') {
            Some((range, weight)) => (range.trim(), Some(weight.trim())),
            None => (item.trim(), None),
        };
        (range == "*" || is_language_tag(range)) && weight.is_none_or(is_weight)
    })
}

/// `q=` and a number from 0 to 1 with three digits after the dot at most (RFC 9110 §12.4.2).
fn is_weight(text: &str) -> bool {
    let Some(number) = text.strip_prefix("q=").or_else(|| text.strip_prefix("Q=")) else {
        return false;
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let fits = |digits: &str, allowed: &str| digits.chars().all(|digit| allowed.contains(digit));
    fraction.len() <= 3
        && match whole {
            "0" => fits(fraction, "0123456789"),
            "1" => fits(fraction, "0"),
            _ => false,
        }
}

/// The first part of every name in the time zone database that has more than one.
const AREAS: &str = "Africa America Antarctica Arctic Asia Atlantic Australia Brazil Canada Chile Etc Europe Indian Mexico Pacific US ";
/// The names that have one part only.
const ZONES: &str = "CET CST6CDT Cuba EET EST EST5EDT Egypt Eire GB GB-Eire GMT GMT+0 GMT-0 GMT0 Greenwich HST Hongkong Iceland \
     Iran Israel Jamaica Japan Kwajalein Libya MET MST MST7MDT NZ NZ-CHAT Navajo PRC PST8PDT Poland Portugal ROC ROK Singapore \
     Turkey UCT UTC Universal W-SU WET Zulu ";

/// Whether a text is named like a zone of the IANA time zone database (RFC 6557), such as `America/Argentina/Ushuaia`.
fn is_zone(text: &str) -> bool {
    let is_among = |names: &str, name: &str| names.split(' ').any(|known| known == name);
    let is_place = |part: &str| {
        part.bytes().next().is_some_and(|first| first.is_ascii_alphabetic())
            && part
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'+'))
    };
    match text.split_once('/') {
        None => !text.is_empty() && is_among(ZONES, text),
        Some((area, places)) => {
            !area.is_empty()
                && is_among(AREAS, area)
                && places.split('/').count() <= 2
                && places.split('/').all(is_place)
        }
    }
}

/// Whether a text is the base64 of exactly one X.509 certificate in DER (R-7643-4.1.2-04): a sequence of what is signed, the
/// algorithm, and the signature (RFC 5280 §4.1), with nothing after it. What is signed is not looked into.
fn is_certificate(text: &str) -> bool {
    const SEQUENCE: u8 = 0x30;
    const BIT_STRING: u8 = 0x03;
    let whole = decoded(text);
    let parts = || {
        let (inside, after) = element(whole.as_deref()?, SEQUENCE)?;
        let (signed, rest) = element(inside, SEQUENCE)?;
        let (_, rest) = element(rest, SEQUENCE)?;
        let (signature, end) = element(rest, BIT_STRING)?;
        Some(after.is_empty() && end.is_empty() && !signed.is_empty() && !signature.is_empty())
    };
    parts().unwrap_or(false)
}

/// The content of the DER element with this tag at the start of `bytes`, and what follows it (X.690 §8.1, §10.1).
fn element(bytes: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (first, rest) = bytes.split_first()?;
    let (length, rest) = rest.split_first()?;
    let (length, rest) = if *length < 0x80 {
        (usize::from(*length), rest)
    } else {
        let count = usize::from(*length & 0x7f);
        let digits = rest.get(..count)?;
        // The shortest form only, and no more than the memory of anyone holds.
        let is_shortest = digits.first().is_some_and(|digit| *digit != 0) && count <= 4;
        let length =
            digits.iter().fold(0_usize, |sum, digit| sum.wrapping_shl(8) | usize::from(*digit));
        (if is_shortest && length >= 0x80 { length } else { return None }, rest.get(count..)?)
    };
    (*first == tag).then_some(())?;
    rest.split_at_checked(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(has: fn(&str) -> bool, yes: &[&str], no: &[&str]) {
        for text in yes {
            assert!(has(text), "{text}");
        }
        for text in no {
            assert!(!has(text), "{text}");
        }
    }

    #[test]
    fn r_7643_4_1_1_04_language_tags() {
        check(
            is_language_tag,
            &[
                "en",
                "en-US",
                "en_US",
                "EN-us",
                "zh-Hant-TW",
                "zh-cmn-Hans-CN",
                "sl-rozaj-biske",
                "de-CH-1996",
                "es-419",
                "de-DE-u-co-phonebk",
                "x-whatever",
                "i-klingon",
                "en-x-a-b",
                "en-a-bbb-x-a",
                "mas",
            ],
            &[
                "",
                "e",
                "RJ…",
                "english language",
                "en-",
                "-en",
                "en--US",
                "en-US-US",
                "1a",
                "x",
                "en-a",
                "en-a-x",
                "en-abc-de-fghi",
                "123",
                "en-US-Latn",
                "abcdefghi",
            ],
        );
    }

    #[test]
    fn r_7643_4_1_1_04_lists_of_languages() {
        check(
            is_language_list,
            &["da, en-gb;q=0.8, en;q=0.7", "en", "*", "de;q=1.000,*;q=0", "en_US"],
            &["", "en;q=2", "en;q=0.1234", "en;q=1.1", "en;level=1", "en,,de", "not a language"],
        );
    }

    #[test]
    fn r_7643_4_1_1_04_time_zones() {
        check(
            is_zone,
            &[
                "America/Los_Angeles",
                "Europe/Berlin",
                "America/Argentina/Ushuaia",
                "UTC",
                "Etc/GMT+5",
                "GMT",
            ],
            &[
                "",
                "Berlin",
                "Europe/",
                "Europe",
                "PST",
                "+01:00",
                "America/A/B/C",
                "Mars/Olympus",
                "europe/berlin",
                " ",
            ],
        );
    }

    #[test]
    fn r_7643_4_1_2_04_exactly_one_certificate() {
        let base64 = |bytes: &[u8]| data_encoding::BASE64.encode(bytes);
        let one = [0x30, 0x0b, 0x30, 0x02, 0x02, 0x00, 0x30, 0x00, 0x03, 0x03, 0x00, 0x01, 0x02];
        assert!(is_certificate(&base64(&one)));
        assert!(is_certificate(data_encoding::BASE64URL_NOPAD.encode(&one).as_str()));
        let two = [one, one].concat();
        let short = one.split_last().unwrap().1;
        let mut other = one;
        other[8] = 0x04;
        for bad in [
            two.as_slice(),
            short,
            other.as_slice(),
            &[],
            &[0x30],
            &[0x30, 0x00],
            &[0x30, 0x81, 0x00],
        ] {
            assert!(!is_certificate(&base64(bad)), "{bad:?}");
        }
        // A long length in its shortest form, and in one that DER doesn't have.
        let long = |length: &[u8]| {
            let inside =
                [&[0x30, 0x81, 0xf0][..], &[0; 0xf0], &[0x30, 0x00, 0x03, 0x01, 0x00]].concat();
            base64(&[&[0x30][..], length, &inside].concat())
        };
        assert!(is_certificate(&long(&[0x81, 0xf8])));
        assert!(!is_certificate(&long(&[0x82, 0x00, 0xf8])));
        assert!(!is_certificate("*"));
    }
}
