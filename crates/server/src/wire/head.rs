//! Where one request ends and the next begins, watched as the bytes come in.
//!
//! What stands before the server may see the boundary elsewhere than the server does, and whatever lies between the two is
//! then a request that nobody looked at (RFC 9112 §11.2). The parser takes a bare LF for the end of a line, and forgets a
//! `Content-Length` beside `Transfer-Encoding`; both are allowed, and both are what such a request is made of. So each head
//! and each chunk is followed here first, and where one is not as strict as can be, the byte that says so becomes one
//! that no head may hold: the parser answers 400 and closes, after it has answered what came before.

use memchr::memchr;

/// Bytes of a line that are remembered until its end comes; the parser refuses before.
const LINE_BYTES: usize = 128 << 10;
/// What no head may hold.
const WRONG: u8 = 0;

/// Follows the bytes of one connection.
#[derive(Debug, Default)]
pub(super) struct Scanner {
    state: State,
    /// The beginning of a line whose end has not come yet.
    line: Vec<u8>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Lines of a head.
    Head(Framing),
    /// So many bytes of a body, or of a chunk with its end; then this.
    Bytes(u64, After),
    /// The line that says how long the next chunk is.
    Size,
    /// Lines after the last chunk.
    Trailers,
    /// The parser has been, or will be, told that this is wrong: nothing after it is a request.
    Over,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum After {
    Head,
    Size,
}

/// What the lines of a head have said of its body so far.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Framing {
    begun: bool,
    length: Option<u64>,
    chunked: bool,
}

impl Default for State {
    fn default() -> Self {
        State::Head(Framing::default())
    }
}

impl Scanner {
    /// Looks at the bytes that came, and changes one where a request is not to be trusted.
    pub(super) fn look(&mut self, mut bytes: &mut [u8]) {
        while !bytes.is_empty() {
            match self.state {
                State::Over => return,
                State::Bytes(left, after) => {
                    let here = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
                    let left = left - here as u64;
                    self.state = match after {
                        _ if left > 0 => State::Bytes(left, after),
                        After::Head => State::default(),
                        After::Size => State::Size,
                    };
                    bytes = bytes.get_mut(here..).unwrap_or_default();
                }
                State::Head(_) | State::Size | State::Trailers => {
                    let Some(end) = memchr(b'\n', bytes) else {
                        self.remember(bytes);
                        return;
                    };
                    let Some((line, rest)) = bytes.split_at_mut_checked(end + 1) else { return };
                    let state = if self.line.is_empty() {
                        self.state.after(line)
                    } else {
                        self.line.extend_from_slice(line);
                        let state = self.state.after(&self.line);
                        self.line.clear();
                        state
                    };
                    if let (None, Some(last)) = (state, line.last_mut()) {
                        *last = WRONG;
                    }
                    self.state = state.unwrap_or(State::Over);
                    bytes = rest;
                }
            }
        }
    }

    fn remember(&mut self, part: &[u8]) {
        if self.line.len() + part.len() > LINE_BYTES {
            (self.state, self.line) = (State::Over, Vec::new());
        } else {
            self.line.extend_from_slice(part);
        }
    }
}

impl State {
    /// What comes after a line, which ends in LF. None: it is not to be trusted.
    fn after(self, line: &[u8]) -> Option<State> {
        let line = line.strip_suffix(b"\r\n")?;
        match self {
            State::Head(framing) => framing.after(line),
            State::Size => {
                let digits = line.split(|b| matches!(b, b';' | b' ' | b'\t')).next()?;
                let size = u64::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
                Some(match size {
                    0 => State::Trailers,
                    size => State::Bytes(size.checked_add(2)?, After::Size),
                })
            }
            State::Trailers if line.is_empty() => Some(State::default()),
            State::Trailers => Some(State::Trailers),
            State::Bytes(..) | State::Over => Some(self),
        }
    }
}

impl Framing {
    fn after(mut self, line: &[u8]) -> Option<State> {
        if line.is_empty() {
            return Some(match (self.chunked, self.length) {
                (true, _) => State::Size,
                (false, Some(length)) if length > 0 => State::Bytes(length, After::Head),
                // Empty lines before a request are let go by (RFC 9112 §2.2).
                (false, _) => State::default(),
            });
        }
        if !self.begun {
            return Some(State::Head(Framing { begun: true, ..self }));
        }
        if let Some(value) = value_of(line, b"content-length") {
            let text = std::str::from_utf8(value).ok()?.trim_matches([' ', '\t']);
            let is_number = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
            let length = text.parse().ok().filter(|_| is_number)?;
            if self.length.is_some_and(|other| other != length) {
                return None;
            }
            self.length = Some(length);
        } else if value_of(line, b"transfer-encoding").is_some() {
            self.chunked = true;
        }
        (!self.chunked || self.length.is_none()).then_some(State::Head(self))
    }
}

/// The value of a header line, if this is its name. A name is right before its colon, else the parser refuses the line.
fn value_of<'a>(line: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let (first, rest) = line.split_at_checked(name.len())?;
    rest.strip_prefix(b":").filter(|_| first.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What becomes of the bytes when they come in parts of so many.
    fn looked(text: &str, at_once: usize) -> String {
        let mut scanner = Scanner::default();
        let mut bytes = text.as_bytes().to_vec();
        for part in bytes.chunks_mut(at_once) {
            scanner.look(part);
        }
        String::from_utf8(bytes).unwrap()
    }

    #[track_caller]
    fn is_let_through(text: &str) {
        for at_once in 1..=text.len() {
            assert_eq!(looked(text, at_once), text, "{at_once} at once");
        }
    }

    /// `at` is where the line that is wrong ends.
    #[track_caller]
    fn is_stopped(text: &str, at: &str) {
        let end = text.find(at).unwrap() + at.len() - 1;
        let mut expected = text.as_bytes().to_vec();
        expected[end] = WRONG;
        let expected = String::from_utf8(expected).unwrap();
        for at_once in 1..=text.len() {
            assert_eq!(looked(text, at_once), expected, "{at_once} at once");
        }
    }

    #[test]
    fn requests_one_after_the_other_are_followed_however_they_come() {
        let get = "GET /a HTTP/1.1\r\nHost: x\r\n\r\n";
        // The bodies look like heads that would be stopped.
        let post =
            "\r\nPOST /b HTTP/1.1\r\nHost: x\r\ncontent-LENGTH: \t16 \r\n\r\nX: a\nContent-Len";
        let none = "PUT /c HTTP/1.1\r\nContent-Length: 0\r\nContent-Length: 0\r\n\r\n";
        let chunked = "POST /d HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n\
                       5;a=\"b\"\r\na\nb\nc\r\nA \r\n0123456789\r\n0\r\nTrailer: x\r\n\r\n";
        is_let_through(&[get, post, none, chunked, post, chunked, get].concat());
    }

    #[test]
    fn what_two_servers_read_differently_is_stopped() {
        let get = "GET /a HTTP/1.1\r\nHost: x\r\n\r\n";
        for (wrong, at) in [
            ("GET / HTTP/1.1\nHost: x\r\n\r\n", "1.1\n"),
            ("GET / HTTP/1.1\r\nHost: x\n\r\n", "x\n"),
            ("GET / HTTP/1.1\r\nHost: x\r\n\n", "x\r\n\n"),
            ("\nGET / HTTP/1.1\r\n\r\n", "\n"),
            (
                "P / HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n",
                "chunked\r\n",
            ),
            ("P / HTTP/1.1\r\nTransfer-Encoding: x\r\nContent-Length: 3\r\n\r\n", ": 3\r\n"),
            ("P / HTTP/1.1\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\n", ": 4\r\n"),
            ("P / HTTP/1.1\r\nContent-Length: +3\r\n\r\n", "+3\r\n"),
            ("P / HTTP/1.1\r\nContent-Length: 3, 3\r\n\r\n", ", 3\r\n"),
            ("P / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\nabc\r\n0\r\n\r\n", "\n3\n"),
            ("P / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n-3\r\nabc\r\n0\r\n\r\n", "-3\r\n"),
            ("P / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nA: b\n\r\n", "b\n"),
        ] {
            is_stopped(wrong, at);
        }
        // After one that is good as well: a connection is followed for as long as it lasts.
        is_stopped(&format!("{get}GET / HTTP/1.1\r\nA: b\n\r\n"), "b\n");
    }

    #[test]
    fn a_line_without_an_end_is_not_remembered_for_ever() {
        let mut scanner = Scanner::default();
        for _ in 0..LINE_BYTES {
            scanner.look(&mut [b'a'; 2]);
        }
        assert!(scanner.line.is_empty());
    }
}
