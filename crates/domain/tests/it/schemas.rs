//! Attributes of a tenant's own: what is unique, what is written once, and what is required.

use domain::command::{Change, Command, Expected};
use domain::directory::Directory;
use domain::event::EventKind::*;
use domain::id::{GroupId, UserId};
use scim::{Mode, Patch, ResourceType, ScimType, Value, admit};
use uuid::Uuid;

use crate::decide::{Given, OKTA, OPERATOR, connector, given};

const ADA: UserId = UserId::new(Uuid::from_u128(101));
const BOB: UserId = UserId::new(Uuid::from_u128(102));
const SALES: GroupId = GroupId::new(Uuid::from_u128(201));
const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
const BADGE: &str = "urn:example:badge:1.0:User";
const COST: &str = "urn:example:cost:1.0:Group";

/// A tenant with schemas of its own.
fn badges() -> Given {
    let add = |resource_type: &str, document: String| Command::AddSchema {
        document,
        resource_type: resource_type.to_owned(),
        required: false,
    };
    let badge = format!(
        r#"{{"id":"{BADGE}","attributes":[{{"name":"number","uniqueness":"server"}},
            {{"name":"key","uniqueness":"server","caseExact":true}},
            {{"name":"seat","type":"integer","uniqueness":"server"}},
            {{"name":"colour"}},{{"name":"issued","type":"dateTime","mutability":"immutable"}}]}}"#
    );
    let cost =
        format!(r#"{{"id":"{COST}","attributes":[{{"name":"number","uniqueness":"server"}}]}}"#);
    given().and(OPERATOR, add("User", badge)).and(OPERATOR, add("Group", cost))
}

fn filled(text: &str) -> Value {
    let text = text.replace("BADGE", BADGE).replace("COST", COST);
    Value::parse(text.replace("USER", USER).replace("GROUP", GROUP).as_bytes()).unwrap()
}

fn written(
    given: &Given,
    json: &str,
    rtype: fn(&scim::Catalogue) -> &ResourceType,
) -> scim::Admitted {
    let rtype = rtype(given.snapshot.directory.schemas.catalogue());
    admit(&filled(json), rtype, Mode::Lenient).unwrap()
}

fn user(given: &Given, rest: &str) -> scim::Admitted {
    let json = format!(r#"{{"schemas":["USER","BADGE"],{rest}}}"#);
    written(given, &json, scim::Catalogue::user)
}

fn create(given: &Given, id: UserId, rest: &str) -> Command {
    Command::User(id, Change::Create(user(given, rest)))
}

fn put(given: &Given, id: UserId, rest: &str) -> Command {
    Command::User(id, Change::Replace { with: user(given, rest), expected: Expected::Any })
}

fn patch(given: &Given, id: UserId, operations: &str) -> Command {
    let body = filled(&format!(
        r#"{{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{operations}]}}"#
    ));
    let rtype = given.snapshot.directory.schemas.catalogue().user();
    let patch = Patch::parse(&body, rtype, Mode::Lenient).unwrap();
    Command::User(id, Change::Patch { patch, expected: Expected::Any })
}

/// Two users with a badge each.
fn two() -> Given {
    let given = badges();
    let ada = create(&given, ADA, r#""userName":"ada","BADGE":{"number":"N1","key":"k","seat":1}"#);
    let given = given.and(connector(OKTA), ada);
    let bob = create(&given, BOB, r#""userName":"bob","BADGE":{"number":"N2","key":"K","seat":2}"#);
    given.and(connector(OKTA), bob)
}

const NUMBER: &str = "urn:example:badge:1.0:User:number";

#[test]
fn r_7643_7_05_a_unique_value_is_had_by_one() {
    let given = two();
    let okta = || connector(OKTA);
    let other = UserId::new(Uuid::from_u128(103));
    // As the attribute compares: `n1` is `N1`, but the key `k` is not `K`, and 1 is not 1.5.
    given
        .when(okta(), create(&given, other, r#""userName":"eve","BADGE":{"number":"n1"}"#))
        .taken(NUMBER);
    given
        .when(okta(), create(&given, other, r#""userName":"eve","BADGE":{"key":"K"}"#))
        .taken(&format!("{BADGE}:key"));
    given
        .when(okta(), create(&given, other, r#""userName":"eve","BADGE":{"key":"KK","seat":2}"#))
        .taken(&format!("{BADGE}:seat"));
    given
        .when(okta(), put(&given, BOB, r#""userName":"bob","BADGE":{"number":"n1"}"#))
        .taken(NUMBER);
    given
        .when(okta(), patch(&given, BOB, r#"{"op":"add","path":"BADGE:number","value":"N1"}"#))
        .taken(NUMBER);
    given
        .when(okta(), patch(&given, BOB, r#"{"op":"add","value":{"BADGE":{"seat":1}}}"#))
        .taken(&format!("{BADGE}:seat"));
    // What is its own may be written again, in another case too.
    given
        .when(
            okta(),
            put(&given, BOB, r#""userName":"bob","BADGE":{"number":"n2","key":"K","seat":2}"#),
        )
        .causes(&[UserAttributesChanged]);
    // An empty text says nothing.
    let given =
        given.and(okta(), patch(&two(), ADA, r#"{"op":"add","path":"BADGE:key","value":""}"#));
    given
        .when(okta(), patch(&given, BOB, r#"{"op":"add","path":"BADGE:key","value":""}"#))
        .causes(&[UserAttributesChanged]);
}

/// Also R-7644-3.6-02.
#[test]
fn r_7643_7_05_a_unique_value_is_free_once_it_is_given_up() {
    let given = two();
    let okta = || connector(OKTA);
    let take =
        |given: &Given| patch(given, BOB, r#"{"op":"add","path":"BADGE:number","value":"N1"}"#);
    given.when(okta(), take(&given)).taken(NUMBER);
    let cleared = patch(&given, ADA, r#"{"op":"remove","path":"BADGE:number"}"#);
    let changed = patch(&given, ADA, r#"{"op":"replace","path":"BADGE:number","value":"N9"}"#);
    let dropped = patch(&given, ADA, r#"{"op":"remove","path":"BADGE"}"#);
    let put = put(&given, ADA, r#""userName":"ada""#);
    let delete = Command::User(ADA, Change::Delete { expected: Expected::Any });
    for free in [cleared, changed, dropped, put, delete] {
        let given = two().and(okta(), free);
        given.when(okta(), take(&given)).causes(&[UserAttributesChanged]);
        given.and(okta(), take(&two()));
    }
}

#[test]
fn r_7643_7_05_groups_have_values_of_their_own() {
    let given = two();
    let group = |given: &Given, id: u128, name: &str| {
        let json = format!(
            r#"{{"schemas":["GROUP","COST"],"displayName":"{name}","COST":{{"number":"N1"}}}}"#
        );
        let admitted = written(given, &json, scim::Catalogue::group);
        Command::Group(GroupId::new(Uuid::from_u128(id)), Change::Create(admitted))
    };
    let given = given.and(OPERATOR, group(&two(), 201, "Sales"));
    given.when(OPERATOR, group(&given, 202, "Ops")).taken(&format!("{COST}:number"));
    let delete = Command::Group(SALES, Change::Delete { expected: Expected::Any });
    let given = given.and(OPERATOR, delete);
    given.when(OPERATOR, group(&given, 202, "Ops")).causes(&[GroupCreated]);
}

/// The index is derived: a directory that is read back has it too.
#[test]
fn the_index_of_unique_values_is_not_stored() {
    let given = two();
    let text = serde_json::to_string(&given.snapshot.directory).unwrap();
    assert!(!text.contains("unique\""), "{text}");
    let again: Directory = serde_json::from_str(&text).unwrap();
    again.agrees().unwrap();
    assert_eq!(again, given.snapshot.directory);
}

/// Also R-7644-3.5.1-03.
#[test]
fn r_7644_3_5_1_05_what_is_written_once_stays_what_it_is() {
    let given = badges();
    let okta = || connector(OKTA);
    let ada = create(
        &given,
        ADA,
        r#""userName":"ada","BADGE":{"issued":"2026-01-01T00:00:00Z","colour":"red"}"#,
    );
    let given = given.and(okta(), ada);
    let put = |rest: &str| put(&given, ADA, &format!(r#""userName":"ada"{rest}"#));
    given
        .when(okta(), put(r#","BADGE":{"issued":"2026-01-02T00:00:00Z"}"#))
        .invalid(ScimType::Mutability);
    // The same instant, and not a word about it: nothing changes but the colour.
    given
        .when(okta(), put(r#","BADGE":{"issued":"2026-01-01T01:00:00+01:00","colour":"red"}"#))
        .nothing();
    let events = given.when(okta(), put("")).causes(&[UserAttributesChanged]);
    let emptied = put("");
    let given = given.and(okta(), emptied);
    let stored = given.snapshot.directory.users.get(ADA).unwrap().attributes.unpack();
    assert!(stored.get(BADGE).unwrap().as_complex().unwrap().get("issued").is_some(), "{events:?}");
    given
        .when(
            okta(),
            patch(
                &given,
                ADA,
                r#"{"op":"add","path":"BADGE:issued","value":"2026-01-01T00:00:00Z"}"#,
            ),
        )
        .nothing();
}
