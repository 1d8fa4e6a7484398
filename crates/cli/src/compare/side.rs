//! One of the two that are compared.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context;
use domain::commit::Commit;
use domain::directory::Directory;
use domain::event::Subject;
use domain::id::TenantId;
use domain::position::{Hash, Head, Position};
use engine::Fold;
use eventlog::{LogReader, NoKeys, Stored};

use super::Ignore;
use crate::heads;
use crate::remote::Server;
use crate::replay::{Feed, Listing, Opening, Source, Told};
use crate::terminal::progress;

/// An instance: one that lies still, or one that is served.
pub(crate) struct Side {
    label: String,
    logs: Vec<Log>,
    holds: Holds,
}

enum Holds {
    /// Everything, read once: the views, and the hash of each commit.
    Still { source: Box<Source>, fold: Fold, hashes: BTreeMap<TenantId, Vec<Hash>> },
    /// What is asked for.
    Served(Feed),
}

/// A log, and where it ends.
#[derive(Clone)]
pub(crate) struct Log {
    pub(crate) id: TenantId,
    pub(crate) name: String,
    pub(crate) position: Option<Position>,
    pub(crate) hash: Hash,
    pub(crate) directory: Option<Hash>,
}

impl Log {
    /// The last position, 0 when there is none.
    pub(crate) fn last(&self) -> u64 {
        self.position.map_or(0, Position::get)
    }
}

impl Side {
    pub(crate) async fn open(
        what: &str,
        opening: &Opening,
        operator_key: Option<&String>,
        master: Option<&Path>,
    ) -> anyhow::Result<Side> {
        let label = what.to_owned();
        if what.starts_with("http://") || what.starts_with("https://") {
            let server = Server::at(what, operator_key);
            let feed = Feed::new(server.required()?);
            let mut logs = Vec::new();
            for Listing { id, name, .. } in feed.logs().await? {
                let head = feed.head(&name, true).await?;
                let (position, hash, directory) = (head.position, head.hash, head.directory_hash);
                logs.push(Log { id, name, position, hash, directory });
            }
            return Ok(Side { label, logs, holds: Holds::Served(feed) });
        }
        let source = Source::open_with(Path::new(what), opening, master)?;
        let (mut fold, mut hashes) = (Fold::default(), BTreeMap::<TenantId, Vec<Hash>>::new());
        let bar = progress(source.total(), "commits");
        bar.set_message("reading");
        for stored in source.commits()? {
            let stored = stored?;
            hashes.entry(stored.tenant).or_default().push(eventlog::hash(&stored.bytes));
            fold.add(&stored, &source).with_context(|| format!("{what} cannot be read"))?;
            bar.inc(1);
        }
        bar.finish_and_clear();
        let log = |id: &TenantId| {
            let snapshot = fold.get(*id)?;
            let Head { position, hash, .. } = snapshot.head;
            let directory = Some(eventlog::fingerprint(&snapshot.directory));
            Some(Log { id: *id, name: heads::name(*id, snapshot), position, hash, directory })
        };
        let logs = hashes.keys().filter_map(log).collect();
        Ok(Side { label, logs, holds: Holds::Still { source: Box::new(source), fold, hashes } })
    }

    pub(crate) fn label(&self) -> &str {
        &self.label
    }

    pub(crate) fn logs(&self) -> impl Iterator<Item = &Log> {
        self.logs.iter()
    }

    pub(crate) fn named(&self, name: &str) -> Option<Log> {
        self.logs.iter().find(|log| log.name == name).cloned()
    }

    /// The commit at a position, with nothing personal opened.
    pub(crate) async fn commit(
        &self,
        log: &Log,
        position: Position,
    ) -> anyhow::Result<Option<(Hash, Commit)>> {
        let bytes = match &self.holds {
            Holds::Served(feed) => feed.at(&log.name, position).await?.0.map(|(_, bytes)| bytes),
            Holds::Still { source, hashes, .. } => {
                let all = hashes.get(&log.id).map_or(0, Vec::len) as u64;
                if position.get() > all { None } else { source.commit(log.id, position)? }
            }
        };
        let Some(bytes) = bytes else { return Ok(None) };
        Ok(Some((eventlog::hash(&bytes), eventlog::open(&bytes, &NoKeys)?)))
    }

    /// What a log comes to.
    pub(crate) async fn directory(&self, log: &Log) -> anyhow::Result<Directory> {
        let snapshot = match &self.holds {
            Holds::Still { fold, .. } => fold.get(log.id).cloned(),
            Holds::Served(feed) => {
                let mut copy = engine::Copy::open(eventlog::MemoryLog::new(), |_| {})?;
                self.each(feed, log, |bytes, keys| {
                    copy.add(log.id, bytes, keys)?;
                    Ok(())
                })
                .await?;
                copy.finish()?.get(log.id).cloned()
            }
        };
        Ok(snapshot.map(|snapshot| snapshot.directory).unwrap_or_default())
    }

    /// What each commit tells, without its hash and what is left out.
    pub(crate) async fn outlines(
        &self,
        log: &Log,
        ignore: &[Ignore],
    ) -> anyhow::Result<Vec<String>> {
        let mut outlines = Vec::new();
        match &self.holds {
            Holds::Still { source, .. } => {
                for stored in source.commits()? {
                    let stored = stored?;
                    if stored.tenant == log.id {
                        outlines.push(outline(&eventlog::open(&stored.bytes, &NoKeys)?, ignore));
                    }
                }
            }
            Holds::Served(feed) => {
                self.each(feed, log, |bytes, _| {
                    outlines.push(outline(&eventlog::open(&bytes, &NoKeys)?, ignore));
                    Ok(())
                })
                .await?;
            }
        }
        Ok(outlines)
    }

    /// Every commit of a served log, up to where it ended when the comparison began.
    async fn each(
        &self,
        feed: &Feed,
        log: &Log,
        mut take: impl FnMut(Vec<u8>, &crate::replay::Sent) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let mut head = Head::EMPTY;
        while head.position < log.position {
            let page = match feed.after(&log.name, &head, false).await? {
                Told::Page(page) => page,
                Told::Parted => anyhow::bail!("{} changed while it was read", self.label),
            };
            if page.commits.is_empty() {
                break;
            }
            for (position, hash, bytes) in page.commits {
                if Some(position) > log.position {
                    return Ok(());
                }
                let stored = Stored { tenant: log.id, position, bytes };
                head = Head { position: Some(position), hash, time: stored.at()? };
                take(stored.bytes, &page.keys)?;
            }
        }
        Ok(())
    }
}

/// A commit in words that two copies of one history share: place, time, request, actor, and which
/// kinds of events there are about whom.
fn outline(commit: &Commit, ignore: &[Ignore]) -> String {
    let origin = &commit.origin;
    let mut told =
        format!("{} {} {} {:?}", commit.position, commit.at, origin.request, origin.actor);
    if !ignore.contains(&Ignore::Persons) {
        told.push_str(&format!(" {:?} {:?}", origin.source, origin.agent));
    }
    for event in &commit.events {
        told.push(' ');
        told.push_str(event.kind().name());
        event.each_subject(|subject| match subject {
            Subject::Tenant(_) if ignore.contains(&Ignore::Tenant) => {}
            Subject::Tenant(_)
            | Subject::User(_)
            | Subject::Group(_)
            | Subject::Role(_)
            | Subject::Policy(_)
            | Subject::Connector(_)
            | Subject::Credential(_)
            | Subject::Operator(_) => told.push_str(&format!(" {subject:?}")),
        });
    }
    told
}

impl Source {
    /// The exact bytes of the commit at a position.
    fn commit(&self, tenant: TenantId, position: Position) -> anyhow::Result<Option<Vec<u8>>> {
        if let Source::Folder { reader, .. } = self {
            return Ok(reader.commit(tenant, position)?);
        }
        for stored in self.commits()? {
            let stored = stored?;
            if stored.tenant == tenant && stored.position == position {
                return Ok(Some(stored.bytes));
            }
        }
        Ok(None)
    }
}
