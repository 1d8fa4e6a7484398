//! A running server, asked through its admin API.

mod http;

use std::fmt;
use std::path::PathBuf;

use anyhow::{Context, bail};
use clap::Args;
use reqwest::Method;
use serde_json::Value;

pub(crate) use http::{Answer, Http};

/// A running server and the key that opens it.
#[derive(Args, Clone)]
pub(crate) struct Server {
    /// A running server's URL [env: ROLLBOOK_URL]
    #[arg(long, value_name = "URL", global = true)]
    pub(crate) server: Option<String>,
    /// The operator key that the server printed at its first start
    #[arg(
        long,
        env = "ROLLBOOK_OPERATOR_KEY",
        hide_env_values = true,
        value_name = "KEY",
        global = true
    )]
    pub(crate) operator_key: Option<String>,
    /// Who is believed that vouches for a server's certificate, as PEM; without it, whom the system believes
    #[arg(long, env = "ROLLBOOK_CA", value_name = "FILE", global = true)]
    pub(crate) ca: Option<PathBuf>,
}

/// What the environment says, unless that is nothing. For options of which one rules out another: there
/// clap would take a variable for something that was typed.
pub(crate) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// A tenant of a running server.
#[derive(Args, Clone)]
pub(crate) struct ServedTenant {
    #[command(flatten)]
    server: Server,
    /// The tenant; the only one there is when not given
    #[arg(long, env = "ROLLBOOK_TENANT", value_name = "SLUG", global = true)]
    tenant: Option<String>,
}

impl ServedTenant {
    /// The way to the server, and the tenant's slug.
    pub(crate) async fn found(&self) -> anyhow::Result<(Remote, String)> {
        let remote = self.server.required()?;
        let slug = remote.tenant(self.tenant.as_deref()).await?;
        Ok((remote, slug))
    }
}

impl Server {
    /// The server at a URL that is no flag of this name; who vouches for it is what the environment says.
    pub(crate) fn at(url: &str, operator_key: Option<&String>) -> Server {
        let ca = variable("ROLLBOOK_CA").map(PathBuf::from);
        Server { server: Some(url.to_owned()), operator_key: operator_key.cloned(), ca }
    }

    /// The URL that was typed, or that the environment says.
    pub(crate) fn url(&self) -> Option<String> {
        self.server.clone().or_else(|| variable("ROLLBOOK_URL"))
    }

    /// The way to the server, if one was named.
    pub(crate) fn remote(&self) -> anyhow::Result<Option<Remote>> {
        let Some(url) = self.url() else { return Ok(None) };
        let key = self.operator_key.clone().context(
            "an operator key is needed: set ROLLBOOK_OPERATOR_KEY, or give --operator-key",
        )?;
        let url = url.trim_end_matches('/').to_owned();
        let http = Http::to(&url, self.ca.as_deref())?;
        Ok(Some(Remote { url, key, http }))
    }

    /// The way to the server, which must be named, or is where `serve` listens by itself.
    pub(crate) fn required(&self) -> anyhow::Result<Remote> {
        let mut server = self.clone();
        server.server = server.url().or_else(|| Some(crate::serve::default_url().to_owned()));
        server.remote()?.context("give --server")
    }
}

/// A server that is not there, or went away.
#[derive(Debug)]
pub(crate) struct Unreachable {
    url: String,
}

impl fmt::Display for Unreachable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} does not answer: is `rollbook serve` running?", self.url)
    }
}

/// What a server said instead of an answer.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) status: u16,
    pub(crate) detail: String,
}

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the server says {}: {}", self.status, self.detail)
    }
}

impl std::error::Error for Said {}

/// The way to a running server.
pub(crate) struct Remote {
    pub(crate) url: String,
    key: String,
    http: Http,
}

impl Remote {
    /// One request to the admin API; `path` is what follows `/admin/v1/`, its parts are escaped
    /// here.
    pub(crate) async fn ask(
        &self,
        method: Method,
        path: &[&str],
        query: &[(&str, String)],
        body: Option<&Value>,
    ) -> anyhow::Result<Value> {
        let mut url = reqwest::Url::parse(&format!("{}/admin/v1", self.url))
            .with_context(|| format!("`{}` is no URL", self.url))?;
        if let Ok(mut parts) = url.path_segments_mut() {
            parts.extend(path);
        }
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let lost = |error: anyhow::Error| error.context(Unreachable { url: self.url.clone() });
        let body = body.map(|body| body.to_string().into_bytes());
        let answer = self.http.send(method, &url, &self.key, body).await.map_err(lost)?;
        let status = answer.status();
        // An answer that breaks off is as good as none.
        let text = answer.bytes().await.map_err(lost)?;
        let body: Value =
            serde_json::from_slice(&text).context("the server's answer is not JSON")?;
        if !status.is_success() {
            let detail = body.get("detail").and_then(Value::as_str).unwrap_or("no reason given");
            return Err(Said { status: status.as_u16(), detail: detail.to_owned() }.into());
        }
        Ok(body)
    }

    /// An answer that goes on for as long as one listens, whatever its status.
    pub(crate) async fn open(
        &self,
        path: &[&str],
        query: &[(&str, String)],
    ) -> anyhow::Result<Answer> {
        let mut url = reqwest::Url::parse(&format!("{}/admin/v1", self.url))
            .with_context(|| format!("`{}` is no URL", self.url))?;
        if let Ok(mut parts) = url.path_segments_mut() {
            parts.extend(path);
        }
        url.query_pairs_mut().extend_pairs(query);
        let sent = self.http.send(Method::GET, &url, &self.key, None).await;
        sent.with_context(|| format!("{} does not answer: is `rollbook serve` running?", self.url))
    }

    /// What an answer says that says no.
    pub(crate) async fn refusal(answer: Answer) -> String {
        let status = answer.status().as_u16();
        let body = answer.bytes().await.unwrap_or_default();
        let body: Value = serde_json::from_slice(&body).unwrap_or_default();
        let detail = body.get("detail").and_then(Value::as_str).unwrap_or("no reason given");
        format!("the server says {status}: {detail}")
    }

    /// The tenant that is meant: the one named, or the only one there is.
    pub(crate) async fn tenant(&self, slug: Option<&str>) -> anyhow::Result<String> {
        if let Some(slug) = slug {
            return Ok(slug.to_owned());
        }
        let tenants = self.ask(Method::GET, &["tenants"], &[], None).await?;
        let slugs: Vec<&str> = tenants
            .get("tenants")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(|tenant| tenant.get("slug").and_then(Value::as_str))
            .collect();
        match slugs.as_slice() {
            [only] => Ok((*only).to_owned()),
            [] => bail!("there is no tenant yet: `rollbook tenant open acme` opens one"),
            several => bail!("say which tenant with --tenant: {}", several.join(", ")),
        }
    }
}
