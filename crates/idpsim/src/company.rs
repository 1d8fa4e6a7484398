//! A seeded company: who works at Acme, and who will be hired in the month a script tells.

use std::collections::{BTreeMap, BTreeSet};

use crate::dice::Dice;
use crate::names::{HOMES, plain};
use crate::organisation::{
    ADMIN, ALL_STAFF, ANALYST, BUSINESS_USER, DEPARTMENTS, Department, EXECUTIVE, IT, MANAGERS,
    OFFICES, by_share, office_group,
};
use crate::person::{Manager, Person};

/// Acme: its people in the order they were hired.
#[derive(Debug, Clone)]
pub struct Company {
    seed: u64,
    people: Vec<Person>,
    hires: Vec<Person>,
    addresses: Addresses,
    heads: BTreeMap<&'static str, Manager>,
}

impl Company {
    /// The company of this seed with this many people, at least one. The same seed and size give
    /// the same company, and a larger one starts with the same people.
    pub fn new(seed: u64, people: usize) -> Company {
        let people = people.max(1);
        let later = people / 50 + 3;
        let mut hiring = Hiring::new(seed);
        let mut employed: Vec<Person> = (0..people + later).map(|_| hiring.hire()).collect();
        let hires = employed.split_off(people);
        Company { seed, people: employed, hires, addresses: hiring.addresses, heads: hiring.heads }
    }

    /// Who works here on the first day.
    pub fn people(&self) -> &[Person] {
        &self.people
    }

    /// Who is hired later in the month.
    pub fn hires(&self) -> &[Person] {
        &self.hires
    }

    /// The seed everything follows from.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    pub(crate) fn addresses(&self) -> &Addresses {
        &self.addresses
    }

    /// Who leads this department; where nobody does yet, the head of the company.
    pub(crate) fn head_of(&self, department: &str) -> Option<&Manager> {
        self.heads.get(department).or_else(|| self.heads.get(EXECUTIVE))
    }
}

/// The addresses in use: no two people share one.
#[derive(Debug, Clone, Default)]
pub(crate) struct Addresses(BTreeSet<String>);

impl Addresses {
    /// An address for this name, numbered if the name is taken.
    pub(crate) fn claim(&mut self, given: &str, family: &str) -> String {
        let local = format!("{}.{}", plain(given), plain(family));
        let mut address = format!("{local}@acme.com");
        let mut number = 2_u64;
        while !self.0.insert(address.clone()) {
            address = format!("{local}{number}@acme.com");
            number += 1;
        }
        address
    }
}

const LETTERS: &str = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const DIGITS: &str = "0123456789";
const SMALL: &str = "0123456789abcdefghijklmnopqrstuvwxyz";

/// Every so many people of a department, somebody leads a team.
const TEAM: u64 = 9;

/// The office that hires: what it must remember from one person to the next.
struct Hiring {
    dice: Dice,
    hired: u64,
    addresses: Addresses,
    heads: BTreeMap<&'static str, Manager>,
    /// Who leads the team that is filled at the moment, and how many the department has.
    teams: BTreeMap<&'static str, (Manager, u64)>,
}

impl Hiring {
    fn new(seed: u64) -> Hiring {
        Hiring {
            dice: Dice::new(seed, 1),
            hired: 0,
            addresses: Addresses::default(),
            heads: BTreeMap::new(),
            teams: BTreeMap::new(),
        }
    }

    fn hire(&mut self) -> Person {
        self.hired += 1;
        let department = self.department();
        let (given, family) = self.name();
        let employee_number = format!("E{:05}", self.hired);
        let me =
            Manager { employee_number: employee_number.clone(), name: format!("{given} {family}") };
        let (title, manager, leads) = self.place(department, me);
        let draw = self.dice.below(100);
        let (city, locale, phone) = match by_share(OFFICES, |office| office.share, draw) {
            Some(office) => {
                let number = self.dice.text(DIGITS, office.digits);
                (office.city, office.locale, format!("{}{number}", office.phone))
            }
            None => ("Boston", "en-US", String::new()),
        };
        let user_name = self.addresses.claim(given, family);
        let mut groups = vec![department.name.to_owned(), office_group(city), ALL_STAFF.to_owned()];
        if leads {
            groups.push(MANAGERS.to_owned());
        }
        Person {
            okta_id: format!("00u{}", self.dice.text(LETTERS, 17)),
            email: user_name.clone(),
            user_name,
            given_name: given.to_owned(),
            family_name: family.to_owned(),
            roles: self.roles(department, leads),
            title,
            department: department.name.to_owned(),
            manager,
            phone,
            locale: locale.to_owned(),
            employee_number,
            office: city.to_owned(),
            groups,
            first_password: self.dice.text(SMALL, 12),
        }
    }

    /// The first person leads the company, the second its IT: a directory needs an administrator.
    fn department(&mut self) -> &'static Department {
        let draw = self.dice.below(100);
        let named = |name: &str| DEPARTMENTS.iter().find(|department| department.name == name);
        let chosen = match self.hired {
            1 => named(EXECUTIVE),
            2 => named(IT),
            3.. | 0 => by_share(DEPARTMENTS, |department| department.share, draw),
        };
        chosen.unwrap_or(&FALLBACK)
    }

    fn name(&mut self) -> (&'static str, &'static str) {
        match self.dice.pick(HOMES) {
            Some(home) => (self.dice.word(&home.given()), self.dice.word(&home.family())),
            None => ("Robin", "Ashdown"),
        }
    }

    /// The title and manager of the next person of a department, and whether they lead.
    fn place(
        &mut self,
        department: &'static Department,
        me: Manager,
    ) -> (String, Option<Manager>, bool) {
        let ceo = self.heads.get(EXECUTIVE).cloned();
        let Some(head) = self.heads.get(department.name).cloned() else {
            self.heads.insert(department.name, me.clone());
            self.teams.insert(department.name, (me, 1));
            return (department.head.to_owned(), ceo, true);
        };
        let (lead, size) = self.teams.get(department.name).cloned().unwrap_or((head.clone(), 1));
        if size % TEAM == TEAM - 1 {
            self.teams.insert(department.name, (me, size + 1));
            return (department.lead.to_owned(), Some(head), true);
        }
        self.teams.insert(department.name, (lead.clone(), size + 1));
        (self.dice.word(department.jobs).to_owned(), Some(lead), false)
    }

    /// Who administers, who builds reports, who reads them; some have no role at all.
    fn roles(&mut self, department: &Department, leads: bool) -> Vec<String> {
        let draw = self.dice.below(100);
        let roles: &[&str] = match department.name {
            IT if leads || draw < 15 => &[ADMIN],
            "Data & Analytics" if draw < 90 => &[ANALYST],
            "Finance" if draw < 50 => &[ANALYST, BUSINESS_USER],
            "Product" if draw < 30 => &[ANALYST],
            _ if leads || draw < 55 => &[BUSINESS_USER],
            _ => &[],
        };
        roles.iter().map(|&role| role.to_owned()).collect()
    }
}

static FALLBACK: Department =
    Department { name: "Operations", share: 0, head: "Head", lead: "Lead", jobs: &["Clerk"] };

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_larger_company_starts_with_the_same_people() {
        assert_eq!(Company::new(7, 20).people(), &Company::new(7, 200).people()[..20]);
    }

    #[test]
    fn another_seed_is_another_company() {
        assert_ne!(Company::new(1, 5).people(), Company::new(2, 5).people());
    }

    #[test]
    fn nobody_shares_a_name_an_id_or_a_number() {
        let company = Company::new(3, 20_000);
        let everyone = || company.people().iter().chain(company.hires());
        for key in [
            |p: &Person| p.user_name.clone(),
            |p: &Person| p.okta_id.clone(),
            |p: &Person| p.employee_number.clone(),
        ] {
            let distinct: BTreeSet<String> = everyone().map(key).collect();
            assert_eq!(distinct.len(), everyone().count());
        }
        assert!(everyone().all(|p| p.user_name == p.email && p.okta_id.len() == 20));
    }

    #[test]
    fn a_taken_name_is_numbered() {
        let mut addresses = Addresses::default();
        let claimed: Vec<String> = (0..3).map(|_| addresses.claim("Zoé", "O'Rourke")).collect();
        assert_eq!(
            claimed,
            ["zoe.orourke@acme.com", "zoe.orourke2@acme.com", "zoe.orourke3@acme.com"]
        );
    }

    #[test]
    fn everybody_but_the_first_has_a_manager_who_was_there_before() {
        let company = Company::new(11, 400);
        let mut numbers = BTreeSet::new();
        for person in company.people() {
            match &person.manager {
                None => assert_eq!(person.title, "Chief Executive Officer"),
                Some(manager) => assert!(numbers.contains(&manager.employee_number)),
            }
            numbers.insert(person.employee_number.clone());
        }
    }

    #[test]
    fn somebody_administers_and_somebody_has_no_role() {
        let company = Company::new(5, 100);
        assert!(company.people()[1].has_role("Admin"));
        assert!(company.people().iter().any(|p| p.roles.is_empty()));
        let admins = company.people().iter().filter(|p| p.has_role("Admin")).count();
        assert!((1..10).contains(&admins), "{admins}");
    }

    #[test]
    fn there_is_always_somebody() {
        assert_eq!(Company::new(1, 0).people().len(), 1);
    }
}
