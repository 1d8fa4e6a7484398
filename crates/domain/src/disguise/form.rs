//! Texts that have a form: mails, telephone numbers, addresses on the web, certificates, and what
//! the schemas suggest.

use scim::{Attribute, Kind};

use super::Disguise;
use super::permute::first_u64;

/// Digits that a telephone number has at least.
const PHONE_DIGITS: usize = 7;

impl Disguise<'_> {
    /// The text of an attribute, in the form that its values have.
    pub(super) fn formed(
        &self,
        text: &str,
        attribute: Option<&Attribute>,
        outer: Option<&Attribute>,
    ) -> String {
        let Some(attribute) = attribute else { return self.text(text) };
        let is_suggested = |known: &String| known.eq_ignore_ascii_case(text);
        if text.is_empty() || attribute.canonical_values.iter().any(is_suggested) {
            return text.to_owned();
        }
        match attribute.kind {
            Kind::DateTime | Kind::Boolean => text.to_owned(),
            Kind::Binary => self.certificate(text),
            Kind::Reference => self.reference(text),
            Kind::String | Kind::Integer | Kind::Decimal | Kind::Complex => {
                let place = match outer {
                    Some(outer) => format!("{}.{}", outer.name, attribute.name),
                    None => attribute.name.to_string(),
                };
                if scim::has_form(&place, text) == Some(true) {
                    return text.to_owned();
                }
                if place.eq_ignore_ascii_case("phoneNumbers.value") && !self.is_own(text) {
                    return self.phone(text);
                }
                self.text(text)
            }
        }
    }

    /// A mail address for a mail address, at a domain that is nobody's (RFC 2606).
    pub(super) fn mail(&self, text: &str) -> Option<String> {
        let (local, domain) = text.split_once('@')?;
        let is_mail = !local.is_empty()
            && !domain.is_empty()
            && !domain.contains('@')
            && !text.contains(char::is_whitespace)
            && !has_scheme(text);
        let folded = scim::fold(domain);
        let invented = format!("{}.example", self.word(&folded));
        let invented = self.cased(invented, domain, &folded);
        is_mail.then(|| format!("{}@{invented}", self.runs(local)))
    }

    /// A telephone number for a telephone number, under a country code that is nobody's (ITU-T E.164
    /// keeps 999 free).
    pub(super) fn phone(&self, text: &str) -> String {
        let (scheme, number) = match text.split_once(':') {
            Some((scheme, number)) if scheme.eq_ignore_ascii_case("tel") => ("tel:", number),
            Some(_) | None => ("", text),
        };
        let bits = first_u64((self.oracle)("phone", scim::fold(number).as_bytes()));
        format!("{scheme}+999{:012}", bits % 1_000_000_000_000)
    }

    /// An address for an address; one that leads to a user or group of the tenant still does.
    pub(super) fn reference(&self, text: &str) -> String {
        let (scheme, rest) = text.split_once(':').unwrap_or(("", text));
        if let Some((before, id)) = text.rsplit_once('/')
            && self.is_own(id)
        {
            let kind = before.rsplit('/').next().filter(|kind| ["Users", "Groups"].contains(kind));
            return format!("../{}/{id}", kind.unwrap_or("Users"));
        }
        match &*scheme.to_ascii_lowercase() {
            "mailto" => format!("mailto:{}", self.mail(rest).unwrap_or_else(|| self.runs(rest))),
            "tel" => self.phone(text),
            "urn" => format!("urn:example:{}", self.code(text)),
            "data" => format!("data:text/plain,{}", self.code(text)),
            _ => format!("https://{}.example/{}", self.word(&host(rest)), self.code(text)),
        }
    }

    /// What has a certificate's form (RFC 5280 §4.1) and certifies nothing, in base64.
    fn certificate(&self, text: &str) -> String {
        let signed = (self.oracle)("bytes", text.as_bytes());
        let der =
            [&[0x30, 0x29, 0x30, 0x22, 0x04, 0x20][..], &signed, &[0x30, 0, 3, 1, 0]].concat();
        base64(&der)
    }
}

/// Whether a text begins like a URI of a kind that is written without `//`.
pub(super) fn has_scheme(text: &str) -> bool {
    let known = ["mailto", "tel", "urn", "data"];
    text.split_once(':').is_some_and(|(scheme, _)| known.contains(&&*scheme.to_ascii_lowercase()))
}

/// Whether a text is a telephone number wherever it stands: with its country code.
pub(super) fn is_phone(text: &str) -> bool {
    let Some(number) = text.strip_prefix('+') else { return false };
    let signs = number.chars().all(|c| c.is_ascii_digit() || " -.()/".contains(c));
    signs && number.chars().filter(char::is_ascii_digit).count() >= PHONE_DIGITS
}

/// The host of what follows a scheme, folded.
fn host(rest: &str) -> String {
    let rest = rest.trim_start_matches('/');
    scim::fold(rest.split(['/', '?', '#']).next().unwrap_or_default()).into_owned()
}

fn base64(bytes: &[u8]) -> String {
    const SIGNS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let group =
            chunk.iter().chain(&[0, 0]).take(3).fold(0_usize, |all, b| all << 8 | usize::from(*b));
        for place in 0..4 {
            let sign = SIGNS.get(group >> (18 - 6 * place) & 63).copied().unwrap_or(b'=');
            text.push(if place <= chunk.len() { char::from(sign) } else { '=' });
        }
    }
    text
}
