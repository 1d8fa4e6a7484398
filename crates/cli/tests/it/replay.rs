//! `rollbook replay`, as far as a moment and for one tenant.

use std::path::Path;
use std::sync::Arc;

use domain::id::TenantId;
use domain::position::Position;
use domain::snapshot::Snapshot;
use domain::time::Timestamp;
use engine::{Engine, When};
use eventlog::{EventLog, LogReader, MasterKey, SledLog};
use serde_json::json;

use crate::common::{OPERATOR_KEY, SCIM_KEY, Served, run};

/// What archives of these tests are encrypted to, so that no test waits for a passphrase.
const RECIPIENT: &str = "age1jwdxhxj5w8jp80e0aww3mq2rz0f7k5mewu7kd6vhpt9y70cg4fjqzmwmqv";
/// What they are opened with.
const IDENTITY: &str = "AGE-SECRET-KEY-1ZPZ5UJCEEW64J8UP7ETXJSKZGUD7S8LLLTV59L33KA5HJF0M099QW7KVGQ";

/// Exports a data folder, and says what to give `replay` to open the archive.
fn export(folder: &Path, data: &str) -> (String, String) {
    let path = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    let (archive, identity) = (path("all.rollbook"), path("identity.txt"));
    std::fs::write(&identity, format!("# for tests\n{IDENTITY}\n")).unwrap();
    let arguments = ["export", "--data", data, "--out", &archive, "--recipient", RECIPIENT];
    let (status, _, err) = run(&arguments, &[]);
    assert_eq!(status, 0, "{err}");
    (archive, identity)
}

/// Two tenants, people who come and go, and a server that was stopped then.
async fn history(data: &Path) {
    let server = Served::start(data);
    let remote = [("ROLLBOOK_URL", server.url.as_str()), ("ROLLBOOK_OPERATOR_KEY", OPERATOR_KEY)];
    let http = reqwest::Client::new();
    let users = format!("{}/scim/acme/v2/Users", server.url);
    let mut ids = Vec::new();
    for name in ["jane@acme.com", "joe@acme.com", "jill@acme.com"] {
        let body = json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": name,
            "name": { "givenName": "Jane", "familyName": "Doe" }, "roles": [{ "value": "Analyst" }],
        });
        let answer = http.post(&users).bearer_auth(SCIM_KEY).json(&body).send().await.unwrap();
        assert_eq!(answer.status(), 201);
        let body: serde_json::Value = answer.json().await.unwrap();
        ids.push(body["id"].as_str().unwrap().to_owned());
    }
    let (status, _, err) = run(&["tenant", "open", "globex"], &remote);
    assert_eq!(status, 0, "{err}");
    for (name, role) in [("jane@acme.com", "Admin"), ("joe@acme.com", "Business User")] {
        let (status, _, err) = run(&["role", "grant", name, role, "--tenant", "acme"], &remote);
        assert_eq!(status, 0, "{err}");
    }
    let jill = format!("{users}/{}", ids[2]);
    assert_eq!(http.delete(jill).bearer_auth(SCIM_KEY).send().await.unwrap().status(), 204);
    server.stop();
}

/// An engine on a data folder that nobody serves.
fn engine(data: &Path) -> (Engine, eventlog::Reader) {
    let (master, _) = MasterKey::load_or_create(data).unwrap();
    let log = SledLog::open(data, master).unwrap();
    let reader = log.reader();
    let clock = Arc::new(|| Timestamp::from_millis(i64::MAX));
    (Engine::start(log, clock, |_| {}).unwrap(), reader)
}

fn proof(snapshot: &Snapshot) -> (Option<Position>, String, String) {
    let directory = eventlog::fingerprint(&snapshot.directory).to_string();
    (snapshot.head.position, snapshot.head.hash.to_string(), directory)
}

/// What a folder's logs come to, by slug.
async fn proofs(data: &Path) -> Vec<(TenantId, (Option<Position>, String, String))> {
    let (engine, _) = engine(data);
    let all = engine.world().iter().map(|(id, snapshot)| (id, proof(snapshot))).collect();
    engine.stop().await;
    all
}

/// Positions of a tenant, and moments at which anything happened. Seen to catch: an end by time that
/// leaves out what happened at that very moment.
#[tokio::test(flavor = "multi_thread")]
async fn a_replay_ends_where_it_is_told_to() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let data = path("data");
    history(Path::new(&data)).await;
    let (archive, identity) = export(folder.path(), &data);
    let archived = ["replay", &archive, "--identity-file", &identity, "--into"];
    let (engine, _) = engine(Path::new(&data));
    let world = engine.world();
    let acme = world.with_slug("acme").unwrap().0.id;
    let mut at_position = Vec::new();
    let mut at_time = Vec::new();
    for (id, snapshot) in world.iter() {
        for position in 1..=snapshot.head.position.unwrap().get() {
            let when = When::Position(Position::new(position).unwrap());
            let then = engine.as_of(id, when).unwrap();
            if id == acme {
                at_position.push((position, proof(&then)));
            }
            let all: Vec<_> = world
                .iter()
                .filter_map(|(id, _)| {
                    let then = engine.as_of(id, When::Time(then.head.time)).ok()?;
                    Some((id, proof(&then)))
                })
                .collect();
            at_time.push((then.head.time, all));
        }
    }
    engine.stop().await;
    drop((engine, world));
    assert!(at_position.len() > 8 && at_time.len() > 12);

    for (number, (position, expected)) in at_position.iter().enumerate().step_by(3) {
        let into = path(&format!("position-{number}"));
        let until = position.to_string();
        let arguments = [&into, "--tenant", "acme", "--until", &until];
        let (status, out, err) = run(&[&archived[..], &arguments].concat(), &[]);
        assert_eq!(status, 0, "{err}");
        assert!(out.contains(&expected.1) && out.contains(&expected.2), "{position}: {out}");
        let copied = proofs(Path::new(&into)).await;
        let tenants: Vec<_> = copied.iter().map(|(id, _)| *id).collect();
        assert_eq!(tenants, [TenantId::SYSTEM, acme], "another tenant came along");
        assert_eq!(copied[1].1, *expected);
    }
    for (number, (time, expected)) in at_time.iter().enumerate().step_by(4) {
        let into = path(&format!("time-{number}"));
        let until = time.to_string();
        let (status, _, err) = run(&[&archived[..], &[&into, "--until", &until]].concat(), &[]);
        assert_eq!(status, 0, "{err}");
        assert_eq!(proofs(Path::new(&into)).await, *expected, "{time}");
    }

    // Nobody's key is there who came to be later.
    let (engine, reader) = self::engine(&folder.path().join("position-3"));
    let users = engine.now(acme).unwrap().directory.users.len();
    assert_eq!(reader.persons(acme).unwrap().len(), users);
    engine.stop().await;

    // A data folder is as good as an archive; a tenant alone opens with its own key.
    let alone = path("alone");
    let (status, out, err) = run(&["replay", &data, "--into", &alone, "--tenant", "acme"], &[]);
    assert_eq!(status, 0, "{err}");
    assert!(out.contains(&at_position.last().unwrap().1.1), "{out}");
    let server = Served::start(Path::new(&alone));
    let remote = [("ROLLBOOK_URL", server.url.as_str()), ("ROLLBOOK_OPERATOR_KEY", OPERATOR_KEY)];
    let (status, out, err) = run(&["audit", "roles", "jane@acme.com"], &remote);
    assert_eq!((status, out.lines().count()), (0, 3), "{err}");
    let (_, tenants, _) = run(&["tenant", "list"], &remote);
    assert!(tenants.contains("acme") && !tenants.contains("globex"), "{tenants}");
    drop(server);

    for (arguments, status, told) in [
        (vec!["--until", "41"], 1, "name it with --tenant"),
        (vec!["--until", "9999", "--tenant", "acme"], 1, "the log of `acme` ends at"),
        (vec!["--until", "2001-01-01"], 1, "the first log begins at"),
        (vec!["--until", "2001-01-01", "--tenant", "acme"], 1, "did not exist yet"),
        (vec!["--until", "2999-01-01"], 1, "is yet to come"),
        (vec!["--until", "soon"], 2, "is no moment"),
        (vec!["--tenant", "nobody"], 1, "there are: acme, globex"),
        (vec!["--tenant", "_system"], 1, "the instance's own log"),
    ] {
        let into = path("refused");
        let (was, _, err) = run(&[&archived[..], &[&into], &arguments].concat(), &[]);
        assert_eq!(was, status, "{arguments:?}: {err}");
        assert!(err.contains(told), "{arguments:?}: {err}");
        assert!(!Path::new(&into).exists() && !folder.path().join("refused.replaying").exists());
    }
}
