//! What clients send beside the letter of the RFCs, by the rule that asks for it, through a
//! connector that reads leniently.

mod patches;
mod queries;
mod references;
mod resources;

use testkit::app::TestApp;

use crate::table::{Row, play};

async fn lenient(rows: Vec<Row>) {
    let app = TestApp::start().await;
    play(&app.idp(), rows).await;
    let snapshot = app.app.engine.world().with_slug("acme").unwrap().1.clone();
    snapshot.directory.agrees().unwrap();
}
