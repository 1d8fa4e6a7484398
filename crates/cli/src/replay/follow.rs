//! A copy of a running server: all its logs, link by link, and what is added to them.

use std::collections::BTreeMap;
use std::future::Future;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use domain::id::TenantId;
use domain::position::{Hash, Position};
use domain::snapshot::Snapshot;
use engine::{Copy, CopyError};
use eventlog::{LogReader, SledLog};
use indicatif::ProgressBar;

use super::feed::{Feed, Listing, Page, Reached, Told};
use crate::remote::Unreachable;
use crate::terminal::{counter, note, say, shows_progress};

/// Between two looks at a source that is followed.
const PAUSE: Duration = Duration::from_millis(500);
/// Before a source that does not answer is asked again.
const RETRY: Duration = Duration::from_secs(2);
/// Between two proofs of a copy that follows its source: they cost the source time in proportion to the
/// directories that changed.
const PROOF: Duration = Duration::from_secs(600);
/// What the last proof may take when following is ended.
const LAST_PROOF: Duration = Duration::from_secs(10);
/// Between two lines about how far it is, where there is no terminal.
const REPORT: Duration = Duration::from_secs(5);

/// A copy under way.
pub(super) struct Following {
    feed: Feed,
    copy: Copy<SledLog>,
    progress: Progress,
    /// Where each log ended when it was proved that nothing differs.
    proved: BTreeMap<TenantId, Hash>,
}

/// How far it is, as people see it.
struct Progress {
    bar: ProgressBar,
    begun: Instant,
    reported: Instant,
    copied: u64,
}

impl Following {
    pub(super) fn new(feed: Feed, log: SledLog) -> anyhow::Result<Following> {
        let copy = Copy::open(log, |_| {})?;
        let now = Instant::now();
        let bar = counter("commits");
        bar.set_message("copying");
        let progress = Progress { bar, begun: now, reported: now, copied: 0 };
        Ok(Following { feed, copy, progress, proved: BTreeMap::new() })
    }

    /// Copies what there is, and with `follow` what comes, until `stop` resolves.
    pub(super) async fn run(
        mut self,
        into: &Path,
        follow: bool,
        stop: impl Future<Output = ()>,
    ) -> anyhow::Result<()> {
        let ended = {
            tokio::pin!(stop);
            let copying = self.copy_on(follow);
            tokio::select! {
                done = copying => done.map(|()| None),
                () = &mut stop => Ok(Some("the source did not answer in time")),
            }
        };
        let proof = match ended {
            Ok(None) => Ok(None),
            // Whoever ends it wants to know what they have.
            Ok(Some(late)) => match tokio::time::timeout(LAST_PROOF, self.round(true)).await {
                Ok(Ok(())) => Ok(None),
                Ok(Err(error)) if error.is::<Unreachable>() => {
                    Ok(Some("the source does not answer"))
                }
                Ok(Err(error)) => Err(error),
                Err(_) => Ok(Some(late)),
            },
            Err(error) => Err(error),
        };
        self.progress.bar.finish_and_clear();
        let Following { feed, copy, progress, proved } = self;
        let kept = copy.finish();
        let unproved = proof?;
        let world = kept?.into_world();
        say(format!("{}  {} commits copied from {}", into.display(), progress.copied, feed.url()));
        crate::heads::show(&world);
        let differs = |(id, snapshot): (TenantId, &Arc<Snapshot>)| {
            (proved.get(&id) != Some(&snapshot.head.hash)).then(|| crate::heads::name(id, snapshot))
        };
        let open: Vec<String> = world.iter().filter_map(differs).collect();
        match unproved {
            None if open.is_empty() => {
                say("\nproved: the source has the same head and directory hash in every log");
            }
            None => say(format!("\nnot proved: the source no longer lists {}", open.join(", "))),
            Some(_) if open.is_empty() => {
                say(
                    "\nproved when it was last in step: the same head and directory hash in every log",
                );
            }
            Some(why) => say(format!(
                "\nnot proved up to its end: {why}; in {} the last commits came after the last proof. The \
                 same command without --follow proves it",
                open.join(", ")
            )),
        }
        Ok(())
    }

    async fn copy_on(&mut self, follow: bool) -> anyhow::Result<()> {
        let mut was_lost = false;
        let mut proved: Option<Instant> = None;
        loop {
            let is_due = proved.is_none_or(|proved| proved.elapsed() >= PROOF);
            match self.round(is_due).await {
                Ok(()) => {
                    if was_lost {
                        note(format!("{} answers again", self.feed.url()));
                    }
                    was_lost = false;
                    if !follow {
                        return Ok(());
                    }
                    if proved.is_none() {
                        let held = self.copy.fold().commits();
                        note(format!("in step with the source: {held} commits; following"));
                    }
                    if is_due {
                        proved = Some(Instant::now());
                    }
                    tokio::time::sleep(PAUSE).await;
                }
                Err(error) if follow && proved.is_some() && error.is::<Unreachable>() => {
                    if !was_lost {
                        note(format!("{error}: the copy is whole up to here; trying again"));
                    }
                    was_lost = true;
                    tokio::time::sleep(RETRY).await;
                }
                Err(error) => {
                    // What came before is sound, and is kept; when it is the disk that failed, the first error says why.
                    drop(self.copy.flush());
                    return Err(error);
                }
            }
        }
    }

    /// Every log up to where it ends now, and, if asked, the proof that nothing differs. One question tells
    /// which logs have moved; only these are asked for.
    async fn round(&mut self, prove: bool) -> anyhow::Result<()> {
        for Listing { id, name, head } in self.feed.logs().await? {
            let ours = self.copy.head(id);
            let is_same =
                head.is_some_and(|head| head.position == ours.position && head.hash == ours.hash);
            let is_proved = self.proved.get(&id) == Some(&ours.hash);
            if !is_same || prove && !is_proved {
                self.log(id, &name, prove).await?;
            }
        }
        self.copy.flush()?;
        Ok(())
    }

    async fn log(&mut self, id: TenantId, log: &str, prove: bool) -> anyhow::Result<()> {
        loop {
            let head = self.copy.head(id);
            let page = match self.feed.after(log, &head, false).await? {
                Told::Page(page) => page,
                Told::Parted => return Err(self.parted(id, log).await?),
            };
            let is_last = page.is_last;
            self.take(id, log, page).await?;
            if is_last {
                break;
            }
        }
        if !prove {
            return Ok(());
        }
        let mut is_second_look = false;
        loop {
            // What is added meanwhile is taken, too: proof is where both have the same head.
            let head = self.copy.head(id);
            let page = match self.feed.after(log, &head, true).await? {
                Told::Page(page) => page,
                Told::Parted => return Err(self.parted(id, log).await?),
            };
            if page.commits.is_empty() {
                match self.prove(id, log, page.head) {
                    Ok(()) => {
                        self.proved.insert(id, head.hash);
                        return Ok(());
                    }
                    // Somebody's key may be gone whose erasure is not told yet.
                    Err(_) if !is_second_look => {
                        is_second_look = true;
                        tokio::time::sleep(PAUSE).await;
                        continue;
                    }
                    Err(error) => return Err(error),
                }
            }
            self.take(id, log, page).await?;
        }
    }

    async fn take(&mut self, id: TenantId, log: &str, page: Page) -> anyhow::Result<()> {
        let end = page.head.position.map_or(0, Position::get);
        for (position, _, bytes) in page.commits {
            let expected = self.copy.head(id).next();
            ensure!(
                position == expected,
                "the source is not to be trusted: `{log}` goes on with position {position}, not {expected}"
            );
            match self.copy.add(id, bytes, &page.keys) {
                Ok(_) => {}
                Err(CopyError::Parted { .. }) => return Err(self.parted(id, log).await?),
                Err(error) => return Err(error).with_context(|| format!("`{log}`")),
            }
            self.progress.step(log, position.get(), end);
        }
        Ok(())
    }

    /// Whether the copy of a log comes to what the source says.
    fn prove(&self, id: TenantId, log: &str, told: Reached) -> anyhow::Result<()> {
        let head = self.copy.head(id);
        if head.position != told.position || head.hash != told.hash {
            bail!("`{log}` ends at {:?} in the source, not where the copy ends", told.position);
        }
        let Some(theirs) = told.directory_hash else { return Ok(()) };
        let ours =
            self.copy.fold().get(id).map(|snapshot| eventlog::fingerprint(&snapshot.directory));
        let ours = ours.unwrap_or(Hash::ZERO);
        ensure!(
            told.position.is_none() || ours == theirs,
            "the directories of `{log}` differ at position {}, although the logs are the same: the copy \
             has hash {ours}, the source {theirs}. Keys that did not come along make that: begin anew in \
             an empty folder; `rollbook compare` lists what differs",
            head.position.map_or(0, Position::get)
        );
        Ok(())
    }

    /// The first position at which source and copy have different commits.
    async fn parted(&mut self, id: TenantId, log: &str) -> anyhow::Result<anyhow::Error> {
        self.copy.flush()?;
        let ours = self.copy.head(id).position.map_or(0, Position::get);
        let theirs = self.feed.head(log, false).await?.position.map_or(0, Position::get);
        // INVARIANT: up to `same` both are one; at `other` they are not.
        let (mut same, mut other) = (0, ours.min(theirs) + 1);
        while same + 1 < other {
            let middle = same + (other - same) / 2;
            let (ours, theirs) = self.hashes(id, log, middle).await?;
            if ours == theirs { same = middle } else { other = middle }
        }
        if other > ours.min(theirs) {
            return Ok(anyhow::anyhow!(
                "the log of `{log}` ends at position {theirs} in the source, and at {ours} in the copy: \
                 the source was restored from something older; copy it into an empty folder"
            ));
        }
        let (ours, theirs) = self.hashes(id, log, other).await?;
        Ok(anyhow::anyhow!(
            "the logs of `{log}` part at position {other}: the source has the hash {theirs}, the copy \
             {ours}; nothing was changed. Copy into an empty folder, or find out which of them is right: \
             `rollbook compare`"
        ))
    }

    async fn hashes(&self, id: TenantId, log: &str, place: u64) -> anyhow::Result<(Hash, Hash)> {
        let position = Position::new(place).context("no position")?;
        let ours = self.copy.reader().commit(id, position)?;
        let ours = ours.map_or(Hash::ZERO, |bytes| eventlog::hash(&bytes));
        let (theirs, _) = self.feed.at(log, position).await?;
        Ok((ours, theirs.map_or(Hash::ZERO, |(hash, _)| hash)))
    }
}

impl Progress {
    fn step(&mut self, log: &str, position: u64, end: u64) {
        self.copied += 1;
        let behind = end.saturating_sub(position);
        self.bar.inc(1);
        self.bar.set_message(format!("{log}, {behind} behind"));
        if !shows_progress() && self.reported.elapsed() >= REPORT {
            self.reported = Instant::now();
            let seconds = self.begun.elapsed().as_secs().max(1);
            let (copied, rate) = (self.copied, self.copied / seconds);
            note(format!("{copied} commits copied, {rate}/s; `{log}` is {behind} behind"));
        }
    }
}
