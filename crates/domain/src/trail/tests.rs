//! The trail beside a scan of every commit.

use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::event::{AttributeChange, Member};
use crate::id::{ConnectorId, CredentialId, OperatorId, RoleId, TenantId};
use crate::origin::{Origin, Source};
use crate::personal::Personal;
use crate::position::Hash;

const PATHS: [&str; 5] = [
    "title",
    "name.givenName",
    "name.familyName",
    "emails",
    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department",
];
const ADDRESSES: [&str; 5] = ["10.0.0.1", "10.0.0.2", "10.9.0.1", "2001:db8::1", "::ffff:10.0.0.2"];

fn id(kind: u8, number: u8) -> Uuid {
    Uuid::from_bytes([kind, 0, 0, 0, 0, 0, 0x70, 0, 0x80, 0, 0, 0, 0, 0, 0, number])
}

fn user(number: u8) -> UserId {
    UserId::new(id(1, number))
}

fn group(number: u8) -> GroupId {
    GroupId::new(id(2, number))
}

fn role(number: u8) -> RoleId {
    RoleId::new(id(3, number))
}

fn any_actor() -> impl Strategy<Value = Actor> {
    prop_oneof![
        (0..2_u8, 0..2_u8).prop_map(|(connector, credential)| Actor::Connector {
            id: ConnectorId::new(id(4, connector)),
            credential: CredentialId::new(id(5, 10 * connector + credential)),
        }),
        (0..2_u8).prop_map(|n| Actor::Operator { id: OperatorId::new(id(6, n)) }),
        Just(Actor::System),
    ]
}

fn any_event() -> impl Strategy<Value = Event> {
    let change = |paths: Vec<&str>| -> Vec<AttributeChange> {
        let change = |path: &str| AttributeChange { path: path.to_owned(), old: None, new: None };
        paths.into_iter().map(change).collect()
    };
    let paths = || prop::sample::subsequence(PATHS.to_vec(), 1..3);
    let member = prop_oneof![
        (0..3_u8).prop_map(|n| Member::User(user(n))),
        (0..3_u8).prop_map(|n| Member::Group(group(n))),
    ];
    let source = Source::Local;
    prop_oneof![
        6 => (0..3_u8, paths()).prop_map(move |(n, paths)| Event::UserAttributesChanged {
            user: user(n),
            personal: Personal::Known(change(paths)),
        }),
        2 => (0..3_u8, paths()).prop_map(move |(n, paths)| Event::GroupAttributesChanged {
            group: group(n),
            changes: change(paths),
        }),
        2 => (0..3_u8).prop_map(|n| Event::UserDeactivated { user: user(n) }),
        1 => (0..3_u8).prop_map(|n| Event::UserErased { user: user(n), reason: "asked".into() }),
        3 => (0..3_u8, 0..2_u8).prop_map(move |(n, r)| Event::RoleRevoked { user: user(n), role: role(r), source }),
        4 => (0..3_u8, member, any::<bool>()).prop_map(move |(g, member, added)| match added {
            true => Event::GroupMemberAdded { group: group(g), member, source },
            false => Event::GroupMemberRemoved { group: group(g), member, source },
        }),
        1 => (0..3_u8, "[ab]").prop_map(|(g, to)| Event::GroupRenamed { group: group(g), from: String::new(), to }),
    ]
}

/// Commits that are one command each: at most one of their events changes attributes.
fn any_log() -> impl Strategy<Value = Vec<Commit>> {
    let origin = (any_actor(), 0..6_u8, prop::option::of(prop::sample::select(&ADDRESSES[..])));
    let commit = (origin, prop::collection::vec(any_event(), 1..4), 0..3_i64);
    prop::collection::vec(commit, 1..40).prop_map(|commits| {
        let (mut position, mut at) = (Position::FIRST, 0);
        let commits = commits.into_iter().map(|((actor, request, source), mut events, later)| {
            let mut named = 0;
            events.retain(|event| {
                let mut names = false;
                event.each_path(|_| names = true);
                named += usize::from(names || matches!(event, Event::UserErased { .. }));
                named < 2
            });
            at += later;
            let commit = Commit {
                tenant: TenantId::SYSTEM,
                position,
                at: Timestamp::from_millis(at),
                prev: Hash::ZERO,
                origin: Origin {
                    actor,
                    request: RequestId::new(id(9, request)),
                    source: source.map(|address| address.parse().unwrap()),
                    agent: None,
                },
                events,
            };
            position = position.next();
            commit
        });
        commits.filter(|commit| !commit.events.is_empty()).collect()
    })
}

fn any_facet() -> impl Strategy<Value = Facet> {
    let kinds = prop::sample::subsequence(EventKind::ALL.to_vec(), 0..EventKind::ALL.len())
        .prop_map(|kinds| kinds.into_iter().collect::<Kinds>());
    let kinds = prop_oneof![Just(Kinds::ALL), kinds];
    let subject = prop_oneof![
        (0..4_u8).prop_map(|n| Subject::User(user(n))),
        (0..4_u8).prop_map(|n| Subject::Group(group(n))),
        (0..3_u8).prop_map(|n| Subject::Role(role(n))),
    ];
    let paths = [
        "title",
        "name",
        "NAME.givenName",
        "emails.value",
        "department",
        "roles",
        "active",
        "members",
        "x",
    ];
    let networks = ["10.0.0.1", "10.0.0.0/16", "10.0.0.0/8", "::/0", "0.0.0.0/0", "192.0.2.0/24"];
    prop_oneof![
        (subject.clone(), kinds.clone()).prop_map(|(subject, kinds)| Facet::About(subject, kinds)),
        subject.prop_map(Facet::Membership),
        kinds.prop_map(Facet::Kind),
        prop::sample::select(paths.to_vec()).prop_map(|path| Facet::Changed(path.parse().unwrap())),
        any_actor().prop_map(|actor| Facet::By(actor.into())),
        (0..2_u8, 0..3_u8).prop_map(|(c, n)| Facet::With(CredentialId::new(id(5, 10 * c + n)))),
        prop::sample::select(networks.to_vec()).prop_map(|text| Facet::From(text.parse().unwrap())),
        (0..8_u8).prop_map(|n| Facet::Request(RequestId::new(id(9, n)))),
    ]
}

/// The log as it reads once the persons who were erased by its end are forgotten.
fn forgotten(log: &[Commit]) -> Vec<Commit> {
    let mut log = log.to_vec();
    for at in (0..log.len()).rev() {
        for event in log[at].events.clone() {
            let Event::UserErased { user: erased, .. } = event else { continue };
            for event in log[..at].iter_mut().flat_map(|commit| &mut commit.events) {
                if let Event::UserAttributesChanged { user, personal } = event
                    && *user == erased
                {
                    *personal = Personal::Erased;
                }
            }
        }
    }
    log
}

fn trail(log: &[Commit]) -> Trail {
    let mut trail = Trail::default();
    log.iter().for_each(|commit| trail.apply(commit).unwrap());
    trail
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// Whatever is asked for together, from whichever end.
    #[test]
    fn a_search_finds_what_a_scan_of_all_commits_finds(
        log in any_log(),
        conditions in prop::collection::vec(prop::collection::vec(any_facet(), 1..4), 0..4),
        from in 1..50_u64,
        to in 1..50_u64,
    ) {
        let trail = trail(&log);
        let read = forgotten(&log);
        let (from, to) = (Position::new(from).unwrap(), Position::new(to).unwrap());
        let mut expected: Vec<Position> = read
            .iter()
            .filter(|commit| from <= commit.position && commit.position <= to)
            .filter(|commit| conditions.iter().all(|facets| {
                facets.iter().any(|facet| commit.events.iter().any(|event| facet.matches(commit, event)))
            }))
            .map(|commit| commit.position)
            .collect();
        let found: Vec<Position> = trail.find(&conditions, from, to, Order::OldestFirst).collect();
        prop_assert_eq!(&found, &expected);
        expected.reverse();
        let found: Vec<Position> = trail.find(&conditions, from, to, Order::NewestFirst).collect();
        prop_assert_eq!(&found, &expected);
    }

    #[test]
    fn everything_about_a_subject_is_told_once_and_in_order(
        log in any_log(),
        n in 0..4_u8,
        from in 1..50_u64,
        to in 1..50_u64,
    ) {
        let trail = trail(&log);
        let (from, to) = (Position::new(from).unwrap(), Position::new(to).unwrap());
        for subject in [Subject::User(user(n)), Subject::Group(group(n)), Subject::Role(role(n))] {
            let kinds = |commit: &Commit| -> Kinds {
                let about = commit.events.iter().filter(|event| event.is_about(subject));
                about.map(Event::kind).collect()
            };
            let mut expected: Vec<(Position, Kinds)> = log
                .iter()
                .filter(|commit| from <= commit.position && commit.position <= to)
                .map(|commit| (commit.position, kinds(commit)))
                .filter(|(_, kinds)| !kinds.is_empty())
                .collect();
            let found: Vec<_> = trail.about(subject, from, to).collect();
            prop_assert_eq!(&found, &expected);
            expected.reverse();
            let found: Vec<_> = trail.about(subject, from, to).rev().collect();
            prop_assert_eq!(&found, &expected);
        }
    }

    /// The live world, which saw a person's paths, is the one of a cold replay, which cannot read them any more.
    #[test]
    fn an_erased_person_leaves_no_paths(log in any_log()) {
        prop_assert_eq!(trail(&log), trail(&forgotten(&log)));
    }
}

#[test]
fn names_are_found_after_they_were_given_up() {
    let mut trail = Trail::default();
    let renamed =
        |to: &str| Event::GroupRenamed { group: group(1), from: String::new(), to: to.into() };
    trail.add(&renamed("Sales"), 1);
    trail.add(&renamed("Field sales"), 2);
    assert_eq!(trail.groups_named("SALES"), [group(1)]);
    assert_eq!(trail.groups_named("field Sales"), [group(1)]);
    assert_eq!(trail.groups_named("Sale"), []);
    assert_eq!(trail.policies_named("Sales"), []);
}
