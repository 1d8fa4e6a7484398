//! What a connector's client may do, and what comes of it.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::common::{OPERATOR_KEY, SCIM_KEY, Served, run};

const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
const PATCH: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";
const BULK: &str = "urn:ietf:params:scim:api:messages:2.0:BulkRequest";

/// A served tenant, and the key of one connector.
struct Site {
    server: Served,
    base: String,
    key: String,
    _folder: tempfile::TempDir,
}

impl Site {
    fn start() -> Site {
        let folder = tempfile::tempdir().unwrap();
        let server = Served::start(&folder.path().join("data"));
        let base = format!("{}/scim/acme/v2", server.url);
        Site { server, base, key: SCIM_KEY.to_owned(), _folder: folder }
    }

    /// What the binary prints as a client of this server.
    fn cli(&self, arguments: &[&str]) -> (i32, String, String) {
        let url = self.server.url.as_str();
        run(arguments, &[("ROLLBOOK_URL", url), ("ROLLBOOK_OPERATOR_KEY", OPERATOR_KEY)])
    }

    /// Changes settings of the first connector.
    fn set(&self, settings: &[&str]) {
        let (status, _, err) = self.cli(&[&["connector", "set", "okta"], settings].concat());
        assert_eq!(status, 0, "{err}");
    }

    async fn send(&self, method: Method, url: String, body: Value) -> (StatusCode, Value) {
        let request = reqwest::Client::new().request(method, url);
        let request = if body.is_null() { request } else { request.json(&body) };
        let answer = request.bearer_auth(&self.key).send().await.unwrap();
        let status = answer.status();
        let body = answer.bytes().await.unwrap();
        (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
    }

    async fn ask(&self, method: Method, path: &str, body: Value) -> (StatusCode, Value) {
        self.send(method, format!("{}{path}", self.base), body).await
    }

    async fn user(&self, name: &str) -> String {
        let body = json!({ "schemas": [USER], "userName": name });
        let (status, user) = self.ask(Method::POST, "/Users", body).await;
        assert_eq!(status, 201, "{user}");
        user["id"].as_str().unwrap().to_owned()
    }

    async fn group(&self, name: &str, members: &[&str]) -> String {
        let members: Vec<_> = members.iter().map(|id| json!({ "value": id })).collect();
        let body = json!({ "schemas": [GROUP], "displayName": name, "members": members });
        let (status, group) = self.ask(Method::POST, "/Groups", body).await;
        assert_eq!(status, 201, "{group}");
        group["id"].as_str().unwrap().to_owned()
    }

    async fn get(&self, path: &str) -> Value {
        let (status, body) = self.ask(Method::GET, path, Value::Null).await;
        assert_eq!(status, 200, "{body}");
        body
    }

    async fn patch(&self, path: &str, value: Value) -> (StatusCode, Value) {
        let operations = json!([{ "op": "replace", "value": value }]);
        let body = json!({ "schemas": [PATCH], "Operations": operations });
        self.ask(Method::PATCH, path, body).await
    }

    async fn members(&self, group: &str) -> usize {
        let group = self.get(&format!("/Groups/{group}")).await;
        group["members"].as_array().map_or(0, Vec::len)
    }
}

/// That an answer is a SCIM error with this status, and says this.
#[track_caller]
fn refused(answer: &(StatusCode, Value), status: u16, words: &[&str]) {
    assert_eq!(answer.0, status, "{}", answer.1);
    assert_eq!(answer.1["status"], status.to_string());
    let detail = answer.1["detail"].as_str().unwrap();
    for word in words {
        assert!(detail.contains(word), "{detail}");
    }
}

/// Switched off, a connector's client is told so, whatever it asks; its key and all that it wrote are kept.
#[tokio::test(flavor = "multi_thread")]
async fn c_01_a_connector_is_switched_off_and_on() {
    let site = Site::start();
    let user = site.user("ada").await;
    let (status, out, err) = site.cli(&["connector", "disable", "okta"]);
    assert!(status == 0 && out.starts_with("disabled at position"), "{out}{err}");
    let (_, out, _) = site.cli(&["connector", "disable", "okta"]);
    assert!(out.starts_with("nothing to do"), "{out}");
    let (_, out, _) = site.cli(&["connector", "list"]);
    assert!(out.trim_end().ends_with("disabled"), "{out}");
    let path = format!("/Users/{user}");
    for (method, path, body) in [
        (Method::GET, "/Users?startIndex=1&count=2", Value::Null),
        (Method::GET, path.as_str(), Value::Null),
        (Method::POST, "/Users", json!({ "schemas": [USER], "userName": "bob" })),
        (Method::DELETE, path.as_str(), Value::Null),
        (Method::POST, "/Bulk", json!({ "schemas": [BULK], "Operations": [] })),
        (Method::GET, "/Users?asOf=3", Value::Null),
    ] {
        let answer = site.ask(method, path, body).await;
        refused(&answer, 403, &["`okta`", "switched off", "rollbook connector enable"]);
    }
    let (_, out, _) = site.cli(&["problems", "--json"]);
    assert!(out.contains("switched off") && out.contains("okta"), "{out}");
    let (_, out, _) = site.cli(&["connector", "enable", "okta"]);
    assert!(out.starts_with("enabled at position"), "{out}");
    assert_eq!(site.get(&path).await["active"], true);
}

/// Each workflow alone: what is on is carried out, what is off is refused as a whole and named.
#[tokio::test(flavor = "multi_thread")]
async fn c_05_a_workflow_that_is_off_is_refused_and_named() {
    let site = Site::start();
    let ada = format!("/Users/{}", site.user("ada").await);
    let sales = format!("/Groups/{}", site.group("Sales", &[]).await);
    let new = json!({ "schemas": [USER], "userName": "bob" });
    let head = || async { site.get("/Users?count=0").await["totalResults"].clone() };

    site.set(&["--permissions", "none"]);
    let before = head().await;
    let answer = site.ask(Method::POST, "/Users", new.clone()).await;
    refused(&answer, 403, &["`okta`", "the permission `createUsers` is off"]);
    refused(&site.patch(&ada, json!({ "title": "Queen" })).await, 403, &["`updateUsers` is off"]);
    refused(
        &site.patch(&ada, json!({ "active": false })).await,
        403,
        &["`deactivateUsers` is off"],
    );
    refused(&site.ask(Method::DELETE, &ada, Value::Null).await, 403, &["`deactivateUsers`"]);
    refused(
        &site.patch(&sales, json!({ "displayName": "S" })).await,
        403,
        &["`pushGroups` is off"],
    );
    let both = site.patch(&ada, json!({ "active": false, "title": "Queen" })).await;
    refused(&both, 403, &["`updateUsers` and `deactivateUsers` are off"]);
    assert_eq!(head().await, before);
    let (_, out, _) = site.cli(&["problems", "--json"]);
    assert!(out.contains("createUsers") && out.contains("pushGroups"), "{out}");

    // Okta deactivates by writing back everything that it read, with `active` changed; its app has only that ticked.
    site.set(&["--permissions", "deactivateUsers"]);
    let mut whole = site.get(&ada).await;
    whole["active"] = false.into();
    whole["groups"] = json!([]);
    let (status, _) = site.ask(Method::PUT, &ada, whole.clone()).await;
    assert_eq!(status, 200);
    whole["active"] = true.into();
    whole["title"] = "Queen".into();
    refused(&site.ask(Method::PUT, &ada, whole).await, 403, &["`updateUsers` is off"]);
    assert_eq!(site.get(&ada).await["active"], false);

    // In a job each operation is what it would be alone.
    site.set(&["--permissions", "createUsers,pushGroups"]);
    let operations = json!([
        { "method": "POST", "path": "/Users", "bulkId": "b", "data": new },
        { "method": "PATCH", "path": ada, "data": { "schemas": [PATCH],
            "Operations": [{ "op": "replace", "value": { "title": "Queen" } }] } },
        { "method": "DELETE", "path": ada },
        { "method": "DELETE", "path": sales },
    ]);
    let job = json!({ "schemas": [BULK], "Operations": operations });
    let (status, done) = site.ask(Method::POST, "/Bulk", job).await;
    assert_eq!(status, 200, "{done}");
    let outcomes = done["Operations"].as_array().unwrap();
    let statuses: Vec<_> = outcomes.iter().map(|one| one["status"].as_str().unwrap()).collect();
    assert_eq!(statuses, ["201", "403", "403", "204"]);
    refused(&(StatusCode::FORBIDDEN, outcomes[1]["response"].clone()), 403, &["`updateUsers`"]);
}

/// Entra's groups are not written again when somebody may act again: what the log knows is restored.
#[tokio::test(flavor = "multi_thread")]
async fn p_07_deactivation_leaves_groups_and_reactivation_restores_them() {
    let site = Site::start();
    let (ada, bob) = (site.user("ada").await, site.user("bob").await);
    let path = format!("/Users/{ada}");
    let (sales, ops) = (site.group("Sales", &[&ada, &bob]).await, site.group("Ops", &[&ada]).await);
    site.patch(&path, json!({ "active": "False" })).await;
    assert_eq!((site.members(&sales).await, site.members(&ops).await), (2, 1));
    site.patch(&path, json!({ "active": "True" })).await;

    site.set(&["--on-deactivate", "leave-groups", "--on-reactivate", "restore-groups"]);
    let (status, inactive) = site.patch(&path, json!({ "active": "False" })).await;
    assert_eq!((status.as_u16(), &inactive["active"]), (200, &json!(false)));
    assert!(inactive["groups"].is_null(), "{inactive}");
    assert_eq!((site.members(&sales).await, site.members(&ops).await), (1, 0));
    let (_, out, _) = site.cli(&[
        "audit",
        "commits",
        "--subject",
        "user:ada",
        "--newest",
        "--count",
        "1",
        "--json",
    ]);
    let last: Value = serde_json::from_str(&out).unwrap();
    let events: Vec<_> =
        last[0]["events"].as_array().unwrap().iter().map(|event| event["type"].clone()).collect();
    assert_eq!(events, ["UserDeactivated", "GroupMemberRemoved", "GroupMemberRemoved"], "{out}");

    // Meanwhile she is taken out of one of them by name, which nobody sees but the log.
    let taken = json!([{ "op": "remove", "path": format!("members[value eq \"{ada}\"]") }]);
    let taken = json!({ "schemas": [PATCH], "Operations": taken });
    let (status, _) = site.ask(Method::PATCH, &format!("/Groups/{ops}"), taken).await;
    assert_eq!(status, 204);
    let (_, again) = site.patch(&path, json!({ "active": "True" })).await;
    assert_eq!(again["groups"].as_array().map(Vec::len), Some(1), "{again}");
    assert_eq!(again["groups"][0]["value"], sales.as_str());
    assert_eq!((site.members(&sales).await, site.members(&ops).await), (2, 0));
}

/// A client whose DELETE is not carried out as such is content all the same, and an operator is told.
#[tokio::test(flavor = "multi_thread")]
async fn p_09_a_delete_deletes_deactivates_or_is_refused() {
    let site = Site::start();
    let (ada, bob) = (site.user("ada").await, site.user("bob").await);
    let (ada, bob) = (format!("/Users/{ada}"), format!("/Users/{bob}"));
    site.set(&["--on-delete", "deactivate"]);
    for _ in 0..2 {
        let (status, body) = site.ask(Method::DELETE, &ada, Value::Null).await;
        assert_eq!((status.as_u16(), body), (204, Value::Null));
        assert_eq!(site.get(&ada).await["active"], false);
    }
    let (_, out, _) = site.cli(&["problems", "--json"]);
    assert!(out.contains("`onDelete`") && out.contains("204"), "{out}");

    site.set(&["--on-delete", "refuse"]);
    let answer = site.ask(Method::DELETE, &bob, Value::Null).await;
    refused(&answer, 403, &["`onDelete` is `refuse`", "still active"]);
    site.patch(&bob, json!({ "active": false })).await;
    assert_eq!(site.ask(Method::DELETE, &bob, Value::Null).await.0, 204);
    assert_eq!(site.get(&bob).await["userName"], "bob");

    site.set(&["--on-delete", "delete"]);
    assert_eq!(site.ask(Method::DELETE, &bob, Value::Null).await.0, 204);
    assert_eq!(site.ask(Method::GET, &bob, Value::Null).await.0, 404);
    site.user("bob").await;
}

/// The filters that the product's documents name, and the same by the names that its clients use.
#[tokio::test(flavor = "multi_thread")]
async fn p_14_filters_by_name_given_name_and_active() {
    let site = Site::start();
    let body = json!({ "schemas": [USER], "userName": "ada",
        "name": { "givenName": "Ada", "familyName": "L" } });
    site.ask(Method::POST, "/Users", body).await;
    let bob = site.user("bob").await;
    site.patch(&format!("/Users/{bob}"), json!({ "active": false })).await;
    for (filter, hits) in [
        ("userName eq \"ADA\"", 1),
        ("name.givenName eq \"Ada\"", 1),
        ("givenName eq \"ada\"", 1),
        ("firstName eq \"Ada\"", 1),
        ("firstName eq \"Bob\"", 0),
        ("active eq true", 1),
        ("active eq false", 1),
    ] {
        let filter: String = reqwest::Url::parse_with_params("x:/", [("filter", filter)])
            .unwrap()
            .query()
            .unwrap()
            .to_owned();
        let found = site.get(&format!("/Users?startIndex=1&count=10&{filter}")).await;
        assert_eq!(found["totalResults"], hits, "{filter}");
    }
    // Page by page, whichever filter: each is told once, with the total on every page.
    for filter in ["", "&filter=userName+pr", "&filter=userName+pr&sortBy=userName"] {
        let mut seen = Vec::new();
        for start in 1..=3 {
            let page = site.get(&format!("/Users?count=1&startIndex={start}{filter}")).await;
            assert_eq!((&page["totalResults"], &page["startIndex"]), (&json!(2), &json!(start)));
            let users = page["Resources"].as_array().cloned().unwrap_or_default();
            assert_eq!(page["itemsPerPage"], users.len(), "{page}");
            seen.extend(users.iter().map(|user| user["userName"].as_str().unwrap().to_owned()));
        }
        seen.sort();
        assert_eq!(seen, ["ada", "bob"], "{filter}");
    }
    site.set(&["--mode", "strict"]);
    let strict = site.ask(Method::GET, "/Users?filter=firstName+eq+%22Ada%22", Value::Null).await;
    refused(&strict, 400, &["firstName"]);
}

/// A suspended user is not woken up by a PUT that says nothing of it, unless the connector is told that this is meant.
#[tokio::test(flavor = "multi_thread")]
async fn p_16_active_is_true_when_absent_from_a_post_and_kept_by_a_put() {
    let site = Site::start();
    let ada = format!("/Users/{}", site.user("ada").await);
    assert_eq!(site.get(&ada).await["active"], true);
    site.patch(&ada, json!({ "active": false })).await;
    let put = json!({ "schemas": [USER], "userName": "ada", "title": "Queen" });
    let (_, kept) = site.ask(Method::PUT, &ada, put.clone()).await;
    assert_eq!((&kept["active"], &kept["title"]), (&json!(false), &json!("Queen")));
    site.set(&["--put-without-active", "activate"]);
    let (_, awake) = site.ask(Method::PUT, &ada, put).await;
    assert_eq!(awake["active"], true);
}

/// A connector's own address works for its own key and for no other, and leads to addresses of its own.
#[tokio::test(flavor = "multi_thread")]
async fn p_17_a_connector_has_an_address_of_its_own() {
    let mut site = Site::start();
    let tenant = site.base.clone();
    let (status, out, err) = site.cli(&["connector", "add", "my entra", "--preset", "entra"]);
    assert_eq!(status, 0, "{err}");
    let entra = out.lines().find_map(|line| line.trim().strip_prefix("API key")).unwrap().trim();
    let ada = site.user("ada").await;
    site.base = tenant.replace("/v2", "/okta/v2");
    let user = site.get(&format!("/Users/{ada}")).await;
    assert_eq!(user["meta"]["location"], format!("{}/Users/{ada}", site.base));
    site.get("/ServiceProviderConfig").await;
    for wrong in ["/my%20entra/v2", "/nobody/v2", "/globex/v2"] {
        site.base = tenant.replace("/v2", wrong);
        let answer = site.ask(Method::GET, &format!("/Users/{ada}"), Value::Null).await;
        refused(&answer, 404, &["nothing at this address"]);
    }
    site.base = tenant.replace("/v2", "/my%20entra/v2");
    site.key = entra.to_owned();
    let user = site.get(&format!("/Users/{ada}")).await;
    assert_eq!(user["meta"]["location"], format!("{}/Users/{ada}", site.base));
    site.key = "acme:not-a-key-of-anybody".to_owned();
    assert_eq!(site.ask(Method::GET, "/Users", Value::Null).await.0, 401);
}

/// A connector that enriches users who come from elsewhere creates nobody and takes nobody's right to act.
#[tokio::test(flavor = "multi_thread")]
async fn p_22_attribute_only_enriches_and_does_nothing_else() {
    let mut site = Site::start();
    let ada = format!("/Users/{}", site.user("ada").await);
    let (status, out, err) =
        site.cli(&["connector", "add", "hr", "--preset", "generic", "--attribute-only", "true"]);
    assert_eq!(status, 0, "{err}");
    let key = out.lines().find_map(|line| line.trim().strip_prefix("API key")).unwrap().trim();
    site.key = key.to_owned();
    let (status, enriched) = site.patch(&ada, json!({ "title": "Queen" })).await;
    assert_eq!((status.as_u16(), &enriched["title"]), (200, &json!("Queen")));
    let new = json!({ "schemas": [USER], "userName": "bob" });
    for answer in [
        site.ask(Method::POST, "/Users", new).await,
        site.patch(&ada, json!({ "active": false })).await,
        site.ask(Method::DELETE, &ada, Value::Null).await,
        site.ask(Method::POST, "/Groups", json!({ "schemas": [GROUP], "displayName": "G" })).await,
    ] {
        refused(&answer, 403, &["`hr`", "`attributeOnly`", "come from elsewhere"]);
    }
    assert_eq!(site.get("/Users").await["totalResults"], 1);
}

/// The verbs answer the same from a server and from its folder, now and as of then; a connector goes with its keys.
#[tokio::test(flavor = "multi_thread")]
async fn c_01_connectors_are_listed_shown_and_removed() {
    let site = Site::start();
    site.cli(&["connector", "add", "spare", "--permissions", "updateUsers"]);
    site.set(&["--on-delete", "refuse"]);
    let (status, shown, err) = site.cli(&["connector", "show", "spare"]);
    assert_eq!(status, 0, "{err}");
    assert!(shown.contains("setting    permissions = updateUsers"), "{shown}");
    let json_of = |out: &str| serde_json::from_str::<Value>(out).unwrap();
    let (_, listed, _) = site.cli(&["connector", "list", "--json"]);
    let (_, one, _) = site.cli(&["connector", "show", "okta", "--json"]);
    let mut listed = json_of(&listed);
    listed.as_array_mut().unwrap().iter_mut().for_each(|one| one["tolerated"] = Value::Null);
    let mut one = json_of(&one);
    one["tolerated"] = Value::Null;
    assert_eq!(one["settings"]["onDelete"], "refuse");

    let ada = site.user("ada").await;
    let (status, _, err) = site.cli(&["connector", "remove", "okta"]);
    assert!(status == 1 && err.contains("users whom it manages"), "{err}");
    let (status, out, err) = site.cli(&["connector", "remove", "spare"]);
    assert!(status == 0 && out.starts_with("removed at position"), "{out}{err}");
    let (status, _, err) = site.cli(&["connector", "show", "spare"]);
    assert!(status == 1 && err.contains("was removed at position"), "{err}");
    let (_, out, _) = site.cli(&["credential", "list"]);
    let revoked = |line: &&str| line.contains("\tspare\t") && line.trim_end().ends_with('Z');
    assert_eq!(out.lines().filter(revoked).count(), 1, "{out}");
    let (_, then, _) = site.cli(&["connector", "list", "--at", "5", "--json"]);
    site.ask(Method::DELETE, &format!("/Users/{ada}"), Value::Null).await;

    let Site { server, _folder: folder, .. } = site;
    server.stop();
    let data = folder.path().join("data");
    let data = data.to_str().unwrap();
    let from_folder = |arguments: &[&str]| {
        let (status, out, err) = run(&[arguments, &["--data", data, "--json"]].concat(), &[]);
        assert_eq!(status, 0, "{err}");
        json_of(&out)
    };
    assert_eq!(from_folder(&["connector", "list", "--at", "5"]), json_of(&then));
    assert_eq!(json_of(&then).as_array().map(Vec::len), Some(2));
    let now = from_folder(&["connector", "list"]);
    assert_eq!(now.as_array().map(Vec::len), Some(1));
    assert_eq!(now[0], listed[0]);
    let mut shown = from_folder(&["connector", "show", "okta"]);
    shown["head"] = one["head"].clone();
    assert_eq!(shown["settings"], one["settings"]);
}
