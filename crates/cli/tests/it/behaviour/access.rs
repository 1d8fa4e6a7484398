//! Who may do what to which thing, and through what.

use reqwest::{Client, Method};
use serde_json::{Value, json};

use crate::common::{OPERATOR_KEY, SCIM_KEY, Served, run};

const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
const SITE: &str = "urn:example:params:scim:schemas:extension:site:2.0:User";
const PATCH: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";
const SALES: &str = r#"Table::"sales""#;
const SCHEMA: &str = "entity Table { owner?: User };
    action select, drop appliesTo { principal: [User], resource: [Table], context: { mfa?: Bool } };";

/// A server with Jane, an Analyst in `Sales EMEA`, which is in `Sales`; and Bob, a Business User in no group.
struct Acme {
    _folder: tempfile::TempDir,
    served: Option<Served>,
    data: String,
    url: String,
    http: Client,
    jane: String,
    bob: String,
    sales: String,
    emea: String,
}

impl Acme {
    async fn start() -> Acme {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        let served = Served::start(&data);
        let mut acme = Acme {
            _folder: folder,
            data: data.to_str().unwrap().to_owned(),
            url: served.url.clone(),
            served: Some(served),
            http: Client::new(),
            jane: String::new(),
            bob: String::new(),
            sales: String::new(),
            emea: String::new(),
        };
        acme.jane = acme.made("Users", json!({ "schemas": [USER], "userName": "jane@acme.com", "active": true, "roles": [{ "value": "Analyst" }] })).await;
        acme.bob = acme.made("Users", json!({ "schemas": [USER], "userName": "bob", "active": true, "roles": [{ "value": "Business User" }] })).await;
        let member = |id: &str| json!([{ "value": id }]);
        acme.emea = acme.made("Groups", json!({ "schemas": [GROUP], "displayName": "Sales EMEA", "members": member(&acme.jane) })).await;
        acme.sales = acme.made("Groups", json!({ "schemas": [GROUP], "displayName": "Sales", "members": member(&acme.emea) })).await;
        let (status, body) =
            acme.admin(Method::PUT, "policy-schema", &json!({ "text": SCHEMA })).await;
        assert_eq!(status, 200, "{body}");
        acme
    }

    async fn scim(&self, method: Method, path: &str, body: &Value) -> (u16, Value) {
        let url = format!("{}/scim/acme/v2/{path}", self.url);
        let request = self.http.request(method, url).bearer_auth(SCIM_KEY).json(body);
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap_or_default())
    }

    async fn made(&self, kind: &str, body: Value) -> String {
        let (status, made) = self.scim(Method::POST, kind, &body).await;
        assert_eq!(status, 201, "{made}");
        made["id"].as_str().unwrap().to_owned()
    }

    async fn patched(&self, path: &str, operation: Value) {
        let body = json!({ "schemas": [PATCH], "Operations": [operation] });
        let (status, answer) = self.scim(Method::PATCH, path, &body).await;
        assert!(status == 200 || status == 204, "{status} {answer}");
    }

    async fn admin(&self, method: Method, path: &str, body: &Value) -> (u16, Value) {
        let url = format!("{}/admin/v1/tenants/acme/{path}", self.url);
        let mut request = self.http.request(method.clone(), url).bearer_auth(OPERATOR_KEY);
        if method != Method::GET {
            request = request.json(body);
        }
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap_or_default())
    }

    async fn policy(&self, name: &str, text: &str) {
        let (status, body) =
            self.admin(Method::PUT, &format!("policies/{name}"), &json!({ "text": text })).await;
        assert!(status == 200 || status == 201, "{status} {body}");
    }

    async fn check(&self, user: &str, action: &str, resource: &str) -> Value {
        self.check_at(user, action, resource, "").await
    }

    async fn check_at(&self, user: &str, action: &str, resource: &str, query: &str) -> Value {
        let body = json!({ "user": user, "action": action, "resource": resource });
        let (status, answer) =
            self.admin(Method::POST, &format!("access/check{query}"), &body).await;
        assert_eq!(status, 200, "{answer}");
        answer
    }

    fn cli(&self, arguments: &[&str]) -> (i32, String, String) {
        run(arguments, &[("ROLLBOOK_URL", &self.url), ("ROLLBOOK_OPERATOR_KEY", OPERATOR_KEY)])
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn p_20_a_check_tells_the_policies_and_the_commits_behind_them() {
    let mut acme = Acme::start().await;
    acme.policy(
        "sales-read",
        r#"permit (principal in Group::"Sales", action == Action::"select", resource);"#,
    )
    .await;
    acme.policy(
        "never-drop",
        r#"forbid (principal in Role::"Analyst", action == Action::"drop", resource);"#,
    )
    .await;
    let allowed = acme.check("JANE@acme.com", "select", SALES).await;
    assert_eq!(allowed["decision"], "allow", "{allowed}");
    let policy = &allowed["policies"][0];
    assert_eq!(
        (&policy["policy"]["name"], &policy["effect"]),
        (&json!("sales-read"), &json!("permit"))
    );
    assert_eq!(policy["written"]["actor"]["kind"], "operator");
    let way = &policy["through"][0]["ways"][0];
    assert_eq!(way[0]["group"]["name"], "Sales EMEA", "{allowed}");
    assert_eq!(way[1]["group"]["name"], "Sales");
    assert!(way[0]["since"][0]["position"].is_u64() && way[0]["since"][0]["hash"].is_string());
    let denied = acme.check("jane@acme.com", "drop", SALES).await;
    assert_eq!((&denied["decision"], &denied["reason"]), (&json!("deny"), &json!("forbidden")));
    let given = &denied["policies"][0]["through"][0]["role"]["sources"][0];
    assert!(given["assigned"]["position"].is_u64(), "{denied}");
    // Nothing that fits no schema is answered.
    let body = json!({ "user": "bob", "action": "selct", "resource": SALES });
    let (status, refused) = acme.admin(Method::POST, "access/check", &body).await;
    assert_eq!(status, 400, "{refused}");
    assert!(
        refused["detail"].as_str().unwrap().contains("the schema has drop, select"),
        "{refused}"
    );
    // The binary says the same of the server and, once that has ended, of its folder.
    let check =
        ["access", "check", "--user", "jane@acme.com", "--action", "select", "--resource", SALES];
    let (status, there, err) = acme.cli(&check);
    assert!(status == 0 && there.starts_with("allow: jane@acme.com may select"), "{there}{err}");
    assert!(
        there.contains("allowed by the policy sales-read") && there.contains("Sales EMEA → Sales"),
        "{there}"
    );
    let list = ["access", "list", "--user", "jane@acme.com"];
    let (status, listed, _) = acme.cli(&list);
    assert!(status == 0 && listed.contains("group Sales (through Sales EMEA)"), "{listed}");
    let (status, drop, _) =
        acme.cli(&["access", "check", "--user", "bob", "--action", "drop", "--resource", SALES]);
    assert!(status == 1 && drop.starts_with("deny: bob may not drop"), "{drop}");
    acme.served.take().unwrap().stop();
    let folder = ["--data", acme.data.as_str()];
    assert_eq!(run(&[&check[..], &folder].concat(), &[]), (0, there, String::new()));
    assert_eq!(run(&[&list[..], &folder].concat(), &[]), (0, listed, String::new()));
}

/// Policies see attributes of users, those of the tenant's own schema too, as they are at each moment.
#[tokio::test(flavor = "multi_thread")]
async fn p_20_policies_see_attributes_of_the_core_and_of_the_tenants_own_schema() {
    let acme = Acme::start().await;
    let schema = json!({ "schema": { "id": SITE, "name": "Site", "attributes": [
        { "name": "platform", "type": "string" }] } });
    let (status, done) = acme.admin(Method::POST, "schemas", &schema).await;
    assert!(matches!(status, 200 | 201), "{status} {done}");
    let when =
        |condition: &str| format!("permit (principal, action, resource) when {{ {condition} }};");
    acme.policy("heads", &when(r#"principal has title && principal.title == "Head""#)).await;
    acme.policy("mobile", &when(r#"principal has platform && principal.platform == "mobile""#))
        .await;
    // What is no attribute here is refused.
    let wrong = json!({ "text": when(r#"principal.platfrom == "x""#) });
    let (status, refused) = acme.admin(Method::PUT, "policies/wrong", &wrong).await;
    assert_eq!(status, 400, "{refused}");
    let by = async |who: &str| {
        let answer = acme.check(who, "select", SALES).await;
        answer["policies"][0]["policy"]["name"].as_str().map(str::to_owned)
    };
    assert_eq!((by("bob").await, by("jane@acme.com").await), (None, None));
    let title = json!({ "op": "replace", "path": "title", "value": "Head" });
    acme.patched(&format!("Users/{}", acme.jane), title).await;
    let platform = |value: &str| json!({ "op": "replace", "path": format!("{SITE}:platform"), "value": value });
    acme.patched(&format!("Users/{}", acme.bob), platform("mobile")).await;
    assert_eq!(by("jane@acme.com").await.as_deref(), Some("heads"));
    assert_eq!(by("bob").await.as_deref(), Some("mobile"));
    acme.patched(&format!("Users/{}", acme.bob), platform("web")).await;
    assert_eq!(by("bob").await, None);
    assert_eq!(acme.check("bob", "select", SALES).await["decision"], "deny");
}

/// The past is asked with the policies, groups and roles of then; what became another answer is told with its commits.
#[tokio::test(flavor = "multi_thread")]
async fn p_20_the_past_is_asked_and_two_moments_are_compared() {
    let acme = Acme::start().await;
    acme.policy(
        "sales-read",
        r#"permit (principal in Group::"Sales", action == Action::"select", resource);"#,
    )
    .await;
    let then = acme.check("jane@acme.com", "select", SALES).await["head"]["position"].clone();
    acme.patched(
        &format!("Groups/{}", acme.emea),
        json!({ "op": "remove", "path": format!("members[value eq \"{}\"]", acme.jane) }),
    )
    .await;
    acme.patched(
        &format!("Groups/{}", acme.sales),
        json!({ "op": "replace", "path": "displayName", "value": "Revenue" }),
    )
    .await;
    let now = acme.check("jane@acme.com", "select", SALES).await;
    assert_eq!((&now["decision"], &now["reason"]), (&json!("deny"), &json!("no-policy")), "{now}");
    let before = acme.check_at("jane@acme.com", "select", SALES, &format!("?asOf={then}")).await;
    assert_eq!((&before["decision"], &before["head"]["position"]), (&json!("allow"), &then));
    let body = json!({ "user": "jane@acme.com", "from": then.to_string() });
    let (status, diff) = acme.admin(Method::POST, "access/diff", &body).await;
    assert_eq!(status, 200, "{diff}");
    let changes = diff["changes"].as_array().unwrap();
    assert_eq!(changes.len(), 1, "{diff}");
    assert_eq!(
        (&changes[0]["action"], &changes[0]["resource"]),
        (&json!("select"), &json!(r#"Table::"*""#))
    );
    assert_eq!(
        (&changes[0]["before"]["decision"], &changes[0]["after"]["decision"]),
        (&json!("allow"), &json!("deny"))
    );
    let removed = diff["commits"].as_array().unwrap();
    assert!(
        removed.iter().any(|commit| commit["events"][0]["type"] == "GroupMemberRemoved"),
        "{diff}"
    );
    // Nobody slipped out, or in, by the new name of the group.
    acme.patched(
        &format!("Groups/{}", acme.sales),
        json!({ "op": "add", "path": "members", "value": [{ "value": acme.bob }] }),
    )
    .await;
    let bob = acme.check("bob", "select", SALES).await;
    assert_eq!(bob["decision"], "allow", "{bob}");
    assert_eq!(bob["policies"][0]["through"][0]["what"]["name"], "Revenue");
}

#[tokio::test(flavor = "multi_thread")]
async fn p_20_many_checks_are_answered_at_once_with_what_they_bring() {
    let acme = Acme::start().await;
    acme.policy("owner", "permit (principal, action, resource) when { resource has owner && resource.owner == principal };").await;
    acme.policy("mfa", r#"forbid (principal, action == Action::"drop", resource) unless { context has mfa && context.mfa };"#).await;
    let sales = json!([{ "uid": { "type": "Table", "id": "sales" }, "attrs": { "owner": { "type": "User", "id": "bob" } }, "parents": [] }]);
    let check =
        |user: &str, action: &str| json!({ "user": user, "action": action, "resource": SALES });
    let mut with = check("bob", "drop");
    with["context"] = json!({ "mfa": true });
    let body = json!({ "entities": sales, "checks": [check("bob", "select"), check("jane@acme.com", "select"), check("bob", "drop"), with] });
    let (status, answer) = acme.admin(Method::POST, "access/check", &body).await;
    assert_eq!(status, 200, "{answer}");
    let told: Vec<&str> = answer["checks"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["decision"].as_str().unwrap())
        .collect();
    assert_eq!(told, ["allow", "deny", "deny", "allow"], "{answer}");
    // What all of them share is brought to each: a small request must not come to more memory than there is.
    let table =
        |n| json!({ "uid": { "type": "Table", "id": format!("{n}") }, "attrs": {}, "parents": [] });
    let tables: Vec<Value> = (0..1_000).map(table).collect();
    let checks = vec![check("bob", "select"); 1_000];
    let many = json!({ "entities": tables, "checks": checks });
    let (status, refused) = acme.admin(Method::POST, "access/check", &many).await;
    assert_eq!(status, 400, "{refused}");
    assert!(refused["detail"].as_str().unwrap().contains("ask in smaller batches"), "{refused}");
    let wrong = json!({ "checks": [check("bob", "select"), check("bob", "fly")] });
    let (status, refused) = acme.admin(Method::POST, "access/check", &wrong).await;
    assert!(
        status == 400 && refused["detail"].as_str().unwrap().starts_with("check 2: "),
        "{refused}"
    );
}

/// What changes in the directory counts in the next answer.
#[tokio::test(flavor = "multi_thread")]
async fn c_08_roles_and_memberships_count_at_once() {
    let acme = Acme::start().await;
    acme.policy("admins", r#"permit (principal in Role::"Admin", action, resource);"#).await;
    assert_eq!(acme.check("bob", "drop", SALES).await["decision"], "deny");
    let roles = json!({ "op": "add", "path": "roles", "value": [{ "value": "Admin" }] });
    acme.patched(&format!("Users/{}", acme.bob), roles).await;
    assert_eq!(acme.check("bob", "drop", SALES).await["decision"], "allow");
    acme.patched(&format!("Users/{}", acme.bob), json!({ "op": "remove", "path": "roles" })).await;
    assert_eq!(acme.check("bob", "drop", SALES).await["decision"], "deny");
}

/// Policies see the role that everybody has, and the group that everybody is in, of whoever may act.
#[tokio::test(flavor = "multi_thread")]
async fn c_06_policies_see_the_role_and_the_group_of_everybody() {
    let acme = Acme::start().await;
    acme.policy(
        "everyone",
        r#"permit (principal in Role::"Everyone", action == Action::"select", resource);"#,
    )
    .await;
    acme.policy(
        "public",
        r#"permit (principal in Group::"Public", action == Action::"drop", resource);"#,
    )
    .await;
    let reads = acme.check("bob", "select", SALES).await;
    assert_eq!(reads["decision"], "allow", "{reads}");
    assert_eq!(reads["policies"][0]["through"][0]["what"]["name"], "Everyone", "{reads}");
    let drops = acme.check("bob", "drop", SALES).await;
    assert_eq!(drops["decision"], "allow", "{drops}");
    let through = &drops["policies"][0]["through"][0]["what"];
    assert_eq!(*through, json!({ "kind": "group", "name": "public" }), "{drops}");
    let (_, listed) = acme.admin(Method::GET, "policies", &Value::Null).await;
    assert_eq!(
        (&listed["policies"][1]["dangling"], &listed["policies"][1]["names"][0]["state"]),
        (&json!(false), &json!("present")),
        "{listed}"
    );
    let (_, out, _) = acme.cli(&["access", "list", "--user", "bob"]);
    assert!(out.contains("role Everyone") && out.contains("group public"), "{out}");
    let check = ["access", "check", "--user", "bob", "--action", "drop", "--resource", SALES];
    let (status, out, _) = acme.cli(&check);
    assert!(status == 0 && out.contains("group public, which everybody is in"), "{out}");
    let off = json!({ "op": "replace", "path": "active", "value": false });
    acme.patched(&format!("Users/{}", acme.bob), off).await;
    for action in ["select", "drop"] {
        assert_eq!(acme.check("bob", action, SALES).await["reason"], "inactive");
    }
}

/// Whatever a policy says: of them, of their group, or of everybody. The last role that went is told.
#[tokio::test(flavor = "multi_thread")]
async fn c_11_who_has_no_role_has_no_privileges() {
    let acme = Acme::start().await;
    acme.policy("all", "permit (principal, action, resource);").await;
    acme.policy("bob", r#"permit (principal == User::"bob", action, resource);"#).await;
    acme.policy("everyone", r#"permit (principal in Role::"Everyone", action, resource);"#).await;
    let new = json!({ "schemas": [USER], "userName": "new", "active": true });
    let new = acme.made("Users", new).await;
    let sales = json!({ "op": "add", "path": "members", "value": [{ "value": new }] });
    acme.patched(&format!("Groups/{}", acme.sales), sales).await;
    acme.policy("sales", r#"permit (principal in Group::"Sales", action, resource);"#).await;
    let denied = acme.check("new", "select", SALES).await;
    assert_eq!(
        (&denied["decision"], &denied["reason"], denied.get("since")),
        (&json!("deny"), &json!("no-privileges"), None),
        "{denied}"
    );
    assert_eq!(acme.check("bob", "select", SALES).await["decision"], "allow");
    acme.patched(&format!("Users/{}", acme.bob), json!({ "op": "remove", "path": "roles" })).await;
    let denied = acme.check("bob", "select", SALES).await;
    assert_eq!(
        (&denied["reason"], &denied["since"]["events"][0]["type"]),
        (&json!("no-privileges"), &json!("RoleRevoked")),
        "{denied}"
    );
    let (_, listed) = acme.admin(Method::GET, "access/list?user=bob", &Value::Null).await;
    assert_eq!(listed["reason"], "no-privileges", "{listed}");
    let (status, out, _) =
        acme.cli(&["access", "check", "--user", "bob", "--action", "drop", "--resource", SALES]);
    assert!(status == 1 && out.contains("bob has no role and may do nothing"), "{out}");
    assert_eq!(acme.check("nobody", "select", SALES).await["reason"], "no-such-user");
}

/// Whom a connector's lists leave out may do nothing from then on, and is in nobody's lists but that connector's.
#[tokio::test(flavor = "multi_thread")]
async fn p_02_who_is_left_out_may_do_nothing_and_is_on_no_list() {
    let acme = Acme::start().await;
    acme.policy("all", "permit (principal, action, resource);").await;
    acme.policy("bob-reads", r#"permit (principal == User::"bob", action, resource);"#).await;
    let management = json!({ "name": "scripts", "preset": "management" });
    let (_, made) = acme.admin(Method::POST, "connectors", &management).await;
    let key = made["apiKey"].as_str().unwrap().to_owned();
    let lists = async || {
        let users = acme.http.get(format!("{}/api/v2/users", acme.url));
        let users = users.header("HTTP-X-PARTNER-AUTH", &key).send().await.unwrap();
        let roster = format!("{}/admin/v1/tenants/acme/roster", acme.url);
        let csv = acme.http.get(format!("{roster}?format=csv")).bearer_auth(OPERATOR_KEY);
        let roster = acme.http.get(roster).bearer_auth(OPERATOR_KEY);
        let (_, exported, _) = acme.cli(&["export", "users", "--format", "csv"]);
        let (_, ndjson, _) = acme.cli(&["export", "users", "--format", "ndjson"]);
        [
            users.text().await.unwrap(),
            roster.send().await.unwrap().text().await.unwrap(),
            csv.send().await.unwrap().text().await.unwrap(),
            exported,
            ndjson,
        ]
    };
    for list in lists().await {
        assert!(list.contains("Business User") && list.contains("jane"), "{list}");
    }
    let then = acme.check("bob", "select", SALES).await;
    assert_eq!(then["decision"], "allow");
    let leave_out = json!({ "exclude": { "userNames": ["bob", "eve"] } });
    let (status, done) = acme.admin(Method::PATCH, "connectors/okta", &leave_out).await;
    assert_eq!(status, 200, "{done}");
    let eve = json!({ "schemas": [USER], "userName": "eve", "active": true, "roles": [{ "value": "Admin" }] });
    let eve = acme.made("Users", eve).await;
    for who in ["bob", "eve", &acme.bob, &eve] {
        let denied = acme.check(who, "select", SALES).await;
        assert_eq!(
            (&denied["decision"], &denied["reason"], denied["user"].get("id")),
            (&json!("deny"), &json!("no-such-user"), None),
            "{denied}"
        );
        let (status, answer) =
            acme.admin(Method::GET, &format!("access/list?user={who}"), &Value::Null).await;
        assert_eq!(status, 404, "{answer}");
    }
    for list in lists().await {
        assert!(list.contains("jane"), "{list}");
        for who in ["Business User", "Admin", "bob", "eve", &acme.bob, &eve] {
            assert!(!list.contains(who), "{who}: {list}");
        }
    }
    // Whoever holds sessions is told of Bob, and not of Eve, who never had one.
    let (_, feed) = acme.admin(Method::GET, "feed?event=SessionRevoked", &Value::Null).await;
    let commits = feed["commits"].as_array().unwrap();
    assert_eq!(commits.len(), 1, "{feed}");
    let revoked = &commits[0]["events"][0];
    assert_eq!(
        (&revoked["type"], &revoked["user"], &revoked["sessionRevoked"]),
        (&json!("UserIgnored"), &json!(acme.bob), &json!(true))
    );
    let (_, all) = acme.admin(Method::GET, "feed?event=UserIgnored", &Value::Null).await;
    let new = &all["commits"][1]["events"][0];
    assert_eq!((&new["user"], new.get("sessionRevoked")), (&json!(eve), None), "{all}");
    // Nor may what a check brings speak of them by name.
    let entities = json!([{ "uid": { "type": "Table", "id": "sales" }, "attrs": { "owner": { "type": "User", "id": "bob" } }, "parents": [] }]);
    let body = json!({ "user": "jane@acme.com", "action": "select", "resource": SALES, "entities": entities });
    let (status, refused) = acme.admin(Method::POST, "access/check", &body).await;
    assert_eq!(status, 400, "{refused}");
    // The past is as it was, the policy that names them is found, and it was told that it does.
    let query = format!("?asOf={}", then["head"]["position"]);
    assert_eq!(acme.check_at("bob", "select", SALES, &query).await["decision"], "allow");
    let (_, dangling) = acme.admin(Method::GET, "policies?dangling=true", &Value::Null).await;
    assert_eq!(dangling["policies"][0]["name"], "bob-reads", "{dangling}");
    let (_, told) = acme.admin(Method::GET, "problems?kind=attention", &Value::Null).await;
    let told = told["problems"].as_array().unwrap();
    assert_eq!(told.len(), 1, "{told:?}");
    let detail = told[0]["detail"].as_str().unwrap();
    assert!(detail.starts_with("the user `bob` was left out by its connector's lists"), "{detail}");
    // Let in again, everything is as before.
    let (_, done) = acme.admin(Method::PATCH, "connectors/okta", &json!({ "exclude": {} })).await;
    assert_eq!(acme.check("bob", "select", SALES).await["decision"], "allow", "{done}");
}

/// Questions are asked by POST where they are long; who may only read may ask them all the same, and changes nothing by it.
#[tokio::test(flavor = "multi_thread")]
async fn p_20_an_auditor_may_ask_and_write_nothing() {
    let acme = Acme::start().await;
    acme.policy("all", "permit (principal, action, resource);").await;
    let url = format!("{}/admin/v1/operators", acme.url);
    let ann = json!({ "name": "ann", "role": "auditor" });
    let added = acme.http.post(url).bearer_auth(OPERATOR_KEY).json(&ann).send().await.unwrap();
    let added: Value = added.json().await.unwrap();
    let key = added["operatorKey"].as_str().unwrap();
    let ask = async |method: Method, path: &str, body: Value| {
        let url = format!("{}/admin/v1/tenants/acme/{path}", acme.url);
        let answer = acme.http.request(method, url).bearer_auth(key).json(&body);
        let answer = answer.send().await.unwrap();
        (answer.status().as_u16(), answer.json::<Value>().await.unwrap())
    };
    let check = json!({ "user": "bob", "action": "select", "resource": SALES });
    let (status, one) = ask(Method::POST, "access/check", check.clone()).await;
    assert_eq!((status, &one["decision"]), (200, &json!("allow")), "{one}");
    let head = one["head"].clone();
    let batch = json!({ "checks": [check, check], "explain": true });
    let (status, several) = ask(Method::POST, "access/check", batch).await;
    assert_eq!((status, several["checks"].as_array().map(Vec::len)), (200, Some(2)), "{several}");
    let between = json!({ "user": "bob", "from": "1" });
    let (status, diff) = ask(Method::POST, "access/diff", between).await;
    assert_eq!((status, &diff["to"]), (200, &head), "{diff}");
    let (_, out, err) = run(
        &["access", "check", "--user", "bob", "--action", "select", "--resource", SALES],
        &[("ROLLBOOK_URL", &acme.url), ("ROLLBOOK_OPERATOR_KEY", key)],
    );
    assert!(out.starts_with("allow: bob may select"), "{out}{err}");
    let text = json!({ "text": "forbid (principal, action, resource);" });
    let (status, refused) = ask(Method::PUT, "policies/never", text).await;
    assert_eq!(status, 403, "{refused}");
    assert_eq!(acme.check("bob", "select", SALES).await["head"], head);
}

#[tokio::test(flavor = "multi_thread")]
async fn c_14_who_is_deactivated_or_locked_may_do_nothing_at_once() {
    let acme = Acme::start().await;
    acme.policy("all", "permit (principal, action, resource);").await;
    assert_eq!(acme.check("bob", "select", SALES).await["decision"], "allow");
    let off = json!({ "op": "replace", "path": "active", "value": false });
    acme.patched(&format!("Users/{}", acme.bob), off).await;
    let denied = acme.check("bob", "select", SALES).await;
    assert_eq!((&denied["decision"], &denied["reason"]), (&json!("deny"), &json!("inactive")));
    assert_eq!(denied["since"]["events"][0]["type"], "UserDeactivated", "{denied}");
    let reason = json!({ "reason": "stolen laptop" });
    let (status, body) = acme.admin(Method::PUT, "users/jane@acme.com/lock", &reason).await;
    assert_eq!(status, 200, "{body}");
    let denied = acme.check("jane@acme.com", "select", SALES).await;
    assert_eq!(denied["reason"], "locked");
    assert_eq!(denied["since"]["events"][0]["type"], "UserLocked", "{denied}");
}
