//! Where the answer to a question comes from.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::bail;
use clap::Args;
use domain::directory::Directory;
use domain::id::TenantId;
use domain::snapshot::Snapshot;
use engine::{Engine, When};
use reqwest::Method;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::instance::{self, Master};
use crate::output::Output;
use crate::remote::{Remote, Server, variable};

/// A tenant of a running server, or of a data folder that no server has open.
#[derive(Args, Clone)]
pub(crate) struct Where {
    #[command(flatten)]
    server: Server,
    /// A data folder that no server has open [env: ROLLBOOK_DATA]
    #[arg(long, value_name = "DIR", conflicts_with = "server")]
    data: Option<PathBuf>,
    /// The tenant; the only one there is when not given
    #[arg(long, env = "ROLLBOOK_TENANT", value_name = "SLUG")]
    pub(crate) tenant: Option<String>,
    #[command(flatten)]
    master: Master,
}

/// Where the answer comes from, and how it is printed: flatten it into the arguments of a verb that asks.
#[derive(Args, Clone)]
pub(crate) struct From {
    #[command(flatten)]
    pub(crate) place: Where,
    #[command(flatten)]
    pub(crate) output: Output,
}

impl Where {
    /// A running server: the one that is named, or the one that listens where `serve` does by
    /// itself, when no data folder is named but an operator key is. What is typed goes before what the
    /// environment says.
    pub(crate) fn remote(&self) -> anyhow::Result<Option<Remote>> {
        if self.data.is_some() {
            return Ok(None);
        }
        if self.server.server.is_some() {
            return self.server.remote();
        }
        match (variable("ROLLBOOK_DATA"), self.server.url()) {
            (Some(_), Some(_)) => bail!(
                "ROLLBOOK_DATA and ROLLBOOK_URL both say where to ask: unset one, or give --data or --server"
            ),
            (Some(_), None) => Ok(None),
            (None, None) if self.server.operator_key.is_none() => Ok(None),
            (None, _) => self.server.required().map(Some),
        }
    }

    /// The data folder, opened: `./data` when none is named.
    pub(crate) fn open(&self) -> anyhow::Result<engine::Engine> {
        let named = self.data.clone().or_else(|| variable("ROLLBOOK_DATA").map(PathBuf::from));
        instance::open(&named.unwrap_or_else(|| PathBuf::from("./data")), &self.master)
    }
}

impl From {
    /// A running server's tenant.
    pub(crate) fn asking(server: Server, tenant: &str) -> From {
        let tenant = Some(tenant.to_owned());
        let place = Where { server, data: None, tenant, master: Master::default() };
        From { place, output: Output::default() }
    }

    /// As [`Where::remote`].
    pub(crate) fn remote(&self) -> anyhow::Result<Option<Remote>> {
        self.place.remote()
    }

    /// As [`Where::open`].
    pub(crate) fn open(&self) -> anyhow::Result<engine::Engine> {
        self.place.open()
    }

    /// The data folder, opened, and its tenant as of now or of a moment.
    pub(crate) fn folder(
        &self,
        at: Option<&At>,
    ) -> anyhow::Result<(Engine, TenantId, Arc<Snapshot>)> {
        let engine = self.open()?;
        let world = engine.world();
        let (tenant, now) = instance::tenant(&world, self.tenant())?;
        let then = match at {
            Some(at) => engine.as_of(tenant.id, at.when)?,
            None => now.clone(),
        };
        Ok((engine, tenant.id, then))
    }

    /// A tenant's list of this name in the admin API, as of now or of a moment: a server's own, or what
    /// `of_folder` reads out of the directory.
    pub(crate) async fn listed<T: DeserializeOwned>(
        &self,
        list: &str,
        at: Option<&At>,
        of_folder: impl FnOnce(&Directory) -> Vec<T>,
    ) -> anyhow::Result<Vec<T>> {
        if let Some(remote) = self.remote()? {
            let slug = remote.tenant(self.tenant()).await?;
            let query: Vec<_> = at.map(|at| ("asOf", at.text.clone())).into_iter().collect();
            let mut answer =
                remote.ask(Method::GET, &["tenants", &slug, list], &query, None).await?;
            let items = answer.get_mut(list).map(Value::take).unwrap_or_default();
            return Ok(serde_json::from_value(items)?);
        }
        let (_, _, then) = self.folder(at)?;
        Ok(of_folder(&then.directory))
    }

    /// The tenant that was named.
    pub(crate) fn tenant(&self) -> Option<&str> {
        self.place.tenant.as_deref()
    }
}

/// A moment as it was given: a position, or a time.
#[derive(Clone)]
pub(crate) struct At {
    /// In the words of who gave it.
    pub(crate) text: String,
    /// What they mean.
    pub(crate) when: When,
}

impl std::str::FromStr for At {
    type Err = <When as std::str::FromStr>::Err;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(At { text: text.to_owned(), when: text.parse()? })
    }
}
