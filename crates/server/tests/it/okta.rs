//! Okta's whole life of a user and a group, over a real socket, and its published SPEC test.

use idpsim::{Okta, life_of_a_user, spec_test};
use testkit::app::TestApp;

#[tokio::test(flavor = "multi_thread")]
async fn okta_leads_a_user_and_a_group_through_their_whole_life() {
    let app = TestApp::start().await;
    let base = format!("{}/scim/acme/v2", app.url);
    let okta = Okta::new(&base, &TestApp::key("acme"));
    let wrong = Okta::new(&base, "acme:rbk_wrong");
    let steps = life_of_a_user(&okta, &wrong).await.unwrap_or_else(|error| panic!("{error}"));
    assert!(steps.len() > 15, "only {} steps", steps.len());
    let snapshot = app.app.engine.world().with_slug("acme").unwrap().1.clone();
    snapshot.directory.agrees().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn oktas_published_spec_test_passes() {
    let app = TestApp::start().await;
    let okta = Okta::new(&format!("{}/scim/acme/v2", app.url), &TestApp::key("acme"));
    let steps = spec_test(&okta).await.unwrap_or_else(|error| panic!("{error}"));
    assert!(steps.len() >= 12, "only {} steps", steps.len());
}
