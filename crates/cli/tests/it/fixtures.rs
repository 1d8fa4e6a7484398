//! The fixtures on the real binary: it replays them, verifies them, and records new ones.

use std::path::PathBuf;

use serde_json::Value;

use crate::common::run;

/// As public as what it guards.
const PASSPHRASE: (&str, &str) = ("ROLLBOOK_KEYS_PASSPHRASE", "fixtures hold invented people");

fn fixtures() -> Vec<PathBuf> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../replay-fixtures");
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.is_dir()).collect()
}

/// Seen to catch: a directory hash that `expected.json` does not have.
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

    let (status, out, err) = run(&["fixture", "list", fixtures], &[]);
    assert_eq!(status, 0, "{err}");
    assert!(out.contains("two-idps") && out.contains("spring"), "{out}");
}
