//! How a tenant stands: what it is called, and whether anybody is let in.

use domain::command::Command;
use serde::Deserialize;

use super::{Asked, done};
use crate::answer::Answer;
use crate::refused::Refused;

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Description {
    title: Option<String>,
    alert_addresses: Option<Vec<String>>,
    alerts: Option<bool>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct Suspension {
    #[serde(default)]
    reason: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Closure {
    /// The tenant's own slug once more: there is no way back.
    slug: String,
    #[serde(default)]
    reason: String,
}

/// `PATCH /admin/v1/tenants/{tenant}`: what is not named stays as it is.
pub(super) async fn describe(asked: &Asked<'_>, slug: &str) -> Result<Answer, Refused> {
    let (tenant, _) = asked.tenant(slug)?;
    let Description { title, alert_addresses, alerts } = asked.body()?;
    let command = Command::DescribeTenant { title, alert_addresses, alerts };
    Ok(done(&asked.submit(tenant, command).await?))
}

/// `POST /admin/v1/tenants/{tenant}/suspend`: identity providers are asked to come again later.
pub(super) async fn suspend(asked: &Asked<'_>, slug: &str) -> Result<Answer, Refused> {
    let (tenant, _) = asked.tenant(slug)?;
    let Suspension { reason } =
        if asked.body.is_empty() { Suspension::default() } else { asked.body()? };
    Ok(done(&asked.submit(tenant, Command::SuspendTenant { reason }).await?))
}

/// `POST /admin/v1/tenants/{tenant}/resume`: they are let in again.
pub(super) async fn resume(asked: &Asked<'_>, slug: &str) -> Result<Answer, Refused> {
    let (tenant, _) = asked.tenant(slug)?;
    Ok(done(&asked.submit(tenant, Command::ResumeTenant).await?))
}

/// `POST /admin/v1/tenants/{tenant}/close`: for good.
pub(super) async fn close(asked: &Asked<'_>, slug: &str) -> Result<Answer, Refused> {
    let (tenant, _) = asked.tenant(slug)?;
    let Closure { slug: named, reason } = asked.body()?;
    if named != slug {
        let detail = format!("closing is for good: say `{slug}` as `slug` to confirm it");
        return Err(scim::Invalid::value(detail).into());
    }
    Ok(done(&asked.submit(tenant, Command::CloseTenant { reason }).await?))
}
