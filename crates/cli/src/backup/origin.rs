//! What is backed up: a running server, or a data folder that lies still.

use std::path::Path;

use anyhow::{bail, ensure};
use domain::event::Event;
use domain::id::{TenantId, UserId};
use domain::position::{Hash, Head, Position};
use eventlog::{Broken, EventLog, Keys, LogReader, NoKeys, PersonKey, Reader, SledLog};

use crate::heads::SYSTEM;
use crate::instance::{self, Master};
use crate::remote::Remote;
use crate::replay::{Feed, Sent, Told};

/// Commits that are read out of a folder at once.
const RUN: u64 = 1_000;

pub(super) enum Origin {
    Server(Feed),
    Folder { log: SledLog, reader: Reader },
}

/// Where a log ended when the backup began.
pub(super) struct End {
    pub(super) tenant: TenantId,
    pub(super) name: String,
    pub(super) position: Position,
    pub(super) hash: Hash,
}

/// Some commits, in order.
pub(super) struct Run {
    pub(super) commits: Vec<(Position, Vec<u8>)>,
    pub(super) keys: Opener,
}

/// The keys that go with a run.
pub(super) enum Opener {
    Sent(Sent),
    Folder(Reader),
}

impl Keys for Opener {
    fn person(&self, tenant: TenantId, user: UserId) -> Result<Option<PersonKey>, Broken> {
        match self {
            Opener::Sent(sent) => sent.person(tenant, user),
            Opener::Folder(reader) => reader.person(tenant, user),
        }
    }
}

impl Origin {
    pub(super) fn server(remote: Remote) -> Origin {
        Origin::Server(Feed::new(remote))
    }

    pub(super) fn folder(data: &Path, master: &Master) -> anyhow::Result<Origin> {
        let log = instance::open_log(data, master)?;
        let reader = log.reader();
        Ok(Origin::Folder { log, reader })
    }

    pub(super) fn close(self) {
        match self {
            Origin::Server(_) => {}
            Origin::Folder { log, .. } => log.close(),
        }
    }

    /// Where every log ends, all at one moment; the instance's own first.
    pub(super) async fn ends(&self) -> anyhow::Result<Vec<End>> {
        match self {
            Origin::Server(feed) => {
                let logs = feed.logs().await?;
                let mut ends = Vec::new();
                for log in logs {
                    let Some(head) = log.head else {
                        bail!("the server does not say where logs end: it is of an older release")
                    };
                    let Some(position) = head.position else { continue };
                    ends.push(End { tenant: log.id, name: log.name, position, hash: head.hash });
                }
                Ok(ends)
            }
            Origin::Folder { reader, .. } => {
                let mut ends: Vec<_> = reader
                    .heads()
                    .into_iter()
                    .map(|(tenant, position, hash)| {
                        let name = name(reader, tenant).unwrap_or_else(|| tenant.to_string());
                        End { tenant, name, position, hash }
                    })
                    .collect();
                ends.sort_by_key(|end| (end.tenant != TenantId::SYSTEM, end.tenant));
                Ok(ends)
            }
        }
    }

    /// The commits of a log that follow `head`.
    pub(super) async fn run(
        &self,
        tenant: TenantId,
        name: &str,
        head: &Head,
    ) -> anyhow::Result<Run> {
        match self {
            Origin::Server(feed) => match feed.after(name, head, false).await? {
                Told::Page(page) => {
                    let commits = page.commits.into_iter();
                    let commits = commits.map(|(position, _, bytes)| (position, bytes)).collect();
                    Ok(Run { commits, keys: Opener::Sent(page.keys) })
                }
                Told::Parted => Err(parted(name, head)),
            },
            Origin::Folder { reader, .. } => {
                if let Some(last) = head.position {
                    let there = reader.commit(tenant, last)?;
                    let same = there.is_some_and(|bytes| eventlog::hash(&bytes) == head.hash);
                    ensure!(same, parted(name, head));
                }
                Ok(folder_run(reader, tenant, head.next())?)
            }
        }
    }

    /// The keys of those who came to be at these positions and can still be read.
    pub(super) async fn keys(
        &self,
        tenant: TenantId,
        name: &str,
        from: Position,
        to: Position,
    ) -> anyhow::Result<Vec<(TenantId, UserId, PersonKey)>> {
        let (mut keys, mut next) = (Vec::new(), from);
        while next <= to {
            let run = match self {
                Origin::Server(feed) => {
                    let page = feed.since(name, next.get() - 1).await?;
                    let commits = page.commits.into_iter();
                    let commits = commits.map(|(position, _, bytes)| (position, bytes)).collect();
                    Run { commits, keys: Opener::Sent(page.keys) }
                }
                Origin::Folder { reader, .. } => folder_run(reader, tenant, next)?,
            };
            ensure!(!run.commits.is_empty(), "`{name}` ends before position {to}");
            for (position, bytes) in run.commits {
                for user in super::created(&bytes)? {
                    if let Some(key) = run.keys.person(tenant, user)? {
                        keys.push((tenant, user, key));
                    }
                }
                next = position.next();
            }
        }
        Ok(keys)
    }
}

fn folder_run(reader: &Reader, tenant: TenantId, from: Position) -> anyhow::Result<Run> {
    let to = Position::new(from.get().saturating_add(RUN - 1)).unwrap_or(from);
    let stored: Result<Vec<_>, Broken> = reader.range(tenant, from, to).collect();
    let commits = stored?.into_iter().map(|stored| (stored.position, stored.bytes)).collect();
    Ok(Run { commits, keys: Opener::Folder(reader.clone()) })
}

fn parted(name: &str, head: &Head) -> anyhow::Error {
    let position = head.position.map_or(0, Position::get);
    anyhow::anyhow!(
        "`{name}` has another commit at position {position} than the backup: it was restored from something \
         older, or is another instance. The backup is as it was; begin a new one in another folder"
    )
}

/// What a log is called: the slug with which it was opened.
fn name(reader: &Reader, tenant: TenantId) -> Option<String> {
    if tenant == TenantId::SYSTEM {
        return Some(SYSTEM.to_owned());
    }
    let first = reader.commit(tenant, Position::FIRST).ok()??;
    let commit = eventlog::open(&first, &NoKeys).ok()?;
    commit.events.into_iter().find_map(|event| {
        if let Event::TenantOpened { slug, .. } = event { Some(slug) } else { None }
    })
}
