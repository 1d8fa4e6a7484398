//! User, Group and EnterpriseUser (RFC 7643 §4).

use serde_json::{Value, json};
use testkit::app::TestApp;

use super::*;

/// A certificate that anyone may have, in base64.
const CERTIFICATE: &str = "MIIBazCCAROgAwIBAgIUQCN1asQf1mSJHOuMzDV3IGKIDYswCgYIKoZIzj0EAwIwDDEKMAgGA1UEAwwBYTAeFw0yNjExMjIwNzM2MTRaFw0zNjExMTkwNzM2MTRaMAwxCjAIBgNVBAMMAWEwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAAS6lEH3p38wDkgc00dG6NywY6Lzx2p+Zi1cDE3jY6jNW3cfKXhWsq3AmFyCqk4QJeDjYSlND/Hx43fRu8f4fTjgo1MwUTAdBgNVHQ4EFgQUYBRCzuGRzF6viOyHkqv5Kb7flEUwHwYDVR0jBBgwFoAUYBRCzuGRzF6viOyHkqv5Kb7flEUwDwYDVR0TAQH/BAUwAwEB/zAKBggqhkjOPQQDAgNGADBDAh82cgJ8XMrmbbemLZ1euDrKmKy6iLZiKB3PjeVXHw++AiByhIDTxHtEd5NujlnPuNt0SmsjK7PMWruVGguoZoAFoA==";

#[tokio::test(flavor = "multi_thread")]
async fn r_7643_4_1_1_01_a_user_name_is_required_and_unique_in_any_case() {
    let app = TestApp::start().await;
    let idp = app.idp();
    for name in [Value::Null, json!(""), json!([]), json!(5), json!({})] {
        let body = json!({ "schemas": [CORE], "userName": name });
        bad(idp.post("/Users", body).await, "invalidValue");
    }
    idp.post("/Users", user("BJensen", json!({}))).await.expect(201);
    let before = head(&app);
    refused(idp.post("/Users", user("bjensen", json!({}))).await, 409, "uniqueness");
    refused(idp.post("/Users", user("BJENSEN", json!({}))).await, 409, "uniqueness");
    assert_eq!(head(&app), before);
}

/// There are no passwords here: whatever is sent is ignored.
#[tokio::test(flavor = "multi_thread")]
async fn r_7643_4_1_1_02_passwords_are_not_supported_and_it_says_so() {
    let app = TestApp::start().await;
    let idp = app.idp();
    let ada =
        idp.post("/Users", user("ada", json!({ "password": "t1meMa$heen" }))).await.expect(201);
    let put = user("ada", json!({ "password": "t1meMa$heen", "title": "x" }));
    for reply in [
        ada.clone(),
        idp.put(&at(&ada), put).await.expect(200),
        idp.get(&at(&ada)).await.expect(200),
        idp.get(&format!("{}?attributes=password", at(&ada))).await.expect(200),
        idp.get("/Users").await.expect(200),
    ] {
        assert!(!reply.body.to_string().contains("assword"), "{reply}");
        assert!(!reply.body.to_string().contains("t1me"), "{reply}");
    }
    let schemas = idp.get("/Schemas").await.expect(200);
    assert!(!schemas.body.to_string().contains("\"password\""));
    let config = idp.get("/ServiceProviderConfig").await.expect(200);
    assert_eq!(config.body["changePassword"], json!({ "supported": false }));
}

#[tokio::test(flavor = "multi_thread")]
async fn r_7643_4_1_1_03_a_new_user_is_active_and_an_inactive_one_stays_there() {
    let app = TestApp::start().await;
    let idp = app.idp();
    let ada = idp.post("/Users", user("ada", json!({}))).await.expect(201);
    assert_eq!(ada.body["active"], true);
    let off = idp.patch(&at(&ada), one("replace", "active", json!(false))).await.expect(200);
    assert_eq!(off.body["active"], false);
    assert_eq!(idp.get(&at(&ada)).await.expect(200).body, off.body);
    assert_eq!(found(&idp, "userName eq \"ada\"").await, ["ada"]);
    assert_eq!(found(&idp, "active eq false").await, ["ada"]);
    assert_eq!(names(&idp.get("/Users").await.expect(200)), ["ada"]);
    let title = idp.patch(&at(&ada), one("add", "title", json!("x"))).await.expect(200);
    assert_eq!((&title.body["title"], &title.body["active"]), (&json!("x"), &json!(false)));
    idp.put(&at(&ada), user("ada.l", json!({ "active": false }))).await.expect(200);
    let team = idp.post("/Groups", group("Team", &[&ada.id()])).await.expect(201);
    assert_eq!(team.body["members"][0]["value"], ada.id());
}

/// A lenient connector's are not looked at: identity providers send what they have.
#[tokio::test(flavor = "multi_thread")]
async fn r_7643_4_1_1_04_language_place_and_time_zone_are_checked_and_kept_as_sent() {
    let app = TestApp::start().await;
    let strict = app.connector("strict").await;
    for (i, (name, value)) in [
        ("locale", "en-US"),
        ("locale", "de_CH"),
        ("locale", "zh-Hant-TW"),
        ("timezone", "America/Los_Angeles"),
        ("timezone", "Europe/Zurich"),
        ("preferredLanguage", "en"),
        ("preferredLanguage", "da, en-gb;q=0.8, en;q=0.7"),
    ]
    .into_iter()
    .enumerate()
    {
        let body = user(&format!("u{i}"), json!({ name: value }));
        assert_eq!(strict.post("/Users", body).await.expect(201).body[name], value);
    }
    for (name, value) in
        [("locale", "English (US)"), ("timezone", "five past"), ("preferredLanguage", "en;;q=x")]
    {
        bad(strict.post("/Users", user("bad", json!({ name: value }))).await, "invalidValue");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn r_7643_4_1_2_01_a_users_groups_follow_from_the_groups() {
    let app = TestApp::start().await;
    let idp = app.idp();
    let claimed = json!({ "groups": [{ "value": "1", "display": "Admins" }] });
    let ada = idp.post("/Users", user("ada", claimed.clone())).await.expect(201);
    assert_eq!(ada.body.get("groups"), None);
    let inner = idp.post("/Groups", group("Inner", &[&ada.id()])).await.expect(201);
    let outer = idp.post("/Groups", group("Outer", &[&inner.id()])).await.expect(201);
    let expected = |inner_name: &str| {
        json!([
            { "value": inner.id(), "$ref": inner.body["meta"]["location"], "display": inner_name, "type": "direct" },
            { "value": outer.id(), "$ref": outer.body["meta"]["location"], "display": "Outer", "type": "indirect" },
        ])
    };
    let groups = async || idp.get(&at(&ada)).await.expect(200).body["groups"].clone();
    assert_eq!(groups().await, expected("Inner"));
    idp.patch(&at_group(&inner), one("replace", "displayName", json!("In"))).await.expect(204);
    assert_eq!(groups().await, expected("In"));
    // They change only through the group.
    idp.put(&at(&ada), user("ada", claimed)).await.expect(200);
    idp.put(&at(&ada), user("ada", json!({ "groups": [] }))).await.expect(200);
    for op in ["add", "replace", "remove"] {
        let value = if op == "remove" { Value::Null } else { json!([{ "value": outer.id() }]) };
        bad(idp.patch(&at(&ada), one(op, "groups", value)).await, "mutability");
    }
    assert_eq!(groups().await, expected("In"));
    idp.delete(&at_group(&inner)).await.expect(204);
    assert_eq!(groups().await, Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn r_7643_4_1_2_02_mail_and_telephone_come_back_as_sent() {
    let app = TestApp::start().await;
    let idp = app.idp();
    let more = json!({
        "emails": [{ "value": "Ada.L@Mail.Example.COM" }, { "value": "ada@x.test", "type": "home" }],
        "phoneNumbers": [{ "value": "tel:+1-201-555-0123" }, { "value": "(201) 555 0123", "type": "work" }],
    });
    let ada = idp.post("/Users", user("ada", more.clone())).await.expect(201);
    for key in keys(&more) {
        assert_eq!(ada.body[key], more[key], "{ada}");
    }
    assert_eq!(found(&idp, "emails.value eq \"Ada.L@mail.example.com\"").await, ["ada"]);
    assert_eq!(found(&idp, "phoneNumbers.value eq \"TEL:+1-201-555-0123\"").await, ["ada"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn r_7643_4_1_2_03_countries_have_two_letters() {
    let app = TestApp::start().await;
    let (idp, strict) = (app.idp(), app.connector("strict").await);
    let living = |country: &str| json!({ "addresses": [{ "country": country, "type": "home" }] });
    let ada = strict.post("/Users", user("ada", living("US"))).await.expect(201);
    assert_eq!(ada.body["addresses"][0]["country"], "US");
    for wrong in ["USA", "ZZ", "Switzerland", "1"] {
        bad(strict.post("/Users", user("bob", living(wrong))).await, "invalidValue");
        bad(strict.put(&at(&ada), user("ada", living(wrong))).await, "invalidValue");
        let path = "addresses[type eq \"home\"].country";
        bad(strict.patch(&at(&ada), one("replace", path, json!(wrong))).await, "invalidValue");
    }
    let bob = idp.post("/Users", user("bob", living("USA"))).await.expect(201);
    assert_eq!(bob.body["addresses"][0]["country"], "USA");
}

#[tokio::test(flavor = "multi_thread")]
async fn r_7643_4_1_2_04_a_certificate_is_one_in_der_and_base64() {
    let app = TestApp::start().await;
    let (idp, strict) = (app.idp(), app.connector("strict").await);
    let with = |value: &str| user("ada", json!({ "x509Certificates": [{ "value": value }] }));
    let ada = strict.post("/Users", with(CERTIFICATE)).await.expect(201);
    assert_eq!(ada.body["x509Certificates"], json!([{ "value": CERTIFICATE }]));
    for wrong in [
        "-----BEGIN CERTIFICATE-----",
        // Not DER, a part of one, and two.
        "AQI=",
        CERTIFICATE.split_at(100).0,
        "MAAwAA==",
    ] {
        bad(strict.put(&at(&ada), with(wrong)).await, "invalidValue");
    }
    // A lenient connector keeps what a directory has, if it is base64 at all.
    bad(idp.put(&at(&ada), with("*")).await, "invalidValue");
    assert_eq!(idp.get(&at(&ada)).await.expect(200).body, ada.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn r_7643_4_2_01_members_come_and_go_and_are_not_edited() {
    let app = TestApp::start().await;
    let idp = app.idp();
    let ada = idp.post("/Users", user("ada", json!({ "displayName": "Ada L" }))).await.expect(201);
    let bob = idp.post("/Users", user("bob", json!({ "displayName": "Bob" }))).await.expect(201);
    let mut body = group("Team", &[]);
    body["members"] = json!([{
        "value": ada.id(), "type": "Group", "$ref": "https://evil.test/1", "display": "Eve",
    }]);
    let team = idp.post("/Groups", body).await.expect(201);
    let member = |one: &Reply, name: &str| json!({ "value": one.id(), "$ref": one.body["meta"]["location"], "display": name, "type": "User" });
    assert_eq!(team.body["members"], json!([member(&ada, "Ada L")]));
    for sub in ["value", "type", "$ref", "display"] {
        let path = format!("members[value eq \"{}\"].{sub}", ada.id());
        for op in ["add", "replace"] {
            let edit = one(op, &path, json!(bob.id()));
            bad(idp.patch(&at_group(&team), edit).await, "mutability");
        }
    }
    assert_eq!(idp.get(&at_group(&team)).await.expect(200).body, team.body);
    let add = one("add", "members", json!([{ "value": bob.id() }]));
    idp.patch(&at_group(&team), add).await.expect(204);
    let members = async || idp.get(&at_group(&team)).await.expect(200).body["members"].clone();
    assert_eq!(members().await, json!([member(&ada, "Ada L"), member(&bob, "Bob")]));
    let path = format!("members[value eq \"{}\"]", ada.id());
    idp.patch(&at_group(&team), one("remove", &path, Value::Null)).await.expect(204);
    assert_eq!(members().await, json!([member(&bob, "Bob")]));
}

#[tokio::test(flavor = "multi_thread")]
async fn r_7643_4_2_02_groups_hold_groups_in_circles_too() {
    let app = TestApp::start().await;
    let idp = app.idp();
    let ada = idp.post("/Users", user("ada", json!({}))).await.expect(201);
    let a = idp.post("/Groups", group("A", &[&ada.id()])).await.expect(201);
    let b = idp.post("/Groups", group("B", &[&a.id()])).await.expect(201);
    assert_eq!(b.body["members"][0]["type"], "Group");
    assert_eq!(b.body["members"][0]["display"], "A");
    let close = one("add", "members", json!([{ "value": b.id() }]));
    idp.patch(&at_group(&a), close).await.expect(204);
    let itself = one("add", "members", json!([{ "value": b.id() }]));
    idp.patch(&at_group(&b), itself).await.expect(204);
    let groups = idp.get(&at(&ada)).await.expect(200).body["groups"].clone();
    let told: Vec<(&str, &str)> = groups
        .as_array()
        .unwrap()
        .iter()
        .map(|group| (group["display"].as_str().unwrap(), group["type"].as_str().unwrap()))
        .collect();
    assert_eq!(told, [("A", "direct"), ("B", "indirect")]);
    assert_eq!(found(&idp, "groups[display eq \"B\" and type eq \"indirect\"]").await, ["ada"]);
    idp.delete(&at_group(&a)).await.expect(204);
    let left = idp.get(&at_group(&b)).await.expect(200).body["members"].clone();
    assert_eq!(left.as_array().unwrap().len(), 1, "{left}");
}

#[tokio::test(flavor = "multi_thread")]
async fn r_7643_4_2_03_a_member_is_a_user_or_group_of_the_tenant() {
    let app = TestApp::start().await;
    let idp = app.idp();
    let ada = idp.post("/Users", user("ada", json!({}))).await.expect(201);
    let team = idp.post("/Groups", group("Team", &[])).await.expect(201);
    assert_eq!(team.body.get("members"), None);
    let foreign =
        globex(&app).post("/scim/globex/v2/Users", user("eve", json!({}))).await.expect(201);
    let gone = idp.post("/Users", user("gone", json!({}))).await.expect(201);
    idp.delete(&at(&gone)).await.expect(204);
    let before = head(&app);
    for id in ["nobody", &foreign.id(), &gone.id(), "00000000-0000-0000-0000-000000000000"] {
        bad(idp.post("/Groups", group("New", &[&ada.id(), id])).await, "invalidValue");
        bad(idp.put(&at_group(&team), group("Team", &[&ada.id(), id])).await, "invalidValue");
        for op in ["add", "replace"] {
            let members = json!([{ "value": ada.id() }, { "value": id }]);
            bad(idp.patch(&at_group(&team), one(op, "members", members)).await, "invalidValue");
        }
    }
    assert_eq!(head(&app), before);
    idp.put(&at_group(&team), group("Team", &[&ada.id()])).await.expect(200);
    idp.delete(&at(&ada)).await.expect(204);
    assert_eq!(idp.get(&at_group(&team)).await.expect(200).body.get("members"), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn r_7643_4_3_01_a_manager_is_a_users_id_and_the_rest_follows() {
    let app = TestApp::start().await;
    let idp = app.idp();
    let boss =
        idp.post("/Users", user("boss", json!({ "displayName": "The Boss" }))).await.expect(201);
    let claimed =
        json!({ "value": boss.id(), "$ref": "https://evil.test/1", "displayName": "Eve" });
    let ada = user("ada", json!({ ENTERPRISE: { "manager": claimed, "division": "d" } }));
    let ada = idp.post("/Users", ada).await.expect(201);
    let manager = async || idp.get(&at(&ada)).await.expect(200).body[ENTERPRISE]["manager"].clone();
    let expected = json!({
        "value": boss.id(), "$ref": boss.body["meta"]["location"], "displayName": "The Boss",
    });
    assert_eq!(ada.body[ENTERPRISE]["manager"], expected);
    idp.patch(&at(&boss), one("replace", "displayName", json!("Boss"))).await.expect(200);
    assert_eq!(manager().await["displayName"], "Boss");
    let path = format!("{ENTERPRISE}:manager");
    idp.patch(&at(&ada), one("remove", &path, Value::Null)).await.expect(200);
    assert_eq!(manager().await, Value::Null);
    let again = one("add", &format!("{path}.value"), json!(boss.id()));
    idp.patch(&at(&ada), again).await.expect(200);
    assert_eq!(manager().await["value"], boss.id());
    let cleared = user("ada", json!({ ENTERPRISE: { "manager": null, "division": "d" } }));
    idp.put(&at(&ada), cleared).await.expect(200);
    assert_eq!(manager().await, Value::Null);
}
