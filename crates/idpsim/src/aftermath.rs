//! What comes after a month, for clients that delete: other managers, the end of accounts, and a
//! new account for somebody who had one.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};

use crate::limits::MONTH_DAYS;
use crate::person::{Manager, Person};
use crate::script::{Happening, Script, Step};

/// How often one person's manager is taken away and given again: once for each way to say so.
const REORGANISATIONS: usize = 4;

/// The month with what comes after it.
pub(crate) fn told(mut script: Script) -> Script {
    let mut after = After::new(&script);
    after.reorganise();
    after.leave();
    after.delete_who_left();
    script.steps.append(&mut after.steps);
    script
}

/// Everybody as they are by the end of the month, and what is told about them then.
struct After {
    people: BTreeMap<String, Person>,
    left: Vec<String>,
    /// Whom the month's question is about: they stay as they are, so that the answer stays clear.
    protagonist: String,
    at: DateTime<Utc>,
    steps: Vec<Step>,
}

impl After {
    fn new(script: &Script) -> After {
        let month = &script.steps;
        let mut people = BTreeMap::new();
        let mut left = Vec::new();
        for step in month {
            let Some(person) = step.what.person() else { continue };
            people.insert(person.okta_id.clone(), person.clone());
            left.retain(|id| *id != person.okta_id);
            if matches!(step.what, Happening::Leaves(_) | Happening::Unassigned(_)) {
                left.push(person.okta_id.clone());
            }
        }
        let days = i64::try_from(MONTH_DAYS).unwrap_or_default();
        let last = month.last().map(|step| step.at).unwrap_or_default();
        After {
            people,
            left,
            protagonist: script.story.user_name.clone(),
            at: last + TimeDelta::days(days),
            steps: Vec::new(),
        }
    }

    fn step(&mut self, what: Happening) {
        self.at += TimeDelta::seconds(10);
        self.steps.push(Step { at: self.at, what });
    }

    fn reports_to(&mut self, okta_id: &str, manager: Option<Manager>) {
        let Some(person) = self.people.get_mut(okta_id) else { return };
        person.manager = manager;
        let person = Box::new(person.clone());
        self.step(Happening::Reorganised(person));
    }

    /// Who works here and is free for something to happen to.
    fn staff(&self) -> impl Iterator<Item = &Person> {
        self.people.values().filter(|person| {
            !self.left.contains(&person.okta_id) && person.user_name != self.protagonist
        })
    }

    /// One person loses and gets their manager several times, another ends without one; and one who
    /// had no telephone gets one.
    fn reorganise(&mut self) {
        let led = self.staff().filter(|person| person.manager.is_some());
        let mut led = led.take(2).cloned().collect::<Vec<_>>().into_iter();
        let (first, second) = (led.next(), led.next());
        if let Some(person) = first {
            for _ in 0..REORGANISATIONS {
                self.reports_to(&person.okta_id, None);
                self.reports_to(&person.okta_id, person.manager.clone());
            }
        }
        if let Some(person) = second {
            self.reports_to(&person.okta_id, None);
        }
        let unreachable = self.staff().find(|person| person.phone.is_empty());
        if let Some(mut person) = unreachable.cloned() {
            person.phone = "+1-617-555-0199".to_owned();
            self.people.insert(person.okta_id.clone(), person.clone());
            self.step(Happening::Reorganised(Box::new(person)));
        }
    }

    /// Two more leave: somebody whom others report to, and somebody whom nobody reports to.
    fn leave(&mut self) {
        let leads = |person: &Person| !self.led_by(&person.employee_number).is_empty();
        let staff: Vec<&Person> = self.staff().filter(|person| person.manager.is_some()).collect();
        let leader = staff.iter().find(|person| leads(person)).copied().cloned();
        let other = staff.iter().find(|person| !leads(person)).copied().cloned();
        for person in leader.into_iter().chain(other) {
            self.left.insert(0, person.okta_id.clone());
            self.step(Happening::Leaves(Box::new(person)));
        }
    }

    /// Who reports to the person of this employee number.
    fn led_by(&self, employee_number: &str) -> Vec<String> {
        let led = self.people.values().filter(|person| {
            let manager = person.manager.as_ref();
            manager.is_some_and(|manager| manager.employee_number == employee_number)
        });
        led.map(|person| person.okta_id.clone()).collect()
    }

    /// All who left but the last are deleted, and the first of them gets a new account. Nobody
    /// reports to an account that is gone.
    fn delete_who_left(&mut self) {
        let mut left = self.left.clone();
        left.pop();
        for okta_id in &left {
            let Some(person) = self.people.get(okta_id).cloned() else { continue };
            for led in self.led_by(&person.employee_number) {
                self.reports_to(&led, None);
            }
            let Some(person) = self.people.remove(okta_id) else { continue };
            self.step(Happening::Deleted(Box::new(person.clone())));
            if left.first() == Some(okta_id) {
                self.people.insert(okta_id.clone(), person.clone());
                self.step(Happening::Rehired(Box::new(person)));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::company::Company;

    #[test]
    fn the_cycle_is_the_month_and_ends_with_deletions_and_a_rehire() {
        let company = Company::new(1, 24);
        let month = Script::month(&company, DateTime::default());
        let cycle = Script::cycle(&company, DateTime::default());
        assert_eq!(cycle.steps[..month.steps.len()], month.steps);
        let after = &cycle.steps[month.steps.len()..];
        let count =
            |wanted: fn(&Happening) -> bool| after.iter().filter(|s| wanted(&s.what)).count();
        assert!(count(|what| matches!(what, Happening::Reorganised(_))) >= 10);
        assert!(count(|what| matches!(what, Happening::Deleted(_))) >= 2);
        assert_eq!(count(|what| matches!(what, Happening::Rehired(_))), 1);
        assert!(cycle.steps.windows(2).all(|pair| pair[0].at < pair[1].at));
    }
}
