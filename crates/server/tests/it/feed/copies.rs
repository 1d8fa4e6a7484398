//! The sealed form: what a copy of a log is made from.

use data_encoding::BASE64;
use domain::id::TenantId;
use domain::snapshot::Snapshot;
use eventlog::{EventLog, LogReader, MemoryLog, Sealed, Unlock, link, open_keys};
use serde_json::Value;
use testkit::app::TestApp;

use super::*;

fn bytes(text: &Value) -> Vec<u8> {
    BASE64.decode(text.as_str().unwrap().as_bytes()).unwrap()
}

/// A copy that is fetched page by page has the same head and the same directory, whatever the pages'
/// size; what goes over the wire holds neither a name nor a key that anybody else could open.
#[tokio::test(flavor = "multi_thread")]
async fn a_copy_by_pages_is_the_same_log_and_the_same_directory() {
    let app = TestApp::start().await;
    users(&app, 0..6).await;
    app.idp().post("/Users", user("canary-7f3a@acme.com")).await.expect(201);
    let role = json!({ "name": "Auditor" });
    app.operator().post("/tenants/acme/roles", role).await.expect(200);
    let operator = app.operator();
    for count in [1, 4, 1_000] {
        let (mut log, mut snapshot, mut after) = (MemoryLog::new(), Snapshot::default(), 0);
        let end = loop {
            // One identity for each page: none needs to be kept.
            let (identity, recipient) = Unlock::fresh();
            let path = format!(
                "/tenants/acme/feed?form=sealed&recipient={recipient}&count={count}&after={after}\
                 &hash=true"
            );
            let page = operator.get(&path).await.expect(200).body;
            assert!(!page.to_string().contains("canary"), "{page}");
            let tenant: TenantId = page["tenant"].as_str().unwrap().parse().unwrap();
            let commits = page["commits"].as_array().unwrap();
            let last = commits.last().unwrap()["hash"].as_str().unwrap().parse().unwrap();
            let sealed = if page["keys"].is_null() { None } else { Some(bytes(&page["keys"])) };
            let keys = sealed.as_ref().map(|sealed| open_keys(sealed, last, &identity).unwrap());
            if let Some(sealed) = &sealed {
                assert!(open_keys(sealed, last, &Unlock::fresh().0).is_err(), "another's identity");
                let other = domain::position::Hash::ZERO;
                assert!(open_keys(sealed, other, &identity).is_err(), "the keys of another page");
            }
            for commit in commits {
                let bytes = bytes(&commit["bytes"]);
                assert!(!String::from_utf8_lossy(&bytes).contains("canary"));
                let again = match &keys {
                    Some(keys) => Sealed::again(bytes.clone(), keys).unwrap(),
                    None => Sealed::again(bytes.clone(), &eventlog::NoKeys).unwrap(),
                };
                assert!(again.dropped_keys.is_empty(), "somebody's key did not come");
                assert_eq!(json!(again.hash), commit["hash"]);
                log = log.append(&[again]).unwrap();
                let (commit, head) = link(&snapshot.head, tenant, &bytes, &log.reader()).unwrap();
                snapshot.advance(&commit, head.hash).unwrap();
            }
            match page["next"]["after"].as_u64() {
                Some(next) => after = next,
                None => break page["head"].clone(),
            }
        };
        assert_eq!(json!(snapshot.head.position), end["position"], "pages of {count}");
        assert_eq!(json!(snapshot.head.hash), end["hash"]);
        let hash = eventlog::fingerprint(&snapshot.directory);
        assert_eq!(json!(hash), end["directoryHash"]);
        let named = |name: &str| snapshot.directory.users.iter().any(|u| &*u.user_name == name);
        assert!(named("canary-7f3a@acme.com"));
        assert_eq!(log.reader().heads().len(), 1);
    }
}

/// The instance's own log is copied in the same way: it says which tenants there are.
#[tokio::test(flavor = "multi_thread")]
async fn the_instances_own_log_is_copied_too() {
    let app = TestApp::start().await;
    let recipient = Unlock::fresh().1;
    let path = format!("/tenants/_system/feed?form=sealed&recipient={recipient}");
    let page = app.operator().get(&path).await.expect(200).body;
    assert_eq!(page["tenant"], json!(TenantId::SYSTEM));
    assert_eq!((&page["keys"], &page["next"]), (&Value::Null, &Value::Null));
    for narrowed in ["subject=jane", "event=UserCreated", "actor=owner"] {
        let refused = app.operator().get(&format!("{path}&{narrowed}")).await.expect(400);
        assert!(refused.body["detail"].as_str().unwrap().contains("a copy has every commit"));
    }
}
