//! A company's first month on Okta, as [`Script::month`](crate::Script::month) tells it.

use chrono::DateTime;
use serde_json::{Map, json};

use super::ledger::Hand;
use super::link::Link;
use super::stage::Stage;
use super::{Questions, Told, ask_roles, shown};
use crate::company::Company;
use crate::okta::Okta;
use crate::script::Script;
use crate::wire::ClientError;

const SEED: u64 = 2026;
const PEOPLE: usize = 120;
/// 2026-03-02T08:00:00Z, a Monday.
pub(super) const START_SECONDS: i64 = 1_772_438_400;
const CONNECTOR: &str = "okta";

pub(super) async fn play(stage: &Stage) -> Result<Told, ClientError> {
    let start = DateTime::from_timestamp(START_SECONDS, 0).unwrap_or_default();
    let key = stage.open(start, CONNECTOR).await?;
    let okta = Okta::new(&stage.base(), &key);
    let script = Script::month(&Company::new(SEED, PEOPLE), start);
    let mut link = Link::new(stage, CONNECTOR, Hand::Okta, &okta);
    for step in &script.steps {
        link.act(step.at, step.what.clone()).await?;
    }
    let story = script.story();
    let mut facts = Map::new();
    for (name, value) in [
        ("user", json!(story.user_name)),
        ("role", json!(story.role)),
        ("grantedAt", json!(shown(story.granted_at))),
        ("revokedAt", json!(shown(story.revoked_at))),
    ] {
        facts.insert(name.to_owned(), value);
    }
    let mut questions = Questions::default();
    ask_roles(&mut questions, &story.question, &story.user_name);
    Ok(Told { facts, deeds: stage.deeds(), questions: questions.0 })
}
