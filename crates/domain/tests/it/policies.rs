//! Policies and their schema: what is written, what is nothing new, and what was checked against something else than is there.

use domain::command::{Command, Expected};
use domain::event::EventKind::{PolicyChanged, PolicyCreated, PolicyDeleted, PolicySchemaChanged};
use domain::id::PolicyId;
use domain::limits::{POLICIES, POLICY_BYTES, POLICY_SCHEMA_BYTES};
use domain::position::Position;
use domain::rejection::Rejection;
use scim::ScimType;
use uuid::Uuid;

use crate::decide::{Given, OPERATOR, given};

const FIRST: PolicyId = PolicyId::new(Uuid::from_u128(501));
const SECOND: PolicyId = PolicyId::new(Uuid::from_u128(502));

impl Given {
    fn ground(&self) -> Option<Position> {
        self.snapshot.directory.policy_ground()
    }

    fn head(&self) -> Position {
        self.snapshot.head.next()
    }

    /// Checked against what is there.
    fn write(&self, policy: PolicyId, name: &str, text: &str) -> Command {
        self.expecting(Expected::Any, policy, name, text)
    }

    fn expecting(&self, expected: Expected, policy: PolicyId, name: &str, text: &str) -> Command {
        let (name, text) = (name.to_owned(), text.to_owned());
        Command::WritePolicy { policy, name, text, expected, ground: self.ground() }
    }

    fn declare(&self, expected: Expected, text: &str) -> Command {
        Command::WritePolicySchema { text: text.to_owned(), expected, ground: self.ground() }
    }

    /// Carries out what was made from what is there.
    fn then(&self, command: impl FnOnce(&Given) -> Command) -> Given {
        self.and(OPERATOR, command(self))
    }
}

fn delete(name: &str, expected: Expected) -> Command {
    Command::DeletePolicy { name: name.to_owned(), expected }
}

fn there() -> Given {
    given().then(|given| given.write(FIRST, "Reads", "permit;"))
}

#[test]
fn a_policy_is_written_changed_and_deleted_by_its_name_in_any_case() {
    let none = given();
    none.when(OPERATOR, none.write(FIRST, "Reads", "permit;")).causes(&[PolicyCreated]);
    none.when(OPERATOR, delete("Reads", Expected::Any)).not_found("policy");
    let given = there();
    given.when(OPERATOR, given.write(SECOND, "READS", "permit;")).nothing();
    given.when(OPERATOR, given.write(SECOND, "reads", "forbid;")).causes(&[PolicyChanged]);
    given.when(OPERATOR, given.write(SECOND, "Writes", "permit;")).causes(&[PolicyCreated]);
    given.when(OPERATOR, delete("rEADS", Expected::Any)).causes(&[PolicyDeleted]);
    // Written anew it is the same policy, under the name that it had.
    let changed = given.then(|given| given.write(SECOND, "reads", "forbid;"));
    let policy = changed.snapshot.directory.policies.get(FIRST).unwrap();
    assert_eq!((policy.name.as_str(), policy.text.as_str()), ("Reads", "forbid;"));
    assert!(changed.snapshot.directory.policies.get(SECOND).is_none());
}

#[test]
fn names_and_texts_have_their_limits() {
    let given = given();
    for name in ["", " ", "a\nb"] {
        given.when(OPERATOR, given.write(FIRST, name, "x")).invalid(ScimType::InvalidValue);
    }
    let long = "x".repeat(POLICY_BYTES);
    given.when(OPERATOR, given.write(FIRST, "long", &long)).causes(&[PolicyCreated]);
    let longer = long + "x";
    given.when(OPERATOR, given.write(FIRST, "long", &longer)).invalid(ScimType::InvalidValue);
    let schema = "x".repeat(POLICY_SCHEMA_BYTES);
    let any = || Expected::Any;
    given.when(OPERATOR, given.declare(any(), &schema)).causes(&[PolicySchemaChanged]);
    let longer = schema + "x";
    given.when(OPERATOR, given.declare(any(), &longer)).invalid(ScimType::InvalidValue);
}

/// As many as may be, and one of them can still be changed.
#[test]
fn a_tenant_has_as_many_policies_as_it_may() {
    let mut full = given();
    for n in 0..POLICIES as u128 {
        let id = PolicyId::new(Uuid::from_u128(1_000 + n));
        full = full.then(|given| given.write(id, &format!("policy {n}"), "permit;"));
    }
    full.when(OPERATOR, full.write(FIRST, "more", "x")).invalid(ScimType::InvalidValue);
    full.when(OPERATOR, full.write(FIRST, "policy 7", "x")).causes(&[PolicyChanged]);
    let less = full.and(OPERATOR, delete("policy 7", Expected::Any));
    less.when(OPERATOR, less.write(FIRST, "more", "x")).causes(&[PolicyCreated]);
}

#[test]
fn a_version_that_is_expected_must_be_there() {
    let none = given();
    let at = |position| Expected::OneOf(vec![position]);
    let given = there();
    let (there, other) = (given.ground().unwrap(), given.head());
    let write = |given: &Given, expected| given.expecting(expected, SECOND, "Reads", "forbid;");
    let declare = |given: &Given, expected| given.declare(expected, "entity Table;");
    given.when(OPERATOR, write(&given, at(there))).causes(&[PolicyChanged]);
    let stale = Rejection::Stale { actual: there };
    assert_eq!(given.when(OPERATOR, write(&given, at(other))).0, Err(stale.clone()));
    assert_eq!(given.when(OPERATOR, delete("Reads", at(other))).0, Err(stale));
    let unwanted = Err(Rejection::Unwanted { actual: there });
    assert_eq!(given.when(OPERATOR, write(&given, Expected::Absent)).0, unwanted);
    none.when(OPERATOR, write(&none, Expected::Absent)).causes(&[PolicyCreated]);
    none.when(OPERATOR, write(&none, at(other))).not_found("policy");
    none.when(OPERATOR, declare(&none, Expected::Absent)).causes(&[PolicySchemaChanged]);
    none.when(OPERATOR, declare(&none, at(other))).not_found("schema of");
    let declared = none.then(|given| declare(given, Expected::Any));
    declared.when(OPERATOR, declare(&declared, Expected::Any)).nothing();
    declared.when(OPERATOR, declared.declare(Expected::Any, "")).causes(&[PolicySchemaChanged]);
    let unwanted = Err(Rejection::Unwanted { actual: declared.ground().unwrap() });
    assert_eq!(declared.when(OPERATOR, declare(&declared, Expected::Absent)).0, unwanted);
}

/// What was checked against policies or a schema that are others by now is checked again: two that make sense each might make
/// none together. Seen to catch a ground that is not looked at, and one that only policies move.
#[test]
fn what_was_checked_against_something_else_is_overtaken() {
    let given = there();
    let policy = given.write(SECOND, "Writes", "permit;");
    let change = given.write(FIRST, "Reads", "forbid;");
    let schema = given.declare(Expected::Any, "entity Table;");
    let overtaken = |given: &Given, command: &Command, name: &str| {
        let name = name.to_owned();
        let rejection = Rejection::Overtaken { kind: "policy", name };
        assert_eq!(given.when(OPERATOR, command.clone()).0, Err(rejection));
    };
    for moved in [
        given.then(|given| given.write(SECOND, "Other", "permit;")),
        given.then(|given| given.write(FIRST, "Reads", "permit; // more")),
        given.then(|given| given.declare(Expected::Any, "entity Page;")),
    ] {
        overtaken(&moved, &policy, "Writes");
        overtaken(&moved, &change, "Reads");
        overtaken(&moved, &schema, "policy-schema");
    }
    // A policy less makes nothing wrong that was right, and what changes nothing needs no ground.
    let less = given.and(OPERATOR, delete("Reads", Expected::Any));
    let before = Command::WritePolicy {
        policy: FIRST,
        name: "Reads".to_owned(),
        text: "permit;".to_owned(),
        expected: Expected::Any,
        ground: None,
    };
    given.when(OPERATOR, before.clone()).nothing();
    less.when(OPERATOR, before).causes(&[PolicyCreated]);
}
