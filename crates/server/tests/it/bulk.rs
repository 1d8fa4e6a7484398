//! Bulk jobs (RFC 7644 §3.7) as a client sees them.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use testkit::app::{Client, Reply, TestApp};

use crate::messages::{self, CORE, ENTERPRISE, ERROR, GROUP};

const REQUEST: &str = "urn:ietf:params:scim:api:messages:2.0:BulkRequest";
const RESPONSE: &str = "urn:ietf:params:scim:api:messages:2.0:BulkResponse";

/// Between two looks at a job that is under way: to be polite, nothing depends on it.
const A_MOMENT: Duration = Duration::from_millis(10);

/// For what would otherwise be waited for without end.
const A_MINUTE: Duration = Duration::from_secs(60);

fn job(operations: Value) -> Value {
    json!({ "schemas": [REQUEST], "Operations": operations })
}

fn user(bulk_id: &str, name: &str) -> Value {
    let data = json!({ "schemas": [CORE], "userName": name });
    json!({ "method": "POST", "path": "/Users", "bulkId": bulk_id, "data": data })
}

fn managed(bulk_id: &str, name: &str, manager: &str) -> Value {
    let data = json!({
        "schemas": [CORE, ENTERPRISE], "userName": name,
        ENTERPRISE: { "manager": { "value": manager } },
    });
    json!({ "method": "POST", "path": "/Users", "bulkId": bulk_id, "data": data })
}

fn group(bulk_id: &str, name: &str, members: &[&str]) -> Value {
    let members: Vec<Value> = members.iter().map(|id| json!({ "value": id })).collect();
    let data = json!({ "schemas": [GROUP], "displayName": name, "members": members });
    json!({ "method": "POST", "path": "/Groups", "bulkId": bulk_id, "data": data })
}

fn patch(path: &str, operations: Value) -> Value {
    json!({ "method": "PATCH", "path": path, "data": messages::patch(operations) })
}

/// Sends a job that is processed; what came of its operations.
async fn done(idp: &Client, operations: Value) -> Vec<Value> {
    outcomes(&idp.post("/Bulk", job(operations)).await)
}

#[track_caller]
fn outcomes(reply: &Reply) -> Vec<Value> {
    let reply = reply.clone().expect(200);
    assert_eq!(reply.body["schemas"], json!([RESPONSE]), "{reply}");
    let outcomes = reply.body["Operations"].as_array().unwrap().clone();
    for outcome in &outcomes {
        let status: u16 = outcome["status"].as_str().expect("status is a string").parse().unwrap();
        let response = &outcome["response"];
        assert!(status < 400 || response["schemas"] == json!([ERROR]), "{outcome}");
        assert!(status < 400 || response["status"] == outcome["status"], "{outcome}");
        assert!(status < 400 || !response["detail"].as_str().unwrap().is_empty(), "{outcome}");
    }
    outcomes
}

fn statuses(outcomes: &[Value]) -> Vec<&str> {
    outcomes.iter().map(|outcome| outcome["status"].as_str().unwrap()).collect()
}

/// The id at the end of an outcome's location.
#[track_caller]
fn id(outcome: &Value) -> String {
    outcome["location"].as_str().unwrap().rsplit('/').next().unwrap().to_owned()
}

/// The path of an outcome's location, below the base URL.
#[track_caller]
fn path(outcome: &Value) -> String {
    outcome["location"].as_str().unwrap().split_once("/v2").unwrap().1.to_owned()
}

/// The ids of a group's members, sorted.
async fn members(idp: &Client, group: &str) -> Vec<String> {
    let group = idp.get(group).await.expect(200).body;
    let mut ids: Vec<String> = group["members"]
        .as_array()
        .unwrap_or(&Vec::new())
        .iter()
        .map(|member| member["value"].as_str().unwrap().to_owned())
        .collect();
    ids.sort();
    ids
}

fn sorted<const N: usize>(mut ids: [String; N]) -> Vec<String> {
    ids.sort();
    ids.to_vec()
}

async fn count(idp: &Client, plural: &str) -> u64 {
    idp.get(&format!("/{plural}?count=0")).await.expect(200).body["totalResults"].as_u64().unwrap()
}

async fn commits(app: &TestApp) -> Vec<Value> {
    let page = app.operator().get("/tenants/acme/audit/commits?count=1000").await.expect(200);
    page.body["commits"].as_array().unwrap().clone()
}

async fn problems(app: &TestApp) -> Vec<Value> {
    let page = app.operator().get("/tenants/acme/problems?count=100").await.expect(200);
    page.body["problems"].as_array().unwrap().clone()
}

/// The example of RFC 7644 §3.7.3, rebuilt: one operation of each kind, each reported in its place.
///
/// Also R-7644-3.7.3-01, R-7644-3.7-06.
#[tokio::test(flavor = "multi_thread")]
async fn r_7644_3_7_01_a_job_of_every_kind_of_operation() {
    let app = TestApp::start().await;
    let idp = app.idp();
    let made = done(&idp, json!([user("b", "Bob"), user("c", "Cy"), user("d", "Dot")])).await;
    let (bob, cy, dot) = (path(&made[0]), path(&made[1]), path(&made[2]));
    let version = idp.get(&bob).await.expect(200).header("etag").to_owned();
    assert_eq!(made[0]["version"], version);
    let replaced = json!({ "schemas": [CORE], "userName": "Bob", "nickName": "Bo" });
    let mut change = patch(&cy, json!([{ "op": "replace", "path": "title", "value": "Boss" }]));
    change["version"] = made[1]["version"].clone();
    let outcomes = done(
        &idp,
        json!([
            user("qwerty", "Alice"),
            { "method": "PUT", "path": bob, "bulkId": "put", "version": version, "data": replaced },
            change,
            { "method": "DELETE", "path": dot, "version": made[2]["version"] },
        ]),
    )
    .await;
    assert_eq!(statuses(&outcomes), ["201", "200", "200", "204"]);
    let methods: Vec<&Value> = outcomes.iter().map(|outcome| &outcome["method"]).collect();
    assert_eq!(methods, ["POST", "PUT", "PATCH", "DELETE"]);
    assert_eq!((&outcomes[0]["bulkId"], &outcomes[1]["bulkId"]), (&json!("qwerty"), &json!("put")));
    assert_eq!(outcomes[2].get("bulkId"), None);
    assert_eq!([path(&outcomes[1]), path(&outcomes[2]), path(&outcomes[3])], [&*bob, &*cy, &*dot]);
    for outcome in &outcomes[..3] {
        let there = idp.get(&path(outcome)).await.expect(200);
        assert_eq!(outcome["version"], there.header("etag"), "{outcome}");
        assert_eq!(outcome["location"], there.header("location"));
        assert_eq!(outcome.get("response"), None);
    }
    assert_eq!(outcomes[3].get("version"), None);
    idp.get(&dot).await.expect(404);
    assert_eq!(idp.get(&bob).await.body["nickName"], "Bo");
    assert_eq!(idp.get(&cy).await.body["title"], "Boss");
    // A job of which everything fails is processed as well.
    let outcomes = done(
        &idp,
        json!([
            user("x", "ALICE"),
            { "method": "DELETE", "path": dot },
            { "method": "PUT", "path": cy, "data": { "schemas": [CORE], "userName": "bob" } },
        ]),
    )
    .await;
    assert_eq!(statuses(&outcomes), ["409", "404", "409"]);
    assert_eq!(outcomes[0]["response"]["scimType"], "uniqueness");
    assert_eq!(outcomes[0].get("location"), None, "a failed POST has no location");
    assert_eq!((path(&outcomes[1]), path(&outcomes[2])), (dot, cy));
}

/// An id that nothing has may be any text: the address of what is not there is a URI all the same.
#[tokio::test(flavor = "multi_thread")]
async fn r_7644_3_7_02_a_location_is_a_uri_whatever_the_path_says() {
    let app = TestApp::start().await;
    let put = json!({ "method": "PUT", "path": "/Users/{id} ä", "data": { "userName": "x" } });
    let outcomes = done(&app.idp(), json!([put])).await;
    assert_eq!(statuses(&outcomes), ["404"]);
    assert_eq!(path(&outcomes[0]), "/Users/%7Bid%7D%20%C3%A4");
}

/// What a client would rather see is shown: the resource, of a group too, and nothing of one that is gone.
#[tokio::test(flavor = "multi_thread")]
async fn r_7644_3_7_3_01_success_is_shown_only_to_who_prefers_it() {
    let app = TestApp::start().await;
    let idp = app.idp();
    let add = json!([{ "op": "add", "path": "members", "value": [{ "value": "bulkId:u" }] }]);
    let body = job(json!([
        user("u", "ada"),
        group("g", "Sales", &[]),
        patch("/Groups/bulkId:g", add),
        { "method": "DELETE", "path": "/Users/bulkId:u" },
        user("v", "ada"),
        user("w", "Ada"),
    ]));
    let prefer = [("prefer", "return=representation")];
    let reply = idp.send(Method::POST, "/Bulk", &prefer, Some(body.to_string().into())).await;
    let shown = outcomes(&reply);
    assert_eq!(statuses(&shown), ["201", "201", "200", "204", "201", "409"]);
    assert_eq!(shown[0]["response"]["userName"], "ada");
    assert_eq!(shown[2]["response"]["members"][0]["value"], id(&shown[0]));
    assert_eq!(shown[2]["response"]["meta"]["version"], shown[2]["version"]);
    assert_eq!(shown[3].get("response"), None);
    assert_eq!(shown[5]["response"]["scimType"], "uniqueness");
}

/// Each fault of an operation is its own, with the right word; the others are carried out.
///
/// Also R-7644-3.7-03.
#[tokio::test(flavor = "multi_thread")]
async fn r_7644_3_7_02_a_fault_of_an_operation_is_not_the_jobs() {
    let app = TestApp::start().await;
    let idp = app.idp();
    let data = json!({ "schemas": [CORE], "userName": "x" });
    let faults = json!([
        { "path": "/Users", "bulkId": "1", "data": data },
        { "method": "GET", "path": "/Users/1", "bulkId": "2" },
        { "method": "post", "path": "/Users", "bulkId": "3", "data": data },
        { "method": 7, "path": "/Users", "bulkId": "4", "data": data },
        { "method": "POST", "bulkId": "5", "data": data },
        { "method": "POST", "path": ["/Users"], "bulkId": "6", "data": data },
        { "method": "POST", "path": "/Users", "bulkId": "7" },
        { "method": "POST", "path": "/Users", "data": data },
        { "method": "POST", "path": "/Users", "bulkId": 9, "data": data },
        { "method": "PATCH", "path": "/Users/1", "data": null },
        { "method": "POST", "path": "/Users/1", "bulkId": "11", "data": data },
        { "method": "PUT", "path": "/Users", "data": data },
        { "method": "DELETE", "path": "/Users" },
        { "method": "POST", "path": "/Bulk", "bulkId": "14", "data": job(json!([])) },
        { "method": "POST", "path": "/Users/.search", "bulkId": "15", "data": {} },
        { "method": "POST", "path": "/.search", "bulkId": "16", "data": {} },
        { "method": "PATCH", "path": "/Users/.search", "data": {} },
        { "method": "DELETE", "path": "/Schemas/urn:ietf:params:scim:schemas:core:2.0:User" },
        { "method": "POST", "path": "/ResourceTypes", "bulkId": "19", "data": {} },
        { "method": "PUT", "path": "/ServiceProviderConfig", "data": {} },
        { "method": "PATCH", "path": "/Me", "data": {} },
        { "method": "POST", "path": "/Nothing", "bulkId": "22", "data": data },
        { "method": "POST", "path": "https://example.com/v2/Users", "bulkId": "23", "data": data },
        { "method": "POST", "path": "/Users", "bulkId": "24", "data": [data] },
        { "method": "PUT", "path": "/Users/1", "version": 3, "data": data },
        "DELETE",
    ]);
    let faulty = faults.as_array().unwrap().len();
    let mut operations = faults.as_array().unwrap().clone();
    operations.push(user("good", "ada"));
    let outcomes = done(&idp, Value::Array(operations)).await;
    for (fault, outcome) in faults.as_array().unwrap().iter().zip(&outcomes) {
        assert_eq!(outcome["status"], "400", "{fault}: {outcome}");
        assert_eq!(outcome["response"]["scimType"], "invalidSyntax", "{fault}: {outcome}");
        assert_eq!(outcome.get("location"), None, "{fault}");
        let method = fault.get("method").filter(|method| method.is_string());
        assert_eq!(outcome.get("method"), method, "{fault}");
        let named = fault.get("bulkId").filter(|named| named.is_string());
        assert_eq!(outcome.get("bulkId"), named, "{fault}");
    }
    assert_eq!(outcomes[faulty]["status"], "201");
    assert_eq!(count(&idp, "Users").await, 1);
    // Each stands in the journal like a request of its own.
    assert_eq!(problems(&app).await.len(), faulty);
}

/// What is wrong with the job as a whole: nothing of it is done.
///
/// Also R-7644-3.7-05, R-7644-3.7.2-03.
#[tokio::test(flavor = "multi_thread")]
async fn r_7644_3_7_01_a_fault_of_the_job_refuses_all_of_it() {
    let app = TestApp::start().await;
    let idp = app.idp();
    let good = json!([user("u", "ada")]);
    let with = |name: &str, value: Value| {
        let mut body = job(good.clone());
        body[name] = value;
        body
    };
    let before = commits(&app).await.len();
    for (body, kind) in [
        (json!([]), "invalidSyntax"),
        (json!({ "Operations": good }), "invalidSyntax"),
        (json!({ "schemas": [CORE], "Operations": good }), "invalidSyntax"),
        (json!({ "schemas": [REQUEST] }), "invalidSyntax"),
        (job(json!([])), "invalidSyntax"),
        (job(json!({})), "invalidSyntax"),
        (with("failOnErrors", json!(0)), "invalidValue"),
        (with("failOnErrors", json!(-1)), "invalidValue"),
        (with("failOnErrors", json!(1.5)), "invalidValue"),
        (with("failOnErrors", json!("1")), "invalidValue"),
        (job(json!([user("u", "ada"), user("u", "bob")])), "invalidValue"),
        (
            job(
                json!([user("u", "ada"), { "method": "DELETE", "path": "/Users/1", "bulkId": "u" }]),
            ),
            "invalidValue",
        ),
    ] {
        let reply = idp.post("/Bulk", body.clone()).await.expect(400);
        assert_eq!(reply.body["scimType"], kind, "{body}: {reply}");
        assert_eq!(problems(&app).await[0]["path"], "/scim/acme/v2/Bulk");
    }
    let reply = idp.send(Method::GET, "/Bulk", &[], None).await.expect(405);
    assert_eq!(reply.header("allow"), "POST");
    idp.post("/Bulk?asOf=1", job(good.clone())).await.expect(400);
    assert_eq!(commits(&app).await.len(), before);
    assert_eq!(statuses(&done(&idp, good).await), ["201"]);
}

/// Versions, unknown ids, what only a strict connector refuses: as alone.
#[tokio::test(flavor = "multi_thread")]
async fn r_7644_3_7_04_operations_mean_what_they_mean_alone() {
    let app = TestApp::start().await;
    let idp = app.idp();
    let made = done(&idp, json!([user("a", "ada")])).await;
    let (ada, old) = (path(&made[0]), made[0]["version"].clone());
    let title = json!([{ "op": "replace", "path": "title", "value": "Boss" }]);
    idp.patch(&ada, messages::patch(title.clone())).await.expect(200);
    let versioned = |mut operation: Value, version: &Value| {
        operation["version"] = version.clone();
        operation
    };
    let put =
        json!({ "method": "PUT", "path": ada, "data": { "schemas": [CORE], "userName": "eve" } });
    let delete = json!({ "method": "DELETE", "path": ada });
    let now = json!(idp.get(&ada).await.expect(200).header("etag"));
    let bad = patch(&ada, json!([{ "op": "add", "path": "nope", "value": 1 }]));
    let half = patch(
        &ada,
        json!([
            { "op": "replace", "path": "title", "value": "Clerk" },
            { "op": "replace", "path": "id", "value": "x" },
        ]),
    );
    let outcomes = done(
        &idp,
        json!([
            versioned(put, &old),
            versioned(patch(&ada, title.clone()), &old),
            versioned(delete.clone(), &old),
            versioned(delete, &json!("W/\"nobody's\"")),
            versioned(bad.clone(), &old),
            bad,
            half,
            versioned(
                patch(&ada, json!([{ "op": "add", "path": "nickName", "value": "A" }])),
                &now
            ),
            patch("/Users/00919288221112222", title.clone()),
            patch(&ada.replace("Users", "Groups"), title),
        ]),
    )
    .await;
    let expected = ["412", "412", "412", "412", "412", "400", "400", "200", "404", "404"];
    assert_eq!(statuses(&outcomes), expected);
    assert_eq!(outcomes[0]["location"], made[0]["location"]);
    assert_eq!(outcomes[5]["response"]["scimType"], "invalidPath");
    let ada = idp.get(&ada).await.expect(200).body;
    assert_eq!(
        (&ada["userName"], &ada["title"], &ada["nickName"]),
        (&json!("ada"), &json!("Boss"), &json!("A"))
    );
}

/// Strict, lenient and interop connectors read an operation as they read a request.
#[tokio::test(flavor = "multi_thread")]
async fn r_7644_3_7_04_each_connector_reads_operations_in_its_own_way() {
    let app = TestApp::start().await;
    for (preset, expected) in [("generic", "200"), ("strict", "400"), ("interop", "400")] {
        let idp = app.connector(preset).await;
        let made = done(&idp, json!([user("a", preset)])).await;
        let shout = json!([{ "op": "Replace", "path": "active", "value": "False" }]);
        let outcomes = done(&idp, json!([patch(&path(&made[0]), shout)])).await;
        assert_eq!(statuses(&outcomes), [expected], "{preset}");
        // References work the same everywhere, whichever way the connector has of writing them.
        let outcomes = done(
            &idp,
            json!([
                managed(
                    &format!("{preset}-1"),
                    &format!("{preset}-1"),
                    &format!("bulkId:{preset}-2")
                ),
                managed(
                    &format!("{preset}-2"),
                    &format!("{preset}-2"),
                    &format!("bulkId:{preset}-1")
                ),
                group("a", &format!("{preset}-a"), &["bulkId:b"]),
                group("b", &format!("{preset}-b"), &["bulkId:a"]),
            ]),
        )
        .await;
        assert_eq!(statuses(&outcomes), ["201"; 4], "{preset}: {outcomes:?}");
        for (one, other) in [(0, 1), (1, 0)] {
            let user = idp.get(&path(&outcomes[one])).await.expect(200).body;
            assert_eq!(user[ENTERPRISE]["manager"]["value"], id(&outcomes[other]), "{preset}");
            assert_eq!(members(&idp, &path(&outcomes[2 + one])).await, [id(&outcomes[2 + other])]);
        }
    }
    // A bare manager is one in lenient mode (L-06).
    let mut bare = managed("x", "x", "");
    bare["data"][ENTERPRISE]["manager"] = json!("bulkId:y");
    let outcomes = done(&app.idp(), json!([bare, user("y", "y")])).await;
    let x = app.idp().get(&path(&outcomes[0])).await.expect(200).body;
    assert_eq!(x[ENTERPRISE]["manager"]["value"], id(&outcomes[1]));
}

#[tokio::test(flavor = "multi_thread")]
async fn r_7644_3_7_05_a_job_stops_once_it_has_so_many_errors() {
    let app = TestApp::start().await;
    let idp = app.idp();
    let operations = json!([
        user("1", "ada"),
        user("2", "ADA"),
        user("3", "bob"),
        user("4", "BOB"),
        user("5", "cy"),
    ]);
    let mut body = job(operations.clone());
    body["failOnErrors"] = json!(2);
    let stopped = outcomes(&idp.post("/Bulk", body).await);
    assert_eq!(statuses(&stopped), ["201", "409", "201", "409"]);
    assert_eq!(count(&idp, "Users").await, 2);
    // Without a bound it goes on to its end.
    let all = done(&idp, operations).await;
    assert_eq!(statuses(&all), ["409", "409", "409", "409", "201"]);
    // What is only half there when the job stops is taken back, and not reported.
    let mut body = job(json!([
        group("a", "A", &["bulkId:b", "bulkId:c"]),
        group("b", "B", &["bulkId:a"]),
        group("c", "B", &["bulkId:a"]),
        user("u", "eve"),
    ]));
    body["failOnErrors"] = json!(1);
    let stopped = outcomes(&idp.post("/Bulk", body).await);
    // Eve has nothing to do with the circle and comes first; of the circle only the error is told.
    assert_eq!(statuses(&stopped), ["409", "201"]);
    assert_eq!(stopped[0]["bulkId"], "c");
    assert_eq!(count(&idp, "Groups").await, 0);
}

/// The example of RFC 7644 §3.7.1, rebuilt: two groups, each a member of the other.
///
/// Also R-7644-3.7-06.
#[tokio::test(flavor = "multi_thread")]
async fn r_7644_3_7_1_01_groups_that_are_members_of_each_other() {
    let app = TestApp::start().await;
    let idp = app.idp();
    let before = commits(&app).await.len();
    let outcomes = done(
        &idp,
        json!([
            group("qwerty", "Group A", &["bulkId:ytrewq"]),
            group("ytrewq", "Group B", &["bulkId:qwerty"]),
            group("own", "Group C", &["bulkId:own", "bulkId:qwerty"]),
        ]),
    )
    .await;
    assert_eq!(statuses(&outcomes), ["201", "201", "201"]);
    let ids = [id(&outcomes[0]), id(&outcomes[1]), id(&outcomes[2])];
    let [a, b, c] = &ids;
    assert_eq!(members(&idp, &path(&outcomes[0])).await, std::slice::from_ref(b));
    assert_eq!(members(&idp, &path(&outcomes[1])).await, std::slice::from_ref(a));
    assert_eq!(members(&idp, &path(&outcomes[2])).await, sorted([a.clone(), c.clone()]));
    // What is reported is the version with the reference in it.
    for outcome in &outcomes {
        let there = idp.get(&path(outcome)).await.expect(200);
        assert_eq!(outcome["version"], there.header("etag"), "{outcome}");
        assert_eq!(there.body["meta"]["version"], outcome["version"]);
    }
    // All of it is one request's work.
    let commits = commits(&app).await.split_off(before);
    assert_eq!(commits.len(), 5, "three groups, and two that a reference was put into");
    let request = &commits[0]["request"];
    assert!(request.is_string() && commits.iter().all(|commit| commit["request"] == *request));
}

/// A circle stands or falls as one: no half of it stays.
///
/// Also R-7644-3.7.2-03.
#[tokio::test(flavor = "multi_thread")]
async fn r_7644_3_7_1_01_a_circle_that_cannot_be_closed_leaves_nothing() {
    let app = TestApp::start().await;
    let idp = app.idp();
    done(&idp, json!([group("x", "Taken", &[])])).await;
    let outcomes = done(
        &idp,
        json!([
            group("a", "A", &["bulkId:b"]),
            group("b", "B", &["bulkId:c"]),
            group("c", "TAKEN", &["bulkId:a"]),
            group("d", "D", &["bulkId:a"]),
            managed("u", "u", "bulkId:v"),
            managed("v", "v", "bulkId:u"),
        ]),
    )
    .await;
    assert_eq!(statuses(&outcomes), ["409", "409", "409", "409", "201", "201"]);
    let kinds: Vec<_> = outcomes.iter().map(|one| one["response"].get("scimType")).collect();
    assert_eq!(kinds[..4], [None, None, Some(&json!("uniqueness")), None]);
    assert!(outcomes.iter().take(4).all(|one| one.get("location").is_none()), "{outcomes:?}");
    assert_eq!(count(&idp, "Groups").await, 1);
    assert_eq!(problems(&app).await.len(), 4);
}

/// Whom a circle only took over was there before it, and stays when it gives up.
#[tokio::test(flavor = "multi_thread")]
async fn who_was_linked_is_not_undone_with_a_circle() {
    let app = TestApp::start().await;
    let idp = app.idp();
    let here = app.operator().post("/tenants/acme/users", json!({ "userName": "u" })).await;
    done(&idp, json!([managed("x", "taken", "x")])).await;
    let circle = json!([managed("u", "u", "bulkId:v"), managed("v", "TAKEN", "bulkId:u")]);
    assert_eq!(statuses(&done(&idp, circle).await), ["409", "409"]);
    let there = app.operator().get("/tenants/acme/users/u").await.expect(200);
    assert_eq!(there.body["id"], here.expect(201).body["id"]);
}

/// The example of RFC 7644 §3.7.2, rebuilt: a user, and a group that has it as a member; a manager in the enterprise extension.
/// Forward references too, in one commit for each operation.
///
/// Also R-7644-3.7-06.
#[tokio::test(flavor = "multi_thread")]
async fn r_7644_3_7_2_01_references_by_bulk_id_forward_and_back() {
    let app = TestApp::start().await;
    let idp = app.idp();
    let before = commits(&app).await.len();
    let outcomes = done(
        &idp,
        json!([
            user("qwerty", "Alice"),
            group("ytrewq", "Tour Guides", &["bulkId:qwerty"]),
            group("early", "Early Birds", &["bulkId:late", "bulkId:qwerty"]),
            managed("bob", "Bob", "bulkId:late"),
            managed("late", "Late", "bulkId:qwerty"),
        ]),
    )
    .await;
    assert_eq!(statuses(&outcomes), ["201"; 5]);
    let (alice, late) = (id(&outcomes[0]), id(&outcomes[4]));
    assert_eq!(members(&idp, &path(&outcomes[1])).await, std::slice::from_ref(&alice));
    assert_eq!(members(&idp, &path(&outcomes[2])).await, sorted([late.clone(), alice.clone()]));
    for (one, manager) in [(3, &late), (4, &alice)] {
        let user = idp.get(&path(&outcomes[one])).await.expect(200).body;
        assert_eq!(user[ENTERPRISE]["manager"]["value"], **manager);
    }
    assert_eq!(commits(&app).await.len() - before, 5, "one commit for each operation");
    // Text that only looks like a reference stays what it is.
    let nick = json!({ "schemas": [CORE], "userName": "bulkId:none", "nickName": "bulkId:qwerty" });
    let odd = json!({ "method": "POST", "path": "/Users", "bulkId": "qwerty", "data": nick });
    let outcomes = done(&idp, json!([odd])).await;
    let there = idp.get(&path(&outcomes[0])).await.expect(200).body;
    assert_eq!(
        (&there["userName"], &there["nickName"]),
        (&json!("bulkId:none"), &json!("bulkId:qwerty"))
    );
}

/// Seen to catch: paths whose `bulkId` is left as it was sent, and filters likewise.
#[tokio::test(flavor = "multi_thread")]
async fn r_7644_3_7_2_02_references_by_bulk_id_in_paths() {
    let app = TestApp::start().await;
    let idp = app.idp();
    let old = done(&idp, json!([user("o", "old"), group("t", "Team", &["bulkId:o"])])).await;
    let team = path(&old[1]);
    let add = |id: &str| json!([{ "op": "add", "path": "members", "value": [{ "value": id }] }]);
    let outcomes = done(&idp, json!([
        patch("/Groups/bulkId:g1", add("bulkId:u1")),
        group("g1", "One", &[]),
        user("u1", "u1"),
        user("u2", "u2"),
        patch("/Groups/bulkId%3Ag1", json!([
            { "op": "add", "path": "members", "value": [{ "value": "bulkId:u2" }, { "value": id(&old[0]) }] },
            { "op": "remove", "path": "members[value eq \"bulkId:u1\" or value eq \"nobody\"]" },
        ])),
        patch(&team, json!([{ "op": "add", "value": { "members": [{ "value": "bulkId:u1" }] } }])),
        patch("/Users/bulkId:u2", json!([
            { "op": "add", "path": format!("{ENTERPRISE}:manager.value"), "value": "bulkId:u1" },
        ])),
        patch("/Users/bulkId:u1", json!([
            { "op": "add", "path": ENTERPRISE, "value": { "manager": { "value": "bulkId:u2" } } },
        ])),
        { "method": "PUT", "path": "/Users/bulkId:u3", "data": { "schemas": [CORE], "userName": "u3", "title": "T" } },
        user("u3", "u3"),
        user("u4", "u4"),
        { "method": "DELETE", "path": "/Users/bulkId:u4" },
    ]))
    .await;
    let expected =
        ["204", "201", "201", "201", "204", "204", "200", "200", "200", "201", "201", "204"];
    assert_eq!(statuses(&outcomes), expected, "{outcomes:?}");
    let (one, u1, u2) = (path(&outcomes[1]), id(&outcomes[2]), id(&outcomes[3]));
    assert_eq!(path(&outcomes[0]), one);
    assert_eq!(members(&idp, &one).await, sorted([u2.clone(), id(&old[0])]));
    assert_eq!(members(&idp, &team).await, sorted([u1.clone(), id(&old[0])]));
    for (of, manager) in [(3, &u1), (2, &u2)] {
        let user = idp.get(&path(&outcomes[of])).await.expect(200).body;
        assert_eq!(user[ENTERPRISE]["manager"]["value"], **manager);
    }
    assert_eq!(idp.get(&path(&outcomes[9])).await.expect(200).body["title"], "T");
    idp.get(&path(&outcomes[10])).await.expect(404);
}

#[tokio::test(flavor = "multi_thread")]
async fn r_7644_3_7_2_03_references_that_lead_nowhere() {
    let app = TestApp::start().await;
    let idp = app.idp();
    done(&idp, json!([user("x", "taken")])).await;
    let outcomes = done(
        &idp,
        json!([
            group("1", "Unknown", &["bulkId:nobody"]),
            patch("/Groups/bulkId:nothing", json!([])),
            { "method": "DELETE", "path": "/Users/bulkId:8" },
            managed("4", "4", "bulkId:5"),
            user("5", "TAKEN"),
            patch("/Users/bulkId:5", json!([{ "op": "add", "path": "title", "value": "T" }])),
            group("7", "Failed", &["bulkId:4"]),
            { "method": "POST", "path": "/Nothing", "bulkId": "8", "data": {} },
            { "method": "PUT", "path": "/Users/1", "bulkId": "9", "data": {} },
            group("10", "Of a PUT", &["bulkId:9"]),
            group("11", "Empty", &["bulkId:"]),
        ]),
    )
    .await;
    let expected = ["400", "400", "409", "409", "409", "409", "409", "400", "404", "400", "400"];
    assert_eq!(statuses(&outcomes), expected, "{outcomes:?}");
    for unknown in [0, 1, 9, 10] {
        assert_eq!(outcomes[unknown]["response"]["scimType"], "invalidValue", "{unknown}");
    }
    for failed in [2, 3, 5, 6] {
        assert_eq!(outcomes[failed]["response"].get("scimType"), None, "{failed}");
    }
    assert_eq!(count(&idp, "Users").await, 1);
    assert_eq!(count(&idp, "Groups").await, 0);
}

/// 1,000 operations are carried out; one more, and nothing is. Bytes are counted as they come.
#[tokio::test(flavor = "multi_thread")]
async fn r_7644_3_7_4_01_limits_are_named_and_nothing_is_done() {
    let app = TestApp::start().await;
    let idp = app.idp();
    let config = idp.get("/ServiceProviderConfig").await.expect(200).body;
    let most = config["bulk"]["maxOperations"].as_u64().unwrap();
    let bytes = usize::try_from(config["bulk"]["maxPayloadSize"].as_u64().unwrap()).unwrap();
    assert_eq!((&config["bulk"]["supported"], most, bytes), (&json!(true), 1_000, 16 << 20));

    let before = commits(&app).await.len();
    let many = |count: u64| -> Value {
        // Forward references all the way: each has the next one as its manager.
        let one = |n: u64| match n + 1 {
            next if next < count => {
                managed(&n.to_string(), &format!("u{n}"), &format!("bulkId:{next}"))
            }
            _ => user(&n.to_string(), &format!("u{n}")),
        };
        (0..count).map(one).collect()
    };
    let reply = idp.post("/Bulk", job(many(most + 1))).await.expect(413);
    assert!(reply.body["detail"].as_str().unwrap().contains("1000 (`maxOperations`)"), "{reply}");
    let mut body = job(json!([user("a", "ada")])).to_string().into_bytes();
    body.resize(bytes + 1, b' ');
    let reply = idp.send(Method::POST, "/Bulk", &[], Some(body.clone())).await.expect(413);
    assert!(reply.body["detail"].as_str().unwrap().contains("16777216"), "{reply}");
    assert_eq!(commits(&app).await.len(), before);
    assert_eq!(problems(&app).await.len(), 2);
    body.truncate(bytes);
    assert_eq!(
        statuses(&outcomes(&idp.send(Method::POST, "/Bulk", &[], Some(body)).await)),
        ["201"]
    );

    let outcomes = done(&idp, many(most)).await;
    assert_eq!(outcomes.len(), 1_000);
    for (at, outcome) in outcomes.iter().enumerate() {
        assert_eq!(
            (&outcome["status"], &outcome["bulkId"]),
            (&json!("201"), &json!(at.to_string()))
        );
    }
    let first = idp.get(&path(&outcomes[0])).await.expect(200).body;
    assert_eq!(first[ENTERPRISE]["manager"]["value"], id(&outcomes[1]));
    assert_eq!(count(&idp, "Users").await, 1_001);
    // What would be too large alone is too large here.
    let mut large = user("l", "large");
    large["data"]["nickName"] = json!("x".repeat(1 << 20));
    assert_eq!(statuses(&done(&idp, json!([large])).await), ["413"]);
}

/// Each operation is a commit of its own, and each refusal an entry of its own, all under the request's id.
#[tokio::test(flavor = "multi_thread")]
async fn r_7644_3_7_07_each_operation_is_audited() {
    let app = TestApp::start().await;
    let idp = app.idp();
    let before = commits(&app).await.len();
    let body = job(json!([
        user("a", "ada"),
        user("b", "ADA"),
        group("g", "Sales", &["bulkId:a"]),
        { "method": "DELETE", "path": "/Users/nobody" },
        { "method": "TRACE", "path": "/Users/nobody" },
    ]));
    let reply = idp.post("/Bulk", body).await;
    assert_eq!(statuses(&outcomes(&reply)), ["201", "409", "201", "404", "400"]);
    let request = json!(reply.header("rollbook-request"));
    let commits = commits(&app).await.split_off(before);
    assert_eq!(commits.len(), 2);
    assert!(commits.iter().all(|commit| commit["request"] == request), "{commits:?}");
    let problems = problems(&app).await;
    let told: Vec<_> = problems
        .iter()
        .map(|one| {
            assert_eq!(one["request"], request, "{one}");
            (one["method"].as_str().unwrap(), one["path"].as_str().unwrap(), one["status"].as_u64())
        })
        .collect();
    let expected = [
        ("TRACE", "/scim/acme/v2/Bulk", Some(400)),
        ("DELETE", "/scim/acme/v2/Users/nobody", Some(404)),
        ("POST", "/scim/acme/v2/Users", Some(409)),
    ];
    assert_eq!(told, expected);
}

/// A client that goes away in the middle leaves no half: the job runs to its end. Seen to catch: a job that ends with its
/// request.
#[tokio::test(flavor = "multi_thread")]
async fn r_7644_3_7_04_a_client_that_goes_away_leaves_no_half() {
    let app = TestApp::start().await;
    let idp = app.idp();
    let mut operations: Vec<Value> =
        (0..998).map(|n| user(&n.to_string(), &format!("u{n}"))).collect();
    operations.push(group("a", "A", &["bulkId:b"]));
    operations.push(group("b", "B", &["bulkId:a"]));
    let sender = idp.clone();
    let sent =
        tokio::spawn(async move { sender.post("/Bulk", job(Value::Array(operations))).await });
    while count(&idp, "Users").await == 0 {
        tokio::time::sleep(A_MOMENT).await;
    }
    sent.abort();
    assert!(sent.await.unwrap_err().is_cancelled(), "the client was still waiting");
    let named = async |name: &str| {
        let path = format!("/Groups?filter=displayName%20eq%20%22{name}%22");
        idp.get(&path).await.expect(200).body["Resources"][0].clone()
    };
    let closed = async {
        loop {
            let a = named("A").await;
            if a["members"][0]["value"].is_string() {
                break a;
            }
            tokio::time::sleep(A_MOMENT).await;
        }
    };
    let a = tokio::time::timeout(A_MINUTE, closed).await.expect("the job broke off");
    let b = named("B").await;
    assert_eq!((&a["members"][0]["value"], &b["members"][0]["value"]), (&b["id"], &a["id"]));
    assert_eq!(count(&idp, "Users").await, 998);
}

/// A key that is revoked while its job runs opens nothing more.
#[tokio::test(flavor = "multi_thread")]
async fn r_7644_3_7_04_a_revoked_key_stops_its_job() {
    let app = TestApp::start().await;
    let idp = app.connector("generic").await;
    let sender = idp.clone();
    let operations: Value = (0..1_000).map(|n| user(&n.to_string(), &format!("u{n}"))).collect();
    let sent = tokio::spawn(async move { sender.post("/Bulk", job(operations)).await });
    while count(&idp, "Users").await == 0 {
        tokio::time::sleep(A_MOMENT).await;
    }
    let keys = app.operator().get("/tenants/acme/credentials").await.expect(200).body;
    let key =
        keys["credentials"].as_array().unwrap().last().unwrap()["id"].as_str().unwrap().to_owned();
    app.operator().delete(&format!("/tenants/acme/credentials/{key}")).await.expect(200);
    let outcomes = outcomes(&sent.await.unwrap());
    assert_eq!(outcomes.first().unwrap()["status"], "201");
    assert_eq!(outcomes.last().unwrap()["status"], "401");
    let made = outcomes.iter().filter(|outcome| outcome["status"] == "201").count();
    assert_eq!(count(&app.idp(), "Users").await, made as u64);
}

/// Seen to leave the first half of a circle behind.
#[tokio::test(flavor = "multi_thread")]
async fn r_7644_3_7_04_a_key_that_ends_half_way_leaves_no_half() {
    let app = TestApp::start().await;
    let expires = "2026-01-01T00:00:10Z";
    let body = json!({ "connector": "okta", "expires": expires });
    let issued = app.operator().post("/tenants/acme/credentials", body).await.expect(201);
    let key = issued.body["apiKey"].as_str().unwrap();
    // Whose clock jumps as soon as there is somebody.
    let (engine, clock) = (app.app.engine.clone(), app.app.clock.clone());
    let jumping: engine::Clock = std::sync::Arc::new(move || {
        let people = engine.world().with_slug("acme").unwrap().1.directory.users.len();
        let later = if people > 0 { 20_000 } else { 0 };
        domain::time::Timestamp::from_millis(clock().millis() + later)
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/scim/acme/v2/Bulk", listener.local_addr().unwrap());
    let jumpy = server::App { clock: jumping, ..app.app.clone() };
    let serving = tokio::spawn(server::serve(listener, jumpy, std::future::pending()));
    let circle = job(json!([managed("a", "ann", "bulkId:b"), managed("b", "bob", "bulkId:a")]));
    let request = reqwest::Client::new().post(url).bearer_auth(key).body(circle.to_string());
    let answer = request.send().await.unwrap();
    assert_eq!(answer.status(), 200);
    let body: Value = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
    assert_eq!(statuses(body["Operations"].as_array().unwrap()), ["409", "401"], "{body}");
    serving.abort();
    let left = app.idp().get("/Users").await.expect(200);
    assert_eq!(left.body["totalResults"], 0, "{left}");
}
