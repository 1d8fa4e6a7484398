//! Whom and what a connector's lists leave out.

use ::audit::{Ignored, ListedIgnored, ignored};
use anyhow::anyhow;
use reqwest::Method;

use crate::from::{At, From};

pub(super) async fn list(name: &str, at: Option<&At>, from: &From) -> anyhow::Result<()> {
    let all = match from.remote()? {
        None => of_folder(name, at, from)?,
        Some(remote) => {
            let slug = remote.tenant(from.tenant()).await?;
            let path = ["tenants", slug.as_str(), "connectors", name, "ignored"];
            let mut all: Vec<ListedIgnored> = Vec::new();
            loop {
                let mut query: Vec<_> =
                    at.map(|at| ("asOf", at.text.clone())).into_iter().collect();
                query.push(("skip", all.len().to_string()));
                let answer = remote.ask(Method::GET, &path, &query, None).await?;
                let page: Ignored = serde_json::from_value(answer)?;
                let is_last = page.ignored.is_empty();
                all.extend(page.ignored);
                if is_last || all.len() >= page.users + page.groups {
                    break all;
                }
            }
        }
    };
    let heading = ["TYPE", "NAME", "CREATED", "CHANGED", "POSITION", "ID"];
    from.output.list(&all, "nobody and nothing is ignored", &heading, |one: &ListedIgnored| {
        vec![vec![
            one.kind.clone(),
            one.name.clone(),
            one.created.to_string(),
            one.modified.to_string(),
            one.position.to_string(),
            one.id.clone(),
        ]]
    })
}

fn of_folder(name: &str, at: Option<&At>, from: &From) -> anyhow::Result<Vec<ListedIgnored>> {
    let (_, _, then) = from.folder(at)?;
    let found = ignored(&then.directory, name, 0, usize::MAX);
    Ok(found.ok_or_else(|| anyhow!("there is no connector `{name}`"))?.ignored)
}
