//! A first look at a source: whose logs there are, and where each is to end in the copy.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, bail, ensure};
use domain::event::{Event, Holder};
use domain::id::{CredentialId, TenantId};
use domain::position::{Hash, Position};
use domain::time::Timestamp;
use engine::When;
use eventlog::NoKeys;
use uuid::Uuid;

use super::source::Source;
use crate::heads::SYSTEM;
use crate::terminal::progress;

/// Where a log ends, in the source or in the copy.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct End {
    pub(crate) position: Position,
    pub(crate) hash: Hash,
    pub(crate) at: Timestamp,
}

/// What is copied.
pub(crate) struct Survey {
    /// The one tenant, with its slug, if it is only one.
    pub(crate) only: Option<(TenantId, String)>,
    /// Where each log ends in the copy; a log that is not among them is not copied.
    pub(crate) ends: BTreeMap<TenantId, End>,
    /// Commits that are copied.
    pub(crate) commits: u64,
    /// What a copy of one tenant must know before it begins.
    pub(crate) seen: Seen,
}

/// What the commits of one tenant, and of the instance's own log, speak of.
#[derive(Default)]
pub(crate) struct Seen {
    /// Users and groups.
    pub(crate) ids: BTreeSet<Uuid>,
    /// Credentials that are not revoked at the end, in the order in which they were issued.
    pub(crate) keys: Vec<Key>,
}

/// A credential.
#[derive(Clone, Copy)]
pub(crate) struct Key {
    pub(crate) id: CredentialId,
    pub(crate) holder: Holder,
    pub(crate) expires: Option<Timestamp>,
}

/// One reading of a source, with nothing personal opened.
#[derive(Default)]
struct Reading {
    slugs: BTreeMap<String, TenantId>,
    /// The last commit of each log that is not later than the time that is asked for.
    ends: BTreeMap<TenantId, End>,
    /// Every commit of the instance's own log.
    system: Vec<End>,
    /// Of each log, the commit at the position that is asked for.
    there: BTreeMap<TenantId, End>,
    /// Of each log, its first and last commit's time.
    spans: BTreeMap<TenantId, (Timestamp, End)>,
}

impl Survey {
    /// Reads a source once.
    pub(crate) fn of(
        source: &Source,
        tenant: Option<&str>,
        until: Option<When>,
        now: Timestamp,
    ) -> anyhow::Result<Survey> {
        match until {
            Some(When::Position(_)) if tenant.is_none() => bail!(
                "a position is a place in one tenant's log: name it with --tenant, or give a time"
            ),
            Some(When::Time(time)) if time > now => bail!("{time} is yet to come: it is {now}"),
            Some(When::Position(_) | When::Time(_)) | None => {}
        }
        let reading = Reading::of(source, until)?;
        let only = match tenant {
            Some(slug) => Some((reading.named(source, slug)?, slug.to_owned())),
            None => None,
        };
        let mut ends = match (until, &only) {
            (Some(When::Position(position)), Some((id, slug))) => {
                reading.up_to(*id, slug, position)?
            }
            (Some(When::Position(_) | When::Time(_)) | None, _) => reading.ends.clone(),
        };
        if let Some((id, slug)) = &only {
            ends.retain(|tenant, _| tenant == id || *tenant == TenantId::SYSTEM);
            if let (false, Some((born, _))) = (ends.contains_key(id), reading.spans.get(id)) {
                bail!("tenant `{slug}` did not exist yet: its log begins at {born}");
            }
        }
        if ends.is_empty() {
            let first = reading.spans.values().map(|(first, _)| *first).min();
            let first = first.context("there is nothing to replay: no log has a commit")?;
            bail!("there was nothing yet: the first log begins at {first}");
        }
        let commits = ends.values().map(|end| end.position.get()).sum();
        let seen = match &only {
            Some(_) => Seen::of(source, &ends)?,
            None => Seen::default(),
        };
        Ok(Survey { only, ends, commits, seen })
    }

    /// Whether a commit is copied.
    pub(crate) fn has(&self, tenant: TenantId, position: Position) -> bool {
        self.ends.get(&tenant).is_some_and(|end| position <= end.position)
    }
}

impl Seen {
    fn of(source: &Source, ends: &BTreeMap<TenantId, End>) -> anyhow::Result<Seen> {
        let mut seen = Seen::default();
        for stored in source.commits()? {
            let stored = stored?;
            let copied = ends.get(&stored.tenant);
            if copied.is_none_or(|end| stored.position > end.position) {
                continue;
            }
            for event in eventlog::open(&stored.bytes, &NoKeys)?.events {
                if let Event::CredentialIssued { credential: id, holder, expires, .. } = event {
                    seen.keys.push(Key { id, holder, expires });
                } else if let Event::CredentialEnds { credential, at } = event {
                    let ending = seen.keys.iter_mut().filter(|key| key.id == credential);
                    ending.for_each(|key| key.expires = Some(at));
                } else if let Event::CredentialRevoked { credential } = event {
                    seen.keys.retain(|key| key.id != credential);
                } else if let Event::UserCreated { user, .. } = event {
                    seen.ids.insert(user.uuid());
                } else if let Event::GroupCreated { group, .. } = event {
                    seen.ids.insert(group.uuid());
                }
            }
        }
        Ok(seen)
    }
}

impl Reading {
    fn of(source: &Source, until: Option<When>) -> anyhow::Result<Reading> {
        let bar = progress(source.total(), "commits");
        bar.set_message("looking");
        let mut reading = Reading::default();
        for stored in source.commits()? {
            let stored = stored?;
            let end = End {
                position: stored.position,
                hash: eventlog::hash(&stored.bytes),
                at: stored.at()?,
            };
            if stored.tenant == TenantId::SYSTEM {
                for event in eventlog::open(&stored.bytes, &NoKeys)?.events {
                    if let Event::TenantOpened { tenant, slug } = event {
                        reading.slugs.insert(slug, tenant);
                    }
                }
                reading.system.push(end);
            }
            if until.is_none_or(|until| match until {
                When::Time(time) => end.at <= time,
                When::Position(_) => true,
            }) {
                reading.ends.insert(stored.tenant, end);
            }
            if until == Some(When::Position(stored.position)) {
                reading.there.insert(stored.tenant, end);
            }
            let span = reading.spans.entry(stored.tenant).or_insert((end.at, end));
            span.1 = end;
            bar.inc(1);
        }
        bar.finish_and_clear();
        Ok(reading)
    }

    fn named(&self, source: &Source, slug: &str) -> anyhow::Result<TenantId> {
        ensure!(slug != SYSTEM, "{SYSTEM} is the instance's own log: name a tenant");
        let found = self.slugs.get(slug).copied();
        found.with_context(|| {
            let there: Vec<&str> = self.slugs.keys().map(String::as_str).collect();
            let there = there.join(", ");
            format!(
                "there is no tenant `{slug}` in {}; there are: {there}",
                source.path().display()
            )
        })
    }

    /// A tenant up to a position, and the instance's own log as it was then.
    fn up_to(
        &self,
        id: TenantId,
        slug: &str,
        position: Position,
    ) -> anyhow::Result<BTreeMap<TenantId, End>> {
        let Some(end) = self.there.get(&id).copied() else {
            let last = self.spans.get(&id).map_or(0, |(_, last)| last.position.get());
            bail!("position {position} is not reached: the log of `{slug}` ends at {last}");
        };
        let system = self.system.iter().take_while(|system| system.at <= end.at).last().copied();
        let system = system.map(|system| (TenantId::SYSTEM, system));
        Ok(system.into_iter().chain([(id, end)]).collect())
    }
}
