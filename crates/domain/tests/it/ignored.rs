//! Who is ignored (behaviour P-02). Every step of these tables is followed by `Directory::agrees`.

use domain::command::{Change, Command, Expected, Notice};
use domain::directory::{Directory, Group, User};
use domain::event::{ConnectorSettings, Event, EventKind, Member};
use domain::find::{self, Listed, Row, Viewer};
use domain::id::{ConnectorId, GroupId, RuleId, UserId};
use domain::origin::Source;
use domain::preset::preset;
use domain::rejection::Rejection;
use domain::selection::Selection;
use domain::settings::{OnDeactivate, OnReactivate};
use scim::ScimType;
use uuid::Uuid;

use crate::decide::*;
use EventKind::*;

const ADA: UserId = UserId::new(Uuid::from_u128(101));
const BOB: UserId = UserId::new(Uuid::from_u128(102));
const EVE: UserId = UserId::new(Uuid::from_u128(103));
const SALES: GroupId = GroupId::new(Uuid::from_u128(201));
const TEMPS: GroupId = GroupId::new(Uuid::from_u128(202));
const RULE: RuleId = RuleId::new(Uuid::from_u128(401));

fn list(patterns: &[&str]) -> Vec<String> {
    patterns.iter().map(|&pattern| pattern.to_owned()).collect()
}

fn set(connector: ConnectorId, include: Selection, exclude: Selection) -> Command {
    let generic = preset("generic").unwrap();
    Command::ChangeConnector {
        connector,
        settings: ConnectorSettings { include, exclude, ..generic },
        from: None,
    }
}

/// Okta's lists leave out contractors and groups of temps.
fn excluding() -> Command {
    let exclude = Selection {
        user_names: list(&["*@contractors.example"]),
        groups: list(&["Temp*"]),
        ..Selection::default()
    };
    set(OKTA, Selection::default(), exclude)
}

fn including_all() -> Command {
    set(OKTA, Selection::default(), Selection::default())
}

fn group(name: &str, ids: &[&dyn ToString]) -> String {
    format!(r#""displayName":"{name}","members":{}"#, members(ids))
}

fn rename(user: UserId, name: &str) -> Command {
    patch(user, &format!(r#"{{"op":"replace","path":"userName","value":"{name}"}}"#))
}

fn delete(user: UserId) -> Command {
    Command::User(user, Change::Delete { expected: Expected::Any })
}

fn viewer(directory: &Directory, connector: Option<ConnectorId>) -> Viewer<'_> {
    Viewer { directory, connector, base: "" }
}

fn rows<R: Listed>(given: &Given, connector: Option<ConnectorId>) -> Vec<Row> {
    let viewer = viewer(&given.snapshot.directory, connector);
    let found = find::matching::<R>(viewer, None, None, &|_| true).unwrap();
    find::in_order(found, None)
}

fn users(given: &Given, connector: Option<ConnectorId>) -> Vec<Row> {
    rows::<User>(given, connector)
}

/// Ada and Bob, a contractor, both in Sales, which gives a role.
fn company() -> Given {
    given()
        .and(connector(OKTA), create(ADA, r#""userName":"ada@acme.example""#))
        .and(
            connector(OKTA),
            create(BOB, r#""userName":"bob@contractors.example","roles":[{"value":"Analyst"}]"#),
        )
        .and(connector(OKTA), create_group(SALES, &group("Sales", &[&ADA, &BOB])))
        .and(OPERATOR, Command::AddRule { rule: RULE, group: SALES, role: "Admin".to_owned() })
}

#[test]
fn who_is_left_out_is_there_for_the_connector_and_for_nobody_else() {
    let given = given().and(OPERATOR, excluding());
    let bob = || create(BOB, r#""userName":"bob@contractors.example""#);
    given.when(connector(OKTA), bob()).causes(&[UserIgnored, UserCreated]);
    given.when(connector(ENTRA), bob()).causes(&[UserCreated]);
    let given = given.and(connector(OKTA), bob());
    assert_eq!(users(&given, Some(OKTA)), [Row::User(BOB)]);
    assert_eq!(users(&given, Some(ENTRA)), []);
    assert_eq!(users(&given, None), []);
    // To the connector the name is taken; to others it is free, and both are there.
    given
        .when(connector(OKTA), create(EVE, r#""userName":"BOB@contractors.example""#))
        .taken("userName");
    let given = given.and(connector(ENTRA), create(EVE, r#""userName":"bob@contractors.example""#));
    assert_eq!(users(&given, Some(OKTA)), [Row::User(BOB)]);
    assert_eq!(users(&given, Some(ENTRA)), [Row::User(EVE)]);
    // Another's is nobody for a connector: neither read, nor written.
    given.when(connector(ENTRA), rename(BOB, "x")).not_found("user");
    given.when(connector(OKTA), rename(EVE, "x")).not_found("user");
    given
        .when(OPERATOR, Command::AssignRole { user: BOB, role: "Admin".to_owned() })
        .not_found("user");
    // And out of the lists, it would clash.
    given
        .when(connector(OKTA), rename(BOB, "bob@acme.example"))
        .causes(&[UserRenamed, UserNoticed]);
    let decision = given.when(OPERATOR, including_all()).0.unwrap();
    assert_eq!(decision.notices, [Notice::CannotMove(1)]);
    given.when(connector(OKTA), delete(BOB)).causes(&[UserDeleted]);
    assert_eq!(
        given
            .and(OPERATOR, including_all())
            .and(connector(OKTA), delete(BOB))
            .snapshot
            .directory
            .users
            .len(),
        1
    );
}

#[test]
fn in_a_group_of_all_only_the_connector_sees_them() {
    let given = given()
        .and(OPERATOR, excluding())
        .and(connector(OKTA), create(ADA, r#""userName":"ada@acme.example""#))
        .and(connector(OKTA), create(BOB, r#""userName":"bob@contractors.example""#))
        .and(connector(OKTA), create_group(SALES, &group("Sales", &[&ADA])))
        .and(OPERATOR, Command::AddRule { rule: RULE, group: SALES, role: "Admin".to_owned() });
    let version = given.snapshot.directory.groups.get(SALES).unwrap().modified;
    let join = || {
        patch_group(
            SALES,
            &format!(r#"{{"op":"add","path":"members","value":{}}}"#, members(&[&BOB])),
        )
    };
    // No rule gives anything to who is ignored.
    given.when(connector(OKTA), join()).causes(&[GroupMemberAdded]);
    let given = given.and(connector(OKTA), join());
    given.when(connector(OKTA), join()).nothing();
    let directory = &given.snapshot.directory;
    let sales = directory.groups.get(SALES).unwrap();
    assert_eq!(sales.members().collect::<Vec<_>>(), [Member::User(ADA)]);
    assert_eq!(sales.modified, version, "for all others nothing happened");
    assert!(directory.group_modified(Some(OKTA), sales) > version);
    let ignored: Vec<_> = directory.members_ignored(Some(OKTA), SALES).collect();
    assert_eq!(ignored, [(Member::User(BOB), Source::Connector(OKTA))]);
    // A PUT of exactly these is nothing new to okta.
    let put = |ids: &[&dyn ToString]| put_group(SALES, &group("Sales", ids));
    given.when(connector(OKTA), put(&[&ADA, &BOB])).nothing();
    given.when(connector(OKTA), put(&[&ADA])).causes(&[GroupMemberRemoved]);
    // Let in, Bob is in the group for all, and has its role.
    let moved = [GroupMemberRemoved, UserNoticed, GroupMemberAdded];
    given.when(OPERATOR, including_all()).causes(&[
        ConnectorChanged,
        moved[0],
        moved[1],
        moved[2],
        RoleAssigned,
    ]);
    let given = given.and(OPERATOR, including_all());
    let bob = given.snapshot.directory.users.get(BOB).unwrap();
    assert_eq!(bob.roles.len(), 1);
    assert_eq!(users(&given, Some(ENTRA)), [Row::User(ADA), Row::User(BOB)]);
    // And out again, with everything that was given.
    let given = given.and(OPERATOR, excluding());
    assert_eq!(users(&given, None), [Row::User(ADA)]);
    let own = given.snapshot.directory.user_seen(Some(OKTA), BOB).unwrap();
    assert_eq!(own.roles, [], "what the rule gave has ended");
    assert_eq!(given.snapshot.directory.members_ignored(Some(OKTA), SALES).count(), 1);
}

#[test]
fn who_is_there_when_the_lists_change_leaves_and_comes_back_as_they_were() {
    let before = company();
    let given = before.and(OPERATOR, excluding());
    let directory = &given.snapshot.directory;
    assert_eq!(users(&given, None), [Row::User(ADA)]);
    assert_eq!(users(&given, Some(OKTA)), [Row::User(ADA), Row::User(BOB)]);
    let analyst = directory.roles.named("Analyst").unwrap().id;
    assert_eq!(directory.users.holders(analyst), 0);
    assert_eq!(directory.user_seen(Some(OKTA), BOB).unwrap().roles.len(), 1);
    // The same again is nothing to do.
    given.when(OPERATOR, excluding()).nothing();
    let after = given.and(OPERATOR, including_all());
    let (was, is) = (&before.snapshot.directory, &after.snapshot.directory);
    let of = |directory: &Directory| {
        let mut roles = directory.users.get(BOB).unwrap().roles.clone();
        roles.sort_by_key(|a| (a.role, a.source));
        roles
    };
    assert_eq!(of(was), of(is));
    let members = |directory: &Directory| -> Vec<_> {
        directory.groups.get(SALES).unwrap().memberships().collect()
    };
    assert_eq!(members(was), members(is));
}

#[test]
fn a_group_that_is_left_out_takes_its_rules_with_it_and_not_its_members() {
    let given = company().and(
        connector(OKTA),
        patch_group(SALES, r#"{"op":"replace","path":"displayName","value":"Temp sales"}"#),
    );
    let had = given.snapshot.directory.users.get(ADA).unwrap().roles.len();
    assert_eq!(had, 1);
    let given = given.and(OPERATOR, excluding());
    let directory = &given.snapshot.directory;
    assert_eq!(directory.users.get(ADA).unwrap().roles, []);
    assert!(directory.groups.is_empty());
    assert_eq!(rows::<Group>(&given, Some(OKTA)), [Row::Group(SALES)]);
    assert_eq!(rows::<Group>(&given, Some(ENTRA)), []);
    let own = directory.group_seen(Some(OKTA), SALES).unwrap();
    assert_eq!(own.members().count(), 2);
    // Renamed out of the list it is there for all, Bob in it for okta alone.
    let given = given.and(
        connector(OKTA),
        patch_group(SALES, r#"{"op":"replace","path":"displayName","value":"Sales"}"#),
    );
    let directory = &given.snapshot.directory;
    let sales = directory.groups.get(SALES).unwrap();
    assert_eq!(sales.members().collect::<Vec<_>>(), [Member::User(ADA)]);
    assert_eq!(directory.members_ignored(Some(OKTA), SALES).count(), 1);
    let given = given
        .and(connector(OKTA), Command::Group(SALES, Change::Delete { expected: Expected::Any }));
    assert!(given.snapshot.directory.groups.is_empty());
}

#[test]
fn groups_inside_groups_may_be_ignored_both_ways() {
    let given = given()
        .and(OPERATOR, excluding())
        .and(connector(OKTA), create(ADA, r#""userName":"ada@acme.example""#))
        .and(connector(OKTA), create_group(TEMPS, &group("Temps", &[&ADA])))
        .and(connector(OKTA), create_group(SALES, &group("Sales", &[&TEMPS])))
        .and(OPERATOR, Command::AddRule { rule: RULE, group: SALES, role: "Admin".to_owned() });
    assert_eq!(given.snapshot.directory.users.get(ADA).unwrap().roles, []);
    let given = given.and(OPERATOR, including_all());
    assert_eq!(given.snapshot.directory.users.get(ADA).unwrap().roles.len(), 1, "through Temps");
    let given = given.and(OPERATOR, excluding());
    assert_eq!(given.snapshot.directory.users.get(ADA).unwrap().roles, []);
    let itself = patch_group(
        TEMPS,
        &format!(r#"{{"op":"add","path":"members","value":{}}}"#, members(&[&TEMPS])),
    );
    let given = given.and(connector(OKTA), itself);
    let given = given.and(OPERATOR, including_all()).and(OPERATOR, excluding());
    let given = given
        .and(connector(OKTA), Command::Group(TEMPS, Change::Delete { expected: Expected::Any }));
    assert_eq!(rows::<Group>(&given, Some(OKTA)), [Row::Group(SALES)]);
}

#[test]
fn who_is_ignored_can_be_erased() {
    let erase = |user| Command::EraseUser { user, reason: "request 4711".to_owned() };
    let given = company().and(OPERATOR, excluding());
    let named =
        Command::EraseUser { user: BOB, reason: "bob@contractors.example asked".to_owned() };
    given.when(OPERATOR, named).invalid(scim::ScimType::InvalidValue);
    let gone = given.and(OPERATOR, erase(BOB));
    assert!(gone.snapshot.directory.users.is_erased(BOB));
    gone.when(OPERATOR, erase(BOB)).nothing();
    // Also one who was deleted before.
    let gone = given.and(connector(OKTA), delete(BOB)).and(OPERATOR, erase(BOB));
    assert!(gone.snapshot.directory.users.is_erased(BOB));
    let stored = serde_json::to_string(&gone.snapshot.directory).unwrap();
    assert!(!stored.contains("bob@"), "a name is left: {stored}");
}

/// Whoever is deactivated leaves every group, also those that one connector alone sees, and comes back into them.
#[test]
fn who_is_ignored_leaves_and_comes_back_into_groups_too() {
    let switch = |on: bool| patch(BOB, &format!(r#"{{"op":"replace","value":{{"active":{on}}}}}"#));
    let leaving = |mut command: Command| {
        if let Command::ChangeConnector { settings, .. } = &mut command {
            settings.on_deactivate = OnDeactivate::LeaveGroups;
            settings.on_reactivate = OnReactivate::RestoreGroups;
        }
        command
    };
    let given = company()
        .and(OPERATOR, leaving(excluding()))
        .and(connector(OKTA), create_group(TEMPS, &group("Temps", &[&ADA, &BOB])));
    let groups = |given: &Given| {
        let directory = &given.snapshot.directory;
        directory.parents_seen(Some(OKTA), Member::User(BOB)).len()
    };
    assert_eq!(groups(&given), 2, "Sales, which is there for all, and Temps");
    given.when(connector(OKTA), switch(false)).causes(&[
        UserDeactivated,
        GroupMemberRemoved,
        GroupMemberRemoved,
    ]);
    let gone = given.and(connector(OKTA), switch(false));
    assert_eq!(groups(&gone), 0);
    gone.when(connector(OKTA), switch(true)).causes(&[
        UserActivated,
        GroupMemberAdded,
        GroupMemberAdded,
    ]);
    assert_eq!(groups(&gone.and(connector(OKTA), switch(true))), 2);
    // Whom it takes out meanwhile, it takes out for good.
    let out = gone.and(connector(OKTA), put_group(TEMPS, &group("Temps", &[&ADA])));
    assert_eq!(groups(&out.and(connector(OKTA), switch(true))), 1);
    // Let in meanwhile, they come back into what all see; and one request may do both.
    let in_again = gone.and(OPERATOR, leaving(including_all())).and(connector(OKTA), switch(true));
    assert_eq!(in_again.snapshot.directory.groups.of(Member::User(BOB)).count(), 2);
    let both = r#"{"op":"replace","value":{"active":true,"userName":"bob@acme.example"}}"#;
    let both = gone.and(connector(OKTA), patch(BOB, both));
    let sales: Vec<_> = both.snapshot.directory.groups.of(Member::User(BOB)).collect();
    assert_eq!(sales.iter().map(|group| group.id).collect::<Vec<_>>(), [SALES]);
    assert_eq!(groups(&both), 2);
    let out = r#"{"op":"replace","value":{"active":false,"userName":"bob@contractors.example"}}"#;
    let out = both.and(connector(OKTA), patch(BOB, out));
    assert_eq!((users(&out, None), groups(&out)), (vec![Row::User(ADA)], 0));
    assert_eq!(groups(&out.and(connector(OKTA), switch(true))), 2);
}

/// Seen to catch memberships that begin and end in one commit counted as begun, whatever came last.
#[test]
fn who_comes_back_and_is_deactivated_in_one_request_has_nothing_through_a_rule() {
    let mut lists = excluding();
    if let Command::ChangeConnector { settings, .. } = &mut lists {
        settings.on_deactivate = OnDeactivate::LeaveGroups;
    }
    let given = company().and(OPERATOR, lists);
    let both = r#"{"op":"replace","value":{"active":false,"userName":"bob@acme.example"}}"#;
    let back = given.when(connector(OKTA), patch(BOB, both)).0.unwrap().events;
    let through_rule = |event: &Event| matches!(event, Event::RoleAssigned { source, .. } if source.rule().is_some());
    assert!(!back.iter().any(through_rule), "{back:?}");
    let given = given.happened(connector(OKTA), back);
    given.snapshot.directory.agrees().unwrap();
    assert_eq!(given.snapshot.directory.groups.of(Member::User(BOB)).count(), 0);
}

/// They may be let in later. Seen to catch a look at those alone who are there for all.
#[test]
fn nothing_is_required_of_users_and_groups_that_are_left_out() {
    let add = |resource_type: &str| Command::AddSchema {
        document: format!(
            r#"{{"id":"urn:example:own:{resource_type}","attributes":[{{"name":"badge"}}]}}"#
        ),
        resource_type: resource_type.to_owned(),
        required: true,
    };
    let given = given().and(OPERATOR, excluding());
    given.when(OPERATOR, add("User")).causes(&[SchemaAdded]);
    given.when(OPERATOR, add("Group")).causes(&[SchemaAdded]);
    let given = given
        .and(connector(OKTA), create(BOB, r#""userName":"bob@contractors.example""#))
        .and(connector(OKTA), create_group(TEMPS, &group("Temps", &[])));
    given.when(OPERATOR, add("User")).invalid(ScimType::InvalidValue);
    given.when(OPERATOR, add("Group")).invalid(ScimType::InvalidValue);
}

#[test]
fn a_connector_does_not_go_while_its_lists_leave_somebody_out() {
    let remove = || Command::RemoveConnector { connector: OKTA };
    let given = given()
        .and(OPERATOR, excluding())
        .and(connector(OKTA), create(BOB, r#""userName":"bob@contractors.example""#));
    let refused = given.when(OPERATOR, remove()).0.unwrap_err();
    assert!(matches!(refused, Rejection::InUse { .. }), "{refused}");
    assert!(refused.to_string().contains("lists leave out"), "{refused}");
    let given = given.and(connector(OKTA), delete(BOB));
    given.when(OPERATOR, remove()).causes(&[ConnectorRemoved]);
}

/// Both ways round: whichever of the two is moved first.
#[test]
fn groups_inside_each_other_come_back_in_one_commit() {
    let itself = |into: GroupId, one: GroupId| {
        let one = members(&[&one]);
        patch_group(into, &format!(r#"{{"op":"add","path":"members","value":{one}}}"#))
    };
    let before = given()
        .and(OPERATOR, excluding())
        .and(connector(OKTA), create_group(TEMPS, &group("Temps", &[])))
        .and(connector(OKTA), create_group(SALES, &group("Temp sales", &[&TEMPS])))
        .and(connector(OKTA), itself(TEMPS, SALES));
    let after = before.and(OPERATOR, including_all());
    for (one, other) in [(SALES, TEMPS), (TEMPS, SALES)] {
        let group = after.snapshot.directory.groups.get(one).unwrap();
        assert_eq!(group.members().collect::<Vec<_>>(), [Member::Group(other)]);
    }
}
