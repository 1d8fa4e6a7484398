//! What is secret is nowhere but where it belongs: not in what the server says of itself at its most talkative, in either form, not
//! in the data folder, in an error, in the counts or in the refusal journal.

use std::path::Path;

use data_encoding::BASE64;
use reqwest::{Client, Response};
use serde_json::json;

use crate::common::{OPERATOR_KEY, SCIM_KEY, Served, run};
use crate::serving::certify;

/// Secrets that are right, or nearly.
const SECRETS: [&str; 8] = [
    "binary-test-scim-secret",
    "binary-test-operator-key",
    "canary-wrong-key-51c7",
    "canary-wrong-operator-88d2",
    "canary-wrong-password-9f30",
    "canary-scim-password-2b64",
    "canary-oauth-secret-77aa",
    "canary-query-token-30ee",
];
/// What is somebody's own, and sealed.
const PERSONAL: [&str; 4] =
    ["canary-name-1d11", "canary-mail-2e22", "canary-phone-3f33", "canary-title-4a44"];

/// Every file below a folder, and its bytes.
fn files(folder: &Path, all: &mut Vec<(String, Vec<u8>)>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, all);
        } else {
            all.push((path.display().to_string(), std::fs::read(&path).unwrap()));
        }
    }
}

#[track_caller]
fn has_none(what: &str, bytes: &[u8], canaries: &[&str]) {
    let text = String::from_utf8_lossy(bytes).to_lowercase();
    for canary in canaries {
        assert!(!text.contains(canary), "{canary} stands in {what}");
        let coded = BASE64.encode(canary.as_bytes()).to_lowercase();
        assert!(!text.contains(coded.trim_end_matches('=')), "{canary} stands coded in {what}");
    }
}

/// Seen to catch a key that is logged at `trace`, and a journal that keeps the query.
#[tokio::test]
async fn no_secret_stands_where_it_should_not() {
    for form in ["text", "json"] {
        let folder = tempfile::tempdir().unwrap();
        certify(folder.path());
        let data = folder.path().join("data");
        // A level that is typed goes before the one that the tests' servers have.
        let flags = ["--tls-cert", "server.pem", "--tls-key", "server.key", "--log", "trace"];
        let served = Served::start_with(&data, &[&flags[..], &["--log-format", form]].concat());
        // The client has no TLS: a second server without it, on the same folder, comes after this one.
        let ca = folder.path().join("ca.pem").display().to_string();
        let asked = ["role", "list", "--server", &served.url];
        for (key, status) in [(OPERATOR_KEY, 0), ("canary-wrong-operator-88d2", 1)] {
            let told = run(&asked, &[("ROLLBOOK_OPERATOR_KEY", key), ("ROLLBOOK_CA", &ca)]);
            assert_eq!(told.0, status, "{}", told.2);
            has_none("what a verb prints", format!("{}{}", told.1, told.2).as_bytes(), &SECRETS);
        }
        served.stop();
        let served = Served::start_with(&data, &["--log", "trace", "--log-format", form]);
        let errors = provoke(&served.url).await;
        let told = |path: &str| {
            let url = format!("{}{path}", served.url);
            Client::new().get(url).bearer_auth(OPERATOR_KEY).send()
        };
        for path in
            ["/metrics", "/admin/v1/tenants/_system/problems", "/admin/v1/tenants/acme/problems"]
        {
            let text = told(path).await.unwrap().text().await.unwrap();
            has_none(path, text.as_bytes(), &SECRETS);
            if path == "/metrics" {
                has_none(path, text.as_bytes(), &PERSONAL);
            }
        }
        served.stop();
        let key = std::fs::read_to_string(folder.path().join("server.key")).unwrap();
        let key = key.lines().nth(1).unwrap().to_lowercase();
        let log = std::fs::read(data.with_extension("log")).unwrap();
        let text = String::from_utf8_lossy(&log);
        assert!(text.contains("TRACE") && text.contains("answered"), "it says all that it can");
        has_none("the log", &log, &SECRETS);
        has_none("the log", &log, &PERSONAL);
        assert!(!text.to_lowercase().contains(&key));
        let mut all = Vec::new();
        files(&data, &mut all);
        assert!(all.len() > 3);
        for (name, bytes) in all {
            has_none(&name, &bytes, &SECRETS);
            has_none(&name, &bytes, &PERSONAL);
        }
        for error in errors {
            has_none("an error", error.as_bytes(), &SECRETS);
        }
    }
}

/// Requests that are right and wrong in every way that shows a secret; what is answered to those that are wrong.
async fn provoke(url: &str) -> Vec<String> {
    let http = Client::new();
    let scim = |path: &str| format!("{url}/scim/acme/v2{path}");
    let person = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "userName": "canary-name-1d11", "title": "canary-title-4a44",
        "password": "canary-scim-password-2b64",
        "emails": [{ "value": "canary-mail-2e22@x.test" }],
        "phoneNumbers": [{ "value": "canary-phone-3f33" }],
    });
    let post = || http.post(scim("/Users")).header("content-type", "application/scim+json");
    let created = post().bearer_auth(SCIM_KEY).body(person.to_string()).send().await.unwrap();
    assert_eq!(created.status(), 201);
    has_none("the answer", &created.bytes().await.unwrap(), &["canary-scim-password-2b64"]);
    let wrong = [
        http.get(scim("/Users")).bearer_auth("acme:canary-wrong-key-51c7"),
        http.get(scim("/Users")).bearer_auth("canary-wrong-key-51c7"),
        http.get(scim("/Users")).basic_auth("jane", Some("canary-wrong-password-9f30")),
        http.get(scim("/Users?access_token=canary-query-token-30ee&count=x")).bearer_auth(SCIM_KEY),
        http.get(format!("{url}/admin/v1/tenants")).bearer_auth("canary-wrong-operator-88d2"),
        http.get(format!("{url}/metrics")).bearer_auth("canary-wrong-operator-88d2"),
        http.get(format!("{url}/api/v2/users")).header("http-x-partner-auth", "acme:canary-wrong-key-51c7"),
        http.post(format!("{url}/oauth/acme/token"))
            .header("content-type", "application/x-www-form-urlencoded")
            .body("grant_type=client_credentials&client_secret=canary-oauth-secret-77aa"),
        http.post(format!("{url}/oauth/acme/token"))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(
                "grant_type=client_credentials&client_assertion_type=urn:ietf:params:oauth:client-assertion-type:jwt-bearer\
                 &client_assertion=canary-oauth-secret-77aa",
            ),
        post().bearer_auth(SCIM_KEY).body("{\"password\":\"canary-scim-password-2b64\""),
        post().bearer_auth(SCIM_KEY).body(person.to_string()),
    ];
    let mut errors = Vec::new();
    for request in wrong {
        let answer: Response = request.send().await.unwrap();
        assert!(answer.status().is_client_error(), "{}", answer.status());
        errors.push(format!("{:?} {}", answer.headers().clone(), answer.text().await.unwrap()));
    }
    errors
}
