//! Keys, passwords, tokens.

use reqwest::Method;
use reqwest::header::{AUTHORIZATION, HeaderMap};
use serde_json::{Value, json};

use crate::common::{OPERATOR_KEY, SCIM_KEY, Served, rollbook, run};

/// What a request was answered.
struct Reply {
    status: u16,
    headers: HeaderMap,
    body: Value,
}

/// Asks the server; `authorization` is the whole header.
async fn ask(
    served: &Served,
    method: Method,
    path: &str,
    authorization: &str,
    body: Option<Value>,
) -> Reply {
    let request = reqwest::Client::new().request(method, format!("{}{path}", served.url));
    let mut request = request.header(AUTHORIZATION, authorization);
    if let Some(body) = body {
        request = request.header("content-type", "application/scim+json").body(body.to_string());
    }
    let answer = request.send().await.unwrap();
    let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
    let body = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap_or_default();
    Reply { status, headers, body }
}

/// How a client's test of its credentials is answered.
async fn tested(served: &Served, authorization: &str) -> u16 {
    let path = "/scim/acme/v2/Users?startIndex=1&count=2";
    ask(served, Method::GET, path, authorization, None).await.status
}

/// What the binary prints as JSON; it must have worked.
fn told(served: &Served, arguments: &[&str]) -> Value {
    let at = ["--server", &served.url, "--operator-key", OPERATOR_KEY];
    let (status, out, error) = run(&[arguments, &at[..]].concat(), &[]);
    assert_eq!(status, 0, "{arguments:?}: {error}");
    serde_json::from_str(&out).unwrap_or_else(|_| panic!("{arguments:?}: {out}"))
}

fn basic(user: &str, password: &str) -> String {
    use data_encoding::BASE64;
    format!("Basic {}", BASE64.encode(format!("{user}:{password}").as_bytes()))
}

/// A key is `site_host:SECRET`: Bearer takes it whole, or the secret alone, Basic takes site host and secret. It is shown
/// once: no list, no answer of the audit and no file of the log has it.
#[tokio::test(flavor = "multi_thread")]
async fn c_02_a_key_is_shown_once_and_taken_in_three_forms() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let served = Served::start(&data);
    let issued = told(&served, &["credential", "issue", "okta", "--json"]);
    let key = issued["apiKey"].as_str().unwrap();
    let secret = key.strip_prefix("acme:").unwrap();
    assert!(secret.starts_with("rbk_"), "{secret}");
    for form in [format!("Bearer {key}"), format!("Bearer {secret}"), basic("acme", secret)] {
        assert_eq!(tested(&served, &form).await, 200, "{form}");
    }
    for form in [format!("Bearer globex:{secret}"), basic("globex", secret), basic("", secret)] {
        assert_eq!(tested(&served, &form).await, 401, "{form}");
    }
    let listed = told(&served, &["credential", "list", "--json"]).to_string();
    assert!(listed.contains(issued["id"].as_str().unwrap()) && !listed.contains(secret));
    let commits = told(&served, &["audit", "commits", "--json"]).to_string();
    assert!(commits.contains("CredentialIssued") && !commits.contains(secret));
    served.stop();
    // Its hint is there; the secret is nowhere, not even in the server's own log.
    let random = secret.strip_prefix("rbk_").unwrap();
    for file in files(dir.path()) {
        let bytes = std::fs::read(&file).unwrap();
        let found = bytes.windows(16).any(|window| window == &random.as_bytes()[8..24]);
        assert!(!found, "{}", file.display());
    }
}

fn files(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let (folders, mut files): (Vec<_>, Vec<_>) = entries.partition(|path| path.is_dir());
    files.extend(folders.iter().flat_map(|folder| self::files(folder)));
    files
}

/// "Regenerate": with an overlap both are good, with none the old one dies at once; each is an event with the operator as its
/// maker; the last use is shown, by a server and out of its folder.
#[tokio::test(flavor = "multi_thread")]
async fn c_03_a_key_is_rotated_with_the_overlap_that_the_operator_chose() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let served = Served::start(&data);
    let first = told(&served, &["credential", "list", "--json"])[0].clone();
    let first_id = first["id"].as_str().unwrap();
    assert_eq!(first["lastUsed"], Value::Null);
    let old = format!("Bearer {SCIM_KEY}");
    assert_eq!(tested(&served, &old).await, 200);
    let rotate = |id: &str, overlap: &str| {
        told(&served, &["credential", "rotate", id, "--overlap", overlap, "--json"])
    };
    let second = rotate(first_id, "24h");
    let new = format!("Bearer {}", second["apiKey"].as_str().unwrap());
    assert_eq!(tested(&served, &old).await, 200);
    assert_eq!(tested(&served, &new).await, 200);
    let third = rotate(second["id"].as_str().unwrap(), "0");
    let newest = format!("Bearer {}", third["apiKey"].as_str().unwrap());
    assert_eq!(tested(&served, &new).await, 401);
    assert_eq!(tested(&served, &newest).await, 200);
    let at = ["--server", &served.url, "--operator-key", OPERATOR_KEY];
    let (status, ..) = run(&[&["credential", "revoke", first_id][..], &at].concat(), &[]);
    assert_eq!((status, tested(&served, &old).await), (0, 401));
    // What has ended is not rotated: there is nothing to overlap with.
    let again = ["credential", "rotate", first_id, "--overlap", "0"];
    let (status, _, error) = run(&[&again[..], &at].concat(), &[]);
    assert!(status == 1 && error.contains("issue a new one"), "{error}");

    let commits = told(&served, &["audit", "credential", first_id, "--json"]);
    assert!(commits.to_string().contains("CredentialEnds"), "{commits}");
    let kinds = "CredentialIssued,CredentialEnds,CredentialRevoked";
    let path = format!("/admin/v1/tenants/acme/audit/commits?event={kinds}");
    let operator = format!("Bearer {OPERATOR_KEY}");
    let commits = ask(&served, Method::GET, &path, &operator, None).await.body;
    let told_of: Vec<(&str, Vec<&str>)> = commits["commits"]
        .as_array()
        .unwrap()
        .iter()
        .map(|commit| {
            let events = commit["events"].as_array().unwrap().iter();
            let kind = commit["actor"]["kind"].as_str().unwrap();
            (kind, events.map(|event| event["type"].as_str().unwrap()).collect())
        })
        .collect();
    assert_eq!(
        told_of,
        [
            ("system", vec!["CredentialIssued"]),
            ("operator", vec!["CredentialIssued", "CredentialEnds"]),
            ("operator", vec!["CredentialIssued", "CredentialRevoked"]),
            ("operator", vec!["CredentialRevoked"]),
        ]
    );
    let served_list = told(&served, &["credential", "list", "--json"]);
    assert_eq!(served_list[2]["replaces"], second["id"]);
    for credential in served_list.as_array().unwrap() {
        assert!(credential["lastUsed"].is_string(), "{credential}");
    }
    served.stop();
    let folder = data.to_str().unwrap();
    let (status, out, error) = run(&["credential", "list", "--json", "--data", folder], &[]);
    assert_eq!(status, 0, "{error}");
    assert_eq!(serde_json::from_str::<Value>(&out).unwrap(), served_list);
}

/// "Test API credentials": a ListResponse with a good key; with a bad one a SCIM error that names the schemes.
#[tokio::test(flavor = "multi_thread")]
async fn c_04_the_test_of_credentials_succeeds_and_fails_as_a_client_expects() {
    let dir = tempfile::tempdir().unwrap();
    let served = Served::start(&dir.path().join("data"));
    let path = "/scim/acme/v2/Users?startIndex=1&count=2";
    let good = ask(&served, Method::GET, path, &format!("Bearer {SCIM_KEY}"), None).await;
    assert_eq!(good.status, 200);
    assert_eq!(good.body["schemas"][0], "urn:ietf:params:scim:api:messages:2.0:ListResponse");
    for bad in ["Bearer acme:rbk_wrong", "Bearer rbk_wrong", "Basic YWNtZTp3cm9uZw==", "Digest x"] {
        let reply = ask(&served, Method::GET, path, bad, None).await;
        assert_eq!(reply.status, 401, "{bad}");
        assert_eq!(reply.body["schemas"][0], "urn:ietf:params:scim:api:messages:2.0:Error");
        assert_eq!(reply.body["status"], "401");
        let schemes: Vec<&str> =
            reply.headers.get_all("www-authenticate").iter().map(|v| v.to_str().unwrap()).collect();
        assert!(schemes[0].starts_with("Bearer realm="), "{schemes:?}");
        assert!(schemes[1].starts_with("Basic realm="), "{schemes:?}");
    }
}

/// A key with scopes opens these and nothing else, and is told which it lacks.
#[tokio::test(flavor = "multi_thread")]
async fn c_03_a_key_with_scopes_opens_no_more() {
    let dir = tempfile::tempdir().unwrap();
    let served = Served::start(&dir.path().join("data"));
    let issue = ["credential", "issue", "okta", "--scope", "read", "--json"];
    let issued = told(&served, &issue);
    let key = format!("Bearer {}", issued["apiKey"].as_str().unwrap());
    assert_eq!(tested(&served, &key).await, 200);
    let user = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "jane@acme.com",
    });
    let reply = ask(&served, Method::POST, "/scim/acme/v2/Users", &key, Some(user)).await;
    assert_eq!(reply.status, 403, "{}", reply.body);
    assert!(reply.body["detail"].as_str().unwrap().contains("`users:write`"), "{}", reply.body);
    let challenge = reply.headers["www-authenticate"].to_str().unwrap();
    assert!(
        challenge.contains("error=\"insufficient_scope\", scope=\"users:write\""),
        "{challenge}"
    );
    let (status, _, error) = run(&["credential", "issue", "okta", "--scope", "everything"], &[]);
    assert!(status == 2 && error.contains("users:read"), "{error}");
}

/// How often the server has calculated a password's hash.
async fn passwords_hashed(served: &Served) -> u64 {
    let request = reqwest::Client::new().get(format!("{}/metrics", served.url));
    let metrics = request.bearer_auth(OPERATOR_KEY).send().await.unwrap().text().await.unwrap();
    let name = "rollbook_secrets_hashed_total{kind=\"password\"} ";
    let line = metrics.lines().find_map(|line| line.strip_prefix(name));
    line.unwrap_or_else(|| panic!("{metrics}")).parse().unwrap()
}

/// Scopes that write, and those that tell what there is, open each their own; a key that ends opens nothing from then on.
#[tokio::test(flavor = "multi_thread")]
async fn c_03_a_key_opens_what_its_scopes_and_its_end_say() {
    let dir = tempfile::tempdir().unwrap();
    let served = Served::start(&dir.path().join("data"));
    let key = |more: &[&str]| {
        let issue = [&["credential", "issue", "okta", "--json"], more].concat();
        format!("Bearer {}", told(&served, &issue)["apiKey"].as_str().unwrap())
    };
    let (writes, discovers) = (key(&["--scope", "write"]), key(&["--scope", "discovery"]));
    let user = |name: &str| {
        Some(json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": name,
        }))
    };
    let scim = "/scim/acme/v2";
    let made = ask(&served, Method::POST, &format!("{scim}/Users"), &writes, user("jane")).await;
    assert_eq!(made.status, 201, "{}", made.body);
    for (key, method, path, body, status) in [
        // Whoever writes reads what they write.
        (&writes, Method::GET, "/Users", None, 200),
        (&writes, Method::GET, "/Schemas", None, 403),
        (&discovers, Method::GET, "/Schemas", None, 200),
        (&discovers, Method::GET, "/ResourceTypes", None, 200),
        (&discovers, Method::GET, "/Users", None, 403),
        (&discovers, Method::POST, "/Users", user("joe"), 403),
    ] {
        let reply = ask(&served, method.clone(), &format!("{scim}{path}"), key, body).await;
        assert_eq!(reply.status, status, "{method} {path}: {}", reply.body);
    }

    // Far enough ahead for a slow machine to issue it; refused whenever that moment has come.
    let end = chrono::Utc::now() + chrono::TimeDelta::seconds(4);
    let end_text = end.to_rfc3339_opts(chrono::SecondsFormat::Millis, true);
    let ending = key(&["--expires", &end_text]);
    while tested(&served, &ending).await == 200 {
        let over = chrono::Utc::now() - end;
        assert!(over < chrono::TimeDelta::seconds(30), "it is good after its end");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert!(chrono::Utc::now() >= end, "it was refused before its end");
    assert_eq!(tested(&served, &ending).await, 401);
    assert_eq!(tested(&served, &format!("Bearer {SCIM_KEY}")).await, 200);
}

/// A connector's user name and password: the operator's own or a random one, shown once, rotated like a key. What is kept
/// is no password.
#[tokio::test(flavor = "multi_thread")]
async fn p_01_a_connector_has_a_user_name_and_a_password() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let served = Served::start(&data);
    let issued = told(&served, &["credential", "issue", "okta", "--basic", "svc-okta", "--json"]);
    let password = issued["password"].as_str().unwrap();
    assert_eq!(issued["user"], "svc-okta");
    // Once it is calculated; from then on it is good from what is remembered of it.
    let before = passwords_hashed(&served).await;
    for _ in 0..3 {
        assert_eq!(tested(&served, &basic("svc-okta", password)).await, 200);
    }
    assert_eq!(passwords_hashed(&served).await, before + 1);
    for wrong in [
        basic("svc-okta", &format!("{password}x")),
        basic("svc-okta", ""),
        basic("svc-entra", password),
        format!("Bearer {password}"),
        format!("Bearer svc-okta:{password}"),
    ] {
        assert_eq!(tested(&served, &wrong).await, 401, "{wrong}");
    }
    // Another connector cannot take the name.
    let again = ["credential", "issue", "okta", "--basic", "svc-okta", "--json"];
    let at = ["--server", &served.url, "--operator-key", OPERATOR_KEY];
    let (status, _, error) = run(&[&again[..], &at].concat(), &[]);
    assert!(status == 1 && error.contains("svc-okta"), "{error}");
    let id = issued["id"].as_str().unwrap();
    let next = told(&served, &["credential", "rotate", id, "--overlap", "1h", "--json"]);
    let new = next["password"].as_str().unwrap();
    assert_eq!(tested(&served, &basic("svc-okta", password)).await, 200);
    assert_eq!(tested(&served, &basic("svc-okta", new)).await, 200);
    let (status, ..) = run(&[&["credential", "revoke", id][..], &at].concat(), &[]);
    assert_eq!((status, tested(&served, &basic("svc-okta", password)).await), (0, 401));
    assert_eq!(tested(&served, &basic("svc-okta", new)).await, 200);
    let listed = told(&served, &["credential", "list", "--json"]);
    assert!(listed.as_array().unwrap().iter().any(|one| one["kind"] == "password"), "{listed}");
    let commits = told(&served, &["audit", "commits", "--json"]).to_string();
    for text in [listed.to_string(), commits] {
        assert!(!text.contains(password) && !text.contains(new) && !text.contains("argon2"));
    }
    served.stop();
    for file in files(dir.path()) {
        let bytes = std::fs::read(&file).unwrap();
        let random = password.strip_prefix("rbw_").unwrap();
        let found = bytes.windows(16).any(|window| window == &random.as_bytes()[8..24]);
        assert!(!found, "{}", file.display());
    }
    // It is good after a restart.
    let served = Served::start(&data);
    assert_eq!(tested(&served, &basic("svc-okta", new)).await, 200);
}

/// What is printed to be copied is the address that the identity provider reaches, not the one that the operator came by.
#[tokio::test(flavor = "multi_thread")]
async fn p_01_a_connector_has_an_endpoint_url_to_copy() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let served = Served::start(&data);
    let added = |served: &Served, arguments: &[&str]| {
        let at = ["--server", &served.url, "--operator-key", OPERATOR_KEY];
        let (status, out, error) = run(&[arguments, &at[..]].concat(), &[]);
        assert_eq!(status, 0, "{arguments:?}: {error}");
        let url = out.lines().find_map(|line| line.trim().strip_prefix("SCIM base URL"));
        url.unwrap_or_else(|| panic!("{out}")).trim().to_owned()
    };
    let url = added(&served, &["connector", "add", "entra", "--preset", "entra"]);
    assert_eq!(url, format!("{}/scim/acme/v2", served.url));

    // A server with a public URL says that one: where it listens must be known before.
    let address = served.url.strip_prefix("http://").unwrap().to_owned();
    served.stop();
    let mut command = rollbook(&["serve", "--listen", &address, "--data"]);
    command.arg(&data).args(["--public-url", "https://id.example.com/"]);
    command.env("ROLLBOOK_OPERATOR_KEY", OPERATOR_KEY);
    let mut served = Served::spawn(command, &data);
    assert_eq!(served.url, "https://id.example.com");
    served.url = format!("http://{address}");
    let url = added(&served, &["connector", "add", "google", "--preset", "generic"]);
    assert_eq!(url, "https://id.example.com/scim/acme/v2");
    let url = added(&served, &["tenant", "open", "globex"]);
    assert_eq!(url, "https://id.example.com/scim/globex/v2");
    let body = json!({ "name": "third" });
    let operator = format!("Bearer {OPERATOR_KEY}");
    let path = "/admin/v1/tenants/acme/connectors";
    let reply = ask(&served, Method::POST, path, &operator, Some(body)).await;
    assert_eq!(reply.body["scimBaseUrl"], "https://id.example.com/scim/acme/v2");
}

/// OAuth 2.0 as a client goes it that is told nothing but its SCIM address: the challenge, the metadata, an assertion by its
/// own key, a token, a request; and the token dies with its key.
#[tokio::test(flavor = "multi_thread")]
async fn p_01_a_client_that_signs_gets_tokens_that_die_with_its_key() {
    use data_encoding::BASE64URL_NOPAD;
    use ring::signature::{Ed25519KeyPair, KeyPair as _};

    let dir = tempfile::tempdir().unwrap();
    let served = Served::start(&dir.path().join("data"));
    let pkcs8 = Ed25519KeyPair::generate_pkcs8(&ring::rand::SystemRandom::new()).unwrap();
    let pair = Ed25519KeyPair::from_pkcs8(pkcs8.as_ref()).unwrap();
    let x = BASE64URL_NOPAD.encode(pair.public_key().as_ref());
    let file = dir.path().join("public.jwk.json");
    let jwk = json!({ "kty": "OKP", "crv": "Ed25519", "kid": "2026", "x": x });
    std::fs::write(&file, jwk.to_string()).unwrap();
    let file = file.to_str().unwrap();
    let issue = ["credential", "issue", "okta", "--jwk", file, "--scope", "read", "--json"];
    let issued = told(&served, &issue);
    let client = issued["clientId"].as_str().unwrap();

    let http = reqwest::Client::new();
    let refused = http.get(format!("{}/scim/acme/v2/Users", served.url)).send().await.unwrap();
    let challenge = refused.headers()["www-authenticate"].to_str().unwrap();
    let (_, rest) = challenge.split_once("resource_metadata=\"").expect(challenge);
    let resource = rest.split('"').next().unwrap();
    let resource: Value = http.get(resource).send().await.unwrap().json().await.unwrap();
    let issuer = resource["authorization_servers"][0].as_str().unwrap();
    let path = issuer.strip_prefix(&served.url).unwrap();
    let metadata = format!("{}/.well-known/oauth-authorization-server{path}", served.url);
    let metadata: Value = http.get(metadata).send().await.unwrap().json().await.unwrap();
    let endpoint = metadata["token_endpoint"].as_str().unwrap();
    assert_eq!(endpoint, issued["tokenEndpoint"]);

    let token_for = async |jti: &str| {
        let since = std::time::UNIX_EPOCH.elapsed().unwrap();
        // To the millisecond: it is not from before the start of the server.
        let now = since.as_secs_f64();
        let header = json!({ "alg": "EdDSA", "kid": "2026" });
        let claims = json!({
            "iss": client, "sub": client, "aud": issuer, "jti": jti, "iat": now, "exp": now + 60.0,
        });
        let part = |value: &Value| BASE64URL_NOPAD.encode(value.to_string().as_bytes());
        let message = format!("{}.{}", part(&header), part(&claims));
        let signature = BASE64URL_NOPAD.encode(pair.sign(message.as_bytes()).as_ref());
        let form = format!(
            "grant_type=client_credentials&client_assertion={message}.{signature}&client_assertion_type=\
             urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer"
        );
        let request = http.post(endpoint).body(form);
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        (status, answer.json::<Value>().await.unwrap())
    };
    let (status, token) = token_for("one").await;
    assert_eq!(status, 200, "{token}");
    let bearer = format!("Bearer {}", token["access_token"].as_str().unwrap());
    assert_eq!(tested(&served, &bearer).await, 200);
    let user = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "jane@acme.com",
    });
    let path = "/scim/acme/v2/Users";
    let refused = self::ask(&served, Method::POST, path, &bearer, Some(user)).await;
    assert_eq!(refused.status, 403, "{}", refused.body);
    // The same assertion again, or rather one of the same name.
    assert_eq!(token_for("one").await.0, 401);

    let at = ["--server", &served.url, "--operator-key", OPERATOR_KEY];
    let id = issued["id"].as_str().unwrap();
    let (status, ..) = run(&[&["credential", "revoke", id][..], &at].concat(), &[]);
    assert_eq!((status, tested(&served, &bearer).await), (0, 401));
    assert_eq!(token_for("two").await.0, 401);
}
