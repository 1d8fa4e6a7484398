//! What every handler has at hand.

use std::sync::Arc;
use std::time::Instant;

use axum::http::{HeaderMap, header};
use domain::time::Timestamp;
use engine::{Clock, Engine};
use uuid::Uuid;

use crate::auth::Auth;
use crate::feed::Feeds;
use crate::guard::Guard;
use crate::journal::Noted;
use crate::proxy::Network;
use crate::requests::Requests;
use crate::scim_api::Lists;
use crate::tally::Tally;

/// What every handler has at hand. Cheap to clone.
#[derive(Clone)]
pub struct App {
    /// The tenants.
    pub engine: Engine,
    /// The time.
    pub clock: Clock,
    /// New ids, ordered by time.
    pub ids: Arc<dyn Fn() -> Uuid + Send + Sync>,
    /// The URL that clients reach this server by, without a slash at its end, as in
    /// `https://id.example.com`; none: what the request's `Host` says.
    pub public_url: Option<Arc<str>>,
    /// The proxies whose word about a request's source is believed.
    pub trusted_proxies: Arc<[Network]>,
    /// What was tolerated of each connector's client.
    pub tally: Arc<Tally>,
    /// What lists keep between requests.
    pub lists: Arc<Lists>,
    /// Who follows a feed.
    pub feeds: Arc<Feeds>,
    /// Policies that were read, for whoever asks next.
    pub policies: Arc<access::Kept>,
    /// What is kept of passwords, assertions and tokens.
    pub auth: Arc<Auth>,
    /// What keeps clients from taking more than their share.
    pub guard: Arc<Guard>,
    /// What was asked for, and how long answers took.
    pub requests: Arc<Requests>,
    /// What the refusal journals took note of.
    pub noted: Arc<Noted>,
    /// When this was made.
    pub begun: Instant,
    /// The URL of the address that is listened on. [`crate::serve`] sets it.
    pub own_url: Arc<str>,
}

impl App {
    /// An app with the machine's clock and random ids.
    pub fn new(
        engine: Engine,
        lists: Lists,
        public_url: Option<String>,
        proxies: Vec<Network>,
        auth: Auth,
    ) -> App {
        let public_url = public_url.map(Arc::from);
        let (clock, ids) = (system_clock(), Arc::new(Uuid::now_v7));
        App {
            engine,
            clock,
            ids,
            public_url,
            trusted_proxies: proxies.into(),
            tally: Arc::default(),
            lists: Arc::new(lists),
            feeds: Arc::default(),
            policies: Arc::default(),
            auth: Arc::new(auth),
            guard: Arc::default(),
            requests: Arc::default(),
            noted: Arc::default(),
            begun: Instant::now(),
            own_url: "http://localhost".into(),
        }
    }

    /// The URL that this server is known by: what clients sign for it must not depend on what they send as `Host`.
    pub(crate) fn base(&self) -> &str {
        self.public_url.as_deref().unwrap_or(&self.own_url)
    }

    /// The URL of a path on this server as a client reaches it, who sends these headers: by the public URL, or else by what
    /// its `Host` says.
    pub(crate) fn address_of(&self, headers: &HeaderMap, path: &str) -> String {
        match &self.public_url {
            Some(url) => format!("{url}/{path}"),
            None => {
                let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
                let scheme = if self.own_url.starts_with("https:") { "https" } else { "http" };
                format!("{scheme}://{}/{path}", host.unwrap_or("localhost"))
            }
        }
    }

    pub(crate) fn now(&self) -> Timestamp {
        (self.clock)()
    }

    pub(crate) fn id(&self) -> Uuid {
        (self.ids)()
    }
}

/// The machine's clock.
pub fn system_clock() -> Clock {
    Arc::new(|| Timestamp::from_millis(chrono::Utc::now().timestamp_millis()))
}
