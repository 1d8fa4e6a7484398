//! `rollbook export`, `replay` and `verify`: out of one instance, into another, and the proof that
//! nothing differs.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use clap::Args;
use domain::id::TenantId;
use domain::snapshot::Snapshot;
use eventlog::{
    ArchiveKeys, ArchiveReader, EventLog, Keys, LogReader, Protection, Sealed, SledLog, Unlock,
};
use serde_json::json;

use crate::instance::{self, Master};
use crate::terminal::{is_terminal, note, progress, say};

/// Commits that are written at once while replaying.
const REPLAY_COMMITS: usize = 512;
/// Bytes of commits that are written at once while replaying.
const REPLAY_BYTES: usize = 4 << 20;

/// Write every commit of an instance, byte for byte, into one checksummed archive.
///
/// The keys that personal data is sealed with go into a second, encrypted file beside it.
#[derive(Args)]
#[command(after_help = "\
Examples:
  rollbook export --data ./data --out acme.rollbook
  rollbook export --data ./data --out acme.rollbook --recipient age1…
  ROLLBOOK_KEYS_PASSPHRASE=… rollbook export --data ./data --out acme.rollbook

Without a recipient or a passphrase one is made, and shown this once. No server may have the data
folder open meanwhile.")]
pub(crate) struct Export {
    /// The data folder
    #[arg(long, env = "ROLLBOOK_DATA", value_name = "DIR")]
    data: PathBuf,
    /// The archive to write; the keys go to the same name with `.keys`
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Encrypt the keys to this age recipient
    #[arg(long, value_name = "AGE1…")]
    recipient: Option<String>,
    /// Encrypt the keys with this passphrase
    #[arg(long, env = "ROLLBOOK_KEYS_PASSPHRASE", hide_env_values = true, hide = true)]
    passphrase: Option<String>,
    #[command(flatten)]
    master: Master,
}

/// Rebuild a fresh instance from an archive, and prove that nothing differs.
///
/// What is cut off half-way is carried on when the same command is given again; under its final
/// name there is never half an instance.
#[derive(Args)]
#[command(after_help = "\
Examples:
  ROLLBOOK_KEYS_PASSPHRASE=… rollbook replay acme.rollbook --into ./fresh
  rollbook replay acme.rollbook --into ./fresh --identity-file age-key.txt
  rollbook replay acme.rollbook --into ./fresh --without-keys    everyone reads as erased")]
pub(crate) struct Replay {
    /// The archive
    archive: PathBuf,
    /// The data folder to make; it must not be there
    #[arg(long, value_name = "DIR")]
    into: PathBuf,
    /// The keys file; the archive's name with `.keys` when not given
    #[arg(long, value_name = "FILE")]
    keys: Option<PathBuf>,
    /// The passphrase that the keys are encrypted with
    #[arg(long, env = "ROLLBOOK_KEYS_PASSPHRASE", hide_env_values = true, hide = true)]
    passphrase: Option<String>,
    /// A file with the age identity that the keys are encrypted to
    #[arg(long, value_name = "FILE")]
    identity_file: Option<PathBuf>,
    /// Do without the keys: nobody's personal data can be read then, for good
    #[arg(long)]
    without_keys: bool,
    #[command(flatten)]
    master: Master,
}

/// Recompute the chain of every log and every view from it.
#[derive(Args)]
#[command(after_help = "\
Examples:
  rollbook verify --data ./data
  rollbook verify --data ./data --json

Exit status 1 when anything does not fit; the position and the reason are named.")]
pub(crate) struct Verify {
    /// The data folder
    #[arg(long, env = "ROLLBOOK_DATA", value_name = "DIR")]
    data: PathBuf,
    /// Print JSON, for programs
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    master: Master,
}

type Tenants = BTreeMap<TenantId, Snapshot>;

impl Export {
    pub(crate) fn run(self) -> anyhow::Result<()> {
        let (protection, made) = self.protection()?;
        let keys_file = keys_beside(&self.out);
        ensure!(
            !keys_file.exists(),
            "{} is there already; choose another name or move it away",
            keys_file.display()
        );
        let log = instance::open_log(&self.data, &self.master)?;
        let reader = log.reader();
        let tenants = fold(&reader)?;
        let ids: Vec<TenantId> = tenants.keys().copied().collect();
        let bar = progress(0, "commits");
        bar.set_message("exporting");
        let created_by = concat!("rollbook ", env!("CARGO_PKG_VERSION"));
        let written =
            eventlog::write_archive(&self.out, &ids, created_by, &reader, |done, total| {
                bar.set_length(total);
                bar.set_position(done);
            })?;
        bar.finish_and_clear();
        let mut keys = Vec::new();
        for tenant in ids {
            let persons = reader.persons(tenant)?;
            keys.extend(persons.into_iter().map(|(user, key)| (tenant, user, key)));
        }
        let persons = keys.len();
        eventlog::write_keys(&keys_file, written.digest, keys, &protection)?;
        say(format!("{}  {} commits", self.out.display(), written.commits));
        let noun = if persons == 1 { "person" } else { "persons" };
        say(format!("{}  keys of {persons} {noun}, encrypted", keys_file.display()));
        if let Some(passphrase) = made {
            say(format!("\n  passphrase of the keys  {passphrase}\n"));
            say("It is shown this once: keep it apart from the archive.");
        }
        show(&tenants);
        log.close();
        Ok(())
    }

    /// What the keys are encrypted to, and the passphrase if it was made just now.
    fn protection(&self) -> anyhow::Result<(Protection, Option<String>)> {
        if let Some(recipient) = &self.recipient {
            return Ok((Protection::Recipient(recipient.clone()), None));
        }
        if let Some(passphrase) = &self.passphrase {
            return Ok((Protection::passphrase(passphrase), None));
        }
        let made = server::Secret::random(server::Purpose::Passphrase)
            .context("the operating system gave no randomness")?;
        let passphrase = made.expose().to_owned();
        Ok((Protection::passphrase(&passphrase), Some(passphrase)))
    }
}

impl Replay {
    pub(crate) fn run(self) -> anyhow::Result<()> {
        let is_free = !self.into.exists()
            || std::fs::read_dir(&self.into).is_ok_and(|mut folder| folder.next().is_none());
        ensure!(
            is_free,
            "{} is not empty: an archive is replayed into a fresh folder",
            self.into.display()
        );
        let archive = ArchiveReader::open(&self.archive)?;
        let summary = archive.summary().clone();
        let keys = self.keys(summary.digest)?;
        let building = building(&self.into);
        std::fs::create_dir_all(&building)
            .with_context(|| format!("{} cannot be created", building.display()))?;
        let (master, is_new) = self.master.key(&building)?;
        let built = build(&archive, &keys, &building, master, summary.commits);
        let tenants = match built {
            Ok(tenants) => tenants,
            Err(error) => {
                drop(std::fs::remove_dir_all(&building));
                return Err(error.context("nothing was imported"));
            }
        };
        if self.into.exists() {
            std::fs::remove_dir(&self.into)?;
        }
        std::fs::rename(&building, &self.into)
            .with_context(|| format!("{} cannot be named so", self.into.display()))?;
        say(format!("{}  {} commits replayed", self.into.display(), summary.commits));
        show(&tenants);
        if is_new {
            note(format!(
                "warning: a master key was made in {}; keep a copy elsewhere, apart from the data",
                self.into.join("master.key").display()
            ));
        }
        Ok(())
    }

    fn keys(&self, digest: domain::position::Hash) -> anyhow::Result<Unlocked> {
        if self.without_keys {
            return Ok(Unlocked(None));
        }
        let file = self.keys.clone().unwrap_or_else(|| keys_beside(&self.archive));
        let unlock = match (&self.identity_file, &self.passphrase) {
            (Some(file), _) => {
                let text = std::fs::read_to_string(file)
                    .with_context(|| format!("{} cannot be read", file.display()))?;
                let identity = text.lines().find(|line| line.starts_with("AGE-SECRET-KEY-"));
                Unlock::identity(identity.with_context(|| {
                    format!("{} holds no line AGE-SECRET-KEY-…", file.display())
                })?)
            }
            (None, Some(passphrase)) => Unlock::passphrase(passphrase),
            (None, None) => bail!(
                "the keys in {} are encrypted: set ROLLBOOK_KEYS_PASSPHRASE, or give \
                 --identity-file (or --without-keys, and everyone reads as erased)",
                file.display()
            ),
        };
        Ok(Unlocked(Some(eventlog::read_keys(&file, digest, &unlock)?)))
    }
}

/// The keys beside an archive, or none of them.
struct Unlocked(Option<ArchiveKeys>);

impl Keys for Unlocked {
    fn person(
        &self,
        tenant: TenantId,
        user: domain::id::UserId,
    ) -> Result<Option<eventlog::PersonKey>, eventlog::Broken> {
        self.0.as_ref().map_or(Ok(None), |keys| keys.person(tenant, user))
    }
}

/// Where an instance grows until it is whole.
fn building(into: &Path) -> PathBuf {
    let mut name = into.file_name().unwrap_or_default().to_owned();
    name.push(".replaying");
    into.with_file_name(name)
}

fn keys_beside(archive: &Path) -> PathBuf {
    let mut name = archive.as_os_str().to_owned();
    name.push(".keys");
    PathBuf::from(name)
}

/// Replays an archive into a folder, carrying on where an earlier try was cut off. Each commit is
/// checked against the one before and applied before it is written.
fn build(
    archive: &ArchiveReader,
    keys: &Unlocked,
    folder: &Path,
    master: eventlog::MasterKey,
    total: u64,
) -> anyhow::Result<Tenants> {
    let mut log = instance::open_log_with(folder, master)?;
    // Opening checked every link of what is there: where it ends is all that is needed of it.
    let there: BTreeMap<_, _> =
        log.reader().heads().into_iter().map(|(t, p, h)| (t, (p, h))).collect();
    let mut tenants = Tenants::new();
    let bar = progress(total, "commits");
    bar.set_message("replaying");
    let (mut batch, mut bytes) = (Vec::new(), 0);
    for stored in archive.commits()? {
        let stored = stored?;
        let snapshot = tenants.entry(stored.tenant).or_default();
        let (commit, head) = eventlog::link(&snapshot.head, stored.tenant, &stored.bytes, keys)?;
        snapshot.advance(&commit, head.hash)?;
        bar.inc(1);
        if let Some((last, hash)) = there.get(&stored.tenant)
            && stored.position <= *last
        {
            ensure!(
                stored.position != *last || head.hash == *hash,
                "{} holds the beginning of another archive; remove it",
                folder.display()
            );
            continue;
        }
        bytes += stored.bytes.len();
        batch.push(Sealed::again(stored.bytes, keys)?);
        if batch.len() >= REPLAY_COMMITS || bytes >= REPLAY_BYTES {
            log = log.append(&batch).map_err(|failed| anyhow::anyhow!(failed.cause))?;
            (batch, bytes) = (Vec::new(), 0);
        }
    }
    if !batch.is_empty() {
        log = log.append(&batch).map_err(|failed| anyhow::anyhow!(failed.cause))?;
    }
    bar.finish_and_clear();
    for head in &archive.summary().tenants {
        let reached = tenants.get(&head.tenant).map(|snapshot| snapshot.head);
        let same =
            reached.is_some_and(|to| to.position == Some(head.position) && to.hash == head.hash);
        ensure!(same, "tenant {} did not end where the archive says", head.tenant);
    }
    log.close();
    Ok(tenants)
}

/// Every tenant at the end of its log, with each link checked and each view rebuilt.
fn fold(reader: &impl LogReader) -> anyhow::Result<Tenants> {
    let mut tenants = Tenants::new();
    let total = reader.heads().iter().map(|(_, position, _)| position.get()).sum();
    let bar = progress(total, "commits");
    bar.set_message("reading");
    for stored in reader.scan() {
        let stored = stored?;
        let snapshot = tenants.entry(stored.tenant).or_default();
        let (commit, head) = eventlog::link(&snapshot.head, stored.tenant, &stored.bytes, reader)?;
        snapshot
            .advance(&commit, head.hash)
            .with_context(|| format!("the log of tenant {} contradicts itself", stored.tenant))?;
        bar.inc(1);
    }
    bar.finish_and_clear();
    Ok(tenants)
}

/// What a tenant is called.
fn name(tenants: &Tenants, tenant: TenantId) -> String {
    if tenant == TenantId::SYSTEM {
        return "_system".to_owned();
    }
    let snapshot = tenants.get(&tenant);
    let opened = snapshot.and_then(|snapshot| snapshot.directory.tenant.as_ref());
    opened.map_or_else(|| tenant.to_string(), |tenant| tenant.slug.clone())
}

/// Where each tenant's log ends, and what its directory comes to.
fn show(tenants: &Tenants) {
    for (id, snapshot) in tenants {
        let position = snapshot.head.position.map_or(0, domain::position::Position::get);
        say(format!("\n{}", name(tenants, *id)));
        say(format!("  position        {position}"));
        say(format!("  head hash       {}", snapshot.head.hash));
        say(format!("  directory hash  {}", eventlog::fingerprint(&snapshot.directory)));
    }
}

impl Verify {
    pub(crate) fn run(self) -> anyhow::Result<()> {
        let log: SledLog = instance::open_log(&self.data, &self.master)?;
        let tenants = fold(&log.reader())?;
        for (id, snapshot) in &tenants {
            if let Err(why) = snapshot.directory.agrees() {
                bail!("the views of tenant {} disagree: {why}", name(&tenants, *id));
            }
        }
        if self.json {
            let list: Vec<_> = tenants
                .iter()
                .map(|(id, snapshot)| {
                    json!({
                        "tenant": name(&tenants, *id),
                        "position": snapshot.head.position,
                        "headHash": snapshot.head.hash,
                        "directoryHash": eventlog::fingerprint(&snapshot.directory),
                    })
                })
                .collect();
            say(serde_json::to_string_pretty(&json!({ "verified": true, "tenants": list }))?);
        } else {
            let commits: u64 = tenants
                .values()
                .filter_map(|snapshot| snapshot.head.position)
                .map(domain::position::Position::get)
                .sum();
            let mark = if is_terminal() { "✓ " } else { "" };
            say(format!("{mark}{commits} commits: every link holds, every view agrees"));
            show(&tenants);
        }
        log.close();
        Ok(())
    }
}
