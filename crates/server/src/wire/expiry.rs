//! When a certificate ends: the one thing that is looked for in it here (RFC 5280 §4.1.2.5).

use chrono::NaiveDateTime;
use domain::time::Timestamp;

const SEQUENCE: u8 = 0x30;
const VERSION: u8 = 0xa0;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

/// When a certificate in DER ends. None: it does not look like one.
pub(super) fn of(certificate: &[u8]) -> Option<Timestamp> {
    let (certificate, _) = expect(certificate, SEQUENCE)?;
    let (mut rest, _) = expect(certificate, SEQUENCE)?;
    if rest.first() == Some(&VERSION) {
        rest = item(rest)?.2;
    }
    // Serial number, signature algorithm, issuer.
    for _ in 0..3 {
        rest = item(rest)?.2;
    }
    let (validity, _) = expect(rest, SEQUENCE)?;
    let (_, _, rest) = item(validity)?;
    let (tag, text, _) = item(rest)?;
    let text = std::str::from_utf8(text).ok()?;
    let time = match tag {
        // Two digits of the year: from 50 on of the last century.
        UTC_TIME => {
            let century = if text.get(..2)? < "50" { "20" } else { "19" };
            format!("{century}{text}")
        }
        GENERALIZED_TIME => text.to_owned(),
        _ => return None,
    };
    let time = NaiveDateTime::parse_from_str(&time, "%Y%m%d%H%M%SZ").ok()?;
    Some(Timestamp::from_millis(time.and_utc().timestamp_millis()))
}

fn expect(bytes: &[u8], expected: u8) -> Option<(&[u8], &[u8])> {
    let (tag, inside, rest) = item(bytes)?;
    (tag == expected).then_some((inside, rest))
}

/// The first item: its tag, what it holds, and what comes after it.
fn item(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (tag, rest) = bytes.split_first()?;
    let (first, rest) = rest.split_first()?;
    let (length, rest) = match first.checked_sub(0x80) {
        None => (usize::from(*first), rest),
        Some(count) if (1..=4).contains(&count) => {
            let (length, rest) = rest.split_at_checked(usize::from(count))?;
            (length.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)), rest)
        }
        Some(_) => return None,
    };
    let (inside, rest) = rest.split_at_checked(length)?;
    Some((*tag, inside, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_certificate_is_found() {
        for (year, millis) in [(2049, 2_524_521_600_000_i64), (2050, 2_524_608_000_000)] {
            let mut parameters = rcgen::CertificateParams::new(vec!["localhost".into()]).unwrap();
            let (month, day) = if year == 2049 { (12, 31) } else { (1, 1) };
            parameters.not_after = rcgen::date_time_ymd(year, month, day);
            let key = rcgen::KeyPair::generate().unwrap();
            let certificate = parameters.self_signed(&key).unwrap();
            assert_eq!(of(certificate.der()), Some(Timestamp::from_millis(millis)), "{year}");
            for cut in 0..certificate.der().len() {
                let cut = certificate.der().get(..cut).unwrap();
                assert_eq!(of(cut), None);
            }
        }
        assert_eq!(of(b""), None);
    }
}
