//! Who may do what (RFC 7644 §2, RFC 6750), tenants (RFC 7644 §6), privacy (RFC 7644 §7).

use std::net::TcpListener;

use reqwest::Method;
use serde_json::{Value, json};
use testkit::app::{Client, OPERATOR_KEY, SCIM_SECRET, TestApp};

use super::*;

async fn own_key(app: &TestApp, name: &str) -> Client {
    let issued = app.operator().post("/tenants/acme/credentials", json!({ "user": name })).await;
    app.idp().with_key(issued.expect(201).body["apiKey"].as_str().unwrap())
}

/// Also R-7644-7.6-01, R-7644-3.11-01, R-7644-3.11-02.
#[tokio::test(flavor = "multi_thread")]
async fn r_7644_2_01_each_client_has_its_own_rights() {
    let app = TestApp::start().await;
    let ada = app.idp().post("/Users", user("ada", json!({}))).await.expect(201);
    let me = own_key(&app, "ada").await;
    assert_eq!(me.get("/Me").await.expect(200).id(), ada.id());
    refused(app.idp().get("/Me").await, 404, "");
    let before = head(&app);
    let nobody = app.stranger(None);
    let users = "/scim/acme/v2/Users";
    for (client, base, status) in [
        // A user's key reads its user, and nothing else.
        (me, "", 403),
        // Who shows no key does nothing, and an operator's is none of a tenant's.
        (nobody.clone(), "/scim/acme/v2", 401),
        (app.stranger(Some(OPERATOR_KEY)), "/scim/acme/v2", 401),
    ] {
        let path = |rest: &str| format!("{base}{rest}");
        let one = path(&at(&ada));
        for reply in [
            client.get(&path("/Users")).await,
            client.get(&one).await,
            client.get(&path("/Schemas")).await,
            client.post(&path("/Users"), user("eve", json!({}))).await,
            client.put(&one, user("eve", json!({}))).await,
            client.patch(&one, super::one("add", "title", json!("T"))).await,
            client.delete(&one).await,
            client.post(&path("/Groups"), group("Team", &[])).await,
            client.post(&path("/Bulk"), json!({})).await,
            client.post(&path("/.search"), json!({})).await,
        ] {
            refused(reply, status, "");
        }
    }
    // A connector's key is no operator's.
    for key in [None, Some(TestApp::key("acme"))] {
        let reply = app.stranger(key.as_deref()).get("/admin/v1/tenants/acme").await;
        assert_eq!(reply.status.as_u16(), 401, "{reply}");
    }
    assert_eq!(nobody.get(users).await.status.as_u16(), 401);
    assert_eq!(head(&app), before);
    assert_eq!(app.idp().get(&at(&ada)).await.expect(200).body, ada.body);
}

/// Also R-6750-3-01, R-6750-2-01.
#[tokio::test(flavor = "multi_thread")]
async fn r_7644_2_02_challenges_and_where_tokens_are_read() {
    let app = TestApp::start().await;
    app.idp().post("/Users", user("ada", json!({}))).await.expect(201);
    let (key, users) = (TestApp::key("acme"), "/scim/acme/v2/Users");
    let challenges = |reply: &Reply| -> Vec<String> {
        let all = reply.headers.get_all("www-authenticate").iter();
        all.map(|one| one.to_str().unwrap().to_owned()).collect()
    };
    // Every scheme that the configuration names, and no error code when nothing came.
    let none = refused(app.stranger(None).get(users).await, 401, "");
    let metadata = format!("{}/.well-known/oauth-protected-resource/scim/acme/v2", app.url);
    let bearer = format!("Bearer realm=\"scim\", resource_metadata=\"{metadata}\"");
    assert_eq!(challenges(&none), [bearer.as_str(), "Basic realm=\"scim\""]);
    let config = app.idp().get("/ServiceProviderConfig").await.expect(200).body;
    let mut schemes: Vec<&str> = config["authenticationSchemes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|scheme| scheme["type"].as_str().unwrap())
        .collect();
    schemes.sort_unstable();
    assert_eq!(schemes, ["httpbasic", "oauthbearertoken"]);
    let with = async |headers: &[(&str, &str)], path: &str| {
        app.stranger(None).send(Method::GET, path, headers, None).await
    };
    for bad in ["Bearer nonsense", "Bearer acme:nonsense", "Bearer", "Digest x", "Basic %%"] {
        let reply = refused(with(&[("authorization", bad)], users).await, 401, "");
        assert!(challenges(&reply)[0].contains("error=\"invalid_token\""), "{bad}: {reply}");
    }
    let reply = refused(own_key(&app, "ada").await.get("/Users").await, 403, "");
    assert!(challenges(&reply)[0].contains("error=\"insufficient_scope\""), "{reply}");
    let bearer = format!("Bearer {key}");
    let twice = [("authorization", bearer.as_str()), ("authorization", bearer.as_str())];
    let mut two = reqwest::Client::new().get(format!("{}{users}", app.url));
    for (name, value) in twice {
        two = two.header(name, value);
    }
    let two = two.send().await.unwrap();
    assert_eq!(two.status().as_u16(), 400);
    let challenge = two.headers()["www-authenticate"].to_str().unwrap();
    assert!(challenge.contains("error=\"invalid_request\""), "{challenge}");
    // The scheme in any case; the key in the header only.
    for scheme in ["Bearer", "bearer", "BEARER"] {
        with(&[("authorization", &format!("{scheme} {key}"))], users).await.expect(200);
    }
    for name in ["access_token", "token", "api_key"] {
        refused(with(&[], &format!("{users}?{name}={key}")).await, 401, "");
    }
    refused(
        with(&[("x-api-key", &key), ("cookie", &format!("access_token={key}"))], users).await,
        401,
        "",
    );
    let form = format!("access_token={key}").into_bytes();
    let media = [("content-type", "application/x-www-form-urlencoded")];
    let reply = app.stranger(None).send(Method::POST, users, &media, Some(form)).await;
    refused(reply, 401, "");
}

#[tokio::test(flavor = "multi_thread")]
async fn r_7644_7_4_01_keys_are_long_end_and_are_kept_as_hashes() {
    let app = TestApp::start().await;
    let (idp, operator, keys) = (app.idp(), app.operator(), "/tenants/acme/credentials");
    let held = operator.get(keys).await.expect(200).body["credentials"][0].clone();
    let connector = held["connector"].clone();
    let issue = async |expires: Value| {
        let body = json!({ "connector": connector, "expires": expires });
        let issued = operator.post(keys, body).await.expect(201).body;
        issued["apiKey"].as_str().unwrap().to_owned()
    };
    // 256 random bits are 52 characters of base 32.
    let (one, two) = (issue(Value::Null).await, issue(Value::Null).await);
    for key in [&one, &two] {
        let random = key.strip_prefix("acme:rbk_").unwrap();
        assert_eq!(random.len(), 52, "{key}");
    }
    assert_ne!(one, two);
    // Rotation: both are good until the old one is revoked.
    let new = idp.with_key(&one);
    idp.get("/Users").await.expect(200);
    new.get("/Users").await.expect(200);
    operator.delete(&format!("{keys}/{}", held["id"].as_str().unwrap())).await.expect(200);
    refused(idp.get("/Users").await, 401, "");
    new.get("/Users").await.expect(200);
    // One that ends is refused from then on.
    let short = idp.with_key(&issue(json!("2026-01-01T00:01:00Z")).await);
    short.get("/Users").await.expect(200);
    wait(&app, 60_000);
    refused(short.get("/Users").await, 401, "");
    new.get("/Users").await.expect(200);
    // No file has a key in clear, and no list of keys.
    let listed = operator.get(keys).await.expect(200).body.to_string();
    let mut bytes = Vec::new();
    let mut folders = vec![app.folder().to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            match entry.file_type().unwrap().is_dir() {
                true => folders.push(entry.path()),
                false => bytes.extend(std::fs::read(entry.path()).unwrap()),
            }
        }
    }
    assert!(bytes.len() > 1_000, "nothing was looked through");
    for key in [one.as_str(), two.as_str(), OPERATOR_KEY, SCIM_SECRET] {
        let secret = key.trim_start_matches("acme:");
        assert!(!listed.contains(secret), "{listed}");
        assert!(!bytes.windows(secret.len()).any(|part| part == secret.as_bytes()), "{secret}");
    }
}

/// Also R-7644-6-01, R-7644-6.2-01.
#[tokio::test(flavor = "multi_thread")]
async fn r_7644_6_02_nothing_crosses_the_border() {
    let app = TestApp::start().await;
    let (acme, other) = (app.idp(), globex(&app));
    let theirs = "/scim/globex/v2";
    let more = json!({ "externalId": "E1" });
    let ada = acme.post("/Users", user("ada", more.clone())).await.expect(201);
    let team = acme.post("/Groups", group("Team", &[&ada.id()])).await.expect(201);
    // The key decides; another tenant's address does not exist for it.
    for path in ["/scim/globex/v2/Users", "/scim/nobody/v2/Users"] {
        let reply = app.stranger(Some(&TestApp::key("acme"))).get(path).await;
        assert_eq!(reply.status.as_u16(), 404, "{path}: {reply}");
    }
    // The same ids, names and values, seen from over there.
    for reply in [
        other.get(&format!("{theirs}{}", at(&ada))).await,
        other.put(&format!("{theirs}{}", at(&ada)), user("ada", json!({}))).await,
        other.patch(&format!("{theirs}{}", at(&ada)), one("add", "title", json!("T"))).await,
        other.delete(&format!("{theirs}{}", at(&ada))).await,
        other.get(&format!("{theirs}{}", at_group(&team))).await,
    ] {
        refused(reply, 404, "");
    }
    for path in ["/Users", "/Groups", ""] {
        let list = other.get(&format!("{theirs}{path}")).await.expect(200).body;
        assert_eq!(list["totalResults"], 0, "{path}");
    }
    for filter in ["externalId eq \"E1\"", "userName eq \"ada\""] {
        let query = format!("{theirs}/Users?filter={}", encoded(filter));
        assert_eq!(other.get(&query).await.expect(200).body["totalResults"], 0, "{filter}");
    }
    bad(other.post(&format!("{theirs}/Groups"), group("Team", &[&ada.id()])).await, "invalidValue");
    let managed = json!({ ENTERPRISE: { "manager": { "value": ada.id() } } });
    let managed = other.post(&format!("{theirs}/Users"), user("m", managed)).await;
    assert!(managed.body[ENTERPRISE]["manager"].get("displayName").is_none(), "{managed}");
    let bulk = "urn:ietf:params:scim:api:messages:2.0:BulkRequest";
    let job = json!({ "schemas": [bulk],
        "Operations": [{ "method": "DELETE", "path": at(&ada) }] });
    let done = other.post(&format!("{theirs}/Bulk"), job).await.expect(200).body;
    assert_eq!(done["Operations"][0]["status"], "404");
    // Names and values are free there, ids are nobody's twice.
    let twin = other.post(&format!("{theirs}/Users"), user("ADA", more)).await.expect(201);
    assert_ne!(twin.id(), ada.id());
    assert_eq!(twin.body["externalId"], "E1");
    refused(acme.get(&at(&twin)).await, 404, "");
    assert_eq!(acme.get(&at(&ada)).await.expect(200).body["userName"], "ada");
    assert_eq!(acme.get("/Users").await.expect(200).body["totalResults"], 1);
}

/// Limits are the same for all tenants: what is told of them is what holds.
#[tokio::test(flavor = "multi_thread")]
async fn r_7644_6_03_schemas_and_modes_are_the_tenants_own() {
    let app = TestApp::start().await;
    let (acme, other) = (app.idp(), globex(&app));
    extend(&app, false, json!([{ "name": "colour" }])).await.unwrap();
    acme.get(&format!("/Schemas/{OWN}")).await.expect(200);
    refused(other.get(&format!("/scim/globex/v2/Schemas/{OWN}")).await, 404, "");
    let types = |body: &Value| body["schemaExtensions"].as_array().unwrap().len();
    assert_eq!(types(&acme.get("/ResourceTypes/User").await.expect(200).body), 2);
    let theirs = other.get("/scim/globex/v2/ResourceTypes/User").await.expect(200).body;
    assert_eq!(types(&theirs), 1);
    assert!(theirs["meta"]["location"].as_str().unwrap().contains("/scim/globex/"), "{theirs}");
    let config = other.get("/scim/globex/v2/ServiceProviderConfig").await.expect(200).body;
    assert!(config["meta"]["location"].as_str().unwrap().contains("/scim/globex/"), "{config}");
    // What a connector reads strictly, another reads leniently.
    let strict = app.connector("strict").await;
    let quirky = |name: &str| user(name, json!({ "active": "True" }));
    bad(strict.post("/Users", quirky("a")).await, "invalidValue");
    acme.post("/Users", quirky("a")).await.expect(201);
    other.post("/scim/globex/v2/Users", quirky("a")).await.expect(201);
}

/// What is stored are texts: no address among them is called.
#[tokio::test(flavor = "multi_thread")]
async fn r_7644_7_7_01_input_is_bounded_and_no_address_in_it_is_fetched() {
    let trap = TcpListener::bind("127.0.0.1:0").unwrap();
    trap.set_nonblocking(true).unwrap();
    let there = format!("http://{}", trap.local_addr().unwrap());
    let app = TestApp::start().await;
    let idp = app.idp();
    let more = json!({ "profileUrl": there, "photos": [{ "value": format!("{there}/p.png") }],
        ENTERPRISE: { "manager": { "value": "", "$ref": format!("{there}/Users/1") } } });
    let ada = idp.post("/Users", user("ada", more)).await.expect(201);
    assert_eq!(ada.body["profileUrl"], there);
    let member = json!([{ "value": ada.id(), "$ref": format!("{there}/Users/2") }]);
    let team = json!({ "schemas": [GROUP], "displayName": "Team", "members": member });
    let team = idp.post("/Groups", team).await.expect(201);
    assert!(!team.body["members"][0]["$ref"].as_str().unwrap().starts_with(&there));
    idp.get("/Users").await.expect(200);
    let called = trap.accept().map(drop).unwrap_err();
    assert_eq!(called.kind(), std::io::ErrorKind::WouldBlock, "somebody called");
    let deep = format!("{}1{}", "[".repeat(1_000), "]".repeat(1_000)).into_bytes();
    bad(idp.send(Method::POST, "/Users", &[], Some(deep)).await, "invalidSyntax");
    let many: Vec<Value> = (0..20_000).map(|n| json!({ "value": format!("{n}@x.test") })).collect();
    let lists = idp.post("/Users", user("bob", json!({ "emails": many }))).await;
    assert!(lists.status.is_client_error(), "{}", lists.status);
    bad(idp.post("/Users", user(&"x".repeat(20_000), json!({}))).await, "invalidValue");
    assert_eq!(idp.get("/Users").await.expect(200).body["totalResults"], 1);
}

/// Also R-7644-7.8-01, R-7644-5-03.
#[tokio::test(flavor = "multi_thread")]
async fn r_7644_5_01_user_names_are_one_in_every_spelling() {
    let app = TestApp::start().await;
    let idp = app.idp();
    // A full-width J, small and large letters, composed and not.
    let more = json!({ "nickName": "Straße", "title": "Zoe\u{308}" });
    let made = idp.post("/Users", user("\u{ff2a}örg", more)).await.expect(201);
    assert_eq!(made.body["userName"], "\u{ff2a}örg", "what was sent comes back");
    for same in ["jörg", "JÖRG", "jo\u{308}rg"] {
        assert_eq!(found(&idp, &format!("userName eq \"{same}\"")).await.len(), 1, "{same}");
        refused(idp.post("/Users", user(same, json!({}))).await, 409, "uniqueness");
    }
    for (filter, count) in [
        ("nickName eq \"STRASSE\"", 1),
        ("nickName eq \"strasse\"", 1),
        ("title eq \"ZO\u{cb}\"", 1),
        ("title eq \"Zoe\"", 0),
        ("title ew \"\u{eb}\"", 1),
    ] {
        assert_eq!(found(&idp, filter).await.len(), count, "{filter}");
    }
    // What is stored is the text; what it is compared by is made anew from it.
    let history = "/tenants/acme/audit/commits?order=newest&count=1";
    let event = app.operator().get(history).await.expect(200).body.to_string();
    assert!(event.contains("\u{ff2a}örg") && !event.contains("\"jörg\""), "{event}");
    for disallowed in ["two words", "tab\there", "\u{200b}", "a\u{5d0}"] {
        bad(idp.post("/Users", user(disallowed, json!({}))).await, "invalidValue");
    }
}
