//! Who may do what, and through what: decisions, the policies that made them, and the commits that put people into what
//! these policies are about.

mod answer;
mod ground;
mod since;

use std::sync::Arc;

use ::access::{Applicable, Asked, Compiled, Edition, Fault, Kept, Unasked, Written};
use domain::directory::Directory;
use domain::id::TenantId;
use domain::snapshot::Snapshot;
use engine::Engine;

pub use answer::{
    AccessDiff, Broken, Can, Changed, Checked, Decided, Ground, Grounds, Listed, Who,
};

use crate::ask::AskError;
use crate::brief::Moment;
use crate::explain::Log;
use ground::Grounding;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// The question does not fit the schema.
    #[error("{0}")]
    Unasked(String),
    /// The tenant's schema cannot be read, so neither can any policy.
    #[error("the policies cannot be asked: {0}")]
    Schema(String),
    /// Nobody is called so.
    #[error("there is no user `{0}`: give a userName in any case, or an id")]
    NoUser(String),
    /// More is asked at once than is answered.
    #[error("{0}")]
    TooMuch(String),
    /// The moments are the wrong way round.
    #[error("the moment that it is compared from (position {from}) is later than the other ({to})")]
    Backwards {
        /// The first moment's position.
        from: u64,
        /// The second one's.
        to: u64,
    },
    /// The log cannot be read.
    #[error(transparent)]
    Ask(#[from] AskError),
}

impl From<Vec<Fault>> for AccessError {
    fn from(faults: Vec<Fault>) -> Self {
        let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
        AccessError::Schema(faults.join("; "))
    }
}

/// A tenant's policies as of a moment, ready to be asked.
///
/// # Errors
/// When the schema that it declared cannot be read.
pub fn policies(
    kept: &Kept,
    tenant: TenantId,
    directory: &Directory,
) -> Result<Arc<Compiled>, AccessError> {
    let (declared, schema) = declared(directory);
    let edition = Edition {
        tenant,
        schema,
        users: directory.schemas.custom().map(|schema| schema.added.position).last(),
        policies: directory.policies.iter().map(|p| (p.id, p.modified.position)).collect(),
    };
    let read = || {
        let all = directory.policies.iter();
        let all = all.map(|p| Written { id: p.id, name: &p.name, text: &p.text });
        Compiled::of(&directory.schemas, declared, all)
    };
    Ok(kept.get(edition, read)?)
}

/// The schema that a tenant declares for its policies, and since when.
fn declared(directory: &Directory) -> (&str, Option<domain::position::Position>) {
    let schema = directory.policy_schema.as_ref();
    schema.map_or(("", None), |schema| (&schema.text, Some(schema.changed.position)))
}

/// Whether somebody may do something, for each question; with `explain` the commits behind it too. It blocks: call it where
/// that is allowed.
///
/// # Errors
/// When a question does not fit the schema (then none is answered), or the log cannot be read.
pub fn check(
    engine: &Engine,
    (tenant, moment): (TenantId, &Snapshot),
    compiled: &Compiled,
    questions: &[Asked],
    explain: bool,
) -> Result<Vec<Checked>, AccessError> {
    let world = engine.world();
    let system = world.system().map(|system| &system.directory);
    let mut grounding = Grounding::new(Log::new(engine, tenant, moment, system));
    let mut all = Vec::with_capacity(questions.len());
    for (index, asked) in questions.iter().enumerate() {
        let answer = compiled.check(&moment.directory, asked).map_err(|Unasked(why)| {
            let number =
                if questions.len() > 1 { format!("check {}: ", index + 1) } else { String::new() };
            AccessError::Unasked(number + &why)
        })?;
        all.push(grounding.checked(asked, answer, explain)?);
    }
    Ok(all)
}

/// Which policies can apply to a user, and through what.
///
/// # Errors
/// When nobody is called so, or the log cannot be read.
pub fn list(
    engine: &Engine,
    (tenant, moment): (TenantId, &Snapshot),
    compiled: &Compiled,
    who: &str,
) -> Result<Listed, AccessError> {
    let world = engine.world();
    let system = world.system().map(|system| &system.directory);
    let mut grounding = Grounding::new(Log::new(engine, tenant, moment, system));
    let all: Vec<Applicable> = compiled
        .applicable(&moment.directory, who)
        .ok_or_else(|| AccessError::NoUser(who.to_owned()))?;
    grounding.listed(who, all)
}

pub use since::{Between, Side, diff};

/// Where a moment is.
fn head(moment: &Snapshot) -> Result<Moment, AccessError> {
    Ok(Moment::of(moment).ok_or(AskError::NoTenant)?)
}
