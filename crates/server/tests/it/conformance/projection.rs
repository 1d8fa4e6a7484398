//! Choosing attributes (RFC 7644 §3.4.2.5, §3.9, §3.10).

use serde_json::{Value, json};
use testkit::app::TestApp;

use super::*;

async fn ada(idp: &Client) -> Reply {
    let more = json!({
        "title": "t", "nickName": "n", "name": { "givenName": "g", "familyName": "f" },
        "emails": [{ "value": "a@x.test", "type": "work" }],
        ENTERPRISE: { "department": "d", "division": "v" },
    });
    idp.post("/Users", user("ada", more)).await.expect(201)
}

#[tokio::test(flavor = "multi_thread")]
async fn r_7644_3_9_01_attributes_are_chosen_wherever_a_resource_is_answered() {
    let app = TestApp::start().await;
    let idp = app.idp();
    let ada = ada(&idp).await;
    let team = idp.post("/Groups", group("Team", &[&ada.id()])).await.expect(201);
    for (query, with) in [
        ("attributes=title", &["id", "schemas", "title"][..]),
        (
            "excludedAttributes=name,emails,meta,nickName,active,userName,groups",
            &["id", "schemas", "title"],
        ),
    ] {
        let body = user("ada", json!({ "title": "t", "nickName": "n" }));
        let change = one("replace", "nickName", json!("m"));
        let mut answers = vec![
            idp.put(&format!("{}?{query}", at(&ada)), body).await.expect(200).body,
            idp.patch(&format!("{}?{query}", at(&ada)), change).await.expect(200).body,
            idp.get(&format!("{}?{query}", at(&ada))).await.expect(200).body,
            idp.get(&format!("/Users?{query}")).await.expect(200).body["Resources"][0].clone(),
            idp.post(&format!("/Users?{query}"), user("bob", json!({ "title": "t" })))
                .await
                .expect(201)
                .body,
        ];
        let bob = answers.last().unwrap()["id"].as_str().unwrap();
        idp.delete(&format!("/Users/{bob}")).await.expect(204);
        let (name, names) = query.split_once('=').unwrap();
        let names: Vec<&str> = names.split(',').collect();
        let search = json!({ "schemas": [SEARCH], name: names });
        let found = idp.post("/Users/.search", search).await.expect(200).body;
        answers.push(found["Resources"][0].clone());
        for answer in answers {
            assert_eq!(keys(&answer), with, "{query}: {answer}");
        }
    }
    // A group's PATCH is answered at all because attributes are chosen.
    let change = one("replace", "displayName", json!("T"));
    let group = idp.patch(&format!("{}?attributes=displayName", at_group(&team)), change).await;
    assert_eq!(keys(&group.expect(200).body), ["displayName", "id", "schemas"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn r_7644_3_9_02_the_named_ones_and_the_minimum() {
    let app = TestApp::start().await;
    extend(&app, false, json!([{ "name": "badge", "returned": "always" }])).await.unwrap();
    let idp = app.idp();
    let ada = ada(&idp).await;
    let chosen = async |names: &str| {
        idp.get(&format!("{}?attributes={names}", at(&ada))).await.expect(200).body
    };
    assert_eq!(keys(&chosen("userName").await), ["id", "schemas", "userName"]);
    assert_eq!(keys(&chosen("id").await), ["id", "schemas"]);
    assert_eq!(keys(&chosen("title,emails").await), ["emails", "id", "schemas", "title"]);
    let with = user("bob", json!({ OWN: { "badge": "7" } }));
    let bob = idp.post("/Users", with).await.expect(201);
    let some = idp.get(&format!("{}?attributes=userName", at(&bob))).await.expect(200).body;
    assert_eq!(some[OWN], json!({ "badge": "7" }), "always means always");
    assert_eq!(keys(&some).len(), 4, "{some}");
}

#[tokio::test(flavor = "multi_thread")]
async fn r_7644_3_9_03_the_default_without_the_named_ones() {
    let app = TestApp::start().await;
    let idp = app.idp();
    let ada = ada(&idp).await;
    let without = async |names: &str| {
        idp.get(&format!("{}?excludedAttributes={names}", at(&ada))).await.expect(200).body
    };
    let all = idp.get(&at(&ada)).await.expect(200).body;
    let mut less = all.clone();
    less.as_object_mut().unwrap().remove("title");
    assert_eq!(without("title").await, less);
    assert_eq!(without("id,schemas").await, all, "what is always returned stays");
    let team = idp.post("/Groups", group("Team", &[&ada.id()])).await.expect(201);
    let bare = idp.get(&format!("{}?excludedAttributes=id,members", at_group(&team))).await;
    assert_eq!(keys(&bare.expect(200).body), ["displayName", "id", "meta", "schemas"]);
    let inside = without("name.givenName,emails.type").await;
    assert_eq!(inside["name"], json!({ "familyName": "f" }));
    assert_eq!(inside["emails"], json!([{ "value": "a@x.test" }]));
}

#[tokio::test(flavor = "multi_thread")]
async fn r_7644_3_9_04_lists_arrays_parts_and_urns_in_any_case() {
    let app = TestApp::start().await;
    let idp = app.idp();
    let ada = ada(&idp).await;
    let department = format!("{ENTERPRISE}:department");
    let by_url = async |names: &str| {
        idp.get(&format!("{}?attributes={}", at(&ada), encoded(names))).await.expect(200).body
    };
    let mut expected = json!({
        "id": ada.id(), "schemas": [CORE, ENTERPRISE], "emails": [{ "value": "a@x.test" }],
        ENTERPRISE: { "department": "d" },
    });
    let upper = format!("EMAILS.VALUE,{}", department.to_uppercase());
    for names in
        [format!("emails.value,{department}"), format!("emails.value, {department}"), upper]
    {
        assert_eq!(by_url(&names).await, expected, "{names}");
    }
    let search = json!({
        "schemas": [SEARCH], "attributes": ["emails.VALUE", department],
        "filter": "userName eq \"ada\"",
    });
    let found = idp.post("/Users/.search", search).await.expect(200).body;
    assert_eq!(found["Resources"][0], expected);
    // The core schema's URN may be said as well; a bare extension URN means all that is in it.
    assert_eq!(keys(&by_url(&format!("{CORE}:title")).await), ["id", "schemas", "title"]);
    assert_eq!(
        by_url(&format!("{CORE}:name.givenName")).await["name"],
        json!({ "givenName": "g" })
    );
    let whole = by_url(ENTERPRISE).await;
    expected[ENTERPRISE] = json!({ "department": "d", "division": "v" });
    expected.as_object_mut().unwrap().remove("emails");
    assert_eq!(whole, expected);
    let without = idp.get(&format!("{}?excludedAttributes={ENTERPRISE}", at(&ada))).await;
    assert_eq!(without.expect(200).body.get(ENTERPRISE), None);
    let but_one = idp.get(&format!("{}?excludedAttributes={department}", at(&ada))).await;
    assert_eq!(but_one.expect(200).body[ENTERPRISE], json!({ "division": "v" }));
}

#[tokio::test(flavor = "multi_thread")]
async fn r_7644_3_9_05_both_at_once_are_refused_and_unknown_names_ignored() {
    let app = TestApp::start().await;
    let idp = app.idp();
    let ada = ada(&idp).await;
    let both = "attributes=title&excludedAttributes=name";
    let before = head(&app);
    bad(idp.get(&format!("{}?{both}", at(&ada))).await, "invalidValue");
    bad(idp.get(&format!("/Users?{both}")).await, "invalidValue");
    bad(idp.post(&format!("/Users?{both}"), user("bob", json!({}))).await, "invalidValue");
    bad(idp.put(&format!("{}?{both}", at(&ada)), user("ada", json!({}))).await, "invalidValue");
    let change = one("replace", "title", json!("x"));
    bad(idp.patch(&format!("{}?{both}", at(&ada)), change).await, "invalidValue");
    let search =
        json!({ "schemas": [SEARCH], "attributes": ["title"], "excludedAttributes": ["name"] });
    bad(idp.post("/Users/.search", search).await, "invalidValue");
    assert_eq!(head(&app), before, "a refused request changed something");
    let some =
        idp.get(&format!("{}?attributes=shoeSize,title,urn:x:y", at(&ada))).await.expect(200);
    assert_eq!(keys(&some.body), ["id", "schemas", "title"]);
    let none = idp.get(&format!("{}?attributes=shoeSize", at(&ada))).await.expect(200);
    assert_eq!(keys(&none.body), ["id", "schemas"]);
    let all = idp.get(&format!("{}?excludedAttributes=shoeSize", at(&ada))).await.expect(200);
    assert_eq!(all.body, ada.body);
    // What is hidden stays hidden.
    idp.put(&at(&ada), user("ada", json!({ "password": "secret" }))).await.expect(200);
    let hidden = idp.get(&format!("{}?attributes=password", at(&ada))).await.expect(200);
    assert_eq!(keys(&hidden.body), ["id", "schemas"]);
}

/// That they are not even asked for is shown by the tests of `scim` with this number.
#[tokio::test(flavor = "multi_thread")]
async fn r_7644_3_9_06_excluded_members_are_not_answered() {
    let app = TestApp::start().await;
    let idp = app.idp();
    let ada = ada(&idp).await;
    let team = idp.post("/Groups", group("Team", &[&ada.id()])).await.expect(201);
    for path in [at_group(&team), "/Groups".to_owned()] {
        for query in
            ["excludedAttributes=members", "attributes=displayName", "excludedAttributes=MEMBERS"]
        {
            let reply = idp.get(&format!("{path}?{query}")).await.expect(200);
            assert!(!reply.body.to_string().contains(&ada.id()), "{query}: {reply}");
        }
        let some = idp.get(&format!("{path}?attributes=members.value")).await.expect(200);
        let one = if path == "/Groups" { &some.body["Resources"][0] } else { &some.body };
        let expected: Value = json!([{ "value": ada.id() }]);
        assert_eq!(one["members"], expected);
    }
}
