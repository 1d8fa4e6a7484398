//! One run of commits out of the log, as a feed tells them.

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use audit::{AskError, Question, ask_each};
use data_encoding::BASE64;
use domain::id::TenantId;
use domain::position::{Hash, Head, Position};
use engine::{Engine, SendError};
use eventlog::{Broken, Recipient};
use serde_json::{Value, json};

use crate::app::App;
use crate::limits::{FEED_LOOK_MILLIS, FEED_WINDOW};

/// What a reader wants to be told.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    pub(crate) tenant: TenantId,
    pub(crate) form: Form,
}

/// In which form commits are told.
#[derive(Clone, Debug)]
pub(crate) enum Form {
    /// As entries, those that answer the question. Its range, order and limit are the reading's own.
    Told(Box<Question>),
    /// As they stand in the log, for a copy of it.
    Sealed(Recipient),
}

/// How much is read at once: whichever is reached first ends the run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Most {
    /// Commits.
    pub(crate) commits: usize,
    /// Bytes of what is told. The first commit is told in any case.
    pub(crate) bytes: usize,
}

/// What was read.
#[derive(Debug)]
pub(crate) struct Run {
    /// Each commit in JSON, in order.
    pub(crate) commits: Vec<(Position, String)>,
    /// The keys that go with them, in base64.
    pub(crate) keys: Option<String>,
    /// Up to where the log was looked through: reading goes on after it.
    pub(crate) after: u64,
    /// Where the log ended.
    pub(crate) head: Head,
}

/// Why nothing could be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FeedError {
    /// There is no such tenant.
    #[error("there is no such tenant")]
    NoTenant,
    /// The reader has read further than the log goes.
    #[error(
        "position {after} is not reached: this log ends at {last}. Whoever has read so far followed \
         another instance, or this one was restored from an older copy: begin anew with `after=0`"
    )]
    Ahead {
        /// Up to where the reader has read.
        after: u64,
        /// Where the log ends.
        last: u64,
    },
    /// The reader has read another commit at this position.
    #[error(
        "the commit at position {after} has the hash {ours} here, not {theirs}. Whoever has read that \
         followed another instance, or this one was restored from an older copy: begin anew with \
         `after=0`"
    )]
    Parted {
        /// Up to where the reader has read.
        after: u64,
        /// The hash of the commit there.
        ours: Hash,
        /// The hash that the reader has of it.
        theirs: Hash,
    },
    /// The log could not be told.
    #[error(transparent)]
    Ask(#[from] AskError),
    /// The log could not be sent.
    #[error(transparent)]
    Send(#[from] SendError),
    /// The log is damaged.
    #[error(transparent)]
    Broken(#[from] Broken),
    /// A bug: reading panicked.
    #[error("reading the log broke off; this is a bug")]
    BrokenOff,
}

impl Run {
    /// The run as a page in JSON, of a log whose directory has this hash.
    pub(crate) fn page(&self, wanted: &Wanted, directory: Option<Hash>) -> String {
        let mut head = json!({ "position": self.head.position, "hash": self.head.hash });
        if let (Some(directory), Value::Object(head)) = (directory, &mut head) {
            head.insert("directoryHash".to_owned(), directory.to_string().into());
        }
        head.sort_all_objects();
        let commits: Vec<&str> = self.commits.iter().map(|(_, told)| told.as_str()).collect();
        let commits = commits.join(",");
        let next = json!({ "after": self.after });
        match &wanted.form {
            Form::Told(_) => format!(r#"{{"commits":[{commits}],"next":{next},"head":{head}}}"#),
            Form::Sealed(_) => {
                let (tenant, mut keys) = (wanted.tenant, json!(self.keys));
                keys.sort_all_objects();
                let is_last = self.after >= last(&self.head);
                let next = if is_last { Value::Null } else { next };
                format!(
                    r#"{{"tenant":"{tenant}","commits":[{commits}],"keys":{keys},"next":{next},"head":{head}}}"#
                )
            }
        }
    }
}

/// Where a log ends, as a number: 0 when it is empty.
pub(crate) fn last(head: &Head) -> u64 {
    head.position.map_or(0, Position::get)
}

/// As [`read`], on a thread that may block; only so many read at once.
pub(crate) async fn read_beside(
    app: &App,
    wanted: &Wanted,
    after: u64,
    to: Option<Position>,
    most: Most,
) -> Result<Run, FeedError> {
    let permit = app.feeds.reads.clone().acquire_owned().await;
    let (engine, wanted) = (app.engine.clone(), wanted.clone());
    let reading = tokio::task::spawn_blocking(move || {
        let run = read(&engine, &wanted, after, to, most);
        drop(permit);
        run
    });
    reading.await.map_err(|_| FeedError::BrokenOff)?
}

/// Reads the commits after `after`, not past `to`. It blocks; it holds the snapshot of now, and only
/// while it reads. A question that finds little is broken off after [`FEED_LOOK_MILLIS`]: the run
/// says how far it came.
fn read(
    engine: &Engine,
    wanted: &Wanted,
    after: u64,
    to: Option<Position>,
    most: Most,
) -> Result<Run, FeedError> {
    let head = engine.now(wanted.tenant).ok_or(FeedError::NoTenant)?.head;
    let end = last(&head);
    if after > end {
        return Err(FeedError::Ahead { after, last: end });
    }
    let end = to.map_or(end, |to| to.get().min(end));
    let mut run = Run { commits: Vec::new(), keys: None, after, head };
    let (Some(from), Some(to)) = (Position::new(after + 1), Position::new(end)) else {
        return Ok(run);
    };
    if from > to || most.commits == 0 {
        return Ok(run);
    }
    match &wanted.form {
        Form::Told(question) => tell(engine, wanted.tenant, question, to, most, &mut run)?,
        Form::Sealed(recipient) => {
            let limits = (most.commits, most.bytes);
            let sealed = engine.sealed(wanted.tenant, (from, to), limits, recipient)?;
            run.keys = sealed.keys.map(|keys| BASE64.encode(&keys));
            for commit in sealed.commits {
                let bytes = BASE64.encode(&commit.bytes);
                let (position, hash) = (commit.position, commit.hash);
                run.after = position.get();
                let told = json!({ "position": position, "hash": hash, "bytes": bytes });
                run.commits.push((position, told.to_string()));
            }
        }
    }
    Ok(run)
}

fn tell(
    engine: &Engine,
    tenant: TenantId,
    question: &Question,
    to: Position,
    most: Most,
    run: &mut Run,
) -> Result<(), FeedError> {
    let began = Instant::now();
    let mut size = 0;
    while run.after < to.get() && began.elapsed() < Duration::from_millis(FEED_LOOK_MILLIS) {
        let (from, window) = (Position::new(run.after + 1), Position::new(run.after + FEED_WINDOW));
        let (Some(from), Some(window)) = (from, window) else { break };
        let window = window.min(to);
        let question = Question { from, to: window, ..question.clone() };
        let mut is_full = false;
        ask_each(engine, tenant, &question, |entry| {
            let told = serde_json::to_string(&entry)?;
            size += told.len();
            run.after = entry.position.get();
            run.commits.push((entry.position, told));
            is_full = run.commits.len() >= most.commits || size >= most.bytes;
            Ok(if is_full { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
        })?;
        if is_full {
            return Ok(());
        }
        run.after = window.get();
    }
    Ok(())
}
