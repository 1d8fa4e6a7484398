//! A data folder, opened: its log, checked, and everything that follows from it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, bail};
use clap::Args;
use domain::directory::Tenant;
use domain::id::TenantId;
use domain::snapshot::Snapshot;
use engine::{Engine, Fold, World};
use eventlog::{Created, LogReader, MasterKey, Options, SledLog};

use crate::terminal;

/// Where the key is that wraps the keys of all persons.
#[derive(Args, Clone, Default)]
pub(crate) struct Master {
    /// The master key, as 64 hexadecimal digits or base64
    #[arg(long, env = "ROLLBOOK_MASTER_KEY", hide_env_values = true, value_name = "KEY")]
    master_key: Option<String>,
    /// A file that holds the master key; without either, DIR/master.key, made at the first start
    #[arg(long, env = "ROLLBOOK_MASTER_KEY_FILE", value_name = "FILE")]
    master_key_file: Option<PathBuf>,
}

impl Master {
    /// The key in this file, or the folder's own.
    pub(crate) fn of_file(master_key_file: Option<PathBuf>) -> Self {
        Self { master_key: None, master_key_file }
    }

    /// Whether the key is kept outside the data folder.
    pub(crate) fn is_elsewhere(&self) -> bool {
        self.master_key.is_some() || self.master_key_file.is_some()
    }

    /// The argument that says which key it is, by its id; none: it is the folder's own.
    pub(crate) fn argument(&self) -> Option<&'static str> {
        let key = self.master_key.as_ref().map(|_| "master_key");
        key.or(self.master_key_file.as_ref().map(|_| "master_key_file"))
    }

    /// The key, and whether it was made just now.
    pub(crate) fn key(&self, data: &Path) -> anyhow::Result<(MasterKey, bool)> {
        if let Some(text) = &self.master_key {
            let key = MasterKey::from_text(text).context("the master key cannot be used")?;
            return Ok((key, false));
        }
        if let Some(file) = &self.master_key_file {
            let key = MasterKey::from_file(file)
                .with_context(|| format!("the master key in {} cannot be used", file.display()))?;
            return Ok((key, false));
        }
        let (key, created) = MasterKey::load_or_create(data).context("no master key")?;
        Ok((key, matches!(created, Created::Now)))
    }
}

/// Opens a data folder that must exist, and everything in it.
pub(crate) fn open(data: &Path, master: &Master) -> anyhow::Result<Engine> {
    start(open_log(data, master)?, data)
}

/// Opens the log of a data folder that must exist.
pub(crate) fn open_log(data: &Path, master: &Master) -> anyhow::Result<SledLog> {
    if !data.is_dir() {
        bail!(
            "there is no data folder {}: give --data, or --server to ask a running server",
            data.display()
        );
    }
    let (key, _) = master.key(data)?;
    open_log_with(data, key)
}

/// Opens the log in `data`, checking every frame of it.
pub(crate) fn open_log_with(data: &Path, key: MasterKey) -> anyhow::Result<SledLog> {
    open_log_telling(data, key, |_, _| {})
}

/// The same, telling how many frames are looked at, and how many there are.
pub(crate) fn open_log_telling(
    data: &Path,
    key: MasterKey,
    mut tell: impl FnMut(u64, u64) + Send,
) -> anyhow::Result<SledLog> {
    let bar = terminal::progress(0, "frames");
    bar.set_message("checking");
    let log = SledLog::open_with(data, key, Options::default(), |progress| {
        bar.set_length(progress.total);
        bar.set_position(progress.done);
        tell(progress.done, progress.total);
    });
    bar.finish_and_clear();
    log.with_context(|| format!("{} cannot be opened", data.display()))
}

/// Reads a log whole, checking each link and making each view anew.
pub(crate) fn fold(reader: &impl LogReader, data: &Path) -> anyhow::Result<Fold> {
    let bar = terminal::progress(0, "commits");
    bar.set_message("reading");
    bar.set_length(reader.heads().iter().map(|(_, position, _)| position.get()).sum());
    let fold = Fold::whole(reader, |read| {
        if read.commits % 1_000 == 0 {
            bar.set_position(read.commits);
        }
    });
    bar.finish_and_clear();
    fold.with_context(|| format!("{} cannot be read", data.display()))
}

/// Reads a log whole, and starts the engine on it.
pub(crate) fn start(log: SledLog, data: &Path) -> anyhow::Result<Engine> {
    start_telling(log, data, |_| {})
}

/// The same, telling how many commits are read.
pub(crate) fn start_telling(
    log: SledLog,
    data: &Path,
    mut tell: impl FnMut(u64),
) -> anyhow::Result<Engine> {
    let bar = terminal::counter("commits");
    bar.set_message("reading");
    let engine = Engine::start(log, server::system_clock(), |progress| {
        if progress.commits % 1_000 == 0 {
            bar.set_position(progress.commits);
            tell(progress.commits);
        }
    });
    bar.finish_and_clear();
    engine.with_context(|| format!("{} cannot be read", data.display()))
}

/// The log that is meant: the instance's own, `_system`, or that of the tenant named, or of the only one there is.
pub(crate) fn log<'a>(
    world: &'a World,
    slug: Option<&str>,
) -> anyhow::Result<(TenantId, &'a Arc<Snapshot>)> {
    match world.system() {
        Some(system) if slug == Some("_system") => Ok((TenantId::SYSTEM, system)),
        Some(_) | None => tenant(world, slug).map(|(tenant, snapshot)| (tenant.id, snapshot)),
    }
}

/// The tenant that is meant: the one named, or the only one there is.
pub(crate) fn tenant<'a>(
    world: &'a World,
    slug: Option<&str>,
) -> anyhow::Result<(&'a Tenant, &'a Arc<Snapshot>)> {
    let slugs: Vec<&str> = world
        .system()
        .into_iter()
        .flat_map(|system| system.directory.tenants.iter())
        .map(|tenant| tenant.slug.as_str())
        .collect();
    let slug = match (slug, slugs.as_slice()) {
        (Some(slug), _) => slug,
        (None, [only]) => only,
        (None, []) => bail!("there is no tenant yet: `rollbook serve --tenant acme` opens one"),
        (None, several) => bail!("say which tenant with --tenant: {}", several.join(", ")),
    };
    world
        .with_slug(slug)
        .with_context(|| format!("there is no tenant `{slug}`; there are: {}", slugs.join(", ")))
}
