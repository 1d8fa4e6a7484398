//! Policies, and what they can speak about. Whether a text makes sense was checked before, by who can read it; here it is
//! seen to that nothing has changed since of what it was checked against.

use scim::Invalid;

use super::administration::{causes, check_name, missing};
use crate::command::{Decision, Expected};
use crate::directory::Directory;
use crate::event::Event;
use crate::id::PolicyId;
use crate::limits::{POLICIES, POLICY_BYTES, POLICY_SCHEMA_BYTES};
use crate::position::Position;
use crate::rejection::Rejection;

pub(super) fn write(
    directory: &Directory,
    policy: PolicyId,
    name: String,
    text: String,
    expected: &Expected,
    ground: Option<Position>,
) -> Result<Decision, Rejection> {
    check_name("policy", &name)?;
    check_length("a policy", &text, POLICY_BYTES)?;
    let there = directory.policies.named(&name);
    check_version(expected, there.map(|there| there.modified.position), || {
        missing("policy", name.clone())
    })?;
    match there {
        Some(there) if there.text == text => causes(vec![]),
        Some(there) => {
            check_ground(directory, ground, &name)?;
            causes(vec![Event::PolicyChanged { policy: there.id, text }])
        }
        None if directory.policies.iter().count() >= POLICIES => Err(Invalid::value(format!(
            "the tenant has {POLICIES} policies, as many as it may: delete one first"
        ))
        .into()),
        None => {
            check_ground(directory, ground, &name)?;
            causes(vec![Event::PolicyCreated { policy, name, text }])
        }
    }
}

pub(super) fn delete(
    directory: &Directory,
    name: String,
    expected: &Expected,
) -> Result<Decision, Rejection> {
    let Some(there) = directory.policies.named(&name) else {
        return Err(missing("policy", name));
    };
    expected.check(there.modified.position)?;
    causes(vec![Event::PolicyDeleted { policy: there.id }])
}

pub(super) fn write_schema(
    directory: &Directory,
    text: String,
    expected: &Expected,
    ground: Option<Position>,
) -> Result<Decision, Rejection> {
    check_length("the schema of policies", &text, POLICY_SCHEMA_BYTES)?;
    let there = directory.policy_schema.as_ref();
    let version = there.map(|there| there.changed.position);
    check_version(expected, version, || missing("schema of", "policies".to_owned()))?;
    if there.map_or("", |there| &there.text) == text {
        return causes(vec![]);
    }
    check_ground(directory, ground, "policy-schema")?;
    causes(vec![Event::PolicySchemaChanged { text }])
}

/// That the version is one that is expected, of what may not be there.
fn check_version(
    expected: &Expected,
    there: Option<Position>,
    missing: impl FnOnce() -> Rejection,
) -> Result<(), Rejection> {
    match (there, expected) {
        (Some(version), expected) => expected.check(version),
        (None, Expected::Any | Expected::NoneOf(_) | Expected::Absent) => Ok(()),
        (None, Expected::OneOf(_)) => Err(missing()),
    }
}

/// That a text was checked against what is there now: else two that make sense each might make none together.
fn check_ground(
    directory: &Directory,
    ground: Option<Position>,
    name: &str,
) -> Result<(), Rejection> {
    if directory.policy_ground() == ground {
        return Ok(());
    }
    Err(Rejection::Overtaken { kind: "policy", name: name.to_owned() })
}

fn check_length(what: &str, text: &str, limit: usize) -> Result<(), Invalid> {
    if text.len() <= limit {
        return Ok(());
    }
    Err(Invalid::value(format!("{what} has at most {limit} bytes, this one has {}", text.len())))
}
