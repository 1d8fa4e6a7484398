//! What is managed here, and what is not.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::common::{OPERATOR_KEY, SCIM_KEY, Served, run};

const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
const PATCH: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

/// A served tenant, and who talks to it.
struct Acme {
    served: Served,
    http: reqwest::Client,
    _folder: TempDir,
}

/// A status and a body.
type Reply = (u16, Value);

impl Acme {
    fn start() -> Acme {
        let folder = tempfile::tempdir().unwrap();
        let served = Served::start(&folder.path().join("data"));
        Acme { served, http: reqwest::Client::new(), _folder: folder }
    }

    async fn send(&self, method: Method, url: String, key: &str, body: Option<Value>) -> Reply {
        let mut request = self.http.request(method, url).bearer_auth(key);
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = request.send().await.unwrap();
        let status: StatusCode = answer.status();
        let text = answer.bytes().await.unwrap();
        let body =
            if text.is_empty() { Value::Null } else { serde_json::from_slice(&text).unwrap() };
        (status.as_u16(), body)
    }

    /// As the identity provider whose key this is.
    async fn scim_as(&self, key: &str, method: &str, path: &str, body: Value) -> Reply {
        let url = format!("{}/scim/acme/v2{path}", self.served.url);
        let body = (!body.is_null()).then_some(body);
        self.send(method.parse().unwrap(), url, key, body).await
    }

    /// As Okta.
    async fn scim(&self, method: &str, path: &str, body: Value) -> Reply {
        self.scim_as(SCIM_KEY, method, path, body).await
    }

    /// As the operator, below the tenant.
    async fn admin(&self, method: &str, path: &str, body: Value) -> Reply {
        let url = format!("{}/admin/v1/tenants/acme{path}", self.served.url);
        let body = (!body.is_null()).then_some(body);
        self.send(method.parse().unwrap(), url, OPERATOR_KEY, body).await
    }

    /// The command line against this server: its status, and what it printed.
    fn run(&self, arguments: &[&str]) -> (i32, String, String) {
        let url = self.served.url.as_str();
        run(arguments, &[("ROLLBOOK_URL", url), ("ROLLBOOK_OPERATOR_KEY", OPERATOR_KEY)])
    }

    /// A second connector, with these settings; its key.
    async fn connector(&self, body: Value) -> String {
        let (status, added) = self.admin("POST", "/connectors", body).await;
        assert_eq!(status, 201, "{added}");
        added["apiKey"].as_str().unwrap().to_owned()
    }

    /// The types of the events about a user, oldest first.
    async fn events(&self, about: &str) -> Vec<String> {
        let path = format!("/audit/commits?{about}&order=oldest");
        let (status, told) = self.admin("GET", &path, Value::Null).await;
        assert_eq!(status, 200, "{told}");
        let commits = told["commits"].as_array().unwrap().iter();
        let events = commits.flat_map(|commit| commit["events"].as_array().unwrap());
        events.map(|event| event["type"].as_str().unwrap().to_owned()).collect()
    }
}

fn user(name: &str) -> Value {
    json!({ "schemas": [USER], "userName": name })
}

fn patch(operations: Value) -> Value {
    json!({ "schemas": [PATCH], "Operations": operations })
}

fn id(reply: &Reply) -> String {
    reply.1["id"].as_str().unwrap_or_else(|| panic!("no id: {reply:?}")).to_owned()
}

/// Seen to catch: a lock that `/Me` does not ask for.
#[tokio::test(flavor = "multi_thread")]
async fn p_04_an_emergency_lock_wins_over_the_identity_provider() {
    let acme = Acme::start();
    let jane = id(&acme.scim("POST", "/Users", user("jane")).await);
    let (_, issued) = acme.admin("POST", "/credentials", json!({ "user": "jane" })).await;
    let own = issued["apiKey"].as_str().unwrap();
    assert_eq!(acme.scim_as(own, "GET", "/Me", Value::Null).await.0, 200);

    let (status, refused) = acme.admin("PUT", "/users/jane/lock", json!({ "reason": " " })).await;
    assert!(status == 400 && refused["detail"].as_str().unwrap().contains("reason"), "{refused}");
    let reason = "laptop stolen, case 4711";
    let (status, out, err) = acme.run(&["user", "lock", "jane", "--reason", reason]);
    assert!(status == 0 && out.starts_with("locked at position "), "{out}{err}");
    let locked: u64 = out.trim().rsplit(' ').next().unwrap().parse().unwrap();
    let (_, out, _) = acme.run(&["user", "lock", "jane", "--reason", "again"]);
    assert_eq!(out, "nothing to do: it was so already\n");

    // She may do nothing, and it says why.
    assert_eq!(acme.scim_as(own, "GET", "/Me", Value::Null).await.0, 401);
    let (_, shown) = acme.admin("GET", "/users/jane", Value::Null).await;
    assert_eq!(shown["active"], false);
    assert_eq!(
        (&shown["locked"]["reason"], &shown["locked"]["active"]),
        (&json!(reason), &json!(true))
    );
    let (_, out, _) = acme.run(&["show", "user", "jane"]);
    assert!(out.contains(reason), "{out}");

    // Okta sees what it wrote, whatever it writes.
    let path = format!("/Users/{jane}");
    let (_, read) = acme.scim("GET", &path, Value::Null).await;
    assert_eq!(read["active"], true, "{read}");
    let (_, found) = acme.scim("GET", "/Users?filter=active%20eq%20true", Value::Null).await;
    assert_eq!(found["totalResults"], 1);
    for active in [false, true] {
        let body = patch(json!([{ "op": "replace", "path": "active", "value": active }]));
        let (status, read) = acme.scim("PATCH", &path, body).await;
        assert_eq!((status, &read["active"]), (200, &json!(active)), "{read}");
        assert_eq!(acme.scim_as(own, "GET", "/Me", Value::Null).await.0, 401);
    }

    let (status, out, err) = acme.run(&["user", "unlock", "jane"]);
    assert!(status == 0 && out.starts_with("unlocked at position "), "{out}{err}");
    assert_eq!(acme.scim_as(own, "GET", "/Me", Value::Null).await.0, 200);
    let events = acme.events("user=jane").await;
    let locks: Vec<&String> = events.iter().filter(|kind| kind.ends_with("ocked")).collect();
    assert_eq!(locks, ["UserLocked", "UserUnlocked"]);
    for (at, active) in [(locked - 1, true), (locked, false)] {
        let (_, was) = acme.admin("GET", &format!("/users/jane?asOf={at}"), Value::Null).await;
        assert_eq!(was["active"], active, "{was}");
    }
}
