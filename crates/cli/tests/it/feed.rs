//! `rollbook feed` on the running binary: over kills of the server and of itself.

use std::io::{BufRead, BufReader, Lines};
use std::process::{Child, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

use crate::common::{OPERATOR_KEY, SCIM_KEY, Served, rollbook, run};

const CORE: &str = "urn:ietf:params:scim:schemas:core:2.0:User";

/// A running `rollbook feed --follow`.
struct Follower {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Follower {
    fn start(url: &str, arguments: &[&str]) -> Follower {
        let mut command = rollbook(&["feed", "--follow", "--tenant", "acme", "--server", url]);
        command.args(arguments).env("ROLLBOOK_OPERATOR_KEY", OPERATOR_KEY);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Follower { child, lines }
    }

    /// The positions of the next commits that it tells.
    fn told(&mut self, count: usize) -> Vec<u64> {
        let lines = self.lines.by_ref().take(count);
        let entry = |line: std::io::Result<String>| -> Value {
            serde_json::from_str(&line.unwrap()).unwrap()
        };
        lines.map(|line| entry(line)["position"].as_u64().unwrap()).collect()
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

async fn users(url: &str, names: std::ops::Range<u32>) {
    for number in names {
        let body = json!({ "schemas": [CORE], "userName": format!("u{number}") });
        let request = reqwest::Client::new().post(format!("{url}/scim/acme/v2/Users"));
        let answer = request.bearer_auth(SCIM_KEY).json(&body).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), 201);
    }
}

/// Each commit is told, in order, whoever was away meanwhile.
#[tokio::test(flavor = "multi_thread")]
async fn a_follower_goes_on_over_kills_of_the_server_and_of_itself() {
    let folder = tempfile::tempdir().unwrap();
    let (data, state) = (folder.path().join("data"), folder.path().join("state.json"));
    let state = state.to_str().unwrap();
    let server = Served::start(&data);
    let address = server.url.strip_prefix("http://").unwrap().to_owned();
    users(&server.url, 0..5).await;
    let mut follower = Follower::start(&server.url, &["--state", state]);
    let first = follower.told(4);
    drop(server);
    // The same address again: the follower finds it.
    let server = Served::start_at(&data, &address);
    users(&server.url, 5..8).await;
    let (_, all, _) = pages(&server.url, &[]);
    let last = *all.last().unwrap();
    let mut told = first;
    told.extend(follower.told(last as usize - 4));
    assert_eq!(told, all, "nothing lost, nothing twice");
    // The state is written after a line: at the last line it may be one behind.
    users(&server.url, 8..9).await;
    assert_eq!(follower.told(1), [last + 1]);
    drop(follower);
    let kept: Value = serde_json::from_slice(&std::fs::read(state).unwrap()).unwrap();
    let after = kept["after"].as_u64().unwrap();
    assert!(after == last || after == last + 1, "{kept}");
    users(&server.url, 9..10).await;
    let mut follower = Follower::start(&server.url, &["--state", state]);
    assert_eq!(follower.told((last + 2 - after) as usize).last(), Some(&(last + 2)));
    // Ctrl-C is how it is ended: status 0.
    let id = follower.child.id().to_string();
    assert!(Command::new("kill").args(["-INT", &id]).status().unwrap().success());
    assert_eq!(follower.child.wait().unwrap().code(), Some(0));
    // Whoever follows ends with the server told to stop, too: it does not hang.
    let _open = Follower::start(&server.url, &[]);
    server.stop();
}

/// The positions of a feed's pages.
fn pages(url: &str, arguments: &[&str]) -> (i32, Vec<u64>, String) {
    let mut all = vec!["feed", "--tenant", "acme", "--server", url];
    all.extend(arguments);
    let (status, out, err) = run(&all, &[("ROLLBOOK_OPERATOR_KEY", OPERATOR_KEY)]);
    (status, lines(&out), err)
}

fn lines(out: &str) -> Vec<u64> {
    let entry = |line: &str| serde_json::from_str::<Value>(line).unwrap();
    out.lines().map(|line| entry(line)["position"].as_u64().unwrap()).collect()
}

/// A running server and a data folder tell the same, and both notice a log that is another's.
#[tokio::test(flavor = "multi_thread")]
async fn pages_are_the_same_from_a_server_and_from_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let server = Served::start(&data);
    users(&server.url, 0..3).await;
    let other = folder.path().join("other.json");
    let hash = "5".repeat(64);
    let text = json!({ "tenant": "acme", "after": 3, "hash": hash }).to_string();
    std::fs::write(&other, text).unwrap();
    let other = other.to_str().unwrap();
    let questions: [&[&str]; 6] = [
        &[],
        &["--after", "2", "--count", "2"],
        &["--event", "UserCreated"],
        &["--subject", "u1", "--format", "csv"],
        &["--format", "table"],
        &["--connector", "okta", "--user", "u0", "--user", "u2", "--address", "127.0.0.1"],
    ];
    let key = [("ROLLBOOK_OPERATOR_KEY", OPERATOR_KEY)];
    let ask = |from: &[&str], question: &[&str]| {
        run(&[&["feed", "--tenant", "acme"], from, question].concat(), &key)
    };
    let remote = ["--server", &server.url];
    let there: Vec<_> = questions.iter().map(|question| ask(&remote, question)).collect();
    for (status, out, err) in &there {
        assert_eq!((*status, err.as_str()), (0, ""));
        assert!(!out.is_empty());
    }
    assert_eq!(lines(&there[1].1), [3, 4]);
    assert_eq!(lines(&there[5].1).len(), 2);
    let parted = ask(&remote, &["--state", other]);
    assert!(parted.0 == 1 && parted.2.contains(&hash), "{}", parted.2);
    let ahead = ask(&remote, &["--after", "99"]);
    assert!(ahead.0 == 1 && ahead.2.contains("this log ends at"), "{}", ahead.2);
    server.stop();
    let local = ["--data", data.to_str().unwrap()];
    for (question, there) in questions.iter().zip(&there) {
        assert_eq!(ask(&local, question).1, there.1, "{question:?}");
    }
    let parted = ask(&local, &["--state", other]);
    assert!(parted.0 == 1 && parted.2.contains(&hash), "{}", parted.2);
    let ahead = ask(&local, &["--after", "99"]);
    assert!(ahead.0 == 1 && ahead.2.contains("this log ends at"), "{}", ahead.2);
    assert_eq!(ask(&local, &["--follow"]).0, 2);
}
