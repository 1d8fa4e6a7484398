//! What one tenant does is invisible to every other: ids, names, errors, cursors, positions, feeds, the refusal journal,
//! erased persons; and a tenant that is suspended or closed tells nothing to whoever has no key of it.

use data_encoding::BASE64;
use reqwest::Method;
use serde_json::{Value, json};
use server::{Key, doors};
use testkit::app::{Client, OPERATOR_KEY, Reply, TestApp};

const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";

fn user(name: &str) -> Value {
    json!({ "schemas": [USER], "userName": name })
}

/// Globex's identity provider; paths are below the server's URL.
fn globex(app: &TestApp) -> Client {
    app.stranger(Some(&TestApp::key("globex")))
}

/// The status and the body, which must not tell two cases apart.
fn said(reply: &Reply, ours: &str, theirs: &str) -> (u16, String) {
    (reply.status.as_u16(), reply.body.to_string().replace(theirs, ours))
}

/// What is somebody else's is answered word for word as what never was.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_anothers_is_answered_as_what_never_was() {
    let app = TestApp::start().await;
    let ada = app.idp().post("/Users", user("ada")).await.expect(201).id();
    for n in 0..3 {
        app.idp().post("/Users", user(&format!("user-{n}"))).await.expect(201);
    }
    let never = "0198f3a0-0000-7000-8000-00000000ffff";
    let other = globex(&app);
    let one = |id: &str| format!("/scim/globex/v2/Users/{id}");
    for method in [Method::GET, Method::DELETE] {
        let theirs = other.send(method.clone(), &one(&ada), &[], None).await;
        let nobodys = other.send(method, &one(never), &[], None).await;
        assert_eq!(said(&theirs, never, &ada), said(&nobodys, never, &ada));
        assert_eq!(theirs.status.as_u16(), 404);
    }
    for path in ["users/{}", "users/{}/roles/Admin", "groups/{}", "credentials/{}"] {
        let ask = async |id: &str| {
            let path = format!("/tenants/globex/{}", path.replace("{}", id));
            let method = if path.contains("/roles/") { Method::PUT } else { Method::GET };
            app.operator().send(method, &path, &[], None).await
        };
        let (theirs, nobodys) = (ask(&ada).await, ask(never).await);
        assert_eq!(said(&theirs, never, &ada), said(&nobodys, never, &ada), "{path}");
        assert_eq!(theirs.status.as_u16(), 404, "{path}: {theirs}");
    }
    // A good key at another's address, and at no address; a bad key of a tenant, and of no tenant.
    let key = TestApp::key("acme");
    for (key, status) in [(key.as_str(), 404), ("acme:wrong-secret-of-acme", 401), ("wrong", 401)] {
        let ask = async |slug: &str| {
            let key = key.replace("acme:wrong", &format!("{slug}:wrong"));
            app.stranger(Some(&key)).get(&format!("/scim/{slug}/v2/Users")).await
        };
        let (there, nowhere) = (ask("globex").await, ask("nobody").await);
        assert_eq!(said(&there, "nobody", "globex"), said(&nowhere, "nobody", "globex"), "{key}");
        assert_eq!(there.status.as_u16(), status, "{key}: {there}");
    }
    // What is open to everyone does not tell which tenants there are.
    let config = async |slug: &str| {
        app.stranger(None).get(&format!("/scim/{slug}/v2/ServiceProviderConfig")).await
    };
    let (there, nowhere) = (config("globex").await, config("nobody").await);
    assert_eq!(said(&there, "nobody", "globex"), said(&nowhere, "nobody", "globex"));
}

/// Cursors, positions, the feed and the journal are each tenant's own.
#[tokio::test(flavor = "multi_thread")]
async fn places_in_one_tenant_are_no_places_in_another() {
    let app = TestApp::start().await;
    for n in 0..5 {
        app.idp().post("/Users", user(&format!("user-{n}"))).await.expect(201);
    }
    app.idp().post("/Users", user("user-1")).await.expect(409);
    let other = globex(&app);
    let page = app.idp().get("/Users?cursor&count=2").await.expect(200);
    let cursor = page.body["nextCursor"].as_str().unwrap().to_owned();
    let theirs = other.get(&format!("/scim/globex/v2/Users?cursor={cursor}&count=2")).await;
    let nobodys = other.get("/scim/globex/v2/Users?cursor=AAAA&count=2").await;
    assert_eq!(theirs.status.as_u16(), 400, "{theirs}");
    assert_eq!(said(&theirs, "", &cursor), said(&nobodys, "", "AAAA"));

    let position = app.idp().get("/Users").await.header("rollbook-position").to_owned();
    let own = other.get("/scim/globex/v2/Users").await.expect(200);
    assert_ne!(own.header("rollbook-position"), position);
    other.get(&format!("/scim/globex/v2/Users?min-position={position}")).await.expect(503);
    other.get(&format!("/scim/globex/v2/Users?asOf={position}")).await.expect(400);
    let operator = app.operator();
    operator.get(&format!("/tenants/globex/feed?after={position}")).await.expect(409);
    let feed = operator.get("/tenants/globex/feed").await.expect(200).body.to_string();
    assert!(!feed.contains("user-"), "{feed}");
    // Its own refusals, of above, and none of the other's.
    let problems = operator.get("/tenants/globex/problems").await.expect(200).body;
    assert_eq!(problems["problems"].as_array().unwrap().len(), 4, "{problems}");
    assert!(!problems.to_string().contains("user-"), "{problems}");
    let own = operator.get("/tenants/acme/problems").await.expect(200).body;
    assert_eq!(own["problems"].as_array().unwrap().len(), 1, "{own}");
}

/// The erasure of one leaves the other tenant's person of the same name as they were.
#[tokio::test(flavor = "multi_thread")]
async fn an_erasure_reaches_no_other_tenant() {
    let app = TestApp::start().await;
    let other = globex(&app);
    app.idp().post("/Users", user("jane@x.test")).await.expect(201);
    let twin = other.post("/scim/globex/v2/Users", user("jane@x.test")).await.expect(201);
    other.post("/scim/globex/v2/Users", user("jane@x.test")).await.expect(409);
    let reason = json!({ "reason": "request 4711" });
    app.operator().post("/tenants/acme/users/jane@x.test/erase", reason).await.expect(200);
    let path = format!("/scim/globex/v2/Users/{}", twin.id());
    assert_eq!(other.get(&path).await.expect(200).body, twin.body);
    let problems = app.operator().get("/tenants/globex/problems").await.expect(200).body;
    assert_eq!(problems["problems"].as_array().unwrap().len(), 1, "{problems}");
}

/// Each door of a connector, whatever it leads to: 503 while the tenant is suspended, and nothing once it is closed. Whoever
/// has no key of it learns neither.
#[tokio::test(flavor = "multi_thread")]
async fn every_door_of_a_tenant_is_shut_with_it() {
    let app = TestApp::start().await;
    let knock = async |key: &str, method: &str, path: &str| {
        let body = matches!(method, "POST" | "PUT" | "PATCH").then(|| b"{}".to_vec());
        app.stranger(Some(key)).send(method.parse().unwrap(), path, &[], body).await
    };
    for (verb, status) in [("suspend", 503), ("close", 401)] {
        let body = if verb == "close" { json!({ "slug": "acme" }) } else { json!({}) };
        app.operator().post(&format!("/tenants/acme/{verb}"), body).await.expect(200);
        for door in doors("acme").into_iter().filter(|door| door.key == Key::Connector) {
            let reply = knock(&TestApp::key("acme"), door.method, &door.path).await;
            assert_eq!(reply.status.as_u16(), status, "{verb}: {door:?}: {reply}");
            let reply = knock("acme:wrong-secret-of-acme", door.method, &door.path).await;
            assert_eq!(reply.status.as_u16(), 401, "{verb}: {door:?}: {reply}");
            let elsewhere = knock(&TestApp::key("globex"), door.method, &door.path).await;
            assert_eq!(elsewhere.status.as_u16(), 404, "{verb}: {door:?}: {elsewhere}");
        }
        globex(&app).get("/scim/globex/v2/Users").await.expect(200);
    }
}

/// How many keys and passwords were hashed so far. Asking hashes the operator's key.
pub(crate) async fn hashed(app: &TestApp) -> [u64; 2] {
    let text = app.stranger(Some(OPERATOR_KEY)).get("/metrics").await.expect(200).body;
    let text = text.as_str().unwrap().to_owned();
    ["key", "password"].map(|kind| {
        let name = format!("rollbook_secrets_hashed_total{{kind=\"{kind}\"}} ");
        text.lines().find_map(|line| line.strip_prefix(&name)).unwrap().parse().unwrap()
    })
}

/// Where identity providers knock, and where scripts do.
const SCIM: &str = "/scim/{}/v2/Users";
const API: &str = "/api/v2/users";

/// Slugs, and what is shown there.
type Tries<'a> = Vec<(&'a str, String)>;

/// An unknown tenant, a good credential of another one and a wrong one: the same answer, after the same work, so that
/// neither tells which tenants there are. What is counted is what costs time: an answer's time itself is the machine's.
///
/// Seen to catch a key that is hashed only once its tenant was found.
#[tokio::test(flavor = "multi_thread")]
async fn strangers_are_sent_away_alike_and_after_the_same_steps() {
    let app = TestApp::start().await;
    let issue = async |what: Value| {
        let mut body = json!({ "connector": server::FIRST_CONNECTOR });
        body.as_object_mut().unwrap().extend(what.as_object().unwrap().clone());
        app.operator().post("/tenants/acme/credentials", body).await.expect(201).body
    };
    let key = issue(json!({})).await["apiKey"].as_str().unwrap().to_owned();
    let secret = key.strip_prefix("acme:").unwrap();
    let basic = json!({ "basic": { "user": "svc", "password": "a password of acme" } });
    issue(basic).await;
    app.connector("management").await;
    let script = "management-test-scim-secret-0001";
    let knock = async |door: &str, slug: &str, shown: &str| {
        let header = if door == API { "http-x-partner-auth" } else { "authorization" };
        let path = door.replace("{}", slug);
        app.stranger(None).send(Method::GET, &path, &[(header, shown)], None).await
    };
    let encoded = |text: &str| format!("Basic {}", BASE64.encode(text.as_bytes()));
    knock(SCIM, "acme", &format!("Bearer {secret}")).await.expect(200);
    knock(SCIM, "acme", &encoded("svc:a password of acme")).await.expect(200);
    knock(API, "acme", &format!("acme:{script}")).await.expect(200);

    // Of each way to say who one is: a wrong one, one that is good elsewhere; here, and where nothing is.
    let ways: [(&str, &str, Tries<'_>, [u64; 2]); 5] = [
        (
            "keys",
            SCIM,
            vec![
                ("acme", "Bearer rbk_wrong".into()),
                ("globex", "Bearer rbk_wrong".into()),
                ("globex", format!("Bearer {secret}")),
                ("globex", format!("Bearer globex:{secret}")),
                ("globex", encoded(&format!("globex:{secret}"))),
                ("globex", "Bearer rbt_wrong".into()),
                ("nobody", format!("Bearer {secret}")),
                ("nobody", format!("Bearer nobody:{secret}")),
                ("nobody", encoded(&format!("nobody:{secret}"))),
                ("nobody", "Bearer rbt_wrong".into()),
            ],
            [1, 0],
        ),
        (
            "passwords",
            SCIM,
            vec![
                ("acme", encoded("svc:a wrong password")),
                ("acme", encoded("none:a password of acme")),
                ("globex", encoded("svc:a password of acme")),
                ("nobody", encoded("svc:a password of acme")),
            ],
            [1, 1],
        ),
        (
            "a good key, elsewhere",
            SCIM,
            vec![("globex", format!("Bearer {key}")), ("nobody", format!("Bearer {key}"))],
            [1, 0],
        ),
        (
            "keys of scripts",
            API,
            vec![
                ("acme", "acme:rbk_wrong".into()),
                ("globex", "globex:rbk_wrong".into()),
                ("globex", format!("globex:{script}")),
                ("nobody", format!("nobody:{script}")),
                ("nobody", "nobody:rbt_wrong".into()),
            ],
            [1, 0],
        ),
        // No path says which tenant is meant, so such a key is of none.
        (
            "keys of scripts without a tenant",
            API,
            vec![("acme", script.into()), ("nobody", "rbk_wrong".into())],
            [0, 0],
        ),
    ];
    for (way, door, tries, steps) in ways {
        let mut first = None;
        for (slug, shown) in tries {
            let before = hashed(&app).await;
            let reply = knock(door, slug, &shown).await;
            let after = hashed(&app).await;
            let [keys, passwords] = [after[0] - before[0] - 1, after[1] - before[1]];
            assert_eq!([keys, passwords], steps, "{way}: {slug} {shown}");
            let challenge = reply.headers.get("www-authenticate").cloned();
            let challenge = challenge.map(|told| told.to_str().unwrap().replace(slug, "acme"));
            let told = (said(&reply, "acme", slug), challenge);
            assert_eq!(first.get_or_insert_with(|| told.clone()), &told, "{way}: {slug}");
        }
    }
}
