//! Clauses of the RFCs that servers in the field get wrong, as they were seen to: what clients
//! that keep to the letter rely on.

use reqwest::Method;
use serde_json::{Value, json};
use testkit::app::TestApp;

use crate::messages::{CORE, ENTERPRISE, GROUP, encoded, patch};
use crate::table::{Row, enterprise, play, row};

/// By a connector that reads leniently and by one that reads strictly: the letter holds for both.
async fn for_all(rows: fn() -> Vec<Row>) {
    for preset in ["generic", "strict"] {
        let app = TestApp::start().await;
        play(&app.connector(preset).await, rows()).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn r_7643_2_1_01_names_in_any_case() {
    for_all(|| {
        vec![
            row("in filters, with the operators")
                .given(json!({ "emails": [{ "type": "home", "value": "h{n}@x.test" }] }))
                .finds("/Users", "EMAILS[TYPE EQ \"HOME\" AND VALUE SW \"H{n}@\"]", &["{ada}"])
                .finds(
                    "/Users",
                    "URN:IETF:PARAMS:SCIM:SCHEMAS:CORE:2.0:USER:USERNAME EQ \"ada{n}@x.test\"",
                    &["{ada}"],
                ),
            row("in bodies: what comes back is spelled as the schema has it")
                .post(
                    "/Users",
                    json!({ "SCHEMAS": [CORE.to_uppercase()], "USERNAME": "new{n}", "NAME": {
                        "GIVENNAME": "A" } }),
                )
                .answers("/userName", json!("new{n}"))
                .answers("/name/givenName", json!("A"))
                .answers("/schemas", json!([CORE])),
            row("in paths")
                .patch(
                    "/Users/{ada}",
                    json!([{ "op": "add",
                        "path": "URN:IETF:params:scim:schemas:core:2.0:USER:Title",
                            "value": "T" }]),
                )
                .ada("/title", json!("T")),
            row("in parameters")
                .get("/Users/{ada}?attributes=USERNAME")
                .answers("/userName", json!("ada{n}@x.test"))
                .answers_without("/active"),
        ]
    })
    .await;
}

/// Also R-7643-2.4-01.
#[tokio::test(flavor = "multi_thread")]
async fn r_7644_3_5_2_10_one_primary_at_most() {
    for_all(|| {
        let two = json!([{ "value": "a@x.test", "type": "work", "primary": true }, {
            "value": "b@x.test", "type": "home" }]);
        vec![
            row("an added primary demotes the other")
                .given(json!({ "emails": two }))
                .patch(
                    "/Users/{ada}",
                    json!([{ "op": "add", "path": "emails",
                    "value": [{ "value": "c@x.test", "primary": true }] }]),
                )
                .finds(
                    "/Users",
                    "id eq \"{ada}\" and emails[value eq \"c@x.test\" and primary eq true]",
                    &["{ada}"],
                )
                .finds(
                    "/Users",
                    "id eq \"{ada}\" and emails[value eq \"a@x.test\" and primary eq true]",
                    &[],
                ),
            row("and one that is made so by its path")
                .given(json!({ "emails": two }))
                .patch(
                    "/Users/{ada}",
                    json!([{ "op": "replace",
                        "path": "emails[value eq \"b@x.test\"].primary", "value": true }]),
                )
                .finds(
                    "/Users",
                    "id eq \"{ada}\" and emails[value eq \"b@x.test\" and primary eq true]",
                    &["{ada}"],
                )
                .finds(
                    "/Users",
                    "id eq \"{ada}\" and emails[value eq \"a@x.test\" and primary eq true]",
                    &[],
                ),
        ]
    })
    .await;
}

/// Forty appends at once, each the primary one: one is left, and nobody is lost.
#[tokio::test(flavor = "multi_thread")]
async fn r_7643_2_4_01_one_primary_of_forty_at_once() {
    let app = TestApp::start().await;
    let idp = app.idp();
    let user = json!({ "schemas": [CORE], "userName": "ada" });
    let one = format!("/Users/{}", idp.post("/Users", user).await.expect(201).id());
    let mut going = Vec::new();
    for n in 0..40 {
        let (idp, one) = (idp.clone(), one.clone());
        let value = json!([{ "value": format!("{n}@x.test"), "primary": true }]);
        let add = patch(json!([{ "op": "add", "path": "emails", "value": value }]));
        going.push(tokio::spawn(async move { idp.patch(&one, add).await.expect(200) }));
    }
    for going in going {
        going.await.unwrap();
    }
    let emails = idp.get(&one).await.expect(200).body["emails"].clone();
    let emails = emails.as_array().unwrap();
    assert_eq!(emails.len(), 40);
    assert_eq!(emails.iter().filter(|email| email["primary"] == true).count(), 1);
}

/// Also R-7643-2.5-02, R-7644-3.5.2.3-03, R-7644-3.5.2.2-01.
#[tokio::test(flavor = "multi_thread")]
async fn r_7643_2_5_01_absent_null_and_empty_are_one() {
    for_all(|| {
        vec![
            row("in a create")
                .post(
                    "/Users",
                    json!({ "schemas": [CORE], "userName": "new{n}", "nickName": null,
                        "emails": [], "name": {} }),
                )
                .answers_without("/nickName")
                .answers_without("/emails")
                .answers_without("/name"),
            row("in a PUT")
                .given(json!({ "title": "T", "emails": [{ "value": "a@x.test" }] }))
                .put(
                    "/Users/{ada}",
                    json!({ "schemas": [CORE], "userName": "ada{n}", "title": null, "emails": [] }),
                )
                .answers_without("/title")
                .answers_without("/emails"),
            row("in a PATCH, and what is absent is not present")
                .given(json!({ "title": "T", "emails": [{ "value": "a@x.test" }] }))
                .patch(
                    "/Users/{ada}",
                    json!([{ "op": "replace", "path": "title", "value": null },
                    { "op": "replace", "path": "emails", "value": [] }]),
                )
                .ada_without("/title")
                .ada_without("/emails")
                .finds("/Users", "id eq \"{ada}\" and (title pr or emails pr)", &[]),
            row("the last element goes, and the attribute with it")
                .given(json!({ "emails": [{ "value": "a@x.test", "type": "work" }] }))
                .patch(
                    "/Users/{ada}",
                    json!([{ "op": "remove", "path": "emails[type eq \"work\"]" }]),
                )
                .ada_without("/emails"),
        ]
    })
    .await;
}

/// Also R-7643-3.1-05, R-7643-3.1-07, R-7643-3.1-08, R-7644-3.3-01, R-7644-3.3-02.
#[tokio::test(flavor = "multi_thread")]
async fn r_7643_3_1_01_what_the_server_says_of_a_resource() {
    let app = TestApp::start().await;
    let idp = app.idp();
    let body = json!({ "schemas": [CORE], "userName": "ada", "id": "mine",
        "meta": { "created": "2000-01-01T00:00:00Z", "location": "https://elsewhere.test/" } });
    let made = idp.post("/Users", body).await.expect(201);
    let location = made.body["meta"]["location"].as_str().unwrap();
    assert_eq!(made.header("location"), location);
    assert!(location.ends_with(&format!("/scim/acme/v2/Users/{}", made.id())), "{location}");
    assert_ne!(made.id(), "mine");
    assert_eq!(made.body["meta"]["created"], "2026-01-01T00:00:00.000Z");
    let read = idp.get(&format!("/Users/{}", made.id())).await.expect(200);
    assert_eq!(read.body, made.body);
    assert_eq!(read.header("etag"), made.body["meta"]["version"].as_str().unwrap());
}

/// Also R-7644-3.6-01.
#[tokio::test(flavor = "multi_thread")]
async fn r_7643_4_1_2_01_the_groups_of_a_user_follow_from_the_groups() {
    for_all(|| {
        vec![
            row("there after an add, gone after a remove, a delete of the group, a delete of the user")
                .ada("/groups/0/value", json!("{sales}"))
                .ada("/groups/0/display", json!("Sales {n}"))
                .patch("/Groups/{sales}",
                    json!([{ "op": "remove", "path": "members[value eq \"{ada}\"]" }]))
                .ada_without("/groups/0")
                .patch("/Groups/{sales}",
                    json!([{ "op": "add", "path": "members", "value": [{ "value": "{ada}" }] }]))
                .ada("/groups/0/value", json!("{sales}"))
                .delete("/Users/{bob}")
                .members(&["{ada}"])
                .delete("/Groups/{sales}")
                .ada_without("/groups/0"),
        ]
    })
    .await;
}

/// Also R-7643-4.1.1-02.
#[tokio::test(flavor = "multi_thread")]
async fn r_7643_7_04_passwords_are_never_shown() {
    for_all(|| {
        vec![
            row("not by asking for it, and not by a filter")
                .given(json!({ "password": "s3cret-{n}" }))
                .ada_without("/password")
                .lacks("/Users/{ada}?attributes=password", "/password")
                .lacks("/Users/{ada}?excludedAttributes=title", "/password")
                .refused(
                    Method::GET,
                    &format!("/Users?filter={}", encoded("password eq \"s3cret-{n}\"")),
                    None,
                    400,
                    Some("invalidFilter"),
                ),
        ]
    })
    .await;
}

/// Also R-7644-3.9-02, R-7644-3.9-03, R-7644-3.9-05.
#[tokio::test(flavor = "multi_thread")]
async fn r_7644_3_9_01_attributes_on_every_answer() {
    for_all(|| {
        vec![
            row("of a create")
                .post(
                    "/Users?attributes=title",
                    json!({ "schemas": [CORE], "userName": "new{n}", "title": "T" }),
                )
                .answers("/title", json!("T"))
                .answers_without("/userName"),
            row("of a PUT")
                .put(
                    "/Users/{ada}?excludedAttributes=title",
                    json!({ "schemas": [CORE], "userName": "ada{n}", "title": "T" }),
                )
                .answers("/userName", json!("ada{n}"))
                .answers_without("/title"),
            row("of a PATCH, which then has a body")
                .patch(
                    "/Groups/{sales}?attributes=displayName",
                    json!([{ "op": "replace", "path": "displayName", "value": "S{n}" }]),
                )
                .answers("/displayName", json!("S{n}"))
                .answers_without("/members"),
            row("`id` is always there")
                .get("/Users/{ada}?attributes=title")
                .answers("/id", json!("{ada}"))
                .get("/Users/{ada}?excludedAttributes=id,userName")
                .answers("/id", json!("{ada}")),
            row("both at once are refused").refused(
                Method::GET,
                "/Users?attributes=title&excludedAttributes=name",
                None,
                400,
                Some("invalidValue"),
            ),
        ]
    })
    .await;
}

/// Also R-7644-3.4.2.2-05, R-7644-3.4.2.2-09.
#[tokio::test(flavor = "multi_thread")]
async fn r_7644_3_4_2_2_02_filters_as_they_bind() {
    for_all(|| {
        let given = json!({ "title": "T\"{n}", "emails": [
            { "type": "work", "value": "a@home.test" }, { "type": "home",
                "value": "b@work.test" }] });
        vec![
            row("`and` before `or`, `not`, texts as JSON writes them")
                .given(given.clone())
                .finds(
                    "/Users",
                    "id eq \"{bob}\" or id eq \"{ada}\" and title pr",
                    &["{bob}", "{ada}"],
                )
                .finds("/Users", "(id eq \"{bob}\" or id eq \"{ada}\") and title pr", &["{ada}"])
                .finds("/Users", "id eq \"{ada}\" and not (nickName pr)", &["{ada}"])
                .finds("/Users", "title eq \"\\u0054\\\"{n}\"", &["{ada}"]),
            row("one element must meet both, not two one each")
                .given(given)
                .finds(
                    "/Users",
                    "id eq \"{ada}\" and emails[type eq \"work\" and value co \"@work\"]",
                    &[],
                )
                .finds(
                    "/Users",
                    "id eq \"{ada}\" and emails[type eq \"work\" and value co \"@home\"]",
                    &["{ada}"],
                )
                .finds(
                    "/Users",
                    "id eq \"{ada}\" and emails.type eq \"work\" and emails.value co \"@work\"",
                    &["{ada}"],
                ),
            row("greater and less of a boolean do not exist").refused(
                Method::GET,
                "/Users?filter=active%20gt%20true",
                None,
                400,
                Some("invalidFilter"),
            ),
            row("one of ten thousand characters is refused at once").refused(
                Method::GET,
                &format!("/Users?filter={}", "userName%20pr%20or%20".repeat(700) + "title%20pr"),
                None,
                400,
                Some("invalidFilter"),
            ),
        ]
    })
    .await;
}

/// Also R-7644-3.4.2.4-03.
#[tokio::test(flavor = "multi_thread")]
async fn r_7644_3_4_2_4_01_pages_beyond_the_edges() {
    for_all(|| {
        vec![
            row("indexes below one, counts below zero, totals only")
                .get("/Users?startIndex=-5&count=1")
                .answers("/startIndex", json!(1))
                .answers("/itemsPerPage", json!(1))
                .get("/Users?count=-1")
                .answers("/itemsPerPage", json!(0))
                .answers("/totalResults", json!(3))
                .get("/Users?count=0")
                .answers("/Resources", json!([]))
                .answers("/totalResults", json!(3)),
        ]
    })
    .await;
}

/// Also R-7644-3.5.1-02, R-7644-3.5.1-03, R-7644-3.5.1-04.
#[tokio::test(flavor = "multi_thread")]
async fn r_7644_3_5_1_01_a_put_never_creates() {
    for_all(|| {
        let body = || Some(json!({ "schemas": [CORE], "userName": "new{n}" }));
        vec![
            row("at an id nobody has").refused(
                Method::PUT,
                "/Users/00919288221112222",
                body(),
                404,
                None,
            ),
            row("without `active` it wakes nobody up")
                .given(json!({ "active": false, "title": "T" }))
                .put(
                    "/Users/{ada}",
                    json!({ "schemas": [CORE], "userName": "ada{n}", "id": "{bob}", "groups": [] }),
                )
                .answers("/active", json!(false))
                .answers("/id", json!("{ada}"))
                .answers_without("/title")
                .members(&["{ada}", "{bob}"]),
            row("at an id that was deleted").delete("/Users/{ada}").refused(
                Method::PUT,
                "/Users/{ada}",
                body(),
                404,
                None,
            ),
        ]
    })
    .await;
}

/// Also R-7644-3.5.2-03, R-7644-3.5.2-08, R-7644-3.5.2-11, R-7644-3.5.2.1-01.
#[tokio::test(flavor = "multi_thread")]
async fn r_7644_3_5_2_04_patches_whole_and_in_order() {
    for_all(|| {
        vec![
            row("one bad operation undoes the good ones before it")
                .bad_patch(
                    "/Users/{ada}",
                    json!([
                { "op": "replace", "path": "title", "value": "T" },
                { "op": "replace", "path": "userName", "value": null } ]),
                    "invalidValue",
                )
                .ada_without("/title"),
            row("each sees what the one before it did")
                .patch(
                    "/Users/{ada}",
                    json!([
                    { "op": "add", "path": "emails", "value": [{ "type": "work",
                        "value": "a@x.test" }] },
                    { "op": "replace", "path": "emails[type eq \"work\"].value",
                        "value": "b@x.test" },
                    { "op": "add", "path": "title", "value": "T" },
                    { "op": "remove", "path": "title" } ]),
                )
                .ada("/emails", json!([{ "type": "work", "value": "b@x.test" }]))
                .ada_without("/title"),
            row("a remove without a path").bad_patch(
                "/Users/{ada}",
                json!([{ "op": "remove" }]),
                "noTarget",
            ),
            row("an attribute of an extension brings its URN, and takes it away")
                .patch(
                    "/Users/{ada}",
                    json!([{ "op": "add", "path": format!("{ENTERPRISE}:department"),
                        "value": "D" }]),
                )
                .ada("/schemas", json!([CORE, ENTERPRISE]))
                .ada(&enterprise("department"), json!("D"))
                .patch(
                    "/Users/{ada}",
                    json!([{ "op": "remove", "path": format!("{ENTERPRISE}:department") }]),
                )
                .ada("/schemas", json!([CORE])),
            row("a member added again with another `display` is the same member")
                .patch(
                    "/Groups/{sales}",
                    json!([{ "op": "add", "path": "members", "value": [{
                        "value": "{ada}", "display": "x" }] }]),
                )
                .members(&["{ada}", "{bob}"]),
        ]
    })
    .await;
}

/// An add of what is there changes nothing: neither the version nor the time.
///
/// Also R-7644-3.14-05, R-7644-3.5.2.3-04.
#[tokio::test(flavor = "multi_thread")]
async fn r_7644_3_5_2_1_01_an_add_of_what_is_there() {
    let app = TestApp::start().await;
    let idp = app.idp();
    let body = json!({ "schemas": [CORE], "userName": "ada", "title": "T", "emails": [{
        "value": "a@x.test" }] });
    let made = idp.post("/Users", body).await.expect(201);
    app.clock.fetch_add(5_000, std::sync::atomic::Ordering::Relaxed);
    let one = format!("/Users/{}", made.id());
    for operations in [
        json!([{ "op": "add", "path": "title", "value": "T" }]),
        json!([{ "op": "add", "path": "emails", "value": [{ "value": "a@x.test" }] }]),
        json!([{ "op": "replace", "value": { "title": "T", "userName": "ada" } }]),
        json!([{ "op": "remove", "path": "title" }, { "op": "add", "path": "title",
            "value": "T" }]),
    ] {
        let reply = idp.patch(&one, patch(operations.clone())).await.expect(200);
        assert_eq!(reply.body, made.body, "{operations}");
        assert_eq!(reply.header("etag"), made.header("etag"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn r_7644_3_5_2_3_01_replaces_of_parts() {
    for_all(|| {
        let emails = json!([{ "type": "work", "value": "a@x.test" }, { "type": "work",
            "value": "b@x.test" }]);
        vec![
            row("a complex value keeps the parts that are not named")
                .given(json!({ "name": { "givenName": "A", "familyName": "L" } }))
                .patch(
                    "/Users/{ada}",
                    json!([{ "op": "replace", "path": "name", "value": { "givenName": "K" } }]),
                )
                .ada("/name", json!({ "givenName": "K", "familyName": "L" })),
            row("all that a filter selects, not the first only")
                .given(json!({ "emails": emails }))
                .patch(
                    "/Users/{ada}",
                    json!([{ "op": "replace", "path": "emails[type eq \"work\"].display",
                        "value": "D" }]),
                )
                .ada("/emails/0/display", json!("D"))
                .ada("/emails/1/display", json!("D")),
        ]
    })
    .await;
}

/// Also R-7644-3.14-04.
#[tokio::test(flavor = "multi_thread")]
async fn r_7644_3_14_02_versions() {
    let app = TestApp::start().await;
    let idp = app.idp();
    let made =
        idp.post("/Users", json!({ "schemas": [CORE], "userName": "ada" })).await.expect(201);
    let (one, tag) = (format!("/Users/{}", made.id()), made.header("etag").to_owned());
    assert!(tag.starts_with("W/\""), "{tag}");
    let replace = || {
        Some(
            patch(json!([{ "op": "replace", "path": "title", "value": "T" }]))
                .to_string()
                .into_bytes(),
        )
    };
    let matching = [("if-match", tag.as_str())];
    idp.send(Method::GET, &one, &[("if-none-match", &tag)], None).await.expect(304);
    idp.send(Method::PATCH, &one, &matching, replace()).await.expect(200);
    idp.send(Method::PATCH, &one, &matching, replace()).await.expect(412);
    idp.send(Method::GET, &one, &[("if-none-match", &tag)], None).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn r_7644_4_02_discovery_takes_no_filter() {
    for_all(|| {
        vec![
            row("refused")
                .refused(Method::GET, "/Schemas?filter=id%20pr", None, 403, None)
                .refused(Method::GET, "/ResourceTypes?filter=id%20pr", None, 403, None)
                .refused(Method::GET, "/ServiceProviderConfig?filter=id%20pr", None, 403, None),
            row("other parameters are ignored")
                .get("/Schemas?count=1&startIndex=7")
                .get("/ResourceTypes?sortBy=name"),
        ]
    })
    .await;
}

/// Names are the same whatever their case, width or composition.
#[tokio::test(flavor = "multi_thread")]
async fn r_7644_5_01_user_names_are_prepared() {
    for_all(|| {
        let taken = |name: &str| Some(json!({ "schemas": [CORE], "userName": name }));
        vec![
            row("found and taken in every spelling")
                .post("/Users", json!({ "schemas": [CORE], "userName": "Zo\u{eb}{n}" }))
                .finds("/Users", "userName eq \"zo\u{eb}{n}\"", &["{new}"])
                .finds("/Users", "userName eq \"ZOE\u{308}{n}\"", &["{new}"])
                .finds("/Users", "userName eq \"\u{ff3a}o\u{eb}{n}\"", &["{new}"])
                .refused(Method::POST, "/Users", taken("ZOE\u{308}{n}"), 409, Some("uniqueness")),
        ]
    })
    .await;
}

/// Also R-7643-4.2-01.
#[tokio::test(flavor = "multi_thread")]
async fn r_7643_4_2_02_groups_within_groups() {
    for_all(|| {
        vec![
            row("a group as a member says that it is one")
                .post("/Groups", json!({ "schemas": [GROUP], "displayName": "All {n}",
                    "members": [{ "value": "{sales}" }, { "value": "{mia}" }] }))
                .finds("/Groups",
                    "displayName eq \"All {n}\" and members[value eq \"{sales}\" and type eq \"Group\"]", &["{new}"])
                .finds("/Groups",
                    "displayName eq \"All {n}\" and members[value eq \"{mia}\" and type eq \"User\"]", &["{new}"]),
        ]
    })
    .await;
}

/// Texts that break parsers: none of them breaks the server.
#[tokio::test(flavor = "multi_thread")]
async fn r_7644_3_12_01_odd_queries_are_answered() {
    let app = TestApp::start().await;
    let idp = app.idp();
    for (path, statuses) in [
        ("/Users?attributes=,,,", [200, 400]),
        ("/Users?attributes=", [200, 400]),
        ("/Users?filter=", [400, 400]),
        ("/Users?filter=%FF%FE", [400, 400]),
        ("/Users?filter=((((((((((((((((((((((((((((((((((((((((userName%20pr", [400, 400]),
        ("/Users?sortBy=,,,", [400, 400]),
    ] {
        let reply = idp.get(path).await;
        assert!(statuses.contains(&reply.status.as_u16()), "{path}: {reply}");
        assert!(!matches!(reply.body, Value::Null), "{path}: {reply}");
    }
}
