//! Roles: where they come from, and what they come to.

use std::path::Path;

use reqwest::{Client, Method};
use serde_json::{Value, json};

use crate::common::{OPERATOR_KEY, SCIM_KEY, Served, run};

const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const SITE: &str = "urn:example:params:scim:schemas:extension:site:2.0:User";
const PATCH: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

/// A server with the tenant `acme`, and whoever asks it.
struct World {
    server: Served,
    http: Client,
}

impl World {
    fn open(data: &Path) -> World {
        World { server: Served::start(data), http: Client::new() }
    }

    async fn ask(&self, key: &str, method: &str, path: &str, body: Value) -> (u16, Value) {
        let method: Method = method.parse().unwrap();
        let request = self.http.request(method, format!("{}{path}", self.server.url));
        let request = request.bearer_auth(key);
        let request = if body.is_null() { request } else { request.json(&body) };
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        (status, serde_json::from_str(&answer.text().await.unwrap()).unwrap_or_default())
    }

    async fn okta(&self, method: &str, path: &str, body: Value) -> (u16, Value) {
        self.ask(SCIM_KEY, method, &format!("/scim/acme/v2{path}"), body).await
    }

    /// What an operator does; it works.
    async fn admin(&self, method: &str, path: &str, body: Value) -> Value {
        let path = format!("/admin/v1/tenants{path}");
        let (status, told) = self.ask(OPERATOR_KEY, method, &path, body).await;
        assert!(matches!(status, 200 | 201), "{method} {path}: {status} {told}");
        told
    }

    async fn get(&self, path: &str) -> Value {
        self.admin("GET", path, Value::Null).await
    }

    /// A user whom okta makes, by id.
    async fn made(&self, user: Value) -> String {
        let (status, made) = self.okta("POST", "/Users", user).await;
        assert_eq!(status, 201, "{made}");
        made["id"].as_str().unwrap().to_owned()
    }

    /// The roles that a tenant gives to a user, by name.
    async fn roles(&self, slug: &str, who: &str) -> Vec<String> {
        let shown = self.get(&format!("/{slug}/users/{who}")).await;
        let roles = shown["roles"].as_array().unwrap();
        let mut names: Vec<_> =
            roles.iter().map(|role| role["name"].as_str().unwrap().to_owned()).collect();
        names.sort();
        names
    }

    fn cli(&self, arguments: &[&str]) -> String {
        let remote =
            [("ROLLBOOK_URL", self.server.url.as_str()), ("ROLLBOOK_OPERATOR_KEY", OPERATOR_KEY)];
        let (status, out, err) = run(arguments, &remote);
        assert_eq!(status, 0, "{arguments:?}: {err}");
        out
    }

    /// The key of one more connector.
    async fn connector(&self, slug: &str, settings: Value) -> String {
        let added = self.admin("POST", &format!("/{slug}/connectors"), settings).await;
        added["apiKey"].as_str().unwrap().to_owned()
    }
}

fn user(name: &str, roles: Value) -> Value {
    json!({ "schemas": [USER], "userName": name, "roles": roles })
}

fn patch(operations: Value) -> Value {
    json!({ "schemas": [PATCH], "Operations": operations })
}

#[tokio::test(flavor = "multi_thread")]
async fn c_06_the_default_roles_and_custom_ones() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::open(&folder.path().join("data"));
    let roles = world.get("/acme/roles").await;
    let names: Vec<_> =
        roles["roles"].as_array().unwrap().iter().map(|role| &role["name"]).collect();
    assert_eq!(names, ["Admin", "Analyst", "Business User", "Everyone"]);
    world.cli(&["role", "define", "Auditor", "--description", "Sees all"]);
    let jane = world.made(user("jane", json!([{ "value": "Auditor" }]))).await;
    assert_eq!(world.roles("acme", &jane).await, ["Auditor"]);
    // Everyone: each active user has it, and nobody gives it.
    let shown = world.get("/acme/users/jane").await;
    assert_eq!(shown["implicitRoles"], json!(["Everyone"]));
    world
        .okta(
            "PATCH",
            &format!("/Users/{jane}"),
            patch(json!([{ "op": "replace", "path": "active", "value": false }])),
        )
        .await;
    assert_eq!(world.get("/acme/users/jane").await.get("implicitRoles"), None);
    // Retired: assigned no more, kept by who has it.
    world.cli(&["role", "retire", "Auditor"]);
    let joe = world.made(user("joe", json!([{ "value": "Auditor" }]))).await;
    assert!(world.roles("acme", &joe).await.is_empty());
    assert_eq!(world.roles("acme", &jane).await, ["Auditor"]);
    let problems = world.get("/acme/problems").await["problems"].to_string();
    assert!(problems.contains("`Auditor` is retired"), "{problems}");
    // Defined again it is assigned again, and what was said of it stays unless something else is said.
    let said = async || {
        let roles = world.get("/acme/roles").await["roles"].as_array().unwrap().clone();
        let auditor = roles.iter().find(|role| role["name"] == "Auditor").unwrap().clone();
        (auditor["description"].as_str().unwrap().to_owned(), auditor["retired"] == true)
    };
    assert_eq!(said().await, ("Sees all".to_owned(), true));
    world.cli(&["role", "define", "Auditor"]);
    assert_eq!(said().await, ("Sees all".to_owned(), false));
    assert_eq!(world.cli(&["role", "define", "Auditor"]), "nothing to do: it was so already\n");
    world.cli(&["role", "define", "Auditor", "--description", ""]);
    assert_eq!(said().await, (String::new(), false));
    let jim = world.made(user("jim", json!([{ "value": "Auditor" }]))).await;
    assert_eq!(world.roles("acme", &jim).await, ["Auditor"]);
}

/// Roles as objects, as one text, and as one text in an attribute of the tenant's own; by the letter; unknown ones.
#[tokio::test(flavor = "multi_thread")]
async fn c_07_roles_in_every_form() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::open(&folder.path().join("data"));
    for (name, roles) in [
        ("objects", json!([{ "value": "Admin" }, { "value": "Business User" }])),
        ("text", json!("Admin, Business User")),
        ("semicolons", json!("Admin;acme:Business User")),
    ] {
        let id = world.made(user(name, roles)).await;
        assert_eq!(world.roles("acme", &id).await, ["Admin", "Business User"], "{name}");
    }
    let id = world.made(user("letters", json!("admin, Analyst, Nope"))).await;
    assert_eq!(world.roles("acme", &id).await, ["Analyst"]);
    let problems = world.get("/acme/problems").await["problems"].to_string();
    assert!(problems.contains("`admin`") && problems.contains("`Nope`"), "{problems}");
    let strict = world.connector("acme", json!({ "name": "strict", "preset": "strict" })).await;
    let (status, told) = world
        .ask(
            &strict,
            "POST",
            "/scim/acme/v2/Users",
            user("by-the-letter", json!([{ "value": "Nope" }])),
        )
        .await;
    assert_eq!((status, &told["scimType"]), (400, &json!("invalidValue")), "{told}");

    let schema = json!({ "schema": { "id": SITE, "name": "Site", "attributes": [
        { "name": "roles", "type": "string" }, { "name": "platform", "type": "string" }] } });
    world.admin("POST", "/acme/schemas", schema).await;
    let attribute = format!("{SITE}:roles");
    world.cli(&["connector", "set", "okta", "--roles-attribute", &attribute]);
    let mut jane =
        json!({ "schemas": [USER, SITE], "userName": "jane", SITE: { "roles": "Admin, Analyst" } });
    let id = world.made(jane.clone()).await;
    assert_eq!(world.roles("acme", &id).await, ["Admin", "Analyst"]);
    let at = format!("/Users/{id}");
    // What was written is read back; what the text does not say any more is taken back.
    assert_eq!(world.okta("GET", &at, Value::Null).await.1[SITE]["roles"], "Admin, Analyst");
    world
        .okta("PATCH", &at, patch(json!([{ "op": "replace", "path": "title", "value": "x" }])))
        .await;
    assert_eq!(world.roles("acme", &id).await, ["Admin", "Analyst"]);
    let text = json!([{ "op": "replace", "path": attribute, "value": "Business User" }]);
    world.okta("PATCH", &at, patch(text)).await;
    assert_eq!(world.roles("acme", &id).await, ["Business User"]);
    jane[SITE] = json!({ "platform": "acme:web" });
    world.okta("PUT", &at, jane).await;
    assert!(world.roles("acme", &id).await.is_empty());
    assert_eq!(world.okta("GET", &at, Value::Null).await.1[SITE]["platform"], "acme:web");
    let bad = json!({ "rolesAttribute": "urn:nobody:knows" });
    let path = "/admin/v1/tenants/acme/connectors/okta";
    assert_eq!(world.ask(OPERATOR_KEY, "PATCH", path, bad).await.0, 400);
}

/// `site-host:role` for several tenants: one commit in each, with one request id; what is not granted is reported, and does not
/// tell whether there is such a tenant.
#[tokio::test(flavor = "multi_thread")]
async fn c_09_roles_for_several_tenants() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::open(&folder.path().join("data"));
    for slug in ["globex", "initech"] {
        world.admin("POST", "", json!({ "slug": slug })).await;
    }
    let schema = json!({ "schema": { "id": SITE, "name": "Site", "attributes": [
        { "name": "platform", "type": "string" }] } });
    let platform = format!("{SITE}:platform");
    for slug in ["acme", "globex"] {
        world.admin("POST", &format!("/{slug}/schemas"), schema.clone()).await;
    }
    let granted =
        json!({ "name": "acme", "grantedTo": "acme/okta", "platformAttribute": platform });
    world.connector("globex", granted).await;
    let reaches = json!({ "grantedTenants": ["globex", "initech"], "platformAttribute": platform });
    world.admin("PATCH", "/acme/connectors/okta", reaches).await;

    let mut jane = user(
        "jane@acme.com",
        json!("Analyst, globex:Admin ; globex : Business User,initech:Admin,umbrella:Admin"),
    );
    jane["schemas"] = json!([USER, SITE]);
    jane["emails"] = json!([{ "value": "jane@acme.com", "primary": true }]);
    jane[SITE] = json!({ "platform": "acme:web, globex:mobile" });
    let id = world.made(jane.clone()).await;
    assert_eq!(world.roles("acme", &id).await, ["Analyst"]);
    assert_eq!(world.roles("globex", "jane@acme.com").await, ["Admin", "Business User"]);
    let there = world.get("/globex/users/jane@acme.com").await;
    assert_eq!(there["managedBy"]["name"], "acme");
    assert_eq!(there["attributes"][SITE]["platform"], "mobile");
    assert_eq!(world.get("/initech").await["users"], 0);

    // Each tenant's history has a commit of its own; the request is the same.
    let commit = |slug: &'static str| {
        let world = &world;
        async move {
            let told = world.get(&format!("/{slug}/audit/commits?event=UserCreated")).await;
            assert_eq!(told["commits"].as_array().unwrap().len(), 1);
            told["commits"][0].clone()
        }
    };
    let (here, there) = (commit("acme").await, commit("globex").await);
    assert_eq!(here["request"], there["request"]);
    assert_eq!((&here["actor"]["name"], &there["actor"]["name"]), (&json!("okta"), &json!("acme")));

    // Reported, in the same words for a tenant that says no and for one that is not there.
    let problems = world.get("/acme/problems").await["problems"].to_string();
    let said = |site: &str| format!("what is for `{site}` was left out: it is no role here");
    assert!(
        problems.contains(&said("initech")) && problems.contains(&said("umbrella")),
        "{problems}"
    );
    assert!(world.get("/initech/problems").await["problems"].as_array().unwrap().is_empty());

    // A PUT says all of them; an unknown role is reported where it was to be.
    let at = format!("/Users/{id}");
    jane["roles"] = json!("Analyst, globex:Analyst, globex:Nope");
    assert_eq!(world.okta("PUT", &at, jane.clone()).await.0, 200);
    assert_eq!(world.roles("globex", "jane@acme.com").await, ["Analyst"]);
    assert!(world.get("/globex/problems").await["problems"].to_string().contains("`Nope`"));
    // A PATCH that adds takes nothing.
    let more = json!([{ "op": "add", "path": "roles", "value": [{ "value": "globex:Admin" }] }]);
    assert_eq!(world.okta("PATCH", &at, patch(more)).await.0, 200);
    assert_eq!(world.roles("globex", "jane@acme.com").await, ["Admin", "Analyst"]);
    // What is given over there by somebody else stays.
    world.admin("PUT", "/globex/users/jane@acme.com/roles/Admin", Value::Null).await;
    jane["roles"] = json!("Analyst");
    assert_eq!(world.okta("PUT", &at, jane).await.0, 200);
    assert_eq!(world.roles("globex", "jane@acme.com").await, ["Admin"]);
    // Whom the connector made there goes the way of the one here.
    let off = json!([{ "op": "replace", "path": "active", "value": false }]);
    world.okta("PATCH", &at, patch(off)).await;
    assert_eq!(world.get("/globex/users/jane@acme.com").await["active"], false);
    assert_eq!(world.okta("DELETE", &at, Value::Null).await.0, 204);
    assert_eq!(world.get("/globex").await["users"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn c_11_who_has_no_role_has_no_privileges() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::open(&folder.path().join("data"));
    let id = world.made(user("jane", json!([]))).await;
    assert_eq!(world.get("/acme/users/jane").await["noPrivileges"], true);
    assert!(world.cli(&["show", "user", "jane"]).contains("No Privileges"));
    world
        .okta(
            "PATCH",
            &format!("/Users/{id}"),
            patch(json!([{ "op": "add", "path": "roles", "value": [{ "value": "Everyone" }] }])),
        )
        .await;
    assert_eq!(world.get("/acme/users/jane").await["noPrivileges"], true);
    world.admin("PUT", "/acme/users/jane/roles/Analyst", Value::Null).await;
    assert_eq!(world.get("/acme/users/jane").await.get("noPrivileges"), None);
    assert!(!world.cli(&["show", "user", "jane"]).contains("No Privileges"));
}

/// Whoever holds sessions learns at once that one is over, of every user, with or without roles.
#[tokio::test(flavor = "multi_thread")]
async fn c_14_the_feed_says_that_sessions_are_revoked() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::open(&folder.path().join("data"));
    let jane = world.made(user("jane", json!([]))).await;
    let joe = world.made(user("joe", json!([{ "value": "Admin" }]))).await;
    let title = json!([{ "op": "replace", "path": "title", "value": "x" }]);
    world.okta("PATCH", &format!("/Users/{joe}"), patch(title)).await;
    let off = json!([{ "op": "replace", "path": "active", "value": false }]);
    world.okta("PATCH", &format!("/Users/{jane}"), patch(off.clone())).await;
    world.okta("DELETE", &format!("/Users/{joe}"), Value::Null).await;
    let feed = world.get("/acme/feed?event=SessionRevoked").await;
    let commits = feed["commits"].as_array().unwrap();
    let revoked: Vec<_> = commits
        .iter()
        .flat_map(|commit| commit["events"].as_array().unwrap())
        .filter(|event| event["sessionRevoked"] == true)
        .map(|event| event["user"].as_str().unwrap())
        .collect();
    assert_eq!((commits.len(), revoked), (2, vec![jane.as_str(), joe.as_str()]));
    assert!(world.cli(&["audit", "commits", "--event", "SessionRevoked"]).contains("jane"));

    // Who waits is told at once: who was told nothing until the wait is over is told of nothing.
    for (name, by) in [("jim", "UserDeactivated"), ("june", "UserLocked")] {
        let id = world.made(user(name, json!([]))).await;
        let head = world.get("/acme").await["head"]["position"].to_string();
        let path = format!("/acme/feed?event=SessionRevoked&after={head}&wait=60");
        let write = async {
            // Not before the reader has come to wait.
            tokio::time::sleep(std::time::Duration::from_millis(300)).await;
            if by == "UserLocked" {
                world
                    .admin(
                        "PUT",
                        &format!("/acme/users/{name}/lock"),
                        json!({ "reason": "case 7" }),
                    )
                    .await;
            } else {
                world.okta("PATCH", &format!("/Users/{id}"), patch(off.clone())).await;
            }
        };
        let (told, ()) = tokio::join!(world.get(&path), write);
        let event = &told["commits"][0]["events"][0];
        assert_eq!(
            (&event["type"], &event["user"], &event["sessionRevoked"]),
            (&json!(by), &json!(id), &json!(true)),
            "{told}"
        );
    }
}

/// The list of roles before a change is there whenever somebody asks for it.
#[tokio::test(flavor = "multi_thread")]
async fn c_18_roles_as_they_were_before_a_change() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::open(&folder.path().join("data"));
    let id = world.made(user("jane", json!([{ "value": "Admin" }, { "value": "Analyst" }]))).await;
    let before = world.get("/acme/users/jane").await["head"]["position"].to_string();
    world
        .okta("PUT", &format!("/Users/{id}"), user("jane", json!([{ "value": "Business User" }])))
        .await;
    world.cli(&["role", "define", "New"]);
    assert_eq!(world.roles("acme", &id).await, ["Business User"]);
    assert_eq!(world.roles("acme", &format!("{id}?asOf={before}")).await, ["Admin", "Analyst"]);
    let then = world.get(&format!("/acme/roles?asOf={before}")).await;
    assert_eq!(then["roles"].as_array().unwrap().len(), 4);
    let csv = world.cli(&["export", "users", "--format", "csv", "--at", &before]);
    assert!(csv.contains("acme:Admin;acme:Analyst"), "{csv}");
    let story = world.cli(&["audit", "roles", "jane"]);
    assert!(story.contains("+ Business User") && story.contains("- Admin"), "{story}");
}

/// Each source takes back what it gave and nothing else; what is read and written back is no new source.
#[tokio::test(flavor = "multi_thread")]
async fn p_19_an_echo_is_no_source() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::open(&folder.path().join("data"));
    let entra = world.connector("acme", json!({ "name": "entra", "preset": "entra" })).await;
    let id = world.made(user("jane", json!([{ "value": "Admin" }]))).await;
    let at = format!("/scim/acme/v2/Users/{id}");
    world.admin("PUT", "/acme/users/jane/roles/Analyst", Value::Null).await;
    // The second identity provider writes back all that it read, and one of its own.
    let (_, mut read) = world.ask(&entra, "GET", &at, Value::Null).await;
    let etag = read["meta"]["version"].clone();
    assert_eq!(world.ask(&entra, "PUT", &at, read.clone()).await.1["meta"]["version"], etag);
    read["roles"].as_array_mut().unwrap().push(json!({ "value": "Business User" }));
    assert_eq!(world.ask(&entra, "PUT", &at, read.clone()).await.0, 200);
    let events = world.get("/acme/audit/commits?actor=entra").await;
    let events = events["commits"][0]["events"].as_array().unwrap().clone();
    assert_eq!(events.len(), 1, "{events:?}");
    assert_eq!(
        (&events[0]["type"], &events[0]["roleName"]),
        (&json!("RoleAssigned"), &json!("Business User"))
    );
    // It takes back its own; of the others' roles it is no source.
    read["roles"] = json!([]);
    world.ask(&entra, "PUT", &at, read).await;
    assert_eq!(world.roles("acme", &id).await, ["Admin", "Analyst"]);
    world.okta("PUT", &format!("/Users/{id}"), user("jane", json!([]))).await;
    assert_eq!(world.roles("acme", &id).await, ["Analyst"]);

    // Members likewise.
    let group = json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": "Sales",
        "members": [{ "value": id }] });
    let (_, made) = world.okta("POST", "/Groups", group.clone()).await;
    let path = format!("/scim/acme/v2/Groups/{}", made["id"].as_str().unwrap());
    let (_, echoed) = world.ask(&entra, "PUT", &path, group).await;
    assert_eq!(echoed["meta"]["version"], made["meta"]["version"], "{echoed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn p_21_a_rule_gives_a_role_to_whoever_is_in_a_group() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::open(&folder.path().join("data"));
    let id = world.made(user("jane", json!([]))).await;
    let group = json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": "Sales" });
    let (_, group) = world.okta("POST", "/Groups", group).await;
    world.cli(&["rule", "add", "Sales", "Analyst"]);
    let members =
        |op: &str| patch(json!([{ "op": op, "path": "members", "value": [{ "value": id }] }]));
    let at = format!("/Groups/{}", group["id"].as_str().unwrap());
    assert_eq!(world.okta("PATCH", &at, members("add")).await.0, 204);
    let shown = world.get("/acme/users/jane").await;
    assert_eq!(
        (&shown["roles"][0]["name"], &shown["roles"][0]["through"][0]["kind"]),
        (&json!("Analyst"), &json!("rule"))
    );
    // The identity provider that leaves it out takes nothing back: the rule gives it.
    world.okta("PUT", &format!("/Users/{id}"), user("jane", json!([]))).await;
    assert_eq!(world.roles("acme", &id).await, ["Analyst"]);
    assert!(world.cli(&["explain", "user", "jane", "role", "Analyst"]).contains("Sales"));
    assert_eq!(world.okta("PATCH", &at, members("remove")).await.0, 204);
    assert!(world.roles("acme", &id).await.is_empty());
}
