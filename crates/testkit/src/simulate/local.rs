//! What operators do with users and groups here.

use domain::command::Command;
use domain::id::UserId;
use rand::RngExt;

use super::Simulation;

impl Simulation {
    pub(super) fn local(&mut self, user: UserId) -> Command {
        match self.rng.random_range(0..3) {
            0 | 1 => Command::LockUser { user, reason: format!("case {}", self.tally.commits) },
            _ => Command::UnlockUser { user },
        }
    }
}
