//! Recorded histories replay to exactly the head, the directory and the answers that they had.

use audit::{Question, ask, find_user};
use domain::event::{EventKind, Subject};
use serde_json::json;
use testkit::fixture::{self, Fixture};

/// Seen to catch: a flipped byte in `log.rollbook`, and a changed hash in `expected.json`.
#[test]
fn every_fixture_replays_to_its_head_and_directory() {
    let names = fixture::names();
    assert!(names.contains(&"okta-first-month".to_owned()), "{names:?}");
    for name in names {
        let Fixture { engine, expected } = Fixture::replay(&name);
        let world = engine.world();
        let reached: Vec<_> = world
            .iter()
            .map(|(id, snapshot)| {
                let directory = &snapshot.directory;
                directory.agrees().unwrap_or_else(|why| panic!("{name}: {why}"));
                json!({
                    "tenant": id,
                    "slug": directory.tenant.as_ref().map(|tenant| &tenant.slug),
                    "position": snapshot.head.position,
                    "headHash": snapshot.head.hash,
                    "directoryHash": eventlog::fingerprint(directory),
                    "users": directory.users.len(),
                    "groups": directory.groups.len(),
                })
            })
            .collect();
        assert_eq!(json!(reached), expected["tenants"], "{name}");
        assert!(Fixture::links_without_keys(&name), "{name}: the chain needs somebody's key");
    }
}

/// The audit question that the month is about has the answer that it had when it was recorded.
#[test]
fn every_fixture_answers_its_question() {
    for name in fixture::names() {
        let Fixture { engine, expected } = Fixture::replay(&name);
        let world = engine.world();
        let (tenant, snapshot) = world.with_slug("acme").unwrap();
        let user = expected["rolesOf"].as_str().unwrap();
        let question = Question {
            subjects: find_user(snapshot, user).unwrap().into_iter().map(Subject::User).collect(),
            kinds: [EventKind::RoleAssigned, EventKind::RoleRevoked].into_iter().collect(),
            ..Question::default()
        };
        let answer = ask(&engine, tenant.id, &question).unwrap();
        assert_eq!(json!(answer), expected["answer"], "{name}");
        assert!(answer.len() >= 2, "{name}: there is nothing to tell");
    }
}
