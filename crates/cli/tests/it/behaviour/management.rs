//! The User and Role Management API.

use std::path::Path;
use std::process::Command;

use reqwest::{Client, Method};
use serde_json::{Value, json};

use crate::common::{OPERATOR_KEY, SCIM_KEY, Served, run};

const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";

/// A server, and what an administrator's scripts may do to it.
struct Site {
    server: Served,
    http: Client,
    key: String,
}

impl Site {
    fn open(data: &Path) -> Site {
        let server = Served::start(data);
        let remote =
            [("ROLLBOOK_URL", server.url.as_str()), ("ROLLBOOK_OPERATOR_KEY", OPERATOR_KEY)];
        let (status, out, err) =
            run(&["connector", "add", "scripts", "--preset", "management"], &remote);
        assert_eq!(status, 0, "{err}");
        let key = out.split_whitespace().find(|word| word.starts_with("acme:rbk_")).unwrap();
        Site { http: Client::new(), key: key.to_owned(), server }
    }

    /// What the management API answers to this key.
    async fn with(&self, key: &str, method: &str, path: &str, body: Value) -> (u16, Value) {
        let method: Method = method.parse().unwrap();
        let url = format!("{}/api{path}", self.server.url);
        let request = self.http.request(method, url).header("HTTP-X-PARTNER-AUTH", key);
        let request = if body.is_null() { request } else { request.body(body.to_string()) };
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        let text = answer.text().await.unwrap();
        (status, serde_json::from_str(&text).unwrap_or_default())
    }

    async fn ask(&self, method: &str, path: &str, body: Value) -> (u16, Value) {
        self.with(&self.key, method, path, body).await
    }

    async fn get(&self, path: &str) -> Value {
        let (status, body) = self.ask("GET", path, Value::Null).await;
        assert_eq!(status, 200, "{path}: {body}");
        body
    }

    /// What the tenant's identity provider is answered.
    async fn idp(&self, method: &str, path: &str, body: Value) -> (u16, Value) {
        let method: Method = method.parse().unwrap();
        let url = format!("{}/scim/acme/v2{path}", self.server.url);
        let request = self.http.request(method, url).bearer_auth(SCIM_KEY).json(&body);
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        (status, serde_json::from_str(&answer.text().await.unwrap()).unwrap_or_default())
    }

    async fn admin(&self, path: &str) -> Value {
        let url = format!("{}/admin/v1/tenants/acme{path}", self.server.url);
        let answer = self.http.get(url).bearer_auth(OPERATOR_KEY).send().await.unwrap();
        answer.json().await.unwrap()
    }

    /// Where the tenant's log ends.
    async fn position(&self) -> String {
        let url = format!("{}/admin/v1/tenants/acme/roles", self.server.url);
        let answer = self.http.get(url).bearer_auth(OPERATOR_KEY).send().await.unwrap();
        answer.headers()["rollbook-position"].to_str().unwrap().to_owned()
    }

    fn cli(&self, arguments: &[&str]) -> String {
        let remote =
            [("ROLLBOOK_URL", self.server.url.as_str()), ("ROLLBOOK_OPERATOR_KEY", OPERATOR_KEY)];
        let (status, out, err) = run(arguments, &remote);
        assert_eq!(status, 0, "{arguments:?}: {err}");
        out
    }
}

fn names(roles: &Value) -> Vec<&str> {
    roles.as_array().unwrap().iter().map(|role| role["name"].as_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn c_16_scripts_manage_users_and_roles() {
    let folder = tempfile::tempdir().unwrap();
    let site = Site::open(&folder.path().join("data"));

    // Only a whole key of a connector that opens this API does.
    let secret = site.key.split_once(':').unwrap().1;
    let wrong = [(secret, 401), ("acme:rbk_no", 401), ("nobody:rbk_no", 401), (SCIM_KEY, 403)];
    for (key, expected) in wrong {
        let (status, body) = site.with(key, "GET", "/v2/users", Value::Null).await;
        assert_eq!((status, &body["status"]), (expected, &json!(expected.to_string())), "{body}");
        assert!(!body["detail"].as_str().unwrap().is_empty());
    }

    let roles = site.get("/v1/roles").await;
    assert_eq!(roles["items_this_page"], 4);
    assert_eq!(roles["next_page_start"], Value::Null);
    assert_eq!(names(&roles["roles"]), ["Everyone", "Admin", "Analyst", "Business User"]);
    let analyst = roles["roles"][2]["id"].as_str().unwrap().to_owned();

    let new = json!({ "name": "Auditor", "description": "Sees all", "created_by_email": "boss@acme.com",
        "privileges": [{ "object_type": "Dashboard", "permissions": ["read_dashboards"] }] });
    let (status, auditor) = site.ask("POST", "/v1/roles", new.clone()).await;
    assert_eq!((status, &auditor["name"]), (201, &json!("Auditor")), "{auditor}");
    assert_eq!(site.ask("POST", "/v1/roles", new).await.0, 409);
    let at = format!("/v1/roles/{}", auditor["id"].as_str().unwrap());
    let (status, told) = site.ask("PUT", &at, json!({ "description": "Reads" })).await;
    assert_eq!((status, &told["description"]), (200, &json!("Reads")));
    let (status, told) = site.ask("PUT", &at, json!({ "name": "Other" })).await;
    assert!(status == 400 && told["detail"].as_str().unwrap().contains("keeps its name"), "{told}");
    assert_eq!(site.ask("GET", &at, Value::Null).await.1["description"], "Reads");
    assert_eq!(site.ask("DELETE", &at, Value::Null).await.0, 204);
    assert_eq!(site.ask("GET", &at, Value::Null).await.0, 404);

    // Users: made, read, changed in part, deleted.
    let jane = json!({ "email": "jane@acme.com", "first_name": "Jane", "last_name": "Doe",
        "roles": [analyst], "invited_by_email": "boss@acme.com" });
    let (status, made) = site.ask("POST", "/v2/users", jane.clone()).await;
    assert_eq!(status, 201, "{made}");
    assert_eq!(made["roles"], json!([{ "id": analyst, "name": "Analyst" }]));
    let id = made["id"].as_str().unwrap().to_owned();
    let at = format!("/v2/users/{id}");
    assert_eq!(site.get(&at).await, made);
    assert_eq!(site.get("/v2/users").await["users"], json!([made]));
    assert_eq!(site.ask("POST", "/v2/users", jane).await.0, 409);
    let change = json!({ "last_name": "Roe", "email": "jane.roe@acme.com", "roles": [{ "name": "Admin" }],
        "updated_by_email": "JANE@acme.com" });
    let (status, changed) = site.ask("PUT", &at, change).await;
    assert_eq!(status, 200, "{changed}");
    assert_eq!(
        (&changed["first_name"], &changed["last_name"], &changed["email"]),
        (&json!("Jane"), &json!("Roe"), &json!("jane.roe@acme.com"))
    );
    assert_eq!(names(&changed["roles"]), ["Admin"]);
    // Whom a script makes is managed here: no identity provider sees them before it pushes them itself.
    assert_eq!(site.idp("GET", &format!("/Users/{id}"), Value::Null).await.0, 404);
    let (status, told) = site.ask("PUT", &at, json!({ "roles": ["Nobody"] })).await;
    assert!(status == 400 && told["detail"].as_str().unwrap().contains("`Nobody`"), "{told}");
    let (status, told) = site.ask("PUT", &at, json!({ "mail": "x" })).await;
    assert!(status == 400 && told["detail"].as_str().unwrap().contains("mail"), "{told}");
    assert_eq!(names(&site.ask("PUT", &at, json!({ "roles": [] })).await.1["roles"]).len(), 0);
    assert_eq!(site.ask("DELETE", &at, Value::Null).await.0, 204);
    assert_eq!(site.ask("GET", &at, Value::Null).await.0, 404);
    assert_eq!(site.get("/v2/users?asOf=9").await["users"].as_array().unwrap().len(), 1);

    // Each is a commit of the connector whose key was shown; the stated actor stands beside it.
    let told = site.admin("/audit/commits?actor=scripts&order=oldest").await;
    let commits = told["commits"].as_array().unwrap();
    let claimed: Vec<_> = commits
        .iter()
        .map(|commit| (commit["events"][0]["type"].as_str().unwrap(), commit["claimed"].clone()))
        .filter(|(_, claimed)| !claimed.is_null())
        .collect();
    assert_eq!(
        claimed,
        [
            ("UserCreated", json!({ "kind": "stranger", "name": "boss@acme.com" })),
            ("UserRenamed", json!({ "kind": "user", "id": id, "name": "JANE@acme.com" })),
        ]
    );
    assert!(
        commits
            .iter()
            .all(|commit| commit["credential"]["name"].as_str().unwrap().starts_with("rbk_"))
    );
    assert_eq!(
        commits.last().unwrap()["events"].as_array().unwrap().last().unwrap()["type"],
        "UserDeleted"
    );
    let problems = site.admin("/problems").await["problems"].to_string();
    assert!(
        problems.contains("the name was not kept") && problems.contains("policies say it here")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn c_16_a_test_writes_nothing_and_answers_as_if() {
    let folder = tempfile::tempdir().unwrap();
    let site = Site::open(&folder.path().join("data"));
    let jane = json!({ "email": "jane@acme.com", "first_name": "Jane", "roles": ["Analyst"] });
    let (_, made) = site.ask("POST", "/v2/users", jane.clone()).await;
    let at = format!("/v2/users/{}", made["id"].as_str().unwrap());
    let before = site.position().await;
    let journal = site.admin("/problems").await;

    let new = json!({ "email": "joe@acme.com", "roles": ["Admin"], "invited_by_email": "x@y.z" });
    let (status, told) = site.ask("POST", "/v2/users?test_mode=true", new).await;
    assert_eq!((status, names(&told["roles"])), (201, vec!["Admin"]), "{told}");
    assert_eq!(site.ask("POST", "/v2/users?test_mode=true", jane).await.0, 409);
    let (status, told) =
        site.ask("PUT", &format!("{at}?test_mode=true"), json!({ "first_name": "Janet" })).await;
    assert_eq!((status, &told["first_name"]), (200, &json!("Janet")));
    assert_eq!(site.ask("DELETE", &format!("{at}?test_mode=true"), Value::Null).await.0, 204);
    let role = json!({ "name": "New", "created_by_email": "x@y.z" });
    assert_eq!(site.ask("POST", "/v1/roles?test_mode=true", role).await.0, 201);
    assert_eq!(site.ask("PUT", &format!("{at}?test_mode=perhaps"), json!({})).await.0, 400);

    assert_eq!(site.get("/v2/users").await["users"], json!([made]));
    assert_eq!(site.get("/v1/roles").await["items_this_page"], 4);
    assert_eq!(site.position().await, before);
    // What was refused is noted, what would have been left out is not.
    let refused = |told: &Value| told["problems"].as_array().unwrap().len();
    assert_eq!(refused(&site.admin("/problems").await), refused(&journal) + 2);
}

/// Whom an identity provider manages is its to change; roles are given here beside what it says, and only these are taken back.
#[tokio::test(flavor = "multi_thread")]
async fn c_16_whom_an_identity_provider_manages_stays_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let site = Site::open(&folder.path().join("data"));
    let ada =
        json!({ "schemas": [USER], "userName": "ada@acme.com", "roles": [{ "value": "Analyst" }] });
    let (_, made) = site.idp("POST", "/Users", ada.clone()).await;
    let (id, etag) = (made["id"].as_str().unwrap(), made["meta"]["version"].clone());
    let at = format!("/v2/users/{id}");
    for (method, body) in [("PUT", json!({ "first_name": "Ada" })), ("DELETE", Value::Null)] {
        let (status, told) = site.ask(method, &at, body).await;
        assert!(status == 409 && told["detail"].as_str().unwrap().contains("`okta`"), "{told}");
    }
    assert_eq!(
        site.idp("GET", &format!("/Users/{id}"), Value::Null).await.1["meta"]["version"],
        etag
    );
    let (status, told) = site.ask("PUT", &at, json!({ "roles": ["Admin"] })).await;
    assert_eq!((status, names(&told["roles"])), (200, vec!["Admin", "Analyst"]), "{told}");
    // The identity provider's PUT says Analyst only: what it did not give stays.
    let (status, seen) = site.idp("PUT", &format!("/Users/{id}"), ada).await;
    assert_eq!((status, seen["roles"].as_array().unwrap().len()), (200, 2), "{seen}");
    let (_, told) = site.ask("PUT", &at, json!({ "roles": [] })).await;
    assert_eq!(names(&told["roles"]), ["Analyst"]);

    // Who is made by a script is managed by no identity provider.
    let (_, joe) = site.ask("POST", "/v2/users", json!({ "email": "joe@acme.com" })).await;
    let shown = site.admin(&format!("/users/{}", joe["id"].as_str().unwrap())).await;
    assert!(shown["managedBy"].is_null(), "{shown}");

    // Nobody is taken over or overwritten by a POST, whoever manages them.
    for taken in ["ada@acme.com", "ADA@acme.com", "joe@acme.com"] {
        let new = json!({ "email": taken, "first_name": "Other" });
        let (status, told) = site.ask("POST", "/v2/users", new).await;
        assert_eq!((status, &told["scimType"]), (409, &json!("uniqueness")), "{told}");
    }
    let all = site.get("/v2/users").await;
    assert!(!all.to_string().contains("Other"), "{all}");
}

/// What scripts may write is said by their connector's permissions, as with any other.
#[tokio::test(flavor = "multi_thread")]
async fn c_05_permissions_hold_for_scripts_too() {
    let folder = tempfile::tempdir().unwrap();
    let site = Site::open(&folder.path().join("data"));
    let (_, joe) = site.ask("POST", "/v2/users", json!({ "email": "joe@acme.com" })).await;
    let at = format!("/v2/users/{}", joe["id"].as_str().unwrap());
    let remote =
        [("ROLLBOOK_URL", site.server.url.as_str()), ("ROLLBOOK_OPERATOR_KEY", OPERATOR_KEY)];
    for (missing, method, path, body) in [
        ("createUsers", "POST", "/v2/users", json!({ "email": "jim@acme.com" })),
        ("updateUsers", "PUT", &at, json!({ "first_name": "Joe" })),
        ("updateUsers", "PUT", &at, json!({ "roles": ["Analyst"] })),
        ("deactivateUsers", "DELETE", &at, Value::Null),
    ] {
        let all = ["createUsers", "updateUsers", "deactivateUsers"];
        let others: Vec<_> = all.into_iter().filter(|one| *one != missing).collect();
        let settings = ["connector", "set", "scripts", "--permissions", &others.join(",")];
        assert_eq!(run(&settings, &remote).0, 0);
        let (status, told) = site.ask(method, path, body).await;
        assert!(status == 403 && told["detail"].as_str().unwrap().contains(missing), "{told}");
    }
}

/// More users than a page holds, some of whom go while pages are turned; and the published script, whose list is the one that
/// `rollbook export users` writes.
#[tokio::test(flavor = "multi_thread")]
async fn c_16_pages_end_and_the_export_script_reads_them_all() {
    let folder = tempfile::tempdir().unwrap();
    let site = Site::open(&folder.path().join("data"));
    let user = |n: usize| {
        let name = json!({ "givenName": format!("N{n}, \"the\""), "familyName": "Ünal" });
        let email = format!("user{n}@acme.com");
        let given = [json!({ "value": "Analyst" }), json!({ "value": "Business User" })];
        let data = json!({ "schemas": [USER], "userName": email, "name": name,
            "emails": [{ "value": email, "primary": true }], "active": !n.is_multiple_of(7),
            "roles": given[..n % 3] });
        json!({ "method": "POST", "path": "/Users", "bulkId": format!("b{n}"), "data": data })
    };
    let bulk = json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
        "Operations": (0..250).map(user).collect::<Vec<_>>() });
    assert_eq!(site.idp("POST", "/Bulk", bulk).await.0, 200);

    let first = site.get("/v2/users").await;
    assert_eq!(first["items_this_page"], 100);
    let start = first["next_page_start"].as_str().unwrap().to_owned();
    let second = site.get(&format!("/v2/users?next_page_start={start}")).await;
    // The one that the next page begins with goes: it begins with the one after it.
    let gone = second["users"][0]["id"].as_str().unwrap();
    assert_eq!(site.idp("DELETE", &format!("/Users/{gone}"), Value::Null).await.0, 204);
    let again = site.get(&format!("/v2/users?next_page_start={start}")).await;
    assert_eq!(again["users"][0], second["users"][1]);
    assert_eq!(again["items_this_page"], 100);
    let start = again["next_page_start"].as_str().unwrap();
    let last = site.get(&format!("/v2/users?next_page_start={start}")).await;
    assert_eq!((&last["items_this_page"], &last["next_page_start"]), (&json!(49), &Value::Null));
    assert_eq!(site.ask("GET", "/v2/users?next_page_start=2", Value::Null).await.0, 400);

    let csv = site.cli(&["export", "users", "--format", "csv"]);
    let lines: Vec<&str> = csv.split_terminator("\r\n").collect();
    assert_eq!((lines.len(), lines[0]), (250, "login,firstName,lastName,email,roles"));
    assert_eq!(
        lines[3],
        "user2@acme.com,\"N2, \"\"the\"\"\",Ünal,user2@acme.com,acme:Analyst;acme:Business User"
    );

    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/examples/export_users.py");
    let script = |key: &str| {
        let mut python = Command::new("python3");
        python.arg(&script).arg(&site.server.url);
        python.env("ROLLBOOK_API_KEY", key).env("PYTHONIOENCODING", "utf-8").output()
    };
    // A fresh machine may have no Python; `make interop` runs the script always.
    let Ok(wrote) = script(&site.key) else { return };
    assert!(wrote.status.success(), "{}", String::from_utf8_lossy(&wrote.stderr));
    assert_eq!(String::from_utf8(wrote.stdout).unwrap(), csv);
    let refused = script(SCIM_KEY).unwrap();
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(
        !refused.status.success() && said.contains("does not open the management API"),
        "{said}"
    );
}

/// The list as of a moment, from a server and from a folder.
#[tokio::test(flavor = "multi_thread")]
async fn c_17_users_as_csv() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let site = Site::open(&data);
    let ada = json!({ "schemas": [USER], "userName": "ada", "name": { "givenName": "Ada", "familyName": "Lovelace, Countess" },
        "emails": [{ "value": "old@acme.com" }, { "value": "ada@acme.com", "primary": true }],
        "roles": [{ "value": "Admin" }, { "value": "Analyst" }] });
    let (_, made) = site.idp("POST", "/Users", ada).await;
    let then = site.position().await;
    let path = format!("/Users/{}", made["id"].as_str().unwrap());
    assert_eq!(site.idp("DELETE", &path, Value::Null).await.0, 204);
    let (_, bob) =
        site.idp("POST", "/Users", json!({ "schemas": [USER], "userName": "bob@acme.com" })).await;
    assert!(bob["id"].is_string(), "{bob}");

    let now = "login,firstName,lastName,email,roles\r\nbob@acme.com,,,bob@acme.com,\r\n";
    let past = "login,firstName,lastName,email,roles\r\nada,Ada,\"Lovelace, Countess\",ada@acme.com,acme:Admin;acme:Analyst\r\n";
    let csv = ["export", "users", "--format", "csv"];
    assert_eq!(site.cli(&csv), now);
    assert_eq!(site.cli(&[&csv[..], &["--at", &then]].concat()), past);
    let url = format!("{}/admin/v1/tenants/acme/roster?format=csv&asOf={then}", site.server.url);
    let answer = site.http.get(url).bearer_auth(OPERATOR_KEY).send().await.unwrap();
    assert!(answer.headers()["content-type"].to_str().unwrap().starts_with("text/csv"));
    assert_eq!(answer.text().await.unwrap(), past);
    site.server.stop();
    let data = data.to_str().unwrap();
    let (status, out, err) = run(&[&csv[..], &["--data", data, "--at", &then]].concat(), &[]);
    assert_eq!((status, out.as_str()), (0, past), "{err}");
}
