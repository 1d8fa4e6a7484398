//! `rollbook replay --from`: a warm copy of a running server, and servers that do not tell the truth.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use data_encoding::BASE64;
use reqwest::Client;
use serde_json::{Value, json};

use crate::common::{OPERATOR_KEY, SCIM_KEY, Served, rollbook, run};

/// Somebody else.
const RECIPIENT: &str = "age1jwdxhxj5w8jp80e0aww3mq2rz0f7k5mewu7kd6vhpt9y70cg4fjqzmwmqv";
const KEY: (&str, &str) = ("ROLLBOOK_OPERATOR_KEY", OPERATOR_KEY);

/// Makes a user, and answers when that is durable.
async fn create(url: &str, name: &str) {
    let body = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": name,
        "roles": [{ "value": "Analyst", "display": "of their own" }],
    });
    let request = Client::new().post(format!("{url}/scim/acme/v2/Users")).bearer_auth(SCIM_KEY);
    assert_eq!(request.json(&body).send().await.unwrap().status(), 201);
}

async fn names(url: &str) -> Vec<String> {
    let request = Client::new().get(format!("{url}/scim/acme/v2/Users")).bearer_auth(SCIM_KEY);
    let list: Value = request.send().await.unwrap().json().await.unwrap();
    let all = list["Resources"].as_array().unwrap().iter();
    let mut names: Vec<_> = all.map(|user| user["userName"].as_str().unwrap().to_owned()).collect();
    names.sort();
    names
}

fn verified(data: &str) -> Value {
    let (status, out, err) = run(&["verify", "--data", data, "--json"], &[]);
    assert_eq!(status, 0, "{err}");
    serde_json::from_str::<Value>(&out).unwrap()["tenants"].clone()
}

/// A follower that is asked to end once it has begun, and does so well.
fn follow(url: &str, into: &str) {
    let mut command = rollbook(&["replay", "--from", url, "--into", into, "--follow"]);
    command.env(KEY.0, KEY.1).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(child.stderr.take().unwrap()));
    let in_step = lines.find(|line| line.as_ref().is_ok_and(|line| line.contains("in step")));
    assert!(in_step.is_some(), "it never was in step");
    assert!(
        Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap().success()
    );
    lines.for_each(drop);
    let mut said = String::new();
    child.stdout.take().unwrap().read_to_string(&mut said).unwrap();
    assert!(child.wait().unwrap().success(), "it did not end well");
    assert!(said.contains("\nproved: "), "{said}");
}

/// Seen to catch: a copy that begins at the wrong position when it is carried on.
#[tokio::test(flavor = "multi_thread")]
async fn a_warm_copy_is_served_when_the_source_dies() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (data, copy) = (path("data"), path("copy"));
    let server = Served::start(Path::new(&data));
    let url = server.url.clone();
    create(&url, "jane@acme.com").await;
    let once = ["replay", "--from", &url, "--into", &copy];
    let (status, out, err) = run(&once, &[KEY]);
    assert_eq!(status, 0, "{err}");
    assert!(out.contains("commits copied from") && out.contains("\nproved: "), "{out}");

    let other = path("other");
    std::fs::create_dir(&other).unwrap();
    std::fs::write(format!("{other}/letter.txt"), "mine").unwrap();
    let (status, _, err) = run(&["replay", "--from", &url, "--into", &other], &[KEY]);
    assert_eq!(status, 1);
    assert!(err.contains("neither empty nor a copy"), "{err}");

    // While somebody follows, people and tenants come to be, and one is forgotten.
    follow(&url, &copy);
    create(&url, "joe@acme.com").await;
    let remote = [("ROLLBOOK_URL", url.as_str()), KEY];
    assert_eq!(run(&["tenant", "open", "globex"], &remote).0, 0);
    follow(&url, &copy);
    create(&url, "jill@acme.com").await;
    let erase =
        ["erase", "user", "jane@acme.com", "--reason", "request 1", "--yes", "--tenant", "acme"];
    let (status, _, err) = run(&erase, &remote);
    assert_eq!(status, 0, "{err}");
    follow(&url, &copy);
    let (status, out, err) = run(&once, &[KEY]);
    assert_eq!(status, 0, "{err}");
    assert!(out.contains("0 commits copied"), "{out}");
    let expected = names(&url).await;
    drop(server);

    assert_eq!(verified(&copy), verified(&data), "logs and directories are the same");
    let (status, _, err) = run(&once, &[KEY]);
    assert_eq!(status, 1);
    assert!(err.contains("does not answer"), "{err}");
    let served = Served::start(Path::new(&copy));
    assert_eq!(names(&served.url).await, expected);
    assert_eq!(expected, ["jill@acme.com", "joe@acme.com"]);
    create(&served.url, "only-here@acme.com").await;
    drop(served);

    // The source comes back and goes its own way: that is told, with the place.
    let server = Served::start(Path::new(&data));
    let gone = ["replay", "--from", &server.url, "--into", &copy];
    let (status, _, err) = run(&gone, &[KEY]);
    assert_eq!(status, 1);
    assert!(err.contains("ends at position 7 in the source, and at 8 in the copy"), "{err}");
    create(&server.url, "only-there@acme.com").await;
    create(&server.url, "neither@acme.com").await;
    let (status, _, err) = run(&gone, &[KEY]);
    assert_eq!(status, 1);
    assert!(err.contains("the logs of `acme` part at position 8"), "{err}");
    assert_eq!(run(&["verify", "--data", &copy], &[]).0, 0, "the copy is as it was");
}

/// With many tenants, one question tells which of them have moved: no feed is asked that stands still.
/// Seen to catch: a feed that is asked in every round.
#[tokio::test(flavor = "multi_thread")]
async fn a_follower_asks_only_logs_that_moved() {
    let folder = tempfile::tempdir().unwrap();
    let server = Served::start(&folder.path().join("data"));
    create(&server.url, "jane@acme.com").await;
    let asked = Arc::new(std::sync::Mutex::new(Vec::<String>::new()));
    let noted = asked.clone();
    let url = between(
        server.url.clone(),
        Arc::new(move |path: &str, _: &mut Value| noted.lock().unwrap().push(path.to_owned())),
    );
    let copy = folder.path().join("copy");
    let mut command =
        rollbook(&["replay", "--from", &url, "--into", copy.to_str().unwrap(), "--follow"]);
    let mut child = command.env(KEY.0, KEY.1).stderr(Stdio::null()).spawn().unwrap();
    let lists = |asked: &[String]| asked.iter().filter(|path| path.contains("heads=true")).count();
    let wait_for = async |is_there: &dyn Fn(&[String]) -> bool| {
        for _ in 0..3_000 {
            if is_there(&asked.lock().unwrap()) {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        panic!("it is never asked: {:?}", asked.lock().unwrap());
    };
    wait_for(&|asked| lists(asked) >= 3).await;
    let begun = asked.lock().unwrap().len();
    wait_for(&|asked| lists(asked) >= 6).await;
    let quiet = asked.lock().unwrap()[begun..].to_vec();
    create(&server.url, "joe@acme.com").await;
    wait_for(&|asked| asked[begun..].iter().any(|path| path.contains("/acme/feed"))).await;
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(quiet.iter().all(|path| !path.contains("/feed")), "{quiet:?}");
    let asked = asked.lock().unwrap();
    assert!(asked[begun..].iter().all(|path| !path.contains("/_system/feed")), "{asked:?}");
}

/// What is done to a page on its way.
type Tampering = Arc<dyn Fn(&str, &mut Value) + Send + Sync>;

/// Stands before a server and changes what it says.
fn between(url: String, tamper: Tampering) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let runtime = tokio::runtime::Handle::current();
    std::thread::spawn(move || {
        for socket in listener.incoming() {
            runtime.block_on(pass(socket.unwrap(), &url, &tamper));
        }
    });
    format!("http://{address}")
}

async fn pass(mut socket: TcpStream, url: &str, tamper: &Tampering) {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") {
        if socket.read(&mut byte).unwrap_or(0) == 0 {
            return;
        }
        head.extend(byte);
    }
    let head = String::from_utf8(head).unwrap();
    let path = head.split_whitespace().nth(1).unwrap();
    let answer = Client::new().get(format!("{url}{path}")).bearer_auth(OPERATOR_KEY).send().await;
    let answer = answer.unwrap();
    let status = answer.status();
    let mut body: Value = answer.json().await.unwrap();
    tamper(path, &mut body);
    let body = body.to_string();
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\
         Connection: close\r\n\r\n",
        body.len()
    );
    let _ = socket.write_all([head, body].concat().as_bytes());
}

fn on_acme(change: impl Fn(&mut Value) + Send + Sync + 'static) -> Tampering {
    Arc::new(move |path: &str, page: &mut Value| {
        let is_long = page["commits"].as_array().is_some_and(|commits| commits.len() > 4);
        if path.contains("/acme/feed") && is_long {
            change(page);
        }
    })
}

/// A flipped byte, with its hash or without; a missing commit; two that changed places; one of
/// another log; keys that are missing, and keys of others. Seen to catch: hashes that are believed.
#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_lies_is_found_out() {
    let folder = tempfile::tempdir().unwrap();
    let server = Served::start(&folder.path().join("data"));
    for name in ["jane@acme.com", "joe@acme.com", "jill@acme.com"] {
        create(&server.url, name).await;
    }
    let flip = |honest: bool| {
        on_acme(move |page| {
            let commit = &mut page["commits"][4];
            let mut bytes = BASE64.decode(commit["bytes"].as_str().unwrap().as_bytes()).unwrap();
            let last = bytes.len() - 1;
            bytes[last] ^= 1;
            if honest {
                commit["hash"] = json!(eventlog::hash(&bytes));
            }
            commit["bytes"] = json!(BASE64.encode(&bytes));
        })
    };
    let move_keys = |page: &mut Value| page["keys"] = Value::Null;
    let other: Value = {
        let feed = format!(
            "{}/admin/v1/tenants/_system/feed?form=sealed&recipient={RECIPIENT}",
            server.url
        );
        let request = Client::new().get(feed).bearer_auth(OPERATOR_KEY);
        request.send().await.unwrap().json().await.unwrap()
    };
    let foreign = other["commits"][0].clone();
    let keys = other["keys"].clone();
    let cases: [(&str, Tampering, &str); 8] = [
        ("nothing", Arc::new(|_, _| {}), ""),
        ("flipped", flip(false), "position 5 of `acme` has the hash"),
        ("flipped, hashed", flip(true), "position 5"),
        (
            "missing",
            on_acme(|page| drop(page["commits"].as_array_mut().unwrap().remove(3))),
            "goes on with position 5, not 4",
        ),
        (
            "moved",
            on_acme(|page| page["commits"].as_array_mut().unwrap().swap(3, 4)),
            "goes on with position 5, not 4",
        ),
        (
            "foreign",
            on_acme(move |page| {
                let mut foreign = foreign.clone();
                foreign["position"] = json!(4);
                page["commits"][3] = foreign;
            }),
            "of tenant",
        ),
        ("without keys", on_acme(move_keys), "directories of `acme` differ"),
        (
            "others' keys",
            on_acme(move |page| {
                page["keys"] = if keys.is_string() { keys.clone() } else { json!("AAAA") }
            }),
            "keys",
        ),
    ];
    for (what, tampering, told) in cases {
        let url = between(server.url.clone(), tampering);
        let into = folder.path().join(what);
        let arguments = ["replay", "--from", &url, "--into", into.to_str().unwrap()];
        let arguments: Vec<String> = arguments.map(str::to_owned).to_vec();
        let ran = tokio::task::spawn_blocking(move || {
            let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
            run(&arguments, &[KEY])
        });
        let (status, _, err) = ran.await.unwrap();
        assert_eq!(status, i32::from(!told.is_empty()), "{what}: {err}");
        assert!(err.contains(told), "{what}: {err}");
    }
}
