//! The README's walk with the real binary: create, grant, ask, export, replay, verify; and what
//! happens to archives that were tampered with.

use std::path::Path;

use crate::common::{OPERATOR_KEY, SCIM_KEY, Served, run};
use eventlog::{ArchiveReader, EventLog, MasterKey, Sealed, SledLog, Unlock};
use serde_json::{Value, json};

const PASSPHRASE: (&str, &str) = ("ROLLBOOK_KEYS_PASSPHRASE", "correct horse battery staple");

async fn provision(url: &str) {
    let http = reqwest::Client::new();
    let users = format!("{url}/scim/acme/v2/Users");
    for name in ["jane@acme.com", "joe@acme.com"] {
        let body = json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": name,
            "roles": [{ "value": "Analyst" }], "title": "canary-7c21",
        });
        let answer = http.post(&users).bearer_auth(SCIM_KEY).json(&body).send().await.unwrap();
        assert_eq!(answer.status(), 201);
    }
}

fn lines<'a>(text: &'a str, label: &str) -> Vec<&'a str> {
    text.lines().filter_map(|line| line.trim().strip_prefix(label)).map(str::trim).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_walk_of_the_readme() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let data = path("data");
    let server = Served::start(Path::new(&data));
    provision(&server.url).await;
    let remote = [("ROLLBOOK_URL", server.url.as_str()), ("ROLLBOOK_OPERATOR_KEY", OPERATOR_KEY)];

    let (status, out, err) = run(&["role", "grant", "jane@acme.com", "Admin"], &remote);
    assert_eq!((status, out.trim()), (0, "granted at position 6"), "{err}");
    let (status, out, _) = run(&["role", "grant", "jane@acme.com", "Admin"], &remote);
    assert_eq!((status, out.trim()), (0, "nothing to do: it was so already"));

    let (status, told, err) = run(&["audit", "roles", "JANE@acme.com"], &remote);
    assert_eq!(status, 0, "{err}");
    assert_eq!(told.lines().count(), 3, "{told}");
    assert!(
        told.contains("+ Admin\tAnalyst → Admin, Analyst\toperator owner\t127.0.0.1\t6"),
        "{told}"
    );
    let (status, out, err) = run(&["audit", "roles", "nobody@acme.com"], &remote);
    assert_eq!((status, out.as_str()), (1, ""));
    assert!(err.contains("`nobody@acme.com`"), "{err}");
    let (status, out, _) = run(&["audit", "commits", "--event", "GroupCreated", "--json"], &remote);
    assert_eq!((status, out.trim()), (0, "[]"));
    let (status, _, err) = run(&["audit", "roles", "x", "--data", &data], &[]);
    assert_eq!(status, 1, "two programs had the same folder open");
    assert!(err.contains("another") || err.contains("in use"), "{err}");
    drop(server);

    let archive = path("acme.rollbook");
    let (status, exported, err) =
        run(&["export", "--data", &data, "--out", &archive], &[PASSPHRASE]);
    assert_eq!(status, 0, "{err}");
    assert!(
        !exported.contains("passphrase"),
        "a passphrase that was given is not shown: {exported}"
    );
    let fresh = path("fresh");
    let (status, replayed, err) = run(&["replay", &archive, "--into", &fresh], &[PASSPHRASE]);
    assert_eq!(status, 0, "{err}");
    let (status, verified, err) = run(&["verify", "--data", &fresh], &[]);
    assert_eq!(status, 0, "{err}");
    for label in ["head hash", "directory hash"] {
        let hashes = lines(&exported, label);
        assert_eq!(hashes.len(), 2, "{exported}");
        assert_eq!(lines(&replayed, label), hashes);
        assert_eq!(lines(&verified, label), hashes);
    }
    let (status, again, _) = run(&["audit", "roles", "jane@acme.com", "--data", &fresh], &[]);
    assert_eq!((status, again), (0, told));
    let (_, told, _) = run(&["audit", "roles", "jane@acme.com", "--data", &fresh, "--json"], &[]);
    let told: Value = serde_json::from_str(&told).unwrap();
    assert_eq!(told[1]["events"][0]["before"], json!(["Analyst"]));

    // Replaying onto something, or with the wrong passphrase, does nothing.
    let (status, _, err) = run(&["replay", &archive, "--into", &fresh], &[PASSPHRASE]);
    assert_eq!(status, 1);
    assert!(err.contains("not empty"), "{err}");
    let other = path("other");
    let (status, _, _) = run(&["replay", &archive, "--into", &other], &[(PASSPHRASE.0, "wrong")]);
    assert_eq!((status, Path::new(&other).exists()), (1, false));

    // Without the keys the history stands, and nobody's values do.
    let (status, sealed, err) = run(&["replay", &archive, "--into", &other, "--without-keys"], &[]);
    assert_eq!(status, 0, "{err}");
    assert_eq!(lines(&sealed, "head hash"), lines(&exported, "head hash"));
    assert_ne!(lines(&sealed, "directory hash"), lines(&exported, "directory hash"));
    let (status, _, _) = run(&["audit", "roles", "jane@acme.com", "--data", &other], &[]);
    assert_eq!(status, 1, "an erased person is still found by name");
}

/// A replay that was cut off is carried on by the same command. Seen to catch: commits that are there
/// already and are written again.
#[test]
fn a_replay_that_was_cut_off_is_carried_on() {
    let fixture =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../replay-fixtures/okta-first-month");
    let expected = std::fs::read_to_string(fixture.join("expected.json")).unwrap();
    let expected: Value = serde_json::from_str(&expected).unwrap();
    let hash = expected["tenants"][1]["directoryHash"].as_str().unwrap();
    let passphrase = "fixtures hold invented people";
    let archive = ArchiveReader::open(&fixture.join("log.rollbook")).unwrap();
    let unlock = Unlock::passphrase(passphrase);
    let digest = archive.summary().digest;
    let keys = eventlog::read_keys(&fixture.join("log.rollbook.keys"), digest, &unlock).unwrap();
    for cut in [0, 1, 300, 728, 729] {
        let folder = tempfile::tempdir().unwrap();
        let building = folder.path().join("fresh.replaying");
        std::fs::create_dir_all(&building).unwrap();
        let (master, _) = MasterKey::load_or_create(&building).unwrap();
        let mut log = SledLog::open(&building, master).unwrap();
        for stored in archive.commits().unwrap().take(cut) {
            log = log.append(&[Sealed::again(stored.unwrap().bytes, &keys).unwrap()]).unwrap();
        }
        log.close();
        let into = folder.path().join("fresh");
        let from = fixture.join("log.rollbook");
        let arguments = ["replay", from.to_str().unwrap(), "--into", into.to_str().unwrap()];
        let (status, out, err) = run(&arguments, &[("ROLLBOOK_KEYS_PASSPHRASE", passphrase)]);
        assert_eq!(status, 0, "cut off after {cut} commits: {err}");
        assert!(out.contains(hash), "cut off after {cut} commits: {out}");
        assert!(!building.exists());
    }
}

/// The demo fills a running server and ends with a question and its answer.
#[tokio::test(flavor = "multi_thread")]
async fn the_demo_ends_with_an_answer() {
    let folder = tempfile::tempdir().unwrap();
    let server = Served::start(&folder.path().join("data"));
    let remote = [
        ("ROLLBOOK_URL", server.url.as_str()),
        ("ROLLBOOK_SCIM_KEY", SCIM_KEY),
        ("ROLLBOOK_OPERATOR_KEY", OPERATOR_KEY),
    ];
    let wrong = [remote[0], ("ROLLBOOK_SCIM_KEY", "acme:rbk_wrong"), remote[2]];
    let (status, _, err) = run(&["demo", "--people", "60"], &wrong);
    assert_eq!(status, 1);
    assert!(err.contains("401"), "{err}");
    let (status, out, err) = run(&["demo", "--people", "60"], &remote);
    assert_eq!(status, 0, "{err}");
    assert!(out.contains("users and") && out.contains("requests in"), "{out}");
    assert!(out.contains("$ rollbook audit roles ") && out.contains("+ Admin\t"), "{out}");
    let (status, _, err) = run(&["demo", "--people", "60"], &remote);
    assert_eq!(status, 1);
    assert!(err.contains("tenant open"), "{err}");
    let globex = ["tenant", "open", "globex", "--preset", "entra"];
    let (status, out, err) = run(&globex, &remote);
    assert_eq!(status, 0, "{err}");
    let key = out.split_whitespace().find(|word| word.starts_with("globex:")).unwrap();
    let (status, out, err) =
        run(&["demo", "--idp", "entra", "--people", "20", "--key", key], &remote);
    assert_eq!(status, 0, "{err}");
    assert!(out.contains("$ rollbook audit roles "), "{out}");
    let (status, out, _) = run(&["connector", "list", "--tenant", "globex"], &remote);
    assert_eq!(status, 0);
    assert!(out.contains("entra\tentra\tlenient"), "{out}");
}

/// Another identity provider plays it as well, and the question has the same kind of answer.
#[tokio::test(flavor = "multi_thread")]
async fn the_demo_is_played_by_entra_and_onelogin() {
    for idp in ["entra", "onelogin"] {
        let folder = tempfile::tempdir().unwrap();
        let server = Served::start(&folder.path().join("data"));
        let remote = [
            ("ROLLBOOK_URL", server.url.as_str()),
            ("ROLLBOOK_SCIM_KEY", SCIM_KEY),
            ("ROLLBOOK_OPERATOR_KEY", OPERATOR_KEY),
        ];
        let (status, out, err) = run(&["demo", "--idp", idp, "--people", "20"], &remote);
        assert_eq!(status, 0, "{idp}: {err}");
        assert!(out.contains("restored") && out.contains("requests in"), "{idp}: {out}");
        assert!(
            out.contains("$ rollbook audit roles ") && out.contains("+ Admin\t"),
            "{idp}: {out}"
        );
    }
}

/// Seen to catch: a folder made before the archive is checked. What each check of the archive itself
/// catches is tried in `eventlog`.
#[tokio::test(flavor = "multi_thread")]
async fn a_tampered_archive_is_refused_and_nothing_is_imported() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let data = path("data");
    let server = Served::start(Path::new(&data));
    provision(&server.url).await;
    drop(server);
    let archive = path("acme.rollbook");
    let (status, _, err) = run(&["export", "--data", &data, "--out", &archive], &[PASSPHRASE]);
    assert_eq!(status, 0, "{err}");
    let sound = std::fs::read(&archive).unwrap();
    let keys = format!("{archive}.keys");
    for place in (0..sound.len()).step_by(sound.len() / 23) {
        let mut bytes = sound.clone();
        bytes[place] ^= 0x10;
        let (name, into) = (path("bad.rollbook"), path("into"));
        std::fs::write(&name, bytes).unwrap();
        let arguments = ["replay", &name, "--into", &into, "--keys", &keys];
        let (status, _, err) = run(&arguments, &[PASSPHRASE]);
        assert_eq!(status, 1, "byte {place} was flipped and nobody noticed");
        assert!(err.contains("archive"), "{err}");
        let left: Vec<_> = std::fs::read_dir(folder.path())
            .unwrap()
            .flatten()
            .map(|entry| entry.file_name().into_string().unwrap())
            .filter(|name| name.starts_with("into"))
            .collect();
        assert_eq!(left, Vec::<String>::new(), "byte {place}: something was imported");
    }
}

/// What a person's name and title are made of stands in no file of the data folder, nor in the
/// archive: only sealed. Seen to catch: a cipher that hands its text through.
#[tokio::test(flavor = "multi_thread")]
async fn personal_values_stand_nowhere_in_clear() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let server = Served::start(&data);
    provision(&server.url).await;
    // What names a person in a path, or fails, is logged too; so is a role in the client's own words.
    let remote = [("ROLLBOOK_URL", server.url.as_str()), ("ROLLBOOK_OPERATOR_KEY", OPERATOR_KEY)];
    assert_eq!(run(&["role", "grant", "jane@acme.com", "Nope"], &remote).0, 1);
    assert_eq!(run(&["role", "grant", "jane@acme.com", "Admin"], &remote).0, 0);
    let body = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "joan@acme.com",
        "roles": [{ "value": "Analyst", "display": "canary-9e55" }],
    });
    let users = format!("{}/scim/acme/v2/Users", server.url);
    for status in [201, 409] {
        let request = reqwest::Client::new().post(&users).bearer_auth(SCIM_KEY).json(&body);
        assert_eq!(request.send().await.unwrap().status(), status);
    }
    drop(server);
    let archive = folder.path().join("acme.rollbook");
    let arguments =
        ["export", "--data", data.to_str().unwrap(), "--out", archive.to_str().unwrap()];
    assert_eq!(run(&arguments, &[PASSPHRASE]).0, 0);
    let secrets = [
        "jane@acme.com",
        "joan@acme.com",
        "canary-7c21",
        "canary-9e55",
        "binary-test-scim-secret",
        OPERATOR_KEY,
    ];
    let mut files = 0;
    let mut folders = vec![folder.path().to_owned()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(next).unwrap().flatten() {
            if entry.path().is_dir() {
                folders.push(entry.path());
                continue;
            }
            files += 1;
            let bytes = std::fs::read(entry.path()).unwrap();
            for secret in secrets {
                let found = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
                assert!(!found, "`{secret}` stands in {}", entry.path().display());
            }
        }
    }
    assert!(files > 5, "only {files} files were looked at");
}
