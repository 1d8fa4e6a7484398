//! The client's half of HTTP/1.1: a connection that is kept, requests as bytes, answers in each of
//! the lengths that HTTP has. A whole HTTP client would take the CPU that is to be measured.

use std::net::SocketAddr;

use anyhow::{Context, bail};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Longer answers are none that this client asks for.
const ANSWER_BYTES: usize = 64 * 1024 * 1024;

/// A connection, one request at a time; opened anew when the server closed it with its answer.
pub(crate) struct Connection {
    address: SocketAddr,
    stream: Option<TcpStream>,
    held: Vec<u8>,
    body: Vec<u8>,
}

/// What came back.
pub(crate) struct Answer<'a> {
    pub(crate) status: u16,
    head: &'a [u8],
    pub(crate) body: &'a [u8],
}

impl Connection {
    pub(crate) async fn open(address: SocketAddr) -> anyhow::Result<Connection> {
        let stream = Some(connect(address).await?);
        Ok(Connection { address, stream, held: Vec::with_capacity(16 * 1024), body: Vec::new() })
    }

    pub(crate) async fn ask(&mut self, request: &[u8]) -> anyhow::Result<Answer<'_>> {
        self.held.clear();
        let stream = match &mut self.stream {
            Some(stream) => stream,
            none => none.insert(connect(self.address).await?),
        };
        stream.write_all(request).await?;
        let mut head = None;
        let head = loop {
            let ended = stream.read_buf(&mut self.held).await? == 0;
            if head.is_none() {
                head = Head::of(&self.held)?;
            }
            match head {
                Some(head) if head.is_whole(&self.held, ended)? => break head,
                _ if ended => bail!("the server hung up before it had answered"),
                _ if self.held.len() > ANSWER_BYTES => {
                    bail!("an answer was longer than {ANSWER_BYTES} bytes")
                }
                _ => {}
            }
        };
        if head.closes {
            self.stream = None;
        }
        let text = self.held.get(..head.end).context("an answer was cut wrongly")?;
        let rest = self.held.get(head.body()..).context("an answer was cut wrongly")?;
        let body = match head.length {
            Length::Bytes(bytes) => rest.get(..bytes).context("an answer was cut wrongly")?,
            Length::UntilClosed => rest,
            Length::Chunks => {
                self.body.clear();
                for chunk in chunks(rest) {
                    self.body.extend_from_slice(chunk?.unwrap_or_default());
                }
                &self.body
            }
        };
        Ok(Answer { status: head.status, head: text, body })
    }
}

async fn connect(address: SocketAddr) -> anyhow::Result<TcpStream> {
    let stream = TcpStream::connect(address)
        .await
        .with_context(|| format!("{address} could not be connected to"))?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

impl<'a> Answer<'a> {
    /// The header lines, names as they came.
    pub(crate) fn headers(&self) -> impl Iterator<Item = (&'a str, &'a str)> {
        headers(self.head)
    }

    /// The body, shortened for a message.
    pub(crate) fn quoted(&self) -> String {
        String::from_utf8_lossy(self.body).chars().take(500).collect()
    }
}

/// What the head of an answer says of its shape.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Head {
    status: u16,
    /// Where it ends, without the empty line.
    end: usize,
    length: Length,
    closes: bool,
}

/// How long the body is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Length {
    Bytes(usize),
    Chunks,
    UntilClosed,
}

const END_OF_HEAD: &[u8] = b"\r\n\r\n";

impl Head {
    /// None: it is not all there yet.
    fn of(held: &[u8]) -> anyhow::Result<Option<Head>> {
        let Some(end) = held.windows(END_OF_HEAD.len()).position(|bytes| bytes == END_OF_HEAD)
        else {
            return Ok(None);
        };
        let head = held.get(..end).unwrap_or_default();
        let status = status(head).context("an answer did not begin as HTTP/1 does")?;
        let says = |wanted: &str| {
            headers(head)
                .find(|(name, _)| name.eq_ignore_ascii_case(wanted))
                .map(|(_, value)| value)
        };
        let length = if status == 204 || status == 304 {
            Length::Bytes(0)
        } else if let Some(length) = says("content-length") {
            Length::Bytes(length.parse().context("an answer's length is no number")?)
        } else if says("transfer-encoding").is_some_and(|how| how.eq_ignore_ascii_case("chunked")) {
            Length::Chunks
        } else {
            Length::UntilClosed
        };
        let connection = says("connection").unwrap_or_default();
        let closes = connection.eq_ignore_ascii_case("close")
            || length == Length::UntilClosed
            || head.starts_with(b"HTTP/1.0") && !connection.eq_ignore_ascii_case("keep-alive");
        Ok(Some(Head { status, end, length, closes }))
    }

    /// Where the body begins.
    fn body(self) -> usize {
        self.end + END_OF_HEAD.len()
    }

    fn is_whole(self, held: &[u8], ended: bool) -> anyhow::Result<bool> {
        let there = held.get(self.body()..).unwrap_or_default();
        match self.length {
            Length::Bytes(bytes) => Ok(there.len() >= bytes),
            Length::UntilClosed => Ok(ended),
            Length::Chunks => {
                for chunk in chunks(there) {
                    if chunk?.is_none() {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
        }
    }
}

/// The chunks of a body up to the last; none for one that is not all there yet.
fn chunks(mut rest: &[u8]) -> impl Iterator<Item = anyhow::Result<Option<&[u8]>>> {
    let mut is_over = false;
    std::iter::from_fn(move || {
        if is_over {
            return None;
        }
        let one = chunk(rest);
        match &one {
            Ok(Some(chunk)) => {
                let text = rest.iter().position(|byte| *byte == b'\n').unwrap_or(0);
                rest = rest.get(text + 1 + chunk.len() + 2..).unwrap_or_default();
                is_over = chunk.is_empty();
            }
            Ok(None) | Err(_) => is_over = true,
        }
        Some(one)
    })
}

/// The first chunk.
fn chunk(rest: &[u8]) -> anyhow::Result<Option<&[u8]>> {
    let Some(line) = rest.iter().position(|byte| *byte == b'\n') else { return Ok(None) };
    let text = std::str::from_utf8(rest.get(..line).unwrap_or_default()).unwrap_or("?");
    let size = text.trim().split(';').next().unwrap_or_default();
    let size = usize::from_str_radix(size, 16).context("a chunk's size is no number")?;
    let whole = rest.get(line + 1..line + 1 + size + 2);
    Ok(whole.and_then(|chunk| chunk.get(..size)))
}

fn status(head: &[u8]) -> Option<u16> {
    let (version, rest) = head.split_at_checked(b"HTTP/1.1 ".len())?;
    if ![&b"HTTP/1.1 "[..], b"HTTP/1.0 "].contains(&version) {
        return None;
    }
    std::str::from_utf8(rest.get(..3)?).ok()?.parse().ok()
}

fn headers(head: &[u8]) -> impl Iterator<Item = (&str, &str)> {
    let lines = std::str::from_utf8(head).unwrap_or_default().split("\r\n").skip(1);
    lines.filter_map(|line| line.split_once(':')).map(|(name, value)| (name, value.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(held: &[u8]) -> Head {
        Head::of(held).unwrap().unwrap()
    }

    #[test]
    fn an_answer_is_cut_where_it_says() {
        let held = b"HTTP/1.1 201 Created\r\nETag: W/\"1\"\r\nContent-Length: 2\r\n\r\n{}";
        let shape = head(held);
        assert_eq!((shape.status, shape.length, shape.closes), (201, Length::Bytes(2), false));
        assert!(shape.is_whole(held, false).unwrap());
        assert!(!shape.is_whole(&held[..held.len() - 1], false).unwrap());
        let headers: Vec<_> = headers(&held[..shape.end]).collect();
        assert_eq!(headers, [("ETag", "W/\"1\""), ("Content-Length", "2")]);
    }

    #[test]
    fn what_is_not_all_there_is_waited_for() {
        assert_eq!(Head::of(b"").unwrap(), None);
        assert_eq!(Head::of(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n").unwrap(), None);
        assert_eq!(head(b"HTTP/1.1 204 No Content\r\n\r\n").length, Length::Bytes(0));
    }

    #[test]
    fn what_comes_in_chunks_is_put_together() {
        let whole = b"2\r\nab\r\n1;x=y\r\nc\r\n0\r\n\r\n";
        let held = [&b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"[..], whole].concat();
        let shape = head(&held);
        assert!(shape.is_whole(&held, false).unwrap());
        for cut in 1..whole.len() {
            assert!(!shape.is_whole(&held[..held.len() - cut], false).unwrap(), "{cut}");
        }
        let body: Vec<u8> = chunks(whole).flat_map(|one| one.unwrap().unwrap().to_vec()).collect();
        assert_eq!(body, b"abc");
    }

    #[test]
    fn a_server_that_closes_is_noticed() {
        let old = head(b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n");
        assert!(old.closes);
        let open = head(b"HTTP/1.1 200 OK\r\n\r\n");
        assert_eq!((open.length, open.closes), (Length::UntilClosed, true));
        assert!(head(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n").closes);
    }

    #[test]
    fn what_this_client_does_not_read_is_an_error() {
        for held in
            [&b"HTTP/1.1 200 OK\r\ncontent-length: many\r\n\r\n"[..], b"SSH-2.0-server\r\n\r\n"]
        {
            assert!(Head::of(held).is_err(), "{}", String::from_utf8_lossy(held));
        }
    }
}
