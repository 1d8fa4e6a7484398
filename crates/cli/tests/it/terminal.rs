//! What a client wrote is shown, and does nothing: no table passes on what would move a terminal's cursor, wipe it or
//! add a column.

use serde_json::{Value, json};

use crate::common::{SCIM_KEY, Served, run};

/// A name that wipes the screen, sets the window's title, adds a column and a row, and goes on in eight bits.
const WILD: &str = "Sales\u{1b}[2J\u{1b}]0;owned\u{7}\tcolumn\nrow\u{9b}31m";

async fn post(url: &str, path: &str, body: Value) -> Value {
    let request = reqwest::Client::new().post(format!("{url}/scim/acme/v2{path}"));
    let answer = request.bearer_auth(SCIM_KEY).json(&body).send().await.unwrap();
    assert_eq!(answer.status(), 201, "{path}");
    answer.json().await.unwrap()
}

#[test]
fn no_table_passes_on_what_moves_a_cursor() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let server = Served::start(&data);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let user = "urn:ietf:params:scim:schemas:core:2.0:User";
        let jane = json!({ "schemas": [user], "userName": "jane@acme.com", "title": WILD });
        let jane = post(&server.url, "/Users", jane).await;
        let group = "urn:ietf:params:scim:schemas:core:2.0:Group";
        let members = json!([{ "value": jane["id"] }]);
        let sales = json!({ "schemas": [group], "displayName": WILD, "members": members });
        post(&server.url, "/Groups", sales).await;
    });
    server.stop();
    let data = data.to_str().unwrap();
    let asked: [&[&str]; 7] = [
        &["audit", "commits"],
        &["audit", "access", "jane@acme.com"],
        &["audit", "group", WILD],
        &["show", "user", "jane@acme.com"],
        &["show", "group", WILD],
        &["explain", "user", "jane@acme.com", "group", WILD],
        &["diff", "--from", "3"],
    ];
    for verb in asked {
        for form in [&[][..], &["--format", "table"]] {
            let all = [verb, &["--data", data], form].concat();
            let (status, out, err) = run(&all, &[]);
            assert_eq!(status, 0, "{all:?} {err}");
            assert!(out.contains("Sales\u{fffd}[2J"), "{all:?} {out}");
            for text in [&out, &err] {
                let acts = |c: char| c.is_control() && !matches!(c, '\n' | '\t');
                assert!(!text.contains(acts), "{all:?} {text:?}");
                assert!(!text.contains("\tcolumn") && !text.contains("\nrow"), "{all:?} {text:?}");
            }
        }
    }
    // A program gets every character.
    let (_, out, _) = run(&["audit", "commits", "--json", "--data", data], &[]);
    let commits: Value = serde_json::from_str(&out).unwrap();
    let events = commits.as_array().unwrap().iter().flat_map(|c| c["events"].as_array().unwrap());
    let mut names = events.filter_map(|event| event["displayName"].as_str());
    assert_eq!(names.next(), Some(WILD));
}
