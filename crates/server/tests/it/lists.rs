//! Lists: pages, filters from an index and without one, and sorting.

use serde_json::{Value, json};
use server::Lists;
use testkit::app::{Client, Reply, TestApp};

use crate::messages::{CORE, GROUP, PATCH, SEARCH, encoded};

async fn people(app: &TestApp) -> Client {
    let idp = app.idp();
    // Name, nickname, mails with the primary one last, when there are two.
    for (name, nick, mails) in [
        ("carol", Some("b"), vec!["z@x.test", "a@x.test"]),
        ("Alice", Some("Ä"), vec!["m@x.test"]),
        ("bob", None, vec![]),
        ("Dave", Some("a"), vec!["B@x.test"]),
    ] {
        let last = mails.len().saturating_sub(1);
        let emails: Vec<Value> = mails
            .iter()
            .enumerate()
            .map(|(i, mail)| json!({ "value": mail, "primary": i == last && last > 0 }))
            .collect();
        let body = json!({
            "schemas": [CORE], "userName": name, "nickName": nick, "emails": emails,
            "externalId": format!("x-{name}"), "active": name != "bob",
        });
        idp.post("/Users", body).await.expect(201);
    }
    idp
}

async fn names(idp: &Client, query: &str) -> String {
    let list = idp.get(&format!("/Users?{query}")).await.expect(200).body;
    let found = list["Resources"].as_array().unwrap();
    assert_eq!(list["itemsPerPage"], found.len(), "{list:#}");
    found.iter().map(|user| user["userName"].as_str().unwrap()).collect::<Vec<_>>().join(" ")
}

/// Also R-7644-3.4.2.3-02, R-7644-3.4.2.3-03, R-7644-3.4.2.3-04.
/// Also R-7644-3.4.2.3-02, R-7644-3.4.2.3-03, R-7644-3.4.2.3-04.
#[tokio::test(flavor = "multi_thread")]
async fn r_7644_3_4_2_3_01_lists_are_sorted_as_asked() {
    let app = TestApp::start().await;
    let idp = people(&app).await;
    assert_eq!(names(&idp, "").await, "carol Alice bob Dave");
    assert_eq!(names(&idp, "sortBy=userName").await, "Alice bob carol Dave");
    assert_eq!(names(&idp, "sortBy=userName&sortOrder=descending").await, "Dave carol bob Alice");
    // Without a value last when ascending, first when descending.
    assert_eq!(names(&idp, "sortBy=nickName").await, "Dave carol Alice bob");
    assert_eq!(names(&idp, "sortBy=nickName&sortOrder=descending").await, "bob Alice carol Dave");
    // Of several values the primary one counts.
    assert_eq!(names(&idp, "sortBy=emails.value").await, "carol Dave Alice bob");
    assert_eq!(names(&idp, "sortBy=userName&startIndex=2&count=2").await, "bob carol");
    assert_eq!(names(&idp, "sortBy=meta.created").await, "carol Alice bob Dave");
    // Ties are in the order of the ids.
    assert_eq!(names(&idp, "sortBy=active").await, "bob carol Alice Dave");
    assert_eq!(names(&idp, "sortBy=active&sortOrder=DESCENDING").await, "carol Alice Dave bob");
    for bad in ["sortBy=shoeSize", "sortBy=name", "sortBy=userName&sortOrder=up", "sortBy=password"]
    {
        let reply = idp.get(&format!("/Users?{bad}")).await.expect(400);
        assert_eq!(reply.body["scimType"], "invalidValue", "{bad}: {reply}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn r_7644_3_4_2_2_06_filters_answer_alike_with_and_without_an_index() {
    let app = TestApp::start().await;
    let idp = people(&app).await;
    let check = async |filter: &str, expected: &str| {
        let query = format!("filter={}", encoded(filter));
        assert_eq!(names(&idp, &query).await, expected, "{filter}");
    };
    check(r#"userName eq "ALICE""#, "Alice").await;
    check(r#"userName eq "ALICE" and active eq false"#, "").await;
    check(r#"userName eq "dave" or userName eq "carol" or userName eq "DAVE""#, "carol Dave").await;
    check(r#"externalId eq "x-bob""#, "bob").await;
    check(r#"externalId eq "X-BOB""#, "").await;
    check(r#"userName co "a""#, "carol Alice Dave").await;
    check(r#"nickName pr and not (userName sw "c")"#, "Alice Dave").await;
    check(r#"emails[value ew "@X.test" and primary eq true]"#, "carol").await;
    check(r#"active eq false"#, "bob").await;
    check(r#"meta.resourceType eq "User" and displayName eq "nobody""#, "").await;
}

/// Okta's import: pages that together hold everybody once.
///
/// Also R-7644-3.4.2.4-01, R-7644-3.4.2.4-02, R-7644-3.4.2.4-03, R-7644-3.4.2-01, R-7644-3.4.2-03.
#[tokio::test(flavor = "multi_thread")]
async fn r_7644_3_4_2_4_04_pages_hold_everybody_once() {
    let app = TestApp::start().await;
    let idp = people(&app).await;
    assert_eq!(names(&idp, "startIndex=1&count=3").await, "carol Alice bob");
    assert_eq!(names(&idp, "startIndex=4&count=3").await, "Dave");
    let page = async |query: &str| {
        let page = idp.get(&format!("/Users?{query}")).await.expect(200).body;
        let names: Vec<&str> = page["Resources"]
            .as_array()
            .unwrap()
            .iter()
            .map(|user| user["userName"].as_str().unwrap())
            .collect();
        let numbers = ["totalResults", "startIndex", "itemsPerPage"].map(|n| page[n].as_u64());
        (numbers.map(Option::unwrap), names.join(" "))
    };
    let all = "carol Alice bob Dave";
    let alike = |numbers, names: &str| (numbers, names.to_owned());
    assert_eq!(page("").await, alike([4, 1, 4], all));
    assert_eq!(page("startIndex=2&count=2").await, alike([4, 2, 2], "Alice bob"));
    assert_eq!(page("startIndex=-3&count=1").await, alike([4, 1, 1], "carol"));
    assert_eq!(page("startIndex=0&count=1").await, alike([4, 1, 1], "carol"));
    assert_eq!(page("startIndex=5&count=3").await, alike([4, 5, 0], ""));
    assert_eq!(page("startIndex=99999999999999999999").await.0[0], 4);
    assert_eq!(page("count=0").await, alike([4, 1, 0], ""));
    assert_eq!(page("count=-1").await, alike([4, 1, 0], ""));
    assert_eq!(page("count=99999").await, alike([4, 1, 4], all));
    assert_eq!(page("shoeSize=44&%24top=1").await, alike([4, 1, 4], all));
    assert_eq!(page("filter=userName+eq+%22nobody%22").await, alike([0, 1, 0], ""));
    // From an index, one by one, and without the few: pages are cut alike.
    for (filter, found) in [
        ("active+eq+true", "carol Alice Dave"),
        ("active+eq+true+and+userName+pr", "carol Alice Dave"),
        ("not+(active+eq+false)", "carol Alice Dave"),
        (
            "userName+eq+%22dave%22+or+displayName+eq+%22x%22+or+userName+eq+%22ALICE%22",
            "Alice Dave",
        ),
    ] {
        let total = found.split(' ').count() as u64;
        assert_eq!(page(&format!("filter={filter}")).await, alike([total, 1, total], found));
        for (at, name) in found.split(' ').enumerate() {
            let one = page(&format!("filter={filter}&startIndex={}&count=1", at + 1)).await;
            assert_eq!(one, alike([total, at as u64 + 1, 1], name), "{filter}");
        }
    }
    for bad in ["startIndex=x", "count=1.5", "count=", "startIndex=1e3"] {
        let reply = idp.get(&format!("/Users?{bad}")).await.expect(400);
        assert_eq!(reply.body["scimType"], "invalidValue", "{bad}: {reply}");
    }
}

/// Also R-7644-3.4.3-01.
#[tokio::test(flavor = "multi_thread")]
async fn r_7644_3_4_3_02_a_search_says_everything_in_its_body() {
    let app = TestApp::start().await;
    let idp = people(&app).await;
    let search = json!({
        "schemas": [SEARCH],
        "filter": "nickName pr", "sortBy": "userName", "startIndex": 1, "count": 2, "attributes": ["nickName"],
    });
    for path in ["/Users/.search", "/Users/.search?filter=x&count=0&startIndex=y&sortBy=z&cursor="]
    {
        let found = idp.post(path, search.clone()).await.expect(200).body;
        assert_eq!((&found["totalResults"], &found["itemsPerPage"]), (&json!(3), &json!(2)));
        assert_eq!(found["Resources"][0]["nickName"], "Ä");
        assert_eq!(found["Resources"][0].get("userName"), None, "{found:#}");
        let got = idp.get("/Users?filter=nickName+pr&sortBy=userName&count=2&attributes=nickName");
        assert_eq!(found, got.await.expect(200).body);
    }
    for (path, field, value, kind) in [
        ("/Users/.search", "schemas", json!([]), "invalidSyntax"),
        ("/Users/.search", "schemas", json!([PATCH]), "invalidSyntax"),
        ("/Groups/.search", "schemas", Value::Null, "invalidSyntax"),
        ("/.search", "schemas", json!([CORE]), "invalidSyntax"),
        ("/Users/.search", "filter", json!("nickName"), "invalidFilter"),
        ("/.search", "filter", json!(""), "invalidFilter"),
        ("/.search", "sortBy", json!("shoeSize"), "invalidValue"),
        ("/Users/.search", "sortOrder", json!("up"), "invalidValue"),
        ("/Users/.search", "count", json!("2"), "invalidValue"),
    ] {
        let mut search = search.clone();
        search[field] = value;
        let reply = idp.post(path, search).await.expect(400);
        assert_eq!(reply.body["scimType"], kind, "{path} {field}: {reply}");
    }
    idp.get("/Users/.search").await.expect(405);
    idp.get("/.search").await.expect(405);
    idp.post("/", search).await.expect(405);
}

/// What a list of all types holds: `User:carol`, `Group:Sales`, …
fn all(list: &Reply) -> String {
    let found = list.body["Resources"].as_array().unwrap();
    assert_eq!(list.body["itemsPerPage"], found.len(), "{list}");
    let shown = found.iter().map(|one| {
        let name = one["userName"].as_str().or(one["displayName"].as_str()).unwrap_or("?");
        format!("{}:{name}", one["meta"]["resourceType"].as_str().unwrap_or("?"))
    });
    shown.collect::<Vec<_>>().join(" ")
}

/// Also R-7644-3.4.3-01.
#[tokio::test(flavor = "multi_thread")]
async fn r_7644_3_4_2_1_01_the_base_url_lists_every_type() {
    let app = TestApp::start().await;
    let idp = app.idp();
    let group = |name: &str| json!({ "schemas": [GROUP], "displayName": name, "externalId": "x" });
    let user = |name: &str, shown: &str| json!({ "schemas": [CORE], "userName": name, "displayName": shown, "externalId": name });
    let zoe = idp.post("/Users", user("zoe", "Sales")).await.expect(201).id();
    let mut sales = group("Sales");
    sales["members"] = json!([{ "value": zoe }]);
    idp.post("/Groups", sales).await.expect(201);
    idp.post("/Users", user("x", "Ops")).await.expect(201);
    idp.post("/Groups", group("Admins")).await.expect(201);
    let get = async |query: &str| {
        let list = idp.get(&format!("/?{query}")).await.expect(200);
        let mut search = json!({ "schemas": [SEARCH] });
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap();
            let value = value.replace('+', " ").replace("%22", "\"");
            search[name] = match (name, value.parse::<u64>()) {
                ("attributes" | "excludedAttributes", _) => json!([value]),
                (_, Ok(number)) => json!(number),
                (_, Err(_)) => json!(value),
            };
        }
        let searched = idp.post("/.search", search).await.expect(200);
        assert_eq!(searched.body, list.body, "{query}");
        all(&list)
    };
    // In the order of their creation, whatever they are.
    let everything = "User:zoe Group:Sales User:x Group:Admins";
    assert_eq!(get("").await, everything);
    assert_eq!(get("startIndex=2&count=2").await, "Group:Sales User:x");
    assert_eq!(get("startIndex=5").await, "");
    assert_eq!(get("filter=meta.resourceType+eq+%22User%22").await, "User:zoe User:x");
    assert_eq!(get("filter=displayName+eq+%22SALES%22").await, "User:zoe Group:Sales");
    assert_eq!(get("filter=externalId+eq+%22x%22").await, "Group:Sales User:x Group:Admins");
    // What a type lacks has no value there, and so is not there.
    assert_eq!(get("filter=userName+pr").await, "User:zoe User:x");
    assert_eq!(get("filter=not+(userName+pr)").await, "Group:Sales Group:Admins");
    assert_eq!(get("filter=userName+ne+%22x%22").await, "User:zoe Group:Sales Group:Admins");
    assert_eq!(get("filter=userName+eq+null").await, "Group:Sales Group:Admins");
    assert_eq!(get("filter=userName+eq+%22ZOE%22+or+members+pr").await, "User:zoe Group:Sales");
    assert_eq!(get("filter=emails.value+eq+%22a%22+and+members+pr").await, "");
    let group_only = "filter=urn:ietf:params:scim:schemas:core:2.0:Group:displayName+pr";
    assert_eq!(get(group_only).await, "Group:Sales Group:Admins");
    // Sorted over both; without a value last.
    assert_eq!(get("sortBy=displayName").await, "Group:Admins User:x User:zoe Group:Sales");
    assert_eq!(get("sortBy=userName").await, "User:x User:zoe Group:Sales Group:Admins");
    assert_eq!(
        get("sortBy=displayName&sortOrder=descending&startIndex=3").await,
        "User:x Group:Admins"
    );
    // Attributes of either type.
    let some = idp.get("/?attributes=userName,members.value,urn:x:y&count=2").await.expect(200);
    let (user, group) = (&some.body["Resources"][0], &some.body["Resources"][1]);
    assert_eq!((&user["userName"], user.get("displayName")), (&json!("zoe"), None));
    assert_eq!(group["members"], json!([{ "value": zoe }]));
    // An attribute that no type knows is the client's mistake.
    for (query, kind) in [
        ("filter=shoeSize+eq+44", "invalidFilter"),
        ("filter=userName+eq+1", "invalidFilter"),
        ("filter=password+pr", "invalidFilter"),
        ("sortBy=shoeSize", "invalidValue"),
    ] {
        let reply = idp.get(&format!("/?{query}")).await.expect(400);
        assert_eq!(reply.body["scimType"], kind, "{query}: {reply}");
    }
    // The address with and without the version, with and without a slash.
    let key = TestApp::key("acme");
    for path in ["/scim/acme/v2", "/scim/acme/v2/", "/scim/acme"] {
        let list = app.stranger(Some(&key)).get(path).await.expect(200);
        assert_eq!(all(&list), everything, "{path}");
    }
    // By cursor as well.
    let first = idp.get("/?cursor&count=3").await.expect(200);
    let cursor = first.body["nextCursor"].as_str().unwrap();
    let last = idp.get(&format!("/?cursor={cursor}&count=3")).await.expect(200);
    assert_eq!(all(&last), "Group:Admins");
}

/// Large results are paged; what is refused is a filter that would keep a core busy for minutes.
#[tokio::test(flavor = "multi_thread")]
async fn r_7644_3_4_2_1_02_what_costs_too_much_is_refused() {
    let mut app = TestApp::start().await;
    people(&app).await;
    // Four users: two terms are eight comparisons.
    app.restart_lists(Lists::new(&[9; 32]).comparing_at_most(8)).await;
    let idp = app.idp();
    idp.get("/Users?filter=title+pr+or+nickName+pr").await.expect(200);
    let three = "title+pr+or+nickName+pr+or+locale+pr";
    let reply = idp.get(&format!("/Users?filter={three}")).await.expect(400);
    assert_eq!(reply.body["scimType"], "tooMany", "{reply}");
    assert!(reply.body["detail"].as_str().unwrap().contains('8'), "{reply}");
    // An index leaves little to compare.
    let indexed = format!("/Users?filter=userName+eq+%22bob%22+and+({three})");
    idp.get(&indexed).await.expect(200);
}

/// Seen to be let through when only the groups counted: a group of many members costs as much as they are.
#[tokio::test(flavor = "multi_thread")]
async fn r_7644_3_4_2_1_02_members_that_are_compared_count() {
    let mut app = TestApp::start().await;
    let idp = app.idp();
    let mut members = Vec::new();
    for n in 0..20 {
        let body = json!({ "schemas": [CORE], "userName": format!("m{n}") });
        members.push(json!({ "value": idp.post("/Users", body).await.expect(201).id() }));
    }
    let group = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": "All",
        "members": members,
    });
    idp.post("/Groups", group).await.expect(201);
    app.restart_lists(Lists::new(&[9; 32]).comparing_at_most(100)).await;
    let idp = app.idp();
    for cheap in ["externalId+pr", "displayName+eq+%22ALL%22", "displayName+co+%22x%22"] {
        idp.get(&format!("/Groups?filter={cheap}")).await.expect(200);
    }
    for costly in ["members.display+co+%22x%22", "members%5Bdisplay+co+%22x%22%5D", "members+pr"] {
        let reply = idp.get(&format!("/Groups?filter={costly}")).await.expect(400);
        assert_eq!(reply.body["scimType"], "tooMany", "{reply}");
    }
}

/// A user is active unless the client says otherwise, and is found so: through the index, and by
/// looking.
#[tokio::test(flavor = "multi_thread")]
async fn r_7644_3_4_2_2_14_defaults_are_compared_as_clients_see_them() {
    let app = TestApp::start().await;
    let idp = app.idp();
    let created = idp.post("/Users", json!({ "schemas": [CORE], "userName": "ada" })).await;
    assert_eq!(created.expect(201).body["active"], true);
    for filter in
        ["active+eq+true", "active+eq+true+and+userName+pr", "active+pr", "active+ne+false"]
    {
        assert_eq!(names(&idp, &format!("filter={filter}")).await, "ada", "{filter}");
    }
    for filter in ["active+eq+false", "not+(active+eq+true)", "active+eq+null"] {
        assert_eq!(names(&idp, &format!("filter={filter}")).await, "", "{filter}");
    }
}
