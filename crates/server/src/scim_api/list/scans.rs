//! Looking at resources one by one: off the threads that answer requests, a few at once, and only
//! as long as somebody waits for the answer.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use axum::http::StatusCode;
use domain::find::GoOn;
use scim::{Invalid, ScimType};
use tokio::sync::Semaphore;

use crate::limits::{SCAN_SECONDS, SCANS_WAITING};
use crate::refused::Refused;

/// As many at once as there are cores; others wait. They read snapshots, so no write waits for one.
pub(super) struct Scans {
    permits: Arc<Semaphore>,
    waiting: AtomicUsize,
    most_waiting: usize,
    longest: Duration,
    counts: Arc<Counts>,
}

#[derive(Default)]
struct Counts {
    running: AtomicUsize,
    rows: AtomicU64,
}

impl Default for Scans {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get());
        Scans::new(cores, SCANS_WAITING, Duration::from_secs(SCAN_SECONDS))
    }
}

impl Scans {
    fn new(at_once: usize, most_waiting: usize, longest: Duration) -> Scans {
        let permits = Arc::new(Semaphore::new(at_once));
        let waiting = AtomicUsize::new(0);
        Scans { permits, waiting, most_waiting, longest, counts: Arc::default() }
    }

    pub(super) fn rows_looked_at(&self) -> u64 {
        self.counts.rows.load(Ordering::Relaxed)
    }

    pub(super) fn running(&self) -> usize {
        self.counts.running.load(Ordering::Relaxed)
    }

    /// Runs `look` when it is its turn. When this future is dropped, for the client went away,
    /// `look` is told so when it next asks whether to go on.
    ///
    /// # Errors
    /// 503 when too many wait already; 400 `tooMany` when it takes longer than one may take: what a
    /// comparison costs is estimated before, and estimates can be wrong.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        look: impl FnOnce(GoOn<'_>) -> T + Send + 'static,
    ) -> Result<T, Refused> {
        let turn = {
            let _waiting = Counted::enter(&self.waiting);
            if self.waiting.load(Ordering::Relaxed) > self.most_waiting
                && self.permits.available_permits() == 0
            {
                let detail = format!(
                    "{} lists are waiting to be looked for already: try again in a moment, or ask \
                     with `eq` for an indexed attribute",
                    self.most_waiting
                );
                return Err(Refused::later(StatusCode::SERVICE_UNAVAILABLE, detail));
            }
            self.permits.clone().acquire_owned().await
        };
        let turn = turn.map_err(|_| Refused::internal("the queue of lists is closed"))?;
        let gone = Gone::default();
        let late = Arc::new(AtomicBool::new(false));
        let (flag, counts, is_late) = (gone.0.clone(), self.counts.clone(), late.clone());
        let longest = self.longest;
        let looking = move || {
            let _running = Counted::enter(&counts.running);
            let begun = Instant::now();
            let go_on = |rows: usize| {
                counts.rows.fetch_add(rows as u64, Ordering::Relaxed);
                is_late.fetch_or(begun.elapsed() >= longest, Ordering::Relaxed);
                !flag.load(Ordering::Relaxed) && !is_late.load(Ordering::Relaxed)
            };
            let found = look(&go_on);
            drop(turn);
            found
        };
        let found = tokio::task::spawn_blocking(looking).await;
        drop(gone);
        if late.load(Ordering::Relaxed) {
            let detail = format!(
                "the list was not found in {} seconds: use fewer terms, or `and` one that compares \
                 an indexed attribute with `eq`",
                longest.as_secs()
            );
            return Err(Invalid::new(ScimType::TooMany, detail).into());
        }
        found.map_err(Refused::broken_off)
    }
}

/// Says, when it is dropped, that nobody waits any more.
#[derive(Default)]
struct Gone(Arc<AtomicBool>);

impl Drop for Gone {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// One more, as long as it lives.
struct Counted<'c>(&'c AtomicUsize);

impl<'c> Counted<'c> {
    fn enter(count: &'c AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Counted(count)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    /// A list that would be looked for without end, until nobody waits for it.
    fn endless(begun: mpsc::Sender<()>, ended: mpsc::Sender<u64>) -> impl FnOnce(GoOn<'_>) + Send {
        move |go_on| {
            begun.send(()).unwrap();
            let mut rows = 0;
            while go_on(256) {
                rows += 256;
                std::thread::yield_now();
            }
            ended.send(rows).unwrap();
        }
    }

    /// Seen to hang without the flag.
    #[tokio::test(flavor = "multi_thread")]
    async fn looking_ends_when_nobody_waits_for_it() {
        let scans = Arc::new(Scans::new(1, 1, Duration::MAX));
        let ((begin, begun), (end, ended)) = (mpsc::channel(), mpsc::channel());
        let (running, look) = (scans.clone(), endless(begin, end));
        let request = tokio::spawn(async move { running.run(look).await });
        tokio::task::spawn_blocking(move || begun.recv().unwrap()).await.unwrap();
        request.abort();
        let rows = tokio::task::spawn_blocking(move || ended.recv().unwrap()).await.unwrap();
        assert!(scans.rows_looked_at() >= rows);
        // Its turn is over: the next one gets it.
        assert!(scans.run(|go_on| go_on(1)).await.unwrap());
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_bounded_number_waits_and_the_next_is_sent_away() {
        let scans = Arc::new(Scans::new(1, 1, Duration::MAX));
        let ((begin, begun), (end, ended)) = (mpsc::channel(), mpsc::channel());
        let (running, look) = (scans.clone(), endless(begin, end));
        let first = tokio::spawn(async move { running.run(look).await });
        tokio::task::spawn_blocking(move || begun.recv().unwrap()).await.unwrap();
        let waiting = scans.clone();
        let second = tokio::spawn(async move { waiting.run(|_| 2).await });
        while scans.waiting.load(Ordering::Relaxed) == 0 {
            tokio::task::yield_now().await;
        }
        let refused = scans.run(|_| 3).await.unwrap_err();
        assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE);
        first.abort();
        assert_eq!(second.await.unwrap().unwrap(), 2);
        ended.recv().unwrap();
    }

    /// Seen to hang without the limit.
    #[tokio::test(flavor = "multi_thread")]
    async fn looking_ends_when_it_takes_too_long() {
        let scans = Scans::new(1, 1, Duration::ZERO);
        let ((begin, _begun), (end, _ended)) = (mpsc::channel(), mpsc::channel());
        let refused = scans.run(endless(begin, end)).await.unwrap_err();
        assert_eq!(refused.kind, Some(ScimType::TooMany));
        assert_eq!(scans.running(), 0);
    }
}
