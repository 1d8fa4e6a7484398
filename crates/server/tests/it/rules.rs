//! Rules from groups to roles, from the request to the answer (behaviour P-21 and P-19).

use serde_json::{Value, json};
use testkit::app::{Client, TestApp};

use crate::messages::{CORE, GROUP, patch};

async fn roles(idp: &Client, id: &str) -> Vec<String> {
    let user = idp.get(&format!("/Users/{id}")).await.expect(200).body;
    let roles = user["roles"].as_array().cloned().unwrap_or_default();
    roles.iter().map(|role| role["value"].as_str().unwrap().to_owned()).collect()
}

fn members(op: &str, id: &str) -> Value {
    patch(json!([{ "op": op, "path": "members", "value": [{ "value": id }] }]))
}

#[tokio::test(flavor = "multi_thread")]
async fn p_21_who_joins_the_group_has_the_role_and_the_log_says_through_what() {
    let app = TestApp::start().await;
    let (idp, operator) = (app.idp(), app.operator());
    let jane = json!({ "schemas": [CORE], "userName": "jane@acme.com" });
    let jane = idp.post("/Users", jane).await.expect(201).id();
    let sales = json!({ "schemas": [GROUP], "displayName": "Sales" });
    let sales = format!("/Groups/{}", idp.post("/Groups", sales).await.expect(201).id());

    let rules = "/tenants/acme/rules";
    let rule = json!({ "group": "sales", "role": "Analyst" });
    let added = operator.post(rules, rule.clone()).await.expect(200);
    assert_eq!(added.body["changed"], true);
    assert_eq!(operator.post(rules, rule).await.expect(200).body["changed"], false);
    for (group, role) in [("Nobody", "Analyst"), ("Sales", "Boss")] {
        operator.post(rules, json!({ "group": group, "role": role })).await.expect(404);
    }
    let list = operator.get(rules).await.expect(200).body;
    assert_eq!(
        (&list["rules"][0]["groupName"], &list["rules"][0]["role"]),
        (&"Sales".into(), &"Analyst".into())
    );
    assert_eq!(list["rules"][0]["position"], added.body["position"]);

    idp.patch(&sales, members("add", &jane)).await.expect(204);
    assert_eq!(roles(&idp, &jane).await, ["Analyst"]);
    // The client writes back what it read, then takes it away: neither is its business.
    let before = app.app.engine.world().with_slug("acme").unwrap().1.head;
    for value in [json!([{ "value": "Analyst" }]), json!([])] {
        let body = json!({ "schemas": [CORE], "userName": "jane@acme.com", "roles": value });
        idp.put(&format!("/Users/{jane}"), body).await.expect(200);
    }
    assert_eq!(app.app.engine.world().with_slug("acme").unwrap().1.head, before);

    let refused = operator.delete("/tenants/acme/roles/Analyst").await.expect(409);
    assert!(
        refused.body["detail"].as_str().unwrap().contains("remove the rule first"),
        "{refused}"
    );
    let id = list["rules"][0]["id"].as_str().unwrap();
    operator.delete(&format!("{rules}/{id}")).await.expect(200);
    assert_eq!(roles(&idp, &jane).await, Vec::<String>::new());
    operator.delete(&format!("{rules}/not-a-rule")).await.expect(404);
    operator.delete("/tenants/acme/roles/Analyst").await.expect(200);

    let question =
        "/tenants/acme/audit/commits?subject=jane@acme.com&event=RoleAssigned,RoleRevoked";
    let answer = operator.get(question).await.expect(200).body;
    let commits = answer["commits"].as_array().unwrap();
    let told: Vec<_> = commits.iter().map(|c| (&c["actor"]["kind"], &c["events"][0])).collect();
    assert_eq!((told[0].0, told[1].0), (&"connector".into(), &"operator".into()));
    for (_, event) in told {
        assert_eq!(
            event["through"],
            json!({ "kind": "rule", "id": id, "name": "Sales → Analyst" })
        );
    }
}
