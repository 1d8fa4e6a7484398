//! What operators do with policies and with what these can speak about.

use domain::command::Command;
use domain::id::PolicyId;
use domain::snapshot::Snapshot;
use rand::RngExt;
use rand::seq::IndexedRandom;

use super::Simulation;

impl Simulation {
    /// Now and then of a ground that is not there any more.
    pub(super) fn policies(&mut self, snapshot: &Snapshot) -> Command {
        let ground = snapshot.directory.policy_ground().filter(|_| !self.rng.random_ratio(1, 8));
        let name = ["reads", "Reads", "reads-2"].choose(&mut self.rng);
        let name = name.copied().unwrap_or_default().to_owned();
        let text = format!("permit {}", self.rng.random_range(0..4));
        let expected = self.expected();
        match self.rng.random_range(0..6) {
            0 => Command::DeletePolicy { name, expected },
            1 => Command::WritePolicySchema { text, expected, ground },
            _ => {
                let policy = PolicyId::new(self.id());
                Command::WritePolicy { policy, name, text, expected, ground }
            }
        }
    }
}
