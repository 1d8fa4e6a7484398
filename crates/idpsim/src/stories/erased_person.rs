//! Somebody leaves and asks to be forgotten. Their account was rich: another name before they married, an
//! address, a telephone, a manager, roles, groups. An administrator's script deletes it and the operator
//! erases the person. Weeks later somebody else gets the same user name.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Map, json};

use super::ledger::Hand;
use super::link::Link;
use super::stage::Stage;
use super::{Questions, Told, ask_roles, shown};
use crate::company::Company;
use crate::okta::Okta;
use crate::organisation::{ADMIN, ANALYST, BUSINESS_USER, first_groups};
use crate::person::{Manager, Person};
use crate::script::{Colleague, Happening};
use crate::wire::ClientError;

const SEED: u64 = 17;
const PEOPLE: usize = 36;
/// 2026-01-12T08:00:00Z, a Monday.
pub(super) const START_SECONDS: i64 = 1_768_204_800;
const CONNECTOR: &str = "okta";
/// The user name that two people have, one after the other.
const NAME: &str = "robin.vale@acme.com";
/// Why somebody was erased, as the operator writes it. It names nobody.
const REASON: &str = "request 2026-031, GDPR Article 17";

pub(super) async fn play(stage: &Stage) -> Result<Told, ClientError> {
    let start = DateTime::from_timestamp(START_SECONDS, 0).unwrap_or_default();
    let key = stage.open(start, CONNECTOR).await?;
    let okta = Okta::new(&stage.base(), &key);
    let company = Company::new(SEED, PEOPLE);
    let link = Link::new(stage, CONNECTOR, Hand::Okta, &okta);
    let mut tale = Tale { link, start, at: start, people: company.people().to_vec() };
    let mut who = somebody(&company);
    tale.people.push(who.clone());
    tale.import().await?;

    tale.day(9).granted(&mut who, ADMIN).await?;
    tale.day(10).taken(&mut who, ADMIN).await?;
    let was = std::mem::replace(&mut who.user_name, "robinetta.xanthorrhoea@acme.com".to_owned());
    who.email.clone_from(&who.user_name);
    "Xanthorrhoea".clone_into(&mut who.family_name);
    tale.day(24).act(Happening::Renamed { person: Box::new(who.clone()), was }).await?;
    // The name that a colleague has later.
    let was = std::mem::replace(&mut who.user_name, NAME.to_owned());
    tale.day(31).act(Happening::Renamed { person: Box::new(who.clone()), was }).await?;
    tale.day(40);
    stage.grant(tale.at, NAME, BUSINESS_USER).await?;
    tale.day(52).leaves_group(&who, "All Staff").await?;
    tale.day(60);
    let as_they_were = tale.at;
    tale.day(66).act(Happening::Leaves(Box::new(who.clone()))).await?;
    tale.act(Happening::Unassigned(Box::new(who.clone()))).await?;
    let account = tale.link.account(&who.okta_id)?;
    tale.day(73).act(Happening::Deleted(Box::new(who.clone()))).await?;
    tale.day(75);
    let erased = tale.at;
    stage.erase(tale.at, &account, REASON, (CONNECTOR, &who.okta_id)).await?;

    let mut other = company.hires().first().cloned().unwrap_or_else(|| who.clone());
    NAME.clone_into(&mut other.user_name);
    NAME.clone_into(&mut other.email);
    "Robin".clone_into(&mut other.given_name);
    "Vale".clone_into(&mut other.family_name);
    other.roles = vec![ANALYST.to_owned()];
    tale.day(101).act(Happening::Joins(Box::new(other.clone()))).await?;
    for group in other.groups.clone() {
        let added = vec![Colleague::from(&other)];
        tale.act(Happening::MembersChanged { group, added, removed: Vec::new() }).await?;
    }
    tale.day(110).granted(&mut other, BUSINESS_USER).await?;
    let other_account = tale.link.account(&other.okta_id)?;

    let mut facts = Map::new();
    for (name, value) in [
        ("erased", json!(account)),
        ("reason", json!(REASON)),
        ("asTheyWere", json!(shown(as_they_were))),
        ("erasedAt", json!(shown(erased))),
        ("name", json!(NAME)),
        ("nameGoesTo", json!(other_account)),
    ] {
        facts.insert(name.to_owned(), value);
    }
    let mut questions = Questions::default();
    questions.commits("all about who was erased", &[("user", &account)]);
    ask_roles(&mut questions, "their roles", &account);
    ask_roles(&mut questions, "the roles of who has the name", NAME);
    questions.commits("who was erased", &[("event", "UserErased")]);
    let moment = shown(as_they_were);
    questions.ask(
        "who was erased, as they were",
        &format!("/users/{account}"),
        &[("asOf", &moment)],
    );
    Ok(Told { facts, deeds: stage.deeds(), questions: questions.0 })
}

/// Who is forgotten in the end.
fn somebody(company: &Company) -> Person {
    let manager = company.people().first().map(|first| Manager {
        employee_number: first.employee_number.clone(),
        name: first.display_name(),
    });
    Person {
        title: "Keeper of the Seventh Ledger".to_owned(),
        department: "Legal".to_owned(),
        manager,
        phone: "+44-20-7946-0913".to_owned(),
        locale: "en-GB".to_owned(),
        employee_number: "E77013".to_owned(),
        office: "London".to_owned(),
        roles: vec![ANALYST.to_owned()],
        groups: vec!["Legal".to_owned(), "Office London".to_owned(), "All Staff".to_owned()],
        ..Person::plain(
            "00uErasedPersonXq7Zt",
            "robinetta.quillfeather@acme.com",
            ("Robinetta", "Quillfeather"),
            "v9k2m4qz7x1c",
        )
    }
}

/// The story as it is told.
struct Tale<'a> {
    link: Link<'a, Okta>,
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
        for group in first_groups() {
            let belongs = |person: &&Person| person.groups.contains(&group);
            let members = self.people.iter().filter(belongs).map(Colleague::from).collect();
            self.act(Happening::GroupPushed { group, members }).await?;
        }
        Ok(())
    }

    async fn granted(&mut self, person: &mut Person, role: &str) -> Result<(), ClientError> {
        person.roles.push(role.to_owned());
        let person = Box::new(person.clone());
        self.act(Happening::Granted { person, role: role.to_owned() }).await
    }

    async fn taken(&mut self, person: &mut Person, role: &str) -> Result<(), ClientError> {
        person.roles.retain(|held| held != role);
        let person = Box::new(person.clone());
        self.act(Happening::RoleRevoked { person, role: role.to_owned() }).await
    }

    async fn leaves_group(&mut self, person: &Person, group: &str) -> Result<(), ClientError> {
        let removed = vec![Colleague::from(person)];
        let group = group.to_owned();
        self.act(Happening::MembersChanged { group, added: Vec::new(), removed }).await
    }

    /// The next thing happens on this day, in the morning.
    fn day(&mut self, day: i64) -> &mut Self {
        self.at = self.start + TimeDelta::days(day) + TimeDelta::minutes(23);
        self
    }

    async fn act(&mut self, what: Happening) -> Result<(), ClientError> {
        self.at += TimeDelta::seconds(2);
        self.link.act(self.at, what).await
    }
}
