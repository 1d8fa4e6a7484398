//! `rollbook export`: every commit of an instance, into one file.

use std::path::{Path, PathBuf};

use ::audit::{ROSTER, RosterLine, roster};
use anyhow::{Context, bail, ensure};
use clap::{Args, Subcommand};
use domain::event::Event;
use domain::id::TenantId;
use eventlog::{ArchiveReader, EventLog, Keys, NoKeys, Protection};

use crate::from::{At, From};
use crate::heads;
use crate::instance::{self, Master};
use crate::terminal::{progress, say};

/// Write every commit of an instance, byte for byte, into one checksummed archive.
///
/// The keys that personal data is sealed with go into a second, encrypted file beside it.
#[derive(Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
#[command(after_help = "\
Examples:
  rollbook export --data ./data --out acme.rollbook
  rollbook export --data ./data --out acme.rollbook --recipient age1…
  ROLLBOOK_KEYS_PASSPHRASE=… rollbook export --data ./data --out acme.rollbook
  rollbook export --data ./data --out acme.rollbook --keys-only     after moving the old keys away

Without a recipient or a passphrase one is made, and shown this once. No server may have the data
folder open meanwhile.

`rollbook export users` writes something else: a list of a tenant's users, for people and spreadsheets.")]
pub(crate) struct Export {
    #[command(subcommand)]
    list: Option<List>,
    #[command(flatten)]
    archive: Archive,
}

/// What is exported beside whole histories.
#[derive(Subcommand)]
enum List {
    /// List a tenant's users: login, first name, last name, e-mail, roles
    #[command(after_help = "\
Examples:
  rollbook export users --format csv > users.csv
  rollbook export users --format csv --at 2026-03-01 --data ./data

Roles are written as `acme:Analyst`, several divided by `;`.")]
    Users {
        /// The moment: a position, a time, or a day (its beginning, in UTC); now, when not given
        #[arg(long, value_name = "MOMENT")]
        at: Option<At>,
        #[command(flatten)]
        from: Box<From>,
    },
}

#[derive(Args)]
struct Archive {
    /// The data folder
    #[arg(long, env = "ROLLBOOK_DATA", value_name = "DIR", required = true)]
    data: Option<PathBuf>,
    /// The archive to write; the keys go to the same name with `.keys`
    #[arg(long, value_name = "FILE", required = true)]
    out: Option<PathBuf>,
    /// Write the keys file of an archive that is there already anew, without those erased since
    #[arg(long)]
    keys_only: bool,
    /// Encrypt the keys to this age recipient
    #[arg(long, value_name = "AGE1…")]
    recipient: Option<String>,
    /// Encrypt the keys with this passphrase
    #[arg(long, env = "ROLLBOOK_KEYS_PASSPHRASE", hide_env_values = true, hide = true)]
    passphrase: Option<String>,
    #[command(flatten)]
    master: Master,
}

impl Export {
    pub(crate) async fn run(self) -> anyhow::Result<()> {
        match self.list {
            None => self.archive.run(),
            Some(List::Users { at, from }) => {
                let lines = from.listed("roster", at.as_ref(), roster).await?;
                from.output.list(&lines, "there is no user", &ROSTER, |line: &RosterLine| {
                    vec![line.cells()]
                })
            }
        }
    }
}

impl Archive {
    fn run(self) -> anyhow::Result<()> {
        let (Some(data), Some(out)) = (&self.data, &self.out) else {
            bail!("say which folder is exported and into which file: --data DIR --out FILE");
        };
        let (protection, made) = self.protection()?;
        let keys_file = keys_beside(out);
        ensure!(
            !keys_file.exists(),
            "{} is there already; choose another name or move it away",
            keys_file.display()
        );
        if self.keys_only {
            return self.keys_again(data, out, &keys_file, &protection, made);
        }
        let log = instance::open_log(data, &self.master)?;
        let reader = log.reader();
        let world = instance::fold(&reader, data)?.into_world();
        let ids: Vec<TenantId> = world.iter().map(|(id, _)| id).collect();
        let bar = progress(0, "commits");
        bar.set_message("exporting");
        let created_by = concat!("rollbook ", env!("CARGO_PKG_VERSION"));
        let written = eventlog::write_archive(out, &ids, created_by, &reader, |done, total| {
            bar.set_length(total);
            bar.set_position(done);
        })?;
        bar.finish_and_clear();
        let keys = engine::keys_of(&reader, &ids)?;
        let persons = keys.len();
        eventlog::write_keys(&keys_file, written.digest, keys, &protection)?;
        say(format!("{}  {} commits", out.display(), written.commits));
        tell_keys(&keys_file, persons, made);
        heads::show(&world);
        log.close();
        Ok(())
    }

    /// The keys of those who come to be in an archive and can still be read.
    fn keys_again(
        &self,
        data: &Path,
        out: &Path,
        keys_file: &Path,
        protection: &Protection,
        made: Option<String>,
    ) -> anyhow::Result<()> {
        let archive = ArchiveReader::open(out)?;
        let log = instance::open_log(data, &self.master)?;
        let reader = log.reader();
        let mut keys = Vec::new();
        for stored in archive.commits()? {
            let commit = eventlog::open(&stored?.bytes, &NoKeys)?;
            for event in &commit.events {
                if let Event::UserCreated { user, .. } = event
                    && let Some(key) = reader.person(commit.tenant, *user)?
                {
                    keys.push((commit.tenant, *user, key));
                }
            }
        }
        let persons = keys.len();
        eventlog::write_keys(keys_file, archive.summary().digest, keys, protection)?;
        tell_keys(keys_file, persons, made);
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

fn tell_keys(file: &Path, persons: usize, made: Option<String>) {
    let noun = if persons == 1 { "person" } else { "persons" };
    say(format!("{}  keys of {persons} {noun}, encrypted", file.display()));
    if let Some(passphrase) = made {
        say(format!("\n  passphrase of the keys  {passphrase}\n"));
        say("It is shown this once: keep it apart from the archive.");
    }
}

/// Where the keys of an archive lie.
pub(crate) fn keys_beside(archive: &Path) -> PathBuf {
    let mut name = archive.as_os_str().to_owned();
    name.push(".keys");
    PathBuf::from(name)
}
