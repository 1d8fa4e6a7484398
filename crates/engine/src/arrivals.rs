//! Waiting for commits, without holding anything up.

use tokio::sync::watch;

use crate::Engine;

/// Wakes whoever waits for commits. It holds nothing: what came is found in the world, and the writer
/// never waits for a reader.
pub struct Arrivals(watch::Receiver<u64>);

impl Engine {
    /// Something to wait for commits with. Ask for it before looking where a log ends: whatever is
    /// published after that wakes it.
    pub fn arrivals(&self) -> Arrivals {
        Arrivals(self.shared.turns.subscribe())
    }
}

impl Arrivals {
    /// Waits until commits of any tenant were published since this was made, or waited last.
    pub async fn next(&mut self) {
        if self.0.changed().await.is_err() {
            // There is no engine any more: nothing will come.
            std::future::pending::<()>().await;
        }
    }
}
