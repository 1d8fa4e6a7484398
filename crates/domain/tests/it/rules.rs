//! Rules: who is in a group has a role. Every step of these tables is followed by `Directory::agrees`, which says that
//! exactly those have a role through a rule who are in its group.

use domain::command::{Change, Command, Expected};
use domain::directory::Directory;
use domain::event::{Event, EventKind, Member, RoleWording};
use domain::id::{GroupId, RoleId, RuleId, UserId};
use domain::limits::{COMMIT_EVENTS, RULES};
use domain::origin::Source;
use domain::personal::Personal;
use domain::rejection::Rejection;
use scim::ScimType;
use uuid::Uuid;

use crate::decide::*;
use EventKind::*;

const ADA: UserId = UserId::new(Uuid::from_u128(101));
const BOB: UserId = UserId::new(Uuid::from_u128(102));
const SALES: GroupId = GroupId::new(Uuid::from_u128(201));
const ALL: GroupId = GroupId::new(Uuid::from_u128(202));
const FIRST: RuleId = RuleId::new(Uuid::from_u128(401));
const SECOND: RuleId = RuleId::new(Uuid::from_u128(402));

fn add(rule: RuleId, group: GroupId, role: &str) -> Command {
    Command::AddRule { rule, group, role: role.to_owned() }
}

fn remove(rule: RuleId) -> Command {
    Command::RemoveRule { rule }
}

fn join(group: GroupId, ids: &[&dyn ToString]) -> Command {
    let json = format!(r#"{{"op":"add","path":"members","value":{}}}"#, members(ids));
    patch_group(group, &json)
}

fn leave(group: GroupId, id: &dyn ToString) -> Command {
    let id = id.to_string();
    patch_group(group, &format!(r#"{{"op":"remove","path":"members[value eq \"{id}\"]"}}"#))
}

/// Ada is in Sales, Sales is in All, Bob is nowhere.
fn company() -> Given {
    let group = |name: &str, ids: &[&dyn ToString]| {
        format!(r#""displayName":"{name}","members":{}"#, members(ids))
    };
    given()
        .and(connector(OKTA), create(ADA, r#""userName":"ada""#))
        .and(connector(OKTA), create(BOB, r#""userName":"bob","active":false"#))
        .and(connector(OKTA), create_group(SALES, &group("Sales", &[&ADA])))
        .and(connector(OKTA), create_group(ALL, &group("All", &[&SALES])))
}

fn roles(given: &Given, user: UserId) -> Vec<(String, Source)> {
    let directory = &given.snapshot.directory;
    let user = directory.users.get(user).unwrap();
    let name = |role: RoleId| directory.roles.get(role).unwrap().name.clone();
    user.roles.iter().map(|a| (name(a.role), a.source)).collect()
}

#[test]
fn p_21_a_rule_gives_its_role_to_whoever_is_in_the_group() {
    let given = company();
    given.when(OPERATOR, add(FIRST, SALES, "Admin")).causes(&[RuleAdded, RoleAssigned]);
    // Through groups inside the group as well.
    let given = given.and(OPERATOR, add(FIRST, ALL, "Admin"));
    assert_eq!(roles(&given, ADA), [("Admin".to_owned(), Source::Rule(FIRST))]);
    given.when(OPERATOR, add(SECOND, ALL, "Admin")).nothing();
    let given = given.and(OPERATOR, add(SECOND, SALES, "Admin"));
    assert_eq!(roles(&given, ADA).len(), 2, "each rule is a source of its own");
    given.when(OPERATOR, remove(FIRST)).causes(&[RoleRevoked, RuleRemoved]);
    let given = given.and(OPERATOR, remove(FIRST));
    given.when(OPERATOR, remove(FIRST)).nothing();
    assert_eq!(roles(&given, ADA), [("Admin".to_owned(), Source::Rule(SECOND))]);
    given.when(OPERATOR, add(FIRST, SALES, "Boss")).not_found("role");
    given.when(OPERATOR, add(FIRST, GroupId::LEAST, "Admin")).not_found("group");
    given.when(OPERATOR, remove(RuleId::LEAST)).not_found("rule");
    given.when(OPERATOR, add(FIRST, SALES, "Old")).invalid(ScimType::InvalidValue);
}

/// Seen to catch: rules that follow direct members only; a membership that counts as ended while another source still says it.
#[test]
fn p_21_who_joins_has_the_role_and_who_leaves_loses_it_in_the_same_commit() {
    let okta = connector(OKTA);
    let given = company().and(OPERATOR, add(FIRST, ALL, "Admin"));
    given.when(okta, join(SALES, &[&ADA])).nothing();
    // Inactive or not: the role is theirs, acting is another matter.
    given.when(okta, join(SALES, &[&BOB])).causes(&[GroupMemberAdded, RoleAssigned]);
    given.when(okta, leave(SALES, &ADA)).causes(&[GroupMemberRemoved, RoleRevoked]);
    given.when(okta, leave(ALL, &SALES)).causes(&[GroupMemberRemoved, RoleRevoked]);
    let twice = given.and(okta, join(ALL, &[&ADA]));
    assert_eq!(roles(&twice, ADA).len(), 1, "one rule, whichever the way");
    twice.when(okta, leave(SALES, &ADA)).causes(&[GroupMemberRemoved]);
    twice.when(okta, leave(ALL, &SALES)).causes(&[GroupMemberRemoved]);
    let both = format!(
        r#"{{"op":"remove","path":"members[value eq \"{ADA}\"]"}},{{"op":"remove","path":"members[value eq \"{SALES}\"]"}}"#
    );
    twice.when(okta, patch_group(ALL, &both)).causes(&[
        GroupMemberRemoved,
        GroupMemberRemoved,
        RoleRevoked,
    ]);
    let swap = format!(r#"{{"op":"replace","path":"members","value":{}}}"#, members(&[&BOB]));
    let events = twice.when(okta, patch_group(SALES, &swap)).causes(&[
        GroupMemberRemoved,
        GroupMemberAdded,
        RoleAssigned,
    ]);
    assert!(matches!(events[2], Event::RoleAssigned { user, .. } if user == BOB));
    // Two identity providers say that Ada is in Sales: one takes back its own, and nothing follows.
    let source = Source::Connector(ENTRA);
    let second = Event::GroupMemberAdded { group: SALES, member: Member::User(ADA), source };
    let both = given.happened(connector(ENTRA), vec![second]);
    both.when(okta, leave(SALES, &ADA)).causes(&[GroupMemberRemoved]);
    // Seen through a group that is made with members, and nested afterwards.
    let late = GroupId::new(Uuid::from_u128(203));
    let body = format!(r#""displayName":"Late","members":{}"#, members(&[&BOB]));
    let later = given.and(okta, create_group(late, &body));
    later.when(okta, join(SALES, &[&late])).causes(&[GroupMemberAdded, RoleAssigned]);
}

#[test]
fn p_21_groups_in_a_circle_are_followed_once() {
    let okta = connector(OKTA);
    let given = company().and(okta, join(SALES, &[&ALL])).and(OPERATOR, add(FIRST, SALES, "Admin"));
    let given = given.and(okta, join(ALL, &[&BOB]));
    assert_eq!(roles(&given, BOB).len(), 1);
    given.when(okta, leave(SALES, &ALL)).causes(&[GroupMemberRemoved, RoleRevoked]);
    let given = given.and(okta, leave(SALES, &ADA));
    assert_eq!(roles(&given, ADA), []);
    // A group that holds itself.
    let given = given.and(okta, join(SALES, &[&SALES, &ADA]));
    let delete = Command::Group(SALES, Change::Delete { expected: Expected::Any });
    let given = given.and(okta, delete);
    assert_eq!(roles(&given, ADA), []);
}

#[test]
fn p_21_what_is_deleted_ends_what_it_gave() {
    let okta = connector(OKTA);
    let given = company().and(OPERATOR, add(FIRST, ALL, "Admin"));
    let user = Command::User(ADA, Change::Delete { expected: Expected::Any });
    given.when(okta, user).causes(&[GroupMemberRemoved, RoleRevoked, UserDeleted]);
    let group = |id| Command::Group(id, Change::Delete { expected: Expected::Any });
    given.when(okta, group(SALES)).causes(&[
        GroupMemberRemoved,
        GroupMemberRemoved,
        RoleRevoked,
        GroupDeleted,
    ]);
    // The rule ends with its group; the log keeps it.
    given.when(okta, group(ALL)).causes(&[
        GroupMemberRemoved,
        RoleRevoked,
        RuleRemoved,
        GroupDeleted,
    ]);
    let given = given.and(okta, group(ALL));
    assert!(given.snapshot.directory.rules.get(FIRST).unwrap().removed.is_some());
    assert_eq!(given.snapshot.directory.rules.len(), 0);
}

/// A role that is in use by a rule is neither given any more nor kept by those who have it: one of the two would be
/// broken, so the rule goes first.
#[test]
fn p_21_a_role_is_not_retired_while_a_rule_gives_it() {
    let given = company().and(OPERATOR, add(FIRST, ALL, "Admin"));
    let retire = || Command::RetireRole { name: "Admin".to_owned() };
    let refused = given.when(OPERATOR, retire()).0.unwrap_err();
    assert!(matches!(refused, Rejection::InUse { .. }));
    assert!(refused.to_string().contains("remove the rule first"), "{refused}");
    given.and(OPERATOR, remove(FIRST)).when(OPERATOR, retire()).causes(&[RoleRetired]);
}

/// What was read is written back, and what a rule gives is not the identity provider's to take.
#[test]
fn p_19_a_role_through_a_rule_is_no_business_of_connectors() {
    let okta = connector(OKTA);
    let given = company().and(OPERATOR, add(FIRST, ALL, "Admin"));
    let with = r#""userName":"ada","roles":[{"value":"Admin"}]"#;
    given.when(okta, put(ADA, with)).nothing();
    given.when(okta, put(ADA, r#""userName":"ada""#)).nothing();
    given.when(okta, patch(ADA, r#"{"op":"remove","path":"roles"}"#)).nothing();
    let revoke = Command::RevokeRole { user: ADA, role: "Admin".to_owned() };
    given.when(OPERATOR, revoke).nothing();
    // Given before by the connector as well: each takes back its own.
    let given = company().and(okta, put(ADA, with)).and(OPERATOR, add(FIRST, ALL, "Admin"));
    let given = given.and(okta, put(ADA, r#""userName":"ada""#));
    assert_eq!(roles(&given, ADA), [("Admin".to_owned(), Source::Rule(FIRST))]);
}

#[test]
fn p_21_too_many_rules_and_too_large_groups_are_refused_with_the_remedy() {
    let crowd = |n: usize| UserId::new(Uuid::from_u128(1_000_000 + n as u128));
    let joined = |n| Event::GroupMemberAdded {
        group: ALL,
        member: Member::User(crowd(n)),
        source: Source::Local,
    };
    let given = company().happened(OPERATOR, (0..COMMIT_EVENTS).map(joined).collect());
    let refused = given.when(OPERATOR, add(FIRST, ALL, "Admin")).0.unwrap_err();
    assert!(matches!(refused, Rejection::TooLarge { .. }));
    assert!(refused.to_string().contains("add the rule first and the members then"), "{refused}");

    let rule = |n| RuleId::new(Uuid::from_u128(20_000 + n as u128));
    let role = |n: usize| RoleId::new(Uuid::from_u128(10_000 + n as u128));
    let many = (0..RULES).flat_map(|n| {
        let (rule, role, source) = (rule(n), role(n), Source::Rule(rule(n)));
        let (name, wording) = (format!("Role {n}"), Personal::Known(RoleWording::default()));
        [
            Event::RoleDefined { role, name, description: String::new() },
            Event::RuleAdded { rule, group: ALL, role },
            Event::RoleAssigned { user: ADA, role, source, wording },
        ]
    });
    let given = company().happened(OPERATOR, many.collect());
    given.snapshot.directory.agrees().unwrap();
    given.when(OPERATOR, add(FIRST, ALL, "Admin")).invalid(ScimType::InvalidValue);
    given.when(OPERATOR, remove(rule(0))).causes(&[RoleRevoked, RuleRemoved]);
}

/// A directory without rules is written as it always was, one with rules comes back whole.
#[test]
fn rules_come_back_from_a_checkpoint() {
    let plain = serde_json::to_value(&company().snapshot.directory).unwrap();
    assert!(plain.get("rules").is_none() && plain.get("roles").is_some());
    let given = company()
        .and(OPERATOR, add(FIRST, ALL, "Admin"))
        .and(OPERATOR, add(SECOND, SALES, "Admin"));
    let given = given.and(OPERATOR, remove(FIRST));
    let text = serde_json::to_string(&given.snapshot.directory).unwrap();
    let again: Directory = serde_json::from_str(&text).unwrap();
    assert_eq!(again, given.snapshot.directory);
    again.agrees().unwrap();
}
