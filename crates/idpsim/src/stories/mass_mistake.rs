//! An Okta group rule is edited wrongly on a Friday afternoon. It ends the access of everybody who was
//! hired after the first hundred: 300 of 400 are switched off within minutes and taken out of their
//! groups. Somebody notices fifty minutes later; an operator ends the connector's key; a first repair
//! by hand wakes the wrong people as well; the corrected rule puts everything back.

use std::sync::OnceLock;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Map, json};

use super::ledger::Hand;
use super::link::Link;
use super::stage::Stage;
use super::{Question, Questions, Told, shown};
use crate::company::Company;
use crate::okta::Okta;
use crate::organisation::first_groups;
use crate::person::Person;
use crate::script::{Colleague, Happening};
use crate::wire::ClientError;

const SEED: u64 = 1905;
const PEOPLE: usize = 400;
/// Who was hired before the date that the rule names.
const SPARED: usize = 100;
/// Who had left long before, and whom nobody should wake.
const LONG_GONE: [usize; 12] = [7, 13, 22, 31, 38, 44, 53, 61, 70, 78, 85, 93];
/// Whom the repair by hand reaches before it is stopped.
const BY_HAND: usize = 40;
/// 2026-04-27T07:00:00Z, a Monday.
pub(super) const START_SECONDS: i64 = 1_777_273_200;
/// Days from that Monday to the Friday of the mistake.
const FRIDAY: i64 = 18;
/// Requests that Okta sends at the same time.
const AT_ONCE: usize = 10;
const CONNECTOR: &str = "okta";
/// One of the groups, to ask about.
const GROUP: &str = "Legal";

pub(super) async fn play(stage: &Stage) -> Result<Told, ClientError> {
    let start = DateTime::from_timestamp(START_SECONDS, 0).unwrap_or_default();
    let key = stage.open(start, CONNECTOR).await?;
    let first_key = stage.credential(CONNECTOR).await?;
    let okta = Okta::new(&stage.base(), &key);
    let renewed = OnceLock::new();
    let mut friday = Friday::new(stage, &okta, start);
    friday.import().await?;
    friday.some_leave().await?;

    // 16:05: the rule is saved.
    let rule = start + TimeDelta::days(FRIDAY) + TimeDelta::minutes(9 * 60 + 5);
    friday.at = rule;
    friday.the_rule_bites().await?;
    let bitten = friday.at;

    // 16:55: somebody calls. 16:57: nothing more comes in, though Okta still tries.
    let noticed = rule + TimeDelta::minutes(50);
    let stopped = noticed + TimeDelta::minutes(2);
    stage.revoke_key(stopped, &first_key).await?;
    stage.set_clock(stopped + TimeDelta::minutes(4));
    okta.get("/Users?startIndex=1&count=2").await?.expect_status(&[401])?;

    // 17:20: with a new key, by hand, down a list that names some who had left.
    let by_hand = rule + TimeDelta::minutes(75);
    let issued = stage.issue(by_hand, CONNECTOR).await?;
    let authorization = format!("Bearer {}", issued.key);
    friday.link.go_on_with(renewed.get_or_init(|| okta.with_authorization(&authorization)));
    friday.at = by_hand + TimeDelta::minutes(3);
    friday.repair_by_hand().await?;

    // 18:10: the rule is right again, and says everything once more.
    let repaired = rule + TimeDelta::minutes(125);
    friday.at = repaired;
    friday.repair().await?;

    let moments = Moments { rule, noticed, by_hand, repaired };
    let questions = friday.questions(&moments, &issued.id);
    let mut facts = Map::new();
    for (name, value) in [
        ("before", json!(shown(rule))),
        ("bitten", json!(shown(bitten))),
        ("noticed", json!(shown(noticed))),
        ("stopped", json!(shown(stopped))),
        ("byHand", json!(shown(by_hand))),
        ("repaired", json!(shown(repaired))),
        ("whole", json!(shown(friday.at))),
        ("hit", json!(names(friday.hit()))),
        ("longGone", json!(names(&friday.long_gone()))),
        ("firstCredential", json!(first_key)),
        ("secondCredential", json!(issued.id)),
    ] {
        facts.insert(name.to_owned(), value);
    }
    Ok(Told { facts, deeds: stage.deeds(), questions })
}

/// The moments that are asked about.
struct Moments {
    rule: DateTime<Utc>,
    noticed: DateTime<Utc>,
    by_hand: DateTime<Utc>,
    repaired: DateTime<Utc>,
}

/// The story as it is told.
struct Friday<'a> {
    link: Link<'a, Okta>,
    at: DateTime<Utc>,
    /// Everybody, in the order in which they were hired.
    people: Vec<Person>,
}

impl<'a> Friday<'a> {
    fn new(stage: &'a Stage, okta: &'a Okta, start: DateTime<Utc>) -> Friday<'a> {
        let company = Company::new(SEED, PEOPLE);
        let link = Link::new(stage, CONNECTOR, Hand::Okta, okta);
        Friday { link, at: start, people: company.people().to_vec() }
    }

    /// Whom the rule hits.
    fn hit(&self) -> &[Person] {
        self.people.get(SPARED..).unwrap_or_default()
    }

    /// Who had left before.
    fn long_gone(&self) -> Vec<Person> {
        LONG_GONE.iter().filter_map(|number| self.people.get(*number)).cloned().collect()
    }

    /// Everybody on the first day, in the groups that are pushed.
    async fn import(&mut self) -> Result<(), ClientError> {
        self.act(0, Happening::Connected).await?;
        for some in self.people.clone().chunks(AT_ONCE) {
            self.at += TimeDelta::seconds(4);
            for person in some {
                self.act(0, Happening::Joins(Box::new(person.clone()))).await?;
            }
        }
        for group in first_groups() {
            let members = members(&self.people, &group);
            self.act(15, Happening::GroupPushed { group, members }).await?;
        }
        Ok(())
    }

    async fn some_leave(&mut self) -> Result<(), ClientError> {
        self.at += TimeDelta::days(2);
        for person in self.long_gone() {
            self.act(600, Happening::Leaves(Box::new(person))).await?;
        }
        Ok(())
    }

    async fn the_rule_bites(&mut self) -> Result<(), ClientError> {
        let hit = self.hit().to_vec();
        for some in hit.chunks(AT_ONCE) {
            self.at += TimeDelta::seconds(12);
            for person in some {
                self.act(0, Happening::Leaves(Box::new(person.clone()))).await?;
            }
        }
        for group in first_groups() {
            let removed = members(&hit, &group);
            if !removed.is_empty() {
                self.act(12, Happening::MembersChanged { group, added: Vec::new(), removed })
                    .await?;
            }
        }
        Ok(())
    }

    async fn repair_by_hand(&mut self) -> Result<(), ClientError> {
        let mut list = self.long_gone();
        list.extend(self.hit().iter().take(BY_HAND - list.len()).cloned());
        list.sort_by(|one, other| one.user_name.cmp(&other.user_name));
        for person in list {
            self.act(6, Happening::Returns(Box::new(person))).await?;
        }
        Ok(())
    }

    async fn repair(&mut self) -> Result<(), ClientError> {
        let asleep: Vec<Person> =
            self.hit().iter().skip(BY_HAND - LONG_GONE.len()).cloned().collect();
        for some in asleep.chunks(AT_ONCE) {
            self.at += TimeDelta::seconds(10);
            for person in some {
                self.act(0, Happening::Returns(Box::new(person.clone()))).await?;
            }
        }
        for person in self.long_gone() {
            self.act(2, Happening::Leaves(Box::new(person))).await?;
        }
        for group in first_groups() {
            let members = members(&self.people, &group);
            self.act(15, Happening::GroupRefreshed { group, members }).await?;
        }
        Ok(())
    }

    fn questions(&self, moments: &Moments, second_key: &str) -> Vec<Question> {
        let [rule, noticed, by_hand, repaired] =
            [moments.rule, moments.noticed, moments.by_hand, moments.repaired].map(shown);
        let mut questions = Questions::default();
        let ended = [("event", "UserDeactivated"), ("from", rule.as_str()), ("to", &noticed)];
        questions.commits("whose access ended", &ended);
        questions.commits("what the operator did", &[("actor", "owner"), ("from", &rule)]);
        let awake = [("credential", second_key), ("event", "UserActivated")];
        let by_hand = [&awake[..], &[("from", &by_hand), ("to", &repaired)]].concat();
        questions.commits("who was woken by hand", &by_hand);
        let again = [("event", "UserDeactivated"), ("from", repaired.as_str())];
        questions.commits("whose access ended in the repair", &again);
        questions.commits("a group's Friday", &[("group", GROUP), ("from", &rule)]);
        questions.ask("the group before", &format!("/groups/{GROUP}"), &[("asOf", &rule)]);
        let difference = [("group", GROUP), ("from", &rule), ("to", &noticed)];
        questions.ask("what the mistake did to the group", "/diff", &difference);
        questions.0
    }

    /// Something happens this many seconds later.
    async fn act(&mut self, seconds: i64, what: Happening) -> Result<(), ClientError> {
        self.at += TimeDelta::seconds(seconds);
        self.link.act(self.at, what).await
    }
}

fn members(people: &[Person], group: &str) -> Vec<Colleague> {
    let belongs = |person: &&Person| person.groups.iter().any(|held| held == group);
    people.iter().filter(belongs).map(Colleague::from).collect()
}

fn names(people: &[Person]) -> Vec<&str> {
    let mut names: Vec<&str> = people.iter().map(|person| person.user_name.as_str()).collect();
    names.sort_unstable();
    names
}
