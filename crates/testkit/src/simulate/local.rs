//! What operators do with users and groups here.

use domain::command::Command;
use domain::event::Member;
use domain::id::{ConnectorId, GroupId, UserId};
use rand::RngExt;
use scim::ResourceType;

use super::{Simulation, admit};

impl Simulation {
    pub(super) fn local(
        &mut self,
        user: UserId,
        group: GroupId,
        connector: ConnectorId,
        name: &str,
    ) -> Result<Command, String> {
        Ok(match self.rng.random_range(0..12) {
            0..3 => Command::LockUser { user, reason: format!("case {}", self.tally.commits) },
            3 | 4 => Command::UnlockUser { user },
            5..8 => Command::Release(Member::User(user)),
            8 | 9 => Command::Release(Member::Group(group)),
            10 => Command::ReleaseAll { connector },
            _ => {
                let body = format!(
                    r#"{{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"{name}","name":{{"givenName":"Ada","familyName":"L"}}}}"#
                );
                let id = UserId::new(self.id());
                Command::JustInTime(id, admit(&body, ResourceType::user())?)
            }
        })
    }
}
