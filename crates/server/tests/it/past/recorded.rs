//! While a random history runs, answers are recorded; afterwards the same is asked as of then.

use testkit::app::TestApp;

use super::history::{Answer, Dice, History, Recorded};

/// Histories in one run; `PAST_SEEDS` says how many.
const SEEDS: u64 = 2;
/// Things that happen in one.
const STEPS: usize = 90;

fn seeds() -> std::ops::Range<u64> {
    let asked = std::env::var("PAST_SEEDS").ok().and_then(|seeds| seeds.parse().ok());
    0..asked.unwrap_or(SEEDS)
}

async fn history(seed: u64) -> History {
    let mut history = History::begin(seed).await;
    for _ in 0..STEPS {
        history.step().await;
    }
    history.app.clock.fetch_add(5_000, std::sync::atomic::Ordering::Relaxed);
    history.end();
    history
}

/// What is answered now to what was asked then: as of the position, and as of the time if it means that position for ever.
async fn asked_again(app: &TestApp, recorded: &Recorded) -> Vec<(String, Answer)> {
    let http = reqwest::Client::new();
    let time = recorded.time.map(domain::time::Timestamp::from_millis);
    let moments = [Some(recorded.position.to_string()), time.map(|time| time.to_string())];
    let mut answers = Vec::new();
    for moment in moments.into_iter().flatten() {
        let (answer, _) = recorded.ask.as_of(&moment).send(app, &http).await;
        answers.push((moment, answer));
    }
    answers
}

async fn check(app: &TestApp, all: &[Recorded], which: &str) {
    for recorded in all {
        for (moment, answer) in asked_again(app, recorded).await {
            let asked = &recorded.ask;
            assert_eq!(answer, recorded.answer, "{which}: {asked:?} as of {moment}");
        }
    }
}

/// Seen to catch, each put in on purpose: the connector's settings of now, the schemas of now, `/Me` of now, a state of one commit
/// before, a state that is kept for another position, and a time that means the first of the commits of its millisecond.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_answered_then_is_answered_as_of_then_byte_for_byte() {
    let mut statuses = std::collections::BTreeMap::new();
    let mut by_time = 0;
    for seed in seeds() {
        let mut history = history(seed).await;
        let mut all = std::mem::take(&mut history.recorded);
        for recorded in &all {
            *statuses.entry(recorded.answer.status).or_insert(0) += 1;
            by_time += usize::from(recorded.time.is_some());
        }
        Dice(seed).shuffle(&mut all);
        check(&history.app, &all, &format!("seed {seed}, at the end")).await;
        let again = history.app.restarted().await;
        check(&again, &all, &format!("seed {seed}, after a restart")).await;
        let replayed = again.replayed().await;
        check(&replayed, &all, &format!("seed {seed}, replayed from an archive")).await;
    }
    // Otherwise the test says little.
    assert!(by_time > 100, "{by_time} of them by time");
    for status in [200, 304, 400, 403, 404] {
        assert!(statuses.contains_key(&status), "{status}: {statuses:?}");
    }
}

/// Seen to catch states that are kept although somebody in them was erased, and walks that hold them.
#[tokio::test(flavor = "multi_thread")]
async fn who_was_erased_since_is_erased_then_and_all_else_is_as_it_was() {
    let (mut same, mut other) = (0, 0);
    for seed in seeds() {
        let mut history = history(seed).await;
        let mut all = std::mem::take(&mut history.recorded);
        Dice(seed).shuffle(&mut all);
        // So that older states are kept where they are kept.
        check(&history.app, &all, &format!("seed {seed}, before the erasure")).await;
        let gone: Vec<_> = history.people.iter().skip(1).step_by(3).cloned().collect();
        for person in &gone {
            let path = format!("/tenants/acme/users/{}/erase", person.id);
            let wish = serde_json::json!({ "reason": "request 4711" });
            history.app.operator().post(&path, wish).await.expect(200);
        }
        let again = history.app.restarted().await;
        for (app, which) in [(&history.app, "at once"), (&again, "after a restart")] {
            for recorded in &all {
                let (ask, then) = (&recorded.ask, &recorded.answer);
                let asked = format!("{ask:?} {then:?}").to_lowercase();
                // A list of people, or how many they are, is about all who were there.
                let is_many = asked.contains("/users?")
                    || asked.contains(".search")
                    || asked.contains("v2/?")
                    || ask.path == "/admin/v1/tenants/acme";
                let concerns = gone.iter().any(|person| {
                    asked.contains(&person.token())
                        || asked.contains(&person.id)
                        || (is_many && recorded.there.contains(&person.number))
                });
                let mut answers = asked_again(app, recorded).await;
                // Walks that were begun before go on in a state that had the erased in it.
                let (walked, _) = ask.send(app, &history.http).await;
                answers.push(("now".to_owned(), walked));
                for (moment, answer) in answers {
                    if !concerns && moment != "now" {
                        assert_eq!(&answer, then, "seed {seed}, {which}: {ask:?} as of {moment}");
                        same += 1;
                        continue;
                    }
                    other += 1;
                    let told = format!("{answer:?}").to_lowercase();
                    for token in gone.iter().map(|person| person.token()) {
                        // What was asked for may be said back in an error.
                        let said = told.contains(&token) && answer.status < 400;
                        assert!(!said, "seed {seed}, {which}: {ask:?} as of {moment}: {answer:?}");
                    }
                }
            }
        }
    }
    assert!(same > 100 && other > 100, "{same} the same, {other} about the erased");
}
