//! The rules, as tables: given what happened, when someone wishes, then this follows.

use domain::command::{Change, Command, Decision, Expected, Notice};
use domain::commit::Commit;
use domain::decide;
use domain::event::{ConnectorSettings, Event, EventKind};
use domain::id::{
    ConnectorId, CredentialId, GroupId, OperatorId, RequestId, RoleId, TenantId, UserId,
};
use domain::origin::{Actor, Origin};
use domain::position::{Hash, Position};
use domain::preset::preset;
use domain::rejection::Rejection;
use domain::snapshot::Snapshot;
use domain::time::Timestamp;
use scim::{Mode, Patch, ResourceType, ScimType, Value};
use uuid::Uuid;

pub(crate) const OKTA: ConnectorId = ConnectorId::new(Uuid::from_u128(1));
pub(crate) const ENTRA: ConnectorId = ConnectorId::new(Uuid::from_u128(2));
pub(crate) const ADA: UserId = UserId::new(Uuid::from_u128(101));
pub(crate) const BOB: UserId = UserId::new(Uuid::from_u128(102));
pub(crate) const SALES: GroupId = GroupId::new(Uuid::from_u128(201));
pub(crate) const ALL: GroupId = GroupId::new(Uuid::from_u128(202));

pub(crate) fn connector(id: ConnectorId) -> Actor {
    Actor::Connector { id, credential: CredentialId::new(Uuid::nil()) }
}

pub(crate) const OPERATOR: Actor = Actor::Operator { id: OperatorId::new(Uuid::from_u128(9)) };

/// A tenant in which things happened.
pub(crate) struct Given {
    pub(crate) snapshot: Snapshot,
}

pub(crate) fn given() -> Given {
    let tenant = TenantId::new(Uuid::from_u128(77));
    let role =
        |n: u128, name: &str| (RoleId::new(Uuid::from_u128(n)), name.to_owned(), String::new());
    let roles = vec![role(301, "Admin"), role(302, "Analyst"), role(303, "Old")];
    let add = |connector, name: &str, mode| Command::AddConnector {
        connector,
        name: name.to_owned(),
        settings: ConnectorSettings { mode, ..preset("generic").unwrap() },
        key: None,
    };
    Given { snapshot: Snapshot::default() }
        .and(Actor::System, Command::OpenTenant { tenant, slug: "acme".to_owned(), roles })
        .and(OPERATOR, add(OKTA, "okta", Mode::Lenient))
        .and(OPERATOR, add(ENTRA, "entra", Mode::Strict))
        .and(OPERATOR, Command::RetireRole { name: "Old".to_owned() })
}

impl Given {
    /// Carries out a command that must be granted.
    pub(crate) fn and(&self, actor: Actor, command: Command) -> Given {
        let decision = decide(&self.snapshot.directory, &actor, command).unwrap();
        if decision.events.is_empty() {
            return Given { snapshot: self.snapshot.clone() };
        }
        let next = self.happened(actor, decision.events);
        next.snapshot.directory.agrees().unwrap();
        next
    }

    /// Lets something happen that nobody decided.
    pub(crate) fn happened(&self, actor: Actor, events: Vec<Event>) -> Given {
        let mut snapshot = self.snapshot.clone();
        let position = snapshot.head.next();
        let request = RequestId::new(Uuid::nil());
        let commit = Commit {
            tenant: TenantId::new(Uuid::from_u128(77)),
            position,
            at: Timestamp::from_millis(1_000 * position.get() as i64),
            prev: snapshot.head.hash,
            origin: Origin { actor, request, source: None, agent: None, claimed: None },
            events,
        };
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&position.get().to_be_bytes());
        snapshot.advance(&commit, Hash::new(bytes)).unwrap();
        Given { snapshot }
    }

    pub(crate) fn when(&self, actor: Actor, command: Command) -> Then {
        Then(decide(&self.snapshot.directory, &actor, command))
    }
}

/// What followed.
pub(crate) struct Then(pub(crate) Result<Decision, Rejection>);

impl Then {
    #[track_caller]
    pub(crate) fn causes(self, kinds: &[EventKind]) -> Vec<Event> {
        let events = self.0.unwrap().events;
        assert_eq!(events.iter().map(Event::kind).collect::<Vec<_>>(), kinds);
        events
    }

    #[track_caller]
    pub(crate) fn nothing(self) {
        self.causes(&[]);
    }

    #[track_caller]
    pub(crate) fn invalid(self, kind: ScimType) {
        match self.0 {
            Err(Rejection::Invalid(invalid)) => assert_eq!(invalid.kind, kind, "{invalid}"),
            other => panic!("{other:?}"),
        }
    }

    #[track_caller]
    pub(crate) fn not_found(self, kind: &str) {
        match self.0 {
            Err(Rejection::NotFound { kind: found, .. }) => assert_eq!(found, kind),
            other => panic!("{other:?}"),
        }
    }

    #[track_caller]
    pub(crate) fn taken(self, attribute: &str) {
        match self.0 {
            Err(Rejection::Taken { attribute: found, .. }) => assert_eq!(found, attribute),
            other => panic!("{other:?}"),
        }
    }
}

fn parse(json: &str) -> Value {
    Value::parse(json.as_bytes()).unwrap()
}

fn admitted(json: &str, rtype: &ResourceType) -> scim::Admitted {
    scim::admit(&parse(json), rtype, Mode::Lenient).unwrap()
}

fn user_json(rest: &str) -> String {
    format!(r#"{{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],{rest}}}"#)
}

fn group_json(rest: &str) -> String {
    format!(r#"{{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],{rest}}}"#)
}

pub(crate) fn create(id: UserId, rest: &str) -> Command {
    Command::User(id, Change::Create(admitted(&user_json(rest), ResourceType::user())))
}

pub(crate) fn put(id: UserId, rest: &str) -> Command {
    let with = admitted(&user_json(rest), ResourceType::user());
    Command::User(id, Change::Replace { with, expected: Expected::Any })
}

fn operations(json: &str, rtype: &ResourceType) -> Change {
    let body = format!(
        r#"{{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{json}]}}"#
    );
    let patch = Patch::parse(&parse(&body), rtype, Mode::Lenient).unwrap();
    Change::Patch { patch, expected: Expected::Any }
}

pub(crate) fn patch(id: UserId, json: &str) -> Command {
    Command::User(id, operations(json, ResourceType::user()))
}

pub(crate) fn create_group(id: GroupId, rest: &str) -> Command {
    Command::Group(id, Change::Create(admitted(&group_json(rest), ResourceType::group())))
}

pub(crate) fn put_group(id: GroupId, rest: &str) -> Command {
    let with = admitted(&group_json(rest), ResourceType::group());
    Command::Group(id, Change::Replace { with, expected: Expected::Any })
}

pub(crate) fn patch_group(id: GroupId, json: &str) -> Command {
    Command::Group(id, operations(json, ResourceType::group()))
}

pub(crate) fn members(ids: &[&dyn ToString]) -> String {
    let list: Vec<_> =
        ids.iter().map(|id| format!(r#"{{"value":"{}"}}"#, id.to_string())).collect();
    format!("[{}]", list.join(","))
}

use EventKind::*;

#[test]
fn r_7643_4_1_1_01_a_name_taken_in_another_case_is_refused() {
    let given = given().and(connector(OKTA), create(ADA, r#""userName":"Bjensen""#));
    given.when(connector(OKTA), create(BOB, r#""userName":"BJENSEN""#)).taken("userName");
    given.when(connector(OKTA), create(BOB, r#""userName":"bjensen2""#)).causes(&[UserCreated]);
}

#[test]
fn r_7644_3_6_02_a_deleted_users_name_is_free_again() {
    let delete = Command::User(ADA, Change::Delete { expected: Expected::Any });
    let given = given()
        .and(connector(OKTA), create(ADA, r#""userName":"ada""#))
        .and(connector(OKTA), delete);
    given.when(connector(OKTA), create(BOB, r#""userName":"ADA""#)).causes(&[UserCreated]);
    assert_eq!(
        given.snapshot.directory.users.ever_named(&scim::UserNameKey::of("Ada").unwrap()),
        [ADA]
    );
}

/// Also R-7644-3.5.1-08.
#[test]
fn r_7644_3_5_1_02_a_put_causes_the_difference_and_nothing_else() {
    let given = given().and(
        connector(OKTA),
        create(ADA, r#""userName":"ada","title":"A","active":true,"roles":[{"value":"Admin"}]"#),
    );
    let okta = connector(OKTA);
    let same = r#""userName":"ada","title":"A","active":true,"roles":[{"value":"Admin"}]"#;
    given.when(okta, put(ADA, same)).nothing();
    given
        .when(okta, put(ADA, r#""userName":"ada","title":"B","roles":[{"value":"Admin"}]"#))
        .causes(&[UserAttributesChanged]);
    given
        .when(okta, put(ADA, r#""userName":"Ada","title":"A","roles":[{"value":"Admin"}]"#))
        .causes(&[UserRenamed]);
    given
        .when(
            okta,
            put(ADA, r#""userName":"ada","title":"A","active":false,"roles":[{"value":"Admin"}]"#),
        )
        .causes(&[UserDeactivated]);
    given
        .when(okta, put(ADA, r#""userName":"ada","title":"A","roles":[{"value":"Analyst"}]"#))
        .causes(&[RoleAssigned, RoleRevoked]);
    given.when(okta, put(ADA, r#""userName":"ada""#)).causes(&[UserAttributesChanged, RoleRevoked]);
}

#[test]
fn r_7644_3_5_1_03_a_put_without_active_keeps_a_suspended_user_suspended() {
    let given = given().and(connector(OKTA), create(ADA, r#""userName":"ada","active":false"#));
    given.when(connector(OKTA), put(ADA, r#""userName":"ada""#)).nothing();
    given
        .when(connector(OKTA), put(ADA, r#""userName":"ada","active":true"#))
        .causes(&[UserActivated]);
}

#[test]
fn r_7644_3_5_2_3_04_a_chain_that_ends_where_it_began_causes_nothing() {
    let given = given().and(connector(OKTA), create(ADA, r#""userName":"ada","title":"A""#));
    let chain = r#"{"op":"remove","path":"title"},{"op":"add","path":"title","value":"A"}"#;
    given.when(connector(OKTA), patch(ADA, chain)).nothing();
    let off = r#"{"op":"replace","value":{"active":false}}"#;
    let given = given.and(connector(OKTA), patch(ADA, off));
    given.when(connector(OKTA), patch(ADA, off)).nothing();
}

#[test]
fn r_7644_3_14_02_a_stale_version_is_refused() {
    let given = given().and(connector(OKTA), create(ADA, r#""userName":"ada""#));
    let version = given.snapshot.head.position.unwrap();
    let delete =
        |versions| Command::User(ADA, Change::Delete { expected: Expected::OneOf(versions) });
    let stale = given.when(connector(OKTA), delete(vec![Position::FIRST]));
    assert_eq!(stale.0, Err(Rejection::Stale { actual: version }));
    given.when(connector(OKTA), delete(vec![version])).causes(&[UserDeleted]);
}

#[test]
fn p_19_a_role_is_taken_back_only_through_its_own_source() {
    let given = given()
        .and(connector(OKTA), create(ADA, r#""userName":"ada","roles":[{"value":"Analyst"}]"#))
        .and(OPERATOR, Command::AssignRole { user: ADA, role: "Admin".to_owned() });
    // What was read is written back: the local role causes nothing.
    let echo = r#""userName":"ada","roles":[{"value":"Analyst"},{"value":"Admin"}]"#;
    given.when(connector(OKTA), put(ADA, echo)).nothing();
    // Without it in the list it still stands, for it is not the connector's.
    given
        .when(connector(OKTA), put(ADA, r#""userName":"ada","roles":[{"value":"Analyst"}]"#))
        .nothing();
    let revoke = |role: &str| Command::RevokeRole { user: ADA, role: role.to_owned() };
    given.when(OPERATOR, revoke("Admin")).causes(&[RoleRevoked]);
    given.when(OPERATOR, revoke("Analyst")).nothing();
}

#[test]
fn c_07_unknown_and_retired_roles_are_left_out_or_refused_by_mode() {
    let body = r#""userName":"ada","roles":[{"value":"Admin"},{"value":"admin"},{"value":"Old"}]"#;
    let lenient = given().when(connector(OKTA), create(ADA, body)).0.unwrap();
    assert_eq!(
        lenient.notices,
        [Notice::UnknownRole("admin".to_owned()), Notice::RetiredRole("Old".to_owned())]
    );
    assert_eq!(lenient.events.len(), 2);
    given().when(connector(ENTRA), create(ADA, body)).invalid(ScimType::InvalidValue);
    let one_string = r#""userName":"ada","roles":"Admin, Analyst""#;
    given().when(connector(OKTA), create(ADA, one_string)).causes(&[
        UserCreated,
        RoleAssigned,
        RoleAssigned,
    ]);
}

#[test]
fn r_7643_3_1_04_each_connector_sees_its_own_external_id() {
    let given = given().and(connector(OKTA), create(ADA, r#""userName":"ada","externalId":"o1""#));
    let user = given.snapshot.directory.users.get(ADA).unwrap();
    assert_eq!(user.external_id(Some(OKTA)), Some("o1"));
    assert_eq!(user.external_id(Some(ENTRA)), None);
    let given = given.and(connector(ENTRA), put(ADA, r#""userName":"ada","externalId":"e1""#));
    let user = given.snapshot.directory.users.get(ADA).unwrap();
    assert_eq!(
        (user.external_id(Some(OKTA)), user.external_id(Some(ENTRA))),
        (Some("o1"), Some("e1"))
    );
}

fn with_group() -> Given {
    given()
        .and(connector(OKTA), create(ADA, r#""userName":"ada""#))
        .and(connector(OKTA), create(BOB, r#""userName":"bob""#))
        .and(
            connector(OKTA),
            create_group(
                SALES,
                &format!(r#""displayName":"Sales","members":{}"#, members(&[&ADA])),
            ),
        )
}

#[test]
fn r_7644_3_5_2_1_01_adding_who_is_there_and_removing_who_is_not_cause_nothing() {
    let given = with_group();
    let okta = connector(OKTA);
    let add = |ids: &[&dyn ToString]| {
        patch_group(SALES, &format!(r#"{{"op":"add","path":"members","value":{}}}"#, members(ids)))
    };
    given.when(okta, add(&[&ADA])).nothing();
    given.when(okta, add(&[&ADA, &BOB, &BOB])).causes(&[GroupMemberAdded]);
    let remove = |id: UserId| {
        patch_group(SALES, &format!(r#"{{"op":"remove","path":"members[value eq \"{id}\"]"}}"#))
    };
    given.when(okta, remove(BOB)).nothing();
    given.when(okta, remove(ADA)).causes(&[GroupMemberRemoved]);
    let both = format!(
        r#"{{"op":"remove","path":"members[value eq \"{ADA}\"]"}},{{"op":"add","path":"members","value":{}}}"#,
        members(&[&ADA])
    );
    given.when(okta, patch_group(SALES, &both)).nothing();
}

#[test]
fn l_04_removing_listed_members_never_empties_the_group() {
    let given = with_group();
    let list = format!(r#"{{"op":"Remove","path":"members","value":{}}}"#, members(&[&BOB]));
    given.when(connector(OKTA), patch_group(SALES, &list)).nothing();
    let all = r#"{"op":"remove","path":"members"}"#;
    given.when(connector(OKTA), patch_group(SALES, all)).causes(&[GroupMemberRemoved]);
    let users = r#"{"op":"remove","path":"members[type eq \"User\"]"}"#;
    given.when(connector(OKTA), patch_group(SALES, users)).causes(&[GroupMemberRemoved]);
}

/// A filter that only a look at each member can answer is let look at so many, and no more.
#[test]
fn r_7644_3_5_2_14_a_patch_looks_at_members_within_bounds() {
    let given = with_group();
    let one = r#"{"op":"remove","path":"members[display co \"zzz\"]"}"#;
    given.when(connector(OKTA), patch_group(SALES, one)).nothing();
    let mut given = given;
    for n in 0..600_u128 {
        let id = UserId::new(Uuid::from_u128(10_000 + n));
        given = given.and(connector(OKTA), create(id, &format!(r#""userName":"u{n}""#)));
    }
    let ids: Vec<_> = (0..600_u128).map(|n| Uuid::from_u128(10_000 + n)).collect();
    let all: Vec<&dyn ToString> = ids.iter().map(|id| id as &dyn ToString).collect();
    let add = format!(r#"{{"op":"add","path":"members","value":{}}}"#, members(&all));
    let given = given.and(connector(OKTA), patch_group(SALES, &add));
    let many = vec![one; 400].join(",");
    given.when(connector(OKTA), patch_group(SALES, &many)).invalid(ScimType::TooMany);
    // Few looks, but each for many terms.
    let terms = vec![r#"display co \"zzz\""#; 190].join(" or ");
    let one = format!(r#"{{"op":"remove","path":"members[{terms}]"}}"#);
    given.when(connector(OKTA), patch_group(SALES, &one)).nothing();
    let many = vec![one; 10].join(",");
    given.when(connector(OKTA), patch_group(SALES, &many)).invalid(ScimType::TooMany);
}

#[test]
fn okta_renames_with_every_membership_update_and_touches_no_member() {
    let given = with_group();
    let name = |name: &str| {
        patch_group(
            SALES,
            &format!(r#"{{"op":"replace","value":{{"id":"{SALES}","displayName":"{name}"}}}}"#),
        )
    };
    given.when(connector(OKTA), name("Sales")).nothing();
    given.when(connector(OKTA), name("Sales EMEA")).causes(&[GroupRenamed]);
    let full = format!(r#"{{"op":"replace","path":"members","value":{}}}"#, members(&[&BOB]));
    given
        .when(connector(OKTA), patch_group(SALES, &full))
        .causes(&[GroupMemberRemoved, GroupMemberAdded]);
    given
        .when(connector(OKTA), put_group(SALES, r#""displayName":"Sales""#))
        .causes(&[GroupMemberRemoved]);
}

#[test]
fn r_7643_4_2_03_a_member_is_a_user_or_group_of_the_tenant() {
    let given = with_group();
    let stranger = UserId::new(Uuid::from_u128(666));
    let add = format!(r#"{{"op":"add","path":"members","value":{}}}"#, members(&[&BOB, &stranger]));
    given.when(connector(OKTA), patch_group(SALES, &add)).invalid(ScimType::InvalidValue);
}

#[test]
fn l_21_groups_have_different_names_in_whatever_case() {
    with_group()
        .when(connector(OKTA), create_group(ALL, r#""displayName":"SALES""#))
        .taken("displayName");
}

#[test]
fn r_7644_3_6_01_deleting_ends_memberships_and_roles_by_name() {
    let nested = format!(r#""displayName":"All","members":{}"#, members(&[&SALES, &ADA]));
    let given = with_group()
        .and(connector(OKTA), create_group(ALL, &nested))
        .and(OPERATOR, Command::AssignRole { user: ADA, role: "Admin".to_owned() });
    let delete = |expected| Change::Delete { expected };
    let user = given.when(connector(OKTA), Command::User(ADA, delete(Expected::Any)));
    user.causes(&[GroupMemberRemoved, GroupMemberRemoved, RoleRevoked, UserDeleted]);
    let group = given.when(connector(OKTA), Command::Group(SALES, delete(Expected::Any)));
    group.causes(&[GroupMemberRemoved, GroupMemberRemoved, GroupDeleted]);
    given
        .and(connector(OKTA), Command::Group(SALES, delete(Expected::Any)))
        .and(connector(OKTA), Command::User(ADA, delete(Expected::Any)));
}

#[test]
fn r_7643_4_2_02_groups_in_a_circle_are_legal_and_end() {
    let given = with_group()
        .and(
            connector(OKTA),
            create_group(ALL, &format!(r#""displayName":"All","members":{}"#, members(&[&SALES]))),
        )
        .and(
            connector(OKTA),
            patch_group(
                SALES,
                &format!(r#"{{"op":"add","path":"members","value":{}}}"#, members(&[&ALL])),
            ),
        );
    let directory = &given.snapshot.directory;
    let viewer = domain::find::Viewer { directory, connector: Some(OKTA), base: "" };
    let view = domain::find::Listed::view(directory.users.get(ADA).unwrap(), viewer);
    let groups = scim::Attributes::attribute(&view, "groups").unwrap();
    let kinds: Vec<String> = groups
        .node()
        .unwrap()
        .as_list()
        .unwrap()
        .iter()
        .map(|group| group.as_complex().unwrap().get("type").unwrap().as_str().unwrap().to_owned())
        .collect();
    assert_eq!(kinds, ["direct", "indirect"]);
    let delete = Command::Group(SALES, Change::Delete { expected: Expected::Any });
    given.and(connector(OKTA), delete);
}

#[test]
fn slugs_and_names_that_cannot_stand_are_refused() {
    let slug = |slug: &str| Command::OpenTenant {
        tenant: TenantId::new(Uuid::from_u128(5)),
        slug: slug.to_owned(),
        roles: vec![],
    };
    let empty = Given { snapshot: Snapshot::default() };
    for bad in ["", "Acme", "-acme", "acme-", "ac me", "ac/me", &"a".repeat(65)] {
        empty.when(OPERATOR, slug(bad)).invalid(ScimType::InvalidValue);
    }
    empty.when(OPERATOR, slug("acme-2")).causes(&[TenantOpened]);
    let role = |name: &str| Command::DefineRole {
        role: RoleId::new(Uuid::from_u128(6)),
        name: name.to_owned(),
        description: None,
    };
    for bad in ["", " Admin", "a,b", "a;b", "a\nb"] {
        given().when(OPERATOR, role(bad)).invalid(ScimType::InvalidValue);
    }
    given().when(OPERATOR, role("Admin")).nothing();
    given().when(OPERATOR, role("Old")).causes(&[RoleDefined]);
}
