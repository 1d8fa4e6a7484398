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

#[tokio::test(flavor = "multi_thread")]
async fn p_04_what_a_connector_manages_is_not_edited_here() {
    let acme = Acme::start();
    let jane = id(&acme.scim("POST", "/Users", user("jane@acme.com")).await);
    let group =
        json!({ "schemas": [GROUP], "displayName": "Sales", "members": [{ "value": jane }] });
    acme.scim("POST", "/Groups", group).await;
    let (_, before) = acme.admin("GET", "/users/jane@acme.com", Value::Null).await;
    let title = json!({ "Operations": [{ "op": "replace", "path": "title", "value": "Boss" }] });
    let out = json!({ "Operations": [{ "op": "remove", "path": "members" }, { "op": "replace", "path": "displayName", "value": "X" }] });
    let tries = [
        ("PATCH", "/users/jane@acme.com", title),
        ("PUT", "/users/jane@acme.com", json!({ "userName": "joan" })),
        ("DELETE", "/users/jane@acme.com", Value::Null),
        ("PATCH", "/groups/Sales", out),
        ("PUT", "/groups/sales", json!({ "displayName": "X" })),
        ("DELETE", "/groups/Sales", Value::Null),
    ];
    for (method, path, body) in tries {
        let (status, refused) = acme.admin(method, path, body).await;
        let detail = refused["detail"].as_str().unwrap_or_default();
        assert_eq!(status, 409, "{method} {path}: {refused}");
        assert!(detail.contains("managed by the connector `okta`"), "{detail}");
    }
    let (_, after) = acme.admin("GET", "/users/jane@acme.com", Value::Null).await;
    assert_eq!(before["version"], after["version"]);
    let (status, _, err) = acme.run(&["user", "set", "jane@acme.com", "--title", "Boss"]);
    assert!(status == 1 && err.contains("at the identity provider"), "{err}");
}

#[tokio::test(flavor = "multi_thread")]
async fn p_18_what_is_managed_here_is_not_told_to_identity_providers() {
    let acme = Acme::start();
    let (status, out, err) = acme.run(&[
        "user",
        "add",
        "guest@acme.com",
        "--given-name",
        "Gus",
        "--family-name",
        "Guest",
        "--email",
        "guest@acme.com",
    ]);
    assert!(status == 0 && out.starts_with("added "), "{out}{err}");
    let guest = out.split(' ').nth(1).unwrap().to_owned();
    assert_eq!(acme.run(&["group", "add", "Night shift"]).0, 0);
    let jane = id(&acme.scim("POST", "/Users", user("jane@acme.com")).await);
    let (status, out, err) = acme.run(&["group", "join", "night shift", "guest@acme.com", &jane]);
    assert!(status == 0 && out.starts_with("changed at "), "{out}{err}");
    assert_eq!(acme.run(&["user", "set", "guest@acme.com", "--title", "Auditor"]).0, 0);
    assert_eq!(acme.run(&["role", "define", "Night watch"]).0, 0);
    assert_eq!(acme.run(&["role", "grant", "guest@acme.com", "Night watch"]).0, 0);

    // The operator sees all of it.
    let (_, shown) = acme.admin("GET", "/users/guest@acme.com", Value::Null).await;
    assert_eq!(
        (&shown["managedBy"], &shown["attributes"]["title"]),
        (&Value::Null, &json!("Auditor"))
    );
    assert_eq!(shown["groups"][0]["name"], "Night shift");
    let (_, shown) = acme.admin("GET", "/groups/Night shift", Value::Null).await;
    assert_eq!(shown["memberCount"], 2);

    // Okta sees its own user and nothing else, in whichever way it asks.
    for (path, total) in [
        ("/Users", 1),
        ("/Users?count=0", 1),
        ("/Users?filter=userName%20pr", 1),
        ("/Users?filter=active%20eq%20true", 1),
        ("/Users?filter=userName%20eq%20%22guest@acme.com%22", 0),
        ("/Users?filter=emails.value%20eq%20%22guest@acme.com%22", 0),
        ("/Users?sortBy=userName", 1),
        ("/Groups", 0),
        ("/Groups?filter=displayName%20eq%20%22Night%20shift%22", 0),
        ("/?filter=id%20pr", 1),
    ] {
        let (status, list) = acme.scim("GET", path, Value::Null).await;
        assert_eq!((status, &list["totalResults"]), (200, &json!(total)), "{path}: {list}");
    }
    let (_, own) = acme.scim("GET", &format!("/Users/{jane}"), Value::Null).await;
    assert_eq!(own["groups"], Value::Null, "{own}");
    for method in ["GET", "PUT", "PATCH", "DELETE"] {
        let operation = json!([{ "op": "replace", "path": "title", "value": "X" }]);
        let body = match method {
            "PUT" => user("guest@acme.com"),
            "PATCH" => patch(operation),
            _ => Value::Null,
        };
        let (status, refused) = acme.scim(method, &format!("/Users/{guest}"), body).await;
        assert_eq!(status, 404, "{method}: {refused}");
    }
    // Nor can it name whom it does not see.
    let group =
        json!({ "schemas": [GROUP], "displayName": "Sales", "members": [{ "value": guest }] });
    let (status, refused) = acme.scim("POST", "/Groups", group).await;
    assert_eq!(status, 400, "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn p_10_built_in_and_manual_groups_are_nothing_that_scim_manages() {
    let acme = Acme::start();
    let (_, made) = acme.admin("POST", "/groups", json!({ "displayName": "Night shift" })).await;
    let own = made["id"].as_str().unwrap();
    for (name, why) in
        [("public", "built in"), ("Public", "built in"), ("NIGHT SHIFT", "managed here")]
    {
        let group = json!({ "schemas": [GROUP], "displayName": name });
        let (status, refused) = acme.scim("POST", "/Groups", group).await;
        assert_eq!((status, &refused["scimType"]), (409, &json!("uniqueness")), "{refused}");
        let detail = refused["detail"].as_str().unwrap();
        assert!(detail.contains(why), "{refused}");
        assert_eq!(detail.contains("another group"), why != "built in", "{refused}");
    }
    let rename = patch(json!([{ "op": "replace", "path": "displayName", "value": "X" }]));
    assert_eq!(acme.scim("PATCH", &format!("/Groups/{own}"), rename).await.0, 404);
    assert_eq!(acme.scim("DELETE", &format!("/Groups/{own}"), Value::Null).await.0, 404);
    // Nor is the built-in one anybody's here.
    let (status, refused) = acme.admin("POST", "/groups", json!({ "displayName": "public" })).await;
    assert!(status == 409 && refused["detail"].as_str().unwrap().contains("built in"), "{refused}");
    let rename =
        json!({ "Operations": [{ "op": "replace", "path": "displayName", "value": "X" }] });
    for (method, body) in
        [("PUT", json!({ "displayName": "X" })), ("PATCH", rename), ("DELETE", Value::Null)]
    {
        let (status, refused) = acme.admin(method, "/groups/Public", body).await;
        let detail = refused["detail"].as_str().unwrap_or_default();
        assert!(status == 409 && detail.contains("built in"), "{method}: {status} {refused}");
    }
    acme.scim("POST", "/Users", user("jane")).await;
    for arguments in [
        &["group", "add", "Public"][..],
        &["group", "rename", "Night shift", "PUBLIC"],
        &["group", "rename", "public", "X"],
        &["group", "join", "public", "jane"],
        &["group", "leave", "public", "jane"],
        &["group", "remove", "public"],
    ] {
        let (status, _, err) = acme.run(arguments);
        assert!(status == 1 && err.contains("built in"), "{arguments:?}: {err}");
        assert!(!err.contains("another group"), "{arguments:?}: {err}");
    }
    // Whoever looks for it is told what it is.
    let (status, absent) = acme.admin("GET", "/groups/public", Value::Null).await;
    let detail = absent["detail"].as_str().unwrap_or_default();
    assert!(
        status == 404 && detail.contains("built in") && detail.contains("everybody who may act"),
        "{absent}"
    );
    let (status, _, err) = acme.run(&["show", "group", "public"]);
    assert!(status == 1 && err.contains("everybody who may act is in it"), "{err}");
    assert_eq!(acme.run(&["group", "rename", "Night shift", "Late shift"]).0, 0);
    assert_eq!(acme.run(&["group", "remove", "Late shift"]).0, 0);
    // It is no group that a rule could be about.
    let rule = json!({ "group": "Public", "role": "Analyst" });
    let (status, refused) = acme.admin("POST", "/rules", rule).await;
    assert!(status == 409 && refused["detail"].as_str().unwrap().contains("Everyone"), "{refused}");
}

/// Seen to catch: those left out counted, the end of a page not counted as one, and the past told of now.
#[tokio::test(flavor = "multi_thread")]
async fn p_18_users_and_groups_are_listed_whoever_manages_them() {
    let acme = Acme::start();
    for name in ["jane", "june", "bob"] {
        acme.scim("POST", "/Users", user(name)).await;
    }
    let (_, then) = acme.admin("GET", "/users", Value::Null).await;
    let then = then["position"].to_string();
    let guest = json!({ "userName": "Janus", "name": { "givenName": "Jan", "familyName": "Us" } });
    acme.admin("POST", "/users", guest).await;
    acme.admin("PUT", "/users/june/lock", json!({ "reason": "case 1" })).await;
    let off = patch(json!([{ "op": "replace", "path": "active", "value": false }]));
    let bob = id(&acme.admin("GET", "/users/bob", Value::Null).await);
    acme.scim("PATCH", &format!("/Users/{bob}"), off).await;
    let members = json!([{ "value": bob }]);
    let sales = json!({ "schemas": [GROUP], "displayName": "Sales", "members": members });
    acme.scim("POST", "/Groups", sales).await;
    acme.admin("POST", "/groups", json!({ "displayName": "Night shift" })).await;
    let lists = json!({ "name": "lists", "preset": "generic", "exclude": { "userNames": ["x*"] } });
    let lists = acme.connector(lists).await;
    acme.scim_as(&lists, "POST", "/Users", user("xavier")).await;

    let names = async |path: String| {
        let (status, found) = acme.admin("GET", &path, Value::Null).await;
        assert_eq!(status, 200, "{found}");
        let (kind, name) = match found["users"].is_array() {
            true => ("users", "userName"),
            false => ("groups", "displayName"),
        };
        let listed = found[kind].as_array().unwrap().iter();
        let listed: Vec<String> =
            listed.map(|one| one[name].as_str().unwrap().to_owned()).collect();
        (found["total"].as_u64().unwrap(), listed.join(" "))
    };
    for (path, total, expected) in [
        ("/users", 4, "jane june bob Janus"),
        ("/users?count=2", 4, "jane june"),
        ("/users?count=2&skip=3", 4, "Janus"),
        ("/users?count=0", 4, ""),
        ("/users?name=JAN", 2, "jane Janus"),
        ("/users?name=jan%20us", 1, "Janus"),
        ("/users?managedBy=here", 1, "Janus"),
        ("/users?managedBy=okta&state=active", 1, "jane"),
        ("/users?state=locked", 1, "june"),
        ("/users?state=inactive", 1, "bob"),
        ("/groups", 2, "Sales Night shift"),
        ("/groups?managedBy=okta", 1, "Sales"),
    ] {
        assert_eq!(names(path.to_owned()).await, (total, expected.to_owned()), "{path}");
    }
    let past = names(format!("/users?asOf={then}&state=active")).await;
    assert_eq!(past, (3, "jane june bob".to_owned()));
    let (_, groups) = acme.admin("GET", "/groups?name=sales", Value::Null).await;
    assert_eq!(
        (&groups["groups"][0]["members"], &groups["groups"][0]["managedBy"]),
        (&json!(1), &json!("okta"))
    );
    for (path, why) in [
        ("/users?managedBy=nobody", "no connector `nobody`"),
        ("/users?state=gone", "`inactive`"),
        ("/groups?state=active", "leave it out"),
        ("/users?count=-1", "count"),
    ] {
        let (status, refused) = acme.admin("GET", path, Value::Null).await;
        assert!(status == 400 && refused["detail"].as_str().unwrap().contains(why), "{refused}");
    }
    let (status, out, err) = acme.run(&["user", "list", "--managed-by", "here"]);
    assert!(status == 0 && out.contains("Janus") && !out.contains("jane"), "{out}{err}");
    let (_, out, _) = acme.run(&["group", "list", "--json"]);
    assert!(out.contains("Sales") && out.contains("Night shift"), "{out}");
}

/// Who is left out stands in the way of a connector's end, and the refusal says how to get there. The log tells of them; nothing
/// else does.
#[tokio::test(flavor = "multi_thread")]
async fn p_02_a_connector_that_left_somebody_out_can_be_removed_in_the_end() {
    let acme = Acme::start();
    let lists = json!({ "name": "lists", "preset": "generic", "exclude": { "userNames": ["x*"] } });
    let key = acme.connector(lists).await;
    for name in ["xavier", "yves"] {
        assert_eq!(acme.scim_as(&key, "POST", "/Users", user(name)).await.0, 201);
    }
    assert_eq!(acme.events("user=xavier").await, ["UserIgnored", "UserCreated"]);
    let (_, feed) = acme.admin("GET", "/feed?after=0&count=100", Value::Null).await;
    let commits = feed["commits"].as_array().unwrap();
    let told = commits.iter().find(|commit| commit.to_string().contains("xavier")).unwrap();
    assert_eq!(told["events"][0]["type"], "UserIgnored", "whoever reads a feed is warned");

    assert_eq!(acme.run(&["connector", "release", "lists"]).0, 0);
    let (status, refused) = acme.admin("DELETE", "/connectors/lists", Value::Null).await;
    let why = refused["detail"].as_str().unwrap();
    assert!(status == 409 && why.contains("empty its lists"), "{refused}");
    let none = json!({ "exclude": {} });
    assert_eq!(acme.admin("PATCH", "/connectors/lists", none).await.0, 200);
    assert_eq!(acme.run(&["connector", "release", "lists"]).0, 0);
    assert_eq!(acme.admin("DELETE", "/connectors/lists", Value::Null).await.0, 200);
    let (_, left) = acme.admin("GET", "/users?managedBy=here", Value::Null).await;
    assert_eq!(left["total"], 2, "{left}");
}

#[tokio::test(flavor = "multi_thread")]
async fn p_11_a_pushed_group_whose_name_exists_says_to_rename() {
    let acme = Acme::start();
    let group = || json!({ "schemas": [GROUP], "displayName": "Sales" });
    acme.scim("POST", "/Groups", group()).await;
    let entra = acme.connector(json!({ "name": "entra", "preset": "entra" })).await;
    for key in [SCIM_KEY, &entra] {
        let (status, refused) = acme.scim_as(key, "POST", "/Groups", group()).await;
        assert_eq!((status, &refused["scimType"]), (409, &json!("uniqueness")));
        let detail = refused["detail"].as_str().unwrap();
        assert!(detail.contains("`Sales`") && detail.contains("rename"), "{detail}");
    }
    let (_, told) = acme.admin("GET", "/problems", Value::Null).await;
    assert!(told.to_string().contains("rename one of the two groups"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn p_05_who_is_there_and_unmanaged_is_linked_and_keeps_the_id() {
    let acme = Acme::start();
    let person = json!({ "userName": "Jane@acme.com", "title": "Boss", "nickName": "J",
        "emails": [{ "value": "jane@acme.com", "primary": true }] });
    let jane = id(&acme.admin("POST", "/users", person).await);
    assert_eq!(acme.run(&["role", "grant", "jane@acme.com", "Analyst"]).0, 0);

    let pushed = json!({ "schemas": [USER], "userName": "jane@acme.com", "externalId": "00u1", "title": "CEO",
        "roles": [{ "value": "Analyst" }] });
    let (status, linked) = acme.scim("POST", "/Users", pushed.clone()).await;
    assert_eq!((status, &linked["id"]), (201, &json!(jane)), "{linked}");
    // What was sent holds, what was not sent stays.
    assert_eq!((&linked["title"], &linked["nickName"]), (&json!("CEO"), &json!("J")));
    assert_eq!(
        (&linked["externalId"], &linked["userName"]),
        (&json!("00u1"), &json!("jane@acme.com"))
    );
    assert_eq!(acme.scim("GET", &format!("/Users/{jane}"), Value::Null).await.0, 200);
    assert_eq!(
        acme.events("user=jane@acme.com&event=UserLinked,UserCreated").await,
        ["UserCreated", "UserLinked"]
    );
    // From then on it is Okta's, and nobody else's.
    let (status, _) = acme.admin("DELETE", "/users/jane@acme.com", Value::Null).await;
    assert_eq!(status, 409);
    let settings = json!({ "name": "entra", "preset": "entra", "linking": "userNameOrEmail" });
    let entra = acme.connector(settings).await;
    let (status, refused) = acme.scim_as(&entra, "POST", "/Users", pushed).await;
    assert_eq!((status, &refused["scimType"]), (409, &json!("uniqueness")));
    // Pushed and given here, a role has two sources: each takes back its own.
    let none = patch(json!([{ "op": "remove", "path": "roles" }]));
    acme.scim("PATCH", &format!("/Users/{jane}"), none).await;
    let (_, shown) = acme.admin("GET", "/users/jane@acme.com", Value::Null).await;
    assert_eq!(shown["roles"][0]["through"].as_array().unwrap().len(), 1, "{shown}");

    // By mail address, where the connector says so, and only if one person is meant.
    let mail = |name: &str, mail: &str| json!({ "userName": name, "emails": [{ "value": mail, "primary": true }] });
    let bob = id(&acme.admin("POST", "/users", mail("bob", "bob@acme.com")).await);
    let pushed = |name: &str, address: &str| {
        let mut body = mail(name, address);
        body["schemas"] = json!([USER]);
        body
    };
    let (status, linked) =
        acme.scim_as(&entra, "POST", "/Users", pushed("b.ob", "BOB@acme.com")).await;
    assert_eq!((status, &linked["id"], &linked["userName"]), (201, &json!(bob), &json!("b.ob")));
    for twin in ["one", "two"] {
        acme.admin("POST", "/users", mail(twin, "twin@acme.com")).await;
    }
    let (status, refused) =
        acme.scim_as(&entra, "POST", "/Users", pushed("t", "twin@acme.com")).await;
    assert!(status == 409 && refused["detail"].as_str().unwrap().contains("several"), "{refused}");
    let (status, new) = acme.scim("POST", "/Users", pushed("t", "twin@acme.com")).await;
    assert_eq!(status, 201, "Okta links by userName alone: {new}");
    let never =
        acme.connector(json!({ "name": "never", "preset": "generic", "linking": "never" })).await;
    let (status, refused) = acme.scim_as(&never, "POST", "/Users", user("one")).await;
    assert!(
        status == 409 && refused["detail"].as_str().unwrap().contains("managed here"),
        "{refused}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn p_05_from_one_identity_provider_to_another() {
    let acme = Acme::start();
    let mut ids = Vec::new();
    for name in ["jane", "bob"] {
        let mut body = user(name);
        body["roles"] = json!([{ "value": "Analyst" }]);
        ids.push(id(&acme.scim("POST", "/Users", body).await));
    }
    let members: Vec<Value> = ids.iter().map(|id| json!({ "value": id })).collect();
    let body = || json!({ "schemas": [GROUP], "displayName": "Sales", "members": members });
    let sales = id(&acme.scim("POST", "/Groups", body()).await);
    assert_eq!(acme.run(&["connector", "disable", "okta"]).0, 0);
    let (status, out, err) = acme.run(&["connector", "release", "okta"]);
    assert!(status == 0 && out.starts_with("released at position "), "{out}{err}");
    let (_, shown) = acme.admin("GET", "/groups/Sales", Value::Null).await;
    assert_eq!((&shown["managedBy"], &shown["memberCount"]), (&Value::Null, &json!(2)));
    assert_eq!(
        acme.run(&["connector", "release", "okta"]).1,
        "nothing to do: no connector manages it\n"
    );

    let entra = acme.connector(json!({ "name": "entra", "preset": "entra" })).await;
    let mut pushed = user("jane");
    pushed["roles"] = json!([{ "value": "Analyst" }]);
    let (status, linked) = acme.scim_as(&entra, "POST", "/Users", pushed).await;
    assert_eq!((status, &linked["id"]), (201, &json!(ids[0])));
    let (status, linked) = acme
        .scim_as(&entra, "POST", "/Groups", json!({ "schemas": [GROUP], "displayName": "Sales" }))
        .await;
    assert_eq!((status, &linked["id"]), (201, &json!(sales)), "{linked}");
    let add = patch(json!([{ "op": "add", "path": "members", "value": [{ "value": ids[0] }] }]));
    let path = format!("/Groups/{sales}");
    assert!(acme.scim_as(&entra, "PATCH", &path, add).await.0 < 300);
    // What the new one says is its own, so it can take it back; what it never said is given here.
    let out =
        patch(json!([{ "op": "remove", "path": format!("members[value eq \"{}\"]", ids[0]) }]));
    assert!(acme.scim_as(&entra, "PATCH", &path, out).await.0 < 300);
    let none = patch(json!([{ "op": "remove", "path": "roles" }]));
    acme.scim_as(&entra, "PATCH", &format!("/Users/{}", ids[0]), none).await;
    let (_, shown) = acme.admin("GET", "/users/jane", Value::Null).await;
    assert_eq!((&shown["roles"], &shown["groups"]), (&json!([]), &json!([])), "{shown}");
    let (_, shown) = acme.admin("GET", "/users/bob", Value::Null).await;
    assert_eq!(
        (&shown["roles"][0]["name"], &shown["groups"][0]["name"]),
        (&json!("Analyst"), &json!("Sales"))
    );
    assert_eq!(acme.run(&["group", "leave", "Sales", "bob"]).0, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn p_06_a_display_name_is_first_and_last_unless_given() {
    let acme = Acme::start();
    let mut body = user("jane");
    body["name"] = json!({ "givenName": "Jane", "familyName": "Doe" });
    body["emails"] = json!([{ "value": "jane@acme.com" }]);
    let (_, made) = acme.scim("POST", "/Users", body).await;
    assert_eq!(made["displayName"], "Jane Doe");
    let path = format!("/Users/{}", made["id"].as_str().unwrap());
    for filter in ["displayName%20eq%20%22jane%20doe%22", "displayName%20sw%20%22Jane%22"] {
        let (_, found) = acme.scim("GET", &format!("/Users?filter={filter}"), Value::Null).await;
        assert_eq!(found["totalResults"], 1, "{filter}");
    }
    // Read and written back, it is still derived: nothing changed, and it follows the name.
    let (status, same) = acme.scim("PUT", &path, made.clone()).await;
    assert_eq!((status, &same["meta"]["version"]), (200, &made["meta"]["version"]), "{same}");
    let mut married = made.clone();
    married["name"]["familyName"] = json!("Roe");
    married.as_object_mut().unwrap().remove("displayName");
    let (_, roe) = acme.scim("PUT", &path, married.clone()).await;
    assert_eq!(roe["displayName"], "Jane Roe", "{roe}");
    let (_, shown) = acme.admin("GET", "/users/jane", Value::Null).await;
    assert_eq!(shown["attributes"]["displayName"], Value::Null, "{shown}");
    // Given, it stays as it was given; taken away, it is derived again.
    married["displayName"] = json!("Jane Doe");
    for _ in 0..2 {
        let (_, kept) = acme.scim("PUT", &path, married.clone()).await;
        assert_eq!(
            kept["displayName"], "Jane Doe",
            "what was written is read, however often: {kept}"
        );
    }
    let give = |value: Value| patch(json!([value]));
    let (_, read) = acme
        .scim("PATCH", &path, give(json!({ "op": "add", "path": "displayName", "value": "JR" })))
        .await;
    assert_eq!(read["displayName"], "JR");
    let mail =
        give(json!({ "op": "replace", "path": "emails", "value": [{ "value": "roe@acme.com" }] }));
    let (_, read) = acme.scim("PATCH", &path, mail).await;
    assert_eq!(
        (&read["displayName"], &read["emails"][0]["value"]),
        (&json!("JR"), &json!("roe@acme.com"))
    );
    let (_, read) =
        acme.scim("PATCH", &path, give(json!({ "op": "remove", "path": "displayName" }))).await;
    assert_eq!(read["displayName"], "Jane Roe");
}

#[tokio::test(flavor = "multi_thread")]
async fn c_10_who_signs_on_before_being_pushed_comes_to_be() {
    let acme = Acme::start();
    let arrival = json!({ "email": "jane@acme.com", "givenName": "Jane", "familyName": "Doe" });
    let (status, first) = acme.admin("POST", "/jit", arrival.clone()).await;
    assert_eq!((status, &first["created"], &first["mayAct"]), (200, &json!(true), &json!(true)));
    let (_, again) = acme.admin("POST", "/jit", arrival).await;
    assert_eq!((&again["id"], &again["created"]), (&first["id"], &json!(false)));
    let (_, shown) = acme.admin("GET", "/users/jane@acme.com", Value::Null).await;
    assert_eq!(shown["attributes"]["name"], json!({ "givenName": "Jane", "familyName": "Doe" }));
    assert_eq!(shown["attributes"]["emails"][0]["value"], "jane@acme.com");
    // Pushed afterwards, it is the same person.
    let (status, linked) = acme.scim("POST", "/Users", user("jane@acme.com")).await;
    assert_eq!((status, &linked["id"]), (201, &first["id"]));
    assert_eq!(acme.run(&["user", "lock", "jane@acme.com", "--reason", "x"]).0, 0);
    let (_, out, _) = acme.run(&["user", "jit", "jane@acme.com"]);
    assert!(out.contains("was there already") && out.contains("may do nothing"), "{out}");
}

#[tokio::test(flavor = "multi_thread")]
async fn c_12_a_push_before_the_first_log_in_creates_the_user() {
    let acme = Acme::start();
    let mut body = user("jane@acme.com");
    body["name"] = json!({ "givenName": "Jane" });
    let (status, made) = acme.scim("POST", "/Users", body).await;
    assert_eq!((status, &made["active"]), (201, &json!(true)));
    let (_, arrived) = acme.admin("POST", "/jit", json!({ "email": "jane@acme.com" })).await;
    assert_eq!((&arrived["id"], &arrived["created"]), (&made["id"], &json!(false)));
}

#[tokio::test(flavor = "multi_thread")]
async fn c_13_who_is_deleted_is_gone_and_their_history_stays() {
    let acme = Acme::start();
    let first = id(&acme.scim("POST", "/Users", user("jane")).await);
    let path = format!("/Users/{first}");
    assert_eq!(acme.scim("DELETE", &path, Value::Null).await.0, 204);
    assert_eq!(acme.scim("GET", &path, Value::Null).await.0, 404);
    assert_eq!(acme.events("user=jane").await, ["UserCreated", "UserDeleted"]);
    // The name is free again, for somebody else.
    let (status, made) = acme.scim("POST", "/Users", user("jane")).await;
    assert_eq!(status, 201);
    assert_ne!(made["id"], first);
}
