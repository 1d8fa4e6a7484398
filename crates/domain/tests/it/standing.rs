//! Tenants that are suspended or closed, and who may let whom in.

use domain::command::{Change, Command, Expected};
use domain::directory::TenantState;
use domain::event::EventKind::{
    CredentialIssued, CredentialRevoked, OperatorAdded, OperatorChanged, OperatorRemoved,
    TenantClosed, TenantDescribed, TenantResumed, TenantSuspended, UserDeleted,
};
use domain::event::{Event, Holder, OperatorRole};
use domain::id::{CredentialId, OperatorId, UserId};
use domain::origin::Actor;
use domain::position::Hash;
use domain::rejection::Rejection;
use domain::snapshot::Snapshot;
use domain::time::Timestamp;
use scim::{Mode, ResourceType, ScimType, Value};
use uuid::Uuid;

use crate::decide::{Given, OKTA, OPERATOR, connector, given};

const ADA: UserId = UserId::new(Uuid::from_u128(101));
const ANN: OperatorId = OperatorId::new(Uuid::from_u128(1));
const BEN: OperatorId = OperatorId::new(Uuid::from_u128(2));

fn suspend() -> Command {
    Command::SuspendTenant { reason: "a leak".to_owned() }
}

fn close() -> Command {
    Command::CloseTenant { reason: "end of contract".to_owned() }
}

fn create() -> Command {
    let body = r#"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"ada"}"#;
    let value = Value::parse(body.as_bytes()).unwrap();
    Command::User(
        ADA,
        Change::Create(scim::admit(&value, ResourceType::user(), Mode::Strict).unwrap()),
    )
}

fn define() -> Command {
    let role = domain::id::RoleId::new(Uuid::from_u128(9));
    Command::DefineRole { role, name: "New".to_owned(), description: None }
}

#[track_caller]
fn refused(given: &Given, actor: Actor, command: Command, why: Rejection) {
    assert_eq!(given.when(actor, command).0, Err(why));
}

#[test]
fn a_suspended_tenant_takes_from_operators_and_from_nobody_else() {
    let given = given().and(OPERATOR, suspend());
    refused(&given, connector(OKTA), create(), Rejection::Suspended);
    given.when(OPERATOR, create()).0.unwrap();
    given.when(OPERATOR, suspend()).nothing();
    given.when(OPERATOR, Command::ResumeTenant).causes(&[TenantResumed]);
    let given = given.and(OPERATOR, Command::ResumeTenant);
    given.when(OPERATOR, Command::ResumeTenant).nothing();
    given.when(connector(OKTA), create()).0.unwrap();
    given.when(OPERATOR, suspend()).causes(&[TenantSuspended]);
}

#[test]
fn a_closed_tenant_takes_nothing_but_erasures() {
    let open = given().and(OPERATOR, create());
    let given = open.and(OPERATOR, close());
    open.and(OPERATOR, suspend()).when(OPERATOR, close()).causes(&[TenantClosed]);
    for (actor, command) in [
        (connector(OKTA), create()),
        (OPERATOR, define()),
        (OPERATOR, suspend()),
        (OPERATOR, Command::ResumeTenant),
        (OPERATOR, Command::User(ADA, Change::Delete { expected: Expected::Any })),
    ] {
        refused(&given, actor, command, Rejection::Closed);
    }
    given.when(OPERATOR, close()).nothing();
    let reason = "request 4711".to_owned();
    let erased = given.when(OPERATOR, Command::EraseUser { user: ADA, reason }).0.unwrap().events;
    assert!(erased.iter().any(|event| event.kind() == UserDeleted), "{erased:?}");
    let state = &given.snapshot.directory.standing.state;
    assert_eq!(state.cause().map(|(_, reason)| reason), Some("end of contract"));
}

#[test]
fn nothing_but_a_resumption_follows_where_it_fits() {
    let given = given();
    let tenant = given.snapshot.directory.tenant.as_ref().unwrap().id;
    let mut snapshot = given.snapshot.clone();
    let commit = |events| domain::commit::Commit {
        tenant,
        position: snapshot.head.next(),
        at: snapshot.head.time,
        prev: snapshot.head.hash,
        origin: domain::origin::Origin {
            actor: OPERATOR,
            request: domain::id::RequestId::new(Uuid::nil()),
            claimed: None,
            source: None,
            agent: None,
        },
        events,
    };
    let resumed = commit(vec![Event::TenantResumed { tenant }]);
    let other = domain::id::TenantId::new(Uuid::from_u128(78));
    let foreign = commit(vec![Event::TenantClosed { tenant: other, reason: String::new() }]);
    assert!(snapshot.advance(&resumed, Hash::ZERO).is_err());
    assert!(snapshot.advance(&foreign, Hash::ZERO).is_err());
}

#[test]
fn alerts_need_somewhere_to_go() {
    let describe = |title: Option<&str>, to: Option<&[&str]>, alerts| Command::DescribeTenant {
        title: title.map(str::to_owned),
        alert_addresses: to.map(|those| those.iter().map(|one| (*one).to_owned()).collect()),
        alerts,
    };
    let given = given();
    given.when(OPERATOR, describe(None, None, Some(true))).invalid(ScimType::InvalidValue);
    for bad in ["acme.com", "@acme.com", "ops@", "a b@acme.com", "<ops@acme.com>"] {
        given.when(OPERATOR, describe(None, Some(&[bad]), None)).invalid(ScimType::InvalidValue);
    }
    let twice = describe(None, Some(&["a@x.test", "a@x.test"]), None);
    given.when(OPERATOR, twice).invalid(ScimType::InvalidValue);
    given.when(OPERATOR, describe(Some(" Acme"), None, None)).invalid(ScimType::InvalidValue);
    let on = describe(Some("Acme Ltd"), Some(&["ops@acme.com"]), Some(true));
    given.when(OPERATOR, on.clone()).causes(&[TenantDescribed]);
    let given = given.and(OPERATOR, on.clone());
    given.when(OPERATOR, on).nothing();
    // What is not said stays, so the last address can't go while alerts are on.
    given.when(OPERATOR, describe(None, Some(&[]), None)).invalid(ScimType::InvalidValue);
    let given = given.and(OPERATOR, describe(None, Some(&[]), Some(false)));
    assert_eq!(given.snapshot.directory.standing.title, "Acme Ltd");
    assert_eq!(given.snapshot.directory.standing.state, TenantState::Open);
}

fn add(operator: OperatorId, name: &str, role: OperatorRole) -> Command {
    Command::AddOperator { operator, name: name.to_owned(), role }
}

fn key(number: u8, operator: OperatorId, expires: Option<i64>) -> Command {
    Command::IssueCredential {
        credential: CredentialId::new(Uuid::from_u128(number.into())),
        holder: Holder::Operator(operator),
        hash: Hash::new([number; 32]),
        hint: "rbo_".to_owned(),
        expires: expires.map(Timestamp::from_millis),
    }
}

fn set(operator: OperatorId, role: OperatorRole) -> Command {
    Command::ChangeOperator { operator, name: None, role: Some(role) }
}

/// An instance with one owner, who has a key.
fn instance() -> Given {
    Given { snapshot: Snapshot::default() }
        .and(Actor::System, add(ANN, "ann", OperatorRole::Owner))
        .and(Actor::System, key(1, ANN, None))
}

#[test]
fn the_last_owner_stays_with_a_key_that_lasts() {
    let given = instance();
    let last = || Rejection::LastOwner { name: "ann".to_owned() };
    let revoke = |number: u128| Command::RevokeCredential {
        credential: CredentialId::new(Uuid::from_u128(number)),
    };
    let remove = Command::RemoveOperator { operator: ANN };
    refused(&given, OPERATOR, remove.clone(), last());
    refused(&given, OPERATOR, set(ANN, OperatorRole::Operator), last());
    refused(&given, OPERATOR, revoke(1), last());
    // Who has no key, or one that ends, or is no owner, lets nobody in.
    let given = given
        .and(OPERATOR, add(BEN, "ben", OperatorRole::Owner))
        .and(OPERATOR, key(2, BEN, Some(1_800_000_000_000)));
    refused(&given, OPERATOR, remove.clone(), last());
    let lasting = given.and(OPERATOR, key(3, BEN, None));
    let demoted = lasting.and(OPERATOR, set(BEN, OperatorRole::Operator));
    refused(&demoted, OPERATOR, remove.clone(), last());
    lasting.when(OPERATOR, revoke(1)).causes(&[CredentialRevoked]);
    lasting.when(OPERATOR, remove.clone()).causes(&[CredentialRevoked, OperatorRemoved]);
    let gone = lasting.and(OPERATOR, remove.clone());
    gone.when(OPERATOR, remove).nothing();
    let last = Rejection::LastOwner { name: "ben".to_owned() };
    refused(&gone, OPERATOR, set(BEN, OperatorRole::Auditor), last);
}

#[test]
fn operators_have_names_of_their_own_and_give_them_free() {
    let given = instance().and(OPERATOR, add(BEN, "ben", OperatorRole::Auditor));
    let other = OperatorId::new(Uuid::from_u128(3));
    let taken = given.when(OPERATOR, add(other, "ben", OperatorRole::Owner)).0;
    assert!(matches!(taken, Err(Rejection::Taken { .. })), "{taken:?}");
    let rename = |name: &str| Command::ChangeOperator {
        operator: BEN,
        name: Some(name.to_owned()),
        role: None,
    };
    assert!(matches!(given.when(OPERATOR, rename("ann")).0, Err(Rejection::Taken { .. })));
    given.when(OPERATOR, rename("ben")).nothing();
    given.when(OPERATOR, rename("Ben")).causes(&[OperatorChanged]);
    given.when(OPERATOR, key(2, BEN, None)).causes(&[CredentialIssued]);
    let gone = given.and(OPERATOR, Command::RemoveOperator { operator: BEN });
    gone.when(OPERATOR, add(other, "ben", OperatorRole::Owner)).causes(&[OperatorAdded]);
    for late in [key(2, BEN, None), set(BEN, OperatorRole::Owner)] {
        let refused = gone.when(OPERATOR, late).0;
        assert!(matches!(refused, Err(Rejection::NotFound { .. })), "{refused:?}");
    }
    assert_eq!(gone.snapshot.directory.operators.get(BEN).unwrap().name, "ben");
}
