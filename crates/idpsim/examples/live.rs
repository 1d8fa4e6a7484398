//! Okta against a server that runs: its life of a user, its published test, then a month.
//!
//! `cargo run -p idpsim --example live -- http://127.0.0.1:8080/scim/acme/v2 KEY [PEOPLE [CONCURRENCY]]`

#![expect(clippy::print_stdout, reason = "what an example is for")]

use std::error::Error;

use chrono::{TimeZone, Utc};
use idpsim::{Company, Okta, Script, life_of_a_user, play, spec_test};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(address), Some(key)) = (arguments.next(), arguments.next()) else {
        return Err("give the SCIM base address and the key".into());
    };
    let people = arguments.next().map_or(Ok(60), |people| people.parse())?;
    let concurrency = arguments.next().map_or(Ok(1), |concurrency| concurrency.parse())?;
    let okta = Okta::new(&address, &key);

    for done in spec_test(&okta).await? {
        println!("spec  {} ({} checks)", done.step, done.checks);
    }
    for done in life_of_a_user(&okta, &Okta::new(&address, "acme:not-the-key")).await? {
        println!("life  {} ({} checks)", done.step, done.checks);
    }
    let start = Utc.with_ymd_and_hms(2026, 6, 1, 8, 0, 0).single().ok_or("no such moment")?;
    let company = Company::new(42, people);
    let script = Script::month(&company, start);
    let summary = play(&okta, &company, &script, concurrency, |step, done, total| {
        if done % 50 == 0 {
            println!("month {done}/{total} {} {}", step.at, step.what);
        }
    })
    .await?;
    println!("{summary:#?}");
    Ok(())
}
