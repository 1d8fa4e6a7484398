//! `rollbook compare`: folders, archives and servers, in any mixture.

use std::path::Path;

use reqwest::Client;
use serde_json::json;

use crate::common::{OPERATOR_KEY, SCIM_KEY, Served, run};

const KEY: (&str, &str) = ("ROLLBOOK_OPERATOR_KEY", OPERATOR_KEY);
const RECIPIENT: &str = "age1jwdxhxj5w8jp80e0aww3mq2rz0f7k5mewu7kd6vhpt9y70cg4fjqzmwmqv";
const IDENTITY: &str = "AGE-SECRET-KEY-1ZPZ5UJCEEW64J8UP7ETXJSKZGUD7S8LLLTV59L33KA5HJF0M099QW7KVGQ";

async fn create(url: &str, kind: &str, body: serde_json::Value) {
    let request = Client::new().post(format!("{url}/scim/acme/v2/{kind}")).bearer_auth(SCIM_KEY);
    assert_eq!(request.json(&body).send().await.unwrap().status(), 201);
}

async fn user(url: &str, name: &str) {
    let schema = "urn:ietf:params:scim:schemas:core:2.0:User";
    let roles = json!([{ "value": "Analyst", "display": name }]);
    create(url, "Users", json!({ "schemas": [schema], "userName": name, "roles": roles })).await;
}

/// Seen to catch: a search that ends one position early.
#[tokio::test(flavor = "multi_thread")]
async fn two_instances_are_compared() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (data, copy, bare) = (path("data"), path("copy"), path("bare"));
    let (archive, identity) = (path("all.rollbook"), path("identity.txt"));
    std::fs::write(&identity, IDENTITY).unwrap();
    let server = Served::start(Path::new(&data));
    for name in ["jane@acme.com", "joe@acme.com"] {
        user(&server.url, name).await;
    }
    let group = json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": "Sales" });
    create(&server.url, "Groups", group).await;
    server.stop();
    let ok = |arguments: &[&str]| {
        let (status, out, err) = run(arguments, &[]);
        assert_eq!(status, 0, "{arguments:?}: {out}{err}");
        out
    };
    ok(&["export", "--data", &data, "--out", &archive, "--recipient", RECIPIENT]);
    ok(&["replay", &archive, "--into", &copy, "--identity-file", &identity]);
    ok(&["replay", &archive, "--into", &bare, "--without-keys"]);
    assert!(ok(&["compare", &data, &copy]).contains("the same: position"));
    ok(&["compare", &archive, &copy, "--identity-file", &identity]);
    let out = ok(&["compare", &archive, &copy, "--without-keys"]);
    assert!(out.contains("were not compared"), "{out}");

    // One log, but not the same of everybody.
    let (status, out, err) = run(&["compare", &data, &bare], &[]);
    assert_eq!(status, 1, "{out}");
    assert!(
        out.contains("the logs are the same up to position") && err.contains("differ in acme"),
        "{out}{err}"
    );
    assert!(out.contains("user jane@acme.com") && out.contains("user_name is"), "{out}");

    // One goes on by itself, then the other.
    let served = Served::start(Path::new(&copy));
    user(&served.url, "jill@acme.com").await;
    let (status, out, err) = run(&["compare", &served.url, &data], &[KEY]);
    assert_eq!(status, 1, "{out}{err}");
    assert!(out.contains("the logs part at position 7"), "{out}");
    assert!(out.contains("nothing: the log ends at position 6"), "{out}");
    assert!(out.contains(&format!("only in {}: user jill@acme.com", served.url)), "{out}");
    served.stop();
    let server = Served::start(Path::new(&data));
    user(&server.url, "joan@acme.com").await;
    user(&server.url, "jack@acme.com").await;
    for sides in [[&copy, &server.url], [&server.url, &copy]] {
        let (status, out, _) = run(&["compare", sides[0], sides[1], "--tenant", "acme"], &[KEY]);
        assert_eq!(status, 1, "{out}");
        assert!(out.contains("the logs part at position 7"), "{out}");
        assert!(out.contains("UserCreated"), "{out}");
        assert!(out.contains(&format!("only in {copy}: user jill@acme.com")), "{out}");
        assert!(out.contains(&format!("only in {}: user joan@acme.com", server.url)), "{out}");
    }
    server.stop();
    let (_, out, _) = run(&["compare", &copy, &data, "--count", "1"], &[]);
    assert!(out.contains("--count shows them"), "{out}");

    // A staging copy is the same but for what it has of its own.
    let staging = path("staging");
    let start = ["replay", &data, "--into", &staging, "--tenant", "acme", "--as", "acme-two"];
    ok(&[&start[..], &["--anonymise"]].concat());
    let pair = ["compare", &data, &staging, "--tenant", "acme=acme-two"];
    let (status, out, _) = run(&[&pair[..], &["--count", "1000"]].concat(), &[]);
    // What a key is checked against tells of the key, if someone chose it.
    assert!(status == 1 && out.contains("hash is of one secret and of another"), "{out}");
    let out = ok(&[&pair[..], &["--ignore", "tenant,keys,persons"]].concat());
    assert!(out.contains("the directories are the same, but for what was left out"), "{out}");
    let (status, out, _) = run(&[&pair[..], &["--ignore", "tenant,keys"]].concat(), &[]);
    assert_eq!(status, 1, "{out}");

    let (status, _, err) = run(&["compare", &data, &path("nothing")], &[]);
    assert_eq!(status, 1);
    assert!(err.contains("nothing"), "{err}");
    let (status, _, err) = run(&["compare", &data, &copy, "--tenant", "globex"], &[]);
    assert!(status == 1 && err.contains("no tenant `globex`"), "{err}");
}
