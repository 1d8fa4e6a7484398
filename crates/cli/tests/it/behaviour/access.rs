//! Who may do what to which thing, and through what.

use reqwest::{Client, Method};
use serde_json::{Value, json};

use crate::common::{OPERATOR_KEY, SCIM_KEY, Served, run};

const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
const PATCH: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";
const SALES: &str = r#"Table::"sales""#;
const SCHEMA: &str = "entity Table { owner?: User };
    action select, drop appliesTo { principal: [User], resource: [Table], context: { mfa?: Bool } };";

/// A server with Jane, an Analyst in `Sales EMEA`, which is in `Sales`; and Bob, who has nothing.
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
        acme.bob = acme
            .made("Users", json!({ "schemas": [USER], "userName": "bob", "active": true }))
            .await;
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

#[tokio::test(flavor = "multi_thread")]
async fn c_11_who_has_no_role_has_no_privileges() {
    let acme = Acme::start().await;
    acme.policy("admins", r#"permit (principal in Role::"Admin", action, resource);"#).await;
    assert_eq!(acme.check("bob", "select", SALES).await["reason"], "no-privileges");
    assert_eq!(acme.check("jane@acme.com", "select", SALES).await["reason"], "no-policy");
    assert_eq!(acme.check("nobody", "select", SALES).await["reason"], "no-such-user");
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
