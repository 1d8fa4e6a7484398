//! Every audit question with the real binary: over HTTP in each form, through the server and out of the data folder.

use serde_json::{Value, json};

use crate::common::{OPERATOR_KEY, SCIM_KEY, Served, run};

const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
const PATCH: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

/// A client of the identity provider.
struct Okta {
    url: String,
    http: reqwest::Client,
}

impl Okta {
    async fn send(&self, method: reqwest::Method, path: &str, body: Value) -> (Value, String) {
        let request = self.http.request(method, format!("{}/scim/acme/v2{path}", self.url));
        let answer = request.bearer_auth(SCIM_KEY).json(&body).send().await.unwrap();
        assert!(answer.status().is_success(), "{path}: {}", answer.text().await.unwrap());
        let id = answer.headers()["rollbook-request"].to_str().unwrap().to_owned();
        (answer.json().await.unwrap_or_default(), id)
    }

    async fn patch(&self, path: &str, operation: Value) -> String {
        let body = json!({ "schemas": [PATCH], "Operations": [operation] });
        self.send(reqwest::Method::PATCH, path, body).await.1
    }
}

/// Jane gets a title, a role and a group that is inside another; the group gets another name. Answers the request that gave the title.
async fn story(url: &str) -> String {
    let okta = Okta { url: url.to_owned(), http: reqwest::Client::new() };
    let post = reqwest::Method::POST;
    let jane = json!({ "schemas": [USER], "userName": "jane@acme.com", "title": "=1+1, Inc" });
    let (jane, _) = okta.send(post.clone(), "/Users", jane).await;
    let jane = jane["id"].as_str().unwrap();
    let members = json!([{ "value": jane }]);
    let sales = json!({ "schemas": [GROUP], "displayName": "Sales", "members": members });
    let (sales, _) = okta.send(post.clone(), "/Groups", sales).await;
    let sales = sales["id"].as_str().unwrap();
    let members = json!([{ "value": sales }]);
    let all = json!({ "schemas": [GROUP], "displayName": "All", "members": members });
    okta.send(post, "/Groups", all).await;
    let user = format!("/Users/{jane}");
    let title = json!({ "op": "replace", "path": "title", "value": "Tour Guide" });
    let titled = okta.patch(&user, title).await;
    okta.patch(&user, json!({ "op": "add", "path": "roles", "value": [{ "value": "Analyst" }] }))
        .await;
    let renamed = json!({ "op": "replace", "path": "displayName", "value": "Field Sales" });
    okta.patch(&format!("/Groups/{sales}"), renamed).await;
    okta.patch(&user, json!({ "op": "replace", "path": "active", "value": false })).await;
    titled
}

/// The kinds of events that a question is answered with, in order.
fn kinds(out: &str) -> Vec<String> {
    let commits: Vec<Value> = serde_json::from_str(out).unwrap_or_else(|_| panic!("{out}"));
    let events = commits.iter().flat_map(|commit| commit["events"].as_array().unwrap());
    events.map(|event| event["type"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn every_question_is_answered_the_same_by_a_server_and_by_its_data() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let server = Served::start(&data);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let titled = runtime.block_on(story(&server.url));
    let questions: [(&[&str], &[&str]); 16] = [
        (&["roles", "JANE@acme.com"], &["RoleAssigned"]),
        (
            &["access", "jane@acme.com"],
            &[
                "UserCreated",
                "GroupMemberAdded",
                "GroupMemberAdded",
                "RoleAssigned",
                "UserDeactivated",
            ],
        ),
        (
            &["group", "sales"],
            &["GroupCreated", "GroupMemberAdded", "GroupMemberAdded", "GroupRenamed"],
        ),
        (&["actor", "okta", "--newest", "--count", "1"], &["UserDeactivated"]),
        (&["connector", "okta", "--count", "2"], &["ConnectorAdded", "CredentialIssued"]),
        (&["commits", "--attribute", "title"], &["UserAttributesChanged"]),
        (&["commits", "--attribute", "displayName"], &["GroupRenamed"]),
        (&["commits", "--attribute", "active", "--event", "UserActivated"], &[]),
        (&["commits", "--request", &titled], &["UserAttributesChanged"]),
        (&["commits", "--role", "Analyst", "--connector", "okta"], &["RoleAssigned"]),
        (&["commits", "--group", "Field sales", "--user", "jane@acme.com"], &["GroupMemberAdded"]),
        (&["commits", "--subject", "connector:okta"], &["ConnectorAdded", "CredentialIssued"]),
        (&["commits", "--address", "127.0.0.0/8", "--event", "UserCreated"], &["UserCreated"]),
        (&["commits", "--address", "192.0.2.0/24"], &[]),
        (
            &["commits", "--event", "GroupRenamed,UserDeactivated", "--newest"],
            &["UserDeactivated", "GroupRenamed"],
        ),
        (&["commits", "--from", "2001-01-01", "--to", "2002-01-01"], &[]),
    ];
    let remote = [("ROLLBOOK_URL", server.url.as_str()), ("ROLLBOOK_OPERATOR_KEY", OPERATOR_KEY)];
    let mut answers = Vec::new();
    for (question, expected) in questions {
        let arguments = [&["audit"], question, &["--json"]].concat();
        let (status, out, err) = run(&arguments, &remote);
        assert_eq!(
            (status, kinds(&out)),
            (0, expected.iter().map(ToString::to_string).collect()),
            "{question:?} {err}"
        );
        answers.push((question, out));
    }
    let tables = [
        vec!["audit", "connector", "okta"],
        vec!["audit", "access", "jane@acme.com"],
        vec!["audit", "group", "Sales", "--format", "table"],
        vec!["audit", "roles", "jane@acme.com", "--format", "csv"],
        vec!["audit", "commits", "--format", "ndjson"],
    ];
    let seen: Vec<_> = tables.iter().map(|arguments| run(arguments, &remote)).collect();
    assert!(
        seen[0].1.contains("\tto it\tConnectorAdded okta") && seen[0].1.contains("\tby it\t"),
        "{}",
        seen[0].1
    );
    // As it was called then, not as it is called now.
    assert!(seen[1].1.contains("GroupMemberAdded jane@acme.com · Sales"), "{}", seen[1].1);
    assert!(seen[1].1.contains("GroupMemberAdded Sales · All"), "{}", seen[1].1);
    assert!(
        seen[2].1.contains("GroupRenamed Field Sales (\"Sales\" → \"Field Sales\")"),
        "{}",
        seen[2].1
    );
    forms(&runtime, &server.url);
    server.stop();

    let folder = data.to_str().unwrap();
    for (question, out) in answers {
        let arguments = [&["audit"], question, &["--json", "--data", folder]].concat();
        assert_eq!(run(&arguments, &[]).1, out, "{question:?}");
    }
    for (arguments, there) in tables.iter().zip(seen) {
        let arguments = [&arguments[..], &["--data", folder]].concat();
        assert_eq!(run(&arguments, &[]), there, "{arguments:?}");
    }
    for (arguments, expected, remedy) in [
        (vec!["audit", "group", "Nobody"], 1, "there is no group `Nobody` and never was: give"),
        (vec!["audit", "credential", "rbk_0"], 1, "rollbook credential list"),
        (vec!["audit", "actor", "nobody"], 1, "there is no actor `nobody`"),
        (vec!["audit", "commits", "--address", "10.0.0.0/33"], 2, "write it like"),
        (vec!["audit", "commits", "--attribute", "emails[type eq \"x\"]"], 2, "is no attribute"),
        (vec!["audit", "commits", "--from", "soon"], 2, "soon"),
    ] {
        let (status, _, err) = run(&[&arguments[..], &["--data", folder]].concat(), &[]);
        assert!(status == expected && err.contains(remedy), "{arguments:?}: {status} {err}");
    }
}

/// What HTTP alone has: the forms by `Accept`, pages, and what it refuses.
fn forms(runtime: &tokio::runtime::Runtime, url: &str) {
    let get = |query: &str, accept: &str| {
        let address = format!("{url}/admin/v1/tenants/acme/audit/commits?{query}");
        let request = reqwest::Client::new().get(address).bearer_auth(OPERATOR_KEY);
        runtime.block_on(async {
            let answer = request.header("accept", accept).send().await.unwrap();
            let media = answer.headers()["content-type"].to_str().unwrap().to_owned();
            (answer.status().as_u16(), media, answer.text().await.unwrap())
        })
    };
    let (_, media, lines) = get("", "application/x-ndjson");
    assert_eq!(media, "application/x-ndjson");
    let whole: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let mut paged = Vec::new();
    let mut next = "count=2".to_owned();
    loop {
        let (_, media, page) = get(&next, "*/*");
        assert_eq!(media, "application/json");
        let page: Value = serde_json::from_str(&page).unwrap();
        paged.extend(page["commits"].as_array().unwrap().iter().cloned());
        let Some(from) = page["next"]["from"].as_u64() else { break };
        next = format!("count=2&from={from}");
    }
    assert!(paged == whole && whole.len() > 8, "{} {}", paged.len(), whole.len());
    let (_, media, csv) = get("attribute=title&format=csv", "*/*");
    assert_eq!(media, "text/csv; charset=utf-8; header=present");
    let lines: Vec<&str> = csv.split_terminator("\r\n").collect();
    assert!(lines.len() == 2 && lines[0].starts_with("position,time,hash,"), "{csv}");
    assert!(lines[1].ends_with("}\",") && lines[1].contains("=1+1, Inc"), "{csv}");
    for (query, named) in [
        ("subjekt=jane", "subjekt"),
        ("event=UserMurdered", "event"),
        ("address=home", "address"),
        ("from=soon", "from"),
        ("order=best", "order"),
        ("format=xml", "format"),
        ("count=all", "count"),
        ("request=1", "request"),
        ("attribute=a%20b", "attribute"),
    ] {
        let (status, _, body) = get(query, "*/*");
        assert!(status == 400 && body.contains(&format!("`{named}`")), "{query}: {status} {body}");
    }
    assert_eq!(get("role=Nobody", "*/*").0, 404);
}
