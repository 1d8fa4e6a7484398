//! `rollbook replay`: out of an archive, into a fresh instance.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use clap::Args;
use domain::id::TenantId;
use engine::{Copy, World};
use eventlog::{ArchiveKeys, ArchiveReader, Keys, Unlock};

use crate::instance::{self, Master};
use crate::terminal::{note, progress, say};
use crate::{export, heads};

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
        let world = match built {
            Ok(world) => world,
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
        heads::show(&world);
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
        let file = self.keys.clone().unwrap_or_else(|| export::keys_beside(&self.archive));
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

/// Replays an archive into a folder, carrying on where an earlier try was cut off.
fn build(
    archive: &ArchiveReader,
    keys: &Unlocked,
    folder: &Path,
    master: eventlog::MasterKey,
    total: u64,
) -> anyhow::Result<World> {
    let mut copy = Copy::open(instance::open_log_with(folder, master)?, |_| {})?;
    let bar = progress(total, "commits");
    bar.set_message("replaying");
    for stored in archive.commits()? {
        let stored = stored?;
        copy.add(stored.tenant, stored.bytes, keys)?;
        bar.inc(1);
    }
    bar.finish_and_clear();
    let fold = copy.finish()?;
    for end in &archive.summary().tenants {
        let reached = fold.head(end.tenant);
        let same = reached.position == Some(end.position) && reached.hash == end.hash;
        ensure!(same, "tenant {} did not end where the archive says", end.tenant);
    }
    Ok(fold.into_world())
}
