//! Forgetting a person, as rules.

use domain::command::{Change, Command, Expected};
use domain::directory::Users;
use domain::event::{Event, EventKind::*, Holder};
use domain::id::{CredentialId, GroupId, UserId};
use domain::position::Hash;
use domain::rejection::Rejection;
use scim::{ScimType, UserNameKey};
use uuid::Uuid;

use crate::decide::{
    Given, OKTA, OPERATOR, connector, create, create_group, given, members, patch,
};

const JANE: UserId = UserId::new(Uuid::from_u128(111));
const JOHN: UserId = UserId::new(Uuid::from_u128(112));
const SALES: GroupId = GroupId::new(Uuid::from_u128(211));

fn erase(user: UserId) -> Command {
    Command::EraseUser { user, reason: "request 4711".to_owned() }
}

fn delete(user: UserId) -> Command {
    Command::User(user, Change::Delete { expected: Expected::Any })
}

fn with_jane() -> Given {
    let key = Command::IssueCredential {
        credential: CredentialId::new(Uuid::from_u128(5)),
        holder: Holder::User(JANE),
        hash: Hash::new([5; 32]),
        hint: "abc".to_owned(),
        expires: None,
    };
    let jane = r#""userName":"jane@acme.example","externalId":"E-4711x","name":{"givenName":"Jane","familyName":"Lea"},"phoneNumbers":[{"value":"+49 30 5550123"}],"roles":[{"value":"Admin"}]"#;
    let sales = format!(r#""displayName":"Sales","members":{}"#, members(&[&JANE]));
    given()
        .and(connector(OKTA), create(JANE, jane))
        .and(connector(OKTA), create_group(SALES, &sales))
        .and(OPERATOR, key)
}

#[test]
fn who_is_there_is_deleted_first_with_roles_memberships_and_keys() {
    let given = with_jane();
    let events = given.when(OPERATOR, erase(JANE)).causes(&[
        GroupMemberRemoved,
        RoleRevoked,
        CredentialRevoked,
        UserDeleted,
        UserErased,
    ]);
    let reason = "request 4711".to_owned();
    assert_eq!(events.last(), Some(&Event::UserErased { user: JANE, reason }));
}

/// Seen to catch former names that are kept.
#[test]
fn who_is_deleted_is_erased_by_every_name_and_only_once() {
    let renamed = patch(JANE, r#"{"op":"replace","path":"userName","value":"jane.roe"}"#);
    let given = with_jane().and(connector(OKTA), renamed).and(connector(OKTA), delete(JANE));
    let key = |name: &str| UserNameKey::of(name).unwrap();
    let named = |given: &Given, name: &str| given.snapshot.directory.users.ever_named(&key(name));
    assert_eq!(named(&given, "jane.roe"), [JANE]);
    given.when(OPERATOR, erase(JANE)).causes(&[UserErased]);
    let given = given.and(OPERATOR, erase(JANE));
    assert!(named(&given, "jane.roe").is_empty() && named(&given, "jane@acme.example").is_empty());
    assert!(given.snapshot.directory.users.is_erased(JANE));
    given.when(OPERATOR, erase(JANE)).nothing();
    // The name is free, and who takes it is somebody else.
    let given = given.and(connector(OKTA), create(JOHN, r#""userName":"JANE.roe""#));
    assert_eq!(named(&given, "jane.roe"), [JOHN]);
    given.when(OPERATOR, erase(JANE)).nothing();
}

#[test]
fn who_never_existed_is_not_erased() {
    match domain::decide(&with_jane().snapshot.directory, &OPERATOR, erase(JOHN)) {
        Err(Rejection::NotFound { kind: "user", .. }) => {}
        other => panic!("{other:?}"),
    }
}

/// The reason stays for good. Seen to catch a check that leaves out what is in the directory.
#[test]
fn a_reason_does_not_say_who_they_were() {
    let there = with_jane();
    let gone = with_jane().and(connector(OKTA), delete(JANE));
    let because = |reason: &str| Command::EraseUser { user: JANE, reason: reason.to_owned() };
    for telling in [
        "JANE asked",
        "jane@ACME.example",
        "see e-4711X",
        "called +49 30 5550123",
        "Ms. Lea's wish",
    ] {
        there.when(OPERATOR, because(telling)).invalid(ScimType::InvalidValue);
    }
    gone.when(OPERATOR, because("by jane@acme.example")).invalid(ScimType::InvalidValue);
    for bad in ["", " ", "two\nlines", &"x".repeat(257)] {
        there.when(OPERATOR, because(bad)).invalid(ScimType::InvalidValue);
    }
    // `Lea` does not stand in `leaving` as a word.
    there.when(OPERATOR, because("leaving, request 17")).causes(&[
        GroupMemberRemoved,
        RoleRevoked,
        CredentialRevoked,
        UserDeleted,
        UserErased,
    ]);
}

/// Else the log could not be read any more once that person is erased: two would be called so. Seen to
/// fail without the check.
#[test]
fn nobody_takes_the_name_that_an_erased_person_will_have() {
    let taken = format!("Erased-{JANE}");
    let given = with_jane();
    let named = format!(r#""userName":"{taken}""#);
    given.when(connector(OKTA), create(JOHN, &named)).invalid(ScimType::InvalidValue);
    let given = given.and(connector(OKTA), create(JOHN, r#""userName":"john""#));
    let renamed = format!(r#"{{"op":"replace","path":"userName","value":"{taken}"}}"#);
    given.when(connector(OKTA), patch(JOHN, &renamed)).invalid(ScimType::InvalidValue);
    let like = patch(JOHN, r#"{"op":"replace","path":"userName","value":"erased-john"}"#);
    given.when(connector(OKTA), like).causes(&[UserRenamed]);
}

/// A directory in which nobody was erased is stored as it always was, and one in which somebody was
/// comes back whole.
#[test]
fn who_was_erased_is_kept_with_the_directory() {
    let before = with_jane().and(connector(OKTA), delete(JANE));
    let stored = |given: &Given| serde_json::to_value(&given.snapshot.directory.users).unwrap();
    assert_eq!(stored(&before).as_array().unwrap().len(), 2);
    let after = before.and(OPERATOR, erase(JANE));
    assert_eq!(stored(&after)[2], serde_json::json!([JANE.to_string()]));
    let again: Users = serde_json::from_value(stored(&after)).unwrap();
    assert_eq!(again, after.snapshot.directory.users);
}
