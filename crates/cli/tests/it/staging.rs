//! `rollbook replay --as --anonymise`: a copy of a tenant that may be shown to others.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};

use crate::common::{OPERATOR_KEY, SCIM_KEY, Served, rollbook, run};

const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
const OWN: &str = "urn:example:params:scim:schemas:extension:badge:2.0:User";
/// Whatever of it stands in the copy, somebody is recognised by it.
const CANARIES: [&str; 22] = [
    "janet",
    "quillfeather",
    "wyvernshire",
    "zebulon",
    "marigold",
    "acmecorp",
    "5550142",
    "701984",
    "gpt-guru",
    "kestrel",
    "thunderdome",
    "90210",
    "00ujl29u",
    "snapshots",
    "lodestar",
    "hobbiton",
    "okta-analyst",
    "stanza",
    "47110815",
    "brunhilde",
    "operator-otto",
    "script-of-otto",
];

/// One request with a key, and its answer, which must have this status.
async fn ask(
    url: &str,
    key: &str,
    method: Method,
    path: &str,
    body: Option<&Value>,
    status: u16,
) -> Value {
    let request = Client::new().request(method, format!("{url}{path}")).bearer_auth(key);
    let request = request.header("User-Agent", "script-of-otto/7");
    let request = match body {
        Some(body) => request.json(body),
        None => request,
    };
    let answer = request.send().await.unwrap();
    let (was, text) = (answer.status(), answer.text().await.unwrap());
    assert_eq!(was, StatusCode::from_u16(status).unwrap(), "{path}: {text}");
    serde_json::from_str(&text).unwrap_or_default()
}

fn janet(manager: &str) -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User", ENTERPRISE, OWN],
        "userName": "Janet.Quillfeather@acmecorp.com", "externalId": "00ujl29uJANET",
        "name": { "givenName": "Janet", "familyName": "Quillfeather", "formatted": "Dr Janet Quillfeather",
                  "honorificPrefix": "Dr", "middleName": "Marigold" },
        "displayName": "Janet Quillfeather", "nickName": "zebulon", "title": "GPT-Guru",
        "profileUrl": "https://acmecorp.com/people/janet", "locale": "en-US",
        "timezone": "Europe/Berlin", "preferredLanguage": "de", "userType": "Thunderdome staff",
        "emails": [{ "value": "Janet.Quillfeather@acmecorp.com", "type": "work", "primary": true },
                   { "value": "janet@wyvernshire.org", "type": "home", "display": "Janet at home" }],
        "phoneNumbers": [{ "value": "+1-310-555-0142", "type": "work" }, { "value": "5550142", "type": "kestrel" }],
        "addresses": [{ "type": "work", "streetAddress": "1 Hobbiton Row", "locality": "Wyvernshire",
                        "postalCode": "90210", "country": "US" }],
        "photos": [{ "value": "https://snapshots.acmecorp.com/janet.jpg", "type": "photo" }],
        "ims": [{ "value": "janetq", "type": "skype" }],
        "entitlements": [{ "value": "lodestar", "display": "Lodestar of Janet" }],
        "roles": [{ "value": "Analyst", "display": "okta-analyst of Janet", "primary": true }],
        ENTERPRISE: { "employeeNumber": "701984", "costCenter": "Kestrel", "department": "Thunderdome",
                      "manager": { "value": manager, "displayName": "Brunhilde" } },
        OWN: { "badge": 47_110_815, "motto": "Stanza of Janet", "level": "gold", "since": "2020-05-04T03:02:01Z",
               "share": 0.75, "remote": true },
    })
}

async fn history(data: &Path) -> BTreeMap<String, String> {
    let mut server = Served::start(data);
    let url = server.url.clone();
    let schema = json!({
        "resourceType": "User", "required": false,
        "schema": { "id": OWN, "name": "Badge", "description": "What is on the badge", "attributes": [
            { "name": "badge", "type": "integer", "multiValued": false, "description": "A number" },
            { "name": "motto", "type": "string", "multiValued": false, "description": "Words" },
            { "name": "level", "type": "string", "multiValued": false, "description": "One of few",
              "canonicalValues": ["gold", "silver"] },
            { "name": "since", "type": "dateTime", "multiValued": false, "description": "When" },
            { "name": "share", "type": "decimal", "multiValued": false, "description": "How much" },
            { "name": "remote", "type": "boolean", "multiValued": false, "description": "Where" },
        ] },
    });
    ask(&url, OPERATOR_KEY, Method::POST, "/admin/v1/tenants/acme/schemas", Some(&schema), 200)
        .await;
    let users = "/scim/acme/v2/Users";
    let mut ids = BTreeMap::new();
    let boss = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "Brunhilde",
        "displayName": "Brunhilde", "roles": [{ "value": "Admin" }],
    });
    let boss = ask(&url, SCIM_KEY, Method::POST, users, Some(&boss), 201).await;
    let boss = boss["id"].as_str().unwrap().to_owned();
    let made = ask(&url, SCIM_KEY, Method::POST, users, Some(&janet(&boss)), 201).await;
    let id = made["id"].as_str().unwrap().to_owned();
    for name in ["zebulon", "Marigold7", "kestrel"] {
        let body = json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": name,
            "displayName": "Janet Quillfeather", "emails": [{ "value": "janet.quillfeather@ACMECORP.com" }],
        });
        let made = ask(&url, SCIM_KEY, Method::POST, users, Some(&body), 201).await;
        ids.insert(name.to_owned(), made["id"].as_str().unwrap().to_owned());
    }
    let patch = |operations: Value| json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": operations });
    // Away and back again: the name must be the old one again.
    for name in ["Janet.Wyvernshire@acmecorp.com", "Janet.Quillfeather@acmecorp.com"] {
        let body = patch(json!([{ "op": "replace", "path": "userName", "value": name },
                                { "op": "replace", "path": "title", "value": "Lodestar" }]));
        ask(&url, SCIM_KEY, Method::PATCH, &format!("{users}/{id}"), Some(&body), 200).await;
    }
    let body = patch(json!([{ "op": "replace", "path": "active", "value": false }]));
    ask(&url, SCIM_KEY, Method::PATCH, &format!("{users}/{}", ids["zebulon"]), Some(&body), 200)
        .await;
    ask(&url, SCIM_KEY, Method::DELETE, &format!("{users}/{}", ids["kestrel"]), None, 204).await;
    let group = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": "Friends of Janet",
        "members": [{ "value": id }, { "value": ids["Marigold7"] }],
    });
    ask(&url, SCIM_KEY, Method::POST, "/scim/acme/v2/Groups", Some(&group), 201).await;
    let id_of = |pid: u32| Command::new("kill").args(["-TERM", &pid.to_string()]).status();
    assert!(id_of(server.child.id()).unwrap().success());
    assert!(server.child.wait().unwrap().success());
    ids.insert("janet".to_owned(), id);
    ids.insert("boss".to_owned(), boss);
    ids
}

fn word_after<'t>(text: &'t str, label: &'t str) -> &'t str {
    let line = text.lines().find(|line| line.trim().starts_with(label)).unwrap_or(label);
    line.trim()[label.len()..].split_whitespace().next().unwrap_or_default()
}

/// A copy that is served; any operator key of it is in the environment of the binary.
fn serve(data: &Path) -> Served {
    let mut command = rollbook(&["serve", "--listen", "127.0.0.1:0"]);
    command.arg("--data").arg(data);
    Served::spawn(command, data)
}

fn commits(data: &str, tenant: &str) -> Vec<Value> {
    let arguments =
        ["audit", "commits", "--data", data, "--tenant", tenant, "--count", "1000", "--json"];
    let (status, out, err) = run(&arguments, &[]);
    assert_eq!(status, 0, "{err}");
    serde_json::from_str(&out).unwrap()
}

/// Seen to catch: source addresses that are left, and keys of the source that are kept.
#[tokio::test(flavor = "multi_thread")]
async fn a_staging_copy_has_nobody_in_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (data, copy, seed) = (path("data"), path("copy"), path("seed"));
    let ids = history(Path::new(&data)).await;
    let start = ["replay", &data, "--tenant", "acme", "--as", "acme-staging", "--anonymise"];
    let whole = [&start[..], &["--group-names", "--seed-file", &seed, "--into", &copy]].concat();
    let (status, shown, err) = run(&whole, &[]);
    assert_eq!(status, 0, "{err}");
    let proved = "proved: the directory of `acme-staging` is the source's, but for";
    assert!(shown.contains(proved), "{shown}");
    let api_key = word_after(&shown, "API key").to_owned();
    let operator_key = word_after(&shown, "operator key").to_owned();
    assert!(
        api_key.starts_with("acme-staging:rbk_") && operator_key.starts_with("rbo_"),
        "{shown}"
    );

    // The same positions, times, requests and kinds of events about the same ids.
    let (source, copied) = (commits(&data, "acme"), commits(&copy, "acme-staging"));
    assert_eq!(source.len(), copied.len());
    let outline = |commit: &Value| {
        let events = commit["events"].as_array().unwrap().iter();
        let events =
            events.map(|e| json!([e["type"], e["user"]["id"], e["group"]["id"], e["role"]]));
        json!([commit["position"], commit["at"], commit["request"], events.collect::<Vec<_>>()])
    };
    for (source, copied) in source.iter().zip(&copied) {
        assert_eq!(outline(source), outline(copied));
    }

    // Nothing of anybody in any commit, nor in any answer.
    let server = serve(Path::new(&copy));
    let scim = "/scim/acme-staging/v2";
    let mut told = vec![json!(copied), json!(commits_of_own_log(&server.url, &operator_key).await)];
    let users = ask(&server.url, &api_key, Method::GET, &format!("{scim}/Users"), None, 200).await;
    let groups =
        ask(&server.url, &api_key, Method::GET, &format!("{scim}/Groups"), None, 200).await;
    told.extend([users.clone(), groups.clone()]);
    for position in 1..=source.len() {
        let then = format!("{scim}/Users?asOf={position}");
        let answer = Client::new().get(format!("{}{then}", server.url)).bearer_auth(&api_key);
        told.push(answer.send().await.unwrap().json().await.unwrap());
    }
    for answer in &told {
        let text = answer.to_string().to_lowercase();
        for canary in CANARIES {
            assert!(!text.contains(canary), "`{canary}` is in the copy: {text}");
        }
    }

    assert!(!told[0].to_string().contains("127.0.0.1"), "the source's addresses are in the copy");

    // Who was one is one, who was called alike is called alike, and what is no person's stays.
    let by_id = |id: &str| {
        let all = users["Resources"].as_array().unwrap().iter();
        all.clone().find(|user| user["id"] == id).cloned().unwrap()
    };
    assert_eq!(users["totalResults"], 4);
    let (janet, zebulon, boss) =
        (by_id(&ids["janet"]), by_id(&ids["zebulon"]), by_id(&ids["boss"]));
    assert_eq!(janet["displayName"], zebulon["displayName"]);
    assert_eq!(janet["emails"][0]["value"], janet["userName"]);
    assert_eq!(zebulon["userName"], janet["nickName"]);
    assert_eq!((&zebulon["active"], &janet["active"]), (&json!(false), &json!(true)));
    assert_eq!(janet[ENTERPRISE]["manager"]["value"], json!(ids["boss"]));
    assert_eq!(janet[ENTERPRISE]["manager"]["displayName"], boss["displayName"]);
    assert_eq!(janet["roles"][0]["value"], "Analyst");
    for (kept, expected) in
        [("locale", "en-US"), ("timezone", "Europe/Berlin"), ("preferredLanguage", "de")]
    {
        assert_eq!(janet[kept], expected);
    }
    assert_eq!(janet["addresses"][0]["country"], "US");
    assert_eq!(janet["emails"][0]["type"], "work");
    let own = &janet[OWN];
    assert_eq!((&own["level"], &own["remote"]), (&json!("gold"), &json!(true)));
    assert!(own["since"].as_str().unwrap().starts_with("2020-05-04T03:02:01"), "{own}");
    assert_eq!(own["badge"].to_string().len(), 8);
    let names: Vec<_> = copied
        .iter()
        .flat_map(|commit| commit["events"].as_array().unwrap())
        .filter(|event| event["type"] == "UserRenamed")
        .collect();
    let renamed = |place: usize, which: &str| names[place].to_string().contains(which);
    let name = janet["userName"].as_str().unwrap();
    assert!(names.len() == 2 && renamed(0, name) && renamed(1, name), "{names:?}");

    // What the copy answers, it takes back as it is.
    for user in users["Resources"].as_array().unwrap() {
        let at = format!("{scim}/Users/{}", user["id"].as_str().unwrap());
        let whole = ask(&server.url, &api_key, Method::GET, &at, None, 200).await;
        let after = ask(&server.url, &api_key, Method::PUT, &at, Some(&whole), 200).await;
        assert_eq!(whole, after, "a PUT of what was read changed something");
    }

    // The source's keys open nothing.
    let at = format!("{scim}/Users");
    for key in [SCIM_KEY, "acme-staging:binary-test-scim-secret", "binary-test-scim-secret"] {
        ask(&server.url, key, Method::GET, &at, None, 401).await;
    }
    ask(&server.url, OPERATOR_KEY, Method::GET, "/admin/v1/tenants", None, 401).await;
    let tenants =
        ask(&server.url, &operator_key, Method::GET, "/admin/v1/tenants", None, 200).await;
    assert_eq!(tenants["tenants"].as_array().unwrap().len(), 1);
    assert_ne!(commits(&data, "acme").len(), 0);
    drop(server);

    // The same seed, the same copy; another, another.
    let again = path("again");
    let same = [&start[..], &["--group-names", "--seed-file", &seed, "--into", &again]].concat();
    let (_, second, _) = run(&same, &[]);
    let hashes = |text: &str| -> Vec<String> {
        let lines = text.lines().filter_map(|line| line.trim().strip_prefix("directory hash"));
        lines.map(str::to_owned).collect()
    };
    assert_eq!(
        (hashes(&second), word_after(&second, "API key")),
        (hashes(&shown), api_key.as_str())
    );
    let other = path("other");
    let (_, third, _) = run(&[&start[..], &["--into", &other]].concat(), &[]);
    assert_ne!(hashes(&third), hashes(&shown));
    assert_ne!(word_after(&third, "API key"), api_key);
    let groups = commits(&other, "acme-staging");
    assert!(json!(groups).to_string().contains("Friends of Janet"), "groups keep their names");
}

async fn commits_of_own_log(url: &str, key: &str) -> Value {
    ask(url, key, Method::GET, "/admin/v1/tenants", None, 200).await
}

/// Under another name, with everybody as they are; or with the keys of the source.
#[tokio::test(flavor = "multi_thread")]
async fn a_copy_under_another_name_has_keys_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (data, copy, kept) = (path("data"), path("copy"), path("kept"));
    let ids = history(Path::new(&data)).await;
    let start = ["replay", &data, "--tenant", "acme", "--as", "acme-two", "--into"];
    let (status, shown, err) = run(&[&start[..], &[&copy]].concat(), &[]);
    assert_eq!(status, 0, "{err}");
    let server = serve(Path::new(&copy));
    let at = format!("/scim/acme-two/v2/Users/{}", ids["janet"]);
    let janet = ask(&server.url, word_after(&shown, "API key"), Method::GET, &at, None, 200).await;
    assert_eq!(janet["userName"], "Janet.Quillfeather@acmecorp.com");
    ask(&server.url, "acme-two:binary-test-scim-secret", Method::GET, &at, None, 401).await;
    drop(server);
    let (status, shown, err) = run(&[&start[..], &[&kept, "--keep-credentials"]].concat(), &[]);
    assert_eq!(status, 0, "{err}");
    assert!(!shown.contains("API key"), "{shown}");
    let server = serve(Path::new(&kept));
    ask(&server.url, "acme-two:binary-test-scim-secret", Method::GET, &at, None, 200).await;
    drop(server);
    for (arguments, status, told) in [
        (vec!["--as", "x"], 2, "--tenant"),
        (vec!["--tenant", "acme", "--anonymise"], 2, "--as"),
        (vec!["--tenant", "acme", "--as", "acme"], 1, "own name"),
        (vec!["--tenant", "acme", "--as", "Acme!"], 1, "is no slug"),
    ] {
        let start = ["replay", &data, "--into", &copy[..copy.len() - 1]];
        let (was, _, err) = run(&[&start[..], &arguments].concat(), &[]);
        assert_eq!(was, status, "{arguments:?}: {err}");
        assert!(err.contains(told), "{arguments:?}: {err}");
    }
}
