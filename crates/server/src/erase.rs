//! Forgetting a person: whom it is about, what goes, what stays, and the commit.

use audit::{Erasure, ErasureError, Unknown, find_user, plan};
use domain::command::Command;
use domain::erasure::telling;
use domain::id::{TenantId, UserId};
use domain::origin::Origin;
use engine::{Engine, Receipt, Refusal};

/// Why a person was not erased. Nothing changed.
#[derive(Debug, thiserror::Error)]
pub enum EraseError {
    /// Nobody is or was called so.
    #[error(transparent)]
    Unknown(#[from] Unknown),
    /// Several persons are or were called so.
    #[error(
        "{} persons have or had this name: give the id of the one who is meant, as `audit commits` shows it: {}",
        ids.len(), list(ids)
    )]
    Several {
        /// Their ids, oldest first.
        ids: Vec<UserId>,
    },
    /// What would go could not be found out.
    #[error(transparent)]
    Plan(#[from] ErasureError),
    /// The engine said no.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The thread that looked is gone.
    #[error("what looked for the person's values broke off; this is a bug")]
    BrokenOff(#[from] tokio::task::JoinError),
}

fn list(ids: &[UserId]) -> String {
    ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// Erases the one person whom `who` names: by id, or by a `userName` that they have or had. A dry run
/// changes nothing and says what would be done. Who is erased already stays so: nothing is written.
///
/// # Errors
/// See [`EraseError`]; a reason that says who the person was is refused.
pub async fn erase(
    engine: &Engine,
    tenant: TenantId,
    origin: Origin,
    who: &str,
    reason: &str,
    dry_run: bool,
) -> Result<(Erasure, Option<Receipt>), EraseError> {
    let snapshot = engine.now(tenant).ok_or(Refusal::NoTenant)?;
    let user = match find_user(&snapshot, who)?.as_slice() {
        [user] => *user,
        several => return Err(EraseError::Several { ids: several.to_vec() }),
    };
    let command = Command::EraseUser { user, reason: reason.to_owned() };
    // What the rules say first: they cost nothing, and a dry run is told the same.
    domain::decide(&snapshot.directory, &origin.actor, command).map_err(Refusal::from)?;
    let looking = {
        let (engine, reason) = (engine.clone(), reason.to_owned());
        move || {
            let read = engine.read_person(tenant, user).map_err(ErasureError::from)?;
            // The log knows names and addresses that the directory has forgotten.
            if read.values().are_named_in(&reason) {
                return Err(Refusal::Rejected(telling().into()).into());
            }
            let planned = plan(&engine, tenant, user, read.values())?;
            if dry_run || planned.erased {
                return Ok((planned, None));
            }
            let begun = engine.begin_erasure(read).map_err(ErasureError::from)?;
            Ok::<_, EraseError>((planned, Some(begun)))
        }
    };
    let (mut erasure, begun) = tokio::task::spawn_blocking(looking).await??;
    let Some(begun) = begun else { return Ok((erasure, None)) };
    let receipt = engine.finish_erasure(begun, origin, reason.to_owned()).await?;
    erasure.erased = true;
    erasure.position = receipt.position;
    erasure.hash = receipt.position.map(|_| receipt.head.hash);
    if receipt.position.is_none() {
        // Somebody else did it meanwhile: nothing of it is this one's doing.
        erasure.deletes = false;
        (erasure.events, erasure.credentials, erasure.refusals) = (0, 0, 0);
    }
    Ok((erasure, Some(receipt)))
}
