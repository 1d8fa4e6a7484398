//! The fixtures on the real binary: it replays them, verifies them, and records new ones.

use std::path::PathBuf;

use serde_json::Value;
use testkit::fixture::says_still;

use crate::common::{OPERATOR_KEY, Served, run};

/// As public as what it guards.
const PASSPHRASE: (&str, &str) = ("ROLLBOOK_KEYS_PASSPHRASE", "fixtures hold invented people");

fn fixtures() -> Vec<PathBuf> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../replay-fixtures");
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.is_dir()).collect()
}

#[test]
fn every_fixture_is_replayed_and_verified() {
    for fixture in fixtures() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data").to_str().unwrap().to_owned();
        let archive = fixture.join("log.rollbook").to_str().unwrap().to_owned();
        let (status, _, err) = run(&["replay", &archive, "--into", &data], &[PASSPHRASE]);
        assert_eq!(status, 0, "{}: {err}", fixture.display());
        let (status, verified, err) = run(&["verify", "--data", &data, "--json"], &[]);
        assert_eq!(status, 0, "{}: {err}", fixture.display());
        let verified: Value = serde_json::from_str(&verified).unwrap();
        let expected = std::fs::read_to_string(fixture.join("expected.json")).unwrap();
        let expected: Value = serde_json::from_str(&expected).unwrap();
        let heads = |of: &Value| -> Vec<(Value, Value, Value)> {
            let head = |tenant: &Value| {
                (
                    tenant["position"].clone(),
                    tenant["headHash"].clone(),
                    tenant["directoryHash"].clone(),
                )
            };
            of["tenants"].as_array().unwrap().iter().map(head).collect()
        };
        assert_eq!(heads(&verified), heads(&expected), "{}", fixture.display());
    }
}

#[test]
fn a_story_is_recorded_once_under_each_name() {
    let folder = tempfile::tempdir().unwrap();
    let fixtures = folder.path().to_str().unwrap();
    let record = |name: &str, story: &str| {
        run(&["fixture", "record", fixtures, "--name", name, "--story", story], &[])
    };
    let (status, out, err) = record("spring", "two-idps");
    assert_eq!(status, 0, "{err}");
    assert!(out.contains("never edited"), "{out}");
    let sums = std::fs::read_to_string(folder.path().join("SHA256SUMS")).unwrap();
    let listed: Vec<&str> = sums.lines().map(|line| line.split_once("  ").unwrap().1).collect();
    let files = ["expected.json", "facts.json", "log.rollbook", "log.rollbook.keys"];
    assert_eq!(listed, files.map(|file| format!("spring/{file}")));

    let (status, _, err) = record("spring", "okta-month");
    assert_eq!(status, 1);
    assert!(err.contains("never edited: choose another name"), "{err}");
    let (status, _, err) = record("summer", "no-such-story");
    assert_eq!(status, 1);
    assert!(err.contains("`no-such-story`"), "{err}");
    let (status, _, err) = record("../out", "two-idps");
    assert_eq!(status, 1);
    assert!(err.contains("`../out`"), "{err}");
    let left = std::fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(left, 2, "a refused recording leaves something behind");
    assert_eq!(std::fs::read_to_string(folder.path().join("SHA256SUMS")).unwrap(), sums);

    // The same story does the same at the same moments with the same ids; keys are random.
    assert_eq!(record("autumn", "two-idps").0, 0);
    let read = |file: &str| std::fs::read(folder.path().join(file)).unwrap();
    assert_eq!(read("spring/facts.json"), read("autumn/facts.json"));
    assert_ne!(read("spring/log.rollbook"), read("autumn/log.rollbook"));

    let (status, out, err) = run(&["fixture", "list", fixtures], &[]);
    assert_eq!(status, 0, "{err}");
    assert!(out.contains("two-idps") && out.contains("spring"), "{out}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_story_is_played_against_a_running_server_in_a_tenant_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let server = Served::start(&folder.path().join("data"));
    let remote = [("ROLLBOOK_URL", server.url.as_str()), ("ROLLBOOK_OPERATOR_KEY", OPERATOR_KEY)];
    let (status, out, err) = run(&["demo", "--story", "two-idps"], &remote);
    assert_eq!(status, 0, "{err}");
    assert!(out.contains("in the new tenant `two-idps`"), "{out}");
    let tenant = ["--tenant", "two-idps", "--event", "UserDeleted", "--json"];
    let (status, out, err) = run(&[&["audit", "commits"][..], &tenant].concat(), &remote);
    assert_eq!(status, 0, "{err}");
    let deleted: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(deleted.as_array().unwrap().len(), 1);
    let (status, _, err) = run(&["demo", "--story", "two-idps"], &remote);
    assert_eq!(status, 1, "a story is played twice into one tenant");
    assert!(err.contains("two-idps"), "{err}");
    let (status, ..) = run(&["demo", "--story", "no-such"], &remote);
    assert_eq!(status, 2);
}

/// The command line that asks what a recorded path asks; none where no verb does.
fn command_line(path: &str) -> Option<Vec<String>> {
    let url = reqwest::Url::parse(&format!("http://server{path}")).unwrap();
    let segments: Vec<String> = url.path_segments()?.skip(4).map(percent_decoded).collect();
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    let mut line: Vec<String> = Vec::new();
    let mut add = |words: &[&str]| line.extend(words.iter().map(|&word| word.to_owned()));
    let pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    let pairs = pairs.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    match segments.as_slice() {
        ["audit", "commits"] => {
            add(&["audit", "commits"]);
            pairs.for_each(|(name, value)| add(&[&format!("--{name}"), value]));
        }
        [kinds @ ("users" | "groups"), who] => {
            add(&["show", kinds.trim_end_matches('s'), who]);
            pairs.for_each(|(name, value)| {
                add(&[if name == "asOf" { "--at" } else { name }, value])
            });
        }
        ["diff"] => {
            add(&["diff"]);
            pairs.for_each(|(name, value)| match name {
                "from" | "to" => add(&[&format!("--{name}"), value]),
                kind => add(&[kind, value]),
            });
        }
        _ => return None,
    }
    Some(line)
}

fn percent_decoded(text: &str) -> String {
    let url = reqwest::Url::parse(&format!("http://server/?{text}")).unwrap();
    url.query_pairs().next().map(|(name, _)| name.into_owned()).unwrap_or_default()
}

#[test]
fn a_replayed_fixture_answers_the_command_line_as_it_answered_over_http() {
    let mut asked = 0;
    for fixture in fixtures() {
        let expected = std::fs::read_to_string(fixture.join("expected.json")).unwrap();
        let expected: Value = serde_json::from_str(&expected).unwrap();
        let Some(questions) = expected["questions"].as_array() else { continue };
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data").to_str().unwrap().to_owned();
        let archive = fixture.join("log.rollbook").to_str().unwrap().to_owned();
        assert_eq!(run(&["replay", &archive, "--into", &data], &[PASSPHRASE]).0, 0);
        for question in questions {
            let path = question["path"].as_str().unwrap();
            let Some(mut line) = command_line(path) else { continue };
            line.extend(["--json", "--data", &data].map(str::to_owned));
            let line: Vec<&str> = line.iter().map(String::as_str).collect();
            let (status, out, err) = run(&line, &[]);
            assert_eq!(status, 0, "{line:?}: {err}");
            let printed: Value = serde_json::from_str(&out).unwrap();
            let answer = &question["answer"];
            // The command line prints the commits alone; a page's end is no matter of its.
            let answer = answer.get("commits").unwrap_or(answer);
            says_still(answer, &printed).unwrap_or_else(|why| panic!("{line:?}: {why}"));
            asked += 1;
        }
    }
    assert!(asked >= 20, "only {asked} questions were asked");
}
