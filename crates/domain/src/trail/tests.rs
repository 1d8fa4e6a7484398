//! The trail beside a scan of every commit.

use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::credential::Terms;
use crate::event::{AttributeChange, Holder, Member, Renamed};
use crate::id::{ConnectorId, CredentialId, OperatorId, RoleId, RuleId, TenantId};
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

fn policy(number: u8) -> PolicyId {
    PolicyId::new(id(7, number))
}

fn connector(number: u8) -> ConnectorId {
    ConnectorId::new(id(4, number))
}

fn credential(number: u8) -> CredentialId {
    CredentialId::new(id(5, number))
}

fn operator(number: u8) -> OperatorId {
    OperatorId::new(id(6, number))
}

fn any_actor() -> impl Strategy<Value = Actor> {
    prop_oneof![
        (0..2_u8, 0..2_u8).prop_map(|(number, key)| Actor::Connector {
            id: connector(number),
            credential: credential(10 * number + key),
        }),
        (0..2_u8).prop_map(|n| Actor::Operator { id: operator(n) }),
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
        1 => (0..3_u8, "[aB]").prop_map(|(g, name)| Event::GroupCreated {
            group: group(g),
            display_name: name,
            managed_by: None,
            external_id: None,
            attributes: scim::Packed::default(),
        }),
        1 => (0..3_u8).prop_map(|n| Event::UserRenamed {
            user: user(n),
            personal: Personal::Known(Renamed { from: "a".into(), to: "b".into() }),
        }),
        1 => (0..3_u8, 0..2_u8, any::<bool>()).prop_map(|(g, r, added)| {
            let (rule, group, role) = (RuleId::new(id(8, g)), group(g), role(r));
            if added { Event::RuleAdded { rule, group, role } } else { Event::RuleRemoved { rule, group, role } }
        }),
        1 => (0..2_u8, "[aB]").prop_map(|(n, name)| Event::PolicyCreated { policy: policy(n), name, text: String::new() }),
        1 => (0..2_u8).prop_map(|n| Event::PolicyChanged { policy: policy(n), text: String::new() }),
        1 => (0..2_u8, any_holder()).prop_map(|(n, holder)| Event::CredentialIssued {
            credential: credential(n),
            holder,
            hash: Hash::ZERO,
            hint: String::new(),
            expires: None,
            terms: Terms::default(),
        }),
        1 => (0..2_u8).prop_map(|n| Event::CredentialEnds {
            credential: credential(n),
            at: Timestamp::from_millis(5),
        }),
        1 => (0..2_u8).prop_map(|n| Event::CredentialRevoked { credential: credential(n) }),
    ]
}

fn any_holder() -> impl Strategy<Value = Holder> {
    prop_oneof![
        (0..3_u8).prop_map(|n| Holder::User(user(n))),
        (0..2_u8).prop_map(|n| Holder::Connector(connector(n))),
        (0..2_u8).prop_map(|n| Holder::Operator(operator(n))),
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
                    claimed: None,
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
        (0..2_u8).prop_map(|n| Subject::Policy(policy(n))),
        (0..2_u8).prop_map(|n| Subject::Connector(connector(n))),
        (0..3_u8).prop_map(|n| Subject::Credential(credential(n))),
        (0..2_u8).prop_map(|n| Subject::Operator(operator(n))),
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
        "userName",
        "displayName",
        "x",
    ];
    let networks = ["10.0.0.1", "10.0.0.0/16", "10.0.0.0/8", "::/0", "0.0.0.0/0", "192.0.2.0/24"];
    prop_oneof![
        (subject.clone(), kinds.clone()).prop_map(|(subject, kinds)| Facet::About(subject, kinds)),
        subject.prop_map(Facet::Membership),
        kinds.prop_map(Facet::Kind),
        Just(Facet::SessionRevoked),
        prop::sample::select(paths.to_vec()).prop_map(|path| Facet::Changed(path.parse().unwrap())),
        any_actor().prop_map(|actor| Facet::By(actor.into())),
        (0..2_u8, 0..3_u8).prop_map(|(c, n)| Facet::With(credential(10 * c + n))),
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

fn check_search(
    trail: &Trail,
    log: &[Commit],
    conditions: &[Vec<Facet>],
    from: Position,
    to: Position,
) -> Result<(), TestCaseError> {
    let meets = |commit: &Commit, facets: &Vec<Facet>| {
        let mut events = commit.events.iter();
        events.any(|event| facets.iter().any(|facet| facet.matches(commit, event)))
    };
    let mut expected: Vec<Position> = log
        .iter()
        .filter(|commit| from <= commit.position && commit.position <= to)
        .filter(|commit| conditions.iter().all(|facets| meets(commit, facets)))
        .map(|commit| commit.position)
        .collect();
    let found: Vec<Position> = trail.find(conditions, from, to, Order::OldestFirst).collect();
    prop_assert_eq!(&found, &expected, "{:?}", conditions);
    expected.reverse();
    let found: Vec<Position> = trail.find(conditions, from, to, Order::NewestFirst).collect();
    prop_assert_eq!(&found, &expected, "{:?}", conditions);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// Whatever is asked for together, from whichever end.
    ///
    /// Seen to catch, left out of the trail: touches of members, of groups, roles, policies, credentials, or holders of keys; kinds, makers,
    /// addresses, paths, what changes an attribute without naming it, requests. And: a member taken for the group, an address that is kept as it
    /// was written, a credential or a request's hash that is not compared; either end of the range left out, one more taken, a range of one
    /// taken for none; with the newest first, a list that looks ahead or is told oldest first; a leap past a match, one without
    /// asking the other lists again, and a union without one of its lists.
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
        check_search(&trail, &read, &conditions, from, to)?;
        // What is asked for together seldom happens together: each on its own, too.
        for facet in conditions.into_iter().flatten() {
            check_search(&trail, &read, &[vec![facet]], Position::FIRST, Position::MAX)?;
        }
    }

    /// Seen to catch: the last of the range left out, kinds of one commit that are not joined, a subject that is known though nothing
    /// happened to it.
    #[test]
    fn everything_about_a_subject_is_told_once_and_in_order(
        log in any_log(),
        n in 0..3_u8,
        from in 1..50_u64,
        to in 1..50_u64,
    ) {
        let trail = trail(&log);
        let (from, to) = (Position::new(from).unwrap(), Position::new(to).unwrap());
        let all = [
            Subject::User(user(n)),
            Subject::Group(group(n)),
            Subject::Role(role(n)),
            Subject::Policy(policy(n)),
            Subject::Credential(credential(n)),
        ];
        for subject in all {
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
            let ever = log.iter().any(|commit| !kinds(commit).is_empty());
            prop_assert_eq!(trail.knows(subject), ever);
        }
    }

    /// Seen to catch: names of created groups, renamed groups or policies left out, a name that is not folded.
    #[test]
    fn a_name_leads_to_all_who_ever_had_it(log in any_log()) {
        let trail = trail(&log);
        for name in ["a", "b", "A", "B", "c"] {
            let (mut groups, mut policies) = (Vec::new(), Vec::new());
            for event in log.iter().flat_map(|commit| &commit.events) {
                if let Event::GroupCreated { group, display_name: there, .. }
                | Event::GroupRenamed { group, to: there, .. } = event
                    && there.eq_ignore_ascii_case(name)
                {
                    groups.push(*group);
                }
                if let Event::PolicyCreated { policy, name: there, .. } = event
                    && there.eq_ignore_ascii_case(name)
                {
                    policies.push(*policy);
                }
            }
            groups.sort();
            groups.dedup();
            policies.sort();
            policies.dedup();
            prop_assert_eq!(trail.groups_named(name), groups);
            prop_assert_eq!(trail.policies_named(name), policies);
        }
    }

    /// Several commits may be of one millisecond: the last of them is meant.
    /// Seen to catch: the commit before that time, and the time of the commit after.
    #[test]
    fn a_time_means_the_last_commit_until_then(log in any_log()) {
        let trail = trail(&log);
        for commit in &log {
            prop_assert_eq!(trail.time(commit.position), Some(commit.at));
        }
        let past = Position::new(log.len() as u64 + 1).unwrap();
        prop_assert_eq!(trail.time(past), None);
        let end = log.last().map_or(0, |commit| commit.at.millis());
        for millis in -1..=end + 1 {
            let time = Timestamp::from_millis(millis);
            let last = log.iter().rfind(|commit| commit.at <= time).map(|commit| commit.position);
            prop_assert_eq!(trail.at(time), last);
        }
    }

    /// The live world, which saw a person's paths, is the one of a cold replay, which cannot read them any more.
    /// Seen to catch: paths that are kept, that are forgotten of one commit only, and empty lists that stay.
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
