//! Why somebody has a role and why not, over HTTP.

use serde_json::{Value, json};
use testkit::app::{Client, TestApp};

use crate::messages::{CORE, GROUP, patch};

async fn explained(operator: &Client, question: &str) -> Value {
    operator.get(&format!("/tenants/acme/explain?{question}")).await.expect(200).body
}

fn member(op: &str, id: &str) -> Value {
    patch(json!([{ "op": op, "path": "members", "value": [{ "value": id }] }]))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_through_nested_groups_is_explained_back_to_every_request() {
    let app = TestApp::start().await;
    let (idp, operator) = (app.idp(), app.operator());
    let jane = json!({ "schemas": [CORE], "userName": "jane", "roles": [{ "value": "Admni" }] });
    let jane = idp.post("/Users", jane).await.expect(201).id();
    let mut groups = Vec::new();
    for name in ["Sales", "Sales EMEA"] {
        let body = json!({ "schemas": [GROUP], "displayName": name });
        groups.push(idp.post("/Groups", body).await.expect(201).id());
    }
    let (sales, emea) = (format!("/Groups/{}", groups[0]), format!("/Groups/{}", groups[1]));
    let before = operator.get("/tenants/acme").await.body["head"]["position"].clone();

    // Why not: nothing ever gave it, and the request that meant to was misspelt.
    let told = explained(&operator, "user=jane&role=Admin").await;
    assert_eq!((&told["answer"], &told["user"]["state"]), (&json!(false), &json!("present")));
    assert!(told["past"].is_null() && told["rules"].is_null());
    let detail = told["problems"][0]["detail"].as_str().unwrap();
    assert!(detail.contains("`Admni`"), "{detail}");
    let told = explained(&operator, "user=jane&role=admin").await;
    assert_eq!(
        (&told["role"]["state"], &told["role"]["similar"]),
        (&json!("unknown"), &json!("Admin"))
    );

    operator
        .post("/tenants/acme/rules", json!({ "group": "Sales", "role": "Admin" }))
        .await
        .expect(200);
    idp.patch(&sales, member("add", &groups[1])).await.expect(204);
    let told = explained(&operator, "user=jane&role=Admin").await;
    assert_eq!(told["rules"][0]["group"]["name"], "Sales");
    idp.patch(&emea, member("add", &jane)).await.expect(204);
    operator.put("/tenants/acme/users/jane/roles/Admin", json!({})).await.expect(200);
    let told = explained(&operator, "user=JANE&role=Admin").await;
    assert_eq!(told["answer"], true);
    let sources = told["roles"][0]["sources"].as_array().unwrap();
    assert_eq!(sources.len(), 2);
    let rule = sources.iter().find(|given| given["through"]["kind"] == "rule").unwrap();
    assert_eq!(rule["through"]["name"], "Sales → Admin");
    assert_eq!(rule["rule"]["added"]["actor"]["kind"], "operator");
    let way = rule["rule"]["ways"][0].as_array().unwrap();
    let links: Vec<_> =
        way.iter().map(|link| (&link["member"]["name"], &link["group"]["name"])).collect();
    assert_eq!(
        links,
        [(&json!("jane"), &json!("Sales EMEA")), (&json!("Sales EMEA"), &json!("Sales"))]
    );
    let since = &way[0]["since"][0];
    assert_eq!((&since["actor"]["name"], &since["source"]), (&json!("okta"), &json!("127.0.0.1")));
    assert!(since["credential"]["name"].is_string() && since["request"].is_string());
    assert_eq!(since["position"], rule["assigned"]["position"], "one request, one commit");
    let group = explained(&operator, "user=jane&group=sales").await;
    assert_eq!((&group["answer"], &group["ways"]), (&json!(true), &rule["rule"]["ways"]));

    // A role of somebody who may do nothing; then somebody who is gone.
    let off = patch(json!([{ "op": "replace", "path": "active", "value": false }]));
    idp.patch(&format!("/Users/{jane}"), off).await.expect(200);
    let told = explained(&operator, "user=jane&role=Admin").await;
    assert_eq!((&told["answer"], &told["user"]["active"]), (&json!(true), &json!(false)));
    assert_eq!(told["user"]["deactivated"]["actor"]["name"], "okta");
    idp.delete(&format!("/Users/{jane}")).await.expect(204);
    let told = explained(&operator, "user=jane&role=Admin").await;
    assert_eq!((&told["answer"], &told["user"]["state"]), (&json!(false), &json!("deleted")));
    let until = &told["past"][0]["until"];
    assert_eq!(until["position"], told["user"]["deleted"]["position"]);

    // As of a moment before all that, and before she came.
    let told = explained(&operator, &format!("user=jane&role=Admin&asOf={before}")).await;
    assert_eq!((&told["answer"], &told["user"]["state"]), (&json!(false), &json!("present")));
    assert!(told["rules"].is_null() && told["past"].is_null());
    let told = explained(&operator, "user=jane&role=Admin&asOf=1").await;
    assert_eq!(told["user"]["state"], "notYet");
    assert_eq!(told["user"]["created"]["actor"]["name"], "okta");
    assert!(told["problems"].is_null(), "it was refused later: {told}");

    operator.get("/tenants/acme/explain?user=nobody").await.expect(404);
    operator.get("/tenants/acme/explain").await.expect(400);
    operator.get("/tenants/acme/explain?user=jane&role=Admin&group=Sales").await.expect(400);
}

/// A group that was refused a member says so when it is asked why she is not in it.
#[tokio::test(flavor = "multi_thread")]
async fn who_left_a_group_is_told_and_every_role_is_listed() {
    let app = TestApp::start().await;
    let (idp, operator) = (app.idp(), app.operator());
    let roles = json!([{ "value": "Admin" }, { "value": "Analyst" }]);
    let jane = json!({ "schemas": [CORE], "userName": "jane", "roles": roles });
    let jane = idp.post("/Users", jane).await.expect(201).id();
    let body =
        json!({ "schemas": [GROUP], "displayName": "Sales", "members": [{ "value": jane }] });
    let sales = idp.post("/Groups", body).await.expect(201).id();
    let sales = format!("/Groups/{sales}");
    idp.patch(&sales, member("remove", &jane)).await.expect(204);
    let told = explained(&operator, "user=jane&group=Sales").await;
    assert_eq!(told["answer"], false);
    assert_eq!(told["past"][0]["until"]["events"][0]["type"], "GroupMemberRemoved");
    idp.delete(&sales).await.expect(204);
    let told =
        explained(&operator, &format!("user=jane&group={}", &sales["/Groups/".len()..])).await;
    assert_eq!(
        (&told["group"]["state"], &told["group"]["name"]),
        (&json!("deleted"), &json!("Sales"))
    );
    // Its name leads there still.
    let again = explained(&operator, "user=jane&group=sales").await;
    assert_eq!(again, told);

    let told = explained(&operator, "user=jane").await;
    let names: Vec<_> =
        told["roles"].as_array().unwrap().iter().map(|held| &held["role"]["name"]).collect();
    assert_eq!(names, ["Admin", "Analyst"]);
    operator.delete("/tenants/acme/roles/Admin").await.expect(200);
    let told = explained(&operator, "user=jane&role=Admin").await;
    assert_eq!((&told["answer"], &told["role"]["state"]), (&json!(true), &json!("retired")));
    assert_eq!(told["roles"][0]["retired"]["events"][0]["type"], "RoleRetired");
}
