//! A month of a company and what comes after it, told by each identity provider in its own words
//! over a real socket, once through a connector that reads leniently and once through one with the
//! client's preset. At the end the server shows what the script says, read page by page.
//!
//! Seen to catch: a remove with a value that emptied the group, and `"False"` read as true.

use idpsim::{
    Company, Dialect, Entra, Matching, Okta, OneLogin, Provisioner, Script, State, cycle,
};
use testkit::app::TestApp;

const PEOPLE: usize = 24;

fn base(app: &TestApp) -> String {
    format!("{}/scim/acme/v2", app.url)
}

/// Plays the script and compares with what this connector's key is shown: an `externalId` belongs
/// to a connector. What was tolerated of the client holds the rules of what it is known to send.
async fn played<P: Provisioner>(
    app: &TestApp,
    (name, key): (&str, &str),
    client: &P,
    script: &Script,
    sent: &[&str],
) {
    let mut at = String::new();
    let done = cycle(client, script, |step, _, _| at = step.what.to_string()).await;
    let done = done.unwrap_or_else(|error| panic!("{} at `{at}`: {error}", P::NAME));
    let told = State::after(script);
    assert!(told.users.len() > PEOPLE && told.groups.len() > 5, "a script of nothing");
    for page in [7, 100] {
        let shown = State::read(&base(app), key, page).await.unwrap();
        let differences = told.differences(&shown);
        assert!(differences.is_empty(), "{}:\n{}", P::NAME, differences.join("\n"));
    }
    for count in [done.created, done.updated, done.disabled, done.restored, done.removed] {
        assert!(count > 0, "{done:?}");
    }
    let held = app.operator().get(&format!("/tenants/acme/connectors/{name}")).await.expect(200);
    let rules = held.body["tolerated"]["rules"].as_array().unwrap();
    for sent in sent {
        assert!(rules.iter().any(|rule| rule["rule"] == *sent), "{sent} was not sent: {held}");
    }
    let snapshot = app.app.engine.world().with_slug("acme").unwrap().1.clone();
    snapshot.directory.agrees().unwrap();
}

fn script(seed: u64) -> Script {
    let start = chrono::DateTime::from_timestamp_millis(testkit::app::EPOCH_MILLIS).unwrap();
    Script::cycle(&Company::new(seed, PEOPLE), start)
}

/// The key of one more connector with this preset.
async fn key_of(app: &TestApp, preset: &str) -> String {
    app.connector(preset).await;
    format!("acme:{preset}-{}", testkit::app::SCIM_SECRET)
}

/// Import, changes, managers in four shapes and taken away in four, disable, restore, the life of
/// groups, renames, the end of accounts and a rehire.
///
/// Also L-02, L-04, L-05, L-06, L-07, L-10, L-17, L-18.
#[tokio::test(flavor = "multi_thread")]
async fn l_01_entra_id_plays_its_cycle_in_the_default_dialect() {
    for preset in ["generic", "entra"] {
        let app = TestApp::start().await;
        let key = key_of(&app, preset).await;
        let entra = Entra::new(&base(&app), &key);
        played(
            &app,
            (preset, &key),
            &entra,
            &script(1),
            &["L-01", "L-02", "L-04", "L-06", "L-08", "L-10", "entra-role"],
        )
        .await;
    }
}

/// Also L-06, L-10, L-17, L-18.
#[tokio::test(flavor = "multi_thread")]
async fn l_03_entra_id_plays_its_cycle_with_the_flag() {
    for preset in ["generic", "entra"] {
        let app = TestApp::start().await;
        let key = key_of(&app, preset).await;
        let entra =
            Entra::new(&base(&app), &key).speaking(Dialect::Flagged).matching(Matching::ExternalId);
        played(
            &app,
            (preset, &key),
            &entra,
            &script(2),
            &["L-03", "L-06", "L-08", "L-10", "entra-role"],
        )
        .await;
    }
}

/// One tenant may send both dialects: what is provisioned on demand ignores the flag.
#[tokio::test(flavor = "multi_thread")]
async fn l_14_entra_id_plays_its_cycle_in_both_dialects_by_turns() {
    for preset in ["generic", "entra"] {
        let app = TestApp::start().await;
        let key = key_of(&app, preset).await;
        let entra = Entra::new(&base(&app), &key).speaking_both().matching(Matching::WorkEmail);
        played(
            &app,
            (preset, &key),
            &entra,
            &script(3),
            &["L-01", "L-02", "L-03", "L-04", "L-06", "L-08", "L-10"],
        )
        .await;
    }
}

/// Also L-04, L-13.
#[tokio::test(flavor = "multi_thread")]
async fn l_08_onelogin_plays_its_cycle() {
    for preset in ["generic", "onelogin"] {
        let app = TestApp::start().await;
        let key = key_of(&app, preset).await;
        let onelogin = OneLogin::new(&base(&app), &key);
        played(&app, (preset, &key), &onelogin, &script(4), &["L-04", "L-08"]).await;
    }
}

/// The same with what is only said of it: doubled spaces in filters, `[false]` for `false`.
#[tokio::test(flavor = "multi_thread")]
async fn l_15_onelogin_plays_its_cycle_with_what_is_only_said_of_it() {
    let app = TestApp::start().await;
    let key = key_of(&app, "onelogin").await;
    let onelogin = OneLogin::new(&base(&app), &key).with_rumours();
    played(&app, ("onelogin", &key), &onelogin, &script(5), &["L-04", "L-08", "L-13"]).await;
}

/// Okta never deletes a user; here an administrator's script does it.
#[tokio::test(flavor = "multi_thread")]
async fn l_12_okta_plays_the_cycle_as_an_application_of_its_network() {
    let app = TestApp::start().await;
    let key = TestApp::key("acme");
    played(&app, ("okta", &key), &Okta::new(&base(&app), &key), &script(6), &["L-12"]).await;
}

/// GET, then PUT of the whole, for users and for groups.
#[tokio::test(flavor = "multi_thread")]
async fn l_22_okta_plays_the_cycle_as_an_application_of_its_wizard() {
    let app = TestApp::start().await;
    let key = TestApp::key("acme");
    let okta = Okta::new(&base(&app), &key).from_wizard();
    played(&app, ("okta", &key), &okta, &script(7), &[]).await;
}
