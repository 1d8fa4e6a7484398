//! Roles that follow from groups: an operator's rules say that whoever is in a group has a role, and one of these
//! groups holds two others. People move, a rule ends, a group leaves a group; each time the log says person by person
//! who got or lost what.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Map, json};

use super::ledger::{Hand, Hour};
use super::link::Link;
use super::stage::Stage;
use super::{Questions, Told, ask_roles, shown};
use crate::company::Company;
use crate::okta::{GroupMember, Okta};
use crate::organisation::{ANALYST, BUSINESS_USER, DEPARTMENTS};
use crate::person::Person;
use crate::script::{Colleague, Happening};
use crate::wire::ClientError;

const SEED: u64 = 31;
const PEOPLE: usize = 60;
/// 2026-04-06T08:00:00Z, a Monday.
pub(super) const START_SECONDS: i64 = 1_775_462_400;
const CONNECTOR: &str = "okta";
/// The connector of a tool that keeps groups of groups.
const KEEPER: &str = "generic";
const AMERICAS: &str = "Sales Americas";
const EMEA: &str = "Sales EMEA";
/// The group that holds the two.
const SALES: &str = "Sales";

pub(super) async fn play(stage: &Stage) -> Result<Told, ClientError> {
    let start = DateTime::from_timestamp(START_SECONDS, 0).unwrap_or_default();
    let key = stage.open(start, CONNECTOR).await?;
    let okta = Okta::new(&stage.base(), &key);
    let keeper_key = stage.connector(start + TimeDelta::seconds(9), KEEPER).await?;
    let keeper = Okta::new(&stage.base(), &keeper_key);
    let link = Link::new(stage, CONNECTOR, Hand::Okta, &okta);
    let at = start + TimeDelta::minutes(5);
    let mut tale = Tale { stage, link, keeper: &keeper, start, at, people: people() };
    tale.import().await?;

    // Sales Americas gives Analyst; Sales, with all who are in either of the two, gives Business User.
    tale.day(1);
    let sales = tale.nest().await?;
    tale.day(2);
    let analysts = stage.add_rule(tale.next(), AMERICAS, ANALYST).await?;
    stage.add_rule(tale.next(), SALES, BUSINESS_USER).await?;
    tale.day(3);
    let ruled = tale.at;

    // One comes into Sales Americas and gets both; one goes to Sales EMEA and keeps one of them.
    let comes = tale.of("Engineering", 1);
    tale.moves(&comes, AMERICAS).await?;
    tale.day(5);
    let goes = tale.of(AMERICAS, 1);
    tale.moves(&goes, EMEA).await?;

    // One has the role from the operator, too, and keeps it when the rule ends.
    let keeps = tale.of(AMERICAS, 2);
    tale.day(8);
    stage.grant(tale.next(), &keeps.user_name, ANALYST).await?;
    tale.day(10);
    stage.remove_rule(tale.next(), &analysts, (AMERICAS, ANALYST)).await?;
    let ended = tale.at;

    // EMEA leaves the group of groups; somebody in Americas leaves the company.
    tale.day(12);
    tale.unnest(&sales, EMEA).await?;
    tale.day(15);
    let leaves = tale.of(AMERICAS, 3);
    tale.act(Happening::Leaves(Box::new(leaves.clone()))).await?;
    tale.act(Happening::Deleted(Box::new(leaves.clone()))).await?;

    let mut facts = Map::new();
    for (name, value) in [
        ("comes", json!(comes.user_name)),
        ("goes", json!(goes.user_name)),
        ("keeps", json!(keeps.user_name)),
        ("leaves", json!(leaves.user_name)),
        ("ruled", json!(shown(ruled))),
        ("ended", json!(shown(ended))),
    ] {
        facts.insert(name.to_owned(), value);
    }
    let mut questions = Questions::default();
    ask_roles(&mut questions, "the roles of who came into the group", &comes.user_name);
    ask_roles(&mut questions, "the roles of who went to the other group", &goes.user_name);
    ask_roles(&mut questions, "the roles of who kept theirs", &keeps.user_name);
    ask_roles(&mut questions, "the roles of who left", &leaves.user_name);
    questions.commits("the rules", &[("event", "RuleAdded,RuleRemoved")]);
    let since = shown(ended);
    let lost = [("event", "RoleRevoked"), ("role", ANALYST), ("from", &since), ("to", &since)];
    questions.commits("who lost the role with the rule", &lost);
    questions.ask("the rules before one ended", "/rules", &[("asOf", &shown(ruled))]);
    Ok(Told { facts, deeds: stage.deeds(), questions: questions.0 })
}

/// Nobody has a role of their own: what they have follows from rules.
fn people() -> Vec<Person> {
    let mut people = Company::new(SEED, PEOPLE).people().to_vec();
    for person in &mut people {
        person.roles.clear();
        person.groups = vec![person.department.clone()];
    }
    people
}

/// The story as it is told.
struct Tale<'a> {
    stage: &'a Stage,
    link: Link<'a, Okta>,
    keeper: &'a Okta,
    start: DateTime<Utc>,
    at: DateTime<Utc>,
    people: Vec<Person>,
}

impl Tale<'_> {
    async fn import(&mut self) -> Result<(), ClientError> {
        self.act(Happening::Connected).await?;
        for person in self.people.clone() {
            self.act(Happening::Joins(Box::new(person))).await?;
        }
        for department in DEPARTMENTS {
            let group = department.name.to_owned();
            let belongs = |person: &&Person| person.department == group;
            let members = self.people.iter().filter(belongs).map(Colleague::from).collect();
            self.act(Happening::GroupPushed { group, members }).await?;
        }
        Ok(())
    }

    /// The tool makes a group and puts the two into it. Answers its id.
    async fn nest(&mut self) -> Result<String, ClientError> {
        let at = self.next();
        let hour = Hour { at, by: KEEPER };
        self.stage.set_clock(at);
        let sales = self.keeper.create_group(SALES, &[]).await?;
        self.stage.ledger().found(hour, SALES);
        for inner in [AMERICAS, EMEA] {
            let at = self.next();
            self.stage.set_clock(at);
            let member = GroupMember::new(&self.link.group(inner)?, inner);
            self.keeper.patch_members(&sales, &[member], &[]).await?;
            self.stage.ledger().nest(Hour { at, by: KEEPER }, SALES, inner, true);
        }
        Ok(sales)
    }

    async fn unnest(&mut self, sales: &str, inner: &str) -> Result<(), ClientError> {
        let at = self.next();
        self.stage.set_clock(at);
        let member = GroupMember::new(&self.link.group(inner)?, inner);
        self.keeper.patch_members(sales, &[], &[member]).await?;
        self.stage.ledger().nest(Hour { at, by: KEEPER }, SALES, inner, false);
        Ok(())
    }

    /// Somebody changes departments.
    async fn moves(&mut self, person: &Person, to: &str) -> Result<(), ClientError> {
        let mut person = person.clone();
        let from = std::mem::replace(&mut person.department, to.to_owned());
        person.groups = vec![to.to_owned()];
        if let Some(held) = self.people.iter_mut().find(|held| held.okta_id == person.okta_id) {
            held.clone_from(&person);
        }
        let (groups_left, groups_joined) = (vec![from.clone()], vec![to.to_owned()]);
        let person = Box::new(person);
        self.act(Happening::Moves { person, from, groups_left, groups_joined }).await
    }

    /// One of a department, by their place in it; the server does not know who is not there.
    fn of(&self, department: &str, place: usize) -> Person {
        let mut members = self.people.iter().filter(|person| person.department == department);
        let nobody = || Person::plain("", "nobody@acme.com", ("No", "Body"), "");
        members.nth(place).cloned().unwrap_or_else(nobody)
    }

    async fn act(&mut self, what: Happening) -> Result<(), ClientError> {
        let at = self.next();
        self.link.act(at, what).await
    }

    /// The next thing happens on this day.
    fn day(&mut self, day: i64) {
        self.at = self.start + TimeDelta::days(day) + TimeDelta::minutes(17);
    }

    fn next(&mut self) -> DateTime<Utc> {
        self.at += TimeDelta::seconds(5);
        self.at
    }
}
