//! One tenant, two identity providers and an operator: Okta for employees, OneLogin for contractors, and
//! four people whom both know. The same role comes from two sources and one takes it back; a group is filled
//! by both; what is written back because it was read changes nothing.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Map, json};

use super::ledger::{Hand, Hour};
use super::link::Link;
use super::stage::Stage;
use super::{Question, Questions, Told, ask_roles, shown};
use crate::company::Company;
use crate::okta::Okta;
use crate::onelogin::OneLogin;
use crate::organisation::{ADMIN, ANALYST, BUSINESS_USER, DEPARTMENTS};
use crate::person::Person;
use crate::script::{Colleague, Happening};
use crate::wire::ClientError;

const SEED: u64 = 2;
const EMPLOYEES: usize = 40;
const CONTRACTORS: usize = 20;
/// An employee whom only Okta knows, by their place in the company.
const ONE: usize = 5;
/// Employees who work for the contractor, too.
const BOTH: [usize; 4] = [9, 14, 21, 30];
/// 2026-01-12T08:00:00Z, a Monday.
pub(super) const START_SECONDS: i64 = 1_768_204_800;
const OKTA: &str = "okta";
const ONELOGIN: &str = "onelogin";
/// The group that both fill.
const SHARED: &str = "Project Lighthouse";

pub(super) async fn play(stage: &Stage) -> Result<Told, ClientError> {
    let start = DateTime::from_timestamp(START_SECONDS, 0).unwrap_or_default();
    let okta_key = stage.open(start, OKTA).await?;
    let okta = Okta::new(&stage.base(), &okta_key);
    let onelogin_key = stage.connector(start + TimeDelta::seconds(9), ONELOGIN).await?;
    let onelogin = OneLogin::new(&stage.base(), &onelogin_key);
    let mut tenant = Tenant {
        stage,
        okta: Link::new(stage, OKTA, Hand::Okta, &okta),
        onelogin: Link::new(stage, ONELOGIN, Hand::OneLogin, &onelogin),
        start,
        at: start + TimeDelta::minutes(5),
        employees: employees(),
        contractors: contractors(),
    };
    tenant.import().await?;
    tenant.link_both(&onelogin).await?;
    tenant.fill_one_group().await?;
    let kept = tenant.okta_and_operator().await?;
    tenant.onelogin_and_operator().await?;
    tenant.okta_and_onelogin().await?;
    tenant.echo(&okta).await?;
    tenant.ends().await?;

    let (one, two, three) = (tenant.one(), tenant.contractor(0), tenant.employee(BOTH[0]));
    let mut facts = Map::new();
    for (name, value) in [
        ("oktaAndOperator", json!(one.user_name)),
        ("oneLoginAndOperator", json!(two.user_name)),
        ("oktaAndOneLogin", json!(three.user_name)),
        ("keptByOperatorAt", json!(shown(kept))),
        ("group", json!(SHARED)),
        ("both", json!(BOTH.map(|place| tenant.employee(place).user_name))),
    ] {
        facts.insert(name.to_owned(), value);
    }
    let ended = tenant.employee(BOTH[2]).user_name;
    let questions = questions(&one, &two, &three, &ended);
    Ok(Told { facts, deeds: stage.deeds(), questions })
}

fn questions(one: &Person, two: &Person, three: &Person, one_of_both: &str) -> Vec<Question> {
    let mut questions = Questions::default();
    ask_roles(&mut questions, "a role from Okta and the operator", &one.user_name);
    ask_roles(&mut questions, "a role from OneLogin and the operator", &two.user_name);
    ask_roles(&mut questions, "a role from Okta and OneLogin", &three.user_name);
    questions.commits("what the operator did", &[("actor", "owner")]);
    questions.commits("which ids were written", &[("attribute", "externalId")]);
    questions.commits("who was in the group of both", &[("group", SHARED)]);
    let by_onelogin =
        [("connector", ONELOGIN), ("user", one_of_both), ("event", "UserDeactivated")];
    questions.commits("whom OneLogin switched off that Okta knows, too", &by_onelogin);
    questions.0
}

/// Those whose roles this story is about have none at first.
fn employees() -> Vec<Person> {
    let mut people = Company::new(SEED, EMPLOYEES).people().to_vec();
    for (place, person) in people.iter_mut().enumerate() {
        person.groups = vec![person.department.clone()];
        if place == ONE || BOTH.contains(&place) {
            person.roles.clear();
        }
    }
    people
}

fn contractors() -> Vec<Person> {
    let mut people = Company::new(SEED + 20, CONTRACTORS).people().to_vec();
    for (place, person) in people.iter_mut().enumerate() {
        person.okta_id = (170_001 + place).to_string();
        person.user_name = person.user_name.replace("@acme.com", "@contractors.example");
        person.email.clone_from(&person.user_name);
        person.employee_number = person.employee_number.replace('E', "C");
        if let Some(manager) = &mut person.manager {
            manager.employee_number = manager.employee_number.replace('E', "C");
        }
        person.roles.clear();
        person.groups = vec!["Contractors".to_owned()];
    }
    people
}

/// An employee as OneLogin knows them: the same user name, and its own words for the rest.
fn as_contractor(employee: &Person) -> Person {
    Person {
        okta_id: employee.employee_number.replace('E', "1709"),
        employee_number: employee.employee_number.replace('E', "C9"),
        title: "Consultant".to_owned(),
        manager: None,
        roles: Vec::new(),
        ..employee.clone()
    }
}

/// The story as it is told.
struct Tenant<'a> {
    stage: &'a Stage,
    okta: Link<'a, Okta>,
    onelogin: Link<'a, OneLogin>,
    start: DateTime<Utc>,
    at: DateTime<Utc>,
    employees: Vec<Person>,
    contractors: Vec<Person>,
}

impl Tenant<'_> {
    async fn import(&mut self) -> Result<(), ClientError> {
        self.okta(Happening::Connected).await?;
        for person in self.employees.clone() {
            self.okta(Happening::Joins(Box::new(person))).await?;
        }
        for department in DEPARTMENTS {
            let group = department.name.to_owned();
            let belongs = |person: &&Person| person.department == group;
            let members = self.employees.iter().filter(belongs).map(Colleague::from).collect();
            self.okta(Happening::GroupPushed { group, members }).await?;
        }
        self.onelogin(Happening::Connected).await?;
        for person in self.contractors.clone() {
            self.onelogin(Happening::Joins(Box::new(person))).await?;
        }
        let members = self.contractors.iter().map(Colleague::from).collect();
        self.onelogin(Happening::GroupPushed { group: "Contractors".to_owned(), members }).await
    }

    /// OneLogin finds four of its people there already, and writes its own id beside Okta's.
    async fn link_both(&mut self, onelogin: &OneLogin) -> Result<(), ClientError> {
        self.day(2);
        for place in BOTH {
            let person = as_contractor(&self.employee(place));
            self.onelogin(Happening::Joins(Box::new(person.clone()))).await?;
            let account = self.onelogin.account(&person.okta_id)?;
            let hour = Hour { at: self.next(), by: ONELOGIN };
            self.stage.set_clock(hour.at);
            onelogin.number(&account, &person.okta_id).await?;
            self.stage.ledger().write(hour, &person.okta_id, "id at OneLogin", &person.okta_id);
        }
        Ok(())
    }

    /// Okta puts eight into the group, OneLogin five and one of the eight, who stays Okta's. When
    /// Okta takes that one out, OneLogin's next push brings them back.
    async fn fill_one_group(&mut self) -> Result<(), ClientError> {
        let group = SHARED.to_owned();
        let eight: Vec<Colleague> =
            self.employees.iter().skip(10).take(8).map(Colleague::from).collect();
        let mut six: Vec<Colleague> =
            self.contractors.iter().take(5).map(Colleague::from).collect();
        six.push(Colleague::from(&as_contractor(&self.employee(BOTH[1]))));
        self.day(3);
        self.okta(Happening::GroupPushed { group: group.clone(), members: eight }).await?;
        self.onelogin(Happening::GroupPushed { group: group.clone(), members: six.clone() })
            .await?;
        self.day(4);
        let removed = vec![Colleague::from(&self.employee(BOTH[1]))];
        let added = Vec::new();
        self.okta(Happening::MembersChanged { group: group.clone(), added, removed }).await?;
        self.onelogin(Happening::GroupRefreshed { group, members: six }).await
    }

    /// A role from Okta and from the operator. Okta takes it back and the operator keeps it, for a
    /// week. Answers the moment from which only the operator gives it.
    async fn okta_and_operator(&mut self) -> Result<DateTime<Utc>, ClientError> {
        let one = self.one();
        self.day(6).okta_roles(ONE, &[ANALYST]).await?;
        self.stage.grant(self.next(), &one.user_name, ANALYST).await?;
        self.day(13).okta_roles(ONE, &[]).await?;
        let kept = self.at;
        self.day(20);
        self.stage.take_back(self.next(), &one.user_name, ANALYST).await?;
        Ok(kept)
    }

    /// A role from OneLogin and from the operator. The operator takes it back, OneLogin keeps it.
    async fn onelogin_and_operator(&mut self) -> Result<(), ClientError> {
        let two = self.contractor(0);
        self.day(21).onelogin_roles(two.clone(), &[ADMIN]).await?;
        self.stage.grant(self.next(), &two.user_name, ADMIN).await?;
        self.day(22);
        self.stage.take_back(self.next(), &two.user_name, ADMIN).await
    }

    /// OneLogin writes the role that Okta gave, and is no source of it by that. When Okta takes it
    /// back it is gone, and OneLogin's next word gives it anew.
    async fn okta_and_onelogin(&mut self) -> Result<(), ClientError> {
        let theirs = as_contractor(&self.employee(BOTH[0]));
        self.day(24).okta_roles(BOTH[0], &[BUSINESS_USER]).await?;
        self.onelogin_roles(theirs.clone(), &[BUSINESS_USER]).await?;
        self.day(25).okta_roles(BOTH[0], &[]).await?;
        self.day(26).onelogin_roles(theirs, &[BUSINESS_USER]).await
    }

    /// Okta writes what it read: a whole user with a role that is OneLogin's, and two profiles as
    /// they are. Nothing comes of it.
    async fn echo(&mut self, okta: &Okta) -> Result<(), ClientError> {
        self.day(27);
        let three = self.employee(BOTH[0]);
        let account = self.okta.account(&three.okta_id)?;
        let at = self.next();
        self.stage.set_clock(at);
        let read = okta.get_user(&account).await?;
        okta.put_user(&account, &read).await?;
        for place in [ONE, ONE + 1] {
            let person = Box::new(self.employee(place));
            self.okta(Happening::Reorganised(person)).await?;
        }
        Ok(())
    }

    /// OneLogin ends two contractors and an employee who worked for it: there is one account, and
    /// Okta wakes it the next morning. One of the contractors is deleted later.
    async fn ends(&mut self) -> Result<(), ClientError> {
        self.day(30);
        let employee = self.employee(BOTH[2]);
        for person in [self.contractor(3), self.contractor(4), as_contractor(&employee)] {
            self.onelogin(Happening::Leaves(Box::new(person))).await?;
        }
        self.day(31).okta(Happening::Returns(Box::new(employee))).await?;
        let contractor = Box::new(self.contractor(3));
        self.day(45).onelogin(Happening::Deleted(contractor)).await
    }

    /// Okta says that these are somebody's roles.
    async fn okta_roles(&mut self, place: usize, roles: &[&str]) -> Result<(), ClientError> {
        let Some(person) = self.employees.get_mut(place) else { return Ok(()) };
        person.roles = roles.iter().map(|&role| role.to_owned()).collect();
        let person = Box::new(person.clone());
        self.okta(Happening::Reorganised(person)).await
    }

    /// OneLogin says that these are somebody's roles.
    async fn onelogin_roles(
        &mut self,
        mut person: Person,
        roles: &[&str],
    ) -> Result<(), ClientError> {
        person.roles = roles.iter().map(|&role| role.to_owned()).collect();
        self.onelogin(Happening::Reorganised(Box::new(person))).await
    }

    fn one(&self) -> Person {
        self.employee(ONE)
    }

    fn employee(&self, place: usize) -> Person {
        self.employees.get(place).cloned().unwrap_or_else(nobody)
    }

    fn contractor(&self, place: usize) -> Person {
        self.contractors.get(place).cloned().unwrap_or_else(nobody)
    }

    async fn okta(&mut self, what: Happening) -> Result<(), ClientError> {
        let at = self.next();
        self.okta.act(at, what).await
    }

    async fn onelogin(&mut self, what: Happening) -> Result<(), ClientError> {
        let at = self.next();
        self.onelogin.act(at, what).await
    }

    /// The next thing happens on this day.
    fn day(&mut self, day: i64) -> &mut Self {
        self.at = self.start + TimeDelta::days(day) + TimeDelta::minutes(40);
        self
    }

    fn next(&mut self) -> DateTime<Utc> {
        self.at += TimeDelta::seconds(7);
        self.at
    }
}

/// Who stands in a place that is empty: the server does not know them, and the story ends.
fn nobody() -> Person {
    Person::plain("", "nobody@acme.com", ("No", "Body"), "")
}
