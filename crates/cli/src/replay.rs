//! `rollbook replay`: out of an archive, a data folder or a running server, into an instance of its own.

mod feed;
mod follow;
mod own_log;
mod source;
mod staging;
mod survey;

use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use clap::Args;
use domain::id::TenantId;
use engine::{Copy, Fold, When, World};

use crate::heads;
use crate::instance::{self, Master};
use crate::remote::Server;
use crate::terminal::{note, progress, say};

pub(crate) use feed::{Feed, Listing, Sent, Told};
pub(crate) use source::Source;

use follow::Following;
use staging::{Rewriting, Staging};
use survey::Survey;

/// Rebuild an instance from an archive, a data folder or a running server, and prove that nothing
/// differs.
///
/// What is cut off half-way is carried on when the same command is given again; under its final
/// name there is never half an instance.
#[derive(Args)]
#[command(after_help = "\
Examples:
  ROLLBOOK_KEYS_PASSPHRASE=… rollbook replay acme.rollbook --into ./fresh
  rollbook replay acme.rollbook --into ./fresh --identity-file age-key.txt
  rollbook replay acme.rollbook --into ./fresh --without-keys    everyone reads as erased
  rollbook replay acme.rollbook --into ./march --until 2026-03-31T23:59:59Z
  rollbook replay acme.rollbook --into ./before --tenant acme --until 41
  rollbook replay ./data --into ./acme-alone --tenant acme
  rollbook replay --from http://127.0.0.1:8080 --into ./warm --follow
  rollbook replay ./data --into ./staging --tenant acme --as acme-staging --anonymise")]
pub(crate) struct Replay {
    /// The archive, or a data folder that no server has open
    #[arg(required_unless_present = "from", conflicts_with = "from")]
    source: Option<PathBuf>,
    /// Copy a running server with all its tenants; given again, the same command carries on
    #[arg(long, value_name = "URL")]
    from: Option<String>,
    /// With --from: stay, and take over what is added to the source, until interrupted
    #[arg(long, requires = "from")]
    follow: bool,
    /// With --from: the operator key of that server
    #[arg(long, env = "ROLLBOOK_OPERATOR_KEY", hide_env_values = true, value_name = "KEY")]
    operator_key: Option<String>,
    /// The data folder to make; it must not be there, unless it is a copy that is carried on
    #[arg(long, value_name = "DIR")]
    into: PathBuf,
    /// Only this tenant
    #[arg(long, value_name = "SLUG")]
    tenant: Option<String>,
    /// End there: at a time, or at a position of the tenant that --tenant names
    #[arg(long, value_name = "MOMENT")]
    until: Option<When>,
    #[command(flatten)]
    staging: Staging,
    #[command(flatten)]
    opening: Opening,
    #[command(flatten)]
    master: Master,
}

/// What opens the source.
#[derive(Args)]
pub(crate) struct Opening {
    /// The archive's keys file; the archive's name with `.keys` when not given
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
    /// The master key of the data folder that is replayed; its own master.key when not given
    #[arg(long, value_name = "FILE")]
    source_master_key_file: Option<PathBuf>,
}

impl Opening {
    /// Whether nobody is to be read.
    pub(crate) fn is_without_keys(&self) -> bool {
        self.without_keys
    }

    fn source_master(&self) -> Master {
        Master::of_file(self.source_master_key_file.clone())
    }
}

impl Replay {
    pub(crate) async fn run(self) -> anyhow::Result<()> {
        match (&self.from, &self.source) {
            (Some(url), _) => self.copy(url).await,
            (None, Some(source)) => self.rebuild(source),
            (None, None) => bail!("say what to replay: an archive, a data folder, or --from URL"),
        }
    }

    /// Copies a running server.
    async fn copy(&self, url: &str) -> anyhow::Result<()> {
        ensure!(
            self.tenant.is_none() && self.until.is_none(),
            "--from copies a server as it is: replay the copy for one tenant or up to a moment, as in \
             `rollbook replay {} --into ./other --until …`",
            self.into.display()
        );
        let server = Server::at(url, self.operator_key.as_ref());
        let feed = Feed::new(server.required()?);
        let is_fresh = || std::fs::read_dir(&self.into).is_ok_and(|mut all| all.next().is_none());
        // One of these is there from the first moment of a copy on.
        let is_begun =
            || ["log", "lock", "master.key"].iter().any(|name| self.into.join(name).exists());
        ensure!(
            !self.into.exists() || is_begun() || is_fresh(),
            "{} is neither empty nor a copy that could be carried on: name a folder that is not there",
            self.into.display()
        );
        // Nothing is made before the server has answered.
        feed.logs().await?;
        std::fs::create_dir_all(&self.into)
            .with_context(|| format!("{} cannot be created", self.into.display()))?;
        let (master, is_new) = self.master.key(&self.into)?;
        if is_new {
            warn_of_master_key(&self.into);
        }
        let following = Following::new(feed, instance::open_log_with(&self.into, master)?)?;
        following.run(&self.into, self.follow, crate::serve::stop()).await
    }

    /// Rebuilds an instance from what lies still.
    fn rebuild(&self, source: &Path) -> anyhow::Result<()> {
        let is_free = !self.into.exists()
            || std::fs::read_dir(&self.into).is_ok_and(|mut folder| folder.next().is_none());
        ensure!(
            is_free,
            "{} is not empty: an archive is replayed into a fresh folder",
            self.into.display()
        );
        let source = Source::open(source, &self.opening)?;
        let now = server::system_clock()();
        let survey = match (&self.tenant, self.until) {
            (None, None) => None,
            (tenant, until) => Some(Survey::of(&source, tenant.as_deref(), until, now)?),
        };
        let rewriting = self.staging.rewriting(survey.as_ref(), now)?;
        let building = building(&self.into);
        if survey.as_ref().is_some_and(|survey| survey.only.is_some()) && building.exists() {
            // The instance's own log is written anew then: there is nothing to carry on.
            std::fs::remove_dir_all(&building)?;
        }
        std::fs::create_dir_all(&building)
            .with_context(|| format!("{} cannot be created", building.display()))?;
        let (master, is_new) = self.master.key(&building)?;
        let world = match build(&source, survey.as_ref(), rewriting.as_ref(), &building, master) {
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
        say(format!("{}  {} commits replayed", self.into.display(), heads::commits(&world)));
        heads::show(&world);
        if let Some(rewriting) = &rewriting {
            rewriting.show(&world);
        }
        if is_new {
            warn_of_master_key(&self.into);
        }
        Ok(())
    }
}

fn warn_of_master_key(into: &Path) {
    note(format!(
        "warning: a master key was made in {}; keep a copy elsewhere, apart from the data",
        into.join("master.key").display()
    ));
}

/// Where an instance grows until it is whole.
fn building(into: &Path) -> PathBuf {
    let mut name = into.file_name().unwrap_or_default().to_owned();
    name.push(".replaying");
    into.with_file_name(name)
}

/// Replays a source into a folder, carrying on where an earlier try was cut off.
fn build(
    source: &Source,
    survey: Option<&Survey>,
    rewriting: Option<&Rewriting<'_>>,
    folder: &Path,
    master: eventlog::MasterKey,
) -> anyhow::Result<World> {
    let mut copy = Copy::open(instance::open_log_with(folder, master)?, |_| {})?;
    // What the copy is held against when its hashes are its own.
    let mut original = Fold::default();
    let bar = progress(survey.map_or(source.total(), |survey| survey.commits), "commits");
    bar.set_message("replaying");
    let alone = survey.and_then(|survey| survey.only.as_ref()).map(|(id, _)| *id);
    for stored in source.commits()? {
        let stored = stored?;
        if survey.is_some_and(|survey| !survey.has(stored.tenant, stored.position)) {
            continue;
        }
        let is_own = stored.tenant == TenantId::SYSTEM;
        match (alone, rewriting) {
            (Some(alone), None) if is_own => {
                let commit = eventlog::open(&stored.bytes, source)?;
                if let Some(commit) = own_log::only_about(commit, alone) {
                    copy.write(commit)?;
                }
            }
            (Some(alone), Some(rewriting)) => {
                let commit = eventlog::open(&stored.bytes, source)?;
                let commit = if is_own { own_log::only_about(commit, alone) } else { Some(commit) };
                if !is_own {
                    original.add(&stored, source)?;
                }
                if let Some(commit) = commit {
                    let so_far = copy.fold().get(rewriting.to()).map(|so_far| &so_far.directory);
                    let commit = rewriting.commit(commit, so_far);
                    copy.write(commit).context(
                        "the copy cannot be written; if two inventions met, another seed helps",
                    )?;
                }
            }
            (Some(_) | None, None) | (None, Some(_)) => {
                copy.add(stored.tenant, stored.bytes, source)?;
            }
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    let fold = copy.finish()?;
    let ends: Vec<_> = match survey {
        Some(survey) => survey.ends.iter().map(|(id, end)| (*id, end.position, end.hash)).collect(),
        None => source.ends(),
    };
    for (tenant, position, hash) in ends {
        if alone.is_some() && tenant == TenantId::SYSTEM {
            continue;
        }
        let reached = match rewriting {
            Some(rewriting) => fold.head(rewriting.to()),
            None => fold.head(tenant),
        };
        let same =
            reached.position == Some(position) && (rewriting.is_some() || reached.hash == hash);
        ensure!(same, "tenant {tenant} did not end where the source says");
    }
    if let Some(rewriting) = rewriting {
        rewriting.prove(&original, &fold)?;
    }
    Ok(fold.into_world())
}
