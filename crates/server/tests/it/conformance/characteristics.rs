//! Characteristics of attributes (RFC 7643 §2.2, §2.3, §7).

use serde_json::{Value, json};
use testkit::app::TestApp;

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn r_7643_2_2_01_a_characteristic_left_out_has_its_default() {
    let app = TestApp::start().await;
    extend(&app, false, json!([{ "name": "colour" }])).await.unwrap();
    let idp = app.idp();
    let schema = idp.get(&format!("/Schemas/{OWN}")).await.expect(200).body;
    let colour = &schema["attributes"][0];
    for (key, value) in [
        ("type", json!("string")),
        ("multiValued", json!(false)),
        ("required", json!(false)),
        ("caseExact", json!(false)),
        ("mutability", json!("readWrite")),
        ("returned", json!("default")),
        ("uniqueness", json!("none")),
    ] {
        assert_eq!(colour[key], value, "{key}: {colour}");
    }
    // And so it behaves.
    let red = json!({ OWN: { "colour": "Red" } });
    let ada = idp.post("/Users", user("ada", red.clone())).await.expect(201);
    assert_eq!(ada.body[OWN]["colour"], "Red", "returned");
    idp.post("/Users", user("bob", red)).await.expect(201);
    idp.post("/Users", user("eve", json!({}))).await.expect(201);
    let filter = format!("{OWN}:colour eq \"RED\"");
    assert_eq!(found(&idp, &filter).await, ["ada", "bob"], "not unique, not case-exact");
    bad(idp.put(&at(&ada), user("ada", json!({ OWN: { "colour": 5 } }))).await, "invalidValue");
    bad(
        idp.put(&at(&ada), user("ada", json!({ OWN: { "colour": ["a", "b"] } }))).await,
        "invalidValue",
    );
    let blue = one("replace", &format!("{OWN}:colour"), json!("blue"));
    assert_eq!(idp.patch(&at(&ada), blue).await.expect(200).body[OWN]["colour"], "blue");
}

#[tokio::test(flavor = "multi_thread")]
async fn r_7643_2_2_02_a_sub_attribute_has_its_own_characteristics() {
    let app = TestApp::start().await;
    let idp = app.idp();
    let boss = idp.post("/Users", user("boss", json!({ "displayName": "Boss" }))).await.expect(201);
    let claimed = json!({ "value": boss.id(), "displayName": "Somebody" });
    let ada = user("ada", json!({ ENTERPRISE: { "manager": claimed } }));
    let ada = idp.post("/Users", ada).await.expect(201);
    assert_eq!(ada.body[ENTERPRISE]["manager"]["displayName"], "Boss");
    // `manager` may be written, `manager.displayName` may not.
    let path = format!("{ENTERPRISE}:manager");
    for op in ["add", "replace", "remove"] {
        let value = if op == "remove" { Value::Null } else { json!("Somebody") };
        let change = one(op, &format!("{path}.displayName"), value);
        bad(idp.patch(&at(&ada), change).await, "mutability");
    }
    idp.patch(&at(&ada), one("remove", &path, Value::Null)).await.expect(200);
    // Case by case: `type` of a mail does not heed it, `value` of a role does.
    let subs = json!([{ "name": "exact", "caseExact": true }, { "name": "loose" }]);
    let mark = json!([{ "name": "mark", "type": "complex", "subAttributes": subs }]);
    extend(&app, false, mark).await.unwrap();
    let own = json!({ OWN: { "mark": { "exact": "Ab", "loose": "Ab" } } });
    idp.post("/Users", user("eve", own)).await.expect(201);
    assert_eq!(found(&idp, &format!("{OWN}:mark.loose eq \"AB\"")).await, ["eve"]);
    assert_eq!(found(&idp, &format!("{OWN}:mark.exact eq \"AB\"")).await, Vec::<String>::new());
    assert_eq!(found(&idp, &format!("{OWN}:mark.exact eq \"Ab\"")).await, ["eve"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn r_7643_7_01_case_is_kept() {
    let app = TestApp::start().await;
    let idp = app.idp();
    let more = json!({
        "externalId": "aBc", "nickName": "McÄRTHY", "profileUrl": "https://X.test/PaTh",
        "emails": [{ "value": "Ada@X.Test", "type": "Work" }],
    });
    let ada = idp.post("/Users", user("Ada@X.Test", more.clone())).await.expect(201);
    assert_eq!(ada.body["userName"], "Ada@X.Test");
    for key in keys(&more) {
        assert_eq!(ada.body[key], more[key], "{key}");
    }
    // Another case is another value, to be shown.
    let put = idp.put(&at(&ada), user("ADA@x.test", more)).await.expect(200);
    assert_eq!(put.body["userName"], "ADA@x.test");
    let nick = idp.patch(&at(&ada), one("replace", "nickName", json!("MCÄRTHY"))).await.expect(200);
    assert_eq!(nick.body["nickName"], "MCÄRTHY");
}

#[tokio::test(flavor = "multi_thread")]
async fn r_7643_7_02_one_case_rule_for_filters_sorting_uniqueness_and_patch() {
    let app = TestApp::start().await;
    let idp = app.idp();
    let tags = json!([
        { "name": "exact", "multiValued": true, "caseExact": true },
        { "name": "loose", "multiValued": true },
        { "name": "code", "caseExact": true }, { "name": "word" },
    ]);
    extend(&app, false, tags).await.unwrap();
    let values = [("one", "a"), ("Two", "B"), ("three", "C")];
    for (name, value) in values {
        let own = json!({ "exact": ["x", "X"], "loose": ["x"], "code": value, "word": value });
        idp.post("/Users", user(name, json!({ OWN: own }))).await.expect(201);
    }
    // A user's name: no case anywhere.
    assert_eq!(found(&idp, "userName eq \"TWO\"").await, ["Two"]);
    let sorted = idp.get("/Users?sortBy=userName").await.expect(200);
    assert_eq!(names(&sorted), ["one", "three", "Two"]);
    refused(idp.post("/Users", user("two", json!({}))).await, 409, "uniqueness");
    // Case-exact or not, in filters and sorting alike: by code point capitals come first.
    assert_eq!(found(&idp, &format!("{OWN}:code eq \"A\"")).await, Vec::<String>::new());
    assert_eq!(found(&idp, &format!("{OWN}:word eq \"A\"")).await, ["one"]);
    let by = |attribute: &str| format!("/Users?sortBy={OWN}:{attribute}");
    assert_eq!(names(&idp.get(&by("code")).await.expect(200)), ["Two", "three", "one"]);
    assert_eq!(names(&idp.get(&by("word")).await.expect(200)), ["one", "Two", "three"]);
    // And in the brackets of a PATCH.
    let one_ = filtered(&idp, "/Users", "userName eq \"one\"").await.expect(200);
    let path = format!("/Users/{}", one_.body["Resources"][0]["id"].as_str().unwrap());
    let exact = one("remove", &format!("{OWN}:exact[value eq \"X\"]"), Value::Null);
    let left = idp.patch(&path, exact).await.expect(200);
    assert_eq!(left.body[OWN]["exact"], json!(["x"]));
    let loose = one("remove", &format!("{OWN}:loose[value eq \"X\"]"), Value::Null);
    let left = idp.patch(&path, loose).await.expect(200);
    assert_eq!(left.body[OWN].get("loose"), None);
}

/// Table 2.2, for attributes of our own of each mutability that a tenant may add.
#[tokio::test(flavor = "multi_thread")]
async fn r_7643_7_03_mutability_decides_what_an_operation_may_do() {
    let app = TestApp::start().await;
    let attributes = json!([
        { "name": "note" }, { "name": "state", "mutability": "readOnly" },
        { "name": "serial", "mutability": "immutable" },
    ]);
    extend(&app, false, attributes).await.unwrap();
    let idp = app.idp();
    let own = |value: Value| user("ada", json!({ OWN: value }));
    let all = json!({ "note": "n", "state": "s", "serial": "1" });
    let ada = idp.post("/Users", own(all)).await.expect(201);
    assert_eq!(ada.body[OWN], json!({ "note": "n", "serial": "1" }), "readOnly is ignored");
    let shows = async |expected: Value| {
        assert_eq!(idp.get(&at(&ada)).await.expect(200).body[OWN], expected);
    };
    // PUT, present and absent.
    idp.put(&at(&ada), own(json!({ "note": "m", "state": "x", "serial": "1" }))).await.expect(200);
    shows(json!({ "note": "m", "serial": "1" })).await;
    bad(idp.put(&at(&ada), own(json!({ "note": "z", "serial": "2" }))).await, "mutability");
    shows(json!({ "note": "m", "serial": "1" })).await;
    idp.put(&at(&ada), own(json!({}))).await.expect(200);
    shows(json!({ "serial": "1" })).await;
    // PATCH.
    let change = async |op: &str, name: &str, value: Value| {
        idp.patch(&at(&ada), one(op, &format!("{OWN}:{name}"), value)).await
    };
    for op in ["add", "replace"] {
        change(op, "note", json!(op)).await.expect(200);
        bad(change(op, "state", json!("x")).await, "mutability");
        bad(change(op, "serial", json!("2")).await, "mutability");
        change(op, "serial", json!("1")).await.expect(200);
    }
    shows(json!({ "note": "replace", "serial": "1" })).await;
    change("remove", "note", Value::Null).await.expect(200);
    bad(change("remove", "state", Value::Null).await, "mutability");
    bad(change("remove", "serial", Value::Null).await, "mutability");
    bad(idp.patch(&at(&ada), one("remove", "userName", Value::Null)).await, "mutability");
    shows(json!({ "serial": "1" })).await;
    // A first value of an immutable attribute is taken, by PATCH and by PUT.
    for (name, by_put) in [("bob", true), ("eve", false)] {
        let bare = idp.post("/Users", user(name, json!({}))).await.expect(201);
        let set = if by_put {
            idp.put(&at(&bare), user(name, json!({ OWN: { "serial": "9" } }))).await
        } else {
            idp.patch(&at(&bare), one("add", &format!("{OWN}:serial"), json!("9"))).await
        };
        assert_eq!(set.expect(200).body[OWN], json!({ "serial": "9" }));
    }
}

/// Table 2.3, for attributes of our own of each way of being returned.
#[tokio::test(flavor = "multi_thread")]
async fn r_7643_7_03_returned_decides_what_an_answer_shows() {
    let app = TestApp::start().await;
    let attributes = json!([
        { "name": "always", "returned": "always" }, { "name": "plain" },
        { "name": "asked", "returned": "request" },
    ]);
    extend(&app, false, attributes).await.unwrap();
    let idp = app.idp();
    let own = json!({ "always": "a", "plain": "p", "asked": "r" });
    let ada = idp.post("/Users", user("ada", json!({ OWN: own }))).await.expect(201);
    assert_eq!(ada.body[OWN], own, "what the client supplied, the answer to a write shows");
    let shown = async |query: &str| {
        let one = idp.get(&format!("{}{query}", at(&ada))).await.expect(200).body[OWN].clone();
        let list = idp.get(&format!("/Users{query}")).await.expect(200);
        assert_eq!(list.body["Resources"][0][OWN], one, "{query}");
        one
    };
    assert_eq!(shown("").await, json!({ "always": "a", "plain": "p" }));
    let ask = |name: &str, attribute: &str| format!("?{name}={OWN}:{attribute}");
    assert_eq!(shown(&ask("attributes", "asked")).await, json!({ "always": "a", "asked": "r" }));
    assert_eq!(shown(&ask("attributes", "plain")).await, json!({ "always": "a", "plain": "p" }));
    assert_eq!(shown("?attributes=userName").await, json!({ "always": "a" }));
    assert_eq!(shown(&ask("excludedAttributes", "plain")).await, json!({ "always": "a" }));
    let not = shown(&ask("excludedAttributes", "always")).await;
    assert_eq!(not, json!({ "always": "a", "plain": "p" }));
    // A write that does not say it is not answered with it.
    let other = idp.patch(&at(&ada), one("replace", "title", json!("x"))).await.expect(200);
    assert_eq!(other.body[OWN], json!({ "always": "a", "plain": "p" }));
    let said = one("replace", &format!("{OWN}:asked"), json!("s"));
    let said = idp.patch(&at(&ada), said).await.expect(200);
    assert_eq!(said.body[OWN], json!({ "always": "a", "plain": "p", "asked": "s" }));
}

/// There is only one such attribute, `password`, and it is not kept at all: a tenant can add none,
/// for a log cannot promise to forget it.
#[tokio::test(flavor = "multi_thread")]
async fn r_7643_7_04_what_is_never_returned_is_nowhere() {
    let app = TestApp::start().await;
    for secret in [
        json!({ "name": "pin", "returned": "never" }),
        json!({ "name": "pin", "mutability": "writeOnly", "returned": "never" }),
        json!({ "name": "pin", "mutability": "writeOnly" }),
        json!({ "name": "lock", "type": "complex", "subAttributes": [{ "name": "pin", "returned": "never" }] }),
    ] {
        extend(&app, false, json!([secret])).await.unwrap_err();
    }
    let (idp, operator) = (app.idp(), app.operator());
    let canary = "hunter2-canary";
    let ada = idp.post("/Users", user("ada", json!({ "password": canary }))).await.expect(201);
    let mut answers = vec![
        ada.clone(),
        idp.put(&at(&ada), user("ada", json!({ "password": canary, "title": "x" }))).await,
        idp.patch(&at(&ada), patch(json!([{ "op": "replace", "value": { "password": canary } }])))
            .await,
        idp.patch(&at(&ada), one("replace", "password", json!(canary))).await,
        idp.post("/Users", user("ada", json!({ "password": canary }))).await,
        idp.post("/Users", user("bob", json!({ "password": canary, "active": 7 }))).await,
        filtered(&idp, "/Users", "password eq \"hunter2\"").await,
        idp.get(&format!("{}?attributes=password", at(&ada))).await,
        idp.get("/Users?attributes=password").await,
    ];
    answers.push(operator.get("/tenants/acme/audit/commits").await.expect(200));
    answers.push(operator.get("/tenants/acme/problems").await.expect(200));
    for answer in &answers {
        assert!(!answer.to_string().contains(canary), "{answer}");
    }
    assert!(answers.iter().any(|answer| answer.status == 409), "errors were looked at too");
    for entry in std::fs::read_dir(app.folder()).unwrap().flatten().filter(|e| e.path().is_file()) {
        let bytes = std::fs::read(entry.path()).unwrap();
        let there = bytes.windows(canary.len()).any(|window| window == canary.as_bytes());
        assert!(!there, "{:?}", entry.path());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn r_7643_7_05_unique_values_are_unique_in_a_tenant_and_type() {
    let app = TestApp::start().await;
    let idp = app.idp();
    let ada = idp.post("/Users", user("Ada", json!({}))).await.expect(201);
    let bob = idp.post("/Users", user("bob", json!({}))).await.expect(201);
    let before = head(&app);
    refused(idp.post("/Users", user("aDA", json!({}))).await, 409, "uniqueness");
    refused(idp.put(&at(&bob), user("ada", json!({}))).await, 409, "uniqueness");
    let rename = one("replace", "userName", json!("ADA"));
    refused(idp.patch(&at(&bob), rename).await, 409, "uniqueness");
    assert_eq!(head(&app), before);
    // The same user in another case is not another user.
    idp.put(&at(&ada), user("ada", json!({}))).await.expect(200);
    // Another type and another tenant are free to use it.
    idp.post("/Groups", group("ada", &[])).await.expect(201);
    globex(&app).post("/scim/globex/v2/Users", user("ada", json!({}))).await.expect(201);
    // Tenants share nothing, so nothing can be promised over all of them.
    let global = json!([{ "name": "badge", "uniqueness": "global" }]);
    extend(&app, false, global).await.unwrap_err();
    // A tenant's own attributes are no different, by their own case rule.
    let badge = json!([{ "name": "badge", "uniqueness": "server" }]);
    extend(&app, false, badge).await.unwrap();
    let with = |name: &str, badge: &str| user(name, json!({ OWN: { "badge": badge } }));
    idp.put(&at(&ada), with("ada", "B-7")).await.expect(200);
    let before = head(&app);
    refused(idp.post("/Users", with("eve", "b-7")).await, 409, "uniqueness");
    refused(idp.put(&at(&bob), with("bob", "b-7")).await, 409, "uniqueness");
    let take = one("add", &format!("{OWN}:badge"), json!("b-7"));
    refused(idp.patch(&at(&bob), take.clone()).await, 409, "uniqueness");
    assert_eq!(head(&app), before);
    idp.put(&at(&ada), with("ada", "B-8")).await.expect(200);
    idp.patch(&at(&bob), take).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn r_7643_7_06_required_means_assigned_after_every_write() {
    let app = TestApp::start().await;
    extend(&app, false, json!([{ "name": "colour", "required": true }, { "name": "size" }]))
        .await
        .unwrap();
    let idp = app.idp();
    let without = json!({ "schemas": [CORE] });
    let nothing = json!({ "schemas": [CORE], "userName": null });
    let empty = json!({ "schemas": [CORE], "userName": "" });
    let own = user("eve", json!({ OWN: { "size": "x" } }));
    let before = head(&app);
    for body in [&without, &nothing, &empty, &own] {
        bad(idp.post("/Users", body.clone()).await, "invalidValue");
    }
    bad(idp.post("/Groups", json!({ "schemas": [GROUP] })).await, "invalidValue");
    assert_eq!(head(&app), before);
    let own = json!({ OWN: { "colour": "red" } });
    let ada = idp.post("/Users", user("ada", own)).await.expect(201);
    let team = idp.post("/Groups", group("Team", &[])).await.expect(201);
    for body in [without, nothing, empty, user("ada", json!({ OWN: { "size": "x" } }))] {
        bad(idp.put(&at(&ada), body).await, "invalidValue");
    }
    bad(idp.put(&at_group(&team), json!({ "schemas": [GROUP] })).await, "invalidValue");
    for path in ["userName".to_owned(), format!("{OWN}:colour")] {
        bad(idp.patch(&at(&ada), one("remove", &path, Value::Null)).await, "mutability");
        let null = patch(json!([{ "op": "replace", "path": path, "value": null }]));
        bad(idp.patch(&at(&ada), null).await, "invalidValue");
    }
    bad(idp.patch(&at_group(&team), one("remove", "displayName", Value::Null)).await, "mutability");
    assert_eq!(idp.get(&at(&ada)).await.expect(200).body, ada.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn r_7643_7_07_values_beside_the_canonical_ones_are_taken() {
    let app = TestApp::start().await;
    let listed = json!([{ "name": "size", "canonicalValues": ["S", "M"] }]);
    extend(&app, false, listed).await.unwrap();
    for client in [app.idp(), app.connector("strict").await] {
        let more = json!({
            "emails": [{ "value": "a@x.test", "type": "secondary" }], OWN: { "size": "XXL" },
        });
        let ada = client.post("/Users", user("ada", more.clone())).await.expect(201);
        assert_eq!((&ada.body["emails"], &ada.body[OWN]), (&more["emails"], &more[OWN]));
        client.delete(&at(&ada)).await.expect(204);
    }
}
