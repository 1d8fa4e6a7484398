//! What waits for the writer: a line for each tenant, taken from in turn.
//!
//! One line for all would let a tenant that sends thousands of requests at once make every other one
//! wait for them. Here each tenant's requests wait in the order in which they came, and the writer
//! takes one of each tenant before it takes a second of any. There is room for so many in all; when
//! it is full, whoever has less than an equal share of it takes the place of the last in the longest
//! line, and everybody else is asked to come again. So a small tenant is let in however many wait,
//! and waits for as many others as there are tenants, not requests.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use domain::id::TenantId;
use tokio::sync::oneshot;

/// What can wait: it belongs to a tenant.
pub(crate) trait Waits {
    /// Whose it is.
    fn tenant(&self) -> TenantId;
}

/// Why something may not wait.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum NoRoom<T> {
    /// There is no room, and this tenant has its share of it: it comes back.
    Full(T),
    /// Nothing is taken any more.
    Closed,
}

/// Where requests come in. Each copy is a door of the same queue; with the last one gone, nobody can
/// ask any more.
pub(crate) struct Doors<T>(Arc<Shared<T>>);

/// Where they are taken out, by one. With it gone, nothing is taken in any more, and what still waits
/// is dropped.
pub(crate) struct Exit<T>(Arc<Shared<T>>);

/// What comes out next.
#[derive(Debug)]
pub(crate) enum Next {
    /// Something waits.
    Some,
    /// All that was let in is out; these want to know once the end has come.
    Stop(Vec<oneshot::Sender<()>>),
    /// Nobody can ask any more.
    Over,
}

struct Shared<T> {
    lines: Mutex<Lines<T>>,
    /// Told when something comes in while the one who takes it out sleeps.
    wake: Condvar,
}

struct Lines<T> {
    room: usize,
    /// By tenant; none of them is empty.
    of: BTreeMap<TenantId, VecDeque<T>>,
    /// Whose turn it is, first to last: each tenant of `of` once.
    turns: VecDeque<TenantId>,
    /// How many wait in all lines.
    waiting: usize,
    doors: usize,
    is_open: bool,
    has_exit: bool,
    sleeps: bool,
    stops: Vec<oneshot::Sender<()>>,
}

/// A queue with room for so many.
pub(crate) fn queue<T: Waits>(room: usize) -> (Doors<T>, Exit<T>) {
    let lines = Lines {
        room,
        of: BTreeMap::new(),
        turns: VecDeque::new(),
        waiting: 0,
        doors: 1,
        is_open: true,
        has_exit: true,
        sleeps: false,
        stops: Vec::new(),
    };
    let shared = Arc::new(Shared { lines: Mutex::new(lines), wake: Condvar::new() });
    (Doors(shared.clone()), Exit(shared))
}

impl<T> Shared<T> {
    // Nothing panics half-way through a change, so a poisoned lock holds whole lines.
    fn lock(&self) -> MutexGuard<'_, Lines<T>> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T: Waits> Doors<T> {
    /// Lets something wait. What had to make room for it, if anything had to, comes back.
    pub(crate) fn push(&self, item: T) -> Result<Option<T>, NoRoom<T>> {
        let mut lines = self.0.lock();
        if !lines.is_open {
            return Err(NoRoom::Closed);
        }
        let pushed_out = lines.make_room(item.tenant());
        if lines.waiting >= lines.room {
            return Err(NoRoom::Full(item));
        }
        lines.add(item);
        let sleeps = std::mem::take(&mut lines.sleeps);
        drop(lines);
        if sleeps {
            self.0.wake.notify_one();
        }
        Ok(pushed_out)
    }

    /// Lets nothing in any more; `done` is told once what waits is carried out, or dropped, if there
    /// is nobody to carry it out any more.
    pub(crate) fn stop(&self, done: oneshot::Sender<()>) {
        let mut lines = self.0.lock();
        lines.is_open = false;
        if lines.has_exit {
            lines.stops.push(done);
        }
        lines.sleeps = false;
        drop(lines);
        self.0.wake.notify_one();
    }

    /// Whether something is let in still.
    pub(crate) fn is_open(&self) -> bool {
        self.0.lock().is_open
    }

    /// How many wait.
    pub(crate) fn waiting(&self) -> usize {
        self.0.lock().waiting
    }
}

impl<T> Clone for Doors<T> {
    fn clone(&self) -> Self {
        self.0.lock().doors += 1;
        Self(self.0.clone())
    }
}

impl<T> Drop for Doors<T> {
    fn drop(&mut self) {
        let mut lines = self.0.lock();
        lines.doors -= 1;
        let is_last = lines.doors == 0;
        drop(lines);
        if is_last {
            self.0.wake.notify_one();
        }
    }
}

impl<T: Waits> Exit<T> {
    /// What is next, if it is that of the tenant whose turn it is. Never waits.
    pub(crate) fn take(&self) -> Option<T> {
        self.0.lock().take()
    }

    /// Sleeps until something is to be done.
    pub(crate) fn wait(&self) -> Next {
        let mut lines = self.0.lock();
        loop {
            if lines.waiting > 0 {
                return Next::Some;
            }
            if !lines.stops.is_empty() {
                return Next::Stop(std::mem::take(&mut lines.stops));
            }
            if lines.doors == 0 {
                return Next::Over;
            }
            lines.sleeps = true;
            lines = self.0.wake.wait(lines).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Who wants to know that all is done, if all that was let in is out and somebody does.
    pub(crate) fn stops(&self) -> Vec<oneshot::Sender<()>> {
        let mut lines = self.0.lock();
        if lines.waiting > 0 { Vec::new() } else { std::mem::take(&mut lines.stops) }
    }
}

impl<T> Drop for Exit<T> {
    fn drop(&mut self) {
        let mut lines = self.0.lock();
        (lines.is_open, lines.has_exit) = (false, false);
        let dropped = (std::mem::take(&mut lines.of), std::mem::take(&mut lines.stops));
        lines.turns.clear();
        lines.waiting = 0;
        // Dropping tells whoever waits for an answer; not under the lock.
        drop(lines);
        drop(dropped);
    }
}

impl<T: Waits> Lines<T> {
    /// When all is full and a tenant has less than an equal share of the room, takes the last out of
    /// the longest line.
    fn make_room(&mut self, tenant: TenantId) -> Option<T> {
        if self.waiting < self.room {
            return None;
        }
        let own = self.of.get(&tenant).map_or(0, VecDeque::len);
        let tenants = self.of.len() + usize::from(own == 0);
        // Who is below the share is below somebody who is above it: the lines fill the room.
        if own >= self.room / tenants {
            return None;
        }
        let longest =
            self.of.iter().max_by_key(|(_, line)| line.len()).map(|(tenant, _)| *tenant)?;
        let line = self.of.get_mut(&longest)?;
        let last = line.pop_back();
        if line.is_empty() {
            self.of.remove(&longest);
            self.turns.retain(|tenant| *tenant != longest);
        }
        self.waiting -= usize::from(last.is_some());
        last
    }

    fn add(&mut self, item: T) {
        let tenant = item.tenant();
        let line = self.of.entry(tenant).or_default();
        if line.is_empty() {
            self.turns.push_back(tenant);
        }
        line.push_back(item);
        self.waiting += 1;
    }

    fn take(&mut self) -> Option<T> {
        let tenant = self.turns.pop_front()?;
        let line = self.of.get_mut(&tenant)?;
        let item = line.pop_front();
        if line.is_empty() {
            self.of.remove(&tenant);
        } else {
            self.turns.push_back(tenant);
        }
        self.waiting -= usize::from(item.is_some());
        item
    }
}

#[cfg(test)]
mod tests;
