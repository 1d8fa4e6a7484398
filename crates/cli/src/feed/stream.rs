//! Following a feed by server-sent events, over restarts of the server.

use std::time::Duration;

use ::audit::Entry;
use anyhow::{Context, bail};

use super::{Next, Teller, Wanted, waits};
use crate::remote::{Answer, Remote};

/// How long to wait before asking again.
const RETRY: Duration = Duration::from_secs(1);
/// How long a server may be silent: it gives a sign of life every 15 seconds.
const SILENCE: Duration = Duration::from_secs(45);

/// Tells commits until nobody wants more. A server that was there once and goes away is waited for.
pub(super) async fn follow(
    remote: &Remote,
    slug: &str,
    narrowed: &[(&'static str, String)],
    teller: &mut Teller,
) -> anyhow::Result<()> {
    let (mut was_there, mut is_away) = (false, false);
    while teller.left > 0 {
        let mut query = narrowed.to_vec();
        query.extend(teller.place.query());
        query.push(("format", "sse".to_owned()));
        let answer = match remote.open(&["tenants", slug, "feed"], &query).await {
            Ok(answer) => answer,
            Err(error) if was_there && !is_away => {
                is_away = true;
                waits(&format!("{error:#}"));
                tokio::time::sleep(RETRY).await;
                continue;
            }
            Err(_) if was_there => {
                tokio::time::sleep(RETRY).await;
                continue;
            }
            Err(error) => return Err(error),
        };
        let status = answer.status();
        if status.is_client_error() || (!status.is_success() && !was_there) {
            bail!(Remote::refusal(answer).await);
        }
        if status.is_success() {
            (was_there, is_away) = (true, false);
            if listen(answer, teller).await? == Wanted::NoMore {
                return Ok(());
            }
        }
        tokio::time::sleep(RETRY).await;
    }
    Ok(())
}

/// Tells what one answer brings, until it ends or breaks off.
async fn listen(mut answer: Answer, teller: &mut Teller) -> anyhow::Result<Wanted> {
    let mut text = Vec::new();
    while let Ok(Ok(Some(chunk))) = tokio::time::timeout(SILENCE, answer.chunk()).await {
        text.extend_from_slice(&chunk);
        while let Some(end) = text.windows(2).position(|pair| pair == b"\n\n") {
            let event: Vec<u8> = text.drain(..end + 2).collect();
            let event = String::from_utf8(event).context("the server's answer is not UTF-8")?;
            if heard(&event, teller)? == Wanted::NoMore {
                return Ok(Wanted::NoMore);
            }
        }
    }
    Ok(Wanted::More)
}

fn heard(event: &str, teller: &mut Teller) -> anyhow::Result<Wanted> {
    let field = |name: &str| event.lines().find_map(|line| line.strip_prefix(name));
    match (field("event: "), field("data: ")) {
        (Some("commit"), Some(data)) => {
            let entry: Entry = serde_json::from_str(data).context("this is no commit")?;
            teller.tell(&entry)
        }
        (Some("position"), Some(data)) => {
            let Next { after } = serde_json::from_str(data).context("this is no position")?;
            teller.place.passed(after)?;
            Ok(Wanted::More)
        }
        // Signs of life, and what later servers may say.
        _ => Ok(Wanted::More),
    }
}
