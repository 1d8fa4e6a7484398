//! `active` without a value: the attribute goes, the right to act stays.
//!
//! Seen to catch: a cleared `active` that wakes somebody up, and one that puts somebody to sleep; a
//! PUT without it, or a PATCH of something else, that assigns it again; a create or a PUT whose null
//! is taken for an absence; a change that is noted and not applied.

use domain::directory::User;
use domain::event::{AttributeChange, Event, EventKind};
use domain::id::UserId;
use scim::Value;
use uuid::Uuid;

use crate::decide::{Given, OKTA, connector, create, given, patch, put};

use EventKind::*;

const ADA: UserId = UserId::new(Uuid::from_u128(101));

/// A user who may act, or may not.
fn with(may_act: bool) -> Given {
    given().and(connector(OKTA), create(ADA, &format!(r#""userName":"ada","active":{may_act}"#)))
}

fn ada(given: &Given) -> &User {
    given.snapshot.directory.users.get(ADA).unwrap()
}

fn cleared(may_act: bool) -> Given {
    with(may_act).and(connector(OKTA), patch(ADA, r#"{"op":"remove","path":"active"}"#))
}

/// That these events change `active`, as an attribute, from `old` to `new`, and nothing beside it.
#[track_caller]
fn changes(events: &[Event], old: Option<bool>, new: Option<bool>) {
    let found = events.iter().find_map(|event| {
        let Event::UserAttributesChanged { personal, .. } = event else { return None };
        personal.known()
    });
    let (path, old, new) = ("active".to_owned(), old.map(Value::Bool), new.map(Value::Bool));
    assert_eq!(found, Some(&vec![AttributeChange { path, old, new }]));
}

/// Also R-7643-2.5-01, R-7644-3.5.2.3-03.
#[test]
fn r_7644_3_5_2_2_01_clearing_active_unassigns_it_and_lets_nobody_in_or_out() {
    for may_act in [true, false] {
        for clear in [
            patch(ADA, r#"{"op":"remove","path":"active"}"#),
            patch(ADA, r#"{"op":"replace","path":"active","value":null}"#),
            patch(ADA, r#"{"op":"replace","value":{"active":null}}"#),
            put(ADA, r#""userName":"ada","active":null"#),
        ] {
            let given = with(may_act);
            let events =
                given.when(connector(OKTA), clear.clone()).causes(&[UserAttributesChanged]);
            changes(&events, Some(may_act), None);
            let given = given.and(connector(OKTA), clear.clone());
            assert_eq!((ada(&given).active, ada(&given).active_attribute()), (may_act, None));
            given.snapshot.directory.agrees().unwrap();
            given.when(connector(OKTA), clear).nothing();
        }
    }
}

/// Also R-7644-3.5.2.1-03, R-7644-3.5.2.3-04.
#[test]
fn r_7644_3_5_2_3_02_a_cleared_active_is_assigned_again_by_a_value() {
    for (may_act, wanted, kinds) in [
        (true, true, &[UserAttributesChanged][..]),
        (true, false, &[UserAttributesChanged, UserDeactivated]),
        (false, true, &[UserAttributesChanged, UserActivated]),
        (false, false, &[UserAttributesChanged]),
    ] {
        for assign in [
            patch(ADA, &format!(r#"{{"op":"add","path":"active","value":{wanted}}}"#)),
            patch(ADA, &format!(r#"{{"op":"replace","value":{{"active":"{wanted}"}}}}"#)),
            put(ADA, &format!(r#""userName":"ada","active":{wanted}"#)),
        ] {
            let given = cleared(may_act);
            let events = given.when(connector(OKTA), assign.clone()).causes(kinds);
            changes(&events, None, Some(wanted));
            let given = given.and(connector(OKTA), assign);
            let ada = ada(&given);
            assert_eq!((ada.active, ada.active_attribute()), (wanted, Some(wanted)));
            given.snapshot.directory.agrees().unwrap();
        }
    }
    // What comes back in the same request was never away.
    let back = r#"{"op":"remove","path":"active"},{"op":"add","path":"active","value":false}"#;
    with(false).when(connector(OKTA), patch(ADA, back)).nothing();
}

#[test]
fn r_7644_3_5_1_03_a_put_without_active_keeps_it_unassigned() {
    for may_act in [true, false] {
        let given = cleared(may_act);
        given.when(connector(OKTA), put(ADA, r#""userName":"ada""#)).nothing();
        let titled = put(ADA, r#""userName":"ada","title":"T""#);
        let given = given.and(connector(OKTA), titled);
        // Nor does a PATCH of something else assign it.
        let patched = patch(ADA, r#"{"op":"replace","path":"title","value":"U"}"#);
        let given = given.and(connector(OKTA), patched);
        assert_eq!((ada(&given).active, ada(&given).active_attribute()), (may_act, None));
    }
}

#[test]
fn r_7644_3_3_03_null_suppresses_the_default_of_active() {
    for null in ["null", "[]"] {
        let create = create(ADA, &format!(r#""userName":"ada","active":{null}"#));
        let events = given()
            .when(connector(OKTA), create.clone())
            .causes(&[UserCreated, UserAttributesChanged]);
        changes(&events, Some(true), None);
        let given = given().and(connector(OKTA), create);
        assert_eq!((ada(&given).active, ada(&given).active_attribute()), (true, None));
        given.snapshot.directory.agrees().unwrap();
    }
    given().when(connector(OKTA), create(ADA, r#""userName":"ada""#)).causes(&[UserCreated]);
    assert_eq!(ada(&with(true)).active_attribute(), Some(true));
}
