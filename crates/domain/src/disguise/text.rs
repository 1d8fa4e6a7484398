//! Words, numbers and codes, whatever attribute they stand in.

use super::Disguise;
use super::permute::{first_u64, permute};

/// What syllables begin and end with.
const CONSONANTS: &[u8; 16] = b"bdfghklmnprstvwz";
const VOWELS: &[u8; 5] = b"aeiou";
/// Syllables there are.
const SYLLABLES: u64 = 16 * 5;
/// Syllables of the short form, and letters of English up to which a word gets it: there are as many
/// short forms (80^6) as need be for each such word (27^5) to have its own.
const SHORT_SYLLABLES: u32 = 6;
const SHORT_LETTERS: usize = 5;
/// The same of the long form: 80^8 and 27^10. What is longer still, or no English, is hashed into these:
/// two of 100,000 words meet in three copies of a million.
const LONG_SYLLABLES: u32 = 8;
const LONG_LETTERS: usize = 10;
/// Characters of a code, and how many of them are letters: 69 bits.
const CODE_CHARS: usize = 16;
const CODE_LETTERS: usize = 12;
/// Digits that are permuted as one number.
const NUMBER_DIGITS: usize = 18;

/// How the letters of a word are written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Case {
    Lower,
    Capital,
    Upper,
    /// Some other way, which the exact text decides.
    Mixed,
}

impl Disguise<'_> {
    /// A user's name. Names that are one to the protocol (RFC 8265) stay one.
    pub(super) fn user_name(&self, name: &str) -> String {
        if name.is_ascii() {
            return self.text(name);
        }
        let folded = scim::fold_user_name(name);
        // A name such as one with a sharp s is another to this rule than to that of other texts.
        let disguised = match scim::fold(&folded) == folded {
            true => self.text(&folded),
            false => format!("{}@{}.example", self.code(&folded), self.word("names")),
        };
        if folded == scim::nfc(name) { disguised } else { self.recase(&disguised, name) }
    }

    /// A text in a person's own words: mails stay mails, addresses on the web such, and so do words,
    /// numbers and codes, with what is between them.
    pub(super) fn text(&self, text: &str) -> String {
        let text = &*scim::nfc(text);
        if self.is_own(text) {
            return text.to_owned();
        }
        if let Some(mail) = self.mail(text) {
            return mail;
        }
        if text.contains("://") || super::form::has_scheme(text) {
            return self.reference(text);
        }
        if super::form::is_phone(text) {
            return self.phone(text);
        }
        self.runs(text)
    }

    /// Whether a text is the id of one of the tenant's users or groups.
    pub(super) fn is_own(&self, text: &str) -> bool {
        text.len() == 36 && text.parse().is_ok_and(|id| self.ids.contains(&id))
    }

    /// Every run of letters and digits by itself; what is between them stays.
    pub(super) fn runs(&self, text: &str) -> String {
        let mut disguised = String::with_capacity(text.len() * 2);
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            let is_run = in_run(first);
            let end = rest.find(|c| in_run(c) != is_run).unwrap_or(rest.len());
            let (run, after) = rest.split_at(end);
            if is_run {
                disguised.push_str(&self.run(run))
            } else {
                disguised.push_str(run)
            }
            rest = after;
        }
        disguised
    }

    fn run(&self, run: &str) -> String {
        if run.bytes().all(|byte| byte.is_ascii_digit()) {
            return self.digits(run);
        }
        let folded = scim::fold(run);
        let invented = if run.bytes().any(|byte| byte.is_ascii_digit()) {
            self.code(&folded)
        } else {
            self.word(&folded)
        };
        self.cased(invented, run, &folded)
    }

    /// What was invented for a folded text, written as the exact text is.
    pub(super) fn cased(&self, invented: String, exact: &str, folded: &str) -> String {
        match case(exact, folded) {
            Case::Lower => invented,
            Case::Upper => invented.to_ascii_uppercase(),
            Case::Capital => capital(&invented),
            Case::Mixed => self.recase(&invented, exact),
        }
    }

    /// A word for a word that is folded already.
    pub(super) fn word(&self, folded: &str) -> String {
        let count = folded.chars().count();
        if count <= 2 && folded.bytes().all(|byte| byte.is_ascii_lowercase()) {
            return self.letters(folded);
        }
        let is_english = folded.bytes().all(|byte| byte.is_ascii_lowercase());
        let syllables =
            if is_english && count <= SHORT_LETTERS { SHORT_SYLLABLES } else { LONG_SYLLABLES };
        let forms = SYLLABLES.pow(syllables);
        let mut bits = if is_english && count <= LONG_LETTERS {
            let number = folded.bytes().fold(0, |all, byte| all * 27 + u64::from(byte - b'`'));
            permute(self.oracle, "word", number, forms)
        } else {
            first_u64((self.oracle)("word", folded.as_bytes())) % forms
        };
        let mut word = String::new();
        for _ in 0..syllables {
            for letters in [&CONSONANTS[..], &VOWELS[..]] {
                let many = letters.len() as u64;
                let letter = letters.get(usize::try_from(bits % many).unwrap_or_default());
                word.push(char::from(letter.copied().unwrap_or(b'a')));
                bits /= many;
            }
        }
        word
    }

    /// One or two letters for as many: initials, and the small words of names.
    fn letters(&self, folded: &str) -> String {
        let number = folded.bytes().fold(0, |all, byte| all * 26 + u64::from(byte - b'a'));
        let limit = if folded.len() == 1 { 26 } else { 26 * 26 };
        let invented = permute(self.oracle, "letters", number, limit);
        let letter = |number: u64| char::from(b'a' + u8::try_from(number % 26).unwrap_or_default());
        let second = letter(invented);
        if folded.len() == 1 {
            second.to_string()
        } else {
            [letter(invented / 26), second].iter().collect()
        }
    }

    /// As many digits.
    pub(super) fn digits(&self, digits: &str) -> String {
        let (Ok(number), true) = (digits.parse::<u64>(), digits.len() <= NUMBER_DIGITS) else {
            let bytes = (self.oracle)("digits", digits.as_bytes());
            return bytes
                .iter()
                .cycle()
                .take(digits.len())
                .map(|b| char::from(b'0' + b % 10))
                .collect();
        };
        let limit = 10_u64.pow(u32::try_from(digits.len()).unwrap_or_default());
        let invented = permute(self.oracle, "digits", number, limit);
        format!("{invented:0width$}", width = digits.len())
    }

    /// Letters and then digits, as of an id. Letters come first, so that there are enough of them to
    /// be written large and small.
    pub(super) fn code(&self, folded: &str) -> String {
        let bytes = (self.oracle)("code", folded.as_bytes());
        let sign = |(place, byte): (usize, &u8)| match place {
            0..CODE_LETTERS => char::from(b'a' + byte % 26),
            _ => char::from(b'0' + byte % 10),
        };
        bytes.iter().take(CODE_CHARS).enumerate().map(sign).collect()
    }

    /// The same letters, written as the exact text decides: never all small, all large, or only the
    /// first one large, which other spellings have.
    fn recase(&self, invented: &str, exact: &str) -> String {
        let bytes = (self.oracle)("case", exact.as_bytes());
        let mut bits =
            bytes.iter().flat_map(|byte| (0..8).map(move |bit| byte >> bit & 1 == 1)).cycle();
        let mut place = 0;
        let mut recased = String::with_capacity(invented.len());
        for letter in invented.chars() {
            let is_letter = letter.is_ascii_alphabetic();
            let is_large = match (is_letter, place) {
                (true, 0) => false,
                (true, 1) => true,
                (true, _) => bits.next().unwrap_or_default(),
                (false, _) => false,
            };
            place += usize::from(is_letter);
            recased.push(if is_large { letter.to_ascii_uppercase() } else { letter });
        }
        recased
    }

    /// A number of as many digits, with the same sign.
    pub(super) fn integer(&self, number: i64) -> i64 {
        let size = number.unsigned_abs();
        let digits = size.checked_ilog10().unwrap_or_default();
        let low = if digits == 0 { 0 } else { 10_u64.pow(digits) };
        let high = 10_u64.checked_pow(digits + 1).unwrap_or(u64::MAX).min(i64::MAX.unsigned_abs());
        let Some(place) = size.checked_sub(low).filter(|_| size < high) else { return number };
        let invented = low + permute(self.oracle, "integer", place, high - low);
        let invented = i64::try_from(invented).unwrap_or(i64::MAX);
        if number < 0 { -invented } else { invented }
    }

    /// A number of about the same size, with the same sign.
    pub(super) fn decimal(&self, number: f64) -> f64 {
        let bits = first_u64((self.oracle)("decimal", &number.to_bits().to_be_bytes()));
        // From 1 up to 10, in steps of a millionth.
        let factor = 1.0 + f64::from(u32::try_from(bits % 9_000_000).unwrap_or_default()) / 1e6;
        let size = if number == 0.0 { 0.1 } else { 10_f64.powf(number.abs().log10().floor()) };
        let text = format!("{:.6e}", factor * size);
        text.parse::<f64>().unwrap_or(factor).copysign(number)
    }
}

/// Letters and digits, and whatever else is no sign of ASCII: it may be a part of a name.
fn in_run(c: char) -> bool {
    c.is_ascii_alphanumeric() || !c.is_ascii()
}

/// How a run is written; what its folded form does not lead back to by simple means is mixed.
fn case(run: &str, folded: &str) -> Case {
    let mut letters = folded.chars();
    let first = letters.next().into_iter().flat_map(char::to_uppercase);
    if run == folded {
        Case::Lower
    } else if first.chain(letters).eq(run.chars()) {
        Case::Capital
    } else if folded.to_uppercase() == run {
        Case::Upper
    } else {
        Case::Mixed
    }
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    let first = letters.next().map(|letter| letter.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}
