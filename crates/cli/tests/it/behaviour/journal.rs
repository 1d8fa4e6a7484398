//! What was refused or left out, by whom, about whom.

use std::path::Path;

use reqwest::Method;
use serde_json::{Value, json};

use crate::common::{OPERATOR_KEY, SCIM_KEY, Served, run};

pub(super) const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
pub(super) const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
const PATCH: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

/// One request: to SCIM with the connector's key, or to the admin API with the operator's. Answers status and body.
pub(super) async fn ask(
    server: &Served,
    method: Method,
    path: &str,
    body: Option<Value>,
) -> (u16, Value) {
    let key = if path.starts_with("/scim/") { SCIM_KEY } else { OPERATOR_KEY };
    let url = format!("{}{path}", server.url);
    let mut request = reqwest::Client::new().request(method, url).bearer_auth(key);
    if let Some(body) = body {
        request = request.json(&body);
    }
    let answer = request.send().await.unwrap();
    let status = answer.status().as_u16();
    let bytes = answer.bytes().await.unwrap();
    (status, serde_json::from_slice(&bytes).unwrap_or_default())
}

/// The same, where it must answer with this status.
#[track_caller]
pub(super) fn expect(
    server: &Served,
    status: u16,
    method: Method,
    path: &str,
    body: Option<Value>,
) -> impl Future<Output = Value> {
    let place = std::panic::Location::caller();
    async move {
        let (found, answer) = ask(server, method.clone(), path, body).await;
        assert_eq!(found, status, "{place}: {method} {path}: {answer:#}");
        answer
    }
}

pub(super) async fn problems(server: &Served, query: &str) -> Vec<Value> {
    let path = format!("/admin/v1/tenants/acme/problems?{query}");
    let answer = expect(server, 200, Method::GET, &path, None).await;
    answer["problems"].as_array().unwrap().clone()
}

pub(super) fn patch(operations: Value) -> Value {
    json!({ "schemas": [PATCH], "Operations": operations })
}

/// Kind, status, count and name of each.
fn told(problems: &[Value]) -> Vec<(String, u64, u64, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let one = |problem: &Value| {
        let name = problem.get("userName").or(problem.get("groupName")).unwrap_or(&Value::Null);
        let (status, count) = (problem["status"].as_u64(), problem["count"].as_u64());
        (text(&problem["kind"]), status.unwrap(), count.unwrap(), text(name))
    };
    problems.iter().map(one).collect()
}

fn row(kind: &str, status: u64, count: u64, name: &str) -> (String, u64, u64, String) {
    (kind.to_owned(), status, count, name.to_owned())
}

/// Each refused or partly applied request is listed with the user or group that it was about, once however often it comes,
/// and outlives a restart and a kill.
#[tokio::test(flavor = "multi_thread")]
async fn c_15_what_was_refused_is_listed_with_whom_it_was_about() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let server = Served::start(&data);
    let (users, groups) = ("/scim/acme/v2/Users", "/scim/acme/v2/Groups");
    let post = |name: &str| Some(json!({ "schemas": [USER], "userName": name }));
    let jane = expect(&server, 201, Method::POST, users, post("jane@acme.com")).await;
    let jane = jane["id"].as_str().unwrap();
    let one = format!("{users}/{jane}");
    // An identity provider that repeats itself, in between with something else.
    for _ in 0..3 {
        expect(&server, 409, Method::POST, users, post("Jane@acme.com")).await;
        let bad = json!({ "schemas": [USER], "userName": "bob@acme.com", "active": "perhaps" });
        expect(&server, 400, Method::POST, users, Some(bad)).await;
    }
    let roles = json!([{ "op": "add", "path": "roles", "value": [{ "value": "Boss" }] }]);
    expect(&server, 200, Method::PATCH, &one, Some(patch(roles))).await;
    let sales = json!({ "schemas": [GROUP], "displayName": "Sales" });
    let group = expect(&server, 201, Method::POST, groups, Some(sales.clone())).await;
    expect(&server, 409, Method::POST, groups, Some(sales)).await;
    let nobody = json!([{ "op": "replace", "path": "shoe size", "value": 7 }]);
    let group = format!("{groups}/{}", group["id"].as_str().unwrap());
    expect(&server, 400, Method::PATCH, &group, Some(patch(nobody))).await;

    let of_jane = problems(&server, "user=JANE@acme.com").await;
    let expected =
        [row("partial", 200, 1, "jane@acme.com"), row("refused", 409, 3, "jane@acme.com")];
    assert_eq!(told(&of_jane), expected);
    assert_eq!(of_jane[1]["user"], jane);
    assert!(of_jane[1]["first"].as_str().unwrap() <= of_jane[1]["at"].as_str().unwrap());
    assert_eq!(told(&problems(&server, &format!("user={jane}")).await), expected);
    // Who never came to be is known by the name that they were to have.
    let of_bob = problems(&server, "user=bob@ACME.com").await;
    assert_eq!(told(&of_bob), [row("refused", 400, 3, "bob@acme.com")]);
    assert_eq!(of_bob[0].get("user"), None);
    let (status, answer) =
        ask(&server, Method::GET, "/admin/v1/tenants/acme/problems?user=carl", None).await;
    assert_eq!(status, 404, "{answer}");
    let of_sales = problems(&server, "group=sales").await;
    assert_eq!(told(&of_sales), [row("refused", 400, 1, "Sales"), row("refused", 409, 1, "Sales")]);
    assert_eq!(told(&problems(&server, "kind=partial,attention").await), expected[..1]);
    assert_eq!(problems(&server, "connector=okta").await.len(), 5);
    assert_eq!(problems(&server, "connector=okta&kind=refused&user=jane@acme.com").await.len(), 1);
    for bad in ["kind=bad", "connector=entra", "colour=red", "after=x"] {
        let path = format!("/admin/v1/tenants/acme/problems?{bad}");
        let (status, answer) = ask(&server, Method::GET, &path, None).await;
        assert!(status == 400 || status == 404, "{bad}: {answer}");
    }

    // It is shown with the user, and with the group; not with the past.
    let path = "/admin/v1/tenants/acme/users/jane@acme.com";
    let shown = expect(&server, 200, Method::GET, path, None).await;
    assert_eq!(told(shown["problems"].as_array().unwrap()), expected);
    let then = expect(&server, 200, Method::GET, &format!("{path}?asOf=5"), None).await;
    assert_eq!(then.get("problems"), None);
    let path = "/admin/v1/tenants/acme/groups/Sales";
    let shown = expect(&server, 200, Method::GET, path, None).await;
    assert_eq!(shown["problems"].as_array().unwrap().len(), 2);

    // Page by page, and what came since.
    let path = "/admin/v1/tenants/acme/problems";
    let page =
        expect(&server, 200, Method::GET, &format!("{path}?connector=okta&count=2"), None).await;
    let newest = page["problems"][0]["number"].as_u64().unwrap();
    let rest = problems(&server, &format!("connector=okta&before={}", page["next"])).await;
    assert_eq!(page["problems"].as_array().unwrap().len() + rest.len(), 5);
    expect(&server, 409, Method::POST, users, post("Jane@acme.com")).await;
    let since = problems(&server, &format!("connector=okta&after={newest}")).await;
    assert_eq!(told(&since), [row("refused", 409, 4, "jane@acme.com")]);

    // What a commit was written after outlives a kill; what comes again then is still counted in the same entry.
    expect(&server, 201, Method::POST, users, post("carl@acme.com")).await;
    drop(server);
    let server = Served::start(&data);
    expect(&server, 409, Method::POST, users, post("Jane@acme.com")).await;
    let all = problems(&server, "connector=okta").await;
    assert_eq!(told(&all)[0], row("refused", 409, 5, "jane@acme.com"));
    assert_eq!(all.len(), 5);

    // The command line says the same of a server, and of its folder when it has stopped.
    let url = server.url.clone();
    let remote = [("ROLLBOOK_URL", url.as_str()), ("ROLLBOOK_OPERATOR_KEY", OPERATOR_KEY)];
    let asked = ["problems", "--user", "jane@acme.com", "--format", "ndjson"];
    let (status, of_server, err) = run(&asked, &remote);
    assert_eq!(status, 0, "{err}");
    let (_, table, _) = run(&["show", "user", "jane@acme.com"], &remote);
    assert!(table.contains("\nproblems\n") && table.contains("\trefused\t409\t"), "{table}");
    let (status, _, err) = run(&["problems", "--user", "nobody"], &remote);
    assert!(status == 1 && err.contains("there is no user `nobody`"), "{err}");
    let (status, _, err) = run(&["problems", "--kind", "odd"], &remote);
    assert!(status == 2 && err.contains("attention"), "{err}");
    server.stop();
    let folder = [("ROLLBOOK_DATA", Path::new(&data).to_str().unwrap())];
    let (status, of_folder, err) = run(&asked, &folder);
    assert_eq!(status, 0, "{err}");
    assert_eq!(of_server, of_folder);
    assert_eq!(of_server.lines().count(), 2, "{of_server}");
}

/// An erasure removes what the journal says of a person, also where it was counted in one entry, and where all that it
/// knew was the name that somebody was to have.
#[tokio::test(flavor = "multi_thread")]
async fn c_15_an_erasure_takes_what_the_journal_says_of_a_person() {
    let folder = tempfile::tempdir().unwrap();
    let server = Served::start(&folder.path().join("data"));
    let users = "/scim/acme/v2/Users";
    let body = |name: &str, active: &str| {
        Some(json!({ "schemas": [USER], "userName": name, "active": active }))
    };
    for _ in 0..2 {
        expect(&server, 400, Method::POST, users, body("jane@acme.com", "perhaps")).await;
        expect(&server, 400, Method::POST, users, body("bob@acme.com", "perhaps")).await;
    }
    expect(&server, 201, Method::POST, users, body("jane@acme.com", "true")).await;
    expect(&server, 409, Method::POST, users, body("JANE@acme.com", "true")).await;
    let of_jane = problems(&server, "user=jane@acme.com").await;
    assert_eq!(of_jane.len(), 2, "{of_jane:#?}");
    let path = "/admin/v1/tenants/acme/users/jane@acme.com/erase";
    let wish = json!({ "reason": "request 4711" });
    let erased = expect(&server, 200, Method::POST, path, Some(wish)).await;
    assert_eq!(erased["refusals"], 2);
    let left = problems(&server, "").await;
    assert_eq!(told(&left), [row("refused", 400, 2, "bob@acme.com")]);
    // A request that was under way says nothing of her either.
    expect(&server, 400, Method::POST, users, body("jane@acme.com", "perhaps")).await;
    assert_eq!(problems(&server, "").await.len(), 1);
}
