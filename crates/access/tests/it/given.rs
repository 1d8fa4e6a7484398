//! A directory in which things happened.

use access::{Answer, Asked, Compiled, Unasked, Written};
use domain::commit::{Commit, Projection};
use domain::directory::Directory;
use domain::event::{Event, Member, NewUser, RoleWording};
use domain::id::{GroupId, PolicyId, RequestId, RoleId, TenantId, UserId};
use domain::origin::{Actor, Origin, Source};
use domain::personal::Personal;
use domain::position::{Hash, Position};
use domain::time::Timestamp;
use scim::{Packed, Value};
use serde_json::json;
use uuid::Uuid;

pub(crate) const JANE: u128 = 1;
pub(crate) const BOB: u128 = 2;
/// In no group and without a role.
pub(crate) const NEW: u128 = 3;
/// Inactive, in `Sales`.
pub(crate) const GONE: u128 = 4;
pub(crate) const SALES: u128 = 11;
pub(crate) const EMEA: u128 = 12;
pub(crate) const ROUND: u128 = 13;

pub(crate) const SCHEMA: &str = r#"
    entity Folder;
    entity Table in [Folder] { owner?: User, team?: Group, size?: Long };
    action read;
    action select in [read] appliesTo { principal: [User], resource: [Table], context: { mfa?: Bool } };
    action insert, drop appliesTo { principal: [User], resource: [Table] };
    namespace Web { entity Page; action open, edit appliesTo { principal: [User], resource: [Page] }; }
    namespace App { entity Screen; action edit appliesTo { principal: [User], resource: [Screen] }; }
"#;

pub(crate) fn user(n: u128) -> UserId {
    UserId::new(Uuid::from_u128(n))
}

pub(crate) fn group(n: u128) -> GroupId {
    GroupId::new(Uuid::from_u128(n))
}

pub(crate) fn person(n: u128, name: &str, active: bool, rest: &serde_json::Value) -> Event {
    let attributes = Value::parse(rest.to_string().as_bytes()).unwrap();
    let attributes = Packed::pack(attributes.as_complex().unwrap());
    let new = NewUser { user_name: name.to_owned(), external_id: None, attributes };
    Event::UserCreated { user: user(n), active, managed_by: None, personal: Personal::Known(new) }
}

pub(crate) fn made(n: u128, name: &str) -> Event {
    Event::GroupCreated {
        group: group(n),
        display_name: name.to_owned(),
        managed_by: None,
        external_id: None,
        attributes: Packed::default(),
    }
}

pub(crate) fn joins(n: u128, member: Member) -> Event {
    Event::GroupMemberAdded { group: group(n), member, source: Source::Local }
}

pub(crate) fn has(n: u128, role: u128) -> Event {
    let role = RoleId::new(Uuid::from_u128(role));
    let wording = Personal::Known(RoleWording::default());
    Event::RoleAssigned { user: user(n), role, source: Source::Local, wording }
}

/// Jane is in EMEA, which is in Sales, which is in a circle with Round; she is an Analyst.
pub(crate) fn directory(more: Vec<Event>) -> Directory {
    let role = |n, name: &str| Event::RoleDefined {
        role: RoleId::new(Uuid::from_u128(n)),
        name: name.to_owned(),
        description: String::new(),
    };
    let enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
    let jane = json!({
        "title": "Head",
        "name": { "givenName": "Jane" },
        "emails": [{ "value": "jane@acme.com", "primary": true }],
        enterprise: { "department": "Sales", "manager": { "value": "42" } },
    });
    let mut events = vec![
        role(21, "Analyst"),
        role(22, "Admin"),
        role(23, "Everyone"),
        person(JANE, "Jane@acme.com", true, &jane),
        person(BOB, "bob", true, &json!({})),
        person(NEW, "new", true, &json!({})),
        person(GONE, "gone", false, &json!({})),
        made(SALES, "Sales"),
        made(EMEA, "Sales EMEA"),
        made(ROUND, "Round"),
        joins(EMEA, Member::User(user(JANE))),
        joins(SALES, Member::Group(group(EMEA))),
        joins(SALES, Member::User(user(GONE))),
        joins(ROUND, Member::Group(group(SALES))),
        joins(SALES, Member::Group(group(ROUND))),
        has(JANE, 21),
        has(BOB, 22),
    ];
    events.extend(more);
    let mut directory = Directory::default();
    let request = RequestId::new(Uuid::nil());
    let commit = Commit {
        tenant: TenantId::new(Uuid::from_u128(77)),
        position: Position::FIRST,
        at: Timestamp::from_millis(1_000),
        prev: Hash::new([0; 32]),
        origin: Origin { actor: Actor::System, request, source: None, agent: None, claimed: None },
        events,
    };
    directory.apply(&commit).unwrap();
    directory.agrees().unwrap();
    directory
}

/// Policies as an operator writes them, ready to be asked.
pub(crate) fn compiled(directory: &Directory, policies: &[(&str, &str)]) -> Compiled {
    access::validate(&directory.schemas, SCHEMA, policies.iter().copied()).unwrap();
    let bound: Vec<(&str, String)> = policies
        .iter()
        .map(|(name, text)| (*name, access::bind(name, text, directory).unwrap()))
        .collect();
    let written = bound.iter().enumerate().map(|(index, (name, text))| Written {
        id: PolicyId::new(Uuid::from_u128(index as u128)),
        name,
        text,
    });
    Compiled::of(&directory.schemas, SCHEMA, written).unwrap()
}

pub(crate) fn asked(user: &str, action: &str, resource: &str) -> Asked {
    Asked {
        user: user.to_owned(),
        action: action.to_owned(),
        resource: resource.to_owned(),
        ..Asked::default()
    }
}

/// As in `allow: sales`, `deny: forbidden: never`, `deny: no-policy`.
pub(crate) fn told(answer: Result<Answer, Unasked>) -> String {
    let answer = match answer {
        Ok(answer) => answer,
        Err(unasked) => return unasked.to_string(),
    };
    let mut words = vec![match answer.decision() {
        access::Decision::Allow => "allow",
        access::Decision::Deny => "deny",
    }];
    words.extend(answer.reason.map(access::Reason::word));
    words.extend(answer.determining.iter().map(|policy| policy.name.as_str()));
    words.join(": ")
}
