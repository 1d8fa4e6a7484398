//! The writer, the published world, and the past.
//!
//! One thread writes for all tenants: it decides a batch on its own tip, appends it with one
//! durable flush, swaps one pointer, and only then answers. Readers take that pointer and never
//! wait. Boot, as-of reads and copies are the same fold over the same log.

mod arrivals;
mod boot;
mod checkpoint;
mod copy;
mod erasure;
mod fold;
mod measures;
mod opened;
mod past;
mod queue;
mod sealed;
mod tip;
mod when;
mod world;
mod writer;

pub mod limits;

use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use domain::command::{Command, Decision, Elsewhere, Notice, Quirk};
use domain::commit::{Commit, Unfit};
use domain::erasure::PersonValues;
use domain::event::{Ended, Event, Member};
use domain::id::{TenantId, UserId};
use domain::origin::Origin;
use domain::position::{Hash, Head, Position};
use domain::rejection::Rejection;
use domain::snapshot::Snapshot;
use domain::time::Timestamp;
use eventlog::{Broken, Checkpoints, EventLog, Journal, JournalError};
use tokio::sync::{oneshot, watch};

pub use arrivals::Arrivals;
pub use boot::{Progress, StartError};
pub use checkpoint::Checked;
pub use copy::{Added, Copy, CopyError};
pub use erasure::{BegunErasure, PersonRead};
pub use fold::{Fold, keys_of};
pub use measures::Measures;
pub use past::{Hold, PastCounts, ReadError};
pub use sealed::{SealedCommit, SealedRun, SendError};
pub use when::{NotAMoment, When};
pub use world::World;
pub use writer::Writer;

use checkpoint::Keeper;
use past::{Past, Readings};
use queue::{Doors, NoRoom};
use writer::Job;

/// Where the engine gets the time from.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// The one way in and out of a set of tenants. Cheap to clone; all clones are the same engine.
#[derive(Clone)]
pub struct Engine {
    shared: Arc<Shared>,
    queue: Doors<Box<Job>>,
}

struct Shared {
    world: ArcSwap<World>,
    /// Counts the turns that were published; whoever waits for commits looks at it.
    turns: watch::Sender<u64>,
    past: Box<dyn Past>,
    journal: Journal,
    readings: Readings,
    clock: Clock,
    keeper: Option<Arc<Keeper>>,
    measures: Measures,
    /// Why the log was lost, once it is.
    lost: OnceLock<String>,
}

/// A commit as it stands in the log.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// What it says.
    pub commit: Commit,
    /// SHA-256 of its bytes.
    pub hash: Hash,
}

/// What became of a granted command. It is given out only once the commit is durable.
#[derive(Clone)]
pub struct Receipt {
    /// The tenant after this command: a client reads its own write here. Others may have been carried out after it and
    /// with it, but nothing that this one is about was changed by them.
    pub snapshot: Arc<Snapshot>,
    /// Where the log ended right after this command.
    pub head: Head,
    /// Where the commit stands; none when there was nothing to do.
    pub position: Option<Position>,
    /// What was left out.
    pub notices: Vec<Notice>,
    /// What was tolerated in carrying it out, beside what was tolerated in reading it.
    pub quirks: Vec<Quirk>,
    /// What the command says of other tenants, which it does not change.
    pub elsewhere: Vec<Elsewhere>,
    /// Whom it turned out to be about, if not about who the command says: somebody was there already.
    pub about: Option<Member>,
    /// Who and what it has ended: policies may name them still.
    pub ended: Vec<Ended>,
}

impl Receipt {
    /// What a decision says beside its events, before a tenant that they have not changed; and the events.
    fn of(snapshot: Arc<Snapshot>, head: Head, decision: Decision) -> (Receipt, Vec<Event>) {
        let Decision { events, notices, quirks, elsewhere, about } = decision;
        let (position, ended) = (None, Vec::new());
        (Receipt { snapshot, head, position, notices, quirks, elsewhere, about, ended }, events)
    }
}

/// Why a command was not carried out. Nothing changed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Refusal {
    /// The client's fault.
    #[error(transparent)]
    Rejected(#[from] Rejection),
    /// There is no such tenant.
    #[error("there is no such tenant")]
    NoTenant,
    /// As many requests are waiting as may wait, and this tenant has its share of them; or it waited too long. Nothing of it was done.
    #[error("more requests are waiting than can be carried out in time: try again in a moment")]
    Busy,
    /// The log takes no more: the disk is full or failing, and the server must be looked after.
    #[error("nothing can be written: {0}")]
    Unavailable(String),
    /// A bug: the events that were decided do not fit the directory that they were decided on.
    #[error("the decision contradicts the directory: {0}")]
    Unfit(#[from] Unfit),
    /// A bug: deciding the command panicked.
    #[error("deciding the command panicked")]
    Panicked,
}

impl Engine {
    /// Opens every tenant of `log`, and gives the writer a thread of its own.
    ///
    /// # Errors
    /// See [`Engine::open`].
    pub fn start<L: EventLog>(
        log: L,
        clock: Clock,
        progress: impl FnMut(Progress),
    ) -> Result<Engine, StartError> {
        let (engine, writer) = Engine::open(log, clock, progress)?;
        std::thread::Builder::new()
            .name("writer".to_owned())
            .spawn(move || writer.run())
            .map_err(StartError::Thread)?;
        engine.keep_checkpoints().map_err(StartError::Thread)?;
        Ok(engine)
    }

    /// Opens every tenant of `log`: reads it from its checkpoint, else from its first commit, and checks each link. Nothing
    /// is written until the writer works. `progress` is told how far the reading is.
    ///
    /// # Errors
    /// When a commit is damaged, missing, or contradicts those before it; the position is named.
    pub fn open<L: EventLog>(
        log: L,
        clock: Clock,
        progress: impl FnMut(Progress),
    ) -> Result<(Engine, Writer<L>), StartError> {
        let reader = log.reader();
        let checkpoints = log.checkpoints();
        let kept = checkpoints.as_ref().and_then(Checkpoints::load);
        let kept_commits = kept.as_ref().map_or(0, |(tenants, _)| {
            let positions = tenants.iter().filter_map(|(_, snapshot)| snapshot.head.position);
            positions.map(Position::get).sum()
        });
        let fold = match kept {
            Some(kept) => Fold::from(kept, &reader, progress)?,
            None => Fold::whole(&reader, progress)?,
        };
        let world = fold.into_world();
        let keeper = checkpoints.map(|place| Arc::new(Keeper::new(place, kept_commits)));
        let shared = Arc::new(Shared {
            world: ArcSwap::from_pointee(world),
            turns: watch::Sender::new(0),
            past: Box::new(reader),
            journal: log.journal(),
            readings: Readings::default(),
            clock,
            keeper,
            measures: Measures::new(log.syncs()),
            lost: OnceLock::new(),
        });
        let (queue, exit) = queue::queue(limits::WAITING);
        let writer = Writer::new(log, shared.clone(), exit);
        Ok((Engine { shared, queue }, writer))
    }

    /// Carries out a command, durably, or says why not.
    ///
    /// # Errors
    /// See [`Refusal`]; nothing has changed then.
    pub async fn submit(
        &self,
        tenant: TenantId,
        origin: Origin,
        command: Command,
    ) -> Result<Receipt, Refusal> {
        self.ask(tenant, origin, command, None).await
    }

    /// What [`Engine::submit`] would answer now, without writing anything: the receipt has no position, and its snapshot is of the
    /// tenant as it would be.
    ///
    /// # Errors
    /// Those that depend on the command alone; a disk that is full is not noticed.
    pub fn rehearse(
        &self,
        tenant: TenantId,
        origin: Origin,
        command: Command,
    ) -> Result<Receipt, Refusal> {
        let now = self.now(tenant).ok_or(Refusal::NoTenant)?;
        let decision = domain::decide(&now.directory, &origin.actor, command)?;
        let (receipt, events) = Receipt::of(now.clone(), now.head, decision);
        if events.is_empty() {
            return Ok(receipt);
        }
        let commit = Commit {
            tenant,
            position: now.head.next(),
            at: (self.shared.clock)().max(now.head.time),
            prev: now.head.hash,
            origin,
            events,
        };
        let mut next = (*now).clone();
        next.advance(&commit, Hash::ZERO)?;
        Ok(Receipt { head: next.head, snapshot: Arc::new(next), ..receipt })
    }

    async fn ask(
        &self,
        tenant: TenantId,
        origin: Origin,
        command: Command,
        begun: Option<BegunErasure>,
    ) -> Result<Receipt, Refusal> {
        let measures = &self.shared.measures;
        if let Some(damage) = self.shared.keeper.as_ref().and_then(|keeper| keeper.damage()) {
            measures.unwritable();
            return Err(Refusal::Unavailable(format!("the log is damaged: {damage}")));
        }
        let (reply, answer) = oneshot::channel();
        let job = Box::new(Job { tenant, origin, command, begun, since: Instant::now(), reply });
        let pushed_out = self.queue.push(job).map_err(|why| match why {
            NoRoom::Full(_) => {
                measures.busy();
                Refusal::Busy
            }
            NoRoom::Closed => {
                measures.unwritable();
                stopped()
            }
        })?;
        if let Some(job) = pushed_out {
            measures.busy();
            // Who no longer waits for the answer has hung up.
            drop(job.reply.send(Err(Refusal::Busy)));
        }
        answer.await.map_err(|_| stopped())?
    }

    /// All tenants as they are now.
    pub fn world(&self) -> Arc<World> {
        self.shared.world.load_full()
    }

    /// A tenant as it is now.
    pub fn now(&self, tenant: TenantId) -> Option<Arc<Snapshot>> {
        self.shared.world.load().get(tenant).cloned()
    }

    /// A tenant as it was. The log is read from the nearest state at or before that moment that is
    /// kept, in the worst case from its first commit: call it where blocking is allowed. Who asks for
    /// what is being read already waits for it; of others a few read at once, and a few wait.
    ///
    /// # Errors
    /// When there was no such moment, too many wait already, or the log is damaged.
    pub fn as_of(&self, tenant: TenantId, when: When) -> Result<Arc<Snapshot>, ReadError> {
        past::as_of(&self.shared, tenant, when)
    }

    /// A tenant as it was, as far as one user shows it: themselves, their manager, the groups that hold them, connectors, roles
    /// and schemas. Nobody else is in it, and its trail is empty. What it costs grows with what happened to them, not with the log. Call it where
    /// blocking is allowed.
    ///
    /// # Errors
    /// As [`Engine::as_of`].
    pub fn user_as_of(
        &self,
        tenant: TenantId,
        when: When,
        user: UserId,
    ) -> Result<Arc<Snapshot>, ReadError> {
        past::user_as_of(&self.shared, tenant, when, user)
    }

    /// What [`Engine::user_as_of`] reads if neither the present nor a state that is kept is asked for; none: it would be too much, and the
    /// tenant is read as a whole.
    ///
    /// # Errors
    /// As [`Engine::as_of`].
    pub fn user_alone_as_of(
        &self,
        tenant: TenantId,
        at: Position,
        user: UserId,
    ) -> Result<Option<Arc<Snapshot>>, ReadError> {
        let now = self.now(tenant).ok_or(ReadError::NoTenant)?;
        past::person::around(&*self.shared.past, tenant, &now, at, user)
    }

    /// The position that a moment means. Costs next to nothing.
    ///
    /// # Errors
    /// When there was no such moment.
    pub fn position_at(&self, tenant: TenantId, when: When) -> Result<Position, ReadError> {
        past::position_at(&self.shared, tenant, when)
    }

    /// Whether a moment means this position. A time of this very millisecond may mean several: while
    /// it lasts, commits can come to be in it.
    ///
    /// # Errors
    /// When there was no such moment.
    pub fn means(&self, tenant: TenantId, when: When, at: Position) -> Result<bool, ReadError> {
        past::means(&self.shared, tenant, when, at)
    }

    /// Holds a snapshot that was published, for later: not longer than the tenant's past may be
    /// known.
    pub fn hold(&self, tenant: TenantId, snapshot: Arc<Snapshot>) -> Hold {
        self.shared.readings.hold(tenant, snapshot)
    }

    /// How often a tenant's past was forgotten since the start: what was found in it before may not
    /// be found there any more.
    pub fn times_forgotten(&self, tenant: TenantId) -> u64 {
        self.shared.readings.times_forgotten(tenant)
    }

    /// What reading the past took since the start.
    pub fn past_counts(&self) -> PastCounts {
        self.shared.readings.counts()
    }

    /// The commit at a position of a tenant's log, if there is one yet.
    ///
    /// # Errors
    /// When the log is damaged there.
    pub fn commit(&self, tenant: TenantId, position: Position) -> Result<Option<Recorded>, Broken> {
        let published = self.now(tenant).and_then(|snapshot| snapshot.head.position);
        if published.is_none_or(|last| position > last) {
            return Ok(None);
        }
        self.shared.past.commit(tenant, position)
    }

    /// Everything that a person was ever called or reached by; nothing, once they were erased. Reads
    /// the commits about them: call it where blocking is allowed.
    ///
    /// # Errors
    /// When the log is damaged there.
    pub fn read_person(&self, tenant: TenantId, user: UserId) -> Result<PersonRead, Broken> {
        let snapshot = self.now(tenant).unwrap_or_default();
        PersonRead::of(&*self.shared.past, tenant, &snapshot, user)
    }

    /// Removes what the refusal journal says of a person who is about to be erased: call it where
    /// blocking is allowed.
    ///
    /// # Errors
    /// When the store fails; some may be gone then.
    pub fn begin_erasure(&self, read: PersonRead) -> Result<BegunErasure, JournalError> {
        BegunErasure::begin(&self.shared.journal, read)
    }

    /// Erases a person, durably, or says why not. It is what [`Engine::submit`] does with the same
    /// command, but holds no other write up while the person's history is read.
    ///
    /// # Errors
    /// See [`Refusal`]; nothing has changed then but what the journal said of them.
    pub async fn finish_erasure(
        &self,
        begun: BegunErasure,
        origin: Origin,
        reason: String,
    ) -> Result<Receipt, Refusal> {
        let command = Command::EraseUser { user: begun.user, reason };
        self.ask(begun.tenant, origin, command, Some(begun)).await
    }

    /// How many entries of the refusal journal an erasure of this person would remove.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn refusals_naming(
        &self,
        tenant: TenantId,
        user: UserId,
        values: &PersonValues,
    ) -> Result<usize, JournalError> {
        erasure::count_in_journal(&self.shared.journal, tenant, user, values)
    }

    /// Where refused requests are noted.
    pub fn journal(&self) -> &Journal {
        &self.shared.journal
    }

    /// Gives checkpoints, and the check of what the start has not read, threads of their own.
    fn keep_checkpoints(&self) -> std::io::Result<()> {
        let Some(keeper) = &self.shared.keeper else { return Ok(()) };
        let checker = keeper.clone();
        let thread = |name: &str| std::thread::Builder::new().name(name.to_owned());
        thread("checker").spawn(move || checker.check())?;
        let (bell, shared) = (keeper.bell(), Arc::downgrade(&self.shared));
        thread("checkpoints").spawn(move || checkpoint::work(&bell, &shared))?;
        Ok(())
    }

    /// Keeps a last checkpoint, so that the next start need not read the log; gives up if it takes longer than `most`. After
    /// [`Engine::stop`]; blocks.
    pub fn keep_last_checkpoint(&self, most: Duration) {
        if let Some(keeper) = &self.shared.keeper {
            keeper.finish(&self.shared, most);
        }
    }

    /// What is known of the part of the log that the start did not read.
    pub fn checked(&self) -> Checked {
        self.shared.keeper.as_ref().map_or(Checked::Whole, |keeper| keeper.checked())
    }

    /// Finishes what waits, closes the log, and takes no more commands. Reads go on.
    pub async fn stop(&self) {
        let (done, stopped) = oneshot::channel();
        self.queue.stop(done);
        // An error means that the writer had ended already.
        drop(stopped.await);
    }

    /// What the writer does, counted.
    pub fn measures(&self) -> &Measures {
        &self.shared.measures
    }

    /// How many requests wait for the writer.
    pub fn waiting(&self) -> usize {
        self.queue.waiting()
    }

    /// Why nothing can be written at this moment, if nothing can.
    pub fn trouble(&self) -> Option<String> {
        if let Some(why) = self.shared.lost.get() {
            return Some(format!("{why}; reads go on"));
        }
        if let Checked::Damaged(damage) = self.checked() {
            return Some(format!(
                "the log is damaged: {damage}; restore the data folder from an archive with `rollbook replay`, or see what \
                 `rollbook repair` can save; reads go on"
            ));
        }
        if !self.is_writing() {
            return Some("the server is stopping".to_owned());
        }
        self.shared.past.is_short_of_space().then(|| {
            "the disk of the data folder is nearly full, or does not say how full it is: make room; reads go on"
                .to_owned()
        })
    }

    /// Whether the writer still takes commands.
    pub fn is_writing(&self) -> bool {
        self.queue.is_open() && !matches!(self.checked(), Checked::Damaged(_))
    }
}

fn stopped() -> Refusal {
    Refusal::Unavailable("the writer has stopped; see the server's log and restart it".to_owned())
}
