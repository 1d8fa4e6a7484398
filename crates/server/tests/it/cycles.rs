//! A month of a company and what comes after it, told by each identity provider in its own words
//! over a real socket. At the end the server shows what the script says, read page by page.

use idpsim::{
    Company, Dialect, Entra, Matching, Okta, OneLogin, Provisioner, Script, State, cycle,
};
use testkit::app::TestApp;

const PEOPLE: usize = 24;

fn base(app: &TestApp) -> String {
    format!("{}/scim/acme/v2", app.url)
}

/// Plays the script and compares.
async fn played<P: Provisioner>(app: &TestApp, client: &P, script: &Script) {
    let mut at = String::new();
    let done = cycle(client, script, |step, _, _| at = step.what.to_string()).await;
    let done = done.unwrap_or_else(|error| panic!("{} at `{at}`: {error}", P::NAME));
    let told = State::after(script);
    assert!(told.users.len() > PEOPLE && told.groups.len() > 5, "a script of nothing");
    for page in [7, 100] {
        let shown = State::read(&base(app), &TestApp::key("acme"), page).await.unwrap();
        let differences = told.differences(&shown);
        assert!(differences.is_empty(), "{}:\n{}", P::NAME, differences.join("\n"));
    }
    for count in [done.created, done.updated, done.disabled, done.restored, done.removed] {
        assert!(count > 0, "{done:?}");
    }
    let snapshot = app.app.engine.world().with_slug("acme").unwrap().1.clone();
    snapshot.directory.agrees().unwrap();
}

fn script(seed: u64) -> Script {
    let start = chrono::DateTime::from_timestamp_millis(testkit::app::EPOCH_MILLIS).unwrap();
    Script::cycle(&Company::new(seed, PEOPLE), start)
}

/// Import, changes, managers in four shapes and taken away in four, disable, restore, the life of
/// groups, renames, the end of accounts and a rehire.
#[tokio::test(flavor = "multi_thread")]
async fn entra_id_plays_its_cycle_in_the_default_dialect() {
    let app = TestApp::start().await;
    let entra = Entra::new(&base(&app), &TestApp::key("acme"));
    played(&app, &entra, &script(1)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn entra_id_plays_its_cycle_with_the_flag() {
    let app = TestApp::start().await;
    let entra = Entra::new(&base(&app), &TestApp::key("acme"))
        .speaking(Dialect::Flagged)
        .matching(Matching::ExternalId);
    played(&app, &entra, &script(2)).await;
}

/// One tenant may send both dialects: what is provisioned on demand ignores the flag.
#[tokio::test(flavor = "multi_thread")]
async fn entra_id_plays_its_cycle_in_both_dialects_by_turns() {
    let app = TestApp::start().await;
    let entra = Entra::new(&base(&app), &TestApp::key("acme"))
        .speaking_both()
        .matching(Matching::WorkEmail);
    played(&app, &entra, &script(3)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn onelogin_plays_its_cycle() {
    let app = TestApp::start().await;
    let onelogin = OneLogin::new(&base(&app), &TestApp::key("acme"));
    played(&app, &onelogin, &script(4)).await;
}

/// The same with what is only said of it: doubled spaces in filters, `[false]` for `false`.
#[tokio::test(flavor = "multi_thread")]
async fn onelogin_plays_its_cycle_with_what_is_only_said_of_it() {
    let app = TestApp::start().await;
    let onelogin = OneLogin::new(&base(&app), &TestApp::key("acme")).with_rumours();
    played(&app, &onelogin, &script(5)).await;
}

/// Okta never deletes a user; here an administrator's script does it.
#[tokio::test(flavor = "multi_thread")]
async fn okta_plays_the_cycle_as_an_application_of_its_network() {
    let app = TestApp::start().await;
    played(&app, &Okta::new(&base(&app), &TestApp::key("acme")), &script(6)).await;
}

/// GET, then PUT of the whole, for users and for groups.
#[tokio::test(flavor = "multi_thread")]
async fn okta_plays_the_cycle_as_an_application_of_its_wizard() {
    let app = TestApp::start().await;
    let okta = Okta::new(&base(&app), &TestApp::key("acme")).from_wizard();
    played(&app, &okta, &script(7)).await;
}
