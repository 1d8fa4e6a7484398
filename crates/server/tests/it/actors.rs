//! Every write of administration is an event, and the event says which operator it was.

use std::cell::RefCell;
use std::collections::BTreeSet;

use domain::event::OperatorRole;
use domain::position::Position;
use serde_json::{Value, json};
use server::operators_doors;
use testkit::app::{Client, Reply, TestApp};

/// What stands in a door's path where an id is due.
const ID: &str = "0198f3a0-0000-7000-8000-000000000001";

/// An operator who is not the one of the start, and the doors that they went through.
struct Ann {
    app: TestApp,
    id: String,
    client: Client,
    doors: RefCell<BTreeSet<String>>,
}

impl Ann {
    async fn start() -> Ann {
        let app = TestApp::start().await;
        let body = json!({ "name": "ann", "role": "owner" });
        let added = app.operator().post("/operators", body).await.expect(201);
        let client = app.operator().with_key(added.body["operatorKey"].as_str().unwrap());
        Ann { id: added.id(), client, app, doors: RefCell::default() }
    }

    /// The position of a log that may not be there yet.
    fn head(&self, log: &str) -> u64 {
        let world = self.app.app.engine.world();
        let snapshot = match log {
            "_system" => world.system(),
            slug => world.with_slug(slug).map(|(_, snapshot)| snapshot),
        };
        snapshot.and_then(|snapshot| snapshot.head.position).map_or(0, Position::get)
    }

    /// Goes through `door`, each `{}` of which is one of `names`: whatever log it writes, `log` among them, it was Ann.
    async fn writes(&self, log: &str, door: &str, names: &[&str], body: Value) -> Reply {
        self.doors.borrow_mut().insert(door.to_owned());
        let filled = names.iter().fold(door.to_owned(), |path, name| path.replacen("{}", name, 1));
        let (method, path) = filled.split_once(' ').unwrap();
        let logs = ["_system", "acme", "globex", "initech"];
        let before = logs.map(|log| self.head(log));
        let body = (!body.is_null()).then(|| body.to_string().into_bytes());
        let reply = self.client.send(method.parse().unwrap(), path, &[], body).await;
        assert!(reply.status.is_success(), "{filled}: {reply}");
        let mut moved = Vec::new();
        for (name, before) in logs.into_iter().zip(before) {
            let count = self.head(name) - before;
            let path = format!("/tenants/{name}/audit/commits?order=newest&count={}", count.max(1));
            let told = if count == 0 { continue } else { self.client.get(&path).await.expect(200) };
            let commits = told.body["commits"].as_array().unwrap();
            assert_eq!(commits.len() as u64, count, "{filled}: {told}");
            for commit in commits {
                let actor = json!({ "kind": "operator", "id": self.id, "name": "ann" });
                assert_eq!(commit["actor"], actor, "{filled} in {name}: {commit}");
                assert_eq!(commit["source"], "127.0.0.1", "{filled} in {name}: {commit}");
            }
            moved.push(name);
        }
        assert!(moved.contains(&log), "{filled} wrote {moved:?}, and not {log}");
        reply
    }
}

/// A new door fails here until it has a row.
///
/// Seen to catch a write that is done in the instance's own name.
#[tokio::test(flavor = "multi_thread")]
async fn every_write_of_administration_has_the_operator_as_its_actor() {
    let ann = Ann::start().await;
    let patch = |path: &str, value: &str| json!({ "Operations": [{ "op": "replace", "path": path, "value": value }] });
    let none = || Value::Null;

    let system =
        async |door: &str, names: &[&str], body| ann.writes("_system", door, names, body).await;
    let eve = json!({ "name": "eve", "role": "auditor" });
    let eve = system("POST /operators", &[], eve).await.id();
    system("PATCH /operators/{}", &[&eve], json!({ "role": "operator" })).await;
    let key = system("POST /operators/{}/keys", &[&eve], json!({})).await.id();
    system("DELETE /operators/{}/keys/{}", &[&eve, &key], none()).await;
    system("DELETE /operators/{}", &[&eve], none()).await;
    system("POST /tenants", &[], json!({ "slug": "initech" })).await;

    let acme = async |door: &str, names: &[&str], body| {
        let (method, below) = door.split_once(' ').unwrap();
        ann.writes("acme", &format!("{method} /tenants/acme{below}"), names, body).await
    };
    acme("PATCH ", &[], json!({ "title": "Acme Ltd" })).await;
    acme("POST /suspend", &[], json!({})).await;
    acme("POST /resume", &[], json!({})).await;

    let jane = acme("POST /users", &[], json!({ "userName": "jane" })).await.id();
    acme("PUT /users/{}", &[&jane], json!({ "userName": "jane", "title": "Boss" })).await;
    acme("PATCH /users/{}", &[&jane], patch("title", "Chief")).await;
    acme("PUT /users/{}/lock", &[&jane], json!({ "reason": "a laptop was stolen" })).await;
    acme("DELETE /users/{}/lock", &[&jane], none()).await;
    let night = json!({ "displayName": "Night", "members": [{ "value": jane }] });
    let night = acme("POST /groups", &[], night).await.id();
    acme("PUT /groups/{}", &[&night], json!({ "displayName": "Night shift" })).await;
    acme("PATCH /groups/{}", &[&night], patch("displayName", "Day shift")).await;
    let joe = acme("POST /jit", &[], json!({ "email": "joe@acme.com" })).await.id();

    acme("PUT /users/{}/roles/Admin", &[&jane], none()).await;
    acme("DELETE /users/{}/roles/Admin", &[&jane], none()).await;
    acme("DELETE /roles/Admin", &[], none()).await;
    acme("POST /roles", &[], json!({ "name": "Auditor" })).await;
    acme("POST /rules", &[], json!({ "group": night, "role": "Analyst" })).await;
    let rules = ann.client.get("/tenants/acme/rules").await.expect(200);
    let rule = rules.body["rules"][0]["id"].as_str().unwrap();
    acme("DELETE /rules/{}", &[rule], none()).await;
    acme("POST /users/{}/erase", &[&jane], json!({ "reason": "request 4711" })).await;
    acme("DELETE /users/{}", &[&joe], none()).await;
    acme("DELETE /groups/{}", &[&night], none()).await;

    let key = acme("POST /credentials", &[], json!({ "connector": "okta" })).await.id();
    let key =
        acme("POST /credentials/{}/rotate", &[&key], json!({ "overlapSeconds": 0 })).await.id();
    acme("DELETE /credentials/{}", &[&key], none()).await;
    let push = async |path: &str, body| ann.app.idp().post(path, body).await.expect(201).id();
    let user = |name: &str| json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": name });
    let (ada, sales) = (
        push("/Users", user("ada")).await,
        json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": "Sales" }),
    );
    let sales = push("/Groups", sales).await;
    push("/Users", user("bob")).await;
    acme("POST /users/{}/release", &[&ada], json!({})).await;
    acme("POST /groups/{}/release", &[&sales], json!({})).await;
    acme("POST /connectors/okta/release", &[], json!({})).await;
    acme("POST /connectors", &[], json!({ "name": "entra", "preset": "entra" })).await;
    acme("PATCH /connectors/okta", &[], json!({ "mode": "strict" })).await;
    acme("DELETE /connectors/okta", &[], none()).await;

    let schema = json!({
        "id": "urn:example:params:scim:schemas:extension:badge:2.0:User", "name": "Badge",
        "attributes": [{ "name": "number", "type": "integer" }],
    });
    acme("POST /schemas", &[], json!({ "schema": schema })).await;
    let text = "entity Table; action select appliesTo { principal: [User], resource: [Table] };";
    acme("PUT /policy-schema", &[], json!({ "text": text })).await;
    let text = "permit (principal, action == Action::\"select\", resource);";
    acme("PUT /policies/sales-read", &[], json!({ "text": text })).await;
    acme("DELETE /policies/sales-read", &[], none()).await;
    acme("POST /close", &[], json!({ "slug": "acme" })).await;

    let doors: BTreeSet<String> = operators_doors("acme")
        .into_iter()
        // What an auditor may do changes nothing.
        .filter(|(_, least)| *least != OperatorRole::Auditor)
        .map(|(door, _)| {
            let path = door.path.strip_prefix("/admin/v1").unwrap().replace(ID, "{}");
            format!("{} {path}", door.method)
        })
        .collect();
    assert_eq!(*ann.doors.borrow(), doors);
}
