//! One identity provider's part in a story: each step is told to the server and noted in the ledger.

use chrono::{DateTime, Utc};

use super::ledger::{Hand, Hour};
use super::stage::Stage;
use crate::cycle::Round;
use crate::provisioner::Provisioner;
use crate::script::Happening;
use crate::wire::ClientError;

pub(super) struct Link<'a, P> {
    stage: &'a Stage,
    /// The connector's name.
    name: &'static str,
    hand: Hand,
    round: Round<'a, P>,
}

impl<'a, P: Provisioner> Link<'a, P> {
    pub(super) fn new(
        stage: &'a Stage,
        name: &'static str,
        hand: Hand,
        client: &'a P,
    ) -> Link<'a, P> {
        Link { stage, name, hand, round: Round::new(client) }
    }

    /// Goes on with this client, as after its key was changed.
    pub(super) fn go_on_with(&mut self, client: &'a P) {
        self.round.go_on_with(client);
    }

    /// Something happens.
    pub(super) async fn act(
        &mut self,
        at: DateTime<Utc>,
        what: Happening,
    ) -> Result<(), ClientError> {
        self.stage.set_clock(at);
        self.round.perform(&what).await?;
        self.stage.ledger().happens(Hour { at, by: self.name }, self.hand, &what);
        Ok(())
    }

    /// The server's id of this group.
    pub(super) fn group(&self, name: &str) -> Result<String, ClientError> {
        self.round.group(name)
    }

    /// The server's id of this person's account.
    pub(super) fn account(&self, own_id: &str) -> Result<String, ClientError> {
        self.round.account(own_id)
    }
}
