//! A running server's feed in its sealed form: exact commits, and the keys that go with them.

use anyhow::{Context, bail};
use data_encoding::BASE64;
use domain::id::TenantId;
use domain::position::{Hash, Head, Position};
use eventlog::{ArchiveKeys, Broken, Keys, PersonKey, Unlock};
use reqwest::Method;
use serde::Deserialize;

use crate::heads::SYSTEM;
use crate::remote::{Remote, Said};

/// Commits that are asked for at once.
const PAGE_COMMITS: usize = 500;

/// The way to a server's feeds.
pub(crate) struct Feed {
    remote: Remote,
    identity: Unlock,
    recipient: String,
}

/// What a server answers.
pub(crate) struct Page {
    pub(crate) commits: Vec<(Position, Hash, Vec<u8>)>,
    pub(crate) keys: Sent,
    /// Whether the log ends with this page.
    pub(crate) is_last: bool,
    /// Where the log ends.
    pub(crate) head: Reached,
}

/// The keys of a page.
pub(crate) struct Sent(Option<ArchiveKeys>);

/// Where a log ends, as a server tells it.
#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Reached {
    pub(crate) position: Option<Position>,
    pub(crate) hash: Hash,
    pub(crate) directory_hash: Option<Hash>,
}

/// What became of a question to a server.
pub(crate) enum Told {
    /// A page.
    Page(Page),
    /// The server has another commit where the copy ends, or none.
    Parted,
}

#[derive(Deserialize)]
struct Wire {
    commits: Vec<WireCommit>,
    keys: Option<String>,
    next: Option<serde_json::Value>,
    head: Reached,
}

#[derive(Deserialize)]
struct WireCommit {
    position: Position,
    hash: Hash,
    bytes: String,
}

#[derive(Deserialize)]
struct Tenants {
    tenants: Vec<Listed>,
    head: Option<Reached>,
}

#[derive(Deserialize)]
struct Listed {
    id: TenantId,
    slug: String,
    head: Option<Reached>,
}

/// One of a server's logs.
pub(crate) struct Listing {
    pub(crate) id: TenantId,
    pub(crate) name: String,
    /// Where it ended when the server was asked; none: the server does not say.
    pub(crate) head: Option<Reached>,
}

impl Feed {
    /// The feeds of a server. What it sends is encrypted to a key that this process alone has.
    pub(crate) fn new(remote: Remote) -> Feed {
        let (identity, recipient) = Unlock::fresh();
        Feed { remote, identity, recipient }
    }

    /// The server's address.
    pub(crate) fn url(&self) -> &str {
        &self.remote.url
    }

    /// Every log, the instance's own first.
    pub(crate) async fn logs(&self) -> anyhow::Result<Vec<Listing>> {
        let heads = [("heads", "true".to_owned())];
        let told = self.remote.ask(Method::GET, &["tenants"], &heads, None).await?;
        let listed: Tenants =
            serde_json::from_value(told).context("the server lists no tenants")?;
        let own = Listing { id: TenantId::SYSTEM, name: SYSTEM.to_owned(), head: listed.head };
        let others = listed.tenants.into_iter();
        let others = others.map(|Listed { id, slug: name, head }| Listing { id, name, head });
        Ok([own].into_iter().chain(others).collect())
    }

    /// The commits of a log after `head`. With `hashed`, the hash of its directory comes along.
    pub(crate) async fn after(&self, log: &str, head: &Head, hashed: bool) -> anyhow::Result<Told> {
        let after = head.position.map_or(0, Position::get);
        let mut query = vec![("after", after.to_string()), ("count", PAGE_COMMITS.to_string())];
        if after > 0 {
            query.push(("afterHash", head.hash.to_string()));
        }
        if hashed {
            query.push(("hash", "true".to_owned()));
        }
        match self.ask(log, query).await {
            Ok(page) => Ok(Told::Page(page)),
            Err(error) => match error.downcast_ref::<Said>() {
                Some(Said { status: 409, .. }) => Ok(Told::Parted),
                Some(Said { .. }) | None => Err(error),
            },
        }
    }

    /// The commits after a position, whatever the hash there is.
    pub(crate) async fn since(&self, log: &str, after: u64) -> anyhow::Result<Page> {
        let query = vec![("after", after.to_string()), ("count", PAGE_COMMITS.to_string())];
        self.ask(log, query).await
    }

    /// The commit at a position, and where the log ends.
    pub(crate) async fn at(
        &self,
        log: &str,
        position: Position,
    ) -> anyhow::Result<(Option<(Hash, Vec<u8>)>, Reached)> {
        let head = self.head(log, false).await?;
        if head.position.is_none_or(|last| position > last) {
            return Ok((None, head));
        }
        let query = vec![("after", (position.get() - 1).to_string()), ("count", "1".to_owned())];
        let page = self.ask(log, query).await?;
        Ok((page.commits.into_iter().next().map(|(_, hash, bytes)| (hash, bytes)), page.head))
    }

    /// Where a log ends; with `hashed`, and what its directory comes to.
    pub(crate) async fn head(&self, log: &str, hashed: bool) -> anyhow::Result<Reached> {
        let mut query = vec![("after", "0".to_owned()), ("count", "0".to_owned())];
        if hashed {
            query.push(("hash", "true".to_owned()));
        }
        Ok(self.ask(log, query).await?.head)
    }

    async fn ask(&self, log: &str, mut query: Vec<(&str, String)>) -> anyhow::Result<Page> {
        query.push(("form", "sealed".to_owned()));
        query.push(("recipient", self.recipient.clone()));
        let path = ["tenants", log, "feed"];
        let told = self.remote.ask(Method::GET, &path, &query, None).await?;
        let wire: Wire = serde_json::from_value(told).context("the server's page is no feed")?;
        let mut commits = Vec::with_capacity(wire.commits.len());
        for WireCommit { position, hash, bytes } in wire.commits {
            let bytes = BASE64.decode(bytes.as_bytes()).context("a commit is not in base64")?;
            if eventlog::hash(&bytes) != hash {
                bail!(
                    "the source is not to be trusted: the commit at position {position} of `{log}` has \
                     the hash {}, and the source says {hash}",
                    eventlog::hash(&bytes)
                );
            }
            commits.push((position, hash, bytes));
        }
        let keys = match (&wire.keys, commits.last()) {
            (Some(keys), Some((_, last, _))) => {
                let sealed =
                    BASE64.decode(keys.as_bytes()).context("the keys are not in base64")?;
                Some(eventlog::open_keys(&sealed, *last, &self.identity)?)
            }
            (Some(_) | None, _) => None,
        };
        Ok(Page { commits, keys: Sent(keys), is_last: wire.next.is_none(), head: wire.head })
    }
}

impl Keys for Sent {
    fn person(
        &self,
        tenant: TenantId,
        user: domain::id::UserId,
    ) -> Result<Option<PersonKey>, Broken> {
        self.0.as_ref().map_or(Ok(None), |keys| keys.person(tenant, user))
    }
}
