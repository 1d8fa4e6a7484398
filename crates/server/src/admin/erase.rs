//! Erasure, as operators ask for it.

use axum::http::StatusCode;
use serde::Deserialize;

use super::{Asked, ok};
use crate::answer::Answer;
use crate::erase::{EraseError, erase};
use crate::refused::Refused;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Wish {
    /// Why; it stays in the log, in clear.
    reason: String,
    /// Say what would be done, and do nothing.
    #[serde(default)]
    dry_run: bool,
}

/// `POST /admin/v1/tenants/{tenant}/users/{user}/erase`: destroys the values of a person who is there
/// or was, in every moment of the past as well.
pub(super) async fn user(asked: &Asked<'_>, slug: &str, who: &str) -> Result<Answer, Refused> {
    let (tenant, _) = asked.tenant(slug)?;
    let Wish { reason, dry_run } = asked.body()?;
    let origin = asked.visit.origin(asked.actor());
    let engine = &asked.app.engine;
    let (erasure, receipt) = erase(engine, tenant, origin, who, &reason, dry_run).await?;
    let body = serde_json::to_value(&erasure)
        .map_err(|error| Refused::internal(&format!("an erasure is not JSON: {error}")))?;
    let answer = ok(StatusCode::OK, &body);
    Ok(match receipt {
        Some(receipt) => {
            asked.look_after(tenant, &receipt);
            answer.of(&receipt)
        }
        None => answer,
    })
}

impl From<EraseError> for Refused {
    fn from(error: EraseError) -> Self {
        match error {
            EraseError::Refused(refusal) => refusal.into(),
            EraseError::Unknown(unknown) => {
                Refused::new(StatusCode::NOT_FOUND, unknown.to_string())
            }
            EraseError::Several { .. } => Refused::new(StatusCode::CONFLICT, error.to_string()),
            EraseError::BrokenOff(gone) => Refused::broken_off(gone),
            EraseError::Plan(error) => {
                Refused::internal(&format!("an erasure could not be planned: {error}"))
            }
        }
    }
}
