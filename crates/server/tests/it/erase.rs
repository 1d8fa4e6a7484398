//! Erasing a person through the admin API.

use engine::Refusal;
use reqwest::Method;
use serde_json::{Value, json};
use testkit::app::TestApp;

const CORE: &str = "urn:ietf:params:scim:schemas:core:2.0:User";

fn jane() -> Value {
    json!({ "schemas": [CORE], "userName": "jane@acme.example", "displayName": "Jane Canary" })
}

fn because(reason: &str) -> Value {
    json!({ "reason": reason })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_is_erased_once_and_the_answer_says_what_is_left_to_do() {
    let app = TestApp::start().await;
    let (idp, operator) = (app.idp(), app.operator());
    let id = idp.post("/Users", jane()).await.expect(201).id();
    let path = "/tenants/acme/users/JANE@acme.example/erase";
    let dry = json!({ "reason": "request 4711", "dryRun": true });
    let planned = operator.post(path, dry).await.expect(200).body;
    assert_eq!(planned["erased"], false);
    assert_eq!((&planned["position"], &planned["deletes"]), (&Value::Null, &json!(true)));
    idp.get(&format!("/Users/{id}")).await.expect(200);

    let erased = operator.post(path, because("request 4711")).await.expect(200);
    assert_eq!(erased.body["user"], id);
    assert_eq!(erased.body["erased"], true);
    assert_eq!(erased.body["events"], planned["events"]);
    assert_eq!(erased.body["hash"], erased.header("rollbook-commit"));
    assert_eq!(erased.body["position"].to_string(), erased.header("rollbook-position"));
    assert!(erased.body["todo"].as_array().unwrap().len() > 2, "{erased}");
    idp.get(&format!("/Users/{id}")).await.expect(404);
    // The name leads nowhere any more; the id says that there is nothing to do.
    operator.post(path, because("request 4711")).await.expect(404);
    let by_id = format!("/tenants/acme/users/{id}/erase");
    let again = operator.post(&by_id, because("again")).await.expect(200);
    assert_eq!((&again.body["position"], &again.body["erased"]), (&Value::Null, &json!(true)));
}

/// What the directory has forgotten stands in the log still. Seen to catch a check of the directory alone.
#[tokio::test(flavor = "multi_thread")]
async fn a_reason_that_tells_is_refused_also_when_only_the_log_knows() {
    let app = TestApp::start().await;
    let (idp, operator) = (app.idp(), app.operator());
    let id = idp.post("/Users", jane()).await.expect(201).id();
    idp.delete(&format!("/Users/{id}")).await.expect(204);
    let path = format!("/tenants/acme/users/{id}/erase");
    for telling in ["Mrs CANARY asked", "", "jane@acme.example"] {
        let refused = operator.post(&path, because(telling)).await.expect(400);
        assert_eq!(refused.body["scimType"], "invalidValue", "{refused}");
    }
    operator.post(&path, json!({})).await.expect(400);
    operator.post(&path, because("request 4711")).await.expect(200);
    operator.post("/tenants/acme/users/nobody/erase", because("x")).await.expect(404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_two_persons_had_does_not_say_who_is_meant() {
    let app = TestApp::start().await;
    let (idp, operator) = (app.idp(), app.operator());
    let first = idp.post("/Users", jane()).await.expect(201).id();
    idp.delete(&format!("/Users/{first}")).await.expect(204);
    let second = idp.post("/Users", jane()).await.expect(201).id();
    let path = "/tenants/acme/users/jane@acme.example/erase";
    let refused = operator.post(path, because("request 1")).await.expect(409);
    let detail = refused.body["detail"].as_str().unwrap();
    assert!(detail.contains(&first) && detail.contains(&second), "{detail}");
    operator.post(&format!("/tenants/acme/users/{first}/erase"), because("1")).await.expect(200);
    // Now the name is the second's alone, and she is untouched.
    assert_eq!(
        idp.get(&format!("/Users/{second}")).await.expect(200).body["displayName"],
        "Jane Canary"
    );
    operator.post(path, because("request 2")).await.expect(200);
}

/// Two ask at once, or one after the other: one of them did it.
#[tokio::test(flavor = "multi_thread")]
async fn of_two_who_erase_one_did_it() {
    let app = TestApp::start().await;
    let id = app.idp().post("/Users", jane()).await.expect(201).id();
    let path = format!("/tenants/acme/users/{id}/erase");
    let operator = app.operator();
    let (first, second) =
        tokio::join!(operator.post(&path, because("1")), operator.post(&path, because("2")));
    let (did, not) = match first.body["position"].is_null() {
        true => (second, first),
        false => (first, second),
    };
    assert_eq!((&did.body["deletes"], &did.body["erased"]), (&json!(true), &json!(true)), "{did}");
    assert!(did.body["position"].is_u64(), "{did}");
    for (what, value) in [
        ("position", Value::Null),
        ("erased", json!(true)),
        ("deletes", json!(false)),
        ("events", json!(0)),
    ] {
        assert_eq!(not.body[what], value, "{what}: {not}");
    }
}

/// The past keeps its versions, and a client what it was answered: it must not be told that this is good still.
#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_kept_what_the_past_said_is_not_told_that_it_is_so_still() {
    let app = TestApp::start().await;
    let (idp, operator) = (app.idp(), app.operator());
    let created = idp.post("/Users", jane()).await.expect(201);
    let (at, tag) = (created.header("rollbook-position"), created.header("etag"));
    let path = format!("/Users/{}?asOf={at}", created.id());
    let kept = [("if-none-match", tag)];
    assert_eq!(idp.send(Method::GET, &path, &kept, None).await.status, 304);
    let erase = format!("/tenants/acme/users/{}/erase", created.id());
    operator.post(&erase, because("request 4711")).await.expect(200);
    let told = idp.send(Method::GET, &path, &kept, None).await.expect(200);
    assert_eq!(told.body["userName"], format!("erased-{}", created.id()));
}

/// The person's history is read before it is the writer's turn, and what has come since in it.
#[tokio::test(flavor = "multi_thread")]
async fn what_comes_between_reading_a_person_and_erasing_them_is_not_overlooked() {
    let app = TestApp::start().await;
    let (idp, operator) = (app.idp(), app.operator());
    let id = idp.post("/Users", jane()).await.expect(201).id();
    let (engine, tenant) =
        (&app.app.engine, app.app.engine.world().with_slug("acme").unwrap().0.id);
    let begun =
        engine.begin_erasure(engine.read_person(tenant, id.parse().unwrap()).unwrap()).unwrap();
    for name in ["Betwixt", "Jane Canary"] {
        let change =
            json!({ "schemas": [CORE], "userName": "jane@acme.example", "displayName": name });
        idp.put(&format!("/Users/{id}"), change).await.expect(200);
    }
    operator.put("/tenants/acme/users/Betwixt/roles/Nope", json!({})).await.expect(404);
    let problems =
        async || operator.get("/tenants/acme/problems").await.expect(200).body.to_string();
    assert!(problems().await.contains("Betwixt"));
    let origin = || server::startup(&app.app);
    let telling = engine.finish_erasure(begun, origin(), "Betwixt asked".to_owned()).await;
    assert!(matches!(telling, Err(Refusal::Rejected(_))));
    let erased =
        engine.finish_erasure(begun, origin(), "request 4711".to_owned()).await.ok().unwrap();
    assert!(erased.position.is_some());
    assert!(!problems().await.contains("Betwixt"));
}

/// What others wrote is not hers to take away; the answer says where it stands.
#[tokio::test(flavor = "multi_thread")]
async fn the_answer_lists_where_the_person_is_still_named() {
    let app = TestApp::start().await;
    let (idp, operator) = (app.idp(), app.operator());
    let id = idp.post("/Users", jane()).await.expect(201).id();
    let group = |name: &str| json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": name });
    let now = idp.post("/Groups", group("Jane's team")).await.expect(201).id();
    let once = idp.post("/Groups", group("Friends of canary")).await.expect(201).id();
    let clean = idp.post("/Groups", group("Canaryland")).await.expect(201).id();
    let renamed = idp.put(&format!("/Groups/{once}"), group("Friends")).await.expect(200);
    let report = json!({
        "schemas": [CORE, "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"],
        "userName": "john@acme.example",
        // Another Jane is not meant.
        "displayName": "Jane",
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": { "manager": { "value": id } },
    });
    let john = idp.post("/Users", report).await.expect(201).id();
    let role = json!({ "name": "Deputy", "description": "stands in for Jane Canary" });
    operator.post("/tenants/acme/roles", role).await.expect(200);

    let path = format!("/tenants/acme/users/{id}/erase");
    let erased = operator.post(&path, because("request 4711")).await.expect(200);
    let stands: Vec<String> = erased.body["stands"]
        .as_array()
        .unwrap()
        .iter()
        .map(|place| {
            let position = place.get("position").map(|at| format!(" at {at}")).unwrap_or_default();
            format!("{}{position}", place["path"].as_str().unwrap())
        })
        .collect();
    let manager = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager";
    let renamed_at = renamed.header("rollbook-position");
    let created_at = renamed_at.parse::<u64>().unwrap() - 2;
    for expected in [
        format!("groups/{now}/displayName"),
        format!("users/{john}/{manager}"),
        format!("groups/{once}/displayName at {created_at}"),
        format!("groups/{once}/displayName at {renamed_at}"),
    ] {
        assert!(stands.contains(&expected), "{expected} is not among {stands:#?}");
    }
    assert_eq!(stands.iter().filter(|place| place.ends_with("/description")).count(), 1);
    assert_eq!(stands.len(), 5, "{stands:#?}");
    assert!(!stands.iter().any(|place| place.contains(&clean)), "{stands:#?}");
    assert!(!erased.body.to_string().to_lowercase().contains("canary"));
}

/// Everything that a person was: each must be found before, and nowhere after.
const CANARIES: [&str; 9] = [
    "zyx.jane@acme.example",
    "zyx.former@acme.example",
    "Zyxa Cänary",
    "Zyxagiven",
    "zyx.private@mail.example",
    "+49 30 5559911",
    "zyx-external-17",
    "zyx-wording",
    "zyx-badge-9",
];

/// The canaries that stand in an answer, as text or escaped.
fn seen(answer: &testkit::app::Reply) -> Vec<&'static str> {
    let headers = format!("{:?}", answer.headers).to_lowercase();
    let body = answer.body.to_string().to_lowercase();
    let stands = |canary: &str| body.contains(canary) || headers.contains(canary);
    CANARIES.into_iter().filter(|canary| stands(&canary.to_lowercase())).collect()
}

/// Every way to read, at every moment: of the present, of each position, of lists that were begun before.
///
/// Seen to catch a person's key that is kept, walks that are held on to, states of the past that are, and a journal that
/// nobody cleans.
#[tokio::test(flavor = "multi_thread")]
async fn r_7643_9_3_01_no_read_of_any_moment_says_who_an_erased_person_was() {
    const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
    let app = TestApp::start().await;
    let (idp, operator) = (app.idp(), app.operator());
    for number in 0..5 {
        let other = json!({ "schemas": [CORE], "userName": format!("other-{number}") });
        idp.post("/Users", other).await.expect(201);
    }
    let jane = json!({
        "schemas": [CORE, ENTERPRISE], "userName": "zyx.former@acme.example", "displayName": "Zyxa Cänary",
        "name": { "givenName": "Zyxagiven" }, "externalId": "zyx-external-17",
        "emails": [{ "value": "zyx.private@mail.example" }],
        "phoneNumbers": [{ "value": "+49 30 5559911" }],
        "roles": [{ "value": "Analyst", "display": "zyx-wording" }],
        ENTERPRISE: { "employeeNumber": "zyx-badge-9" },
    });
    let id = idp.post("/Users", jane.clone()).await.expect(201).id();
    let path = format!("/Users/{id}");
    let renamed = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": [{ "op": "replace", "path": "userName", "value": "zyx.jane@acme.example" }],
    });
    idp.patch(&path, renamed).await.expect(200);
    let group = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": "Sales",
        "members": [{ "value": id }],
    });
    let group = idp.post("/Groups", group).await.expect(201).id();
    // The journal names her: in a detail, in a path, in a path that was tried without a good key.
    let again = json!({ "schemas": [CORE], "userName": "ZYX.jane@acme.example" });
    idp.post("/Users", again).await.expect(409);
    let nope = "/tenants/acme/users/zyx.jane%40acme.example/roles/Nope";
    operator.put(nope, json!({})).await.expect(404);
    operator.with_key("wrong-key-0001").put(nope, json!({})).await.expect(401);

    let last = operator.get("/tenants/acme").await.expect(200).body["head"]["position"].as_u64();
    let last = last.unwrap();
    let mut scim = vec![path.clone(), format!("/Groups/{group}"), "/?count=100".to_owned()];
    let filters = [
        "userName%20eq%20%22zyx.jane@acme.example%22",
        "userName%20co%20%22zyx%22",
        "emails.value%20eq%20%22zyx.private@mail.example%22",
        "externalId%20eq%20%22zyx-external-17%22",
        "displayName%20sw%20%22Zyxa%22",
    ];
    scim.extend(filters.map(|filter| format!("/Users?filter={filter}")));
    scim.extend(
        ["/Users?sortBy=userName", "/Users", "/Groups", "/Users?attributes=userName"]
            .map(str::to_owned),
    );
    let mut admin = vec![
        "/tenants/acme/problems".to_owned(),
        "/tenants/_system/problems".to_owned(),
        "/tenants/acme/credentials".to_owned(),
        "/tenants/acme".to_owned(),
        "/tenants/acme/roles".to_owned(),
        "/tenants/acme/feed?after=0".to_owned(),
        "/tenants/acme/audit/commits?order=newest".to_owned(),
        format!("/tenants/acme/audit/commits?subject={id}"),
        "/tenants/acme/audit/commits?subject=zyx.jane@acme.example".to_owned(),
        "/tenants/acme/audit/commits?subject=zyx.former@acme.example".to_owned(),
    ];
    admin.extend((1..=last).map(|at| format!("/tenants/acme/audit/commits?asOf={at}")));
    // Lists that were begun before: by cursor and by index, of the present and of the past.
    let by_cursor = idp.get("/Users?cursor=&count=2").await.expect(200);
    let cursor = by_cursor.body["nextCursor"].as_str().unwrap().to_owned();
    let of_past = idp.get(&format!("/Users?cursor=&count=2&asOf={}", last - 1)).await.expect(200);
    let past_cursor = of_past.body["nextCursor"].as_str().unwrap().to_owned();
    idp.get("/Users?startIndex=1&count=2").await.expect(200);
    idp.get(&format!("/Users?startIndex=1&count=2&asOf={last}")).await.expect(200);
    let begun = [
        format!("/Users?cursor={cursor}&count=2"),
        format!("/Users?cursor={past_cursor}&count=2&asOf={}", last - 1),
        "/Users?startIndex=3&count=4".to_owned(),
        format!("/Users?startIndex=3&count=4&asOf={last}"),
    ];
    let asked = async || {
        let mut found = Vec::new();
        for path in &scim {
            found.push(idp.get(path).await);
            let mark = if path.contains('?') { '&' } else { '?' };
            for at in 1..=last {
                found.push(idp.get(&format!("{path}{mark}asOf={at}")).await);
            }
        }
        for filter in ["userName sw \"zyx\"", "emails pr"] {
            let search = json!({
                "schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"], "filter": filter,
            });
            for at in 1..=last {
                found.push(idp.post(&format!("/Users/.search?asOf={at}"), search.clone()).await);
            }
            found.push(idp.post("/.search", search).await);
        }
        for path in &admin {
            found.push(operator.get(path).await);
        }
        found
    };
    let before = asked().await;
    for canary in CANARIES {
        assert!(
            before.iter().any(|answer| seen(answer).contains(&canary)),
            "{canary} is never seen"
        );
    }
    let problems = operator.get("/tenants/_system/problems").await;
    assert!(problems.body.to_string().contains("zyx.jane"), "{problems}");

    let erase = format!("/tenants/acme/users/{id}/erase");
    let erased = operator.post(&erase, because("request 4711")).await.expect(200);
    // Three were provoked; what was asked for in vain before she was there stands under her id.
    assert!(erased.body["refusals"].as_u64().unwrap() >= 3, "{erased}");
    assert_eq!(seen(&erased), [""; 0]);
    for path in &begun {
        let page = idp.get(path).await;
        assert_eq!(seen(&page), [""; 0], "{path}: {page}");
    }
    for answer in asked().await {
        // Whoever asks for her by name is told that there is nobody called so.
        let never = answer.body["detail"].as_str().unwrap_or_default();
        if answer.status == 404 && never.ends_with("give a userName in any case, or an id") {
            continue;
        }
        assert_eq!(seen(&answer), [""; 0], "{answer}");
    }
    // That is not noted down either.
    for tenant in ["acme", "_system"] {
        let problems = operator.get(&format!("/tenants/{tenant}/problems")).await.expect(200);
        assert_eq!(seen(&problems), [""; 0], "{problems}");
    }
    // What happened stays: she was in the group, and had a role.
    let then = idp.get(&format!("/Groups/{group}?asOf={last}")).await.expect(200);
    assert_eq!(then.body["members"][0]["value"], id);
    let was = idp.get(&format!("{path}?asOf={last}")).await.expect(200);
    assert_eq!(was.body["userName"], format!("erased-{id}"));
    assert_eq!(was.body["roles"][0]["value"], "Analyst");

    // Her name is free. Who has it now can be read at every moment; she cannot.
    let new = idp.post("/Users", jane).await.expect(201).id();
    let now = operator.get("/tenants/acme").await.expect(200).body["head"]["position"].as_u64();
    for at in last + 2..=now.unwrap() {
        let told = idp.get(&format!("/Users/{new}?asOf={at}")).await.expect(200);
        assert_eq!(told.body["displayName"], "Zyxa Cänary", "at {at}");
    }
    let was = idp.get(&format!("{path}?asOf={last}")).await.expect(200);
    assert_eq!(seen(&was), [""; 0]);
    let named = "/tenants/acme/audit/commits?subject=zyx.former@acme.example";
    let told = operator.get(named).await.expect(200);
    let text = told.body.to_string();
    assert!(text.contains(&new) && !text.contains(&id), "{told}");
}
