//! Reading a log: the same code over whatever keeps the frames.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use domain::id::{TenantId, UserId};
use domain::position::{Hash, Head, Position};

use crate::broken::Broken;
use crate::chain::{follow, hash};
use crate::encode::{self, Header};
use crate::frame::{self, Checksum, Content, Tip};
use crate::index::Index;
use crate::keys::{self, Keys, PersonKey, Record};
use crate::log::{LogReader, Stored};
use crate::master::MasterKey;
use crate::recent::Recent;

/// Keeps frames by number and key records by person. What it answers is not trusted.
pub(crate) trait Store: Send + Sync + 'static {
    /// The frame with this number.
    fn frame(&self, number: u64) -> Result<Option<Vec<u8>>, Broken>;
    /// The record of a person's key.
    fn key(&self, tenant: TenantId, user: UserId) -> Result<Option<Vec<u8>>, Broken>;
    /// Every record of a tenant.
    fn keys(&self, tenant: TenantId) -> Result<Vec<(UserId, Vec<u8>)>, Broken>;
    /// Whether there is too little room on the disk.
    fn is_short_of_space(&self) -> bool {
        false
    }
}

/// Reads a log, whichever way it is kept.
#[derive(Clone)]
pub struct Reader {
    shared: Arc<Shared>,
}

struct Shared {
    store: Arc<dyn Store>,
    master: MasterKey,
    fresh: Fresh,
    index: RwLock<Index>,
    /// Where the published frames end.
    tip: Mutex<(Tip, Latest)>,
    // INVARIANT (published): every frame up to here is durable; none after it is ever read.
    published: AtomicU64,
    /// Frames that commits were read from one by one, unpacked.
    recent: Mutex<Recent>,
}

/// The last commit of all.
pub(crate) type Latest = Option<(TenantId, Position, Hash)>;

/// Where keys for new persons come from.
#[derive(Clone, Copy)]
pub(crate) enum Fresh {
    Random,
    /// From a seed: the same persons get the same keys, for simulations.
    Seeded(u64),
}

impl Reader {
    pub(crate) fn new(
        store: Arc<dyn Store>,
        master: MasterKey,
        fresh: Fresh,
        index: Index,
        end: (Tip, Latest),
    ) -> Self {
        let published = AtomicU64::new(end.0.frames);
        let (index, tip) = (RwLock::new(index), Mutex::new(end));
        let recent = Mutex::default();
        Self { shared: Arc::new(Shared { store, master, fresh, index, tip, published, recent }) }
    }

    /// Lets everybody read the frames up to `tip`, which hold these commits.
    pub(crate) fn publish(&self, commits: &[(TenantId, Head, u64)], tip: Tip) {
        let mut index = self.shared.index.write().unwrap_or_else(PoisonError::into_inner);
        let mut latest = None;
        for (tenant, head, frame) in commits {
            index.add(*tenant, *head, *frame);
            latest = head.position.map(|position| (*tenant, position, head.hash));
        }
        *self.tip() = (tip, latest);
        self.shared.published.store(tip.frames, Ordering::Release);
    }

    /// Where the published frames end, and all that is known of what is in them, at one moment.
    pub(crate) fn mark(&self) -> (Tip, Index, Latest) {
        self.index(|index| {
            let (tip, latest) = *self.tip();
            (tip, index.clone(), latest)
        })
    }

    fn tip(&self) -> MutexGuard<'_, (Tip, Latest)> {
        self.shared.tip.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn is_short_of_space(&self) -> bool {
        self.store().is_short_of_space()
    }

    /// Reads the frames up to `frames` and all persons' keys, as an open without a checkpoint does: chain, links, checksums.
    /// `progress` is told the number of each frame, and says whether to go on.
    pub(crate) fn verify(
        &self,
        tip: Tip,
        expected: &Index,
        mut progress: impl FnMut(u64) -> bool,
    ) -> Result<(), Broken> {
        let mut walk = self.walk(Tip::default(), Before::Known);
        let mut heads: BTreeMap<TenantId, Head> = BTreeMap::new();
        while walk.tip.frames < tip.frames {
            for Stored { tenant, bytes, .. } in walk.step()? {
                let head = heads.entry(tenant).or_insert(Head::EMPTY);
                *head = follow(head, tenant, &bytes)?;
            }
            if !progress(walk.tip.frames) {
                return Ok(());
            }
        }
        if walk.tip != tip || !heads.iter().map(|(id, head)| (*id, *head)).eq(expected.heads()) {
            let reason = "the checkpoint stands for another log; delete it and start again";
            return Err(Broken::Store { reason: reason.to_owned() });
        }
        for tenant in heads.into_keys() {
            for (user, record) in self.store().keys(tenant)? {
                keys::check(tenant, user, &record)?;
            }
        }
        Ok(())
    }

    pub(crate) fn head(&self, tenant: TenantId) -> Head {
        self.index(|index| index.head(tenant))
    }

    pub(crate) fn master(&self) -> &MasterKey {
        &self.shared.master
    }

    pub(crate) fn store(&self) -> &dyn Store {
        &*self.shared.store
    }

    fn index<T>(&self, look: impl FnOnce(&Index) -> T) -> T {
        look(&self.shared.index.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The commits that begin in a frame. Neighbours in time stand in the same one, and who asks for one of them often asks for
    /// the next: the last few are kept as they are unpacked, sealed as they are on the disk.
    fn unpacked(&self, frame: u64) -> Result<Arc<[Stored]>, Broken> {
        let recent = || self.shared.recent.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(kept) = recent().get(frame) {
            return Ok(kept);
        }
        let commits: Arc<[Stored]> = self.walk(before(frame), Before::Unknown).step()?.into();
        recent().keep(frame, &commits);
        Ok(commits)
    }

    fn walk(&self, tip: Tip, check: Before) -> Walk<'_> {
        Walk::new(self.store(), tip, check)
    }
}

impl Keys for Reader {
    fn person(&self, tenant: TenantId, user: UserId) -> Result<Option<PersonKey>, Broken> {
        let record = self.store().key(tenant, user)?;
        Ok(match keys::unwrap(self.master(), tenant, user, record.as_deref())? {
            Record::Key(key) => Some(key),
            Record::Erased => None,
        })
    }

    fn fresh(&self, tenant: TenantId, user: UserId) -> Result<PersonKey, Broken> {
        match self.shared.fresh {
            Fresh::Random => PersonKey::random(),
            Fresh::Seeded(seed) => {
                let who = [tenant.uuid().into_bytes(), user.uuid().into_bytes()].concat();
                let bytes = [seed.to_be_bytes().as_slice(), &who].concat();
                Ok(PersonKey::new(*hash(&bytes).as_bytes()))
            }
        }
    }
}

impl LogReader for Reader {
    fn commit(&self, tenant: TenantId, position: Position) -> Result<Option<Vec<u8>>, Broken> {
        let Some(frame) = self.index(|index| index.frame(tenant, position)) else {
            return Ok(None);
        };
        let commits = self.unpacked(frame)?;
        let found =
            commits.iter().find(|stored| stored.tenant == tenant && stored.position == position);
        match found {
            Some(stored) => Ok(Some(stored.bytes.clone())),
            None => Err(gone(tenant, position, frame)),
        }
    }

    fn scan_from(&self, frames: u64) -> impl Iterator<Item = Result<Stored, Broken>> + Send {
        let last = self.frames();
        let check = if frames == 0 { Before::Known } else { Before::Unknown };
        let reader = self.clone();
        let mut state = (Tip { frames, checksum: Checksum::default() }, check);
        chunks(move || {
            let (tip, check) = state;
            if tip.frames >= last {
                return Ok(None);
            }
            let mut walk = reader.walk(tip, check);
            let commits = walk.step()?;
            state = (walk.tip, Before::Known);
            Ok(Some(commits))
        })
    }

    fn range(
        &self,
        tenant: TenantId,
        from: Position,
        to: Position,
    ) -> impl Iterator<Item = Result<Stored, Broken>> + Send {
        let reader = self.clone();
        let mut next = from;
        chunks(move || {
            let frame = reader.index(|index| index.frame(tenant, next)).filter(|_| next <= to);
            let Some(frame) = frame else { return Ok(None) };
            let mut commits = reader.walk(before(frame), Before::Unknown).step()?;
            commits.retain(|stored| stored.tenant == tenant && stored.position >= next);
            for stored in &commits {
                if stored.position != next {
                    return Err(gone(tenant, next, frame));
                }
                next = next.next();
            }
            if commits.is_empty() {
                return Err(gone(tenant, next, frame));
            }
            commits.retain(|stored| stored.position <= to);
            Ok(Some(commits))
        })
    }

    fn is_short_of_space(&self) -> bool {
        self.store().is_short_of_space()
    }

    fn frames(&self) -> u64 {
        self.shared.published.load(Ordering::Acquire)
    }

    fn heads(&self) -> Vec<(TenantId, Position, Hash)> {
        self.index(|index| {
            let heads = index.heads();
            heads.filter_map(|(id, head)| Some((id, head.position?, head.hash))).collect()
        })
    }

    fn persons(&self, tenant: TenantId) -> Result<Vec<(UserId, PersonKey)>, Broken> {
        let mut persons = Vec::new();
        for (user, record) in self.store().keys(tenant)? {
            match keys::unwrap(self.master(), tenant, user, Some(&record))? {
                Record::Key(key) => persons.push((user, key)),
                Record::Erased => {}
            }
        }
        Ok(persons)
    }
}

/// Reads all frames after `begin` up to `last` in order, checks their chain and that of each tenant's commits,
/// and finds where everything stands. `progress` is told the number of each frame.
pub(crate) fn survey(
    store: &dyn Store,
    begin: (Tip, Index, Latest),
    last: u64,
    mut progress: impl FnMut(u64, u64),
) -> Result<Survey, Broken> {
    let (tip, mut index, mut latest) = begin;
    let mut walk = Walk::new(store, tip, Before::Known);
    let mut bytes = 0;
    while walk.tip.frames < last {
        let frame = walk.tip.frames + 1;
        for Stored { tenant, position, bytes: commit } in walk.step()? {
            let head = follow(&index.head(tenant), tenant, &commit)?;
            index.add(tenant, head, frame);
            bytes += commit.len() as u64;
            latest = Some((tenant, position, head.hash));
        }
        progress(walk.tip.frames, last);
    }
    Ok(Survey { index, tip: walk.tip, bytes, latest })
}

/// What [`survey`] found.
#[derive(Default)]
pub(crate) struct Survey {
    pub(crate) index: Index,
    pub(crate) tip: Tip,
    /// Bytes of all commits.
    pub(crate) bytes: u64,
    /// The last commit of all.
    pub(crate) latest: Latest,
}

/// Whether the checksum of the frame before is known.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Before {
    Known,
    Unknown,
}

/// Reads frames one after the other and puts commits that span several together.
struct Walk<'a> {
    store: &'a dyn Store,
    /// The frame read last.
    tip: Tip,
    check: Before,
    latest: Option<(TenantId, Position)>,
}

impl<'a> Walk<'a> {
    fn new(store: &'a dyn Store, tip: Tip, check: Before) -> Self {
        Self { store, tip, check, latest: None }
    }

    /// The commits that begin in the next frame.
    fn step(&mut self) -> Result<Vec<Stored>, Broken> {
        let first = self.tip.frames + 1;
        let commits = match self.next()? {
            Content::Whole(commits) => commits,
            Content::Part { part: 0, parts, mut bytes } => {
                for expected in 1..parts {
                    match self.next()? {
                        Content::Part { part, parts: all, bytes: more }
                            if part == expected && all == parts =>
                        {
                            bytes.extend(more);
                        }
                        Content::Part { .. } | Content::Whole(_) => {
                            return Err(self.broken(self.tip.frames, "it is the wrong part"));
                        }
                    }
                }
                vec![bytes]
            }
            Content::Part { .. } => return Err(self.broken(first, "it is not a first part")),
        };
        commits
            .into_iter()
            .map(|bytes| {
                let Header { tenant, position, .. } = encode::header(&bytes)
                    .map_err(|error| self.broken(first, &error.to_string()))?;
                self.latest = Some((tenant, position));
                Ok(Stored { tenant, position, bytes })
            })
            .collect()
    }

    fn next(&mut self) -> Result<Content, Broken> {
        let number = self.tip.frames + 1;
        let bytes = self.store.frame(number)?.ok_or_else(|| self.broken(number, "it is gone"))?;
        let frame = frame::unpack(number, &bytes).map_err(|broken| self.locate(broken))?;
        if self.check == Before::Known && frame.before != self.tip.checksum {
            return Err(self.broken(number, "it does not follow the frame before"));
        }
        self.check = Before::Known;
        self.tip = Tip { frames: number, checksum: frame.checksum };
        Ok(frame.content)
    }

    fn broken(&self, number: u64, reason: &str) -> Broken {
        self.locate(Broken::frame(number, reason))
    }

    /// Says after which commit a frame is broken.
    fn locate(&self, mut broken: Broken) -> Broken {
        if let (Broken::Frame { tenant, position, .. }, Some(latest)) = (&mut broken, self.latest) {
            (*tenant, *position) = (Some(latest.0), Some(latest.1));
        }
        broken
    }
}

fn before(frame: u64) -> Tip {
    Tip { frames: frame.saturating_sub(1), checksum: Checksum::default() }
}

fn gone(tenant: TenantId, position: Position, frame: u64) -> Broken {
    Broken::commit(tenant, position, format!("it is not in frame {frame}, where it was written"))
}

/// An iterator over commits that come several at a time; it ends after the first fault.
fn chunks(
    mut more: impl FnMut() -> Result<Option<Vec<Stored>>, Broken> + Send,
) -> impl Iterator<Item = Result<Stored, Broken>> + Send {
    let mut chunk = Vec::new().into_iter();
    let mut done = false;
    std::iter::from_fn(move || {
        loop {
            if let Some(stored) = chunk.next() {
                return Some(Ok(stored));
            }
            if done {
                return None;
            }
            match more() {
                Ok(Some(commits)) => chunk = commits.into_iter(),
                Ok(None) => done = true,
                Err(broken) => {
                    done = true;
                    return Some(Err(broken));
                }
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::commit::Commit;
    use domain::event::Event;
    use domain::origin::{Actor, Origin};
    use domain::time::Timestamp;

    /// Frames and nothing else.
    struct Frames(Vec<Vec<u8>>);

    impl Store for Frames {
        fn frame(&self, number: u64) -> Result<Option<Vec<u8>>, Broken> {
            Ok(self.0.get(number as usize - 1).cloned())
        }

        fn key(&self, _: TenantId, _: UserId) -> Result<Option<Vec<u8>>, Broken> {
            Ok(None)
        }

        fn keys(&self, _: TenantId) -> Result<Vec<(UserId, Vec<u8>)>, Broken> {
            Ok(Vec::new())
        }
    }

    fn tenant(number: u8) -> TenantId {
        format!("00000000-0000-7000-8000-{number:012}").parse().unwrap()
    }

    /// A log of three tenants' first commits, each in a frame of its own.
    fn history(slug: &str) -> Frames {
        let (mut frames, mut tip) = (Vec::new(), Tip::default());
        for number in 1..=3 {
            let tenant = tenant(number);
            let request = "00000000-0000-7000-8000-000000000099".parse().unwrap();
            let slug = if number == 1 { slug.to_owned() } else { format!("t{number}") };
            let commit = Commit {
                tenant,
                position: Position::FIRST,
                at: Timestamp::from_millis(0),
                prev: Hash::ZERO,
                origin: Origin {
                    actor: Actor::System,
                    request,
                    source: None,
                    agent: None,
                    claimed: None,
                },
                events: vec![Event::TenantOpened { tenant, slug }],
            };
            let sealed = crate::seal(&commit, &crate::NoKeys).unwrap();
            let (packed, _, next) = frame::pack(tip, std::iter::once(sealed.bytes.as_slice()));
            frames.extend(packed);
            tip = next;
        }
        Frames(frames)
    }

    fn check(frames: Vec<Vec<u8>>, expected: &str) {
        let last = frames.len() as u64;
        let broken = survey(&Frames(frames), Default::default(), last, |_, _| {}).err().unwrap();
        assert!(broken.to_string().contains(expected), "{broken}");
    }

    /// The tenants' chains alone would not notice: each has but one commit. Seen to fail with
    /// `before` not compared in `Walk::next`, and with the number not compared in `try_unpack`.
    #[test]
    fn frames_are_a_chain_of_their_own() {
        let one = history("acme").0;
        assert!(survey(&Frames(one.clone()), Default::default(), 3, |_, _| {}).is_ok());
        let [first, second, third] = one.clone().try_into().unwrap();
        let foreign = history("globex").0[0].clone();
        check(
            vec![foreign, second.clone(), third.clone()],
            &format!(
                "frame 2 of the log (after tenant {}, position 1): it does not follow",
                tenant(1)
            ),
        );
        check(vec![first.clone(), third.clone()], "frame 3 stands in its place");
        check(vec![second, first.clone(), third], "frame 2 stands in its place");
        let lost = Frames(vec![first]);
        let broken = survey(&lost, Default::default(), 3, |_, _| {}).err().unwrap();
        assert!(broken.to_string().contains("frame 2 of the log"), "{broken}");
        assert!(broken.to_string().contains("it is gone"), "{broken}");
    }
}
