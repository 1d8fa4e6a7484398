//! What was tolerated: how often each connector's client sent what the RFCs do not have.
//!
//! Counted in memory and kept beside the refusal journal, at most once in [`KEEP_SECONDS`] and when
//! the server stops: what a crash may cost is the count of a few seconds, never a fact of the log.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use domain::id::{ConnectorId, CredentialId, TenantId};
use domain::time::Timestamp;
use engine::Engine;
use scim::Quirk;
use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::caller::Caller;
use crate::limits::{KEEP_SECONDS, USED_CREDENTIALS, USED_KEYS};

/// What was tolerated of one connector's client.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Tolerated {
    /// Since when it is counted; none: nothing was sent yet.
    pub(crate) since: Option<Timestamp>,
    /// Requests in all.
    pub(crate) requests: u64,
    /// Requests that strict mode would have refused.
    pub(crate) strict_would_refuse: u64,
    /// How often each rule was needed.
    pub(crate) rules: BTreeMap<Quirk, u64>,
    /// When each of its credentials was used last.
    used: BTreeMap<CredentialId, Timestamp>,
}

/// The counts of all connectors.
#[derive(Debug, Default)]
pub struct Tally(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    tenants: BTreeMap<TenantId, Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    connectors: BTreeMap<ConnectorId, Tolerated>,
    /// When each key was used last that is no connector's: a user's, or an operator's.
    others: BTreeMap<CredentialId, Timestamp>,
    kept: Option<Timestamp>,
    changed: bool,
}

/// A connector's counts as they are kept: rules by their name, as numbers may be given anew.
#[derive(Serialize, Deserialize)]
struct Kept {
    connector: ConnectorId,
    since: Option<Timestamp>,
    requests: u64,
    strict_would_refuse: u64,
    rules: BTreeMap<String, u64>,
    #[serde(default)]
    used: BTreeMap<CredentialId, Timestamp>,
}

/// What is kept of a tenant. Releases before this one kept the connectors alone, as a list.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Note {
    Connectors(Vec<Kept>),
    Whole { connectors: Vec<Kept>, others: BTreeMap<CredentialId, Timestamp> },
}

impl Tally {
    /// Notes that a user's or an operator's key was used.
    pub(crate) fn used_now(&self, app: &App, tenant: TenantId, key: CredentialId) {
        let now = app.now();
        let mut state = self.state();
        let counts = state.counts(&app.engine, tenant);
        used_last(&mut counts.others, key, now, USED_KEYS);
        counts.changed = true;
        counts.keep_if_due(&app.engine, tenant, now);
    }

    /// Counts a request, and what of it was tolerated.
    pub(crate) fn count(&self, app: &App, caller: &Caller, quirks: &[Quirk]) {
        let (engine, now, tenant) = (&app.engine, app.now(), caller.tenant);
        let mut state = self.state();
        let counts = state.counts(engine, tenant);
        let tolerated = counts.connectors.entry(caller.connector).or_default();
        used_last(&mut tolerated.used, caller.credential, now, USED_CREDENTIALS);
        tolerated.since.get_or_insert(now);
        tolerated.requests += 1;
        if quirks.iter().any(|quirk| quirk.strict_refuses()) {
            tolerated.strict_would_refuse += 1;
        }
        for quirk in quirks {
            *tolerated.rules.entry(*quirk).or_default() += 1;
        }
        counts.changed = true;
        counts.keep_if_due(engine, tenant, now);
    }

    /// What was tolerated of a connector's client.
    pub(crate) fn of(
        &self,
        engine: &Engine,
        tenant: TenantId,
        connector: ConnectorId,
    ) -> Tolerated {
        let mut state = self.state();
        state.counts(engine, tenant).connectors.get(&connector).cloned().unwrap_or_default()
    }

    /// When each of a tenant's credentials was used last, as far as it is known.
    pub(crate) fn used(
        &self,
        engine: &Engine,
        tenant: TenantId,
    ) -> BTreeMap<CredentialId, Timestamp> {
        self.state().counts(engine, tenant).used()
    }

    /// Keeps what was counted since the last time.
    pub(crate) fn keep(&self, engine: &Engine, now: Timestamp) {
        for (tenant, counts) in &mut self.state().tenants {
            if counts.changed {
                counts.keep(engine, *tenant, now);
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// A tenant's counts, read when they are first needed.
    fn counts(&mut self, engine: &Engine, tenant: TenantId) -> &mut Counts {
        self.tenants.entry(tenant).or_insert_with(|| Counts::read(engine, tenant))
    }
}

/// When each of a tenant's credentials was used last, as it was kept: for whoever opens a folder that no server has open.
pub fn last_used(engine: &Engine, tenant: TenantId) -> BTreeMap<CredentialId, Timestamp> {
    Counts::read(engine, tenant).used()
}

/// Notes a use; of more than `most`, those used last are known.
fn used_last(
    used: &mut BTreeMap<CredentialId, Timestamp>,
    key: CredentialId,
    now: Timestamp,
    most: usize,
) {
    used.insert(key, now);
    if used.len() > most {
        let oldest = used.iter().min_by_key(|(_, at)| **at).map(|(id, _)| *id);
        oldest.and_then(|id| used.remove(&id));
    }
}

impl Counts {
    fn used(&self) -> BTreeMap<CredentialId, Timestamp> {
        let connectors = self.connectors.values().flat_map(|tolerated| tolerated.used.clone());
        connectors.chain(self.others.clone()).collect()
    }

    fn keep_if_due(&mut self, engine: &Engine, tenant: TenantId, now: Timestamp) {
        let is_due = self
            .kept
            .is_none_or(|kept| now.millis().saturating_sub(kept.millis()) >= KEEP_SECONDS * 1_000);
        if is_due {
            self.keep(engine, tenant, now);
        }
    }

    fn read(engine: &Engine, tenant: TenantId) -> Counts {
        let bytes = engine.journal().note(tenant).unwrap_or_else(|error| {
            tracing::warn!("what was tolerated before is not known: {error}");
            None
        });
        let note = bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok());
        let (kept, others) = match note {
            Some(Note::Whole { connectors, others }) => (connectors, others),
            Some(Note::Connectors(connectors)) => (connectors, BTreeMap::new()),
            None => Default::default(),
        };
        let connectors = kept
            .into_iter()
            .map(|kept| {
                let Kept { connector, since, requests, strict_would_refuse, rules, used } = kept;
                let rules = rules
                    .into_iter()
                    .filter_map(|(name, times)| {
                        let quirk = Quirk::ALL.iter().find(|quirk| quirk.as_str() == name)?;
                        Some((*quirk, times))
                    })
                    .collect();
                (connector, Tolerated { since, requests, strict_would_refuse, rules, used })
            })
            .collect();
        Counts { connectors, others, kept: None, changed: false }
    }

    fn keep(&mut self, engine: &Engine, tenant: TenantId, now: Timestamp) {
        let kept: Vec<Kept> = self
            .connectors
            .iter()
            .map(|(connector, tolerated)| Kept {
                connector: *connector,
                since: tolerated.since,
                requests: tolerated.requests,
                strict_would_refuse: tolerated.strict_would_refuse,
                rules: tolerated
                    .rules
                    .iter()
                    .map(|(quirk, times)| (quirk.as_str().to_owned(), *times))
                    .collect(),
                used: tolerated.used.clone(),
            })
            .collect();
        self.kept = Some(now);
        self.changed = false;
        let note = Note::Whole { connectors: kept, others: self.others.clone() };
        let bytes = serde_json::to_vec(&note).unwrap_or_default();
        if let Err(error) = engine.journal().set_note(tenant, &bytes) {
            tracing::warn!("what was tolerated could not be kept: {error}");
        }
    }
}
