//! The one thread that writes, for all tenants.
//!
//! A turn takes every request that waits, decides them one after the other, each on what the ones
//! before it made, and makes them durable together. The order is the design: decide, seal, append
//! and flush, publish, answer. Nobody is answered, not even with a refusal, before what the answer
//! rests on is durable.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::iter::Peekable;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use domain::command::Command;
use domain::commit::{Commit, Unfit};
use domain::event::{Event, Subject};
use domain::id::{TenantId, UserId};
use domain::origin::Origin;
use domain::rejection::Rejection;
use domain::snapshot::Snapshot;
use eventlog::{Broken, EventLog, Keys, PersonKey, Sealed};
use tokio::sync::oneshot;
use tracing::{debug, error};

use crate::erasure::BegunErasure;
use crate::queue::{Exit, Next, Waits};
use crate::tip::{self, Tip};
use crate::{Receipt, Refusal, Shared, erasure, limits};

/// A command, who asked for it, and who waits for the answer.
pub(crate) struct Job {
    pub(crate) tenant: TenantId,
    pub(crate) origin: Origin,
    pub(crate) command: Command,
    /// What was done already, if it erases a person.
    pub(crate) begun: Option<BegunErasure>,
    /// Since when it waits.
    pub(crate) since: Instant,
    pub(crate) reply: oneshot::Sender<Result<Receipt, Refusal>>,
}

impl Waits for Box<Job> {
    fn tenant(&self) -> TenantId {
        self.tenant
    }
}

/// The one that writes. [`Engine::start`](crate::Engine::start) gives it a thread of its own; who
/// wants to say when a turn happens, as a simulation does, takes it from
/// [`Engine::open`](crate::Engine::open).
pub struct Writer<L: EventLog> {
    log: L,
    shared: Arc<Shared>,
    queue: Exit<Box<Job>>,
    pace: Pace,
}

/// When a turn has enough requests, whatever else waits.
#[derive(Clone, Copy)]
enum Pace {
    /// When no more wait: the clock decides nothing.
    Whole,
    /// When a flush that takes as long as the last one is a small part of it.
    After(Duration),
}

impl Pace {
    /// Whether a turn that began then is to be made durable with so many requests.
    fn is_over(self, begun: Instant, requests: usize) -> bool {
        match self {
            Pace::Whole => false,
            Pace::After(flush) => {
                requests >= limits::TURN_LEAST && begun.elapsed() >= flush * limits::TURN_FLUSHES
            }
        }
    }

    /// Whether who waits since then is not to be carried out any more.
    fn is_late(self, since: Instant) -> bool {
        match self {
            Pace::Whole => false,
            Pace::After(_) => since.elapsed() >= limits::WAIT,
        }
    }

    /// The same after a flush that took so long.
    fn after(self, flush: Duration) -> Self {
        match self {
            Pace::Whole => Pace::Whole,
            Pace::After(_) => Pace::After(flush),
        }
    }
}

/// The keys of persons who came to be or were erased in this turn, before those that the log holds.
struct TurnKeys<R> {
    // None: erased.
    changed: BTreeMap<(TenantId, UserId), Option<PersonKey>>,
    reader: R,
}

impl<R: Keys> Keys for TurnKeys<R> {
    fn person(&self, tenant: TenantId, user: UserId) -> Result<Option<PersonKey>, Broken> {
        match self.changed.get(&(tenant, user)) {
            Some(key) => Ok(key.clone()),
            None => self.reader.person(tenant, user),
        }
    }

    fn fresh(&self, tenant: TenantId, user: UserId) -> Result<PersonKey, Broken> {
        self.reader.fresh(tenant, user)
    }
}

/// What a turn has decided so far.
struct Turn<R> {
    tips: BTreeMap<TenantId, Tip>,
    keys: TurnKeys<R>,
    sealed: Vec<Sealed>,
    bytes: usize,
    answers: Vec<Answer>,
}

/// What somebody waits for, and will be told when it is durable.
type Answer = (oneshot::Sender<Result<Receipt, Refusal>>, Result<Receipt, Refusal>);

impl<L: EventLog> Writer<L> {
    pub(crate) fn new(log: L, shared: Arc<Shared>, queue: Exit<Box<Job>>) -> Self {
        Self { log, shared, queue, pace: Pace::Whole }
    }

    /// Works until it is told to stop, until nobody can ask any more, or until the log is lost.
    pub fn run(mut self) {
        self.pace = Pace::After(Duration::ZERO);
        loop {
            match self.queue.wait() {
                Next::Some => match self.take(limits::TURN) {
                    Some(same) => self = same,
                    None => return,
                },
                Next::Stop(stops) => return self.stop(stops),
                Next::Over => return self.log.close(),
            }
        }
    }

    /// Does what waits now, up to `most` requests, and no more. None: the log is lost, or the
    /// writer was told to stop.
    pub fn step(self, most: usize) -> Option<Self> {
        let same = self.take(most)?;
        let stops = same.queue.stops();
        if stops.is_empty() {
            return Some(same);
        }
        same.stop(stops);
        None
    }

    /// Takes requests one by one while there is room in a turn, so that whoever comes meanwhile has
    /// their place among the tenants.
    fn take(self, most: usize) -> Option<Self> {
        let Self { mut log, shared, queue, mut pace } = self;
        let mut jobs = std::iter::from_fn(|| queue.take()).take(most).peekable();
        while jobs.peek().is_some() {
            log = turn(log, &shared, &mut jobs, &mut pace)?;
        }
        drop(jobs);
        Some(Self { log, shared, queue, pace })
    }

    fn stop(self, stops: Vec<oneshot::Sender<()>>) {
        self.log.close();
        for done in stops {
            // Who asked for the end may have gone already.
            let _ = done.send(());
        }
    }
}

/// One turn: as many requests as fit are decided, made durable together, published and answered.
/// None: the log is lost.
fn turn<L: EventLog>(
    log: L,
    shared: &Shared,
    waiting: &mut Peekable<impl Iterator<Item = Box<Job>>>,
    pace: &mut Pace,
) -> Option<L> {
    let begun = Instant::now();
    let mut turn = Turn {
        tips: BTreeMap::new(),
        keys: TurnKeys { changed: BTreeMap::new(), reader: log.reader() },
        sealed: Vec::new(),
        bytes: 0,
        answers: Vec::new(),
    };
    let mut erases = false;
    // A turn that holds as much as the largest commit takes no more: with one more it still fits.
    while turn.bytes < eventlog::limits::COMMIT_BYTES
        && !erases
        && !pace.is_over(begun, turn.answers.len())
        && let Some(job) = waiting.next_if(|job| turn.suits(&job.command))
    {
        if pace.is_late(job.since) {
            shared.measures.busy();
            // Who no longer waits for the answer has hung up.
            drop(job.reply.send(Err(Refusal::Busy)));
            continue;
        }
        erases = erasure::erases(&job.command).is_some();
        let (tenant, own) = (job.tenant, tip::about(&job.command));
        if let Err(unfit) = turn.carry_out(shared, *job, own) {
            error!(%tenant, "a turn was given up: {unfit}; this is a bug");
            turn.refuse_all(&Refusal::Unfit(unfit));
            return Some(log);
        }
    }
    let Turn { tips, sealed, mut answers, .. } = turn;
    let mut log = log;
    let mut made = Vec::with_capacity(tips.len());
    for (tenant, tip) in tips {
        let (waiting, snapshot) = tip.finish();
        show(&mut answers, &waiting, &snapshot);
        made.push((tenant, snapshot));
    }
    // Before a person's key goes, the checkpoint does: it must not be there after the answer.
    let drops = sealed.iter().any(|commit| !commit.dropped_keys.is_empty());
    let keeper = shared.keeper.as_ref().filter(|_| drops);
    let none_is_kept = match keeper.map(|keeper| keeper.forget()).transpose() {
        Ok(guard) => guard,
        Err(failed) => {
            let reason = format!("the checkpoint cannot be deleted: {failed}");
            error!("nothing was written: {reason}");
            for (reply, _) in answers {
                shared.measures.unwritable();
                drop(reply.send(Err(Refusal::Unavailable(reason.clone()))));
            }
            return Some(log);
        }
    };
    if !sealed.is_empty() {
        let begun = Instant::now();
        log = match log.append(&sealed) {
            Ok(next) => next,
            Err(failed) => {
                error!("nothing was written: {failed}");
                let refusal = Refusal::Unavailable(failed.to_string());
                for (reply, _) in answers {
                    shared.measures.unwritable();
                    drop(reply.send(Err(refusal.clone())));
                }
                if failed.log.is_none() {
                    // Only one log is ever lost.
                    drop(shared.lost.set(failed.to_string()));
                }
                // The log comes back if nothing had been written: it is as good as before then.
                return failed.log;
            }
        };
        *pace = pace.after(begun.elapsed());
        drop(none_is_kept);
        shared.measures.turns.observe(sealed.len() as u64);
        debug!(commits = sealed.len(), requests = answers.len(), "turn is durable");
        let mut world = (**shared.world.load()).clone();
        // A tenant that only refused something is as it was, and may not be there at all.
        for (tenant, snapshot) in made.into_iter().filter(|(_, made)| made.head.position.is_some())
        {
            world.set(tenant, snapshot);
        }
        shared.world.store(Arc::new(world));
        // Before the answer: from then on no read finds what an erased person's key had opened.
        for commit in sealed.iter().filter(|commit| !commit.dropped_keys.is_empty()) {
            shared.readings.forget(commit.tenant, commit.position);
        }
        shared.readings.forget_old((shared.clock)());
        // After the world, so that whoever is woken finds the commits; it waits for nobody.
        shared.turns.send_modify(|turns| *turns += 1);
    }
    for (reply, answer) in answers {
        // Who no longer waits for the answer has hung up; the commit stands.
        drop(reply.send(answer));
    }
    Some(log)
}

/// Gives these answers the snapshot that they wait for.
fn show(answers: &mut [Answer], waiting: &[usize], snapshot: &Arc<Snapshot>) {
    for number in waiting {
        if let Some((_, Ok(receipt))) = answers.get_mut(*number) {
            receipt.snapshot = snapshot.clone();
        }
    }
}

impl<R: Keys> Turn<R> {
    /// Whether a command may be part of this turn. An erasure has a turn of its own: all that the
    /// person's events say is in the log then, where it can be looked up.
    fn suits(&self, command: &Command) -> bool {
        self.sealed.is_empty() || erasure::erases(command).is_none()
    }

    /// Carries out one command, and notes the answer. `own`: whom its answer is about, if it may show
    /// what others change after it.
    ///
    /// # Errors
    /// When nothing is known of the tenant any more; then nothing of the turn may be written.
    fn carry_out(&mut self, shared: &Shared, job: Job, own: Option<Subject>) -> Result<(), Unfit> {
        let Job { tenant, origin, command, begun, reply, since: _ } = job;
        if own.is_none() {
            self.freeze(tenant);
        }
        // What a panic leaves behind is put right below.
        let take = AssertUnwindSafe(|| self.take(shared, tenant, origin, command, begun, own));
        let answer = catch_unwind(take).unwrap_or_else(|_| {
            error!("deciding a command panicked; this is a bug");
            Err(Refusal::Panicked)
        });
        let is_bug = matches!(answer, Err(Refusal::Panicked | Refusal::Unfit(_)));
        self.answers.push((reply, answer));
        match self.tips.get_mut(&tenant) {
            Some(tip) if is_bug => tip.restore()?,
            Some(_) | None => {}
        }
        if own.is_none() {
            self.freeze(tenant);
        }
        Ok(())
    }

    /// Whoever waits to be shown this tenant is shown it as it is now.
    fn freeze(&mut self, tenant: TenantId) {
        if let Some(tip) = self.tips.get_mut(&tenant) {
            let (waiting, snapshot) = tip.freeze();
            show(&mut self.answers, &waiting, &snapshot);
        }
    }

    fn refuse_all(self, refusal: &Refusal) {
        for (reply, _) in self.answers {
            drop(reply.send(Err(refusal.clone())));
        }
    }

    /// Decides one command on the tip, and moves the tip.
    fn take(
        &mut self,
        shared: &Shared,
        tenant: TenantId,
        origin: Origin,
        command: Command,
        begun: Option<BegunErasure>,
        own: Option<Subject>,
    ) -> Result<Receipt, Refusal> {
        let tip = match self.tips.entry(tenant) {
            Entry::Occupied(there) => there.into_mut(),
            Entry::Vacant(place) => {
                let there = shared.world.load().get(tenant).cloned();
                let there = there.or_else(|| opens(tenant, &command).then(Arc::default));
                place.insert(Tip::of(there.ok_or(Refusal::NoTenant)?))
            }
        };
        let number = self.answers.len();
        let erased = erasure::erases(&command).map(|(user, reason)| (user, reason.to_owned()));
        let decision = domain::decide(&tip.now().directory, &origin.actor, command)?;
        if tip.would_disturb(&decision) {
            let (waiting, snapshot) = tip.freeze();
            show(&mut self.answers, &waiting, &snapshot);
        }
        let about = own.map(|own| tip::touched(own, &decision)).unwrap_or_default();
        let head = tip.now().head;
        let (receipt, events) = Receipt::of(tip.frozen().clone(), head, decision);
        if events.is_empty() {
            tip.wait(number, about);
            return Ok(receipt);
        }
        let now = tip.now();
        let commit = Commit {
            tenant,
            position: head.next(),
            at: (shared.clock)().max(head.time),
            prev: head.hash,
            origin: Origin {
                claimed: origin.claimed.filter(|it| has_key(now, &events, it.owner())),
                ..origin
            },
            events,
        };
        let sealed = eventlog::seal(&commit, &self.keys)
            .map_err(|broken| Refusal::Unavailable(broken.to_string()))?;
        if sealed.bytes.len() > eventlog::limits::COMMIT_BYTES {
            return Err(Refusal::Rejected(Rejection::TooLarge {
                events: commit.events.len(),
                limit: domain::limits::COMMIT_EVENTS,
                remedy: "the commit would be larger than 16 MiB; do it in several requests",
            }));
        }
        let ended = commit.events.iter().filter_map(|event| event.ends(&now.directory)).collect();
        let position = Some(commit.position);
        tip.advance(commit, sealed.hash)?;
        if let Some((user, reason)) = erased {
            // It has a turn of its own, so this is the tenant right before it.
            let before = tip.frozen().clone();
            let finished = begun
                .filter(|begun| (begun.tenant, begun.user) == (tenant, user))
                .unwrap_or_else(|| BegunErasure::unprepared(tenant, user))
                .finish(&*shared.past, &shared.journal, &before, &reason);
            if let Err(refusal) = finished {
                tip.take_back()?;
                return Err(refusal);
            }
        }
        let head = tip.now().head;
        tip.wait(number, about);
        for (user, key) in &sealed.new_keys {
            self.keys.changed.insert((tenant, *user), Some(key.clone()));
        }
        for user in &sealed.dropped_keys {
            self.keys.changed.insert((tenant, *user), None);
        }
        self.bytes += sealed.bytes.len();
        self.sealed.push(sealed);
        Ok(Receipt { position, head, ended, ..receipt })
    }
}

/// Whether there is a key for what is to be sealed under this user's: whoever was named may be gone by the writer's turn.
fn has_key(tip: &Snapshot, events: &[Event], user: UserId) -> bool {
    let is_made =
        |event: &Event| matches!(event, Event::UserCreated { user: made, .. } if *made == user);
    let directory = &tip.directory;
    directory.users.get(user).or_else(|| directory.ignored.user(user)).is_some()
        || events.iter().any(is_made)
}

/// Only two commands may be a log's first: opening a tenant, and adding the instance's operator.
fn opens(tenant: TenantId, command: &Command) -> bool {
    match command {
        Command::OpenTenant { tenant: opened, .. } => {
            *opened == tenant || tenant == TenantId::SYSTEM
        }
        Command::AddOperator { .. } => tenant == TenantId::SYSTEM,
        Command::User(..)
        | Command::EraseUser { .. }
        | Command::Group(..)
        | Command::JustInTime(..)
        | Command::Release(_)
        | Command::ReleaseAll { .. }
        | Command::LockUser { .. }
        | Command::UnlockUser { .. }
        | Command::AssignRole { .. }
        | Command::RevokeRole { .. }
        | Command::DefineRole { .. }
        | Command::RetireRole { .. }
        | Command::AddRule { .. }
        | Command::RemoveRule { .. }
        | Command::SuspendTenant { .. }
        | Command::ResumeTenant
        | Command::CloseTenant { .. }
        | Command::DescribeTenant { .. }
        | Command::ChangeOperator { .. }
        | Command::RemoveOperator { .. }
        | Command::AddConnector { .. }
        | Command::ChangeConnector { .. }
        | Command::RemoveConnector { .. }
        | Command::AddSchema { .. }
        | Command::WritePolicy { .. }
        | Command::DeletePolicy { .. }
        | Command::WritePolicySchema { .. }
        | Command::IssueCredential { .. }
        | Command::AddCredential(_)
        | Command::RotateCredential { .. }
        | Command::ReplaceKeys { .. }
        | Command::RevokeCredential { .. } => false,
    }
}

#[cfg(test)]
mod tests {
    use domain::origin::Actor;
    use domain::time::Timestamp;
    use eventlog::MemoryDisk;

    use super::*;
    use crate::Engine;

    const TENANT: &str = "00000000-0000-7000-8000-000000000001";

    /// Opens a tenant, waiting since then: what it was told.
    fn asked(pace: Pace, since: Instant) -> Result<Receipt, Refusal> {
        let log = MemoryDisk::default().open().unwrap();
        let clock = Arc::new(|| Timestamp::from_millis(0));
        let (engine, mut writer) = Engine::open(log, clock, |_| {}).unwrap();
        let tenant: TenantId = TENANT.parse().unwrap();
        let (reply, answer) = oneshot::channel();
        let origin = Origin {
            actor: Actor::System,
            request: TENANT.parse().unwrap(),
            source: None,
            agent: None,
            claimed: None,
        };
        let command = Command::OpenTenant { tenant, slug: "acme".to_owned(), roles: Vec::new() };
        let job = Job { tenant, origin, command, begun: None, since, reply };
        assert!(matches!(engine.queue.push(Box::new(job)), Ok(None)));
        writer.pace = pace;
        writer.step(1).unwrap();
        let told = answer.blocking_recv().unwrap();
        assert_eq!(engine.now(tenant).is_some(), told.is_ok(), "nothing of it is there, or all");
        told
    }

    /// Seen to fail when nobody looks how long a request has waited.
    #[test]
    fn who_has_waited_too_long_is_told_so_and_nothing_is_done() {
        let late = Instant::now().checked_sub(limits::WAIT).unwrap();
        let measured = Pace::After(Duration::ZERO);
        assert!(matches!(asked(measured, late), Err(Refusal::Busy)));
        assert!(asked(measured, Instant::now()).is_ok());
        assert!(asked(Pace::Whole, late).is_ok(), "who steps by hand has no clock");
    }

    #[test]
    fn a_turn_ends_once_a_flush_is_a_small_part_of_it() {
        let (begun, hour) = (Instant::now(), Duration::from_secs(3_600));
        assert!(!Pace::Whole.is_over(begun, limits::TURN));
        assert!(!Pace::After(Duration::ZERO).is_over(begun, limits::TURN_LEAST - 1));
        assert!(Pace::After(Duration::ZERO).is_over(begun, limits::TURN_LEAST));
        assert!(!Pace::After(hour).is_over(begun, limits::TURN - 1));
    }
}
