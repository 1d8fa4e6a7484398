//! Lists that no index answers: they keep no write waiting, and end when nobody waits for them.

use std::io::Write;
use std::net::TcpStream;

use serde_json::json;
use testkit::app::TestApp;

const CORE: &str = "urn:ietf:params:scim:schemas:core:2.0:User";

/// Begins to ask for a list that takes long, and waits until it is being looked for.
async fn ask(app: &TestApp, filter: &str) -> TcpStream {
    let running = app.app.lists.scans_running();
    let mut stream = TcpStream::connect(app.url.trim_start_matches("http://")).unwrap();
    let request = format!(
        "GET /scim/acme/v2/Users?filter={filter} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\n\r\n",
        TestApp::key("acme")
    );
    stream.write_all(request.as_bytes()).unwrap();
    while app.app.lists.scans_running() == running {
        tokio::task::yield_now().await;
    }
    stream
}

/// Two hundred terms, each of which has to be looked at for each user.
fn slow() -> String {
    let terms: Vec<String> = (0..190).map(|n| format!("userName+co+%22nobody{n}%22")).collect();
    terms.join("+or+")
}

/// Seen to fail when nothing tells that the client went away: every user is looked at then.
#[tokio::test(flavor = "multi_thread")]
async fn a_list_ends_when_its_client_goes_away_and_keeps_no_write_waiting() {
    let crowd = crate::walks::Crowd::of(10_000).await;
    let (app, idp) = (&crowd.app, crowd.app.idp());
    let before = app.app.lists.rows_looked_at();
    let client = ask(app, &slow()).await;
    // As many as there are cores, and one more that waits for its turn.
    let cores = std::thread::available_parallelism().unwrap().get();
    let mut others = Vec::new();
    for _ in 1..cores {
        others.push(ask(app, &slow()).await);
    }
    // Writes and reads that an index answers go on beside them.
    let body = json!({ "schemas": [CORE], "userName": "new" });
    idp.post("/Users", body).await.expect(201);
    let found = idp.get("/Users?filter=userName+eq+%22NEW%22").await.expect(200);
    assert_eq!(found.body["totalResults"], 1);
    assert_eq!(app.app.lists.scans_running(), cores, "the lists were found before the write");
    drop((client, others));
    while app.app.lists.scans_running() > 0 {
        tokio::task::yield_now().await;
    }
    let looked = app.app.lists.rows_looked_at() - before;
    assert!(looked < 10_000 * cores as u64, "{looked} were looked at, which is all of them");
    // The next one gets its turn, and looks at everybody.
    let all = idp.get("/Users?filter=userName+co+%22e%22&count=1").await.expect(200);
    assert_eq!(all.body["totalResults"], 1);
    assert_eq!(app.app.lists.rows_looked_at() - before - looked, 10_001);
}
