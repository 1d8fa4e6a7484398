//! Who follows a feed at present: how many may, how far they are, and what ends them.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::http::StatusCode;
use domain::event::{Holder, OperatorRole};
use domain::id::{CredentialId, TenantId};
use engine::Arrivals;
use tokio::sync::{Semaphore, watch};
use tokio::time::sleep;

use crate::app::App;
use crate::limits::{FEED_HEARTBEAT_SECONDS, FEED_READERS, FEED_READERS_OF_TENANT, FEED_READS};
use crate::refused::Refused;

/// Who follows a feed of this server at present.
pub struct Feeds {
    readers: Mutex<BTreeMap<u64, Arc<Reader>>>,
    next: AtomicU64,
    /// Permits to read the log.
    pub(super) reads: Arc<Semaphore>,
    closing: watch::Sender<bool>,
    pub(super) heartbeat: Duration,
}

/// One who waits for commits.
struct Reader {
    tenant: TenantId,
    // What the socket has taken, as far as we know.
    after: AtomicU64,
    // Bytes that were read from the log and that the socket has not taken.
    buffered: AtomicUsize,
}

/// A place among the readers; it is free again when this is dropped.
pub(crate) struct Place {
    feeds: Arc<Feeds>,
    number: u64,
    reader: Arc<Reader>,
}

/// What is told of a tenant's readers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Told {
    /// How many there are.
    pub(crate) readers: u64,
    /// The least position up to which one of them has read.
    pub(crate) least: u64,
    /// Bytes that wait for their sockets.
    pub(crate) buffered: u64,
}

impl Default for Feeds {
    fn default() -> Self {
        Feeds::beating(Duration::from_secs(FEED_HEARTBEAT_SECONDS))
    }
}

impl Feeds {
    /// Nobody yet; who waits hears something this often.
    pub fn beating(heartbeat: Duration) -> Feeds {
        Feeds {
            readers: Mutex::default(),
            next: AtomicU64::new(0),
            reads: Arc::new(Semaphore::new(FEED_READS)),
            closing: watch::Sender::new(false),
            heartbeat,
        }
    }

    /// The same for another server: what ends this one's readers does not end those.
    pub(crate) fn anew(&self) -> Feeds {
        Feeds::beating(self.heartbeat)
    }

    /// Lets every reader go, now and from now on.
    pub(crate) fn close(&self) {
        self.closing.send_replace(true);
    }

    /// Resolves once the server stops.
    async fn closed(&self) {
        // An error would mean that this is gone, while it is borrowed.
        drop(self.closing.subscribe().wait_for(|closing| *closing).await);
    }

    /// A place for one more reader.
    pub(crate) fn enter(self: &Arc<Self>, tenant: TenantId, after: u64) -> Result<Place, Refused> {
        let mut readers = self.readers.lock().unwrap_or_else(PoisonError::into_inner);
        let of_tenant = readers.values().filter(|reader| reader.tenant == tenant).count();
        let full = if readers.len() >= FEED_READERS {
            Some(format!("{FEED_READERS} readers follow feeds of this server already"))
        } else if of_tenant >= FEED_READERS_OF_TENANT {
            Some(format!("{FEED_READERS_OF_TENANT} readers follow this feed already"))
        } else {
            None
        };
        if let Some(full) = full {
            let detail = format!("{full}: end one of them, or try again in a moment");
            return Err(Refused::later(StatusCode::SERVICE_UNAVAILABLE, detail));
        }
        let (after, buffered) = (AtomicU64::new(after), AtomicUsize::new(0));
        let reader = Arc::new(Reader { tenant, after, buffered });
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        readers.insert(number, reader.clone());
        Ok(Place { feeds: self.clone(), number, reader })
    }

    /// What is told of a tenant's readers.
    pub(crate) fn of(&self, tenant: TenantId) -> Told {
        let readers = self.readers.lock().unwrap_or_else(PoisonError::into_inner);
        let mut told = Told::default();
        for reader in readers.values().filter(|reader| reader.tenant == tenant) {
            let after = reader.after.load(Ordering::Relaxed);
            told.least = if told.readers == 0 { after } else { told.least.min(after) };
            told.readers += 1;
            told.buffered += reader.buffered.load(Ordering::Relaxed) as u64;
        }
        told
    }
}

impl Place {
    /// Bytes that are about to be handed to the socket.
    pub(super) fn hands(&self, bytes: usize) {
        self.reader.buffered.store(bytes, Ordering::Relaxed);
    }

    /// The socket has taken everything up to here.
    pub(super) fn took(&self, after: u64) {
        self.reader.buffered.store(0, Ordering::Relaxed);
        self.reader.after.store(after, Ordering::Relaxed);
    }

    /// Up to where the socket has taken everything.
    pub(super) fn after(&self) -> u64 {
        self.reader.after.load(Ordering::Relaxed)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut readers = self.feeds.readers.lock().unwrap_or_else(PoisonError::into_inner);
        readers.remove(&self.number);
    }
}

/// Why a reader is let go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    /// The server stops.
    Stopping,
    /// The key was revoked, its time is over, or its holder may not read this any more.
    Key,
    /// There is no such tenant any more.
    Tenant,
}

/// Watches over what lets a reader in: the key that was shown, the tenant, and the server.
pub(crate) struct Watch {
    pub(crate) app: App,
    pub(crate) credential: CredentialId,
    /// What its holder must at least be.
    pub(crate) least: OperatorRole,
    pub(crate) tenant: TenantId,
}

impl Watch {
    /// Resolves when the reader must go. A revocation is noticed as it is published, the end of a key's
    /// time within a heartbeat.
    pub(crate) async fn ended(&self) -> Ended {
        let feeds = &self.app.feeds;
        let stopping = async {
            feeds.closed().await;
            Ended::Stopping
        };
        let locked_out = async {
            let mut arrivals: Arrivals = self.app.engine.arrivals();
            loop {
                if let Some(ended) = self.look() {
                    return ended;
                }
                tokio::select! {
                    () = arrivals.next() => {}
                    () = sleep(feeds.heartbeat) => {}
                }
            }
        };
        tokio::select! {
            ended = stopping => ended,
            ended = locked_out => ended,
        }
    }

    /// Whether the reader must go now.
    fn look(&self) -> Option<Ended> {
        let world = self.app.engine.world();
        let credential = world
            .system()
            .and_then(|system| system.directory.credentials.get(self.credential))
            .filter(|credential| credential.is_valid(self.app.now()));
        let holder = credential.and_then(|credential| match credential.holder {
            Holder::Operator(id) => world.system()?.directory.operators.present(id),
            Holder::Connector(_) | Holder::User(_) => None,
        });
        if holder.is_none_or(|operator| operator.role < self.least) {
            return Some(Ended::Key);
        }
        world.get(self.tenant).is_none().then_some(Ended::Tenant)
    }
}
