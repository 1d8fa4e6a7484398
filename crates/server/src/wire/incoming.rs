//! A request's body as it comes off the socket: not slower than it may be, and not more than there is memory for.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::Bytes;
use hyper::body::{Body as HttpBody, Frame, Incoming, SizeHint};
use tokio::time::{Instant, Sleep, sleep_until};

/// Why a body is not read to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BodyError {
    /// It comes too slowly.
    #[error("the body came too slowly: send the request again over a better connection")]
    Slow,
    /// The bodies that are being read and worked on fill the room that there is for them.
    #[error("the server works on as many large requests as it can: try again in a moment")]
    NoRoom,
    /// The client went away, or what it sent is no body.
    #[error("the body broke off before its end: send the request again")]
    BrokenOff,
}

/// The bytes of all bodies that are in memory. The first few of each are not counted: as many as there may be connections,
/// they are bounded, and so the large ones keep no small one out.
#[derive(Debug)]
pub(super) struct Room {
    used: AtomicUsize,
    bytes: usize,
    free_bytes: usize,
}

/// The bytes of one request's body; they are given back when it is answered.
#[derive(Debug)]
pub(super) struct Held {
    room: Arc<Room>,
    bytes: AtomicUsize,
}

impl Room {
    pub(super) fn new(bytes: usize, free_bytes: usize) -> Arc<Room> {
        Arc::new(Room { used: AtomicUsize::new(0), bytes, free_bytes })
    }

    /// How many bytes are counted now.
    #[cfg(test)]
    fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }
}

impl Held {
    pub(super) fn of(room: &Arc<Room>) -> Arc<Held> {
        Arc::new(Held { room: room.clone(), bytes: AtomicUsize::new(0) })
    }

    fn add(&self, bytes: usize) -> Result<(), BodyError> {
        let before = self.bytes.fetch_add(bytes, Ordering::Relaxed);
        let counted = self.counted(before + bytes) - self.counted(before);
        if counted == 0 {
            return Ok(());
        }
        let used = self.room.used.fetch_add(counted, Ordering::Relaxed) + counted;
        if used > self.room.bytes {
            self.room.used.fetch_sub(counted, Ordering::Relaxed);
            self.bytes.fetch_sub(bytes, Ordering::Relaxed);
            return Err(BodyError::NoRoom);
        }
        Ok(())
    }

    fn counted(&self, bytes: usize) -> usize {
        bytes.saturating_sub(self.room.free_bytes)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let counted = self.counted(self.bytes.load(Ordering::Relaxed));
        self.room.used.fetch_sub(counted, Ordering::Relaxed);
    }
}

/// How slowly a body may come.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    /// What it may take in any case.
    pub(super) least: Duration,
    /// What it may take beyond that, for each second.
    pub(super) bytes_per_second: u64,
}

/// A request's body.
pub(super) struct Timed {
    body: Incoming,
    held: Arc<Held>,
    pace: Pace,
    /// When the first byte was asked for, how many came since, and what rings when that is too few.
    begun: Option<(Instant, u64, Pin<Box<Sleep>>)>,
}

impl Timed {
    pub(super) fn new(body: Incoming, held: Arc<Held>, pace: Pace) -> Self {
        Timed { body, held, pace, begun: None }
    }
}

impl HttpBody for Timed {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = &mut *self;
        let pace = this.pace;
        let (begun, bytes, alarm) = match (Pin::new(&mut this.body).poll_frame(cx), &mut this.begun)
        {
            (Poll::Ready(None), _) => return Poll::Ready(None),
            (Poll::Ready(Some(Err(_))), _) => return Poll::Ready(Some(Err(BodyError::BrokenOff))),
            (Poll::Ready(Some(Ok(frame))), begun) => {
                let bytes = frame.data_ref().map_or(0, Bytes::len);
                if let Some((_, came, _)) = begun {
                    *came += bytes as u64;
                }
                return Poll::Ready(Some(this.held.add(bytes).map(|()| frame)));
            }
            // Most bodies are there when they are asked for: those need no alarm.
            (Poll::Pending, begun) => begun.get_or_insert_with(|| {
                let now = Instant::now();
                (now, 0, Box::pin(sleep_until(now + pace.least)))
            }),
        };
        let more = Duration::from_secs(*bytes / pace.bytes_per_second.max(1));
        let end = *begun + pace.least + more;
        if alarm.deadline() != end {
            alarm.as_mut().reset(end);
        }
        ready!(alarm.as_mut().poll(cx));
        Poll::Ready(Some(Err(BodyError::Slow)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_bodies_have_so_much_room_together_and_small_ones_need_none() {
        let room = Room::new(100, 10);
        let (a, b, small) = (Held::of(&room), Held::of(&room), Held::of(&room));
        assert_eq!(a.add(8), Ok(()));
        assert_eq!(room.used(), 0);
        assert_eq!(a.add(62), Ok(()));
        assert_eq!(room.used(), 60);
        assert_eq!(b.add(51), Err(BodyError::NoRoom));
        assert_eq!(room.used(), 60);
        assert_eq!(b.add(50), Ok(()));
        assert_eq!(b.add(1), Err(BodyError::NoRoom));
        assert_eq!(small.add(10), Ok(()));
        drop(a);
        assert_eq!(room.used(), 40);
        assert_eq!(b.add(60), Ok(()));
        drop((b, small));
        assert_eq!(room.used(), 0);
    }
}
