//! How a month is written: first the moments are planned, then they are told in order of time,
//! each against what the company is by then, so that nobody leaves twice or moves after leaving.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Datelike, Days, NaiveTime, TimeDelta, Utc, Weekday};

use crate::company::{Addresses, Company};
use crate::dice::Dice;
use crate::limits::{IMPORT_GAP_MS, IMPORT_WINDOW_MS, MONTH_DAYS, STEP_GAP_MS};
use crate::names::HOMES;
use crate::organisation::{
    ADMIN, ANALYST, BUSINESS_USER, DEPARTMENTS, EXECUTIVE, IT, MANAGERS, first_groups,
};
use crate::person::Person;
use crate::script::{Colleague, Happening, Script, Step, Story};

/// The project whose group lives and is renamed within the month, and the one that ends.
const AURORA: &str = "Project Aurora";
const BOREALIS: &str = "Project Borealis";
const LANTERN: &str = "Project Lantern";

/// Minutes between the grant of the story and its end.
const STORY_MINUTES: i64 = 26;

/// Writes the month of this company that starts then.
pub(crate) fn write(company: &Company, start: DateTime<Utc>) -> Script {
    let mut writing = Writing::new(company, start);
    writing.first_day();
    for (at, plan) in planned(company, start, writing.last) {
        writing.tell(at, plan);
    }
    Script { steps: writing.steps, story: writing.story }
}

/// What is meant to happen; whom it happens to is seen when it is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Plan {
    Hire,
    Move,
    Grant,
    GrantAdmin,
    Revoke,
    Leave,
    Return,
    Marry,
    Push(&'static str),
    Shuffle(&'static str),
    Refresh(&'static str),
    Rename(&'static str, &'static str),
    Delete(&'static str),
    Import,
    StoryBegins,
    StoryEnds,
}

/// All plans after the first day, in order of time.
fn planned(
    company: &Company,
    start: DateTime<Utc>,
    import_ends: DateTime<Utc>,
) -> Vec<(DateTime<Utc>, Plan)> {
    let mut dice = Dice::new(company.seed(), 2);
    let days: Vec<DateTime<Utc>> = mornings(start)
        .into_iter()
        .filter(|morning| *morning > import_ends && !is_weekend(*morning))
        .collect();
    let size = company.people().len();
    let mut plans = Vec::new();
    // Which part of the working days (in percent), how often, what.
    let often: [(usize, usize, usize, Plan); 8] = [
        (0, 100, company.hires().len(), Plan::Hire),
        (0, 100, size / 40 + 2, Plan::Move),
        (0, 100, size / 25 + 3, Plan::Grant),
        (10, 100, size / 50 + 2, Plan::Revoke),
        (0, 60, size / 60 + 2, Plan::Leave),
        (65, 100, size / 250 + 1, Plan::Return),
        (20, 90, size / 300 + 1, Plan::Marry),
        (30, 60, 1, Plan::GrantAdmin),
    ];
    for (from, to, times, plan) in often {
        for _ in 0..times {
            plans.push((working_hour(&mut dice, &days, from, to), plan));
        }
    }
    for (from, to, times, plan) in [
        (5, 10, 1, Plan::Push(AURORA)),
        (5, 10, 1, Plan::Push(LANTERN)),
        (15, 40, size / 100 + 2, Plan::Shuffle(AURORA)),
        (15, 60, size / 100 + 1, Plan::Shuffle(LANTERN)),
        (45, 50, 1, Plan::Rename(AURORA, BOREALIS)),
        (55, 95, size / 100 + 2, Plan::Shuffle(BOREALIS)),
        (60, 65, 1, Plan::Refresh(BOREALIS)),
        (75, 80, 1, Plan::Delete(LANTERN)),
        (25, 30, 1, Plan::Import),
        (85, 90, 1, Plan::Import),
    ] {
        for _ in 0..times {
            plans.push((working_hour(&mut dice, &days, from, to), plan));
        }
    }
    let night = story_night(&mut dice, start);
    plans.push((night, Plan::StoryBegins));
    plans.push((night + TimeDelta::minutes(STORY_MINUTES), Plan::StoryEnds));
    plans.sort();
    plans
}

/// Eight o'clock of each day after the first.
fn mornings(start: DateTime<Utc>) -> Vec<DateTime<Utc>> {
    (1..=MONTH_DAYS)
        .filter_map(|day| start.checked_add_days(Days::new(day)))
        .map(|day| at_hour(day, 8))
        .collect()
}

fn at_hour(day: DateTime<Utc>, hour: i64) -> DateTime<Utc> {
    day.date_naive().and_time(NaiveTime::MIN).and_utc() + TimeDelta::hours(hour)
}

fn is_weekend(day: DateTime<Utc>) -> bool {
    matches!(day.weekday(), Weekday::Sat | Weekday::Sun)
}

/// Some time between eight and five, on a working day in this part of the month.
fn working_hour(dice: &mut Dice, days: &[DateTime<Utc>], from: usize, to: usize) -> DateTime<Utc> {
    let first = days.len() * from / 100;
    let end = (days.len() * to / 100).max(first + 1);
    let part = days.get(first..end.min(days.len())).unwrap_or(days);
    let morning = dice.pick(part).copied().unwrap_or_default();
    let into_the_day = dice.below(9 * 60 * 60 * 1_000);
    morning + TimeDelta::milliseconds(i64::try_from(into_the_day).unwrap_or_default())
}

/// A few minutes past two on the first Sunday of the second week.
fn story_night(dice: &mut Dice, start: DateTime<Utc>) -> DateTime<Utc> {
    let sunday = mornings(start)
        .into_iter()
        .skip(7)
        .find(|morning| morning.weekday() == Weekday::Sun)
        .unwrap_or(start);
    let seconds = i64::try_from(dice.below(8 * 60)).unwrap_or_default();
    at_hour(sunday, 2) + TimeDelta::seconds(seconds)
}

/// The company as it is by now, and what was told so far.
struct Writing<'a> {
    company: &'a Company,
    dice: Dice,
    people: BTreeMap<String, Person>,
    /// Okta ids in the order of hiring: what a draw points into.
    order: Vec<String>,
    left: BTreeSet<String>,
    hires: std::vec::IntoIter<Person>,
    addresses: Addresses,
    groups: BTreeMap<String, BTreeSet<String>>,
    /// The person of the story: nothing else happens to them, so that the answer stays clear.
    protagonist: Option<String>,
    story: Story,
    last: DateTime<Utc>,
    steps: Vec<Step>,
}

impl<'a> Writing<'a> {
    fn new(company: &'a Company, start: DateTime<Utc>) -> Writing<'a> {
        Writing {
            company,
            dice: Dice::new(company.seed(), 3),
            people: BTreeMap::new(),
            order: Vec::new(),
            left: BTreeSet::new(),
            hires: company.hires().to_vec().into_iter(),
            addresses: company.addresses().clone(),
            groups: BTreeMap::new(),
            protagonist: None,
            story: Story {
                user_name: String::new(),
                role: ADMIN.to_owned(),
                granted_at: start,
                revoked_at: start,
                question: String::new(),
            },
            last: start - TimeDelta::milliseconds(STEP_GAP_MS),
            steps: Vec::new(),
        }
    }

    /// The next step: when it was planned, or just after the one before it.
    fn step(&mut self, at: DateTime<Utc>, what: Happening) {
        let at = at.max(self.last + TimeDelta::milliseconds(STEP_GAP_MS));
        self.last = at;
        self.steps.push(Step { at, what });
    }

    fn next(&mut self, what: Happening) {
        let pause = 1_000 + i64::try_from(self.dice.below(14_000)).unwrap_or_default();
        self.step(self.last + TimeDelta::milliseconds(pause), what);
    }

    /// The connection is tested, everybody is imported, every group is pushed.
    fn first_day(&mut self) {
        self.step(self.last, Happening::Connected);
        let people = self.company.people();
        let count = i64::try_from(people.len()).unwrap_or(i64::MAX).max(1);
        let gap = (IMPORT_WINDOW_MS / count).clamp(STEP_GAP_MS, IMPORT_GAP_MS);
        for person in people {
            self.employ(person.clone());
            let at = self.last + TimeDelta::milliseconds(gap);
            self.step(at, Happening::Joins(Box::new(person.clone())));
        }
        for group in first_groups() {
            let members = self.everybody(|person| person.groups.contains(&group));
            self.push(&group, members);
        }
    }

    fn employ(&mut self, person: Person) {
        self.order.push(person.okta_id.clone());
        self.people.insert(person.okta_id.clone(), person);
    }

    fn push(&mut self, group: &str, members: BTreeSet<String>) {
        let colleagues = self.colleagues(&members);
        self.groups.insert(group.to_owned(), members);
        self.next(Happening::GroupPushed { group: group.to_owned(), members: colleagues });
    }

    fn tell(&mut self, at: DateTime<Utc>, plan: Plan) {
        match plan {
            Plan::Hire => self.hire(at),
            Plan::Move => self.relocate(at),
            Plan::Grant => self.grant(at),
            Plan::GrantAdmin => self.grant_admin(at),
            Plan::Revoke => self.revoke(at),
            Plan::Leave => self.leave(at),
            Plan::Return => self.come_back(at),
            Plan::Marry => self.marry(at),
            Plan::Push(group) => self.start_project(at, group),
            Plan::Shuffle(group) => self.shuffle(at, group),
            Plan::Refresh(group) => self.refresh(at, group),
            Plan::Rename(from, to) => self.rename_group(at, from, to),
            Plan::Delete(group) => self.delete_group(at, group),
            Plan::Import => self.step(at, Happening::Imported),
            Plan::StoryBegins => self.story_begins(at),
            Plan::StoryEnds => self.story_ends(at),
        }
    }

    fn hire(&mut self, at: DateTime<Utc>) {
        let Some(person) = self.hires.next() else { return };
        self.employ(person.clone());
        self.step(at, Happening::Joins(Box::new(person.clone())));
        for group in &person.groups {
            self.change_members(group, &[&person], &[]);
        }
    }

    fn relocate(&mut self, at: DateTime<Utc>) {
        let Some(mut person) = self.somebody(|person| {
            person.department != EXECUTIVE && !person.groups.iter().any(|group| group == MANAGERS)
        }) else {
            return;
        };
        let from = person.department.clone();
        let elsewhere: Vec<_> = DEPARTMENTS
            .iter()
            .filter(|department| department.name != from && department.name != EXECUTIVE)
            .collect();
        let Some(department) = self.dice.pick(&elsewhere) else { return };
        let to = department.name.to_owned();
        person.title = self.dice.word(department.jobs).to_owned();
        person.manager = self.company.head_of(&to).cloned();
        person.groups.retain(|group| *group != from);
        person.groups.push(to.clone());
        person.department = to.clone();
        self.leave_group(&from, &person.okta_id);
        self.groups.entry(to.clone()).or_default().insert(person.okta_id.clone());
        self.keep(&person);
        self.step(
            at,
            Happening::Moves {
                person: Box::new(person),
                groups_left: vec![from.clone()],
                groups_joined: vec![to],
                from,
            },
        );
    }

    fn grant(&mut self, at: DateTime<Utc>) {
        let role = self.dice.word(&[ANALYST, BUSINESS_USER, BUSINESS_USER]);
        if let Some(person) = self.somebody(|person| !person.has_role(role)) {
            self.give(at, person, role);
        }
    }

    /// One grant of the same role as the story's, in broad daylight and to somebody of the trade.
    fn grant_admin(&mut self, at: DateTime<Utc>) {
        let person = self
            .somebody(|person| person.department == IT && !person.has_role(ADMIN))
            .or_else(|| self.somebody(|person| !person.has_role(ADMIN)));
        if let Some(person) = person {
            self.give(at, person, ADMIN);
        }
    }

    fn give(&mut self, at: DateTime<Utc>, mut person: Person, role: &str) {
        person.roles.push(role.to_owned());
        self.keep(&person);
        self.step(at, Happening::Granted { person: Box::new(person), role: role.to_owned() });
    }

    fn take(&mut self, at: DateTime<Utc>, mut person: Person, role: &str) {
        person.roles.retain(|held| held != role);
        self.keep(&person);
        self.step(at, Happening::RoleRevoked { person: Box::new(person), role: role.to_owned() });
    }

    fn revoke(&mut self, at: DateTime<Utc>) {
        let role = self.dice.word(&[ANALYST, BUSINESS_USER]);
        if let Some(person) = self.somebody(|person| person.has_role(role)) {
            self.take(at, person, role);
        }
    }

    fn leave(&mut self, at: DateTime<Utc>) {
        let Some(person) = self.somebody(|person| person.manager.is_some()) else { return };
        self.left.insert(person.okta_id.clone());
        self.step(at, Happening::Leaves(Box::new(person.clone())));
        self.next(Happening::Unassigned(Box::new(person)));
    }

    fn come_back(&mut self, at: DateTime<Utc>) {
        let left: Vec<String> = self.left.iter().cloned().collect();
        let Some(okta_id) = self.dice.pick(&left) else { return };
        let Some(mut person) = self.people.get(okta_id).cloned() else { return };
        self.left.remove(okta_id);
        person.title = "Adviser".to_owned();
        self.keep(&person);
        self.step(at, Happening::Returns(Box::new(person)));
    }

    fn marry(&mut self, at: DateTime<Utc>) {
        let Some(mut person) = self.somebody(|_| true) else { return };
        let Some(home) = self.dice.pick(HOMES) else { return };
        let mut families = home.family();
        families.retain(|name| *name != person.family_name);
        person.family_name = self.dice.word(&families).to_owned();
        let was = person.user_name.clone();
        person.user_name = self.addresses.claim(&person.given_name, &person.family_name);
        person.email = person.user_name.clone();
        self.keep(&person);
        self.step(at, Happening::Renamed { person: Box::new(person), was });
    }

    fn start_project(&mut self, at: DateTime<Utc>, group: &str) {
        let share = 5 + self.dice.below(5);
        let mut members = BTreeSet::new();
        for okta_id in &self.order {
            if !self.left.contains(okta_id) && self.dice.one_in(share) {
                members.insert(okta_id.clone());
            }
        }
        self.last = self.last.max(at);
        self.push(group, members);
    }

    /// Some people leave the group and others join, in one update.
    fn shuffle(&mut self, at: DateTime<Utc>, group: &str) {
        let Some(members) = self.groups.get(group).cloned() else { return };
        let most = self.order.len() / 60 + 2;
        let mut added = BTreeMap::new();
        let mut removed = BTreeMap::new();
        for _ in 0..=self.dice.index(most) {
            let joins = self.somebody(|person| !members.contains(&person.okta_id));
            let leaves = self.somebody(|person| members.contains(&person.okta_id));
            added.extend(joins.map(|person| (person.okta_id.clone(), person)));
            if self.dice.one_in(2) {
                removed.extend(leaves.map(|person| (person.okta_id.clone(), person)));
            }
        }
        let added: Vec<&Person> = added.values().collect();
        let removed: Vec<&Person> = removed.values().collect();
        self.last = self.last.max(at);
        self.change_members(group, &added, &removed);
    }

    fn change_members(&mut self, group: &str, added: &[&Person], removed: &[&Person]) {
        if added.is_empty() && removed.is_empty() {
            return;
        }
        let members = self.groups.entry(group.to_owned()).or_default();
        members.extend(added.iter().map(|person| person.okta_id.clone()));
        for person in removed {
            members.remove(&person.okta_id);
        }
        self.next(Happening::MembersChanged {
            group: group.to_owned(),
            added: added.iter().map(|person| Colleague::from(*person)).collect(),
            removed: removed.iter().map(|person| Colleague::from(*person)).collect(),
        });
    }

    fn leave_group(&mut self, group: &str, okta_id: &str) {
        if let Some(members) = self.groups.get_mut(group) {
            members.remove(okta_id);
        }
    }

    fn refresh(&mut self, at: DateTime<Utc>, group: &str) {
        let Some(members) = self.groups.get(group) else { return };
        let members = self.colleagues(members);
        self.step(at, Happening::GroupRefreshed { group: group.to_owned(), members });
    }

    fn rename_group(&mut self, at: DateTime<Utc>, from: &str, to: &str) {
        let Some(members) = self.groups.remove(from) else { return };
        self.groups.insert(to.to_owned(), members);
        self.step(at, Happening::GroupRenamed { from: from.to_owned(), to: to.to_owned() });
    }

    fn delete_group(&mut self, at: DateTime<Utc>, group: &str) {
        if self.groups.remove(group).is_some() {
            self.step(at, Happening::GroupDeleted { group: group.to_owned() });
        }
    }

    fn story_begins(&mut self, at: DateTime<Utc>) {
        let person = self
            .somebody(|person| !person.has_role(ADMIN) && person.department != IT)
            .or_else(|| self.somebody(|person| !person.has_role(ADMIN)))
            .or_else(|| self.somebody(|_| true));
        let Some(person) = person else { return };
        self.protagonist = Some(person.okta_id.clone());
        let user_name = person.user_name.clone();
        self.give(at, person, ADMIN);
        let begun = self.last;
        self.story = Story {
            question: format!(
                "who gave `{user_name}` the role {ADMIN} on {}, and who took it back {STORY_MINUTES} \
                 minutes later? There is no ticket for it.",
                begun.format("%A, %Y-%m-%d at %H:%M UTC")
            ),
            user_name,
            role: ADMIN.to_owned(),
            granted_at: begun,
            revoked_at: begun,
        };
    }

    fn story_ends(&mut self, at: DateTime<Utc>) {
        let protagonist = self.protagonist.as_ref();
        let Some(person) = protagonist.and_then(|okta_id| self.people.get(okta_id)).cloned() else {
            return;
        };
        self.take(at, person, ADMIN);
        self.story.revoked_at = self.last;
    }

    /// Somebody active to whom this applies, from a place of chance on; never the protagonist.
    fn somebody(&mut self, applies: impl Fn(&Person) -> bool) -> Option<Person> {
        let from = self.dice.index(self.order.len());
        let (before, after) = self.order.split_at_checked(from)?;
        after
            .iter()
            .chain(before)
            .filter(|id| !self.left.contains(*id) && self.protagonist.as_ref() != Some(*id))
            .filter_map(|id| self.people.get(id))
            .find(|person| applies(person))
            .cloned()
    }

    fn keep(&mut self, person: &Person) {
        self.people.insert(person.okta_id.clone(), person.clone());
    }

    fn everybody(&self, belongs: impl Fn(&Person) -> bool) -> BTreeSet<String> {
        let here = self.people.values().filter(|person| belongs(person));
        here.map(|person| person.okta_id.clone()).collect()
    }

    fn colleagues(&self, members: &BTreeSet<String>) -> Vec<Colleague> {
        members.iter().filter_map(|okta_id| self.people.get(okta_id)).map(Colleague::from).collect()
    }
}
