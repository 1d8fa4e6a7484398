//! Rules, and why somebody has a role or not, with the real binary.

use serde_json::json;

use crate::common::{OPERATOR_KEY, SCIM_KEY, Served, run};

const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";

#[test]
fn rules_are_added_listed_and_removed() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let server = Served::start(&data);
    let url = server.url.clone();
    let remote = [("ROLLBOOK_URL", url.as_str()), ("ROLLBOOK_OPERATOR_KEY", OPERATOR_KEY)];
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
    let (status, out, err) = run(&["rule", "list"], &remote);
    assert_eq!((status, out.as_str(), err.as_str()), (0, "", "there is no rule\n"));

    // As of then it is there; a folder says the same, whatever server the environment names.
    let questions: [&[&str]; 3] = [
        &["rule", "list", "--at", lines[1].split('\t').nth(3).unwrap(), "--json"],
        &["rule", "list", "--json"],
        &["role", "list"],
    ];
    let key = [("ROLLBOOK_OPERATOR_KEY", OPERATOR_KEY)];
    let there =
        questions.map(|question| run(&[question, &["--server", url.as_str()]].concat(), &key));
    assert!(there[0].1.contains("\"groupName\": \"Sales\""), "{}", there[0].1);
    server.stop();
    let data = data.to_str().unwrap();
    for (question, there) in questions.iter().zip(there) {
        assert_eq!(
            run(&[question, &["--data", data][..]].concat(), &remote),
            there,
            "{question:?}"
        );
    }
    let both = [remote.as_slice(), &[("ROLLBOOK_DATA", data)]].concat();
    let (status, _, err) = run(&["rule", "list"], &both);
    assert!(status == 1 && err.contains("unset one, or give --data or --server"), "{err}");
    let (status, _, err) = run(&["role", "list", "--data", data, "--server", "http://x"], &[]);
    assert!(status == 2 && err.contains("cannot be used with"), "{err}");
}

/// The same answer from a running server and from the data folder, in every form, with an exit status that says yes or no.
#[test]
fn roles_are_explained_by_a_server_and_by_a_folder_alike() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let server = Served::start(&data);
    let url = server.url.clone();
    let remote = [("ROLLBOOK_URL", url.as_str()), ("ROLLBOOK_OPERATOR_KEY", OPERATOR_KEY)];
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let post = |path: &str, body: serde_json::Value| {
        runtime.block_on(async {
            let request = reqwest::Client::new().post(format!("{url}/scim/acme/v2{path}"));
            let answer = request.bearer_auth(SCIM_KEY).json(&body).send().await.unwrap();
            let body: serde_json::Value = answer.json().await.unwrap();
            body["id"].as_str().unwrap().to_owned()
        })
    };
    let jane = post("/Users", json!({ "schemas": [USER], "userName": "jane" }));
    let (status, before, _) =
        run(&["audit", "commits", "--newest", "--count", "1", "--json"], &remote);
    assert_eq!(status, 0);
    let before: serde_json::Value = serde_json::from_str(&before).unwrap();
    let before = before[0]["position"].to_string();
    post(
        "/Groups",
        json!({ "schemas": [GROUP], "displayName": "Sales", "members": [{ "value": jane }] }),
    );
    assert_eq!(run(&["rule", "add", "Sales", "Analyst"], &remote).0, 0);
    assert_eq!(run(&["role", "grant", "jane", "Admin"], &remote).0, 0);
    assert_eq!(run(&["role", "revoke", "jane", "Admin"], &remote).0, 0);

    let questions: [(&[&str], i32); 8] = [
        (&["user", "jane"], 0),
        (&["user", "jane", "role", "Analyst"], 0),
        (&["user", "Jane", "role", "Analyst", "--json"], 0),
        (&["user", "jane", "role", "Analyst", "--format", "csv"], 0),
        (&["user", "jane", "role", "Analyst", "--at", &before], 1),
        (&["user", "jane", "role", "Admin"], 1),
        (&["user", "jane", "group", "sales"], 0),
        (&["user", "nobody", "role", "Admin"], 1),
    ];
    let ask = |question: &[&str], from: &[&str], environment: &[(&str, &str)]| {
        run(&[&["explain"], question, from].concat(), environment)
    };
    let answers: Vec<_> =
        questions.iter().map(|(question, _)| ask(question, &[], &remote)).collect();
    server.stop();
    for ((question, status), (served, out, err)) in questions.iter().zip(answers) {
        assert_eq!(served, *status, "{question:?}: {out}{err}");
        let local = ask(question, &["--data", data.to_str().unwrap()], &[]);
        assert_eq!((local.0, &local.1), (served, &out), "{question:?}: {}", local.2);
        if question[1] == "nobody" {
            assert!(out.is_empty() && err.contains("there is no user `nobody`"), "{err}");
        } else {
            assert!(err.is_empty(), "{err}");
        }
    }
    let from = ["--data", data.to_str().unwrap()];
    let (_, tree, _) = ask(&["user", "jane", "role", "Analyst"], &from, &[]);
    assert!(tree.starts_with("yes: jane has the role Analyst, as of position "), "{tree}");
    for part in [
        "└─ role Analyst",
        "through the rule Sales → Analyst",
        "rule added at position",
        "jane is in Sales",
        "by connector okta (bina",
    ] {
        assert!(tree.contains(part), "{part}: {tree}");
    }
    let (_, tree, _) = ask(&["user", "jane", "role", "Admin"], &from, &[]);
    for part in
        ["no: jane does not have", "it was so through a grant made here", "until at position"]
    {
        assert!(tree.contains(part), "{part}: {tree}");
    }
    let (_, csv, _) = ask(&["user", "jane", "--format", "csv"], &from, &[]);
    assert!(csv.starts_with("WHAT,THROUGH,POSITION,") && csv.contains("role Analyst,"), "{csv}");
    let (status, _, err) = ask(&["user", "jane", "role"], &from, &[]);
    assert!(status == 2, "{err}");
}
