//! Whose turn it is to read the past: a few at once, in the order in which they came, and none of
//! one tenant twice while another waits for its first.

use std::collections::VecDeque;

use domain::id::TenantId;
use domain::position::Position;

/// How many may read at once, and how many may wait.
#[derive(Clone, Copy)]
pub(super) struct Bounds {
    pub(super) at_once: usize,
    pub(super) at_once_of_tenant: usize,
    pub(super) waiting: usize,
    pub(super) waiting_of_tenant: usize,
}

/// Who reads, and who waits.
pub(super) struct Turns {
    bounds: Bounds,
    running: Vec<Running>,
    waiting: VecDeque<Waiting>,
    tickets: u64,
}

struct Running {
    ticket: u64,
    tenant: TenantId,
    /// Where the reading began; 0: at the first commit.
    from: u64,
    to: Position,
}

struct Waiting {
    ticket: u64,
    tenant: TenantId,
    to: Position,
}

impl Turns {
    pub(super) fn new(bounds: Bounds) -> Turns {
        Turns { bounds, running: Vec::new(), waiting: VecDeque::new(), tickets: 0 }
    }

    /// Waits from now on.
    pub(super) fn enter(&mut self, tenant: TenantId, to: Position) -> u64 {
        self.tickets += 1;
        self.waiting.push_back(Waiting { ticket: self.tickets, tenant, to });
        self.tickets
    }

    /// Waits no more.
    pub(super) fn leave(&mut self, ticket: u64) {
        self.waiting.retain(|waiting| waiting.ticket != ticket);
    }

    /// Whether more wait than may, of all tenants or of this one.
    pub(super) fn is_full(&self, tenant: TenantId) -> bool {
        let of_tenant = self.waiting.iter().filter(|waiting| waiting.tenant == tenant).count();
        self.waiting.len() > self.bounds.waiting || of_tenant > self.bounds.waiting_of_tenant
    }

    /// Whether it is the turn of `ticket`: of those who wait the first that may. `begins` says where
    /// the reading of a position would begin now.
    pub(super) fn is_turn(&self, ticket: u64, begins: impl Fn(TenantId, Position) -> u64) -> bool {
        let mut may = self.waiting.iter().filter(|waiting| self.may(waiting, &begins));
        may.next().is_some_and(|first| first.ticket == ticket)
    }

    /// Who reads already is waited for, if what comes of it is nearer than anything else.
    fn may(&self, waiting: &Waiting, begins: impl Fn(TenantId, Position) -> u64) -> bool {
        let mut of_tenant = self.running.iter().filter(|running| running.tenant == waiting.tenant);
        let is_ahead = |running: &Running| {
            running.to <= waiting.to && running.from >= begins(waiting.tenant, waiting.to)
        };
        self.running.len() < self.bounds.at_once
            && of_tenant.clone().count() < self.bounds.at_once_of_tenant
            && !of_tenant.any(is_ahead)
    }

    /// Reads from now on.
    pub(super) fn begin(&mut self, ticket: u64, tenant: TenantId, from: u64, to: Position) {
        self.leave(ticket);
        self.running.push(Running { ticket, tenant, from, to });
    }

    /// Reads no more.
    pub(super) fn end(&mut self, ticket: u64) {
        self.running.retain(|running| running.ticket != ticket);
    }

    pub(super) fn waiting(&self) -> usize {
        self.waiting.len()
    }

    pub(super) fn running(&self) -> usize {
        self.running.len()
    }
}
