//! Connectors, presets and schemas with the real binary.

use std::path::Path;

use crate::common::{OPERATOR_KEY, SCIM_KEY, Served, run};
use serde_json::json;

const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const BADGE: &str = "urn:example:params:scim:schemas:extension:badge:2.0:User";

/// What a client sent is still told after a restart, and a schema is still there after a replay.
#[tokio::test(flavor = "multi_thread")]
async fn quirks_outlive_a_restart_and_schemas_a_replay() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let data = path("data");
    let server = Served::start(Path::new(&data));
    let url = server.url.clone();
    let remote = [("ROLLBOOK_URL", url.as_str()), ("ROLLBOOK_OPERATOR_KEY", OPERATOR_KEY)];

    let file = path("badge.json");
    let schema = json!({ "id": BADGE, "name": "Badge",
        "attributes": [{ "name": "number", "type": "integer" }] });
    std::fs::write(&file, schema.to_string()).unwrap();
    let (status, out, err) = run(&["schema", "add", &file], &remote);
    assert_eq!(status, 0, "{err}");
    assert!(out.starts_with("added at position "), "{out}");
    let (_, out, _) = run(&["schema", "list"], &remote);
    assert!(out.contains(BADGE), "{out}");
    let (status, _, err) = run(&["schema", "add", &data], &remote);
    assert!(status == 1 && err.contains("cannot be read"), "{err}");

    let http = reqwest::Client::new();
    let body =
        json!({ "schemas": [USER], "userName": "jane", "active": "False", BADGE: { "number": 7 } });
    let created = http
        .post(format!("{url}/scim/acme/v2/Users"))
        .bearer_auth(SCIM_KEY)
        .json(&body)
        .send()
        .await
        .unwrap();
    assert_eq!(created.status(), 201);
    let check = |out: &str| {
        assert!(out.contains("preset     okta"), "{out}");
        assert!(out.contains("1 request since"), "{out}");
        assert!(out.contains("strict would have refused 1"), "{out}");
        assert!(out.contains("L-02\t1\ta boolean as text"), "{out}");
    };
    let (status, out, err) = run(&["connector", "show", "okta"], &remote);
    assert_eq!(status, 0, "{err}");
    check(&out);
    let (status, out, err) = run(&["connector", "add", "entra", "--preset", "entra"], &remote);
    assert!(status == 0 && out.contains("acme:rbk_"), "{err}");
    let (_, out, _) = run(&["connector", "set", "entra", "--mode", "strict"], &remote);
    assert!(out.starts_with("changed at position "), "{out}");
    let (_, out, _) = run(&["connector", "list"], &remote);
    assert!(out.contains("entra\tentra\tstrict\t0\t0\t"), "{out}");
    let (status, _, err) = run(&["connector", "add", "x", "--preset", "oktta"], &remote);
    assert!(status == 2 && err.contains("onelogin"), "{err}");
    server.stop();

    let server = Served::start(Path::new(&data));
    let remote = [("ROLLBOOK_URL", server.url.as_str()), ("ROLLBOOK_OPERATOR_KEY", OPERATOR_KEY)];
    let (_, out, _) = run(&["connector", "show", "okta"], &remote);
    check(&out);
    server.stop();

    let archive = path("acme.rollbook");
    let passphrase = [("ROLLBOOK_KEYS_PASSPHRASE", "correct horse battery staple")];
    let (status, _, err) = run(&["export", "--data", &data, "--out", &archive], &passphrase);
    assert_eq!(status, 0, "{err}");
    let fresh = path("fresh");
    let (status, _, err) = run(&["replay", &archive, "--into", &fresh], &passphrase);
    assert_eq!(status, 0, "{err}");
    let server = Served::start(Path::new(&fresh));
    let served = http
        .get(format!("{}/scim/acme/v2/Schemas/{BADGE}", server.url))
        .bearer_auth(SCIM_KEY)
        .send()
        .await
        .unwrap();
    assert_eq!(served.status(), 200);
}
