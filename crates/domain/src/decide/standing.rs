//! How a tenant stands: open, suspended, closed; what it is called and who is told of trouble.

use scim::Invalid;

use super::administration::{causes, missing};
use crate::command::{Command, Decision};
use crate::directory::{Directory, Standing, Tenant, TenantState};
use crate::event::Event;
use crate::limits::{ADDRESS_CHARS, ALERT_ADDRESSES, REASON_CHARS, TITLE_CHARS};
use crate::origin::Actor;
use crate::rejection::Rejection;

/// That a tenant takes this command as it stands: a suspended one takes nothing from identity providers, a closed
/// one nothing at all but the erasure of persons, who have a right to it however the tenant ended.
pub(super) fn admits(
    directory: &Directory,
    actor: &Actor,
    command: &Command,
) -> Result<(), Rejection> {
    match &directory.standing.state {
        TenantState::Open => Ok(()),
        TenantState::Suspended { .. } if actor.connector().is_some() => Err(Rejection::Suspended),
        TenantState::Suspended { .. } => Ok(()),
        TenantState::Closed { .. }
            if matches!(command, Command::EraseUser { .. } | Command::CloseTenant { .. }) =>
        {
            Ok(())
        }
        TenantState::Closed { .. } => Err(Rejection::Closed),
    }
}

/// A second time there is nothing to do, whatever the reason is then: it stands since the first.
pub(super) fn suspend(directory: &Directory, reason: String) -> Result<Decision, Rejection> {
    let tenant = of(directory)?.id;
    check_reason(&reason)?;
    causes(match directory.standing.state {
        TenantState::Open => vec![Event::TenantSuspended { tenant, reason }],
        TenantState::Suspended { .. } | TenantState::Closed { .. } => vec![],
    })
}

pub(super) fn resume(directory: &Directory) -> Result<Decision, Rejection> {
    let tenant = of(directory)?.id;
    causes(match directory.standing.state {
        TenantState::Suspended { .. } => vec![Event::TenantResumed { tenant }],
        TenantState::Open | TenantState::Closed { .. } => vec![],
    })
}

pub(super) fn close(directory: &Directory, reason: String) -> Result<Decision, Rejection> {
    let tenant = of(directory)?.id;
    check_reason(&reason)?;
    causes(match directory.standing.state {
        TenantState::Open | TenantState::Suspended { .. } => {
            vec![Event::TenantClosed { tenant, reason }]
        }
        TenantState::Closed { .. } => vec![],
    })
}

pub(super) fn describe(
    directory: &Directory,
    title: Option<String>,
    alert_addresses: Option<Vec<String>>,
    alerts: Option<bool>,
) -> Result<Decision, Rejection> {
    let tenant = of(directory)?.id;
    let there = &directory.standing;
    let title = title.unwrap_or_else(|| there.title.clone());
    let alert_addresses = alert_addresses.unwrap_or_else(|| there.alert_addresses.clone());
    let alerts = alerts.unwrap_or(there.alerts);
    check_title(&title)?;
    check_addresses(&alert_addresses)?;
    if alerts && alert_addresses.is_empty() {
        let detail =
            "alerts need an address to go to: give `alertAddresses`, or switch `alerts` off";
        return Err(Invalid::value(detail).into());
    }
    let Standing { state: _, title: was, alert_addresses: were, alerts: did } = there;
    if (&title, &alert_addresses, &alerts) == (was, were, did) {
        return causes(vec![]);
    }
    causes(vec![Event::TenantDescribed { tenant, title, alert_addresses, alerts }])
}

/// The tenant whose log this is; the instance's own is nobody's.
fn of(directory: &Directory) -> Result<&Tenant, Rejection> {
    directory.tenant.as_ref().ok_or_else(|| missing("tenant", "_system".to_owned()))
}

fn check_reason(text: &str) -> Result<(), Rejection> {
    if text.chars().count() <= REASON_CHARS && !text.chars().any(char::is_control) {
        return Ok(());
    }
    Err(Invalid::value(format!("a reason is one line of at most {REASON_CHARS} characters")).into())
}

fn check_title(text: &str) -> Result<(), Rejection> {
    let fits = text.chars().count() <= TITLE_CHARS && !text.chars().any(char::is_control);
    if fits && text.trim() == text {
        return Ok(());
    }
    let detail =
        format!("a title is one line of at most {TITLE_CHARS} characters, without blanks around");
    Err(Invalid::value(detail).into())
}

/// Only what no mailbox can be is refused: whether one is there shows when something is sent to it.
fn check_addresses(addresses: &[String]) -> Result<(), Rejection> {
    if addresses.len() > ALERT_ADDRESSES {
        let detail = format!("alerts go to at most {ALERT_ADDRESSES} addresses");
        return Err(Invalid::value(detail).into());
    }
    for (place, address) in addresses.iter().enumerate() {
        let is_visible = |c: char| !c.is_whitespace() && !c.is_control();
        let parts = address.rsplit_once('@');
        let fits = parts.is_some_and(|(mailbox, host)| !mailbox.is_empty() && !host.is_empty())
            && address.chars().all(|c| is_visible(c) && !matches!(c, ',' | ';' | '<' | '>'))
            && address.chars().count() <= ADDRESS_CHARS;
        if !fits {
            let detail = format!("`{address}` is no e-mail address: write it as `alerts@acme.com`");
            return Err(Invalid::value(detail).into());
        }
        if addresses.iter().take(place).any(|before| before == address) {
            return Err(Invalid::value(format!("`{address}` is given twice")).into());
        }
    }
    Ok(())
}
