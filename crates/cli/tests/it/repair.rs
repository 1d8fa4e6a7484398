//! A data folder whose last commits the disk has lost: refused, looked at, and gone on with.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::common::{OPERATOR_KEY, SCIM_KEY, Served, run};

const CORE: &str = "urn:ietf:params:scim:schemas:core:2.0:User";

async fn add(server: &Served, name: &str) -> String {
    let users = format!("{}/scim/acme/v2/Users", server.url);
    let body = json!({ "schemas": [CORE], "userName": name });
    let request = reqwest::Client::new().post(users).bearer_auth(SCIM_KEY).json(&body);
    let answer = request.send().await.unwrap();
    assert_eq!(answer.status(), 201);
    answer.headers()["rollbook-position"].to_str().unwrap().to_owned()
}

fn copy(from: &Path, to: &Path) {
    let arguments = ["-a".into(), from.to_owned(), to.to_owned()] as [PathBuf; 3];
    assert!(std::process::Command::new("cp").args(arguments).status().unwrap().success());
}

/// Seen to fail with `write_down` left out.
#[tokio::test(flavor = "multi_thread")]
async fn a_lost_tail_is_refused_looked_at_and_gone_on_without() {
    let folder = tempfile::tempdir().unwrap();
    let (data, older) = (folder.path().join("data"), folder.path().join("older"));
    let server = Served::start(&data);
    add(&server, "jane").await;
    server.stop();
    copy(&data.join("log"), &older);
    let server = Served::start(&data);
    let first = add(&server, "joe").await;
    let last = add(&server, "jill").await;
    server.stop();
    fs::remove_dir_all(data.join("log")).unwrap();
    fs::rename(&older, data.join("log")).unwrap();

    let folder = data.to_str().unwrap();
    let lost = format!("positions {first} to {last} of tenant");
    let (status, _, err) = run(&["serve", "--data", folder, "--listen", "127.0.0.1:0"], &[]);
    assert_eq!(status, 1);
    assert!(err.contains(&lost) && err.contains("rollbook repair"), "{err}");

    let (status, out, err) = run(&["repair", "--data", folder], &[]);
    assert_eq!((status, err.as_str()), (1, ""), "{out}");
    assert!(out.contains(&lost) && out.contains("Nothing was changed"), "{out}");
    let (status, out, _) = run(&["repair", "--data", folder, "--json"], &[]);
    let told: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((status, &told["whole"]), (1, &json!(false)));
    assert_eq!(told["lost"][0]["from"].to_string(), first);
    let (status, ..) = run(&["verify", "--data", folder], &[]);
    assert_eq!(status, 1, "nothing was repaired unasked");

    let (status, out, err) = run(&["repair", "--data", folder, "--apply"], &[]);
    assert_eq!(status, 0, "{out}{err}");
    assert!(out.contains(&lost) && data.join("log.damaged").join("db").exists(), "{out}");
    let (status, out, _) = run(&["repair", "--data", folder], &[]);
    assert_eq!(status, 0, "{out}");
    assert!(out.contains("the log is whole"), "{out}");
    let (status, out, err) = run(&["verify", "--data", folder], &[]);
    assert_eq!(status, 0, "{out}{err}");

    // It serves again, the loss stands in the log, and what is written goes on from there.
    let server = Served::start(&data);
    let commits = format!("{}/admin/v1/tenants/acme/audit/commits?from={first}", server.url);
    let told = reqwest::Client::new().get(commits).bearer_auth(OPERATOR_KEY).send().await.unwrap();
    let told: Value = told.json().await.unwrap();
    let event = &told["commits"][0]["events"][0];
    let event = event.get("event").unwrap_or(event);
    assert_eq!(event["type"], "CommitsLost", "{told}");
    assert_eq!(event["to"].to_string(), last);
    assert_eq!(add(&server, "joe").await, last);
    server.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_in_use_or_without_its_key_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let server = Served::start(&data);
    let (status, _, err) = run(&["repair", "--data", data.to_str().unwrap()], &[]);
    assert_eq!(status, 1);
    assert!(err.contains("in use by another process"), "{err}");
    server.stop();
    fs::remove_file(data.join("master.key")).unwrap();
    let (status, _, err) = run(&["repair", "--data", data.to_str().unwrap(), "--apply"], &[]);
    assert_eq!(status, 1);
    assert!(err.contains("no master key"), "{err}");
    assert!(!data.join("master.key").exists());
    let (status, _, err) = run(&["repair", "--data", folder.path().to_str().unwrap()], &[]);
    assert_eq!(status, 1);
    assert!(err.contains("is no data folder"), "{err}");
}
