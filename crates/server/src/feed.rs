//! The feed: a tenant's commits from a position on, for whoever follows them.
//!
//! A reader pulls. The log is read in small runs, the next one only once the socket has taken the one
//! before; between two runs nothing is held of the tenant. The writer knows no reader: it publishes,
//! wakes whoever sleeps, and never waits.

mod read;
mod readers;
mod stream;

pub(crate) use read::{FeedError, Form, Most, Run, Wanted, last, read_beside};
pub use readers::Feeds;
pub(crate) use readers::{Ended, Watch};
pub(crate) use stream::stream;
