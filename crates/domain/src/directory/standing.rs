//! How a tenant stands: whether it is open, what it is called, who is told of trouble.

use serde::{Deserialize, Serialize};

use super::{Directory, Moment, Stamp};
use crate::commit::Unfit;
use crate::event::Event;
use crate::id::TenantId;

/// How a tenant stands at one position, in its own log.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Standing {
    /// Whether it is open.
    #[serde(default, skip_serializing_if = "is_default")]
    pub state: TenantState,
    /// What people call it; empty: nothing but its slug.
    #[serde(default, skip_serializing_if = "is_default")]
    pub title: String,
    /// Mailboxes that alerts go to.
    #[serde(default, skip_serializing_if = "is_default")]
    pub alert_addresses: Vec<String>,
    /// Whether alerts are sent.
    #[serde(default, skip_serializing_if = "is_default")]
    pub alerts: bool,
}

/// Whether a tenant is open.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub enum TenantState {
    /// It is.
    #[default]
    Open,
    /// No identity provider reads or writes; operators do.
    Suspended {
        /// Since when.
        since: Stamp,
        /// Why, in the words of who asked.
        reason: String,
    },
    /// For good: no key opens anything, and nothing is written but erasures.
    Closed {
        /// Since when.
        since: Stamp,
        /// Why, in the words of who asked.
        reason: String,
    },
}

impl TenantState {
    /// Its name: `open`, `suspended` or `closed`.
    pub const fn name(&self) -> &'static str {
        match self {
            TenantState::Open => "open",
            TenantState::Suspended { .. } => "suspended",
            TenantState::Closed { .. } => "closed",
        }
    }

    /// Whether it is closed, for good.
    pub const fn is_closed(&self) -> bool {
        matches!(self, TenantState::Closed { .. })
    }

    /// Since when, and why, if it is not open.
    pub fn cause(&self) -> Option<(Stamp, &str)> {
        match self {
            TenantState::Open => None,
            TenantState::Suspended { since, reason } | TenantState::Closed { since, reason } => {
                Some((*since, reason))
            }
        }
    }
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl Standing {
    /// Whether nothing was ever said of it.
    pub(super) fn is_usual(&self) -> bool {
        is_default(self)
    }
}

impl Directory {
    /// Makes an event about the tenant itself part of it.
    pub(super) fn stand(
        &mut self,
        tenant: TenantId,
        event: &Event,
        moment: Moment<'_>,
    ) -> Result<(), Unfit> {
        if self.tenant.as_ref().map(|tenant| tenant.id) != Some(tenant) {
            return Err(moment.unfit(format!("this is not the log of tenant {tenant}")));
        }
        let since = moment.stamp;
        let standing = &mut self.standing;
        match (event, &standing.state) {
            (Event::TenantDescribed { title, alert_addresses, alerts, .. }, _) => {
                standing.title.clone_from(title);
                standing.alert_addresses.clone_from(alert_addresses);
                standing.alerts = *alerts;
            }
            (_, TenantState::Closed { .. }) => return Err(moment.unfit("the tenant is closed")),
            (Event::TenantSuspended { reason, .. }, TenantState::Open) => {
                standing.state = TenantState::Suspended { since, reason: reason.clone() };
            }
            (Event::TenantResumed { .. }, TenantState::Suspended { .. }) => {
                standing.state = TenantState::Open;
            }
            (Event::TenantClosed { reason, .. }, _) => {
                standing.state = TenantState::Closed { since, reason: reason.clone() };
            }
            _ => return Err(moment.unfit(format!("the tenant is {}", standing.state.name()))),
        }
        Ok(())
    }
}
