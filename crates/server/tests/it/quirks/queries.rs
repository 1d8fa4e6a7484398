//! Addresses, headers, filters and look-ups.

use serde_json::json;
use testkit::app::TestApp;

use super::lenient;
use crate::messages::{CORE, encoded, patch};
use crate::table::row;

#[tokio::test(flavor = "multi_thread")]
async fn l_09_addresses_and_headers_of_all_kinds() {
    let user = |name: &str| json!({ "schemas": [CORE], "userName": name });
    let disable = patch(json!([{ "op": "replace", "path": "active", "value": false }]));
    lenient(vec![
        row("Okta's test posts `application/json`")
            .post("/Users", user("new{n}"))
            .with(&[("content-type", "application/json")]),
        row("with a charset, in any case")
            .post("/Users", user("new{n}"))
            .with(&[("content-type", "Application/SCIM+json; charset=UTF-8")]),
        row("a media type on a GET")
            .get("/Users/{ada}")
            .with(&[("content-type", "application/scim+json; charset=utf-8")]),
        row("a slash at the end").get("/Users/").get("/Groups/").get("/Users/{ada}/"),
        row("a slash at the end, before a query")
            .get("/Users/?filter=userName+eq+%22ADA{n}@x.test%22")
            .answers("/totalResults", json!(1)),
        row("a slash at the end of a write")
            .patch_body("/Users/{ada}/", disable.clone())
            .ada("/active", json!(false))
            .post("/Users/", user("new{n}")),
        row("two slashes")
            .get("//Users")
            .patch_body("//Users//{ada}", disable)
            .ada("/active", json!(false)),
        row("parameters in any case")
            .get("/Users?STARTINDEX=2&Count=1&FILTER=id%20eq%20%22{ada}%22")
            .answers("/startIndex", json!(2))
            .answers("/totalResults", json!(1)),
        row("excluded attributes in any case")
            .get("/Groups/{sales}?excludedattributes=MEMBERS")
            .answers_without("/members"),
        row("an unknown parameter")
            .get("/Users?api-version=2&count=1")
            .answers("/itemsPerPage", json!(1)),
    ])
    .await;
}

/// Writes without any `Content-Type` are read as JSON.
#[tokio::test(flavor = "multi_thread")]
async fn l_09_no_content_type_at_all() {
    let app = TestApp::start().await;
    let http = reqwest::Client::new();
    let base = format!("{}/scim/acme/v2", app.url);
    let body = json!({ "schemas": [CORE], "userName": "ada" }).to_string();
    let made = http.post(format!("{base}/Users")).bearer_auth(TestApp::key("acme")).body(body);
    let made = made.build().unwrap();
    assert!(made.headers().get("content-type").is_none());
    assert_eq!(http.execute(made).await.unwrap().status(), 201);
    let found = app.idp().get("/Users?filter=userName%20eq%20%22ada%22").await.expect(200);
    assert_eq!(found.body["totalResults"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn l_14_a_filter_inside_a_filter_and_its_sub_attribute() {
    let emails = json!([{ "type": "work", "value": "Ada.{n}@work.test" },
        { "type": "home", "value": "ada{n}@home.test" }]);
    lenient(vec![
        row("Entra matches by the address for work").given(json!({ "emails": emails })).finds(
            "/Users",
            r#"emails[type eq "work"].value eq "Ada.{n}@work.test""#,
            &["{ada}"],
        ),
        row("in another case").given(json!({ "emails": emails })).finds(
            "/Users",
            r#"Emails[Type EQ "WORK"].Value Eq "ada.{n}@WORK.test""#,
            &["{ada}"],
        ),
        row("the right address under the wrong type is no hit")
            .given(json!({ "emails": emails }))
            .finds("/Users", r#"emails[type eq "work"].value eq "ada{n}@home.test""#, &[])
            .finds("/Users", r#"emails[type eq "home"].value eq "Ada.{n}@work.test""#, &[]),
        row("with another condition")
            .given(json!({ "emails": emails }))
            .finds(
                "/Users",
                r#"id eq "{ada}" and emails[type eq "work"].value eq "ada.{n}@work.test""#,
                &["{ada}"],
            )
            .finds(
                "/Users",
                r#"id eq "{bob}" and emails[type eq "work"].value eq "ada.{n}@work.test""#,
                &[],
            ),
        row("as the RFC writes it").given(json!({ "emails": emails })).finds(
            "/Users",
            r#"emails[type eq "work" and value eq "ada.{n}@work.test"]"#,
            &["{ada}"],
        ),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn l_15_queries_as_they_are_written() {
    lenient(vec![
        row("a plus for a space")
            .get("/Users?filter=userName+eq+%22ada{n}@x.test%22")
            .answers("/Resources/0/id", json!("{ada}")),
        row("a plus that is meant, escaped")
            .post("/Users", json!({ "schemas": [CORE], "userName": "a+b{n}@x.test" }))
            .get("/Users?filter=userName%20eq%20%22a%2Bb{n}@x.test%22")
            .answers("/totalResults", json!(1))
            .get("/Users?filter=userName%20eq%20%22a+b{n}@x.test%22")
            .answers("/totalResults", json!(0)),
        row("said of OneLogin: doubled spaces").finds(
            "/Users",
            r#"  id   eq    "{ada}"  "#,
            &["{ada}"],
        ),
        row("no space before the text").finds("/Users", r#"id eq"{ada}""#, &["{ada}"]),
        row("parentheses with and without spaces").finds(
            "/Users",
            r#"( id eq "{ada}")and(active eq true )"#,
            &["{ada}"],
        ),
    ])
    .await;
}

/// A filter that is not read must not find everybody, and the error says how it is written.
#[tokio::test(flavor = "multi_thread")]
async fn l_16_texts_without_quotes_are_refused_with_a_hint() {
    let app = TestApp::start().await;
    let idp = app.idp();
    idp.post("/Users", json!({ "schemas": [CORE], "userName": "jyoung" })).await.expect(201);
    for filter in ["externalId eq jyoung", "userName eq 'jyoung'", "emails[type eq work]"] {
        let reply = idp.get(&format!("/Users?filter={}", encoded(filter))).await;
        let reply = reply.expect(400);
        assert_eq!(reply.body["scimType"], "invalidFilter", "{filter}: {reply}");
        let detail = reply.body["detail"].as_str().unwrap();
        assert!(detail.contains("quote") || detail.contains('"'), "{filter}: {detail}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn l_17_probes_for_nobody_are_an_empty_list() {
    let nobody = "3f9d1c52-0b7e-4a64-8d2f-b1c6e0a97a35";
    let empty = |attribute: &str| {
        row("a random id by the matching attribute")
            .get(&format!("/Users?filter={}", encoded(&format!("{attribute} eq \"{nobody}\""))))
            .answers("/totalResults", json!(0))
            .answers("/schemas", json!(["urn:ietf:params:scim:api:messages:2.0:ListResponse"]))
    };
    lenient(vec![
        empty("userName"),
        empty("externalId"),
        empty("id"),
        empty("emails[type eq \"work\"].value"),
        empty("displayName"),
        row("of groups, without their members")
            .get(&format!(
                "/Groups?excludedAttributes=members&filter=displayName%20eq%20%22{nobody}%22"
            ))
            .answers("/totalResults", json!(0)),
        row("Okta: two of them, and Google: one")
            .get("/Users?startIndex=1&count=2")
            .answers("/startIndex", json!(1))
            .answers("/itemsPerPage", json!(2))
            .get("/Users?count=1")
            .answers("/itemsPerPage", json!(1)),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn l_18_inactive_users_are_there() {
    let off = json!([{ "op": "replace", "value": { "active": false } }]);
    lenient(vec![
        row("found, read, listed and brought back")
            .given(json!({ "externalId": "x{n}", "emails": [{ "type": "work",
                "value": "m{n}@x.test" }] }))
            .patch("/Users/{ada}", off.clone())
            .patch("/Users/{ada}", off)
            .ada("/active", json!(false))
            .finds("/Users", r#"userName eq "ADA{n}@x.test""#, &["{ada}"])
            .finds("/Users", r#"externalId eq "x{n}""#, &["{ada}"])
            .finds("/Users", r#"emails[type eq "work"].value eq "m{n}@x.test""#, &["{ada}"])
            .members(&["{ada}", "{bob}"])
            .patch("/Users/{ada}", json!([{ "op": "replace", "value": { "active": true } }]))
            .ada("/active", json!(true))
            .ada("/externalId", json!("x{n}")),
    ])
    .await;
}
