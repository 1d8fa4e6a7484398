//! Two hundred clients add members to one group at the same time.

use std::collections::BTreeSet;

use anyhow::{Context, ensure};
use reqwest::Client;
use serde_json::{Value, json};

use super::load::client;
use super::{Outcome, SCIM_KEY, Served, Stage};

const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
const PATCH: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";
/// Clients.
const CLIENTS: usize = 200;

/// So many rounds of 200 PATCHes at once, each of which adds another member to one group. Every one is in it.
///
/// # Errors
/// When the stage breaks, not the server.
pub async fn members(stage: &Stage, rounds: u64) -> anyhow::Result<Outcome> {
    let mut running = stage.outcome("members", "members added");
    let folder = tempfile::tempdir()?;
    let server = Served::start(&stage.rollbook, &folder.path().join("data"))?;
    let http = client()?;
    let base = format!("{}/scim/acme/v2", server.url);
    let mut ids = Vec::new();
    for number in 0..CLIENTS {
        let user = json!({ "schemas": [USER], "userName": format!("member-{number}") });
        ids.push(made(&http, &format!("{base}/Users"), user).await?);
    }
    for round in 0..rounds {
        let group = json!({ "schemas": [GROUP], "displayName": format!("group-{round}") });
        let group = made(&http, &format!("{base}/Groups"), group).await?;
        let url = format!("{base}/Groups/{group}");
        let mut adding = Vec::new();
        for id in &ids {
            let patch = json!({ "schemas": [PATCH], "Operations": [
                { "op": "add", "path": "members", "value": [{ "value": id }] },
            ] });
            let request = client()?.patch(&url).bearer_auth(SCIM_KEY).json(&patch);
            adding.push(tokio::spawn(request.send()));
        }
        let mut refused = 0;
        for answer in adding {
            refused += u64::from(!answer.await?.is_ok_and(|answer| answer.status().is_success()));
        }
        let told: Value = http.get(&url).bearer_auth(SCIM_KEY).send().await?.json().await?;
        let there: BTreeSet<&str> = told
            .get("members")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(|member| member.get("value")?.as_str())
            .collect();
        let missing = ids.iter().filter(|id| !there.contains(id.as_str())).count();
        if refused > 0 || missing > 0 {
            running
                .outcome
                .lost
                .push(format!("round {round}: {refused} refused, {missing} missing"));
        }
        running.outcome.count += 1;
        running.outcome.kept.1 += there.len() as u64;
        (stage.progress)(running.outcome.count, rounds);
    }
    server.kill();
    Ok(running.done())
}

async fn made(http: &Client, url: &str, body: Value) -> anyhow::Result<String> {
    let answer = http.post(url).bearer_auth(SCIM_KEY).json(&body).send().await?;
    ensure!(answer.status() == 201, "it was not made: {}", answer.status());
    let made: Value = answer.json().await?;
    Ok(made.get("id").and_then(Value::as_str).context("no id")?.to_owned())
}
