//! Rules, and why somebody has a role or not, with the real binary.

use serde_json::json;

use crate::common::{OPERATOR_KEY, SCIM_KEY, Served, run};

const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";

#[test]
fn rules_are_added_listed_and_removed() {
    let folder = tempfile::tempdir().unwrap();
    let server = Served::start(&folder.path().join("data"));
    let remote = [("ROLLBOOK_URL", server.url.as_str()), ("ROLLBOOK_OPERATOR_KEY", OPERATOR_KEY)];
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let status = runtime.block_on(async {
        let request = reqwest::Client::new().post(format!("{}/scim/acme/v2/Groups", server.url));
        let body = json!({ "schemas": [GROUP], "displayName": "Sales" });
        request.bearer_auth(SCIM_KEY).json(&body).send().await.unwrap().status()
    });
    assert_eq!(status, 201);
    let (status, out, err) = run(&["rule", "add", "sales", "Analyst"], &remote);
    assert!(status == 0 && out.starts_with("added at position "), "{out}{err}");
    let (_, out, _) = run(&["rule", "add", "Sales", "Analyst"], &remote);
    assert_eq!(out, "nothing to do: it was so already\n");
    let (status, _, err) = run(&["rule", "add", "Sales", "Boss"], &remote);
    assert!(status == 1 && err.contains("there is no role `Boss`"), "{err}");
    let (_, out, _) = run(&["rule", "list"], &remote);
    let lines: Vec<&str> = out.lines().collect();
    assert_eq!(lines[0], "GROUP\tROLE\tADDED\tPOSITION\tID");
    assert!(lines.len() == 2 && lines[1].starts_with("Sales\tAnalyst\t"), "{out}");
    let (status, _, err) = run(&["role", "retire", "Analyst"], &remote);
    assert!(status == 1 && err.contains("remove the rule first"), "{err}");
    let id = lines[1].rsplit('\t').next().unwrap();
    let (_, out, _) = run(&["rule", "remove", id], &remote);
    assert!(out.starts_with("removed at position "), "{out}");
    let (_, out, _) = run(&["rule", "list"], &remote);
    assert_eq!(out.lines().count(), 1, "{out}");
}
