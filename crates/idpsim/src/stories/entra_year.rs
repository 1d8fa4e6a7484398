//! A company of 200 on Entra ID for a year. A cycle runs every forty minutes; told are the cycles in which
//! something changes. Who leaves is switched off, and deleted thirty days later unless they come back before.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Map, Value, json};

use super::ledger::Hand;
use super::link::Link;
use super::stage::Stage;
use super::{Question, Questions, Told, ask_roles, shown};
use crate::company::{Addresses, Company};
use crate::dice::Dice;
use crate::entra::Entra;
use crate::names::HOMES;
use crate::organisation::{ADMIN, ANALYST, BUSINESS_USER, DEPARTMENTS, EXECUTIVE};
use crate::person::Person;
use crate::script::{Colleague, Happening};
use crate::wire::ClientError;

const SEED: u64 = 2025;
/// Who works there on the first day.
const FIRST: usize = 190;
/// Who works there at some time of the year.
const ALL: usize = 230;
/// 2025-03-03T06:00:00Z, a Monday.
pub(super) const START_SECONDS: i64 = 1_740_981_600;
/// Days from the end of an account to its deletion.
const DELETED_AFTER_DAYS: i64 = 30;
/// The day on which everybody's domain becomes another one.
const DOMAIN_DAY: i64 = 190;
const OLD_DOMAIN: &str = "@acme.com";
const NEW_DOMAIN: &str = "@acme.example";
/// The day on which the secret is replaced. The old one ends the day after.
const SECRET_DAY: i64 = 200;
const CONNECTOR: &str = "entra";
const PROJECT: &str = "Project Aurora";
/// Jane's user name on the first day.
const JANE: &str = "jane@acme.com";

/// Jane's roles over the year: the day, the role, and whether she gets or loses it.
const JANES_ROLES: [(i64, &str, bool); 14] = [
    (20, BUSINESS_USER, true),
    (47, ANALYST, true),
    (61, BUSINESS_USER, false),
    (95, ADMIN, true),
    (96, ADMIN, false),
    (130, ANALYST, false),
    (151, ANALYST, true),
    (171, BUSINESS_USER, true),
    (203, ANALYST, false),
    (215, ADMIN, true),
    (243, ADMIN, false),
    (270, ANALYST, true),
    (301, BUSINESS_USER, false),
    (330, ANALYST, false),
];

/// What is to happen on a day.
#[derive(Clone, Copy)]
enum Plan {
    Hire,
    Move,
    Leave,
    Restore,
    Marry,
    Report,
    Grant,
    Revoke,
    Shuffle,
    Domain,
    OldSecretEnds,
    JanesName,
    JanesRole(&'static str, bool),
}

pub(super) async fn play(stage: &Stage) -> Result<Told, ClientError> {
    let start = DateTime::from_timestamp(START_SECONDS, 0).unwrap_or_default();
    let key = stage.open(start, CONNECTOR).await?;
    let old_secret = stage.credential(CONNECTOR).await?;
    let first = Entra::new(&stage.base(), &key).speaking_both();
    let second = OnceLock::new();
    let mut year = Year::new(stage, start, &first);
    year.first_cycle().await?;
    let (before, after): (Vec<_>, Vec<_>) =
        calendar().into_iter().partition(|(day, _)| *day < SECRET_DAY);
    year.tell(before, &old_secret).await?;
    let issued = stage.issue(start + TimeDelta::days(SECRET_DAY), CONNECTOR).await?;
    year.link.go_on_with(second.get_or_init(|| first.with_key(&issued.key)));
    year.tell(after, &old_secret).await?;
    year.fact("oldCredential", json!(old_secret));
    year.fact("newCredential", json!(issued.id));
    year.new_secret = issued.id;
    Ok(year.end())
}

/// The year by its days, from the first to the last.
fn calendar() -> Vec<(i64, Plan)> {
    let mut plans: Vec<(i64, Plan)> = Vec::new();
    for month in 0..12 {
        let on = |day: i64, plan: Plan| (month * 30 + day, plan);
        plans.extend([2, 3, 4].map(|day| on(day, Plan::Hire)));
        plans.extend([5, 6].map(|day| on(day, Plan::Move)));
        plans.extend([8, 9].map(|day| on(day, Plan::Leave)));
        plans.extend((month % 3 == 2).then_some(on(22, Plan::Restore)));
        plans.extend((month % 2 == 1).then_some(on(14, Plan::Marry)));
        plans.push(on(16, Plan::Report));
        plans.push(on(18, Plan::Grant));
        plans.push(on(23, Plan::Revoke));
        plans.push(on(25, Plan::Shuffle));
    }
    plans.extend(JANES_ROLES.map(|(day, role, given)| (day, Plan::JanesRole(role, given))));
    plans.push((115, Plan::JanesName));
    plans.push((DOMAIN_DAY, Plan::Domain));
    plans.push((SECRET_DAY + 1, Plan::OldSecretEnds));
    // By the day alone: what is planned for one day stays in its order.
    plans.sort_by_key(|(day, _)| *day);
    plans
}

/// The year as it is told.
struct Year<'a> {
    stage: &'a Stage,
    link: Link<'a, Entra>,
    start: DateTime<Utc>,
    at: DateTime<Utc>,
    dice: Dice,
    addresses: Addresses,
    domain: &'static str,
    /// Who has an account that is switched on, in the order in which they came.
    here: Vec<Person>,
    /// Who left, and on which day.
    left: Vec<(i64, Person)>,
    hires: std::vec::IntoIter<Person>,
    /// Employee numbers of those whom others report to: they stay.
    leaders: BTreeSet<String>,
    project: BTreeSet<String>,
    /// Jane's own id.
    jane: String,
    /// The id of the second key.
    new_secret: String,
    told: Map<String, Value>,
    counts: BTreeMap<&'static str, u64>,
}

impl<'a> Year<'a> {
    fn new(stage: &'a Stage, start: DateTime<Utc>, client: &'a Entra) -> Year<'a> {
        let company = Company::new(SEED, ALL);
        let mut dice = Dice::new(SEED, 3);
        let led = company.people().iter().filter_map(|person| person.manager.as_ref());
        let leaders: BTreeSet<String> = led.map(|m| m.employee_number.clone()).collect();
        let mut people = company.people().to_vec();
        for person in &mut people {
            // Entra ID knows people by another kind of id than Okta.
            person.okta_id = object_id(&mut dice);
            // What is pushed here is departments, and a project later on.
            person.groups = vec![person.department.clone()];
        }
        let plain = |p: &&mut Person| p.roles.is_empty() && !leaders.contains(&p.employee_number);
        let mut jane = String::new();
        if let Some(person) = people.iter_mut().find(plain) {
            "Jane".clone_into(&mut person.given_name);
            JANE.clone_into(&mut person.user_name);
            JANE.clone_into(&mut person.email);
            jane.clone_from(&person.okta_id);
        }
        let hires = people.split_off(FIRST).into_iter();
        Year {
            stage,
            link: Link::new(stage, CONNECTOR, Hand::Entra, client),
            start,
            at: start + TimeDelta::hours(1),
            dice,
            addresses: company.addresses().clone(),
            domain: OLD_DOMAIN,
            here: people,
            left: Vec::new(),
            hires,
            leaders,
            project: BTreeSet::new(),
            jane,
            new_secret: String::new(),
            told: Map::new(),
            counts: BTreeMap::new(),
        }
    }

    /// Everybody and their departments.
    async fn first_cycle(&mut self) -> Result<(), ClientError> {
        self.act(Happening::Connected).await?;
        for person in self.here.clone() {
            self.act(Happening::Joins(Box::new(person))).await?;
        }
        for department in DEPARTMENTS {
            let group = department.name.to_owned();
            let members = self.here.iter().filter(|person| person.department == group);
            let members = members.map(Colleague::from).collect();
            self.act(Happening::GroupPushed { group, members }).await?;
        }
        let group = PROJECT.to_owned();
        self.act(Happening::GroupPushed { group, members: Vec::new() }).await
    }

    async fn tell(&mut self, plans: Vec<(i64, Plan)>, old_secret: &str) -> Result<(), ClientError> {
        for (day, plan) in plans {
            self.delete_due(day).await?;
            self.cycle(day);
            self.perform(day, plan, old_secret).await?;
        }
        Ok(())
    }

    async fn perform(&mut self, day: i64, plan: Plan, old_secret: &str) -> Result<(), ClientError> {
        match plan {
            Plan::Hire => self.hire().await,
            Plan::Move => self.relocate().await,
            Plan::Leave => self.leave(day).await,
            Plan::Restore => self.restore().await,
            Plan::Marry => {
                let person = self.somebody(|_| true);
                self.marry(person).await
            }
            Plan::JanesName => {
                let jane = self.jane();
                self.marry(jane).await
            }
            Plan::Report => self.report().await,
            Plan::Grant => self.grant().await,
            Plan::Revoke => self.revoke().await,
            Plan::Shuffle => self.shuffle().await,
            Plan::Domain => self.change_domain().await,
            Plan::OldSecretEnds => self.stage.revoke_key(self.at, old_secret).await,
            Plan::JanesRole(role, given) => match self.jane() {
                Some(jane) => self.turn(jane, role, given).await,
                None => Ok(()),
            },
        }
    }

    async fn hire(&mut self) -> Result<(), ClientError> {
        let Some(mut person) = self.hires.next() else { return Ok(()) };
        person.user_name = person.user_name.replace(OLD_DOMAIN, self.domain);
        person.email.clone_from(&person.user_name);
        self.here.push(person.clone());
        let added = vec![Colleague::from(&person)];
        let group = person.department.clone();
        self.count("hired");
        self.act(Happening::Joins(Box::new(person))).await?;
        self.act(Happening::MembersChanged { group, added, removed: Vec::new() }).await
    }

    async fn relocate(&mut self) -> Result<(), ClientError> {
        let leaders = self.leaders.clone();
        let Some(mut person) = self.somebody(|person| {
            person.department != EXECUTIVE && !leaders.contains(&person.employee_number)
        }) else {
            return Ok(());
        };
        let from = person.department.clone();
        let elsewhere: Vec<_> = DEPARTMENTS
            .iter()
            .filter(|department| department.name != from && department.name != EXECUTIVE)
            .collect();
        let Some(department) = self.dice.pick(&elsewhere) else { return Ok(()) };
        department.name.clone_into(&mut person.department);
        person.title = self.dice.word(department.jobs).to_owned();
        person.groups = vec![person.department.clone()];
        self.keep(&person);
        let (groups_left, groups_joined) = (vec![from.clone()], person.groups.clone());
        let person = Box::new(person);
        self.count("moved");
        self.act(Happening::Moves { person, from, groups_left, groups_joined }).await
    }

    async fn leave(&mut self, day: i64) -> Result<(), ClientError> {
        let leaders = self.leaders.clone();
        let Some(person) = self.somebody(|person| !leaders.contains(&person.employee_number))
        else {
            return Ok(());
        };
        self.here.retain(|other| other.okta_id != person.okta_id);
        self.left.push((day, person.clone()));
        self.count("left");
        self.act(Happening::Leaves(Box::new(person))).await
    }

    /// Who left last comes back before their account is deleted.
    async fn restore(&mut self) -> Result<(), ClientError> {
        let Some((_, mut person)) = self.left.pop() else { return Ok(()) };
        "Adviser".clone_into(&mut person.title);
        self.here.push(person.clone());
        self.count("restored");
        self.act(Happening::Returns(Box::new(person))).await
    }

    async fn delete_due(&mut self, day: i64) -> Result<(), ClientError> {
        while let Some((since, person)) = self.left.first().cloned()
            && since + DELETED_AFTER_DAYS <= day
        {
            self.left.remove(0);
            self.cycle(since + DELETED_AFTER_DAYS);
            self.project.remove(&person.okta_id);
            self.count("deleted");
            self.act(Happening::Deleted(Box::new(person))).await?;
        }
        Ok(())
    }

    async fn marry(&mut self, person: Option<Person>) -> Result<(), ClientError> {
        let Some(mut person) = person else { return Ok(()) };
        let Some(home) = self.dice.pick(HOMES) else { return Ok(()) };
        let mut families = home.family();
        families.retain(|name| *name != person.family_name);
        self.dice.word(&families).clone_into(&mut person.family_name);
        let was = person.user_name.clone();
        let address = self.addresses.claim(&person.given_name, &person.family_name);
        person.user_name = address.replace(OLD_DOMAIN, self.domain);
        person.email.clone_from(&person.user_name);
        self.keep(&person);
        self.count("married");
        self.act(Happening::Renamed { person: Box::new(person), was }).await
    }

    /// Somebody reports to somebody else.
    async fn report(&mut self) -> Result<(), ClientError> {
        let heads: Vec<_> = self.here.iter().filter_map(|person| person.manager.clone()).collect();
        let Some(manager) = self.dice.pick(&heads).cloned() else { return Ok(()) };
        let Some(mut person) = self.somebody(|person| {
            let other = person.manager.as_ref().is_some_and(|held| *held != manager);
            other && person.employee_number != manager.employee_number
        }) else {
            return Ok(());
        };
        person.manager = Some(manager);
        self.keep(&person);
        self.count("reported to somebody else");
        self.act(Happening::Reorganised(Box::new(person))).await
    }

    async fn grant(&mut self) -> Result<(), ClientError> {
        let role = self.dice.word(&[ANALYST, BUSINESS_USER]);
        match self.somebody(|person| !person.has_role(role)) {
            Some(person) => self.turn(person, role, true).await,
            None => Ok(()),
        }
    }

    async fn revoke(&mut self) -> Result<(), ClientError> {
        let role = self.dice.word(&[ANALYST, BUSINESS_USER]);
        match self.somebody(|person| person.has_role(role)) {
            Some(person) => self.turn(person, role, false).await,
            None => Ok(()),
        }
    }

    /// A role is given or taken.
    async fn turn(
        &mut self,
        mut person: Person,
        role: &str,
        given: bool,
    ) -> Result<(), ClientError> {
        let role = role.to_owned();
        person.roles.retain(|held| *held != role);
        if given {
            person.roles.push(role.clone());
        }
        self.keep(&person);
        let person = Box::new(person);
        self.act(match given {
            true => Happening::Granted { person, role },
            false => Happening::RoleRevoked { person, role },
        })
        .await
    }

    /// Some join the project and one leaves it.
    async fn shuffle(&mut self) -> Result<(), ClientError> {
        let mut added: BTreeMap<String, Colleague> = BTreeMap::new();
        for _ in 0..3 {
            let project = self.project.clone();
            let joins = self.somebody(|person| !project.contains(&person.okta_id));
            added.extend(joins.map(|person| (person.okta_id.clone(), Colleague::from(&person))));
        }
        let leaves = self.here.iter().find(|person| self.project.contains(&person.okta_id));
        let removed: Vec<Colleague> = leaves.map(Colleague::from).into_iter().collect();
        self.project.extend(added.keys().cloned());
        for colleague in &removed {
            self.project.remove(&colleague.okta_id);
        }
        let (group, added) = (PROJECT.to_owned(), added.into_values().collect());
        self.act(Happening::MembersChanged { group, added, removed }).await
    }

    /// Everybody who is here gets the new domain, in one cycle.
    async fn change_domain(&mut self) -> Result<(), ClientError> {
        self.domain = NEW_DOMAIN;
        self.fact("domainFrom", json!(shown(self.at + TimeDelta::seconds(1))));
        for mut person in self.here.clone() {
            let was = person.user_name.clone();
            person.user_name = was.replace(OLD_DOMAIN, NEW_DOMAIN);
            person.email.clone_from(&person.user_name);
            self.keep(&person);
            self.count("got the new domain");
            self.act(Happening::Renamed { person: Box::new(person), was }).await?;
        }
        self.fact("domainTo", json!(shown(self.at)));
        Ok(())
    }

    fn end(mut self) -> Told {
        let jane = self.jane().map(|jane| jane.user_name).unwrap_or_default();
        let roles: Vec<Value> = JANES_ROLES
            .iter()
            .map(|(day, role, given)| {
                let day = (self.start + TimeDelta::days(*day)).format("%Y-%m-%d");
                json!([day.to_string(), if *given { "RoleAssigned" } else { "RoleRevoked" }, role])
            })
            .collect();
        self.fact("jane", json!(jane));
        self.fact("janesRoles", json!(roles));
        self.fact("project", json!(PROJECT));
        let counts = json!(self.counts);
        self.fact("counts", counts);
        let questions = self.questions();
        Told { facts: self.told, deeds: self.stage.deeds(), questions }
    }

    fn questions(&self) -> Vec<Question> {
        let mut questions = Questions::default();
        // By the name that she had on the first day, and has no more.
        ask_roles(&mut questions, "jane's roles", JANE);
        questions.commits("jane's names", &[("user", JANE), ("event", "UserRenamed")]);
        questions.commits("who was deleted", &[("event", "UserDeleted")]);
        questions.commits("who came back", &[("event", "UserActivated")]);
        let keys = "CredentialIssued,CredentialRevoked";
        questions.commits("the keys", &[("event", keys)]);
        let second = self.new_secret.as_str();
        let joined = [("group", PROJECT), ("event", "GroupMemberAdded"), ("credential", second)];
        questions.commits("who joined the project with the second key", &joined);
        let mid = shown(self.start + TimeDelta::days(DOMAIN_DAY - 1));
        // By her id: nobody had that name by then.
        let jane = self.link.account(&self.jane).unwrap_or_default();
        questions.ask("jane before the new domain", &format!("/users/{jane}"), &[("asOf", &mid)]);
        questions.0
    }

    /// The next thing of this cycle.
    async fn act(&mut self, what: Happening) -> Result<(), ClientError> {
        self.at += TimeDelta::seconds(1);
        self.link.act(self.at, what).await
    }

    /// The next thing happens in a cycle of this day, or right after the last one if that is later.
    fn cycle(&mut self, day: i64) {
        let cycle = i64::try_from(self.dice.below(12)).unwrap_or_default();
        let at = self.start + TimeDelta::days(day) + TimeDelta::minutes(40 * cycle);
        self.at = self.at.max(at);
    }

    fn jane(&self) -> Option<Person> {
        self.here.iter().find(|person| person.okta_id == self.jane).cloned()
    }

    /// Somebody to whom this applies, from a place of chance on; never Jane.
    fn somebody(&mut self, applies: impl Fn(&Person) -> bool) -> Option<Person> {
        let from = self.dice.index(self.here.len());
        let (before, after) = self.here.split_at_checked(from)?;
        let mut all = after.iter().chain(before).filter(|person| person.okta_id != self.jane);
        all.find(|person| applies(person)).cloned()
    }

    fn keep(&mut self, person: &Person) {
        if let Some(held) = self.here.iter_mut().find(|held| held.okta_id == person.okta_id) {
            held.clone_from(person);
        }
    }

    fn fact(&mut self, name: &str, value: Value) {
        self.told.insert(name.to_owned(), value);
    }

    fn count(&mut self, what: &'static str) {
        *self.counts.entry(what).or_default() += 1;
    }
}

/// An object id as Entra ID writes it.
fn object_id(dice: &mut Dice) -> String {
    let mut part = |len| dice.text("0123456789abcdef", len);
    format!("{}-{}-4{}-a{}-{}", part(8), part(4), part(3), part(3), part(12))
}
