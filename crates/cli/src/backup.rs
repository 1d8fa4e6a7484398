//! `rollbook backup`: a folder that holds everything up to a moment, and takes in what is new.

mod manifest;
mod origin;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

use anyhow::{Context, ensure};
use clap::Args;
use domain::event::Event;
use domain::id::{TenantId, UserId};
use domain::position::{Head, Position};
use eventlog::{ArchiveReader, ArchiveWriter, NoKeys, PersonKey, Protection, Unlock};

use crate::export::keys_beside;
use crate::instance::Master;
use crate::remote::Server;
use crate::terminal::{progress, say};

pub(crate) use manifest::Manifest;
use manifest::{Part, Range};
use origin::{End, Origin};

/// Commits in an archive of a backup, at most: what is cut off is carried on after the last whole one.
const PART_COMMITS: u64 = 50_000;

/// Back an instance up while it serves: into a folder of archives, each of which goes on where the last one ended.
///
/// All logs are taken as they are at one moment. Given again, the same command takes what is new since then, and carries on
/// where it was cut off. `rollbook replay FOLDER --into DIR` makes an instance of it, and proves that nothing differs.
#[derive(Args)]
#[command(after_help = "\
Examples:
  rollbook backup --server http://127.0.0.1:8080 --to /backup/rollbook --recipient age1…
  ROLLBOOK_KEYS_PASSPHRASE=… rollbook backup --data ./data --to ./backup
  rollbook replay ./backup --into ./restored --identity-file age-key.txt

The keys that personal data is sealed with are encrypted to the recipient, or to one that is made with the first
backup and kept in the folder under the passphrase. Only the first backup needs to be told; restoring takes the identity or
the passphrase. A person who was erased is erased from the older parts' keys with the next backup. A data folder is backed
up with --data only while no server has it open.")]
pub(crate) struct Backup {
    #[command(flatten)]
    server: Server,
    /// A data folder that no server has open
    #[arg(long, value_name = "DIR", conflicts_with = "server")]
    data: Option<PathBuf>,
    /// The folder of the backup; it is made if it is not there
    #[arg(long, value_name = "FOLDER")]
    to: PathBuf,
    /// Encrypt the keys to this age recipient
    #[arg(long, value_name = "AGE1…")]
    recipient: Option<String>,
    /// Keep what opens the keys in the backup, under this passphrase
    #[arg(long, env = "ROLLBOOK_KEYS_PASSPHRASE", hide_env_values = true, hide = true)]
    passphrase: Option<String>,
    #[command(flatten)]
    master: Master,
}

/// What is in a part beside the commits.
#[derive(Default)]
struct People {
    keys: Vec<(TenantId, UserId, PersonKey)>,
    erased: BTreeSet<(TenantId, UserId)>,
}

impl Backup {
    pub(crate) async fn run(self) -> anyhow::Result<()> {
        let origin = match &self.data {
            Some(data) => Origin::folder(data, &self.master)?,
            None => Origin::server(self.server.required()?),
        };
        let ends = origin.ends().await?;
        let mut held = self.held()?;
        let before: u64 = held.commits();
        let mut people = People::default();
        held.adopt(&self.to, &mut people.erased)?;
        let mut heads = held.heads.clone();
        let new: u64 = ends.iter().map(|end| behind(end, &heads)).sum();
        let bar = progress(new, "commits");
        bar.set_message("backing up");
        for ranges in parts(&ends, &heads)? {
            let part = self.part(&origin, &held, &ranges, &mut heads, &mut people, &bar).await;
            held.parts.push(part?);
        }
        bar.finish_and_clear();
        for end in &ends {
            let head = heads.get(&end.tenant).copied().unwrap_or(Head::EMPTY);
            ensure!(
                head.position == Some(end.position) && head.hash == end.hash,
                "`{}` is not at position {} what the source said",
                end.name,
                end.position
            );
        }
        self.forget(&origin, &ends, &held, &people.erased).await?;
        held.heads = heads;
        held.names = ends.iter().map(|end| (end.tenant, end.name.clone())).collect();
        held.write(&self.to)?;
        self.tell(&held, held.commits() - before, &ends);
        origin.close();
        Ok(())
    }

    /// What the folder holds already; a new backup begins with what it is encrypted to.
    fn held(&self) -> anyhow::Result<Manifest> {
        if Manifest::is_in(&self.to) {
            let held = Manifest::read(&self.to)?;
            if let Some(other) = self.recipient.as_ref().filter(|other| **other != held.recipient) {
                anyhow::bail!(
                    "the keys in {} are encrypted to {}, not to {other}: begin a new backup in another folder",
                    self.to.display(),
                    held.recipient
                );
            }
            return Ok(held);
        }
        ensure!(
            self.recipient.is_some() || self.passphrase.is_some(),
            "what are the keys of personal data to be encrypted to? Give --recipient age1…, or set \
             ROLLBOOK_KEYS_PASSPHRASE"
        );
        fs::create_dir_all(&self.to)
            .with_context(|| format!("{} cannot be created", self.to.display()))?;
        ensure!(
            Manifest::may_begin(&self.to)?,
            "{} is neither empty nor a backup",
            self.to.display()
        );
        let recipient = match (&self.recipient, &self.passphrase) {
            (Some(recipient), _) => {
                recipient.parse::<eventlog::Recipient>()?;
                recipient.clone()
            }
            (None, passphrase) => {
                let passphrase = passphrase.as_deref().unwrap_or_default();
                let identity = Manifest::identity(&self.to);
                if identity.exists() {
                    let kept = Unlock::passphrase(passphrase).kept(&identity)?.recipient();
                    kept.with_context(|| format!("{} holds no identity", identity.display()))?
                } else {
                    Unlock::keep_fresh(&identity, &Protection::passphrase(passphrase))?
                }
            }
        };
        let held = Manifest::begun(recipient);
        held.write(&self.to)?;
        Ok(held)
    }

    /// Writes one archive, and its keys beside it.
    async fn part(
        &self,
        origin: &Origin,
        held: &Manifest,
        ranges: &[(Range, String)],
        heads: &mut BTreeMap<TenantId, Head>,
        people: &mut People,
        bar: &indicatif::ProgressBar,
    ) -> anyhow::Result<Part> {
        let file = Manifest::file_of(held.parts.len() + 1);
        let path = self.to.join(&file);
        let tenants: Vec<TenantId> = ranges.iter().map(|(range, _)| range.tenant).collect();
        let created_by = concat!("rollbook ", env!("CARGO_PKG_VERSION"));
        let mut writer = ArchiveWriter::new(&path, &tenants, created_by, heads)?;
        for (range, name) in ranges {
            let mut head = heads.get(&range.tenant).copied().unwrap_or(Head::EMPTY);
            while head.position.is_none_or(|last| last < range.to) {
                let run = origin.run(range.tenant, name, &head).await?;
                ensure!(!run.commits.is_empty(), "`{name}` ends before position {}", range.to);
                for (position, bytes) in run.commits {
                    if position > range.to {
                        break;
                    }
                    writer.add(range.tenant, &bytes)?;
                    people.read(&bytes, range.tenant, &run.keys)?;
                    let time = eventlog::open(&bytes, &NoKeys)?.at;
                    head = Head { position: Some(position), hash: eventlog::hash(&bytes), time };
                    bar.inc(1);
                }
            }
        }
        let (summary, ends) = writer.finish()?;
        let keys = std::mem::take(&mut people.keys);
        eventlog::write_keys(&keys_beside(&path), summary.digest, keys, &protection(held))?;
        heads.extend(ends);
        let logs = ranges.iter().map(|(range, _)| *range).collect();
        Ok(Part { file, commits: summary.commits, digest: summary.digest, logs })
    }

    /// Writes the keys anew of parts that hold somebody who was erased since.
    async fn forget(
        &self,
        origin: &Origin,
        ends: &[End],
        held: &Manifest,
        erased: &BTreeSet<(TenantId, UserId)>,
    ) -> anyhow::Result<()> {
        if erased.is_empty() {
            return Ok(());
        }
        let mut start = BTreeMap::new();
        for part in &held.parts {
            let path = self.to.join(&part.file);
            let archive = ArchiveReader::open_after(&path, &start)?;
            start = archive.reached().clone();
            let mut persons = BTreeSet::new();
            for stored in archive.commits()? {
                let stored = stored?;
                persons.extend(created(&stored.bytes)?.map(|user| (stored.tenant, user)));
            }
            if persons.is_disjoint(erased) {
                continue;
            }
            let mut people = People::default();
            for Range { tenant, from, to } in &part.logs {
                let name = ends.iter().find(|end| end.tenant == *tenant).map(|end| &end.name);
                let name = name.with_context(|| format!("the source has no tenant {tenant}"))?;
                people.keys.extend(origin.keys(*tenant, name, *from, *to).await?);
            }
            people.keys.retain(|(tenant, user, _)| persons.contains(&(*tenant, *user)));
            let (keys, draft) = (keys_beside(&path), path.with_extension("keys-anew"));
            if draft.exists() {
                fs::remove_file(&draft)?;
            }
            eventlog::write_keys(&draft, part.digest, people.keys, &protection(held))?;
            fs::rename(&draft, &keys)?;
        }
        Ok(())
    }

    fn tell(&self, held: &Manifest, new: u64, ends: &[End]) {
        let (all, parts) = (held.commits(), held.parts.len());
        let to = self.to.display();
        let commits = if new == 1 { "commit" } else { "commits" };
        let archives = if parts == 1 { "archive" } else { "archives" };
        say(format!("{to}  {new} new {commits}, {all} in all, in {parts} {archives}"));
        for End { name, position, hash, .. } in ends {
            say(format!("\n{name}"));
            say(format!("  position        {position}"));
            say(format!("  head hash       {hash}"));
        }
    }
}

impl People {
    fn read(
        &mut self,
        bytes: &[u8],
        tenant: TenantId,
        keys: &impl eventlog::Keys,
    ) -> anyhow::Result<()> {
        for user in created(bytes)? {
            if let Some(key) = keys.person(tenant, user)? {
                self.keys.push((tenant, user, key));
            }
        }
        self.erased.extend(erased(bytes)?.map(|user| (tenant, user)));
        Ok(())
    }
}

/// The persons who come to be in a commit.
fn created(bytes: &[u8]) -> anyhow::Result<impl Iterator<Item = UserId>> {
    let commit = eventlog::open(bytes, &NoKeys)?;
    Ok(commit.events.into_iter().filter_map(|event| {
        if let Event::UserCreated { user, .. } = event { Some(user) } else { None }
    }))
}

/// The persons who are erased in a commit.
fn erased(bytes: &[u8]) -> anyhow::Result<impl Iterator<Item = UserId>> {
    let commit = eventlog::open(bytes, &NoKeys)?;
    Ok(commit.events.into_iter().filter_map(|event| {
        if let Event::UserErased { user, .. } = event { Some(user) } else { None }
    }))
}

fn protection(held: &Manifest) -> Protection {
    Protection::Recipient(held.recipient.clone())
}

/// How many commits of a log are not in the backup yet.
fn behind(end: &End, heads: &BTreeMap<TenantId, Head>) -> u64 {
    let have = heads.get(&end.tenant).and_then(|head| head.position).map_or(0, Position::get);
    end.position.get().saturating_sub(have)
}

/// What is new, in portions of at most [`PART_COMMITS`]; the instance's own log first.
fn parts(
    ends: &[End],
    heads: &BTreeMap<TenantId, Head>,
) -> anyhow::Result<Vec<Vec<(Range, String)>>> {
    let (mut parts, mut part, mut room) = (Vec::new(), Vec::new(), PART_COMMITS);
    for end in ends {
        let mut next = heads.get(&end.tenant).copied().unwrap_or(Head::EMPTY).next();
        while next <= end.position {
            let last = next.get().saturating_add(room - 1).min(end.position.get());
            let to = Position::new(last).context("a position")?;
            part.push((Range { tenant: end.tenant, from: next, to }, end.name.clone()));
            room -= last - next.get() + 1;
            next = to.next();
            if room == 0 {
                parts.push(std::mem::take(&mut part));
                room = PART_COMMITS;
            }
        }
    }
    if !part.is_empty() {
        parts.push(part);
    }
    Ok(parts)
}
