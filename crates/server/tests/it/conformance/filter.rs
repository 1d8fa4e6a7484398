//! Filters on lists (RFC 7644 §3.4.2.2), each rule with its example, as a client sends them.

use serde_json::json;
use testkit::app::{Client, TestApp};

use super::*;

/// What finds whom, by a connector that reads strictly and by one that reads leniently.
async fn finds(cases: &[(&str, &[&str])]) {
    let app = TestApp::start().await;
    people(&app.idp()).await;
    for idp in [app.connector("generic").await, app.connector("strict").await] {
        for (filter, who) in cases {
            assert_eq!(found(&idp, filter).await, *who, "{filter}");
        }
    }
}

/// What is 400 `invalidFilter`, and what its detail says.
async fn refuses(cases: &[(&str, &str)]) {
    let app = TestApp::start().await;
    people(&app.idp()).await;
    let idp = app.connector("strict").await;
    for (filter, word) in cases {
        let reply = refused(filtered(&idp, "/Users", filter).await, 400, "invalidFilter");
        let detail = reply.body["detail"].as_str().unwrap();
        assert!(detail.contains(word), "{filter}: {detail}");
    }
}

/// Ann has much, bob little, zoe has two mails and is not active.
async fn people(idp: &Client) {
    let ann = json!({
        "externalId": "A1", "title": "T", "nickName": "Straße", "displayName": "",
        "name": { "givenName": "Barbara", "familyName": "Jensen" },
        "emails": [{ "value": "ann@example.com", "type": "work", "primary": true }],
        ENTERPRISE: { "department": "Sales" },
    });
    let zoe = json!({
        "active": false, "title": "Boss", "emails": [
            { "value": "a@a.test", "type": "work" }, { "value": "b@b.test", "type": "home" }],
    });
    for (name, more) in [("ann", ann), ("bob", json!({ "title": "" })), ("zoe", zoe)] {
        idp.post("/Users", user(name, more)).await.expect(201);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn r_7644_3_4_2_2_01_names_and_operators_in_any_case() {
    finds(&[
        ("UserName EQ \"ann\"", &["ann"]),
        ("TITLE PR AND NOT (userName Eq \"zoe\")", &["ann"]),
        ("title Co \"bos\" OR username SW \"AN\"", &["ann", "zoe"]),
        ("EMAILS[TYPE eq \"HOME\"]", &["zoe"]),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn r_7644_3_4_2_2_02_not_before_and_before_or() {
    finds(&[
        // As `bob or (active and zoe)`, and not as `(bob or active) and zoe`.
        ("userName eq \"bob\" or active eq true and userName eq \"zoe\"", &["bob"]),
        ("(userName eq \"bob\" or active eq true) and userName eq \"zoe\"", &[]),
        ("not (active eq true) and title pr", &["zoe"]),
        ("not (active eq true and title pr)", &["bob", "zoe"]),
        ("not(active eq true) or userName eq \"bob\"", &["bob", "zoe"]),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn r_7644_3_4_2_2_03_the_longest_urn_counts() {
    finds(&[
        (&format!("{CORE}:name.givenName sw \"B\""), &["ann"]),
        (&format!("{}:userName eq \"ann\"", CORE.to_uppercase()), &["ann"]),
        (&format!("{ENTERPRISE}:department eq \"sales\""), &["ann"]),
        (&format!("{CORE}:emails[type eq \"home\"]"), &["zoe"]),
    ])
    .await;
    refuses(&[("urn:ietf:params:scim:schemas:core:2.0:Nobody:title pr", "Nobody")]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn r_7644_3_4_2_2_04_bad_syntax_names_the_spot() {
    refuses(&[
        ("", ""),
        ("userName regex \"x\"", "column 10"),
        ("userName eq \"x\" userName", "column 17"),
        ("userName eq", "column 12"),
        ("userName", ""),
        ("(userName eq \"x\"", ""),
        ("userName eq \"x\")", "column 16"),
        ("emails[type eq \"work\"", ""),
        ("emails[emails[type eq \"x\"]]", ""),
        ("userName eq \"x", ""),
        ("not userName eq \"x\"", ""),
        ("userName eq \"x\" and", ""),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn r_7644_3_4_2_2_05_operators_and_literals_fit_the_type() {
    let mut cases = Vec::new();
    for op in ["gt", "ge", "lt", "le", "co", "sw", "ew"] {
        cases.push(format!("active {op} true"));
        cases.push(format!("x509Certificates.value {op} \"AAAA\""));
    }
    for op in ["co", "sw", "ew"] {
        cases.push(format!("meta.created {op} \"2026-01-01T00:00:00Z\""));
    }
    for other in [
        "active eq \"true\"",
        "active eq 1",
        "userName eq 1",
        "userName eq true",
        "meta.created gt \"yesterday\"",
        "meta.created gt 5",
    ] {
        cases.push(other.to_owned());
    }
    let cases: Vec<(&str, &str)> = cases.iter().map(|filter| (filter.as_str(), "")).collect();
    refuses(&cases).await;
    // L-02: a boolean as text is one for who reads leniently.
    let app = TestApp::start().await;
    people(&app.idp()).await;
    assert_eq!(found(&app.idp(), "active eq \"False\"").await, ["zoe"]);
}

/// Also R-7644-7.8-01.
#[tokio::test(flavor = "multi_thread")]
async fn r_7644_3_4_2_2_06_text_by_the_attributes_case_rule() {
    finds(&[
        ("userName eq \"ANN\"", &["ann"]),
        ("nickName eq \"STRASSE\"", &["ann"]),
        ("nickName ew \"SSE\"", &["ann"]),
    ])
    .await;
    let app = TestApp::start().await;
    people(&app.idp()).await;
    for (filter, who) in
        [("eq \"A1\"", "ann"), ("eq \"a1\"", ""), ("sw \"A\"", "ann"), ("sw \"a\"", "")]
    {
        assert_eq!(
            found(&app.idp(), &format!("externalId {filter}")).await.join(" "),
            who,
            "{filter}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn r_7644_3_4_2_2_07_times_are_instants() {
    finds(&[
        ("meta.created eq \"2026-01-01T01:00:00+01:00\"", &["ann", "bob", "zoe"]),
        ("meta.lastModified ge \"2026-01-01T01:00:00+01:00\"", &["ann", "bob", "zoe"]),
        ("meta.lastModified gt \"2026-01-01T01:00:00+01:00\"", &[]),
        ("meta.lastModified lt \"2026-01-01T00:00:00-00:01\"", &["ann", "bob", "zoe"]),
        ("meta.lastModified le \"2026-01-01T00:00:00.000\"", &["ann", "bob", "zoe"]),
    ])
    .await;
}

/// Also R-7644-3.4.2.2-10.
#[tokio::test(flavor = "multi_thread")]
async fn r_7644_3_4_2_2_08_any_value_of_a_list() {
    finds(&[
        ("emails.value ew \".test\"", &["zoe"]),
        ("emails.value ne \"a@a.test\"", &["ann", "bob", "zoe"]),
        ("emails.value ne \"ann@example.com\"", &["bob", "zoe"]),
        ("not (emails.value eq \"a@a.test\")", &["ann", "bob"]),
        // One element has to meet both; two may meet one each only without brackets.
        ("emails[type eq \"work\" and value co \"@b\"]", &[]),
        ("emails.type eq \"work\" and emails.value co \"@b\"", &["zoe"]),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn r_7644_3_4_2_2_09_complex_attributes_need_a_sub_attribute() {
    finds(&[
        ("emails co \"example.com\"", &["ann"]),
        ("emails eq \"b@b.test\"", &["zoe"]),
        ("name pr", &["ann"]),
        ("emails pr", &["ann", "zoe"]),
    ])
    .await;
    refuses(&[("name eq \"x\"", "name"), ("name co \"x\"", "name"), ("addresses eq \"x\"", "")])
        .await;
}

/// Also R-7644-3.4.2.2-12, R-7644-3.4.2.2-13.
#[tokio::test(flavor = "multi_thread")]
async fn r_7644_3_4_2_2_11_what_is_present_and_what_is_null() {
    finds(&[
        // `false` is there, `""` is not.
        ("active pr", &["ann", "bob", "zoe"]),
        ("title pr", &["ann", "zoe"]),
        ("displayName pr", &[]),
        ("nickName eq null", &["bob", "zoe"]),
        ("nickName ne null", &["ann"]),
        ("nickName eq \"x\"", &[]),
        ("nickName gt \"a\" or nickName lt \"z\" or nickName co \"\"", &["ann"]),
        ("nickName ne \"x\"", &["ann", "bob", "zoe"]),
        ("emails.value eq null", &["bob"]),
    ])
    .await;
    refuses(&[("title gt null", ""), ("title co null", ""), ("title sw null", "")]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn r_7644_3_4_2_2_14_defaults_are_compared_as_clients_saw_them() {
    finds(&[
        ("active eq true", &["ann", "bob"]),
        ("active ne true", &["zoe"]),
        ("active eq null", &[]),
        ("meta.resourceType eq \"User\"", &["ann", "bob", "zoe"]),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn r_7644_3_4_2_2_15_common_attributes_and_extensions() {
    let app = TestApp::start().await;
    let idp = app.idp();
    people(&idp).await;
    let list = idp.get("/Users").await.expect(200).body;
    let ann = &list["Resources"][0];
    for filter in [
        format!("id eq \"{}\"", ann["id"].as_str().unwrap()),
        "externalId eq \"A1\"".to_owned(),
        format!("meta.location eq \"{}\"", ann["meta"]["location"].as_str().unwrap()),
        format!(
            "meta.version eq \"{}\"",
            ann["meta"]["version"].as_str().unwrap().replace('"', "\\\"")
        ),
        format!("schemas eq \"{ENTERPRISE}\""),
        format!("{ENTERPRISE}:department pr"),
        "department eq \"Sales\"".to_owned(),
    ] {
        assert_eq!(found(&idp, &filter).await, ["ann"], "{filter}");
    }
}

/// Also R-7644-3.4.2.2-17.
#[tokio::test(flavor = "multi_thread")]
async fn r_7644_3_4_2_2_16_unknown_attributes_and_hidden_ones() {
    let app = TestApp::start().await;
    extend(&app, false, json!([{ "name": "title" }])).await.unwrap();
    let idp = app.idp();
    let with = |title: &str, own: &str| json!({ "title": title, OWN: { "title": own } });
    idp.post("/Users", user("ann", with("core", "own"))).await.expect(201);
    // Without an URN, the core schema's.
    assert_eq!(found(&idp, "title eq \"core\"").await, ["ann"]);
    assert_eq!(found(&idp, "title eq \"own\"").await, [""; 0]);
    assert_eq!(found(&idp, &format!("{OWN}:title eq \"own\"")).await, ["ann"]);
    for unknown in ["shoeSize eq 44", "name.nothing pr", "emails[shoe eq \"x\"]", "members pr"] {
        bad(filtered(&idp, "/Users", unknown).await, "invalidFilter");
    }
    for hidden in
        ["password eq \"x\"", "password pr", "not (password eq \"x\")", "PASSWORD sw \"x\""]
    {
        bad(filtered(&idp, "/Users", hidden).await, "invalidFilter");
        let search = json!({ "schemas": [SEARCH], "filter": hidden });
        bad(idp.post("/Users/.search", search).await, "invalidFilter");
    }
    idp.get("/Users?sortBy=password").await.expect(400);
}

#[tokio::test(flavor = "multi_thread")]
async fn r_7644_3_4_2_2_18_filters_are_bounded() {
    let app = TestApp::start().await;
    let idp = app.idp();
    let search = async |filter: String| {
        idp.post("/Users/.search", json!({ "schemas": [SEARCH], "filter": filter })).await
    };
    let terms = |count: usize| vec!["title pr"; count].join(" or ");
    let deep = |depth: usize| format!("{}title pr{}", "(".repeat(depth), ")".repeat(depth));
    let long = |length: usize| format!("title eq \"{}\"", "x".repeat(length - 11));
    for good in [terms(200), deep(30), long(8 << 10)] {
        search(good).await.expect(200);
    }
    for beyond in [terms(201), deep(40), long((8 << 10) + 1), "(".repeat(8_000)] {
        bad(search(beyond).await, "invalidFilter");
    }
}

/// Also R-7644-3.4.2-02, R-7644-3.4.2-03.
#[tokio::test(flavor = "multi_thread")]
async fn r_7644_3_4_2_01_no_match_is_an_empty_list() {
    let app = TestApp::start().await;
    let idp = app.idp();
    people(&idp).await;
    let none = filtered(&idp, "/Users", "userName eq \"nobody\"").await.expect(200).body;
    let expected = json!({ "schemas": [LIST], "totalResults": 0, "startIndex": 1, "itemsPerPage": 0,
        "Resources": [] });
    assert_eq!(none, expected);
    let all = idp.get("/Users?dance=tango&$top=5&filter=title+pr").await.expect(200).body;
    for number in ["totalResults", "startIndex", "itemsPerPage"] {
        assert!(all[number].is_u64(), "{all}");
    }
    assert_eq!(all["totalResults"], 2);
    for one in all["Resources"].as_array().unwrap() {
        assert!(one["schemas"].is_array() && one["id"].is_string() && one["meta"].is_object());
    }
}

/// Also R-7644-3.4.3-01, R-7644-3.4.3-02.
#[tokio::test(flavor = "multi_thread")]
async fn r_7644_3_4_2_1_01_the_base_url_searches_all_types() {
    let app = TestApp::start().await;
    let idp = app.idp();
    people(&idp).await;
    let team = idp.post("/Groups", group("Team", &[])).await.expect(201);
    let total = |reply: Reply| reply.expect(200).body["totalResults"].as_u64().unwrap();
    for (filter, count) in [
        ("meta.resourceType eq \"User\"", 3),
        ("meta.resourceType eq \"Group\"", 1),
        ("displayName eq \"team\"", 1),
        ("userName pr", 3),
        ("userName eq null", 1),
        ("members pr or userName eq \"bob\"", 1),
    ] {
        assert_eq!(total(filtered(&idp, "/", filter).await), count, "{filter}");
        let search = json!({ "schemas": [SEARCH], "filter": filter });
        assert_eq!(total(idp.post("/.search", search).await), count, "{filter}");
    }
    // What a search says is what a GET says, with every parameter.
    let query =
        "attributes=userName,title&sortBy=userName&sortOrder=descending&startIndex=2&count=1";
    let by_get = idp.get(&format!("/Users?{query}&filter=title+ne+%22x%22")).await.expect(200);
    let search = json!({ "schemas": [SEARCH], "attributes": ["userName", "title"],
        "filter": "title ne \"x\"", "sortBy": "userName", "sortOrder": "descending",
        "startIndex": 2, "count": 1 });
    let by_post = idp.post("/Users/.search?count=0&filter=nonsense", search).await.expect(200);
    assert_eq!(by_post.body, by_get.body);
    assert_eq!(names(&by_post), ["bob"]);
    assert_eq!(by_post.header("location"), "");
    let search = json!({ "schemas": [SEARCH], "excludedAttributes": ["displayName"] });
    let teams = idp.post("/Groups/.search", search).await.expect(200).body;
    assert_eq!(teams["Resources"][0]["id"], json!(team.id()));
    assert_eq!(teams["Resources"][0].get("displayName"), None);
    for wrong in [
        json!({}),
        json!({ "schemas": [] }),
        json!({ "schemas": [LIST] }),
        json!({ "schemas": SEARCH }),
        json!([]),
    ] {
        for path in ["/.search", "/Users/.search", "/Groups/.search"] {
            bad(idp.post(path, wrong.clone()).await, "invalidSyntax");
        }
    }
}
