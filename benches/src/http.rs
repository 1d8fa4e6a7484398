//! The client's half of HTTP/1.1: a connection that is kept, requests as bytes, and answers that
//! say their length. A whole HTTP client would take the CPU that is to be measured.

use std::net::SocketAddr;

use anyhow::{Context, bail};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Longer answers are none that a user is.
const ANSWER_BYTES: usize = 1024 * 1024;

/// One connection, one request at a time.
pub(crate) struct Connection {
    stream: TcpStream,
    held: Vec<u8>,
}

/// What came back.
pub(crate) struct Answer<'a> {
    pub(crate) status: u16,
    head: &'a [u8],
    pub(crate) body: &'a [u8],
}

impl Connection {
    pub(crate) async fn open(address: SocketAddr) -> anyhow::Result<Connection> {
        let stream = TcpStream::connect(address)
            .await
            .with_context(|| format!("{address} could not be connected to"))?;
        stream.set_nodelay(true)?;
        Ok(Connection { stream, held: Vec::with_capacity(16 * 1024) })
    }

    pub(crate) async fn ask(&mut self, request: &[u8]) -> anyhow::Result<Answer<'_>> {
        self.held.clear();
        self.stream.write_all(request).await?;
        let shape = loop {
            if self.stream.read_buf(&mut self.held).await? == 0 {
                bail!("the server hung up before it had answered");
            }
            match Shape::of(&self.held)? {
                Some(shape) if shape.whole() <= self.held.len() => break shape,
                Some(_) | None if self.held.len() > ANSWER_BYTES => {
                    bail!("an answer was longer than {ANSWER_BYTES} bytes")
                }
                Some(_) | None => {}
            }
        };
        shape.cut(&self.held).context("an answer was cut wrongly")
    }
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

/// Where the parts of an answer are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Shape {
    status: u16,
    head: usize,
    body: usize,
}

const END_OF_HEAD: &[u8] = b"\r\n\r\n";

impl Shape {
    /// None: the head is not all there yet.
    fn of(held: &[u8]) -> anyhow::Result<Option<Shape>> {
        let Some(end) = held.windows(END_OF_HEAD.len()).position(|bytes| bytes == END_OF_HEAD)
        else {
            return Ok(None);
        };
        let head = held.get(..end).unwrap_or_default();
        let status = status(head).context("an answer did not begin as HTTP/1.1 does")?;
        let length = headers(head).find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
        let body = match length {
            Some((_, length)) => length.parse().context("an answer's length is no number")?,
            None if status == 204 || status == 304 => 0,
            None => bail!("an answer did not say its length"),
        };
        Ok(Some(Shape { status, head: end, body }))
    }

    fn whole(self) -> usize {
        self.head.saturating_add(END_OF_HEAD.len()).saturating_add(self.body)
    }

    fn cut(self, held: &[u8]) -> Option<Answer<'_>> {
        Some(Answer {
            status: self.status,
            head: held.get(..self.head)?,
            body: held.get(self.head + END_OF_HEAD.len()..self.whole())?,
        })
    }
}

fn status(head: &[u8]) -> Option<u16> {
    let digits = head.strip_prefix(b"HTTP/1.1 ")?.get(..3)?;
    std::str::from_utf8(digits).ok()?.parse().ok()
}

fn headers(head: &[u8]) -> impl Iterator<Item = (&str, &str)> {
    let lines = std::str::from_utf8(head).unwrap_or_default().split("\r\n").skip(1);
    lines.filter_map(|line| line.split_once(':')).map(|(name, value)| (name, value.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_cut_where_it_says() {
        let held = b"HTTP/1.1 201 Created\r\nETag: W/\"1\"\r\nContent-Length: 2\r\n\r\n{}";
        let shape = Shape::of(held).unwrap().unwrap();
        assert_eq!((shape.status, shape.body, shape.whole()), (201, 2, held.len()));
        let answer = shape.cut(held).unwrap();
        assert_eq!(answer.body, b"{}");
        let headers: Vec<_> = answer.headers().collect();
        assert_eq!(headers, [("ETag", "W/\"1\""), ("Content-Length", "2")]);
    }

    #[test]
    fn what_is_not_all_there_is_waited_for() {
        assert_eq!(Shape::of(b"").unwrap(), None);
        assert_eq!(Shape::of(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n").unwrap(), None);
        let half = b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n1234";
        assert!(Shape::of(half).unwrap().unwrap().whole() > half.len());
    }

    #[test]
    fn what_this_client_does_not_read_is_an_error() {
        for held in [
            &b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n"[..],
            b"HTTP/1.1 200 OK\r\ncontent-length: many\r\n\r\n",
            b"SSH-2.0-server\r\n\r\n",
        ] {
            assert!(Shape::of(held).is_err(), "{}", String::from_utf8_lossy(held));
        }
        let nothing = Shape::of(b"HTTP/1.1 204 No Content\r\n\r\n").unwrap().unwrap();
        assert_eq!(nothing.body, 0);
    }
}
