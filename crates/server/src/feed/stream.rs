//! A feed as server-sent events (<https://html.spec.whatwg.org/multipage/server-sent-events.html>).

use std::convert::Infallible;
use std::fmt::Write;
use std::time::Duration;

use axum::body::{Body, Bytes};
use domain::position::Position;
use http_body_util::BodyExt;
use http_body_util::channel::{Channel, Sender};
use serde_json::json;
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep_until, timeout};

use super::read::{FeedError, Form, Most, Run, Wanted, last, read_beside};
use super::readers::{Ended, Place, Watch};
use crate::app::App;
use crate::limits::{FEED_PARTING_MILLIS, FEED_RETRY_MILLIS, FEED_RUN_BYTES, FEED_RUN_COMMITS};

const RUN: Most = Most { commits: FEED_RUN_COMMITS, bytes: FEED_RUN_BYTES };

/// The reader has gone.
struct Gone;

/// The body of an answer that goes on for as long as its reader stays.
pub(crate) fn stream(watch: Watch, wanted: Wanted, place: Place) -> Body {
    // One run waits for the socket while the next is read: nothing else is held for the reader.
    let (sender, body) = Channel::<Bytes, Infallible>::new(1);
    let (held, dropped) = oneshot::channel::<()>();
    let said = place.after();
    let mut stream = Stream { app: watch.app.clone(), wanted, place, sender, said };
    tokio::spawn(async move {
        let parting = tokio::select! {
            // The body was dropped: the connection has ended.
            _ = dropped => return,
            ended = watch.ended() => parting(ended).to_owned(),
            end = stream.run() => match end {
                Ok(Gone) => return,
                Err(error) => failure(&error),
            },
        };
        stream.part(parting).await;
    });
    Body::new(body.map_frame(move |frame| {
        let _alive = &held;
        frame
    }))
}

struct Stream {
    app: App,
    wanted: Wanted,
    place: Place,
    sender: Sender<Bytes>,
    /// The last position that the reader was told of.
    said: u64,
}

impl Stream {
    /// Tells commits until the reader goes or the log fails.
    async fn run(&mut self) -> Result<Gone, FeedError> {
        let mut arrivals = self.app.engine.arrivals();
        let heartbeat = self.app.feeds.heartbeat;
        let mut after = self.place.after();
        if self.send(format!("retry: {FEED_RETRY_MILLIS}\n\n"), after, after).await.is_err() {
            return Ok(Gone);
        }
        let mut beat = Instant::now() + heartbeat;
        loop {
            let run = self.next(after).await?;
            after = run.after;
            match run.commits.last().map(|(position, _)| position.get()) {
                Some(said) => {
                    if self.send(events(&self.wanted, &run), after, said).await.is_err() {
                        return Ok(Gone);
                    }
                    beat = Instant::now() + heartbeat;
                }
                None => self.place.took(after),
            }
            let mut is_due = Instant::now() >= beat;
            if after >= last(&run.head) && !is_due {
                drop(run);
                tokio::select! {
                    () = arrivals.next() => {}
                    () = sleep_until(beat) => is_due = true,
                }
            }
            if is_due {
                let sign = if after > self.said { position(after) } else { ":\n\n".to_owned() };
                if self.send(sign, after, after).await.is_err() {
                    return Ok(Gone);
                }
                beat = Instant::now() + heartbeat;
            }
        }
    }

    /// The next run out of the log, if there is more.
    async fn next(&self, after: u64) -> Result<Run, FeedError> {
        let now = self.app.engine.now(self.wanted.tenant);
        let head = now.ok_or(FeedError::NoTenant)?.head;
        if after == last(&head) {
            return Ok(Run { commits: Vec::new(), keys: None, after, head });
        }
        read_beside(&self.app, &self.wanted, after, None, RUN).await
    }

    /// Hands a text to the socket; when it was taken, the reader is at `after` and was told of `said`.
    async fn send(&mut self, text: String, after: u64, said: u64) -> Result<(), Gone> {
        self.place.hands(text.len());
        self.sender.send_data(text.into()).await.map_err(|_| Gone)?;
        self.place.took(after);
        self.said = said;
        Ok(())
    }

    /// The last words to a reader who is let go. If the socket takes nothing they stay unsaid.
    async fn part(&mut self, words: String) {
        let after = self.place.after();
        let news = if after > self.said { position(after) } else { String::new() };
        let sending = self.send(format!("{news}{words}"), after, after);
        drop(timeout(Duration::from_millis(FEED_PARTING_MILLIS), sending).await);
    }
}

/// How far the log was looked through: whoever resumes there need not look again.
fn position(after: u64) -> String {
    format!("id: {after}\nevent: position\ndata: {{\"after\":{after}}}\n\n")
}

/// A run, as events: one for each commit, or, where keys go with them, one for all.
fn events(wanted: &Wanted, run: &Run) -> String {
    let mut text = String::new();
    match &wanted.form {
        Form::Told(_) => {
            for (position, told) in &run.commits {
                // Writing to a string cannot fail.
                let _ = write!(text, "id: {position}\nevent: commit\ndata: {told}\n\n");
            }
        }
        Form::Sealed(_) => {
            let page = run.page(wanted, None);
            let id = run.commits.last().map_or(Position::FIRST, |(position, _)| *position);
            let _ = write!(text, "id: {id}\nevent: commits\ndata: {page}\n\n");
        }
    }
    text
}

fn parting(ended: Ended) -> &'static str {
    match ended {
        Ended::Stopping => ": the server stops: come again\n\n",
        Ended::Key => ": the key is revoked, or its time is over\n\n",
        Ended::Tenant => ": there is no such tenant any more\n\n",
    }
}

fn failure(error: &FeedError) -> String {
    tracing::error!("a feed ends: {error}");
    let why = json!({ "detail": "the server failed; its log says why" });
    format!("event: error\ndata: {why}\n\n")
}
