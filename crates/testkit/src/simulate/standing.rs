//! Tenants that are suspended, resumed and closed, and operators who come, change and go.

use std::collections::BTreeMap;

use domain::command::Command;
use domain::directory::TenantState;
use domain::event::{Event, Holder, OperatorRole};
use domain::id::{CredentialId, OperatorId, TenantId};
use domain::origin::{Actor, Origin};
use domain::snapshot::Snapshot;
use eventlog::{EventLog, LogReader};
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

    /// No identity provider wrote while its tenant was suspended, nobody but who erases after it was closed, and once
    /// an owner had a lasting key, one always has.
    pub(super) fn check_standing(&self) -> Result<(), String> {
        let log = self.disk.open().map_err(|error| format!("the log does not open: {error}"))?;
        let reader = log.reader();
        let mut tenants: BTreeMap<TenantId, Snapshot> = BTreeMap::new();
        for stored in reader.scan() {
            let stored = stored.map_err(|error| error.to_string())?;
            let snapshot = tenants.entry(stored.tenant).or_default();
            let (commit, head) =
                eventlog::link(&snapshot.head, stored.tenant, &stored.bytes, &reader)
                    .map_err(|error| error.to_string())?;
            let erases = commit.events.iter().any(|one| matches!(one, Event::UserErased { .. }));
            let is_theirs = commit.origin.actor.connector().is_some();
            let is_kept = match snapshot.directory.standing.state {
                TenantState::Open => true,
                TenantState::Suspended { .. } => !is_theirs,
                TenantState::Closed { .. } => erases,
            };
            if !is_kept {
                let state = snapshot.directory.standing.state.name();
                return Err(format!("a {state} tenant took position {}", commit.position));
            }
            let had_owner = has_owner(snapshot);
            snapshot.advance(&commit, head.hash).map_err(|error| error.to_string())?;
            if had_owner && !has_owner(snapshot) {
                return Err(format!("the last owner is gone at position {}", commit.position));
            }
        }
        Ok(())
    }
}

fn has_owner(system: &Snapshot) -> bool {
    let directory = &system.directory;
    directory.credentials.iter().any(|key| {
        let Holder::Operator(id) = key.holder else { return false };
        let owner = directory.operators.present(id).map(|operator| operator.role);
        owner == Some(OperatorRole::Owner) && key.revoked.is_none() && key.expires.is_none()
    })
}
