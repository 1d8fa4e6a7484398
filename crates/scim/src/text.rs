//! When two texts are the same (RFC 7644 §5, §7.8; RFC 8265).
//!
//! One rule per attribute, used for filters, sorting, uniqueness and PATCH alike. The prepared forms are for comparing only:
//! what a client sent is what it reads back.

use std::borrow::Cow;
use std::fmt;

use caseless::Caseless;
use precis_profiles::UsernameCaseMapped;
use precis_profiles::precis_core::profile::{Profile, Rules};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use unicode_normalization::{UnicodeNormalization, is_nfc};

use crate::error::{Invalid, quoted};
use crate::limits;

/// What makes two user names the same: RFC 8265 `UsernameCaseMapped`. Only [`UserNameKey::of`] makes one from a name.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UserNameKey(Box<str>);

impl UserNameKey {
    /// Prepares a user name as a client wrote it.
    ///
    /// # Errors
    /// 400 `invalidValue` for an empty name, a name beyond [`limits::USER_NAME_BYTES`], a code point that PRECIS disallows
    /// (spaces and controls among them), or one that breaks the bidi rule.
    pub fn of(name: &str) -> Result<Self, Invalid> {
        if name.is_empty() {
            return Err(Invalid::value("`userName` is empty"));
        }
        if name.len() > limits::USER_NAME_BYTES {
            let most = limits::USER_NAME_BYTES;
            return Err(Invalid::value(format!("`userName` is longer than {most} bytes")));
        }
        // The identifier class holds exactly the visible ASCII characters below U+0080, and ASCII is its own NFC.
        if name.bytes().all(|b| b.is_ascii_graphic()) {
            return Ok(Self(name.to_ascii_lowercase().into_boxed_str()));
        }
        match UsernameCaseMapped::new().enforce(name) {
            Ok(key) => Ok(Self(key.into_owned().into_boxed_str())),
            Err(_) => Err(Invalid::value(format!(
                "`userName` {} has a character that user names may not have (RFC 8265)",
                quoted(name)
            ))),
        }
    }

    /// The prepared text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for UserNameKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UserNameKey({:?})", &*self.0)
    }
}

impl fmt::Display for UserNameKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl AsRef<str> for UserNameKey {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl std::borrow::Borrow<str> for UserNameKey {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl Serialize for UserNameKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

/// Reads a key as it was written: an older Unicode version may have made it, so it isn't prepared again.
impl<'de> Deserialize<'de> for UserNameKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|key| Self(key.into_boxed_str()))
    }
}

/// The mapping steps of `UsernameCaseMapped` without its checks, so that parts of a name (`sw`, `co`) can be compared and no
/// filter fails. Equal to the key for every name that has one.
#[must_use]
pub fn fold_user_name(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        return fold(text);
    }
    let profile = UsernameCaseMapped::new();
    let folded = profile
        .width_mapping_rule(text)
        .and_then(|wide| profile.case_mapping_rule(wide))
        .and_then(|lower| profile.normalization_rule(lower));
    // The three steps are total for this profile; a text that failed one would be compared as it is.
    folded.unwrap_or(Cow::Borrowed(text))
}

/// The form in which texts of `caseExact: false` attributes are compared: full case folding and NFC (RFC 7644 §7.8).
#[must_use]
pub fn fold(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        return if text.bytes().any(|b| b.is_ascii_uppercase()) {
            Cow::Owned(text.to_ascii_lowercase())
        } else {
            Cow::Borrowed(text)
        };
    }
    // Decompose first: U+0345 and what contains it fold differently once decomposed (Unicode §3.13, D145).
    Cow::Owned(text.nfd().default_case_fold().nfc().collect())
}

/// The form in which texts of `caseExact: true` attributes are compared: NFC (RFC 7644 §7.8).
#[must_use]
pub fn nfc(text: &str) -> Cow<'_, str> {
    if text.is_ascii() || is_nfc(text) {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(text.nfc().collect())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::ScimType;

    fn key(name: &str) -> String {
        UserNameKey::of(name).unwrap().as_str().to_owned()
    }

    fn refused(name: &str) {
        assert_eq!(UserNameKey::of(name).unwrap_err().kind, ScimType::InvalidValue, "{name:?}");
    }

    /// Whoever brings another version of Unicode sees here that keys change, and that names may collide.
    #[test]
    fn r_7644_5_03_the_versions_of_unicode_are_known() {
        assert_eq!(unicode_normalization::UNICODE_VERSION, (18, 0, 0));
        assert_eq!(caseless::UNICODE_VERSION, (16, 0, 0));
    }

    #[test]
    fn r_7644_5_01_user_names_are_prepared() {
        assert_eq!(key("BJensen@Example.com"), "bjensen@example.com");
        assert_eq!(key("Ｊörg"), "jörg");
        assert_eq!(key("Jo\u{308}rg"), "jörg");
        assert_eq!(key("user+tag/%$#!"), "user+tag/%$#!");
        refused("");
        refused("two words");
        refused("tab\t");
        refused("nul\0");
        refused("ünder score");
        refused("ﬀ");
        refused(&"x".repeat(2000));
    }

    #[test]
    fn r_7644_7_8_01_other_texts_are_folded() {
        assert_eq!(fold("STRASSE"), fold("straße"));
        assert_eq!(fold("Σίσυφος"), fold("ΣΊΣΥΦΟΣ"));
        assert_eq!(fold("e\u{301}"), fold("É"));
        assert_eq!(nfc("e\u{301}"), "é");
        assert_ne!(nfc("É"), nfc("é"));
        assert!(matches!(fold("plain"), Cow::Borrowed(_)));
        assert!(matches!(nfc("é"), Cow::Borrowed(_)));
    }

    proptest! {
        #[test]
        fn the_ascii_fast_path_is_the_profile(name in "[ -~]{1,12}") {
            let slow = UsernameCaseMapped::new().enforce(name.as_str());
            prop_assert_eq!(
                UserNameKey::of(&name).ok().map(|k| k.as_str().to_owned()),
                slow.ok().map(Cow::into_owned)
            );
        }

        #[test]
        fn folding_user_names_agrees_with_their_keys(name in "\\PC{1,8}") {
            if let Ok(key) = UserNameKey::of(&name) {
                prop_assert_eq!(fold_user_name(&name), key.as_str());
            }
        }

        #[test]
        fn folding_twice_changes_nothing(text in "\\PC{0,12}") {
            let once = fold(&text).into_owned();
            prop_assert_eq!(fold(&once), once.as_str());
        }
    }
}
