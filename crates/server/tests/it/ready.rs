//! Whether a server is ready, and what it says until it is.

use std::sync::Arc;
use std::time::Duration;

use reqwest::Client;
use serde_json::{Value, json};
use server::Starting;
use testkit::app::TestApp;
use tokio::net::TcpListener;

/// Status, `Retry-After` and body.
async fn ask(client: &Client, url: &str) -> (u16, Option<String>, Value) {
    let answer = client.get(url).send().await.unwrap();
    let retry = answer.headers().get("retry-after").map(|value| value.to_str().unwrap().to_owned());
    (answer.status().as_u16(), retry, answer.json().await.unwrap())
}

/// From the first moment on the socket answers; once the log is open, the same socket serves, and who was connected before
/// is not in the way.
#[tokio::test]
async fn a_server_that_starts_says_how_far_it_is() {
    let app = TestApp::start().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (client, starting) = (Client::new(), Arc::new(Starting::default()));
    let (ready, alive, users) =
        (format!("{url}/readyz"), format!("{url}/healthz"), format!("{url}/scim/acme/v2/Users"));
    let asking = async {
        let later = Some("1".to_owned());
        let status = "the server is starting";
        assert_eq!(ask(&client, &ready).await, (503, later.clone(), json!({ "status": status })));
        starting.checks(3, 7);
        let progress = json!({ "step": "opening the log", "done": 3, "of": 7, "unit": "frames" });
        let body = json!({ "status": status, "progress": progress });
        assert_eq!(ask(&client, &ready).await, (503, later.clone(), body));
        starting.reads(2_000);
        let progress =
            json!({ "step": "reading the log", "done": 2_000, "of": null, "unit": "commits" });
        let body = json!({ "status": status, "progress": progress });
        assert_eq!(ask(&client, &ready).await, (503, later.clone(), body));
        assert_eq!(ask(&client, &alive).await, (200, None, json!({ "status": "alive" })));
        let (code, retry, body) = ask(&client, &users).await;
        assert_eq!((code, retry), (503, later));
        assert_eq!(body["schemas"][0], "urn:ietf:params:scim:api:messages:2.0:Error");
        assert_eq!(body["detail"], "the server is starting: try again in a moment");
        // One that says nothing holds nobody up.
        tokio::net::TcpStream::connect(listener.local_addr().unwrap()).await.unwrap()
    };
    let silent = tokio::select! {
        silent = asking => silent,
        never = server::starting(&listener, None, &starting) => match never {},
    };
    let served = tokio::spawn(server::serve(listener, app.app.clone(), std::future::pending()));
    assert_eq!(ask(&client, &ready).await, (200, None, json!({ "status": "ready" })));
    assert_eq!(ask(&client, &users).await.0, 401);
    drop(silent);
    served.abort();
}

/// Who is one of too many is answered when there is room.
#[tokio::test]
async fn a_crowd_at_the_start_is_answered() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/readyz", listener.local_addr().unwrap());
    let starting = Arc::new(Starting::default());
    let crowd = async {
        let all = (0..200).map(|_| {
            let url = url.clone();
            tokio::spawn(async move { ask(&Client::new(), &url).await.0 })
        });
        for one in all.collect::<Vec<_>>() {
            let answered = tokio::time::timeout(Duration::from_secs(60), one).await;
            assert_eq!(answered.unwrap().unwrap(), 503);
        }
    };
    tokio::select! {
        () = crowd => {}
        never = server::starting(&listener, None, &starting) => match never {},
    }
}
