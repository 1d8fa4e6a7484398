//! Tenants and operators.

use std::path::Path;

use reqwest::Method;
use serde_json::{Value, json};

use crate::common::{OPERATOR_KEY, SCIM_KEY, Served, run};

const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";

/// A running server with the tenant `acme`, and its data folder.
struct Running {
    served: Served,
    data: String,
    _folder: tempfile::TempDir,
}

impl Running {
    fn start() -> Running {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data").to_str().unwrap().to_owned();
        Running { served: Served::start(Path::new(&data)), data, _folder: folder }
    }

    /// What the command line prints that asks this server.
    fn run(&self, arguments: &[&str]) -> (i32, String, String) {
        self.run_as(OPERATOR_KEY, arguments)
    }

    fn run_as(&self, key: &str, arguments: &[&str]) -> (i32, String, String) {
        run(
            arguments,
            &[("ROLLBOOK_URL", self.served.url.as_str()), ("ROLLBOOK_OPERATOR_KEY", key)],
        )
    }

    /// The same, which must work.
    #[track_caller]
    fn done(&self, arguments: &[&str]) -> String {
        let (status, out, err) = self.run(arguments);
        assert_eq!(status, 0, "{arguments:?}: {out}{err}");
        out
    }

    async fn ask(
        &self,
        key: &str,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> (u16, Value, reqwest::header::HeaderMap) {
        let http = reqwest::Client::new();
        let mut request =
            http.request(method, format!("{}{path}", self.served.url)).bearer_auth(key);
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = request.send().await.unwrap();
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let text = answer.text().await.unwrap();
        (status, serde_json::from_str(&text).unwrap_or_default(), headers)
    }

    async fn get(&self, key: &str, path: &str) -> (u16, Value) {
        let (status, body, _) = self.ask(key, Method::GET, path, None).await;
        (status, body)
    }

    async fn create(&self, name: &str) -> u16 {
        let body = json!({ "schemas": [USER], "userName": name });
        self.ask(SCIM_KEY, Method::POST, "/scim/acme/v2/Users", Some(body)).await.0
    }
}

fn names(body: &Value, list: &str, field: &str) -> Vec<String> {
    let items = body[list].as_array().unwrap_or_else(|| panic!("no {list}: {body}"));
    items.iter().map(|item| item[field].as_str().unwrap().to_owned()).collect()
}

/// The roles are seeded, by a template that can be changed; `Everyone` is always among them. What a template says that
/// no tenant can have opens none.
#[tokio::test(flavor = "multi_thread")]
async fn c_06_a_tenant_begins_with_the_roles_of_a_template() {
    let app = Running::start();
    let (_, roles) = app.get(OPERATOR_KEY, "/admin/v1/tenants/acme/roles").await;
    assert_eq!(names(&roles, "roles", "name"), ["Admin", "Analyst", "Business User", "Everyone"]);

    app.done(&["tenant", "open", "globex", "--roles", "Reader,Writer=May write queries"]);
    let (_, roles) = app.get(OPERATOR_KEY, "/admin/v1/tenants/globex/roles").await;
    assert_eq!(names(&roles, "roles", "name"), ["Everyone", "Reader", "Writer"]);
    assert_eq!(roles["roles"][2]["description"], "May write queries");
    app.done(&["tenant", "open", "bare", "--roles", ""]);
    let (_, roles) = app.get(OPERATOR_KEY, "/admin/v1/tenants/bare/roles").await;
    assert_eq!(names(&roles, "roles", "name"), ["Everyone"]);

    let (status, _, err) = app.run(&["tenant", "open", "initech", "--roles", "Reader,Reader"]);
    assert!(status == 1 && err.contains("`Reader` is already taken"), "{err}");
    let bad = json!({ "slug": "initech", "preset": "oktta" });
    let (status, ..) = app.ask(OPERATOR_KEY, Method::POST, "/admin/v1/tenants", Some(bad)).await;
    assert_eq!(status, 400);
    let (_, tenants) = app.get(OPERATOR_KEY, "/admin/v1/tenants").await;
    assert_eq!(names(&tenants, "tenants", "slug"), ["acme", "bare", "globex"]);
    app.done(&["tenant", "open", "initech"]);
}

/// At least one address is demanded before alerts are sent.
#[tokio::test(flavor = "multi_thread")]
async fn c_15_alerts_need_an_address_to_go_to() {
    let app = Running::start();
    let (status, _, err) = app.run(&["tenant", "describe", "acme", "--alerts", "on"]);
    assert!(status == 1 && err.contains("alerts need an address"), "{err}");
    let out = app.done(&[
        "tenant",
        "describe",
        "acme",
        "--title",
        "Acme Ltd",
        "--alerts-to",
        "alerts@acme.example,ops@acme.example",
        "--alerts",
        "on",
    ]);
    assert!(out.starts_with("described at position "), "{out}");
    let (_, shown) = app.get(OPERATOR_KEY, "/admin/v1/tenants/acme").await;
    assert_eq!(shown["title"], "Acme Ltd");
    assert_eq!(shown["alertAddresses"], json!(["alerts@acme.example", "ops@acme.example"]));
    assert_eq!(shown["alerts"], true);
    let (status, ..) = app.run(&["tenant", "describe", "acme", "--alerts-to", ""]);
    assert_eq!(status, 1, "alerts went on to nobody");
    app.done(&["tenant", "describe", "acme", "--alerts-to", "", "--alerts", "off"]);
    let out = app.done(&["diff", "--from", "3"]);
    assert!(out.contains("Acme Ltd"), "{out}");
}

/// A suspended tenant asks its identity providers to come again, whatever they want; operators go on, and nothing is
/// lost: what is sent again later is taken.
#[tokio::test(flavor = "multi_thread")]
async fn tenants_are_suspended_and_resumed() {
    let app = Running::start();
    assert_eq!(app.create("jane@acme.com").await, 201);
    app.done(&["tenant", "suspend", "acme", "--reason", "a leaked key"]);
    let (_, shown) = app.get(OPERATOR_KEY, "/admin/v1/tenants/acme").await;
    assert_eq!(
        (&shown["state"], &shown["since"]["reason"]),
        (&"suspended".into(), &"a leaked key".into())
    );
    assert_eq!(shown["since"]["actor"]["name"], "owner");
    for path in ["Users", "Groups", "Schemas", "Users?asOf=1", "Me", "nothing"] {
        let (status, body, headers) =
            app.ask(SCIM_KEY, Method::GET, &format!("/scim/acme/v2/{path}"), None).await;
        // A key of no user opens no `/Me`, suspended or not.
        assert_eq!(status, if path == "Me" { 404 } else { 503 }, "{path}: {body}");
        assert!(path == "Me" || headers.get("retry-after").is_some(), "{path}");
    }
    assert_eq!(app.create("joe@acme.com").await, 503);
    let (status, _) = app.get("acme:of-nobody-at-all-here", "/scim/acme/v2/Users").await;
    assert_eq!(status, 401, "a stranger learns that the tenant is suspended");

    // Operators read and administer as ever.
    app.done(&["role", "define", "Auditor"]);
    app.done(&["show", "user", "jane@acme.com"]);
    let (_, problems) = app.get(OPERATOR_KEY, "/admin/v1/tenants/acme/problems").await;
    assert!(problems.to_string().contains("the tenant is suspended"), "{problems}");
    let out = app.done(&["tenant", "list"]);
    assert!(out.contains("acme\tsuspended\t"), "{out}");

    assert_eq!(app.done(&["tenant", "suspend", "acme"]).trim(), "nothing to do: it was so already");
    let out = app.done(&["tenant", "resume", "acme"]);
    assert!(out.starts_with("resumed at position "), "{out}");
    assert_eq!(app.create("joe@acme.com").await, 201);
    let (status, users) = app.get(SCIM_KEY, "/scim/acme/v2/Users").await;
    assert_eq!((status, &users["totalResults"]), (200, &2.into()));
}

/// A closed tenant's keys open as little as those of a tenant that never was, its slug is not used again, and all of its
/// history is there: read, exported, verified, and rid of a person who asks for it.
#[tokio::test(flavor = "multi_thread")]
async fn tenants_are_closed_for_good() {
    let app = Running::start();
    assert_eq!(app.create("jane@acme.com").await, 201);
    let (status, _, err) = app.run(&["tenant", "close", "acme"]);
    assert!(status == 1 && err.contains("--yes"), "{err}");
    let wrong = json!({ "slug": "globex" });
    let (status, ..) =
        app.ask(OPERATOR_KEY, Method::POST, "/admin/v1/tenants/acme/close", Some(wrong)).await;
    assert_eq!(status, 400);
    app.done(&["tenant", "close", "acme", "--reason", "end of contract", "--yes"]);

    let closed = app.ask(SCIM_KEY, Method::GET, "/scim/acme/v2/Users", None).await;
    let unknown =
        app.ask("nobody:a-secret-of-nobody", Method::GET, "/scim/nobody/v2/Users", None).await;
    assert_eq!((closed.0, closed.1), (401, unknown.1));
    assert_eq!(app.create("joe@acme.com").await, 401);
    for refused in [
        vec!["role", "define", "New"],
        vec!["tenant", "resume", "acme"],
        vec!["credential", "issue", "okta"],
        vec!["tenant", "describe", "acme", "--title", "Acme"],
    ] {
        let (status, _, err) = app.run(&refused);
        assert!(status == 1 && err.contains("409"), "{refused:?}: {err}");
    }
    let (status, _, err) = app.run(&["tenant", "open", "acme"]);
    assert!(status == 1 && err.contains("choose another slug"), "{err}");
    let out = app.done(&["audit", "commits", "--user", "jane@acme.com"]);
    assert!(out.contains("UserCreated"), "{out}");
    let (_, page) = app.get(OPERATOR_KEY, "/admin/v1/tenants/acme/feed").await;
    assert!(page.to_string().contains("TenantClosed"), "{page}");
    app.done(&["erase", "user", "jane@acme.com", "--reason", "request 4711", "--yes"]);

    // A start that names it serves the others.
    let Running { served, data, _folder } = app;
    served.stop();
    let served = Served::start(Path::new(&data));
    let app = Running { served, data, _folder };
    let (_, tenants) = app.get(OPERATOR_KEY, "/admin/v1/tenants?asOf=3").await;
    assert_eq!(tenants["tenants"][0]["state"], "open", "{tenants}");
    let Running { served, data, _folder } = app;
    served.stop();
    let listed = run(&["tenant", "list", "--data", &data, "--json"], &[]);
    assert!(listed.1.contains(r#""state": "closed""#), "{listed:?}");
    let archive = format!("{data}.rollbook");
    let passphrase = [("ROLLBOOK_KEYS_PASSPHRASE", "correct horse battery staple")];
    let exported = run(&["export", "--data", &data, "--out", &archive], &passphrase);
    assert_eq!(exported.0, 0, "{exported:?}");
    let fresh = format!("{data}-fresh");
    let replayed = run(&["replay", &archive, "--into", &fresh], &passphrase);
    assert_eq!(replayed.0, 0, "{replayed:?}");
    let verified = run(&["verify", "--data", &fresh], &[]);
    assert_eq!(verified.0, 0, "{verified:?}");
    let listed = run(&["tenant", "list", "--data", &fresh, "--json"], &[]);
    assert!(listed.1.contains(r#""state": "closed""#), "{listed:?}");
}

/// To acme's key all that is globex's is as if it were not there: what is asked of it is answered as what never was, and
/// what acme reads of itself holds none of it.
///
/// Seen to catch a cursor that is good in every tenant.
#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_is_as_if_it_were_not_there_to_the_key_of_another() {
    let app = Running::start();
    for name in ["jane@acme.com", "joe@acme.com"] {
        assert_eq!(app.create(name).await, 201);
    }
    let out = app.done(&["tenant", "open", "globex"]);
    let key = out.lines().find_map(|line| line.trim().strip_prefix("API key")).unwrap().trim();
    let globex = async |method, path: &str, body| {
        let (status, body, headers) =
            app.ask(key, method, &format!("/scim/globex/v2{path}"), body).await;
        let position = headers.get("rollbook-position").map(|at| at.to_str().unwrap().to_owned());
        (status, body, position.unwrap_or_default())
    };
    let mut ids = Vec::new();
    for n in 0..4 {
        let body = json!({ "schemas": [USER], "userName": format!("secret-{n}@globex.com") });
        let (status, created, _) = globex(Method::POST, "/Users", Some(body)).await;
        assert_eq!(status, 201, "{created}");
        ids.push(created["id"].as_str().unwrap().to_owned());
    }
    let (_, page, position) = globex(Method::GET, "/Users?cursor&count=2", None).await;
    let cursor = page["nextCursor"].as_str().unwrap();

    // Each of globex's words, and one of the same form that was never anybody's.
    let never = "0198f3a0-0000-7000-8000-00000000ffff";
    let id = ids[0].as_str();
    for (path, theirs, nobodys, status) in [
        ("/scim/acme/v2/Users/{}", id, never, 404),
        ("/scim/acme/v2/Users/{}?asOf=5", id, never, 404),
        ("/scim/acme/v2/Users?cursor={}&count=2", cursor, "AAAA", 400),
        ("/scim/acme/v2/Users?asOf={}", &position, "999", 400),
        ("/scim/acme/v2/Users?filter=id%20eq%20%22{}%22", id, never, 200),
        ("/scim/{}/v2/Users", "globex", "nobody", 404),
        (&format!("/scim/{{}}/v2/Users/{id}"), "globex", "nobody", 404),
        ("/admin/v1/tenants/{}", "globex", "nobody", 401),
        ("/admin/v1/tenants/{}/feed", "globex", "nobody", 401),
        ("/admin/v1/tenants/{}/problems", "globex", "nobody", 401),
        ("/admin/v1/tenants/{}/users?asOf=4", "globex", "nobody", 401),
    ] {
        let ask = async |word: &str| {
            let (status, body) = app.get(SCIM_KEY, &path.replace("{}", word)).await;
            (status, body.to_string().replace(word, "{}"))
        };
        let told = ask(theirs).await;
        assert_eq!(told, ask(nobodys).await, "{path}");
        assert_eq!(told.0, status, "{path}: {}", told.1);
    }
    for method in [Method::PUT, Method::PATCH, Method::DELETE] {
        let path = format!("/scim/acme/v2/Users/{id}");
        let body = json!({ "schemas": [USER], "userName": "mine" });
        assert_eq!(app.ask(SCIM_KEY, method, &path, Some(body)).await.0, 404);
    }

    // A name that is taken over there is free here, and nobody over there is listed, followed or told of here.
    let (_, listed) = app.get(SCIM_KEY, "/scim/acme/v2/Users").await;
    assert_eq!(listed["totalResults"], 2);
    assert_eq!(app.create("secret-0@globex.com").await, 201);
    let body = json!({ "schemas": [USER], "userName": "secret-1@globex.com" });
    assert_eq!(globex(Method::POST, "/Users", Some(body)).await.0, 409);
    for what in ["feed", "problems", "users", "audit/commits"] {
        let (status, told) =
            app.get(OPERATOR_KEY, &format!("/admin/v1/tenants/acme/{what}?count=500")).await;
        assert_eq!(status, 200, "{told}");
        for of_globex in ["secret-1", "secret-2", ids[1].as_str(), "globex\""] {
            assert!(!told.to_string().contains(of_globex), "{what} tells {of_globex}: {told}");
        }
    }
    // Nothing of this moved globex.
    let (_, listed, stands) = globex(Method::GET, "/Users", None).await;
    assert_eq!((&listed["totalResults"], stands), (&4.into(), position));
}

/// The key that a command printed.
#[track_caller]
fn printed_key(out: &str) -> String {
    let line = out.lines().find_map(|line| line.trim().strip_prefix("operator key"));
    line.unwrap_or_else(|| panic!("no key: {out}")).trim().to_owned()
}

/// Operators come with a role and a key, change, rotate and go; what they do stands under their names for good.
#[tokio::test(flavor = "multi_thread")]
async fn operators_have_roles_and_keys_of_their_own() {
    let app = Running::start();
    let ann = printed_key(&app.done(&["operator", "add", "ann", "--role", "auditor"]));
    assert_eq!(app.run_as(&ann, &["audit", "commits"]).0, 0);
    let (status, _, err) = app.run_as(&ann, &["role", "define", "New"]);
    assert!(status == 1 && err.contains("this needs the role `operator`"), "{err}");
    let (status, _, err) = app.run(&["operator", "add", "ann", "--role", "owner"]);
    assert!(status == 1 && err.contains("already taken"), "{err}");

    app.done(&["operator", "set", "ann", "--role", "operator"]);
    assert_eq!(app.run_as(&ann, &["role", "define", "New"]).0, 0);
    for owners in [
        vec!["tenant", "close", "acme", "--yes"],
        vec!["operator", "add", "eve", "--role", "owner"],
        vec!["operator", "set", "ann", "--role", "owner"],
        vec!["operator", "remove", "owner"],
        vec!["operator", "rotate", "owner"],
    ] {
        let (status, _, err) = app.run_as(&ann, &owners);
        assert!(status == 1 && err.contains("this needs the role `owner`"), "{owners:?}: {err}");
    }

    // The old key opens nothing once another is in its place.
    let new = printed_key(&app.done(&["operator", "rotate", "ann"]));
    assert!(app.run_as(&ann, &["tenant", "list"]).2.contains("401"));
    assert_eq!(app.run_as(&new, &["tenant", "list"]).0, 0);
    let keys = app.done(&["operator", "keys", "ann", "--json"]);
    let keys: Value = serde_json::from_str(&keys).unwrap();
    assert_eq!(keys.as_array().unwrap().len(), 2, "{keys}");

    let (status, _, err) = app.run(&["operator", "remove", "owner"]);
    assert!(status == 1 && err.contains("last owner"), "{err}");
    let (status, _, err) = app.run(&["operator", "set", "owner", "--role", "auditor"]);
    assert!(status == 1 && err.contains("last owner"), "{err}");
    app.done(&["operator", "remove", "ann"]);
    assert!(app.run_as(&new, &["tenant", "list"]).2.contains("401"));
    let out = app.done(&["audit", "commits", "--event", "RoleDefined"]);
    assert!(out.contains("operator ann"), "{out}");
    let out = app.done(&["audit", "commits", "--tenant", "_system", "--event", "OperatorRemoved"]);
    assert!(out.contains("OperatorRemoved ann") && out.contains("operator owner"), "{out}");

    let Running { served, data, _folder } = app;
    served.stop();
    let (status, out, err) = run(&["operator", "list", "--data", &data, "--json"], &[]);
    assert_eq!(status, 0, "{err}");
    let listed: Value = serde_json::from_str(&out).unwrap();
    let roles: Vec<_> = listed.as_array().unwrap().iter().map(|one| one["role"].clone()).collect();
    assert_eq!(roles, ["owner", "operator"]);
    // The owner's key, whatever else happened, is the one that was chosen at the start.
    let served = Served::start(Path::new(&data));
    let app = Running { served, data, _folder };
    app.done(&["tenant", "list"]);
}
