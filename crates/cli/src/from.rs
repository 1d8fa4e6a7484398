//! Where the answer to a question comes from.

use std::path::PathBuf;

use clap::Args;
use engine::When;

use crate::instance::{self, Master};
use crate::output::Output;
use crate::remote::{Remote, Server};

/// Where the answer comes from: a running server, or a data folder that no server has open.
#[derive(Args, Clone)]
pub(crate) struct From {
    #[command(flatten)]
    server: Server,
    /// A data folder that no server has open
    #[arg(long, env = "ROLLBOOK_DATA", value_name = "DIR", conflicts_with = "server")]
    data: Option<PathBuf>,
    /// The tenant; the only one there is when not given
    #[arg(long, env = "ROLLBOOK_TENANT", value_name = "SLUG")]
    pub(crate) tenant: Option<String>,
    #[command(flatten)]
    pub(crate) output: Output,
    #[command(flatten)]
    master: Master,
}

impl From {
    /// A running server's tenant.
    pub(crate) fn asking(server: Server, tenant: &str) -> From {
        let tenant = Some(tenant.to_owned());
        From { server, data: None, tenant, output: Output::default(), master: Master::default() }
    }

    /// A running server: the one that is named, or the one that listens where `serve` does by
    /// itself, when no data folder is named but an operator key is.
    pub(crate) fn remote(&self) -> anyhow::Result<Option<Remote>> {
        if self.data.is_some() {
            return Ok(None);
        }
        if self.server.server.is_none() && self.server.operator_key.is_some() {
            return self.server.required().map(Some);
        }
        self.server.remote()
    }

    /// The data folder, opened: `./data` when none is named.
    pub(crate) fn open(&self) -> anyhow::Result<engine::Engine> {
        let data = self.data.clone().unwrap_or_else(|| PathBuf::from("./data"));
        instance::open(&data, &self.master)
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
