//! The emergency lock of a user.

use axum::http::Method;
use domain::command::Command;
use serde::Deserialize;

use super::{Asked, done, present_user};
use crate::answer::Answer;
use crate::refused::Refused;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewLock {
    reason: String,
}

/// `PUT` or `DELETE /admin/v1/tenants/{tenant}/users/{user}/lock`: the user may do nothing, whatever their identity
/// provider says; or may again what it says.
pub(super) async fn change(asked: &Asked<'_>, slug: &str, who: &str) -> Result<Answer, Refused> {
    let (tenant, snapshot) = asked.tenant(slug)?;
    let command = if asked.parts.method == Method::PUT {
        let NewLock { reason } = asked.body()?;
        Command::LockUser { user: present_user(&snapshot, who)?, reason }
    } else {
        Command::UnlockUser { user: present_user(&snapshot, who)? }
    };
    Ok(done(&asked.submit(tenant, command).await?))
}
