//! Recorded histories replay to exactly the head, the directory and the answers that they had, and none of
//! their files was ever edited.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use audit::{Question, ask, find_user};
use domain::event::{EventKind, Subject};
use serde_json::json;
use testkit::fixture::{self, Fixture, says_still};
use testkit::house;

/// The fixture from before there were questions and facts.
const FIRST: &str = "okta-first-month";

/// Seen to catch: a flipped byte in `log.rollbook`, and a changed hash in `expected.json`.
#[test]
fn every_fixture_replays_to_its_head_and_directory() {
    let names = fixture::names();
    assert!(names.contains(&FIRST.to_owned()), "{names:?}");
    for name in names {
        let Fixture { engine, expected, .. } = Fixture::replay(&name);
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

/// The audit question that the first month is about has the answer that it had when it was recorded.
#[test]
fn the_first_fixture_answers_its_question() {
    let Fixture { engine, expected, .. } = Fixture::replay(FIRST);
    let world = engine.world();
    let (tenant, snapshot) = world.with_slug("acme").unwrap();
    let user = expected["rolesOf"].as_str().unwrap();
    let question = Question {
        subjects: find_user(snapshot, user).unwrap().into_iter().map(Subject::User).collect(),
        kinds: [EventKind::RoleAssigned, EventKind::RoleRevoked].into_iter().collect(),
        ..Question::default()
    };
    let answer = ask(&engine, tenant.id, &question).unwrap();
    says_still(&expected["answer"], &json!(answer)).unwrap();
    assert!(answer.len() >= 2, "there is nothing to tell");
}

/// Seen to catch: names as they are now instead of as they were then, and a `to` that is read as exclusive.
#[tokio::test(flavor = "multi_thread")]
async fn every_fixture_answers_what_it_answered() {
    for name in fixture::names().iter().filter(|name| *name != FIRST) {
        let fixture = Fixture::replay(name);
        let serving = fixture.serve().await;
        let questions = fixture.expected["questions"].as_array().unwrap();
        assert!(!questions.is_empty(), "{name}: nothing is asked");
        for question in questions {
            let path = question["path"].as_str().unwrap();
            let answer = serving.operator.get(path).await.expect(200).body;
            says_still(&question["answer"], &answer)
                .unwrap_or_else(|why| panic!("{name}: {}: {path}: {why}", question["name"]));
        }
    }
}

#[test]
fn an_answer_may_say_more_and_never_less() {
    let recorded = json!({"commits": [{"position": 3, "events": [{"type": "UserDeleted"}]}]});
    let more = json!({"commits": [{"position": 3, "claimed": "x",
        "events": [{"type": "UserDeleted", "userName": "jane"}]}], "next": null});
    assert_eq!(says_still(&recorded, &more), Ok(()));
    for (less, why) in [
        (json!({"commits": []}), "/commits had 1 elements and has 0"),
        (json!({"commits": [{"position": 3}]}), "/commits/0/events is not answered any more"),
        (
            json!({"commits": [{"position": 4, "events": [{"type": "UserDeleted"}]}]}),
            "/commits/0/position was 3 and is 4",
        ),
    ] {
        assert_eq!(says_still(&recorded, &less), Err(why.to_owned()));
    }
}

/// Seen to catch: an edited `facts.json`, a folder without sums, and a sum without its file.
#[test]
fn every_file_of_every_fixture_has_the_sum_that_is_listed() {
    let folder = fixture::folder();
    let listed = std::fs::read_to_string(folder.join("SHA256SUMS")).unwrap();
    let listed: BTreeMap<&str, &str> =
        listed.lines().map(|line| line.split_once("  ").unwrap()).map(|(s, f)| (f, s)).collect();
    let mut found = BTreeMap::new();
    for name in fixture::names() {
        for entry in std::fs::read_dir(folder.join(&name)).unwrap() {
            let entry = entry.unwrap();
            let file = format!("{name}/{}", entry.file_name().to_str().unwrap());
            let sum = eventlog::hash(&std::fs::read(entry.path()).unwrap()).to_string();
            found.insert(file, sum);
        }
    }
    for (file, sum) in &found {
        let was = listed.get(file.as_str());
        assert_eq!(was, Some(&sum.as_str()), "{file}: a fixture is never edited; record a new one");
    }
    assert_eq!(found.len(), listed.len(), "a file is listed that is not there");
}

/// Sums can be edited along with what they are of; git remembers. Seen to catch a commit that edits
/// both.
#[test]
fn no_commit_ever_edited_a_fixture() {
    let root = house::root();
    if !root.join(".git").exists() {
        // An unpacked source archive: nobody remembers.
        return;
    }
    let listed = ["log", "--diff-filter=A", "--format=%H", "--", "replay-fixtures/SHA256SUMS"];
    let listed = git(&root, &listed);
    let Some(first) = listed.lines().last() else { return };
    let since = format!("{first}..HEAD");
    let edited = ["--no-renames", "--diff-filter=MDT"];
    let files = ["--", ":(glob)replay-fixtures/*/**"];
    let edits = [&["log", "--format=%h", &since][..], &edited, &files].concat();
    assert_eq!(git(&root, &edits), "", "these commits edit a fixture; record a new one instead");
    let edits = [&["diff", "HEAD", "--name-only"][..], &edited, &files].concat();
    assert_eq!(git(&root, &edits), "", "these files are edited; record a new fixture instead");
    let sums = git(&root, &["log", "--numstat", "--format=", "--", "replay-fixtures/SHA256SUMS"]);
    for line in sums.lines() {
        assert_eq!(line.split('\t').nth(1), Some("0"), "a commit took lines away: {line}");
    }
}

fn git(root: &Path, arguments: &[&str]) -> String {
    let output = Command::new("git").arg("-C").arg(root).args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}
