//! JSON text, written straight into the answer's buffer.

use std::io::Write;

/// Writes a JSON string, quotes included. Runs that need no escape are copied whole.
pub(crate) fn write_text(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    let mut rest = text.as_bytes();
    // Most texts need no escape, and to look at all of one is quicker than to stop at the first.
    if !rest.iter().fold(false, |is_found, byte| is_found | needs_escape(*byte)) {
        out.extend_from_slice(rest);
        return out.push(b'"');
    }
    while let Some(at) = rest.iter().position(|byte| needs_escape(*byte)) {
        let (run, tail) = rest.split_at(at);
        out.extend_from_slice(run);
        let Some((byte, tail)) = tail.split_first() else { break };
        match byte {
            b'"' => out.extend_from_slice(br#"\""#),
            b'\\' => out.extend_from_slice(br"\\"),
            b'\n' => out.extend_from_slice(br"\n"),
            b'\r' => out.extend_from_slice(br"\r"),
            b'\t' => out.extend_from_slice(br"\t"),
            other => write_display(out, format_args!("\\u{other:04x}")),
        }
        rest = tail;
    }
    out.extend_from_slice(rest);
    out.push(b'"');
}

/// RFC 8259 §7.
fn needs_escape(byte: u8) -> bool {
    byte < 0x20 || byte == b'"' || byte == b'\\'
}

/// Writes a number of 64 bits.
pub(crate) fn write_integer(out: &mut Vec<u8>, number: i64) {
    write_display(out, format_args!("{number}"));
}

/// Writes a finite decimal; anything else, which no reader here lets in, as `0`.
pub(crate) fn write_decimal(out: &mut Vec<u8>, number: f64) {
    match serde_json::Number::from_f64(number) {
        Some(number) => write_display(out, format_args!("{number}")),
        None => out.push(b'0'),
    }
}

/// Formats into the buffer, which can't fail.
pub(crate) fn write_display(out: &mut Vec<u8>, text: std::fmt::Arguments<'_>) {
    // INVARIANT (vec): writing to a `Vec` never fails.
    let _written = out.write_fmt(text);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_those_of_serde_json() {
        for text in ["", "a", "\"", "\\", "a\nb\tc\r", "\u{0}\u{1f}x", "ünïcode 🎉", "tail\\"] {
            let mut out = Vec::new();
            write_text(&mut out, text);
            assert_eq!(serde_json::from_slice::<String>(&out).unwrap(), text);
        }
    }
}
