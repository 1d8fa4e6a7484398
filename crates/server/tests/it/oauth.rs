//! Tokens for clients that sign, and what nobody gets one for.

use std::sync::atomic::Ordering;

use data_encoding::BASE64URL_NOPAD;
use reqwest::Method;
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _,
};
use serde_json::{Value, json};
use testkit::app::{Client, EPOCH_MILLIS, Reply, TestApp};

const CREDENTIALS: &str = "/tenants/acme/credentials";
const NOW: i64 = EPOCH_MILLIS / 1_000;

/// A client with an EC key and an Ed25519 key, both registered.
struct Signer {
    ec: EcdsaKeyPair,
    ed: Ed25519KeyPair,
    client: String,
    endpoint: String,
    /// Of the EC key.
    credential: String,
}

/// What is asserted, and how.
struct Assertion {
    header: Value,
    claims: Value,
}

impl Signer {
    async fn register(app: &TestApp, tenant: &str) -> Signer {
        let random = SystemRandom::new();
        let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(algorithm, &random).unwrap();
        let ec = EcdsaKeyPair::from_pkcs8(algorithm, pkcs8.as_ref(), &random).unwrap();
        let pkcs8 = Ed25519KeyPair::generate_pkcs8(&random).unwrap();
        let ed = Ed25519KeyPair::from_pkcs8(pkcs8.as_ref()).unwrap();
        let (x, y) = ec.public_key().as_ref()[1..].split_at(32);
        let (x, y) = (BASE64URL_NOPAD.encode(x), BASE64URL_NOPAD.encode(y));
        let jwk = json!({ "kty": "EC", "crv": "P-256", "kid": "ec", "x": x, "y": y });
        let path = format!("/tenants/{tenant}/credentials");
        let connector = server::FIRST_CONNECTOR;
        let body = json!({ "connector": connector, "jwk": jwk });
        let issued = app.operator().post(&path, body).await.expect(201);
        let x = BASE64URL_NOPAD.encode(ed.public_key().as_ref());
        let jwk = json!({ "kty": "OKP", "crv": "Ed25519", "kid": "ed", "x": x });
        let body = json!({ "connector": connector, "jwk": jwk, "scopes": ["read"] });
        app.operator().post(&path, body).await.expect(201);
        let text = |name: &str| issued.body[name].as_str().unwrap().to_owned();
        let (client, endpoint) = (text("clientId"), text("tokenEndpoint"));
        Signer { ec, ed, client, endpoint, credential: issued.id() }
    }

    /// One that is good, as the clock of a [`TestApp`] stands at first.
    fn assertion(&self, jti: &str) -> Assertion {
        let header = json!({ "alg": "ES256", "kid": "ec", "typ": "JWT" });
        let claims = json!({
            "iss": self.client, "sub": self.client, "aud": self.endpoint, "jti": jti,
            "iat": NOW, "exp": NOW + 300,
        });
        Assertion { header, claims }
    }

    fn signed(&self, assertion: &Assertion) -> String {
        let message = unsigned(assertion);
        let signature = match assertion.header["kid"].as_str() {
            Some("ed") => self.ed.sign(message.as_bytes()).as_ref().to_vec(),
            _ => {
                let random = SystemRandom::new();
                self.ec.sign(&random, message.as_bytes()).unwrap().as_ref().to_vec()
            }
        };
        format!("{message}.{}", BASE64URL_NOPAD.encode(&signature))
    }

    /// A token that is good now.
    async fn token(&self, app: &TestApp, jti: &str) -> Reply {
        ask(app, "acme", &self.signed(&self.assertion(jti)), &[]).await.expect(200)
    }
}

impl Assertion {
    fn with(mut self, name: &str, value: Value) -> Assertion {
        self.claims[name] = value;
        self
    }

    fn headed(mut self, name: &str, value: Value) -> Assertion {
        self.header[name] = value;
        self
    }
}

fn unsigned(assertion: &Assertion) -> String {
    let part = |value: &Value| BASE64URL_NOPAD.encode(value.to_string().as_bytes());
    format!("{}.{}", part(&assertion.header), part(&assertion.claims))
}

/// Asks for a token.
async fn ask(app: &TestApp, tenant: &str, assertion: &str, more: &[(&str, &str)]) -> Reply {
    let mut form = format!(
        "grant_type=client_credentials&client_assertion={assertion}&client_assertion_type=\
         urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer"
    );
    for (name, value) in more {
        form.push_str(&format!("&{name}={value}"));
    }
    let media = [("content-type", "application/x-www-form-urlencoded")];
    let path = format!("/oauth/{tenant}/token");
    app.stranger(None).send(Method::POST, &path, &media, Some(form.into())).await
}

fn holding(app: &TestApp, token: &Reply) -> Client {
    app.idp().with_key(token.body["access_token"].as_str().unwrap())
}

/// Each is signed by the client's own key but where it says otherwise, and wrong in one thing.
#[tokio::test(flavor = "multi_thread")]
async fn no_assertion_that_is_wrong_in_one_thing_is_good_for_a_token() {
    let app = TestApp::start().await;
    let signer = Signer::register(&app, "acme").await;
    let good = || signer.assertion("one");
    let sign = |assertion: Assertion| signer.signed(&assertion);
    let none = unsigned(&good().headed("alg", json!("none")));
    let of_good = sign(good());
    let (message, signature) = of_good.rsplit_once('.').unwrap();
    let other = unsigned(&good().with("exp", json!(NOW + 301)));
    let globex = format!("{}/oauth/globex/token", app.url);
    for (what, text) in [
        ("nothing", String::new()),
        ("no signature", format!("{none}.")),
        ("no algorithm, signed", sign(good().headed("alg", json!("none")))),
        ("another algorithm than the key's", sign(good().headed("alg", json!("EdDSA")))),
        ("the algorithm of RSA", sign(good().headed("alg", json!("RS256")))),
        ("a secret's algorithm", sign(good().headed("alg", json!("HS256")))),
        ("another key's name", sign(good().headed("kid", json!("ed")))),
        ("an unknown key's name", sign(good().headed("kid", json!("none")))),
        ("a critical header", sign(good().headed("crit", json!(["b64"])))),
        ("an access token's type", sign(good().headed("typ", json!("at+jwt")))),
        ("another's signature", format!("{other}.{signature}")),
        ("a cut signature", format!("{message}.{}", &signature[..40])),
        ("another server", sign(good().with("aud", json!("https://elsewhere.example/token")))),
        ("another tenant's endpoint", sign(good().with("aud", json!(globex)))),
        ("several servers", sign(good().with("aud", json!([signer.endpoint, "https://else"])))),
        ("no client", sign(good().with("sub", json!("nobody")))),
        ("two clients", sign(good().with("iss", json!("nobody")))),
        ("ended", sign(good().with("iat", json!(NOW)).with("exp", json!(NOW - 30)))),
        ("no end", sign(good().with("exp", Value::Null))),
        ("of tomorrow", sign(good().with("iat", json!(NOW + 6)))),
        ("not good before tomorrow", sign(good().with("nbf", json!(NOW + 6)))),
        ("good for too long", sign(good().with("exp", json!(NOW + 3_601)))),
        ("made at no time", sign(good().with("iat", Value::Null))),
        ("without a name", sign(good().with("jti", Value::Null))),
    ] {
        let reply = ask(&app, "acme", &text, &[]).await;
        assert_eq!(reply.status, 401, "{what}: {reply}");
        assert_eq!(reply.body["error"], "invalid_client", "{what}: {reply}");
        assert_eq!(reply.header("cache-control"), "no-store", "{what}");
        // Which of them it was, only an operator reads.
        assert!(
            reply.body["error_description"].as_str().unwrap().contains("refusal journal"),
            "{what}: {reply}"
        );
    }
    // None of them used it up.
    let token = ask(&app, "acme", &of_good, &[]).await.expect(200);
    holding(&app, &token).get("/Users").await.expect(200);
    // Not what is asserted here, but in which way.
    for (more, error) in [
        (("client_id", "nobody"), "invalid_client"),
        (("client_secret", "x"), "invalid_client"),
        (("scope", "everything"), "invalid_scope"),
        (("resource", "https://elsewhere.example"), "invalid_target"),
        (("grant_type", "password"), "invalid_request"),
    ] {
        let text = sign(signer.assertion(more.0));
        let reply = ask(&app, "acme", &text, &[more]).await;
        assert_eq!(reply.body["error"], error, "{more:?}: {reply}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_assertion_is_good_once_and_not_after_a_restart() {
    let app = TestApp::start().await;
    let signer = Signer::register(&app, "acme").await;
    let text = signer.signed(&signer.assertion("one"));
    ask(&app, "acme", &text, &[]).await.expect(200);
    ask(&app, "acme", &text, &[]).await.expect(401);
    signer.token(&app, "two").await;
    app.clock.fetch_add(1_000, Ordering::Relaxed);
    let app = app.restarted().await;
    let endpoint = format!("{}/oauth/acme/token", app.url);
    // Known to no server that runs, and for all it knows used before it ran.
    for jti in ["one", "three"] {
        let old = signer.assertion(jti).with("aud", json!(endpoint));
        let reply = ask(&app, "acme", &signer.signed(&old), &[]).await.expect(400);
        assert_eq!(reply.body["error"], "invalid_grant", "{reply}");
        assert!(
            reply.body["error_description"].as_str().unwrap().contains("make a new one"),
            "{reply}"
        );
    }
    let new = signer.assertion("one").with("aud", json!(endpoint)).with("iat", json!(NOW + 1));
    ask(&app, "acme", &signer.signed(&new), &[]).await.expect(200);
}

/// A token opens what its key opens, of its tenant and connector, and no longer than any of them.
#[tokio::test(flavor = "multi_thread")]
async fn a_token_opens_its_own_tenant_until_its_end() {
    let app = TestApp::start().await;
    let (acme, globex) =
        (Signer::register(&app, "acme").await, Signer::register(&app, "globex").await);
    let token = acme.token(&app, "one").await;
    assert_eq!(
        (&token.body["token_type"], &token.body["expires_in"]),
        (&json!("Bearer"), &json!(600))
    );
    let secret = token.body["access_token"].as_str().unwrap();
    holding(&app, &token).get("/Users").await.expect(200);
    let of_globex = app.stranger(Some(secret)).get("/scim/globex/v2/Users").await;
    assert_eq!(of_globex.status, 401, "{of_globex}");
    let named = app.stranger(Some(&format!("acme:{secret}"))).get("/scim/acme/v2/Users").await;
    assert_eq!(named.status, 401, "{named}");
    app.stranger(Some(secret)).get("/admin/v1/tenants").await.expect(401);
    // Another tenant's client gets nothing here, whatever it says.
    for text in [
        globex.signed(&globex.assertion("one")),
        globex.signed(&globex.assertion("one").with("aud", json!(acme.endpoint))),
        globex.signed(&acme.assertion("two")),
    ] {
        ask(&app, "acme", &text, &[]).await.expect(401);
    }
    ask(&app, "nobody", &acme.signed(&acme.assertion("three")), &[]).await.expect(401);
    app.clock.fetch_add(600_000 - 1, Ordering::Relaxed);
    holding(&app, &token).get("/Users").await.expect(200);
    app.clock.fetch_add(1, Ordering::Relaxed);
    holding(&app, &token).get("/Users").await.expect(401);
}

/// The key with which it was got has scopes: no token has more.
#[tokio::test(flavor = "multi_thread")]
async fn a_token_has_the_scopes_that_were_asked_for_and_held() {
    let app = TestApp::start().await;
    let signer = Signer::register(&app, "acme").await;
    let reader = |jti: &str| {
        let assertion = signer.assertion(jti).headed("alg", json!("EdDSA"));
        signer.signed(&assertion.headed("kid", json!("ed")))
    };
    let token = ask(&app, "acme", &reader("one"), &[]).await.expect(200);
    assert_eq!(token.body["scope"], "discovery users:read groups:read roles:read");
    let jane =
        json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "j" });
    holding(&app, &token).get("/Groups").await.expect(200);
    holding(&app, &token).post("/Users", jane.clone()).await.expect(403);
    let wider = ask(&app, "acme", &reader("two"), &[("scope", "users%3Awrite")]).await.expect(400);
    assert_eq!(wider.body["error"], "invalid_scope", "{wider}");
    let narrow = ask(&app, "acme", &reader("three"), &[("scope", "users:read")]).await.expect(200);
    holding(&app, &narrow).get("/Users").await.expect(200);
    holding(&app, &narrow).get("/Groups").await.expect(403);
    let all = signer.token(&app, "four").await;
    holding(&app, &all).post("/Users", jane).await.expect(201);
}

/// A token that was issued already dies with what it rests on.
#[tokio::test(flavor = "multi_thread")]
async fn a_token_dies_with_its_key_its_connector_and_its_tenant() {
    let app = TestApp::start().await;
    let signer = Signer::register(&app, "acme").await;
    let operator = app.operator();
    let token = holding(&app, &signer.token(&app, "one").await);
    token.get("/Users").await.expect(200);
    let connector = format!("/tenants/acme/connectors/{}", server::FIRST_CONNECTOR);
    operator.patch(&connector, json!({ "enabled": false })).await.expect(200);
    token.get("/Users").await.expect(403);
    ask(&app, "acme", &signer.signed(&signer.assertion("two")), &[]).await.expect(401);
    operator.patch(&connector, json!({ "enabled": true })).await.expect(200);
    token.get("/Users").await.expect(200);
    // Rotated: it ends with the overlap.
    let jwk = json!({ "kty": "OKP", "crv": "Ed25519", "x": BASE64URL_NOPAD.encode(&[1; 32]) });
    let body = json!({ "overlapSeconds": 60, "jwk": jwk });
    let path = format!("{CREDENTIALS}/{}/rotate", signer.credential);
    operator.post(&path, body).await.expect(201);
    app.clock.fetch_add(60_000 - 1, Ordering::Relaxed);
    token.get("/Users").await.expect(200);
    app.clock.fetch_add(1, Ordering::Relaxed);
    token.get("/Users").await.expect(401);
    // Issued by a key that ends before it would.
    let reader = signer.assertion("three").headed("alg", json!("EdDSA"));
    let reader = reader.headed("kid", json!("ed")).with("iat", json!(NOW + 60));
    let token = ask(&app, "acme", &signer.signed(&reader), &[]).await.expect(200);
    holding(&app, &token).get("/Users").await.expect(200);
    let listed = operator.get(CREDENTIALS).await.body["credentials"].clone();
    let id =
        listed.as_array().unwrap().iter().find(|one| one["hint"] == "ed").unwrap()["id"].clone();
    operator.delete(&format!("{CREDENTIALS}/{}", id.as_str().unwrap())).await;
    holding(&app, &token).get("/Users").await.expect(401);
}

/// Whether there is a tenant is not told to who has no client of it: a wrong assertion, and one that is good elsewhere, are
/// answered alike where a tenant is and where none is.
///
/// Seen to catch an answer of its own for a tenant that is not there.
#[tokio::test(flavor = "multi_thread")]
async fn strangers_are_told_the_same_wherever_they_ask_for_a_token() {
    let app = TestApp::start().await;
    let signer = Signer::register(&app, "acme").await;
    let good = |slug: &str| {
        let endpoint = format!("{}/oauth/{slug}/token", app.url);
        signer.signed(&signer.assertion("one").with("aud", json!(endpoint)))
    };
    let mut told = Vec::new();
    for slug in ["globex", "nobody"] {
        for text in [good("acme"), good(slug), "no assertion".into(), "e30.e30.".into()] {
            told.push((slug, ask(&app, slug, &text, &[]).await.expect(401)));
        }
    }
    for text in ["no assertion", "e30.e30."] {
        told.push(("acme", ask(&app, "acme", text, &[]).await.expect(401)));
    }
    let (_, first) = told[0].clone();
    for (slug, reply) in told {
        assert_eq!(reply.body, first.body, "{slug}");
        assert_eq!(reply.to_string(), first.to_string(), "{slug}");
    }
}

/// Who proved who they are is asked to come again while the tenant is suspended, and learns nothing once it is closed; of
/// either, whoever proved nothing learns as much as of a tenant that never was.
#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_that_is_shut_issues_no_token() {
    let app = TestApp::start().await;
    let signer = Signer::register(&app, "acme").await;
    let operator = app.operator();
    let stranger = ask(&app, "nobody", &signer.signed(&signer.assertion("zero")), &[]).await;
    let held = holding(&app, &signer.token(&app, "one").await);

    operator.post("/tenants/acme/suspend", json!({})).await.expect(200);
    let text = signer.signed(&signer.assertion("two"));
    let reply = ask(&app, "acme", &text, &[]).await.expect(503);
    assert_eq!(reply.body["error"], "temporarily_unavailable", "{reply}");
    assert_eq!(reply.header("retry-after"), "300", "{reply}");
    assert_eq!(reply.header("cache-control"), "no-store", "{reply}");
    held.get("/Users").await.expect(503);
    let forged = signer.signed(&signer.assertion("three").with("sub", json!("nobody")));
    assert_eq!(ask(&app, "acme", &forged, &[]).await.expect(401).body, stranger.body);

    operator.post("/tenants/acme/resume", json!({})).await.expect(200);
    // What was refused was used up all the same: it could have been read on its way.
    ask(&app, "acme", &text, &[]).await.expect(401);
    signer.token(&app, "four").await;
    held.get("/Users").await.expect(200);

    operator.post("/tenants/acme/close", json!({ "slug": "acme" })).await.expect(200);
    for assertion in [signer.assertion("five"), signer.assertion("six").with("sub", json!("x"))] {
        let reply = ask(&app, "acme", &signer.signed(&assertion), &[]).await.expect(401);
        assert_eq!(reply.body, stranger.body);
        assert!(reply.headers.get("retry-after").is_none(), "{reply}");
    }
    held.get("/Users").await.expect(401);
    let problems = operator.get("/tenants/_system/problems").await.expect(200).body.to_string();
    for why in ["the tenant is suspended", "the tenant is closed", "no such client"] {
        assert!(problems.contains(why), "{why}: {problems}");
    }
}

/// A clock that is a few seconds ahead is waited for, in `iat` and in `nbf`, and the token is of the moment at which it was
/// good; one that is further ahead, or behind by more than it may be, is told apart for operators alone.
///
/// Seen to catch a wait that is answered with the answer from before it.
#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_a_little_ahead_is_waited_for() {
    let app = TestApp::start().await;
    let signer = Signer::register(&app, "acme").await;
    let at = |moment: f64| json!(moment);
    let soon = NOW as f64 + 0.4;
    let ahead = [
        ("iat", signer.assertion("iat").with("iat", at(soon))),
        ("nbf", signer.assertion("nbf").with("nbf", at(soon))),
    ];
    for (what, assertion) in ahead {
        let text = signer.signed(&assertion);
        // The app's clock stands: what is waited for does not come.
        let reply = ask(&app, "acme", &text, &[]).await;
        assert_eq!(reply.status, 401, "{what}: {reply}");
        let clock = app.clock.clone();
        let later = tokio::spawn(async move {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            clock.fetch_add(400, Ordering::Relaxed);
        });
        // It goes on while this one waits. It was not used up by the one before.
        let token = ask(&app, "acme", &text, &[]).await.expect(200);
        later.await.unwrap();
        holding(&app, &token).get("/Users").await.expect(200);
        ask(&app, "acme", &text, &[]).await.expect(401);
        app.clock.fetch_sub(400, Ordering::Relaxed);
    }
    for (what, assertion) in [
        ("further ahead", signer.assertion("a").with("iat", at(NOW as f64 + 5.1))),
        ("not good before", signer.assertion("b").with("nbf", at(NOW as f64 + 5.1))),
        ("ended", signer.assertion("c").with("exp", at(NOW as f64 - 30.0))),
    ] {
        let reply = ask(&app, "acme", &signer.signed(&assertion), &[]).await;
        assert_eq!(reply.status, 401, "{what}: {reply}");
    }
    // Behind by a little is good.
    let late = signer.assertion("d").with("iat", json!(NOW)).with("exp", at(NOW as f64 - 29.9));
    ask(&app, "acme", &signer.signed(&late), &[]).await.expect(200);
    let problems =
        app.operator().get("/tenants/_system/problems").await.expect(200).body.to_string();
    assert!(
        problems.contains("clock is ahead") && problems.contains("clocks differ"),
        "{problems}"
    );
}

/// R-9728-5.1-01: a client that was refused finds out where tokens come from.
#[tokio::test(flavor = "multi_thread")]
async fn r_9728_5_1_01_the_challenge_leads_to_the_token_endpoint() {
    let app = TestApp::start().await;
    for key in [None, Some("acme:rbk_wrong")] {
        let refused = app.stranger(key).get("/scim/acme/v2/Users").await.expect(401);
        let challenge = refused.header("www-authenticate");
        let (_, rest) = challenge.split_once("resource_metadata=\"").expect(challenge);
        let url = rest.split('"').next().unwrap();
        let path = url.strip_prefix(&app.url).unwrap();
        let resource = app.stranger(None).get(path).await.expect(200);
        assert_eq!(resource.body["resource"], format!("{}/scim/acme/v2", app.url));
        let issuer = resource.body["authorization_servers"][0].as_str().unwrap();
        let path = issuer.strip_prefix(&app.url).unwrap();
        let path = format!("/.well-known/oauth-authorization-server{path}");
        let server = app.stranger(None).get(&path).await.expect(200);
        assert_eq!(server.body["issuer"], issuer);
        assert_eq!(server.body["token_endpoint"], format!("{}/oauth/acme/token", app.url));
        let methods = &server.body["token_endpoint_auth_methods_supported"];
        assert_eq!(methods, &json!(["private_key_jwt"]));
    }
    // A tenant that is not there has the same.
    let path = "/.well-known/oauth-protected-resource/scim/nobody/v2";
    app.stranger(None).get(path).await.expect(200);
}
