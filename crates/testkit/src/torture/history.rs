//! What clients do to a resource at the same time, and whether there is an order in which it all makes sense: Wing and Gong's
//! search, over the history of one register at a time.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, ensure};
use rand::RngExt;
use serde_json::{Value, json};
use tokio::sync::Barrier;

use super::load::client;
use super::{Outcome, SCIM_KEY, Served, Stage};

const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const PATCH: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";
/// Clients of a resource.
const CLIENTS: u64 = 6;
/// What each of them does to it.
const EACH: u64 = 8;

/// What one client did, and when it knew.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Operation {
    /// Nanoseconds from the beginning to when it was sent.
    pub sent: u128,
    /// The same to when it was answered.
    pub answered: u128,
    /// What it was.
    pub kind: Kind,
}

/// What was done to a register.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// It was given this value, whatever it had.
    Write(u64),
    /// It had this value.
    Read(u64),
    /// It had the first value, and was given the second, in one step.
    Swap(u64, u64),
}

/// Whether there is an order of these operations, at most 64, in which each comes between its being sent and answered, and each read finds
/// what was written before. The register begins with the value 0.
pub fn is_linearizable(history: &[Operation]) -> bool {
    if history.len() > 64 {
        return false;
    }
    let all = if history.len() == 64 { u64::MAX } else { (1 << history.len()) - 1 };
    // What has been done, and the value then: no use to come here twice.
    let mut seen: HashSet<(u64, u64)> = HashSet::new();
    let mut open = vec![(0_u64, 0_u64)];
    while let Some((done, value)) = open.pop() {
        if done == all {
            return true;
        }
        if !seen.insert((done, value)) {
            continue;
        }
        let left = || history.iter().enumerate().filter(|(number, _)| done & (1 << number) == 0);
        // Whatever was sent after another one was answered comes after it.
        let first = left().map(|(_, one)| one.answered).min().unwrap_or_default();
        for (number, one) in left().filter(|(_, one)| one.sent <= first) {
            let after = match one.kind {
                Kind::Write(new) => Some(new),
                Kind::Read(old) => (old == value).then_some(value),
                Kind::Swap(old, new) => (old == value).then_some(new),
            };
            open.extend(after.map(|after| (done | 1 << number, after)));
        }
    }
    false
}

/// So many resources, each written and read by several clients at the same time; every history must be linearizable. A third of the writes are
/// conditional on the version that was read (`If-Match`).
///
/// # Errors
/// When the stage breaks, not the server.
pub async fn history(stage: &Stage, resources: u64) -> anyhow::Result<Outcome> {
    let mut running = stage.outcome("history", "operations");
    let folder = tempfile::tempdir()?;
    let server = Served::start(&stage.rollbook, &folder.path().join("data"))?;
    let http = client()?;
    let (mut swaps, mut dice) = (0, stage.dice());
    for resource in 0..resources {
        let user = json!({ "schemas": [USER], "userName": format!("u{resource}"), "title": "0" });
        let users = format!("{}/scim/acme/v2/Users", server.url);
        let answer = http.post(&users).bearer_auth(SCIM_KEY).json(&user).send().await?;
        let made: Value = answer.json().await?;
        let id = made.get("id").and_then(Value::as_str).context("no id")?;
        let url = format!("{users}/{id}");
        let (begun, start) = (Instant::now(), Arc::new(Barrier::new(CLIENTS as usize)));
        let mut clients = Vec::new();
        for number in 0..CLIENTS {
            let choices: Vec<u64> = (0..EACH).map(|_| dice.random_range(0..3)).collect();
            let one = play(url.clone(), number, choices, begun, start.clone());
            clients.push(tokio::spawn(one));
        }
        let mut history = Vec::new();
        for client in clients {
            history.extend(client.await??);
        }
        swaps += history.iter().filter(|one| matches!(one.kind, Kind::Swap(..))).count();
        if !is_linearizable(&history) {
            running
                .outcome
                .lost
                .push(format!("resource {resource}: no order explains {history:?}"));
        }
        running.outcome.count += 1;
        running.outcome.kept.1 += history.len() as u64;
        (stage.progress)(running.outcome.count, resources);
    }
    running.measured("conditional writes that found their version", swaps);
    server.kill();
    Ok(running.done())
}

/// What one client does. A conditional write that does not find its version has done nothing, and is not in the history.
async fn play(
    url: String,
    number: u64,
    choices: Vec<u64>,
    begun: Instant,
    start: Arc<Barrier>,
) -> anyhow::Result<Vec<Operation>> {
    let http = client()?;
    let mut history = Vec::new();
    // The version and value that were read last.
    let mut known: Option<(String, u64)> = None;
    start.wait().await;
    for (step, choice) in choices.into_iter().enumerate() {
        let new = 1 + number * EACH + step as u64;
        let write = json!({ "schemas": [PATCH], "Operations": [
            { "op": "replace", "path": "title", "value": new.to_string() },
        ] });
        let request = match (choice, &known) {
            (0, _) => http.get(&url),
            (1, Some((version, _))) => http.patch(&url).header("if-match", version).json(&write),
            (_, _) => http.patch(&url).json(&write),
        };
        let sent = begun.elapsed().as_nanos();
        let answer = request.bearer_auth(SCIM_KEY).send().await?;
        let status = answer.status();
        let version = answer.headers().get("etag").and_then(|tag| tag.to_str().ok());
        let version = version.map(str::to_owned);
        let body: Value = answer.json().await?;
        let answered = begun.elapsed().as_nanos();
        let value = body.get("title").and_then(Value::as_str).and_then(|text| text.parse().ok());
        let is_conditional = choice == 1 && known.is_some();
        if is_conditional && status == 412 {
            known = None;
            continue;
        }
        ensure!(status == 200, "{status}: {body}");
        let value: u64 = value.context("no title")?;
        let kind = match (choice, &known) {
            (0, _) => Kind::Read(value),
            (1, Some((_, old))) => Kind::Swap(*old, new),
            (_, _) => Kind::Write(new),
        };
        if choice != 0 {
            ensure!(value == new, "a write was answered with {value}, not {new}");
        }
        known = version.map(|version| (version, value));
        history.push(Operation { sent, answered, kind });
    }
    Ok(history)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn history(all: &[(u128, u128, Kind)]) -> Vec<Operation> {
        all.iter()
            .map(|(sent, answered, kind)| Operation {
                sent: *sent,
                answered: *answered,
                kind: *kind,
            })
            .collect()
    }

    /// The checker sees what a server must not do.
    #[test]
    fn stale_reads_lost_writes_and_double_swaps_are_caught() {
        use Kind::{Read, Swap, Write};
        let good = [
            (0, 2, Write(1)),
            (1, 4, Write(2)),
            (3, 6, Read(1)),
            (5, 9, Swap(2, 3)),
            (10, 11, Read(3)),
        ];
        assert!(!is_linearizable(&history(&[(0, 1, Write(1)), (2, 3, Read(0))])), "a stale read");
        assert!(
            is_linearizable(&history(&[(0, 2, Write(1)), (1, 3, Read(0))])),
            "at the same time"
        );
        assert!(
            !is_linearizable(&history(
                &good[..3]
                    .iter()
                    .copied()
                    .chain([(7, 8, Read(1)), (9, 10, Read(2)), (11, 12, Read(1))])
                    .collect::<Vec<_>>()
            )),
            "back and forth"
        );
        let both = [(0, 1, Write(1)), (2, 5, Swap(1, 2)), (3, 6, Swap(1, 3))];
        assert!(!is_linearizable(&history(&both)), "two changed the same version");
        assert!(
            !is_linearizable(&history(&[(0, 1, Write(1)), (2, 3, Write(2)), (4, 5, Read(1))])),
            "a lost write"
        );
        assert!(is_linearizable(&history(&[(0, 3, Write(1)), (1, 2, Write(2)), (4, 5, Read(1))])));
        assert!(is_linearizable(&[]));
    }

    /// A long good history, and the same with one read that is older than it may be.
    #[test]
    fn one_stale_read_among_many_is_caught() {
        let mut all = Vec::new();
        for step in 0..30_u64 {
            let at = u128::from(step) * 10;
            all.push(Operation { sent: at, answered: at + 7, kind: Kind::Write(step + 1) });
            all.push(Operation { sent: at + 8, answered: at + 9, kind: Kind::Read(step + 1) });
        }
        assert!(is_linearizable(&all));
        all[41].kind = Kind::Read(20);
        assert!(!is_linearizable(&all));
    }
}
