//! Walks through a list while others write: no row that is there all along is lost, and none comes
//! twice.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;

use domain::command::{Change, Command, Expected};
use domain::id::{TenantId, UserId};
use domain::origin::{Actor, Origin};
use scim::{Mode, ResourceType};
use serde_json::{Value, json};
use testkit::app::{Client, Reply, TestApp};
use uuid::Uuid;

const CORE: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const USERS: u64 = 20_000;

/// A tenant with many users, made through the engine: over HTTP it would take minutes.
pub(crate) struct Crowd {
    pub(crate) app: TestApp,
    tenant: TenantId,
}

impl Crowd {
    pub(crate) async fn of(count: u64) -> Crowd {
        let app = TestApp::start().await;
        let tenant = app.app.engine.world().with_slug("acme").unwrap().0.id;
        let crowd = Crowd { app, tenant };
        let all: Vec<u64> = (0..count).collect();
        for some in all.chunks(2_000) {
            let created: Vec<_> = some.iter().map(|n| tokio::spawn(crowd.create(*n))).collect();
            for created in created {
                created.await.unwrap();
            }
        }
        crowd
    }

    fn id(n: u64) -> UserId {
        UserId::new(Uuid::from_u64_pair(7, n))
    }

    fn create(&self, n: u64) -> impl Future<Output = ()> + Send + 'static {
        // The order by name has nothing to do with the order of creation.
        let name = n.wrapping_mul(7_919) % 100_003;
        let body = json!({
            "schemas": [CORE], "userName": format!("u{name:06}"), "title": if n.is_multiple_of(10) { "Chief" } else { "Member" },
        });
        let body = scim::Value::parse(body.to_string().as_bytes()).unwrap();
        let user = scim::admit(&body, ResourceType::user(), Mode::Strict).unwrap();
        self.submit(Command::User(Self::id(n), Change::Create(user)))
    }

    fn delete(&self, n: u64) -> impl Future<Output = ()> + Send + 'static {
        self.submit(Command::User(Self::id(n), Change::Delete { expected: Expected::Any }))
    }

    fn submit(&self, command: Command) -> impl Future<Output = ()> + Send + 'static {
        let (engine, tenant) = (self.app.app.engine.clone(), self.tenant);
        // As the identity provider: whom an operator makes, no client sees.
        let directory = &engine.now(tenant).unwrap().directory;
        let id = directory.connectors.named(server::FIRST_CONNECTOR).unwrap().id;
        let credential = directory.credentials.iter().next().unwrap().id;
        let actor = Actor::Connector { id, credential };
        let origin = Origin { actor, ..server::startup(&self.app.app) };
        async move {
            engine.submit(tenant, origin, command).await.unwrap();
        }
    }
}

/// One way of asking for the next page.
enum By {
    Index,
    Cursor,
}

/// Walks through a list to its end, and answers every id in the order in which it came. After each
/// page but the last, `meanwhile` is told its number.
async fn walk(
    idp: &Client,
    by: By,
    query: &str,
    mut meanwhile: impl AsyncFnMut(usize),
) -> Vec<String> {
    let (mut walked, mut pages, mut cursor) = (Vec::new(), 0, String::new());
    loop {
        let start = walked.len() + 1;
        let place = match by {
            By::Index => format!("startIndex={start}"),
            By::Cursor => format!("cursor={cursor}"),
        };
        let page = idp.get(&format!("/Users?{place}&attributes=id&{query}")).await.expect(200).body;
        let found = page["Resources"].as_array().unwrap();
        walked.extend(found.iter().map(|user| user["id"].as_str().unwrap().to_owned()));
        let more = match by {
            By::Index => {
                !found.is_empty() && (walked.len() as u64) < page["totalResults"].as_u64().unwrap()
            }
            By::Cursor => page.get("nextCursor").is_some(),
        };
        if !more {
            return walked;
        }
        cursor = page["nextCursor"].as_str().unwrap_or_default().to_owned();
        meanwhile(pages).await;
        pages += 1;
    }
}

/// Six walks through 20,000 users, during each of which 50 are deleted and 50 created, before and
/// behind the place where the walk is.
///
/// Also A-9865-5-01.
///
/// Seen to fail when pages are of the present: the first walk loses 31 rows then, by index and by
/// cursor.
#[tokio::test(flavor = "multi_thread")]
async fn r_7644_3_4_2_4_05_nobody_is_lost_and_nobody_comes_twice() {
    let crowd = Crowd::of(USERS).await;
    let idp = crowd.app.idp();
    let (mut there, mut next): (BTreeSet<u64>, u64) = ((0..USERS).collect(), USERS);
    let chiefs = "filter=title+eq+%22chief%22";
    for (round, (query, pages)) in [
        ("count=100", 200),
        ("count=100&sortBy=userName&sortOrder=descending", 200),
        (&format!("count=10&{chiefs}"), 200),
    ]
    .into_iter()
    .enumerate()
    {
        for by in [By::Index, By::Cursor] {
            let before: Vec<u64> = there.iter().copied().collect();
            let every = pages / 50;
            let mut written = 0;
            let walked = walk(&idp, by, query, async |page| {
                if page % every != 0 || written == 50 {
                    return;
                }
                // Those to go are spread over all, and those to come too, by whatever order.
                let gone = before[(written * 7_001 + 13 * (round + 1)) % before.len()];
                if there.remove(&gone) {
                    crowd.delete(gone).await;
                }
                there.insert(next);
                crowd.create(next).await;
                next += 1;
                written += 1;
            })
            .await;
            assert_eq!(written, 50, "{query}");
            let seen: BTreeSet<&String> = walked.iter().collect();
            assert_eq!(seen.len(), walked.len(), "{query}: some came twice");
            let is_asked_for = |n: &u64| !query.contains("filter") || n.is_multiple_of(10);
            let stayed = before.iter().filter(|n| there.contains(n) && is_asked_for(n));
            let lost: Vec<u64> =
                stayed.copied().filter(|n| !seen.contains(&Crowd::id(*n).to_string())).collect();
            assert_eq!(lost, [0; 0], "{query}: some were lost");
        }
    }
}

fn names(page: &Reply) -> String {
    let found = page.body["Resources"].as_array().unwrap();
    found.iter().map(|user| user["userName"].as_str().unwrap()).collect::<Vec<_>>().join(" ")
}

async fn six(app: &TestApp) -> Client {
    let idp = app.idp();
    for n in 0..6 {
        let body = json!({ "schemas": [CORE], "userName": format!("u{n}") });
        idp.post("/Users", body).await.expect(201);
    }
    idp
}

/// Deletes whoever comes first at present. It is no walk to look for them: the page is the last.
async fn delete_first(idp: &Client) {
    let all = idp.get("/Users?attributes=id").await.expect(200);
    let id = all.body["Resources"][0]["id"].as_str().unwrap().to_owned();
    idp.delete(&format!("/Users/{id}")).await.expect(204);
}

/// What continues a walk by index, and what does not and so reads the present.
#[tokio::test(flavor = "multi_thread")]
async fn r_7644_3_4_2_4_05_a_walk_by_index_is_known_by_its_continuation() {
    let app = TestApp::start().await;
    let idp = six(&app).await;
    let get = async |query: &str| names(&idp.get(&format!("/Users?{query}")).await.expect(200));
    assert_eq!(get("startIndex=1&count=2").await, "u0 u1");
    delete_first(&idp).await;
    // The count may change, and a page may be asked for once more.
    assert_eq!(get("startIndex=3&count=1").await, "u2");
    assert_eq!(get("startIndex=3&count=1").await, "u2");
    assert_eq!(get("startIndex=4&count=2").await, "u3 u4");
    // Another place, another query, another client, and the first page: the present.
    assert_eq!(get("startIndex=5&count=2").await, "u5");
    assert_eq!(get("startIndex=6&count=2&sortBy=userName").await, "");
    let entra = app.connector("entra").await;
    let theirs = entra.get("/Users?startIndex=6&count=2").await.expect(200);
    assert_eq!((names(&theirs).as_str(), &theirs.body["totalResults"]), ("", &Value::from(5)));
    assert_eq!(get("startIndex=6&count=2").await, "u5");
    assert_eq!(get("startIndex=1&count=2").await, "u1 u2");
    // What asks not to be behind a write is not.
    let last = idp.post("/Users", json!({ "schemas": [CORE], "userName": "u6" })).await;
    let least = last.header("rollbook-position");
    assert_eq!(get("startIndex=3&count=9").await, "u3 u4 u5");
    assert_eq!(get(&format!("startIndex=3&count=9&min-position={least}")).await, "u3 u4 u5 u6");
    // Ten minutes after its last page a walk is forgotten.
    assert_eq!(get("startIndex=1&count=2").await, "u1 u2");
    delete_first(&idp).await;
    app.clock.fetch_add(599_999, Ordering::Relaxed);
    assert_eq!(get("startIndex=3&count=2").await, "u3 u4");
    app.clock.fetch_add(600_000, Ordering::Relaxed);
    assert_eq!(get("startIndex=5&count=2").await, "u6");
    // Who asks for the last page again and again sees the present in time.
    assert_eq!(get("startIndex=1&count=3").await, "u2 u3 u4");
    assert_eq!(get("startIndex=4&count=9").await, "u5 u6");
    idp.post("/Users", json!({ "schemas": [CORE], "userName": "u7" })).await.expect(201);
    app.clock.fetch_add(300_000, Ordering::Relaxed);
    assert_eq!(get("startIndex=4&count=9").await, "u5 u6");
    app.clock.fetch_add(300_000, Ordering::Relaxed);
    assert_eq!(get("startIndex=4&count=9").await, "u5 u6 u7");
}

/// The newest walks of a connector are held; the oldest is forgotten, and no other connector's.
#[tokio::test(flavor = "multi_thread")]
async fn a_bounded_number_of_walks_is_held() {
    let app = TestApp::start().await;
    let idp = six(&app).await;
    let entra = app.connector("entra").await;
    let begin = async |client: &Client, n: usize| {
        let query = format!("/Users?count=2&filter=userName+ne+%22{n}%22");
        client.get(&query).await.expect(200);
    };
    let goes_on = async |client: &Client, n: usize| {
        let query = format!("/Users?startIndex=3&count=2&filter=userName+ne+%22{n}%22");
        client.get(&query).await.expect(200).body["totalResults"] == 6
    };
    begin(&entra, 0).await;
    for n in 0..=server::limits::WALKS_OF_CONNECTOR {
        begin(&idp, n).await;
    }
    delete_first(&idp).await;
    assert!(!goes_on(&idp, 0).await);
    assert!(goes_on(&idp, 1).await);
    assert!(goes_on(&idp, server::limits::WALKS_OF_CONNECTOR).await);
    assert!(goes_on(&entra, 0).await);
}
