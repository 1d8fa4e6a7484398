//! Tenants that are suspended, resumed and closed, and operators who come, change and go.

use domain::command::Command;
use domain::event::{Holder, OperatorRole};
use domain::id::{CredentialId, OperatorId, TenantId};
use domain::origin::{Actor, Origin};
use rand::RngExt;
use rand::seq::IndexedRandom;

use super::Simulation;

const OPERATORS: [&str; 3] = ["owner", "ann", "ben"];

impl Simulation {
    /// What an operator asks of a tenant, or of the instance.
    pub(super) fn govern(
        &mut self,
        tenant: TenantId,
    ) -> Result<(TenantId, Origin, Command), String> {
        let origin = self.origin(Actor::System);
        let reason = String::new();
        let command = match self.rng.random_range(0..60) {
            // Closing is for good: one tenant of a few is closed in the end.
            0 => Command::CloseTenant { reason },
            1..10 => Command::SuspendTenant { reason },
            10..25 => Command::ResumeTenant,
            25..35 => self.describe(),
            _ => return Ok((TenantId::SYSTEM, origin, self.operate()?)),
        };
        Ok((tenant, origin, command))
    }

    fn describe(&mut self) -> Command {
        let addresses = ["", "a@x.test", "b@x.test"].choose(&mut self.rng).copied();
        Command::DescribeTenant {
            title: self.rng.random_bool(0.5).then(|| "Acme Ltd".to_owned()),
            alert_addresses: addresses
                .map(|one| if one.is_empty() { Vec::new() } else { vec![one.to_owned()] }),
            alerts: self.rng.random_bool(0.5).then(|| self.rng.random_bool(0.5)),
        }
    }

    fn operate(&mut self) -> Result<Command, String> {
        let system = self.engine()?.now(TenantId::SYSTEM).ok_or("the instance is gone")?;
        let all: Vec<OperatorId> = system.directory.operators.iter().map(|one| one.id).collect();
        let keys: Vec<CredentialId> =
            system.directory.credentials.iter().map(|key| key.id).collect();
        let name = (*OPERATORS.choose(&mut self.rng).ok_or("no name")?).to_owned();
        let role = *OperatorRole::ALL.choose(&mut self.rng).ok_or("no role")?;
        let new = OperatorId::new(self.id());
        let operator = all.choose(&mut self.rng).copied().unwrap_or(new);
        Ok(match self.rng.random_range(0..6) {
            0 => Command::AddOperator { operator: new, name, role },
            1 => Command::RemoveOperator { operator },
            2 => Command::ChangeOperator {
                operator,
                name: self.rng.random_bool(0.3).then_some(name),
                role: Some(role),
            },
            3 => {
                let credential = CredentialId::new(self.id());
                Command::RevokeCredential {
                    credential: keys.choose(&mut self.rng).copied().unwrap_or(credential),
                }
            }
            _ => {
                let credential = CredentialId::new(self.id());
                Command::IssueCredential {
                    credential,
                    holder: Holder::Operator(operator),
                    hash: eventlog::hash(credential.uuid().as_bytes()),
                    hint: "rbo_".to_owned(),
                    expires: None,
                }
            }
        })
    }
}
