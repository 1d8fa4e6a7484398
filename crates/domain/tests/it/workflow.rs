//! What a connector's settings make of a write, as tables.

use domain::command::{Change, Command, Expected, NewKey, Notice};
use domain::event::{ConnectorSettings, Event, EventKind, EventKind::*, Member, Mode};
use domain::id::{ConnectorId, CredentialId, UserId};
use domain::origin::Source;
use domain::position::Hash;
use domain::rejection::{Forbidden, Rejection};
use domain::settings::{OnDeactivate, OnDelete, OnReactivate, Permission, PutWithoutActive};
use uuid::Uuid;

use crate::decide::{
    ADA, ALL, BOB, ENTRA, Given, OKTA, OPERATOR, SALES, connector, create, create_group, given,
    members, patch, patch_group, put, put_group,
};

/// The same with other settings of Okta's connector.
fn with(given: &Given, change: impl FnOnce(&mut ConnectorSettings)) -> Given {
    let there = given.snapshot.directory.connectors.get(OKTA).unwrap();
    let mut settings = there.settings.clone();
    change(&mut settings);
    let from = Some(Box::new(there.settings.clone()));
    given.and(OPERATOR, Command::ChangeConnector { connector: OKTA, settings, from })
}

fn only(given: &Given, permissions: &[Permission]) -> Given {
    with(given, |settings| settings.permissions = permissions.iter().copied().collect())
}

fn delete(user: UserId) -> Command {
    Command::User(user, Change::Delete { expected: Expected::Any })
}

const OFF: &str = r#"{"op":"replace","value":{"active":false}}"#;
const ON: &str = r#"{"op":"replace","value":{"active":true}}"#;
const TITLE: &str = r#"{"op":"replace","value":{"title":"Queen"}}"#;
const BOTH: &str = r#"{"op":"replace","value":{"title":"Queen","active":false}}"#;

/// Ada, and Sales with her in it.
fn ada_in_sales() -> Given {
    given()
        .and(connector(OKTA), create(ADA, r#""userName":"ada""#))
        .and(connector(OKTA), create(BOB, r#""userName":"bob""#))
        .and(
            connector(OKTA),
            create_group(
                SALES,
                &format!(r#""displayName":"Sales","members":{}"#, members(&[&ADA, &BOB])),
            ),
        )
}

/// Seen to catch permissions that are asked for the words of a request and not for what it changes, and one of two left out.
#[test]
fn c_05_a_permission_is_asked_for_what_would_change() {
    use Permission::{CreateUsers, DeactivateUsers, PushGroups, UpdateUsers};
    let there = ada_in_sales();
    let table: &[(&str, Command, &[Permission])] = &[
        ("create", create(UserId::new(Uuid::from_u128(9)), r#""userName":"eve""#), &[CreateUsers]),
        (
            "inactive",
            create(UserId::new(Uuid::from_u128(9)), r#""userName":"eve","active":false"#),
            &[CreateUsers],
        ),
        ("attribute", patch(ADA, TITLE), &[UpdateUsers]),
        ("rename", put(ADA, r#""userName":"ada2""#), &[UpdateUsers]),
        ("role", put(ADA, r#""userName":"ada","roles":[{"value":"Admin"}]"#), &[UpdateUsers]),
        ("deactivate", patch(ADA, OFF), &[DeactivateUsers]),
        ("written back", put(ADA, r#""userName":"ada","active":false"#), &[DeactivateUsers]),
        ("both", patch(ADA, BOTH), &[UpdateUsers, DeactivateUsers]),
        ("echo", put(ADA, r#""userName":"ada","active":true"#), &[]),
        ("delete", delete(ADA), &[DeactivateUsers]),
        ("new group", create_group(ALL, r#""displayName":"All""#), &[PushGroups]),
        ("members", patch_group(SALES, r#"{"op":"remove","path":"members"}"#), &[PushGroups]),
        (
            "group echo",
            put_group(
                SALES,
                &format!(r#""displayName":"Sales","members":{}"#, members(&[&ADA, &BOB])),
            ),
            &[PushGroups],
        ),
        (
            "group gone",
            Command::Group(SALES, Change::Delete { expected: Expected::Any }),
            &[PushGroups],
        ),
    ];
    for (what, command, needed) in table {
        let given = only(&there, needed);
        assert!(given.when(connector(OKTA), command.clone()).0.is_ok(), "{what}");
        for one in *needed {
            let others: Vec<_> = Permission::ALL.into_iter().filter(|other| other != one).collect();
            let refused = only(&there, &others).when(connector(OKTA), command.clone()).0;
            let why = Forbidden::Permissions(vec![*one]);
            let connector = "okta".to_owned();
            assert_eq!(refused, Err(Rejection::Forbidden { connector, why }), "{what}");
        }
        // Others and operators are not meant.
        assert!(only(&there, &[]).when(connector(ENTRA), command.clone()).0.is_ok(), "{what}");
    }
    let both = only(&there, &[]).when(connector(OKTA), patch(ADA, BOTH)).0.unwrap_err();
    let both = both.to_string();
    assert!(both.contains("`updateUsers` and `deactivateUsers` are off"), "{both}");
}

/// A push that takes somebody over may say that they are inactive: they were there, and who may create may not therefore deactivate.
/// Seen to catch: such a push let through with leave to create alone, and memberships that stay.
#[test]
fn c_05_who_is_linked_is_deactivated_with_leave_only_and_as_the_connector_says() {
    let here = leaving(OnReactivate::Nothing)
        .and(OPERATOR, Command::Release(Member::User(ADA)))
        .and(OPERATOR, Command::Release(Member::User(BOB)));
    let newcomer = || UserId::new(Uuid::from_u128(9));
    let push = |active: bool| create(newcomer(), &format!(r#""userName":"ada","active":{active}"#));
    let okta = connector(OKTA);
    let creating = only(&here, &[Permission::CreateUsers]);
    creating.when(okta, push(true)).causes(&[UserLinked]);
    let refused = creating.when(okta, push(false)).0;
    let why = Forbidden::Permissions(vec![Permission::DeactivateUsers]);
    assert_eq!(refused, Err(Rejection::Forbidden { connector: "okta".to_owned(), why }));
    let left = here.when(okta, push(false));
    left.causes(&[UserLinked, UserDeactivated, GroupMemberRemoved]);
    // Who only enriches takes nobody over.
    let enriching = with(&here, |settings| settings.attribute_only = true);
    let why = Forbidden::AttributeOnly;
    let refused = Err(Rejection::Forbidden { connector: "okta".to_owned(), why });
    assert_eq!(enriching.when(okta, push(true)).0, refused);
}

#[test]
fn p_22_attribute_only_never_creates_and_only_updates() {
    let given = with(&ada_in_sales(), |settings| settings.attribute_only = true);
    given.when(connector(OKTA), patch(ADA, TITLE)).causes(&[UserAttributesChanged]);
    for command in [
        create(UserId::new(Uuid::from_u128(9)), r#""userName":"eve""#),
        patch(ADA, OFF),
        patch(ADA, BOTH),
        delete(ADA),
        create_group(ALL, r#""displayName":"All""#),
    ] {
        let refused = given.when(connector(OKTA), command).0;
        let why = Forbidden::AttributeOnly;
        assert_eq!(refused, Err(Rejection::Forbidden { connector: "okta".to_owned(), why }));
    }
}

#[test]
fn p_16_a_put_without_active_activates_where_the_connector_says_so() {
    let given = given().and(connector(OKTA), create(ADA, r#""userName":"ada","active":false"#));
    given.when(connector(OKTA), put(ADA, r#""userName":"ada""#)).nothing();
    let given = with(&given, |it| it.put_without_active = PutWithoutActive::Activate);
    let without = put(ADA, r#""userName":"ada""#);
    given.when(connector(OKTA), without.clone()).causes(&[UserActivated]);
    given.when(connector(ENTRA), without.clone()).nothing();
    given.when(connector(OKTA), put(ADA, r#""userName":"ada","active":false"#)).nothing();
    let given = only(&given, &[Permission::UpdateUsers]);
    assert!(matches!(given.when(connector(OKTA), without).0, Err(Rejection::Forbidden { .. })));
}

fn leaving(on_reactivate: OnReactivate) -> Given {
    with(&ada_in_sales(), |settings| {
        settings.on_deactivate = OnDeactivate::LeaveGroups;
        settings.on_reactivate = on_reactivate;
    })
}

/// Also with a membership that an operator gave. Seen to catch memberships of one source alone ended, and restored as the
/// actor's; and memberships that are kept aside for who is active again.
#[test]
fn p_07_deactivation_ends_memberships_and_reactivation_restores_them() {
    let okta = connector(OKTA);
    ada_in_sales().when(okta, patch(ADA, OFF)).causes(&[UserDeactivated]);
    let given = leaving(OnReactivate::RestoreGroups).and(
        connector(ENTRA),
        create_group(ALL, &format!(r#""displayName":"All","members":{}"#, members(&[&ADA]))),
    );
    let left = given.when(okta, patch(ADA, OFF));
    let left = left.causes(&[UserDeactivated, GroupMemberRemoved, GroupMemberRemoved]);
    let given = given.happened(okta, left);
    given.snapshot.directory.agrees().unwrap();
    let back = given.when(okta, patch(ADA, ON));
    let back = back.causes(&[UserActivated, GroupMemberAdded, GroupMemberAdded]);
    let sources: Vec<_> = back
        .iter()
        .filter_map(|event| {
            let Event::GroupMemberAdded { group, source, .. } = event else { return None };
            Some((*group, *source))
        })
        .collect();
    assert_eq!(sources, [(SALES, Source::Connector(OKTA)), (ALL, Source::Connector(ENTRA))]);
    let given = given.happened(okta, back);
    given.snapshot.directory.agrees().unwrap();
    assert!(given.snapshot.directory.groups.get(SALES).unwrap().has(Member::User(ADA)));
    let given = leaving(OnReactivate::Nothing).and(okta, patch(ADA, OFF));
    given.when(okta, patch(ADA, ON)).causes(&[UserActivated]);
    let back = given.and(okta, patch(ADA, ON));
    assert_eq!(back.snapshot.directory.aside.of(ADA).count(), 0, "nor later");
}

/// What happened while somebody was away: their group went, they came back into it, or their source left them out.
/// Seen to catch each of the ways to leave somebody out not heeded.
#[test]
fn p_07_nothing_is_restored_that_ended_meanwhile() {
    let okta = connector(OKTA);
    let away = leaving(OnReactivate::RestoreGroups).and(okta, patch(ADA, OFF));
    let remove = |path: &str| patch_group(SALES, &format!(r#"{{"op":"remove","path":"{path}"}}"#));
    let bob = members(&[&BOB]);
    let table: &[(&str, Command, &[EventKind])] = &[
        (
            "group gone",
            Command::Group(SALES, Change::Delete { expected: Expected::Any }),
            &[GroupMemberRemoved, GroupDeleted],
        ),
        (
            "back already",
            patch_group(
                SALES,
                &format!(r#"{{"op":"add","path":"members","value":{}}}"#, members(&[&ADA])),
            ),
            &[GroupMemberAdded],
        ),
        (
            "removed by id",
            remove(&format!(r#"members[value eq \"{ADA}\"]"#)),
            &[MembershipForgotten],
        ),
        (
            "removed by filter",
            remove(&format!(r#"members[value sw \"{ADA}\"]"#)),
            &[MembershipForgotten],
        ),
        ("all removed", remove("members"), &[MembershipForgotten, GroupMemberRemoved]),
        (
            "replaced",
            patch_group(SALES, &format!(r#"{{"op":"replace","path":"members","value":{bob}}}"#)),
            &[MembershipForgotten],
        ),
        (
            "put",
            put_group(SALES, &format!(r#""displayName":"Sales","members":{bob}"#)),
            &[MembershipForgotten],
        ),
    ];
    for (what, command, kinds) in table {
        let events = away.when(okta, command.clone()).0.unwrap().events;
        assert_eq!(events.iter().map(Event::kind).collect::<Vec<_>>(), *kinds, "{what}");
        let later = away.and(okta, command.clone());
        later.when(okta, command.clone()).0.map(|again| assert!(again.events.is_empty())).ok();
        later.when(okta, patch(ADA, ON)).causes(&[UserActivated]);
    }
    // Another source's word is not this one's.
    for untouched in [remove(&format!(r#"members[value eq \"{BOB}\"]"#)), remove("members")] {
        away.when(connector(ENTRA), untouched.clone()).nothing();
        let later = away.and(connector(ENTRA), untouched);
        later.when(okta, patch(ADA, ON)).causes(&[UserActivated, GroupMemberAdded]);
    }
    let gone = away.and(okta, delete(ADA));
    assert_eq!(gone.snapshot.directory.aside.of(ADA).count(), 0);
}

/// Seen to catch an active user answered as deleted.
#[test]
fn p_09_a_delete_does_what_the_connector_says() {
    let okta = connector(OKTA);
    let there = leaving(OnReactivate::RestoreGroups);
    there.when(okta, delete(ADA)).causes(&[GroupMemberRemoved, UserDeleted]);
    let kept = with(&there, |settings| settings.on_delete = OnDelete::Deactivate);
    let decision = kept.when(okta, delete(ADA)).0.unwrap();
    assert_eq!(decision.notices, [Notice::NotDeleted]);
    let kinds: Vec<_> = decision.events.iter().map(Event::kind).collect();
    assert_eq!(kinds, [UserDeactivated, GroupMemberRemoved]);
    let kept = kept.and(okta, delete(ADA));
    kept.when(okta, delete(ADA)).nothing();
    kept.when(connector(ENTRA), delete(ADA)).causes(&[UserDeleted]);

    let refusing = with(&there, |settings| settings.on_delete = OnDelete::Refuse);
    let why = Forbidden::Deletion;
    let refused = Rejection::Forbidden { connector: "okta".to_owned(), why };
    assert_eq!(refusing.when(okta, delete(ADA)).0, Err(refused));
    let decision = refusing.and(okta, patch(ADA, OFF)).when(okta, delete(ADA)).0.unwrap();
    assert_eq!(
        (decision.events.len(), decision.notices.as_slice()),
        (0, &[Notice::NotDeleted][..])
    );
    let nobody = UserId::new(Uuid::from_u128(999));
    refusing.when(okta, delete(nobody)).not_found("user");
}

/// What a bulk job began is taken back although nothing else would be granted.
#[test]
fn what_was_begun_is_withdrawn_whatever_the_settings_say() {
    let given = with(&ada_in_sales(), |settings| {
        settings.permissions = [].into_iter().collect();
        settings.on_delete = OnDelete::Refuse;
        settings.enabled = false;
    });
    let user = Command::User(ADA, Change::Withdraw);
    given.when(connector(OKTA), user).causes(&[GroupMemberRemoved, UserDeleted]);
    let group = Command::Group(SALES, Change::Withdraw);
    given.when(connector(OKTA), group).causes(&[
        GroupMemberRemoved,
        GroupMemberRemoved,
        GroupDeleted,
    ]);
}

#[test]
fn c_01_a_connector_that_is_off_changes_nothing() {
    let given = with(&ada_in_sales(), |settings| settings.enabled = false);
    for command in [patch(ADA, OFF), delete(ADA), put(ADA, r#""userName":"ada""#)] {
        let refused = given.when(connector(OKTA), command.clone()).0;
        let why = Forbidden::Disabled;
        assert_eq!(refused, Err(Rejection::Forbidden { connector: "okta".to_owned(), why }));
        assert!(given.when(connector(ENTRA), command).0.is_ok());
    }
    with(&given, |settings| settings.enabled = true)
        .when(connector(OKTA), patch(ADA, OFF))
        .causes(&[UserDeactivated]);
}

/// Seen to catch settings overwritten that another change had made meanwhile.
#[test]
fn a_change_of_settings_that_are_not_there_any_more_is_refused() {
    let given = given();
    let there = given.snapshot.directory.connectors.get(OKTA).unwrap().settings.clone();
    let change = |change: fn(&mut ConnectorSettings)| {
        let mut settings = there.clone();
        change(&mut settings);
        Command::ChangeConnector { connector: OKTA, settings, from: Some(Box::new(there.clone())) }
    };
    let (off, strict) = (change(|it| it.enabled = false), change(|it| it.mode = Mode::Strict));
    let given = given.and(OPERATOR, off.clone());
    let overtaken = Rejection::Overtaken { kind: "connector", name: "okta".to_owned() };
    assert_eq!(given.when(OPERATOR, strict).0, Err(overtaken));
    given.when(OPERATOR, off).nothing();
}

/// Seen to catch a connector removed that still manages somebody.
#[test]
fn a_connector_is_removed_with_its_keys_once_nothing_comes_from_it() {
    let spare = ConnectorId::new(Uuid::from_u128(3));
    let key = NewKey {
        credential: CredentialId::new(Uuid::from_u128(33)),
        hash: Hash::new([3; 32]),
        hint: "rbk_".to_owned(),
        expires: None,
    };
    let add = |connector, key| Command::AddConnector {
        connector,
        name: "spare".to_owned(),
        settings: ConnectorSettings::new("okta", Mode::Lenient),
        key,
    };
    let remove = |connector| Command::RemoveConnector { connector };
    let given = ada_in_sales();
    let added = given.when(OPERATOR, add(spare, Some(key.clone())));
    let given = given.happened(OPERATOR, added.causes(&[ConnectorAdded, CredentialIssued]));
    let removed = given.when(OPERATOR, remove(spare));
    let given = given.happened(OPERATOR, removed.causes(&[CredentialRevoked, ConnectorRemoved]));
    given.when(OPERATOR, remove(spare)).nothing();
    assert!(given.snapshot.directory.connectors.named("spare").is_none());
    given.when(connector(spare), patch(ADA, OFF)).not_found("connector");
    let again = ConnectorId::new(Uuid::from_u128(4));
    given.when(OPERATOR, add(again, None)).causes(&[ConnectorAdded]);
    given.when(OPERATOR, add(again, Some(key))).taken("secret");

    let in_use = |given: &Given, connector| match given.when(OPERATOR, remove(connector)).0 {
        Err(Rejection::InUse { by, .. }) => by,
        other => panic!("{other:?}"),
    };
    assert!(in_use(&given, OKTA).contains("users whom it manages"));
    let given = given.and(connector(OKTA), delete(ADA)).and(connector(OKTA), delete(BOB));
    assert!(in_use(&given, OKTA).contains("groups that it manages"));
    let gone = Command::Group(SALES, Change::Delete { expected: Expected::Any });
    let given = given.and(connector(OKTA), gone).and(OPERATOR, remove(OKTA));
    assert!(in_use(&given, ENTRA).contains("no other"));
}
